//! What a process remembers of entries beside the values: hints that save a round trip or a wait, and may be forgotten.

use std::{collections::HashMap, mem, sync::Arc, time::Duration};

use crate::{
    clock::Instant,
    name::Name,
    sync::{Mutex, lock},
};

/// How many notes there are at least before the oldest are forgotten, and half of how many there are at most.
const KEPT: usize = 10_000;

/// The same of their bytes. A note that takes a tenth of it is not kept.
const BYTES: usize = 4_000_000;

/// Notes in two generations: when the young are many or large, the old ones are forgotten and the young become old.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Name, Note>,
    old: HashMap<Name, Note>,
    /// Of the young.
    bytes: usize,
}

/// All that is known under one name.
#[derive(Clone, Debug, Default)]
struct Note {
    /// The tags an entry had when it was read last, to be asked for with it.
    tags: Option<Arc<[String]>>,
    /// The claim in this key, whose holder went away.
    claim: Option<String>,
    /// This value needs no refresh from here for a while.
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    begun: Instant,
    time: Duration,
    failed: bool,
}

impl Note {
    /// About what it takes, with its name and its place in the map.
    fn bytes(&self) -> usize {
        let tags = self.tags.iter().flat_map(|tags| tags.iter());
        let tags: usize = tags.map(|tag| tag.len() + 40).sum();
        200 + tags + self.claim.as_ref().map_or(0, String::len)
    }
}

impl Notes {
    fn look<T>(&self, name: &str, what: impl FnOnce(&Note) -> T) -> Option<T> {
        let name = Name::of(name);
        let generations = lock(&self.0);
        let young = generations.young.get(&name);
        young.or_else(|| generations.old.get(&name)).map(what)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Note)) {
        let name = Name::of(name);
        let mut generations = lock(&self.0);
        if generations.young.len() >= KEPT || generations.bytes >= BYTES {
            generations.old = mem::take(&mut generations.young);
            generations.bytes = 0;
        }
        let mut note = match generations.young.remove(&name) {
            Some(note) => {
                generations.bytes = generations.bytes.saturating_sub(note.bytes());
                note
            }
            None => generations.old.remove(&name).unwrap_or_default(),
        };
        change(&mut note);
        let bytes = note.bytes();
        if bytes < BYTES / 10 {
            generations.bytes += bytes;
            generations.young.insert(name, note);
        }
    }

    pub(super) fn tags(&self, key: &str) -> Option<Arc<[String]>> {
        self.look(key, |note| note.tags.clone()).flatten()
    }

    pub(super) fn remember(&self, key: &str, tags: Arc<[String]>) {
        self.change(key, |note| note.tags = Some(tags));
    }

    /// The holder of the claim in this key went away.
    pub(super) fn leave(&self, key: &str, claim: String) {
        self.change(key, |note| note.claim = Some(claim));
    }

    /// Whether this claim was left, which it is not any more.
    pub(super) fn take(&self, key: &str, claim: &str) -> bool {
        let left = self.look(key, |note| note.claim.as_deref() == Some(claim));
        let mut taken = false;
        if left == Some(true) {
            // Another caller may have been quicker.
            self.change(key, |note| {
                taken = note.claim.as_deref() == Some(claim);
                if taken {
                    note.claim = None;
                }
            });
        }
        taken
    }

    pub(super) fn pause(&self, id: &str, time: Duration, failed: bool) {
        let pause = Pause {
            begun: Instant::now(),
            time,
            failed,
        };
        self.change(id, |note| note.pause = Some(pause));
    }

    /// Whether the value is paused, and whether that is because a load failed.
    pub(super) fn paused(&self, id: &str) -> Option<bool> {
        let pause = self.look(id, |note| note.pause).flatten()?;
        (pause.begun.elapsed() < pause.time).then_some(pause.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_bounded_and_the_newest_stay() {
        let notes = Notes::default();
        for number in 0..KEPT * 5 {
            notes.leave(&number.to_string(), "claim".into());
            notes.remember("always", Arc::new([]));
        }
        let generations = lock(&notes.0);
        assert!(generations.young.len() + generations.old.len() <= KEPT * 2);
        drop(generations);
        let last = KEPT * 5 - 1;
        assert!(!notes.take("0", "claim"));
        assert!(!notes.take(&last.to_string(), "another"));
        assert!(notes.take(&last.to_string(), "claim"));
        assert!(!notes.take(&last.to_string(), "claim"));
        assert!(notes.tags("always").is_some());
    }

    #[test]
    fn they_are_bounded_in_bytes() {
        let notes = Notes::default();
        let sum = |notes: &Notes| -> usize {
            let generations = lock(&notes.0);
            let all = generations.young.values().chain(generations.old.values());
            all.map(Note::bytes).sum()
        };
        for number in 0..1_500 {
            let name = format!("{number}{}", "x".repeat(600));
            let tags: Vec<String> = (0..100)
                .map(|tag| format!("{number}:{tag}:{}", "y".repeat(100)))
                .collect();
            notes.remember(&name, tags.into());
            notes.leave(&name, "claim".into());
            notes.pause(&name, Duration::from_secs(60), false);
            assert!(notes.tags(&name).is_some() && notes.take(&name, "claim"));
            assert!(number % 50 > 0 || sum(&notes) <= 2 * BYTES + BYTES / 5);
        }
        // One that is too large is not kept, and drives out nothing.
        let before = sum(&notes);
        notes.remember("large", vec!["z".repeat(BYTES)].into());
        assert!(notes.tags("large").is_none());
        assert_eq!(sum(&notes), before);
    }
}
