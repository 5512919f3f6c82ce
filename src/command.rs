//! One command: its arguments, its options, and the type of its reply.

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::{
    args::{ToArg, ToArgs, ToPairs},
    auto_pipeline::{Load, Seat},
    client::{Answer, Call, Endpoint, Redis},
    error::Error,
    reply::FromReply,
    retry::{Retry, Safety},
    wire::request::{Args, MAX_REQUEST},
};

/// A command that is ready to go: await it, or put it in a [`pipeline`](Redis::pipeline) or
/// [`transaction`](Redis::transaction).
///
/// `T` is what comes back. `O` names the options the command has, each a method here. Nothing is
/// sent before it is awaited; dropping the future gives the request up.
///
/// Cost of a command awaited alone: one round trip, one billed command, unless its page says otherwise.
#[must_use = "a command does nothing until it is awaited or put in a pipeline or transaction"]
pub struct Command<'a, T, O = ()> {
    pub(crate) redis: &'a Redis,
    pub(crate) args: Args,
    pub(crate) options: Options,
    marker: PhantomData<fn() -> (T, O)>,
}

/// What a caller can set for one call; `None` is the client's setting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) timeout: Option<Duration>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) retry: Option<Retry>,
    pub(crate) safety: Option<Safety>,
    pub(crate) resp2: Option<bool>,
    pub(crate) alone: bool,
}

impl Options {
    /// With what is not set taken from `other`.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            timeout: self.timeout.or(other.timeout),
            attempt_timeout: self.attempt_timeout.or(other.attempt_timeout),
            retry: self.retry.or(other.retry),
            safety: self.safety.or(other.safety),
            resp2: self.resp2.or(other.resp2),
            alone: self.alone || other.alone,
        }
    }

    /// What holds for a batch in which `other` is a member: the shortest time, the strictest retry.
    pub(crate) fn tighten(&mut self, other: Self) {
        let shorter = |a: Option<Duration>, b: Option<Duration>| a.into_iter().chain(b).min();
        self.timeout = shorter(self.timeout, other.timeout);
        self.attempt_timeout = shorter(self.attempt_timeout, other.attempt_timeout);
        self.retry = match (self.retry, other.retry) {
            (Some(a), Some(b)) => Some(a.stricter(b)),
            (a, b) => a.or(b),
        };
    }
}

/// The settings that every kind of call has, as methods; `$options` is the path of its [`Options`].
macro_rules! call_options {
    ($($options:ident).+) => {
        /// At most this long for the whole call, its repetitions and waits included; then the call
        /// fails with [`is_timeout`](crate::Error::is_timeout). In a batch, the shortest time holds for all.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.$($options).+.timeout = Some(timeout);
            self
        }

        /// At most this long for each request of the call; after that it is repeated, if that is
        /// safe and time is left.
        pub fn attempt_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.$($options).+.attempt_timeout = Some(timeout);
            self
        }

        /// Repeats this call in another way than the client does. In a batch, the strictest wish holds for all.
        pub fn retry(mut self, retry: crate::Retry) -> Self {
            self.$($options).+.retry = Some(retry);
            self
        }
    };
}

pub(crate) use call_options;

impl<'a, T, O> Command<'a, T, O> {
    pub(crate) fn new(redis: &'a Redis, command: &str) -> Self {
        Self::of_args(redis, Args::new(command))
    }

    pub(crate) fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn of_args(redis: &'a Redis, args: Args) -> Self {
        Self {
            redis,
            args,
            options: Options::default(),
            marker: PhantomData,
        }
    }

    call_options!(options);

    /// Says what repeating this call does, where you know better: an EVAL that only reads, an INCR that may count twice.
    pub fn safety(mut self, safety: Safety) -> Self {
        self.options.safety = Some(safety);
        self
    }

