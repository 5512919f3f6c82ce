//! A cache on Redis: one loader call, whatever the crowd, from any edge.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use std::time::Duration;
//! use restis::Cache;
//!
//! # #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! # struct User { name: String }
//! # async fn load_user(_: u64) -> Result<User, std::io::Error> { Ok(User { name: "ada".into() }) }
//! let users = Cache::new(&redis).namespace("user").ttl(Duration::from_secs(300));
//! let user = users.get_or_set(42, || load_user(42)).await?; // loads, and stores it as user:42
//! let again = users.get_or_set(42, || load_user(42)).await?; // one request, one billed command
//! # assert_eq!(user, again);
//! # Ok(()) });
//! ```
//!
//! # What it keeps
//!
//! - **One load.** Whoever finds nothing puts a claim into the entry's own key and loads; the others, in this process
//!   and in all others, wait for the value. If the loader's process dies, another takes over when the claim's
//!   [`lease`](Cache::lease) ends.
//! - **Nothing old.** A value that was deleted, or invalidated by tag or [`clear`](Cache::clear), while its loader ran is
//!   not served to anybody who asks after that: it is stored only over its own claim, with the versions its tags had before
//!   it was loaded. To invalidate is to delete a version, so one that expires or is evicted makes a miss and brings nothing
//!   back. No clock has a say in it. What reads from a replica, as a global Upstash database does far from its primary, is as
//!   far behind as the replica.
//! - **Redis may be down.** Then the loader's value is answered ([`fail_open`](Cache::fail_open)) and the error counted.
//!
//! Clocks are read for one thing: with [`stale_while_revalidate`](Cache::stale_while_revalidate),
//! [`stale_if_error`](Cache::stale_if_error), [`early_refresh`](Cache::early_refresh) or [`memory`](Cache::memory) whoever reads a value compares its
//! end, by the writer's clock, with its own. A wrong clock refreshes too early or serves stale for too long, within
//! those times. How long Redis keeps it is the server's to measure.
//!
//! The versions of tags live for 30 days and are then made anew: the entries of a tag that is older become misses together,
//! once, and a crowd still loads each of them once.
//!
//! A namespace is what its keys begin with: key `b:c` of the namespace `a` and key `c` of `a:b` are one key in Redis, and a
//! pattern of `a` finds those of `a:b`.
//!
//! # Cookbook
//!
//! **Cache-aside**: the value, or the loader's. Its error comes as the `source` of an error with
//! [`is_loader`](crate::Error::is_loader).
//!
//! ```
//! # restis_testing::run(async |redis| {
//! # use restis::Cache;
//! # async fn find_user(_: u64) -> Result<Option<String>, std::io::Error> { Ok(None) }
//! let users = Cache::new(&redis).namespace("user");
//! // That there is no such user is kept too, for `negative_ttl`.
//! let user: Option<String> = users.get_or_set(42, || find_user(42)).await?;
//! # assert_eq!(user, None);
//! # Ok(()) });
//! ```
//!
//! **Write-through**: the source first, then the cache. Readers wait meanwhile, and if any of it fails the entry is gone
//! and not old.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! # use restis::Cache;
//! # async fn save(_: &str) -> Result<(), std::io::Error> { Ok(()) }
//! let users = Cache::new(&redis).namespace("user");
//! let user = users
//!     .update(42, || async {
//!         save("ada").await?;
//!         Ok::<_, std::io::Error>("ada".to_owned())
//!     })
//!     .await?;
//! assert_eq!(users.get(42).await?, Some(user));
//! # Ok(()) });
//! ```
//!
//! **Invalidation by key**, after somebody else has changed the source:
//!
//! ```
//! # restis_testing::run(async |redis| {
//! # use restis::Cache;
//! let users = Cache::new(&redis).namespace("user");
//! users.delete(42).await?;
//! # Ok(()) });
//! ```
//!
//! **By tag**: all entries that were made of something, in one command, however many they are. A list has a tag for each
//! of its members, and one of its own for who joins it.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! # use restis::{Cache, cache::Loaded};
//! # async fn members() -> Result<Vec<u64>, std::io::Error> { Ok(vec![42, 43]) }
//! let families = Cache::new(&redis).namespace("family");
//! let load = |_| async {
//!     let members = members().await?;
//!     let tags: Vec<String> = members.iter().map(|user| format!("user:{user}")).collect();
//!     Ok::<_, std::io::Error>(Loaded::new(members).tags(tags))
//! };
//! let members = families.entry("7:members").tag("family:7").get_or_set_with(load).await?;
//! families.invalidate_tags(["user:42", "family:7"]).await?;
//! assert_eq!(families.get::<Vec<u64>>("7:members").await?, None);
//! # assert_eq!(members, [42, 43]);
//! # Ok(()) });
//! ```
//!
//! Tags are the namespace's own: a change that touches two caches is two calls. A handler is dropped when its caller hangs
//! up, so make both in a task of their own where the second must not be missed.
//!
//! **By pattern**, where keys were not given tags: a walk over all keys of the database, page by page. Prefer tags.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! # use restis::Cache;
//! let families = Cache::new(&redis).namespace("family");
//! families.set("7:members", &vec![42]).await?;
//! assert_eq!(families.invalidate_matching("7:*").await?, 1);
//! # Ok(()) });
//! ```
//!
//! **Never wait for a refresh**: what is older than its TTL is answered at once, and one caller loads it again; on a
//! Worker and in a service that happens behind the answer, see [`Entry::background`].
//!
//! ```
//! # restis_testing::run(async |redis| {
//! # use {restis::Cache, std::time::Duration};
//! # async fn load_rates() -> Result<u32, std::io::Error> { Ok(7) }
//! let rates = Cache::new(&redis)
//!     .ttl(Duration::from_secs(60))
//!     .stale_while_revalidate(Duration::from_secs(600))
//!     .stale_if_error(Duration::from_secs(3600));
//! let rate = rates
//!     .entry("rates")
//!     .background(|refresh| drop(tokio::spawn(refresh)))
//!     .get_or_set(load_rates)
//!     .await?;
//! # assert_eq!(rate, 7);
//! # Ok(()) });
//! ```
//!
//! **Ask the source whether anything has changed**: [`get_or_set_with`](Cache::get_or_set_with) hands the loader the value
//! from before and its etag.
//!
//! # Where a call ends
//!
//! A call returns after what it has claimed is stored or released, so that a program may end with the answer: a function of an edge,
//! a process that exits. [`Entry::background`] is the one exception: its work goes on behind the answer, as long as the spawner lets
//! it. A future that is dropped leaves its claim to the next caller in this process, and to others when the [`lease`](Cache::lease)
//! ends.
//!
//! Where the server evicts keys, an entry, a version or a claim that is gone makes a miss. A value that was loaded under an evicted claim is
//! returned and not stored.
//!
//! # Cost
//!
//! Round trips, and commands as they are billed. Tags known to the caller come with the entry.
//!
//! | call | round trips | billed |
//! |---|---|---|
//! | hit, with any number of tags | 1 | 1 |
//! | hit in [`memory`](Cache::memory) | 0 | 0 |
//! | stale hit | 1 | 1; who refreshes it 2 more, and each other process 1 more in a [`lease`](Cache::lease) |
//! | miss | 2, then the loader, then 1 | 3; 1 more if others came while it was loaded |
//! | the same where the namespace or tags have no version: the first time, and after each invalidation | the same | 1 more, and 1 for each of them |
//! | the same with tags that only the loader knows, the first time | 1 more; 2 more where they have no version | 1 more; 2 more, and 1 for each, where they have no version |
//! | a load longer than half the [`lease`](Cache::lease) | | 1 for each half |
//! | a load that fails | 3 | 3 |
//! | miss, another one loads it | as many as looks, every 25 to 250 ms | 1 each |
//! | [`set`](Cache::set), [`touch`](Cache::touch) | 2 | 2 |
//! | [`update`](Cache::update) | 2 | 3 |
//! | [`delete`](Cache::delete), [`invalidate_tags`](Cache::invalidate_tags), [`clear`](Cache::clear) | 1 | 1 |
//! | [`get_or_set_many`](Cache::get_or_set_many), `m` of them missing | 3 | 1 + 2 m |
//! | [`invalidate_matching`](Cache::invalidate_matching) | 1 for each page, and 1 | 2 each |
//!
//! Values over 64 KB and servers without `SET … IFEQ` are compared by a script: 3 billed in place of 1.
//!
//! What an entry with many tags costs: billed commands, and the CPU time of the server (`cargo xtask compare cache`, Valkey
//! 9.1.2 on 2 cores that were busy otherwise). Versions of more tags than fit into one request are made in several.
//!
//! | | 1 tag | 1,000 tags | 100,000 tags |
//! |---|---|---|---|
//! | the first load, which makes the versions of its tags | 6; 0.29 ms | 1,005; 1.8 ms | 100,005; 211 ms |
//! | a hit | 1; 0.04 ms | 1; 0.26 ms | 1; 37 ms |
//! | a miss whose tags have versions | 3; 0.16 ms | 3; 0.51 ms | 3; 37 ms |
//! | [`invalidate_tag`](Cache::invalidate_tag) | 1; 0.08 ms | 1; 0.08 ms | 1; 0.28 ms |
//! | CPU time of a hit in the npm package, its request included | 1.3 ms | 4.1 ms | 246 ms |
//! | memory: the entry, and the versions of its tags | 120 B, 72 B | 31 KB, 72 KB | 3.3 MB, 7.2 MB |

