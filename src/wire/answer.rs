//! The envelope of an answer: `{"result": …}`, `{"error": "…"}`, or an array of those for a batch. In RESP2 the
//! values themselves.

use std::{borrow::Cow, ops::Range};

use super::{
    json::{self, Kind, Value},
    resp2,
};

/// Without the feature an answer in RESP2, which then nobody can ask for, is no answer.
pub(crate) const READS_RESP2: bool = cfg!(feature = "resp2");

/// The form in which the replies of an answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json(Strings),
    Resp2,
}

/// What the strings of a JSON answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strings {
    Text,
    Base64,
    /// Text, where bytes were asked for: some may have been lost.
    Lossy,
}

/// What the body of an answer is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// One result; where in the body it stands.
    Result(Range<usize>),
    /// The server's words.
    Error(String),
    /// The replies of a batch; where in the body each stands.
    Entries(Vec<Range<usize>>),
    /// JSON, but none of these.
    Foreign,
    /// Not whole: cut off, or from somebody else.
    Broken,
}

/// Where in the body of an answer its replies are.
#[derive(Debug)]
pub(crate) enum Place {
    Alone(Range<usize>),
    /// Those of a batch.
    Each(Vec<Range<usize>>),
}

/// One command's part of a batch's answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a, R> {
    Result(R),
    Error(Cow<'a, str>),
}

/// Reads the envelope of a whole body.
pub(crate) fn envelope(body: &[u8]) -> Envelope {
    let Some(places) = json::places(body) else {
        return Value::parse(body).map_or(Envelope::Broken, |_| Envelope::Foreign);
    };
    if body.trim_ascii_start().starts_with(b"[") {
        return Envelope::Entries(places);
    }
    match entry(body, &places) {
        Some(Entry::Result(result)) => Envelope::Result(result),
        Some(Entry::Error(words)) => Envelope::Error(words.into_owned()),
        None => Envelope::Foreign,
    }
}

/// Reads the envelope of a whole body in RESP2, which has none: the reply itself, or those of a batch one behind
/// the other.
pub(crate) fn resp2_envelope(body: &[u8], is_batch: bool) -> Envelope {
    let Some(mut values) = resp2::Values::parse(body).filter(|_| !body.is_empty()) else {
        return Envelope::Broken;
    };
    if is_batch {
        let mut at = 0;
        let ends = std::iter::from_fn(|| values.next().map(|_| body.len() - values.left()));
        return Envelope::Entries(
            ends.map(|end| std::mem::replace(&mut at, end)..end)
                .collect(),
        );
    }
    match (values.next(), values.next()) {
        (Some(resp2::Value::Error(words)), None) => {
            Envelope::Error(String::from_utf8_lossy(words).into_owned())
        }
        (Some(_), None) => Envelope::Result(0..body.len()),
        // More than the one reply that was asked for.
        _ => Envelope::Broken,
    }
}

/// Whether a body that begins so may be RESP2; then it is no answer in JSON.
pub(crate) fn may_be_resp2(body: &[u8]) -> bool {
    matches!(body.first(), Some(b'+' | b'-' | b':' | b'$' | b'*'))
}

/// Reads one command's part of a batch's answer: where in its text the result stands, or the server's words.
pub(crate) fn part(text: &[u8], form: Form) -> Option<Entry<'_, Range<usize>>> {
    if READS_RESP2 && form == Form::Resp2 {
        return Some(match resp2::Values::found(text).next()? {
            resp2::Value::Error(words) => Entry::Error(String::from_utf8_lossy(words)),
            _ => Entry::Result(0..text.len()),
        });
    }
    entry(text, &json::places(text)?)
}

