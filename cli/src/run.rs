//! One Redis command, and its reply.

use std::{ffi::OsString, io::Read as _};

use restis::{Redis, Value};

use crate::{
    error::{Error, Result},
    show::Form,
};

/// The words of the command line as bytes, with standard input as the last one if that is asked for.
pub(crate) fn arguments(words: Vec<OsString>, stdin: bool) -> Result<Vec<Vec<u8>>> {
    let mut words: Vec<_> = words
        .into_iter()
        .map(OsString::into_encoded_bytes)
        .collect();
    if stdin {
        let mut last = Vec::new();
        std::io::stdin().lock().read_to_end(&mut last)?;
        words.push(last);
    }
    Ok(words)
}

/// Runs a command and writes its reply.
pub(crate) async fn command(redis: &Redis, words: &[Vec<u8>], form: Form) -> Result<()> {
    form.reply(&reply(redis, words).await?)
}

/// Runs a command.
pub(crate) async fn reply(redis: &Redis, words: &[Vec<u8>]) -> Result<Value> {
    let (name, arguments) = words
        .split_first()
        .ok_or_else(|| Error::usage("there is no command: restis get key"))?;
    let name = std::str::from_utf8(name)
        .map_err(|_| Error::usage("the name of a command is text: restis get key"))?;
    let mut command = redis.command(name);
    for argument in arguments {
        command = command.arg(argument.as_slice());
    }
    Ok(command.query::<Value>().await?)
}
