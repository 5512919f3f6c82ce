//! What a check has found, and how it is said in HTTP.

use std::{slice, sync::Arc, time::Duration};

/// Whether a call is let through, and how the limit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub(super) policy: Arc<str>,
    pub(super) allowed: bool,
    pub(super) reason: Reason,
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) reset: u64,
    /// `None` if waiting never helps.
    pub(super) retry_at: Option<u64>,
    pub(super) now: u64,
    pub(super) window: u64,
}

/// By what a call was let through or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// What was counted in Redis.
    Counted,
    /// A refusal that still holds: Redis was not asked.
    Known,
    /// A [lease](super::RateLimiterBuilder::lease) of this process: Redis was not asked.
    Leased,
    /// It is [blocked](super::RateLimiter::block) for some time.
    Blocked,
    /// It is in the list of those [allowed](super::RateLimiterBuilder::allow); nothing was counted.
    Allowed,
    /// It is in a list of those [denied](super::RateLimiterBuilder::deny).
    Denied,
    /// Redis did not answer: let through or refused as was [chosen](super::RateLimiterBuilder::fail_open).
    Unavailable,
    /// Redis did not answer: [counted in this process](super::RateLimiterBuilder::fail_local) alone.
    CountedHere,
}

/// What a check of several limits has found. A call that one of them refuses is counted by none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decisions(pub(super) Vec<Decision>);

impl Decision {
    pub(super) fn refused(self, reason: Reason, retry_at: Option<u64>) -> Self {
        Self {
            allowed: false,
            reason,
            remaining: 0,
            reset: retry_at.unwrap_or(self.now),
            retry_at,
            ..self
        }
    }

    /// The [name](super::RateLimiterBuilder::policy) of the limit.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Whether it is let through.
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// By what.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// How many the limit is.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many more would be let through now; 0 where that is not known.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns when the window ends, or the bucket is filled up next, or all is paid for, in Unix milliseconds; the time of the
    /// check if nothing was counted.
    pub fn reset(&self) -> u64 {
        self.reset
    }

    /// Returns when the same call is let through if nobody else is counted in between, in Unix milliseconds; the time of the
    /// check if it was let through.
    ///
    /// `None` if waiting does not help: the call costs more than the limit, the visitor is in a list of those denied, or it would
    /// take more than 100 years.
    pub fn retry_at(&self) -> Option<u64> {
        self.retry_at
    }

    /// Returns how long after the check that is; `None` if waiting does not help.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::gcra(10, Duration::from_secs(3600)).build(&redis);
    /// assert_eq!(limiter.check_cost("ada", 10).await?.retry_after(), Some(Duration::ZERO));
    /// assert!(limiter.check("ada").await?.retry_after() > Some(Duration::ZERO));
    /// assert_eq!(limiter.check_cost("ada", 11).await?.retry_after(), None);
    /// # Ok(()) });
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        let at = self.retry_at?;
        Some(Duration::from_millis(at.saturating_sub(self.now)))
    }

    /// The status of the answer: 200, 429 Too Many Requests, 403 Forbidden for who is in a list of those denied, 503 Service
    /// Unavailable where Redis did not answer.
    pub fn status(&self) -> u16 {
        status(slice::from_ref(self))
    }

    /// Returns the value of the field `Retry-After` of a refusal: whole seconds, rounded up. `None` if the call was let through,
    /// or if waiting does not help.
    ///
    /// Source: [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
    pub fn retry_after_field(&self) -> Option<String> {
        retry_after(slice::from_ref(self))
    }

    /// The value of the field `RateLimit`: how many calls are left, and for how many seconds that holds. `None` where nothing
    /// was counted.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::fixed_window(100, Duration::from_secs(60)).policy("minute");
    /// # let limiter = limiter.clock(|| 1_800_000_030_000);
    /// let decision = limiter.build(&redis).check("192.0.2.1").await?;
    /// assert_eq!(decision.rate_limit_field().as_deref(), Some(r#""minute";r=99;t=30"#));
    /// assert_eq!(decision.rate_limit_policy_field().as_deref(), Some(r#""minute";q=100;w=60"#));
    /// # Ok(()) });
    /// ```
    ///
    /// Source: [RateLimit header fields](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/), draft 10.
    pub fn rate_limit_field(&self) -> Option<String> {
        limits(slice::from_ref(self))
    }

    /// The value of the field `RateLimit-Policy`: how many calls in how many seconds. `None` where nothing was counted.
    ///
    /// Source: the same.
    pub fn rate_limit_policy_field(&self) -> Option<String> {
        policies(slice::from_ref(self))
    }

    /// The body of a refusal, of the type `application/problem+json`.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::RateLimiter, std::time::Duration};
    /// let limiter = RateLimiter::gcra(1, Duration::from_secs(60)).policy("minute").build(&redis);
    /// let refused = limiter.check_cost("192.0.2.1", 2).await?;
    /// assert_eq!(
    ///     refused.problem(),
    ///     r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","status":429,"violated-policies":["minute"]}"#,
    /// );
    /// # Ok(()) });
    /// ```
    ///
    /// Source: the same, and [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).
    pub fn problem(&self) -> String {
        problem(slice::from_ref(self))
    }

    /// Whether anything was counted that a client could go by.
    fn is_counted(&self) -> bool {
        matches!(
            self.reason,
            Reason::Counted | Reason::Known | Reason::Leased | Reason::CountedHere
        )
    }
}

