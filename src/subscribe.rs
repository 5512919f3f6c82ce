//! Messages as they are published, and commands as they run: SUBSCRIBE, PSUBSCRIBE and MONITOR over server-sent events.

use std::{
    fmt,
    future::{IntoFuture, poll_fn},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::{Stream, future::BoxFuture};

use crate::{
    args::ToArgs,
    client::Redis,
    clock,
    command::Options,
    error::Error,
    outcome::Failure,
    reply::{FromReply, Reply},
    retry::{Retry, Safety},
    wire::{
        pubsub::{self, Feed},
        request::{Args, is_segment},
        resp2,
    },
};

mod link;

use link::{Heard, Link, Over, Plan, Raw};

/// How a connection that was lost is begun again, where nothing else is said: for ever, and ever more rarely.
const FOR_EVER: Retry =
    Retry::times(u32::MAX).backoff(Duration::from_millis(100), Duration::from_secs(10));

impl Redis {
    /// SUBSCRIBE: the messages published to these channels from now on, each payload read as a `T`.
    ///
    /// Awaiting it connects, and gives the stream once the server has confirmed every channel. A
    /// connection that is lost comes about again by itself; what was published meanwhile is lost,
    /// as Redis keeps no messages, and an [`Event::Gap`] says so.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::{Event, Json};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Order { id: u64 }
    ///
    /// let mut orders = redis.subscribe::<Json<Order>>(["orders", "returns"]).await?;
    /// redis.publish("orders", Json(Order { id: 7 })).await?;
    /// if let Some(Event::Message(message)) = orders.next().await.transpose()? {
    ///     assert_eq!((&*message.channel, message.payload.0.id), ("orders", 7));
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// A payload that is not a `T` is an error in its place, and the stream goes on. A channel's name
    /// travels in the URL: one that is empty, `.` or `..` is an error with
    /// [`is_argument`](Error::is_argument).
    ///
    /// Payloads are text on the wire: bytes that are not UTF-8 come as the server writes them.
    ///
    /// Cost: one connection and one command for all channels, open as long as the stream is kept; one
    /// for each channel where the server takes them only so, or where their names could be mixed up
    /// (`a` and `a,b`). A Worker may have six at a time, and a stream belongs to the call of the
    /// Worker in which it began.
    ///
    /// Source: [SUBSCRIBE](https://redis.io/docs/latest/commands/subscribe/).
    pub fn subscribe<T: FromReply>(&self, channels: impl ToArgs) -> Subscribe<Message<T>> {
        Subscribe::new(self, Feed::Channels, channels)
    }

    /// PSUBSCRIBE: the messages published to all channels of these glob patterns from now on.
    ///
    /// As [`subscribe`](Self::subscribe); [`Message::pattern`] says by which pattern a message
    /// came. A message to a channel that is meant by two patterns comes twice, as it does from Redis.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::Event;
    ///
    /// let mut news = redis.psubscribe::<String>("news.*").await?;
    /// redis.publish("news.sports", "1:0").await?;
    /// if let Some(Event::Message(message)) = news.next().await.transpose()? {
    ///     assert_eq!(message.pattern.as_deref(), Some("news.*"));
    ///     assert_eq!((&*message.channel, &*message.payload), ("news.sports", "1:0"));
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// The server writes channel and payload with a comma between. Where both hold commas, the
    /// shortest channel that the pattern means is taken for it.
    ///
    /// Source: [PSUBSCRIBE](https://redis.io/docs/latest/commands/psubscribe/).
    pub fn psubscribe<T: FromReply>(&self, patterns: impl ToArgs) -> Subscribe<Message<T>> {
        Subscribe::new(self, Feed::Patterns, patterns)
    }

    /// MONITOR: every command the server runs from now on, of all its clients, with its arguments.
    ///
    /// For debugging: it slows the server down, and shows whatever is written to it.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::Event;
    ///
    /// let mut commands = redis.monitor().await?;
    /// redis.get::<String>("key").await?;
    /// while let Some(event) = commands.next().await {
    ///     if let Event::Message(command) = event? {
    ///         if command.words == ["GET", "key"] {
    ///             break;
    ///         }
    ///     }
    /// }
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one connection, open as long as the stream is kept.
    ///
    /// Source: [MONITOR](https://redis.io/docs/latest/commands/monitor/).
    pub fn monitor(&self) -> Subscribe<MonitoredCommand> {
        Subscribe::new(self, Feed::Monitor, ())
    }
}

/// A subscription that has not begun: await it for its [`Subscription`].
///
/// See [`Redis::subscribe`], [`Redis::psubscribe`] and [`Redis::monitor`].
#[must_use = "a subscription does nothing until it is awaited"]
pub struct Subscribe<M> {
    redis: Redis,
    feed: Feed,
    names: Args,
    options: Options,
    idle: Option<Duration>,
    marker: PhantomData<fn() -> M>,
}

impl<M> Subscribe<M> {
    fn new(redis: &Redis, feed: Feed, names: impl ToArgs) -> Self {
        let mut args = Args::new(feed.command());
        args.args(&names);
        Self {
            redis: redis.clone(),
            feed,
            names: args,
            options: Options::default(),
            idle: None,
            marker: PhantomData,
        }
    }

    /// At most this long until everything is confirmed, repetitions and waits included. Default:
    /// the client's. It says nothing about the time after that.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// At most this long for each attempt to connect, also later. Default: the client's.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.options.attempt_timeout = Some(timeout);
        self
    }

    /// How a connection that fails or is lost is begun again.
    ///
    /// Default: by the client's own retry until the stream is there, then for ever, with waits of
    /// up to 100 ms, 200 ms… to 10 s. The count begins anew with a connection that has held for
    /// a second or given a message. When it is used up, the stream gives the error and ends.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.options.retry = Some(retry);
        self
    }

    /// Begins the connection again when nothing came on it for this long.
    ///
    /// Off by default: on a quiet channel that is normal, unless the server is known to send
    /// something from time to time. Turn it on where connections die without a sign.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    fn start(self) -> Result<(Core, Duration), Error> {
        let options = self.options.or(self.redis.options());
        let names = names(self.feed, self.names)?;
        let timeout = options.timeout.unwrap_or_default();
        let again = self.options.retry.unwrap_or(FOR_EVER);
        let attempt_timeout = options.attempt_timeout.unwrap_or_default();
        let shared =
            names.len() <= 1 || !pubsub::are_ambiguous(&names) && link::fits(self.feed, &names);
        let plan = Plan {
            redis: self.redis,
            feed: self.feed,
            retry: options.retry.unwrap_or_default(),
            // If the server confirms only one of several, time is left to ask for each.
            attempt_timeout: match names.len() {
                0 | 1 => attempt_timeout,
                _ => attempt_timeout.min(timeout / 2),
            },
            idle: self.idle,
        };
        let links = if shared {
            vec![Link::new(&plan, names)]
        } else {
            let one = |name| Link::new(&plan, vec![name]);
            names.into_iter().map(one).collect()
        };
        let core = Core {
            plan,
            later: (again, attempt_timeout),
            links,
            turn: 0,
        };
        Ok((core, timeout))
    }
}

