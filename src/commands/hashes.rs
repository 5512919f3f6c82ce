//! Hashes: HSET, HGET, HGETALL and what belongs to them. Times to live of fields are in [`expiry`].

pub mod expiry;

use std::collections::HashMap;

use crate::{Command, FromReply, Redis, ToArg, ToArgs, ToPairs, scan::Scan};

/// More fields for HSET and HMSET.
#[derive(Debug)]
pub struct HSet(());

impl<T> Command<'_, T, HSet> {
    /// One more field, whose value may have another type.
    pub fn field(self, field: impl ToArg, value: impl ToArg) -> Self {
        self.with(field).with(value)
    }
}

/// The options of HRANDFIELD.
#[derive(Debug)]
pub struct HRandField(());

impl<'a, T> Command<'a, Option<T>, HRandField> {
    /// Several fields, none twice; with a negative count exactly so many, and some perhaps twice.
    /// Fewer if the hash has fewer, none if there is no such key.
    pub fn count(self, count: i64) -> Command<'a, Vec<T>, HRandField> {
        self.with(count).cast()
    }
}

impl<'a, T> Command<'a, Vec<T>, HRandField> {
    /// WITHVALUES: the fields with their values.
    pub fn withvalues<V: FromReply>(self) -> Command<'a, Vec<(T, V)>> {
        self.with("WITHVALUES").cast()
    }
}

