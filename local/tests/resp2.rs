//! Answers as the server's own bytes: `Upstash-Response-Format: resp2`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rest, told};
use reqwest::{Method, RequestBuilder};

const LIMIT: usize = 10_485_760;
const JSON: &str = "application/json";
const RESP2: &str = "application/octet-stream";

/// The status, the kind and the bytes of an answer.
async fn raw(request: RequestBuilder) -> (u16, String, Vec<u8>) {
    let request = request.header("Upstash-Response-Format", "resp2");
    let response = request.send().await.unwrap();
    let kind = &response.headers()["content-type"];
    let kind = kind.to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    (status, kind, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_reply_comes_as_the_server_wrote_it() {
    let rest = Rest::new().await;
    let table: [(&str, u16, &str); 14] = [
        (r#"["SET","foo","bar"]"#, 200, "+OK\r\n"),
        (r#"["GET","foo"]"#, 200, "$3\r\nbar\r\n"),
        (r#"["GET","nothing"]"#, 200, "$-1\r\n"),
        (r#"["INCR","n"]"#, 200, ":1\r\n"),
        (r#"["PING"]"#, 200, "+PONG\r\n"),
        (r#"["MGET","foo","x"]"#, 200, "*2\r\n$3\r\nbar\r\n$-1\r\n"),
        (r#"["SMEMBERS","x"]"#, 200, "*0\r\n"),
        (
            r#"["EVAL","return {{1,redis.error_reply('MY error')}}",0]"#,
            200,
            "*1\r\n*2\r\n:1\r\n-MY error\r\n",
        ),
        // What is answered here, too.
        (r#"["COPY","foo","foo"]"#, 200, ":0\r\n"),
        (r#"["SELECT",0]"#, 200, "+OK\r\n"),
        // The status of an error is that of JSON.
        (
            r#"["LPUSH","foo","v"]"#,
            400,
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        ),
        (
            r#"["GET"]"#,
            400,
            "-ERR wrong number of arguments for 'get' command\r\n",
        ),
        (
            r#"["BLPOP","k",0]"#,
            400,
            "-ERR Command is not available: 'BLPOP'. See https://upstash.com/docs/redis/overall/rediscompatibility for details\r\n",
        ),
        (r#"["SELECT",1]"#, 400, "-ERR DB index is out of range\r\n"),
    ];
    for (command, status, expected) in table {
        let (found, kind, bytes) = raw(rest.request(Method::POST, "/").body(command)).await;
        assert_eq!(
            (
                found,
                kind.as_str(),
                String::from_utf8(bytes).unwrap().as_str()
            ),
            (status, RESP2, expected),
            "{command}"
        );
    }
}

#[tokio::test]
async fn every_form_of_a_command_has_it_and_any_bytes() {
    let rest = Rest::new().await;
    let all: Vec<u8> = (0..=255).collect();
    let ok = (200, RESP2.to_owned(), b"+OK\r\n".to_vec());
    let post = rest
        .request(Method::POST, "/set/k?EX=100")
        .body(all.clone());
    assert_eq!(raw(post).await, ok);
    let put = rest.request(Method::PUT, "/set/p").body("v");
    assert_eq!(raw(put).await, ok);
    let expected = [b"$256\r\n".as_slice(), &all, b"\r\n"].concat();
    let (_, _, bytes) = raw(rest.request(Method::GET, "/get/k")).await;
    assert_eq!(bytes, expected);
    let body = r#"[["GET","k"],["INCR","k"],[],["BLPOP","k",0],["GET","p"]]"#;
    let (status, kind, bytes) = raw(rest.request(Method::POST, "/pipeline").body(body)).await;
    assert_eq!((status, kind.as_str()), (200, RESP2));
    let rest_of_it = bytes.strip_prefix(expected.as_slice()).unwrap();
    assert_eq!(
        String::from_utf8_lossy(rest_of_it),
        "-ERR value is not an integer or out of range\r\n\
         -ERR empty pipeline command\r\n\
         -ERR Command is not available: 'BLPOP'. See https://upstash.com/docs/redis/overall/rediscompatibility for details\r\n\
         $1\r\nv\r\n"
    );
    rest.post("/set/half", "x".repeat(LIMIT / 2)).await;
    let body = r#"[["MGET","half","half"],["GET","p"]]"#;
    let (status, _, bytes) = raw(rest.request(Method::POST, "/pipeline").body(body)).await;
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(status, 200);
    assert!(
        text.starts_with("-ERR max request size exceeded."),
        "{text}"
    );
    assert!(text.ends_with("for details\r\n$1\r\nv\r\n"), "{text}");
}

#[tokio::test]
async fn an_error_of_the_request_is_json_all_the_same() {
    let rest = Rest::new().await;
    let url = format!("{}/get/k", rest.local.url());
    let wrong = rest.client.get(url).bearer_auth("wrong");
    let table = [
        (wrong, 401),
        (rest.request(Method::DELETE, "/get/k"), 405),
        (rest.request(Method::POST, "/").body("GET k"), 400),
        (rest.request(Method::POST, "/").body(r#"["GET",null]"#), 400),
        (rest.request(Method::POST, "/pipeline").body("[]"), 400),
        (
            rest.request(Method::POST, "/").body("x".repeat(LIMIT + 1)),
            400,
        ),
    ];
    for (request, expected) in table {
        let (status, kind, bytes) = raw(request).await;
        assert_eq!((status, kind.as_str()), (expected, JSON));
        assert!(bytes.starts_with(b"{\"error\":\""));
    }
}

#[tokio::test]
async fn formats_that_are_not_served_are_refused() {
    let rest = Rest::new().await;
    let ask = async |path: &str, body: &str, headers: &[(&str, &str)]| {
        let mut request = rest.request(Method::POST, path).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        told(request.send().await.unwrap()).await
    };
    const FORMAT: &str = "Upstash-Response-Format";
    const ENCODING: &str = "Upstash-Encoding";
    let one = r#"["INCR","n"]"#;
    let many = r#"[["INCR","n"]]"#;
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u16, &'a str);
    let table: [Row<'_>; 8] = [
        ("/", one, &[(FORMAT, "json")], 200, r#"{"result":1}"#),
        ("/", one, &[(FORMAT, "RESP2")], 200, ":2\r\n"),
        (
            "/",
            one,
            &[(FORMAT, "xml")],
            400,
            "unsupported response format",
        ),
        (
            "/",
            one,
            &[(FORMAT, "")],
            400,
            "unsupported response format",
        ),
        (
            "/",
            one,
            &[(FORMAT, "resp2"), (ENCODING, "base64")],
            400,
            "base64",
        ),
        (
            "/",
            one,
            &[(FORMAT, "json"), (ENCODING, "base64")],
            200,
            r#"{"result":3}"#,
        ),
        (
            "/multi-exec",
            many,
            &[(FORMAT, "resp2")],
            400,
            "/multi-exec",
        ),
        (
            "/multi-exec",
            many,
            &[(FORMAT, "json")],
            200,
            r#"[{"result":4}]"#,
        ),
    ];
    for (path, body, headers, status, expected) in table {
        let (found, body) = ask(path, body, headers).await;
        assert_eq!(found, status, "{path} {headers:?}: {body}");
        assert!(body.contains(expected), "{path} {headers:?}: {body}");
    }
    assert_eq!(rest.run(r#"["GET","n"]"#).await, r#""4""#);
}
