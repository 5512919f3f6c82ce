//! The cache.

use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use restis::{
    Cache,
    cache::{Cached, Loaded, LocalFuture, Previous, Stats, Status},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::future_to_promise;

use crate::{
    Client,
    bridge::{
        Json, Options, Thrown, call, call_json, done, error, json, object, or_null, promise, texts,
        told,
    },
};

/// An entry with what a call says of it.
macro_rules! entry {
    ($entry:expr, $options:expr) => {{
        let (mut entry, options) = ($entry, $options);
        told!(entry, options, time {
            "ttl" => ttl,
            "staleWhileRevalidate" => stale_while_revalidate,
            "staleIfError" => stale_if_error,
        });
        entry.tags(options.texts("tags"))
    }};
}
#[wasm_bindgen(js_name = Cache)]
#[derive(Debug)]
pub struct JsCache(Rc<Cache>);

#[wasm_bindgen(js_class = Cache)]
impl JsCache {
    /// Set as the options say.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, options: &JsValue) -> Self {
        let options = Options(options);
        let mut cache = Cache::new(client.redis());
        told!(cache, options,
            text { "namespace" => namespace }
            number { "jitter" => jitter, "earlyRefresh" => early_refresh }
            flag { "failOpen" => fail_open, "singleFlight" => single_flight }
            time {
                "ttl" => ttl,
                "negativeTtl" => negative_ttl,
                "staleWhileRevalidate" => stale_while_revalidate,
                "staleIfError" => stale_if_error,
                "loaderTimeout" => loader_timeout,
                "lease" => lease,
                "errorBackoff" => error_backoff,
                "redisTimeout" => redis_timeout,
            }
        );
        if let Some(bytes) = options.integer("memoryBytes") {
            cache = cache.memory(bytes, options.time("memoryTtl").unwrap_or_default());
        }
        Self(Rc::new(cache))
    }

    /// JSON, or nothing.
    pub fn get(&self, key: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let found: Option<Json> = this.get(key).await.map_err(error)?;
            Ok(found.map(text))
        })
    }

    /// Each as `get`.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, keys: Array) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let found: Vec<Option<Json>> = this.get_many(texts(keys)).await.map_err(error)?;
            let found = found.into_iter().map(|json| JsValue::from(json.map(text)));
            Ok(found.collect::<Array>())
        })
    }

    /// Stores JSON.
    pub fn set(&self, key: String, value: String, options: JsValue) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let value = json(value)?;
            let entry = entry!(this.entry(key), &Options(&options));
            done(entry.set(&value).await)
        })
    }

    /// Stores JSON by keys.
    #[wasm_bindgen(js_name = setMany)]
    pub fn set_many(&self, keys: Array, values: Array) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let values: Vec<Json> = texts(values)
                .into_iter()
                .map(json)
                .collect::<Result<_, _>>()?;
            let stored = this.set_many(texts(keys).into_iter().zip(&values)).await;
            done(stored)
        })
    }

    /// `{ json, status, ttl }`, of the loader where it is not there. The loader gets what was there, and says
    /// how its value is kept; `spawn` takes what is done behind the answer. Without it all of it is done before.
    pub fn fetch(
        &self,
        key: String,
        loader: Function,
        spawn: Option<Function>,
        options: JsValue,
    ) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let entry = entry!(this.entry(key), &Options(&options));
            let loader = |before| async move { load(&loader, before).await };
            let Some(spawn) = spawn else {
                return entry.fetch_with(loader).await.map(plain).map_err(error);
            };
            let spawn = move |work: LocalFuture| {
                let promise = future_to_promise(async move {
                    work.await;
                    Ok(JsValue::UNDEFINED)
                });
                // Who refuses it has it done all the same.
                let _ = spawn.call1(&JsValue::UNDEFINED, &promise);
            };
            let entry = entry.background_local(spawn);
            entry.fetch_with(loader).await.map(plain).map_err(error)
        })
    }

    /// An object of JSON by keys; the loader gets those that are not there, and gives `[keys, values]`.
    #[wasm_bindgen(js_name = getOrSetMany)]
    pub fn get_or_set_many(&self, keys: Array, loader: Function) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let loader = |missing: Vec<String>| {
                let loader = loader.clone();
                async move { load_many(&loader, missing).await }
            };
            let found: HashMap<String, Json> = this
                .get_or_set_many(texts(keys), loader)
                .await
                .map_err(error)?;
            let found = found
                .into_iter()
                .map(|(key, json)| JsValue::from(Array::of2(&key.into(), &text(json).into())));
            Ok(found.collect::<Array>())
        })
    }

    /// Writes by a function, and stores what it gives.
    pub fn update(&self, key: String, write: Function, options: JsValue) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let write = || async move { call_json(&write, &JsValue::UNDEFINED).await };
            let entry = entry!(this.entry(key), &Options(&options));
            let value: Json = entry.update(write).await.map_err(error)?;
            Ok(text(value))
        })
    }

    /// Whether it was there.
    pub fn touch(&self, key: String, options: JsValue) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let entry = entry!(this.entry(key), &Options(&options));
            entry.touch().await.map_err(error)
        })
    }

    /// Deletes.
    #[wasm_bindgen(js_name = deleteMany)]
    pub fn delete_many(&self, keys: Array) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.delete_many(texts(keys)).await) })
    }

    /// Everything with one of these tags is old.
    #[wasm_bindgen(js_name = invalidateTags)]
    pub fn invalidate_tags(&self, tags: Array) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.invalidate_tags(texts(tags)).await) })
    }

    /// Everything is old.
    pub fn clear(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.clear().await) })
    }

    /// How many were deleted.
    #[wasm_bindgen(js_name = invalidateMatching)]
    pub fn invalidate_matching(&self, pattern: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let removed = this.invalidate_matching(pattern).await.map_err(error)?;
            Ok(removed as f64)
        })
    }

    /// What became of calls so far.
    pub fn stats(&self) -> JsValue {
        let Stats {
            hits,
            memory_hits,
            stale,
            stale_if_error,
            misses,
            early,
            loads,
            load_errors,
            waits,
            requests,
            billed,
            errors,
            ..
        } = self.0.stats();
        let count = |count: u64| JsValue::from(count as f64);
        object([
            ("hits", count(hits)),
            ("memoryHits", count(memory_hits)),
            ("stale", count(stale)),
            ("staleIfError", count(stale_if_error)),
            ("misses", count(misses)),
            ("early", count(early)),
            ("loads", count(loads)),
            ("loadErrors", count(load_errors)),
            ("waits", count(waits)),
            ("requests", count(requests)),
            ("billed", count(billed)),
            ("errors", count(errors)),
        ])
    }
}

