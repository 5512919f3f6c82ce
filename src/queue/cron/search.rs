//! The walk from an instant to the next slot of a pattern.
//!
//! It takes cron-parser's steps in their order, since what comes out where clocks change depends on them: from month to month, day to
//! day, hour to hour.

use super::{
    calendar::{Moment, Offsets, Unit},
    pattern::Pattern,
};

/// A pattern that is not met in so many steps is never met.
const STEPS: u32 = 9_999;

struct Walk<'a, Z> {
    pattern: &'a Pattern,
    zone: &'a Z,
    now: Moment,
    /// The first hour that clocks have just left out, and that which came in place of it.
    gap: Option<(u32, u32)>,
    /// The hour that clocks have just shown for the second time.
    repeated: Option<u32>,
    /// A day, and whether clocks change on it.
    day: Option<((i64, u32, u32), bool)>,
}

pub(super) fn next(
    pattern: &Pattern,
    zone: &impl Offsets,
    from: i64,
    start: Option<i64>,
    end: Option<i64>,
) -> Option<i64> {
    let from = start.map_or(from, |start| from.max(start));
    if end.is_some_and(|end| from > end) {
        return None;
    }
    let mut walk = Walk {
        pattern,
        zone,
        now: Moment::new(from, zone),
        gap: None,
        repeated: None,
        day: None,
    };
    if walk.now.local.milli > 0 {
        walk.now = walk.now.start(Unit::Second, zone);
        walk.step(Unit::Second);
    }
    for _ in 0..STEPS {
        let now = walk.now.millis;
        if start.is_some_and(|start| now < start) || end.is_some_and(|end| now > end) {
            return None;
        }
        if !walk.moves() {
            if now != from {
                return Some(now);
            }
            walk.step(Unit::Second);
        }
    }
    None
}

impl<Z: Offsets> Walk<'_, Z> {
    /// Goes on where the time is not one of the pattern; whether it did.
    fn moves(&mut self) -> bool {
        let local = self.now.local;
        if !self.pattern.months.has(local.month) {
            self.now = self.now.next(Unit::Month, self.zone);
        } else if !(self.pattern).has_day(local.day, local.weekday, local.length()) {
            self.now = self.now.next(Unit::Day, self.zone);
        } else if !self.has_hour() {
            self.move_hour();
        } else if !self.pattern.minutes.has(local.minute) {
            self.move_minute();
        } else if !self.pattern.seconds.has(local.second) {
            self.move_second();
        } else {
            return false;
        }
        true
    }

    /// One hour, minute or second on, with a look at what clocks did in it.
    fn step(&mut self, unit: Unit) {
        let before = self.now;
        self.now = before.next(unit, self.zone);
        if self.pattern.hours.len() == 24 {
            return;
        }
        let local = self.now.local;
        let hours = (local.hour + 24 - before.local.hour) % 24;
        if self.now.offset > before.offset && hours >= 2 {
            self.gap = Some(((before.local.hour + 1) % 24, local.hour));
        } else if hours == 0 && (local.minute, local.second) == (0, 0) {
            self.repeated = Some(local.hour);
        }
    }

    /// Whether the hour counts. An hour behind a gap counts for those in it, and one that comes twice counts once.
    fn has_hour(&self) -> bool {
        let (hour, hours) = (self.now.local.hour, self.pattern.hours);
        let left_out = self.gap.filter(|(_, landing)| *landing == hour);
        if let Some((first, _)) = left_out {
            let missed = (first..first + 24).map(|hour| hour % 24);
            if missed
                .take_while(|one| *one != hour)
                .any(|one| hours.has(one))
            {
                return true;
            }
        }
        self.repeated != Some(hour) && hours.has(hour)
    }

    fn move_hour(&mut self) {
        let hour = self.now.local.hour;
        if self.repeated == Some(hour) {
            self.repeated = None;
            self.step(Unit::Hour);
            return;
        }
        self.gap = None;
        let Some(next) = self.pattern.hours.after(hour) else {
            self.now = self.now.next(Unit::Day, self.zone);
            return;
        };
        if self.is_on_day_of_change() {
            for _ in hour..next {
                self.step(Unit::Hour);
                if self.now.local.hour >= next {
                    break;
                }
            }
        } else {
            self.set(|local| local.hour = next);
        }
        self.first_minute();
    }

    fn move_minute(&mut self) {
        match self.pattern.minutes.after(self.now.local.minute) {
            Some(minute) => {
                self.set(|local| local.minute = minute);
                self.first_second();
            }
            None => {
                self.step(Unit::Hour);
                self.first_minute();
            }
        }
    }

    fn move_second(&mut self) {
        match self.pattern.seconds.after(self.now.local.second) {
            Some(second) => self.set(|local| local.second = second),
            None => {
                self.step(Unit::Minute);
                self.first_second();
            }
        }
    }

    fn first_minute(&mut self) {
        let minute = self.pattern.minutes.first();
        self.set(|local| local.minute = minute);
        self.first_second();
    }

    fn first_second(&mut self) {
        let second = self.pattern.seconds.first();
        self.set(|local| local.second = second);
    }

    fn set(&mut self, change: impl FnOnce(&mut super::calendar::Local)) {
        let mut local = self.now.local;
        change(&mut local);
        self.now = self.now.at(local, self.zone);
    }

    fn is_on_day_of_change(&mut self) -> bool {
        let local = self.now.local;
        let day = (local.year, local.month, local.day);
        if let Some((known, is)) = self.day
            && known == day
        {
            return is;
        }
        let is = self.now.is_on_day_of_change(self.zone);
        self.day = Some((day, is));
        is
    }
}
