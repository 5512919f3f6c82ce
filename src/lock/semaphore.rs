//! Some permits instead of one lock: at most so many at a time, among all processes.

use std::{fmt, future::Future, sync::LazyLock, time::Duration};

use super::{
    lease::{self, Lease, Leased, Lost},
    token, wait_for,
};
use crate::{
    Error, Redis, Safety, Script,
    clock::{self, Instant},
};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("semaphore.lua")));

static EXTEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("permit.lua")));

/// At most so many holders at a time among all processes, each for as long as its lease runs. Cheap to clone; making one
/// does no I/O.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::Semaphore;
///
/// let uploads = Semaphore::new(&redis, "uploads", 2);
/// let first = uploads.try_acquire().await?.ok_or("busy")?;
/// let second = uploads.try_acquire().await?.ok_or("busy")?;
/// assert!(uploads.try_acquire().await?.is_none());
/// first.release().await?;
/// assert!(uploads.acquire().await?.is_some());
/// # second.release().await?;
/// # Ok(()) });
/// ```
///
/// A holder that dies keeps its permit no longer than its lease. When leases end is counted by the clocks of those who ask:
/// one that is ahead by more than what is left of another's lease takes that to be over. All have to say the same number.
///
/// | call | round trips | billed |
/// |---|---|---|
/// | [`try_acquire`](Self::try_acquire), [`acquire`](Self::acquire) each time | 1 | 5 |
/// | [`extend`](Permit::extend) | 1 | 4 |
/// | [`release`](Permit::release) | 1 | 1 |
#[derive(Clone)]
pub struct Semaphore {
    redis: Redis,
    name: String,
    permits: u32,
    lease: Duration,
    wait: Duration,
}

/// A permit that was taken. To drop it does not give it back: [`release`](Self::release) does, else its lease has to end.
#[must_use = "a permit that is not released is held until its lease ends"]
pub struct Permit {
    semaphore: Semaphore,
    token: String,
    lease: Lease,
}

impl Semaphore {
    /// So many permits under this name, which is its key.
    pub fn new(redis: &Redis, name: impl Into<String>, permits: u32) -> Self {
        Self {
            redis: redis.clone(),
            name: name.into(),
            permits,
            lease: Duration::from_secs(10),
            wait: Duration::from_secs(10),
        }
    }

    /// For how long a permit is held unless it is given more time: 10 s by default.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// For how long [`acquire`](Self::acquire) waits: 10 s by default.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The same for one of many: as many permits under a name of its own, `name:id`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Semaphore;
    /// let downloads = Semaphore::new(&redis, "downloads", 1);
    /// let ada = downloads.for_each("ada").try_acquire().await?.ok_or("busy")?;
    /// assert!(downloads.for_each("ada").try_acquire().await?.is_none());
    /// assert!(downloads.for_each("eve").try_acquire().await?.is_some());
    /// # ada.release().await?;
    /// # Ok(()) });
    /// ```
    pub fn for_each(&self, id: impl fmt::Display) -> Self {
        Self {
            name: format!("{}:{id}", self.name),
            ..self.clone()
        }
    }

    /// Takes a permit; `None` if all are taken.
    ///
    /// It is repeated when its answer is lost: a second time finds the permit. If it fails with
    /// [`is_ambiguous`](Error::is_ambiguous) one may be taken, for one lease.
    pub async fn try_acquire(&self) -> Result<Option<Permit>, Error> {
        Ok(self.attempt(&token()).await?.ok())
    }

    /// Takes a permit as soon as there is one, for at most the time of [`wait`](Self::wait); `None` if that has passed.
    ///
    /// Who waits has no place in a row.
    pub async fn acquire(&self) -> Result<Option<Permit>, Error> {
        let token = token();
        wait_for(self.wait, |_| self.attempt(&token)).await
    }

    /// The permit, or how long the next lease runs.
    async fn attempt(&self, token: &str) -> Result<Result<Permit, Option<Duration>>, Error> {
        let begun = Instant::now();
        let now = clock::unix_millis();
        let run = ACQUIRE.run::<i64>(&self.redis, &self.name);
        let run = run.arg(token).arg(now).arg(millis(self.lease));
        let run = run.arg(self.permits).safety(Safety::IdempotentWrite);
        let next = run.await?;
        Ok(match u64::try_from(next) {
            Ok(next) => Err(Some(Duration::from_millis(next.saturating_sub(now)))),
            Err(_) => Ok(Permit {
                semaphore: self.clone(),
                token: token.to_owned(),
                lease: Lease {
                    begun,
                    time: self.lease,
                },
            }),
        })
    }
}

impl Permit {
    /// For how long it is certainly held: what is left of the lease since the request for it began, less 1 % and 2 ms for
    /// clocks that differ.
    pub fn valid_for(&self) -> Duration {
        self.lease.valid_for()
    }

    /// Holds it for so long from now; `false` if its lease has ended and somebody else has a permit in its place.
    pub async fn extend(&mut self, lease: Duration) -> Result<bool, Error> {
        let begun = Instant::now();
        let Semaphore { redis, name, .. } = &self.semaphore;
        let millis = millis(lease);
        let run = EXTEND.run::<bool>(redis, name).arg(&self.token);
        let run = run.arg(clock::unix_millis().saturating_add(millis));
        // The same a second time, whatever others do meanwhile.
        let run = run.arg(millis).safety(Safety::IdempotentWrite);
        let is_ours = run.await?;
        let time = if is_ours { lease } else { Duration::ZERO };
        self.lease = Lease { begun, time };
        Ok(is_ours)
    }

    /// Gives it back, and says whether it was still held: `false` may also mean that an earlier try of this request has
    /// done it, whose answer was lost.
    pub async fn release(self) -> Result<bool, Error> {
        let Semaphore { redis, name, .. } = &self.semaphore;
        let gone = redis.zrem(name, &self.token);
        // Nobody else has this token: a second time takes nothing from anybody.
        Ok(gone.safety(Safety::IdempotentWrite).await? > 0)
    }

    /// Works while the permit is held; see [`Held::run`](super::Held::run).
    pub async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Lost> {
        lease::run(self, work).await
    }
}

impl Leased for Permit {
    fn lease(&self) -> Lease {
        self.lease
    }

    async fn extend(&mut self) -> Result<bool, Error> {
        Self::extend(self, self.semaphore.lease).await
    }
}

/// In whole milliseconds, at least one.
fn millis(time: Duration) -> u64 {
    clock::whole_millis(time).max(1)
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.permits)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("lease", &self.lease.time)
            .finish_non_exhaustive()
    }
}
