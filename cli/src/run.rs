//! One Redis command, and its reply.

use std::{ffi::OsString, io::Read};

use restis::{Redis, Value};

use crate::{
    error::{Error, Result},
    show::Form,
};

/// The most a request holds at Upstash's smaller plans, which the client refuses to exceed.
const MOST: u64 = 10 * 1024 * 1024;

/// The words of the command line as bytes, with standard input as the last one if that is asked for.
pub(crate) fn arguments(words: Vec<OsString>, stdin: bool) -> Result<Vec<Vec<u8>>> {
    let mut words: Vec<_> = words
        .into_iter()
        .map(OsString::into_encoded_bytes)
        .collect();
    if stdin {
        words.push(last(std::io::stdin().lock(), MOST)?);
    }
    Ok(words)
}

/// What standard input holds; an endless one is refused after `most` bytes.
fn last(input: impl Read, most: u64) -> Result<Vec<u8>> {
    let mut last = Vec::new();
    input.take(most + 1).read_to_end(&mut last)?;
    if last.len() as u64 > most {
        return Err(Error::usage(format!(
            "standard input holds more than the {most} bytes a request may hold; send it in parts, such as with APPEND"
        )));
    }
    Ok(last)
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

#[cfg(test)]
mod tests {
    use std::io::{Cursor, repeat};

    use super::*;

    #[test]
    fn standard_input_is_read_up_to_the_request_limit() {
        assert_eq!(last(Cursor::new(b"value"), 5).unwrap(), b"value");
        let endless = last(repeat(b'x'), MOST).unwrap_err().to_string();
        assert!(endless.contains("10485760"), "{endless}");
    }
}
