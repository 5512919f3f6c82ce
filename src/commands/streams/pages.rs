//! XRANGE and XREVRANGE by pages, as a stream of entries: one page is in memory at a time.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::{Entry, StreamId};
use crate::{
    Error, FromReply, Redis, ToArg,
    command::{Options, call_options},
    walk::{Walk, Walker},
    wire::request::Args,
};

/// A range that has not been asked for: see [`Redis::xrange_pages`].
///
/// An entry that is there from the beginning to the end comes exactly once, whatever is added or deleted
/// meanwhile. One that is added behind the place where the walk is comes too, if it is in the range.
///
/// Cost: one round trip and one billed command for each page, and one more where the last page is full.
#[must_use = "a range does nothing until its stream is read"]
#[derive(Debug)]
pub struct Pages<'a> {
    redis: &'a Redis,
    range: Range,
    options: Options,
}

impl<'a> Pages<'a> {
    fn new(
        redis: &'a Redis,
        command: &str,
        key: impl ToArg,
        from: impl ToArg,
        to: impl ToArg,
    ) -> Self {
        let mut rest = Args::new(command);
        rest.arg(key);
        rest.set_front();
        rest.arg(to);
        let mut first = rest.clone();
        first.option_at_front(|args| args.arg(from));
        let range = Range {
            first: Some(first),
            rest,
            reverse: command == "XREVRANGE",
            from: None,
            count: 100,
        };
        Self {
            redis,
            range,
            options: Options::default(),
        }
    }

    /// COUNT: this many entries a page, at least 1; without this, 100.
    pub fn count(mut self, count: u64) -> Self {
        self.range.count = count.max(1);
        self
    }

    call_options!(options);

    /// The entries, one after the other, with their fields as `F`: see [`Entry`].
    pub fn stream<F: FromReply>(self) -> EntryStream<'a, F> {
        EntryStream(Walker::new(self.redis, self.options, self.range))
    }
}

/// The entries of a range: a `Stream`, and without any crate for those, [`next`](Self::next).
///
/// A page is asked for when the one before is used up. An error ends it. Dropping it gives up the
/// request it waits for.
#[must_use = "a stream does nothing until it is read"]
pub struct EntryStream<'a, F>(Walker<'a, Range, VecDeque<Entry<F>>, Entry<F>>);

impl<F: FromReply + Unpin> EntryStream<'_, F> {
    /// The next entry; `None` after the last.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let mut entries = redis.xrange_pages("events", "-", "+").stream::<Vec<(String, String)>>();
    /// while let Some(entry) = entries.next().await {
    ///     println!("{}", entry?.id);
    /// }
    /// # Ok(()) });
    /// ```
    pub async fn next(&mut self) -> Option<Result<Entry<F>, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<F: FromReply + Unpin> Stream for EntryStream<'_, F> {
    type Item = Result<Entry<F>, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_next(cx)
    }
}

impl<F> fmt::Debug for EntryStream<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryStream").finish_non_exhaustive()
    }
}

/// Where a walk through a range is.
#[derive(Debug)]
struct Range {
    /// The first request, until it was made.
    first: Option<Args>,
    /// Everything but where a page begins, which goes to its front.
    rest: Args,
    reverse: bool,
    /// Where the next page begins; `None` after the last.
    from: Option<StreamId>,
    count: u64,
}

impl<F> Walk<VecDeque<Entry<F>>, Entry<F>> for Range {
    fn request(&mut self) -> Option<Args> {
        let mut args = match self.first.take() {
            Some(first) => first,
            None => {
                let from = self.from?;
                let mut args = self.rest.clone();
                args.option_at_front(|args| args.arg(from));
                args
            }
        };
        args.arg("COUNT");
        args.arg(self.count);
        Some(args)
    }

    fn turn(&mut self, page: VecDeque<Entry<F>>) -> VecDeque<Entry<F>> {
        // The neighbour of the last ID and not `(last`, which the server refuses where there is no neighbour.
        self.from = page
            .back()
            .filter(|_| page.len() as u64 >= self.count)
            .and_then(|last| match self.reverse {
                false => last.id.next(),
                true => last.id.previous(),
            });
        page
    }
}

impl Redis {
    /// The entries of a stream from `start` to `end`, page by page: [`xrange`](Self::xrange) for
    /// ranges that are too long for one answer.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # for user in 0..5 { redis.xadd("events", "*", ("user", user)).await?; }
    /// use std::collections::HashMap;
    ///
    /// let pages = redis.xrange_pages("events", "-", "+").count(500);
    /// let mut entries = pages.stream::<HashMap<String, String>>();
    /// let mut found = 0;
    /// while let Some(entry) = entries.next().await {
    ///     println!("{}", entry?.fields["user"]);
    ///     found += 1;
    /// }
    /// assert_eq!(found, 5);
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XRANGE](https://redis.io/docs/latest/commands/xrange/).
    pub fn xrange_pages(&self, key: impl ToArg, start: impl ToArg, end: impl ToArg) -> Pages<'_> {
        Pages::new(self, "XRANGE", key, start, end)
    }

    /// The entries of a stream from `end` back to `start`, page by page: see
    /// [`xrange_pages`](Self::xrange_pages).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # for user in 0..5 { redis.xadd("events", "*", ("user", user)).await?; }
    /// let mut entries = redis.xrevrange_pages("events", "+", "-").stream::<(String, u32)>();
    /// let last = entries.next().await.transpose()?;
    /// assert_eq!(last.map(|entry| entry.fields.1), Some(4));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [XREVRANGE](https://redis.io/docs/latest/commands/xrevrange/).
    pub fn xrevrange_pages(
        &self,
        key: impl ToArg,
        end: impl ToArg,
        start: impl ToArg,
    ) -> Pages<'_> {
        Pages::new(self, "XREVRANGE", key, end, start)
    }
}
