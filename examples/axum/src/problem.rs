//! What a caller is told when something is wrong, as RFC 9457 has it.

use std::error::Error;

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// What could not be answered. The details go to the log: restis' errors hold no token, key or value.
pub(crate) struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        eprint!("{}", self.0);
        // What a loader said is the source of restis' error.
        let mut cause = self.0.source();
        while let Some(error) = cause {
            eprint!(": {error}");
            cause = error.source();
        }
        eprintln!();
        let detail = "The service cannot answer at the moment. Please try again.";
        problem(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

pub(crate) fn not_found(detail: &str) -> Response {
    problem(StatusCode::NOT_FOUND, detail)
}

pub(crate) fn unauthorized(detail: &str) -> Response {
    problem(StatusCode::UNAUTHORIZED, detail)
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason();
    let body = json!({ "title": title, "status": status.as_u16(), "detail": detail });
    let kind = [(CONTENT_TYPE, "application/problem+json")];
    (status, kind, body.to_string()).into_response()
}
