//! Numbers without a meaning are refused, none that stands for another leaves the crate, and no wait is longer than it can be.

use std::time::Duration;

use restis::{
    RateLimiter, Redis,
    ratelimit::{RateLimiterBuilder, Reason},
    transport::{Request, Response, TransportError},
};
use restis_testing::start;

use super::{BEGIN, SECOND, Time, each};

/// A hundred years, in milliseconds.
const CENTURY: u64 = 3_155_760_000_000;

/// A client whose requests fail the test.
fn unused() -> Redis {
    let transport =
        |_: Request| async { Err::<Response, _>(TransportError::setup("a request was sent")) };
    let builder = Redis::builder().url("https://unused.example").token("any");
    builder.transport(transport).build().unwrap()
}

#[tokio::test]
async fn setting_without_a_meaning_fails_every_call() {
    let redis = unused();
    let good = || RateLimiter::fixed_window(5, SECOND);
    let none = Duration::ZERO;
    let cases: Vec<(&str, RateLimiterBuilder)> = vec![
        ("limit of 0", RateLimiter::fixed_window(0, SECOND)),
        ("limit of 0", RateLimiter::sliding_window(0, SECOND)),
        ("limit of 0", RateLimiter::strict_window(0, SECOND)),
        ("limit of 0", RateLimiter::gcra(0, SECOND)),
        ("limit of 0", RateLimiter::token_bucket(1, SECOND, 0)),
        ("rate of 0", RateLimiter::token_bucket(0, SECOND, 5)),
        ("millisecond", RateLimiter::fixed_window(5, none)),
        ("millisecond", RateLimiter::sliding_window(5, none)),
        ("millisecond", RateLimiter::strict_window(5, none)),
        ("millisecond", RateLimiter::gcra(5, none)),
        ("millisecond", RateLimiter::token_bucket(5, none, 5)),
        (
            "millisecond",
            RateLimiter::fixed_window(5, Duration::from_micros(999)),
        ),
        ("microseconds", RateLimiter::gcra(1_000_001, SECOND)),
        ("exactly", RateLimiter::strict_window(u64::MAX, SECOND)),
        ("lease of 0", good().lease(0)),
        ("timeout of 0", good().fail_open(none)),
        ("timeout of 0", good().fail_closed(none)),
        ("timeout of 0", good().fail_local(none)),
    ];
    for (words, builder) in cases {
        let limiter = builder.build(&redis);
        for error in [
            limiter.check("a").await.err(),
            limiter.check_cost("a", 2).await.err(),
            limiter.until_ready("a", SECOND).await.err(),
            limiter.peek("a").await.err(),
            limiter.refund("a", 1).await.err(),
            limiter.penalty("a", 1).await.err(),
            limiter.block("a", SECOND).await.err(),
            limiter.set_dynamic_limit(Some(1)).await.err(),
            RateLimiter::check_all([limiter.call("a")]).await.err(),
        ] {
            let error = error.unwrap();
            assert!(
                error.is_argument() && error.to_string().contains(words),
                "{words}: {error}"
            );
        }
    }
    // The first mistake is the one that is reported.
    let both = RateLimiter::fixed_window(0, none).lease(0).build(&redis);
    assert!(
        both.check("a")
            .await
            .unwrap_err()
            .to_string()
            .contains("limit of 0")
    );
    let limiter = good().build(&redis);
    for cost in [0, u64::MAX, 1 << 53] {
        assert!(
            limiter
                .check_cost("a", cost)
                .await
                .unwrap_err()
                .is_argument()
        );
        let call = limiter.call("a").cost(cost);
        assert!(
            RateLimiter::check_all([call])
                .await
                .unwrap_err()
                .is_argument()
        );
    }
    assert!(
        limiter
            .penalty("a", u64::MAX)
            .await
            .unwrap_err()
            .is_argument()
    );
    assert!(limiter.block("a", none).await.unwrap_err().is_argument());
    assert!(
        limiter
            .set_dynamic_limit(Some(u64::MAX))
            .await
            .unwrap_err()
            .is_argument()
    );
    limiter.refund("a", 0).await.unwrap();
}

