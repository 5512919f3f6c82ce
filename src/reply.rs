//! What can be asked for: [`FromReply`] and the types that are, among them [`Json`], [`Bytes`] and [`Value`].

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    fmt,
    hash::{BuildHasher, Hash},
    ops::{Deref, DerefMut},
    rc::Rc,
    sync::Arc,
};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{
    error::Error,
    wire::{base64, json},
};

/// A type that a reply can be read as.
///
/// Nil is `Option`; a nil that meets a type which is not one is an error with
/// [`is_decode`](Error::is_decode). Text is never guessed to be JSON: ask for [`Json<T>`]. Integers
/// and floats are read from their digits. Bytes that need not be UTF-8 are [`Bytes`], and asking
/// for them makes the client ask the server for base64.
///
/// ```
/// use restis::{Error, FromReply, Reply};
///
/// struct UserId(u64);
///
/// impl FromReply for UserId {
///     fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
///         let text = reply.text()?;
///         let digits = text.strip_prefix("user:").ok_or_else(|| Error::decode("not a user id"))?;
///         digits.parse().map(UserId).map_err(|_| Error::decode("not a user id"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a reply of Redis cannot be read as `{Self}`",
    note = "for a type of your own that is stored as JSON, ask for `Json<{Self}>`; for bytes, ask for `restis::Bytes`; for a small number, ask for `u16`"
)]
pub trait FromReply: Sized {
    /// Whether the reply has to come as base64, because text would lose bytes.
    const BYTES: bool = false;

    /// Whether nil, where an array of these is asked for, is an array of none.
    #[doc(hidden)]
    const NIL_IS_NONE: bool = false;

    /// Reads the reply.
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error>;

    /// Reads an array as many of these. A tuple takes as many elements as it is wide.
    #[doc(hidden)]
    fn from_items(items: Items<'_>) -> impl Iterator<Item = Result<Self, Error>> {
        items.map(Self::from_reply)
    }
}

/// One reply of the server, not yet read: a view into the answer.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    value: json::Value<'a>,
    base64: bool,
}

/// What a [`Reply`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyKind {
    /// Nothing: the key, field or element does not exist, or a condition was not met.
    Nil,
    /// A number; [`Reply::text`] has its digits.
    Number,
    /// Text or bytes.
    String,
    /// Several replies; [`Reply::items`] has them.
    Array,
    /// Something Redis has no word for.
    Other,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(value: json::Value<'a>, base64: bool) -> Self {
        Self { value, base64 }
    }

    /// What it is.
    pub fn kind(self) -> ReplyKind {
        match self.value.kind() {
            json::Kind::Null => ReplyKind::Nil,
            json::Kind::Number => ReplyKind::Number,
            json::Kind::String => ReplyKind::String,
            json::Kind::Array => ReplyKind::Array,
            json::Kind::Bool | json::Kind::Object => ReplyKind::Other,
        }
    }

    /// The bytes of a string; the digits of a number.
    pub fn bytes(self) -> Result<Cow<'a, [u8]>, Error> {
        let string = match self.value.kind() {
            json::Kind::Number => return Ok(Cow::Borrowed(self.value.raw())),
            json::Kind::String => self.value.string(),
            _ => return Err(self.not("text")),
        };
        let string = string.ok_or_else(|| {
            Error::decode("the server sent a string with an escape that is not JSON")
        })?;
        if !self.base64 {
            return Ok(string);
        }
        let bytes = base64::decode(&string);
        bytes.map(Cow::Owned).ok_or_else(|| {
            Error::decode("base64 was asked for, and the server sent something else: does it know Upstash-Encoding?")
        })
    }

    /// The text of a string; the digits of a number, all of them.
    pub fn text(self) -> Result<Cow<'a, str>, Error> {
        let not_utf8 =
            || Error::decode("the reply is not UTF-8; ask for restis::Bytes to get it as it is");
        match self.bytes()? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|_| not_utf8()),
            Cow::Owned(bytes) => String::from_utf8(bytes)
                .map(Cow::Owned)
                .map_err(|_| not_utf8()),
        }
    }

    /// The replies in an array.
    pub fn items(self) -> Result<Items<'a>, Error> {
        let elements = self.value.elements().ok_or_else(|| self.not("an array"))?;
        Ok(Items {
            elements,
            base64: self.base64,
        })
    }

    /// The error that says: this was found where `expected` was asked for.
    pub(crate) fn not(self, expected: &str) -> Error {
        let found = match self.value.kind() {
            json::Kind::Null if !expected.starts_with("nil") => {
                return Error::decode(format!(
                    "the server answered nil, which is not {expected}; ask for an Option to accept it"
                ));
            }
            json::Kind::Null => "nil",
            json::Kind::Bool => "a boolean",
            json::Kind::Number => "a number",
            json::Kind::String => "text",
            json::Kind::Array => "an array",
            json::Kind::Object => "an object",
        };
        Error::decode(format!(
            "{expected} was asked for, and the server answered {found}"
        ))
    }

    pub(crate) fn read<T: FromReply>(self) -> Result<T, Error> {
        T::from_reply(self)
    }
}

