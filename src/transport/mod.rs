//! How bytes get to the server and back: [`Transport`], reqwest natively and `fetch` on wasm32.
//!
//! A transport knows HTTP and nothing of Redis. Supply your own for a mock, a proxy or a
//! Cloudflare service binding: an async function from [`Request`] to [`Response`] is one.
//!
//! ```
//! use restis::{Redis, transport::{Request, Response, TransportError}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), restis::Error> {
//! let redis = Redis::builder()
//!     .url("https://mock.example")
//!     .token("any")
//!     .transport(|request: Request| async move {
//!         assert_eq!(request.body(), br#"["PING"]"#);
//!         Ok::<_, TransportError>(Response::new(200, r#"{"result":"PONG"}"#))
//!     })
//!     .build()?;
//! assert_eq!(redis.ping().await?, "PONG");
//! # Ok(()) }
//! ```

use std::{error::Error as StdError, fmt, future::Future, sync::Arc};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::observe::Telemetry;

mod body;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod web;

pub use body::Body;
pub(crate) use body::{BodyInner, ByteStream};
#[cfg(not(target_arch = "wasm32"))]
pub use native::Native;
#[cfg(target_arch = "wasm32")]
pub use web::Fetch;
#[cfg(target_arch = "wasm32")]
pub(crate) use web::Text;

#[cfg(not(target_arch = "wasm32"))]
use native::{Received, open};
#[cfg(target_arch = "wasm32")]
use web::{Received, open};

/// Carries one request to the server and its response back.
///
/// Dropping the future gives the request up: close or abort what it alone owns.
pub trait Transport: Send + Sync {
    /// Sends the request, once: repeating is the client's decision.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}

impl<F, Fut> Transport for F
where
    F: Fn(Request) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Response, TransportError>> + Send + 'static,
{
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self(request))
    }
}

/// A header's name and value.
pub(crate) type Header = (&'static str, &'static str);

pub(crate) const BASE64: Header = ("upstash-encoding", "base64");
pub(crate) const RESP2: Header = ("upstash-response-format", "resp2");

/// What is different where the answer is a stream of events. A request carries it, so that all of it is linked only
/// where something asks for a stream.
pub(crate) struct Streaming {
    /// What tells the server, and all on the way.
    headers: [(&'static str, &'static str); 2],
    /// Makes the body of the platform's response.
    open: fn(Received) -> Body,
}

pub(crate) static EVENTS: Streaming = Streaming {
    headers: [
        ("accept", "text/event-stream"),
        ("cache-control", "no-cache"),
    ],
    open,
};

/// One HTTP request. Its method is always `POST`.
#[derive(Clone)]
pub struct Request {
    pub(crate) url: Arc<str>,
    pub(crate) authorization: Arc<str>,
    pub(crate) content_type: &'static str,
    /// The header that asks for another form of answer than plain JSON.
    pub(crate) format: Option<Header>,
    pub(crate) sync_token: Option<Arc<str>>,
    pub(crate) telemetry: Option<Telemetry>,
    /// What is asked for is a stream of events.
    pub(crate) events: Option<&'static Streaming>,
    pub(crate) max_response_bytes: usize,
    pub(crate) body: Bytes,
}

impl Request {
    /// The absolute URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers: names in lower case, values in ASCII.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let events = self.events.map_or(&[][..], |events| &events.headers);
        [
            Some(("authorization", &*self.authorization)),
            Some(("content-type", self.content_type)),
            self.format,
        ]
        .into_iter()
        .flatten()
        .chain(self.telemetry.iter().flat_map(Telemetry::headers))
        // Behind those that stay the same from one request to the next.
        .chain(self.sync_token.as_deref().map(|token| (SYNC_TOKEN, token)))
        .chain(events.iter().copied())
    }

    /// Whether the answer goes on for as long as its reader likes, so that it has to be handed on
    /// as it comes ([`Body::from_stream`]).
    pub fn wants_events(&self) -> bool {
        self.events.is_some()
    }

    /// Returns how many bytes the body of the response may have. A transport that reads bodies itself gives up with
    /// [`TransportError::too_large`] as soon as it knows that there are more. The client checks what it returns.
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_bytes
    }

    /// Whether the URL holds the command, and so is not one of the few that come again.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn has_url_of_its_own(&self) -> bool {
        self.content_type != "application/json" || self.wants_events()
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, to keep, without a copy.
    pub fn into_body(self) -> Bytes {
        self.body
    }
}

