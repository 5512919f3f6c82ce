//! How one value is found: decided first, without the loader, then loaded by whoever holds the claim.

use std::{
    collections::HashSet,
    future::Future,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{
    Codec, Loaded, Previous,
    claims::{self, Hold, Patience},
    decide::{self, Age},
    flight::{Landing, Leader},
    loaded::Content,
    put::{Over, gone},
    record::{Head, Record, Work},
    settings::Call,
    status::Status,
    store::{Op, State, millis},
    versions::{Versions, refresh_key},
};
use crate::{
    Error,
    clock::{self, Instant},
    random,
};

/// How often in a row a claim may be refused where nothing is found: the key may hold another type.
pub(super) const MAX_VAIN: u32 = 8;

/// What a caller is to do.
pub(super) enum Step {
    Done(Arc<Record>, Status),
    Load(Box<Job>),
}

/// A load that this caller has to do.
pub(super) struct Job {
    ticket: Ticket,
    /// As they were before the load.
    versions: Option<Versions>,
    /// When they were asked for.
    asked: Instant,
    /// What was there, whether it may be served or not.
    previous: Option<Arc<Record>>,
    /// What is served if loading fails, or while it goes on.
    pub(super) fallback: Option<(Arc<Record>, Status)>,
    status: Status,
}

/// By what right a value is stored.
enum Ticket {
    /// The claim in the entry's own key.
    Entry(Hold),
    /// The claim of the refresh of this value.
    Refresh(Hold, Arc<Record>),
    /// None: Redis could not be asked.
    None,
}

impl Ticket {
    fn hold(&self) -> Option<&Hold> {
        match self {
            Self::Entry(hold) | Self::Refresh(hold, _) => Some(hold),
            Self::None => None,
        }
    }
}

/// What was loaded and how it is to be stored.
pub(super) struct Product {
    record: Arc<Record>,
    /// How many had come when it was loaded.
    came: usize,
    /// How long it lives in Redis; zero if it is not to be stored.
    life: Duration,
    job: Box<Job>,
}

/// What a load came to.
pub(super) enum Outcome<V> {
    Loaded(V, Product),
    /// It failed, and this is answered in its place.
    Instead(Arc<Record>, Status),
}

impl Product {
    pub(super) fn status(&self) -> Status {
        self.job.status
    }

    pub(super) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Whether it is to be stored.
    pub(super) fn is_kept(&self) -> bool {
        !self.life.is_zero() && self.job.ticket.hold().is_some()
    }
}

/// Finds a value, or the right to load it. `reject` is a value that turned out to be broken.
pub(super) async fn decide(
    op: &mut Op,
    call: &Call,
    leader: Option<&Leader>,
    reject: Option<&str>,
) -> Result<Step, Error> {
    let mut patience = Patience::new(&op.settings);
    // A value past its time that another one loads again.
    let mut watched: Option<Arc<Record>> = None;
    let mut vain = 0;
    let mut waited = false;
    loop {
        let passengers = leader.map(Leader::passengers);
        let asked = Instant::now();
        let seen = op.read(&call.key, &call.tags, call.adaptive, watched.as_deref());
        let mut seen = match seen.await {
            Ok(seen) => seen,
            Err(error) => return unclaimed(op, Some(error)),
        };
        if let (Some(leader), Some(passengers)) = (leader, passengers) {
            leader.seal(passengers);
        }
        let over = match seen.state {
            State::Held(claim) => {
                if let Some(hold) = op.adopt(&call.key, &claim).await {
                    return Ok(entry(op, hold, seen.versions, asked, None).await);
                }
                waited = true;
                if !patience.wait(Some(&claim)).await {
                    return unclaimed(op, None);
                }
                continue;
            }
            State::Valid(record) if reject != Some(&*record.head.id) => {
                let age = call.windows.age(&record.head, op.now());
                let status = match age {
                    Age::Fresh | Age::Stale if waited => Status::Collapsed,
                    Age::Fresh => Status::Hit,
                    Age::Stale => Status::Stale,
                    Age::IfError => Status::StaleIfError,
                    Age::Dead => Status::Miss,
                };
                match age {
                    Age::Fresh | Age::Stale => {
                        op.keep_in_memory(&call.key, &record, asked);
                        if op.is_due(&record, age) && op.paused(&record).is_none() {
                            match op.claim_refresh(&call.key, &record).await {
                                Ok(Some(hold)) => {
                                    let versions = seen.versions;
                                    return Ok(
                                        refresh(op, hold, record, age, versions, asked).await
                                    );
                                }
                                Ok(None) => op.pause(&record, op.settings.lease(), false),
                                Err(_) => {}
                            }
                        }
                        return Ok(Step::Done(record, status));
                    }
                    Age::IfError => {
                        let hold = match seen.refresh {
                            Some(claim) if claim.work == Work::Failed => {
                                op.pause(&record, op.settings.error_backoff, true);
                                return Ok(Step::Done(record, status));
                            }
                            _ if op.paused(&record) == Some(true) => {
                                return Ok(Step::Done(record, status));
                            }
                            Some(claim) => op.adopt(&refresh_key(&call.key, &record), &claim).await,
                            None => match op.claim_refresh(&call.key, &record).await {
                                Ok(hold) => hold,
                                Err(error) if error.is_ambiguous() => None,
                                Err(_) => return Ok(Step::Done(record, status)),
                            },
                        };
                        if let Some(hold) = hold {
                            return Ok(refresh(op, hold, record, age, seen.versions, asked).await);
                        }
                        // Another one loads it. What becomes of that is asked for right away, and then now and then.
                        let is_known = watched.is_some_and(|known| known.head.id == record.head.id);
                        watched = Some(Arc::clone(&record));
                        if is_known {
                            waited = true;
                            if !patience.wait(None).await {
                                return Ok(Step::Done(record, status));
                            }
                        }
                        continue;
                    }
                    Age::Dead => Over::Record(record),
                }
            }
            State::Valid(record) => Over::Record(record),
            State::Over(over) => over,
            State::Vacant => Over::Nothing,
        };
        let hold = op.hold(&call.key, op.new_claim());
        match op.claim(&over, &hold, &mut seen.versions).await {
            Ok(true) => {
                let previous = match over {
                    Over::Record(record) => Some(record),
                    _ => None,
                };
                return Ok(entry(op, hold, seen.versions, asked, previous).await);
            }
            Ok(false) => hold.end(),
            // It may stand there all the same: then the next look finds it, and it is this process'.
            Err(error) if error.is_ambiguous() => drop(hold),
            Err(error) => {
                hold.end();
                return unclaimed(op, Some(error));
            }
        }
        vain += 1;
        if vain >= MAX_VAIN || !patience.wait(None).await {
            return unclaimed(op, None);
        }
    }
}

async fn entry(
    op: &mut Op,
    hold: Hold,
    mut versions: Versions,
    asked: Instant,
    previous: Option<Arc<Record>>,
) -> Step {
    // Nothing to do but where the claim was made by another caller. Without versions the value is not stored.
    let _ = op.complete(&mut versions).await;
    Step::Load(Box::new(Job {
        ticket: Ticket::Entry(hold),
        versions: Some(versions),
        asked,
        previous,
        fallback: None,
        status: Status::Miss,
    }))
}

async fn refresh(
    op: &mut Op,
    hold: Hold,
    record: Arc<Record>,
    age: Age,
    mut versions: Versions,
    asked: Instant,
) -> Step {
    // The caller may name tags that the value has not. Without their versions the new one is not stored.
    let _ = op.complete(&mut versions).await;
    let (status, fallback) = match age {
        Age::Fresh => (Status::Early, Status::Hit),
        Age::Stale => (Status::Refresh, Status::Stale),
        Age::IfError | Age::Dead => (Status::Refresh, Status::StaleIfError),
    };
    Step::Load(Box::new(Job {
        ticket: Ticket::Refresh(hold, Arc::clone(&record)),
        versions: Some(versions),
        asked,
        previous: Some(Arc::clone(&record)),
        fallback: Some((record, fallback)),
        status,
    }))
}

/// The caller loads on its own, and stores nothing; or fails, if that is what was asked for.
fn unclaimed(op: &Op, error: Option<Error>) -> Result<Step, Error> {
    if let (false, Some(error)) = (op.settings.fail_open, error) {
        return Err(error);
    }
    Ok(Step::Load(Box::new(Job {
        ticket: Ticket::None,
        versions: None,
        asked: Instant::now(),
        previous: None,
        fallback: None,
        status: Status::Bypass,
    })))
}

/// Loads, and makes a record of it.
pub(super) async fn load<V, C, F, Fut, E>(
    op: &mut Op,
    call: &Call,
    codec: &C,
    mut job: Box<Job>,
    leader: Option<&Leader>,
    loader: F,
) -> Result<Outcome<V>, Error>
where
    C: Codec<V>,
    F: FnOnce(Option<Previous<V>>) -> Fut,
    Fut: Future<Output = Result<Loaded<V>, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    op.shared.counters.loads.fetch_add(1, Relaxed);
    let previous = match &job.previous {
        Some(record) if call.adaptive => Previous::read(record, codec),
        _ => None,
    };
    if job.status == Status::Early {
        op.shared.counters.early.fetch_add(1, Relaxed);
    }
    // What the source says from now on is not old for anybody who is here.
    let came = leader.map_or(0, Leader::passengers);
    let begun = Instant::now();
    let work = timed(op.settings.loader_timeout, loader(previous));
    let holds: Vec<&Hold> = job.ticket.hold().into_iter().collect();
    let result = claims::while_held(op, &holds, leader, work).await;
    op.report.load = Some(begun.elapsed());
    let loaded = match result {
        Ok(loaded) => loaded,
        Err(error) => {
            op.load_failed(&error);
            return failed(op, call, *job, error).await;
        }
    };
    let tags = tags(&call.tags, &loaded, job.previous.as_deref());
    if let Some(versions) = &mut job.versions {
        op.add_late(versions, &tags).await;
    }
    // Whoever loads it next asks for their versions first.
    op.remember(&call.key, tags.iter());
    let (versions, previous) = (job.versions.as_ref(), job.previous.as_ref());
    match record(op, call, codec, versions, previous, loaded) {
        Ok((value, record, life)) => {
            let record = Arc::new(record);
            Ok(Outcome::Loaded(
                value,
                Product {
                    record,
                    came,
                    life,
                    job,
                },
            ))
        }
        Err(error) => failed(op, call, *job, error).await,
    }
}

