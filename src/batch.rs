//! Several commands in one request: [`Batch`], [`Redis::pipeline`] and [`Redis::transaction`].

use std::{
    borrow::Cow,
    fmt,
    future::{Future, IntoFuture, ready},
    marker::PhantomData,
    ops::Range,
    pin::Pin,
    slice,
    task::{Context, Poll, ready as ready_or_pending},
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::{
    client::{Answer, Call, Endpoint, Redis},
    command::{Command, Options, call_options},
    error::Error,
    reply::{FromReply, Reply},
    retry::Safety,
    safety,
    wire::{
        answer::{self, Entry},
        json::{Elements, Value},
    },
};

/// Commands that go out together: one command, a tuple of up to 16, a `Vec` or an array, and those in each other.
///
/// Each command keeps its own type: a tuple of commands comes back as a tuple of results.
pub trait Batch: sealed::Batch {}

impl<B: sealed::Batch> Batch for B {}

pub(crate) mod sealed {
    use super::{Error, Reader, Writer};

    /// How a [`Batch`](super::Batch) is written and read.
    pub trait Batch {
        /// A `Result` for each command.
        type Results;
        /// A value for each command.
        type Values;

        /// Writes the commands, in order.
        fn write(&mut self, writer: &mut Writer<'_>);

        /// Reads as many replies as commands were written.
        fn read(&self, reader: &mut Reader<'_>) -> Self::Results;

        /// The values, or the first error.
        fn values(results: Self::Results) -> Result<Self::Values, Error>;
    }
}

/// The request of a batch while it is written.
pub struct Writer<'a> {
    redis: &'a Redis,
    call: Call,
    body: String,
    count: usize,
    error: Option<Error>,
    /// What holds for a member that sets nothing.
    defaults: Options,
}

impl fmt::Debug for Writer<'_> {
    /// Without what is sent: it is the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl<'a> Writer<'a> {
    fn new(redis: &'a Redis, endpoint: Endpoint, defaults: Options) -> Self {
        Self {
            redis,
            call: Call::new(endpoint),
            body: String::from("["),
            count: 0,
            error: None,
            defaults,
        }
    }

    fn command<T: FromReply, O>(&mut self, command: &mut Command<'_, T, O>) {
        if self.count > 0 {
            self.body.push(',');
        }
        let written = match command.args.take_error() {
            Some(error) => Err(error),
            None if !self.redis.is(command.redis) => Err(Error::argument(
                "a command of another client is in this batch, and would go to the wrong database: make all of its \
                 commands with the client that sends it",
            )
            .with_command(command.args.name())),
            None => command.args.append_to(&mut self.body),
        };
        if let Err(error) = written {
            self.error.get_or_insert(error);
        }
        self.call.base64 |= T::BYTES;
        self.call.options.tighten(command.options.or(self.defaults));
        self.call
            .marks
            .extend(command.options.safety.map(|safety| (self.count, safety)));
        self.count += 1;
    }

    /// The request; none if there is no command in it.
    fn finish(mut self) -> Result<Option<Call>, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.body.push(']');
        self.call.body = Bytes::from(self.body);
        Ok((self.count > 0).then_some(self.call))
    }
}

/// The answer of a batch while it is read.
pub struct Reader<'a> {
    entries: Entries<'a>,
    sent: Sent<'a>,
    /// The commands whose class the caller has set.
    marks: &'a [(usize, Safety)],
    index: usize,
    /// There was no entry left for some command.
    is_short: bool,
}

impl fmt::Debug for Reader<'_> {
    /// Without what was sent and answered: it is the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// What each command came to, in order.
#[derive(Clone)]
struct Entries<'a> {
    /// `None` if nothing was sent.
    answer: Option<&'a Answer>,
    places: slice::Iter<'a, Range<usize>>,
}

