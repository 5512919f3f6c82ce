//! Jobs that are added over HTTP, and that BullMQ works on.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use restis::queue::{Backoff, ChildFailure, Deduplication, Keep, State};
use restis_local::Fault;
use serde_json::{Value, json};

use super::{SECOND, Scene, VERSIONS, names, until};

/// Of a worker that waits, with everything a text may hold.
#[tokio::test]
async fn a_worker_that_waits_hears_at_once() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("listen", json!({})).await;
        scene.ask("work", json!({"drainDelay": 600})).await;
        // It waits for a marker by now.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let data = json!({"text": "zero\u{0} grüße 🦀 \"\\", "number": 1.5, "list": [1, null], "say": {"a": [1]}});
        let begun = Instant::now();
        let id = scene.queue.add("greet", &data).await.unwrap();
        let worked = scene.worked(1).await;
        let waited = begun.elapsed();
        // Else it would sleep for ten minutes.
        assert!(waited < SECOND * 120, "{waited:?}");
        assert_eq!(worked[0]["data"], data);
        assert_eq!(worked[0]["name"], "greet");
        let job = scene.until_state(&id, "completed").await;
        assert_eq!(job["returnvalue"], json!({"a": [1]}));
        until("all is heard", async || {
            let heard = scene.ask("heard", json!({})).await;
            Ok(names(&heard).contains(&"drained"))
        })
        .await
        .unwrap();
        let heard = scene.ask("heard", json!({})).await;
        assert_eq!(
            names(&heard),
            ["added", "waiting", "active", "completed", "drained"]
        );
        // And here it is known what it has come to.
        let found = scene
            .queue
            .wait_finished::<Value>(&id, SECOND)
            .await
            .unwrap();
        assert_eq!(
            found,
            Some(restis::queue::Finished::Completed(json!({"a": [1]})))
        );
    }
}

/// The hash of a job is the one that BullMQ writes for the same words.
#[tokio::test]
async fn options_are_bullmqs() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let ours = scene
            .queue
            .add("all", &json!({"a": 1}))
            .job_id("ours")
            .delay(SECOND * 600)
            .priority(7)
            .attempts(5)
            .backoff(Backoff::exponential(SECOND).jitter(0.5))
            .remove_on_complete(Keep::ALL.age(SECOND * 3600).count(100))
            .remove_on_fail(Keep::ALL.count(7))
            .size_limit(1000)
            .keep_logs(10)
            .stack_trace_limit(3)
            .timestamp(1_800_000_000_000);
        ours.await.unwrap();
        let opts = json!({
            "jobId": "theirs", "delay": 600_000, "priority": 7, "attempts": 5,
            "backoff": {"type": "exponential", "delay": 1000, "jitter": 0.5},
            "removeOnComplete": {"age": 3600, "count": 100}, "removeOnFail": 7,
            "sizeLimit": 1000, "keepLogs": 10, "stackTraceLimit": 3, "timestamp": 1_800_000_000_000_u64,
        });
        let words = json!({"name": "all", "data": {"a": 1}, "opts": opts});
        scene.ask("add", words).await;
        let read = async |id: &str| {
            let mut job = scene
                .redis
                .hgetall::<String>(format!("bull:work:{id}"))
                .await
                .unwrap();
            let mut opts: Value = serde_json::from_str(&job.remove("opts").unwrap()).unwrap();
            opts.as_object_mut().unwrap().remove("jobId");
            let mut fields: Vec<_> = job.into_iter().collect();
            fields.sort();
            (fields, opts)
        };
        assert_eq!(read("ours").await, read("theirs").await, "{version}");
        let scores: Vec<(String, f64)> = scene
            .redis
            .zrange("bull:work:delayed", 0, -1)
            .withscores()
            .await
            .unwrap();
        // Both are due in the same millisecond, one behind the other.
        assert_eq!(scores[1].1 - scores[0].1, 1.0);
        // Seen by BullMQ.
        let job = scene.job("ours").await;
        assert_eq!(
            (&job["state"], &job["priority"]),
            (&json!("delayed"), &json!(7))
        );
        assert_eq!(job["opts"]["keepLogs"], 10);
    }
}

