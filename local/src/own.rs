//! What belongs to restis-local alone: the paths under `/_local`.

use bytes::Bytes;
use hyper::{Method, Response, StatusCode, header};

use crate::{
    State,
    answer::Answer,
    faults::Fault,
    http::{Content, JSON, Unread},
    log::Record,
    reply,
};

/// A fault holds the body of an answer.
const LARGEST_FAULT: usize = 1024 * 1024 + 1;

/// `/_local/stats`, `/_local/faults` and `/_local/log`.
pub(crate) async fn answer(
    state: &State,
    path: &str,
    method: &Method,
    content: Content,
) -> Response<Answer> {
    let done = || (StatusCode::NO_CONTENT, Vec::new());
    let refusal = |status, text: &str| {
        let mut out = Vec::new();
        reply::error(&mut out, text);
        (status, out)
    };
    let gone = |_| {
        refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server behind restis-local cannot be reached",
        )
    };
    let (status, body) = match (path, method.as_str()) {
        ("stats", "GET" | "HEAD") => match state.counters.read(&state.backend).await {
            Ok(stats) => (
                StatusCode::OK,
                serde_json::to_vec(&stats).unwrap_or_default(),
            ),
            Err(why) => gone(why),
        },
        ("stats", "DELETE") => match state.counters.reset(&state.backend).await {
            Ok(()) => done(),
            Err(why) => gone(why),
        },
        ("faults", "POST") => match content.map(|body| (body.len(), Fault::read(&body))) {
            Err(Unread::TooSlow) => refusal(
                StatusCode::REQUEST_TIMEOUT,
                "the body of the request did not arrive in time",
            ),
            Err(Unread::NoRoom) => refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "the bodies of other requests hold 256 MB",
            ),
            Err(Unread::TooLarge(_)) | Ok((LARGEST_FAULT.., _)) => {
                refusal(StatusCode::PAYLOAD_TOO_LARGE, "a fault holds at most 1 MB")
            }
            Ok((_, Err(text))) => refusal(StatusCode::BAD_REQUEST, &text),
            Ok((_, Ok(fault))) => match state.faults.add(fault) {
                true => done(),
                false => refusal(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too many faults wait already: 1,000, or 16 MB of answers; DELETE /_local/faults removes them",
                ),
            },
        },
        ("faults", "DELETE") => {
            state.faults.clear();
            done()
        }
        ("log", "POST") => {
            state.log.begin();
            done()
        }
        ("log", "DELETE") => {
            state.log.clear();
            done()
        }
        ("log", "GET" | "HEAD") => match state.log.json() {
            Record::Json(json) => (StatusCode::OK, json),
            Record::Off => refusal(StatusCode::CONFLICT, "nothing is recorded; POST begins it"),
            Record::Full => refusal(
                StatusCode::INSUFFICIENT_STORAGE,
                "the record is full at 64 MB and what came behind is missing; DELETE it and read it more often",
            ),
        },
        ("stats", _) => refusal(StatusCode::METHOD_NOT_ALLOWED, "use GET or DELETE"),
        ("faults", _) => refusal(StatusCode::METHOD_NOT_ALLOWED, "use POST or DELETE"),
        ("log", _) => refusal(StatusCode::METHOD_NOT_ALLOWED, "use GET, POST or DELETE"),
        _ => refusal(
            StatusCode::NOT_FOUND,
            "there are /_local/stats, /_local/faults and /_local/log",
        ),
    };
    let mut response = Response::new(Answer::Full(
        Some(body).filter(|body| !body.is_empty()).map(Bytes::from),
    ));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    response
}
