//! Reading a pattern: five or six fields of numbers, names, lists, ranges, steps, `H`, `L` and `#`.

use crate::random;

/// A longer pattern is refused, in UTF-16 units.
const LONGEST: usize = 1024;

/// What names stand for.
const NAMED: [(&str, &str); 10] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
    ("@minutely", "0 * * * * *"),
    ("@secondly", "* * * * * *"),
    ("@weekdays", "0 0 0 * * 1-5"),
    ("@weekends", "0 0 0 * * 0,6"),
];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The longest that each month can be.
const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A field, and the numbers that it takes.
struct Kind {
    name: &'static str,
    min: u32,
    max: u32,
    /// Whether it takes `L`.
    last: bool,
    /// Whether it takes names.
    named: bool,
    /// Whether 7 is 0.
    week: bool,
}

const fn kind(name: &'static str, min: u32, max: u32) -> Kind {
    Kind {
        name,
        min,
        max,
        last: false,
        named: false,
        week: false,
    }
}

const SECOND: Kind = kind("second", 0, 59);
const MINUTE: Kind = kind("minute", 0, 59);
const HOUR: Kind = kind("hour", 0, 23);
const DAY: Kind = Kind {
    last: true,
    ..kind("day-of-month", 1, 31)
};
const MONTH: Kind = Kind {
    named: true,
    ..kind("month", 1, 12)
};
const WEEKDAY: Kind = Kind {
    last: true,
    named: true,
    week: true,
    ..kind("day-of-week", 0, 7)
};

/// A set of numbers below 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    pub(super) fn has(self, number: u32) -> bool {
        number < 64 && self.0 >> number & 1 == 1
    }

    pub(super) fn first(self) -> u32 {
        self.0.trailing_zeros()
    }

    /// The next higher one.
    pub(super) fn after(self, number: u32) -> Option<u32> {
        let higher = u64::MAX.checked_shl(number + 1).unwrap_or(0);
        let rest = self.0 & higher;
        (rest != 0).then(|| rest.trailing_zeros())
    }

    pub(super) fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether it was not there.
    fn add(&mut self, number: u32) -> bool {
        let is_new = !self.has(number);
        self.0 |= 1_u64.checked_shl(number).unwrap_or(0);
        is_new
    }
}

/// The values of a field.
#[derive(Default)]
struct Values {
    numbers: Set,
    /// Items with an `L`, as they are written.
    last: Vec<String>,
}

/// A pattern whose fields were read.
pub(super) struct Pattern {
    pub(super) seconds: Set,
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) months: Set,
    days: Set,
    any_day: bool,
    last_day: bool,
    weekdays: Set,
    any_weekday: bool,
    /// Weekdays whose last one of a month counts.
    last_weekdays: Option<Set>,
    /// Which one of its weekday in the month a day has to be, or 0.
    nth: f64,
}

impl Pattern {
    pub(super) fn parse(text: &str, seed: Option<&str>) -> Result<Self, String> {
        let text = NAMED
            .iter()
            .find_map(|(name, meaning)| (*name == text).then_some(*meaning))
            .unwrap_or(text);
        if text.encode_utf16().count() > LONGEST {
            return Err(format!("it is longer than {LONGEST} characters"));
        }
        let [second, minute, hour, day, month, weekday] = fields(text)?;
        let mut random = Random::new(seed);
        let mut read = |kind: &Kind, text: &str| kind.read(text, random.unit());
        let seconds = read(&SECOND, second)?.numbers;
        let minutes = read(&MINUTE, minute)?.numbers;
        let hours = read(&HOUR, hour)?.numbers;
        let months = read(&MONTH, month)?.numbers;
        let days = read(&DAY, day)?;
        let (of_week, nth) = nth(weekday)?;
        let weekdays = read(&WEEKDAY, of_week)?;
        if weekdays.last.iter().any(|item| item == "L") {
            return Err("an L in its day-of-week field needs a weekday before it, as 5L".into());
        }
        let any = |text: &str| matches!(text, "*" | "?");
        let last_day = day.contains('L');
        let any_weekday = any(weekday);
        let length = match (months.len(), LENGTHS.get(months.first() as usize - 1)) {
            (1, Some(length)) => *length,
            _ => 31,
        };
        if !last_day && any_weekday && days.numbers.first() > length {
            return Err("its month never has that day".into());
        }
        let last_weekdays = weekday.contains('L').then(|| {
            let mut last = Set::default();
            (0..7)
                .filter(|day| weekdays.numbers.has(*day))
                .for_each(|day| _ = last.add(day));
            let digits = weekdays.last.iter().filter_map(|item| item.chars().next());
            let digits = digits.filter_map(|digit| digit.to_digit(10));
            digits.for_each(|digit| _ = last.add(digit % 7));
            last
        });
        Ok(Self {
            seconds,
            minutes,
            hours,
            months,
            days: days.numbers,
            any_day: any(day),
            last_day,
            weekdays: weekdays.numbers,
            any_weekday,
            last_weekdays,
            nth,
        })
    }