#[tokio::test]
async fn the_same_id_is_one_job() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("listen", json!({})).await;
        let add = |id: &'static str| scene.queue.add("a", &json!({"from": "restis"})).job_id(id);
        let theirs = async |id: &str| {
            let words = json!({"name": "a", "data": {"from": "bull"}, "opts": {"jobId": id}});
            scene.ask("add", words).await
        };
        assert_eq!(add("x").await.unwrap(), "x");
        assert_eq!(theirs("x").await, "x");
        assert_eq!(theirs("y").await, "y");
        assert_eq!(add("y").await.unwrap(), "y");
        // In one bulk too.
        let bulk = [add("z"), add("y"), add("z")];
        assert_eq!(scene.queue.add_bulk(bulk).await.unwrap(), ["z", "y", "z"]);
        let twice = [add("w"), add("w")];
        assert_eq!(scene.queue.add_bulk(twice).await.unwrap(), ["w", "w"]);
        assert_eq!(scene.counts().await["waiting"], 4);
        assert_eq!(scene.job("x").await["data"]["from"], "restis");
        assert_eq!(scene.job("y").await["data"]["from"], "bull");
        until("duplicates are heard", async || {
            let heard = scene.ask("heard", json!({})).await;
            let duplicated = names(&heard)
                .into_iter()
                .filter(|name| *name == "duplicated");
            Ok(duplicated.count() == 5)
        })
        .await
        .unwrap();
    }
}

/// Those with a priority behind those without, by their number, then by when they came, whoever has added them.
#[tokio::test]
async fn the_order_is_that_of_both() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let ours = |name: &str| scene.queue.add(name, &());
        let theirs = async |name: &str, opts: Value| {
            scene
                .ask("add", json!({"name": name, "data": {}, "opts": opts}))
                .await
        };
        ours("low-1").priority(9).await.unwrap();
        theirs("low-2", json!({"priority": 9})).await;
        ours("high-1").priority(2).await.unwrap();
        theirs("high-2", json!({"priority": 2})).await;
        ours("high-3").priority(2).await.unwrap();
        ours("first").await.unwrap();
        theirs("second", json!({})).await;
        ours("third").await.unwrap();
        ours("before").lifo().await.unwrap();
        scene.ask("work", json!({})).await;
        let worked = scene.worked(9).await;
        let order: Vec<&str> = worked
            .iter()
            .map(|job| job["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            order,
            [
                "before", "first", "second", "third", "high-1", "high-2", "high-3", "low-1",
                "low-2"
            ]
        );
    }
}

#[tokio::test]
async fn a_bulk_is_one_request_and_each_job_once() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let jobs = |from: u32, count: u32| {
            let jobs =
                (from..from + count).map(|number| scene.queue.add("n", &json!({"n": number})));
            scene.queue.add_bulk(jobs.collect::<Vec<_>>())
        };
        jobs(0, 1).await.unwrap();
        scene.server.reset().await.unwrap();
        let ids = jobs(1, 500).await.unwrap();
        let stats = scene.server.stats().await.unwrap();
        assert_eq!((stats.requests, stats.billed), (1, 5 + 3 * 500));
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 500);
        scene.ask("work", json!({"concurrency": 20})).await;
        let worked = scene.worked(501).await;
        let numbers: Vec<u64> = worked
            .iter()
            .map(|job| job["data"]["n"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 501);
        assert_eq!(numbers.len(), 501);
    }
}

