//! What is seen of a queue and changed in it here, beside what BullMQ sees and changes.

use std::time::Duration;

use restis::queue::State;
use serde_json::{Value, json};

use super::{SECOND, Scene, VERSIONS, names, until};

#[tokio::test]
async fn counts_states_and_jobs_are_theirs() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let add = |name: &str| scene.queue.add(name, &json!({"a": 1}));
        let waiting = add("waiting").await.unwrap();
        let second = add("second").await.unwrap();
        let delayed = add("delayed").delay(SECOND * 60).await.unwrap();
        let urgent = add("urgent").priority(1).await.unwrap();
        let parent = add("parent")
            .children([add("child").delay(SECOND * 60)])
            .await
            .unwrap();
        let active = add("active").lifo().await.unwrap();
        let batch = scene.queue.consumer().pull(1).await.unwrap();
        assert_eq!(batch.jobs()[0].id(), active);
        for (id, state) in [
            (&waiting, State::Waiting),
            (&delayed, State::Delayed),
            (&urgent, State::Prioritized),
            (&parent, State::WaitingChildren),
            (&active, State::Active),
        ] {
            assert_eq!(scene.queue.state(id).await.unwrap(), Some(state));
            assert_eq!(scene.job(id).await["state"], state.to_string());
        }
        assert_eq!(scene.queue.state("nobody").await.unwrap(), None);
        assert!(scene.queue.job("nobody").await.unwrap().is_none());
        let ours = scene.queue.counts().await.unwrap();
        let theirs = scene.counts().await;
        for (name, count) in [
            ("waiting", ours.waiting),
            ("delayed", ours.delayed),
            ("prioritized", ours.prioritized),
            ("waiting-children", ours.waiting_children),
            ("active", ours.active),
            ("completed", ours.completed),
            ("failed", ours.failed),
        ] {
            assert_eq!(theirs[name], count, "{name}");
        }
        let jobs = scene.queue.jobs(State::Waiting, 0, 10).await.unwrap();
        let ids: Vec<&str> = jobs.iter().map(|job| job.id()).collect();
        assert_eq!(ids, [&*waiting, &*second]);
        let jobs = scene.queue.jobs(State::Waiting, 1, 1).await.unwrap();
        assert_eq!(jobs[0].id(), second);
        let job = scene.queue.job(&delayed).await.unwrap().unwrap();
        assert_eq!(job.data::<Value>().unwrap(), json!({"a": 1}));
        assert_eq!((job.attempts_made(), job.finished_on()), (0, None));
    }
}

#[tokio::test]
async fn progress_logs_and_data() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        scene.ask("listen", json!({})).await;
        let id = scene.queue.add("a", &1).await.unwrap();
        assert!(
            scene
                .queue
                .set_progress(&id, &json!({"done": 40}))
                .await
                .unwrap()
        );
        assert!(!scene.queue.set_progress("nobody", &1).await.unwrap());
        assert_eq!(scene.job(&id).await["progress"], json!({"done": 40}));
        for line in ["one", "two", "three"] {
            scene.queue.log(&id, line, Some(2)).await.unwrap();
        }
        assert_eq!(scene.queue.log("nobody", "x", None).await.unwrap(), None);
        assert_eq!(
            scene.ask("logs", json!({"job": id})).await,
            json!(["two", "three"])
        );
        assert!(
            scene
                .queue
                .update_data(&id, &json!({"progress": 70, "log": "four"}))
                .await
                .unwrap()
        );
        assert!(!scene.queue.update_data("nobody", &1).await.unwrap());
        scene.ask("work", json!({})).await;
        scene.until_state(&id, "completed").await;
        let job = scene.queue.job(&id).await.unwrap().unwrap();
        assert_eq!(job.progress::<u32>().unwrap(), Some(70));
        assert_eq!(
            job.return_value::<String>().unwrap().as_deref(),
            Some("done")
        );
        assert_eq!(
            scene.queue.logs(&id).await.unwrap(),
            ["two", "three", "four"]
        );
        until("both are heard", async || {
            let heard = scene.ask("heard", json!({})).await;
            let heard = names(&heard);
            Ok(heard.iter().filter(|name| **name == "progress").count() == 2)
        })
        .await
        .unwrap();
    }
}

