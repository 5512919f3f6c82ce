//! Commands of Redis 8.2 in front of a server without them: BITOP's new operations, XDELEX and XACKDEL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rest, told};

/// Runs a command, and returns its result as JSON text.
async fn run(rest: &Rest, command: &str) -> String {
    let (status, body) = rest.post("/", command).await;
    assert_eq!(status, 200, "{command}: {body}");
    let body = body.strip_prefix(r#"{"result":"#).unwrap();
    body.strip_suffix('}').unwrap().to_owned()
}

/// The bits of two or more bytes each, and what each operation makes of them.
#[tokio::test]
async fn bitop_has_the_operations_of_redis_8_2() {
    let rest = Rest::new().await;
    // "a" is 0110_0001, "c" 0110_0011, "!" 0010_0001; texts stay ASCII, so that JSON carries them.
    for (operation, sources, expected) in [
        ("DIFF", &["c", "a"][..], "\u{2}"),
        ("DIFF", &["a", "c"], "\0"),
        ("DIFF", &["cc", "a"], "\u{2}c"),
        ("DIFF", &["c", "aa"], "\u{2}\0"),
        ("DIFF", &["c", "", ""], "c"),
        ("DIFF", &["c", "a", "\u{2}"], "\0"),
        ("DIFF1", &["a", "c"], "\u{2}"),
        ("DIFF1", &["a", "c", "\u{4}b"], "\u{6}b"),
        ("DIFF1", &["", "c"], "c"),
        ("ANDOR", &["c", "\u{2}", "!"], "#"),
        ("ANDOR", &["cc", "c"], "c\0"),
        ("ONE", &["c"], "c"),
        ("ONE", &["c", "a"], "\u{2}"),
        ("ONE", &["\u{1}", "\u{3}", "\u{5}"], "\u{6}"),
        ("ONE", &["\u{1}", "\u{1}", "\u{1}"], "\0"),
        ("one", &["a", "\u{2}b", "\u{4}"], "gb"),
    ] {
        run(&rest, r#"["FLUSHALL"]"#).await;
        let mut keys = Vec::new();
        for (value, number) in sources.iter().zip(0..) {
            let key = format!("source{number}");
            if !value.is_empty() {
                run(
                    &rest,
                    &serde_json::to_string(&["SET", &key, value]).unwrap(),
                )
                .await;
            }
            keys.push(key);
        }
        // Whatever the destination held before is gone.
        run(&rest, r#"["RPUSH","d","x"]"#).await;
        let words: Vec<&str> = ["BITOP", operation, "d"]
            .into_iter()
            .chain(keys.iter().map(String::as_str))
            .collect();
        let length = run(&rest, &serde_json::to_string(&words).unwrap()).await;
        assert_eq!(
            length,
            expected.len().to_string(),
            "{operation} {sources:?}"
        );
        let found = run(&rest, r#"["GET","d"]"#).await;
        assert_eq!(
            found,
            serde_json::to_string(expected).unwrap(),
            "{operation} {sources:?}"
        );
        let stored = sources.iter().filter(|value| !value.is_empty()).count() + 1;
        assert_eq!(run(&rest, r#"["DBSIZE"]"#).await, stored.to_string());
    }
    // The destination may be one of the sources.
    run(&rest, r#"["MSET","a","c","b","a"]"#).await;
    assert_eq!(run(&rest, r#"["BITOP","DIFF","a","a","b"]"#).await, "1");
    assert_eq!(run(&rest, r#"["GET","a"]"#).await, r#""\u0002""#);
    // Nothing makes nothing.
    assert_eq!(run(&rest, r#"["BITOP","ONE","a","none"]"#).await, "0");
    assert_eq!(run(&rest, r#"["EXISTS","a"]"#).await, "0");
    run(&rest, r#"["RPUSH","list","x"]"#).await;
    assert_eq!(
        rest.error(r#"["BITOP","DIFF","d","b","list"]"#).await,
        "WRONGTYPE Operation against a key holding the wrong kind of value"
    );
    let text = rest.error(r#"["BITOP","DIFF","d","b"]"#).await;
    assert!(text.starts_with("ERR BITOP DIFF"), "{text}");
    let text = rest.error(r#"["BITOP","NOSUCH","d","b"]"#).await;
    assert_eq!(text, "ERR syntax error");
}

/// A stream with four entries, of which `read` has acknowledged one, holds two and has not read one, and `other` has read all
/// but the last and holds the first.
async fn stream(rest: &Rest) {
    run(rest, r#"["FLUSHALL"]"#).await;
    for id in 1..=4 {
        run(rest, &format!(r#"["XADD","s","{id}-0","f","v"]"#)).await;
    }
    for (group, count) in [("read", 3), ("other", 3)] {
        run(rest, &format!(r#"["XGROUP","CREATE","s","{group}","0"]"#)).await;
        let read =
            format!(r#"["XREADGROUP","GROUP","{group}","c","COUNT",{count},"STREAMS","s",">"]"#);
        run(rest, &read).await;
    }
    run(rest, r#"["XACK","s","read","1-0"]"#).await;
    run(rest, r#"["XACK","s","other","2-0","3-0"]"#).await;
}

async fn ids(rest: &Rest, command: &str) -> Vec<String> {
    let entries: Vec<(String, serde_json::Value)> =
        serde_json::from_str(&run(rest, command).await).unwrap();
    entries.into_iter().map(|(id, _)| id).collect()
}

/// What a group holds.
async fn held(rest: &Rest, group: &str) -> Vec<String> {
    let command = format!(r#"["XPENDING","s","{group}","-","+",10]"#);
    let entries: Vec<Vec<serde_json::Value>> =
        serde_json::from_str(&run(rest, &command).await).unwrap();
    let ids = entries
        .iter()
        .map(|entry| entry[0].as_str().unwrap().to_owned());
    ids.collect()
}

/// Runs a command on the stream: its results, the entries that are left, and what `read` and `other` hold then.
async fn leaves(rest: &Rest, command: &str, results: &str, left: &[&str], pending: [&[&str]; 2]) {
    stream(rest).await;
    assert_eq!(run(rest, command).await, results, "{command}");
    let found = ids(rest, r#"["XRANGE","s","-","+"]"#).await;
    assert_eq!(found, left, "{command}");
    let [read, other] = pending;
    assert_eq!(held(rest, "read").await, read, "{command}");
    assert_eq!(held(rest, "other").await, other, "{command}");
}

#[tokio::test]
async fn xdelex_keeps_deletes_or_asks_for_references() {
    let rest = Rest::new().await;
    for (command, results, left, read, other) in [
        // References stay behind, as with XDEL.
        (
            r#"["XDELEX","s","IDS",3,"1-0","3","9-0"]"#,
            "[1,1,-1]",
            &["2-0", "4-0"][..],
            &["2-0", "3-0"][..],
            &["1-0"][..],
        ),
        (
            r#"["xdelex","s","keepref","IDS",1,"1-0"]"#,
            "[1]",
            &["2-0", "3-0", "4-0"],
            &["2-0", "3-0"],
            &["1-0"],
        ),
        (
            r#"["XDELEX","s","DELREF","IDS",2,"1-0","2-0"]"#,
            "[1,1]",
            &["3-0", "4-0"],
            &["3-0"],
            &[],
        ),
        // One is held by `other`, two by `read`, the last was not read.
        (
            r#"["XDELEX","s","ACKED","IDS",4,"1-0","2-0","4-0","9-0"]"#,
            "[2,2,2,-1]",
            &["1-0", "2-0", "3-0", "4-0"],
            &["2-0", "3-0"],
            &["1-0"],
        ),
    ] {
        leaves(&rest, command, results, left, [read, other]).await;
    }
    stream(&rest).await;
    run(&rest, r#"["XACK","s","read","3-0"]"#).await;
    assert_eq!(
        run(&rest, r#"["XDELEX","s","ACKED","IDS",1,"3-0"]"#).await,
        "[1]"
    );
    assert_eq!(
        run(&rest, r#"["XDELEX","none","IDS",2,"1-0","2-0"]"#).await,
        "[-1,-1]"
    );
    // A stream without groups needs no acknowledgement.
    run(&rest, r#"["XADD","free","1-0","f","v"]"#).await;
    assert_eq!(
        run(&rest, r#"["XDELEX","free","ACKED","IDS",1,"1-0"]"#).await,
        "[1]"
    );
}

#[tokio::test]
async fn xackdel_acknowledges_and_then_deletes() {
    let rest = Rest::new().await;
    for (command, results, left, read, other) in [
        (
            r#"["XACKDEL","s","read","IDS",3,"1-0","2-0","4-0"]"#,
            "[-1,1,-1]",
            &["1-0", "3-0", "4-0"][..],
            &["3-0"][..],
            &["1-0"][..],
        ),
        (
            r#"["XACKDEL","s","other","DELREF","IDS",1,"1-0"]"#,
            "[1]",
            &["2-0", "3-0", "4-0"],
            &["2-0", "3-0"],
            &[],
        ),
        (
            r#"["XACKDEL","s","read","ACKED","IDS",1,"2-0"]"#,
            "[1]",
            &["1-0", "3-0", "4-0"],
            &["3-0"],
            &["1-0"],
        ),
    ] {
        leaves(&rest, command, results, left, [read, other]).await;
    }
    // Another group has not read it: it is acknowledged and stays.
    stream(&rest).await;
    run(&rest, r#"["XGROUP","CREATE","s","late","0"]"#).await;
    assert_eq!(
        run(&rest, r#"["XACKDEL","s","read","ACKED","IDS",1,"2-0"]"#).await,
        "[2]"
    );
    assert_eq!(held(&rest, "read").await, ["3-0"]);
    assert_eq!(ids(&rest, r#"["XRANGE","s","2-0","2-0"]"#).await, ["2-0"]);
    assert_eq!(
        run(&rest, r#"["XACKDEL","none","g","IDS",1,"1-0"]"#).await,
        "[-1]"
    );
    assert_eq!(
        run(&rest, r#"["XACKDEL","s","none","IDS",1,"1-0"]"#).await,
        "[-1]"
    );
}

#[tokio::test]
async fn they_are_refused_and_batched_as_other_commands() {
    let rest = Rest::new().await;
    stream(&rest).await;
    for (command, words) in [
        (
            r#"["XDELEX","s"]"#,
            "ERR wrong number of arguments for 'xdelex' command",
        ),
        (
            r#"["XACKDEL","s","g","IDS",1]"#,
            "ERR wrong number of arguments for 'xackdel' command",
        ),
        (
            r#"["XDELEX","s","NOSUCH","IDS",1,"1-0"]"#,
            "ERR syntax error",
        ),
        (
            r#"["XDELEX","s","IDS",0,"1-0"]"#,
            "ERR Number of IDs must be a positive integer",
        ),
        (
            r#"["XDELEX","s","IDS",2,"1-0"]"#,
            "ERR The `numids` parameter must match the number of arguments",
        ),
        // Nothing is deleted before all are read.
        (
            r#"["XDELEX","s","IDS",2,"1-0","99999999999999999999-0"]"#,
            "ERR Invalid stream ID specified as stream command argument",
        ),
        (
            r#"["XDELEX","s","IDS",1,"x"]"#,
            "ERR Invalid stream ID specified as stream command argument",
        ),
    ] {
        assert_eq!(rest.error(command).await, words, "{command}");
    }
    assert_eq!(run(&rest, r#"["XLEN","s"]"#).await, "4");
    run(&rest, r#"["SET","text","a"]"#).await;
    assert_eq!(
        rest.error(r#"["XDELEX","text","IDS",1,"1-0"]"#).await,
        "WRONGTYPE Operation against a key holding the wrong kind of value"
    );
    let batch = r#"[["XDELEX","s","IDS",1,"1-0"],["BITOP","ONE","d","text"],["XLEN","s"]]"#;
    for path in ["/pipeline", "/multi-exec"] {
        stream(&rest).await;
        run(&rest, r#"["SET","text","a"]"#).await;
        let answer = r#"[{"result":[1]},{"result":1},{"result":3}]"#.to_owned();
        assert_eq!(rest.post(path, batch).await, (200, answer), "{path}");
    }
    // FCALL_RO reads, for the read-only token too.
    let library = "#!lua name=emulated\nserver.register_function{function_name='peek', callback=function(keys) return server.call('GET', keys[1]) end, flags={'no-writes'}}";
    run(
        &rest,
        &serde_json::to_string(&["FUNCTION", "LOAD", library]).unwrap(),
    )
    .await;
    assert_eq!(
        run(&rest, r#"["FCALL_RO","peek",1,"text"]"#).await,
        r#""a""#
    );
    let request = rest.client.post(rest.local.url()).bearer_auth("reader");
    let request = request.body(r#"["FCALL_RO","peek",1,"text"]"#);
    let answer = told(request.send().await.unwrap()).await;
    assert_eq!(answer, (200, r#"{"result":"a"}"#.to_owned()));
}
