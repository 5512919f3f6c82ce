//! What one request, or many, can take from a restis-local: time, connections and memory have bounds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::{process::Command, time::Duration};

use common::{Rest, builder, start, told, until};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const ENDLESS: &str = "while true do end";

#[tokio::test]
async fn endless_script_stops_nobody_once_it_is_killed() {
    let short = builder().read_only_token("reader");
    let rest = Rest::of(start(short.reply_timeout(Duration::from_millis(500))).await);
    rest.run(r#"["CONFIG","SET","lua-time-limit","10"]"#).await;
    for (token, command) in [("reader", "EVAL_RO"), ("local", "EVAL")] {
        let request = rest.client.post(format!("{}/", rest.local.url()));
        let request = request.bearer_auth(token);
        let body = format!(r#"["{command}","{ENDLESS}",0]"#);
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), 504, "{command}");
        assert_eq!(response.headers()["restis-ran"], "maybe");
        // In a pipeline as well as alone, for the JavaScript client sends all in one.
        let (status, body) = rest.post("/pipeline", r#"[["SCRIPT","KILL"]]"#).await;
        assert_eq!((status, &*body), (200, r#"[{"result":"OK"}]"#));
        until("it serves again", async || {
            rest.post("/", r#"["SET","k","v"]"#).await.0 == 200
        })
        .await;
        let kill = rest.error(r#"["SCRIPT","KILL"]"#).await;
        assert!(kill.starts_with("NOTBUSY"), "{kill}");
    }
}

#[tokio::test]
async fn answers_of_a_request_are_bounded_together() {
    let rest = Rest::new().await;
    let nine = "x".repeat(9 * 1024 * 1024);
    rest.post("/set/k", nine).await;
    let batch = |count: usize| format!("[{}]", vec![r#"["GET","k"]"#; count].join(","));
    let request = rest.request(Method::POST, "/pipeline").body(batch(60));
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["restis-ran"], "maybe");
    let (status, body) = told(response).await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("64 MB"), "{body}");
    // What is within the bound, and what comes behind, is answered.
    let (status, body) = rest.post("/pipeline", batch(7)).await;
    assert_eq!((status, body.len() > 63 * 1024 * 1024), (200, true));
    let (status, body) = rest.post("/multi-exec", batch(60)).await;
    assert_eq!(status, 400, "{}", body.len());
    assert_eq!(rest.run(r#"["STRLEN","k"]"#).await, "9437184");
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak: u64 = peak
            .unwrap()
            .trim()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        // The test's own copies are among them; 60 answers of 9 MB would be 540 MB alone.
        assert!(peak < 500_000, "{peak} KB");
    }
}

/// The token is in the head: the body of a stranger is not read.
#[tokio::test]
async fn body_without_a_token_is_not_read() {
    let rest = Rest::new().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(rest.address()).await.unwrap();
        let head = format!(
            "POST /pipeline HTTP/1.1\r\nhost: {}\r\ncontent-length: 10000000\r\n\r\n",
            rest.address()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        // The answer comes without a byte of the body.
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401");
        streams.push(stream);
    }
}

#[tokio::test]
async fn head_and_body_that_do_not_end_are_given_up() {
    let short = Duration::from_millis(300);
    let rest = Rest::of(start(builder().head_timeout(short).body_timeout(short)).await);
    let address = rest.address().to_owned();
    let half = format!("POST / HTTP/1.1\r\nhost: {address}\r\nauthorization: Bea");
    let body = rest.written("/", r#"["INCR","n"]"#);
    let body = body.get(..body.len() - 1).unwrap().to_owned();
    let mut sent = Vec::new();
    for request in [half, body, String::new()].iter().cycle().take(90) {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        sent.push(stream);
    }
    for mut stream in sent {
        let mut answer = Vec::new();
        // A reset is an end too.
        let _ = stream.read_to_end(&mut answer).await;
    }
    assert!(rest.local.stats().await.unwrap().by_command.is_empty());
    assert_eq!(rest.run(r#"["INCR","n"]"#).await, "1");
}

/// The shell that ends the server with us is killed: the server goes all the same.
#[cfg(unix)]
#[tokio::test]
async fn server_does_not_outlive_its_shell() {
    let rest = Rest::new().await;
    let info = rest.run(r#"["INFO","server"]"#).await;
    let server = info.split("process_id:").nth(1).unwrap();
    let server: String = server.chars().take_while(char::is_ascii_digit).collect();
    let parent = |pid: &str| {
        let shown = Command::new("ps")
            .args(["-o", "ppid=,stat=", "-p", pid])
            .output();
        String::from_utf8(shown.unwrap().stdout).unwrap()
    };
    let shell = parent(&server);
    let shell = shell.split_whitespace().next().unwrap();
    let killed = Command::new("kill").args(["-9", shell]).status();
    assert!(killed.unwrap().success());
    until("the server is gone", async || {
        let state = parent(&server);
        let state = state.split_whitespace().nth(1);
        state.is_none_or(|state| state.starts_with('Z'))
    })
    .await;
}
