//! The cache between processes: loads are counted at the source, requests and commands at the server.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, not an API"
)]

mod clocks;
mod ends;
mod errors;
mod foreign;
mod hits;
mod memory;
mod races;
mod refresh;
mod rival;
mod stampede;
mod sweep;

use std::time::Duration;

use restis_processes::{
    Server, Source,
    cache::{Cache, Kind, Settings},
};

const LOAD: Duration = Duration::from_millis(200);
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// A server, a source, and the processes before them.
struct Scene {
    server: Server,
    source: Source,
    caches: Vec<Cache>,
}

impl Scene {
    /// So many processes that are set alike: values live for a minute if `change` says nothing else.
    async fn of(processes: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let kind = Kind::rust(env!("CARGO_BIN_EXE_player"), "cache");
        Self::with(&kind, processes, change).await
    }

    async fn with(kind: &Kind, processes: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let server = Server::start().await.unwrap();
        let source = Source::start("old").await.unwrap();
        let mut settings = Settings {
            ttl: Some(MINUTE),
            ..Settings::default()
        };
        change(&mut settings);
        let mut caches = Vec::new();
        for _ in 0..processes {
            caches.push(kind.start(&server, &source, &settings).await.unwrap());
        }
        Self {
            server,
            source,
            caches,
        }
    }

    /// The clocks of all processes are so much later. What they remember is gone.
    async fn later(&mut self, millis: u64) {
        for cache in &mut self.caches {
            let later = |settings: &mut Settings| settings.clock_offset += millis as i64;
            cache.reopen(later).await.unwrap();
        }
    }

    /// The keys in the server that are not those of an entry called `entry`.
    async fn keys_beside(&self, entry: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.server.client().unwrap().keys("*").await.unwrap();
        let before = keys.len();
        keys.retain(|key| !key.ends_with(entry));
        assert_eq!(keys.len() + 1, before, "the entry is one key");
        keys
    }
}

/// What one caller is given.
async fn value(cache: &Cache, key: &str, tags: &[&str]) -> String {
    let crowd = cache.get_or_set(key, tags).await.unwrap();
    crowd.value().unwrap().to_owned()
}
