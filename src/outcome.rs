//! What the end of an attempt means: a result, or a failure and whether the command may have run.

use std::{error::Error as StdError, time::Duration};

use bytes::Bytes;

use crate::{
    client::Call,
    error::{Error, Kind, is_not_executed, show},
    find::find,
    transport::{BASE64, Header, RAN, RESP2, Response, Stage, TransportError},
    wire::answer::{self, Envelope, Form, Place, READS_RESP2, Strings},
};

/// The header that asks for another form than plain JSON.
pub(crate) fn format(call: &Call) -> Option<Header> {
    // Both at once are refused.
    if READS_RESP2 && call.resp2 {
        Some(RESP2)
    } else {
        call.base64.then_some(BASE64)
    }
}

/// Reads the envelope of a whole body, and says in which form its replies are: by what the answer says it is,
/// whatever was asked for.
fn read(call: &Call, response: &Response, body: &[u8]) -> (Envelope, Form) {
    // JSON never begins as RESP2 does, so its headers are not looked at.
    if READS_RESP2 && answer::may_be_resp2(body) && is_octets(response) {
        // A batch that was refused as a whole is one error, with a status that says so.
        let is_batch = call.is_batch() && matches!(response.status, 200..=299);
        return (answer::resp2_envelope(body, is_batch), Form::Resp2);
    }
    let strings = match (call.base64, READS_RESP2 && call.resp2) {
        (true, true) => Strings::Lossy,
        (true, false) => Strings::Base64,
        (false, _) => Strings::Text,
    };
    (answer::envelope(body), Form::Json(strings))
}

fn is_octets(response: &Response) -> bool {
    let kind = response.get("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/octet-stream")
}

/// An attempt that failed, and what that says about the command.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) ran: Ran,
    /// Another attempt may fare better.
    pub(crate) transient: bool,
    /// The server asked to wait this long.
    pub(crate) retry_after: Option<Duration>,
    /// Bytes of the answer's body.
    pub(crate) received: usize,
    /// The command did not run because Redis's own words say so.
    by_words: bool,
}

/// Whether the command ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// It did not, or it did and failed: either way nobody needs to wonder.
    Certain,
    /// Nobody can say.
    Maybe,
}

impl Failure {
    pub(crate) fn new(error: Error, ran: Ran, transient: bool) -> Self {
        Self {
            error,
            ran,
            transient,
            retry_after: None,
            received: 0,
            by_words: false,
        }
    }

    /// No whole answer within `limit`.
    pub(crate) fn late(limit: Duration, waited: &str) -> Self {
        let message = format!("no whole answer within {}: {waited}", show(limit));
        Self::new(Error::new(Kind::Timeout, message), Ran::Maybe, true)
    }

    /// A failure of the transport.
    pub(crate) fn of_transport(error: TransportError) -> Self {
        let (kind, ran, transient, message) = match error.stage {
            Stage::Setup => (
                Kind::Config,
                Ran::Certain,
                false,
                "the HTTP client cannot be used",
            ),
            Stage::Connect => (
                Kind::Connect,
                Ran::Certain,
                true,
                "no connection to the server; check the URL, and that it is reachable",
            ),
            Stage::Tls => (
                Kind::Tls,
                Ran::Certain,
                false,
                "the TLS handshake failed; check that the URL's port speaks TLS and that its certificate is trusted here",
            ),
            Stage::Interrupted => (
                Kind::Interrupted,
                Ran::Maybe,
                true,
                "the connection broke before the whole answer was here",
            ),
            Stage::TooLarge => (
                Kind::Decode,
                Ran::Maybe,
                false,
                "raise the client's limit (max_response_bytes; maxResponseBytes in JavaScript), or ask for less at once",
            ),
        };
        // The reason is the innermost cause, and worth the words: "Connection refused" needs no debugger.
        let reason = innermost(&*error.source).to_string();
        let described = Error::new(kind, format!("{message} ({reason})"));
        Self::new(described.with_source(Some(error.source)), ran, transient)
    }

    /// The same, once the head of the answer was there.
    pub(crate) fn in_body(self, status: u16) -> Self {
        Self {
            error: self.error.with_status(status).in_body(),
            ..self
        }
    }

