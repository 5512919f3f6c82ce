//! What is asked of Redis: reading an entry with its versions, claiming it, and replacing it if it is still the same.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    decide::{self, Age},
    flight::Flights,
    notes::Notes,
    put::{MAX_BATCH, Over},
    record::{Claim, Record, Stored},
    settings::Settings,
    status::{Counters, Report, Status},
    versions::{Marker, Versions, refresh_key},
};
use crate::{
    Batch, Command, Error, FromReply, Pipeline, Redis, Reply, ReplyKind,
    clock::{self, Instant},
    random,
};

/// How often versions are made anew, under other names, after an answer that was lost.
const MAX_TRIES: u32 = 3;

/// What the command that makes a version has besides its key.
const SET_BYTES: usize = 80;

/// How long the version of a tag stays. When it goes, entries with that tag become misses.
const TAG_TTL: u64 = 30 * 24 * 60 * 60 * 1000;

/// What the clones of a cache share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) counters: Counters,
    pub(super) flights: Arc<Flights>,
    pub(super) notes: Notes,
    /// The server has refused IFEQ.
    pub(super) without_ifeq: AtomicBool,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            counters: Counters::default(),
            flights: Arc::default(),
            notes: Notes::default(),
            without_ifeq: AtomicBool::new(false),
        }
    }
}

/// What stands in one key.
#[derive(Debug, Default)]
pub(super) enum Found {
    #[default]
    Nothing,
    Text(String),
    /// Bytes that are not text.
    Bytes,
}

impl Found {
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Bytes => None,
        }
    }
}

impl FromReply for Found {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        Ok(match reply.text() {
            Ok(text) => Self::Text(text.into_owned()),
            Err(_) if reply.kind() == ReplyKind::Nil => Self::Nothing,
            Err(_) => Self::Bytes,
        })
    }
}

/// What an entry's key holds, and what its versions are.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) versions: Versions,
    /// That of the refresh that was asked about.
    pub(super) refresh: Option<Claim>,
}

#[derive(Debug)]
pub(super) enum State {
    Vacant,
    Held(Claim),
    /// A value that nothing has invalidated.
    Valid(Arc<Record>),
    Over(Over),
}

/// One call under way: what it has asked of Redis, and whom it tells at its end.
#[derive(Debug)]
pub(super) struct Op {
    pub(super) redis: Redis,
    pub(super) settings: Arc<Settings>,
    pub(super) shared: Arc<Shared>,
    pub(super) report: Report,
    pub(super) begun: Instant,
    /// Of the memory, when this call began.
    pub(super) generation: u64,
    /// The client's own times hold, not the cache's: it is worth waiting for.
    pub(super) patient: bool,
}

impl Op {
    pub(super) fn new(
        redis: &Redis,
        settings: &Arc<Settings>,
        shared: &Arc<Shared>,
        operation: &'static str,
    ) -> Self {
        let memory = settings.memory.as_ref();
        Self {
            redis: redis.clone(),
            settings: Arc::clone(settings),
            shared: Arc::clone(shared),
            report: Report {
                operation,
                status: None,
                load: None,
                load_failed: false,
                requests: 0,
                billed: 0,
                errors: 0,
                error: None,
                elapsed: Duration::ZERO,
            },
            begun: Instant::now(),
            generation: memory.map_or(0, |memory| memory.generation()),
            patient: false,
        }
    }

    pub(super) fn now(&self) -> u64 {
        (self.settings.clock)()
    }

    /// The call has its value from there.
    pub(super) fn answered(&mut self, status: Status) {
        self.report.status = Some(status);
    }

    pub(super) fn bill(&mut self, commands: usize) {
        self.report.requests += 1;
        self.report.billed += u32::try_from(commands).unwrap_or(u32::MAX);
    }

