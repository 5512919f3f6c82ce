//! Each fault as a client meets it, and what the server counted behind it.
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

use common::{Rest, told};
use reqwest::Method;
use restis_local::Fault;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const INCR: &str = r#"["INCR","n"]"#;

/// How often INCR ran, after which it is forgotten.
async fn ran(rest: &Rest) -> u64 {
    let stats = rest.local.stats().await.unwrap();
    rest.local.reset_stats().await.unwrap();
    stats.by_command.get("INCR").copied().unwrap_or_default()
}

#[tokio::test]
async fn a_dropped_connection_says_nothing_at_all() {
    let rest = Rest::new().await;
    rest.local.inject(Fault::drop_before());
    assert_eq!(rest.raw(&rest.written("/", INCR)).await, "");
    assert_eq!(ran(&rest).await, 0);
    rest.local.inject(Fault::drop_after());
    assert_eq!(rest.raw(&rest.written("/", INCR)).await, "");
    assert_eq!(ran(&rest).await, 1);
    // Over a connection that was used before, too.
    rest.run(INCR).await;
    rest.local.inject(Fault::drop_after());
    let error = rest
        .request(reqwest::Method::POST, "/")
        .body(INCR)
        .send()
        .await;
    assert!(error.is_err(), "{error:?}");
    assert_eq!(rest.run(INCR).await, "4");
    assert_eq!(
        rest.local.stats().await.unwrap().aborted,
        0,
        "it was we who left"
    );
}

#[tokio::test]
async fn a_delay_is_before_or_after() {
    let rest = Rest::new().await;
    let delay = Duration::from_millis(300);
    for (fault, meanwhile) in [(Fault::delay(delay), 0), (Fault::delay_answer(delay), 1)] {
        rest.local.inject(fault.clone());
        let begin = Instant::now();
        let look = async {
            tokio::time::sleep(delay / 2).await;
            ran(&rest).await
        };
        let (_, seen) = tokio::join!(rest.run(INCR), look);
        assert!(begin.elapsed() >= delay, "{fault:?}");
        assert_eq!(seen, meanwhile, "{fault:?}");
        rest.local.reset_stats().await.unwrap();
    }
    assert_eq!(rest.run(INCR).await, "3");
}

