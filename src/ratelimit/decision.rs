//! What a check has found.

use std::time::Duration;

/// Whether a call is let through, and how the limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub(super) allowed: bool,
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) reset: u64,
    pub(super) retry_at: u64,
    pub(super) now: u64,
    pub(super) window: u64,
}

impl Decision {
    /// Whether it is let through.
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// How many the limit is.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many more would be let through now.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// When the window ends, or the bucket is filled up next, or all is paid for, in Unix milliseconds.
    pub fn reset(&self) -> u64 {
        self.reset
    }

    /// From when on the same call is let through if nobody else comes in between, in Unix milliseconds; now, if it was.
    /// The end of time for one that counts for more than the limit.
    pub fn retry_at(&self) -> u64 {
        self.retry_at
    }

    /// For how long that is, at the time of the check.
    pub fn retry_after(&self) -> Duration {
        Duration::from_millis(self.retry_at.saturating_sub(self.now))
    }

    /// The value of the field `Retry-After` of a refusal: whole seconds, so that nobody comes too early. `None` if the call
    /// was let through, or never will be.
    ///
    /// Source: [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
    pub fn retry_after_field(&self) -> Option<String> {
        let is_some = !self.allowed && self.retry_at < u64::MAX;
        is_some.then(|| seconds(self.retry_at.saturating_sub(self.now)).to_string())
    }

    /// The value of the field `RateLimit`: how many calls are left, and for how many seconds that holds.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::fixed_window(100, Duration::from_secs(60));
    /// # let limiter = limiter.clock(|| 1_800_000_030_000);
    /// let decision = limiter.build(&redis).check("192.0.2.1").await?;
    /// assert_eq!(decision.rate_limit_field("minute"), r#""minute";r=99;t=30"#);
    /// assert_eq!(decision.rate_limit_policy_field("minute"), r#""minute";q=100;w=60"#);
    /// # Ok(()) });
    /// ```
    ///
    /// Several limits are parted by commas. `policy` is a name for this one; what no field may hold is left out of it.
    ///
    /// Source: [RateLimit header fields](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/), draft 10.
    pub fn rate_limit_field(&self, policy: &str) -> String {
        let left = match self.allowed {
            true => self.reset.saturating_sub(self.now),
            // It must not be later than Retry-After.
            false => self.retry_at.min(self.reset).saturating_sub(self.now),
        };
        format!("{};r={};t={}", name(policy), self.remaining, seconds(left))
    }

    /// The value of the field `RateLimit-Policy`: how many calls in how many seconds.
    ///
    /// Source: the same.
    pub fn rate_limit_policy_field(&self, policy: &str) -> String {
        let window = seconds(self.window).max(1);
        format!("{};q={};w={window}", name(policy), self.limit)
    }
}

/// Whole seconds, up. 15 digits are the most that a field's integers have.
fn seconds(millis: u64) -> u64 {
    millis.div_ceil(1000).min(999_999_999_999_999)
}

/// A string of RFC 9651.
fn name(policy: &str) -> String {
    let mut name = String::from('"');
    for char in policy.chars().filter(|char| matches!(char, ' '..='~')) {
        if matches!(char, '"' | '\\') {
            name.push('\\');
        }
        name.push(char);
    }
    name.push('"');
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(allowed: bool, retry_at: u64) -> Decision {
        Decision {
            allowed,
            limit: 100,
            remaining: 7,
            reset: 60_000,
            retry_at,
            now: 29_500,
            window: 1_500,
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        let refused = decision(false, 30_501);
        assert_eq!(refused.retry_after_field().as_deref(), Some("2"));
        assert_eq!(refused.rate_limit_field("a"), "\"a\";r=7;t=2");
        assert_eq!(refused.rate_limit_policy_field("a"), "\"a\";q=100;w=2");
        let allowed = decision(true, 29_500);
        assert_eq!(allowed.retry_after_field(), None);
        assert_eq!(allowed.rate_limit_field("a"), "\"a\";r=7;t=31");
        let never = decision(false, u64::MAX);
        assert_eq!(never.retry_after_field(), None);
        assert_eq!(never.rate_limit_field("a"), "\"a\";r=7;t=31");
    }

    #[test]
    fn names_hold_what_a_field_may_hold() {
        for (given, field) in [
            ("per ip", "\"per ip\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("é\r\nx: y\u{7f}", "\"x: y\""),
            ("", "\"\""),
        ] {
            assert_eq!(name(given), field);
        }
    }
}
