//! Parents and their children, each step by BullMQ and by us on the same server: what is left is the same.

use std::time::Duration;

use restis::{
    Queue,
    queue::{ChildFailure, Keep, State},
};
use serde_json::{Value, json};

use super::{SECOND, Scene};

const MODES: [(&str, ChildFailure); 5] = [
    ("", ChildFailure::Wait),
    ("failParentOnFailure", ChildFailure::FailParent),
    ("continueParentOnFailure", ChildFailure::ContinueParent),
    ("ignoreDependencyOnFailure", ChildFailure::Ignore),
    ("removeDependencyOnFailure", ChildFailure::Remove),
];

impl Scene {
    /// Everything in the database.
    async fn content(&self) -> Value {
        self.ask("content", json!({})).await
    }

    pub(super) async fn flush(&self) {
        self.ask("flush", json!({})).await;
    }

    /// Takes one job of a queue with BullMQ, and settles it.
    async fn once(&self, queue: &str, fail: Option<&str>) -> Value {
        let words = match fail {
            Some(fail) => json!({"queue": queue, "fail": fail}),
            None => json!({"queue": queue, "value": "v"}),
        };
        self.ask("once", words).await
    }
}

/// Takes one job of a queue, and settles it.
pub(super) async fn once(queue: &Queue, fail: Option<&str>) -> Option<String> {
    // Looking for stalled jobs is left to others.
    let consumer = queue.consumer().stalled_interval(Duration::ZERO);
    let mut batch = consumer.pull(1).await.unwrap();
    let id = batch.jobs().first().map(|job| job.id().to_owned());
    if let Some(id) = &id {
        match fail {
            Some(reason) => batch.fail(id, reason),
            None => batch.complete(id, &"v").unwrap(),
        }
    }
    batch.settle().await.unwrap();
    id
}

/// How a child leaves the database.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    FailedAndNotKept,
    CompletedAndNotKept,
    TooOld,
    TooMany,
    RemovedFailed,
    RemovedWaiting,
    RemovedWithParent,
    CleanedFailed,
    CleanedWaiting,
    Drained,
    Obliterated,
}

impl Way {
    const ALL: [Self; 11] = [
        Self::FailedAndNotKept,
        Self::CompletedAndNotKept,
        Self::TooOld,
        Self::TooMany,
        Self::RemovedFailed,
        Self::RemovedWaiting,
        Self::RemovedWithParent,
        Self::CleanedFailed,
        Self::CleanedWaiting,
        Self::Drained,
        Self::Obliterated,
    ];

    fn fails(self) -> bool {
        use Way::*;
        matches!(
            self,
            FailedAndNotKept | TooOld | TooMany | RemovedFailed | CleanedFailed
        )
    }
}

