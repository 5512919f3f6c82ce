//! A holder that is used from several places at once: its requests are made one after the other.

use std::time::Duration;

use futures_util::future::join_all;
use restis::{Lock, Redis, Semaphore};
use restis_testing::start;

use super::{SECOND, each, held, ms};

#[tokio::test]
async fn work_can_extend_and_release_what_holds_it() {
    each(async |redis: Redis| {
        let mine = held(&Lock::new(&redis, "a").lease(ms(1500))).await;
        let done = mine.run(async {
            assert!(mine.valid_for() > ms(500));
            assert!(mine.extend(SECOND * 60).await.unwrap());
            assert!(mine.valid_for() > SECOND * 50);
            assert!(mine.release().await.unwrap());
            assert!(mine.valid_for().is_zero());
            // What was given back on purpose is not lost: the work goes on.
            tokio::time::sleep(ms(20)).await;
            assert_eq!(redis.exists("a").await.unwrap(), 0);
            7
        });
        assert_eq!(done.await.unwrap(), 7);
        assert!(!mine.release().await.unwrap());
        assert!(!mine.extend(SECOND).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn release_beside_extend_releases() {
    each(async |redis: Redis| {
        for round in 0..20 {
            let mine = held(&Lock::new(&redis, "a")).await;
            let permit = Semaphore::new(&redis, "s", 1);
            let permit = permit.try_acquire().await.unwrap().unwrap();
            let (more, gone) = tokio::join!(mine.extend(SECOND * 30), mine.release());
            assert!(more.unwrap() && gone.unwrap(), "round {round}");
            let (more, gone) = tokio::join!(permit.extend(SECOND * 30), permit.release());
            assert!(more.unwrap() && gone.unwrap(), "round {round}");
            assert_eq!(redis.exists(["a", "s"]).await.unwrap(), 0);
        }
    })
    .await;
}

/// Of many requests for more time the last one decides, in Redis and for the holder alike.
#[tokio::test]
async fn extends_at_once_agree_with_redis() {
    let (_local, redis) = start().await.unwrap();
    let mine = held(&Lock::new(&redis, "a")).await;
    for round in 0..20 {
        let leases = [5, 60, 7, 90, 11].map(Duration::from_secs);
        for done in join_all(leases.map(|lease| mine.extend(lease))).await {
            assert!(done.unwrap());
        }
        let left = redis.pttl("a").await.unwrap().left().unwrap();
        assert!(mine.valid_for() <= ms(left), "round {round}");
        assert!(mine.valid_for() > ms(left * 9 / 10).saturating_sub(SECOND));
    }
}

/// A renewal does not cut short what the work has asked for.
#[tokio::test]
async fn renewal_keeps_the_time_that_was_asked_for() {
    let (_local, redis) = start().await.unwrap();
    let mine = held(&Lock::new(&redis, "a").lease(ms(600))).await;
    let done = mine.run(async {
        mine.extend(SECOND * 2).await.unwrap();
        // Beyond the first third of the new lease, when it is renewed.
        while mine.valid_for() > ms(1400) {
            tokio::time::sleep(ms(10)).await;
        }
        while mine.valid_for() < ms(1400) {
            tokio::time::sleep(ms(10)).await;
        }
    });
    done.await.unwrap();
    assert!(redis.pttl("a").await.unwrap().left().unwrap() > 600);
}
