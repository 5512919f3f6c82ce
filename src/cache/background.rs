//! Refreshes behind the answer: what is left to do is handed to the platform, or to the caller's own spawner.

use std::{fmt, future::Future, pin::Pin};

use futures_core::future::BoxFuture;

use super::{Cached, Codec, Entry, Inline, Loaded, Previous, fetch::fetch_behind};
use crate::Error;

/// A refresh is handed to a spawner whose futures are `Send`; see [`Entry::background`].
pub struct Background<S>(S);

/// A refresh is handed to a spawner of this thread; see [`Entry::background_local`].
pub struct BackgroundLocal<S>(S);

/// What is left to do, on this thread.
pub type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

impl<S> fmt::Debug for Background<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for BackgroundLocal<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundLocal").finish_non_exhaustive()
    }
}

impl<'a, C> Entry<'a, C, Inline> {
    /// Where a refresh goes that nobody has to wait for, and the write of a value that was loaded:
    /// `|refresh| drop(tokio::spawn(refresh))` in a service.
    ///
    /// A caller that finds nothing still waits for the loader. The loader has to be `'static` and `Send`, as any task of
    /// a runtime with several threads.
    pub fn background<S: FnOnce(BoxFuture<'static, ()>)>(
        self,
        spawn: S,
    ) -> Entry<'a, C, Background<S>> {
        self.over(Background(spawn)).0
    }

    /// The same on this thread, with a loader that need not be `Send`: `|refresh| ctx.wait_until(refresh)` on a Worker.
    pub fn background_local<S: FnOnce(LocalFuture)>(
        self,
        spawn: S,
    ) -> Entry<'a, C, BackgroundLocal<S>> {
        self.over(BackgroundLocal(spawn)).0
    }
}

/// What loads has to be able to live in the background: `'static`, and `Send`.
impl<C, S: FnOnce(BoxFuture<'static, ()>)> Entry<'_, C, Background<S>> {
    /// See [`Cache::get_or_set`](super::Cache::get_or_set).
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

    /// See [`Cache::get_or_set_with`](super::Cache::get_or_set_with).
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
        let (cached, rest) = fetch_behind(self.cache, call, load).await?;
        if let Some(rest) = rest {
            (self.background.0)(Box::pin(rest));
        }
        Ok(cached)
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
        let (cached, rest) = fetch_behind(self.cache, call, loader).await?;
        if let Some(rest) = rest {
            (self.background.0)(Box::pin(rest));
        }
        Ok(cached)
    }
}

/// What loads has to be able to live in the background of this thread: `'static`.
impl<C, S: FnOnce(LocalFuture)> Entry<'_, C, BackgroundLocal<S>> {
    /// See [`Cache::get_or_set`](super::Cache::get_or_set).
    pub async fn get_or_set<V, F, Fut, E>(self, loader: F) -> Result<V, Error>
    where
        C: Codec<V> + Clone + 'static,
        V: 'static,
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = Result<V, E>> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.fetch(loader).await.map(|cached| cached.value)
    }

    /// See [`Cache::get_or_set_with`](super::Cache::get_or_set_with).
    pub async fn get_or_set_with<V, F, Fut, E>(self, loader: F) -> Result<V, Error>
    where
        C: Codec<V> + Clone + 'static,
        V: 'static,
        F: FnOnce(Option<Previous<V>>) -> Fut + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.fetch_with(loader).await.map(|cached| cached.value)
    }

    /// [`get_or_set`](Self::get_or_set) that also tells where the value came from.
    pub async fn fetch<V, F, Fut, E>(self, loader: F) -> Result<Cached<V>, Error>
    where
        C: Codec<V> + Clone + 'static,
        V: 'static,
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = Result<V, E>> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let call = self.call("get_or_set", false);
        let load = |_| async { loader().await.map(Loaded::new) };
        let (cached, rest) = fetch_behind(self.cache, call, load).await?;
        if let Some(rest) = rest {
            (self.background.0)(Box::pin(rest));
        }
        Ok(cached)
    }

    /// [`get_or_set_with`](Self::get_or_set_with) that also tells where the value came from.
    pub async fn fetch_with<V, F, Fut, E>(self, loader: F) -> Result<Cached<V>, Error>
    where
        C: Codec<V> + Clone + 'static,
        V: 'static,
        F: FnOnce(Option<Previous<V>>) -> Fut + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let call = self.call("get_or_set_with", true);
        let (cached, rest) = fetch_behind(self.cache, call, loader).await?;
        if let Some(rest) = rest {
            (self.background.0)(Box::pin(rest));
        }
        Ok(cached)
    }
}