/// The same by BullMQ and by us: a parent `P` of the queue `work` with a child `C` in another queue or the same.
async fn deleted_child(scene: &Scene, way: Way, child_queue: &str, mode: (&str, ChildFailure)) {
    let work = &scene.queue;
    let children = Queue::new(&scene.redis, child_queue);
    let keep = |is_kept: bool| if is_kept { Keep::ALL } else { Keep::NONE };
    let mut seen = Vec::new();
    for ours in [false, true] {
        scene.flush().await;
        let (kept_failed, kept_completed) = (
            way != Way::FailedAndNotKept,
            way != Way::CompletedAndNotKept,
        );
        if ours {
            let child = children.add("c", &()).job_id("C").on_failure(mode.1);
            let child = child.remove_on_fail(keep(kept_failed));
            let child = child.remove_on_complete(keep(kept_completed));
            let parent = work.add("p", &()).job_id("P").children([child]);
            parent.await.unwrap();
        } else {
            let mut opts = json!({"jobId": "C", "removeOnFail": !kept_failed, "removeOnComplete": !kept_completed});
            if !mode.0.is_empty() {
                opts[mode.0] = json!(true);
            }
            let child = json!({"name": "c", "queueName": child_queue, "data": null, "opts": opts});
            let tree = json!({
                "name": "p", "queueName": "work", "data": null, "opts": {"jobId": "P"}, "children": [child],
            });
            scene.ask("flow", json!({"tree": tree})).await;
        }
        let settle = async |fail: Option<&str>| match ours {
            true => drop(once(&children, fail).await),
            false => drop(scene.once(child_queue, fail).await),
        };
        if way.fails() {
            settle(Some("bad")).await;
        }
        match way {
            Way::CompletedAndNotKept => settle(None).await,
            Way::TooOld | Way::TooMany => {
                let failed = format!("bull:{child_queue}:failed");
                scene.redis.zadd(failed, (1000, "C")).await.unwrap();
                if ours {
                    let keep = match way {
                        Way::TooOld => Keep::ALL.age(SECOND * 60),
                        _ => Keep::ALL.count(1),
                    };
                    let job = children.add("o", &()).job_id("O").remove_on_fail(keep);
                    job.await.unwrap();
                } else {
                    let keep = match way {
                        Way::TooOld => json!({"age": 60}),
                        _ => json!(1),
                    };
                    let opts = json!({"jobId": "O", "removeOnFail": keep});
                    let words =
                        json!({"queue": child_queue, "name": "o", "data": null, "opts": opts});
                    scene.ask("add", words).await;
                }
                // With the child in the same queue its parent may be the one that is next.
                for _ in 0..2 {
                    settle(Some("bad")).await;
                }
            }
            Way::RemovedFailed | Way::RemovedWaiting => match ours {
                true => assert_eq!(children.remove(["C"]).await.unwrap(), 1),
                false => {
                    let words = json!({"queue": child_queue, "job": "C"});
                    scene.ask("remove", words).await;
                }
            },
            Way::RemovedWithParent => match ours {
                true => assert_eq!(work.remove(["P"]).await.unwrap(), 2),
                false => drop(scene.ask("remove", json!({"job": "P"})).await),
            },
            Way::CleanedFailed | Way::CleanedWaiting => {
                let (state, name) = match way {
                    Way::CleanedFailed => (State::Failed, "failed"),
                    _ => (State::Waiting, "wait"),
                };
                match ours {
                    true => drop(children.clean(state, Duration::ZERO, 10).await.unwrap()),
                    false => {
                        let words = json!({"queue": child_queue, "state": name});
                        scene.ask("clean", words).await;
                    }
                }
            }
            Way::Drained => match ours {
                true => drop(children.drain(false).await.unwrap()),
                false => drop(scene.ask("drain", json!({"queue": child_queue})).await),
            },
            Way::Obliterated => match ours {
                true => {
                    children.pause().await.unwrap();
                    children.obliterate(true).await.unwrap();
                }
                false => {
                    scene.ask("obliterate", json!({"queue": child_queue})).await;
                }
            },
            Way::FailedAndNotKept => {}
        }
        let mut content = scene.content().await;
        if way == Way::RemovedWithParent {
            // BullMQ lets the parent wait for a moment.
            let all = content.as_object_mut().unwrap();
            all.retain(|key, _| !key.ends_with(":events"));
        }
        seen.push(content);
    }
    let [theirs, ours] = &seen[..] else { return };
    let what = format!("{} {way:?} {child_queue} {}", scene.version, mode.0);
    assert_eq!(ours, theirs, "{what}");
}

#[tokio::test]
async fn a_deleted_child_releases_its_parent_as_under_bullmq() {
    let scene = Scene::of("bullmq").await;
    for way in Way::ALL {
        for child_queue in ["other", "work"] {
            for mode in MODES {
                if mode.1 != ChildFailure::Wait && !way.fails() {
                    continue;
                }
                deleted_child(&scene, way, child_queue, mode).await;
            }
        }
    }
}

/// Each step by BullMQ or by us, in all mixtures: a child that fails its parent, is retried and completed; then the parent.
#[tokio::test]
async fn a_retried_child_lets_its_retried_parent_complete() {
    let scene = Scene::of("bullmq").await;
    let children = Queue::new(&scene.redis, "other");
    let mut seen = Vec::new();
    for mix in [
        0_u32,
        0b1111_1111,
        0b0101_0101,
        0b1010_1010,
        0b0000_1111,
        0b1111_0000,
    ] {
        scene.flush().await;
        let mut step = 0;
        let mut ours = || {
            step += 1;
            mix >> (step - 1) & 1 == 1
        };
        let child = children.add("c", &()).job_id("C");
        let child = child.on_failure(ChildFailure::FailParent);
        let parent = scene.queue.add("p", &()).job_id("P").children([child]);
        parent.await.unwrap();
        for (queue, fail) in [
            (&children, Some("bad")),
            (&scene.queue, Some("child failed")),
        ] {
            match ours() {
                true if queue.name() == "work" => {
                    // It is failed without being handed out.
                    let batch = queue.consumer().pull(1).await.unwrap();
                    assert!(batch.jobs().is_empty());
                    batch.settle().await.unwrap();
                }
                true => drop(once(queue, fail).await),
                false => drop(scene.once(queue.name(), fail).await),
            }
        }
        for (queue, id) in [(&children, "C"), (&scene.queue, "P")] {
            match ours() {
                true => assert_eq!(queue.retry(State::Failed, [id]).await.unwrap(), 1),
                false => {
                    let words = json!({"queue": queue.name(), "job": id, "state": "failed"});
                    scene.ask("retry", words).await;
                }
            }
            let done = match ours() {
                true => json!(once(queue, None).await),
                false => scene.once(queue.name(), None).await,
            };
            assert_eq!(done, json!(id), "{mix:b}");
        }
        let mut content = scene.content().await;
        assert_eq!(
            content["work:completed"],
            json!(["P"]),
            "{mix:b}: {content}"
        );
        assert_eq!(
            content["other:completed"],
            json!(["C"]),
            "{mix:b}: {content}"
        );
        let events = content.as_object_mut().unwrap();
        events.retain(|key, _| !key.ends_with(":events"));
        seen.push(content);
    }
    for content in &seen {
        assert_eq!(content, &seen[0]);
    }
}

