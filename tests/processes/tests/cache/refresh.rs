//! Values that end: served stale while one loads, loaded early, served where loading fails.

use std::time::{Duration, Instant};

use restis_processes::{cache::Crowd, until};
use tokio::time::{MissedTickBehavior, interval};

use crate::{LOAD, MINUTE, Scene, value};

#[tokio::test]
async fn a_crowd_of_a_stale_value_is_served_at_once_and_one_loads() {
    let mut scene = Scene::of(2, |settings| settings.swr = Some(10 * MINUTE)).await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    scene.later(MINUTE + 1_000).await;
    scene.source.set("new");
    scene.source.reset();
    // Longer than all of it takes, so that nobody can have waited for it.
    scene.source.delay(Duration::from_secs(2));
    let mut coming = Vec::new();
    for cache in &scene.caches {
        coming.push(cache.crowd("page", &[], 250).await.unwrap());
    }
    let mut crowd = Crowd::default();
    for each in coming {
        crowd = crowd.and(each.all().await.unwrap());
    }
    assert_eq!(crowd.value().unwrap(), "old", "{crowd:?}");
    assert_eq!(crowd.values["old"], 500);
    assert_eq!(scene.source.counts().ended, 0, "{crowd:?}");
    for cache in &scene.caches {
        let renewed = async || Ok(cache.get("page", &[]).await?.as_deref() == Some("new"));
        until("the new value", renewed).await.unwrap();
    }
    assert_eq!(scene.source.counts().begun, 1);
}

#[tokio::test]
async fn a_stale_hit_is_one_request_while_another_process_refreshes() {
    let mut scene = Scene::of(2, |settings| settings.swr = Some(10 * MINUTE)).await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    scene.later(MINUTE + 1_000).await;
    scene.source.delay(Duration::from_secs(600));
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    scene.source.begun(2).await.unwrap();
    // It learns that another one refreshes it.
    assert_eq!(value(&scene.caches[1], "page", &[]).await, "old");
    scene.server.reset().await.unwrap();
    for _ in 0..10 {
        assert_eq!(value(&scene.caches[1], "page", &[]).await, "old");
    }
    let stats = scene.server.stats().await.unwrap();
    assert_eq!((stats.requests, stats.billed), (10, 10));
    assert_eq!(scene.source.counts().begun, 2);
}

/// 100 calls a second, and a load of 50 ms. With a beta of 3 the chance of a miss is one in a million for each end; with
/// 1 it is one in eight, since a load may begin in time and not end in time.
#[tokio::test]
async fn a_value_that_is_asked_for_often_never_ends() {
    const TTL: u64 = 1_000;
    let scene = Scene::of(2, |settings| {
        settings.ttl = Some(TTL);
        settings.early = Some(3.0);
    })
    .await;
    scene.source.delay(Duration::from_millis(50));
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    scene.source.reset();
    let begun = Instant::now();
    let mut ticks = interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut coming = Vec::new();
    for tick in 0.. {
        if begun.elapsed() >= Duration::from_millis(10 * TTL) {
            break;
        }
        // A load takes longer than a tick, so each loads a value of its own.
        scene.source.set(tick.to_string());
        for cache in &scene.caches {
            coming.push(cache.crowd("page", &[], 1).await.unwrap());
        }
        ticks.tick().await;
    }
    let mut crowd = Crowd::default();
    for each in coming {
        crowd = crowd.and(each.all().await.unwrap());
    }
    let found = |status: &&str| crowd.statuses.get(*status);
    let cold: u64 = ["Miss", "Collapsed", "Bypass"]
        .iter()
        .filter_map(found)
        .sum();
    assert_eq!((cold, crowd.errors), (0, 0), "{crowd:?}");
    let counts = scene.source.counts();
    assert_eq!(counts.at_once, 1, "{counts:?}");
    // One is from before.
    let cycles = crowd.values.len() as f64 - 1.0;
    assert!(cycles >= 10.0, "{crowd:?}");
    let loads = counts.begun as f64 / cycles;
    assert!(loads <= 1.2, "{loads} loads for each value: {crowd:?}");
}

/// Nobody is held up by a refresh, whichever way a value is refreshed.
#[tokio::test]
async fn a_load_of_a_stale_value_does_not_outlive_its_process() {
    let mut scene = Scene::of(2, |settings| {
        settings.swr = Some(10 * MINUTE);
        settings.lease = Some(1_000);
        settings.loader_timeout = Some(600_000);
    })
    .await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    scene.later(MINUTE + 1_000).await;
    scene.source.set("new");
    scene.source.delay(Duration::from_secs(600));
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    scene.source.begun(2).await.unwrap();
    scene.source.delay(LOAD);
    scene.caches[0].kill().await.unwrap();
    let killed = Instant::now();
    let other = &scene.caches[1];
    let renewed = async || Ok(value(other, "page", &[]).await == "new");
    until("the new value", renewed).await.unwrap();
    let time = killed.elapsed();
    assert!(
        time <= LOAD + Duration::from_millis(1_000 + 500),
        "{time:?}"
    );
}
