//! Taking jobs, and saying what has become of them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;

use super::{
    BlockedJob, Job, Queue,
    options::{Keep, MOST, backoff},
    scripts::{EXTEND, PULL, SETTLE, SWEEP},
};
use crate::{Error, Safety, clock, random};

/// How many finished jobs are removed at a time where their options do not say it.
const PART: u64 = 1000;
/// How many failures are kept in a job's stack where its options do not say it.
const STACK: usize = 10;
/// How many jobs one request takes or settles at most: a script that moves more holds up the server.
const JOBS: usize = 1000;
/// How many bytes of results one request has, where it is not a single one: JSON in JSON is at most twice as long.
const BYTES: usize = 4_000_000;
/// How many bytes are kept of a failure's reason, and of a job's stack.
const REASON: usize = 65_536;
const STACK_BYTES: usize = 524_288;
/// How often a request whose answer was lost is sent, and between two of these.
const TIMES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

type Custom = Arc<dyn Fn(&str, u64) -> Option<Duration> + Send + Sync>;

/// Takes jobs of a queue without a connection: a batch for each request, whenever it is asked for.
///
/// Its settings are methods that give it back. Others take from the same queue meanwhile, BullMQ's workers too.
#[derive(Clone)]
pub struct Consumer {
    pub(super) queue: Queue,
    pub(super) lock: Duration,
    name: String,
    limit: Option<(u64, Duration)>,
    stalled_interval: Duration,
    max_stalled: u32,
    custom: Custom,
    pub(super) batch_size: usize,
    pub(super) margin: Duration,
}

/// What a pull has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pulled {
    /// Jobs, or none where there are none.
    Ready,
    /// The queue is paused.
    Paused,
    /// As many jobs are active as the queue allows.
    Maxed,
    /// As many jobs were begun as may be in a time.
    #[non_exhaustive]
    Limited {
        /// When that time is over.
        retry_after: Duration,
    },
}

/// Jobs that were taken, and what is to be said of them. To drop it says nothing: their locks end, and they are taken for stalled.
#[must_use = "jobs that are not settled stay active until their locks end"]
pub struct Batch {
    consumer: Consumer,
    token: String,
    jobs: Vec<Job>,
    /// Where a job is among them.
    places: OnceLock<HashMap<String, usize>>,
    pulled: Pulled,
    next_delayed: Option<u64>,
    blocked: Vec<BlockedJob>,
    outcomes: Outcomes,
}

/// The outcomes of jobs in the order in which they were recorded, one for each job.
#[derive(Default)]
struct Outcomes {
    list: Vec<Outcome>,
    places: HashMap<String, usize>,
}

#[derive(Clone)]
struct Outcome {
    words: [String; 10],
}

impl Outcome {
    fn id(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn bytes(&self) -> usize {
        self.words.iter().map(String::len).sum()
    }
}

/// What came of what was said of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Settled {
    /// It was done as it was said.
    Done,
    /// It had been done before: an answer was lost.
    Before,
    /// There is no such job any more.
    Gone,
    /// Its lock has ended: it may be somebody else's soon.
    NotLocked,
    /// Somebody else has it.
    Foreign,
    /// It is not among those that are worked on.
    NotActive,
    /// It has unfinished children, so it could not be completed. It failed with that reason, as under a BullMQ worker, and is
    /// tried again if it has attempts left.
    PendingChildren,
    /// Children of it have failed, so it could not be completed. It failed for good with that reason, as under a BullMQ worker.
    FailedChildren,
    /// Its result is larger than a request may be. It failed for good with that reason.
    TooLarge,
}

impl Settled {
    fn of(code: i64) -> Self {
        match code {
            0 => Self::Done,
            -100 => Self::Before,
            -1 => Self::Gone,
            -6 => Self::Foreign,
            -3 => Self::NotActive,
            -4 => Self::PendingChildren,
            -9 => Self::FailedChildren,
            _ => Self::NotLocked,
        }
    }

    /// Whether what was said holds.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::Before)
    }
}

/// What pull.lua gives.
type Taken = (i64, i64, i64, Vec<(String, Vec<String>, Vec<String>)>);

impl Queue {
    /// Takes its jobs.
    pub fn consumer(&self) -> Consumer {
        Consumer {
            queue: self.clone(),
            lock: Duration::from_secs(30),
            name: String::new(),
            limit: None,
            stalled_interval: Duration::from_secs(30),
            max_stalled: 1,
            custom: Arc::new(|_, _| None),
            batch_size: 10,
            margin: Duration::from_secs(1),
        }
    }
}

