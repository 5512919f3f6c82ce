//! Locks on wasm32, in Node and in Chromium, against a real server: their whole life, and renewal by the platform's timer.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(all(feature = "lock", target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

use std::{future::poll_fn, task::Poll, time::Duration};

use restis::{Lock, Redis};
use wasm_bindgen_test::wasm_bindgen_test;

fn redis() -> Redis {
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    Redis::new(url, token).unwrap()
}

#[wasm_bindgen_test]
async fn from_the_first_to_the_next_holder() {
    let redis = redis();
    redis.del(["wasm-lock", "wasm-lock:fence"]).await.unwrap();
    let lock = Lock::new(&redis, "wasm-lock").fenced();
    let held = lock.try_acquire().await.unwrap().held().unwrap();
    let first = held.fence();
    assert!(first.is_some());
    assert!(!lock.try_acquire().await.unwrap().is_held());
    assert!(held.extend(Duration::from_secs(5)).await.unwrap());
    assert!(held.valid_for() > Duration::from_secs(3));
    assert!(held.release().await.unwrap());
    let next = lock.acquire().await.unwrap().unwrap();
    assert!(next.fence() > first);
    next.release().await.unwrap();
}

#[wasm_bindgen_test]
async fn work_goes_on_behind_the_lease() {
    let redis = redis();
    redis.del("wasm-work").await.unwrap();
    let lock = Lock::new(&redis, "wasm-work").lease(Duration::from_millis(600));
    let held = lock.try_acquire().await.unwrap().held().unwrap();
    // As long as another one waits in vain, which is longer than the lease.
    let other = lock.clone().wait(Duration::from_millis(1500));
    let vain = held.run(other.acquire()).await.unwrap().unwrap();
    assert!(vain.is_none());
    assert!(held.release().await.unwrap());
    // And it ends with the lock.
    let held = lock.try_acquire().await.unwrap().held().unwrap();
    redis.set("wasm-work", "another's").await.unwrap();
    let never = poll_fn(|_| Poll::<()>::Pending);
    assert!(held.run(never).await.is_err());
    redis.del("wasm-work").await.unwrap();
}
