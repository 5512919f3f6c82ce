//! What is decided in the process itself: refusals that still hold, and calls that were counted before.

use futures_util::future::join_all;
use restis::{RateLimiter, Redis, ratelimit::Reason};
use restis_local::Fault;
use restis_testing::start;

use super::{BEGIN, SECOND, Time, cost, each};

/// At three times the limit, by clocks that stand still in between: what is let in with refusals kept here is what is let in
/// without, call by call, and the requests are fewer.
#[tokio::test]
async fn a_refusal_that_is_kept_refuses_nobody_else() {
    let (local, redis) = start().await.unwrap();
    let mut dice = fastrand::Rng::with_seed(11);
    for (name, builder) in each(20, SECOND) {
        let mut sums = [(0, 0), (0, 0)];
        let start = dice.clone();
        for (kept, sum) in [false, true].into_iter().zip(&mut sums) {
            dice = start.clone();
            let time = Time::at(BEGIN);
            let builder = builder.clone().prefix(format!("{name}{kept}"));
            let limiter = time.of(builder.local_deny(kept), &redis);
            local.reset_stats().await.unwrap();
            for _ in 0..300 {
                time.set(time.now() + dice.u64(0..34));
                let decision = limiter.check("a").await.unwrap();
                sum.0 += u64::from(decision.allowed());
                assert!(kept || decision.reason() != Reason::Known);
            }
            sum.1 = local.stats().await.unwrap().requests;
        }
        let [(without, all), (with, asked)] = sums;
        println!("{name}: {with} of {without} let in, {asked} of {all} requests");
        assert_eq!(with, without, "{name}");
        assert!(asked * 4 < all * 3, "{name}: {asked} of {all} requests");
    }
}

#[tokio::test]
async fn it_holds_until_then_and_of_no_smaller_call() {
    let (local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 500);
    for (name, builder) in each(10, SECOND * 60) {
        let limiter = time.of(builder.local_deny(true), &redis);
        limiter.check_cost("a", 8).await.unwrap();
        let refused = limiter.check_cost("a", 5).await.unwrap();
        let (known, price) = cost(&local, limiter.check_cost("a", 6)).await;
        let known = known.unwrap();
        assert_eq!((known.allowed(), known.reason()), (false, Reason::Known));
        assert_eq!((known.retry_at(), price), (refused.retry_at(), (0, 0)));
        assert!(
            limiter.check_cost("a", 2).await.unwrap().allowed(),
            "{name}"
        );
        let refused = limiter.check("a").await.unwrap();
        // A look asks.
        let (look, price) = cost(&local, limiter.peek("a")).await;
        assert_eq!((look.unwrap().allowed(), price.0), (false, 1));
        time.set(refused.retry_at().unwrap() - 1);
        let (known, price) = cost(&local, limiter.check("a")).await;
        let known = known.unwrap();
        assert_eq!((known.allowed(), price), (false, (0, 0)));
        assert_eq!(known.retry_after().unwrap().as_millis(), 1);
        time.set(refused.retry_at().unwrap());
        assert!(limiter.check("a").await.unwrap().allowed(), "{name}");
        // What is done here is seen here.
        time.set(BEGIN + 500);
        limiter.check_cost("b", 10).await.unwrap();
        assert!(!limiter.check("b").await.unwrap().allowed());
        limiter.refund("b", 1).await.unwrap();
        assert!(limiter.check("b").await.unwrap().allowed(), "{name}");
        assert!(!limiter.check("b").await.unwrap().allowed());
        limiter.clone().reset("b").await.unwrap();
        assert!(limiter.check("b").await.unwrap().allowed(), "{name}");
        // What will never fit is asked each time, since another limit may come.
        for _ in 0..2 {
            let (_, price) = cost(&local, limiter.check_cost("c", 11)).await;
            assert_eq!(price.0, 1);
        }
        assert!(limiter.check_cost("c", 10).await.unwrap().allowed());
    }
}

/// Four processes that lease, with crowds on the same visitor: never more than the limit, and what is left over at the end is
/// what three of them may hold.
#[tokio::test]
async fn leases_never_let_in_more() {
    const LEASE: u64 = 7;
    let (local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 1000);
    for (name, builder) in each(100, SECOND * 60) {
        if name == "gcra" {
            let leased = builder.lease(LEASE).build(&redis);
            assert!(leased.check("a").await.unwrap_err().is_argument());
            let keys: Vec<String> = redis.keys("gcra*").await.unwrap();
            assert!(keys.is_empty());
            continue;
        }
        let others: Vec<Redis> = (0..4)
            .map(|_| Redis::new(local.url(), local.token()).unwrap())
            .collect();
        let limiters: Vec<RateLimiter> = (others.iter())
            .map(|redis| time.of(builder.clone().lease(LEASE).local_deny(true), redis))
            .collect();
        let calls = (0..400_usize).map(|number| limiters[number % 4].check("a"));
        let let_in = join_all(calls).await;
        let let_in = let_in.iter().filter(|one| one.as_ref().unwrap().allowed());
        assert_eq!(let_in.count(), 100, "{name}");
        // A few of each, and then only one asks: the rest is lost to him.
        let limiters: Vec<RateLimiter> = (others.iter())
            .map(|redis| time.of(builder.clone().lease(LEASE).local_deny(true), redis))
            .collect();
        let mut let_in = 0;
        for limiter in &limiters[1..] {
            let_in += u64::from(limiter.check("b").await.unwrap().allowed());
        }
        for _ in 0..120 {
            let_in += u64::from(limiters[0].check("b").await.unwrap().allowed());
        }
        assert_eq!(let_in, 100 - 3 * (LEASE - 1), "{name}");
    }
}

