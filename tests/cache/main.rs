//! The cache against a real server, in one process: what it stores, costs and serves, and what becomes of races and
//! faults. Several processes are in tests/processes.

#![cfg(all(feature = "cache", not(target_arch = "wasm32")))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::new_without_default,
    clippy::string_slice,
    reason = "a test, not an API"
)]

mod compared;
mod corners;
mod cost;
mod down;
mod edges;
mod eviction;
mod many;
mod memory;
mod model;
mod plain;
mod race;
mod simulated;
mod stale;
mod write_through;

use std::{
    error::Error as StdError,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::{Cache, Redis};
use restis_local::Local;
use tokio::sync::Notify;

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);

pub async fn start() -> (Local, Redis) {
    restis_testing::start().await.unwrap()
}

/// A cache whose TTLs are what they say.
pub fn cache(redis: &Redis) -> Cache {
    Cache::new(redis).jitter(0.0).early_refresh(0.0)
}

/// Requests, and billed commands, of what `act` does.
pub async fn cost<T>(local: &Local, act: impl Future<Output = T>) -> (T, (u64, u64)) {
    local.reset_stats().await.unwrap();
    let done = act.await;
    let stats = local.stats().await.unwrap();
    (done, (stats.requests, stats.billed))
}

/// How often the server ran a command.
pub async fn ran(local: &Local, command: &str) -> u64 {
    let stats = local.stats().await.unwrap();
    stats.by_command.get(command).copied().unwrap_or_default()
}

pub async fn within<T>(act: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), act)
        .await
        .unwrap()
}

pub async fn until(condition: impl AsyncFn() -> bool) {
    within(async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Text that does not shrink.
pub fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let digit = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'#' + (state >> 56) as u8 % 56)
    };
    std::iter::repeat_with(digit).take(bytes).collect()
}

#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source is broken")
    }
}

impl StdError for Broken {}

/// What stands behind the cache: it has one value, counts its loads, and holds them where a test asks for it.
#[derive(Clone, Debug)]
pub struct Source {
    value: Arc<Mutex<Result<String, ()>>>,
    loads: Arc<AtomicU64>,
    /// Loads when they were last held.
    held: Arc<AtomicU64>,
    began: Arc<Notify>,
    gate: Arc<tokio::sync::Semaphore>,
}

impl Source {
    pub fn of(value: &str) -> Self {
        Self {
            value: Arc::new(Mutex::new(Ok(value.to_owned()))),
            loads: Arc::default(),
            held: Arc::default(),
            began: Arc::default(),
            gate: Arc::new(tokio::sync::Semaphore::new(1_000_000)),
        }
    }

    pub fn set(&self, value: &str) {
        *self.value.lock().unwrap() = Ok(value.to_owned());
    }

    pub fn fail(&self) {
        *self.value.lock().unwrap() = Err(());
    }

    /// Loads that have begun wait until they are let go.
    pub fn hold(&self) {
        self.gate.forget_permits(usize::MAX);
        self.held.store(self.loads(), SeqCst);
    }

    pub fn let_go(&self) {
        self.gate.add_permits(1_000_000);
    }

    /// Until a load has begun that is held.
    pub async fn began(&self) {
        within(async {
            while self.loads() <= self.held.load(SeqCst) {
                self.began.notified().await;
            }
        })
        .await;
    }

    pub fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }

    /// The value is that of the moment the load begins.
    pub async fn load(self) -> Result<String, Broken> {
        let value = self.value.lock().unwrap().clone();
        self.loads.fetch_add(1, SeqCst);
        self.began.notify_one();
        self.gate.acquire().await.unwrap().forget();
        value.map_err(|()| Broken)
    }

    pub fn loader(
        &self,
    ) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = Result<String, Broken>> + Send>> + use<>
    {
        let this = self.clone();
        move || Box::pin(this.load())
    }
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

    pub fn of<C>(&self, cache: Cache<C>) -> Cache<C> {
        let now = Arc::clone(&self.0);
        cache.clock(move || now.load(SeqCst))
    }
}
