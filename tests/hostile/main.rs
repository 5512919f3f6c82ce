//! A hostile server: whatever it answers, each call is a value or an error, in bounded time and memory, and the client goes on
//! with the next.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

use std::{
    collections::BTreeMap,
    future::{Future, IntoFuture as _},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, future::BoxFuture, stream};
use restis::{Bytes, Error, Redis, ResponseFormat, Retry, Value};
use restis_testing::{
    liar::{Liar, PLEASE},
    lies::{Lie, lies},
};

const TOKEN: &str = "token-planted";
const LIMIT: usize = 1024 * 1024;
/// A call that takes this long hangs: its own limit is half a second.
const HANGS: Duration = Duration::from_secs(60);
/// What sockets and the HTTP library hold of an answer, beside what the client keeps.
const SOCKETS: usize = 24 * 1024 * 1024;

fn client(url: &str) -> Redis {
    Redis::builder()
        .url(url)
        .token(TOKEN)
        .timeout(Duration::from_millis(500))
        .attempt_timeout(Duration::from_millis(500))
        .max_response_bytes(LIMIT)
        .retry(Retry::never())
        .build()
        .unwrap()
}

/// The value of a call as text, or its error.
type Outcome = Result<String, Error>;
type Call = for<'a> fn(&'a Redis) -> BoxFuture<'a, Outcome>;

fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> Outcome {
    result.map(|value| format!("{value:?}"))
}

/// Each way to send something. The last three read what others do not ask for.
const CALLS: [(&str, Call); 9] = [
    ("GET", |redis| {
        Box::pin(async { told(redis.get::<String>("key-planted").await) })
    }),
    ("GET, any value", |redis| {
        Box::pin(async { told(redis.get::<Value>("key-planted").await) })
    }),
    ("INCR", |redis| {
        Box::pin(async { told(redis.incr("key-planted").await) })
    }),
    ("pipeline", |redis| {
        Box::pin(async {
            let batch = (redis.get::<String>("key-planted"), redis.get::<String>("b"));
            let (first, second) = redis.pipeline(batch).await?;
            Ok(format!("{:?} {:?}", first?, second?))
        })
    }),
    ("transaction", |redis| {
        Box::pin(async {
            let batch = (redis.get::<String>("key-planted"), redis.get::<String>("b"));
            told(redis.transaction(batch).await)
        })
    }),
    ("bytes", |redis| {
        Box::pin(async {
            told(
                redis
                    .set("key-planted", Bytes::from_static(b"value-planted\xff"))
                    .await,
            )
        })
    }),
    ("base64", |redis| {
        Box::pin(async { told(redis.get::<Bytes>("key-planted").await) })
    }),
    ("RESP2", |redis| {
        Box::pin(async {
            let get = redis.get::<Bytes>("key-planted");
            told(get.response_format(ResponseFormat::Resp2).await)
        })
    }),
    ("SUBSCRIBE", |redis| {
        Box::pin(async {
            let subscribed = redis.subscribe::<String>("ch").retry(Retry::never());
            let mut messages = subscribed.await?;
            let listen = async {
                // A stream may go on for ever; what is read of it is one piece at a time.
                for _ in 0..1000 {
                    match messages.next().await {
                        Some(event) => drop(event?),
                        None => break,
                    }
                }
                Ok(())
            };
            let listened = tokio::time::timeout(Duration::from_millis(500), listen).await;
            told(listened.unwrap_or(Ok(())))
        })
    }),
];

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(HANGS, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} hangs"),
    }
}

/// The words of an error hold neither the token nor a key.
fn is_discreet(error: &Error, what: &str) {
    let mut words = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        words = format!("{words} {error} {error:?}");
        source = error.source();
    }
    assert!(!words.contains("planted"), "{what}: {words}");
    assert!(
        words.len() < 2 * LIMIT,
        "{what}: {} bytes of words",
        words.len()
    );
}

fn kind(error: &Error) -> &'static str {
    match () {
        () if error.is_timeout() => "timeout",
        () if error.is_interrupted() => "interrupted",
        () if error.is_decode() => "decode",
        () if error.is_server() => "server",
        () if error.is_http() => "http",
        () if error.is_connect() => "connect",
        () => "other",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_lie_is_a_value_or_an_error_and_the_client_goes_on() {
    let liar = Liar::start().await.unwrap();
    let all = lies();
    assert!(all.len() >= 200, "{}", all.len());
    let values = AtomicUsize::new(0);
    let kinds = Mutex::new(BTreeMap::<&str, usize>::new());
    stream::iter(&all)
        .enumerate()
        .for_each_concurrent(48, |(number, Lie { name, .. })| {
            let redis = client(&format!("{}/{number}", liar.url));
            let (values, kinds) = (&values, &kinds);
            async move {
                for (form, call) in CALLS {
                    let what = format!("{form}, {name}");
                    match in_time(&what, call(&redis)).await {
                        Ok(value) => {
                            values.fetch_add(1, Relaxed);
                            // Nothing of another shape is taken for two replies.
                            let is_batch = form == "pipeline" || form == "transaction";
                            let is_count = name.contains("entries too many");
                            assert!(!(is_batch && is_count), "{what}: {value}");
                        }
                        Err(error) => {
                            *kinds.lock().unwrap().entry(kind(&error)).or_default() += 1;
                            is_discreet(&error, &what);
                            assert_eq!(error.attempts(), 1, "{what}: {error}");
                        }
                    }
                    // The same client, and an honest answer. A connection that brought more than its answer may be closed under
                    // this request, which is sent again then.
                    let again = redis
                        .get::<String>(PLEASE)
                        .timeout(HANGS)
                        .attempt_timeout(HANGS);
                    let again = again.retry(Retry::times(3));
                    let again = in_time(&what, again.into_future()).await;
                    assert_eq!(again.unwrap().as_deref(), Some("honest"), "{what}");
                }
            }
        })
        .await;
    let kinds = kinds.lock().unwrap();
    println!(
        "{} lies, {} forms: {} values, errors: {kinds:?}; at most {} bytes of an endless answer were read",
        all.len(),
        CALLS.len(),
        values.load(Relaxed),
        liar.counted.most_written.load(Relaxed)
    );
    assert_eq!(
        liar.counted.stolen.load(Relaxed),
        0,
        "a redirect was followed"
    );
    let most = liar.counted.most_written.load(Relaxed);
    assert!(most < LIMIT + SOCKETS, "{most}");
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kilobytes: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 1024 * 1024, "{kilobytes} KB");
    }
}
