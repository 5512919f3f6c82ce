//! [`Entry`]: one key of a cache, with settings for one call.

use std::{fmt, future::Future, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use futures_core::future::BoxFuture;

use super::{
    Cache, Cached, Codec, Decode, Encode, Loaded, Previous, Status,
    decide::{self, Age, Windows},
    flight::{Landing, Leader, Seat},
    load::{self, Job, Outcome, Step},
    record::{Head, Record},
    settings::Call,
    store::{Op, Over, State, millis},
};
use crate::{Error, clock, clock::Instant, random};

/// One key of a cache; see [`Cache::entry`].
///
/// `B` says where a refresh goes: [`Inline`] is the caller that does it, [`Background`] the platform.
#[must_use = "an entry does nothing until one of its calls is awaited"]
pub struct Entry<'a, C, B = Inline> {
    cache: &'a Cache<C>,
    key: String,
    tags: Vec<String>,
    ttl: Option<Duration>,
    windows: Windows,
    background: B,
}

/// A caller that refreshes a value waits for its loader.
#[derive(Clone, Copy, Debug)]
pub struct Inline(());

/// A refresh is handed to the platform.
pub struct Background<S>(S);

impl<S> fmt::Debug for Background<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

impl<C, B> fmt::Debug for Entry<'_, C, B> {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("cache", self.cache)
            .finish_non_exhaustive()
    }
}

impl<'a, C> Entry<'a, C> {
    pub(super) fn new(cache: &'a Cache<C>, key: impl fmt::Display) -> Self {
        Self {
            cache,
            key: cache.settings.key(&key.to_string()),
            tags: Vec::new(),
            ttl: None,
            windows: cache.settings.windows,
            background: Inline(()),
        }
    }

    /// Where a refresh goes that nobody has to wait for, and the write of a value that was loaded:
    /// `|refresh| ctx.wait_until(refresh)` on a Worker, `|refresh| drop(tokio::spawn(refresh))` in a service.
    ///
    /// A caller that finds nothing still waits for the loader.
    pub fn background<S: FnOnce(BoxFuture<'static, ()>)>(
        self,
        spawn: S,
    ) -> Entry<'a, C, Background<S>> {
        let Self {
            cache,
            key,
            tags,
            ttl,
            windows,
            ..
        } = self;
        Entry {
            cache,
            key,
            tags,
            ttl,
            windows,
            background: Background(spawn),
        }
    }
}

