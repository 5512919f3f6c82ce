//! Runs of a limited time: when they stop, what they report, and what becomes of their jobs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::queue::{Finished, Job, JobError, Pulled, Stopped};
use serde_json::{Value, json};

use super::{SECOND, Scene, VERSIONS};

const MILLI: Duration = Duration::from_millis(1);

impl Scene {
    async fn add(&self, count: usize) -> Vec<String> {
        let jobs: Vec<_> = (0..count).map(|n| self.queue.add("n", &n)).collect();
        self.queue.add_bulk(jobs).await.unwrap()
    }
}

/// Counts the futures that are dropped.
struct Guard(Arc<AtomicU32>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[tokio::test]
async fn run_renews_the_locks_of_a_batch_until_all_its_jobs_are_done() {
    let scene = Scene::of("bullmq").await;
    scene.add(10).await;
    let consumer = scene.queue.consumer().lock(SECOND * 6).batch_size(4);
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let work = |job: Job| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        let redis = scene.redis.clone();
        async move {
            let n: u32 = job.data()?;
            most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
            let lock = format!("bull:work:{}:lock", job.id());
            // The first one works until its lock holds for longer than before.
            if n == 1 {
                let mut left = u64::MAX;
                loop {
                    let now = redis.pttl(&*lock).await?.left().unwrap_or(0);
                    if now > left {
                        break;
                    }
                    left = now;
                    tokio::time::sleep(MILLI * 20).await;
                }
            }
            tokio::task::yield_now().await;
            running.fetch_sub(1, SeqCst);
            match n {
                2 => Err(JobError::new("no")),
                3 => Err(JobError::for_good("never")),
                n => Ok(n),
            }
        }
    };
    let done = consumer.run_until(SECOND * 600, work).await.unwrap();
    assert_eq!(
        (done.completed, done.failed, done.stopped),
        (8, 2, Stopped::Drained)
    );
    assert_eq!((done.lost, done.released, most.load(SeqCst)), (0, 0, 4));
}

#[tokio::test]
async fn run_drops_its_handlers_and_gives_back_their_jobs_when_the_time_is_over() {
    let scene = Scene::of("bullmq").await;
    let ids = scene.add(6).await;
    let dropped = Arc::new(AtomicU32::new(0));
    let work = |_: Job| {
        let guard = Guard(Arc::clone(&dropped));
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
            Ok::<_, JobError>(())
        }
    };
    let consumer = scene.queue.consumer().batch_size(4).margin(MILLI * 200);
    let done = consumer.run_until(SECOND * 2, work).await.unwrap();
    assert_eq!(
        (done.released, done.completed, done.stopped),
        (4, 0, Stopped::Time)
    );
    assert_eq!(dropped.load(SeqCst), 4);
    for id in &ids {
        let job = scene.job(id).await;
        assert_eq!(
            (&job["state"], &job["attemptsStarted"]),
            (&json!("waiting"), &json!(0))
        );
    }
}

#[tokio::test]
async fn run_drops_the_handlers_of_jobs_whose_locks_are_lost() {
    let scene = Scene::of("bullmq").await;
    let ids = scene.add(6).await;
    let dropped = Arc::new(AtomicU32::new(0));
    let work = |job: Job| {
        let (guard, redis) = (Guard(Arc::clone(&dropped)), scene.redis.clone());
        async move {
            let _guard = guard;
            redis
                .set(format!("bull:work:{}:lock", job.id()), "other")
                .await?;
            std::future::pending::<()>().await;
            Ok::<_, JobError>(())
        }
    };
    let consumer = scene.queue.consumer().lock(MILLI * 300).batch_size(2);
    let done = consumer.run_until(SECOND * 600, work).await.unwrap();
    assert_eq!(
        (done.lost, done.completed, done.stopped),
        (6, 0, Stopped::Drained)
    );
    assert_eq!(dropped.load(SeqCst), 6);
    // They are those of the other.
    for id in &ids {
        assert_eq!(scene.job(id).await["state"], "active");
    }
}

