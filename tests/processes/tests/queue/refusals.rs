//! What is refused before anything is written.

use restis::{Queue, unversioned};
use serde_json::{Value, json};

use std::time::Duration;

use super::Scene;

/// Ids that are, or would be, keys of the queue itself.
const OWN: [&str; 24] = [
    "meta",
    "id",
    "wait",
    "paused",
    "active",
    "prioritized",
    "pc",
    "delayed",
    "completed",
    "failed",
    "waiting-children",
    "marker",
    "events",
    "stalled",
    "stalled-check",
    "limiter",
    "repeat",
    "metrics",
    "de",
    "dn",
    "repeat:a:1",
    "de:a:b",
    "dn:a:b",
    "metrics:completed:data",
];

#[tokio::test]
async fn an_id_that_is_a_key_of_the_queue_is_refused() {
    let scene = Scene::of("bullmq").await;
    let queue = &scene.queue;
    let before = scene.ask("content", json!({"of": ""})).await;
    for id in OWN {
        let job = || queue.add("a", &()).job_id(id);
        let results = [
            job().await.map(|_| ()),
            queue
                .add_bulk([queue.add("b", &()), job()])
                .await
                .map(|_| ()),
            queue.add("p", &()).children([job()]).await.map(|_| ()),
            job().children([queue.add("c", &())]).await.map(|_| ()),
            job().command().map(|_| ()),
        ];
        for result in results {
            let error = result.unwrap_err();
            assert!(error.is_argument(), "{id}: {error}");
            assert!(error.to_string().contains("own keys"), "{id}: {error}");
        }
        // The same words for the npm package.
        let opts = json!({"jobId": id});
        let jobs = json!([{"name": "a", "data": "{}", "opts": opts}]);
        let request = json!({"prefix": "bull", "queue": "work", "now": 1, "jobs": jobs});
        let error = unversioned::queue_request("add", &request.to_string()).unwrap_err();
        assert!(error.to_string().contains("own keys"), "{id}: {error}");
        for (root, child) in [(id, "c"), ("r", id)] {
            let child = json!({"queueName": "work", "name": "c", "opts": {"jobId": child}});
            let tree = json!({"queueName": "work", "name": "r", "opts": {"jobId": root}, "children": [child]});
            let request = json!({"now": 1, "tree": tree}).to_string();
            let error = unversioned::queue_request("flow", &request).unwrap_err();
            assert!(error.to_string().contains("own keys"), "{id}: {error}");
        }
    }
    assert_eq!(scene.ask("content", json!({"of": ""})).await, before);
    // Names that only look like them are ids.
    for id in ["waiting", "Meta", "marker1", "repeats", "a:wait:b"] {
        assert_eq!(queue.add("a", &()).job_id(id).await.unwrap(), id);
    }
    let batch = queue.consumer().pull(9).await.unwrap();
    assert_eq!(batch.jobs().len(), 5);
}

/// The keys of a queue are hashes, too: an id that names one of them is none of a job.
#[tokio::test]
async fn an_id_that_is_a_key_of_the_queue_is_no_job_to_look_at_or_remove() {
    let scene = Scene::of("bullmq").await;
    let queue = &scene.queue;
    queue.add("a", &()).await.unwrap();
    let every = restis::queue::Repeat::every(Duration::from_secs(3600));
    let next = (queue.upsert_scheduler("s", every, queue.add("tick", &())))
        .await
        .unwrap();
    queue.pause().await.unwrap();
    let before = scene.ask("content", json!({"of": ""})).await;
    for id in OWN.into_iter().chain(["repeat:s", "repeat"]) {
        assert_eq!(queue.remove([id]).await.unwrap(), 0, "{id}");
        assert!(queue.job(id).await.unwrap().is_none(), "{id}");
        assert!(!queue.update_data(id, &1).await.unwrap(), "{id}");
        assert!(!queue.set_progress(id, &1).await.unwrap(), "{id}");
        assert_eq!(queue.log(id, "a line", None).await.unwrap(), None, "{id}");
    }
    assert_eq!(scene.ask("content", json!({"of": ""})).await, before);
    assert!(queue.is_paused().await.unwrap());
    // The next job of a scheduler is a job.
    assert!(queue.job(&next).await.unwrap().is_some());
    assert!(queue.update_data(&next, &2).await.unwrap());
}

