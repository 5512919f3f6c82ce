//! Rate limits against a real server: whom they let in, when the next call is let in, what they keep and cost.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

mod bounds;
mod clocks;
mod failure;
mod names;
mod near;
mod several;
mod visitors;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use restis::{RateLimiter, Redis, ratelimit::RateLimiterBuilder};
use restis_local::{Fault, Local};
use restis_testing::start;

const SECOND: Duration = Duration::from_secs(1);
/// A multiple of the windows here.
const BEGIN: u64 = 1_800_000_000_000;

/// A clock that a test moves.
#[derive(Clone)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn at(now: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now)))
    }

    fn set(&self, now: u64) {
        self.0.store(now, SeqCst);
    }

    fn now(&self) -> u64 {
        self.0.load(SeqCst)
    }

    fn of(&self, limit: RateLimiterBuilder, redis: &Redis) -> RateLimiter {
        let time = self.clone();
        limit.clock(move || time.now()).build(redis)
    }
}

/// Each algorithm with this limit in this time. Every check asks Redis.
fn each(limit: u64, window: Duration) -> [(&'static str, RateLimiterBuilder); 5] {
    [
        ("fixed", RateLimiter::fixed_window(limit, window)),
        ("sliding", RateLimiter::sliding_window(limit, window)),
        ("bucket", RateLimiter::token_bucket(limit, window, limit)),
        ("strict", RateLimiter::strict_window(limit, window)),
        ("gcra", RateLimiter::gcra(limit, window)),
    ]
    .map(|(name, builder)| (name, builder.prefix(name).local_deny(false)))
}

/// Requests, and billed commands, of what `act` does.
async fn cost<T>(local: &Local, act: impl Future<Output = T>) -> (T, (u64, u64)) {
    local.reset_stats().await.unwrap();
    let done = act.await;
    let stats = local.stats().await.unwrap();
    (done, (stats.requests, stats.billed))
}

#[tokio::test]
async fn of_each_check() {
    let (local, redis) = start().await.unwrap();
    // First, then, refused, a look.
    let expected = BTreeMap::from([
        ("fixed", [3, 2, 3, 2]),
        ("sliding", [5, 4, 3, 3]),
        ("bucket", [4, 4, 2, 2]),
        ("strict", [3, 3, 2, 2]),
        ("gcra", [3, 3, 2, 2]),
    ]);
    let time = Time::at(BEGIN);
    for (name, builder) in each(2, SECOND * 60) {
        let limiter = time.of(builder, &redis);
        // The first run of a script sends its text.
        limiter.peek("warm").await.unwrap();
        let mut billed = [0; 4];
        for (place, allowed) in [(0, true), (1, true), (2, false)] {
            let (decision, price) = cost(&local, limiter.check("a")).await;
            let decision = decision.unwrap();
            assert_eq!(decision.allowed(), allowed, "{name}");
            assert_eq!(price.0, 1);
            billed[place] = price.1;
        }
        let (decision, price) = cost(&local, limiter.peek("a")).await;
        assert!(!decision.unwrap().allowed() && price.0 == 1);
        billed[3] = price.1;
        assert_eq!(billed, expected[name], "{name}");
        let (_, price) = cost(&local, limiter.reset("a")).await;
        assert_eq!(price, (1, 1));
        assert!(limiter.check("a").await.unwrap().allowed());
    }
}

#[tokio::test]
async fn of_500_at_once_50_are_let_in() {
    let (local, redis) = start().await.unwrap();
    let other = Redis::new(local.url(), local.token()).unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(50, SECOND * 60) {
        let sides = [&redis, &other].map(|redis| time.of(builder.clone(), redis));
        let calls = (0..500).map(|number: usize| sides[number % 2].check("a"));
        let decisions = join_all(calls).await;
        let allowed = decisions
            .iter()
            .filter(|one| one.as_ref().unwrap().allowed());
        assert_eq!(allowed.count(), 50, "{name}");
        // Others have their own.
        assert!(sides[0].check("b").await.unwrap().allowed());
    }
    // Every key ends.
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    assert!(keys.len() >= 10);
    for key in keys {
        assert!(redis.pttl(&key).await.unwrap().left().is_some(), "{key}");
    }
}

#[tokio::test]
async fn what_is_refused_is_not_counted() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(10, SECOND * 60) {
        let limiter = time.of(builder, &redis);
        let decision = limiter.check_cost("a", 9).await.unwrap();
        assert_eq!(
            (decision.allowed(), decision.remaining()),
            (true, 1),
            "{name}"
        );
        let refused = limiter.check_cost("a", 5).await.unwrap();
        assert_eq!(
            (refused.allowed(), refused.remaining()),
            (false, 1),
            "{name}"
        );
        assert_eq!(limiter.peek("a").await.unwrap().remaining(), 1, "{name}");
        assert!(limiter.check("a").await.unwrap().allowed(), "{name}");
        let never = limiter.check_cost("b", 11).await.unwrap();
        assert_eq!((never.allowed(), never.retry_at()), (false, None), "{name}");
        assert_eq!(limiter.peek("b").await.unwrap().remaining(), 10, "{name}");
    }
}

