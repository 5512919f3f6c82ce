//! Cron patterns with the meaning that BullMQ gives them, which is cron-parser's on luxon's calendar.
//!
//! Two parties that share a scheduler have to agree on its next slot to the millisecond, so this reproduces cron-parser's walk from
//! instant to instant, with what it does in gaps and overlaps of local time. Nothing here does I/O.

mod calendar;
mod pattern;
mod search;
mod zone;

use self::{pattern::Pattern, zone::Zone};

/// A pattern in its time zone.
pub(super) struct Cron {
    pattern: Pattern,
    zone: Zone,
}

impl Cron {
    /// Reads a pattern. Without a zone it is the platform's local time. `seed` picks the values of `H`; without one they are random.
    ///
    /// The error is the reason, without any part of the pattern.
    pub(super) fn parse(
        pattern: &str,
        zone: Option<&str>,
        seed: Option<&str>,
    ) -> Result<Self, String> {
        Ok(Self {
            pattern: Pattern::parse(pattern, seed)?,
            zone: Zone::of(zone)?,
        })
    }

    /// Returns the first slot after `from` that is not before `start` and not after `end`, all in Unix milliseconds, or `None`.
    pub(super) fn next(&self, from: i64, start: Option<i64>, end: Option<i64>) -> Option<i64> {
        search::next(&self.pattern, &self.zone, from, start, end)
    }
}

/// Whether the values of a pattern depend on a seed.
pub(super) fn is_hashed(pattern: &str) -> bool {
    pattern.contains('H')
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    /// Milliseconds of a UTC time.
    fn at(text: &str) -> i64 {
        let time: jiff::Timestamp = text.parse().unwrap_or_default();
        time.as_millisecond()
    }

    fn next(pattern: &str, zone: &str, from: &str) -> Result<Option<String>, String> {
        let cron = Cron::parse(pattern, Some(zone), Some("seed"))?;
        let next = cron.next(at(from), None, None);
        Ok(next.and_then(|next| {
            let next = jiff::Timestamp::from_millisecond(next).ok()?;
            Some(next.to_string())
        }))
    }

    #[test]
    fn patterns_of_all_forms_have_their_next_slot() {
        for (pattern, zone, from, expected) in [
            (
                "*/15 * * * *",
                "UTC",
                "2026-01-01T00:00:00Z",
                "2026-01-01T00:15:00Z",
            ),
            (
                "*/10 * * * * *",
                "UTC",
                "2026-01-01T00:00:01Z",
                "2026-01-01T00:00:10Z",
            ),
            (
                "0/1 * * * * *",
                "UTC",
                "2026-01-01T00:00:01.5Z",
                "2026-01-01T00:00:02Z",
            ),
            (
                "5/15 * * * *",
                "UTC",
                "2026-01-01T00:06:00Z",
                "2026-01-01T00:20:00Z",
            ),
            (
                "@weekdays",
                "UTC",
                "2026-01-02T12:00:00Z",
                "2026-01-05T00:00:00Z",
            ),
            (
                "@hourly",
                "UTC+3",
                "2026-01-02T12:30:00Z",
                "2026-01-02T13:00:00Z",
            ),
            (
                "0 0 L * *",
                "UTC",
                "2028-02-03T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
            (
                "0 0 * * 5L",
                "UTC",
                "2026-01-01T00:00:00Z",
                "2026-01-30T00:00:00Z",
            ),
            (
                "0 0 * * mon#2",
                "UTC",
                "2026-01-01T00:00:00Z",
                "2026-01-12T00:00:00Z",
            ),
            (
                "0 9 * jan-mar 1-5",
                "Europe/Berlin",
                "2026-01-02T12:00:00Z",
                "2026-01-05T08:00:00Z",
            ),
            // The night on which the clock goes forward has no half past two: it is due when the gap is over.
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:30:00Z",
            ),
            // The night on which it goes back has two, and one of them counts.
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-10-25T00:30:00Z",
                "2026-10-26T01:30:00Z",
            ),
            ("7", "UTC", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
        ] {
            let expected = Ok(Some(expected.to_owned()));
            assert_eq!(next(pattern, zone, from), expected, "{pattern} in {zone}");
        }
    }

    #[test]
    fn pattern_that_is_never_met_has_no_next_slot() {
        assert_eq!(
            next("0 0 31 4,6 *", "UTC", "2026-01-01T00:00:00Z"),
            Ok(None)
        );
        let cron = Cron::parse("* * * * *", Some("UTC"), None);
        assert_eq!(
            cron.map(|cron| cron.next(90_000, None, Some(60_000))),
            Ok(None)
        );
    }

    #[test]
    fn what_is_no_pattern_or_no_zone_is_refused() {
        for pattern in [
            "61 * * * *",
            "* * * * * * *",
            "a * * * *",
            "*/0 * * * *",
            "1,1 * * * *",
            "5-1 * * * *",
            "1,,2 * * * *",
            "* * 0 * *",
            "* * 30 2 *",
            "* * * 13 *",
            "* * * * 8",
            "* * * * L",
            "* * * * 1#6",
            "* * * * 1,2#2",
            "* * * foo *",
            "1/2/3 * * * *",
            "@never",
            "H(9-3) * * * *",
            " ",
            "* * * * 5#",
            "-5 * * * *",
        ] {
            assert!(
                Cron::parse(pattern, Some("UTC"), None).is_err(),
                "{pattern}"
            );
        }
        let long = format!("{} * * * *", "0".repeat(1100));
        assert!(Cron::parse(&long, Some("UTC"), None).is_err());
        for zone in ["Europe/Nowhere", "UTC+123", "", "+24:00", "UTC+3:5"] {
            assert!(
                Cron::parse("* * * * *", Some(zone), None).is_err(),
                "{zone}"
            );
        }
    }

    #[test]
    fn hashed_values_depend_on_the_seed_alone() {
        let of = |seed| next_of("H H * * *", seed);
        fn next_of(pattern: &str, seed: &str) -> Option<i64> {
            let cron = Cron::parse(pattern, Some("UTC"), Some(seed)).ok()?;
            cron.next(0, None, None)
        }
        assert_eq!(of("a"), of("a"));
        let different: std::collections::BTreeSet<_> = ["a", "b", "c", "d"].map(of).into();
        assert!(different.len() > 1);
    }

    proptest::proptest! {
        /// Whatever the pattern: it is refused, or its slots come later and later.
        #[test]
        fn any_text_is_refused_or_goes_on(
            pattern in "([0-9*?,/HL#()-]{1,6} ){4,5}[0-9*?,/HL#-]{1,4}",
            from in 0_i64..4_000_000_000_000,
        ) {
            if let Ok(cron) = Cron::parse(&pattern, Some("Europe/Berlin"), Some("s")) {
                let first = cron.next(from, None, None);
                proptest::prop_assert!(first.is_none_or(|first| first > from));
                if let Some(first) = first {
                    let second = cron.next(first, None, None);
                    proptest::prop_assert!(second.is_none_or(|second| second > first));
                }
            }
        }
    }
}
