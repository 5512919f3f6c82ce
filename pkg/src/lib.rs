//! The npm package's engine: one class, and one function through which every command goes.
//!
//! JSON text goes in and the answer's text comes out. JavaScript writes and reads it, because it does that faster
//! than anything that builds its values from here; URL, token, time, repetition and errors are the crate's.

#![cfg(target_arch = "wasm32")]

mod error;
mod settings;

use bytes::Bytes;
use restis::{
    Redis,
    unversioned::{self, Form},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::settings::{RetrySettings, Settings, duration, retry};

/// A third of the size of std's own, which is several KB of the module, and not slower.
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// A client of one database.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Client {
    redis: Redis,
}

#[wasm_bindgen]
impl Client {
    /// Checks the settings. Does no I/O and asks neither for the time nor for a random number.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &Settings) -> Result<Self, JsValue> {
        let redis = settings
            .builder()
            .build()
            .map_err(|error| error::to_js(&error))?;
        Ok(Self { redis })
    }

    /// Sends JSON text by one of the three forms: `""` is one command, `"pipeline"` and `"multi-exec"` are batches.
    pub async fn exec(
        &self,
        form: &str,
        json: String,
        base64: bool,
        timeout: Option<f64>,
        retries: Option<RetrySettings>,
    ) -> Result<String, JsValue> {
        let form = match form {
            "pipeline" => Form::Pipeline,
            "multi-exec" => Form::MultiExec,
            _ => Form::Command,
        };
        let retries = retries.map(|settings| retry(&settings));
        let answer = unversioned::send(
            &self.redis,
            form,
            json,
            base64,
            timeout.map(duration),
            retries,
        )
        .await;
        answer.map(text).map_err(|error| error::to_js(&error))
    }
}

/// The body as text. The server writes UTF-8; what is not becomes U+FFFD, as in any reader of JSON.
fn text(body: Bytes) -> String {
    String::from_utf8(body.into())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