impl<'a> Entries<'a> {
    fn new(answer: Option<&'a Answer>) -> Self {
        let places = answer.and_then(Answer::entries).unwrap_or_default();
        Self {
            answer,
            places: places.iter(),
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    /// `None` inside is an entry that is neither a result nor an error.
    type Item = Option<Entry<'a, Reply<'a>>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (answer, place) = (self.answer?, self.places.next()?);
        let text = answer.text(place.clone());
        let part = answer::part(text, answer.form());
        Some(part.map(|part| match part {
            Entry::Result(place) => {
                let reply = text.get(place).unwrap_or_default();
                Entry::Result(Reply::found(reply, answer.form()))
            }
            Entry::Error(words) => Entry::Error(words),
        }))
    }
}

/// The commands that were sent, which errors ask for in order: each is found behind the one before it.
struct Sent<'a> {
    body: &'a [u8],
    /// `None` until the first is asked for.
    left: Option<Elements<'a>>,
    /// How many were passed over.
    passed: usize,
}

impl<'a> Sent<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            left: None,
            passed: 0,
        }
    }

    /// The command at `index`, which is behind the one that was asked for last.
    fn command(&mut self, index: usize) -> Option<Value<'a>> {
        if self.left.is_none() {
            self.left = Value::parse(self.body)?.elements();
        }
        let behind = index.checked_sub(self.passed)?;
        self.passed = index + 1;
        self.left.as_mut()?.nth(behind)
    }

    fn name(&mut self, index: usize) -> Option<Cow<'static, str>> {
        self.command(index).and_then(safety::name)
    }
}

impl Reader<'_> {
    fn read<T: FromReply>(&mut self) -> Result<T, Error> {
        let index = self.index;
        self.index += 1;
        let entry = self.entries.next();
        self.is_short |= entry.is_none();
        let result = match entry.flatten() {
            Some(Entry::Result(reply)) => T::from_reply(reply),
            Some(Entry::Error(words)) => {
                let error = Error::server(&words, None, self.sent.name(index));
                return Err(error.with_index(Some(index)));
            }
            // Not of the API's shape, or missing, by which the whole answer fails.
            None => {
                let command = self.sent.command(index);
                let name = command.and_then(safety::name);
                let class = safety::of_member(command, index, self.marks);
                let error = Error::not_an_entry().with_index(Some(index));
                return Err(error.of_member(name, class));
            }
        };
        result.map_err(|error| {
            error
                .with_command(self.sent.name(index))
                .with_index(Some(index))
        })
    }
}

impl<T: FromReply, O> sealed::Batch for Command<'_, T, O> {
    type Results = Result<T, Error>;
    type Values = T;

    fn write(&mut self, writer: &mut Writer<'_>) {
        writer.command(self);
    }

    fn read(&self, reader: &mut Reader<'_>) -> Self::Results {
        reader.read()
    }

    fn values(results: Self::Results) -> Result<Self::Values, Error> {
        results
    }
}

/// A command that may be there or not.
impl<B: sealed::Batch> sealed::Batch for Option<B> {
    type Results = Option<B::Results>;
    type Values = Option<B::Values>;

    fn write(&mut self, writer: &mut Writer<'_>) {
        self.iter_mut().for_each(|batch| batch.write(writer));
    }

    fn read(&self, reader: &mut Reader<'_>) -> Self::Results {
        self.as_ref().map(|batch| batch.read(reader))
    }

    fn values(results: Self::Results) -> Result<Self::Values, Error> {
        results.map(B::values).transpose()
    }
}

impl<B: sealed::Batch> sealed::Batch for Vec<B> {
    type Results = Vec<B::Results>;
    type Values = Vec<B::Values>;

    fn write(&mut self, writer: &mut Writer<'_>) {
        self.iter_mut().for_each(|batch| batch.write(writer));
    }

    fn read(&self, reader: &mut Reader<'_>) -> Self::Results {
        self.iter().map(|batch| batch.read(reader)).collect()
    }

    fn values(results: Self::Results) -> Result<Self::Values, Error> {
        results.into_iter().map(B::values).collect()
    }
}