#[tokio::test]
async fn what_adding_costs() {
    let scene = Scene::of("bullmq").await;
    let add = || scene.queue.add("n", &json!({"a": 1}));
    assert_eq!(scene.cost(async || add().await.unwrap()).await, (1, 8));
    let delayed = scene.cost(async || add().delay(SECOND * 60).await.unwrap());
    assert_eq!(delayed.await, (1, 10));
    let urgent = scene.cost(async || add().priority(1).await.unwrap());
    assert_eq!(urgent.await, (1, 9));
    let bulk = scene.cost(async || scene.queue.add_bulk((0..100).map(|_| add())).await.unwrap());
    assert_eq!(bulk.await, (1, 305));
}

/// A request whose answer is lost is sent again, and the job is one.
#[tokio::test]
async fn a_lost_answer_is_not_a_second_job() {
    let scene = Scene::of("bullmq").await;
    scene.queue.add("a", &()).await.unwrap();
    for fault in [Fault::drop_after(), Fault::drop_before()] {
        scene.server.local().inject(fault);
        scene.queue.add("a", &()).await.unwrap();
    }
    scene.server.local().inject(Fault::drop_after());
    let jobs = [1, 2, 3].map(|n| scene.queue.add("b", &n));
    scene.queue.add_bulk(jobs).await.unwrap();
    scene.server.local().inject(Fault::drop_after());
    let children = [1, 2].map(|n| scene.queue.add("child", &n));
    scene
        .queue
        .add("parent", &())
        .children(children)
        .await
        .unwrap();
    let counts = scene.counts().await;
    assert_eq!(
        (counts["waiting"], counts["waiting-children"]),
        (3 + 3 + 2, 1)
    );
}

#[tokio::test]
async fn delayed_jobs_come_in_time_and_sooner_ones_first() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("work", json!({"drainDelay": 600})).await;
        let wait = Duration::from_millis;
        scene
            .queue
            .add("late", &())
            .delay(SECOND * 600)
            .await
            .unwrap();
        tokio::time::sleep(wait(50)).await;
        let begun = Instant::now();
        scene.queue.add("soon", &()).delay(wait(300)).await.unwrap();
        let worked = scene.worked(1).await;
        let waited = begun.elapsed();
        assert_eq!(worked[0]["name"], "soon");
        // Not when the later one is due, for which it was waiting.
        assert!(waited >= wait(295) && waited < SECOND * 120, "{waited:?}");
        let late = scene.queue.jobs(State::Delayed, 0, 10).await.unwrap();
        assert_eq!(late[0].name(), "late");
        scene.queue.remove([late[0].id()]).await.unwrap();
        // Those of one millisecond in their order.
        let at = 1_800_000_000_000;
        for name in ["a", "b", "c"] {
            let job = scene.queue.add(name, &()).timestamp(at);
            job.delay(wait(5)).await.unwrap();
        }
        let jobs = scene.queue.jobs(State::Delayed, 0, 10).await.unwrap();
        let order: Vec<&str> = jobs.iter().map(|job| job.name()).collect();
        assert_eq!(order, ["a", "b", "c"]);
    }
}

/// Added while the queue is paused: in order, and nothing is lost, on both layouts, whoever pauses and resumes.
#[tokio::test]
async fn a_paused_queue_loses_nothing() {
    for version in VERSIONS {
        for (pauses, resumes) in [(true, true), (true, false), (false, true), (false, false)] {
            let scene = Scene::of(version).await;
            let ours = |name: &str| scene.queue.add(name, &());
            let theirs = async |name: &str| {
                scene
                    .ask("add", json!({"name": name, "data": {}, "opts": {}}))
                    .await
            };
            ours("1").await.unwrap();
            theirs("2").await;
            match pauses {
                true => scene.queue.pause().await.unwrap(),
                false => drop(scene.ask("pause", json!({})).await),
            }
            assert!(scene.queue.is_paused().await.unwrap());
            ours("3").await.unwrap();
            theirs("4").await;
            scene.queue.add_bulk(["5", "6"].map(ours)).await.unwrap();
            ours("7").priority(3).await.unwrap();
            // Nobody is woken for what may not begin.
            assert_eq!(scene.redis.exists("bull:work:marker").await.unwrap(), 0);
            scene.ask("work", json!({})).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(scene.worked(0).await.len(), 0);
            let batch = scene.queue.consumer().pull(5).await.unwrap();
            assert_eq!(batch.pulled(), restis::queue::Pulled::Paused);
            match resumes {
                true => scene.queue.resume().await.unwrap(),
                false => drop(scene.ask("resume", json!({})).await),
            }
            let worked = scene.worked(7).await;
            let order: Vec<&str> = worked
                .iter()
                .map(|job| job["name"].as_str().unwrap())
                .collect();
            assert_eq!(
                order,
                ["1", "2", "3", "4", "5", "6", "7"],
                "{version}, {pauses}, {resumes}"
            );
            scene
                .until_state(worked[6]["id"].as_str().unwrap(), "completed")
                .await;
            let counts = scene.queue.counts().await.unwrap();
            assert_eq!((counts.waiting, counts.paused, counts.completed), (0, 0, 7));
        }
    }
}