#[tokio::test]
async fn a_status_comes_instead_of_the_answer() {
    let rest = Rest::new().await;
    for status in [429, 500, 503] {
        rest.local.inject(Fault::status(status));
        assert_eq!(rest.post("/", INCR).await, (status, String::new()));
        assert_eq!(ran(&rest).await, 0);
        rest.local.inject(Fault::status(status).executed());
        assert_eq!(rest.post("/", INCR).await, (status, String::new()));
        assert_eq!(ran(&rest).await, 1);
    }
    rest.local.inject(
        Fault::status(429)
            .with_body(r#"{"error":"slow"}"#)
            .header("Retry-After", "7"),
    );
    let response = rest
        .request(reqwest::Method::POST, "/")
        .body(INCR)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(
        told(response).await,
        (429, r#"{"error":"slow"}"#.to_owned())
    );
    assert_eq!(rest.run(INCR).await, "4");
}

#[tokio::test]
async fn a_gateway_may_speak_html_and_a_proxy_other_json() {
    let rest = Rest::new().await;
    rest.local.inject(Fault::html());
    let response = rest
        .request(reqwest::Method::POST, "/")
        .body(INCR)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(response.headers()["content-type"], "text/html");
    assert!(
        response
            .text()
            .await
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );
    for text in [
        "[]",
        "{}",
        "null",
        "{\"result\":",
        "{\"result\":[[[1]]]}",
        "",
    ] {
        rest.local.inject(Fault::body(text));
        assert_eq!(rest.post("/", INCR).await, (200, text.to_owned()));
    }
    assert_eq!(ran(&rest).await, 0);
    rest.local.inject(Fault::body("[]").executed());
    rest.post("/", INCR).await;
    assert_eq!(ran(&rest).await, 1);
}

#[tokio::test]
async fn a_body_is_cut_and_the_connection_closed() {
    let rest = Rest::new().await;
    let whole = r#"{"result":1}"#;
    for (bytes, kept) in [(0, 0), (1, 1), (5, 5), (11, 11), (12, 11), (1000, 11)] {
        rest.run(r#"["DEL","n"]"#).await;
        rest.local.inject(Fault::truncate(bytes));
        let answer = rest.raw(&rest.written("/", INCR)).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert!(head.contains("content-length: 12"), "{head}");
        assert_eq!(body, &whole[..kept], "{bytes}");
        assert_eq!(ran(&rest).await, 1);
    }
    rest.local.inject(Fault::truncate(3));
    let response = rest
        .request(reqwest::Method::POST, "/")
        .body(INCR)
        .send()
        .await
        .unwrap();
    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn a_large_body_is_cut_where_it_was_said() {
    let rest = Rest::new().await;
    rest.post("/set/k", "x".repeat(5_000_000)).await;
    rest.local.inject(Fault::truncate(4_000_000).path("/get"));
    let request = format!(
        "GET /get/k HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer local\r\n\r\n",
        rest.address()
    );
    let answer = rest.raw(&request).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.len(), 4_000_000);
}

#[tokio::test]
async fn a_body_stalls_until_the_client_leaves() {
    let rest = Rest::new().await;
    for bytes in [0, 4] {
        rest.local.inject(Fault::stall(bytes as u64));
        let mut stream = TcpStream::connect(rest.address()).await.unwrap();
        let request = rest.written("/", INCR);
        stream.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut buffer) = (Vec::new(), [0; 1024]);
        let silence = Duration::from_millis(300);
        while let Ok(read) = tokio::time::timeout(silence, stream.read(&mut buffer)).await {
            let read = read.unwrap();
            assert_ne!(read, 0, "it was closed");
            answer.extend_from_slice(&buffer[..read]);
        }
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-length: 12"), "{head}");
        assert_eq!(body, &r#"{"result":1}"#[..bytes]);
        assert_eq!(ran(&rest).await, 1);
        // Nobody else waits.
        rest.run(r#"["DEL","n"]"#).await;
    }
}

#[tokio::test]
async fn faults_come_over_http_and_never_meet_their_own_kind() {
    let rest = Rest::new().await;
    let add = async |json: &str| rest.post("/_local/faults", json).await;
    let fault = r#"{"kind":"status","status":503,"path":"/pipeline","skip":1,"times":2}"#;
    assert_eq!(add(fault).await, (204, String::new()));
    let mut met = Vec::new();
    for path in ["/", "/pipeline", "/", "/pipeline", "/pipeline", "/pipeline"] {
        let body = if path == "/" {
            INCR
        } else {
            r#"[["INCR","n"]]"#
        };
        met.push(rest.post(path, body).await.0);
    }
    assert_eq!(met, [200, 200, 200, 503, 503, 200]);
    assert_eq!(add(r#"{"kind":"drop_before","times":1000}"#).await.0, 204);
    assert_eq!(rest.get("/_local/stats").await.0, 200);
    let cleared = rest.request(Method::DELETE, "/_local/faults");
    let cleared = cleared.send().await.unwrap();
    assert_eq!(told(cleared).await, (204, String::new()));
    assert_eq!(rest.post("/", INCR).await.0, 200);
    let (status, body) = add(r#"{"kind":"explode"}"#).await;
    assert!(
        status == 400 && body.contains("the kinds are"),
        "{status} {body}"
    );
    rest.local.inject(Fault::drop_before().times(1000));
    rest.local.clear_faults();
    assert_eq!(rest.post("/", INCR).await.0, 200);
}

#[tokio::test]
async fn a_seed_makes_the_same_faults_again() {
    let rest = Rest::new().await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        rest.local.inject(Fault::status(500).rate(0.5, 11));
        let mut met = Vec::new();
        for _ in 0..40 {
            met.push(rest.post("/", INCR).await.0);
        }
        rest.local.clear_faults();
        runs.push(met);
    }
    assert_eq!(runs[0], runs[1]);
    let failed = runs[0].iter().filter(|&&status| status == 500).count() as u64;
    assert!((10..30).contains(&failed), "{failed}");
    let stats = rest.local.stats().await.unwrap();
    assert_eq!(
        (stats.faults, stats.by_command["INCR"]),
        (2 * failed, 80 - 2 * failed)
    );
}
