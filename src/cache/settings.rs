//! What a cache is set to, and what holds for one call.

use std::{fmt, sync::Arc, time::Duration};

use super::{decide::Windows, memory::Store, status::Report};
use crate::clock;

/// A loader's limit where none is set.
const LOADER_TIMEOUT: Duration = Duration::from_secs(5);
/// A claim's life where the loader may take as long as it likes, and its most.
const MAX_LEASE: Duration = Duration::from_secs(30);
/// How long nothing is kept at most, where nothing is set for it.
const NOTHING: Duration = Duration::from_secs(10);

type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;
type Hook = Arc<dyn Fn(&Report) + Send + Sync>;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) namespace: String,
    pub(super) ttl: Duration,
    pub(super) jitter: f64,
    pub(super) negative_ttl: Option<Duration>,
    pub(super) windows: Windows,
    pub(super) beta: f64,
    pub(super) loader_timeout: Option<Duration>,
    pub(super) lease: Option<Duration>,
    pub(super) error_backoff: Duration,
    pub(super) fail_open: bool,
    pub(super) redis_timeout: Duration,
    pub(super) single_flight: bool,
    pub(super) compress_above: usize,
    pub(super) memory: Option<Arc<dyn Store>>,
    pub(super) clock: Clock,
    pub(super) hook: Option<Hook>,
}

impl Settings {
    pub(super) fn new() -> Self {
        Self {
            namespace: String::new(),
            ttl: Duration::from_secs(300),
            jitter: 0.1,
            negative_ttl: None,
            windows: Windows {
                revalidate: Duration::ZERO,
                if_error: Duration::ZERO,
            },
            beta: 1.0,
            loader_timeout: Some(LOADER_TIMEOUT),
            lease: None,
            error_backoff: Duration::from_secs(10),
            fail_open: true,
            redis_timeout: Duration::from_secs(2),
            // Two requests of a Worker must not wait for each other.
            single_flight: cfg!(not(target_arch = "wasm32")),
            compress_above: 1024,
            memory: None,
            clock: Arc::new(clock::unix_millis),
            hook: None,
        }
    }

    /// How long a claim lasts, if its holder does not renew it.
    pub(super) fn lease(&self) -> Duration {
        self.lease.unwrap_or_else(|| {
            let timeout = self.loader_timeout.unwrap_or(MAX_LEASE);
            timeout.saturating_mul(2).min(MAX_LEASE)
        })
    }

    /// How long a value stays that means that there is nothing.
    pub(super) fn negative_ttl(&self, ttl: Duration) -> Duration {
        self.negative_ttl.unwrap_or_else(|| ttl.min(NOTHING))
    }

    /// The key of an entry in Redis.
    pub(super) fn key(&self, key: &str) -> String {
        match &*self.namespace {
            "" => key.to_owned(),
            namespace => format!("{namespace}:{key}"),
        }
    }

    /// The glob-style pattern of the keys in Redis; characters of the namespace mean themselves.
    pub(super) fn key_pattern(&self, pattern: &str) -> String {
        let mut escaped = String::new();
        for char in self.namespace.chars() {
            if matches!(char, '*' | '?' | '[' | ']' | '\\') {
                escaped.push('\\');
            }
            escaped.push(char);
        }
        match &*self.namespace {
            "" => pattern.to_owned(),
            _ => format!("{escaped}:{pattern}"),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("namespace", &self.namespace)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// What holds for one call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    /// As it is in Redis.
    pub(super) key: String,
    pub(super) tags: Vec<String>,
    pub(super) ttl: Duration,
    pub(super) windows: Windows,
    /// The loader may set tags, and sees what was there before.
    pub(super) adaptive: bool,
}

impl Call {
    /// How much longer a value is kept than it is fresh. That there is nothing is not served stale.
    pub(super) fn window(&self, nothing: bool) -> Duration {
        match nothing {
            true => Duration::ZERO,
            false => self.windows.longest(),
        }
    }
}
