//! Several entries at once: one look for all, one load for what is missing.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fmt::Display,
    future::Future,
    hash::Hash,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{
    Cache, Codec, Decode, Encode,
    decide::Age,
    load::Patience,
    record::{Claim, Head, Record, Work},
    settings::Call,
    status::Status,
    store::{Op, Over, State, Versions, Write, millis, refresh_key},
};
use crate::{
    Error,
    clock::{self, Instant},
};

/// A key that this call would load.
struct Want<K> {
    key: K,
    /// As it is in Redis.
    name: String,
    /// What the claim goes over; nothing if it is that of a refresh.
    over: Over,
    /// A value past its time stays where it is while another is loaded.
    stale: Option<Arc<Record>>,
    claim: Claim,
}

impl<C> Cache<C> {
    /// The values of several keys, in their order; see [`get`](Self::get).
    ///
    /// Cost: one round trip, one billed command; with tags that this process did not know two of each.
    pub async fn get_many<V, K: Display>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<V>>, Error>
    where
        C: Decode<V>,
    {
        let keys = keys.into_iter();
        let names: Vec<String> = keys
            .map(|key| self.settings.key(&key.to_string()))
            .collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut op = self.op("get_many");
        let (states, _) = op.read_many(&names, &[], false).await?;
        let windows = self.settings.windows;
        let now = op.now();
        let values = states.into_iter().map(|state| match state {
            State::Valid(record) => match windows.age(&record.head, now) {
                Age::Fresh | Age::Stale => self.read(&record),
                Age::IfError | Age::Dead => None,
            },
            _ => None,
        });
        Ok(values.collect())
    }

