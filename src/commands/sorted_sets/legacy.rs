//! ZRANGEBYSCORE, ZREVRANGE and their kind, which Redis calls deprecated: [`zrange`](crate::Redis::zrange) does the same.

use crate::{Command, FromReply, Redis, ToArg};

/// The options of ZRANGEBYSCORE and ZREVRANGEBYSCORE.
#[derive(Debug)]
pub struct ByScore(());

/// The options of ZRANGEBYLEX and ZREVRANGEBYLEX, and those that are left after WITHSCORES.
#[derive(Debug)]
pub struct ByLex(());

/// The options of ZREVRANGE.
#[derive(Debug)]
pub struct ZRevRange(());

impl<'a, T> Command<'a, Vec<T>, ByScore> {
    /// WITHSCORES: the members with their scores.
    pub fn withscores(self) -> Command<'a, Vec<(T, f64)>, ByLex> {
        self.with("WITHSCORES").cast()
    }

    /// LIMIT: leaves out the first `offset` of the range and gives at most `count`; a negative count is all.
    pub fn limit(self, offset: u64, count: i64) -> Self {
        self.with("LIMIT").with(offset).with(count)
    }
}

impl<T> Command<'_, T, ByLex> {
    /// LIMIT: leaves out the first `offset` of the range and gives at most `count`; a negative count is all.
    pub fn limit(self, offset: u64, count: i64) -> Self {
        self.with("LIMIT").with(offset).with(count)
    }
}

impl<'a, T> Command<'a, Vec<T>, ZRevRange> {
    /// WITHSCORES: the members with their scores.
    pub fn withscores(self) -> Command<'a, Vec<(T, f64)>> {
        self.with("WITHSCORES").cast()
    }
}

impl Redis {
    /// The members with a score from `min` to `max`, the lowest first: `zrange(…).byscore()`. For the
    /// bounds see [`zcount`](Self::zcount).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// assert_eq!(redis.zrangebyscore::<String>("top", "(1", "+inf").limit(0, 5).await?, ["grace"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZRANGEBYSCORE](https://redis.io/docs/latest/commands/zrangebyscore/).
    pub fn zrangebyscore<T: FromReply>(
        &self,
        key: impl ToArg,
        min: impl ToArg,
        max: impl ToArg,
    ) -> Command<'_, Vec<T>, ByScore> {
        Command::new(self, "ZRANGEBYSCORE")
            .with(key)
            .with(min)
            .with(max)
    }

    /// The members with a score from `max` down to `min`, the highest first: `zrange(…).byscore().rev()`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// let top = redis.zrevrangebyscore::<String>("top", "+inf", "-inf").withscores().limit(0, 1).await?;
    /// assert_eq!(top, [("grace".into(), 2.0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREVRANGEBYSCORE](https://redis.io/docs/latest/commands/zrevrangebyscore/).
    pub fn zrevrangebyscore<T: FromReply>(
        &self,
        key: impl ToArg,
        max: impl ToArg,
        min: impl ToArg,
    ) -> Command<'_, Vec<T>, ByScore> {
        Command::new(self, "ZREVRANGEBYSCORE")
            .with(key)
            .with(max)
            .with(min)
    }

    /// The members with a name from `min` to `max`, where all have the same score:
    /// `zrange(…).bylex()`. For the bounds see [`zlexcount`](Self::zlexcount).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("names", [(0, "ada"), (0, "grace")]).await?;
    /// assert_eq!(redis.zrangebylex::<String>("names", "[b", "+").await?, ["grace"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZRANGEBYLEX](https://redis.io/docs/latest/commands/zrangebylex/).
    pub fn zrangebylex<T: FromReply>(
        &self,
        key: impl ToArg,
        min: impl ToArg,
        max: impl ToArg,
    ) -> Command<'_, Vec<T>, ByLex> {
        Command::new(self, "ZRANGEBYLEX")
            .with(key)
            .with(min)
            .with(max)
    }

    /// The members with a name from `max` down to `min`, where all have the same score:
    /// `zrange(…).bylex().rev()`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("names", [(0, "ada"), (0, "grace")]).await?;
    /// assert_eq!(redis.zrevrangebylex::<String>("names", "+", "-").limit(1, 5).await?, ["ada"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREVRANGEBYLEX](https://redis.io/docs/latest/commands/zrevrangebylex/).
    pub fn zrevrangebylex<T: FromReply>(
        &self,
        key: impl ToArg,
        max: impl ToArg,
        min: impl ToArg,
    ) -> Command<'_, Vec<T>, ByLex> {
        Command::new(self, "ZREVRANGEBYLEX")
            .with(key)
            .with(max)
            .with(min)
    }

    /// The members of the ranks from `start` to `stop`, both included, from 0 for the highest score:
    /// `zrange(…).rev()`. Negative counts from the lowest.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// assert_eq!(redis.zrevrange::<String>("top", 0, 0).withscores().await?, [("grace".into(), 2.0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREVRANGE](https://redis.io/docs/latest/commands/zrevrange/).
    pub fn zrevrange<T: FromReply>(
        &self,
        key: impl ToArg,
        start: i64,
        stop: i64,
    ) -> Command<'_, Vec<T>, ZRevRange> {
        Command::new(self, "ZREVRANGE")
            .with(key)
            .with(start)
            .with(stop)
    }
}
