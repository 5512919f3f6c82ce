//! Cron patterns have the slots that BullMQ's own strategy gives them.

use restis::queue::Repeat;
use serde_json::{Value, json};

use super::Scene;

const CASES: usize = 3000;

/// Zones whose clocks change by an hour, by half an hour or by two, at midnight or before it, not at all, or by no whole hour. None
/// whose rules are new: Node and the system may have different versions of the database.
const ZONES: [&str; 26] = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "America/Los_Angeles",
    "Atlantic/Azores",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Easter",
    "europe/london",
    "UTC+3",
    "utc-3:30",
    "GMT",
    "+05:45",
    "Etc/GMT+5",
];

/// Texts that are no patterns, or look as if they were none.
const STRANGE: [&str; 40] = [
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
    "@weekdays",
    "@weekends",
    "@minutely",
    "@secondly",
    "@never",
    "@Hourly",
    "5",
    "5 4",
    "5 4 3",
    "  */5   *\t* * *  ",
    "60 * * * *",
    "* 24 * * *",
    "* * 32 * *",
    "* * 0 * *",
    "* * * 0 *",
    "* * * * 8",
    "1,1 * * * *",
    "*,1 * * * *",
    "1-5,3 * * * *",
    "5-1 * * * *",
    "*/0 * * * *",
    "1/2/3 * * * *",
    ",1 * * * *",
    "-1 * * * *",
    "a * * * *",
    "* * * foo *",
    "* * 31 2 *",
    "* * 31 4,6 *",
    "0 0 30 2 *",
    "* * * * L",
    "* * * * 1#6",
    "* * * * 1,2#2",
    "* * * * * * *",
    "* * 5L-10 * *",
];

const MONTHS: [&str; 12] = [
    "jan", "Feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

struct Maker(fastrand::Rng);

impl Maker {
    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.0.usize(..all.len())]
    }

    /// A field of numbers from `min` to `max`; mostly a valid one.
    fn field(&mut self, min: u32, max: u32, any: u8) -> String {
        let rng = &mut self.0;
        if rng.u8(..10) < any {
            return if rng.u8(..12) == 0 { "?" } else { "*" }.to_owned();
        }
        let number = rng.u32(min..=max);
        let higher = rng.u32(number..=max);
        let step = rng.u32(1..=max / 2 + 1);
        match rng.u8(..14) {
            0..4 => number.to_string(),
            4 => format!("{number}-{higher}"),
            5 => format!("{number}-{higher}/{step}"),
            6 => format!("{number}/{step}"),
            7 | 8 => format!("*/{step}"),
            9 => format!("{number},{}", rng.u32(min..=max)),
            10 => format!("{min},{number}-{higher}"),
            11 => "H".to_owned(),
            12 => format!("H({number}-{higher})"),
            _ => format!("H/{step}"),
        }
    }

    fn pattern(&mut self) -> String {
        if self.0.u8(..12) == 0 {
            return self.one_of(&STRANGE).to_owned();
        }
        let second = match self.0.u8(..4) {
            0 => format!("{} ", self.field(0, 59, 3)),
            _ => String::new(),
        };
        let minute = self.field(0, 59, 2);
        let hour = match self.0.u8(..3) {
            // Where clocks change.
            0 => self.0.u32(..4).to_string(),
            _ => self.field(0, 23, 3),
        };
        let day = match self.0.u8(..14) {
            0 => "L".to_owned(),
            1 => format!("{},L", self.0.u32(1..=31)),
            _ => self.field(1, 31, 7),
        };
        let month = match self.0.u8(..8) {
            0 => self.one_of(&MONTHS).to_owned(),
            1 => format!("{}-dec", self.one_of(&MONTHS)),
            _ => self.field(1, 12, 7),
        };
        let weekday = match self.0.u8(..12) {
            0 => format!("{}L", self.0.u32(..=7)),
            1 => format!("{}#{}", self.0.u32(..=7), self.0.u32(1..=5)),
            2 => "mon-fri".to_owned(),
            3 => format!(
                "{}#{}",
                self.one_of(&["sun", "Tue", "sat"]),
                self.0.u32(1..=5)
            ),
            4 => format!("{},{}L", self.0.u32(..7), self.0.u32(..=7)),
            _ => self.field(0, 7, 6),
        };
        format!("{second}{minute} {hour} {day} {month} {weekday}")
    }
}

/// What BullMQ's strategy makes of these. A pattern that is never met takes it long.
async fn slots(scene: &Scene, cases: &[Value]) -> Vec<Value> {
    let mut slots = Vec::new();
    for part in cases.chunks(50) {
        let found = scene.ask("crons", json!({"cases": part})).await;
        slots.extend(found.as_array().unwrap().iter().cloned());
    }
    slots
}

