//! How a subscription connects, is lost and comes back, on streams by a script and a paused clock.

use std::{
    future::{Future, IntoFuture},
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Waker},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, stream};
use restis::{
    Bytes, Event, GapReason, Redis, Retry,
    transport::{Body, Request, Response, TransportError},
};
use tokio::time::Instant;

use crate::streams::{CHAT, Eof, Reply, Saw, Server, Silence, events, message, next};

#[tokio::test(start_paused = true)]
async fn failures_without_a_wait_let_others_run_too() {
    for fail in [
        || Reply::Fail(TransportError::connect("refused")),
        || events(CHAT, Eof),
    ] {
        let (redis, _) = Server::redis(move |n, _| match n {
            0 => events(CHAT, Eof),
            _ => fail(),
        });
        let at_once = Retry::times(u32::MAX).backoff(Duration::ZERO, Duration::ZERO);
        let chat = redis.subscribe::<String>("chat").retry(at_once);
        let mut stream = chat.await.unwrap();
        for _ in 0..200 {
            let _ = stream.next().now_or_never();
        }
    }
}

/// Errors that no repetition mends.
const HOPELESS: [fn() -> Reply; 5] = [
    || {
        Reply::Answer(
            401,
            r#"{"error":"WRONGPASS invalid or missing auth token"}"#,
        )
    },
    || Reply::Answer(403, "forbidden"),
    || Reply::Answer(400, r#"{"error":"NOPERM this user has no permissions"}"#),
    || Reply::Fail(TransportError::tls("unknown issuer")),
    || Reply::Fail(TransportError::setup("no certificates")),
];

#[tokio::test(start_paused = true)]
async fn what_repetition_cannot_mend_ends_it() {
    for (index, hopeless) in HOPELESS.into_iter().enumerate() {
        let (redis, server) = Server::redis(move |_, _| hopeless());
        let error = redis.subscribe::<String>(["a", "b"]).await.unwrap_err();
        assert_eq!(error.command(), Some("SUBSCRIBE"), "{error}");
        assert!(!error.is_retryable() && !error.is_ambiguous(), "{error}");
        assert_eq!(error.is_auth(), index < 3, "{error}");
        assert_eq!(server.requests(), 1, "{error}");
        let (redis, server) = Server::redis(move |n, _| match n {
            0 => events(&format!("{CHAT}data: message,chat,x\n\n"), Eof),
            _ => hopeless(),
        });
        let mut stream = redis.subscribe::<String>("chat").await.unwrap();
        assert_eq!(next(&mut stream).await, message("x"));
        assert_eq!(next(&mut stream).await, Saw::Error);
        assert_eq!(next(&mut stream).await, Saw::End);
        assert_eq!(next(&mut stream).await, Saw::End);
        assert_eq!((server.requests(), server.open()), (2, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_stream_is_an_error_that_says_so() {
    let (redis, server) = Server::redis(|_, _| Reply::Answer(200, "{\"result\":1}"));
    let error = redis.subscribe::<String>("chat").await.unwrap_err();
    assert!(error.is_interrupted() && error.is_in_body(), "{error}");
    assert_eq!((error.attempts(), server.requests()), (4, 4));
    for (kind, text) in [
        ("text/html", "<html>login"),
        ("application/json", "{\"result\":1}"),
    ] {
        let redis = Redis::builder()
            .url("https://mock.example")
            .token("token")
            .retry(Retry::never())
            .transport(move |_: Request| async move {
                Ok::<_, TransportError>(Response::new(200, text).header("content-type", kind))
            })
            .build()
            .unwrap();
        let error = redis.monitor().await.unwrap_err();
        assert_eq!(error.command(), Some("MONITOR"));
        assert_eq!(
            (error.is_http(), error.is_decode()),
            (kind == "text/html", kind != "text/html")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_connection_is_bounded_as_any_call() {
    let (redis, server) = Server::redis(|_, _| Reply::Never);
    let begun = Instant::now();
    let error = redis
        .subscribe::<String>("chat")
        .timeout(Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(
        (begun.elapsed(), server.requests()),
        (Duration::from_secs(5), 1)
    );
    let begun = Instant::now();
    let error = redis
        .subscribe::<String>("chat")
        .attempt_timeout(Duration::from_secs(1))
        .await
        .unwrap_err();
    assert!(error.is_timeout() && error.attempts() == 4, "{error}");
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
    let (redis, server) = Server::redis(|_, _| Reply::Fail(TransportError::connect("refused")));
    let error = redis.subscribe::<String>("chat").await.unwrap_err();
    assert!(error.is_connect() && error.is_retryable(), "{error}");
    assert_eq!((error.attempts(), server.requests()), (4, 4));
    // An error that is known says more than that time is up.
    let slow = Retry::times(1000).backoff(Duration::from_secs(1), Duration::from_secs(1));
    let error = redis
        .subscribe::<String>("chat")
        .retry(slow)
        .await
        .unwrap_err();
    assert!(error.is_connect() && error.attempts() > 4, "{error}");
    let (redis, _) = Server::redis(|n, _| match n {
        0..3 => Reply::Answer(503, ""),
        _ => events(CHAT, Silence),
    });
    let _ = redis.subscribe::<String>("chat").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_used_up_ends_it() {
    let (redis, server) = Server::redis(|n, _| match n {
        0 => events(CHAT, Eof),
        _ => Reply::Fail(TransportError::connect("refused")),
    });
    let chat = redis.subscribe::<String>("chat").retry(Retry::times(2));
    let mut stream = chat.await.unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_connect() && error.attempts() == 3, "{error}");
    assert_eq!(next(&mut stream).await, Saw::End);
    assert_eq!(server.requests(), 3);
    let (redis, server) = Server::redis(|_, _| events(CHAT, Eof));
    let chat = redis.subscribe::<String>("chat").retry(Retry::never());
    let mut stream = chat.await.unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_interrupted() && error.is_in_body(), "{error}");
    assert_eq!(next(&mut stream).await, Saw::End);
    assert_eq!(server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn waits_grow_up_to_ten_seconds_and_never_end() {
    let (redis, server) = Server::redis(|n, _| match n {
        0 | 60 => events(CHAT, Eof),
        61 => events(&format!("{CHAT}data: message,chat,x\n\n"), Silence),
        _ => Reply::Answer(500, ""),
    });
    let mut stream = redis.subscribe::<String>("chat").await.unwrap();
    let begun = Instant::now();
    let Some(Ok(Event::Gap(gap))) = stream.next().await else {
        panic!("no gap");
    };
    assert_eq!(
        (gap.reason, gap.names),
        (GapReason::Ended, vec!["chat".to_owned()])
    );
    assert_eq!(gap.silence, begun.elapsed());
    assert_eq!(next(&mut stream).await, Saw::Gap(GapReason::Ended));
    assert_eq!(next(&mut stream).await, message("x"));
    let waits = server.waits();
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(10)));
    assert!(waits[0] <= Duration::from_millis(100) && waits[1] <= Duration::from_millis(200));
    // Connection 60 was confirmed and ended at once, so the wait behind it is one of the long ones: on average 5 s.
    assert!(waits[10..].iter().sum::<Duration>() > Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_good_connection_makes_the_waits_short_again() {
    let (redis, server) = Server::redis(|n, _| match n {
        20.. => events(CHAT, Silence),
        n if n % 2 == 0 => events(&format!("{CHAT}data: message,chat,x\n\n"), Eof),
        _ => {
            let confirmed = stream::iter([Ok(Bytes::from(CHAT))]);
            let held = stream::once(tokio::time::sleep(Duration::from_secs(1)))
                .flat_map(|()| stream::empty());
            Reply::Stream(Body::from_stream(confirmed.chain(held)))
        }
    });
    let mut stream = redis.subscribe::<String>("chat").await.unwrap();
    while server.requests() <= 20 {
        next(&mut stream).await;
    }
    let bounds = [Duration::from_millis(101), Duration::from_millis(1_101)];
    for (n, wait) in server.waits().into_iter().enumerate() {
        assert!(wait <= bounds[n % 2], "{n} {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_may_ask_for_a_longer_wait() {
    let redis = {
        let n = AtomicUsize::new(0);
        Redis::builder()
            .url("https://mock.example")
            .token("token")
            .transport(move |_: Request| {
                let response = match n.fetch_add(1, Ordering::SeqCst) {
                    0 => Response::new(429, "").header("retry-after", "7"),
                    _ => Response::new(200, Body::from_stream(stream::iter([Ok(CHAT.into())]))),
                };
                async move { Ok::<_, TransportError>(response) }
            })
            .build()
            .unwrap()
    };
    let begun = Instant::now();
    let _ = redis.subscribe::<String>("chat").await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_only_if_that_was_asked_for() {
    let beats = |n: usize| {
        let confirmed = stream::iter([Ok(Bytes::from(CHAT))]);
        let beats = stream::iter(0..n).then(async |_| {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(Bytes::from(": beat\n\n"))
        });
        Reply::Stream(Body::from_stream(
            confirmed.chain(beats.boxed()).chain(stream::pending()),
        ))
    };
    let (redis, server) = Server::redis(move |_, _| beats(3));
    let chat = redis
        .subscribe::<String>("chat")
        .idle(Duration::from_secs(30));
    let mut stream = chat.await.unwrap();
    let begun = Instant::now();
    let Some(Ok(Event::Gap(gap))) = stream.next().await else {
        panic!("no gap");
    };
    assert_eq!(gap.reason, GapReason::Idle);
    assert!(gap.silence >= Duration::from_secs(30) && gap.silence < Duration::from_secs(31));
    assert!(
        begun.elapsed() >= Duration::from_secs(90) && begun.elapsed() < Duration::from_secs(91)
    );
    assert_eq!((server.requests(), server.open()), (2, 0));
    // Who does not ask is not behind because of it.
    let (redis, server) = Server::redis(|_, _| {
        Reply::Events(
            vec![CHAT.into(), b"data: message,chat,x\n\n".to_vec()],
            Silence,
        )
    });
    let chat = redis
        .subscribe::<String>("chat")
        .idle(Duration::from_secs(30));
    let mut stream = chat.await.unwrap();
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert_eq!(next(&mut stream).await, message("x"));
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert!(stream.next().now_or_never().is_none());
    assert_eq!(server.requests(), 1);
    let (redis, server) = Server::redis(|_, _| events(CHAT, Silence));
    let mut stream = redis.subscribe::<String>("chat").await.unwrap();
    let day = tokio::time::timeout(Duration::from_secs(86_400), stream.next());
    assert!(day.await.is_err() && server.requests() == 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_dropped_with_its_future() {
    let (redis, server) = Server::redis(|_, _| events("", Silence));
    {
        let mut opening = pin!(redis.subscribe::<String>("chat").into_future());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(opening.as_mut().poll(&mut cx).is_pending());
        assert_eq!(server.open(), 1);
    }
    assert_eq!(server.open(), 0);
}
