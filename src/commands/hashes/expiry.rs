//! Fields of hashes that expire: HEXPIRE, HTTL, HGETEX, HSETEX and what belongs to them.
//!
//! They need Redis 7.4, HGETEX and HSETEX Redis 8.

use crate::{
    Command, Error, FromReply, Redis, Reply, ToArg, ToArgs, ToPairs,
    commands::{
        keys::time,
        strings::{Expires, sealed::Sealed},
    },
};

/// The conditions of HEXPIRE and its family.
#[derive(Debug)]
pub struct HExpire(());

impl<T> Command<'_, T, HExpire> {
    /// NX: only fields that have no time to live.
    pub fn nx(self) -> Self {
        self.option("NX")
    }

    /// XX: only fields that have a time to live.
    pub fn xx(self) -> Self {
        self.option("XX")
    }

    /// GT: only where it makes the time to live longer; a field without one lives for ever.
    pub fn gt(self) -> Self {
        self.option("GT")
    }

    /// LT: only where it makes the time to live shorter.
    pub fn lt(self) -> Self {
        self.option("LT")
    }
}

/// The options of HGETEX.
#[derive(Debug)]
pub struct HGetEx(());

/// The options of HSETEX.
#[derive(Debug)]
pub struct HSetEx(());

impl Sealed for HGetEx {
    const BEFORE_VALUES: bool = true;
}
impl Sealed for HSetEx {
    const BEFORE_VALUES: bool = true;
}
impl Expires for HGetEx {}
impl Expires for HSetEx {}

impl<T> Command<'_, T, HGetEx> {
    /// PERSIST: takes the time to live of the fields away.
    pub fn persist(self) -> Self {
        self.option("PERSIST")
    }
}

impl<T> Command<'_, T, HSetEx> {
    /// FNX: sets the fields only if none of them exists.
    pub fn fnx(self) -> Self {
        self.option("FNX")
    }

    /// FXX: sets the fields only if all of them exist.
    pub fn fxx(self) -> Self {
        self.option("FXX")
    }

    /// KEEPTTL: keeps the time to live each field has; without this and a time HSETEX takes it away.
    pub fn keepttl(self) -> Self {
        self.option("KEEPTTL")
    }
}

/// What HEXPIRE and its family did to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldExpire {
    /// There is no such field or key (the server's -2).
    NoField,
    /// The condition did not hold (the server's 0).
    NotMet,
    /// It will expire (the server's 1).
    Set,
    /// The time has passed, so it was deleted (the server's 2).
    Deleted,
}

impl FromReply for FieldExpire {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match i64::from_reply(reply)? {
            -2 => Ok(Self::NoField),
            0 => Ok(Self::NotMet),
            1 => Ok(Self::Set),
            2 => Ok(Self::Deleted),
            _ => Err(Error::decode("an outcome for a field that is not known")),
        }
    }
}

/// What HPERSIST did to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldPersist {
    /// There is no such field or key (the server's -2).
    NoField,
    /// It has no time to live (the server's -1).
    NoExpiry,
    /// It had a time to live, and has none any more (the server's 1).
    Persisted,
}

impl FromReply for FieldPersist {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match i64::from_reply(reply)? {
            -2 => Ok(Self::NoField),
            -1 => Ok(Self::NoExpiry),
            1 => Ok(Self::Persisted),
            _ => Err(Error::decode("an outcome for a field that is not known")),
        }
    }
}

/// How long a field has to live, in the unit of the command that asked: seconds for HTTL, milliseconds for HPTTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldTtl {
    /// There is no such field or key (the server's -2).
    NoField,
    /// It never expires (the server's -1).
    NoExpiry,
    /// It expires after this time.
    Left(u64),
}

impl FieldTtl {
    /// The time left, if the field exists and expires.
    pub fn left(self) -> Option<u64> {
        match self {
            Self::Left(left) => Some(left),
            Self::NoField | Self::NoExpiry => None,
        }
    }
}

impl FromReply for FieldTtl {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        time(reply, Self::NoField, Self::NoExpiry, Self::Left)
    }
}

