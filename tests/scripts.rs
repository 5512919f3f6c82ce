//! Scripts on a server that does not know them: a fresh one, a restarted one, or one after `SCRIPT FLUSH`. Each call of a
//! helper works there, alone and beside others in one request.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

use std::{
    collections::BTreeSet,
    fmt::Debug,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use restis::{
    Idempotency, Lock, Queue, RateLimiter, Redis, Script, Semaphore, Sessions,
    idempotency::Begin,
    queue::{Repeat, State},
    ratelimit::RateLimiterBuilder,
    session::Plain,
    transport::{Request, Response, TransportError},
};
use restis_local::Local;
use serde_json::Value;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A client, and what it sends.
struct Watched {
    redis: Redis,
    /// The texts of scripts that were sent with EVAL.
    texts: Arc<Mutex<BTreeSet<String>>>,
    /// Whether the server forgets all scripts before each request.
    forgets: Arc<AtomicBool>,
    _local: Local,
}

/// The commands of a request, which is one command or several.
fn commands(body: &Value) -> Vec<&Value> {
    match body.get(0) {
        Some(Value::Array(_)) => body.as_array().unwrap().iter().collect(),
        _ => vec![body],
    }
}

async fn watched(auto_pipelining: bool, without_ifeq: bool) -> Watched {
    let local = Local::builder().start().await.unwrap();
    let plain = Redis::new(local.url(), local.token()).unwrap();
    let texts = Arc::new(Mutex::new(BTreeSet::new()));
    let forgets = Arc::new(AtomicBool::new(false));
    let http = reqwest::Client::new();
    let transport = {
        let (texts, forgets) = (Arc::clone(&texts), Arc::clone(&forgets));
        move |request: Request| {
            let (plain, http, texts, forgets) = (
                plain.clone(),
                http.clone(),
                Arc::clone(&texts),
                Arc::clone(&forgets),
            );
            async move {
                if forgets.load(SeqCst) {
                    plain.script_flush().await.unwrap();
                }
                let mut body = String::from_utf8(request.body().to_vec()).unwrap();
                let sent: Value = serde_json::from_str(&body).unwrap();
                for command in commands(&sent) {
                    if let [Value::String(name), Value::String(text), ..] =
                        &command.as_array().unwrap()[..]
                        && name.starts_with("EVAL")
                        && !name.starts_with("EVALSHA")
                    {
                        texts.lock().unwrap().insert(text.clone());
                    }
                }
                if without_ifeq {
                    body = body.replace("\"IFEQ\"", "\"IFXX\"");
                }
                let mut post = http.post(request.url());
                for (name, value) in request.headers() {
                    post = post.header(name, value);
                }
                let failed = |error: reqwest::Error| TransportError::interrupted(error);
                let answer = post.body(body).send().await.map_err(failed)?;
                let status = answer.status().as_u16();
                Ok(Response::new(status, answer.bytes().await.map_err(failed)?))
            }
        }
    };
    let builder = Redis::builder().url(local.url()).token(local.token());
    let builder = builder.auto_pipelining(auto_pipelining);
    Watched {
        redis: builder.transport(transport).build().unwrap(),
        texts,
        forgets,
        _local: local,
    }
}

fn limits() -> Vec<(&'static str, RateLimiterBuilder)> {
    vec![
        ("fixed", RateLimiter::fixed_window(9, MINUTE)),
        ("sliding", RateLimiter::sliding_window(9, MINUTE)),
        ("bucket", RateLimiter::token_bucket(9, MINUTE, 9)),
        ("strict", RateLimiter::strict_window(9, MINUTE)),
        ("gcra", RateLimiter::gcra(9, MINUTE)),
    ]
}

/// Calls every script of every limit, as one visitor. With a policy for an unavailable Redis a check must still count.
async fn limit(redis: Redis, id: String) {
    let limiters: Vec<RateLimiter> = (limits().into_iter())
        .map(|(name, builder)| builder.prefix(name).fail_open(SECOND * 30).build(&redis))
        .collect();
    for limiter in &limiters {
        assert_eq!(limiter.check(&id).await.unwrap().remaining(), 8);
        assert_eq!(limiter.peek(&id).await.unwrap().remaining(), 8);
        limiter.refund(&id, 1).await.unwrap();
        assert_eq!(limiter.penalty(&id, 2).await.unwrap().remaining(), 7);
    }
    let calls = limiters.iter().map(|limiter| limiter.call(&id));
    let decisions = RateLimiter::check_all(calls).await.unwrap();
    assert!(decisions.each().iter().all(|one| one.remaining() == 6));
}

async fn lock(redis: Redis, id: String) {
    let lock = Lock::all(&redis, [format!("{id}:a"), format!("{id}:b")]).fenced();
    let held = lock.try_acquire().await.unwrap().held().unwrap();
    assert!(held.fence().is_some());
    assert!(held.extend(MINUTE).await.unwrap());
    assert!(held.release().await.unwrap());
    let one = Lock::new(&redis, format!("{id}:c"));
    let held = one.try_acquire().await.unwrap().held().unwrap();
    assert!(held.extend(MINUTE).await.unwrap());
    assert!(held.release().await.unwrap());
    let permits = Semaphore::new(&redis, format!("{id}:permits"), 1);
    let permit = permits.try_acquire().await.unwrap().unwrap();
    assert!(permit.extend(MINUTE).await.unwrap());
    assert!(permits.try_acquire().await.unwrap().is_none());
    assert!(permit.release().await.unwrap());
}

async fn session(redis: Redis, user: String) {
    let sessions: Sessions<i64> = Sessions::new(&redis, [7; 32]).cap(8);
    let issued = sessions.create(&user, &1).await.unwrap();
    let token = issued.token().as_str();
    let count = sessions.update(token, |count| *count += 1).await.unwrap();
    assert_eq!(count, Some(2));
    let rotated = sessions.rotate(token).await.unwrap().unwrap();
    let anonymous = sessions.create_anonymous(&1).await.unwrap();
    let login = sessions.rotate(anonymous.token().as_str()).user(&user);
    let login = login.await.unwrap().unwrap();
    sessions.revoke(login.token().as_str()).await.unwrap();
    let refresh = sessions.create_refresh(&user, &1).await.unwrap();
    sessions.refresh(refresh.token().as_str()).await.unwrap();
    assert_eq!(sessions.list(&user).await.unwrap().len(), 2);
    assert_eq!(sessions.count(&user).await.unwrap(), 2);
    let ended = sessions.revoke_others(rotated.token().as_str());
    assert_eq!(ended.await.unwrap(), Some(1));
    let old = format!("session:{user}");
    let json = r#"{"userId":"42","userAgent":"Firefox","ipAddress":"192.0.2.1"}"#;
    redis.set(&old, json).ex(600_u64).await.unwrap();
    let moving = sessions.migrating(Plain::new(&redis), |_| 3);
    let moved = moving.validate(&user).await.unwrap().unwrap();
    assert!(moved.replaced_by().is_some());
}

async fn idempotency(redis: Redis, key: String) {
    let once = Idempotency::new(&redis);
    let Begin::Started(run) = once.begin::<i64>(&key, "body").await.unwrap() else {
        panic!("it ran before")
    };
    assert!(run.finish(&7).await.unwrap());
    let Begin::Done(answer) = once.begin::<i64>(&key, "body").await.unwrap() else {
        panic!("it is not done")
    };
    assert_eq!(answer, 7);
}

async fn queue(redis: Redis, name: String) {
    let queue = Queue::new(&redis, &name);
    let ids = queue.add_bulk(["a", "b", "c"].map(|data| queue.add("job", &data)));
    let ids = ids.await.unwrap();
    let tree = queue.add("parent", &1).children([queue.add("child", &2)]);
    tree.await.unwrap();
    let late = queue.add("late", &1).delay(MINUTE * 60).await.unwrap();
    assert_eq!(queue.promote([&*late]).await.unwrap(), 1);
    assert!(queue.set_progress(&ids[0], &50).await.unwrap());
    assert!(queue.update_data(&ids[0], &"new").await.unwrap());
    queue.log(&ids[0], "line", None).await.unwrap();
    let repeat = Repeat::every(MINUTE * 60);
    let scheduled = queue.upsert_scheduler("hourly", repeat, queue.add("sum", &()));
    scheduled.await.unwrap();
    assert!(queue.remove_scheduler("hourly").await.unwrap());
    // Its job is due in the past of the consumer that continues it.
    let hour = Repeat::cron("0 * * * *");
    let early = queue.clone().clock(|| 1_600_000_000_000);
    let upserted = early.upsert_scheduler("cron", hour, early.add("cron", &()));
    upserted.await.unwrap();
    let consumer = queue.consumer();
    assert!(consumer.sweep().await.unwrap().is_empty());
    let mut batch = consumer.pull(2).await.unwrap();
    assert!(batch.extend().await.unwrap().is_empty());
    let taken: Vec<String> = (batch.jobs().iter())
        .map(|job| job.id().to_owned())
        .collect();
    assert_eq!(taken.len(), 2);
    batch.fail_for_good(&taken[0], "reason");
    batch.complete(&taken[1], &1).unwrap();
    let settled = batch.settle().await.unwrap();
    assert!(settled.iter().all(|(_, settled)| settled.is_done()));
    let again = queue.retry(State::Failed, [&*taken[0]]);
    assert_eq!(again.await.unwrap(), 1);
    let done = queue.clean(State::Completed, Duration::ZERO, 10);
    assert_eq!(done.await.unwrap(), [&*taken[1]]);
    assert_eq!(queue.remove([&*ids[2]]).await.unwrap(), 1);
    assert!(queue.drain(true).await.unwrap() > 0);
    queue.pause().await.unwrap();
    queue.resume().await.unwrap();
    queue.pause().await.unwrap();
    queue.obliterate(true).await.unwrap();
}

/// All helpers, one after the other.
async fn all(redis: &Redis, id: String) {
    limit(redis.clone(), id.clone()).await;
    lock(redis.clone(), id.clone()).await;
    session(redis.clone(), id.clone()).await;
    idempotency(redis.clone(), id.clone()).await;
    queue(redis.clone(), id).await;
}

#[tokio::test]
async fn every_script_runs_on_a_server_that_forgets_it_before_each_request() {
    for auto_pipelining in [false, true] {
        for without_ifeq in [false, true] {
            let watched = watched(auto_pipelining, without_ifeq).await;
            watched.forgets.store(true, SeqCst);
            all(&watched.redis, "alone".to_owned()).await;
        }
    }
}

#[tokio::test]
async fn every_script_runs_several_times_in_one_turn() {
    let mut texts = BTreeSet::new();
    for (forgets, without_ifeq) in [(false, false), (true, true)] {
        let watched = watched(true, without_ifeq).await;
        watched.forgets.store(forgets, SeqCst);
        let turns = (0..3).map(|number| all(&watched.redis, format!("turn{number}")));
        join_all(turns).await;
        texts.append(&mut watched.texts.lock().unwrap());
    }
    // No script of the crate is missing here.
    for file in scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        // The cache sends its script as text always; the next is only for schedulers with cron patterns.
        if file.ends_with("cache/swap.lua") || file.ends_with("queue/lua/next.lua") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            texts.iter().any(|sent| sent.contains(&text)),
            "no call above runs {file}: add one that does"
        );
    }
}

