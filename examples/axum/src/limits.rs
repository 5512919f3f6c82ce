//! Limits in front of the routes, by the address that the one proxy before this service has seen.

use std::time::Duration;

use restis::{
    RateLimiter, Redis,
    ratelimit::layer::{RateLimitLayer, forwarded_for},
};

const MINUTE: Duration = Duration::from_secs(60);
/// For so long a request waits for Redis to decide.
const PATIENCE: Duration = Duration::from_millis(500);

/// 300 requests a minute for each visitor, and 10,000 in all; both are checked in one round trip. Without Redis each process
/// counts for itself.
pub(crate) fn visits(redis: &Redis) -> RateLimitLayer {
    let by_visitor = RateLimiter::sliding_window(300, MINUTE);
    let by_visitor = by_visitor.prefix("limit:visitor").policy("visitor");
    let in_all = RateLimiter::gcra(10_000, MINUTE);
    let in_all = in_all.prefix("limit:all").policy("all");
    RateLimitLayer::new(
        by_visitor.fail_local(PATIENCE).build(redis),
        forwarded_for(1),
    )
    .and(in_all.fail_local(PATIENCE).build(redis), |_| {
        Some("all".to_owned())
    })
}

/// 10 logins a minute for each visitor, wherever that minute begins. Without Redis nobody logs in.
pub(crate) fn logins(redis: &Redis) -> RateLimitLayer {
    let by_visitor = RateLimiter::strict_window(10, MINUTE);
    let by_visitor = by_visitor.prefix("limit:login").policy("login");
    RateLimitLayer::new(
        by_visitor.fail_closed(PATIENCE).build(redis),
        forwarded_for(1),
    )
}
