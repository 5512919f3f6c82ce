//! The HTTP surface: who may come in, which form a request has, and what an answer looks like.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};

use crate::{
    State,
    answer::{Answer, Closed, Pending},
    door::{self, Refused},
    faults::Kind,
    own,
    reply::Encoding,
    request,
    rules::Access,
    run::{self, Outcome, RAN},
    serve::Meter,
    stream::Source,
};

/// What a request, and the reply to one command, may hold on the smaller plans.
pub(crate) const LIMIT: usize = 10 * 1024 * 1024;
/// A body over the limit is read to its end, so that its sender gets to read the answer; up to here.
const MOST_READ: usize = 32 * LIMIT;

/// The paths that belong to restis-local alone.
const OWN: &str = "/_local/";

const SYNC_TOKEN: HeaderName = HeaderName::from_static("upstash-sync-token");
const ENCODING: HeaderName = HeaderName::from_static("upstash-encoding");
const RESPONSE_FORMAT: HeaderName = HeaderName::from_static("upstash-response-format");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
const HEADERS: &str = "authorization, content-type, upstash-encoding, upstash-response-format, upstash-sync-token, upstash-telemetry-platform, upstash-telemetry-retry, upstash-telemetry-runtime, upstash-telemetry-sdk";

/// Answers one request, if it may come in.
pub(crate) async fn handle(
    state: Arc<State>,
    meter: Arc<Meter>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Closed> {
    let (head, body) = request.into_parts();
    let admission = state.door.admit(&head);
    // What is not let in is not counted.
    meter.begin(admission.is_ok() && !head.uri.path().starts_with(OWN));
    let (mut response, origin) = match admission {
        Ok(origin) => (admitted(&state, &meter, &head, body).await?, origin),
        Err(Refused(status, text)) => (written(run::refusal(status, text)), None),
    };
    let preflight = head.method == Method::OPTIONS;
    door::share(response.headers_mut(), origin, preflight);
    Ok(response)
}

/// Answers a request that came in.
async fn admitted(
    state: &Arc<State>,
    meter: &Arc<Meter>,
    head: &Parts,
    body: Incoming,
) -> Result<Response<Answer>, Closed> {
    let path = head.uri.path();
    let own = path.strip_prefix(OWN);
    if head.method == Method::OPTIONS {
        if own.is_none() {
            tokio::time::sleep(state.latency).await;
        }
        return Ok(preflight(&head.headers));
    }
    let access = state.door.access(&head.headers, head.uri.query());
    if let Some(path) = own {
        // They show keys and values, and forge the next answers.
        if access != Some(Access::Full) {
            return Ok(written(unauthorized()));
        }
        let mut room = Room::in_all(&state.bodies);
        let body = read(state, body, &mut room).await?;
        meter.settle();
        return Ok(own::answer(state, path, &head.method, body).await);
    }

    let counters = &state.counters;
    counters.requests.fetch_add(1, Relaxed);
    if head
        .headers
        .get(SYNC_TOKEN)
        .is_some_and(|token| !token.is_empty())
    {
        counters.sync_tokens.fetch_add(1, Relaxed);
    }
    let pending = Pending::of(state);
    // Before the body: a stranger sends 10 MB as easily as nothing.
    let refused = match (&head.method, access) {
        (&Method::GET | &Method::HEAD | &Method::POST | &Method::PUT, Some(_)) => None,
        (&Method::GET | &Method::HEAD | &Method::POST | &Method::PUT, None) => Some(unauthorized()),
        _ => Some(run::refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "ERR method not allowed; use GET, HEAD, POST or PUT",
        )),
    };
    let (None, Some(access)) = (&refused, access) else {
        let refused = refused.unwrap_or_else(unauthorized);
        tokio::time::sleep(state.latency).await;
        pending.done();
        return Ok(written(refused));
    };
    let fault = state.faults.pick(path);
    if fault.is_some() {
        counters.faults.fetch_add(1, Relaxed);
    }
    // Held until the command was sent and its reply is there.
    let mut room = Room::in_all(&state.bodies);
    let body = read(state, body, &mut room).await?;
    meter.settle();

    let mut response = match &fault {
        Some(Kind::DropBefore) => {
            pending.done();
            return Err(Closed);
        }
        Some(Kind::Canned {
            executed: false, ..
        }) => Response::new(Answer::Full(None)),
        Some(Kind::Delay(time)) => {
            tokio::time::sleep(*time).await;
            respond(state, meter, head, body, access).await
        }
        _ => respond(state, meter, head, body, access).await,
    };
    if !state.latency.is_zero() {
        tokio::time::sleep(state.latency).await;
    }
    match fault {
        Some(Kind::DropAfter) => {
            pending.done();
            return Err(Closed);
        }
        Some(Kind::DelayAnswer(time)) => tokio::time::sleep(time).await,
        Some(Kind::Canned {
            status,
            headers,
            body,
            ..
        }) => response = canned(status, &headers, body),
        Some(Kind::Truncate(bytes)) => {
            pending.done();
            return Ok(response.map(|body| body.cut(bytes, Arc::clone(meter), None)));
        }
        Some(Kind::Stall(bytes)) => {
            return Ok(response.map(|body| body.cut(bytes, Arc::clone(meter), Some(pending))));
        }
        _ => {}
    }
    pending.done();
    Ok(response)
}