#[tokio::test]
async fn deduplicated_in_both_directions() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("listen", json!({})).await;
        let ours = |id: &'static str| {
            let job = scene.queue.add("a", &json!({"from": "restis"}));
            job.deduplication(Deduplication::new(id))
        };
        let theirs = async |id: &str| {
            let opts = json!({"deduplication": {"id": id}});
            scene
                .ask(
                    "add",
                    json!({"name": "a", "data": {"from": "bull"}, "opts": opts}),
                )
                .await
        };
        let first = ours("x").await.unwrap();
        assert_eq!(theirs("x").await, json!(first));
        let second = theirs("y").await;
        assert_eq!(json!(ours("y").await.unwrap()), second);
        assert_eq!(scene.counts().await["waiting"], 2);
        until("both are heard", async || {
            let heard = scene.ask("heard", json!({})).await;
            let all: Vec<&Value> = (heard.as_array().unwrap().iter())
                .filter(|event| event["event"] == "deduplicated")
                .collect();
            for event in &all {
                let id = event["deduplicationId"].as_str().unwrap();
                let holder = if id == "x" {
                    json!(first)
                } else {
                    second.clone()
                };
                assert_eq!(event["jobId"], holder);
                assert!(event["deduplicatedJobId"].is_string());
            }
            Ok(all.len() == 2)
        })
        .await
        .unwrap();
        // Finished, whoever has worked on them, they keep nobody away.
        scene.ask("work", json!({})).await;
        scene.worked(2).await;
        scene.until_state(&first, "completed").await;
        scene
            .until_state(second.as_str().unwrap(), "completed")
            .await;
        scene.ask("rest", json!({})).await;
        let third = ours("x").await.unwrap();
        assert_ne!(third, first);
        let mut batch = scene.queue.consumer().pull(5).await.unwrap();
        batch.complete(&third, &()).unwrap();
        batch.settle().await.unwrap();
        assert_eq!(scene.redis.exists("bull:work:de:x").await.unwrap(), 0);
        // For a time, which goes on.
        let throttled = || {
            let deduplication = Deduplication::new("z").ttl(SECOND * 60);
            scene.queue.add("b", &()).deduplication(deduplication)
        };
        let holder = throttled().await.unwrap();
        assert_eq!(throttled().await.unwrap(), holder);
        let left = scene
            .redis
            .pttl("bull:work:de:z")
            .await
            .unwrap()
            .left()
            .unwrap();
        assert!(left > 50_000 && left <= 60_000);
        // For a time that begins anew with each that comes.
        let extended = || {
            let deduplication = Deduplication::new("v").ttl(SECOND * 60).extend();
            scene.queue.add("b", &()).deduplication(deduplication)
        };
        let holder = extended().await.unwrap();
        scene.redis.pexpire("bull:work:de:v", 5_000).await.unwrap();
        assert_eq!(extended().await.unwrap(), holder);
        let left = scene
            .redis
            .pttl("bull:work:de:v")
            .await
            .unwrap()
            .left()
            .unwrap();
        assert!(left > 50_000, "{left}");
        // A debounce: the delayed one gives way.
        let debounced = |n: u32| {
            let deduplication = Deduplication::new("w").ttl(SECOND * 60).extend().replace();
            let job = scene.queue.add("c", &json!({"n": n}));
            job.delay(SECOND * 30).deduplication(deduplication)
        };
        let one = debounced(1).await.unwrap();
        let two = debounced(2).await.unwrap();
        assert_ne!(one, two);
        assert!(scene.job(&one).await.is_null());
        assert_eq!(scene.job(&two).await["data"]["n"], 2);
        assert_eq!(scene.queue.counts().await.unwrap().delayed, 1);
    }
}

