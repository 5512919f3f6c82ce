//! A player that takes locks and permits, calls what is limited, and waits for it to be quiet: many at the same time, or once.

use std::{pin::Pin, process::ExitCode, sync::OnceLock, time::Duration};

use restis::{Debounce, Lock, RateLimiter, Redis, Semaphore, lock::Held};
use restis_processes::play;
use serde::Deserialize;
use serde_json::{Value, json};

type BoxFuture = Pin<Box<dyn Future<Output = Result<u64, restis::Error>> + Send>>;

#[derive(Deserialize)]
struct Request {
    r#do: String,
    url: String,
    token: String,
    /// In milliseconds.
    lease: u64,
    /// How many want it.
    crowd: usize,
    /// For how long they have it, in milliseconds.
    hold: u64,
    /// The algorithm of the limit, which is 50 a minute.
    #[serde(default)]
    limit: String,
}

async fn take(lock: &Lock) -> Result<Held, restis::Error> {
    let held = lock.acquire().await?;
    held.ok_or_else(|| restis::Error::decode("it was not free in time"))
}

/// Writes down that it is inside, and then that it has left.
async fn work(redis: Redis, lock: Lock, hold: Duration) -> Result<u64, restis::Error> {
    let held = take(&lock).await?;
    let fence = held.fence().unwrap_or_default();
    redis.rpush("visits", format!("in {fence}")).await?;
    tokio::time::sleep(hold).await;
    redis.rpush("visits", format!("out {fence}")).await?;
    held.release().await?;
    Ok(1)
}

/// Writes down how many are inside, and leaves.
async fn pass(redis: Redis, gate: Semaphore, hold: Duration) -> Result<u64, restis::Error> {
    let permit = gate.acquire().await?;
    let permit = permit.ok_or_else(|| restis::Error::decode("no permit was free in time"))?;
    let inside = redis.incr("inside").await?;
    redis.rpush("crowds", inside).await?;
    tokio::time::sleep(hold).await;
    redis.decr("inside").await?;
    permit.release().await?;
    Ok(1)
}

fn limiter(redis: &Redis, algorithm: &str) -> RateLimiter {
    let minute = Duration::from_secs(60);
    let builder = match algorithm {
        "fixed" => RateLimiter::fixed_window(50, minute),
        "sliding" => RateLimiter::sliding_window(50, minute),
        "bucket" => RateLimiter::token_bucket(50, minute, 50),
        "strict" => RateLimiter::strict_window(50, minute),
        _ => RateLimiter::gcra(50, minute),
    };
    // Of one minute, however long the processes take to start.
    let builder = builder.prefix(algorithm).clock(|| 1_800_000_010_000);
    builder.local_deny(false).build(redis)
}

async fn call(limiter: RateLimiter) -> Result<u64, restis::Error> {
    Ok(u64::from(limiter.check("all").await?.allowed()))
}

async fn quiet(quiet: Debounce) -> Result<u64, restis::Error> {
    Ok(u64::from(quiet.is_last().await?))
}

/// What all of them come to.
async fn sum(crowd: usize, one: impl Fn() -> BoxFuture) -> Result<Value, restis::Error> {
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..crowd {
        calls.spawn(one());
    }
    let mut sum = 0;
    while let Some(done) = calls.join_next().await {
        sum += done.map_err(|_| restis::Error::decode("one of the crowd panicked"))??;
    }
    Ok(json!(sum))
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
            sum(request.crowd, || {
                let hold = Duration::from_millis(request.hold);
                Box::pin(work(redis.clone(), lock.clone(), hold))
            })
            .await?
        }
        "pass" => {
            let gate = Semaphore::new(redis, "gate", 5).lease(lease);
            let gate = gate.wait(Duration::from_secs(60));
            sum(request.crowd, || {
                let hold = Duration::from_millis(request.hold);
                Box::pin(pass(redis.clone(), gate.clone(), hold))
            })
            .await?
        }
        // All permits, and nobody gives them back.
        "keep" => {
            let gate = Semaphore::new(redis, "gate", 5).lease(lease);
            let mut kept = 0;
            while gate.try_acquire().await?.is_some() {
                kept += 1;
            }
            json!(kept)
        }
        "call" => {
            let limiter = limiter(redis, &request.limit);
            sum(request.crowd, || Box::pin(call(limiter.clone()))).await?
        }
        "quiet" => {
            let debounce = Debounce::new(redis, "quiet").wait(lease);
            let pause = Duration::from_millis(request.hold);
            let mut calls = tokio::task::JoinSet::new();
            let mut last = 0;
            for _ in 0..request.crowd {
                calls.spawn(quiet(debounce.clone()));
                tokio::time::sleep(pause).await;
            }
            while let Some(done) = calls.join_next().await {
                last += done.map_err(|_| restis::Error::decode("a call panicked"))??;
            }
            json!(last)
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
