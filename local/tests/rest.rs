//! The REST surface: request forms, arguments, encodings, errors, tokens and limits.
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
use reqwest::Method;

const LIMIT: usize = 10_485_760;

#[tokio::test]
async fn every_form_of_a_request_runs_its_command() {
    let rest = Rest::new().await;
    let ok = (200, r#"{"result":"OK"}"#.to_owned());
    assert_eq!(rest.post("/", r#"["SET","a","1"]"#).await, ok);
    assert_eq!(rest.get("/set/b/2/EX/100").await, ok);
    assert_eq!(rest.post("/set/c/3", "").await, ok);
    let put = rest.request(Method::PUT, "/set/d").body("4");
    assert_eq!(told(put.send().await.unwrap()).await, ok);
    assert_eq!(rest.post("/set/e?EX=100&NX&_token=x", "5").await, ok);
    assert_eq!(rest.get("/ttl/e").await.1, r#"{"result":100}"#);
    assert_eq!(
        rest.post("/set/e?NX", "6").await,
        (200, r#"{"result":null}"#.to_owned())
    );
    let body = r#"[["MGET","a","b","c"],["mget","d","e"]]"#;
    let both = r#"[{"result":["1","2","3"]},{"result":["4","5"]}]"#;
    assert_eq!(rest.post("/pipeline", body).await, (200, both.to_owned()));
    assert_eq!(rest.post("/multi-exec", body).await, (200, both.to_owned()));
}

#[tokio::test]
async fn head_runs_the_command_and_has_no_body() {
    let rest = Rest::new().await;
    let request = format!(
        "HEAD /incr/n HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer local\r\nconnection: close\r\n\r\n",
        rest.address()
    );
    let answer = rest.raw(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-length: 12\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(rest.run(r#"["GET","n"]"#).await, r#""1""#);
}

#[tokio::test]
async fn arguments_arrive_as_they_were() {
    let rest = Rest::new().await;
    let table = [
        ("9007199254740993", r#""9007199254740993""#),
        ("-9223372036854775808", r#""-9223372036854775808""#),
        ("1e400", r#""1e400""#),
        ("-0", r#""-0""#),
        ("1.10", r#""1.10""#),
        (r#""007""#, r#""007""#),
        ("true", r#""true""#),
        ("false", r#""false""#),
        (r#""""#, r#""""#),
        (r#""a\u0000b""#, r#""a\u0000b""#),
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""x\ud83dy""#, "\"x\u{fffd}y\""),
        (r#""\"\\\n\u001f""#, r#""\"\\\n\u001f""#),
    ];
    for (sent, expected) in table {
        assert_eq!(rest.run(&format!(r#"["SET","k",{sent}]"#)).await, "\"OK\"");
        assert_eq!(rest.run(r#"["GET","k"]"#).await, expected, "{sent}");
    }
    assert_eq!(rest.run(r#"["SET","","empty"]"#).await, "\"OK\"");
    assert_eq!(rest.get("/get/").await.1, r#"{"result":"empty"}"#);
    let large = "é".repeat(524_288);
    rest.run(&format!(r#"["SET","large","{large}"]"#)).await;
    assert_eq!(rest.run(r#"["STRLEN","large"]"#).await, "1048576");
    assert_eq!(rest.run(r#"["GET","large"]"#).await, format!("\"{large}\""));
}

#[tokio::test]
async fn integers_keep_all_their_digits() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","n","9223372036854775806"]"#).await;
    assert_eq!(rest.run(r#"["INCR","n"]"#).await, "9223372036854775807");
    rest.run(r#"["SET","n","-9223372036854775807"]"#).await;
    assert_eq!(rest.run(r#"["DECR","n"]"#).await, "-9223372036854775808");
}

#[tokio::test]
async fn any_bytes_go_in_by_path_and_body_and_come_out_in_base64() {
    let rest = Rest::new().await;
    let all: Vec<u8> = (0..=255).collect();
    let key = "%00%ff%2F%20";
    let (status, _) = rest.post(&format!("/set/{key}"), all.clone()).await;
    assert_eq!(status, 200);
    let get = rest.request(Method::GET, &format!("/get/{key}"));
    let get = get.header("Upstash-Encoding", "base64");
    let (_, body) = told(get.send().await.unwrap()).await;
    let encoded = base64(&all);
    assert_eq!(body, format!(r#"{{"result":"{encoded}"}}"#));
    let (_, keys) = rest.post_base64("/", r#"["KEYS","*"]"#).await;
    assert_eq!(keys, format!(r#"{{"result":["{}"]}}"#, base64(b"\0\xff/ ")));
    // Without it each byte that is no UTF-8 is one U+FFFD.
    rest.post("/set/k", b"a\xe2\x82z".to_vec()).await;
    assert_eq!(rest.run(r#"["GET","k"]"#).await, "\"a\u{fffd}\u{fffd}z\"");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn base64_leaves_ok_numbers_nil_and_errors_alone() {
    let rest = Rest::new().await;
    let table = [
        (r#"["SET","k","OK"]"#, r#"{"result":"OK"}"#),
        (r#"["GET","k"]"#, r#"{"result":"T0s="}"#),
        (r#"["PING"]"#, r#"{"result":"UE9ORw=="}"#),
        (r#"["TYPE","nothing"]"#, r#"{"result":"bm9uZQ=="}"#),
        (r#"["GET","nothing"]"#, r#"{"result":null}"#),
        (r#"["INCR","n"]"#, r#"{"result":1}"#),
        (r#"["SMEMBERS","nothing"]"#, r#"{"result":[]}"#),
        (
            r#"["EVAL","return {redis.call('SET','x','1'),{'a',1,{redis.status_reply('OK'),'OK',false}}}",0]"#,
            r#"{"result":["OK",["YQ==",1,["OK","T0s=",null]]]}"#,
        ),
        (
            r#"["EVAL","return {'a',redis.error_reply('MY error')}",0]"#,
            r#"{"result":["YQ==",{"error":"MY error"}]}"#,
        ),
        (
            r#"["LPUSH","k","1"]"#,
            r#"{"error":"WRONGTYPE Operation against a key holding the wrong kind of value"}"#,
        ),
    ];
    for (command, expected) in table {
        assert_eq!(
            rest.post_base64("/", command).await.1,
            expected,
            "{command}"
        );
    }
    let (_, body) = rest
        .post_base64("/pipeline", r#"[["GET","k"],["LPUSH","k",1]]"#)
        .await;
    assert!(
        body.starts_with(r#"[{"result":"T0s="},{"error":"WRONGTYPE"#),
        "{body}"
    );
}

#[tokio::test]
async fn replies_that_are_no_text_hurt_nobody() {
    let rest = Rest::new().await;
    let strange = [
        r#"["EVAL","return redis.error_reply('MY \\255 error')",0]"#,
        r#"["EVAL","return redis.status_reply('\\255')",0]"#,
        r#"["EVAL","local t = 1 for i = 1, 5000 do t = {t} end return t",0]"#,
    ];
    for command in strange {
        let innocent = async {
            for _ in 0..20 {
                rest.run(r#"["INCR","n"]"#).await;
            }
        };
        let (_, (_, body)) = tokio::join!(innocent, rest.post("/", command));
        assert!(body.starts_with('{') && body.ends_with('}'), "{body}");
    }
    assert_eq!(rest.run(r#"["GET","n"]"#).await, r#""60""#);
    assert_eq!(
        rest.get("/nosuch/%ff").await,
        (
            400,
            "{\"error\":\"ERR unknown command 'nosuch', with args beginning with: '\u{fffd}' \"}"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn errors_are_the_servers_own_words() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","k","v"]"#).await;
    assert_eq!(
        rest.error(r#"["LPUSH","k","v"]"#).await,
        "WRONGTYPE Operation against a key holding the wrong kind of value"
    );
    assert_eq!(
        rest.error(r#"["GET"]"#).await,
        "ERR wrong number of arguments for 'get' command"
    );
    assert!(
        rest.error(r#"["NOSUCH","k"]"#)
            .await
            .starts_with("ERR unknown command")
    );
    let sha = "0".repeat(40);
    let text = rest.error(&format!(r#"["EVALSHA","{sha}",0]"#)).await;
    assert_eq!(text, "NOSCRIPT No matching script. Please use EVAL.");
    assert_eq!(
        rest.post("/pipeline", r#"[["INCR","n"],["INCR","k"],["GET"],["INCR","n"]]"#).await,
        (
            200,
            r#"[{"result":1},{"error":"ERR value is not an integer or out of range"},{"error":"ERR wrong number of arguments for 'get' command"},{"result":2}]"#.to_owned()
        )
    );
}

#[tokio::test]
async fn a_body_that_is_no_command_says_so() {
    let rest = Rest::new().await;
    let table = [
        ("/", "", "ERR failed to parse command"),
        ("/", "SET k v", "ERR failed to parse command"),
        ("/", r#"{"a":1}"#, "ERR failed to parse command"),
        ("/", "[]", "ERR empty command"),
        ("/", r#"["GET",null]"#, "ERR null args are not supported"),
        (
            "/",
            r#"["GET",["k"]]"#,
            "ERR unsupported arg type: an argument must be a string, a number or a boolean",
        ),
        ("/pipeline", "", "ERR failed to parse pipeline request"),
        (
            "/pipeline",
            r#"["GET","k"]"#,
            "ERR failed to parse pipeline request",
        ),
        ("/pipeline", "[]", "ERR empty pipeline request"),
        ("/multi-exec", "[]", "ERR empty pipeline request"),
        (
            "/multi-exec",
            r#"[["GET","k"],[]]"#,
            "ERR empty pipeline command",
        ),
        (
            "/multi-exec",
            r#"[["GET",null]]"#,
            "ERR null args are not supported",
        ),
    ];
    for (path, body, expected) in table {
        let expected = format!(r#"{{"error":"{expected}"}}"#);
        assert_eq!(
            rest.post(path, body).await,
            (400, expected),
            "{path} {body}"
        );
    }
    assert_eq!(
        rest.post("/pipeline", r#"[["INCR","n"],[],["GET",null]]"#).await,
        (
            200,
            r#"[{"result":1},{"error":"ERR empty pipeline command"},{"error":"ERR null args are not supported"}]"#.to_owned()
        )
    );
}

#[tokio::test]
async fn only_a_token_opens_the_door() {
    let rest = Rest::new().await;
    let refused = (
        401,
        r#"{"error":"WRONGPASS invalid or missing auth token"}"#.to_owned(),
    );
    let url = format!("{}/incr/n", rest.local.url());
    let send = async |request: reqwest::RequestBuilder| told(request.send().await.unwrap()).await;
    assert_eq!(send(rest.client.get(&url)).await, refused);
    for header in [
        "Bearer wrong",
        "Bearer ",
        "local",
        "Basic local",
        "Bearer locals",
    ] {
        let request = rest.client.get(&url).header("authorization", header);
        assert_eq!(send(request).await, refused, "{header}");
    }
    assert_eq!(
        send(rest.client.get(format!("{url}?_token=wrong"))).await,
        refused
    );
    assert_eq!(
        send(rest.client.get(format!("{url}?_token"))).await,
        refused
    );
    let one = (200, r#"{"result":1}"#.to_owned());
    assert_eq!(
        send(rest.client.get(format!("{url}?_token=local"))).await,
        one
    );
    let two = (200, r#"{"result":2}"#.to_owned());
    let lower = rest
        .client
        .get(&url)
        .header("authorization", "bearer local");
    assert_eq!(send(lower).await, two);
}

#[tokio::test]
async fn a_read_only_token_reads_and_no_more() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","k","v"]"#).await;
    let ask = async |path: &str, body: &str| {
        let url = format!("{}{path}", rest.local.url());
        let token = rest.local.read_only_token().unwrap();
        let request = rest
            .client
            .post(url)
            .bearer_auth(token)
            .body(body.to_owned());
        told(request.send().await.unwrap()).await
    };
    for command in [
        r#"["GET","k"]"#,
        r#"["PING"]"#,
        r#"["EVAL_RO","return 1",0]"#,
        r#"["XINFO","HELP"]"#,
        r#"["CONFIG","GET","port"]"#,
    ] {
        let allowed = !command.contains("CONFIG");
        assert_eq!(ask("/", command).await.0 == 200, allowed, "{command}");
    }
    let denied = |name: &str| {
        format!(r#"{{"error":"NOPERM this user has no permissions to run the '{name}' command"}}"#)
    };
    for (command, name) in [
        (r#"["SeT","k","x"]"#, "set"),
        (r#"["EVAL","return 1",0]"#, "eval"),
        (r#"["KEYS","*"]"#, "keys"),
        (r#"["SCAN",0]"#, "scan"),
        (r#"["XGROUP","CREATE","s","g","$","MKSTREAM"]"#, "xgroup"),
        (r#"["ACL","SETUSER","x"]"#, "acl"),
        (r#"["FLUSHALL"]"#, "flushall"),
        (r#"["SCRIPT","FLUSH"]"#, "script"),
        (r#"["DELEX","k"]"#, "delex"),
    ] {
        assert_eq!(ask("/", command).await, (400, denied(name)), "{command}");
    }
    let body = r#"[["GET","k"],["SET","k","x"]]"#;
    let both = format!(r#"[{{"result":"v"}},{}]"#, denied("set"));
    assert_eq!(ask("/pipeline", body).await, (200, both));
    assert_eq!(ask("/multi-exec", body).await, (400, denied("set")));
    assert_eq!(rest.run(r#"["GET","k"]"#).await, r#""v""#);
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_with_its_size() {
    let rest = Rest::new().await;
    let too_large = |actual: usize| {
        format!(
            "ERR max request size exceeded. Limit: 10485760 bytes, Actual: {actual} bytes. See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details"
        )
    };
    let command = |size: usize| {
        let frame = r#"["SET","k",""]"#.len();
        format!(r#"["SET","k","{}"]"#, "x".repeat(size - frame))
    };
    assert_eq!(rest.post("/", command(LIMIT)).await.0, 200);
    assert_eq!(rest.error(&command(LIMIT + 1)).await, too_large(LIMIT + 1));
    assert_eq!(rest.error(&command(3 * LIMIT)).await, too_large(3 * LIMIT));
    // In chunks, no length is announced.
    let chunks = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer local\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        LIMIT + 2,
        command(LIMIT + 2)
    );
    let answer = rest.raw(&chunks).await;
    assert!(answer.contains(&too_large(LIMIT + 2)), "{answer}");
}

#[tokio::test]
async fn a_reply_over_the_limit_is_refused_for_its_command_alone() {
    let rest = Rest::new().await;
    let half = "x".repeat(LIMIT / 2);
    rest.post("/set/k", half.clone()).await;
    let text = rest.error(r#"["MGET","k","k"]"#).await;
    assert!(
        text.starts_with("ERR max request size exceeded. Limit: 10485760 bytes, Actual: 104857"),
        "{text}"
    );
    let (status, body) = rest
        .post("/pipeline", r#"[["GET","k"],["MGET","k","k"],["GET","k"]]"#)
        .await;
    assert_eq!(status, 200);
    assert!(body.len() > LIMIT, "two of three are there");
    assert_eq!(body.matches("max request size exceeded").count(), 1);
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let rest = Rest::new().await;
    for method in [Method::DELETE, Method::PATCH] {
        let response = rest.request(method, "/incr/n").send().await.unwrap();
        assert_eq!(response.status(), 405);
    }
    assert_eq!(rest.run(r#"["GET","n"]"#).await, "null");
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_call() {
    let builder = common::builder().allow_origin("https://example.com");
    let rest = Rest::of(start(builder).await);
    let url = format!("{}/pipeline", rest.local.url());
    let preflight = rest
        .client
        .request(Method::OPTIONS, &url)
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,upstash-encoding",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    let headers = preflight.headers();
    assert_eq!(
        headers["access-control-allow-origin"],
        "https://example.com"
    );
    assert_eq!(headers["vary"], "Origin");
    assert_eq!(
        headers["access-control-allow-headers"],
        "authorization,upstash-encoding"
    );
    assert!(
        headers["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("PUT")
    );
    assert!(headers.contains_key("access-control-max-age"));
    let refused = rest
        .client
        .post(&url)
        .header("origin", "https://example.com");
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.headers()["access-control-allow-origin"],
        "https://example.com"
    );
    assert_eq!(
        refused.headers()["access-control-expose-headers"],
        "upstash-sync-token, restis-ran"
    );
}

#[tokio::test]
async fn every_answer_carries_another_sync_token() {
    let rest = Rest::new().await;
    let mut tokens = Vec::new();
    for body in [r#"["PING"]"#, r#"["GET"]"#, r#"["PING"]"#] {
        let mut request = rest.request(Method::POST, "/").body(body);
        request = request.header(
            "upstash-sync-token",
            tokens.last().cloned().unwrap_or_default(),
        );
        let response = request.send().await.unwrap();
        tokens.push(
            response.headers()["upstash-sync-token"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2] && !tokens[0].is_empty());
    assert_eq!(rest.local.stats().await.unwrap().sync_tokens, 2);
}

#[tokio::test]
async fn a_thousand_commands_fit_in_a_pipeline() {
    let rest = Rest::new().await;
    let commands: Vec<String> = (0..1000)
        .map(|n| format!(r#"["SET","k{n}",{n}]"#))
        .collect();
    let (status, body) = rest
        .post("/pipeline", format!("[{}]", commands.join(",")))
        .await;
    assert_eq!(
        (status, body.matches(r#"{"result":"OK"}"#).count()),
        (200, 1000)
    );
    let commands: Vec<String> = (0..1000).map(|n| format!(r#"["GET","k{n}"]"#)).collect();
    let (_, body) = rest
        .post("/pipeline", format!("[{}]", commands.join(",")))
        .await;
    let expected: Vec<String> = (0..1000)
        .map(|n| format!(r#"{{"result":"{n}"}}"#))
        .collect();
    assert_eq!(body, format!("[{}]", expected.join(",")));
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    let rest = Rest::new().await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let request = rest.request(Method::POST, "/").body(r#"["INCR","n"]"#);
            tokio::spawn(async move { told(request.send().await.unwrap()).await })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        let (status, body) = task.await.unwrap();
        assert_eq!(status, 200);
        seen.push(body);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100, "each INCR has a number of its own");
    assert_eq!(rest.run(r#"["GET","n"]"#).await, r#""100""#);
}
