//! What the npm package needs of the engine. Not a public API: it changes without notice.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    client::{Answer, Call, Endpoint, Redis},
    command::{self, Options},
    error::Error,
    retry::Retry,
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

/// Sends commands that are JSON already, and gives the answer's body as it came.
///
/// Timeout, retry by safety class and errors are those of typed calls. The error of a single
/// command is an `Err`; those inside a batch are in its body.
pub async fn send(
    redis: &Redis,
    form: Form,
    json: String,
    base64: bool,
    timeout: Option<Duration>,
    retry: Option<Retry>,
) -> Result<Bytes, Error> {
    let options = Options {
        timeout,
        retry,
        ..Options::default()
    };
    let endpoint = match form {
        Form::Command => {
            let answer = command::answer(redis, json, base64, options).await;
            return answer.map(Answer::into_body);
        }
        Form::Pipeline => Endpoint::Pipeline,
        Form::MultiExec => Endpoint::MultiExec,
    };
    let call = Call {
        base64,
        options,
        body: json.into(),
        ..Call::new(endpoint)
    };
    redis.send(call).await.map(Answer::into_body)
}
