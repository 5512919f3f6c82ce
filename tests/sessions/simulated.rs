//! Histories made at random in a time that stands still: several processes log in, change, rotate, refresh and end
//! sessions, while requests and answers are late or lost.
//!
//! - Who looks up after an end that has returned finds nothing, whatever the session has become meanwhile.
//! - No change that was said to be done is lost, and none is made twice.
//! - Who repeats the use of a refresh token is never told that it was stolen; who uses an old one always is.
//!
//! The server is a model of the commands and scripts that sessions send; one seed is one history.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use restis::{
    Redis, Retry, Sessions,
    session::Refresh,
    transport::{Request, Response, TransportError},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{KEY, SECOND};

const USERS: u64 = 2;
/// Longer than the longest chain of waits.
const HANGS: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(10);

/// Randomness that is the same for the same seed.
#[derive(Clone)]
struct Dice(Arc<Mutex<fastrand::Rng>>);

impl Dice {
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

type Hash = BTreeMap<String, (String, Instant)>;

/// Hashes whose fields have ends.
#[derive(Default)]
struct Model(HashMap<String, Hash>);

fn after(millis: &str) -> Instant {
    Instant::now() + Duration::from_millis(millis.parse().unwrap())
}

fn name(record: &str) -> &str {
    record.split(' ').nth(1).unwrap()
}

impl Model {
    fn get(&mut self, hash: &str, field: &str) -> Option<String> {
        let fields = self.0.get_mut(hash)?;
        fields.retain(|_, (_, end)| *end > Instant::now());
        fields.get(field).map(|(text, _)| text.clone())
    }

    fn put(&mut self, hash: &str, field: &str, text: &str, life: &str) {
        let fields = self.0.entry(hash.to_owned()).or_default();
        fields.insert(field.to_owned(), (text.to_owned(), after(life)));
    }

    fn remove(&mut self, hash: &str, field: &str) -> bool {
        let fields = self.0.get_mut(hash);
        fields.is_some_and(|fields| fields.remove(field).is_some())
    }

    fn run(&mut self, words: &[String]) -> Value {
        let word = |index: usize| &*words[index];
        match word(0) {
            // HGETEX k PX life FIELDS 1 f
            "HGETEX" => {
                let found = self.get(word(1), word(6));
                if let Some(text) = &found {
                    self.put(word(1), word(6), text, word(3));
                }
                json!([found])
            }
            // HSETEX k PX life FIELDS 1 f v
            "HSETEX" => {
                self.put(word(1), word(6), word(7), word(3));
                json!(1)
            }
            "HDEL" => json!(u32::from(self.remove(word(1), word(2)))),
            "UNLINK" => json!(u32::from(self.0.remove(word(1)).is_some())),
            "EVAL" => {
                let keys: usize = word(2).parse().unwrap();
                let (keys, args) = words[3..].split_at(keys);
                let has = |text: &str| words[1].contains(text);
                if has("-- Replaces a record") {
                    self.swap(keys, args)
                } else if has("-- Gives a session to a user") {
                    self.rotate(keys, args)
                } else if has("-- Rotates the token") {
                    self.refresh(keys, args)
                } else {
                    panic!("the model has not this script")
                }
            }
            other => panic!("the model has no {other}"),
        }
    }

    fn swap(&mut self, keys: &[String], args: &[String]) -> Value {
        let Some(record) = self.get(&keys[0], &args[1]) else {
            return json!(-1);
        };
        if name(&record) == args[3] {
            return json!(1);
        } else if name(&record) != args[2] {
            return json!(0);
        }
        let fields = self.0.get_mut(&keys[0]).unwrap();
        fields.get_mut(&args[1]).unwrap().0 = args[4].clone();
        json!(1)
    }

