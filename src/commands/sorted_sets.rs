//! Sorted sets: ZADD, ZRANGE, ZPOPMIN and what belongs to them. Unions, intersections and
//! differences are in [`combine`], the reads Redis had before ZRANGE could do all in [`legacy`].

pub mod combine;
pub mod legacy;

use crate::{
    ArgWriter, Command, FromReply, Redis, ToArg, ToArgs, ToPairs, Written, commands::lists::MPop,
    scan::Scan,
};

/// The options of ZADD.
///
/// NX, GT and LT exclude each other, and so do NX and XX: the server refuses the command with code `ERR`.
#[derive(Debug)]
pub struct ZAdd(());

impl<T> Command<'_, T, ZAdd> {
    /// One more member, whose score or name may have another type.
    pub fn member(self, score: impl ToArg, member: impl ToArg) -> Self {
        self.with(score).with(member)
    }

    /// NX: adds new members only, and changes none.
    pub fn nx(self) -> Self {
        self.option("NX")
    }

    /// XX: changes members that are there only, and adds none.
    pub fn xx(self) -> Self {
        self.option("XX")
    }

    /// GT: changes a member only if its score becomes greater; new ones are added.
    pub fn gt(self) -> Self {
        self.option("GT")
    }

    /// LT: changes a member only if its score becomes less; new ones are added.
    pub fn lt(self) -> Self {
        self.option("LT")
    }
}

impl<'a> Command<'a, u64, ZAdd> {
    /// CH: the reply counts the members whose score changed too, not only the new ones.
    pub fn ch(self) -> Self {
        self.option("CH")
    }

    /// INCR: adds to the score of the one member, as ZINCRBY does. The reply is its new score,
    /// `None` if a condition did not hold.
    pub fn incr(self) -> Command<'a, Option<f64>, ZAdd> {
        self.option("INCR").cast()
    }
}

/// The options of ZRANGE.
#[derive(Debug)]
pub struct ZRange(());

/// The options of ZRANGESTORE, and those that are left to ZRANGE after WITHSCORES or BYLEX, which
/// exclude each other.
#[derive(Debug)]
pub struct ZRangeStore(());

/// Commands that can say which range they mean.
pub trait Ranges: sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for ZRange {}
impl sealed::Sealed for ZRangeStore {}
impl Ranges for ZRange {}
impl Ranges for ZRangeStore {}

impl<T, O: Ranges> Command<'_, T, O> {
    /// REV: from the highest to the lowest. With `byscore` or `bylex`, `start` is then the upper bound.
    pub fn rev(self) -> Self {
        self.with("REV")
    }

    /// BYSCORE: the bounds are scores. `"(5"` leaves 5 itself out; `"-inf"` and `"+inf"` are no bounds.
    pub fn byscore(self) -> Self {
        self.with("BYSCORE")
    }

    /// LIMIT: leaves out the first `offset` of the range and gives at most `count`; a negative count
    /// is all. Redis takes it with `byscore` or `bylex` only, Upstash with ranks too.
    pub fn limit(self, offset: u64, count: i64) -> Self {
        self.with("LIMIT").with(offset).with(count)
    }
}

impl<'a, T> Command<'a, Vec<T>, ZRange> {
    /// BYLEX: the bounds are names, for members that all have the same score. `"[a"` takes `a` in,
    /// `"(a"` leaves it out; `"-"` and `"+"` are no bounds.
    pub fn bylex(self) -> Command<'a, Vec<T>, ZRangeStore> {
        self.with("BYLEX").cast()
    }

    /// WITHSCORES: the members with their scores.
    pub fn withscores(self) -> Command<'a, Vec<(T, f64)>, ZRangeStore> {
        self.with("WITHSCORES").cast()
    }
}

impl Command<'_, u64, ZRangeStore> {
    /// BYLEX: the bounds are names, for members that all have the same score. `"[a"` takes `a` in,
    /// `"(a"` leaves it out; `"-"` and `"+"` are no bounds.
    pub fn bylex(self) -> Self {
        self.with("BYLEX")
    }
}

/// The options of ZRANK and ZREVRANK.
#[derive(Debug)]
pub struct ZRank(());

impl<'a> Command<'a, Option<u64>, ZRank> {
    /// WITHSCORE: the rank and the score. Needs Redis 7.2.
    pub fn withscore(self) -> Command<'a, Option<(u64, f64)>> {
        self.with("WITHSCORE").cast()
    }
}

