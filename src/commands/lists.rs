//! Lists: LPUSH, LPOP, LRANGE and what belongs to them.

use crate::{ArgWriter, Command, Error, FromReply, Redis, Reply, ToArg, ToArgs, Written};

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListEnd {
    /// The beginning, where LPUSH and LPOP are.
    Left,
    /// The end, where RPUSH and RPOP are.
    Right,
}

impl ToArg for ListEnd {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::Left => "LEFT",
            Self::Right => "RIGHT",
        })
    }
}

/// On which side of an element LINSERT puts another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Nearer to the beginning.
    Before,
    /// Nearer to the end.
    After,
}

impl ToArg for Place {
    fn write_arg(&self, arg: ArgWriter<'_>) -> Written {
        arg.text(match self {
            Self::Before => "BEFORE",
            Self::After => "AFTER",
        })
    }
}

/// What LINSERT did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inserted {
    /// Nothing: there is no such key (the server's 0).
    NoKey,
    /// Nothing: the list has no such element (the server's -1).
    NoPivot,
    /// It put the element in; the list now has this many.
    Length(u64),
}

impl Inserted {
    /// How many elements the list now has, if one was put in.
    pub fn length(self) -> Option<u64> {
        match self {
            Self::Length(length) => Some(length),
            Self::NoKey | Self::NoPivot => None,
        }
    }
}

impl FromReply for Inserted {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match i64::from_reply(reply)? {
            0 => Ok(Self::NoKey),
            -1 => Ok(Self::NoPivot),
            length => u64::try_from(length)
                .map(Self::Length)
                .map_err(|_| Error::decode("a length below -1")),
        }
    }
}

/// The options of LPOP and RPOP.
#[derive(Debug)]
pub struct Pop(());

impl<'a, T> Command<'a, Option<T>, Pop> {
    /// Up to this many elements, in the order in which they are taken; `None` if there is no such key.
    pub fn count(self, count: u64) -> Command<'a, Option<Vec<T>>> {
        self.with(count).cast()
    }
}

/// The options of LMPOP and ZMPOP.
#[derive(Debug)]
pub struct MPop(());

impl<T> Command<'_, T, MPop> {
    /// COUNT: up to this many elements; without this, one.
    pub fn count(self, count: u64) -> Self {
        self.with("COUNT").with(count)
    }
}

/// The options of LPOS.
#[derive(Debug)]
pub struct LPos(());

impl<T> Command<'_, T, LPos> {
    /// RANK: begins with the match of this number, from 1; negative counts from the end of the list.
    pub fn rank(self, rank: i64) -> Self {
        self.with("RANK").with(rank)
    }

    /// MAXLEN: compares at most this many elements; 0 is all.
    pub fn maxlen(self, elements: u64) -> Self {
        self.with("MAXLEN").with(elements)
    }
}

impl<'a> Command<'a, Option<u64>, LPos> {
    /// COUNT: the places of up to this many matches; 0 is all. Without a match, none.
    pub fn count(self, count: u64) -> Command<'a, Vec<u64>, LPos> {
        self.with("COUNT").with(count).cast()
    }
}

