//! What a subscription reads, on streams by a script: cut anywhere, garbled, endless, shared by several channels.

use std::{
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, stream};
use restis::{
    Bytes, Event, GapReason, Json, Redis, Retry,
    transport::{Body, Request, Response, TransportError},
};

use crate::streams::{
    Broken, CHAT, Eof, Piece, Reply, Saw, Server, Silence, events, message, next, saw,
};

#[tokio::test(start_paused = true)]
async fn the_request_is_the_one_the_server_knows() {
    let (redis, server) = Server::redis(|_, _| {
        events(
            "data: subscribe,a/b?c#d%, é+.,1\n\ndata: message,a/b?c#d%, é+.,x\n\n",
            Silence,
        )
    });
    let mut stream = redis.subscribe::<String>("a/b?c#d%, é+.").await.unwrap();
    assert_eq!(next(&mut stream).await, message("x"));
    let (seen, _) = server.seen.lock().unwrap()[0].clone();
    assert_eq!(
        seen.url,
        "https://mock.example/base/subscribe/a%2Fb%3Fc%23d%25%2C%20%C3%A9%2B."
    );
    let header = |name: &str, value: &str| {
        seen.headers
            .iter()
            .any(|(n, v)| (*n, &**v) == (name, value))
    };
    assert!(header("authorization", "Bearer token"));
    assert!(header("accept", "text/event-stream"));
    assert!(header("cache-control", "no-cache"));
    assert_eq!(seen.body, "[]");
    let (redis, server) = Server::redis(|_, _| events("data: psubscribe,n.[a-c]*,1\n\n", Silence));
    let _patterns = redis.psubscribe::<String>(["n.[a-c]*"]).await.unwrap();
    assert_eq!(server.paths(), ["/psubscribe/n.%5Ba-c%5D%2A"]);
    let (redis, server) = Server::redis(|_, _| events("data: \"OK\"\n\n", Silence));
    let _commands = redis.monitor().await.unwrap();
    assert_eq!(server.paths(), ["/monitor"]);
}

/// A recorded exchange with all that can be in one, and the messages in it.
const RECORDED: &str = ": hello\n\ndata: subscribe,chat,1\n\ndata: message,chat,one\n\n: beat\n\n\
    data: message,chat,two, with a comma\n\nevent: x\ndata: message,chat,lines\ndata: \r\ndata: ends\n\n\
    data: message,chat,\n\ndata: message,chat,é😀\n\n";
const MESSAGES: [&str; 5] = ["one", "two, with a comma", "lines\n\r\nends", "", "é😀"];