/// The paths of all scripts in a folder.
fn scripts(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(scripts(&path));
        } else if path.extension().is_some_and(|end| end == "lua") {
            found.push(path.to_str().unwrap().to_owned());
        }
    }
    found
}

fn failed<T: Debug>(result: Result<T, restis::Error>) -> restis::Error {
    result.unwrap_err()
}

#[tokio::test]
async fn script_runs_once_per_call_however_its_error_comes() {
    for auto_pipelining in [false, true] {
        let watched = watched(auto_pipelining, false).await;
        let redis = &watched.redis;
        let add = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
        for round in 1..=3 {
            // The second and third round find a server that has forgotten.
            let calls = (0..20).map(|_| async { add.run::<i64>(redis, "sum").arg(1).await });
            let mut sums: Vec<i64> = (join_all(calls).await.into_iter())
                .map(|sum| sum.unwrap())
                .collect();
            sums.sort_unstable();
            let expected: Vec<i64> = (20 * (round - 1) + 1..=20 * round).collect();
            assert_eq!(sums, expected);
            redis.script_flush().await.unwrap();
        }
        // Inside a pipeline and a transaction the text is sent.
        let eval = || add.eval::<i64>(redis, "sum").arg(1);
        let (one, two) = redis.pipeline((eval(), eval())).await.unwrap();
        assert_eq!((one.unwrap(), two.unwrap()), (61, 62));
        redis.script_flush().await.unwrap();
        assert_eq!(redis.transaction((eval(), eval())).await.unwrap(), (63, 64));
        // The server refuses EVALSHA and EVAL in the same way where something else is wrong.
        redis.set("sum", "text").await.unwrap();
        redis.script_flush().await.unwrap();
        let run = || async { add.run::<i64>(redis, "sum").arg(1).await };
        for error in join_all([run(), run()]).await.into_iter().map(failed) {
            assert!(!error.is_unavailable() && error.command() == Some("EVAL"));
        }
    }
}

