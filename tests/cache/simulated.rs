//! Histories made at random in a time that stands still: several processes read, write, invalidate and go away, while
//! requests and answers are late or lost. Whoever asks after an invalidation has returned never gets what is older.
//!
//! The server is a model of the few commands that the cache sends; one seed is one history.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::{
    Cache, Error, Redis, Retry,
    cache::Loaded,
    transport::{Request, Response, TransportError},
};
use tokio::time::{Instant, sleep, timeout};

use crate::model::Model;

const KEYS: u64 = 2;
/// Longer than the longest chain of waits.
const HANGS: Duration = Duration::from_secs(300);

/// Randomness that is the same for the same seed.
#[derive(Clone)]
struct Dice(Arc<Mutex<fastrand::Rng>>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    fn up_to(&self, most: u64) -> u64 {
        self.0.lock().unwrap().u64(0..=most)
    }

    fn one_in(&self, many: u64) -> bool {
        self.up_to(many - 1) == 0
    }

    async fn pause(&self, most: u64) {
        sleep(Duration::from_millis(self.up_to(most))).await;
    }
}

/// All that a history shares.
#[derive(Clone)]
struct World {
    dice: Dice,
    model: Arc<Mutex<Model>>,
    /// One in so many requests is lost, and as many answers.
    loses: u64,
    /// What the source has of each key.
    source: Arc<[AtomicU64; KEYS as usize]>,
    /// What is known by all: nobody may get what is older.
    known: Arc<[AtomicU64; KEYS as usize]>,
    loads: Arc<AtomicU64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let dice = Dice::new(seed);
        Self {
            loses: [0, 40, 12, 5][dice.up_to(3) as usize],
            dice,
            model: Arc::default(),
            source: Arc::default(),
            known: Arc::default(),
            loads: Arc::default(),
        }
    }

    fn client(&self) -> Redis {
        let world = self.clone();
        let transport = move |request: Request| {
            let world = world.clone();
            async move { world.answer(&request).await }
        };
        let retry = Retry::times(2).backoff(Duration::from_millis(5), Duration::from_millis(20));
        let builder = Redis::builder().url("https://model.example").token("token");
        builder.retry(retry).transport(transport).build().unwrap()
    }

    async fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        let lost = || self.loses > 0 && self.dice.one_in(self.loses);
        self.dice.pause(20).await;
        if lost() {
            return Err(TransportError::interrupted("lost on its way there"));
        }
        let body = request.body();
        let answer = match request.url().ends_with("/pipeline") {
            false => {
                let words: Vec<String> = serde_json::from_slice(body).unwrap();
                self.model.lock().unwrap().run(&words)
            }
            // Not as one: what others send may come in between.
            true => {
                let commands: Vec<Vec<String>> = serde_json::from_slice(body).unwrap();
                let mut answers = Vec::new();
                for words in commands {
                    answers.push(self.model.lock().unwrap().run(&words));
                    if self.dice.one_in(3) {
                        self.dice.pause(3).await;
                    }
                }
                answers.into()
            }
        };
        if lost() {
            return Err(TransportError::interrupted("lost on its way back"));
        }
        self.dice.pause(20).await;
        Ok(Response::new(200, answer.to_string()))
    }

    fn cache(&self) -> Cache {
        let began = Instant::now();
        let millis = Duration::from_millis;
        Cache::new(&self.client())
            .namespace("n")
            .clock(move || began.elapsed().as_millis() as u64 + 1_000_000)
            .ttl(millis(50 + self.dice.up_to(2_000)))
            .stale_while_revalidate(millis(self.dice.up_to(1) * self.dice.up_to(500)))
            .stale_if_error(millis(self.dice.up_to(1) * self.dice.up_to(2_000)))
            .early_refresh(self.dice.up_to(2) as f64)
            .loader_timeout(millis(100 + self.dice.up_to(400)))
            .lease(millis(50 + self.dice.up_to(600)))
            .error_backoff(millis(self.dice.up_to(300)))
            .redis_timeout(millis(60 + self.dice.up_to(200)))
    }

    fn now_known(&self, key: u64, version: u64) {
        self.known[key as usize].fetch_max(version, SeqCst);
    }

    async fn load(self, key: u64) -> Result<u64, &'static str> {
        self.loads.fetch_add(1, SeqCst);
        let version = self.source[key as usize].load(SeqCst);
        self.dice.pause(150).await;
        match self.dice.one_in(10) {
            true => Err("the source is broken"),
            false => Ok(version),
        }
    }

    /// One call of a reader; what it gets is at least what was known when it began.
    async fn read(&self, cache: &Cache) {
        let key = self.dice.up_to(KEYS - 1);
        let least = self.known[key as usize].load(SeqCst);
        let entry = cache.entry(key);
        let load = || self.clone().load(key);
        let found = match self.dice.up_to(5) {
            0 => entry.get::<u64>().await.map(|found| found.unwrap_or(least)),
            1 => {
                let tag = format!("late:{key}");
                let load = |_| async {
                    let version = load().await?;
                    Ok::<_, &str>(Loaded::new(version).tag(tag))
                };
                entry.tag("t").get_or_set_with(load).await
            }
            2 => {
                let load = |keys: Vec<u64>| {
                    let world = self.clone();
                    async move {
                        let mut values = HashMap::new();
                        for key in keys {
                            let version = world.clone().load(key).await?;
                            values.insert(
                                key,
                                Loaded::new(version).tags(["t", &format!("late:{key}")]),
                            );
                        }
                        Ok::<_, &str>(values)
                    }
                };
                let found = cache.get_or_set_many_with([key], load).await;
                found.map(|found| found[&key])
            }
            3 => {
                let world = self.clone();
                let load = move || world.load(key);
                let spawn = |rest| drop(tokio::spawn(rest));
                entry
                    .tags(["t", &format!("late:{key}")])
                    .background(spawn)
                    .get_or_set(load)
                    .await
            }
            _ => {
                entry
                    .tags(["t", &format!("late:{key}")])
                    .get_or_set(load)
                    .await
            }
        };
        match found {
            Ok(found) => assert!(found >= least, "{found} of {key}, and {least} was known"),
            Err(error) => assert!(error.is_loader() || self.loses > 0, "{error:?}"),
        }
    }

    /// A change of the source, and what makes it known.
    async fn write(&self, cache: &Cache) {
        let key = self.dice.up_to(KEYS - 1);
        if self.dice.one_in(3) {
            let mut written = None;
            let update = cache
                .entry(key)
                .tags(["t", &format!("late:{key}")])
                .update(|| async {
                    self.dice.pause(100).await;
                    let version = self.source[key as usize].fetch_add(1, SeqCst) + 1;
                    written = Some(version);
                    self.dice.pause(300).await;
                    match self.dice.one_in(8) {
                        true => Err("the source is broken"),
                        false => Ok(version),
                    }
                });
            if let Err(error) = update.await
                && !error.is_loader()
                && written.is_some()
            {
                // The source was written and the cache could not be told, which the error says.
                assert!(error.to_string().contains("delete the key"), "{error}");
                while cache.delete(key).await.is_err() {}
            }
            if let Some(version) = written {
                self.now_known(key, version);
            }
            return;
        }
        let version = self.source[key as usize].fetch_add(1, SeqCst) + 1;
        self.dice.pause(30).await;
        let how = self.dice.up_to(3);
        // What fails is called again.
        loop {
            let told: Result<(), Error> = match how {
                0 => cache.delete(key).await,
                // Only the loader may know of this one.
                1 => {
                    cache
                        .invalidate_tags(["t".to_owned(), format!("late:{key}")])
                        .await
                }
                2 => cache.clear().await,
                _ => cache.invalidate_tag("t").await,
            };
            if told.is_ok() {
                break;
            }
        }
        self.now_known(key, version);
    }
}

