//! Rate limits on Redis: at most a number of calls in a period, for each visitor, across all processes.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use std::time::Duration;
//! use restis::RateLimiter;
//!
//! let limiter = RateLimiter::sliding_window(100, Duration::from_secs(60)).build(&redis);
//! let decision = limiter.check("192.0.2.1").await?;
//! if !decision.allowed() {
//!     println!("{} {}", decision.status(), decision.problem());
//! }
//! # assert_eq!((decision.allowed(), decision.remaining()), (true, 99));
//! # Ok(()) });
//! ```
//!
//! # Which one
//!
//! | | keeps | shared with | billed: allowed, refused |
//! |---|---|---|---|
//! | [`fixed_window`](RateLimiter::fixed_window) | the limit in each window of the clock, up to twice the limit around a border | `@upstash/ratelimit` | 2 (the first 3), 3 |
//! | [`sliding_window`](RateLimiter::sliding_window) | the limit, estimated from this window and the one before | `@upstash/ratelimit` | 4 (5), 3 |
//! | [`token_bucket`](RateLimiter::token_bucket) | a rate, with bursts as large as the bucket | `@upstash/ratelimit` | 4, 2 |
//! | [`gcra`](RateLimiter::gcra) | a rate to the microsecond, with bursts as large as the limit | | 3, 2 |
//! | [`strict_window`](RateLimiter::strict_window) | the limit in any window, wherever it begins | | 3, 2 |
//!
//! A check is one round trip. It is none while a refusal remembered by this process still holds, or while a
//! [lease](RateLimiterBuilder::lease) has calls left. A refused call is not counted. [`retry_at`](Decision::retry_at) is when the
//! same call is let through if nobody else is counted in between. Every counter expires.
//!
//! # Keys
//!
//! The keys and values of the first three are those of `@upstash/ratelimit` 2.2: with the same prefix, limit and window, services
//! in TypeScript and Rust count together.
//!
//! | | key |
//! |---|---|
//! | fixed and sliding window | `prefix:visitor:number`, the number of the window |
//! | token bucket | `prefix:visitor`; `prefix/bucket:visitor` for the names `dynamic:global`, `denyList:all`, `denyList:ipDenyList`, `ipDenyListStatus` and `events:` with digits, under which that library keeps other things |
//! | GCRA, strict window, blocks | `prefix/gcra:visitor`, `prefix/strict:visitor`, `prefix/block:visitor` |
//! | the [dynamic limit](RateLimiter::set_dynamic_limit), the [deny list](RateLimiterBuilder::deny_list) | `prefix:dynamic:global`, `prefix:denyList:all` |
//!
//! So no name of a visitor leads to a key of another visitor, or to a key of the limiter. That holds within one prefix: each limit
//! of a database needs its own, and none that continues another one with `:` or `/`.
//!
//! # Sizes
//!
//! What a check of an id costs beside many ids: memory of each id, and the server's time. Measured by `cargo xtask compare ratelimit`
//! with Valkey 9.1.2. The billed commands are the same at every size: 2, 4, 4 and 3.
//!
//! | ids | fixed window | sliding window | token bucket | GCRA |
//! |---|---|---|---|---|
//! | 1 | 15 µs | 22 µs | 26 µs | 22 µs |
//! | 1,000 | 134 bytes, 18 µs | 132 bytes, 19 µs | 182 bytes, 29 µs | 118 bytes, 24 µs |
//! | 100,000 | 98 bytes, 20 µs | 100 bytes, 25 µs | 143 bytes, 31 µs | 115 bytes, 29 µs |
//!
//! # Clocks
//!
//! Time is the caller's clock, as in `@upstash/ratelimit`. If the clock of a host is wrong by less than a window, waits differ by
//! that much. If it is wrong by more, GCRA, the strict window and the bucket go on by the clock of the stored value, with the time
//! to live of its key on the server in place of the difference: one more billed command. The windows of fixed and sliding limits
//! are then counted apart. A refusal never lasts longer than:
//!
//! | | |
//! |---|---|
//! | fixed window | the window |
//! | sliding window | two windows |
//! | token bucket | the time in which the bucket fills |
//! | GCRA | the window |
//! | strict window | the window and a tenth of it |
//!
//! Only a [`penalty`](RateLimiter::penalty) or a [`block`](RateLimiter::block) lasts longer: as long as it was made. The same
//! bounds hold if Redis evicts any of the keys; what was counted in an evicted key is forgotten.
//!
//! # Failures
//!
//! A check whose answer is lost is not repeated, since it may have been counted. The call fails, or is decided as chosen by
//! [`fail_open`](RateLimiterBuilder::fail_open), [`fail_closed`](RateLimiterBuilder::fail_closed) or
//! [`fail_local`](RateLimiterBuilder::fail_local). These apply to an unavailable Redis
//! ([`Error::is_unavailable`]: no answer, `OOM`, `BUSY`, `LOADING`, `READONLY` and the like), not to mistakes (a wrong token, a key
//! of another type). A setting without a meaning (a limit, window, rate or lease of 0) fails every call with
//! [`is_argument`](Error::is_argument).
//!
//! # What else costs
//!
//! | | billed |
//! |---|---|
//! | [`check_all`](RateLimiter::check_all), several limits in one request, all or nothing | 1, and for each limit those of a check less 1 |
//! | [`allow`](RateLimiterBuilder::allow), [`deny`](RateLimiterBuilder::deny): names, addresses, networks | 0 |
//! | a refusal that still holds, unless [`local_deny`](RateLimiterBuilder::local_deny) is off | 0 |
//! | [`lease(n)`](RateLimiterBuilder::lease) | those of one check, for `n` calls |
//! | [`dynamic`](RateLimiterBuilder::dynamic), [`blockable`](RateLimiterBuilder::blockable), [`deny_list`](RateLimiterBuilder::deny_list) | 1 more each |
//! | [`refund`](RateLimiter::refund) | 3; a sliding window 4 or 5, a bucket 4 |
//! | [`penalty`](RateLimiter::penalty) | those of a call that is let through |
//!
//! A process remembers at most 10,000 refusals and 10,000 leases for each limiter, by the name of the visitor or, if that is longer
//! than 64 bytes, by its hash: a few MB at most, whatever the names are.
//!
//! To limit how many calls run *at the same time*, use a [`Semaphore`](crate::Semaphore), one
//! [for each visitor](crate::Semaphore::for_each).
//!
//! Source: [Cloudflare on sliding windows](https://blog.cloudflare.com/counting-things-a-lot-of-different-things/),
//! [GCRA](https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm).

