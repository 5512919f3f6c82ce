//! Values that are too large to be compared whole, and servers that do not know `SET … IFEQ`: the same by script.

use restis::Redis;

use super::{SECOND, Source, Time, cache, noise, ran, start};

/// A client of a server that does not know IFEQ.
fn without_ifeq(local: &restis_local::Local) -> Redis {
    restis_testing::altered(local, |body| body.replace("\"IFEQ\"", "\"IFXX\""))
}

#[tokio::test]
async fn everything_works_without_ifeq() {
    let (local, _) = start().await;
    let redis = without_ifeq(&local);
    let time = Time::new();
    let cache = time
        .of(cache(&redis))
        .ttl(SECOND * 10)
        .stale_while_revalidate(SECOND * 100);
    let source = Source::of("a");
    let get = || cache.entry("k").tag("t").get_or_set(source.loader());
    assert_eq!(get().await.unwrap(), "a");
    assert_eq!(get().await.unwrap(), "a");
    source.set("b");
    cache.invalidate_tag("t").await.unwrap();
    assert_eq!(get().await.unwrap(), "b");
    time.pass(SECOND * 11);
    source.set("c");
    assert_eq!(get().await.unwrap(), "c");
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("c")
    );
    assert!(cache.touch("k").await.unwrap());
    let found = cache.get_or_set_many([1, 2], |keys: Vec<u32>| async move {
        Ok::<_, restis::Error>(keys.into_iter().map(|key| (key, key)).collect())
    });
    assert_eq!(found.await.unwrap().len(), 2);
    assert_eq!(
        cache.get_many::<u32, _>([1, 2]).await.unwrap(),
        [Some(1), Some(2)]
    );
    // A value that is replaced meanwhile is not overwritten.
    source.hold();
    cache.delete("k").await.unwrap();
    let loading = tokio::spawn({
        let (cache, source) = (cache.clone(), source.clone());
        async move {
            cache
                .entry("k")
                .tag("t")
                .get_or_set(source.loader())
                .await
                .unwrap()
        }
    });
    source.began().await;
    cache.set("k", "d").await.unwrap();
    source.let_go();
    assert_eq!(loading.await.unwrap(), "c");
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("d")
    );
    assert!(ran(&local, "EVAL").await > 5);
    assert_eq!(source.loads(), 4);
}

#[tokio::test]
async fn large_values_are_compared_by_their_beginning() {
    let (local, redis) = start().await;
    let time = Time::new();
    let cache = time
        .of(cache(&redis))
        .ttl(SECOND * 10)
        .stale_while_revalidate(SECOND * 100);
    let big = format!("{}ü", noise(200_000));
    let source = Source::of(&big);
    let get = || cache.entry("k").tag("t").get_or_set(source.loader());
    get().await.unwrap();
    assert_eq!(ran(&local, "EVAL").await, 0);
    time.pass(SECOND * 11);
    source.set("b");
    assert_eq!(get().await.unwrap(), "b");
    assert_eq!(ran(&local, "EVAL").await, 1);
    // Text that is not ours, and longer than what is compared.
    redis.set("k", &big).await.unwrap();
    assert_eq!(get().await.unwrap(), "b");
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("b")
    );
}
