//! An AWS Lambda function that counts the visits of a user and reads their profile, in one request
//! to Redis.
//!
//! The event is `{"userId": "42"}`; the answer is `{"userId": "42", "visits": 7, "profile": {…}}`.
//! The variables `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN` say where Redis is.
//!
//! To deploy: build with `--profile lambda`, call the program `bootstrap`, and upload it, zipped, for
//! the runtime `provided.al2023`.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime},
};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use restis::{Error, Json, Redis};
use serde::{Deserialize, Serialize};

/// What stays between our own timeout and Lambda's, to tell the caller what happened.
const MARGIN: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Visit {
    user_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Welcome {
    user_id: String,
    visits: i64,
    profile: Option<Profile>,
}

#[derive(Serialize, Deserialize)]
struct Profile {
    name: String,
    city: String,
}

// One thread: Lambda hands over one event at a time, and gives a small function a part of one core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        // To the log. The words of restis' errors are meant to be read, and hold no token.
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), lambda_runtime::Error> {
    // Once, before the first event: a client holds the open connection, so one that were made for
    // each event would shake hands for each event. A missing variable ends the function here, where
    // a deployment shows it, and not at its first visitor.
    let redis = &Redis::from_env()?;
    let handler = async |event| welcome(redis, event).await;
    lambda_runtime::run(service_fn(handler)).await
}

/// Cost: one round trip, two billed commands.
async fn welcome(redis: &Redis, event: LambdaEvent<Visit>) -> Result<Welcome, Diagnostic> {
    let (Visit { user_id }, context) = event.into_parts();
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    let (visits, profile) = redis
        .pipeline((
            redis.incr(format!("visits:{user_id}")),
            redis.get::<Json<Profile>>(format!("profile:{user_id}")),
        ))
        // Lambda kills what is late, and the caller then learns nothing.
        .timeout(left.saturating_sub(MARGIN))
        .await
        .map_err(diagnostic)?;
    let visits = visits.map_err(diagnostic)?;
    let profile = profile.map_err(diagnostic)?;
    Ok(Welcome {
        user_id,
        visits,
        profile: profile.map(|Json(profile)| profile),
    })
}

/// What the caller gets. Step Functions and others choose by the type what to do next.
fn diagnostic(error: Error) -> Diagnostic {
    eprintln!("{error}");
    let error_type = if error.is_ambiguous() {
        // The visit may have been counted: a second try may count it twice.
        "Redis.MayHaveRun"
    } else if error.is_retryable() {
        "Redis.TryAgain"
    } else {
        "Redis.Failed"
    };
    Diagnostic {
        error_type: error_type.into(),
        error_message: error.to_string(),
    }
}
