//! Rate limits on Redis: so many calls in a time, for each visitor, among all processes.
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
//! | | keeps to | shared with | billed: allowed, refused |
//! |---|---|---|---|
//! | [`fixed_window`](RateLimiter::fixed_window) | the limit in each window of the clock, twice it around its border | `@upstash/ratelimit` | 2 (the first 3), 3 |
//! | [`sliding_window`](RateLimiter::sliding_window) | the limit, as an estimate by the window before | the same | 4 (5), 3 |
//! | [`token_bucket`](RateLimiter::token_bucket) | a rate, with bursts as large as the bucket | `@upstash/ratelimit` | 4, 2 |
//! | [`gcra`](RateLimiter::gcra) | a rate to the microsecond, with bursts of the limit | | 3, 2 |
//! | [`strict_window`](RateLimiter::strict_window) | the limit in any window, wherever it begins | | 3, 2 |
//!
//! Each check is one round trip, and none while a refusal of this process still holds, or while a
//! [lease](RateLimiterBuilder::lease) has something left. What is refused is not counted. [`retry_at`](Decision::retry_at) is when the same call is let
//! through if nobody else comes in between. Every key ends by itself.
//!
//! The keys and values of the first three are those of `@upstash/ratelimit` 2.2: with the same prefix, limit and window, services
//! in TypeScript and Rust count together. Time is that of the caller's clock, as it is there.
//!
//! A check whose answer is lost is not repeated, since it may have been counted: the call fails, or is decided as was chosen by
//! [`fail_open`](RateLimiterBuilder::fail_open), [`fail_closed`](RateLimiterBuilder::fail_closed) or
//! [`fail_local`](RateLimiterBuilder::fail_local).
//!
//! # What else it looks at, and costs
//!
//! | | billed |
//! |---|---|
//! | [`check_all`](RateLimiter::check_all), several limits in one request, all or nothing | 1, and of each limit what it takes less 1 |
//! | [`allow`](RateLimiterBuilder::allow), [`deny`](RateLimiterBuilder::deny): names, addresses, networks | 0 |
//! | a refusal that still holds, [unless that is not to be kept](RateLimiterBuilder::local_deny) | 0 |
//! | [`lease(n)`](RateLimiterBuilder::lease) | those of one check, for `n` calls |
//! | [`dynamic`](RateLimiterBuilder::dynamic), [`blockable`](RateLimiterBuilder::blockable), [`deny_list`](RateLimiterBuilder::deny_list) | 1 more each |
//! | [`refund`](RateLimiter::refund) | 3, of a sliding window 4 or 5, of a bucket 4 |
//! | [`penalty`](RateLimiter::penalty) | as of a call that is let through |
//!
//! At most so many calls *at a time* are what a [`Semaphore`](crate::Semaphore) keeps, one
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
    algorithm::{Algorithm, Mode},
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

/// So many calls in a time for each of those who call. Cheap to clone, and its clones share what they keep; making one does no
/// I/O, so it can be a global of a Worker.
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

/// A limit that is not at a database yet: [`build`](Self::build).
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
    allow: List,
    deny: List,
    failure: Option<(Failure, Duration)>,
}

impl RateLimiter {
    /// At most `limit` in each window, which begins with a multiple of itself on the clock.
    pub fn fixed_window(limit: u64, window: Duration) -> RateLimiterBuilder {
        RateLimiterBuilder::new(Algorithm::Fixed {
            limit,
            window: millis(window),
        })
    }

    /// About `limit` in the last `window`: what was counted in the window before counts by how much of it still reaches into
    /// that.
    pub fn sliding_window(limit: u64, window: Duration) -> RateLimiterBuilder {
        RateLimiterBuilder::new(Algorithm::Sliding {
            limit,
            window: millis(window),
        })
    }

    /// `rate` tokens come at each `interval`, up to `most`; a call takes one.
    pub fn token_bucket(rate: u64, interval: Duration, most: u64) -> RateLimiterBuilder {
        RateLimiterBuilder::new(Algorithm::Bucket {
            rate: rate.max(1),
            interval: millis(interval),
            most,
        })
    }

