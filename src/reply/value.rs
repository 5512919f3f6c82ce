//! [`Value`]: a reply of any shape.

use bytes::Bytes;

use super::{FromReply, Reply, ReplyKind};
use crate::error::Error;

/// A reply of any shape, for commands whose shape is not known before: `command("…").query::<Value>()`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    Nil,
    /// A number, in its own digits.
    Number(String),
    /// Text or bytes.
    Bytes(Bytes),
    /// Several replies.
    Array(Vec<Self>),
    /// The words of an error of Redis inside an array, as the server sent them: they may quote a key or a value.
    Error(String),
}

impl Value {
    /// The text, if it is a number or UTF-8 text. The words of an error are not.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Number(digits) => Some(digits),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Nil | Self::Array(_) | Self::Error(_) => None,
        }
    }
}

impl FromReply for Value {
    const BYTES: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        // As deep as the scanners let arrays be, so the recursion is bounded.
        Ok(match reply.kind() {
            ReplyKind::Nil => Self::Nil,
            ReplyKind::Number => Self::Number(reply.read()?),
            ReplyKind::String => Self::Bytes(reply.read()?),
            ReplyKind::Array => Self::Array(reply.read()?),
            ReplyKind::Error => Self::Error(reply.error_words().unwrap_or_default().into_owned()),
            ReplyKind::Other => return Err(reply.not("a reply of Redis")),
        })
    }
}
