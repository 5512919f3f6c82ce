//! At most so many requests a minute, for each IP address and endpoint.

use std::{net::Ipv6Addr, time::Duration};

use restis::{RateLimiter, Redis, ratelimit::Decision};
use worker::Response;

use crate::Failure;

/// The name of the limit in what visitors are told.
const POLICY: &str = "minute";

/// Counts this request. Windows begin with the minute: whoever spends two minutes' worth around a full minute gets both.
///
/// Cost: one round trip, two billed commands, three in the first of a minute.
pub(crate) async fn check(redis: &Redis, endpoint: &str, ip: &str) -> Result<Decision, Failure> {
    let limit = RateLimiter::fixed_window(100, Duration::from_secs(60));
    let limiter = limit.prefix(format!("limit:{endpoint}")).build(redis);
    Ok(limiter.check(visitor(ip)).await?)
}

/// Whom the limit is for: a network of IPv6 is one visitor, who would otherwise have 2⁶⁴ limits.
fn visitor(ip: &str) -> String {
    match ip.parse::<Ipv6Addr>() {
        Ok(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string() + "/64"
        }
        Err(_) => ip.to_owned(),
    }
}

/// The answer to a request that is too many.
pub(crate) fn refusal(decision: &Decision) -> worker::Result<Response> {
    let refusal = Response::error("Too many requests: please wait.", 429)?;
    if let Some(seconds) = decision.retry_after_field() {
        refusal.headers().set("Retry-After", &seconds)?;
    }
    tell(refusal, decision)
}

/// What is left, in the fields of the IETF's draft.
pub(crate) fn tell(response: Response, decision: &Decision) -> worker::Result<Response> {
    let headers = response.headers();
    headers.set("RateLimit", &decision.rate_limit_field(POLICY))?;
    headers.set(
        "RateLimit-Policy",
        &decision.rate_limit_policy_field(POLICY),
    )?;
    Ok(response)
}
