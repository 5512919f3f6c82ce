//! Jobs that are taken and settled over HTTP, and what BullMQ sees of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::{
    Queue,
    queue::{
        Backoff, Batch, ChildFailure, Consumer, JobError, Keep, Pulled, Settled, State, Stopped,
    },
};
use restis_local::Fault;
use serde_json::{Value, json};

use super::{SECOND, Scene, VERSIONS, names, until};

const MILLI: Duration = Duration::from_millis(1);

/// The only job of a pull.
async fn one(consumer: &Consumer) -> (Batch, String) {
    let batch = consumer.pull(1).await.unwrap();
    let id = batch.jobs()[0].id().to_owned();
    (batch, id)
}

/// What came of the only job that was settled.
async fn settled(batch: Batch) -> Settled {
    let settled = batch.settle().await.unwrap();
    assert_eq!(settled.len(), 1);
    settled[0].1
}

/// Jobs that both sides have completed and failed look the same, and who waits there hears of it.
#[tokio::test]
async fn what_is_settled_here_is_finished_there() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("listen", json!({})).await;
        let opts = json!({"attempts": 1});
        let add = async |data: Value| {
            let words = json!({"name": "a", "data": data, "opts": opts.clone()});
            scene.ask("add", words).await.as_str().unwrap().to_owned()
        };
        let waited = add(json!({"say": {"sum": 3}})).await;
        let words = json!({"do": "wait", "queue": "work", "job": waited});
        let waiting = scene.bull.begin(&words).await.unwrap();
        let consumer = scene.queue.consumer().name("edge");
        let (mut batch, id) = one(&consumer).await;
        assert_eq!((&id, batch.jobs()[0].name()), (&waited, "a"));
        batch.complete(&id, &json!({"sum": 3})).unwrap();
        assert_eq!(settled(batch).await, Settled::Done);
        assert_eq!(waiting.answer().await.unwrap(), json!({"sum": 3}));
        let failed = add(json!({"fail": "no luck"})).await;
        let (mut batch, id) = one(&consumer).await;
        batch.fail(&id, "no luck");
        assert_eq!(settled(batch).await, Settled::Done);
        // The same by its own worker.
        scene.ask("work", json!({"name": "edge"})).await;
        let their_waited = add(json!({"say": {"sum": 3}})).await;
        let their_failed = add(json!({"fail": "no luck"})).await;
        scene.until_state(&their_failed, "failed").await;
        let seen = async |id: &str| {
            let mut job = scene.job(id).await;
            for field in ["id", "timestamp", "processedOn", "finishedOn"] {
                assert!(!job[field].is_null(), "{field}");
                job[field] = json!(null);
            }
            // A stack in JavaScript has more lines.
            let stack = job["stacktrace"].take();
            (job, stack.as_array().map_or(0, Vec::len))
        };
        assert_eq!(seen(&waited).await, seen(&their_waited).await, "{version}");
        assert_eq!(seen(&failed).await, seen(&their_failed).await, "{version}");
        let heard = async |id: &str| {
            let heard = scene.ask("heard", json!({})).await;
            let heard = heard.as_array().unwrap().iter();
            let mut heard: Vec<Value> = heard
                .filter(|event| event["jobId"] == id)
                .cloned()
                .collect();
            for event in &mut heard {
                event["jobId"] = json!(null);
            }
            heard
        };
        until("all is heard", async || {
            Ok(heard(&failed).await.len() == heard(&their_failed).await.len())
        })
        .await
        .unwrap();
        assert_eq!(
            heard(&waited).await,
            heard(&their_waited).await,
            "{version}"
        );
        assert_eq!(
            heard(&failed).await,
            heard(&their_failed).await,
            "{version}"
        );
    }
}

