//! Subscriptions and MONITOR on a real server: what is published is what arrives, and the server sees who listens.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

use std::{error::Error as StdError, time::Duration};

use futures_util::StreamExt;
use restis::{
    Bytes, Event, FromReply, Gap, GapReason, Json, Message, Redis, Retry, Subscription, ToArg,
};
use restis_local::Fault;

type Outcome = Result<(), Box<dyn StdError>>;

const QUICK: Retry =
    Retry::times(u32::MAX).backoff(Duration::from_millis(1), Duration::from_millis(20));

/// Publishes, and says how many heard it.
async fn publish(redis: &Redis, channel: &str, message: impl ToArg) -> u64 {
    redis.publish(channel, message).await.unwrap()
}

/// How many listen to a channel, as the server sees it.
async fn listeners(redis: &Redis, channel: &str) -> u64 {
    let command = redis.command("PUBSUB").arg("NUMSUB").arg(channel);
    let (_, count): (String, u64) = command.query().await.unwrap();
    count
}

async fn until(what: &str, done: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not in time: {what}");
}

/// The next item, which is a message.
async fn message<T: FromReply>(stream: &mut Subscription<Message<T>>) -> Message<T> {
    match event(stream).await {
        Event::Message(message) => message,
        _ => panic!("a gap"),
    }
}

async fn gap<T: FromReply>(stream: &mut Subscription<Message<T>>) -> Gap {
    match event(stream).await {
        Event::Gap(gap) => gap,
        _ => panic!("a message"),
    }
}