    /// Whether a day counts: `weekday` 0 is Sunday, and its month has `length` days.
    pub(super) fn has_day(&self, day: u32, weekday: u32, length: u32) -> bool {
        let by_day = self.days.has(day) || (self.last_day && day == length);
        let nth = self.nth <= 0.0 || f64::from(day.div_ceil(7)) == self.nth;
        let is_last = |last: Set| day + 7 > length && last.has(weekday);
        let by_weekday =
            (self.weekdays.has(weekday) && nth) || self.last_weekdays.is_some_and(is_last);
        match (self.any_day, self.any_weekday) {
            (_, true) => by_day,
            (true, false) => by_weekday,
            // As cron has it: either is enough.
            (false, false) => by_day || by_weekday,
        }
    }
}

/// Six fields; those that are left out at the front run from the whole minute on.
fn fields(text: &str) -> Result<[&str; 6], String> {
    const LEFT_OUT: [&str; 6] = ["0", "*", "*", "*", "*", "*"];
    let given: Vec<&str> = text
        .split(is_space)
        .filter(|item| !item.is_empty())
        .collect();
    if given.is_empty() {
        return Err("it is empty".into());
    }
    let Some(missing) = LEFT_OUT.len().checked_sub(given.len()) else {
        return Err("it has more than six fields".into());
    };
    let mut all = LEFT_OUT;
    for (place, field) in all.iter_mut().skip(missing).zip(given) {
        *place = field;
    }
    Ok(all)
}

/// What JavaScript's `\s` is.
fn is_space(char: char) -> bool {
    char == '\u{feff}' || (char.is_whitespace() && char != '\u{85}')
}

/// The weekdays before a `#`, and the number behind it.
fn nth(text: &str) -> Result<(&str, f64), String> {
    let Some((weekdays, nth)) = text.split_once('#') else {
        return Ok((text, 0.0));
    };
    if text.contains([',', '-', '/']) {
        return Err(
            "a # in its day-of-week field cannot be combined with lists, ranges or steps".into(),
        );
    }
    match nth.parse() {
        Ok(nth) if (1.0..=5.0).contains(&nth) => Ok((weekdays, nth)),
        _ => Err("a # in its day-of-week field is followed by a number from 1 to 5".into()),
    }
}

impl Kind {
    fn wrong(&self) -> String {
        let Self { name, min, max, .. } = self;
        format!(
            "its {name} field is not valid: it takes numbers from {min} to {max}, each once, with lists (1,2), ranges (1-5) and \
             steps (*/5)"
        )
    }

    fn read(&self, text: &str, random: f64) -> Result<Values, String> {
        self.values(text, random).ok_or_else(|| self.wrong())
    }

    fn values(&self, text: &str, random: f64) -> Option<Values> {
        let text = match self.named {
            true => numbered(text)?,
            false => text.to_owned(),
        };
        let is_allowed = |char: char| {
            char.is_ascii_digit() || "?,*H/-()".contains(char) || (self.last && char == 'L')
        };
        if !text.chars().all(is_allowed) {
            return None;
        }
        let all = format!("{}-{}", self.min, self.max);
        let text = text.replace(['*', '?'], &all);
        let text = self.hashed(&text, random)?;
        let mut values = Values::default();
        for item in text.split(',') {
            self.item(item, &mut values)?;
        }
        Some(values)
    }

    /// One item of a list.
    fn item(&self, item: &str, values: &mut Values) -> Option<()> {
        let (range, step) = match item.split_once('/') {
            Some((_, step)) if step.contains('/') => return None,
            Some((range, step)) => (range, Some(number(step)?)),
            None => (item, None),
        };
        let mut ends = range.split('-');
        let (from, to) = match (ends.next()?, ends.next(), step) {
            // One number with a step goes on to the highest.
            (from, None, Some(_)) => (number(from)?, u64::from(self.max)),
            (from, Some(to), _) => (number(from)?, number(to)?),
            (one, None, None) => return self.one(one, values),
        };
        let step = step.unwrap_or(1);
        if step == 0 || from < u64::from(self.min) || to > u64::from(self.max) || from > to {
            return None;
        }
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let (from, to) = (u32::try_from(from).ok()?, u32::try_from(to).ok()?);
        let mut new = (from..=to).step_by(step).collect::<Vec<_>>();
        if self.week
            && to.is_multiple_of(7)
            && ((to - from) as usize).is_multiple_of(step)
            && !new.contains(&0)
        {
            // Sunday is 7 too.
            new.push(0);
        }
        new.into_iter()
            .all(|number| values.numbers.add(number))
            .then_some(())
    }

