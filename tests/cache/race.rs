//! What happens to an entry while a loader runs: what is old is not served again, and nobody hangs.

use std::time::Duration;

use futures_util::future::{join_all, poll_immediate};
use restis::{
    Cache, Error, Redis,
    cache::{Loaded, Status},
};

use super::{SECOND, Source, Time, cache, cost, start, within};

/// A caller whose loader is held, until the load has begun.
async fn loading(
    cache: &Cache,
    source: &Source,
    tags: &'static [&'static str],
) -> tokio::task::JoinHandle<String> {
    source.hold();
    let task = tokio::spawn({
        let (cache, source) = (cache.clone(), source.clone());
        async move {
            let entry = cache.entry("k").tags(tags.iter().copied());
            entry.get_or_set(source.loader()).await.unwrap()
        }
    });
    source.began().await;
    task
}

enum By {
    Delete,
    Tag,
    Clear,
    Matching,
    Set,
    Update,
    Outside,
}

impl By {
    const ALL: [Self; 7] = [
        Self::Delete,
        Self::Tag,
        Self::Clear,
        Self::Matching,
        Self::Set,
        Self::Update,
        Self::Outside,
    ];

    async fn act(&self, cache: &Cache, redis: &Redis) {
        match self {
            Self::Delete => cache.delete("k").await.unwrap(),
            Self::Tag => cache.invalidate_tag("t").await.unwrap(),
            Self::Clear => cache.clear().await.unwrap(),
            Self::Matching => drop(cache.invalidate_matching("*").await.unwrap()),
            Self::Set => cache.set("k", "new").await.unwrap(),
            Self::Update => {
                let write = || async { Ok::<_, Error>("new".to_owned()) };
                cache.update("k", write).await.unwrap();
            }
            Self::Outside => drop(redis.del("n:k").await.unwrap()),
        }
    }
}

