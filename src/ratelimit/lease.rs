//! Calls that were counted in Redis and are let through here, later.

use std::{collections::HashMap, sync::Arc};

use event_listener::{Event, EventListener};

use super::decision::{Decision, Reason};
use crate::{
    name::Name,
    sync::{Mutex, lock},
};

/// Above this what is over is taken away, and new visitors have no lease if that is not enough.
const MOST: usize = 10_000;

/// How many new visitors pass before it is looked again whether something is over.
const PAUSE: usize = MOST / 10;

/// What is left of what was counted, for each visitor.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Slots>);

#[derive(Debug, Default)]
struct Slots {
    by_name: HashMap<Name, Slot>,
    /// So many new visitors go without a lease before the next look.
    pause: usize,
}

#[derive(Debug, Default)]
struct Slot {
    left: u64,
    /// When it was counted, and until when that holds, in Unix milliseconds.
    since: u64,
    until: u64,
    decision: Option<Decision>,
    /// Whether one is asking for more; the others wait for him.
    asking: bool,
    answered: Arc<Event>,
}

/// What a caller is to do.
pub(super) enum Turn<'a> {
    Take(Decision),
    Wait(EventListener),
    Ask(Asking<'a>),
    /// There are too many.
    Without,
}

/// Who asks for more. Dropped it lets another one ask.
pub(super) struct Asking<'a> {
    leases: &'a Leases,
    name: Name,
}

impl Leases {
    pub(super) fn turn(&self, id: &str, cost: u64, now: u64) -> Turn<'_> {
        let mut slots = lock(&self.0);
        let name = Name::of(id);
        if slots.by_name.len() >= MOST && !slots.by_name.contains_key(&name) && !slots.has_room(now)
        {
            return Turn::Without;
        }
        let slot = slots.by_name.entry(name.clone()).or_default();
        // Not if the clock was set back since.
        if slot.since <= now
            && slot.until > now
            && slot.left >= cost
            && let Some(decision) = &mut slot.decision
        {
            slot.left -= cost;
            decision.remaining = decision.remaining.saturating_sub(cost);
            decision.now = now;
            decision.retry_at = Some(now);
            return Turn::Take(decision.clone());
        }
        if slot.asking {
            return Turn::Wait(slot.answered.listen());
        }
        slot.asking = true;
        Turn::Ask(Asking { leases: self, name })
    }

    pub(super) fn remove(&self, id: &str) {
        if let Some(slot) = lock(&self.0).by_name.get_mut(&Name::of(id)) {
            slot.left = 0;
        }
    }

    pub(super) fn clear(&self) {
        for slot in lock(&self.0).by_name.values_mut() {
            slot.left = 0;
        }
    }
}

impl Slots {
    /// Whether there is room for a new visitor, after what is over was taken away.
    fn has_room(&mut self, now: u64) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        self.by_name.retain(|_, slot| {
            let holds = slot.since <= now && slot.until > now;
            slot.asking || (holds && slot.left > 0)
        });
        let has_room = self.by_name.len() < MOST;
        if !has_room {
            self.pause = PAUSE;
        }
        has_room
    }
}

impl Asking<'_> {
    /// Keeps what was counted beyond this call, and gives the decision of this one.
    pub(super) fn got(self, mut decision: Decision, more: u64, until: u64) -> Decision {
        decision.remaining = decision.remaining.saturating_add(more);
        if let Some(slot) = lock(&self.leases.0).by_name.get_mut(&self.name) {
            // What was left of the same time still counts.
            slot.left = if slot.until == until {
                slot.left + more
            } else {
                more
            };
            slot.since = decision.now;
            slot.until = until;
            slot.decision = Some(Decision {
                reason: Reason::Leased,
                ..decision.clone()
            });
        }
        decision
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(slot) = lock(&self.leases.0).by_name.get_mut(&self.name) {
            slot.asking = false;
            slot.answered.notify(usize::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_not_more_than_so_many() {
        let leases = Leases::default();
        for number in 0..MOST {
            // Who asks has a place until he is answered.
            let Turn::Ask(asking) = leases.turn(&number.to_string(), 1, 0) else {
                unreachable!("it is the first of that visitor")
            };
            std::mem::forget(asking);
        }
        assert!(matches!(leases.turn("new", 1, 0), Turn::Without));
        for slot in lock(&leases.0).by_name.values_mut() {
            slot.asking = false;
        }
        // It is looked again after some more.
        for _ in 0..PAUSE {
            assert!(matches!(leases.turn("new", 1, 0), Turn::Without));
        }
        assert!(matches!(leases.turn("new", 1, 0), Turn::Ask(_)));
        assert_eq!(lock(&leases.0).by_name.len(), 1);
    }
}
