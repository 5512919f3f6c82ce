//! Schedulers that go on whoever takes their jobs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::{
    Queue,
    queue::{JobError, Repeat},
};
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

/// A queue with a clock of its own.
fn with_clock(scene: &Scene, from: u64) -> (Queue, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(from));
    let clock = Arc::clone(&now);
    let queue = scene.queue.clone().clock(move || clock.load(SeqCst));
    (queue, now)
}

const NOW: u64 = 1_900_000_000_000;
const HOUR: u64 = 3_600_000;

/// Completes all jobs that are due, and returns their ids and what was put back.
async fn run(queue: &Queue) -> (Vec<String>, Vec<String>) {
    let ids = Mutex::new(Vec::new());
    let summary = queue
        .consumer()
        .run_until(SECOND * 20, async |job| {
            ids.lock().unwrap().push(job.id().to_owned());
            Ok::<_, JobError>(())
        })
        .await
        .unwrap();
    let blocked = summary.blocked.iter().map(|one| one.id.clone()).collect();
    let mut ids = ids.into_inner().unwrap();
    ids.sort();
    (ids, blocked)
}

#[tokio::test]
async fn job_of_a_scheduler_that_cannot_be_continued_keeps_no_other_waiting() {
    let scene = Scene::of("bullmq").await;
    let breaks: [(&str, &[&str]); 5] = [
        (
            "pattern",
            &["HSET", "bull:work:repeat:bad", "pattern", "every full moon"],
        ),
        (
            "zone",
            &[
                "HSET",
                "bull:work:repeat:bad",
                "pattern",
                "* * * * *",
                "tz",
                "Europe/Nowhere",
            ],
        ),
        ("type", &["SET", "bull:work:repeat:bad", "text"]),
        (
            "fields",
            &["HSET", "bull:work:repeat:bad", "every", "never"],
        ),
        ("interval", &["HSET", "bull:work:repeat:bad", "every", "0"]),
    ];
    for priority in [0, 1] {
        for batch_size in [1, 3, 10] {
            for (what, words) in breaks {
                let (queue, now) = with_clock(&scene, NOW);
                let job = queue.add("bad", &()).priority(priority);
                let bad = queue
                    .upsert_scheduler("bad", Repeat::every(SECOND * 60), job)
                    .await
                    .unwrap();
                // Its options are as broken as its hash.
                scene
                    .redis
                    .hset(format!("bull:work:{bad}"), ("opts", "{}"))
                    .await
                    .unwrap();
                scene.redis.del("bull:work:repeat:bad").await.unwrap();
                let command = scene.redis.command(words[0]);
                words[1..]
                    .iter()
                    .fold(command, |command, word| command.arg(*word))
                    .await
                    .unwrap();
                for _ in 0..5 {
                    queue.add("good", &()).priority(priority * 2).await.unwrap();
                }
                let done = std::sync::atomic::AtomicUsize::new(0);
                scene.server.reset().await.unwrap();
                let summary = queue
                    .consumer()
                    .batch_size(batch_size)
                    .run_until(SECOND * 20, async |job| {
                        assert_eq!(job.name(), "good");
                        done.fetch_add(1, SeqCst);
                        Ok::<_, JobError>(())
                    })
                    .await
                    .unwrap();
                let requests = scene.server.stats().await.unwrap().requests;
                assert_eq!((done.into_inner(), summary.completed), (5, 5), "{what}");
                let [blocked] = &summary.blocked[..] else {
                    panic!("{what}: {summary:?}");
                };
                assert_eq!((&blocked.id, &*blocked.scheduler), (&bad, "bad"), "{what}");
                assert!(
                    !blocked.reason.is_empty() && !blocked.reason.contains("moon"),
                    "{blocked:?}"
                );
                // It does not go round and round.
                assert!(requests <= 20, "{what}: {requests} requests");
                let seen = scene.job(&bad).await;
                let state = if priority == 0 {
                    "waiting"
                } else {
                    "prioritized"
                };
                assert_eq!(
                    (&seen["state"], &seen["attemptsStarted"]),
                    (&json!(state), &json!(0)),
                    "{what}"
                );
                assert_eq!(scene.counts().await["active"], 0);
                // A later run tries it again.
                assert_eq!(run(&queue).await, (vec![], vec![bad.clone()]));
                // Setting the scheduler again mends it.
                let every = Repeat::every(SECOND * 60);
                if what == "type" {
                    scene.redis.del("bull:work:repeat:bad").await.unwrap();
                }
                let next = queue
                    .upsert_scheduler("bad", every, queue.add("bad", &()))
                    .await
                    .unwrap();
                now.fetch_add(60_000, SeqCst);
                assert_eq!(run(&queue).await, (vec![next], vec![]), "{what}");
                scene.redis.flushall().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn job_of_a_removed_scheduler_is_a_job_as_any_other() {
    let scene = Scene::of("bullmq").await;
    let (queue, _) = with_clock(&scene, NOW);
    let every = Repeat::every(SECOND * 60);
    let id = queue
        .upsert_scheduler("a", every, queue.add("a", &()))
        .await
        .unwrap();
    scene
        .redis
        .hset(format!("bull:work:{id}"), ("opts", "{}"))
        .await
        .unwrap();
    // As BullMQ removes one whose job is not delayed.
    scene.redis.zrem("bull:work:repeat", "a").await.unwrap();
    scene.redis.del("bull:work:repeat:a").await.unwrap();
    assert_eq!(run(&queue).await, (vec![id], vec![]));
    assert_eq!(queue.counts().await.unwrap().delayed, 0);
}

#[tokio::test]
async fn scheduler_that_is_set_again_and_again_runs_once() {
    let scene = Scene::of("bullmq").await;
    for (name, repeat) in [
        ("every", Repeat::every(SECOND * 3600)),
        ("pattern", Repeat::cron("0 0 1 1 *").tz("UTC")),
    ] {
        let (queue, _) = with_clock(&scene, NOW);
        let mut runs = 0;
        for _ in 0..5 {
            queue
                .upsert_scheduler(name, repeat.clone(), queue.add("a", &()))
                .await
                .unwrap();
            runs += run(&queue).await.0.len();
        }
        assert_eq!(runs, usize::from(name == "every"), "{name}");
        let counts = queue.counts().await.unwrap();
        assert_eq!((counts.delayed, counts.waiting), (1, 0));
        scene.redis.flushall().await.unwrap();
    }
}

#[tokio::test]
async fn slot_whose_job_has_run_is_not_used_again() {
    let scene = Scene::of("bullmq").await;
    for (repeat, slot) in [
        (Repeat::every(SECOND * 3600).offset(SECOND * 60), HOUR),
        (Repeat::cron("0 * * * *").tz("UTC"), HOUR),
    ] {
        let (queue, now) = with_clock(&scene, NOW);
        let set = async || {
            let job = queue.add("a", &());
            queue
                .upsert_scheduler("a", repeat.clone(), job)
                .await
                .unwrap()
        };
        let slot_of = |id: &str| id.rsplit(':').next().unwrap().parse::<u64>().unwrap();
        let first = set().await;
        // Promoted, it runs before its time.
        queue.promote([first.as_str()]).await.unwrap();
        assert_eq!(run(&queue).await.0, std::slice::from_ref(&first));
        assert!(queue.remove_scheduler("a").await.unwrap());
        let second = set().await;
        assert_eq!(slot_of(&second), slot_of(&first) + slot);
        assert_eq!(queue.counts().await.unwrap().delayed, 1);
        // Nor by the scheduler itself, when it goes on.
        let third = format!("repeat:a:{}", slot_of(&second) + slot);
        let words = [
            ("name", "a"),
            ("timestamp", "1"),
            ("processedOn", "1"),
            ("finishedOn", "1"),
        ];
        scene
            .redis
            .hset(format!("bull:work:{third}"), words)
            .await
            .unwrap();
        now.store(slot_of(&second), SeqCst);
        assert_eq!(run(&queue).await, (vec![second.clone()], vec![]));
        let next = queue.schedulers().await.unwrap()[0].next;
        assert_eq!(next, slot_of(&second) + 2 * slot);
        assert_eq!(queue.counts().await.unwrap().delayed, 1);
        scene.redis.flushall().await.unwrap();
    }
}

/// Any key of a scheduler is evicted: it goes on, or it is reported.
#[tokio::test]
async fn scheduler_whose_keys_were_evicted_goes_on() {
    let scene = Scene::of("bullmq").await;
    for repeat in [
        Repeat::every(SECOND * 60),
        Repeat::cron("* * * * *").tz("UTC"),
    ] {
        for lost in [
            &["repeat"][..],
            &["repeat:a"],
            &["{job}"],
            &["delayed"],
            &["repeat", "repeat:a"],
            &["repeat:a", "delayed"],
            &["repeat", "{job}"],
            &["delayed", "{job}"],
        ] {
            let (queue, now) = with_clock(&scene, NOW);
            let job = queue.add("tick", &json!({"say": "tock"})).attempts(3);
            let first = queue
                .upsert_scheduler("a", repeat.clone(), job)
                .await
                .unwrap();
            now.fetch_add(60_000, SeqCst);
            let pending = match run(&queue).await.0.contains(&first) {
                true => format!("repeat:a:{}", queue.schedulers().await.unwrap()[0].next),
                false => first,
            };
            for key in lost {
                let key = key.replace("{job}", &pending);
                assert_eq!(
                    scene.redis.del(format!("bull:work:{key}")).await.unwrap(),
                    1,
                    "{key}"
                );
            }
            // One sweep in eleven looks for it.
            let (mut ran, mut blocked) = (Vec::new(), Vec::new());
            for _ in 0..60 {
                now.fetch_add(61_003, SeqCst);
                scene.redis.del("bull:work:stalled-check").await.unwrap();
                let (ids, back) = run(&queue).await;
                ran.extend(ids);
                blocked.extend(back);
            }
            let is_over = lost.len() == 2 && lost.contains(&"repeat") && lost.contains(&"repeat:a");
            assert!(blocked.is_empty(), "{lost:?}: {blocked:?}");
            // Without both its keys it was removed, as far as anybody can see.
            match is_over {
                true => assert!(ran.len() <= 1, "{lost:?}: {ran:?}"),
                false => assert!(ran.len() >= 25, "{lost:?}: {ran:?}"),
            }
            if let Some(id) = ran.last() {
                let job = queue.job(id).await.unwrap().unwrap();
                assert_eq!(
                    (job.name(), job.data_json()),
                    ("tick", r#"{"say":"tock"}"#),
                    "{lost:?}"
                );
                assert_eq!(job.options()["attempts"], 3, "{lost:?}");
            }
            scene.redis.flushall().await.unwrap();
        }
    }
}

/// What is left of a scheduler says nothing of its jobs.
#[tokio::test]
async fn scheduler_that_has_lost_its_template_is_reported() {
    let scene = Scene::of("bullmq").await;
    let (queue, now) = with_clock(&scene, NOW);
    let every = Repeat::every(SECOND * 60).offset(SECOND);
    let id = queue
        .upsert_scheduler("a", every, queue.add("a", &()))
        .await
        .unwrap();
    for key in ["repeat:a", &id] {
        scene.redis.del(format!("bull:work:{key}")).await.unwrap();
    }
    now.fetch_add(120_000, SeqCst);
    assert_eq!(run(&queue).await, (vec![], vec![id.clone()]));
    let mut reported = 0;
    for _ in 0..60 {
        now.fetch_add(61_003, SeqCst);
        scene.redis.del("bull:work:stalled-check").await.unwrap();
        let (ran, blocked) = run(&queue).await;
        assert!(ran.is_empty());
        reported += blocked.len();
    }
    assert!(reported > 0);
}

#[tokio::test]
async fn crash_loop_of_a_removed_schedulers_job_ends() {
    let scene = Scene::of("bullmq").await;
    let (queue, now) = with_clock(&scene, NOW);
    let consumer = queue.consumer().stalled_interval(SECOND * 30);
    for removed in [true, false] {
        let every = Repeat::every(SECOND * 86_400);
        let id = queue
            .upsert_scheduler("a", every, queue.add("a", &()))
            .await
            .unwrap();
        let mut crashes = 0;
        for _ in 0..12 {
            let batch = consumer.pull(1).await.unwrap();
            if let [job] = batch.jobs() {
                assert_eq!(job.id(), id);
                crashes += 1;
                if removed && crashes == 1 {
                    assert!(queue.remove_scheduler("a").await.unwrap());
                }
                scene
                    .redis
                    .del(format!("bull:work:{id}:lock"))
                    .await
                    .unwrap();
            } else {
                // What others have decided is sent with the settlement.
                batch.settle().await.unwrap();
            }
            now.fetch_add(30_000, SeqCst);
            scene.redis.del("bull:work:stalled-check").await.unwrap();
        }
        let state = queue
            .state(&id)
            .await
            .unwrap()
            .map(|state| state.to_string());
        match removed {
            true => assert_eq!((crashes, state.as_deref()), (2, Some("failed"))),
            // As in BullMQ: nobody else would add the next one.
            false => assert!(
                crashes > 3 && state.as_deref() != Some("failed"),
                "{crashes}"
            ),
        }
        scene.redis.flushall().await.unwrap();
    }
}

#[tokio::test]
async fn next_job_of_a_scheduler_is_removed_with_it_alone() {
    let scene = Scene::of("bullmq").await;
    let every = Repeat::every(SECOND * 60).offset(SECOND);
    let id = scene
        .queue
        .upsert_scheduler("a", every, scene.queue.add("a", &()))
        .await
        .unwrap();
    assert_eq!(scene.queue.remove([id.as_str()]).await.unwrap(), 0);
    assert_eq!(scene.queue.counts().await.unwrap().delayed, 1);
    assert!(scene.queue.remove_scheduler("a").await.unwrap());
    assert_eq!(scene.queue.job(&id).await.unwrap(), None);
}

fn repeat_is_immediate(options: &Value) -> bool {
    options["immediately"] == true
}

/// Both sides set the same scheduler and work through it, at the same times.
#[tokio::test]
async fn slots_are_bullmqs_whatever_the_options() {
    let scene = Scene::of("bullmq").await;
    // A whole minute, and a little.
    let start = 1_899_999_960_000_u64 + 1234;
    let second = Duration::from_secs;
    let cases = [
        (Repeat::every(second(60)), json!({"every": 60_000})),
        (
            Repeat::every(second(60)).limit(2),
            json!({"every": 60_000, "limit": 2}),
        ),
        (
            Repeat::every(second(60)).limit(1),
            json!({"every": 60_000, "limit": 1}),
        ),
        (
            Repeat::every(second(60)).offset(second(7)),
            json!({"every": 60_000, "offset": 7000}),
        ),
        (
            Repeat::every(second(60)).start(start + 90_500),
            json!({"every": 60_000, "startDate": start + 90_500}),
        ),
        (
            Repeat::every(second(60)).start(start - 90_500),
            json!({"every": 60_000, "startDate": start - 90_500}),
        ),
        (
            Repeat::every(second(60)).end(start + 90_500),
            json!({"every": 60_000, "endDate": start + 90_500}),
        ),
        (
            Repeat::every(second(60))
                .start(start + 500)
                .offset(second(7))
                .limit(3),
            json!({"every": 60_000, "startDate": start + 500, "offset": 7000, "limit": 3}),
        ),
        (
            Repeat::cron("* * * * *").tz("UTC"),
            json!({"pattern": "* * * * *", "tz": "UTC"}),
        ),
        (
            Repeat::cron("*/2 * * * *").tz("UTC").limit(2),
            json!({"pattern": "*/2 * * * *", "tz": "UTC", "limit": 2}),
        ),
        (
            Repeat::cron("* * * * *").immediately(),
            json!({"pattern": "* * * * *", "immediately": true}),
        ),
        (
            Repeat::cron("30 * * * * *")
                .start(start + 90_500)
                .end(start + 300_000),
            json!({"pattern": "30 * * * * *", "startDate": start + 90_500, "endDate": start + 300_000}),
        ),
        (
            Repeat::cron("H * * * * *").hash_seed("x"),
            json!({"pattern": "H * * * * *", "hashSeed": "x"}),
        ),
    ];
    for (repeat, options) in cases {
        scene.redis.flushall().await.unwrap();
        let (queue, now) = with_clock(&scene, start);
        // The job, and the hash of its scheduler.
        let seen = async |side: &str, id: &str| {
            let job = scene.ask("job", json!({"queue": side, "job": id})).await;
            let mut repeat = job["opts"]["repeat"].clone();
            // It writes null where there is none.
            repeat
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            let hash = scene
                .redis
                .hgetall::<String>(format!("bull:{side}:repeat:s"))
                .await
                .unwrap();
            // For a pattern it writes an offset that has no meaning.
            let hash: BTreeMap<String, String> = hash
                .into_iter()
                .filter(|(name, _)| {
                    name != "opts" && (name != "offset" || options.get("every").is_some())
                })
                .collect();
            json!([
                repeat,
                job["delay"],
                job["timestamp"],
                job["opts"]["delay"],
                job["state"],
                hash
            ])
        };
        let next = async |side: &str| {
            let next: Option<f64> = scene
                .redis
                .zscore(format!("bull:{side}:repeat"), "s")
                .await
                .unwrap();
            next.unwrap() as u64
        };
        let set = async |at: u64| {
            let job = queue.add("x", &json!({}));
            let ours = queue
                .upsert_scheduler("s", repeat.clone(), job)
                .await
                .unwrap();
            let words = json!({"queue": "theirs", "scheduler": "s", "repeat": options, "template": {"name": "x"}, "at": at});
            (ours, scene.ask("schedule", words).await)
        };
        let (mut ours, theirs) = set(start).await;
        assert_eq!(json!(ours), theirs, "{options}");
        // On time, late by less than a slot and by more, and set again in between.
        for (step, lag) in [0, 0, 20_000, 130_000, 0, 59_999, 0]
            .into_iter()
            .enumerate()
        {
            let what = format!("{options} in step {step}");
            assert_eq!(
                seen("work", &ours).await,
                seen("theirs", &ours).await,
                "{what}"
            );
            let slot: u64 = ours.rsplit(':').next().unwrap().parse().unwrap();
            let at = slot.max(now.load(SeqCst)) + lag;
            now.store(at, SeqCst);
            let taken = scene
                .ask("once", json!({"queue": "theirs", "at": at}))
                .await;
            assert_eq!(taken, json!(ours), "{what}");
            assert_eq!(run(&queue).await, (vec![ours.clone()], vec![]), "{what}");
            let (mine, other) = (next("work").await, next("theirs").await);
            assert_eq!(mine, other, "{what}");
            if mine == slot {
                // It has come to its end.
                assert!(step > 0 || options["limit"] == 1, "{what}");
                break;
            }
            ours = format!("repeat:s:{mine}");
            // Set again at the very time of a job that has run, BullMQ overwrites that.
            let is_set = step == 4 && !repeat_is_immediate(&options);
            if is_set && options.get("endDate").is_none() {
                let (again, theirs) = set(at).await;
                assert_eq!(json!(again), theirs, "{what}");
                ours = again;
            }
        }
    }
}
