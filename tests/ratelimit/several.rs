//! Several limits in one request: all of them count a call, or none.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use restis::{RateLimiter, Redis, ratelimit::Reason};
use restis_testing::start;

use super::{BEGIN, SECOND, Time, cost, each};

/// What is kept of all, for comparison.
async fn kept(redis: &Redis) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    for key in keys {
        let text = match redis.get::<String>(&key).await {
            Ok(text) => text.unwrap(),
            Err(_) => {
                let fields = redis.hgetall::<String>(&key).await.unwrap();
                format!("{:?}", BTreeMap::from_iter(fields))
            }
        };
        kept.insert(key, text);
    }
    kept
}

#[tokio::test]
async fn three_limits_are_one_request() {
    let (local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    let of = |name: &str, limit| {
        let builder = RateLimiter::fixed_window(limit, SECOND * 60);
        time.of(builder.prefix(name).policy(name).local_deny(false), &redis)
    };
    let (ip, user, all) = (of("ip", 5), of("user", 3), of("all", 100));
    let check = || async {
        let calls = [ip.call("192.0.2.1"), user.call("ada"), all.call("all")];
        RateLimiter::check_all(calls).await.unwrap()
    };
    // The first run sends the text, and the first of a window sets its end.
    check().await;
    let (decisions, price) = cost(&local, check()).await;
    assert!(decisions.allowed());
    assert_eq!(price, (1, 4));
    let left: Vec<u64> = decisions.each().iter().map(|one| one.remaining()).collect();
    assert_eq!(left, [3, 1, 98]);
    assert_eq!(
        decisions.rate_limit_field().unwrap(),
        r#""ip";r=3;t=60, "user";r=1;t=60, "all";r=98;t=60"#
    );
    assert_eq!(
        decisions.rate_limit_policy_field().unwrap(),
        r#""ip";q=5;w=60, "user";q=3;w=60, "all";q=100;w=60"#
    );
    check().await;
    let before = kept(&redis).await;
    let (decisions, price) = cost(&local, check()).await;
    assert_eq!(price.0, 1);
    assert_eq!((decisions.allowed(), decisions.status()), (false, 429));
    let refused: Vec<&str> = decisions.refused().map(|one| one.policy()).collect();
    assert_eq!(refused, ["user"]);
    assert!(
        decisions
            .problem()
            .contains(r#""violated-policies":["user"]"#)
    );
    assert_eq!(decisions.retry_at(), Some(BEGIN + 60_000));
    let left: Vec<u64> = decisions.each().iter().map(|one| one.remaining()).collect();
    assert_eq!(left, [2, 0, 97]);
    assert_eq!(kept(&redis).await, before);
    assert!(RateLimiter::check_all([]).await.unwrap().allowed());
}

/// Whichever of five algorithms refuses, what all of them keep is as before; and then all let it in.
#[tokio::test]
async fn a_call_that_one_refuses_is_counted_by_none() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN + 10_000);
    let limiters = each(10, SECOND * 60).map(|(_, builder)| time.of(builder, &redis));
    let check = |costs: [u64; 5]| {
        let calls = limiters.iter().zip(costs);
        RateLimiter::check_all(calls.map(|(limiter, cost)| limiter.call("a").cost(cost)))
    };
    assert!(check([1; 5]).await.unwrap().allowed());
    let before = kept(&redis).await;
    for refuses in 0..5 {
        let mut costs = [2; 5];
        costs[refuses] = 10;
        let decisions = check(costs).await.unwrap();
        for (place, decision) in decisions.each().iter().enumerate() {
            assert_eq!(decision.allowed(), place != refuses, "{refuses}");
            assert_eq!(decision.remaining(), 9, "{place} of {refuses}");
        }
        assert_eq!(kept(&redis).await, before, "{refuses}");
    }
    // One that takes back more than would fit a second time says that the call fits.
    let decisions = check([9, 9, 9, 9, 10]).await.unwrap();
    let fits: Vec<bool> = decisions.each().iter().map(|one| one.allowed()).collect();
    assert_eq!(fits, [true, true, true, true, false]);
    assert_eq!(kept(&redis).await, before);
    // All who refuse say so, also those behind the first.
    let decisions = check([2, 10, 2, 10, 2]).await.unwrap();
    let refused: Vec<bool> = decisions.each().iter().map(|one| !one.allowed()).collect();
    assert_eq!(refused, [false, true, false, true, false]);
    assert_eq!(
        decisions.retry_at(),
        decisions.each()[1]
            .retry_at()
            .max(decisions.each()[3].retry_at())
    );
    assert_eq!(kept(&redis).await, before);
    // A first call that is refused leaves nothing that counts.
    let calls = (limiters.iter()).map(|limiter| limiter.call("new"));
    let last = limiters[1].call("new").cost(20);
    let refused = RateLimiter::check_all(calls.chain([last])).await.unwrap();
    assert!(!refused.allowed());
    for limiter in &limiters {
        assert_eq!(limiter.peek("new").await.unwrap().remaining(), 10);
    }
    for key in redis.keys::<String>("*").await.unwrap() {
        assert!(redis.pttl(&key).await.unwrap().left().is_some(), "{key}");
    }
}