impl fmt::Debug for Reply<'_> {
    /// The kind only: a reply is the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&self.kind()).finish()
    }
}

/// The replies in an array, in order. See [`Reply::items`].
#[derive(Clone)]
pub struct Items<'a> {
    elements: json::Elements<'a>,
    base64: bool,
}

impl<'a> Iterator for Items<'a> {
    type Item = Reply<'a>;

    fn next(&mut self) -> Option<Reply<'a>> {
        let value = self.elements.next()?;
        Some(Reply {
            value,
            base64: self.base64,
        })
    }
}

impl Items<'_> {
    /// Reads the next reply, which must be there.
    pub(crate) fn read<T: FromReply>(&mut self) -> Result<T, Error> {
        let reply = self
            .next()
            .ok_or_else(|| Error::decode("the server's answer has too few elements"))?;
        T::from_reply(reply)
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match self.next() {
            None => Ok(()),
            Some(_) => Err(Error::decode("the server's answer has too many elements")),
        }
    }
}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}

/// Whatever the reply is, it is not looked at. An error of the server is one all the same.
impl FromReply for () {
    fn from_reply(_: Reply<'_>) -> Result<Self, Error> {
        Ok(())
    }
}

impl<T: FromReply> FromReply for Option<T> {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match reply.kind() {
            ReplyKind::Nil => Ok(None),
            _ => T::from_reply(reply).map(Some),
        }
    }
}

macro_rules! by_digits {
    ($($ty:ty)*) => {$(
        /// From its digits, as number or as text.
        impl FromReply for $ty {
            fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
                let text = reply.text()?;
                text.parse().map_err(|_| Error::decode(concat!(
                    "the reply is not a whole number in the range of ", stringify!($ty), "; ask for String to see it"
                )))
            }
        }
    )*};
}

by_digits!(i8 i16 u16 i32 u32 i64 u64 i128 u128 isize usize);

macro_rules! by_float {
    ($($ty:ty)*) => {$(
        /// From its text, `inf` and `-inf` among them. A number too large for the type is an error, not infinity.
        impl FromReply for $ty {
            fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
                let text = reply.text()?;
                let number: Option<$ty> = text.parse().ok();
                let named = |text: &str| text.bytes().any(|b| b == b'n' || b == b'N');
                number.filter(|number| number.is_finite() || named(&text)).ok_or_else(|| Error::decode(concat!(
                    "the reply is not a number in the range of ", stringify!($ty), "; ask for String to see it"
                )))
            }
        }
    )*};
}

by_float!(f32 f64);

/// `1`, `true` and `OK` are true; `0`, `false` and nil are false.
impl FromReply for bool {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        if reply.kind() == ReplyKind::Nil {
            return Ok(false);
        }
        match &*reply.text()? {
            "1" | "true" | "OK" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(Error::decode(
                "the reply is neither 1 nor 0, neither true nor false",
            )),
        }
    }
}

macro_rules! by_text {
    ($($ty:ty)*) => {$(
        impl FromReply for $ty {
            fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
                reply.text().map(|text| text.into_owned().into())
            }
        }
    )*};
}

by_text!(String Box<str> Rc<str> Arc<str>);

/// Any bytes, exactly as they are stored. The client asks for base64 by itself.
impl FromReply for Bytes {
    const BYTES: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        reply.bytes().map(|bytes| Self::from(bytes.into_owned()))
    }
}

/// A value of your own, stored as JSON text: `Json(&user)` to send it, `Json<User>` to read it.
///
/// @upstash/redis stores and reads objects the same way, so both sides share keys. A reply that is
/// not the JSON of `T` is an error with [`is_decode`](Error::is_decode), which does not quote it.
///
/// ```
/// use restis::Json;
///
/// #[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
/// struct User { name: String }
///
/// # restis_testing::run(async |redis| {
/// redis.set("user:1", Json(&User { name: "ada".into() })).await?;
/// let user: Option<Json<User>> = redis.get("user:1").await?;
/// assert_eq!(user.map(|user| user.0.name).as_deref(), Some("ada"));
/// # Ok(()) });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Json<T>(pub T);

