//! What a hook hears of each request, and what the service is told of the client.

use std::{
    future::IntoFuture,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::poll;
use restis::{Redis, RequestKind, RequestReport, Retry};

use super::play::{ONE, Play, Step};

/// A report, to keep.
#[derive(Clone, Debug, PartialEq)]
struct Heard {
    kind: RequestKind,
    operation: String,
    commands: u64,
    billed: u64,
    bytes: (usize, usize),
    attempt: u32,
    end: &'static str,
}

fn heard(report: &RequestReport<'_>) -> Heard {
    let end = match report.error() {
        None if report.is_given_up() => "given up",
        None => "answered",
        Some(_) if report.is_repeated() => "repeated",
        Some(_) => "failed",
    };
    Heard {
        kind: report.kind(),
        operation: report.operation().into_owned(),
        commands: report.commands(),
        billed: report.billed_at_most(),
        bytes: (report.sent(), report.received()),
        attempt: report.attempt(),
        end,
    }
}

/// A client that plays `steps`, and what its hook has heard.
fn listen(steps: impl IntoIterator<Item = Step>) -> (Redis, Arc<Mutex<Vec<Heard>>>) {
    let script = Play::default();
    script.then(steps);
    let kept = Arc::default();
    let keep = Arc::clone(&kept);
    let redis = script.client(|builder| builder.on_request(move |report| keep_in(&keep, report)));
    (redis, kept)
}

fn keep_in(kept: &Mutex<Vec<Heard>>, report: &RequestReport<'_>) {
    kept.lock().unwrap().push(heard(report));
}

fn command(operation: &str, bytes: (usize, usize), attempt: u32, end: &'static str) -> Heard {
    Heard {
        kind: RequestKind::Command,
        operation: operation.into(),
        commands: 1,
        billed: 1,
        bytes,
        attempt,
        end,
    }
}

#[tokio::test]
async fn every_attempt_is_one_report() {
    const LOADING: &str = r#"{"error":"LOADING Redis is loading the dataset in memory"}"#;
    let sent = r#"["INCR","k"]"#.len();
    let (redis, heard) = listen([
        Step::Connect,
        Step::Answer(400, LOADING),
        Step::Answer(429, ""),
        ONE,
    ]);
    redis.incr("k").await.unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        [
            Heard {
                billed: 0,
                ..command("INCR", (sent, 0), 0, "repeated")
            },
            command("INCR", (sent, LOADING.len()), 1, "repeated"),
            command("INCR", (sent, 0), 2, "repeated"),
            command("INCR", (sent, r#"{"result":1}"#.len()), 3, "answered"),
        ]
    );
}

#[tokio::test]
async fn the_last_failure_is_not_repeated() {
    let sent = r#"["INCR","k"]"#.len();
    for (step, billed) in [
        (Step::Interrupted, 1),
        (Step::CutBody, 1),
        (Step::Answer(400, "{\"error\":\"WRONGTYPE no\"}"), 1),
        (Step::Answer(200, "{}"), 1),
        (Step::Setup, 0),
        (Step::Tls, 0),
    ] {
        let received = match step {
            Step::Answer(_, body) => body.len(),
            _ => 0,
        };
        let (redis, heard) = listen([step]);
        redis.incr("k").await.unwrap_err();
        let expected = Heard {
            billed,
            ..command("INCR", (sent, received), 0, "failed")
        };
        assert_eq!(*heard.lock().unwrap(), [expected]);
    }
}

#[tokio::test]
async fn the_error_is_that_of_the_call() {
    let script = Play::default();
    script.then([Step::Interrupted, Step::Interrupted]);
    let kept: Arc<Mutex<Vec<_>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let redis = script.client(|builder| {
        builder
            .retry(Retry::times(1).backoff(Duration::ZERO, Duration::ZERO))
            .on_request(move |report| keep.lock().unwrap().push(report.error().cloned()))
    });
    let error = redis.set("k", 1).await.unwrap_err();
    let kept = kept.lock().unwrap();
    let [Some(first), Some(last)] = &kept[..] else {
        panic!("two requests failed: {kept:?}");
    };
    assert_eq!(format!("{last:?}"), format!("{error:?}"));
    assert!(first.is_interrupted() && first.is_ambiguous());
    assert_eq!((first.command(), first.attempts()), (Some("SET"), 1));
}

#[tokio::test]
async fn batches_count_their_commands() {
    const TWO: Step = Step::Answer(200, r#"[{"result":"1"},{"result":"2"}]"#);
    let (redis, heard) = listen([
        TWO,
        TWO,
        TWO,
        Step::Answer(200, r#"[{"result":"1"}]"#),
        Step::Answer(200, r#"{"result":"OK"}"#),
        Step::Answer(200, r#"{"result":null}"#),
    ]);
    let get = |key: &str| redis.get::<String>(key);
    let _ = redis
        .pipeline((get("[[\"a\",\"]"), get("b")))
        .await
        .unwrap();
    let _ = redis.pipeline((redis.incr("a"), get("b"))).await.unwrap();
    redis
        .transaction((redis.incr("a"), redis.incr("b")))
        .await
        .unwrap();
    let _ = redis.pipeline(vec![get("a")]).await.unwrap();
    // In the path, as its value is no text.
    redis.set("key", &[0xff_u8, 0xfe][..]).await.unwrap();
    redis
        .command("secret!")
        .query::<Option<String>>()
        .await
        .unwrap();
    let heard = heard.lock().unwrap();
    let short: Vec<_> = heard
        .iter()
        .map(|heard| (heard.kind, &*heard.operation, heard.commands, heard.billed))
        .collect();
    assert_eq!(
        short,
        [
            (RequestKind::Pipeline, "PIPELINE GET", 2, 2),
            (RequestKind::Pipeline, "PIPELINE", 2, 2),
            (RequestKind::Transaction, "MULTI INCR", 2, 2),
            (RequestKind::Pipeline, "GET", 1, 1),
            (RequestKind::Command, "SET", 1, 1),
            (RequestKind::Command, "_OTHER", 1, 1),
        ]
    );
    assert_eq!(heard[4].bytes.0, "/set/key".len() + 2);
}

#[tokio::test]
async fn json_from_elsewhere_is_counted_by_its_elements() {
    let (redis, heard) = listen([
        Step::Answer(200, r#"[{"result":1},{"result":2},{"result":3}]"#),
        Step::Answer(200, "[]"),
    ]);
    for json in [r#" [ ["get", "a,[b"] , ["GET","b"],["Get",7] ] "#, "[]"] {
        use restis::unversioned::{Form, Settings, send};
        let sent = send(&redis, Form::Pipeline, json.into(), Settings::default());
        sent.await.unwrap();
    }
    let heard = heard.lock().unwrap();
    let short = heard
        .iter()
        .map(|heard| (&*heard.operation, heard.commands));
    assert_eq!(
        short.collect::<Vec<_>>(),
        [("PIPELINE GET", 3), ("PIPELINE", 0)]
    );
}

#[tokio::test]
async fn a_request_that_is_given_up_is_reported_once() {
    let (redis, heard) = listen([Step::Never, Step::NeverBody, ONE]);
    for _ in 0..2 {
        let mut call = redis.incr("k").into_future();
        assert!(poll!(&mut call).is_pending());
        drop(call);
    }
    // Not sent at all.
    drop(redis.incr("k").into_future());
    let expected = command("INCR", (r#"["INCR","k"]"#.len(), 0), 0, "given up");
    assert_eq!(*heard.lock().unwrap(), [expected.clone(), expected]);
}

#[tokio::test]
async fn what_is_refused_here_is_no_request() {
    let (redis, heard) = listen([]);
    let error = redis.set("k", "v".repeat(10 << 20)).await.unwrap_err();
    assert!(error.is_too_large());
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn latency_is_that_of_the_request_without_the_waits() {
    let script = Play::default();
    let late = |millis| Step::Late(Duration::from_millis(millis), 429, "");
    script.then([late(300), late(200), Step::NeverBody]);
    let kept: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let redis = script.client(|builder| {
        builder
            .retry(Retry::times(2).backoff(Duration::from_secs(1), Duration::from_secs(1)))
            .attempt_timeout(Duration::from_millis(700))
            .on_request(move |report| keep.lock().unwrap().push(report.latency()))
    });
    redis.incr("k").await.unwrap_err();
    let millis: Vec<_> = kept
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_millis)
        .collect();
    for (measured, expected) in millis.iter().zip([300, 200, 700]) {
        // The timer of tokio counts in whole milliseconds, and fires with the next one.
        assert!((expected..expected + 3).contains(measured), "{millis:?}");
    }
    assert_eq!(millis.len(), 3);
}

#[tokio::test]
async fn a_hook_that_panics_changes_nothing() {
    let script = Play::default();
    script.then([Step::Interrupted, ONE, Step::Never, ONE]);
    let redis = script.client(|builder| builder.on_request(|_| panic!("the hook has a bug")));
    assert_eq!(redis.get::<i64>("k").await.unwrap(), Some(1));
    let mut call = redis.incr("k").into_future();
    assert!(poll!(&mut call).is_pending());
    drop(call);
    assert_eq!(redis.incr("k").await.unwrap(), 1);
}

#[tokio::test]
async fn a_report_shows_no_secret() {
    let script = Play::default();
    script.then([
        Step::Answer(400, r#"{"error":"ERR no such 'secret'"}"#),
        Step::Answer(200, r#"{"result":"secret"}"#),
        Step::Answer(200, r#"[{"result":"secret"},{"result":"secret"}]"#),
    ]);
    let kept: Arc<Mutex<String>> = Arc::default();
    let keep = Arc::clone(&kept);
    let redis = script.client(|builder| {
        builder
            .token("secret")
            .on_request(move |report| keep.lock().unwrap().push_str(&format!("{report:?}")))
    });
    redis.set("secret", "secret").await.unwrap_err();
    redis.set("secret", &b"secret\xff"[..]).await.unwrap();
    let both = (redis.set("secret", "secret"), redis.get::<String>("secret"));
    let _ = redis.pipeline(both).await.unwrap();
    let shown = kept.lock().unwrap();
    assert!(
        shown.contains("PIPELINE") && !shown.contains("secret"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_service_is_told_nothing_unless_asked() {
    let telemetry = async |settings: fn(restis::Builder) -> restis::Builder| {
        let script = Play::default();
        script.then([ONE]);
        script.client(settings).incr("k").await.unwrap();
        let headers = script.seen(0).headers;
        let telling = |(name, _): &(&str, String)| name.contains("telemetry");
        headers.into_iter().filter(telling).collect::<Vec<_>>()
    };
    assert_eq!(telemetry(|builder| builder).await, []);
    assert_eq!(telemetry(|builder| builder.telemetry(false)).await, []);
    let told = telemetry(|builder| builder.telemetry(true)).await;
    let [(sdk, version), (platform, _), (runtime, rust)] = &told[..] else {
        panic!("three headers: {told:?}");
    };
    assert_eq!(
        [*sdk, *platform, *runtime],
        [
            "upstash-telemetry-sdk",
            "upstash-telemetry-platform",
            "upstash-telemetry-runtime"
        ]
    );
    assert_eq!(*version, format!("restis@v{}", env!("CARGO_PKG_VERSION")));
    assert!(rust.starts_with("rust@"), "{rust}");
}