/// Refused until then, let in from then on: to the millisecond, from states made at random.
#[tokio::test]
async fn the_next_call_is_when_it_was_said() {
    let (_local, redis) = start().await.unwrap();
    let mut dice = fastrand::Rng::with_seed(7);
    let time = Time::at(BEGIN);
    for (name, builder) in each(7, SECOND) {
        let limiter = time.of(builder, &redis);
        let mut refused = 0;
        for round in 0..200 {
            let id = format!("{round}");
            time.set(BEGIN + dice.u64(0..3_000));
            for _ in 0..dice.u64(3..14) {
                limiter.check_cost(&id, dice.u64(1..3)).await.unwrap();
                time.set(time.now() + dice.u64(0..250));
            }
            let cost = dice.u64(1..6);
            let decision = limiter.check_cost(&id, cost).await.unwrap();
            if decision.allowed() {
                assert_eq!(decision.retry_at(), Some(time.now()));
                continue;
            }
            refused += 1;
            let at = decision.retry_at().unwrap();
            assert!(at > time.now() && at < time.now() + 3_000, "{name}");
            assert_eq!(
                decision.retry_after(),
                Some(Duration::from_millis(at - time.now()))
            );
            time.set(at - 1);
            let early = limiter.check_cost(&id, cost).await.unwrap();
            assert!(!early.allowed(), "{name}: a millisecond early");
            time.set(at);
            let then = limiter.check_cost(&id, cost).await.unwrap();
            assert!(then.allowed(), "{name}: {decision:?}, then {then:?}");
        }
        assert!(refused > 20, "{name}: {refused}");
    }
}

/// In bursts around borders and at random: in no window more than the limit. What the others let in is shown beside it.
#[tokio::test]
async fn a_strict_window_is_never_exceeded() {
    const LIMIT: u64 = 10;
    let (_local, redis) = start().await.unwrap();
    let mut dice = fastrand::Rng::with_seed(3);
    let time = Time::at(BEGIN);
    for (name, builder) in each(LIMIT, SECOND) {
        let limiter = time.of(builder, &redis);
        let mut let_in: Vec<u64> = Vec::new();
        time.set(BEGIN + 950);
        for burst in 0..60_u64 {
            for _ in 0..LIMIT + 2 {
                if limiter.check("a").await.unwrap().allowed() {
                    let_in.push(time.now());
                }
            }
            let step = match burst % 3 {
                0 => 60,
                1 => dice.u64(1..400),
                _ => 1000 - time.now() % 1000 + dice.u64(0..20),
            };
            time.set(time.now() + step);
        }
        let most = let_in.iter().map(|from| {
            let inside = let_in
                .iter()
                .filter(|at| (*from..*from + 1000).contains(*at));
            inside.count()
        });
        let most = u64::try_from(most.max().unwrap()).unwrap();
        println!(
            "{name}: {most} of {LIMIT} in some window, {} in all",
            let_in.len()
        );
        match name {
            "strict" => assert!(most <= LIMIT, "{most}"),
            _ => assert!(most <= 2 * LIMIT, "{name}: {most}"),
        }
    }
}

