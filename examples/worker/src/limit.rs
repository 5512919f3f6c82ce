//! At most so many requests a minute, for each IP address and endpoint.

use restis::Redis;
use worker::{Date, Response};

use crate::Failure;

const LIMIT: i64 = 100;
const WINDOW: u32 = 60;

/// Counts this request, and gives the answer for one that is too many.
///
/// Windows begin with the minute: whoever spends two minutes' worth around a full minute gets both.
///
/// Cost: one round trip, two billed commands.
pub(crate) async fn check(
    redis: &Redis,
    endpoint: &str,
    ip: &str,
) -> Result<Option<Response>, Failure> {
    let now = Date::now().as_millis() / 1000;
    let window = u64::from(WINDOW);
    // Each minute has its own key, so none is ever set back, and Redis forgets it by itself.
    let key = format!("limit:{endpoint}:{ip}:{}", now / window);
    // As a transaction: a count without an end to it would stay in the database for good.
    let count = redis.incr(&key);
    let end = redis.expire(&key, WINDOW.into()).nx();
    let (count, _) = redis.transaction((count, end)).await?;
    if count <= LIMIT {
        return Ok(None);
    }
    let wait = window - now % window;
    let refusal = Response::error("Too many requests: please wait.", 429)?;
    refusal.headers().set("Retry-After", &wait.to_string())?;
    Ok(Some(refusal))
}