/// A body that is not given to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It holds this many bytes, which is too much.
    TooLarge(usize),
    /// It did not arrive in time.
    TooSlow,
    /// There is no room for it beside those of other requests.
    NoRoom,
}

/// The bytes of all bodies that are held at once.
const MOST_BODIES: usize = 256 * 1024 * 1024;

/// What one body takes of the room for all.
struct Room<'a> {
    all: &'a AtomicUsize,
    own: usize,
}

impl<'a> Room<'a> {
    fn in_all(all: &'a AtomicUsize) -> Self {
        Self { all, own: 0 }
    }

    /// Takes room for more bytes, if there is any.
    fn take(&mut self, bytes: usize) -> bool {
        let before = self.all.fetch_add(bytes, Relaxed);
        self.own += bytes;
        before + bytes <= MOST_BODIES
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Relaxed);
    }
}

/// A request that was let in so far: what its body holds, or why it is not read.
pub(crate) type Content = Result<Bytes, Unread>;

async fn read(state: &State, body: Incoming, room: &mut Room<'_>) -> Result<Content, Closed> {
    let arrived = tokio::time::timeout(state.body_timeout, read_all(body, room)).await;
    arrived.unwrap_or(Ok(Err(Unread::TooSlow)))
}

async fn read_all(mut body: Incoming, room: &mut Room<'_>) -> Result<Content, Closed> {
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Closed)?.into_data() else {
            continue;
        };
        length += data.len();
        if length > MOST_READ {
            break;
        }
        if length > LIMIT {
            continue;
        }
        if !room.take(data.len()) {
            return Ok(Err(Unread::NoRoom));
        }
        // Nearly every body is one frame, and is then never copied.
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(match (length > LIMIT, rest.is_empty()) {
        (true, _) => Err(Unread::TooLarge(length)),
        (false, true) => Ok(first),
        (false, false) => Ok(rest.into()),
    })
}

/// Runs what a request asks for.
async fn respond(
    state: &State,
    meter: &Arc<Meter>,
    head: &Parts,
    content: Content,
    access: Access,
) -> Response<Answer> {
    let mut response = written(outcome(state, meter, head, content, access).await);
    if matches!(response.body(), Answer::Events(_)) {
        let cache = HeaderValue::from_static("no-cache");
        response.headers_mut().insert(header::CACHE_CONTROL, cache);
    }
    let headers = response.headers_mut();
    headers.insert(
        SYNC_TOKEN,
        HeaderValue::from(state.sync.fetch_add(1, Relaxed)),
    );
    response
}

fn unauthorized() -> Outcome {
    run::refusal(
        StatusCode::UNAUTHORIZED,
        "WRONGPASS invalid or missing auth token",
    )
}

