//! Local time, with what luxon makes of it where a zone's offset changes.

/// Milliseconds.
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A time zone: how far local time is ahead of UTC at an instant, both in milliseconds.
pub(super) trait Offsets {
    fn offset(&self, millis: i64) -> i64;
}

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) milli: u32,
    /// 0 is Sunday.
    pub(super) weekday: u32,
}

/// A part of a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// An instant as a zone's clocks show it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) millis: i64,
    pub(super) offset: i64,
    pub(super) local: Local,
}

impl Moment {
    pub(super) fn new(millis: i64, zone: &impl Offsets) -> Self {
        let offset = zone.offset(millis);
        Self {
            millis,
            offset,
            local: Local::of(millis.saturating_add(offset)),
        }
    }

    /// The instant at which clocks show this. In an overlap it is the one with our offset; a time in a gap is as far behind the gap
    /// as it was in it.
    pub(super) fn at(self, local: Local, zone: &impl Offsets) -> Self {
        let shown = local.millis();
        let guess = shown - self.offset;
        let there = zone.offset(guess);
        if there == self.offset {
            return Self::new(guess, zone);
        }
        let guess = shown - there;
        let again = zone.offset(guess);
        Self::new(shown - again.min(there), zone)
    }

    /// The next of its kind, at its start; a second is a whole second later.
    pub(super) fn next(self, unit: Unit, zone: &impl Offsets) -> Self {
        let later = |millis| Self::new(self.millis.saturating_add(millis), zone);
        match unit {
            Unit::Second => later(SECOND),
            Unit::Minute => later(MINUTE).start(unit, zone),
            Unit::Hour => later(HOUR).start(unit, zone),
            Unit::Day => self.at(self.local.day_after(), zone).start(unit, zone),
            Unit::Month => self.at(self.local.month_after(), zone).start(unit, zone),
        }
    }

    pub(super) fn start(self, unit: Unit, zone: &impl Offsets) -> Self {
        let mut local = self.local;
        local.milli = 0;
        if unit != Unit::Second {
            local.second = 0;
        }
        if matches!(unit, Unit::Month | Unit::Day | Unit::Hour) {
            local.minute = 0;
        }
        if matches!(unit, Unit::Month | Unit::Day) {
            local.hour = 0;
        }
        if unit == Unit::Month {
            local.day = 1;
        }
        self.at(local, zone)
    }

    /// Whether the offset changes between the first and the last millisecond of its day.
    pub(super) fn is_on_day_of_change(self, zone: &impl Offsets) -> bool {
        let end = self.next(Unit::Day, zone).millis - 1;
        self.start(Unit::Day, zone).offset != zone.offset(end)
    }
}

impl Local {
    /// Of milliseconds since 1970 on the clocks of its zone.
    fn of(shown: i64) -> Self {
        let (days, rest) = (shown.div_euclid(DAY), shown.rem_euclid(DAY));
        let (year, month, day) = date(days);
        let part = |size: i64, count: i64| (rest / size % count) as u32;
        Self {
            year,
            month,
            day,
            hour: part(HOUR, 24),
            minute: part(MINUTE, 60),
            second: part(SECOND, 60),
            milli: part(1, SECOND),
            // 1970 began on a Thursday.
            weekday: (days + 4).rem_euclid(7) as u32,
        }
    }

    fn millis(self) -> i64 {
        days(self.year, self.month, self.day) * DAY
            + i64::from(self.hour) * HOUR
            + i64::from(self.minute) * MINUTE
            + i64::from(self.second) * SECOND
            + i64::from(self.milli)
    }

    /// How many days its month has.
    pub(super) fn length(self) -> u32 {
        length(self.year, self.month)
    }

    fn day_after(self) -> Self {
        Self::of(self.millis() + DAY)
    }

    fn month_after(self) -> Self {
        let (year, month) = match self.month {
            12 => (self.year + 1, 1),
            month => (self.year, month + 1),
        };
        Self {
            year,
            month,
            day: self.day.min(length(year, month)),
            ..self
        }
    }
}

fn length(year: i64, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970 to a date. Years begin in March here, so that a leap day is the last of its year.
pub(super) fn days(year: i64, month: u32, day: u32) -> i64 {
    let (year, month) = match month {
        1 | 2 => (year - 1, i64::from(month) + 9),
        _ => (year, i64::from(month) - 3),
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (month * 153 + 2) / 5 + i64::from(day) - 1 - 719_468
}

/// The date so many days after 1970 began.
fn date(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (year * 365 + year / 4 - year / 100);
    let month = (of_year * 5 + 2) / 153;
    let day = of_year - (month * 153 + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (year, month + 3),
        _ => (year + 1, month - 9),
    };
    (era * 400 + year, month as u32, day as u32)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    struct Utc;

    impl Offsets for Utc {
        fn offset(&self, _: i64) -> i64 {
            0
        }
    }

    proptest::proptest! {
        #[test]
        fn dates_are_those_of_the_calendar(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
            let local = Local::of(millis);
            proptest::prop_assert_eq!(local.millis(), millis);
            let time = jiff::Timestamp::from_millisecond(millis).map(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
            let Ok(time) = time else { return Ok(()) };
            proptest::prop_assert_eq!(
                (local.year, local.month, local.day, local.hour, local.minute, local.second),
                (
                    i64::from(time.year()), time.month() as u32, time.day() as u32, time.hour() as u32,
                    time.minute() as u32, time.second() as u32,
                )
            );
            proptest::prop_assert_eq!(local.weekday, time.weekday().to_sunday_zero_offset() as u32);
            proptest::prop_assert_eq!(local.length(), time.days_in_month() as u32);
            let month = Moment::new(millis, &Utc).next(Unit::Month, &Utc).local;
            proptest::prop_assert_eq!((month.day, month.hour, month.milli), (1, 0, 0));
            proptest::prop_assert_eq!(month.month, local.month % 12 + 1);
        }
    }
}