impl<C, B> Entry<'_, C, B> {
    /// How long the value is fresh; see [`Cache::ttl`].
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// One more tag by which the value is invalidated.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// The tags of the value, if it is written by this call. A value that is there has those it was written with.
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// See [`Cache::stale_while_revalidate`].
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.windows.revalidate = time;
        self
    }

    /// See [`Cache::stale_if_error`].
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.windows.if_error = time;
        self
    }

    fn call(&self, operation: &'static str, adaptive: bool) -> Call {
        Call {
            operation,
            key: self.key.clone(),
            tags: self.tags.clone(),
            ttl: self.ttl.unwrap_or(self.cache.settings.ttl),
            windows: self.windows,
            adaptive,
        }
    }

    /// See [`Cache::get`].
    pub async fn get<V>(self) -> Result<Option<V>, Error>
    where
        C: Decode<V>,
    {
        let mut op = self.cache.op("get");
        let servable = |op: &Op, record: &Record| {
            matches!(
                self.windows.age(&record.head, op.now()),
                Age::Fresh | Age::Stale
            )
        };
        let record = match op
            .in_memory(&self.key)
            .filter(|record| servable(&op, record))
        {
            Some(record) => {
                op.answered(Status::Memory);
                record
            }
            None => {
                let asked = Instant::now();
                let seen = op.read(&self.key, &self.tags, false, None).await?;
                let State::Valid(record) = seen.state else {
                    return Ok(None);
                };
                if !servable(&op, &record) {
                    return Ok(None);
                }
                op.keep_in_memory(&self.key, &record, asked);
                op.answered(match self.windows.age(&record.head, op.now()) {
                    Age::Fresh => Status::Hit,
                    _ => Status::Stale,
                });
                record
            }
        };
        let value = self.cache.read(&record);
        // That there is nothing is nothing of another type either.
        if value.is_none() && !record.head.nothing {
            op.shared.counters.foreign.fetch_add(1, Relaxed);
        }
        if value.is_none() {
            op.report.status = None;
        }
        Ok(value)
    }

    /// See [`Cache::set`].
    pub async fn set<V: ?Sized>(self, value: &V) -> Result<(), Error>
    where
        C: Encode<V>,
    {
        let payload = self.cache.codec.encode(value)?;
        let mut op = self.cache.op("set");
        op.patient = true;
        let nothing = self.cache.codec.nothing() == Some(&*payload);
        let call = self.call("set", false);
        let Some((ttl, life)) = op.life(&call, nothing) else {
            return self.delete().await;
        };
        let versions = op.versions(&self.tags, false).await?;
        let pairs = versions.pairs(&self.tags).unwrap_or_default();
        let mut head = Head::new(versions.namespace().unwrap_or_default().to_owned());
        head.tags = pairs;
        head.nothing = nothing;
        head.fresh_until = op.now().saturating_add(millis(ttl));
        let record = Record::new(head, payload, op.settings.compress_above);
        let done = op.put(&self.key, &Over::Anything, record.text(), life, None);
        let done = done.await;
        op.forget(Some(&self.key));
        op.remember(&self.key, self.tags.iter());
        done.map(drop)
    }

    /// See [`Cache::delete`].
    pub async fn delete(self) -> Result<(), Error> {
        let mut op = self.cache.op("delete");
        let done = op.unlink(std::slice::from_ref(&self.key)).await;
        op.forget(Some(&self.key));
        done
    }

    /// See [`Cache::touch`].
    pub async fn touch(self) -> Result<bool, Error> {
        let mut op = self.cache.op("touch");
        op.patient = true;
        let seen = op.read(&self.key, &self.tags, false, None).await?;
        let State::Valid(record) = seen.state else {
            return Ok(false);
        };
        let call = self.call("touch", false);
        let Some((ttl, life)) = op.life(&call, record.head.nothing) else {
            return Ok(false);
        };
        let mut head = record.head.clone();
        head.id = random::name();
        head.fresh_until = op.now().saturating_add(millis(ttl));
        let renewed = record.renewed(head);
        let over = Over::Record(record);
        let (stored, _) = op.put(&self.key, &over, renewed.text(), life, None).await?;
        op.forget(Some(&self.key));
        Ok(stored)
    }

    /// See [`Cache::update`].
    pub async fn update<V, F, Fut, E>(self, write: F) -> Result<V, Error>
    where
        C: Codec<V>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut op = self.cache.op("update");
        let call = self.call("update", false);
        super::update::update(&mut op, &call, &self.cache.codec, write).await
    }
}

