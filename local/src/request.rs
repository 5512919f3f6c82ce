//! From a request to commands: the path form, path and body, one JSON array, an array of arrays.
//!
//! Arguments end up as raw bytes in one buffer for the whole request.

use std::{borrow::Cow, fmt, ops::Range};

use percent_encoding::percent_decode;
use serde::{
    Deserializer as _,
    de::{DeserializeSeed, Error as _, SeqAccess, Visitor},
};
use serde_json::{de::StrRead, value::RawValue};

pub(crate) const NULL_ARGUMENT: &str = "ERR null args are not supported";
pub(crate) const NESTED_ARGUMENT: &str =
    "ERR unsupported arg type: an argument must be a string, a number or a boolean";
pub(crate) const EMPTY_COMMAND: &str = "ERR empty command";
pub(crate) const EMPTY_ENTRY: &str = "ERR empty pipeline command";
pub(crate) const EMPTY_PIPELINE: &str = "ERR empty pipeline request";
pub(crate) const BAD_COMMAND: &str = "ERR failed to parse command";
pub(crate) const BAD_PIPELINE: &str = "ERR failed to parse pipeline request";

/// The commands of one request.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    commands: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    args: Range<usize>,
    problem: Option<&'static str>,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    pub(crate) fn commands(&self) -> impl ExactSizeIterator<Item = Command<'_>> {
        self.commands
            .iter()
            .map(|entry| Command { batch: self, entry })
    }

    fn arg(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }

    /// Closes the command that began with argument number `start`.
    fn close(&mut self, start: usize, problem: Option<&'static str>) {
        let args = start..self.ends.len();
        self.commands.push(Entry { args, problem });
    }
}

/// One command of a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command<'a> {
    batch: &'a Batch,
    entry: &'a Entry,
}

impl<'a> Command<'a> {
    /// What makes this command one that cannot be run at all.
    pub(crate) fn problem(self) -> Option<&'static str> {
        self.entry.problem
    }

    pub(crate) fn len(self) -> usize {
        self.entry.args.len()
    }

    /// Argument `index`, the command's name being number 0.
    pub(crate) fn arg(self, index: usize) -> Option<&'a [u8]> {
        let index = self.entry.args.start.checked_add(index)?;
        if index >= self.entry.args.end {
            return None;
        }
        let start = match index.checked_sub(1) {
            None => 0,
            Some(before) => *self.batch.ends.get(before)?,
        };
        self.batch.bytes.get(start..*self.batch.ends.get(index)?)
    }

    pub(crate) fn name(self) -> &'a [u8] {
        self.arg(0).unwrap_or_default()
    }

    pub(crate) fn args(self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        (0..self.len()).map(move |index| self.arg(index).unwrap_or_default())
    }
}

/// Reads `/set/key` with the body as last argument and the query as further ones: `?EX=100`.
pub(crate) fn from_path(path: &str, query: Option<&str>, body: &[u8]) -> Batch {
    let mut batch = Batch::default();
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        batch.bytes.extend(percent_decode(segment.as_bytes()));
        batch.ends.push(batch.bytes.len());
    }
    if !body.is_empty() {
        batch.arg(body);
    }
    for (name, value) in query_pairs(query) {
        if &*name == b"_token" {
            continue;
        }
        batch.arg(&name);
        if let Some(value) = value {
            batch.arg(&value);
        }
    }
    batch.close(0, None);
    batch
}

type Pair<'a> = (Cow<'a, [u8]>, Option<Cow<'a, [u8]>>);

/// The pairs of a query in their order. `?NX` has no value, `?MATCH=` has an empty one.
pub(crate) fn query_pairs(query: Option<&str>) -> impl Iterator<Item = Pair<'_>> {
    query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (form_decode(name), Some(form_decode(value))),
            None => (form_decode(pair), None),
        })
}

fn form_decode(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        Cow::Owned(percent_decode(spaced.as_bytes()).collect())
    } else {
        percent_decode(text.as_bytes()).into()
    }
}

/// Reads `["SET","key","value"]`.
pub(crate) fn from_json(body: &[u8]) -> Result<Batch, &'static str> {
    let mut batch = Batch::default();
    parse(body, |json| {
        Args(&mut batch, EMPTY_COMMAND).deserialize(json)
    })
    .ok_or(BAD_COMMAND)?;
    match batch.commands.first() {
        Some(Entry { problem: None, .. }) => Ok(batch),
        Some(Entry {
            problem: Some(problem),
            ..
        }) => Err(problem),
        None => Err(EMPTY_COMMAND),
    }
}

