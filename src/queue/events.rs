//! What happens to the jobs of a queue, read by its place in the stream, and waiting for what a job comes to.

use std::{collections::HashMap, time::Duration};

use serde::de::DeserializeOwned;

use super::{Job, Queue};
use crate::{Error, clock, commands::streams::StreamId};

/// Between two looks for what a job has come to.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_millis(2_000);
/// How many events are read at once.
const PART: u64 = 1000;

/// Something that has happened, by BullMQ's names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueEvent {
    /// Its place.
    pub id: StreamId,
    /// What: `added`, `waiting`, `active`, `completed`, `failed`, `delayed`, `drained`, `progress`, `stalled`, `removed`, …
    pub event: String,
    /// Whose, and the rest: `jobId`, `returnvalue`, `failedReason`, `prev`, …
    pub fields: HashMap<String, String>,
}

impl QueueEvent {
    /// The job that it is about.
    pub fn job_id(&self) -> Option<&str> {
        self.fields.get("jobId").map(String::as_str)
    }
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished<T> {
    /// It is done, and this is what it has come to.
    Completed(T),
    /// It has failed for good.
    Failed(String),
}

impl Queue {
    /// What has happened behind a place in the stream, at most so much of it. Begin with [`StreamId::MIN`], or with the place of
    /// [`last_event`](Self::last_event), and go on with that of the last event that came.
    ///
    /// The stream keeps about the last 10,000 events, or as many as the queue's BullMQ says.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use restis::Queue;
    ///
    /// let emails = Queue::new(&redis, "emails");
    /// let last = emails.last_event().await?;
    /// emails.add("welcome", &"ada").await?;
    /// let events = emails.events(last, 100).await?;
    /// let names: Vec<&str> = events.iter().map(|event| &*event.event).collect();
    /// assert_eq!(names, ["added", "waiting"]);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: one round trip and one billed command.
    pub async fn events(&self, after: StreamId, count: u64) -> Result<Vec<QueueEvent>, Error> {
        let key = self.key("events");
        let from = format!("({after}");
        let range = self.redis.xrange::<HashMap<String, String>>(key, from, "+");
        let entries = range.count(count).await?;
        let event = |entry: crate::commands::streams::Entry<HashMap<String, String>>| {
            let mut fields = entry.fields;
            QueueEvent {
                id: entry.id,
                event: fields.remove("event").unwrap_or_default(),
                fields,
            }
        };
        Ok(entries.into_iter().map(event).collect())
    }

    /// The place of the last event, or of the beginning.
    ///
    /// Cost: one round trip and one billed command.
    pub async fn last_event(&self) -> Result<StreamId, Error> {
        let key = self.key("events");
        let range = self
            .redis
            .xrevrange::<HashMap<String, String>>(key, "+", "-");
        let last = range.count(1).await?;
        Ok(last.first().map_or(StreamId::MIN, |entry| entry.id))
    }

    /// Waits until a job is completed or has failed for good, for at most that time; `None` if it has passed.
    ///
    /// A job that is removed when it is done is heard of only by who waits already. It looks at growing intervals, up to 2 s.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// use std::time::Duration;
    /// use restis::{Queue, queue::Finished};
    ///
    /// let sums = Queue::new(&redis, "sums");
    /// let id = sums.add("add", &[1, 2]).await?;
    /// # let mut batch = sums.consumer().pull(1).await?;
    /// # batch.complete(&id, &3)?;
    /// # batch.settle().await?;
    /// let found = sums.wait_finished::<i64>(&id, Duration::from_secs(5)).await?;
    /// assert_eq!(found, Some(Finished::Completed(3)));
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: two round trips and two billed commands, and one of each for each look behind that.
    pub async fn wait_finished<T: DeserializeOwned>(
        &self,
        id: &str,
        time: Duration,
    ) -> Result<Option<Finished<T>>, Error> {
        let begun = clock::Instant::now();
        let mut last = self.last_event().await?;
        if let Some(found) = self
            .job(id)
            .await?
            .map(|job| finished(&job))
            .transpose()?
            .flatten()
        {
            return Ok(Some(found));
        }
        let mut pause = FIRST_WAIT;
        loop {
            let events = self.events(last, PART).await?;
            let is_all = (events.len() as u64) < PART;
            for event in events {
                last = event.id;
                if event.job_id() != Some(id) {
                    continue;
                }
                let text = |name: &str| event.fields.get(name).cloned().unwrap_or_default();
                match &*event.event {
                    "completed" => {
                        return Ok(Some(Finished::Completed(value(&text("returnvalue"))?)));
                    }
                    "failed" => return Ok(Some(Finished::Failed(text("failedReason")))),
                    _ => {}
                }
            }
            let left = time.saturating_sub(begun.elapsed());
            if is_all {
                if left.is_zero() {
                    return Ok(None);
                }
                clock::sleep(pause.min(left)).await;
                pause = (pause * 2).min(LONGEST_WAIT);
            }
        }
    }
}

fn value<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|_| Error::decode("what the job has come to cannot be read as this type"))
}

fn finished<T: DeserializeOwned>(job: &Job) -> Result<Option<Finished<T>>, Error> {
    if job.finished_on().is_none() {
        return Ok(None);
    }
    Ok(Some(match job.failed_reason() {
        Some(reason) if job.text("returnvalue").is_none() => Finished::Failed(reason.to_owned()),
        _ => Finished::Completed(value(job.text("returnvalue").unwrap_or("null"))?),
    }))
}
