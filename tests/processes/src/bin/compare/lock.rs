//! Locks beside `@upstash/lock`.

use std::time::Duration;

use restis::{Lock, Redis};
use restis_local::Fault;
use restis_processes::{Error, Player, Result, Server, rivals};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{heading, installed, lock_sizes, table::Table};

struct Scene {
    server: Server,
    redis: Redis,
    theirs: Player,
}

async fn scene() -> Result<Scene> {
    let server = Server::start().await?;
    Ok(Scene {
        redis: server.client()?,
        theirs: rivals::upstash(&server)?,
        server,
    })
}

fn failed(error: restis::Error) -> Error {
    Error::new(error.to_string())
}

fn acquire(slot: &str) -> Value {
    json!({"do": "acquire", "slot": slot, "name": "theirs", "lease": 10_000})
}

fn of(what: &str, slot: &str) -> Value {
    json!({"do": what, "slot": slot, "name": "theirs", "by": 1500})
}

impl Scene {
    fn lock(&self) -> Lock {
        Lock::new(&self.redis, "ours")
    }

    async fn cost<T>(&self, act: impl Future<Output = Result<T>>) -> Result<(T, u64, u64)> {
        self.server.reset().await?;
        let done = act.await?;
        let stats = self.server.stats().await?;
        Ok((done, stats.requests, stats.billed))
    }

    async fn ask(&self, words: Value) -> Result<Value> {
        self.theirs.ask(&words).await
    }
}

async fn prices() -> Result<[String; 2]> {
    let scene = scene().await?;
    let taken = async { scene.lock().try_acquire().await.map_err(failed) };
    let (taken, _, acquired) = scene.cost(taken).await?;
    let held = taken.held().ok_or_else(|| Error::new("it is not free"))?;
    let more = async { held.extend(Duration::from_secs(10)).await.map_err(failed) };
    let (_, _, extended) = scene.cost(more).await?;
    let end = async { held.release().await.map_err(failed) };
    let (_, _, released) = scene.cost(end).await?;
    let (_, _, first) = scene.cost(scene.ask(acquire("a"))).await?;
    let mut more = of("extend", "a");
    more["by"] = json!(1000);
    let (_, _, second) = scene.cost(scene.ask(more)).await?;
    let (_, _, third) = scene.cost(scene.ask(of("release", "a"))).await?;
    Ok([
        format!("{acquired}, {extended}, {released}"),
        format!("{first}, {second}, {third}"),
    ])
}

async fn extended() -> Result<[String; 2]> {
    let scene = scene().await?;
    let taken = scene.lock().try_acquire().await.map_err(failed)?;
    let held = taken.held().ok_or_else(|| Error::new("it is not free"))?;
    let ours = held.extend(Duration::from_millis(1500)).await;
    let left = scene.redis.pttl("ours").await.map_err(failed)?.left();
    scene.ask(acquire("a")).await?;
    let theirs = scene.ask(of("extend", "a")).await?;
    let exact = left.is_some_and(|left| (1400..=1500).contains(&left));
    let ours = match (ours.map_err(failed)?, exact) {
        (true, true) => "1500 ms".to_owned(),
        (_, _) => format!("{left:?}"),
    };
    let theirs = match theirs {
        Value::String(name) => format!("throws {name}"),
        other => other.to_string(),
    };
    Ok([ours, theirs])
}

async fn lost_answer() -> Result<[String; 2]> {
    let scene = scene().await?;
    scene.server.local().inject(Fault::drop_after());
    let ours = scene.lock().try_acquire().await.map_err(failed)?;
    scene.server.local().inject(Fault::drop_after());
    let theirs = scene.ask(acquire("a")).await?;
    let say = |held: bool, taken: bool| {
        let held = if held { "held" } else { "not held" };
        let taken = if taken { "taken" } else { "free" };
        format!("says {held}, is {taken}")
    };
    let taken = async |key| Ok::<_, Error>(scene.redis.exists(key).await.map_err(failed)? > 0);
    Ok([
        say(ours.is_held(), taken("ours").await?),
        say(theirs == json!(true), taken("theirs").await?),
    ])
}

