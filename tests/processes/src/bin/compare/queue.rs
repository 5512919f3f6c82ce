//! Queues beside BullMQ: what they cost.

use std::time::Duration;

use restis::{Queue, queue::JobError};
use restis_processes::{Error, Player, Result, Server, rivals};
use serde_json::{Value, json};

use crate::{heading, installed, table::Table};

/// Minutes of a day.
const DAY: u64 = 24 * 60;

struct Scene {
    server: Server,
    queue: Queue,
    bull: Player,
}

async fn scene() -> Result<Scene> {
    let server = Server::start().await?;
    let scene = Scene {
        queue: Queue::new(&server.client()?, "ours"),
        bull: rivals::bull(&server, "bullmq")?,
        server,
    };
    scene.ask("ready", json!({})).await?;
    Ok(scene)
}

fn failed(error: restis::Error) -> Error {
    Error::new(error.to_string())
}

impl Scene {
    async fn ask(&self, what: &str, mut words: Value) -> Result<Value> {
        words["do"] = json!(what);
        words["queue"] = json!("theirs");
        self.bull.ask(&words).await
    }

    /// Requests over HTTP, and commands with those inside Lua, over either.
    async fn cost(&self, act: impl Future<Output = Result<()>>) -> Result<(u64, u64)> {
        self.server.reset().await?;
        act.await?;
        let stats = self.server.stats().await?;
        Ok((stats.requests, stats.billed))
    }

    async fn add(&self, count: usize) -> Result<()> {
        let jobs = (0..count).map(|n| self.queue.add("n", &n));
        let jobs: Vec<_> = jobs.collect();
        self.queue.add_bulk(jobs).await.map(drop).map_err(failed)
    }

    async fn bulk(&self, count: usize) -> Result<()> {
        let jobs: Vec<Value> = (0..count)
            .map(|n| json!({"name": "n", "data": {"n": n}}))
            .collect();
        self.ask("bulk", json!({"jobs": jobs})).await.map(drop)
    }

    async fn drain(&self) -> Result<()> {
        let consumer = self.queue.consumer();
        let work = async |_| Ok::<_, JobError>("done");
        let run = consumer.run_until(Duration::from_secs(20), work);
        run.await.map(drop).map_err(failed)
    }
}

/// A minute with nothing to do, as a day of them.
async fn idle() -> Result<[String; 2]> {
    let scene = scene().await?;
    scene.drain().await?;
    // It is looked for the stalled each minute.
    let key = "bull:ours:stalled-check";
    let client = scene.server.client()?;
    client.del(key).await.map_err(failed)?;
    let (requests, billed) = scene.cost(scene.drain()).await?;
    scene.ask("work", json!({})).await?;
    // Its first looks are over.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let minute = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(())
    };
    let (_, theirs) = scene.cost(minute).await?;
    Ok([
        format!("{} requests, {} commands", requests * DAY, billed * DAY),
        format!("{} commands", theirs * DAY),
    ])
}

async fn added(count: usize) -> Result<[String; 2]> {
    let scene = scene().await?;
    scene.add(1).await?;
    let (requests, billed) = scene.cost(scene.add(count)).await?;
    scene.bulk(1).await?;
    let (_, theirs) = scene.cost(scene.bulk(count)).await?;
    Ok([
        format!("{requests} request, {billed} commands"),
        format!("{theirs} commands"),
    ])
}

/// 100 jobs from their beginning to their end.
async fn lives() -> Result<[String; 2]> {
    let scene = scene().await?;
    scene.add(1).await?;
    scene.drain().await?;
    let ours = async {
        scene.add(100).await?;
        scene.drain().await
    };
    let (requests, billed) = scene.cost(ours).await?;
    scene.ask("work", json!({})).await?;
    let theirs = async {
        scene.bulk(100).await?;
        for _ in 0..2_000 {
            let worked = scene.ask("worked", json!({})).await?;
            if worked.as_array().is_some_and(|worked| worked.len() >= 100) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Error::new("they are not done"))
    };
    let (_, theirs) = scene.cost(theirs).await?;
    Ok([
        format!("{requests} requests, {billed} commands"),
        format!("{theirs} commands"),
    ])
}

pub(crate) async fn compare() -> Result<String> {
    let theirs = format!("BullMQ {}", installed("bullmq")?);
    let mut table = Table::new(&["", "restis", &theirs]);
    let mut row = |title: &str, [ours, theirs]: [String; 2]| {
        table.row(&[title, &ours, &theirs]);
    };
    row(
        "a day with nothing to do (`run_until` each minute; a worker that waits)",
        idle().await?,
    );
    row("a job is added", added(1).await?);
    row("100 jobs are added at once", added(100).await?);
    row(
        "100 jobs are added, worked on in batches of ten (one after the other there), and finished",
        lives().await?,
    );
    Ok(format!(
        "`cargo xtask compare queue`, {}. Each row is a run with a server of its own. restis asks it over REST, by restis-local on \
         loopback; {theirs} over TCP (tests/js/bull.mjs). Commands are counted at the server, with those inside Lua, as Upstash \
         bills them; a day with nothing to do is a minute times 1,440.\n\n{}",
        heading().await?,
        table.text()
    ))
}