#[tokio::test]
async fn slots_of_random_patterns_are_bullmqs() {
    let scene = Scene::of("bullmq").await;
    let (from, to) = (1_735_000_000_000_u64, 2_140_000_000_000);
    let mut changes = Vec::new();
    for tz in ZONES {
        let found = scene
            .ask("changes", json!({"tz": tz, "from": from, "to": to}))
            .await;
        let found: Vec<u64> = serde_json::from_value(found).unwrap_or_default();
        changes.push(found);
    }
    let seed = std::env::var("RESTIS_CRON_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut make = Maker(fastrand::Rng::with_seed(seed.unwrap_or(20_261_201)));
    let mut cases = Vec::new();
    for _ in 0..CASES {
        let zone = make.0.usize(..ZONES.len());
        let near = make.0.choice(&changes[zone]).copied();
        let from = match near.filter(|_| make.0.bool()) {
            // Within three days before a change, or three hours around it.
            Some(change) if make.0.bool() => change - make.0.u64(..3 * 86_400_000),
            Some(change) => change + make.0.u64(..6 * 3_600_000) - 3 * 3_600_000,
            None => make.0.u64(from..to),
        };
        let from = match make.0.u8(..3) {
            0 => from,
            1 => from / 1000 * 1000,
            _ => from / 3_600_000 * 3_600_000,
        };
        let mut case = json!({"pattern": make.pattern(), "tz": ZONES[zone], "from": from, "hashSeed": "a seed"});
        if make.0.u8(..8) == 0 {
            case["startDate"] = json!(from + make.0.u64(..30 * 86_400_000));
        }
        if make.0.u8(..8) == 0 {
            case["endDate"] = json!(from + make.0.u64(..30 * 86_400_000));
        }
        cases.push(case);
    }
    let expected = slots(&scene, &cases).await;
    let (mut refused, mut met, mut wrong) = (0, 0, Vec::new());
    for (case, expected) in cases.iter().zip(&expected) {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let mut repeat = Repeat::cron(text("pattern"))
            .tz(text("tz"))
            .hash_seed(text("hashSeed"));
        if let Some(start) = case["startDate"].as_u64() {
            repeat = repeat.start(start);
        }
        if let Some(end) = case["endDate"].as_u64() {
            repeat = repeat.end(end);
        }
        let ours = match repeat.next_run(case["from"].as_u64().unwrap()) {
            Ok(next) => json!(next),
            Err(error) => {
                assert!(error.is_argument(), "{error}");
                json!("refused")
            }
        };
        refused += usize::from(ours == "refused");
        met += usize::from(ours.is_u64());
        if ours != *expected {
            wrong.push(format!("{case}: {ours}, not {expected}"));
        }
    }
    assert_eq!(expected.len(), CASES);
    assert!(
        refused > 100 && met > 2 * CASES / 3,
        "{refused} refused, {met} met"
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// All slots of a week in which clocks change, one after the other.
#[tokio::test]
async fn slots_around_a_change_of_clocks_are_bullmqs() {
    let scene = Scene::of("bullmq").await;
    let patterns = [
        "30 * * * *",
        "15 2 * * *",
        "*/20 0-3 * * *",
        "0 0,1,2,3,23 * * *",
        "59 59 23 * * *",
        "0 */2 * * *",
    ];
    for tz in ZONES {
        let words = json!({"tz": tz, "from": 1_772_000_000_000_u64, "to": 1_805_000_000_000_u64});
        let changes = scene.ask("changes", words).await;
        let changes: Vec<u64> = serde_json::from_value(changes).unwrap_or_default();
        let mut cases = Vec::new();
        let mut ours = Vec::new();
        for change in &changes {
            for pattern in patterns {
                let repeat = Repeat::cron(pattern).tz(tz);
                let mut from = change - 86_400_000;
                while from < change + 86_400_000 {
                    cases.push(json!({"pattern": pattern, "tz": tz, "from": from}));
                    let next = repeat.next_run(from).unwrap();
                    ours.push(json!(next));
                    // There cron-parser goes round in circles, which takes long.
                    let Some(next) = next else { break };
                    from = next;
                }
            }
        }
        let expected = slots(&scene, &cases).await;
        for ((case, ours), expected) in cases.iter().zip(&ours).zip(&expected) {
            assert_eq!(ours, expected, "{case}");
        }
        assert_eq!(ours.len(), expected.len());
    }
}
