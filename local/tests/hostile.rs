//! A hostile client: whatever it writes, it gets a clear refusal or a closed connection in bounded time, nothing of it runs, and a
//! normal client beside it is served.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Rest, builder, start};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

const INCR: &str = r#"["INCR","n"]"#;
/// What takes longer than this hangs: heads and bodies have half a second.
const HANGS: Duration = Duration::from_secs(60);

/// Writes bytes, and reads all that comes until the connection ends.
async fn told(rest: &Rest, bytes: &[u8], what: &str) -> String {
    let mut stream = TcpStream::connect(rest.address()).await.unwrap();
    // A refusal may come, and the connection be closed, before all of it is written.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    match timeout(HANGS, stream.read_to_end(&mut answer)).await {
        // A reset counts as an end too.
        Ok(_) => String::from_utf8_lossy(&answer).into_owned(),
        Err(_) => panic!("{what} hangs"),
    }
}

/// The status of each answer in what a connection brought.
fn statuses(answer: &str) -> Vec<u16> {
    let starts = answer.match_indices("HTTP/1.1 ");
    starts
        .filter_map(|(at, head)| {
            answer
                .get(at + head.len()..at + head.len() + 3)?
                .parse()
                .ok()
        })
        .collect()
}

async fn server() -> Rest {
    let short = Duration::from_millis(500);
    Rest::of(start(builder().head_timeout(short).body_timeout(short)).await)
}

/// A head with these fields, which may be wrong, and what follows it.
fn request(host: &str, line: &str, fields: &str, body: &str) -> Vec<u8> {
    format!("{line}\r\nhost: {host}\r\nauthorization: Bearer local\r\n{fields}\r\n{body}")
        .into_bytes()
}