/// Settings.
impl Consumer {
    /// For how long a job is somebody's unless he [asks for more](Batch::extend): 30 s by default. A function that ends sooner, and
    /// with what is left for its answer, need not ask.
    pub fn lock(mut self, lock: Duration) -> Self {
        self.lock = lock;
        self
    }

    /// Who takes the jobs, for those who look at them.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Begins at most so many jobs in a time, with all who have that limit; as BullMQ's `limiter`.
    pub fn limit(mut self, jobs: u64, duration: Duration) -> Self {
        self.limit = Some((jobs, duration));
        self
    }

    /// How often all who take jobs together look for those whose worker is gone: every 30 s by default, never for zero. It takes
    /// two looks to find one.
    pub fn stalled_interval(mut self, interval: Duration) -> Self {
        self.stalled_interval = interval;
        self
    }

    /// How often the worker of a job may go away until it fails: once by default.
    pub fn max_stalled(mut self, times: u32) -> Self {
        self.max_stalled = times;
        self
    }

    /// How many jobs [`run_until`](Self::run_until) takes and runs at a time: 10 by default.
    pub fn batch_size(mut self, jobs: usize) -> Self {
        self.batch_size = jobs.max(1);
        self
    }

    /// Sets how long before the end [`run_until`](Self::run_until) stops its handlers and settles the jobs. Default: 1 s.
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// How long a job waits after a failure by strategies with names of one's own: the name, and how often it was tried. `None` is
    /// not again.
    pub fn backoff(
        mut self,
        strategy: impl Fn(&str, u64) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.custom = Arc::new(strategy);
        self
    }
}

impl Consumer {
    /// Takes up to so many jobs.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::Queue;
    ///
    /// let emails = Queue::new(&redis, "emails");
    /// emails.add("welcome", &"ada").await?;
    /// let consumer = emails.consumer();
    /// let mut batch = consumer.pull(10).await?;
    /// for job in batch.jobs().to_vec() {
    ///     match job.data::<String>() {
    ///         Ok(to) => batch.complete(job.id(), &format!("sent to {to}"))?,
    ///         Err(error) => batch.fail(job.id(), error),
    ///     }
    /// }
    /// batch.settle().await?;
    /// assert_eq!(emails.counts().await?.completed, 1);
    /// # Ok(()) });
    /// ```
    ///
    /// Also looks after jobs whose worker is gone, promotes those that were delayed, and adds the next job of a scheduler whose job
    /// it takes. A request whose answer was lost is sent again and gives the same jobs.
    ///
    /// Cost: one round trip; about 10 billed commands, and 4 for each job. One more where a scheduler goes on.
    pub async fn pull(&self, most: usize) -> Result<Batch, Error> {
        let token = token();
        let taken = self.take(&token, most.min(JOBS)).await?;
        let taken = self.take_rest(&token, most, taken).await;
        self.batch(token, taken).await
    }

    async fn take(&self, token: &str, most: usize) -> Result<Taken, Error> {
        self.asked(|again| {
            let run = self.queue.run::<Taken>(&PULL, &self.queue.keys([""; 0]));
            let words = self.words(token, most, again);
            async move { words.into_iter().fold(run, |run, word| run.arg(word)).await }
        })
        .await
    }

    /// Takes the jobs that one request does not.
    async fn take_rest(&self, token: &str, most: usize, mut taken: Taken) -> Taken {
        let mut part = JOBS;
        let mut found = taken.3.len();
        let mut known: HashSet<String> = HashSet::new();
        while found == part && taken.3.len() < most {
            if known.is_empty() {
                known.extend(taken.3.iter().map(|(id, ..)| id.clone()));
            }
            part = JOBS.min(most - taken.3.len());
            // The jobs that are taken already are worked on first.
            let Ok(more) = self.take(token, part).await else {
                break;
            };
            let before = taken.3.len();
            let new = (more.3.into_iter()).filter(|(id, ..)| known.insert(id.clone()));
            taken.3.extend(new);
            found = taken.3.len() - before;
            taken.2 = more.2;
        }
        taken
    }

    /// Puts jobs back whose worker is gone, and gives their ids; at most once in each [interval](Self::stalled_interval) among all.
    ///
    /// Each pull does that too.
    pub async fn sweep(&self) -> Result<Vec<String>, Error> {
        let keys = self.queue.keys([""; 0]);
        let run = self.queue.run(&SWEEP, &keys);
        let run = run.arg(millis(self.stalled_interval)).arg(self.max_stalled);
        run.safety(Safety::IdempotentWrite).await
    }

