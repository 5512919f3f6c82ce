//! HTTP by JavaScript: `fetch.js` beside, which says with less code what the crate's own `Fetch` has to build by calls.

use fragile::Fragile;
use futures_core::future::BoxFuture;
use js_sys::{Promise, Uint8Array};
use restis::{
    Bytes,
    transport::{Body, Request, Response, Transport, TransportError},
    unversioned,
};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(raw_module = "../fetch.js")]
extern "C" {
    type Exchange;

    #[wasm_bindgen(constructor)]
    fn new(target: &JsValue, url: &str, headers: &str, body: &[u8], limit: usize) -> Exchange;
    #[wasm_bindgen(method)]
    fn head(this: &Exchange) -> Promise;
    #[wasm_bindgen(method)]
    fn body(this: &Exchange) -> Promise;
    #[wasm_bindgen(method)]
    fn abort(this: &Exchange);
}

/// Calls the method `fetch` of an object, or of the platform.
pub(crate) struct Fetch(Fragile<JsValue>);

impl Fetch {
    pub(crate) fn on(target: JsValue) -> Self {
        Self(Fragile::new(target))
    }
}

impl Transport for Fetch {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(Fragile::new(async move {
            let mut headers = String::new();
            for (name, value) in request.headers() {
                if !headers.is_empty() {
                    headers.push('\n');
                }
                headers.push_str(name);
                headers.push('\n');
                headers.push_str(value);
            }
            let (url, limit) = (request.url(), request.max_response_bytes());
            let exchange = Exchange::new(self.0.get(), url, &headers, request.body(), limit);
            let exchange = Pending {
                exchange,
                over: false,
            };
            let head = JsFuture::from(exchange.exchange.head()).await;
            let head = head.map_err(failure)?.as_string().unwrap_or_default();
            let mut lines = head.split('\n');
            let status = lines.next().and_then(|status| status.parse().ok());
            let body = Body::from_future(Fragile::new(whole(exchange)));
            let mut response = Response::new(status.unwrap_or(0), body);
            while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
                response = response.header(name, value);
            }
            Ok(response)
        }))
    }
}

async fn whole(mut pending: Pending) -> Result<Bytes, TransportError> {
    let body = JsFuture::from(pending.exchange.body()).await;
    pending.over = true;
    let body: Uint8Array = body.map_err(failure)?.unchecked_into();
    Ok(Bytes::from(body.to_vec()))
}

/// Aborts the request when it is dropped before the body is there.
struct Pending {
    exchange: Exchange,
    over: bool,
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.over {
            self.exchange.abort();
        }
    }
}

/// What JavaScript says of a failure: its kind, and behind a newline what went wrong.
fn failure(said: JsValue) -> TransportError {
    let said = said.as_string().unwrap_or_default();
    let (kind, text) = said.split_once('\n').unwrap_or(("", &said));
    let text = unversioned::said(text);
    match kind {
        "setup" => TransportError::setup(text),
        "connect" => TransportError::connect(text),
        "tls" => TransportError::tls(text),
        "large" => TransportError::too_large(),
        _ => TransportError::interrupted(text),
    }
}
