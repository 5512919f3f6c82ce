//! Servers of other kinds: one that has JSON, as all there is or beside another, and one that tells little.
//!
//! The one with JSON is what RESTIS_JSON_SERVER names; `cargo xtask test native` runs one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use common::{Rest, start, told, until};
use reqwest::Method;
use tokio::sync::{Mutex, MutexGuard};

/// The tests share its data.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn json_server() -> (String, MutexGuard<'static, ()>) {
    let url = std::env::var("RESTIS_JSON_SERVER").expect(
        "RESTIS_JSON_SERVER names a server that has JSON; `cargo xtask test native` sets it",
    );
    (url, ONE_AT_A_TIME.lock().await)
}

const DOCUMENT: &str = r#"["JSON.SET","local:d","$","{\"a\":[1,2,{\"b\":\"x\\ny\"}]}"]"#;

#[tokio::test]
async fn a_server_with_json_may_be_all_there_is() {
    let (url, _guard) = json_server().await;
    let rest = Rest::of(start(common::builder().redis(&url).read_only_token("reader")).await);
    rest.run(r#"["FLUSHALL"]"#).await;
    assert_eq!(rest.run(DOCUMENT).await, "\"OK\"");
    assert_eq!(
        rest.run(r#"["JSON.GET","local:d","$.a[2].b"]"#).await,
        r#""[\"x\\ny\"]""#
    );
    assert_eq!(rest.run(r#"["SET","local:k","a\nb"]"#).await, "\"OK\"");
    assert_eq!(rest.run(r#"["GET","local:k"]"#).await, r#""a\nb""#);
    assert_eq!(rest.run(r#"["GET","local:none"]"#).await, "null");
    assert_eq!(
        rest.run(r#"["EVAL","return {1,ARGV[1]}",0,"x"]"#).await,
        r#"[1,"x"]"#
    );
    // An error is one command's, whatever the server does after it.
    let body = r#"[["INCR","local:n"],["INCR","local:k"],["INCR","local:n"],["NOSUCH"],["JSON.GET","local:d","$.a[0]"],["INCR","local:n"]]"#;
    let (status, body) = rest.post("/pipeline", body).await;
    assert_eq!(status, 200, "{body}");
    let entries: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
    let results: Vec<_> = entries.iter().map(|entry| entry.get("result")).collect();
    let number = |n: u32| Some(serde_json::Value::from(n));
    assert_eq!(results[0], number(1).as_ref());
    assert_eq!(results[2], number(2).as_ref());
    assert_eq!(results[4], Some(&serde_json::Value::from("[1]")));
    assert_eq!(results[5], number(3).as_ref());
    assert!(entries[1]["error"].is_string() && entries[3]["error"].is_string());
    for n in 0..3 {
        assert!(
            rest.error(r#"["INCR","local:k"]"#)
                .await
                .contains("not an integer"),
            "{n}"
        );
    }
    // Transactions: one that runs, one with an error inside, one that is discarded.
    let body = r#"[["INCR","local:n"],["INCR","local:k"],["JSON.ARRAPPEND","local:d","$.a","9"]]"#;
    let (status, body) = rest.post("/multi-exec", body).await;
    assert!(
        status == 200 && body.starts_with(r#"[{"result":4},{"error":"ERR value is not an integer"#),
        "{status} {body}"
    );
    assert!(body.ends_with(r#"{"result":[4]}]"#), "{body}");
    let (status, body) = rest
        .post(
            "/multi-exec",
            r#"[["INCR","local:n"],["NOSUCH"],["INCR","local:n"]]"#,
        )
        .await;
    assert!(
        status == 400 && body.starts_with(r#"{"error":"ERR unknown command"#),
        "{status} {body}"
    );
    assert_eq!(rest.run(r#"["GET","local:n"]"#).await, r#""4""#);
    assert_eq!(
        rest.run(r#"["SCAN",0,"MATCH","local:k","COUNT",1000,"WITHTYPE"]"#)
            .await,
        r#"["0",["local:k","string"]]"#
    );
}

#[tokio::test]
async fn what_ran_is_counted_whether_the_server_tells_or_not() {
    let (url, _guard) = json_server().await;
    let rest = Rest::of(start(common::builder().redis(&url)).await);
    rest.run(r#"["FLUSHALL"]"#).await;
    rest.local.reset_stats().await.unwrap();
    rest.run(r#"["SET","local:k","x"]"#).await;
    rest.post(
        "/pipeline",
        r#"[["GET","local:k"],["NOSUCH"],["GET"],["INCR","local:k"]]"#,
    )
    .await;
    rest.post("/multi-exec", r#"[["GET","local:k"],["UNLINK"]]"#)
        .await;
    rest.post("/multi-exec", r#"[["GET","local:k"],["NOSUCH"]]"#)
        .await;
    rest.run(r#"["SCRIPT","LOAD","return 1"]"#).await;
    rest.run(r#"["SCAN",0,"WITHTYPE"]"#).await;
    rest.error(r#"["BLPOP","k",0]"#).await;
    let expected = [
        ("GET", 2),
        ("INCR", 1),
        ("SCAN", 1),
        ("SCRIPT LOAD", 1),
        ("SET", 1),
        ("UNLINK", 1),
    ];
    let expected = expected
        .map(|(name, times)| (name.to_owned(), times))
        .into();
    let stats = rest.local.stats().await.unwrap();
    assert_eq!((stats.by_command, stats.billed), (expected, 7));
    rest.local.reset_stats().await.unwrap();
    assert_eq!(rest.local.stats().await.unwrap().billed, 0);
}

#[tokio::test]
async fn json_commands_may_have_a_server_of_their_own() {
    let (url, _guard) = json_server().await;
    let rest = Rest::of(start(common::builder().json(&url).read_only_token("reader")).await);
    assert_eq!(rest.run(DOCUMENT).await, "\"OK\"");
    assert_eq!(
        rest.run(r#"["json.get","local:d","$.a[0]"]"#).await,
        r#""[1]""#
    );
    let (_, body) = rest.get("/json.type/local:d/$.a").await;
    assert!(body.contains("array"), "{body}");
    rest.run(r#"["SET","local:d","main"]"#).await;
    let body = r#"[["GET","local:d"],["JSON.ARRAPPEND","local:d","$.a","9"],["APPEND","local:d","!"],["JSON.ARRLEN","local:d","$.a"],["GET","local:d"],["JSON.NOSUCH","x"],["JSON.ARRAPPEND","local:d","$.a","9"]]"#;
    let (status, body) = rest.post("/pipeline", body).await;
    assert_eq!(status, 200);
    let entries: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
    let results = entries.iter().map(|entry| entry["result"].to_string());
    assert_eq!(
        results.collect::<Vec<_>>(),
        [r#""main""#, "[4]", "5", "[4]", r#""main!""#, "null", "[5]"]
    );
    // Both in a transaction would be in none.
    let (status, body) = rest
        .post(
            "/multi-exec",
            r#"[["INCR","local:n"],["JSON.CLEAR","local:d","$.a"]]"#,
        )
        .await;
    assert!(
        status == 400 && body.contains("a transaction cannot"),
        "{status} {body}"
    );
    assert_eq!(rest.run(r#"["GET","local:n"]"#).await, "null");
    let (status, body) = rest
        .post(
            "/multi-exec",
            r#"[["JSON.ARRAPPEND","local:d","$.a","9"],["UNLINK"],["JSON.ARRLEN","local:d","$.a"]]"#,
        )
        .await;
    assert_eq!(
        (status, body.as_str()),
        (200, r#"[{"result":[6]},{"result":0},{"result":[6]}]"#)
    );
    let by_command = rest.local.stats().await.unwrap().by_command;
    let count = |name: &str| by_command.get(name).copied().unwrap_or_default();
    assert_eq!(
        [
            "JSON.SET",
            "JSON.GET",
            "JSON.ARRAPPEND",
            "APPEND",
            "GET",
            "UNLINK"
        ]
        .map(count),
        [1, 1, 3, 1, 3, 1]
    );
    // A token that may only read reads documents.
    for (command, status) in [
        (r#"["JSON.GET","local:d","$.a[0]"]"#, 200),
        (r#"["JSON.SET","local:d","$","1"]"#, 400),
        (r#"["JSON.DEL","local:d"]"#, 400),
    ] {
        let request = rest.client.post(rest.local.url()).bearer_auth("reader");
        let (found, body) = told(request.body(command).send().await.unwrap()).await;
        assert_eq!(found, status, "{command}: {body}");
        assert_eq!(body.contains("NOPERM"), status == 400, "{body}");
    }
    let request = rest
        .request(Method::POST, "/")
        .body(r#"["JSON.GET","local:d","$.a[0]"]"#);
    let request = request.header("Upstash-Encoding", "base64");
    assert_eq!(
        told(request.send().await.unwrap()).await.1,
        r#"{"result":"WzFd"}"#
    );
}

#[tokio::test]
async fn such_a_server_is_subscribed_to_as_any_other() {
    let (url, _guard) = json_server().await;
    let rest = Rest::of(start(common::builder().redis(&url)).await);
    let ask = async |path: &str| {
        let request = rest.request(Method::POST, path).body("[]");
        request
            .header("accept", "text/event-stream")
            .send()
            .await
            .unwrap()
    };
    let mut stream = ask("/subscribe/local:c").await;
    let mut next = async || stream.chunk().await.unwrap().unwrap();
    assert_eq!(next().await, "data: subscribe,local:c,1\n\n");
    assert_eq!(rest.run(r#"["PUBLISH","local:c","a\nb"]"#).await, "1");
    assert_eq!(next().await, "data: message,local:c,a\ndata: b\n\n");
    drop(stream);
    until("it has ended", async || {
        rest.run(r#"["PUBLISH","local:c","x"]"#).await == "0"
    })
    .await;
    assert_eq!(ask("/subscribe").await.status(), 400);
    let by_command = rest.local.stats().await.unwrap().by_command;
    assert_eq!(by_command["SUBSCRIBE"], 1);
}

#[tokio::test]
async fn a_second_server_that_is_not_there_is_named() {
    let error = common::builder().json("redis://127.0.0.1:1").start().await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1"), "{error}");
}

/// A server that knows PING, SET and GET, and ends the connection after each error.
fn simple_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut value = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut input = BufReader::new(stream.try_clone().unwrap());
            while let Some(words) = command(&mut input) {
                let reply = match (words[0].to_ascii_uppercase().as_slice(), words.len()) {
                    (b"PING", 1) => b"+PONG\r\n".to_vec(),
                    (b"SET", 3) => {
                        value = words[2].clone();
                        b"+OK\r\n".to_vec()
                    }
                    (b"GET", 2) => {
                        let head = format!("${}\r\n", value.len()).into_bytes();
                        [&head, value.as_slice(), b"\r\n"].concat()
                    }
                    _ => b"-ERR unknown command\r\n".to_vec(),
                };
                stream.write_all(&reply).unwrap();
                if reply.starts_with(b"-") {
                    break;
                }
            }
        }
    });
    url
}

fn command(input: &mut impl BufRead) -> Option<Vec<Vec<u8>>> {
    let number = |input: &mut dyn BufRead| {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        line.get(1..)?.trim().parse::<usize>().ok()
    };
    let words = (0..number(input)?).map(|_| {
        let mut word = vec![0; number(input)? + 2];
        input.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        Some(word)
    });
    words.collect()
}

#[tokio::test]
async fn a_server_that_tells_nothing_is_served_with_what_is_known() {
    let rest = Rest::of(
        start(
            common::builder()
                .redis(simple_server())
                .read_only_token("reader"),
        )
        .await,
    );
    assert_eq!(rest.local.server(), "a server that does not tell its name");
    assert_eq!(rest.run(r#"["SET","k","v"]"#).await, "\"OK\"");
    let body = r#"[["GET","k"],["INCR","k"],["GET","k"],["COPY","k","k"],["BLPOP","k",0]]"#;
    assert_eq!(
        rest.post("/pipeline", body).await.1,
        r#"[{"result":"v"},{"error":"ERR unknown command"},{"result":"v"},{"result":0},{"error":"ERR Command is not available: 'BLPOP'. See https://upstash.com/docs/redis/overall/rediscompatibility for details"}]"#
    );
    let (status, body) = rest.post("/multi-exec", r#"[["GET","k"]]"#).await;
    assert_eq!(
        (status, body.as_str()),
        (400, r#"{"error":"ERR unknown command"}"#)
    );
    for (command, expected) in [
        (r#"["GET","k"]"#, r#"{"result":"v"}"#),
        (r#"["SET","k","x"]"#, "NOPERM"),
        (r#"["NOBODYKNOWS"]"#, "NOPERM"),
        (r#"["JSON.SET","k","$","1"]"#, "NOPERM"),
        (r#"["SCAN",0]"#, "NOPERM"),
        (r#"["EVAL","",0]"#, "NOPERM"),
    ] {
        let request = rest.client.post(rest.local.url()).bearer_auth("reader");
        let (_, body) = told(request.body(command).send().await.unwrap()).await;
        assert!(body.contains(expected), "{command}: {body}");
    }
    let expected = [("COPY", 1), ("GET", 3), ("SET", 1)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(
        rest.local.stats().await.unwrap().by_command,
        expected.into()
    );
}
