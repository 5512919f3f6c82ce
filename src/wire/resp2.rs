//! RESP2 read in place: a value is a slice of the answer, which is checked to its end once, when it arrives.
//!
//! The form of an answer to `Upstash-Response-Format: resp2`. It carries bytes as they are.

/// Arrays in arrays deeper than this are refused, as in JSON.
const MAX_DEPTH: usize = 128;

/// One value, by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A bulk string or an array that is not there.
    Nil,
    /// A status such as `OK`.
    Simple(&'a [u8]),
    /// The server's words.
    Error(&'a [u8]),
    /// The digits.
    Integer(&'a [u8]),
    Bulk(&'a [u8]),
    Array(Values<'a>),
}

/// Values, one behind the other: a whole answer, or what is in an array. Only made of text that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    /// All the values `text` holds, checked to its end; `None` where it is not RESP2, or not whole.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        // How many values each array lacks that is open. Never longer than MAX_DEPTH, whatever is announced.
        let mut open: Vec<usize> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (token, behind) = token(rest)?;
            rest = behind;
            if let Token::Array(count) = token {
                (open.len() < MAX_DEPTH).then_some(())?;
                if count > 0 {
                    open.push(count);
                    continue;
                }
            }
            // A value has ended, and with it each array whose last one it was.
            while let Some(lacking) = open.last_mut() {
                *lacking -= 1;
                if *lacking > 0 {
                    break;
                }
                open.pop();
            }
        }
        open.is_empty().then_some(Self(text))
    }

    /// How many bytes of text have not been read.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    /// Values that [`parse`](Self::parse) has found before, by their text.
    pub(crate) fn found(text: &'a [u8]) -> Self {
        Self(text)
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let (token, behind) = token(self.0)?;
        let (value, behind) = match token {
            Token::Scalar(value) => (value, behind),
            Token::Array(count) => {
                let (inside, behind) = split(behind, count)?;
                (Value::Array(Self(inside)), behind)
            }
        };
        self.0 = behind;
        Some(value)
    }
}

/// What one line begins: a value that ends with it (or with its bulk), or so many values behind it.
enum Token<'a> {
    Scalar(Value<'a>),
    Array(usize),
}

/// The first token, and the text behind it.
fn token(text: &[u8]) -> Option<(Token<'_>, &[u8])> {
    let (&first, line) = text.split_first()?;
    let (line, mut behind) = split_line(line)?;
    let value = match first {
        b'+' => Value::Simple(line),
        b'-' => Value::Error(line),
        b':' => Value::Integer(integer(line)?),
        b'$' | b'*' if line == b"-1" => Value::Nil,
        b'$' => {
            let (bytes, end) = behind.split_at_checked(length(line)?)?;
            behind = end.strip_prefix(b"\r\n")?;
            Value::Bulk(bytes)
        }
        b'*' => return Some((Token::Array(length(line)?), behind)),
        _ => return None,
    };
    Some((Token::Scalar(value), behind))
}

/// The text of the next `count` values, and what stands behind them. Its depth was checked before.
fn split(text: &[u8], count: usize) -> Option<(&[u8], &[u8])> {
    let mut rest = text;
    let mut lacking = count;
    while lacking > 0 {
        let (token, behind) = token(rest)?;
        rest = behind;
        lacking -= 1;
        if let Token::Array(count) = token {
            lacking = lacking.checked_add(count)?;
        }
    }
    text.split_at_checked(text.len() - rest.len())
}

/// The text before the next CR LF, and the text behind it.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let end = from + memchr::memchr(b'\r', text.get(from..)?)?;
        let (line, rest) = text.split_at_checked(end)?;
        match rest.strip_prefix(b"\r\n") {
            Some(behind) => return Some((line, behind)),
            None => from = end + 1,
        }
    }
}

fn length(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits(text)?).ok()?.parse().ok()
}

/// A whole number, without a plus.
fn integer(text: &[u8]) -> Option<&[u8]> {
    if let Some(unsigned) = text.strip_prefix(b"+") {
        return digits(unsigned);
    }
    digits(text.strip_prefix(b"-").unwrap_or(text))?;
    Some(text)
}

fn digits(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty() && text.iter().all(u8::is_ascii_digit)).then_some(text)
}

