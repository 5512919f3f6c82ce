//! Subscriptions and MONITOR as server-sent events: their frames, their end, and faults inside them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Rest, start, told, until};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use restis_local::Fault;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

const SILENCE: Duration = Duration::from_millis(150);
const REFUSED: &str = "ERR Command is not available: ";

/// A stream a client reads.
struct Stream {
    response: Response,
    seen: Vec<u8>,
}

impl Stream {
    async fn open(request: RequestBuilder) -> Self {
        let request = request.header("accept", "text/event-stream");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Self {
            response,
            seen: Vec::new(),
        }
    }

    /// As @upstash/redis asks for it.
    async fn of(rest: &Rest, path: &str) -> Self {
        Self::open(rest.request(Method::POST, path).body("[]")).await
    }

    /// Takes exactly this many bytes.
    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.seen.len() < count {
            let chunk = self.response.chunk().await.unwrap();
            self.seen.extend_from_slice(&chunk.expect("it goes on"));
        }
        self.seen.drain(..count).collect()
    }

    async fn expect(&mut self, text: &str) {
        let bytes = self.bytes(text.len()).await;
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }

    /// All that still comes, and whether the connection was then cut. `None` where it stays open.
    async fn rest(mut self) -> (Vec<u8>, Option<bool>) {
        loop {
            match tokio::time::timeout(SILENCE, self.response.chunk()).await {
                Err(_) => return (self.seen, None),
                Ok(Ok(None)) => return (self.seen, Some(false)),
                Ok(Err(_)) => return (self.seen, Some(true)),
                Ok(Ok(Some(chunk))) => self.seen.extend_from_slice(&chunk),
            }
        }
    }
}

/// What the server behind says about its clients.
struct Server(u16);

impl Server {
    async fn of(rest: &Rest) -> Self {
        Self(rest.open_port().await)
    }

    async fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0)).await.unwrap();
        let command = format!("{command}\r\nQUIT\r\n");
        stream.write_all(command.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// How many of its clients stream.
    async fn streams(&self) -> usize {
        let list = self.ask("CLIENT LIST").await;
        assert!(list.contains("cmd=client|list"), "{list}");
        let streams = ["cmd=subscribe ", "cmd=psubscribe ", "cmd=monitor "];
        list.lines()
            .filter(|line| streams.iter().any(|stream| line.contains(stream)))
            .count()
    }
}

