//! Strings: GET, SET and what belongs to them. DELEX and DIGEST are in [`compare`].

pub mod compare;

use crate::{Command, FromReply, Redis, ToArg, ToArgs, ToPairs};

/// The options of SET. IFEQ and its kind need Upstash or Redis 8.4; Valkey 9 has IFEQ.
#[derive(Debug)]
pub struct Set(());

/// The options of GETEX.
#[derive(Debug)]
pub struct GetEx(());

/// More pairs for MSET and MSETNX.
#[derive(Debug)]
pub struct MSet(());

/// The options of MSETEX.
#[derive(Debug)]
pub struct MSetEx(());

impl Command<'_, bool, MSetEx> {
    /// KEEPTTL: keeps the time to live each key has; without this or an expiry it is taken away.
    pub fn keepttl(self) -> Self {
        self.with("KEEPTTL")
    }

    /// NX: sets only if none of the keys exists.
    pub fn nx(self) -> Self {
        self.with("NX")
    }

    /// XX: sets only if all of the keys exist.
    pub fn xx(self) -> Self {
        self.with("XX")
    }
}

/// Commands that can set when a key expires.
pub trait Expires: sealed::Sealed {}

pub(super) mod sealed {
    pub trait Sealed {
        /// Whether the expiry stands before the values of the command.
        const BEFORE_VALUES: bool = false;
    }
}

impl sealed::Sealed for Set {}
impl sealed::Sealed for GetEx {}
impl sealed::Sealed for MSetEx {}
impl Expires for MSetEx {}
impl Expires for Set {}
impl Expires for GetEx {}

impl<T, O: Expires> Command<'_, T, O> {
    /// EX: expires after this many seconds.
    pub fn ex(self, seconds: u64) -> Self {
        self.expiry("EX", seconds)
    }

    /// PX: expires after this many milliseconds.
    pub fn px(self, milliseconds: u64) -> Self {
        self.expiry("PX", milliseconds)
    }

    /// EXAT: expires at this Unix time in seconds.
    pub fn exat(self, unix_seconds: u64) -> Self {
        self.expiry("EXAT", unix_seconds)
    }

    /// PXAT: expires at this Unix time in milliseconds.
    pub fn pxat(self, unix_milliseconds: u64) -> Self {
        self.expiry("PXAT", unix_milliseconds)
    }

    fn expiry(self, word: &str, time: u64) -> Self {
        if O::BEFORE_VALUES {
            self.option(word).option(time)
        } else {
            self.with(word).with(time)
        }
    }
}

impl<T> Command<'_, T, Set> {
    /// KEEPTTL: keeps the time to live the key has; without this SET takes it away.
    pub fn keepttl(self) -> Self {
        self.with("KEEPTTL")
    }
}

impl<'a> Command<'a, (), Set> {
    /// NX: sets only if the key does not exist. The reply is whether it was set.
    pub fn nx(self) -> Command<'a, bool, Set> {
        self.with("NX").cast()
    }

    /// XX: sets only if the key exists. The reply is whether it was set.
    pub fn xx(self) -> Command<'a, bool, Set> {
        self.with("XX").cast()
    }

    /// IFEQ: sets only if the value is this one. The reply is whether it was set.
    pub fn ifeq(self, value: impl ToArg) -> Command<'a, bool, Set> {
        self.with("IFEQ").with(value).cast()
    }

    /// IFNE: sets only if the value is not this one, or there is none. The reply is whether it was set.
    pub fn ifne(self, value: impl ToArg) -> Command<'a, bool, Set> {
        self.with("IFNE").with(value).cast()
    }

    /// IFDEQ: sets only if the value has this [digest](Redis::digest). The reply is whether it was set.
    pub fn ifdeq(self, digest: impl ToArg) -> Command<'a, bool, Set> {
        self.with("IFDEQ").with(digest).cast()
    }

    /// IFDNE: sets only if the value does not have this [digest](Redis::digest), or there is none. The reply
    /// is whether it was set.
    pub fn ifdne(self, digest: impl ToArg) -> Command<'a, bool, Set> {
        self.with("IFDNE").with(digest).cast()
    }

    /// GET: the reply is the value from before, `None` if there was none.
    pub fn get<T: FromReply>(self) -> Command<'a, Option<T>, Set> {
        self.with("GET").cast()
    }
}

