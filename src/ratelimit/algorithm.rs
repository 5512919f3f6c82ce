//! The algorithms: their keys, their scripts, and what their answers mean.

use std::sync::LazyLock;

use super::decision::{Decision, Reason};
use crate::Script;

/// In how many parts a strict window is counted.
const PARTS: u64 = 10;

macro_rules! scripts {
    ($($name:ident $word:literal $file:literal),*) => {
        $(static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new([include_str!("head.lua"), include_str!($file)].concat())
        });)*

        /// Several limits in one run.
        pub(super) static ALL: LazyLock<Script> = LazyLock::new(|| {
            Script::new([
                $("local function ", $word, "(KEYS, ARGV)\n",
                include_str!("head.lua"), include_str!($file), "end\n",)*
                include_str!("all.lua"),
            ].concat())
        });
    };
}

scripts!(
    FIXED "fixed" "fixed.lua",
    SLIDING "sliding" "sliding.lua",
    BUCKET "bucket" "bucket.lua",
    STRICT "strict" "strict.lua",
    GCRA "gcra" "gcra.lua"
);

/// A hundred years in milliseconds: no window, block or wait is longer.
pub(super) const CENTURY: u64 = 100 * 31_557_600_000;

/// The largest number that is counted exactly: Lua and JavaScript count in doubles.
pub(super) const MOST: u64 = (1 << 53) - 1;

/// With times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Algorithm {
    Fixed { limit: u64, window: u64 },
    Sliding { limit: u64, window: u64 },
    Bucket { rate: u64, interval: u64, most: u64 },
    Strict { limit: u64, window: u64 },
    Gcra { limit: u64, window: u64 },
}

/// What is asked of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Take,
    Look,
    Give,
    Force,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Look => "look",
            Self::Give => "give",
            Self::Force => "force",
        }
    }
}

/// What the script gives: whether it fits, two numbers by the algorithm, and the limit.
pub(super) type Answer = (i64, i64, i64, i64);

impl Algorithm {
    pub(super) fn limit(self) -> u64 {
        match self {
            Self::Fixed { limit, .. }
            | Self::Sliding { limit, .. }
            | Self::Strict { limit, .. }
            | Self::Gcra { limit, .. } => limit,
            Self::Bucket { most, .. } => most,
        }
    }

    /// The window, or the interval of a bucket.
    fn step(self) -> u64 {
        match self {
            Self::Fixed { window, .. }
            | Self::Sliding { window, .. }
            | Self::Strict { window, .. }
            | Self::Gcra { window, .. } => window,
            Self::Bucket { interval, .. } => interval,
        }
    }

    /// In what time `limit` is let through, at an even rate.
    pub(super) fn window(self, limit: u64) -> u64 {
        match self {
            Self::Bucket { rate, interval, .. } => limit.div_ceil(rate).saturating_mul(interval),
            _ => self.step(),
        }
    }

    /// Until when what is counted now may be used as if it were counted then: where the algorithm looks at time next.
    pub(super) fn counts_until(self, now: u64, reset: u64) -> u64 {
        let end = |part: u64| (now / part + 1).saturating_mul(part);
        match self {
            Self::Fixed { window, .. } | Self::Sliding { window, .. } => end(window),
            Self::Strict { window, .. } => end(window.div_ceil(PARTS)),
            Self::Bucket { .. } => reset,
            // At once.
            Self::Gcra { .. } => now,
        }
    }

    /// The keys of a visitor at a time, that of the current window first.
    ///
    /// The keys of a window end with its number, so two visitors never share one. A bucket is the visitor's name alone, as
    /// in @upstash/ratelimit, and so must not reach the keys that the limiter and that library have under the same prefix.
    pub(super) fn keys(self, prefix: &str, id: &str, now: u64) -> Vec<String> {
        match self {
            Self::Fixed { window, .. } => vec![format!("{prefix}:{id}:{}", now / window)],
            Self::Sliding { window, .. } => {
                let number = now / window;
                let before = number.saturating_sub(1);
                vec![
                    format!("{prefix}:{id}:{number}"),
                    format!("{prefix}:{id}:{before}"),
                ]
            }
            Self::Bucket { .. } if is_reserved(id) => vec![own_key(prefix, "bucket", id)],
            Self::Bucket { .. } => vec![format!("{prefix}:{id}")],
            Self::Strict { .. } => vec![own_key(prefix, "strict", id)],
            Self::Gcra { .. } => vec![own_key(prefix, "gcra", id)],
        }
    }

