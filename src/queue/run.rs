//! Working on jobs for a time: what a function does that a schedule calls.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use serde::Serialize;

use super::{Batch, Consumer, Job, Settled};
use crate::{
    Error,
    clock::{self, Instant},
};

/// Why a job could not be done. Any error with `?`, or [`for_good`](Self::for_good).
#[derive(Debug)]
pub struct JobError {
    reason: String,
    is_final: bool,
}

impl JobError {
    /// It is tried again, as its options say.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            is_final: false,
        }
    }

    /// It is not tried again, whatever its options say.
    pub fn for_good(reason: impl fmt::Display) -> Self {
        Self {
            is_final: true,
            ..Self::new(reason)
        }
    }
}

impl<E: std::error::Error> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many jobs are done.
    pub completed: u64,
    /// How many attempts have failed; what becomes of the jobs say their options.
    pub failed: u64,
    /// How many were begun and given back, since the time was over.
    pub released: u64,
    /// How many were lost to others while they were worked on, or are gone.
    pub lost: u64,
    /// Whether nothing was left to be taken.
    pub drained: bool,
    /// When the next delayed job is due, in Unix milliseconds, where nothing was left.
    pub next_delayed: Option<u64>,
}

enum Pause {
    AllDone,
    TimeIsOver,
    Renewed(Result<Vec<String>, Error>),
}

impl Consumer {
    /// Works on jobs until none is left or the time is nearly over: takes some, runs them side by side, says what has become of them
    /// with the request that takes the next ones, and holds their locks meanwhile.
    ///
    /// It stops as long before the end as [`margin`](Self::margin) says: who is not done then is dropped, and his job given back
    /// without an attempt being counted. The next ones are taken when all of a [batch](Self::batch_size) are done.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::time::Duration;
    /// use restis::{Queue, queue::JobError};
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
    /// assert_eq!((done.completed, done.drained), (2, true));
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip for each batch, and one more; those of [`pull`](Self::pull) and [`settle`](Batch::settle). Called each
    /// minute with nothing to do, it is 1,440 requests and about 14,400 billed commands a day.
    pub async fn run_until<F, Fut, V>(&self, time: Duration, work: F) -> Result<Summary, Error>
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
        let mut batch = self.pull(self.batch_size).await?;
        loop {
            let next_delayed = batch.next_delayed();
            let had_none = batch.is_empty();
            if !batch.jobs().is_empty() {
                self.work(&mut batch, left(), &work, &mut summary).await?;
            }
            let goes_on = !left().is_zero() && !had_none;
            let most = if goes_on { self.batch_size } else { 0 };
            let (settled, next) = batch.settle_and_pull(most).await?;
            for (_, what) in &settled {
                match what {
                    Settled::Done | Settled::Before => {}
                    // Its work was done, and it failed all the same.
                    Settled::PendingChildren | Settled::FailedChildren | Settled::TooLarge => {
                        summary.completed = summary.completed.saturating_sub(1);
                        summary.failed += 1;
                    }
                    _ => summary.lost += 1,
                }
            }
            if !goes_on {
                summary.drained = had_none;
                summary.next_delayed = next_delayed.filter(|_| had_none);
                return Ok(summary);
            }
            batch = next;
        }
    }

    async fn work<F, Fut, V>(
        &self,
        batch: &mut Batch,
        time: Duration,
        work: &F,
        summary: &mut Summary,
    ) -> Result<(), Error>
    where
        F: Fn(Job) -> Fut,
        Fut: Future<Output = Result<V, JobError>>,
        V: Serialize,
    {
        let jobs = batch.jobs().to_vec();
        let mut running: Vec<(String, Pin<Box<Fut>>)> = (jobs.into_iter())
            .map(|job| (job.id().to_owned(), Box::pin(work(job))))
            .collect();
        let token = batch.token().to_owned();
        // Also of those that are done, until that is said.
        let mut held: Vec<String> = running.iter().map(|(id, _)| id.clone()).collect();
        let mut over = pin!(clock::sleep(time));
        loop {
            let ids = held.clone();
            let mut renewal = pin!(async {
                clock::sleep(self.lock / 3).await;
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                self.extend(&token, &ids).await
            });
            let mut done = Vec::new();
            let pause = poll_fn(|cx| {
                running.retain_mut(|(id, job)| match job.as_mut().poll(cx) {
                    Poll::Ready(outcome) => {
                        done.push((id.clone(), outcome));
                        false
                    }
                    Poll::Pending => true,
                });
                if running.is_empty() {
                    return Poll::Ready(Pause::AllDone);
                }
                if over.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Pause::TimeIsOver);
                }
                renewal.as_mut().poll(cx).map(Pause::Renewed)
            })
            .await;
            for (id, outcome) in done {
                match outcome {
                    Ok(value) => match batch.complete(&id, &value) {
                        Ok(()) => summary.completed += 1,
                        // Its work is done. Another attempt would do it a second time.
                        Err(error) => {
                            batch.fail_for_good(&id, error);
                            summary.failed += 1;
                        }
                    },
                    Err(JobError { reason, is_final }) => {
                        match is_final {
                            true => batch.fail_for_good(&id, reason),
                            false => batch.fail(&id, reason),
                        }
                        summary.failed += 1;
                    }
                }
            }
            match pause {
                Pause::AllDone => return Ok(()),
                Pause::TimeIsOver => {
                    for (id, _) in running {
                        batch.release(&id);
                        summary.released += 1;
                    }
                    return Ok(());
                }
                // Who has lost his job works for nothing.
                Pause::Renewed(Ok(lost)) => {
                    let before = running.len();
                    running.retain(|(id, _)| !lost.contains(id));
                    summary.lost += (before - running.len()) as u64;
                    held.retain(|id| !lost.contains(id));
                    if running.is_empty() {
                        return Ok(());
                    }
                }
                // It is asked again, as long as the lock may hold.
                Pause::Renewed(Err(_)) => {}
            }
        }
    }
}
