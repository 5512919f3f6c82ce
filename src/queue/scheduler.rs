//! Job schedulers: jobs that repeat at an interval or by a cron pattern.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Job, Queue,
    add::Add,
    cron::{self, Cron},
    scripts::{NEXT, UNSCHEDULE, UPSERT},
};
use crate::{Error, Safety, clock};

/// How many slots that are taken are skipped before a scheduler is reported.
const SLOTS: usize = 32;
/// Milliseconds.
const DAY: u64 = 86_400_000;

/// When the jobs of a scheduler are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    when: When,
    limit: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
    offset: Option<u64>,
    immediately: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    /// In milliseconds.
    Every(u64),
    Pattern {
        pattern: String,
        tz: Option<String>,
        /// What picks the values of `H`.
        seed: Option<String>,
    },
}

impl Repeat {
    /// Repeats at an interval, in whole milliseconds. The first job is due at once.
    pub fn every(interval: Duration) -> Self {
        Self::of(When::Every(clock::whole_millis(interval).max(1)))
    }

    /// Repeats by a cron pattern, with the meaning that BullMQ gives it.
    ///
    /// A pattern has five fields (minute, hour, day of month, month, day of week) or six, with seconds in front. A field is a list
    /// of numbers, names (`jan`, `mon`), ranges (`1-5`) and steps (`*/15`, `5/15`), each number once; `L` is the last day of a
    /// month, `5L` its last Friday and `5#3` its third. `@hourly`, `@daily`, `@weekdays`, `@weekends`, `@weekly`, `@monthly` and
    /// `@yearly` are short for patterns.
    ///
    /// `H`, `H(1-5)` and `H/15` are values that a hash of the [seed](Self::hash_seed) picks: that spreads the schedulers of many
    /// tenants.
    ///
    /// A slot in the hour that clocks skip is due when the gap is over. A slot in the hour that they repeat is due once.
    pub fn cron(pattern: impl Into<String>) -> Self {
        Self::of(When::Pattern {
            pattern: pattern.into(),
            tz: None,
            seed: None,
        })
    }

    fn of(when: When) -> Self {
        Self {
            when,
            limit: None,
            start: None,
            end: None,
            offset: None,
            immediately: false,
        }
    }

    /// Sets the time zone of the pattern: an IANA name such as `Europe/Berlin`, or an offset such as `UTC+3`.
    ///
    /// Default: the local time of the program, as in BullMQ. That is UTC on most servers and in Workers.
    ///
    /// Natively the rules are those of the system's time zone database, or of a built-in copy where there is none. On wasm32 they
    /// are those of `Intl`.
    pub fn tz(mut self, zone: impl Into<String>) -> Self {
        if let When::Pattern { tz, .. } = &mut self.when {
            *tz = Some(zone.into());
        }
        self
    }

    /// Sets the text that picks the values of `H` in the pattern. Default: the id of the scheduler.
    pub fn hash_seed(mut self, text: impl Into<String>) -> Self {
        if let When::Pattern { seed, .. } = &mut self.when {
            *seed = Some(text.into());
        }
        self
    }

    /// Sets how many jobs there are at most. Default: no limit.
    pub fn limit(mut self, jobs: u64) -> Self {
        self.limit = Some(jobs);
        self
    }

    /// Sets the time before which no job is due, in Unix milliseconds.
    pub fn start(mut self, millis: u64) -> Self {
        self.start = Some(millis);
        self
    }

    /// Sets the time after which no job is added, in Unix milliseconds.
    ///
    /// At an interval the last job is added before it and can be due up to one interval after it, as in BullMQ.
    pub fn end(mut self, millis: u64) -> Self {
        self.end = Some(millis);
        self
    }

    /// Sets how long after each multiple of the interval since 1970 its job is due. Default: the first job is due at once, and those
    /// after it keep that phase. It has no effect on a pattern.
    pub fn offset(mut self, offset: Duration) -> Self {
        self.offset = Some(clock::whole_millis(offset)).filter(|offset| *offset > 0);
        self
    }

