//! What a hostile server answers: some two hundred ways to break HTTP, JSON, RESP2 and server-sent events.

use std::fmt::Write as _;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One command, answered by an object.
    Single,
    /// A pipeline or transaction of so many commands, answered by an array.
    Batch(usize),
    /// A stream of events.
    Events,
}

/// What comes behind the bytes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The connection is closed.
    Close,
    /// It is closed with a reset.
    Reset,
    /// Nothing comes, and the connection stays open.
    Hold,
    /// The next request of the connection is served.
    Serve,
    /// These bytes come again and again, as fast as they are read.
    Flood(&'static [u8]),
    /// These bytes come again and again, slowly.
    Drip(&'static [u8]),
}

/// One answer, byte by byte.
#[derive(Debug)]
pub struct Answer {
    /// Everything from the status line on.
    pub bytes: Vec<u8>,
    /// What follows.
    pub then: Then,
}

/// A kind of lie. Its answer depends on what was asked for.
#[derive(Clone, Debug)]
pub struct Lie {
    /// What is wrong.
    pub name: String,
    /// The entry of each command is this text.
    make: Make,
}

#[derive(Clone, Debug)]
enum Make {
    /// Each entry of a right answer in the framing is this JSON.
    Entry(String),
    /// The body is this, with a right head.
    Body(Vec<u8>),
    /// Right entries, but more or fewer by so many.
    Count(isize),
    /// A head in place of the right one, before a right body.
    Head(String),
    /// A status before a right body.
    Status(&'static str, &'static str),
    /// The body with these fields of the head and an end of its own.
    With(String, Vec<u8>, Then),
    /// All of it.
    Raw(Vec<u8>, Then),
    /// The body in RESP2.
    Resp2(Vec<u8>),
}

const CORS: &str = "access-control-allow-origin: *\r\n";
const JSON: &str = "content-type: application/json\r\n";
const EVENTS: &str = "content-type: text/event-stream\r\n";
const OCTETS: &str = "content-type: application/octet-stream\r\n";
/// Where a redirect leads to; the server puts the address of its second port here.
pub const ELSEWHERE: &str = "ELSEWHERE";

/// A right answer.
pub fn honest(form: Form) -> Answer {
    let answer = match form {
        Form::Events => (
            EVENTS,
            "data: subscribe,ch,1\n\ndata: message,ch,honest\n\n".to_owned(),
        ),
        _ => (JSON, entries(form, r#"{"result":"honest"}"#)),
    };
    let (kind, body) = answer;
    // A stream has no length.
    let length = match form {
        Form::Events => "connection: close\r\n".to_owned(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    let then = match form {
        Form::Events => Then::Hold,
        _ => Then::Close,
    };
    let bytes = format!("HTTP/1.1 200 OK\r\n{CORS}{kind}{length}\r\n{body}").into_bytes();
    Answer { bytes, then }
}

fn entries(form: Form, entry: &str) -> String {
    match form {
        Form::Single => entry.to_owned(),
        Form::Batch(count) => format!("[{}]", vec![entry; count].join(",")),
        Form::Events => format!("data: {entry}\n\n"),
    }
}

fn with_length(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\n{CORS}{kind}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

impl Lie {
    fn new(name: impl Into<String>, make: Make) -> Self {
        Self {
            name: name.into(),
            make,
        }
    }

    /// The answer to a request.
    pub fn answer(&self, form: Form) -> Answer {
        let right = entries(form, r#"{"result":"untrue"}"#);
        let kind = if form == Form::Events { EVENTS } else { JSON };
        let close = |bytes| Answer {
            bytes,
            then: Then::Close,
        };
        match &self.make {
            Make::Entry(entry) => close(with_length(kind, entries(form, entry).as_bytes())),
            Make::Body(body) => close(with_length(kind, body)),
            Make::Count(more) => {
                let count = match form {
                    Form::Batch(count) => count.saturating_add_signed(*more),
                    _ => 1usize.saturating_add_signed(*more),
                };
                let body = entries(Form::Batch(count), r#"{"result":"untrue"}"#);
                close(with_length(kind, body.as_bytes()))
            }
            Make::Head(head) => {
                let head = head.replace("LENGTH", &right.len().to_string());
                close(format!("{head}\r\n\r\n{right}").into_bytes())
            }
            Make::Status(status, fields) => close(
                format!(
                    "HTTP/1.1 {status}\r\n{CORS}{kind}{fields}content-length: {}\r\n\r\n{right}",
                    right.len()
                )
                .into_bytes(),
            ),
            Make::With(fields, body, then) => {
                let head = format!("HTTP/1.1 200 OK\r\n{CORS}{kind}{fields}\r\n");
                Answer {
                    bytes: [head.as_bytes(), body].concat(),
                    then: *then,
                }
            }
            Make::Raw(bytes, then) => Answer {
                bytes: bytes.clone(),
                then: *then,
            },
            Make::Resp2(body) => close(with_length(OCTETS, body)),
        }
    }
}

/// All of them.
pub fn lies() -> Vec<Lie> {
    let mut all = Vec::new();
    framing(&mut all);
    statuses(&mut all);
    heads(&mut all);
    encodings(&mut all);
    entries_of_json(&mut all);
    bodies_of_json(&mut all);
    resp2(&mut all);
    floods(&mut all);
    events(&mut all);
    all
}

fn framing(all: &mut Vec<Lie>) {
    let right = r#"{"result":"untrue"}"#;
    for (name, fields) in [
        ("length 0", "content-length: 0\r\n"),
        ("length short", "content-length: 5\r\n"),
        ("length long", "content-length: 1000\r\n"),
        ("length negative", "content-length: -1\r\n"),
        ("length with a sign", "content-length: +19\r\n"),
        ("length in words", "content-length: many\r\n"),
        ("length in hex", "content-length: 0x13\r\n"),
        ("length empty", "content-length: \r\n"),
        (
            "length beyond 64 bits",
            "content-length: 99999999999999999999999\r\n",
        ),
        ("length of 2^63", "content-length: 9223372036854775808\r\n"),
        ("length of 2^53", "content-length: 9007199254740993\r\n"),
        (
            "length twice, different",
            "content-length: 19\r\ncontent-length: 5\r\n",
        ),
        (
            "length twice, the same",
            "content-length: 19\r\ncontent-length: 19\r\n",
        ),
        ("length as a list", "content-length: 19, 19\r\n"),
        (
            "length and chunks",
            "content-length: 19\r\ntransfer-encoding: chunked\r\n",
        ),
        ("unknown transfer encoding", "transfer-encoding: rot13\r\n"),
        (
            "identity transfer encoding",
            "transfer-encoding: identity\r\n",
        ),
        (
            "gzip transfer encoding",
            "transfer-encoding: gzip, chunked\r\n",
        ),
        ("chunked twice", "transfer-encoding: chunked, chunked\r\n"),
        ("no length at all", ""),
    ] {
        all.push(Lie::new(
            name,
            Make::With(fields.to_owned(), right.as_bytes().to_vec(), Then::Close),
        ));
    }
    for (name, body) in [
        (
            "chunk size in words",
            "zz\r\n{\"result\":\"untrue\"}\r\n0\r\n\r\n",
        ),
        (
            "chunk size negative",
            "-13\r\n{\"result\":\"untrue\"}\r\n0\r\n\r\n",
        ),
        (
            "chunk size beyond 64 bits",
            "fffffffffffffffff\r\n{\"result\":\"untrue\"}",
        ),
        (
            "chunk size of 2^63",
            "7fffffffffffffff\r\n{\"result\":\"untrue\"}",
        ),
        (
            "chunk too short",
            "5\r\n{\"result\":\"untrue\"}\r\n0\r\n\r\n",
        ),
        (
            "chunk too long",
            "ff\r\n{\"result\":\"untrue\"}\r\n0\r\n\r\n",
        ),
        ("chunks without an end", "13\r\n{\"result\":\"untrue\"}\r\n"),
        (
            "chunk without its line end",
            "13\r\n{\"result\":\"untrue\"}0\r\n\r\n",
        ),
        (
            "trailers",
            "13\r\n{\"result\":\"untrue\"}\r\n0\r\nx: y\r\ncontent-length: 5\r\n\r\n",
        ),
        ("an empty body in chunks", "0\r\n\r\n"),
    ] {
        all.push(Lie::new(
            name,
            Make::With(
                "transfer-encoding: chunked\r\n".to_owned(),
                body.as_bytes().to_vec(),
                Then::Close,
            ),
        ));
    }
    let extension = format!("13;{}\r\n{right}\r\n0\r\n\r\n", "x".repeat(300_000));
    all.push(Lie::new(
        "a chunk extension of 300 KB",
        Make::With(
            "transfer-encoding: chunked\r\n".to_owned(),
            extension.into_bytes(),
            Then::Close,
        ),
    ));
}

fn statuses(all: &mut Vec<Lie>) {
    for status in [
        "000 Zero",
        "99 Low",
        "101 Switching Protocols",
        "201 Created",
        "202 Accepted",
        "203 Changed",
        "204 No Content",
        "205 Reset Content",
        "206 Partial Content",
        "207 Multi",
        "226 IM Used",
        "300 Multiple",
        "304 Not Modified",
        "305 Use Proxy",
        "400 Bad Request",
        "401 Unauthorized",
        "402 Payment",
        "403 Forbidden",
        "404 Not Found",
        "405 Method",
        "407 Proxy",
        "408 Timeout",
        "410 Gone",
        "413 Large",
        "414 Long",
        "415 Kind",
        "417 Expectation",
        "418 Teapot",
        "421 Misdirected",
        "425 Early",
        "426 Upgrade",
        "428 Required",
        "429 Many",
        "431 Fields",
        "451 Legal",
        "499 Closed",
        "500 Error",
        "501 None",
        "502 Gateway",
        "503 Busy",
        "504 Late",
        "505 Version",
        "507 Full",
        "508 Loop",
        "511 Login",
        "520 Odd",
        "599 Odd",
        "600 Odd",
        "999 Odd",
        "1000 Odd",
        "abc Words",
        "-1 Negative",
    ] {
        all.push(Lie::new(
            format!("a result with status {status}"),
            Make::Status(status, ""),
        ));
    }
    for location in [
        format!("location: http://{ELSEWHERE}/steal\r\n"),
        format!("location: //{ELSEWHERE}/steal\r\n"),
        "location: /followed\r\n".to_owned(),
        "location: followed\r\n".to_owned(),
        "location: \r\n".to_owned(),
        "location: file:///etc/passwd\r\n".to_owned(),
    ] {
        for status in ["301", "302", "303", "307", "308"] {
            let head =
                format!("HTTP/1.1 {status} Moved\r\n{CORS}{JSON}{location}content-length: LENGTH");
            all.push(Lie::new(
                format!("{status} {}", location.trim()),
                Make::Head(head),
            ));
        }
    }
    for after in [
        "0",
        "-1",
        "99999999999",
        "soon",
        "Fri, 31 Dec 1999 23:59:59 GMT",
        "",
    ] {
        let head = format!(
            "HTTP/1.1 429 Many\r\n{CORS}{JSON}retry-after: {after}\r\ncontent-length: LENGTH"
        );
        all.push(Lie::new(
            format!("429 and retry-after {after:?}"),
            Make::Head(head),
        ));
    }
}

fn heads(all: &mut Vec<Lie>) {
    for (name, start) in [
        ("HTTP/1.0", "HTTP/1.0 200 OK"),
        ("HTTP/2.0 in text", "HTTP/2.0 200 OK"),
        ("HTTP/9.9", "HTTP/9.9 200 OK"),
        ("no status", "HTTP/1.1"),
        ("no reason", "HTTP/1.1 200"),
        ("another protocol", "ICY 200 OK"),
        ("SSH", "SSH-2.0-OpenSSH_9.9"),
        ("RESP in place of HTTP", "-ERR unknown command 'POST'"),
        ("blanks before the status", "   HTTP/1.1 200 OK"),
        ("a line end before the status", "\r\nHTTP/1.1 200 OK"),
    ] {
        let head = format!("{start}\r\n{CORS}{JSON}content-length: LENGTH");
        all.push(Lie::new(name, Make::Head(head)));
    }
    let many: String = (0..10_000).fold(String::new(), |mut text, number| {
        let _ = write!(text, "x-{number}: y\r\n");
        text
    });
    let long = format!("x-long: {}\r\n", "y".repeat(1_000_000));
    let tokens = format!("upstash-sync-token: {}\r\n", "t".repeat(20_000));
    for (name, fields) in [
        ("10,000 fields", many.as_str()),
        ("a field of 1 MB", &long),
        ("a sync token of 20 KB", &tokens),
        ("NUL in a field", "x: a\0b\r\n"),
        ("a field without a colon", "nonsense\r\n"),
        ("a blank before the colon", "x : y\r\n"),
        ("an empty name", ": y\r\n"),
        ("a folded field", "x: a\r\n b\r\n"),
        ("bytes that are not ASCII", "x: \u{e9}\u{20ac}\r\n"),
        ("a name that is not ASCII", "\u{e9}: y\r\n"),
        ("a lone CR in a field", "x: a\rb\r\n"),
        ("content-type twice", "content-type: text/html\r\n"),
        ("content-type without sense", "content-type: ;;;=\r\n"),
        (
            "a charset that is none",
            "content-type: application/json; charset=utf-7\r\n",
        ),
        ("nothing ran, with a result", "restis-ran: no\r\n"),
        ("ran twice", "restis-ran: no\r\nrestis-ran: maybe\r\n"),
        ("an empty sync token", "upstash-sync-token: \r\n"),
        ("upgrade", "connection: upgrade\r\nupgrade: h2c\r\n"),
        (
            "keep-alive without an end",
            "connection: keep-alive\r\nkeep-alive: timeout=999999999\r\n",
        ),
        (
            "strict security headers",
            "content-security-policy: default-src 'none'\r\ncross-origin-resource-policy: same-origin\r\n",
        ),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{CORS}{JSON}{fields}content-length: LENGTH");
        all.push(Lie::new(name, Make::Head(head)));
    }
    let bare = format!("HTTP/1.1 200 OK\n{JSON}content-length: 19\n\n{{\"result\":\"untrue\"}}");
    let bare = bare.replace("\r\n", "\n").into_bytes();
    all.push(Lie::new("bare line feeds", Make::Raw(bare, Then::Close)));
    all.push(Lie::new(
        "no head",
        Make::Raw(b"{\"result\":\"untrue\"}".to_vec(), Then::Close),
    ));
    all.push(Lie::new(
        "half a head",
        Make::Raw(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(), Then::Close),
    ));
    all.push(Lie::new("nothing", Make::Raw(Vec::new(), Then::Close)));
    all.push(Lie::new(
        "two answers",
        Make::Raw(
            [honest(Form::Single).bytes, honest(Form::Single).bytes].concat(),
            Then::Close,
        ),
    ));
}

fn encodings(all: &mut Vec<Lie>) {
    let right = br#"{"result":"untrue"}"#;
    for encoding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "gzip, gzip, gzip",
        "nonsense",
        "identity",
    ] {
        all.push(Lie::new(
            format!("{encoding} that is none"),
            Make::With(
                format!(
                    "content-encoding: {encoding}\r\ncontent-length: {}\r\n",
                    right.len()
                ),
                right.to_vec(),
                Then::Close,
            ),
        ));
    }
    let bomb = gzip_of_blanks(64 * 1024 * 1024);
    all.push(Lie::new(
        "a gzip bomb",
        Make::With(
            format!(
                "content-encoding: gzip\r\ncontent-length: {}\r\n",
                bomb.len()
            ),
            bomb,
            Then::Close,
        ),
    ));
    for (name, text) in [
        ("text that is not base64", "untrue!"),
        ("base64 without its end", "aG9uZXN"),
        ("base64 with blanks", "aG9u ZXN0"),
        ("base64 with line ends", "aG9u\\r\\nZXN0"),
        ("base64 twice", "YUc5dVpYTjA="),
        ("base64 of another alphabet", "-_-_"),
        ("base64 with too many ends", "aG9uZXN0===="),
    ] {
        all.push(Lie::new(
            name,
            Make::Entry(format!("{{\"result\":\"{text}\"}}")),
        ));
    }
}

fn entries_of_json(all: &mut Vec<Lie>) {
    let nested = |open: &str, close: &str, depth: usize| {
        format!(
            "{{\"result\":{}1{}}}",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    let long = |text: &str, count: usize| format!("{{\"result\":{}}}", text.repeat(count));
    for (name, entry) in [
        ("true", r#"{"result":true}"#.to_owned()),
        ("false", r#"{"result":false}"#.to_owned()),
        ("-0", r#"{"result":-0}"#.to_owned()),
        ("1e999999", r#"{"result":1e999999}"#.to_owned()),
        ("1e-999999", r#"{"result":1e-999999}"#.to_owned()),
        ("NaN", r#"{"result":NaN}"#.to_owned()),
        ("Infinity", r#"{"result":Infinity}"#.to_owned()),
        ("hex", r#"{"result":0x10}"#.to_owned()),
        ("a leading zero", r#"{"result":007}"#.to_owned()),
        ("a plus sign", r#"{"result":+1}"#.to_owned()),
        (
            "a number that ends with a dot",
            r#"{"result":1.}"#.to_owned(),
        ),
        ("2 MB of digits", long("7", 2_000_000)),
        ("500 KB of digits", long("7", 500_000)),
        ("arrays 10,000 deep", nested("[", "]", 10_000)),
        ("arrays 200,000 deep", nested("[", "]", 200_000)),
        ("objects 50,000 deep", nested("{\"a\":", "}", 50_000)),
        ("arrays that do not end", "{\"result\":[[[[[[".to_owned()),
        ("an object", r#"{"result":{}}"#.to_owned()),
        (
            "an object of __proto__",
            r#"{"result":{"__proto__":{"polluted":true}},"__proto__":{"polluted":true}}"#
                .to_owned(),
        ),
        ("an array", r#"{"result":[]}"#.to_owned()),
        (
            "an array of nulls",
            r#"{"result":[null,null,null]}"#.to_owned(),
        ),
        (
            "an error in the result",
            r#"{"result":{"error":"ERR x"}}"#.to_owned(),
        ),
        ("half a surrogate pair", r#"{"result":"\ud800"}"#.to_owned()),
        ("the other half", r#"{"result":"\udc00x"}"#.to_owned()),
        ("an escape that is none", r#"{"result":"\x41"}"#.to_owned()),
        ("half an escape", r#"{"result":"\u12"}"#.to_owned()),
        ("NUL as an escape", r#"{"result":"\u0000"}"#.to_owned()),
        ("NUL as it is", "{\"result\":\"\0\"}".to_owned()),
        (
            "control characters",
            "{\"result\":\"\u{1}\u{1b}[2J\n\"}".to_owned(),
        ),
        (
            "a name as an escape",
            r#"{"\u0072esult":"untrue"}"#.to_owned(),
        ),
        ("another case", r#"{"Result":"untrue"}"#.to_owned()),
        ("no name", r#"{"":"untrue"}"#.to_owned()),
        ("neither", "{}".to_owned()),
        ("both", r#"{"result":"untrue","error":"ERR x"}"#.to_owned()),
        (
            "result twice",
            r#"{"result":"one","result":"two"}"#.to_owned(),
        ),
        ("error twice", r#"{"error":"one","error":"two"}"#.to_owned()),
        (
            "100,000 members",
            format!("{{{}\"result\":1}}", "\"a\":1,".repeat(100_000)),
        ),
        ("error is null", r#"{"error":null}"#.to_owned()),
        ("error is empty", r#"{"error":""}"#.to_owned()),
        ("error is a number", r#"{"error":7}"#.to_owned()),
        (
            "error is an object",
            r#"{"error":{"message":"x"}}"#.to_owned(),
        ),
        ("error is an array", r#"{"error":["ERR"]}"#.to_owned()),
        (
            "error of 500 KB",
            format!("{{\"error\":\"{}\"}}", "ERR ".repeat(125_000)),
        ),
        (
            "error with control characters",
            r#"{"error":"ERR \u001b[31m\r\nred\u202e"}"#.to_owned(),
        ),
        (
            "NOSCRIPT for all",
            r#"{"error":"NOSCRIPT No matching script. Please use EVAL."}"#.to_owned(),
        ),
        (
            "LOADING for ever",
            r#"{"error":"LOADING Redis is loading the dataset in memory"}"#.to_owned(),
        ),
        ("no entry but null", "null".to_owned()),
        ("no entry but a number", "1".to_owned()),
        ("no entry but text", r#""untrue""#.to_owned()),
        ("a trailing comma", r#"{"result":"untrue",}"#.to_owned()),
        ("a comment", r#"{"result":"untrue"/**/}"#.to_owned()),
        ("other quotes", "{'result':'untrue'}".to_owned()),
        (
            "a byte order mark inside",
            "{\u{feff}\"result\":\"untrue\"}".to_owned(),
        ),
    ] {
        all.push(Lie::new(format!("entry: {name}"), Make::Entry(entry)));
    }
    for more in [-1, 1, 3, 1000] {
        all.push(Lie::new(
            format!("{more} entries too many"),
            Make::Count(more),
        ));
    }
}

fn bodies_of_json(all: &mut Vec<Lie>) {
    for (name, body) in [
        ("empty", &b""[..]),
        ("blanks", b"   \r\n\t "),
        (
            "a byte order mark twice",
            b"\xef\xbb\xbf\xef\xbb\xbf{\"result\":1}",
        ),
        ("UTF-16", b"\xff\xfe{\0\"\0r\0"),
        ("bytes that are not UTF-8", b"{\"result\":\"\xff\xfe\x80\"}"),
        ("an overlong NUL", b"{\"result\":\"\xc0\x80\"}"),
        ("a surrogate in UTF-8", b"{\"result\":\"\xed\xa0\x80\"}"),
        ("two documents", b"{\"result\":1}{\"result\":2}"),
        ("a document and noise", b"{\"result\":1}noise"),
        ("a page", b"<!doctype html><title>Log in</title>"),
        ("a page in an array", b"[<html>]"),
        ("an array of arrays", b"[[{\"result\":1}]]"),
        ("an array that does not end", b"[{\"result\":1},"),
        ("JSON that a script runs", b")]}',\n{\"result\":1}"),
        ("zeros", &[0; 4096]),
        ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ] {
        all.push(Lie::new(format!("body: {name}"), Make::Body(body.to_vec())));
    }
}

fn resp2(all: &mut Vec<Lie>) {
    let deep = "*1\r\n".repeat(100_000);
    for (name, body) in [
        ("half a text", "$5\r\nab"),
        ("a length of -2", "$-2\r\n"),
        ("a length of 2^40", "$1099511627776\r\nab\r\n"),
        ("a length beyond 64 bits", "$99999999999999999999\r\n"),
        ("a length with a sign", "$+5\r\nhello\r\n"),
        ("an array of 2^31", "*2147483647\r\n"),
        ("an array of 2^63", "*9223372036854775807\r\n:1\r\n"),
        ("an array of -5", "*-5\r\n"),
        ("an array that is cut", "*3\r\n:1\r\n"),
        ("arrays 100,000 deep", deep.as_str()),
        ("a number of words", ":many\r\n"),
        ("a number beyond 64 bits", ":9223372036854775808\r\n"),
        ("an empty number", ":\r\n"),
        ("an empty error", "-\r\n"),
        ("an empty status", "+\r\n"),
        ("a text too long", "$3\r\nabcde\r\n"),
        ("line feeds alone", "+OK\n"),
        ("a map of RESP3", "%1\r\n+a\r\n:1\r\n"),
        ("a null of RESP3", "_\r\n"),
        ("a double of RESP3", ",1.5\r\n"),
        ("a set of RESP3", "~2\r\n:1\r\n:2\r\n"),
        ("a push of RESP3", ">1\r\n+x\r\n"),
        ("a streamed text of RESP3", "$?\r\n;4\r\nabcd\r\n;0\r\n"),
        (
            "more replies than commands",
            "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
        ),
        ("JSON", r#"{"result":"untrue"}"#),
        ("nothing", ""),
    ] {
        all.push(Lie::new(
            format!("RESP2: {name}"),
            Make::Resp2(body.as_bytes().to_vec()),
        ));
    }
}

fn floods(all: &mut Vec<Lie>) {
    let chunk = b"10\r\n                \r\n";
    for (name, fields, body, then) in [
        (
            "blanks in chunks",
            "transfer-encoding: chunked\r\n",
            "",
            Then::Flood(chunk),
        ),
        ("blanks until the end", "", "", Then::Flood(&[b' '; 1024])),
        ("a text", "", "{\"result\":\"", Then::Flood(&[b'a'; 1024])),
        (
            "escapes",
            "",
            "{\"result\":\"",
            Then::Flood(b"\\u0041\\\\\\\""),
        ),
        ("arrays", "", "{\"result\":", Then::Flood(&[b'['; 1024])),
        ("digits", "", "{\"result\":", Then::Flood(&[b'7'; 1024])),
        ("entries", "", "[", Then::Flood(b"{\"result\":1},")),
        ("members", "", "{", Then::Flood(b"\"a\":1,")),
        ("zeros", "", "", Then::Flood(&[0; 1024])),
        (
            "empty chunks of one byte",
            "transfer-encoding: chunked\r\n",
            "",
            Then::Flood(b"1\r\n \r\n"),
        ),
        (
            "a body, byte by byte",
            "",
            "{\"result\":\"",
            Then::Drip(b"a"),
        ),
        (
            "a body that stops",
            "content-length: 1000\r\n",
            "{\"result\"",
            Then::Hold,
        ),
        (
            "a body that is cut",
            "content-length: 1000\r\n",
            "{\"result\"",
            Then::Reset,
        ),
        (
            "chunks that stop",
            "transfer-encoding: chunked\r\n",
            "5\r\n{\"res",
            Then::Hold,
        ),
        ("no body, and no end", "", "", Then::Hold),
    ] {
        all.push(Lie::new(
            format!("flood: {name}"),
            Make::With(fields.to_owned(), body.as_bytes().to_vec(), then),
        ));
    }
    for (name, start, then) in [
        (
            "fields without an end",
            "HTTP/1.1 200 OK\r\n",
            Then::Flood(b"x-field: value\r\n"),
        ),
        (
            "one field without an end",
            "HTTP/1.1 200 OK\r\nx: ",
            Then::Flood(&[b'x'; 1024]),
        ),
        (
            "a status line without an end",
            "HTTP/1.1 200 ",
            Then::Flood(&[b'x'; 1024]),
        ),
        (
            "informational answers without an end",
            "",
            Then::Flood(b"HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n"),
        ),
        (
            "continue without an end",
            "",
            Then::Flood(b"HTTP/1.1 100 Continue\r\n\r\n"),
        ),
        ("line ends", "", Then::Flood(b"\r\n")),
        ("noise", "", Then::Flood(b"noise")),
        (
            "a head, byte by byte",
            "HTTP/1.1 200 OK\r\nx: ",
            Then::Drip(b"y"),
        ),
        (
            "fields, one by one",
            "HTTP/1.1 200 OK\r\n",
            Then::Drip(b"x: y\r\n"),
        ),
        (
            "half a head and silence",
            "HTTP/1.1 200 OK\r\nx",
            Then::Hold,
        ),
        ("silence", "", Then::Hold),
        ("a reset", "", Then::Reset),
        ("a reset in the head", "HTTP/1.1 200 OK\r\n", Then::Reset),
    ] {
        let name = format!("flood: {name}");
        all.push(Lie::new(name, Make::Raw(start.as_bytes().to_vec(), then)));
    }
}

fn events(all: &mut Vec<Lie>) {
    for (name, body, then) in [
        ("no confirmation", "data: message,ch,x\n\n", Then::Close),
        (
            "a confirmation of another",
            "data: subscribe,other,1\n\n",
            Then::Close,
        ),
        (
            "a confirmation without a count",
            "data: subscribe,ch\n\n",
            Then::Close,
        ),
        (
            "a count beyond all numbers",
            "data: subscribe,ch,99999999999999999999999\n\n",
            Then::Close,
        ),
        (
            "confirmations without an end",
            "",
            Then::Flood(b"data: subscribe,ch,1\n\n"),
        ),
        (
            "messages without an end",
            "data: subscribe,ch,1\n\n",
            Then::Flood(b"data: message,ch,x\n\n"),
        ),
        (
            "messages of others without an end",
            "data: subscribe,ch,1\n\n",
            Then::Flood(b"data: message,other,x\n\n"),
        ),
        (
            "comments without an end",
            "data: subscribe,ch,1\n\n",
            Then::Flood(b": beat\n\n"),
        ),
        (
            "one comment without an end",
            "data: subscribe,ch,1\n\n: ",
            Then::Flood(&[b'x'; 1024]),
        ),
        (
            "one event without an end",
            "data: subscribe,ch,1\n\ndata: message,ch,",
            Then::Flood(&[b'x'; 1024]),
        ),
        (
            "lines of one event without an end",
            "data: subscribe,ch,1\n\ndata: message,ch,",
            Then::Flood(b"\ndata: x"),
        ),
        (
            "empty lines without an end",
            "data: subscribe,ch,1\n\n",
            Then::Flood(b"\n"),
        ),
        (
            "carriage returns without an end",
            "data: subscribe,ch,1\r\n\r\n",
            Then::Flood(b"\r"),
        ),
        (
            "an event, byte by byte",
            "data: subscribe,ch,1\n\ndata: message,ch,",
            Then::Drip(b"x"),
        ),
        (
            "commas",
            "data: subscribe,ch,1\n\ndata: message,ch,,,,,,,,,\n\n",
            Then::Close,
        ),
        (
            "an end of the subscription",
            "data: subscribe,ch,1\n\ndata: unsubscribe,ch,0\n\n",
            Then::Close,
        ),
        (
            "confirmed and gone",
            "data: subscribe,ch,1\n\n",
            Then::Close,
        ),
        (
            "confirmed and reset",
            "data: subscribe,ch,1\n\n",
            Then::Reset,
        ),
        (
            "ids and retries",
            "id: 1\nretry: 0\nretry: 99999999999999999999\nevent: \n\n",
            Then::Close,
        ),
        (
            "bytes that are not UTF-8",
            "data: subscribe,ch,1\n\ndata: message,ch,\u{fffd}\n\n",
            Then::Close,
        ),
        ("a result", "{\"result\":\"untrue\"}", Then::Close),
    ] {
        let make = Make::With(
            "connection: close\r\n".to_owned(),
            body.as_bytes().to_vec(),
            then,
        );
        all.push(Lie::new(format!("events: {name}"), make));
    }
}

/// So many blanks as gzip, written by hand: stored and run-length blocks need a deflater, which is not needed for one body. Of a
/// fixed Huffman block: a blank, and then copies of 258 bytes from one byte before.
fn gzip_of_blanks(count: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with fixed codes.
    bits.push(1, 1);
    bits.push(1, 2);
    // Literals from 0 to 143 have 8 bits from 0x30 on, most significant first.
    bits.push_reversed(0x30 + u32::from(b' '), 8);
    for _ in 0..count / 258 {
        // Length 258 is code 285, which is 8 bits from 0xc0 on for 280; distance 1 is code 0 of 5 bits.
        bits.push_reversed(0xc0 + 5, 8);
        bits.push(0, 5);
    }
    // The end of the block.
    bits.push(0, 7);
    let total = 1 + count / 258 * 258;
    let mut all = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    all.extend(bits.bytes);
    // A checksum that is wrong: what has read so far has read too much.
    all.extend([0; 4]);
    all.extend(u32::try_from(total).unwrap_or(0).to_le_bytes());
    all
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// Least significant first.
    fn push(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut()
                && value >> bit & 1 == 1
            {
                *last |= 1 << self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// Most significant first, as the codes of Huffman are.
    fn push_reversed(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.push(value >> bit & 1, 1);
        }
    }
}
