//! A player that keeps sessions: logs in, looks up, changes and ends them.

use std::{process::ExitCode, sync::OnceLock};

use restis::{Redis, Sessions};
use restis_processes::play;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Request {
    r#do: String,
    url: String,
    token: String,
    cap: usize,
    user: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    times: usize,
}

async fn answer(request: Value) -> Result<Value, restis::Error> {
    let request: Request = serde_json::from_value(request)
        .map_err(|_| restis::Error::decode("a request that is not understood"))?;
    // One client for all that this process is asked.
    static REDIS: OnceLock<Redis> = OnceLock::new();
    let made = Redis::new(&request.url, &request.token)?;
    let redis = REDIS.get_or_init(|| made);
    let sessions = Sessions::<u64>::new(redis, [7; 32]).cap(request.cap);
    Ok(match &*request.r#do {
        "login" => {
            // At the same time, from one process.
            let mut logins = tokio::task::JoinSet::new();
            for _ in 0..request.times {
                let (sessions, user) = (sessions.clone(), request.user.clone());
                logins.spawn(async move { sessions.create(user, &0).await });
            }
            let mut tokens = Vec::new();
            while let Some(issued) = logins.join_next().await {
                let issued = issued.map_err(|_| restis::Error::decode("a login panicked"))??;
                tokens.push(issued.token().as_str().to_owned());
            }
            json!(tokens)
        }
        "look" => {
            let found = sessions.validate(&request.session).await?;
            json!(found.map(|session| session.into_data()))
        }
        "add" => {
            let mut last = None;
            for _ in 0..request.times {
                last = sessions
                    .update(&request.session, |count| *count += 1)
                    .await?;
            }
            json!(last)
        }
        "end" => json!(sessions.revoke_all(&request.user).await?),
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
