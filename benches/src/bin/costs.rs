//! What each helper costs, as exact counts of a server: HTTP requests and billed commands, the scripts known there.
//!
//! `cargo xtask bench` runs it. By hand, before a restis-local of its own and with the two UPSTASH variables exported:
//! `cargo run --release -p restis-benches --bin costs`. It prints one line: an array of what, requests and billed commands.

#![allow(missing_docs, reason = "a program, not an API")]

use std::{error::Error, future::IntoFuture, time::Duration};

use restis::{
    Cache, Idempotency, Lock, Queue, RateLimiter, Redis, Semaphore, Sessions, queue::JobError,
    session::Issued,
};
use serde::{Deserialize, Serialize};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    if std::env::args().len() > 1 {
        println!("usage: costs; `cargo xtask bench` runs it");
        return Ok(());
    }
    let redis = Redis::from_env()?;
    redis.flushall().sync().await?;
    let mut costs = Costs {
        stats: format!("{}/_local/stats", std::env::var("UPSTASH_REDIS_REST_URL")?),
        token: std::env::var("UPSTASH_REDIS_REST_TOKEN")?,
        http: reqwest::Client::new(),
        found: Vec::new(),
    };
    cache(&redis, &mut costs).await?;
    sessions(&redis, &mut costs).await?;
    limits(&redis, &mut costs).await?;
    locks(&redis, &mut costs).await?;
    queue(&redis, &mut costs).await?;
    println!("{}", serde_json::to_string(&costs.found)?);
    Ok(())
}

/// What has been counted so far.
struct Costs {
    stats: String,
    token: String,
    http: reqwest::Client,
    found: Vec<Cost>,
}

#[derive(Serialize)]
struct Cost {
    what: String,
    requests: u64,
    billed: u64,
}

#[derive(Deserialize)]
struct Stats {
    requests: u64,
    billed: u64,
}

impl Costs {
    /// Does it, and counts what the server saw of it.
    async fn of<T, E: Into<Box<dyn Error>>>(
        &mut self,
        what: impl Into<String>,
        act: impl IntoFuture<Output = Result<T, E>>,
    ) -> Result<T> {
        self.http
            .delete(&self.stats)
            .bearer_auth(&self.token)
            .send()
            .await?
            .error_for_status()?;
        let done = act.await.map_err(Into::into)?;
        let stats = self
            .http
            .get(&self.stats)
            .bearer_auth(&self.token)
            .send()
            .await?;
        let Stats { requests, billed } =
            serde_json::from_str(&stats.error_for_status()?.text().await?)?;
        self.found.push(Cost {
            what: what.into(),
            requests,
            billed,
        });
        Ok(done)
    }
}

/// Does a thing for the first time, so that its scripts are known.
async fn warm<T, E: Into<Box<dyn Error>>>(
    act: impl IntoFuture<Output = Result<T, E>>,
) -> Result<T> {
    act.await.map_err(Into::into)
}

async fn load() -> Result<String, std::io::Error> {
    Ok("loaded".to_owned())
}

async fn cache(redis: &Redis, costs: &mut Costs) -> Result<()> {
    let cache = Cache::new(redis).ttl(MINUTE);
    let tags: Vec<_> = (0..10).map(|n| format!("tag {n}")).collect();
    warm(cache.get_or_set::<String, _, _, _>("warm", load)).await?;
    costs
        .of(
            "cache: a miss, which loads",
            cache.get_or_set::<String, _, _, _>("a", load),
        )
        .await?;
    costs
        .of("cache: a hit", cache.get::<String>("a"))
        .await?
        .ok_or("no hit")?;
    warm(cache.entry("b").tags(tags).set("loaded")).await?;
    warm(cache.get::<String>("b")).await?;
    costs
        .of("cache: a hit with 10 tags", cache.get::<String>("b"))
        .await?
        .ok_or("no hit")?;
    let near = cache.clone().memory(1_000_000, MINUTE);
    warm(near.get::<String>("a")).await?;
    costs
        .of("cache: a hit in memory", near.get::<String>("a"))
        .await?
        .ok_or("no hit")?;
    costs.of("cache: set", cache.set("a", "loaded")).await?;
    costs.of("cache: delete", cache.delete("a")).await?;
    costs
        .of("cache: invalidate a tag", cache.invalidate_tag("tag 1"))
        .await
}

