//! Right answers with bytes changed at random: no panic, and a value only where the answer, read by another library, has
//! that value in that command's place.

use std::{collections::HashMap, future::IntoFuture};

use futures_util::join;
use proptest::{prelude::*, sample::Index};
use restis::{
    Bytes, Redis, Retry, Value,
    transport::{Request, Response},
};
use serde_json::value::RawValue;

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    /// From the first to the second, which comes again behind itself.
    Repeat(Index, Index),
    Cut(Index),
    Swap(Index, Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let index = any::<Index>;
    // What JSON and RESP2 are made of comes more often than the rest.
    let byte = || {
        prop_oneof![
            proptest::sample::select(&b"[]{}\",:\\0123456789-+.eEnul$*\r\n u\xff\xc3"[..]),
            any::<u8>(),
        ]
    };
    let change = prop_oneof![
        (index(), byte()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (index(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        index().prop_map(Change::Remove),
        (index(), index()).prop_map(|(from, to)| Change::Repeat(from, to)),
        index().prop_map(Change::Cut),
        (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
    ];
    proptest::collection::vec(change, 1..4)
}

fn changed(answer: &str, changes: &[Change]) -> Vec<u8> {
    let mut body = answer.as_bytes().to_vec();
    for change in changes {
        if body.is_empty() {
            break;
        }
        let len = body.len();
        match change {
            Change::Replace(at, byte) => body[at.index(len)] = *byte,
            Change::Insert(at, byte) => body.insert(at.index(len + 1), *byte),
            Change::Remove(at) => drop(body.remove(at.index(len))),
            Change::Repeat(from, to) => {
                let (from, to) = (from.index(len), to.index(len));
                let part = body[from.min(to)..=from.max(to)].to_vec();
                body.splice(from.max(to) + 1..from.max(to) + 1, part);
            }
            Change::Cut(at) => body.truncate(at.index(len)),
            Change::Swap(a, b) => body.swap(a.index(len), b.index(len)),
        }
    }
    body
}

fn redis(body: &[u8], kind: &'static str) -> Redis {
    let body = Bytes::copy_from_slice(body);
    Redis::builder()
        .url("https://mock.example")
        .token("token")
        .retry(Retry::never())
        .auto_pipelining(true)
        .transport(move |_: Request| {
            let answer = Response::new(200, body.clone()).header("content-type", kind);
            async { Ok(answer) }
        })
        .build()
        .unwrap()
}

const JSON: &str = "application/json";
const RESP2: &str = "application/octet-stream";

/// The results of a batch as the other library reads them; `None` if it reads none at all.
fn results(body: &[u8]) -> Option<Vec<Option<&str>>> {
    let entries: Vec<&RawValue> = serde_json::from_slice(body).ok()?;
    Some(
        entries
            .into_iter()
            .map(|entry| result(entry.get()))
            .collect(),
    )
}

fn result(entry: &str) -> Option<&str> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(entry).ok()?;
    members.get("result").map(|raw| raw.get())
}

/// Whether a text is what stands there.
fn is_text(value: Option<&str>, raw: Option<&str>) -> bool {
    match (value, raw) {
        (None, raw) => raw == Some("null"),
        (Some(value), Some(raw)) => {
            raw == value || serde_json::from_str::<String>(raw).is_ok_and(|text| text == value)
        }
        (Some(_), None) => false,
    }
}

fn is_number(value: i64, raw: Option<&str>) -> bool {
    raw.is_some_and(|raw| raw.trim_matches('"') == value.to_string())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(future)
}

/// Three commands that differ in type; each answer is read by all three ways of sending them.
const THREE: [&str; 3] = [
    r#"[{"result":"a\u00e9\"b"},{"result":-12},{"result":null}]"#,
    r#"[{"result":"7"},{"error":"ERR no"},{"result":"x"}]"#,
    " [ {\"result\" : \"1\"} , {\"took\":1,\"result\":2},\n{\"result\":\"3\"} ] ",
];

proptest! {
    #[test]
    fn several_commands(answer in proptest::sample::select(&THREE[..]), changes in changes()) {
        let body = changed(answer, &changes);
        let redis = redis(&body, JSON);
        let batch = || (redis.get::<String>("a"), redis.incr("n"), redis.get::<String>("b"));
        let (a, n, b) = batch();
        let ways = block_on(async {
            [
                Ok(join!(a.into_future(), n.into_future(), b.into_future())),
                redis.pipeline(batch()).await,
                redis.transaction(batch()).keep_errors().await,
            ]
        });
        let found = results(&body);
        for way in ways {
            let Ok((a, n, b)) = way else {
                continue;
            };
            let Some(found) = &found else {
                // No array, or not JSON to the other library: escapes are looked at here only where they are read.
                let is_json = serde_json::from_slice::<&RawValue>(&body).is_ok();
                prop_assert!(!is_json || a.is_err() && n.is_err() && b.is_err());
                continue;
            };
            if found.len() != 3 {
                prop_assert!(a.is_err() && n.is_err() && b.is_err());
                continue;
            }
            if let Ok(a) = a {
                prop_assert!(is_text(a.as_deref(), found[0]), "{:?} {:?}", a, found);
            }
            if let Ok(n) = n {
                prop_assert!(is_number(n, found[1]), "{} {:?}", n, found);
            }
            if let Ok(b) = b {
                prop_assert!(is_text(b.as_deref(), found[2]), "{:?} {:?}", b, found);
            }
        }
    }

    #[test]
    fn one_command(changes in changes()) {
        let body = changed(r#"{"result":"a\u00e9\"b12"}"#, &changes);
        let redis = redis(&body, JSON);
        let got = block_on(redis.get::<String>("k").into_future());
        if let (Ok(got), Ok(text)) = (got, std::str::from_utf8(&body))
            && let Some(raw) = result(text)
        {
            prop_assert!(is_text(got.as_deref(), Some(raw)), "{:?} {}", got, raw);
        }
    }

    #[test]
    fn pages_and_nested_replies(changes in changes()) {
        let body = changed(r#"{"result":["0",["a",["b",{"c":1.5}]]]}"#, &changes);
        let redis = redis(&body, JSON);
        block_on(async {
            let mut keys = redis.scan().stream::<Value>();
            // Where the cursor has become another one, the next page is the same.
            for _ in 0..5 {
                let _ = keys.next().await;
            }
            let _ = redis.xrange::<Vec<(String, f64)>>("s", "-", "+").await;
            let _ = redis.hgetall::<HashMap<String, Value>>("h").await;
            let _ = redis.get::<Bytes>("k").await;
        });
    }

    #[test]
    fn answers_in_resp2(changes in changes()) {
        let body = changed("*3\r\n$2\r\nab\r\n:-12\r\n*2\r\n$-1\r\n-ERR no\r\n", &changes);
        let redis = redis(&body, RESP2);
        block_on(async {
            let _ = redis.lrange::<Value>("k", 0, -1).resp2().await;
            let _ = redis.lrange::<String>("k", 0, -1).resp2().await;
            // As many values as there were commands, or none.
            let batch = [redis.command("ANY").query::<Value>(), redis.command("ANY").query()];
            let _ = redis.pipeline(batch).await;
        });
    }

    #[test]
    fn batches_in_resp2_that_do_not_add_up(count in 0_usize..6, asked in 1_usize..6) {
        let body = ":1\r\n".repeat(count);
        let redis = redis(body.as_bytes(), RESP2);
        let batch: Vec<_> = (0..asked).map(|_| redis.incr("n")).collect();
        let got = block_on(redis.pipeline(batch).into_future());
        prop_assert_eq!(got.is_ok(), count == asked);
    }
}
