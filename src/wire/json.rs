//! JSON text read in place: a value is a slice of the answer, and is decoded only as far as it is asked.
//!
//! serde_json is for users' own types ([`Json`](crate::Json)); the protocol itself needs nil,
//! numbers kept as their digits, strings and arrays, and pays for no more than that on wasm32.

use std::{borrow::Cow, ops::Range};

use super::search::{self, NEAR};

/// Arrays in arrays deeper than this are refused: no reply of Redis comes near.
const MAX_DEPTH: u32 = 128;

/// What a JSON value is, seen from its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// One JSON value: the text from its first to its last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// The one value `text` holds, checked to its end; `None` where it is not JSON.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut scanner = Scanner { text, at: 0 };
        let value = scanner.value()?;
        scanner.space();
        (scanner.at == text.len()).then_some(value)
    }

    /// A value that [`parse`](Self::parse) has found before, by its text.
    pub(crate) fn found(text: &'a [u8]) -> Self {
        Self(text)
    }

    pub(crate) fn kind(self) -> Kind {
        match self.0.first() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            _ => Kind::Number,
        }
    }

    /// The text of this value as it stands in the answer.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.0
    }

    /// The bytes of a string with its escapes undone (a lone surrogate in WTF-8); `None` for other kinds.
    pub(crate) fn string(self) -> Option<Cow<'a, [u8]>> {
        let inner = self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        match search::byte(b'\\', inner) {
            None => Some(Cow::Borrowed(inner)),
            Some(first) => unescape(inner, first).map(Cow::Owned),
        }
    }

    /// The elements of an array, one after the other; `None` for other kinds.
    pub(crate) fn elements(self) -> Option<Elements<'a>> {
        let inner = self.0.strip_prefix(b"[")?.strip_suffix(b"]")?;
        Some(Elements(Scanner { text: inner, at: 0 }))
    }

    /// The members of an object, one after the other; `None` for other kinds.
    pub(crate) fn members(self) -> Option<Members<'a>> {
        let inner = self.0.strip_prefix(b"{")?.strip_suffix(b"}")?;
        Some(Members(Scanner { text: inner, at: 0 }))
    }
}

/// Where in `text` the elements are of the one array or object that it holds, checked to its end; `None` where it is none.
/// Of an object each name, and behind it its value.
pub(crate) fn places(text: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    let is_object = scanner.take(b'{');
    (is_object || scanner.take(b'[')).then_some(())?;
    let close = if is_object { b'}' } else { b']' };
    let mut places = Vec::new();
    scanner.space();
    if !scanner.take(close) {
        loop {
            if is_object {
                scanner.space();
                let start = scanner.at;
                scanner.string()?;
                places.push(start..scanner.at);
                scanner.colon()?;
            }
            let length = scanner.value()?.raw().len();
            places.push(scanner.at - length..scanner.at);
            scanner.space();
            if scanner.take(close) {
                break;
            }
            scanner.take(b',').then_some(())?;
        }
    }
    scanner.space();
    (scanner.at == text.len()).then_some(places)
}

/// See [`Value::elements`]. The text was checked when the array was found, so it only walks.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a>(Scanner<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.0.separator();
        self.0.value()
    }
}

/// See [`Value::members`].
#[derive(Clone, Debug)]
pub(crate) struct Members<'a>(Scanner<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Value<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.separator();
        let name = self.0.value()?;
        self.0.colon()?;
        Some((name, self.0.value()?))
    }
}

