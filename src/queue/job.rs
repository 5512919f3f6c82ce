//! A job as Redis has it.

use std::{collections::HashMap, fmt};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;

/// A job that was taken, or looked up.
#[derive(Clone, PartialEq)]
pub struct Job {
    pub(super) id: String,
    pub(super) fields: HashMap<String, String>,
    pub(super) opts: Value,
}

impl Job {
    pub(super) fn new(id: String, flat: Vec<String>) -> Self {
        let mut fields = HashMap::new();
        let mut flat = flat.into_iter();
        while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
            // What was changed while it was taken comes behind.
            fields.insert(name, value);
        }
        Self::of(id, fields)
    }

    pub(super) fn of(id: String, fields: HashMap<String, String>) -> Self {
        let opts = fields.get("opts").map(|opts| serde_json::from_str(opts));
        Self {
            id,
            opts: opts.and_then(Result::ok).unwrap_or_default(),
            fields,
        }
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    pub(super) fn number(&self, field: &str) -> Option<u64> {
        self.text(field)?.parse().ok()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// Its data. Fails with [`is_decode`](Error::is_decode) where they are something else.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read(self.text("data").unwrap_or("{}"), "data")
    }

    /// Its data as they were sent.
    pub fn data_json(&self) -> &str {
        self.text("data").unwrap_or("{}")
    }

    /// Its options, by BullMQ's names.
    pub fn options(&self) -> &Value {
        &self.opts
    }

    /// How often it was tried to its end, be that a failure.
    pub fn attempts_made(&self) -> u64 {
        self.number("atm").unwrap_or(0)
    }

    /// How often it was begun.
    pub fn attempts_started(&self) -> u64 {
        self.number("ats").unwrap_or(0)
    }

    /// How often its worker went away.
    pub fn stalled(&self) -> u64 {
        self.number("stc").unwrap_or(0)
    }

    /// Its priority; 0 has none, and is taken first.
    pub fn priority(&self) -> u64 {
        self.number("priority").unwrap_or(0)
    }

    /// When it was added, in Unix milliseconds.
    pub fn timestamp(&self) -> Option<u64> {
        self.number("timestamp")
    }

    /// When it was begun last, in Unix milliseconds.
    pub fn processed_on(&self) -> Option<u64> {
        self.number("processedOn")
    }

    /// When it was finished, in Unix milliseconds.
    pub fn finished_on(&self) -> Option<u64> {
        self.number("finishedOn")
    }

    /// How far it is.
    pub fn progress<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let progress = self.text("progress");
        progress.map(|text| read(text, "progress")).transpose()
    }

    /// Its progress as it is stored.
    pub fn progress_json(&self) -> Option<&str> {
        self.text("progress")
    }

    /// Its return value as it is stored, if it is completed.
    pub fn return_value_json(&self) -> Option<&str> {
        self.text("returnvalue")
    }

    /// The stacks of its last failures, the last one at the end. A failure here is its [stack](super::JobError::stack) or its
    /// reason, one of BullMQ's workers the stack of its error.
    pub fn stacktrace(&self) -> Vec<String> {
        let stack = self.text("stacktrace").unwrap_or("[]");
        serde_json::from_str(stack).unwrap_or_default()
    }

    /// What it has come to, if it is completed.
    pub fn return_value<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let value = self.text("returnvalue");
        value.map(|text| read(text, "return value")).transpose()
    }

    /// Why it failed, or failed last.
    pub fn failed_reason(&self) -> Option<&str> {
        self.text("failedReason")
    }

    /// The scheduler that it comes from.
    pub fn scheduler(&self) -> Option<&str> {
        self.text("rjk")
    }

    /// The key of its parent, `bull:queue:id`.
    pub fn parent_key(&self) -> Option<&str> {
        self.text("parentKey")
    }

    /// Why it has to fail without being tried.
    pub(super) fn deferred_failure(&self) -> Option<&str> {
        self.text("defa")
    }

    pub(super) fn attempts(&self) -> u64 {
        let attempts = self.opts.get("attempts").and_then(Value::as_u64);
        attempts.unwrap_or(0)
    }
}

/// What holds for any hash of a job: `bytes` are its fields and values, each ended by a NUL.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub fn any_job(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let flat: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
    let job = Job::new("1".to_owned(), flat.clone());
    // Of a field that is there twice the last one counts.
    if let Some([name, value]) = flat.chunks_exact(2).last() {
        assert_eq!(job.text(name), Some(value.as_str()));
    }
    assert_eq!(job, Job::of("1".to_owned(), job.fields.clone()));
    assert!(job.options().is_null() || job.text("opts").is_some());
    let _ = (
        job.name(),
        job.attempts(),
        job.attempts_made(),
        job.attempts_started(),
    );
    let _ = (
        job.stalled(),
        job.priority(),
        job.timestamp(),
        job.processed_on(),
    );
    let _ = (
        job.finished_on(),
        job.failed_reason(),
        job.deferred_failure(),
    );
    let _ = (
        job.data::<Value>(),
        job.progress::<Value>(),
        job.return_value::<Value>(),
    );
    let _ = (job.data_json(), job.scheduler(), job.parent_key());
}

fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|_| Error::decode(format!("the job's {what} cannot be read as this type")))
}

impl fmt::Debug for Job {
    /// Without its data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name())
            .field("attempts_made", &self.attempts_made())
            .finish_non_exhaustive()
    }
}
