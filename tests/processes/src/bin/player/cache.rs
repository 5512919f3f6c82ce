//! This crate's cache.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use restis::{Cache, Redis};
use restis_processes::{
    Error, Result,
    cache::{Open, Request},
};
use serde_json::{Value, json};

use crate::plays::{Loader, Plays, cannot};

/// How much a cache may keep in memory.
const MEMORY: u64 = 16 * 1024 * 1024;

pub(crate) struct Restis {
    cache: Cache,
    loader: Loader,
    /// Stale values are refreshed behind the answer.
    background: bool,
}

impl Plays for Restis {
    fn open(open: Open) -> Result<Self> {
        let redis = Redis::new(&open.url, &open.token).map_err(words)?;
        let loader = Loader::of(&open);
        let settings = open.settings;
        let millis = Duration::from_millis;
        let mut cache = Cache::new(&redis)
            .namespace(settings.namespace.unwrap_or_else(|| "cache".to_owned()))
            .jitter(settings.jitter);
        if let Some(ttl) = settings.ttl {
            cache = cache.ttl(millis(ttl));
        }
        if let Some(time) = settings.swr {
            cache = cache.stale_while_revalidate(millis(time));
        }
        if let Some(time) = settings.stale_if_error {
            cache = cache.stale_if_error(millis(time));
        }
        if let Some(beta) = settings.early {
            cache = cache.early_refresh(beta);
        }
        if let Some(lease) = settings.lease {
            cache = cache.lease(millis(lease));
        }
        if let Some(timeout) = settings.loader_timeout {
            cache = cache.loader_timeout(millis(timeout));
        }
        if let Some(ttl) = settings.memory_ttl {
            cache = cache.memory(MEMORY, millis(ttl));
        }
        if let Some(single_flight) = settings.single_flight {
            cache = cache.single_flight(single_flight);
        }
        if let Some(backoff) = settings.error_backoff {
            cache = cache.error_backoff(millis(backoff));
        }
        if let Some(ttl) = settings.negative_ttl {
            cache = cache.negative_ttl(millis(ttl));
        }
        let offset = settings.clock_offset;
        if offset != 0 {
            cache = cache.clock(move || now().saturating_add_signed(offset));
        }
        Ok(Self {
            cache,
            loader,
            background: settings.swr.is_some(),
        })
    }

    fn loader(&self) -> &Loader {
        &self.loader
    }

    async fn get_or_set(&self, key: &str, tags: &[String]) -> Result<(String, String)> {
        let (loader, name) = (self.loader.clone(), key.to_owned());
        let load = move || async move { loader.load(&name).await };
        let entry = self.cache.entry(key).tags(tags.iter().cloned());
        let cached = match self.background {
            true => {
                let entry = entry.background(|refresh| drop(tokio::spawn(refresh)));
                entry.fetch(load).await
            }
            false => entry.fetch(load).await,
        };
        let cached = cached.map_err(words)?;
        Ok((cached.value, format!("{:?}", cached.status)))
    }

    async fn other(&self, request: Request) -> Result<Value> {
        let cache = &self.cache;
        match request {
            Request::Get { key, tags } => {
                let value: Option<String> =
                    cache.entry(key).tags(tags).get().await.map_err(words)?;
                return Ok(json!(value));
            }
            Request::Set { key, value, tags } => {
                cache
                    .entry(key)
                    .tags(tags)
                    .set(&value)
                    .await
                    .map_err(words)?;
            }
            Request::Update { key, value, tags } => {
                let write = async {
                    self.loader.write(&key, &value).await?;
                    Ok::<_, Error>(value)
                };
                let entry = cache.entry(&key).tags(tags);
                entry.update(|| write).await.map_err(words)?;
            }
            Request::Delete { key } => cache.delete(key).await.map_err(words)?,
            Request::InvalidateTag { tag } => cache.invalidate_tag(tag).await.map_err(words)?,
            Request::Clear => cache.clear().await.map_err(words)?,
            Request::Sweep { pattern } => {
                let removed = cache.invalidate_matching(pattern).await.map_err(words)?;
                return Ok(json!(removed));
            }
            Request::Stats => {
                let stats = cache.stats();
                return Ok(json!({
                    "foreign": stats.foreign,
                    "loads": stats.loads,
                    "requests": stats.requests,
                    "billed": stats.billed,
                }));
            }
            other => return Err(cannot(&other)),
        }
        Ok(Value::Null)
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

fn words(error: restis::Error) -> Error {
    Error::new(error.to_string())
}
