//! What a lock, a permit and idempotent work have in common: a time for which they are certainly held, and work that ends
//! with it.

use std::{
    fmt,
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use super::turn::Turn;
use crate::{
    Error,
    clock::{self, Instant},
    sync::{Mutex, MutexGuard, lock},
};

/// The pause after a renewal that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The lease was lost, or may have been, before the work was finished.
#[derive(Debug)]
pub struct Lost {
    cause: Option<Error>,
}

impl Lost {
    /// Somebody else has begun before this could be finished.
    #[cfg(feature = "idempotency")]
    pub(crate) fn late() -> Self {
        Self { cause: None }
    }
}

/// A lease as its holder knows it.
#[derive(Debug)]
pub(crate) struct Lease {
    state: Box<Mutex<State>>,
    turn: Turn,
}

#[derive(Debug)]
struct State {
    /// When the request began that gave the lease, and how long that lease is.
    begun: Instant,
    time: Duration,
    /// What a renewal asks for: what was asked for last.
    renewal: Duration,
    is_released: bool,
    /// Why the last renewal failed.
    failure: Option<Error>,
}

impl State {
    /// What is left, less 1 % and 2 ms for clocks that run at different speeds.
    fn valid_for(&self) -> Duration {
        let drift = self.time / 100 + Duration::from_millis(2);
        let sure = self.time.saturating_sub(drift);
        sure.saturating_sub(self.begun.elapsed())
    }
}

impl Lease {
    pub(crate) fn new(begun: Instant, time: Duration) -> Self {
        Self {
            state: Box::new(Mutex::new(State {
                begun,
                time,
                renewal: time,
                is_released: false,
                failure: None,
            })),
            turn: Turn::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn valid_for(&self) -> Duration {
        self.state().valid_for()
    }

    /// The length of the lease, for `Debug`.
    pub(crate) fn time(&self) -> Duration {
        self.state().time
    }

    /// When a third of the lease has passed.
    fn due(&self) -> Duration {
        let state = self.state();
        (state.time / 3).saturating_sub(state.begun.elapsed())
    }

    fn is_released(&self) -> bool {
        self.state().is_released
    }

    /// Why work must not go on. A lease that was given back on purpose is not lost.
    fn lost(&self) -> Option<Lost> {
        let mut state = self.state();
        (!state.is_released && state.valid_for().is_zero()).then(|| Lost {
            cause: state.failure.take(),
        })
    }
}

/// Something that is held for a lease.
pub(crate) trait Leased {
    fn lease(&self) -> &Lease;

    /// Requests a lease of so many milliseconds from now on; `false` if it is not held any more.
    async fn request(&self, millis: u64) -> Result<bool, Error>;
}

/// Holds it for so long from now on; `false` if it is not held any more. Waits for a request of the same holder.
pub(crate) async fn extend(leased: &impl Leased, time: Duration) -> Result<bool, Error> {
    let millis = millis("the lease", time)?;
    let lease = leased.lease();
    let _turn = lease.turn.take().await;
    let begun = Instant::now();
    {
        let mut state = lease.state();
        if state.is_released {
            return Ok(false);
        }
        state.renewal = time;
        // A shorter lease counts from here on: whether it was given stays unknown where the answer is lost.
        let left = state.time.saturating_sub(state.begun.elapsed());
        if time < left {
            (state.begun, state.time) = (begun, time);
        }
    }
    let done = leased.request(millis).await;
    let mut state = lease.state();
    let failure = match &done {
        Ok(is_ours) => {
            let time = if *is_ours { time } else { Duration::ZERO };
            (state.begun, state.time) = (begun, time);
            None
        }
        Err(error) => Some(error.clone()),
    };
    let before = std::mem::replace(&mut state.failure, failure);
    drop(state);
    drop(before);
    done
}

/// Gives it back by `request`, behind a request of the same holder that is under way. From then on it is not held.
pub(crate) async fn release<T>(lease: &Lease, request: impl Future<Output = T>) -> T {
    let _turn = lease.turn.take().await;
    {
        let mut state = lease.state();
        state.is_released = true;
        state.time = Duration::ZERO;
    }
    request.await
}

/// Works while it is held. Work that is finished late is reported as lost.
pub(crate) async fn run<T>(leased: &impl Leased, work: impl Future<Output = T>) -> Result<T, Lost> {
    let done = run_to_the_end(leased, work).await?;
    match leased.lease().lost() {
        Some(lost) => Err(lost),
        None => Ok(done),
    }
}

/// Works while it is held. The result of work that is finished late is returned all the same.
pub(crate) async fn run_to_the_end<T>(
    leased: &impl Leased,
    work: impl Future<Output = T>,
) -> Result<T, Lost> {
    let mut work = pin!(work);
    let mut lost = pin!(renewed_until_lost(leased));
    let mut polled = Instant::now();
    let done = poll_fn(|cx| {
        // Before the work, each time: behind a stall that was longer than the lease not one step of it runs.
        if let Poll::Ready(lost) = lost.as_mut().poll(cx) {
            return Poll::Ready(Err(lost));
        }
        if let Some(lost) = leased.lease().lost() {
            return Poll::Ready(Err(lost));
        }
        polled = Instant::now();
        work.as_mut().poll(cx).map(Ok)
    })
    .await;
    // A clock that stands still while code runs has not counted the last step of the work.
    clock::catch_up(polled).await;
    done
}

async fn renewed_until_lost(leased: &impl Leased) -> Lost {
    let lease = leased.lease();
    let mut has_failed = false;
    loop {
        let pause = match has_failed {
            true => PAUSE,
            false => lease.due(),
        };
        clock::sleep(pause.min(lease.valid_for())).await;
        if lease.is_released() {
            return pending().await;
        }
        if let Some(lost) = lease.lost() {
            return lost;
        }
        // It has no more time than is left, whatever the client's patience is.
        let time = lease.state().renewal;
        let renewed = clock::within(lease.valid_for(), extend(leased, time)).await;
        if lease.is_released() {
            return pending().await;
        }
        has_failed = matches!(renewed, Some(Err(_)));
        if !has_failed && let Some(lost) = lease.lost() {
            return lost;
        }
    }
}

/// A time in whole milliseconds, where zero has no meaning.
pub(crate) fn millis(what: &str, time: Duration) -> Result<u64, Error> {
    if time.is_zero() {
        return Err(Error::argument(format!(
            "{what} is zero, which has no meaning: set it to 1 ms or more"
        )));
    }
    Ok(clock::whole_millis(time).max(1))
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the lease was lost before the work was finished, and another holder may have it: check what was done, then \
             take it again",
        )
    }
}

impl std::error::Error for Lost {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
