//! What a command answers for each match of a path: [`Matches`], and [`Numbers`] for numbers in JSON text.

use std::ops::Deref;

use crate::{
    Error, FromReply, Reply, ReplyKind,
    wire::{answer::Strings, json},
};

macro_rules! per_match {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<T>(pub Vec<Option<T>>);

        impl<T> $name<T> {
            /// What was answered for the first match; `None` if there is no match, or it has the wrong type.
            pub fn one(self) -> Option<T> {
                self.0.into_iter().next().flatten()
            }
        }

        impl<T> Deref for $name<T> {
            type Target = [Option<T>];

            fn deref(&self) -> &[Option<T>] {
                &self.0
            }
        }

        impl<T> IntoIterator for $name<T> {
            type Item = Option<T>;
            type IntoIter = std::vec::IntoIter<Option<T>>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.into_iter()
            }
        }

        impl<'a, T> IntoIterator for &'a $name<T> {
            type Item = &'a Option<T>;
            type IntoIter = std::slice::Iter<'a, Option<T>>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}

per_match! {
    /// What a command answered for each match of a path, in the order of the document.
    ///
    /// `None` is a match whose type the command is not for. A JSONPath without matches gives none, as
    /// does a nil, which some servers answer for a key that does not exist; others answer an error.
    /// An older path (`.name`) has one match.
    Matches
}

per_match! {
    /// The new number for each match of a path. `None` is a match that is no number.
    ///
    /// They come as JSON text, and are read from their digits.
    Numbers
}

impl<T: FromReply> FromReply for Matches<T> {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match reply.kind() {
            ReplyKind::Nil => Ok(Self(Vec::new())),
            // The one value of an older path may be an array itself.
            ReplyKind::Array => {
                let each = reply.read::<Vec<Option<T>>>();
                each.or_else(|error| Ok(vec![Some(reply.read().map_err(|_: Error| error)?)]))
                    .map(Self)
            }
            _ => Ok(Self(vec![Some(reply.read()?)])),
        }
    }
}

impl<T: FromReply> FromReply for Numbers<T> {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let text = match reply.kind() {
            ReplyKind::Nil => return Ok(Self(Vec::new())),
            ReplyKind::Array => return reply.read().map(Self),
            _ => reply.bytes()?,
        };
        let json = json::Value::parse(&text)
            .ok_or_else(|| Error::decode("the reply is not JSON; ask for String to see it"))?;
        let numbers = Reply::json(json, Strings::Text);
        match numbers.kind() {
            ReplyKind::Array => numbers.read().map(Self),
            _ => Ok(Self(vec![numbers.read()?])),
        }
    }
}
