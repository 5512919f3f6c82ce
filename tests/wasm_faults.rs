//! The fault matrix on wasm32, in Node and in Chromium: every fault of restis-local under every kind of operation.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(all(
    feature = "cache",
    feature = "idempotency",
    feature = "lock",
    feature = "observe",
    feature = "queue",
    feature = "ratelimit",
    feature = "sessions",
    target_arch = "wasm32"
))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

#[path = "faults/matrix.rs"]
mod matrix;

use std::time::Duration;

use js_sys::{Function, Promise};
use matrix::{FAULTS, Operation, Server, Tally};
use restis::Redis;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

/// The restis-local that the tests were built for.
struct Shared {
    url: &'static str,
    token: &'static str,
}

async fn promised(body: &str, a: &str, b: &str, c: &str) {
    let make = Function::new_with_args("a, b, c", body);
    let promise: Promise = make
        .call3(&JsValue::NULL, &a.into(), &b.into(), &c.into())
        .unwrap()
        .unchecked_into();
    JsFuture::from(promise).await.unwrap();
}

impl Server for Shared {
    fn url(&self) -> &str {
        self.url
    }

    fn token(&self) -> &str {
        self.token
    }

    async fn fault(&self, fault: Option<&str>) {
        let url = format!("{}/_local/faults", self.url);
        const DONE: &str =
            ".then((answer) => { if (!answer.ok) throw new Error(`${answer.status}`); })";
        const HEADERS: &str = "headers: { authorization: `Bearer ${c}` }";
        let cleared = format!("return fetch(a, {{ method: 'DELETE', {HEADERS} }}){DONE}");
        promised(&cleared, &url, "", self.token).await;
        if let Some(fault) = fault {
            let posted = format!("return fetch(a, {{ method: 'POST', body: b, {HEADERS} }}){DONE}");
            promised(&posted, &url, fault, self.token).await;
        }
    }

    async fn wait(&self, time: Duration) {
        let set = "return new Promise((done) => setTimeout(done, Number(a)))";
        promised(set, &time.as_millis().to_string(), "", "").await;
    }
}

#[wasm_bindgen_test]
async fn nothing_is_lost_and_nothing_done_twice() {
    const CALLS: u32 = 2;
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    let server = Shared { url, token };
    // Node and Chromium use the same database, one after the other.
    let redis = Redis::new(url, token).unwrap();
    let run = redis.incr("matrix-runs").await.unwrap();
    let mut all = Tally::default();
    // In a browser those that the client gets to see: on a connection that was used before and closes without a byte of
    // an answer, Chromium sends the request again by itself, a POST too. Half of the time is waiting, so four will do.
    let is_browser = js_sys::Reflect::has(&js_sys::global(), &"document".into()).unwrap();
    for (fault, number) in FAULTS.into_iter().zip(0..) {
        if is_browser && ![3, 6, 11, 12].contains(&number) {
            continue;
        }
        for operation in Operation::ALL {
            let tag = format!("wasm-{run}:{number}:{operation:?}");
            let tally = matrix::cell(&server, operation, fault, &tag, CALLS).await;
            assert!(tally.is_right(), "{operation:?} under {fault}: {tally}");
            all.add(tally);
        }
    }
    console_log!("{all}");
}
