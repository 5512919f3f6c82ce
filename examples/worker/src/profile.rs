//! Profiles of users, read through a cache.

use restis::{Json, Redis};
use worker::{Response, console_warn};

use crate::{
    Answer, Failure,
    database::{self, User},
};

/// A change shows after this many seconds at the latest.
const FRESH: u64 = 300;

/// `GET /users/:id`.
///
/// Cost: one round trip and one billed command if the profile is in the cache, two of each if not.
pub(crate) async fn show(redis: &Redis, id: u64) -> Answer {
    let (user, source) = read(redis, id).await?;
    let Some(user) = user else {
        return Ok(Response::error("There is no such user.", 404)?);
    };
    let answer = Response::from_json(&user)?;
    answer.headers().set("X-Cache", source)?;
    Ok(answer)
}

async fn read(redis: &Redis, id: u64) -> Result<(Option<User>, &'static str), Failure> {
    let key = format!("user:{id}");
    match redis.get::<Json<User>>(&key).await {
        Ok(Some(Json(user))) => return Ok((Some(user), "HIT")),
        Ok(None) => {}
        // Another version of this Worker wrote it, with other fields: as good as not there.
        Err(error) if error.is_decode() => {}
        // Not a miss. A database that needs a cache may not survive all that the cache has kept from it.
        Err(error) => return Err(error.into()),
    }
    let user = database::load(id).await;
    // Who is not there is not stored: else anyone could fill the cache by counting up.
    if let Some(user) = &user {
        // Without this write the next request is slower, but this one has its answer.
        if let Err(error) = redis.set(&key, Json(user)).ex(FRESH).await {
            console_warn!("not cached: {error}");
        }
    }
    Ok((user, "MISS"))
}
