//! A record of what requests asked for, word by word, for tests that compare clients.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::request::Batch;

/// The requests since the record was begun, if it was.
#[derive(Debug, Default)]
pub(crate) struct Log {
    on: AtomicBool,
    requests: Mutex<Vec<Asked>>,
}

/// One request: its form, and its commands as they were read.
#[derive(Debug, Serialize)]
struct Asked {
    path: &'static str,
    commands: Vec<Vec<Word>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Bytes { base64: String },
}

impl Log {
    /// Begins anew.
    pub(crate) fn begin(&self) {
        self.clear();
        self.on.store(true, Relaxed);
    }

    /// Forgets what was recorded, and goes on if it was begun.
    pub(crate) fn clear(&self) {
        self.requests().clear();
    }

    pub(crate) fn add(&self, path: &'static str, batch: &Batch) {
        if !self.on.load(Relaxed) {
            return;
        }
        let commands = batch
            .commands()
            .map(|command| command.args().map(Word::of).collect());
        let commands = commands.collect();
        self.requests().push(Asked { path, commands });
    }

    /// The record as JSON, or `None` before it was begun.
    pub(crate) fn json(&self) -> Option<Vec<u8>> {
        let on = self.on.load(Relaxed);
        on.then(|| serde_json::to_vec(&*self.requests()).unwrap_or_default())
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Word {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes {
                base64: STANDARD.encode(bytes),
            },
        }
    }
}
