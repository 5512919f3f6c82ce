//! Users: read through the cache, written through it, and taken out of it.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    App,
    database::User,
    problem::{Failure, not_found},
};

/// What `PUT /users/{id}` is sent.
#[derive(Deserialize)]
pub(crate) struct Profile {
    name: String,
    family: u64,
}

/// `GET /users/{id}`. That there is no such user is cached, too, and asked again after 10 s.
///
/// Cost: one billed command if it is in the cache.
pub(crate) async fn show(State(app): State<App>, Path(id): Path<u64>) -> Result<Response, Failure> {
    let database = app.database;
    let cached = app
        .users
        .entry(id)
        .background(|refresh| drop(tokio::spawn(refresh)))
        .fetch(move || async move { database.user(id).await })
        .await?;
    let status = [("Cache-Status", cached.cache_status("users"))];
    Ok(match cached.value {
        Some(user) => (status, Json(user)).into_response(),
        None => (status, not_found("There is no such user.")).into_response(),
    })
}

/// `PUT /users/{id}`: the database, then the user's entry, then the lists the user was or will be in. After a 503 it is
/// called again: which of them were done is not known.
pub(crate) async fn save(
    State(app): State<App>,
    Path(id): Path<u64>,
    Json(Profile { name, family }): Json<Profile>,
) -> Result<Json<User>, Failure> {
    let user = User { id, name, family };
    // In a task, since axum drops a handler whose caller hangs up: the lists would stay as they were.
    tokio::spawn(async move {
        let user = app.users.update(id, || app.database.save(user)).await?;
        let tags = [format!("user:{id}"), format!("family:{family}")];
        app.families.invalidate_tags(tags).await?;
        Ok(Json(user))
    })
    .await?
}

/// `DELETE /users/{id}`. After a 503 it is called again, too.
pub(crate) async fn remove(
    State(app): State<App>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Failure> {
    tokio::spawn(async move {
        // The source first: else a reader in between would bring the user back into the cache.
        app.database.remove(id).await?;
        app.users.delete(id).await?;
        app.families.invalidate_tag(format!("user:{id}")).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}
