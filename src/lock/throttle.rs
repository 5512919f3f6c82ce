//! At most one call in a period, among all processes.

use std::{fmt, sync::atomic::AtomicBool, time::Duration};

use super::{
    lease::millis,
    take::{Take, Taken, WithoutIfeq},
    token,
};
use crate::{Error, Redis};

/// Lets the first call through, and then none for a period, among all processes. Cheap to clone; creating one does no I/O.
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
/// A caller that was let through and fails is not replaced before the period is over. This is not for several calls in a
/// period, nor for work that must not be lost.
///
/// Cost: one round trip and one billed command.
#[derive(Clone)]
pub struct Throttle {
    redis: Redis,
    name: String,
    every: Duration,
    without_ifeq: WithoutIfeq,
}

impl Throttle {
    /// Creates a throttle under this name, which is its key.
    pub fn new(redis: &Redis, name: impl Into<String>) -> Self {
        Self {
            redis: redis.clone(),
            name: name.into(),
            every: Duration::from_secs(10),
            without_ifeq: WithoutIfeq::default(),
        }
    }

    /// Sets the period in which one call is let through, counted from that call. Default: 10 s.
    ///
    /// Zero has no meaning: [`allow`](Self::allow) fails with [`is_argument`](Error::is_argument).
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Returns whether this call is let through. A lost answer does not use the period up: the key is compared with what this
    /// call has set.
    pub async fn allow(&self) -> Result<bool, Error> {
        let take = Take {
            redis: &self.redis,
            key: &self.name,
            value: &token(),
            millis: millis("the period of a throttle", self.every)?,
            is_hinted: false,
            without_ifeq: &self.without_ifeq,
            in_doubt: &AtomicBool::default(),
        };
        Ok(matches!(take.run().await?, Taken::Since(_)))
    }

    /// Lets the next call through, as if the period were over.
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
