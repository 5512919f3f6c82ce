//! Values past their time: who serves them, who loads, and what happens when loading fails.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_core::future::BoxFuture;
use futures_util::future::join_all;
use restis::{
    Cache, Error,
    cache::{Loaded, Previous, Status},
};

use super::{HOUR, SECOND, Source, Time, cache, cost, start, until, within};

fn stale(redis: &restis::Redis, time: &Time) -> Cache {
    time.of(cache(redis))
        .ttl(SECOND * 10)
        .stale_while_revalidate(SECOND * 20)
        .stale_if_error(HOUR)
}

#[tokio::test]
async fn the_crowd_is_served_while_one_loads() {
    let (local, redis) = start().await;
    let time = Time::new();
    let cache = stale(&redis, &time);
    let source = Source::of("old");
    cache.get_or_set("k", source.loader()).await.unwrap();
    time.pass(SECOND * 11);
    source.set("new");
    source.hold();
    let refresher = tokio::spawn({
        let (cache, source) = (cache.clone(), source.clone());
        async move { cache.entry("k").fetch(source.loader()).await.unwrap() }
    });
    source.began().await;
    // Nobody waits for the loader, which is held.
    let crowd = join_all((0..500).map(|_| cache.entry("k").fetch(source.loader())));
    let (crowd, (requests, billed)) = cost(&local, within(crowd)).await;
    for cached in crowd {
        let cached = cached.unwrap();
        assert_eq!(
            (&*cached.value, cached.status, cached.ttl),
            ("old", Status::Stale, Some(-1))
        );
    }
    assert!(requests <= 3 && billed <= 3, "{requests} {billed}");
    source.let_go();
    let cached = refresher.await.unwrap();
    assert_eq!((&*cached.value, cached.status), ("new", Status::Refresh));
    assert_eq!(source.loads(), 2);
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("new")
    );
}

/// Where a test keeps what was handed to the background.
#[derive(Clone, Default)]
struct Later(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Later {
    fn take(&self) -> impl FnOnce(BoxFuture<'static, ()>) + use<> {
        let this = self.clone();
        move |future| this.0.lock().unwrap().push(future)
    }

    async fn run(&self) -> usize {
        let futures = std::mem::take(&mut *self.0.lock().unwrap());
        join_all(futures).await.len()
    }
}

#[tokio::test]
async fn a_refresh_goes_to_the_platform() {
    let (_local, redis) = start().await;
    let time = Time::new();
    let cache = stale(&redis, &time);
    let source = Source::of("old");
    let later = Later::default();
    let fetch = || {
        cache
            .entry("k")
            .background(later.take())
            .fetch(source.loader())
    };
    // Of a miss the write.
    let cached = fetch().await.unwrap();
    assert_eq!(
        (cached.status, cache.get::<String>("k").await.unwrap()),
        (Status::Miss, None)
    );
    assert_eq!(later.run().await, 1);
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("old")
    );
    time.pass(SECOND * 11);
    source.set("new");
    let cached = fetch().await.unwrap();
    assert_eq!(
        (&*cached.value, cached.status, source.loads()),
        ("old", Status::Stale, 1)
    );
    // One refresh is enough.
    assert_eq!(fetch().await.unwrap().status, Status::Stale);
    assert_eq!(later.run().await, 1);
    let cached = fetch().await.unwrap();
    assert_eq!(
        (&*cached.value, cached.status, source.loads()),
        ("new", Status::Hit, 2)
    );
    // One that fails is counted, and tried again after a while only.
    time.pass(SECOND * 11);
    source.fail();
    for _ in 0..3 {
        assert_eq!(fetch().await.unwrap().status, Status::Stale);
        later.run().await;
    }
    assert_eq!((source.loads(), cache.stats().load_errors), (3, 1));
}

#[tokio::test]
async fn a_source_that_fails_is_asked_now_and_then() {
    let (_local, redis) = start().await;
    let time = Time::new();
    let backoff = Duration::from_millis(300);
    let cache = stale(&redis, &time).error_backoff(backoff);
    let source = Source::of("old");
    cache.get_or_set("k", source.loader()).await.unwrap();
    source.fail();
    time.pass(SECOND * 60);
    let begun = std::time::Instant::now();
    // Two processes, as far as anything is shared between them.
    let other = stale(&redis, &time).error_backoff(backoff);
    let mut answers = 0;
    while begun.elapsed() < SECOND * 2 {
        for cache in [&cache, &other] {
            let cached = cache.entry("k").fetch(source.loader()).await.unwrap();
            assert_eq!(
                (&*cached.value, cached.status),
                ("old", Status::StaleIfError)
            );
            answers += 1;
        }
    }
    let most = 1 + begun.elapsed().as_millis() / backoff.as_millis() + 1;
    assert!(answers > 20, "{answers}");
    assert!(
        (2..=most).contains(&u128::from(source.loads())),
        "{} of {most}",
        source.loads()
    );
    // It is back: the next that may try has the new value.
    source.set("new");
    until(async || cache.get_or_set("k", source.loader()).await.unwrap() == "new").await;
    // Past every window there is nothing to answer with.
    source.fail();
    time.pass(HOUR * 2);
    let error = cache.get_or_set("k", source.loader()).await.unwrap_err();
    assert!(error.is_loader());
}

