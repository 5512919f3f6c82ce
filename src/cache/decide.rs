//! What the cache decides by: pure functions of times and numbers.

use std::time::Duration;

use super::record::Head;

/// How a value stands, by the clock of who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh,
    /// May be served while somebody refreshes it.
    Stale,
    /// May be served where loading fails.
    IfError,
    /// May not be served.
    Dead,
}

/// How old a value may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Windows {
    pub(super) revalidate: Duration,
    pub(super) if_error: Duration,
}

impl Windows {
    pub(super) fn longest(self) -> Duration {
        self.revalidate.max(self.if_error)
    }

    /// A value that is kept no longer than it is fresh ends by the server's expiry alone, and no clock of ours is asked.
    pub(super) fn age(self, head: &Head, now: u64) -> Age {
        if head.window == 0 || now < head.fresh_until {
            return Age::Fresh;
        }
        let stale_for = Duration::from_millis(now - head.fresh_until);
        if stale_for < self.revalidate {
            Age::Stale
        } else if stale_for < self.if_error {
            Age::IfError
        } else {
            Age::Dead
        }
    }
}

/// Whether a value that is fresh is due to be loaded again, by the rule of XFetch: the nearer its end and the longer
/// its loading takes, the likelier. `chance` is uniform in `[0, 1)`.
///
/// Its end is taken to be earlier by the time that loading takes, so that who begins in time also ends in time: where a
/// value is asked for 100 times a second and takes 50 ms to load, the rule alone has a miss at 13 % of all ends, and so
/// at one of 2,500.
///
/// Without claims this loads e^(1/beta) times for each end, however many ask.
///
/// Source: Vattani, Chierichetti, Lowenstein, [Optimal Probabilistic Cache Stampede Prevention](https://doi.org/10.14778/2757807.2757813),
/// PVLDB 8(8), 2015.
pub(super) fn is_due(head: &Head, now: u64, beta: f64, chance: f64) -> bool {
    if beta <= 0.0 {
        return false;
    }
    let load_time = head.load_time as f64;
    let ahead = load_time + load_time * beta * -(1.0 - chance).ln();
    now as f64 + ahead >= head.fresh_until as f64
}

/// No time is longer, so that none of them overflows: a hundred years.
pub(super) fn sane(time: Duration) -> Duration {
    time.min(Duration::from_secs(100 * 366 * 24 * 60 * 60))
}

/// `time`, as much as `jitter` times itself longer or shorter. `chance` is uniform in `[0, 1)`.
pub(super) fn jittered(time: Duration, jitter: f64, chance: f64) -> Duration {
    time.mul_f64((1.0 + jitter * (2.0 * chance - 1.0)).max(0.0))
}

/// How long to wait before looking for the `number`-th time, from 0, whether another has loaded: from 25 ms, each time
/// 1.6 times as long and at most 250 ms, a quarter more or less. `chance` is uniform in `[0, 1)`.
pub(super) fn poll(number: u32, chance: f64) -> Duration {
    let millis = 25.0 * 1.6_f64.powi(number.min(10) as i32);
    jittered(
        Duration::from_secs_f64(millis.min(250.0) / 1000.0),
        0.25,
        chance,
    )
}

// Seeded randomness is fastrand, which wasm32 has not.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    fn head(fresh_until: u64, load_time: u64) -> Head {
        Head {
            fresh_until,
            load_time,
            ..Head::new(String::new())
        }
    }

    #[test]
    fn ages() {
        let second = Duration::from_secs(1);
        let windows = |revalidate, if_error| Windows {
            revalidate: second * revalidate,
            if_error: second * if_error,
        };
        let mut head = head(10_000, 0);
        // The server still has it, so it is not for a clock to say that it ended.
        assert_eq!(windows(2, 5).age(&head, 99_999), Age::Fresh);
        head.window = 1;
        for (windows, now, age) in [
            (windows(0, 0), 9_999, Age::Fresh),
            (windows(0, 0), 10_000, Age::Dead),
            (windows(2, 5), 9_999, Age::Fresh),
            (windows(2, 5), 10_000, Age::Stale),
            (windows(2, 5), 11_999, Age::Stale),
            (windows(2, 5), 12_000, Age::IfError),
            (windows(2, 5), 14_999, Age::IfError),
            (windows(2, 5), 15_000, Age::Dead),
            (windows(5, 2), 14_999, Age::Stale),
            (windows(5, 2), 15_000, Age::Dead),
        ] {
            assert_eq!(windows.age(&head, now), age, "{windows:?} at {now}");
        }
    }

    #[test]
    fn due() {
        // With a load time of 100 ms and a chance of 1 - 1/e, the value is due 200 ms before its end.
        let chance = 1.0 - (-1.0_f64).exp();
        let head = head(10_000, 100);
        assert!(!is_due(&head, 9_790, 1.0, chance));
        assert!(is_due(&head, 9_810, 1.0, chance));
        assert!(is_due(&head, 9_710, 2.0, chance));
        assert!(!is_due(&head, 10_000, 0.0, 0.999));
        assert!(!is_due(&head, 9_899, 1.0, 0.0));
        assert!(is_due(&head, 9_900, 1.0, 0.0));
    }

    /// Loads for each end, and reads that found nothing, of so many cycles of 100 reads a second.
    fn cycles(count: u32, load: u64, beta: f64, claims: bool) -> (f64, u32) {
        const EVERY: u64 = 10;
        const TTL: u64 = 5_000;
        let mut random = fastrand::Rng::with_seed(7);
        let (mut now, mut loads, mut misses, mut cycle) = (0, 0, 0, 0);
        let mut value = head(TTL, load);
        // When each load under way ends.
        let mut under_way: Vec<u64> = Vec::new();
        while cycle < count {
            now += EVERY;
            if let Some(&end) = under_way.first().filter(|end| **end <= now) {
                value = head(end + TTL, load);
                under_way.clear();
                cycle += 1;
            }
            if now >= value.fresh_until {
                misses += 1;
            }
            let free = !claims || under_way.is_empty();
            if is_due(&value, now, beta, random.f64()) && free {
                under_way.push(now + load);
                loads += 1;
            }
        }
        (f64::from(loads) / f64::from(count), misses)
    }

    #[test]
    fn law_of_early_loads() {
        let (loads, misses) = cycles(200, 200, 1.0, true);
        assert_eq!(misses, 0);
        assert!(loads <= 1.05, "{loads}");
        // Without claims e loads for each end.
        let (loads, _) = cycles(200, 200, 1.0, false);
        assert!((loads - 2.7).abs() <= 0.4, "{loads}");
        // Quick loads too end before the value does.
        let (_, misses) = cycles(10_000, 50, 1.0, true);
        assert!(misses < 20, "{misses}");
    }

    #[test]
    fn jitter_and_polls() {
        let minute = Duration::from_secs(60);
        assert_eq!(jittered(minute, 0.1, 0.0), Duration::from_secs(54));
        assert_eq!(jittered(minute, 0.1, 0.5), minute);
        assert_eq!(jittered(minute, 0.0, 0.9), minute);
        assert_eq!(jittered(minute, 3.0, 0.0), Duration::ZERO);
        for number in 0..100 {
            for chance in [0.0, 0.5, 0.999] {
                let wait = poll(number, chance);
                assert!((18..=313).contains(&wait.as_millis()), "{wait:?}");
            }
        }
    }
}
