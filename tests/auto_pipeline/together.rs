//! What shares a request, what does not, and that the order holds all the same.

use std::{future::IntoFuture, pin::pin, time::Duration};

use futures_util::{
    future::{join, join_all, join3},
    poll,
};
use restis::{Retry, Safety};

use crate::echo::Echo;

/// Lets everything that can go on do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_request_in_the_order_of_the_first_poll() {
    let echo = Echo::new();
    let redis = echo.redis();
    let (set, get, del) = join3(
        redis.set("k", "v").into_future(),
        redis.get::<String>("k").into_future(),
        redis.del("k").safety(Safety::Write).into_future(),
    )
    .await;
    set.unwrap();
    assert_eq!(get.unwrap().as_deref(), Some("k"));
    assert!(del.is_err(), "the echo is no number");
    let seen = echo.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "/pipeline");
    assert_eq!(seen[0].body, r#"[["SET","k","v"],["GET","k"],["DEL","k"]]"#);
}

#[tokio::test]
async fn a_command_on_its_own_goes_as_it_always_did() {
    let echo = Echo::new();
    let redis = echo.redis();
    redis.set("k", "v").await.unwrap();
    let seen = echo.seen();
    assert_eq!((&*seen[0].path, &*seen[0].body), ("", r#"["SET","k","v"]"#));
    // One turn: it is sent when it is polled again, which it asks for itself.
    let mut get = pin!(redis.get::<String>("k").into_future());
    assert!(poll!(get.as_mut()).is_pending());
    assert_eq!(echo.seen().len(), 1);
    let _ = poll!(get.as_mut());
    assert_eq!(echo.seen().len(), 2);
}

#[tokio::test]
async fn off_unless_asked_for() {
    let echo = Echo::new();
    let redis = echo.client(|builder| builder.auto_pipelining(false));
    let (a, b) = join(
        redis.get::<String>("a").into_future(),
        redis.get::<String>("b").into_future(),
    )
    .await;
    assert_eq!(
        (a.unwrap().as_deref(), b.unwrap().as_deref()),
        (Some("a"), Some("b"))
    );
    assert_eq!(echo.sizes(), [1, 1]);
}

#[tokio::test]
async fn a_thousand_commands_a_request_reads_at_the_same_time() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let mut all = pin!(join_all(
        (0..2_500).map(|n| redis.get::<u32>(n).into_future())
    ));
    // As many turns as the executor of the join takes.
    while echo.sizes().len() < 3 {
        assert!(poll!(all.as_mut()).is_pending());
    }
    assert_eq!(echo.sizes(), [1_000, 1_000, 500]);
    echo.let_go(3);
    for (n, answer) in (0..).zip(all.await) {
        assert_eq!(answer.unwrap(), Some(n));
    }
}

#[tokio::test]
async fn where_something_writes_the_next_request_leaves_after_the_first() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let mut all = pin!(join_all((0..2_001).map(|n| {
        redis
            .command("SETRANGE")
            .arg("k")
            .arg(n)
            .arg(n)
            .query::<u32>()
            .into_future()
    })));
    for sent in 1..=3 {
        for _ in 0..5_000 {
            assert!(poll!(all.as_mut()).is_pending());
        }
        assert_eq!(echo.sizes().len(), sent);
        echo.let_go(1);
    }
    for (n, answer) in (0..).zip(all.await) {
        assert_eq!(answer.unwrap(), n);
    }
    let order: Vec<u32> = echo
        .seen()
        .iter()
        .flat_map(|seen| &seen.commands)
        .map(|command| command[2].parse().unwrap())
        .collect();
    assert!(order.is_sorted());
}

