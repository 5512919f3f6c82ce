//! A lock that is held: more time, and its end.

use std::{fmt, future::Future, sync::LazyLock, time::Duration};

use super::{
    Lock,
    lease::{self, Lease, Leased, Lost},
    take::set_again,
};
use crate::{Error, Safety, Script, clock::Instant};

static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

/// A lock that was taken.
///
/// All methods take `&self`: the work in [`run`](Self::run) may call them too. Requests of one holder are made one after the
/// other.
///
/// Dropping it does not release the lock, since that takes a request: call [`release`](Self::release), or the lock is free
/// after its lease.
#[must_use = "a lock that is not released is held until its lease ends"]
pub struct Held {
    lock: Lock,
    token: String,
    fence: Option<u64>,
    lease: Lease,
}

impl Held {
    pub(super) fn new(lock: Lock, token: String, begun: Instant, fence: Option<u64>) -> Self {
        let lease = Lease::new(begun, lock.settings.lease);
        Self {
            lock,
            token,
            fence,
            lease,
        }
    }

    /// Returns the fencing token, if the lock is [`fenced`](Lock::fenced): higher than those of all holders before it.
    pub fn fence(&self) -> Option<u64> {
        self.fence
    }

    /// Returns for how long the lock is certainly held: what is left of the lease since the request for it began, less 1 %
    /// and 2 ms for clocks that run at different speeds. Zero if another holder may have it, and after
    /// [`release`](Self::release).
    pub fn valid_for(&self) -> Duration {
        self.lease.valid_for()
    }

    /// Sets the lease to this time from now on, whether that is more or less than before; `false` if the lock is not held any
    /// more. Renewals in [`run`](Self::run) use this time from then on.
    ///
    /// Fails with [`is_argument`](Error::is_argument) if the time is zero: [`release`](Self::release) ends the lease.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::Lock, std::time::Duration};
    /// let held = Lock::new(&redis, "nightly").try_acquire().await?.held().ok_or("busy")?;
    /// assert!(held.extend(Duration::from_millis(1500)).await?);
    /// # Ok(()) });
    /// ```
    pub async fn extend(&self, lease: Duration) -> Result<bool, Error> {
        lease::extend(self, lease).await
    }

    /// Releases the lock, and returns whether it was still held. A lock that another holder has by now is left alone.
    ///
    /// `false` may also mean that an earlier request of this call has released it, whose answer was lost. Calling it again
    /// sends the request again. Work in [`run`](Self::run) goes on, without the lock.
    pub async fn release(&self) -> Result<bool, Error> {
        lease::release(&self.lease, self.delete()).await
    }

    async fn delete(&self) -> Result<bool, Error> {
        let redis = &self.lock.redis;
        if let [key] = &*self.lock.keys
            && !self.lock.without_ifeq.is_known()
        {
            let gone = redis.delex(key).ifeq(&self.token);
            // Nobody else has this token: a second time deletes nothing of anybody.
            match gone.safety(Safety::IdempotentWrite).await {
                Err(error) if self.lock.without_ifeq.says(&error) => {}
                done => return done,
            }
        }
        let run = RELEASE.run::<u64>(redis, &*self.lock.keys);
        let run = run.arg(&self.token).safety(Safety::IdempotentWrite);
        let most = u64::try_from(self.lock.keys.len()).unwrap_or(u64::MAX);
        Ok(run.await? == most)
    }

    /// Runs work while the lock is held: renews the lease when a third of it has passed, and drops the work if the lease is
    /// lost.
    ///
    /// The lease is checked before each poll of the work and when the work is finished. Work that finishes behind the end of
    /// the lease fails with [`Lost`] too, and its result is dropped: it ran, but another holder may have run beside it.
    ///
    /// Renewals that fail are repeated as long as the lock is certainly held. In a Worker this renews only while the request
    /// it belongs to is alive.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Lock;
    /// let held = Lock::new(&redis, "nightly").try_acquire().await?.held().ok_or("busy")?;
    /// let rows = held.run(async { 42 }).await?;
    /// assert_eq!(rows, 42);
    /// held.release().await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: that of [`extend`](Self::extend) for each third of the lease that it takes.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Lost> {
        lease::run(self, work).await
    }
}

impl Leased for Held {
    fn lease(&self) -> &Lease {
        &self.lease
    }

    async fn request(&self, millis: u64) -> Result<bool, Error> {
        let Lock {
            redis,
            keys,
            without_ifeq,
            ..
        } = &self.lock;
        set_again(redis, keys, &self.token, millis, without_ifeq).await
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("fence", &self.fence)
            .field("lease", &self.lease.time())
            .finish_non_exhaustive()
    }
}