/// Reads `[["SET","key","value"],["GET","key"]]`. What is wrong with one command is kept with it.
pub(crate) fn from_json_batch(body: &[u8]) -> Result<Batch, &'static str> {
    let mut batch = Batch::default();
    parse(body, |json| Commands(&mut batch).deserialize(json)).ok_or(BAD_PIPELINE)?;
    if batch.commands.is_empty() {
        return Err(EMPTY_PIPELINE);
    }
    Ok(batch)
}

/// Runs `read` over the whole body, which is JSON and nothing else.
fn parse<F>(body: &[u8], read: F) -> Option<()>
where
    F: FnOnce(&mut serde_json::Deserializer<StrRead<'_>>) -> serde_json::Result<()>,
{
    // Bytes that are no UTF-8 become U+FFFD, as in Go's decoder.
    let text = lossy(body);
    let mut json = serde_json::Deserializer::from_str(&text);
    read(&mut json).ok()?;
    json.end().ok()
}

/// Text with each byte that is not UTF-8 replaced by one U+FFFD, as Go does it.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}

struct Commands<'b>(&'b mut Batch);

impl<'de> DeserializeSeed<'de> for Commands<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Commands<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of commands")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq
            .next_element_seed(Args(&mut *self.0, EMPTY_ENTRY))?
            .is_some()
        {}
        Ok(())
    }
}

/// One command, with the text that says what is wrong with an empty one.
struct Args<'b>(&'b mut Batch, &'static str);

impl<'de> DeserializeSeed<'de> for Args<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Args<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self(batch, empty) = self;
        let start = batch.ends.len();
        let mut problem = None;
        // RawValue keeps a number's own digits, and bytes are the one way to lone surrogates.
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            let text = raw.get();
            match text.as_bytes().first() {
                Some(b'"') => string(text, batch).map_err(A::Error::custom)?,
                Some(b'n') => problem = problem.or(Some(NULL_ARGUMENT)),
                Some(b'[' | b'{') => problem = problem.or(Some(NESTED_ARGUMENT)),
                _ => batch.arg(text.as_bytes()),
            }
        }
        if problem.is_none() && batch.ends.len() == start {
            problem = Some(empty);
        }
        batch.close(start, problem);
        Ok(())
    }
}

/// Appends the meaning of a JSON string; lone surrogates become U+FFFD.
fn string(json: &str, batch: &mut Batch) -> Result<(), serde_json::Error> {
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    if !inner.contains('\\') {
        batch.arg(inner.as_bytes());
        return Ok(());
    }
    let start = batch.bytes.len();
    serde_json::Deserializer::from_str(json).deserialize_bytes(Unescaped(&mut batch.bytes))?;
    // A lone surrogate arrives in the three bytes it would have in UTF-8 (ED A0..BF xx), which no valid
    // text holds, and U+FFFD takes three bytes too.
    let mut rest = batch.bytes.get_mut(start..).unwrap_or_default();
    while let Some(at) = rest.iter().position(|&byte| byte == 0xED) {
        rest = rest.get_mut(at..).unwrap_or_default();
        if let Some([first, second @ 0xA0..=0xBF, third]) = rest.first_chunk_mut::<3>() {
            (*first, *second, *third) = (0xEF, 0xBF, 0xBD);
        }
        rest = rest.get_mut(1..).unwrap_or_default();
    }
    batch.ends.push(batch.bytes.len());
    Ok(())
}

struct Unescaped<'b>(&'b mut Vec<u8>);