#[tokio::test]
async fn what_taking_costs() {
    let scene = Scene::of("bullmq").await;
    let consumer = scene.queue.consumer();
    let add = async |count: usize| {
        let jobs = (0..count).map(|n| scene.queue.add("n", &n));
        scene
            .queue
            .add_bulk(jobs.collect::<Vec<_>>())
            .await
            .unwrap();
    };
    let price = async |act: &dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = Batch>>>| {
        scene.server.reset().await.unwrap();
        let batch = act().await;
        let stats = scene.server.stats().await.unwrap();
        (batch, (stats.requests, stats.billed))
    };
    // The scripts are known from now on, and nobody looks for the stalled again so soon.
    add(1).await;
    let (mut batch, id) = one(&consumer).await;
    batch.complete(&id, &()).unwrap();
    batch.settle().await.unwrap();
    let pull = |most: usize| {
        let consumer = consumer.clone();
        move || -> std::pin::Pin<Box<dyn Future<Output = Batch>>> {
            let consumer = consumer.clone();
            Box::pin(async move { consumer.pull(most).await.unwrap() })
        }
    };
    let (_, idle) = price(&pull(10)).await;
    println!("idle {idle:?}");
    assert!(idle.0 == 1 && idle.1 <= 9, "{idle:?}");
    add(21).await;
    let (batch, first) = price(&pull(1)).await;
    println!("pull 1: {first:?}");
    assert!(first.0 == 1 && first.1 <= 13, "{first:?}");
    batch.settle().await.unwrap();
    let (mut batch, ten) = price(&pull(10)).await;
    println!("pull 10: {ten:?}");
    assert!(ten.0 == 1 && ten.1 <= 49, "{ten:?}");
    for job in batch.jobs().to_vec() {
        batch.complete(job.id(), &1).unwrap();
    }
    scene.server.reset().await.unwrap();
    let (settled, batch) = batch.settle_and_pull(10).await.unwrap();
    let stats = scene.server.stats().await.unwrap();
    println!("settle 10 + pull 10: {} {}", stats.requests, stats.billed);
    assert!(settled.iter().all(|(_, what)| *what == Settled::Done));
    assert_eq!(
        (settled.len(), batch.jobs().len(), stats.requests),
        (10, 10, 1)
    );
    assert!(stats.billed <= 120, "{}", stats.billed);
    scene.server.reset().await.unwrap();
    assert!(batch.extend().await.unwrap().is_empty());
    let stats = scene.server.stats().await.unwrap();
    assert_eq!(
        (stats.requests, stats.billed),
        (1 + 1, 2 * (1 + 2 + 10) - 12)
    );
}

/// Called each minute for a day with nothing to do.
#[tokio::test]
async fn a_day_with_nothing_to_do() {
    let scene = Scene::of("bullmq").await;
    let consumer = scene.queue.consumer();
    let run = async || {
        let work = async |_| Ok::<_, JobError>(());
        consumer.run_until(SECOND * 5, work).await.unwrap()
    };
    run().await;
    // Each of these looks for the stalled too, as it is after a minute.
    scene.redis.del("bull:work:stalled-check").await.unwrap();
    scene.server.reset().await.unwrap();
    let done = run().await;
    assert_eq!(done.stopped, Stopped::Drained);
    let stats = scene.server.stats().await.unwrap();
    println!(
        "a day: {} requests, {} billed",
        stats.requests * 1440,
        stats.billed * 1440
    );
    assert_eq!(stats.requests, 1);
    assert!(stats.billed * 1440 <= 17_280, "{}", stats.billed);
}

#[tokio::test]
async fn a_failure_here_is_tried_again_there() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let consumer = scene.queue.consumer();
        let add = |name: &str| {
            let job = scene.queue.add(name, &json!({"say": "done"})).attempts(3);
            job.backoff(Backoff::fixed(MILLI * 300))
        };
        let id = add("a").await.unwrap();
        let (mut batch, _) = one(&consumer).await;
        batch.fail(&id, "not now");
        assert_eq!(settled(batch).await, Settled::Done);
        let job = scene.job(&id).await;
        assert_eq!(
            (&job["state"], &job["attemptsMade"]),
            (&json!("delayed"), &json!(1))
        );
        assert_eq!(job["failedReason"], "not now");
        scene.ask("work", json!({"drainDelay": 20})).await;
        let job = scene.until_state(&id, "completed").await;
        assert_eq!(
            (&job["attemptsMade"], &job["attemptsStarted"]),
            (&json!(2), &json!(2))
        );
        scene.ask("rest", json!({})).await;
        // At once without a backoff, in front with lifo; for good at the end, or when it is said.
        let at_once = scene.queue.add("b", &()).attempts(2).await.unwrap();
        let (mut batch, _) = one(&consumer).await;
        batch.fail(&at_once, "once");
        batch.settle().await.unwrap();
        assert_eq!(scene.job(&at_once).await["state"], "waiting");
        let (mut batch, again) = one(&consumer).await;
        assert_eq!(again, at_once);
        batch.fail(&at_once, "twice");
        batch.settle().await.unwrap();
        let job = scene.job(&at_once).await;
        assert_eq!(
            (&job["state"], &job["attemptsMade"]),
            (&json!("failed"), &json!(2))
        );
        assert_eq!(job["stacktrace"], json!(["once", "twice"]));
        // With its priority.
        let urgent = scene
            .queue
            .add("u", &())
            .attempts(2)
            .priority(3)
            .await
            .unwrap();
        let (mut batch, _) = one(&consumer).await;
        batch.fail(&urgent, "once");
        batch.settle().await.unwrap();
        assert_eq!(scene.job(&urgent).await["state"], "prioritized");
        scene.queue.remove([&*urgent]).await.unwrap();
        let given_up = add("c").await.unwrap();
        let (mut batch, _) = one(&consumer).await;
        batch.fail_for_good(&given_up, "no such user");
        batch.settle().await.unwrap();
        let job = scene.job(&given_up).await;
        assert_eq!(
            (&job["state"], &job["attemptsMade"]),
            (&json!("failed"), &json!(1))
        );
        // By a strategy of one's own.
        let own = scene.queue.add("d", &()).attempts(3);
        let own = own.backoff(Backoff::custom("mine", SECOND)).await.unwrap();
        let strategy = |name: &str, made: u64| (name == "mine" && made < 2).then_some(SECOND * 50);
        let (mut batch, _) = one(&consumer.clone().backoff(strategy)).await;
        batch.fail(&own, "wait");
        batch.settle().await.unwrap();
        assert_eq!(scene.job(&own).await["delay"], 50_000);
        // Given back: it is the next one, and no attempt is counted.
        for name in ["e", "f"] {
            scene.queue.add(name, &()).await.unwrap();
        }
        let (mut batch, id) = one(&consumer).await;
        batch.release(&id);
        assert_eq!(settled(batch).await, Settled::Done);
        let job = scene.job(&id).await;
        assert_eq!(
            (&job["state"], &job["attemptsStarted"]),
            (&json!("waiting"), &json!(0))
        );
        let (mut batch, again) = one(&consumer).await;
        assert_eq!(again, id);
        batch.retry_in(&id, "later", SECOND * 40);
        batch.settle().await.unwrap();
        assert_eq!(scene.job(&id).await["delay"], 40_000);
    }
}

