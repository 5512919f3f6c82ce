//! What the client decides, on a transport that plays a script: no server, no network, no waiting.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

mod observe;
mod play;
mod reconnect;
mod resp2;
mod safety;
mod streams;
mod subscribe;
#[cfg(feature = "tracing")]
mod trace;

use std::time::Duration;

use restis::{Bytes, Error, Redis, Retry, Safety, Script};

use play::{ONE, Play, Seen, Step};

/// `GET` and `INCR` through the same failure: how many requests each makes, and what its error says.
async fn both(step: Step) -> [(usize, Result<i64, Error>); 2] {
    let (redis, script) = Play::redis([step.clone(), ONE]);
    let read = redis.get::<i64>("k").await.map(|value| value.unwrap());
    let reads = script.requests();
    let (redis, script) = Play::redis([step, ONE]);
    let write = redis.incr("k").await;
    [(reads, read), (script.requests(), write)]
}

#[tokio::test]
async fn what_did_not_run_is_sent_again_whatever_it_is() {
    for step in [
        Step::Connect,
        Step::Answer(429, ""),
        Step::Answer(
            400,
            r#"{"error":"LOADING Redis is loading the dataset in memory"}"#,
        ),
        Step::Answer(
            400,
            r#"{"error":"READONLY Writes are temporarily rejected due to server upgrade"}"#,
        ),
    ] {
        for (requests, result) in both(step).await {
            assert_eq!((requests, result.unwrap()), (2, 1));
        }
    }
}