#[tokio::test]
async fn the_request_before_may_be_given_up_or_fail() {
    for gives_up in [true, false] {
        let echo = Echo::gated();
        let redis = echo.redis();
        let mut first: Vec<_> = (0..1_000)
            .map(|n| Box::pin(redis.set("k", n).into_future()))
            .collect();
        let mut last = Box::pin(redis.get::<String>("k").into_future());
        for command in &mut first {
            assert!(poll!(command.as_mut()).is_pending());
        }
        assert!(poll!(last.as_mut()).is_pending());
        assert!(poll!(last.as_mut()).is_pending());
        assert_eq!(echo.sizes(), [1_000]);
        if gives_up {
            drop(first);
        } else {
            echo.then(vec![crate::echo::Instead::Body(500, String::new()); 4]);
            echo.let_go(4);
        }
        echo.let_go(1);
        assert_eq!(last.await.unwrap().as_deref(), Some("k"));
        assert_eq!(echo.given_up(), usize::from(gives_up));
    }
}

#[tokio::test]
async fn ten_megabytes_a_request() {
    let echo = Echo::new();
    let redis = echo.redis();
    let large = "x".repeat(4 * 1024 * 1024);
    let answers = join_all((0..5).map(|_| redis.set("k", &large).into_future())).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(echo.sizes(), [2, 2, 1]);
    assert!(
        echo.seen()
            .iter()
            .all(|seen| seen.body.len() <= 10 * 1024 * 1024)
    );

    // One that is too large is refused on its own.
    let huge = "x".repeat(10 * 1024 * 1024);
    let (ok, refused) = join(
        redis.get::<String>("k").into_future(),
        redis.set("k", &huge).into_future(),
    )
    .await;
    assert_eq!(ok.unwrap().as_deref(), Some("k"));
    let refused = refused.unwrap_err();
    assert!(
        refused.is_too_large() && refused.command() == Some("SET"),
        "{refused}"
    );
    // To the byte: a body of exactly the limit is sent.
    let fits = "x".repeat(10 * 1024 * 1024 - r#"["SET","k",""]"#.len());
    redis.set("k", &fits).await.unwrap();
}

#[tokio::test]
async fn what_is_repeated_otherwise_has_its_own_request_in_its_turn() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let mut all = pin!(join3(
        redis.set("k", 1).into_future(),
        redis.set("k", 2).retry(Retry::never()).into_future(),
        redis.get::<String>("k").into_future(),
    ));
    for sent in 1..=3 {
        for _ in 0..20 {
            assert!(poll!(all.as_mut()).is_pending());
        }
        assert_eq!(echo.sizes(), vec![1; sent]);
        echo.let_go(1);
    }
    let (first, second, third) = all.await;
    first.unwrap();
    second.unwrap();
    third.unwrap();
    let bodies: Vec<_> = echo.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(
        bodies,
        [r#"["SET","k","1"]"#, r#"["SET","k","2"]"#, r#"["GET","k"]"#]
    );
}

#[tokio::test]
async fn bytes_go_in_their_own_form_and_in_their_turn() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let mut all = pin!(join3(
        redis.set("a", 1).into_future(),
        redis.set("k", &[0xff_u8, 0xfe][..]).into_future(),
        redis.get::<String>("k").into_future(),
    ));
    for sent in 1..=3 {
        for _ in 0..20 {
            assert!(poll!(all.as_mut()).is_pending());
        }
        assert_eq!(echo.sizes().len(), sent);
        echo.let_go(1);
    }
    let (first, bytes, get) = all.await;
    first.unwrap();
    bytes.unwrap();
    get.unwrap();
    let paths: Vec<_> = echo.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["", "/SET/k", ""]);
}

#[tokio::test]
async fn alone_shares_with_nobody_and_waits_for_nobody() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let mut all = pin!(join3(
        redis.set("k", 1).into_future(),
        redis.lrange::<String>("long", 0, -1).alone().into_future(),
        redis.get::<String>("k").into_future(),
    ));
    for _ in 0..10 {
        assert!(poll!(all.as_mut()).is_pending());
    }
    assert_eq!(echo.sizes(), [1, 2]);
    assert_eq!(echo.seen()[0].body, r#"["LRANGE","long","0","-1"]"#);
}

