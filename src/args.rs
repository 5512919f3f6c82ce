//! What can be sent: [`ToArg`] for one argument, [`ToArgs`] for one or more, [`ToPairs`] for pairs.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    fmt::{self, Display, Write},
    hash::BuildHasher,
    num::{NonZeroI32, NonZeroI64, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize},
    rc::Rc,
    sync::Arc,
};

use bytes::Bytes;
use serde::Serialize;

use crate::{Json, wire::request::Args};

/// One argument of a command: text, a number, bytes, or [`Json`].
///
/// Numbers go out as their digits, all of them; `true` and `false` as those words, as
/// @upstash/redis writes them. Bytes that are UTF-8 go out as text; others by the form of the
/// protocol that carries bytes, where there is one, else the command fails with
/// [`is_argument`](crate::Error::is_argument) before anything is sent.
///
/// `u8` is not an argument, so that a `Vec<u8>` is always bytes and never a list of numbers.
///
/// ```
/// use restis::{ArgWriter, ToArg, Written};
///
/// struct UserId(u64);
///
/// impl ToArg for UserId {
///     fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
///         arg.display(format_args!("user:{}", self.0))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a Redis command",
    note = "text, integers other than `u8`, floats, `bool`, bytes (`&[u8]`, `Vec<u8>`, `Bytes`) and `Json(value)` can"
)]
pub trait ToArg {
    /// Writes this value as one argument. The return value is proof that it was exactly one.
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written;
}

/// The place of one argument, to be filled by one of its methods.
#[derive(Debug)]
pub struct ArgWriter<'a>(pub(crate) &'a mut Args);

/// Proof that an argument was written.
#[derive(Debug)]
pub struct Written(());

impl ArgWriter<'_> {
    /// The argument is this text.
    pub fn text(self, text: &str) -> Written {
        self.0.push_text(text);
        Written(())
    }

    /// The argument is these bytes, whatever they are.
    pub fn bytes(self, bytes: &[u8]) -> Written {
        self.0.push_bytes(bytes);
        Written(())
    }

    /// The argument is what `value` displays.
    pub fn display(self, value: impl Display) -> Written {
        self.0.push_display(value);
        Written(())
    }

    /// The argument is `value` as JSON text. A value that cannot be JSON fails the command before it is sent.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Written {
        self.0.push_json(value);
        Written(())
    }
}

macro_rules! by_display {
    ($($ty:ty)*) => {$(
        impl ToArg for $ty {
            fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
                // The digits of a number need no escapes.
                arg.0.push_plain(|out| write!(out, "{self}"));
                Written(())
            }
        }
    )*};
}

by_display!(i8 i16 u16 i32 u32 i64 u64 i128 u128 isize usize bool);
by_display!(NonZeroU16 NonZeroU32 NonZeroU64 NonZeroUsize NonZeroI32 NonZeroI64);

macro_rules! by_float {
    ($($ty:ty)*) => {$(
        impl ToArg for $ty {
            /// The shortest text that reads back as the same number; `inf` and `-inf` as Redis writes them.
            fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
                // `{}` never uses an exponent, and 1e300 has 301 digits.
                let plain = *self == 0.0 || (1e-5..1e17).contains(&self.abs()) || !self.is_finite();
                arg.0.push_plain(|out| if plain { write!(out, "{self}") } else { write!(out, "{self:e}") });
                Written(())
            }
        }
    )*};
}

by_float!(f32 f64);

macro_rules! by_text {
    ($($ty:ty)*) => {$(
        impl ToArg for $ty {
            fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
                arg.text(self)
            }
        }
    )*};
}

by_text!(str String Cow<'_, str> Box<str> Rc<str> Arc<str>);

/// `format_args!("user:{id}")`, without a string of its own.
impl ToArg for fmt::Arguments<'_> {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.display(self)
    }
}

impl ToArg for char {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(self.encode_utf8(&mut [0; 4]))
    }
}

macro_rules! by_bytes {
    ($($ty:ty)*) => {$(
        impl ToArg for $ty {
            fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
                arg.bytes(self)
            }
        }
    )*};
}

by_bytes!([u8] Vec<u8> Box<[u8]> Arc<[u8]> Cow<'_, [u8]> Bytes);

impl<const N: usize> ToArg for [u8; N] {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.bytes(self)
    }
}

impl<T: Serialize> ToArg for Json<T> {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.json(&self.0)
    }
}