/// Walks over JSON text. Every method that returns `None` has met something that is not JSON.
#[derive(Clone, Debug)]
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn separator(&mut self) {
        self.space();
        self.take(b',');
    }

    /// One value, with all that is in it. Nesting is a bit set, not recursion: hostile depth costs nothing.
    fn value(&mut self) -> Option<Value<'a>> {
        self.space();
        let start = self.at;
        let (mut depth, mut objects) = (0u32, 0u128);
        loop {
            // A value is expected here, or the end of a container that has just begun.
            self.space();
            let opened = match self.peek()? {
                b'"' => self.string().map(|()| false)?,
                b'[' => true,
                b'{' => true,
                b't' => self.literal(b"true").map(|()| false)?,
                b'f' => self.literal(b"false").map(|()| false)?,
                b'n' => self.literal(b"null").map(|()| false)?,
                _ => self.number().map(|()| false)?,
            };
            if opened {
                let object = self.peek() == Some(b'{');
                self.at += 1;
                depth += 1;
                if depth > MAX_DEPTH {
                    return None;
                }
                objects = (objects << 1) | u128::from(object);
                self.space();
                let close = if object { b'}' } else { b']' };
                if self.peek() != Some(close) {
                    if object {
                        self.name()?;
                    }
                    continue;
                }
            }
            // A value has ended: close what ends with it, then go on after a comma.
            loop {
                if depth == 0 {
                    return self.text.get(start..self.at).map(Value);
                }
                self.space();
                let object = objects & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        if object {
                            self.space();
                            self.name()?;
                        }
                        break;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => return None,
                }
                self.at += 1;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    fn name(&mut self) -> Option<()> {
        self.string()?;
        self.colon()
    }

    fn colon(&mut self) -> Option<()> {
        self.space();
        self.take(b':').then_some(())
    }

    /// To the quote that ends the string. Escapes are looked at when the string is asked for.
    fn string(&mut self) -> Option<()> {
        self.take(b'"').then_some(())?;
        let rest = self.text.get(self.at..)?;
        let mut at = search::either(b'"', b'\\', rest)?;
        while rest.get(at) == Some(&b'\\') {
            at += 2;
            let tail = rest.get(at..)?;
            let mut near = tail.iter().take(NEAR);
            at += near
                .position(|byte| matches!(byte, b'"' | b'\\'))
                .or_else(|| Some(NEAR + search::either(b'"', b'\\', tail.get(NEAR..)?)?))?;
        }
        self.at += at + 1;
        Some(())
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

fn unescape(inner: &[u8], first: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(inner.len());
    let (plain, mut rest) = inner.split_at_checked(first)?;
    out.extend_from_slice(plain);
    while let [b'\\', escape, tail @ ..] = rest {
        rest = tail;
        match escape {
            b'"' | b'\\' | b'/' => out.push(*escape),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let (mut code, after) = hex4(rest)?;
                rest = after;
                if (0xd800..0xdc00).contains(&code) {
                    let low = rest.strip_prefix(b"\\u").and_then(hex4);
                    if let Some((low, after)) =
                        low.filter(|(low, _)| (0xdc00..0xe000).contains(low))
                    {
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                        rest = after;
                    }
                }
                push_wtf8(&mut out, code);
            }
            _ => return None,
        }
        let mut near = NEAR;
        while near > 0
            && let [byte, tail @ ..] = rest
            && *byte != b'\\'
        {
            out.push(*byte);
            (rest, near) = (tail, near - 1);
        }
        if !matches!(rest, [] | [b'\\', ..]) {
            let plain = search::byte(b'\\', rest).unwrap_or(rest.len());
            let (plain, tail) = rest.split_at_checked(plain)?;
            out.extend_from_slice(plain);
            rest = tail;
        }
    }
    rest.is_empty().then_some(out)
}

fn hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let unit = digits.iter().try_fold(0, |unit, &digit| {
        Some((unit << 4) | char::from(digit).to_digit(16)?)
    })?;
    Some((unit, rest))
}

/// UTF-8, and for a surrogate without its other half the three bytes it would have: the reader of
/// text refuses those, the reader of bytes gets them.
fn push_wtf8(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            let byte = |shift: u32| 0x80 | ((code >> shift) & 0x3f) as u8;
            out.extend_from_slice(&[0xe0 | (code >> 12) as u8, byte(6), byte(0)]);
        }
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn write_str(out: &mut String, text: &str) {
    out.push('"');
    write_escaped(out, text);
    out.push('"');
}

/// Appends the inside of a JSON string.
pub(crate) fn write_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|b| b < 0x20 || b == b'"' || b == b'\\')
    {
        let Some((plain, special)) = rest.split_at_checked(at) else {
            break;
        };
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                out.push_str("\\u00");
                for nibble in [control as u32 >> 4, control as u32 & 0xf] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('0'));
                }
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

