//! Consumer groups: XGROUP, XREADGROUP, XACK, and the deletions that know of groups, XACKDEL and
//! XDELEX.
//!
//! A group gives each entry to one of its consumers, and keeps it on the list of pending ones until
//! that has acknowledged it. What is [`pending`](super::pending) for too long, another consumer can claim.

use std::time::Duration;

use super::{Entry, StreamEntries, StreamId, XAdd, XTrim};
use crate::{Command, Error, FromReply, Redis, Reply, ToArg, ToArgs, ToPairs};

/// The options of XGROUP CREATE.
#[derive(Debug)]
pub struct XGroupCreate(());

impl<T> Command<'_, T, XGroupCreate> {
    /// MKSTREAM: makes the stream if there is none.
    pub fn mkstream(self) -> Self {
        self.with("MKSTREAM")
    }

    /// ENTRIESREAD: how many entries of the stream the group has behind it, for the `lag` of
    /// [`xinfo_groups`](Redis::xinfo_groups); -1 is not known. Needs Redis 7.
    pub fn entriesread(self, entries: i64) -> Self {
        self.with("ENTRIESREAD").with(entries)
    }
}

/// The option of XGROUP SETID.
#[derive(Debug)]
pub struct XGroupSetId(());

impl<T> Command<'_, T, XGroupSetId> {
    /// ENTRIESREAD: how many entries of the stream the group has behind it, for the `lag` of
    /// [`xinfo_groups`](Redis::xinfo_groups); -1 is not known. Needs Redis 7.
    pub fn entriesread(self, entries: i64) -> Self {
        self.with("ENTRIESREAD").with(entries)
    }
}

/// The options of XREADGROUP.
#[derive(Debug)]
pub struct XReadGroup(());

impl<T> Command<'_, T, XReadGroup> {
    /// COUNT: at most this many entries of each stream.
    pub fn count(self, count: u64) -> Self {
        self.option("COUNT").option(count)
    }

    /// NOACK: new entries count as acknowledged when they are read; what is lost on the way is lost.
    pub fn noack(self) -> Self {
        self.option("NOACK")
    }
}

impl<'a, F> Command<'a, Vec<StreamEntries<Entry<Option<F>>>>, XReadGroup> {
    /// CLAIM: first the entries of any consumer that are pending for at least so many milliseconds,
    /// the longest first, then new ones. The reply says of each how often it was delivered. It has
    /// no effect on an ID other than `">"`. Needs Redis 8.4; Upstash does not document it.
    ///
    /// ```
    /// # let sent = r#"["XREADGROUP","GROUP","mailer","worker-1","CLAIM","60000","STREAMS","events",">"]"#;
    /// # let result = r#"[["events",[["1-0",["to","ada"],61234,2],["2-0",["to","grace"],0,0]]]]"#;
    /// # restis_testing::recorded(&[(sent, result)], async |redis| {
    /// let streams = redis
    ///     .xreadgroup::<(String, String)>("mailer", "worker-1", ("events", ">"))
    ///     .claim(60_000)
    ///     .await?;
    /// let tried: Vec<u64> = streams[0].entries.iter().map(|entry| entry.deliveries).collect();
    /// assert_eq!(tried, [2, 0]);
    /// # Ok(()) });
    /// ```
    pub fn claim(
        self,
        min_idle: u64,
    ) -> Command<'a, Vec<StreamEntries<ClaimedEntry<F>>>, XReadGroup> {
        self.option("CLAIM").option(min_idle).cast()
    }
}

/// An entry that XREADGROUP with [`claim`](Command::claim) gives: a new one, or one that was pending.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClaimedEntry<F> {
    /// The ID.
    pub id: StreamId,
    /// The fields with their values; `None` if the entry is deleted.
    pub fields: Option<F>,
    /// The time since it was delivered before, measured in milliseconds; zero for a new entry.
    pub idle: Duration,
    /// How many times it was delivered before; 0 for a new entry.
    pub deliveries: u64,
}

impl<F: FromReply> FromReply for ClaimedEntry<F> {
    const BYTES: bool = F::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut items = reply.items()?;
        let (id, fields) = (items.read()?, items.read()?);
        let mut number = || items.next().map(u64::from_reply).transpose();
        Ok(Self {
            id,
            fields,
            idle: Duration::from_millis(number()?.unwrap_or(0)),
            deliveries: number()?.unwrap_or(0),
        })
    }
}

/// The options of XACKDEL.
#[derive(Debug)]
pub struct XAckDel(());

/// The options of XDELEX.
#[derive(Debug)]
pub struct XDelEx(());

