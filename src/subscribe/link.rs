//! One connection of a subscription: how it comes about, is read, is lost, and comes about again.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::future::BoxFuture;

use super::{Gap, GapReason};
use crate::{
    client::{Call, Endpoint, Redis},
    clock::{self, Instant},
    error::{Error, Kind},
    find::find,
    outcome::{self, Failure, Ran},
    retry::{Retry, Safety},
    transport::{ByteStream, Response},
    wire::{
        pubsub::{self, Feed, Frame},
        request::percent_encode,
        sse::{Events, TooLarge},
    },
};

/// A connection that held this long, or gave anything, was a good one: the next waits begin anew. One that ends at once
/// each time is asked for ever more rarely.
const HELD: Duration = Duration::from_secs(1);

/// So many steps that lead to no event are taken in one go, then others get their turn.
const STEPS: u32 = 32;

/// What holds for all connections of a subscription.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) redis: Redis,
    pub(super) feed: Feed,
    pub(super) retry: Retry,
    /// For one attempt to connect.
    pub(super) attempt_timeout: Duration,
    pub(super) idle: Option<Duration>,
}

/// One connection, and the names it is for.
pub(super) struct Link {
    names: Vec<String>,
    state: State,
    /// How often it was begun again since the last good connection.
    repeats: u32,
    /// Why the connection before is gone, until the gap has been told.
    lost: Option<GapReason>,
    /// All names were confirmed on one connection before.
    stood: bool,
    /// When the last byte came.
    heard: Instant,
    error: Option<Error>,
}

