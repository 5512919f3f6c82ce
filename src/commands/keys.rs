//! Keys of any type: DEL, EXPIRE, TTL, SCAN and what belongs to them. How the server keeps them is in [`internals`].

pub mod internals;

use crate::{Command, Error, FromReply, Redis, Reply, ToArg, ToArgs, scan::Scan};

/// The conditions of EXPIRE and its family.
#[derive(Debug)]
pub struct Expire(());

impl<T> Command<'_, T, Expire> {
    /// NX: only if the key has no time to live.
    pub fn nx(self) -> Self {
        self.with("NX")
    }

    /// XX: only if the key has a time to live.
    pub fn xx(self) -> Self {
        self.with("XX")
    }

    /// GT: only if it makes the time to live longer; a key without one lives for ever.
    pub fn gt(self) -> Self {
        self.with("GT")
    }

    /// LT: only if it makes the time to live shorter.
    pub fn lt(self) -> Self {
        self.with("LT")
    }
}

/// The options of COPY.
#[derive(Debug)]
pub struct Copy(());

impl<T> Command<'_, T, Copy> {
    /// REPLACE: overwrites the destination if it exists.
    pub fn replace(self) -> Self {
        self.with("REPLACE")
    }
}

/// How long a key has to live, in the unit of the command that asked: seconds for TTL, milliseconds for PTTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ttl {
    /// There is no such key (the server's -2).
    NoKey,
    /// It never expires (the server's -1).
    NoExpiry,
    /// It expires after this time.
    Left(u64),
}

impl Ttl {
    /// The time left, if the key exists and expires.
    pub fn left(self) -> Option<u64> {
        match self {
            Self::Left(left) => Some(left),
            Self::NoKey | Self::NoExpiry => None,
        }
    }
}

impl FromReply for Ttl {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        time(reply, Self::NoKey, Self::NoExpiry, Self::Left)
    }
}

/// When a key expires, in the unit of the command that asked: a Unix time in seconds for EXPIRETIME,
/// in milliseconds for PEXPIRETIME.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// There is no such key (the server's -2).
    NoKey,
    /// It never expires (the server's -1).
    NoExpiry,
    /// It expires at this time.
    At(u64),
}

impl Expiry {
    /// The time, if the key exists and expires.
    pub fn at(self) -> Option<u64> {
        match self {
            Self::At(time) => Some(time),
            Self::NoKey | Self::NoExpiry => None,
        }
    }
}

impl FromReply for Expiry {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        time(reply, Self::NoKey, Self::NoExpiry, Self::At)
    }
}

/// A time, or -2 for what is missing, or -1 for never.
pub(super) fn time<T>(
    reply: Reply<'_>,
    missing: T,
    never: T,
    time: fn(u64) -> T,
) -> Result<T, Error> {
    match i64::from_reply(reply)? {
        -2 => Ok(missing),
        -1 => Ok(never),
        number => u64::try_from(number)
            .map(time)
            .map_err(|_| Error::decode("a time below -2")),
    }
}

/// The type of the value a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// There is no such key.
    None,
    /// Text, bytes or a number.
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    ZSet,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
    /// A type of a module, by its name.
    Other(String),
}

impl FromReply for KeyType {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        Ok(match &*reply.text()? {
            "none" => Self::None,
            "string" => Self::String,
            "list" => Self::List,
            "set" => Self::Set,
            "zset" => Self::ZSet,
            "hash" => Self::Hash,
            "stream" => Self::Stream,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Redis {
    /// Deletes keys; gives how many there were.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert_eq!(redis.del(["a", "b"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [DEL](https://redis.io/docs/latest/commands/del/).
    pub fn del(&self, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "DEL").with_all(keys)
    }

    /// Deletes keys like [`del`](Self::del), and lets the server free their memory later: better for large values.
    ///
    /// Upstash takes `()` for no key at all, and deletes none; Redis calls that an error.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert_eq!(redis.unlink("a").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [UNLINK](https://redis.io/docs/latest/commands/unlink/).
    pub fn unlink(&self, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "UNLINK").with_all(keys)
    }

    /// How many of the keys exist; one that is named twice counts twice.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert_eq!(redis.exists(["a", "b"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [EXISTS](https://redis.io/docs/latest/commands/exists/).
    pub fn exists(&self, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "EXISTS").with_all(keys)
    }

