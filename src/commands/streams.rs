//! Streams: XADD, XRANGE, XREAD, XTRIM and what belongs to them. Consumer groups are in [`groups`],
//! what they have not acknowledged in [`pending`], XINFO in [`info`], long ranges in [`pages`].
//!
//! Nothing here waits for entries to come: BLOCK needs a connection, and the REST API has none.

pub mod groups;
mod id;
pub mod info;
pub mod pages;
pub mod pending;
mod trim;

pub use self::{id::StreamId, trim::Trim};

use crate::{Command, Error, FromReply, Items, Redis, Reply, ReplyKind, ToArg, ToArgs, ToPairs};

/// An entry of a stream: its ID and its fields.
///
/// `F` is what the fields are read as: `HashMap<String, V>`; `Vec<(String, V)>`, which keeps their
/// order and a field that is there twice; `(String, V)` where each entry has one field; or a type of
/// your own that is [`FromReply`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Entry<F> {
    /// The ID.
    pub id: StreamId,
    /// The fields with their values.
    pub fields: F,
}

impl<F: FromReply> FromReply for Entry<F> {
    const BYTES: bool = F::BYTES;
    /// A range with COUNT 0 is answered with nil.
    const NIL_IS_NONE: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut items = reply.items()?;
        let entry = Self {
            id: items.read()?,
            fields: items.read()?,
        };
        items.end()?;
        Ok(entry)
    }

    /// Servers before Redis 7 answer nil in place of an entry that was to be claimed and is deleted.
    fn from_items(items: Items<'_>) -> impl Iterator<Item = Result<Self, Error>> {
        items
            .filter(|item| item.kind() != ReplyKind::Nil)
            .map(Self::from_reply)
    }
}

/// The entries that were read of one stream: see [`Redis::xread`].
///
/// `E` is an entry, [`Entry`] or what an option makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StreamEntries<E> {
    /// The key of the stream.
    pub key: String,
    /// Its entries, in their order.
    pub entries: Vec<E>,
}

impl<E: FromReply> FromReply for StreamEntries<E> {
    const BYTES: bool = E::BYTES;
    /// No stream had an entry.
    const NIL_IS_NONE: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        reply.read().map(Self::of)
    }

    fn from_items(items: Items<'_>) -> impl Iterator<Item = Result<Self, Error>> {
        <(String, Vec<E>)>::from_items(items).map(|pair| pair.map(Self::of))
    }
}

impl<E> StreamEntries<E> {
    fn of((key, entries): (String, Vec<E>)) -> Self {
        Self { key, entries }
    }
}

/// The options of XADD.
///
/// KEEPREF, DELREF and ACKED say what happens to entries that [`trim`](Command::trim) takes out.
#[derive(Debug)]
pub struct XAdd(());

impl<T> Command<'_, T, XAdd> {
    /// One more field, whose value may have another type.
    pub fn field(self, field: impl ToArg, value: impl ToArg) -> Self {
        self.with(field).with(value)
    }

    /// MAXLEN or MINID: takes old entries out in the same step.
    pub fn trim(self, trim: Trim) -> Self {
        self.option(trim)
    }
}

impl<'a> Command<'a, StreamId, XAdd> {
    /// NOMKSTREAM: only if there is such a stream; the reply is `None` if there is none.
    pub fn nomkstream(self) -> Command<'a, Option<StreamId>, XAdd> {
        self.option("NOMKSTREAM").cast()
    }
}

/// The options of XTRIM.
#[derive(Debug)]
pub struct XTrim(());

/// The option of XREAD.
#[derive(Debug)]
pub struct XRead(());

/// The option of XRANGE and XREVRANGE.
#[derive(Debug)]
pub struct XRange(());

impl<T> Command<'_, T, XRange> {
    /// COUNT: at most this many entries.
    pub fn count(self, count: u64) -> Self {
        self.with("COUNT").with(count)
    }
}

impl<T> Command<'_, T, XRead> {
    /// COUNT: at most this many entries of each stream.
    pub fn count(self, count: u64) -> Self {
        self.option("COUNT").option(count)
    }
}

/// The options of XSETID.
#[derive(Debug)]
pub struct XSetId(());

impl<T> Command<'_, T, XSetId> {
    /// ENTRIESADDED: how many entries were ever added.
    pub fn entriesadded(self, entries: u64) -> Self {
        self.with("ENTRIESADDED").with(entries)
    }

    /// MAXDELETEDID: the highest ID that was ever deleted.
    pub fn maxdeletedid(self, id: impl ToArg) -> Self {
        self.with("MAXDELETEDID").with(id)
    }
}

