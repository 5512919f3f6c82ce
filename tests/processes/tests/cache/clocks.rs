//! No clock decides what is valid: not one that is wrong, and not the time that passes.

use restis_processes::cache::Scene;

use crate::{DAY, MINUTE, later, scene, value};

#[tokio::test]
async fn what_was_invalidated_does_not_come_back_after_days() {
    let mut scene = scene(2, |settings| settings.ttl = Some(30 * DAY)).await;
    let tags = ["news"];
    assert_eq!(value(&scene.caches[0], "page", &tags).await, "old");
    scene.caches[1].invalidate_tag("news").await.unwrap();
    scene.source.set("new");
    later(&mut scene, 11 * DAY).await;
    for cache in &scene.caches {
        assert_eq!(cache.get("page", &tags).await.unwrap(), None);
    }
    assert_eq!(value(&scene.caches[1], "page", &tags).await, "new");
    assert_eq!(value(&scene.caches[0], "page", &tags).await, "new");
}

/// What a cache keeps beside its entries may expire or be evicted at any time.
#[tokio::test]
async fn what_was_invalidated_does_not_come_back_when_everything_else_is_lost() {
    let scene = scene(2, |settings| settings.ttl = Some(30 * DAY)).await;
    let redis = scene.server.client().unwrap();
    let tags = ["news", "front"];
    for (round, invalidated) in [true, true, false].into_iter().enumerate() {
        let expected = format!("v{round}");
        scene.source.set(&*expected);
        assert_eq!(value(&scene.caches[0], "page", &tags).await, expected);
        scene.source.set("new");
        if invalidated {
            scene.caches[1].invalidate_tag(tags[round]).await.unwrap();
        }
        let others = keys_beside(&scene, "page").await;
        assert!(!others.is_empty(), "there is nothing that could be lost");
        redis.del(others).await.unwrap();
        for cache in &scene.caches {
            assert_eq!(value(cache, "page", &tags).await, "new", "round {round}");
        }
        scene.caches[1].delete("page").await.unwrap();
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_invalidates_all_the_same() {
    for offset in [-5_000, 5_000, -(DAY as i64), DAY as i64] {
        let mut scene = scene(2, |_| {}).await;
        let wrong = &mut scene.caches[1];
        let set = wrong.reopen(|settings| settings.clock_offset = offset);
        set.await.unwrap();
        let [here, wrong] = &scene.caches[..] else {
            unreachable!()
        };
        let tags = ["news"];
        for (loads, invalidates, reads) in [(here, wrong, here), (wrong, here, wrong)] {
            scene.source.set("old");
            here.clear().await.unwrap();
            assert_eq!(value(loads, "page", &tags).await, "old");
            scene.source.set("new");
            invalidates.invalidate_tag("news").await.unwrap();
            assert_eq!(value(reads, "page", &tags).await, "new", "{offset} ms");
        }
    }
}

#[tokio::test]
async fn time_passes_on_the_servers_clock_alone_where_nothing_stale_is_served() {
    let mut scene = scene(1, |settings| settings.early = Some(0.0)).await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    scene.source.set("new");
    later(&mut scene, 10 * MINUTE).await;
    assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
    let redis = scene.server.client().unwrap();
    let keys = redis.keys::<String>("*page").await.unwrap();
    let left = redis.pttl(&*keys[0]).await.unwrap();
    assert!(format!("{left:?}").contains("59"), "{left:?}");
}

/// The keys in the server that are not those of an entry called `entry`.
async fn keys_beside(scene: &Scene, entry: &str) -> Vec<String> {
    let mut keys: Vec<String> = scene.server.client().unwrap().keys("*").await.unwrap();
    let before = keys.len();
    keys.retain(|key| !key.ends_with(entry));
    assert_eq!(keys.len() + 1, before, "the entry is one key");
    keys
}
