//! Sessions of 7 days by `restis::Sessions`: the token in a cookie, its hash in Redis, and what we know of its holder.
//!
//! The service before this one kept `session:{token}` with JSON for 7 days. Who is logged in there stays so: his session is
//! moved when he comes, and his browser gets the new token.

use std::time::Duration;

use restis::{
    Redis, Sessions,
    session::{Cookie, Plain, Session},
};
use serde::Deserialize;
use serde_json::json;
use worker::{Env, Request, Response};

use crate::{Answer, Failure};

const DAY: u64 = 24 * 60 * 60;

/// The one who is logged in, with nothing kept for him but who he is.
pub(crate) type Keeper = Sessions<()>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    user_id: String,
}

/// `None` without the variable that they need, which only those hear who ask for a session.
pub(crate) fn keeper(redis: &Redis, env: &Env) -> Option<Keeper> {
    let key = env.var("SESSION_KEY").ok()?.to_string();
    let sessions = Sessions::new(redis, key)
        .idle(Duration::from_secs(2 * DAY))
        .absolute(Duration::from_secs(7 * DAY));
    Some(sessions.migrating(Plain::new(redis), |_| ()))
}

/// `Lax`, so that a link from elsewhere finds the visitor logged in, and other sites' forms do not.
fn cookie() -> Cookie {
    Cookie::new("session")
        .lax()
        .max_age(Duration::from_secs(7 * DAY))
}

/// `POST /login` with `{"userId": "…"}`.
///
/// Cost: one round trip, one billed command; one more of each where the browser had a session.
pub(crate) async fn login(sessions: &Keeper, mut request: Request, ip: String) -> Answer {
    // Here a real Worker would check a password or passkey; this one believes everybody.
    let Ok(Login { user_id }) = request.json().await else {
        return Ok(Response::error(
            "Please send {\"userId\": \"…\"} as JSON.",
            400,
        )?);
    };
    if user_id.is_empty() || user_id.len() > 64 {
        return Ok(Response::error("A userId has 1 to 64 bytes.", 400)?);
    }
    let user_agent = request.headers().get("User-Agent")?.unwrap_or_default();
    let shown = json!({ "userId": user_id, "userAgent": user_agent, "ipAddress": ip });
    // A new token for each login: one that was planted in the browser before is never taken up.
    let issued = sessions
        .create(user_id, &())
        .user_agent(user_agent)
        .ip(ip)
        .await?;
    // And what it had before is over.
    if let Some(former) = token_of(&request)? {
        sessions.revoke(&former).await?;
    }
    let response = no_store(Response::from_json(&shown)?)?;
    with_cookie(response, &cookie().set(issued.token()))
}

/// `GET /me`.
///
/// Cost: one round trip and one billed command, or nothing without a cookie.
pub(crate) async fn show(sessions: &Keeper, request: &Request) -> Answer {
    let Some(session) = session_of(sessions, request).await? else {
        return please_log_in();
    };
    let shown = json!({
        "userId": session.user(),
        "userAgent": session.user_agent(),
        "ipAddress": session.ip(),
    });
    let response = no_store(Response::from_json(&shown)?)?;
    match session.replaced_by() {
        // He came with a token of the service before.
        Some(token) => with_cookie(response, &cookie().set(token)),
        None => Ok(response),
    }
}

/// `GET /sessions`: where he is logged in.
pub(crate) async fn list(sessions: &Keeper, request: &Request) -> Answer {
    let session = session_of(sessions, request).await?;
    let Some((session, user)) = session.as_ref().and_then(|s| Some((s, s.user()?))) else {
        return please_log_in();
    };
    let devices: Vec<_> = sessions
        .list(user)
        .await?
        .iter()
        .map(|device| {
            json!({
                "userAgent": device.user_agent(),
                "ipAddress": device.ip(),
                "lastSeen": device.last_seen(),
                "isThisOne": device.id() == session.id(),
            })
        })
        .collect();
    Ok(no_store(Response::from_json(&devices)?)?)
}

/// `POST /logout`. The session ends in Redis, so a copy of the cookie is worth nothing either.
///
/// Cost: one round trip and one billed command, or nothing without a cookie.
pub(crate) async fn logout(sessions: &Keeper, request: &Request) -> Answer {
    if let Some(token) = token_of(request)? {
        sessions.revoke(&token).await?;
    }
    goodbye()
}

/// `POST /logout-everywhere`: one command, however many sessions there are.
pub(crate) async fn logout_everywhere(sessions: &Keeper, request: &Request) -> Answer {
    let session = session_of(sessions, request).await?;
    let Some(user) = session.as_ref().and_then(Session::user) else {
        return please_log_in();
    };
    sessions.revoke_all(user).await?;
    goodbye()
}

pub(crate) async fn session_of(
    sessions: &Keeper,
    request: &Request,
) -> Result<Option<Session<()>>, Failure> {
    match token_of(request)? {
        Some(token) => Ok(sessions.validate(&token).await?),
        None => Ok(None),
    }
}

fn token_of(request: &Request) -> worker::Result<Option<String>> {
    let cookies = request.headers().get("Cookie")?.unwrap_or_default();
    Ok(cookie().read(&cookies).map(str::to_owned))
}

pub(crate) fn please_log_in() -> Answer {
    Ok(no_store(Response::error("Please log in.", 401)?)?)
}

fn goodbye() -> Answer {
    let response = no_store(Response::empty()?.with_status(204))?;
    with_cookie(response, &cookie().clear())
}

fn with_cookie(response: Response, line: &str) -> Answer {
    response.headers().set("Set-Cookie", line)?;
    Ok(response)
}

/// No cache on the way may keep what belongs to one visitor.
fn no_store(response: Response) -> worker::Result<Response> {
    response.headers().set("Cache-Control", "no-store")?;
    Ok(response)
}
