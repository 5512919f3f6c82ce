//! Throttle and debounce: who is let through of many, and what it costs.

use std::{sync::Mutex, time::Instant};

use futures_util::future::join_all;
use restis::{Debounce, Redis, Throttle};
use restis_local::Fault;
use restis_testing::start;

use super::{SECOND, cost, ms};

#[tokio::test]
async fn one_call_in_a_while() {
    let (local, redis) = start().await.unwrap();
    let throttle = Throttle::new(&redis, "t").every(ms(300));
    let begun = Instant::now();
    let allowed = join_all((0..50).map(|_| throttle.allow())).await;
    let allowed = allowed
        .into_iter()
        .filter(|allowed| *allowed.as_ref().unwrap());
    assert_eq!(allowed.count(), 1);
    while !throttle.allow().await.unwrap() {
        tokio::time::sleep(ms(2)).await;
    }
    let waited = begun.elapsed();
    assert!(waited > ms(290) && waited < ms(500), "{waited:?}");
    let (_, price) = cost(&local, throttle.allow()).await;
    assert_eq!(price, (1, 1));
    throttle.reset().await.unwrap();
    // A lost answer does not use it up.
    let long = throttle.every(SECOND * 60);
    local.inject(Fault::drop_after());
    assert!(long.allow().await.unwrap());
    assert!(!long.allow().await.unwrap());
    assert!(redis.pttl("t").await.unwrap().left().is_some());
}

/// 100 calls from two clients, the last of them once all others are counted: it alone is let through.
#[tokio::test]
async fn the_last_of_many() {
    let (local, redis) = start().await.unwrap();
    let other = Redis::new(local.url(), local.token()).unwrap();
    let sides = [&redis, &other].map(|redis| Debounce::new(redis, "d").wait(SECOND * 3));
    let through = Mutex::new(Vec::new());
    let call = async |number: usize| {
        if sides[number % 2].is_last().await.unwrap() {
            through.lock().unwrap().push(number);
        }
    };
    let calls = join_all((0..99).map(call));
    let last = async {
        while redis.get::<u64>("d").await.unwrap() != Some(99) {
            tokio::time::sleep(ms(5)).await;
        }
        let left = redis.pttl("d").await.unwrap().left();
        assert!(left.is_some_and(|left| left <= 6000));
        call(99).await;
    };
    tokio::join!(calls, last);
    assert_eq!(*through.lock().unwrap(), [99]);
    // A lost answer is asked for again, and it is let through once.
    let side = sides[0].clone().wait(ms(20));
    local.inject(Fault::drop_after());
    assert!(side.is_last().await.unwrap());
    let (is_last, price) = cost(&local, side.is_last()).await;
    assert_eq!((is_last.unwrap(), price), (true, (2, 3)));
}
