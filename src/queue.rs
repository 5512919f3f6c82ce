//! Job queues that an unmodified BullMQ shares, without a connection: whoever has the token adds jobs and takes them, one batch for
//! each request.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use std::time::Duration;
//! use restis::{Queue, queue::JobError};
//!
//! let emails = Queue::new(&redis, "emails");
//! emails.add("welcome", &"ada@example.com").attempts(3).await?;
//!
//! // A BullMQ worker takes it, or a function that a schedule calls:
//! let done = emails
//!     .consumer()
//!     .run_until(Duration::from_secs(50), async |job| {
//!         let to: String = job.data()?;
//!         Ok::<_, JobError>(format!("sent to {to}"))
//!     })
//!     .await?;
//! assert_eq!(done.completed, 1);
//! # Ok(()) });
//! ```
//!
//! # With BullMQ
//!
//! The keys, fields and events are those of BullMQ 5.49.2 to 6; its workers, queues, flows and dashboards see the jobs as their
//! own. The scripts are ours.
//!
//! A queue that is paused keeps its jobs where the version in its `meta` says: in `wait` from BullMQ 6 on, in `paused` before, and
//! there too where no version is said. So no job is lost when either resumes it. This side does not say a version, and never
//! guesses one.
//!
//! A worker of BullMQ that waits for work hears of a job at once. Here nobody waits: [`Consumer::pull`] looks, and a schedule, a
//! webhook or the function that has added the job calls it.
//!
//! # Cost
//!
//! | a day | requests | billed |
//! |---|---|---|
//! | a worker of BullMQ that has nothing to do | 37,440 commands | 158,400 |
//! | [`run_until`](Consumer::run_until) each minute, with nothing to do | 1,440 | 15,840 |
//! | the same each five minutes | 288 | 3,168 |
//!
//! What a call costs beside jobs that wait or are delayed: billed commands, and CPU time of the client's process and of the server, by
//! `cargo xtask compare queue` on two cores:
//!
//! | | 1 job | 1,000 jobs | 100,000 jobs |
//! | --- | --- | --- | --- |
//! | waiting: a job is added | 8 commands; 0.14 ms client, 0.07 ms server | 8 commands; 0.13 ms client, 0.06 ms server | 8 commands; 0.39 ms client, 0.16 ms server |
//! | waiting: ten jobs are added, taken and completed | 152 commands; 0.85 ms client, 0.77 ms server | 152 commands; 0.69 ms client, 0.71 ms server | 152 commands; 1.1 ms client, 0.95 ms server |
//! | waiting: memory of the jobs | 75 KB | 246 KB | 17116 KB |
//! | delayed: a job is added | 8 commands; 0.14 ms client, 0.06 ms server | 8 commands; 0.15 ms client, 0.05 ms server | 8 commands; 0.40 ms client, 0.15 ms server |
//! | delayed: ten jobs are added, taken and completed | 153 commands; 0.83 ms client, 0.77 ms server | 153 commands; 0.71 ms client, 0.69 ms server | 153 commands; 1.1 ms client, 0.92 ms server |
//! | delayed: memory of the jobs | 75 KB | 316 KB | 24892 KB |
//!
//! Source: [BullMQ](https://docs.bullmq.io/).

mod add;
mod admin;
mod consumer;
mod cron;
mod events;
mod job;
mod options;
pub(crate) mod plan;
pub(crate) mod run;
mod scheduler;
mod scripts;

use std::{fmt, sync::Arc};

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use self::job::any_job;
pub use self::{
    add::Add,
    admin::{Counts, State},
    consumer::{Batch, Consumer, Pulled, Settled},
    events::{Finished, QueueEvent},
    job::Job,
    options::{Backoff, ChildFailure, Deduplication, Keep},
    run::{JobError, Stopped, Summary},
    scheduler::{BlockedJob, Repeat, Scheduler},
};
use crate::{Error, Redis, clock};

type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A queue by its name. Cheap to clone; making one does no I/O, so it can be a global of a Worker.
#[derive(Clone)]
pub struct Queue {
    redis: Redis,
    name: String,
    /// `bull:name:`.
    prefix: String,
    clock: Clock,
}

impl Queue {
    /// The queue of this name, which has no colon.
    pub fn new(redis: &Redis, name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            redis: redis.clone(),
            prefix: format!("bull:{name}:"),
            name,
            clock: Arc::new(clock::unix_millis),
        }
    }

    /// What stands before the name in each key: `bull` by default, as there.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = format!("{prefix}:{}:", self.name);
        self
    }

    /// Another clock, which gives Unix milliseconds: for tests.
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn now(&self) -> u64 {
        (self.clock)()
    }

    fn check(&self) -> Result<(), Error> {
        match self.name.is_empty() || self.name.contains(':') {
            true => Err(Error::argument(
                "a queue's name is a text without colons: what stands before it is its prefix",
            )),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
