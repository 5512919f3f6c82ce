//! Queues with many jobs: no script holds the server for long, and what has to stay stays in its order.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use restis::{Queue, Redis, queue::State};
use serde_json::json;

use super::{SECOND, Scene, VERSIONS};

async fn fill(scene: &Scene, queue: &str, state: &str, count: usize) {
    restis_processes::fill(&scene.redis, queue, state, count)
        .await
        .unwrap();
}

fn now() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_millis()
}

/// The processor time that the server's main thread has used. Other programs of a busy machine do not count, as they do in SLOWLOG.
async fn used(redis: &Redis) -> Duration {
    let info = redis.command("INFO").arg("cpu").query::<String>().await;
    let info = info.unwrap();
    let fields = ["used_cpu_user_main_thread:", "used_cpu_sys_main_thread:"];
    let seconds = fields.map(|field| {
        let value = info.lines().find_map(|line| line.strip_prefix(field));
        value.unwrap().trim().parse::<f64>().unwrap()
    });
    Duration::from_secs_f64(seconds.iter().sum())
}

/// A request holds the server for less than 50 ms of its processor. The windows of an operation are alike, so their mean tells.
async fn holds_nobody(scene: &Scene, what: &str, act: impl AsyncFnOnce(&Queue)) {
    scene.server.reset().await.unwrap();
    let before = used(&scene.redis).await;
    act(&scene.queue).await;
    let used = used(&scene.redis).await.saturating_sub(before);
    let requests = scene.server.stats().await.unwrap().requests;
    let each = used / u32::try_from(requests).unwrap();
    println!("{what}: {requests} requests of {each:?}");
    assert!(
        each < Duration::from_millis(50),
        "{what}: {requests} requests of {each:?}"
    );
}

#[tokio::test]
async fn draining_takes_at_most_twice_the_time_of_bullmq() {
    let scene = Scene::of("bullmq").await;
    let mut times = Vec::new();
    for _ in 0..6 {
        fill(&scene, "theirs", "wait", 40_000).await;
        let begun = Instant::now();
        scene.ask("drain", json!({"queue": "theirs"})).await;
        let theirs = begun.elapsed();
        fill(&scene, "work", "wait", 40_000).await;
        let mut ours = Duration::ZERO;
        holds_nobody(&scene, "drain", async |queue: &Queue| {
            let begun = Instant::now();
            assert_eq!(queue.drain(false).await.unwrap(), 40_000);
            ours = begun.elapsed();
        })
        .await;
        let keys: Vec<String> = scene.redis.keys("bull:work:wait?*").await.unwrap();
        assert!(keys.is_empty());
        println!("drain of 40,000: {ours:?}, BullMQ's {theirs:?}");
        // A busy machine slows either down at times.
        if ours <= theirs * 2 {
            return;
        }
        times.push((theirs, ours));
    }
    panic!("{times:?}");
}

#[tokio::test]
async fn cleaning_a_long_queue_of_young_jobs_keeps_them_and_holds_nobody() {
    let scene = Scene::of("bullmq").await;
    for state in ["wait", "delayed", "prioritized", "completed"] {
        fill(&scene, "work", state, 100_000).await;
        let of = |state: &str| match state {
            "wait" => State::Waiting,
            "delayed" => State::Delayed,
            "prioritized" => State::Prioritized,
            _ => State::Completed,
        };
        holds_nobody(&scene, state, async |queue: &Queue| {
            let gone = queue.clean(of(state), SECOND * 3600, u64::MAX).await;
            assert!(gone.unwrap().is_empty());
        })
        .await;
    }
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.delayed), (100_000, 100_000));
    holds_nobody(&scene, "pause", async |queue: &Queue| {
        queue.pause().await.unwrap();
        queue.resume().await.unwrap();
    })
    .await;
    let of = |state: &str| -> Vec<String> { (1..=20_000).map(|n| format!("{state}{n}")).collect() };
    let [delayed, completed, waiting] = ["delayed", "completed", "wait"].map(of);
    fn all(ids: &[String]) -> Vec<&str> {
        ids.iter().map(String::as_str).collect()
    }
    holds_nobody(&scene, "promote", async |queue: &Queue| {
        queue.promote(all(&delayed)).await.unwrap();
    })
    .await;
    holds_nobody(&scene, "retry", async |queue: &Queue| {
        queue
            .retry(State::Completed, all(&completed))
            .await
            .unwrap();
    })
    .await;
    assert_eq!(scene.queue.counts().await.unwrap().waiting, 140_000);
    let some: Vec<&str> = waiting.iter().step_by(100).map(String::as_str).collect();
    holds_nobody(&scene, "remove", async |queue: &Queue| {
        assert_eq!(queue.remove(some.iter().copied()).await.unwrap(), 200);
    })
    .await;
    scene.queue.pause().await.unwrap();
    holds_nobody(&scene, "obliterate", async |queue: &Queue| {
        queue.obliterate(false).await.unwrap();
    })
    .await;
    let keys: Vec<String> = scene.redis.keys("bull:work:*").await.unwrap();
    assert!(keys.is_empty(), "{}", keys.len());
}

