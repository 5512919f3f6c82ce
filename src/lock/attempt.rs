//! One attempt to take a lock.

use std::{
    fmt,
    sync::{LazyLock, atomic::AtomicBool},
    time::Duration,
};

use super::{
    COUNTER, Held, Lock, MAX_NAMES, lease,
    take::{Take, Taken},
};
use crate::{
    Error, Safety, Script,
    clock::{self, Instant},
};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));

/// How long a counter is kept behind the last holder: seven days. It is only needed where the server's clock is set back.
const COUNTER_MILLIS: u64 = 7 * 24 * 60 * 60 * 1000;

/// The result of an attempt to take a lock.
#[derive(Debug)]
#[non_exhaustive]
pub enum Attempt {
    /// The lock is taken.
    Held(Held),
    /// Another holder has it.
    #[non_exhaustive]
    Busy {
        /// What is left of that holder's lease, where the request returned it.
        retry_after: Option<Duration>,
    },
}

impl Attempt {
    /// Returns the lock, if it was taken.
    pub fn held(self) -> Option<Held> {
        match self {
            Self::Held(held) => Some(held),
            Self::Busy { .. } => None,
        }
    }

    /// Returns whether it was taken.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

impl Lock {
    /// `is_hinted` also reads how long the holder has left, which is billed. `in_doubt` is kept between attempts of one token.
    pub(super) async fn attempt(
        &self,
        token: &str,
        is_hinted: bool,
        in_doubt: &AtomicBool,
    ) -> Result<Attempt, Error> {
        let millis = lease::millis("the lease of a lock", self.settings.lease)?;
        self.check_names()?;
        let [key] = &*self.keys else {
            return self.by_script(token, millis).await;
        };
        if self.settings.fenced {
            return self.by_script(token, millis).await;
        }
        let take = Take {
            redis: &self.redis,
            key,
            value: token,
            millis,
            is_hinted,
            without_ifeq: &self.without_ifeq,
            in_doubt,
        };
        Ok(match take.run().await? {
            Taken::Since(begun) => Attempt::Held(self.held(token, begun, None)),
            Taken::Before(retry_after) => Attempt::Busy { retry_after },
        })
    }

    fn check_names(&self) -> Result<(), Error> {
        if self.keys.is_empty() {
            return Err(Error::argument("a lock has no name: give it one or more"));
        }
        if self.keys.len() > MAX_NAMES {
            return Err(Error::argument(
                "a lock has more than 1,000 names: lock what they have in common",
            ));
        }
        if self.keys.iter().any(|name| name.ends_with(COUNTER)) {
            return Err(Error::argument(
                "the name of a lock ends in :fence, as the key of another lock's fencing token does: choose another name",
            ));
        }
        Ok(())
    }

    async fn by_script(&self, token: &str, millis: u64) -> Result<Attempt, Error> {
        let fenced = self.settings.fenced;
        let mut keys = self.keys.to_vec();
        if fenced {
            keys.extend(self.keys.iter().map(|name| format!("{name}{COUNTER}")));
        }
        let begun = Instant::now();
        let run = ACQUIRE.run::<(i64, i64)>(&self.redis, keys);
        let run = run.arg(token).arg(millis).arg(self.keys.len());
        let run = run.arg(clock::unix_millis()).arg(COUNTER_MILLIS);
        // A second time finds that the holder has the keys, or that they are free again after its lease.
        let (fence, wait) = run.safety(Safety::IdempotentWrite).await?;
        Ok(match u64::try_from(fence) {
            Ok(fence) => Attempt::Held(self.held(token, begun, fenced.then_some(fence))),
            Err(_) => Attempt::Busy {
                retry_after: u64::try_from(wait).ok().map(Duration::from_millis),
            },
        })
    }

    fn held(&self, token: &str, begun: Instant, fence: Option<u64>) -> Held {
        Held::new(self.clone(), token.to_owned(), begun, fence)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_held() { "held" } else { "busy" })
    }
}