/// The keys, values and ends that @upstash/ratelimit 2.2 has.
#[tokio::test]
async fn the_format_is_that_of_upstash() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 12_345);
    let number = (BEGIN + 12_345) / 60_000;
    let left = async |key: &str| redis.pttl(key).await.unwrap().left().unwrap();
    let fixed = time.of(RateLimiter::fixed_window(10, SECOND * 60), &redis);
    fixed.check_cost("ada", 3).await.unwrap();
    let key = format!("@upstash/ratelimit:ada:{number}");
    assert_eq!(
        redis.get::<String>(&key).await.unwrap().as_deref(),
        Some("3")
    );
    assert!((59_000..=60_000).contains(&left(&key).await));

    let sliding = time.of(RateLimiter::sliding_window(10, SECOND * 60), &redis);
    let before = format!("@upstash/ratelimit:eve:{}", number - 1);
    redis.set(&before, 9).await.unwrap();
    let decision = sliding.check("eve").await.unwrap();
    // Of the 9 before, (1 - 12,345 / 60,000) · 9 = 7.1 count, and this one.
    assert_eq!(decision.remaining(), 10 - 7 - 1);
    assert_eq!(decision.reset(), (number + 1) * 60_000);
    let key = format!("@upstash/ratelimit:eve:{number}");
    assert_eq!(
        redis.get::<String>(&key).await.unwrap().as_deref(),
        Some("1")
    );
    assert!((120_000..=121_000).contains(&left(&key).await));

    let bucket = time.of(RateLimiter::token_bucket(2, SECOND * 10, 10), &redis);
    bucket.check_cost("bob", 5).await.unwrap();
    let key = "@upstash/ratelimit:bob";
    let stored: BTreeMap<String, String> = redis.hgetall(key).await.unwrap().into_iter().collect();
    let refilled = time.now().to_string();
    let expected = [("refilledAt", &*refilled), ("tokens", "5")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(stored, BTreeMap::from(expected));
    // Until it is full: three times two tokens.
    assert!((29_000..=30_000).contains(&left(key).await));
    time.set(time.now() + 10_500);
    assert_eq!(bucket.peek("bob").await.unwrap().remaining(), 7);
    // It is filled up each ten seconds, whenever somebody comes.
    assert_eq!(bucket.check("bob").await.unwrap().remaining(), 6);
    time.set(time.now() + 9_500);
    assert_eq!(bucket.peek("bob").await.unwrap().remaining(), 8);
}

#[tokio::test]
async fn to_forget_one_forgets_no_other() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(3, SECOND * 60) {
        let limiter = time.of(builder, &redis);
        for id in ["*", "a", "a:b", "[a]"] {
            limiter.check(id).await.unwrap();
        }
        limiter.reset("*").await.unwrap();
        limiter.reset("a").await.unwrap();
        for (id, remaining) in [("*", 3), ("a", 3), ("a:b", 2), ("[a]", 2)] {
            let found = limiter.peek(id).await.unwrap().remaining();
            assert_eq!(found, remaining, "{name}: {id}");
        }
    }
}

/// A clock that is behind takes nothing away, and one that is ahead lets in what its window allows.
#[tokio::test]
async fn clocks_differ() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 5_000);
    let of = |limit| RateLimiter::strict_window(limit, SECOND).local_deny(false);
    let strict = time.of(of(3), &redis);
    for _ in 0..3 {
        assert!(strict.check("a").await.unwrap().allowed());
    }
    for behind in [1, 400, 900, 4_000] {
        time.set(BEGIN + 5_000 - behind);
        assert!(!strict.check("a").await.unwrap().allowed(), "{behind}");
    }
    // What is let in by a clock that is behind counts from then on, and not from before.
    let strict = time.of(of(4), &redis);
    for (now, allowed) in [
        (5_000, true),
        (4_100, true),
        (5_300, true),
        (5_300, true),
        (5_300, false),
    ] {
        time.set(BEGIN + now);
        assert_eq!(strict.check("b").await.unwrap().allowed(), allowed, "{now}");
    }
}

#[tokio::test]
async fn a_lost_answer_counts_at_most_once() {
    let (local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(10, SECOND * 60) {
        let limiter = time.of(builder, &redis);
        limiter.check("a").await.unwrap();
        local.inject(Fault::drop_after());
        let error = limiter.check("a").await.unwrap_err();
        assert!(error.is_ambiguous(), "{name}: {error}");
        assert_eq!(limiter.peek("a").await.unwrap().remaining(), 8, "{name}");
    }
}
