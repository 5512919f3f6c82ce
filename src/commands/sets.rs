//! Sets: SADD, SMEMBERS, SINTER and what belongs to them.

use crate::{Command, FromReply, Redis, ToArg, ToArgs, scan::Scan};

/// The options of SPOP.
#[derive(Debug)]
pub struct SPop(());

impl<'a, T> Command<'a, Option<T>, SPop> {
    /// Up to this many members; none if there is no such key.
    pub fn count(self, count: u64) -> Command<'a, Vec<T>> {
        self.with(count).cast()
    }
}

/// The options of SRANDMEMBER.
#[derive(Debug)]
pub struct SRandMember(());

impl<'a, T> Command<'a, Option<T>, SRandMember> {
    /// Several members, none twice; with a negative count exactly so many, and some perhaps twice.
    /// Fewer if the set has fewer, none if there is no such key.
    pub fn count(self, count: i64) -> Command<'a, Vec<T>> {
        self.with(count).cast()
    }
}

/// The options of SINTERCARD, SDIFFCARD and ZINTERCARD.
#[derive(Debug)]
pub struct Card(());

impl<T> Command<'_, T, Card> {
    /// LIMIT: stops counting at this number; 0 is no limit.
    pub fn limit(self, limit: u64) -> Self {
        self.with("LIMIT").with(limit)
    }
}

/// The options of SUNIONCARD.
#[derive(Debug)]
pub struct SUnionCard(());

impl<T> Command<'_, T, SUnionCard> {
    /// APPROX: an estimate, by a HyperLogLog that is made for it.
    pub fn approx(self) -> Self {
        self.with("APPROX")
    }

    /// LIMIT: stops counting at this number; 0 is no limit.
    pub fn limit(self, limit: u64) -> Self {
        self.with("LIMIT").with(limit)
    }
}

