//! Numbers that have no meaning are refused, before anything is sent.

use std::time::Duration;

use restis::{Debounce, Error, Lock, Semaphore, Throttle};
use restis_testing::start;

use super::{SECOND, held};

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert!(error.is_argument(), "{error}");
    assert!(error.to_string().contains("1 ms") || error.to_string().contains("permits"));
}

#[tokio::test]
async fn zero_is_refused_where_it_has_no_meaning() {
    let (local, redis) = start().await.unwrap();
    let mine = held(&Lock::new(&redis, "held")).await;
    let permit = Semaphore::new(&redis, "permit", 1);
    let permit = permit.try_acquire().await.unwrap().unwrap();
    local.reset_stats().await.unwrap();
    let zero = Duration::ZERO;
    for lock in [
        Lock::new(&redis, "a").lease(zero),
        Lock::new(&redis, "a").lease(zero).fenced(),
        Lock::all(&redis, ["a", "b"]).lease(zero),
    ] {
        refused(lock.try_acquire().await);
        refused(lock.acquire().await);
    }
    refused(mine.extend(zero).await);
    refused(permit.extend(zero).await);
    let semaphore = Semaphore::new(&redis, "s", 1).lease(zero);
    refused(semaphore.try_acquire().await.map(|_| ()));
    refused(semaphore.acquire().await.map(|_| ()));
    refused(
        Semaphore::new(&redis, "s", 0)
            .try_acquire()
            .await
            .map(|_| ()),
    );
    refused(Semaphore::new(&redis, "s", 0).acquire().await.map(|_| ()));
    refused(Throttle::new(&redis, "t").every(zero).allow().await);
    refused(Debounce::new(&redis, "d").wait(zero).is_last().await);
    let stats = local.stats().await.unwrap();
    assert_eq!(stats.requests, 0);
    assert!(mine.valid_for() > SECOND && permit.valid_for() > SECOND);
    assert_eq!(redis.dbsize().await.unwrap(), 2);
}

/// A wait of zero is one attempt.
#[tokio::test]
async fn zero_wait_tries_once() {
    let (_local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a").wait(Duration::ZERO);
    let mine = lock.acquire().await.unwrap().unwrap();
    assert!(lock.acquire().await.unwrap().is_none());
    mine.release().await.unwrap();
    let semaphore = Semaphore::new(&redis, "s", 1).wait(Duration::ZERO);
    let _permit = semaphore.acquire().await.unwrap().unwrap();
    assert!(semaphore.acquire().await.unwrap().is_none());
}

/// Less than Redis can count is rounded up.
#[tokio::test]
async fn less_than_a_millisecond_is_one() {
    let (_local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a").lease(Duration::from_nanos(1));
    let mine = held(&lock).await;
    assert!(mine.valid_for().is_zero());
    // It is free at once, and never by two for longer.
    let next = Lock::new(&redis, "a").acquire().await.unwrap().unwrap();
    assert!(next.valid_for() > SECOND);
}
