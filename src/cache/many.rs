//! Several entries at once: one look for all, one load for what is missing.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fmt::Display,
    future::Future,
    hash::Hash,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use super::{
    Cache, Codec, Decode, Encode, Loaded, Status,
    claims::{self, Hold, Patience},
    decide::Age,
    load,
    put::{Over, Write, gone},
    record::{Claim, Record, Work},
    settings::Call,
    store::{Op, State},
    versions::{Versions, refresh_key},
};
use crate::{Error, clock::Instant};

/// A key without a value yet.
struct Open<K> {
    key: K,
    /// As it is in Redis.
    name: String,
    /// A value past its time that another one loads again.
    watched: Option<Arc<Record>>,
    /// How often a claim was refused where nothing was found: the key may hold another type.
    vain: u32,
    is_counted: bool,
}

/// A key that this call may load, or would.
struct Want<K> {
    key: K,
    name: String,
    /// What the claim goes over; nothing if it is that of a refresh.
    over: Over,
    /// A value past its time that stays where it is meanwhile.
    stale: Option<Arc<Record>>,
    hold: Hold,
    /// The claim stands already: it was left by another call.
    is_adopted: bool,
    vain: u32,
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
    Held(Claim),
}

impl<C> Cache<C> {
    /// The values of several keys, in their order; see [`get`](Self::get). What is in [`memory`](Self::memory) is not looked
    /// at.
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
        let values = states.into_iter().map(|state| {
            let found = match state {
                State::Valid(record) => match windows.age(&record.head, now) {
                    Age::Fresh => self.read(&record).map(|value| (value, Status::Hit)),
                    Age::Stale => self.read(&record).map(|value| (value, Status::Stale)),
                    Age::IfError | Age::Dead => None,
                },
                _ => None,
            };
            let counters = &op.shared.counters;
            counters.count(found.as_ref().map_or(Status::Miss, |(_, status)| *status));
            found.map(|(value, _)| value)
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
        let versions = op.versions(&[], false).await?;
        let nothing = self.codec.nothing().map(<[u8]>::to_vec);
        let mut writes = Vec::new();
        for (key, payload) in encoded {
            let call = self.call("set_many", key.clone());
            let nothing = nothing.as_ref() == Some(&payload);
            let over = Over::Anything;
            writes.push(match op.head(&call, nothing, &versions) {
                Some((head, life)) => {
                    let record = Record::new(head, payload, op.settings.compress_above);
                    Write::new(key, over, record.text(), life)
                }
                // What is not to be kept must not stay as it was either.
                None => gone(key, over),
            });
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
    /// ([`stale_if_error`](Self::stale_if_error)). Callers in this process share loads here by the claims in Redis alone, and
    /// what is in [`memory`](Self::memory) is not looked at. The future is `Send` if the loader is `Sync`.
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
        let loader = |keys| {
            let load = loader(keys);
            async {
                let values = load.await?.into_iter();
                Ok::<_, E>(
                    values
                        .map(|(key, value)| (key, Loaded::new(value)))
                        .collect(),
                )
            }
        };
        self.all("get_or_set_many", keys, loader, false).await
    }

    /// [`get_or_set_many`](Self::get_or_set_many) with a loader that sets TTL, tags and etag of each value.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::{Cache, Error, cache::Loaded}, std::collections::HashMap};
    /// let posts = Cache::new(&redis).namespace("post");
    /// let found: HashMap<u64, String> = posts
    ///     .get_or_set_many_with([1, 2], |ids: Vec<u64>| async move {
    ///         let post = |id| Loaded::new(format!("post {id}")).tag(format!("author:{}", id % 2));
    ///         Ok::<_, Error>(ids.into_iter().map(|id| (id, post(id))).collect())
    ///     })
    ///     .await?;
    /// posts.invalidate_tag("author:1").await?;
    /// assert_eq!(posts.get_many::<String, _>([1, 2]).await?, [None, found.get(&2).cloned()]);
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: that of `get_or_set_many`; tags that were not known before take one round trip more, and a billed command each
    /// the first time.
    pub async fn get_or_set_many_with<V, K, F, Fut, E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        loader: F,
    ) -> Result<HashMap<K, V>, Error>
    where
        C: Codec<V>,
        K: Display + Eq + Hash + Clone,
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<HashMap<K, Loaded<V>>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.all("get_or_set_many_with", keys, loader, true).await
    }