    fn rotate(&mut self, keys: &[String], args: &[String]) -> Value {
        match self.get(&keys[0], &args[2]) {
            Some(record) if name(&record) == args[3] => {}
            Some(_) => return json!(0),
            None => {
                let new = self.get(&keys[1], &args[4]);
                return json!(if new.is_some() { 1 } else { -1 });
            }
        }
        self.put(&keys[1], &args[4], &args[5], &args[6]);
        self.remove(&keys[0], &args[2]);
        json!(1)
    }

    fn refresh(&mut self, keys: &[String], args: &[String]) -> Value {
        let number = |text: &str| text.parse::<i64>().unwrap();
        let Some(record) = self.get(&keys[0], &args[2]) else {
            return json!("gone");
        };
        let words: Vec<&str> = record.splitn(5, ' ').collect();
        let (generation, used) = (number(words[2]), number(&args[3]));
        let (now, grace) = (number(&args[4]), number(&args[5]));
        let times = words[3].split(',').filter(|time| *time != "-");
        let mut times: Vec<i64> = times.map(number).collect();
        let back = (generation - used) as usize;
        let time = times.len().checked_sub(back).and_then(|at| times.get(at));
        if words[0] == "reused" || used < generation && time.is_some_and(|time| now - time <= grace)
        {
            return json!(record);
        }
        if used > generation {
            return json!("gone");
        } else if used < generation {
            let left = record.replacen("1 ", "reused ", 1);
            self.put(&keys[0], &args[2], &left, &args[8]);
            return json!(left);
        }
        let old = times.len().saturating_sub(15);
        times.drain(..old);
        let old = times.iter().take_while(|time| now - **time > grace).count();
        times.drain(..old);
        times.push(now);
        let times: Vec<String> = times.iter().map(i64::to_string).collect();
        let (next, times) = (generation + 1, times.join(","));
        let record = format!("1 {} {next} {times} {}", args[6], words[4]);
        self.put(&keys[0], &args[2], &record, &args[7]);
        json!(record)
    }
}

/// A session, whatever its token is by now.
#[derive(Default)]
struct Origin {
    user: Option<u64>,
    token: Mutex<String>,
    dead: AtomicBool,
    /// Changes that were said to be done, and those of which nobody knows.
    done: AtomicU64,
    doubtful: AtomicU64,
}

/// All that a history shares.
#[derive(Clone)]
struct World {
    dice: Dice,
    model: Arc<Mutex<Model>>,
    /// One in so many requests is lost, and as many answers.
    loses: u64,
    origins: Arc<Mutex<Vec<Arc<Origin>>>>,
    began: Instant,
}

impl World {
    fn new(seed: u64) -> Self {
        let dice = Dice(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))));
        Self {
            loses: [0, 40, 12, 5][dice.up_to(3) as usize],
            dice,
            model: Arc::default(),
            origins: Arc::default(),
            began: Instant::now(),
        }
    }

    fn sessions(&self) -> Sessions<u64> {
        let world = self.clone();
        let transport = move |request: Request| {
            let world = world.clone();
            async move { world.answer(&request).await }
        };
        let retry = Retry::times(2).backoff(Duration::from_millis(5), Duration::from_millis(20));
        let builder = Redis::builder().url("https://model.example").token("token");
        let redis = builder.retry(retry).transport(transport).build().unwrap();
        let began = self.began;
        Sessions::new(&redis, KEY)
            .clock(move || began.elapsed().as_millis() as u64 + 1_000_000)
            .idle(SECOND * 60)
            .absolute(SECOND * 600)
            .grace(GRACE)
    }

    async fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        let lost = || self.loses > 0 && self.dice.one_in(self.loses);
        self.dice.pause(40).await;
        if lost() {
            return Err(TransportError::interrupted("lost on its way there"));
        }
        let words: Vec<String> = serde_json::from_slice(request.body()).unwrap();
        if words[0].starts_with("EVALSHA") {
            let answer = json!({ "error": "NOSCRIPT No matching script" });
            return Ok(Response::new(400, answer.to_string()));
        }
        let answer = self.model.lock().unwrap().run(&words);
        if lost() {
            return Err(TransportError::interrupted("lost on its way back"));
        }
        self.dice.pause(40).await;
        let answer = json!({ "result": answer });
        Ok(Response::new(200, answer.to_string()))
    }

    fn some(&self) -> Option<Arc<Origin>> {
        let origins = self.origins.lock().unwrap();
        let last = origins.len().checked_sub(1)?;
        Some(Arc::clone(&origins[self.dice.up_to(last as u64) as usize]))
    }

    async fn login(&self, sessions: &Sessions<u64>) {
        let user = self.dice.up_to(USERS - 1);
        let issued = match self.dice.one_in(3) {
            true => match sessions.create_anonymous(&0).await {
                Ok(nobody) => {
                    let login = sessions.rotate(nobody.token().as_str()).user(user);
                    login.await.ok().flatten()
                }
                Err(_) => None,
            },
            false => sessions.create(user, &0).await.ok(),
        };
        if let Some(issued) = issued {
            self.origins.lock().unwrap().push(Arc::new(Origin {
                user: Some(user),
                token: Mutex::new(issued.token().as_str().to_owned()),
                ..Origin::default()
            }));
        }
    }

    async fn look(&self, sessions: &Sessions<u64>, origin: &Origin) {
        let dead = origin.dead.load(SeqCst);
        let token = origin.token.lock().unwrap().clone();
        let done = origin.done.load(SeqCst);
        if let Ok(Some(session)) = sessions.validate(&token).await {
            assert!(!dead, "one that has ended was let in");
            assert!(*session.data() >= done, "a change was lost");
        }
    }

    async fn change(&self, sessions: &Sessions<u64>, origin: &Origin) {
        let dead = origin.dead.load(SeqCst);
        let token = origin.token.lock().unwrap().clone();
        origin.doubtful.fetch_add(1, SeqCst);
        match sessions.update(&token, |count| *count += 1).await {
            Ok(Some(count)) => {
                assert!(!dead, "one that has ended was changed");
                let done = origin.done.fetch_add(1, SeqCst) + 1;
                origin.doubtful.fetch_sub(1, SeqCst);
                assert!(count > 0 && done > 0);
            }
            Err(error) if error.is_ambiguous() => {}
            _ => drop(origin.doubtful.fetch_sub(1, SeqCst)),
        }
    }

    async fn rotate(&self, sessions: &Sessions<u64>, origin: &Origin) {
        let dead = origin.dead.load(SeqCst);
        let token = origin.token.lock().unwrap().clone();
        let grace = Duration::from_millis(self.dice.up_to(1) * 500);
        if let Ok(Some(issued)) = sessions.rotate(&token).grace(grace).await {
            assert!(!dead, "one that has ended was rotated");
            *origin.token.lock().unwrap() = issued.token().as_str().to_owned();
        }
    }

    /// An end, and who is known to have ended by it.
    async fn end(&self, sessions: &Sessions<u64>) {
        let all = self.dice.one_in(2);
        let Some(origin) = self.some() else { return };
        let known: Vec<Arc<Origin>> = match all {
            true => self.origins.lock().unwrap().clone(),
            false => vec![Arc::clone(&origin)],
        };
        let user = origin.user.unwrap();
        // By any token that it has had: others may replace it meanwhile.
        let token = origin.token.lock().unwrap().clone();
        let ended = match all {
            true => sessions.revoke_all(user).await.is_ok(),
            false => sessions.revoke(&token).await.is_ok(),
        };
        for origin in known
            .iter()
            .filter(|origin| ended && origin.user == Some(user))
        {
            origin.dead.store(true, SeqCst);
        }
    }
}

