//! Batches of any number of jobs, and of results of any size.

use restis::{
    Queue,
    queue::{Add, Backoff, ChildFailure, Deduplication, Job, JobError, Settled, State},
};
use serde::{Serialize, Serializer, ser::Error as _};

use super::{SECOND, Scene};

async fn add(queue: &Queue, count: usize) {
    for from in (0..count).step_by(1000) {
        let jobs = (from..count.min(from + 1000)).map(|n| queue.add("n", &n));
        queue.add_bulk(jobs).await.unwrap();
    }
}

/// More members than Lua's `unpack` takes, in every script that has them.
#[tokio::test]
async fn a_batch_of_9000_jobs_is_taken_held_and_settled() {
    const COUNT: usize = 9000;
    let scene = Scene::of("bullmq").await;
    let consumer = scene.queue.consumer().lock(SECOND * 600);
    let consumer = consumer.batch_size(COUNT).stalled_interval(SECOND / 1000);
    add(&scene.queue, COUNT).await;
    let mut batch = consumer.pull(COUNT).await.unwrap();
    assert_eq!(batch.jobs().len(), COUNT);
    assert!(batch.extend().await.unwrap().is_empty());
    // Nobody's worker is gone.
    for _ in 0..2 {
        assert!(consumer.sweep().await.unwrap().is_empty());
    }
    for (n, job) in batch.jobs().to_vec().iter().enumerate() {
        match n % 3 {
            0 => batch.complete(job.id(), &n).unwrap(),
            1 => batch.fail(job.id(), "no luck"),
            _ => batch.release(job.id()),
        }
    }
    let settled = batch.settle().await.unwrap();
    assert_eq!(settled.len(), COUNT);
    assert!(settled.iter().all(|(_, what)| *what == Settled::Done));
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!(
        (
            counts.completed,
            counts.failed,
            counts.waiting,
            counts.active
        ),
        (3000, 3000, 3000, 0)
    );
    // Those whose workers are gone, all at once.
    let lost = consumer.pull(COUNT).await.unwrap();
    assert_eq!(lost.jobs().len(), 3000);
    let locks = lost
        .jobs()
        .iter()
        .map(|job| format!("bull:work:{}:lock", job.id()));
    scene.redis.del(locks.collect::<Vec<_>>()).await.unwrap();
    let mut found = 0;
    super::until("all are found", async || {
        found += consumer.sweep().await.unwrap().len();
        Ok(found == 3000)
    })
    .await
    .unwrap();
    // All that have failed are tried again, and a run works on them.
    let failed = scene
        .queue
        .jobs(State::Failed, 0, COUNT as u64)
        .await
        .unwrap();
    let ids = failed.iter().map(Job::id);
    assert_eq!(scene.queue.retry(State::Failed, ids).await.unwrap(), 3000);
    let work = async |job: Job| Ok::<_, JobError>(job.data::<usize>()?);
    let summary = consumer.run_until(SECOND * 600, work).await.unwrap();
    assert_eq!(summary.completed, 6000);
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!(
        (counts.completed, counts.waiting, counts.active),
        (9000, 0, 0)
    );
    // The last one lets all others go.
    let keep = restis::queue::Keep::ALL
        .count(1)
        .age(SECOND * 3600)
        .limit(20_000);
    scene
        .queue
        .add("last", &1)
        .remove_on_complete(keep)
        .await
        .unwrap();
    assert_eq!(
        consumer
            .run_until(SECOND * 600, work)
            .await
            .unwrap()
            .completed,
        1
    );
    assert_eq!(scene.queue.counts().await.unwrap().completed, 1);
}