impl Visitor<'_> for Unescaped<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<(), E> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;

    fn args(batch: &Batch) -> Vec<Vec<&[u8]>> {
        batch
            .commands()
            .map(|command| command.args().collect())
            .collect()
    }

    #[test]
    fn an_argument_arrives_as_it_was_written() {
        let table: [(&str, &[u8]); 22] = [
            (r#""""#, b""),
            (r#""plain""#, b"plain"),
            (r#""a\"b\\c\/d\b\f\n\r\t""#, b"a\"b\\c/d\x08\x0c\n\r\t"),
            (r#""\u0000""#, b"\0"),
            (r#""\u00e9\u20ac""#, "é€".as_bytes()),
            (r#""\ud83d\ude00""#, "😀".as_bytes()),
            (r#""é😀""#, "é😀".as_bytes()),
            (r#""\ud83d""#, "\u{fffd}".as_bytes()),
            (r#""\ude00x""#, "\u{fffd}x".as_bytes()),
            (r#""\ud83d\ud83d""#, "\u{fffd}\u{fffd}".as_bytes()),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀".as_bytes()),
            (r#""\ud83d\u0041""#, "\u{fffd}A".as_bytes()),
            (r#""\ud7ff\n""#, "\u{d7ff}\n".as_bytes()),
            ("1", b"1"),
            ("-0", b"-0"),
            ("1.50", b"1.50"),
            ("1e400", b"1e400"),
            ("1E+21", b"1E+21"),
            ("9007199254740993", b"9007199254740993"),
            (
                "123456789012345678901234567890",
                b"123456789012345678901234567890",
            ),
            ("true", b"true"),
            ("false", b"false"),
        ];
        for (json, expected) in table {
            let batch = from_json(format!("[\"ECHO\" , {json}\n]").as_bytes()).unwrap();
            assert_eq!(args(&batch), [[b"ECHO".as_slice(), expected]], "{json}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_become_replacement_characters() {
        let batch = from_json(b"[\"ECHO\",\"a\xe2\x82z\"]").unwrap();
        assert_eq!(
            args(&batch),
            [[b"ECHO".as_slice(), "a\u{fffd}\u{fffd}z".as_bytes()]]
        );
    }

    #[test]
    fn what_is_wrong_with_one_command_has_a_text() {
        let table: [(&str, &str); 14] = [
            ("", BAD_COMMAND),
            ("GET", BAD_COMMAND),
            ("{}", BAD_COMMAND),
            (r#""GET""#, BAD_COMMAND),
            (r#"["GET""#, BAD_COMMAND),
            (r#"["GET",]"#, BAD_COMMAND),
            (r#"["GET","k"] x"#, BAD_COMMAND),
            (r#"["GET",007]"#, BAD_COMMAND),
            (r#"["GET","\x"]"#, BAD_COMMAND),
            ("[]", EMPTY_COMMAND),
            (r#"["GET",null]"#, NULL_ARGUMENT),
            (r#"["GET",["k"]]"#, NESTED_ARGUMENT),
            (r#"["GET",{"k":1}]"#, NESTED_ARGUMENT),
            (r#"[["GET","k"]]"#, NESTED_ARGUMENT),
        ];
        for (json, expected) in table {
            assert_eq!(from_json(json.as_bytes()).unwrap_err(), expected, "{json}");
        }
    }

    #[test]
    fn a_batch_keeps_what_is_wrong_with_the_command_it_concerns() {
        let batch =
            from_json_batch(br#"[["SET","k",1],[],["GET",null],["GET",[]],["GET","k"]]"#).unwrap();
        let problems: Vec<_> = batch.commands().map(Command::problem).collect();
        assert_eq!(
            problems,
            [
                None,
                Some(EMPTY_ENTRY),
                Some(NULL_ARGUMENT),
                Some(NESTED_ARGUMENT),
                None
            ]
        );
        assert_eq!(args(&batch)[0], [b"SET".as_slice(), b"k", b"1"]);
        assert_eq!(args(&batch)[4], [b"GET".as_slice(), b"k"]);
        for (json, expected) in [
            ("", BAD_PIPELINE),
            (r#"["GET","k"]"#, BAD_PIPELINE),
            (r#"[["GET","k"]"#, BAD_PIPELINE),
            (r#"[null]"#, BAD_PIPELINE),
            ("[]", EMPTY_PIPELINE),
        ] {
            assert_eq!(
                from_json_batch(json.as_bytes()).unwrap_err(),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let deep = format!("[\"GET\",{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert!(from_json(deep.as_bytes()).is_err());
    }

    #[test]
    fn paths_become_arguments() {
        type Row = (
            &'static str,
            Option<&'static str>,
            &'static [u8],
            &'static [&'static [u8]],
        );
        let table: [Row; 10] = [
            ("/get/foo", None, b"", &[b"get", b"foo"]),
            (
                "/set/foo/a%2Fb%20c+d",
                None,
                b"",
                &[b"set", b"foo", b"a/b c+d"],
            ),
            ("/set/foo/%ff%00", None, b"", &[b"set", b"foo", b"\xff\0"]),
            ("/set/foo/100%", None, b"", &[b"set", b"foo", b"100%"]),
            ("/set//v", None, b"", &[b"set", b"", b"v"]),
            ("/get/", None, b"", &[b"get", b""]),
            (
                "/set/foo",
                Some("EX=100"),
                b"\xff\0",
                &[b"set", b"foo", b"\xff\0", b"EX", b"100"],
            ),
            (
                "/set/foo/v",
                Some("NX&EX=1"),
                b"",
                &[b"set", b"foo", b"v", b"NX", b"EX", b"1"],
            ),
            (
                "/scan/0",
                Some("_token=t&MATCH=&COUNT=5"),
                b"",
                &[b"scan", b"0", b"MATCH", b"", b"COUNT", b"5"],
            ),
            (
                "/scan/0",
                Some("MATCH=a+b%2B%ff"),
                b"",
                &[b"scan", b"0", b"MATCH", b"a b+\xff"],
            ),
        ];
        for (path, query, body, expected) in table {
            assert_eq!(
                args(&from_path(path, query, body)),
                [expected],
                "{path} {query:?}"
            );
        }
    }
}
