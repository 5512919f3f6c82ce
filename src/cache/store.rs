//! What is asked of Redis: reading an entry with its versions, claiming it, and replacing it if it is still the same.
//!
//! Beside the entries there are three kinds of keys. Each holds a random version, and to invalidate is to delete it:
//! a version that is gone, by whatever cause, makes entries a miss and never brings one back.
//!
//! ```text
//! restis:version:{namespace}       of the whole namespace
//! restis:tag:{namespace}:{tag}     of one tag
//! restis:tags:{namespace}          deleted with any tag of the namespace
//! restis:refresh:{key}:{id}        somebody refreshes the value {id} of {key}, or did so in vain
//! ```

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use quick_cache::sync::Cache as Bounded;

use super::{
    flight::Flights,
    record::{Claim, Record, Stored, Work},
    settings::Settings,
    status::{Counters, Report, Status},
};
use crate::{Command, Error, FromReply, Redis, Reply, ReplyKind, Safety, clock::Instant, random};

/// Replaces what begins as it did when it was read.
const SWAP: &str = include_str!("swap.lua");

/// A larger value is not sent again to be compared, its beginning is.
const MAX_COMPARED: usize = 64 * 1024;

/// What one request may carry of several values.
const MAX_BATCH: usize = 4 * 1024 * 1024;

/// How long the version of a tag stays. When it goes, entries with that tag become misses.
const TAG_TTL: u64 = 30 * 24 * 60 * 60 * 1000;

/// How often a version is made anew, under another name, after an answer that was lost.
const MAX_TRIES: u32 = 3;

/// How many keys have their tags remembered, and how many values their refresh.
const REMEMBERED: usize = 10_000;

/// What the clones of a cache share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) counters: Counters,
    pub(super) flights: Arc<Flights>,
    /// The tags an entry had when it was read last, to be asked for with it.
    tags: Bounded<String, Arc<[String]>>,
    /// Values that need no refresh from here for a while, by their id.
    paused: Bounded<String, Pause>,
    /// The server has refused IFEQ.
    without_ifeq: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    begun: Instant,
    time: Duration,
    failed: bool,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            counters: Counters::default(),
            flights: Arc::new(Flights::new()),
            tags: Bounded::new(REMEMBERED),
            paused: Bounded::new(REMEMBERED),
            without_ifeq: AtomicBool::new(false),
        }
    }
}

/// Something whose version an entry depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Marker {
    Namespace,
    Tag(String),
    AnyTag,
}

/// Versions as they were read. The first is the namespace's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Versions(Vec<Version>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    marker: Marker,
    found: Option<String>,
    /// It has to be there when a value is stored. Others are only compared.
    needed: bool,
}

impl Versions {
    fn of(tags: &[String], any: bool) -> Self {
        let mut versions = Self(Vec::new());
        versions.add(Marker::Namespace, true);
        for tag in tags {
            versions.add(Marker::Tag(tag.clone()), true);
        }
        if any {
            versions.add(Marker::AnyTag, true);
        }
        versions
    }

    fn add(&mut self, marker: Marker, needed: bool) {
        if !self.0.iter().any(|version| version.marker == marker) {
            self.0.push(Version {
                marker,
                found: None,
                needed,
            });
        }
    }

    fn keys(&self, namespace: &str) -> Vec<String> {
        let keys = self.0.iter().map(|version| match &version.marker {
            Marker::Namespace => version_key(namespace),
            Marker::Tag(tag) => tag_key(namespace, tag),
            Marker::AnyTag => any_tag_key(namespace),
        });
        keys.collect()
    }

    fn fill(&mut self, found: impl Iterator<Item = Found>) {
        for (version, found) in self.0.iter_mut().zip(found) {
            version.found = found.text();
        }
    }

    fn is_whole(&self) -> bool {
        self.0.iter().all(|version| !version.is_missing())
    }

    fn get(&self, marker: &Marker) -> Option<&str> {
        let known = self.0.iter().find(|version| version.marker == *marker);
        known.and_then(|version| version.found.as_deref())
    }

    fn of_tag(&self, tag: &str) -> Option<&str> {
        self.get(&Marker::Tag(tag.to_owned()))
    }

    fn asks_for(&self, tag: &str) -> bool {
        let is_it = |marker: &Marker| matches!(marker, Marker::Tag(known) if known == tag);
        self.0.iter().any(|version| is_it(&version.marker))
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.get(&Marker::Namespace)
    }

    /// The tags with their versions; `None` if one has none.
    pub(super) fn pairs(&self, tags: &[String]) -> Option<Vec<(String, String)>> {
        let pair = |tag: &String| Some((tag.clone(), self.of_tag(tag)?.to_owned()));
        tags.iter().map(pair).collect()
    }

    /// Whether nothing that the record depends on was invalidated.
    pub(super) fn agree_with(&self, record: &Record) -> bool {
        self.namespace() == Some(&*record.head.namespace)
            && record
                .head
                .tags
                .iter()
                .all(|(tag, version)| self.of_tag(tag) == Some(version))
    }
}

impl Version {
    fn is_missing(&self) -> bool {
        self.needed && self.found.is_none()
    }
}

