//! Limits beside `@upstash/ratelimit`: what it lets in, counts and leaves behind.

use std::time::Duration;

use restis::{RateLimiter, Redis};
use restis_processes::{Error, Player, Result, Server, rivals};
use serde_json::{Value, json};

use crate::{heading, installed, table::Table};

const MINUTE: Duration = Duration::from_secs(60);

struct Scene {
    server: Server,
    redis: Redis,
    theirs: Player,
}

/// A server with nothing in it, and both before it.
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

fn words(what: &str, algorithm: &str, limit: u64, window: &str, key: &str) -> Value {
    json!({
        "do": what, "prefix": "theirs", "algorithm": algorithm, "limit": limit, "window": window, "seconds": 60, "key": key,
    })
}

impl Scene {
    async fn billed(&self, act: impl Future<Output = Result<()>>) -> Result<(u64, u64)> {
        self.server.reset().await?;
        act.await?;
        let stats = self.server.stats().await?;
        Ok((stats.requests, stats.billed))
    }

    async fn limit(&self, words: &Value) -> Result<Value> {
        self.theirs.ask(words).await
    }

    /// The values of the keys that match.
    async fn counts(&self, pattern: &str) -> Result<Vec<String>> {
        let mut counts = Vec::new();
        for key in self.redis.keys::<String>(pattern).await.map_err(failed)? {
            let value: Option<String> = self.redis.get(key).await.map_err(failed)?;
            counts.extend(value);
        }
        Ok(counts)
    }

    async fn endless(&self, pattern: &str) -> Result<usize> {
        let mut endless = 0;
        for key in self.redis.keys::<String>(pattern).await.map_err(failed)? {
            let left = self.redis.pttl(key).await.map_err(failed)?;
            endless += usize::from(left.left().is_none());
        }
        Ok(endless)
    }
}

fn ours(scene: &Scene, algorithm: &str, limit: u64) -> RateLimiter {
    let builder = match algorithm {
        "fixed" => RateLimiter::fixed_window(limit, MINUTE),
        "sliding" => RateLimiter::sliding_window(limit, MINUTE),
        "bucket" => RateLimiter::token_bucket(limit, MINUTE, limit),
        "strict" => RateLimiter::strict_window(limit, MINUTE),
        _ => RateLimiter::gcra(limit, MINUTE),
    };
    builder.prefix("ours").local_deny(false).build(&scene.redis)
}

/// Billed of a call that is let in behind the first, and of one that is refused.
async fn price(algorithm: &str) -> Result<[Option<String>; 2]> {
    let scene = scene().await?;
    let ours = ours(&scene, algorithm, 2);
    let theirs = words("limit", algorithm, 2, "60 s", "a");
    let has = matches!(algorithm, "fixed" | "sliding" | "bucket");
    let mut prices = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        let check = async { ours.check("a").await.map(drop).map_err(failed) };
        prices[0].push(scene.billed(check).await?.1);
        if has {
            let check = async { scene.limit(&theirs).await.map(drop) };
            prices[1].push(scene.billed(check).await?.1);
        }
    }
    Ok(prices.map(|price| match &price[..] {
        [_, allowed, refused] => Some(format!("{allowed}, {refused}")),
        _ => None,
    }))
}

/// Let in at three times a limit of 100 in 2 s, for 10 s: with refusals kept in the process, and without.
async fn saturated() -> Result<[String; 2]> {
    const CALLS: u64 = 1500;
    let mut cells = [String::new(), String::new()];
    let mut sums = [[0; 2]; 2];
    for (place, kept) in [false, true].into_iter().enumerate() {
        let scene = scene().await?;
        let mut load = words("load", "sliding", 100, "2 s", "a");
        load["calls"] = json!(CALLS);
        load["pause"] = json!(10_000.0 / CALLS as f64);
        load["cache"] = json!(kept);
        let load = scene.theirs.begin(&load).await?;
        let builder = RateLimiter::sliding_window(100, Duration::from_secs(2)).prefix("ours");
        let limiter = builder.local_deny(kept).build(&scene.redis);
        let begun = tokio::time::Instant::now();
        for call in 0..CALLS {
            let at = Duration::from_micros(call * 10_000_000 / CALLS);
            tokio::time::sleep_until(begun + at).await;
            let decision = limiter.check("a").await.map_err(failed)?;
            sums[0][place] += u64::from(decision.allowed());
        }
        sums[1][place] = load.answer().await?.as_u64().unwrap_or_default();
    }
    for (cell, [without, with]) in cells.iter_mut().zip(sums) {
        let share = with * 100 / without.max(1);
        *cell = format!("{with} of {without} ({share} %)");
    }
    Ok(cells)
}

async fn refused_cost() -> Result<[String; 2]> {
    let scene = scene().await?;
    let ours = ours(&scene, "sliding", 10);
    for cost in [9, 5] {
        ours.check_cost("a", cost).await.map_err(failed)?;
        let mut words = words("limit", "sliding", 10, "60 s", "a");
        words["rate"] = json!(cost);
        scene.limit(&words).await?;
    }
    Ok([
        scene.counts("ours:*").await?.join(", "),
        scene.counts("theirs:*").await?.join(", "),
    ])
}

async fn reset_of_a_star() -> Result<[String; 2]> {
    let scene = scene().await?;
    let ours = ours(&scene, "fixed", 10);
    for id in ["a", "b", "c"] {
        ours.check(id).await.map_err(failed)?;
        scene
            .limit(&words("limit", "fixed", 10, "60 s", id))
            .await?;
    }
    ours.reset("*").await.map_err(failed)?;
    scene
        .limit(&words("reset", "fixed", 10, "60 s", "*"))
        .await?;
    let left =
        async |pattern| Ok::<_, Error>(format!("{} of 3", scene.counts(pattern).await?.len()));
    Ok([left("ours:*").await?, left("theirs:*").await?])
}