/// The names, each once, if a URL can hold them.
fn names(feed: Feed, args: Args) -> Result<Vec<String>, Error> {
    let wrong =
        |what: &'static str| Err(Error::argument(what).with_command(Some(feed.command().into())));
    let mut names: Vec<String> = Vec::new();
    for name in args.into_texts()? {
        if !is_segment(&name) {
            return wrong("a name is empty, \".\" or \"..\", which a URL path cannot hold");
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() && feed != Feed::Monitor {
        return wrong("there is no name to subscribe to");
    }
    if !names
        .iter()
        .all(|name| link::fits(feed, std::slice::from_ref(name)))
    {
        return wrong("a name travels in the URL, and is over 16 KB there");
    }
    Ok(names)
}

impl<M: Pushed> IntoFuture for Subscribe<M> {
    type Output = Result<Subscription<M>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let started = self.start();
        Box::pin(async move {
            let (mut core, timeout) = started?;
            core.begin(timeout).await?;
            Ok(Subscription {
                core,
                marker: PhantomData,
            })
        })
    }
}

impl<M> fmt::Debug for Subscribe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe")
            .field("command", &self.feed.command())
            .finish_non_exhaustive()
    }
}

/// Messages as they come: a `Stream`, and without any crate for those, [`next`](Self::next).
///
/// It reads from the connection only when it is asked, and holds no more than one piece of the
/// stream: whoever is slow slows the sender down, and Redis drops a subscriber that is too slow.
/// Dropping it closes the connection, which ends the subscription.
#[must_use = "a stream does nothing until it is read"]
pub struct Subscription<M> {
    core: Core,
    marker: PhantomData<fn() -> M>,
}

impl<M: Pushed> Subscription<M> {
    /// The next message or gap; an error in the place of a message that cannot be read.
    ///
    /// `None` follows an error that repetition cannot mend: a token that is not valid any more, a
    /// server without this path, TLS that fails, or a [`retry`](Subscribe::retry) that is used up.
    /// Giving the future up loses nothing.
    pub async fn next(&mut self) -> Option<Result<Event<M>, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<M: Pushed> Stream for Subscription<M> {
    type Item = Result<Event<M>, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let core = &mut self.get_mut().core;
        core.poll_next(cx).map(|heard| {
            Some(match heard? {
                Ok(Heard::Gap(gap)) => Ok(Event::Gap(gap)),
                Ok(Heard::Frame(raw)) => M::read(raw)
                    .map(Event::Message)
                    .map_err(|error| error.with_command(Some(core.plan.feed.command().into()))),
                Err(error) => Err(error),
            })
        })
    }
}

impl<M> fmt::Debug for Subscription<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("command", &self.core.plan.feed.command())
            .finish_non_exhaustive()
    }
}

/// What a [`Subscription`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<M> {
    /// A [`Message`], or a [`MonitoredCommand`].
    Message(M),
    /// The connection was lost and is there again.
    Gap(Gap),
}

/// A message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<T> {
    /// The channel it was published to.
    pub channel: String,
    /// The pattern by which it came, with [`psubscribe`](Redis::psubscribe).
    pub pattern: Option<String>,
    /// What was published.
    pub payload: T,
}

