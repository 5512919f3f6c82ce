//! How the server keeps a key, and how a key travels: OBJECT, MEMORY USAGE, DUMP, RESTORE.
//!
//! OBJECT is not in Upstash's documentation; a server that does not have it says so, with code `ERR`.

use crate::{Bytes, Command, Redis, ToArg};

/// The options of MEMORY USAGE.
#[derive(Debug)]
pub struct MemoryUsage(());

impl<T> Command<'_, T, MemoryUsage> {
    /// SAMPLES: looks at this many elements of a collection, and takes the others to be like them; 0
    /// for all. Without this, 5.
    pub fn samples(self, count: u64) -> Self {
        self.with("SAMPLES").with(count)
    }
}

/// The options of RESTORE.
#[derive(Debug)]
pub struct Restore(());

impl<T> Command<'_, T, Restore> {
    /// REPLACE: overwrites the key if it exists; without this that is an error with code `BUSYKEY`.
    ///
    /// A dump that is not UTF-8, as most are, needs [`absttl`](Self::absttl) beside it: the protocol carries exactly one
    /// pair of words behind bytes, and refuses this alone with [`is_argument`](crate::Error::is_argument).
    pub fn replace(self) -> Self {
        self.with("REPLACE")
    }

    /// ABSTTL: the time to live is a Unix time in milliseconds, when it expires. 0 is never.
    pub fn absttl(self) -> Self {
        self.with("ABSTTL")
    }

    /// IDLETIME: the key was last used this many seconds ago.
    pub fn idletime(self, seconds: u64) -> Self {
        self.with("IDLETIME").with(seconds)
    }

    /// FREQ: the key is used this often, by the server's counter from 0 to 255.
    pub fn freq(self, counter: u64) -> Self {
        self.with("FREQ").with(counter)
    }
}

impl Redis {
    /// How the server keeps the value of a key: `embstr`, `listpack`, `hashtable` and others; `None`
    /// if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", 42).await?;
    /// assert_eq!(redis.object_encoding("k").await?.as_deref(), Some("int"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [OBJECT ENCODING](https://redis.io/docs/latest/commands/object-encoding/).
    pub fn object_encoding(&self, key: impl ToArg) -> Command<'_, Option<String>> {
        Command::new(self, "OBJECT").with("ENCODING").with(key)
    }

    /// How often a key is used, by the server's counter from 0 to 255, which grows ever slower;
    /// `None` if there is no such key.
    ///
    /// An error with code `ERR` if the server does not count, which it does under an LFU policy only.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.config_set(("maxmemory-policy", "allkeys-lfu")).await?;
    /// redis.set("k", "v").await?;
    /// assert!(redis.object_freq("k").await?.is_some());
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [OBJECT FREQ](https://redis.io/docs/latest/commands/object-freq/).
    pub fn object_freq(&self, key: impl ToArg) -> Command<'_, Option<u64>> {
        Command::new(self, "OBJECT").with("FREQ").with(key)
    }

    /// For how many seconds a key was not used; `None` if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "v").await?;
    /// assert!(redis.object_idletime("k").await?.is_some_and(|seconds| seconds < 60));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [OBJECT IDLETIME](https://redis.io/docs/latest/commands/object-idletime/).
    pub fn object_idletime(&self, key: impl ToArg) -> Command<'_, Option<u64>> {
        Command::new(self, "OBJECT").with("IDLETIME").with(key)
    }

    /// How many references the server has to the value of a key; `None` if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", "a text that nobody shares").await?;
    /// assert_eq!(redis.object_refcount("k").await?, Some(1));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [OBJECT REFCOUNT](https://redis.io/docs/latest/commands/object-refcount/).
    pub fn object_refcount(&self, key: impl ToArg) -> Command<'_, Option<u64>> {
        Command::new(self, "OBJECT").with("REFCOUNT").with(key)
    }

    /// How many bytes of memory a key takes with its value, about; `None` if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("k", ["a", "b", "c"]).await?;
    /// assert!(redis.memory_usage("k").samples(0).await?.is_some_and(|bytes| bytes > 3));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [MEMORY USAGE](https://redis.io/docs/latest/commands/memory-usage/).
    pub fn memory_usage(&self, key: impl ToArg) -> Command<'_, Option<u64>, MemoryUsage> {
        Command::new(self, "MEMORY").with("USAGE").with(key)
    }

    /// The value of a key as bytes from which [`restore`](Self::restore) makes it again; `None` if
    /// there is no such key. Its time to live is not in them.
    ///
    /// They have a version and a checksum: another server reads them if it is not older.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("list", ["a", "b"]).await?;
    /// if let Some(dump) = redis.dump("list").await? {
    ///     redis.restore("copy", 60_000, dump).await?;
    /// }
    /// assert_eq!(redis.lrange::<String>("copy", 0, -1).await?, ["a", "b"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [DUMP](https://redis.io/docs/latest/commands/dump/).
    pub fn dump(&self, key: impl ToArg) -> Command<'_, Option<Bytes>> {
        Command::new(self, "DUMP").with(key)
    }

    /// Makes a key out of the bytes of [`dump`](Self::dump), with a time to live in milliseconds, 0 for none.
    ///
    /// Bytes that are broken, or of a newer server, are an error with code `ERR`.
    ///
    /// The bytes go out in the body of a request of their own, and behind them the protocol carries
    /// two words: [`idletime`](Command::idletime) or [`freq`](Command::freq), or
    /// [`replace`](Command::replace) and [`absttl`](Command::absttl) together. `replace` alone cannot
    /// be carried; with a time to live of 0 `absttl` changes nothing. What cannot be carried is an
    /// error with [`is_argument`](crate::Error::is_argument), and is not sent.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.mset([("a", "new"), ("b", "old")]).await?;
    /// let dump = redis.dump("a").await?.unwrap_or_default();
    /// redis.restore("b", 0, dump).replace().absttl().await?;
    /// assert_eq!(redis.get::<String>("b").await?.as_deref(), Some("new"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RESTORE](https://redis.io/docs/latest/commands/restore/).
    pub fn restore(
        &self,
        key: impl ToArg,
        milliseconds: u64,
        dump: impl ToArg,
    ) -> Command<'_, (), Restore> {
        Command::new(self, "RESTORE")
            .with(key)
            .with(milliseconds)
            .with(dump)
    }
}