    async fn all<V, K, F, Fut, E>(
        &self,
        operation: &'static str,
        keys: impl IntoIterator<Item = K>,
        loader: F,
        adaptive: bool,
    ) -> Result<HashMap<K, V>, Error>
    where
        C: Codec<V>,
        K: Display + Eq + Hash + Clone,
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<HashMap<K, Loaded<V>>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut op = self.op(operation);
        let mut patience = Patience::new(&op.settings);
        let mut values = HashMap::new();
        let mut seen = HashSet::new();
        let mut open: Vec<Open<K>> = keys
            .into_iter()
            .filter(|key| seen.insert(key.clone()))
            .map(|key| Open {
                name: self.settings.key(&key.to_string()),
                key,
                watched: None,
                vain: 0,
                is_counted: false,
            })
            .collect();
        // Loaded and not stored: they cannot be claimed, or others have taken too long.
        let mut alone = Vec::new();
        while !open.is_empty() {
            let (looked, mut versions) = match look(&mut op, &open, adaptive).await {
                Ok(looked) => looked,
                Err(error) if !op.settings.fail_open => return Err(error),
                Err(_) => break,
            };
            let mut wants = Vec::new();
            let mut others = Vec::new();
            let mut held = None;
            for (mut open, (state, refresh)) in std::mem::take(&mut open).into_iter().zip(looked) {
                let sorted = self.sort(&op, state);
                if !open.is_counted && !matches!(sorted, Sorted::Value(..) | Sorted::Nothing) {
                    op.shared.counters.count(Status::Miss);
                    open.is_counted = true;
                }
                match sorted {
                    Sorted::Value(value, stale) => {
                        values.insert(open.key.clone(), value);
                        wants.extend(stale.map(|record| open.refresh(&op, record, None)));
                    }
                    Sorted::Nothing => {}
                    Sorted::Old(record) => match refresh {
                        Some(claim) if claim.work == Work::Failed => {
                            op.pause(&record, op.settings.error_backoff, true);
                            op.shared.counters.count(Status::StaleIfError);
                            let value = self.read(&record);
                            values.extend(value.map(|value| (open.key, value)));
                        }
                        Some(claim) if !op.adopts(&refresh_key(&open.name, &record), &claim) => {
                            others.push(Open {
                                watched: Some(record),
                                ..open
                            });
                        }
                        claim => wants.push(open.refresh(&op, record, claim)),
                    },
                    Sorted::Held(claim) if op.adopts(&open.name, &claim) => {
                        wants.push(open.want(&op, Over::Nothing, Some(claim)));
                    }
                    Sorted::Held(claim) => {
                        held = Some(claim);
                        others.push(open);
                    }
                    Sorted::Missing(over) => wants.push(open.want(&op, over, None)),
                }
            }
            let (won, refused) = claim(&mut op, wants, &values, &mut others).await;
            for (open, error) in refused {
                if let (false, Some(error)) = (op.settings.fail_open, error) {
                    return Err(error);
                }
                alone.push(open);
            }
            if !won.is_empty() {
                self.load_won(&mut op, won, &mut versions, &loader, &mut values)
                    .await?;
            }
            open = others;
            if !open.is_empty() && !patience.wait(held.as_ref()).await {
                break;
            }
        }
        alone.extend(open);
        if !alone.is_empty() {
            self.load_alone(&mut op, alone, &loader, &mut values)
                .await?;
        }
        Ok(values)
    }

    /// Loads what was won, stores it, and adds it to the values.
    async fn load_won<V, K, F, Fut, E>(
        &self,
        op: &mut Op,
        won: Vec<Want<K>>,
        versions: &mut Versions,
        loader: &F,
        values: &mut HashMap<K, V>,
    ) -> Result<(), Error>
    where
        C: Codec<V>,
        K: Eq + Hash + Clone,
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<HashMap<K, Loaded<V>>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let keys = won.iter().map(|want| want.key.clone()).collect();
        let holds: Vec<&Hold> = won.iter().map(|want| &want.hold).collect();
        let mut loaded = match load_many(op, loader, keys, &holds).await {
            Ok(loaded) => loaded,
            Err(error) => return self.load_failed(op, won, error, values).await,
        };
        let tags = won.iter().flat_map(|want| {
            let loaded = loaded.get(&want.key);
            loaded.map_or_else(Vec::new, |loaded| {
                load::tags(&[], loaded, want.stale.as_deref())
            })
        });
        let tags: Vec<String> = tags.collect();
        op.add_late(versions, &tags).await;
        let mut writes = Vec::new();
        let mut holds = Vec::new();
        let mut refused = None;
        for want in won {
            let over = match &want.stale {
                Some(record) => Over::Record(Arc::clone(record)),
                None => Over::Claim(want.hold.text().to_owned()),
            };
            let mut call = self.call(op.report.operation, want.name.clone());
            call.tags = want.tags();
            let kept = match loaded.remove(&want.key) {
                Some(loaded) => {
                    let (codec, previous) = (&self.codec, want.stale.as_ref());
                    match load::record(op, &call, codec, Some(&*versions), previous, loaded) {
                        Ok((value, record, life)) => {
                            values.insert(want.key, value);
                            (!life.is_zero()).then_some((record, life))
                        }
                        Err(error) => {
                            refused = Some(error);
                            None
                        }
                    }
                }
                None => {
                    values.remove(&want.key);
                    let payload = self.codec.nothing().map(<[u8]>::to_vec);
                    payload.and_then(|payload| {
                        let (head, life) = op.head(&call, true, versions)?;
                        Some((Record::new(head, payload, usize::MAX), life))
                    })
                }
            };
            writes.push(match kept {
                Some((record, life)) => Write::new(want.name, over, record.text(), life),
                None => gone(want.name, over),
            });
            holds.push(want.hold);
        }
        let done = op.put_many(&writes).await;
        let mut unstored = Vec::new();
        for (hold, done) in holds.into_iter().zip(done) {
            match done {
                Ok(stored) => {
                    let refused = &op.shared.counters.refused;
                    refused.fetch_add(u64::from(!stored), Relaxed);
                    hold.end();
                }
                Err(error) if error.is_ambiguous() => drop(hold),
                Err(_) => unstored.push(hold),
            }
        }
        release(op, unstored).await;
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
        C: Decode<V>,
    {
        let mut whole = true;
        let mut writes = Vec::new();
        let mut holds = Vec::new();
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
                    writes.push(want.hold.gone());
                }
            }
            holds.push(want.hold);
        }
        let done = op.put_many(&writes).await;
        for (hold, _) in holds.into_iter().zip(done).filter(|(_, done)| done.is_ok()) {
            hold.end();
        }
        if whole { Ok(()) } else { Err(error) }
    }

    /// Redis fails, or others have taken too long: what is left is loaded and not stored.
    async fn load_alone<V, K, F, Fut, E>(
        &self,
        op: &mut Op,
        open: Vec<Open<K>>,
        loader: &F,
        values: &mut HashMap<K, V>,
    ) -> Result<(), Error>
    where
        C: Codec<V>,
        K: Eq + Hash + Clone,
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<HashMap<K, Loaded<V>>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let keys = open.iter().map(|open| open.key.clone()).collect();
        match load_many(op, loader, keys, &[]).await {
            Ok(loaded) => {
                for (key, loaded) in loaded {
                    let call = self.call(op.report.operation, String::new());
                    let (value, ..) = load::record(op, &call, &self.codec, None, None, loaded)?;
                    values.insert(key, value);
                }
                Ok(())
            }
            Err(error) => {
                for open in open {
                    let old = open.watched.and_then(|record| self.read(&record));
                    values.insert(open.key, old.ok_or_else(|| error.clone())?);
                }
                Ok(())
            }
        }
    }

    fn sort<V>(&self, op: &Op, state: State) -> Sorted<V>
    where
        C: Decode<V>,
    {
        let record = match state {
            State::Vacant => return Sorted::Missing(Over::Nothing),
            State::Over(over) => return Sorted::Missing(over),
            State::Held(claim) => return Sorted::Held(claim),
            State::Valid(record) => record,
        };
        let age = self.settings.windows.age(&record.head, op.now());
        let counters = &op.shared.counters;
        match (age, self.read(&record)) {
            (Age::Fresh, Some(value)) => {
                counters.count(Status::Hit);
                Sorted::Value(value, None)
            }
            (Age::Stale, Some(value)) => {
                counters.count(Status::Stale);
                let refresh = op.paused(&record).is_none().then_some(record);
                Sorted::Value(value, refresh)
            }
            (Age::IfError, Some(value)) if op.paused(&record) == Some(true) => {
                counters.count(Status::StaleIfError);
                Sorted::Value(value, None)
            }
            (Age::IfError, Some(_)) => Sorted::Old(record),
            (Age::Fresh | Age::Stale, None) if record.head.nothing => {
                counters.count(Status::Hit);
                Sorted::Nothing
            }
            (Age::Dead, _) | (_, None) => Sorted::Missing(Over::Record(record)),
        }
    }

    fn call(&self, operation: &'static str, key: String) -> Call {
        Call {
            operation,
            key,
            tags: Vec::new(),
            ttl: self.settings.ttl,
            windows: self.settings.windows,
            adaptive: false,
        }
    }
}