/// What a loader gives, in its time.
pub(super) async fn timed<T, E>(
    limit: Option<Duration>,
    load: impl Future<Output = Result<T, E>>,
) -> Result<T, Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let loaded = match limit {
        Some(limit) => match clock::within(limit, load).await {
            Some(loaded) => loaded,
            None => return Err(Error::loader_timeout(limit)),
        },
        None => load.await,
    };
    loaded.map_err(|error| Error::loader(error.into()))
}

/// What is answered where nothing could be loaded.
async fn failed<V>(op: &mut Op, call: &Call, job: Job, error: Error) -> Result<Outcome<V>, Error> {
    match job.ticket {
        Ticket::Entry(hold) => op.release(hold).await,
        Ticket::Refresh(hold, record) => {
            op.refresh_failed(&call.key, &record).await;
            hold.end();
        }
        Ticket::None => {}
    }
    match job.fallback {
        // It is stale, and loading was tried.
        Some((record, Status::Stale)) if !call.windows.if_error.is_zero() => {
            Ok(Outcome::Instead(record, Status::StaleIfError))
        }
        Some((record, status)) => Ok(Outcome::Instead(record, status)),
        None => Err(error),
    }
}

/// The tags of what was loaded: those of the call, of the loader, and of a value that has not changed.
pub(super) fn tags<V>(
    of_call: &[String],
    loaded: &Loaded<V>,
    previous: Option<&Record>,
) -> Vec<String> {
    let before = match loaded.content {
        Content::NotModified => previous.map_or(&[][..], |record| &record.head.tags),
        Content::Value(_) => &[],
    };
    let before = before.iter().map(|(tag, _)| tag);
    let all = of_call.iter().chain(&loaded.tags).chain(before);
    let mut seen = HashSet::new();
    all.filter(|tag| seen.insert(tag.as_str()))
        .cloned()
        .collect()
}

