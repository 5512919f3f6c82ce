//! Claims that were left, lost or long, answers that were lost, and times at their edges: nobody waits for no reason, and
//! nobody has what was old when they asked.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use restis::{
    Cache, Redis, Retry,
    cache::{Loaded, Status},
};
use restis_local::{Fault, Local};
use tokio::time::{sleep, timeout};

/// So long that a caller that waits for it is told from one that a busy machine holds up.
const LEASE: Duration = Duration::from_secs(60);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn client(local: &Local) -> Redis {
    let builder = Redis::builder().url(local.url()).token(local.token());
    let retry = Retry::times(3).backoff(ms(1), ms(1));
    builder.retry(retry).build().unwrap()
}

async fn start() -> (Local, Redis) {
    let (local, _) = super::start().await;
    let redis = client(&local);
    (local, redis)
}

fn ok<T>(value: T) -> Result<T, io::Error> {
    Ok(value)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_not_changed_keeps_its_tags() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis)
        .namespace("n")
        .jitter(0.0)
        .ttl(ms(100))
        .stale_if_error(Duration::from_secs(60))
        .early_refresh(0.0);
    c.get_or_set_with("k", |_| async {
        ok(Loaded::new("old".to_owned()).etag("e").tag("news"))
    })
    .await
    .unwrap();
    sleep(ms(150)).await;
    c.get_or_set_with("k", |p| async move {
        assert!(p.is_some());
        ok(Loaded::<String>::not_modified().ttl(Duration::from_secs(60)))
    })
    .await
    .unwrap();
    c.invalidate_tag("news").await.unwrap();
    assert_eq!(
        c.get::<String>("k").await.unwrap(),
        None,
        "old value served after invalidate_tag"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_refused_does_not_hold_up_the_next() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").lease(LEASE);
    c.set("warm", &1).await.unwrap();
    l.inject(Fault::status(413).skip(2)); // read, claim, put
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    let t = Instant::now();
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    assert!(t.elapsed() < LEASE / 2, "waited {:?}", t.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_left_has_its_versions() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis)
        .namespace("n")
        .lease(Duration::from_secs(5));
    // 1: a leader that goes away while it loads
    let _ = timeout(
        ms(200),
        c.get_or_set("k", || async {
            sleep(Duration::from_secs(9)).await;
            ok("x".to_owned())
        }),
    )
    .await;
    c.clear().await.unwrap();
    let c2 = c.clone();
    let b = tokio::spawn(async move {
        c2.get_or_set("k", || async {
            sleep(ms(500)).await;
            ok("old".to_owned())
        })
        .await
        .unwrap()
    });
    sleep(ms(250)).await;
    // the source changes here
    c.clear().await.unwrap();
    let v = c
        .get_or_set("k", || async { ok("new".to_owned()) })
        .await
        .unwrap();
    b.await.unwrap();
    assert_eq!(v, "new", "served what was loaded before clear() returned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_window_does_not_take_what_is_stale() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").jitter(0.0);
    c.entry("k")
        .ttl(ms(200))
        .stale_if_error(Duration::from_secs(3600))
        .get_or_set(|| async { ok(1) })
        .await
        .unwrap();
    sleep(ms(400)).await;
    let got = c.get::<i32>("k").await.unwrap();
    let cached = c
        .clone()
        .early_refresh(0.0)
        .entry("k")
        .fetch(|| async { ok(2) })
        .await
        .unwrap();
    assert_eq!(
        (got, cached.value, cached.status),
        (None, 2, Status::Miss),
        "{}",
        cached.cache_status("c")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_dropped_while_it_claims_holds_nobody_up() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").lease(LEASE);
    c.set("warm", &1).await.unwrap();
    l.inject(Fault::delay_answer(ms(600)).skip(1));
    let _ = timeout(ms(300), c.get_or_set("k", || async { ok(1) })).await;
    let t = Instant::now();
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    assert!(t.elapsed() < LEASE / 2, "waited {:?}", t.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_more_than_two_loads() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis)
        .namespace("n")
        .lease(Duration::from_secs(2));
    let other = Cache::new(&client(&l)).namespace("n");
    let stop = tokio::spawn(async move {
        loop {
            other.invalidate_tag("hot").await.unwrap();
            sleep(ms(50)).await;
        }
    });
    let loads = Arc::new(AtomicU64::new(0));
    let t = Instant::now();
    let all: Vec<_> = (0..20)
        .map(|_| {
            let (c, loads) = (c.clone(), Arc::clone(&loads));
            tokio::spawn(async move {
                c.entry("k")
                    .tag("hot")
                    .get_or_set(|| async {
                        loads.fetch_add(1, SeqCst);
                        sleep(ms(200)).await;
                        ok(1)
                    })
                    .await
                    .unwrap();
                t.elapsed()
            })
        })
        .collect();
    let mut worst = Duration::ZERO;
    for a in all {
        worst = worst.max(a.await.unwrap());
    }
    stop.abort();
    assert!(
        worst < ms(1000),
        "slowest of 20 waited {worst:?}, loads {}",
        loads.load(SeqCst)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_waits_for_a_load_longer_than_its_claim() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").lease(ms(300));
    c.set("warm", &1).await.unwrap();
    l.reset_stats().await.unwrap();
    let loads = Arc::new(AtomicU64::new(0));
    let all: Vec<_> = (0..100)
        .map(|_| {
            let (c, loads) = (c.clone(), Arc::clone(&loads));
            tokio::spawn(async move {
                c.get_or_set("k", || async {
                    loads.fetch_add(1, SeqCst);
                    sleep(ms(1500)).await;
                    ok(1)
                })
                .await
                .unwrap();
            })
        })
        .collect();
    for a in all {
        a.await.unwrap();
    }
    let s = l.stats().await.unwrap();
    assert!(
        loads.load(SeqCst) < 10,
        "loads {}, requests {}",
        loads.load(SeqCst),
        s.requests
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_know_their_own_claims_where_the_answer_was_lost() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").lease(LEASE);
    c.set("warm", &1).await.unwrap();
    l.inject(Fault::drop_after().path("/pipeline"));
    let t = Instant::now();
    c.get_or_set_many([1, 2], |k| async move {
        ok(k.into_iter().map(|k| (k, k)).collect::<HashMap<_, _>>())
    })
    .await
    .unwrap();
    assert!(
        t.elapsed() < LEASE / 2,
        "waited {:?} for its own claims",
        t.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_are_dropped_hold_nobody_up() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").lease(LEASE);
    let _ = timeout(
        ms(200),
        c.get_or_set_many([1, 2], |k| async move {
            sleep(LEASE).await;
            ok(k.into_iter().map(|k| (k, k)).collect::<HashMap<_, _>>())
        }),
    )
    .await;
    let t = Instant::now();
    c.get_or_set(1, || async { ok(1) }).await.unwrap();
    assert!(t.elapsed() < LEASE / 2, "waited {:?}", t.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_know_that_a_refresh_has_failed() {
    let (l, redis) = start().await;
    let make = |r: &Redis| {
        Cache::new(r)
            .namespace("n")
            .jitter(0.0)
            .ttl(ms(100))
            .stale_if_error(Duration::from_secs(60))
            .lease(LEASE)
            .error_backoff(Duration::from_secs(5))
    };
    let (a, b) = (make(&redis), make(&client(&l)));
    a.set(1, &7).await.unwrap();
    sleep(ms(200)).await;
    let fail = |_: Vec<u32>| async { Err::<HashMap<u32, i32>, _>(io::Error::other("down")) };
    assert_eq!(a.get_or_set_many([1], fail).await.unwrap()[&1], 7);
    let t = Instant::now();
    assert_eq!(b.get_or_set_many([1], fail).await.unwrap()[&1], 7);
    assert!(
        t.elapsed() < LEASE / 2,
        "waited {:?} where get_or_set would answer stale at once",
        t.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_without_end() {
    let (_l, redis) = start().await;
    Cache::new(&redis)
        .jitter(0.0)
        .ttl(Duration::MAX)
        .set("k", &1)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timeout_without_end() {
    let (_l, redis) = start().await;
    Cache::new(&redis)
        .loader_timeout(Duration::MAX)
        .get_or_set("k", || async { ok(1) })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_without_end_that_somebody_has_written() {
    let (_l, redis) = start().await;
    redis
        .set("k", "r1c;x;18446744073709551615;")
        .px(200)
        .await
        .unwrap();
    Cache::new(&redis)
        .get_or_set("k", || async { ok(1) })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_that_are_nearly_without_end() {
    let (_l, redis) = start().await;
    Cache::new(&redis)
        .ttl(Duration::from_secs(1 << 58))
        .set("k", &1)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_error_does_not_switch_ifeq_off() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n");
    c.set("warm", &1).await.unwrap();
    l.inject(
        Fault::status(400)
            .with_body(
                r#"{"error":"ERR max requests limit exceeded. Limit: 10000, Usage: 10000."}"#,
            )
            .skip(2),
    );
    c.get_or_set("a", || async { ok(1) }).await.unwrap();
    l.reset_stats().await.unwrap();
    c.get_or_set("b", || async { ok(1) }).await.unwrap();
    let s = l.stats().await.unwrap();
    assert_eq!(s.by_command.get("EVAL"), None, "{:?}", s.by_command);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_ends_with_the_value() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis)
        .jitter(0.0)
        .early_refresh(0.0)
        .ttl(ms(300))
        .memory(1 << 20, Duration::from_secs(60));
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    sleep(ms(800)).await;
    assert_eq!(c.get_or_set("k", || async { ok(2) }).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_counts_from_the_look_and_not_from_the_write() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").memory(1 << 20, ms(500));
    let other = Cache::new(&client(&l)).namespace("n");
    let c2 = c.clone();
    let b = tokio::spawn(async move {
        c2.entry("k")
            .tag("t")
            .get_or_set(|| async {
                sleep(ms(1000)).await;
                ok(1)
            })
            .await
            .unwrap()
    });
    sleep(ms(200)).await;
    other.invalidate_tag("t").await.unwrap();
    let t = Instant::now();
    b.await.unwrap();
    sleep(ms(50)).await;
    let v = c
        .entry("k")
        .tag("t")
        .get_or_set(|| async { ok(2) })
        .await
        .unwrap();
    assert_eq!(
        v,
        2,
        "old {:?} after the invalidation, memory ttl is 500 ms",
        t.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_vouches_for_nothing() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n");
    c.set("warm", &1).await.unwrap();
    let c2 = c.clone();
    let b = tokio::spawn(async move {
        c2.get_or_set("k", || async {
            sleep(ms(500)).await;
            ok("old".to_owned())
        })
        .await
        .unwrap()
    });
    sleep(ms(200)).await;
    c.delete("k").await.unwrap();
    let c3 = c.clone();
    let f = tokio::spawn(async move {
        c3.get_or_set("k", || async { ok("new".to_owned()) })
            .await
            .unwrap()
    });
    sleep(ms(50)).await;
    l.inject(Fault::status(500));
    b.await.unwrap();
    assert_eq!(f.await.unwrap(), "new", "began after delete returned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_stored_behind_the_answer_is_not_called_stored() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis);
    let cached = c
        .entry("k")
        .background(|f| drop(tokio::spawn(f)))
        .fetch_with(|_| async { ok(Loaded::new(1).no_store()) })
        .await
        .unwrap();
    assert_eq!(cached.ttl, None, "{}", cached.cache_status("c"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_text_are_replaced() {
    let (l, redis) = start().await;
    redis
        .set("k", restis::Bytes::from(vec![0x80u8, 0x04, 0x95, 0xff]))
        .await
        .unwrap();
    let c = Cache::new(&redis);
    c.get_or_set("warm", || async { ok(1) }).await.unwrap();
    l.reset_stats().await.unwrap();
    let t = Instant::now();
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    let e = t.elapsed();
    assert_eq!(
        c.get::<i32>("k").await.unwrap(),
        Some(1),
        "{e:?} {:?}",
        l.stats().await.unwrap().by_command
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_of_the_loader_are_stored_while_others_are_invalidated() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n");
    let other = Cache::new(&client(&l)).namespace("n");
    let stop = tokio::spawn(async move {
        let mut n = 0;
        loop {
            n += 1;
            other.invalidate_tag(format!("unrelated{n}")).await.unwrap();
            sleep(ms(50)).await;
        }
    });
    let mut loads = 0;
    for _ in 0..6 {
        c.get_or_set_with("k", |_| {
            loads += 1;
            async {
                sleep(ms(150)).await;
                ok(Loaded::new(1).tag("mine"))
            }
        })
        .await
        .unwrap();
    }
    stop.abort();
    assert!(
        loads <= 2,
        "{loads} loads of 6 calls: never stored while any other tag is invalidated"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_longer_than_its_claim_is_stored_while_others_ask() {
    let (l, redis) = start().await;
    let mut all = vec![];
    let loads = Arc::new(AtomicU64::new(0));
    let t = Instant::now();
    for _ in 0..3 {
        let c = Cache::new(&client(&l)).namespace("n").lease(ms(300));
        let loads = Arc::clone(&loads);
        all.push(tokio::spawn(async move {
            while t.elapsed() < Duration::from_secs(4) {
                c.get_or_set("k", || async {
                    loads.fetch_add(1, SeqCst);
                    sleep(ms(500)).await;
                    ok(1)
                })
                .await
                .unwrap();
                sleep(ms(20)).await;
            }
        }));
    }
    for a in all {
        a.await.unwrap();
    }
    let _ = redis;
    assert!(
        loads.load(SeqCst) <= 3,
        "{} loads in 4 s, ttl is 300 s",
        loads.load(SeqCst)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_during_a_load_without_a_claim_has_the_next_one() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").redis_timeout(ms(300));
    c.set("warm", &1).await.unwrap();
    l.inject(Fault::delay_answer(ms(400))); // one slow look
    let c2 = c.clone();
    let b = tokio::spawn(async move {
        c2.get_or_set("k", || async {
            sleep(ms(800)).await;
            ok("old".to_owned())
        })
        .await
        .unwrap()
    });
    sleep(ms(500)).await;
    c.update("k", || async { ok("new".to_owned()) })
        .await
        .unwrap();
    let v = c
        .get_or_set("k", || async { ok("new".to_owned()) })
        .await
        .unwrap();
    b.await.unwrap();
    assert_eq!(v, "new", "began after update returned, and Redis is up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_is_not_to_be_kept_leaves_nothing() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis)
        .jitter(0.0)
        .ttl(ms(100))
        .stale_if_error(Duration::from_secs(60))
        .lease(LEASE);
    c.set("k", &1).await.unwrap();
    sleep(ms(150)).await;
    c.get_or_set_with("k", |_| async { ok(Loaded::new(2).no_store()) })
        .await
        .unwrap();
    let t = Instant::now();
    let v = c.get_or_set("k", || async { ok(3) }).await.unwrap();
    assert!(
        t.elapsed() < LEASE / 2 && v == 3,
        "{v} after {:?}",
        t.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_was_dropped_holds_nobody_up() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis)
        .jitter(0.0)
        .ttl(ms(100))
        .stale_if_error(Duration::from_secs(60))
        .lease(LEASE);
    c.set("k", &1).await.unwrap();
    sleep(ms(150)).await;
    let _ = timeout(
        ms(200),
        c.get_or_set("k", || async {
            sleep(LEASE).await;
            ok(2)
        }),
    )
    .await;
    let t = Instant::now();
    c.get_or_set("k", || async { ok(3) }).await.unwrap();
    assert!(t.elapsed() < LEASE / 2, "{:?}", t.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_never_began_holds_nobody_up() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").lease(LEASE);
    c.set("k", &1).await.unwrap();
    l.inject(Fault::drop_after().times(4));
    c.update("k", || async { ok(2) }).await.unwrap_err();
    l.clear_faults();
    let t = Instant::now();
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    assert!(
        t.elapsed() < LEASE / 2,
        "waited {:?} for an update that never began",
        t.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_there_is_nothing_is_not_served_stale() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis)
        .jitter(0.0)
        .negative_ttl(ms(200))
        .stale_while_revalidate(Duration::from_secs(600));
    c.get_or_set("k", || async { ok(None::<i32>) })
        .await
        .unwrap();
    sleep(ms(600)).await;
    let v = c
        .entry("k")
        .background(|f| drop(tokio::spawn(f)))
        .get_or_set(|| async { ok(Some(1)) })
        .await
        .unwrap();
    assert_eq!(
        v,
        Some(1),
        "that there is nothing is answered after negative_ttl"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_lost_holds_nobody_up() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis).namespace("n").lease(LEASE);
    c.set("warm", &1).await.unwrap();
    l.inject(Fault::drop_before().skip(2));
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    let t = Instant::now();
    c.get_or_set("k", || async { ok(1) }).await.unwrap();
    assert!(t.elapsed() < LEASE / 2, "waited {:?}", t.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_keep_the_tags_of_what_they_refresh() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis)
        .namespace("n")
        .jitter(0.0)
        .ttl(ms(100))
        .stale_while_revalidate(Duration::from_secs(60));
    c.entry(1).tag("t").set("old").await.unwrap();
    sleep(ms(150)).await;
    c.get_or_set_many([1], |k| async move {
        ok(k.into_iter()
            .map(|k| (k, "old".to_owned()))
            .collect::<HashMap<_, _>>())
    })
    .await
    .unwrap();
    c.invalidate_tag("t").await.unwrap();
    assert_eq!(c.get::<String>(1).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_claim_was_lost_is_taken_up() {
    let (l, redis) = start().await;
    let c = Cache::new(&redis)
        .jitter(0.0)
        .ttl(ms(100))
        .stale_if_error(Duration::from_secs(60))
        .lease(LEASE);
    c.set("k", &1).await.unwrap();
    sleep(ms(150)).await;
    l.inject(Fault::drop_after().skip(1));
    c.get_or_set("k", || async { ok(2) }).await.unwrap();
    let t = Instant::now();
    c.get_or_set("k", || async { ok(3) }).await.unwrap();
    assert!(t.elapsed() < LEASE / 2, "{:?}", t.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn misses_are_counted() {
    let (_l, redis) = start().await;
    let c = Cache::new(&redis);
    c.get::<i32>("k").await.unwrap();
    c.get_many::<i32, _>(["k", "l"]).await.unwrap();
    assert_eq!(c.stats().misses, 3);
}
