//! What consumers were given and have not acknowledged: XPENDING, and XCLAIM and XAUTOCLAIM, by which
//! another consumer takes it over.

use std::time::Duration;

use super::{Entry, StreamId};
use crate::{Command, Error, FromReply, Redis, Reply, ToArg, ToArgs};

/// The choice of XPENDING.
#[derive(Debug)]
pub struct XPending(());

/// The options of XPENDING with a range.
#[derive(Debug)]
pub struct XPendingRange(());

impl<'a> Command<'a, PendingSummary, XPending> {
    /// The pending entries themselves in place of the summary: from `start` to `end`, both included
    /// (`"-"` and `"+"` are no bounds), at most `count`.
    pub fn range(
        self,
        start: impl ToArg,
        end: impl ToArg,
        count: u64,
    ) -> Command<'a, Vec<PendingEntry>, XPendingRange> {
        self.front().with(start).with(end).with(count).cast()
    }
}

impl<T> Command<'_, T, XPendingRange> {
    /// IDLE: only entries that nobody was given for at least so many milliseconds.
    pub fn idle(self, min_idle: u64) -> Self {
        self.option("IDLE").option(min_idle)
    }

    /// Only entries of this consumer.
    pub fn consumer(self, consumer: impl ToArg) -> Self {
        self.with(consumer)
    }
}

/// What is pending in a group: see [`Redis::xpending`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingSummary {
    /// How many entries are pending.
    pub count: u64,
    /// The lowest ID of them; `None` if there is none.
    pub lowest: Option<StreamId>,
    /// The highest ID of them; `None` if there is none.
    pub highest: Option<StreamId>,
    /// The consumers that have pending entries, with how many.
    pub consumers: Vec<(String, u64)>,
}

impl FromReply for PendingSummary {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut items = reply.items()?;
        let summary = Self {
            count: items.read()?,
            lowest: items.read()?,
            highest: items.read()?,
            consumers: items.read::<Option<_>>()?.unwrap_or_default(),
        };
        items.end()?;
        Ok(summary)
    }
}

/// A pending entry: see [`range`](Command::range) of XPENDING.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingEntry {
    /// The ID.
    pub id: StreamId,
    /// The consumer that has it.
    pub consumer: String,
    /// The time since it was given to that consumer, measured in milliseconds.
    pub idle: Duration,
    /// How many times it was delivered. A high number points to an entry that no consumer can deal with.
    pub deliveries: u64,
}

impl FromReply for PendingEntry {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let (id, consumer, idle, deliveries) = reply.read()?;
        Ok(Self {
            id,
            consumer,
            idle: Duration::from_millis(idle),
            deliveries,
        })
    }
}

/// The options of XCLAIM.
#[derive(Debug)]
pub struct XClaim(());

impl<T> Command<'_, T, XClaim> {
    /// IDLE: the entries count as delivered so many milliseconds ago; without this, now.
    pub fn idle(self, milliseconds: u64) -> Self {
        self.with("IDLE").with(milliseconds)
    }

    /// TIME: the entries count as delivered at this Unix time in milliseconds.
    pub fn time(self, unix_milliseconds: u64) -> Self {
        self.with("TIME").with(unix_milliseconds)
    }

    /// RETRYCOUNT: the entries count as delivered so many times; without this, once more than before.
    pub fn retrycount(self, deliveries: u64) -> Self {
        self.with("RETRYCOUNT").with(deliveries)
    }

    /// FORCE: also entries of the stream that are pending for nobody.
    pub fn force(self) -> Self {
        self.with("FORCE")
    }

    /// LASTID: moves the ID behind which the group goes on to this one, if it is higher.
    pub fn lastid(self, id: impl ToArg) -> Self {
        self.with("LASTID").with(id)
    }
}

impl<'a, F> Command<'a, Vec<Entry<Option<F>>>, XClaim> {
    /// JUSTID: only the IDs of the claimed entries, which then do not count as delivered once more.
    pub fn justid(self) -> Command<'a, Vec<StreamId>, XClaim> {
        self.with("JUSTID").cast()
    }
}

/// The options of XAUTOCLAIM.
#[derive(Debug)]
pub struct XAutoClaim(());

impl<T> Command<'_, T, XAutoClaim> {
    /// COUNT: claims at most this many entries; without this, 100.
    pub fn count(self, count: u64) -> Self {
        self.with("COUNT").with(count)
    }
}

impl<'a, F> Command<'a, AutoClaimed<Entry<Option<F>>>, XAutoClaim> {
    /// JUSTID: only the IDs of the claimed entries, which then do not count as delivered once more.
    pub fn justid(self) -> Command<'a, AutoClaimed<StreamId>, XAutoClaim> {
        self.with("JUSTID").cast()
    }
}

