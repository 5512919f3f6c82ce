//! Rate limits on wasm32, in Node and in Chromium, against a real server: each algorithm, several at once, waiting, and a
//! timeout by the platform's timer.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(all(feature = "ratelimit", target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

use std::{future::pending, time::Duration};

use restis::{
    RateLimiter, Redis,
    ratelimit::Reason,
    transport::{Request, Response, TransportError},
};
use wasm_bindgen_test::wasm_bindgen_test;

const MINUTE: Duration = Duration::from_secs(60);

async fn redis() -> Redis {
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    let redis = Redis::new(url, token).unwrap();
    // Node and Chromium use the same database, one after the other.
    for key in redis.keys::<String>("wasm-limit*").await.unwrap() {
        redis.del(key).await.unwrap();
    }
    redis
}

#[wasm_bindgen_test]
async fn each_lets_in_as_many_as_it_should() {
    let redis = redis().await;
    for (name, limit) in [
        ("fixed", RateLimiter::fixed_window(3, MINUTE * 60 * 24)),
        ("sliding", RateLimiter::sliding_window(3, MINUTE * 60 * 24)),
        ("bucket", RateLimiter::token_bucket(3, MINUTE, 3)),
        ("strict", RateLimiter::strict_window(3, MINUTE)),
        ("gcra", RateLimiter::gcra(3, MINUTE)),
    ] {
        let limiter = limit.prefix(format!("wasm-limit:{name}")).build(&redis);
        for left in [2, 1, 0] {
            let decision = limiter.check("a").await.unwrap();
            assert_eq!((decision.allowed(), decision.remaining()), (true, left));
        }
        let refused = limiter.check("a").await.unwrap();
        assert!(!refused.allowed() && refused.retry_after() > Some(Duration::ZERO));
        let again = limiter.check("a").await.unwrap();
        assert_eq!((again.allowed(), again.reason()), (false, Reason::Known));
        limiter.refund("a", 1).await.unwrap();
        assert!(limiter.check("a").await.unwrap().allowed(), "{name}");
    }
}

#[wasm_bindgen_test]
async fn several_leases_and_waiting() {
    let redis = redis().await;
    let of = |name: &str, limit: u64| {
        let limiter = RateLimiter::gcra(limit, Duration::from_secs(1));
        limiter.prefix(format!("wasm-limit:{name}")).build(&redis)
    };
    let (one, ten) = (of("one", 1), of("ten", 10));
    let calls = || RateLimiter::check_all([ten.call("a"), one.call("a")]);
    assert!(calls().await.unwrap().allowed());
    assert!(!calls().await.unwrap().allowed());
    let waited = one.until_ready("a", Duration::from_secs(2)).await;
    assert!(waited.unwrap().allowed());
    let leased = RateLimiter::fixed_window(100, MINUTE * 60 * 24).lease(10);
    let leased = leased.prefix("wasm-limit:lease").build(&redis);
    assert_eq!(leased.check("a").await.unwrap().reason(), Reason::Counted);
    let next = leased.check("a").await.unwrap();
    assert_eq!((next.reason(), next.remaining()), (Reason::Leased, 98));
}

#[wasm_bindgen_test]
async fn a_silent_server_is_waited_for_so_long() {
    let silent = |_: Request| pending::<Result<Response, TransportError>>();
    let builder = Redis::builder().url("https://silent.example").token("any");
    let redis = builder.transport(silent).build().unwrap();
    let limiter = RateLimiter::gcra(1, MINUTE).fail_local(Duration::from_millis(30));
    let limiter = limiter.build(&redis);
    for allowed in [true, false] {
        let decision = limiter.check("a").await.unwrap();
        assert_eq!(decision.reason(), Reason::CountedHere);
        assert_eq!(decision.allowed(), allowed);
    }
}
