//! What is done to one visitor: taken back, added, blocked, allowed or denied by name, another limit.

use restis::{RateLimiter, ratelimit::Reason};
use restis_testing::start;

use super::{BEGIN, SECOND, Time, cost, each};

#[tokio::test]
async fn what_is_taken_back_can_be_used_again() {
    let (local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 1000);
    for (name, builder) in each(10, SECOND * 60) {
        let limiter = time.of(builder, &redis);
        limiter.check_cost("a", 8).await.unwrap();
        limiter.refund("a", 0).await.unwrap();
        let (done, (requests, billed)) = cost(&local, limiter.refund("a", 5)).await;
        done.unwrap();
        assert_eq!(requests, 1);
        let expected = match name {
            "sliding" | "bucket" => 4,
            _ => 3,
        };
        assert_eq!(billed, expected, "{name}");
        assert_eq!(limiter.peek("a").await.unwrap().remaining(), 7, "{name}");
        // Never more than there is.
        limiter.refund("a", 5).await.unwrap();
        assert_eq!(limiter.peek("a").await.unwrap().remaining(), 10, "{name}");
        limiter.refund("nobody", 5).await.unwrap();
        let keys: Vec<String> = redis.keys("*nobody*").await.unwrap();
        assert!(keys.is_empty(), "{keys:?}");
        for _ in 0..10 {
            assert!(limiter.check("a").await.unwrap().allowed(), "{name}");
        }
        assert!(!limiter.check("a").await.unwrap().allowed(), "{name}");
    }
    for key in redis.keys::<String>("*").await.unwrap() {
        assert!(redis.pttl(&key).await.unwrap().left().is_some(), "{key}");
    }
}

/// What was counted before the border is taken back behind it.
#[tokio::test]
async fn it_is_taken_back_from_the_window_before_too() {
    let (local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 59_000);
    let builder = RateLimiter::sliding_window(10, SECOND * 60);
    let limiter = time.of(builder, &redis);
    limiter.check_cost("a", 8).await.unwrap();
    time.set(BEGIN + 60_000);
    limiter.check_cost("a", 2).await.unwrap();
    assert_eq!(limiter.peek("a").await.unwrap().remaining(), 0);
    let (done, (_, billed)) = cost(&local, limiter.refund("a", 5)).await;
    done.unwrap();
    assert_eq!(billed, 5);
    // Two of this window and three of the one before.
    assert_eq!(limiter.peek("a").await.unwrap().remaining(), 5);
    time.set(BEGIN + 90_000);
    assert_eq!(limiter.peek("a").await.unwrap().remaining(), 8);
}

/// A strict window takes back from the part that ends last.
#[tokio::test]
async fn what_was_counted_last_is_taken_back_first() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    let builder = RateLimiter::strict_window(10, SECOND * 60).local_deny(false);
    let limiter = time.of(builder, &redis);
    limiter.check_cost("a", 5).await.unwrap();
    time.set(BEGIN + 30_000);
    limiter.check_cost("a", 5).await.unwrap();
    limiter.refund("a", 4).await.unwrap();
    limiter.check_cost("a", 4).await.unwrap();
    limiter.refund("a", 6).await.unwrap();
    // One of the five before is gone too; they end first.
    time.set(BEGIN + 66_000);
    assert_eq!(limiter.peek("a").await.unwrap().remaining(), 10);
}

#[tokio::test]
async fn what_is_added_has_to_be_waited_for() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 300);
    for (name, builder) in each(10, SECOND * 60) {
        let limiter = time.of(builder, &redis);
        let after = limiter.penalty("a", 12).await.unwrap();
        assert_eq!(after.remaining(), 0, "{name}");
        let refused = limiter.check("a").await.unwrap();
        assert!(!refused.allowed(), "{name}");
        let at = refused.retry_at().unwrap();
        time.set(at - 1);
        assert!(!limiter.check("a").await.unwrap().allowed(), "{name}");
        time.set(at);
        assert!(limiter.check("a").await.unwrap().allowed(), "{name}: {at}");
        time.set(BEGIN + 300);
    }
}

