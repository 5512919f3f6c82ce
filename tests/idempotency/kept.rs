//! Work whose answer cannot be stored is still done: it runs once in the whole time for which an answer is kept.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use restis::{
    Idempotency, Redis,
    idempotency::{Begin, Ran, RunError},
};
use restis_local::{Fault, Local};
use restis_testing::{Route, altered, rerouted, start};
use serde::{Serialize, de::DeserializeOwned};

use super::{SECOND, ms};

/// What no request carries.
fn huge() -> String {
    "x".repeat(11_000_000)
}

/// Charges, which the server counts, and answers.
async fn charge<T>(redis: &Redis, answer: T) -> Result<T, restis::Error> {
    redis.incr("charges").await?;
    Ok(answer)
}

async fn charges(redis: &Redis) -> u64 {
    redis.get("charges").await.unwrap().unwrap_or_default()
}

/// Four calls: one charge.
async fn charges_once<T>(redis: &Redis, answer: impl Fn() -> T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let once = Idempotency::new(redis);
    let before = charges(redis).await;
    let key = format!("charge {before}");
    let ran = once.run(&key, "body", || charge(redis, answer())).await;
    match ran.unwrap() {
        Ran::Now(got) => assert!(got == answer()),
        other => panic!("{other:?}"),
    }
    for _ in 0..3 {
        let ran = once.run(&key, "body", || charge(redis, answer())).await;
        assert!(matches!(ran.unwrap(), Ran::DoneWithoutAnswer));
        let other = once.run(&key, "another", || charge(redis, answer())).await;
        assert!(matches!(other.unwrap(), Ran::OtherPayload));
    }
    assert_eq!(charges(redis).await, before + 1);
    // For the whole time of an answer.
    let left = redis.pttl(format!("once:{key}")).await.unwrap();
    assert!((86_300_000..=86_400_000).contains(&left.left().unwrap()));
}

/// Clients of servers with IFEQ and without.
fn with_and_without_ifeq(local: &Local) -> [Redis; 2] {
    let without = altered(local, |body| {
        body.replace("\"IFEQ\"", "\"IFXX\"")
            .replace("\"DELEX\"", "\"DELXX\"")
    });
    [Redis::new(local.url(), local.token()).unwrap(), without]
}

#[tokio::test]
async fn answer_that_no_request_carries_is_charged_once() {
    let (local, _) = start().await.unwrap();
    for redis in with_and_without_ifeq(&local) {
        charges_once(&redis, huge).await;
    }
}

#[tokio::test]
async fn answer_without_a_json_form_is_charged_once() {
    let (local, _) = start().await.unwrap();
    for redis in with_and_without_ifeq(&local) {
        charges_once(&redis, || BTreeMap::from([((1, 2), 3)])).await;
    }
}

