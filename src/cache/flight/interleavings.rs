//! Threads that want the same key, in the orders that shuttle tries: nobody gets a value older than what was there when
//! he came, and nobody waits for a leader that is gone.
//!
//! `cargo xtask test native` runs them; by hand `RUSTFLAGS="--cfg shuttle" cargo test -p restis --lib interleavings`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::{sync::Arc, time::Duration};

use shuttle::{
    future::block_on,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

use super::{Flights, Landing, Route, Seat};
use crate::{
    cache::{
        decide::Windows,
        record::{Head, Record},
        status::Status,
    },
    sync::{
        lock,
        orders::{all, on_threads},
    },
};

fn route() -> Route {
    Route {
        key: "key".to_owned(),
        windows: Windows {
            revalidate: Duration::ZERO,
            if_error: Duration::ZERO,
        },
        fail_open: false,
    }
}

/// What a caller of the cache does: the first one asks the source, the others take what it found.
fn fetched(flights: &Arc<Flights>, source: &AtomicU64, asked: &AtomicU64) -> u64 {
    loop {
        match flights.board(route()) {
            Seat::Lead(leader) => {
                let passengers = leader.passengers();
                asked.fetch_add(1, SeqCst);
                let value = source.load(SeqCst);
                leader.seal(passengers);
                let head = Head::new(String::new());
                let record = Record::new(head, value.to_string().into_bytes(), usize::MAX);
                leader.land(Landing::Found(Arc::new(record), Status::Hit, true));
                return value;
            }
            Seat::Follow(follower) => match block_on(follower.wait(Duration::from_secs(60))) {
                Landing::Found(record, ..) => {
                    let payload = record.payload().unwrap();
                    return String::from_utf8_lossy(&payload).parse().unwrap();
                }
                Landing::Again => {}
                Landing::Failed(error) => panic!("{error}"),
            },
        }
    }
}

#[test]
fn nobody_gets_what_was_old_when_he_came() {
    all(|| {
        let flights = Arc::<Flights>::default();
        let (source, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let shared = (
            Arc::clone(&flights),
            Arc::clone(&source),
            Arc::clone(&asked),
        );
        on_threads(4, move |number| {
            let (flights, source, asked) = &shared;
            if number == 0 {
                source.fetch_add(1, SeqCst);
            }
            let there = source.load(SeqCst);
            let got = fetched(flights, source, asked);
            assert!(got >= there, "{got} is older than {there}");
        });
        assert!((1..=4).contains(&asked.load(SeqCst)));
        assert!(lock(&flights.0).is_empty(), "a flight is left");
    });
}

#[test]
fn nobody_waits_for_a_leader_that_is_gone() {
    all(|| {
        let flights = Arc::<Flights>::default();
        let shared = Arc::clone(&flights);
        let (source, asked) = (AtomicU64::new(7), AtomicU64::new(0));
        on_threads(3, move |number| {
            // It comes, and is given up before it has found anything.
            if number == 0 {
                drop(shared.board(route()));
                return;
            }
            assert_eq!(fetched(&shared, &source, &asked), 7);
        });
        assert!(lock(&flights.0).is_empty(), "a flight is left");
    });
}
