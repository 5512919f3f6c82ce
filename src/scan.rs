//! SCAN and its family as streams: cursors are never seen, and one page is in memory at a time.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, IntoFuture, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use crate::{
    Command, CommandFuture, Error, FromReply, Redis, Reply, ToArg,
    command::{Options, call_options},
    reply::Items,
    wire::request::Args,
};

/// A scan that has not begun: see [`Redis::scan`].
///
/// Elements that are there from begin to end of the scan come at least once; one may come twice,
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
        ScanStream {
            redis: self.redis,
            args: self.args,
            options: self.options,
            cursor: Some("0".into()),
            page: VecDeque::new(),
            next: None,
        }
    }
}

/// The elements of a scan: a `Stream`, and without any crate for those, [`next`](Self::next).
///
/// A page is asked for when the one before is used up. An error ends the scan. Dropping it gives up
/// the request it waits for.
#[must_use = "a stream does nothing until it is read"]
pub struct ScanStream<'a, T> {
    redis: &'a Redis,
    args: Args,
    /// For each page.
    options: Options,
    /// Where the next page begins; `None` after the last.
    cursor: Option<String>,
    page: VecDeque<T>,
    next: Option<CommandFuture<'a, Page<T>>>,
}

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
        let this = self.get_mut();
        loop {
            if let Some(element) = this.page.pop_front() {
                return Poll::Ready(Some(Ok(element)));
            }
            let request = match &mut this.next {
                Some(request) => request,
                None => {
                    let Some(cursor) = &this.cursor else {
                        return Poll::Ready(None);
                    };
                    let mut args = this.args.clone();
                    args.option_at_front(|args| args.arg(cursor));
                    this.next.insert(
                        Command::<Page<T>>::of_args(this.redis, args)
                            .with_options(this.options)
                            .into_future(),
                    )
                }
            };
            let page = ready!(Pin::new(request).poll(cx));
            this.next = None;
            match page {
                Ok(page) => {
                    this.cursor = Some(page.cursor).filter(|cursor| cursor != "0");
                    this.page = page.elements;
                }
                Err(error) => {
                    this.cursor = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<T> fmt::Debug for ScanStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanStream")
            .field("args", &self.args)
            .finish_non_exhaustive()
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
