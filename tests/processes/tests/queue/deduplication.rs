//! Deduplication in each of its modes, and where its holder goes away: BullMQ and we do the same, on the same server.

use std::time::Duration;

use restis::queue::{Add, Deduplication, State};
use serde_json::{Value, json};

use super::{SECOND, Scene, families::once};

/// The modes as letters: t(tl), e(xtend), r(eplace), k(eepLastIfActive).
const MODES: [&str; 16] = [
    "", "t", "e", "r", "k", "te", "tr", "tk", "er", "ek", "rk", "ter", "tek", "trk", "erk", "terk",
];

fn ours(modes: &str) -> Deduplication {
    let mut deduplication = Deduplication::new("x");
    for mode in modes.chars() {
        deduplication = match mode {
            't' => deduplication.ttl(SECOND * 60),
            'e' => deduplication.extend(),
            'r' => deduplication.replace(),
            _ => deduplication.keep_last_if_active(),
        };
    }
    deduplication
}

fn theirs(modes: &str) -> Value {
    let mut deduplication = json!({"id": "x"});
    for mode in modes.chars() {
        let (name, value) = match mode {
            't' => ("ttl", json!(60_000)),
            'e' => ("extend", json!(true)),
            'r' => ("replace", json!(true)),
            _ => ("keepLastIfActive", json!(true)),
        };
        deduplication[name] = value;
    }
    deduplication
}

/// One side of the comparison.
struct Side<'a> {
    scene: &'a Scene,
    modes: &'a str,
    is_ours: bool,
    /// The results of its calls.
    results: Vec<Value>,
}

impl Side<'_> {
    async fn add(&mut self, id: &str, delay: u32) {
        let job = self.scene.queue.add("a", &json!({"n": id})).job_id(id);
        let job: Add<'_> = job.delay(SECOND * delay).deduplication(ours(self.modes));
        let result = match self.is_ours {
            true => json!(job.await.unwrap()),
            false => {
                let opts = json!({"jobId": id, "delay": delay * 1000, "deduplication": theirs(self.modes)});
                let words = json!({"name": "a", "data": {"n": id}, "opts": opts});
                self.scene.ask("add", words).await
            }
        };
        self.results.push(result);
    }

    /// Whether the id's key is there for about so many seconds, or without an end.
    async fn left(&mut self) {
        let left = self.scene.redis.pttl("bull:work:de:x").await.unwrap();
        let left = left.left().map(|left| left > 40_000);
        self.results.push(json!(left));
    }

    /// As if half of the time were over.
    async fn wait(&self) {
        if self.modes.contains('t') && !self.modes.contains('k') {
            let key = "bull:work:de:x";
            self.scene.redis.pexpire(key, 30_000).await.unwrap();
        }
    }

    async fn settle(&mut self, fail: Option<&str>) {
        let result = match self.is_ours {
            true => json!(once(&self.scene.queue, fail).await),
            false => {
                let mut words = json!({});
                if let Some(reason) = fail {
                    words["fail"] = json!(reason);
                } else {
                    words["value"] = json!("v");
                }
                self.scene.ask("once", words).await
            }
        };
        self.results.push(result);
    }

    async fn remove(&self, id: &str) {
        match self.is_ours {
            true => assert_eq!(self.scene.queue.remove([id]).await.unwrap(), 1),
            false => drop(self.scene.ask("remove", json!({"job": id})).await),
        }
    }

    async fn clear(&self, how: &str) {
        let (scene, queue) = (self.scene, &self.scene.queue);
        match (how, self.is_ours) {
            ("drained", true) => drop(queue.drain(true).await.unwrap()),
            ("drained", false) => drop(scene.ask("drain", json!({"delayed": true})).await),
            ("cleaned", true) => drop(
                queue
                    .clean(State::Waiting, Duration::ZERO, 9)
                    .await
                    .unwrap(),
            ),
            ("cleaned", false) => drop(scene.ask("clean", json!({"state": "wait"})).await),
            (_, true) => {
                queue.pause().await.unwrap();
                queue.obliterate(true).await.unwrap();
            }
            (_, false) => drop(scene.ask("obliterate", json!({})).await),
        }
    }

    /// A history, by its name.
    async fn play(&mut self, history: &str) {
        match history {
            "waiting" | "delayed" => {
                let delay = if history == "delayed" { 600 } else { 0 };
                self.add("A", delay).await;
                self.wait().await;
                self.add("B", delay).await;
                self.left().await;
                self.add("C", delay).await;
            }
            "active" | "failed" => {
                // BullMQ takes it for both: what is compared is what happens behind it.
                self.add("A", 0).await;
                let taken = self.scene.ask("take", json!({})).await;
                self.results.push(taken);
                self.wait().await;
                self.add("B", 0).await;
                self.add("C", 0).await;
                self.left().await;
                let locks = "bull:work:A:lock";
                self.scene.redis.del(locks).await.unwrap();
                self.scene
                    .redis
                    .lrem("bull:work:active", 0, "A")
                    .await
                    .unwrap();
                self.scene.redis.rpush("bull:work:wait", "A").await.unwrap();
                self.settle((history == "failed").then_some("bad")).await;
                self.left().await;
                self.add("D", 0).await;
            }
            "finished" => {
                self.add("A", 0).await;
                self.settle(None).await;
                self.left().await;
                self.add("B", 0).await;
            }
            "expired" => {
                self.add("A", 0).await;
                self.scene.ask("take", json!({})).await;
                self.scene.redis.del("bull:work:de:x").await.unwrap();
                self.add("B", 0).await;
                self.left().await;
            }
            "removed" | "removed active" => {
                self.add("A", 0).await;
                if history == "removed active" {
                    self.scene.ask("take", json!({})).await;
                    self.add("B", 0).await;
                    self.scene.redis.del("bull:work:A:lock").await.unwrap();
                }
                self.remove("A").await;
                self.left().await;
                self.add("C", 0).await;
            }
            "evicted" => {
                self.add("A", 0).await;
                self.scene.redis.del("bull:work:A").await.unwrap();
                self.add("B", 0).await;
                self.left().await;
            }
            "same id" => {
                self.add("A", 0).await;
                self.settle(None).await;
                self.scene.redis.del("bull:work:A").await.unwrap();
                self.add("A", 0).await;
                self.left().await;
            }
            how => {
                self.add("A", 0).await;
                self.clear(how).await;
                self.left().await;
                self.add("B", 0).await;
            }
        }
    }
}

