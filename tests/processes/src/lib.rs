//! Several processes, driven from one test: what must hold between machines is shown between processes, and counted at
//! the server they share.
//!
//! - [`Server`] is a real server, with restis-local before it, that counts.
//! - [`Source`] stands for the database behind a cache: it counts loads, delays them and lets them fail.
//! - [`Player`] is a child process that does what it is asked, several things at once. [`play`] is the other end of it,
//!   for players in Rust; one in another language reads and writes the same lines.
//!
//! None of these knows what is tested. The words for it are in a module of their own, as [`cache`].
//!
//! Everything ends with the process that drives it, also when that is killed.

pub mod cache;
mod error;
mod fill;
mod player;
pub mod rivals;
mod server;
pub mod source;
mod stage;

use std::{future::Future, time::Duration};

pub use crate::{
    error::{Error, Result},
    fill::fill,
    player::{Asked, Player},
    server::Server,
    source::Source,
    stage::play,
};

/// What takes longer than this is taken to hang.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for `future`, and fails with `what` where it hangs.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    let out = tokio::time::timeout(PATIENCE, future).await;
    out.map_err(|_| Error::new(format!("{what} took more than {} s", PATIENCE.as_secs())))
}

/// Waits until `condition` holds, and fails with `what` where it never does.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let wait = async {
        while !condition().await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    };
    in_time(what, wait).await?
}
