//! Locks and semaphores in Redis: one holder at a time, or some, among processes that share nothing else, for as long as a
//! lease runs. And of many calls one: [`Throttle`], [`Debounce`].
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use std::time::Duration;
//! use restis::Lock;
//!
//! let lock = Lock::new(&redis, "nightly").lease(Duration::from_secs(30));
//! let Some(mut held) = lock.try_acquire().await?.held() else {
//!     return Ok(()); // somebody else is at it
//! };
//! // The lease is renewed while this runs, and the work is dropped if it is lost.
//! let report = held.run(async { "done" }).await?;
//! held.release().await?;
//! # assert_eq!(report, "done");
//! # Ok(()) });
//! ```
//!
//! # What it keeps, and what no lock with a lease can
//!
//! - **One holder.** The key is set only where there is none, and taken away or given more time only by whoever set it.
//! - **A lost answer is not a lost lock.** Each attempt has a random token. Whether a request whose answer was lost has
//!   taken the lock is asked, and not guessed.
//! - **A holder that dies keeps nobody longer than its lease.**
//! - A holder that stands still for longer than its lease, in a pause of its machine or a stalled request, does not know that
//!   somebody else has the lock by now. Where that would do harm, [fence](Lock::fenced) what it writes: each holder has a
//!   higher number than all before it, and the resource refuses a lower one than it has seen. Without that a lock saves work,
//!   and does not keep it correct.
//! - A database that fails over to a replica that is behind may give a lock twice.
//!
//! The key is the lock's name and holds the holder's token, set with NX and PX, as `@upstash/lock` has it.
//!
//! # Cost
//!
//! Round trips, and commands as they are billed; in brackets where the server has no `SET … IFEQ` and DELEX.
//!
//! | call | round trips | billed |
//! |---|---|---|
//! | [`try_acquire`](Lock::try_acquire) | 1 | 1 |
//! | the same, [fenced](Lock::fenced) | 1 | 3 |
//! | the same of [`n` keys](Lock::all) | 1 | 2 + n |
//! | [`acquire`](Lock::acquire), each further attempt | 1 | 2 |
//! | [`extend`](Held::extend) | 1 | 1 (3); of n keys 2 + n |
//! | [`release`](Held::release) | 1 | 1 (3); of n keys 3 |
//!
//! Source: [Distributed locks](https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/),
//! [How to do distributed locking](https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html) (fencing).

mod attempt;
mod debounce;
mod held;
pub(crate) mod lease;
mod semaphore;
pub(crate) mod take;
mod throttle;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

pub use self::{
    attempt::Attempt,
    debounce::Debounce,
    held::Held,
    lease::Lost,
    semaphore::{Permit, Semaphore},
    throttle::Throttle,
};
use crate::{
    Error, Redis,
    clock::{self, Instant},
    find::find,
    random,
};

/// What stands behind the name of a lock in the key of its counter.
const COUNTER: &str = ":fence";

/// About the wait behind the first attempt, and the most that is waited behind the end of a lease.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_millis(1000);

/// A lock by its name. Cheap to clone; making one does no I/O, so it can be a global of a Worker.
///
/// Its settings are methods that give it back. See the [module](self) for what it keeps and costs.
#[derive(Clone)]
pub struct Lock {
    redis: Redis,
    keys: Arc<[String]>,
    settings: Settings,
    without_ifeq: WithoutIfeq,
}

#[derive(Clone, Copy)]
struct Settings {
    lease: Duration,
    fenced: bool,
    wait: Duration,
}

/// Settings.
impl Lock {
    /// The lock of this name, which is its key.
    pub fn new(redis: &Redis, name: impl Into<String>) -> Self {
        Self::all(redis, [name])
    }

    /// All of these locks at once, or none: nobody who takes several waits for one while he holds another.
    ///
    /// Without names it fails with [`is_argument`](Error::is_argument).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Lock;
    /// let both = Lock::all(&redis, ["account:1", "account:2"]);
    /// let held = both.try_acquire().await?.held().ok_or("busy")?;
    /// assert!(!Lock::new(&redis, "account:2").try_acquire().await?.is_held());
    /// held.release().await?;
    /// # Ok(()) });
    /// ```
    pub fn all(redis: &Redis, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            redis: redis.clone(),
            keys: names.into_iter().map(Into::into).collect(),
            settings: Settings {
                lease: Duration::from_secs(10),
                fenced: false,
                wait: Duration::from_secs(10),
            },
            without_ifeq: WithoutIfeq::default(),
        }
    }

    /// For how long it is held unless it is given more time: 10 s by default.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// For how long [`acquire`](Self::acquire) waits: 10 s by default.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.settings.wait = wait;
        self
    }

    /// Each holder has a [number](Held::fence) that is higher than those of all before it, for the resource to compare.
    ///
    /// The counter is kept under the name and `:fence`, without an end: one that began anew would let the past in.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Lock;
    /// let lock = Lock::new(&redis, "ledger").fenced();
    /// let first = lock.try_acquire().await?.held().ok_or("busy")?;
    /// assert_eq!(first.fence(), Some(1));
    /// first.release().await?;
    /// let second = lock.try_acquire().await?.held().ok_or("busy")?;
    /// assert_eq!(second.fence(), Some(2));
    /// # Ok(()) });
    /// ```
    pub fn fenced(mut self) -> Self {
        self.settings.fenced = true;
        self
    }
}