    /// Sends a request until there is an answer, and says whether it is the first time.
    async fn asked<T, F>(&self, request: impl Fn(bool) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut sent = 0;
        loop {
            sent += 1;
            match request(sent > 1).await {
                Err(error) if error.is_ambiguous() && sent < TIMES => {
                    clock::sleep(PAUSE * sent).await;
                }
                done => return done,
            }
        }
    }

    /// What take_at of take.lua reads.
    fn words(&self, token: &str, most: usize, again: bool) -> [String; 9] {
        let (limit, duration) = match self.limit {
            Some((limit, duration)) => (
                limit.clamp(1, MOST).to_string(),
                millis(duration).to_string(),
            ),
            None => Default::default(),
        };
        let interval = match self.stalled_interval.is_zero() {
            true => 0,
            false => millis(self.stalled_interval),
        };
        [
            token.to_owned(),
            millis(self.lock).to_string(),
            most.to_string(),
            limit,
            duration,
            self.name.clone(),
            u32::from(again).to_string(),
            interval.to_string(),
            self.max_stalled.to_string(),
        ]
    }

    async fn batch(&self, token: String, taken: Taken) -> Result<Batch, Error> {
        let (status, wait, next, found) = taken;
        let mut jobs = Vec::new();
        let mut schedulers = Vec::new();
        for (id, flat, scheduler) in found {
            let job = Job::new(id, flat);
            // Of a job that was evicted there is its scheduler alone.
            let is_gone = job.fields.is_empty();
            if is_gone || job.scheduler().is_some() {
                schedulers.push((job.clone(), Job::new(String::new(), scheduler)));
            }
            if !is_gone {
                jobs.push(job);
            }
        }
        let retry_after = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        let mut batch = Batch {
            consumer: self.clone(),
            token,
            jobs,
            pulled: match status {
                1 => Pulled::Paused,
                2 => Pulled::Maxed,
                3 => Pulled::Limited { retry_after },
                _ => Pulled::Ready,
            },
            next_delayed: u64::try_from(next).ok(),
            places: OnceLock::new(),
            blocked: Vec::new(),
            outcomes: Outcomes::default(),
        };
        let gone_on = self.queue.go_on(&batch.token, &schedulers).await;
        batch.blocked = match gone_on {
            Ok(blocked) => blocked,
            Err(error) => batch.release_schedulers(error).await?,
        };
        let blocked = &batch.blocked;
        batch
            .jobs
            .retain(|job| blocked.iter().all(|one| one.id != job.id));
        // What others have decided already.
        let (deferred, jobs) =
            (batch.jobs.into_iter()).partition(|job| job.deferred_failure().is_some());
        batch.jobs = jobs;
        let deferred: Vec<Job> = deferred;
        for job in &deferred {
            let reason = job.deferred_failure().unwrap_or_default().to_owned();
            batch.push(failed_for_good(job, reason));
        }
        Ok(batch)
    }
}

impl Batch {
    /// The jobs that were taken.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// What the pull has found.
    pub fn pulled(&self) -> Pulled {
        self.pulled
    }

    /// When the next delayed job is due, in Unix milliseconds, if there is one.
    pub fn next_delayed(&self) -> Option<u64> {
        self.next_delayed
    }

    /// The jobs that were put back and not handed out, since their schedulers cannot be continued.
    pub fn blocked(&self) -> &[BlockedJob] {
        &self.blocked
    }

    /// Puts back the jobs of schedulers, which must not stop with a job that nothing follows. The other jobs are handed out, if there
    /// are any.
    async fn release_schedulers(&mut self, error: Error) -> Result<Vec<BlockedJob>, Error> {
        let of_schedulers = self.jobs.iter().filter(|job| job.scheduler().is_some());
        let blocked: Vec<BlockedJob> = of_schedulers
            .map(|job| BlockedJob {
                id: job.id.clone(),
                scheduler: job.scheduler().unwrap_or_default().to_owned(),
                reason: error.to_string(),
            })
            .collect();
        let mut back = self.empty();
        back.jobs.clone_from(&self.jobs);
        for one in &blocked {
            back.release(&one.id);
        }
        // If that fails too, they are found when their locks have expired.
        let _ = Box::pin(back.settle()).await;
        match blocked.len() == self.jobs.len() {
            true => Err(error),
            false => Ok(blocked),
        }
    }