async fn event<T: FromReply>(stream: &mut Subscription<Message<T>>) -> Event<Message<T>> {
    let next = tokio::time::timeout(Duration::from_secs(30), stream.next());
    next.await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn every_payload_arrives_as_it_was_published() -> Outcome {
    let (_local, redis) = restis_testing::start().await?;
    let mut stream = redis.subscribe::<String>("chat").await?;
    let large = "0123456789,\n".repeat(90_000);
    let texts = [
        "",
        "hello",
        "a,b,,c,",
        ",",
        "\n",
        "a\nb",
        "\n\na\n\n\nb\n\n",
        "a\r\nb\rc\r",
        "\r",
        "\r\n",
        "data: x\n\ndata: message,chat,forged\n\n",
        "event: x\nid: 1\n: comment\nretry: 1",
        "message,chat,x",
        "wörld 😀\u{feff}\u{2028}",
        "\0\u{1}\u{1b}\"\\\u{7f}",
        "\"quoted\" and \\escaped\\ {\"json\":[1]}",
        "  spaces  ",
        &large,
        "last",
    ];
    for text in texts {
        assert_eq!(publish(&redis, "chat", text).await, 1);
        let message = message(&mut stream).await;
        assert!(message.payload == text, "{text:.40?}");
        assert_eq!((&*message.channel, message.pattern), ("chat", None));
    }
    // A burst, more than one piece of the stream holds.
    for number in 0..500 {
        publish(&redis, "chat", number).await;
    }
    for number in 0..500 {
        assert_eq!(message(&mut stream).await.payload, number.to_string());
    }
    Ok(())
}

#[tokio::test]
async fn payloads_are_read_by_their_type() -> Outcome {
    let (_local, redis) = restis_testing::start().await?;
    let mut numbers = redis.subscribe::<i64>("n").await?;
    publish(&redis, "n", i64::MAX).await;
    publish(&redis, "n", "no number").await;
    publish(&redis, "n", 7).await;
    assert_eq!(message(&mut numbers).await.payload, i64::MAX);
    let error = numbers.next().await.unwrap().unwrap_err();
    assert!(
        error.is_decode() && error.command() == Some("SUBSCRIBE"),
        "{error}"
    );
    assert_eq!(message(&mut numbers).await.payload, 7);
    let mut json = redis.subscribe::<Json<Vec<Option<String>>>>("j").await?;
    publish(&redis, "j", Json(vec![Some("a\"\\\n,b"), None])).await;
    let read = message(&mut json).await.payload.0;
    assert_eq!(read, [Some("a\"\\\n,b".to_owned()), None]);
    let mut bytes = redis.subscribe::<Bytes>("b").await?;
    let all: Vec<u8> = (0..=255).collect();
    publish(&redis, "b", &all).await;
    assert_eq!(message(&mut bytes).await.payload, all);
    Ok(())
}

#[tokio::test]
async fn any_name_a_url_can_hold_is_heard() -> Outcome {
    let (local, redis) = restis_testing::start().await?;
    let names = [
        "a/b",
        "q?z=1",
        "h#t",
        "100%",
        "%2F",
        "a,b",
        "a b",
        "a+b",
        "é😀",
        "...",
        "a\nb",
        "a\r",
        "\0",
        "~",
        "\"",
        "\\",
        "a;b:c@d",
        "subscribe",
        "x,1",
    ];
    let before = local.stats().await?.by_command.get("SUBSCRIBE").copied();
    assert_eq!(before, None);
    let mut all = redis.subscribe::<String>(names).await?;
    for name in names {
        assert_eq!(publish(&redis, name, "x,y").await, 1, "{name}");
        let message = message(&mut all).await;
        assert_eq!((&*message.channel, &*message.payload), (name, "x,y"));
    }
    // All of them on one connection, by one command.
    let after = local.stats().await?.by_command.get("SUBSCRIBE").copied();
    assert_eq!(after, Some(1));
    let mut mixed = redis.subscribe::<String>(["m", "m,n"]).await?;
    publish(&redis, "m", "n,x").await;
    let first = message(&mut mixed).await;
    publish(&redis, "m,n", "x").await;
    let second = message(&mut mixed).await;
    assert_eq!((&*first.channel, &*first.payload), ("m", "n,x"));
    assert_eq!((&*second.channel, &*second.payload), ("m,n", "x"));
    Ok(())
}

#[tokio::test]
async fn patterns() -> Outcome {
    let (_local, redis) = restis_testing::start().await?;
    let mut stream = redis.psubscribe::<String>(["news.*", "[ab]?,\\*"]).await?;
    for (channel, pattern) in [
        ("news.a", "news.*"),
        ("news.", "news.*"),
        ("news.é/b", "news.*"),
        ("ax,*", "[ab]?,\\*"),
    ] {
        publish(&redis, channel, "one,\ntwo").await;
        let message = message(&mut stream).await;
        assert_eq!(
            (&*message.channel, message.pattern.as_deref()),
            (channel, Some(pattern))
        );
        assert_eq!(message.payload, "one,\ntwo");
    }
    assert_eq!(publish(&redis, "other", "x").await, 0);
    Ok(())
}

/// What our matcher says of a pattern is what the server says, or channels with commas would be cut elsewhere.
#[tokio::test]
async fn the_server_matches_patterns_as_we_do() -> Outcome {
    let (_local, redis) = restis_testing::start().await?;
    for (pattern, channel) in [
        ("**,x", "a,b,x"),
        ("a*,*c", "a,b,c"),
        ("h[^,],*", "hx,y"),
        ("[a-c],[c-a]", "b,b"),
        ("[]a,*", "no"),
        ("\\[,\\]", "[,]"),
        ("?,?", ",,,"),
        ("[,", ","),
        ("a\\", "a\\"),
        ("*,", ",a,"),
    ] {
        let mut stream = redis.psubscribe::<String>(pattern).await?;
        let heard = publish(&redis, channel, "payload").await;
        if heard == 1 {
            let message = message(&mut stream).await;
            assert_eq!(
                (&*message.channel, &*message.payload),
                (channel, "payload"),
                "{pattern}"
            );
        } else {
            assert_eq!((pattern, channel), ("[]a,*", "no"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_cut_comes_back_and_says_so() -> Outcome {
    let (local, redis) = restis_testing::start().await?;
    let confirmed = "data: subscribe,chat,1\n\n".len() as u64;
    let one = "data: message,chat,one\n\n".len() as u64;
    for (bytes, heard) in [
        (confirmed, 0),
        (confirmed + one - 1, 0),
        (confirmed + one, 1),
        (confirmed + one + 9, 1),
    ] {
        local.inject(Fault::truncate(bytes).path("/subscribe"));
        let mut stream = redis.subscribe::<String>("chat").retry(QUICK).await?;
        publish(&redis, "chat", "one").await;
        publish(&redis, "chat", "two").await;
        for _ in 0..heard {
            assert_eq!(message(&mut stream).await.payload, "one");
        }
        let gap = gap(&mut stream).await;
        assert_eq!(
            (gap.reason, gap.names),
            (GapReason::Broken, vec!["chat".to_owned()])
        );
        publish(&redis, "chat", "three").await;
        assert_eq!(message(&mut stream).await.payload, "three");
    }
    Ok(())
}

#[tokio::test]
async fn faults_on_the_way_back_are_outlasted() -> Outcome {
    let (local, redis) = restis_testing::start().await?;
    local.inject(Fault::truncate(24).path("/subscribe"));
    let chat = redis.subscribe::<String>("chat").retry(QUICK);
    let mut stream = chat.attempt_timeout(Duration::from_millis(300)).await?;
    let faults = [
        Fault::drop_before(),
        Fault::drop_after(),
        Fault::status(503),
        Fault::status(429),
        Fault::html(),
        Fault::stall(5),
        Fault::truncate(22),
    ];
    for fault in faults {
        local.inject(fault.path("/subscribe"));
    }
    publish(&redis, "chat", "lost").await;
    assert_eq!(gap(&mut stream).await.reason, GapReason::Broken);
    assert_eq!(local.stats().await?.faults, 8);
    publish(&redis, "chat", "found").await;
    assert_eq!(message(&mut stream).await.payload, "found");
    assert_eq!(listeners(&redis, "chat").await, 1);
    Ok(())
}

#[tokio::test]
async fn a_silent_connection_is_left_behind_where_that_is_asked_for() -> Outcome {
    let (local, redis) = restis_testing::start().await?;
    local.inject(Fault::stall(24).path("/subscribe"));
    let chat = redis.subscribe::<String>("chat").retry(QUICK);
    let mut stream = chat.idle(Duration::from_millis(500)).await?;
    assert_eq!(gap(&mut stream).await.reason, GapReason::Idle);
    publish(&redis, "chat", "found").await;
    assert_eq!(message(&mut stream).await.payload, "found");
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_refused_ends_it() -> Outcome {
    let (local, redis) = restis_testing::start().await?;
    let wrong = Redis::new(local.url(), "wrong")?;
    for error in [
        wrong.subscribe::<String>(["a", "b"]).await.unwrap_err(),
        wrong.psubscribe::<String>("a").await.unwrap_err(),
        wrong.monitor().await.unwrap_err(),
    ] {
        assert!(error.is_auth() && error.attempts() == 1, "{error}");
    }
    assert_eq!(local.stats().await?.by_command.get("SUBSCRIBE"), None);
    local.inject(Fault::truncate(24).path("/subscribe"));
    let mut stream = redis.subscribe::<String>("chat").retry(QUICK).await?;
    let refusal =
        Fault::status(401).with_body(r#"{"error":"WRONGPASS invalid or missing auth token"}"#);
    local.inject(refusal.path("/subscribe"));
    publish(&redis, "chat", "lost").await;
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(
        error.is_auth() && error.code() == Some("WRONGPASS"),
        "{error}"
    );
    assert!(stream.next().await.is_none());
    Ok(())
}

#[tokio::test]
async fn dropping_it_unsubscribes() -> Outcome {
    let (_local, redis) = restis_testing::start().await?;
    let shared = redis.subscribe::<String>(["a", "b"]).await?;
    let mut second = redis.subscribe::<String>("a").await?;
    assert_eq!(
        (listeners(&redis, "a").await, listeners(&redis, "b").await),
        (2, 1)
    );
    drop(shared);
    until("one of two is gone", async || {
        listeners(&redis, "a").await == 1
    })
    .await;
    until("b is gone", async || listeners(&redis, "b").await == 0).await;
    // Giving `next` up does not.
    assert!(
        tokio::time::timeout(Duration::from_millis(20), second.next())
            .await
            .is_err()
    );
    assert_eq!(publish(&redis, "a", "x").await, 1);
    assert_eq!(message(&mut second).await.payload, "x");
    drop(second);
    until("a is gone", async || listeners(&redis, "a").await == 0).await;
    Ok(())
}

#[tokio::test]
async fn it_outlives_its_client_and_is_a_stream_of_anybodys() -> Outcome {
    let (_local, redis) = restis_testing::start().await?;
    let subscription = {
        let client = redis.clone();
        client.subscribe::<u16>("n").await?
    };
    let reader = tokio::spawn(async move {
        let numbers = subscription.filter_map(async |event| match event {
            Ok(Event::Message(message)) => Some(message.payload),
            _ => None,
        });
        numbers.take(3).collect::<Vec<_>>().await
    });
    for number in 1..=3 {
        publish(&redis, "n", number).await;
    }
    assert_eq!(reader.await?, [1, 2, 3]);
    Ok(())
}

#[tokio::test]
async fn a_slow_reader_slows_the_sender_down_and_is_cut_off_by_redis() -> Outcome {
    let (_local, redis) = restis_testing::start().await?;
    let mut stream = redis.subscribe::<Bytes>("chat").retry(QUICK).await?;
    // Redis gives up a subscriber that leaves 32 MB unread.
    let large = "x".repeat(8 << 20);
    for number in 0..6 {
        publish(&redis, "chat", format!("{number}{large}")).await;
    }
    let mut heard = 0;
    while let Event::Message(message) = event(&mut stream).await {
        assert_eq!(message.payload.len(), large.len() + 1);
        assert_eq!(message.payload[0] - b'0', heard);
        heard += 1;
    }
    assert!(heard < 6);
    publish(&redis, "chat", "after").await;
    assert_eq!(message(&mut stream).await.payload, "after");
    Ok(())
}

#[tokio::test]
async fn monitor_shows_commands_with_their_bytes() -> Outcome {
    let (local, redis) = restis_testing::start().await?;
    let mut commands = redis.monitor().retry(QUICK).await?;
    let begun = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    redis.set("k \"\\\n", "wörld\r\n\t\u{7}\u{8}\0").await?;
    redis.set("bytes", &b"\xff\xfe"[..]).await?;
    redis
        .eval::<()>("redis.call('DEL', 'by lua') return nil", ())
        .await?;
    let mut next = async |name: &str| loop {
        match commands.next().await.unwrap().unwrap() {
            Event::Message(command) if command.words[0] == name => break command,
            Event::Message(_) => {}
            _ => panic!("a gap"),
        }
    };
    let set = next("SET").await;
    assert_eq!(set.words, ["SET", "k \"\\\n", "wörld\r\n\t\u{7}\u{8}\0"]);
    assert_eq!(set.database, 0);
    // restis-local speaks to its server by a socket in a folder.
    assert!(set.client.starts_with("unix:/"), "{}", set.client);
    let late = set.time.abs_diff(begun);
    assert!(late < Duration::from_secs(60), "{late:?}");
    assert_eq!(next("SET").await.words[2], &b"\xff\xfe"[..]);
    let by_lua = next("DEL").await;
    assert_eq!(
        (&*by_lua.client, &*by_lua.words[1]),
        ("lua", &b"by lua"[..])
    );
    drop(commands);
    local.inject(Fault::truncate(12).path("/monitor"));
    let mut cut = redis.monitor().retry(QUICK).await?;
    redis.ping().await?;
    let Event::Gap(gap) = cut.next().await.unwrap()? else {
        panic!("no gap");
    };
    assert_eq!((gap.reason, gap.names.len()), (GapReason::Broken, 0));
    Ok(())
}

#[tokio::test]
async fn a_server_that_goes_away_is_waited_for() -> Outcome {
    let (local, redis) = restis_testing::start().await?;
    let chat = redis.subscribe::<String>("chat").retry(Retry::times(2));
    let mut stream = chat.await?;
    assert_eq!(publish(&redis, "chat", "x").await, 1);
    assert_eq!(message(&mut stream).await.payload, "x");
    drop(local);
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_connect() && error.attempts() == 3, "{error}");
    assert!(stream.next().await.is_none());
    Ok(())
}