/// A window that is longer than 100 years is 100 years long.
#[tokio::test]
async fn longest_window_works() {
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(2, Duration::MAX) {
        let limiter = Time::at(BEGIN).of(builder, &redis);
        for allowed in [true, true, false] {
            let decision = limiter.check("a").await.unwrap();
            assert_eq!(decision.allowed(), allowed, "{name}");
            assert!(decision.reset() <= BEGIN + CENTURY, "{name}: {decision:?}");
        }
        for key in redis.keys::<String>("*").await.unwrap() {
            assert!(redis.pttl(&key).await.unwrap().left().is_some());
        }
        redis.flushdb().await.unwrap();
    }
}

/// The smallest settings that have a meaning have it.
#[tokio::test]
async fn smallest_settings_work() {
    let (_local, redis) = start().await.unwrap();
    let millisecond = Duration::from_millis(1);
    for (name, builder) in each(1, millisecond) {
        let time = Time::at(BEGIN);
        let limiter = time.of(builder.lease(1), &redis);
        assert!(limiter.check("a").await.unwrap().allowed(), "{name}");
        let look = limiter.penalty("b", 0).await.unwrap();
        assert_eq!((look.allowed(), look.remaining()), (true, 1), "{name}");
    }
    let limiter = RateLimiter::gcra(1_000_000, SECOND).build(&redis);
    assert_eq!(
        limiter.check_cost("c", 1000).await.unwrap().remaining(),
        999_000
    );
}

#[tokio::test]
async fn call_that_costs_more_than_the_limit_has_no_time_to_come_again() {
    let (_local, redis) = start().await.unwrap();
    let silent = |_: Request| async { Err::<Response, _>(TransportError::connect("no route")) };
    let away = Redis::builder()
        .url("https://away.example")
        .token("any")
        .transport(silent)
        .build()
        .unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(5, SECOND * 60) {
        let here = time.of(builder.clone(), &redis);
        let local = time.of(builder.clone().fail_local(SECOND), &away);
        let open = time.of(builder.clone().fail_open(SECOND), &away);
        assert!(open.check_cost("a", 6).await.unwrap().allowed());
        for limiter in [&here, &local] {
            let never = limiter.check_cost("a", 6).await.unwrap();
            assert!(!never.allowed() && never.status() == 429, "{name}");
            assert_eq!(
                (never.retry_at(), never.retry_after()),
                (None, None),
                "{name}"
            );
            assert_eq!(never.retry_after_field(), None);
            assert!(never.reset() <= BEGIN + 67_000, "{name}: {}", never.reset());
            let field = never.rate_limit_field().unwrap();
            assert!(field.starts_with("\"default\";r=5;t="), "{name}: {field}");
            assert!(
                !format!("{never:?}").contains("18446744"),
                "{name}: {never:?}"
            );
            let waited = limiter.until_ready("a", SECOND * 60);
            assert!(waited.await.unwrap().allowed());
        }
        let calls = [here.call("b").cost(6), here.call("c")];
        let decisions = RateLimiter::check_all(calls).await.unwrap();
        assert_eq!(
            (decisions.retry_at(), decisions.retry_after_field()),
            (None, None)
        );
        // Also behind a refusal that this process remembers.
        assert!(here.check_cost("d", 5).await.unwrap().allowed(), "{name}");
        assert!(!here.check("d").await.unwrap().allowed(), "{name}");
        let never = here.check_cost("d", 6).await.unwrap();
        assert_eq!((never.allowed(), never.retry_at()), (false, None), "{name}");
        let denied = time
            .of(builder.deny(["eve"]), &redis)
            .check("eve")
            .await
            .unwrap();
        assert_eq!((denied.retry_at(), denied.reset()), (None, BEGIN), "{name}");
    }
}

