//! The module of `restis/helpers`: what the crate's helpers do, over the client of the npm package.
//!
//! Values cross as JSON text, what is returned of several parts as a plain object; JavaScript checks what it is told.
//! Callbacks are JavaScript's, and what they throw comes back as it was.

#![cfg(target_arch = "wasm32")]

mod bridge;
mod cache;
mod idempotency;
mod lock;
mod queue;
mod ratelimit;
mod sessions;

// Its class is this module's too, with the allocator.
use restis::unversioned;
pub use restis_wasm_client::Client;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

/// The text of the script `add` or `flow`.
#[wasm_bindgen(js_name = queueScript)]
pub fn queue_script(name: &str) -> String {
    unversioned::queue_script(name).unwrap_or_default()
}

/// What that script is sent for a request: JSON for JSON. Throws the words of what is wrong with it.
#[wasm_bindgen(js_name = queueRequest)]
pub fn queue_request(name: &str, json: &str) -> Result<String, JsValue> {
    unversioned::queue_request(name, json).map_err(|error| JsValue::from_str(&error.to_string()))
}