#[tokio::test]
async fn a_load_that_was_overtaken_is_not_served_again() {
    for by in By::ALL {
        for here in [true, false] {
            let (_local, redis) = start().await;
            let cache = cache(&redis).namespace("n");
            let elsewhere = super::cache(&redis).namespace("n");
            let source = Source::of("old");
            let leader = loading(&cache, &source, &["t"]).await;
            source.set("new");
            by.act(if here { &cache } else { &elsewhere }, &redis).await;
            // Somebody who comes after that, in the process of the loader and in another one.
            let after = async |cache: &Cache| {
                let entry = cache.entry("k").tag("t");
                within(entry.get_or_set(source.loader())).await.unwrap()
            };
            let release = async { source.let_go() };
            let (a, b, ()) = tokio::join!(after(&cache), after(&elsewhere), release);
            assert_eq!([a, b], ["new", "new"]);
            // Whoever asked before it may have either.
            assert!(["old", "new"].contains(&&*leader.await.unwrap()));
            for cache in [&cache, &elsewhere] {
                let there = cache.get::<String>("k").await.unwrap();
                assert_eq!(there.as_deref(), Some("new"));
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_that_was_overtaken_is_not_served_again() {
    for by in By::ALL {
        let (_local, redis) = start().await;
        let time = Time::new();
        let of = |redis: &Redis| {
            time.of(cache(redis))
                .namespace("n")
                .ttl(SECOND)
                .stale_while_revalidate(SECOND * 100)
        };
        let (cache, elsewhere) = (of(&redis), of(&redis));
        cache.entry("k").tag("t").set("older").await.unwrap();
        time.pass(SECOND * 2);
        let source = Source::of("old");
        let refresher = loading(&cache, &source, &["t"]).await;
        source.set("new");
        by.act(&elsewhere, &redis).await;
        source.let_go();
        refresher.await.unwrap();
        for cache in [&cache, &elsewhere] {
            let value = cache
                .entry("k")
                .tag("t")
                .get_or_set(source.loader())
                .await
                .unwrap();
            assert_eq!(value, "new");
        }
    }
}

#[tokio::test]
async fn a_tag_that_only_the_loader_knows_counts_from_the_beginning_of_the_load() {
    let (_local, redis) = start().await;
    let (cache, elsewhere) = (cache(&redis), cache(&redis));
    for (invalidated, kept) in [("t", false), ("another", false), ("", true)] {
        cache.delete("k").await.unwrap();
        let value = cache.get_or_set_with("k", |_| async {
            // Another process invalidates it while this one loads and nobody knows of the tag.
            if !invalidated.is_empty() {
                elsewhere.invalidate_tag(invalidated).await?;
            }
            Ok::<_, Error>(
                Loaded::new("old".to_owned())
                    .tag("t")
                    .tag(format!("u{invalidated}")),
            )
        });
        assert_eq!(value.await.unwrap(), "old");
        let there = elsewhere.get::<String>("k").await.unwrap();
        assert_eq!(there.is_some(), kept, "{invalidated}");
    }
    elsewhere.invalidate_tag("t").await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
}

#[tokio::test]
async fn a_leader_that_goes_away_is_followed_by_another() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    let source = Source::of("x");
    source.hold();
    let leader = loading(&cache, &source, &[]).await;
    let mut waiting: Vec<_> = (0..10)
        .map(|_| Box::pin(cache.get_or_set("k", source.loader())))
        .collect();
    for waiting in &mut waiting {
        assert!(poll_immediate(waiting).await.is_none());
    }
    let begun = std::time::Instant::now();
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    source.let_go();
    let (values, (requests, _)) = cost(&local, within(join_all(waiting))).await;
    assert!(values.into_iter().all(|value| value.unwrap() == "x"));
    // Its claim is taken over, not waited for, and by one of them alone.
    assert!(begun.elapsed() < SECOND * 30);
    assert_eq!((source.loads(), requests), (2, 3));
}

#[tokio::test]
async fn a_caller_that_is_dropped_at_any_point_leaves_nothing_behind() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    for polls in 0..40 {
        let source = Source::of("x");
        let key = format!("k{polls}");
        {
            let mut caller = Box::pin(cache.entry(&key).tag("t").get_or_set(source.loader()));
            for _ in 0..polls {
                if poll_immediate(&mut caller).await.is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(300)).await;
            }
        }
        let value = within(cache.entry(&key).tag("t").get_or_set(source.loader()));
        assert_eq!(value.await.unwrap(), "x");
        assert!(source.loads() <= 2);
    }
}

#[tokio::test]
async fn a_leader_that_is_not_polled_does_not_hold_others_up() {
    let (_local, redis) = start().await;
    let lease = Duration::from_millis(300);
    let cache = cache(&redis).loader_timeout(None).lease(lease);
    let source = Source::of("x");
    source.hold();
    let mut kept = Box::pin(cache.get_or_set("k", source.loader()));
    while source.loads() == 0 {
        assert!(poll_immediate(&mut kept).await.is_none());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    source.let_go();
    let begun = std::time::Instant::now();
    assert_eq!(
        within(cache.get_or_set("k", source.loader()))
            .await
            .unwrap(),
        "x"
    );
    assert!(begun.elapsed() >= lease, "{:?}", begun.elapsed());
    // The one that was kept has its value too, which is not stored.
    let cached = within(kept).await.unwrap();
    assert_eq!((&*cached, cache.stats().refused), ("x", 1));
}

#[tokio::test]
async fn a_load_longer_than_its_claim_renews_it() {
    let (_local, redis) = start().await;
    let lease = Duration::from_millis(500);
    let of = |redis| cache(redis).loader_timeout(None).lease(lease);
    let (slow, other) = (of(&redis), of(&redis));
    let source = Source::of("x");
    let leader = loading(&slow, &source, &[]).await;
    let release = async {
        tokio::time::sleep(lease * 3).await;
        source.let_go();
    };
    let waits = within(other.entry("k").fetch(source.loader()));
    let (waited, ()) = tokio::join!(waits, release);
    let waited = waited.unwrap();
    assert_eq!((&*waited.value, waited.status), ("x", Status::Collapsed));
    assert_eq!(leader.await.unwrap(), "x");
    assert_eq!((source.loads(), slow.stats().refused), (1, 0));
    // One that is deleted meanwhile is not brought back by that.
    slow.delete("k").await.unwrap();
    let leader = loading(&slow, &source, &[]).await;
    other.delete("k").await.unwrap();
    tokio::time::sleep(lease * 2).await;
    assert_eq!(redis.exists("k").await.unwrap(), 0);
    source.let_go();
    leader.await.unwrap();
    assert_eq!(redis.exists("k").await.unwrap(), 0);
}

#[tokio::test]
async fn a_crowd_in_one_process_asks_little() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    let source = Source::of("x");
    let crowd = || join_all((0..500).map(|_| cache.entry("k").fetch(source.loader())));
    let (values, (requests, billed)) = cost(&local, within(crowd())).await;
    let statuses: Vec<Status> = values
        .into_iter()
        .map(|value| value.unwrap().status)
        .collect();
    assert_eq!(
        statuses
            .iter()
            .filter(|status| **status == Status::Miss)
            .count(),
        1
    );
    assert_eq!(
        statuses
            .iter()
            .filter(|status| **status == Status::Collapsed)
            .count(),
        499
    );
    assert_eq!((source.loads(), requests), (1, 3));
    assert!(billed <= 6, "{billed}");
    // A hit is shared by those who come in the same turn.
    let (_, (requests, _)) = cost(&local, within(crowd())).await;
    assert_eq!(requests, 1);
    assert_eq!(cache.stats().waits, 499);
    // On a Worker nobody shares, and the claim keeps it to one load.
    let apart = cache
        .clone()
        .single_flight(false)
        .loader_timeout(SECOND * 20);
    apart.delete("k").await.unwrap();
    let crowd = join_all((0..50).map(|_| apart.get_or_set("k", source.loader())));
    within(crowd).await;
    assert_eq!(source.loads(), 2);
}

#[tokio::test]
async fn an_error_is_shared_and_not_loaded_again_by_each() {
    let (_local, redis) = start().await;
    let cache = cache(&redis);
    let source = Source::of("x");
    source.fail();
    let crowd = join_all((0..500).map(|_| cache.get_or_set("k", source.loader())));
    for value in within(crowd).await {
        assert!(value.unwrap_err().is_loader());
    }
    assert_eq!(source.loads(), 1);
}