/// When a field expires, in the unit of the command that asked: a Unix time in seconds for
/// HEXPIRETIME, in milliseconds for HPEXPIRETIME.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldExpiry {
    /// There is no such field or key (the server's -2).
    NoField,
    /// It never expires (the server's -1).
    NoExpiry,
    /// It expires at this time.
    At(u64),
}

impl FieldExpiry {
    /// The time, if the field exists and expires.
    pub fn at(self) -> Option<u64> {
        match self {
            Self::At(time) => Some(time),
            Self::NoField | Self::NoExpiry => None,
        }
    }
}

impl FromReply for FieldExpiry {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        time(reply, Self::NoField, Self::NoExpiry, Self::At)
    }
}

impl Redis {
    /// Lets fields expire after some seconds; gives for each, in their order, what was done. Zero deletes them now.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::hashes::expiry::FieldExpire::{NoField, NotMet, Set};
    ///
    /// redis.hset("session", [("token", "t"), ("user", "ada")]).await?;
    /// assert_eq!(redis.hexpire("session", 60, ["token", "city"]).await?, [Set, NoField]);
    /// assert_eq!(redis.hexpire("session", 30, ["token", "user"]).nx().await?, [NotMet, Set]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HEXPIRE](https://redis.io/docs/latest/commands/hexpire/).
    pub fn hexpire(
        &self,
        key: impl ToArg,
        seconds: u64,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<FieldExpire>, HExpire> {
        self.of_fields("HEXPIRE", key, Some(seconds), fields)
    }

    /// Lets fields expire after some milliseconds; see [`hexpire`](Self::hexpire).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::hashes::expiry::FieldExpire;
    ///
    /// redis.hset("session", ("token", "t")).await?;
    /// assert_eq!(redis.hpexpire("session", 1_500, "token").await?, [FieldExpire::Set]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HPEXPIRE](https://redis.io/docs/latest/commands/hpexpire/).
    pub fn hpexpire(
        &self,
        key: impl ToArg,
        milliseconds: u64,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<FieldExpire>, HExpire> {
        self.of_fields("HPEXPIRE", key, Some(milliseconds), fields)
    }

    /// Lets fields expire at a Unix time in seconds; see [`hexpire`](Self::hexpire).
    ///
    /// It is not repeated when its answer is lost: the time may have passed by then.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::hashes::expiry::FieldExpire;
    ///
    /// redis.hset("session", ("token", "t")).await?;
    /// assert_eq!(redis.hexpireat("session", 1, "token").await?, [FieldExpire::Deleted]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HEXPIREAT](https://redis.io/docs/latest/commands/hexpireat/).
    pub fn hexpireat(
        &self,
        key: impl ToArg,
        unix_seconds: u64,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<FieldExpire>, HExpire> {
        self.of_fields("HEXPIREAT", key, Some(unix_seconds), fields)
    }

    /// Lets fields expire at a Unix time in milliseconds; see [`hexpireat`](Self::hexpireat).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::hashes::expiry::FieldExpire;
    ///
    /// redis.hset("session", ("token", "t")).await?;
    /// assert_eq!(redis.hpexpireat("session", 4_102_444_800_000, "token").await?, [FieldExpire::Set]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HPEXPIREAT](https://redis.io/docs/latest/commands/hpexpireat/).
    pub fn hpexpireat(
        &self,
        key: impl ToArg,
        unix_milliseconds: u64,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<FieldExpire>, HExpire> {
        self.of_fields("HPEXPIREAT", key, Some(unix_milliseconds), fields)
    }

    /// How many seconds fields have to live, in their order.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::hashes::expiry::FieldTtl;
    ///
    /// redis.hset("session", [("token", "t"), ("user", "ada")]).await?;
    /// redis.hexpire("session", 60, "token").await?;
    /// let left = redis.httl("session", ["token", "user", "city"]).await?;
    /// assert!(matches!(left[0], FieldTtl::Left(59..=60)));
    /// assert_eq!(left[1..], [FieldTtl::NoExpiry, FieldTtl::NoField]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HTTL](https://redis.io/docs/latest/commands/httl/).
    pub fn httl(&self, key: impl ToArg, fields: impl ToArgs) -> Command<'_, Vec<FieldTtl>> {
        self.of_fields("HTTL", key, None, fields)
    }

    /// How many milliseconds fields have to live, in their order.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hsetex("session", ("token", "t")).px(60_000).await?;
    /// let left = redis.hpttl("session", "token").await?;
    /// assert!(left[0].left().is_some_and(|left| left <= 60_000));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HPTTL](https://redis.io/docs/latest/commands/hpttl/).
    pub fn hpttl(&self, key: impl ToArg, fields: impl ToArgs) -> Command<'_, Vec<FieldTtl>> {
        self.of_fields("HPTTL", key, None, fields)
    }

    /// When fields expire, as Unix times in seconds, in their order.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::hashes::expiry::FieldExpiry::{At, NoField};
    ///
    /// redis.hsetex("session", ("token", "t")).exat(4_102_444_800).await?;
    /// assert_eq!(redis.hexpiretime("session", ["token", "city"]).await?, [At(4_102_444_800), NoField]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HEXPIRETIME](https://redis.io/docs/latest/commands/hexpiretime/).
    pub fn hexpiretime(
        &self,
        key: impl ToArg,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<FieldExpiry>> {
        self.of_fields("HEXPIRETIME", key, None, fields)
    }

    /// When fields expire, as Unix times in milliseconds, in their order.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hsetex("session", ("token", "t")).exat(4_102_444_800).await?;
    /// let times = redis.hpexpiretime("session", "token").await?;
    /// assert_eq!(times[0].at(), Some(4_102_444_800_000));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HPEXPIRETIME](https://redis.io/docs/latest/commands/hpexpiretime/).
    pub fn hpexpiretime(
        &self,
        key: impl ToArg,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<FieldExpiry>> {
        self.of_fields("HPEXPIRETIME", key, None, fields)
    }

    /// Takes the time to live of fields away; gives for each, in their order, what was done.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::hashes::expiry::FieldPersist::{NoExpiry, Persisted};
    ///
    /// redis.hsetex("session", ("token", "t")).ex(60).await?;
    /// assert_eq!(redis.hpersist("session", "token").await?, [Persisted]);
    /// assert_eq!(redis.hpersist("session", "token").await?, [NoExpiry]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HPERSIST](https://redis.io/docs/latest/commands/hpersist/).
    pub fn hpersist(&self, key: impl ToArg, fields: impl ToArgs) -> Command<'_, Vec<FieldPersist>> {
        self.of_fields("HPERSIST", key, None, fields)
    }

    /// The values of several fields, whose time to live is changed by the options, in their order;
    /// `None` where there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("session", ("token", "t")).await?;
    /// let values = redis.hgetex::<String>("session", ["token", "city"]).ex(60).await?;
    /// assert_eq!(values, [Some("t".into()), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many fields.
    ///
    /// Source: [HGETEX](https://redis.io/docs/latest/commands/hgetex/).
    pub fn hgetex<T: FromReply>(
        &self,
        key: impl ToArg,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<Option<T>>, HGetEx> {
        self.of_fields("HGETEX", key, None, fields)
    }

    /// Sets fields of a hash, which is made if there is none, and their time to live; gives whether
    /// it did, which it always does without `fnx` and `fxx`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.hsetex("session", [("token", "t"), ("user", "ada")]).ex(60).await?);
    /// assert!(!redis.hsetex("session", ("token", "u")).fnx().ex(60).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many fields.
    ///
    /// Source: [HSETEX](https://redis.io/docs/latest/commands/hsetex/).
    pub fn hsetex(&self, key: impl ToArg, pairs: impl ToPairs) -> Command<'_, bool, HSetEx> {
        Command::new(self, "HSETEX")
            .with(key)
            .front()
            .with("FIELDS")
            .with_counted_pairs(pairs)
    }

    /// `command key [time] FIELDS n field…`, with the options before FIELDS.
    fn of_fields<T, O>(
        &self,
        command: &str,
        key: impl ToArg,
        time: Option<u64>,
        fields: impl ToArgs,
    ) -> Command<'_, T, O> {
        let timed = Command::new(self, command).with(key);
        let timed = match time {
            Some(time) => timed.with(time),
            None => timed,
        };
        timed.front().with("FIELDS").with_counted(fields)
    }
}
