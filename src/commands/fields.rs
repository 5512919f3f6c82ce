//! Replies that are names and values, and not in an order to rely on.

use crate::{Error, FromReply, Reply, ReplyKind};

/// A reply of names and values, flat or in pairs, read by name.
pub(super) struct Fields<'a>(pub(super) Reply<'a>);

impl Fields<'_> {
    /// The value of this name; `None` where the server has no such name, or nil.
    pub(super) fn may<T: FromReply>(&self, name: &str) -> Result<Option<T>, Error> {
        let mut items = self.0.items()?;
        while let Some(item) = items.next() {
            let (found, value) = if item.kind() == ReplyKind::Array {
                let mut pair = item.items()?;
                (pair.next(), pair.next())
            } else {
                (Some(item), items.next())
            };
            let (Some(found), Some(value)) = (found, value) else {
                return Err(Error::decode("the server sent a name without a value"));
            };
            if found.text()? == name {
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