async fn sessions(redis: &Redis, costs: &mut Costs) -> Result<()> {
    let sessions = Sessions::new(redis, [7; 32]);
    let first: Issued = warm(sessions.create("ada", &1)).await?;
    warm(sessions.revoke(first.token().as_str())).await?;
    let issued = costs
        .of("session: create", sessions.create("ada", &1))
        .await?;
    let token = issued.token().as_str();
    costs
        .of("session: validate", sessions.validate(token))
        .await?
        .ok_or("no session")?;
    costs
        .of("session: revoke", sessions.revoke(token))
        .await
        .map(drop)
}

async fn limits(redis: &Redis, costs: &mut Costs) -> Result<()> {
    for (name, builder) in [
        ("fixed window", RateLimiter::fixed_window(2, MINUTE)),
        ("sliding window", RateLimiter::sliding_window(2, MINUTE)),
        ("token bucket", RateLimiter::token_bucket(2, MINUTE, 2)),
        ("strict window", RateLimiter::strict_window(2, MINUTE)),
        ("GCRA", RateLimiter::gcra(2, MINUTE)),
    ] {
        let limiter = builder.prefix(name).build(redis);
        warm(limiter.check("a")).await?;
        for (what, allowed) in [("let in", true), ("refused", false)] {
            let decision = costs
                .of(format!("{name}: {what}"), limiter.check("a"))
                .await?;
            if decision.allowed() != allowed {
                return Err(format!("{name}: not {what}").into());
            }
        }
        if name == "fixed window" {
            costs
                .of(
                    "refused again, known here for the rest of its window",
                    limiter.check("a"),
                )
                .await?;
        }
    }
    Ok(())
}

async fn locks(redis: &Redis, costs: &mut Costs) -> Result<()> {
    let lock = Lock::new(redis, "lock");
    let held = warm(lock.try_acquire()).await?.held().ok_or("not held")?;
    warm(held.release()).await?;
    let held = costs
        .of("lock: acquire", lock.try_acquire())
        .await?
        .held()
        .ok_or("not held")?;
    costs.of("lock: extend", held.extend(MINUTE)).await?;
    costs.of("lock: release", held.release()).await?;
    let semaphore = Semaphore::new(redis, "semaphore", 3);
    warm(semaphore.try_acquire()).await?;
    costs
        .of("semaphore: acquire", semaphore.try_acquire())
        .await?;
    let idempotency = Idempotency::new(redis);
    warm(idempotency.run("warm", "payload", load)).await?;
    costs
        .of(
            "idempotency: the first run",
            idempotency.run("a", "payload", load),
        )
        .await?;
    costs
        .of("idempotency: again", idempotency.run("a", "payload", load))
        .await
        .map(drop)
}

async fn queue(redis: &Redis, costs: &mut Costs) -> Result<()> {
    let queue = Queue::new(redis, "jobs");
    let consumer = queue.consumer().batch_size(10);
    let drained = || consumer.run_until(MINUTE / 6, async |_| Ok::<_, JobError>("done"));
    let many = || (0..100).map(|n| queue.add("n", &n)).collect::<Vec<_>>();
    warm(queue.add("n", &0)).await?;
    warm(queue.add_bulk(many())).await?;
    warm(drained()).await?;
    costs.of("queue: nothing to do", drained()).await?;
    costs.of("queue: add a job", queue.add("n", &0)).await?;
    costs
        .of("queue: a job to its end, and a look for more", drained())
        .await?;
    costs
        .of("queue: add 100 jobs", queue.add_bulk(many()))
        .await?;
    costs
        .of(
            "queue: 100 jobs to their end, ten at a time, and a look for more",
            drained(),
        )
        .await
        .map(drop)
}
