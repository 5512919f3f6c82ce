//! The connection to the real server, shared by all requests but those that stream.
//!
//! Calls are written as they come and answered in their order, so what one call sends (a pipeline, or
//! MULTI to EXEC) is contiguous on the wire and needs no lock. A lost connection fails the calls that
//! were on their way; the next call connects again. Nothing is sent twice.

use std::{collections::VecDeque, io, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    resp::{self, Malformed, Scanner},
    target::{Link, Reader, Refusal, Target, Writer},
};

const READ_AHEAD: usize = 64 * 1024;
/// How many bytes of replies one call may have; more are read and not kept.
pub(crate) const MOST_REPLIES: usize = 64 * 1024 * 1024;

/// Why a call has no replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// The server could not be reached: nothing was sent.
    NotSent,
    /// The connection ended after the call was sent: it may have run.
    Lost,
    /// The server was silent for too long: the call may have run, or may still run.
    Silent,
    /// The replies were too large to be kept: it ran.
    TooLarge,
}

/// The replies to one call, in the server's own bytes.
#[derive(Debug)]
pub(crate) struct Replies {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl Replies {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let reply = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            reply
        })
    }

    /// The bytes of all replies.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The first reply.
    pub(crate) fn first(&self) -> &[u8] {
        self.iter().next().unwrap_or_default()
    }
}

struct Call {
    payload: Vec<u8>,
    replies: usize,
    done: oneshot::Sender<Result<Replies, Unavailable>>,
}

/// A handle to the connection; it may be used from any thread and any runtime.
#[derive(Clone)]
pub(crate) struct Backend {
    calls: mpsc::UnboundedSender<Call>,
    target: Target,
}

impl Backend {
    /// Connects and leaves a task behind that keeps the connection, and replaces it when the server is silent for
    /// `patience` while a reply is due.
    pub(crate) async fn connect(target: Target, patience: Duration) -> io::Result<Self> {
        let link = target.connect().await?;
        let (calls, receiver) = mpsc::unbounded_channel();
        tokio::spawn(keep(target.clone(), link, receiver, patience));
        Ok(Self { calls, target })
    }

    /// The same server, logged in as another user.
    pub(crate) async fn log_in(
        &self,
        user: &str,
        password: &str,
        patience: Duration,
    ) -> io::Result<Self> {
        let target = self.target.clone().with_login(user, password);
        Self::connect(target, patience).await
    }

    /// Sends one command over a connection of its own: one that ends a script must not wait behind that script.
    pub(crate) async fn alone(&self, command: &[u8]) -> Result<Replies, Unavailable> {
        let bytes = match self.target.link(command).await {
            Ok(link) => link.input.freeze(),
            Err(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
                Some(Refusal(text)) => Bytes::from(format!("-{text}\r\n")),
                None => return Err(Unavailable::Lost),
            },
        };
        let ends = vec![bytes.len()];
        Ok(Replies { bytes, ends })
    }

    /// Sends one command over a connection of its own, for replies that never end. The first is there
    /// when this returns, and is no error: that one is a [`Refusal`].
    pub(crate) async fn stream(&self, command: &[u8]) -> io::Result<Link> {
        self.target.link(command).await
    }

    /// Sends `payload`, which holds as many commands as there are `replies` to wait for.
    pub(crate) async fn call(
        &self,
        payload: Vec<u8>,
        replies: usize,
    ) -> Result<Replies, Unavailable> {
        if replies == 0 {
            return Ok(Replies {
                bytes: Bytes::new(),
                ends: Vec::new(),
            });
        }
        let (done, answer) = oneshot::channel();
        let call = Call {
            payload,
            replies,
            done,
        };
        self.calls.send(call).map_err(|_| Unavailable::NotSent)?;
        answer.await.unwrap_or(Err(Unavailable::Lost))
    }

    /// Sends one command.
    pub(crate) async fn command(&self, args: &[&str]) -> Result<Replies, Unavailable> {
        let mut payload = Vec::new();
        resp::encode(&mut payload, args.iter().map(|arg| arg.as_bytes()));
        self.call(payload, 1).await
    }