mod background;
mod claims;
mod codec;
mod decide;
mod entry;
mod fetch;
mod flight;
mod load;
mod loaded;
mod many;
mod memory;
mod notes;
mod put;
mod record;
mod settings;
mod status;
mod store;
mod sweep;
mod update;
mod versions;

use std::{
    fmt::{self, Display},
    future::Future,
    sync::Arc,
    time::Duration,
};

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub use self::record::any_entry;
pub use self::{
    background::{Background, BackgroundLocal, LocalFuture},
    codec::{Codec, Decode, Encode, JsonCodec},
    entry::{Entry, Inline},
    loaded::{Loaded, Previous},
    status::{Cached, Report, Stats, Status},
    sweep::Sweep,
};
use self::{
    decide::sane,
    memory::Memory,
    settings::Settings,
    store::{Op, Shared},
};
use crate::{Error, Redis, Safety};

/// A cache on a database. Cheap to clone; clones share counters, memory and waiting callers.
///
/// Its settings are methods that give it back: `Cache::new(&redis).namespace("user").ttl(HOUR)`. Making one does no I/O,
/// so it can be a global of a Worker. See the [module](self) for what it keeps, costs, and how it is used.
pub struct Cache<C = JsonCodec> {
    redis: Redis,
    settings: Arc<Settings>,
    shared: Arc<Shared>,
    codec: C,
}

