//! Permits: never more than there are, none that is lost, and what they cost.

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Instant,
};

use futures_util::future::join_all;
use restis::{Redis, Semaphore, lock::Permit};
use restis_local::Fault;
use restis_testing::start;

use super::{SECOND, cost, ms};

async fn permit(semaphore: &Semaphore) -> Permit {
    semaphore.try_acquire().await.unwrap().unwrap()
}

#[tokio::test]
async fn of_each_call() {
    let (local, redis) = start().await.unwrap();
    let semaphore = Semaphore::new(&redis, "s", 2).lease(SECOND * 5);
    permit(&semaphore).await.release().await.unwrap();
    let (first, price) = cost(&local, semaphore.try_acquire()).await;
    assert_eq!(price, (1, 6));
    let first = first.unwrap().unwrap();
    let second = permit(&semaphore).await;
    let (none, price) = cost(&local, semaphore.try_acquire()).await;
    assert_eq!((none.unwrap().is_none(), price), (true, (1, 6)));
    // The first run of a script sends its text.
    first.extend(SECOND * 5).await.unwrap();
    let (done, price) = cost(&local, first.extend(SECOND * 60)).await;
    assert_eq!((done.unwrap(), price), (true, (1, 5)));
    assert!(first.valid_for() > SECOND * 50);
    // The set lives as long as the longest lease in it, also when a shorter one follows.
    let left = async || redis.pttl("s").await.unwrap().left().unwrap();
    assert!(left().await > 55_000);
    second.release().await.unwrap();
    let second = permit(&semaphore).await;
    assert!(left().await > 55_000);
    let (done, price) = cost(&local, second.release()).await;
    assert_eq!((done.unwrap(), price), (true, (1, 1)));
    assert!(first.release().await.unwrap());
    assert_eq!(redis.exists("s").await.unwrap(), 0);
}

#[tokio::test]
async fn of_200_callers_five_are_inside() {
    let (_local, redis) = start().await.unwrap();
    let semaphore = Semaphore::new(&redis, "s", 5).wait(SECOND * 60);
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let one = || async {
        let permit = semaphore.acquire().await.unwrap().unwrap();
        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
        tokio::time::sleep(ms(2)).await;
        inside.fetch_sub(1, SeqCst);
        assert!(permit.release().await.unwrap());
    };
    join_all((0..200).map(|_| one())).await;
    assert_eq!(most.load(SeqCst), 5);
    assert_eq!(redis.exists("s").await.unwrap(), 0);
}

/// Whoever dies keeps a permit no longer than its lease, and what he does then is in vain.
#[tokio::test]
async fn no_permit_is_lost() {
    let (_local, redis) = start().await.unwrap();
    // With one that lasts, so that the whole set does not end by itself.
    let first = permit(&Semaphore::new(&redis, "s", 4)).await;
    let semaphore = Semaphore::new(&redis, "s", 4)
        .lease(ms(400))
        .wait(SECOND * 10);
    let mut dead = Vec::new();
    for _ in 0..3 {
        dead.push(permit(&semaphore).await);
    }
    let begun = Instant::now();
    let lasting = semaphore.clone().lease(SECOND * 60);
    let next = join_all((0..3).map(|_| lasting.acquire())).await;
    let waited = begun.elapsed();
    assert!(waited > ms(300) && waited < ms(650), "{waited:?}");
    assert!(semaphore.try_acquire().await.unwrap().is_none());
    for permit in dead {
        assert!(permit.valid_for().is_zero());
        assert!(!permit.extend(SECOND).await.unwrap());
        assert!(!permit.release().await.unwrap());
    }
    first.release().await.unwrap();
    for permit in next {
        assert!(permit.unwrap().unwrap().release().await.unwrap());
    }
}

#[tokio::test]
async fn a_lost_answer_takes_no_second_permit() {
    let (local, redis) = start().await.unwrap();
    let semaphore = Semaphore::new(&redis, "s", 1);
    // Its scripts are known, or a fault would hit the request that only asks for them.
    let warm = permit(&semaphore).await;
    warm.extend(SECOND).await.unwrap();
    warm.release().await.unwrap();
    for fault in [
        Fault::drop_after(),
        Fault::drop_before(),
        Fault::drop_after().times(2),
    ] {
        local.inject(fault);
        let only = permit(&semaphore).await;
        assert_eq!(redis.zcard("s").await.unwrap(), 1);
        local.inject(Fault::drop_after());
        assert!(only.extend(SECOND).await.unwrap());
        local.inject(Fault::drop_after());
        only.release().await.unwrap();
        assert_eq!(redis.exists("s").await.unwrap(), 0);
    }
}

#[tokio::test]
async fn it_is_renewed_while_work_goes_on_and_ends_with_it() {
    let (_local, redis) = start().await.unwrap();
    let semaphore = Semaphore::new(&redis, "s", 1).lease(ms(1500));
    let permit = permit(&semaphore).await;
    let begun = Instant::now();
    let work = async {
        while begun.elapsed() < SECOND * 2 {
            tokio::time::sleep(ms(100)).await;
            assert!(semaphore.try_acquire().await.unwrap().is_none());
        }
    };
    permit.run(work).await.unwrap();
    take_away(&redis).await;
    assert!(permit.run(std::future::pending::<()>()).await.is_err());
}

async fn take_away(redis: &Redis) {
    redis.del("s").await.unwrap();
}