#[tokio::test]
async fn without_that_window_an_error_is_an_error() {
    let (_local, redis) = start().await;
    let time = Time::new();
    let cache = stale(&redis, &time).stale_if_error(Duration::ZERO);
    let source = Source::of("old");
    cache.get_or_set("k", source.loader()).await.unwrap();
    source.fail();
    time.pass(SECOND * 11);
    let cached = cache.entry("k").fetch(source.loader()).await.unwrap();
    assert_eq!((&*cached.value, cached.status), ("old", Status::Stale));
    time.pass(SECOND * 20);
    assert!(
        cache
            .get_or_set("k", source.loader())
            .await
            .unwrap_err()
            .is_loader()
    );
}

#[tokio::test]
async fn who_may_not_have_it_stale_waits_for_one_load() {
    let (_local, redis) = start().await;
    let time = Time::new();
    let (cache, other) = (stale(&redis, &time), stale(&redis, &time));
    let source = Source::of("old");
    cache.get_or_set("k", source.loader()).await.unwrap();
    time.pass(SECOND * 60);
    source.set("new");
    source.hold();
    let all = join_all((0..40).map(|number| {
        let cache = if number % 2 == 0 { &cache } else { &other };
        cache.get_or_set("k", source.loader())
    }));
    let release = async {
        source.began().await;
        source.let_go();
    };
    let (values, ()) = within(async { tokio::join!(all, release) }).await;
    assert!(values.into_iter().all(|value| value.unwrap() == "new"));
    assert_eq!(source.loads(), 2);
}

#[tokio::test]
async fn the_loader_may_say_that_nothing_has_changed() {
    let (_local, redis) = start().await;
    let time = Time::new();
    let cache = stale(&redis, &time);
    let first = cache.get_or_set_with("k", |previous: Option<Previous<String>>| async move {
        assert!(previous.is_none());
        Ok::<_, Error>(Loaded::new("body".to_owned()).etag("\"v;1\"").tag("t"))
    });
    assert_eq!(first.await.unwrap(), "body");
    let again = || {
        cache
            .entry("k")
            .tag("t")
            .fetch_with(|previous: Option<Previous<String>>| async move {
                let previous = previous.unwrap();
                assert_eq!(
                    (&*previous.value, previous.etag.as_deref()),
                    ("body", Some("\"v;1\""))
                );
                Ok::<_, Error>(Loaded::not_modified())
            })
    };
    for _ in 0..2 {
        time.pass(SECOND * 60);
        let cached = again().await.unwrap();
        assert_eq!((&*cached.value, cached.status), ("body", Status::Refresh));
        assert_eq!(
            cache.get::<String>("k").await.unwrap().as_deref(),
            Some("body")
        );
    }
    // Of what was invalidated the source may say so too: the loader has it, and nobody else.
    cache.invalidate_tag("t").await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
    let cached = again().await.unwrap();
    assert_eq!((&*cached.value, cached.status), ("body", Status::Miss));
    // Where there was nothing it cannot.
    cache.delete("k").await.unwrap();
    let error = cache
        .get_or_set_with("k", |_: Option<Previous<String>>| async {
            Ok::<_, Error>(Loaded::not_modified())
        })
        .await
        .unwrap_err();
    assert!(error.is_argument(), "{error}");
}

#[tokio::test]
async fn an_early_load_spares_the_miss() {
    let (_local, redis) = start().await;
    let time = Time::new();
    let cache = time
        .of(Cache::new(&redis))
        .jitter(0.0)
        .ttl(SECOND * 10)
        .early_refresh(1.0);
    let source = Source::of("x");
    source.hold();
    let slow = tokio::spawn({
        let (cache, source) = (cache.clone(), source.clone());
        async move { cache.get_or_set("k", source.loader()).await.unwrap() }
    });
    source.began().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    source.let_go();
    slow.await.unwrap();
    // Far from its end it is not due: the chance is e^-98.
    for _ in 0..100 {
        let cached = cache.entry("k").fetch(source.loader()).await.unwrap();
        assert_eq!(cached.status, Status::Hit);
    }
    // At its end it is.
    time.pass(SECOND * 10);
    let later = Later::default();
    let cached = cache
        .entry("k")
        .background(later.take())
        .fetch(source.loader())
        .await
        .unwrap();
    assert_eq!(cached.status, Status::Hit);
    assert_eq!(later.run().await, 1);
    assert_eq!(source.loads(), 2);
    time.pass(SECOND * 10);
    let cached = cache.entry("k").fetch(source.loader()).await.unwrap();
    assert_eq!(cached.status, Status::Early);
    assert_eq!(cache.stats().early, 2);
}
