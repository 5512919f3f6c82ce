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
mod histories;
mod hits;
mod lost;
mod memory;
mod races;
mod refresh;
mod rival;
mod stampede;
mod sweep;

use std::time::Duration;

use restis_processes::cache::{Cache, Kind, Scene, Settings};

const LOAD: Duration = Duration::from_millis(200);
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// So many processes that are set alike: values live for a minute if `change` says nothing else.
async fn scene(processes: usize, change: impl FnOnce(&mut Settings)) -> Scene {
    let kind = Kind::rust(env!("CARGO_BIN_EXE_player"), "cache");
    scene_of(&kind, processes, change).await
}

async fn scene_of(kind: &Kind, processes: usize, change: impl FnOnce(&mut Settings)) -> Scene {
    let mut settings = Settings {
        ttl: Some(MINUTE),
        ..Settings::default()
    };
    change(&mut settings);
    Scene::start(kind, &vec![settings; processes])
        .await
        .unwrap()
}

/// The clocks of all processes are so much later. What they remember is gone.
async fn later(scene: &mut Scene, millis: u64) {
    for cache in &mut scene.caches {
        let later = |settings: &mut Settings| settings.clock_offset += millis as i64;
        cache.reopen(later).await.unwrap();
    }
}

/// What one caller is given.
async fn value(cache: &Cache, key: &str, tags: &[&str]) -> String {
    let crowd = cache.get_or_set(key, tags).await.unwrap();
    crowd.value().unwrap().to_owned()
}

/// Where randomness begins: `RESTIS_SEED`, to see again what was seen, else anywhere.
fn seed() -> u64 {
    let seed = match std::env::var("RESTIS_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("RESTIS_SEED={seed} begins like this again");
    seed
}

/// Polls all of them until all are done.
async fn for_all<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut left: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        left.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        match left.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}