impl<T> Json<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: DeserializeOwned> FromReply for Json<T> {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let bytes = reply.bytes()?;
        serde_json::from_slice(&bytes).map(Json).map_err(|error| {
            let why = match error.classify() {
                serde_json::error::Category::Data => "is JSON, but not of the type asked for",
                _ => "is not JSON",
            };
            let (line, column) = (error.line(), error.column());
            Error::decode(format!(
                "the reply {why} (line {line}, column {column}); ask for String to see it"
            ))
        })
    }
}

macro_rules! by_each {
    ($([$($bounds:tt)*] $ty:ty;)*) => {$(
        /// From an array; nil is an error, an empty array is empty.
        impl<$($bounds)*> FromReply for $ty {
            const BYTES: bool = T::BYTES;

            fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
                if T::NIL_IS_NONE && reply.kind() == ReplyKind::Nil {
                    return Ok(Self::default());
                }
                T::from_items(reply.items()?).collect()
            }
        }
    )*};
}

by_each! {
    [T: FromReply] Vec<T>;
    [T: FromReply] VecDeque<T>;
    [T: FromReply + Eq + Hash, S: BuildHasher + Default] HashSet<T, S>;
    [T: FromReply + Ord] BTreeSet<T>;
}

/// From an array of exactly this many elements.
impl<T: FromReply, const N: usize> FromReply for [T; N] {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let elements: Vec<T> = reply.read()?;
        let found = elements.len();
        elements.try_into().map_err(|_| {
            Error::decode(format!(
                "{N} elements were asked for, and the server answered {found}"
            ))
        })
    }
}

/// From a flat array of keys and values, or an array of pairs. The order is lost: ask for `Vec<(K, V)>` to keep it.
impl<K: FromReply + Eq + Hash, V: FromReply, S: BuildHasher + Default> FromReply
    for HashMap<K, V, S>
{
    const BYTES: bool = K::BYTES || V::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        <(K, V)>::from_items(reply.items()?).collect()
    }
}

/// From a flat array of keys and values, or an array of pairs.
impl<K: FromReply + Ord, V: FromReply> FromReply for BTreeMap<K, V> {
    const BYTES: bool = K::BYTES || V::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        <(K, V)>::from_items(reply.items()?).collect()
    }
}

/// Tuples out of an array: one for each array of their width, or one for every so many elements.
struct Chunks<'a, T> {
    items: Items<'a>,
    read: fn(&mut Items<'a>) -> Result<T, Error>,
}

impl<T: FromReply> Iterator for Chunks<'_, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.items.clone().next()?;
        if first.kind() == ReplyKind::Array {
            self.items.next();
            return Some(T::from_reply(first));
        }
        Some((self.read)(&mut self.items))
    }
}

macro_rules! by_tuple {
    ($($name:ident)+) => {
        /// From an array of exactly this many elements.
        impl<$($name: FromReply),+> FromReply for ($($name,)+) {
            const BYTES: bool = $($name::BYTES)||+;

            fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
                let mut items = reply.items()?;
                let tuple = ($(items.read::<$name>()?,)+);
                items.end()?;
                Ok(tuple)
            }

            fn from_items(items: Items<'_>) -> impl Iterator<Item = Result<Self, Error>> {
                Chunks { items, read: |items| Ok(($(items.read::<$name>()?,)+)) }
            }
        }
    };
}

by_tuple!(A B);
by_tuple!(A B C);
by_tuple!(A B C D);
by_tuple!(A B C D E);
by_tuple!(A B C D E F);

/// A reply of any shape, for commands whose shape is not known before: `command("…").query::<Value>()`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    Nil,
    /// A number, in its own digits.
    Number(String),
    /// Text or bytes.
    Bytes(Bytes),
    /// Several replies.
    Array(Vec<Self>),
}

impl Value {
    /// The text, if it is a number or UTF-8 text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Number(digits) => Some(digits),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Nil | Self::Array(_) => None,
        }
    }
}

