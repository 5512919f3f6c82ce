//! What can be said of a job that is added, by BullMQ's names and in its words.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::scripts::KEYS;
use crate::{
    Error,
    clock::{whole_millis, whole_seconds},
};

/// The highest number of a priority, which is the last to be taken.
const LAST_PRIORITY: u32 = 2_097_151;
/// The largest number that the scripts and JavaScript keep exactly.
pub(super) const MOST: u64 = 9_007_199_254_740_991;

/// How long a job that has failed waits for its next attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    kind: String,
    delay: Duration,
    jitter: f64,
}

impl Backoff {
    /// Each time as long.
    pub fn fixed(delay: Duration) -> Self {
        Self::custom("fixed", delay)
    }

    /// Twice as long each time, from this on.
    pub fn exponential(delay: Duration) -> Self {
        Self::custom("exponential", delay)
    }

    /// By a strategy of this name that the worker knows: [`Consumer::backoff`](super::Consumer::backoff), or a BullMQ worker's
    /// `backoffStrategy`.
    pub fn custom(kind: impl Into<String>, delay: Duration) -> Self {
        Self {
            kind: kind.into(),
            delay,
            jitter: 0.0,
        }
    }

    /// How much of it is left to chance, from 0 to 1.
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }
}

/// How many finished jobs are kept, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    pub(super) count: Option<u64>,
    pub(super) age: Option<Duration>,
    pub(super) limit: Option<u64>,
}

impl Keep {
    /// All of them, as it is where nothing is said.
    pub const ALL: Self = Self {
        count: None,
        age: None,
        limit: None,
    };
    /// None of them: the job goes when it is done.
    pub const NONE: Self = Self {
        count: Some(0),
        age: None,
        limit: None,
    };

    /// The last so many.
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Those of this time, in whole seconds.
    pub fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Not more than so many are removed when a job is done: 1000, if nothing is said.
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    fn json(self) -> Option<Value> {
        match (self.count, self.age) {
            (None, None) => None,
            (Some(0), None) => Some(json!(true)),
            (Some(count), None) => Some(json!(count)),
            (count, Some(age)) => {
                let mut keep = json!({ "age": whole_seconds(age) });
                for (name, value) in [("count", count), ("limit", self.limit)] {
                    if let (Some(value), Some(keep)) = (value, keep.as_object_mut()) {
                        keep.insert(name.to_owned(), value.into());
                    }
                }
                Some(keep)
            }
        }
    }

    /// What a job's options say.
    pub(super) fn of(said: Option<&Value>) -> Self {
        let number = |value: &Value| {
            let number = value.as_f64().filter(|number| *number >= 0.0);
            number.map(|number| number as u64)
        };
        match said {
            Some(Value::Bool(true)) => Self::NONE,
            Some(Value::Object(said)) => Self {
                count: said.get("count").and_then(number),
                age: said.get("age").and_then(number).map(Duration::from_secs),
                limit: said.get("limit").and_then(number),
            },
            Some(said) => Self {
                count: number(said),
                ..Self::ALL
            },
            None => Self::ALL,
        }
    }
}

/// Which jobs are one.
///
/// As long as the first job of an id is not finished, or for a [time](Self::ttl), jobs with the same one are not added, and the
/// first stands for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deduplication {
    pub(super) id: String,
    pub(super) ttl: Option<Duration>,
    pub(super) extend: bool,
    pub(super) replace: bool,
    pub(super) keep_last_if_active: bool,
}

impl Deduplication {
    /// By this id, until the job is finished.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ttl: None,
            extend: false,
            replace: false,
            keep_last_if_active: false,
        }
    }

    /// For so long instead: a throttle. Zero is no TTL, and [`keep_last_if_active`](Self::keep_last_if_active) ignores it.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = (!ttl.is_zero()).then_some(ttl);
        self
    }

    /// That time begins anew with each job that comes.
    pub fn extend(mut self) -> Self {
        self.extend = true;
        self
    }

    /// A job that is still delayed gives way to the one that comes: a debounce.
    pub fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    /// The last one that comes while the first is worked on is added when that is done. Needs BullMQ 5.72 where its workers
    /// finish the first.
    pub fn keep_last_if_active(mut self) -> Self {
        self.keep_last_if_active = true;
        self
    }

    pub(super) fn modes(&self) -> String {
        let modes = [
            (self.extend, 'e'),
            (self.replace, 'r'),
            (self.keep_last_if_active, 'k'),
        ];
        let set = modes.iter().filter(|(is_set, _)| *is_set);
        set.map(|(_, letter)| letter).collect()
    }
}

