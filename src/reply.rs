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
    wire::{
        answer::{self, Form, Strings},
        base64, json, resp2,
    },
};

#[cfg(test)]
mod tests;
mod value;

pub use value::Value;

/// A type that a reply can be read as.
///
/// Nil is `Option`; a nil that meets a type which is not one is an error with
/// [`is_decode`](Error::is_decode). Text is never guessed to be JSON: ask for [`Json<T>`]. Integers
/// and floats are read from their digits. Bytes that need not be UTF-8 are [`Bytes`], and asking
/// for them makes the client ask the server for base64, or for
/// [RESP2](crate::ResponseFormat::Resp2) where that is set.
///
/// An error of Redis inside an array, as a script or EXEC may answer it, is a value for
/// `Result<T, Error>` and [`Value`]; any other type that meets one fails with it.
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
    /// Whether the reply has to come as base64 or RESP2, because text in JSON would lose bytes.
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
    view: View<'a>,
}

#[derive(Clone, Copy)]
enum View<'a> {
    Json(json::Value<'a>, Strings),
    Resp2(resp2::Value<'a>),
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
    /// An error of Redis inside an array; [`Reply::error`] has it.
    Error,
    /// Something Redis has no word for.
    Other,
}

impl<'a> Reply<'a> {
    pub(crate) fn json(value: json::Value<'a>, strings: Strings) -> Self {
        let view = View::Json(value, strings);
        Self { view }
    }

    pub(crate) fn resp2(value: resp2::Value<'a>) -> Self {
        let view = View::Resp2(value);
        Self { view }
    }

    /// The one reply that `text` is, which has been checked.
    pub(crate) fn found(text: &'a [u8], form: Form) -> Self {
        match form {
            Form::Json(strings) => Self::json(json::Value::found(text), strings),
            Form::Resp2 => {
                let value = resp2::Values::found(text).next();
                Self::resp2(value.unwrap_or(resp2::Value::Nil))
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn new(value: json::Value<'a>, base64: bool) -> Self {
        let strings = if base64 {
            Strings::Base64
        } else {
            Strings::Text
        };
        Self::json(value, strings)
    }

    /// What it is.
    pub fn kind(self) -> ReplyKind {
        match self.view {
            View::Json(value, _) => match value.kind() {
                json::Kind::Null => ReplyKind::Nil,
                json::Kind::Number => ReplyKind::Number,
                json::Kind::String => ReplyKind::String,
                json::Kind::Array => ReplyKind::Array,
                json::Kind::Object if answer::nested_error(value).is_some() => ReplyKind::Error,
                json::Kind::Bool | json::Kind::Object => ReplyKind::Other,
            },
            View::Resp2(value) => match value {
                resp2::Value::Nil => ReplyKind::Nil,
                resp2::Value::Integer(_) => ReplyKind::Number,
                resp2::Value::Simple(_) | resp2::Value::Bulk(_) => ReplyKind::String,
                resp2::Value::Array(_) => ReplyKind::Array,
                resp2::Value::Error(_) => ReplyKind::Error,
            },
        }
    }

    /// The bytes of a string; the digits of a number.
    pub fn bytes(self) -> Result<Cow<'a, [u8]>, Error> {
        let (value, strings) = match self.view {
            View::Json(value, strings) => (value, strings),
            View::Resp2(
                resp2::Value::Simple(bytes)
                | resp2::Value::Bulk(bytes)
                | resp2::Value::Integer(bytes),
            ) => return Ok(Cow::Borrowed(bytes)),
            View::Resp2(_) => return Err(self.not("text")),
        };
        let string = match value.kind() {
            json::Kind::Number => return Ok(Cow::Borrowed(value.raw())),
            json::Kind::String => value.string(),
            _ => return Err(self.not("text")),
        };
        let string = string.ok_or_else(|| {
            Error::decode("the server sent a string with an escape that is not JSON")
        })?;
        match strings {
            Strings::Text => Ok(string),
            Strings::Base64 => base64::decode(&string).map(Cow::Owned).ok_or_else(|| {
                Error::decode("base64 was asked for, and the server sent something else: does it know Upstash-Encoding?")
            }),
            Strings::Lossy => Err(Error::decode(
                "RESP2 was asked for, and the server sent JSON, where bytes that are not text are lost: does it know \
                 Upstash-Response-Format? ResponseFormat::Json asks for base64",
            )),
        }
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
        let elements = match self.view {
            View::Json(value, strings) => value
                .elements()
                .map(|elements| Elements::Json(elements, strings)),
            View::Resp2(resp2::Value::Array(values)) => Some(Elements::Resp2(values)),
            View::Resp2(_) => None,
        };
        let elements = elements.ok_or_else(|| self.not("an array"))?;
        Ok(Items { elements })
    }

    /// The error of Redis, if the reply is one: a command inside a script or a transaction failed. A command that
    /// fails itself has no reply.
    pub fn error(self) -> Option<Error> {
        self.error_words().map(|words| Error::nested(&words))
    }

    /// What the server says, if the reply is an error.
    fn error_words(self) -> Option<Cow<'a, str>> {
        match self.view {
            View::Json(value, _) => answer::nested_error(value),
            View::Resp2(resp2::Value::Error(words)) => Some(String::from_utf8_lossy(words)),
            View::Resp2(_) => None,
        }
    }

    /// The error that says: this was found where `expected` was asked for. That of the server, if it is one.
    pub(crate) fn not(self, expected: &str) -> Error {
        if let Some(error) = self.error() {
            return error;
        }
        let found = match self.kind() {
            ReplyKind::Nil if !expected.starts_with("nil") => {
                return Error::decode(format!(
                    "the server answered nil, which is not {expected}; ask for an Option to accept it"
                ));
            }
            ReplyKind::Nil => "nil",
            ReplyKind::Number => "a number",
            ReplyKind::String => "text",
            ReplyKind::Array => "an array",
            ReplyKind::Error => "an error",
            ReplyKind::Other => "a boolean or an object",
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
    elements: Elements<'a>,
}

#[derive(Clone)]
enum Elements<'a> {
    Json(json::Elements<'a>, Strings),
    Resp2(resp2::Values<'a>),
}

impl<'a> Iterator for Items<'a> {
    type Item = Reply<'a>;

    fn next(&mut self) -> Option<Reply<'a>> {
        Some(match &mut self.elements {
            Elements::Json(elements, strings) => Reply::json(elements.next()?, *strings),
            Elements::Resp2(values) => Reply::resp2(values.next()?),
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
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        reply.error().map_or(Ok(()), Err)
    }
}

/// An error of Redis inside an array as a value: `Vec<Result<i64, Error>>` has what each command of a script came to.
///
/// The error of the command itself stays the `Err` of the call, and so does a reply that is not a `T`.
///
/// ```
/// use restis::Error;
///
/// # restis_testing::run(async |redis| {
/// redis.set("text", "abc").await?;
/// let script = "return {redis.pcall('INCR', KEYS[1]), redis.pcall('INCR', KEYS[2])}";
/// let both: Vec<Result<i64, Error>> = redis.eval(script, ["text", "number"]).await?;
/// assert!(both[0].as_ref().is_err_and(Error::is_server));
/// assert!(matches!(both[1], Ok(1)));
/// # Ok(()) });
/// ```
impl<T: FromReply> FromReply for Result<T, Error> {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match reply.error() {
            Some(error) => Ok(Err(error)),
            None => T::from_reply(reply).map(Ok),
        }
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