/// A consumer here that dies is replaced by a worker there, and the other way round; twice is too often.
#[tokio::test]
async fn jobs_of_the_dead_are_found() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        // Who has looked for the stalled last says when the next one may.
        let short = scene
            .queue
            .consumer()
            .lock(MILLI * 200)
            .stalled_interval(MILLI * 100);
        let id = scene.queue.add("a", &json!({"say": "done"})).await.unwrap();
        drop(short.pull(1).await.unwrap());
        scene
            .ask("work", json!({"stalledInterval": 300, "drainDelay": 1}))
            .await;
        let job = scene.until_state(&id, "completed").await;
        assert_eq!(
            (&job["stalledCounter"], &job["attemptsStarted"]),
            (&json!(1), &json!(2))
        );
        scene.ask("rest", json!({})).await;
        let id = scene.queue.add("b", &()).await.unwrap();
        let taken = scene.ask("take", json!({"lockDuration": 200})).await;
        assert_eq!(taken, json!(id));
        let last = scene.queue.last_event().await.unwrap();
        scene.ask("listen", json!({"from": last.to_string()})).await;
        let looks = scene.queue.consumer().stalled_interval(MILLI * 100);
        let mut batch = looks.pull(1).await.unwrap();
        until("it is found", async || {
            if !batch.jobs().is_empty() {
                return Ok(true);
            }
            tokio::time::sleep(MILLI * 50).await;
            batch = looks.pull(1).await.unwrap();
            Ok(false)
        })
        .await
        .unwrap();
        let (id, stalled) = (batch.jobs()[0].id().to_owned(), batch.jobs()[0].stalled());
        assert_eq!(stalled, 1);
        until("that is heard", async || {
            let heard = scene.ask("heard", json!({})).await;
            let heard = names(&heard);
            Ok(heard.windows(2).any(|pair| pair == ["waiting", "stalled"]))
        })
        .await
        .unwrap();
        // Not settled again: it fails without being tried.
        drop(batch);
        scene
            .redis
            .del(format!("bull:work:{id}:lock"))
            .await
            .unwrap();
        until("it has failed", async || {
            let batch = looks.pull(1).await.unwrap();
            assert!(batch.jobs().is_empty());
            batch.settle().await.unwrap();
            tokio::time::sleep(MILLI * 50).await;
            Ok(scene.queue.state(&id).await.unwrap() == Some(State::Failed))
        })
        .await
        .unwrap();
        let reason = scene.job(&id).await["failedReason"].clone();
        assert_eq!(reason, "job stalled more than allowable limit");
        let key = format!("bull:work:{id}");
        assert!(!scene.redis.hexists(key, "defa").await.unwrap());
    }
}

/// A delayed job is taken in the millisecond in which it is due, and not before.
#[tokio::test]
async fn delayed_jobs_are_taken_in_time() {
    let scene = Scene::of("bullmq").await;
    let now = Arc::new(AtomicU32::new(0));
    let clock = Arc::clone(&now);
    let start = 1_900_000_000_000_u64;
    let queue = scene
        .queue
        .clone()
        .clock(move || start + u64::from(clock.load(SeqCst)));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(queue.add("a", &()).delay(SECOND).await.unwrap());
    }
    let urgent = queue.add("b", &()).delay(SECOND).priority(1).await.unwrap();
    let consumer = queue.consumer();
    now.store(999, SeqCst);
    let early = consumer.pull(10).await.unwrap();
    assert_eq!(
        (early.jobs().len(), early.next_delayed()),
        (0, Some(start + 1000))
    );
    now.store(1000, SeqCst);
    let batch = consumer.pull(10).await.unwrap();
    let taken: Vec<&str> = batch.jobs().iter().map(|job| job.id()).collect();
    assert_eq!(taken, [&*ids[0], &*ids[1], &*ids[2], &*urgent]);
    assert_eq!(batch.next_delayed(), None);
    for id in taken {
        assert_eq!(scene.job(id).await["delay"], 0);
    }
}

