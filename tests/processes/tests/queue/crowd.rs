//! Many jobs and many who take them: each is done once, whatever happens.

use std::{collections::HashMap, process::Command, time::Duration};

use restis::queue::State;
use restis_local::Fault;
use restis_processes::Player;
use serde_json::json;

use super::{Scene, VERSIONS};

const MILLI: Duration = Duration::from_millis(1);
const JOBS: u64 = 600;

fn consumer() -> Player {
    Player::start(Command::new(env!("CARGO_BIN_EXE_consumer"))).unwrap()
}

fn work(scene: &Scene) -> serde_json::Value {
    json!({
        "do": "work", "url": scene.server.url(), "token": scene.server.token(), "queue": "work",
        "lock": 1500, "seconds": 25,
    })
}

/// How often each job was completed, by the events of the queue.
async fn completed(scene: &Scene) -> HashMap<String, u32> {
    let mut completed = HashMap::new();
    let mut last = restis::commands::streams::StreamId::MIN;
    loop {
        let events = scene.queue.events(last, 5000).await.unwrap();
        let Some(event) = events.last() else {
            return completed;
        };
        last = event.id;
        for event in events.iter().filter(|event| event.event == "completed") {
            *completed
                .entry(event.job_id().unwrap().to_owned())
                .or_default() += 1;
        }
    }
}

async fn add(scene: &Scene) -> Vec<String> {
    let jobs = (0..JOBS).map(|n| {
        scene
            .queue
            .add("n", &json!({"n": n, "sleep": 5}))
            .attempts(3)
    });
    scene
        .queue
        .add_bulk(jobs.collect::<Vec<_>>())
        .await
        .unwrap()
}

async fn all_done(scene: &Scene) {
    // Longer than most, on a machine that does something else too.
    for _ in 0..1500 {
        tokio::time::sleep(MILLI * 100).await;
        let counts = scene.queue.counts().await;
        if counts.is_ok_and(|counts| counts.completed == JOBS) {
            return;
        }
    }
    panic!("not all are done: {:?}", scene.queue.counts().await);
}

async fn once_each(scene: &Scene, ids: &[String]) {
    let completed = completed(scene).await;
    for id in ids {
        assert_eq!(completed.get(id), Some(&1), "{id}");
    }
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!(
        (
            counts.completed,
            counts.active,
            counts.waiting,
            counts.failed
        ),
        (JOBS, 0, 0, 0)
    );
}

#[tokio::test]
async fn two_consumers_and_a_worker_do_each_job_once() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let ids = add(&scene).await;
        scene.ask("work", json!({"concurrency": 5})).await;
        let consumers = [consumer(), consumer()];
        let mut runs = Vec::new();
        for consumer in &consumers {
            runs.push(consumer.begin(&work(&scene)).await.unwrap());
        }
        all_done(&scene).await;
        once_each(&scene, &ids).await;
        // Each of them had some.
        let there = scene.worked(0).await.len();
        assert!(there > 0);
        for run in runs {
            assert!(run.answer().await.unwrap().as_u64().unwrap() > 0);
        }
    }
}

/// The plain worker of examples/bullmq sends what is added here.
#[tokio::test]
async fn the_example_of_bullmq_works() {
    let scene = Scene::of("bullmq").await;
    let queue = restis::Queue::new(&scene.redis, "notifications");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let node = std::env::var_os("RESTIS_NODE22").filter(|name| !name.is_empty());
    let folder = root.join("tests/js");
    // Modules are looked for beside the file.
    let copy = folder.join("node_modules/.bullmq-example.mjs");
    std::fs::copy(root.join("examples/bullmq/worker.mjs"), &copy).unwrap();
    let mut worker = tokio::process::Command::new(node.unwrap_or_else(|| "node".into()))
        .arg(copy)
        .env("REDIS_URL", format!("redis://{}", scene.server.redis()))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let to = |to: &str| json!({"to": to, "text": "hello"});
    let sent = queue.add("notification", &to("ada")).await.unwrap();
    let failed = queue.add("notification", &to("nobody")).await.unwrap();
    let done = queue.wait_finished::<serde_json::Value>(&sent, Duration::from_secs(20));
    assert_eq!(
        done.await.unwrap(),
        Some(restis::queue::Finished::Completed(json!({"sent": 5})))
    );
    let done = queue.wait_finished::<serde_json::Value>(&failed, Duration::from_secs(20));
    let reason = "there is nobody to send it to".to_owned();
    assert_eq!(
        done.await.unwrap(),
        Some(restis::queue::Finished::Failed(reason))
    );
    worker.kill().await.unwrap();
}

/// One answer of twenty is lost, and each second a consumer is killed.
#[tokio::test]
async fn also_when_answers_are_lost_and_consumers_die() {
    for version in VERSIONS {
        let scene = Scene::of(version).await;
        let ids = add(&scene).await;
        let words = json!({"concurrency": 2, "stalledInterval": 1000, "maxStalledCount": 50});
        scene.ask("work", words).await;
        let lost = Fault::drop_after().rate(0.05, 7).times(100_000);
        scene.server.local().inject(lost);
        let mut consumers = vec![consumer(), consumer()];
        for consumer in &consumers {
            drop(consumer.begin(&work(&scene)).await.unwrap());
        }
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            consumers.remove(0).kill().await.unwrap();
            let next = consumer();
            drop(next.begin(&work(&scene)).await.unwrap());
            consumers.push(next);
        }
        all_done(&scene).await;
        scene.server.local().clear_faults();
        once_each(&scene, &ids).await;
    }
}

/// A backlog of 100,000: what one request costs does not grow with it.
#[tokio::test]
async fn a_long_backlog_costs_no_more() {
    let scene = Scene::of("bullmq").await;
    for part in 0..20 {
        let jobs = (0..5_000).map(|n| scene.queue.add("n", &(part * 5_000 + n)));
        scene
            .queue
            .add_bulk(jobs.collect::<Vec<_>>())
            .await
            .unwrap();
    }
    let consumer = scene.queue.consumer();
    let batch = consumer.pull(10).await.unwrap();
    let (_, mut batch) = batch.settle_and_pull(10).await.unwrap();
    for job in batch.jobs().to_vec() {
        batch.complete(job.id(), &()).unwrap();
    }
    scene.server.reset().await.unwrap();
    let (settled, next) = batch.settle_and_pull(10).await.unwrap();
    let stats = scene.server.stats().await.unwrap();
    assert!(settled.iter().all(|(_, what)| what.is_done()));
    assert_eq!((next.jobs().len(), stats.requests), (10, 1));
    assert!(stats.billed <= 125, "{}", stats.billed);
    let counts = scene.queue.counts().await.unwrap();
    assert_eq!(counts.waiting, 100_000 - 30);
    let first = scene.queue.jobs(State::Waiting, 0, 1).await.unwrap();
    assert_eq!(first[0].data::<u32>().unwrap(), 30);
}