impl Decisions {
    /// Whether all of them let it through.
    pub fn allowed(&self) -> bool {
        self.0.iter().all(Decision::allowed)
    }

    /// Those of each limit, in the order of the calls. One that refuses without having asked Redis stands alone.
    pub fn each(&self) -> &[Decision] {
        &self.0
    }

    /// Those that refuse.
    pub fn refused(&self) -> impl Iterator<Item = &Decision> {
        refused(&self.0)
    }

    /// Returns when all of them let the call through if nobody else is counted in between, in Unix milliseconds. `None` if
    /// waiting does not help with one of them, or if there are none.
    pub fn retry_at(&self) -> Option<u64> {
        let all: Option<Vec<u64>> = self.0.iter().map(Decision::retry_at).collect();
        all?.into_iter().max()
    }

    /// The status of the answer; see [`Decision::status`].
    pub fn status(&self) -> u16 {
        status(&self.0)
    }

    /// The value of the field `Retry-After`; see [`Decision::retry_after_field`].
    pub fn retry_after_field(&self) -> Option<String> {
        retry_after(&self.0)
    }

    /// The value of the field `RateLimit`; see [`Decision::rate_limit_field`].
    pub fn rate_limit_field(&self) -> Option<String> {
        limits(&self.0)
    }

    /// The value of the field `RateLimit-Policy`; see [`Decision::rate_limit_policy_field`].
    pub fn rate_limit_policy_field(&self) -> Option<String> {
        policies(&self.0)
    }

    /// The body of a refusal; see [`Decision::problem`].
    pub fn problem(&self) -> String {
        problem(&self.0)
    }
}

fn refused(decisions: &[Decision]) -> impl Iterator<Item = &Decision> {
    decisions.iter().filter(|one| !one.allowed)
}

fn status(decisions: &[Decision]) -> u16 {
    let of = |one: &Decision| match one.reason {
        Reason::Denied => 403,
        Reason::Unavailable => 503,
        _ => 429,
    };
    // Who is denied need not wait for anything.
    let all: Vec<u16> = refused(decisions).map(of).collect();
    [403, 429, 503]
        .into_iter()
        .find(|status| all.contains(status))
        .unwrap_or(200)
}

fn retry_after(decisions: &[Decision]) -> Option<String> {
    let waits: Option<Vec<u64>> = refused(decisions)
        .map(|one| Some(one.retry_at?.saturating_sub(one.now)))
        .collect();
    waits?
        .into_iter()
        .max()
        .map(|wait| seconds(wait).to_string())
}

fn limits(decisions: &[Decision]) -> Option<String> {
    list(decisions, |one| {
        let left = match one.allowed {
            true => one.reset,
            // It must not be later than Retry-After.
            false => one.retry_at.map_or(one.reset, |at| at.min(one.reset)),
        };
        let left = seconds(left.saturating_sub(one.now));
        format!("{};r={};t={left}", name(&one.policy), whole(one.remaining))
    })
}

fn policies(decisions: &[Decision]) -> Option<String> {
    list(decisions, |one| {
        let window = seconds(one.window).max(1);
        format!("{};q={};w={window}", name(&one.policy), whole(one.limit))
    })
}

/// A list of RFC 9651, of what was counted.
fn list(decisions: &[Decision], item: impl Fn(&Decision) -> String) -> Option<String> {
    let counted = decisions.iter().filter(|one| one.is_counted());
    let items: Vec<String> = counted.map(item).collect();
    (!items.is_empty()).then(|| items.join(", "))
}

