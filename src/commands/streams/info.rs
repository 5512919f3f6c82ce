//! What the server tells about a stream, its groups and their consumers: XINFO. What XINFO STREAM
//! FULL answers is in [`full`].

pub mod full;

use std::time::Duration;

use self::full::FullStreamInfo;
use super::{Entry, StreamId};
use crate::{Command, Error, FromReply, Redis, Reply, ToArg, commands::fields::Fields};

/// The choice of XINFO STREAM.
#[derive(Debug)]
pub struct XInfoStream(());

impl<'a, F> Command<'a, StreamInfo<F>, XInfoStream> {
    /// FULL: the entries, and the groups with what is pending in them.
    pub fn full(self) -> Command<'a, FullStreamInfo<F>, XInfoStreamFull> {
        self.with("FULL").cast()
    }
}

/// The option of XINFO STREAM FULL.
#[derive(Debug)]
pub struct XInfoStreamFull(());

impl<T> Command<'_, T, XInfoStreamFull> {
    /// COUNT: at most this many entries, and as many pending ones of each group and of each consumer;
    /// 0 is all, without this 10.
    pub fn count(self, count: u64) -> Self {
        self.with("COUNT").with(count)
    }
}

/// A stream: see [`Redis::xinfo_stream`]. What servers before Redis 7 do not tell is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo<F> {
    /// How many entries it has.
    pub length: u64,
    /// How many groups it has.
    pub groups: u64,
    /// The last ID, above which the next one must be.
    pub last_generated_id: StreamId,
    /// The highest ID that was deleted, `0-0` if none was.
    pub max_deleted_entry_id: Option<StreamId>,
    /// How many entries were ever added.
    pub entries_added: Option<u64>,
    /// The ID of the first entry, `0-0` if there is none.
    pub recorded_first_entry_id: Option<StreamId>,
    /// The keys of the tree the entries are in.
    pub radix_tree_keys: Option<u64>,
    /// The nodes of that tree.
    pub radix_tree_nodes: Option<u64>,
    /// The first entry; `None` if there is none.
    pub first_entry: Option<Entry<F>>,
    /// The last entry; `None` if there is none.
    pub last_entry: Option<Entry<F>>,
}

impl<F: FromReply> FromReply for StreamInfo<F> {
    const BYTES: bool = F::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            length: fields.must("length")?,
            groups: fields.must("groups")?,
            last_generated_id: fields.must("last-generated-id")?,
            max_deleted_entry_id: fields.may("max-deleted-entry-id")?,
            entries_added: fields.may("entries-added")?,
            recorded_first_entry_id: fields.may("recorded-first-entry-id")?,
            radix_tree_keys: fields.may("radix-tree-keys")?,
            radix_tree_nodes: fields.may("radix-tree-nodes")?,
            first_entry: fields.may("first-entry")?,
            last_entry: fields.may("last-entry")?,
        })
    }
}

/// A group of a stream: see [`Redis::xinfo_groups`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupInfo {
    /// Its name.
    pub name: String,
    /// How many consumers it has.
    pub consumers: u64,
    /// How many entries are pending.
    pub pending: u64,
    /// The ID behind which it goes on.
    pub last_delivered_id: StreamId,
    /// How many entries of the stream it has behind it; `None` if that is not known, or the server
    /// is older than Redis 7.
    pub entries_read: Option<i64>,
    /// How many entries it has before it; `None` if that is not known, or the server is older than Redis 7.
    pub lag: Option<i64>,
}

impl FromReply for GroupInfo {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            name: fields.must("name")?,
            consumers: fields.must("consumers")?,
            pending: fields.must("pending")?,
            last_delivered_id: fields.must("last-delivered-id")?,
            entries_read: fields.may("entries-read")?,
            lag: fields.may("lag")?,
        })
    }
}

/// A consumer of a group: see [`Redis::xinfo_consumers`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerInfo {
    /// Its name.
    pub name: String,
    /// How many entries are pending for it.
    pub pending: u64,
    /// The time since it last asked, measured in milliseconds.
    pub idle: Duration,
    /// The time since it last got entries, measured in milliseconds; `None` if it never did, or the server is
    /// older than Redis 7.2.
    pub inactive: Option<Duration>,
}

impl FromReply for ConsumerInfo {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        // Never is -1.
        let inactive = fields.may::<i64>("inactive")?;
        let inactive = inactive.and_then(|milliseconds| u64::try_from(milliseconds).ok());
        Ok(Self {
            name: fields.must("name")?,
            pending: fields.must("pending")?,
            idle: Duration::from_millis(fields.must("idle")?),
            inactive: inactive.map(Duration::from_millis),
        })
    }
}

impl Redis {
    /// What the server tells about a stream, with its first and last entry, whose fields are read as
    /// `F`. A missing key is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xadd("events", "*", ("kind", "login")).await?;
    /// let info = redis.xinfo_stream::<Vec<(String, String)>>("events").await?;
    /// assert_eq!((info.length, info.groups), (1, 0));
    /// assert!(info.last_entry.is_some_and(|entry| entry.id == info.last_generated_id));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XINFO STREAM](https://redis.io/docs/latest/commands/xinfo-stream/).
    pub fn xinfo_stream<F: FromReply>(
        &self,
        key: impl ToArg,
    ) -> Command<'_, StreamInfo<F>, XInfoStream> {
        Command::new(self, "XINFO").with("STREAM").with(key)
    }

    /// The groups of a stream. A missing key is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// redis.xadd("events", "*", ("to", "ada")).await?;
    /// for group in redis.xinfo_groups("events").await? {
    ///     println!("{}: {} pending, {:?} to read", group.name, group.pending, group.lag);
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XINFO GROUPS](https://redis.io/docs/latest/commands/xinfo-groups/).
    pub fn xinfo_groups(&self, key: impl ToArg) -> Command<'_, Vec<GroupInfo>> {
        Command::new(self, "XINFO").with("GROUPS").with(key)
    }

    /// The consumers of a group. A missing key is an error with code `ERR`, a missing group one with
    /// code `NOGROUP`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xgroup_create("events", "mailer", "0").mkstream().await?;
    /// redis.xgroup_createconsumer("events", "mailer", "worker-1").await?;
    /// for consumer in redis.xinfo_consumers("events", "mailer").await? {
    ///     println!("{} asked {:?} ago", consumer.name, consumer.idle);
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XINFO CONSUMERS](https://redis.io/docs/latest/commands/xinfo-consumers/).
    pub fn xinfo_consumers(
        &self,
        key: impl ToArg,
        group: impl ToArg,
    ) -> Command<'_, Vec<ConsumerInfo>> {
        Command::new(self, "XINFO")
            .with("CONSUMERS")
            .with(key)
            .with(group)
    }
}
