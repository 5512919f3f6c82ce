//! Replies that are names and values: a flat array of both in turn, or an array of pairs.

use crate::{Error, Reply, ReplyKind};

/// Gives each name and its value to `field`, which reads those it knows.
pub(super) fn each(
    reply: Reply<'_>,
    mut field: impl FnMut(&str, Reply<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let odd = || Error::decode("the server's answer has a name without a value");
    let mut items = reply.items()?;
    while let Some(item) = items.next() {
        let (name, value) = if item.kind() == ReplyKind::Array {
            let mut pair = item.items()?;
            (pair.next(), pair.next())
        } else {
            (Some(item), items.next())
        };
        let (name, value) = name.zip(value).ok_or_else(odd)?;
        field(&name.text()?, value)?;
    }
    Ok(())
}

/// The value of a field that has to be there.
pub(super) fn there<T>(value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::decode("the server's answer lacks a field"))
}
