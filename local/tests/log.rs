//! What belongs to restis-local alone: the record of requests, and the latency of a network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Rest, start, told};
use reqwest::Method;
use restis_local::{Fault, Stats};

const LATENCY: Duration = Duration::from_millis(500);

async fn log(rest: &Rest, method: Method) -> (u16, String) {
    let url = format!("{}/_local/log", rest.local.url());
    let request = rest.client.request(method, url);
    let token = rest.local.token();
    told(request.bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test]
async fn the_record_is_for_whoever_has_the_token() {
    let rest = Rest::new().await;
    let url = format!("{}/_local/log", rest.local.url());
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let request = reqwest::Client::new().request(method, &url);
        let (status, body) = told(request.send().await.unwrap()).await;
        assert!(status == 401 && body.contains("token"), "{status} {body}");
    }
    assert_eq!(log(&rest, Method::GET).await.0, 409);
}

#[tokio::test]
async fn requests_are_recorded_word_by_word_once_asked_for() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","before","it"]"#).await;
    let (status, body) = log(&rest, Method::GET).await;
    assert!(status == 409 && body.contains("POST begins it"), "{body}");
    assert_eq!(log(&rest, Method::POST).await, (204, String::new()));
    assert_eq!(log(&rest, Method::GET).await, (200, "[]".to_owned()));
    rest.post("/", r#"["set","k",1.50,true,"\ud83d\ude00"]"#)
        .await;
    rest.post("/set/a%20b?EX=100", b"\xff\0".to_vec()).await;
    rest.post("/pipeline", r#"[["GET","k"],[],["GET",null],["INCR",1]]"#)
        .await;
    rest.post("/multi-exec", r#"[["BLPOP","k",0]]"#).await;
    rest.post("/", "no command").await;
    rest.client
        .get(format!("{}/get/k", rest.local.url()))
        .send()
        .await
        .unwrap();
    let stream = rest.request(Method::POST, "/SUBSCRIBE/a/b").body("[]");
    let stream = stream
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let expected = concat!(
        r#"[{"path":"/","commands":[["set","k","1.50","true","😀"]]},"#,
        r#"{"path":"/","commands":[["set","a b",{"base64":"/wA="},"EX","100"]]},"#,
        r#"{"path":"/pipeline","commands":[["GET","k"],[],["GET"],["INCR","1"]]},"#,
        r#"{"path":"/multi-exec","commands":[["BLPOP","k","0"]]},"#,
        r#"{"path":"/subscribe","commands":[["SUBSCRIBE","a","b"]]}]"#
    );
    assert_eq!(log(&rest, Method::GET).await, (200, expected.to_owned()));
    drop(stream);
    assert_eq!(log(&rest, Method::DELETE).await, (204, String::new()));
    assert_eq!(log(&rest, Method::GET).await, (200, "[]".to_owned()));
    rest.run(r#"["PING"]"#).await;
    let one = r#"[{"path":"/","commands":[["PING"]]}]"#;
    assert_eq!(log(&rest, Method::GET).await, (200, one.to_owned()));
    log(&rest, Method::POST).await;
    assert_eq!(log(&rest, Method::GET).await, (200, "[]".to_owned()));
    assert_eq!(log(&rest, Method::PUT).await.0, 405);
}

#[tokio::test]
async fn a_record_that_nobody_reads_ends() {
    let rest = Rest::new().await;
    log(&rest, Method::POST).await;
    let large = format!(r#"["ECHO","{}"]"#, "x".repeat(9_000_000));
    for _ in 0..7 {
        rest.post("/", large.clone()).await;
    }
    assert_eq!(log(&rest, Method::GET).await.0, 200);
    rest.post("/", large).await;
    let (status, body) = log(&rest, Method::GET).await;
    assert!(status == 507 && body.contains("DELETE it"), "{body}");
    // What comes behind what is missing would lie about it.
    rest.run(r#"["PING"]"#).await;
    assert_eq!(log(&rest, Method::GET).await.0, 507);
    log(&rest, Method::DELETE).await;
    assert_eq!(log(&rest, Method::GET).await, (200, "[]".to_owned()));
}

#[tokio::test]
async fn every_answer_may_come_later() {
    let rest = Rest::of(start(common::builder().latency(LATENCY)).await);
    let timed = async |method: Method, path: &str, body: &'static str| {
        let begin = Instant::now();
        let request = rest.request(method, path).body(body);
        let response = request.header("accept", "text/event-stream").send().await;
        (response, begin.elapsed())
    };
    for (method, path, body) in [
        (Method::POST, "/", r#"["INCR","n"]"#),
        (Method::POST, "/", "no command"),
        (Method::POST, "/pipeline", r#"[["INCR","n"],["INCR","n"]]"#),
        (Method::GET, "/incr/n", ""),
        (Method::OPTIONS, "/", ""),
        (Method::POST, "/subscribe/c", "[]"),
    ] {
        let (response, time) = timed(method, path, body).await;
        assert!(response.is_ok() && time >= LATENCY, "{path}: {time:?}");
    }
    // Those wait beside each other, and faults wait too.
    let begin = Instant::now();
    let incr = || rest.run(r#"["INCR","n"]"#);
    tokio::join!(incr(), incr(), incr(), incr());
    assert!(begin.elapsed() < 4 * LATENCY);
    rest.local.inject(Fault::status(503));
    let (response, time) = timed(Method::POST, "/", r#"["INCR","n"]"#).await;
    assert!(response.unwrap().status() == 503 && time >= LATENCY);
    // An event comes at once, and so does what is not the REST API.
    let (stream, _) = timed(Method::POST, "/subscribe/c", "[]").await;
    let mut stream = stream.unwrap();
    assert_eq!(
        stream.chunk().await.unwrap().unwrap(),
        "data: subscribe,c,1\n\n"
    );
    let publish = rest.run(r#"["PUBLISH","c","x"]"#);
    let begin = Instant::now();
    let event = async {
        let event = stream.chunk().await.unwrap().unwrap();
        (event, begin.elapsed())
    };
    let (_, (event, time)) = tokio::join!(publish, event);
    assert_eq!(event, "data: message,c,x\n\n");
    assert!(time < LATENCY, "{time:?}");
    let (response, time) = timed(Method::GET, "/_local/stats", "").await;
    let stats: Stats = serde_json::from_str(&response.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(stats.by_command["INCR"], 8);
    assert!(time < LATENCY, "{time:?}");
}