/// Promoted, tried again, removed and cleaned, by both.
#[tokio::test]
async fn jobs_are_moved_by_both() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let add = |name: &str| scene.queue.add(name, &json!({"say": "done"}));
        let mut delayed = Vec::new();
        for name in ["a", "b", "c"] {
            delayed.push(add(name).delay(SECOND * 60).await.unwrap());
        }
        assert_eq!(
            scene.queue.promote([&*delayed[0], "nobody"]).await.unwrap(),
            1
        );
        scene.ask("promote", json!({"job": delayed[1]})).await;
        scene.ask("work", json!({"drainDelay": 20})).await;
        scene.worked(2).await;
        for id in &delayed[..2] {
            scene.until_state(id, "completed").await;
        }
        assert_eq!(
            scene.queue.state(&delayed[2]).await.unwrap(),
            Some(State::Delayed)
        );
        scene.ask("rest", json!({})).await;
        // Failed here, tried again by both.
        let mut failed = Vec::new();
        for name in ["d", "e", "f"] {
            failed.push(add(name).await.unwrap());
        }
        let mut batch = scene.queue.consumer().pull(3).await.unwrap();
        for id in &failed {
            batch.fail(id, "no");
        }
        batch.settle().await.unwrap();
        let jobs = scene.ask("jobs", json!({"state": "failed"})).await;
        assert_eq!(jobs.as_array().unwrap().len(), 3);
        let retried = scene
            .queue
            .retry(State::Failed, [&*failed[0]])
            .await
            .unwrap();
        assert_eq!(retried, 1);
        assert!(
            scene
                .queue
                .retry(State::Delayed, ["a"])
                .await
                .unwrap_err()
                .is_argument()
        );
        scene
            .ask("retry", json!({"job": failed[1], "state": "failed"}))
            .await;
        assert!(scene.job(&failed[0]).await["failedReason"].is_null());
        scene.ask("work", json!({"drainDelay": 20})).await;
        for id in &failed[..2] {
            scene.until_state(id, "completed").await;
        }
        scene.ask("rest", json!({})).await;
        let again = scene
            .queue
            .retry(State::Completed, [&*failed[0]])
            .await
            .unwrap();
        assert_eq!(again, 1);
        assert!(scene.job(&failed[0]).await["returnvalue"].is_null());
        // Cleaned and removed.
        let gone = scene.ask("clean", json!({"state": "completed"})).await;
        assert_eq!(gone.as_array().unwrap().len(), 3);
        let old = scene
            .queue
            .clean(State::Failed, SECOND * 60, 10)
            .await
            .unwrap();
        assert!(old.is_empty());
        let gone = scene
            .queue
            .clean(State::Failed, Duration::ZERO, 10)
            .await
            .unwrap();
        assert_eq!(gone, [&*failed[2]]);
        assert!(scene.job(&failed[2]).await.is_null());
        scene.ask("remove", json!({"job": delayed[2]})).await;
        assert_eq!(
            scene.queue.remove([&*failed[0], "nobody"]).await.unwrap(),
            1
        );
        let counts = scene.counts().await;
        assert!(counts.values().all(|count| *count == 0), "{counts:?}");
        for state in [State::Waiting, State::Delayed] {
            let job = add("young");
            let job = if state == State::Delayed {
                job.delay(SECOND * 60)
            } else {
                job
            };
            let id = job.await.unwrap();
            let young = scene.queue.clean(state, SECOND * 60, 10).await.unwrap();
            assert!(young.is_empty());
            assert_eq!(
                scene.queue.clean(state, Duration::ZERO, 10).await.unwrap(),
                [id]
            );
        }
        // One that somebody has stays; children go with their parent.
        let locked = add("locked").await.unwrap();
        let batch = scene.queue.consumer().pull(1).await.unwrap();
        assert_eq!(scene.queue.remove([&*locked]).await.unwrap(), 0);
        drop(batch);
        let parent = add("parent")
            .children([add("one"), add("two")])
            .await
            .unwrap();
        assert_eq!(scene.queue.remove([&*parent]).await.unwrap(), 3);
        // A deduplication ends with the job that had it.
        let unique = || {
            let deduplication = restis::queue::Deduplication::new("x");
            add("unique").deduplication(deduplication)
        };
        let first = unique().await.unwrap();
        scene.queue.remove([&*first]).await.unwrap();
        let second = unique().await.unwrap();
        assert_ne!(first, second);
        scene.queue.remove([&*second]).await.unwrap();
        // A parent whose last child is removed goes on.
        let child = add("child").job_id("child");
        let parent = add("parent").children([child]).await.unwrap();
        scene.queue.remove(["child"]).await.unwrap();
        assert_eq!(
            scene.queue.state(&parent).await.unwrap(),
            Some(State::Waiting)
        );
    }
}