impl<'a> Command<'a, bool, Set> {
    /// GET: the reply is the value from before, `None` if there was none.
    ///
    /// Redis gives that value also where a condition did not hold, Upstash documents nil there: whether it was set
    /// cannot be read from it. Leave GET away to get that as a `bool`.
    pub fn get<T: FromReply>(self) -> Command<'a, Option<T>, Set> {
        self.with("GET").cast()
    }
}

impl<T> Command<'_, Option<T>, Set> {
    /// NX: sets only if the key does not exist. With GET a reply of `None` means that it was set on Redis; Upstash
    /// documents nil also where it was not, so leave GET away where that is the question.
    pub fn nx(self) -> Self {
        self.with("NX")
    }

    /// XX: sets only if the key exists. A reply of `None` means that it was not set.
    pub fn xx(self) -> Self {
        self.with("XX")
    }

    /// IFEQ: sets only if the value is this one. Redis answers with the value from before also where it
    /// was not set, Upstash documents nil there.
    pub fn ifeq(self, value: impl ToArg) -> Self {
        self.with("IFEQ").with(value)
    }

    /// IFNE: sets only if the value is not this one, or there is none. See [`ifeq`](Self::ifeq).
    pub fn ifne(self, value: impl ToArg) -> Self {
        self.with("IFNE").with(value)
    }

    /// IFDEQ: sets only if the value has this [digest](Redis::digest). See [`ifeq`](Self::ifeq).
    pub fn ifdeq(self, digest: impl ToArg) -> Self {
        self.with("IFDEQ").with(digest)
    }

    /// IFDNE: sets only if the value does not have this [digest](Redis::digest), or there is none. See
    /// [`ifeq`](Self::ifeq).
    pub fn ifdne(self, digest: impl ToArg) -> Self {
        self.with("IFDNE").with(digest)
    }
}

impl<T> Command<'_, T, GetEx> {
    /// PERSIST: takes the time to live away.
    pub fn persist(self) -> Self {
        self.with("PERSIST")
    }
}

impl<T> Command<'_, T, MSet> {
    /// One more pair, whose value may have another type.
    pub fn pair(self, key: impl ToArg, value: impl ToArg) -> Self {
        self.with(key).with(value)
    }
}

impl Redis {
    /// The value of a key; `None` if there is none.
    ///
    /// A key of another type is an error with code `WRONGTYPE`. Ask for `String`, a number,
    /// [`Json<T>`](crate::Json) or [`Bytes`](crate::Bytes).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let name: Option<String> = redis.get("name").await?;
    /// assert_eq!(name, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GET](https://redis.io/docs/latest/commands/get/).
    pub fn get<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Option<T>> {
        Command::new(self, "GET").with(key)
    }