impl fmt::Debug for Request {
    /// Without the token and the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("content_type", &self.content_type)
            .field("bytes", &self.body.len())
            .finish()
    }
}

/// Whether a request ran, on answers without results: docs/wire.md.
pub(crate) const RAN: &str = "restis-ran";

pub(crate) const SYNC_TOKEN: &str = "upstash-sync-token";

/// The response headers the client reads. A transport need not pass on others.
pub(crate) const READ_HEADERS: [&str; 4] = ["content-type", RAN, "retry-after", SYNC_TOKEN];

/// One HTTP response: its head, and the body when it comes.
pub struct Response {
    pub(crate) status: u16,
    headers: Headers,
    pub(crate) body: Body,
}

impl Response {
    /// A response with this status and body, which may still be on its way ([`Body::from_future`])
    /// or come in pieces ([`Body::from_stream`]).
    pub fn new(status: u16, body: impl Into<Body>) -> Self {
        Self {
            status,
            headers: Headers::new(),
            body: body.into(),
        }
    }

    /// Adds a header. Those the client does not read, and values that are none, are left out.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Some(name) = READ_HEADERS
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
        {
            add(&mut self.headers, name, value.into());
        }
        self
    }

    /// The body, in whose place nothing is left.
    pub(crate) fn take_body(&mut self) -> BodyInner {
        std::mem::replace(&mut self.body.0, BodyInner::Whole(Bytes::new()))
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header by its name in lower case, of those the client reads: `content-type`, `retry-after`
    /// and `upstash-sync-token`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header by its name in lower case, of those the client reads: `content-type`, `retry-after`
    /// and `upstash-sync-token`.
    #[cfg(target_arch = "wasm32")]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| &**value)
    }
}

/// Natively the map the HTTP library has made, which costs nothing to keep.
#[cfg(not(target_arch = "wasm32"))]
type Headers = reqwest::header::HeaderMap;
#[cfg(target_arch = "wasm32")]
type Headers = Vec<(&'static str, String)>;

#[cfg(not(target_arch = "wasm32"))]
fn add(headers: &mut Headers, name: &'static str, value: String) {
    if let Ok(value) = value.try_into() {
        headers.insert(name, value);
    }
}

#[cfg(target_arch = "wasm32")]
fn add(headers: &mut Headers, name: &'static str, value: String) {
    headers.push((name, value));
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why there is no response.
///
/// Which constructor a transport uses decides what the client may repeat.
#[derive(Clone)]
pub struct TransportError {
    pub(crate) stage: Stage,
    pub(crate) source: Arc<dyn StdError + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Setup,
    Connect,
    Tls,
    Interrupted,
    TooLarge,
}

impl TransportError {
    fn new(stage: Stage, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            stage,
            source: Arc::from(source.into()),
        }
    }

    /// The transport itself is not usable. Nothing was sent, and trying again will not help.
    pub fn setup(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Stage::Setup, source)
    }

    /// There was no connection: nothing reached the server, so every command may be repeated.
    pub fn connect(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Stage::Connect, source)
    }

    /// The TLS handshake failed: nothing reached the server, and trying again will not help.
    pub fn tls(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Stage::Tls, source)
    }

    /// Whether nothing reached the server, for lack of a connection.
    pub fn is_connect(&self) -> bool {
        matches!(self.stage, Stage::Connect | Stage::Tls)
    }

    /// The body of the response is larger than [`Request::max_response_bytes`]. The request may have run, and trying
    /// again will not help.
    pub fn too_large() -> Self {
        Self::new(Stage::TooLarge, TooLarge)
    }

    /// The request may have reached the server. When in doubt, this is the one.
    pub fn interrupted(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Stage::Interrupted, source)
    }
}

/// A type of its own: text as an error would bring its `Debug`, which escapes by Unicode's tables.
struct TooLarge;

impl TooLarge {
    const WORDS: &'static str = "the response is larger than the client's limit";
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WORDS)
    }
}

impl fmt::Debug for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WORDS)
    }
}

impl StdError for TooLarge {}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("stage", &self.stage)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Setup => "the transport cannot be used",
            Stage::Connect => "no connection to the server",
            Stage::Tls => "the TLS handshake failed",
            Stage::Interrupted => "the connection broke",
            Stage::TooLarge => TooLarge::WORDS,
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
