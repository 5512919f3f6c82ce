//! Corners that random histories do not reach, most of them in simulated time: callers with other settings, errors that
//! come too late, and claims between two hands.

use restis::{
    Cache, Redis, Retry,
    cache::Loaded,
    transport::{Request, Response, TransportError},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep, timeout},
};

use crate::model::Model;

type Match = Box<dyn Fn(&[String]) -> bool + Send + Sync>;

/// What is held, who is told, and who is waited for.
type Gate = (Match, Arc<Notify>, Arc<Semaphore>);

#[derive(Clone, Default)]
struct Server(Arc<Inner>);

#[derive(Default)]
struct Inner {
    model: Mutex<Model>,
    /// A command that fits waits here, once.
    gate: Mutex<Option<Gate>>,
    /// What runs before a command that fits, once.
    before: Mutex<Option<(Match, Vec<String>)>>,
    log: Mutex<Vec<Vec<String>>>,
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

impl Server {
    fn client(&self, up: &Arc<AtomicBool>) -> Redis {
        let (server, up) = (self.clone(), Arc::clone(up));
        let transport = move |request: Request| {
            let (server, up) = (server.clone(), Arc::clone(&up));
            async move {
                if !up.load(SeqCst) {
                    return Err(TransportError::interrupted("cut"));
                }
                let body = request.body();
                let answer = match request.url().ends_with("/pipeline") {
                    false => server.run(serde_json::from_slice(body).unwrap()).await,
                    true => {
                        let all: Vec<Vec<String>> = serde_json::from_slice(body).unwrap();
                        let mut answers = Vec::new();
                        for words in all {
                            answers.push(server.run(words).await);
                        }
                        answers.into()
                    }
                };
                Ok(Response::new(200, answer.to_string()))
            }
        };
        let retry = Retry::times(1).backoff(Duration::from_millis(5), Duration::from_millis(20));
        let builder = Redis::builder().url("https://model.example").token("token");
        builder.retry(retry).transport(transport).build().unwrap()
    }

    fn redis(&self) -> Redis {
        self.client(&Arc::new(AtomicBool::new(true)))
    }

    async fn run(&self, command: Vec<String>) -> serde_json::Value {
        let taken = {
            let mut gate = self.0.gate.lock().unwrap();
            match &*gate {
                Some((fits, ..)) if fits(&command) => gate.take(),
                _ => None,
            }
        };
        if let Some((_, reached, open)) = taken {
            reached.notify_one();
            open.acquire().await.unwrap().forget();
        }
        let first = {
            let mut before = self.0.before.lock().unwrap();
            match &*before {
                Some((fits, _)) if fits(&command) => before.take(),
                _ => None,
            }
        };
        if let Some((_, first)) = first {
            self.0.model.lock().unwrap().run(&first);
        }
        self.0.log.lock().unwrap().push(command.clone());
        self.0.model.lock().unwrap().run(&command)
    }