    /// Sets a key, and with [`ex`](Command::ex) or [`px`](Command::px) its time to live.
    ///
    /// Plain SET takes away the time to live the key had, and the type it had. With `nx`, `xx`,
    /// [`ifeq`](Command::ifeq) or its kind the reply is whether it was set, with `get` the value from before.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("name", "ada").ex(60).await?;
    /// let won: bool = redis.set("lock", "me").nx().px(5_000).await?;
    /// assert!(won);
    /// let old: Option<String> = redis.set("name", "grace").get().await?;
    /// assert_eq!(old.as_deref(), Some("ada"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SET](https://redis.io/docs/latest/commands/set/).
    pub fn set(&self, key: impl ToArg, value: impl ToArg) -> Command<'_, (), Set> {
        Command::new(self, "SET").with(key).with(value)
    }

    /// The value of a key, whose time to live is changed by the options; `None` if there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("token", "t").await?;
    /// let token: Option<String> = redis.getex("token").ex(60).await?;
    /// assert_eq!(token.as_deref(), Some("t"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GETEX](https://redis.io/docs/latest/commands/getex/).
    pub fn getex<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Option<T>, GetEx> {
        Command::new(self, "GETEX").with(key)
    }

    /// The value of a key, which is deleted; `None` if there was none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("once", 1).await?;
    /// assert_eq!(redis.getdel::<i64>("once").await?, Some(1));
    /// assert_eq!(redis.getdel::<i64>("once").await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GETDEL](https://redis.io/docs/latest/commands/getdel/).
    pub fn getdel<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Option<T>> {
        Command::new(self, "GETDEL").with(key)
    }

    /// Sets a key and gives the value from before. Redis calls it deprecated: `set(…).get()` does the same.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.getset::<String>("k", "new").await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GETSET](https://redis.io/docs/latest/commands/getset/).
    pub fn getset<T: FromReply>(
        &self,
        key: impl ToArg,
        value: impl ToArg,
    ) -> Command<'_, Option<T>> {
        Command::new(self, "GETSET").with(key).with(value)
    }

    /// The bytes of a value from `start` to `end`, both included; negative counts from the end.
    ///
    /// A key that does not exist gives an empty string. Half a character is not text: ask for
    /// [`Bytes`](crate::Bytes) where a cut may fall into one.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "hello world").await?;
    /// assert_eq!(redis.getrange::<String>("k", -5, -1).await?, "world");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [GETRANGE](https://redis.io/docs/latest/commands/getrange/).
    pub fn getrange<T: FromReply>(&self, key: impl ToArg, start: i64, end: i64) -> Command<'_, T> {
        Command::new(self, "GETRANGE")
            .with(key)
            .with(start)
            .with(end)
    }

    /// The bytes of a value from `start` to `end`. Redis calls it deprecated:
    /// [`getrange`](Self::getrange) does the same.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "hello world").await?;
    /// assert_eq!(redis.substr::<String>("k", 0, 4).await?, "hello");
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SUBSTR](https://redis.io/docs/latest/commands/substr/).
    pub fn substr<T: FromReply>(&self, key: impl ToArg, start: i64, end: i64) -> Command<'_, T> {
        Command::new(self, "SUBSTR").with(key).with(start).with(end)
    }

    /// Overwrites a value from byte `offset` on, with zero bytes up to there; gives the new length in bytes.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "hello world").await?;
    /// assert_eq!(redis.setrange("k", 6, "redis").await?, 11);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SETRANGE](https://redis.io/docs/latest/commands/setrange/).
    pub fn setrange(&self, key: impl ToArg, offset: u64, value: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "SETRANGE")
            .with(key)
            .with(offset)
            .with(value)
    }

    /// Appends to a value, which is made if there is none; gives the new length in bytes.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.append("log", "line\n").await?, 5);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [APPEND](https://redis.io/docs/latest/commands/append/).
    pub fn append(&self, key: impl ToArg, value: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "APPEND").with(key).with(value)
    }

    /// The length of a value in bytes; 0 if there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "é").await?;
    /// assert_eq!(redis.strlen("k").await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [STRLEN](https://redis.io/docs/latest/commands/strlen/).
    pub fn strlen(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "STRLEN").with(key)
    }

    /// Adds 1 to a number, which begins at 0; gives the new number.
    ///
    /// A value that is not a whole number is an error with code `ERR`. If the answer is lost the
    /// command is not sent again, and the error [`is_ambiguous`](crate::Error::is_ambiguous).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.incr("views").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [INCR](https://redis.io/docs/latest/commands/incr/).
    pub fn incr(&self, key: impl ToArg) -> Command<'_, i64> {
        Command::new(self, "INCR").with(key)
    }

    /// Adds to a number; gives the new number. See [`incr`](Self::incr).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.incrby("views", 10).await?, 10);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [INCRBY](https://redis.io/docs/latest/commands/incrby/).
    pub fn incrby(&self, key: impl ToArg, increment: i64) -> Command<'_, i64> {
        Command::new(self, "INCRBY").with(key).with(increment)
    }

    /// Adds to a number with a fraction; gives the new number. See [`incr`](Self::incr).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.incrbyfloat("sum", 0.5).await?, 0.5);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [INCRBYFLOAT](https://redis.io/docs/latest/commands/incrbyfloat/).
    pub fn incrbyfloat(&self, key: impl ToArg, increment: f64) -> Command<'_, f64> {
        Command::new(self, "INCRBYFLOAT").with(key).with(increment)
    }

    /// Takes 1 from a number; gives the new number. See [`incr`](Self::incr).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.decr("left").await?, -1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [DECR](https://redis.io/docs/latest/commands/decr/).
    pub fn decr(&self, key: impl ToArg) -> Command<'_, i64> {
        Command::new(self, "DECR").with(key)
    }

    /// Takes from a number; gives the new number. See [`incr`](Self::incr).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.decrby("left", 5).await?, -5);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [DECRBY](https://redis.io/docs/latest/commands/decrby/).
    pub fn decrby(&self, key: impl ToArg, decrement: i64) -> Command<'_, i64> {
        Command::new(self, "DECRBY").with(key).with(decrement)
    }

    /// The values of several keys, in their order; `None` where there is none or it is of another type.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert_eq!(redis.mget::<i64>(["a", "b"]).await?, [Some(1), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many keys.
    ///
    /// Source: [MGET](https://redis.io/docs/latest/commands/mget/).
    pub fn mget<T: FromReply>(&self, keys: impl ToArgs) -> Command<'_, Vec<Option<T>>> {
        Command::new(self, "MGET").with_all(keys)
    }

    /// Sets several keys at once, without a time to live.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.mset([("a", 1), ("b", 2)]).pair("c", "three").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many keys.
    ///
    /// Source: [MSET](https://redis.io/docs/latest/commands/mset/).
    pub fn mset(&self, pairs: impl ToPairs) -> Command<'_, (), MSet> {
        Command::new(self, "MSET").with_pairs(pairs)
    }

    /// Sets several keys at once, all with the same time to live; gives whether it did, which a condition may prevent.
    ///
    /// If the answer is lost the command is not sent again, and the error
    /// [`is_ambiguous`](crate::Error::is_ambiguous).
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["MSETEX","2","a","1","b","2","EX","60"]"#, "1")], async |redis| {
    /// assert!(redis.msetex([("a", 1), ("b", 2)]).ex(60).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [MSETEX](https://upstash.com/docs/redis/commands/string/msetex).
    pub fn msetex(&self, pairs: impl ToPairs) -> Command<'_, bool, MSetEx> {
        Command::new(self, "MSETEX").with_counted_pairs(pairs)
    }

    /// Sets several keys at once if none of them exists; gives whether it did.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.msetnx([("a", 1), ("b", 2)]).await?);
    /// assert!(!redis.msetnx([("b", 3), ("c", 4)]).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [MSETNX](https://redis.io/docs/latest/commands/msetnx/).
    pub fn msetnx(&self, pairs: impl ToPairs) -> Command<'_, bool, MSet> {
        Command::new(self, "MSETNX").with_pairs(pairs)
    }

    /// Sets a key with a time to live in seconds. `set(…).ex(…)` does the same.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.setex("k", 60, "v").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SETEX](https://redis.io/docs/latest/commands/setex/).
    pub fn setex(&self, key: impl ToArg, seconds: u64, value: impl ToArg) -> Command<'_, ()> {
        Command::new(self, "SETEX")
            .with(key)
            .with(seconds)
            .with(value)
    }

    /// Sets a key with a time to live in milliseconds. `set(…).px(…)` does the same.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.psetex("k", 60_000, "v").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PSETEX](https://redis.io/docs/latest/commands/psetex/).
    pub fn psetex(&self, key: impl ToArg, milliseconds: u64, value: impl ToArg) -> Command<'_, ()> {
        Command::new(self, "PSETEX")
            .with(key)
            .with(milliseconds)
            .with(value)
    }

    /// Sets a key if it does not exist; gives whether it did. `set(…).nx()` does the same.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.setnx("k", "v").await?);
    /// assert!(!redis.setnx("k", "w").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SETNX](https://redis.io/docs/latest/commands/setnx/).
    pub fn setnx(&self, key: impl ToArg, value: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "SETNX").with(key).with(value)
    }
}