impl<C> Entry<'_, C> {
    /// See [`Cache::get_or_set`].
    pub async fn get_or_set<V, F, Fut, E>(self, loader: F) -> Result<V, Error>
    where
        C: Codec<V>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.fetch(loader).await.map(|cached| cached.value)
    }

    /// See [`Cache::get_or_set_with`].
    pub async fn get_or_set_with<V, F, Fut, E>(self, loader: F) -> Result<V, Error>
    where
        C: Codec<V>,
        F: FnOnce(Option<Previous<V>>) -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.fetch_with(loader).await.map(|cached| cached.value)
    }

    /// [`get_or_set`](Self::get_or_set) that also tells where the value came from.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::{Cache, Error};
    /// let users = Cache::new(&redis).namespace("user");
    /// let user = users.entry(42).fetch(|| async { Ok::<_, Error>("ada".to_owned()) }).await?;
    /// assert_eq!(user.cache_status("users"), "users; fwd=uri-miss; stored");
    /// # Ok(()) });
    /// ```
    pub async fn fetch<V, F, Fut, E>(self, loader: F) -> Result<Cached<V>, Error>
    where
        C: Codec<V>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let call = self.call("get_or_set", false);
        let load = |_| async { loader().await.map(Loaded::new) };
        fetch(self.cache, &call, load).await
    }

    /// [`get_or_set_with`](Self::get_or_set_with) that also tells where the value came from.
    pub async fn fetch_with<V, F, Fut, E>(self, loader: F) -> Result<Cached<V>, Error>
    where
        C: Codec<V>,
        F: FnOnce(Option<Previous<V>>) -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let call = self.call("get_or_set_with", true);
        fetch(self.cache, &call, loader).await
    }
}