/// The same of delayed jobs, and of the children of one parent.
#[tokio::test]
async fn thousands_of_delayed_jobs_and_of_children_are_done() {
    const COUNT: usize = 9000;
    let scene = Scene::of("bullmq").await;
    let late = scene.queue.clone();
    let queue = late.clock({
        let queue = std::time::SystemTime::now();
        let now = queue.duration_since(std::time::UNIX_EPOCH).unwrap();
        let later = u64::try_from(now.as_millis()).unwrap() + 3_600_000;
        move || later
    });
    for from in (0..COUNT).step_by(1000) {
        let jobs = (from..from + 1000).map(|n| scene.queue.add("n", &n).delay(SECOND * 60));
        scene.queue.add_bulk(jobs).await.unwrap();
    }
    let children = (0..COUNT).map(|n| scene.queue.add("c", &n));
    let parent = scene.queue.add("p", &()).job_id("P").children(children);
    parent.await.unwrap();
    let work = async |_: Job| Ok::<_, JobError>(());
    let consumer = queue.consumer().batch_size(COUNT).lock(SECOND * 600);
    let summary = consumer.run_until(SECOND * 600, work).await.unwrap();
    assert_eq!(summary.completed, 2 * COUNT as u64 + 1);
    // A parent with all of its open children.
    let children = (0..2000).map(|n| scene.queue.add("c", &n));
    let parent = scene.queue.add("p", &()).job_id("Q").children(children);
    parent.await.unwrap();
    assert_eq!(scene.queue.remove(["Q"]).await.unwrap(), 2001);
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.waiting_children), (0, 0));
}

enum Output {
    Small(usize),
    Large(usize),
    NoJson,
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Small(n) => n.serialize(serializer),
            Self::Large(bytes) => "\"".repeat(*bytes).serialize(serializer),
            Self::NoJson => Err(S::Error::custom("secret")),
        }
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_stored_fails_its_job_alone() {
    let scene = Scene::of("bullmq").await;
    let jobs: Vec<Add<'_>> = (0..10)
        .map(|n| {
            let job = scene.queue.add("n", &n).job_id(format!("j{n}"));
            job.attempts(3).backoff(Backoff::fixed(SECOND))
        })
        .collect();
    scene.queue.add_bulk(jobs).await.unwrap();
    let work = async |job: Job| {
        Ok::<_, JobError>(match job.data()? {
            3 => Output::NoJson,
            // Each of these characters is four in the request.
            5 => Output::Large(3_000_000),
            n => Output::Small(n),
        })
    };
    let summary = scene
        .queue
        .consumer()
        .run_until(SECOND * 60, work)
        .await
        .unwrap();
    assert_eq!((summary.completed, summary.failed, summary.lost), (8, 2, 0));
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!(
        (
            counts.completed,
            counts.failed,
            counts.active,
            counts.delayed
        ),
        (8, 2, 0, 0)
    );
    for (id, reason) in [
        ("j3", "cannot be written as JSON"),
        ("j5", "larger than a request"),
    ] {
        let job = scene.job(id).await;
        assert_eq!(job["attemptsMade"], 1, "its work was done");
        let said = job["failedReason"].as_str().unwrap();
        assert!(said.contains(reason) && !said.contains("secret"), "{said}");
    }
    // By hand it is reported.
    scene.queue.add("n", &0).job_id("large").await.unwrap();
    let mut batch = scene.queue.consumer().pull(1).await.unwrap();
    assert!(
        batch
            .complete("large", &Output::NoJson)
            .unwrap_err()
            .is_argument()
    );
    batch.complete("large", &Output::Large(3_000_000)).unwrap();
    assert_eq!(
        batch.settle().await.unwrap(),
        [("large".to_owned(), Settled::TooLarge)]
    );
}