    /// `limit` in each `window` at an even rate, of which as many as the limit may come at once.
    pub fn gcra(limit: u64, window: Duration) -> RateLimiterBuilder {
        RateLimiterBuilder::new(Algorithm::Gcra {
            limit: limit.max(1),
            window: millis(window),
        })
    }

    /// Never more than `limit` in any window, by counting in tenths of it. Of what would be allowed to the millisecond it
    /// refuses a little: that in the tenth which reaches into the window with a part of it.
    pub fn strict_window(limit: u64, window: Duration) -> RateLimiterBuilder {
        RateLimiterBuilder::new(Algorithm::Strict {
            limit,
            window: millis(window),
        })
    }
}

/// Settings.
impl RateLimiterBuilder {
    fn new(algorithm: Algorithm) -> Self {
        Self {
            prefix: "@upstash/ratelimit".to_owned(),
            policy: "default".into(),
            algorithm,
            clock: Arc::new(clock::unix_millis),
            local_deny: true,
            lease: 0,
            dynamic: false,
            blockable: false,
            deny_list: false,
            allow: List::default(),
            deny: List::default(),
            failure: None,
        }
    }

    /// What stands before each key, with a colon: `@upstash/ratelimit` by default, as there. Each limit of a database needs
    /// one of its own.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The name of the limit for those who are told of it: `default`, if there is no other.
    pub fn policy(mut self, name: &str) -> Self {
        self.policy = name.into();
        self
    }

    /// Another clock, which gives Unix milliseconds: for tests.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Whether a refusal is kept in this process until [`retry_at`](Decision::retry_at), so that the same call costs nothing
    /// until then: yes by default.
    ///
    /// Nobody is refused who would be let through, unless another process takes something back, forgets him, unblocks him or
    /// raises the limit meanwhile: then he waits as long as he was told to.
    pub fn local_deny(mut self, on: bool) -> Self {
        self.local_deny = on;
        self
    }

    /// Counts so many calls at once in Redis, and lets them through here: for visitors with many calls.
    ///
    /// There are never more than without it. What a process does not use before the algorithm looks at time again (the end of
    /// the window, a tenth of it for a strict one, the next tokens of a bucket) is lost to the others: at most one less than
    /// this for each process. Who asks waits for who asks already. Not for [`gcra`](RateLimiter::gcra), which looks at time
    /// always: there a check fails with [`is_argument`](Error::is_argument). [`check_all`](RateLimiter::check_all) does without.
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
        self.lease = calls;
        self
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

    /// Lets a call through that Redis does not answer in this time; the request is cancelled.
    ///
    /// A mistake that no waiting mends, as a wrong token, is an error all the same.
    pub fn fail_open(mut self, timeout: Duration) -> Self {
        self.failure = Some((Failure::Open, timeout));
        self
    }

    /// Refuses a call that Redis does not answer in this time, with 503 and a second to wait; the request is cancelled.
    pub fn fail_closed(mut self, timeout: Duration) -> Self {
        self.failure = Some((Failure::Closed, timeout));
        self
    }

    /// Counts a call that Redis does not answer in this time in this process alone, by [GCRA](RateLimiter::gcra) with the same
    /// limit; the request is cancelled.
    pub fn fail_local(mut self, timeout: Duration) -> Self {
        self.failure = Some((Failure::Local, timeout));
        self
    }

    /// The limiter at a database.
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
    /// Whether one more call of this visitor is let through, which counts it.
    pub async fn check(&self, id: impl Display) -> Result<Decision, Error> {
        self.check_cost(id, 1).await
    }

    /// The same of a call that counts as so many. More than the limit is never let through.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::gcra(10, Duration::from_secs(1)).build(&redis);
    /// assert_eq!(limiter.check_cost("ada", 8).await?.remaining(), 2);
    /// assert!(!limiter.check_cost("ada", 3).await?.allowed());
    /// assert!(limiter.check_cost("ada", 2).await?.allowed());
    /// # Ok(()) });
    /// ```
    pub async fn check_cost(&self, id: impl Display, cost: u64) -> Result<Decision, Error> {
        self.inner.check(&id.to_string(), cost.max(1)).await
    }

