//! A queue whose keys are evicted at random goes on: what is left of its jobs is done, and new ones are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::SystemTime,
};

use restis::{
    Queue,
    queue::{ChildFailure, Consumer, Deduplication, Pulled},
};
use serde_json::Value;

use super::{SECOND, Scene, families::once};

const DAY: u64 = 86_400_000;

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(now.unwrap().as_millis()).unwrap()
}

/// Takes and completes until nothing is left in any state that is not final.
async fn finish(consumers: &[Consumer], queues: &[Queue], clock: &AtomicU64) -> Result<(), String> {
    let mut left = String::new();
    for _ in 0..400 {
        clock.fetch_add(1, SeqCst);
        for consumer in consumers {
            let mut batch = consumer.pull(20).await.unwrap();
            for job in batch.jobs().to_vec() {
                assert!(!job.name().is_empty(), "half of a job was handed out");
                batch.complete(job.id(), &1).unwrap();
            }
            batch.settle().await.unwrap();
        }
        left.clear();
        for queue in queues {
            let counts = queue.counts().await.unwrap();
            let open = [
                counts.waiting,
                counts.paused,
                counts.prioritized,
                counts.delayed,
                counts.waiting_children,
                counts.active,
            ];
            if open.iter().any(|count| *count > 0) {
                left.push_str(&format!("{}: {counts:?} ", queue.name()));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
    }
    Err(left)
}

#[tokio::test]
async fn no_queue_is_stuck_after_its_keys_were_evicted() {
    let scene = Scene::of("bullmq").await;
    let mut seed = 11_u64;
    let mut pick = |count: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % count
    };
    for round in 0..60 {
        scene.flush().await;
        let clock = Arc::new(AtomicU64::new(now()));
        let queues: Vec<Queue> = ["work", "other"]
            .iter()
            .map(|name| {
                let clock = Arc::clone(&clock);
                Queue::new(&scene.redis, *name).clock(move || clock.load(SeqCst))
            })
            .collect();
        let [work, other] = &queues[..] else { return };
        let consumers: Vec<Consumer> = (queues.iter())
            .map(|queue| {
                let consumer = queue.consumer().stalled_interval(SECOND / 1000);
                consumer.max_stalled(1000)
            })
            .collect();
        // Taken by a worker that is gone at once.
        for n in 0..3 {
            work.add("gone", &n)
                .job_id(format!("gone{n}"))
                .await
                .unwrap();
        }
        let gone = consumers[0].clone().lock(SECOND / 1000);
        let gone = gone.pull(3).await.unwrap();
        assert_eq!(gone.jobs().len(), 3);
        for n in 0..4 {
            work.add("plain", &n)
                .job_id(format!("plain{n}"))
                .await
                .unwrap();
            let first = work.add("first", &n).job_id(format!("first{n}"));
            first.priority(n + 1).await.unwrap();
            let late = work.add("late", &n).job_id(format!("late{n}"));
            late.delay(SECOND * 60).await.unwrap();
        }
        let held = || work.add("held", &()).deduplication(Deduplication::new("x"));
        held().await.unwrap();
        for n in 0..2 {
            let mode = [ChildFailure::FailParent, ChildFailure::Wait][n];
            let children = (0..3).map(|m| {
                other
                    .add("child", &m)
                    .job_id(format!("child{n}{m}"))
                    .on_failure(mode)
            });
            let middle = other.add("middle", &()).job_id(format!("middle{n}"));
            let middle = middle.on_failure(ChildFailure::FailParent);
            let middle = middle.children(children.collect::<Vec<_>>());
            let beside = work.add("beside", &()).job_id(format!("beside{n}"));
            let parent = work.add("parent", &()).job_id(format!("parent{n}"));
            parent.children([middle, beside]).await.unwrap();
        }
        once(other, Some("bad")).await;
        let content = scene.ask("content", serde_json::json!({})).await;
        let keys: Vec<String> = content
            .as_object()
            .unwrap()
            .keys()
            .map(|key| format!("bull:{key}"))
            .collect();
        let mut evicted =
            vec![["bull:work:meta", "bull:other:meta", "bull:work:stalled"][pick(3)].to_owned()];
        for _ in 0..1 + pick(6) {
            evicted.push(keys[pick(keys.len())].clone());
        }
        scene.redis.del(&evicted[..]).await.unwrap();
        clock.fetch_add(DAY, SeqCst);
        let what = format!("{round}: without {evicted:?}");
        if let Err(left) = finish(&consumers, &queues, &clock).await {
            panic!("{what}: {left}");
        }
        // New ones are done too, also that of the deduplication.
        for queue in &queues {
            let id = queue.add("new", &()).await.unwrap();
            assert_eq!(once(queue, None).await.as_deref(), Some(&*id), "{what}");
        }
        let id = held().await.unwrap();
        assert_eq!(once(work, None).await.as_deref(), Some(&*id), "{what}");
        // No write has made half of a job.
        let content = scene.ask("content", serde_json::json!({})).await;
        for (key, value) in content.as_object().unwrap() {
            let is_job = key.split(':').count() == 2 && value.is_object();
            assert!(
                !is_job || value["name"].is_string(),
                "{what}: {key}: {value}"
            );
        }
    }
}

/// The mark of a pause is evicted where an older BullMQ keeps the waiting jobs in a list of their own.
#[tokio::test]
async fn a_pause_whose_mark_was_evicted_is_over() {
    for has_others in [false, true] {
        let scene = Scene::of("bullmq5").await;
        for n in 0..3 {
            scene.queue.add("a", &n).await.unwrap();
        }
        scene.ask("pause", serde_json::json!({})).await;
        assert_eq!(scene.queue.counts().await.unwrap().paused, 3);
        scene.redis.del("bull:work:meta").await.unwrap();
        if has_others {
            scene.queue.add("a", &3).await.unwrap();
        }
        let consumer = scene.queue.consumer().stalled_interval(SECOND / 1000);
        let batch = consumer.pull(9).await.unwrap();
        assert_eq!(batch.pulled(), Pulled::Ready);
        let found: Vec<Value> = batch.jobs().iter().map(|job| job.data().unwrap()).collect();
        let expected: Vec<u32> = (0..if has_others { 4 } else { 3 }).collect();
        assert_eq!(serde_json::json!(found), serde_json::json!(expected));
    }
}

/// A result that arrives after the list of active jobs was evicted is kept, and a job whose hash was evicted is not made anew.
#[tokio::test]
async fn a_worker_settles_what_is_left_of_its_job() {
    let scene = Scene::of("bullmq").await;
    let id = scene.queue.add("a", &()).await.unwrap();
    let mut batch = scene.queue.consumer().pull(1).await.unwrap();
    scene.redis.del("bull:work:active").await.unwrap();
    batch.complete(&id, &1).unwrap();
    assert!(batch.settle().await.unwrap()[0].1.is_done());
    assert_eq!(scene.job(&id).await["state"], "completed");
    for retries in [false, true] {
        let id = scene.queue.add("a", &()).attempts(2).await.unwrap();
        let mut batch = scene.queue.consumer().pull(1).await.unwrap();
        scene.redis.del(format!("bull:work:{id}")).await.unwrap();
        match retries {
            true => batch.fail(&id, "no luck"),
            false => batch.complete(&id, &1).unwrap(),
        }
        let settled = batch.settle().await.unwrap();
        assert_eq!(settled[0].1, restis::queue::Settled::Gone);
        let counts = scene.queue.counts().await.unwrap();
        assert_eq!((counts.active, counts.waiting, counts.completed), (0, 0, 1));
        let left = scene.redis.exists(format!("bull:work:{id}")).await.unwrap();
        assert_eq!(left, 0);
    }
}