    /// Asks what the server may not know.
    pub(crate) async fn ask(&self, args: &[&str]) -> Result<Replies, Unavailable> {
        let replies = self.command(args).await?;
        if is_error(replies.first()) {
            // One that ends the connection after an error has ended it when this has an answer or none.
            let _ = self.command(&["PING"]).await;
        }
        Ok(replies)
    }
}

async fn keep(
    target: Target,
    link: (Reader, Writer),
    mut calls: mpsc::UnboundedReceiver<Call>,
    patience: Duration,
) {
    let mut link = Some((link, None));
    loop {
        let ((reader, writer), first) = match link.take() {
            Some(link) => link,
            None => {
                let Some(call) = calls.recv().await else {
                    return;
                };
                match target.connect().await {
                    Ok(link) => (link, Some(call)),
                    Err(_) => {
                        // Nobody left to tell is no failure.
                        let _ = call.done.send(Err(Unavailable::NotSent));
                        continue;
                    }
                }
            }
        };
        let mut queue = Queue::default();
        let ended = drive(reader, writer, first, &mut calls, &mut queue, patience).await;
        for waiting in queue.waiting {
            let _ = waiting.done.send(Err(Unavailable::Lost));
        }
        if ended.is_ok() {
            return;
        }
        if queue.refused {
            return carefully(&target, &mut calls, patience).await;
        }
    }
}

/// Serves calls one command after the other: for a server that ends the connection after an error, and
/// with it whatever else was sent.
async fn carefully(target: &Target, calls: &mut mpsc::UnboundedReceiver<Call>, patience: Duration) {
    let mut link = None;
    while let Some(call) = calls.recv().await {
        if !call.done.is_closed() {
            let answer = one_by_one(target, &mut link, &call.payload);
            let answer = timeout(patience, answer).await;
            let answer = answer.unwrap_or(Err(Unavailable::Silent));
            let _ = call.done.send(answer);
        }
    }
}

/// Runs the commands of one call. Those of a transaction end with the first that is refused.
async fn one_by_one(
    target: &Target,
    link: &mut Option<(Reader, Writer)>,
    payload: &[u8],
) -> Result<Replies, Unavailable> {
    let together = payload.starts_with(b"*1\r\n$5\r\nMULTI\r\n");
    let mut bytes = BytesMut::new();
    let mut ends = Vec::new();
    let mut commands = resp::Tokens::new(payload);
    while let Some(command) = commands.value() {
        let (mut reader, mut writer) = match link.take() {
            Some(link) => link,
            None => target.connect().await.map_err(|_| match ends.is_empty() {
                true => Unavailable::NotSent,
                false => Unavailable::Lost,
            })?,
        };
        let reply = exchange(&mut reader, &mut writer, command).await;
        let reply = reply.map_err(|_| Unavailable::Lost)?;
        bytes.extend_from_slice(&reply);
        ends.push(bytes.len());
        match (is_error(&reply), together) {
            (false, _) => *link = Some((reader, writer)),
            (true, false) => {}
            (true, true) => break,
        }
    }
    let bytes = bytes.freeze();
    Ok(Replies { bytes, ends })
}