async fn history(seed: u64) {
    let world = World::new(seed);
    let caches: Vec<Cache> = (0..=world.dice.up_to(2)).map(|_| world.cache()).collect();
    let mut actors = Vec::new();
    for number in 0..12 {
        let world = world.clone();
        let cache = caches[number % caches.len()].clone();
        let writes = number % 4 == 0;
        actors.push(tokio::spawn(async move {
            for _ in 0..12 {
                world.dice.pause(200).await;
                if writes {
                    world.write(&cache).await;
                } else if world.dice.one_in(6) {
                    // One that goes away.
                    let patience = Duration::from_millis(world.dice.up_to(300));
                    let _ = timeout(patience, world.read(&cache)).await;
                } else {
                    world.read(&cache).await;
                }
            }
        }));
    }
    for actor in actors {
        match timeout(HANGS, actor).await {
            Ok(done) => done.unwrap_or_else(|error| panic!("history {seed}: {error}")),
            Err(_) => panic!("history {seed}: somebody waits without end"),
        }
    }
}

#[test]
fn nobody_gets_what_is_older_than_what_was_known() {
    let histories: u64 = match std::env::var("PROPTEST_CASES") {
        Ok(cases) => cases.parse().unwrap(),
        Err(_) => 400,
    };
    for seed in 0..histories {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(history(seed));
    }
}