/// The record of what was loaded, and how long it is to live in Redis: zero if it is not to be stored.
pub(super) fn record<V, C: Codec<V>>(
    op: &Op,
    call: &Call,
    codec: &C,
    versions: Option<&Versions>,
    previous: Option<&Arc<Record>>,
    loaded: Loaded<V>,
) -> Result<(V, Record, Duration), Error> {
    let tags = tags(&call.tags, &loaded, previous.map(|record| &**record));
    let mut head = Head::new(String::new());
    head.etag = loaded.etag;
    let (value, payload) = match (loaded.content, previous) {
        (Content::Value(value), _) => {
            let payload = codec.encode(&value)?;
            head.nothing = codec.nothing() == Some(&*payload);
            (value, Ok(payload))
        }
        (Content::NotModified, Some(previous)) => {
            let value = previous
                .payload()
                .and_then(|payload| codec.decode(&payload).ok());
            head.nothing = previous.head.nothing;
            head.etag = head.etag.or_else(|| previous.head.etag.clone());
            (value.ok_or_else(not_modified)?, Err(previous))
        }
        (Content::NotModified, None) => return Err(not_modified()),
    };
    let ttl = match head.nothing {
        true => loaded.negative_ttl.unwrap_or_else(|| {
            let ttl = loaded.ttl.unwrap_or(call.ttl);
            op.settings.negative_ttl(ttl)
        }),
        false => loaded.ttl.unwrap_or(call.ttl),
    };
    let ttl = decide::jittered(decide::sane(ttl), op.settings.jitter, random::unit());
    let window = call.window(head.nothing);
    head.fresh_until = op.now().saturating_add(millis(ttl));
    head.window = clock::whole_millis(window);
    head.load_time = op.report.load.map_or(0, millis);
    // Without a version it could not be told when it is invalidated.
    let pairs = versions.and_then(|versions| {
        let pairs = versions.pairs(&tags)?;
        Some((versions.namespace()?.to_owned(), pairs))
    });
    let mut life = Duration::ZERO;
    if let Some((namespace, tags)) = pairs {
        head.namespace = namespace;
        head.tags = tags;
        if loaded.store && !ttl.is_zero() {
            life = ttl.saturating_add(window);
        }
    }
    let record = match payload {
        Ok(payload) => Record::new(head, payload, op.settings.compress_above),
        Err(previous) => previous.renewed(head),
    };
    Ok((value, record, life))
}

