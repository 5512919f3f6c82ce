//! What became of a call: its status, the text for a response header, the counters and the hook's report.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::Error;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It was in Redis, and fresh.
    Hit,
    /// It was in this process' memory, and fresh enough for [`memory`](super::Cache::memory).
    Memory,
    /// It is older than its TTL, within [`stale_while_revalidate`](super::Cache::stale_while_revalidate).
    Stale,
    /// It is older than its TTL and could not be loaded, within [`stale_if_error`](super::Cache::stale_if_error).
    StaleIfError,
    /// There was none, and this call loaded it.
    Miss,
    /// It was older than its TTL, and this call loaded it again.
    Refresh,
    /// It was fresh, and this call loaded it again before its end.
    Early,
    /// There was none, and this call waited for another one that loaded it.
    Collapsed,
    /// Redis could not be asked, and this call loaded it.
    Bypass,
}

/// A value, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cached<V> {
    /// The value.
    pub value: V,
    /// Where it came from.
    pub status: Status,
    /// For how many seconds it is fresh; negative: for how long it has not been. By the clocks of who wrote and who
    /// reads it. `None` where it was not stored.
    pub ttl: Option<i64>,
}

impl<V> Cached<V> {
    /// The text of a `Cache-Status` response header, in which this cache is called `cache`.
    ///
    /// `users; hit; ttl=263`, `users; hit; ttl=-4`, `users; fwd=uri-miss; stored`, `users; fwd=uri-miss; collapsed`.
    /// Characters that a header cannot hold are left out of the name.
    ///
    /// Source: [RFC 9211](https://www.rfc-editor.org/rfc/rfc9211).
    pub fn cache_status(&self, cache: &str) -> String {
        let mut text = String::new();
        let is_token = |text: &str| {
            let mut bytes = text.bytes();
            bytes
                .next()
                .is_some_and(|b| b.is_ascii_alphabetic() || b == b'*')
                && bytes.all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&b))
        };
        if is_token(cache) {
            text.push_str(cache);
        } else {
            text.push('"');
            for char in cache.chars().filter(|c| c.is_ascii_graphic() || *c == ' ') {
                if matches!(char, '"' | '\\') {
                    text.push('\\');
                }
                text.push(char);
            }
            text.push('"');
        }
        text.push_str(match self.status {
            Status::Hit | Status::Memory | Status::Stale | Status::StaleIfError => "; hit",
            Status::Miss => "; fwd=uri-miss",
            Status::Refresh | Status::Early => "; fwd=stale",
            Status::Collapsed => "; fwd=uri-miss; collapsed",
            Status::Bypass => "; fwd=bypass",
        });
        match (self.status, self.ttl) {
            (Status::Miss | Status::Refresh | Status::Early, Some(_)) => text.push_str("; stored"),
            (_, Some(ttl)) => {
                let _ = write!(text, "; ttl={ttl}");
            }
            (_, None) => {}
        }
        text.push_str(match self.status {
            Status::Memory => "; detail=memory",
            Status::StaleIfError => "; detail=error",
            Status::Early => "; detail=early",
            _ => "",
        });
        text
    }
}

/// What a cache has done since it was made: a snapshot of counters that all its clones share. It can be serialized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Answers out of Redis that were fresh.
    pub hits: u64,
    /// Answers out of this process' memory.
    pub memory_hits: u64,
    /// Answers older than their TTL, those because of an error among them.
    pub stale: u64,
    /// Answers that were stale because loading failed.
    pub stale_if_error: u64,
    /// Calls that found nothing.
    pub misses: u64,
    /// Loads that began before the end of a value.
    pub early: u64,
    /// Loads begun.
    pub loads: u64,
    /// Loads that failed or took too long.
    pub load_errors: u64,
    /// Calls that waited for the load of another, here or elsewhere.
    pub waits: u64,
    /// Loaded values that were not stored, since they were invalidated or replaced while they were loaded.
    pub refused: u64,
    /// Entries that were not ours, of another version, or broken.
    pub foreign: u64,
    /// Requests to Redis that failed, or commands in them.
    pub errors: u64,
    /// Requests to Redis.
    pub requests: u64,
    /// Commands in them as they are billed, those inside Lua too.
    pub billed: u64,
}

macro_rules! counters {
    ($($name:ident)*) => {
        /// The counters behind [`Stats`].
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: AtomicU64,)*
        }

        impl Serialize for Stats {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut fields = serializer.serialize_struct("Stats", [$(stringify!($name)),*].len())?;
                $(fields.serialize_field(stringify!($name), &self.$name)?;)*
                fields.end()
            }
        }

        impl Counters {
            pub(super) fn snapshot(&self) -> Stats {
                Stats { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counters! {
    hits memory_hits stale stale_if_error misses early loads load_errors waits refused foreign errors requests billed
}

impl Counters {
    pub(super) fn count(&self, status: Status) {
        let counter = match status {
            Status::Hit => &self.hits,
            Status::Memory => &self.memory_hits,
            Status::Stale | Status::StaleIfError => &self.stale,
            Status::Miss | Status::Collapsed => &self.misses,
            Status::Early | Status::Refresh | Status::Bypass => return,
        };
        counter.fetch_add(1, Relaxed);
        let besides = match status {
            Status::StaleIfError => &self.stale_if_error,
            Status::Collapsed => &self.waits,
            _ => return,
        };
        besides.fetch_add(1, Relaxed);
    }
}

/// What one call came to, as [`Cache::on_report`](super::Cache::on_report) hands it out. It holds no key and no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Which call: `get`, `set`, `get_or_set`…
    pub operation: &'static str,
    /// Where the value came from; `None` where there was no value, or the call failed.
    pub status: Option<Status>,
    /// How long the loader took, if this call loaded.
    pub load: Option<Duration>,
    /// Whether the loader failed or took too long.
    pub load_failed: bool,
    /// Requests to Redis.
    pub requests: u32,
    /// Commands in them as they are billed.
    pub billed: u32,
    /// Requests that failed, or commands in them.
    pub errors: u32,
    /// What failed last, a request or the loader: also where the call has an answer all the same.
    pub error: Option<Error>,
    /// How long the call took, from its beginning to its answer, or to the end of what it left to the background.
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header() {
        for (cache, status, ttl, text) in [
            ("users", Status::Hit, Some(263), "users; hit; ttl=263"),
            (
                "users",
                Status::Memory,
                Some(2),
                "users; hit; ttl=2; detail=memory",
            ),
            ("users", Status::Stale, Some(-4), "users; hit; ttl=-4"),
            (
                "users",
                Status::StaleIfError,
                Some(-9),
                "users; hit; ttl=-9; detail=error",
            ),
            (
                "users",
                Status::Miss,
                Some(300),
                "users; fwd=uri-miss; stored",
            ),
            ("users", Status::Miss, None, "users; fwd=uri-miss"),
            (
                "users",
                Status::Refresh,
                Some(300),
                "users; fwd=stale; stored",
            ),
            (
                "users",
                Status::Early,
                Some(300),
                "users; fwd=stale; stored; detail=early",
            ),
            (
                "users",
                Status::Collapsed,
                Some(300),
                "users; fwd=uri-miss; collapsed; ttl=300",
            ),
            ("users", Status::Bypass, None, "users; fwd=bypass"),
            ("", Status::Bypass, None, "\"\"; fwd=bypass"),
            ("7 \"\\\r\nü", Status::Hit, None, "\"7 \\\"\\\\\"; hit"),
        ] {
            let cached = Cached {
                value: (),
                status,
                ttl,
            };
            assert_eq!(cached.cache_status(cache), text);
        }
    }
}
