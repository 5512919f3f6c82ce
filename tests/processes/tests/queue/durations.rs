//! The longest durations that a caller can write, in every helper: nothing is lost, and nothing is refused by the server.

use std::time::Duration;

use restis::{
    Debounce, Idempotency, Lock, RateLimiter, Semaphore, Sessions, Throttle,
    idempotency::Ran,
    queue::{Deduplication, JobError, Keep, Pulled, Repeat, State},
};
use serde_json::json;

use super::{Scene, VERSIONS};

const FOREVER: [Duration; 2] = [Duration::MAX, Duration::from_millis(u64::MAX)];

#[tokio::test]
async fn longest_lock_keeps_every_job_in_the_queue() {
    for version in VERSIONS {
        for forever in FOREVER {
            let scene = Scene::of(version).await;
            scene.queue.add("a", &1).await.unwrap();
            let id = scene.queue.add("b", &2).await.unwrap();
            let consumer = (scene.queue.consumer())
                .lock(forever)
                .stalled_interval(forever)
                .limit(10, forever);
            let batch = consumer.pull(1).await.unwrap();
            assert_eq!(batch.jobs().len(), 1);
            assert!(batch.extend().await.unwrap().is_empty());
            assert_eq!(scene.counts().await["active"], 1);
            let left = scene.redis.pttl("bull:work:limiter").await.unwrap();
            assert!(left.left().is_some(), "{left:?}");
            drop(batch);
            let work = async |_| Ok::<_, JobError>("done");
            let done = consumer.run_until(forever, work).await.unwrap();
            assert_eq!(done.completed, 1);
            assert_eq!(scene.job(&id).await["state"], "completed");
        }
    }
}

#[tokio::test]
async fn longest_delay_and_lifetime_of_jobs_are_kept() {
    for version in VERSIONS {
        for forever in FOREVER {
            let scene = Scene::of(version).await;
            let id = (scene.queue.add("later", &1).delay(forever))
                .remove_on_complete(Keep::ALL.age(forever))
                .deduplication(Deduplication::new("one").ttl(forever))
                .await
                .unwrap();
            let batch = scene.queue.consumer().pull(1).await.unwrap();
            assert_eq!(batch.pulled(), Pulled::Ready);
            assert!(batch.jobs().is_empty() && batch.next_delayed() < Some(1 << 53));
            assert_eq!(scene.job(&id).await["state"], "delayed");
            assert_eq!(scene.queue.promote([&*id]).await.unwrap(), 1);
            let mut batch = scene.queue.consumer().pull(1).await.unwrap();
            batch.retry_in(&id, "again", forever);
            batch.settle().await.unwrap();
            assert_eq!(scene.job(&id).await["state"], "delayed");
            assert_eq!(scene.queue.promote([&*id]).await.unwrap(), 1);
            let mut batch = scene.queue.consumer().pull(1).await.unwrap();
            batch.complete(&id, &1).unwrap();
            batch.settle().await.unwrap();
            // It is kept for that long.
            assert_eq!(scene.job(&id).await["state"], "completed");
            let old = scene
                .queue
                .clean(State::Completed, forever, 10)
                .await
                .unwrap();
            assert!(old.is_empty());
            let every = Repeat::every(forever);
            let tick = scene.queue.add("tick", &json!({}));
            let next = scene
                .queue
                .upsert_scheduler("ever", every, tick)
                .await
                .unwrap();
            assert!(scene.queue.state(&next).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn longest_leases_windows_and_lifetimes_are_taken_by_the_server() {
    let scene = Scene::of("bullmq").await;
    let redis = &scene.redis;
    for (round, forever) in FOREVER.into_iter().enumerate() {
        let name = |kind: &str| format!("{kind}{round}");
        for fenced in [false, true] {
            let lock = Lock::new(redis, name("lock")).lease(forever);
            let lock = if fenced { lock.fenced() } else { lock };
            let held = lock.try_acquire().await.unwrap().held().unwrap();
            assert!(held.extend(forever).await.unwrap());
            assert!(!lock.try_acquire().await.unwrap().is_held());
            held.release().await.unwrap();
        }
        let semaphore = Semaphore::new(redis, name("semaphore"), 1).lease(forever);
        let permit = semaphore.try_acquire().await.unwrap().unwrap();
        assert!(permit.extend(forever).await.unwrap());
        assert!(semaphore.try_acquire().await.unwrap().is_none());
        permit.release().await.unwrap();
        let throttle = Throttle::new(redis, name("throttle")).every(forever);
        assert!(throttle.allow().await.unwrap() && !throttle.allow().await.unwrap());
        let debounce = Debounce::new(redis, name("debounce")).wait(forever);
        let waits = tokio::time::timeout(Duration::from_secs(1), debounce.is_last()).await;
        assert!(waits.is_err(), "it waits: {waits:?}");
        assert!(redis.pttl(name("debounce")).await.unwrap().left().is_some());
        for limiter in [
            RateLimiter::fixed_window(1, forever),
            RateLimiter::sliding_window(1, forever),
            RateLimiter::token_bucket(1, forever, 1),
            RateLimiter::gcra(1, forever),
            RateLimiter::strict_window(1, forever),
        ] {
            let limiter = limiter.prefix(name("limit")).build(redis);
            let (first, second) = (limiter.check("ada").await, limiter.check("ada").await);
            assert!(first.unwrap().allowed(), "{limiter:?}");
            assert!(!second.unwrap().allowed(), "{limiter:?}");
            limiter.block("eve", forever).await.unwrap();
            limiter.reset("ada").await.unwrap();
        }
        let sessions = Sessions::new(redis, [7; 32])
            .namespace(name("sessions"))
            .idle(forever)
            .absolute(forever)
            .grace(forever);
        let issued = sessions.create("ada", &1_u8).await.unwrap();
        assert!(
            sessions
                .validate(issued.token().as_str())
                .await
                .unwrap()
                .is_some()
        );
        let calls = Idempotency::new(redis).namespace(name("calls"));
        let calls = calls.lease(forever).ttl(forever);
        for _ in 0..2 {
            let ran = calls
                .run("key", "payload", async || Ok::<_, restis::Error>(5))
                .await;
            assert!(matches!(ran.unwrap(), Ran::Now(5) | Ran::Before(5)));
        }
    }
}
