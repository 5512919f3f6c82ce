//! The span of one request, by OpenTelemetry's names for databases.

use std::{borrow::Cow, cell::LazyCell};

use tracing::{Instrument, Span, field::Empty};

use super::of_call;
use crate::{
    client::Call,
    error::{Error, Kind},
    find,
    outcome::Failure,
};

/// Where the requests of a client go, without path and token.
pub(crate) struct Server {
    address: Box<str>,
    port: u16,
}

impl Server {
    /// That of a URL which has been checked.
    pub(crate) fn new(base: &str) -> Self {
        let (scheme, rest) = find::split(base, "://").unwrap_or(("", base));
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (authority, None),
        };
        let usual = if scheme == "https" { 443 } else { 80 };
        Self {
            address: host.trim_matches(['[', ']']).into(),
            port: port.unwrap_or(usual),
        }
    }
}

/// Runs `request` within a span that ends with it.
pub(crate) async fn traced<T>(
    server: &Server,
    call: &Call,
    attempt: u32,
    request: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let span = span(server, call, attempt);
    let ended = request.instrument(span.clone()).await;
    if let Err(failure) = &ended
        && !span.is_disabled()
    {
        fail(&span, &failure.error);
    }
    ended
}

fn span(server: &Server, call: &Call, attempt: u32) -> Span {
    // The macro asks for values only if somebody listens.
    let operation = LazyCell::new(|| of_call::operation(call));
    let batch = || {
        let commands = of_call::commands(call);
        (call.is_batch() && commands != 1).then_some(commands)
    };
    tracing::info_span!(
        target: "restis",
        "redis",
        "otel.kind" = "client",
        "otel.name" = &**operation,
        "otel.status_code" = Empty,
        "db.system.name" = "redis",
        "db.operation.name" = &**operation,
        "db.operation.batch.size" = batch(),
        "db.response.status_code" = Empty,
        "error.type" = Empty,
        "server.address" = &*server.address,
        "server.port" = server.port,
        "http.request.resend_count" = (attempt > 0).then_some(attempt),
        "http.response.status_code" = Empty,
    )
}

fn fail(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", &*type_of(error));
    if let Some(code) = error.code() {
        span.record("db.response.status_code", code);
    }
    if let Some(status) = error.status() {
        span.record("http.response.status_code", status);
    }
}

/// A word that stands for all errors of its kind: Redis's own, the HTTP status, or ours.
fn type_of(error: &Error) -> Cow<'_, str> {
    let word = match error.kind() {
        Kind::Server => error.code().unwrap_or("ERR"),
        Kind::Http => return error.status().unwrap_or_default().to_string().into(),
        Kind::Timeout => "timeout",
        Kind::Connect => "connect",
        Kind::Tls => "tls",
        Kind::Interrupted => "interrupted",
        Kind::TooLarge => "too-large",
        Kind::Decode => "decode",
        #[cfg(feature = "cache")]
        Kind::Loader | Kind::LoaderTimeout => "loader",
        Kind::Config => "config",
        Kind::Argument => "argument",
    };
    word.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_what_stands_in_the_url() {
        for (url, address, port) in [
            ("https://a-1.upstash.io", "a-1.upstash.io", 443),
            ("https://a-1.upstash.io:8443/path", "a-1.upstash.io", 8443),
            ("http://localhost/path", "localhost", 80),
            ("http://127.0.0.1:8079", "127.0.0.1", 8079),
            ("http://[::1]", "::1", 80),
            ("http://[::1]:8079/path", "::1", 8079),
        ] {
            let server = Server::new(url);
            assert_eq!((&*server.address, server.port), (address, port), "{url}");
        }
    }
}
