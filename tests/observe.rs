//! A budget kept by the hook, compared with what the server counts; and what a request says on the wire.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test, not an API"
)]

use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::{join_all, select};
use restis::{Bytes, Error, Redis, Retry};
use restis_local::{Fault, Local};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// A client whose hook counts what may be billed, and the bytes both ways.
struct Counted {
    redis: Redis,
    billed: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
}

fn counted(local: &Local, settings: impl FnOnce(restis::Builder) -> restis::Builder) -> Counted {
    let (billed, requests) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let (count, number) = (Arc::clone(&billed), Arc::clone(&requests));
    let builder = Redis::builder()
        .url(local.url())
        .token(local.token())
        .retry(Retry::times(3).backoff(Duration::from_millis(1), Duration::from_millis(1)))
        .on_request(move |report| {
            number.fetch_add(1, Relaxed);
            count.fetch_add(report.billed_at_most(), Relaxed);
        });
    Counted {
        redis: settings(builder).build().unwrap(),
        billed,
        requests,
    }
}

/// A bit of everything.
async fn work(redis: &Redis) -> Vec<Result<(), Error>> {
    let mut done = vec![
        redis.set("k", 1).await,
        redis.get::<i64>("k").await.map(drop),
        // Runs and fails.
        redis.lpush("k", "v").await.map(drop),
        redis.set("bytes", &b"\xff\xfe"[..]).await,
        redis.get::<Bytes>("bytes").await.map(drop),
    ];
    let batch = (
        redis.incr("k"),
        redis.lpush("k", "v"),
        redis.mget::<Option<String>>(["k", "l"]),
    );
    done.push(redis.pipeline(batch).await.map(drop));
    let transaction = (redis.incr("k"), redis.incr("k"));
    done.push(redis.transaction(transaction).await.map(drop));
    let many = (0..20).map(|number| redis.incrby("sum", number).into_future());
    done.extend(join_all(many).await.into_iter().map(|one| one.map(drop)));
    done
}

#[tokio::test]
async fn without_faults_the_budget_is_what_the_server_bills() {
    for auto_pipelining in [false, true] {
        let (local, _) = restis_testing::start().await.unwrap();
        let counted = counted(&local, |builder| builder.auto_pipelining(auto_pipelining));
        let failed = work(&counted.redis)
            .await
            .into_iter()
            .filter(Result::is_err);
        assert_eq!(failed.count(), 1);
        let stats = local.stats().await.unwrap();
        assert_eq!(counted.billed.load(Relaxed), stats.billed);
        assert_eq!(stats.billed, 30);
        assert_eq!(counted.requests.load(Relaxed), stats.requests);
    }
}

#[tokio::test]
async fn with_faults_the_budget_is_never_too_small() {
    for auto_pipelining in [false, true] {
        let (local, _) = restis_testing::start().await.unwrap();
        let counted = counted(&local, |builder| {
            builder
                .auto_pipelining(auto_pipelining)
                .attempt_timeout(Duration::from_millis(100))
        });
        let faults = [
            Fault::drop_before(),
            Fault::drop_after(),
            Fault::status(429),
            Fault::status(503).executed(),
            Fault::status(500).executed(),
            Fault::html(),
            Fault::truncate(5),
            Fault::stall(3),
            Fault::body("{}"),
        ];
        for (seed, fault) in (1..).zip(faults) {
            local.inject(fault.times(u64::MAX).rate(0.4, seed));
            work(&counted.redis).await;
            local.clear_faults();
            // What was given up on this side runs on that side, to its end.
            counted.redis.ping().await.unwrap();
        }
        let stats = local.stats().await.unwrap();
        assert!(stats.faults > 20, "{stats:?}");
        let billed = counted.billed.load(Relaxed);
        assert!(billed >= stats.billed, "{billed} and {stats:?}");
    }
}

#[tokio::test]
async fn what_was_given_up_may_be_billed_and_what_found_no_server_is_not() {
    let (local, _) = restis_testing::start().await.unwrap();
    let counted = counted(&local, |builder| builder);
    local.inject(Fault::delay_answer(Duration::from_secs(60)));
    let call = counted.redis.incr("k").into_future();
    let ran = async {
        while local.stats().await.unwrap().billed == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    select(call, Box::pin(ran)).await;
    assert_eq!(counted.billed.load(Relaxed), 1);
    local.stop().await;
    let error = counted.redis.incr("k").await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert_eq!(counted.requests.load(Relaxed), 1 + 4);
    assert_eq!(counted.billed.load(Relaxed), 1);
}

/// The head of a client's request, as it is on the wire.
async fn head(settings: impl FnOnce(restis::Builder) -> restis::Builder) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        while !request.contains(r#"["PING"]"#) {
            let mut part = [0; 1024];
            let read = stream.read(&mut part).await.unwrap();
            assert!(read > 0, "{request}");
            request.push_str(std::str::from_utf8(part.get(..read).unwrap()).unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"result\":\"PONG\"}";
        stream.write_all(answer).await.unwrap();
        request.to_ascii_lowercase()
    });
    let builder = Redis::builder().url(url).token("token");
    settings(builder).build().unwrap().ping().await.unwrap();
    served.await.unwrap()
}

#[tokio::test]
async fn a_request_says_nothing_of_its_client_unless_asked() {
    let silent = head(|builder| builder).await;
    assert!(silent.contains("authorization: bearer token"), "{silent}");
    for word in ["telemetry", "restis", "rust", "user-agent"] {
        assert!(!silent.contains(word), "{silent}");
    }
    let telling = head(|builder| builder.telemetry(true)).await;
    let sdk = concat!("upstash-telemetry-sdk: restis@v", env!("CARGO_PKG_VERSION"));
    for line in [
        sdk,
        "upstash-telemetry-platform: ",
        "upstash-telemetry-runtime: rust@",
    ] {
        assert!(telling.contains(&format!("\r\n{line}")), "{telling}");
    }
}