#[tokio::test]
async fn a_lease_is_one_request_for_many_calls() {
    let (local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(100, SECOND * 60) {
        if name == "gcra" {
            continue;
        }
        let limiter = time.of(builder.lease(10), &redis);
        limiter.peek("a").await.unwrap();
        let (decisions, price) = cost(&local, join_all((0..25).map(|_| limiter.check("a")))).await;
        assert_eq!(price.0, 3, "{name}");
        let mut left: Vec<u64> = Vec::new();
        for decision in decisions {
            let decision = decision.unwrap();
            assert!(decision.allowed());
            left.push(decision.remaining());
        }
        left.sort_unstable();
        // Each counts once. What nobody has used yet is not others' to have.
        left.dedup();
        assert_eq!((left.len(), left[0]), (25, 75), "{name}");
        // What is left of it ends with what it was counted in.
        let (_, price) = cost(&local, limiter.check("a")).await;
        assert_eq!(price.0, 0);
        time.set(time.now() + 59_999);
        let within = match name {
            // Its tenth is over.
            "strict" => 1,
            _ => 0,
        };
        let (_, price) = cost(&local, limiter.check("a")).await;
        assert_eq!(price.0, within, "{name}");
        time.set(time.now() + 1);
        let (_, price) = cost(&local, limiter.check("a")).await;
        assert_eq!(price.0, 1, "{name}");
        // Who costs more than is leased is counted alone.
        assert!(limiter.check_cost("b", 15).await.unwrap().allowed());
        assert_eq!(limiter.peek("b").await.unwrap().remaining(), 85);
        limiter.check("b").await.unwrap();
        limiter.reset("b").await.unwrap();
        assert_eq!(limiter.check("b").await.unwrap().reason(), Reason::Counted);
        time.set(BEGIN);
    }
}

/// Near the end of the limit what is left is leased at once.
#[tokio::test]
async fn the_last_lease_is_what_is_left() {
    let (local, redis) = start().await.unwrap();
    let builder = RateLimiter::token_bucket(100, SECOND * 60, 100).lease(30);
    let limiter = builder.build(&redis);
    limiter.peek("a").await.unwrap();
    local.reset_stats().await.unwrap();
    for _ in 0..100 {
        assert!(limiter.check("a").await.unwrap().allowed());
    }
    // Three leases, one that is too much, and the last ten.
    assert_eq!(local.stats().await.unwrap().requests, 5);
    // Who waits for an answer goes by it, when it is a refusal.
    let refused = join_all((0..100).map(|_| limiter.check("a"))).await;
    assert!(refused.iter().all(|one| !one.as_ref().unwrap().allowed()));
    assert!(local.stats().await.unwrap().requests <= 5 + 2);
}

/// Who asks for more and is dropped leaves it to the others.
#[tokio::test]
async fn who_asks_may_leave() {
    let (local, redis) = start().await.unwrap();
    let builder = RateLimiter::fixed_window(100, SECOND * 60).lease(10);
    let limiter = builder.build(&redis);
    local.inject(Fault::delay(SECOND * 20));
    let first = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.check("a").await }
    });
    while local.stats().await.unwrap().requests == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn(async move { limiter.check("a").await });
    tokio::task::yield_now().await;
    first.abort();
    assert!(second.await.unwrap().unwrap().allowed());
}

/// What this process changes of the limit holds at once, also for what it had kept or leased.
#[tokio::test]
async fn another_limit_forgets_what_was_known() {
    let (_local, redis) = start().await.unwrap();
    let builder = RateLimiter::fixed_window(10, SECOND * 60 * 60).dynamic();
    let limiter = builder.clone().build(&redis);
    limiter.set_dynamic_limit(Some(1)).await.unwrap();
    limiter.check("a").await.unwrap();
    assert!(!limiter.check("a").await.unwrap().allowed());
    limiter.set_dynamic_limit(Some(2)).await.unwrap();
    assert!(limiter.check("a").await.unwrap().allowed());
    let leased = builder.blockable().lease(5).build(&redis);
    leased.set_dynamic_limit(None).await.unwrap();
    assert!(leased.check("b").await.unwrap().allowed());
    leased.set_dynamic_limit(Some(0)).await.unwrap();
    assert!(!leased.check("b").await.unwrap().allowed());
    leased.set_dynamic_limit(None).await.unwrap();
    assert!(leased.check("c").await.unwrap().allowed());
    leased.block("c", SECOND * 60).await.unwrap();
    assert!(!leased.check("c").await.unwrap().allowed());
}

#[tokio::test]
async fn who_waits_comes_in_when_there_is_room() {
    let (local, redis) = start().await.unwrap();
    let limiter = RateLimiter::gcra(10, SECOND).build(&redis);
    limiter.check_cost("a", 10).await.unwrap();
    local.reset_stats().await.unwrap();
    let decision = limiter.until_ready("a", SECOND).await.unwrap();
    assert!(decision.allowed());
    // It is refused, and let in.
    assert!(local.stats().await.unwrap().requests <= 3);
    limiter.penalty("a", 50).await.unwrap();
    let refused = limiter.until_ready("a", SECOND).await.unwrap();
    assert!(!refused.allowed() && refused.retry_after() > Some(SECOND));
}
