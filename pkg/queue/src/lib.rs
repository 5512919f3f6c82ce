//! The module of `restis/queue`: which script a job is added by, and what that is told. JavaScript sends it.
//!
//! Without a client, so that a program with both has the client once.

#![cfg(target_arch = "wasm32")]

use restis::unversioned;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

/// A third of the size of std's own.
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// The text of the script `add` or `flow`.
#[wasm_bindgen]
pub fn script(name: &str) -> String {
    unversioned::queue_script(name)
        .unwrap_or_default()
        .to_owned()
}

/// What that script is sent for a request: JSON for JSON. Throws the words of what is wrong with it.
#[wasm_bindgen]
pub fn request(name: &str, json: &str) -> Result<String, JsValue> {
    unversioned::queue_request(name, json).map_err(|error| JsValue::from_str(&error.to_string()))
}
