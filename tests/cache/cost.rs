//! What each call costs, counted at the server: the table in the docs of the module.

use std::collections::HashMap;

use restis::{Error, cache::Status};

use super::{HOUR, SECOND, Source, Time, cache, cost, noise, ran, start};

#[tokio::test]
async fn a_hit_with_ten_tags() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    let tags = || (0..10).map(|number| format!("tag:{number}"));
    let source = Source::of("x");
    let get = |cache: &restis::Cache| {
        let cache = cache.clone();
        let source = source.clone();
        async move {
            cache
                .entry("k")
                .tags(tags())
                .fetch(source.loader())
                .await
                .unwrap()
                .status
        }
    };
    // The first use makes the versions of namespace and tags: 11 more, and one look at them.
    assert_eq!(cost(&local, get(&cache)).await, (Status::Miss, (3, 3 + 12)));
    assert_eq!(cost(&local, get(&cache)).await, (Status::Hit, (1, 1)));
    // A miss from then on, and after an invalidation one version has to be made.
    cache.delete("k").await.unwrap();
    assert_eq!(cost(&local, get(&cache)).await, (Status::Miss, (3, 3)));
    cache.invalidate_tag("tag:3").await.unwrap();
    assert_eq!(cost(&local, get(&cache)).await, (Status::Miss, (3, 3 + 2)));
    // Who does not know the tags asks twice the first time.
    let other = super::cache(&redis);
    let get = async || other.get::<String>("k").await.unwrap().is_some();
    assert_eq!(cost(&local, get()).await, (true, (2, 2)));
    assert_eq!(cost(&local, get()).await, (true, (1, 1)));
}

#[tokio::test]
async fn of_each_call() {
    let (local, redis) = start().await;
    let time = Time::new();
    let cache = time
        .of(cache(&redis))
        .ttl(SECOND * 10)
        .stale_while_revalidate(HOUR);
    cache.entry("warm").tags(["a", "b"]).set(&0).await.unwrap();
    let (_, set) = cost(&local, cache.set("k", &1)).await;
    assert_eq!(set, (2, 2));
    let (_, tagged) = cost(&local, cache.entry("k").tags(["a", "b"]).set(&1)).await;
    assert_eq!(tagged, (2, 2));
    let (_, touch) = cost(&local, cache.touch("k")).await;
    assert_eq!(touch, (2, 2));
    let (_, update) = cost(&local, cache.update("k", || async { Ok::<_, Error>(2) })).await;
    assert_eq!(update, (2, 3));
    let (_, delete) = cost(&local, cache.delete_many(["k", "l", "m"])).await;
    assert_eq!(delete, (1, 1));
    let (_, tags) = cost(&local, cache.invalidate_tags(["a", "b", "c"])).await;
    assert_eq!(tags, (1, 1));
    let (_, clear) = cost(&local, cache.clear()).await;
    assert_eq!(clear, (1, 1));
    // A stale hit; who refreshes pays two more.
    cache.set("k", &1).await.unwrap();
    time.pass(SECOND * 11);
    let load = || async { Ok::<_, Error>(2) };
    let fetch = || cache.entry("k").fetch(load);
    let (refreshed, price) = cost(&local, fetch()).await;
    assert_eq!(
        (refreshed.unwrap().status, price),
        (Status::Refresh, (3, 3))
    );
    time.pass(SECOND * 11);
    let claims = redis
        .scan()
        .matching("restis:refresh:*")
        .stream::<String>()
        .next()
        .await;
    assert!(claims.is_some());
    let (hit, price) = cost(&local, cache.get::<u32>("k")).await;
    assert_eq!((hit.unwrap(), price), (Some(2), (1, 1)));
}