    pub(super) fn timed<'a, T, O>(&self, command: Command<'a, T, O>) -> Command<'a, T, O> {
        match self.patient {
            true => command,
            false => command.timeout(self.settings.redis_timeout),
        }
    }

    pub(super) fn timed_batch<'a, B: Batch>(&self, batch: Pipeline<'a, B>) -> Pipeline<'a, B> {
        match self.patient {
            true => batch,
            false => batch.timeout(self.settings.redis_timeout),
        }
    }

    pub(super) fn failed<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.report.errors += 1;
            self.report.error = Some(error.clone());
        }
        result
    }

    /// Several keys and the versions of what they depend on: one request, and another one where an entry has tags that
    /// were not expected.
    pub(super) async fn read_many(
        &mut self,
        keys: &[String],
        tags: &[String],
        any: bool,
    ) -> Result<(Vec<State>, Versions), Error> {
        let mut versions = Versions::of(tags, any);
        let mut next = 1;
        for key in keys {
            for tag in self
                .shared
                .notes
                .tags(key)
                .iter()
                .flat_map(|tags| tags.iter())
            {
                if versions.find(tag, &mut next).is_none() {
                    versions.add_tag(tag, false);
                }
            }
        }
        let all: Vec<String> = keys
            .iter()
            .cloned()
            .chain(versions.keys(&self.settings.namespace))
            .collect();
        let mut found = self.mget(&all).await?.into_iter();
        let entries: Vec<Found> = found.by_ref().take(keys.len()).collect();
        versions.fill(found);
        let stored: Vec<Option<Stored>> = entries
            .into_iter()
            .map(|found| match found {
                Found::Nothing => None,
                Found::Text(text) => Some(Stored::read(text)),
                Found::Bytes => Some(Stored::Foreign(String::new())),
            })
            .collect();
        self.learn(keys, &stored, &mut versions).await?;
        let states = stored.into_iter().map(|stored| match stored {
            None => State::Vacant,
            Some(Stored::Claim(claim)) => State::Held(claim),
            Some(Stored::Foreign(text)) => {
                self.shared.counters.foreign.fetch_add(1, Relaxed);
                // Bytes that are no text may have become these, and nothing is compared with those.
                let is_text = !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER);
                State::Over(if is_text {
                    Over::Foreign(text)
                } else {
                    Over::Anything
                })
            }
            Some(Stored::Record(record)) => {
                let record = Arc::new(record);
                match versions.agree_with(&record) {
                    true => State::Valid(record),
                    false => State::Over(Over::Record(record)),
                }
            }
        });
        let states = states.collect();
        Ok((states, versions))
    }

    /// Asks for the versions of tags that entries have and nobody expected, and remembers them.
    async fn learn(
        &mut self,
        keys: &[String],
        stored: &[Option<Stored>],
        versions: &mut Versions,
    ) -> Result<(), Error> {
        let mut unknown = Versions::default();
        let mut next = 1;
        for (key, stored) in keys.iter().zip(stored) {
            if let Some(Stored::Record(record)) = stored {
                let tags = record.head.tags.iter().map(|(tag, _)| tag);
                for tag in tags.clone() {
                    if versions.find(tag, &mut next).is_none() {
                        unknown.add_tag(tag, false);
                    }
                }
                self.remember(key, tags);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let found = self.mget(&unknown.keys(&self.settings.namespace)).await?;
        unknown.fill(found.into_iter());
        versions.merge(unknown);
        Ok(())
    }

    /// Remembers the tags of an entry.
    pub(super) fn remember<'t>(&self, key: &str, tags: impl Iterator<Item = &'t String> + Clone) {
        let notes = &self.shared.notes;
        match notes.tags(key) {
            Some(known) if known.iter().eq(tags.clone()) => {}
            None if tags.clone().next().is_none() => {}
            _ => notes.remember(key, tags.cloned().collect()),
        }
    }

    /// One entry and its versions, and what became of the refresh of `watched`.
    pub(super) async fn read(
        &mut self,
        key: &str,
        tags: &[String],
        any: bool,
        watched: Option<&Record>,
    ) -> Result<Seen, Error> {
        let mut keys = vec![key.to_owned()];
        keys.extend(watched.map(|record| refresh_key(key, record)));
        let (states, versions) = self.read_many(&keys, tags, any).await?;
        let mut states = states.into_iter();
        let state = states.next().unwrap_or(State::Vacant);
        let refresh = match states.next() {
            Some(State::Held(claim)) => Some(claim),
            _ => None,
        };
        Ok(Seen {
            state,
            versions,
            refresh,
        })
    }

    async fn mget(&mut self, keys: &[String]) -> Result<Vec<Found>, Error> {
        self.bill(1);
        let redis = self.redis.clone();
        let found = self.timed(redis.mget::<Found>(keys)).await;
        let found = self.failed(found)?;
        Ok(found.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// The versions of the namespace and these tags, which exist then.
    pub(super) async fn versions(&mut self, tags: &[String], any: bool) -> Result<Versions, Error> {
        let mut versions = Versions::of(tags, any);
        let found = self.mget(&versions.keys(&self.settings.namespace)).await?;
        versions.fill(found.into_iter());
        self.complete(&mut versions).await?;
        Ok(versions)
    }

    /// Makes the versions that are missing.
    pub(super) async fn complete(&mut self, versions: &mut Versions) -> Result<(), Error> {
        let redis = self.redis.clone();
        for _ in 0..MAX_TRIES {
            if versions.is_whole() {
                break;
            }
            match self.make(&redis, None, versions).await {
                Err(error) if !error.is_ambiguous() => return Err(error),
                // Somebody else may have invalidated one right away.
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds the versions of tags that were not asked for before a load. They have those they have now, if no tag was
    /// invalidated since then; else there is no telling, and none is added.
    pub(super) async fn add_late(&mut self, before: &mut Versions, tags: &[String]) {
        let unknown = tags.iter().filter(|tag| before.of_tag(tag).is_none());
        let unknown: Vec<String> = unknown.cloned().collect();
        if unknown.is_empty() {
            return;
        }
        let Ok(now) = self.versions(&unknown, true).await else {
            return;
        };
        let any = before.of_any_tag();
        if any.is_some() && any == now.of_any_tag() && before.namespace().is_some() {
            before.merge(now);
        }
    }

    /// Whether somebody is to load a value again that may be served.
    pub(super) fn is_due(&self, record: &Record, age: Age) -> bool {
        age == Age::Stale
            || decide::is_due(&record.head, self.now(), self.settings.beta, random::unit())
    }

    /// A load has come to nothing.
    pub(super) fn load_failed(&mut self, error: &Error) {
        self.report.load_failed = true;
        self.report.error = Some(error.clone());
        self.shared.counters.load_errors.fetch_add(1, Relaxed);
    }

    /// Keeps in memory what Redis had when it was `asked`.
    pub(super) fn keep_in_memory(&self, key: &str, record: &Arc<Record>, asked: Instant) {
        if let Some(memory) = &self.settings.memory {
            let left = record.head.fresh_until.saturating_sub(self.now());
            let left = Duration::from_millis(left);
            if left.is_zero() {
                return;
            }
            memory.keep(key, record, asked, left, self.generation);
        }
    }

    /// Forgets what is in memory, and what is being read into it: one entry, or all.
    pub(super) fn forget(&self, key: Option<&str>) {
        if let Some(memory) = &self.settings.memory {
            match key {
                Some(key) => memory.forget(key),
                None => memory.clear(),
            }
        }
    }

    /// Runs `first`, makes the versions that are missing, and reads them all: in one request.
    pub(super) async fn make<'a>(
        &mut self,
        redis: &'a Redis,
        first: Option<Command<'a, bool>>,
        versions: &mut Versions,
    ) -> Result<Option<Result<bool, Error>>, Error> {
        let keys = versions.keys(&self.settings.namespace);
        let missing = versions.iter().zip(&keys);
        let mut made: Vec<Command<'a, bool>> = Vec::new();
        let mut bytes = 0;
        for (version, key) in missing.filter(|(version, _)| version.is_missing()) {
            bytes += key.len() + SET_BYTES;
            if bytes > MAX_BATCH {
                // Those of very many tags do not fit into one request.
                bytes = key.len() + SET_BYTES;
                let part = std::mem::take(&mut made);
                self.bill(part.len());
                let part = self.timed_batch(redis.pipeline(part)).await;
                for made in self.failed(part)? {
                    self.failed(made)?;
                }
            }
            let set = redis.command("SET").arg(key).arg(random::name()).arg("NX");
            let set = match version.marker {
                Marker::Namespace => set,
                Marker::Tag(_) | Marker::AnyTag => set.arg("PX").arg(TAG_TTL),
            };
            // Never sent twice: others may have loaded by the first one, and somebody deleted it. The same name a
            // second time would make what they loaded valid again.
            made.push(set.query::<bool>());
        }
        self.bill(usize::from(first.is_some()) + made.len() + 1);
        let first: Vec<Command<'a, bool>> = first.into_iter().collect();
        let batch = self.timed_batch(redis.pipeline((first, made, redis.mget::<Found>(&keys))));
        let done = batch.await;
        let (first, made, found) = self.failed(done)?;
        let found = self.failed(found)?;
        for made in made {
            self.failed(made)?;
        }
        versions.fill(found.into_iter().map(Option::unwrap_or_default));
        Ok(first.into_iter().next())
    }

    /// No refresh of this value is tried from here for a while.
    pub(super) fn pause(&self, record: &Record, time: Duration, failed: bool) {
        self.shared.notes.pause(&record.head.id, time, failed);
    }

    /// Whether it is paused, and whether that is because it failed.
    pub(super) fn paused(&self, record: &Record) -> Option<bool> {
        self.shared.notes.paused(&record.head.id)
    }
}

impl Drop for Op {
    /// Tells counters and hook, also where the call was given up.
    fn drop(&mut self) {
        self.report.elapsed = self.begun.elapsed();
        let counters = &self.shared.counters;
        for (counter, count) in [
            (&counters.requests, self.report.requests),
            (&counters.billed, self.report.billed),
            (&counters.errors, self.report.errors),
        ] {
            counter.fetch_add(count.into(), Relaxed);
        }
        if let Some(status) = self.report.status {
            counters.count(status);
        }
        if let Some(hook) = &self.settings.hook {
            // A panic of the hook must not end what is done meanwhile for others.
            let _ = catch_unwind(AssertUnwindSafe(|| hook(&self.report)));
        }
    }
}

/// In whole milliseconds, at least one.
pub(super) fn millis(duration: Duration) -> u64 {
    clock::whole_millis(duration).max(1)
}