    fn job(&self, id: &str) -> Option<&Job> {
        let places = self.places.get_or_init(|| {
            let jobs = self.jobs.iter().enumerate();
            jobs.map(|(place, job)| (job.id.clone(), place)).collect()
        });
        let job = places.get(id).and_then(|place| self.jobs.get(*place));
        job.filter(|job| job.id == id)
            .or_else(|| self.jobs.iter().find(|job| job.id == id))
    }

    /// Records a job's result. Nothing is sent before [`settle`](Self::settle).
    ///
    /// Fails where the result cannot be written as JSON: then nothing is recorded, and the job can still be failed.
    pub fn complete(&mut self, id: &str, value: &impl Serialize) -> Result<(), Error> {
        let value = serde_json::to_string(value).map_err(|_| {
            Error::argument(
                "the job's result cannot be written as JSON: the keys of its maps must be strings",
            )
        })?;
        let job = self.job(id);
        let said = job.map(|job| outcome(job, "c", value, Duration::ZERO, false));
        said.into_iter().for_each(|said| self.push(said));
        Ok(())
    }

    /// Says that a job has failed: it is tried again as its options say, or has failed for good.
    pub fn fail(&mut self, id: &str, reason: impl fmt::Display) {
        self.fail_with(id, reason.to_string(), None, false);
    }

    /// `trace` is what the job's `stacktrace` keeps in place of the reason.
    pub(super) fn fail_with(
        &mut self,
        id: &str,
        reason: String,
        trace: Option<&str>,
        for_good: bool,
    ) {
        let Some(job) = self.job(id) else { return };
        let mut said = match for_good {
            true => failed_for_good(job, reason),
            false => self.failed(job, reason),
        };
        if let (Some(trace), Some(kept)) = (trace, said.words.get_mut(3)) {
            *kept = stack(job, trace);
        }
        self.push(said);
    }

    fn failed(&self, job: &Job, reason: String) -> Outcome {
        let made = job.attempts_made() + 1;
        let custom = &self.consumer.custom;
        let strategy = |name: &str, made| custom(name, made);
        let again = (made < job.attempts())
            .then(|| backoff(&job.opts, made, random::unit(), strategy))
            .flatten();
        match again {
            Some(delay) => outcome(job, "r", reason, delay, false),
            None => failed_for_good(job, reason),
        }
    }

    /// Says that a job has failed for good, whatever attempts it has left: BullMQ's `UnrecoverableError`.
    pub fn fail_for_good(&mut self, id: &str, reason: impl fmt::Display) {
        let job = self.job(id);
        let said = job.map(|job| failed_for_good(job, reason.to_string()));
        said.into_iter().for_each(|said| self.push(said));
    }

    /// Says that a job has failed and is to be tried again after this, whatever its options say. It counts as an attempt.
    pub fn retry_in(&mut self, id: &str, reason: impl fmt::Display, delay: Duration) {
        let job = self.job(id);
        let said = job.map(|job| outcome(job, "r", reason.to_string(), delay, false));
        said.into_iter().for_each(|said| self.push(said));
    }

    /// Gives a job back as if it had not been taken: it is the next one, and no attempt is counted.
    pub fn release(&mut self, id: &str) {
        let job = self.job(id);
        let said = job.map(|job| outcome(job, "w", String::new(), Duration::ZERO, false));
        said.into_iter().for_each(|said| self.push(said));
    }

    /// The last outcome of a job holds.
    fn push(&mut self, said: Outcome) {
        let Outcomes { list, places } = &mut self.outcomes;
        let place = *places.entry(said.id().to_owned()).or_insert(list.len());
        match list.get_mut(place) {
            Some(before) => *before = said,
            None => list.push(said),
        }
    }

    /// Sends the recorded outcomes, and returns the result for each job, in that order.
    ///
    /// A job without an outcome stays as it is. A request whose answer was lost is sent again, and the result is
    /// [`Before`](Settled::Before) where it had been done. Many outcomes, or large ones, are sent in several requests.
    ///
    /// Cost: one round trip for each 1,000 jobs or 4 MB of results; about 7 billed commands, and 7 to 10 for each job. One more
    /// where jobs could not be completed because of their children, or a result was too large.
    pub async fn settle(self) -> Result<Vec<(String, Settled)>, Error> {
        Ok(self.settle_and_pull(0).await?.0)
    }

