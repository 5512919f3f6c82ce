//! The envelope of an answer: `{"result": …}`, `{"error": "…"}`, or an array of those for a batch.

use std::{borrow::Cow, ops::Range};

use super::json::{Kind, Value};

/// What the body of an answer is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// One result; where in the body it stands.
    Result(Range<usize>),
    /// The server's words.
    Error(String),
    /// An array, of a batch; where in the body it stands.
    Entries(Range<usize>),
    /// JSON, but none of these.
    Foreign,
    /// No JSON: cut off, or from somebody else.
    NotJson,
}

/// One command's part of a batch's answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Result(Value<'a>),
    Error(Cow<'a, str>),
}

/// Reads the envelope of a whole body.
pub(crate) fn envelope(body: &[u8]) -> Envelope {
    let Some(value) = Value::parse(body) else {
        return Envelope::NotJson;
    };
    if value.kind() == Kind::Array {
        return Envelope::Entries(range(body, value));
    }
    match entry(value) {
        Some(Entry::Result(result)) => Envelope::Result(range(body, result)),
        Some(Entry::Error(words)) => Envelope::Error(words.into_owned()),
        None => Envelope::Foreign,
    }
}

/// Where in `body` a value stands that was found in it.
pub(crate) fn range(body: &[u8], value: Value<'_>) -> Range<usize> {
    // The value is a part of the body, so the difference of the addresses is its place.
    let start = value
        .raw()
        .as_ptr()
        .addr()
        .saturating_sub(body.as_ptr().addr());
    start..start + value.raw().len()
}

/// Reads one object of the two shapes. Members that are neither are no business of ours.
pub(crate) fn entry(value: Value<'_>) -> Option<Entry<'_>> {
    let mut result = None;
    for (name, value) in value.members()? {
        match name.raw() {
            b"\"error\"" if value.kind() == Kind::String => {
                let words = match value.string()? {
                    Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
                    Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
                };
                return Some(Entry::Error(words));
            }
            b"\"result\"" => result = Some(Entry::Result(value)),
            _ => {}
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes() {
        for (body, expected) in [
            (r#"{"result":"bar"}"#, Envelope::Result(10..15)),
            (" { \"result\" : null } \n", Envelope::Result(14..18)),
            (r#"{"took":1,"result":[1]}"#, Envelope::Result(19..22)),
            (r#"{"error":"ERR no"}"#, Envelope::Error("ERR no".into())),
            (
                r#"{"result":null,"error":"ERR no"}"#,
                Envelope::Error("ERR no".into()),
            ),
            (r#"{"result":1,"error":null}"#, Envelope::Result(10..11)),
            (r#" [{"result":1}]"#, Envelope::Entries(1..15)),
            ("[]", Envelope::Entries(0..2)),
            ("{}", Envelope::Foreign),
            (r#""OK""#, Envelope::Foreign),
            (r#"{"message":"hi"}"#, Envelope::Foreign),
            ("", Envelope::NotJson),
            (r#"{"result":"ba"#, Envelope::NotJson),
            ("<html></html>", Envelope::NotJson),
            (r#"{"result":1}{"result":2}"#, Envelope::NotJson),
        ] {
            assert_eq!(envelope(body.as_bytes()), expected, "{body}");
        }
    }
}