impl<K> Want<K> {
    /// The tags of the value that is refreshed, which it keeps: this call cannot name any.
    fn tags(&self) -> Vec<String> {
        let tags = self.stale.iter().flat_map(|record| &record.head.tags);
        tags.map(|(tag, _)| tag.clone()).collect()
    }
}

impl<K> Open<K> {
    fn want(self, op: &Op, over: Over, adopted: Option<Claim>) -> Want<K> {
        let is_adopted = adopted.is_some();
        let hold = op.hold(&self.name, adopted.unwrap_or_else(|| op.new_claim()));
        Want {
            key: self.key,
            name: self.name,
            over,
            stale: None,
            hold,
            is_adopted,
            vain: self.vain,
        }
    }

    fn refresh(self, op: &Op, record: Arc<Record>, adopted: Option<Claim>) -> Want<K> {
        let is_adopted = adopted.is_some();
        let claim = adopted.unwrap_or_else(|| op.new_claim());
        Want {
            hold: op.hold(&refresh_key(&self.name, &record), claim),
            key: self.key,
            name: self.name,
            over: Over::Nothing,
            stale: Some(record),
            is_adopted,
            vain: self.vain,
        }
    }
}

/// What each key holds, and the claim of the refresh that it waits for.
async fn look<K>(
    op: &mut Op,
    open: &[Open<K>],
    adaptive: bool,
) -> Result<(Vec<(State, Option<Claim>)>, Versions), Error> {
    let names = open.iter().map(|open| open.name.clone());
    let refreshes = open.iter().filter_map(|open| {
        let record = open.watched.as_deref()?;
        Some(refresh_key(&open.name, record))
    });
    let all: Vec<String> = names.chain(refreshes).collect();
    let (states, mut versions) = op.read_many(&all, &[], adaptive).await?;
    // Without versions nothing could be stored.
    op.complete(&mut versions).await?;
    let mut states = states.into_iter();
    let entries: Vec<State> = states.by_ref().take(open.len()).collect();
    let looked = entries.into_iter().zip(open).map(|(state, open)| {
        let refresh = open.watched.as_ref().and_then(|_| states.next());
        let claim = match refresh {
            Some(State::Held(claim)) => Some(claim),
            _ => None,
        };
        (state, claim)
    });
    Ok((looked.collect(), versions))
}