/// A lock that nothing renews is lost when it expires, not when a request fails at last.
#[tokio::test]
async fn run_drops_its_handlers_when_locks_cannot_be_renewed() {
    let scene = Scene::of("bullmq").await;
    scene.add(2).await;
    let work = |_: Job| {
        let local = scene.server.local();
        async move {
            local.inject(restis_local::Fault::status(503).times(1_000_000));
            std::future::pending::<()>().await;
            Ok::<_, JobError>(())
        }
    };
    let consumer = scene.queue.consumer().lock(MILLI * 600).batch_size(2);
    let run = consumer.run_until(SECOND * 600, work).await;
    assert!(run.is_err(), "the server is away: {run:?}");
}

#[tokio::test]
async fn run_reports_why_it_stopped() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let work = async |_| Ok::<_, JobError>("done");
        let consumer = scene.queue.consumer();
        scene.add(5).await;
        let later = scene.queue.add("later", &1).delay(SECOND * 600);
        later.await.unwrap();

        scene.queue.pause().await.unwrap();
        let done = consumer.run_until(SECOND * 60, work).await.unwrap();
        assert_eq!(
            (done.completed, done.stopped),
            (0, Stopped::Paused),
            "{version}"
        );
        assert!(done.next_delayed.is_some());
        scene.queue.resume().await.unwrap();

        let limited = consumer.clone().limit(2, SECOND * 600);
        let done = limited.run_until(SECOND * 60, work).await.unwrap();
        let Stopped::Limited { retry_after, .. } = done.stopped else {
            panic!("{version}: {done:?}");
        };
        assert!(retry_after > Duration::ZERO && retry_after <= SECOND * 600);
        assert_eq!(done.completed, 2);
        scene.redis.del("bull:work:limiter").await.unwrap();

        // BullMQ's own pause for a time.
        scene.ask("limit", json!({"millis": 60_000})).await;
        let done = consumer.run_until(SECOND * 60, work).await.unwrap();
        assert!(
            matches!(done.stopped, Stopped::Limited { .. }),
            "{version}: {done:?}"
        );
        scene.redis.del("bull:work:limiter").await.unwrap();

        scene.ask("concurrency", json!({"jobs": 1})).await;
        let batch = consumer.pull(1).await.unwrap();
        let done = consumer.run_until(SECOND * 60, work).await.unwrap();
        assert_eq!(
            (done.completed, done.stopped),
            (0, Stopped::Maxed),
            "{version}"
        );
        let mut batch = batch;
        let id = batch.jobs()[0].id().to_owned();
        batch.release(&id);
        batch.settle().await.unwrap();

        let done = consumer.run_until(SECOND * 60, work).await.unwrap();
        assert_eq!(
            (done.completed, done.stopped),
            (3, Stopped::Drained),
            "{version}"
        );
        assert!(done.next_delayed.is_some());
        scene.redis.del("bull:work:delayed").await.unwrap();
        let done = consumer.run_until(SECOND * 60, work).await.unwrap();
        assert_eq!((done.stopped, done.next_delayed), (Stopped::Drained, None));
        assert_eq!(consumer.pull(1).await.unwrap().pulled(), Pulled::Ready);
    }
}

#[tokio::test]
async fn run_without_time_for_its_margin_takes_no_job() {
    let scene = Scene::of("bullmq").await;
    scene.add(1).await;
    scene.server.reset().await.unwrap();
    let work = async |_| Ok::<_, JobError>(());
    let consumer = scene.queue.consumer();
    for time in [Duration::ZERO, MILLI * 500, SECOND] {
        let done = consumer.run_until(time, work).await.unwrap();
        assert_eq!((done.completed, done.stopped), (0, Stopped::Time));
    }
    assert_eq!(scene.server.stats().await.unwrap().requests, 0);
}

