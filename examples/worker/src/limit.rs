//! At most so many requests a minute, for each IP address and endpoint.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use restis::{
    RateLimiter, Redis,
    ratelimit::{Decision, visitor},
};
use worker::Response;

use crate::Failure;

/// The limit of each endpoint. They stay in the isolate, where a refusal holds without asking again.
static LIMITERS: Mutex<BTreeMap<&'static str, RateLimiter>> = Mutex::new(BTreeMap::new());

fn limiter(redis: &Redis, endpoint: &'static str) -> RateLimiter {
    let mut limiters = LIMITERS.lock().unwrap_or_else(PoisonError::into_inner);
    let limiter = limiters.entry(endpoint).or_insert_with(|| {
        let limit = RateLimiter::fixed_window(100, Duration::from_secs(60)).policy("minute");
        limit.prefix(format!("limit:{endpoint}")).build(redis)
    });
    limiter.clone()
}

/// Counts this request. Windows begin with the minute: whoever spends two minutes' worth around a full minute gets both.
///
/// Cost: one round trip, two billed commands, three in the first of a minute; none while a refusal holds.
pub(crate) async fn check(
    redis: &Redis,
    endpoint: &'static str,
    ip: &str,
) -> Result<Decision, Failure> {
    let visitor = ip.parse::<IpAddr>().map_or(ip.to_owned(), visitor);
    Ok(limiter(redis, endpoint).check(visitor).await?)
}

/// The answer to a request that is too many.
pub(crate) fn refusal(decision: &Decision) -> worker::Result<Response> {
    let refusal = Response::ok(decision.problem())?.with_status(decision.status());
    let headers = refusal.headers();
    headers.set("content-type", "application/problem+json")?;
    if let Some(seconds) = decision.retry_after_field() {
        headers.set("retry-after", &seconds)?;
    }
    tell(refusal, decision)
}

/// What is left, in the fields of the IETF's draft.
pub(crate) fn tell(response: Response, decision: &Decision) -> worker::Result<Response> {
    let headers = response.headers();
    if let Some(field) = decision.rate_limit_field() {
        headers.set("ratelimit", &field)?;
    }
    if let Some(field) = decision.rate_limit_policy_field() {
        headers.set("ratelimit-policy", &field)?;
    }
    Ok(response)
}
