//! What a process keeps of visitors: each for a time, and not more than so many.

use std::collections::HashMap;

use crate::sync::{Mutex, lock};

/// Above this what is over is taken away, and if that is not enough what would be over next.
const MOST: usize = 10_000;

/// Values that hold until a time, in Unix milliseconds.
#[derive(Debug)]
pub(super) struct Memory<V>(Mutex<HashMap<String, (u64, V)>>);

impl<V> Default for Memory<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Memory<V> {
    /// Looks at what holds of a visitor, and may change it.
    pub(super) fn with<T>(&self, id: &str, now: u64, look: impl FnOnce(&mut V) -> T) -> Option<T> {
        let mut entries = lock(&self.0);
        let (until, value) = entries.get_mut(id)?;
        if *until > now {
            return Some(look(value));
        }
        entries.remove(id);
        None
    }

    pub(super) fn put(&self, id: &str, until: u64, value: V, now: u64) {
        let mut entries = lock(&self.0);
        if entries.len() >= MOST && !entries.contains_key(id) {
            entries.retain(|_, (until, _)| *until > now);
            if entries.len() >= MOST {
                let next = entries.iter().min_by_key(|(_, (until, _))| *until);
                if let Some(id) = next.map(|(id, _)| id.clone()) {
                    entries.remove(&id);
                }
            }
        }
        entries.insert(id.to_owned(), (until, value));
    }

    pub(super) fn remove(&self, id: &str) {
        lock(&self.0).remove(id);
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
        // Who has to wait longest is kept.
        memory.put("long", 90, 0, 6);
        memory.put("soon", 10, 0, 6);
        memory.put("newer", 20, 0, 6);
        assert_eq!(lock(&memory.0).len(), MOST);
        assert_eq!(memory.with("soon", 6, |_| ()), None);
        assert_eq!(memory.with("long", 6, |_| ()), Some(()));
    }
}
