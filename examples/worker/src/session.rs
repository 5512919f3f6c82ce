//! Sessions of 7 days: a random token in a cookie, and what we know of its holder in Redis.

use restis::{Json, Redis};
use serde::{Deserialize, Serialize};
use worker::{Request, Response};

use crate::Answer;

/// `__Host-` makes the browser insist on HTTPS and on this very host: no subdomain can set it.
const COOKIE: &str = "__Host-session";
/// In seconds; for Redis and the browser alike.
const LIFE: u64 = 7 * 24 * 60 * 60;
/// 256 bits, in hex.
const TOKEN: usize = 64;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    user_id: String,
    user_agent: String,
    ip_address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    user_id: String,
}

/// `POST /login` with `{"userId": "…"}`.
///
/// Cost: one round trip, one billed command.
pub(crate) async fn login(redis: &Redis, mut request: Request, ip_address: String) -> Answer {
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
    let session = Session {
        user_id,
        user_agent,
        ip_address,
    };
    // A new token for each login: one that was planted in the browser before is never taken up.
    let token = token()?;
    redis
        .set(format!("session:{token}"), Json(&session))
        .ex(LIFE)
        .await?;
    with_cookie(Response::from_json(&session)?, &token, LIFE)
}

/// `GET /me`.
///
/// Cost: one round trip and one billed command, or nothing without a cookie that could be ours.
pub(crate) async fn show(redis: &Redis, request: &Request) -> Answer {
    let session: Option<Json<Session>> = match token_of(request)? {
        Some(token) => redis.get(format!("session:{token}")).await?,
        None => None,
    };
    match session {
        Some(Json(session)) => Ok(no_store(Response::from_json(&session)?)?),
        None => Ok(no_store(Response::error("Please log in.", 401)?)?),
    }
}

/// `POST /logout`. The session ends in Redis, so a copy of the cookie is worth nothing either.
///
/// Cost: one round trip and one billed command, or nothing without a cookie that could be ours.
pub(crate) async fn logout(redis: &Redis, request: &Request) -> Answer {
    if let Some(token) = token_of(request)? {
        redis.del(format!("session:{token}")).await?;
    }
    with_cookie(Response::empty()?.with_status(204), "", 0)
}

fn token() -> worker::Result<String> {
    let mut bytes = [0; TOKEN / 2];
    getrandom::fill(&mut bytes).map_err(|error| worker::Error::RustError(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The token in the request's cookie, if it looks like one of ours: what else a caller may have
/// written there never becomes part of a key, and costs no request.
fn token_of(request: &Request) -> worker::Result<Option<String>> {
    let cookies = request.headers().get("Cookie")?.unwrap_or_default();
    let mut values = cookies.split(';').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then_some(value)
    });
    let ours = |value: &&str| value.len() == TOKEN && value.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(values.find(ours).map(str::to_owned))
}

/// `HttpOnly` keeps scripts from reading it; `SameSite=Lax` keeps other sites' forms from posting with it.
fn with_cookie(response: Response, token: &str, life: u64) -> Answer {
    let cookie =
        format!("{COOKIE}={token}; Path=/; Max-Age={life}; Secure; HttpOnly; SameSite=Lax");
    response.headers().set("Set-Cookie", &cookie)?;
    Ok(no_store(response)?)
}

/// No cache on the way may keep what belongs to one visitor.
fn no_store(response: Response) -> worker::Result<Response> {
    response.headers().set("Cache-Control", "no-store")?;
    Ok(response)
}
