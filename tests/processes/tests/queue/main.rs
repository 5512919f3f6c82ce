//! Queues beside the real BullMQ, 6 and 5, on a real server: whatever one side adds the other works on, and nothing is lost or done
//! twice.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

mod admin;
mod batches;
mod consumer;
mod cron;
mod crowd;
mod deduplication;
mod durations;
mod eviction;
mod families;
mod large;
mod model;
mod producer;
mod refusals;
mod run;
mod scheduler;

use std::{collections::HashMap, time::Duration};

use restis::{Queue, Redis};
use restis_processes::{Player, Server, rivals, until};
use serde_json::{Value, json};

/// As they are called in tests/js.
const VERSIONS: [&str; 2] = ["bullmq", "bullmq5"];

/// A server with nothing in it, BullMQ before it, and a queue.
struct Scene {
    server: Server,
    redis: Redis,
    bull: Player,
    queue: Queue,
    version: &'static str,
}

impl Scene {
    async fn of(version: &'static str) -> Self {
        let server = Server::start().await.unwrap();
        let redis = server.client().unwrap();
        let scene = Self {
            bull: rivals::bull(&server, version).unwrap(),
            queue: Queue::new(&redis, "work"),
            redis,
            server,
            version,
        };
        // Its version is in the queue's meta from now on.
        scene.ask("ready", json!({})).await;
        scene
    }

    /// A request, about the queue `work` if it names no other.
    async fn ask(&self, what: &str, mut words: Value) -> Value {
        words["do"] = json!(what);
        if words.get("queue").is_none() {
            words["queue"] = json!("work");
        }
        let answer = self.bull.ask(&words).await;
        answer.unwrap_or_else(|error| panic!("{}: {what}: {error}", self.version))
    }

    /// A job as BullMQ sees it.
    async fn job(&self, id: &str) -> Value {
        self.ask("job", json!({"job": id})).await
    }

    async fn counts(&self) -> HashMap<String, u64> {
        let counts = self.ask("counts", json!({})).await;
        serde_json::from_value(counts).unwrap()
    }

    /// Waits until BullMQ's worker has worked on so many jobs, and gives them.
    async fn worked(&self, count: usize) -> Vec<Value> {
        let mut worked = Vec::new();
        until("the worker has worked", async || {
            let answer = self.ask("worked", json!({})).await;
            worked = answer.as_array().cloned().unwrap_or_default();
            Ok(worked.len() >= count)
        })
        .await
        .unwrap();
        worked
    }

    /// Waits until a job is in this state.
    async fn until_state(&self, id: &str, state: &str) -> Value {
        let mut job = Value::Null;
        until(&format!("{id} is {state}"), async || {
            job = self.job(id).await;
            Ok(job["state"] == state)
        })
        .await
        .unwrap();
        job
    }

    /// Requests, and billed commands, of what `act` does, the second time that it is done.
    async fn cost<T>(&self, act: impl AsyncFn() -> T) -> (u64, u64) {
        act().await;
        self.server.reset().await.unwrap();
        act().await;
        let stats = self.server.stats().await.unwrap();
        (stats.requests, stats.billed)
    }
}

fn names(events: &Value) -> Vec<&str> {
    let events = events.as_array().unwrap().iter();
    events
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

const SECOND: Duration = Duration::from_secs(1);
