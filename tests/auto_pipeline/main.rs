//! Auto-pipelining: what leaves together, in which order, and that no command touches another.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

mod by_hand;
mod echo;
mod hook;
mod real;
mod together;
mod turns;

use std::{
    future::{Future, IntoFuture},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use echo::{Echo, Instead};
use futures_util::{
    future::{join, join_all, join3},
    poll,
    stream::{FuturesUnordered, StreamExt},
};
use restis::{Error, Json, Retry};

/// Polls once, with a waker of its own.
fn once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn each_command_has_its_own_type_and_error() {
    let echo = Echo::new();
    let redis = echo.redis();
    echo.then([Instead::Body(
        200,
        r#"[{"result":"ada"},{"result":"x"},{"error":"WRONGTYPE Operation against 'secret'"},{"result":null},7,{"result":[1]}]"#.into(),
    )]);
    let (name, number, error, nil) = futures_util::join!(
        redis.get::<String>("a").into_future(),
        redis.get::<i64>("b").into_future(),
        redis.lpush("c", "secret").into_future(),
        redis.get::<String>("d").into_future(),
    );
    // Two commands too few were sent for this answer, so nobody may trust it.
    for error in [
        name.unwrap_err(),
        number.unwrap_err(),
        error.unwrap_err(),
        nil.unwrap_err(),
    ] {
        assert!(error.is_decode(), "{error}");
        assert!(error.to_string().contains("order"), "{error}");
    }
    echo.then([Instead::Body(
        200,
        r#"[{"result":"ada"},{"result":"x"},{"error":"WRONGTYPE Operation against 'secret'"},{"result":null},7,{"result":[1]}]"#.into(),
    )]);
    let (name, number, error, nil, foreign, list) = futures_util::join!(
        redis.get::<String>("a").into_future(),
        redis.get::<i64>("b").into_future(),
        redis.lpush("c", "secret").into_future(),
        redis.get::<String>("d").into_future(),
        redis.get::<String>("e").into_future(),
        redis.lrange::<i64>("f", 0, -1).into_future(),
    );
    assert_eq!(name.unwrap().as_deref(), Some("ada"));
    let number = number.unwrap_err();
    assert!(
        number.is_decode() && number.command() == Some("GET"),
        "{number}"
    );
    let error = error.unwrap_err();
    assert_eq!(
        (error.code(), error.command()),
        (Some("WRONGTYPE"), Some("LPUSH"))
    );
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert_eq!(nil.unwrap(), None);
    assert!(foreign.unwrap_err().is_decode());
    assert_eq!(list.unwrap(), [1]);
}

#[tokio::test]
async fn too_few_too_many_and_no_entries_are_errors_of_each_command() {
    for answer in [
        r#"[]"#,
        r#"[{"result":"1"}]"#,
        r#"[{"result":"1"},{"result":"2"},{"result":"3"}]"#,
    ] {
        let echo = Echo::new();
        let redis = echo.redis();
        echo.then([Instead::Body(200, answer.into())]);
        let (a, b) = join(
            redis.incr("a").into_future(),
            redis.get::<i64>("b").into_future(),
        )
        .await;
        let (a, b) = (a.unwrap_err(), b.unwrap_err());
        assert!(a.is_decode() && b.is_decode());
        assert_eq!((a.command(), b.command()), (Some("INCR"), Some("GET")));
    }
}

#[tokio::test]
async fn a_lost_answer_is_judged_by_the_least_safe_and_told_to_each() {
    let echo = Echo::new();
    let redis = echo.redis();
    // All safe to repeat: repeated.
    echo.then([Instead::Interrupted]);
    let (set, get) = join(
        redis.set("k", "v").into_future(),
        redis.get::<String>("k").into_future(),
    )
    .await;
    set.unwrap();
    assert_eq!(get.unwrap().as_deref(), Some("k"));
    assert_eq!(echo.sizes(), [2, 2]);
    // One is not: nobody's is.
    echo.then([Instead::Interrupted]);
    let (set, get, incr) = join3(
        redis.set("k", "v").into_future(),
        redis.get::<String>("k").into_future(),
        redis.incr("n").into_future(),
    )
    .await;
    assert_eq!(echo.sizes(), [2, 2, 3]);
    let told = |error: &Error| (error.is_ambiguous(), error.is_retryable(), error.attempts());
    let (set, get, incr) = (set.unwrap_err(), get.unwrap_err(), incr.unwrap_err());
    assert_eq!(told(&set), (true, true, 1));
    assert_eq!(told(&get), (false, true, 1));
    assert_eq!(told(&incr), (true, false, 1));
    let names = [&set, &get, &incr].map(|error| error.command());
    assert_eq!(names, [Some("SET"), Some("GET"), Some("INCR")]);
    assert!(get.is_interrupted());
    // The class that a caller has set is the one of its command.
    echo.then([Instead::Interrupted]);
    let (incr, get) = join(
        redis.incr("n").safety(restis::Safety::Read).into_future(),
        redis.get::<String>("k").into_future(),
    )
    .await;
    assert!(incr.unwrap_err().is_decode(), "the echo is no number");
    get.unwrap();
    assert_eq!(echo.sizes(), [2, 2, 3, 2, 2]);
}

#[tokio::test]
async fn a_refusal_of_the_whole_request_is_told_to_each() {
    let echo = Echo::new();
    let redis = echo.redis();
    let words = r#"{"error":"ERR max daily request limit exceeded. Limit: 10000"}"#;
    echo.then([Instead::Body(400, words.into())]);
    let (a, b) = join(
        redis.incr("a").into_future(),
        redis.get::<String>("b").into_future(),
    )
    .await;
    let (a, b) = (a.unwrap_err(), b.unwrap_err());
    assert_eq!((a.command(), a.status()), (Some("INCR"), Some(400)));
    assert_eq!((b.command(), b.code()), (Some("GET"), Some("ERR")));
    assert!(!a.is_ambiguous() && !a.is_retryable());
}

#[tokio::test]
async fn who_is_dropped_before_the_request_leaves_is_not_in_it() {
    let echo = Echo::new();
    let redis = echo.redis();
    let mut kept = pin!(redis.get::<String>("kept").into_future());
    {
        let mut dropped = pin!(redis.incr("dropped").into_future());
        assert!(once(dropped.as_mut()).is_pending());
        assert!(once(kept.as_mut()).is_pending());
    }
    assert_eq!(kept.await.unwrap().as_deref(), Some("kept"));
    // The one that is left goes as it would alone.
    assert_eq!(echo.seen()[0].body, r#"["GET","kept"]"#);
    assert_eq!(echo.seen().len(), 1);

    {
        let mut all = pin!(redis.incr("dropped").into_future());
        assert!(once(all.as_mut()).is_pending());
    }
    assert_eq!(
        redis.get::<String>("next").await.unwrap().as_deref(),
        Some("next")
    );
    assert_eq!(echo.seen().len(), 2);
    assert_eq!(echo.seen()[1].body, r#"["GET","next"]"#);
}

#[tokio::test]
async fn whoever_drives_the_request_may_be_dropped() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let mut commands: Vec<_> = (0..5)
        .map(|n| Box::pin(redis.get::<String>(n).into_future()))
        .collect();
    for command in &mut commands {
        assert!(poll!(command.as_mut()).is_pending());
    }
    // The first sends it and drives it, and is gone with the next, in whatever order.
    assert!(poll!(commands[0].as_mut()).is_pending());
    assert_eq!(echo.sizes(), [5]);
    drop(commands.remove(0));
    assert!(poll!(commands[2].as_mut()).is_pending());
    drop(commands.remove(2));
    echo.let_go(1);
    let answers: Vec<_> = join_all(commands).await;
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().unwrap())
        .collect();
    assert_eq!(answers, ["1", "2", "4"]);
    assert_eq!((echo.sizes(), echo.given_up()), (vec![5], 0));
}

#[tokio::test]
async fn who_is_not_polled_any_more_holds_nobody_up() {
    let echo = Echo::gated();
    let redis = echo.redis();
    // Polled first, and then kept: as in a `select!` whose other branch goes on.
    let mut first = pin!(redis.get::<String>("first").into_future());
    let mut second = pin!(redis.get::<String>("second").into_future());
    assert!(poll!(first.as_mut()).is_pending());
    assert!(poll!(second.as_mut()).is_pending());
    // It sends the request, drives it, and is then left alone.
    assert!(poll!(first.as_mut()).is_pending());
    let other = tokio::spawn({
        let redis = redis.clone();
        async move { redis.get::<String>("other").await }
    });
    let (answer, ()) = join(second, async { echo.let_go(2) }).await;
    assert_eq!(answer.unwrap().as_deref(), Some("second"));
    assert_eq!(other.await.unwrap().unwrap().as_deref(), Some("other"));
    assert_eq!(first.await.unwrap().as_deref(), Some("first"));
    assert_eq!(echo.sizes(), [2, 1]);
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_given_up() {
    let echo = Echo::gated();
    let redis = echo.redis();
    {
        let mut both = pin!(join(
            redis.get::<String>("a").into_future(),
            redis.get::<String>("b").into_future()
        ));
        for _ in 0..3 {
            assert!(poll!(both.as_mut()).is_pending());
        }
        assert_eq!((echo.sizes(), echo.given_up()), (vec![2], 0));
    }
    assert_eq!(echo.given_up(), 1);
    echo.let_go(1);
    assert_eq!(
        redis.get::<String>("c").await.unwrap().as_deref(),
        Some("c")
    );
}

#[tokio::test(start_paused = true)]
async fn each_command_has_its_own_timeout() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let started = tokio::time::Instant::now();
    let short = redis.incr("short").timeout(Duration::from_millis(20));
    let (short, long, ()) = join3(
        short.into_future(),
        redis.get::<String>("long").into_future(),
        async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            echo.let_go(1);
        },
    )
    .await;
    let short = short.unwrap_err();
    assert!(
        short.is_timeout() && short.is_ambiguous() && !short.is_retryable(),
        "{short}"
    );
    assert_eq!(short.command(), Some("INCR"));
    assert!(short.to_string().contains("20 ms"), "{short}");
    assert_eq!(long.unwrap().as_deref(), Some("long"));
    assert_eq!(started.elapsed().as_secs(), 5);
    assert_eq!(echo.sizes(), [2]);

    // Nobody's time is longer for being with one that has more.
    let started = tokio::time::Instant::now();
    let (usual, patient) = join(
        async {
            let usual = redis.get::<String>("usual").into_future().await;
            (usual, started.elapsed().as_secs())
        },
        redis
            .get::<String>("patient")
            .attempt_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(300))
            .retry(Retry::times(3).backoff(Duration::ZERO, Duration::ZERO))
            .into_future(),
    )
    .await;
    assert!(usual.0.unwrap_err().is_timeout());
    assert_eq!(usual.1, 30);
    assert!(patient.unwrap_err().is_timeout());
    assert_eq!(started.elapsed().as_secs(), 40);
}

