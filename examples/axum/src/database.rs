//! Stands in for a database that is worth a cache: it is slow, it counts how often it is asked, and it can be down.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) family: u64,
}

/// The database is down.
#[derive(Clone, Copy, Debug)]
pub struct Outage;

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database is down")
    }
}

impl std::error::Error for Outage {}

/// Users by their number.
#[derive(Debug, Default)]
pub struct Database {
    users: Mutex<BTreeMap<u64, User>>,
    calls: AtomicU64,
    down: AtomicBool,
}

impl Database {
    /// With the users 42 and 43, both of family 7.
    pub fn new() -> Self {
        let user = |(id, name): (u64, &str)| {
            let name = name.to_owned();
            (
                id,
                User {
                    id,
                    name,
                    family: 7,
                },
            )
        };
        Self {
            users: Mutex::new([(42, "Ada"), (43, "Byron")].map(user).into()),
            ..Self::default()
        }
    }

    /// From now on it fails, or works again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Relaxed);
    }

    /// How often it was asked for something.
    pub fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    async fn ask(&self) -> Result<MutexGuard<'_, BTreeMap<u64, User>>, Outage> {
        self.calls.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
        match self.down.load(Relaxed) {
            true => Err(Outage),
            false => Ok(self.users.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    pub(crate) async fn user(&self, id: u64) -> Result<Option<User>, Outage> {
        Ok(self.ask().await?.get(&id).cloned())
    }

    pub(crate) async fn members(&self, family: u64) -> Result<Vec<User>, Outage> {
        let users = self.ask().await?;
        let members = users.values().filter(|user| user.family == family);
        Ok(members.cloned().collect())
    }

    /// Gives what it has stored.
    pub(crate) async fn save(&self, user: User) -> Result<User, Outage> {
        self.ask().await?.insert(user.id, user.clone());
        Ok(user)
    }

    pub(crate) async fn remove(&self, id: u64) -> Result<(), Outage> {
        self.ask().await?.remove(&id);
        Ok(())
    }
}
