//! Putting texts into keys: over what was found there, and only if that is still there.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{
    claims::Hold,
    record::{Claim, Record, Work},
    store::{Found, Op, millis},
    versions::{Versions, refresh_key},
};
use crate::{Command, Error, Redis, Safety, find::find};

/// Replaces what begins as it did when it was read.
const SWAP: &str = include_str!("swap.lua");

/// A larger value is not sent again to be compared, its beginning is.
const MAX_COMPARED: usize = 64 * 1024;

/// What one request may carry of several values.
pub(super) const MAX_BATCH: usize = 4 * 1024 * 1024;

/// What a claim or a value goes over, if it is still there.
#[derive(Clone, Debug)]
pub(super) enum Over {
    Nothing,
    Claim(String),
    Record(Arc<Record>),
    /// Text that is not ours.
    Foreign(String),
    /// Bytes that are not text, and cannot be compared.
    Anything,
}

/// A text that goes over what was found in a key.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) key: String,
    pub(super) over: Over,
    pub(super) text: String,
    pub(super) life: Duration,
}

impl Write {
    pub(super) fn new(key: String, over: Over, text: &str, life: Duration) -> Self {
        Self {
            key,
            over,
            text: text.to_owned(),
            life,
        }
    }
}

impl Over {
    /// How many bytes it may take to compare it.
    fn len(&self) -> usize {
        match self {
            Self::Nothing | Self::Anything => 0,
            Self::Claim(text) | Self::Foreign(text) => text.len().min(MAX_COMPARED),
            Self::Record(record) => record.text().len().min(MAX_COMPARED),
        }
    }
}

/// What takes a value or claim away, if it is still there.
pub(super) fn gone(key: String, over: Over) -> Write {
    Write {
        key,
        over,
        text: Claim::new(1, Work::Failed).text,
        life: Duration::from_millis(1),
    }
}

/// A command that puts a text into a key, and what it costs.
struct Put<'a> {
    command: Command<'a, bool>,
    billed: usize,
    has_ifeq: bool,
}

impl<'a> Put<'a> {
    fn simple(command: Command<'a, bool>) -> Self {
        Self {
            command,
            billed: 1,
            has_ifeq: false,
        }
    }
}

impl Op {
    /// Puts a claim over what was found, if that is still there. Versions that are missing are made.
    pub(super) async fn claim(
        &mut self,
        over: &Over,
        hold: &Hold,
        versions: &mut Versions,
    ) -> Result<bool, Error> {
        let redis = self.redis.clone();
        loop {
            let command = self.put_over(&redis, hold.key(), over, hold.text(), hold.lease());
            let done = match versions.is_whole() {
                true => {
                    self.bill(command.billed);
                    self.timed(command.command).await
                }
                false => {
                    // The command itself is counted there.
                    self.report.billed += command.billed as u32 - 1;
                    let done = self.make(&redis, Some(command.command), versions).await?;
                    done.unwrap_or(Ok(false))
                }
            };
            match done {
                Err(error) if command.has_ifeq && self.lacks_ifeq(&error) => {}
                done => return self.failed(done),
            }
        }
    }

    /// Claims the refresh of a value that stays where it is meanwhile.
    pub(super) async fn claim_refresh(
        &mut self,
        key: &str,
        record: &Record,
    ) -> Result<Option<Hold>, Error> {
        let hold = self.hold(&refresh_key(key, record), self.new_claim());
        self.bill(1);
        let redis = self.redis.clone();
        let set = redis.set(hold.key(), hold.text()).px(hold.lease()).nx();
        let done = self.timed(set).await;
        match self.failed(done) {
            Ok(true) => Ok(Some(hold)),
            Ok(false) => {
                hold.end();
                Ok(None)
            }
            Err(error) => {
                if !error.is_ambiguous() {
                    hold.end();
                }
                Err(error)
            }
        }
    }

