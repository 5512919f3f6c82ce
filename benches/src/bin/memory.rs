//! How much memory reading much takes: the keys of a large database by SCAN, a long list by one LRANGE.
//!
//! Prints the growth of the process's largest size. `cargo xtask bench` runs both. By hand, with the two UPSTASH
//! variables exported: `cargo run --release -p restis-benches --bin memory scan`.

#![allow(missing_docs, reason = "a program, not an API")]

use std::{error::Error, hint::black_box};

use restis::Redis;
use restis_benches::largest_size;

const ELEMENTS: usize = 100_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let what = std::env::args().nth(1).unwrap_or_default();
    let redis = Redis::from_env()?;
    match &*what {
        "prepare" => prepare(&redis).await,
        "scan" => measure(&redis, scan(&redis)).await,
        "lrange" => measure(&redis, lrange(&redis)).await,
        _ => {
            println!("usage: memory prepare|scan|lrange; `cargo xtask bench` runs them all");
            Ok(())
        }
    }
}

/// 100,000 keys, and a list of 100,000 entries of 20 bytes.
async fn prepare(redis: &Redis) -> Result<(), Box<dyn Error>> {
    redis.flushall().sync().await?;
    for start in (0..ELEMENTS).step_by(10_000) {
        let numbers = start..start + 10_000;
        let pairs: Vec<_> = numbers.clone().map(|n| (format!("bench:{n}"), n)).collect();
        redis.mset(pairs).await?;
        let entries: Vec<_> = numbers.map(|n| format!("entry of 20 B {n:06}")).collect();
        redis.rpush("list", entries).await?;
    }
    Ok(())
}

/// Reads all keys, page by page. Gives how many there were.
async fn scan(redis: &Redis) -> Result<usize, Box<dyn Error>> {
    let mut keys = redis.scan().count(1_000).stream::<String>();
    let mut count = 0;
    while let Some(key) = keys.next().await {
        black_box(key?);
        count += 1;
    }
    Ok(count)
}

async fn lrange(redis: &Redis) -> Result<usize, Box<dyn Error>> {
    let entries: Vec<String> = redis.lrange("list", 0, -1).await?;
    Ok(black_box(entries).len())
}

async fn measure(
    redis: &Redis,
    read: impl Future<Output = Result<usize, Box<dyn Error>>>,
) -> Result<(), Box<dyn Error>> {
    // The HTTP client with its certificates is there before.
    redis.ping().await?;
    let before = largest_size()?;
    let count = read.await?;
    if count < ELEMENTS {
        return Err(format!("{count} of {ELEMENTS} were read").into());
    }
    println!("{{\"peak_kb\":{}}}", largest_size()? - before);
    Ok(())
}