/// Penalties, costs and limits as large as they can be: no wait and no time of a key is longer than 100 years.
#[tokio::test]
async fn largest_numbers_stay_in_range() {
    const MOST: u64 = (1 << 53) - 1;
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(10, SECOND * 60 * 60 * 24) {
        let limiter = Time::at(BEGIN).of(builder, &redis);
        for cost in [1_000_000, MOST, MOST] {
            let after = limiter.penalty("a", cost).await.unwrap();
            assert!(after.reset() <= BEGIN + CENTURY, "{name}: {after:?}");
            let refused = limiter.check("a").await.unwrap();
            assert!(!refused.allowed(), "{name}");
            assert!(
                refused.retry_at().is_none_or(|at| at <= BEGIN + CENTURY),
                "{name}: {refused:?}"
            );
            assert_eq!(refused.remaining(), 0);
        }
        limiter.refund("a", u64::MAX).await.unwrap();
        for key in redis.keys::<String>("*").await.unwrap() {
            let left = redis.pttl(&key).await.unwrap().left().unwrap();
            assert!(left <= CENTURY, "{key}: {left}");
        }
        redis.flushdb().await.unwrap();
    }
    let large = RateLimiter::token_bucket(1, SECOND * 60 * 60 * 24 * 365, MOST).build(&redis);
    assert_eq!(large.check_cost("a", MOST).await.unwrap().remaining(), 0);
    assert_eq!(
        large.check_cost("a", MOST).await.unwrap().retry_after(),
        None
    );
    let limiter = RateLimiter::gcra(1, SECOND).blockable().build(&redis);
    limiter.block("a", Duration::MAX).await.unwrap();
    let blocked = limiter.check("a").await.unwrap();
    assert_eq!(blocked.reason(), Reason::Blocked);
    assert!(blocked.retry_after().unwrap() <= Duration::from_millis(CENTURY));
}

/// Keys go away at random, as under `maxmemory`: nobody is refused for longer than is documented, and each refusal is true
/// until something is counted or evicted.
#[tokio::test]
async fn eviction_refuses_nobody_for_longer_than_documented() {
    let (_local, redis) = start().await.unwrap();
    let mut dice = fastrand::Rng::with_seed(29);
    for (name, builder) in each(6, SECOND) {
        let time = Time::at(BEGIN);
        let builder = builder.blockable().dynamic().deny_list();
        let limiters = [
            time.of(builder.clone(), &redis),
            time.of(builder.clone().local_deny(true), &redis),
            time.of(
                match name {
                    "gcra" => builder.clone(),
                    _ => builder.clone().lease(3),
                },
                &redis,
            ),
        ];
        let longest = match name {
            "sliding" => 2000,
            "strict" => 1100,
            _ => 1000,
        };
        let (mut refused, mut evicted) = (0, 0);
        for _ in 0..400 {
            time.set(time.now() + dice.u64(0..200));
            let limiter = &limiters[dice.usize(0..3)];
            let id = ["a", "b"][dice.usize(0..2)];
            match dice.u8(0..10) {
                0 => {
                    limiter
                        .set_dynamic_limit(Some(dice.u64(6..9)))
                        .await
                        .unwrap();
                }
                1..4 => {
                    if let Some(key) = redis.randomkey::<String>().await.unwrap() {
                        redis.del(&key).await.unwrap();
                        evicted += 1;
                    }
                }
                _ => {
                    let decision = limiter.check_cost(id, dice.u64(1..4)).await.unwrap();
                    if !decision.allowed() {
                        refused += 1;
                        let at = decision.retry_at().unwrap();
                        assert!(at <= time.now() + longest, "{name}: {decision:?}");
                    }
                }
            }
        }
        assert!(refused > 10 && evicted > 50, "{name}: {refused}, {evicted}");
        // After the longest wait everybody comes in.
        time.set(time.now() + longest);
        for limiter in &limiters {
            for id in ["a", "b"] {
                assert!(limiter.check(id).await.unwrap().allowed(), "{name}: {id}");
            }
        }
    }
}