fn problem(decisions: &[Decision]) -> String {
    const TYPES: &str = "https://iana.org/assignments/http-problem-types#";
    let status = status(decisions);
    let blocked = refused(decisions).all(|one| one.reason == Reason::Blocked);
    let (kind, title) = match status {
        403 => ("about:blank".to_owned(), "Forbidden"),
        503 => (
            format!("{TYPES}temporary-reduced-capacity"),
            "The service is not available",
        ),
        _ if blocked => (
            format!("{TYPES}abnormal-usage-detected"),
            "Blocked for some time",
        ),
        _ => (format!("{TYPES}quota-exceeded"), "Too many requests"),
    };
    let mut body = format!(r#"{{"type":"{kind}","title":"{title}","status":{status}"#);
    if status == 429 {
        // What a string of RFC 9651 may hold and how it is quoted is a string of JSON too.
        let names: Vec<String> = refused(decisions).map(|one| name(&one.policy)).collect();
        body += &format!(r#","violated-policies":[{}]"#, names.join(","));
    }
    body + "}"
}

/// Whole seconds, up.
fn seconds(millis: u64) -> u64 {
    whole(millis.div_ceil(1000))
}

/// 15 digits are the most that a field's integers have.
fn whole(number: u64) -> u64 {
    number.min(999_999_999_999_999)
}

/// A string of RFC 9651; what it may not hold is left out.
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

    fn decision(allowed: bool, retry_at: impl Into<Option<u64>>) -> Decision {
        Decision {
            policy: "a".into(),
            allowed,
            reason: Reason::Counted,
            limit: 100,
            remaining: 7,
            reset: 60_000,
            retry_at: retry_at.into(),
            now: 29_500,
            window: 1_500,
        }
    }

    fn field(field: Option<String>) -> String {
        field.unwrap_or_default()
    }

    #[test]
    fn seconds_are_rounded_up() {
        let refused = decision(false, 30_501);
        assert_eq!(refused.retry_after_field().as_deref(), Some("2"));
        assert_eq!(field(refused.rate_limit_field()), "\"a\";r=7;t=2");
        assert_eq!(field(refused.rate_limit_policy_field()), "\"a\";q=100;w=2");
        let allowed = decision(true, 29_500);
        assert_eq!(allowed.retry_after_field(), None);
        assert_eq!(field(allowed.rate_limit_field()), "\"a\";r=7;t=31");
        let never = decision(false, None);
        assert_eq!(never.retry_after_field(), None);
        assert_eq!(field(never.rate_limit_field()), "\"a\";r=7;t=31");
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

    /// What several say: that of the longest wait, and of the one that weighs most.
    #[test]
    fn several_speak_as_one() {
        let blank = |reason, retry_at: Option<u64>| decision(false, 0).refused(reason, retry_at);
        let counted = decision(false, 31_000);
        let allowed = decision(true, 29_500);
        let blocked = blank(Reason::Blocked, Some(50_000));
        let denied = blank(Reason::Denied, None);
        let closed = blank(Reason::Unavailable, Some(30_000));
        let cases: [(&[&Decision], u16, Option<&str>, &str); 7] = [
            (&[&allowed], 200, None, ""),
            (&[&allowed, &counted], 429, Some("2"), "#quota-exceeded"),
            (
                &[&blocked, &allowed],
                429,
                Some("21"),
                "#abnormal-usage-detected",
            ),
            (&[&blocked, &counted], 429, Some("21"), "#quota-exceeded"),
            (&[&denied, &counted], 403, None, "about:blank"),
            (&[&closed], 503, Some("1"), "#temporary-reduced-capacity"),
            (&[&closed, &counted], 429, Some("2"), "#quota-exceeded"),
        ];
        for (decisions, status, retry_after, kind) in cases {
            let all = Decisions(decisions.iter().copied().cloned().collect());
            assert_eq!(all.status(), status);
            assert_eq!(all.retry_after_field().as_deref(), retry_after);
            assert_eq!(all.allowed(), status == 200);
            let body: serde_json::Value = serde_json::from_str(&all.problem()).unwrap_or_default();
            assert_eq!(body["status"], status);
            let found = body["type"].as_str().unwrap_or_default();
            assert!(found.ends_with(kind), "{body}");
        }
        let all = Decisions(vec![allowed, blocked, counted]);
        assert_eq!(
            field(all.rate_limit_field()),
            "\"a\";r=7;t=31, \"a\";r=7;t=2"
        );
        assert_eq!(all.retry_at(), Some(50_000));
        assert_eq!(Decisions(Vec::new()).retry_at(), None);
    }
}
