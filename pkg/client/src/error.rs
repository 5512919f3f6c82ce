//! The crate's error as a plain object, from which JavaScript makes one of its classes.

use std::error::Error as _;

use restis::{Error, unversioned};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

#[wasm_bindgen(raw_module = "../errors.js")]
extern "C" {
    /// An object of these. One call, since each step over the border costs code on both sides of it.
    fn details(
        kind: &str,
        message: &str,
        code: Option<&str>,
        command: Option<&str>,
        index: Option<usize>,
        status: Option<u16>,
        attempts: u32,
        ambiguous: bool,
        retryable: bool,
        auth: bool,
        in_body: bool,
        cause: Option<&str>,
    ) -> JsValue;
}

/// What JavaScript's `fromEngine` takes.
pub fn to_js(error: &Error) -> JsValue {
    details(
        unversioned::kind(error),
        &error.to_string(),
        error.code(),
        error.command(),
        error.index(),
        error.status(),
        error.attempts(),
        error.is_ambiguous(),
        error.is_retryable(),
        error.is_auth(),
        error.is_in_body(),
        error.source().map(ToString::to_string).as_deref(),
    )
}
