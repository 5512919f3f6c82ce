//! Histories made at random in a time that stands still: several processes take a lock, or run idempotent work, while requests
//! and answers are late or lost, replicas are behind, processes stall or die, and keys are evicted. One seed is one history.
//!
//! The server is a model of the few commands that they send.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::join_all;
use restis::{
    Idempotency, Lock, Redis, Retry,
    idempotency::{Ran, RunError},
    transport::{Request, Response, TransportError},
};
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::ms;

const LEASE: Duration = Duration::from_secs(10);
/// How many histories each test tries.
const HISTORIES: u64 = 150;

/// Strings with their ends, in the time of the test.
#[derive(Debug, Default)]
struct Model {
    now: HashMap<String, (String, Instant)>,
    /// What reads find.
    replica: HashMap<String, (String, Instant)>,
    fence: u64,
}

fn found(keys: &HashMap<String, (String, Instant)>, key: &str) -> Option<(String, Instant)> {
    let found = keys.get(key).filter(|(_, end)| *end > Instant::now());
    found.cloned()
}

impl Model {
    fn holds(&self, key: &str) -> Option<String> {
        found(&self.now, key).map(|(text, _)| text)
    }

    fn put(&mut self, key: &str, text: &str, millis: &str) {
        let end = Instant::now() + ms(millis.parse().unwrap());
        self.now.insert(key.to_owned(), (text.to_owned(), end));
    }

    fn run(&mut self, words: &[String]) -> Value {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let result = match words[..] {
            ["GET", key] => json!(found(&self.replica, key).map(|(text, _)| text)),
            ["PTTL", key] => match found(&self.replica, key) {
                Some((_, end)) => json!((end - Instant::now()).as_millis() as u64),
                None => json!(-2),
            },
            ["SET", key, text, "PX", life, "NX"] => match self.holds(key) {
                Some(_) => Value::Null,
                None => {
                    self.put(key, text, life);
                    json!("OK")
                }
            },
            ["SET", key, text, "PX", life, "IFEQ", before] => match self.holds(key) {
                Some(holder) if holder == before => {
                    self.put(key, text, life);
                    json!("OK")
                }
                _ => Value::Null,
            },
            ["DELEX", key, "IFEQ", before] => {
                let is_theirs = self.holds(key).is_some_and(|holder| holder == before);
                if is_theirs {
                    self.now.remove(key);
                }
                json!(u8::from(is_theirs))
            }
            // The acquisition of a fenced lock of one name.
            ["EVALSHA", _, "2", key, _, token, life, "1", ..] => match found(&self.now, key) {
                Some((holder, _)) if holder == token => json!([self.fence, 0]),
                Some((_, end)) => json!([-1, (end - Instant::now()).as_millis() as u64]),
                None => {
                    self.put(key, token, life);
                    self.fence += 1;
                    json!([self.fence, 0])
                }
            },
            _ => panic!("the model has no {words:?}"),
        };
        json!({ "result": result })
    }
}

/// Randomness that is the same for the same seed, and all that a history shares.
#[derive(Clone)]
struct World {
    seed: u64,
    dice: Arc<Mutex<fastrand::Rng>>,
    model: Arc<Mutex<Model>>,
    /// One in so many requests is lost, and as many answers.
    loses: u64,
    /// One in so many polls of a process begins a stall.
    stalls: u64,
    /// One in so many answers is followed by an eviction.
    evicts: u64,
    evicted: Arc<Mutex<Vec<Instant>>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let [loses, stalls, evicts] =
            [[0, 40, 12, 5], [0, 400, 100, 40], [0, 0, 0, 60]].map(|all| all[dice.usize(0..4)]);
        Self {
            seed,
            dice: Arc::new(Mutex::new(dice)),
            model: Arc::default(),
            loses,
            stalls,
            evicts,
            evicted: Arc::default(),
        }
    }

    fn up_to(&self, most: u64) -> u64 {
        self.dice.lock().unwrap().u64(0..=most)
    }

    fn one_in(&self, many: u64) -> bool {
        many > 0 && self.up_to(many - 1) == 0
    }

    async fn pause(&self, most: u64) {
        sleep(ms(self.up_to(most))).await;
    }

    fn client(&self) -> Redis {
        let world = self.clone();
        let transport = move |request: Request| {
            let world = world.clone();
            async move { world.answer(&request).await }
        };
        let retry = Retry::times(2).backoff(ms(5), ms(20));
        let builder = Redis::builder().url("https://model.example").token("token");
        builder.retry(retry).transport(transport).build().unwrap()
    }

    async fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        self.pause(20).await;
        if self.one_in(self.loses) {
            return Err(TransportError::interrupted("lost on its way there"));
        }
        let answer = {
            let mut model = self.model.lock().unwrap();
            // The replica catches up now and then.
            if !self.one_in(3) {
                model.replica = model.now.clone();
            }
            match request.url().ends_with("/pipeline") {
                false => model.run(&serde_json::from_slice::<Vec<String>>(request.body()).unwrap()),
                true => {
                    let all: Vec<Vec<String>> = serde_json::from_slice(request.body()).unwrap();
                    all.iter().map(|words| model.run(words)).collect()
                }
            }
        };
        if self.one_in(self.evicts) {
            self.model.lock().unwrap().now.clear();
            self.evicted.lock().unwrap().push(Instant::now());
        }
        if self.one_in(self.loses) {
            return Err(TransportError::interrupted("lost on its way back"));
        }
        self.pause(20).await;
        Ok(Response::new(200, answer.to_string()))
    }

    /// A process that stalls at any point, and may die.
    async fn process<T>(&self, life: impl Future<Output = T>) -> Option<T> {
        let stalling = Stalling {
            world: self.clone(),
            life: Box::pin(life),
            until: None,
        };
        match self.one_in(4) {
            true => timeout(ms(self.up_to(60_000)), stalling).await.ok(),
            false => Some(stalling.await),
        }
    }
}