    fn gate(
        &self,
        fits: impl Fn(&[String]) -> bool + Send + Sync + 'static,
    ) -> (Arc<Notify>, Arc<Semaphore>) {
        let (reached, open) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        *self.0.gate.lock().unwrap() =
            Some((Box::new(fits), Arc::clone(&reached), Arc::clone(&open)));
        (reached, open)
    }
}

fn cache(redis: &Redis) -> Cache {
    Cache::new(redis)
        .namespace("n")
        .jitter(0.0)
        .early_refresh(0.0)
}

const MS: Duration = Duration::from_millis(1);

/// A clock that goes with tokio's.
fn timed(cache: Cache) -> Cache {
    let began = Instant::now();
    cache.clock(move || began.elapsed().as_millis() as u64 + 1_000_000)
}

#[tokio::test(start_paused = true)]
async fn stale_if_error_is_not_handed_to_who_came_after_a_delete() {
    let server = Server::default();
    let cache = timed(cache(&server.redis()))
        .ttl(100 * MS)
        .stale_if_error(3_600_000 * MS);
    let other = timed(self::cache(&server.redis()));
    cache.set("k", &"old").await.unwrap();
    sleep(200 * MS).await;
    let fails = || async {
        sleep(50 * MS).await;
        Err::<String, _>("the source is down")
    };
    let (reached, open) =
        server.gate(|words| words[0] == "SET" && words[1].starts_with("restis:refresh:"));
    let first = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_set("k", fails).await }
    });
    reached.notified().await;
    other.delete("k").await.unwrap();
    // This one began after the delete had returned.
    let second = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get_or_set("k", fails).await }
    });
    sleep(10 * MS).await;
    open.add_permits(1);
    let _ = first.await.unwrap();
    let second: Result<String, _> = second.await.unwrap();
    assert!(
        second.is_err(),
        "deleted before it was asked for: {second:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_the_value_of_another_key() {
    let server = Server::default();
    let cache = cache(&server.redis());
    let load = |value: &'static str| {
        move || async move {
            sleep(50 * MS).await;
            Ok::<_, String>(value.to_owned())
        }
    };
    let (one, two) = tokio::join!(
        cache
            .entry("a")
            .stale_while_revalidate(5000 * MS)
            .get_or_set(load("of a")),
        cache.get_or_set("a 5000 1", load("of another")),
    );
    let (three, four) = tokio::join!(
        cache
            .entry("b")
            .stale_while_revalidate(5000 * MS)
            .get_or_set(load("of b")),
        cache.get_or_set("b 5000 0", load("of another")),
    );
    assert_eq!(
        (
            &*one.unwrap(),
            &*two.unwrap(),
            &*three.unwrap(),
            &*four.unwrap()
        ),
        ("of a", "of another", "of b", "of another")
    );
}

#[tokio::test(start_paused = true)]
async fn a_clone_without_a_window_takes_nothing_stale() {
    let server = Server::default();
    let strict = timed(cache(&server.redis())).ttl(100 * MS);
    let lax = strict.clone().stale_while_revalidate(3_600_000 * MS);
    lax.set("k", &"old").await.unwrap();
    sleep(200 * MS).await;
    let load = || async { Ok::<_, String>("new".to_owned()) };
    let (_, strict) = tokio::join!(lax.get_or_set("k", load), strict.get_or_set("k", load));
    assert_eq!(strict.unwrap(), "new");
}

