//! Sessions against a real server, in one process: what they store, cost and let in, in both layouts. Several processes
//! are in tests/processes.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test, not an API"
)]

mod cost;
mod eviction;
mod life;
mod many;
mod plain;
mod refresh;
mod rest;
mod simulated;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::{Redis, Script, Sessions, session::Issued};
use restis_local::Local;

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const KEY: [u8; 32] = [7; 32];

pub async fn start() -> (Local, Redis) {
    restis_testing::start().await.unwrap()
}

/// A client of a server whose fields do not expire.
pub fn old(local: &Local) -> Redis {
    // What a script is called here, and there, where its text is another.
    let scripts: Mutex<HashMap<String, String>> = Mutex::default();
    let renamed = |text: &str| {
        let names = ["HGETEX", "HSETEX", "HPTTL"];
        names
            .iter()
            .fold(text.to_owned(), |text, name| text.replace(name, "HUNKNOWN"))
    };
    restis_testing::altered(local, move |body| {
        let mut scripts = scripts.lock().unwrap();
        if let Ok(words) = serde_json::from_str::<Vec<serde_json::Value>>(&body)
            && let [Some("EVAL" | "EVAL_RO"), Some(text)] =
                [0, 1].map(|index| words.get(index).and_then(|word| word.as_str()))
        {
            let sha1 = |text| Script::new(text).sha1().to_owned();
            scripts.insert(sha1(text.to_owned()), sha1(renamed(text)));
        }
        scripts.iter().fold(renamed(&body), |body, (here, there)| {
            body.replace(here, there)
        })
    })
}

/// Runs a test over a server with fields that expire, and over one without.
pub async fn both(test: impl AsyncFn(Redis)) {
    let (_local, redis) = start().await;
    test(redis).await;
    let (local, _) = start().await;
    test(old(&local)).await;
}

pub fn sessions<T>(redis: &Redis) -> Sessions<T> {
    Sessions::new(redis, KEY)
}

/// Requests, and billed commands, of what `act` does.
pub async fn cost<T>(local: &Local, act: impl Future<Output = T>) -> (T, (u64, u64)) {
    local.reset_stats().await.unwrap();
    let done = act.await;
    let stats = local.stats().await.unwrap();
    (done, (stats.requests, stats.billed))
}

pub trait Text {
    fn text(&self) -> &str;
}

impl Text for Issued {
    fn text(&self) -> &str {
        self.token().as_str()
    }
}

pub async fn is_valid<T: serde::de::DeserializeOwned + Send>(
    sessions: &Sessions<T>,
    token: &str,
) -> bool {
    sessions.validate(token).await.unwrap().is_some()
}

pub async fn until(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap();
}

/// A clock that a test moves.
#[derive(Clone, Debug)]
pub struct Time(Arc<AtomicU64>);

impl Time {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000_000)))
    }

    pub fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, SeqCst);
    }

    pub fn of<T>(&self, sessions: Sessions<T>) -> Sessions<T> {
        let now = Arc::clone(&self.0);
        sessions.clock(move || now.load(SeqCst))
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::new()
    }
}