mod algorithm;
mod check;
mod decision;
mod failure;
#[cfg(feature = "tower")]
pub mod layer;
mod lease;
mod lists;
mod memory;
mod several;

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use self::{
    algorithm::{Algorithm, CENTURY, MOST, Mode},
    check::TOO_MUCH,
    failure::Failure,
    lease::Leases,
    lists::List,
    memory::Memory,
};
pub use self::{
    decision::{Decision, Decisions, Reason},
    lists::visitor,
    several::Call,
};
use crate::{Error, Redis, Safety, clock};

type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A limit of calls in a period, for each visitor. Cloning is cheap, and clones share what they remember. Creating one does no I/O,
/// so it can be a global of a Worker.
#[derive(Clone)]
pub struct RateLimiter {
    inner: Arc<Inner>,
}

struct Inner {
    redis: Redis,
    settings: RateLimiterBuilder,
    /// Refusals that still hold.
    known: Memory<(u64, Decision)>,
    leases: Leases,
    /// What is counted while Redis does not answer: when all is paid for, in Unix microseconds.
    here: Memory<u64>,
}

/// The settings of a [`RateLimiter`], which [`build`](Self::build) creates.
#[derive(Clone)]
#[must_use = "a limit is checked by what `build` gives"]
pub struct RateLimiterBuilder {
    prefix: String,
    policy: Arc<str>,
    algorithm: Algorithm,
    clock: Clock,
    local_deny: bool,
    lease: u64,
    dynamic: bool,
    blockable: bool,
    deny_list: bool,
    /// Why this limit has no meaning.
    mistake: Option<&'static str>,
    allow: List,
    deny: List,
    failure: Option<(Failure, Duration)>,
}

impl RateLimiter {
    /// Creates a limit of `limit` calls in each window. Windows begin at multiples of their length on the clock.
    pub fn fixed_window(limit: u64, window: Duration) -> RateLimiterBuilder {
        let algorithm = |limit, window| Algorithm::Fixed { limit, window };
        RateLimiterBuilder::of(limit, window, algorithm)
    }

