//! A lock that is held: more time, and its end.

use std::{fmt, future::Future, sync::LazyLock, time::Duration};

use super::{
    Lock,
    lease::{self, Lease, Leased, Lost},
};
use crate::{
    Error, Safety, Script,
    clock::{self, Instant},
};

static EXTEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("extend.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

/// A lock that was taken.
///
/// To drop it does not give it back, since that takes a request: [`release`](Self::release) does, else it is free after its
/// lease.
#[must_use = "a lock that is not released is held until its lease ends"]
pub struct Held {
    lock: Lock,
    token: String,
    fence: Option<u64>,
    lease: Lease,
}

impl Held {
    pub(super) fn new(lock: Lock, token: String, begun: Instant, fence: Option<u64>) -> Self {
        let time = lock.settings.lease;
        Self {
            lock,
            token,
            fence,
            lease: Lease { begun, time },
        }
    }

    /// The number of this holder, if the lock is [`fenced`](Lock::fenced): higher than that of all before it.
    pub fn fence(&self) -> Option<u64> {
        self.fence
    }

    /// For how long it is certainly held: what is left of the lease since the request for it began, less 1 % and 2 ms for
    /// clocks that differ. Zero if it may be somebody else's.
    pub fn valid_for(&self) -> Duration {
        self.lease.valid_for()
    }

    /// Holds it for so long from now, be that more or less than before; `false` if it is somebody else's, or nobody's.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::Lock, std::time::Duration};
    /// let mut held = Lock::new(&redis, "nightly").try_acquire().await?.held().ok_or("busy")?;
    /// assert!(held.extend(Duration::from_millis(1500)).await?);
    /// # Ok(()) });
    /// ```
    pub async fn extend(&mut self, lease: Duration) -> Result<bool, Error> {
        let begun = Instant::now();
        let millis = clock::whole_millis(lease).max(1);
        let is_ours = self.extended(millis).await?;
        let time = if is_ours { lease } else { Duration::ZERO };
        self.lease = Lease { begun, time };
        Ok(is_ours)
    }

    async fn extended(&self, millis: u64) -> Result<bool, Error> {
        let redis = &self.lock.redis;
        if let [key] = &*self.lock.keys
            && !self.lock.without_ifeq.is_known()
        {
            let set = redis.set(key, &self.token).px(millis).ifeq(&self.token);
            match set.safety(Safety::IdempotentWrite).await {
                Err(error) if self.lock.without_ifeq.says(&error) => {}
                done => return done,
            }
        }
        let run = EXTEND.run::<bool>(redis, &*self.lock.keys);
        let run = run.arg(&self.token).arg(millis);
        run.safety(Safety::IdempotentWrite).await
    }

    /// Gives it back, and says whether it was still held: `false` may also mean that an earlier try of this request has
    /// done it, whose answer was lost. What is somebody else's by now is left alone.
    pub async fn release(self) -> Result<bool, Error> {
        let redis = &self.lock.redis;
        if let [key] = &*self.lock.keys
            && !self.lock.without_ifeq.is_known()
        {
            let gone = redis.delex(key).ifeq(&self.token);
            // Nobody else has this token: a second time takes nothing from anybody.
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

    /// Works while the lock is held: the lease is renewed when a third of it has passed, by whoever polls this, and the work
    /// is dropped where that comes too late.
    ///
    /// Requests for more time that fail are repeated as long as the lease is certainly held. In a Worker this renews only while
    /// the request it belongs to is alive.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Lock;
    /// let mut held = Lock::new(&redis, "nightly").try_acquire().await?.held().ok_or("busy")?;
    /// let rows = held.run(async { 42 }).await?;
    /// assert_eq!(rows, 42);
    /// held.release().await?;
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: that of [`extend`](Self::extend) for each third of the lease that it takes.
    pub async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Lost> {
        lease::run(self, work).await
    }
}

impl Leased for Held {
    fn lease(&self) -> Lease {
        self.lease
    }

    async fn extend(&mut self) -> Result<bool, Error> {
        let lease = self.lock.settings.lease;
        Self::extend(self, lease).await
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("fence", &self.fence)
            .field("lease", &self.lease.time)
            .finish_non_exhaustive()
    }
}