/// What becomes of the parent when a child has failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChildFailure {
    /// It waits on.
    Wait,
    /// It fails too: `failParentOnFailure`.
    FailParent,
    /// It goes on at once, and sees which have failed: `continueParentOnFailure`.
    ContinueParent,
    /// It goes on when the others are done, and sees which have failed: `ignoreDependencyOnFailure`.
    Ignore,
    /// It goes on when the others are done, as if there had been no such child: `removeDependencyOnFailure`.
    Remove,
}

impl ChildFailure {
    pub(super) fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Wait => return None,
            Self::FailParent => "fpof",
            Self::ContinueParent => "cpof",
            Self::Ignore => "idof",
            Self::Remove => "rdof",
        })
    }
}

/// All that is said of one job.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) id: Option<String>,
    pub(super) delay: Duration,
    pub(super) priority: u32,
    pub(super) lifo: bool,
    pub(super) attempts: u32,
    pub(super) backoff: Option<Backoff>,
    pub(super) timestamp: Option<u64>,
    pub(super) keep_completed: Keep,
    pub(super) keep_failed: Keep,
    pub(super) deduplication: Option<Deduplication>,
    pub(super) child_failure: ChildFailure,
    pub(super) size_limit: Option<usize>,
    pub(super) keep_logs: Option<u64>,
    pub(super) stack_trace_limit: Option<u64>,
    /// The prefix of the parent's queue, and its id.
    pub(super) parent: Option<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            id: None,
            delay: Duration::ZERO,
            priority: 0,
            lifo: false,
            attempts: 0,
            backoff: None,
            timestamp: None,
            keep_completed: Keep::ALL,
            keep_failed: Keep::ALL,
            deduplication: None,
            child_failure: ChildFailure::Wait,
            size_limit: None,
            keep_logs: None,
            stack_trace_limit: None,
            parent: None,
        }
    }
}

/// Whether the key of a job with this id is one of the queue itself.
fn is_own_key(id: &str) -> bool {
    let first = id.split(':').next().unwrap_or_default();
    KEYS.contains(&id) || matches!(first, "repeat" | "de" | "dn" | "metrics" | "0")
}

/// Whether a key that is there under this name belongs to the queue, and is no job's. A scheduler's jobs are `repeat:id:time`, itself
/// it is `repeat:id`.
pub(super) fn is_no_job(id: &str) -> bool {
    let slot = || {
        let (rest, time) = id.strip_prefix("repeat:")?.rsplit_once(':')?;
        let is_time = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        (is_time && !rest.is_empty()).then_some(())
    };
    is_own_key(id) && slot().is_none()
}