impl FromReply for Value {
    const BYTES: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        // As deep as the scanner lets JSON be, so the recursion is bounded.
        Ok(match reply.kind() {
            ReplyKind::Nil => Self::Nil,
            ReplyKind::Number => Self::Number(reply.read()?),
            ReplyKind::String => Self::Bytes(reply.read()?),
            ReplyKind::Array => Self::Array(reply.read()?),
            ReplyKind::Other => return Err(reply.not("a reply of Redis")),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn read<T: FromReply>(json: &str) -> Result<T, Error> {
        Reply::new(json::Value::parse(json.as_bytes()).unwrap(), false).read()
    }

    fn read64<T: FromReply>(json: &str) -> Result<T, Error> {
        Reply::new(json::Value::parse(json.as_bytes()).unwrap(), true).read()
    }

    #[track_caller]
    fn is<T: FromReply + PartialEq + Debug>(json: &str, expected: T) {
        assert_eq!(read::<T>(json).unwrap(), expected);
    }

    #[track_caller]
    fn fails<T: FromReply + Debug>(json: &str) -> String {
        let error = read::<T>(json).unwrap_err();
        assert!(error.is_decode());
        error.to_string()
    }

    #[test]
    fn scalars() {
        is("1", 1i64);
        is("\"1\"", 1i64);
        is("9223372036854775807", i64::MAX);
        is("9007199254740993", 9_007_199_254_740_993u64);
        is("\"9007199254740993\"", "9007199254740993".to_string());
        is("9007199254740993", "9007199254740993".to_string());
        is("1e400", "1e400".to_string());
        is("-0", "-0".to_string());
        is("\"007\"", "007".to_string());
        is("\"007\"", 7i64);
        is("\"1.5\"", 1.5f64);
        is("\"inf\"", f64::INFINITY);
        is("\"-inf\"", f64::NEG_INFINITY);
        assert!(read::<f64>("\"nan\"").unwrap().is_nan());
        assert!(read::<f64>("-0").unwrap().is_sign_negative());
        is("\"\\u0000\"", "\0".to_string());
        is("\"\"", String::new());
        is("1", true);
        is("\"OK\"", true);
        is("0", false);
        is("null", false);
        is("null", ());
        is("null", None::<String>);
        is("\"x\"", Some("x".to_string()));
        is("\"caf\\u00e9\"", Bytes::from("café"));
        fails::<i64>("1.0");
        fails::<i64>("9223372036854775808");
        fails::<f64>("1e400");
        fails::<bool>("2");
        fails::<i64>("[1]");
        assert!(fails::<String>("null").contains("Option"));
        assert!(fails::<String>("\"\\ud800\"").contains("Bytes"));
        is("\"\\ud800\"", Bytes::from(&b"\xed\xa0\x80"[..]));
        fails::<String>("{}");
        fails::<Value>("{\"a\":1}");
    }

    #[test]
    fn containers() {
        is("[]", Vec::<String>::new());
        is("[\"a\",null]", vec![Some("a".to_string()), None]);
        is(
            "[\"a\",\"1\",\"b\",\"2\"]",
            vec![("a".to_string(), 1.0), ("b".to_string(), 2.0)],
        );
        is(
            "[[\"a\",\"1\"],[\"b\",\"2\"]]",
            vec![("a".to_string(), 1.0), ("b".to_string(), 2.0)],
        );
        is("[1,2]", [1, 2]);
        fails::<[i64; 3]>("[1,2]");
        is("[\"a\",\"1\"]", HashMap::from([("a".to_string(), 1)]));
        is("[[\"a\",\"1\"]]", BTreeMap::from([("a".to_string(), 1)]));
        is(
            "[\"b\",\"a\",\"b\"]",
            BTreeSet::from(["a".to_string(), "b".to_string()]),
        );
        is(
            "[\"k\",[\"a\",\"b\"]]",
            ("k".to_string(), vec!["a".to_string(), "b".to_string()]),
        );
        is(
            "[1,[\"x\",null]]",
            Value::Array(vec![
                Value::Number("1".into()),
                Value::Array(vec![Value::Bytes("x".into()), Value::Nil]),
            ]),
        );
        fails::<Vec<(String, i64)>>("[\"a\"]");
        fails::<(String, i64)>("[\"a\",1,2]");
        fails::<Vec<String>>("null");
    }

    #[test]
    fn base64_at_every_depth() {
        let value: Vec<Value> = read64("[\"Zm9v\",\"OK\",[\"/w==\",7,null]]").unwrap();
        let bytes = |bytes: &'static [u8]| Value::Bytes(Bytes::from_static(bytes));
        let inner = Value::Array(vec![bytes(b"\xff"), Value::Number("7".into()), Value::Nil]);
        assert_eq!(value, [bytes(b"foo"), bytes(b"OK"), inner]);
        assert_eq!(read64::<i64>("\"NDI=\"").unwrap(), 42);
        assert!(
            read64::<String>("\"/w==\"")
                .unwrap_err()
                .to_string()
                .contains("Bytes")
        );
        assert!(read64::<String>("\"not base64\"").unwrap_err().is_decode());
    }

    #[test]
    fn errors_do_not_quote_the_reply() {
        for error in [
            read::<i64>("\"secret\"").unwrap_err(),
            read::<Json<i64>>("\"\\\"secret\\\"\"").unwrap_err(),
            read::<Json<i64>>("\"secret\"").unwrap_err(),
        ] {
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_asks_for_bytes() {
        const {
            assert!(
                Bytes::BYTES
                    && Option::<Bytes>::BYTES
                    && Vec::<(String, Bytes)>::BYTES
                    && Value::BYTES
            );
            assert!(!String::BYTES && !Vec::<Json<i64>>::BYTES);
        }
    }
}
