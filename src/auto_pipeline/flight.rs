//! One request with its passengers: who drives it, who is woken, and which answer is whose.

use std::{
    borrow::Cow,
    future::poll_fn,
    mem::{replace, take},
    ops::Range,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::{Load, Terms};
use crate::{
    client::{Answer, Call, Endpoint, Inner},
    command::Options,
    error::{Error, Kind, show},
    retry::Safety,
    safety,
    sync::{AtomicBool, Mutex, MutexGuard, lock},
};

pub(super) type Request = BoxFuture<'static, Result<Answer, Error>>;

/// A request that several commands share.
#[derive(Default)]
pub(super) struct Flight {
    /// The request has something to do: it has just begun, or its waker was called.
    woken: AtomicBool,
    /// It gathers no more commands.
    left: AtomicBool,
    /// Its passengers' times may end before its own.
    own_timers: AtomicBool,
    /// One whose command writes got up after it was sent, so the request is not repeated: it would write what is old.
    given_up: Arc<AtomicBool>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    seats: Vec<Seating>,
    /// What this request waits for before it leaves.
    after: Vec<Arc<Flight>>,
    /// Of the requests that leave after this one and wait for that.
    followers: Vec<Waker>,
    /// Passengers that have neither been dropped nor got their answer.
    present: usize,
    /// The JSON of the commands.
    body: Bytes,
    /// The command, where the body does not tell it.
    name: Option<Cow<'static, str>>,
    /// How long the request may take.
    limit: Duration,
}

/// One passenger.
#[derive(Default)]
pub(super) struct Seating {
    pub(super) waker: Option<Waker>,
    /// What it brought, until the request leaves. `None` too if it got up before.
    pub(super) load: Option<Load>,
    /// Which entry of the answer is its own.
    place: usize,
    /// Where in the request's body it stands.
    command: Range<usize>,
    safety: Option<Safety>,
}

impl Seating {
    pub(super) fn new(load: Load) -> Self {
        Self {
            load: Some(load),
            ..Self::default()
        }
    }
}

#[derive(Default)]
enum Phase {
    /// It still gathers commands.
    #[default]
    Gathering,
    /// It is on its way. `None` while somebody polls it.
    Flying(Option<Request>),
    Landed(Landed),
}

enum Landed {
    /// Nobody waits for it any more.
    Cancelled,
    Failed(Error),
    /// The one command of the request has its answer.
    Alone(Option<Answer>),
    /// The answer of a batch, with as many entries as commands.
    Entries(Answer),
}

impl Flight {
    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    pub(super) fn has_own_timers(&self) -> bool {
        self.own_timers.load(Ordering::Relaxed)
    }

    pub(super) fn launch(
        &self,
        request: Request,
        seats: Vec<Seating>,
        present: usize,
        own_timers: bool,
        after: Vec<Arc<Self>>,
    ) {
        let mut state = lock(&self.state);
        state.phase = Phase::Flying(Some(request));
        state.seats = seats;
        state.present = present;
        state.after = after;
        self.own_timers.store(own_timers, Ordering::Relaxed);
        self.woken.store(true, Ordering::Release);
        self.left.store(true, Ordering::Release);
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(lock(&self.state).phase, Phase::Landed(_))
    }

    /// Makes the call of those that are there by now: from here on the server may see their commands.
    ///
    /// `longest` is the time of the most patient of them.
    pub(super) fn leaves(&self, inner: &Inner, terms: Terms, longest: Duration) -> Call {
        let mut state = lock(&self.state);
        let after = take(&mut state.after);
        let mut call = state.board(inner, terms, longest);
        drop(state);
        drop(after);
        call.given_up = Some(Arc::clone(&self.given_up));
        call
    }

    /// What this request still waits for, or what it did when it was given up.
    pub(super) fn waits_for(&self) -> Vec<Arc<Self>> {
        let mut after = lock(&self.state).after.clone();
        after.retain(|flight| !flight.has_ended());
        after
    }

    /// Drives the request if it has something to do, and gives the answer of this seat once it is there.
    pub(super) fn poll_seat(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        seat: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Answer, Error>> {
        let register = |state: &mut State| {
            let seating = state.seats.get_mut(seat)?;
            keep(&mut seating.waker, cx.waker())
        };
        self.drive(inner, register)
            .map(|mut state| state.answer(seat))
    }

    /// Until this request has ended, whatever its end.
    pub(super) async fn landed(self: Arc<Self>, inner: &Arc<Inner>) {
        poll_fn(|cx| {
            let register = |state: &mut State| {
                let known = state
                    .followers
                    .iter()
                    .any(|kept| kept.will_wake(cx.waker()));
                if !known {
                    state.followers.push(cx.waker().clone());
                }
                None
            };
            self.drive(inner, register).map(drop)
        })
        .await;
    }

    /// Polls the request if it has something to do. `register` keeps the waker that is called when it has again, and
    /// gives the one it kept before.
    fn drive(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        register: impl FnOnce(&mut State) -> Option<Waker>,
    ) -> Poll<MutexGuard<'_, State>> {
        let mut state = lock(&self.state);
        let request = match &mut state.phase {
            Phase::Landed(_) => return Poll::Ready(state),
            Phase::Gathering => None,
            Phase::Flying(request) => request.take_if(|_| self.woken.swap(false, Ordering::AcqRel)),
        };
        let old = register(&mut state);
        drop(state);
        // A waker may be all that holds a task, with other passengers in it.
        drop(old);
        let Some(request) = request else {
            return Poll::Pending;
        };
        let mut polled = Polled {
            flight: self,
            inner,
            request: Some(request),
            answer: None,
        };
        let waker = Waker::from(Arc::clone(self));
        if let Some(request) = &mut polled.request
            && let Poll::Ready(answer) = request.as_mut().poll(&mut Context::from_waker(&waker))
        {
            polled.answer = Some(answer);
        }
        drop(polled);
        let state = lock(&self.state);
        match state.phase {
            Phase::Landed(_) => Poll::Ready(state),
            _ => Poll::Pending,
        }
    }

    /// A passenger that has left with it gets up: dropped, or late by its own `timeout`, which gives the error.
    pub(super) fn leave(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        seat: usize,
        timeout: Option<Duration>,
    ) -> Option<Error> {
        let mut state = lock(&self.state);
        let seating = state.seats.get_mut(seat)?;
        let (waker, load) = (seating.waker.take(), seating.load.take());
        state.present = state.present.saturating_sub(1);
        if !matches!(state.phase, Phase::Flying(_)) {
            drop(state);
            drop(waker);
            return None;
        }
        let error = timeout.map(|timeout| match &load {
            // The request leaves without it.
            Some(load) => late(timeout, false).with_command(load.name()),
            None => state.own(seat, &late(timeout, true)),
        });
        if state.present > 0 {
            if load.is_none() && state.class(seat) != Safety::Read {
                self.given_up.store(true, Ordering::Release);
            }
            // It may have been this one's turn to drive.
            let woken = self.woken.load(Ordering::Acquire);
            let wakers = if woken { state.wakers() } else { Vec::new() };
            drop(state);
            drop(waker);
            wake(wakers);
            return error;
        }
        // All passengers are gone.
        let phase = replace(&mut state.phase, Phase::Landed(Landed::Cancelled));
        let followers = take(&mut state.followers);
        drop(state);
        drop((waker, phase));
        wake(followers);
        inner.landed();
        error
    }
}

impl Drop for Flight {
    /// One by one: of a long row that was given up, each holds the one before it.
    fn drop(&mut self) {
        let mut after = take(&mut lock(&self.state).after);
        while let Some(flight) = after.pop() {
            if let Some(flight) = Arc::into_inner(flight) {
                after.append(&mut lock(&flight.state).after);
            }
        }
    }
}

/// The error of a command whose own time has run out, once it is that of its class.
pub(super) fn late(timeout: Duration, sent: bool) -> Error {
    let message = format!(
        "no whole answer within {}, and its request is left to others",
        show(timeout)
    );
    Error::new(Kind::Timeout, message).with_outcome(1, sent, true, Safety::Write)
}

/// Gives the request back, or its end, also when polling it panicked.
struct Polled<'a> {
    flight: &'a Arc<Flight>,
    inner: &'a Arc<Inner>,
    request: Option<Request>,
    answer: Option<Result<Answer, Error>>,
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.flight.state);
        if !matches!(state.phase, Phase::Flying(_)) {
            // The last passenger was dropped meanwhile.
            return;
        }
        if cfg!(panic = "unwind") && std::thread::panicking() {
            let message = "the transport panicked in another command of the same request";
            self.answer = Some(Err(Error::new(Kind::Interrupted, message).with_outcome(
                1,
                true,
                true,
                Safety::Write,
            )));
        }
        let Some(answer) = self.answer.take() else {
            state.phase = Phase::Flying(self.request.take());
            // Who came while it was polled, after its waker was called, found nothing to drive.
            if self.flight.woken.load(Ordering::Acquire) {
                let wakers = state.all_wakers();
                drop(state);
                wake(wakers);
            }
            return;
        };
        state.phase = Phase::Landed(land(answer, &state));
        let wakers = state.all_wakers();
        drop(state);
        wake(wakers);
        self.inner.landed();
    }
}

