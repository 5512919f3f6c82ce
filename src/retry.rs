//! Whether a failed request is made again, and when: [`Retry`], by the [`Safety`] of what is inside.

use std::time::Duration;

use crate::random;

/// What repeating a command does, which decides whether a request that may have run is made again.
///
/// Every command of this crate has its class; [`Command::safety`](crate::Command::safety) changes
/// it for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Safety {
    /// Writes, and a second run changes the data or the reply again: `INCR`, `LPUSH`, `SET … NX`.
    Write,
    /// Writes, and a second run leaves the same data and returns the same reply: `SET`, `EXPIRE`. A relative TTL that is not
    /// longer than the call's timeout makes the command a [`Write`](Self::Write): the second run would bring back what had
    /// expired.
    IdempotentWrite,
    /// Writes nothing: `GET`.
    Read,
}

/// How often a failed request is made again, and how long to wait before.
///
/// The wait before repetition `n` is a random part of `base` × 2ⁿ, at most `max` ("full jitter":
/// a crowd that failed together does not come back together). A longer `Retry-After` of the server
/// is kept to. No wait goes past the timeout of the call.
///
/// What may have run is repeated only if every command in the request is safe to repeat (see
/// [`Safety`]); what certainly did not run is repeated whatever it is.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::Retry;
///
/// redis.incr("views").retry(Retry::never()).await?;
/// # Ok(()) });
/// ```
///
/// Source: [Exponential Backoff And Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    times: u32,
    base: Duration,
    max: Duration,
    ambiguous: bool,
}

impl Default for Retry {
    /// Three times, waiting up to 50, 100 and 200 ms.
    fn default() -> Self {
        Self::times(3)
    }
}

impl Retry {
    /// At most this many repetitions; the waits are those of the default, up to 2 s.
    pub const fn times(times: u32) -> Self {
        Self {
            times,
            base: Duration::from_millis(50),
            max: Duration::from_secs(2),
            ambiguous: false,
        }
    }

    /// Every request is made once.
    pub const fn never() -> Self {
        Self::times(0)
    }

    /// The bounds of the waits: up to `base` before the first repetition, then twice that, at most `max`.
    pub const fn backoff(mut self, base: Duration, max: Duration) -> Self {
        self.base = base;
        self.max = max;
        self
    }

    /// Repeats what may have run even where a second run shows: an `INCR` may then count twice.
    pub const fn even_if_ambiguous(mut self) -> Self {
        self.ambiguous = true;
        self
    }

    pub(crate) fn repeats_ambiguous(self) -> bool {
        self.ambiguous
    }

    /// The stricter of two: what a batch may do is what its most careful member allows.
    pub(crate) fn stricter(self, other: Self) -> Self {
        let fewer = if other.times < self.times {
            other
        } else {
            self
        };
        Self {
            ambiguous: self.ambiguous && other.ambiguous,
            ..fewer
        }
    }

    /// The longest wait before repetition `n` (from 0), or `None` if there is none.
    fn bound(self, n: u32) -> Option<Duration> {
        let doubled = self.base.saturating_mul(2u32.saturating_pow(n));
        (n < self.times).then(|| doubled.min(self.max))
    }

    /// How long to wait before repetition `n` (from 0), or `None` if there is none.
    pub(crate) fn wait(self, n: u32) -> Option<Duration> {
        // `as` ends at the bounds of u64, so no wait is too long.
        let micros = self.bound(n)?.as_secs_f64() * 1e6 * random::unit();
        Some(Duration::from_micros(micros as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_end() {
        let retry = Retry::times(4).backoff(Duration::from_millis(100), Duration::from_millis(500));
        let bounds: Vec<_> = (0..5)
            .map(|n| retry.bound(n).map(|d| d.as_millis()))
            .collect();
        assert_eq!(bounds, [Some(100), Some(200), Some(400), Some(500), None]);
        assert_eq!(Retry::never().wait(0), None);
        assert_eq!(
            Retry::times(u32::MAX).bound(1000),
            Some(Duration::from_secs(2))
        );
    }

    #[test]
    fn jitter_is_full() {
        let retry = Retry::times(1).backoff(Duration::from_secs(1), Duration::from_secs(1));
        let waits: Vec<_> = (0..1000).filter_map(|_| retry.wait(0)).collect();
        assert_eq!(waits.len(), 1000);
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(1)));
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(100)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(900)));
    }

    #[test]
    fn a_batch_is_as_careful_as_its_most_careful_member() {
        let strict = Retry::times(5)
            .even_if_ambiguous()
            .stricter(Retry::times(1));
        assert_eq!(strict, Retry::times(1));
        assert!(Safety::Write < Safety::IdempotentWrite && Safety::IdempotentWrite < Safety::Read);
    }
}