fn not_modified() -> Error {
    Error::encode(
        "the loader says that nothing has changed, and there is no value from before: it may say so only where it was \
         given one",
    )
}

/// Stores what was loaded, if nothing has happened to the entry since the claim, and hands it to those who wait.
///
/// Those who came before it was loaded may have it in any case. Who came while it was loaded may have it only if Redis
/// says, after that, that nothing was invalidated.
///
/// Gives whether it was stored.
pub(super) async fn keep(
    op: &mut Op,
    call: &Call,
    product: Product,
    leader: Option<Leader>,
) -> bool {
    let Product {
        record,
        mut came,
        life,
        job,
    } = product;
    let Job { ticket, asked, .. } = *job;
    let kept = match ticket {
        Ticket::None => None,
        Ticket::Entry(hold) => Some((Over::Claim(hold.text().to_owned()), hold)),
        Ticket::Refresh(hold, old) => Some((Over::Record(old), hold)),
    };
    let stored = match kept {
        None => false,
        Some((over, hold)) if life.is_zero() => {
            // What is not to be kept must not stay as it was either. A claim goes with its release.
            if let Over::Record(_) = &over {
                let _ = op.write(&gone(call.key.clone(), over)).await;
            }
            op.release(hold).await;
            false
        }
        Some(over) => store(op, call, &record, life, over, leader.as_ref(), &mut came).await,
    };
    if stored {
        op.keep_in_memory(&call.key, &record, asked);
    }
    if let Some(leader) = leader {
        leader.seal(came);
        leader.land(Landing::Found(record, Status::Collapsed, stored));
    }
    stored
}

async fn store(
    op: &mut Op,
    call: &Call,
    record: &Arc<Record>,
    life: Duration,
    (over, hold): (Over, Hold),
    leader: Option<&Leader>,
    came: &mut usize,
) -> bool {
    let passengers = leader.map_or(0, Leader::passengers);
    let check = (passengers > *came).then_some(&**record);
    match op.put(&call.key, &over, record.text(), life, check).await {
        Ok((stored, holds)) => {
            hold.end();
            if stored && holds {
                *came = passengers;
            }
            if !stored {
                op.shared.counters.refused.fetch_add(1, Relaxed);
            }
            stored
        }
        Err(error) => {
            // Where it may have been stored, the next one here sees what stands there.
            if !error.is_ambiguous() {
                op.release(hold).await;
            }
            false
        }
    }
}