impl<B: sealed::Batch, const N: usize> sealed::Batch for [B; N] {
    type Results = [B::Results; N];
    type Values = [B::Values; N];

    fn write(&mut self, writer: &mut Writer<'_>) {
        self.iter_mut().for_each(|batch| batch.write(writer));
    }

    fn read(&self, reader: &mut Reader<'_>) -> Self::Results {
        self.each_ref().map(|batch| batch.read(reader))
    }

    fn values(results: Self::Results) -> Result<Self::Values, Error> {
        let mut error = None;
        let values = results.map(|results| {
            B::values(results)
                .map_err(|e| error.get_or_insert(e).clone())
                .ok()
        });
        match error {
            Some(error) => Err(error),
            None => values
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .try_into()
                .map_err(|_| too_few()),
        }
    }
}

fn too_few() -> Error {
    Error::decode("the batch's answer has too few entries")
}

macro_rules! tuple {
    ($($name:ident $index:tt)+) => {
        impl<$($name: sealed::Batch),+> sealed::Batch for ($($name,)+) {
            type Results = ($($name::Results,)+);
            type Values = ($($name::Values,)+);

            fn write(&mut self, writer: &mut Writer<'_>) {
                $(self.$index.write(writer);)+
            }

            fn read(&self, reader: &mut Reader<'_>) -> Self::Results {
                ($(self.$index.read(reader),)+)
            }

            fn values(results: Self::Results) -> Result<Self::Values, Error> {
                Ok(($($name::values(results.$index)?,)+))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0 B 1);
tuple!(A 0 B 1 C 2);
tuple!(A 0 B 1 C 2 D 3);
tuple!(A 0 B 1 C 2 D 3 E 4);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 P 14);
tuple!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 P 14 Q 15);

impl Redis {
    /// Sends several commands in one request; each keeps its own type and its own error.
    ///
    /// They run in order, but others' commands may run between them, and one that fails stops none
    /// of the others. The outer error is that of the request.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("text", "not a number").await?;
    /// let (views, text) = redis.pipeline((redis.incr("views"), redis.incr("text"))).await?;
    /// assert_eq!(views?, 1);
    /// assert!(text.is_err());
    /// # Ok(()) });
    /// ```
    ///
    /// A request whose answer is lost is repeated only if every command in it is safe to repeat.
    ///
    /// Cost: one round trip, and one billed command for each. An empty batch sends nothing.
    ///
    /// Source: [Pipeline](https://upstash.com/docs/redis/features/restapi#pipelining).
    pub fn pipeline<'a, B: Batch>(&'a self, batch: B) -> Pipeline<'a, B> {
        Pipeline {
            redis: self,
            batch,
            options: Options::default(),
        }
    }

    /// Sends several commands in one request that runs as a whole, with no other's command between.
    ///
    /// If the server refuses the transaction (an unknown command, too few arguments), nothing is
    /// applied. As in Redis, a command that fails while it runs, on a key of another type say,
    /// undoes none of the others: the result is then its error, and
    /// [`keep_errors`](Transaction::keep_errors) shows all results.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// let (from, to) = redis.transaction((redis.decrby("from", 5), redis.incrby("to", 5))).await?;
    /// assert_eq!((from, to), (-5, 5));
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip, and one billed command for each. An empty batch sends nothing.
    ///
    /// Source: [Transactions](https://upstash.com/docs/redis/features/restapi#transactions).
    pub fn transaction<'a, B: Batch>(&'a self, batch: B) -> Transaction<'a, B> {
        Transaction {
            inner: Pipeline {
                redis: self,
                batch,
                options: Options::default(),
            },
        }
    }
}

/// Several commands to be sent in one request: see [`Redis::pipeline`].
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Pipeline<'a, B> {
    redis: &'a Redis,
    batch: B,
    options: Options,
}

impl<'a, B: Batch> Pipeline<'a, B> {
    call_options!(options);

