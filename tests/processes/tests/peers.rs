//! The limits and locks of others and ours on the same keys: they count together, and keep each other out.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use restis::{Lock, RateLimiter, Redis, ratelimit::RateLimiterBuilder};
use restis_processes::{Player, Server, rivals};
use serde_json::{Value, json};

const LIMIT: u64 = 10;
const MINUTE: Duration = Duration::from_secs(60);

fn builder(algorithm: &str) -> RateLimiterBuilder {
    let builder = match algorithm {
        "fixed" => RateLimiter::fixed_window(LIMIT, MINUTE),
        "sliding" => RateLimiter::sliding_window(LIMIT, MINUTE),
        _ => RateLimiter::token_bucket(LIMIT, MINUTE, LIMIT),
    };
    builder.prefix("shared")
}

fn words(algorithm: &str, id: &str) -> Value {
    json!({
        "do": "limit", "algorithm": algorithm, "limit": LIMIT, "window": "60 s", "seconds": 60,
        "prefix": "shared", "key": id,
    })
}

/// One call there: whether it is let in, and how many more are.
async fn theirs(peer: &Player, algorithm: &str, id: &str) -> (bool, u64) {
    let answer = peer.ask(&words(algorithm, id)).await.unwrap();
    let remaining = answer["remaining"].as_i64().unwrap();
    let success = answer["success"].as_bool().unwrap();
    (success, u64::try_from(remaining).unwrap_or(0))
}

async fn ours(limiter: &RateLimiter, id: &str) -> (bool, u64) {
    let decision = limiter.check(id).await.unwrap();
    (decision.allowed(), decision.remaining())
}

/// Far enough from the end of a minute that all calls are in one.
async fn early_in_the_minute() {
    let left = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        60 - since.as_secs() % 60
    };
    while left() < 20 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn left(redis: &Redis, pattern: &str) -> i64 {
    let keys: Vec<String> = redis.keys(pattern).await.unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let left = redis.pttl(&keys[0]).await.unwrap().left().unwrap();
    i64::try_from(left).unwrap()
}

/// TypeScript, Python and Rust in turns let in exactly the limit, whoever begins; what a refused call of theirs counts too
/// much does not let anybody in.
#[tokio::test]
async fn three_languages_count_together() {
    let server = Server::start().await.unwrap();
    let redis = server.client().unwrap();
    let node = rivals::upstash(&server).unwrap();
    let python = rivals::python(&server).unwrap();
    early_in_the_minute().await;
    for algorithm in ["fixed", "sliding", "bucket"] {
        let limiter = builder(algorithm).local_deny(false).build(&redis);
        // Python has other names for the fields of a bucket.
        let sides = if algorithm == "bucket" { 2 } else { 3 };
        for first in 0..sides {
            let id = format!("{algorithm}:{first}");
            let mut let_in = 0;
            for turn in first..first + 16_u64 {
                let (allowed, remaining) = match turn % sides {
                    0 => ours(&limiter, &id).await,
                    1 => theirs(&node, algorithm, &id).await,
                    _ => theirs(&python, algorithm, &id).await,
                };
                let_in += u64::from(allowed);
                assert_eq!(allowed, turn - first < LIMIT, "{algorithm}, turn {turn}");
                if allowed {
                    assert_eq!(remaining, LIMIT - let_in, "{algorithm}, turn {turn}");
                }
            }
            assert_eq!(let_in, LIMIT, "{algorithm}");
        }
        // The keys of all end at the same time, whoever made them.
        ours(&limiter, "ours").await;
        theirs(&node, algorithm, "theirs").await;
        let mut ends = vec![
            left(&redis, "shared:ours*").await,
            left(&redis, "shared:theirs*").await,
        ];
        if sides == 3 {
            theirs(&python, algorithm, "python").await;
            ends.push(left(&redis, "shared:python*").await);
        }
        let apart = ends.iter().max().unwrap() - ends.iter().min().unwrap();
        // What the calls took that lay between them.
        assert!(apart < 1_000, "{algorithm}: {ends:?}");
        redis.flushall().await.unwrap();
    }
}

/// Another limit that TypeScript sets is ours too; a refund there can be used here, and the other way round.
#[tokio::test]
async fn limits_refunds_and_lists_are_shared() {
    let server = Server::start().await.unwrap();
    let redis = server.client().unwrap();
    let node = rivals::upstash(&server).unwrap();
    early_in_the_minute().await;
    let limiter = builder("fixed").dynamic().build(&redis);
    let dynamic = json!({"do": "dynamic", "prefix": "shared", "value": 4});
    node.ask(&dynamic).await.unwrap();
    assert_eq!(limiter.dynamic_limit().await.unwrap(), Some(4));
    assert_eq!(ours(&limiter, "a").await, (true, 3));
    let limiter = builder("fixed").local_deny(false).build(&redis);
    for _ in 0..LIMIT {
        limiter.check("b").await.unwrap();
    }
    assert!(!theirs(&node, "fixed", "b").await.0);
    // Their refusal has counted.
    let mut refund = words("fixed", "b");
    refund["rate"] = json!(-3);
    node.ask(&refund).await.unwrap();
    assert_eq!(ours(&limiter, "b").await, (true, 1));
    limiter.refund("b", 1).await.unwrap();
    assert_eq!(theirs(&node, "fixed", "b").await, (true, 1));
}

#[tokio::test]
async fn a_lock_of_either_keeps_the_other_out() {
    let server = Server::start().await.unwrap();
    let redis = server.client().unwrap();
    let node = rivals::upstash(&server).unwrap();
    let lock = Lock::new(&redis, "door").lease(Duration::from_secs(30));
    let acquire =
        |slot: &str| json!({"do": "acquire", "slot": slot, "name": "door", "lease": 30_000});
    let of =
        |what: &str, slot: &str| json!({"do": what, "slot": slot, "name": "door", "by": 5_000});
    let held = lock.try_acquire().await.unwrap().held().unwrap();
    assert_eq!(node.ask(&acquire("a")).await.unwrap(), json!(false));
    // Nothing that they do takes it away.
    node.ask(&of("release", "a")).await.unwrap();
    node.ask(&of("extend", "a")).await.unwrap();
    assert!(held.extend(Duration::from_secs(20)).await.unwrap());
    assert!(held.release().await.unwrap());
    assert_eq!(node.ask(&acquire("b")).await.unwrap(), json!(true));
    let restis::lock::Attempt::Busy { retry_after, .. } = lock.try_acquire().await.unwrap() else {
        unreachable!("it is theirs")
    };
    assert_eq!(retry_after, None);
    assert!(lock.is_held().await.unwrap());
    assert_eq!(node.ask(&of("extend", "b")).await.unwrap(), json!(true));
    assert_eq!(
        node.ask(&of("status", "b")).await.unwrap(),
        json!("ACQUIRED")
    );
    assert_eq!(node.ask(&of("release", "b")).await.unwrap(), json!(true));
    assert!(lock.try_acquire().await.unwrap().is_held());
}
