//! Jobs that come again: at intervals, or by a cron pattern.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Job, Queue,
    add::Add,
    scripts::{NEXT, UNSCHEDULE, UPSERT},
};
use crate::{Error, Safety, clock};

/// When the jobs of a scheduler are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    when: When,
    limit: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    /// In milliseconds.
    Every(u64),
    Pattern {
        pattern: String,
        tz: Option<String>,
    },
}

impl Repeat {
    /// At once, and then each time so much later.
    pub fn every(interval: Duration) -> Self {
        Self::of(When::Every(clock::whole_millis(interval).max(1)))
    }

    /// By a cron pattern of five fields, or of six with seconds in front, in UTC or in a [time zone](Self::tz).
    ///
    /// Needs the feature `cron`.
    #[cfg(feature = "cron")]
    pub fn cron(pattern: impl Into<String>) -> Self {
        let pattern = pattern.into();
        Self::of(When::Pattern { pattern, tz: None })
    }

    fn of(when: When) -> Self {
        Self {
            when,
            limit: None,
            start: None,
            end: None,
        }
    }

    /// The time zone of the pattern, as `Europe/Berlin`.
    #[cfg(feature = "cron")]
    pub fn tz(mut self, zone: impl Into<String>) -> Self {
        if let When::Pattern { tz, .. } = &mut self.when {
            *tz = Some(zone.into());
        }
        self
    }

    /// Not more than so many jobs.
    pub fn limit(mut self, jobs: u64) -> Self {
        self.limit = Some(jobs);
        self
    }

    /// None before this, in Unix milliseconds.
    pub fn start(mut self, millis: u64) -> Self {
        self.start = Some(millis);
        self
    }

    /// None after this, in Unix milliseconds.
    pub fn end(mut self, millis: u64) -> Self {
        self.end = Some(millis);
        self
    }

    /// What the hash of a scheduler says.
    fn read(hash: &Job) -> Option<Self> {
        let number = |name: &str| hash.text(name)?.parse::<f64>().ok();
        let number = |name: &str| number(name).map(|number| number as u64);
        let when = match (hash.text("pattern"), number("every")) {
            (Some(pattern), _) if !pattern.is_empty() => When::Pattern {
                pattern: pattern.to_owned(),
                tz: hash.text("tz").map(str::to_owned),
            },
            (_, Some(every)) => When::Every(every.max(1)),
            _ => return None,
        };
        Some(Self {
            when,
            limit: number("limit"),
            start: number("startDate"),
            end: number("endDate"),
        })
    }

    /// The fields of the hash that say it, which in JSON are the job's `repeat`.
    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        match &self.when {
            When::Every(every) => {
                fields.insert("every".to_owned(), json!(every));
            }
            When::Pattern { pattern, tz } => {
                fields.insert("pattern".to_owned(), json!(pattern));
                if let Some(tz) = tz {
                    fields.insert("tz".to_owned(), json!(tz));
                }
            }
        }
        for (name, value) in [
            ("limit", self.limit),
            ("startDate", self.start),
            ("endDate", self.end),
        ] {
            if let Some(value) = value {
                fields.insert(name.to_owned(), json!(value));
            }
        }
        fields
    }

    /// When the first job is due.
    fn first(&self, now: u64) -> Result<Option<u64>, Error> {
        let from = self.start.unwrap_or(now).max(now);
        let due = match &self.when {
            When::Every(_) => Some(from),
            When::Pattern { pattern, tz } => next_of(pattern, tz.as_deref(), from)?,
        };
        Ok(due.filter(|due| self.end.is_none_or(|end| *due <= end)))
    }

    /// When the job behind one is due that was due then: the next slot that is not over.
    fn next(&self, last: u64, now: u64) -> Result<Option<u64>, Error> {
        let due = match &self.when {
            When::Every(every) => {
                let missed = now.saturating_sub(last) / every;
                Some(last.saturating_add(every.saturating_mul(missed.max(1))))
            }
            When::Pattern { pattern, tz } => next_of(pattern, tz.as_deref(), last.max(now))?,
        };
        Ok(due.filter(|due| self.end.is_none_or(|end| *due <= end)))
    }
}

/// When a pattern is met next, behind this time, in Unix milliseconds.
#[cfg(feature = "cron")]
fn next_of(pattern: &str, zone: Option<&str>, after: u64) -> Result<Option<u64>, Error> {
    use croner::parser::{CronParser, Seconds};
    use jiff::{Timestamp, tz::TimeZone};

    let wrong = |what: &str| Error::argument(format!("the {what} of a scheduler is none"));
    let parser = CronParser::builder().seconds(Seconds::Optional).build();
    let cron = parser.parse(pattern).map_err(|_| wrong("cron pattern"))?;
    let zone = match zone {
        Some(zone) => TimeZone::get(zone).map_err(|_| wrong("time zone"))?,
        None => TimeZone::UTC,
    };
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let after = Timestamp::from_millisecond(after).map_err(|_| wrong("time"))?;
    let next = cron.find_next_occurrence(&after.to_zoned(zone), false);
    // A pattern that is never met again has no next.
    Ok(next
        .ok()
        .and_then(|next| u64::try_from(next.timestamp().as_millisecond()).ok()))
}