/// The last one to be done says so, and the stream is kept as short as the queue wants it.
#[tokio::test]
async fn events_end_with_drained_and_are_trimmed() {
    let scene = Scene::of("bullmq").await;
    let last = scene.queue.last_event().await.unwrap();
    let consumer = scene.queue.consumer();
    let ids = [1, 2].map(|n| scene.queue.add("n", &n));
    let ids = scene.queue.add_bulk(ids).await.unwrap();
    let mut batch = consumer.pull(2).await.unwrap();
    batch.complete(&ids[0], &1).unwrap();
    let (_, _) = batch.settle_and_pull(0).await.unwrap();
    let heard = async || {
        let events = scene.queue.events(last, 1000).await.unwrap();
        let events: Vec<String> = events.into_iter().map(|event| event.event).collect();
        events
    };
    assert!(!heard().await.contains(&"drained".to_owned()));
    scene
        .redis
        .del(format!("bull:work:{}:lock", ids[1]))
        .await
        .unwrap();
    scene
        .redis
        .lrem("bull:work:active", 0, &ids[1])
        .await
        .unwrap();
    scene.queue.add("n", &3).await.unwrap();
    let (mut batch, id) = one(&consumer).await;
    batch.complete(&id, &1).unwrap();
    batch.settle().await.unwrap();
    assert_eq!(heard().await.last().map(String::as_str), Some("drained"));
    scene
        .redis
        .hset("bull:work:meta", [("opts.maxLenEvents", "10")])
        .await
        .unwrap();
    for _ in 0..6 {
        let jobs = (0..50).map(|n| scene.queue.add("n", &n));
        scene
            .queue
            .add_bulk(jobs.collect::<Vec<_>>())
            .await
            .unwrap();
        let mut batch = consumer.pull(50).await.unwrap();
        for job in batch.jobs().to_vec() {
            batch.complete(job.id(), &()).unwrap();
        }
        batch.settle().await.unwrap();
    }
    // About: whole parts of the stream are cut off, of a hundred entries each.
    let left = scene.redis.xlen("bull:work:events").await.unwrap();
    assert!(left < 250, "{left}");
}

/// Who has his lock keeps his job, however often others look.
#[tokio::test]
async fn jobs_of_the_living_stay_theirs() {
    let scene = Scene::of("bullmq").await;
    let id = scene.queue.add("a", &()).await.unwrap();
    let (mut batch, _) = one(&scene.queue.consumer()).await;
    let looks = scene.queue.consumer().stalled_interval(MILLI * 10);
    for _ in 0..4 {
        scene.redis.del("bull:work:stalled-check").await.unwrap();
        assert!(looks.sweep().await.unwrap().is_empty());
    }
    assert_eq!(scene.queue.state(&id).await.unwrap(), Some(State::Active));
    batch.complete(&id, &()).unwrap();
    assert_eq!(settled(batch).await, Settled::Done);
    // One that was done, or held again, is no suspect any more.
    assert_eq!(scene.redis.scard("bull:work:stalled").await.unwrap(), 0);
    scene.queue.add("b", &()).await.unwrap();
    let (batch, _) = one(&scene.queue.consumer()).await;
    scene.redis.del("bull:work:stalled-check").await.unwrap();
    looks.sweep().await.unwrap();
    assert_eq!(scene.redis.scard("bull:work:stalled").await.unwrap(), 1);
    batch.extend().await.unwrap();
    assert_eq!(scene.redis.scard("bull:work:stalled").await.unwrap(), 0);
}

/// BullMQ's worker finds the second death too, with the same words.
#[tokio::test]
async fn twice_stalled_fails_there_too() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let short = scene
            .queue
            .consumer()
            .lock(MILLI * 100)
            .stalled_interval(MILLI * 50);
        let id = scene.queue.add("a", &()).await.unwrap();
        let mut seen = 0;
        until("it was taken twice", async || {
            seen += short.pull(1).await.unwrap().jobs().len();
            tokio::time::sleep(MILLI * 60).await;
            Ok(seen == 2)
        })
        .await
        .unwrap();
        scene
            .ask("work", json!({"stalledInterval": 100, "drainDelay": 1}))
            .await;
        let job = scene.until_state(&id, "failed").await;
        assert_eq!(job["failedReason"], "job stalled more than allowable limit");
        assert_eq!(scene.worked(0).await.len(), 0);
    }
}

