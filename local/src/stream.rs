//! Replies that never end, as server-sent events: subscriptions and MONITOR.
//!
//! Each has a connection of its own to the server behind, read only as fast as the client reads. What a
//! client leaves unread therefore waits in the server, which closes the connection at its own limit.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::{HeaderMap, Method, header};
use tokio::io::{AsyncRead as _, ReadBuf};

use crate::{
    answer::{Closed, Pending},
    backend::{Backend, Link, Reader, Writer},
    request::Command,
    resp::{self, Scanner, Token, Tokens},
    serve::Meter,
};

const AT_ONCE: usize = 8 * 1024;

/// What a request streams, if it asks for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Subscribe,
    PSubscribe,
    Monitor,
}

impl Source {
    /// Only with this header: without it the path is a command as any other, and refused as one that
    /// belongs to a connection.
    pub(crate) fn asked(
        method: &Method,
        headers: &HeaderMap,
        command: Command<'_>,
    ) -> Option<Self> {
        let accepted = headers.get_all(header::ACCEPT).iter().any(|value| {
            let kinds = value.as_bytes().split(|&byte| byte == b',');
            kinds
                .filter_map(|kind| kind.split(|&byte| byte == b';').next())
                .any(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
        });
        if !accepted || !matches!(*method, Method::GET | Method::POST) {
            return None;
        }
        match command.name().to_ascii_lowercase().as_slice() {
            b"subscribe" => Some(Self::Subscribe),
            b"psubscribe" => Some(Self::PSubscribe),
            b"monitor" => Some(Self::Monitor),
            _ => None,
        }
    }

    /// The command in capitals.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Subscribe => "SUBSCRIBE",
            Self::PSubscribe => "PSUBSCRIBE",
            Self::Monitor => "MONITOR",
        }
    }
}

/// The body of a stream. Its end is the end of the connection, whoever ended it.
pub(crate) struct Events {
    reader: Reader,
    /// Closed, the server would end the connection.
    _writer: Writer,
    input: BytesMut,
    scanner: Scanner,
    /// What a fault still lets through, and whether the connection then stays open and silent.
    left: Option<u64>,
    stalls: Option<Pending>,
    meter: Arc<Meter>,
    over: bool,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// Runs the command. The server has accepted it when this returns.
    pub(crate) async fn open(
        backend: &Backend,
        command: Command<'_>,
        meter: Arc<Meter>,
    ) -> io::Result<Self> {
        let mut sent = Vec::new();
        resp::encode(&mut sent, command.args());
        let Link {
            reader,
            writer,
            input,
        } = backend.stream(&sent).await?;
        Ok(Self {
            reader,
            _writer: writer,
            input,
            scanner: Scanner::new(),
            left: None,
            stalls: None,
            meter,
            over: false,
        })
    }

    /// Ends the stream after this many bytes, or leaves it silent.
    pub(crate) fn cut(&mut self, bytes: u64, stalls: Option<Pending>) {
        self.left = Some(bytes);
        self.stalls = stalls;
        if bytes == 0 {
            self.end();
        }
    }

    fn end(&mut self) {
        self.over = true;
        self.meter.expect_flush();
    }

    /// The next bytes of the stream. It never ends well.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Closed>> {
        loop {
            if self.over {
                // hyper forgets what it has not yet written when a body fails.
                ready!(self.meter.flushed(cx));
                return match self.stalls {
                    Some(_) => Poll::Pending,
                    None => Poll::Ready(Err(Closed)),
                };
            }
            let events = self.arrived();
            if !events.is_empty() {
                return Poll::Ready(Ok(events));
            }
            let mut chunk = [0; AT_ONCE];
            let mut chunk = ReadBuf::new(&mut chunk);
            let read = ready!(Pin::new(&mut self.reader).poll_read(cx, &mut chunk));
            match (read, chunk.filled()) {
                (Err(_), _) | (Ok(()), []) => self.end(),
                (Ok(()), bytes) => self.input.extend_from_slice(bytes),
            }
        }
    }

    /// The events of all replies that are there in full.
    fn arrived(&mut self) -> Bytes {
        let mut out = Vec::new();
        let mut taken = 0;
        loop {
            match self.scanner.advance(&self.input) {
                Ok(Some(end)) => {
                    event(&mut out, self.input.get(taken..end).unwrap_or_default());
                    taken = end;
                }
                Ok(None) => break,
                Err(_) => {
                    self.end();
                    break;
                }
            }
        }
        self.input.advance(taken);
        self.scanner.took(taken);
        if let Some(left) = &mut self.left {
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            out.truncate(most);
            *left -= out.len() as u64;
            if *left == 0 {
                self.end();
            }
        }
        out.into()
    }
}

/// Writes one reply: the parts of a message with commas between them, or a line of MONITOR. Each line of
/// it is a `data:` line, so that it arrives whole; only line feeds end a line.
fn event(out: &mut Vec<u8>, reply: &[u8]) {
    let mut text = Vec::with_capacity(reply.len());
    for token in Tokens::new(reply) {
        let part = match token {
            Token::Array(_) => continue,
            Token::Status(b"OK") => b"\"OK\"",
            Token::Status(part) | Token::Error(part) | Token::Integer(part) | Token::Bulk(part) => {
                part
            }
            Token::Nil => b"",
        };
        if !text.is_empty() {
            text.push(b',');
        }
        text.extend_from_slice(part);
    }
    out.reserve(text.len() + 8);
    for line in text.split(|&byte| byte == b'\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_one_event() {
        let table: [(&[u8], &str); 8] = [
            (
                b"*3\r\n$9\r\nsubscribe\r\n$4\r\nchat\r\n:1\r\n",
                "data: subscribe,chat,1\n\n",
            ),
            (
                b"*3\r\n$7\r\nmessage\r\n$4\r\nchat\r\n$5\r\nhello\r\n",
                "data: message,chat,hello\n\n",
            ),
            (
                b"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$4\r\nchat\r\n$3\r\na,b\r\n",
                "data: pmessage,*,chat,a,b\n\n",
            ),
            (
                b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n",
                "data: message,c,\n\n",
            ),
            (
                b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$7\r\na\n\r\nb\r\n\r\n",
                "data: message,c,a\ndata: \r\ndata: b\r\ndata: \n\n",
            ),
            (
                b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nOK\r\n",
                "data: message,c,OK\n\n",
            ),
            (b"+OK\r\n", "data: \"OK\"\n\n"),
            (
                b"+1721284005.242090 [0 0.0.0.0:0] \"GET\" \"k\"\r\n",
                "data: 1721284005.242090 [0 0.0.0.0:0] \"GET\" \"k\"\n\n",
            ),
        ];
        for (reply, expected) in table {
            let mut out = Vec::new();
            event(&mut out, reply);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