    /// Marks keys as used now, for the server's eviction; gives how many exist.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.touch("a").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [TOUCH](https://redis.io/docs/latest/commands/touch/).
    pub fn touch(&self, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "TOUCH").with_all(keys)
    }

    /// Lets a key expire after some seconds; gives whether it was set. Zero or less deletes it now.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert!(redis.expire("a", 60).await?);
    /// assert!(!redis.expire("a", 30).gt().await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [EXPIRE](https://redis.io/docs/latest/commands/expire/).
    pub fn expire(&self, key: impl ToArg, seconds: i64) -> Command<'_, bool, Expire> {
        Command::new(self, "EXPIRE").with(key).with(seconds)
    }

    /// Lets a key expire after some milliseconds; see [`expire`](Self::expire).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(!redis.pexpire("no such key", 1_500).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PEXPIRE](https://redis.io/docs/latest/commands/pexpire/).
    pub fn pexpire(&self, key: impl ToArg, milliseconds: i64) -> Command<'_, bool, Expire> {
        Command::new(self, "PEXPIRE").with(key).with(milliseconds)
    }

    /// Lets a key expire at a Unix time in seconds; see [`expire`](Self::expire).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert!(redis.expireat("a", 4_102_444_800).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [EXPIREAT](https://redis.io/docs/latest/commands/expireat/).
    pub fn expireat(&self, key: impl ToArg, unix_seconds: i64) -> Command<'_, bool, Expire> {
        Command::new(self, "EXPIREAT").with(key).with(unix_seconds)
    }

    /// Lets a key expire at a Unix time in milliseconds; see [`expire`](Self::expire).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert!(redis.pexpireat("a", 4_102_444_800_000).await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PEXPIREAT](https://redis.io/docs/latest/commands/pexpireat/).
    pub fn pexpireat(&self, key: impl ToArg, unix_milliseconds: i64) -> Command<'_, bool, Expire> {
        Command::new(self, "PEXPIREAT")
            .with(key)
            .with(unix_milliseconds)
    }

    /// How many seconds a key has to live.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::keys::Ttl;
    ///
    /// redis.set("a", 1).ex(60).await?;
    /// assert!(matches!(redis.ttl("a").await?, Ttl::Left(59..=60)));
    /// assert_eq!(redis.ttl("no such key").await?, Ttl::NoKey);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [TTL](https://redis.io/docs/latest/commands/ttl/).
    pub fn ttl(&self, key: impl ToArg) -> Command<'_, Ttl> {
        Command::new(self, "TTL").with(key)
    }

    /// How many milliseconds a key has to live.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).px(60_000).await?;
    /// assert!(redis.pttl("a").await?.left().is_some_and(|left| left <= 60_000));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PTTL](https://redis.io/docs/latest/commands/pttl/).
    pub fn pttl(&self, key: impl ToArg) -> Command<'_, Ttl> {
        Command::new(self, "PTTL").with(key)
    }

    /// When a key expires, as a Unix time in seconds.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::keys::Expiry;
    ///
    /// redis.set("a", 1).exat(4_102_444_800).await?;
    /// assert_eq!(redis.expiretime("a").await?, Expiry::At(4_102_444_800));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [EXPIRETIME](https://redis.io/docs/latest/commands/expiretime/).
    pub fn expiretime(&self, key: impl ToArg) -> Command<'_, Expiry> {
        Command::new(self, "EXPIRETIME").with(key)
    }

    /// When a key expires, as a Unix time in milliseconds.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).exat(4_102_444_800).await?;
    /// assert_eq!(redis.pexpiretime("a").await?.at(), Some(4_102_444_800_000));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PEXPIRETIME](https://redis.io/docs/latest/commands/pexpiretime/).
    pub fn pexpiretime(&self, key: impl ToArg) -> Command<'_, Expiry> {
        Command::new(self, "PEXPIRETIME").with(key)
    }

    /// Takes the time to live of a key away; gives whether it had one.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).ex(60).await?;
    /// assert!(redis.persist("a").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [PERSIST](https://redis.io/docs/latest/commands/persist/).
    pub fn persist(&self, key: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "PERSIST").with(key)
    }

    /// The type of the value a key holds (TYPE).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::keys::KeyType;
    ///
    /// redis.lpush("a", 1).await?;
    /// assert_eq!(redis.key_type("a").await?, KeyType::List);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [TYPE](https://redis.io/docs/latest/commands/type/).
    pub fn key_type(&self, key: impl ToArg) -> Command<'_, KeyType> {
        Command::new(self, "TYPE").with(key)
    }

    /// Gives a key another name; a key of that name is overwritten. A missing key is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// redis.rename("a", "b").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RENAME](https://redis.io/docs/latest/commands/rename/).
    pub fn rename(&self, key: impl ToArg, newkey: impl ToArg) -> Command<'_, ()> {
        Command::new(self, "RENAME").with(key).with(newkey)
    }

    /// Gives a key another name if there is no key of that name; gives whether it did.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.mset([("a", 1), ("b", 2)]).await?;
    /// assert!(!redis.renamenx("a", "b").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RENAMENX](https://redis.io/docs/latest/commands/renamenx/).
    pub fn renamenx(&self, key: impl ToArg, newkey: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "RENAMENX").with(key).with(newkey)
    }

    /// Copies a key with its time to live; gives whether it did. It does not if the source is
    /// missing, or if the destination exists and [`replace`](Command::replace) is not asked for.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("a", 1).await?;
    /// assert!(redis.copy("a", "b").await?);
    /// assert!(!redis.copy("a", "b").await?);
    /// assert!(redis.copy("a", "b").replace().await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [COPY](https://redis.io/docs/latest/commands/copy/).
    pub fn copy(&self, source: impl ToArg, destination: impl ToArg) -> Command<'_, bool, Copy> {
        Command::new(self, "COPY").with(source).with(destination)
    }

    /// The name of any key; `None` if the database is empty.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.randomkey::<String>().await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RANDOMKEY](https://redis.io/docs/latest/commands/randomkey/).
    pub fn randomkey<T: FromReply>(&self) -> Command<'_, Option<T>> {
        Command::new(self, "RANDOMKEY")
    }

    /// The names of all keys of a glob pattern, at once. Blocks the server meanwhile: use [`scan`](Self::scan) in production.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("user:1", "ada").await?;
    /// assert_eq!(redis.keys::<String>("user:*").await?, ["user:1"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [KEYS](https://redis.io/docs/latest/commands/keys/).
    pub fn keys<T: FromReply>(&self, pattern: impl ToArg) -> Command<'_, Vec<T>> {
        Command::new(self, "KEYS").with(pattern)
    }

    /// The names of all keys as a stream, page by page. With `withtype`, which Upstash has, their types too.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.mset([("user:1", "ada"), ("user:2", "grace"), ("other", "")]).await?;
    /// let mut keys = redis.scan().matching("user:*").count(500).stream::<String>();
    /// let mut found = 0;
    /// while let Some(key) = keys.next().await {
    ///     assert!(key?.starts_with("user:"));
    ///     found += 1;
    /// }
    /// assert_eq!(found, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SCAN","0","WITHTYPE"]"#, r#"["0",["top","zset"]]"#)], async |redis| {
    /// use restis::commands::keys::KeyType;
    ///
    /// let mut keys = redis.scan().withtype().stream::<(String, KeyType)>();
    /// while let Some(key) = keys.next().await {
    ///     let (name, of_type) = key?;
    ///     assert_eq!((&*name, of_type), ("top", KeyType::ZSet));
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SCAN](https://redis.io/docs/latest/commands/scan/).
    pub fn scan(&self) -> Scan<'_> {
        Scan::of_database(self)
    }
}