#[tokio::test]
async fn a_queue_is_emptied_and_removed() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let add = |name: &str| scene.queue.add(name, &());
        let jobs: Vec<_> = (0..1500).map(|_| add("n")).collect();
        scene.queue.add_bulk(jobs).await.unwrap();
        add("urgent").priority(3).await.unwrap();
        add("delayed").delay(SECOND * 60).await.unwrap();
        assert_eq!(scene.queue.drain(false).await.unwrap(), 1501);
        assert_eq!(scene.counts().await["delayed"], 1);
        // The next job of a scheduler is the scheduler's.
        let hourly = restis::queue::Repeat::every(SECOND * 3600).start(4_000_000_000_000);
        scene
            .queue
            .upsert_scheduler("hourly", hourly, add("tick"))
            .await
            .unwrap();
        assert_eq!(scene.queue.drain(true).await.unwrap(), 1);
        assert_eq!(scene.counts().await["delayed"], 1);
        assert!(scene.queue.remove_scheduler("hourly").await.unwrap());
        let counts = scene.counts().await;
        assert!(counts.values().all(|count| *count == 0), "{counts:?}");
        let jobs: Vec<_> = (0..1500).map(|_| add("n")).collect();
        scene.queue.add_bulk(jobs).await.unwrap();
        add("delayed").delay(SECOND * 60).await.unwrap();
        let unique = restis::queue::Deduplication::new("x");
        add("unique").deduplication(unique).await.unwrap();
        let hourly = restis::queue::Repeat::every(SECOND * 3600).start(4_000_000_000_000);
        let tick = add("tick");
        scene
            .queue
            .upsert_scheduler("hourly", hourly, tick)
            .await
            .unwrap();
        let batch = scene.queue.consumer().pull(2).await.unwrap();
        assert!(
            scene
                .queue
                .obliterate(false)
                .await
                .unwrap_err()
                .is_argument()
        );
        scene.queue.pause().await.unwrap();
        assert!(
            scene
                .queue
                .obliterate(false)
                .await
                .unwrap_err()
                .is_argument()
        );
        scene.queue.obliterate(true).await.unwrap();
        let keys: Vec<String> = scene.redis.keys("bull:work*").await.unwrap();
        assert!(keys.is_empty(), "{keys:?}");
        drop(batch);
        assert!(
            restis::Queue::new(&scene.redis, "a:b")
                .pause()
                .await
                .unwrap_err()
                .is_argument()
        );
    }
}

/// Where no version is said jobs wait in the old list while it is paused, and both find them.
#[tokio::test]
async fn without_a_version_nothing_is_lost_either() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let queue = restis::Queue::new(&scene.redis, "unknown");
        queue.add("1", &()).await.unwrap();
        queue.pause().await.unwrap();
        queue.add("2", &()).await.unwrap();
        let counts = queue.counts().await.unwrap();
        assert_eq!((counts.waiting, counts.paused), (0, 2));
        scene.ask("resume", json!({"queue": "unknown"})).await;
        let counts = queue.counts().await.unwrap();
        assert_eq!((counts.waiting, counts.paused), (2, 0), "{version}");
    }
}
