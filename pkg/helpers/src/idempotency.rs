//! Work that runs once for each key.

use std::rc::Rc;

use js_sys::{Function, Promise};
use restis::{
    Idempotency,
    idempotency::{Ran, RunError},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    Client,
    bridge::{Json, Options, call_json, error, millis, object, promise, reason, told},
};

#[wasm_bindgen(js_name = Idempotency)]
#[derive(Debug)]
pub struct JsIdempotency(Rc<Idempotency>);

#[wasm_bindgen(js_class = Idempotency)]
impl JsIdempotency {
    /// With a namespace, a lease and a time to keep answers.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, options: &JsValue) -> Self {
        let options = Options(options);
        let mut idempotency = Idempotency::new(client.redis());
        told!(idempotency, options,
            text { "namespace" => namespace }
            time { "lease" => lease, "ttl" => ttl }
        );
        Self(Rc::new(idempotency))
    }

    /// `{ status, json, retryAfter, lost }`.
    pub fn run(&self, key: String, payload: Vec<u8>, work: Function) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let work = || async move { call_json(&work, &JsValue::UNDEFINED).await };
            let ran: Result<Ran<Json>, _> = this.run(key, payload, work).await;
            let status = |status: &str| ("status", JsValue::from(status));
            Ok(match ran {
                Ok(Ran::Now(answer)) => object([status("now"), ("json", answer.get().into())]),
                Ok(Ran::Before(answer)) => {
                    object([status("before"), ("json", answer.get().into())])
                }
                Ok(Ran::InProgress { retry_after, .. }) => object([
                    status("in progress"),
                    ("retryAfter", millis(retry_after).into()),
                ]),
                Ok(_) => object([status("other payload")]),
                Err(RunError::Work(thrown)) => return Err(thrown.into_js()),
                Err(RunError::Redis(failed)) => return Err(error(failed)),
                Err(RunError::Lost(lost)) => object([status("lost"), ("lost", reason(&lost))]),
                Err(_) => object([status("lost")]),
            })
        })
    }
}