/// The response of an outcome.
fn written(outcome: Outcome) -> Response<Answer> {
    let Outcome {
        status,
        kind,
        body,
        ran,
    } = outcome;
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    if let Some(ran) = ran {
        headers.insert(RAN, HeaderValue::from_static(ran));
    }
    response
}

async fn outcome(
    state: &State,
    meter: &Arc<Meter>,
    head: &Parts,
    content: Content,
    access: Access,
) -> Outcome {
    let bad = |text: &str| run::refusal(StatusCode::BAD_REQUEST, text);
    let query = head.uri.query();
    let path = head.uri.path();
    let encoding = match encoding(&head.headers) {
        Ok(Encoding::Resp2) if path == "/multi-exec" => {
            return bad("ERR the response format of /multi-exec is json");
        }
        Ok(encoding) => encoding,
        Err(text) => return bad(text),
    };
    let body = match content {
        Ok(body) => body,
        Err(Unread::TooLarge(actual)) => return bad(&run::too_large(actual)),
        Err(Unread::TooSlow) => {
            return run::refusal(
                StatusCode::REQUEST_TIMEOUT,
                "ERR the body of the request did not arrive in time",
            );
        }
        Err(Unread::NoRoom) => {
            return run::refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "ERR the bodies of other requests hold 256 MB; send this one again later",
            );
        }
    };
    let (form, batch) = match path {
        "" | "/" => ("/", request::from_json(&body)),
        "/pipeline" => ("/pipeline", request::from_json_batch(&body)),
        "/multi-exec" => ("/multi-exec", request::from_json_batch(&body)),
        path => {
            if let Some(source) = Source::asked(&head.method, &head.headers, path) {
                let words = request::from_path(path, None, &[]);
                state.log.add(source.path(), &words);
                return run::stream(state, meter, source, &words, access).await;
            }
            let body = match head.method {
                Method::POST | Method::PUT => body,
                _ => Bytes::new(),
            };
            ("/", Ok(request::from_path(path, query, &body)))
        }
    };
    let batch = match batch {
        Ok(batch) => batch,
        Err(text) => return bad(text),
    };
    state.log.add(form, &batch);
    match form {
        "/pipeline" => run::pipeline(state, &batch, access, encoding).await,
        "/multi-exec" => run::transaction(state, &batch, access, encoding).await,
        _ => run::single(state, &batch, access, encoding).await,
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, &'static str> {
    let is = |name: HeaderName, value: &[u8]| {
        let given = headers.get(name);
        given.map(|given| given.as_bytes().eq_ignore_ascii_case(value))
    };
    let base64 = is(ENCODING, b"base64") == Some(true);
    let (json, resp2) = (
        is(RESPONSE_FORMAT, b"json"),
        is(RESPONSE_FORMAT, b"resp2") == Some(true),
    );
    match (base64, resp2, json) {
        (true, true, _) => Err("ERR the response format resp2 has no encoding base64"),
        (false, true, _) => Ok(Encoding::Resp2),
        (_, false, Some(false)) => {
            Err("ERR unsupported response format; the formats are json and resp2")
        }
        (true, false, _) => Ok(Encoding::Base64),
        (false, false, _) => Ok(Encoding::Text),
    }
}

fn preflight(asked: &HeaderMap) -> Response<Answer> {
    let mut response = Response::new(Answer::Full(None));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(METHODS),
    );
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        wanted.unwrap_or(HeaderValue::from_static(HEADERS)),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("86400"),
    );
    response
}

/// The answer of a fault. Headers that cannot be written are left out.
fn canned(
    status: u16,
    extra: &std::collections::BTreeMap<String, String>,
    body: String,
) -> Response<Answer> {
    let mut response = Response::new(Answer::Full(Some(body.into())));
    let status = StatusCode::from_u16(status).ok();
    // A status below 200 is no answer yet.
    let status = status.filter(|status| !status.is_informational());
    *response.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    for (name, value) in extra {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}