    /// What says that a refresh failed, so that nobody tries again for a while.
    pub(super) fn failed_refresh(&self, key: &str, record: &Record) -> Write {
        let backoff = self.settings.error_backoff;
        self.pause(record, backoff, true);
        Write {
            key: refresh_key(key, record),
            over: Over::Anything,
            text: Claim::new(millis(backoff), Work::Failed).text,
            life: backoff,
        }
    }

    pub(super) async fn refresh_failed(&mut self, key: &str, record: &Record) {
        let write = self.failed_refresh(key, record);
        // What fails here ends with the lease.
        let _ = self.write(&write).await;
    }

    pub(super) async fn write(&mut self, write: &Write) -> Result<bool, Error> {
        let put = self.put(&write.key, &write.over, &write.text, write.life, None);
        put.await.map(|(stored, _)| stored)
    }

    /// Puts a text over what was found, for `life`, if that is still there. With `check` the versions are read after
    /// it, and whether they are those of this record comes with it.
    pub(super) async fn put(
        &mut self,
        key: &str,
        over: &Over,
        text: &str,
        life: Duration,
        check: Option<&Record>,
    ) -> Result<(bool, bool), Error> {
        let redis = self.redis.clone();
        loop {
            let command = self.put_over(&redis, key, over, text, millis(life));
            let (done, same) = match check {
                None => {
                    self.bill(command.billed);
                    (self.timed(command.command).await, true)
                }
                Some(record) => {
                    self.bill(command.billed + 1);
                    let mut now = Versions::of_record(record);
                    let keys = now.keys(&self.settings.namespace);
                    let batch = self
                        .timed_batch(redis.pipeline((command.command, redis.mget::<Found>(&keys))));
                    let done = batch.await;
                    let (done, found) = self.failed(done)?;
                    let found = self.failed(found)?;
                    now.fill(found.into_iter().map(Option::unwrap_or_default));
                    (done, now.agree_with(record))
                }
            };
            match done {
                Err(error) if command.has_ifeq && self.lacks_ifeq(&error) => {}
                done => return self.failed(done).map(|stored| (stored, same)),
            }
        }
    }

