//! Values that end: served stale while one loads, loaded early, served where loading fails.

use std::time::{Duration, Instant};

use restis_processes::{cache::Crowd, until};

use crate::{LOAD, MINUTE, later, scene, value};

#[tokio::test]
async fn a_crowd_of_a_stale_value_is_served_at_once_and_one_loads() {
    let mut scene = scene(2, |settings| settings.swr = Some(10 * MINUTE)).await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    later(&mut scene, MINUTE + 1_000).await;
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
    let mut scene = scene(2, |settings| settings.swr = Some(10 * MINUTE)).await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    later(&mut scene, MINUTE + 1_000).await;
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

/// Nobody is held up by a refresh, whichever way a value is refreshed.
#[tokio::test]
async fn a_load_of_a_stale_value_does_not_outlive_its_process() {
    let mut scene = scene(2, |settings| {
        settings.swr = Some(10 * MINUTE);
        settings.lease = Some(1_000);
        settings.loader_timeout = Some(600_000);
    })
    .await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    later(&mut scene, MINUTE + 1_000).await;
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
    // The lease is a second, the time limit of the load ten minutes.
    assert!(time <= Duration::from_secs(30), "{time:?}");
}