#[tokio::test]
async fn results_are_sent_in_as_many_requests_as_they_need() {
    let scene = Scene::of("bullmq").await;
    for (bytes, count) in [(1_100_000, 10), (550_000, 12)] {
        scene.flush().await;
        add(&scene.queue, count).await;
        let work = async |_: Job| Ok::<_, JobError>(Output::Large(bytes / 2));
        let consumer = scene.queue.consumer().batch_size(20).lock(SECOND * 600);
        let summary = consumer.run_until(SECOND * 600, work).await.unwrap();
        assert_eq!((summary.completed, summary.failed), (count as u64, 0));
        assert_eq!(scene.queue.counts().await.unwrap().completed, count as u64);
    }
    // A reason is shortened, and what is kept of many too.
    let job = scene.queue.add("n", &1).job_id("reason").attempts(20);
    job.stack_trace_limit(20).await.unwrap();
    for _ in 0..12 {
        let mut batch = scene.queue.consumer().pull(1).await.unwrap();
        batch.fail("reason", "ß".repeat(6_000_000));
        assert!(batch.settle().await.unwrap()[0].1.is_done());
    }
    let job = scene.queue.job("reason").await.unwrap().unwrap();
    assert_eq!(job.attempts_made(), 12);
    let reason = job.failed_reason().unwrap();
    assert!(
        reason.len() < 70_000 && reason.ends_with("ß…"),
        "{}",
        reason.len()
    );
}

/// As many events as the queue keeps, and at most one more node of the stream, whichever script writes them.
#[tokio::test]
async fn every_script_trims_the_events() {
    const COUNT: usize = 400;
    let scene = Scene::of("bullmq").await;
    let queue = &scene.queue;
    scene
        .redis
        .hset("bull:work:meta", ("opts.maxLenEvents", 100))
        .await
        .unwrap();
    let trimmed = async |what: &str| {
        let length = scene.redis.xlen("bull:work:events").await.unwrap();
        assert!(length <= 200, "{what}: {length}");
    };
    let consumer = queue.consumer();
    let work = async |job: Job| match job.name() {
        "bad" => Err(JobError::new("no luck")),
        _ => Ok(()),
    };
    add(queue, 3000).await;
    trimmed("add").await;
    consumer.run_until(SECOND * 600, work).await.unwrap();
    trimmed("complete").await;
    let mut ids = Vec::new();
    for n in 0..COUNT {
        let id = queue.add("bad", &n).job_id(format!("b{n}")).await.unwrap();
        ids.push(id);
    }
    trimmed("add one by one").await;
    consumer.run_until(SECOND * 600, work).await.unwrap();
    trimmed("fail").await;
    let all = || ids.iter().map(String::as_str);
    assert_eq!(
        queue.retry(State::Failed, all()).await.unwrap(),
        COUNT as u64
    );
    trimmed("retry").await;
    for id in all() {
        assert_eq!(queue.add("bad", &()).job_id(id).await.unwrap(), id);
    }
    trimmed("duplicate").await;
    assert_eq!(queue.remove(all()).await.unwrap(), COUNT as u64);
    trimmed("remove").await;
    for n in 0..COUNT {
        let later = queue.add("a", &n).delay(SECOND * 60);
        let deduplication = Deduplication::new("x").replace();
        later.deduplication(deduplication).await.unwrap();
    }
    trimmed("deduplicate").await;
    let later = (0..COUNT).map(|n| {
        queue
            .add("a", &n)
            .delay(SECOND * 60)
            .job_id(format!("l{n}"))
    });
    let later = queue.add_bulk(later.collect::<Vec<_>>()).await.unwrap();
    let promoted = queue
        .promote(later.iter().map(String::as_str))
        .await
        .unwrap();
    assert_eq!(promoted, COUNT as u64);
    trimmed("promote").await;
    let children = (0..COUNT).map(|n| queue.add("a", &n).on_failure(ChildFailure::Ignore));
    queue.add("p", &()).children(children).await.unwrap();
    trimmed("flow").await;
    for n in 0..COUNT {
        queue.set_progress("l1", &n).await.unwrap();
    }
    trimmed("progress").await;
    consumer.run_until(SECOND * 600, work).await.unwrap();
    trimmed("flow done").await;
    // A setting that is no number is as if there were none.
    scene
        .redis
        .hset("bull:work:meta", ("opts.maxLenEvents", "many"))
        .await
        .unwrap();
    queue.add("a", &()).await.unwrap();
}