// The properties need a source of randomness that wasm32 has not.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string_of(json: &str) -> Option<Vec<u8>> {
        Value::parse(json.as_bytes())?.string().map(Cow::into_owned)
    }

    #[test]
    fn strings() {
        for (json, bytes) in [
            (r#""""#, Some(&b""[..])),
            (r#""plain""#, Some(b"plain")),
            (r#""a\"b\\c\/d""#, Some(b"a\"b\\c/d")),
            (r#""\b\f\n\r\t""#, Some(b"\x08\x0c\n\r\t")),
            (r#""\u0000""#, Some(b"\0")),
            (r#""\u00e9\u20ac""#, Some("é€".as_bytes())),
            (r#""\ud83d\ude00""#, Some("😀".as_bytes())),
            (r#""\ud83d""#, Some(b"\xed\xa0\xbd")),
            (r#""\ude00""#, Some(b"\xed\xb8\x80")),
            (
                r#""\ud83d\ud83d\ude00""#,
                Some(b"\xed\xa0\xbd\xf0\x9f\x98\x80"),
            ),
            (r#""\ud83dx""#, Some(b"\xed\xa0\xbdx")),
            (r#""\u12""#, None),
            (r#""\u+123""#, None),
            (r#""\x""#, None),
            (r#"1"#, None),
        ] {
            assert_eq!(string_of(json).as_deref(), bytes, "{json}");
        }
    }

    #[test]
    fn values() {
        for (json, kind) in [
            ("null", Kind::Null),
            (" true ", Kind::Bool),
            ("false", Kind::Bool),
            ("-0", Kind::Number),
            ("9007199254740993", Kind::Number),
            ("1e400", Kind::Number),
            ("1.5E-3", Kind::Number),
            ("\"\"", Kind::String),
            ("[]", Kind::Array),
            ("[ 1 , [ ] , {\"a\" : [ 2 ]} ]", Kind::Array),
            ("{}", Kind::Object),
            ("{ \"a\" : 1 , \"b\" : null }", Kind::Object),
        ] {
            assert_eq!(
                Value::parse(json.as_bytes()).map(Value::kind),
                Some(kind),
                "{json}"
            );
        }
        for json in [
            "",
            " ",
            "nul",
            "nulll",
            "tru",
            "01",
            "-",
            "1.",
            "1e",
            ".5",
            "+1",
            "\"",
            "\"\\\"",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "{",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1]",
            "1 2",
            "<html>",
            "NaN",
            "[[]",
            "]",
            "}",
        ] {
            assert_eq!(Value::parse(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nest = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(Value::parse(nest(128).as_bytes()).is_some());
        assert!(Value::parse(nest(129).as_bytes()).is_none());
        assert!(Value::parse("[".repeat(1_000_000).as_bytes()).is_none());
    }

    #[test]
    fn elements_and_members_keep_order_and_text() {
        let value = Value::parse(b" [1, \"a,]\" , [2,{\"x\":[]}] ,null]").unwrap();
        let texts: Vec<_> = value.elements().unwrap().map(|v| v.raw()).collect();
        assert_eq!(texts, [&b"1"[..], b"\"a,]\"", b"[2,{\"x\":[]}]", b"null"]);
        let value = Value::parse(b"{\"a\" : 1,\"b\":{\"c\":2} }").unwrap();
        let texts: Vec<_> = value
            .members()
            .unwrap()
            .map(|(n, v)| (n.raw(), v.raw()))
            .collect();
        assert_eq!(
            texts,
            [(&b"\"a\""[..], &b"1"[..]), (b"\"b\"", b"{\"c\":2}")]
        );
    }

    /// What stands at the places of a text.
    fn texts(text: &str) -> Option<Vec<&[u8]>> {
        let places = places(text.as_bytes())?.into_iter();
        places.map(|place| text.as_bytes().get(place)).collect()
    }

    proptest! {

        #[test]
        fn what_is_written_is_read(text in any::<String>()) {
            let mut json = String::new();
            write_str(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            prop_assert_eq!(string_of(&json).unwrap(), text.into_bytes());
        }

        #[test]
        fn strings_read_as_serde_json_reads_them(text in r#"([a-z]|[a-z]{6,12}|\\[nrtbf/"\\]|\\u[0-9a-d]{4}|é|😀){0,12}"#) {
            let json = ["\"", &text, "\""].concat();
            let theirs = serde_json::from_str::<String>(&json).ok();
            let ours = string_of(&json).and_then(|bytes| String::from_utf8(bytes).ok());
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn accepts_what_serde_json_accepts(text in r#"[\[\]{}:,0-9eE+.\-"ntrufalse \\]{0,24}"#) {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            let ours = Value::parse(text.as_bytes()).is_some();
            // Escapes are checked when the string is read, so ours may accept a little more here.
            prop_assert!(ours || !theirs, "{}", text);
        }

        #[test]
        fn places_are_those_of_the_elements(text in r#" ?\[( ?(1|"a,\]"|null|\{"x":\[\]\}|\[\[\],2\]) ?[,\]\[]?){0,6} ?\]?"#) {
            let array = Value::parse(text.as_bytes()).filter(|value| value.kind() == Kind::Array);
            let elements = array.and_then(Value::elements);
            let theirs = elements.map(|elements| elements.map(Value::raw).collect::<Vec<_>>());
            prop_assert_eq!(theirs, texts(&text));
        }

        #[test]
        fn places_are_those_of_the_members(text in r#" ?\{( ?"[ab}\\"]{0,12}" ?:? ?(1|"a,}"|null|\{"x":\[\]\}) ?[,}]?){0,4} ?\}?"#) {
            let object = Value::parse(text.as_bytes()).filter(|value| value.kind() == Kind::Object);
            let members = object.and_then(Value::members);
            let theirs = members.map(|members| members.flat_map(|(name, value)| [name.raw(), value.raw()]).collect());
            prop_assert_eq!(theirs, texts(&text));
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(value) = Value::parse(&bytes) {
                let _ = value.string();
                let _ = value.elements().map(Iterator::count);
                let _ = value.members().map(Iterator::count);
            }
        }
    }
}