/// Each argument of the scripts in place of which something else is sent: they fail as a whole, or do not mind it.
#[tokio::test]
async fn a_script_with_a_wrong_argument_writes_nothing() {
    let scene = Scene::of("bullmq").await;
    let parent = scene.queue.add("p", &()).job_id("P").await.unwrap();
    let deduplication = json!({"id": "x", "ttl": 60_000});
    let jobs = json!([
        {"name": "a", "data": "1", "opts": {"jobId": "A", "delay": 5, "priority": 3, "deduplication": deduplication}},
        {"name": "b", "data": "2", "opts": {"jobId": "B", "parent": {"id": parent, "queue": "bull:work"}}},
    ]);
    let add =
        json!({"prefix": "bull", "queue": "work", "now": 1_700_000_000_000_u64, "jobs": jobs});
    let child = json!({"queueName": "other", "name": "c", "opts": {"jobId": "C", "delay": 5}});
    let tree =
        json!({"queueName": "work", "name": "r", "opts": {"jobId": "R"}, "children": [child]});
    let flow = json!({"now": 1_700_000_000_000_u64, "tree": tree});
    let before = scene.ask("content", json!({"of": ""})).await;
    let mut failed = 0;
    for (name, request) in [("add", add), ("flow", flow)] {
        let script = unversioned::queue_script(name).unwrap().to_owned();
        let plan = unversioned::queue_request(name, &request.to_string()).unwrap();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let words =
            |key: &str| -> Vec<String> { serde_json::from_value(plan[key].clone()).unwrap() };
        let (keys, args) = (words("keys"), words("args"));
        for place in 1..args.len() {
            for wrong in ["", "x", "-1", "nan", "inf", "1e400", "99999999999999999999"] {
                let mut args = args.clone();
                args[place] = wrong.to_owned();
                let run = restis::Script::new(script.as_str());
                let run = run.run::<String>(&scene.redis, &keys).args(&args).await;
                match run {
                    Err(_) => {
                        failed += 1;
                        let after = scene.ask("content", json!({"of": ""})).await;
                        assert_eq!(after, before, "{name}: argument {place} as {wrong:?}");
                    }
                    Ok(_) => {
                        scene.flush().await;
                        scene.queue.add("p", &()).job_id("P").await.unwrap();
                    }
                }
            }
            // Fewer than it needs.
            let run = restis::Script::new(script.as_str());
            let run = run
                .run::<String>(&scene.redis, &keys)
                .args(&args[..place])
                .await;
            assert!(run.is_err(), "{name}: {place} arguments");
            let after = scene.ask("content", json!({"of": ""})).await;
            assert_eq!(after, before, "{name}: {place} arguments");
        }
    }
    assert!(failed > 60, "{failed}");
}

/// Options at their ends do not lose a job.
#[tokio::test]
async fn the_largest_options_lose_no_job() {
    let scene = Scene::of("bullmq").await;
    let queue: &Queue = &scene.queue;
    let most = std::time::Duration::MAX;
    let keep = restis::queue::Keep::ALL
        .age(most)
        .count(u64::MAX)
        .limit(u64::MAX);
    let nothing = restis::queue::Keep::ALL
        .count(0)
        .limit(0)
        .age(Duration::ZERO);
    for (n, keep) in [keep, nothing].into_iter().enumerate() {
        let job = queue
            .add("a", &n)
            .job_id(format!("a{n}"))
            .attempts(u32::MAX);
        let job = job.remove_on_complete(keep).remove_on_fail(keep);
        job.backoff(restis::queue::Backoff::exponential(most))
            .await
            .unwrap();
    }
    let consumer = queue
        .consumer()
        .lock(most)
        .stalled_interval(most)
        .limit(u64::MAX, most);
    let mut batch = consumer.pull(usize::MAX).await.unwrap();
    assert_eq!(batch.jobs().len(), 2);
    assert!(batch.extend().await.unwrap().is_empty());
    batch.fail("a0", "bad");
    batch.complete("a1", &1).unwrap();
    let settled = batch.settle().await.unwrap();
    assert!(
        settled.iter().all(|(_, what)| what.is_done()),
        "{settled:?}"
    );
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.delayed, counts.active, counts.completed), (1, 0, 0));
    let late = queue.add("a", &()).timestamp(u64::MAX);
    assert!(late.await.unwrap_err().is_argument());
}
