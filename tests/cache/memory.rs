//! The cache in this process' memory: what it saves, how long it may be behind, and that it is bounded.

use std::time::Duration;

use restis::{Cache, Error, cache::Status};

use super::{SECOND, Source, cache, cost, start, until};

const BEHIND: Duration = Duration::from_millis(200);

fn with_memory(redis: &restis::Redis) -> Cache {
    cache(redis).memory(1_000_000, BEHIND)
}

#[tokio::test]
async fn a_hit_asks_nobody() {
    let (local, redis) = start().await;
    let cache = cache(&redis).memory(1_000_000, SECOND * 1000);
    let source = Source::of("x");
    cache.get_or_set("k", source.loader()).await.unwrap();
    let act = async {
        for _ in 0..100 {
            let cached = cache.entry("k").fetch(source.loader()).await.unwrap();
            assert_eq!((&*cached.value, cached.status), ("x", Status::Memory));
            assert_eq!(
                cache.get::<String>("k").await.unwrap().as_deref(),
                Some("x")
            );
        }
    };
    assert_eq!(cost(&local, act).await.1, (0, 0));
    assert_eq!(cache.stats().memory_hits, 200);
}

#[tokio::test]
async fn what_others_change_is_seen_in_time() {
    let (_local, redis) = start().await;
    let (here, there) = (with_memory(&redis), with_memory(&redis));
    let source = Source::of("old");
    for act in ["delete", "tag", "clear", "set"] {
        source.set("old");
        let get = || here.entry("k").tag("t").get_or_set(source.loader());
        until(async || get().await.unwrap() == "old").await;
        source.set("new");
        match act {
            "delete" => there.delete("k").await.unwrap(),
            "tag" => there.invalidate_tag("t").await.unwrap(),
            "clear" => there.clear().await.unwrap(),
            _ => there.entry("k").tag("t").set("new").await.unwrap(),
        }
        let since = std::time::Instant::now();
        loop {
            // When the call began: a busy machine may take its time to end it.
            let asked = since.elapsed();
            if get().await.unwrap() != "old" {
                break;
            }
            assert!(asked < BEHIND + Duration::from_millis(50), "{act}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        there.delete("k").await.unwrap();
        here.delete("k").await.unwrap();
    }
}

#[tokio::test]
async fn what_is_changed_here_is_seen_at_once() {
    let (_local, redis) = start().await;
    let cache = cache(&redis).memory(1_000_000, SECOND * 1000);
    let source = Source::of("old");
    for act in [
        "delete", "tag", "clear", "set", "update", "matching", "many",
    ] {
        source.set("old");
        cache.delete("k").await.unwrap();
        let get = || cache.entry("k").tag("t").get_or_set(source.loader());
        assert_eq!(get().await.unwrap(), "old");
        source.set("new");
        match act {
            "delete" => cache.delete("k").await.unwrap(),
            "tag" => cache.invalidate_tag("t").await.unwrap(),
            "clear" => cache.clear().await.unwrap(),
            "set" => cache.set("k", "new").await.unwrap(),
            "update" => {
                let write = || async { Ok::<_, Error>("new".to_owned()) };
                drop(cache.update("k", write).await.unwrap());
            }
            "matching" => drop(cache.invalidate_matching("k").await.unwrap()),
            _ => cache.set_many([("k", "new")]).await.unwrap(),
        }
        assert_eq!(get().await.unwrap(), "new", "{act}");
    }
}

#[tokio::test]
async fn it_is_bounded() {
    let (local, redis) = start().await;
    let cache = cache(&redis).memory(100_000, SECOND * 1000);
    let value = "x".repeat(1_000);
    for number in 0..1_000 {
        cache.set(number, &value).await.unwrap();
        cache.get::<String>(number).await.unwrap();
    }
    let read = async {
        for number in 0..1_000 {
            assert!(cache.get::<String>(number).await.unwrap().is_some());
        }
    };
    let (_, (requests, _)) = cost(&local, read).await;
    assert!((900..1_000).contains(&requests), "{requests}");
}