pub(super) fn version_key(namespace: &str) -> String {
    format!("restis:version:{namespace}")
}

pub(super) fn tag_key(namespace: &str, tag: &str) -> String {
    format!("restis:tag:{namespace}:{tag}")
}

pub(super) fn any_tag_key(namespace: &str) -> String {
    format!("restis:tags:{namespace}")
}

pub(super) fn refresh_key(key: &str, record: &Record) -> String {
    format!("restis:refresh:{key}:{}", record.head.id)
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
    /// Of the refresh that was asked about.
    pub(super) refresh: Option<Work>,
}

#[derive(Debug)]
pub(super) enum State {
    Vacant,
    Held(Claim),
    /// A value that nothing has invalidated.
    Valid(Arc<Record>),
    Over(Over),
}

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

    fn timed<'a, T, O>(&self, command: Command<'a, T, O>) -> Command<'a, T, O> {
        match self.patient {
            true => command,
            false => command.timeout(self.settings.redis_timeout),
        }
    }

    pub(super) fn failed<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            self.report.errors += 1;
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
        for key in keys {
            for tag in self
                .shared
                .tags
                .get(key)
                .iter()
                .flat_map(|tags| tags.iter())
            {
                versions.add(Marker::Tag(tag.clone()), false);
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
        let mut unknown = Versions(Vec::new());
        for (key, stored) in keys.iter().zip(stored) {
            if let Some(Stored::Record(record)) = stored {
                let tags = record.head.tags.iter().map(|(tag, _)| tag);
                for tag in tags.clone().filter(|tag| !versions.asks_for(tag)) {
                    unknown.add(Marker::Tag(tag.clone()), false);
                }
                self.remember(key, tags);
            }
        }
        if unknown.0.is_empty() {
            return Ok(());
        }
        let found = self.mget(&unknown.keys(&self.settings.namespace)).await?;
        unknown.fill(found.into_iter());
        versions.0.extend(unknown.0);
        Ok(())
    }

    /// Remembers the tags of an entry.
    pub(super) fn remember<'t>(&self, key: &str, tags: impl Iterator<Item = &'t String> + Clone) {
        match self.shared.tags.get(key) {
            Some(known) if known.iter().eq(tags.clone()) => {}
            None if tags.clone().next().is_none() => {}
            _ => {
                let tags = tags.cloned().collect();
                self.shared.tags.insert(key.to_owned(), tags);
            }
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
            Some(State::Held(claim)) => Some(claim.work),
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
        let mut tries = 0;
        while !versions.is_whole() {
            match self.make(&redis, None, versions).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_ambiguous() && tries < MAX_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The tags with their versions as they were `before`. Those that were not asked for then have the versions they
    /// have now, if no tag was invalidated in between; else there is no telling, and none.
    pub(super) async fn late_pairs(
        &mut self,
        before: &Versions,
        tags: &[String],
    ) -> Option<Vec<(String, String)>> {
        let unknown = tags.iter().filter(|tag| before.of_tag(tag).is_none());
        let unknown: Vec<String> = unknown.cloned().collect();
        if unknown.is_empty() {
            return before.pairs(tags);
        }
        let now = self.versions(&unknown, true).await.ok()?;
        let any = before.get(&Marker::AnyTag)?;
        if now.get(&Marker::AnyTag) != Some(any) {
            return None;
        }
        let of_tag =
            |tag: &String| Some(before.of_tag(tag).or_else(|| now.of_tag(tag))?.to_owned());
        let pair = |tag: &String| Some((tag.clone(), of_tag(tag)?));
        tags.iter().map(pair).collect()
    }

    /// Keeps in memory what Redis had when it was `asked`.
    pub(super) fn keep_in_memory(&self, key: &str, record: &Arc<Record>, asked: Instant) {
        if let Some(memory) = &self.settings.memory {
            memory.keep(key, record, asked, self.generation);
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
    async fn make<'a>(
        &mut self,
        redis: &'a Redis,
        first: Option<Command<'a, bool>>,
        versions: &mut Versions,
    ) -> Result<Option<Result<bool, Error>>, Error> {
        let keys = versions.keys(&self.settings.namespace);
        let missing = versions.0.iter().zip(&keys);
        let missing = missing.filter(|(version, _)| version.is_missing());
        let made: Vec<Command<'a, bool>> = missing
            .map(|(version, key)| {
                let set = redis.command("SET").arg(key).arg(random::name()).arg("NX");
                let set = match version.marker {
                    Marker::Namespace => set,
                    Marker::Tag(_) | Marker::AnyTag => set.arg("PX").arg(TAG_TTL),
                };
                // Never sent twice: others may have loaded by the first one, and somebody deleted it. The same name a
                // second time would make what they loaded valid again.
                set.query::<bool>()
            })
            .collect();
        self.bill(usize::from(first.is_some()) + made.len() + 1);
        let first: Vec<Command<'a, bool>> = first.into_iter().collect();
        let batch = redis.pipeline((first, made, redis.mget::<Found>(&keys)));
        let batch = match self.patient {
            true => batch,
            false => batch.timeout(self.settings.redis_timeout),
        };
        let done = batch.await;
        let (first, made, found) = self.failed(done)?;
        let found = self.failed(found)?;
        for made in made {
            self.failed(made)?;
        }
        versions.fill(found.into_iter().map(Option::unwrap_or_default));
        Ok(first.into_iter().next())
    }

    /// Puts `claim` over what was found, if it is still there. Versions that are missing are made.
    pub(super) async fn claim(
        &mut self,
        key: &str,
        over: &Over,
        claim: &Claim,
        versions: &mut Versions,
    ) -> Result<bool, Error> {
        let redis = self.redis.clone();
        loop {
            let command = self.put_over(&redis, key, over, &claim.text, claim.lease);
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
    ) -> Result<bool, Error> {
        let claim = Claim::new(millis(self.settings.lease()), Work::Load);
        self.bill(1);
        let redis = self.redis.clone();
        let set = redis.set(refresh_key(key, record), &claim.text);
        let done = self.timed(set.px(claim.lease).nx()).await;
        self.failed(done)
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
        let Write {
            key,
            over,
            text,
            life,
        } = self.failed_refresh(key, record);
        // What fails here ends with the lease.
        let _ = self.put(&key, &over, &text, life, None).await;
    }

    /// No refresh of this value is tried from here for a while.
    pub(super) fn pause(&self, record: &Record, time: Duration, failed: bool) {
        let begun = Instant::now();
        let pause = Pause {
            begun,
            time,
            failed,
        };
        self.shared.paused.insert(record.head.id.clone(), pause);
    }

    /// Whether it is paused, and whether that is because it failed.
    pub(super) fn paused(&self, record: &Record) -> Option<bool> {
        let pause = self.shared.paused.get(&record.head.id)?;
        if pause.begun.elapsed() < pause.time {
            return Some(pause.failed);
        }
        self.shared.paused.remove(&record.head.id);
        None
    }

    /// Puts a text over what was found, for `life`, if that is still there. With `check` the versions are read after
    /// it, and whether they are still those comes with it.
    pub(super) async fn put(
        &mut self,
        key: &str,
        over: &Over,
        text: &str,
        life: Duration,
        check: Option<&Versions>,
    ) -> Result<(bool, bool), Error> {
        let redis = self.redis.clone();
        loop {
            let command = self.put_over(&redis, key, over, text, millis(life));
            let (done, same) = match check {
                None => {
                    self.bill(command.billed);
                    (self.timed(command.command).await, true)
                }
                Some(versions) => {
                    self.bill(command.billed + 1);
                    let keys = versions.keys(&self.settings.namespace);
                    let batch = redis.pipeline((command.command, redis.mget::<Found>(&keys)));
                    let batch = match self.patient {
                        true => batch,
                        false => batch.timeout(self.settings.redis_timeout),
                    };
                    let done = batch.await;
                    let (done, found) = self.failed(done)?;
                    let found = self.failed(found)?;
                    let mut now = versions.clone();
                    now.fill(found.into_iter().map(Option::unwrap_or_default));
                    (done, now == *versions)
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
        let mut rest = writes;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|write| {
                bytes += write.text.len() + write.over.len();
                bytes <= MAX_BATCH
            });
            // One that is too large goes alone, and the client tells what is wrong with it.
            let (now, later) = rest.split_at(fits.count().max(1));
            rest = later;
            let puts = now.iter().map(|write| {
                let life = millis(write.life);
                self.put_over(&redis, &write.key, &write.over, &write.text, life)
            });
            let (commands, billed): (Vec<_>, Vec<_>) =
                puts.map(|put| (put.command, put.billed)).unzip();
            self.bill(billed.iter().sum());
            let batch = redis.pipeline(commands);
            let batch = match self.patient {
                true => batch,
                false => batch.timeout(self.settings.redis_timeout),
            };
            let results = batch.await;
            match self.failed(results) {
                Ok(results) => {
                    for (write, result) in now.iter().zip(results) {
                        done.push(match result {
                            Err(error) if self.lacks_ifeq(&error) => {
                                let put = self.put(
                                    &write.key,
                                    &write.over,
                                    &write.text,
                                    write.life,
                                    None,
                                );
                                put.await.map(|(stored, _)| stored)
                            }
                            result => self.failed(result),
                        });
                    }
                }
                Err(error) => done.extend(now.iter().map(|_| Err(error.clone()))),
            }
        }
        done
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

    /// Takes a claim away, if it is still there.
    pub(super) async fn release(&mut self, key: &str, claim: &str) {
        let gone = Claim::new(1, Work::Failed);
        let over = Over::Claim(claim.to_owned());
        let life = Duration::from_millis(1);
        // What fails here ends with the lease.
        let _ = self.put(key, &over, &gone.text, life, None).await;
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
        let lacks = error.is_server() && error.code() == Some("ERR");
        if lacks {
            self.shared.without_ifeq.store(true, Relaxed);
        }
        lacks
    }
}

/// A text that goes over what was found in a key.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) key: String,
    pub(super) over: Over,
    pub(super) text: String,
    pub(super) life: Duration,
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
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
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
