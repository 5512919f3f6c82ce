//! How one value is found: decided first, without the loader, then loaded by whoever holds the claim.

use std::{future::Future, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use super::{
    Codec, Loaded, Previous,
    decide::{self, Age},
    flight::{Landing, Leader},
    loaded::Content,
    record::{Claim, Head, Record, Work},
    settings::Call,
    status::Status,
    store::{Op, Over, State, Versions, millis},
};
use crate::{
    Error,
    clock::{self, Instant},
    random,
};

/// How often in a row a claim may be refused where nothing is found: the key may hold another type.
const MAX_VAIN: u32 = 8;

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
    /// What was there, whether it may be served or not.
    previous: Option<Arc<Record>>,
    /// What is served if loading fails, or while it goes on.
    pub(super) fallback: Option<(Arc<Record>, Status)>,
    status: Status,
}

/// By what right a value is stored.
enum Ticket {
    /// The text of the claim in the entry's own key.
    Claim(String),
    /// The refresh of this value.
    Refresh(Arc<Record>),
    /// None: Redis could not be asked.
    None,
}

/// What was loaded and how it is to be stored.
pub(super) struct Product {
    record: Option<Arc<Record>>,
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

    pub(super) fn record(&self) -> Option<&Record> {
        self.record.as_deref()
    }
}

/// Waiting for the load of another.
pub(super) struct Patience {
    begun: Instant,
    limit: Duration,
    polls: u32,
    /// The claim that is waited for, and since when.
    claim: Option<(String, Instant)>,
}

impl Patience {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            begun: Instant::now(),
            // Somebody else may take over once; who waits longer loads on his own.
            limit: lease * 2,
            polls: 0,
            claim: None,
        }
    }

    /// Waits a little, and not beyond the end of the claim; false if it has been too long.
    pub(super) async fn wait(&mut self, claim: Option<&Claim>) -> bool {
        if self.begun.elapsed() >= self.limit {
            return false;
        }
        let mut wait = decide::poll(self.polls, random::unit());
        self.polls += 1;
        if let Some(claim) = claim {
            let known = self.claim.take().filter(|(text, _)| *text == claim.text);
            let (text, since) = known.unwrap_or_else(|| (claim.text.clone(), Instant::now()));
            let left = Duration::from_millis(claim.lease + 2).saturating_sub(since.elapsed());
            // A claim that outlives its lease, as a clock has it, is looked at as any other.
            if !left.is_zero() {
                wait = wait.min(left);
            }
            self.claim = Some((text, since));
        }
        clock::sleep(wait).await;
        true
    }
}