    /// Puts several texts, in as many requests as their size asks for.
    pub(super) async fn put_many(&mut self, writes: &[Write]) -> Vec<Result<bool, Error>> {
        let redis = self.redis.clone();
        let mut done = Vec::with_capacity(writes.len());
        while let rest = writes.get(done.len()..).unwrap_or_default()
            && !rest.is_empty()
        {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|write| {
                bytes += write.text.len() + write.over.len();
                bytes <= MAX_BATCH
            });
            // One that is too large goes alone, and the client tells what is wrong with it.
            let count = fits.count().max(1);
            let puts = rest.iter().take(count).map(|write| {
                let life = millis(write.life);
                self.put_over(&redis, &write.key, &write.over, &write.text, life)
            });
            let puts: Vec<Put<'_>> = puts.collect();
            let has_ifeq = puts.iter().any(|put| put.has_ifeq);
            self.bill(puts.iter().map(|put| put.billed).sum());
            let commands: Vec<_> = puts.into_iter().map(|put| put.command).collect();
            let batch = self.timed_batch(redis.pipeline(commands));
            let results = batch.await;
            match self.failed(results) {
                Ok(results) => {
                    let mut results: Vec<_> = results;
                    let lacks = |error: &Error| has_ifeq && self.lacks_ifeq(error);
                    if results
                        .iter()
                        .any(|result| result.as_ref().is_err_and(lacks))
                    {
                        // Once more by script. What goes over nothing is its own now, and so done.
                        self.again_by_script(rest, &mut results).await;
                    }
                    for result in results {
                        done.push(self.failed(result));
                    }
                }
                Err(error) => done.extend((0..count).map(|_| Err(error.clone()))),
            }
        }
        done
    }

    /// Repeats those of a batch that the server refused for IFEQ.
    async fn again_by_script(&mut self, writes: &[Write], results: &mut [Result<bool, Error>]) {
        let redis = self.redis.clone();
        let refused: Vec<usize> = results
            .iter()
            .enumerate()
            .filter(|(_, result)| result.as_ref().is_err_and(|error| self.lacks_ifeq(error)))
            .map(|(index, _)| index)
            .collect();
        let puts = refused
            .iter()
            .filter_map(|index| writes.get(*index))
            .map(|write| {
                let life = millis(write.life);
                self.put_over(&redis, &write.key, &write.over, &write.text, life)
            });
        let puts: Vec<Put<'_>> = puts.collect();
        self.bill(puts.iter().map(|put| put.billed).sum());
        let commands: Vec<_> = puts.into_iter().map(|put| put.command).collect();
        let batch = self.timed_batch(redis.pipeline(commands));
        match batch.await {
            Ok(done) => {
                for (index, done) in refused.into_iter().zip(done) {
                    if let Some(result) = results.get_mut(index) {
                        *result = done;
                    }
                }
            }
            Err(error) => {
                for index in refused {
                    if let Some(result) = results.get_mut(index) {
                        *result = Err(error.clone());
                    }
                }
            }
        }
    }

    /// Puts the claim of an update over whatever is there, and gives that and the versions.
    pub(super) async fn claim_update(
        &mut self,
        key: &str,
        claim: &Claim,
        tags: &[String],
    ) -> Result<(Option<String>, Versions), Error> {
        let redis = self.redis.clone();
        let mut versions = Versions::of(tags, false);
        let keys = versions.keys(&self.settings.namespace);
        let set = redis.set(key, &claim.text).px(claim.lease).get::<Found>();
        // A second time finds its own claim, which is known.
        let set = set.safety(Safety::IdempotentWrite);
        self.bill(2);
        let done = redis.pipeline((set, redis.mget::<Found>(&keys))).await;
        let (before, found) = self.failed(done)?;
        let before = self.failed(before)?;
        let found = self.failed(found)?;
        versions.fill(found.into_iter().map(Option::unwrap_or_default));
        Ok((before.and_then(Found::text), versions))
    }

    fn put_over<'a>(
        &self,
        redis: &'a Redis,
        key: &str,
        over: &Over,
        text: &str,
        life: u64,
    ) -> Put<'a> {
        let life = life.max(1);
        let set = redis.command("SET").arg(key).arg(text).arg("PX").arg(life);
        let (whole, beginning) = match over {
            Over::Nothing => return Put::simple(set.arg("NX").query()),
            Over::Anything => return Put::simple(set.query()),
            Over::Claim(text) | Over::Foreign(text) => (&**text, None),
            Over::Record(record) => (record.text(), Some(record.mark())),
        };
        if whole.len() <= MAX_COMPARED && !self.shared.without_ifeq.load(Relaxed) {
            return Put {
                command: set.arg("IFEQ").arg(whole).query(),
                billed: 1,
                has_ifeq: true,
            };
        }
        let beginning = beginning.unwrap_or_else(|| first(whole, MAX_COMPARED).to_owned());
        let swap = redis.command("EVAL").arg(SWAP).arg(1).arg(key);
        Put {
            command: swap.arg(beginning).arg(text).arg(life).query(),
            billed: 3,
            has_ifeq: false,
        }
    }

    /// Whether the server does not know IFEQ; then it is not tried again.
    fn lacks_ifeq(&self, error: &Error) -> bool {
        let lacks =
            error.is_server() && find(error.to_string().as_bytes(), "syntax error").is_some();
        if lacks {
            self.shared.without_ifeq.store(true, Relaxed);
        }
        lacks
    }
}

/// As much of the beginning as fits into so many bytes.
fn first(text: &str, bytes: usize) -> &str {
    let fits = |(at, char): (usize, char)| at + char.len_utf8();
    let end = text
        .char_indices()
        .map(fits)
        .take_while(|end| *end <= bytes);
    text.get(..end.last().unwrap_or(0)).unwrap_or_default()
}
