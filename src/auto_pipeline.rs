//! Auto-pipelining: commands that are polled in the same turn leave in one request.
//!
//! A command takes a [`Seat`] when it is polled first, and yields once by waking itself. Whoever is
//! polled again first ends the turn: all that sit by then leave together, in the order in which they
//! sat down. So nothing waits for company, no timer and no task is needed, and any executor will do.
//!
//! A [`Flight`] is one request with its passengers. Whichever of them is polled drives the request for
//! all; whoever is dropped leaves the others alone, and the last one to be dropped gives the request up.

mod flight;
#[cfg(all(test, shuttle))]
mod interleavings;

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    mem::take,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_core::future::BoxFuture;

use self::flight::{Flight, Request, Seating, wake};
#[cfg(not(target_arch = "wasm32"))]
use crate::sync::thread::{self, ThreadId};
use crate::{
    client::{Answer, Call, Inner, Redis},
    clock,
    command::Options,
    error::Error,
    retry::{Retry, Safety},
    safety,
    sync::{Mutex, lock},
    wire::request::MAX_REQUEST,
};

/// A request takes at most this many commands: the answer to more is long enough to keep the first ones waiting.
const MAX_COMMANDS: usize = 1_000;

/// The part of a client that gathers commands.
pub(crate) struct AutoPipeline {
    max_in_flight: usize,
    lane: Mutex<Lane>,
}

/// The requests that have not left yet, oldest first; the last one takes commands. They are seldom more than one.
#[derive(Default)]
struct Lane {
    gates: Vec<Gate>,
    in_flight: usize,
    order: Order,
    /// The turns that go on, one for each thread that is in one.
    #[cfg(not(target_arch = "wasm32"))]
    turns: Vec<Turn>,
}

/// What a thread has polled for the first time since it polled anything again. Another thread may let the request of its
/// first commands go meanwhile; the others then leave behind that.
#[cfg(not(target_arch = "wasm32"))]
struct Turn {
    thread: ThreadId,
    /// Where its last command sits.
    flight: Arc<Flight>,
    /// That has left, and only reads.
    left_reading: bool,
}

/// The requests that the next one of the same turn may have to wait for.
#[derive(Default)]
struct Order {
    /// The last one that writes.
    writer: Option<Arc<Flight>>,
    /// Those behind it that only read, and go at the same time.
    readers: Vec<Arc<Flight>>,
}

/// One request while it gathers commands.
struct Gate {
    flight: Arc<Flight>,
    seats: Vec<Seating>,
    /// Those that have not been dropped.
    present: usize,
    bytes: usize,
    terms: Terms,
    /// Its one command cannot share a request.
    exclusive: bool,
    /// The turn in which it opened is over, so it may leave.
    ready: bool,
    /// The request before it is of the same turn.
    follows: bool,
    /// What has left in the middle of a turn of which the rest is here, and whether that only reads.
    #[cfg(not(target_arch = "wasm32"))]
    behind: Vec<(Arc<Flight>, bool)>,
}

/// What a command brings.
pub(crate) enum Load {
    /// A JSON array.
    Json {
        json: String,
        base64: bool,
        /// `None` where the caller has set nothing: a command is moved some times on its way.
        options: Option<Box<Options>>,
    },
    /// A command that needs a request of its own kind.
    Whole(Box<Call>),
}

/// How a request is repeated. Commands that want it otherwise leave in a request of their own.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    attempt_timeout: Duration,
    retry: Retry,
}

impl Load {
    fn bytes(&self) -> usize {
        match self {
            Self::Json { json, .. } => json.len(),
            Self::Whole(call) => call.body.len(),
        }
    }

    /// The command word, for errors.
    fn name(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Json { json, .. } => safety::name_of_command(json.as_bytes()),
            Self::Whole(call) => call.name(),
        }
    }

    /// What the caller has set.
    fn options(&self) -> Option<&Options> {
        match self {
            Self::Json { options, .. } => options.as_deref(),
            Self::Whole(call) => Some(&call.options),
        }
    }

    fn timeout(&self) -> Option<Duration> {
        self.options()?.timeout
    }

    fn safety(&self) -> Option<Safety> {
        self.options()?.safety
    }

    fn is_read(&self) -> bool {
        match (self.safety(), self) {
            (Some(class), _) => class == Safety::Read,
            (None, Self::Json { json, .. }) => safety::is_read(json.as_bytes()),
            (None, Self::Whole(call)) => call.safety(Duration::ZERO) == Safety::Read,
        }
    }
}

