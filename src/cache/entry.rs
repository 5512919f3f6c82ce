//! [`Entry`]: one key of a cache, with settings for one call.

use std::{
    fmt,
    future::Future,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{
    Cache, Cached, Codec, Decode, Encode, Loaded, Previous, Status,
    decide::{self, Age, Windows},
    fetch::fetch,
    load::Product,
    put::Over,
    record::{Head, Record},
    settings::Call,
    store::{Op, State, millis},
    versions::Versions,
};
use crate::{
    Error,
    clock::{self, Instant},
    random,
};

/// One key of a cache; see [`Cache::entry`].
///
/// `B` says where a refresh goes: [`Inline`] is the caller that does it, [`Background`](super::Background) the platform.
#[must_use = "an entry does nothing until one of its calls is awaited"]
pub struct Entry<'a, C, B = Inline> {
    pub(super) cache: &'a Cache<C>,
    key: String,
    tags: Vec<String>,
    ttl: Option<Duration>,
    windows: Windows,
    pub(super) background: B,
}

/// A caller that refreshes a value waits for its loader.
#[derive(Clone, Copy, Debug)]
pub struct Inline(());

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
}

impl<'a, C, B> Entry<'a, C, B> {
    pub(super) fn over<T>(self, background: T) -> (Entry<'a, C, T>, B) {
        let Self {
            cache,
            key,
            tags,
            ttl,
            windows,
            background: before,
        } = self;
        let entry = Entry {
            cache,
            key,
            tags,
            ttl,
            windows,
            background,
        };
        (entry, before)
    }
}

impl<C, B> Entry<'_, C, B> {
    /// How long the value is fresh; see [`Cache::ttl`].
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(decide::sane(ttl));
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
        self.windows.revalidate = decide::sane(time);
        self
    }

    /// See [`Cache::stale_if_error`].
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.windows.if_error = decide::sane(time);
        self
    }

    pub(super) fn call(&self, operation: &'static str, adaptive: bool) -> Call {
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
        let found = op.look(&self.key, &self.tags, self.windows).await?;
        let found = found.and_then(|(record, status)| {
            let value = self.cache.read(&record);
            // That there is nothing is nothing of another type either.
            if value.is_none() && !record.head.nothing {
                op.shared.counters.foreign.fetch_add(1, Relaxed);
            }
            Some((value?, status))
        });
        match found {
            Some((value, status)) => {
                op.answered(status);
                Ok(Some(value))
            }
            None => {
                op.shared.counters.misses.fetch_add(1, Relaxed);
                Ok(None)
            }
        }
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
        let versions = op.versions(&self.tags, false).await?;
        let head = op.head(&call, nothing, &versions);
        let (Some((mut head, life)), Some(pairs)) = (head, versions.pairs(&self.tags)) else {
            // What is not to be kept, or could not be invalidated, must not stay as it was either.
            return self.delete().await;
        };
        head.tags = pairs;
        let record = Record::new(head, payload, op.settings.compress_above);
        let done = op
            .put(&self.key, &Over::Anything, record.text(), life, None)
            .await;
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
        let Some((mut head, life)) = op.head(&call, record.head.nothing, &seen.versions) else {
            return Ok(false);
        };
        head.load_time = record.head.load_time;
        head.etag.clone_from(&record.head.etag);
        head.tags.clone_from(&record.head.tags);
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

impl Op {
    pub(super) fn in_memory(&self, key: &str) -> Option<Arc<Record>> {
        self.settings.memory.as_ref()?.get(key)
    }

    /// For how many seconds a value is fresh.
    pub(super) fn left(&self, record: &Record) -> i64 {
        let millis = i128::from(record.head.fresh_until) - i128::from(self.now());
        i64::try_from(millis.div_euclid(1000)).unwrap_or(i64::MAX)
    }

    /// What a caller has that loaded.
    pub(super) fn loaded<V>(&mut self, value: V, product: &Product) -> Cached<V> {
        self.answered(product.status());
        let ttl = product.is_kept().then(|| self.left(product.record()));
        Cached {
            value,
            status: product.status(),
            ttl,
        }
    }

    /// An entry that may be served, in memory or in Redis.
    async fn look(
        &mut self,
        key: &str,
        tags: &[String],
        windows: Windows,
    ) -> Result<Option<(Arc<Record>, Status)>, Error> {
        if let Some(record) = self.in_memory(key) {
            return Ok(Some((record, Status::Memory)));
        }
        let asked = Instant::now();
        let State::Valid(record) = self.read(key, tags, false, None).await?.state else {
            return Ok(None);
        };
        let status = match windows.age(&record.head, self.now()) {
            Age::Fresh => Status::Hit,
            Age::Stale => Status::Stale,
            Age::IfError | Age::Dead => return Ok(None),
        };
        self.keep_in_memory(key, &record, asked);
        Ok(Some((record, status)))
    }

    /// The head of a value that is stored now, and how long it lives in Redis; `None` if it is not to be kept.
    pub(super) fn head(
        &self,
        call: &Call,
        nothing: bool,
        versions: &Versions,
    ) -> Option<(Head, Duration)> {
        let ttl = match nothing {
            true => self.settings.negative_ttl(call.ttl),
            false => call.ttl,
        };
        let ttl = decide::jittered(ttl, self.settings.jitter, random::unit());
        if ttl.is_zero() {
            return None;
        }
        let window = call.window(nothing);
        let mut head = Head::new(versions.namespace()?.to_owned());
        head.nothing = nothing;
        head.fresh_until = self.now().saturating_add(millis(ttl));
        head.window = clock::whole_millis(window);
        Some((head, ttl.saturating_add(window)))
    }
}
