//! Schedulers that go on whoever takes their jobs.

use std::time::Duration;

use restis::queue::Repeat;
use serde_json::{Value, json};

use super::{SECOND, Scene, VERSIONS, until};

const MILLI: Duration = Duration::from_millis(1);

/// Takes and completes what is due; how many jobs that were.
async fn take(scene: &Scene) -> usize {
    let mut batch = scene.queue.consumer().pull(5).await.unwrap();
    let jobs = batch.jobs().to_vec();
    for job in &jobs {
        batch.complete(job.id(), &"done").unwrap();
    }
    batch.settle().await.unwrap();
    jobs.len()
}

#[tokio::test]
async fn it_goes_on_whoever_takes_its_jobs() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let job = scene.queue.add("tick", &json!({"say": "tock"})).attempts(2);
        let repeat = Repeat::every(MILLI * 300);
        scene
            .queue
            .upsert_scheduler("ours", repeat, job)
            .await
            .unwrap();
        let template = json!({"name": "tick", "data": {"say": "tack"}, "opts": {"attempts": 2}});
        let words = json!({"scheduler": "theirs", "repeat": {"every": 300}, "template": template});
        scene.ask("schedule", words).await;
        let seen = scene.ask("schedulers", json!({})).await;
        let mut seen: Vec<(String, u64)> = (seen.as_array().unwrap().iter())
            .map(|one| {
                (
                    one["key"].as_str().unwrap().to_owned(),
                    one["every"].to_string().trim_matches('"').parse().unwrap(),
                )
            })
            .collect();
        seen.sort();
        assert_eq!(seen, [("ours".to_owned(), 300), ("theirs".to_owned(), 300)]);
        let mut ids: Vec<String> = (scene.queue.schedulers().await.unwrap().into_iter())
            .map(|one| one.id)
            .collect();
        ids.sort();
        assert_eq!(ids, ["ours", "theirs"]);
        // Here, in turns with there.
        for _ in 0..2 {
            let mut taken = 0;
            until("six were taken here", async || {
                taken += take(&scene).await;
                tokio::time::sleep(MILLI * 50).await;
                Ok(taken >= 6)
            })
            .await
            .unwrap();
            scene.ask("work", json!({"drainDelay": 1})).await;
            let worked = scene.worked(6).await;
            for name in ["ours", "theirs"] {
                let prefix = format!("repeat:{name}:");
                let of = |one: &&Value| one["id"].as_str().unwrap().starts_with(&prefix);
                assert!(
                    worked.iter().filter(of).count() >= 2,
                    "{version}: {worked:?}"
                );
            }
            scene.ask("rest", json!({})).await;
        }
        // One job is there of each, and not two.
        let counts = scene.queue.counts().await.unwrap();
        assert_eq!(counts.delayed + counts.waiting, 2, "{counts:?}");
        assert!(scene.queue.remove_scheduler("theirs").await.unwrap());
        assert!(!scene.queue.remove_scheduler("theirs").await.unwrap());
        scene.ask("unschedule", json!({"scheduler": "ours"})).await;
        assert!(scene.queue.schedulers().await.unwrap().is_empty());
        let counts = scene.queue.counts().await.unwrap();
        assert_eq!((counts.delayed, counts.waiting), (0, 0), "{version}");
        // Those that were done are kept; nothing else is left of either.
        let completed = scene.queue.counts().await.unwrap().completed;
        let left: Vec<String> = scene.redis.keys("bull:work:repeat*").await.unwrap();
        assert_eq!(left.len() as u64, completed, "{version}: {left:?}");
    }
}

/// A job that is taken a second time, since its worker had gone, does not turn the schedule back.
#[tokio::test]
async fn a_job_that_is_found_again_does_not_turn_it_back() {
    let scene = Scene::of("bullmq").await;
    let now = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1_900_000_000_000));
    let clock = std::sync::Arc::clone(&now);
    let load = move || clock.load(std::sync::atomic::Ordering::SeqCst);
    let go_on = |millis| now.fetch_add(millis, std::sync::atomic::Ordering::SeqCst);
    let queue = scene.queue.clone().clock(load);
    let ten = Repeat::every(SECOND * 10);
    queue
        .upsert_scheduler("a", ten, queue.add("tick", &()))
        .await
        .unwrap();
    let consumer = queue.consumer();
    let lost = consumer.pull(1).await.unwrap();
    let id = lost.jobs()[0].id().to_owned();
    go_on(10_000);
    let mut batch = consumer.pull(1).await.unwrap();
    let second = batch.jobs()[0].id().to_owned();
    assert_ne!(second, id);
    batch.complete(&second, &()).unwrap();
    batch.settle().await.unwrap();
    let next = queue.schedulers().await.unwrap()[0].next;
    // The first is found again.
    drop(lost);
    scene
        .redis
        .del(format!("bull:work:{id}:lock"))
        .await
        .unwrap();
    let looks = queue.consumer().stalled_interval(MILLI * 10);
    let mut found = Vec::new();
    while found.is_empty() {
        scene.redis.del("bull:work:stalled-check").await.unwrap();
        found = looks.sweep().await.unwrap();
    }
    go_on(2_000);
    let again = consumer.pull(1).await.unwrap();
    assert_eq!(again.jobs()[0].id(), id);
    assert_eq!(queue.schedulers().await.unwrap()[0].next, next);
    assert_eq!(queue.counts().await.unwrap().delayed, 1);
}