#[tokio::test]
async fn what_comes_while_all_requests_are_out_gathers() {
    let echo = Echo::gated();
    let redis = echo.client(|builder| builder.max_in_flight(1));
    let spawn = |n: u32| {
        let redis = redis.clone();
        tokio::spawn(async move { redis.get::<u32>(n).await })
    };
    let mut tasks = vec![spawn(0)];
    settle().await;
    for n in 1..=10 {
        tasks.push(spawn(n));
        settle().await;
    }
    assert_eq!(echo.sizes(), [1]);
    echo.let_go(1);
    settle().await;
    assert_eq!(echo.sizes(), [1, 10]);
    echo.let_go(1);
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(task.await.unwrap().unwrap(), Some(n));
    }

    // Two at a time: the third gathers.
    let echo = Echo::gated();
    let redis = echo.client(|builder| builder.max_in_flight(2));
    let mut running = Vec::new();
    for n in 0..5_u32 {
        let redis = redis.clone();
        running.push(tokio::spawn(async move { redis.get::<u32>(n).await }));
        settle().await;
    }
    assert_eq!(echo.sizes(), [1, 1]);
    echo.let_go(1);
    settle().await;
    assert_eq!(echo.sizes(), [1, 1, 3]);
    echo.let_go(2);
    for (n, task) in (0..).zip(running) {
        assert_eq!(task.await.unwrap().unwrap(), Some(n));
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_lets_the_next_one_go() {
    let echo = Echo::gated();
    let redis = echo.client(|builder| builder.max_in_flight(1));
    let first = {
        let redis = redis.clone();
        tokio::spawn(async move { redis.get::<u32>(1).await })
    };
    settle().await;
    let second = {
        let redis = redis.clone();
        tokio::spawn(async move { redis.get::<u32>(2).await })
    };
    settle().await;
    // Of those that wait, one leaves.
    {
        let mut leaves = pin!(redis.incr("n").into_future());
        for _ in 0..3 {
            assert!(poll!(leaves.as_mut()).is_pending());
        }
    }
    assert_eq!(echo.sizes(), [1]);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    echo.let_go(1);
    assert_eq!(second.await.unwrap().unwrap(), Some(2));
    assert_eq!((echo.sizes(), echo.given_up()), (vec![1, 1], 1));
}

#[tokio::test(start_paused = true)]
async fn the_time_in_which_it_waits_counts() {
    let echo = Echo::gated();
    let redis = echo.client(|builder| builder.max_in_flight(1));
    let first = {
        let redis = redis.clone();
        tokio::spawn(async move { redis.get::<u32>(1).timeout(Duration::from_secs(300)).await })
    };
    settle().await;
    let started = tokio::time::Instant::now();
    let error = redis
        .incr("n")
        .timeout(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed().as_millis(), 50);
    // It has not been sent, so it did not run, and may be called again.
    assert!(
        error.is_timeout() && !error.is_ambiguous() && error.is_retryable(),
        "{error}"
    );
    assert_eq!(error.command(), Some("INCR"));
    echo.let_go(5);
    assert_eq!(first.await.unwrap().unwrap(), Some(1));
    assert_eq!(
        echo.seen()
            .iter()
            .filter(|seen| seen.body.contains("INCR"))
            .count(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_not_written_over_what_came_later() {
    for drops in [true, false] {
        let echo = Echo::gated();
        let redis = echo.redis();
        let mut old = Box::pin(
            redis
                .set("k", "old")
                .timeout(Duration::from_secs(1))
                .into_future(),
        );
        let mut other = pin!(redis.set("j", 1).into_future());
        for _ in 0..2 {
            assert!(poll!(old.as_mut()).is_pending());
            assert!(poll!(other.as_mut()).is_pending());
        }
        assert_eq!(echo.sizes(), [2]);
        if drops {
            drop(old);
        } else {
            assert!(old.await.unwrap_err().is_timeout());
        }
        // The attempt's time runs out, and the request would be safe to repeat but for the one that has left.
        let error = other.await.unwrap_err();
        assert_eq!(echo.sizes(), [2]);
        assert!(error.is_timeout() && error.is_retryable(), "{error}");
        assert_eq!(error.attempts(), 1);
    }
    // Who only reads takes nothing along.
    let echo = Echo::gated();
    let redis = echo.redis();
    let mut read = Box::pin(redis.get::<String>("k").into_future());
    let mut other = pin!(redis.set("j", 1).into_future());
    for _ in 0..2 {
        assert!(poll!(other.as_mut()).is_pending());
        assert!(poll!(read.as_mut()).is_pending());
    }
    drop(read);
    assert!(other.await.unwrap_err().attempts() > 1);
}

#[tokio::test]
async fn a_long_row_of_requests_needs_no_deep_stack() {
    let echo = Echo::gated();
    let redis = echo.redis();
    let bytes = [0xff_u8];
    let mut row: Vec<_> = (0..3_000)
        .map(|_| Box::pin(redis.set("k", &bytes[..]).into_future()))
        .collect();
    for command in &mut row {
        assert!(poll!(command.as_mut()).is_pending());
    }
    // The last one drives the first, which is the only one that may leave.
    for command in row.iter_mut().rev().take(3) {
        assert!(poll!(command.as_mut()).is_pending());
    }
    assert_eq!(echo.sizes().len(), 1);
    echo.let_go(3_000);
    for answer in join_all(row).await {
        answer.unwrap();
    }
    assert_eq!(echo.sizes().len(), 3_000);
}

#[tokio::test]
async fn alone_it_asks_for_the_form_the_client_wants() {
    use restis::{
        Bytes, Redis, ResponseFormat,
        transport::{Request, Response, TransportError},
    };
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = std::sync::Arc::clone(&asked);
    let redis = Redis::builder()
        .url("https://mock.example")
        .token("token")
        .auto_pipelining(true)
        .response_format(ResponseFormat::Resp2)
        .transport(move |request: Request| {
            let format = request
                .headers()
                .find(|(name, _)| *name == "upstash-response-format");
            heard.lock().unwrap().push(format.is_some());
            let answer = if request.url().ends_with("/pipeline") {
                Response::new(200, r#"[{"result":"YQ=="},{"result":"YQ=="}]"#)
            } else {
                let octets = "application/octet-stream";
                Response::new(200, "$1\r\na\r\n").header("content-type", octets)
            };
            async { Ok::<_, TransportError>(answer) }
        })
        .build()
        .unwrap();
    let a = Some(Bytes::from_static(b"a"));
    assert_eq!(redis.get::<Bytes>("k").await.unwrap(), a);
    let both = join(
        redis.get::<Bytes>("k").into_future(),
        redis.get::<Bytes>("k").into_future(),
    );
    let (first, second) = both.await;
    assert_eq!((first.unwrap(), second.unwrap()), (a.clone(), a));
    assert_eq!(*asked.lock().unwrap(), [true, false]);
}

#[tokio::test]
async fn a_scripts_own_words_do_not_say_that_it_did_not_run() {
    let echo = Echo::new();
    let redis = echo.redis();
    let answer = r#"[{"error":"TRYAGAIN says the script"},{"error":"TRYAGAIN says the server"}]"#;
    let told = |error: restis::Error| (error.code().map(str::to_owned), error.is_retryable());
    echo.then([
        crate::echo::Instead::Body(200, answer.into()),
        crate::echo::Instead::Body(200, answer.into()),
    ]);
    let (script, server) = join(
        redis.eval::<i64>("return 1", ()).into_future(),
        redis.incr("n").into_future(),
    )
    .await;
    let tryagain = || Some("TRYAGAIN".to_owned());
    assert_eq!(told(script.unwrap_err()), (tryagain(), false));
    assert_eq!(told(server.unwrap_err()), (tryagain(), true));
    let batch = (redis.eval::<i64>("return 1", ()), redis.incr("n"));
    let (script, server) = redis.pipeline(batch).await.unwrap();
    assert_eq!(told(script.unwrap_err()), (tryagain(), false));
    assert_eq!(told(server.unwrap_err()), (tryagain(), true));
}
