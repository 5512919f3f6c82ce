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

    /// For how long that is, at the time of the check: what `Retry-After` says in seconds.
    pub fn retry_after(&self) -> Duration {
        Duration::from_millis(self.retry_at.saturating_sub(self.now))
    }
}
