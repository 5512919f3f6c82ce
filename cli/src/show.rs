//! How replies are written: for people as redis-cli does, plain into a pipe, or as JSON, a document a line.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use restis::Value;
use serde_json::json;

use crate::{
    error::{Error, Result},
    words::{acts_on_a_terminal, quoted, safe},
};

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Types, numbers and quotes.
    People,
    /// The values, an element a line.
    Plain,
    /// JSON; bytes that are not UTF-8 are `{"base64": …}`.
    Json,
}

impl Form {
    /// JSON where it is asked for, else by what standard output is.
    pub(crate) fn chosen(json: bool) -> Self {
        match (json, io::stdout().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::People,
            (false, false) => Self::Plain,
        }
    }

    pub(crate) fn is_json(self) -> bool {
        self == Self::Json
    }

    /// Writes a reply.
    pub(crate) fn reply(self, value: &Value) -> Result<()> {
        match self {
            Self::People => text(&people(value, 0)),
            Self::Json => line(&json(value)),
            Self::Plain => {
                let mut bytes = Vec::new();
                plain(value, &mut bytes);
                bytes.push(b'\n');
                raw(&bytes)
            }
        }
    }

    /// Writes bytes as one line, such as the name of a key.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::People => text(&quoted(bytes)),
            Self::Json => line(&json_bytes(bytes)),
            Self::Plain => raw(&[bytes, b"\n"].concat()),
        }
    }

    /// Writes an error where it belongs: for programs to what they read, else to standard error.
    pub(crate) fn error(self, error: &Error) {
        // There is nowhere left to say that this failed.
        let _ = match self {
            Self::Json => line(&error.json()),
            Self::People | Self::Plain => {
                writeln!(io::stderr(), "restis: {}", safe(&error.to_string())).map_err(Error::from)
            }
        };
    }
}

/// A line of text.
pub(crate) fn text(text: &str) -> Result<()> {
    raw(format!("{text}\n").as_bytes())
}

/// A line of JSON.
pub(crate) fn line(value: &serde_json::Value) -> Result<()> {
    text(&escaped(&value.to_string()))
}

/// JSON that a terminal can show: outside its strings JSON has only ASCII, and inside them `\u` means the same character.
fn escaped(json: &str) -> Cow<'_, str> {
    if !json.chars().any(acts_on_a_terminal) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if acts_on_a_terminal(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(char);
        }
    }
    Cow::Owned(text)
}

fn raw(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// A word about what goes on, which is not the answer.
pub(crate) fn note(text: &str) {
    // The work goes on where nobody can be told of it.
    let _ = writeln!(io::stderr(), "{text}");
}

fn people(value: &Value, indent: usize) -> String {
    match value {
        Value::Nil => "(nil)".to_owned(),
        Value::Number(digits) => format!("(integer) {}", safe(digits)),
        Value::Bytes(bytes) => quoted(bytes),
        Value::Error(words) => format!("(error) {}", safe(words)),
        Value::Array(items) if items.is_empty() => "(empty array)".to_owned(),
        Value::Array(items) => {
            let width = items.len().to_string().len();
            let lines: Vec<_> = items
                .iter()
                .zip(1..)
                .map(|(item, number)| {
                    let item = people(item, indent + width + 2);
                    format!("{number:>width$}) {item}")
                })
                .collect();
            lines.join(&format!("\n{}", " ".repeat(indent)))
        }
        other => format!("{other:?}"),
    }
}

fn plain(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Nil => {}
        Value::Number(text) | Value::Error(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        Value::Array(items) => {
            for (item, number) in items.iter().zip(0..) {
                if number > 0 {
                    out.push(b'\n');
                }
                plain(item, out);
            }
        }
        other => out.extend_from_slice(format!("{other:?}").as_bytes()),
    }
}

/// A reply as JSON. Digits that no JSON number of 64 bits holds stay a string, so none is lost.
pub(crate) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil => serde_json::Value::Null,
        Value::Number(digits) => number(digits),
        Value::Bytes(bytes) => json_bytes(bytes),
        Value::Error(words) => json!({ "error": words }),
        Value::Array(items) => items.iter().map(json).collect(),
        other => format!("{other:?}").into(),
    }
}

/// The number, or the text where it is none that is written back the same.
pub(crate) fn number(digits: &str) -> serde_json::Value {
    let number = serde_json::from_str::<serde_json::Number>(digits).ok();
    match number.filter(|number| number.to_string() == digits) {
        Some(number) => number.into(),
        None => digits.into(),
    }
}

pub(crate) fn json_bytes(bytes: &[u8]) -> serde_json::Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

#[cfg(test)]
mod tests {
    use restis::Bytes;

    use super::*;

    fn value() -> Value {
        Value::Array(vec![
            Value::Bytes(Bytes::from_static(b"a\n")),
            Value::Array(vec![Value::Number("7".into()), Value::Nil]),
            Value::Bytes(Bytes::from_static(b"\xff")),
            Value::Number("18446744073709551616".into()),
        ])
    }

    #[test]
    fn for_people() {
        let expected = "1) \"a\\n\"\n2) 1) (integer) 7\n   2) (nil)\n3) \"\\xff\"\n4) (integer) 18446744073709551616";
        assert_eq!(people(&value(), 0), expected);
        assert_eq!(people(&Value::Array(Vec::new()), 0), "(empty array)");
    }

    #[test]
    fn for_programs() {
        let expected = r#"["a\n",[7,null],{"base64":"/w=="},"18446744073709551616"]"#;
        assert_eq!(json(&value()).to_string(), expected);
        assert_eq!(number("1.50"), "1.50");
        assert_eq!(number("-3"), -3);
    }

    #[test]
    fn errors_and_json_have_no_character_a_terminal_acts_on() {
        let hostile = "ERR \u{1b}[2J\u{202e}\u{9b}\u{e0041}\n(integer) 1";
        let shown = people(&Value::Error(hostile.into()), 0);
        assert_eq!(
            shown,
            r"(error) ERR \x1b[2J\xe2\x80\xae\xc2\x9b\xf3\xa0\x81\x81\n(integer) 1"
        );
        let value = json(&Value::Bytes(Bytes::from(hostile)));
        let line = escaped(&value.to_string()).into_owned();
        assert!(!line.chars().any(acts_on_a_terminal), "{line:?}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&line).unwrap(),
            value
        );
    }

    #[test]
    fn for_a_pipe() {
        let mut out = Vec::new();
        plain(&value(), &mut out);
        assert_eq!(out, b"a\n\n7\n\n\xff\n18446744073709551616");
    }
}