/// As BullMQ keeps them: one text for each failure, the last ones.
#[tokio::test]
async fn failures_are_kept_in_the_stack_up_to_its_limit() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        for (limit, kept) in [(None, 3), (Some(2), 2), (Some(1), 1), (Some(0), 0)] {
            let mut job = scene.queue.add("a", &1).attempts(3);
            if let Some(limit) = limit {
                job = job.stack_trace_limit(limit);
            }
            let id = job.await.unwrap();
            let work = async |job: Job| {
                let made = job.attempts_made();
                Err::<(), _>(JobError::new("no").stack(format!("no\n    at {made}")))
            };
            scene
                .queue
                .consumer()
                .run_until(SECOND * 60, work)
                .await
                .unwrap();
            let lines: Vec<String> = (3 - kept..3)
                .map(|made| format!("no\n    at {made}"))
                .collect();
            assert_eq!(
                scene.job(&id).await["stacktrace"],
                json!(lines),
                "{version}"
            );
            let job = scene.queue.job(&id).await.unwrap().unwrap();
            assert_eq!((job.stacktrace(), job.failed_reason()), (lines, Some("no")));
        }
    }
}

/// BullMQ's worker adds nothing for an error that has no stack.
#[tokio::test]
async fn failure_without_a_stack_leaves_the_stack_as_it_is() {
    let scene = Scene::of("bullmq").await;
    let id = scene.queue.add("a", &1).attempts(3).await.unwrap();
    let work = async |job: Job| {
        let stack = if job.attempts_made() == 1 {
            ""
        } else {
            "a line"
        };
        Err::<(), _>(JobError::new("no").stack(stack))
    };
    let consumer = scene.queue.consumer();
    let summary = consumer.run_until(SECOND * 60, work).await.unwrap();
    assert_eq!(summary.failed, 3);
    let job = scene.queue.job(&id).await.unwrap().unwrap();
    assert_eq!(job.stacktrace(), ["a line", "a line"]);
    assert_eq!(job.failed_reason(), Some("no"));
}

#[tokio::test]
async fn outcome_is_found_when_its_event_was_trimmed() {
    let scene = Scene::of("bullmq").await;
    for (round, fails) in [false, true].into_iter().cycle().take(6).enumerate() {
        let id = scene.queue.add("a", &1).await.unwrap();
        let act = async {
            // Behind its first look, for any number of them.
            tokio::time::sleep(MILLI * 40 * round as u32).await;
            let mut batch = scene.queue.consumer().pull(1).await.unwrap();
            match fails {
                true => batch.fail(&id, "no"),
                false => batch.complete(&id, &7).unwrap(),
            }
            batch.settle().await.unwrap();
            let trim = scene.redis.del("bull:work:events");
            trim.await.unwrap();
        };
        let (found, ()) = tokio::join!(scene.queue.wait_finished::<u8>(&id, SECOND * 600), act);
        let expected = match fails {
            true => Finished::Failed("no".to_owned()),
            false => Finished::Completed(7),
        };
        assert_eq!(found.unwrap(), Some(expected));
    }
}

#[tokio::test]
async fn waiting_for_a_removed_job_ends() {
    let scene = Scene::of("bullmq").await;
    let id = scene.queue.add("a", &1).await.unwrap();
    let act = async {
        tokio::time::sleep(MILLI * 150).await;
        scene.queue.remove([&*id]).await.unwrap();
    };
    let (found, ()) = tokio::join!(scene.queue.wait_finished::<Value>(&id, SECOND * 600), act);
    assert_eq!(found.unwrap(), None);
    let found = scene
        .queue
        .wait_finished::<Value>("nobody", MILLI * 50)
        .await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn log_keeps_its_last_lines() {
    let scene = Scene::of("bullmq").await;
    let id = scene.queue.add("a", &1).await.unwrap();
    for (line, keep, kept) in [
        ("a", None, 1),
        ("b", None, 2),
        ("c", Some(2), 2),
        ("d", Some(0), 0),
        ("e", Some(5), 1),
    ] {
        assert_eq!(
            scene.queue.log(&id, line, keep).await.unwrap(),
            Some(kept),
            "{line}"
        );
        assert_eq!(
            scene.queue.logs(&id).await.unwrap().len() as u64,
            kept,
            "{line}"
        );
    }
}