#[tokio::test]
async fn requests_that_two_readers_could_read_differently_run_nothing() {
    let rest = server().await;
    let host = rest.address().to_owned();
    let length = format!("content-length: {}\r\n", INCR.len());
    let chunked = format!("{:x}\r\n{INCR}\r\n0\r\n\r\n", INCR.len());
    let post = "POST / HTTP/1.1";
    let mut cases: Vec<(&str, Vec<u8>)> = Vec::new();
    for (what, fields) in [
        ("two lengths", format!("{length}content-length: 3\r\n")),
        ("a list of lengths", "content-length: 12, 3\r\n".to_owned()),
        ("a negative length", "content-length: -12\r\n".to_owned()),
        ("a signed length", "content-length: +12\r\n".to_owned()),
        ("a length in hex", "content-length: 0xc\r\n".to_owned()),
        ("a length in words", "content-length: twelve\r\n".to_owned()),
        ("an empty length", "content-length: \r\n".to_owned()),
        (
            "a length of 2^64",
            "content-length: 18446744073709551616\r\n".to_owned(),
        ),
        (
            "an unknown encoding",
            "transfer-encoding: rot13\r\n".to_owned(),
        ),
        (
            "gzip as the last encoding",
            "transfer-encoding: chunked, gzip\r\n".to_owned(),
        ),
        (
            "identity",
            format!("transfer-encoding: identity\r\n{length}"),
        ),
        (
            "a blank before the colon",
            format!("content-length : {}\r\n", INCR.len()),
        ),
        ("a folded field", format!("x: a\r\n b\r\n{length}")),
        ("NUL in a name", format!("x\0y: a\r\n{length}")),
        ("NUL in a value", format!("x: a\0b\r\n{length}")),
        ("a lone CR in a value", format!("x: a\rb\r\n{length}")),
        ("a field without a colon", format!("nonsense\r\n{length}")),
        ("an empty name", format!(": a\r\n{length}")),
        ("a name with a blank", format!("x y: a\r\n{length}")),
        ("a name that is not ASCII", format!("\u{e9}: a\r\n{length}")),
        ("two hosts", format!("host: other.example\r\n{length}")),
    ] {
        cases.push((what, request(&host, post, &fields, INCR)));
    }
    for (what, body) in [
        ("a chunk size in words", "zz\r\n".to_owned() + INCR),
        ("a negative chunk", "-c\r\n".to_owned() + INCR),
        ("a chunk of 2^64", "10000000000000000\r\n".to_owned() + INCR),
        (
            "a chunk without its line end",
            format!("{:x}\r\n{INCR}0\r\n\r\n", INCR.len()),
        ),
        (
            "a chunk that is too short",
            format!("3\r\n{INCR}\r\n0\r\n\r\n"),
        ),
        (
            "a chunk size with a blank in it",
            format!("0 c\r\n{INCR}\r\n0\r\n\r\n"),
        ),
        ("an empty chunk size", format!("\r\n{INCR}\r\n0\r\n\r\n")),
        (
            "a chunk extension of 100 KB",
            format!("c;{}\r\n{INCR}\r\n0\r\n\r\n", "x".repeat(100_000)),
        ),
    ] {
        cases.push((
            what,
            request(&host, post, "transfer-encoding: chunked\r\n", &body),
        ));
    }
    for (what, line) in [
        ("no version", "POST /"),
        ("no path", "POST HTTP/1.1"),
        ("another version", "POST / HTTP/9.9"),
        ("HTTP/2 in text", "PRI * HTTP/2.0"),
        ("blanks in the path", "POST /a b HTTP/1.1"),
        ("NUL in the path", "POST /a\0b HTTP/1.1"),
        ("a method with a NUL", "PO\0ST / HTTP/1.1"),
        (
            "a method of a megabyte",
            &["X".repeat(1_000_000), " / HTTP/1.1".to_owned()].concat(),
        ),
        ("an authority", "CONNECT other.example:443 HTTP/1.1"),
        ("a star", "OPTIONS * HTTP/1.1"),
        ("TRACE", "TRACE / HTTP/1.1"),
        ("PATCH", "PATCH / HTTP/1.1"),
        ("DELETE", "DELETE /del/n HTTP/1.1"),
        (
            "a path of 300 KB",
            &format!("POST /{} HTTP/1.1", "a".repeat(300_000)),
        ),
        (
            "a query of 300 KB",
            &format!("POST /?a={} HTTP/1.1", "%61".repeat(100_000)),
        ),
        ("TLS", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03"),
        ("RESP", "*2\r\n$4\r\nINCR\r\n$1\r\nn"),
    ] {
        cases.push((what, request(&host, line, &length, INCR)));
    }
    let fields = "x: y\r\n".repeat(10_000);
    cases.push((
        "10,000 fields",
        request(&host, post, &format!("{fields}{length}"), INCR),
    ));
    let field = format!("x: {}\r\n", "y".repeat(1_000_000));
    cases.push((
        "a field of a megabyte",
        request(&host, post, &format!("{field}{length}"), INCR),
    ));
    let others = request("other.example", post, &length, INCR);
    cases.push(("the host of another", others));
    // Both a length and chunks: the one that HTTP gives way to is not read as a second request.
    let both = request(
        &host,
        post,
        &format!("{length}transfer-encoding: chunked\r\n"),
        &chunked,
    );
    assert!(cases.len() >= 45, "{}", cases.len());
    for (what, bytes) in &cases {
        let answer = told(&rest, bytes, what).await;
        let found = statuses(&answer);
        assert!(
            found
                .iter()
                .all(|status| (400..=599).contains(status) || *status == 204),
            "{what}: {answer}"
        );
        assert_eq!(rest.run(r#"["GET","n"]"#).await, "null", "{what}: {answer}");
    }
    let answer = told(&rest, &both, "both").await;
    assert!(statuses(&answer).len() <= 1, "{answer}");
    let counted = rest.run(r#"["GET","n"]"#).await;
    assert!(matches!(&*counted, "null" | r#""1""#), "{counted}");
}

#[tokio::test]
async fn bodies_that_are_bombs_are_refused_and_nothing_of_them_runs() {
    let rest = server().await;
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(200_000), close.repeat(200_000));
    for (what, body) in [
        ("arrays 200,000 deep", deep("[", "]")),
        ("objects 200,000 deep", deep("{\"a\":", "}")),
        ("arrays that do not end", "[".repeat(1_000_000)),
        (
            "a number of a megabyte",
            format!("[\"INCRBY\",\"n\",{}]", "9".repeat(1_000_000)),
        ),
        (
            "a number beyond all numbers",
            r#"["INCRBY","n",1e999999]"#.to_owned(),
        ),
        ("an object as an argument", r#"["INCR",{"a":1}]"#.to_owned()),
        (
            "half a surrogate pair as the command",
            r#"["\ud800","n"]"#.to_owned(),
        ),
        ("an escape that is none", r#"["INCR","\x6e"]"#.to_owned()),
        ("a trailing comma", r#"["INCR","n",]"#.to_owned()),
        ("two documents", r#"["INCR","n"]["INCR","n"]"#.to_owned()),
        ("noise behind it", r#"["INCR","n"]noise"#.to_owned()),
        ("an empty array", "[]".to_owned()),
        ("an empty command", r#"[""]"#.to_owned()),
        ("null", "null".to_owned()),
        ("text", r#""INCR""#.to_owned()),
        ("a command with line ends", "[\"INCR\\r\\nn\"]".to_owned()),
        (
            "11 MB",
            format!("[\"SET\",\"k\",\"{}\"]", "x".repeat(11_000_000)),
        ),
    ] {
        for path in ["/", "/pipeline", "/multi-exec"] {
            let (status, answer) = rest.post(path, body.clone()).await;
            // Each command of a pipeline has an error of its own.
            let is_refused = (400..=413).contains(&status)
                || path == "/pipeline"
                    && answer.starts_with(r#"[{"error":"#)
                    && !answer.contains("result");
            assert!(is_refused, "{what} to {path}: {status} {answer}");
            // An error quotes no megabyte.
            assert!(answer.len() < 10_000, "{what} to {path}: {}", answer.len());
        }
        assert_eq!(rest.run(r#"["GET","n"]"#).await, "null", "{what}");
    }
}

#[tokio::test]
async fn requests_one_behind_the_other_are_answered_in_their_order() {
    let rest = server().await;
    let one = |n: usize| {
        let body = format!(r#"["ECHO","answer {n}"]"#);
        rest.written("/", &body)
    };
    let last = one(199).replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let many: String = (0..199).map(one).collect::<String>() + &last;
    // In one piece, and in pieces that cut heads and bodies.
    for size in [many.len(), 7, 1000] {
        let mut stream = TcpStream::connect(rest.address()).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let write = async {
            for piece in many.as_bytes().chunks(size) {
                writer.write_all(piece).await.unwrap();
            }
        };
        let mut answer = Vec::new();
        let read = timeout(HANGS, reader.read_to_end(&mut answer));
        let ((), read) = tokio::join!(write, read);
        read.unwrap().unwrap();
        let text = String::from_utf8(answer).unwrap();
        let found: Vec<&str> = text.split("{\"result\":\"answer ").skip(1).collect();
        assert_eq!(found.len(), 200, "in pieces of {size}");
        for (n, rest) in found.iter().enumerate() {
            assert!(rest.starts_with(&format!("{n}\"}}")), "{n}: {rest}");
        }
    }
    // One that is wrong ends the connection: what is behind it may be a part of it.
    let wrong = one(0) + "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n" + &rest.written("/", INCR);
    let answer = told(&rest, wrong.as_bytes(), "a wrong one in the middle").await;
    assert_eq!(statuses(&answer).first(), Some(&200), "{answer}");
    assert_eq!(rest.run(r#"["GET","n"]"#).await, "null", "{answer}");
}

#[tokio::test]
async fn slow_and_silent_connections_take_no_service_from_others() {
    let rest = server().await;
    let mut held = Vec::new();
    let part = rest.written("/", INCR);
    for number in 0..300 {
        let mut stream = TcpStream::connect(rest.address()).await.unwrap();
        // Silent, with half a head, with a head alone, with all but a byte; and one that listens and never reads.
        let upto = [0, 20, part.len() - INCR.len(), part.len() - 1][number % 4];
        stream.write_all(&part.as_bytes()[..upto]).await.unwrap();
        held.push(stream);
    }
    let subscribe = format!(
        "GET /subscribe/ch HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer local\r\naccept: text/event-stream\r\n\r\n",
        rest.address()
    );
    let mut deaf = TcpStream::connect(rest.address()).await.unwrap();
    deaf.write_all(subscribe.as_bytes()).await.unwrap();
    for _ in 0..20 {
        let served = timeout(HANGS, rest.run(r#"["PING"]"#)).await;
        assert_eq!(served.unwrap(), r#""PONG""#);
        let message = format!(r#"["PUBLISH","ch","{}"]"#, "x".repeat(1_000_000));
        rest.run(&message).await;
    }
    // Each of them is ended by the server, and nothing of them has run.
    for mut stream in held {
        let mut answer = Vec::new();
        let ended = timeout(HANGS, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "a connection is kept");
    }
    assert_eq!(rest.run(r#"["GET","n"]"#).await, "null");
}