impl Gate {
    fn takes(&self, load: &Load, terms: Terms) -> bool {
        let fits = self.seats.len() < MAX_COMMANDS
            // The brackets and commas are at most as many bytes as there are commands, and one.
            && self.bytes + load.bytes() + self.seats.len() + 2 <= MAX_REQUEST;
        let alone = self.exclusive || matches!(load, Load::Whole(_));
        fits && !alone && self.terms == terms
    }

    /// What has left of the turns whose rest is here, where it matters.
    #[cfg(not(target_arch = "wasm32"))]
    fn of_turns(&self) -> Vec<Arc<Flight>> {
        let of_turns = self.behind.iter().filter(|(flight, only_reads)| {
            !(flight.has_ended() || *only_reads && self.only_reads())
        });
        of_turns.map(|(flight, _)| Arc::clone(flight)).collect()
    }

    /// There are no other threads.
    #[cfg(target_arch = "wasm32")]
    fn of_turns(&self) -> Vec<Arc<Flight>> {
        Vec::new()
    }

    fn only_reads(&self) -> bool {
        let mut loads = self.seats.iter().flat_map(|seat| &seat.load);
        loads.all(Load::is_read)
    }
}

impl Lane {
    /// Where this request is, if it has not left.
    fn place(&self, flight: &Arc<Flight>) -> Option<usize> {
        self.gates
            .iter()
            .position(|gate| Arc::ptr_eq(&gate.flight, flight))
    }

    /// What this request has to wait for, which is the first one now: all that writes before it, and if it writes
    /// itself, all that reads before it as well.
    fn order(&mut self, gate: &Gate) -> Vec<Arc<Flight>> {
        if !gate.follows {
            self.order = Order::default();
        }
        let is_followed = self.gates.first().is_some_and(|next| next.follows);
        let mut after = gate.of_turns();
        if !gate.follows && !is_followed {
            return after;
        }
        let order = &mut self.order;
        after.extend(order.writer.iter().cloned());
        if gate.only_reads() {
            // No more are under way, so that half of them are not.
            if order.readers.len() > self.in_flight.saturating_mul(2) {
                order.readers.retain(|reader| !reader.has_ended());
            }
            order.readers.push(Arc::clone(&gate.flight));
        } else {
            after.append(&mut order.readers);
            order.writer = Some(Arc::clone(&gate.flight));
        }
        if !is_followed {
            self.order = Order::default();
        }
        after
    }

    /// This thread has a command for the last request: what has left of the same turn goes before it.
    #[cfg(not(target_arch = "wasm32"))]
    fn turn(&mut self) {
        let Some(gate) = self.gates.last_mut() else {
            return;
        };
        let thread = thread::current().id();
        let Some(turn) = self.turns.iter_mut().find(|turn| turn.thread == thread) else {
            self.turns.push(Turn {
                thread,
                flight: Arc::clone(&gate.flight),
                left_reading: false,
            });
            return;
        };
        if Arc::ptr_eq(&turn.flight, &gate.flight) {
            return;
        }
        let before = std::mem::replace(&mut turn.flight, Arc::clone(&gate.flight));
        let only_reads = take(&mut turn.left_reading);
        if before.has_left() && !before.has_ended() {
            gate.behind.push((before, only_reads));
        }
    }

    /// This thread polls something again: what it polls for the first time from here on is another turn.
    #[cfg(not(target_arch = "wasm32"))]
    fn end_turn(&mut self) -> Option<Turn> {
        let thread = thread::current().id();
        let place = self.turns.iter().position(|turn| turn.thread == thread);
        place.map(|place| self.turns.swap_remove(place))
    }

    /// A request leaves. For the turns that go on, what it does counts.
    #[cfg(not(target_arch = "wasm32"))]
    fn leaves(&mut self, gate: &Gate) {
        let turns = self.turns.iter_mut();
        let mut of_it = turns
            .filter(|turn| Arc::ptr_eq(&turn.flight, &gate.flight))
            .peekable();
        if of_it.peek().is_some() {
            let only_reads = gate.only_reads();
            of_it.for_each(|turn| turn.left_reading = only_reads);
        }
    }
}

impl AutoPipeline {
    pub(crate) fn new(max_in_flight: Option<usize>) -> Self {
        Self {
            max_in_flight: max_in_flight.unwrap_or(usize::MAX).max(1),
            lane: Mutex::default(),
        }
    }

    /// Passengers may wait before they leave, and for longer than their own time.
    fn is_capped(&self) -> bool {
        cfg!(not(target_arch = "wasm32")) && self.max_in_flight < usize::MAX
    }

