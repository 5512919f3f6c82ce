//! One attempt to take a lock.

use std::{fmt, sync::LazyLock, time::Duration};

use super::{
    COUNTER, Held, Lock,
    take::{Taken, take},
};
use crate::{
    Error, Safety, Script,
    clock::{self, Instant},
};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));

/// What came of an attempt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Attempt {
    /// The lock is taken.
    Held(Held),
    /// Somebody else has it.
    #[non_exhaustive]
    Busy {
        /// What is left of his lease, where the request has told that.
        retry_after: Option<Duration>,
    },
}

impl Attempt {
    /// The lock, if it was taken.
    pub fn held(self) -> Option<Held> {
        match self {
            Self::Held(held) => Some(held),
            Self::Busy { .. } => None,
        }
    }

    /// Whether it was taken.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

impl Lock {
    /// `hinted` asks how long it takes, which is billed too.
    pub(super) async fn attempt(&self, token: &str, hinted: bool) -> Result<Attempt, Error> {
        let [key] = &*self.keys else {
            return self.by_script(token).await;
        };
        if self.settings.fenced {
            return self.by_script(token).await;
        }
        let taken = take(&self.redis, key, token, self.lease_millis(), hinted).await?;
        Ok(match taken {
            Taken::Since(begun) => Attempt::Held(self.held(token, begun, None)),
            Taken::Before(retry_after) => Attempt::Busy { retry_after },
        })
    }

    async fn by_script(&self, token: &str) -> Result<Attempt, Error> {
        if self.keys.is_empty() {
            return Err(Error::argument("a lock of no names: give it one or more"));
        }
        let counter = self.keys.first().map(|name| format!("{name}{COUNTER}"));
        let counter = counter.filter(|_| self.settings.fenced);
        let keys: Vec<&String> = counter.iter().chain(&*self.keys).collect();
        let begun = Instant::now();
        let run = ACQUIRE.run::<(i64, i64)>(&self.redis, keys);
        let run = run.arg(token).arg(self.lease_millis());
        let run = run.arg(u32::from(self.settings.fenced));
        // A second time finds the keys to be his, or free again after the lease.
        let (fence, wait) = run.safety(Safety::IdempotentWrite).await?;
        Ok(match u64::try_from(fence) {
            Ok(fence) => {
                let fence = self.settings.fenced.then_some(fence);
                Attempt::Held(self.held(token, begun, fence))
            }
            Err(_) => Attempt::Busy {
                retry_after: u64::try_from(wait).ok().map(Duration::from_millis),
            },
        })
    }

    fn held(&self, token: &str, begun: Instant, fence: Option<u64>) -> Held {
        Held::new(self.clone(), token.to_owned(), begun, fence)
    }

    /// In whole milliseconds, at least one.
    pub(super) fn lease_millis(&self) -> u64 {
        clock::whole_millis(self.settings.lease).max(1)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_held() { "held" } else { "busy" })
    }
}