    /// A script may raise any words, after it has written: they do not say that it did not run.
    pub(crate) fn of_script(self, is_script: impl FnOnce() -> bool) -> Self {
        if self.by_words && is_script() {
            return Self {
                transient: false,
                ..self
            };
        }
        self
    }
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// What a failure in a response's body means. A status that says that there is no result needs no body.
pub(crate) fn without_body(error: TransportError, response: &Response) -> Result<Bytes, Failure> {
    if error.stage == Stage::TooLarge && !matches!(response.status, 200..=299) {
        return Ok(Bytes::new());
    }
    Err(Failure::of_transport(error).in_body(response.status))
}

/// What a response with its whole body is: where its result stands and in which form, or what its failure says about
/// the command.
pub(crate) fn judge(
    call: &Call,
    response: &Response,
    body: &[u8],
) -> Result<(Place, Form), Failure> {
    let status = response.status;
    let (envelope, form) = read(call, response, body);
    let is_html = || {
        let kind = response.get("content-type").unwrap_or_default();
        find(kind.as_bytes(), "html").is_some() || body.trim_ascii_start().starts_with(b"<")
    };
    let stated = stated(response);
    let failure = match (envelope, status) {
        (Envelope::Result(value), 200..=299) if !call.is_batch() => {
            return Ok((Place::Alone(value), form));
        }
        (Envelope::Entries(values), 200..=299) if call.is_batch() => {
            return Ok((Place::Each(values), form));
        }
        (Envelope::Error(words), _) => of_words(&words, call, status),
        (_, 200..=299) if is_html() => {
            let message = "a page came in place of Redis's answer: does the URL lead through a proxy or login?";
            Failure::new(Error::new(Kind::Http, message), Ran::Maybe, true)
        }
        (Envelope::Broken, 200..=299) => {
            let error = Error::new(Kind::Interrupted, "the answer is not whole: it was cut off");
            Failure::new(error.in_body(), Ran::Maybe, true)
        }
        (_, 200..=299) => {
            let message = "the answer is JSON, but not an answer of the REST API: check the URL";
            Failure::new(Error::decode(message), Ran::Maybe, false)
        }
        _ => of_status(status),
    };
    let failure = match stated {
        // Whatever the words are, they are not those of a script that ran.
        Some(Ran::Certain) => Failure {
            ran: Ran::Certain,
            by_words: false,
            ..failure
        },
        Some(Ran::Maybe) => Failure {
            ran: Ran::Maybe,
            by_words: false,
            ..failure
        },
        None => failure,
    };
    Err(Failure {
        error: failure.error.with_status(status),
        retry_after: response
            .get("retry-after")
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs),
        received: body.len(),
        ..failure
    })
}

/// What the server states in `Restis-Ran`, which a gateway's own pages do not have.
fn stated(response: &Response) -> Option<Ran> {
    let value = response.get(RAN)?.trim();
    if value.eq_ignore_ascii_case("no") {
        return Some(Ran::Certain);
    }
    value.eq_ignore_ascii_case("maybe").then_some(Ran::Maybe)
}

/// Redis's own words.
fn of_words(words: &str, call: &Call, status: u16) -> Failure {
    let (name, index) = match call.named_in(words) {
        Some((name, index)) => (Some(name), index),
        None => (call.name(), None),
    };
    let error = Error::server(words, Some(status), name).with_index(index);
    if is_not_executed(words) {
        let failure = Failure::new(error, Ran::Certain, true);
        return Failure {
            by_words: true,
            ..failure
        };
    }
    match status {
        429 => Failure::new(error, Ran::Certain, true),
        // Redis does not answer with these, so something before or behind it has failed.
        408 | 500.. => Failure::new(error, Ran::Maybe, true),
        _ => Failure::new(error, Ran::Certain, false),
    }
}

/// A status without Redis's words. A gateway answers 408 and 503 with a page of its own both before it sent the request
/// on and after, so that they prove nothing.
fn of_status(status: u16) -> Failure {
    let (message, ran, transient) = match status {
        429 => ("too many requests", Ran::Certain, true),
        503 => ("the service is not available now", Ran::Maybe, true),
        408 => (
            "the server gave up waiting for the request",
            Ran::Maybe,
            true,
        ),
        413 => (
            "the request is larger than the server takes",
            Ran::Certain,
            false,
        ),
        500.. => (
            "something on the way failed before Redis's answer",
            Ran::Maybe,
            true,
        ),
        _ => (
            "something on the way refused the request",
            Ran::Certain,
            false,
        ),
    };
    let kind = if status == 413 {
        Kind::TooLarge
    } else {
        Kind::Http
    };
    Failure::new(Error::new(kind, message), ran, transient)
}
