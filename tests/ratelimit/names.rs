//! Names of visitors: none leads to the keys of another visitor, or to those of the limiter.

use std::collections::BTreeMap;

use restis::{RateLimiter, ratelimit::Reason};
use restis_testing::start;

use super::{BEGIN, SECOND, Time, each};

/// Words of keys, from which names are made.
const WORDS: [&str; 22] = [
    "",
    ":",
    "/",
    "a",
    "victim",
    "block",
    "strict",
    "gcra",
    "bucket",
    "dynamic",
    "global",
    "denyList",
    "all",
    "ipDenyList",
    "ipDenyListStatus",
    "events",
    "1800000000000",
    "30000000",
    "29999999",
    "*",
    "{a}",
    "\u{e9}",
];

fn names() -> Vec<String> {
    let fixed = [
        "victim",
        "victim:block",
        "victim/block",
        "block:victim",
        "/block:victim",
        "block",
        "dynamic:global",
        "denyList:all",
        "denyList:ipDenyList",
        "ipDenyListStatus",
        "events:1800000000000",
        "events:",
        "events",
        "victim:30000000",
        "victim:29999999",
        "victim:strict",
        "victim:gcra",
        "/gcra:victim",
        "/strict:victim",
        "/bucket:dynamic:global",
        "bucket:dynamic:global",
    ];
    let mut names: Vec<String> = fixed.map(str::to_owned).into();
    let mut dice = fastrand::Rng::with_seed(17);
    for _ in 0..12 {
        let parts: Vec<&str> = (0..dice.usize(1..6))
            .map(|_| *dice.choice(WORDS.iter()).unwrap())
            .collect();
        names.push(parts.concat());
        names.push(parts.join(":"));
    }
    names.sort();
    names.dedup();
    names
}

#[tokio::test]
async fn no_name_leads_to_keys_of_another_or_of_the_limiter() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(5, SECOND * 60) {
        let limiter = time.of(builder.blockable().dynamic().deny_list(), &redis);
        // Whose keys these are. The library has more of its own than it writes here.
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for key in [
            "dynamic:global",
            "denyList:all",
            "denyList:ipDenyList",
            "ipDenyListStatus",
            "events:1800000000000",
        ] {
            owners.insert(format!("{name}:{key}"), "the limiter".to_owned());
        }
        for id in names() {
            limiter.check(&id).await.unwrap();
            limiter.penalty(&id, 2).await.unwrap();
            limiter.refund(&id, 1).await.unwrap();
            limiter.block(&id, SECOND * 60).await.unwrap();
            let keys: Vec<String> = redis.keys("*").await.unwrap();
            assert!(keys.len() >= 2, "{name}: {id}");
            for key in keys {
                assert!(key.starts_with(name), "{key}");
                let owner = owners.entry(key.clone()).or_insert_with(|| id.clone());
                assert_eq!(*owner, id, "{name}: both have {key}");
            }
            // Nothing is left by what ends it.
            limiter.reset(&id).await.unwrap();
            limiter.unblock(&id).await.unwrap();
            assert_eq!(redis.dbsize().await.unwrap(), 0, "{name}: {id}");
        }
    }
}

#[tokio::test]
async fn visitor_with_a_name_of_a_key_stops_nobody() {
    let (_local, redis) = start().await.unwrap();
    let time = Time::at(BEGIN);
    for (name, builder) in each(2, SECOND * 60) {
        let limiter = time.of(builder.blockable().dynamic().deny_list(), &redis);
        for id in names() {
            for _ in 0..3 {
                limiter.check(&id).await.unwrap();
            }
        }
        let innocent = limiter.check("innocent").await.unwrap();
        assert_eq!(
            (innocent.reason(), innocent.remaining()),
            (Reason::Counted, 1),
            "{name}"
        );
        assert_eq!(innocent.limit(), 2);
        assert_eq!(limiter.dynamic_limit().await.unwrap(), None);
        // What the library has under its names is still read, and not written.
        limiter.set_dynamic_limit(Some(7)).await.unwrap();
        redis
            .sadd(format!("{name}:denyList:all"), "eve")
            .await
            .unwrap();
        for id in [
            "dynamic:global",
            "denyList:all",
            "ipDenyListStatus",
            "events:1800000000000",
        ] {
            limiter.reset(id).await.unwrap();
            assert_eq!(
                limiter.check(id).await.unwrap().remaining(),
                6,
                "{name}: {id}"
            );
            limiter.reset(id).await.unwrap();
        }
        assert_eq!(limiter.dynamic_limit().await.unwrap(), Some(7));
        assert_eq!(limiter.check("eve").await.unwrap().reason(), Reason::Denied);
        limiter.set_dynamic_limit(None).await.unwrap();
    }
}

/// A visitor called like a block of another one, for the default prefix too.
#[tokio::test]
async fn bucket_of_one_visitor_is_no_block_of_another() {
    let (_local, redis) = start().await.unwrap();
    let limiter = RateLimiter::token_bucket(5, SECOND * 60, 5)
        .blockable()
        .build(&redis);
    for id in ["victim:block", "victim/block", "/block:victim"] {
        assert!(limiter.check(id).await.unwrap().allowed());
    }
    assert!(limiter.check("victim").await.unwrap().allowed());
    limiter.block("victim", SECOND * 60).await.unwrap();
    assert_eq!(
        limiter.check("victim").await.unwrap().reason(),
        Reason::Blocked
    );
    assert_eq!(limiter.check("victim:block").await.unwrap().remaining(), 3);
}