    /// One number, or one with an `L`.
    fn one(&self, one: &str, values: &mut Values) -> Option<()> {
        if self.last && one.contains('L') {
            let digits = one.strip_suffix('L')?;
            let is_short = digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            if !is_short || values.last.iter().any(|item| item == one) {
                return None;
            }
            values.last.push(one.to_owned());
            return Some(());
        }
        if one.is_empty() || !one.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = u32::try_from(number(one)?).ok()?;
        if number < self.min || number > self.max {
            return None;
        }
        let number = if self.week { number % 7 } else { number };
        values.numbers.add(number).then_some(())
    }

    /// The text with values in place of each `H`, `H(1-5)`, `H/2` and `H(1-5)/2`.
    fn hashed(&self, text: &str, random: f64) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('H') {
            out.push_str(before);
            rest = behind;
            let range = behind.strip_prefix('(').and_then(|inner| {
                let (range, rest) = inner.split_once(')')?;
                let (min, max) = range.split_once('-')?;
                Some((digits(min)?, digits(max)?, rest))
            });
            let (mut min, mut max) = (u64::from(self.min), u64::from(self.max));
            if let Some((from, to, behind)) = range {
                rest = behind;
                (min, max) = (from.max(min), to.min(max));
                if from > to || min > max {
                    return None;
                }
            }
            let step = rest.strip_prefix('/').and_then(|behind| {
                let count = behind.bytes().take_while(u8::is_ascii_digit).count();
                let (step, behind) = behind.split_at_checked(count)?;
                Some((digits(step)?, behind))
            });
            let one = || {
                let span = (max - min + 1) as f64;
                ((random * span).floor() as u64 + min).to_string()
            };
            match step {
                None => out.push_str(&one()),
                Some((0, _)) => return None,
                Some((step, behind)) => {
                    rest = behind;
                    let offset = (random * step as f64).floor() as u64;
                    let first = (min / step * step).saturating_add(offset);
                    let step = usize::try_from(step).unwrap_or(usize::MAX);
                    let values = (first..=max).step_by(step).filter(|value| *value >= min);
                    let values: Vec<String> = values.map(|value| value.to_string()).collect();
                    match values.is_empty() {
                        // A step that is wider than the range.
                        true => out.push_str(&one()),
                        false => out.push_str(&values.join(",")),
                    }
                }
            }
        }
        out.push_str(rest);
        Some(out)
    }
}

/// The text with numbers in place of names.
fn numbered(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let name = rest.split_at_checked(3);
        let name = name.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let Some((name, behind)) = name else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        };
        let place = |names: &[&str]| names.iter().position(|one| name.eq_ignore_ascii_case(one));
        let number = place(&MONTHS).map(|month| month + 1);
        let number = number.or_else(|| place(&WEEKDAYS))?;
        out.push_str(&number.to_string());
        rest = behind;
    }
    Some(out)
}

/// A number of digits alone.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The number at the front of a text, as JavaScript's `parseInt` reads it.
fn number(text: &str) -> Option<u64> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    digits(text.split_at_checked(count)?.0)
}

/// The generator that cron-parser takes the values of `H` from: mulberry32, seeded by FNV-1a.
struct Random(u32);

impl Random {
    fn new(seed: Option<&str>) -> Self {
        let seed = seed.filter(|seed| !seed.is_empty());
        Self(match seed {
            Some(seed) => seed.encode_utf16().fold(2_166_136_261, |hash, unit| {
                (hash ^ u32::from(unit)).wrapping_mul(16_777_619)
            }),
            None => (random::unit() * f64::from(u32::MAX)) as u32,
        })
    }

    /// The next one, from 0 to 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x6d2b_79f5);
        let mut mixed = (self.0 ^ self.0 >> 15).wrapping_mul(self.0 | 1);
        mixed ^= mixed.wrapping_add((mixed ^ mixed >> 7).wrapping_mul(mixed | 61));
        f64::from(mixed ^ mixed >> 14) / 4_294_967_296.0
    }
}
