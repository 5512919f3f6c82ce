//! 1,000 GETs at a time, by restis with auto-pipelining, by a hand-written request of all, by redis-rs over TCP:
//! CPU time of this process, wall time and requests, for each command.
//!
//! `cargo xtask bench` runs each in one run. By hand, with the two UPSTASH variables exported:
//! `cargo run --release -p restis-benches --bin concurrent_gets restis 200`.

#![allow(missing_docs, reason = "a program, not an API")]

use std::{
    error::Error,
    future::{Future, IntoFuture},
    hint::black_box,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use restis::Redis;
use restis_benches::cpu_time;
use serde::Deserialize;

const AT_A_TIME: usize = 1_000;

/// Rounds that are not counted: connections open, caches warm.
const WARM_UP: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [who, rounds] = words.as_slice() else {
        println!(
            "usage: concurrent_gets restis|tasks|capped|bare|redis-rs ROUNDS; `cargo xtask bench` runs them all"
        );
        return Ok(());
    };
    let rounds = rounds.parse()?;
    let mut runtime = if who == "tasks" || who == "capped" {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let who = who.clone();
    // In a task, as a service's handlers are: what main awaits itself is polled at a higher price.
    runtime.enable_all().build()?.block_on(async {
        tokio::spawn(async move {
            let done = match &*who {
                "restis" => joined(rounds).await,
                "tasks" => spawned(rounds, false).await,
                "capped" => spawned(rounds, true).await,
                "bare" => bare(rounds).await,
                "redis-rs" => redis_rs(rounds).await,
                other => Err(format!("there is no way called {other}").into()),
            };
            done.map_err(|error| error.to_string())
        })
        .await?
        .map_err(Box::from)
    })
}

/// Runs the rounds and prints what one command took, as one line of JSON.
async fn measure<F: Future<Output = Result<(), Box<dyn Error>>>>(
    rounds: usize,
    mut round: impl FnMut() -> F,
) -> Result<(), Box<dyn Error>> {
    for _ in 0..WARM_UP {
        round().await?;
    }
    let (cpu, wall) = (cpu_time()?, Instant::now());
    for _ in 0..rounds {
        round().await?;
    }
    let commands = (rounds * AT_A_TIME) as f64;
    let per_command = |time: Duration| time.as_secs_f64() * 1e6 / commands;
    let (cpu, wall) = (per_command(cpu_time()? - cpu), per_command(wall.elapsed()));
    println!("{{\"cpu_us\":{cpu:.4},\"wall_us\":{wall:.4}}}");
    Ok(())
}

fn keys() -> Vec<String> {
    (0..AT_A_TIME).map(|n| format!("bench:{n}")).collect()
}

/// All keys hold the same short text.
async fn prepare() -> Result<Vec<String>, Box<dyn Error>> {
    let keys = keys();
    let pairs: Vec<_> = keys
        .iter()
        .map(|key| (key, "a value of usual size"))
        .collect();
    Redis::from_env()?.mset(pairs).await?;
    Ok(keys)
}

/// One task awaits all of them together.
async fn joined(rounds: usize) -> Result<(), Box<dyn Error>> {
    let keys = prepare().await?;
    let redis = restis::Builder::from_env().auto_pipelining(true).build()?;
    measure(rounds, || async {
        let gets = keys
            .iter()
            .map(|key| redis.get::<String>(key).into_future());
        for value in join_all(gets).await {
            black_box(value?);
        }
        Ok(())
    })
    .await
}

/// A task each, on several threads.
async fn spawned(rounds: usize, capped: bool) -> Result<(), Box<dyn Error>> {
    let keys = prepare().await?;
    let builder = restis::Builder::from_env().auto_pipelining(true);
    let builder = if capped {
        builder.max_in_flight(2)
    } else {
        builder
    };
    let redis = builder.build()?;
    measure(rounds, || async {
        let tasks: Vec<_> = keys
            .iter()
            .map(|key| {
                let (redis, key) = (redis.clone(), key.clone());
                tokio::spawn(async move { redis.get::<String>(key).await })
            })
            .collect();
        for task in tasks {
            black_box(task.await??);
        }
        Ok(())
    })
    .await
}

/// What one would write by hand for this one case: one body, one request, one parse.
async fn bare(rounds: usize) -> Result<(), Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Entry {
        result: Option<String>,
    }
    let keys = prepare().await?;
    let url = format!("{}/pipeline", std::env::var("UPSTASH_REDIS_REST_URL")?);
    let authorization = format!("Bearer {}", std::env::var("UPSTASH_REDIS_REST_TOKEN")?);
    let client = reqwest::Client::new();
    measure(rounds, || async {
        let commands: Vec<_> = keys.iter().map(|key| ["GET", key]).collect();
        let request = client
            .post(&url)
            .header("authorization", &authorization)
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&commands)?);
        let body = request.send().await?.bytes().await?;
        for entry in serde_json::from_slice::<Vec<Entry>>(&body)? {
            black_box(entry.result);
        }
        Ok(())
    })
    .await
}

/// redis-rs, whose multiplexed connection pipelines what is sent at the same time, straight to the server.
async fn redis_rs(rounds: usize) -> Result<(), Box<dyn Error>> {
    let keys = prepare().await?;
    let client = redis::Client::open(std::env::var("RESTIS_BENCH_REDIS")?)?;
    let connection = client.get_multiplexed_async_connection().await?;
    measure(rounds, || async {
        let gets = keys.iter().map(|key| {
            let mut connection = connection.clone();
            async move {
                let mut get = redis::cmd("GET");
                get.arg(key);
                get.query_async::<Option<String>>(&mut connection).await
            }
        });
        for value in join_all(gets).await {
            black_box(value?);
        }
        Ok(())
    })
    .await
}
