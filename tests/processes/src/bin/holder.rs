//! A player that takes locks: many at the same time, or one that it keeps.

use std::{process::ExitCode, sync::OnceLock, time::Duration};

use restis::{Lock, Redis, lock::Held};
use restis_processes::play;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Request {
    r#do: String,
    url: String,
    token: String,
    /// In milliseconds.
    lease: u64,
    /// How many want the lock.
    crowd: usize,
    /// For how long they have it, in milliseconds.
    hold: u64,
}

async fn take(lock: &Lock) -> Result<Held, restis::Error> {
    let held = lock.acquire().await?;
    held.ok_or_else(|| restis::Error::decode("it was not free in time"))
}

/// Writes down that it is inside, and then that it has left.
async fn work(redis: Redis, lock: Lock, hold: Duration) -> Result<(), restis::Error> {
    let held = take(&lock).await?;
    let fence = held.fence().unwrap_or_default();
    redis.rpush("visits", format!("in {fence}")).await?;
    tokio::time::sleep(hold).await;
    redis.rpush("visits", format!("out {fence}")).await?;
    held.release().await?;
    Ok(())
}

async fn answer(request: Value) -> Result<Value, restis::Error> {
    let request: Request = serde_json::from_value(request)
        .map_err(|_| restis::Error::decode("a request that is not understood"))?;
    // One client for all that this process is asked.
    static REDIS: OnceLock<Redis> = OnceLock::new();
    let made = Redis::new(&request.url, &request.token)?;
    let redis = REDIS.get_or_init(|| made);
    let lease = Duration::from_millis(request.lease);
    let lock = Lock::new(redis, "door").fenced().lease(lease);
    let lock = lock.wait(Duration::from_secs(60));
    Ok(match &*request.r#do {
        "crowd" => {
            let mut crowd = tokio::task::JoinSet::new();
            for _ in 0..request.crowd {
                let hold = Duration::from_millis(request.hold);
                crowd.spawn(work(redis.clone(), lock.clone(), hold));
            }
            while let Some(done) = crowd.join_next().await {
                done.map_err(|_| restis::Error::decode("a contender panicked"))??;
            }
            Value::Null
        }
        // Nobody gives it back.
        "take" => json!(take(&lock).await?.fence()),
        _ => Value::Null,
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let handle = |request| async {
        let answer = answer(request).await;
        answer.map_err(|error| restis_processes::Error::new(error.to_string()))
    };
    match play(handle).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
