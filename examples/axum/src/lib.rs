//! An axum service that reads users and families through a cache.
//!
//! Each idea is a file of its own: `users.rs` reads through the cache and writes through it, `families.rs` has entries
//! made of several users, `admin.rs` clears and counts. This one has what they share: the two caches and the routes.

mod admin;
mod database;
mod families;
mod problem;
mod users;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use restis::{Cache, Redis};

pub use crate::database::{Database, Outage};

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// `user:{id}`.
    pub users: Cache,
    /// `family:{id}:members`, with the tags `family:{id}` and, for each member, `user:{id}`.
    pub families: Cache,
    /// Where the values come from.
    pub database: Arc<Database>,
}

impl App {
    /// The service before this Redis and this database. No I/O yet.
    pub fn new(redis: &Redis, database: Arc<Database>) -> Self {
        Self {
            users: cache(redis, "user"),
            families: cache(redis, "family"),
            database,
        }
    }

    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route(
                "/users/{id}",
                get(users::show).put(users::save).delete(users::remove),
            )
            .route("/families/{id}/members", get(families::members))
            .route("/cache/clear", post(admin::clear))
            .route("/stats", get(admin::stats))
            .with_state(self)
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
