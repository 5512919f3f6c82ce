//! Once it has been quiet for a while, whoever called last.

use std::{fmt, time::Duration};

use crate::{Error, Redis, clock};

/// Of many calls lets the last one through, when no other has come for a while, among all processes. Cheap to clone; making
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
/// Each call waits where it was made: in a function that ends with its answer, hand the waiting on to a queue. Whose call was
/// the last and who dies before the while is over is not replaced. Calls that never stop let none through.
///
/// Cost: two round trips and three billed commands for each call.
#[derive(Clone)]
pub struct Debounce {
    redis: Redis,
    name: String,
    wait: Duration,
}

impl Debounce {
    /// One under this name, which is its key; it waits 1 s.
    pub fn new(redis: &Redis, name: impl Into<String>) -> Self {
        Self {
            redis: redis.clone(),
            name: name.into(),
            wait: Duration::from_secs(1),
        }
    }

    /// For how long no other call must come.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Waits, and says whether no other call has come meanwhile. To drop it takes the call back only for its caller: the one
    /// before it is not let through in its place.
    pub async fn is_last(&self) -> Result<bool, Error> {
        let life = clock::whole_millis(self.wait).max(1).saturating_mul(2);
        let life = i64::try_from(life).unwrap_or(i64::MAX);
        let call = self.redis.incr(&self.name);
        let life = self.redis.pexpire(&self.name, life);
        // A number that is counted twice is still the highest, and only its caller has it.
        let retry = self.redis.retry().even_if_ambiguous();
        let (call, _) = self.redis.transaction((call, life)).retry(retry).await?;
        clock::sleep(self.wait).await;
        let last: Option<i64> = self.redis.get(&self.name).await?;
        // Where the server has put the key away twice is better than not at all.
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
