//! What an operator asks for. In a real service these stand behind a login.

use axum::{Json, extract::State, http::StatusCode};
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
        "users": app.users.stats(),
        "families": app.families.stats(),
        "databaseCalls": app.database.calls(),
    }))
}
