//! What an operator asks for. In a real service these stand behind a login.

use axum::{Json, extract::State, http::StatusCode};
use restis::cache::Stats;
use serde_json::{Value, json};

use crate::{App, problem::Failure};

/// `POST /cache/clear`: everything is a miss. Two billed commands, however much there was.
pub(crate) async fn clear(State(app): State<App>) -> Result<StatusCode, Failure> {
    app.users.clear().await?;
    app.families.clear().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /stats`: of this process since it began.
pub(crate) async fn stats(State(app): State<App>) -> Json<Value> {
    Json(json!({
        "users": of(&app.users.stats()),
        "families": of(&app.families.stats()),
        "databaseCalls": app.database.calls(),
    }))
}

fn of(stats: &Stats) -> Value {
    json!({
        "hits": stats.hits,
        "stale": stats.stale,
        "staleIfError": stats.stale_if_error,
        "misses": stats.misses,
        "loads": stats.loads,
        "loadErrors": stats.load_errors,
        "redisErrors": stats.errors,
        "billed": stats.billed,
    })
}
