//! The connection to the real server, shared by all requests but those that stream.
//!
//! Calls are written as they come and answered in their order, so what one call sends (a pipeline, or
//! MULTI to EXEC) is contiguous on the wire and needs no lock. A lost connection fails the calls that
//! were on their way; the next call connects again. Nothing is sent twice.

use std::{collections::VecDeque, fmt, io, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::Uri;
use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    error::Error,
    resp::{self, Malformed, Scanner, Token},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_AHEAD: usize = 64 * 1024;

pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Where the real server listens, and how to log in.
#[derive(Clone)]
pub(crate) struct Target {
    place: Place,
    user: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    database: u32,
}

#[derive(Clone)]
enum Place {
    Tcp(String, u16),
    #[cfg(unix)]
    Socket(std::path::PathBuf),
}

impl Target {
    #[cfg(unix)]
    pub(crate) fn socket(path: std::path::PathBuf) -> Self {
        Self {
            place: Place::Socket(path),
            user: None,
            password: None,
            database: 0,
        }
    }

    /// Reads `redis://[user[:password]@]host[:port][/database]`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::new(format!(
                "{why}; the address of the server is written redis://[user:password@]host[:port][/database]"
            ))
        };
        let uri: Uri = url.trim().parse().map_err(|_| bad("this is not a URL"))?;
        match uri.scheme_str() {
            Some("redis") => {}
            Some("rediss") => return Err(bad("TLS to the server is not supported")),
            _ => return Err(bad("the URL does not begin with redis://")),
        }
        let authority = uri
            .authority()
            .ok_or_else(|| bad("the URL names no host"))?;
        let decode = |text: &str| -> Option<Vec<u8>> {
            (!text.is_empty()).then(|| percent_decode_str(text).collect())
        };
        let (login, place) = authority
            .as_str()
            .rsplit_once('@')
            .unwrap_or(("", authority.as_str()));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (decode(user), decode(password)),
            None => (None, decode(login)),
        };
        let host = authority.host();
        let port = match place.strip_prefix(host) {
            Some("") => 6379,
            // http's own port() is none for a number that is too large.
            Some(port) => port
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .ok_or_else(|| bad("the port of the URL is not a port"))?,
            None => return Err(bad("the URL names no host")),
        };
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err(bad("the URL names no host"));
        }
        let database = match uri.path().trim_matches('/') {
            "" => 0,
            number => number
                .parse()
                .map_err(|_| bad("the database of the URL is not a number"))?,
        };
        Ok(Self {
            place: Place::Tcp(host.to_owned(), port),
            user,
            password,
            database,
        })
    }

    async fn open(&self) -> io::Result<(Reader, Writer)> {
        match &self.place {
            Place::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                Ok((Box::new(reader), Box::new(writer)))
            }
            #[cfg(unix)]
            Place::Socket(path) => {
                let (reader, writer) = tokio::net::UnixStream::connect(path).await?.into_split();
                Ok((Box::new(reader), Box::new(writer)))
            }
        }
    }

    /// Connects and logs in. The server has answered once when this returns.
    async fn connect(&self) -> io::Result<(Reader, Writer)> {
        timeout(CONNECT_TIMEOUT, self.log_in(b"*1\r\n$4\r\nPING\r\n"))
            .await?
            .map(|link| (link.reader, link.writer))
    }

    /// Connects, logs in and sends one command.
    async fn log_in(&self, command: &[u8]) -> io::Result<Link> {
        let (mut reader, mut writer) = self.open().await?;
        let mut greeting = Vec::new();
        let mut logins = 0;
        if let Some(password) = &self.password {
            let args = [
                Some(b"AUTH".as_slice()),
                self.user.as_deref(),
                Some(password),
            ];
            let args: Vec<&[u8]> = args.into_iter().flatten().collect();
            resp::encode(&mut greeting, args.into_iter());
            logins += 1;
        }
        if self.database != 0 {
            let database = self.database.to_string();
            resp::encode(
                &mut greeting,
                [b"SELECT".as_slice(), database.as_bytes()].into_iter(),
            );
            logins += 1;
        }
        greeting.extend_from_slice(command);
        writer.write_all(&greeting).await?;
        let mut input = BytesMut::new();
        loop {
            let mut scanner = Scanner::new();
            while let Some(end) = scanner.advance(&input)? {
                let reply = input.get(..end).unwrap_or_default();
                if let Some(Token::Error(text)) = resp::Tokens::new(reply).next() {
                    return Err(Refusal::error(text));
                }
                if logins == 0 {
                    return Ok(Link {
                        reader,
                        writer,
                        input,
                    });
                }
                logins -= 1;
                input.advance(end);
                scanner.rewind();
            }
            if reader.read_buf(&mut input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// A connection that was logged in, and what arrived over it: at least the reply to its first command.
pub(crate) struct Link {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) input: BytesMut,
}

/// The server answered a login, or a stream's command, with this error.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl Refusal {
    fn error(text: &[u8]) -> io::Error {
        io::Error::other(Self(String::from_utf8_lossy(text).into_owned()))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// The address without the login.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp(host, port) => write!(f, "{host}:{port}"),
            #[cfg(unix)]
            Place::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

impl From<Malformed> for io::Error {
    fn from(_: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, "the answer is not RESP2")
    }
}

/// Why a call has no replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// The server could not be reached: nothing was sent.
    NotSent,
    /// The connection ended after the call was sent: nobody knows whether it ran.
    Lost,
}

/// The replies to one call, in the server's own bytes.
#[derive(Debug)]
pub(crate) struct Replies {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl Replies {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
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
    /// Connects and leaves a task behind that keeps the connection.
    pub(crate) async fn connect(target: Target) -> io::Result<Self> {
        let link = target.connect().await?;
        let (calls, receiver) = mpsc::unbounded_channel();
        tokio::spawn(keep(target.clone(), link, receiver));
        Ok(Self { calls, target })
    }

    /// Sends one command over a connection of its own, for replies that never end. The first is there
    /// when this returns, and is no error: that one is a [`Refusal`].
    pub(crate) async fn stream(&self, command: &[u8]) -> io::Result<Link> {
        timeout(CONNECT_TIMEOUT, self.target.log_in(command)).await?
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
}

async fn keep(target: Target, link: (Reader, Writer), mut calls: mpsc::UnboundedReceiver<Call>) {
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
        let ended = drive(reader, writer, first, &mut calls, &mut queue).await;
        for waiting in queue.waiting {
            let _ = waiting.done.send(Err(Unavailable::Lost));
        }
        if ended.is_ok() {
            return;
        }
    }
}

struct Waiting {
    replies: usize,
    ends: Vec<usize>,
    done: oneshot::Sender<Result<Replies, Unavailable>>,
}

#[derive(Default)]
struct Queue {
    out: BytesMut,
    waiting: VecDeque<Waiting>,
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
            ends: Vec::with_capacity(call.replies),
            done: call.done,
        });
    }

    fn deliver(&mut self, input: &mut BytesMut, scanner: &mut Scanner) -> Result<(), Malformed> {
        while let Some(front) = self.waiting.front_mut() {
            let Some(end) = scanner.advance(input)? else {
                return Ok(());
            };
            front.ends.push(end);
            if front.ends.len() == front.replies {
                let bytes = input.split_to(end).freeze();
                scanner.rewind();
                if let Some(Waiting { ends, done, .. }) = self.waiting.pop_front() {
                    let _ = done.send(Ok(Replies { bytes, ends }));
                }
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
) -> io::Result<()> {
    let mut input = BytesMut::with_capacity(READ_AHEAD);
    let mut scanner = Scanner::new();
    if let Some(call) = first {
        queue.push(call);
    }
    loop {
        input.reserve(READ_AHEAD / 4);
        // Reading goes on while writing waits: a server whose answers are not read stops reading too.
        tokio::select! {
            biased;
            read = reader.read_buf(&mut input) => {
                if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                queue.deliver(&mut input, &mut scanner)?;
            }
            written = writer.write_buf(&mut queue.out), if !queue.out.is_empty() => {
                if written? == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
            }
            call = calls.recv() => {
                let Some(call) = call else { return Ok(()) };
                queue.push(call);
                while let Ok(call) = calls.try_recv() {
                    queue.push(call);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::*;

    #[test]
    fn addresses_are_read_without_showing_the_login() {
        let table = [
            ("redis://localhost", "localhost:6379", None, None, 0),
            ("redis://10.0.0.1:7000/3", "10.0.0.1:7000", None, None, 3),
            ("redis://[::1]:7000/", "::1:7000", None, None, 0),
            ("redis://:p%40ss@h", "h:6379", None, Some("p@ss"), 0),
            ("redis://ada:x:y@h:1", "h:1", Some("ada"), Some("x:y"), 0),
        ];
        for (url, place, user, password, database) in table {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.to_string(), place, "{url}");
            assert_eq!(target.user.as_deref(), user.map(str::as_bytes), "{url}");
            assert_eq!(
                target.password.as_deref(),
                password.map(str::as_bytes),
                "{url}"
            );
            assert_eq!(target.database, database, "{url}");
        }
    }

    #[test]
    fn addresses_that_cannot_work_say_how_one_is_written() {
        for url in [
            "",
            "localhost:6379",
            "http://h",
            "rediss://h",
            "redis://",
            "redis://h:99999",
            "redis://secret@h/x",
        ] {
            let Err(error) = Target::parse(url) else {
                panic!("{url} was accepted");
            };
            let message = error.to_string();
            assert!(
                message.contains("redis://[user:password@]host"),
                "{message}"
            );
            assert!(!message.contains("secret"), "{message}");
        }
    }

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