impl<C: Clone> Clone for Cache<C> {
    fn clone(&self) -> Self {
        Self {
            redis: self.redis.clone(),
            settings: Arc::clone(&self.settings),
            shared: Arc::clone(&self.shared),
            codec: self.codec.clone(),
        }
    }
}

impl<C> fmt::Debug for Cache<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache without a namespace, whose values are JSON and fresh for 300 s.
    pub fn new(redis: &Redis) -> Self {
        Self {
            redis: redis.clone(),
            settings: Arc::new(Settings::new()),
            shared: Arc::new(Shared::new()),
            codec: JsonCodec,
        }
    }
}

/// Settings.
impl<C> Cache<C> {
    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }

    /// What stands before each key: `namespace("user")` stores 42 as `user:42`. Tags and [`clear`](Self::clear) are the
    /// namespace's own. None by default.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|settings| settings.namespace = namespace.into())
    }

    /// How long a value is fresh: 300 s by default, give or take the [`jitter`](Self::jitter). Zero stores nothing.
    pub fn ttl(self, ttl: Duration) -> Self {
        self.with(|settings| settings.ttl = sane(ttl))
    }

    /// By which part of itself a TTL is made longer or shorter at random, so that what was stored together does not end
    /// together: 0.1 by default.
    pub fn jitter(self, jitter: f64) -> Self {
        // Not a number is none.
        let jitter = if jitter > 0.0 { jitter.min(1.0) } else { 0.0 };
        self.with(|settings| settings.jitter = jitter)
    }

    /// How long it is kept that there is nothing (`None`): the TTL by default, but at most 10 s, since what is made
    /// meanwhile is not seen. Zero does not keep it.
    pub fn negative_ttl(self, ttl: Duration) -> Self {
        self.with(|settings| settings.negative_ttl = Some(sane(ttl)))
    }

    /// How long after its TTL a value is answered while one caller loads it again: 0 by default.
    ///
    /// That caller waits for the loader, unless it says where the refresh may go: [`Entry::background`].
    ///
    /// Source: [RFC 5861](https://www.rfc-editor.org/rfc/rfc5861#section-3).
    pub fn stale_while_revalidate(self, time: Duration) -> Self {
        self.with(|settings| settings.windows.revalidate = sane(time))
    }

    /// How long after its TTL a value is answered if it cannot be loaded: 0 by default.
    ///
    /// Source: [RFC 5861](https://www.rfc-editor.org/rfc/rfc5861#section-4).
    pub fn stale_if_error(self, time: Duration) -> Self {
        self.with(|settings| settings.windows.if_error = sane(time))
    }

    /// How early a value that is asked for often is loaded again before its end, so that there is no miss: the `beta` of
    /// XFetch, 1 by default, more is earlier, 0 is off.
    ///
    /// A value that takes long to load is loaded earlier. One caller does it, the others go on with what is there.
    ///
    /// Source: [Vattani, Chierichetti, Lowenstein 2015](https://doi.org/10.14778/2757807.2757813).
    pub fn early_refresh(self, beta: f64) -> Self {
        self.with(|settings| settings.beta = beta)
    }

    /// How long a loader may take: 5 s by default, `None` as long as it likes. Then it is dropped, and the call fails with
    /// [`is_loader`](crate::Error::is_loader) and `is_timeout`, or has the stale value.
    pub fn loader_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into().map(sane);
        self.with(|settings| settings.loader_timeout = timeout)
    }

    /// How long a claim lasts: for so long others wait for a process that died. Twice the
    /// [`loader_timeout`](Self::loader_timeout) by default, at most 30 s. A load that takes longer renews it, for one billed
    /// command each half of it.
    pub fn lease(self, lease: Duration) -> Self {
        self.with(|settings| settings.lease = Some(sane(lease).max(Duration::from_millis(1))))
    }

    /// How long nobody loads a stale value again after a load failed: 10 s by default.
    pub fn error_backoff(self, time: Duration) -> Self {
        self.with(|settings| settings.error_backoff = sane(time))
    }

    /// Whether a caller whose Redis fails has the loader's value (the default) or the error.
    ///
    /// Meanwhile the callers of one process still share loads; several processes do not.
    pub fn fail_open(self, fail_open: bool) -> Self {
        self.with(|settings| settings.fail_open = fail_open)
    }

    /// How long each request to Redis may take while a value is looked up, its repetitions included: 2 s by default.
    ///
    /// What changes something (`set`, `delete`, `update`, invalidation) has the client's own time.
    pub fn redis_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.redis_timeout = sane(timeout))
    }

    /// Whether callers of one key in this process share one lookup and one load: yes natively, no on wasm32.
    ///
    /// Requests of a Worker must not wait for each other: set it there only on a cache that is made within one request,
    /// and in Node, Deno, Bun and browsers, where it is always right.
    pub fn single_flight(self, single_flight: bool) -> Self {
        self.with(|settings| settings.single_flight = single_flight)
    }

    /// Keeps values in this process' memory too, at most so many bytes: off by default.
    ///
    /// What others invalidate is seen here after `ttl` at the latest; 1 s is a good one. What is invalidated here is gone
    /// at once.
    pub fn memory(self, bytes: u64, ttl: Duration) -> Self {
        self.with(|settings| settings.memory = Some(Arc::new(Memory::new(bytes, ttl))))
    }

    /// Values of more bytes than this are stored compressed, if that saves a fifth: 1,024 by default. Needs the feature
    /// `compress`, as does reading them: without it they are misses.
    ///
    /// Source: [RFC 1951](https://www.rfc-editor.org/rfc/rfc1951).
    #[cfg(feature = "compress")]
    pub fn compress_above(self, bytes: usize) -> Self {
        self.with(|settings| settings.compress_above = bytes)
    }

    /// Tells `hook` of every call at its end; see [`Report`]. It must not block.
    pub fn on_report(self, hook: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.hook = Some(Arc::new(hook)))
    }

    /// Where the time of day comes from, in milliseconds since 1970: for tests.
    pub fn clock(self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// How values are stored; see [`Codec`].
    pub fn codec<D>(self, codec: D) -> Cache<D> {
        Cache {
            redis: self.redis,
            settings: self.settings,
            shared: self.shared,
            codec,
        }
    }
}