/// Cleaning finished jobs costs nothing of the waiting ones.
#[tokio::test]
async fn finished_jobs_are_cleaned_beside_many_that_wait() {
    let scene = Scene::of("bullmq").await;
    fill(&scene, "work", "wait", 200_000).await;
    let add = |n: usize| scene.queue.add("a", &1).job_id(format!("done{n}")).lifo();
    let added = scene.queue.add_bulk((0..200).map(add).collect::<Vec<_>>());
    added.await.unwrap();
    let mut jobs = scene.queue.consumer().pull(200).await.unwrap();
    let ids = jobs.jobs().iter().map(|job| job.id().to_owned());
    for id in ids.collect::<Vec<_>>() {
        jobs.complete(&id, &1).unwrap();
    }
    jobs.settle().await.unwrap();
    holds_nobody(&scene, "clean", async |queue: &Queue| {
        let gone = queue.clean(State::Completed, Duration::ZERO, 1000).await;
        assert_eq!(gone.unwrap().len(), 200);
    })
    .await;
    assert_eq!(scene.queue.counts().await.unwrap().waiting, 200_000);
}

/// Any pattern of old jobs, in lists and sets, with any limit.
#[tokio::test]
async fn cleaning_removes_the_oldest_and_keeps_the_order_of_the_others() {
    let scene = Scene::of("bullmq").await;
    let minute_ago = (now() - 60_000).to_string();
    for round in 0..12_u64 {
        let mut dice = fastrand::Rng::with_seed(round);
        for (state, key) in [
            (State::Waiting, "wait"),
            (State::Prioritized, "prioritized"),
            (State::Active, "active"),
        ] {
            let queue = Queue::new(&scene.redis, format!("c{round}{key}"));
            let count = dice.usize(1..3_500);
            fill(&scene, queue.name(), key, count).await;
            let share = [0.01, 0.5, 0.99, 1.0][dice.usize(..4)];
            let old: Vec<String> = (1..=count)
                .filter(|_| dice.f64() < share)
                .map(|n| format!("{key}{n}"))
                .collect();
            let set = |id: &String| {
                scene.redis.hset(
                    format!("bull:{}:{id}", queue.name()),
                    ("timestamp", &minute_ago),
                )
            };
            for part in old.chunks(2_000) {
                scene
                    .redis
                    .pipeline(part.iter().map(set).collect::<Vec<_>>())
                    .await
                    .unwrap();
            }
            let most = if dice.bool() {
                u64::MAX
            } else {
                dice.u64(..3_000)
            };
            let gone = queue.clean(state, SECOND * 30, most).await.unwrap();
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(old.len());
            assert_eq!(gone, old[..most], "round {round}, {key}, {count}");
            let gone: HashSet<&String> = gone.iter().collect();
            let kept: Vec<String> = (1..=count)
                .map(|n| format!("{key}{n}"))
                .filter(|id| !gone.contains(id))
                .collect();
            let left = queue.jobs(state, 0, 10_000).await.unwrap();
            let left: Vec<&str> = left.iter().map(|job| job.id()).collect();
            assert_eq!(left, kept, "round {round}, {key}, {count}");
        }
    }
}

/// Workers take jobs from the end that is looked at.
#[tokio::test]
async fn cleaning_beside_workers_sees_every_job() {
    let scene = Scene::of("bullmq").await;
    fill(&scene, "work", "wait", 12_000).await;
    // The last of them is old.
    let minute_ago = (now() - 60_000).to_string();
    scene
        .redis
        .hset("bull:work:wait12000", ("timestamp", &minute_ago))
        .await
        .unwrap();
    let take = async {
        for count in [1, 700, 1, 1500, 3] {
            drop(scene.queue.consumer().pull(count).await.unwrap());
        }
    };
    let (gone, ()) = tokio::join!(scene.queue.clean(State::Waiting, SECOND * 30, 10), take);
    assert_eq!(gone.unwrap(), ["wait12000"]);
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.active), (12_000 - 2_205 - 1, 2_205));
}

