//! Hosts whose clocks are an hour apart: nobody is refused for longer than a wait can be.

use restis::{
    RateLimiter, Redis,
    ratelimit::{Decision, Reason},
};
use restis_testing::start;

use super::{BEGIN, SECOND, Time, each};

const HOUR: u64 = 3_600_000;
const MINUTE: u64 = 60_000;

fn at(
    now: u64,
    builder: &restis::ratelimit::RateLimiterBuilder,
    redis: &Redis,
) -> (Time, RateLimiter) {
    let time = Time::at(now);
    let limiter = time.of(builder.clone().local_deny(true), redis);
    (time, limiter)
}

/// The longest wait of each, in milliseconds.
fn longest(name: &str) -> u64 {
    match name {
        "sliding" => 2 * MINUTE,
        "strict" => MINUTE + MINUTE / 10,
        _ => MINUTE,
    }
}

fn wait(decision: &Decision) -> u64 {
    u64::try_from(decision.retry_after().unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn clock_an_hour_ahead_refuses_others_no_longer_than_a_window() {
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(3, SECOND * 60) {
        let (_, ahead) = at(BEGIN + HOUR, &builder, &redis);
        let (time, right) = at(BEGIN, &builder, &redis);
        let (_, behind) = at(BEGIN - HOUR, &builder, &redis);
        for _ in 0..3 {
            assert!(ahead.check("a").await.unwrap().allowed());
        }
        assert!(!ahead.check("a").await.unwrap().allowed());
        for limiter in [&right, &behind] {
            let decision = limiter.check("a").await.unwrap();
            let refused = !decision.allowed();
            // What is counted by the windows of another hour is counted apart.
            assert_eq!(refused, !matches!(name, "fixed" | "sliding"), "{name}");
            assert!(wait(&decision) <= longest(name), "{name}: {decision:?}");
            assert!(
                decision.reset() <= BEGIN + 2 * MINUTE + MINUTE / 10,
                "{name}: {decision:?}"
            );
        }
        // The refusal is not remembered for longer than the key lives.
        redis.flushdb().await.unwrap();
        time.set(BEGIN + longest(name));
        let decision = right.check("a").await.unwrap();
        assert_eq!(
            (decision.allowed(), decision.reason()),
            (true, Reason::Counted),
            "{name}"
        );
    }
}

/// The host with the clock ahead goes on, and so does the other: together they keep the limit.
#[tokio::test]
async fn hosts_an_hour_apart_share_a_limit() {
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(6, SECOND * 60) {
        if matches!(name, "fixed" | "sliding") {
            continue;
        }
        let builder = builder.local_deny(false);
        let (ahead, right, behind) = (
            Time::at(BEGIN + HOUR).of(builder.clone(), &redis),
            Time::at(BEGIN).of(builder.clone(), &redis),
            Time::at(BEGIN - HOUR).of(builder.clone(), &redis),
        );
        let mut left = Vec::new();
        for _ in 0..2 {
            for limiter in [&ahead, &right, &behind] {
                let decision = limiter.check("a").await.unwrap();
                assert!(decision.allowed(), "{name}");
                left.push(decision.remaining());
            }
        }
        assert_eq!(left, [5, 4, 3, 2, 1, 0], "{name}");
        for limiter in [&ahead, &right, &behind] {
            let refused = limiter.check("a").await.unwrap();
            assert!(
                !refused.allowed() && wait(&refused) <= longest(name),
                "{name}"
            );
            let look = limiter.peek("a").await.unwrap();
            assert_eq!((look.allowed(), look.remaining()), (false, 0), "{name}");
        }
        // What one gives back the other can use.
        right.refund("a", 2).await.unwrap();
        assert_eq!(behind.peek("a").await.unwrap().remaining(), 2, "{name}");
        assert!(ahead.check_cost("a", 2).await.unwrap().allowed(), "{name}");
        let calls = [right.call("a")];
        assert!(!RateLimiter::check_all(calls).await.unwrap().allowed());
        // Its keys still end.
        for key in redis.keys::<String>("*").await.unwrap() {
            let left = redis.pttl(&key).await.unwrap().left().unwrap();
            assert!(left <= longest(name), "{key}: {left}");
        }
        redis.flushdb().await.unwrap();
    }
}

/// One that comes first by a clock that is behind is overtaken once: twice the limit at most.
#[tokio::test]
async fn later_host_with_a_clock_ahead_lets_in_at_most_the_limit_once_more() {
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(5, SECOND * 60) {
        let builder = builder.local_deny(false);
        let hosts = [BEGIN - HOUR, BEGIN, BEGIN + HOUR]
            .map(|now| Time::at(now).of(builder.clone(), &redis));
        let mut let_in = 0;
        for _ in 0..4 {
            for host in &hosts {
                for _ in 0..5 {
                    let_in += u64::from(host.check("a").await.unwrap().allowed());
                }
            }
        }
        assert!(let_in <= 5 * 3, "{name}: {let_in}");
    }
}

#[tokio::test]
async fn clock_that_is_set_back_ends_remembered_refusals_and_leases() {
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(3, SECOND * 60) {
        let (time, limiter) = at(BEGIN + HOUR, &builder, &redis);
        for _ in 0..3 {
            limiter.check("a").await.unwrap();
        }
        assert!(!limiter.check("a").await.unwrap().allowed());
        assert_eq!(limiter.check("a").await.unwrap().reason(), Reason::Known);
        time.set(BEGIN);
        let decision = limiter.check("a").await.unwrap();
        assert_ne!(decision.reason(), Reason::Known, "{name}");
        assert!(wait(&decision) <= longest(name), "{name}");
        if name == "gcra" {
            continue;
        }
        let (time, leased) = at(BEGIN + HOUR, &builder.lease(3), &redis);
        assert_eq!(leased.check("b").await.unwrap().reason(), Reason::Counted);
        assert_eq!(leased.check("b").await.unwrap().reason(), Reason::Leased);
        time.set(BEGIN);
        assert_ne!(
            leased.check("b").await.unwrap().reason(),
            Reason::Leased,
            "{name}"
        );
    }
}

/// A penalty lasts as long as it was made, and no longer by another clock.
#[tokio::test]
async fn penalty_by_a_clock_ahead_lasts_as_long_as_it_was_made() {
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(10, SECOND * 60) {
        let (_, ahead) = at(BEGIN + HOUR, &builder, &redis);
        let (_, right) = at(BEGIN, &builder, &redis);
        ahead.penalty("a", 25).await.unwrap();
        let by_ahead = ahead.check("a").await.unwrap();
        let by_right = right.check("a").await.unwrap();
        if matches!(name, "fixed" | "sliding") {
            assert!(by_right.allowed());
            continue;
        }
        assert!(!by_ahead.allowed() && !by_right.allowed(), "{name}");
        let (first, second) = (wait(&by_ahead), wait(&by_right));
        // The server's clock has gone on a little.
        assert!(
            second <= first && first < second + 30_000,
            "{name}: {first}, {second}"
        );
    }
}

/// A key without an end that some other program left is no refusal for ever.
#[tokio::test]
async fn stored_time_in_the_future_without_an_end_counts_for_nothing() {
    let (_local, redis) = start().await.unwrap();
    for (name, builder) in each(3, SECOND * 60) {
        let (_, ahead) = at(BEGIN + HOUR, &builder, &redis);
        let (_, right) = at(BEGIN, &builder, &redis);
        for _ in 0..3 {
            ahead.check("a").await.unwrap();
        }
        for key in redis.keys::<String>("*").await.unwrap() {
            redis.persist(&key).await.unwrap();
        }
        assert!(right.check("a").await.unwrap().allowed(), "{name}");
        redis.flushdb().await.unwrap();
    }
}

/// By the real clocks of two hosts that are an hour apart, the one that is right waits as long as it is told, and comes in.
#[tokio::test]
async fn refused_host_comes_in_after_the_wait_it_was_told() {
    let (_local, redis) = start().await.unwrap();
    let now = || {
        u64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_millis(),
        )
        .unwrap()
    };
    let window = SECOND / 2;
    for (name, builder) in each(3, window) {
        let ahead = builder.clone().clock(move || now() + HOUR).build(&redis);
        let right = builder.local_deny(true).build(&redis);
        while ahead.check("a").await.unwrap().allowed() {}
        let mut refusals = 0;
        loop {
            let decision = right.check("a").await.unwrap();
            if decision.allowed() {
                break;
            }
            refusals += 1;
            let wait = decision.retry_after().unwrap();
            assert!(wait <= window * 2, "{name}: {wait:?}");
            tokio::time::sleep(wait.max(SECOND / 1000)).await;
        }
        // It may be told once more, for the milliseconds that are rounded.
        assert!(refusals <= 3, "{name}: {refusals}");
    }
}