#[tokio::test(start_paused = true)]
async fn what_is_set_with_a_tag_has_it() {
    let server = Server::default();
    let cache = cache(&server.redis());
    cache.set("any", &1).await.unwrap();
    // Another invalidates the tag between the SET NX of its version and the MGET behind it.
    let fits = |words: &[String]| words[0] == "MGET" && words.len() == 3;
    let server2 = server.clone();
    let made = move |words: &[String]| {
        fits(words)
            && server2
                .0
                .log
                .lock()
                .unwrap()
                .iter()
                .any(|w| w[0] == "SET" && w[1] == "restis:tag:n:t")
    };
    *server.0.before.lock().unwrap() =
        Some((Box::new(made), words("UNLINK restis:tag:n:t restis:tags:n")));
    cache.entry("k").tag("t").set(&"old").await.unwrap();
    cache.invalidate_tag("t").await.unwrap();
    assert_eq!(
        cache.get::<String>("k").await.unwrap(),
        None,
        "invalidated after it was set"
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_that_leaves_what_is_old_says_so() {
    let server = Server::default();
    let up = Arc::new(AtomicBool::new(true));
    let cut = cache(&server.client(&up));
    let other = cache(&server.redis());
    let updated = cut.update("k", || async {
        up.store(false, SeqCst);
        sleep(11_000 * MS).await;
        // The claim has ended, and another process loads what the source still has.
        let old = other
            .get_or_set("k", || async { Ok::<_, String>("old".to_owned()) })
            .await;
        assert_eq!(old.unwrap(), "old");
        Ok::<_, String>("new".to_owned())
    });
    let updated = updated.await;
    let found = other.get::<String>("k").await.unwrap();
    assert!(
        updated.is_err() || found.as_deref() != Some("old"),
        "{updated:?}, and {found:?} is served"
    );
}

#[tokio::test]
async fn many_do_not_wait_where_a_key_cannot_be_claimed() {
    let (_local, redis) = restis_testing::start().await.unwrap();
    let cache = cache(&redis);
    redis
        .command("LPUSH")
        .arg("n:1")
        .arg("x")
        .query::<u64>()
        .await
        .unwrap();
    let load = |keys: Vec<u64>| async move {
        Ok::<_, String>(
            keys.into_iter()
                .map(|key| (key, key))
                .collect::<HashMap<_, _>>(),
        )
    };
    let began = Instant::now();
    assert_eq!(
        cache
            .get_or_set(1, || async { Ok::<_, String>(1) })
            .await
            .unwrap(),
        1
    );
    println!("one: {:?}, {:?}", began.elapsed(), cache.stats().requests);
    let found = timeout(5000 * MS, cache.get_or_set_many([1], load)).await;
    assert!(
        found.is_ok(),
        "more than 5 s for a loader that takes none, {} requests",
        cache.stats().requests
    );
}

#[tokio::test(start_paused = true)]
async fn many_whose_release_is_lost_hold_nobody_up() {
    let server = Server::default();
    let up = Arc::new(AtomicBool::new(true));
    let cache = cache(&server.client(&up));
    cache.set("any", &1).await.unwrap();
    let failed = cache.get_or_set_many([1], |_: Vec<u64>| async {
        up.store(false, SeqCst);
        Err::<HashMap<u64, u64>, _>("the source is down")
    });
    assert!(failed.await.is_err());
    up.store(true, SeqCst);
    let began = Instant::now();
    cache
        .get_or_set(1, || async { Ok::<_, String>(1) })
        .await
        .unwrap();
    assert!(
        began.elapsed() < 1000 * MS,
        "waited {:?} for nobody",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_value_that_many_refresh_is_no_miss() {
    let server = Server::default();
    let cache = timed(cache(&server.redis()))
        .ttl(100 * MS)
        .stale_while_revalidate(3_600_000 * MS);
    cache.set(1, &1).await.unwrap();
    sleep(200 * MS).await;
    let load = |keys: Vec<u64>| async move {
        Ok::<_, String>(
            keys.into_iter()
                .map(|key| (key, key))
                .collect::<HashMap<_, _>>(),
        )
    };
    cache.get_or_set_many([1], load).await.unwrap();
    let stats = cache.stats();
    assert_eq!(
        (stats.stale, stats.misses),
        (1, 0),
        "a stale hit is no miss"
    );
}

#[tokio::test(start_paused = true)]
async fn early_loads_behind_the_answer_are_counted() {
    let server = Server::default();
    let cache = timed(
        Cache::new(&server.redis())
            .namespace("n")
            .jitter(0.0)
            .early_refresh(1e9),
    )
    .ttl(1000 * MS);
    let load = || async {
        sleep(20 * MS).await;
        Ok::<_, String>(1)
    };
    cache.get_or_set("k", load).await.unwrap();
    let (done, wait) = tokio::sync::oneshot::channel();
    cache
        .entry("k")
        .background(move |rest| {
            drop(tokio::spawn(async move {
                rest.await;
                let _ = done.send(());
            }))
        })
        .get_or_set(load)
        .await
        .unwrap();
    wait.await.unwrap();
    assert_eq!((cache.stats().loads, cache.stats().early), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_stored_has_no_ttl_for_followers_either() {
    let server = Server::default();
    let cache = cache(&server.redis());
    let load = |_| async {
        sleep(50 * MS).await;
        Ok::<_, String>(Loaded::new(1).no_store())
    };
    let (one, two) = tokio::join!(
        cache.entry("k").fetch_with(load),
        cache.entry("k").fetch_with(load)
    );
    assert_eq!((one.unwrap().ttl, two.unwrap().ttl), (None, None));
}

#[tokio::test(start_paused = true)]
async fn an_update_dropped_before_it_writes_holds_nobody_up() {
    let server = Server::default();
    let cache = cache(&server.redis());
    cache.set("k", &1).await.unwrap();
    let (reached, _open) = server.gate(|words| words[0] == "MGET");
    let update = tokio::spawn({
        let cache = cache.clone();
        async move { cache.update("k", || async { Ok::<_, String>(2) }).await }
    });
    reached.notified().await;
    update.abort();
    let _ = update.await;
    let began = Instant::now();
    cache
        .get_or_set("k", || async { Ok::<_, String>(1) })
        .await
        .unwrap();
    assert!(
        began.elapsed() < 1000 * MS,
        "waited {:?} for nobody",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_adopted_claim_is_renewed_before_it_ends() {
    let server = Server::default();
    let cache = cache(&server.redis());
    let other = self::cache(&server.redis());
    let slow = || async {
        sleep(4_500 * MS).await;
        Ok::<_, String>("mine".to_owned())
    };
    let _ = timeout(1_000 * MS, cache.get_or_set("k", slow)).await;
    sleep(8_000 * MS).await; // 1 s of the lease is left
    let (mine, theirs) = tokio::join!(cache.entry("k").fetch(slow), async {
        sleep(100 * MS).await;
        other
            .entry("k")
            .fetch(|| async { Ok::<_, String>("theirs".to_owned()) })
            .await
    });
    assert_eq!(
        (mine.unwrap().ttl.is_some(), &*theirs.unwrap().value),
        (true, "mine"),
        "two loads at once"
    );
}

// Redis is full: reads are answered, writes are refused.
#[tokio::test(start_paused = true)]
async fn many_do_not_wait_where_redis_is_full() {
    let transport = |request: Request| async move {
        let one = |words: &[String]| match &*words[0] {
            "MGET" => {
                serde_json::json!({"result": words[1..].iter().map(|key| key.starts_with("restis:version").then_some("v")).collect::<Vec<_>>()})
            }
            _ => {
                serde_json::json!({"error": "OOM command not allowed when used memory > 'maxmemory'."})
            }
        };
        let answer = match request.url().ends_with("/pipeline") {
            true => serde_json::from_slice::<Vec<Vec<String>>>(request.body())
                .unwrap()
                .iter()
                .map(|words| one(words))
                .collect::<Vec<_>>()
                .into(),
            false => one(&serde_json::from_slice::<Vec<String>>(request.body()).unwrap()),
        };
        let status = if answer.get("error").is_some() {
            400
        } else {
            200
        };
        Ok::<_, TransportError>(Response::new(status, answer.to_string()))
    };
    let redis = Redis::builder()
        .url("https://model.example")
        .token("token")
        .transport(transport)
        .build()
        .unwrap();
    let cache = cache(&redis);
    let load = |keys: Vec<u64>| async move {
        Ok::<_, String>(
            keys.into_iter()
                .map(|key| (key, key))
                .collect::<HashMap<_, _>>(),
        )
    };
    let began = Instant::now();
    cache
        .get_or_set(1, || async { Ok::<_, String>(1) })
        .await
        .unwrap();
    let one = began.elapsed();
    let began = Instant::now();
    cache.get_or_set_many([1], load).await.unwrap();
    assert!(
        began.elapsed() < 1000 * MS,
        "one {one:?}, many {:?}, {:?}",
        began.elapsed(),
        cache.stats()
    );
}

// the write failed half-way, and the loader's error hides that the cache may be old.
#[tokio::test(start_paused = true)]
async fn an_update_that_fails_and_leaves_what_is_old_says_so() {
    let server = Server::default();
    let up = Arc::new(AtomicBool::new(true));
    let cut = cache(&server.client(&up));
    let other = cache(&server.redis());
    let updated = cut.update("k", || async {
        up.store(false, SeqCst);
        sleep(11_000 * MS).await;
        other
            .get_or_set("k", || async { Ok::<_, String>("old".to_owned()) })
            .await
            .unwrap();
        Err::<String, _>("committed, and the answer was lost")
    });
    let error = updated.await.unwrap_err();
    let found = other.get::<String>("k").await.unwrap();
    assert!(
        found.is_none() || error.to_string().contains("delete the key"),
        "{error}, and {found:?} is served"
    );
}