#[tokio::test]
async fn each_mode_of_deduplication_is_bullmqs() {
    let scene = Scene::of("bullmq").await;
    for modes in MODES {
        for history in [
            "waiting",
            "delayed",
            "active",
            "failed",
            "finished",
            "expired",
            "removed",
            "removed active",
            "evicted",
            "same id",
            "drained",
            "cleaned",
            "obliterated",
        ] {
            let mut seen = Vec::new();
            for is_ours in [false, true] {
                scene.flush().await;
                let mut side = Side {
                    scene: &scene,
                    modes,
                    is_ours,
                    results: Vec::new(),
                };
                side.play(history).await;
                let content = scene.ask("content", json!({})).await;
                seen.push(json!({"results": side.results, "content": content}));
            }
            // When a delayed job is due differs.
            let text = |value: &Value| {
                let text = serde_json::to_string_pretty(value).unwrap();
                let lines = text.lines();
                let lines = lines.map(|line| line.split(" delay 1").next().unwrap_or(line));
                lines.collect::<Vec<_>>().join("\n")
            };
            assert_eq!(text(&seen[1]), text(&seen[0]), "{modes:?} {history}");
        }
    }
}

/// With `keepLastIfActive` no two jobs of an id run at once, whatever its TTL is.
#[tokio::test]
async fn the_kept_job_waits_for_the_active_one_after_the_ttl() {
    let scene = Scene::of("bullmq").await;
    let add = |n: u32| {
        let job = scene.queue.add("a", &n).deduplication(ours("tk"));
        async move { job.await.unwrap() }
    };
    let first = add(1).await;
    let mut batch = scene.queue.consumer().pull(1).await.unwrap();
    assert_eq!(
        scene.redis.pttl("bull:work:de:x").await.unwrap().left(),
        None
    );
    assert_eq!(scene.redis.exists("bull:work:de:x").await.unwrap(), 1);
    for n in 2..=3 {
        assert_eq!(add(n).await, first);
    }
    assert_eq!(scene.queue.counts().await.unwrap().waiting, 0);
    batch.complete(&first, &()).unwrap();
    let (_, next) = batch.settle_and_pull(5).await.unwrap();
    let kept: Vec<u32> = next.jobs().iter().map(|job| job.data().unwrap()).collect();
    assert_eq!(kept, [3]);
    // One whose options are damaged is added too.
    let fourth = add(4).await;
    assert_eq!(fourth, next.jobs()[0].id());
    scene
        .redis
        .hset("bull:work:dn:x", ("opts", "{"))
        .await
        .unwrap();
    let mut next = next;
    next.complete(&fourth, &()).unwrap();
    let (settled, last) = next.settle_and_pull(5).await.unwrap();
    assert!(settled[0].1.is_done());
    assert_eq!(last.jobs()[0].data::<u32>().unwrap(), 4);
}
