//! What JavaScript says about a client, and about a call: numbers of milliseconds, and nothing where the default serves.

use std::time::Duration;

use restis::Retry;

/// How a failed request is repeated; nothing where it is not said how often.
pub(crate) fn retry(
    retries: Option<u32>,
    base_delay: f64,
    max_delay: f64,
    even_if_ambiguous: bool,
) -> Option<Retry> {
    let retry = Retry::times(retries?).backoff(duration(base_delay), duration(max_delay));
    Some(if even_if_ambiguous {
        retry.even_if_ambiguous()
    } else {
        retry
    })
}

/// Milliseconds as JavaScript counts them; `Infinity` is no bound, and a fraction a whole one.
pub(crate) fn duration(millis: f64) -> Duration {
    // `as` ends at the bounds of u64, so no number of JavaScript is too large.
    Duration::from_millis(millis.ceil() as u64)
}
