//! The algorithms: their keys, their scripts, and what their answers mean.

use std::sync::LazyLock;

use super::Decision;
use crate::{Error, Redis, Script};

/// In how many parts a strict window is counted.
const PARTS: u64 = 10;

macro_rules! script {
    ($name:ident, $file:literal) => {
        static $name: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!($file)));
    };
}

script!(FIXED, "fixed.lua");
script!(SLIDING, "sliding.lua");
script!(BUCKET, "bucket.lua");
script!(STRICT, "strict.lua");
script!(GCRA, "gcra.lua");

/// With times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Algorithm {
    Fixed { limit: u64, window: u64 },
    Sliding { limit: u64, window: u64 },
    Bucket { rate: u64, interval: u64, most: u64 },
    Strict { limit: u64, window: u64 },
    Gcra { limit: u64, window: u64 },
}

impl Algorithm {
    fn limit(self) -> u64 {
        match self {
            Self::Fixed { limit, .. }
            | Self::Sliding { limit, .. }
            | Self::Strict { limit, .. }
            | Self::Gcra { limit, .. } => limit,
            Self::Bucket { most, .. } => most,
        }
    }

    /// In what time the limit is let through, at an even rate.
    fn window(self) -> u64 {
        match self {
            Self::Fixed { window, .. }
            | Self::Sliding { window, .. }
            | Self::Strict { window, .. }
            | Self::Gcra { window, .. } => window,
            Self::Bucket {
                rate,
                interval,
                most,
            } => most.div_ceil(rate).saturating_mul(interval),
        }
    }

    /// The keys of a visitor at a time, that of the current window first.
    pub(super) fn keys(self, key: &str, now: u64) -> Vec<String> {
        match self {
            Self::Fixed { window, .. } => vec![format!("{key}:{}", now / window)],
            Self::Sliding { window, .. } => {
                let number = now / window;
                let before = number.saturating_sub(1);
                vec![format!("{key}:{number}"), format!("{key}:{before}")]
            }
            Self::Bucket { .. } => vec![key.to_owned()],
            Self::Strict { .. } => vec![format!("{key}:strict")],
            Self::Gcra { .. } => vec![format!("{key}:gcra")],
        }
    }

    /// Asks Redis; a cost of 0 only looks.
    pub(super) async fn decide(
        self,
        redis: &Redis,
        key: &str,
        cost: u64,
        now: u64,
    ) -> Result<Decision, Error> {
        let keys = self.keys(key, now);
        let run = match self {
            Self::Fixed { limit, window } => {
                let run = FIXED.run::<Vec<u64>>(redis, &keys).arg(cost);
                run.arg(limit).arg(window)
            }
            Self::Sliding { limit, window } => {
                let run = SLIDING.run(redis, &keys).arg(cost).arg(limit);
                run.arg(window).arg(now % window)
            }
            Self::Bucket {
                rate,
                interval,
                most,
            } => {
                let run = BUCKET.run(redis, &keys).arg(cost).arg(most);
                run.arg(interval).arg(rate).arg(now)
            }
            Self::Strict { limit, window } => {
                let run = STRICT.run(redis, &keys).arg(cost).arg(limit);
                run.arg(window).arg(window.div_ceil(PARTS)).arg(now)
            }
            Self::Gcra { limit, window } => {
                let each = each(limit, window);
                let run = GCRA.run(redis, &keys).arg(cost).arg(each);
                run.arg(each.saturating_mul(limit)).arg(now)
            }
        };
        let [allowed, first, second] = run
            .await?
            .try_into()
            .map_err(|_: Vec<u64>| Error::decode("the script of the limit gave something else"))?;
        Ok(self.decision(allowed == 1, first, second, cost, now))
    }

    /// What the two numbers of an answer mean.
    fn decision(self, allowed: bool, first: u64, second: u64, cost: u64, now: u64) -> Decision {
        let limit = self.limit();
        let (remaining, reset, retry_at) = match self {
            Self::Fixed { window, .. } => {
                let reset = (now / window + 1).saturating_mul(window);
                (limit.saturating_sub(first), reset, reset)
            }
            Self::Sliding { window, .. } => {
                let used = weighed(second, now % window, window).saturating_add(first);
                let reset = (now / window + 1).saturating_mul(window);
                let retry_at = slides_at(first, second, cost.max(1), limit, window, now);
                (limit.saturating_sub(used), reset, retry_at)
            }
            Self::Bucket { rate, interval, .. } => {
                let missing = cost.max(1).saturating_sub(first);
                let times = missing.div_ceil(rate);
                let retry_at = second.saturating_add(times.saturating_mul(interval));
                (first, second.saturating_add(interval), retry_at)
            }
            Self::Strict { window, .. } => {
                let part = window.div_ceil(PARTS);
                let reset = (now / part + 1).saturating_mul(part).saturating_add(window);
                (limit.saturating_sub(first), reset, second)
            }
            Self::Gcra { window, .. } => {
                let each = each(limit, window);
                let left = each.saturating_mul(limit).saturating_sub(first);
                let reset = now.saturating_add(first.div_ceil(1000));
                (left / each, reset, second.div_ceil(1000))
            }
        };
        // A look is whether one more would be let through.
        let allowed = allowed && (cost > 0 || remaining > 0);
        let retry_at = match (allowed, cost > limit) {
            (true, _) => now,
            (false, true) => u64::MAX,
            (false, false) => retry_at.max(now),
        };
        Decision {
            allowed,
            limit,
            remaining,
            reset,
            retry_at,
            now,
            window: self.window(),
        }
    }
}

/// What one costs, in microseconds: rounded up, so that there is never more than the limit.
fn each(limit: u64, window: u64) -> u64 {
    window.saturating_mul(1000).div_ceil(limit.max(1)).max(1)
}

/// How much of the window before counts, as the script says it: by the same doubles.
fn weighed(before: u64, passed: u64, window: u64) -> u64 {
    ((1.0 - passed as f64 / window as f64) * before as f64).floor() as u64
}

/// From when on a sliding window has room for `cost`: the first millisecond at which the script's own words hold, in this
/// window, or in the next one, where this one's count is that of the one before.
fn slides_at(current: u64, before: u64, cost: u64, limit: u64, window: u64, now: u64) -> u64 {
    let start = now / window * window;
    let fits =
        |weighed: u64, current: u64| weighed.saturating_add(current).saturating_add(cost) <= limit;
    let first = |from: u64, before: u64, current: u64| {
        // What counts of the window before only shrinks.
        let (mut low, mut high) = (from, window);
        while low < high {
            let middle = low + (high - low) / 2;
            match fits(weighed(before, middle, window), current) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        low
    };
    let passed = first(now % window, before, current);
    if passed < window {
        return start.saturating_add(passed);
    }
    let next = start.saturating_add(window);
    next.saturating_add(first(0, current, 0))
}
