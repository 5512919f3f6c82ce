//! A store for tower-sessions 0.15: its sessions, in Redis, under the hash of their ids.

use async_trait::async_trait;
use tower_sessions_core::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error as StoreError, Result as StoreResult},
};

use super::secret;
use crate::{Error, Redis};

/// The [`SessionStore`] of tower-sessions over Upstash's REST API.
///
/// ```
/// # restis_testing::run(async |redis| {
/// use restis::session::TowerStore;
///
/// let store = TowerStore::new(&redis).prefix("tower:");
/// // let layer = tower_sessions::SessionManagerLayer::new(store);
/// # let _ = store;
/// # Ok(()) });
/// ```
///
/// The keys are hashes of the ids, so that who reads the database has no session by it. A session ends with its expiry
/// date, by the server's clock. One that was deleted while somebody was about to save it stays deleted.
///
/// tower-sessions writes a session whole: of two changes at the same time the later one stays. It has no list of a user's
/// sessions and no end to all of them; [`Sessions`](super::Sessions) has both.
///
/// Cost: one round trip and one billed command each.
#[derive(Clone, Debug)]
pub struct TowerStore {
    redis: Redis,
    prefix: String,
}

impl TowerStore {
    /// Sessions under `tower-session:`.
    pub fn new(redis: &Redis) -> Self {
        Self {
            redis: redis.clone(),
            prefix: "tower-session:".to_owned(),
        }
    }

    /// What stands before each key.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn key(&self, id: Id) -> String {
        let hash = secret::field("tower", &id.0.to_le_bytes());
        format!("{}{hash}", self.prefix)
    }

    /// Puts a record where there is none (NX), or where there is one (XX); gives whether it did.
    async fn put(&self, record: &Record, condition: &str) -> StoreResult<bool> {
        let text = serde_json::to_string(&(&record.expiry_date, &record.data))
            .map_err(|_| StoreError::Encode("the session cannot be written as JSON".to_owned()))?;
        let end = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
        // A date before 1970 is over, as this is.
        let end = u64::try_from(end).unwrap_or(1).max(1);
        let set = self.redis.command("SET").arg(self.key(record.id)).arg(text);
        let set = set.arg(condition).arg("PXAT").arg(end);
        let done: Option<String> = set.query().await.map_err(failed)?;
        Ok(done.is_some())
    }
}

/// The words of an error of ours hold no key and no value.
fn failed(error: Error) -> StoreError {
    StoreError::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for TowerStore {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        while !self.put(record, "NX").await? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        self.put(record, "XX").await?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let text: Option<String> = self.redis.get(self.key(*id)).await.map_err(failed)?;
        let Some(text) = text else {
            return Ok(None);
        };
        let (expiry_date, data) = serde_json::from_str(&text)
            .map_err(|_| StoreError::Decode("what is stored is no session".to_owned()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        // Nobody makes it again, so to say it twice changes nothing.
        let gone = self.redis.unlink(self.key(*id));
        let gone = gone.safety(crate::Safety::IdempotentWrite);
        gone.await.map_err(failed)?;
        Ok(())
    }
}