/// Commands that can say what becomes of entries that groups have read and not acknowledged.
pub trait Deletes: sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for XAdd {}
impl sealed::Sealed for XTrim {}
impl sealed::Sealed for XDelEx {}
impl sealed::Sealed for XAckDel {}
impl Deletes for XAdd {}
impl Deletes for XTrim {}
impl Deletes for XDelEx {}
impl Deletes for XAckDel {}

impl<T, O: Deletes> Command<'_, T, O> {
    /// KEEPREF: deletes entries, and groups keep them on their lists of pending ones. This is so too
    /// without an option. Needs Redis 8.2.
    pub fn keepref(self) -> Self {
        self.option("KEEPREF")
    }

    /// DELREF: deletes entries, also from the lists of pending ones of all groups. Needs Redis 8.2.
    pub fn delref(self) -> Self {
        self.option("DELREF")
    }

    /// ACKED: deletes only entries that every group has read and acknowledged. Needs Redis 8.2.
    pub fn acked(self) -> Self {
        self.option("ACKED")
    }
}

/// What became of an entry: see [`Redis::xdelex`](Redis::xdelex).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deletion {
    /// There is no such entry; for XACKDEL, the group has none such pending (the server's -1).
    NotFound,
    /// It is deleted (1).
    Deleted,
    /// It is not, since with [`acked`](Command::acked) a group has still to acknowledge it (2).
    /// XACKDEL has acknowledged it for its own group.
    Referenced,
}

impl FromReply for Deletion {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        match i64::from_reply(reply)? {
            -1 => Ok(Self::NotFound),
            1 => Ok(Self::Deleted),
            2 => Ok(Self::Referenced),
            _ => Err(Error::decode(
                "what became of an entry is none of -1, 1 and 2",
            )),
        }
    }
}

