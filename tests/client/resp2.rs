//! Answers in RESP2: what asks for them, what is made of them, and what of JSON that came in their place.

use restis::{Bytes, Error, ResponseFormat, Retry, Script, Value};

use crate::play::{ONE, Play, Step};

/// An answer in RESP2.
const fn resp2(status: u16, body: &'static str) -> Step {
    Step::Header(status, body, "content-type", "application/octet-stream")
}

/// The headers of a request that say how it is to be answered.
fn asked(script: &Play, index: usize) -> Vec<(&'static str, String)> {
    let mut headers = script.seen(index).headers;
    headers.retain(|(name, _)| matches!(*name, "upstash-response-format" | "upstash-encoding"));
    headers
}

fn header(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    vec![(name, value.to_owned())]
}

#[tokio::test]
async fn what_asks_for_it() {
    let two = Step::Answer(200, r#"[{"result":1},{"result":"YQ=="}]"#);
    let steps = [
        resp2(200, "$1\r\na\r\n"),
        resp2(200, ":1\r\n"),
        resp2(200, "+OK\r\n"),
        ONE,
        two.clone(),
        two,
        resp2(200, ":1\r\n"),
    ];
    let asks = || header("upstash-response-format", "resp2");
    let (redis, script) = Play::redis(steps.clone());
    redis.get::<Bytes>("k").resp2().await.unwrap();
    redis.get::<i64>("k").resp2().await.unwrap();
    redis.set("k", &b"\xff"[..]).resp2().await.unwrap();
    redis.get::<i64>("k").await.unwrap();
    let batch = || (redis.incr("n").resp2(), redis.get::<Bytes>("k").resp2());
    let (number, bytes) = redis.pipeline(batch()).await.unwrap();
    assert_eq!(number.unwrap(), 1);
    assert_eq!(bytes.unwrap().as_deref(), Some(&b"a"[..]));
    redis.transaction(batch()).await.unwrap();
    Script::new("return 1")
        .run::<i64>(&redis, ())
        .response_format(ResponseFormat::Resp2)
        .await
        .unwrap();
    for index in [0, 1, 2, 6] {
        assert_eq!(asked(&script, index), asks(), "{index}");
    }
    assert_eq!(script.seen(2).url, "https://mock.example/base/SET/k");
    assert_eq!(asked(&script, 3), []);
    for index in [4, 5] {
        assert_eq!(asked(&script, index), header("upstash-encoding", "base64"));
    }

    let script = Play::default();
    script.then(steps);
    let redis = script.client(|builder| builder.response_format(ResponseFormat::Resp2));
    redis.get::<Bytes>("k").await.unwrap();
    redis.get::<i64>("k").await.unwrap();
    redis.set("k", &b"\xff"[..]).await.unwrap();
    let json = ResponseFormat::Json;
    redis.get::<i64>("k").response_format(json).await.unwrap();
    let batch = || (redis.incr("n"), redis.get::<Bytes>("k"));
    let (number, bytes) = redis.pipeline(batch()).await.unwrap();
    assert_eq!(number.unwrap(), 1);
    assert_eq!(bytes.unwrap().as_deref(), Some(&b"a"[..]));
    redis.transaction(batch()).await.unwrap();
    Script::new("return 1")
        .run::<i64>(&redis, ())
        .await
        .unwrap();
    for index in [0, 1, 2, 6] {
        assert_eq!(asked(&script, index), asks(), "{index}");
    }
    assert_eq!(asked(&script, 3), []);
    for index in [4, 5] {
        assert_eq!(asked(&script, index), header("upstash-encoding", "base64"));
    }
}

#[tokio::test]
async fn an_answer_is_read_as_what_it_is() {
    // RESP2 that nobody asked for, also where base64 was.
    for kind in [
        "application/octet-stream",
        "Application/Octet-Stream",
        "application/octet-stream; charset=binary",
    ] {
        let (redis, _) = Play::redis([Step::Header(200, "$4\r\nZm9v\r\n", "content-type", kind)]);
        let value = redis.get::<Bytes>("k").await.unwrap();
        assert_eq!(value.as_deref(), Some(&b"Zm9v"[..]), "{kind}");
    }
    let (redis, _) = Play::redis([resp2(200, "*2\r\n$1\r\na\r\n$-1\r\n")]);
    let values = redis.mget::<String>(["a", "b"]).await.unwrap();
    assert_eq!(values, [Some("a".to_owned()), None]);
    // JSON where RESP2 was asked for.
    let (redis, _) = Play::redis([Step::Answer(200, r#"{"result":"a"}"#)]);
    let value = redis.get::<String>("k").resp2().await.unwrap();
    assert_eq!(value.as_deref(), Some("a"));
    // What begins as no RESP2 does is not, whatever its type says.
    let (redis, _) = Play::redis([resp2(200, r#"{"result":"a"}"#)]);
    let value = redis.get::<String>("k").resp2().await.unwrap();
    assert_eq!(value.as_deref(), Some("a"));
    // Nor is what does not say so.
    for kind in ["application/json", "text/plain", ""] {
        let (redis, _) = Play::redis([Step::Header(200, "+OK\r\n", "content-type", kind)]);
        let error = redis.incr("k").resp2().await.unwrap_err();
        assert!(error.is_interrupted(), "{kind}: {error}");
    }
}

#[tokio::test]
async fn bytes_that_json_may_have_lost_are_an_error() {
    for body in [r#"{"result":"a�b"}"#, r#"{"result":"abc"}"#] {
        let (redis, script) = Play::redis([Step::Answer(200, body)]);
        let error = redis.get::<Bytes>("k").resp2().await.unwrap_err();
        assert!(error.is_decode() && !error.is_retryable(), "{error}");
        assert!(
            error.to_string().contains("Upstash-Response-Format"),
            "{error}"
        );
        assert_eq!((error.command(), script.requests()), (Some("GET"), 1));
    }
    let (redis, _) = Play::redis([Step::Answer(200, r#"{"result":null}"#)]);
    assert_eq!(redis.get::<Bytes>("k").resp2().await.unwrap(), None);
    let (redis, _) = Play::redis([Step::Answer(400, r#"{"error":"WRONGTYPE no"}"#)]);
    let error = redis.get::<Bytes>("k").resp2().await.unwrap_err();
    assert_eq!(error.code(), Some("WRONGTYPE"));
}

#[tokio::test]
async fn an_error_is_judged_as_in_json() {
    for (status, words, requests) in [
        (400, "WRONGTYPE Operation against a key", 1),
        (200, "WRONGTYPE Operation against a key", 1),
        (401, "WRONGPASS invalid or missing auth token", 1),
        (400, "LOADING Redis is loading the dataset in memory", 2),
        (
            400,
            "READONLY Writes are temporarily rejected due to server upgrade",
            2,
        ),
        (429, "ERR too many", 2),
        (500, "ERR internal", 1),
        (503, "ERR broke after it ran", 1),
    ] {
        let json: &'static str = format!(r#"{{"error":"{words}"}}"#).leak();
        let text: &'static str = format!("-{words}\r\n").leak();
        let mut seen = Vec::new();
        for step in [Step::Answer(status, json), resp2(status, text)] {
            let (redis, script) = Play::redis([step.clone(), step]);
            let retry = Retry::times(1).backoff(Default::default(), Default::default());
            let error = redis.incr("k").resp2().retry(retry).await.unwrap_err();
            assert_eq!(script.requests(), requests, "{error}");
            seen.push(format!("{error:?}"));
        }
        assert_eq!(seen[0], seen[1]);
    }
}

#[tokio::test]
async fn what_is_not_whole_is_interrupted() {
    for body in [
        "",
        "+OK",
        "$5\r\nab",
        "*2\r\n:1\r\n",
        ":1\r\n:2\r\n",
        "$3\r\nabcd\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "*1000000000000\r\n",
    ] {
        let (redis, script) = Play::redis([resp2(200, body), resp2(200, ":1\r\n")]);
        let error = redis.incr("k").resp2().await.unwrap_err();
        assert!(
            error.is_interrupted() && error.is_in_body(),
            "{body:?}: {error}"
        );
        assert!(
            error.is_ambiguous() && script.requests() == 1,
            "{body:?}: {error}"
        );
        let (redis, script) = Play::redis([resp2(200, body), resp2(200, ":1\r\n")]);
        assert_eq!(redis.get::<i64>("k").resp2().await.unwrap(), Some(1));
        assert_eq!(script.requests(), 2);
    }
    // A status without Redis's words stays what it is.
    let (redis, _) = Play::redis([resp2(404, "+OK\r\n")]);
    let error = redis.incr("k").resp2().await.unwrap_err();
    assert!(error.is_http() && error.status() == Some(404), "{error}");
}

#[tokio::test]
async fn a_batch_that_is_answered_so_all_the_same() {
    let body = "$1\r\n\u{7f}\r\n-WRONGTYPE no\r\n*2\r\n:1\r\n-ERR inner\r\n";
    let (redis, _) = Play::redis([resp2(200, body)]);
    let (a, b, c) = redis
        .pipeline((
            redis.get::<Bytes>("a"),
            redis.incr("b"),
            redis.eval::<Vec<Result<i64, Error>>>("…", ()),
        ))
        .await
        .unwrap();
    assert_eq!(a.unwrap().as_deref(), Some(&b"\x7f"[..]));
    let error = b.unwrap_err();
    assert_eq!(
        (error.code(), error.command()),
        (Some("WRONGTYPE"), Some("INCR"))
    );
    let c = c.unwrap();
    assert_eq!((c.len(), c[0].as_ref().ok()), (2, Some(&1)));
    assert_eq!(c[1].as_ref().unwrap_err().code(), Some("ERR"));

    for body in [
        ":1\r\n",
        ":1\r\n:2\r\n:3\r\n",
        "*2\r\n:1\r\n:2\r\n",
        "-EXECABORT no\r\n",
    ] {
        let (redis, _) = Play::redis([resp2(200, body)]);
        let batch = redis.transaction((redis.incr("a"), redis.incr("b")));
        let error = batch.await.unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains("order"),
            "{body:?}: {error}"
        );
    }
    let (redis, _) = Play::redis([resp2(400, "-EXECABORT Transaction discarded\r\n")]);
    let error = redis.transaction([redis.incr("a")]).await.unwrap_err();
    assert_eq!(
        (error.code(), error.command()),
        (Some("EXECABORT"), Some("transaction"))
    );
    let (redis, _) = Play::redis([resp2(200, "-WRONGTYPE no\r\n")]);
    let [result] = redis.pipeline([redis.incr("a")]).await.unwrap();
    assert_eq!(result.unwrap_err().command(), Some("INCR"));
    let (redis, _) = Play::redis([resp2(200, ":1\r\n:2")]);
    let batch = redis.pipeline((redis.incr("a"), redis.incr("b")));
    assert!(batch.await.unwrap_err().is_interrupted());
}

#[tokio::test]
async fn an_error_inside_the_reply_names_its_command_and_promises_nothing() {
    for step in [
        Step::Answer(200, r#"{"result":[1,{"error":"TRYAGAIN later"}]}"#),
        resp2(200, "*2\r\n:1\r\n-TRYAGAIN later\r\n"),
    ] {
        let (redis, script) = Play::redis([step.clone(), step]);
        let error = redis.eval::<Vec<i64>>("…", ()).await.unwrap_err();
        assert_eq!(
            (error.code(), error.command()),
            (Some("TRYAGAIN"), Some("EVAL"))
        );
        assert!(!error.is_retryable() && script.requests() == 1, "{error}");
        let values: Vec<Value> = redis.eval("…", ()).await.unwrap();
        assert_eq!(values[1], Value::Error("TRYAGAIN later".into()));
    }
}

#[tokio::test]
async fn a_script_whose_reply_holds_noscript_is_not_run_again() {
    let inner = Step::Answer(
        200,
        r#"{"result":[{"error":"NOSCRIPT No matching script."}]}"#,
    );
    let (redis, played) = Play::redis([inner, ONE]);
    let script = Script::new("return {redis.error_reply('NOSCRIPT No matching script.')}");
    let error = script.run::<Vec<i64>>(&redis, ()).await.unwrap_err();
    assert_eq!((error.code(), played.requests()), (Some("NOSCRIPT"), 1));
}