/// A script that wrote and then returned the error which a server has for a script it does not know.
#[tokio::test]
async fn script_that_returns_noscript_itself_runs_once() {
    const WORDS: &str = "NOSCRIPT No matching script. Please use EVAL.";
    for auto_pipelining in [false, true] {
        let watched = watched(auto_pipelining, false).await;
        let redis = &watched.redis;
        for (number, end) in [
            format!("return redis.error_reply('{WORDS}')"),
            format!("return {{err = '{WORDS}'}}"),
            format!("return {{1, redis.error_reply('{WORDS}')}}"),
            format!("error({{err = '{WORDS}'}})"),
            "return redis.error_reply(ARGV[1])".to_owned(),
            "return {err = ARGV[1]}".to_owned(),
        ]
        .iter()
        .enumerate()
        {
            let key = format!("runs{number}");
            let script = Script::new(format!("redis.call('INCR', KEYS[1]) {end}"));
            let calls = || async { script.run::<Vec<i64>>(redis, &key).arg(WORDS).await };
            for error in join_all([calls(), calls()]).await.into_iter().map(failed) {
                assert_eq!(error.code(), Some("NOSCRIPT"), "{end}");
            }
            let runs: Option<i64> = redis.get(&key).await.unwrap();
            assert_eq!(runs, Some(2), "{end}");
        }
        // No command inside a script has that error: scripts do not call scripts.
        let nested = Script::new("return redis.call('EVALSHA', ARGV[1], 0)");
        let error = failed(nested.run::<i64>(redis, ()).arg("0".repeat(40)).await);
        assert_ne!(error.code(), Some("NOSCRIPT"));
    }
}

#[tokio::test]
async fn queue_job_is_added_in_a_transaction_on_a_server_that_forgets() {
    let watched = watched(true, false).await;
    watched.forgets.store(true, SeqCst);
    let queue = Queue::new(&watched.redis, "emails");
    for round in 1..=2 {
        let jobs = [1, 2].map(|data| queue.add("welcome", &data).command().unwrap());
        watched.redis.transaction(jobs).await.unwrap();
        assert_eq!(queue.counts().await.unwrap().waiting, 2 * round);
    }
}