/// The options of ZPOPMIN and ZPOPMAX.
#[derive(Debug)]
pub struct ZPop(());

impl<T> Command<'_, T, ZPop> {
    /// Up to this many members; without this, one.
    pub fn count(self, count: u64) -> Self {
        self.with(count)
    }
}

/// The options of ZRANDMEMBER.
#[derive(Debug)]
pub struct ZRandMember(());

impl<'a, T> Command<'a, Option<T>, ZRandMember> {
    /// Several members, none twice; with a negative count exactly so many, and some perhaps twice.
    /// Fewer if the set has fewer, none if there is no such key.
    pub fn count(self, count: i64) -> Command<'a, Vec<T>, ZRandMember> {
        self.with(count).cast()
    }
}

impl<'a, T> Command<'a, Vec<T>, ZRandMember> {
    /// WITHSCORES: the members with their scores.
    pub fn withscores(self) -> Command<'a, Vec<(T, f64)>> {
        self.with("WITHSCORES").cast()
    }
}

/// An end of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScoreEnd {
    /// The lowest scores.
    Min,
    /// The highest scores.
    Max,
}

impl ToArg for ScoreEnd {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::Min => "MIN",
            Self::Max => "MAX",
        })
    }
}

impl Redis {
    /// Adds members with their scores, or changes the scores of those that are there; gives how many are new.
    ///
    /// A score is any number, infinity included; several members of one score stand in the order of
    /// their bytes. A key of another type is an error with code `WRONGTYPE`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.zadd("top", (10, "ada")).member(7.5, "grace").await?, 2);
    /// assert_eq!(redis.zadd("top", [(5, "ada"), (9, "grace")]).gt().ch().await?, 1);
    /// assert_eq!(redis.zadd("top", (1, "ada")).incr().await?, Some(11.0));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZADD](https://redis.io/docs/latest/commands/zadd/).
    pub fn zadd(&self, key: impl ToArg, pairs: impl ToPairs) -> Command<'_, u64, ZAdd> {
        Command::new(self, "ZADD")
            .with(key)
            .front()
            .with_pairs(pairs)
    }

    /// Takes members out; gives how many there were. A set without members is deleted.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", (1, "ada")).await?;
    /// assert_eq!(redis.zrem("top", ["ada", "grace"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREM](https://redis.io/docs/latest/commands/zrem/).
    pub fn zrem(&self, key: impl ToArg, members: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "ZREM").with(key).with_all(members)
    }

    /// The score of a member; `None` if there is no such member or key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", (1.5, "ada")).await?;
    /// assert_eq!(redis.zscore("top", "ada").await?, Some(1.5));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZSCORE](https://redis.io/docs/latest/commands/zscore/).
    pub fn zscore(&self, key: impl ToArg, member: impl ToArg) -> Command<'_, Option<f64>> {
        Command::new(self, "ZSCORE").with(key).with(member)
    }

    /// The scores of several members, in their order; `None` where there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", (1, "ada")).await?;
    /// assert_eq!(redis.zmscore("top", ["ada", "grace"]).await?, [Some(1.0), None]);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many members.
    ///
    /// Source: [ZMSCORE](https://redis.io/docs/latest/commands/zmscore/).
    pub fn zmscore(&self, key: impl ToArg, members: impl ToArgs) -> Command<'_, Vec<Option<f64>>> {
        Command::new(self, "ZMSCORE").with(key).with_all(members)
    }

    /// Adds to the score of a member, which begins at 0; gives the new score.
    ///
    /// If the answer is lost the command is not sent again, and the error
    /// [`is_ambiguous`](crate::Error::is_ambiguous).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.zincrby("top", 2.5, "ada").await?, 2.5);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZINCRBY](https://redis.io/docs/latest/commands/zincrby/).
    pub fn zincrby(&self, key: impl ToArg, increment: f64, member: impl ToArg) -> Command<'_, f64> {
        Command::new(self, "ZINCRBY")
            .with(key)
            .with(increment)
            .with(member)
    }

    /// How many members a sorted set has; 0 if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.zcard("top").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZCARD](https://redis.io/docs/latest/commands/zcard/).
    pub fn zcard(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "ZCARD").with(key)
    }

    /// How many members have a score from `min` to `max`. `"(5"` leaves 5 itself out; `"-inf"` and
    /// `"+inf"` are no bounds.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// assert_eq!(redis.zcount("top", "(1", "+inf").await?, 1);
    /// assert_eq!(redis.zcount("top", 1, 2).await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZCOUNT](https://redis.io/docs/latest/commands/zcount/).
    pub fn zcount(&self, key: impl ToArg, min: impl ToArg, max: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "ZCOUNT").with(key).with(min).with(max)
    }

    /// How many members have a name from `min` to `max`, where all have the same score. `"[a"` takes
    /// `a` in, `"(a"` leaves it out; `"-"` and `"+"` are no bounds.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("names", [(0, "ada"), (0, "bob"), (0, "grace")]).await?;
    /// assert_eq!(redis.zlexcount("names", "[b", "+").await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZLEXCOUNT](https://redis.io/docs/latest/commands/zlexcount/).
    pub fn zlexcount(&self, key: impl ToArg, min: impl ToArg, max: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "ZLEXCOUNT")
            .with(key)
            .with(min)
            .with(max)
    }

    /// The members from `start` to `stop`, both included, from the lowest score to the highest.
    ///
    /// Without an option the bounds are ranks, from 0; negative counts from the highest. A key that
    /// does not exist gives none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace"), (3, "barbara")]).await?;
    /// assert_eq!(redis.zrange::<String>("top", 0, 0).rev().await?, ["barbara"]);
    /// let high = redis.zrange::<String>("top", "(1", "+inf").byscore().limit(0, 1).withscores().await?;
    /// assert_eq!(high, [("grace".into(), 2.0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZRANGE](https://redis.io/docs/latest/commands/zrange/).
    pub fn zrange<T: FromReply>(
        &self,
        key: impl ToArg,
        start: impl ToArg,
        stop: impl ToArg,
    ) -> Command<'_, Vec<T>, ZRange> {
        Command::new(self, "ZRANGE")
            .with(key)
            .with(start)
            .with(stop)
    }

    /// Stores a range of a sorted set under `destination`, which is overwritten; gives how many
    /// members it has. For the bounds see [`zrange`](Self::zrange).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace"), (3, "barbara")]).await?;
    /// assert_eq!(redis.zrangestore("best", "top", 0, 1).rev().await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZRANGESTORE](https://redis.io/docs/latest/commands/zrangestore/).
    pub fn zrangestore(
        &self,
        destination: impl ToArg,
        source: impl ToArg,
        start: impl ToArg,
        stop: impl ToArg,
    ) -> Command<'_, u64, ZRangeStore> {
        Command::new(self, "ZRANGESTORE")
            .with(destination)
            .with(source)
            .with(start)
            .with(stop)
    }

    /// The rank of a member, from 0 for the lowest score; `None` if there is no such member or key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// assert_eq!(redis.zrank("top", "grace").await?, Some(1));
    /// assert_eq!(redis.zrank("top", "nobody").await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZRANK](https://redis.io/docs/latest/commands/zrank/).
    pub fn zrank(&self, key: impl ToArg, member: impl ToArg) -> Command<'_, Option<u64>, ZRank> {
        Command::new(self, "ZRANK").with(key).with(member)
    }

    /// The rank of a member, from 0 for the highest score; `None` if there is no such member or key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// assert_eq!(redis.zrevrank("top", "grace").await?, Some(0));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREVRANK](https://redis.io/docs/latest/commands/zrevrank/).
    pub fn zrevrank(&self, key: impl ToArg, member: impl ToArg) -> Command<'_, Option<u64>, ZRank> {
        Command::new(self, "ZREVRANK").with(key).with(member)
    }

    /// Takes the member with the lowest score out, or with [`count`](Command::count) several, the
    /// lowest first; none if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("due", [(1, "a"), (2, "b"), (3, "c")]).await?;
    /// assert_eq!(redis.zpopmin::<String>("due").await?, [("a".into(), 1.0)]);
    /// assert_eq!(redis.zpopmin::<String>("due").count(5).await?.len(), 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZPOPMIN](https://redis.io/docs/latest/commands/zpopmin/).
    pub fn zpopmin<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Vec<(T, f64)>, ZPop> {
        Command::new(self, "ZPOPMIN").with(key)
    }

    /// Takes the member with the highest score out, or with [`count`](Command::count) several, the
    /// highest first; none if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// assert_eq!(redis.zpopmax::<String>("top").await?, [("grace".into(), 2.0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZPOPMAX](https://redis.io/docs/latest/commands/zpopmax/).
    pub fn zpopmax<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Vec<(T, f64)>, ZPop> {
        Command::new(self, "ZPOPMAX").with(key)
    }

    /// Takes members out of the first of several sorted sets that exists; gives its key and the
    /// members with their scores, `None` if none of them exists.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::sorted_sets::ScoreEnd;
    ///
    /// redis.zadd("later", [(1, "a"), (2, "b")]).await?;
    /// let popped = redis.zmpop::<String>(["urgent", "later"], ScoreEnd::Min).count(1).await?;
    /// assert_eq!(popped, Some(("later".into(), vec![("a".into(), 1.0)])));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZMPOP](https://redis.io/docs/latest/commands/zmpop/).
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what comes back"
    )]
    pub fn zmpop<T: FromReply>(
        &self,
        keys: impl ToArgs,
        end: ScoreEnd,
    ) -> Command<'_, Option<(String, Vec<(T, f64)>)>, MPop> {
        Command::new(self, "ZMPOP").with_counted(keys).with(end)
    }

    /// A member drawn at random, which stays; `None` if there is no such key. With
    /// [`count`](Command::count) several, and with `withscores` their scores.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", (1, "ada")).await?;
    /// assert_eq!(redis.zrandmember::<String>("top").await?.as_deref(), Some("ada"));
    /// let drawn = redis.zrandmember::<String>("top").count(5).withscores().await?;
    /// assert_eq!(drawn, [("ada".into(), 1.0)]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZRANDMEMBER](https://redis.io/docs/latest/commands/zrandmember/).
    pub fn zrandmember<T: FromReply>(
        &self,
        key: impl ToArg,
    ) -> Command<'_, Option<T>, ZRandMember> {
        Command::new(self, "ZRANDMEMBER").with(key)
    }

    /// Takes the members of the ranks from `start` to `stop` out, both included, from 0 for the lowest
    /// score; negative counts from the highest. Gives how many there were.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace"), (3, "barbara")]).await?;
    /// assert_eq!(redis.zremrangebyrank("top", 0, -2).await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREMRANGEBYRANK](https://redis.io/docs/latest/commands/zremrangebyrank/).
    pub fn zremrangebyrank(&self, key: impl ToArg, start: i64, stop: i64) -> Command<'_, u64> {
        Command::new(self, "ZREMRANGEBYRANK")
            .with(key)
            .with(start)
            .with(stop)
    }

    /// Takes the members with a score from `min` to `max` out; gives how many there were. For the
    /// bounds see [`zcount`](Self::zcount).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("seen", [(1, "a"), (2, "b")]).await?;
    /// assert_eq!(redis.zremrangebyscore("seen", "-inf", "(2").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREMRANGEBYSCORE](https://redis.io/docs/latest/commands/zremrangebyscore/).
    pub fn zremrangebyscore(
        &self,
        key: impl ToArg,
        min: impl ToArg,
        max: impl ToArg,
    ) -> Command<'_, u64> {
        Command::new(self, "ZREMRANGEBYSCORE")
            .with(key)
            .with(min)
            .with(max)
    }

    /// Takes the members with a name from `min` to `max` out, where all have the same score; gives how
    /// many there were. For the bounds see [`zlexcount`](Self::zlexcount).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("names", [(0, "ada"), (0, "grace")]).await?;
    /// assert_eq!(redis.zremrangebylex("names", "[a", "(b").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZREMRANGEBYLEX](https://redis.io/docs/latest/commands/zremrangebylex/).
    pub fn zremrangebylex(
        &self,
        key: impl ToArg,
        min: impl ToArg,
        max: impl ToArg,
    ) -> Command<'_, u64> {
        Command::new(self, "ZREMRANGEBYLEX")
            .with(key)
            .with(min)
            .with(max)
    }

    /// The members of a sorted set with their scores, as a stream, page by page, in no order.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.zadd("top", [(1, "ada"), (2, "grace")]).await?;
    /// let mut top = redis.zscan("top").matching("a*").stream::<(String, f64)>();
    /// while let Some(member) = top.next().await {
    ///     assert_eq!(member?, ("ada".into(), 1.0));
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [ZSCAN](https://redis.io/docs/latest/commands/zscan/).
    pub fn zscan(&self, key: impl ToArg) -> Scan<'_> {
        Scan::of_key(self, "ZSCAN", key)
    }
}
