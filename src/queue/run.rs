//! Working on jobs for a limited time, as a function does that a schedule calls.

use std::{
    collections::HashSet,
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use serde::Serialize;

use super::{Batch, BlockedJob, Consumer, Job, Pulled, Settled};
use crate::{
    Error,
    clock::{self, Instant},
};

/// Why a handler could not do a job. Converts from any error with `?`.
#[derive(Debug)]
pub struct JobError {
    reason: String,
    stack: Option<String>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Again,
    ForGood,
    /// The handler stopped since it was told to: the job is given back.
    Stopped,
}

impl JobError {
    /// A failure that is retried as the job's options say.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            stack: None,
            kind: Kind::Again,
        }
    }

    /// A failure that is not retried, whatever the job's options say: BullMQ's `UnrecoverableError`.
    pub fn for_good(reason: impl fmt::Display) -> Self {
        Self {
            kind: Kind::ForGood,
            ..Self::new(reason)
        }
    }

    /// Sets what the job's `stacktrace` keeps of this failure; an empty text adds nothing to it. Default: the reason.
    pub fn stack(mut self, stack: impl Into<String>) -> Self {
        self.stack = Some(stack.into());
        self
    }

    /// The handler has stopped since the time of the run is over.
    pub(crate) fn stopped() -> Self {
        Self {
            kind: Kind::Stopped,
            ..Self::new("stopped")
        }
    }
}

impl<E: std::error::Error> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// The time was over. Jobs may be left.
    #[default]
    Time,
    /// No job was left that can be taken now. Delayed ones may be: see [`Summary::next_delayed`].
    Drained,
    /// The queue is paused.
    Paused,
    /// As many jobs are active as the queue's global concurrency allows.
    Maxed,
    /// The rate limit of the queue or of the [consumer](Consumer::limit) is reached.
    #[non_exhaustive]
    Limited {
        /// When its period is over.
        retry_after: Duration,
    },
}

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many jobs were completed.
    pub completed: u64,
    /// How many attempts failed. The options of each job decide whether it is retried.
    pub failed: u64,
    /// How many jobs were begun and given back since the time was over. No attempt is counted for them.
    pub released: u64,
    /// How many jobs were lost while they were worked on: their lock expired, another consumer has them, or they were removed.
    pub lost: u64,
    /// Why the run stopped.
    pub stopped: Stopped,
    /// When the next delayed job is due, in Unix milliseconds. `None` if there is none, or if the time was over.
    pub next_delayed: Option<u64>,
    /// The jobs that were put back, since their schedulers cannot be continued. They are still waiting.
    pub blocked: Vec<BlockedJob>,
}

impl Summary {
    /// Notes jobs that were put back; whether one is among them that was not seen before. Where none is, the line was seen to its end.
    fn note(&mut self, blocked: &[BlockedJob]) -> bool {
        let before = self.blocked.len();
        for one in blocked {
            if self.blocked.iter().all(|known| known.id != one.id) {
                self.blocked.push(one.clone());
            }
        }
        self.blocked.len() > before
    }
}

/// Why a handler has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time of the run is over.
    Time,
    /// The job's lock is lost.
    Lost,
}

enum Event {
    AllDone,
    TimeIsOver,
    Expired,
    Renewed(Result<Vec<String>, Error>),
}

impl Consumer {
    /// Works on jobs until none is left or the time is nearly over: takes a [batch](Self::batch_size), runs its jobs side by side,
    /// renews their locks, and settles them with the request that takes the next batch.
    ///
    /// The run stops [`margin`](Self::margin) before the time is over. Handlers that have not returned by then are canceled: their
    /// futures are dropped, as [`tokio::time::timeout`](https://docs.rs/tokio/latest/tokio/time/fn.timeout.html) does, and their
    /// jobs are given back without an attempt being counted. The future of a job whose lock is lost is dropped too. A handler
    /// that spawns tasks must stop them when it is dropped, or they go on beside the next attempt.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::time::Duration;
    /// use restis::{Queue, queue::{JobError, Stopped}};
    ///
    /// let emails = Queue::new(&redis, "emails");
    /// emails.add_bulk(["ada", "eve"].map(|to| emails.add("welcome", &to))).await?;
    /// let consumer = emails.consumer();
    /// let done = consumer
    ///     .run_until(Duration::from_secs(10), async |job| {
    ///         let to: String = job.data()?;
    ///         Ok::<_, JobError>(to.len())
    ///     })
    ///     .await?;
    /// assert_eq!((done.completed, done.stopped), (2, Stopped::Drained));
    /// # Ok(()) });
    /// ```
    ///
    /// The summary names the reason for which the run stopped, so that the caller can decide when to come back.
    ///
    /// Cost: one round trip for each batch, and one more; those of [`pull`](Self::pull) and [`settle`](Batch::settle). Called each
    /// minute with nothing to do, it is 1,440 requests and about 15,840 billed commands a day.
    pub async fn run_until<F, Fut, V>(&self, time: Duration, work: F) -> Result<Summary, Error>
    where
        F: Fn(Job) -> Fut,
        Fut: Future<Output = Result<V, JobError>>,
        V: Serialize,
    {
        Ok(self.drive(time, work, |_, _| true).await?.0)
    }

