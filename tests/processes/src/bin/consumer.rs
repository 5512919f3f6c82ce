//! A player that works on the jobs of a queue, as a function does that a schedule calls again and again.

use std::{process::ExitCode, time::Duration};

use restis::{Queue, Redis, queue::JobError};
use restis_processes::play;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

#[derive(Deserialize)]
struct Request {
    url: String,
    token: String,
    queue: String,
    /// In milliseconds.
    lock: u64,
    /// For how long.
    seconds: u64,
}

#[derive(Deserialize)]
struct Data {
    /// In milliseconds.
    sleep: u64,
}

/// Until nothing is left for a while; gives how many jobs were done.
async fn answer(request: Value) -> Result<Value, restis::Error> {
    let request: Request = serde_json::from_value(request)
        .map_err(|_| restis::Error::decode("a request that is not understood"))?;
    let redis = Redis::new(&request.url, &request.token)?;
    let queue = Queue::new(&redis, &request.queue);
    let consumer = queue.consumer().lock(Duration::from_millis(request.lock));
    let consumer = consumer
        .stalled_interval(Duration::from_secs(1))
        .max_stalled(50);
    let consumer = consumer.margin(Duration::from_millis(100)).batch_size(5);
    let end = Instant::now() + Duration::from_secs(request.seconds);
    let (mut done, mut empty) = (0, 0);
    while Instant::now() < end && empty < 5 {
        let work = async |job: restis::queue::Job| {
            let data: Data = job.data()?;
            tokio::time::sleep(Duration::from_millis(data.sleep)).await;
            Ok::<_, JobError>(data.sleep)
        };
        // One that is not answered is tried again, as the next call of the schedule does.
        if let Ok(run) = consumer.run_until(Duration::from_secs(2), work).await {
            done += run.completed;
            empty = if run.completed == 0 { empty + 1 } else { 0 };
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(json!(done))
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