impl Redis {
    /// Puts values before the first element of a list, which is made if there is none; gives its new length.
    ///
    /// They go in one after the other, so the last comes to stand first. A key of another type is an
    /// error with code `WRONGTYPE`. If the answer is lost the command is not sent again, and the
    /// error [`is_ambiguous`](crate::Error::is_ambiguous).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.lpush("jobs", ["a", "b"]).await?, 2);
    /// assert_eq!(redis.lrange::<String>("jobs", 0, -1).await?, ["b", "a"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LPUSH](https://redis.io/docs/latest/commands/lpush/).
    pub fn lpush(&self, key: impl ToArg, values: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "LPUSH").with(key).with_all(values)
    }

    /// Puts values behind the last element of a list, which is made if there is none; gives its new length.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.rpush("jobs", ["a", "b"]).await?, 2);
    /// assert_eq!(redis.lrange::<String>("jobs", 0, -1).await?, ["a", "b"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RPUSH](https://redis.io/docs/latest/commands/rpush/).
    pub fn rpush(&self, key: impl ToArg, values: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "RPUSH").with(key).with_all(values)
    }

    /// Puts values before the first element of a list if there is one; gives its new length, 0 if there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.lpushx("jobs", "a").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LPUSHX](https://redis.io/docs/latest/commands/lpushx/).
    pub fn lpushx(&self, key: impl ToArg, values: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "LPUSHX").with(key).with_all(values)
    }

    /// Puts values behind the last element of a list if there is one; gives its new length, 0 if there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.rpushx("jobs", "a").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RPUSHX](https://redis.io/docs/latest/commands/rpushx/).
    pub fn rpushx(&self, key: impl ToArg, values: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "RPUSHX").with(key).with_all(values)
    }

    /// Takes the first element off a list; `None` if there is no such key. With
    /// [`count`](Command::count) several.
    ///
    /// A list without elements is deleted. If the answer is lost the element may be lost with it:
    /// where that matters, [`lmove`](Self::lmove) it to a list of work in progress.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("jobs", [1, 2, 3]).await?;
    /// assert_eq!(redis.lpop::<u32>("jobs").await?, Some(1));
    /// assert_eq!(redis.lpop::<u32>("jobs").count(5).await?, Some(vec![2, 3]));
    /// assert_eq!(redis.lpop::<u32>("jobs").count(5).await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LPOP](https://redis.io/docs/latest/commands/lpop/).
    pub fn lpop<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Option<T>, Pop> {
        Command::new(self, "LPOP").with(key)
    }

    /// Takes the last element off a list; `None` if there is no such key. See [`lpop`](Self::lpop).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("jobs", [1, 2, 3]).await?;
    /// assert_eq!(redis.rpop::<u32>("jobs").count(2).await?, Some(vec![3, 2]));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RPOP](https://redis.io/docs/latest/commands/rpop/).
    pub fn rpop<T: FromReply>(&self, key: impl ToArg) -> Command<'_, Option<T>, Pop> {
        Command::new(self, "RPOP").with(key)
    }

    /// How many elements a list has; 0 if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.llen("jobs").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LLEN](https://redis.io/docs/latest/commands/llen/).
    pub fn llen(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "LLEN").with(key)
    }

    /// The elements from `start` to `stop`, both included, from 0; negative counts from the end.
    ///
    /// What lies outside the list is left out, and a key that does not exist gives none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("jobs", ["a", "b", "c"]).await?;
    /// assert_eq!(redis.lrange::<String>("jobs", -2, -1).await?, ["b", "c"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LRANGE](https://redis.io/docs/latest/commands/lrange/).
    pub fn lrange<T: FromReply>(
        &self,
        key: impl ToArg,
        start: i64,
        stop: i64,
    ) -> Command<'_, Vec<T>> {
        Command::new(self, "LRANGE")
            .with(key)
            .with(start)
            .with(stop)
    }

    /// The element at a place, from 0; negative counts from the end; `None` if there is none.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("jobs", ["a", "b"]).await?;
    /// assert_eq!(redis.lindex::<String>("jobs", -1).await?.as_deref(), Some("b"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LINDEX](https://redis.io/docs/latest/commands/lindex/).
    pub fn lindex<T: FromReply>(&self, key: impl ToArg, index: i64) -> Command<'_, Option<T>> {
        Command::new(self, "LINDEX").with(key).with(index)
    }

    /// Puts a value before or after the first element that equals `pivot`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::lists::{Inserted, Place};
    ///
    /// redis.rpush("jobs", ["a", "c"]).await?;
    /// assert_eq!(redis.linsert("jobs", Place::Before, "c", "b").await?, Inserted::Length(3));
    /// assert_eq!(redis.linsert("jobs", Place::After, "x", "y").await?, Inserted::NoPivot);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LINSERT](https://redis.io/docs/latest/commands/linsert/).
    pub fn linsert(
        &self,
        key: impl ToArg,
        place: Place,
        pivot: impl ToArg,
        value: impl ToArg,
    ) -> Command<'_, Inserted> {
        Command::new(self, "LINSERT")
            .with(key)
            .with(place)
            .with(pivot)
            .with(value)
    }

    /// Overwrites the element at a place, from 0; negative counts from the end.
    ///
    /// A key that does not exist, and a place outside the list, are errors with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("jobs", ["a", "b"]).await?;
    /// redis.lset("jobs", -1, "c").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LSET](https://redis.io/docs/latest/commands/lset/).
    pub fn lset(&self, key: impl ToArg, index: i64, value: impl ToArg) -> Command<'_, ()> {
        Command::new(self, "LSET").with(key).with(index).with(value)
    }

    /// Takes elements that equal `value` out of a list; gives how many there were.
    ///
    /// A positive `count` takes so many from the beginning on, a negative one from the end, 0 all.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("jobs", ["a", "b", "a"]).await?;
    /// assert_eq!(redis.lrem("jobs", 0, "a").await?, 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LREM](https://redis.io/docs/latest/commands/lrem/).
    pub fn lrem(&self, key: impl ToArg, count: i64, value: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "LREM").with(key).with(count).with(value)
    }

    /// Keeps the elements from `start` to `stop`, both included, and takes the others away; negative
    /// counts from the end. If none is left the key is deleted.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.lpush("log", ["first", "second", "third"]).await?;
    /// redis.ltrim("log", 0, 1).await?;
    /// assert_eq!(redis.lrange::<String>("log", 0, -1).await?, ["third", "second"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LTRIM](https://redis.io/docs/latest/commands/ltrim/).
    pub fn ltrim(&self, key: impl ToArg, start: i64, stop: i64) -> Command<'_, ()> {
        Command::new(self, "LTRIM").with(key).with(start).with(stop)
    }

    /// The place, from 0, of the first element that equals `value`; `None` if there is none. With
    /// [`count`](Command::count) several places.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.rpush("jobs", ["a", "b", "a"]).await?;
    /// assert_eq!(redis.lpos("jobs", "a").await?, Some(0));
    /// assert_eq!(redis.lpos("jobs", "a").rank(-1).await?, Some(2));
    /// assert_eq!(redis.lpos("jobs", "a").count(0).await?, [0, 2]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LPOS](https://redis.io/docs/latest/commands/lpos/).
    pub fn lpos(&self, key: impl ToArg, value: impl ToArg) -> Command<'_, Option<u64>, LPos> {
        Command::new(self, "LPOS").with(key).with(value)
    }

    /// Moves the element at one end of a list to an end of another, or of the same; gives the element,
    /// `None` if there is no source.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::lists::ListEnd;
    ///
    /// redis.rpush("jobs", ["a", "b"]).await?;
    /// let job: Option<String> = redis.lmove("jobs", "in progress", ListEnd::Left, ListEnd::Right).await?;
    /// assert_eq!(job.as_deref(), Some("a"));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LMOVE](https://redis.io/docs/latest/commands/lmove/).
    pub fn lmove<T: FromReply>(
        &self,
        source: impl ToArg,
        destination: impl ToArg,
        from: ListEnd,
        to: ListEnd,
    ) -> Command<'_, Option<T>> {
        Command::new(self, "LMOVE")
            .with(source)
            .with(destination)
            .with(from)
            .with(to)
    }

    /// Takes elements off the first of several lists that exists; gives its key and the elements,
    /// `None` if none of them exists.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::lists::ListEnd;
    ///
    /// redis.rpush("later", ["a", "b"]).await?;
    /// let popped = redis.lmpop::<String>(["urgent", "later"], ListEnd::Left).count(10).await?;
    /// assert_eq!(popped, Some(("later".into(), vec!["a".into(), "b".into()])));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [LMPOP](https://redis.io/docs/latest/commands/lmpop/).
    pub fn lmpop<T: FromReply>(
        &self,
        keys: impl ToArgs,
        end: ListEnd,
    ) -> Command<'_, Option<(String, Vec<T>)>, MPop> {
        Command::new(self, "LMPOP").with_counted(keys).with(end)
    }

    /// Moves the last element of a list to the beginning of another. Redis calls it deprecated:
    /// [`lmove`](Self::lmove) does the same.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.rpoplpush::<String>("jobs", "in progress").await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RPOPLPUSH](https://redis.io/docs/latest/commands/rpoplpush/).
    pub fn rpoplpush<T: FromReply>(
        &self,
        source: impl ToArg,
        destination: impl ToArg,
    ) -> Command<'_, Option<T>> {
        Command::new(self, "RPOPLPUSH")
            .with(source)
            .with(destination)
    }
}
