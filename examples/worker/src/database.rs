//! Stands in for a database that is worth a cache: it is slow, and it counts how often it is asked.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use worker::Delay;

#[derive(Serialize, Deserialize)]
pub(crate) struct User {
    id: u64,
    name: String,
    city: String,
}

static CALLS: AtomicU32 = AtomicU32::new(0);

/// The user of that number; users are numbered from 1 to 999.
pub(crate) async fn load(id: u64) -> Option<User> {
    CALLS.fetch_add(1, Relaxed);
    Delay::from(Duration::from_millis(50)).await;
    let known = (1..1000).contains(&id);
    known.then(|| User {
        id,
        name: format!("User {id}"),
        city: "Zürich".into(),
    })
}

pub(crate) fn calls() -> u32 {
    CALLS.load(Relaxed)
}
