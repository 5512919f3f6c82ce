//! Profiles of users, read through a cache.

use std::{convert::Infallible, time::Duration};

use restis::{Cache, Redis};
use worker::{Context, Response, console_warn};

use crate::{
    Answer,
    database::{self, User},
};

/// After this time a profile is loaded again.
const FRESH: Duration = Duration::from_secs(300);
/// For so long after that it is answered as it was, and loaded behind the answer: nobody waits for it.
const STALE: Duration = Duration::from_secs(300);
/// For so long nobody asks the database again for a user who is not there: short, since there may be one soon.
const NOBODY: Duration = Duration::from_secs(10);
/// More than the database needs. If an isolate dies while it loads, others wait for twice as long.
const LOADING: Duration = Duration::from_secs(2);

/// The cache of this isolate: `user:{id}`.
pub(crate) fn cache(redis: &Redis) -> Cache {
    Cache::new(redis)
        .namespace("user")
        .ttl(FRESH)
        .stale_while_revalidate(STALE)
        .negative_ttl(NOBODY)
        .loader_timeout(LOADING)
        // A Redis that fails is not a miss: a database that needs a cache may not survive all that the cache has kept
        // from it.
        .fail_open(false)
        .on_report(|report| {
            // Without the write of a value the next request is slower, but this one has its answer.
            if let Some(error) = &report.error {
                console_warn!("{} of a profile: {error}", report.operation);
            }
        })
}

/// `GET /users/:id`.
///
/// Cost: one round trip and one billed command if the profile is in the cache.
pub(crate) async fn show(users: &Cache, context: &Context, id: u64) -> Answer {
    let cached = users
        .entry(id)
        // The platform keeps the isolate alive for what is left to do after the answer.
        .background_local(|rest| context.wait_until(rest))
        .fetch(move || async move { Ok::<_, Infallible>(database::load(id).await) })
        .await?;
    let user: &Option<User> = &cached.value;
    let answer = match user {
        Some(user) => Response::from_json(user)?,
        None => Response::error("There is no such user.", 404)?,
    };
    let status = cached.cache_status("users");
    answer.headers().set("Cache-Status", &status)?;
    Ok(answer)
}