    /// Creates a limit of about `limit` calls in the last `window`: the calls of the window before count by the part of it that
    /// the last `window` still covers.
    pub fn sliding_window(limit: u64, window: Duration) -> RateLimiterBuilder {
        let algorithm = |limit, window| Algorithm::Sliding { limit, window };
        RateLimiterBuilder::of(limit, window, algorithm)
    }

    /// Creates a limit by tokens: `rate` are added at each `interval`, up to `most`, and a call takes one.
    pub fn token_bucket(rate: u64, interval: Duration, most: u64) -> RateLimiterBuilder {
        let builder = RateLimiterBuilder::of(most, interval, |most, interval| Algorithm::Bucket {
            rate: rate.clamp(1, MOST),
            interval,
            most,
        });
        builder.check(
            rate == 0,
            "a token bucket with a rate of 0 is never filled: use a rate of 1 or more",
        )
    }

    /// Creates a limit of `limit` calls in each `window` at an even rate, of which up to the limit can come at once.
    pub fn gcra(limit: u64, window: Duration) -> RateLimiterBuilder {
        let algorithm = |limit, window| Algorithm::Gcra { limit, window };
        let builder = RateLimiterBuilder::of(limit, window, algorithm);
        builder.check(
            limit > clock::whole_millis(window).saturating_mul(1000),
            "GCRA counts in microseconds, and this limit has more calls than its window has of those: use a lower limit or a \
             longer window",
        )
    }

    /// Creates a limit of `limit` calls in any window, wherever it begins, counted in tenths of the window. Of the calls that an
    /// exact count would let through it refuses those in the tenth which the window covers only in part.
    pub fn strict_window(limit: u64, window: Duration) -> RateLimiterBuilder {
        let algorithm = |limit, window| Algorithm::Strict { limit, window };
        RateLimiterBuilder::of(limit, window, algorithm)
    }
}

/// Settings.
impl RateLimiterBuilder {
    /// Keeps numbers that the algorithms can count with, and notes those that they cannot.
    fn of(limit: u64, window: Duration, algorithm: impl Fn(u64, u64) -> Algorithm) -> Self {
        let millis = clock::whole_millis(window);
        Self::new(algorithm(limit.clamp(1, MOST), millis.clamp(1, CENTURY)))
            .check(
                limit == 0,
                "a limit of 0 lets nothing through: use 1 or more; `set_dynamic_limit` stops all visitors for a time",
            )
            .check(limit > MOST, "a limit above 9007199254740991 cannot be counted exactly")
            .check(millis == 0, "a window shorter than a millisecond has no calls in it: use a millisecond or more")
    }

    /// Notes a mistake. The first one is reported.
    fn check(mut self, is_wrong: bool, mistake: &'static str) -> Self {
        if is_wrong {
            self.mistake = self.mistake.or(Some(mistake));
        }
        self
    }

    fn new(algorithm: Algorithm) -> Self {
        Self {
            prefix: "@upstash/ratelimit".to_owned(),
            policy: "default".into(),
            algorithm,
            clock: Arc::new(clock::unix_millis),
            local_deny: true,
            lease: 1,
            mistake: None,
            dynamic: false,
            blockable: false,
            deny_list: false,
            allow: List::default(),
            deny: List::default(),
            failure: None,
        }
    }

    /// Sets the beginning of each key. Default: `@upstash/ratelimit`, as in that library.
    ///
    /// Each limit of a database needs its own, and none that continues another one with `:` or `/`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the name of the limit in the fields of an HTTP response. Default: `default`.
    pub fn policy(mut self, name: &str) -> Self {
        self.policy = name.into();
        self
    }

    /// Sets the clock, which returns Unix milliseconds: for tests. Default: the clock of the host.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets whether this process remembers a refusal until [`retry_at`](Decision::retry_at), so that the same call costs nothing
    /// until then. Default: `true`.
    ///
    /// A call that would be let through is refused only if another process refunds, resets or unblocks the visitor or raises the
    /// limit in the meantime, at the latest until `retry_at`. A clock that is set back ends it.
    pub fn local_deny(mut self, on: bool) -> Self {
        self.local_deny = on;
        self
    }

