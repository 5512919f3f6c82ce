//! What a process remembers of names that come from requests: bounded in bytes, however long the names are.

#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, reason = "a test, not an API")]

use std::{fs, time::Duration};

use restis::{
    Cache, RateLimiter, Redis,
    ratelimit::Reason,
    transport::{Request, Response, TransportError},
};

const MINUTE: Duration = Duration::from_secs(60);
/// Names, and the length of each: 30 MB of text.
const NAMES: usize = 500;
const LONG: usize = 60_000;

/// The resident size of this process, in KB.
fn size() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// A client of a server that gives each request the same answer.
fn answering(answer: &'static str) -> Redis {
    let transport =
        move |_: Request| async move { Ok::<_, TransportError>(Response::new(200, answer)) };
    let builder = Redis::builder()
        .url("https://answering.example")
        .token("any");
    builder.transport(transport).build().unwrap()
}

fn name(number: usize) -> String {
    format!("{number}:{}", "x".repeat(LONG))
}

/// How much larger the process is after `act`, in KB.
async fn growth<F: Future<Output = ()>>(act: impl Fn(usize) -> F) -> u64 {
    // What the allocator needs once.
    for number in 0..20 {
        act(NAMES + number).await;
    }
    let before = size();
    for number in 0..NAMES {
        act(number).await;
    }
    size().saturating_sub(before)
}

/// One test, since all share the memory of the process.
#[tokio::test]
async fn long_names_take_no_more_memory_than_short_ones() {
    const MOST: u64 = 6_000;
    // Refused for a day: remembered.
    let refused = answering(r#"{"result":[0,5,0,5]}"#);
    let refused = RateLimiter::fixed_window(5, MINUTE * 60 * 24).build(&refused);
    let grown = growth(|number| {
        let refused = refused.clone();
        async move {
            let decision = refused.check(name(number)).await.unwrap();
            assert_eq!(decision.reason(), Reason::Counted);
        }
    });
    let grown = grown.await;
    println!("refusals: {grown} KB");
    assert!(grown < MOST, "refusals: {grown} KB");
    let known = refused.check(name(NAMES - 1)).await.unwrap();
    assert_eq!(known.reason(), Reason::Known);

    let leased = answering(r#"{"result":[1,5,0,1000]}"#);
    let leased = RateLimiter::fixed_window(1000, MINUTE * 60 * 24)
        .lease(5)
        .build(&leased);
    let grown = growth(|number| {
        let leased = leased.clone();
        async move {
            let decision = leased.check(name(number)).await.unwrap();
            assert_eq!(decision.reason(), Reason::Counted);
        }
    });
    let grown = grown.await;
    println!("leases: {grown} KB");
    assert!(grown < MOST, "leases: {grown} KB");
    let kept = leased.check(name(NAMES - 1)).await.unwrap();
    assert_eq!(kept.reason(), Reason::Leased);

    let transport = |_: Request| async { Err::<Response, _>(TransportError::connect("no route")) };
    let away = Redis::builder().url("https://away.example").token("any");
    let away = away
        .transport(transport)
        .retry(restis::Retry::never())
        .build()
        .unwrap();
    let here = RateLimiter::gcra(5, MINUTE * 60 * 24)
        .fail_local(MINUTE)
        .build(&away);
    let grown = growth(|number| {
        let here = here.clone();
        async move {
            let decision = here.check(name(number)).await.unwrap();
            assert_eq!(decision.reason(), Reason::CountedHere);
        }
    });
    let grown = grown.await;
    println!("counted here: {grown} KB");
    assert!(grown < MOST, "counted here: {grown} KB");

    // Notes of the cache: an entry that was read is noted with its tags.
    let (_local, redis) = restis_testing::start().await.unwrap();
    let cache = Cache::new(&redis);
    let grown = growth(|number| {
        let (cache, redis) = (cache.clone(), redis.clone());
        async move {
            let key = name(number);
            let entry = || cache.entry(&key);
            let tags = (0..10).map(|tag| format!("{number}:{tag}:{}", "y".repeat(100)));
            entry().tags(tags).set(&number).await.unwrap();
            assert_eq!(entry().get::<usize>().await.unwrap(), Some(number));
            redis.del(&key).await.unwrap();
        }
    });
    let grown = grown.await;
    println!("notes: {grown} KB");
    assert!(grown < 2 * MOST, "notes: {grown} KB");
}
