//! What XINFO STREAM FULL answers: a stream with its entries, and its groups with what is pending.

use super::Fields;
use crate::{
    Error, FromReply, Reply,
    commands::streams::{Entry, StreamId},
};

/// A stream with its entries and groups: see [`full`](crate::Command::full) of
/// [`xinfo_stream`](crate::Redis::xinfo_stream). What servers before Redis 7 do not tell is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FullStreamInfo<F> {
    /// How many entries it has.
    pub length: u64,
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
    /// The first entries.
    pub entries: Vec<Entry<F>>,
    /// The groups.
    pub groups: Vec<FullGroupInfo>,
}

impl<F: FromReply> FromReply for FullStreamInfo<F> {
    const BYTES: bool = F::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            length: fields.must("length")?,
            last_generated_id: fields.must("last-generated-id")?,
            max_deleted_entry_id: fields.may("max-deleted-entry-id")?,
            entries_added: fields.may("entries-added")?,
            recorded_first_entry_id: fields.may("recorded-first-entry-id")?,
            radix_tree_keys: fields.may("radix-tree-keys")?,
            radix_tree_nodes: fields.may("radix-tree-nodes")?,
            entries: fields.must("entries")?,
            groups: fields.must("groups")?,
        })
    }
}

/// A group with what is pending in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FullGroupInfo {
    /// Its name.
    pub name: String,
    /// The ID behind which it goes on.
    pub last_delivered_id: StreamId,
    /// How many entries of the stream it has behind it, if that is known.
    pub entries_read: Option<i64>,
    /// How many entries it has before it, if that is known.
    pub lag: Option<i64>,
    /// How many entries are pending.
    pub pending_count: u64,
    /// The first of them.
    pub pending: Vec<GroupPending>,
    /// The consumers.
    pub consumers: Vec<FullConsumerInfo>,
}

impl FromReply for FullGroupInfo {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        Ok(Self {
            name: fields.must("name")?,
            last_delivered_id: fields.must("last-delivered-id")?,
            entries_read: fields.may("entries-read")?,
            lag: fields.may("lag")?,
            pending_count: fields.must("pel-count")?,
            pending: fields.must("pending")?,
            consumers: fields.must("consumers")?,
        })
    }
}

/// An entry that is pending in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupPending {
    /// The ID.
    pub id: StreamId,
    /// The consumer that has it.
    pub consumer: String,
    /// The Unix time when it was delivered, in milliseconds.
    pub delivered_at: u64,
    /// How many times it was delivered.
    pub deliveries: u64,
}

impl FromReply for GroupPending {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let (id, consumer, delivered_at, deliveries) = reply.read()?;
        Ok(Self {
            id,
            consumer,
            delivered_at,
            deliveries,
        })
    }
}

/// A consumer with what is pending for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FullConsumerInfo {
    /// Its name.
    pub name: String,
    /// The Unix time when it last asked, in milliseconds.
    pub seen_time: u64,
    /// The Unix time when it last got entries, in milliseconds; `None` if it never did, or the
    /// server is older than Redis 7.2.
    pub active_time: Option<u64>,
    /// How many entries are pending for it.
    pub pending_count: u64,
    /// The first of them.
    pub pending: Vec<ConsumerPending>,
}

impl FromReply for FullConsumerInfo {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let fields = Fields(reply);
        // Never is -1.
        let active_time = fields.may::<i64>("active-time")?;
        Ok(Self {
            name: fields.must("name")?,
            seen_time: fields.must("seen-time")?,
            active_time: active_time.and_then(|time| time.try_into().ok()),
            pending_count: fields.must("pel-count")?,
            pending: fields.must("pending")?,
        })
    }
}

/// An entry that is pending for a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerPending {
    /// The ID.
    pub id: StreamId,
    /// The Unix time when it was delivered, in milliseconds.
    pub delivered_at: u64,
    /// How many times it was delivered.
    pub deliveries: u64,
}

impl FromReply for ConsumerPending {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let (id, delivered_at, deliveries) = reply.read()?;
        Ok(Self {
            id,
            delivered_at,
            deliveries,
        })
    }
}
