//! An AWS Lambda function that a schedule calls each minute, and that sends the notifications that wait: those that the Worker example
//! adds. A worker of BullMQ may send them too, at the same time (`examples/bullmq/worker.mjs`).
//!
//! The event does not matter; the answer is `{"sent": 7, "failed": 0, "givenBack": 0, "drained": true}`. The variables
//! `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN` say where Redis is.
//!
//! With nothing to do it is one round trip and 10 billed commands: 1,440 and 14,400 a day.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime},
};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use restis::{
    Queue, Redis,
    queue::{Job, JobError},
};
use serde::{Deserialize, Serialize};

/// What stays between the last job and Lambda's end, to say what has become of the jobs.
const MARGIN: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Notification {
    to: String,
    text: String,
}

#[derive(Serialize)]
struct Sent {
    sent: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Drained {
    sent: u64,
    failed: u64,
    given_back: u64,
    drained: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), lambda_runtime::Error> {
    let queue = &Queue::new(&Redis::from_env()?, "notifications");
    let handler = async |event| drain(queue, event).await;
    lambda_runtime::run(service_fn(handler)).await
}

async fn drain(
    queue: &Queue,
    event: LambdaEvent<serde::de::IgnoredAny>,
) -> Result<Drained, Diagnostic> {
    let left = event
        .context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    // As long as this call may run at most, so that no lock has to be renewed; who is killed is found behind it.
    let consumer = queue.consumer().lock(left).margin(MARGIN).name("lambda");
    let done = consumer.run_until(left, send).await.map_err(diagnostic)?;
    Ok(Drained {
        sent: done.completed,
        failed: done.failed,
        given_back: done.released,
        drained: done.stopped == restis::queue::Stopped::Drained,
    })
}

async fn send(job: Job) -> Result<Sent, JobError> {
    let Notification { to, text } = job.data()?;
    // Here a real one would call the service that sends.
    if to == "nobody" {
        return Err(JobError::new("there is nobody to send it to"));
    }
    println!("to {to}: {text}");
    Ok(Sent { sent: text.len() })
}

fn diagnostic(error: restis::Error) -> Diagnostic {
    eprintln!("{error}");
    Diagnostic {
        error_type: "Redis.Failed".into(),
        error_message: error.to_string(),
    }
}