// The properties need a source of randomness that wasm32 has not.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A value as the writer sees it.
    #[derive(Clone, Debug, PartialEq)]
    enum Tree {
        NilBulk,
        NilArray,
        Simple(Vec<u8>),
        Error(Vec<u8>),
        Integer(i64),
        Bulk(Vec<u8>),
        Array(Vec<Self>),
    }

    fn write(out: &mut Vec<u8>, tree: &Tree) {
        let mut line = |mark: u8, text: &[u8]| out.extend([&[mark][..], text, b"\r\n"].concat());
        match tree {
            Tree::NilBulk => line(b'$', b"-1"),
            Tree::NilArray => line(b'*', b"-1"),
            Tree::Simple(text) => line(b'+', text),
            Tree::Error(words) => line(b'-', words),
            Tree::Integer(number) => line(b':', number.to_string().as_bytes()),
            Tree::Bulk(bytes) => {
                line(b'$', bytes.len().to_string().as_bytes());
                out.extend([bytes, &b"\r\n"[..]].concat());
            }
            Tree::Array(trees) => {
                line(b'*', trees.len().to_string().as_bytes());
                trees.iter().for_each(|tree| write(out, tree));
            }
        }
    }

    fn text(trees: &[Tree]) -> Vec<u8> {
        let mut out = Vec::new();
        trees.iter().for_each(|tree| write(&mut out, tree));
        out
    }

    fn same(tree: &Tree, value: Value<'_>) -> bool {
        match (tree, value) {
            (Tree::NilBulk | Tree::NilArray, Value::Nil) => true,
            (Tree::Simple(a), Value::Simple(b))
            | (Tree::Error(a), Value::Error(b))
            | (Tree::Bulk(a), Value::Bulk(b)) => a == b,
            (Tree::Integer(a), Value::Integer(b)) => a.to_string().as_bytes() == b,
            (Tree::Array(trees), Value::Array(values)) => {
                trees.len() == values.count() && trees.iter().zip(values).all(|(a, b)| same(a, b))
            }
            _ => false,
        }
    }

    fn trees() -> impl Strategy<Value = Tree> {
        let line = "[^\r\n]{0,9}".prop_map(String::into_bytes);
        let scalar = prop_oneof![
            Just(Tree::NilBulk),
            Just(Tree::NilArray),
            line.clone().prop_map(Tree::Simple),
            line.prop_map(Tree::Error),
            any::<i64>().prop_map(Tree::Integer),
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(Tree::Bulk),
            "[\r\n$*+:0-9-]{0,9}".prop_map(|text| Tree::Bulk(text.into_bytes())),
        ];
        scalar.prop_recursive(5, 40, 5, |inner| {
            proptest::collection::vec(inner, 0..5).prop_map(Tree::Array)
        })
    }

    fn one(text: &[u8]) -> Option<Value<'_>> {
        let mut values = Values::parse(text)?;
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    #[test]
    fn values() {
        for (text, value) in [
            ("+OK\r\n", Value::Simple(b"OK")),
            ("+\r\n", Value::Simple(b"")),
            ("+a\rb\nc\r\r\n", Value::Simple(b"a\rb\nc\r")),
            ("-ERR no\r\n", Value::Error(b"ERR no")),
            (":0\r\n", Value::Integer(b"0")),
            (
                ":-9223372036854775808\r\n",
                Value::Integer(b"-9223372036854775808"),
            ),
            (":+5\r\n", Value::Integer(b"5")),
            ("$3\r\nbar\r\n", Value::Bulk(b"bar")),
            ("$2\r\n\r\n\r\n", Value::Bulk(b"\r\n")),
            ("$0\r\n\r\n", Value::Bulk(b"")),
            ("$-1\r\n", Value::Nil),
            ("*-1\r\n", Value::Nil),
            ("*0\r\n", Value::Array(Values(b""))),
            (
                "*2\r\n*1\r\n:1\r\n$-1\r\n",
                Value::Array(Values(b"*1\r\n:1\r\n$-1\r\n")),
            ),
        ] {
            assert_eq!(one(text.as_bytes()), Some(value), "{text:?}");
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "OK\r\n",
            "+OK",
            "+OK\r",
            "+OK\n",
            ":\r\n",
            ":-\r\n",
            ":1.5\r\n",
            ":1 \r\n",
            ": 1\r\n",
            ":+-1\r\n",
            "$\r\n\r\n",
            "$-2\r\n",
            "$+1\r\na\r\n",
            "$-0\r\n\r\n",
            "$3\r\nba\r\n",
            "$3\r\nbarb\r\n",
            "$3\r\nbar\n\r",
            "$x\r\nbar\r\n",
            "$18446744073709551616\r\n",
            "$18446744073709551615\r\nbar\r\n",
            "*-2\r\n",
            "*2\r\n:1\r\n",
            "*18446744073709551615\r\n:1\r\n",
            "*18446744073709551616\r\n",
            "*2\r\n*18446744073709551615\r\n:1\r\n",
            "+OK\r\nx",
            "_\r\n",
            "#t\r\n",
            ",1.5\r\n",
            "%1\r\n+a\r\n+b\r\n",
            "{\"result\":1}",
            "\r\n",
        ] {
            assert_eq!(Values::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nest = |depth: usize| ["*1\r\n".repeat(depth - 1), "*0\r\n".into()].concat();
        assert!(one(nest(128).as_bytes()).is_some());
        assert_eq!(Values::parse(nest(129).as_bytes()), None);
        assert_eq!(Values::parse("*1\r\n".repeat(1_000_000).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trees in proptest::collection::vec(trees(), 0..4)) {
            let text = text(&trees);
            let values = Values::parse(&text).unwrap();
            prop_assert_eq!(values.count(), trees.len());
            prop_assert!(trees.iter().zip(values).all(|(tree, value)| same(tree, value)));
        }

        #[test]
        fn cut_anywhere_it_is_none(tree in trees()) {
            let text = text(&[tree]);
            prop_assert!(one(&text).is_some());
            for end in 0..text.len() {
                prop_assert_eq!(one(&text[..end]), None, "{:?}", &text[..end]);
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Values::parse(&bytes).map(Iterator::count);
            // Nor does text that nobody checked.
            let _ = Values::found(&bytes).map(|value| match value {
                Value::Array(inside) => inside.count(),
                _ => 0,
            }).sum::<usize>();
        }

        #[test]
        fn never_panics_near_the_grammar(text in "([+:$*-]|-1|[0-3]|99999999999999999999|\r\n|a){0,24}") {
            if let Some(values) = Values::parse(text.as_bytes()) {
                for value in values {
                    if let Value::Array(inside) = value {
                        let _ = inside.count();
                    }
                }
            }
        }
    }
}