    /// Makes the first job of a pattern due at once. It cannot be combined with a [start](Self::start).
    ///
    /// Each upsert adds such a job again. At an interval the first job is due at once without it.
    pub fn immediately(mut self) -> Self {
        self.immediately = true;
        self
    }

    /// Returns the first time after `after` at which a job is due, in Unix milliseconds; `None` if there is none.
    ///
    /// It does no I/O. It fails with [`is_argument`](Error::is_argument) if the pattern or the time zone is not valid.
    ///
    /// ```
    /// use restis::queue::Repeat;
    ///
    /// let mornings = Repeat::cron("0 9 * * 1-5").tz("Europe/Berlin");
    /// // From Friday, 2026-01-02, to Monday.
    /// assert_eq!(mornings.next_run(1_767_355_200_000)?, Some(1_767_600_000_000));
    /// # Ok::<(), restis::Error>(())
    /// ```
    pub fn next_run(&self, after: u64) -> Result<Option<u64>, Error> {
        let due = match &self.when {
            When::Every(every) => {
                let from = self.start.map_or(after, |start| start.max(after));
                let phase = self.offset.unwrap_or(self.start.unwrap_or(0)) % every;
                let slot = from / every * every + phase;
                let slot = match slot > after && slot >= from {
                    true => slot,
                    false => slot.saturating_add(*every),
                };
                Some(slot).filter(|slot| self.end.is_none_or(|end| *slot <= end))
            }
            When::Pattern { seed, .. } => self.next_slot(after, seed.as_deref())?,
        };
        Ok(due)
    }

    /// The slot of a pattern after a time. An interval has none: scripts compute it, which know the slot before.
    fn next_slot(&self, after: u64, seed: Option<&str>) -> Result<Option<u64>, Error> {
        let When::Pattern { pattern, tz, .. } = &self.when else {
            return Ok(None);
        };
        let cron = Cron::parse(pattern, tz.as_deref(), seed).map_err(|reason| {
            Error::argument(format!(
                "the cron pattern of a scheduler is not valid: {reason}"
            ))
        })?;
        let millis = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX / 2);
        let next = cron.next(millis(after), self.start.map(millis), self.end.map(millis));
        Ok(next.and_then(|next| u64::try_from(next).ok()))
    }

    /// Reads what a hash of a scheduler says, or the `repeat` of a job's options.
    fn read<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let number = |name: &str| {
            let number = text(name)?.parse::<f64>().ok()?;
            (number >= 0.0).then_some(number as u64)
        };
        let when = match (text("pattern"), number("every")) {
            (Some(pattern), _) if !pattern.is_empty() => When::Pattern {
                pattern: pattern.to_owned(),
                tz: text("tz").map(str::to_owned),
                seed: text("hashSeed").map(str::to_owned),
            },
            (_, Some(every)) if every > 0 => When::Every(every),
            _ => return None,
        };
        Some(Self {
            when,
            limit: number("limit"),
            start: number("startDate"),
            end: number("endDate"),
            offset: number("offset").filter(|offset| *offset > 0),
            immediately: false,
        })
    }

    /// Returns its settings by BullMQ's names: `every`, or `pattern` and `tz`; `limit`, `startDate`, `endDate`, `offset`.
    pub fn options(&self) -> Map<String, Value> {
        let mut options = Map::new();
        match &self.when {
            When::Every(every) => {
                options.insert("every".to_owned(), json!(every));
            }
            When::Pattern { pattern, tz, .. } => {
                options.insert("pattern".to_owned(), json!(pattern));
                if let Some(tz) = tz {
                    options.insert("tz".to_owned(), json!(tz));
                }
            }
        }
        for (name, value) in [
            ("limit", self.limit),
            ("startDate", self.start),
            ("endDate", self.end),
            ("offset", self.offset),
        ] {
            if let Some(value) = value {
                options.insert(name.to_owned(), json!(value));
            }
        }
        options
    }

    /// The fields of a scheduler's hash, without its offset, which the script knows.
    fn fields(&self) -> Vec<(String, String)> {
        let options = self.options().into_iter();
        let fields = options.filter(|(name, _)| name != "offset");
        let text = |value| match value {
            Value::String(text) => text,
            value => value.to_string(),
        };
        fields.map(|(name, value)| (name, text(value))).collect()
    }

    /// What picks the values of `H`: BullMQ's own workers find it in the job's options.
    fn seed<'a>(&'a self, scheduler: &'a str) -> Option<&'a str> {
        match &self.when {
            When::Pattern { pattern, seed, .. } if cron::is_hashed(pattern) => {
                Some(seed.as_deref().unwrap_or(scheduler))
            }
            _ => None,
        }
    }

    /// The interval in milliseconds.
    fn interval(&self) -> Option<u64> {
        match self.when {
            When::Every(every) => Some(every),
            When::Pattern { .. } => None,
        }
    }

    fn check(&self, now: u64) -> Result<(), Error> {
        let wrong = |reason: &str| Err(Error::argument(format!("a scheduler {reason}")));
        if self.immediately && self.start.is_some() {
            return wrong("cannot begin immediately and at a start: leave one of them out");
        }
        if self.limit == Some(0) {
            return wrong("with a limit of 0 has no jobs: remove it instead");
        }
        if self.end.is_some_and(|end| end < now) {
            return wrong("needs an end that is not over yet");
        }
        if let (Some(every), Some(offset)) = (self.interval(), self.offset)
            && offset >= every
        {
            return wrong("needs an offset below its interval");
        }
        Ok(())
    }
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
    /// How many jobs it has added.
    pub iterations: u64,
}

