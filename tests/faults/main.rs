//! Bad input and faults, counted at the server: nothing lost, nothing done twice, and no value for another command.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

mod answers;
mod chaos;
mod connections;
mod cut;
mod everywhere;
mod large;
mod matrix;
mod mutations;
mod shared;

mod single;
mod values;
mod wire;

use std::{error::Error as StdError, time::Duration};

use restis::{Redis, Retry};
use restis_local::Local;

pub type Outcome = Result<(), Box<dyn StdError>>;

pub const SHORT: Duration = Duration::from_millis(200);

pub async fn start() -> (Local, Redis) {
    let (local, _) = restis_testing::start().await.unwrap();
    let redis = client(&local, |builder| builder);
    (local, redis)
}

/// A client that does not wait long between two attempts.
pub fn client(local: &Local, settings: impl FnOnce(restis::Builder) -> restis::Builder) -> Redis {
    let quick = Retry::times(3).backoff(Duration::from_millis(1), Duration::from_millis(1));
    settings(
        Redis::builder()
            .url(local.url())
            .token(local.token())
            .retry(quick),
    )
    .build()
    .unwrap()
}

/// How often the server ran a command.
pub async fn ran(local: &Local, command: &str) -> u64 {
    local
        .stats()
        .await
        .unwrap()
        .by_command
        .get(command)
        .copied()
        .unwrap_or_default()
}

/// Waits for a condition, not for a time; one that never comes fails the test.
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
