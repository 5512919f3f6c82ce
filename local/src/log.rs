//! A record of what requests asked for, word by word, for tests that compare clients.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::request::Batch;

/// How many bytes of names and arguments it holds: who forgot to end it does not fill the memory.
const MOST: usize = 64 * 1024 * 1024;

/// What a word takes beside its bytes, so that empty ones are not free.
const OVERHEAD: usize = size_of::<Word>() + 16;

/// The requests since the record was begun, if it was.
#[derive(Debug, Default)]
pub(crate) struct Log {
    on: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    requests: Vec<Asked>,
    bytes: usize,
    /// A request came that would have been too much: it and those behind it are missing.
    is_full: bool,
}

/// What [`Log::json`] has.
#[derive(Debug)]
pub(crate) enum Record {
    /// It was not begun.
    Off,
    /// Something is missing at its end.
    Full,
    Json(Vec<u8>),
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
        *self.held() = Held::default();
    }

    pub(crate) fn add(&self, path: &'static str, batch: &Batch) {
        if !self.on.load(Relaxed) {
            return;
        }
        let mut held = self.held();
        let words = batch.commands().flat_map(|command| command.args());
        let bytes: usize = words.map(|word| word.len() + OVERHEAD).sum();
        held.bytes = held.bytes.saturating_add(bytes);
        held.is_full |= held.bytes > MOST;
        if held.is_full {
            return;
        }
        let commands = batch
            .commands()
            .map(|command| command.args().map(Word::of).collect());
        let commands = commands.collect();
        held.requests.push(Asked { path, commands });
    }

    /// The record as JSON.
    pub(crate) fn json(&self) -> Record {
        if !self.on.load(Relaxed) {
            return Record::Off;
        }
        let held = self.held();
        if held.is_full {
            return Record::Full;
        }
        Record::Json(serde_json::to_vec(&held.requests).unwrap_or_default())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
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
