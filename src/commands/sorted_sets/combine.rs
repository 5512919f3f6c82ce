//! Sorted sets out of several: ZUNION, ZINTER, ZDIFF, the forms that store, and ZINTERCARD.

use crate::{ArgWriter, Command, FromReply, Redis, ToArg, ToArgs, Written, commands::sets::Card};

/// How the scores become one where several sets have a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// Their sum, which is what happens without AGGREGATE.
    Sum,
    /// The lowest.
    Min,
    /// The highest.
    Max,
}

impl ToArg for Aggregate {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::Sum => "SUM",
            Self::Min => "MIN",
            Self::Max => "MAX",
        })
    }
}

/// The options of ZUNION and ZINTER.
#[derive(Debug)]
pub struct ZUnion(());

/// The options of ZUNIONSTORE and ZINTERSTORE, and those that are left to ZUNION and ZINTER after WITHSCORES.
#[derive(Debug)]
pub struct ZUnionStore(());

/// The options of ZDIFF.
#[derive(Debug)]
pub struct ZDiff(());

/// Commands that make one score of several.
pub trait Combines: sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for ZUnion {}
impl sealed::Sealed for ZUnionStore {}
impl Combines for ZUnion {}
impl Combines for ZUnionStore {}

impl<T, O: Combines> Command<'_, T, O> {
    /// WEIGHTS: multiplies the scores of each set by a number before they are combined: one for each key.
    pub fn weights(self, weights: impl ToArgs) -> Self {
        self.with("WEIGHTS").with_all(weights)
    }

    /// AGGREGATE: how the scores of a member become one; without this, their sum.
    pub fn aggregate(self, aggregate: Aggregate) -> Self {
        self.with("AGGREGATE").with(aggregate)
    }
}

impl<'a, T> Command<'a, Vec<T>, ZUnion> {
    /// WITHSCORES: the members with their scores.
    pub fn withscores(self) -> Command<'a, Vec<(T, f64)>, ZUnionStore> {
        self.with("WITHSCORES").cast()
    }
}

impl<'a, T> Command<'a, Vec<T>, ZDiff> {
    /// WITHSCORES: the members with their scores, which are those of the first set.
    pub fn withscores(self) -> Command<'a, Vec<(T, f64)>> {
        self.with("WITHSCORES").cast()
    }
}

impl Redis {
    /// The members that at least one of the sorted sets has, from the lowest score to the highest.
    ///
    /// Plain sets may be among them, with scores of 1. A key that does not exist is an empty set.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::sorted_sets::combine::Aggregate;
    ///
    /// redis.zadd("mon", (3, "ada")).await?;
    /// redis.zadd("tue", [(4, "ada"), (1, "grace")]).await?;
    /// let best = redis.zunion::<String>(["mon", "tue"]).aggregate(Aggregate::Max).withscores().await?;
    /// assert_eq!(best, [("grace".into(), 1.0), ("ada".into(), 4.0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZUNION](https://redis.io/docs/latest/commands/zunion/).
    pub fn zunion<T: FromReply>(&self, keys: impl ToArgs) -> Command<'_, Vec<T>, ZUnion> {
        Command::new(self, "ZUNION").with_counted(keys)
    }

    /// Stores what [`zunion`](Self::zunion) gives under `destination`, which is overwritten; gives how many members.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("mon", (3, "ada")).await?;
    /// redis.zadd("tue", (4, "ada")).await?;
    /// assert_eq!(redis.zunionstore("week", ["mon", "tue"]).weights([1, 2]).await?, 1);
    /// assert_eq!(redis.zscore("week", "ada").await?, Some(11.0));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZUNIONSTORE](https://redis.io/docs/latest/commands/zunionstore/).
    pub fn zunionstore(
        &self,
        destination: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, u64, ZUnionStore> {
        Command::new(self, "ZUNIONSTORE")
            .with(destination)
            .with_counted(keys)
    }

    /// The members that all of the sorted sets have, from the lowest score to the highest. See
    /// [`zunion`](Self::zunion).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("mon", (3, "ada")).await?;
    /// redis.zadd("tue", [(4, "ada"), (1, "grace")]).await?;
    /// assert_eq!(redis.zinter::<String>(["mon", "tue"]).await?, ["ada"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZINTER](https://redis.io/docs/latest/commands/zinter/).
    pub fn zinter<T: FromReply>(&self, keys: impl ToArgs) -> Command<'_, Vec<T>, ZUnion> {
        Command::new(self, "ZINTER").with_counted(keys)
    }

    /// Stores what [`zinter`](Self::zinter) gives under `destination`, which is overwritten; gives how many members.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("mon", (3, "ada")).await?;
    /// assert_eq!(redis.zinterstore("both", ["mon", "tue"]).await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZINTERSTORE](https://redis.io/docs/latest/commands/zinterstore/).
    pub fn zinterstore(
        &self,
        destination: impl ToArg,
        keys: impl ToArgs,
    ) -> Command<'_, u64, ZUnionStore> {
        Command::new(self, "ZINTERSTORE")
            .with(destination)
            .with_counted(keys)
    }

    /// How many members all of the sorted sets have in common, without sending them.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("mon", [(1, "ada"), (2, "grace")]).await?;
    /// redis.zadd("tue", [(1, "ada"), (2, "grace")]).await?;
    /// assert_eq!(redis.zintercard(["mon", "tue"]).limit(1).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZINTERCARD](https://redis.io/docs/latest/commands/zintercard/).
    pub fn zintercard(&self, keys: impl ToArgs) -> Command<'_, u64, Card> {
        Command::new(self, "ZINTERCARD").with_counted(keys)
    }

    /// The members of the first sorted set that none of the others has, from the lowest score to the highest.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("mon", [(1, "ada"), (2, "grace")]).await?;
    /// redis.zadd("tue", (5, "ada")).await?;
    /// assert_eq!(redis.zdiff::<String>(["mon", "tue"]).withscores().await?, [("grace".into(), 2.0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZDIFF](https://redis.io/docs/latest/commands/zdiff/).
    pub fn zdiff<T: FromReply>(&self, keys: impl ToArgs) -> Command<'_, Vec<T>, ZDiff> {
        Command::new(self, "ZDIFF").with_counted(keys)
    }

    /// Stores what [`zdiff`](Self::zdiff) gives under `destination`, which is overwritten; gives how many members.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("mon", [(1, "ada"), (2, "grace")]).await?;
    /// redis.zadd("tue", (5, "ada")).await?;
    /// assert_eq!(redis.zdiffstore("only mon", ["mon", "tue"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZDIFFSTORE](https://redis.io/docs/latest/commands/zdiffstore/).
    pub fn zdiffstore(&self, destination: impl ToArg, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "ZDIFFSTORE")
            .with(destination)
            .with_counted(keys)
    }
}
