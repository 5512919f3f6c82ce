//! What was asked, what it costs, and what the real server did.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::{Deserialize, Serialize};

use crate::{
    backend::{Backend, Unavailable},
    resp::{Token, Tokens},
};

/// What happened since the start or the last reset.
///
/// Reading it changes nothing: neither the requests to `/_local` nor the administration of the server
/// behind are in any of the numbers.
///
/// What ran is counted by the server behind. One that does not tell, as fakeredis, and the one for
/// JSON commands are counted for by restis-local, which sees no command inside Lua.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Stats {
    /// HTTP requests, those that were refused or met a fault among them. CORS preflights are not.
    pub requests: u64,
    /// Commands received, each one of a pipeline and of a transaction, whatever became of them.
    pub commands: u64,
    /// Commands as Upstash bills them: those that ran, inside pipelines, transactions and Lua too.
    pub billed: u64,
    /// `billed` by command, as counted at the server: `"INCR"`, `"SCRIPT LOAD"`.
    pub by_command: BTreeMap<String, u64>,
    /// TCP connections accepted.
    pub connections: u64,
    /// Bytes of requests, heads included.
    pub bytes_in: u64,
    /// Bytes of answers, heads included.
    pub bytes_out: u64,
    /// Requests whose client went away before it had the answer.
    pub aborted: u64,
    /// Requests that carried an `upstash-sync-token` with something in it.
    pub sync_tokens: u64,
    /// Requests that met an injected fault.
    pub faults: u64,
}

/// The counters on our side of the server.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) sync_tokens: AtomicU64,
    pub(crate) faults: AtomicU64,
    epoch: AtomicU64,
    /// TYPE as often as it was asked to complete a SCAN.
    types: AtomicU64,
    here: Mutex<BTreeMap<Cow<'static, str>, u64>>,
    server: tokio::sync::Mutex<Baseline>,
    /// The server counts nothing that it would tell.
    blind: bool,
}

/// Calls per command at the server when counting began, and how often we asked for them since.
///
/// The server's own counters are not reset: it may be one that others count with.
#[derive(Debug, Default)]
struct Baseline {
    calls: BTreeMap<String, u64>,
    asked: u64,
}

impl Counters {
    /// Begins to count before a server that may count too.
    pub(crate) async fn start(backend: &Backend) -> Result<Self, Unavailable> {
        let calls = calls(backend).await?;
        let blind = calls.is_empty();
        let baseline = Baseline { calls, asked: 1 };
        Ok(Self {
            server: tokio::sync::Mutex::new(baseline),
            blind,
            ..Self::default()
        })
    }

    /// Whether commands must be counted before they reach the server.
    pub(crate) const fn is_blind(&self) -> bool {
        self.blind
    }

    /// Counts a command that the server does not count.
    pub(crate) fn ran(&self, name: impl Into<Cow<'static, str>>) {
        *self.here().entry(name.into()).or_default() += 1;
    }

    /// TYPE was sent this often although nobody asked for it.
    pub(crate) fn asked_types(&self, count: usize) {
        self.types.fetch_add(count as u64, Relaxed);
    }

    /// Counts a connection, and tells since which reset.
    pub(crate) fn accepted(&self) -> u64 {
        self.connections.fetch_add(1, Relaxed);
        self.epoch.load(Relaxed)
    }

    /// Takes a connection back, unless there was a reset after `epoch`.
    pub(crate) fn not_accepted(&self, epoch: u64) {
        if epoch == self.epoch.load(Relaxed) {
            self.connections.fetch_sub(1, Relaxed);
        }
    }

    fn here(&self) -> MutexGuard<'_, BTreeMap<Cow<'static, str>, u64>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn reset(&self, backend: &Backend) -> Result<(), Unavailable> {
        let mut baseline = self.server.lock().await;
        // The INFO that reads them is not yet in the numbers it reads.
        *baseline = Baseline {
            calls: self.calls(backend).await?,
            asked: 1,
        };
        self.here().clear();
        self.epoch.fetch_add(1, Relaxed);
        for counter in [
            &self.requests,
            &self.commands,
            &self.connections,
            &self.bytes_in,
            &self.bytes_out,
            &self.aborted,
            &self.sync_tokens,
            &self.faults,
            &self.types,
        ] {
            counter.store(0, Relaxed);
        }
        Ok(())
    }

