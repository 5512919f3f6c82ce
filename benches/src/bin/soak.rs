//! Hours in minutes: calls of all kinds under faults, and whether memory stays flat and every acknowledged write is there.
//!
//! `cargo xtask soak` runs it for 10 minutes. By hand, before a restis-local of its own and with the two UPSTASH variables
//! exported: `cargo run --release -p restis-benches --bin soak 60`. A line of JSON tells every tenth of the time.

#![allow(missing_docs, reason = "a program, not an API")]

use std::{
    error::Error,
    future::IntoFuture,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use restis::{Cache, Lock, Queue, RateLimiter, Redis, Retry, queue::Keep};
use restis_benches::size;

/// Every one of them meets a hundredth of the requests.
const FAULTS: [&str; 6] = [
    r#"{"kind":"drop_before","rate":0.01,"seed":1}"#,
    r#"{"kind":"drop_after","rate":0.01,"seed":2}"#,
    r#"{"kind":"status","status":429,"rate":0.01,"seed":3}"#,
    r#"{"kind":"status","status":500,"executed":true,"rate":0.01,"seed":4}"#,
    r#"{"kind":"truncate","bytes":5,"rate":0.01,"seed":5}"#,
    r#"{"kind":"delay_answer","ms":200,"rate":0.002,"seed":6}"#,
];

/// A size may swing by this much after the first fifth, in KB.
const SWING: u64 = 4_096;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(seconds) = std::env::args().nth(1) else {
        println!("usage: soak SECONDS; `cargo xtask soak` runs it for 10 minutes");
        return Ok(());
    };
    let whole = Duration::from_secs(seconds.parse()?);
    let clean = Redis::from_env()?;
    clean.flushall().sync().await?;
    let url = std::env::var("UPSTASH_REDIS_REST_URL")?;
    let token = std::env::var("UPSTASH_REDIS_REST_TOKEN")?;
    let http = reqwest::Client::new();
    let faults = format!("{url}/_local/faults");
    for fault in FAULTS {
        http.post(&faults)
            .bearer_auth(&token)
            .body(fault)
            .send()
            .await?
            .error_for_status()?;
    }
    let redis = restis::Builder::from_env()
        .attempt_timeout(Duration::from_millis(150))
        .retry(Retry::times(3).backoff(Duration::from_millis(1), Duration::from_millis(5)))
        .auto_pipelining(true)
        .build()?;
    let helpers = Helpers::new(&redis);
    let begun = Instant::now();
    let mut counted = Counted::default();
    let mut sizes = Vec::new();
    for tenth in 1..=10 {
        while begun.elapsed() < whole * tenth / 10 {
            round(&redis, &helpers, &mut counted).await;
        }
        sizes.push(size()?);
        println!(
            "{{\"seconds\":{},\"kb\":{},\"calls\":{},\"failed\":{},\"longest_ms\":{},\"of\":\"{}\"}}",
            begun.elapsed().as_secs(),
            size()?,
            counted.calls,
            counted.failed,
            counted.longest.0.as_millis(),
            counted.longest.1,
        );
    }
    http.delete(&faults)
        .bearer_auth(&token)
        .send()
        .await?
        .error_for_status()?;
    let there: u64 = clean.get("soak:counter").await?.unwrap_or(0);
    let (least, most) = (
        counted.acknowledged,
        counted.acknowledged + counted.ambiguous,
    );
    if !(least..=most).contains(&there) {
        return Err(format!("{there} increments are there, and not {least} to {most}").into());
    }
    let (_, later) = sizes.split_at(2);
    let (small, large) = (later.iter().min(), later.iter().max());
    if let (Some(small), Some(large)) = (small, large)
        && large - small > SWING
    {
        return Err(format!("the size went from {small} to {large} KB").into());
    }
    Ok(())
}

#[derive(Default)]
struct Counted {
    calls: u64,
    failed: u64,
    /// Increments that were acknowledged.
    acknowledged: u64,
    /// Those of which it is not known.
    ambiguous: u64,
    /// The call that took longest.
    longest: (Duration, &'static str),
}

impl Counted {
    /// Makes a call, and counts it by its name.
    async fn call<T>(
        &mut self,
        name: &'static str,
        call: impl Future<Output = Result<T, restis::Error>>,
    ) -> Option<T> {
        let begun = Instant::now();
        let result = call.await;
        self.longest = self.longest.max((begun.elapsed(), name));
        self.calls += 1;
        self.failed += u64::from(result.is_err());
        result.ok()
    }
}

/// As a service has them: made once.
struct Helpers {
    cache: Cache,
    limiter: RateLimiter,
    lock: Lock,
    queue: Queue,
}

impl Helpers {
    fn new(redis: &Redis) -> Self {
        let second = Duration::from_secs(1);
        Self {
            cache: Cache::new(redis).namespace("soak").ttl(second),
            limiter: RateLimiter::fixed_window(10, second).build(redis),
            lock: Lock::new(redis, "soak:lock").lease(second),
            queue: Queue::new(redis, "soak"),
        }
    }
}

/// Some of everything.
async fn round(redis: &Redis, helpers: &Helpers, counted: &mut Counted) {
    let increments = (0..50).map(|_| redis.incr("soak:counter").into_future());
    let done = counted.call("INCR", async { Ok(join_all(increments).await) });
    for done in done.await.into_iter().flatten() {
        counted.calls += 1;
        counted.failed += u64::from(done.is_err());
        match done {
            Ok(_) => counted.acknowledged += 1,
            Err(error) if error.is_ambiguous() => counted.ambiguous += 1,
            Err(_) => {}
        }
    }
    let large = redis.set("soak:large", "x".repeat(100_000));
    counted.call("SET", large.into_future()).await;
    let large = redis.get::<String>("soak:large");
    counted.call("GET", large.into_future()).await;
    for key in 0..20 {
        let loaded = helpers
            .cache
            .get_or_set(key, async || Ok::<_, std::io::Error>(key));
        counted.call("cache", loaded).await;
    }
    counted.call("limit", helpers.limiter.check("soak")).await;
    let attempt = counted.call("lock", helpers.lock.try_acquire()).await;
    if let Some(held) = attempt.and_then(restis::lock::Attempt::held) {
        counted.call("unlock", held.release()).await;
    }
    let queue = &helpers.queue;
    let job = queue.add("job", &1).remove_on_complete(Keep::NONE);
    counted.call("add", job.into_future()).await;
    if let Some(mut batch) = counted.call("pull", queue.consumer().pull(10)).await {
        for job in batch.jobs().to_vec() {
            let _ = batch.complete(job.id(), &());
        }
        counted.call("settle", batch.settle()).await;
    }
}