async fn history(seed: u64) {
    let world = World::new(seed);
    let stores: Vec<_> = (0..=world.dice.up_to(2))
        .map(|_| world.sessions())
        .collect();
    let mut actors = Vec::new();
    for number in 0..12_usize {
        let world = world.clone();
        let sessions = stores[number % stores.len()].clone();
        actors.push(tokio::spawn(async move {
            for _ in 0..15 {
                world.dice.pause(300).await;
                let kind = world.dice.up_to(11);
                let Some(origin) = world.some().filter(|_| kind > 2) else {
                    world.login(&sessions).await;
                    continue;
                };
                match kind {
                    3 => world.end(&sessions).await,
                    4 | 5 => world.rotate(&sessions, &origin).await,
                    6..9 => world.change(&sessions, &origin).await,
                    _ => world.look(&sessions, &origin).await,
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
    // Nobody is at work any more: what is there was said to be there, or was left open.
    let origins = world.origins.lock().unwrap().clone();
    for origin in origins {
        let token = origin.token.lock().unwrap().clone();
        let found = loop {
            if let Ok(found) = stores[0].validate(&token).await {
                break found;
            }
        };
        let Some(session) = found else { continue };
        assert!(!origin.dead.load(SeqCst), "history {seed}: let in");
        let done = origin.done.load(SeqCst);
        let most = done + origin.doubtful.load(SeqCst);
        let count = *session.data();
        assert!(
            (done..=most).contains(&count),
            "history {seed}: {count} changes, not {done} to {most}"
        );
    }
}

/// One holder with several tabs, and at times a thief.
async fn family(seed: u64) {
    let world = World::new(seed);
    let stores: Vec<_> = (0..=world.dice.up_to(2))
        .map(|_| world.sessions())
        .collect();
    let issued = loop {
        if let Ok(issued) = stores[0].create_refresh("ada", &0).await {
            break issued;
        }
    };
    let mut token = issued.token().as_str().to_owned();
    let mut old = Vec::new();
    for _ in 0..8 {
        let tabs: Vec<_> = (0..=world.dice.up_to(2))
            .map(|number| {
                let (world, token) = (world.clone(), token.clone());
                let sessions = stores[number as usize % stores.len()].clone();
                tokio::spawn(async move {
                    world.dice.pause(500).await;
                    let begun = Instant::now();
                    // A lost answer is asked for again, as long as it is given again.
                    while begun.elapsed() < GRACE / 2 {
                        match sessions.refresh(&token).await {
                            Ok(Refresh::Rotated(next)) => {
                                return Some(next.token().as_str().to_owned());
                            }
                            Ok(other) => panic!("history {seed}: {other:?}"),
                            Err(_) => world.dice.pause(200).await,
                        }
                    }
                    None
                })
            })
            .collect();
        let mut next = Vec::new();
        for tab in tabs {
            next.extend(tab.await.unwrap());
        }
        assert!(next.iter().all(|token| *token == next[0]), "history {seed}");
        let Some(next) = next.pop() else { return };
        old.push(std::mem::replace(&mut token, next));
        if world.dice.one_in(2) {
            world.dice.pause(8_000).await;
        }
    }
    sleep(GRACE + SECOND).await;
    let stolen = &old[world.dice.up_to(old.len() as u64 - 1) as usize];
    loop {
        match stores[0].refresh(stolen).await {
            Ok(Refresh::Rotated(_)) => panic!("history {seed}: a thief was let in"),
            Ok(_) => break,
            Err(_) => {}
        }
    }
    loop {
        match stores[0].refresh(&token).await {
            // His answer may have been lost, and his tries may have taken longer than it is remembered.
            Ok(Refresh::Reused { .. } | Refresh::Unknown) => break,
            Ok(other) => panic!("history {seed}: {other:?}"),
            Err(_) => {}
        }
    }
}

fn histories<F: Future<Output = ()>>(history: impl Fn(u64) -> F) {
    let histories: u64 = match std::env::var("PROPTEST_CASES") {
        Ok(cases) => cases.parse().unwrap(),
        Err(_) => 300,
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

#[test]
fn nobody_is_let_in_and_nothing_is_lost() {
    histories(history);
}

#[test]
fn a_retry_is_no_theft() {
    histories(family);
}