/// The last one that comes while the first is worked on is added when that is done, on either side.
#[tokio::test]
async fn the_last_is_kept_while_the_first_is_active() {
    for version in VERSIONS {
        for bull_works in [false, true] {
            let scene = Scene::of(version).await;
            let job = |n: u32| {
                let deduplication = Deduplication::new("x").keep_last_if_active();
                let job = scene.queue.add("a", &json!({"n": n, "sleep": 600}));
                job.deduplication(deduplication)
            };
            let first = job(1).await.unwrap();
            let mut batch = None;
            match bull_works {
                true => {
                    scene.ask("work", json!({})).await;
                    scene.worked(1).await;
                }
                false => batch = Some(scene.queue.consumer().pull(1).await.unwrap()),
            }
            for n in 2..=4 {
                assert_eq!(job(n).await.unwrap(), first, "{version} {n}");
            }
            match batch {
                Some(mut batch) => {
                    batch.complete(&first, &()).unwrap();
                    let (_, next) = batch.settle_and_pull(5).await.unwrap();
                    assert_eq!(next.jobs().len(), 1);
                    let data: Value = next.jobs()[0].data().unwrap();
                    assert_eq!(data["n"], 4);
                }
                None => {
                    let worked = scene.worked(2).await;
                    assert_eq!(worked[1]["data"]["n"], 4);
                }
            }
        }
    }
}

#[tokio::test]
async fn finished_jobs_go_as_it_was_said() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("work", json!({})).await;
        let gone = scene
            .queue
            .add("a", &())
            .remove_on_complete(Keep::NONE)
            .await
            .unwrap();
        for n in 0..5 {
            let job = scene
                .queue
                .add("b", &n)
                .remove_on_complete(Keep::ALL.count(2));
            job.await.unwrap();
        }
        let failing = json!({"fail": "no"});
        let failed = scene
            .queue
            .add("c", &failing)
            .remove_on_fail(Keep::NONE)
            .await
            .unwrap();
        let kept = scene.queue.add("d", &failing).await.unwrap();
        scene.until_state(&kept, "failed").await;
        assert!(scene.job(&gone).await.is_null());
        assert!(scene.job(&failed).await.is_null());
        let counts = scene.counts().await;
        assert_eq!((counts["completed"], counts["failed"]), (2, 1), "{version}");
    }
}