#[cfg(not(feature = "cron"))]
fn next_of(_: &str, _: Option<&str>, _: u64) -> Result<Option<u64>, Error> {
    Err(Error::argument(
        "the job of a scheduler with a cron pattern, which has to be added again by whoever takes it: build restis with the \
         feature `cron`",
    ))
}

/// A scheduler as Redis has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheduler {
    /// Its id.
    pub id: String,
    /// When its next job is due, in Unix milliseconds.
    pub next: u64,
    /// The name of its jobs.
    pub name: String,
    /// When they are due.
    pub repeat: Repeat,
}

impl Queue {
    /// Sets a scheduler, in place of one with this id: jobs like this one, whenever they are due. It gives the id of the first.
    ///
    /// The next job is added when one is taken, whoever takes it, BullMQ's workers too. Of the job's options the id, the delay and
    /// the parent do not count.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::time::Duration;
    /// use restis::{Queue, queue::Repeat};
    ///
    /// let reports = Queue::new(&redis, "reports");
    /// let hourly = Repeat::every(Duration::from_secs(3600));
    /// reports.upsert_scheduler("hourly", hourly, reports.add("sum", &())).await?;
    /// assert_eq!(reports.schedulers().await?[0].id, "hourly");
    /// assert!(reports.remove_scheduler("hourly").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip and about 15 billed commands.
    pub async fn upsert_scheduler(
        &self,
        id: &str,
        repeat: Repeat,
        job: Add<'_>,
    ) -> Result<String, Error> {
        if id.is_empty() {
            return Err(Error::argument("a scheduler needs an id"));
        }
        let now = self.now();
        let Some(due) = repeat.first(now)? else {
            return Err(Error::argument(
                "a scheduler that has no job before its end: set another end",
            ));
        };
        let (name, data, template, priority) = job.template()?;
        let opts = opts_of(&template, &repeat, id, due, 1, now);
        let mut fields = vec![("name".to_owned(), name.clone())];
        for (field, value) in repeat.fields() {
            let text = match value {
                Value::String(text) => text,
                value => value.to_string(),
            };
            fields.push((field, text));
        }
        fields.push(("data".to_owned(), data.clone()));
        fields.push(("opts".to_owned(), Value::Object(template).to_string()));
        let keys = self.keys([format!("repeat:{id}")]);
        let run = self.run(&UPSERT, &keys).arg(id).arg(due);
        let run = run.arg(name).arg(data).arg(opts).arg(priority);
        let run = fields
            .iter()
            .fold(run, |run, (field, value)| run.arg(field).arg(value));
        run.safety(Safety::IdempotentWrite).await
    }

    /// Takes a scheduler away with its next job, and says whether it was there.
    ///
    /// Cost: one round trip and about 9 billed commands.
    pub async fn remove_scheduler(&self, id: &str) -> Result<bool, Error> {
        let keys = self.keys([format!("repeat:{id}")]);
        let run = self.run(&UNSCHEDULE, &keys).arg(id);
        run.safety(Safety::IdempotentWrite).await
    }

    /// The schedulers, that whose job is due next first.
    ///
    /// Cost: one round trip and one billed command, and the same for each 100 of them.
    pub async fn schedulers(&self) -> Result<Vec<Scheduler>, Error> {
        let key = self.key("repeat");
        let found: Vec<(String, f64)> = self.redis.zrange(key, 0, -1).withscores().await?;
        let mut schedulers = Vec::new();
        for part in found.chunks(100) {
            let hashes = part.iter().map(|(id, _)| {
                let key = self.key(&format!("repeat:{id}"));
                self.redis.hgetall::<String>(key)
            });
            let hashes = self.redis.pipeline(hashes.collect::<Vec<_>>()).await?;
            for ((id, next), hash) in part.iter().zip(hashes) {
                let hash = Job::of(String::new(), hash?);
                if let Some(repeat) = Repeat::read(&hash) {
                    schedulers.push(Scheduler {
                        id: id.clone(),
                        next: *next as u64,
                        name: hash.name().to_owned(),
                        repeat,
                    });
                }
            }
        }
        Ok(schedulers)
    }