    /// Sets how many calls are counted at once in Redis and then let through here: for visitors with many calls. Default: 1.
    ///
    /// There are never more than without it. What a process does not use before the algorithm looks at time again (the end of
    /// the window, a tenth of it for a strict one, the next tokens of a bucket) is lost to the others: at most one call less than
    /// this for each process. Other callers in the process wait for the one that asks. [`gcra`](RateLimiter::gcra) looks at time at
    /// each call, so a check fails there with [`is_argument`](Error::is_argument), as with a lease of 0.
    /// [`check_all`](RateLimiter::check_all) does not use leases.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::{RateLimiter, ratelimit::Reason}, std::time::Duration};
    /// let limiter = RateLimiter::fixed_window(1000, Duration::from_secs(60)).lease(50);
    /// # let limiter = limiter.clock(|| 1_800_000_030_000);
    /// let limiter = limiter.build(&redis);
    /// assert_eq!(limiter.check("api").await?.reason(), Reason::Counted);
    /// assert_eq!(limiter.check("api").await?.reason(), Reason::Leased);
    /// # Ok(()) });
    /// ```
    pub fn lease(mut self, calls: u64) -> Self {
        self.lease = calls.clamp(1, MOST);
        self.check(
            calls == 0,
            "a lease of 0 calls lets nothing through: use 1 or more, where 1 is none",
        )
    }

    /// Looks for [another limit](RateLimiter::set_dynamic_limit) at each check, as `dynamicLimits` of `@upstash/ratelimit` does:
    /// one billed command more.
    pub fn dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// Looks whether the visitor is [blocked](RateLimiter::block) at each check: one billed command more.
    pub fn blockable(mut self) -> Self {
        self.blockable = true;
        self
    }

    /// Looks whether the visitor is in the set `prefix:denyList:all` at each check, which `@upstash/ratelimit` keeps: one billed
    /// command more.
    pub fn deny_list(mut self) -> Self {
        self.deny_list = true;
        self
    }

    /// Lets these through without counting them: names, addresses, networks in CIDR notation.
    ///
    /// A network is compared to visitors that are addresses or networks, as [`visitor`] writes them. One that is wrong fails
    /// each check with [`is_argument`](Error::is_argument).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::gcra(1, Duration::from_secs(60));
    /// let limiter = limiter.allow(["10.0.0.0/8"]).deny(["2001:db8::/32"]).build(&redis);
    /// for _ in 0..2 {
    ///     assert!(limiter.check("10.1.2.3").await?.allowed());
    /// }
    /// assert_eq!(limiter.check("2001:db8::1").await?.status(), 403);
    /// # Ok(()) });
    /// ```
    pub fn allow(mut self, entries: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for entry in entries {
            self.allow.add(entry.as_ref());
        }
        self
    }

    /// Lets none of these through, unless they are [allowed](Self::allow): names, addresses, networks.
    pub fn deny(mut self, entries: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for entry in entries {
            self.deny.add(entry.as_ref());
        }
        self
    }

    /// Lets a call through if Redis does not answer in this time or is unavailable ([`Error::is_unavailable`]); the request is
    /// cancelled.
    ///
    /// Mistakes are still errors: a wrong token, a key of another type, a time of 0.
    pub fn fail_open(self, timeout: Duration) -> Self {
        self.fail(Failure::Open, timeout)
    }

    /// Refuses a call if Redis does not answer in this time or is unavailable, with 503 and a second to wait; the request is
    /// cancelled.
    pub fn fail_closed(self, timeout: Duration) -> Self {
        self.fail(Failure::Closed, timeout)
    }

    /// Counts a call in this process alone if Redis does not answer in this time or is unavailable, by
    /// [GCRA](RateLimiter::gcra) with the same limit; the request is cancelled.
    pub fn fail_local(self, timeout: Duration) -> Self {
        self.fail(Failure::Local, timeout)
    }

    fn fail(mut self, failure: Failure, timeout: Duration) -> Self {
        self.failure = Some((failure, timeout));
        self.check(
            timeout.is_zero(),
            "a timeout of 0 never asks Redis: use a millisecond or more",
        )
    }

