//! What happens to the jobs of a queue, read by its place in the stream, and waiting for what a job comes to.

use std::{collections::HashMap, time::Duration};

use serde::de::DeserializeOwned;

use super::Queue;
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

    /// Waits until a job is completed or has failed for good.
    ///
    /// Returns `None` when the time is over, and when the job is removed so that nothing is left to read its outcome from. Looks at
    /// the job and at the events, at growing intervals of up to 2 s: an outcome is found even if its event was trimmed, and even
    /// if the job was removed when it finished. Waits for a job that does not exist yet too.
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
    /// Cost: two round trips and three billed commands; each further look is one round trip and two billed commands.
    pub async fn wait_finished<T: DeserializeOwned>(
        &self,
        id: &str,
        time: Duration,
    ) -> Result<Option<Finished<T>>, Error> {
        let begun = clock::Instant::now();
        let mut last = self.last_event().await?;
        let mut was_there = false;
        let mut pause = FIRST_WAIT;
        loop {
            // The job first: where it is gone by then, its last event is among those that are read after it.
            let fields = ["finishedOn", "returnvalue", "failedReason", "timestamp"];
            let job = self.redis.hmget::<String>(self.key(id), fields);
            let events = (self.redis)
                .xrange::<HashMap<String, String>>(self.key("events"), format!("({last}"), "+")
                .count(PART);
            let (job, events) = self.redis.pipeline((job, events)).await?;
            let (job, events) = (job?, events?);
            let field = |place: usize| job.get(place).and_then(Option::as_deref);
            if field(0).is_some() {
                return finished(field(1), field(2)).map(Some);
            }
            let is_all = (events.len() as u64) < PART;
            for entry in events {
                last = entry.id;
                let text = |name: &str| entry.fields.get(name).map(String::as_str);
                if text("jobId") != Some(id) {
                    continue;
                }
                match text("event") {
                    Some("completed") => return finished(text("returnvalue"), None).map(Some),
                    Some("failed") => {
                        return finished(None, Some(text("failedReason").unwrap_or_default()))
                            .map(Some);
                    }
                    _ => {}
                }
            }
            if !is_all {
                continue;
            }
            let is_there = field(3).is_some();
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() || (was_there && !is_there) {
                return Ok(None);
            }
            was_there = is_there;
            clock::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_WAIT);
        }
    }
}

/// What a finished job has come to, by its fields or those of its event.
fn finished<T: DeserializeOwned>(
    value: Option<&str>,
    reason: Option<&str>,
) -> Result<Finished<T>, Error> {
    match reason {
        Some(reason) if value.is_none() => Ok(Finished::Failed(reason.to_owned())),
        _ => serde_json::from_str(value.unwrap_or("null"))
            .map(Finished::Completed)
            .map_err(|_| Error::decode("the job's return value cannot be read as this type")),
    }
}