/// A future that is not polled for some time, now and then.
struct Stalling<F> {
    world: World,
    life: Pin<Box<F>>,
    until: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Stalling<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.until.is_none() && self.world.one_in(self.world.stalls) {
            let time = ms(self.world.up_to(3 * LEASE.as_millis() as u64));
            self.until = Some(Box::pin(sleep(time)));
        }
        if let Some(until) = &mut self.until {
            if until.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.until = None;
        }
        self.life.as_mut().poll(cx)
    }
}

/// Drives one history in a time of its own.
fn history(seed: u64, run: impl AsyncFn(World)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run(World::new(seed)));
}

/// No step of a holder runs once a later holder has made its first, unless the key was evicted within the last lease; and
/// everybody who waits gets the lock.
#[test]
fn holders_take_turns_through_stalls_losses_and_evictions() {
    let steps = Arc::new(AtomicU64::new(0));
    for seed in 0..HISTORIES {
        history(seed, async |world| {
            let highest = AtomicU64::new(0);
            let process = |_| {
                let (world, highest, steps) = (&world, &highest, &steps);
                async move {
                    let redis = world.client();
                    let lock = Lock::new(&redis, "a").fenced().lease(LEASE);
                    let lock = lock.wait(Duration::from_secs(600));
                    let life = async {
                        for _ in 0..6 {
                            let held = match lock.acquire().await {
                                Ok(held) => held.expect("the lock was not free in ten minutes"),
                                Err(_) => continue,
                            };
                            let fence = held.fence().unwrap();
                            let work = async {
                                for _ in 0..world.up_to(20) {
                                    steps.fetch_add(1, SeqCst);
                                    let before = highest.fetch_max(fence, SeqCst);
                                    let evicted = world.evicted.lock().unwrap().last().copied();
                                    let is_excused = evicted.is_some_and(|at| at.elapsed() < LEASE);
                                    assert!(
                                        fence >= before || is_excused,
                                        "seed {}: {fence} runs behind {before}",
                                        world.seed
                                    );
                                    world.pause(1500).await;
                                }
                            };
                            let _ = held.run(work).await;
                            let _ = held.release().await;
                        }
                    };
                    world.process(life).await
                }
            };
            join_all((0..4).map(process)).await;
        });
    }
    assert!(steps.load(SeqCst) > 4_000);
}

/// The work runs once, and once more at most for each call that failed, died, or whose key was evicted.
#[test]
fn work_runs_once_through_stalls_losses_and_evictions() {
    let (again, finished) = (AtomicU64::new(0), AtomicU64::new(0));
    for seed in 0..HISTORIES {
        history(seed, async |world| {
            let (effects, troubles) = (AtomicU64::new(0), AtomicU64::new(0));
            let work = async || {
                world.pause(20_000).await;
                Ok::<u64, &str>(effects.fetch_add(1, SeqCst) + 1)
            };
            let process = |_| async {
                let redis = world.client();
                let once = Idempotency::new(&redis).lease(LEASE);
                let life = async {
                    for _ in 0..4 {
                        match once.run("k", "body", &work).await {
                            Ok(Ran::InProgress { retry_after, .. }) => sleep(retry_after).await,
                            // Where the answer was lost on its way, that the work was done may be all that is stored.
                            Ok(Ran::Now(_) | Ran::Before(_) | Ran::DoneWithoutAnswer) => {}
                            Ok(other) => panic!("seed {}: {other:?}", world.seed),
                            Err(RunError::Work(_)) => unreachable!(),
                            Err(_) => drop(troubles.fetch_add(1, SeqCst)),
                        }
                    }
                };
                if world.process(life).await.is_none() {
                    troubles.fetch_add(1, SeqCst);
                }
            };
            join_all((0..4).map(process)).await;
            let evicted = world.evicted.lock().unwrap().len() as u64;
            let (effects, troubles) = (effects.load(SeqCst), troubles.load(SeqCst));
            assert!(
                effects <= 1 + troubles + evicted,
                "seed {}: {effects} effects, {troubles} troubles, {evicted} evictions",
                world.seed
            );
            again.fetch_add(effects.saturating_sub(1), SeqCst);
            finished.fetch_add(u64::from(effects > 0), SeqCst);
        });
    }
    assert!(finished.load(SeqCst) > HISTORIES / 2 && again.load(SeqCst) > 0);
}
