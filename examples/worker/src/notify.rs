//! Notifications: this Worker adds the job, and whoever has a minute sends it. A Lambda that a schedule calls does
//! (`examples/lambda/src/bin/drain.rs`), and so does a worker of BullMQ (`examples/bullmq/worker.mjs`), both at the same time.

use std::time::Duration;

use restis::{
    Queue,
    queue::{Backoff, Deduplication, Keep},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use worker::{Request, Response};

use crate::{Answer, session};

/// What a notification says, as all who send them read it.
#[derive(Serialize)]
struct Notification {
    to: String,
    text: String,
}

#[derive(Deserialize)]
struct Wanted {
    to: String,
    text: String,
    /// Twice the same within a minute is once.
    #[serde(default)]
    once: Option<String>,
}

/// `POST /notifications` with `{"to": "…", "text": "…"}`, for those who are logged in.
///
/// Cost: two round trips: one billed command for the session, and 8 for the job; with `once` one more.
pub(crate) async fn add(queue: &Queue, keeper: &session::Keeper, mut request: Request) -> Answer {
    if session::session_of(keeper, &request).await?.is_none() {
        return session::please_log_in();
    }
    let Ok(Wanted { to, text, once }) = request.json().await else {
        let hint = "Please send {\"to\": \"…\", \"text\": \"…\"} as JSON.";
        return Ok(Response::error(hint, 400)?);
    };
    if to.is_empty() || text.is_empty() || text.len() > 1000 {
        let hint = "A notification has somebody it is for, and 1 to 1000 bytes of text.";
        return Ok(Response::error(hint, 400)?);
    }
    let mut job = queue
        .add("notification", &Notification { to, text })
        .attempts(5)
        .backoff(Backoff::exponential(Duration::from_secs(1)))
        .remove_on_complete(Keep::ALL.age(Duration::from_secs(24 * 60 * 60)));
    if let Some(once) = once {
        let minute = Duration::from_secs(60);
        job = job.deduplication(Deduplication::new(once).ttl(minute));
    }
    let id = job.await?;
    Ok(Response::from_json(&json!({ "id": id }))?.with_status(202))
}
