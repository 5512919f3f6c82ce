//! The cache on wasm32, in Node and in Chromium, against a real server: one load for a crowd, with and without sharing
//! in the process, refreshes behind the answer, and loaders that are not `Send`.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(all(feature = "cache", target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use js_sys::{Function, Promise};
use restis::{
    Cache, Error, Redis,
    cache::{LocalFuture, Status},
};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use wasm_bindgen_test::wasm_bindgen_test;

/// A cache of its own on a real server.
async fn cache(namespace: &str) -> Cache {
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    let redis = Redis::new(url, token).unwrap();
    let cache = Cache::new(&redis)
        .namespace(namespace)
        .jitter(0.0)
        .early_refresh(0.0);
    cache.clear().await.unwrap();
    cache.invalidate_matching("*").await.unwrap();
    cache
}

async fn sleep(millis: u32) {
    let make = Function::new_with_args(
        "millis",
        "return new Promise((soon) => setTimeout(soon, millis))",
    );
    let promise: Promise = make
        .call1(&wasm_bindgen::JsValue::NULL, &millis.into())
        .unwrap()
        .into();
    JsFuture::from(promise).await.unwrap();
}

/// A loader that takes a while and is not `Send`.
async fn load(loads: Rc<Cell<u32>>) -> Result<String, Error> {
    loads.set(loads.get() + 1);
    sleep(100).await;
    Ok(format!("value {}", loads.get()))
}

/// As many callers as tasks of their own.
async fn crowd(cache: &Cache, loads: &Rc<Cell<u32>>) -> Vec<Status> {
    let statuses: Rc<RefCell<Vec<Status>>> = Rc::default();
    let tasks = js_sys::Array::new();
    for _ in 0..20 {
        let (cache, loads, statuses) = (cache.clone(), Rc::clone(loads), Rc::clone(&statuses));
        tasks.push(&future_to_promise(async move {
            let cached = cache.entry("k").fetch(|| load(loads)).await.unwrap();
            assert_eq!(cached.value, "value 1");
            statuses.borrow_mut().push(cached.status);
            Ok(wasm_bindgen::JsValue::NULL)
        }));
    }
    JsFuture::from(Promise::all(&tasks)).await.unwrap();
    statuses.take()
}

#[wasm_bindgen_test]
async fn a_crowd_is_kept_to_one_load_by_the_claim() {
    // As two requests of a Worker, which must not wait for each other.
    let cache = cache("wasm:claim").await;
    let loads = Rc::default();
    let statuses = crowd(&cache, &loads).await;
    assert_eq!(loads.get(), 1);
    assert_eq!(
        statuses
            .iter()
            .filter(|status| **status == Status::Miss)
            .count(),
        1
    );
    assert!(cache.stats().requests > 20);
}

#[wasm_bindgen_test]
async fn a_crowd_shares_where_that_is_allowed() {
    let cache = cache("wasm:shared").await.single_flight(true);
    let before = cache.stats().requests;
    let loads = Rc::default();
    let statuses = crowd(&cache, &loads).await;
    assert_eq!((statuses.len(), loads.get()), (20, 1));
    assert_eq!(cache.stats().requests - before, 3);
}

#[wasm_bindgen_test]
async fn a_refresh_goes_behind_the_answer() {
    let cache = cache("wasm:behind")
        .await
        .stale_while_revalidate(Duration::from_secs(60));
    cache
        .entry("k")
        .ttl(Duration::from_millis(20))
        .set("old")
        .await
        .unwrap();
    sleep(40).await;
    let loads: Rc<Cell<u32>> = Rc::default();
    let (kept, loader) = (
        Rc::new(RefCell::new(None::<LocalFuture>)),
        Rc::clone(&loads),
    );
    let wait_until = |refresh| *kept.borrow_mut() = Some(refresh);
    let cached = cache
        .entry("k")
        .background_local(wait_until)
        .fetch(|| load(loader));
    let cached = cached.await.unwrap();
    assert_eq!(
        (&*cached.value, cached.status, loads.get()),
        ("old", Status::Stale, 0)
    );
    let refresh = kept.take().unwrap();
    spawn_local(refresh);
    for _ in 0..100 {
        if cache.get::<String>("k").await.unwrap().as_deref() == Some("value 1") {
            return;
        }
        sleep(20).await;
    }
    panic!("the refresh has not stored anything");
}

#[wasm_bindgen_test]
async fn memory_and_time_limits_have_a_clock() {
    let cache = cache("wasm:memory")
        .await
        .memory(100_000, Duration::from_millis(500));
    cache.set("k", "x").await.unwrap();
    cache.get::<String>("k").await.unwrap();
    let before = cache.stats().requests;
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("x")
    );
    assert_eq!(
        (cache.stats().requests, cache.stats().memory_hits),
        (before, 1)
    );
    let slow = cache.loader_timeout(Duration::from_millis(50));
    let error = slow
        .get_or_set::<u32, _, _, Error>("slow", std::future::pending)
        .await
        .unwrap_err();
    assert!(error.is_loader() && error.is_timeout());
}
