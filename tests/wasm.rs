//! The client on wasm32, in Node and in Chromium: against `fetch` objects that misbehave, and against a real server.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test, not an API"
)]

use std::{
    future::{Future, IntoFuture, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use js_sys::{Function, Object, Reflect};
use restis::{Bytes, Error, Json, Redis, Retry, Script, transport::Fetch};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

/// A client whose `fetch(url, init)` has this JavaScript body. `log` is an array it may push to.
fn mock(body: &str) -> (Redis, js_sys::Array) {
    let log = js_sys::Array::new();
    let make = Function::new_with_args(
        "log",
        &format!("return {{ fetch: (url, init) => {{ {body} }} }}"),
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

/// A response that is no `Response`: no URL, no prototype, as mocks and service bindings give.
const ANSWER: &str = "return Promise.resolve({
    status: 200, url: '', headers: new Headers({ 'upstash-sync-token': 't1' }),
    arrayBuffer: async () => new TextEncoder().encode('{\"result\":7}').buffer,
});";

/// A fetch that only ever ends by its signal.
const NEVER: &str = "return new Promise((_, reject) =>
    init.signal.addEventListener('abort', () => { log.push('aborted'); reject(new Error('aborted')); }));";

#[wasm_bindgen_test]
async fn a_hook_hears_of_a_request_and_of_one_that_is_given_up() {
    let heard: Arc<Mutex<Vec<(u64, usize, bool)>>> = Arc::default();
    let object = Function::new_no_args(&format!(
        "let calls = 0; const answer = () => {{ {ANSWER} }};
         return {{ fetch: () => calls++ ? new Promise(() => {{}}) : answer() }}"
    ));
    let keep = Arc::clone(&heard);
    let redis = Redis::builder()
        .url("https://mock.example")
        .token("token")
        .transport(Fetch::on(object.call0(&JsValue::NULL).unwrap()))
        .on_request(move |report| {
            let short = (report.commands(), report.received(), report.is_given_up());
            keep.lock().unwrap().push(short);
        })
        .build()
        .unwrap();
    assert_eq!(redis.incr("k").await.unwrap(), 7);
    let mut call = redis.incr("k").into_future();
    let pending = poll_fn(|cx| Poll::Ready(Pin::new(&mut call).poll(cx).is_pending()));
    assert!(pending.await);
    drop(call);
    assert_eq!(
        *heard.lock().unwrap(),
        [(1, r#"{"result":7}"#.len(), false), (1, 0, true)]
    );
}

#[wasm_bindgen_test]
async fn a_response_that_is_a_plain_object_will_do() {
    let (redis, log) = mock(&format!("log.push(url, init); {ANSWER}"));
    assert_eq!(redis.incr("k").await.unwrap(), 7);
    assert_eq!(log.get(0).as_string().unwrap(), "https://mock.example");
    let init = log.get(1);
    let member = |name: &str| Reflect::get(&init, &name.into()).unwrap();
    assert_eq!(member("method").as_string().unwrap(), "POST");
    assert_eq!(
        member("body")
            .unchecked_into::<js_sys::Uint8Array>()
            .to_vec(),
        br#"["INCR","k"]"#
    );
    let headers: web_sys::Headers = member("headers").unchecked_into();
    assert_eq!(
        headers.get("authorization").unwrap().unwrap(),
        "Bearer token"
    );
    // Workers refuse these; so nothing sets them.
    for name in ["cache", "credentials", "mode", "keepalive"] {
        assert!(member(name).is_undefined(), "{name}");
    }
    assert_eq!(redis.incr("k").await.unwrap(), 7);
    let headers: web_sys::Headers = Reflect::get(&log.get(3), &"headers".into())
        .unwrap()
        .unchecked_into();
    assert_eq!(headers.get("upstash-sync-token").unwrap().unwrap(), "t1");
}

#[wasm_bindgen_test]
async fn a_fetch_that_never_answers_times_out_and_is_aborted() {
    let (redis, log) = mock(NEVER);
    let error = redis
        .incr("k")
        .timeout(Duration::from_millis(20))
        .await
        .unwrap_err();
    assert!(
        error.is_timeout() && error.is_ambiguous() && !error.is_in_body(),
        "{error}"
    );
    assert_eq!(log.length(), 1);
}

#[wasm_bindgen_test]
async fn a_body_that_stalls_times_out_and_is_aborted() {
    let (redis, log) = mock(
        "init.signal.addEventListener('abort', () => log.push('aborted'));
         return Promise.resolve({ status: 200, headers: new Headers(), arrayBuffer: () => new Promise(() => {}) });",
    );
    let error = redis
        .incr("k")
        .timeout(Duration::from_millis(20))
        .await
        .unwrap_err();
    assert!(
        error.is_timeout() && error.is_in_body() && error.is_ambiguous(),
        "{error}"
    );
    assert_eq!(log.length(), 1);
}

#[wasm_bindgen_test]
async fn a_dropped_call_is_aborted_and_an_answered_one_is_not() {
    let (redis, log) = mock(NEVER);
    {
        let mut call = pin!(redis.incr("k").into_future());
        poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    assert_eq!(log.length(), 1);
    let (redis, log) = mock(&format!(
        "init.signal.addEventListener('abort', () => log.push('aborted')); {ANSWER}"
    ));
    redis.incr("k").await.unwrap();
    assert_eq!(log.length(), 0);
}

#[wasm_bindgen_test]
async fn failures_have_their_kinds() {
    let fail = async |body: &str| mock(body).0.incr("k").await.unwrap_err();
    let node = |code: &str| {
        format!(
            "return Promise.reject(Object.assign(new TypeError('fetch failed'), {{ cause: {{ code: '{code}', message: 'why' }} }}))"
        )
    };
    let error = fail(&node("ECONNREFUSED")).await;
    assert!(
        error.is_connect() && !error.is_ambiguous() && error.to_string().contains("why"),
        "{error}"
    );
    assert!(fail(&node("DEPTH_ZERO_SELF_SIGNED_CERT")).await.is_tls());
    let error = fail(&node("ECONNRESET")).await;
    assert!(error.is_interrupted() && error.is_ambiguous(), "{error}");
    // Some runtimes put the URL into what they say, which may hold a key.
    let both = "return Promise.reject(Object.assign(new TypeError(`fetch ${url} failed`), { cause: { message: `no ${url}: ${url}` } }))";
    let text = fail(both).await.to_string();
    assert!(
        text.contains("fetch the URL failed: no the URL: the URL") && !text.contains("http"),
        "{text}"
    );
    // Others write it in their own way, with another host.
    let normalized = "return Promise.reject(new TypeError(`error sending request for url (${url.replace('//', '//OTHER.')}/get/planted): refused`))";
    let text = fail(normalized).await.to_string();
    assert!(
        text.contains("for url the URL refused") && !text.contains("planted"),
        "{text}"
    );
    let error = fail("return Promise.reject(new TypeError('Failed to fetch'))").await;
    assert!(error.is_interrupted() && error.is_ambiguous(), "{error}");
    assert!(fail("throw new Error('no')").await.is_config());
    let response = |rest: &str| {
        format!(
            "return Promise.resolve(Object.assign({{ status: 200, headers: new Headers() }}, {rest}))"
        )
    };
    let error = fail(&response(
        "{ arrayBuffer: async () => { throw new Error('cut') } }",
    ))
    .await;
    assert!(error.is_interrupted() && error.is_in_body(), "{error}");
    let text = |status: u16, text: &str| {
        response(&format!(
            "{{ status: {status}, arrayBuffer: async () => new TextEncoder().encode('{text}').buffer }}"
        ))
    };
    for nothing in [
        "",
        "return null",
        "return Promise.resolve()",
        "return Promise.resolve('text')",
    ] {
        assert!(fail(nothing).await.is_interrupted(), "{nothing}");
    }
    let error = fail(&response("{ arrayBuffer: () => 'no promise' }")).await;
    assert!(error.is_interrupted() && error.is_in_body(), "{error}");
    assert!(fail(&text(502, "<html>")).await.is_http());
    assert!(fail(&text(0, "")).await.is_http());
    assert_eq!(
        fail(&text(400, "{\"error\":\"WRONGTYPE no\"}"))
            .await
            .code(),
        Some("WRONGTYPE")
    );
    assert!(fail(&text(200, "{}")).await.is_decode());
}

#[wasm_bindgen_test]
async fn a_retry_waits_by_the_platforms_timer() {
    let (_, log) = mock("");
    let make = Function::new_with_args(
        "log",
        &format!(
            "let n = 0; return {{ fetch: (url, init) => {{ if (n++ < 2) return Promise.reject(new Error('no')); {ANSWER} }} }}"
        ),
    );
    let object: Object = make.call1(&JsValue::NULL, &log).unwrap().unchecked_into();
    let redis = Redis::builder()
        .url("https://mock.example")
        .token("token")
        .retry(Retry::times(2).backoff(Duration::from_millis(5), Duration::from_millis(5)))
        .transport(Fetch::on(object))
        .build()
        .unwrap();
    assert_eq!(redis.get::<i64>("k").await.unwrap(), Some(7));
}

#[wasm_bindgen_test]
async fn there_is_no_environment_and_the_error_says_what_to_do() {
    let error = Redis::from_env().unwrap_err();
    assert!(
        error.is_config() && error.to_string().contains("from_vars"),
        "{error}"
    );
}

/// A restis-local that `cargo xtask test wasm` has started before it built this.
fn server(token: Option<&str>) -> Redis {
    let (Some(url), Some(known)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    Redis::new(url, token.unwrap_or(known)).unwrap()
}

#[wasm_bindgen_test]
async fn everyday_commands_on_a_real_server() -> Result<(), Error> {
    let redis = server(None);
    redis
        .del(["wasm:a", "wasm:b", "wasm:n", "wasm:json"])
        .await?;
    redis.set("wasm:a", "wörld\0\"").ex(60).await?;
    assert_eq!(
        redis.get::<String>("wasm:a").await?.as_deref(),
        Some("wörld\0\"")
    );
    redis
        .set("wasm:json", Json(vec![Some(1), None]))
        .ex(60)
        .await?;
    assert_eq!(
        redis
            .get::<Json<Vec<Option<i64>>>>("wasm:json")
            .await?
            .unwrap()
            .0,
        [Some(1), None]
    );
    let bytes = Bytes::from((0..=255).collect::<Vec<u8>>());
    redis.set("wasm:b", &bytes).ex(60).await?;
    assert_eq!(redis.get::<Bytes>("wasm:b").await?, Some(bytes));
    redis.set("wasm:n", i64::MAX - 1).await?;
    let (up, wrong) = redis
        .pipeline((redis.incr("wasm:n"), redis.incr("wasm:a")))
        .await?;
    assert_eq!(up?, i64::MAX);
    assert_eq!(wrong.unwrap_err().command(), Some("INCR"));
    let (left, kept) = redis
        .transaction((redis.decr("wasm:n"), redis.get::<i64>("wasm:n")))
        .await?;
    assert_eq!((left, kept), (i64::MAX - 1, Some(i64::MAX - 1)));
    let script = Script::new("return redis.call('GET', KEYS[1])");
    assert_eq!(
        script.run::<Option<i64>>(&redis, "wasm:n").await?,
        Some(i64::MAX - 1)
    );
    let mut keys = redis
        .scan()
        .matching("wasm:*")
        .count(100)
        .stream::<String>();
    let mut found = 0;
    while let Some(key) = keys.next().await {
        key?;
        found += 1;
    }
    assert!(found >= 4);
    Ok(())
}

#[wasm_bindgen_test]
async fn a_wrong_token_is_refused() {
    let error = server(Some("wrong")).get::<String>("k").await.unwrap_err();
    assert!(
        error.is_auth() && error.code() == Some("WRONGPASS"),
        "{error}"
    );
}