#[tokio::test]
async fn of_each_kind_of_miss() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    let load = || async { Ok::<_, Error>(1) };
    let with = |tag: &'static str| {
        move |_| async move { Ok::<_, Error>(restis::cache::Loaded::new(1).tag(tag)) }
    };
    // The version of the namespace is made, and all are read again.
    assert_eq!(cost(&local, cache.get_or_set("a", load)).await.1, (3, 5));
    assert_eq!(cost(&local, cache.get_or_set("b", load)).await.1, (3, 3));
    let fails = cache.get_or_set("c", || async { Err::<u32, _>("no") });
    assert_eq!(cost(&local, fails).await.1, (3, 3));
    // A tag that only the loader knows: at first neither it nor that of any tag has a version.
    assert_eq!(
        cost(&local, cache.get_or_set_with("d", with("t"))).await.1,
        (5, 8)
    );
    assert_eq!(
        cost(&local, cache.get_or_set_with("e", with("u"))).await.1,
        (5, 6)
    );
    assert_eq!(
        cost(&local, cache.get_or_set_with("f", with("u"))).await.1,
        (4, 4)
    );
    // From then on this process knows the tag.
    cache.delete("f").await.unwrap();
    assert_eq!(
        cost(&local, cache.get_or_set_with("f", with("u"))).await.1,
        (3, 3)
    );
    assert_eq!(
        cost(&local, cache.get_or_set_with("f", with("u"))).await.1,
        (1, 1)
    );
    // A load longer than half the lease.
    let long = cache.clone().lease(SECOND);
    let slow = long.get_or_set("g", || async {
        tokio::time::sleep(SECOND * 7 / 10).await;
        Ok::<_, Error>(1)
    });
    assert_eq!(cost(&local, slow).await.1, (4, 4));
    // Others came while it was loaded.
    let source = Source::of("x");
    source.hold();
    let crowd = async {
        let first = cache.get_or_set("h", source.loader());
        let later = async {
            source.began().await;
            let second = cache.get_or_set("h", source.loader());
            let release = async {
                tokio::time::sleep(SECOND / 20).await;
                source.let_go();
            };
            tokio::join!(second, release).0.unwrap()
        };
        tokio::join!(first, later)
    };
    assert_eq!(cost(&local, crowd).await.1, (3, 4));
}

#[tokio::test]
async fn many_at_once() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    cache.set(0, &0).await.unwrap();
    let load = |keys: Vec<u32>| async move {
        Ok::<_, Error>(
            keys.into_iter()
                .map(|key| (key, key))
                .collect::<HashMap<_, _>>(),
        )
    };
    let (values, price) = cost(&local, cache.get_or_set_many(0..20, load)).await;
    assert_eq!((values.unwrap().len(), price), (20, (3, 1 + 2 * 19)));
    let (values, price) = cost(&local, cache.get_or_set_many(0..20, load)).await;
    assert_eq!((values.unwrap().len(), price), (20, (1, 1)));
    let (_, price) = cost(&local, cache.get_many::<u32, _>(0..20)).await;
    assert_eq!(price, (1, 1));
    let values: Vec<u32> = (0..20).collect();
    let (_, price) = cost(
        &local,
        cache.set_many(values.iter().map(|value| (value, value))),
    )
    .await;
    assert_eq!(price, (2, 21));
    let (_, price) = cost(&local, cache.get_many::<u32, u32>([])).await;
    assert_eq!(price, (0, 0));
}

/// What the cache says it was billed is what the server counts.
#[tokio::test]
async fn its_own_count_is_the_servers() {
    let (local, redis) = start().await;
    let cache = cache(&redis);
    let big = noise(100_000);
    local.reset_stats().await.unwrap();
    for round in 0..3 {
        cache.entry("k").tags(["a"]).set(&big).await.unwrap();
        cache.touch("k").await.unwrap();
        cache.invalidate_tag("a").await.unwrap();
        let load = || async { Ok::<_, Error>(big.clone()) };
        cache.entry("k").tags(["a"]).get_or_set(load).await.unwrap();
        cache.update("k", load).await.unwrap();
        cache.get::<String>("k").await.unwrap();
        cache
            .get_or_set("absent", || async { Err::<u32, _>("no") })
            .await
            .unwrap_err();
        cache
            .invalidate_matching(format!("k{round}*"))
            .await
            .unwrap();
    }
    let stats = local.stats().await.unwrap();
    let ours = cache.stats();
    assert_eq!((ours.requests, ours.billed), (stats.requests, stats.billed));
    assert!(ran(&local, "EVAL").await > 0);
}
