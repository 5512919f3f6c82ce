//! Single-flight: callers of one key in one process share what the first of them finds.
//!
//! A value is handed only to who came before Redis was last asked about it: an invalidation that was over when
//! somebody came is then in what Redis said. The others begin anew, as one.

#[cfg(all(test, shuttle))]
mod interleavings;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use event_listener::Event;

use super::{decide::Windows, record::Record, status::Status};
use crate::{
    Error,
    clock::{self, Instant},
    sync::{Mutex, lock},
};

/// The flights under way.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Route, Arc<Flight>>>);

/// Who may share: those who ask for the same, and take a value of the same age and errors in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    pub(super) key: String,
    pub(super) windows: Windows,
    pub(super) fail_open: bool,
}

#[derive(Debug)]
struct Flight {
    state: Mutex<State>,
    landed: Event,
}

#[derive(Debug)]
struct State {
    /// How many have come.
    passengers: usize,
    /// How many of them had come when Redis was asked.
    sealed: usize,
    /// When the leader was last known to go on.
    alive: Instant,
    landing: Option<Landing>,
}

/// What a flight came to.
#[derive(Clone, Debug)]
pub(super) enum Landing {
    /// A value, where it came from, and whether it is in Redis; for those who had come before Redis was asked.
    Found(Arc<Record>, Status, bool),
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
    route: Route,
}

/// Who waits for the leader.
pub(super) struct Follower {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    route: Route,
    number: usize,
}

impl Flights {
    pub(super) fn board(self: &Arc<Self>, route: Route) -> Seat {
        let mut flights = lock(&self.0);
        match flights.entry(route.clone()) {
            Entry::Occupied(under_way) => {
                let flight = Arc::clone(under_way.get());
                let number = {
                    let mut state = lock(&flight.state);
                    state.passengers += 1;
                    state.passengers
                };
                Seat::Follow(Follower {
                    flights: Arc::clone(self),
                    flight,
                    route,
                    number,
                })
            }
            Entry::Vacant(none) => {
                let flight = Arc::new(Flight {
                    state: Mutex::new(State {
                        passengers: 0,
                        sealed: 0,
                        alive: Instant::now(),
                        landing: None,
                    }),
                    landed: Event::new(),
                });
                none.insert(Arc::clone(&flight));
                Seat::Lead(Leader {
                    flights: Arc::clone(self),
                    flight,
                    route,
                })
            }
        }
    }

    /// Nobody boards this flight any more.
    fn close(&self, route: &Route, flight: &Arc<Flight>) {
        let mut flights = lock(&self.0);
        if flights
            .get(route)
            .is_some_and(|known| Arc::ptr_eq(known, flight))
        {
            flights.remove(route);
        }
    }
}

impl Leader {
    /// How many have come up to now.
    pub(super) fn passengers(&self) -> usize {
        let mut state = lock(&self.flight.state);
        state.alive = Instant::now();
        state.passengers
    }

    /// What is found was asked for after so many had come: they can rely on it.
    pub(super) fn seal(&self, passengers: usize) {
        lock(&self.flight.state).sealed = passengers;
    }

    /// Tells those who wait that somebody still works for them.
    pub(super) fn is_alive(&self) {
        lock(&self.flight.state).alive = Instant::now();
    }

    /// Ends the flight.
    pub(super) fn land(self, landing: Landing) {
        self.end(landing);
    }

    fn end(&self, landing: Landing) {
        self.flights.close(&self.route, &self.flight);
        lock(&self.flight.state).landing.get_or_insert(landing);
        self.flight.landed.notify(usize::MAX);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.end(Landing::Again);
    }
}

impl Follower {
    /// What the flight came to for this passenger. If nothing was heard of its leader for `limit`, which is then kept and
    /// not polled, all begin anew.
    pub(super) async fn wait(self, limit: Duration) -> Landing {
        loop {
            let landed = clock::within(limit, async {
                loop {
                    let landed = self.flight.landed.listen();
                    if let Some(landing) = self.landing() {
                        return landing;
                    }
                    landed.await;
                }
            });
            if let Some(landing) = landed.await {
                return landing;
            }
            if lock(&self.flight.state).alive.elapsed() >= limit {
                self.flights.close(&self.route, &self.flight);
                return Landing::Again;
            }
        }
    }

    fn landing(&self) -> Option<Landing> {
        let state = lock(&self.flight.state);
        let landing = state.landing.clone()?;
        Some(match landing {
            Landing::Found(..) if self.number > state.sealed => Landing::Again,
            landing => landing,
        })
    }
}