async fn seen_by_another() -> Result<[String; 2]> {
    let scene = scene().await?;
    let _held = scene.lock().try_acquire().await.map_err(failed)?;
    let is_held = scene.lock().is_held().await.map_err(failed)?;
    scene.ask(acquire("a")).await?;
    let status = scene.ask(of("status", "another")).await?;
    let ours = if is_held { "held" } else { "free" };
    Ok([
        ours.to_owned(),
        status.as_str().unwrap_or_default().to_owned(),
    ])
}

async fn numeric() -> Result<[String; 2]> {
    let scene = scene().await?;
    let mut words = acquire("a");
    words["uuid"] = json!("12345");
    scene.ask(words).await?;
    let status = scene.ask(of("status", "a")).await?;
    Ok([
        "tokens are made by it".to_owned(),
        status.as_str().unwrap_or_default().to_owned(),
    ])
}

async fn last_pause() -> Result<[String; 2]> {
    let scene = scene().await?;
    let _held = scene.lock().try_acquire().await.map_err(failed)?;
    let begun = std::time::Instant::now();
    let lock = scene.lock().wait(Duration::from_millis(200));
    lock.acquire().await.map_err(failed)?;
    let ours = begun.elapsed().as_millis();
    scene.ask(acquire("a")).await?;
    let begun = std::time::Instant::now();
    let mut words = acquire("b");
    words["attempts"] = json!(3);
    scene.ask(words).await?;
    let theirs = begun.elapsed().as_millis();
    Ok([format!("{ours} ms"), format!("{theirs} ms")])
}

async fn crowd() -> Result<[String; 2]> {
    let scene = scene().await?;
    let ours = async {
        let mut all = JoinSet::new();
        for _ in 0..20 {
            let lock = scene.lock();
            all.spawn(async move {
                let Some(held) = lock.acquire().await? else {
                    return Ok(0);
                };
                tokio::time::sleep(Duration::from_millis(10)).await;
                held.release().await?;
                Ok::<u64, restis::Error>(1)
            });
        }
        let mut done = 0;
        while let Some(one) = all.join_next().await {
            done += one
                .map_err(|error| Error::new(error.to_string()))?
                .map_err(failed)?;
        }
        Ok(done)
    };
    let (ours, requests, billed) = scene.cost(ours).await?;
    let mut cells = [
        format!("{ours} served, {requests} requests, {billed} billed"),
        String::new(),
    ];
    let words = json!({"do": "crowd", "name": "theirs", "crowd": 20, "hold": 10});
    let (theirs, requests, billed) = scene.cost(scene.ask(words)).await?;
    cells[1] = format!("{theirs} served, {requests} requests, {billed} billed");
    Ok(cells)
}

pub(crate) async fn compare() -> Result<String> {
    let theirs = format!(
        "@upstash/lock {}",
        installed("@upstash/lock")?.trim_start_matches('v')
    );
    let mut table = Table::new(&["", "restis", &theirs]);
    let mut row = |title: &str, [ours, theirs]: [String; 2]| {
        table.row(&[title, &ours, &theirs]);
    };
    row("billed to acquire, extend, release", prices().await?);
    row("20 contenders that work for 10 ms each", crowd().await?);
    row(
        "the answer to its acquisition is lost",
        lost_answer().await?,
    );
    row("extended by, or to, 1500 ms", extended().await?);
    row(
        "held elsewhere, and asked whether it is",
        seen_by_another().await?,
    );
    row(
        "held by a token of digits, and asked whether it is",
        numeric().await?,
    );
    row(
        "held elsewhere: gives up after (200 ms of waiting; three attempts 100 ms apart)",
        last_pause().await?,
    );
    Ok(format!(
        "`cargo xtask compare lock`, {}. Each row is a run with a server of its own, asked over REST by restis-local on \
         loopback; {theirs} runs in Node (tests/js/limits.mjs). Requests and billed commands are counted at restis-local.\
         \n\n{}\n{}",
        heading().await?,
        table.text(),
        lock_sizes::table().await?
    ))
}
