//! How a GET's cost and the client's memory grow with the number that is in flight.
//!
//! `cargo xtask bench` runs it from 1 to 100,000. By hand, with the two UPSTASH variables exported:
//! `cargo run --release -p restis-benches --bin scale 1000`.

#![allow(missing_docs, reason = "a program, not an API")]

use std::{error::Error, future::IntoFuture, hint::black_box, time::Instant};

use futures_util::future::join_all;
use restis_benches::{cpu_time, largest_size};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(in_flight) = std::env::args().nth(1) else {
        println!("usage: scale IN_FLIGHT; `cargo xtask bench` runs it from 1 to 100,000");
        return Ok(());
    };
    let in_flight: usize = in_flight.parse()?;
    let redis = restis::Builder::from_env().auto_pipelining(true).build()?;
    redis.set("scale", "a value of usual size").await?;
    let before = largest_size()?;
    // As many GETs in all, but for the largest.
    let rounds = (100_000 / in_flight).clamp(3, 2_000);
    let (cpu, wall) = (cpu_time()?, Instant::now());
    for _ in 0..rounds {
        let gets = (0..in_flight).map(|_| redis.get::<String>("scale").into_future());
        for value in join_all(gets).await {
            black_box(value?.ok_or("the key is gone")?);
        }
    }
    let gets = (rounds * in_flight) as f64;
    let (wall, cpu) = (
        wall.elapsed().as_secs_f64(),
        (cpu_time()? - cpu).as_secs_f64(),
    );
    let larger = largest_size()? - before;
    println!(
        "{{\"cpu_us\":{:.4},\"wall_us\":{:.4},\"larger_kb\":{larger}}}",
        cpu * 1e6 / gets,
        wall * 1e6 / gets
    );
    Ok(())
}