/// The connection was lost and is there again: what was published meanwhile was missed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The channels or patterns of that connection; none for [`monitor`](Redis::monitor).
    pub names: Vec<String>,
    /// From the last byte that came to the new confirmation being read.
    pub silence: Duration,
    /// What happened to the connection.
    pub reason: GapReason,
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapReason {
    /// The server ended it.
    Ended,
    /// It broke.
    Broken,
    /// Nothing came for the time of [`idle`](Subscribe::idle).
    Idle,
    /// Something came that makes no sense here.
    Garbled,
}

/// A command that the server has run. See [`Redis::monitor`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitoredCommand {
    /// When, since the Unix epoch by the server's clock, in microseconds.
    pub time: Duration,
    /// The number of its database.
    pub database: u64,
    /// The address of the client that sent it; `lua` for a script's own.
    pub client: String,
    /// Its name and arguments, as they were sent.
    pub words: Vec<Bytes>,
}

mod private {
    /// Reads what a frame brings.
    pub trait Read: Sized {
        fn read(raw: super::Raw) -> Result<Self, crate::Error>;
    }
}

/// What a [`Subscription`] can give: a [`Message`], or a [`MonitoredCommand`].
pub trait Pushed: private::Read {}

impl<T: FromReply> Pushed for Message<T> {}

impl<T: FromReply> private::Read for Message<T> {
    fn read(raw: Raw) -> Result<Self, Error> {
        let (channel, pattern) = match raw.channel {
            None => (raw.name.unwrap_or_default(), None),
            Some(channel) => {
                let channel = String::from_utf8(channel).map_err(|_| {
                    Error::decode("a message came by a channel whose name is not UTF-8")
                })?;
                (channel, raw.name)
            }
        };
        // A payload is bytes as they are, which is what a bulk string of RESP2 is.
        let payload = Reply::resp2(resp2::Value::Bulk(&raw.payload));
        Ok(Self {
            channel,
            pattern,
            payload: T::from_reply(payload)?,
        })
    }
}

impl Pushed for MonitoredCommand {}

impl private::Read for MonitoredCommand {
    fn read(raw: Raw) -> Result<Self, Error> {
        let line = pubsub::line(&raw.payload);
        let line = line.ok_or_else(|| Error::decode("a line is not one of MONITOR"))?;
        Ok(Self {
            time: line.time,
            database: line.database,
            client: line.client,
            words: line.words,
        })
    }
}

/// All connections of a subscription, whatever is read from them.
struct Core {
    plan: Plan,
    /// The retry, and the time for an attempt, once everything is confirmed.
    later: (Retry, Duration),
    /// None once it is over.
    links: Vec<Link>,
    /// Whose turn it is to be asked first.
    turn: usize,
}

impl Core {
    /// Waits until everything is confirmed for the first time.
    async fn begin(&mut self, timeout: Duration) -> Result<(), Error> {
        let confirmed = clock::within(timeout, poll_fn(|cx| self.poll_open(cx))).await;
        (self.plan.retry, self.plan.attempt_timeout) = self.later;
        confirmed.unwrap_or_else(|| {
            let known = self.links.iter().find_map(Link::error).cloned();
            Err(known.unwrap_or_else(|| {
                let failure = Failure::late(timeout, "the subscription was not confirmed");
                let command = Some(self.plan.feed.command().into());
                failure
                    .error
                    .with_command(command)
                    .with_outcome(1, false, true, Safety::Read)
            }))
        })
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut at = 0;
        let mut open = Poll::Ready(Ok(()));
        while let Some(link) = self.links.get_mut(at) {
            match link.poll_open(&self.plan, cx) {
                Poll::Ready(Ok(())) => at += 1,
                Poll::Pending => {
                    open = Poll::Pending;
                    at += 1;
                }
                Poll::Ready(Err(over)) => self.over(at, over)?,
            }
        }
        open
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Heard, Error>>> {
        let mut asked = 0;
        while asked < self.links.len() {
            let at = (self.turn + asked) % self.links.len();
            let Some(link) = self.links.get_mut(at) else {
                break;
            };
            match link.poll(&self.plan, cx) {
                Poll::Pending => asked += 1,
                Poll::Ready(Ok(heard)) => {
                    self.turn = at + 1;
                    return Poll::Ready(Some(Ok(heard)));
                }
                Poll::Ready(Err(over)) => {
                    if let Err(error) = self.over(at, over) {
                        return Poll::Ready(Some(Err(error)));
                    }
                    asked = 0;
                }
            }
        }
        match self.links.is_empty() {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    }

    /// Puts a connection for each name in the place of one that the server refused, or ends them all.
    fn over(&mut self, at: usize, over: Over) -> Result<(), Error> {
        match over {
            Over::Failed(error) => {
                self.links.clear();
                Err(error)
            }
            Over::Split => {
                if let Some(link) = self.links.get_mut(at) {
                    let links = link.split(&self.plan);
                    self.links.splice(at..=at, links);
                }
                Ok(())
            }
        }
    }
}