#[tokio::test]
async fn what_may_have_run_is_sent_again_only_if_that_is_safe() {
    for step in [
        Step::Interrupted,
        Step::CutBody,
        Step::Answer(500, ""),
        Step::Answer(502, "<html>bad gateway</html>"),
        Step::Answer(504, ""),
        Step::Answer(500, r#"{"error":"ERR internal"}"#),
        Step::Answer(503, "<html>"),
        Step::Answer(503, ""),
        Step::Answer(408, "<html>Request Timeout</html>"),
        Step::Answer(408, r#"{"error":"timeout"}"#),
        Step::Answer(503, r#"{"error":"ERR broke after it ran"}"#),
        Step::Answer(
            503,
            "upstream connect error or disconnect/reset before headers",
        ),
        Step::Answer(200, "<html>login</html>"),
        Step::Answer(200, r#"{"result":"cut"#),
        Step::Answer(200, ""),
    ] {
        let [(reads, read), (writes, write)] = both(step).await;
        assert_eq!((reads, read.unwrap()), (2, 1));
        let error = write.unwrap_err();
        assert_eq!(writes, 1, "{error}");
        assert!(error.is_ambiguous() && !error.is_retryable(), "{error}");
        assert_eq!((error.command(), error.attempts()), (Some("INCR"), 1));
    }
}

#[tokio::test]
async fn what_will_not_change_is_not_sent_again() {
    for step in [
        Step::Tls,
        Step::Setup,
        Step::Answer(
            401,
            r#"{"error":"WRONGPASS invalid or missing auth token"}"#,
        ),
        Step::Answer(400, r#"{"error":"WRONGTYPE Operation against a key"}"#),
        Step::Answer(404, "not found"),
        Step::Answer(302, ""),
        Step::Answer(413, ""),
        Step::Answer(200, r#"{"message":"hello"}"#),
        Step::Answer(200, r#"[{"result":1}]"#),
    ] {
        for (requests, result) in both(step).await {
            let error = result.unwrap_err();
            assert_eq!(requests, 1, "{error}");
            assert!(!error.is_retryable(), "{error}");
        }
    }
}

#[tokio::test]
async fn each_failure_has_its_kind() {
    let fail = async |step: Step| {
        let (redis, _) = Play::redis([step]);
        redis
            .incr("k")
            .retry(Retry::never())
            .timeout(Duration::from_millis(5))
            .await
            .unwrap_err()
    };
    let error = fail(Step::Connect).await;
    assert!(error.is_connect() && !error.is_tls() && !error.is_ambiguous() && error.is_retryable());
    assert!(error.to_string().contains("refused"));
    let error = fail(Step::Tls).await;
    assert!(error.is_connect() && error.is_tls() && !error.is_ambiguous());
    assert!(fail(Step::Setup).await.is_config());
    let error = fail(Step::Interrupted).await;
    assert!(error.is_interrupted() && !error.is_in_body());
    let error = fail(Step::CutBody).await;
    assert!(error.is_interrupted() && error.is_in_body());
    let error = fail(Step::Never).await;
    assert!(
        error.is_timeout() && !error.is_in_body() && error.is_ambiguous(),
        "{error}"
    );
    let error = fail(Step::NeverBody).await;
    assert!(
        error.is_timeout() && error.is_in_body() && error.is_ambiguous(),
        "{error}"
    );
    let error = fail(Step::Answer(429, "")).await;
    assert!(error.is_http() && error.status() == Some(429) && error.is_retryable());
    let error = fail(Step::Answer(502, "<html>")).await;
    assert!(error.is_http() && error.status() == Some(502) && error.is_ambiguous());
    let error = fail(Step::Header(
        200,
        "hello",
        "Content-Type",
        "text/html; charset=utf-8",
    ))
    .await;
    assert!(error.is_http() && error.is_ambiguous());
    let error = fail(Step::Answer(413, "")).await;
    assert!(error.is_too_large());
    let error = fail(Step::Answer(
        401,
        r#"{"error":"WRONGPASS invalid or missing auth token"}"#,
    ))
    .await;
    assert!(error.is_auth() && error.is_server() && error.code() == Some("WRONGPASS"));
    let error = fail(Step::Answer(403, "forbidden")).await;
    assert!(error.is_auth() && error.is_http());
    let error = fail(Step::Answer(
        400,
        r#"{"error":"NOPERM this user has no permissions"}"#,
    ))
    .await;
    assert!(error.is_auth() && error.command() == Some("INCR"));
    let error = fail(Step::Answer(200, r#"{"result":[1,2]}"#)).await;
    assert!(error.is_decode() && !error.is_ambiguous() && error.command() == Some("INCR"));
    let error = fail(Step::Answer(200, "{}")).await;
    assert!(error.is_decode() && error.is_ambiguous());
}

#[tokio::test]
async fn attempts_end_and_are_counted() {
    let (redis, script) = Play::redis(vec![Step::Connect; 4]);
    let error = redis.incr("k").await.unwrap_err();
    assert_eq!((script.requests(), error.attempts()), (4, 4));
    assert!(error.to_string().contains("after 4 attempts"), "{error}");
    // An earlier attempt may have run, so the last one's certainty does not help.
    let (redis, script) = Play::redis([
        Step::Interrupted,
        Step::Connect,
        Step::Connect,
        Step::Connect,
    ]);
    let error = redis.set("k", 1).await.unwrap_err();
    assert_eq!(script.requests(), 4);
    assert!(error.is_connect() && error.is_ambiguous() && error.is_retryable());
}

#[tokio::test]
async fn the_caller_widens_and_forbids() {
    let (redis, script) = Play::redis([Step::Interrupted, ONE]);
    redis
        .incr("k")
        .retry(Retry::times(1).even_if_ambiguous())
        .await
        .unwrap();
    assert_eq!(script.requests(), 2);
    let (redis, script) = Play::redis([Step::Interrupted, ONE]);
    redis
        .incr("k")
        .safety(Safety::IdempotentWrite)
        .await
        .unwrap();
    assert_eq!(script.requests(), 2);
    let (redis, script) = Play::redis([Step::Connect]);
    redis
        .get::<i64>("k")
        .retry(Retry::never())
        .await
        .unwrap_err();
    assert_eq!(script.requests(), 1);
    let (redis, script) = Play::redis([Step::Interrupted]);
    redis
        .command("GET")
        .arg("k")
        .safety(Safety::Write)
        .await
        .unwrap_err();
    assert_eq!(script.requests(), 1);
    let script = Play::default();
    script.then([Step::Connect]);
    let redis = script.client(|builder| builder.retry(Retry::never()));
    redis.get::<i64>("k").await.unwrap_err();
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn a_batch_is_as_safe_as_its_least_safe_member() {
    let two = Step::Answer(200, r#"[{"result":1},{"result":2}]"#);
    let (redis, script) = Play::redis([Step::Interrupted, two.clone()]);
    let (a, b) = redis
        .pipeline((redis.get::<i64>("a"), redis.get::<i64>("b")))
        .await
        .unwrap();
    assert_eq!((a.unwrap(), b.unwrap()), (Some(1), Some(2)));
    assert_eq!(script.requests(), 2);
    let (redis, script) = Play::redis([Step::Interrupted]);
    let error = redis
        .pipeline((redis.get::<i64>("a"), redis.incr("b")))
        .await
        .unwrap_err();
    assert_eq!(
        (script.requests(), error.is_ambiguous(), error.command()),
        (1, true, Some("pipeline"))
    );
    let (redis, script) = Play::redis([Step::Interrupted, two.clone()]);
    let (a, b) = redis
        .pipeline((redis.get::<i64>("a"), redis.incr("b").safety(Safety::Read)))
        .await
        .unwrap();
    assert_eq!((a.unwrap(), b.unwrap()), (Some(1), 2));
    assert_eq!(script.requests(), 2);
    let (redis, script) = Play::redis([Step::Interrupted]);
    let retry = Retry::never();
    redis
        .pipeline((redis.get::<i64>("a"), redis.get::<i64>("b").retry(retry)))
        .await
        .unwrap_err();
    assert_eq!(script.requests(), 1);
    let (redis, script) = Play::redis([Step::Answer(429, ""), two]);
    redis
        .transaction((redis.incr("a"), redis.incr("b")))
        .await
        .unwrap();
    assert_eq!(script.requests(), 2);
    assert_eq!(script.seen(0).url, "https://mock.example/base/multi-exec");
}

#[tokio::test]
async fn an_answer_with_too_few_or_too_many_entries_is_nobodys() {
    for body in [
        r#"[{"result":1}]"#,
        r#"[{"result":1},{"result":2},{"result":3}]"#,
        "[]",
    ] {
        let (redis, _) = Play::redis([Step::Answer(200, body)]);
        let error = redis
            .pipeline((redis.get::<i64>("a"), redis.get::<i64>("b")))
            .await
            .unwrap_err();
        assert!(error.is_decode(), "{error}");
    }
    let (redis, _) = Play::redis([Step::Answer(200, r#"[{"result":1},"what"]"#)]);
    let (a, b) = redis
        .pipeline((redis.get::<i64>("a"), redis.get::<i64>("b")))
        .await
        .unwrap();
    assert_eq!(a.unwrap(), Some(1));
    assert!(b.unwrap_err().is_decode());
}

#[tokio::test]
async fn each_of_many_errors_names_its_command() {
    let answer: Vec<_> = (0..3_000)
        .map(|index| match index % 3 {
            0 => r#"{"error":"WRONGTYPE no"}"#,
            1 => r#"{"result":7}"#,
            _ => r#"{"result":"no number"}"#,
        })
        .collect();
    let answer: &str = Box::leak(format!("[{}]", answer.join(",")).into_boxed_str());
    let (redis, _) = Play::redis([Step::Answer(200, answer)]);
    let batch: Vec<_> = (0..1_000)
        .map(|_| (redis.incr("a"), redis.decr("b"), redis.llen("c")))
        .collect();
    for (incr, decr, llen) in redis.pipeline(batch).await.unwrap() {
        assert_eq!(incr.unwrap_err().command(), Some("INCR"));
        assert_eq!(decr.unwrap(), 7);
        assert_eq!(llen.unwrap_err().command(), Some("LLEN"));
    }
}

#[tokio::test]
async fn a_refused_transaction_is_one_error() {
    let (redis, _) = Play::redis([Step::Answer(
        400,
        r#"{"error":"EXECABORT Transaction discarded"}"#,
    )]);
    let error = redis
        .transaction((redis.incr("a"), redis.incr("b")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.command()),
        (Some("EXECABORT"), Some("transaction"))
    );
    assert!(!error.is_ambiguous());
}

#[tokio::test]
async fn an_empty_batch_sends_nothing() {
    let (redis, script) = Play::redis([]);
    let none: Vec<Result<i64, Error>> = redis
        .pipeline(Vec::<restis::Command<'_, i64>>::new())
        .await
        .unwrap();
    assert!(none.is_empty());
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn a_command_of_another_client_does_not_slip_into_a_batch() {
    let (redis, script) = Play::redis([]);
    let (other, _) = Play::redis([]);
    let error = redis
        .pipeline((redis.incr("a"), other.incr("b")))
        .await
        .unwrap_err();
    assert!(
        error.is_argument() && error.command() == Some("INCR"),
        "{error}"
    );
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn what_goes_out() {
    let (redis, script) = Play::redis([
        Step::Header(200, r#"{"result":"OK"}"#, "Upstash-Sync-Token", "first"),
        Step::Header(200, r#"{"result":"/w=="}"#, "upstash-sync-token", "second"),
        Step::Answer(500, ""),
        Step::Answer(200, r#"{"result":null}"#),
        Step::Answer(200, r#"{"result":"OK"}"#),
    ]);
    redis.set("k", "v").await.unwrap();
    let bytes: Option<Bytes> = redis.get("k").await.unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"\xff"[..]));
    redis.clone().get::<String>("k").await.unwrap();
    redis.set("a/b", &b"\xff"[..]).ex(5).await.unwrap();
    let base = [
        ("authorization", "Bearer token".to_string()),
        ("content-type", "application/json".to_string()),
    ];
    let with = |extra: &[(&'static str, &str)]| {
        let extra = extra.iter().map(|(name, value)| (*name, value.to_string()));
        base.iter().cloned().chain(extra).collect::<Vec<_>>()
    };
    let url = "https://mock.example/base";
    assert_eq!(
        script.seen(0),
        Seen {
            url: url.into(),
            headers: with(&[]),
            body: r#"["SET","k","v"]"#.into()
        }
    );
    let headers = with(&[
        ("upstash-encoding", "base64"),
        ("upstash-sync-token", "first"),
    ]);
    assert_eq!(
        script.seen(1),
        Seen {
            url: url.into(),
            headers,
            body: r#"["GET","k"]"#.into()
        }
    );
    let again = script.seen(2);
    assert_eq!(again.headers, with(&[("upstash-sync-token", "second")]));
    assert_eq!(script.seen(3), again);
    let path = script.seen(4);
    assert_eq!(
        (&*path.url, &*path.body),
        ("https://mock.example/base/SET/a%2Fb?EX=5", &b"\xff"[..])
    );
    assert!(
        path.headers
            .contains(&("content-type", "application/octet-stream".into()))
    );
}

#[tokio::test]
async fn without_read_your_writes_no_token_goes_out() {
    let script = Play::default();
    let answer = Step::Header(200, r#"{"result":1}"#, "upstash-sync-token", "first");
    script.then([answer, ONE]);
    let redis = script.client(|builder| builder.read_your_writes(false));
    redis.incr("k").await.unwrap();
    redis.incr("k").await.unwrap();
    assert!(
        script
            .seen(1)
            .headers
            .iter()
            .all(|(name, _)| *name != "upstash-sync-token")
    );
}

#[tokio::test]
async fn a_lost_write_of_bytes_is_judged_by_its_command() {
    let (redis, script) = Play::redis([Step::Interrupted, Step::Answer(200, r#"{"result":"OK"}"#)]);
    redis.set("k", &b"\xff"[..]).await.unwrap();
    assert_eq!(script.requests(), 2);
    let (redis, script) = Play::redis([Step::Interrupted]);
    let error = redis.append("k", &b"\xff"[..]).await.unwrap_err();
    assert_eq!(
        (script.requests(), error.command(), error.is_ambiguous()),
        (1, Some("APPEND"), true)
    );
    let (redis, _) = Play::redis([]);
    let error = redis.set("k", &b"\xff"[..]).nx().await.unwrap_err();
    assert!(error.is_argument(), "{error}");
}

#[tokio::test]
async fn more_than_the_limit_is_not_sent() {
    let (redis, script) = Play::redis([]);
    let error = redis
        .set("k", "x".repeat(10 * 1024 * 1024))
        .await
        .unwrap_err();
    assert!(
        error.is_too_large() && error.to_string().contains("10485760"),
        "{error}"
    );
    let error = redis
        .set("k", vec![0xff; 10 * 1024 * 1024 + 1])
        .await
        .unwrap_err();
    assert!(
        error.is_too_large() && error.command() == Some("SET"),
        "{error}"
    );
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn a_script_goes_by_hash_then_by_text() {
    let no_script = Step::Answer(
        400,
        r#"{"error":"NOSCRIPT No matching script. Please use EVAL."}"#,
    );
    let (redis, sent) = Play::redis([ONE, no_script, ONE]);
    let script = Script::new("return 1");
    for _ in 0..2 {
        assert_eq!(
            script
                .run::<i64>(&redis, ["a", "b"])
                .arg("x")
                .arg(2)
                .await
                .unwrap(),
            1
        );
    }
    let by_hash = r#"["EVALSHA","e0e1f9fabfc9d4800c877a703b823ac0578ff8db","2","a","b","x","2"]"#;
    assert_eq!(
        (&*sent.seen(0).body, &*sent.seen(1).body),
        (by_hash.as_bytes(), by_hash.as_bytes())
    );
    assert_eq!(
        &*sent.seen(2).body,
        br#"["EVAL","return 1","2","a","b","x","2"]"#
    );
}

#[tokio::test]
async fn a_scan_goes_on_from_each_cursor_and_ends() {
    let (redis, script) = Play::redis([
        Step::Answer(200, r#"{"result":["17",["a","b"]]}"#),
        Step::Answer(200, r#"{"result":["9223372036854775809",[]]}"#),
        Step::Answer(200, r#"{"result":["0",["c"]]}"#),
    ]);
    let mut scan = redis.scan().matching("*").count(2).stream::<String>();
    let mut found = Vec::new();
    while let Some(key) = scan.next().await {
        found.push(key.unwrap());
    }
    assert_eq!(found, ["a", "b", "c"]);
    assert!(scan.next().await.is_none());
    assert_eq!(
        &*script.seen(1).body,
        br#"["SCAN","17","MATCH","*","COUNT","2"]"#
    );
    assert_eq!(
        &*script.seen(2).body,
        br#"["SCAN","9223372036854775809","MATCH","*","COUNT","2"]"#
    );
    let (redis, _) = Play::redis([Step::Answer(400, r#"{"error":"ERR no"}"#)]);
    let mut scan = redis.scan().stream::<String>();
    assert_eq!(
        scan.next().await.unwrap().unwrap_err().command(),
        Some("SCAN")
    );
    assert!(scan.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn timeouts_end_what_never_answers() {
    let (redis, script) = Play::redis(vec![Step::Never, Step::NeverBody, ONE]);
    let begun = tokio::time::Instant::now();
    let value = redis
        .get::<i64>("k")
        .attempt_timeout(Duration::from_millis(100))
        .await
        .unwrap();
    assert_eq!((value, script.requests()), (Some(1), 3));
    assert_eq!(begun.elapsed().as_millis(), 200);
    let (redis, script) = Play::redis([Step::Never]);
    let error = redis
        .get::<i64>("k")
        .timeout(Duration::from_millis(100))
        .await
        .unwrap_err();
    assert_eq!(script.requests(), 1);
    assert!(
        error.is_timeout() && !error.is_ambiguous() && error.is_retryable(),
        "{error}"
    );
}

#[tokio::test]
async fn a_wait_the_server_asks_for_that_is_too_long_is_not_waited() {
    let (redis, script) = Play::redis([Step::Header(429, "", "Retry-After", "3600")]);
    let error = redis.incr("k").await.unwrap_err();
    assert!(error.is_http() && error.is_retryable());
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn environment_variables_in_their_order() {
    let url = |redis: Redis| format!("{redis:?}");
    let vars = |set: &'static [(&str, &str)]| {
        move |name: &str| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_string())
        }
    };
    let redis = Redis::from_vars(vars(&[
        ("KV_REST_API_URL", "https://kv.example"),
        ("KV_REST_API_TOKEN", "kv"),
        ("UPSTASH_REDIS_REST_URL", "https://up.example"),
        ("UPSTASH_REDIS_REST_TOKEN", "up"),
    ]));
    assert!(url(redis.unwrap()).contains("up.example"));
    let redis = Redis::from_vars(vars(&[
        ("KV_REST_API_URL", "https://kv.example"),
        ("KV_REST_API_TOKEN", "kv"),
    ]));
    assert!(url(redis.unwrap()).contains("kv.example"));
    let error =
        Redis::from_vars(vars(&[("UPSTASH_REDIS_REST_URL", "https://up.example")])).unwrap_err();
    assert!(
        error.to_string().contains("UPSTASH_REDIS_REST_TOKEN"),
        "{error}"
    );
}
