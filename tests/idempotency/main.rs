//! Work that runs once: by a crowd, with lost answers, with runners that die, and what it costs.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test, not an API"
)]

mod kept;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use restis::{
    Error, Idempotency, Redis,
    idempotency::{Begin, Ran, Run, RunError},
};
use restis_local::{Fault, Local};
use restis_testing::{altered, start};

const SECOND: Duration = Duration::from_secs(1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Work that counts how often it was done.
#[derive(Clone, Default)]
struct Work(Arc<AtomicU64>);

impl Work {
    async fn done(&self) -> Result<u64, Error> {
        tokio::time::sleep(ms(5)).await;
        Ok(self.0.fetch_add(1, SeqCst) + 1)
    }

    fn times(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

async fn started(once: &Idempotency, key: &str) -> Run<u64> {
    match once.begin(key, "body").await.unwrap() {
        Begin::Started(run) => run,
        other => panic!("{other:?}"),
    }
}

/// Requests, and billed commands, of what `act` does.
async fn cost<T>(local: &Local, act: impl Future<Output = T>) -> (T, (u64, u64)) {
    local.reset_stats().await.unwrap();
    let done = act.await;
    let stats = local.stats().await.unwrap();
    (done, (stats.requests, stats.billed))
}

/// Runs a test with IFEQ, and without.
async fn each(test: impl AsyncFn(Redis)) {
    let (local, redis) = start().await.unwrap();
    test(redis).await;
    let redis = altered(&local, |body| {
        body.replace("\"IFEQ\"", "\"IFXX\"")
            .replace("\"DELEX\"", "\"DELXX\"")
    });
    redis.flushall().await.unwrap();
    test(redis).await;
}

#[tokio::test]
async fn of_each_call() {
    let (local, redis) = start().await.unwrap();
    let once = Idempotency::new(&redis);
    let (begun, price) = cost(&local, once.begin::<u64>("a", "body")).await;
    assert_eq!(price, (1, 1));
    let Begin::Started(run) = begun.unwrap() else {
        panic!()
    };
    let (found, price) = cost(&local, once.begin::<u64>("a", "body")).await;
    assert_eq!(price, (2, 3));
    match found.unwrap() {
        Begin::InProgress { retry_after, .. } => {
            assert!(retry_after <= SECOND * 30 && retry_after > SECOND * 25);
        }
        other => panic!("{other:?}"),
    }
    let (done, price) = cost(&local, run.renew()).await;
    assert_eq!((done.unwrap(), price), (true, (1, 1)));
    let (done, price) = cost(&local, run.finish(&7)).await;
    assert_eq!((done.unwrap(), price), (true, (1, 1)));
    let (found, price) = cost(&local, once.begin::<u64>("a", "body")).await;
    assert!(matches!(found.unwrap(), Begin::Done(7)));
    assert_eq!(price, (2, 3));
    let left = redis.pttl("once:a").await.unwrap().left().unwrap();
    assert!((86_390_000..=86_400_000).contains(&left), "{left}");
    let run = started(&once, "b").await;
    let (done, price) = cost(&local, run.abandon()).await;
    assert_eq!((done.unwrap(), price), (true, (1, 1)));
}

#[tokio::test]
async fn of_a_crowd_one_runs() {
    each(async |redis| {
        let once = Idempotency::new(&redis);
        let work = Work::default();
        let one = || once.run("evt", "body", || work.done());
        let mut now = 0;
        for ran in join_all((0..100).map(|_| one())).await {
            match ran.unwrap() {
                Ran::Now(1) => now += 1,
                Ran::Before(1) | Ran::InProgress { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((now, work.times()), (1, 1));
        assert!(matches!(one().await.unwrap(), Ran::Before(1)));
        // Another payload under the same key, while it runs and then.
        let other = once.run("evt", "another", || work.done()).await;
        assert!(matches!(other.unwrap(), Ran::OtherPayload));
        let run = started(&once, "running").await;
        let other = once.begin::<u64>("running", "another").await.unwrap();
        assert!(matches!(other, Begin::OtherPayload));
        run.abandon().await.unwrap();
        assert_eq!(work.times(), 1);
    })
    .await;
}

#[tokio::test]
async fn work_that_fails_may_be_tried_again() {
    each(async |redis| {
        let once = Idempotency::new(&redis);
        let failed = once
            .run::<u64, _, _>("evt", "body", || async { Err("no money") })
            .await;
        match failed.unwrap_err() {
            RunError::Work(why) => assert_eq!(why, "no money"),
            other => panic!("{other:?}"),
        }
        let work = Work::default();
        let ran = once.run("evt", "body", || work.done()).await.unwrap();
        assert!(matches!(ran, Ran::Now(1)));
    })
    .await;
}

/// The answer of any request is lost, or the request itself: it runs once, and its answer is kept.
#[tokio::test]
async fn lost_answers_make_nobody_run_twice() {
    let (local, redis) = start().await.unwrap();
    let once = Idempotency::new(&redis);
    for fault in [Fault::drop_after(), Fault::drop_before()] {
        for skip in 0..3 {
            for times in 1..3 {
                let key = format!("{fault:?} {skip} {times}");
                let work = Work::default();
                local.inject(fault.clone().skip(skip).times(times));
                let ran = once.run(&key, "body", || work.done()).await.unwrap();
                local.clear_faults();
                assert!(matches!(ran, Ran::Now(1)), "{key}: {ran:?}");
                let again = once.run(&key, "body", || work.done()).await.unwrap();
                assert!(matches!(again, Ran::Before(1)), "{key}: {again:?}");
                assert_eq!(work.times(), 1, "{key}");
            }
        }
    }
}

/// Where nothing is to be had, the work is not begun; where that comes behind it, its caller hears that it may be done.
#[tokio::test]
async fn without_redis_nothing_is_promised() {
    let (local, redis) = start().await.unwrap();
    let once = Idempotency::new(&redis);
    let work = Work::default();
    local.inject(Fault::status(500).times(u64::MAX));
    let error = once.run("a", "body", || work.done()).await.unwrap_err();
    assert!(matches!(error, RunError::Redis(_)) && work.times() == 0);
    local.clear_faults();
    let error = once
        .run("b", "body", || async {
            local.inject(Fault::drop_before().times(u64::MAX));
            work.done().await
        })
        .await
        .unwrap_err();
    match error {
        RunError::Redis(error) => assert!(error.is_ambiguous()),
        other => panic!("{other:?}"),
    }
    assert_eq!(work.times(), 1);
}

/// A runner that dies is waited for as long as its lease; then another runs, and the late one cannot store its answer.
#[tokio::test]
async fn behind_a_runner_that_died_another_runs() {
    each(async |redis| {
        let once = Idempotency::new(&redis).lease(ms(200));
        let late = started(&once, "evt").await;
        let work = Work::default();
        let next = loop {
            match once.run("evt", "body", || work.done()).await.unwrap() {
                Ran::InProgress { retry_after, .. } => {
                    assert!(retry_after <= ms(200));
                    tokio::time::sleep(retry_after).await;
                }
                other => break other,
            }
        };
        assert!(matches!(next, Ran::Now(1)));
        assert!(!late.finish(&99).await.unwrap());
        let late = started(&once, "other").await;
        let begun = loop {
            if let Begin::Started(run) = once.begin::<u64>("other", "body").await.unwrap() {
                break run;
            }
        };
        assert!(!late.abandon().await.unwrap());
        assert!(begun.finish(&5).await.unwrap());
        let ran = once.run("evt", "body", || work.done()).await.unwrap();
        assert!(matches!(ran, Ran::Before(1)));
    })
    .await;
}

/// Work that takes longer than the lease is still its runner's.
#[tokio::test]
async fn the_lease_is_renewed_while_it_runs() {
    each(async |redis| {
        let once = Idempotency::new(&redis).lease(SECOND);
        let slow = once.run("evt", "body", || async {
            tokio::time::sleep(ms(1500)).await;
            let found = once.begin::<u64>("evt", "body").await?;
            assert!(matches!(found, Begin::InProgress { .. }));
            Ok::<u64, Error>(3)
        });
        assert!(matches!(slow.await.unwrap(), Ran::Now(3)));
    })
    .await;
}

#[tokio::test]
async fn what_was_kept_is_read_as_it_is() {
    let (_local, redis) = start().await.unwrap();
    let once = Idempotency::new(&redis).namespace("n").ttl(SECOND * 60);
    let run = match once.begin::<Vec<String>>("k", "b").await.unwrap() {
        Begin::Started(run) => run,
        other => panic!("{other:?}"),
    };
    let answer = vec!["a b\n".to_owned(), "\u{0}é".to_owned()];
    run.finish(&answer).await.unwrap();
    let found = once.begin::<Vec<String>>("k", "b").await.unwrap();
    assert!(matches!(found, Begin::Done(found) if found == answer));
    assert!(redis.ttl("n:k").await.unwrap().left().unwrap() <= 60);
    // As another type, and what is none of ours.
    let error = once.begin::<u64>("k", "b").await.unwrap_err();
    assert!(error.is_decode() && !format!("{error} {error:?}").contains("a b"));
    redis.set("n:x", "secret").await.unwrap();
    let error = once.begin::<u64>("x", "b").await.unwrap_err();
    assert!(error.is_decode() && !format!("{error} {error:?}").contains("secret"));
}