    /// Stores several values, over whatever is there; see [`set`](Self::set).
    ///
    /// Not all or nothing: after an error some may be stored.
    ///
    /// Cost: two round trips, one billed command and one for each value; one round trip more for each 4 MB.
    pub async fn set_many<'v, V: ?Sized + 'v, K: Display>(
        &self,
        values: impl IntoIterator<Item = (K, &'v V)>,
    ) -> Result<(), Error>
    where
        C: Encode<V>,
    {
        let mut encoded = Vec::new();
        for (key, value) in values {
            let name = self.settings.key(&key.to_string());
            encoded.push((name, self.codec.encode(value)?));
        }
        if encoded.is_empty() {
            return Ok(());
        }
        let mut op = self.op("set_many");
        op.patient = true;
        let call = self.call("set_many");
        let versions = op.versions(&[], false).await?;
        let nothing = self.codec.nothing().map(<[u8]>::to_vec);
        let mut writes = Vec::new();
        for (name, payload) in encoded {
            let nothing = nothing.as_ref() == Some(&payload);
            // What is not to be kept must not stay as it was either.
            let write = write(
                &op,
                &call,
                name.clone(),
                Over::Anything,
                payload,
                nothing,
                &versions,
            );
            writes.push(write.unwrap_or_else(|| gone(name, Over::Anything)));
        }
        let done = op.put_many(&writes).await;
        for write in &writes {
            op.forget(Some(&write.key));
        }
        done.into_iter().try_for_each(|done| done.map(drop))
    }

    /// The values of several keys, or those of the loader, which is asked for all that are missing at once.
    ///
    /// What another process loads already is waited for. The loader may be asked again, for what turned out to be left to
    /// this caller. A key that is not among what it gives has no value: that is kept for the
    /// [`negative_ttl`](Self::negative_ttl), and the key is not in the answer.
    ///
    /// If the loader fails, the call does, unless all of its keys have stale values
    /// ([`stale_if_error`](Self::stale_if_error)). Callers in this process do not share loads here but by the claims in Redis.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::Cache, std::collections::HashMap};
    /// # async fn load_users(ids: Vec<u64>) -> Result<HashMap<u64, String>, std::io::Error> {
    /// #     Ok(ids.into_iter().filter(|id| *id < 100).map(|id| (id, format!("user {id}"))).collect())
    /// # }
    /// let users = Cache::new(&redis).namespace("user");
    /// let found: HashMap<u64, String> = users.get_or_set_many([1, 2, 100], load_users).await?;
    /// assert_eq!(found.len(), 2);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: of `n` keys of which `m` are missing three round trips, and 1 + 2 m billed commands.
    pub async fn get_or_set_many<V, K, F, Fut, E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        loader: F,
    ) -> Result<HashMap<K, V>, Error>
    where
        C: Codec<V>,
        K: Display + Eq + Hash + Clone,
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<HashMap<K, V>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut op = self.op("get_or_set_many");
        let call = self.call("get_or_set_many");
        let mut patience = Patience::new(op.settings.lease());
        let mut values = HashMap::new();
        let mut seen = HashSet::new();
        let mut open: Vec<(K, String)> = keys
            .into_iter()
            .filter(|key| seen.insert(key.clone()))
            .map(|key| (key.clone(), self.settings.key(&key.to_string())))
            .collect();
        while !open.is_empty() {
            let names: Vec<String> = open.iter().map(|(_, name)| name.clone()).collect();
            let looked = match op.read_many(&names, &[], false).await {
                // Without versions nothing could be stored.
                Ok((states, mut versions)) => match op.complete(&mut versions).await {
                    Ok(()) => Ok((states, versions)),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            let (states, versions) = match looked {
                Ok(looked) => looked,
                Err(error) if !op.settings.fail_open => return Err(error),
                Err(_) => break,
            };
            let mut wants = Vec::new();
            let mut others = Vec::new();
            for ((key, name), state) in std::mem::take(&mut open).into_iter().zip(states) {
                match self.sort(&op, &call, state) {
                    Sorted::Value(value, refresh) => {
                        values.insert(key.clone(), value);
                        if let Some(record) = refresh {
                            wants.push(want(&op, key, name, Over::Nothing, Some(record)));
                        }
                    }
                    Sorted::Nothing => {}
                    Sorted::Old(record) => {
                        wants.push(want(&op, key, name, Over::Nothing, Some(record)));
                    }
                    Sorted::Missing(over) => wants.push(want(&op, key, name, over, None)),
                    Sorted::Held => others.push((key, name)),
                }
            }
            let claims: Vec<Write> = wants.iter().map(Want::claim).collect();
            let claimed = op.put_many(&claims).await;
            let mut won = Vec::new();
            for (want, claimed) in wants.into_iter().zip(claimed) {
                match claimed {
                    Ok(true) => won.push(want),
                    // Somebody else refreshes what was answered already.
                    _ if values.contains_key(&want.key) => {
                        if let Some(record) = &want.stale {
                            op.pause(record, op.settings.lease(), false);
                        }
                    }
                    _ => others.push((want.key, want.name)),
                }
            }
            if !won.is_empty() {
                self.load_won(&mut op, &call, won, &versions, &loader, &mut values)
                    .await?;
            }
            open = others;
            if !open.is_empty() && !patience.wait(None).await {
                break;
            }
        }
        if !open.is_empty() {
            // Redis fails, or others have taken too long.
            let keys = open.into_iter().map(|(key, _)| key).collect();
            values.extend(load(&mut op, &loader, keys).await?);
        }
        Ok(values)
    }

    /// Loads what was won, stores it, and adds it to the values.
    async fn load_won<V, K, F, Fut, E>(
        &self,
        op: &mut Op,
        call: &Call,
        won: Vec<Want<K>>,
        versions: &Versions,
        loader: &F,
        values: &mut HashMap<K, V>,
    ) -> Result<(), Error>
    where
        C: Codec<V>,
        K: Eq + Hash + Clone,
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<HashMap<K, V>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let keys = won.iter().map(|want| want.key.clone()).collect();
        let mut loaded = match load(op, loader, keys).await {
            Ok(loaded) => loaded,
            Err(error) => return self.load_failed(op, won, error, values).await,
        };
        let mut writes = Vec::new();
        let mut refused = None;
        for want in won {
            let over = match want.stale {
                Some(record) => Over::Record(record),
                None => Over::Claim(want.claim.text),
            };
            let value = loaded.remove(&want.key);
            let payload = match &value {
                Some(value) => self.codec.encode(value).map(Some),
                None => Ok(self.codec.nothing().map(<[u8]>::to_vec)),
            };
            match value {
                Some(value) => drop(values.insert(want.key, value)),
                None => drop(values.remove(&want.key)),
            }
            let name = want.name;
            let kept = match payload {
                Ok(Some(payload)) => {
                    let nothing = self.codec.nothing() == Some(&*payload);
                    write(
                        op,
                        call,
                        name.clone(),
                        over.clone(),
                        payload,
                        nothing,
                        versions,
                    )
                }
                Ok(None) => None,
                Err(error) => {
                    refused = Some(error);
                    None
                }
            };
            writes.push(kept.unwrap_or_else(|| gone(name, over)));
        }
        let done = op.put_many(&writes).await;
        let unstored = done.iter().filter(|done| matches!(done, Ok(false))).count();
        op.shared
            .counters
            .refused
            .fetch_add(unstored as u64, Relaxed);
        for write in &writes {
            op.forget(Some(&write.key));
        }
        refused.map_or(Ok(()), Err)
    }

    /// Gives the claims back; what is stale is answered in place of what could not be loaded.
    async fn load_failed<V, K: Eq + Hash>(
        &self,
        op: &mut Op,
        won: Vec<Want<K>>,
        error: Error,
        values: &mut HashMap<K, V>,
    ) -> Result<(), Error>
    where
        C: Codec<V>,
    {
        let mut whole = true;
        let mut writes = Vec::new();
        for want in won {
            match want.stale {
                Some(record) => {
                    writes.push(op.failed_refresh(&want.name, &record));
                    if let Entry::Vacant(missing) = values.entry(want.key) {
                        match self.read(&record) {
                            Some(value) => drop(missing.insert(value)),
                            None => whole = false,
                        }
                    }
                }
                None => {
                    whole = false;
                    writes.push(gone(want.name, Over::Claim(want.claim.text)));
                }
            }
        }
        op.put_many(&writes).await;
        if whole { Ok(()) } else { Err(error) }
    }

