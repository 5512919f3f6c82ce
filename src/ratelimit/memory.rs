//! What a process keeps of visitors: each for a time, and not more than so many.

use std::collections::HashMap;

use crate::{
    name::Name,
    sync::{Mutex, lock},
};

/// Above this what is over is taken away, and if that is not enough a tenth: what would be over next.
const MOST: usize = 10_000;

/// Values that hold until a time, in Unix milliseconds.
#[derive(Debug)]
pub(super) struct Memory<V>(Mutex<HashMap<Name, Entry<V>>>);

#[derive(Debug)]
struct Entry<V> {
    since: u64,
    until: u64,
    value: V,
}

impl<V> Entry<V> {
    /// Not if the clock was set back since it was kept: then it is not known how long it holds.
    fn holds(&self, now: u64) -> bool {
        self.since <= now && self.until > now
    }
}

impl<V> Default for Memory<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Memory<V> {
    /// Looks at what holds of a visitor, and may change it.
    pub(super) fn with<T>(&self, id: &str, now: u64, look: impl FnOnce(&mut V) -> T) -> Option<T> {
        let mut entries = lock(&self.0);
        if entries.is_empty() {
            return None;
        }
        let name = Name::of(id);
        let entry = entries.get_mut(&name)?;
        if entry.holds(now) {
            return Some(look(&mut entry.value));
        }
        entries.remove(&name);
        None
    }

    pub(super) fn put(&self, id: &str, until: u64, value: V, now: u64) {
        let mut entries = lock(&self.0);
        let name = Name::of(id);
        if entries.len() >= MOST && !entries.contains_key(&name) {
            entries.retain(|_, entry| entry.holds(now));
            if entries.len() >= MOST {
                // Many at once, so that a new visitor does not cost a look at all of them.
                let mut ends: Vec<u64> = entries.values().map(|entry| entry.until).collect();
                let (_, last, _) = ends.select_nth_unstable(MOST / 10);
                let (last, mut most) = (*last, MOST / 10);
                entries.retain(|_, entry| {
                    let goes = entry.until <= last && most > 0;
                    most -= usize::from(goes);
                    !goes
                });
            }
        }
        let since = now;
        entries.insert(
            name,
            Entry {
                since,
                until,
                value,
            },
        );
    }

    pub(super) fn remove(&self, id: &str) {
        lock(&self.0).remove(&Name::of(id));
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_until_then_and_is_bounded() {
        let memory = Memory::default();
        memory.put("a", 10, 1, 0);
        assert_eq!(memory.with("a", 9, |value| *value), Some(1));
        assert_eq!(memory.with("a", 10, |value| *value), None);
        for number in 0..MOST {
            memory.put(&number.to_string(), 20, 0, 0);
        }
        // What is over makes room, and nothing else has to go.
        memory.put("0", 5, 0, 0);
        memory.put("new", 20, 0, 6);
        assert_eq!(lock(&memory.0).len(), MOST);
        // The longest wait is kept.
        memory.remove("new");
        memory.put("long", 90, 0, 6);
        memory.put("newer", 20, 0, 6);
        assert_eq!(lock(&memory.0).len(), MOST - MOST / 10 + 1);
        assert_eq!(memory.with("long", 6, |_| ()), Some(()));
        assert_eq!(memory.with("newer", 6, |_| ()), Some(()));
    }

    #[test]
    fn clock_that_is_set_back_ends_it() {
        let memory = Memory::default();
        memory.put("a", 3_700_000, 1, 3_600_000);
        assert_eq!(memory.with("a", 3_600_001, |value| *value), Some(1));
        assert_eq!(memory.with("a", 1, |value| *value), None);
    }
}