async fn keys_without_an_end() -> Result<[String; 2]> {
    let scene = scene().await?;
    let leased = RateLimiter::fixed_window(10, MINUTE)
        .prefix("ours")
        .lease(5);
    let leased = leased.build(&scene.redis);
    for id in ["a", "b", "c"] {
        leased.check(id).await.map_err(failed)?;
        scene
            .limit(&words("limit", "cached", 10, "60 s", id))
            .await?;
    }
    let of = async |pattern| Ok::<_, Error>(format!("{} of 3", scene.endless(pattern).await?));
    Ok([of("ours:*").await?, of("theirs:*").await?])
}

/// Requests of a third call, which is refused, where refusals are not to be kept.
async fn asks_again() -> Result<[String; 2]> {
    let scene = scene().await?;
    let ours = ours(&scene, "fixed", 1);
    let theirs = words("limit", "regions", 1, "60 s", "a");
    for _ in 0..2 {
        ours.check("a").await.map_err(failed)?;
        scene.limit(&theirs).await?;
    }
    let first = scene.billed(async { ours.check("a").await.map(drop).map_err(failed) });
    let first = first.await?.0;
    let second = scene.billed(async { scene.limit(&theirs).await.map(drop) });
    Ok([first.to_string(), second.await?.0.to_string()])
}

async fn several() -> Result<[String; 2]> {
    let scene = scene().await?;
    let limiters: Vec<RateLimiter> = (["ip", "user", "all"].iter())
        .map(|prefix| {
            let builder = RateLimiter::fixed_window(100, MINUTE);
            builder.prefix(*prefix).build(&scene.redis)
        })
        .collect();
    let all = || RateLimiter::check_all(limiters.iter().map(|limiter| limiter.call("a")));
    all().await.map_err(failed)?;
    let ours = scene.billed(async { all().await.map(drop).map_err(failed) });
    let ours = ours.await?;
    let theirs = async {
        for prefix in ["ip2", "user2", "all2"] {
            let mut words = words("limit", "fixed", 100, "60 s", "a");
            words["prefix"] = json!(prefix);
            scene.limit(&words).await?;
        }
        Ok(())
    };
    theirs.await?;
    let again = async {
        for prefix in ["ip2", "user2", "all2"] {
            let mut words = words("limit", "fixed", 100, "60 s", "a");
            words["prefix"] = json!(prefix);
            scene.limit(&words).await?;
        }
        Ok(())
    };
    let theirs = scene.billed(again).await?;
    let cell = |(requests, billed)| format!("{requests}, {billed}");
    Ok([cell(ours), cell(theirs)])
}

/// What the Python port sees of a bucket of which four tokens were taken.
async fn bucket_of_python() -> Result<[String; 2]> {
    let scene = scene().await?;
    let python = rivals::python(&scene.server)?;
    let mut words = words("limit", "bucket", 10, "60 s", "a");
    for _ in 0..4 {
        python.ask(&words).await?;
    }
    words["window"] = json!("60 s");
    let theirs = scene.limit(&words).await?;
    let left = theirs.get("remaining").and_then(Value::as_u64);
    Ok([
        "not shared either".to_owned(),
        format!("{} of 10 left", left.unwrap_or_default()),
    ])
}

pub(crate) async fn compare() -> Result<String> {
    let theirs = format!("@upstash/ratelimit {}", installed("@upstash/ratelimit")?);
    let mut table = Table::new(&["", "restis", &theirs]);
    for (algorithm, name) in [
        ("fixed", "fixed window"),
        ("sliding", "sliding window"),
        ("bucket", "token bucket"),
        ("strict", "strict window"),
        ("gcra", "GCRA"),
    ] {
        let [ours, theirs] = price(algorithm).await?;
        let title = format!("{name}: billed where it is let in, and where it is refused");
        let dash = || "—".to_owned();
        table.row(&[
            title,
            ours.unwrap_or_else(dash),
            theirs.unwrap_or_else(dash),
        ]);
    }
    let mut row = |title: &str, [ours, theirs]: [String; 2]| {
        table.row(&[title, &ours, &theirs]);
    };
    row(
        "sliding window of 100 in 2 s, 150 calls a second for 10 s: let in with refusals kept in the process, of what is let in without",
        saturated().await?,
    );
    row(
        "9 of 10 used, a call of 5 is refused: counted then",
        refused_cost().await?,
    );
    row(
        "three visitors, and the one called `*` is forgotten: those still counted",
        reset_of_a_star().await?,
    );
    row(
        "counting ahead in the process (`lease`, `cachedFixedWindow`): keys without an end",
        keys_without_an_end().await?,
    );
    row(
        "refusals are not to be kept (`local_deny(false)`, `ephemeralCache: false` with several regions): requests of a refused call",
        asks_again().await?,
    );
    row(
        "three limits for one call: requests, billed",
        several().await?,
    );
    row(
        "four tokens of ten were taken by upstash-ratelimit 1.2.0 in Python: seen",
        bucket_of_python().await?,
    );
    Ok(format!(
        "`cargo xtask compare ratelimit`, {}. Each row is a run with a server of its own, asked over REST by restis-local on \
         loopback; {theirs} runs in Node (tests/js/limits.mjs). Requests and billed commands are counted at restis-local, \
         what is stored at the server.\n\n{}",
        heading().await?,
        table.text()
    ))
}