/// A job that was put back, since its scheduler cannot be continued.
///
/// A scheduler stops when its job is taken without adding the next one, so such a job is not handed out: it goes to the far end of the
/// line and is tried again in later pulls. [Set the scheduler](Queue::upsert_scheduler) again, or
/// [remove](Queue::remove_scheduler) it: the job is then handed out as any other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockedJob {
    /// Its id.
    pub id: String,
    /// The id of its scheduler.
    pub scheduler: String,
    /// The reason.
    pub reason: String,
}

impl Queue {
    /// Sets a scheduler, in place of one with this id, and returns the id of its next job.
    ///
    /// Its jobs are like `job`, whose id, delay and parent have no effect. The next one is added whenever one is taken, by this
    /// crate, the npm package or BullMQ's workers.
    ///
    /// Setting it again replaces the job that waits, in its slot if the interval is the same: a program may set its schedulers at
    /// each start. A slot whose job has begun is never used again.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::time::Duration;
    /// use restis::{Queue, queue::Repeat};
    ///
    /// let reports = Queue::new(&redis, "reports");
    /// let hourly = Repeat::every(Duration::from_secs(3600));
    /// reports.upsert_scheduler("hourly", hourly, reports.add("sum", &())).await?;
    /// let mornings = Repeat::cron("0 9 * * 1-5").tz("Europe/Berlin");
    /// reports.upsert_scheduler("mornings", mornings, reports.add("mail", &())).await?;
    /// assert_eq!(reports.schedulers().await?[0].id, "hourly");
    /// assert!(reports.remove_scheduler("hourly").await?);
    /// # Ok(()) });
    /// ```
    ///
    /// It fails with [`is_argument`](Error::is_argument) if the pattern or the zone is not valid, or no job is ever due.
    ///
    /// Cost: one round trip and about 15 billed commands.
    ///
    /// Source: [Job schedulers](https://docs.bullmq.io/guide/job-schedulers).
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
        repeat.check(now)?;
        let (name, data, template, priority) = job.template()?;
        let next = Next {
            scheduler: id,
            repeat: &repeat,
            template: &template,
            phase: repeat.offset,
            count: 1,
            now,
        };
        let mut fields = vec![("name".to_owned(), name.clone())];
        fields.extend(repeat.fields());
        if data != "{}" {
            fields.push(("data".to_owned(), data.clone()));
        }
        if !template.is_empty() {
            fields.push((
                "opts".to_owned(),
                Value::Object(template.clone()).to_string(),
            ));
        }
        let keys = self.keys([format!("repeat:{id}")]);
        // A pattern is checked also where its first job is due at once.
        let mut due = repeat.next_slot(now, repeat.seed(id))?;
        if repeat.interval().is_none() && repeat.immediately {
            due = Some(now);
        }
        for _ in 0..SLOTS {
            if due.is_none() && repeat.interval().is_none() {
                break;
            }
            let run = self.run::<(i64, String)>(&UPSERT, &keys).arg(id);
            let run = next
                .words(due)
                .into_iter()
                .fold(run, |run, word| run.arg(word));
            let run = run.arg(&name).arg(&data).arg(priority);
            let run = (fields.iter()).fold(run, |run, (field, value)| run.arg(field).arg(value));
            match run.safety(Safety::IdempotentWrite).await? {
                (ADDED, id) => return Ok(id),
                (BUSY, slot) if repeat.interval().is_none() => {
                    let slot = slot.parse().unwrap_or(now);
                    due = repeat.next_slot(slot, repeat.seed(id))?;
                }
                _ => {
                    return Err(Error::argument(
                        "the next slots of a scheduler all have jobs that have begun: remove these, or use another id",
                    ));
                }
            }
        }
        Err(Error::argument(
            "a scheduler whose pattern is never met, or not before its end: set another pattern or end",
        ))
    }

    /// Removes a scheduler with the job that waits, and returns whether it was there.
    ///
    /// Cost: one round trip and about 9 billed commands.
    pub async fn remove_scheduler(&self, id: &str) -> Result<bool, Error> {
        let keys = self.keys([format!("repeat:{id}")]);
        let run = self.run(&UNSCHEDULE, &keys).arg(id);
        run.safety(Safety::IdempotentWrite).await
    }

    /// Returns the schedulers; that whose job is due next is the first.
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
                if let Some(repeat) = Repeat::read(|name| hash.text(name)) {
                    schedulers.push(Scheduler {
                        id: id.clone(),
                        next: *next as u64,
                        name: hash.name().to_owned(),
                        repeat,
                        iterations: hash.number("ic").unwrap_or(1),
                    });
                }
            }
        }
        Ok(schedulers)
    }

    /// Adds the jobs that follow those of schedulers that were taken, each with its scheduler's hash. Jobs whose scheduler cannot be
    /// continued are put back, and returned.
    pub(super) async fn go_on(
        &self,
        token: &str,
        taken: &[(Job, Job)],
    ) -> Result<Vec<BlockedJob>, Error> {
        let now = self.now();
        let mut open: Vec<Taken> = (taken.iter())
            .filter_map(|(job, hash)| Taken::of(job, hash, now))
            .collect();
        let mut blocked = Vec::new();
        // One round for all, but where slots are taken.
        while !open.is_empty() {
            let keys = self.keys(open.iter().map(|one| format!("repeat:{}", one.scheduler)));
            let run = self.run::<Vec<(i64, String)>>(&NEXT, &keys).arg(token);
            let words = open.iter().flat_map(|one| one.words(now));
            let run = words.fold(run, |run, word| run.arg(word));
            let answers = run.safety(Safety::IdempotentWrite).await?;
            let mut again = Vec::new();
            for (mut one, answer) in open.into_iter().zip(answers) {
                match answer {
                    (BUSY, slot) => {
                        one.move_on(&slot);
                        again.push(one);
                    }
                    (FAILED, _) => blocked.push(one.blocked()),
                    _ => {}
                }
            }
            open = again;
        }
        Ok(blocked)
    }
}