    /// Sends this command in a request of its own where the client is
    /// [auto-pipelining](crate::Builder::auto_pipelining), without regard to the order among others: for a
    /// reply so large or a script so slow that nobody should wait for it.
    pub fn alone(mut self) -> Self {
        self.options.alone = true;
        self
    }

    /// The form of the answer, where it is not to be the client's. A pipeline or transaction is answered in JSON all
    /// the same.
    #[cfg(feature = "resp2")]
    pub fn response_format(mut self, format: crate::ResponseFormat) -> Self {
        self.options.resp2 = Some(format == crate::ResponseFormat::Resp2);
        self
    }

    /// Asks for the answer in RESP2, where bytes are not base64: short for
    /// [`response_format`](Self::response_format) with [`Resp2`](crate::ResponseFormat::Resp2).
    ///
    /// ```
    /// use restis::Bytes;
    ///
    /// # restis_testing::run(async |redis| {
    /// redis.set("image", &[0xff, 0xd8, 0xff][..]).await?;
    /// let image: Option<Bytes> = redis.get("image").resp2().await?;
    /// assert_eq!(image.as_deref(), Some(&[0xff, 0xd8, 0xff][..]));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [REST API](https://upstash.com/docs/redis/features/restapi).
    #[cfg(feature = "resp2")]
    pub fn resp2(self) -> Self {
        self.response_format(crate::ResponseFormat::Resp2)
    }

    /// The same command with another reply type and other options.
    pub(crate) fn cast<U, P>(self) -> Command<'a, U, P> {
        Command {
            redis: self.redis,
            args: self.args,
            options: self.options,
            marker: PhantomData,
        }
    }

    pub(crate) fn with(mut self, arg: impl ToArg) -> Self {
        self.args.arg(arg);
        self
    }

    pub(crate) fn with_all(mut self, args: impl ToArgs) -> Self {
        self.args.args(&args);
        self
    }

    /// The number of the arguments, then the arguments.
    pub(crate) fn with_counted(mut self, args: impl ToArgs) -> Self {
        self.args.counted(&args);
        self
    }

    pub(crate) fn with_pairs(mut self, pairs: impl ToPairs) -> Self {
        self.args.pairs(&pairs);
        self
    }

    /// The first of each pair, then the second of each.
    pub(crate) fn with_columns(mut self, pairs: impl ToPairs) -> Self {
        self.args.columns(&pairs);
        self
    }

    /// The number of the pairs, then the pairs.
    pub(crate) fn with_counted_pairs(mut self, pairs: impl ToPairs) -> Self {
        self.args.counted_pairs(&pairs);
        self
    }

    /// From here on [`Self::option`] puts its words, before what follows.
    pub(crate) fn front(mut self) -> Self {
        self.args.set_front();
        self
    }

    /// Adds the words of an option that stands before the values.
    pub(crate) fn option(mut self, words: impl ToArgs) -> Self {
        self.args.option_at_front(|args| {
            args.args(&words);
        });
        self
    }

    /// Sends the command, alone or with others.
    fn into_answer(mut self, base64: bool) -> AnswerFuture<'a> {
        let redis = self.redis;
        if let Some(error) = self.args.take_error() {
            return AnswerFuture::failed(error);
        }
        if self.args.is_json() {
            return answer(redis, self.args.into_json(), base64, self.options);
        }
        let shares = redis.is_auto_pipelining() && !self.options.alone;
        match self.into_path_call(base64) {
            Ok(call) if shares => AnswerFuture::Seat(Seat::new(redis, Load::Whole(Box::new(call)))),
            Ok(call) => AnswerFuture::Alone(redis.send(call)),
            Err(error) => AnswerFuture::failed(error),
        }
    }

    /// How a command goes out that no JSON carries.
    fn into_path_call(self, base64: bool) -> Result<Call, Error> {
        let timeout = self.options.timeout.unwrap_or(self.redis.timeout());
        let mut call = Call {
            base64,
            resp2: self
                .options
                .resp2
                .unwrap_or_else(|| self.redis.asks_resp2()),
            options: self.options,
            // This form has no JSON from which to read the name and the class once it has failed.
            name: self.args.name(),
            ..Call::new(Endpoint::Command)
        };
        call.options
            .safety
            .get_or_insert_with(|| self.args.safety(timeout));
        let form = self.args.into_path_form()?;
        call.endpoint = Endpoint::Path(form.path);
        call.body = Bytes::from(form.body);
        Ok(call)
    }
}

