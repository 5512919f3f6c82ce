//! Queues with many jobs: what a call costs as they grow, and what an operator's call on all of them does to the server, beside BullMQ.

use std::time::{Duration, Instant};

use restis::{
    Queue,
    queue::{JobError, State},
};
use restis_processes::{Error, Player, Result, Server, fill, rivals};
use serde_json::{Value, json};

use crate::{
    heading, installed,
    sizes::{SIZES, Sizes, caption, cost, rounds, words},
    table::{Table, count},
};

struct Scene {
    server: Server,
    queue: Queue,
    bull: Player,
}

async fn scene() -> Result<Scene> {
    let server = Server::start().await?;
    let queue = Queue::new(&server.client()?, "ours");
    let bull = rivals::bull(&server, "bullmq")?;
    bull.ask(&json!({"do": "ready", "queue": "theirs"})).await?;
    // The layout of its version, here too.
    bull.ask(&json!({"do": "ready", "queue": "ours"})).await?;
    Ok(Scene {
        server,
        queue,
        bull,
    })
}

/// What became of a call: its time, and how long a script of it held the server.
struct Held {
    time: Duration,
    script: Duration,
    requests: u64,
    billed: u64,
}

impl Scene {
    async fn fill(&self, queue: &str, state: &str, jobs: usize) -> Result<()> {
        fill(&self.server.client()?, queue, state, jobs).await
    }

    /// The server's own clock says how long its longest script was, if that is over 10 ms: then it is in its slow log.
    async fn held(&self, act: impl Future<Output = Result<()>>) -> Result<Held> {
        let redis = self.server.client()?;
        redis.slowlog_reset().await.map_err(words)?;
        self.server.reset().await?;
        let begun = Instant::now();
        act.await?;
        let time = begun.elapsed();
        let stats = self.server.stats().await?;
        let entries = redis.slowlog_get().count(128).await.map_err(words)?;
        let scripts = entries.iter().filter(|entry| {
            let name = entry.args.first();
            name.is_some_and(|name| name.to_ascii_uppercase().starts_with(b"EVAL"))
        });
        Ok(Held {
            time,
            script: scripts
                .map(|entry| entry.duration)
                .max()
                .unwrap_or_default(),
            requests: stats.requests,
            billed: stats.billed,
        })
    }

    /// Ours, then theirs, each on a queue of its own with these jobs.
    async fn row(
        &self,
        table: &mut Table,
        title: &str,
        jobs: &[(&str, usize)],
        ours: impl AsyncFn(&Queue) -> std::result::Result<(), restis::Error>,
        theirs: Value,
    ) -> Result<()> {
        for (state, jobs) in jobs {
            self.fill("ours", state, *jobs).await?;
        }
        let ours = async { ours(&self.queue).await.map_err(words) };
        let ours = self.held(ours).await?;
        self.end("ours").await?;
        for (state, jobs) in jobs {
            self.fill("theirs", state, *jobs).await?;
        }
        let theirs = self
            .held(async { self.bull.ask(&theirs).await.map(drop) })
            .await?;
        self.end("theirs").await?;
        let cell = |held: &Held, requests: &str| {
            let script = match held.script.as_millis() {
                0 => "under 10 ms".to_owned(),
                ms => format!("{ms} ms"),
            };
            let time = held.time.as_millis();
            format!(
                "{time} ms, longest script {script}, {requests}{}",
                count(held.billed, "command")
            )
        };
        let requests = format!("{}, ", count(ours.requests, "request"));
        table.row(&[title, &cell(&ours, &requests), &cell(&theirs, "")]);
        Ok(())
    }

    async fn end(&self, queue: &str) -> Result<()> {
        let queue = Queue::new(&self.server.client()?, queue);
        queue.pause().await.map_err(words)?;
        queue.obliterate(true).await.map_err(words)?;
        self.bull
            .ask(&json!({"do": "ready", "queue": queue.name()}))
            .await
            .map(drop)
    }
}