#[tokio::test]
async fn of_500_at_once_the_lowest_limit_comes_in() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    let fifty = each(50, SECOND * 60).map(|(_, builder)| time.of(builder, &redis));
    let more = RateLimiter::gcra(80, SECOND * 60)
        .prefix("more")
        .local_deny(false);
    let more = time.of(more, &redis);
    for limiter in &fifty {
        more.reset("a").await.unwrap();
        let calls = (0..500).map(|_| RateLimiter::check_all([more.call("a"), limiter.call("a")]));
        let decisions = join_all(calls).await;
        let allowed = decisions
            .iter()
            .filter(|one| one.as_ref().unwrap().allowed());
        assert_eq!(allowed.count(), 50);
        assert_eq!(more.peek("a").await.unwrap().remaining(), 30);
    }
}

#[tokio::test]
async fn lists_blocks_and_other_limits_are_looked_at() {
    let (local, redis) = start().await.unwrap();
    let builder = RateLimiter::gcra(10, SECOND * 60).prefix("a");
    let first = builder.allow(["10.0.0.0/8"]).build(&redis);
    let builder = RateLimiter::strict_window(10, SECOND * 60).prefix("b");
    let second = builder.blockable().dynamic().deny(["eve"]).build(&redis);
    let check = |ip: &'static str, user: &'static str| {
        RateLimiter::check_all([first.call(ip), second.call(user)])
    };
    let decisions = check("10.1.1.1", "ada").await.unwrap();
    let reasons: Vec<Reason> = decisions.each().iter().map(|one| one.reason()).collect();
    assert_eq!(reasons, [Reason::Allowed, Reason::Counted]);
    let (denied, price) = cost(&local, check("192.0.2.1", "eve")).await;
    let denied = denied.unwrap();
    assert_eq!(
        (denied.status(), denied.each().len(), price),
        (403, 1, (0, 0))
    );
    second.block("bob", SECOND * 60).await.unwrap();
    let blocked = check("192.0.2.1", "bob").await.unwrap();
    assert_eq!(blocked.refused().next().unwrap().reason(), Reason::Blocked);
    assert_eq!(first.peek("192.0.2.1").await.unwrap().remaining(), 10);
    // That is known now, and the other limit is not asked.
    let (blocked, price) = cost(&local, check("192.0.2.1", "bob")).await;
    assert_eq!((blocked.unwrap().each().len(), price), (1, (0, 0)));
    second.set_dynamic_limit(Some(1)).await.unwrap();
    let decisions = check("192.0.2.1", "ada").await.unwrap();
    assert_eq!(
        (decisions.allowed(), decisions.each()[1].limit()),
        (false, 1)
    );
    // Allowed by all lists: nobody is asked.
    let calls = [first.call("10.0.0.1"), first.call("10.0.0.2")];
    let (decisions, price) = cost(&local, RateLimiter::check_all(calls)).await;
    assert_eq!((decisions.unwrap().allowed(), price), (true, (0, 0)));
}