/// Sends the JSON array of one command, alone or with others.
pub(crate) fn answer(
    redis: &Redis,
    json: String,
    base64: bool,
    options: Options,
) -> AnswerFuture<'_> {
    // What is too large for a request is refused on its own, and stands in nobody's way.
    let shares = redis.is_auto_pipelining() && !options.alone && json.len() <= MAX_REQUEST;
    if shares && options.resp2 != Some(true) {
        let load = Load::Json {
            json,
            base64,
            options: (options != Options::default()).then(|| Box::new(options)),
        };
        return AnswerFuture::Seat(Seat::new(redis, load));
    }
    let call = Call {
        base64,
        resp2: options.resp2.unwrap_or_else(|| redis.asks_resp2()),
        options,
        body: Bytes::from(json),
        ..Call::new(Endpoint::Command)
    };
    if shares {
        // What is asked for in RESP2 cannot share a request, and keeps its place among the others.
        return AnswerFuture::Seat(Seat::new(redis, Load::Whole(Box::new(call))));
    }
    AnswerFuture::Alone(redis.send(call))
}

/// Any command, by name: see [`Redis::command`].
#[derive(Debug)]
pub struct Any(());

impl<'a, T> Command<'a, T, Any> {
    /// Appends one argument.
    pub fn arg(mut self, arg: impl ToArg) -> Self {
        self.args.arg(arg);
        self
    }

    /// Appends all of `args`.
    pub fn args(mut self, args: impl ToArgs) -> Self {
        self.args.args(&args);
        self
    }

    /// Reads the reply as `U`. Without this, the reply is not looked at.
    pub fn query<U: FromReply>(self) -> Command<'a, U> {
        self.cast()
    }
}

impl<T, O> fmt::Debug for Command<'_, T, O> {
    /// The name only: arguments are the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.args.name().unwrap_or_default())
            .finish_non_exhaustive()
    }
}

impl<'a, T: FromReply, O> IntoFuture for Command<'a, T, O> {
    type Output = Result<T, Error>;
    type IntoFuture = CommandFuture<'a, T>;

    fn into_future(self) -> CommandFuture<'a, T> {
        CommandFuture {
            answer: self.into_answer(T::BYTES),
            marker: PhantomData,
        }
    }
}

/// The future of a [`Command`] on its own.
#[must_use = "futures do nothing until they are awaited"]
pub struct CommandFuture<'a, T> {
    answer: AnswerFuture<'a>,
    marker: PhantomData<fn() -> T>,
}

/// An answer on its way.
pub(crate) enum AnswerFuture<'a> {
    Alone(BoxFuture<'a, Result<Answer, Error>>),
    Seat(Seat<'a>),
}

impl AnswerFuture<'_> {
    fn failed(error: Error) -> Self {
        Self::Alone(Box::pin(std::future::ready(Err(error))))
    }
}

impl Future for AnswerFuture<'_> {
    type Output = Result<Answer, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            AnswerFuture::Alone(answer) => answer.as_mut().poll(cx),
            AnswerFuture::Seat(seat) => Pin::new(seat).poll(cx),
        }
    }
}

impl<T: FromReply> Future for CommandFuture<'_, T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(cx).map(|answer| {
            let answer = answer?;
            T::from_reply(answer.reply()).map_err(|error| error.with_command(answer.name()))
        })
    }
}

impl<T> fmt::Debug for CommandFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandFuture").finish_non_exhaustive()
    }
}