    /// Seats a command behind all that came before it.
    fn sit(&self, inner: &Inner, load: Load) -> (Arc<Flight>, usize) {
        let mut terms = Terms {
            attempt_timeout: inner.attempt_timeout,
            retry: inner.retry,
        };
        if let Some(options) = load.options() {
            terms.attempt_timeout = options.attempt_timeout.unwrap_or(terms.attempt_timeout);
            terms.retry = options.retry.unwrap_or(terms.retry);
        }
        let mut lane = lock(&self.lane);
        let last = lane.gates.last();
        if !last.is_some_and(|gate| gate.takes(&load, terms)) {
            let follows = last.is_some();
            lane.gates.push(Gate {
                flight: Arc::default(),
                seats: Vec::new(),
                present: 0,
                bytes: 0,
                terms,
                exclusive: matches!(load, Load::Whole(_)),
                ready: false,
                follows,
                #[cfg(not(target_arch = "wasm32"))]
                behind: Vec::new(),
            });
        }
        #[cfg(not(target_arch = "wasm32"))]
        if !self.is_capped() {
            lane.turn();
        }
        // There is one: it was there, or has just been made.
        let Some(gate) = lane.gates.last_mut() else {
            return (Arc::default(), 0);
        };
        gate.bytes += load.bytes();
        gate.present += 1;
        gate.seats.push(Seating::new(load));
        (Arc::clone(&gate.flight), gate.seats.len() - 1)
    }

    /// The turn of this request is over: it leaves, and those before it. If that has to wait, the waker is kept.
    ///
    /// Gives whether it has left.
    fn close(&self, inner: &Arc<Inner>, flight: &Arc<Flight>, seat: usize, waker: &Waker) -> bool {
        // Declared before the lock, and so dropped behind it.
        #[cfg(not(target_arch = "wasm32"))]
        let _ended;
        let mut lane = lock(&self.lane);
        #[cfg(not(target_arch = "wasm32"))]
        {
            _ended = lane.end_turn();
        }
        let Some(place) = lane.place(flight) else {
            return true;
        };
        for gate in lane.gates.iter_mut().take(place + 1) {
            gate.ready = true;
        }
        let launched = self.launch(&mut lane, inner);
        let waiting = lane.place(flight);
        let own = waiting
            .and_then(|place| lane.gates.get_mut(place))
            .and_then(|gate| gate.seats.get_mut(seat));
        let old = own.and_then(|seat| seat.waker.replace(waker.clone()));
        drop(lane);
        drop(old);
        wake(launched);
        waiting.is_none()
    }

    /// Lets go what may leave, and gives the wakers of those who wait to hear of it.
    fn launch(&self, lane: &mut Lane, inner: &Arc<Inner>) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while lane.in_flight < self.max_in_flight
            && lane.gates.first().is_some_and(|gate| gate.ready)
        {
            lane.in_flight += 1;
            let gate = lane.gates.remove(0);
            let after = lane.order(&gate);
            #[cfg(not(target_arch = "wasm32"))]
            lane.leaves(&gate);
            gate.launch(inner, self.is_capped(), after, &mut wakers);
        }
        wakers
    }

    /// A request has ended: the next one may leave.
    pub(crate) fn land(&self, inner: &Arc<Inner>) {
        let mut lane = lock(&self.lane);
        lane.in_flight = lane.in_flight.saturating_sub(1);
        let wakers = self.launch(&mut lane, inner);
        drop(lane);
        wake(wakers);
    }

    /// A passenger gets up. Gives what it brought, if the request had not left.
    fn leave(&self, flight: &Arc<Flight>, seat: usize) -> Option<Load> {
        let mut lane = lock(&self.lane);
        let place = lane.place(flight)?;
        let gate = lane.gates.get_mut(place)?;
        let own = gate.seats.get_mut(seat)?;
        let (waker, load) = (own.waker.take(), own.load.take());
        gate.present = gate.present.saturating_sub(1);
        let empty = (gate.present == 0).then(|| lane.gates.remove(place));
        if let (Some(gate), Some(next)) = (&empty, lane.gates.get_mut(place)) {
            // Who was to leave after it leaves after the one before it.
            next.follows = gate.follows;
        }
        let order = lane.gates.is_empty().then(|| take(&mut lane.order));
        drop(lane);
        // A waker may be all that holds a task, with other passengers in it.
        drop((waker, empty, order));
        load
    }
}

