//! The npm package's engine: one class, and one function through which every command goes.
//!
//! JSON text goes in and the answer's text comes out. JavaScript writes and reads it, because it does that faster
//! than anything that builds its values from here; URL, token, time, repetition and errors are the crate's.

#![cfg(target_arch = "wasm32")]

mod error;
mod settings;

use js_sys::Uint8Array;
use restis::{
    Redis,
    unversioned::{self, Form},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::settings::Settings;

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

    /// Sends JSON text by one of the three forms: 0 is one command, 1 a pipeline, 2 a transaction.
    ///
    /// Gives the answer's bytes: whoever makes text of them has to look at each, and JavaScript does so anyway.
    pub async fn exec(&self, form: u8, json: String) -> Result<Uint8Array, JsValue> {
        let form = match form {
            1 => Form::Pipeline,
            2 => Form::MultiExec,
            _ => Form::Command,
        };
        let answer = unversioned::send(&self.redis, form, json).await;
        match answer {
            Ok(body) => Ok(Uint8Array::from(&*body)),
            Err(error) => Err(error::to_js(&error)),
        }
    }
}

/// The error of one command inside a batch, by the server's words.
#[wasm_bindgen(js_name = errorInBatch)]
pub fn error_in_batch(words: &str, command: String) -> JsValue {
    error::to_js(&unversioned::error_in_batch(words, command))
}