    fn start<R>(
        mut self,
        endpoint: Endpoint,
        finish: fn(B::Results) -> Result<R, Error>,
    ) -> BatchFuture<'a, B, R> {
        let mut writer = Writer::new(self.redis, endpoint, self.options.or(self.redis.options()));
        self.batch.write(&mut writer);
        let answer: BoxFuture<'a, _> = match writer.finish() {
            Ok(Some(call)) => {
                let sent = self.redis.send(call);
                Box::pin(async move { sent.await.map(Some) })
            }
            Ok(None) => Box::pin(ready(Ok(None))),
            Err(error) => Box::pin(ready(Err(error))),
        };
        BatchFuture {
            answer,
            batch: self.batch,
            finish,
            marker: PhantomData,
        }
    }
}

impl<B> fmt::Debug for Pipeline<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}

impl<'a, B: Batch + Unpin> IntoFuture for Pipeline<'a, B> {
    type Output = Result<B::Results, Error>;
    type IntoFuture = BatchFuture<'a, B, B::Results>;

    fn into_future(self) -> Self::IntoFuture {
        self.start(Endpoint::Pipeline, Ok)
    }
}

/// Several commands to be run as one: see [`Redis::transaction`].
#[must_use = "a transaction does nothing until it is awaited"]
#[derive(Debug)]
pub struct Transaction<'a, B> {
    inner: Pipeline<'a, B>,
}

impl<'a, B: Batch> Transaction<'a, B> {
    call_options!(inner.options);

    /// Gives a result for each command, as a pipeline does, in place of the first error.
    pub fn keep_errors(self) -> KeepErrors<'a, B> {
        KeepErrors { inner: self.inner }
    }
}

impl<'a, B: Batch + Unpin> IntoFuture for Transaction<'a, B> {
    type Output = Result<B::Values, Error>;
    type IntoFuture = BatchFuture<'a, B, B::Values>;

    fn into_future(self) -> Self::IntoFuture {
        self.inner.start(Endpoint::MultiExec, B::values)
    }
}

/// A transaction that gives a result for each command: see [`Transaction::keep_errors`].
#[must_use = "a transaction does nothing until it is awaited"]
#[derive(Debug)]
pub struct KeepErrors<'a, B> {
    inner: Pipeline<'a, B>,
}

impl<'a, B: Batch + Unpin> IntoFuture for KeepErrors<'a, B> {
    type Output = Result<B::Results, Error>;
    type IntoFuture = BatchFuture<'a, B, B::Results>;

    fn into_future(self) -> Self::IntoFuture {
        self.inner.start(Endpoint::MultiExec, Ok)
    }
}

/// The future of a [`Pipeline`] or [`Transaction`].
#[must_use = "futures do nothing until they are awaited"]
pub struct BatchFuture<'a, B: Batch, R> {
    answer: BoxFuture<'a, Result<Option<Answer>, Error>>,
    batch: B,
    finish: fn(B::Results) -> Result<R, Error>,
    marker: PhantomData<fn() -> R>,
}

impl<B: Batch + Unpin, R> Future for BatchFuture<'_, B, R> {
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answer = ready_or_pending!(this.answer.as_mut().poll(cx))?;
        let entries = Entries::new(answer.as_ref());
        let mut reader = Reader {
            entries: entries.clone(),
            sent: Sent::new(answer.as_ref().map_or(&[], Answer::sent)),
            marks: answer.as_ref().map_or(&[], Answer::marks),
            index: 0,
            is_short: false,
        };
        let results = this.batch.read(&mut reader);
        if reader.is_short || reader.entries.next().is_some() {
            // Which answer belongs to which command cannot be told any more.
            let error = Error::misordered(reader.index, entries.count());
            let class = safety::of_batch(reader.sent.body, reader.marks, Duration::ZERO);
            let name = answer.as_ref().and_then(Answer::name);
            return Poll::Ready(Err(error.of_member(name, class)));
        }
        Poll::Ready((this.finish)(results))
    }
}

impl<B: Batch, R> fmt::Debug for BatchFuture<'_, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchFuture").finish_non_exhaustive()
    }
}
