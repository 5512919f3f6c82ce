//! One kind of work after the other, by restis over HTTP and by redis-rs over TCP: CPU and wall time of one, and how
//! much larger it made the process.
//!
//! `cargo xtask bench` runs all of it in one run. By hand, with the two UPSTASH variables exported:
//! `cargo run --release -p restis-benches --bin values restis lrange 5`.

#![allow(missing_docs, reason = "a program, not an API")]

use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use restis::{Bytes, Redis};
use restis_benches::{cpu_time, largest_size};

const MEGABYTE: usize = 1_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["prepare"] => prepare().await,
        ["restis", what, rounds] => restis(what, rounds.parse()?).await,
        ["redis-rs", what, rounds] => redis_rs(what, rounds.parse()?).await,
        _ => {
            println!(
                "usage: values prepare, or values restis|redis-rs WHAT ROUNDS; `cargo xtask bench` runs them all"
            );
            Ok(())
        }
    }
}

/// What is read: 100 keys, a list of 100,000 entries, a text and bytes of 1 MB.
async fn prepare() -> Result<(), Box<dyn Error>> {
    let redis = Redis::from_env()?;
    redis.flushall().sync().await?;
    redis
        .mset(
            keys()
                .map(|key| (key, "a value of usual size"))
                .collect::<Vec<_>>(),
        )
        .await?;
    for start in (0..100_000).step_by(10_000) {
        let entries: Vec<_> = (start..start + 10_000)
            .map(|n| format!("entry of 20 B {n:06}"))
            .collect();
        redis.rpush("list", entries).await?;
    }
    // With quotes and line ends, as JSON of a service has.
    let text: String = "{\"name\":\"Ada\",\"city\":\"London\"}\n".repeat(MEGABYTE / 16);
    redis
        .set("text", text.get(..MEGABYTE).unwrap_or_default())
        .await?;
    let bytes: Vec<u8> = (0..MEGABYTE).map(|n| (n * 31 % 251) as u8).collect();
    redis.set("bytes", bytes.as_slice()).await?;
    Ok(())
}

fn keys() -> impl Iterator<Item = String> {
    (0..100).map(|n| format!("key:{n}"))
}

/// Runs the rounds and prints what one took, as one line of JSON.
async fn measure<F: Future<Output = Result<(), Box<dyn Error>>>>(
    rounds: u32,
    mut round: impl FnMut() -> F,
) -> Result<(), Box<dyn Error>> {
    let before = largest_size()?;
    for _ in 0..rounds / 10 + 1 {
        round().await?;
    }
    let (cpu, wall) = (cpu_time()?, Instant::now());
    for _ in 0..rounds {
        round().await?;
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(rounds);
    let (wall, cpu) = (each(wall.elapsed()), each(cpu_time()? - cpu));
    let larger = largest_size()? - before;
    println!("{{\"cpu_us\":{cpu:.2},\"wall_us\":{wall:.2},\"larger_kb\":{larger}}}");
    Ok(())
}

async fn restis(what: &str, rounds: u32) -> Result<(), Box<dyn Error>> {
    let redis = Redis::from_env()?;
    redis.ping().await?;
    let keys: Vec<_> = keys().collect();
    match what {
        "set" => {
            measure(rounds, async || {
                Ok(redis.set("set", "a value of usual size").await?)
            })
            .await
        }
        "pipeline" => {
            measure(rounds, async || {
                let sets: Vec<_> = (0..1_000)
                    .map(|_| redis.set("set", "a value of usual size"))
                    .collect();
                for set in redis.pipeline(sets).await? {
                    set?;
                }
                Ok(())
            })
            .await
        }
        "lrange" => {
            measure(rounds, async || {
                black_box(redis.lrange::<String>("list", 0, -1).await?);
                Ok(())
            })
            .await
        }
        "mget" => {
            measure(rounds, async || {
                black_box(redis.mget::<String>(&keys).await?);
                Ok(())
            })
            .await
        }
        "text" => {
            measure(rounds, async || {
                black_box(redis.get::<String>("text").await?);
                Ok(())
            })
            .await
        }
        "base64" => {
            measure(rounds, async || {
                black_box(redis.get::<Bytes>("bytes").await?);
                Ok(())
            })
            .await
        }
        "resp2" => {
            measure(rounds, async || {
                black_box(redis.get::<Bytes>("bytes").resp2().await?);
                Ok(())
            })
            .await
        }
        other => Err(format!("there is no work called {other}").into()),
    }
}

async fn redis_rs(what: &str, rounds: u32) -> Result<(), Box<dyn Error>> {
    let client = redis::Client::open(std::env::var("RESTIS_BENCH_REDIS")?)?;
    let connection = client.get_multiplexed_async_connection().await?;
    let keys: Vec<_> = keys().collect();
    let mut command = redis::cmd(match what {
        "set" => "SET",
        "lrange" => "LRANGE",
        "mget" => "MGET",
        _ => "GET",
    });
    match what {
        "set" => command.arg("set").arg("a value of usual size"),
        "lrange" => command.arg("list").arg(0).arg(-1),
        "mget" => command.arg(&keys),
        "text" => command.arg("text"),
        "resp2" => command.arg("bytes"),
        "pipeline" => &mut command,
        other => return Err(format!("redis-rs does no work called {other}").into()),
    };
    let connection = || connection.clone();
    match what {
        "pipeline" => {
            measure(rounds, async || {
                let mut pipe = redis::pipe();
                for _ in 0..1_000 {
                    pipe.set("set", "a value of usual size");
                }
                black_box(pipe.query_async::<Vec<String>>(&mut connection()).await?);
                Ok(())
            })
            .await
        }
        "lrange" => {
            measure(rounds, async || {
                black_box(
                    command
                        .query_async::<Vec<String>>(&mut connection())
                        .await?,
                );
                Ok(())
            })
            .await
        }
        "mget" => {
            measure(rounds, async || {
                black_box(
                    command
                        .query_async::<Vec<Option<String>>>(&mut connection())
                        .await?,
                );
                Ok(())
            })
            .await
        }
        "resp2" => {
            measure(rounds, async || {
                black_box(command.query_async::<Vec<u8>>(&mut connection()).await?);
                Ok(())
            })
            .await
        }
        _ => {
            measure(rounds, async || {
                black_box(command.query_async::<String>(&mut connection()).await?);
                Ok(())
            })
            .await
        }
    }
}
