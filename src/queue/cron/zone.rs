//! Time zones of the platform: natively those of the system, or those that are built in; in JavaScript those of `Intl`.

use super::calendar::Offsets;

const MINUTE: i64 = 60_000;

/// A zone by its name, a fixed offset, or the platform's local time.
pub(super) enum Zone {
    /// Milliseconds ahead of UTC.
    Fixed(i64),
    Platform(platform::Zone),
}

impl Zone {
    /// The error is the reason, without the name.
    pub(super) fn of(name: Option<&str>) -> Result<Self, String> {
        let lower = name.unwrap_or("local").to_ascii_lowercase();
        if matches!(&*lower, "local" | "system" | "default") {
            return Ok(Self::Platform(platform::local()));
        }
        if matches!(&*lower, "utc" | "gmt") {
            return Ok(Self::Fixed(0));
        }
        let fixed = lower.strip_prefix("utc").and_then(behind_utc);
        if let Some(minutes) = fixed.or_else(|| offset(&lower)) {
            return Ok(Self::Fixed(minutes * MINUTE));
        }
        let zone = name.and_then(platform::named).map(Self::Platform);
        zone.ok_or_else(|| "its time zone is unknown here: name one of the IANA database, as Europe/Berlin, or an offset, as UTC+3".into())
    }
}

impl Offsets for Zone {
    fn offset(&self, millis: i64) -> i64 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Platform(zone) => zone.offset(millis),
        }
    }
}

/// The minutes of `+3`, `-03` and `+3:30`, as luxon reads them behind `UTC`.
fn behind_utc(text: &str) -> Option<i64> {
    let (hours, minutes) = match text.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None => (text, "0"),
    };
    let (sign, hours) = signed(hours)?;
    let is_short = hours.len() <= 2;
    is_short.then_some(sign * (number(hours)? * 60 + number(minutes)?))
}

/// The minutes of `+05:30`, `+0530` and `+05`, as `Intl` takes them.
fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = signed(text)?;
    let (hours, minutes) = rest.split_at_checked(2)?;
    let minutes = match minutes {
        "" => "00",
        minutes => minutes.strip_prefix(':').unwrap_or(minutes),
    };
    let (hours, is_whole) = (number(hours)?, minutes.len() == 2);
    let minutes = number(minutes)?;
    (is_whole && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn signed(text: &str) -> Option<(i64, &str)> {
    let positive = text.strip_prefix('+').map(|rest| (1, rest));
    positive.or_else(|| text.strip_prefix('-').map(|rest| (-1, rest)))
}

fn number(text: &str) -> Option<i64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use jiff::{Timestamp, tz::TimeZone};

    pub(super) type Zone = TimeZone;

    pub(super) fn local() -> Zone {
        TimeZone::system()
    }

    pub(super) fn named(name: &str) -> Option<Zone> {
        TimeZone::get(name).ok()
    }

    impl super::Offsets for Zone {
        fn offset(&self, millis: i64) -> i64 {
            let time = Timestamp::from_millisecond(millis).unwrap_or_default();
            i64::from(self.to_offset(time).seconds()) * 1000
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use std::cell::Cell;

    use js_sys::{Array, Function, Object, Reflect};
    use wasm_bindgen::{JsCast as _, JsValue};

    pub(in crate::queue::cron) enum Zone {
        Local,
        Named {
            /// `Intl.DateTimeFormat.prototype.format`, bound.
            format: Function,
            /// The last answer: a walk asks for the same instant several times.
            last: Cell<(i64, i64)>,
        },
    }

    pub(super) fn local() -> Zone {
        Zone::Local
    }

    pub(super) fn named(name: &str) -> Option<Zone> {
        let options = Object::new();
        for (option, value) in [
            ("timeZone", name),
            ("calendar", "gregory"),
            ("numberingSystem", "latn"),
            ("hourCycle", "h23"),
            ("year", "numeric"),
            ("month", "2-digit"),
            ("day", "2-digit"),
            ("hour", "2-digit"),
            ("minute", "2-digit"),
            ("second", "2-digit"),
        ] {
            Reflect::set(&options, &option.into(), &value.into()).ok()?;
        }
        let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
        let class = Reflect::get(&intl, &"DateTimeFormat".into()).ok()?;
        let arguments = Array::of2(&"en-US".into(), &options);
        // It throws where there is no such zone.
        let class: &Function = class.dyn_ref()?;
        let made = Reflect::construct(class, &arguments).ok()?;
        let format = Reflect::get(&made, &"format".into()).ok()?;
        Some(Zone::Named {
            format: format.dyn_into().ok()?,
            last: Cell::new((i64::MIN, 0)),
        })
    }

    impl super::Offsets for Zone {
        fn offset(&self, millis: i64) -> i64 {
            match self {
                Self::Local => {
                    let date = js_sys::Date::new(&JsValue::from_f64(millis as f64));
                    -(date.get_timezone_offset() as i64) * super::MINUTE
                }
                Self::Named { format, last } => {
                    let second = millis.div_euclid(1000);
                    let (known, offset) = last.get();
                    if known == second {
                        return offset;
                    }
                    let offset = shown(format, second).map_or(0, |shown| (shown - second) * 1000);
                    last.set((second, offset));
                    offset
                }
            }
        }
    }

    /// What the clocks of the zone show, in seconds since 1970: `month/day/year, hour:minute:second`.
    fn shown(format: &Function, second: i64) -> Option<i64> {
        let text = format.call1(
            &JsValue::UNDEFINED,
            &JsValue::from_f64(second as f64 * 1000.0),
        );
        let text = text.ok()?.as_string()?;
        let numbers = text.split(|char: char| !char.is_ascii_digit());
        let mut numbers = numbers.filter_map(|number| number.parse::<i64>().ok());
        let (month, day, year) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let (hour, minute, second) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let days = super::super::calendar::days(year, month as u32, day as u32);
        Some(days * 86_400 + hour * 3600 + minute * 60 + second)
    }
}
