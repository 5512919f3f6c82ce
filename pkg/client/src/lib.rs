//! The npm package's engine: one class, and one function through which every command goes.
//!
//! JSON text goes in and the answer's text comes out. JavaScript writes and reads it, because it does that faster
//! than anything that builds its values from here; URL, token, time, repetition and errors are the crate's.

#![cfg(target_arch = "wasm32")]

mod error;
mod settings;
mod transport;

pub use error::to_js;

use std::{
    future::{Future as _, poll_fn},
    pin::Pin,
    task::Poll,
};

use js_sys::Promise;
use restis::{
    Redis,
    unversioned::{self, Form},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{settings::duration, transport::Fetch};

/// A third of the size of std's own, which is several KB of the module, and not slower.
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[wasm_bindgen(raw_module = "../text.js")]
extern "C" {
    /// The values of an answer's JSON; throws what the call ends in where it is none.
    #[wasm_bindgen(catch)]
    fn read(json: &[u8]) -> Result<JsValue, JsValue>;
}

/// A client of one database.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Client {
    redis: Redis,
}

impl Client {
    /// What the helpers are made over.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }
}

#[wasm_bindgen]
impl Client {
    /// Checks the settings. Does no I/O and asks neither for the time nor for a random number.
    #[expect(
        clippy::too_many_arguments,
        reason = "an object to read them from costs a function for each"
    )]
    #[wasm_bindgen(constructor)]
    pub fn new(
        url: String,
        token: String,
        timeout: Option<f64>,
        attempt_timeout: Option<f64>,
        max_response_bytes: Option<f64>,
        retries: Option<u32>,
        base_delay: f64,
        max_delay: f64,
        even_if_ambiguous: bool,
        allow_plain_http: bool,
        read_your_writes: bool,
        auto_pipelining: bool,
        fetch: JsValue,
    ) -> Result<Self, JsValue> {
        let mut builder = Redis::builder()
            .url(url)
            .token(token)
            .read_your_writes(read_your_writes)
            .auto_pipelining(auto_pipelining);
        if let Some(timeout) = timeout {
            builder = builder.timeout(duration(timeout));
        }
        if let Some(timeout) = attempt_timeout {
            builder = builder.attempt_timeout(duration(timeout));
        }
        if let Some(bytes) = max_response_bytes {
            // What is more than the module can address becomes the most that it can.
            builder = builder.max_response_bytes(bytes as usize);
        }
        if let Some(retry) = settings::retry(retries, base_delay, max_delay, even_if_ambiguous) {
            builder = builder.retry(retry);
        }
        if allow_plain_http {
            builder = builder.allow_plain_http();
        }
        let redis =
            unversioned::build(builder, Fetch::on(fetch)).map_err(|error| error::to_js(&error))?;
        Ok(Self { redis })
    }

    /// Sends JSON text: 0 is one command, 1 a pipeline, 2 a transaction, 3 one command with bytes, of which the rest is
    /// in the path.
    ///
    /// Gives the answer's values, which JavaScript makes of its bytes where they lie.
    /// `aborted` is a promise that rejects when the call is given up.
    #[expect(
        clippy::too_many_arguments,
        reason = "an object to read them from costs a function for each"
    )]
    pub async fn exec(
        &self,
        form: u8,
        json: String,
        timeout: Option<f64>,
        retries: Option<u32>,
        base_delay: f64,
        max_delay: f64,
        even_if_ambiguous: bool,
        base64: bool,
        aborted: Option<Promise>,
        path: Option<String>,
        body: Option<Vec<u8>>,
    ) -> Result<JsValue, JsValue> {
        let form = match form {
            1 => Form::Pipeline,
            2 => Form::MultiExec,
            3 => Form::Path {
                path: path.unwrap_or_default(),
                body: body.unwrap_or_default(),
            },
            _ => Form::Command,
        };
        let settings = unversioned::Settings {
            timeout: timeout.map(duration),
            retry: settings::retry(retries, base_delay, max_delay, even_if_ambiguous),
            base64,
        };
        let mut answer = unversioned::send(&self.redis, form, json, settings);
        let mut aborted = aborted.map(JsFuture::from);
        // Whoever aborts drops the request, if nobody shares it.
        poll_fn(|cx| {
            if let Some(aborted) = &mut aborted
                && let Poll::Ready(reason) = Pin::new(aborted).poll(cx)
            {
                return Poll::Ready(Err(reason.err().unwrap_or_default()));
            }
            Pin::new(&mut answer).poll(cx).map(|answer| match answer {
                Ok(body) => read(&body),
                Err(error) => Err(error::to_js(&error)),
            })
        })
        .await
    }

    /// The sync token that the next request carries.
    #[wasm_bindgen(getter, js_name = syncToken)]
    pub fn sync_token(&self) -> Option<String> {
        unversioned::sync_token(&self.redis)
    }

    /// Puts another client's token in its place.
    #[wasm_bindgen(setter, js_name = syncToken)]
    pub fn set_sync_token(&self, token: &str) {
        unversioned::set_sync_token(&self.redis, token);
    }
}

/// The error of one command inside a batch, by the server's words.
#[wasm_bindgen(js_name = errorInBatch)]
pub fn error_in_batch(words: &str, command: String) -> JsValue {
    error::to_js(&unversioned::error_in_batch(words, command))
}
