//! Families: entries that are made of several users, and end with any of them.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use restis::cache::Loaded;

use crate::{App, Outage, problem::Failure};

/// `GET /families/{id}/members`.
///
/// Who is in it only the loader knows, and tags the list with each of them. The family's own tag is for who joins it.
pub(crate) async fn members(
    State(app): State<App>,
    Path(id): Path<u64>,
) -> Result<impl IntoResponse, Failure> {
    let database = app.database;
    let cached = app
        .families
        .entry(format!("{id}:members"))
        .tag(format!("family:{id}"))
        .background(|refresh| drop(tokio::spawn(refresh)))
        .fetch_with(move |_| async move {
            let members = database.members(id).await?;
            let tags: Vec<String> = members
                .iter()
                .map(|user| format!("user:{}", user.id))
                .collect();
            Ok::<_, Outage>(Loaded::new(members).tags(tags))
        })
        .await?;
    let status = [("Cache-Status", cached.cache_status("families"))];
    Ok((status, Json(cached.value)))
}
