//! A source that fails.

use std::time::{Duration, Instant};

use restis_processes::{cache::Crowd, until};

use crate::{MINUTE, later, scene, value};

const BACKOFF: u64 = 200;

#[tokio::test]
async fn while_the_source_fails_what_is_there_is_served_and_the_source_is_spared() {
    for since in [100, 5 * MINUTE] {
        let mut scene = scene(2, |settings| {
            settings.stale_if_error = Some(10 * MINUTE);
            settings.error_backoff = Some(BACKOFF);
        })
        .await;
        assert_eq!(value(&scene.caches[0], "page", &[]).await, "old");
        later(&mut scene, MINUTE + since).await;
        scene.source.fail(true);
        scene.source.reset();
        let begun = Instant::now();
        let mut crowd = Crowd::default();
        while begun.elapsed() < Duration::from_secs(3) {
            for cache in &scene.caches {
                let coming = cache.crowd("page", &[], 5).await.unwrap();
                crowd = crowd.and(coming.all().await.unwrap());
            }
        }
        let time = begun.elapsed().as_millis() as u64;
        let loads = scene.source.counts().begun;
        assert_eq!(crowd.value().unwrap(), "old", "{crowd:?}");
        assert!(
            (2..=time / BACKOFF + 1).contains(&loads),
            "{loads} loads in {time} ms"
        );
        assert_eq!(scene.source.counts().at_once, 1);

        scene.source.fail(false);
        scene.source.set("new");
        for cache in &scene.caches {
            let renewed = async || Ok(value(cache, "page", &[]).await == "new");
            until("the new value", renewed).await.unwrap();
        }
    }
}

/// With nothing to serve, each caller is told, and the next one tries again.
#[tokio::test]
async fn an_error_of_the_source_reaches_all_who_wait_for_it() {
    let scene = scene(2, |_| {}).await;
    scene.source.fail(true);
    scene.source.delay(Duration::from_millis(100));
    let mut coming = Vec::new();
    for cache in &scene.caches {
        coming.push(cache.crowd("page", &[], 50).await.unwrap());
    }
    for each in coming {
        let crowd = each.all().await.unwrap();
        assert_eq!((crowd.errors, crowd.values.len()), (50, 0), "{crowd:?}");
    }
    // One after the other, each process for itself: an error is not handed from one to the other.
    assert_eq!(
        (scene.source.counts().begun, scene.source.counts().at_once),
        (2, 1)
    );
    scene.source.fail(false);
    assert_eq!(value(&scene.caches[1], "page", &[]).await, "old");
}
