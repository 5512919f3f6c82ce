//! Locks against a real server, in one process: what they cost, whom they let in, and what becomes of them when answers
//! are lost.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

mod fence;
mod pace;
mod replica;
mod semaphore;
mod shared;
mod simulated;
mod stall;
mod zero;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use restis::{
    Lock, Redis, Retry, Script,
    lock::{Attempt, Held},
    transport::{Request, Response, TransportError},
};
use restis_local::{Fault, Local};
use restis_testing::{altered, start};

const SECOND: Duration = Duration::from_secs(1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn held(lock: &Lock) -> Held {
    lock.try_acquire().await.unwrap().held().unwrap()
}

/// Requests, and billed commands, of what `act` does.
async fn cost<T>(local: &Local, act: impl Future<Output = T>) -> (T, (u64, u64)) {
    local.reset_stats().await.unwrap();
    let done = act.await;
    let stats = local.stats().await.unwrap();
    (done, (stats.requests, stats.billed))
}

/// A client of a server that has neither SET … IFEQ nor DELEX, in the words of one and of another.
fn without_ifeq(local: &Local) -> [Redis; 2] {
    let redis = altered(local, |body| {
        body.replace("\"IFEQ\"", "\"IFXX\"")
            .replace("\"DELEX\"", "\"DELXX\"")
    });
    let upstash = altered(local, |body| match body.contains("IFEQ") {
        true => {
            r#"["EVAL","return redis.error_reply(\"ERR Command is not available: 'DELEX'\")","0"]"#
                .to_owned()
        }
        false => body,
    });
    [redis, upstash]
}

/// Runs a test with IFEQ, and without.
async fn each(test: impl AsyncFn(Redis)) {
    let (local, redis) = start().await.unwrap();
    test(redis).await;
    for redis in without_ifeq(&local) {
        redis.flushall().await.unwrap();
        test(redis).await;
    }
}

#[tokio::test]
async fn of_each_call() {
    let (local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a");
    let (attempt, price) = cost(&local, lock.try_acquire()).await;
    assert_eq!(price, (1, 1));
    let mine = attempt.unwrap().held().unwrap();
    let (attempt, price) = cost(&local, lock.try_acquire()).await;
    assert!(!attempt.unwrap().is_held());
    assert_eq!(price, (1, 1));
    let (done, price) = cost(&local, mine.extend(ms(1234))).await;
    assert_eq!((done.unwrap(), price), (true, (1, 1)));
    let (is_held, price) = cost(&local, lock.is_held()).await;
    assert_eq!((is_held.unwrap(), price), (true, (1, 1)));
    let (done, price) = cost(&local, mine.release()).await;
    assert_eq!((done.unwrap(), price), (true, (1, 1)));
    assert!(!lock.is_held().await.unwrap());

    let fenced = Lock::new(&redis, "b").fenced();
    let three = Lock::all(&redis, ["c", "d", "e"]);
    // The first run of a script sends its text.
    for again in [false, true] {
        let (attempt, price) = cost(&local, fenced.try_acquire()).await;
        attempt.unwrap().held().unwrap().release().await.unwrap();
        let (attempt, of_three) = cost(&local, three.try_acquire()).await;
        let held = attempt.unwrap().held().unwrap();
        let (_, more) = cost(&local, held.extend(SECOND)).await;
        let (_, end) = cost(&local, held.release()).await;
        if again {
            assert_eq!(
                [price, of_three, more, end],
                [(1, 4), (1, 5), (1, 5), (1, 3)]
            );
        }
    }
    for redis in without_ifeq(&local) {
        let lock = Lock::new(&redis, "f");
        for again in [false, true] {
            let mine = held(&lock).await;
            let (done, more) = cost(&local, mine.extend(SECOND)).await;
            assert!(done.unwrap());
            let (done, end) = cost(&local, mine.release()).await;
            assert!(done.unwrap());
            if again {
                assert_eq!([more, end], [(1, 3), (1, 3)]);
            }
        }
    }
}

#[tokio::test]
async fn it_is_held_as_long_as_was_said() {
    each(async |redis| {
        let lock = Lock::new(&redis, "a").lease(ms(2500));
        let mut mine = held(&lock).await;
        for lease in [2500, 1, 1499, 60_000, 7] {
            let asked = Instant::now();
            if lease != 2500 {
                assert!(mine.extend(ms(lease)).await.unwrap());
            }
            if lease < 100 {
                assert!(mine.valid_for() < ms(lease));
                assert!(mine.extend(SECOND).await.unwrap() || lease == 1);
                if lease == 1 {
                    mine = loop {
                        if let Some(held) = lock.try_acquire().await.unwrap().held() {
                            break held;
                        }
                    };
                }
                continue;
            }
            let left = redis.pttl("a").await.unwrap().left().unwrap();
            let gone = u64::try_from(asked.elapsed().as_millis()).unwrap();
            // 5 ms, and what the two requests took.
            assert!(
                left <= lease && left + gone + 5 >= lease,
                "{left} of {lease}"
            );
            assert!(mine.valid_for() <= ms(lease) && mine.valid_for() > ms(lease / 2));
        }
    })
    .await;
}

/// What is somebody else's by now is neither taken away nor given more time.
#[tokio::test]
async fn the_late_do_no_harm() {
    each(async |redis| {
        for round in 0..350 {
            let name = format!("lock:{round}");
            let lock = Lock::new(&redis, &name).lease(ms(1));
            let first = held(&lock).await;
            let second = Lock::new(&redis, &name).lease(SECOND * 10);
            let second = loop {
                if let Some(held) = second.try_acquire().await.unwrap().held() {
                    break held;
                }
            };
            assert!(first.valid_for().is_zero());
            match round % 2 {
                0 => assert!(!first.extend(SECOND * 60).await.unwrap()),
                _ => assert!(!first.release().await.unwrap()),
            }
            assert!(redis.pttl(&name).await.unwrap().left().unwrap() <= 10_000);
            assert!(second.release().await.unwrap());
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_not_a_lost_lock() {
    for fenced in [false, true] {
        let (local, redis) = start().await.unwrap();
        let lock = |name: &str| {
            let lock = Lock::new(&redis, name);
            if fenced { lock.fenced() } else { lock }
        };
        // Its script is known, or the fault would hit the request that only asks for it.
        held(&lock("warm")).await.release().await.unwrap();
        for (name, fault) in [
            ("answer", Fault::drop_after()),
            ("request", Fault::drop_before()),
            ("both", Fault::drop_after().times(2)),
        ] {
            local.inject(fault);
            let mine = held(&lock(name)).await;
            assert!(!lock(name).try_acquire().await.unwrap().is_held());
            assert_eq!(mine.fence().is_some(), fenced);
            assert!(mine.release().await.unwrap(), "{name}");
            assert!(!lock(name).is_held().await.unwrap());
        }
        // More time, and the end.
        let mine = held(&lock("c")).await;
        local.inject(Fault::drop_after());
        assert!(mine.extend(SECOND * 20).await.unwrap());
        assert!(redis.pttl("c").await.unwrap().left().unwrap() > 15_000);
        local.inject(Fault::drop_after());
        // The answer that came says that it is gone, which it is.
        mine.release().await.unwrap();
        assert!(!lock("c").is_held().await.unwrap());
    }
}

#[tokio::test]
async fn what_stays_unknown_is_said() {
    let (local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a").lease(ms(300));
    local.inject(Fault::drop_after().times(20));
    let error = lock.try_acquire().await.unwrap_err();
    assert!(error.is_ambiguous(), "{error}");
    local.clear_faults();
    // It was taken, by nobody who knows, and is free after the lease.
    let lock = lock.wait(SECOND * 5);
    lock.acquire()
        .await
        .unwrap()
        .unwrap()
        .release()
        .await
        .unwrap();
    let none: [&str; 0] = [];
    let error = Lock::all(&redis, none).try_acquire().await.unwrap_err();
    assert!(error.is_argument(), "{error}");
}

#[tokio::test]
async fn whoever_waits_has_it_when_it_is_free() {
    let (local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a").lease(ms(500));
    // A holder that dies.
    drop(held(&lock).await);
    let begun = Instant::now();
    let next = lock.acquire().await.unwrap().unwrap();
    let waited = begun.elapsed();
    assert!(waited > ms(400) && waited < ms(750), "{waited:?}");
    // One that gives it back.
    let (taken, ()) = tokio::join!(lock.acquire(), async {
        next.release().await.unwrap();
    });
    taken.unwrap().unwrap().release().await.unwrap();
    // It has no row, and an end.
    let mine = held(&lock.clone().lease(SECOND * 60)).await;
    let (none, price) = cost(&local, lock.clone().wait(ms(300)).acquire()).await;
    assert!(none.unwrap().is_none());
    assert!(price.0 < 12, "{price:?}");
    match lock.try_acquire().await.unwrap() {
        Attempt::Busy { retry_after, .. } => assert_eq!(retry_after, None),
        other => panic!("{other}"),
    }
    match Lock::all(&redis, ["b", "a"]).try_acquire().await.unwrap() {
        Attempt::Busy { retry_after, .. } => assert!(retry_after.unwrap() > SECOND * 50),
        other => panic!("{other}"),
    }
    assert!(!Lock::new(&redis, "b").is_held().await.unwrap());
    mine.release().await.unwrap();
}

/// 20 that want it for 10 ms each: @upstash/lock takes 160 requests.
#[tokio::test]
async fn a_crowd_asks_seldom() {
    let (local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a").wait(SECOND * 30);
    let inside = AtomicUsize::new(0);
    let one = || async {
        let held = lock.acquire().await.unwrap().unwrap();
        assert_eq!(inside.fetch_add(1, SeqCst), 0);
        tokio::time::sleep(ms(10)).await;
        inside.fetch_sub(1, SeqCst);
        assert!(held.release().await.unwrap());
    };
    let (_, price) = cost(&local, join_all((0..20).map(|_| one()))).await;
    println!("20 contenders: {} requests, {} billed", price.0, price.1);
    assert!(price.0 <= 110, "{price:?}");
}

/// Never two, and the numbers of holders only grow; one that stands still for longer than its lease is refused.
#[tokio::test(flavor = "multi_thread")]
async fn one_holder_with_growing_numbers() {
    let (_local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a")
        .fenced()
        .lease(SECOND * 10)
        .wait(SECOND * 60);
    let inside = Arc::new(AtomicBool::new(false));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let contenders = (0..50).map(|_| {
        let (lock, inside, seen) = (lock.clone(), Arc::clone(&inside), Arc::clone(&seen));
        tokio::spawn(async move {
            let held = lock.acquire().await.unwrap().unwrap();
            assert!(!inside.swap(true, SeqCst));
            seen.lock().unwrap().push(held.fence().unwrap());
            tokio::task::yield_now().await;
            inside.store(false, SeqCst);
            held.release().await.unwrap();
        })
    });
    for contender in join_all(contenders).await {
        contender.unwrap();
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 50);
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
}

/// One that stood still for longer than its lease writes too late, and a resource that compares numbers refuses it.
#[tokio::test]
async fn a_resource_refuses_the_past() {
    let (_local, redis) = start().await.unwrap();
    let resource = Script::new(
        "if tonumber(ARGV[1]) < tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) then return 0 end
         redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'by', ARGV[2])
         return 1",
    );
    let write = async |fence: Option<u64>, by: &str| {
        let run = resource.run::<bool>(&redis, "resource");
        run.arg(fence.unwrap()).arg(by).await.unwrap()
    };
    let lock = Lock::new(&redis, "a").fenced().lease(ms(1));
    let mut refused = 0;
    for _ in 0..100 {
        let stale = lock.acquire().await.unwrap().unwrap();
        let fresh = lock.acquire().await.unwrap().unwrap();
        assert!(write(fresh.fence(), "fresh").await);
        refused += u32::from(!write(stale.fence(), "stale").await);
        assert!(write(fresh.fence(), "fresh").await);
    }
    assert_eq!(refused, 100);
    let by: Option<String> = redis.hget("resource", "by").await.unwrap();
    assert_eq!(by.as_deref(), Some("fresh"));
}

#[tokio::test]
async fn it_is_renewed_while_work_goes_on() {
    each(async |redis| {
        let lock = Lock::new(&redis, "a").lease(ms(1500));
        let mine = held(&lock).await;
        let begun = Instant::now();
        let done = mine.run(async {
            while begun.elapsed() < SECOND * 2 {
                tokio::time::sleep(ms(50)).await;
                assert!(!lock.try_acquire().await.unwrap().is_held());
            }
            7
        });
        assert_eq!(done.await.unwrap(), 7);
        assert!(mine.release().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn work_ends_with_the_lock() {
    let (_local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "a").lease(SECOND * 6);
    let mine = held(&lock).await;
    // Somebody takes it away.
    redis.set("a", "another's").await.unwrap();
    let begun = Instant::now();
    let lost = mine.run(std::future::pending::<()>()).await.unwrap_err();
    // The renewal after a third of the lease sees it, not the end of the lease.
    assert!(begun.elapsed() < SECOND * 6, "{:?}", begun.elapsed());
    assert!(lost.to_string().contains("take it again"));
    assert!(mine.valid_for().is_zero() && !mine.release().await.unwrap());
    assert_eq!(
        redis.get::<String>("a").await.unwrap().as_deref(),
        Some("another's")
    );
}

/// What a server does with a request; `None` is that it never answers.
type Reaction = Option<Result<Response, TransportError>>;

/// A server in a time that stands still, which gives the lock and then does what `more` says.
fn scripted(more: impl Fn(usize) -> Reaction + Send + Sync + 'static) -> (Redis, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, more) = (Arc::clone(&asked), Arc::new(more));
    let transport = move |_: Request| {
        let (number, more) = (count.fetch_add(1, SeqCst), Arc::clone(&more));
        async move {
            tokio::time::sleep(ms(20)).await;
            match number {
                0 => Ok(Response::new(200, r#"{"result":"OK"}"#)),
                number => match more(number) {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                },
            }
        }
    };
    let builder = Redis::builder().url("https://lock.example").token("token");
    (builder.transport(transport).build().unwrap(), asked)
}

/// Where Redis does not answer, the work ends before anybody else can have the lock, to the millisecond.
#[tokio::test(start_paused = true)]
async fn without_redis_it_ends_in_time() {
    let failures: [fn(usize) -> Reaction; 3] = [
        |_| None,
        |_| Some(Ok(Response::new(500, "no"))),
        |_| Some(Err(TransportError::connect("refused"))),
    ];
    for failure in failures {
        let (redis, asked) = scripted(failure);
        let lock = Lock::new(&redis, "a").lease(SECOND * 10);
        let begun = tokio::time::Instant::now();
        let mine = held(&lock).await;
        assert_eq!(mine.valid_for(), ms(10_000 - 102 - 20));
        let lost = mine.run(std::future::pending::<()>()).await;
        let gone = begun.elapsed();
        assert!(
            lost.is_err() && (ms(9_898)..ms(9_902)).contains(&gone),
            "{gone:?}"
        );
        assert!(asked.load(SeqCst) > 1);
    }
}

/// A third of the lease passes before each request for more.
#[tokio::test(start_paused = true)]
async fn it_is_renewed_at_each_third() {
    let (redis, asked) = scripted(|_| Some(Ok(Response::new(200, r#"{"result":"OK"}"#))));
    let lock = Lock::new(&redis, "a").lease(SECOND * 30);
    let mine = held(&lock).await;
    mine.run(tokio::time::sleep(SECOND * 301)).await.unwrap();
    assert_eq!(asked.load(SeqCst), 1 + 30);
    // It counts from before the request left, also of what was given later.
    assert!(mine.extend(SECOND * 10).await.unwrap());
    assert_eq!(mine.valid_for(), ms(10_000 - 102 - 20));
}

/// A renewal that fails for a moment is tried again.
#[tokio::test]
async fn a_moment_without_redis_is_survived() {
    let (local, redis) = start().await.unwrap();
    let redis = {
        let builder = Redis::builder().url(local.url()).token(local.token());
        drop(redis);
        builder.retry(Retry::never()).build().unwrap()
    };
    let lock = Lock::new(&redis, "a").lease(SECOND);
    let mine = held(&lock).await;
    local.inject(Fault::status(500).times(2));
    let done = mine.run(tokio::time::sleep(ms(1500))).await;
    assert!(done.is_ok(), "{done:?}");
    assert!(mine.release().await.unwrap());
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let (_local, redis) = start().await.unwrap();
    let lock = Lock::new(&redis, "secret-name");
    let mine = held(&lock).await;
    let token: String = redis.get("secret-name").await.unwrap().unwrap();
    let shown = format!("{lock:?} {mine:?}");
    assert!(
        !shown.contains("secret-name") && !shown.contains(&token),
        "{shown}"
    );
    mine.release().await.unwrap();
}