    /// Creates the limiter at a database. No I/O.
    pub fn build(self, redis: &Redis) -> RateLimiter {
        RateLimiter {
            inner: Arc::new(Inner {
                redis: redis.clone(),
                settings: self,
                known: Memory::default(),
                leases: Leases::default(),
                here: Memory::default(),
            }),
        }
    }
}

impl RateLimiter {
    /// Counts one more call of this visitor, if it is let through.
    pub async fn check(&self, id: impl Display) -> Result<Decision, Error> {
        self.check_cost(id, 1).await
    }

    /// Counts a call with a cost, if it is let through. A cost above the limit never is:
    /// [`retry_at`](Decision::retry_at) is `None` then. A cost of 0 fails with [`is_argument`](Error::is_argument).
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::gcra(10, Duration::from_secs(3600)).build(&redis);
    /// assert_eq!(limiter.check_cost("ada", 8).await?.remaining(), 2);
    /// assert!(!limiter.check_cost("ada", 3).await?.allowed());
    /// assert!(limiter.check_cost("ada", 2).await?.allowed());
    /// # Ok(()) });
    /// ```
    pub async fn check_cost(&self, id: impl Display, cost: u64) -> Result<Decision, Error> {
        self.inner.check(&id.to_string(), cost).await
    }

    /// Waits until a call is let through and returns that decision, or at once the refusal if it would have to wait longer than
    /// `wait`.
    ///
    /// Others may be let through first; then it waits again.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::gcra(20, Duration::from_secs(1)).build(&redis);
    /// limiter.check_cost("mailer", 20).await?;
    /// assert!(limiter.until_ready("mailer", Duration::from_secs(1)).await?.allowed());
    /// # Ok(()) });
    /// ```
    pub async fn until_ready(&self, id: impl Display, wait: Duration) -> Result<Decision, Error> {
        let id = id.to_string();
        let begun = clock::Instant::now();
        loop {
            let decision = self.inner.check(&id, 1).await?;
            let left = wait.saturating_sub(begun.elapsed());
            match decision.retry_after() {
                Some(pause) if !decision.allowed() && pause <= left => {
                    clock::sleep(pause.max(Duration::from_millis(1))).await;
                }
                _ => return Ok(decision),
            }
        }
    }

    /// Returns the state of the limit, without counting anything. [`allowed`](Decision::allowed) is whether a call would be let through.
    ///
    /// Cost: one round trip, and two billed commands, three of a sliding window.
    pub async fn peek(&self, id: impl Display) -> Result<Decision, Error> {
        let id = id.to_string();
        match self.inner.listed(&id)? {
            Some(decision) => Ok(decision),
            None => self.inner.ask(Mode::Look, &id, 1).await,
        }
    }

    /// Takes back what was counted for a call that was let through and then not served. What was counted last is taken back
    /// first, and never more than there is. A cost of 0 takes nothing back.
    ///
    /// A request whose answer is lost is not repeated.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::sliding_window(10, Duration::from_secs(60)).build(&redis);
    /// limiter.check_cost("ada", 8).await?;
    /// limiter.refund("ada", 5).await?;
    /// assert_eq!(limiter.peek("ada").await?.remaining(), 7);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip.
    pub async fn refund(&self, id: impl Display, cost: u64) -> Result<(), Error> {
        let id = id.to_string();
        self.inner.usable()?;
        if cost > 0 {
            self.inner.ask(Mode::Give, &id, cost.min(MOST)).await?;
        }
        self.inner.known.remove(&id);
        Ok(())
    }

    /// Counts a cost, whether it fits or not: what is too much has to be waited for. Returns the state of the limit then.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let logins = RateLimiter::token_bucket(1, Duration::from_secs(60), 10).build(&redis);
    /// // A wrong password weighs more than a right one.
    /// logins.penalty("ada", 12).await?;
    /// let refused = logins.check("ada").await?;
    /// let wait = refused.retry_after().ok_or("never")?;
    /// assert_eq!(wait.as_secs().div_ceil(60), 3);
    /// # Ok(()) });
    /// ```
    ///
    /// A cost of 0 only looks. The wait it makes is at most 100 years.
    ///
    /// Cost: one round trip. A request whose answer is lost is not repeated.
    pub async fn penalty(&self, id: impl Display, cost: u64) -> Result<Decision, Error> {
        self.inner.usable()?;
        let id = id.to_string();
        match cost {
            0 => self.inner.ask(Mode::Look, &id, 1).await,
            cost if cost > MOST => Err(Error::argument(TOO_MUCH)),
            cost => self.inner.ask(Mode::Force, &id, cost).await,
        }
    }

