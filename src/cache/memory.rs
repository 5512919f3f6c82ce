//! The optional cache in this process' memory: bounded in bytes, and in how long it may be behind Redis.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use quick_cache::{Weighter, sync::Cache};

use super::record::Record;
use crate::{
    clock::Instant,
    sync::{Mutex, lock},
};

/// A [`Store`]. Whoever never asks for one does not link it.
pub(super) struct Memory {
    ttl: Duration,
    entries: Cache<String, Kept, Bytes>,
    /// How often something was invalidated here. What was read before the last time is not kept.
    generation: AtomicU64,
    /// Between a look at the generation and the entry that is kept, nothing is invalidated.
    order: Mutex<()>,
}

/// Values in this process' memory.
pub(super) trait Store: Send + Sync {
    fn get(&self, key: &str) -> Option<Arc<Record>>;

    /// To be read before Redis is asked, and handed to [`keep`](Self::keep).
    fn generation(&self) -> u64;

    /// Keeps what held at `since` and is fresh for `left`, unless something was invalidated here since then.
    fn keep(
        &self,
        key: &str,
        record: &Arc<Record>,
        since: Instant,
        left: Duration,
        generation: u64,
    );

    /// Forgets one entry.
    fn forget(&self, key: &str);

    /// Forgets all: which entries have a tag or fit a pattern is not known here, and they live for a moment only.
    fn clear(&self);
}

#[derive(Clone)]
struct Kept {
    record: Arc<Record>,
    since: Instant,
    ttl: Duration,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, Kept> for Bytes {
    fn weight(&self, key: &String, kept: &Kept) -> u64 {
        // The text, the head that was read from it with a copy of each tag, and what the map itself needs.
        let tags = kept.record.head.tags.iter();
        let tags: usize = tags
            .map(|(tag, version)| tag.len() + version.len() + 80)
            .sum();
        (key.len() + kept.record.text().len() + tags + 300) as u64
    }
}

impl Memory {
    pub(super) fn new(bytes: u64, ttl: Duration) -> Self {
        let items = usize::try_from(bytes / 1000)
            .unwrap_or(usize::MAX)
            .clamp(16, 100_000);
        Self {
            ttl,
            entries: Cache::with_weighter(items, bytes, Bytes),
            generation: AtomicU64::new(0),
            order: Mutex::new(()),
        }
    }
}

impl Store for Memory {
    fn get(&self, key: &str) -> Option<Arc<Record>> {
        let kept = self.entries.get(key)?;
        if kept.since.elapsed() < kept.ttl {
            return Some(kept.record);
        }
        self.entries.remove(key);
        None
    }

    fn generation(&self) -> u64 {
        self.generation.load(SeqCst)
    }

    fn keep(
        &self,
        key: &str,
        record: &Arc<Record>,
        since: Instant,
        left: Duration,
        generation: u64,
    ) {
        let _order = lock(&self.order);
        if self.generation() == generation {
            let kept = Kept {
                record: Arc::clone(record),
                since,
                ttl: self.ttl.min(left),
            };
            self.entries.insert(key.to_owned(), kept);
        }
    }

    fn forget(&self, key: &str) {
        let _order = lock(&self.order);
        self.generation.fetch_add(1, SeqCst);
        self.entries.remove(key);
    }

    fn clear(&self) {
        let _order = lock(&self.order);
        self.generation.fetch_add(1, SeqCst);
        self.entries.clear();
    }
}