#[tokio::test]
async fn who_has_lost_his_lock_changes_nothing() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let consumer = scene.queue.consumer();
        let id = scene.queue.add("a", &()).await.unwrap();
        let (mut late, _) = one(&consumer).await;
        let lock = format!("bull:work:{id}:lock");
        scene.redis.del(&lock).await.unwrap();
        assert_eq!(late.extend().await.unwrap(), [&*id]);
        late.complete(&id, &1).unwrap();
        assert_eq!(settled(late).await, Settled::NotLocked);
        assert_eq!(scene.job(&id).await["state"], "active");
        // Somebody else's.
        scene.redis.set(&lock, "other").await.unwrap();
        scene.queue.add("b", &()).await.unwrap();
        let (mut batch, other) = one(&consumer).await;
        scene
            .redis
            .set(format!("bull:work:{other}:lock"), "other")
            .await
            .unwrap();
        assert_eq!(batch.extend().await.unwrap(), [&*other]);
        batch.fail(&other, "no");
        assert_eq!(settled(batch).await, Settled::Foreign);
        let job = scene.job(&other).await;
        assert_eq!(
            (&job["state"], &job["attemptsMade"]),
            (&json!("active"), &json!(0))
        );
        // Removed, or not active any more.
        for (what, expected) in [("gone", Settled::Gone), ("moved", Settled::NotActive)] {
            let id = scene.queue.add(what, &()).await.unwrap();
            let (mut batch, _) = one(&consumer).await;
            match what {
                "gone" => {
                    let keys = [format!("bull:work:{id}"), format!("bull:work:{id}:lock")];
                    scene.redis.del(&keys[..]).await.unwrap();
                }
                _ => {
                    scene.redis.lrem("bull:work:active", 0, &id).await.unwrap();
                    scene.redis.rpush("bull:work:wait", &id).await.unwrap();
                }
            }
            batch.complete(&id, &1).unwrap();
            assert_eq!(settled(batch).await, expected);
            scene.redis.del("bull:work:wait").await.unwrap();
        }
        // More time is more time.
        let id = scene.queue.add("c", &()).await.unwrap();
        let (batch, _) = one(&consumer).await;
        let lock = format!("bull:work:{id}:lock");
        scene.redis.pexpire(&lock, 1000).await.unwrap();
        assert!(batch.extend().await.unwrap().is_empty());
        let left = scene.redis.pttl(&lock).await.unwrap().left().unwrap();
        assert!(left > 29_000, "{left}");
    }
}

/// Children that are worked on here, and their parents there.
#[tokio::test]
async fn parents_go_on_by_what_their_children_do() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let other = Queue::new(&scene.redis, "other");
        let children = other.consumer();
        scene.ask("work", json!({})).await;
        let done = [1, 2].map(|n| other.add("child", &n));
        let parent = scene
            .queue
            .add("parent", &json!({"say": "all"}))
            .children(done)
            .await
            .unwrap();
        for n in 1..=2 {
            assert_eq!(scene.job(&parent).await["state"], "waiting-children");
            let (mut batch, id) = one(&children).await;
            batch.complete(&id, &n).unwrap();
            batch.settle().await.unwrap();
        }
        scene.until_state(&parent, "completed").await;
        let values = scene.ask("values", json!({"job": parent})).await;
        let sum: i64 = values
            .as_object()
            .unwrap()
            .values()
            .map(|one| one.as_i64().unwrap())
            .sum();
        assert_eq!(sum, 3);
        for (failure, state) in [
            (ChildFailure::Wait, "waiting-children"),
            (ChildFailure::FailParent, "failed"),
            (ChildFailure::ContinueParent, "completed"),
            (ChildFailure::Ignore, "completed"),
            (ChildFailure::Remove, "completed"),
        ] {
            let bad = other.add("bad", &()).on_failure(failure);
            let tree = scene.queue.add("parent", &()).children([bad]);
            let parent = tree.await.unwrap();
            let (mut batch, id) = one(&children).await;
            batch.fail(&id, "no luck");
            batch.settle().await.unwrap();
            let job = scene.until_state(&parent, state).await;
            if failure == ChildFailure::FailParent {
                assert_eq!(job["failedReason"], format!("child bull:other:{id} failed"));
            }
        }
        // A parent that would fail is failed here without being tried, and one with open children is not completed.
        scene.ask("rest", json!({})).await;
        let bad = other.add("bad", &()).on_failure(ChildFailure::FailParent);
        let parent = scene
            .queue
            .add("parent", &())
            .children([bad])
            .await
            .unwrap();
        let (mut batch, id) = one(&children).await;
        batch.fail(&id, "no luck");
        batch.settle().await.unwrap();
        let batch = scene.queue.consumer().pull(5).await.unwrap();
        assert!(batch.jobs().is_empty());
        assert_eq!(settled(batch).await, Settled::Done);
        assert_eq!(scene.job(&parent).await["state"], "failed");
        let open = scene.queue.add("open", &()).await.unwrap();
        other
            .add("child", &())
            .parent(&scene.queue, &open)
            .await
            .unwrap();
        let (mut batch, _) = one(&scene.queue.consumer()).await;
        batch.complete(&open, &()).unwrap();
        assert_eq!(settled(batch).await, Settled::PendingChildren);
    }
}