    /// Refuses every call of this visitor for a time, in all processes whose limiter is
    /// [`blockable`](RateLimiterBuilder::blockable). A time of 0 fails with [`is_argument`](Error::is_argument); more than 100
    /// years are 100 years.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::{RateLimiter, ratelimit::Reason}, std::time::Duration};
    /// let limiter = RateLimiter::gcra(10, Duration::from_secs(1)).blockable().build(&redis);
    /// limiter.block("eve", Duration::from_secs(600)).await?;
    /// assert_eq!(limiter.check("eve").await?.reason(), Reason::Blocked);
    /// limiter.unblock("eve").await?;
    /// assert!(limiter.check("eve").await?.allowed());
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip and one billed command.
    pub async fn block(&self, id: impl Display, time: Duration) -> Result<(), Error> {
        let id = id.to_string();
        self.inner.usable()?;
        let time = match clock::whole_millis(time) {
            0 => {
                return Err(Error::argument(
                    "a block of 0 ms blocks nothing: use a millisecond or more",
                ));
            }
            time => time.min(CENTURY),
        };
        let key = self.inner.block_key(&id);
        let set = self.inner.redis.set(key, 1).px(time);
        set.await?;
        self.inner.leases.remove(&id);
        Ok(())
    }

    /// Ends a [`block`](Self::block) before its time.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn unblock(&self, id: impl Display) -> Result<(), Error> {
        let id = id.to_string();
        let gone = self.inner.redis.unlink(self.inner.block_key(&id));
        gone.safety(Safety::IdempotentWrite).await?;
        self.inner.known.remove(&id);
        Ok(())
    }

    /// Sets another limit for all visitors, from the next check on in all processes whose limiter is
    /// [`dynamic`](RateLimiterBuilder::dynamic); `None` is the limit of the program. 0 lets nothing through.
    ///
    /// It is stored under `prefix:dynamic:global`, as by `@upstash/ratelimit`, and does not expire.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::gcra(10, Duration::from_secs(1)).dynamic().build(&redis);
    /// limiter.set_dynamic_limit(Some(5)).await?;
    /// assert_eq!(limiter.check("ada").await?.limit(), 5);
    /// assert_eq!(limiter.dynamic_limit().await?, Some(5));
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip and one billed command.
    pub async fn set_dynamic_limit(&self, limit: Option<u64>) -> Result<(), Error> {
        self.inner.usable()?;
        let redis = &self.inner.redis;
        let key = self.inner.dynamic_key();
        match limit {
            Some(limit) if limit > MOST => {
                return Err(Error::argument(
                    "a limit above 9007199254740991 cannot be counted exactly",
                ));
            }
            Some(limit) => {
                redis.set(key, limit).await?;
            }
            None => {
                let gone = redis.unlink(key).safety(Safety::IdempotentWrite);
                gone.await?;
            }
        }
        self.inner.known.clear();
        self.inner.leases.clear();
        Ok(())
    }

    /// Returns the limit that [`set_dynamic_limit`](Self::set_dynamic_limit) has set, if there is one.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn dynamic_limit(&self) -> Result<Option<u64>, Error> {
        self.inner.redis.get(self.inner.dynamic_key()).await
    }

    /// Forgets what was counted for this visitor, and for no other, whatever the name looks like. A block stays.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn reset(&self, id: impl Display) -> Result<(), Error> {
        let id = id.to_string();
        let keys = self.inner.keys(&id, self.inner.now());
        let gone = self.inner.redis.unlink(&keys);
        gone.safety(Safety::IdempotentWrite).await?;
        self.inner.known.remove(&id);
        self.inner.leases.remove(&id);
        Ok(())
    }
}

impl fmt::Debug for RateLimiterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiterBuilder")
            .field("policy", &self.policy)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("policy", &self.inner.settings.policy)
            .field("algorithm", &self.inner.settings.algorithm)
            .finish_non_exhaustive()
    }
}