impl<T: ToArg + ?Sized> ToArg for &T {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        (**self).write_arg(arg)
    }
}

/// One or more arguments: anything that is [`ToArg`], or an array, slice, `Vec` or set of such.
///
/// ```
/// # restis_testing::run(async |redis| {
/// redis.del("one").await?;
/// redis.del(["one", "two"]).await?;
/// redis.del(vec![String::from("one")]).await?;
/// # Ok(()) });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be arguments of a Redis command",
    note = "one argument, or an array, slice, `Vec` or set of them can; for an iterator, `collect::<Vec<_>>()` first"
)]
pub trait ToArgs {
    /// Writes the arguments, in order.
    #[doc(hidden)]
    fn write_args(&self, args: &mut ArgsWriter<'_>);
}

/// Where [`ToArgs`] and [`ToPairs`] write.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArgsWriter<'a> {
    pub(crate) args: &'a mut Args,
    pub(crate) count: usize,
    /// Of each pair only the first, or only the second.
    pub(crate) half: Option<Half>,
}

/// A half of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    First,
    Second,
}

impl ArgsWriter<'_> {
    pub(crate) fn one(&mut self, arg: &(impl ToArg + ?Sized)) {
        let place = if self.count.is_multiple_of(2) {
            Half::First
        } else {
            Half::Second
        };
        if self.half.is_none_or(|half| half == place) {
            let Written(()) = arg.write_arg(ArgWriter(self.args));
        }
        self.count += 1;
    }
}

impl<T: ToArg + ?Sized> ToArgs for T {
    fn write_args(&self, args: &mut ArgsWriter<'_>) {
        args.one(self);
    }
}

/// No arguments.
impl ToArgs for () {
    fn write_args(&self, _: &mut ArgsWriter<'_>) {}
}

macro_rules! by_each {
    ($([$($generics:tt)*] $ty:ty;)*) => {$(
        impl<$($generics)*> ToArgs for $ty {
            fn write_args(&self, args: &mut ArgsWriter<'_>) {
                self.iter().for_each(|arg| args.one(arg));
            }
        }
    )*};
}

by_each! {
    [T: ToArg] [T];
    [T: ToArg] &[T];
    [T: ToArg] Vec<T>;
    [T: ToArg] &Vec<T>;
    [T: ToArg, const N: usize] [T; N];
    [T: ToArg, const N: usize] &[T; N];
    [T: ToArg] VecDeque<T>;
    [T: ToArg] &VecDeque<T>;
    [T: ToArg, S: BuildHasher] HashSet<T, S>;
    [T: ToArg, S: BuildHasher] &HashSet<T, S>;
    [T: ToArg] BTreeSet<T>;
    [T: ToArg] &BTreeSet<T>;
}

/// One or more pairs: a tuple, or an array, slice, `Vec` or map of such.
///
/// Pairs whose values have different types are added one by one, by the method the command has for it:
/// `hset(key, ("name", "ada")).field("age", 36)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be pairs of a Redis command",
    note = "one tuple `(a, b)`, or an array, slice, `Vec` or map of them can"
)]
pub trait ToPairs {
    /// Writes the pairs, in order.
    #[doc(hidden)]
    fn write_pairs(&self, args: &mut ArgsWriter<'_>);
}

impl<A: ToArg, B: ToArg> ToPairs for (A, B) {
    fn write_pairs(&self, args: &mut ArgsWriter<'_>) {
        args.one(&self.0);
        args.one(&self.1);
    }
}

macro_rules! by_each_pair {
    ($([$($generics:tt)*] $ty:ty, $pair:pat => $a:expr, $b:expr;)*) => {$(
        impl<A: ToArg, B: ToArg, $($generics)*> ToPairs for $ty {
            fn write_pairs(&self, args: &mut ArgsWriter<'_>) {
                for $pair in self.iter() {
                    args.one($a);
                    args.one($b);
                }
            }
        }
    )*};
}

by_each_pair! {
    [] [(A, B)], (a, b) => a, b;
    [] Vec<(A, B)>, (a, b) => a, b;
    [const N: usize] [(A, B); N], (a, b) => a, b;
    [S: BuildHasher] HashMap<A, B, S>, (a, b) => a, b;
    [] BTreeMap<A, B>, (a, b) => a, b;
}

impl<T: ToPairs + ?Sized> ToPairs for &T {
    fn write_pairs(&self, args: &mut ArgsWriter<'_>) {
        (**self).write_pairs(args);
    }
}