/// Reads an object of the two shapes, by the places of its names and values. Members that are neither are no business of
/// ours.
fn entry<'a>(text: &'a [u8], places: &[Range<usize>]) -> Option<Entry<'a, Range<usize>>> {
    text.trim_ascii_start().starts_with(b"{").then_some(())?;
    let mut result = None;
    for member in places.chunks_exact(2) {
        let [name, place] = member else { continue };
        let value = Value::found(text.get(place.clone())?);
        match text.get(name.clone())? {
            b"\"error\"" if value.kind() == Kind::String => return words(value).map(Entry::Error),
            b"\"result\"" => result = Some(Entry::Result(place.clone())),
            _ => {}
        }
    }
    result
}

/// The server's words where an error stands inside a result: an object of this one member.
pub(crate) fn nested_error(value: Value<'_>) -> Option<Cow<'_, str>> {
    let mut members = value.members()?;
    let (name, value) = members.next()?;
    let is_error = name.raw() == b"\"error\"" && value.kind() == Kind::String;
    (is_error && members.next().is_none())
        .then(|| words(value))
        .flatten()
}

fn words(value: Value<'_>) -> Option<Cow<'_, str>> {
    Some(match value.string()? {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(places: &[(usize, usize)]) -> Envelope {
        Envelope::Entries(places.iter().map(|(start, end)| *start..*end).collect())
    }

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
            (r#" [{"result":1}]"#, each(&[(2, 14)])),
            ("[]", each(&[])),
            ("{}", Envelope::Foreign),
            (r#""OK""#, Envelope::Foreign),
            (r#"{"message":"hi"}"#, Envelope::Foreign),
            ("", Envelope::Broken),
            (r#"{"result":"ba"#, Envelope::Broken),
            ("<html></html>", Envelope::Broken),
            (r#"{"result":1}{"result":2}"#, Envelope::Broken),
        ] {
            assert_eq!(envelope(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_part_is_an_object() {
        let part = |json: &'static str| part(json.as_bytes(), Form::Json(Strings::Text));
        assert_eq!(part(r#"{"result":"bar"}"#), Some(Entry::Result(10..15)),);
        assert_eq!(
            part(r#"{"error":"ERR no"}"#),
            Some(Entry::Error("ERR no".into())),
        );
        for json in [
            r#"["result",1]"#,
            r#"["error","ERR no"]"#,
            "{}",
            "1",
            "null",
        ] {
            assert_eq!(part(json), None, "{json}");
        }
    }

    #[test]
    fn resp2_envelopes() {
        for (body, alone, in_batch) in [
            ("+OK\r\n", Envelope::Result(0..5), each(&[(0, 5)])),
            ("$-1\r\n", Envelope::Result(0..5), each(&[(0, 5)])),
            (
                "*1\r\n-ERR no\r\n",
                Envelope::Result(0..13),
                each(&[(0, 13)]),
            ),
            (
                "-ERR no\r\n",
                Envelope::Error("ERR no".into()),
                each(&[(0, 9)]),
            ),
            (":1\r\n:2\r\n", Envelope::Broken, each(&[(0, 4), (4, 8)])),
            ("", Envelope::Broken, Envelope::Broken),
            ("+OK\r", Envelope::Broken, Envelope::Broken),
            (":1\r\n$5\r\nab", Envelope::Broken, Envelope::Broken),
        ] {
            assert_eq!(resp2_envelope(body.as_bytes(), false), alone, "{body:?}");
            assert_eq!(resp2_envelope(body.as_bytes(), true), in_batch, "{body:?}");
        }
    }

    #[test]
    fn errors_inside_a_result() {
        for (json, words) in [
            (r#"{"error":"ERR no"}"#, Some("ERR no")),
            (r#"{ "error" : "a\nb" }"#, Some("a\nb")),
            (r#"{"error":""}"#, Some("")),
            (r#"{"error":"a","more":1}"#, None),
            (r#"{"more":1,"error":"a"}"#, None),
            (r#"{"error":1}"#, None),
            (r#"{"error":"\x"}"#, None),
            (r#"{"err":"a"}"#, None),
            ("{}", None),
            (r#"["error","a"]"#, None),
        ] {
            let value = Value::parse(json.as_bytes()).unwrap();
            assert_eq!(nested_error(value).as_deref(), words, "{json}");
        }
    }
}
