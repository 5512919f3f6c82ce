//! What the npm package needs of the engine. Not a public API: it changes without notice.

use bytes::Bytes;

use crate::{
    client::{Answer, Call, Endpoint, Redis},
    command::{self, Options},
    error::{Error, Kind},
};

/// Which of the three forms of request this is.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// One command: a JSON array of its words.
    Command,
    /// A JSON array of commands.
    Pipeline,
    /// A JSON array of commands that run as one.
    MultiExec,
}

/// Sends commands that are JSON already, and gives the answer's body as it came: JSON, else it is an error with
/// [`is_interrupted`](Error::is_interrupted), also where the server should answer in RESP2 unasked.
///
/// Timeout, retry by safety class and errors are those of typed calls. The error of a single
/// command is an `Err`; those inside a batch are in its body.
pub async fn send(redis: &Redis, form: Form, json: String) -> Result<Bytes, Error> {
    let endpoint = match form {
        Form::Command => {
            let answer = command::answer(redis, json, false, Options::default()).await;
            return answer.map(Answer::into_body);
        }
        Form::Pipeline => Endpoint::Pipeline,
        Form::MultiExec => Endpoint::MultiExec,
    };
    let call = Call {
        body: json.into(),
        ..Call::new(endpoint)
    };
    redis.send(call).await.map(Answer::into_body)
}

/// The error of one command inside the body of a batch's answer, by the server's words.
pub fn error_in_batch(words: &str, command: String) -> Error {
    Error::server(words, Some(200), Some(command.into()))
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