/// What an operator's call does to a server with many jobs.
pub(crate) async fn compare() -> Result<String> {
    let theirs = format!("BullMQ {}", installed("bullmq")?);
    let mut table = Table::new(&["", "restis", &theirs]);
    let scene = scene().await?;
    let of = |what: &str| json!({"do": what, "queue": "theirs"});
    let mut clean = of("clean");
    clean["state"] = json!("wait");
    clean["grace"] = json!(3_600_000);
    clean["most"] = json!(0);
    let mut done = of("clean");
    done["state"] = json!("completed");
    scene
        .row(
            &mut table,
            "`drain` of 40,000 waiting jobs",
            &[("wait", 40_000)],
            async |queue| queue.drain(false).await.map(drop),
            of("drain"),
        )
        .await?;
    scene
        .row(
            &mut table,
            "`clean` of 1,000,000 waiting jobs, none of which is old enough",
            &[("wait", 1_000_000)],
            async |queue| {
                queue
                    .clean(State::Waiting, Duration::from_secs(3600), u64::MAX)
                    .await
                    .map(drop)
            },
            clean,
        )
        .await?;
    scene
        .row(
            &mut table,
            "`clean` of 200 completed jobs beside 300,000 that wait",
            &[("wait", 300_000), ("completed", 200)],
            async |queue| {
                queue
                    .clean(State::Completed, Duration::ZERO, 1000)
                    .await
                    .map(drop)
            },
            done,
        )
        .await?;
    scene
        .row(
            &mut table,
            "`pause` with 1,000,000 waiting jobs",
            &[("wait", 1_000_000)],
            async |queue| queue.pause().await,
            of("pause"),
        )
        .await?;
    scene
        .row(
            &mut table,
            "`obliterate` of 100,000 waiting jobs",
            &[("wait", 100_000)],
            async |queue| {
                queue.pause().await?;
                queue.obliterate(false).await
            },
            of("obliterate"),
        )
        .await?;
    Ok(format!(
        "`cargo xtask compare queue`, {}. A queue each for both on one server. The longest script is by the server's own clock \
         (SLOWLOG, from 10 ms on): for so long it serves nobody else.\n\n{}",
        heading().await?,
        table.text()
    ))
}

/// What a call costs with so many jobs.
pub(crate) async fn sizes() -> Result<String> {
    let mut sizes = Sizes::default();
    for size in SIZES {
        let mut place = 0;
        for state in ["wait", "delayed"] {
            let server = Server::start().await?;
            let redis = server.client()?;
            let queue = Queue::new(&redis, "ours");
            let name = if state == "wait" {
                "waiting"
            } else {
                "delayed"
            };
            let before = memory(&redis).await?;
            let jobs = usize::try_from(size).map_err(words)?;
            fill(&redis, "ours", state, jobs).await?;
            let used = memory(&redis).await?.saturating_sub(before);
            let add = async || queue.add("a", &1).lifo().await.map(drop).map_err(words);
            add().await?;
            let work = async || {
                let add = queue.add_bulk(
                    (0..10)
                        .map(|_| queue.add("a", &1).lifo())
                        .collect::<Vec<_>>(),
                );
                add.await.map_err(words)?;
                let mut batch = queue.consumer().pull(10).await.map_err(words)?;
                let ids: Vec<String> = batch.jobs().iter().map(|job| job.id().to_owned()).collect();
                for id in ids {
                    batch.complete(&id, &1).map_err(words)?;
                }
                batch.settle().await.map(drop).map_err(words)
            };
            work().await?;
            let idle = async || {
                let work = async |_| Ok::<_, JobError>(());
                queue.pause().await.map_err(words)?;
                let consumer = queue.consumer();
                let run = consumer.run_until(Duration::from_secs(20), work);
                run.await.map(drop).map_err(words)?;
                queue.resume().await.map_err(words)
            };
            let rounds = rounds(size).min(100);
            for (title, cell) in [
                ("a job is added", cost(&server, &redis, rounds, add).await?),
                (
                    "ten jobs are added, taken and completed",
                    cost(&server, &redis, rounds, work).await?,
                ),
                (
                    "the queue is paused, looked at by `run_until`, and resumed",
                    cost(&server, &redis, rounds, idle).await?,
                ),
                (
                    "`counts`",
                    cost(&server, &redis, rounds, async || {
                        queue.counts().await.map(drop).map_err(words)
                    })
                    .await?,
                ),
                ("memory of the jobs", format!("{} KB", used / 1000)),
            ] {
                sizes.row(place, &format!("{name}: {title}"), cell);
                place += 1;
            }
        }
    }
    Ok(format!(
        "{}\n\n{}",
        caption("queue").await?,
        sizes.text("job")
    ))
}

async fn memory(redis: &restis::Redis) -> Result<u64> {
    let info = redis.command("INFO").arg("memory").query::<String>();
    let info = info.await.map_err(words)?;
    let used = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used = used.and_then(|used| used.trim().parse().ok());
    used.ok_or_else(|| Error::new("the server does not tell its memory"))
}