impl Wake for Flight {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let wakers = lock(&self.state).all_wakers();
        wake(wakers);
    }
}

impl State {
    /// The call of all that have brought something.
    fn board(&mut self, inner: &Inner, terms: Terms, longest: Duration) -> Call {
        let loads = || {
            self.seats
                .iter()
                .filter_map(|seating| seating.load.as_ref())
        };
        let bytes: usize = loads().map(|load| load.bytes() + 1).sum();
        let is_alone = loads().count() == 1;
        self.limit = longest;
        let mut call = Call::new(Endpoint::Pipeline);
        let mut body = String::with_capacity(bytes + 1);
        let mut place = 0;
        for seating in &mut self.seats {
            let Some(load) = seating.load.take() else {
                continue;
            };
            seating.safety = load.safety();
            seating.place = place;
            match load {
                Load::Json {
                    json,
                    base64,
                    options,
                } => {
                    if is_alone {
                        // It goes as it would without all this.
                        call.endpoint = Endpoint::Command;
                        call.options = options.map_or_else(Options::default, |options| *options);
                        call.resp2 = call.options.resp2.unwrap_or(inner.resp2);
                    } else {
                        body.push(if place == 0 { '[' } else { ',' });
                        call.marks
                            .extend(seating.safety.map(|safety| (place, safety)));
                    }
                    call.base64 |= base64;
                    seating.command = body.len()..body.len() + json.len();
                    body.push_str(&json);
                }
                Load::Whole(whole) => {
                    call = *whole;
                    if matches!(call.endpoint, Endpoint::Command) {
                        seating.command = 0..call.body.len();
                    }
                }
            }
            place += 1;
        }
        if call.is_batch() {
            body.push(']');
            call.options.attempt_timeout = Some(terms.attempt_timeout);
            call.options.retry = Some(terms.retry);
            call.options.timeout = Some(longest);
        }
        if call.body.is_empty() {
            call.body = Bytes::from(body);
        }
        self.body = call.body.clone();
        self.name = call.name.clone();
        call
    }