#[tokio::test]
async fn who_is_blocked_comes_in_again_then() {
    let (local, redis) = start().await.unwrap();
    for (name, builder) in each(10, SECOND * 60) {
        let (blocking, checking) = (
            builder.clone().build(&redis),
            builder.blockable().local_deny(true).build(&redis),
        );
        checking.check("a").await.unwrap();
        blocking.block("a", SECOND * 30).await.unwrap();
        let refused = checking.check("a").await.unwrap();
        assert_eq!(
            (refused.allowed(), refused.reason(), refused.status()),
            (false, Reason::Blocked, 429),
            "{name}"
        );
        let wait = refused.retry_after().unwrap();
        assert!(wait > SECOND * 25 && wait <= SECOND * 30, "{wait:?}");
        let field: u64 = refused.retry_after_field().unwrap().parse().unwrap();
        assert!((26..=30).contains(&field));
        assert_eq!(refused.rate_limit_field(), None);
        // That holds here without asking again.
        let (again, price) = cost(&local, checking.check("a")).await;
        assert_eq!(again.unwrap().reason(), Reason::Blocked);
        assert_eq!(price, (0, 0));
        assert!(checking.check("b").await.unwrap().allowed());
        // Nothing was counted; who does not look does not see it.
        assert_eq!(blocking.peek("a").await.unwrap().remaining(), 9);
        // What is added and taken back is, all the same.
        checking.penalty("a", 5).await.unwrap();
        assert_eq!(blocking.peek("a").await.unwrap().remaining(), 4);
        checking.refund("a", 5).await.unwrap();
        assert_eq!(blocking.peek("a").await.unwrap().remaining(), 9);
        checking.unblock("a").await.unwrap();
        assert!(checking.check("a").await.unwrap().allowed());
        blocking
            .block("c", std::time::Duration::from_millis(40))
            .await
            .unwrap();
        let refused = checking.check("c").await.unwrap();
        tokio::time::sleep(refused.retry_after().unwrap()).await;
        while !checking.check("c").await.unwrap().allowed() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

/// A block, a list and another limit are each one more billed command.
#[tokio::test]
async fn what_else_is_looked_at_costs_one_each() {
    let (local, redis) = start().await.unwrap();
    for (name, builder) in each(10, SECOND * 60) {
        let plain = builder.clone().build(&redis);
        plain.check("a").await.unwrap();
        let (_, (_, before)) = cost(&local, plain.check("a")).await;
        let all = builder.blockable().deny_list().dynamic().build(&redis);
        let (decision, price) = cost(&local, all.check("a")).await;
        assert!(decision.unwrap().allowed());
        assert_eq!(price, (1, before + 3), "{name}");
    }
}

#[tokio::test]
async fn who_is_in_a_list_is_not_counted() {
    let (local, redis) = start().await.unwrap();
    for (name, builder) in each(10, SECOND * 60) {
        let set = format!("{name}:denyList:all");
        redis.sadd(&set, ["192.0.2.7", "eve"]).await.unwrap();
        let limiter = builder
            .allow(["10.0.0.0/8", "ada"])
            .deny(["2001:db8::/32", "10.1.0.0/16", "bob"])
            .deny_list()
            .build(&redis);
        for (id, reason, status) in [
            ("ada", Reason::Allowed, 200),
            // Who is allowed is not denied.
            ("10.1.2.3", Reason::Allowed, 200),
            ("2001:db8:1::/64", Reason::Denied, 403),
            ("bob", Reason::Denied, 403),
        ] {
            let (decision, price) = cost(&local, limiter.check(id)).await;
            let decision = decision.unwrap();
            assert_eq!((decision.reason(), decision.status()), (reason, status));
            assert_eq!((price, decision.rate_limit_field()), ((0, 0), None));
            assert_eq!(limiter.peek(id).await.unwrap().reason(), reason);
        }
        // The set that @upstash/ratelimit reads.
        for id in ["192.0.2.7", "eve"] {
            let decision = limiter.check(id).await.unwrap();
            assert_eq!(decision.reason(), Reason::Denied);
            assert_eq!(decision.retry_after_field(), None);
        }
        assert_eq!(limiter.check("192.0.2.8").await.unwrap().remaining(), 9);
        redis.unlink(&set).await.unwrap();
        assert!(limiter.check("eve").await.unwrap().allowed(), "{name}");
    }
    let wrong = RateLimiter::gcra(1, SECOND)
        .allow(["10.0.0.0/33"])
        .build(&redis);
    assert!(wrong.check("ada").await.unwrap_err().is_argument());
}

#[tokio::test]
async fn another_limit_holds_from_the_next_check_on() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 1000);
    for (name, builder) in each(10, SECOND * 60) {
        let fixed = time.of(builder.clone(), &redis);
        let dynamic = time.of(builder.dynamic(), &redis);
        assert_eq!(dynamic.check("a").await.unwrap().limit(), 10);
        fixed.set_dynamic_limit(Some(3)).await.unwrap();
        assert_eq!(dynamic.dynamic_limit().await.unwrap(), Some(3));
        let key = format!("{name}:dynamic:global");
        assert_eq!(
            redis.get::<String>(key).await.unwrap().as_deref(),
            Some("3")
        );
        // Another visitor, since a bucket that has been filled stays so.
        let mut let_in = 0;
        for _ in 0..5 {
            let decision = dynamic.check("b").await.unwrap();
            assert_eq!(decision.limit(), 3);
            let_in += u64::from(decision.allowed());
            if !decision.allowed() {
                let at = decision.retry_at().unwrap();
                time.set(at - 1);
                assert!(!dynamic.peek("b").await.unwrap().allowed(), "{name}");
                time.set(at);
                assert!(dynamic.peek("b").await.unwrap().allowed(), "{name}");
                time.set(BEGIN + 1000);
            }
        }
        assert_eq!(let_in, 3, "{name}");
        dynamic.set_dynamic_limit(Some(0)).await.unwrap();
        assert!(!dynamic.check("c").await.unwrap().allowed(), "{name}");
        dynamic.set_dynamic_limit(None).await.unwrap();
        assert_eq!(dynamic.dynamic_limit().await.unwrap(), None);
        assert_eq!(dynamic.check("c").await.unwrap().limit(), 10);
    }
}