/// Finds a value, or the right to load it. `reject` is a value that turned out to be broken.
pub(super) async fn decide(
    op: &mut Op,
    call: &Call,
    mut leader: Option<&mut Leader>,
    reject: Option<&str>,
) -> Result<Step, Error> {
    let lease = op.settings.lease();
    let mut patience = Patience::new(lease);
    let mut watched: Option<Arc<Record>> = None;
    let mut mine: Option<String> = leader.as_mut().and_then(|leader| leader.claim.take());
    let mut vain = 0;
    let mut waited = false;
    let hit = |waited, status| if waited { Status::Collapsed } else { status };
    loop {
        if let Some(leader) = &leader {
            leader.seal();
        }
        let asked = Instant::now();
        let seen = op.read(&call.key, &call.tags, call.adaptive, watched.as_deref());
        let mut seen = match seen.await {
            Ok(seen) => seen,
            Err(error) => return unclaimed(op, Some(error)),
        };
        let over = match seen.state {
            State::Held(claim) if mine.as_deref() == Some(&*claim.text) => {
                return Ok(held(claim.text, seen.versions, None, leader));
            }
            State::Held(claim) => {
                waited = true;
                if !patience.wait(Some(&claim)).await {
                    return unclaimed(op, None);
                }
                continue;
            }
            State::Valid(record) if reject != Some(&*record.head.id) => {
                let now = op.now();
                let age = call.windows.age(&record.head, now);
                let status = match age {
                    Age::Fresh => Status::Hit,
                    Age::Stale => Status::Stale,
                    Age::IfError => Status::StaleIfError,
                    Age::Dead => Status::Miss,
                };
                let paused = op.paused(&record);
                match age {
                    Age::Fresh | Age::Stale => {
                        let beta = op.settings.beta;
                        let due = age == Age::Stale
                            || decide::is_due(&record.head, now, beta, random::unit());
                        op.keep_in_memory(&call.key, &record, asked);
                        if due && paused.is_none() {
                            match op.claim_refresh(&call.key, &record).await {
                                Ok(true) => {
                                    return Ok(refresh(op, record, status, seen.versions).await);
                                }
                                Ok(false) => op.pause(&record, lease, false),
                                Err(_) => {}
                            }
                        }
                        return Ok(Step::Done(record, hit(waited, status)));
                    }
                    Age::IfError => {
                        if seen.refresh == Some(Work::Failed) {
                            op.pause(&record, op.settings.error_backoff, true);
                            return Ok(Step::Done(record, status));
                        }
                        if paused == Some(true) {
                            return Ok(Step::Done(record, status));
                        }
                        if seen.refresh.is_none() {
                            match op.claim_refresh(&call.key, &record).await {
                                Ok(true) => {
                                    return Ok(refresh(op, record, status, seen.versions).await);
                                }
                                Ok(false) => {}
                                Err(_) => return Ok(Step::Done(record, status)),
                            }
                        }
                        // Another one loads it. What it is over may be asked for right away.
                        let first = watched.is_none();
                        watched = Some(Arc::clone(&record));
                        if first {
                            continue;
                        }
                        waited = true;
                        if !patience.wait(None).await {
                            return Ok(Step::Done(record, status));
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
        let claim = Claim::new(millis(lease), Work::Load);
        mine = Some(claim.text.clone());
        match op.claim(&call.key, &over, &claim, &mut seen.versions).await {
            Ok(true) => {
                let previous = match over {
                    Over::Record(record) => Some(record),
                    _ => None,
                };
                return Ok(held(claim.text, seen.versions, previous, leader));
            }
            Ok(false) => {}
            // It may stand there all the same, which the next look tells.
            Err(error) if error.is_ambiguous() => {}
            Err(error) => return unclaimed(op, Some(error)),
        }
        vain += 1;
        if vain >= MAX_VAIN || !patience.wait(None).await {
            return unclaimed(op, None);
        }
    }
}

fn held(
    claim: String,
    versions: Versions,
    previous: Option<Arc<Record>>,
    leader: Option<&mut Leader>,
) -> Step {
    if let Some(leader) = leader {
        leader.claim = Some(claim.clone());
    }
    Step::Load(Box::new(Job {
        ticket: Ticket::Claim(claim),
        versions: Some(versions),
        previous,
        fallback: None,
        status: Status::Miss,
    }))
}

async fn refresh(op: &mut Op, record: Arc<Record>, status: Status, mut versions: Versions) -> Step {
    // The caller may name tags that the value has not. Without their versions the new one is not stored.
    let _ = op.complete(&mut versions).await;
    Step::Load(Box::new(Job {
        ticket: Ticket::Refresh(Arc::clone(&record)),
        versions: Some(versions),
        previous: Some(Arc::clone(&record)),
        status: match status {
            Status::Hit => Status::Early,
            _ => Status::Refresh,
        },
        fallback: Some((record, status)),
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
    job: Box<Job>,
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
    let begun = Instant::now();
    let result = match op.settings.loader_timeout {
        Some(limit) => match clock::within(limit, loader(previous)).await {
            Some(result) => result.map_err(|error| Error::loader(error.into())),
            None => Err(Error::loader_timeout(limit)),
        },
        None => loader(previous)
            .await
            .map_err(|error| Error::loader(error.into())),
    };
    let load_time = begun.elapsed();
    op.report.load = Some(load_time);
    let loaded = match result {
        Ok(loaded) => loaded,
        Err(error) => {
            op.report.load_failed = true;
            op.shared.counters.load_errors.fetch_add(1, Relaxed);
            return failed(op, call, *job, error).await;
        }
    };
    match record(op, call, codec, &job, loaded, load_time).await {
        Ok((value, record, life)) => {
            let record = record.map(Arc::new);
            Ok(Outcome::Loaded(value, Product { record, life, job }))
        }
        Err(error) => failed(op, call, *job, error).await,
    }
}

/// What is answered where nothing could be loaded.
async fn failed<V>(op: &mut Op, call: &Call, job: Job, error: Error) -> Result<Outcome<V>, Error> {
    match job.ticket {
        Ticket::Claim(claim) => op.release(&call.key, &claim).await,
        Ticket::Refresh(record) => op.refresh_failed(&call.key, &record).await,
        Ticket::None => {}
    }
    match job.fallback {
        // It is stale, and loading was tried.
        Some((record, Status::Stale)) if call.windows.if_error.is_zero() => {
            Ok(Outcome::Instead(record, Status::Stale))
        }
        Some((record, Status::Stale)) => Ok(Outcome::Instead(record, Status::StaleIfError)),
        Some((record, status)) => Ok(Outcome::Instead(record, status)),
        None => Err(error),
    }
}

/// The record of what was loaded, and how long it is to live in Redis.
async fn record<V, C: Codec<V>>(
    op: &mut Op,
    call: &Call,
    codec: &C,
    job: &Job,
    loaded: Loaded<V>,
    load_time: Duration,
) -> Result<(V, Option<Record>, Duration), Error> {
    let Loaded {
        content,
        ttl,
        negative_ttl,
        tags: more,
        etag,
        store,
    } = loaded;
    let mut tags = call.tags.clone();
    tags.extend(more);
    tags.sort_unstable();
    tags.dedup();
    let (value, payload) = match content {
        Content::Value(value) => {
            let payload = codec.encode(&value)?;
            (value, Some(payload))
        }
        Content::NotModified => {
            let previous = job.previous.as_deref();
            let value = previous
                .and_then(|record| codec.decode(&record.payload()?).ok())
                .ok_or_else(|| {
                    Error::encode(
                        "the loader says that nothing has changed, and there is no value from before: it may say so only \
                         where it was given one",
                    )
                })?;
            (value, None)
        }
    };
    let nothing = match (&payload, &job.previous) {
        (Some(payload), _) => codec.nothing() == Some(&**payload),
        (None, previous) => previous.as_ref().is_some_and(|record| record.head.nothing),
    };
    let ttl = match (nothing, negative_ttl) {
        (true, Some(ttl)) => ttl,
        (true, None) => op.settings.negative_ttl(ttl.unwrap_or(call.ttl)),
        (false, _) => ttl.unwrap_or(call.ttl),
    };
    let ttl = decide::jittered(ttl, op.settings.jitter, random::unit());
    let store = store && !ttl.is_zero();
    let pairs = match &job.versions {
        Some(versions) if store => op.late_pairs(versions, &tags).await,
        // What is not stored is not invalidated either.
        _ => None,
    };
    let mut head = Head::new(String::new());
    if let (Some(pairs), Some(versions)) = (&pairs, &job.versions) {
        head.namespace = versions.namespace().unwrap_or_default().to_owned();
        head.tags.clone_from(pairs);
    }
    head.nothing = nothing;
    head.fresh_until = op.now().saturating_add(millis(ttl));
    head.load_time = millis(load_time);
    head.etag = etag.or_else(|| match payload {
        Some(_) => None,
        None => job.previous.as_ref()?.head.etag.clone(),
    });
    let record = match (payload, &job.previous) {
        (Some(payload), _) => Some(Record::new(head, payload, op.settings.compress_above)),
        (None, Some(previous)) => Some(previous.renewed(head)),
        (None, None) => None,
    };
    // With a version missing it could not be told when it is invalidated.
    let life = match pairs {
        Some(_) => ttl.saturating_add(call.windows.revalidate.max(call.windows.if_error)),
        None => Duration::ZERO,
    };
    Ok((value, record, life))
}

/// Stores what was loaded, if nothing has happened to the entry since the claim, and hands it to those who wait.
///
/// Gives whether it was stored.
pub(super) async fn keep(
    op: &mut Op,
    call: &Call,
    product: &Product,
    leader: Option<Leader>,
) -> bool {
    let found = |leader: Leader| {
        leader.land(match &product.record {
            Some(record) => Landing::Found(Arc::clone(record), Status::Collapsed),
            None => Landing::Again,
        });
    };
    let over = match (&product.job.ticket, &product.record) {
        (Ticket::None, _) | (_, None) => {
            // Nobody was asked whether it was invalidated meanwhile: it is for those who came before Redis was last
            // asked, and the others begin anew, as one.
            leader.map(found);
            return false;
        }
        (ticket, _) if product.life.is_zero() => {
            if let Ticket::Claim(claim) = ticket {
                op.release(&call.key, claim).await;
            }
            // For those who came before it was loaded: the seal is that of the claim.
            leader.map(found);
            return false;
        }
        (Ticket::Claim(claim), _) => Over::Claim(claim.clone()),
        (Ticket::Refresh(record), _) => Over::Record(Arc::clone(record)),
    };
    let Some(record) = &product.record else {
        return false;
    };
    // First the seal: who comes between the two would be handed a value that nothing was checked for.
    if let Some(leader) = &leader {
        leader.seal();
    }
    // Whoever came while it was loaded may rely on it only if nothing was invalidated meanwhile.
    let check = match &leader {
        Some(leader) if leader.is_followed() => product.job.versions.as_ref(),
        _ => None,
    };
    let asked = Instant::now();
    let done = op
        .put(&call.key, &over, record.text(), product.life, check)
        .await;
    match done {
        Ok((true, same)) => {
            op.remember(&call.key, record.head.tags.iter().map(|(tag, _)| tag));
            op.keep_in_memory(&call.key, record, asked);
            match same {
                true => leader.map(found),
                false => leader.map(|leader| leader.land(Landing::Again)),
            };
            true
        }
        Ok((false, _)) => {
            op.shared.counters.refused.fetch_add(1, Relaxed);
            if let Some(leader) = leader {
                leader.land(Landing::Again);
            }
            false
        }
        // Whether it was invalidated is not known. One of them asks again.
        Err(_) => {
            if let Some(leader) = leader {
                leader.land(Landing::Again);
            }
            false
        }
    }
}