/// A job of a scheduler looks like the one that BullMQ makes.
#[tokio::test]
async fn its_jobs_are_bullmqs() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let hour = Repeat::every(SECOND * 3600);
        let job = scene.queue.add("tick", &json!({"a": 1})).priority(2);
        let ours = scene
            .queue
            .upsert_scheduler("ours", hour, job)
            .await
            .unwrap();
        let template = json!({"name": "tick", "data": {"a": 1}, "opts": {"priority": 2}});
        let words =
            json!({"scheduler": "theirs", "repeat": {"every": 3_600_000}, "template": template});
        let theirs = scene.ask("schedule", words).await;
        let seen = async |id: &str| {
            let job = scene.job(id).await;
            let mut repeat = job["opts"]["repeat"].clone();
            // What it makes of the two is its own.
            let repeat = repeat.as_object_mut().unwrap();
            for name in ["offset", "key"] {
                repeat.remove(name);
            }
            (
                job["name"].clone(),
                job["data"].clone(),
                job["priority"].clone(),
                json!(repeat),
                job["state"].clone(),
            )
        };
        assert_eq!(
            seen(&ours).await,
            seen(theirs.as_str().unwrap()).await,
            "{version}"
        );
        // Set again it is one.
        let job = scene.queue.add("other", &());
        let again = Repeat::every(SECOND * 60);
        scene
            .queue
            .upsert_scheduler("ours", again, job)
            .await
            .unwrap();
        let schedulers = scene.queue.schedulers().await.unwrap();
        assert_eq!(schedulers.len(), 2);
        let counts = scene.queue.counts().await.unwrap();
        assert_eq!(
            counts.waiting + counts.delayed + counts.prioritized,
            2,
            "{version}"
        );
    }
}

/// By a pattern in a time zone, on either side; what both say of the next time is the same.
#[tokio::test]
async fn patterns_go_on_too() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let each_second = Repeat::cron("* * * * * *").tz("Asia/Kathmandu");
        let job = scene.queue.add("tick", &json!({"say": "tock"}));
        scene
            .queue
            .upsert_scheduler("ours", each_second, job)
            .await
            .unwrap();
        let template = json!({"name": "tick", "data": {}});
        let repeat = json!({"pattern": "* * * * * *", "tz": "Asia/Kathmandu"});
        let words = json!({"scheduler": "theirs", "repeat": repeat, "template": template});
        scene.ask("schedule", words).await;
        let mut taken = 0;
        until("four were taken here", async || {
            taken += take(&scene).await;
            tokio::time::sleep(MILLI * 100).await;
            Ok(taken >= 4)
        })
        .await
        .unwrap();
        scene.ask("work", json!({"drainDelay": 1})).await;
        scene.worked(4).await;
        scene.ask("rest", json!({})).await;
        let counts = scene.queue.counts().await.unwrap();
        assert_eq!(counts.delayed + counts.waiting, 2, "{version} {counts:?}");
        // Far ahead, where summer time begins and ends.
        for (pattern, zone) in [
            ("30 4 * * *", "Europe/Berlin"),
            ("0 9 * * 1-5", "America/New_York"),
            ("15 3 1 */2 *", "Australia/Sydney"),
        ] {
            let job = scene.queue.add("tick", &());
            let repeat = Repeat::cron(pattern).tz(zone);
            scene
                .queue
                .upsert_scheduler("a", repeat, job)
                .await
                .unwrap();
            let repeat = json!({"pattern": pattern, "tz": zone});
            let words = json!({"scheduler": "b", "repeat": repeat, "template": {"name": "tick"}});
            scene.ask("schedule", words).await;
            let all = scene.queue.schedulers().await.unwrap();
            let next = |id: &str| all.iter().find(|one| one.id == id).map(|one| one.next);
            assert_eq!(next("a"), next("b"), "{version} {pattern}");
        }
    }
}

#[tokio::test]
async fn it_ends_when_it_was_said() {
    let scene = Scene::of("bullmq").await;
    let twice = Repeat::every(MILLI * 50).limit(2);
    scene
        .queue
        .upsert_scheduler("twice", twice, scene.queue.add("a", &()))
        .await
        .unwrap();
    let mut taken = 0;
    until("both were taken", async || {
        taken += take(&scene).await;
        Ok(taken == 2)
    })
    .await
    .unwrap();
    tokio::time::sleep(MILLI * 120).await;
    assert_eq!(take(&scene).await, 0);
    let over = Repeat::every(SECOND).end(1000);
    let error = scene
        .queue
        .upsert_scheduler("over", over, scene.queue.add("a", &()))
        .await;
    assert!(error.unwrap_err().is_argument());
}

/// An answer that is lost between the job and the next one does not end it, nor double it.
#[tokio::test]
async fn a_lost_answer_does_not_end_it() {
    let scene = Scene::of("bullmq").await;
    let repeat = Repeat::every(MILLI * 100);
    scene
        .queue
        .upsert_scheduler("a", repeat, scene.queue.add("a", &()))
        .await
        .unwrap();
    take(&scene).await;
    for fault in [
        restis_local::Fault::drop_after(),
        restis_local::Fault::drop_after().skip(1),
    ] {
        tokio::time::sleep(MILLI * 120).await;
        scene.server.local().inject(fault);
        assert_eq!(take(&scene).await, 1);
        let counts = scene.queue.counts().await.unwrap();
        assert_eq!(counts.delayed + counts.waiting, 1);
    }
}