impl Redis {
    /// Sets fields of a hash, which is made if there is none; gives how many fields are new.
    ///
    /// A field that was there is overwritten and not counted. A key of another type is an error
    /// with code `WRONGTYPE`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.hset("user:1", ("name", "ada")).field("age", 36).await?, 2);
    /// assert_eq!(redis.hset("user:1", [("name", "grace"), ("city", "york")]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many fields.
    ///
    /// Source: [HSET](https://redis.io/docs/latest/commands/hset/).
    pub fn hset(&self, key: impl ToArg, pairs: impl ToPairs) -> Command<'_, u64, HSet> {
        Command::new(self, "HSET").with(key).with_pairs(pairs)
    }

    /// Sets fields of a hash. Redis calls it deprecated: [`hset`](Self::hset) does the same.
    ///
    /// It says nothing about what was there before, and so it is repeated when its answer is lost.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hmset("user:1", ("name", "ada")).field("age", 36).await?;
    /// assert_eq!(redis.hlen("user:1").await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HMSET](https://redis.io/docs/latest/commands/hmset/).
    pub fn hmset(&self, key: impl ToArg, pairs: impl ToPairs) -> Command<'_, (), HSet> {
        Command::new(self, "HMSET").with(key).with_pairs(pairs)
    }

    /// Sets a field of a hash if it does not exist; gives whether it did.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(redis.hsetnx("user:1", "name", "ada").await?);
    /// assert!(!redis.hsetnx("user:1", "name", "grace").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HSETNX](https://redis.io/docs/latest/commands/hsetnx/).
    pub fn hsetnx(
        &self,
        key: impl ToArg,
        field: impl ToArg,
        value: impl ToArg,
    ) -> Command<'_, bool> {
        Command::new(self, "HSETNX")
            .with(key)
            .with(field)
            .with(value)
    }

    /// The value of a field; `None` if there is no such field or key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("user:1", ("age", 36)).await?;
    /// assert_eq!(redis.hget::<u32>("user:1", "age").await?, Some(36));
    /// assert_eq!(redis.hget::<String>("user:1", "name").await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HGET](https://redis.io/docs/latest/commands/hget/).
    pub fn hget<T: FromReply>(&self, key: impl ToArg, field: impl ToArg) -> Command<'_, Option<T>> {
        Command::new(self, "HGET").with(key).with(field)
    }

    /// The values of several fields, in their order; `None` where there is none.
    ///
    /// Where the values have different types, ask for `String` or [`Value`](crate::Value), or name
    /// the fields one by one in a [`pipeline`](Self::pipeline).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("user:1", ("name", "ada")).await?;
    /// let found: Vec<Option<String>> = redis.hmget("user:1", ["name", "city"]).await?;
    /// assert_eq!(found, [Some("ada".into()), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many fields.
    ///
    /// Source: [HMGET](https://redis.io/docs/latest/commands/hmget/).
    pub fn hmget<T: FromReply>(
        &self,
        key: impl ToArg,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<Option<T>>> {
        Command::new(self, "HMGET").with(key).with_all(fields)
    }

    /// All fields with their values; empty if there is no such key.
    ///
    /// Field names that are not UTF-8 are an error here: ask
    /// `command("HGETALL").arg(key).query::<HashMap<Bytes, V>>()`. A large hash is better read by
    /// [`hscan`](Self::hscan).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("stock", [("apples", 3), ("pears", 5)]).await?;
    /// let stock = redis.hgetall::<u32>("stock").await?;
    /// assert_eq!(stock.get("pears"), Some(&5));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HGETALL](https://redis.io/docs/latest/commands/hgetall/).
    pub fn hgetall<V: FromReply>(&self, key: impl ToArg) -> Command<'_, HashMap<String, V>> {
        Command::new(self, "HGETALL").with(key)
    }

    /// Deletes fields; gives how many there were. A hash without fields is deleted.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("user:1", ("name", "ada")).await?;
    /// assert_eq!(redis.hdel("user:1", ["name", "city"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HDEL](https://redis.io/docs/latest/commands/hdel/).
    pub fn hdel(&self, key: impl ToArg, fields: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "HDEL").with(key).with_all(fields)
    }

    /// The values of several fields, which are deleted, in their order; `None` where there was none.
    ///
    /// A hash without fields is deleted. Needs Redis 8.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("user:1", ("code", 1234)).await?;
    /// assert_eq!(redis.hgetdel::<u32>("user:1", ["code", "city"]).await?, [Some(1234), None]);
    /// assert!(!redis.hexists("user:1", "code").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many fields.
    ///
    /// Source: [HGETDEL](https://redis.io/docs/latest/commands/hgetdel/).
    pub fn hgetdel<T: FromReply>(
        &self,
        key: impl ToArg,
        fields: impl ToArgs,
    ) -> Command<'_, Vec<Option<T>>> {
        Command::new(self, "HGETDEL")
            .with(key)
            .with("FIELDS")
            .with_counted(fields)
    }

    /// Whether a hash has a field; it has not if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert!(!redis.hexists("user:1", "name").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HEXISTS](https://redis.io/docs/latest/commands/hexists/).
    pub fn hexists(&self, key: impl ToArg, field: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "HEXISTS").with(key).with(field)
    }

    /// Adds to the number in a field, which begins at 0; gives the new number.
    ///
    /// A field that is not a whole number is an error with code `ERR`. If the answer is lost the
    /// command is not sent again, and the error [`is_ambiguous`](crate::Error::is_ambiguous).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.hincrby("stock", "apples", 3).await?, 3);
    /// assert_eq!(redis.hincrby("stock", "apples", -1).await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HINCRBY](https://redis.io/docs/latest/commands/hincrby/).
    pub fn hincrby(&self, key: impl ToArg, field: impl ToArg, increment: i64) -> Command<'_, i64> {
        Command::new(self, "HINCRBY")
            .with(key)
            .with(field)
            .with(increment)
    }

    /// Adds to the number in a field, with a fraction; gives the new number. See [`hincrby`](Self::hincrby).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.hincrbyfloat("account", "sum", 0.5).await?, 0.5);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HINCRBYFLOAT](https://redis.io/docs/latest/commands/hincrbyfloat/).
    pub fn hincrbyfloat(
        &self,
        key: impl ToArg,
        field: impl ToArg,
        increment: f64,
    ) -> Command<'_, f64> {
        Command::new(self, "HINCRBYFLOAT")
            .with(key)
            .with(field)
            .with(increment)
    }

    /// The names of all fields, in no order; empty if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("user:1", ("name", "ada")).await?;
    /// assert_eq!(redis.hkeys::<String>("user:1").await?, ["name"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HKEYS](https://redis.io/docs/latest/commands/hkeys/).
    pub fn hkeys<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Vec<T>> {
        Command::new(self, "HKEYS").with(key)
    }

    /// The values of all fields, in no order; empty if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("stock", ("apples", 3)).await?;
    /// assert_eq!(redis.hvals::<u32>("stock").await?, [3]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HVALS](https://redis.io/docs/latest/commands/hvals/).
    pub fn hvals<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Vec<T>> {
        Command::new(self, "HVALS").with(key)
    }

    /// How many fields a hash has; 0 if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("stock", [("apples", 3), ("pears", 5)]).await?;
    /// assert_eq!(redis.hlen("stock").await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HLEN](https://redis.io/docs/latest/commands/hlen/).
    pub fn hlen(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "HLEN").with(key)
    }

    /// The length of the value of a field in bytes; 0 if there is no such field or key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("user:1", ("name", "adé")).await?;
    /// assert_eq!(redis.hstrlen("user:1", "name").await?, 4);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HSTRLEN](https://redis.io/docs/latest/commands/hstrlen/).
    pub fn hstrlen(&self, key: impl ToArg, field: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "HSTRLEN").with(key).with(field)
    }

    /// The name of a field drawn at random; `None` if there is no such key. With
    /// [`count`](Command::count) several, and with `withvalues` their values.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("stock", ("apples", 3)).await?;
    /// assert_eq!(redis.hrandfield::<String>("stock").await?.as_deref(), Some("apples"));
    /// let drawn = redis.hrandfield::<String>("stock").count(2).withvalues::<u32>().await?;
    /// assert_eq!(drawn, [("apples".into(), 3)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HRANDFIELD](https://redis.io/docs/latest/commands/hrandfield/).
    pub fn hrandfield<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Option<T>, HRandField> {
        Command::new(self, "HRANDFIELD").with(key)
    }

    /// The fields of a hash with their values, as a stream, page by page. With `novalues` their names alone.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.hset("stock", [("apples", 3), ("pears", 5)]).await?;
    /// let mut stock = redis.hscan("stock").matching("a*").stream::<(String, u32)>();
    /// while let Some(field) = stock.next().await {
    ///     assert_eq!(field?, ("apples".into(), 3));
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [HSCAN](https://redis.io/docs/latest/commands/hscan/).
    pub fn hscan(&self, key: impl ToArg) -> Scan<'_> {
        Scan::of_key(self, "HSCAN", key)
    }
}