    fn sort<V>(&self, op: &Op, call: &Call, state: State) -> Sorted<V>
    where
        C: Codec<V>,
    {
        let record = match state {
            State::Vacant => return Sorted::Missing(Over::Nothing),
            State::Over(over) => return Sorted::Missing(over),
            State::Held(_) => return Sorted::Held,
            State::Valid(record) => record,
        };
        let age = call.windows.age(&record.head, op.now());
        match (age, self.read(&record)) {
            (Age::Fresh, Some(value)) => {
                op.shared.counters.count(Status::Hit);
                Sorted::Value(value, None)
            }
            (Age::Stale, Some(value)) => {
                op.shared.counters.count(Status::Stale);
                let refresh = op.paused(&record).is_none().then_some(record);
                Sorted::Value(value, refresh)
            }
            (Age::IfError, Some(value)) if op.paused(&record) == Some(true) => {
                op.shared.counters.count(Status::StaleIfError);
                Sorted::Value(value, None)
            }
            (Age::IfError, Some(_)) => Sorted::Old(record),
            // It is known that there is none.
            (Age::Fresh | Age::Stale, None) if record.head.nothing => Sorted::Nothing,
            (Age::Dead, _) | (_, None) => Sorted::Missing(Over::Record(record)),
        }
    }

    fn call(&self, operation: &'static str) -> Call {
        Call {
            operation,
            key: String::new(),
            tags: Vec::new(),
            ttl: self.settings.ttl,
            windows: self.settings.windows,
            adaptive: false,
        }
    }
}

/// What one of the keys came to.
enum Sorted<V> {
    /// A value, and what is to be refreshed.
    Value(V, Option<Arc<Record>>),
    /// It is known that there is none.
    Nothing,
    /// A value that may only be answered if loading fails.
    Old(Arc<Record>),
    Missing(Over),
    /// Somebody loads it.
    Held,
}

fn want<K>(op: &Op, key: K, name: String, over: Over, stale: Option<Arc<Record>>) -> Want<K> {
    Want {
        key,
        name,
        over,
        stale,
        claim: Claim::new(millis(op.settings.lease()), Work::Load),
    }
}

impl<K> Want<K> {
    /// What puts the claim where it belongs.
    fn claim(&self) -> Write {
        let key = match &self.stale {
            Some(record) => refresh_key(&self.name, record),
            None => self.name.clone(),
        };
        Write {
            key,
            over: self.over.clone(),
            text: self.claim.text.clone(),
            life: Duration::from_millis(self.claim.lease),
        }
    }
}

/// What stores a value; none if it is not to be kept.
fn write(
    op: &Op,
    call: &Call,
    key: String,
    over: Over,
    payload: Vec<u8>,
    nothing: bool,
    versions: &Versions,
) -> Option<Write> {
    let (ttl, life) = op.life(call, nothing)?;
    let mut head = Head::new(versions.namespace()?.to_owned());
    head.nothing = nothing;
    head.fresh_until = op.now().saturating_add(millis(ttl));
    head.load_time = op.report.load.map_or(0, millis);
    let record = Record::new(head, payload, op.settings.compress_above);
    let text = record.text().to_owned();
    Some(Write {
        key,
        over,
        text,
        life,
    })
}

/// What takes a value or claim away, if it is still there.
fn gone(key: String, over: Over) -> Write {
    Write {
        key,
        over,
        text: Claim::new(1, Work::Failed).text,
        life: Duration::from_millis(1),
    }
}

async fn load<V, K, F, Fut, E>(
    op: &mut Op,
    loader: &F,
    keys: Vec<K>,
) -> Result<HashMap<K, V>, Error>
where
    F: Fn(Vec<K>) -> Fut,
    Fut: Future<Output = Result<HashMap<K, V>, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let counters = &op.shared.counters;
    counters.loads.fetch_add(1, Relaxed);
    counters.misses.fetch_add(keys.len() as u64, Relaxed);
    let begun = Instant::now();
    let loaded = match op.settings.loader_timeout {
        Some(limit) => match clock::within(limit, loader(keys)).await {
            Some(loaded) => loaded.map_err(|error| Error::loader(error.into())),
            None => Err(Error::loader_timeout(limit)),
        },
        None => loader(keys)
            .await
            .map_err(|error| Error::loader(error.into())),
    };
    op.report.load = Some(begun.elapsed());
    if loaded.is_err() {
        op.report.load_failed = true;
        op.shared.counters.load_errors.fetch_add(1, Relaxed);
    }
    loaded
}