/// Takes claims away, if they are still there.
async fn release(op: &mut Op, holds: Vec<Hold>) {
    let gone: Vec<Write> = holds.iter().map(Hold::gone).collect();
    let done = op.put_many(&gone).await;
    // Those for which this fails are dropped as they are, and left to others.
    for (hold, _) in holds.into_iter().zip(done).filter(|(_, done)| done.is_ok()) {
        hold.end();
    }
}

/// Claims what is wanted. What somebody else has claimed meanwhile goes to the others, unless it has a value; what cannot
/// be claimed comes back, with the reason if Redis told one.
async fn claim<K: Eq + Hash, V>(
    op: &mut Op,
    wants: Vec<Want<K>>,
    values: &HashMap<K, V>,
    others: &mut Vec<Open<K>>,
) -> (Vec<Want<K>>, Vec<(Open<K>, Option<Error>)>) {
    let claims = wants.iter().map(|want| match want.is_adopted {
        true => want.hold.renewal(),
        false => want.hold.claim(want.over.clone()),
    });
    let claims: Vec<Write> = claims.collect();
    let claimed = op.put_many(&claims).await;
    let mut won = Vec::new();
    let mut refused = Vec::new();
    for (want, claimed) in wants.into_iter().zip(claimed) {
        let error = match claimed {
            Ok(true) => {
                won.push(want);
                continue;
            }
            Ok(false) => None,
            Err(error) => Some(error),
        };
        let Want {
            key,
            name,
            over,
            stale,
            hold,
            vain,
            ..
        } = want;
        let is_lost = error.as_ref().is_some_and(Error::is_ambiguous);
        if is_lost {
            // It may stand there: then the next look finds it.
            drop(hold);
        } else {
            hold.end();
        }
        if let Some(record) = stale.as_ref().filter(|_| values.contains_key(&key)) {
            op.pause(record, op.settings.lease(), false);
            continue;
        }
        let is_vain = stale.is_none() && matches!(over, Over::Nothing);
        let open = Open {
            key,
            name,
            watched: stale,
            vain: vain + u32::from(is_vain),
            is_counted: true,
        };
        match error {
            Some(error) if !is_lost => refused.push((open, Some(error))),
            _ if open.vain >= load::MAX_VAIN => refused.push((open, None)),
            _ => others.push(open),
        }
    }
    (won, refused)
}

async fn load_many<V, K, F, Fut, E>(
    op: &mut Op,
    loader: &F,
    keys: Vec<K>,
    holds: &[&Hold],
) -> Result<HashMap<K, Loaded<V>>, Error>
where
    F: Fn(Vec<K>) -> Fut,
    Fut: Future<Output = Result<HashMap<K, Loaded<V>>, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    op.shared.counters.loads.fetch_add(1, Relaxed);
    let begun = Instant::now();
    let work = load::timed(op.settings.loader_timeout, loader(keys));
    let loaded = claims::while_held(op, holds, None, work).await;
    op.report.load = Some(begun.elapsed());
    if let Err(error) = &loaded {
        op.load_failed(error);
    }
    loaded
}
