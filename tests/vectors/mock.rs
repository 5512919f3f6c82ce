//! A client whose server gives one reply to everything, in the form that is asked for.

use std::{
    fmt::Write,
    future::ready,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use restis::{
    Redis,
    transport::{Request, Response},
};
use serde_json::{Value, json};

pub(crate) struct Mock {
    redis: Redis,
    /// The first command of each request.
    sent: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Mock {
    /// Answers the first command of each request with `raw`; a scan ends after it.
    pub(crate) fn new(raw: Value) -> Self {
        let sent = Arc::new(Mutex::new(Vec::<Vec<String>>::new()));
        let kept = Arc::clone(&sent);
        let transport = move |request: Request| {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let is_batch = body[0].is_array();
            let command = if is_batch { &body[0] } else { &body };
            let mut sent = kept.lock().unwrap();
            let mut reply = if sent.is_empty() {
                raw.clone()
            } else {
                json!(["0", []])
            };
            sent.push(serde_json::from_value(command.clone()).unwrap());
            let asks = |name, value| request.headers().any(|header| header == (name, value));
            if asks("upstash-response-format", "resp2") {
                let mut body = String::new();
                write_resp2(&reply, &mut body);
                return ready(Ok(
                    Response::new(200, body).header("content-type", "application/octet-stream")
                ));
            }
            if asks("upstash-encoding", "base64") {
                reply = encoded(reply);
            }
            let answer = if is_batch {
                let mut entries = vec![json!({ "result": null }); body.as_array().unwrap().len()];
                entries[0] = json!({ "result": reply });
                Value::Array(entries)
            } else {
                json!({ "result": reply })
            };
            ready(Ok(Response::new(200, answer.to_string())))
        };
        let builder = Redis::builder()
            .url("https://mock.example")
            .token("any")
            .transport(transport);
        Self {
            redis: builder.build().unwrap(),
            sent,
        }
    }

    pub(crate) fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The command of the first request.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap()[0].clone()
    }
}

/// As the server itself writes a reply.
fn write_resp2(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("$-1\r\n"),
        Value::String(text) if text == "OK" => out.push_str("+OK\r\n"),
        Value::String(text) => write!(out, "${}\r\n{text}\r\n", text.len()).unwrap(),
        Value::Array(values) => {
            write!(out, "*{}\r\n", values.len()).unwrap();
            values.iter().for_each(|value| write_resp2(value, out));
        }
        number => write!(out, ":{number}\r\n").unwrap(),
    }
}

/// With every string but `OK` in base64.
fn encoded(value: Value) -> Value {
    match value {
        Value::String(text) if text != "OK" => Value::String(STANDARD.encode(text)),
        Value::Array(values) => values.into_iter().map(encoded).collect(),
        other => other,
    }
}

/// What [`encoded`] was given.
pub(crate) fn decoded(value: Value) -> Value {
    match value {
        Value::String(text) if text != "OK" => {
            Value::String(String::from_utf8(STANDARD.decode(text).unwrap()).unwrap())
        }
        Value::Array(values) => values.into_iter().map(decoded).collect(),
        other => other,
    }
}