/// Of two children one fails here: whether the parent waits for the other, and what it sees of the failure, is as BullMQ has it.
#[tokio::test]
async fn a_failed_child_of_two() {
    for version in VERSIONS {
        for (failure, word, waits, is_seen) in [
            (
                ChildFailure::ContinueParent,
                "continueParentOnFailure",
                false,
                true,
            ),
            (
                ChildFailure::Ignore,
                "ignoreDependencyOnFailure",
                true,
                true,
            ),
            (
                ChildFailure::Remove,
                "removeDependencyOnFailure",
                true,
                false,
            ),
        ] {
            let scene = Scene::of(version).await;
            let other = Queue::new(&scene.redis, "other");
            let children = [
                other.add("bad", &json!({"fail": "no luck"})),
                other.add("good", &()),
            ];
            let children = children.map(|child| child.on_failure(failure));
            let ours = scene
                .queue
                .add("parent", &())
                .children(children)
                .await
                .unwrap();
            let child = |name: &str, data: Value| json!({"name": name, "queueName": "theirs", "data": data, "opts": {word: true}});
            let children = [
                child("bad", json!({"fail": "no luck"})),
                child("good", json!({})),
            ];
            let tree = json!({"name": "parent", "queueName": "work", "children": children});
            let theirs = scene.ask("flow", json!({"tree": tree})).await;
            let theirs = theirs.as_str().unwrap().to_owned();
            let (mut batch, id) = one(&other.consumer()).await;
            batch.fail(&id, "no luck");
            batch.settle().await.unwrap();
            // The same there, by its own worker, which is stopped before the second child.
            let words = json!({"queue": "theirs", "limiter": {"max": 1, "duration": 60_000}});
            scene.ask("work", words).await;
            until("their child has failed", async || {
                let counts = scene.ask("counts", json!({"queue": "theirs"})).await;
                Ok(counts["failed"] == 1)
            })
            .await
            .unwrap();
            let expected = if waits { "waiting-children" } else { "waiting" };
            for parent in [&ours, &theirs] {
                assert_eq!(
                    scene.job(parent).await["state"],
                    expected,
                    "{version} {word}"
                );
                let failed = scene
                    .redis
                    .hgetall::<String>(format!("bull:work:{parent}:failed"));
                let failed: Vec<String> = failed.await.unwrap().into_values().collect();
                let seen: &[&str] = if is_seen { &["no luck"] } else { &[] };
                assert_eq!(failed, seen, "{version} {word}");
            }
            let (mut batch, id) = one(&other.consumer()).await;
            batch.complete(&id, &1).unwrap();
            batch.settle().await.unwrap();
            assert_eq!(
                scene.job(&ours).await["state"],
                "waiting",
                "{version} {word}"
            );
        }
    }
}

#[tokio::test]
async fn concurrency_and_limits_of_the_queue_hold() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let jobs = (0..10).map(|n| scene.queue.add("n", &n));
        scene
            .queue
            .add_bulk(jobs.collect::<Vec<_>>())
            .await
            .unwrap();
        scene.ask("concurrency", json!({"jobs": 3})).await;
        let consumer = scene.queue.consumer();
        let first = consumer.pull(2).await.unwrap();
        let mut second = consumer.pull(5).await.unwrap();
        assert_eq!((first.jobs().len(), second.jobs().len()), (2, 1));
        assert_eq!(consumer.pull(5).await.unwrap().pulled(), Pulled::Maxed);
        let id = second.jobs()[0].id().to_owned();
        second.complete(&id, &()).unwrap();
        let (_, third) = second.settle_and_pull(5).await.unwrap();
        assert_eq!(third.jobs().len(), 1);
        // A worker that waits hears when there is room again.
        scene.ask("work", json!({"drainDelay": 600})).await;
        tokio::time::sleep(MILLI * 200).await;
        assert_eq!(scene.worked(0).await.len(), 0);
        let mut third = third;
        let id = third.jobs()[0].id().to_owned();
        third.complete(&id, &()).unwrap();
        third.settle().await.unwrap();
        let begun = std::time::Instant::now();
        scene.worked(1).await;
        assert!(begun.elapsed() < SECOND * 120);
        scene.ask("rest", json!({})).await;

        let limited = Queue::new(&scene.redis, "limited");
        let jobs = (0..10).map(|n| limited.add("n", &n));
        limited.add_bulk(jobs.collect::<Vec<_>>()).await.unwrap();
        let consumer = limited.consumer().limit(4, SECOND * 60);
        assert_eq!(consumer.pull(3).await.unwrap().jobs().len(), 3);
        assert_eq!(consumer.pull(3).await.unwrap().jobs().len(), 1);
        let Pulled::Limited { retry_after, .. } = consumer.pull(3).await.unwrap().pulled() else {
            panic!("no limit")
        };
        assert!(retry_after > SECOND * 50 && retry_after <= SECOND * 60);
        // A pause by hand holds here too.
        let paused = Queue::new(&scene.redis, "by-hand");
        paused.add("n", &()).await.unwrap();
        scene
            .ask("limit", json!({"queue": "by-hand", "millis": 500}))
            .await;
        let consumer = paused.consumer();
        assert!(matches!(
            consumer.pull(3).await.unwrap().pulled(),
            Pulled::Limited { .. }
        ));
        until("it is over", async || {
            Ok(consumer.pull(3).await.unwrap().jobs().len() == 1)
        })
        .await
        .unwrap();
    }
}