    /// Adds the jobs behind those of schedulers that were taken.
    pub(super) async fn go_on(&self, taken: &[(Job, Job)]) -> Result<(), Error> {
        let now = self.now();
        let mut words: Vec<[String; 7]> = Vec::new();
        for (job, hash) in taken {
            let (Some(id), Some(repeat)) = (job.scheduler(), Repeat::read(hash)) else {
                continue;
            };
            let last = job.id.rsplit(':').next().and_then(|last| last.parse().ok());
            let count = hash.text("ic").and_then(|count| count.parse().ok());
            let count: u64 = count.unwrap_or(1);
            if repeat.limit.is_some_and(|limit| count >= limit) {
                continue;
            }
            let Some(due) = repeat.next(last.unwrap_or(now), now)? else {
                continue;
            };
            let template: Map<String, Value> = (hash.text("opts"))
                .and_then(|opts| serde_json::from_str(opts).ok())
                .unwrap_or_default();
            let priority = template.get("priority").and_then(Value::as_u64);
            let opts = opts_of(&template, &repeat, id, due, count + 1, now);
            words.push([
                id.to_owned(),
                job.id.clone(),
                due.to_string(),
                hash.name().to_owned(),
                hash.text("data").unwrap_or("{}").to_owned(),
                opts,
                priority.unwrap_or(0).to_string(),
            ]);
        }
        if words.is_empty() {
            return Ok(());
        }
        let ids = words.iter().filter_map(|words| words.first());
        let keys = self.keys(ids.map(|id| format!("repeat:{id}")));
        let run = self.run::<Vec<String>>(&NEXT, &keys);
        let run = words.iter().flatten().fold(run, |run, word| run.arg(word));
        run.safety(Safety::IdempotentWrite).await?;
        Ok(())
    }
}

/// The options of a scheduler's job.
fn opts_of(
    template: &Map<String, Value>,
    repeat: &Repeat,
    scheduler: &str,
    due: u64,
    count: u64,
    now: u64,
) -> String {
    let mut opts = template.clone();
    let mut said = repeat.fields();
    said.insert("count".to_owned(), count.into());
    let id = format!("repeat:{scheduler}:{due}");
    for (name, value) in [
        ("repeat", Value::Object(said)),
        ("jobId", id.into()),
        ("delay", due.saturating_sub(now).into()),
        ("timestamp", now.into()),
        ("prevMillis", due.into()),
        ("repeatJobKey", scheduler.into()),
    ] {
        opts.insert(name.to_owned(), value);
    }
    Value::Object(opts).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_that_were_missed_are_left_out() {
        let every = Repeat::every(Duration::from_millis(100));
        for (last, now, next) in [
            (1000, 1000, 1100),
            (1000, 1050, 1100),
            (1000, 1199, 1100),
            (1000, 1250, 1200),
            (1000, 900, 1100),
        ] {
            assert_eq!(every.next(last, now).ok().flatten(), Some(next));
        }
        let ended = every.clone().end(1099);
        assert_eq!(ended.next(1000, 1000).ok().flatten(), None);
        assert_eq!(every.first(500).ok().flatten(), Some(500));
        let later = every.start(900);
        assert_eq!(later.first(500).ok().flatten(), Some(900));
    }

    #[cfg(feature = "cron")]
    #[test]
    fn patterns_are_met_in_their_time_zone() {
        let next = |pattern: &str, zone: Option<&str>, after: &str| {
            let after: jiff::Timestamp = after.parse().unwrap_or_default();
            let after = u64::try_from(after.as_millisecond()).unwrap_or(0);
            let next = next_of(pattern, zone, after).ok().flatten()?;
            let next = jiff::Timestamp::from_millisecond(i64::try_from(next).ok()?).ok()?;
            Some(next.to_string())
        };
        let berlin = Some("Europe/Berlin");
        for (pattern, zone, after, expected) in [
            (
                "*/15 * * * *",
                None,
                "2026-01-01T00:00:00Z",
                "2026-01-01T00:15:00Z",
            ),
            (
                "*/10 * * * * *",
                None,
                "2026-01-01T00:00:01Z",
                "2026-01-01T00:00:10Z",
            ),
            (
                "0 9 * * 1-5",
                berlin,
                "2026-01-02T12:00:00Z",
                "2026-01-05T08:00:00Z",
            ),
            (
                "0 9 * * *",
                berlin,
                "2026-07-01T12:00:00Z",
                "2026-07-02T07:00:00Z",
            ),
            // The night on which the clock goes forward has no half past two.
            (
                "30 3 * * *",
                berlin,
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:30:00Z",
            ),
        ] {
            assert_eq!(
                next(pattern, zone, after).as_deref(),
                Some(expected),
                "{pattern}"
            );
        }
        assert!(next_of("61 * * * *", None, 0).is_err());
        assert!(next_of("* * * * *", Some("Europe/Nowhere"), 0).is_err());
    }
}