/// A retried job has the same fields, and is in the same place, whoever retried it.
#[tokio::test]
async fn a_retry_clears_the_fields_that_bullmq_clears() {
    let scene = Scene::of("bullmq").await;
    let parents = Queue::new(&scene.redis, "parents");
    for (state, name) in [(State::Failed, "failed"), (State::Completed, "completed")] {
        let mut seen = Vec::new();
        for ours in [false, true] {
            scene.flush().await;
            let mode = ChildFailure::Ignore;
            for (id, kind) in [("L", 0), ("R", 1), ("N", 2), ("C", 3)] {
                let job = scene.queue.add("a", &()).job_id(id);
                let job = match kind {
                    0 => job.lifo(),
                    1 => job.priority(5),
                    2 => job,
                    _ => parents
                        .add("p", &())
                        .job_id("P")
                        .children([job.on_failure(mode)]),
                };
                job.await.unwrap();
                let fail = (state == State::Failed).then_some("bad");
                scene.once("work", fail).await;
            }
            scene.queue.add("a", &()).job_id("W").await.unwrap();
            for id in ["L", "R", "N", "C"] {
                match ours {
                    true => assert_eq!(scene.queue.retry(state, [id]).await.unwrap(), 1),
                    false => {
                        let words = json!({"job": id, "state": name});
                        scene.ask("retry", words).await;
                    }
                }
            }
            seen.push(scene.content().await);
        }
        assert_eq!(seen[1], seen[0], "{name}");
    }
}

/// A parent that cannot be completed because of its children fails, as under a BullMQ worker: it does not stay active.
#[tokio::test]
async fn a_parent_that_cannot_be_completed_fails() {
    let scene = Scene::of("bullmq").await;
    let other = Queue::new(&scene.redis, "other");
    let consumer = scene.queue.consumer();
    for (attempts, state) in [(1, "failed"), (2, "waiting")] {
        let parent = scene.queue.add("p", &()).attempts(attempts).await.unwrap();
        let mut batch = consumer.pull(1).await.unwrap();
        other
            .add("c", &())
            .parent(&scene.queue, &parent)
            .await
            .unwrap();
        batch.complete(&parent, &1).unwrap();
        let settled = batch.settle().await.unwrap();
        assert_eq!(settled[0].1, restis::queue::Settled::PendingChildren);
        let job = scene.job(&parent).await;
        assert_eq!(job["state"], state);
        let reason = job["failedReason"].as_str().unwrap();
        assert_eq!(reason, format!("Job {parent} has pending dependencies"));
        scene.queue.remove([&*parent]).await.unwrap();
    }
    // A child that has failed is not waited for: no attempt is left.
    let parent = scene.queue.add("p", &()).attempts(3).await.unwrap();
    let failed = format!("bull:work:{parent}:unsuccessful");
    scene.redis.zadd(failed, (1, "bull:other:c")).await.unwrap();
    let work = async |_| Ok::<_, restis::queue::JobError>(());
    let summary = consumer.run_until(SECOND * 5, work).await.unwrap();
    assert_eq!((summary.completed, summary.failed, summary.lost), (0, 1, 0));
    let job = scene.job(&parent).await;
    assert_eq!(
        (&job["state"], &job["attemptsMade"]),
        (&json!("failed"), &json!(1))
    );
    assert!(
        job["failedReason"]
            .as_str()
            .unwrap()
            .contains("at least one failed child")
    );
}