    /// As [`run_until`](Self::run_until). `stop` is called for each handler that has to stop, and returns whether dropping its
    /// future does that. Where it does not, the handler has half of the margin to return; also returns how many did not, whose
    /// jobs stay active until their locks expire.
    pub(crate) async fn drive<F, Fut, V>(
        &self,
        time: Duration,
        work: F,
        stop: impl Fn(&str, Stop) -> bool,
    ) -> Result<(Summary, u64), Error>
    where
        F: Fn(Job) -> Fut,
        Fut: Future<Output = Result<V, JobError>>,
        V: Serialize,
    {
        let begun = Instant::now();
        let left = || {
            time.saturating_sub(begun.elapsed())
                .saturating_sub(self.margin)
        };
        let mut summary = Summary::default();
        if left().is_zero() {
            return Ok((summary, 0));
        }
        let mut since = Instant::now();
        let mut batch = self.pull(self.batch_size).await?;
        loop {
            let has_new = summary.note(batch.blocked());
            let had_none = batch.is_empty() && !has_new;
            if had_none {
                summary.next_delayed = batch.next_delayed();
                summary.stopped = match batch.pulled() {
                    Pulled::Ready => Stopped::Drained,
                    Pulled::Paused => Stopped::Paused,
                    Pulled::Maxed => Stopped::Maxed,
                    Pulled::Limited { retry_after } => Stopped::Limited { retry_after },
                };
                return Ok((summary, 0));
            }
            let mut run = Running::of(self, batch, since, &work);
            let running = run.finish(left(), &stop, &mut summary).await;
            let goes_on = !left().is_zero();
            let most = if goes_on { self.batch_size } else { 0 };
            since = Instant::now();
            let (settled, next) = run.batch.settle_and_pull(most).await?;
            for (id, what) in &settled {
                match what {
                    Settled::Done | Settled::Before => {
                        summary.completed += u64::from(run.completed.contains(id));
                        summary.failed += u64::from(run.failed.contains(id));
                        summary.released += u64::from(run.released.contains(id));
                    }
                    // Their work was done, and they failed all the same.
                    Settled::PendingChildren | Settled::FailedChildren | Settled::TooLarge => {
                        summary.failed += 1;
                    }
                    _ => summary.lost += 1,
                }
            }
            if !goes_on {
                return Ok((summary, running));
            }
            batch = next;
        }
    }
}

/// The jobs of a batch that are worked on.
struct Running<'a, Fut> {
    consumer: &'a Consumer,
    batch: Batch,
    futures: Vec<(String, Pin<Box<Fut>>)>,
    /// Those whose locks are renewed: also of jobs that are done, until they are settled.
    held: Vec<String>,
    /// When the request began by which their locks were set last.
    since: Instant,
    completed: HashSet<String>,
    failed: HashSet<String>,
    released: HashSet<String>,
}