/// What XAUTOCLAIM has claimed: see [`Redis::xautoclaim`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AutoClaimed<E> {
    /// Where the next call has to begin; `None` if this one came to the end of what is pending.
    pub next: Option<StreamId>,
    /// The claimed entries, or with `justid` their IDs.
    pub entries: Vec<E>,
    /// The IDs of entries that were pending and are deleted: the group has forgotten them. Always
    /// empty before Redis 7.
    pub deleted: Vec<StreamId>,
}

impl<E: FromReply> FromReply for AutoClaimed<E> {
    const BYTES: bool = E::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut items = reply.items()?;
        Ok(Self {
            next: Some(items.read()?).filter(|next| *next != StreamId::MIN),
            entries: items.read()?,
            deleted: items
                .next()
                .map(Vec::from_reply)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

impl Redis {
    /// What the consumers of a group were given and have not acknowledged, in sum; with
    /// [`range`](Command::range), entry by entry.
    ///
    /// A missing stream or group is an error with code `NOGROUP`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// redis.xadd("events", "*", ("to", "ada")).await?;
    /// redis.xreadgroup::<()>("mailer", "worker-1", ("events", ">")).await?;
    ///
    /// let pending = redis.xpending("events", "mailer").await?;
    /// assert_eq!(pending.consumers, [("worker-1".into(), 1)]);
    /// for entry in redis.xpending("events", "mailer").range("-", "+", 10).idle(60_000).await? {
    ///     println!("{} has had {} for {:?}", entry.consumer, entry.id, entry.idle);
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XPENDING](https://redis.io/docs/latest/commands/xpending/).
    pub fn xpending(
        &self,
        key: impl ToArg,
        group: impl ToArg,
    ) -> Command<'_, PendingSummary, XPending> {
        Command::new(self, "XPENDING").with(key).with(group)
    }

    /// Takes over pending entries that nobody was given for at least `min_idle` milliseconds; gives
    /// those that now belong to `consumer`.
    ///
    /// An entry that is not pending, or was given to somebody since, is left out; one that is deleted
    /// too, and the group forgets it. A missing stream or group is an error with code `NOGROUP`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// # let id = redis.xadd("events", "*", ("to", "ada")).await?;
    /// # redis.xreadgroup::<()>("mailer", "worker-1", ("events", ">")).await?;
    /// use std::collections::HashMap;
    ///
    /// let claimed = redis
    ///     .xclaim::<HashMap<String, String>>("events", "mailer", "worker-2", 0, id)
    ///     .await?;
    /// assert_eq!(claimed[0].id, id);
    /// let ids = redis.xclaim::<()>("events", "mailer", "worker-2", 0, id).justid().await?;
    /// assert_eq!(ids, [id]);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XCLAIM](https://redis.io/docs/latest/commands/xclaim/).
    pub fn xclaim<F: FromReply>(
        &self,
        key: impl ToArg,
        group: impl ToArg,
        consumer: impl ToArg,
        min_idle: u64,
        ids: impl ToArgs,
    ) -> Command<'_, Vec<Entry<Option<F>>>, XClaim> {
        Command::new(self, "XCLAIM")
            .with(key)
            .with(group)
            .with(consumer)
            .with(min_idle)
            .with_all(ids)
    }

    /// Takes over the pending entries from `start` on that nobody was given for at least `min_idle`
    /// milliseconds, whichever they are. Call it with [`next`](AutoClaimed::next) until that is `None`.
    ///
    /// A missing stream or group is an error with code `NOGROUP`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// use restis::commands::streams::StreamId;
    ///
    /// let mut start = Some(StreamId::MIN);
    /// while let Some(from) = start {
    ///     let claimed = redis
    ///         .xautoclaim::<Vec<(String, String)>>("events", "mailer", "worker-2", 60_000, from)
    ///         .await?;
    ///     for entry in claimed.entries {
    ///         println!("{}", entry.id);
    ///     }
    ///     start = claimed.next;
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip and one billed command for each call.
    ///
    /// Source: [XAUTOCLAIM](https://redis.io/docs/latest/commands/xautoclaim/).
    pub fn xautoclaim<F: FromReply>(
        &self,
        key: impl ToArg,
        group: impl ToArg,
        consumer: impl ToArg,
        min_idle: u64,
        start: impl ToArg,
    ) -> Command<'_, AutoClaimed<Entry<Option<F>>>, XAutoClaim> {
        Command::new(self, "XAUTOCLAIM")
            .with(key)
            .with(group)
            .with(consumer)
            .with(min_idle)
            .with(start)
    }
}
