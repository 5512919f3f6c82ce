//! Programs and pages of allowed origins are let in, and only under names of this machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rest, start, told};
use reqwest::{Method, Response};
use restis_local::Stats;

const INCR: &str = r#"["INCR","n"]"#;

/// Everything under `/_local`, and every form of a request.
const REQUESTS: [(&str, &str, &str); 12] = [
    ("POST", "/", INCR),
    ("POST", "/pipeline", r#"[["INCR","n"]]"#),
    ("POST", "/multi-exec", r#"[["INCR","n"]]"#),
    ("GET", "/incr/n", ""),
    ("GET", "/incr/n?_token=local", ""),
    ("PUT", "/append/n", "1"),
    ("HEAD", "/incr/n", ""),
    ("OPTIONS", "/pipeline", ""),
    ("GET", "/subscribe/c", ""),
    ("GET", "/_local/stats", ""),
    ("POST", "/_local/faults", r#"{"kind":"drop_before"}"#),
    ("POST", "/_local/log", ""),
];

async fn with(rest: &Rest, what: (&str, &str, &str), headers: &[(&str, &str)]) -> Response {
    let method = Method::from_bytes(what.0.as_bytes()).unwrap();
    let mut request = rest.request(method, what.1).body(what.2.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn nothing_runs_for_a_page_of_another_origin() {
    let rest = Rest::of(start(common::builder().token_in_url()).await);
    let signs: [&[(&str, &str)]; 9] = [
        &[("origin", "https://example.com")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("origin", "")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "something-new")],
        &[
            ("origin", "https://example.com"),
            ("sec-fetch-site", "same-origin"),
        ],
    ];
    for headers in signs {
        for what in REQUESTS {
            let response = with(&rest, what, headers).await;
            assert_eq!(response.status(), 403, "{headers:?} {what:?}");
            assert_eq!(response.headers()["restis-ran"], "no");
            assert_eq!(response.headers()["content-type"], "application/json");
            let shared = response.headers().get("access-control-allow-origin");
            assert_eq!(shared, None, "{headers:?} {what:?}");
            let (_, body) = told(response).await;
            let told = body.starts_with(r#"{"error":""#) && body.contains("--allow-origin");
            assert!(told || what.0 == "HEAD", "{body}");
        }
    }
    // Nothing was counted, no fault waits, and nothing is recorded.
    assert_eq!(rest.local.stats().await.unwrap(), Stats::default());
    assert_eq!(rest.get("/_local/log").await.0, 409);
    assert_eq!(rest.run(r#"["GET","n"]"#).await, "null");
}

#[tokio::test]
async fn programs_and_our_own_pages_come_in() {
    let rest = Rest::new().await;
    let own = rest.local.url().to_owned();
    let table: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", &own)],
        &[("origin", &own), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-mode", "cors")],
    ];
    for (n, headers) in (1..).zip(table) {
        let (status, body) = told(with(&rest, REQUESTS[0], headers).await).await;
        assert_eq!((status, body), (200, format!(r#"{{"result":{n}}}"#)));
    }
}

#[tokio::test]
async fn an_allowed_origin_is_named_and_others_are_not() {
    let page = "http://localhost:3000";
    let builder = common::builder()
        .allow_origin("https://other.example/")
        .allow_origin(page);
    let rest = Rest::of(start(builder).await);
    for (origin, status) in [
        (page, 200),
        ("https://other.example", 200),
        ("http://localhost:3001", 403),
        ("http://localhost:3000.example.com", 403),
        ("https://localhost:3000", 403),
        ("null", 403),
    ] {
        let headers = [("origin", origin), ("sec-fetch-site", "same-site")];
        let response = with(&rest, REQUESTS[0], &headers).await;
        assert_eq!(response.status(), status, "{origin}");
        assert_eq!(response.headers()["vary"], "Origin");
        let shared = response.headers().get("access-control-allow-origin");
        let shared = shared.map(|shared| shared.to_str().unwrap());
        assert_eq!(shared, (status == 200).then_some(origin));
        let response = with(&rest, REQUESTS[7], &headers).await;
        assert_eq!(response.status(), if status == 200 { 204 } else { 403 });
    }
    // A request that does not say which page it is of, such as that of an image.
    let response = with(&rest, REQUESTS[3], &[("sec-fetch-site", "same-site")]).await;
    assert_eq!(response.status(), 403);
    assert_eq!(rest.run(r#"["GET","n"]"#).await, r#""2""#);

    let rest = Rest::of(start(common::builder().allow_origin("*")).await);
    for headers in [("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let response = with(&rest, REQUESTS[0], &[headers]).await;
        assert_eq!(response.status(), 200, "{headers:?}");
    }
    for wrong in [
        "example.com",
        "https://a/b",
        "",
        "https://*.example.com",
        "null",
    ] {
        let error = common::builder().allow_origin(wrong).start().await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("--allow-origin"), "{wrong}: {error}");
    }
}

#[tokio::test]
async fn only_names_of_this_machine_are_answered() {
    let rest = Rest::new().await;
    let ask = async |target: &str, hosts: &[&str]| {
        let hosts: String = hosts
            .iter()
            .map(|host| format!("host: {host}\r\n"))
            .collect();
        let request = format!(
            "GET {target} HTTP/1.1\r\n{hosts}authorization: Bearer local\r\nconnection: close\r\n\r\n"
        );
        let answer = rest.raw(&request).await;
        let status = answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap();
        assert!(
            status == 200 || answer.contains("restis-ran: no"),
            "{answer}"
        );
        status
    };
    let table: [(&str, &[&str], u16); 18] = [
        ("/incr/n", &["localhost"], 200),
        ("/incr/n", &["LOCALHOST:80"], 200),
        ("/incr/n", &["redis.localhost:8079"], 200),
        ("/incr/n", &["127.0.0.1"], 200),
        ("/incr/n", &["127.9.9.9:1"], 200),
        ("/incr/n", &["[::1]:8079"], 200),
        ("http://localhost/incr/n", &["localhost"], 200),
        ("/incr/n", &["example.com"], 403),
        ("/incr/n", &["example.com:8079"], 403),
        ("/incr/n", &["localhost.example.com"], 403),
        ("/incr/n", &["127.0.0.1.example.com"], 403),
        ("/incr/n", &["localhost:80@example.com"], 403),
        ("/incr/n", &["192.168.1.5:8079"], 403),
        ("/incr/n", &[""], 403),
        ("http://example.com/incr/n", &["localhost"], 403),
        ("http://localhost/incr/n", &["example.com"], 403),
        ("/incr/n", &[], 400),
        ("/incr/n", &["localhost", "example.com"], 400),
    ];
    for (target, hosts, status) in table {
        assert_eq!(ask(target, hosts).await, status, "{target} {hosts:?}");
    }
    assert_eq!(rest.run(r#"["GET","n"]"#).await, r#""7""#);
}
