//! The counters: what was asked, what ran at the server, and that looking changes nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{Rest, told, until};
use reqwest::Method;
use restis_local::{Fault, Stats};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn ran<const N: usize>(commands: [(&str, u64); N]) -> BTreeMap<String, u64> {
    commands
        .map(|(name, times)| (name.to_owned(), times))
        .into()
}

#[tokio::test]
async fn commands_are_billed_wherever_they_run() {
    let rest = Rest::new().await;
    assert_eq!(rest.local.stats().await.unwrap(), Stats::default());
    rest.run(r#"["SET","k","1"]"#).await;
    rest.post(
        "/pipeline",
        r#"[["INCR","k"],["GET","k"],["NOSUCH"],["GET"]]"#,
    )
    .await;
    rest.post("/multi-exec", r#"[["INCR","k"],["LPUSH","k","x"]]"#)
        .await;
    rest.post("/multi-exec", r#"[["INCR","k"],["NOSUCH"]]"#)
        .await;
    rest.run(r#"["EVAL","redis.call('INCR','n') redis.call('PEXPIRE','n',1000) return 1",0]"#)
        .await;
    rest.run(r#"["SCRIPT","LOAD","return 1"]"#).await;
    rest.run(r#"["INFO","commandstats"]"#).await;
    rest.error(r#"["BLPOP","k",0]"#).await;
    let stats = rest.local.stats().await.unwrap();
    let expected = ran([
        ("EVAL", 1),
        ("GET", 1),
        ("INCR", 3),
        ("INFO", 1),
        ("LPUSH", 1),
        ("PEXPIRE", 1),
        ("SCRIPT LOAD", 1),
        ("SET", 1),
    ]);
    assert_eq!(stats.by_command, expected);
    assert_eq!(stats.billed, 10);
    assert_eq!(
        (stats.requests, stats.commands, stats.connections),
        (8, 13, 1)
    );
}

#[tokio::test]
async fn nothing_is_lost_when_all_call_at_once() {
    let rest = Rest::new().await;
    let script = r#"["EVAL","redis.call('INCR','a') return redis.call('INCR','b')",0]"#;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let (path, body) = match n % 4 {
                0 => ("/", r#"["INCR","a"]"#.to_owned()),
                1 => ("/pipeline", format!(r#"[["INCR","a"],{script}]"#)),
                2 => ("/multi-exec", format!(r#"[["INCR","a"],{script}]"#)),
                _ => ("/", script.to_owned()),
            };
            let request = rest.request(Method::POST, path).body(body);
            tokio::spawn(async move { told(request.send().await.unwrap()).await.0 })
        })
        .collect();
    // Somebody looks all the time.
    let looking = rest.local.stats();
    looking.await.unwrap();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
        rest.local.stats().await.unwrap();
    }
    let stats = rest.local.stats().await.unwrap();
    assert_eq!(stats.by_command, ran([("EVAL", 150), ("INCR", 450)]));
    assert_eq!(
        (stats.billed, stats.requests, stats.commands),
        (600, 200, 300)
    );
}

#[tokio::test]
async fn looking_changes_nothing() {
    let rest = Rest::new().await;
    rest.run(r#"["INCR","n"]"#).await;
    let before = rest.local.stats().await.unwrap();
    for _ in 0..3 {
        // Over the connection that is counted, and over others that are not.
        let (status, body) = rest.get("/_local/stats").await;
        assert_eq!(status, 200);
        assert_eq!(serde_json::from_str::<Stats>(&body).unwrap(), before);
        let request = format!(
            "GET /_local/stats HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer local\r\nconnection: close\r\n\r\n",
            rest.address()
        );
        assert!(rest.raw(&request).await.contains(r#""INCR":1"#));
    }
    assert_eq!(rest.local.stats().await.unwrap(), before);
    // What follows on the connection that looked is counted as ever.
    rest.run(r#"["INCR","n"]"#).await;
    let after = rest.local.stats().await.unwrap();
    assert_eq!(after.bytes_in, 2 * before.bytes_in);
    assert_eq!((after.requests, after.connections), (2, 1));
}

#[tokio::test]
async fn bytes_are_those_on_the_wire() {
    let rest = Rest::new().await;
    let request = rest
        .written("/", r#"["ECHO","hello"]"#)
        .replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let answer = rest.raw(&request).await;
    let stats = rest.local.stats().await.unwrap();
    assert_eq!(stats.bytes_in, request.len() as u64);
    assert_eq!(stats.bytes_out, answer.len() as u64);
}

#[tokio::test]
async fn a_reset_begins_anew() {
    let rest = Rest::new().await;
    rest.run(r#"["INCR","n"]"#).await;
    rest.local.reset_stats().await.unwrap();
    assert_eq!(rest.local.stats().await.unwrap(), Stats::default());
    rest.run(r#"["INCR","n"]"#).await;
    assert_eq!(
        rest.local.stats().await.unwrap().by_command,
        ran([("INCR", 1)])
    );
    let deleted = rest.request(Method::DELETE, "/_local/stats");
    assert_eq!(
        told(deleted.send().await.unwrap()).await,
        (204, String::new())
    );
    assert_eq!(rest.local.stats().await.unwrap(), Stats::default());
}

#[tokio::test]
async fn what_others_do_with_the_server_is_theirs() {
    let rest = Rest::new().await;
    rest.run(r#"["INCR","n"]"#).await;
    let second = rest.second().await;
    assert_eq!(second.local.stats().await.unwrap(), Stats::default());
    // And their counters are left alone.
    assert!(
        rest.run(r#"["INFO","commandstats"]"#)
            .await
            .contains("cmdstat_incr:calls=1")
    );
    assert_eq!(rest.local.stats().await.unwrap().by_command["INCR"], 1);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted() {
    let rest = Rest::new().await;
    for (fault, runs) in [
        (Fault::delay(Duration::from_secs(60)), 0),
        (Fault::delay_answer(Duration::from_secs(60)), 1),
        (Fault::stall(3), 1),
    ] {
        rest.local.reset_stats().await.unwrap();
        rest.local.inject(fault.clone());
        let mut stream = TcpStream::connect(rest.address()).await.unwrap();
        let request = rest.written("/", r#"["INCR","n"]"#);
        stream.write_all(request.as_bytes()).await.unwrap();
        until("the fault was met", async || {
            rest.local.stats().await.unwrap().faults == 1
        })
        .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(rest.local.stats().await.unwrap().aborted, 0, "{fault:?}");
        drop(stream);
        until("it is counted", async || {
            rest.local.stats().await.unwrap().aborted == 1
        })
        .await;
        let stats = rest.local.stats().await.unwrap();
        assert_eq!(
            stats.by_command.get("INCR").copied().unwrap_or(0),
            runs,
            "{fault:?}"
        );
    }
    // One that stays is not.
    rest.local.reset_stats().await.unwrap();
    rest.run(r#"["INCR","n"]"#).await;
    let mut stream = TcpStream::connect(rest.address()).await.unwrap();
    stream
        .write_all(rest.written("/", r#"["PING"]"#).as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 512];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    drop(stream);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(rest.local.stats().await.unwrap().aborted, 0);
}

#[tokio::test]
async fn connections_are_kept_and_counted() {
    let rest = Rest::new().await;
    for _ in 0..10 {
        rest.run(r#"["PING"]"#).await;
    }
    assert_eq!(rest.local.stats().await.unwrap().connections, 1);
    drop(TcpStream::connect(rest.address()).await.unwrap());
    until("the second is counted", async || {
        rest.local.stats().await.unwrap().connections == 2
    })
    .await;
}

#[tokio::test]
async fn own_paths_need_the_full_token() {
    let rest = Rest::new().await;
    for (method, path, status) in [
        (Method::GET, "stats", 200),
        (Method::POST, "stats", 405),
        (Method::GET, "faults", 405),
        (Method::DELETE, "faults", 204),
        (Method::GET, "nothing", 404),
        (Method::OPTIONS, "faults", 204),
    ] {
        let path = format!("/_local/{path}");
        let response = rest.request(method.clone(), &path).send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        if method == Method::OPTIONS {
            continue;
        }
        let url = format!("{}{path}", rest.local.url());
        for token in ["reader", "wrong", ""] {
            let request = rest.client.request(method.clone(), &url).bearer_auth(token);
            let response = request.body("{\"kind\": \"status\"}").send().await.unwrap();
            assert_eq!(response.status(), 401, "{method} {path}");
            assert_eq!(response.headers()["restis-ran"], "no");
        }
    }
    assert_eq!(rest.local.stats().await.unwrap(), Stats::default());
}
