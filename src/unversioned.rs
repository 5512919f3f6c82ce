//! What the npm package needs of the engine. Not a public API: it changes without notice.

use std::{
    borrow::Cow,
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    auto_pipeline::{Load, Seat},
    client::{Answer, Builder, Call, Endpoint, Redis},
    command::{self, AnswerFuture, Options},
    error::{Error, Kind},
    retry::Retry,
    safety,
    transport::Transport,
};

/// A client over this transport. The default one is not even linked.
pub fn build(builder: Builder, transport: impl Transport + 'static) -> Result<Redis, Error> {
    builder.over(Box::new(transport))
}

/// What JavaScript says of a failure, as an error that brings no more than its text.
#[cfg(target_arch = "wasm32")]
pub fn said(text: &str) -> impl std::error::Error + Send + Sync + 'static {
    crate::transport::Text(text.to_owned())
}

/// Which form of request this is.
#[derive(Clone, Debug)]
pub enum Form {
    /// One command: a JSON array of its words.
    Command,
    /// A JSON array of commands.
    Pipeline,
    /// A JSON array of commands that run as one.
    MultiExec,
    /// One command with bytes in it: the JSON array has an empty word in their place, and tells the class and the name.
    Path {
        /// The command up to the bytes as a path, what follows them as a query.
        path: String,
        /// The bytes.
        body: Vec<u8>,
    },
}

/// What a call has of its own; `None` is the client's.
#[derive(Debug, Default)]
pub struct Settings {
    /// At most this long.
    pub timeout: Option<Duration>,
    /// How it is repeated.
    pub retry: Option<Retry>,
    /// Texts of the answer come in base64, so that bytes survive.
    pub base64: bool,
}

/// Sends commands that are JSON already, and gives the answer's body as it came: JSON, else it is an error with
/// [`is_interrupted`](Error::is_interrupted), also where the server should answer in RESP2 unasked.
///
/// Timeout, retry by safety class and errors are those of typed calls. The error of a single
/// command is an `Err`; those inside a batch are in its body.
pub fn send(redis: &Redis, form: Form, json: String, settings: Settings) -> Sent<'_> {
    let mut options = Options {
        timeout: settings.timeout,
        retry: settings.retry,
        ..Options::default()
    };
    // Commands that share a request share its encoding.
    let single = matches!(form, Form::Command | Form::Path { .. });
    let mut name = None;
    let (endpoint, body) = match form {
        Form::Command if !settings.base64 => {
            return Sent(command::answer(redis, json, false, options));
        }
        Form::Command => (Endpoint::Command, json.into()),
        Form::Pipeline => (Endpoint::Pipeline, json.into()),
        Form::MultiExec => (Endpoint::MultiExec, json.into()),
        Form::Path { path, body } => {
            let command = json.as_bytes();
            let timeout = settings.timeout.unwrap_or(redis.timeout());
            options.safety = Some(safety::of_command(command, timeout));
            name = safety::name_of_command(command).map(|name| Cow::Owned(name.into_owned()));
            (Endpoint::Path(path), body.into())
        }
    };
    let call = Call {
        body,
        name,
        base64: settings.base64,
        options,
        ..Call::new(endpoint)
    };
    Sent(if single && redis.is_auto_pipelining() {
        // In its place among the others, in a request of its own.
        AnswerFuture::Seat(Seat::new(redis, Load::Whole(Box::new(call))))
    } else {
        AnswerFuture::Alone(redis.send(call))
    })
}

/// The body of an answer, some time.
#[must_use = "nothing is sent until it is awaited"]
pub struct Sent<'a>(AnswerFuture<'a>);

impl Future for Sent<'_> {
    type Output = Result<Bytes, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|answer| answer.map(Answer::into_body))
    }
}

impl fmt::Debug for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sent")
    }
}

/// The sync token that the next request carries.
pub fn sync_token(redis: &Redis) -> Option<String> {
    redis.inner().sync_token()
}

/// Puts a sync token in the place of the known one: one of another client that wrote.
pub fn set_sync_token(redis: &Redis, token: &str) {
    redis.inner().set_sync_token(token);
}

/// The error of one command inside the body of a batch's answer, by the server's words.
pub fn error_in_batch(words: &str, command: String) -> Error {
    Error::server(words, Some(200), Some(command.into()))
}

/// Why a handler of a job has to stop.
#[cfg(feature = "queue")]
pub use crate::queue::run::Stop;

/// As `Consumer::run_until`, with handlers that cannot be stopped by dropping their futures: `stop` returns whether they can. Also
/// returns how many were still running when the time was over.
#[cfg(feature = "queue")]
pub async fn run_until<F, Fut, V>(
    consumer: &crate::queue::Consumer,
    time: Duration,
    work: F,
    stop: impl Fn(&str, Stop) -> bool,
) -> Result<(crate::queue::Summary, u64), Error>
where
    F: Fn(crate::queue::Job) -> Fut,
    Fut: Future<Output = Result<V, crate::queue::JobError>>,
    V: serde::Serialize,
{
    consumer.drive(time, work, stop).await
}

/// The outcome of a handler that has stopped since the time is over: its job is given back.
#[cfg(feature = "queue")]
pub fn stopped_job() -> crate::queue::JobError {
    crate::queue::JobError::stopped()
}

/// The text of a script of a queue, by its name: `add`, `flow`.
#[cfg(feature = "queue")]
pub fn queue_script(name: &str) -> Option<String> {
    crate::queue::plan::script(name)
}

/// What the script of that name is sent for a request, as JSON.
#[cfg(feature = "queue")]
pub fn queue_request(name: &str, request: &str) -> Result<String, Error> {
    match name {
        "flow" => crate::queue::plan::flow(request),
        _ => crate::queue::plan::add(request),
    }
}

/// A session's token, as JavaScript has it: text.
#[cfg(feature = "sessions")]
pub fn token(text: String) -> crate::session::Token {
    crate::session::Token::of(text)
}

/// [`Sessions::update`](crate::Sessions::update) by a function that may wait and fail; then nothing is changed.
#[cfg(feature = "sessions")]
pub async fn update_session<T, E, F, Fut>(
    sessions: &crate::Sessions<T>,
    token: &str,
    change: F,
) -> Result<Option<T>, E>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
    E: From<Error>,
    F: FnMut(T) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    crate::session::change_by(sessions, token, change).await
}

/// What kind of error this is, in JavaScript's word for it.
pub fn kind(error: &Error) -> &'static str {
    match error.kind() {
        Kind::Config => "config",
        Kind::Argument => "argument",
        Kind::TooLarge => "too-large",
        Kind::Connect => "connect",
        Kind::Tls => "tls",
        Kind::Timeout => "timeout",
        Kind::Interrupted => "interrupted",
        Kind::Http => "http",
        Kind::Server => "server",
        Kind::Decode => "decode",
        #[cfg(feature = "cache")]
        Kind::Loader | Kind::LoaderTimeout => "loader",
    }
}
