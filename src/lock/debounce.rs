//! Of many calls the last one, once no other has followed for a period.

use std::{fmt, time::Duration};

use super::lease::millis;
use crate::{Error, Redis, clock};

/// Lets the last of many calls through, once no other has followed for a period, among all processes. Cheap to clone; creating
/// one does no I/O.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use std::time::Duration;
/// use restis::Debounce;
///
/// let reindex = Debounce::new(&redis, "reindex:42").wait(Duration::from_millis(50));
/// // For each change:
/// if reindex.is_last().await? {
///     println!("indexed once, as it is now");
/// }
/// # Ok(()) });
/// ```
///
/// Each call waits where it was made: in a function that ends with its answer, hand the waiting on to a queue. If the process
/// of the last call dies before the period is over, no call is let through. Calls that never stop let none through.
///
/// Cost: two round trips and three billed commands for each call.
#[derive(Clone)]
pub struct Debounce {
    redis: Redis,
    name: String,
    wait: Duration,
}

impl Debounce {
    /// Creates a debounce under this name, which is its key.
    pub fn new(redis: &Redis, name: impl Into<String>) -> Self {
        Self {
            redis: redis.clone(),
            name: name.into(),
            wait: Duration::from_secs(1),
        }
    }

    /// Sets for how long no other call may follow. Default: 1 s.
    ///
    /// Zero has no meaning: [`is_last`](Self::is_last) fails with [`is_argument`](Error::is_argument).
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Waits, and returns whether no other call has followed. Dropping the future takes the call back only for its caller:
    /// the call before it is not let through in its place.
    pub async fn is_last(&self) -> Result<bool, Error> {
        let life = millis("the wait of a debounce", self.wait)?.saturating_mul(2);
        let life = i64::try_from(life).unwrap_or(i64::MAX);
        let call = self.redis.incr(&self.name);
        let life = self.redis.pexpire(&self.name, life);
        // A number that is counted twice is still the highest, and only its caller has it.
        let retry = self.redis.retry().even_if_ambiguous();
        let (call, _) = self.redis.transaction((call, life)).retry(retry).await?;
        clock::sleep(self.wait).await;
        let last: Option<i64> = self.redis.get(&self.name).await?;
        // Where the server has evicted the key, twice is better than not at all.
        Ok(last.is_none_or(|last| last == call))
    }
}

impl fmt::Debug for Debounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debounce")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
