//! The words of a line, as redis-cli reads them, and text that is safe on a terminal: what is shown can be typed again.

use std::{borrow::Cow, fmt::Write as _};

/// Why a line is not words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unbalanced;

/// `SET k "two words\n"` as three words. Within double quotes `\n`, `\r`, `\t`, `\b`, `\a`, `\xff`, `\"` and `\\` mean
/// what they do in redis-cli; within single quotes only `\'` does. A closing quote ends its word.
pub(crate) fn split(line: &str) -> Result<Vec<Vec<u8>>, Unbalanced> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, after) = one(rest)?;
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

fn one(text: &str) -> Result<(Vec<u8>, &str), Unbalanced> {
    let mut word = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                double(&mut chars, &mut word)?;
                return closed(chars.as_str()).map(|rest| (word, rest));
            }
            '\'' => {
                single(&mut chars, &mut word)?;
                return closed(chars.as_str()).map(|rest| (word, rest));
            }
            char if char.is_whitespace() => break,
            char => push(&mut word, char),
        }
    }
    Ok((word, chars.as_str()))
}

/// What follows a closing quote: nothing, or a space.
fn closed(rest: &str) -> Result<&str, Unbalanced> {
    let next = rest.chars().next();
    if next.is_none_or(char::is_whitespace) {
        Ok(rest)
    } else {
        Err(Unbalanced)
    }
}

fn double(chars: &mut std::str::Chars<'_>, word: &mut Vec<u8>) -> Result<(), Unbalanced> {
    loop {
        match chars.next().ok_or(Unbalanced)? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or(Unbalanced)? {
                'n' => word.push(b'\n'),
                'r' => word.push(b'\r'),
                't' => word.push(b'\t'),
                'b' => word.push(8),
                'a' => word.push(7),
                'x' => word.push(hex(chars).unwrap_or(b'x')),
                other => push(word, other),
            },
            other => push(word, other),
        }
    }
}

fn single(chars: &mut std::str::Chars<'_>, word: &mut Vec<u8>) -> Result<(), Unbalanced> {
    loop {
        match chars.next().ok_or(Unbalanced)? {
            '\'' => return Ok(()),
            '\\' if chars.as_str().starts_with('\'') => {
                chars.next();
                word.push(b'\'');
            }
            other => push(word, other),
        }
    }
}

/// Two hexadecimal digits, taken if they are there.
fn hex(chars: &mut std::str::Chars<'_>) -> Option<u8> {
    let mut ahead = chars.clone();
    let digits = [ahead.next()?, ahead.next()?].map(|char| char.to_digit(16));
    let byte = digits[0]? * 16 + digits[1]?;
    *chars = ahead;
    u8::try_from(byte).ok()
}

fn push(word: &mut Vec<u8>, char: char) {
    word.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The bytes within double quotes, with escapes for what is not printable text.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\u{8}' => text.push_str("\\b"),
                '\u{7}' => text.push_str("\\a"),
                char if acts_on_a_terminal(char) => {
                    char.encode_utf8(&mut [0; 4])
                        .bytes()
                        .for_each(|byte| escaped(&mut text, byte));
                }
                char => text.push(char),
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| escaped(&mut text, *byte));
    }
    text.push('"');
    text
}

/// Whether a terminal acts on a character instead of showing it: controls, line separators, and the invisible
/// characters that change the direction or the meaning of the text around them (Unicode TR36, "Trojan Source").
pub(crate) fn acts_on_a_terminal(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Text without quotes, such as an error message, with escapes for the characters a terminal would act on.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts_on_a_terminal) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::new();
    for char in text.chars() {
        match char {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            char if acts_on_a_terminal(char) => char
                .encode_utf8(&mut [0; 4])
                .bytes()
                .for_each(|byte| escaped(&mut safe, byte)),
            char => safe.push(char),
        }
    }
    Cow::Owned(safe)
}

fn escaped(text: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let words = split(line).unwrap();
        words
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(words("  GET   k  "), ["GET", "k"]);
        assert_eq!(words("SET k \"two words\""), ["SET", "k", "two words"]);
        assert_eq!(words(r#"SET k "a\n\t\"\\""#), ["SET", "k", "a\n\t\"\\"]);
        assert_eq!(words(r"SET k 'it\'s \n'"), ["SET", "k", r"it's \n"]);
        assert_eq!(words("SET k ''"), ["SET", "k", ""]);
        assert_eq!(words("SET ключ значение"), ["SET", "ключ", "значение"]);
        assert!(words("   ").is_empty());
    }

    #[test]
    fn bytes_by_their_numbers() {
        assert_eq!(split(r#""\xff\x00a\xzz""#).unwrap(), [b"\xff\0axzz"]);
    }

    #[test]
    fn quotes_that_do_not_close() {
        for line in [r#"SET k "a"#, "SET k 'a", r#"SET k "a"b"#, r#""\"#, "'a\\'"] {
            assert_eq!(split(line), Err(Unbalanced), "{line}");
        }
    }

    #[test]
    fn text_on_a_terminal_has_no_character_the_terminal_acts_on() {
        let hostile = "\u{1b}]0;title\u{7} \u{9b}2J \u{202e}txt\u{2066} \u{200b}\u{feff}\u{2028} \r\n\t\u{7f}\u{e0041}";
        for shown in [safe(hostile).into_owned(), quoted(hostile.as_bytes())] {
            assert!(!shown.chars().any(acts_on_a_terminal), "{shown:?}");
        }
        assert_eq!(safe("\u{1b}[2J\n"), "\\x1b[2J\\n");
        assert_eq!(safe("\u{202e}"), "\\xe2\\x80\\xae");
        assert!(matches!(safe("plain ключ 🎉"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_shown_can_be_typed_again() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [
            &b""[..],
            b"plain",
            &all,
            "\u{80}\u{7f}é\u{1f600}\u{202e}\u{2028}".as_bytes(),
            br#"\x41"'"#,
        ] {
            assert_eq!(split(&quoted(bytes)).unwrap(), [bytes]);
        }
    }
}
