//! Redis is away, or its answers are: the loader's value is served, nothing is loaded twice for it, and all of it counted.

use std::time::Duration;

use futures_util::future::join_all;
use restis::{Redis, Retry, cache::Status};
use restis_local::{Fault, Local};

use super::{SECOND, Source, cache, start, within};

fn quick(local: &Local) -> Redis {
    let retry = Retry::times(2).backoff(Duration::from_millis(1), Duration::from_millis(1));
    let builder = Redis::builder().url(local.url()).token(local.token());
    builder.retry(retry).build().unwrap()
}

#[tokio::test]
async fn the_loader_answers() {
    let (local, _) = start().await;
    let redis = quick(&local);
    let cache = cache(&redis);
    let source = Source::of("x");
    local.inject(Fault::status(503).times(u64::MAX));
    let cached = cache.entry("k").fetch(source.loader()).await.unwrap();
    assert_eq!(
        (&*cached.value, cached.status, cached.ttl),
        ("x", Status::Bypass, None)
    );
    assert_eq!(cached.cache_status("c"), "c; fwd=bypass");
    assert!(cache.stats().errors > 0);
    // Together they load once for what came together.
    let crowd = join_all((0..200).map(|_| cache.get_or_set("k", source.loader())));
    assert!(
        within(crowd)
            .await
            .into_iter()
            .all(|value| value.unwrap() == "x")
    );
    assert_eq!(source.loads(), 2);
    let strict = cache.clone().fail_open(false);
    let error = strict.get_or_set("k", source.loader()).await.unwrap_err();
    assert!(error.is_http() && !error.is_loader());
    // It comes back: one load, by whoever, here and elsewhere.
    local.clear_faults();
    let other = super::cache(&redis);
    let crowd = join_all((0..200).map(|number| {
        let cache = if number % 2 == 0 { &cache } else { &other };
        cache.get_or_set("k", source.loader())
    }));
    within(crowd).await;
    assert_eq!(source.loads(), 3);
}

#[tokio::test]
async fn a_redis_that_stalls_is_not_waited_for() {
    let (local, _) = start().await;
    let redis = quick(&local);
    let cache = cache(&redis).redis_timeout(Duration::from_millis(100));
    let source = Source::of("x");
    local.inject(Fault::delay(SECOND * 120).times(u64::MAX));
    let begun = std::time::Instant::now();
    let value = within(cache.get_or_set("k", source.loader()))
        .await
        .unwrap();
    assert_eq!(value, "x");
    assert!(begun.elapsed() < SECOND * 60);
}

/// Each request of a miss is lost, on its way there or back: the value is right, and nobody is held up.
#[tokio::test]
async fn a_lost_request_is_no_lost_value() {
    for skip in 0..3 {
        for fault in [Fault::drop_before(), Fault::drop_after()] {
            for times in [1, 3] {
                let (local, _) = start().await;
                let redis = quick(&local);
                let cache = cache(&redis).lease(SECOND);
                let source = Source::of("x");
                local.inject(fault.clone().skip(skip).times(times));
                let value = within(cache.entry("k").tag("t").get_or_set(source.loader()));
                assert_eq!(value.await.unwrap(), "x", "{fault:?}");
                assert_eq!(source.loads(), 1);
                local.clear_faults();
                let other = super::cache(&redis).lease(SECOND);
                source.set("new");
                let value = within(other.entry("k").tag("t").get_or_set(source.loader()));
                let value = value.await.unwrap();
                // Stored, or gone with the claim: then it is loaded anew.
                assert!(value == "x" || source.loads() == 2, "{fault:?}");
                other.delete("k").await.unwrap();
                let value = within(cache.get_or_set("k", source.loader()));
                assert_eq!(value.await.unwrap(), "new");
            }
        }
    }
}

/// An invalidation whose answer is lost is repeated until it is known to have happened.
#[tokio::test]
async fn a_lost_invalidation_is_repeated() {
    for fault in [Fault::drop_before(), Fault::drop_after()] {
        let (local, _) = start().await;
        let redis = quick(&local);
        let cache = cache(&redis);
        for act in ["delete", "tag", "clear", "matching"] {
            cache.entry("k").tag("t").set("old").await.unwrap();
            local.inject(fault.clone());
            match act {
                "delete" => cache.delete("k").await.unwrap(),
                "tag" => cache.invalidate_tag("t").await.unwrap(),
                "clear" => cache.clear().await.unwrap(),
                _ => drop(cache.invalidate_matching("k").await.unwrap()),
            }
            assert_eq!(cache.get::<String>("k").await.unwrap(), None, "{act}");
        }
    }
}

#[tokio::test]
async fn a_token_that_may_only_read_loads_and_stores_nothing() {
    let local = Local::builder()
        .read_only_token("reader")
        .start()
        .await
        .unwrap();
    let redis = Redis::new(local.url(), "reader").unwrap();
    let cache = cache(&redis);
    let source = Source::of("x");
    let cached = within(cache.entry("k").fetch(source.loader()))
        .await
        .unwrap();
    assert_eq!(cached.status, Status::Bypass);
    assert!(cache.delete("k").await.unwrap_err().code() == Some("NOPERM"));
}
