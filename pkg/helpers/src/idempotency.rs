//! Work that runs once for each key.

use std::rc::Rc;

use js_sys::{Function, Promise};
use restis::{
    Idempotency,
    idempotency::{Ran, RunError},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    Client,
    bridge::{Json, Options, Thrown, call, error, json, millis, object, promise, reason, told},
};

/// What the work returned, as JSON, or nothing where that has no JSON form.
struct Answer(Option<Json>);

impl Answer {
    fn member(&self) -> (&'static str, JsValue) {
        let text = self.0.as_ref().map(|json| json.get().into());
        ("json", text.unwrap_or(JsValue::UNDEFINED))
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(json) => json.serialize(serializer),
            None => Err(ser::Error::custom("no JSON form")),
        }
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| Self(Some(json)))
    }
}

/// Calls the work, which returns JSON text, or nothing where its value has no JSON form.
async fn answer(work: &Function) -> Result<Answer, Thrown> {
    let text = call(work, &JsValue::UNDEFINED).await?.as_string();
    let json = text.map(json).transpose().map_err(Thrown::new)?;
    Ok(Answer(json))
}

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
            let work = || async move { answer(&work).await };
            let ran: Result<Ran<Answer>, _> = this.run(key, payload, work).await;
            let status = |status: &str| ("status", JsValue::from(status));
            Ok(match ran {
                Ok(Ran::Now(answer)) => object([status("now"), answer.member()]),
                Ok(Ran::Before(answer)) => object([status("before"), answer.member()]),
                Ok(Ran::DoneWithoutAnswer) => object([status("done without answer")]),
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
