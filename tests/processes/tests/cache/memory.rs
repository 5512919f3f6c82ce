//! Values in the process' own memory.

use std::time::{Duration, Instant};

use crate::{scene, value};

const TTL: Duration = Duration::from_millis(500);

#[tokio::test]
async fn what_is_invalidated_elsewhere_is_seen_within_the_time_to_live_of_the_memory() {
    let scene = scene(2, |settings| {
        settings.memory_ttl = Some(TTL.as_millis() as u64)
    })
    .await;
    let [here, elsewhere] = &scene.caches[..] else {
        unreachable!()
    };
    let tags = ["news"];
    for (round, invalidate) in ["tag", "delete", "clear"].into_iter().enumerate() {
        let old = format!("old-{round}");
        scene.source.set(&*old);
        here.clear().await.unwrap();
        assert_eq!(value(here, "page", &tags).await, old);
        scene.server.reset().await.unwrap();
        for _ in 0..10 {
            assert_eq!(value(here, "page", &tags).await, old);
        }
        assert_eq!(
            scene.server.stats().await.unwrap().requests,
            0,
            "it is in memory"
        );
        scene.source.set("new");
        match invalidate {
            "tag" => elsewhere.invalidate_tag("news").await.unwrap(),
            "delete" => elsewhere.delete("page").await.unwrap(),
            _ => elsewhere.clear().await.unwrap(),
        }
        let invalidated = Instant::now();
        // The process that invalidates has nothing old left.
        assert_eq!(value(elsewhere, "page", &tags).await, "new", "{invalidate}");
        let mut seen = 0;
        loop {
            // When the call began: a busy machine may take its time to end it.
            let asked = invalidated.elapsed();
            if value(here, "page", &tags).await == "new" {
                break;
            }
            seen += 1;
            assert!(
                asked <= TTL + Duration::from_millis(50),
                "{invalidate}: the old value was still there after {asked:?}"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(seen > 0, "{invalidate}: the memory was not asked");
    }
}

#[tokio::test]
async fn what_is_invalidated_here_is_gone_from_memory_at_once() {
    let scene = scene(1, |settings| settings.memory_ttl = Some(60_000)).await;
    let cache = &scene.caches[0];
    let tags = ["news"];
    for (round, invalidate) in ["tag", "delete", "clear", "update", "sweep"]
        .into_iter()
        .enumerate()
    {
        let old = format!("old-{round}");
        scene.source.set(&*old);
        cache.clear().await.unwrap();
        assert_eq!(value(cache, "page", &tags).await, old);
        assert_eq!(value(cache, "page", &tags).await, old);
        scene.source.set("new");
        match invalidate {
            "tag" => cache.invalidate_tag("news").await.unwrap(),
            "delete" => cache.delete("page").await.unwrap(),
            "clear" => cache.clear().await.unwrap(),
            "update" => cache.update("page", "new", &[]).await.unwrap(),
            _ => assert_eq!(cache.sweep("p*").await.unwrap().removed, 1),
        }
        assert_eq!(value(cache, "page", &tags).await, "new", "{invalidate}");
    }
}
