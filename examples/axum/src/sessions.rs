//! Who is logged in: `User` in a handler's arguments lets nobody else in.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, COOKIE, SET_COOKIE, USER_AGENT},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use restis::{
    Sessions,
    session::{Cookie, Session},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    App,
    problem::{Failure, unauthorized},
};

/// The header in which a page says that it is ours: what `GET /me` gave as `csrf`.
const CSRF: &str = "x-csrf-token";

fn cookie() -> Cookie {
    Cookie::new("id")
}

/// The session of a request, and its token.
pub(crate) struct User {
    session: Session<()>,
    token: String,
}

impl User {
    /// Without a session the answer is 401.
    async fn of(sessions: &Sessions<()>, headers: &HeaderMap) -> Result<Self, Response> {
        let Some(token) = token_of(headers) else {
            return Err(unauthorized("Please log in."));
        };
        let browser = text(headers, USER_AGENT.as_str());
        let look = sessions.validate(&token).user_agent(&browser);
        match look.await {
            Ok(Some(session)) => Ok(Self { session, token }),
            Ok(None) => Err(unauthorized("Please log in.")),
            Err(error) => Err(Failure::from(error).into_response()),
        }
    }
}

impl FromRequestParts<App> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        Self::of(&app.sessions, &parts.headers).await
    }
}

fn token_of(headers: &HeaderMap) -> Option<String> {
    let cookie = cookie();
    let mut lines = headers.get_all(COOKIE).iter();
    let token = lines.find_map(|line| cookie.read(line.to_str().ok()?));
    token.map(str::to_owned)
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Login {
    user_id: String,
}

/// `POST /login` with `{"userId": "…"}`. A real service would check a password or passkey here; this one believes everybody.
pub(crate) async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    Json(login): Json<Login>,
) -> Result<Response, Failure> {
    // Always a new one: what was planted in the browser before is never taken up.
    let issued = app
        .sessions
        .create(&login.user_id, &())
        .user_agent(text(&headers, USER_AGENT.as_str()))
        .await?;
    // And what it had before is over.
    if let Some(former) = token_of(&headers) {
        app.sessions.revoke(&former).await?;
    }
    let set = [(SET_COOKIE, cookie().set(issued.token()))];
    Ok((StatusCode::NO_CONTENT, set).into_response())
}

/// `GET /me`.
pub(crate) async fn me(State(app): State<App>, user: User) -> Result<Response, Failure> {
    let body = json!({
        "userId": user.session.user(),
        "oddBrowser": user.session.anomaly().is_some_and(|odd| odd.user_agent),
        "csrf": app.sessions.csrf_token(&user.token)?,
    });
    // No cache on the way may keep what belongs to one visitor.
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `POST /logout`, from a page of ours only.
pub(crate) async fn logout(
    State(app): State<App>,
    headers: HeaderMap,
    user: User,
) -> Result<Response, Failure> {
    let csrf = text(&headers, CSRF);
    if !app.sessions.is_csrf_token(&user.token, &csrf)? {
        return Ok(unauthorized("This has to come from a page of ours."));
    }
    app.sessions.revoke(&user.token).await?;
    let set = [(SET_COOKIE, cookie().clear())];
    Ok((StatusCode::NO_CONTENT, set).into_response())
}
