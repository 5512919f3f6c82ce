//! Replies that are names and values, and not in an order to rely on.

use std::borrow::Cow;

use crate::{Error, FromReply, Reply, ReplyKind};

/// A reply of names and values, flat or in pairs, read by name.
pub(super) struct Fields<'a>(pub(super) Reply<'a>);

impl<'a> Fields<'a> {
    /// Each name with its value.
    pub(super) fn pairs(
        &self,
    ) -> Result<impl Iterator<Item = Result<(Cow<'a, str>, Reply<'a>), Error>>, Error> {
        let mut items = self.0.items()?;
        Ok(std::iter::from_fn(move || {
            let item = items.next()?;
            Some(if item.kind() == ReplyKind::Array {
                item.items()
                    .and_then(|mut pair| named(pair.next(), pair.next()))
            } else {
                named(Some(item), items.next())
            })
        }))
    }

    /// The value of this name; `None` where the server has no such name, or nil.
    pub(super) fn may<T: FromReply>(&self, name: &str) -> Result<Option<T>, Error> {
        for pair in self.pairs()? {
            let (found, value) = pair?;
            if found == name {
                return value.read();
            }
        }
        Ok(None)
    }

    /// The value of this name, which every server tells.
    pub(super) fn must<T: FromReply>(&self, name: &str) -> Result<T, Error> {
        let missing = || Error::decode(format!("the server's answer has no `{name}`"));
        self.may(name)?.ok_or_else(missing)
    }
}

fn named<'a>(
    name: Option<Reply<'a>>,
    value: Option<Reply<'a>>,
) -> Result<(Cow<'a, str>, Reply<'a>), Error> {
    match (name, value) {
        (Some(name), Some(value)) => Ok((name.text()?, value)),
        _ => Err(Error::decode("the server sent a name without a value")),
    }
}