enum State {
    Opening(BoxFuture<'static, Result<Open, Refusal>>),
    Open(Open),
}

/// A connection on which everything is confirmed.
struct Open {
    body: ByteStream,
    events: Events,
    since: Instant,
    /// It has given a message.
    good: bool,
    /// Since when the next byte is waited for. Not since the last one: who does not ask is not told.
    waiting: Option<Instant>,
    timer: Option<BoxFuture<'static, ()>>,
}

/// What a connection says.
pub(super) enum Heard {
    Frame(Raw),
    Gap(Gap),
}

/// A frame that is for the caller.
#[derive(Debug)]
pub struct Raw {
    /// The channel or pattern it came by.
    pub(super) name: Option<String>,
    /// Where it is not the name.
    pub(super) channel: Option<Vec<u8>>,
    pub(super) payload: Vec<u8>,
}

/// Why a connection does not go on by itself.
pub(super) enum Over {
    /// The server takes one name a connection.
    Split,
    Failed(Error),
}

enum Refusal {
    Split,
    Failed(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Link {
    pub(super) fn new(plan: &Plan, names: Vec<String>) -> Self {
        Self {
            state: State::Opening(opening(plan, &names, Duration::ZERO)),
            names,
            repeats: 0,
            lost: None,
            stood: false,
            heard: Instant::now(),
            error: None,
        }
    }

    /// The same, with a connection for each name.
    pub(super) fn split(&mut self, plan: &Plan) -> Vec<Self> {
        let names = std::mem::take(&mut self.names);
        let one = |name| Self {
            lost: self.lost,
            heard: self.heard,
            ..Self::new(plan, vec![name])
        };
        names.into_iter().map(one).collect()
    }

    /// Why the last attempt failed.
    pub(super) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Waits until it is open, by as many attempts as that takes.
    pub(super) fn poll_open(
        &mut self,
        plan: &Plan,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Over>> {
        for _ in 0..STEPS {
            let State::Opening(opening) = &mut self.state else {
                return Poll::Ready(Ok(()));
            };
            match ready!(opening.as_mut().poll(cx)) {
                Ok(open) => {
                    if self.lost.is_none() {
                        self.heard = open.since;
                    }
                    self.stood = true;
                    self.state = State::Open(open);
                }
                // What the server has taken together before is late, and not refused.
                Err(Refusal::Split) if self.stood => {
                    let late =
                        Failure::late(plan.attempt_timeout, "the subscription was not confirmed");
                    self.again(plan, late)?;
                }
                Err(Refusal::Split) => return Poll::Ready(Err(Over::Split)),
                Err(Refusal::Failed(failure)) => self.again(plan, failure)?,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What it says next.
    pub(super) fn poll(&mut self, plan: &Plan, cx: &mut Context<'_>) -> Poll<Result<Heard, Over>> {
        for _ in 0..STEPS {
            ready!(self.poll_open(plan, cx))?;
            if let Some(reason) = self.lost.take() {
                let gap = Gap {
                    names: self.names.clone(),
                    silence: self.heard.elapsed(),
                    reason,
                };
                self.heard = Instant::now();
                return Poll::Ready(Ok(Heard::Gap(gap)));
            }
            let State::Open(open) = &mut self.state else {
                continue;
            };
            let (reason, failure) = match open.events.next() {
                Ok(Some(frame)) => match heard(plan.feed, &self.names, frame) {
                    Ok(Some(raw)) => {
                        open.good = true;
                        return Poll::Ready(Ok(Heard::Frame(raw)));
                    }
                    Ok(None) => continue,
                    Err(lost) => lost,
                },
                Err(TooLarge) => (GapReason::Garbled, too_large()),
                Ok(None) => match open.body.as_mut().poll_next(cx) {
                    Poll::Ready(Some(Ok(piece))) => {
                        self.heard = Instant::now();
                        open.waiting = None;
                        open.events.push(piece);
                        continue;
                    }
                    Poll::Ready(Some(Err(error))) => {
                        (GapReason::Broken, Failure::of_transport(error).in_body(200))
                    }
                    Poll::Ready(None) => (GapReason::Ended, ended()),
                    Poll::Pending => match plan.idle {
                        None => return Poll::Pending,
                        Some(idle) => {
                            ready!(open.poll_idle(idle, cx));
                            let failure = Failure::late(idle, "nothing was heard");
                            (GapReason::Idle, failure)
                        }
                    },
                },
            };
            if open.good || open.since.elapsed() >= HELD {
                self.repeats = 0;
            }
            self.lost = Some(reason);
            self.again(plan, failure)?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Begins again behind a failure, if that may help.
    fn again(&mut self, plan: &Plan, failure: Failure) -> Result<(), Over> {
        let attempts = self.repeats.saturating_add(1);
        let command = Some(plan.feed.command().into());
        let error = failure.error.with_command(command).with_outcome(
            attempts,
            false,
            failure.transient,
            Safety::Read,
        );
        let wait = plan.retry.wait(self.repeats).filter(|_| failure.transient);
        let Some(wait) = wait else {
            return Err(Over::Failed(error));
        };
        let wait = failure.retry_after.unwrap_or_default().max(wait);
        self.repeats = attempts;
        self.error = Some(error);
        self.state = State::Opening(opening(plan, &self.names, wait));
        Ok(())
    }
}

impl Open {
    /// Ready once nothing came for as long as `idle`, since it was waited for.
    fn poll_idle(&mut self, idle: Duration, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let waited = self.waiting.get_or_insert_with(Instant::now).elapsed();
            if waited >= idle {
                return Poll::Ready(());
            }
            let left = || clock::timer(idle - waited);
            ready!(self.timer.get_or_insert_with(left).as_mut().poll(cx));
            self.timer = None;
        }
    }
}

/// Connects after `wait`, and reads until all names are confirmed.
fn opening(
    plan: &Plan,
    names: &[String],
    wait: Duration,
) -> BoxFuture<'static, Result<Open, Refusal>> {
    let (plan, names) = (plan.clone(), names.to_vec());
    Box::pin(async move {
        if !wait.is_zero() {
            clock::sleep(wait).await;
        }
        let limit = plan.attempt_timeout;
        let mut begun = false;
        match clock::within(limit, open(&plan, &names, &mut begun)).await {
            Some(opened) => opened,
            None if begun && names.len() > 1 => Err(Refusal::Split),
            None => Err(Failure::late(limit, "the subscription was not confirmed").into()),
        }
    })
}

async fn open(plan: &Plan, names: &[String], begun: &mut bool) -> Result<Open, Refusal> {
    let response = plan.redis.open(&path(plan.feed, names)).await;
    let response = response.map_err(Failure::of_transport)?;
    *begun = true;
    if !is_stream(&response) {
        let limit = plan.redis.inner().max_response_bytes;
        return Err(refused(limit, plan.feed, names, response).await);
    }
    let mut body = response.body.into_stream();
    let mut events = Events::new();
    let mut left: Vec<usize> = (0..names.len()).collect();
    loop {
        while let Some(frame) = events.next().map_err(|TooLarge| too_large())? {
            let frame = match plan.feed {
                Feed::Monitor if pubsub::is_ok(&frame) => Frame::Confirmed(0),
                feed => pubsub::read(feed, names, &frame),
            };
            match frame {
                Frame::Confirmed(name) => left.retain(|index| *index != name),
                Frame::Stray if names.len() > 1 => return Err(Refusal::Split),
                Frame::Stray => {
                    let message = "the server confirmed a subscription that was not asked for";
                    let error = Error::decode(message).with_status(200);
                    return Err(Failure::new(error, Ran::Certain, false).into());
                }
                // The subscription begins when all of it stands.
                Frame::Message { .. } | Frame::Ended | Frame::Other => {}
            }
            // MONITOR has no names, and is confirmed by its one word.
            if left.is_empty() && matches!(frame, Frame::Confirmed(_)) {
                return Ok(Open {
                    body,
                    events,
                    since: Instant::now(),
                    good: false,
                    waiting: None,
                    timer: None,
                });
            }
        }
        match poll_fn(|cx| body.as_mut().poll_next(cx)).await {
            Some(Ok(piece)) => events.push(piece),
            Some(Err(error)) => return Err(Failure::of_transport(error).in_body(200).into()),
            None => return Err(ended().into()),
        }
    }
}

fn path(feed: Feed, names: &[String]) -> String {
    let mut path = ["/", feed.word()].concat();
    for name in names {
        path.push('/');
        percent_encode(&mut path, name);
    }
    path
}

/// Whether the path is one a server takes.
pub(super) fn fits(feed: Feed, names: &[String]) -> bool {
    path(feed, names).len() <= crate::wire::request::MAX_PATH
}

/// A response that goes on, unless it says that it is something else.
fn is_stream(response: &Response) -> bool {
    let kind = response.get("content-type").unwrap_or_default().as_bytes();
    let is = |word: &str| find(kind, word).is_some();
    (200..300).contains(&response.status) && !is("html") && !is("json")
}

/// What a response that is no stream says.
async fn refused(limit: usize, feed: Feed, names: &[String], mut response: Response) -> Refusal {
    let body = match response.take_body().whole(limit) {
        Ok(body) => Ok(body),
        Err(coming) => coming.await,
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => match outcome::without_body(error, &response) {
            Ok(body) => body,
            Err(failure) => return failure.into(),
        },
    };
    let call = Call {
        name: Some(feed.command().into()),
        ..Call::new(Endpoint::Command)
    };
    let failure = match outcome::judge(&call, &response, &body) {
        Err(failure) => failure,
        Ok(_) => {
            let message = "the server answered, and sent no events: does it know this path?";
            let error = Error::decode(message).with_status(response.status);
            Failure::new(error, Ran::Certain, false)
        }
    };
    if names.len() > 1 && !failure.transient && !failure.error.is_auth() {
        return Refusal::Split;
    }
    failure.into()
}

/// What a frame is for the caller, or why the connection is of no more use.
fn heard(
    feed: Feed,
    names: &[String],
    mut frame: Vec<u8>,
) -> Result<Option<Raw>, (GapReason, Failure)> {
    if feed == Feed::Monitor {
        let (name, channel) = (None, None);
        return Ok((!frame.is_empty()).then_some(Raw {
            name,
            channel,
            payload: frame,
        }));
    }
    match pubsub::read(feed, names, &frame) {
        Frame::Message {
            name,
            channel,
            payload,
        } => {
            frame.drain(..payload);
            Ok(Some(Raw {
                name: names.get(name).cloned(),
                channel,
                payload: frame,
            }))
        }
        Frame::Confirmed(_) | Frame::Other => Ok(None),
        Frame::Ended => Err((GapReason::Ended, ended())),
        Frame::Stray => {
            let message = "the server sent a message that was not asked for";
            let failure = Failure::new(Error::decode(message), Ran::Certain, true);
            Err((GapReason::Garbled, failure))
        }
    }
}

fn ended() -> Failure {
    let error = Error::new(Kind::Interrupted, "the server ended the stream of events");
    Failure::new(error.with_status(200).in_body(), Ran::Certain, true)
}

fn too_large() -> Failure {
    let error = Error::decode("an event in the stream does not end");
    Failure::new(error.with_status(200).in_body(), Ran::Certain, true)
}