    pub(super) fn script(self) -> &'static Script {
        match self {
            Self::Fixed { .. } => &FIXED,
            Self::Sliding { .. } => &SLIDING,
            Self::Bucket { .. } => &BUCKET,
            Self::Strict { .. } => &STRICT,
            Self::Gcra { .. } => &GCRA,
        }
    }

    /// Its name among several.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fixed { .. } => "fixed",
            Self::Sliding { .. } => "sliding",
            Self::Bucket { .. } => "bucket",
            Self::Strict { .. } => "strict",
            Self::Gcra { .. } => "gcra",
        }
    }

    /// What its script is told; see `head.lua`.
    pub(super) fn words(
        self,
        mode: Mode,
        cost: u64,
        now: u64,
        looks: String,
        visitor: &str,
    ) -> Vec<String> {
        let mut words = vec![
            mode.word().to_owned(),
            cost.to_string(),
            self.limit().to_string(),
            self.step().to_string(),
            now.to_string(),
            looks,
            visitor.to_owned(),
        ];
        match self {
            Self::Bucket { rate, .. } => words.push(rate.to_string()),
            Self::Strict { window, .. } => words.push(window.div_ceil(PARTS).to_string()),
            _ => {}
        }
        words
    }

    /// What an answer means, of a call that counts as `cost`.
    pub(super) fn decision(self, answer: Answer, cost: u64, now: u64) -> Decision {
        let (fits, first, second, limit) = answer;
        let limit = u64::try_from(limit).unwrap_or(0);
        let decision = Decision {
            policy: "".into(),
            allowed: fits == 1,
            reason: Reason::Counted,
            limit,
            remaining: 0,
            reset: now,
            retry_at: Some(now),
            now,
            window: self.window(limit),
        };
        if fits < 0 {
            let left = u64::try_from(first).unwrap_or(0);
            let until = now.saturating_add(left);
            return match fits {
                -1 => decision.refused(Reason::Blocked, Some(until)),
                _ => decision.refused(Reason::Denied, None),
            };
        }
        let (remaining, reset, retry_at) = self.state(first, second, limit, cost, now);
        let end = now.saturating_add(CENTURY);
        let retry_at = match (decision.allowed, cost > limit) {
            (true, _) => Some(now),
            (false, true) => None,
            (false, false) => Some(retry_at.max(now)).filter(|at| *at <= end),
        };
        Decision {
            remaining: remaining.min(limit),
            reset: reset.min(end),
            retry_at,
            ..decision
        }
    }

    /// How many are left, when the time is over that is counted, and from when on a call will do that does not now.
    fn state(self, first: i64, second: i64, limit: u64, cost: u64, now: u64) -> (u64, u64, u64) {
        // Others may have taken back more than was there.
        let counted = |number| u64::try_from(number).unwrap_or(0);
        match self {
            Self::Fixed { window, .. } => {
                let reset = (now / window + 1).saturating_mul(window);
                (limit.saturating_sub(counted(first)), reset, reset)
            }
            Self::Sliding { window, .. } => {
                let (current, before) = (counted(first), counted(second));
                let used = weighed(before, now % window, window).saturating_add(current);
                let reset = (now / window + 1).saturating_mul(window);
                let retry_at = slides_at(current, before, cost, limit, window, now);
                (limit.saturating_sub(used), reset, retry_at)
            }
            Self::Bucket { rate, interval, .. } => {
                // Below zero where more was taken than was there.
                let missing = i128::from(cost) - i128::from(first);
                let missing = u64::try_from(missing).unwrap_or(0);
                let filled = counted(second);
                let times = missing.div_ceil(rate);
                let retry_at = filled.saturating_add(times.saturating_mul(interval));
                (counted(first), filled.saturating_add(interval), retry_at)
            }
            Self::Strict { window, .. } => {
                let part = window.div_ceil(PARTS);
                let reset = (now / part + 1).saturating_mul(part).saturating_add(window);
                (limit.saturating_sub(counted(first)), reset, counted(second))
            }
            Self::Gcra { window, .. } => {
                let each = each(limit, window);
                let ahead = counted(first);
                let left = each.saturating_mul(limit).saturating_sub(ahead);
                let reset = now.saturating_add(ahead.div_ceil(1000));
                (left / each, reset, counted(second).div_ceil(1000))
            }
        }
    }
}

/// A key that only restis uses. The keys of @upstash/ratelimit begin with the prefix and a colon, so no visitor's name leads
/// to one of these.
pub(super) fn own_key(prefix: &str, kind: &str, id: &str) -> String {
    format!("{prefix}/{kind}:{id}")
}

/// Whether @upstash/ratelimit keeps something else under this name: the limit of all, its lists, its analytics.
fn is_reserved(id: &str) -> bool {
    let hour = id.strip_prefix("events:");
    matches!(
        id,
        "dynamic:global" | "denyList:all" | "denyList:ipDenyList" | "ipDenyListStatus"
    ) || hour.is_some_and(|hour| !hour.is_empty() && hour.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What one costs, in microseconds: rounded up, so that there is never more than the limit.
pub(super) fn each(limit: u64, window: u64) -> u64 {
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