#[tokio::test]
async fn messages_come_as_events() {
    let rest = Rest::new().await;
    let mut chat = Stream::of(&rest, "/subscribe/chat").await;
    chat.expect("data: subscribe,chat,1\n\n").await;
    assert_eq!(rest.run(r#"["PUBLISH","chat","hello"]"#).await, "1");
    chat.expect("data: message,chat,hello\n\n").await;
    assert_eq!(rest.get("/publish/chat/a,b").await.1, r#"{"result":1}"#);
    chat.expect("data: message,chat,a,b\n\n").await;
    rest.run(r#"["PUBLISH","chat",""]"#).await;
    chat.expect("data: message,chat,\n\n").await;
    let mut news = Stream::of(&rest, "/psubscribe/news.*").await;
    news.expect("data: psubscribe,news.*,1\n\n").await;
    rest.run(r#"["PUBLISH","news.a","x"]"#).await;
    news.expect("data: pmessage,news.*,news.a,x\n\n").await;
    // By GET, in any case, and with the token in the query.
    let url = format!("{}/SubScribe/chat?_token=local", rest.local.url());
    let mut get = Stream::open(rest.client.get(url)).await;
    get.expect("data: subscribe,chat,1\n\n").await;
    assert_eq!(rest.run(r#"["PUBLISH","chat","all"]"#).await, "2");
    get.expect("data: message,chat,all\n\n").await;
    chat.expect("data: message,chat,all\n\n").await;
}

#[tokio::test]
async fn a_path_may_name_several_channels() {
    let rest = Rest::new().await;
    let mut stream = Stream::of(&rest, "/subscribe/a%2Fb/c%20d/e+f/%F0%9F%98%80?x=1").await;
    stream
        .expect("data: subscribe,a/b,1\n\ndata: subscribe,c d,2\n\ndata: subscribe,e+f,3\n\ndata: subscribe,😀,4\n\n")
        .await;
    rest.run(r#"["PUBLISH","c d","1"]"#).await;
    stream.expect("data: message,c d,1\n\n").await;
    assert_eq!(
        rest.run(r#"["PUBSUB","NUMSUB","a/b"]"#).await,
        r#"["a/b",1]"#
    );
    let mut empty = Stream::of(&rest, "/subscribe/").await;
    empty.expect("data: subscribe,,1\n\n").await;
}

#[tokio::test]
async fn a_payload_arrives_whole() {
    let rest = Rest::new().await;
    let request = rest.request(Method::POST, "/subscribe/c");
    let mut stream = Stream::open(request.header("Upstash-Encoding", "base64")).await;
    stream.expect("data: subscribe,c,1\n\n").await;
    let table: [(&[u8], &[u8]); 6] = [
        (b"OK", b"data: message,c,OK\n\n"),
        (b"a\nb", b"data: message,c,a\ndata: b\n\n"),
        (b"\n\nx\n", b"data: message,c,\ndata: \ndata: x\ndata: \n\n"),
        (b"a\rb\r\n", b"data: message,c,a\rb\r\ndata: \n\n"),
        (
            b"data: x\n\ndata: y",
            b"data: message,c,data: x\ndata: \ndata: data: y\n\n",
        ),
        (b"\0\xff\xfe", b"data: message,c,\0\xff\xfe\n\n"),
    ];
    for (payload, expected) in table {
        rest.post("/publish/c", payload).await;
        let came = stream.bytes(expected.len()).await;
        assert_eq!(
            came.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }
    let large = "x".repeat(5_000_000);
    rest.post("/publish/c", large.clone()).await;
    stream.expect(&format!("data: message,c,{large}\n\n")).await;
}

#[tokio::test]
async fn monitor_shows_what_the_server_is_asked() {
    let rest = Rest::new().await;
    let mut stream = Stream::of(&rest, "/monitor").await;
    stream.expect("data: \"OK\"\n\n").await;
    rest.run(r#"["SET","k","a b\n"]"#).await;
    stream.expect("data: ").await;
    let mut line = Vec::new();
    while !line.ends_with(b"\n\n") {
        line.extend(stream.bytes(1).await);
    }
    let line = String::from_utf8(line).unwrap();
    let (time, command) = line.split_once(" [0 ").unwrap();
    assert!(time.parse::<f64>().unwrap() > 1e9, "{line}");
    assert!(
        command.ends_with("] \"SET\" \"k\" \"a b\\n\"\n\n"),
        "{line}"
    );
}

#[tokio::test]
async fn only_who_accepts_events_gets_them() {
    let rest = Rest::new().await;
    for path in ["/subscribe/c", "/psubscribe/*", "/monitor"] {
        for accept in ["*/*", "text/html", "application/json, text/event-streams"] {
            let request = rest.request(Method::POST, path).header("accept", accept);
            let (status, body) = told(request.send().await.unwrap()).await;
            assert!(status == 400 && body.contains(REFUSED), "{status} {body}");
        }
        let request = rest.request(Method::PUT, path);
        let request = request.header("accept", "text/event-stream");
        let (status, body) = told(request.send().await.unwrap()).await;
        assert!(status == 400 && body.contains(REFUSED), "{status} {body}");
    }
    let request = rest.request(Method::GET, "/subscribe/c");
    let request = request.header("accept", "application/json;q=0.1, Text/Event-Stream;q=1");
    assert_eq!(request.send().await.unwrap().status(), 200);
    // What accepts events beside others gets no events where there are none.
    let request = rest.request(Method::GET, "/ping");
    let request = request.header("accept", "text/event-stream");
    assert_eq!(
        told(request.send().await.unwrap()).await,
        (200, r#"{"result":"PONG"}"#.to_owned())
    );
}

#[tokio::test]
async fn what_the_server_refuses_is_an_error_and_no_stream() {
    let rest = Rest::new().await;
    for (path, expected) in [
        (
            "/subscribe",
            "wrong number of arguments for 'subscribe' command",
        ),
        (
            "/psubscribe",
            "wrong number of arguments for 'psubscribe' command",
        ),
    ] {
        let request = rest.request(Method::POST, path).body("[]");
        let request = request.header("accept", "text/event-stream");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        let expected = format!(r#"{{"error":"ERR {expected}"}}"#);
        assert_eq!(told(response).await, (400, expected));
    }
    let ask = async |path: &str, token: &str| {
        let url = format!("{}{path}", rest.local.url());
        let request = rest.client.get(url).bearer_auth(token);
        let request = request.header("accept", "text/event-stream");
        request.send().await.unwrap()
    };
    assert_eq!(ask("/subscribe/c", "wrong").await.status(), 401);
    assert_eq!(ask("/subscribe/c", "reader").await.status(), 200);
    assert_eq!(ask("/psubscribe/c", "reader").await.status(), 200);
    assert_eq!(
        told(ask("/monitor", "reader").await).await,
        (
            400,
            r#"{"error":"NOPERM this user has no permissions to run the 'monitor' command"}"#
                .to_owned()
        )
    );
}

#[tokio::test]
async fn a_stream_ends_with_its_client_and_with_restis_local() {
    let rest = Rest::new().await;
    let server = Server::of(&rest).await;
    let mut streams = Vec::new();
    for path in [
        "/subscribe/a",
        "/subscribe/a/b",
        "/psubscribe/*",
        "/monitor",
    ] {
        streams.push(Stream::of(&rest, path).await);
    }
    assert_eq!(server.streams().await, 4);
    // Nobody has to write for it to be noticed.
    drop(streams.pop());
    until("MONITOR has ended", async || server.streams().await == 3).await;
    drop(streams);
    until("all have ended", async || server.streams().await == 0).await;
    assert_eq!(rest.local.stats().await.unwrap().aborted, 0);
    for stop in [true, false] {
        let second = Rest::of(
            start(common::builder().redis(format!("redis://127.0.0.1:{}", server.0))).await,
        );
        let mut stream = Stream::of(&second, "/subscribe/a").await;
        stream.expect("data: subscribe,a,1\n\n").await;
        assert_eq!(server.streams().await, 1);
        if stop {
            second.local.stop().await;
        } else {
            drop(second.local);
        }
        until("it has ended", async || server.streams().await == 0).await;
        assert_eq!(stream.rest().await, (Vec::new(), Some(true)));
    }
}

#[tokio::test]
async fn a_stream_the_server_ends_is_cut_after_its_last_message() {
    let rest = Rest::new().await;
    let server = Server::of(&rest).await;
    let stream = Stream::of(&rest, "/subscribe/c").await;
    rest.run(r#"["PUBLISH","c","last"]"#).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(server.ask("CLIENT KILL TYPE pubsub").await.contains(":1"));
    let (bytes, cut) = stream.rest().await;
    assert_eq!(
        (String::from_utf8(bytes).unwrap().as_str(), cut),
        (
            "data: subscribe,c,1\n\ndata: message,c,last\n\n",
            Some(true)
        )
    );
    assert_eq!(rest.run(r#"["PING"]"#).await, "\"PONG\"");
}

#[tokio::test]
async fn what_a_client_does_not_read_is_not_kept_here() {
    let rest = Rest::new().await;
    let server = Server::of(&rest).await;
    // What is on its way is in the buffers of the sockets, which a machine may let grow beyond all that is sent here.
    let slow = TcpSocket::new_v4().unwrap();
    slow.set_recv_buffer_size(65_536).unwrap();
    let mut slow = slow.connect(rest.address().parse().unwrap()).await.unwrap();
    let request = rest.written("/subscribe/c", "");
    let request = request.replace("\r\n\r\n", "\r\naccept: text/event-stream\r\n\r\n");
    slow.write_all(request.as_bytes()).await.unwrap();
    until("it is subscribed", async || server.streams().await == 1).await;
    // The server takes no more for a subscriber that leaves 32 MB of its messages unread, sends him those, and ends it.
    let message = "x".repeat(8_000_000);
    for _ in 0..20 {
        rest.post("/publish/c", message.clone()).await;
    }
    let mut came = Vec::new();
    let _ = slow.read_to_end(&mut came).await;
    let kept = came.len();
    assert!(kept < 64_000_000, "{kept} of 160,000,000 bytes were kept");
}

#[tokio::test]
async fn a_stream_costs_its_command_and_no_more() {
    let rest = Rest::new().await;
    let port = rest.open_port().await;
    let password = ["CONFIG", "SET", "requirepass", "secret"];
    rest.local.administer(&password).await.unwrap();
    let url = format!("redis://:secret@127.0.0.1:{port}/2");
    let second = Rest::of(start(common::builder().redis(url)).await);
    let mut stream = Stream::of(&second, "/subscribe/c/d").await;
    stream.expect("data: subscribe,c,1\n\n").await;
    let stats = second.local.stats().await.unwrap();
    assert_eq!(stats.by_command, [("SUBSCRIBE".to_owned(), 1)].into());
    assert_eq!((stats.requests, stats.commands, stats.billed), (1, 1, 1));
}

#[tokio::test]
async fn a_stream_is_cut_at_every_byte() {
    let rest = Rest::new().await;
    let server = Server::of(&rest).await;
    let whole = "data: subscribe,c,1\n\ndata: message,c,a\ndata: b\n\n";
    for cut in 0..=whole.len() {
        rest.local
            .inject(Fault::truncate(cut as u64).path("/subscribe"));
        let stream = Stream::of(&rest, "/subscribe/c").await;
        rest.post("/publish/c", "a\nb").await;
        let (bytes, ended) = stream.rest().await;
        assert_eq!(
            (String::from_utf8_lossy(&bytes).as_ref(), ended),
            (&whole[..cut], Some(true))
        );
    }
    until("nothing is left", async || server.streams().await == 0).await;
    // One byte more than there are: it goes on.
    rest.local.inject(Fault::truncate(whole.len() as u64 + 1));
    let stream = Stream::of(&rest, "/subscribe/c").await;
    rest.post("/publish/c", "a\nb").await;
    let (bytes, ended) = stream.rest().await;
    assert_eq!((bytes.as_slice(), ended), (whole.as_bytes(), None));
    let stats = rest.local.stats().await.unwrap();
    assert_eq!((stats.faults, stats.aborted), (whole.len() as u64 + 2, 0));
}

#[tokio::test]
async fn other_faults_meet_a_stream_too() {
    let rest = Rest::new().await;
    let server = Server::of(&rest).await;
    for bytes in [0, 7] {
        rest.local.inject(Fault::stall(bytes));
        let stream = Stream::of(&rest, "/subscribe/c").await;
        rest.run(r#"["PUBLISH","c","x"]"#).await;
        let (came, ended) = stream.rest().await;
        assert_eq!((came.len() as u64, ended), (bytes, None));
    }
    until("the silent ones are gone", async || {
        rest.local.stats().await.unwrap().aborted == 2 && server.streams().await == 0
    })
    .await;
    let ask = || {
        let request = rest.request(Method::POST, "/subscribe/c");
        request.header("accept", "text/event-stream").send()
    };
    for fault in [Fault::drop_before(), Fault::drop_after()] {
        rest.local.inject(fault);
        assert!(ask().await.is_err());
    }
    rest.local.inject(Fault::status(503));
    assert_eq!(ask().await.unwrap().status(), 503);
    rest.local.inject(Fault::delay_answer(SILENCE * 2));
    assert!(tokio::time::timeout(SILENCE, ask()).await.is_err());
    until("nothing is left", async || server.streams().await == 0).await;
}
