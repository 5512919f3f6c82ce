//! Some permits instead of one lock: at most so many at a time, among all processes.

use std::{fmt, future::Future, sync::LazyLock, time::Duration};

use super::{
    lease::{self, Lease, Leased, Lost, millis},
    token, wait_for,
};
use crate::{
    Error, Redis, Safety, Script,
    clock::{self, Instant},
};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("semaphore.lua")));

static EXTEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("permit.lua")));

/// At most so many holders at a time among all processes, each for as long as its lease runs. Cheap to clone; creating one
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
/// A holder that dies keeps its permit no longer than its lease. The clock of the server decides when leases end. All callers
/// have to pass the same number of permits.
///
/// | call | round trips | billed |
/// |---|---|---|
/// | [`try_acquire`](Self::try_acquire), [`acquire`](Self::acquire) each time | 1 | 6 |
/// | [`extend`](Permit::extend) | 1 | 5 |
/// | [`release`](Permit::release) | 1 | 1 |
#[derive(Clone)]
pub struct Semaphore {
    redis: Redis,
    name: String,
    permits: u32,
    lease: Duration,
    wait: Duration,
}

/// A permit that was taken. All methods take `&self`, as those of [`Held`](super::Held).
///
/// Dropping it does not release it: call [`release`](Self::release), or it is free after its lease.
#[must_use = "a permit that is not released is held until its lease ends"]
pub struct Permit {
    semaphore: Semaphore,
    token: String,
    lease: Lease,
}

impl Semaphore {
    /// Creates a semaphore of so many permits under this name, which is its key.
    ///
    /// Taking a permit fails with [`is_argument`](Error::is_argument) if there are none.
    pub fn new(redis: &Redis, name: impl Into<String>, permits: u32) -> Self {
        Self {
            redis: redis.clone(),
            name: name.into(),
            permits,
            lease: Duration::from_secs(10),
            wait: Duration::from_secs(10),
        }
    }

    /// Sets how long a permit is held unless it is [extended](Permit::extend). Default: 10 s.
    ///
    /// Zero has no meaning: taking a permit fails with [`is_argument`](Error::is_argument).
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how long [`acquire`](Self::acquire) waits. With zero it tries once. Default: 10 s.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Creates a semaphore with as many permits for one of many, under the key `name:id`.
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
    /// The request is repeated when its answer is lost: the second one finds the permit. If it fails with
    /// [`is_ambiguous`](Error::is_ambiguous), a permit may be taken, for one lease.
    pub async fn try_acquire(&self) -> Result<Option<Permit>, Error> {
        Ok(self.attempt(&token()).await?.ok())
    }

    /// Takes a permit as soon as there is one, for at most the time of [`wait`](Self::wait); `None` if that has passed.
    ///
    /// Waiters are not queued: there is no fairness.
    pub async fn acquire(&self) -> Result<Option<Permit>, Error> {
        let token = token();
        wait_for(self.wait, |_| self.attempt(&token)).await
    }

    /// The permit, or in how long the next lease ends.
    async fn attempt(&self, token: &str) -> Result<Result<Permit, Option<Duration>>, Error> {
        let lease = millis("the lease of a semaphore", self.lease)?;
        if self.permits == 0 {
            return Err(Error::argument(
                "a semaphore has no permits, so nobody would ever get one: give it one or more",
            ));
        }
        let begun = Instant::now();
        let run = ACQUIRE.run::<i64>(&self.redis, &self.name);
        let run = run.arg(token).arg(clock::unix_millis()).arg(lease);
        let run = run.arg(self.permits).safety(Safety::IdempotentWrite);
        let next = run.await?;
        Ok(match u64::try_from(next) {
            Ok(next) => Err(Some(Duration::from_millis(next))),
            Err(_) => Ok(Permit {
                semaphore: self.clone(),
                token: token.to_owned(),
                lease: Lease::new(begun, self.lease),
            }),
        })
    }
}

impl Permit {
    /// Returns for how long the permit is certainly held; see [`Held::valid_for`](super::Held::valid_for).
    pub fn valid_for(&self) -> Duration {
        self.lease.valid_for()
    }

    /// Sets the lease to this time from now on; `false` if it had ended and others have asked for permits since. See
    /// [`Held::extend`](super::Held::extend).
    pub async fn extend(&self, lease: Duration) -> Result<bool, Error> {
        lease::extend(self, lease).await
    }

    /// Releases the permit, and returns whether it was still held; see [`Held::release`](super::Held::release).
    pub async fn release(&self) -> Result<bool, Error> {
        let Semaphore { redis, name, .. } = &self.semaphore;
        let gone = redis.zrem(name, &self.token);
        // Nobody else has this token: a second time takes nothing from anybody.
        let gone = gone.safety(Safety::IdempotentWrite);
        lease::release(&self.lease, async { Ok(gone.await? > 0) }).await
    }

    /// Runs work while the permit is held; see [`Held::run`](super::Held::run).
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Lost> {
        lease::run(self, work).await
    }
}

impl Leased for Permit {
    fn lease(&self) -> &Lease {
        &self.lease
    }

    async fn request(&self, millis: u64) -> Result<bool, Error> {
        let Semaphore { redis, name, .. } = &self.semaphore;
        let run = EXTEND.run::<bool>(redis, name).arg(&self.token);
        let run = run.arg(clock::unix_millis()).arg(millis);
        // The same a second time, whatever others do in between.
        run.safety(Safety::IdempotentWrite).await
    }
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
            .field("lease", &self.lease.time())
            .finish_non_exhaustive()
    }
}