/// What next.lua and upsert.lua answer.
const ADDED: i64 = 0;
const BUSY: i64 = 2;
const FAILED: i64 = 3;

/// A job of a scheduler that was taken, and what follows it.
struct Taken<'a> {
    job: &'a Job,
    hash: &'a Job,
    scheduler: String,
    /// `None` where neither its scheduler nor its options can be read.
    repeat: Option<Repeat>,
    phase: Option<u64>,
    count: u64,
    due: Option<u64>,
    /// Why it cannot be continued.
    refused: Option<String>,
    /// Whether the job itself is gone: it is added again in its slot.
    is_lost: bool,
    /// How many slots had a job.
    skipped: usize,
}

impl<'a> Taken<'a> {
    /// `None` where nothing follows.
    fn of(job: &'a Job, hash: &'a Job, now: u64) -> Option<Self> {
        let (of_id, slot) = slot_of(&job.id).unzip();
        let scheduler = job.scheduler().or(of_id)?;
        let options = job.opts.get("repeat");
        let mut taken = Self {
            job,
            hash,
            scheduler: scheduler.to_owned(),
            repeat: None,
            phase: None,
            count: 1,
            due: None,
            refused: None,
            is_lost: job.fields.is_empty() && hash.text(LOST).is_some(),
            skipped: 0,
        };
        if of_id != Some(scheduler) {
            // BullMQ 5 names the jobs of `add` with `repeat` by a hash.
            taken.refused = options.map(|_| {
                "it repeats by an option of add, which BullMQ 6 has no more: use a job scheduler".to_owned()
            });
            return taken.refused.is_some().then_some(taken);
        }
        if hash.text(CORRUPT).is_some() {
            taken.refused = Some("the key of its scheduler is not a hash".to_owned());
            return Some(taken);
        }
        let of_options: Map<String, Value> = options
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let texts: Vec<(String, String)> = (of_options.iter())
            .map(|(name, value)| {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (name.clone(), text)
            })
            .collect();
        let option = |name: &str| {
            let found = texts.iter().find(|(option, _)| option == name);
            found.map(|(_, text)| text.as_str())
        };
        let mut repeat = Repeat::read(|name| hash.text(name)).or_else(|| Repeat::read(option));
        if let Some(repeat) = &mut repeat {
            // The script adds an offset to the hash; the options have that which was given.
            taken.phase = repeat.offset;
            repeat.offset = option("offset").and_then(|offset| offset.parse().ok());
            if let When::Pattern { seed, .. } = &mut repeat.when {
                *seed = option("hashSeed").map(str::to_owned);
            }
        }
        let Some(repeat) = repeat else {
            taken.refused = Some("its scheduler has neither a pattern nor an interval".to_owned());
            return Some(taken);
        };
        let counted = option("count").and_then(|count| count.parse().ok());
        let count: u64 = counted.or_else(|| hash.number("ic")).unwrap_or(1);
        if !taken.is_lost
            && (repeat.limit.is_some_and(|limit| count >= limit)
                || repeat.end.is_some_and(|end| end < now))
        {
            return None;
        }
        taken.count = if taken.is_lost { count } else { count + 1 };
        let slot = slot.unwrap_or(now);
        if taken.is_lost {
            taken.due = Some(slot);
        } else if repeat.interval().is_none() {
            let from = slot.max(now);
            let next = |from| repeat.next_slot(from, repeat.seed(scheduler));
            // At some changes of clocks cron-parser finds none, as on Lord Howe in April; that must not end the scheduler.
            match next(from)
                .and_then(|due| due.map_or_else(|| next(from + DAY), |due| Ok(Some(due))))
            {
                Ok(Some(due)) => taken.due = Some(due),
                Ok(None) => return None,
                Err(error) => taken.refused = Some(error.to_string()),
            }
        }
        taken.repeat = Some(repeat);
        Some(taken)
    }

