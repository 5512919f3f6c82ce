//! Subscriptions on wasm32, in Node and in Chromium: against `fetch` objects whose bodies come in pieces, and against a
//! real server.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

use std::{
    future::{Future, IntoFuture, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use js_sys::Function;
use restis::{
    Bytes, Error, Event, FromReply, GapReason, Message, Redis, Retry, Subscription, ToArg,
    transport::Fetch,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

const QUICK: Retry =
    Retry::times(u32::MAX).backoff(Duration::from_millis(1), Duration::from_millis(5));

/// A client of an object whose `fetch(url, init)` has this JavaScript body. `log` is an array it may push to, `n` the
/// number of the request, and `streamed(pieces, end)` a response with these pieces of bytes or text.
fn mock(body: &str) -> (Redis, js_sys::Array) {
    let log = js_sys::Array::new();
    let make = Function::new_with_args(
        "log",
        &format!(
            "let n = -1;
             const streamed = (pieces, end) => {{
                 const encoder = new TextEncoder();
                 pieces = pieces.map((piece) => typeof piece === 'string' ? encoder.encode(piece) : piece);
                 const body = new ReadableStream({{
                     pull(controller) {{
                         log.push('pull');
                         if (pieces.length > 0) controller.enqueue(pieces.shift());
                         else if (end === 'close') controller.close();
                         else if (end === 'error') controller.error(new Error('reset'));
                         else return new Promise(() => {{}});
                     }},
                 }}, {{ highWaterMark: 0 }});
                 return {{ status: 200, headers: new Headers({{ 'content-type': 'text/event-stream' }}), body }};
             }};
             return {{ fetch: async (url, init) => {{
                 n += 1;
                 init.signal.addEventListener('abort', () => log.push('aborted'));
                 {body}
             }} }}"
        ),
    );
    let object = make.call1(&JsValue::NULL, &log).unwrap();
    let redis = Redis::builder()
        .url("https://mock.example")
        .token("token")
        .retry(Retry::never())
        .transport(Fetch::on(object))
        .build()
        .unwrap();
    (redis, log)
}

fn logged(log: &js_sys::Array, word: &str) -> usize {
    log.iter()
        .filter(|entry| entry.as_string().as_deref() == Some(word))
        .count()
}

async fn message<T: FromReply>(stream: &mut Subscription<Message<T>>) -> T {
    match stream.next().await.unwrap().unwrap() {
        Event::Message(message) => message.payload,
        _ => panic!("a gap"),
    }
}

async fn gap<T: FromReply>(stream: &mut Subscription<Message<T>>) -> GapReason {
    match stream.next().await.unwrap().unwrap() {
        Event::Gap(gap) => gap.reason,
        _ => panic!("a message"),
    }
}

/// Polls it once.
async fn is_pending(future: impl Future) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[wasm_bindgen_test]
async fn a_body_is_read_piece_by_piece_and_only_when_asked_for() {
    let (redis, log) = mock(
        "log.push(url, init.headers);
         const pieces = ['data: subscr', 'ibe,a/b,1\\n\\n', 'data: message,a/b,one\\n\\n',
             new Uint8Array([0x64, 0x61, 0x74, 0x61, 0x3a, 0x20]), 'message,a/b,é', '\\ndata: two\\n', '\\n'];
         return streamed(pieces);",
    );
    let mut stream = redis.subscribe::<String>("a/b").await.unwrap();
    assert_eq!(
        log.get(0).as_string().unwrap(),
        "https://mock.example/subscribe/a%2Fb"
    );
    let headers: web_sys::Headers = log.get(1).unchecked_into();
    let header = |name: &str| headers.get(name).unwrap().unwrap();
    assert_eq!(header("accept"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-cache");
    assert_eq!(header("authorization"), "Bearer token");
    assert_eq!(logged(&log, "pull"), 2);
    assert_eq!(message(&mut stream).await, "one");
    assert_eq!(logged(&log, "pull"), 3);
    assert_eq!(message(&mut stream).await, "é\ntwo");
    assert_eq!(logged(&log, "pull"), 7);
    assert!(is_pending(stream.next()).await);
    assert_eq!(logged(&log, "aborted"), 0);
    drop(stream);
    assert_eq!(logged(&log, "aborted"), 1);
}

#[wasm_bindgen_test]
async fn a_body_that_ends_or_breaks_is_asked_for_again() {
    let (redis, log) = mock(
        "const confirmed = 'data: subscribe,c,1\\n\\n';
         if (n === 3) return { status: 200, headers: new Headers(), body: new ReadableStream({
             start(controller) { controller.enqueue(confirmed); } }) };
         if (n === 4) return { status: 503, headers: new Headers(), arrayBuffer: async () => new ArrayBuffer(0) };
         if (n === 5) throw new TypeError('Failed to fetch');
         return streamed([confirmed, `data: message,c,${n}\\n\\n`], ['close', 'error', 'error'][n]);",
    );
    let mut stream = redis.subscribe::<String>("c").retry(QUICK).await.unwrap();
    assert_eq!(message(&mut stream).await, "0");
    assert_eq!(gap(&mut stream).await, GapReason::Ended);
    assert_eq!(message(&mut stream).await, "1");
    assert_eq!(gap(&mut stream).await, GapReason::Broken);
    assert_eq!(message(&mut stream).await, "2");
    // A body of text, a 503 and a failure of fetch come between.
    assert_eq!(gap(&mut stream).await, GapReason::Broken);
    assert_eq!(message(&mut stream).await, "6");
    drop(stream);
    assert!(logged(&log, "aborted") >= 1);
}

#[wasm_bindgen_test]
async fn a_response_without_a_stream_gives_its_body_whole() {
    let (redis, _) = mock(
        "const text = 'data: subscribe,c,1\\n\\ndata: message,c,x\\n\\n';
         return { status: 200, headers: new Headers(), arrayBuffer: async () => new TextEncoder().encode(text).buffer };",
    );
    let mut stream = redis.subscribe::<String>("c").await.unwrap();
    assert_eq!(message(&mut stream).await, "x");
    assert_eq!(gap(&mut stream).await, GapReason::Ended);
    for odd in [
        "null",
        "{}",
        "'text'",
        "{ getReader: () => { throw new Error('no') } }",
    ] {
        let (redis, _) = mock(&format!(
            "return {{ status: 200, headers: new Headers(), body: {odd},
                 arrayBuffer: async () => new TextEncoder().encode('noise').buffer }};"
        ));
        assert!(redis.monitor().await.unwrap_err().is_interrupted(), "{odd}");
    }
    for odd in [
        "{}",
        "{ read: 5 }",
        "{ read: () => { throw new Error('no') } }",
        "{ read: () => 7 }",
        "null",
    ] {
        let (redis, _) = mock(&format!(
            "return {{ status: 200, headers: new Headers(), body: {{ getReader: () => ({odd}) }} }};"
        ));
        assert!(redis.monitor().await.unwrap_err().is_interrupted(), "{odd}");
    }
}

#[wasm_bindgen_test]
async fn giving_up_aborts_at_any_time() {
    let (redis, log) = mock("return streamed(['data: subscribe,other,1']);");
    let error = redis
        .subscribe::<String>("c")
        .timeout(Duration::from_millis(20))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(logged(&log, "aborted"), 1);
    let (redis, log) = mock("return new Promise(() => {});");
    assert!(is_pending(redis.subscribe::<String>("c").into_future()).await);
    assert_eq!(logged(&log, "aborted"), 1);
    let (redis, log) = mock("return streamed(['data: subscribe,c,1\\n\\n']);");
    let chat = redis.subscribe::<String>("c").retry(QUICK);
    let mut stream = chat.idle(Duration::from_millis(20)).await.unwrap();
    assert_eq!(gap(&mut stream).await, GapReason::Idle);
    assert_eq!(logged(&log, "aborted"), 1);
}

#[wasm_bindgen_test]
async fn a_refusal_ends_it() {
    let (redis, _) = mock(
        "const refusal = { error: 'WRONGPASS invalid or missing auth token' };
         if (n === 0) return streamed(['data: subscribe,c,1\\n\\n'], 'close');
         return new Response(JSON.stringify(refusal), { status: 401, headers: { 'content-type': 'application/json' } });",
    );
    let mut stream = redis.subscribe::<String>("c").retry(QUICK).await.unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(
        error.is_auth() && error.code() == Some("WRONGPASS"),
        "{error}"
    );
    assert!(stream.next().await.is_none());
}

/// A restis-local that `cargo xtask test wasm` has started before it built this.
fn server() -> Redis {
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    Redis::new(url, token).unwrap()
}

async fn publish(redis: &Redis, channel: &str, message: impl ToArg) -> u64 {
    redis.publish(channel, message).await.unwrap()
}

async fn listeners(redis: &Redis, channel: &str) -> u64 {
    let command = redis.command("PUBSUB").arg("NUMSUB").arg(channel);
    let (_, count): (String, u64) = command.query().await.unwrap();
    count
}

/// Lets the platform go on for a moment.
async fn pause() {
    let timer = Function::new_with_args(
        "",
        "return new Promise((resolve) => setTimeout(resolve, 10))",
    );
    let promise = timer.call0(&JsValue::NULL).unwrap();
    JsFuture::from(js_sys::Promise::from(promise))
        .await
        .unwrap();
}

#[wasm_bindgen_test]
async fn messages_of_a_real_server() -> Result<(), Error> {
    let redis = server();
    let names = ["wasm a/b?#%,", "wasm é😀"];
    let mut stream = redis.subscribe::<String>(names).await?;
    let large = "0123456789,\n".repeat(90_000);
    for text in [
        "",
        "a,b\n\r\nc\r",
        "wörld 😀\0\"\\",
        "data: x\n\ndata: y",
        &large,
    ] {
        for name in names {
            assert_eq!(publish(&redis, name, text).await, 1);
            let Event::Message(message) = stream.next().await.unwrap()? else {
                panic!("a gap");
            };
            assert!(
                message.channel == name && message.payload == text,
                "{text:.40?}"
            );
        }
    }
    let mut patterns = redis.psubscribe::<Bytes>("wasm?bytes").await?;
    let all: Vec<u8> = (0..=255).collect();
    publish(&redis, "wasm-bytes", &all).await;
    assert_eq!(message(&mut patterns).await, all);
    let mut commands = redis.monitor().await?;
    redis.get::<String>("wasm:monitored").await?;
    loop {
        match commands.next().await.unwrap()? {
            Event::Message(command) if command.words == ["GET", "wasm:monitored"] => break,
            Event::Message(_) => {}
            _ => panic!("a gap"),
        }
    }
    drop((stream, patterns, commands));
    for _ in 0..500 {
        if listeners(&redis, names[0]).await == 0 {
            return Ok(());
        }
        pause().await;
    }
    panic!("dropping it does not unsubscribe");
}
