//! A restis-local with an empty database of its own, for one example or test.

use std::{error::Error, future::Future};

use restis::Redis;
use restis_local::Local;

/// What an example or test gives back.
pub type Outcome = Result<(), Box<dyn Error>>;

/// Runs an example against an empty database, and fails where it fails.
#[expect(clippy::panic, reason = "an example that fails has to fail its test")]
pub fn run(example: impl AsyncFnOnce(Redis) -> Outcome) {
    let outcome = block_on(async {
        let (_local, redis) = start().await?;
        example(redis).await
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// A restis-local in front of a new, empty server, and a client of it. Both end when `Local` is dropped.
pub async fn start() -> Result<(Local, Redis), Box<dyn Error>> {
    let local = Local::builder().start().await?;
    let redis = Redis::new(local.url(), local.token())?;
    Ok((local, redis))
}

/// Drives a future on a runtime of its own.
pub fn block_on<T>(
    future: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
