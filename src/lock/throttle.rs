//! At most once in a while, whoever calls.

use std::{fmt, time::Duration};

use super::{
    take::{Taken, take},
    token,
};
use crate::{Error, Redis, clock};

/// Lets the first call through, and then none for a while, among all processes. Cheap to clone; making one does no I/O.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use std::time::Duration;
/// use restis::Throttle;
///
/// let alarm = Throttle::new(&redis, "alarm:disk").every(Duration::from_secs(600));
/// if alarm.allow().await? {
///     println!("the disk is full");
/// }
/// assert!(!alarm.allow().await?);
/// # Ok(()) });
/// ```
///
/// Whose call was let through and does not act is not replaced before the while is over. For several calls in a while, and
/// for work that must not be lost, this is not made.
///
/// Cost: one round trip and one billed command.
#[derive(Clone)]
pub struct Throttle {
    redis: Redis,
    name: String,
    every: Duration,
}

impl Throttle {
    /// One under this name, which is its key; once in 10 s.
    pub fn new(redis: &Redis, name: impl Into<String>) -> Self {
        Self {
            redis: redis.clone(),
            name: name.into(),
            every: Duration::from_secs(10),
        }
    }

    /// The while in which one call is let through, counted from that call.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Whether this call is let through. A lost answer is asked for again, and does not use the while up.
    pub async fn allow(&self) -> Result<bool, Error> {
        let millis = clock::whole_millis(self.every).max(1);
        let taken = take(&self.redis, &self.name, &token(), millis, false).await?;
        Ok(matches!(taken, Taken::Since(_)))
    }

    /// Lets the next call through, as if the while were over.
    pub async fn reset(&self) -> Result<(), Error> {
        self.redis.unlink(&self.name).await?;
        Ok(())
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}
