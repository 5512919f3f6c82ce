//! One call of `get_or_set`: alone or with others, and then the load, in the call or behind it.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use super::{
    Cache, Cached, Codec, Decode, Loaded, Previous, Status,
    decide::Age,
    flight::{Landing, Leader, Route, Seat},
    load::{self, Job, Outcome, Product, Step},
    record::Record,
    settings::Call,
    store::Op,
};
use crate::{Error, clock};

/// What a caller has found, or has to load.
enum Begun<V> {
    Done(Cached<V>),
    Load(Box<Job>, Option<Leader>),
}

/// Finds a value, alone or with others of this process, or the right to load it.
async fn begin<V, C: Codec<V>>(
    cache: &Cache<C>,
    op: &mut Op,
    call: &Call,
) -> Result<Begun<V>, Error> {
    if let Some(record) = op.in_memory(&call.key)
        && call.windows.age(&record.head, op.now()) == Age::Fresh
        && let Some(cached) = cache.cached(op, &record, Status::Memory)
    {
        return Ok(Begun::Done(cached));
    }
    // A value that is broken, or of another type.
    let mut reject: Option<String> = None;
    loop {
        let reject_now = reject.as_deref();
        let seat = match op.settings.single_flight {
            true => Some(op.shared.flights.board(Route {
                key: call.key.clone(),
                windows: call.windows,
                fail_open: op.settings.fail_open,
            })),
            false => None,
        };
        let mut kept = true;
        let (record, status) = match seat {
            None => match load::decide(op, call, None, reject_now).await? {
                Step::Done(record, status) => (record, status),
                Step::Load(job) => return Ok(Begun::Load(job, None)),
            },
            Some(Seat::Lead(leader)) => {
                // Those who are about to ask for the same may come along.
                clock::yield_once().await;
                match load::decide(op, call, Some(&leader), reject_now).await {
                    Ok(Step::Done(record, status)) => {
                        leader.land(Landing::Found(Arc::clone(&record), status, true));
                        (record, status)
                    }
                    Ok(Step::Load(job)) => {
                        // Nobody else has to wait where there is something to serve.
                        if let Some((record, status @ (Status::Hit | Status::Stale))) =
                            &job.fallback
                        {
                            leader.land(Landing::Found(Arc::clone(record), *status, true));
                            return Ok(Begun::Load(job, None));
                        }
                        return Ok(Begun::Load(job, Some(leader)));
                    }
                    Err(error) => {
                        leader.land(Landing::Failed(error.clone()));
                        return Err(error);
                    }
                }
            }
            Some(Seat::Follow(follower)) => {
                let settings = &op.settings;
                let silence = settings.lease().saturating_add(settings.redis_timeout);
                match follower.wait(silence).await {
                    Landing::Found(record, status, stored) => {
                        kept = stored;
                        (record, status)
                    }
                    Landing::Failed(error) => return Err(error),
                    Landing::Again => continue,
                }
            }
        };
        match cache.cached(op, &record, status) {
            Some(mut cached) => {
                cached.ttl = cached.ttl.filter(|_| kept);
                return Ok(Begun::Done(cached));
            }
            None => {
                op.shared.counters.foreign.fetch_add(1, Relaxed);
                op.forget(Some(&call.key));
                reject = Some(record.head.id.clone());
            }
        }
    }
}

pub(super) async fn fetch<V, C, F, Fut, E>(
    cache: &Cache<C>,
    call: &Call,
    loader: F,
) -> Result<Cached<V>, Error>
where
    C: Codec<V>,
    F: FnOnce(Option<Previous<V>>) -> Fut,
    Fut: Future<Output = Result<Loaded<V>, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut op = cache.op(call.operation);
    match begin(cache, &mut op, call).await? {
        Begun::Done(cached) => Ok(cached),
        Begun::Load(job, leader) => work(cache, &mut op, call, job, leader, loader).await,
    }
}

