//! What a web page, a stranger and a read-only token can do with a restis-local on a developer's machine: nothing that
//! they may not, as the server counts it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rest, start, told};
use reqwest::Method;
use restis_local::Local;

/// What browsers add to requests of a page of another site.
const FOREIGN: [(&str, &str); 5] = [
    ("origin", "https://attacker.example"),
    ("origin", "http://127.0.0.1:3000"),
    ("origin", "null"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
];

#[tokio::test]
async fn page_of_another_site_runs_nothing() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","k","v"]"#).await;
    let open = r#"[["CONFIG","SET","bind","0.0.0.0","protected-mode","no"]]"#;
    for header in FOREIGN {
        for (method, path, body) in [
            (Method::POST, "/pipeline?_token=local", open),
            (Method::POST, "/multi-exec", open),
            (Method::POST, "/", r#"["DEL","k"]"#),
            (Method::GET, "/del/k?_token=local", ""),
            (Method::HEAD, "/del/k", ""),
            (Method::OPTIONS, "/pipeline", ""),
            (Method::GET, "/subscribe/c", ""),
            (Method::GET, "/_local/log", ""),
            (Method::POST, "/_local/faults", r#"{"kind":"html"}"#),
        ] {
            let request = rest
                .request(method.clone(), path)
                .header(header.0, header.1);
            let request = request.header("accept", "text/event-stream, */*");
            let request = request.header("content-type", "text/plain").body(body);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 403, "{method} {path} {header:?}");
            let headers = response.headers();
            assert_eq!(headers["restis-ran"], "no");
            assert!(!headers.contains_key("access-control-allow-origin"));
        }
    }
    let stats = rest.local.stats().await.unwrap();
    assert_eq!(stats.by_command, [("SET".to_owned(), 1)].into());
    assert_eq!(rest.run(r#"["GET","k"]"#).await, r#""v""#);
}

#[tokio::test]
async fn name_that_resolves_to_this_machine_is_not_served() {
    let rest = Rest::new().await;
    for host in [
        "attacker.example",
        "attacker.example:8079",
        "127.0.0.1.nip.example",
    ] {
        let body = r#"["INCR","n"]"#;
        let request = rest.written("/", body).replace(rest.address(), host);
        let request = request.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
        let answer = rest.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{host}: {answer}");
    }
    assert!(rest.local.stats().await.unwrap().by_command.is_empty());
}

#[tokio::test]
async fn token_in_a_url_is_accepted_on_request_only() {
    let local = start(Local::builder().token("local")).await;
    let rest = Rest::of(local);
    let url = format!("{}/incr/n?_token=local", rest.local.url());
    let (status, body) = told(rest.client.get(&url).send().await.unwrap()).await;
    assert_eq!(status, 401, "{body}");
    assert!(rest.local.stats().await.unwrap().by_command.is_empty());
}

#[tokio::test]
async fn tokens_are_random_unless_one_is_given() {
    let (one, other) = (start(Local::builder()).await, start(Local::builder()).await);
    assert_ne!(one.token(), other.token());
    assert!(one.token().len() >= 32);
}

#[tokio::test]
async fn address_that_others_reach_needs_a_token() {
    for host in ["0.0.0.0", "::"] {
        let open = Local::builder().host(host);
        let error = open.clone().start().await.unwrap_err().to_string();
        assert!(error.contains("--token"), "{error}");
        let error = open.clone().kept_token().start().await;
        assert!(error.is_err(), "{host}");
        let local = open.token("a token of my own").start().await.unwrap();
        local.stop().await;
    }
    let named = Local::builder().allow_origin("https://app.example/path");
    assert!(
        named
            .start()
            .await
            .unwrap_err()
            .to_string()
            .contains("origin")
    );
}

#[tokio::test]
async fn config_set_opens_nothing() {
    let rest = Rest::new().await;
    for setting in [
        r#""bind","0.0.0.0""#,
        r#""port","7000""#,
        r#""protected-mode","no""#,
        r#""PROTECTED-MODE","no""#,
        r#""dir","/tmp""#,
        r#""dbfilename","x""#,
        r#""requirepass","x""#,
        r#""save","1 1""#,
        r#""appendonly","yes""#,
        r#""maxmemory","0","port","7000""#,
        r#""maxclients","1""#,
    ] {
        let error = rest.error(&format!(r#"["config","set",{setting}]"#)).await;
        assert!(error.starts_with("ERR CONFIG SET failed"), "{error}");
        let batch = format!(r#"[["SET","k","v"],["CONFIG","SET",{setting}]]"#);
        let (status, _) = rest.post("/multi-exec", batch).await;
        assert_eq!(status, 400);
        let script =
            format!(r#"["EVAL","return redis.call('CONFIG','SET',ARGV[1],ARGV[2])",0,{setting}]"#);
        assert!(rest.error(&script).await.starts_with("ERR "));
    }
    assert_eq!(rest.run(r#"["EXISTS","k"]"#).await, "0");
    for setting in [
        r#""maxmemory","100mb""#,
        r#""maxmemory-policy","allkeys-lfu","hash-max-listpack-entries","8""#,
        r#""notify-keyspace-events","KEA""#,
        r#""slowlog-log-slower-than","0""#,
        r#""lua-time-limit","100""#,
    ] {
        assert_eq!(
            rest.run(&format!(r#"["CONFIG","SET",{setting}]"#)).await,
            r#""OK""#
        );
    }
}

#[tokio::test]
async fn faults_over_http_are_bounded() {
    let rest = Rest::new().await;
    let large = format!(r#"{{"kind":"html","body":"{}"}}"#, "x".repeat(1024 * 1024));
    assert_eq!(rest.post("/_local/faults", large).await.0, 413);
    let half = format!(r#"{{"kind":"html","body":"{}"}}"#, "x".repeat(512 * 1024));
    for number in 0..40 {
        let (status, _) = rest.post("/_local/faults", half.clone()).await;
        assert_eq!(status == 204, number < 31, "{number}: {status}");
    }
    let deleted = rest.request(Method::DELETE, "/_local/faults").send().await;
    assert_eq!(deleted.unwrap().status(), 204);
    for number in 0..1_010 {
        let small = r#"{"kind":"drop_before","path":"/none"}"#;
        let (status, _) = rest.post("/_local/faults", small).await;
        assert_eq!(status == 204, number < 1_000, "{number}: {status}");
    }
}

/// Names of keys inside scripts: the server itself refuses, whatever the script does to hide them.
#[tokio::test]
async fn read_only_token_is_bounded_by_the_server() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","k","v"]"#).await;
    let ask = async |command: &str| {
        let url = format!("{}/", rest.local.url());
        let request = rest.client.post(url).bearer_auth("reader");
        told(request.body(command.to_owned()).send().await.unwrap()).await
    };
    let read = r#"["EVAL_RO","return redis.call('GET',KEYS[1])",1,"k"]"#;
    assert_eq!(ask(read).await, (200, r#"{"result":"v"}"#.to_owned()));
    for script in [
        "return redis.call('KEYS','*')",
        "return redis.call('SCAN','0')",
        "return redis.call('sCaN','0')",
        "return redis.pcall('KEYS','*')",
        "local f = 'KE' .. 'YS' return redis.call(f, '*')",
        "return redis.call('PUBLISH','c','x')",
        "return redis.call('SET','k','w')",
        "return redis.call('CONFIG','GET','*')",
        "return redis.call('ACL','LIST')",
    ] {
        let (status, body) = ask(&format!(r#"["EVAL_RO","{script}",0]"#)).await;
        assert_eq!(status, 400, "{script}: {body}");
    }
    assert_eq!(rest.run(r#"["GET","k"]"#).await, r#""v""#);
}