#[tokio::test]
async fn draining_keeps_the_next_job_of_every_scheduler() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        // 1,200 schedulers, whose next jobs are before all others.
        let script = r"
            local P = ARGV[1]
            for n = 1, 1200 do
                local id = 'repeat:s' .. n .. ':4000000000000'
                redis.call('ZADD', P .. 'repeat', 4000000000000, 's' .. n)
                redis.call('HSET', P .. id, 'name', 'n', 'data', '{}', 'opts', '{}', 'timestamp', 1, 'rjk', 's' .. n)
                if n % 2 == 0 then
                    redis.call('ZADD', P .. 'delayed', n, id)
                else
                    redis.call('LPUSH', P .. 'wait', id)
                end
            end
            return 1";
        let eval = scene.redis.eval::<u32>(script, ()).arg("bull:work:");
        eval.await.unwrap();
        fill(&scene, "work", "wait", 2_500).await;
        for n in 0..5 {
            scene
                .queue
                .add("later", &n)
                .delay(SECOND * 600)
                .await
                .unwrap();
        }
        // One whose scheduler is gone is a job as others.
        scene.redis.zrem("bull:work:repeat", "s1199").await.unwrap();
        assert_eq!(scene.queue.drain(true).await.unwrap(), 2_500 + 5 + 1);
        let counts = scene.queue.counts().await.unwrap();
        assert_eq!((counts.waiting, counts.delayed), (599, 600));
        let left = scene.queue.jobs(State::Waiting, 0, 1000).await.unwrap();
        let left: Vec<&str> = left.iter().filter_map(|job| job.scheduler()).collect();
        let schedulers = (1..1199).step_by(2).map(|n| format!("s{n}"));
        assert_eq!(left, schedulers.collect::<Vec<_>>());
        let old = scene
            .queue
            .clean(State::Delayed, Duration::ZERO, 5000)
            .await;
        assert!(old.unwrap().is_empty(), "{version}");
        // As theirs.
        scene.ask("drain", json!({"delayed": true})).await;
        assert_eq!(
            scene.queue.counts().await.unwrap().delayed,
            600,
            "{version}"
        );
    }
}

#[tokio::test]
async fn pausing_and_resuming_renames_the_list_and_joins_two() {
    for version in VERSIONS {
        for (waiting, paused) in [
            (0, 0),
            (5, 0),
            (0, 5),
            (3_000, 2_000),
            (2_000, 3_000),
            (2_000, 2_000),
        ] {
            let scene = Scene::of(version).await;
            let queue = Queue::new(&scene.redis, format!("p{waiting}-{paused}"));
            // The older ones are in the list of a queue that was paused by BullMQ 5.
            for n in 0..paused + waiting {
                let key = if n < paused { "paused" } else { "wait" };
                let id = format!("n{n}");
                let name = queue.name();
                scene
                    .redis
                    .lpush(format!("bull:{name}:{key}"), &id)
                    .await
                    .unwrap();
                if n == 0 {
                    scene
                        .redis
                        .hset(format!("bull:{name}:meta"), ("paused", 1))
                        .await
                        .unwrap();
                }
            }
            let in_order = async |key: &str| {
                let ids: Vec<String> = scene
                    .redis
                    .lrange(format!("bull:{}:{key}", queue.name()), 0, -1)
                    .await
                    .unwrap();
                let expected: Vec<String> = (0..paused + waiting)
                    .rev()
                    .map(|n| format!("n{n}"))
                    .collect();
                assert_eq!(ids, expected, "{version} {waiting} {paused} {key}");
            };
            queue.resume().await.unwrap();
            in_order("wait").await;
            // No version is in its meta: it is paused as by BullMQ 5.
            queue.pause().await.unwrap();
            in_order("paused").await;
            assert!(queue.is_paused().await.unwrap());
            queue.resume().await.unwrap();
            in_order("wait").await;
            assert!(!queue.is_paused().await.unwrap());
        }
    }
}