impl Redis {
    /// Adds members to a set, which is made if there is none; gives how many are new.
    ///
    /// A key of another type is an error with code `WRONGTYPE`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.sadd("tags", ["a", "b"]).await?, 2);
    /// assert_eq!(redis.sadd("tags", "a").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SADD](https://redis.io/docs/latest/commands/sadd/).
    pub fn sadd(&self, key: impl ToArg, members: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "SADD").with(key).with_all(members)
    }

    /// Takes members out of a set; gives how many there were. A set without members is deleted.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tags", "a").await?;
    /// assert_eq!(redis.srem("tags", ["a", "b"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SREM](https://redis.io/docs/latest/commands/srem/).
    pub fn srem(&self, key: impl ToArg, members: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "SREM").with(key).with_all(members)
    }

    /// All members of a set, in no order; none if there is no such key.
    ///
    /// A large set is better read by [`sscan`](Self::sscan).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tags", "a").await?;
    /// assert_eq!(redis.smembers::<String>("tags").await?, ["a"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SMEMBERS](https://redis.io/docs/latest/commands/smembers/).
    pub fn smembers<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Vec<T>> {
        Command::new(self, "SMEMBERS").with(key)
    }

    /// Whether a set has a member; it has not if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tags", "a").await?;
    /// assert!(redis.sismember("tags", "a").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SISMEMBER](https://redis.io/docs/latest/commands/sismember/).
    pub fn sismember(&self, key: impl ToArg, member: impl ToArg) -> Command<'_, bool> {
        Command::new(self, "SISMEMBER").with(key).with(member)
    }

    /// For each of several members, whether a set has it.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tags", "a").await?;
    /// assert_eq!(redis.smismember("tags", ["a", "b"]).await?, [true, false]);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many members.
    ///
    /// Source: [SMISMEMBER](https://redis.io/docs/latest/commands/smismember/).
    pub fn smismember(&self, key: impl ToArg, members: impl ToArgs) -> Command<'_, Vec<bool>> {
        Command::new(self, "SMISMEMBER").with(key).with_all(members)
    }

    /// How many members a set has; 0 if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tags", ["a", "b"]).await?;
    /// assert_eq!(redis.scard("tags").await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SCARD](https://redis.io/docs/latest/commands/scard/).
    pub fn scard(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "SCARD").with(key)
    }

    /// Takes a member drawn at random out of a set; `None` if there is no such key. With
    /// [`count`](Command::count) several.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tickets", [1, 2, 3]).await?;
    /// assert!(redis.spop::<u32>("tickets").await?.is_some());
    /// assert_eq!(redis.spop::<u32>("tickets").count(5).await?.len(), 2);
    /// assert_eq!(redis.spop::<u32>("tickets").await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SPOP](https://redis.io/docs/latest/commands/spop/).
    pub fn spop<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Option<T>, SPop> {
        Command::new(self, "SPOP").with(key)
    }

    /// A member drawn at random, which stays; `None` if there is no such key. With
    /// [`count`](Command::count) several.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tags", "a").await?;
    /// assert_eq!(redis.srandmember::<String>("tags").await?.as_deref(), Some("a"));
    /// assert_eq!(redis.srandmember::<String>("tags").count(-3).await?, ["a", "a", "a"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SRANDMEMBER](https://redis.io/docs/latest/commands/srandmember/).
    pub fn srandmember<T: FromReply>(
        &self,
        key: impl ToArg,
    ) -> Command<'_, Option<T>, SRandMember> {
        Command::new(self, "SRANDMEMBER").with(key)
    }

    /// Moves a member from one set to another; gives whether the first had it.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("open", "job").await?;
    /// assert!(redis.smove("open", "done", "job").await?);
    /// assert!(!redis.smove("open", "done", "job").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SMOVE](https://redis.io/docs/latest/commands/smove/).
    pub fn smove(
        &self,
        source: impl ToArg,
        destination: impl ToArg,
        member: impl ToArg,
    ) -> Command<'_, bool> {
        Command::new(self, "SMOVE")
            .with(source)
            .with(destination)
            .with(member)
    }

    /// The members that at least one of the sets has. A key that does not exist is an empty set.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("a", 1).await?;
    /// redis.sadd("b", 2).await?;
    /// assert_eq!(redis.sunion::<u32>(["a", "b"]).await?.len(), 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SUNION](https://redis.io/docs/latest/commands/sunion/).
    pub fn sunion<T: FromReply>(&self, keys: impl ToArgs) -> Command<'_, Vec<T>> {
        Command::new(self, "SUNION").with_all(keys)
    }

    /// Stores the members that at least one of the sets has under `destination`, which is overwritten; gives how many.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("a", 1).await?;
    /// assert_eq!(redis.sunionstore("all", ["a", "b"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SUNIONSTORE](https://redis.io/docs/latest/commands/sunionstore/).
    pub fn sunionstore(&self, destination: impl ToArg, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "SUNIONSTORE")
            .with(destination)
            .with_all(keys)
    }

    /// The members that all of the sets have. A key that does not exist is an empty set.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("a", [1, 2]).await?;
    /// redis.sadd("b", [2, 3]).await?;
    /// assert_eq!(redis.sinter::<u32>(["a", "b"]).await?, [2]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SINTER](https://redis.io/docs/latest/commands/sinter/).
    pub fn sinter<T: FromReply>(&self, keys: impl ToArgs) -> Command<'_, Vec<T>> {
        Command::new(self, "SINTER").with_all(keys)
    }

    /// Stores the members that all of the sets have under `destination`, which is overwritten; gives how many.
    ///
    /// Where there are none, `destination` is deleted.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("a", [1, 2]).await?;
    /// redis.sadd("b", [2, 3]).await?;
    /// assert_eq!(redis.sinterstore("both", ["a", "b"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SINTERSTORE](https://redis.io/docs/latest/commands/sinterstore/).
    pub fn sinterstore(&self, destination: impl ToArg, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "SINTERSTORE")
            .with(destination)
            .with_all(keys)
    }

    /// How many members all of the sets have in common, without sending them.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("a", [1, 2, 3]).await?;
    /// redis.sadd("b", [1, 2, 3]).await?;
    /// assert_eq!(redis.sintercard(["a", "b"]).limit(2).await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SINTERCARD](https://redis.io/docs/latest/commands/sintercard/).
    pub fn sintercard(&self, keys: impl ToArgs) -> Command<'_, u64, Card> {
        Command::new(self, "SINTERCARD").with_counted(keys)
    }

    /// How many members the first set has that none of the others has.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SDIFFCARD","2","a","b","LIMIT","1"]"#, "1")], async |redis| {
    /// assert_eq!(redis.sdiffcard(["a", "b"]).limit(1).await?, 1); // there is one
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SDIFFCARD](https://upstash.com/docs/redis/commands/set/sdiffcard).
    pub fn sdiffcard(&self, keys: impl ToArgs) -> Command<'_, u64, Card> {
        Command::new(self, "SDIFFCARD").with_counted(keys)
    }

    /// How many members any of the sets has, each counted once.
    ///
    /// ```
    /// # restis_testing::recorded(&[(r#"["SUNIONCARD","2","a","b","APPROX"]"#, "5")], async |redis| {
    /// assert_eq!(redis.sunioncard(["a", "b"]).approx().await?, 5);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SUNIONCARD](https://upstash.com/docs/redis/commands/set/sunioncard).
    pub fn sunioncard(&self, keys: impl ToArgs) -> Command<'_, u64, SUnionCard> {
        Command::new(self, "SUNIONCARD").with_counted(keys)
    }

    /// The members of the first set that none of the others has.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("a", [1, 2]).await?;
    /// redis.sadd("b", [2, 3]).await?;
    /// assert_eq!(redis.sdiff::<u32>(["a", "b"]).await?, [1]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SDIFF](https://redis.io/docs/latest/commands/sdiff/).
    pub fn sdiff<T: FromReply>(&self, keys: impl ToArgs) -> Command<'_, Vec<T>> {
        Command::new(self, "SDIFF").with_all(keys)
    }

    /// Stores the members of the first set that none of the others has under `destination`, which is
    /// overwritten; gives how many.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("a", [1, 2]).await?;
    /// redis.sadd("b", [2, 3]).await?;
    /// assert_eq!(redis.sdiffstore("only a", ["a", "b"]).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SDIFFSTORE](https://redis.io/docs/latest/commands/sdiffstore/).
    pub fn sdiffstore(&self, destination: impl ToArg, keys: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "SDIFFSTORE")
            .with(destination)
            .with_all(keys)
    }

    /// The members of a set as a stream, page by page.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.sadd("tags", ["a", "b"]).await?;
    /// let mut tags = redis.sscan("tags").matching("a*").stream::<String>();
    /// while let Some(tag) = tags.next().await {
    ///     assert_eq!(tag?, "a");
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [SSCAN](https://redis.io/docs/latest/commands/sscan/).
    pub fn sscan(&self, key: impl ToArg) -> Scan<'_> {
        Scan::of_key(self, "SSCAN", key)
    }
}
