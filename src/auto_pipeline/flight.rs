//! One request with its passengers: who drives it, who is woken, and which answer is whose.

use std::{
    borrow::Cow,
    future::poll_fn,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::{
    client::{Answer, Inner, lock},
    error::{Error, Kind, show},
    retry::Safety,
    safety,
};

pub(super) type Request = BoxFuture<'static, Result<Answer, Error>>;

/// A request that several commands share.
#[derive(Default)]
pub(super) struct Flight {
    /// The request has something to do: it has just begun, or its waker was called.
    woken: AtomicBool,
    /// It gathers no more commands.
    left: AtomicBool,
    /// Its commands may have reached the server.
    sent: AtomicBool,
    /// Its passengers' times may end before its own.
    own_timers: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    seats: Vec<Seating>,
    /// The request that leaves after this one, while it waits for that.
    follower: Option<Waker>,
    /// Passengers that have neither been dropped nor got their answer.
    present: usize,
    /// The JSON of the commands.
    body: Bytes,
    /// The command, where the body does not tell it.
    name: Option<Cow<'static, str>>,
}

/// One passenger.
#[derive(Default)]
pub(super) struct Seating {
    waker: Option<Waker>,
    /// Which entry of the answer is its own.
    pub(super) place: usize,
    /// Where in the request's body it stands.
    pub(super) command: Range<usize>,
    pub(super) safety: Option<Safety>,
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
    /// The answer of a batch, and where in its body the entries are.
    Entries(Answer, Vec<Range<usize>>),
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
        body: Bytes,
        name: Option<Cow<'static, str>>,
    ) {
        let mut state = lock(&self.state);
        state.phase = Phase::Flying(Some(request));
        state.seats = seats;
        state.present = present;
        state.body = body;
        state.name = name;
        self.own_timers.store(own_timers, Ordering::Relaxed);
        self.woken.store(true, Ordering::Release);
        self.left.store(true, Ordering::Release);
    }

    /// From here on the server may see the commands.
    pub(super) fn leaves(&self) {
        self.sent.store(true, Ordering::Release);
    }

    /// All passengers are gone: the request is given up, and the one after it may leave.
    pub(super) fn cancel(&self) {
        let mut state = lock(&self.state);
        self.left.store(true, Ordering::Release);
        let phase = std::mem::replace(&mut state.phase, Phase::Landed(Landed::Cancelled));
        let follower = state.follower.take();
        drop(state);
        drop(phase);
        wake(follower);
    }

    /// Drives the request if it has something to do, and gives the answer of this seat once it is there.
    pub(super) fn poll_seat(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        seat: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Answer, Error>> {
        let register = |state: &mut State| {
            if let Some(seating) = state.seats.get_mut(seat) {
                keep(&mut seating.waker, cx.waker());
            }
        };
        self.drive(inner, register)
            .map(|mut state| state.answer(seat))
    }

    /// Until this request has ended, whatever its end.
    pub(super) async fn landed(self: Arc<Self>, inner: &Arc<Inner>) {
        poll_fn(|cx| {
            let register = |state: &mut State| keep(&mut state.follower, cx.waker());
            self.drive(inner, register).map(drop)
        })
        .await;
    }

    /// Polls the request if it has something to do. `register` keeps the waker that is called when it has again.
    fn drive(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        register: impl FnOnce(&mut State),
    ) -> Poll<MutexGuard<'_, State>> {
        let mut state = lock(&self.state);
        let request = match &mut state.phase {
            Phase::Landed(_) => return Poll::Ready(state),
            Phase::Gathering => None,
            Phase::Flying(request) => request.take_if(|_| self.woken.swap(false, Ordering::AcqRel)),
        };
        register(&mut state);
        let Some(request) = request else {
            return Poll::Pending;
        };
        drop(state);
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
        if let Some(seating) = state.seats.get_mut(seat) {
            seating.waker = None;
        }
        state.present = state.present.saturating_sub(1);
        if !matches!(state.phase, Phase::Flying(_)) {
            return None;
        }
        let sent = self.sent.load(Ordering::Acquire);
        let error = timeout.map(|timeout| state.own(seat, &late(timeout, sent)));
        if state.present > 0 {
            // It may have been this one's turn to drive.
            if self.woken.load(Ordering::Acquire) {
                let wakers = state.wakers();
                drop(state);
                wake(wakers);
            }
            return error;
        }
        drop(state);
        self.cancel();
        inner.landed();
        error
    }
}

/// The error of a command whose own time has run out, once it is that of its class.
pub(super) fn late(timeout: Duration, sent: bool) -> Error {
    let waited = if sent {
        "the answer of the request it shares had not come"
    } else {
        "it had not been sent yet"
    };
    let message = format!("no whole answer within {}: {waited}", show(timeout));
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
            return;
        };
        state.phase = Phase::Landed(land(answer, &state));
        let wakers = state.wakers();
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
        let mut state = lock(&self.state);
        let wakers = state.wakers();
        drop(state);
        wake(wakers);
    }
}

impl State {
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
        wakers.extend(self.follower.take());
        wakers
    }

    /// What the end of the request is for this seat.
    fn answer(&mut self, seat: usize) -> Result<Answer, Error> {
        self.present = self.present.saturating_sub(1);
        let lost = || Error::decode("the answer of this command was taken already");
        if let Phase::Landed(Landed::Alone(answer)) = &mut self.phase {
            return answer.take().ok_or_else(lost);
        }
        match &self.phase {
            Phase::Landed(Landed::Entries(answer, entries)) => {
                let seating = self.seats.get(seat).ok_or_else(lost)?;
                let entry = entries.get(seating.place).ok_or_else(lost)?;
                let sent = self.body.slice(seating.command.clone());
                answer.entry(entry.clone(), sent)
            }
            Phase::Landed(Landed::Failed(error)) => Err(self.own(seat, error)),
            _ => Err(lost()),
        }
    }

    /// The error of the request, as that of one of its commands.
    fn own(&self, seat: usize, error: &Error) -> Error {
        let Some(seating) = self.seats.get(seat) else {
            return error.clone();
        };
        let command = self.body.slice(seating.command.clone());
        let class = seating
            .safety
            .unwrap_or_else(|| safety::of_command(&command));
        let name = self
            .name
            .clone()
            .or_else(|| safety::name_of_command(&command));
        error.of_member(name, class)
    }
}

/// Never under a lock: a waker may run the future it belongs to.
pub(super) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

fn keep(kept: &mut Option<Waker>, waker: &Waker) {
    match kept {
        Some(kept) => kept.clone_from(waker),
        None => *kept = Some(waker.clone()),
    }
}

fn land(answer: Result<Answer, Error>, state: &State) -> Landed {
    match answer {
        Err(error) => Landed::Failed(error),
        Ok(answer) if !answer.is_batch() => Landed::Alone(Some(answer)),
        Ok(answer) => {
            let entries = answer.entries();
            let sent = state
                .seats
                .iter()
                .filter(|seating| !seating.command.is_empty())
                .count();
            if entries.len() == sent {
                Landed::Entries(answer, entries)
            } else {
                Landed::Failed(Error::misordered(sent, entries.len()))
            }
        }
    }
}