impl Lock {
    /// Takes the lock, or says at once that somebody else has it.
    ///
    /// If it fails with [`is_ambiguous`](Error::is_ambiguous) it is not known whether the lock was taken: then it is free
    /// again after the lease.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::{Lock, lock::Attempt};
    /// let lock = Lock::new(&redis, "nightly");
    /// match lock.try_acquire().await? {
    ///     Attempt::Held(held) => held.release().await.map(drop)?,
    ///     other => println!("{other}"),
    /// }
    /// # Ok(()) });
    /// ```
    pub async fn try_acquire(&self) -> Result<Attempt, Error> {
        self.attempt(&token(), false).await
    }

    /// Takes the lock as soon as it is free, for at most the time of [`wait`](Self::wait); `None` if that has passed.
    ///
    /// Between two attempts it waits at random, longer each time and at most until the holder's lease ends. Who waits has no
    /// place in a row. To drop it ends the wait; a request that was under way may have taken the lock, for one lease.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::Lock, std::time::Duration};
    /// let lock = Lock::new(&redis, "nightly").wait(Duration::from_millis(100));
    /// let held = lock.acquire().await?.ok_or("busy")?;
    /// assert!(lock.acquire().await?.is_none());
    /// held.release().await?;
    /// assert!(lock.acquire().await?.is_some());
    /// # Ok(()) });
    /// ```
    pub async fn acquire(&self) -> Result<Option<Held>, Error> {
        let token = token();
        let attempt = |again| {
            let attempt = self.attempt(&token, again);
            async {
                Ok(match attempt.await? {
                    Attempt::Held(held) => Ok(held),
                    Attempt::Busy { retry_after } => Err(retry_after),
                })
            }
        };
        wait_for(self.settings.wait, attempt).await
    }

    /// Whether somebody has the lock now, or one of its keys.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Lock;
    /// let lock = Lock::new(&redis, "nightly");
    /// assert!(!lock.is_held().await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip and one billed command.
    pub async fn is_held(&self) -> Result<bool, Error> {
        Ok(self.redis.exists(&*self.keys).await? > 0)
    }
}

/// Whether the server has refused IFEQ or DELEX; then it is not asked again.
#[derive(Clone, Debug, Default)]
pub(crate) struct WithoutIfeq(Arc<AtomicBool>);

impl WithoutIfeq {
    pub(crate) fn is_known(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Whether this error says so.
    pub(crate) fn says(&self, error: &Error) -> bool {
        let words = error.to_string().to_ascii_lowercase();
        let has = |word| find(words.as_bytes(), word).is_some();
        let unknown = has("unknown command") || has("not available") || has("syntax error");
        let says = error.is_server() && unknown;
        self.0.fetch_or(says, Relaxed);
        says
    }
}

/// What is kept of a holder: nobody else makes the same. It begins with a letter, so that no client takes it for a number.
pub(crate) fn token() -> String {
    format!("r{}{}", random::name(), random::name())
}

/// Tries until it succeeds or the time has passed. An attempt that fails says how long the one that is in the way has left, if
/// it knows that; `again` says to it that it is not the first.
async fn wait_for<T, F>(time: Duration, attempt: impl Fn(bool) -> F) -> Result<Option<T>, Error>
where
    F: Future<Output = Result<Result<T, Option<Duration>>, Error>>,
{
    let begun = Instant::now();
    let (mut most, mut again) = (FIRST_WAIT, false);
    loop {
        let hint = match attempt(again).await? {
            Ok(held) => return Ok(Some(held)),
            Err(hint) => hint,
        };
        let left = time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        let wait = most.mul_f64(0.5 + random::unit() / 2.0);
        // Behind the end of a lease, and there not all at once.
        let wait = match hint.filter(|hint| *hint < wait) {
            Some(hint) => hint + FIRST_WAIT.mul_f64(random::unit()),
            None => wait,
        };
        clock::sleep(wait.min(left)).await;
        most = (most * 2).min(LONGEST_WAIT);
        again = true;
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("lease", &self.settings.lease)
            .field("fenced", &self.settings.fenced)
            .finish_non_exhaustive()
    }
}