    pub(crate) async fn read(&self, backend: &Backend) -> Result<Stats, Unavailable> {
        let mut by_command = {
            let mut baseline = self.server.lock().await;
            let now = self.calls(backend).await?;
            let counted = baseline.since(now, self.types.load(Relaxed));
            baseline.asked += 1;
            counted
        };
        for (name, count) in self.here().iter() {
            *by_command.entry(name.clone().into_owned()).or_default() += count;
        }
        Ok(Stats {
            requests: self.requests.load(Relaxed),
            commands: self.commands.load(Relaxed),
            billed: by_command.values().sum(),
            by_command,
            connections: self.connections.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            aborted: self.aborted.load(Relaxed),
            sync_tokens: self.sync_tokens.load(Relaxed),
            faults: self.faults.load(Relaxed),
        })
    }

    async fn calls(&self, backend: &Backend) -> Result<BTreeMap<String, u64>, Unavailable> {
        match self.blind {
            // Whether it is still there is asked all the same.
            true => backend.command(&["PING"]).await.map(|_| BTreeMap::new()),
            false => calls(backend).await,
        }
    }
}

impl Baseline {
    fn since(&self, now: BTreeMap<String, u64>, types: u64) -> BTreeMap<String, u64> {
        let mut counted = BTreeMap::new();
        for (name, calls) in now {
            let before = self.calls.get(&name).copied().unwrap_or_default();
            // Fewer than before: somebody reset the server's counters, or it started anew.
            let mut calls = calls.checked_sub(before).unwrap_or(calls);
            match name.as_str() {
                "INFO" => calls = calls.saturating_sub(self.asked),
                "TYPE" => calls = calls.saturating_sub(types),
                _ => {}
            }
            if calls > 0 && !is_ours(&name) {
                counted.insert(name, calls);
            }
        }
        counted
    }
}

/// Commands that nobody can send over REST: those of our own connection and of transactions.
fn is_ours(name: &str) -> bool {
    matches!(name, "AUTH" | "EXEC" | "HELLO" | "MULTI" | "SELECT") || name.starts_with("CLIENT")
}

async fn calls(backend: &Backend) -> Result<BTreeMap<String, u64>, Unavailable> {
    let reply = backend.ask(&["INFO", "commandstats"]).await?;
    Ok(match Tokens::new(reply.first()).next() {
        Some(Token::Bulk(text)) => parse(&String::from_utf8_lossy(text)),
        _ => BTreeMap::new(),
    })
}

/// Reads lines such as `cmdstat_script|load:calls=2,usec=9,…`.
fn parse(text: &str) -> BTreeMap<String, u64> {
    let lines = text.lines().filter_map(|line| {
        let (name, numbers) = line.strip_prefix("cmdstat_")?.split_once(':')?;
        let calls = numbers.strip_prefix("calls=")?.split(',').next()?;
        let name = name.to_ascii_uppercase().replace('|', " ");
        Some((name, calls.parse().ok()?))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_server_are_counted_from_the_baseline() {
        let text = "# Commandstats\r\ncmdstat_get:calls=5,usec=1,usec_per_call=0.20,rejected_calls=0,failed_calls=0\r\ncmdstat_script|load:calls=2,usec=9\r\ncmdstat_info:calls=4,usec=1\r\ncmdstat_multi:calls=1,usec=1\r\ncmdstat_set:calls=3,usec=1\r\ncmdstat_type:calls=9,usec=1\r\n";
        let now = parse(text);
        assert_eq!(now.len(), 6);
        let baseline = Baseline {
            calls: [("GET", 4), ("SET", 7), ("SCRIPT LOAD", 2), ("INFO", 1)]
                .map(|(name, calls)| (name.to_owned(), calls))
                .into(),
            asked: 2,
        };
        let expected = [("GET", 1), ("INFO", 1), ("SET", 3), ("TYPE", 2)];
        let expected = expected.map(|(name, n)| (name.to_owned(), n));
        assert_eq!(baseline.since(now, 7), expected.into());
    }
}
