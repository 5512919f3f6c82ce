//! `update`: the source first, then the cache, and whatever fails, nothing old is left.

use futures_util::future::poll_immediate;
use restis::{Cache, Error, Redis};
use restis_local::{Fault, Local};

use super::{SECOND, Source, cache, start, until, within};

async fn filled() -> (Local, Redis, Cache, Source) {
    let (local, redis) = start().await;
    let cache = cache(&redis).lease(SECOND);
    let source = Source::of("old");
    cache
        .entry("k")
        .tag("t")
        .get_or_set(source.loader())
        .await
        .unwrap();
    (local, redis, cache, source)
}

fn write(
    source: &Source,
    value: &'static str,
) -> impl FnOnce() -> std::future::Ready<Result<String, Error>> {
    let source = source.clone();
    move || {
        source.set(value);
        std::future::ready(Ok(value.to_owned()))
    }
}

#[tokio::test]
async fn the_new_value_is_there() {
    let (_local, _redis, cache, source) = filled().await;
    let value = cache
        .entry("k")
        .tag("t")
        .update(write(&source, "new"))
        .await
        .unwrap();
    assert_eq!(value, "new");
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("new")
    );
    // With its tags.
    cache.invalidate_tag("t").await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
}

#[tokio::test]
async fn who_asks_meanwhile_waits_for_it() {
    let (_local, redis, cache, source) = filled().await;
    let other = super::cache(&redis);
    let mut reader = None;
    let value = cache
        .update("k", || async {
            assert_eq!(other.get::<String>("k").await?, None);
            let mut read = Box::pin(other.get_or_set("k", source.loader()));
            assert!(poll_immediate(&mut read).await.is_none());
            reader = Some(read);
            source.set("new");
            Ok::<_, Error>("new".to_owned())
        })
        .await;
    assert_eq!(value.unwrap(), "new");
    assert_eq!(within(reader.unwrap()).await.unwrap(), "new");
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing() {
    let (_local, redis, cache, _source) = filled().await;
    let error = cache
        .update("k", || async { Err::<String, _>("no") })
        .await
        .unwrap_err();
    assert!(error.is_loader());
    until(async || redis.exists("k").await.unwrap() == 0).await;
}

#[tokio::test]
async fn without_redis_the_source_is_not_touched() {
    let (local, _redis, cache, source) = filled().await;
    local.inject(Fault::status(503).times(u64::MAX));
    let error = cache.update("k", write(&source, "new")).await.unwrap_err();
    assert!(error.is_http(), "{error}");
    local.clear_faults();
    assert_eq!(
        cache.get::<String>("k").await.unwrap().as_deref(),
        Some("old")
    );
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_nothing_old() {
    // At each of its requests: nothing reaches the server, or its answer is lost, for good or once.
    for skip in 0..2 {
        for fault in [Fault::drop_before(), Fault::drop_after()] {
            for always in [false, true] {
                let (local, redis, _, source) = filled().await;
                let quick = Redis::builder()
                    .url(local.url())
                    .token(local.token())
                    .retry(restis::Retry::times(2).backoff(SECOND / 1000, SECOND / 1000))
                    .build()
                    .unwrap();
                let cache = super::cache(&quick).lease(SECOND);
                let fault = fault.clone().skip(skip);
                local.inject(if always { fault.times(u64::MAX) } else { fault });
                let updated = cache.update("k", write(&source, "new")).await;
                local.clear_faults();
                if always && skip == 0 {
                    assert!(updated.is_err());
                    // The source was not written, so what is there is not old, if it is there.
                    continue;
                }
                let reader = super::cache(&redis);
                match updated {
                    Ok(updated) => assert_eq!(updated, "new"),
                    Err(error) => {
                        assert!(
                            always && error.to_string().contains("delete the key"),
                            "{error}"
                        );
                        reader.delete("k").await.unwrap();
                    }
                }
                let value = within(reader.get_or_set("k", source.loader()))
                    .await
                    .unwrap();
                assert_eq!(value, "new", "request {skip}");
            }
        }
    }
}

#[tokio::test]
async fn two_at_the_same_time_keep_neither() {
    for first_ends_first in [true, false] {
        let (_local, redis, cache, source) = filled().await;
        let other = super::cache(&redis);
        let (a, b) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let begun = tokio::sync::Notify::new();
        let first = cache.update("k", || async {
            begun.notify_one();
            a.notified().await;
            source.set("a");
            Ok::<_, Error>("a".to_owned())
        });
        let second = async {
            begun.notified().await;
            let update = other.update("k", || async {
                begun.notify_one();
                b.notified().await;
                source.set("b");
                Ok::<_, Error>("b".to_owned())
            });
            update.await.unwrap();
            a.notify_one();
        };
        let order = async {
            // Once both have their claims.
            until(async || {
                let text: Option<String> = redis.get("k").await.unwrap();
                text.is_some_and(|text| text.starts_with("r1u"))
            })
            .await;
            begun.notified().await;
            if first_ends_first {
                a.notify_one();
            }
            b.notify_one();
        };
        let (first, (), ()) = within(async { tokio::join!(first, second, order) }).await;
        first.unwrap();
        let value = within(other.get_or_set("k", source.loader()))
            .await
            .unwrap();
        let truth = source.clone().load().await.unwrap();
        assert_eq!(value, truth);
    }
}

#[tokio::test]
async fn one_that_goes_away_in_between_leaves_nothing_old() {
    let (_local, redis, cache, source) = filled().await;
    let mut update = Box::pin(cache.update("k", || async {
        source.set("new");
        std::future::pending::<Result<String, Error>>().await
    }));
    let reached = async || source.clone().load().await.unwrap() == "new";
    within(async {
        while !reached().await {
            assert!(poll_immediate(&mut update).await.is_none());
            tokio::time::sleep(SECOND / 1000).await;
        }
    })
    .await;
    drop(update);
    let other = super::cache(&redis);
    assert_eq!(
        within(other.get_or_set("k", source.loader()))
            .await
            .unwrap(),
        "new"
    );
}

#[tokio::test]
async fn one_that_came_second_does_not_rely_on_the_first_to_end() {
    let (_local, redis, cache, source) = filled().await;
    let other = super::cache(&redis);
    let (a_writes, b_has_written, b_ends) = (
        tokio::sync::Notify::new(),
        tokio::sync::Notify::new(),
        tokio::sync::Notify::new(),
    );
    let a_has_claimed = tokio::sync::Notify::new();
    // It reaches the source after the other one, and goes away right then.
    let first = async {
        let update = cache.update("k", || async {
            a_has_claimed.notify_one();
            a_writes.notified().await;
            source.set("a");
            b_ends.notify_one();
            std::future::pending::<Result<String, Error>>().await
        });
        tokio::select! {
            _ = update => panic!("it has no end"),
            () = async {
                a_has_claimed.notified().await;
                b_has_written.notified().await;
                a_writes.notify_one();
                until(async || source.clone().load().await.unwrap() == "a").await;
            } => {}
        }
    };
    let second = async {
        until(async || {
            let text: Option<String> = redis.get("k").await.unwrap();
            text.is_some_and(|text| text.starts_with("r1u"))
        })
        .await;
        let update = other.update("k", || async {
            source.set("b");
            b_has_written.notify_one();
            b_ends.notified().await;
            Ok::<_, Error>("b".to_owned())
        });
        update.await.unwrap();
    };
    within(async { tokio::join!(first, second) }).await;
    let value = within(other.get_or_set("k", source.loader()))
        .await
        .unwrap();
    assert_eq!(value, "a");
}

#[tokio::test]
async fn the_source_may_go_on_after_the_caller_went_away() {
    let (_local, _redis, cache, source) = filled().await;
    let late = std::sync::Arc::new(tokio::sync::Notify::new());
    let begun = tokio::sync::Notify::new();
    let update = cache.update("k", || async {
        // A database does not stop because nobody waits for it.
        let (source, late) = (source.clone(), std::sync::Arc::clone(&late));
        tokio::spawn(async move {
            late.notified().await;
            source.set("new");
        });
        begun.notify_one();
        std::future::pending::<Result<String, Error>>().await
    });
    tokio::select! {
        _ = update => panic!("it has no end"),
        () = begun.notified() => {}
    }
    // The next caller here waits for the rest of the lease, in which the source gets there.
    let mut read = Box::pin(cache.get_or_set("k", source.loader()));
    for _ in 0..100 {
        if poll_immediate(&mut read).await.is_some() {
            break;
        }
        tokio::time::sleep(SECOND / 1000).await;
    }
    late.notify_one();
    if source.loads() == 1 {
        within(read).await.unwrap();
    }
    let value = within(cache.get_or_set("k", source.loader()))
        .await
        .unwrap();
    assert_eq!(value, "new");
}
