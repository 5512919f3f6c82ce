//! Calls that were counted in Redis and are let through here, later.

use std::{collections::HashMap, sync::Arc};

use event_listener::{Event, EventListener};

use super::decision::{Decision, Reason};
use crate::sync::{Mutex, lock};

/// Above this what is over is taken away, and new visitors have no lease if that is not enough.
const MOST: usize = 10_000;

/// What is left of what was counted, for each visitor.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<String, Slot>>);

#[derive(Debug, Default)]
struct Slot {
    left: u64,
    /// In Unix milliseconds.
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
    id: String,
}

impl Leases {
    pub(super) fn turn(&self, id: &str, cost: u64, now: u64) -> Turn<'_> {
        let mut slots = lock(&self.0);
        if slots.len() >= MOST && !slots.contains_key(id) {
            slots.retain(|_, slot| slot.asking || (slot.until > now && slot.left > 0));
            if slots.len() >= MOST {
                return Turn::Without;
            }
        }
        let slot = slots.entry(id.to_owned()).or_default();
        if slot.until > now
            && slot.left >= cost
            && let Some(decision) = &mut slot.decision
        {
            slot.left -= cost;
            decision.remaining = decision.remaining.saturating_sub(cost);
            decision.now = now;
            decision.retry_at = now;
            return Turn::Take(decision.clone());
        }
        if slot.asking {
            return Turn::Wait(slot.answered.listen());
        }
        slot.asking = true;
        Turn::Ask(Asking {
            leases: self,
            id: id.to_owned(),
        })
    }

    pub(super) fn remove(&self, id: &str) {
        if let Some(slot) = lock(&self.0).get_mut(id) {
            slot.left = 0;
        }
    }

    pub(super) fn clear(&self) {
        for slot in lock(&self.0).values_mut() {
            slot.left = 0;
        }
    }
}

impl Asking<'_> {
    /// Keeps what was counted beyond this call, and gives the decision of this one.
    pub(super) fn got(self, mut decision: Decision, more: u64, until: u64) -> Decision {
        decision.remaining = decision.remaining.saturating_add(more);
        if let Some(slot) = lock(&self.leases.0).get_mut(&self.id) {
            // What was left of the same time still counts.
            slot.left = if slot.until == until {
                slot.left + more
            } else {
                more
            };
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
        if let Some(slot) = lock(&self.leases.0).get_mut(&self.id) {
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
        for slot in lock(&leases.0).values_mut() {
            slot.asking = false;
        }
        assert!(matches!(leases.turn("new", 1, 0), Turn::Ask(_)));
        assert_eq!(lock(&leases.0).len(), 1);
    }
}