fn text(json: Json) -> String {
    String::from(Box::<str>::from(json))
}

fn plain(cached: Cached<Json>) -> JsValue {
    let status = match cached.status {
        Status::Hit => "hit",
        Status::Memory => "memory",
        Status::Stale => "stale",
        Status::StaleIfError => "staleIfError",
        Status::Miss => "miss",
        Status::Refresh => "refresh",
        Status::Early => "early",
        Status::Collapsed => "collapsed",
        _ => "bypass",
    };
    let field = cached.cache_status("restis");
    let ttl = or_null(cached.ttl.map(|ttl| ttl as f64));
    object([
        ("json", text(cached.value).into()),
        ("status", status.into()),
        ("ttl", ttl),
        ("cacheStatus", field.into()),
    ])
}

/// What a loader says: `{ json, ttl, negativeTtl, tags, etag, store, notModified }`.
async fn load(loader: &Function, before: Option<Previous<Json>>) -> Result<Loaded<Json>, Thrown> {
    let before = before.map_or(JsValue::UNDEFINED, |before| {
        object([
            ("json", text(before.value).into()),
            ("etag", before.etag.into()),
        ])
    });
    let said = call(loader, &before).await?;
    let said = Options(&said);
    if said.flag("notModified") == Some(true) {
        return Ok(kept(Loaded::not_modified(), &said));
    }
    let value = json(said.text("json").unwrap_or_default()).map_err(Thrown::new)?;
    Ok(kept(Loaded::new(value), &said))
}

fn kept(mut loaded: Loaded<Json>, said: &Options<'_>) -> Loaded<Json> {
    told!(loaded, said,
        time { "ttl" => ttl, "negativeTtl" => negative_ttl }
        text { "etag" => etag }
    );
    if said.flag("store") == Some(false) {
        loaded = loaded.no_store();
    }
    loaded.tags(said.texts("tags"))
}

async fn load_many(loader: &Function, keys: Vec<String>) -> Result<HashMap<String, Json>, Thrown> {
    let keys: Array = keys.into_iter().map(JsValue::from).collect();
    let found = call(loader, &keys).await?;
    let found = Options(&found);
    let values = found
        .texts("values")
        .into_iter()
        .map(|value| json(value).map_err(Thrown::new));
    found
        .texts("keys")
        .into_iter()
        .zip(values)
        .map(|(key, value)| Ok((key, value?)))
        .collect()
}