impl Options {
    pub(super) fn check(&self, data: &str) -> Result<(), Error> {
        let wrong = |what: &'static str| Err(Error::argument(what));
        if let Some(id) = &self.id {
            let digits = id.strip_prefix('-').unwrap_or(id);
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return wrong(
                    "a job's id that is a whole number: BullMQ counts with these, put a letter before it",
                );
            }
            if id.is_empty() || (id.contains(':') && id.split(':').count() != 3) {
                return wrong("a job's id is a text without colons");
            }
            if is_own_key(id) {
                return wrong(
                    "a job's id is the name of one of the queue's own keys, such as wait, meta or repeat: the job would overwrite \
                     it, so put a letter before it",
                );
            }
        }
        if self.priority > LAST_PRIORITY {
            return wrong("a priority is 0 to 2097151");
        }
        if self.timestamp.is_some_and(|timestamp| timestamp > MOST) {
            return wrong("a timestamp is in Unix milliseconds, below 2^53");
        }
        if let Some(backoff) = &self.backoff
            && !(0.0..=1.0).contains(&backoff.jitter)
        {
            return wrong("a backoff's jitter is 0 to 1");
        }
        if self.deduplication.is_some() && self.parent.is_some() {
            return wrong("a job with a parent cannot be deduplicated: leave out one of both");
        }
        if self.size_limit.is_some_and(|limit| data.len() > limit) {
            return wrong("the job's data is larger than its size_limit");
        }
        Ok(())
    }

    /// As BullMQ keeps them.
    pub(super) fn json(&self, id: &str) -> Map<String, Value> {
        let mut opts = Map::new();
        let mut put = |name: &str, value: Value| {
            opts.insert(name.to_owned(), value);
        };
        // Workers compare it.
        put("attempts", self.attempts.into());
        put("jobId", id.into());
        if !self.delay.is_zero() {
            put("delay", whole_millis(self.delay).into());
        }
        if self.priority > 0 {
            put("priority", self.priority.into());
        }
        if self.lifo {
            put("lifo", true.into());
        }
        if let Some(Backoff {
            kind,
            delay,
            jitter,
        }) = &self.backoff
        {
            let mut backoff = json!({ "type": kind, "delay": whole_millis(*delay) });
            if *jitter > 0.0
                && let Some(backoff) = backoff.as_object_mut()
            {
                backoff.insert("jitter".to_owned(), (*jitter).into());
            }
            put("backoff", backoff);
        }
        if let Some(timestamp) = self.timestamp {
            put("timestamp", timestamp.into());
        }
        for (name, keep) in [
            ("removeOnComplete", self.keep_completed),
            ("removeOnFail", self.keep_failed),
        ] {
            if let Some(keep) = keep.json() {
                put(name, keep);
            }
        }
        if let Some(deduplication) = &self.deduplication {
            let mut said = json!({ "id": deduplication.id });
            let mut add = |name: &str, value: Value| {
                if let Some(said) = said.as_object_mut() {
                    said.insert(name.to_owned(), value);
                }
            };
            if let Some(ttl) = deduplication.ttl {
                add("ttl", whole_millis(ttl).max(1).into());
            }
            for (name, is_set) in [
                ("extend", deduplication.extend),
                ("replace", deduplication.replace),
                ("keepLastIfActive", deduplication.keep_last_if_active),
            ] {
                if is_set {
                    add(name, true.into());
                }
            }
            put("de", said);
        }
        if let Some(word) = self.child_failure.word() {
            put(word, true.into());
        }
        for (name, limit) in [
            ("sizeLimit", self.size_limit.map(|limit| limit as u64)),
            ("kl", self.keep_logs),
            ("stackTraceLimit", self.stack_trace_limit),
        ] {
            if let Some(limit) = limit {
                put(name, limit.into());
            }
        }
        if let Some((queue, parent)) = &self.parent {
            let queue = queue.strip_suffix(':').unwrap_or(queue);
            put("parent", json!({ "id": parent, "queue": queue }));
        }
        opts
    }
}