async fn exchange(
    reader: &mut Reader,
    writer: &mut Writer,
    command: &[u8],
) -> io::Result<BytesMut> {
    writer.write_all(command).await?;
    let (mut input, mut scanner) = (BytesMut::new(), Scanner::new());
    while scanner.advance(&input)?.is_none() {
        if reader.read_buf(&mut input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(input)
}

fn is_error(reply: &[u8]) -> bool {
    reply.starts_with(b"-")
}

struct Waiting {
    replies: usize,
    arrived: usize,
    /// Some of the replies were not kept.
    too_large: bool,
    ends: Vec<usize>,
    done: oneshot::Sender<Result<Replies, Unavailable>>,
}

#[derive(Default)]
struct Queue {
    out: BytesMut,
    waiting: VecDeque<Waiting>,
    /// The last reply was an error.
    refused: bool,
}

impl Queue {
    fn push(&mut self, call: Call) {
        // Whoever asked has left before anything was sent: then nothing is.
        if call.done.is_closed() {
            return;
        }
        self.out.extend_from_slice(&call.payload);
        self.waiting.push_back(Waiting {
            replies: call.replies,
            arrived: 0,
            too_large: false,
            ends: Vec::with_capacity(call.replies),
            done: call.done,
        });
    }

    fn deliver(&mut self, input: &mut BytesMut, scanner: &mut Scanner) -> Result<(), Malformed> {
        while let Some(front) = self.waiting.front_mut() {
            let end = scanner.advance(input)?;
            if let Some(end) = end {
                let start = front.ends.last().copied().unwrap_or_default();
                self.refused = is_error(input.get(start..).unwrap_or_default());
                front.arrived += 1;
                front.ends.push(end);
            }
            if end.is_some() && front.arrived == front.replies {
                let bytes = input.split_to(end.unwrap_or_default()).freeze();
                scanner.rewind();
                if let Some(waiting) = self.waiting.pop_front() {
                    let Waiting {
                        ends,
                        done,
                        too_large,
                        ..
                    } = waiting;
                    let _ = done.send(match too_large {
                        true => Err(Unavailable::TooLarge),
                        false => Ok(Replies { bytes, ends }),
                    });
                }
                continue;
            }
            if scanner.looked_at() > MOST_REPLIES || front.too_large {
                front.too_large = true;
                front.ends.clear();
                let bytes = scanner.looked_at();
                input.advance(bytes);
                scanner.took(bytes);
            }
            if end.is_none() {
                return Ok(());
            }
        }
        if input.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

/// Serves calls over one connection. Returns `Ok` when nobody is left to call.
async fn drive(
    mut reader: Reader,
    mut writer: Writer,
    first: Option<Call>,
    calls: &mut mpsc::UnboundedReceiver<Call>,
    queue: &mut Queue,
    patience: Duration,
) -> io::Result<()> {
    let mut input = BytesMut::with_capacity(READ_AHEAD);
    let mut scanner = Scanner::new();
    if let Some(call) = first {
        queue.push(call);
    }
    // When the server sent something for the last time, or when it was asked after a pause.
    let mut heard = Instant::now();
    loop {
        input.reserve(READ_AHEAD / 4);
        // Reading goes on while writing waits: a server whose answers are not read stops reading too.
        tokio::select! {
            biased;
            read = reader.read_buf(&mut input) => {
                if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                heard = Instant::now();
                queue.deliver(&mut input, &mut scanner)?;
            }
            written = writer.write_buf(&mut queue.out), if !queue.out.is_empty() => {
                if written? == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
            }
            call = calls.recv() => {
                let Some(call) = call else { return Ok(()) };
                if queue.waiting.is_empty() {
                    heard = Instant::now();
                }
                queue.push(call);
                while let Ok(call) = calls.try_recv() {
                    queue.push(call);
                }
            }
            () = sleep_until(heard + patience), if !queue.waiting.is_empty() => {
                for waiting in queue.waiting.drain(..) {
                    let _ = waiting.done.send(Err(Unavailable::Silent));
                }
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn call(payload: &[u8]) -> (Call, oneshot::Receiver<Result<Replies, Unavailable>>) {
        let (done, answer) = oneshot::channel();
        let call = Call {
            payload: payload.to_vec(),
            replies: 2,
            done,
        };
        (call, answer)
    }

    #[test]
    fn nothing_is_sent_for_one_who_has_left() {
        let mut queue = Queue::default();
        let (gone, answer) = call(b"gone");
        drop(answer);
        queue.push(gone);
        let (here, mut answer) = call(b"here");
        queue.push(here);
        assert_eq!(
            (queue.out.as_ref(), queue.waiting.len()),
            (b"here".as_slice(), 1)
        );

        let (mut input, mut scanner) = (BytesMut::from(":1\r\n:2"), Scanner::new());
        assert_eq!(queue.deliver(&mut input, &mut scanner), Ok(()));
        assert!(answer.try_recv().is_err(), "the second is not complete");
        input.extend_from_slice(b"\r\n");
        assert_eq!(queue.deliver(&mut input, &mut scanner), Ok(()));
        let replies = answer.try_recv().unwrap().unwrap();
        assert_eq!(replies.iter().collect::<Vec<_>>(), [b":1\r\n", b":2\r\n"]);
        input.extend_from_slice(b":3\r\n");
        let nobody_asked = queue.deliver(&mut input, &mut scanner);
        assert_eq!(nobody_asked, Err(Malformed));
    }
}