/// Tried again by BullMQ's worker as it was said here.
#[tokio::test]
async fn attempts_and_backoff() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("work", json!({"concurrency": 5})).await;
        let failing = json!({"fail": "not yet", "times": 2});
        let wait = Duration::from_millis;
        let fixed = scene.queue.add("fixed", &failing).attempts(3);
        let fixed = fixed.backoff(Backoff::fixed(wait(200))).await.unwrap();
        let more = scene.queue.add("exponential", &failing).attempts(3);
        let more = more.backoff(Backoff::exponential(wait(200))).await.unwrap();
        let jitter = scene.queue.add("jitter", &failing).attempts(3);
        let jitter = jitter
            .backoff(Backoff::fixed(wait(400)).jitter(1.0))
            .await
            .unwrap();
        let given_up = scene
            .queue
            .add("never", &json!({"fail": "never"}))
            .attempts(2)
            .await
            .unwrap();
        for id in [&fixed, &more, &jitter] {
            let job = scene.until_state(id, "completed").await;
            assert_eq!(job["attemptsMade"], 3, "{job}");
        }
        let job = scene.until_state(&given_up, "failed").await;
        assert_eq!(
            (&job["attemptsMade"], &job["failedReason"]),
            (&json!(2), &json!("never"))
        );
        let worked = scene.worked(0).await;
        let times = |id: &str| {
            let worked = worked.iter().filter(|one| one["id"] == id);
            let at: Vec<u64> = worked.map(|one| one["at"].as_u64().unwrap()).collect();
            [at[1] - at[0], at[2] - at[1]]
        };
        let [first, second] = times(&fixed);
        assert!(first >= 195 && second >= 195, "{first}, {second}");
        let [first, second] = times(&more);
        assert!(first >= 195 && second >= 395, "{first}, {second}");
    }
}

/// A tree over two queues, and a child of a job that is there.
#[tokio::test]
async fn children_come_before_their_parents() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let other = restis::Queue::new(&scene.redis, "other");
        let photos = [1, 2].map(|n| other.add("photo", &json!({"say": n})));
        let album = scene
            .queue
            .add("album", &json!({"say": "album"}))
            .children(photos);
        let root = scene
            .queue
            .add("root", &json!({"say": "all"}))
            .children([album])
            .await
            .unwrap();
        assert_eq!(scene.job(&root).await["state"], "waiting-children");
        let late = scene
            .queue
            .add("late", &json!({"say": "late"}))
            .parent(&scene.queue, &root);
        let late = late.await.unwrap();
        let gone = scene
            .queue
            .add("orphan", &())
            .parent(&scene.queue, "nobody")
            .await;
        assert!(gone.unwrap_err().is_argument());
        scene.ask("work", json!({})).await;
        scene.until_state(&late, "completed").await;
        assert_eq!(scene.job(&root).await["state"], "waiting-children");
        scene.ask("work", json!({"queue": "other"})).await;
        scene.until_state(&root, "completed").await;
        let values = scene.ask("values", json!({"job": root})).await;
        let mut values: Vec<String> = (values.as_object().unwrap().values())
            .map(|value| value.as_str().unwrap().to_owned())
            .collect();
        values.sort();
        assert_eq!(values, ["album", "late"]);
        // The same tree by BullMQ looks the same here.
        let tree = json!({
            "queueName": "work", "name": "root", "data": {},
            "children": [{"queueName": "other", "name": "child", "data": {"sleep": 500}}],
        });
        let id = scene.ask("flow", json!({"tree": tree})).await;
        let state = scene.queue.state(id.as_str().unwrap()).await.unwrap();
        assert_eq!(state, Some(State::WaitingChildren));
    }
}

/// What becomes of a parent by the way that its child was added with.
#[tokio::test]
async fn children_that_fail() {
    for version in VERSIONS {
        for (failure, state) in [
            (ChildFailure::Wait, "waiting-children"),
            (ChildFailure::FailParent, "failed"),
            (ChildFailure::ContinueParent, "completed"),
            (ChildFailure::Ignore, "completed"),
            (ChildFailure::Remove, "completed"),
        ] {
            let scene = Scene::of(version).await;
            let other = restis::Queue::new(&scene.redis, "other");
            let bad = other.add("bad", &json!({"fail": "no"})).on_failure(failure);
            let parent = scene
                .queue
                .add("parent", &())
                .children([bad])
                .await
                .unwrap();
            scene.ask("work", json!({})).await;
            scene.ask("work", json!({"queue": "other"})).await;
            until("the child has failed", async || {
                let counts = other.counts().await;
                Ok(counts.unwrap().failed == 1)
            })
            .await
            .unwrap();
            scene.until_state(&parent, state).await;
        }
    }
}
