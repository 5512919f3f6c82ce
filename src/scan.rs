//! SCAN and its family as streams: cursors are never seen, and one page is in memory at a time.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{
    Error, FromReply, Redis, Reply, ToArg,
    command::{Options, call_options},
    reply::Items,
    walk::{Walk, Walker},
    wire::request::Args,
};

/// A scan that has not begun: see [`Redis::scan`].
///
/// Elements that are there from the beginning to the end of the scan come at least once; one may come twice,
/// and one that is added or deleted meanwhile may come or not.
///
/// Cost: one round trip and one billed command for each page; [`count`](Self::count) makes pages larger.
#[must_use = "a scan does nothing until its stream is read"]
#[derive(Debug)]
pub struct Scan<'a> {
    redis: &'a Redis,
    /// Everything but the cursor, which goes to its front.
    args: Args,
    options: Options,
}

impl<'a> Scan<'a> {
    /// A scan of the whole database.
    pub(crate) fn of_database(redis: &'a Redis) -> Self {
        let mut args = Args::new("SCAN");
        args.set_front();
        Self {
            redis,
            args,
            options: Options::default(),
        }
    }

    /// A scan of the elements of a key.
    pub(crate) fn of_key(redis: &'a Redis, command: &str, key: impl ToArg) -> Self {
        let mut args = Args::new(command);
        args.arg(key);
        args.set_front();
        Self {
            redis,
            args,
            options: Options::default(),
        }
    }

    /// MATCH: only names of this glob pattern. The others are read all the same: few matches are many empty pages.
    pub fn matching(mut self, pattern: impl ToArg) -> Self {
        self.args.arg("MATCH");
        self.args.arg(pattern);
        self
    }

    /// COUNT: about this many elements a page; the server's default is 10.
    pub fn count(mut self, count: u64) -> Self {
        self.args.arg("COUNT");
        self.args.arg(count);
        self
    }

    /// TYPE: only keys of this type (SCAN only): `string`, `list`, `set`, `zset`, `hash`, `stream`.
    pub fn of_type(mut self, key_type: impl ToArg) -> Self {
        self.args.arg("TYPE");
        self.args.arg(key_type);
        self
    }

    /// WITHTYPE: the names with their types, as `(String, KeyType)` (SCAN only). Upstash has it, Redis has not.
    pub fn withtype(mut self) -> Self {
        self.args.arg("WITHTYPE");
        self
    }

    /// NOVALUES: the names of the fields alone, as `String` (HSCAN only). Needs Redis 7.4.
    pub fn novalues(mut self) -> Self {
        self.args.arg("NOVALUES");
        self
    }

    call_options!(options);

    /// The elements, one after the other: names as `String`; fields or members with their values as `(String, V)`.
    pub fn stream<T: FromReply>(self) -> ScanStream<'a, T> {
        let cursor = Cursor {
            args: self.args,
            at: Some("0".into()),
        };
        ScanStream(Walker::new(self.redis, self.options, cursor))
    }
}

/// The elements of a scan: a `Stream`, and without any crate for those, [`next`](Self::next).
///
/// A page is asked for when the one before is used up. An error ends the scan. Dropping it gives up
/// the request it waits for.
#[must_use = "a stream does nothing until it is read"]
pub struct ScanStream<'a, T>(Walker<'a, Cursor, Page<T>, T>);

impl<T: FromReply + Unpin> ScanStream<'_, T> {
    /// The next element; `None` after the last.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let mut keys = redis.scan().stream::<String>();
    /// while let Some(key) = keys.next().await {
    ///     println!("{}", key?);
    /// }
    /// # Ok(()) });
    /// ```
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: FromReply + Unpin> Stream for ScanStream<'_, T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_next(cx)
    }
}

impl<T> fmt::Debug for ScanStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanStream").finish_non_exhaustive()
    }
}

/// Where a scan is.
struct Cursor {
    /// Everything but the cursor, which goes to its front.
    args: Args,
    /// Where the next page begins; `None` after the last.
    at: Option<String>,
}

impl<T> Walk<Page<T>, T> for Cursor {
    fn request(&mut self) -> Option<Args> {
        let cursor = self.at.as_ref()?;
        let mut args = self.args.clone();
        args.option_at_front(|args| args.arg(cursor));
        Some(args)
    }

    fn turn(&mut self, page: Page<T>) -> VecDeque<T> {
        self.at = Some(page.cursor).filter(|cursor| cursor != "0");
        page.elements
    }
}

/// One page: where the next one begins, and the elements.
pub(crate) struct Page<T> {
    cursor: String,
    elements: VecDeque<T>,
}

impl<T: FromReply> FromReply for Page<T> {
    const BYTES: bool = T::BYTES;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        let mut items: Items<'_> = reply.items()?;
        let page = Self {
            cursor: items.read()?,
            elements: items.read()?,
        };
        items.end()?;
        Ok(page)
    }
}
