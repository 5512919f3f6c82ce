//! Against a real server, counted there.

use std::{collections::HashSet, future::IntoFuture};

use futures_util::future::{join, join_all};
use restis::{Redis, Retry};
use restis_local::{Fault, Local};

async fn start() -> (Local, Redis) {
    let local = Local::builder().start().await.unwrap();
    let redis = Redis::builder()
        .url(local.url())
        .token(local.token())
        .retry(Retry::times(3).backoff(
            std::time::Duration::from_millis(1),
            std::time::Duration::from_millis(1),
        ))
        .auto_pipelining(true)
        .build()
        .unwrap();
    (local, redis)
}

#[tokio::test]
async fn a_thousand_gets_in_one_join_are_two_requests_at_most() {
    let (local, redis) = start().await;
    let pairs: Vec<_> = (0..1_000).map(|n| (format!("k{n}"), n)).collect();
    redis.mset(&pairs).await.unwrap();
    local.reset_stats().await.unwrap();
    let answers =
        join_all((0..1_000).map(|n| redis.get::<u32>(format!("k{n}")).into_future())).await;
    for (n, answer) in (0..).zip(answers) {
        assert_eq!(answer.unwrap(), Some(n));
    }
    let stats = local.stats().await.unwrap();
    assert!(stats.requests <= 2, "{} requests", stats.requests);
    assert_eq!(stats.by_command["GET"], 1_000);
    assert_eq!(stats.billed, 1_000);
}

#[tokio::test]
async fn a_get_sees_the_set_before_it() {
    let (_local, redis) = start().await;
    for n in 0..200 {
        let (set, get) = join(
            redis.set("k", n).into_future(),
            redis.get::<u32>("k").into_future(),
        )
        .await;
        set.unwrap();
        assert_eq!(get.unwrap(), Some(n));
    }
}

#[test]
fn a_thousand_tasks_on_many_threads_get_their_own_answers() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (local, redis) = start().await;
        let tasks: Vec<_> = (0..1_000)
            .map(|n| {
                let redis = redis.clone();
                tokio::spawn(async move {
                    redis.set(format!("k{n}"), n).await.unwrap();
                    let got: Option<u32> = redis.get(format!("k{n}")).await.unwrap();
                    let count = redis.incr("count").await.unwrap();
                    (got, n, count)
                })
            })
            .collect();
        let mut counts = HashSet::new();
        for task in tasks {
            let (got, n, count) = task.await.unwrap();
            assert_eq!(got, Some(n));
            assert!(counts.insert(count), "{count} was given twice");
        }
        let stats = local.stats().await.unwrap();
        assert_eq!(
            (stats.by_command["INCR"], stats.by_command["SET"]),
            (1_000, 1_000)
        );
        println!(
            "3,000 commands of 1,000 tasks on 4 threads: {} requests",
            stats.requests
        );
    });
}

#[tokio::test]
async fn lost_answers_double_nothing() {
    let (local, redis) = start().await;
    local.inject(Fault::drop_after().rate(0.2, 7).times(1_000));
    let mut doubtful = 0;
    let mut counted = 0;
    for round in 0..100 {
        let answers = join_all((0..10).map(|n| {
            let key = format!("n{}", (round + n) % 7);
            redis.incr(key).into_future()
        }))
        .await;
        for answer in answers {
            match answer {
                Ok(_) => counted += 1,
                Err(error) => {
                    assert!(error.is_ambiguous(), "{error}");
                    doubtful += 1;
                }
            }
        }
    }
    local.clear_faults();
    assert!(doubtful > 50, "{doubtful}");
    let keys: Vec<_> = (0..7).map(|n| format!("n{n}")).collect();
    let sum: u64 = redis
        .mget::<u64>(&keys)
        .await
        .unwrap()
        .into_iter()
        .flatten()
        .sum();
    // Each ran once: those whose answer was lost as well.
    assert_eq!(sum, 1_000);
    assert_eq!(counted + doubtful, 1_000);
    assert_eq!(local.stats().await.unwrap().by_command["INCR"], 1_000);
}