    /// Goes on to the slot behind one that has a job, if there are few of these.
    fn move_on(&mut self, busy: &str) {
        self.skipped += 1;
        let repeat = self.repeat.as_ref().filter(|_| self.skipped < SLOTS);
        let next = repeat.and_then(|repeat| {
            let next = repeat.next_slot(busy.parse().ok()?, repeat.seed(&self.scheduler));
            next.ok().flatten()
        });
        self.due = next;
        if next.is_none() {
            let reason = "its next slots all have jobs that have begun: remove these";
            self.refused = Some(reason.to_owned());
        }
    }

    fn blocked(&self) -> BlockedJob {
        let reason = self.refused.as_deref();
        BlockedJob {
            id: self.job.id.clone(),
            scheduler: self.scheduler.clone(),
            reason: reason.unwrap_or("its keys cannot be written").to_owned(),
        }
    }

    /// What next.lua reads of it.
    fn words(&self, now: u64) -> Vec<String> {
        let mut words = vec![self.scheduler.clone(), self.job.id.clone()];
        let Some(repeat) = self.repeat.as_ref().filter(|_| self.refused.is_none()) else {
            words.push("0".to_owned());
            return words;
        };
        // A hash that was evicted is written again, from what the job has of it.
        let is_there = self.hash.text("name").is_some();
        let of = if is_there { self.hash } else { self.job };
        let template = of
            .text("opts")
            .and_then(|opts| serde_json::from_str(opts).ok());
        let mut template: Map<String, Value> = template.unwrap_or_default();
        for own in OWN {
            template.remove(own);
        }
        let data = of.text("data").unwrap_or("{}").to_owned();
        let mut fields = Vec::new();
        if !is_there {
            fields.push(("name".to_owned(), of.name().to_owned()));
            fields.extend(repeat.fields());
            fields.push(("ic".to_owned(), (self.count - 1).max(1).to_string()));
            fields.push(("data".to_owned(), data.clone()));
            fields.push((
                "opts".to_owned(),
                Value::Object(template.clone()).to_string(),
            ));
        }
        let next = Next {
            scheduler: &self.scheduler,
            repeat,
            template: &template,
            phase: self.phase,
            count: self.count,
            now,
        };
        words.push("1".to_owned());
        words.extend(next.words(self.due));
        let priority = template.get("priority").and_then(Value::as_u64);
        words.extend([
            of.name().to_owned(),
            data,
            priority.unwrap_or(0).to_string(),
        ]);
        words.push((fields.len() * 2).to_string());
        words.extend(fields.into_iter().flat_map(|(name, value)| [name, value]));
        words
    }
}

