//! Single-flight: callers of one key in one process share what the first of them finds.
//!
//! A value is handed only to who came before Redis was last asked about it: an invalidation that was over when
//! somebody came is then in what Redis said. The others begin anew, as one.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex},
    time::Duration,
};

use event_listener::Event;
use quick_cache::sync::Cache;

use super::{record::Record, status::Status};
use crate::{Error, client::lock, clock};

/// How many claims of callers that went away are remembered.
const ORPHANS: usize = 1000;

/// The flights under way, by key.
#[derive(Debug)]
pub(super) struct Flights {
    flights: Mutex<HashMap<String, Arc<Flight>>>,
    /// Claims whose holder went away: the next caller here goes on under them, instead of waiting for their end.
    orphans: Cache<String, String>,
}

#[derive(Debug, Default)]
struct Flight {
    state: Mutex<State>,
    landed: Event,
}

#[derive(Debug, Default)]
struct State {
    /// How many have come.
    passengers: usize,
    /// How many had come when Redis was last asked.
    sealed: usize,
    landing: Option<Landing>,
}

/// What a flight came to.
#[derive(Clone, Debug)]
pub(super) enum Landing {
    /// A value and where it came from, for those who had come before Redis was asked.
    Found(Arc<Record>, Status),
    /// An error, for all.
    Failed(Error),
    /// Nothing to share: begin anew.
    Again,
}

/// What a caller is to do.
pub(super) enum Seat {
    Lead(Leader),
    Follow(Follower),
}

/// Who has to find the value. Dropped without a landing it makes another passenger the leader.
#[derive(Debug)]
pub(super) struct Leader {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    key: String,
    /// The text of the claim that is held, or was by the leader before.
    pub(super) claim: Option<String>,
}

/// Who waits for the leader.
pub(super) struct Follower {
    flight: Arc<Flight>,
    number: usize,
}

impl Flights {
    pub(super) fn new() -> Self {
        Self {
            flights: Mutex::default(),
            orphans: Cache::new(ORPHANS),
        }
    }

    pub(super) fn board(self: &Arc<Self>, key: &str) -> Seat {
        let mut flights = lock(&self.flights);
        match flights.entry(key.to_owned()) {
            Entry::Occupied(under_way) => {
                let flight = Arc::clone(under_way.get());
                let mut state = lock(&flight.state);
                let number = state.passengers;
                state.passengers += 1;
                drop(state);
                Seat::Follow(Follower { flight, number })
            }
            Entry::Vacant(none) => {
                let flight = Arc::<Flight>::default();
                none.insert(Arc::clone(&flight));
                drop(flights);
                Seat::Lead(Leader {
                    flights: Arc::clone(self),
                    flight,
                    key: key.to_owned(),
                    claim: self.orphans.remove(key).map(|(_, claim)| claim),
                })
            }
        }
    }
}

impl Leader {
    /// Redis is about to be asked: who comes from now on cannot rely on what it says.
    pub(super) fn seal(&self) {
        let mut state = lock(&self.flight.state);
        state.sealed = state.passengers;
    }

    pub(super) fn is_followed(&self) -> bool {
        lock(&self.flight.state).passengers > 0
    }

    /// Ends the flight. The claim is not held any more.
    pub(super) fn land(mut self, landing: Landing) {
        self.claim = None;
        self.end(landing);
    }

    fn end(&self, landing: Landing) {
        let mut flights = lock(&self.flights.flights);
        if let Entry::Occupied(under_way) = flights.entry(self.key.clone())
            && Arc::ptr_eq(under_way.get(), &self.flight)
        {
            under_way.remove();
        }
        drop(flights);
        lock(&self.flight.state).landing.get_or_insert(landing);
        self.flight.landed.notify(usize::MAX);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.flights.orphans.insert(self.key.clone(), claim);
        }
        self.end(Landing::Again);
    }
}

impl Follower {
    /// What the flight came to for this passenger; `None` if it takes longer than `limit`: the leader may be kept and
    /// not polled.
    pub(super) async fn wait(self, limit: Duration) -> Option<Landing> {
        clock::within(limit, async {
            loop {
                let landed = self.flight.landed.listen();
                if let Some(landing) = self.landing() {
                    return landing;
                }
                landed.await;
            }
        })
        .await
    }

    fn landing(&self) -> Option<Landing> {
        let state = lock(&self.flight.state);
        let landing = state.landing.clone()?;
        Some(match landing {
            Landing::Found(..) if self.number >= state.sealed => Landing::Again,
            landing => landing,
        })
    }
}