impl Redis {
    /// Makes a consumer group, which will get the entries behind `id`: `"0"` is all, `"$"` those that
    /// come from now on.
    ///
    /// If there is such a group it is an error with code `BUSYGROUP`; a missing stream, without
    /// [`mkstream`](Command::mkstream), one with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "$").mkstream().await?;
    /// let again = redis.xgroup_create("events", "mailer", "$").await;
    /// assert!(again.is_err_and(|error| error.code() == Some("BUSYGROUP")));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XGROUP CREATE](https://redis.io/docs/latest/commands/xgroup-create/).
    pub fn xgroup_create(
        &self,
        key: impl ToArg,
        group: impl ToArg,
        id: impl ToArg,
    ) -> Command<'_, (), XGroupCreate> {
        xgroup(self, "CREATE", key, group).with(id)
    }

    /// Makes a consumer of a group; gives whether it is new. Reading makes one too.
    ///
    /// A missing stream is an error with code `ERR`, a missing group one with code `NOGROUP`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// assert!(redis.xgroup_createconsumer("events", "mailer", "worker-1").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XGROUP CREATECONSUMER](https://redis.io/docs/latest/commands/xgroup-createconsumer/).
    pub fn xgroup_createconsumer(
        &self,
        key: impl ToArg,
        group: impl ToArg,
        consumer: impl ToArg,
    ) -> Command<'_, bool> {
        xgroup(self, "CREATECONSUMER", key, group).with(consumer)
    }

    /// Deletes a consumer of a group; gives how many entries it had not acknowledged. The group
    /// forgets those, and gives them to nobody any more: claim them before.
    ///
    /// A missing stream is an error with code `ERR`, a missing group one with code `NOGROUP`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// assert_eq!(redis.xgroup_delconsumer("events", "mailer", "worker-1").await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XGROUP DELCONSUMER](https://redis.io/docs/latest/commands/xgroup-delconsumer/).
    pub fn xgroup_delconsumer(
        &self,
        key: impl ToArg,
        group: impl ToArg,
        consumer: impl ToArg,
    ) -> Command<'_, u64> {
        xgroup(self, "DELCONSUMER", key, group).with(consumer)
    }

    /// Deletes a group with its consumers and its list of pending entries; gives whether there was such a group.
    ///
    /// A missing stream is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// assert!(redis.xgroup_destroy("events", "mailer").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XGROUP DESTROY](https://redis.io/docs/latest/commands/xgroup-destroy/).
    pub fn xgroup_destroy(&self, key: impl ToArg, group: impl ToArg) -> Command<'_, bool> {
        xgroup(self, "DESTROY", key, group)
    }

    /// Sets the ID behind which a group goes on: `"0"` gives all entries again, `"$"` skips those
    /// that are there.
    ///
    /// A missing stream is an error with code `ERR`, a missing group one with code `NOGROUP`.
    ///
    /// If the answer is lost the command is not sent again, and the error
    /// [`is_ambiguous`](crate::Error::is_ambiguous): consumers may have gone on in between.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "$").mkstream().await?;
    /// redis.xgroup_setid("events", "mailer", "0").await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XGROUP SETID](https://redis.io/docs/latest/commands/xgroup-setid/).
    pub fn xgroup_setid(
        &self,
        key: impl ToArg,
        group: impl ToArg,
        id: impl ToArg,
    ) -> Command<'_, (), XGroupSetId> {
        xgroup(self, "SETID", key, group).with(id)
    }

    /// Entries of several streams as a consumer of a group. With the ID `">"` they are new ones, which
    /// become pending for this consumer; behind any other ID they are those that are pending for it.
    ///
    /// `fields` is `None` where an entry is pending and deleted. A stream without new entries is left
    /// out; one without pending ones is there and has none. A missing stream or group is an error with
    /// code `NOGROUP`. It does not wait for entries.
    ///
    /// If the answer is lost the command is not sent again, and the error
    /// [`is_ambiguous`](crate::Error::is_ambiguous): what it gave out is pending, and comes with the
    /// ID `"0"`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::collections::HashMap;
    ///
    /// redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// redis.xadd("events", "*", ("to", "ada")).await?;
    /// let streams = redis
    ///     .xreadgroup::<HashMap<String, String>>("mailer", "worker-1", ("events", ">"))
    ///     .count(10)
    ///     .await?;
    /// for stream in streams {
    ///     for entry in stream.entries {
    ///         if let Some(mail) = entry.fields {
    ///             println!("to {}", mail["to"]);
    ///         }
    ///         redis.xack("events", "mailer", entry.id).await?;
    ///     }
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many streams.
    ///
    /// Source: [XREADGROUP](https://redis.io/docs/latest/commands/xreadgroup/).
    pub fn xreadgroup<F: FromReply>(
        &self,
        group: impl ToArg,
        consumer: impl ToArg,
        streams: impl ToPairs,
    ) -> Command<'_, Vec<StreamEntries<Entry<Option<F>>>>, XReadGroup> {
        Command::new(self, "XREADGROUP")
            .with("GROUP")
            .with(group)
            .with(consumer)
            .front()
            .with("STREAMS")
            .with_columns(streams)
    }

    /// Acknowledges entries, which are then pending no more; gives how many were.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// assert_eq!(redis.xack("events", "mailer", ["1-0", "2-0"]).await?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XACK](https://redis.io/docs/latest/commands/xack/).
    pub fn xack(&self, key: impl ToArg, group: impl ToArg, ids: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "XACK")
            .with(key)
            .with(group)
            .with_all(ids)
    }

    /// Acknowledges entries and deletes them, in one step; gives what became of each, in their order.
    /// Needs Redis 8.2.
    ///
    /// ```
    /// # let exchange = [(r#"["XACKDEL","events","mailer","ACKED","IDS","2","1-0","2-0"]"#, "[1,2]")];
    /// # restis_testing::recorded(&exchange, async |redis| {
    /// use restis::commands::streams::groups::Deletion;
    ///
    /// let became = redis.xackdel("events", "mailer", ["1-0", "2-0"]).acked().await?;
    /// assert_eq!(became, [Deletion::Deleted, Deletion::Referenced]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XACKDEL](https://redis.io/docs/latest/commands/xackdel/).
    pub fn xackdel(
        &self,
        key: impl ToArg,
        group: impl ToArg,
        ids: impl ToArgs,
    ) -> Command<'_, Vec<Deletion>, XAckDel> {
        Command::new(self, "XACKDEL")
            .with(key)
            .with(group)
            .front()
            .with("IDS")
            .with_counted(ids)
    }

    /// Deletes entries like [`xdel`](Self::xdel), with a say in what becomes of those that are
    /// pending; gives what became of each, in their order. Needs Redis 8.2.
    ///
    /// ```
    /// # let exchange = [(r#"["XDELEX","events","DELREF","IDS","2","1-0","9-0"]"#, "[1,-1]")];
    /// # restis_testing::recorded(&exchange, async |redis| {
    /// use restis::commands::streams::groups::Deletion;
    ///
    /// let became = redis.xdelex("events", ["1-0", "9-0"]).delref().await?;
    /// assert_eq!(became, [Deletion::Deleted, Deletion::NotFound]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XDELEX](https://redis.io/docs/latest/commands/xdelex/).
    pub fn xdelex(&self, key: impl ToArg, ids: impl ToArgs) -> Command<'_, Vec<Deletion>, XDelEx> {
        Command::new(self, "XDELEX")
            .with(key)
            .front()
            .with("IDS")
            .with_counted(ids)
    }
}

fn xgroup<'a, T, O>(
    redis: &'a Redis,
    subcommand: &str,
    key: impl ToArg,
    group: impl ToArg,
) -> Command<'a, T, O> {
    Command::new(redis, "XGROUP")
        .with(subcommand)
        .with(key)
        .with(group)
}