/// Where three have ended and one is taken, a worker that found no room hears of it.
#[tokio::test]
async fn room_that_is_left_is_told() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let jobs = (0..10).map(|n| scene.queue.add("n", &n));
        scene
            .queue
            .add_bulk(jobs.collect::<Vec<_>>())
            .await
            .unwrap();
        scene.ask("concurrency", json!({"jobs": 3})).await;
        let mut batch = scene.queue.consumer().pull(3).await.unwrap();
        scene.ask("work", json!({"drainDelay": 600})).await;
        until("it has found no room", async || {
            Ok(scene.redis.exists("bull:work:marker").await.unwrap() == 0)
        })
        .await
        .unwrap();
        for job in batch.jobs().to_vec() {
            batch.complete(job.id(), &()).unwrap();
        }
        let (_, next) = batch.settle_and_pull(1).await.unwrap();
        assert_eq!(next.jobs().len(), 1);
        let begun = std::time::Instant::now();
        scene.worked(1).await;
        assert!(begun.elapsed() < SECOND * 120);
    }
}

/// An answer that is lost is asked for again: the same jobs, and what was said before.
#[tokio::test]
async fn lost_answers_of_pulls_and_settlements() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let consumer = scene.queue.consumer();
        let jobs = (0..8).map(|n| scene.queue.add("n", &n).attempts(2));
        scene
            .queue
            .add_bulk(jobs.collect::<Vec<_>>())
            .await
            .unwrap();
        // The scripts are known from now on.
        let (mut warm, id) = one(&consumer).await;
        warm.complete(&id, &0).unwrap();
        warm.settle().await.unwrap();
        scene.server.local().inject(Fault::drop_after());
        let mut batch = consumer.pull(5).await.unwrap();
        assert_eq!(batch.jobs().len(), 5);
        assert_eq!(scene.counts().await["active"], 5);
        let ids: Vec<String> = batch.jobs().iter().map(|job| job.id().to_owned()).collect();
        batch.complete(&ids[0], &1).unwrap();
        batch.fail(&ids[1], "again");
        batch.fail_for_good(&ids[2], "never");
        batch.release(&ids[3]);
        // Nothing is said of the fifth.
        scene.server.local().inject(Fault::drop_after());
        let (answers, next) = batch.settle_and_pull(1).await.unwrap();
        let what: Vec<Settled> = answers.iter().map(|(_, what)| *what).collect();
        assert_eq!(what, [Settled::Before; 4], "{version}");
        assert_eq!(next.jobs().len(), 1);
        assert_eq!(next.jobs()[0].id(), ids[3]);
        for (id, state, made, started) in [
            (&ids[0], "completed", 1, 1),
            (&ids[1], "waiting", 1, 1),
            (&ids[2], "failed", 1, 1),
            (&ids[3], "active", 0, 1),
            (&ids[4], "active", 0, 1),
        ] {
            let job = scene.job(id).await;
            assert_eq!(job["state"], state);
            assert_eq!(
                (&job["attemptsMade"], &job["attemptsStarted"]),
                (&json!(made), &json!(started))
            );
        }
        // One that is removed when it is done, too.
        let gone = scene
            .queue
            .add("gone", &())
            .lifo()
            .remove_on_complete(Keep::NONE);
        let gone = gone.await.unwrap();
        let (mut batch, id) = one(&consumer).await;
        assert_eq!(id, gone);
        batch.complete(&id, &1).unwrap();
        scene.server.local().inject(Fault::drop_after());
        assert!(settled(batch).await.is_done());
    }
}

