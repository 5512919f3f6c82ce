//! The transport on wasm32: the platform's own `fetch`, or one you hand over.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use fragile::Fragile;
use futures_core::{Stream, future::BoxFuture};
use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestInit, RequestRedirect, ResponseType};

use crate::find;

use super::{Body, READ_HEADERS, Request, Response, Transport, TransportError};

/// HTTP by `fetch`. The default transport on wasm32.
///
/// Never asks the response for its URL, which mocks and service bindings leave empty, and sets no
/// option that a Worker refuses. Giving a call up aborts its request.
#[derive(Debug, Default)]
pub struct Fetch {
    target: Option<Fragile<JsValue>>,
}

impl Fetch {
    /// Calls the method `fetch` of this object: a Cloudflare service binding, or `{ fetch }` of your own.
    ///
    /// The object belongs to the thread that made it; a wasm module on several threads makes one each.
    pub fn on(object: impl Into<JsValue>) -> Self {
        Self {
            target: Some(Fragile::new(object.into())),
        }
    }

    fn start(&self, request: Request) -> Result<(JsFuture, Abort), JsValue> {
        let controller = AbortController::new()?;
        let headers = Headers::new()?;
        for (name, value) in request.headers() {
            headers.set(name, value)?;
        }
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_headers(&headers);
        init.set_body(&Uint8Array::from(request.body()));
        init.set_redirect(RequestRedirect::Manual);
        init.set_signal(Some(&controller.signal()));
        let global = js_sys::global();
        let target = self.target.as_ref().map_or(&*global, Fragile::get);
        let fetch: Function = Reflect::get(target, &"fetch".into())?.dyn_into().map_err(|_| {
            js_sys::Error::new("there is no fetch here: hand one over with Builder::transport(Fetch::on(object))")
        })?;
        let promise = fetch.call2(target, &request.url().into(), &init)?;
        Ok((
            JsFuture::from(Promise::resolve(&promise)),
            Abort(Some(controller)),
        ))
    }
}

impl Transport for Fetch {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(Fragile::new(async move {
            let url = Arc::clone(&request.url);
            let (events, limit) = (request.events, request.max_response_bytes);
            let (fetched, abort) = self
                .start(request)
                .map_err(|error| TransportError::setup(text(&error, &url)))?;
            let received = fetched.await.map_err(|error| classify(&error, &url))?;
            if !received.is_object() {
                // Asking nothing for its status would be an exception outside of any promise.
                let nothing = Text("fetch gave no response".into());
                return Err(TransportError::interrupted(nothing));
            }
            let received: web_sys::Response = received.unchecked_into();
            let mut response = Response::new(received.status(), Bytes::new());
            let headers = received.headers();
            for name in READ_HEADERS {
                if let Ok(Some(value)) = headers.get(name) {
                    response.headers.push((name, value));
                }
            }
            let received = Received {
                response: received,
                abort,
                url,
                limit,
            };
            response.body = match events {
                None => received.whole(),
                Some(events) => (events.open)(received),
            };
            Ok(response)
        }))
    }
}

/// A response whose body has not been read.
pub(super) struct Received {
    response: web_sys::Response,
    abort: Abort,
    url: Arc<str>,
    limit: usize,
}

impl Received {
    /// All of the body, up to the limit. It is read piece by piece, unless its head has the length of what is read:
    /// with an encoding, which a browser hides of another origin's response, there is more.
    fn whole(self) -> Body {
        let headers = self.response.headers();
        let field = |name| headers.get(name).ok().flatten();
        let length = field("content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > self.limit) {
            return Body::from_future(async { Err(TransportError::too_large()) });
        }
        let is_known = length.is_some()
            && field("content-encoding").is_none()
            && self.response.type_() != ResponseType::Cors;
        if is_known { self.at_once() } else { open(self) }
    }

    fn at_once(self) -> Body {
        let Self {
            response,
            abort,
            url,
            ..
        } = self;
        Body::from_future(Fragile::new(async move {
            let broken = |error: JsValue| TransportError::interrupted(text(&error, &url));
            let buffer =
                JsFuture::from(Promise::resolve(&response.array_buffer().map_err(broken)?));
            let bytes = Uint8Array::new(&buffer.await.map_err(broken)?).to_vec();
            abort.disarm();
            Ok(Bytes::from(bytes))
        }))
    }
}

/// A response's body as it comes. A response without a readable one, as mocks have it, is read at once.
pub(super) fn open(received: Received) -> Body {
    let reader =
        member(&received.response, "body").and_then(|body| method(&body, "getReader").ok());
    match reader {
        None => received.at_once(),
        Some(reader) => Body::from_stream(Fragile::new(Pieces {
            reader,
            reading: None,
            abort: Some(received.abort),
            url: received.url,
        })),
    }
}

