//! RESP2, the little of it that is needed: commands out, replies found in a stream of bytes.
//!
//! Replies are never turned into a tree. They stay the server's bytes, are cut where one ends, and are
//! walked token by token by whoever reads them.

use std::iter;

/// What the server sent is not RESP2.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// One element of a reply. An array is its header alone: its elements are the tokens that follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Status(&'a [u8]),
    Error(&'a [u8]),
    /// The digits as they were sent.
    Integer(&'a [u8]),
    Bulk(&'a [u8]),
    Array(usize),
    Nil,
}

/// Appends one command.
pub(crate) fn encode<'a>(out: &mut Vec<u8>, args: impl ExactSizeIterator<Item = &'a [u8]>) {
    let mut digits = itoa::Buffer::new();
    out.push(b'*');
    out.extend_from_slice(digits.format(args.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    for arg in args {
        out.push(b'$');
        out.extend_from_slice(digits.format(arg.len()).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// The token `bytes` begins with and the bytes it takes, or `None` if more must arrive first.
pub(crate) fn token(bytes: &[u8]) -> Result<Option<(Token<'_>, usize)>, Malformed> {
    let Some((kind, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let Some(length) = rest.iter().position(|&byte| byte == b'\r') else {
        return Ok(None);
    };
    let (line, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    let body = match after.get(1) {
        None => return Ok(None),
        Some(b'\n') => after.get(2..).ok_or(Malformed)?,
        Some(_) => return Err(Malformed),
    };
    let head = length + 3;
    let token = match kind {
        b'+' => Token::Status(line),
        b'-' => Token::Error(line),
        b':' if is_integer(line) => Token::Integer(line),
        b'$' | b'*' if line == b"-1" => Token::Nil,
        b'*' => Token::Array(size(line)?),
        b'$' => {
            let size = size(line)?;
            let end = size.checked_add(2).ok_or(Malformed)?;
            return match body.get(..end) {
                None => Ok(None),
                Some(data) => match data.split_at_checked(size) {
                    Some((data, b"\r\n")) => Ok(Some((Token::Bulk(data), head + end))),
                    _ => Err(Malformed),
                },
            };
        }
        _ => return Err(Malformed),
    };
    Ok(Some((token, head)))
}

fn is_integer(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn size(line: &[u8]) -> Result<usize, Malformed> {
    std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.parse().ok())
        .ok_or(Malformed)
}

/// Finds where replies end in a buffer that grows, looking at each byte once.
#[derive(Debug)]
pub(crate) struct Scanner {
    at: usize,
    pending: usize,
}

impl Scanner {
    pub(crate) const fn new() -> Self {
        Self { at: 0, pending: 1 }
    }

    /// The end of the next reply, counted from the start of `buffer`, once all of it has arrived.
    pub(crate) fn advance(&mut self, buffer: &[u8]) -> Result<Option<usize>, Malformed> {
        while let Some((token, length)) = token(buffer.get(self.at..).ok_or(Malformed)?)? {
            self.at += length;
            self.pending -= 1;
            if let Token::Array(elements) = token {
                self.pending = self.pending.checked_add(elements).ok_or(Malformed)?;
            }
            if self.pending == 0 {
                self.pending = 1;
                return Ok(Some(self.at));
            }
        }
        Ok(None)
    }

    /// How many bytes from the start of the buffer were looked at.
    pub(crate) const fn looked_at(&self) -> usize {
        self.at
    }

    /// Tells that everything up to the last end was taken out of the buffer.
    pub(crate) fn rewind(&mut self) {
        self.at = 0;
    }

    /// Tells that this many bytes were taken off the front, all of which were looked at.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
    }
}

/// Walks the tokens of a complete reply.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a>(&'a [u8]);

impl<'a> Tokens<'a> {
    pub(crate) const fn new(reply: &'a [u8]) -> Self {
        Self(reply)
    }

    /// Cuts the next whole value, with all it contains, off the front.
    pub(crate) fn value(&mut self) -> Option<&'a [u8]> {
        let end = Scanner::new().advance(self.0).ok()??;
        let (value, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(value)
    }

    /// All the values that are left.
    pub(crate) fn values(mut self) -> impl Iterator<Item = &'a [u8]> + Clone {
        iter::from_fn(move || self.value())
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let (token, length) = token(self.0).ok()??;
        self.0 = self.0.get(length..)?;
        Some(token)
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

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();
        let args: [&[u8]; 3] = [b"SET", b"", b"a\r\n\xff"];
        encode(&mut out, args.into_iter());
        assert_eq!(
            out,
            b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\n\xff\r\n".as_slice()
        );
    }

    #[test]
    fn every_kind_of_token_is_told_apart() {
        let table: [(&[u8], Token<'_>); 9] = [
            (b"+OK\r\n", Token::Status(b"OK")),
            (b"-ERR \xff\r\n", Token::Error(b"ERR \xff")),
            (
                b":-9223372036854775808\r\n",
                Token::Integer(b"-9223372036854775808"),
            ),
            (b"$0\r\n\r\n", Token::Bulk(b"")),
            (b"$4\r\n\r\n\0\xff\r\n", Token::Bulk(b"\r\n\0\xff")),
            (b"$-1\r\n", Token::Nil),
            (b"*-1\r\n", Token::Nil),
            (b"*0\r\n", Token::Array(0)),
            (b"*2\r\n", Token::Array(2)),
        ];
        for (bytes, expected) in table {
            assert_eq!(token(bytes), Ok(Some((expected, bytes.len()))));
            for cut in 0..bytes.len() {
                assert_eq!(
                    token(&bytes[..cut]),
                    Ok(None),
                    "{:?}",
                    bytes[..cut].escape_ascii()
                );
            }
        }
    }

    #[test]
    fn what_is_not_resp2_is_refused() {
        let table: [&[u8]; 8] = [
            b"HTTP/1.1 400\r\n",
            b"$x\r\n",
            b"$-2\r\n",
            b"*-2\r\n",
            b":1.5\r\n",
            b":\r\n",
            b"+O\rK\r\n",
            b"$2\r\nabcd",
        ];
        for bytes in table {
            assert_eq!(token(bytes), Err(Malformed), "{:?}", bytes.escape_ascii());
        }
    }

    #[test]
    fn replies_are_found_however_they_are_cut() {
        let stream = b"+OK\r\n*2\r\n*1\r\n:1\r\n$2\r\nab\r\n*0\r\n-ERR x\r\n";
        let ends = [5, 25, 29, 37];
        for step in 1..=stream.len() {
            let (mut scanner, mut found, mut seen) = (Scanner::new(), Vec::new(), 0);
            while seen < stream.len() {
                seen = (seen + step).min(stream.len());
                while let Some(end) = scanner.advance(&stream[..seen]).unwrap() {
                    found.push(end);
                }
            }
            assert_eq!(found, ends, "step {step}");
        }
    }

    #[test]
    fn values_are_cut_off_whole() {
        let mut tokens = Tokens::new(b"*2\r\n*1\r\n:1\r\n$2\r\nab\r\n");
        assert_eq!(tokens.next(), Some(Token::Array(2)));
        assert_eq!(tokens.value(), Some(b"*1\r\n:1\r\n".as_slice()));
        assert_eq!(tokens.value(), Some(b"$2\r\nab\r\n".as_slice()));
        assert_eq!(tokens.value(), None);
    }
}
