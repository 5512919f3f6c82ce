//! What Upstash does differently, transactions, and the connection to the real server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rest, start, told, until};
use reqwest::Method;

const FLAGGED: &str =
    r"#!lua flags=allow-key-locking\nredis.call('INCR',KEYS[1]) return redis.call('GET',KEYS[1])";

/// The SHA-1 of the script above as its author knows it, and of `return 1` with the flag.
fn hash(script: &str) -> String {
    sha1_smol::Sha1::from(script.replace(r"\n", "\n"))
        .digest()
        .to_string()
}

#[tokio::test]
async fn scripts_may_ask_for_key_locking() {
    let rest = Rest::new().await;
    let eval = format!(r#"["EVAL","{FLAGGED}",1,"k"]"#);
    assert_eq!(rest.run(&eval).await, r#""1""#);
    let sha = hash(FLAGGED);
    assert_eq!(
        rest.run(&format!(r#"["EVALSHA","{sha}",1,"k"]"#)).await,
        r#""2""#
    );
    rest.run(r#"["SCRIPT","FLUSH"]"#).await;
    let evalsha = format!(r#"["EVALSHA","{}",1,"k"]"#, sha.to_uppercase());
    assert!(rest.error(&evalsha).await.starts_with("NOSCRIPT"));
    assert_eq!(
        rest.run(&format!(r#"["SCRIPT","LOAD","{FLAGGED}"]"#)).await,
        format!("\"{sha}\"")
    );
    assert_eq!(rest.run(&evalsha).await, r#""3""#);
    assert_eq!(
        rest.run(&format!(
            r#"["SCRIPT","EXISTS","{sha}","{}"]"#,
            "0".repeat(40)
        ))
        .await,
        "[1,0]"
    );
    let (_, body) = rest
        .post("/multi-exec", format!("[{evalsha},{eval}]"))
        .await;
    assert_eq!(body, r#"[{"result":"4"},{"result":"5"}]"#);
    let read_only = format!(r#"["EVAL_RO","{FLAGGED}",1,"k"]"#);
    let text = rest.error(&read_only).await;
    assert!(text.contains("using *_ro command"), "{text}");
    let broken = r##"["SCRIPT","LOAD","#!lua flags=allow-key-locking\nreturn ("]"##;
    assert!(
        rest.error(broken)
            .await
            .starts_with("ERR Error compiling script")
    );
}

#[tokio::test]
async fn delex_deletes_if_the_value_is_equal() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","k","v"]"#).await;
    let equal = r#"["DELEX","k","IFEQ","v"]"#;
    if rest.local.server().starts_with("Valkey") {
        assert_eq!(rest.run(r#"["DELEX","k","IFEQ","x"]"#).await, "0");
        assert_eq!(rest.run(equal).await, "1");
        assert_eq!(rest.run(equal).await, "0");
        assert!(
            rest.error(r#"["DELEX","k","IFNE","x"]"#)
                .await
                .starts_with("ERR unknown command")
        );
    } else {
        // A Redis before 8.4 has neither; its own words say so.
        assert!(rest.error(equal).await.starts_with("ERR unknown command"));
    }
    rest.run(r#"["SET","k","v"]"#).await;
    assert_eq!(rest.run(r#"["DELEX","k"]"#).await, "1");
}

#[tokio::test]
async fn some_commands_are_answered_as_upstash_does() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","k","v"]"#).await;
    for (command, expected) in [
        (r#"["COPY","k","k"]"#, "0"),
        (r#"["COPY","k","c"]"#, "1"),
        (r#"["UNLINK"]"#, "0"),
        (r#"["UNLINK","c"]"#, "1"),
        (r#"["SELECT",0]"#, "\"OK\""),
        (r#"["WAIT",1,0]"#, "0"),
    ] {
        assert_eq!(rest.run(command).await, expected, "{command}");
    }
    assert_eq!(
        rest.error(r#"["SELECT",1]"#).await,
        "ERR DB index is out of range"
    );
    assert_eq!(
        rest.error(r#"["DEL"]"#).await,
        "ERR wrong number of arguments for 'del' command"
    );
    let by_command = rest.local.stats().await.unwrap().by_command;
    assert_eq!(
        (
            by_command["COPY"],
            by_command["UNLINK"],
            by_command["SELECT"]
        ),
        (2, 2, 1)
    );
}

#[tokio::test]
async fn scan_tells_types_too() {
    let rest = Rest::new().await;
    assert_eq!(rest.run(r#"["SCAN",0,"WITHTYPE"]"#).await, r#"["0",[]]"#);
    rest.post(
        "/pipeline",
        r#"[["SET","s","v"],["HSET","h","f","v"],["LPUSH","l","v"],["XADD","x","*","f","v"],["SET","","v"]]"#,
    )
    .await;
    rest.local.reset_stats().await.unwrap();
    let types = async |command: &str| {
        let reply: (String, Vec<String>) = serde_json::from_str(&rest.run(command).await).unwrap();
        assert_eq!(reply.0, "0");
        let mut pairs: Vec<String> = reply.1.chunks(2).map(|pair| pair.join("=")).collect();
        pairs.sort();
        pairs.join(" ")
    };
    assert_eq!(
        types(r#"["SCAN",0,"COUNT",100,"WITHTYPE"]"#).await,
        "=string h=hash l=list s=string x=stream"
    );
    assert_eq!(
        types(r#"["SCAN",0,"withtype","MATCH","[hl]","COUNT",100]"#).await,
        "h=hash l=list"
    );
    assert_eq!(
        types(r#"["SCAN",0,"TYPE","string","WITHTYPE"]"#).await,
        "=string s=string"
    );
    for path in ["/pipeline", "/multi-exec"] {
        let body = r#"[["SCAN",0,"MATCH","s","WITHTYPE"],["DEL","s"],["SCAN",0,"MATCH","h","WITHTYPE"],["SCAN","x","WITHTYPE"],["SCAN",0,"MATCH","l"],["SET","s","v"],["SCAN",0,"MATCH","x","WITHTYPE"]]"#;
        assert_eq!(
            rest.post(path, body).await.1,
            r#"[{"result":["0",["s","string"]]},{"result":1},{"result":["0",["h","hash"]]},{"error":"ERR invalid cursor"},{"result":["0",["l"]]},{"result":"OK"},{"result":["0",["x","stream"]]}]"#
        );
    }
    // A key that is gone when its type is asked for is left out.
    assert_eq!(
        rest.post(
            "/pipeline",
            r#"[["SCAN",0,"MATCH","[hl]","COUNT",100,"WITHTYPE"],["DEL","l"]]"#
        )
        .await
        .1,
        r#"[{"result":["0",["h","hash"]]},{"result":1}]"#
    );
    rest.run(r#"["TYPE","h"]"#).await;
    let by_command = rest.local.stats().await.unwrap().by_command;
    assert_eq!((by_command["SCAN"], by_command["TYPE"]), (14, 1));
    let (_, body) = rest
        .post_base64("/", r#"["SCAN",0,"MATCH","h","WITHTYPE"]"#)
        .await;
    assert_eq!(body, r#"{"result":["MA==",["aA==","aGFzaA=="]]}"#);
    rest.local.reset_stats().await.unwrap();
    assert_eq!(rest.local.stats().await.unwrap().billed, 0);
}

#[tokio::test]
async fn ranges_of_ranks_may_have_a_limit() {
    let rest = Rest::new().await;
    rest.run(r#"["ZADD","z",1,"a",2,"b",3,"c",4,"d",5,"e"]"#)
        .await;
    for (range, expected) in [
        (r#"0,-1,"LIMIT",1,2"#, r#"["b","c"]"#),
        (r#"0,-1,"LIMIT",3,10"#, r#"["d","e"]"#),
        (r#"0,-1,"LIMIT",0,-1"#, r#"["a","b","c","d","e"]"#),
        (r#"0,-1,"LIMIT",9,1"#, "[]"),
        (r#"0,-1,"LIMIT",1,0"#, "[]"),
        (r#"0,-1,"LIMIT",-1,2"#, "[]"),
        (r#"1,3,"LIMIT",1,5"#, r#"["c","d"]"#),
        (r#"0,-1,"REV","LIMIT",1,2"#, r#"["d","c"]"#),
        (r#"0,-1,"LIMIT",1,2,"WITHSCORES""#, r#"["b","2","c","3"]"#),
        (r#"0,-2,"LIMIT",1,2,"WITHSCORES""#, r#"["b","2","c","3"]"#),
        (r#"-3,-1,"REV","LIMIT",1,5"#, r#"["b","a"]"#),
        (r#"-9,-1,"LIMIT",1,2"#, r#"["b","c"]"#),
        (r#"1,9,"BYSCORE","LIMIT",1,2"#, r#"["b","c"]"#),
        (r#""-","+","BYLEX","LIMIT",1,2"#, r#"["b","c"]"#),
    ] {
        let command = format!(r#"["ZRANGE","z",{range}]"#);
        assert_eq!(rest.run(&command).await, expected, "{command}");
        let (_, body) = rest.post("/multi-exec", format!("[{command}]")).await;
        assert_eq!(body, format!(r#"[{{"result":{expected}}}]"#), "{command}");
    }
    rest.run(r#"["ZRANGESTORE","to","z",0,-1,"REV","LIMIT",1,2]"#)
        .await;
    assert_eq!(rest.run(r#"["ZRANGE","to",0,-1]"#).await, r#"["c","d"]"#);
    // How many there are decides which these are, and nothing is fetched first.
    let text = rest
        .error(r#"["ZRANGESTORE","to","z",-3,-1,"LIMIT",1,2]"#)
        .await;
    assert!(text.contains("LIMIT is only supported"), "{text}");
    let text = rest.error(r#"["ZRANGE","z",0,-1,"LIMIT","x",2]"#).await;
    assert!(text.starts_with("ERR "), "{text}");
    rest.run(r#"["SET","k","v"]"#).await;
    let text = rest.error(r#"["ZRANGE","k",-2,-1,"LIMIT",0,1]"#).await;
    assert!(text.starts_with("WRONGTYPE"), "{text}");
}

#[tokio::test]
async fn what_belongs_to_a_connection_or_blocks_is_refused() {
    let rest = Rest::new().await;
    let commands = [
        r#"["AUTH","x"]"#,
        r#"["BLMPOP",0,1,"k","LEFT"]"#,
        r#"["blpop","k",0]"#,
        r#"["BZPOPMIN","k",0]"#,
        r#"["CLIENT","SETINFO","LIB-NAME","x"]"#,
        r#"["CONFIG","RESETSTAT"]"#,
        r#"["DEBUG","SLEEP",10]"#,
        r#"["DISCARD"]"#,
        r#"["EXEC"]"#,
        r#"["HELLO",3]"#,
        r#"["MONITOR"]"#,
        r#"["MULTI"]"#,
        r#"["PSUBSCRIBE","*"]"#,
        r#"["QUIT"]"#,
        r#"["RESET"]"#,
        r#"["SHUTDOWN"]"#,
        r#"["SUBSCRIBE","c"]"#,
        r#"["SYNC"]"#,
        r#"["UNWATCH"]"#,
        r#"["WATCH","k"]"#,
        r#"["XREAD","BLOCK",0,"STREAMS","s","$"]"#,
        r#"["XREADGROUP","GROUP","g","c","BLOCK",0,"STREAMS","s",">"]"#,
    ];
    for command in commands {
        let name: Vec<String> = serde_json::from_str::<Vec<serde_json::Value>>(command)
            .unwrap()
            .iter()
            .map(|arg| arg.to_string().trim_matches('"').to_uppercase())
            .collect();
        assert_eq!(
            rest.error(command).await,
            format!(
                "ERR Command is not available: '{}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details",
                name[0]
            )
        );
        let (status, _) = rest
            .post("/multi-exec", format!(r#"[["INCR","n"],{command}]"#))
            .await;
        assert_eq!(status, 400, "{command}");
    }
    assert_eq!(rest.run(r#"["XREAD","STREAMS","s","0"]"#).await, "null");
    assert_eq!(rest.run(r#"["GET","n"]"#).await, "null");
}

#[tokio::test]
async fn a_transaction_happens_whole_or_not_at_all() {
    let rest = Rest::new().await;
    rest.run(r#"["SET","text","x"]"#).await;
    let (status, body) = rest
        .post(
            "/multi-exec",
            r#"[["INCR","n"],["INCR","text"],["UNLINK"],["INCR","n"]]"#,
        )
        .await;
    assert_eq!(
        (status, body.as_str()),
        (
            200,
            r#"[{"result":1},{"error":"ERR value is not an integer or out of range"},{"result":0},{"result":2}]"#
        )
    );
    for (bad, expected) in [
        (r#"["NOSUCH"]"#, "ERR unknown command"),
        (
            r#"["GET"]"#,
            "ERR wrong number of arguments for 'get' command",
        ),
        (
            r#"["BLPOP","k",0]"#,
            "ERR Command is not available: 'BLPOP'",
        ),
    ] {
        let body = format!(r#"[["INCR","n"],{bad},["INCR","n"]]"#);
        let (status, body) = rest.post("/multi-exec", body).await;
        assert_eq!(status, 400, "{bad}");
        assert!(
            body.starts_with(&format!(r#"{{"error":"{expected}"#)),
            "{body}"
        );
    }
    assert_eq!(rest.run(r#"["GET","n"]"#).await, r#""2""#);
}

#[tokio::test]
async fn nobody_sees_half_of_a_transaction() {
    let rest = Rest::new().await;
    let other = rest.second().await;
    rest.run(r#"["MSET","a","0","b","0"]"#).await;
    // More than the server reads at once: of a pipeline this long, a reader sees halves.
    let filler = r#"["INCR","filler"],"#.repeat(3000);
    let body = format!(r#"[["INCR","a"],{filler}["INCR","b"]]"#);
    let write = async {
        for _ in 0..50 {
            let (status, _) = rest.post("/multi-exec", body.clone()).await;
            assert_eq!(status, 200);
        }
    };
    let read = async {
        let (mut reads, mut last) = (0, String::new());
        while last != r#"["50","50"]"# {
            last = other.run(r#"["MGET","a","b"]"#).await;
            let values: Vec<&str> = last.split('"').collect();
            assert_eq!(values[1], values[3], "{last}");
            reads += 1;
        }
        reads
    };
    let ((), reads) = tokio::join!(write, read);
    assert!(reads > 10, "the reader looked {reads} times");
}

#[tokio::test]
async fn writers_of_the_same_keys_do_not_mix() {
    let rest = Rest::new().await;
    let body = r#"[["GET","a"],["INCR","a"],["INCR","b"],["GET","b"]]"#;
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let path = if n % 2 == 0 {
                "/multi-exec"
            } else {
                "/pipeline"
            };
            let request = rest.request(Method::POST, path).body(body);
            tokio::spawn(async move { told(request.send().await.unwrap()).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().0, 200);
    }
    assert_eq!(rest.run(r#"["MGET","a","b"]"#).await, r#"["50","50"]"#);
}

#[tokio::test]
async fn a_password_and_a_database_are_used_and_not_shown() {
    let rest = Rest::new().await;
    let port = rest.open_port().await;
    let password = ["CONFIG", "SET", "requirepass", "p@ss word"];
    rest.local.administer(&password).await.unwrap();
    let url = format!("redis://:p%40ss%20word@127.0.0.1:{port}/3");
    let other = Rest::of(start(common::builder().redis(url)).await);
    other.run(r#"["SET","k","v"]"#).await;
    assert_eq!(rest.run(r#"["GET","k"]"#).await, "null");
    assert!(
        rest.run(r#"["INFO","keyspace"]"#)
            .await
            .contains("db3:keys=1")
    );
    for url in [
        format!("redis://127.0.0.1:{port}"),
        format!("redis://:secret@127.0.0.1:{port}"),
        format!("redis://:p%40ss%20word@127.0.0.1:{port}/99"),
    ] {
        let error = common::builder()
            .redis(&url)
            .start()
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
        assert!(
            !error.contains("secret") && !error.contains("p@ss"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let first = Rest::new().await;
    let port = first.open_port().await;
    let url = format!("redis://127.0.0.1:{port}");
    let builder = common::builder().read_only_token("reader").redis(url);
    let rest = Rest::of(start(builder).await);
    assert_eq!(rest.run(r#"["INCR","n"]"#).await, "1");
    let read = async || {
        let request = rest.client.post(format!("{}/get/n", rest.local.url()));
        told(request.bearer_auth("reader").send().await.unwrap()).await
    };
    assert_eq!(read().await, (200, r#"{"result":"1"}"#.to_owned()));
    first.local.stop().await;
    until("requests are answered with 503", async || {
        let (status, body) = rest.post("/", r#"["INCR","n"]"#).await;
        assert!(status == 503 || status == 502, "{status}");
        assert!(
            body.starts_with(r#"{"error":"ERR the server behind"#),
            "{body}"
        );
        status == 503
    })
    .await;
    assert!(rest.local.stats().await.is_err());
    let again = Rest::new().await;
    let command = ["CONFIG", "SET", "port", &port.to_string()];
    again.local.administer(&command).await.unwrap();
    assert_eq!(rest.run(r#"["INCR","n"]"#).await, "1");
    // The user who may only read is created again, and gone when restis-local is.
    assert_eq!(read().await, (200, r#"{"result":"1"}"#.to_owned()));
    let users = async || {
        let users = again.run(r#"["ACL","USERS"]"#).await;
        users.matches("restis-local-reader-").count()
    };
    assert_eq!(users().await, 2);
    rest.local.stop().await;
    // That of the other restis-local.
    assert_eq!(users().await, 1);
}

#[tokio::test]
async fn a_server_that_dies_leaves_an_answer_that_says_so() {
    let rest = Rest::new().await;
    let info = rest.run(r#"["INFO","server"]"#).await;
    let pid = info.split("process_id:").nth(1).unwrap();
    let pid: String = pid.chars().take_while(char::is_ascii_digit).collect();
    let kill = std::process::Command::new("kill")
        .args(["-9", &pid])
        .status();
    assert!(kill.unwrap().success());
    until("requests are answered with 503", async || {
        rest.post("/", r#"["PING"]"#).await.0 == 503
    })
    .await;
}

#[tokio::test]
async fn what_cannot_start_says_what_to_do() {
    let cases = [
        (common::builder().token(""), "must not be empty"),
        (common::builder().read_only_token(""), "must not be empty"),
        (common::builder().read_only_token("local"), "must differ"),
        (common::builder().redis("localhost:6379"), "redis://"),
        (
            common::builder().redis("redis://127.0.0.1:1"),
            "127.0.0.1:1",
        ),
        (common::builder().server_binary("/nowhere"), "valkey-server"),
        (
            common::builder().server_binary("/bin/false"),
            "ended before it answered",
        ),
        (common::builder().host("203.0.113.1"), "--host"),
    ];
    for (builder, expected) in cases {
        let error = builder.start().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let rest = Rest::new().await;
    let port: u16 = rest.address().rsplit(':').next().unwrap().parse().unwrap();
    let error = common::builder()
        .port(port)
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&port.to_string()) && error.contains("--port"),
        "{error}"
    );
}

#[test]
fn one_restis_local_serves_several_runtimes() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let local = runtime().block_on(start(common::builder()));
    let url = local.url().to_owned();
    for expected in ["1", "2"] {
        let answer = runtime().block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let request = client
                .get(format!("{url}/incr/n"))
                .bearer_auth(local.token());
            told(request.send().await.unwrap()).await
        });
        assert_eq!(answer, (200, format!(r#"{{"result":{expected}}}"#)));
    }
    let stats = runtime().block_on(local.stats()).unwrap();
    assert_eq!(stats.by_command["INCR"], 2);
}