#[tokio::test]
async fn answer_that_redis_refuses_is_charged_once() {
    let (local, _) = start().await.unwrap();
    let redis = rerouted(&local, |body| match body.contains("\"done ") {
        true => Route::Instead(400, r#"{"error":"ERR value exceeds the limit"}"#),
        false => Route::Pass(body),
    });
    charges_once(&redis, || "receipt".to_owned()).await;
}

/// All memory is in use from within the work on: no SET is accepted, in place of the run neither.
#[tokio::test]
async fn answer_is_charged_once_where_redis_runs_out_of_memory() {
    let (local, direct) = start().await.unwrap();
    for redis in with_and_without_ifeq(&local) {
        direct.del("charges").await.unwrap();
        let once = Idempotency::new(&redis).lease(SECOND * 5);
        let run = async || {
            once.run("evt", "body", || async {
                let receipt = charge(&direct, 7).await;
                direct.config_set(("maxmemory", "1")).await?;
                receipt
            })
            .await
        };
        let ran = run().await;
        assert!(matches!(ran.unwrap(), Ran::Now(7)));
        // A call for another key is refused, before its work.
        let refused = once.run("other", "body", || charge(&direct, 7)).await;
        match refused.unwrap_err() {
            RunError::Redis(error) => {
                assert_eq!(error.code(), Some("OOM"));
                assert!(!error.is_ambiguous());
            }
            other => panic!("{other}"),
        }
        direct.config_set(("maxmemory", "0")).await.unwrap();
        for _ in 0..3 {
            assert!(matches!(run().await.unwrap(), Ran::DoneWithoutAnswer));
        }
        assert_eq!(charges(&direct).await, 1);
        direct.del("once:evt").await.unwrap();
    }
}

/// Where nothing can be stored the caller learns that the work may have been done.
#[tokio::test]
async fn work_behind_which_redis_takes_no_writes_is_ambiguous() {
    let (local, direct) = start().await.unwrap();
    for refusal in [
        r#"{"error":"READONLY You can't write against a read only replica."}"#,
        r#"{"error":"LOADING Redis is loading the dataset in memory"}"#,
        r#"{"error":"BUSY Redis is busy running a script."}"#,
        r#"{"error":"MISCONF Redis is configured to save RDB snapshots"}"#,
    ] {
        direct.flushall().await.unwrap();
        let refuses = std::sync::Arc::new(AtomicBool::new(false));
        let is_refused = std::sync::Arc::clone(&refuses);
        let redis = rerouted(&local, move |body| match is_refused.load(SeqCst) {
            true => Route::Instead(400, refusal),
            false => Route::Pass(body),
        });
        let once = Idempotency::new(&redis);
        let ran = once.run("evt", "body", || async {
            let receipt = charge(&direct, 7).await;
            refuses.store(true, SeqCst);
            receipt
        });
        match ran.await.unwrap_err() {
            RunError::Redis(error) => assert!(error.is_ambiguous(), "{error}"),
            other => panic!("{other}"),
        }
        // Before the work it is known that it was not done.
        let ran = once.run("other", "body", || charge(&direct, 7)).await;
        match ran.unwrap_err() {
            RunError::Redis(error) => assert!(!error.is_ambiguous(), "{error}"),
            other => panic!("{other}"),
        }
        assert_eq!(charges(&direct).await, 1);
    }
}

/// The key is evicted, or its lease ends unnoticed, while the work goes on: its answer is stored where nobody else began.
#[tokio::test]
async fn work_whose_key_was_evicted_still_stores_its_answer() {
    let (local, _) = start().await.unwrap();
    for redis in with_and_without_ifeq(&local) {
        redis.flushall().await.unwrap();
        let once = Idempotency::new(&redis);
        let ran = once.run("evt", "body", || async {
            redis.del("once:evt").await?;
            charge(&redis, 7).await
        });
        assert!(matches!(ran.await.unwrap(), Ran::Now(7)));
        let again = once.run("evt", "body", || charge(&redis, 8)).await;
        assert!(matches!(again.unwrap(), Ran::Before(7)));
        // Work that took longer than its lease in one step.
        let once = once.lease(ms(50));
        let ran = once.run("late", "body", || async {
            std::thread::sleep(ms(100));
            Ok::<u64, restis::Error>(9)
        });
        assert!(matches!(ran.await.unwrap(), Ran::Now(9)));
        let again = once.run("late", "body", || charge(&redis, 8)).await;
        assert!(matches!(again.unwrap(), Ran::Before(9)));
        assert_eq!(charges(&redis).await, 1);
    }
}

#[tokio::test]
async fn finish_without_answer_is_replayed() {
    let (local, redis) = start().await.unwrap();
    let once = Idempotency::new(&redis);
    let Begin::Started(run) = once.begin::<u64>("a", "body").await.unwrap() else {
        panic!()
    };
    assert!(run.finish_without_answer().await.unwrap());
    let found = once.begin::<u64>("a", "body").await.unwrap();
    assert!(matches!(found, Begin::DoneWithoutAnswer));
    let Begin::Started(run) = once.begin::<String>("b", "body").await.unwrap() else {
        panic!()
    };
    local.reset_stats().await.unwrap();
    let error = run.finish(&huge()).await.unwrap_err();
    assert!(error.is_too_large(), "{error}");
    let stats = local.stats().await.unwrap();
    assert_eq!((stats.requests, stats.billed), (1, 1));
    let found = once.begin::<String>("b", "body").await.unwrap();
    assert!(matches!(found, Begin::DoneWithoutAnswer));
    // Its answers are lost, however often.
    for times in 1..8 {
        let key = format!("lost {times}");
        let Begin::Started(run) = once.begin::<u64>(&key, "body").await.unwrap() else {
            panic!()
        };
        local.inject(Fault::drop_after().times(times));
        let done = run.finish(&7).await;
        local.clear_faults();
        assert!(matches!(done, Ok(true)) || done.is_err_and(|error| error.is_ambiguous()));
        let found = once.begin::<u64>(&key, "body").await.unwrap();
        assert!(matches!(found, Begin::Done(7)), "{key}: {found:?}");
    }
}

#[tokio::test]
async fn zero_is_refused_before_the_work_runs() {
    let (local, redis) = start().await.unwrap();
    local.reset_stats().await.unwrap();
    for once in [
        Idempotency::new(&redis).lease(Duration::ZERO),
        Idempotency::new(&redis).ttl(Duration::ZERO),
    ] {
        let ran = once.run("a", "body", || charge(&redis, 7)).await;
        match ran.unwrap_err() {
            RunError::Redis(error) => assert!(error.is_argument(), "{error}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(local.stats().await.unwrap().requests, 0);
}