/// With a refresh in the background, what loads has to be able to live there: `'static`, and `Send`.
impl<C, S: FnOnce(BoxFuture<'static, ()>)> Entry<'_, C, Background<S>> {
    /// See [`Cache::get_or_set`].
    pub async fn get_or_set<V, F, Fut, E>(self, loader: F) -> Result<V, Error>
    where
        C: Codec<V> + Clone + Send + Sync + 'static,
        V: Send + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        self.fetch(loader).await.map(|cached| cached.value)
    }

    /// See [`Cache::get_or_set_with`].
    pub async fn get_or_set_with<V, F, Fut, E>(self, loader: F) -> Result<V, Error>
    where
        C: Codec<V> + Clone + Send + Sync + 'static,
        V: Send + 'static,
        F: FnOnce(Option<Previous<V>>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        self.fetch_with(loader).await.map(|cached| cached.value)
    }

    /// [`get_or_set`](Self::get_or_set) that also tells where the value came from.
    pub async fn fetch<V, F, Fut, E>(self, loader: F) -> Result<Cached<V>, Error>
    where
        C: Codec<V> + Clone + Send + Sync + 'static,
        V: Send + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        let call = self.call("get_or_set", false);
        let load = |_| async { loader().await.map(Loaded::new) };
        fetch_behind(self.cache, call, load, self.background.0).await
    }

    /// [`get_or_set_with`](Self::get_or_set_with) that also tells where the value came from.
    pub async fn fetch_with<V, F, Fut, E>(self, loader: F) -> Result<Cached<V>, Error>
    where
        C: Codec<V> + Clone + Send + Sync + 'static,
        V: Send + 'static,
        F: FnOnce(Option<Previous<V>>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
    {
        let call = self.call("get_or_set_with", true);
        fetch_behind(self.cache, call, loader, self.background.0).await
    }
}

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
    let mut alone = !op.settings.single_flight;
    // A value that is broken, or of another type.
    let mut reject: Option<String> = None;
    loop {
        let reject_now = reject.as_deref();
        let seat = match alone {
            true => None,
            false => Some(op.shared.flights.board(&call.key)),
        };
        let (record, status) = match seat {
            None => match load::decide(op, call, None, reject_now).await? {
                Step::Done(record, status) => (record, status),
                Step::Load(job) => return Ok(Begun::Load(job, None)),
            },
            Some(Seat::Lead(mut leader)) => {
                // Those who are about to ask for the same may come along.
                clock::yield_once().await;
                match load::decide(op, call, Some(&mut leader), reject_now).await {
                    Ok(Step::Done(record, status)) => {
                        leader.land(Landing::Found(Arc::clone(&record), status));
                        (record, status)
                    }
                    Ok(Step::Load(job)) => {
                        // Nobody else has to wait where there is something to serve.
                        if let Some((record, status @ (Status::Hit | Status::Stale))) =
                            &job.fallback
                        {
                            leader.land(Landing::Found(Arc::clone(record), *status));
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
            Some(Seat::Follow(follower)) => match follower.wait(op.settings.lease()).await {
                Some(Landing::Found(record, status)) => (record, status),
                Some(Landing::Failed(error)) => return Err(error),
                Some(Landing::Again) => continue,
                // Whoever leads is not polled any more.
                None => {
                    alone = true;
                    continue;
                }
            },
        };
        match cache.cached(op, &record, status) {
            Some(cached) => return Ok(Begun::Done(cached)),
            None => {
                op.shared.counters.foreign.fetch_add(1, Relaxed);
                op.forget(Some(&call.key));
                reject = Some(record.head.id.clone());
            }
        }
    }
}

async fn fetch<V, C, F, Fut, E>(
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
    match load::load(op, call, &cache.codec, job, loader).await {
        Ok(Outcome::Loaded(value, product)) => {
            op.answered(product.status());
            let stored = load::keep(op, call, &product, leader).await;
            let ttl = product.record().filter(|_| stored);
            Ok(Cached {
                value,
                status: product.status(),
                ttl: ttl.map(|record| op.left(record)),
            })
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
        leader.land(Landing::Found(Arc::clone(record), status));
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

async fn fetch_behind<V, C, F, Fut, E>(
    cache: &Cache<C>,
    call: Call,
    loader: F,
    spawn: impl FnOnce(BoxFuture<'static, ()>),
) -> Result<Cached<V>, Error>
where
    C: Codec<V> + Clone + Send + Sync + 'static,
    V: Send + 'static,
    F: FnOnce(Option<Previous<V>>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let mut op = cache.op(call.operation);
    let (job, leader) = match begin(cache, &mut op, &call).await? {
        Begun::Done(cached) => return Ok(cached),
        Begun::Load(job, leader) => (job, leader),
    };
    if let Some((record, status @ (Status::Hit | Status::Stale))) = &job.fallback
        && let Some(cached) = cache.cached(&mut op, record, *status)
    {
        let cache = cache.clone();
        spawn(Box::pin(async move {
            // Who refreshes it has its answer; what fails here is counted.
            let outcome = load::load(&mut op, &call, &cache.codec, job, loader).await;
            if let Ok(Outcome::Loaded(_, product)) = outcome {
                load::keep(&mut op, &call, &product, leader).await;
            }
        }));
        return Ok(cached);
    }
    match load::load(&mut op, &call, &cache.codec, job, loader).await {
        Ok(Outcome::Loaded(value, product)) => {
            op.answered(product.status());
            let cached = Cached {
                value,
                status: product.status(),
                ttl: product.record().map(|record| op.left(record)),
            };
            spawn(Box::pin(async move {
                load::keep(&mut op, &call, &product, leader).await;
            }));
            Ok(cached)
        }
        Ok(Outcome::Instead(record, status)) => instead(cache, &mut op, leader, &record, status),
        Err(error) => Err(lost(leader, error)),
    }
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

impl Op {
    pub(super) fn in_memory(&self, key: &str) -> Option<Arc<Record>> {
        self.settings.memory.as_ref()?.get(key)
    }

    /// For how many seconds a value is fresh.
    fn left(&self, record: &Record) -> i64 {
        let millis = i128::from(record.head.fresh_until) - i128::from(self.now());
        i64::try_from(millis.div_euclid(1000)).unwrap_or(i64::MAX)
    }

    /// How long a value is fresh, and how long it lives in Redis; `None` if it is not to be kept.
    pub(super) fn life(&self, call: &Call, nothing: bool) -> Option<(Duration, Duration)> {
        let ttl = match nothing {
            true => self.settings.negative_ttl(call.ttl),
            false => call.ttl,
        };
        let ttl = decide::jittered(ttl, self.settings.jitter, random::unit());
        let window = call.windows.revalidate.max(call.windows.if_error);
        (!ttl.is_zero()).then(|| (ttl, ttl.saturating_add(window)))
    }
}