#[tokio::test]
async fn a_transport_that_panics_takes_nobody_with_it() {
    let echo = Echo::gated();
    let redis = echo.redis();
    echo.then([Instead::Panic]);
    let mut other = pin!(redis.incr("other").into_future());
    assert!(poll!(other.as_mut()).is_pending());
    let task = tokio::spawn({
        let redis = redis.clone();
        async move { redis.get::<String>("unlucky").await }
    });
    // Until the other's task has sent the request of both.
    while echo.sizes().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(echo.sizes(), [2]);
    echo.let_go(1);
    // Whoever polls the transport panics; the other hears of it.
    assert!(task.await.unwrap_err().is_panic());
    let error = other.await.unwrap_err();
    assert!(error.is_interrupted() && error.is_ambiguous(), "{error}");
    echo.let_go(1);
    assert_eq!(
        redis.get::<String>("c").await.unwrap().as_deref(),
        Some("c")
    );
}

#[tokio::test]
async fn in_a_stream_of_futures_answers_come_as_they_do() {
    let echo = Echo::new();
    let redis = echo.redis();
    let mut all: FuturesUnordered<_> = (0..500)
        .map(|n| {
            let get = redis.get::<u32>(n).into_future();
            async move { (n, get.await) }
        })
        .collect();
    let mut count = 0;
    while let Some((n, answer)) = all.next().await {
        assert_eq!(answer.unwrap(), Some(n));
        count += 1;
    }
    assert_eq!((count, echo.sizes()), (500, vec![500]));
}

#[tokio::test]
async fn values_of_all_kinds_share_a_request() {
    let echo = Echo::new();
    let redis = echo.redis();
    echo.then([Instead::Body(
        200,
        r#"[{"result":"eyJuIjoxfQ=="},{"result":"/w=="},{"result":"OK"},{"result":7}]"#.into(),
    )]);
    let (json, bytes, ok, number) = futures_util::join!(
        redis.get::<Json<serde_json::Value>>("json").into_future(),
        redis.get::<restis::Bytes>("bytes").into_future(),
        redis.set("k", "v").into_future(),
        redis.incr("n").into_future(),
    );
    assert_eq!(json.unwrap().unwrap().0["n"], 1);
    assert_eq!(bytes.unwrap().as_deref(), Some(&[0xff][..]));
    ok.unwrap();
    assert_eq!(number.unwrap(), 7);
    assert_eq!(echo.sizes(), [4]);
}