    /// The same, and takes up to so many more jobs in the same request.
    pub async fn settle_and_pull(
        mut self,
        most: usize,
    ) -> Result<(Vec<(String, Settled)>, Self), Error> {
        let next = token();
        let outcomes = std::mem::take(&mut self.outcomes).list;
        if outcomes.is_empty() && most == 0 {
            return Ok((Vec::new(), self.empty()));
        }
        let (settled, taken) = self.settle_parts(outcomes, &next, most.min(JOBS)).await?;
        self.fail_parents(&settled).await;
        let batch = match taken {
            Some(taken) if most > 0 => {
                let taken = self.consumer.take_rest(&next, most, taken).await;
                self.consumer.batch(next, taken).await?
            }
            _ => self.empty(),
        };
        Ok((settled, batch))
    }

    /// Sends outcomes in as many requests as they need; the last one takes the next jobs.
    async fn settle_parts(
        &self,
        outcomes: Vec<Outcome>,
        next: &str,
        most: usize,
    ) -> Result<(Vec<(String, Settled)>, Option<Taken>), Error> {
        let mut parts = parts_of(outcomes);
        let mut settled = Vec::new();
        let mut taken = None;
        let mut is_too_large = false;
        while let Some(mut part) = parts.pop_front() {
            let most = if parts.is_empty() { most } else { 0 };
            match self.send(&part, next, most).await {
                Ok((codes, found)) => {
                    let codes = codes.into_iter().map(|code| match Settled::of(code) {
                        Settled::Done if is_too_large => Settled::TooLarge,
                        settled => settled,
                    });
                    let ids = part.iter().map(|outcome| outcome.id().to_owned());
                    settled.extend(ids.zip(codes));
                    taken = Some(found);
                    is_too_large = false;
                }
                Err(error) if error.is_too_large() && part.len() > 1 => {
                    let rest = part.split_off(part.len() / 2);
                    parts.push_front(rest);
                    parts.push_front(part);
                }
                Err(error) if error.is_too_large() && !is_too_large => {
                    let job = part.first().and_then(|outcome| self.job(outcome.id()));
                    let Some(job) = job else { return Err(error) };
                    let reason = "the job's result is larger than a request to the database may be: store it elsewhere, and \
                                  return where it is";
                    // Its work is done. Another attempt would do it a second time, with the same result.
                    parts.push_front(vec![failed_for_good(job, reason.to_owned())]);
                    is_too_large = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((settled, taken))
    }

    async fn send(
        &self,
        outcomes: &[Outcome],
        next: &str,
        most: usize,
    ) -> Result<(Vec<i64>, Taken), Error> {
        let consumer = &self.consumer;
        let keys = consumer.queue.keys(outcomes.iter().map(Outcome::id));
        consumer
            .asked(|again| {
                let run = consumer.queue.run::<(Vec<i64>, Taken)>(&SETTLE, &keys);
                let run = run.arg(&self.token).arg(u32::from(again));
                let words = consumer.words(next, most, again);
                let run = words.into_iter().fold(run, |run, word| run.arg(word));
                let run = run.arg(outcomes.len());
                let said = outcomes.iter().flat_map(|outcome| &outcome.words);
                let run = said.fold(run, |run, word| run.arg(word));
                async move { run.await }
            })
            .await
    }

    /// Fails the jobs that could not be completed because of their children. Otherwise they would stay active.
    async fn fail_parents(&self, settled: &[(String, Settled)]) {
        let outcomes = settled.iter().filter_map(|(id, what)| {
            let job = self.job(id)?;
            Some(match what {
                Settled::PendingChildren => {
                    let reason = format!("Job {id} has pending dependencies");
                    self.failed(job, reason)
                }
                Settled::FailedChildren => {
                    let reason = format!(
                        "Cannot complete job {id} because it has at least one failed child"
                    );
                    failed_for_good(job, reason)
                }
                _ => return None,
            })
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        if !outcomes.is_empty() {
            // If that fails too, they are found when their locks have expired.
            let _ = self.settle_parts(outcomes, &token(), 0).await;
        }
    }

    fn empty(&self) -> Self {
        Self {
            consumer: self.consumer.clone(),
            token: self.token.clone(),
            jobs: Vec::new(),
            pulled: Pulled::Ready,
            next_delayed: None,
            places: OnceLock::new(),
            blocked: Vec::new(),
            outcomes: Outcomes::default(),
        }
    }

    /// Holds all jobs of the batch, of which nothing was said yet, for another [lock](Consumer::lock) from now; gives the ids of
    /// those that are not its any more.
    ///
    /// Cost: one round trip; 3 billed commands, and one for each job.
    pub async fn extend(&self) -> Result<Vec<String>, Error> {
        let said = &self.outcomes.places;
        let open = (self.jobs.iter()).filter(|job| !said.contains_key(&job.id));
        let open: Vec<&str> = open.map(|job| &*job.id).collect();
        self.consumer.extend(&self.token, &open).await
    }

    /// Whether the pull has found nothing, not even what others had decided.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.outcomes.list.is_empty()
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

impl Consumer {
    pub(super) async fn extend(&self, token: &str, ids: &[&str]) -> Result<Vec<String>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.queue.keys(ids);
        let run = self.queue.run(&EXTEND, &keys).arg(token);
        let run = run.arg(millis(self.lock));
        let run = ids.iter().fold(run, |run, id| run.arg(*id));
        run.safety(Safety::IdempotentWrite).await
    }
}

/// Outcomes for one request each: not too many, and not too large.
fn parts_of(outcomes: Vec<Outcome>) -> VecDeque<Vec<Outcome>> {
    let mut parts = VecDeque::new();
    let (mut part, mut bytes) = (Vec::new(), 0);
    for outcome in outcomes {
        let more = outcome.bytes();
        if !part.is_empty() && (part.len() >= JOBS || bytes + more > BYTES) {
            parts.push_back(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += more;
        part.push(outcome);
    }
    // Without any there is still a request, which takes jobs.
    parts.push_back(part);
    parts
}

fn failed_for_good(job: &Job, reason: String) -> Outcome {
    let exhausted = job.attempts_made() + 1 >= job.attempts();
    outcome(job, "f", reason, Duration::ZERO, exhausted)
}

/// What settle.lua is told of a job.
fn outcome(job: &Job, what: &str, value: String, delay: Duration, exhausted: bool) -> Outcome {
    let option = match what {
        "c" => Some("removeOnComplete"),
        "f" => Some("removeOnFail"),
        _ => None,
    };
    let keep = option.map_or(Keep::ALL, |name| Keep::of(job.opts.get(name)));
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let (value, stack) = match what {
        "r" | "f" => {
            let reason = shortened(value);
            let stack = stack(job, &reason);
            (reason, stack)
        }
        _ => (value, String::new()),
    };
    let lifo = job.opts.get("lifo").and_then(Value::as_bool);
    Outcome {
        words: [
            job.id.clone(),
            what.to_owned(),
            value,
            stack,
            clock::whole_millis(delay).to_string(),
            u32::from(lifo.unwrap_or(false)).to_string(),
            text(keep.count.map(|count| count.min(MOST))).unwrap_or_default(),
            text(keep.age.map(clock::whole_millis)).unwrap_or_default(),
            keep.limit.unwrap_or(PART).clamp(1, MOST).to_string(),
            u32::from(exhausted).to_string(),
        ],
    }
}

/// The beginning of a reason that is too long to be kept.
fn shortened(mut reason: String) -> String {
    if reason.len() > REASON {
        let end = (0..=REASON).rev().find(|end| reason.is_char_boundary(*end));
        reason.truncate(end.unwrap_or(0));
        reason.push('…');
    }
    reason
}

/// The last few failures of a job. One without a text adds none, as in BullMQ.
fn stack(job: &Job, reason: &str) -> String {
    let limit = job.opts.get("stackTraceLimit").and_then(Value::as_u64);
    let limit = limit.map_or(STACK, |limit| usize::try_from(limit).unwrap_or(STACK));
    let mut stack = job.stacktrace();
    if !reason.is_empty() {
        stack.push(reason.to_owned());
    }
    let mut bytes = 0;
    let last = stack.iter().rev().take(limit).take_while(|failure| {
        bytes += failure.len();
        bytes <= STACK_BYTES
    });
    let mut stack: Vec<&String> = last.collect();
    stack.reverse();
    serde_json::to_string(&stack).unwrap_or_default()
}

/// What the locks of a pull say: nobody else has the same.
fn token() -> String {
    format!("restis:{}", random::name())
}

/// In whole milliseconds, at least one.
fn millis(time: Duration) -> u64 {
    clock::whole_millis(time).max(1)
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("queue", &self.queue)
            .field("lock", &self.lock)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("jobs", &self.jobs.len())
            .field("pulled", &self.pulled)
            .finish_non_exhaustive()
    }
}