/// For how long a job waits that has failed so many times, by its options: `None` where it is not tried again.
pub(super) fn backoff(
    opts: &Value,
    attempts_made: u64,
    dice: f64,
    custom: impl FnOnce(&str, u64) -> Option<Duration>,
) -> Option<Duration> {
    let Some(backoff) = opts.get("backoff") else {
        return Some(Duration::ZERO);
    };
    let (kind, delay) = match backoff {
        Value::Number(delay) => ("fixed", delay.as_f64()),
        other => {
            let kind = other.get("type").and_then(Value::as_str);
            let delay = other.get("delay").and_then(Value::as_f64);
            (kind.unwrap_or("fixed"), delay)
        }
    };
    let delay = delay.unwrap_or(0.0).max(0.0);
    let base = match kind {
        "fixed" => delay,
        "exponential" => {
            let times = i32::try_from(attempts_made.max(1) - 1).unwrap_or(i32::MAX);
            (2_f64.powi(times) * delay).round()
        }
        name => return custom(name, attempts_made),
    };
    let jitter = backoff.get("jitter").and_then(Value::as_f64);
    let jitter = jitter.unwrap_or(0.0).clamp(0.0, 1.0);
    let millis = (dice * base * jitter + base * (1.0 - jitter)).floor();
    // A number too large for it becomes the largest.
    Some(Duration::from_millis(millis as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(problem: &str, change: impl FnOnce(&mut Options)) {
        let mut options = Options::default();
        change(&mut options);
        let error = options.check("\"1234567\"").err();
        let words = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(words.contains(problem), "{words}");
        assert_eq!(words.is_empty(), problem.is_empty(), "{words}");
    }

    #[test]
    fn what_bullmq_refuses_is_refused() {
        for (id, problem) in [
            ("a", ""),
            ("1a", ""),
            ("a:b:c", ""),
            ("waiting", ""),
            ("metric", ""),
            ("derive", ""),
            ("repeat:x:17", "own keys"),
            ("metrics:completed:data", "own keys"),
            ("metrics", "own keys"),
            ("de:a:b", "own keys"),
            ("dn:a:b", "own keys"),
            ("0:a:b", "own keys"),
            ("12", "whole number"),
            ("-12", "whole number"),
            ("a:b", "without colons"),
            ("a:b:c:d", "without colons"),
            ("", "without colons"),
        ] {
            says(problem, |options| options.id = Some(id.to_owned()));
        }
        for key in KEYS {
            says("own keys", |options| options.id = Some(key.to_owned()));
        }
        says("priority", |options| options.priority = LAST_PRIORITY + 1);
        says("", |options| options.priority = LAST_PRIORITY);
        says("size_limit", |options| options.size_limit = Some(8));
        says("", |options| options.size_limit = Some(9));
        says("jitter", |options| {
            options.backoff = Some(Backoff::fixed(Duration::ZERO).jitter(1.5));
        });
        says("deduplicated", |options| {
            options.deduplication = Some(Deduplication::new("a"));
            options.parent = Some(("bull:q:".to_owned(), "1".to_owned()));
        });
    }

    #[test]
    fn how_many_are_kept() {
        let day = Duration::from_secs(86_400);
        for (keep, said) in [
            (Keep::ALL, None),
            (Keep::NONE, Some(json!(true))),
            (Keep::ALL.count(5), Some(json!(5))),
            (Keep::ALL.age(day), Some(json!({"age": 86400}))),
            (
                Keep::ALL.age(day).count(7).limit(3),
                Some(json!({"age": 86400, "count": 7, "limit": 3})),
            ),
        ] {
            assert_eq!(keep.json(), said);
            assert_eq!(Keep::of(said.as_ref()), keep);
        }
        assert_eq!(Keep::of(Some(&json!(false))), Keep::ALL);
        assert_eq!(Keep::of(Some(&json!(-1))), Keep::ALL);
    }

    #[test]
    fn how_long_a_retry_waits() {
        let wait = |opts: Value, made, dice| {
            let custom = |name: &str, made| (name == "mine").then(|| Duration::from_millis(made));
            let wait = backoff(&opts, made, dice, custom);
            wait.map(|wait| wait.as_millis())
        };
        let of = |kind: &str, delay: u64, jitter: f64| json!({"backoff": {"type": kind, "delay": delay, "jitter": jitter}});
        assert_eq!(wait(json!({}), 1, 0.5), Some(0));
        assert_eq!(wait(json!({"backoff": 700}), 3, 0.5), Some(700));
        assert_eq!(wait(of("fixed", 1000, 0.0), 4, 0.5), Some(1000));
        assert_eq!(wait(of("fixed", 1000, 0.5), 1, 0.0), Some(500));
        assert_eq!(wait(of("fixed", 1000, 0.5), 1, 0.999), Some(999));
        for (made, delay) in [(1, 100), (2, 200), (3, 400), (5, 1600)] {
            assert_eq!(wait(of("exponential", 100, 0.0), made, 0.5), Some(delay));
        }
        assert_eq!(wait(of("mine", 100, 0.0), 9, 0.5), Some(9));
        assert_eq!(wait(of("other", 100, 0.0), 9, 0.5), None);
    }
}