    /// Everybody's, and those of the requests that leave after this one.
    fn all_wakers(&mut self) -> Vec<Waker> {
        let mut wakers = self.wakers();
        wakers.append(&mut self.followers);
        wakers
    }

    /// Everybody's: who of them will be polled is not known, and one is enough.
    fn wakers(&mut self) -> Vec<Waker> {
        let mut wakers: Vec<Waker> = Vec::with_capacity(self.present);
        for seating in &mut self.seats {
            // Commands joined in one future have one waker.
            wakers.extend(
                seating
                    .waker
                    .take()
                    .filter(|waker| wakers.last().is_none_or(|last| !last.will_wake(waker))),
            );
        }
        wakers
    }

    /// What the end of the request is for this seat.
    fn answer(&mut self, seat: usize) -> Result<Answer, Error> {
        self.present = self.present.saturating_sub(1);
        let lost = || Error::decode("the answer was taken already");
        if let Phase::Landed(Landed::Alone(answer)) = &mut self.phase {
            return answer.take().ok_or_else(lost);
        }
        match &self.phase {
            Phase::Landed(Landed::Entries(answer)) => {
                let seating = self.seats.get(seat).ok_or_else(lost)?;
                let entry = answer
                    .entries()
                    .and_then(|entries| entries.get(seating.place))
                    .ok_or_else(lost)?;
                let sent = self.body.slice(seating.command.clone());
                let answer = answer.entry(entry.clone(), sent);
                // What is no entry leaves open whether its command ran.
                answer.map_err(|error| match error.is_decode() {
                    true => self.own(seat, &error),
                    false => error,
                })
            }
            Phase::Landed(Landed::Failed(error)) => Err(self.own(seat, error)),
            _ => Err(lost()),
        }
    }

    /// What the command of this seat does.
    fn class(&self, seat: usize) -> Safety {
        let Some(seating) = self.seats.get(seat) else {
            return Safety::Write;
        };
        let command = self.body.get(seating.command.clone()).unwrap_or_default();
        seating
            .safety
            .unwrap_or_else(|| safety::of_command(command, self.limit))
    }

    /// The error of the request, as that of one of its commands.
    fn own(&self, seat: usize, error: &Error) -> Error {
        let Some(seating) = self.seats.get(seat) else {
            return error.clone();
        };
        let command = self.body.get(seating.command.clone()).unwrap_or_default();
        let name = self.name.clone();
        let name = name.or_else(|| safety::name_of_command(command));
        error.of_member(name, self.class(seat))
    }
}

/// Never under a lock: a waker may run the future it belongs to.
pub(super) fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

/// Keeps a waker, and gives the one that was there.
fn keep(kept: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    let known = kept.as_ref().is_some_and(|kept| kept.will_wake(waker));
    if known {
        return None;
    }
    kept.replace(waker.clone())
}

fn land(answer: Result<Answer, Error>, state: &State) -> Landed {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Landed::Failed(error),
    };
    let Some(found) = answer.entries().map(<[_]>::len) else {
        return Landed::Alone(Some(answer));
    };
    let seats = state.seats.iter();
    let sent = seats.filter(|seating| !seating.command.is_empty()).count();
    if found == sent {
        Landed::Entries(answer)
    } else {
        Landed::Failed(Error::misordered(sent, found))
    }
}