/// A job that is there already becomes a child, of one parent only.
#[tokio::test]
async fn an_existing_job_is_adopted_as_under_bullmq() {
    let scene = Scene::of("bullmq").await;
    let other = Queue::new(&scene.redis, "other");
    for before in ["waiting", "completed", "failed", "orphan", "same"] {
        let mut seen = Vec::new();
        for ours in [false, true] {
            scene.flush().await;
            let flow = async |parent: &str| match ours {
                true => {
                    let child = other.add("c", &()).job_id("C");
                    let tree = scene.queue.add("p", &()).job_id(parent).children([child]);
                    drop(tree.await.unwrap());
                }
                false => {
                    let child = json!({"name": "c", "queueName": "other", "data": null, "opts": {"jobId": "C"}});
                    let tree = json!({
                        "name": "p", "queueName": "work", "data": null, "opts": {"jobId": parent}, "children": [child],
                    });
                    drop(scene.ask("flow", json!({"tree": tree})).await);
                }
            };
            match before {
                "orphan" => {
                    flow("Q").await;
                    scene.redis.del("bull:work:Q").await.unwrap();
                }
                "same" => flow("P").await,
                _ => drop(other.add("c", &()).job_id("C").await.unwrap()),
            }
            match before {
                "completed" => drop(scene.once("other", None).await),
                "failed" => drop(scene.once("other", Some("bad")).await),
                _ => {}
            }
            flow("P").await;
            seen.push(scene.content().await);
        }
        assert_eq!(seen[1], seen[0], "{before}");
    }
    // Of another parent that is there: nothing is added, and the reason is given. BullMQ's flow adds a parent that waits for good.
    scene.flush().await;
    for parent in ["P", "Q"] {
        let child = other.add("c", &()).job_id("C");
        let tree = scene.queue.add("p", &()).job_id(parent).children([child]);
        match tree.await {
            Ok(id) => assert_eq!((&*id, parent), ("P", "P")),
            Err(error) => {
                assert!(error.is_argument() && parent == "Q", "{error}");
                assert!(error.to_string().contains("another parent"), "{error}");
            }
        }
    }
    assert_eq!(scene.queue.counts().await.unwrap().waiting_children, 1);
    scene.queue.add("q", &()).job_id("Q").await.unwrap();
    let again = other.add("c", &()).job_id("C").parent(&scene.queue, "Q");
    assert!(
        again
            .await
            .unwrap_err()
            .to_string()
            .contains("another parent")
    );
    let lost = other.add("c", &()).parent(&scene.queue, "nobody");
    let bulk = other
        .add_bulk([other.add("d", &()).job_id("D"), lost])
        .await;
    assert!(bulk.unwrap_err().to_string().contains("parent is gone"));
    assert!(other.job("D").await.unwrap().is_none(), "all or none");
}

/// Prefixes and ids with colons: a tree is removed whole, and no key is made outside the prefixes.
#[tokio::test]
async fn a_tree_is_removed_whatever_its_prefixes_and_ids_are() {
    let scene = Scene::of("bullmq").await;
    let prefixes = [
        "bull",
        "shop:bull",
        "a:b:c",
        "x:",
        ":y",
        "{tag}:q",
        "z::z",
        "bull:work",
    ];
    let ids = ["a", "1a:2:3", "b:c:d", "é:ü:ß", "a.b", "%", "l-o:c-k:x"];
    let mut seed = 7_u64;
    let mut pick = |count: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % count
    };
    for round in 0..60 {
        scene.flush().await;
        let queues: Vec<Queue> = (0..3)
            .map(|n| {
                let queue = Queue::new(&scene.redis, ["work", "wait", "e-1"][n]);
                queue.prefix(prefixes[pick(prefixes.len())])
            })
            .collect();
        let [root, middle, leaf] = [0, 1, 2].map(|_| ids[pick(ids.len())]);
        let leaves = [leaf, "extra"].map(|id| queues[2].add("l", &()).job_id(id));
        let child = queues[1].add("m", &()).job_id(middle).children(leaves);
        let aside = queues[1].add("s", &());
        let tree = queues[0]
            .add("r", &())
            .job_id(root)
            .children([child, aside]);
        tree.await.unwrap();
        let what = format!("{round}: {root} {middle} {leaf}");
        assert_eq!(queues[0].remove([root]).await.unwrap(), 5, "{what}");
        let left = scene.ask("content", json!({"of": ""})).await;
        let left: Vec<&String> = (left.as_object().unwrap().keys())
            .filter(|key| !key.ends_with(":events"))
            .collect();
        assert!(left.is_empty(), "{what}: {left:?}");
        // The same with a leaf that fails and is not kept: its parents are released one by one.
        let mut child = queues[1].add("m", &()).job_id(middle);
        let leaf_job = queues[2]
            .add("l", &())
            .job_id(leaf)
            .remove_on_fail(Keep::NONE);
        child = child.children([leaf_job]);
        queues[0]
            .add("r", &())
            .job_id(root)
            .children([child])
            .await
            .unwrap();
        assert_eq!(
            once(&queues[2], Some("bad")).await.as_deref(),
            Some(leaf),
            "{what}"
        );
        assert_eq!(
            once(&queues[1], None).await.as_deref(),
            Some(middle),
            "{what}"
        );
        assert_eq!(
            once(&queues[0], None).await.as_deref(),
            Some(root),
            "{what}"
        );
    }
}