impl Gate {
    /// Makes the request, which leaves when those of `after` have ended, and adds the wakers of the passengers that
    /// wait for it.
    fn launch(
        mut self,
        inner: &Arc<Inner>,
        capped: bool,
        after: Vec<Arc<Flight>>,
        wakers: &mut Vec<Waker>,
    ) {
        let (mut shortest, mut longest) = (Duration::MAX, Duration::ZERO);
        for seat in &mut self.seats {
            wakers.extend(seat.waker.take());
            if let Some(load) = &seat.load {
                let timeout = load.timeout().unwrap_or(inner.timeout);
                (shortest, longest) = (shortest.min(timeout), longest.max(timeout));
            }
        }
        let own_timers = capped || !after.is_empty() || shortest < longest;
        let (inner, flight, terms) = (Arc::clone(inner), Arc::clone(&self.flight), self.terms);
        let mut before = after.clone();
        let request: Request = Box::pin(async move {
            // The oldest first: each that is driven then waits for nothing, and a long row is no deep one.
            while let Some(flight) = before.pop() {
                let older = flight.waits_for();
                if older.is_empty() {
                    flight.landed(&inner).await;
                } else {
                    before.push(flight);
                    before.extend(older);
                }
            }
            let call = flight.leaves(&inner, terms, longest);
            // Not kept across the wait: the flight owns this future.
            drop(flight);
            inner.send(call).await
        });
        self.flight
            .launch(request, self.seats, self.present, own_timers, after);
    }
}

/// The place of one command, and the future of its answer.
pub(crate) struct Seat<'a> {
    redis: &'a Redis,
    timeout: Duration,
    state: State,
    /// Seated, and not polled since.
    #[cfg(not(target_arch = "wasm32"))]
    is_new: bool,
    timer: Option<BoxFuture<'static, ()>>,
}

enum State {
    /// Not polled yet.
    New(Option<Load>),
    Seated(Arc<Flight>, usize),
    Done,
}

impl<'a> Seat<'a> {
    pub(crate) fn new(redis: &'a Redis, load: Load) -> Self {
        Self {
            redis,
            timeout: load.timeout().unwrap_or_else(|| redis.timeout()),
            state: State::New(Some(load)),
            #[cfg(not(target_arch = "wasm32"))]
            is_new: false,
            timer: None,
        }
    }
}

impl Future for Seat<'_> {
    type Output = Result<Answer, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let inner = this.redis.inner();
        let Some(auto) = &inner.auto_pipeline else {
            return Poll::Pending;
        };
        let (flight, seat) = match &mut this.state {
            State::New(load) => {
                if let Some(load) = load.take() {
                    let (flight, seat) = auto.sit(inner, load);
                    this.state = State::Seated(flight, seat);
                    #[cfg(not(target_arch = "wasm32"))]
                    {
                        this.is_new = true;
                    }
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            State::Seated(flight, seat) => (flight, *seat),
            State::Done => return Poll::Pending,
        };
        let has_left = flight.has_left();
        // Else this is done under the lock that is taken anyway.
        #[cfg(not(target_arch = "wasm32"))]
        if take(&mut this.is_new) && has_left {
            let ended = lock(&auto.lane).end_turn();
            drop(ended);
        }
        let has_left = has_left || auto.close(inner, flight, seat, cx.waker());
        if has_left && let Poll::Ready(answer) = flight.poll_seat(inner, seat, cx) {
            this.state = State::Done;
            return Poll::Ready(answer);
        }
        // Else the time of the request is that of all its passengers.
        if !has_left || flight.has_own_timers() {
            let timeout = this.timeout;
            let timer = this.timer.get_or_insert_with(|| clock::timer(timeout));
            if timer.as_mut().poll(cx).is_ready() {
                let flight = Arc::clone(flight);
                return match this.get_up(Some(timeout)) {
                    Some(error) => Poll::Ready(Err(error)),
                    // It has landed meanwhile.
                    None => flight.poll_seat(inner, seat, cx),
                };
            }
        }
        Poll::Pending
    }
}

impl Seat<'_> {
    /// Leaves the place empty: whoever is left goes on without this command. Gives the error where that is for
    /// being late by `timeout`.
    fn get_up(&mut self, timeout: Option<Duration>) -> Option<Error> {
        let State::Seated(flight, seat) = std::mem::replace(&mut self.state, State::Done) else {
            return None;
        };
        let inner = self.redis.inner();
        let auto = inner.auto_pipeline.as_ref()?;
        if let Some(load) = auto.leave(&flight, seat) {
            return timeout.map(|timeout| flight::late(timeout, false).with_command(load.name()));
        }
        flight.leave(inner, seat, timeout)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.get_up(None);
    }
}

impl fmt::Debug for Seat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").finish_non_exhaustive()
    }
}