    /// Waits until a call is let through, and gives that; or at once the refusal, if it would have to wait longer than `wait`.
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
            let pause = decision.retry_after();
            let left = wait.saturating_sub(begun.elapsed());
            if decision.allowed() || pause > left {
                return Ok(decision);
            }
            clock::sleep(pause.max(Duration::from_millis(1))).await;
        }
    }

    /// How it stands, without counting anything. [`allowed`](Decision::allowed) is whether a call would be let through.
    ///
    /// Cost: one round trip, and two billed commands, three of a sliding window.
    pub async fn peek(&self, id: impl Display) -> Result<Decision, Error> {
        let id = id.to_string();
        match self.inner.listed(&id)? {
            Some(decision) => Ok(decision),
            None => self.inner.ask(Mode::Look, &id, 1).await,
        }
    }

    /// Takes back what a call has counted that was let through and then not served. What was counted last is taken back
    /// first, and never more than there is.
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
        if cost > 0 {
            self.inner.ask(Mode::Give, &id, cost).await?;
        }
        self.inner.known.remove(&id);
        Ok(())
    }

    /// Counts as so many calls, whether they fit or not: what is too much has to be waited for. It gives how it stands then.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let logins = RateLimiter::token_bucket(1, Duration::from_secs(60), 10).build(&redis);
    /// // A wrong password weighs more than a right one.
    /// logins.penalty("ada", 12).await?;
    /// let refused = logins.check("ada").await?;
    /// assert_eq!(refused.retry_after().as_secs().div_ceil(60), 3);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip. A request whose answer is lost is not repeated.
    pub async fn penalty(&self, id: impl Display, cost: u64) -> Result<Decision, Error> {
        self.inner.ask(Mode::Force, &id.to_string(), cost).await
    }

    /// Lets nothing of this visitor through for so long, in all processes whose limiter is
    /// [`blockable`](RateLimiterBuilder::blockable).
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
        let key = self.inner.block_key(&id);
        let set = self.inner.redis.set(key, 1).px(millis(time));
        set.await?;
        self.inner.leases.remove(&id);
        Ok(())
    }

    /// Ends that before its time.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn unblock(&self, id: impl Display) -> Result<(), Error> {
        let id = id.to_string();
        let gone = self.inner.redis.unlink(self.inner.block_key(&id));
        gone.safety(Safety::IdempotentWrite).await?;
        self.inner.known.remove(&id);
        Ok(())
    }

    /// Another limit for all visitors, from the next check on in all processes whose limiter is
    /// [`dynamic`](RateLimiterBuilder::dynamic); `None` for that of the program.
    ///
    /// It is kept under `prefix:dynamic:global`, as `@upstash/ratelimit` does, without an end.
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
        let redis = &self.inner.redis;
        let key = self.inner.dynamic_key();
        match limit {
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

    /// That limit, if there is one.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn dynamic_limit(&self) -> Result<Option<u64>, Error> {
        self.inner.redis.get(self.inner.dynamic_key()).await
    }

    /// Forgets what was counted of this visitor, and of no other, whatever its name looks like. A block stays.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn reset(&self, id: impl Display) -> Result<(), Error> {
        let id = id.to_string();
        let RateLimiterBuilder {
            algorithm, clock, ..
        } = &self.inner.settings;
        let keys = algorithm.keys(&self.inner.key(&id), clock());
        let gone = self.inner.redis.unlink(&keys);
        gone.safety(Safety::IdempotentWrite).await?;
        self.inner.known.remove(&id);
        self.inner.leases.remove(&id);
        Ok(())
    }
}

/// In whole milliseconds, at least one.
fn millis(time: Duration) -> u64 {
    clock::whole_millis(time).max(1)
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