/// What is kept of the jobs that are finished here: none, the last so many, those of a time.
#[tokio::test]
async fn finished_jobs_go_as_it_was_said() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let now = std::time::SystemTime::now();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis();
        let ahead = Arc::new(AtomicU32::new(0));
        let (clock, start) = (Arc::clone(&ahead), u64::try_from(now).unwrap());
        let queue = scene
            .queue
            .clone()
            .clock(move || start + u64::from(clock.load(SeqCst)));
        let consumer = queue.consumer();
        let finish = async |keep: Keep, fails: bool| {
            let job = queue.add("a", &()).remove_on_complete(keep);
            let id = job.remove_on_fail(keep).await.unwrap();
            let (mut batch, _) = one(&consumer).await;
            match fails {
                true => batch.fail(&id, "no"),
                false => batch.complete(&id, &1).unwrap(),
            }
            assert_eq!(settled(batch).await, Settled::Done);
            ahead.fetch_add(1000, SeqCst);
            id
        };
        for (fails, set) in [(false, "completed"), (true, "failed")] {
            let kept = async || scene.counts().await[set];
            let gone = finish(Keep::NONE, fails).await;
            assert!(scene.job(&gone).await.is_null());
            assert_eq!(kept().await, 0);
            let mut ids = Vec::new();
            for _ in 0..4 {
                ids.push(finish(Keep::ALL.count(2), fails).await);
            }
            assert_eq!(kept().await, 2, "{version} {set}");
            for (id, is_there) in ids.iter().zip([false, false, true, true]) {
                assert_eq!(!scene.job(id).await.is_null(), is_there);
            }
            finish(Keep::ALL, fails).await;
            assert_eq!(kept().await, 3);
            // Who is not kept takes nobody along.
            finish(Keep::NONE, fails).await;
            assert_eq!(kept().await, 3);
            ahead.fetch_sub(1000, SeqCst);
            // That of the last two seconds, and it.
            finish(Keep::ALL.age(SECOND * 2), fails).await;
            assert_eq!(kept().await, 2);
            ahead.fetch_add(60_000, SeqCst);
            finish(Keep::ALL.age(SECOND * 2).limit(1), fails).await;
            assert_eq!(kept().await, 2, "{version} {set}");
            let keys: Vec<String> = scene.redis.keys("bull:work:r*").await.unwrap();
            let jobs = keys
                .iter()
                .filter(|key| !key.ends_with(":lock") && !key.ends_with("repeat"));
            assert_eq!(
                jobs.count() as u64,
                scene.counts().await.values().sum::<u64>()
            );
        }
    }
}

/// A deduplication that another job has by now stays with that.
#[tokio::test]
async fn what_another_has_is_not_freed() {
    let scene = Scene::of("bullmq").await;
    let job = || {
        let deduplication = restis::queue::Deduplication::new("x");
        scene.queue.add("a", &()).deduplication(deduplication)
    };
    let first = job().await.unwrap();
    scene.redis.del("bull:work:de:x").await.unwrap();
    let second = job().await.unwrap();
    let (mut batch, _) = one(&scene.queue.consumer()).await;
    batch.complete(&first, &()).unwrap();
    batch.settle().await.unwrap();
    assert_eq!(job().await.unwrap(), second);
}

/// Of the clocks on both sides one is five seconds ahead, or behind.
#[tokio::test]
async fn clocks_differ() {
    for version in VERSIONS {
        for ahead in [5_000_i64, -5_000] {
            let scene = Scene::of(version).await;
            let clock = move || {
                let now = std::time::SystemTime::now();
                let now = now
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap()
                    .as_millis();
                u64::try_from(i64::try_from(now).unwrap() + ahead).unwrap()
            };
            let skewed = scene.queue.clone().clock(clock);
            let ids = skewed
                .add_bulk([1, 2, 3].map(|n| skewed.add("n", &n)))
                .await
                .unwrap();
            let (mut batch, id) = one(&skewed.consumer()).await;
            assert_eq!(id, ids[0]);
            batch.complete(&id, &1).unwrap();
            assert_eq!(settled(batch).await, Settled::Done);
            scene.ask("work", json!({"drainDelay": 1})).await;
            for id in &ids {
                scene.until_state(id, "completed").await;
            }
            let delayed = skewed.add("later", &()).delay(MILLI * 100).await.unwrap();
            let job = scene.until_state(&delayed, "completed").await;
            assert_eq!(job["attemptsMade"], 1);
        }
    }
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_sent() {
    let scene = Scene::of("bullmq").await;
    scene.server.reset().await.unwrap();
    let data = "x".repeat(11_000_000);
    let error = scene.queue.add("large", &data).await.unwrap_err();
    assert!(error.is_too_large(), "{error}");
    assert_eq!(scene.server.stats().await.unwrap().requests, 0);
}
