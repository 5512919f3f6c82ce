//! Where the real server listens, and how a connection to it begins.

use std::{fmt, io, path::Path, time::Duration};

use bytes::{Buf as _, BytesMut};
use hyper::Uri;
use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    error::Error,
    resp::{self, Malformed, Scanner, Token},
    tls::{self, Tls},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Where the real server listens, and how to log in.
#[derive(Clone)]
pub(crate) struct Target {
    place: Place,
    user: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    database: u32,
    /// Over TCP.
    tls: Option<Tls>,
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
            tls: None,
        }
    }

    /// Reads `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS, for which the certificates of `ca` are
    /// trusted in place of the system's.
    pub(crate) fn parse(url: &str, ca: Option<&Path>) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::new(format!(
                "{why}; the address of the server is written redis://[user:password@]host[:port][/database], or rediss:// for TLS"
            ))
        };
        let uri: Uri = url.trim().parse().map_err(|_| bad("this is not a URL"))?;
        let is_tls = match uri.scheme_str() {
            Some("redis") if ca.is_some() => {
                return Err(bad("certificates are of use with rediss:// only"));
            }
            Some("redis") => false,
            Some("rediss") => true,
            _ => return Err(bad("the URL does not begin with redis:// or rediss://")),
        };
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
        let tls = match is_tls {
            true => Some(tls::to(host, ca)?),
            false => None,
        };
        Ok(Self {
            tls,
            place: Place::Tcp(host.to_owned(), port),
            user,
            password,
            database,
        })
    }

    /// The same server for another user.
    pub(crate) fn with_login(mut self, user: &str, password: &str) -> Self {
        self.user = Some(user.as_bytes().to_vec());
        self.password = Some(password.as_bytes().to_vec());
        self
    }

    async fn open(&self) -> io::Result<(Reader, Writer)> {
        match &self.place {
            Place::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                if let Some(Tls { connector, name }) = &self.tls {
                    let stream = connector.connect(name.clone(), stream).await?;
                    let (reader, writer) = tokio::io::split(stream);
                    return Ok((Box::new(reader), Box::new(writer)));
                }
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
    pub(crate) async fn connect(&self) -> io::Result<(Reader, Writer)> {
        let link = self.link(b"*1\r\n$4\r\nPING\r\n").await?;
        Ok((link.reader, link.writer))
    }

    /// Connects, logs in and sends one command, whose reply is there when this returns, and is no error.
    pub(crate) async fn link(&self, command: &[u8]) -> io::Result<Link> {
        timeout(CONNECT_TIMEOUT, self.log_in(command)).await?
    }

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
            let target = Target::parse(url, None).unwrap();
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
            "redis://",
            "redis://h:99999",
            "redis://secret@h/x",
        ] {
            let Err(error) = Target::parse(url, None) else {
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
}