/// Loads and stores.
async fn work<V, C, F, Fut, E>(
    cache: &Cache<C>,
    op: &mut Op,
    call: &Call,
    job: Box<Job>,
    leader: Option<Leader>,
    loader: F,
) -> Result<Cached<V>, Error>
where
    C: Codec<V>,
    F: FnOnce(Option<Previous<V>>) -> Fut,
    Fut: Future<Output = Result<Loaded<V>, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let outcome = load::load(op, call, &cache.codec, job, leader.as_ref(), loader).await;
    match outcome {
        Ok(Outcome::Loaded(value, product)) => {
            let mut cached = op.loaded(value, &product);
            if !load::keep(op, call, product, leader).await {
                cached.ttl = None;
            }
            Ok(cached)
        }
        Ok(Outcome::Instead(record, status)) => instead(cache, op, leader, &record, status),
        Err(error) => Err(lost(leader, error)),
    }
}

/// What is answered where loading failed, to all who wait.
fn instead<V, C: Codec<V>>(
    cache: &Cache<C>,
    op: &mut Op,
    leader: Option<Leader>,
    record: &Arc<Record>,
    status: Status,
) -> Result<Cached<V>, Error> {
    if let Some(leader) = leader {
        leader.land(Landing::Found(Arc::clone(record), status, true));
    }
    cache.cached(op, record, status).ok_or_else(|| {
        Error::decode("the loader failed, and the value from before is not of the type asked for")
    })
}

fn lost(leader: Option<Leader>, error: Error) -> Error {
    if let Some(leader) = leader {
        leader.land(Landing::Failed(error.clone()));
    }
    error
}

/// The value, and what is left to do behind the answer.
pub(super) async fn fetch_behind<V, C, F, Fut, E>(
    cache: &Cache<C>,
    call: Call,
    loader: F,
) -> Result<
    (
        Cached<V>,
        Option<impl Future<Output = ()> + use<V, C, F, Fut, E>>,
    ),
    Error,
>
where
    C: Codec<V> + Clone,
    F: FnOnce(Option<Previous<V>>) -> Fut,
    Fut: Future<Output = Result<Loaded<V>, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// A refresh, or the write of what was loaded.
    enum Rest<F> {
        Refresh(Box<Job>, F),
        Keep(Product),
    }
    let mut op = cache.op(call.operation);
    let (job, leader) = match begin(cache, &mut op, &call).await? {
        Begun::Done(cached) => return Ok((cached, None)),
        Begun::Load(job, leader) => (job, leader),
    };
    let served = match &job.fallback {
        Some((record, status @ (Status::Hit | Status::Stale))) => {
            cache.cached(&mut op, record, *status)
        }
        _ => None,
    };
    let (cached, rest) = match served {
        Some(cached) => (cached, Rest::Refresh(job, loader)),
        None => {
            let loaded = load::load(&mut op, &call, &cache.codec, job, leader.as_ref(), loader);
            match loaded.await {
                Ok(Outcome::Loaded(value, product)) => {
                    (op.loaded(value, &product), Rest::Keep(product))
                }
                Ok(Outcome::Instead(record, status)) => {
                    let cached = instead(cache, &mut op, leader, &record, status)?;
                    return Ok((cached, None));
                }
                Err(error) => return Err(lost(leader, error)),
            }
        }
    };
    let codec = cache.codec.clone();
    let rest = async move {
        let product = match rest {
            Rest::Keep(product) => product,
            Rest::Refresh(job, loader) => {
                let outcome = load::load(&mut op, &call, &codec, job, leader.as_ref(), loader);
                // Who refreshes it has its answer; what fails here is counted.
                let Ok(Outcome::Loaded(_, product)) = outcome.await else {
                    return;
                };
                product
            }
        };
        load::keep(&mut op, &call, product, leader).await;
    };
    Ok((cached, Some(rest)))
}

impl<C> Cache<C> {
    /// The value of a record; `None` if it is broken or of another type.
    pub(super) fn read<V>(&self, record: &Record) -> Option<V>
    where
        C: Decode<V>,
    {
        self.codec.decode(&record.payload()?).ok()
    }

    fn cached<V>(&self, op: &mut Op, record: &Record, status: Status) -> Option<Cached<V>>
    where
        C: Decode<V>,
    {
        let value = self.read(record)?;
        op.answered(status);
        Some(Cached {
            value,
            status,
            ttl: Some(op.left(record)),
        })
    }
}
