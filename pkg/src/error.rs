//! The crate's error as a plain object, from which JavaScript makes one of its classes.

use std::error::Error as _;

use js_sys::{Object, Reflect};
use restis::Error;
use wasm_bindgen::JsValue;

/// `{ kind, message, code, command, status, attempts, ambiguous, retryable, auth, inBody, cause }`; what there is not
/// is left out.
pub(crate) fn to_js(error: &Error) -> JsValue {
    let object = Object::new();
    let set = |name: &str, value: JsValue| {
        // Fails on an object that is frozen only, and this one is new.
        let _ = Reflect::set(&object, &name.into(), &value);
    };
    set("kind", kind(error).into());
    set("message", error.to_string().into());
    for (name, text) in [("code", error.code()), ("command", error.command())] {
        if let Some(text) = text {
            set(name, text.into());
        }
    }
    if let Some(status) = error.status() {
        set("status", status.into());
    }
    set("attempts", error.attempts().into());
    set("ambiguous", error.is_ambiguous().into());
    set("retryable", error.is_retryable().into());
    set("auth", error.is_auth().into());
    set("inBody", error.is_in_body().into());
    if let Some(source) = error.source() {
        set("cause", source.to_string().into());
    }
    object.into()
}

fn kind(error: &Error) -> &'static str {
    let kinds = [
        (error.is_config(), "config"),
        (error.is_argument(), "argument"),
        (error.is_too_large(), "too-large"),
        (error.is_tls(), "tls"),
        (error.is_connect(), "connect"),
        (error.is_timeout(), "timeout"),
        (error.is_interrupted(), "interrupted"),
        (error.is_http(), "http"),
        (error.is_server(), "server"),
    ];
    kinds
        .iter()
        .find(|(is, _)| *is)
        .map_or("decode", |(_, kind)| kind)
}
