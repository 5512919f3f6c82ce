//! An axum service that reads users and families through a cache, knows who is logged in, and how often somebody may come.
//!
//! Each idea is a file of its own: `users.rs` reads through the cache and writes through it, `families.rs` has entries
//! made of several users, `admin.rs` clears and counts, `sessions.rs` has an extractor of
//! who is logged in, `limits.rs` the limits in front of all. This one has what they share: the caches, the sessions and the routes.

mod admin;
mod database;
mod families;
mod limits;
mod problem;
mod sessions;
mod users;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use restis::{Cache, Redis, Sessions, ratelimit::layer::RateLimitLayer};

pub use crate::database::{Database, Outage};

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// `user:{id}`.
    pub users: Cache,
    /// `family:{id}:members`, with the tags `family:{id}` and, for each member, `user:{id}`.
    pub families: Cache,
    /// Who is logged in.
    pub sessions: Sessions<()>,
    /// How often somebody may come.
    pub visits: RateLimitLayer,
    /// How often somebody may try to log in.
    pub logins: RateLimitLayer,
    /// Where the values come from.
    pub database: Arc<Database>,
}

impl App {
    /// The service before this Redis and this database, with this key of the sessions. No I/O yet.
    pub fn new(redis: &Redis, database: Arc<Database>, key: impl AsRef<[u8]>) -> Self {
        Self {
            users: cache(redis, "user"),
            families: cache(redis, "family"),
            sessions: Sessions::new(redis, key)
                .idle(Duration::from_secs(30 * 60))
                .absolute(Duration::from_secs(7 * 24 * 60 * 60)),
            visits: limits::visits(redis),
            logins: limits::logins(redis),
            database,
        }
    }

    /// The routes.
    pub fn router(self) -> Router {
        let login = post(sessions::login).layer(self.logins.clone());
        let visits = self.visits.clone();
        Router::new()
            .route(
                "/users/{id}",
                get(users::show).put(users::save).delete(users::remove),
            )
            .route("/families/{id}/members", get(families::members))
            .route("/login", login)
            .route("/me", get(sessions::me))
            .route("/logout", post(sessions::logout))
            .route("/cache/clear", post(admin::clear))
            .route("/stats", get(admin::stats))
            .with_state(self)
            .layer(visits)
    }
}

/// Fresh for 5 minutes; for 5 more nobody waits for a refresh; and for an hour it stands in for a database that is down.
fn cache(redis: &Redis, namespace: &'static str) -> Cache {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    Cache::new(redis)
        .namespace(namespace)
        .ttl(minutes(5))
        .stale_while_revalidate(minutes(5))
        .stale_if_error(minutes(60))
        .on_report(move |report| {
            // Whoever was served all the same has not noticed, so it is said here.
            if let Some(error) = &report.error {
                eprintln!("{namespace}: {}: {error}", report.operation);
            }
        })
}
