//! The native transport: reqwest, with its connection pool.

use std::{
    error::Error as StdError,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::{Stream, future::BoxFuture};
use http_body::Body as _;
use reqwest::{
    Method, Url,
    header::{self, HeaderName, HeaderValue},
    redirect,
};

use super::{Body, Request, Response, Transport, TransportError};

/// HTTP by [reqwest](https://docs.rs/reqwest): keeps connections open and shares them.
///
/// The default transport natively. It needs a tokio runtime with its timer. The HTTP client is made
/// at the first request, because that reads the system's certificates (about 2.5 ms, once).
#[derive(Default)]
pub struct Native {
    client: OnceLock<reqwest::Client>,
    /// The URLs used last, parsed.
    urls: Mutex<Vec<(Arc<str>, Url)>>,
}

impl Native {
    /// Sends by your own client, with its own proxies, certificates and limits.
    ///
    /// Turn its redirects off: a redirected POST may lose its body, and its token must not travel.
    /// A timeout of its own also ends subscriptions, which then begin again.
    pub fn new(client: reqwest::Client) -> Self {
        Self {
            client: OnceLock::from(client),
            urls: Mutex::default(),
        }
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, TransportError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            // Below the idle time of common load balancers, so that a pooled connection is alive when
            // it is taken, also after a Lambda was frozen.
            .pool_idle_timeout(Duration::from_secs(20));
        if url.scheme() == "http" && url.host_str().is_some_and(crate::config::is_loopback) {
            // A proxy of the environment is another machine, and would read the token.
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| TransportError::setup(error.without_url()))?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl Native {
    fn request(&self, request: Request) -> Result<reqwest::Request, TransportError> {
        let mut sent = reqwest::Request::new(Method::POST, self.url(&request)?);
        for (name, value) in request.headers() {
            let value = HeaderValue::from_str(value).map_err(TransportError::setup)?;
            sent.headers_mut().insert(name_of(name), value);
        }
        *sent.body_mut() = Some(request.body.into());
        Ok(sent)
    }

    /// Parsing a URL costs as much as all else we do for a request, and a client has but three,
    /// beside those that hold a command.
    fn url(&self, request: &Request) -> Result<Url, TransportError> {
        if request.has_url_of_its_own() {
            return Url::parse(&request.url).map_err(TransportError::setup);
        }
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, url)) = urls
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, &request.url))
        {
            return Ok(url.clone());
        }
        let url = Url::parse(&request.url).map_err(TransportError::setup)?;
        urls.truncate(2);
        urls.insert(0, (Arc::clone(&request.url), url.clone()));
        Ok(url)
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}

fn name_of(name: &'static str) -> HeaderName {
    match name {
        "authorization" => header::AUTHORIZATION,
        "content-type" => header::CONTENT_TYPE,
        other => HeaderName::from_static(other),
    }
}

impl Transport for Native {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let (events, limit) = (request.events, request.max_response_bytes);
            let request = self.request(request)?;
            let client = self.client(request.url())?;
            let mut received = client.execute(request).await.map_err(classify)?;
            Ok(Response {
                status: received.status().as_u16(),
                headers: std::mem::take(received.headers_mut()),
                body: match events {
                    None => Body::from_future(whole(received, limit)),
                    Some(events) => (events.open)(received),
                },
            })
        })
    }
}

pub(super) type Received = reqwest::Response;

/// All of a response's body. A length over the limit in its head is enough to give it up.
async fn whole(received: Received, limit: usize) -> Result<Bytes, TransportError> {
    let length = received.content_length().unwrap_or(0);
    if usize::try_from(length).map_or(true, |length| length > limit) {
        return Err(TransportError::too_large());
    }
    super::body::collect(Box::pin(Frames(received.into())), limit).await
}

/// A response's body as it comes.
pub(super) fn open(received: Received) -> Body {
    Body::from_stream(Frames(received.into()))
}

/// What arrives of a body. Dropping it closes the connection.
struct Frames(reqwest::Body);

impl Stream for Frames {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                // Frames that hold no data are trailers, of which a body has one at most.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(classify(error)))),
                None => return Poll::Ready(None),
            }
        }
    }
}

fn classify(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if error.is_builder() {
        TransportError::setup(error)
    } else if error.is_connect() {
        if is_tls(&error) {
            TransportError::tls(error)
        } else {
            TransportError::connect(error)
        }
    } else {
        TransportError::interrupted(error)
    }
}

/// A handshake that failed for what the other side said, not for a connection that broke.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        let io = error.downcast_ref::<io::Error>();
        match io.map(io::Error::kind) {
            // rustls says so; other libraries are known by their words.
            Some(io::ErrorKind::InvalidData) => return true,
            Some(
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe,
            ) => return false,
            _ => {}
        }
        let text = error.to_string().to_ascii_lowercase();
        if ["certificate", "ssl", "tls"]
            .iter()
            .any(|word| text.contains(word))
        {
            return true;
        }
        // The source of an io::Error is that of the error in it, so the one in it needs its own step.
        source = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