/// What take.lua says in place of a scheduler's hash, or in it.
const CORRUPT: &str = "\u{1}corrupt";
const LOST: &str = "\u{1}lost";

/// Options that belong to one job of a scheduler alone.
const OWN: [&str; 6] = [
    "repeat",
    "jobId",
    "delay",
    "timestamp",
    "prevMillis",
    "repeatJobKey",
];

/// The scheduler and the slot in the id of a job.
fn slot_of(id: &str) -> Option<(&str, u64)> {
    let (scheduler, slot) = id.strip_prefix("repeat:")?.rsplit_once(':')?;
    Some((scheduler, slot.parse().ok()?))
}

/// The next job of a scheduler, but for its slot.
struct Next<'a> {
    scheduler: &'a str,
    repeat: &'a Repeat,
    template: &'a Map<String, Value>,
    /// How far its slots are behind multiples of the interval, if that is known.
    phase: Option<u64>,
    count: u64,
    now: u64,
}

impl Next<'_> {
    /// What slot_at of schedule.lua reads.
    fn words(&self, due: Option<u64>) -> [String; 7] {
        let text = |number: Option<u64>| number.map(|number| number.to_string());
        let mut repeat = self.repeat.options();
        repeat.insert("count".to_owned(), self.count.into());
        if let Some(seed) = self.repeat.seed(self.scheduler) {
            repeat.insert("hashSeed".to_owned(), seed.into());
        }
        let mut opts = self.template.clone();
        for (name, value) in [
            ("repeat", Value::Object(repeat)),
            ("timestamp", self.now.into()),
            ("repeatJobKey", self.scheduler.into()),
        ] {
            opts.insert(name.to_owned(), value);
        }
        // The script appends what depends on the slot.
        let mut opts = Value::Object(opts).to_string();
        opts.pop();
        let mut id = Value::from(format!("repeat:{}:", self.scheduler)).to_string();
        id.pop();
        let lifo = self.template.get("lifo").and_then(Value::as_bool);
        [
            text(due).unwrap_or_default(),
            text(self.repeat.interval()).unwrap_or_default(),
            text(self.phase).unwrap_or_default(),
            text(self.repeat.start).unwrap_or_default(),
            opts,
            id,
            u32::from(lifo.unwrap_or(false)).to_string(),
        ]
    }
}
