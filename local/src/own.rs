//! What belongs to restis-local alone: the paths under `/_local`.

use bytes::Bytes;
use hyper::{
    Method, Response, StatusCode,
    header::{self, HeaderValue},
};

use crate::{
    State,
    answer::Answer,
    door,
    faults::Fault,
    http::{Content, JSON},
    log::Record,
    reply,
};

/// How many faults may wait.
const MOST_FAULTS: usize = 1_000;
/// The bytes of one fault, written as JSON.
const LARGEST_FAULT: usize = 1024 * 1024;

/// `/_local/stats`, `/_local/faults` and `/_local/log`.
pub(crate) async fn answer(
    state: &State,
    path: &str,
    method: &Method,
    content: Content,
    full: bool,
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
        // Counters, faults and the record are the developer's; no page or reader forges an answer.
        _ if !full => refusal(
            StatusCode::UNAUTHORIZED,
            "WRONGPASS everything under /_local needs the token that may do everything",
        ),
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
        ("faults", "POST") => match content {
            Ok(content) if content.len() <= LARGEST_FAULT => {
                match serde_json::from_slice::<Fault>(&content) {
                    Ok(_) if state.faults.count() >= MOST_FAULTS => refusal(
                        StatusCode::BAD_REQUEST,
                        "1,000 faults wait already; DELETE /_local/faults removes them",
                    ),
                    Ok(fault) => {
                        state.faults.add(fault);
                        done()
                    }
                    Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
                }
            }
            _ => refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                "a fault is at most 1 MB of JSON",
            ),
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
    if !full {
        headers.insert(door::RAN, HeaderValue::from_static("no"));
    }
    response
}
