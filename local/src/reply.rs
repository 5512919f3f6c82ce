//! From the server's replies to the body of the answer, byte by byte: JSON, or the replies as they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    request::lossy,
    resp::{Token, Tokens},
};

/// How replies are written: `Upstash-Encoding` and `Upstash-Response-Format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As JSON text; a byte that is not UTF-8 becomes U+FFFD.
    Text,
    /// As JSON in base64, all but the status OK.
    Base64,
    /// As the server wrote them.
    Resp2,
}

/// What servers reply where they do not know a script: Redis and Upstash with an advice, Valkey without.
const NO_SCRIPT: &[u8] = b"NOSCRIPT No matching script.";
const NO_SCRIPT_USE_EVAL: &str = "NOSCRIPT No matching script. Please use EVAL.";

/// Appends one reply; in JSON as `{"result":…}`, or `{"error":…}` if it is one. Tells which.
pub(crate) fn entry(out: &mut Vec<u8>, reply: &[u8], encoding: Encoding) -> bool {
    if let Some(Token::Error(text)) = Tokens::new(reply).next() {
        match encoding {
            _ if text == NO_SCRIPT => refused(out, NO_SCRIPT_USE_EVAL, encoding),
            Encoding::Resp2 => out.extend_from_slice(reply),
            Encoding::Text | Encoding::Base64 => error(out, &lossy(text)),
        }
        return false;
    }
    if encoding == Encoding::Resp2 {
        out.extend_from_slice(reply);
        return true;
    }
    out.extend_from_slice(b"{\"result\":");
    value(out, reply, encoding);
    out.push(b'}');
    true
}

/// Appends an error that is not the server's.
pub(crate) fn refused(out: &mut Vec<u8>, text: &str, encoding: Encoding) {
    if encoding != Encoding::Resp2 {
        return error(out, text);
    }
    out.push(b'-');
    // A line of RESP has no line ends in it.
    let text = text.bytes().map(|byte| match byte {
        b'\r' | b'\n' => b' ',
        byte => byte,
    });
    out.extend(text);
    out.extend_from_slice(b"\r\n");
}

/// Appends `{"error":"…"}`.
pub(crate) fn error(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"{\"error\":");
    string(out, text);
    out.push(b'}');
}

/// Appends one reply. An error inside an array is written `{"error":"…"}` at its place.
fn value(out: &mut Vec<u8>, reply: &[u8], encoding: Encoding) {
    // How many elements each open array still waits for. Lua may nest deeper than a call stack likes.
    let mut open: Vec<usize> = Vec::new();
    for token in Tokens::new(reply) {
        match token {
            Token::Status(b"OK") => out.extend_from_slice(b"\"OK\""),
            Token::Status(text) | Token::Bulk(text) => match encoding {
                Encoding::Text => string(out, &lossy(text)),
                Encoding::Base64 => base64(out, text),
                Encoding::Resp2 => out.extend_from_slice(text),
            },
            Token::Error(text) => error(out, &lossy(text)),
            Token::Integer(digits) => out.extend_from_slice(digits),
            Token::Nil => out.extend_from_slice(b"null"),
            Token::Array(0) => out.extend_from_slice(b"[]"),
            Token::Array(elements) => {
                out.push(b'[');
                open.push(elements);
                continue;
            }
        }
        while let Some(left) = open.last_mut() {
            *left -= 1;
            if *left > 0 {
                out.push(b',');
                break;
            }
            out.push(b']');
            open.pop();
        }
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD
        .encode_slice(bytes, out.get_mut(start..).unwrap_or_default())
        .unwrap_or_default();
    out.truncate(start + written);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_written_as_json_and_as_base64() {
        let table: [(&[u8], &str, &str); 15] = [
            (b"+OK\r\n", r#""OK""#, r#""OK""#),
            (b"$2\r\nOK\r\n", r#""OK""#, r#""T0s=""#),
            (b"+PONG\r\n", r#""PONG""#, r#""UE9ORw==""#),
            (b"$0\r\n\r\n", r#""""#, r#""""#),
            (b"$1\r\na\r\n", r#""a""#, r#""YQ==""#),
            (b"$3\r\nabc\r\n", r#""abc""#, r#""YWJj""#),
            (b"$3\r\n\"\\\n\r\n", r#""\"\\\n""#, r#""IlwK""#),
            (b"$2\r\n\0\xff\r\n", "\"\\u0000\u{fffd}\"", r#""AP8=""#),
            (b"$3\r\n\xe2\x82z\r\n", "\"\u{fffd}\u{fffd}z\"", r#""4oJ6""#),
            (
                b":-9223372036854775808\r\n",
                "-9223372036854775808",
                "-9223372036854775808",
            ),
            (b"$-1\r\n", "null", "null"),
            (b"*-1\r\n", "null", "null"),
            (b"*0\r\n", "[]", "[]"),
            (
                b"*4\r\n*2\r\n+OK\r\n*0\r\n:1\r\n*1\r\n*1\r\n$1\r\na\r\n$-1\r\n",
                r#"[["OK",[]],1,[["a"]],null]"#,
                r#"[["OK",[]],1,[["YQ=="]],null]"#,
            ),
            (
                b"*2\r\n-ERR x \"y\"\r\n+QUEUED\r\n",
                r#"[{"error":"ERR x \"y\""},"QUEUED"]"#,
                r#"[{"error":"ERR x \"y\""},"UVVFVUVE"]"#,
            ),
        ];
        for (reply, text, base64) in table {
            let mut out = Vec::new();
            assert!(entry(&mut out, reply, Encoding::Resp2));
            assert_eq!(out, reply);
            for (encoding, expected) in [(Encoding::Text, text), (Encoding::Base64, base64)] {
                let mut out = Vec::new();
                assert!(entry(&mut out, reply, encoding));
                assert_eq!(
                    String::from_utf8_lossy(&out),
                    format!("{{\"result\":{expected}}}"),
                    "{} {encoding:?}",
                    reply.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn errors_are_never_encoded() {
        for encoding in [Encoding::Text, Encoding::Base64] {
            let mut out = Vec::new();
            assert!(!entry(&mut out, b"-WRONGTYPE \xff\r\n", encoding));
            assert_eq!(out, "{\"error\":\"WRONGTYPE \u{fffd}\"}".as_bytes());
        }
    }

    #[test]
    fn an_error_of_ours_is_one_line_of_resp2() {
        let mut out = Vec::new();
        refused(&mut out, "ERR a\r\nb", Encoding::Resp2);
        assert_eq!(out, b"-ERR a  b\r\n");
        out.clear();
        assert!(!entry(&mut out, b"-ERR \xff\r\n", Encoding::Resp2));
        assert_eq!(out, b"-ERR \xff\r\n");
    }

    #[test]
    fn nesting_as_deep_as_it_comes_is_written() {
        let depth = 200_000;
        let mut reply = b"*1\r\n".repeat(depth);
        reply.extend_from_slice(b":1\r\n");
        let mut out = Vec::new();
        entry(&mut out, &reply, Encoding::Text);
        assert_eq!(out.len(), "{\"result\":1}".len() + 2 * depth);
    }
}