/// What arrives of a body. Dropping it aborts the request.
struct Pieces {
    reader: JsValue,
    /// The piece that is waited for.
    reading: Option<JsFuture>,
    /// `None` behind the end.
    abort: Option<Abort>,
    url: Arc<str>,
}

impl Stream for Pieces {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.abort.is_none() {
            return Poll::Ready(None);
        }
        let piece = match &mut this.reading {
            Some(reading) => ready!(Pin::new(reading).poll(cx)),
            None => match method(&this.reader, "read") {
                Ok(promise) => {
                    let reading = this
                        .reading
                        .insert(JsFuture::from(Promise::resolve(&promise)));
                    ready!(Pin::new(reading).poll(cx))
                }
                Err(error) => Err(error),
            },
        };
        this.reading = None;
        match piece {
            Ok(piece) => match member(&piece, "value") {
                Some(bytes) if ArrayBuffer::is_view(&bytes) => {
                    Poll::Ready(Some(Ok(Uint8Array::new(&bytes).to_vec().into())))
                }
                Some(_) => {
                    this.abort = None;
                    let text = Text("the body's stream is not one of bytes".into());
                    Poll::Ready(Some(Err(TransportError::interrupted(text))))
                }
                None => {
                    // It has ended: nothing is left to abort.
                    if let Some(abort) = this.abort.take() {
                        abort.disarm();
                    }
                    Poll::Ready(None)
                }
            },
            Err(error) => {
                this.abort = None;
                Poll::Ready(Some(Err(TransportError::interrupted(text(
                    &error, &this.url,
                )))))
            }
        }
    }
}

/// Calls a method without arguments. What is not there or throws is an error, not an exception.
fn method(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &name.into())?.dyn_into()?;
    method.call0(object)
}

/// Aborts the request when it is dropped before the body is there.
struct Abort(Option<AbortController>);

impl Abort {
    /// The body is there: nothing is left to abort.
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// Browsers and Workers do not tell whether a request left, so it may have. Node's cause has a code that does.
fn classify(error: &JsValue, url: &str) -> TransportError {
    let code = member(error, "cause")
        .and_then(|cause| member(&cause, "code"))
        .and_then(|code| code.as_string());
    let starts = |prefixes: &[&str]| {
        prefixes
            .iter()
            .any(|prefix| code.as_deref().unwrap_or("").starts_with(prefix))
    };
    if starts(&[
        "ECONNREFUSED",
        "ENOTFOUND",
        "EAI_",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "UND_ERR_CONNECT_TIMEOUT",
    ]) {
        TransportError::connect(text(error, url))
    } else if starts(&[
        "CERT_",
        "ERR_SSL_",
        "ERR_TLS_",
        "DEPTH_ZERO_",
        "SELF_SIGNED_",
        "UNABLE_TO_",
    ]) {
        TransportError::tls(text(error, url))
    } else {
        TransportError::interrupted(text(error, url))
    }
}

/// A property of an object that is there and not undefined.
fn member(value: &JsValue, name: &str) -> Option<JsValue> {
    let found = value
        .is_object()
        .then(|| Reflect::get(value, &name.into()).ok())
        .flatten();
    found.filter(|found| !found.is_undefined())
}

/// What a JavaScript error says: its message, and that of its cause, where Node keeps the reason.
/// Without the URL, which some runtimes put into both and which may hold a key.
fn text(error: &JsValue, url: &str) -> Text {
    let message =
        |value: &JsValue| member(value, "message").and_then(|message| message.as_string());
    let own = message(error)
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "fetch failed".into());
    let said = match member(error, "cause").as_ref().and_then(message) {
        Some(cause) if !cause.is_empty() => format!("{own}: {cause}"),
        _ => own,
    };
    let (mut clean, mut rest) = (String::new(), &*said);
    while let Some((before, after)) = find::split(rest, url) {
        clean = clean + before + "the URL";
        rest = after;
    }
    let clean = clean + rest;
    // A runtime that writes the URL in its own way, with another host or escapes, or its path alone.
    let (_, behind_scheme) = find::split(url, "://").unwrap_or(("", ""));
    let path = find::split(behind_scheme, "/").map_or("", |(_, path)| path);
    let quotes = |word: &str| {
        let has = |part: &str| find::find(word.as_bytes(), part).is_some();
        has("://") || !path.is_empty() && has(path)
    };
    let words = clean.split_ascii_whitespace();
    let words: Vec<_> = words
        .map(|word| if quotes(word) { "the URL" } else { word })
        .collect();
    Text(words.join(" "))
}

/// What an error says. A `String` as an error would bring its `Debug`, which escapes by Unicode's tables.
pub(crate) struct Text(pub(crate) String);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Text {}
