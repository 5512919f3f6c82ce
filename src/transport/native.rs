//! The native transport: reqwest, with its connection pool.

use std::{error::Error as StdError, io, sync::OnceLock, time::Duration};

use futures_core::future::BoxFuture;
use reqwest::redirect;

use super::{Body, READ_HEADERS, Request, Response, Transport, TransportError};

/// HTTP by [reqwest](https://docs.rs/reqwest): keeps connections open and shares them.
///
/// The default transport natively. It needs a tokio runtime with its timer. The HTTP client is made
/// at the first request, because that reads the system's certificates (about 2.5 ms, once).
#[derive(Debug, Default)]
pub struct Native {
    client: OnceLock<reqwest::Client>,
}

impl Native {
    /// Sends by your own client, with its own proxies, certificates and limits.
    ///
    /// Turn its redirects off: a redirected POST may lose its body, and its token must not travel.
    pub fn new(client: reqwest::Client) -> Self {
        Self {
            client: OnceLock::from(client),
        }
    }

    fn client(&self) -> Result<&reqwest::Client, TransportError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            // Below the idle time of common load balancers, so that a pooled connection is alive when
            // it is taken, also after a Lambda was frozen.
            .pool_idle_timeout(Duration::from_secs(20))
            .build()
            .map_err(|error| TransportError::setup(error.without_url()))?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl Transport for Native {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let mut builder = self.client()?.post(&*request.url);
            for (name, value) in request.headers() {
                builder = builder.header(name, value);
            }
            let received = builder.body(request.body).send().await.map_err(classify)?;
            let mut response =
                Response::new(received.status().as_u16(), Body::from(bytes::Bytes::new()));
            for name in READ_HEADERS {
                if let Some(value) = received
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                {
                    response.headers.push((name, value.to_owned()));
                }
            }
            response.body =
                Body::from_future(async move { received.bytes().await.map_err(classify) });
            Ok(response)
        })
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
        // rustls comes wrapped as InvalidData; the names are those of the platform libraries' errors.
        let invalid = |error: &io::Error| error.kind() == io::ErrorKind::InvalidData;
        if error.downcast_ref::<io::Error>().is_some_and(invalid) {
            return true;
        }
        let text = error.to_string().to_ascii_lowercase();
        if ["certificate", "ssl", "tls"]
            .iter()
            .any(|word| text.contains(word))
        {
            return true;
        }
        source = error.source();
    }
    false
}