impl Redis {
    /// Adds an entry to a stream, which is made if there is none; gives the ID of the entry.
    ///
    /// As ID, `"*"` lets the server choose it by its clock; one of your own must be above the last,
    /// else it is an error with code `ERR`. `"1526919030474-*"` leaves only the sequence to the server.
    /// If the answer is lost the command is not sent again, and the error
    /// [`is_ambiguous`](crate::Error::is_ambiguous): sent again, `"*"` would add a second entry.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::streams::Trim;
    ///
    /// let id = redis
    ///     .xadd("events", "*", ("kind", "login"))
    ///     .field("user", 42)
    ///     .trim(Trim::maxlen(1_000).approx())
    ///     .await?;
    /// println!("entry {id}, of {}", id.milliseconds);
    /// assert_eq!(redis.xadd("no such stream", "*", ("a", 1)).nomkstream().await?, None);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XADD](https://redis.io/docs/latest/commands/xadd/).
    pub fn xadd(
        &self,
        key: impl ToArg,
        id: impl ToArg,
        fields: impl ToPairs,
    ) -> Command<'_, StreamId, XAdd> {
        Command::new(self, "XADD")
            .with(key)
            .front()
            .with(id)
            .with_pairs(fields)
    }

    /// How many entries a stream has; 0 if there is no such key.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xadd("events", "*", ("kind", "login")).await?;
    /// assert_eq!(redis.xlen("events").await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XLEN](https://redis.io/docs/latest/commands/xlen/).
    pub fn xlen(&self, key: impl ToArg) -> Command<'_, u64> {
        Command::new(self, "XLEN").with(key)
    }

    /// The entries of a stream from `start` to `end`, both included; none if there is no such key.
    ///
    /// `"-"` and `"+"` are no bounds; `"(1526919030474-0"` leaves that entry out; `1526919030474` is
    /// the whole millisecond. For a long range see [`xrange_pages`](Self::xrange_pages).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::collections::HashMap;
    ///
    /// redis.xadd("events", "*", [("kind", "login"), ("user", "42")]).await?;
    /// for entry in redis.xrange::<HashMap<String, String>>("events", "-", "+").count(10).await? {
    ///     println!("{}: {}", entry.id, entry.fields["kind"]);
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XRANGE](https://redis.io/docs/latest/commands/xrange/).
    pub fn xrange<F: FromReply>(
        &self,
        key: impl ToArg,
        start: impl ToArg,
        end: impl ToArg,
    ) -> Command<'_, Vec<Entry<F>>, XRange> {
        Command::new(self, "XRANGE").with(key).with(start).with(end)
    }

    /// The entries of a stream from `end` back to `start`: [`xrange`](Self::xrange) in the other
    /// order, and with the higher bound first.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xadd("events", "1-0", ("user", 41)).await?;
    /// redis.xadd("events", "2-0", ("user", 42)).await?;
    /// let last = redis.xrevrange::<(String, u32)>("events", "+", "-").count(1).await?;
    /// assert_eq!(last[0].fields.1, 42);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XREVRANGE](https://redis.io/docs/latest/commands/xrevrange/).
    pub fn xrevrange<F: FromReply>(
        &self,
        key: impl ToArg,
        end: impl ToArg,
        start: impl ToArg,
    ) -> Command<'_, Vec<Entry<F>>, XRange> {
        Command::new(self, "XREVRANGE")
            .with(key)
            .with(end)
            .with(start)
    }

    /// The entries of several streams, each behind the ID that stands with its key. A stream that has
    /// none is left out.
    ///
    /// Begin with [`StreamId::MIN`], and go on with the ID of the last entry that came. It does not
    /// wait for one, so `"$"` gives none. `"+"` is the last entry of a stream, and needs Redis 7.4.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::streams::StreamId;
    ///
    /// redis.xadd("events", "*", ("kind", "login")).await?;
    /// let mut last = StreamId::MIN;
    /// for stream in redis.xread::<Vec<(String, String)>>(("events", last)).count(100).await? {
    ///     for entry in stream.entries {
    ///         last = entry.id;
    ///     }
    /// }
    /// let from = [("events", last), ("alerts", StreamId::MIN)];
    /// assert!(redis.xread::<Vec<(String, String)>>(from).await?.is_empty());
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one billed command, however many streams.
    ///
    /// Source: [XREAD](https://redis.io/docs/latest/commands/xread/).
    pub fn xread<F: FromReply>(
        &self,
        streams: impl ToPairs,
    ) -> Command<'_, Vec<StreamEntries<Entry<F>>>, XRead> {
        Command::new(self, "XREAD")
            .front()
            .with("STREAMS")
            .with_columns(streams)
    }

    /// Deletes entries; gives how many there were. The stream stays when its last entry goes, and
    /// groups that have not acknowledged an entry keep its ID.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let id = redis.xadd("events", "*", ("kind", "login")).await?;
    /// assert_eq!(redis.xdel("events", id).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XDEL](https://redis.io/docs/latest/commands/xdel/).
    pub fn xdel(&self, key: impl ToArg, ids: impl ToArgs) -> Command<'_, u64> {
        Command::new(self, "XDEL").with(key).with_all(ids)
    }

    /// Takes the oldest entries out; gives how many.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::commands::streams::{StreamId, Trim};
    ///
    /// redis.xadd("events", "1-0", ("user", 41)).await?;
    /// redis.xadd("events", "2-0", ("user", 42)).await?;
    /// assert_eq!(redis.xtrim("events", Trim::minid(StreamId::new(2, 0))).await?, 1);
    /// assert_eq!(redis.xtrim("events", Trim::maxlen(0)).await?, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XTRIM](https://redis.io/docs/latest/commands/xtrim/).
    pub fn xtrim(&self, key: impl ToArg, trim: Trim) -> Command<'_, u64, XTrim> {
        Command::new(self, "XTRIM").with(key).with_all(trim).front()
    }

    /// Sets the last ID of a stream, above which the next one must be. A missing key, or an ID below
    /// the last entry's, is an error with code `ERR`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.xadd("events", "1-0", ("user", 41)).await?;
    /// redis.xsetid("events", "5-0").await?;
    /// assert!(redis.xadd("events", "4-0", ("user", 42)).await.is_err());
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XSETID](https://redis.io/docs/latest/commands/xsetid/).
    pub fn xsetid(&self, key: impl ToArg, last_id: impl ToArg) -> Command<'_, (), XSetId> {
        Command::new(self, "XSETID").with(key).with(last_id)
    }
}