impl<C> Cache<C> {
    /// One entry, for calls with settings of their own.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::Cache, std::time::Duration};
    /// let cache = Cache::new(&redis);
    /// cache.entry("news").ttl(Duration::from_secs(10)).tags(["front"]).set("hello").await?;
    /// # Ok(()) });
    /// ```
    pub fn entry(&self, key: impl Display) -> Entry<'_, C> {
        Entry::new(self, key)
    }

    /// The value of a key, if it is there and not invalidated: fresh, or within
    /// [`stale_while_revalidate`](Self::stale_while_revalidate).
    ///
    /// `None` also where somebody loads it right now, and for what is not of the type `V`. A value that means that there
    /// is nothing is `Some(None)` of an `Option`, and `None` of other types.
    ///
    /// Cost: one round trip, one billed command; with tags that this process did not know two of each.
    pub async fn get<V>(&self, key: impl Display) -> Result<Option<V>, Error>
    where
        C: Decode<V>,
    {
        self.entry(key).get().await
    }

    /// Stores a value, over whatever is there. Loads that are under way do not replace it.
    ///
    /// For a value that was just written to the source prefer [`update`](Self::update): between the two, others may load
    /// and store what is old.
    ///
    /// Cost: two round trips, two billed commands; at the first use of a namespace or tag one round trip more.
    pub async fn set<V: ?Sized>(&self, key: impl Display, value: &V) -> Result<(), Error>
    where
        C: Encode<V>,
    {
        self.entry(key).set(value).await
    }

    /// Takes a value away. What is being loaded for it meanwhile is not stored.
    ///
    /// It is repeated until the answer is known; if it fails, call it again.
    ///
    /// Cost: one round trip, one billed command.
    pub async fn delete(&self, key: impl Display) -> Result<(), Error> {
        self.entry(key).delete().await
    }

    /// Takes several values away; see [`delete`](Self::delete).
    pub async fn delete_many<K: Display>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<(), Error> {
        let keys: Vec<String> = keys
            .into_iter()
            .map(|key| self.settings.key(&key.to_string()))
            .collect();
        let mut op = self.op("delete_many");
        let done = op.unlink(&keys).await;
        for key in &keys {
            op.forget(Some(key));
        }
        done
    }

    /// The value of a key, or that of the loader, which is stored then.
    ///
    /// Of all callers, here and in other processes, one loads; the others wait for it. `None` is a value, too, and kept
    /// for the [`negative_ttl`](Self::negative_ttl).
    ///
    /// An error of the loader comes as the `source` of an error with [`is_loader`](crate::Error::is_loader), for those too
    /// who waited for it in this process. Dropping the future ends the loader, and another caller takes over.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use restis::Cache;
    /// let cache = Cache::new(&redis);
    /// let pi = cache.get_or_set("pi", || async { "3.14".parse::<f64>() }).await?;
    /// assert_eq!(pi, 3.14);
    ///
    /// let error = cache.get_or_set("e", || async { "?".parse::<f64>() }).await.unwrap_err();
    /// assert!(error.is_loader());
    /// # Ok(()) });
    /// ```
    ///
    /// Cost: of a hit one round trip and one billed command; see the [module](self#cost).
    pub async fn get_or_set<V, F, Fut, E>(&self, key: impl Display, loader: F) -> Result<V, Error>
    where
        C: Codec<V>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.entry(key).get_or_set(loader).await
    }

    /// [`get_or_set`](Self::get_or_set) with a loader that sets TTL, tags and etag, and gets what was there before.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// # use {restis::{Cache, Error, cache::Loaded}, std::time::Duration};
    /// # struct Answer { status: u16, etag: &'static str, max_age: u64, body: String }
    /// # async fn fetch(_: Option<String>) -> Result<Answer, Error> {
    /// #     Ok(Answer { status: 200, etag: "\"v1\"", max_age: 60, body: "rates".into() })
    /// # }
    /// let cache = Cache::new(&redis).stale_if_error(Duration::from_secs(3600));
    /// let body: String = cache
    ///     .get_or_set_with("rates", |previous| async move {
    ///         let answer = fetch(previous.and_then(|previous| previous.etag)).await?;
    ///         let loaded = match answer.status {
    ///             304 => Loaded::not_modified(),
    ///             _ => Loaded::new(answer.body).etag(answer.etag),
    ///         };
    ///         Ok::<_, Error>(loaded.ttl(Duration::from_secs(answer.max_age)))
    ///     })
    ///     .await?;
    /// # assert_eq!(body, "rates");
    /// # Ok(()) });
    /// ```
    pub async fn get_or_set_with<V, F, Fut, E>(
        &self,
        key: impl Display,
        loader: F,
    ) -> Result<V, Error>
    where
        C: Codec<V>,
        F: FnOnce(Option<Previous<V>>) -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.entry(key).get_or_set_with(loader).await
    }

    /// Makes a value that is there fresh for another TTL, that of this cache; false if there is none. One that is stale
    /// becomes fresh too.
    ///
    /// Cost: two round trips, two billed commands.
    pub async fn touch(&self, key: impl Display) -> Result<bool, Error> {
        self.entry(key).touch().await
    }

    /// Changes the source by `write`, and then the cache to what that gives: write-through.
    ///
    /// First the entry is claimed, so that nobody stores what is old meanwhile, and who asks for it waits. If that cannot be
    /// done, `write` is not called and the call fails. If `write` fails, the entry is gone, and its error is the `source` of one
    /// with [`is_loader`](crate::Error::is_loader). If the value cannot be stored, or another update went on at the same time, or
    /// this process dies in between, the entry is gone too: no old value is left behind. Where Redis cannot be told that it is
    /// gone, the error says that the key is to be deleted. `write` has no timeout; the claim is
    /// renewed while it runs. If the future is dropped while `write` runs, the entry is left alone for the rest of the
    /// [`lease`](Self::lease): the source may still be at it.
    ///
    /// Cost: two round trips, three billed commands.
    pub async fn update<V, F, Fut, E>(&self, key: impl Display, write: F) -> Result<V, Error>
    where
        C: Codec<V>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.entry(key).update(write).await
    }

    /// Makes all entries with this tag misses, those that are being loaded too.
    ///
    /// It is repeated until the answer is known; if it fails, call it again.
    ///
    /// Cost: one round trip, one billed command, however many entries there are.
    pub async fn invalidate_tag(&self, tag: impl Display) -> Result<(), Error> {
        self.invalidate_tags([tag]).await
    }

    /// Makes all entries with one of these tags misses; see [`invalidate_tag`](Self::invalidate_tag). The cost is the same.
    pub async fn invalidate_tags<T: Display>(
        &self,
        tags: impl IntoIterator<Item = T>,
    ) -> Result<(), Error> {
        let namespace = &*self.settings.namespace;
        let mut keys: Vec<String> = tags
            .into_iter()
            .map(|tag| versions::tag_key(namespace, &tag.to_string()))
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        keys.push(versions::any_tag_key(namespace));
        self.invalidate("invalidate_tags", keys).await
    }

    /// Makes all entries of the namespace misses. Their memory comes back as they expire.
    ///
    /// Cost: one round trip, one billed command, however many entries there are.
    pub async fn clear(&self) -> Result<(), Error> {
        let key = versions::version_key(&self.settings.namespace);
        self.invalidate("clear", vec![key]).await
    }

    async fn invalidate(&self, operation: &'static str, keys: Vec<String>) -> Result<(), Error> {
        let mut op = self.op(operation);
        let done = op.unlink(&keys).await;
        op.forget(None);
        done
    }

    /// Deletes all entries of the namespace whose key fits a glob-style pattern, and gives how many there were.
    ///
    /// It walks over all keys of the database, a page at a time, and deletes what it finds with the request for the next
    /// page. Characters of the namespace mean themselves; what begins with it and a colon is its own, so that of a namespace
    /// `a:b` is that of `a` too. A cache without one owns no keys: there a pattern has to begin with text, and deletes
    /// whatever has such a name. For progress, or to go on after an error, see
    /// [`sweep`](Self::sweep).
    ///
    /// Cost: one round trip for each 1,000 keys of the database, two billed commands each.
    pub async fn invalidate_matching(&self, pattern: impl Display) -> Result<u64, Error> {
        self.sweep(pattern).run().await
    }

    /// [`invalidate_matching`](Self::invalidate_matching) step by step.
    pub fn sweep(&self, pattern: impl Display) -> Sweep {
        Sweep::new(self.op("invalidate_matching"), &pattern.to_string())
    }

    /// What this cache and its clones have done since it was made.
    pub fn stats(&self) -> Stats {
        self.shared.counters.snapshot()
    }

    fn op(&self, operation: &'static str) -> Op {
        Op::new(&self.redis, &self.settings, &self.shared, operation)
    }
}

impl Op {
    /// Deletes keys, as often as it takes to know that they are gone.
    async fn unlink(&mut self, keys: &[String]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let redis = self.redis.clone();
        self.bill(1);
        // How many there were is not asked for, so a second time does the same.
        let done = redis.unlink(keys).safety(Safety::IdempotentWrite).await;
        self.failed(done).map(drop)
    }
}
