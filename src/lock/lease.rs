//! What a lock and a permit have in common: a time for which they are certainly held, and work that ends with it.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use crate::{
    Error,
    clock::{self, Instant},
};

/// Between two requests for more time of which the first has failed.
const PAUSE: Duration = Duration::from_millis(100);

/// What is held is somebody else's by now, or may be.
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// When the request began that gave it, and for how long that is.
    pub(crate) begun: Instant,
    pub(crate) time: Duration,
}

impl Lease {
    /// What is left of it, less 1 % and 2 ms for clocks that differ.
    pub(crate) fn valid_for(self) -> Duration {
        let drift = self.time / 100 + Duration::from_millis(2);
        let sure = self.time.saturating_sub(drift);
        sure.saturating_sub(self.begun.elapsed())
    }

    /// When a third of it has passed.
    fn due(self) -> Duration {
        (self.time / 3).saturating_sub(self.begun.elapsed())
    }
}

/// Something that is held for a time, and longer if more is asked for.
pub(crate) trait Leased {
    fn lease(&self) -> Lease;

    /// Whether it is still held, and for that long from now.
    async fn extend(&mut self) -> Result<bool, Error>;
}

/// Works while it is held.
pub(crate) async fn run<T>(
    leased: &mut impl Leased,
    work: impl Future<Output = T>,
) -> Result<T, Lost> {
    let mut work = pin!(work);
    let mut lost = pin!(renewed_until_lost(leased));
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        lost.as_mut().poll(cx).map(Err)
    })
    .await
}

async fn renewed_until_lost(leased: &mut impl Leased) -> Lost {
    let mut cause = None;
    loop {
        let valid = leased.lease().valid_for();
        let pause = match &cause {
            Some(_) => PAUSE,
            None => leased.lease().due(),
        };
        clock::sleep(pause.min(valid)).await;
        let valid = leased.lease().valid_for();
        if valid.is_zero() {
            return Lost { cause };
        }
        // It has no more time than is left, whatever the client's patience is.
        let mut extended = pin!(leased.extend());
        let mut late = pin!(clock::sleep(valid));
        let done = poll_fn(|cx| {
            if let Poll::Ready(done) = extended.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            late.as_mut().poll(cx).map(|()| None)
        })
        .await;
        match done {
            Some(Ok(true)) => cause = None,
            Some(Ok(false)) => return Lost { cause: None },
            Some(Err(error)) => cause = Some(error),
            None => return Lost { cause },
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock was lost while the work went on, and somebody else may have it: take it again, and look what is done")
    }
}

impl std::error::Error for Lost {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
