//! Locks and semaphores in Redis: one holder at a time, or some, among processes that share nothing else, for as long as a
//! lease runs. And of many calls one: [`Throttle`], [`Debounce`].
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use std::time::Duration;
//! use restis::Lock;
//!
//! let lock = Lock::new(&redis, "nightly").lease(Duration::from_secs(30));
//! let Some(held) = lock.try_acquire().await?.held() else {
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
//! - **One holder.** The key is set only where there is none, and deleted or given more time only by its holder.
//! - **A lost answer is not a lost lock.** Each attempt has a random token. Where it is open whether a request has taken the
//!   lock, the key is compared with that token, on the primary where a replica is behind.
//! - **A holder that dies keeps others out no longer than its lease.** So does a request that is delivered late.
//! - **A stall is noticed.** [`Held::run`] checks the lease before each step of the work and behind the last one, by a clock
//!   that nobody sets.
//! - A holder that stalls within a step does not notice until that step is over, and another holder may have the lock by then.
//!   Where that would do harm, [fence](Lock::fenced) what it writes: each holder has a higher number than all before it, and
//!   the resource refuses a lower number than it has seen. Without that a lock saves work, and does not keep it correct.
//! - A database that fails over to a replica that is behind may give a lock twice. The fencing tokens differ.
//!
//! # Clocks
//!
//! A holder measures its lease by a monotonic clock: the system's natively, `performance.now` on wasm32. Setting the wall
//! clock changes nothing. When the leases of a semaphore end, and how high a fencing token is, is decided by the clock of the
//! server. Two cases need care:
//!
//! - The clock of Cloudflare Workers stands still while code computes, and is set by the next event. [`Held::run`] waits for
//!   one at the end of the work, so a computation that outlasts the lease is noticed then. [`Held::valid_for`] does not
//!   notice it before the next answer or timer.
//! - A machine that is suspended may not count that time. Fence what it writes.
//!
//! # Where keys are evicted
//!
//! Use a database with the policy `noeviction`. Where a key is evicted or deleted all the same:
//!
//! | key | what happens | for how long |
//! |---|---|---|
//! | the lock, or one of several | a second holder may take it | until the first renews within [`Held::run`] (a third of its lease), else to the end of its lease |
//! | the counter of a fenced lock | nothing: the next token is made from the server's time, and higher | |
//! | the holders of a [`Semaphore`] | as many permits again may be taken | as for a lock |
//! | that of a [`Throttle`] | one call more is let through | |
//! | that of a [`Debounce`] | two calls may be let through in place of one | |
//!
//! None of them locks anybody out for longer than a lease.
//!
//! # Keys
//!
//! The key is the lock's name and holds the holder's token, set with NX and PX, as `@upstash/lock` has it. A fenced lock has
//! a counter under `name:fence`, for seven days behind the last holder. So no name ends in `:fence`.
//!
//! # Cost
//!
//! Round trips, and commands as they are billed; in brackets where the server has no `SET … IFEQ` and DELEX.
//!
//! | call | round trips | billed |
//! |---|---|---|
//! | [`try_acquire`](Lock::try_acquire) | 1 | 1 |
//! | the same, [fenced](Lock::fenced) | 1 | 4 |
//! | the same of [`n` keys](Lock::all) | 1 | 2 + n; fenced 3 + 2n |
//! | [`acquire`](Lock::acquire), each further attempt | 1 | 2 |
//! | [`extend`](Held::extend) | 1 | 1 (3); of n keys 2 + n |
//! | [`release`](Held::release) | 1 | 1 (3); of n keys 3 |
//!
//! # Sizes
//!
//! What one more costs beside many others: acquired, extended and released. Measured by `cargo xtask compare lock` with Valkey 9.1.2.
//!
//! | there already | lock | fenced lock | permit of one semaphore |
//! |---|---|---|---|
//! | 1 | 10 µs of the server's time, 3 billed | 53 µs, 6 billed | 103 µs, 12 billed |
//! | 1,000 | 12 µs; 138 bytes each | 66 µs; 257 bytes each | 154 µs; 114 bytes each |
//! | 100,000 | 14 µs; 99 bytes each | 114 µs; 188 bytes each | 143 µs; 91 bytes each |
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
mod turn;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

pub(crate) use self::take::WithoutIfeq;
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
    random,
};

/// The end of the key of a counter, behind the name of its lock.
const COUNTER: &str = ":fence";

/// How many names a lock takes: a script cannot pass on more than some thousand keys at once.
const MAX_NAMES: usize = 1000;

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

    /// All of these locks at once, or none: callers that take several never wait for one while they hold another.
    ///
    /// The order of the names has no meaning. Locks of sets that overlap exclude each other, and their
    /// [fencing tokens](Held::fence) are higher than those of any earlier holder of any of the names.
    ///
    /// Taking it fails with [`is_argument`](Error::is_argument) if there is no name, or more than 1,000.
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
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        Self {
            redis: redis.clone(),
            keys: names.into(),
            settings: Settings {
                lease: Duration::from_secs(10),
                fenced: false,
                wait: Duration::from_secs(10),
            },
            without_ifeq: WithoutIfeq::default(),
        }
    }

    /// Sets how long the lock is held unless it is [extended](Held::extend). Default: 10 s.
    ///
    /// Zero has no meaning: taking the lock fails with [`is_argument`](Error::is_argument).
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// Sets how long [`acquire`](Self::acquire) waits. With zero it tries once. Default: 10 s.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.settings.wait = wait;
        self
    }

    /// Gives each holder a [fencing token](Held::fence): a number that is higher than those of all holders before it.
    ///
    /// The resource compares the numbers, and refuses what comes with a lower one than it has seen. A token is the server's
    /// time in Unix microseconds, or one more than the last token where that is higher. So tokens grow even where their
    /// counter was evicted or deleted, unless the server's clock is set back at the same time. They fit into 53 bits.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Lock;
    /// let lock = Lock::new(&redis, "ledger").fenced();
    /// let first = lock.try_acquire().await?.held().ok_or("busy")?;
    /// first.release().await?;
    /// let second = lock.try_acquire().await?.held().ok_or("busy")?;
    /// assert!(second.fence() > first.fence());
    /// # Ok(()) });
    /// ```
    pub fn fenced(mut self) -> Self {
        self.settings.fenced = true;
        self
    }
}

impl Lock {
    /// Takes the lock, or returns at once that another holder has it.
    ///
    /// If it fails with [`is_ambiguous`](Error::is_ambiguous), the lock may have been taken. Then it is free again after the
    /// lease.
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
        self.attempt(&token(), false, &AtomicBool::default()).await
    }

    /// Takes the lock as soon as it is free, for at most the time of [`wait`](Self::wait); `None` if that has passed.
    ///
    /// Between two attempts it waits for a random time, which gets longer, and at most until the holder's lease ends. Waiters
    /// are not queued: there is no fairness. Dropping the future ends the wait. A request that was under way may have taken
    /// the lock, for one lease.
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
        let (token, in_doubt) = (token(), AtomicBool::default());
        let attempt = |again| {
            let attempt = self.attempt(&token, again, &in_doubt);
            async {
                Ok(match attempt.await? {
                    Attempt::Held(held) => Ok(held),
                    Attempt::Busy { retry_after } => Err(retry_after),
                })
            }
        };
        wait_for(self.settings.wait, attempt).await
    }

    /// Returns whether anybody holds the lock now, or one of its names.
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
