//! Rate limits on Redis: so many calls in a time, for each visitor, among all processes.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use std::time::Duration;
//! use restis::RateLimiter;
//!
//! let limiter = RateLimiter::sliding_window(100, Duration::from_secs(60)).build(&redis);
//! let decision = limiter.check("192.0.2.1").await?;
//! println!("RateLimit: {}", decision.rate_limit_field("minute"));
//! if let Some(seconds) = decision.retry_after_field() {
//!     println!("429, Retry-After: {seconds}");
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
//! Each check is one round trip. What is refused is not counted. [`retry_at`](Decision::retry_at) is when the same call is let
//! through if nobody else comes in between. Every key ends by itself.
//!
//! The keys and values of the first three are those of `@upstash/ratelimit` 2.2: with the same prefix, limit and window, services
//! in TypeScript and Rust count together. Time is that of the caller's clock, as it is there.
//!
//! A check whose answer is lost is not repeated, since it may have been counted: the call fails, and whether the visitor is let
//! in then is the caller's to decide.
//!
//! Source: [Cloudflare on sliding windows](https://blog.cloudflare.com/counting-things-a-lot-of-different-things/),
//! [GCRA](https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm).

mod algorithm;
mod decision;

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use self::algorithm::Algorithm;
pub use self::decision::Decision;
use crate::{Error, Redis, clock};

type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// So many calls in a time for each of those who call. Cheap to clone; making one does no I/O, so it can be a global of a
/// Worker.
#[derive(Clone)]
pub struct RateLimiter {
    redis: Redis,
    settings: RateLimiterBuilder,
}

/// A limit that is not at a database yet: [`build`](Self::build).
#[derive(Clone)]
#[must_use = "a limit is checked by what `build` gives"]
pub struct RateLimiterBuilder {
    prefix: String,
    algorithm: Algorithm,
    clock: Clock,
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

impl RateLimiterBuilder {
    fn new(algorithm: Algorithm) -> Self {
        Self {
            prefix: "@upstash/ratelimit".to_owned(),
            algorithm,
            clock: Arc::new(clock::unix_millis),
        }
    }

    /// What stands before each key, with a colon: `@upstash/ratelimit` by default, as there. Each limit of a database needs
    /// one of its own.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Another clock, which gives Unix milliseconds: for tests.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The limiter at a database.
    pub fn build(self, redis: &Redis) -> RateLimiter {
        RateLimiter {
            redis: redis.clone(),
            settings: self,
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
        let cost = cost.max(1);
        self.decide(id.to_string(), cost).await
    }

    /// How it stands, without counting anything. [`allowed`](Decision::allowed) is whether a call would be let through.
    ///
    /// Cost: one round trip, and two billed commands, three of a sliding window.
    pub async fn peek(&self, id: impl Display) -> Result<Decision, Error> {
        self.decide(id.to_string(), 0).await
    }

    /// Forgets what was counted of this visitor, and of no other, whatever its name looks like.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn reset(&self, id: impl Display) -> Result<(), Error> {
        let RateLimiterBuilder {
            prefix,
            algorithm,
            clock,
        } = &self.settings;
        let keys = algorithm.keys(&format!("{prefix}:{id}"), clock());
        let gone = self.redis.unlink(&keys);
        gone.safety(crate::Safety::IdempotentWrite).await?;
        Ok(())
    }

    async fn decide(&self, id: String, cost: u64) -> Result<Decision, Error> {
        let RateLimiterBuilder {
            prefix,
            algorithm,
            clock,
        } = &self.settings;
        let key = format!("{prefix}:{id}");
        algorithm.decide(&self.redis, &key, cost, clock()).await
    }
}

/// In whole milliseconds, at least one.
fn millis(time: Duration) -> u64 {
    clock::whole_millis(time).max(1)
}

impl fmt::Debug for RateLimiterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiterBuilder")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("algorithm", &self.settings.algorithm)
            .finish_non_exhaustive()
    }
}
