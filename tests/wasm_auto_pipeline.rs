//! Auto-pipelining on wasm32, in Node and in Chromium: tasks of one turn share a request, and one that is given up
//! aborts nothing but its own.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

use std::{
    future::{Future, IntoFuture, poll_fn},
    pin::pin,
    task::Poll,
};

use js_sys::Function;
use restis::{Redis, transport::Fetch};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

/// A client whose fetch notes path and body, and answers each command with its last word.
fn echo() -> (Redis, js_sys::Array) {
    let log = js_sys::Array::new();
    let make = Function::new_with_args(
        "log",
        "return { fetch: async (url, init) => {
            const text = new TextDecoder().decode(init.body);
            init.signal.addEventListener('abort', () => log.push('aborted'));
            log.push(url.slice('https://mock.example'.length) + text);
            await new Promise((soon) => setTimeout(soon, 1));
            const entry = (words) => JSON.stringify({ result: words.at(-1) });
            const sent = JSON.parse(text);
            const body = url.endsWith('/pipeline') ? `[${sent.map(entry).join()}]` : entry(sent);
            return new Response(body, { status: 200 });
        } }",
    );
    let object = make.call1(&JsValue::NULL, &log).unwrap();
    let redis = Redis::builder()
        .url("https://mock.example")
        .token("token")
        .auto_pipelining(true)
        .transport(Fetch::on(object))
        .build()
        .unwrap();
    (redis, log)
}

fn text(log: &js_sys::Array, index: u32) -> String {
    log.get(index).as_string().unwrap()
}

#[wasm_bindgen_test]
async fn tasks_of_one_turn_share_a_request() {
    let (redis, log) = echo();
    // What a JavaScript program's calls are: each a promise with a task of its own.
    let promises: js_sys::Array = (0..4)
        .map(|n| {
            let redis = redis.clone();
            wasm_bindgen_futures::future_to_promise(async move {
                let value: Option<u32> = redis.get(n).await.unwrap();
                Ok(value.into())
            })
        })
        .collect();
    let values = JsFuture::from(js_sys::Promise::all(&promises))
        .await
        .unwrap();
    let values: Vec<_> = js_sys::Array::from(&values)
        .iter()
        .map(|n| n.as_f64())
        .collect();
    assert_eq!(values, [Some(0.0), Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(log.length(), 1);
    assert_eq!(
        text(&log, 0),
        r#"/pipeline[["GET","0"],["GET","1"],["GET","2"],["GET","3"]]"#
    );
}

#[wasm_bindgen_test]
async fn a_command_on_its_own_is_the_plain_command() {
    let (redis, log) = echo();
    redis.set("k", "v").await.unwrap();
    assert_eq!(text(&log, 0), r#"["SET","k","v"]"#);
}

#[wasm_bindgen_test]
async fn who_is_given_up_leaves_the_request_to_the_others() {
    let (redis, log) = echo();
    let mut kept = pin!(redis.get::<String>("kept").into_future());
    {
        let mut dropped = pin!(redis.get::<String>("dropped").into_future());
        // Both sit, the request leaves, and one of them gets up.
        for _ in 0..2 {
            poll_fn(|cx| {
                assert!(kept.as_mut().poll(cx).is_pending());
                assert!(dropped.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(log.length(), 1);
    }
    assert_eq!(kept.await.unwrap().as_deref(), Some("kept"));
    assert_eq!(log.length(), 1);

    {
        let mut both = pin!(redis.get::<String>("nobody").into_future());
        for _ in 0..2 {
            poll_fn(|cx| {
                assert!(both.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(log.length(), 2);
    }
    assert_eq!(text(&log, 2), "aborted");
}

#[wasm_bindgen_test]
async fn against_a_real_server_each_gets_its_own() {
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    let redis = Redis::builder()
        .url(url)
        .token(token)
        .auto_pipelining(true)
        .build()
        .unwrap();
    let mut set = pin!(redis.set("wasm-auto", 7).into_future());
    let mut get = pin!(redis.get::<u32>("wasm-auto").into_future());
    let (mut was_set, mut got) = (None, None);
    poll_fn(|cx| {
        if was_set.is_none()
            && let Poll::Ready(answer) = set.as_mut().poll(cx)
        {
            was_set = Some(answer);
        }
        if got.is_none()
            && let Poll::Ready(answer) = get.as_mut().poll(cx)
        {
            got = Some(answer);
        }
        if was_set.is_some() && got.is_some() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    was_set.unwrap().unwrap();
    assert_eq!(got.unwrap().unwrap(), Some(7));
}
