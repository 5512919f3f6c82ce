//! What a store of sessions is set to.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    found::{Anomaly, Verdict},
    secret::Key,
};
use crate::{Error, clock};

type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;
type Hook = Arc<dyn Fn(&Anomaly) -> Verdict + Send + Sync>;

#[derive(Clone)]
pub(super) struct Settings {
    key: Option<Key>,
    pub(super) namespace: String,
    pub(super) idle: Option<Duration>,
    /// How much of it may pass before a look-up begins it anew.
    pub(super) touch: Duration,
    pub(super) absolute: Duration,
    pub(super) renewal: Option<Duration>,
    pub(super) grace: Duration,
    pub(super) cap: usize,
    pub(super) clock: Clock,
    pub(super) hook: Option<Hook>,
}

impl Settings {
    pub(super) fn new(key: &[u8]) -> Self {
        Self {
            key: Key::new(key),
            namespace: "sess".to_owned(),
            idle: Some(Duration::from_secs(30 * 60)),
            touch: Duration::ZERO,
            absolute: Duration::from_secs(8 * 60 * 60),
            renewal: None,
            grace: Duration::from_secs(10),
            cap: 0,
            clock: Arc::new(clock::unix_millis),
            hook: None,
        }
    }

    pub(super) fn key(&self) -> Result<&Key, Error> {
        self.key.as_ref().ok_or_else(|| {
            Error::config("the key of the sessions has fewer than 32 bytes: make one of 32 random ones and keep it secret")
        })
    }

    pub(super) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// What a look-up gives a session: with more than its whole life, one that was looked up would seem to be newer than
    /// one that was made later.
    pub(super) fn slide(&self) -> Option<u64> {
        self.idle.map(|idle| millis(idle.min(self.absolute)))
    }

    /// With how much left a session is not touched; `None` if each look-up touches it.
    pub(super) fn enough(&self) -> Option<u64> {
        let idle = self.slide().filter(|_| !self.touch.is_zero())?;
        // Half of it is left to whoever comes late.
        Some(idle.saturating_sub(millis(self.touch)).max(idle / 2))
    }

    /// How long a session may be unused, in milliseconds, if it ends `left` from now.
    pub(super) fn life(&self, left: u64) -> u64 {
        self.slide().map_or(left, |idle| idle.min(left)).max(1)
    }

    pub(super) fn hash(&self, tag: &str) -> String {
        format!("{}:{tag}", self.namespace)
    }

    /// The key that expires in the place of a field.
    pub(super) fn mark(&self, tag: &str, field: &str) -> String {
        format!("{}:{tag}:{field}", self.namespace)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("namespace", &self.namespace)
            .field("idle", &self.idle)
            .field("absolute", &self.absolute)
            .finish_non_exhaustive()
    }
}

/// In whole milliseconds, at least one.
pub(super) fn millis(duration: Duration) -> u64 {
    clock::whole_millis(duration).max(1)
}