#[tokio::test(start_paused = true)]
async fn cut_after_any_byte_nothing_hangs_or_comes_twice() {
    // The confirmation is one line: it is there before the empty line that ends its event.
    let confirmed = RECORDED.find("chat,1\n").unwrap() + 7;
    for cut in 0..=RECORDED.len() {
        for (end, reason) in [(Eof, GapReason::Ended), (Broken, GapReason::Broken)] {
            for size in [1, 7, RECORDED.len()] {
                let (redis, server) = Server::redis(move |n, _| {
                    let (whole, end) = if n == 0 {
                        (cut, end)
                    } else {
                        (RECORDED.len(), Silence)
                    };
                    let text = &RECORDED.as_bytes()[..whole];
                    Reply::Events(text.chunks(size).map(<[u8]>::to_vec).collect(), end)
                });
                let mut stream = redis.subscribe::<String>("chat").await.unwrap();
                if cut >= confirmed {
                    let ends = RECORDED.match_indices("\n\n").map(|(at, _)| at + 2);
                    let whole = ends.filter(|end| (confirmed + 2..=cut).contains(end));
                    // One of the events is a comment.
                    let comment = usize::from(cut >= RECORDED.find("beat\n\n").unwrap() + 6);
                    let first = whole.count() - comment;
                    for expected in &MESSAGES[..first] {
                        assert_eq!(next(&mut stream).await, message(expected), "{cut}");
                    }
                    assert_eq!(next(&mut stream).await, Saw::Gap(reason), "{cut}");
                }
                for expected in MESSAGES {
                    assert_eq!(next(&mut stream).await, message(expected), "{cut}");
                }
                assert!(stream.next().now_or_never().is_none());
                assert_eq!((server.requests(), server.open()), (2, 1));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn noise_is_passed_over_and_a_frame_that_cannot_be_ours_ends_the_connection() {
    for noise in [
        "noise\n\n",
        "data: ping\n\n",
        "data\n\n",
        "\0\u{feff}\n\n",
        "data: pmessage,chat,chat,x\n\n",
        "data: subscribe,chat,1\n\n",
        "id: 5\nretry: x\n\n",
    ] {
        let text = format!("{noise}{CHAT}{noise}data: message,chat,x\n\n");
        let (redis, server) = Server::redis(move |_, _| events(&text, Silence));
        let mut stream = redis.subscribe::<String>("chat").await.unwrap();
        assert_eq!(next(&mut stream).await, message("x"), "{noise}");
        assert_eq!(server.requests(), 1);
    }
    for (frame, reason) in [
        ("data: message,other,x\n\n", GapReason::Garbled),
        ("data: message,chat\n\n", GapReason::Garbled),
        ("data: subscribe,other,2\n\n", GapReason::Garbled),
        ("data: unsubscribe,chat,0\n\n", GapReason::Ended),
    ] {
        let (redis, server) = Server::redis(move |n, _| match n {
            0 => events(
                &format!("{CHAT}{frame}data: message,chat,lost\n\n"),
                Silence,
            ),
            _ => events(&format!("{CHAT}data: message,chat,x\n\n"), Silence),
        });
        let mut stream = redis.subscribe::<String>("chat").await.unwrap();
        assert_eq!(next(&mut stream).await, Saw::Gap(reason), "{frame}");
        assert_eq!(next(&mut stream).await, message("x"));
        assert_eq!(server.open(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_event_ends_the_connection_and_not_the_memory() {
    let (redis, server) = Server::redis(|n, _| match n {
        0 => {
            let confirmed = stream::iter([Ok(Bytes::from(CHAT))]);
            let endless = stream::repeat_with(|| Ok(Bytes::from(vec![b'x'; 8 << 20])));
            Reply::Stream(Body::from_stream(confirmed.chain(endless)))
        }
        _ => events(&format!("{CHAT}data: message,chat,x\n\n"), Silence),
    });
    let mut stream = redis.subscribe::<String>("chat").await.unwrap();
    assert_eq!(next(&mut stream).await, Saw::Gap(GapReason::Garbled));
    assert_eq!(next(&mut stream).await, message("x"));
    assert_eq!(server.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_always_ready_lets_others_run() {
    let (redis, _) = Server::redis(|_, _| {
        let confirmed = stream::iter([Ok(Bytes::from(CHAT))]);
        let beats = stream::repeat_with(|| Ok(Bytes::from(": beat\n\n")));
        Reply::Stream(Body::from_stream(confirmed.chain(beats)))
    });
    let mut stream = redis.subscribe::<String>("chat").await.unwrap();
    for _ in 0..3 {
        assert!(stream.next().now_or_never().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_is_not_read() {
    let pieces = (0..10).map(|n| format!("data: message,chat,{n}\n\n").into_bytes());
    let pieces: Vec<_> = std::iter::once(CHAT.into()).chain(pieces).collect();
    let (redis, server) = Server::redis(move |_, _| Reply::Events(pieces.clone(), Silence));
    let mut stream = redis.subscribe::<String>("chat").await.unwrap();
    for n in 0..10 {
        assert_eq!(server.pulled.load(Ordering::SeqCst), n + 1);
        assert_eq!(next(&mut stream).await, message(&n.to_string()));
    }
    assert_eq!(server.open(), 1);
    drop(stream);
    assert_eq!(server.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn giving_next_up_loses_nothing() {
    let (redis, _) = Server::redis(|n, _| {
        let text = if n == 0 { RECORDED } else { CHAT };
        let bytes: Vec<_> = text
            .bytes()
            .map(|byte| Ok(Bytes::from(vec![byte])))
            .collect();
        let slow = stream::iter(bytes).then(async |byte| {
            tokio::time::sleep(Duration::from_millis(10)).await;
            byte
        });
        Reply::Stream(Body::from_stream(slow.boxed()))
    });
    let mut stream = redis.subscribe::<String>("chat").await.unwrap();
    let mut all = Vec::new();
    while all.len() < MESSAGES.len() + 1 {
        // Each is given up while it waits for the next byte, or for the next connection.
        match stream.next().now_or_never() {
            Some(item) => all.push(saw(item)),
            None => tokio::time::advance(Duration::from_millis(3)).await,
        }
    }
    let mut expected: Vec<_> = MESSAGES.into_iter().map(message).collect();
    expected.push(Saw::Gap(GapReason::Ended));
    assert_eq!(all, expected);
}

#[tokio::test(start_paused = true)]
async fn several_channels_share_a_connection_where_they_may() {
    let (redis, server) = Server::redis(|_, _| {
        events(
            "data: subscribe,a,1\n\ndata: message,a,early\n\ndata: subscribe,b,2\n\ndata: message,b,x\n\n",
            Silence,
        )
    });
    let mut stream = redis.subscribe::<String>(["a", "b", "a"]).await.unwrap();
    let Some(Ok(Event::Message(first))) = stream.next().await else {
        panic!("no message");
    };
    assert_eq!(
        (&*first.channel, first.pattern, &*first.payload),
        ("b", None, "x")
    );
    assert_eq!(server.paths(), ["/subscribe/a/b"]);
}

/// One connection a channel: confirms it, and sends one message.
fn alone(path: &str) -> Reply {
    let name = path.rsplit('/').next().unwrap().replace("%2C", ",");
    events(
        &format!("data: subscribe,{name},1\n\ndata: message,{name},to {name}\n\n"),
        Silence,
    )
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_one_channel_a_connection_gets_one_each() {
    let refusals: [fn() -> Reply; 6] = [
        || Reply::Answer(400, r#"{"error":"ERR wrong number of arguments"}"#),
        || Reply::Answer(404, "not found"),
        || Reply::Answer(405, ""),
        // The path taken for one name, and one name of the two.
        || events("data: subscribe,a/b,1\n\n", Silence),
        || events("data: subscribe,a,1\n\n", Silence),
        || events("", Silence),
    ];
    for refusal in refusals {
        let (redis, server) = Server::redis(move |n, path| match (n, path) {
            (0, _) => refusal(),
            (1, "/subscribe/a") => events("data: subscribe,a,1\n\ndata: message,a,to a\n\n", Eof),
            (_, path) => alone(path),
        });
        let mut stream = redis.subscribe::<String>(["a", "b"]).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..4 {
            all.push(format!("{:?}", next(&mut stream).await));
        }
        all.sort();
        let expected = [
            r"Gap(Ended)",
            r#"Message("to a")"#,
            r#"Message("to a")"#,
            r#"Message("to b")"#,
        ];
        assert_eq!(all, expected);
        // It remembers: the connection that ended comes back alone.
        let paths = server.paths();
        assert_eq!(
            paths,
            [
                "/subscribe/a/b",
                "/subscribe/a",
                "/subscribe/b",
                "/subscribe/a"
            ]
        );
        assert_eq!(server.open(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_could_be_mixed_up_get_a_connection_each() {
    let (redis, server) = Server::redis(|_, path| alone(path));
    let mut stream = redis.subscribe::<String>(["a", "a,b"]).await.unwrap();
    for expected in ["a", "a,b"] {
        let Some(Ok(Event::Message(message))) = stream.next().await else {
            panic!("no message");
        };
        assert_eq!(
            (&*message.channel, message.payload),
            (expected, format!("to {expected}"))
        );
    }
    assert_eq!(server.paths(), ["/subscribe/a", "/subscribe/a%2Cb"]);
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_another_shape_is_an_error_in_its_place() {
    let text = format!(
        "{CHAT}data: message,chat,1\n\ndata: message,chat,secret\n\ndata: message,chat,3\n\n"
    );
    let (redis, server) = Server::redis(move |_, _| events(&text, Silence));
    let mut numbers = redis.subscribe::<i64>("chat").await.unwrap();
    let mut next = async || match numbers.next().await.unwrap() {
        Ok(Event::Message(message)) => Ok(message.payload),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    assert_eq!(next().await.unwrap(), 1);
    let error = next().await.unwrap_err();
    assert!(
        error.is_decode() && error.command() == Some("SUBSCRIBE"),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert_eq!(next().await.unwrap(), 3);
    assert_eq!(server.requests(), 1);
    let text = format!("{CHAT}data: message,chat,[1,\"\\\"\"]\n\n");
    let (redis, _) = Server::redis(move |_, _| events(&text, Silence));
    let mut json = redis
        .subscribe::<Json<(i64, String)>>("chat")
        .await
        .unwrap();
    let Some(Ok(Event::Message(message))) = json.next().await else {
        panic!("no message");
    };
    assert_eq!(message.payload.0, (1, "\"".to_owned()));
    let raw: &[u8] = b"data: subscribe,chat,1\n\ndata: message,chat,\xff\\\"\0\r\n\n";
    let (redis, _) = Server::redis(move |_, _| Reply::Events(vec![raw.to_vec()], Silence));
    let mut bytes = redis.subscribe::<Bytes>("chat").await.unwrap();
    let Some(Ok(Event::Message(message))) = bytes.next().await else {
        panic!("no message");
    };
    assert_eq!(message.payload, &b"\xff\\\"\0\r"[..]);
}

#[tokio::test(start_paused = true)]
async fn names_a_url_cannot_hold_are_refused_before_anything_is_sent() {
    let (redis, server) = Server::redis(|_, _| Reply::Never);
    let long = "x".repeat(20_000);
    for names in [vec![], vec![""], vec!["a", "."], vec![".."], vec![&*long]] {
        let error = redis.subscribe::<String>(&names).await.unwrap_err();
        assert!(
            error.is_argument() && error.command() == Some("SUBSCRIBE"),
            "{error}"
        );
    }
    let error = redis.psubscribe::<String>(b"\xff").await.unwrap_err();
    assert!(
        error.is_argument() && error.command() == Some("PSUBSCRIBE"),
        "{error}"
    );
    assert_eq!(server.requests(), 0);
    // Together they are too long for one path, and so travel in two.
    let (redis, server) = Server::redis(|_, path| alone(path));
    let names = ["a".repeat(9_000), "b".repeat(9_000)];
    let _ = redis.subscribe::<String>(&names).await.unwrap();
    assert_eq!(server.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_command_may_stream_too() {
    let redis = |pieces: Vec<Piece>| {
        let body = Mutex::new(Some(Body::from_stream(stream::iter(pieces))));
        Redis::builder()
            .url("https://mock.example")
            .token("token")
            .retry(Retry::never())
            .transport(move |_: Request| {
                let body = body.lock().unwrap().take().unwrap();
                async move { Ok::<_, TransportError>(Response::new(200, body)) }
            })
            .build()
            .unwrap()
    };
    let piece = |text: &'static str| Ok(Bytes::from(text));
    let whole = redis(vec![piece("{\"res"), piece(""), piece("ult\":7}")]);
    assert_eq!(whole.incr("k").await.unwrap(), 7);
    let cut = redis(vec![
        piece("{\"res"),
        Err(TransportError::interrupted("cut")),
    ]);
    let error = cut.incr("k").await.unwrap_err();
    assert!(
        error.is_interrupted() && error.is_in_body() && error.is_ambiguous(),
        "{error}"
    );
}