impl<'a, Fut, V> Running<'a, Fut>
where
    Fut: Future<Output = Result<V, JobError>>,
    V: Serialize,
{
    fn of(consumer: &'a Consumer, batch: Batch, since: Instant, work: impl Fn(Job) -> Fut) -> Self {
        let jobs = batch.jobs().to_vec();
        let futures: Vec<_> = (jobs.into_iter())
            .map(|job| (job.id().to_owned(), Box::pin(work(job))))
            .collect();
        Self {
            consumer,
            batch,
            held: futures.iter().map(|(id, _)| id.clone()).collect(),
            futures,
            since,
            completed: HashSet::new(),
            failed: HashSet::new(),
            released: HashSet::new(),
        }
    }

    /// Runs them until all are done or that time is over; returns how many cannot be stopped.
    async fn finish(
        &mut self,
        time: Duration,
        stop: &impl Fn(&str, Stop) -> bool,
        summary: &mut Summary,
    ) -> u64 {
        let mut over = pin!(clock::sleep(time));
        let mut is_over = false;
        while !self.futures.is_empty() {
            match self.next(over.as_mut()).await {
                Event::AllDone => break,
                Event::TimeIsOver if is_over => break,
                Event::TimeIsOver => {
                    is_over = true;
                    let futures = std::mem::take(&mut self.futures);
                    for (id, future) in futures {
                        match stop(&id, Stop::Time) {
                            true => self.release(&id),
                            false => self.futures.push((id, future)),
                        }
                    }
                    over.set(clock::sleep(self.consumer.margin / 2));
                }
                Event::Expired => {
                    let all = std::mem::take(&mut self.held);
                    self.lose(&all, stop, summary);
                }
                Event::Renewed(Ok(lost)) => self.lose(&lost, stop, summary),
                // The next renewal may succeed while the lock still holds.
                Event::Renewed(Err(_)) => {}
            }
        }
        self.futures.len() as u64
    }

    /// Runs them until something happens.
    async fn next(&mut self, mut over: Pin<&mut impl Future<Output = ()>>) -> Event {
        let lock = self.consumer.lock;
        let begun = Instant::now();
        let ids = self.held.clone();
        let (consumer, token) = (self.consumer, self.batch.token().to_owned());
        let mut renewal = pin!(async {
            clock::sleep(lock / 3).await;
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let renewed = Instant::now();
            (renewed, consumer.extend(&token, &ids).await)
        });
        let mut expiry = pin!(clock::sleep(lock.saturating_sub(self.since.elapsed())));
        let mut done = Vec::new();
        let futures = &mut self.futures;
        let mut renewed_at = begun;
        let event = poll_fn(|cx| {
            futures.retain_mut(|(id, job)| match job.as_mut().poll(cx) {
                Poll::Ready(outcome) => {
                    done.push((id.clone(), outcome));
                    false
                }
                Poll::Pending => true,
            });
            if futures.is_empty() {
                return Poll::Ready(Event::AllDone);
            }
            if let Poll::Ready((at, renewed)) = renewal.as_mut().poll(cx) {
                renewed_at = at;
                return Poll::Ready(Event::Renewed(renewed));
            }
            if expiry.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Expired);
            }
            over.as_mut().poll(cx).map(|()| Event::TimeIsOver)
        })
        .await;
        if matches!(event, Event::Renewed(Ok(_))) {
            self.since = renewed_at;
        }
        for (id, outcome) in done {
            self.done(&id, outcome);
        }
        event
    }

    fn done(&mut self, id: &str, outcome: Result<V, JobError>) {
        let failure = match outcome {
            Ok(value) => match self.batch.complete(id, &value) {
                Ok(()) => {
                    self.completed.insert(id.to_owned());
                    return;
                }
                // Its work is done. Another attempt would do it a second time.
                Err(error) => JobError::for_good(error),
            },
            Err(error) if error.kind == Kind::Stopped => return self.release(id),
            Err(error) => error,
        };
        let is_final = failure.kind == Kind::ForGood;
        let stack = failure.stack.as_deref();
        self.batch.fail_with(id, failure.reason, stack, is_final);
        self.failed.insert(id.to_owned());
    }

    fn release(&mut self, id: &str) {
        self.batch.release(id);
        self.released.insert(id.to_owned());
    }

    /// Stops those whose lock is lost: whatever they come to is not ours to settle.
    fn lose(&mut self, lost: &[String], stop: &impl Fn(&str, Stop) -> bool, summary: &mut Summary) {
        self.held.retain(|id| !lost.contains(id));
        self.futures.retain(|(id, _)| {
            let is_lost = lost.contains(id);
            if is_lost {
                stop(id, Stop::Lost);
                summary.lost += 1;
            }
            !is_lost
        });
    }
}
