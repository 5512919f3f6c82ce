//! A Cloudflare Worker that leaves four everyday jobs to Redis: a cache, sessions, a limit in front of everything, and a queue of
//! what is to be done later.
//!
//! Each job is a file of its own: `profile.rs`, `session.rs`, `limit.rs`, `notify.rs`. This one has what they
//! share: the client, the routes, and what a visitor is told when Redis does not answer.
//!
//! `cargo xtask worker` serves it on this machine; the comments in wrangler.toml say how to deploy.

mod database;
mod limit;
mod notify;
mod profile;
mod session;

use std::{sync::OnceLock, time::Duration};

use restis::{Cache, Queue, Redis};
use serde_json::json;
use worker::{Context, Env, Method, Request, Response, console_error, event};

/// More than Redis needs, less than a visitor waits. The client's default is 30 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// What cannot be answered. A visitor's mistakes are answers, not failures.
enum Failure {
    Redis(restis::Error),
    /// A variable is missing: which, and what to do.
    Setting(&'static str),
    Platform(worker::Error),
}

type Answer = Result<Response, Failure>;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    // Cloudflare's name for this request; it stands in the log and in the answer.
    let ray = request
        .headers()
        .get("CF-Ray")?
        .unwrap_or_else(|| "local".into());
    answer(request, &env, &context)
        .await
        .or_else(|failure| failure.into_response(&ray))
}

async fn answer(request: Request, env: &Env, context: &Context) -> Answer {
    let Some(route) = Route::of(&request.method(), &request.path()) else {
        // Costs nothing, so it need not be counted.
        return Ok(Response::error(
            "There is nothing here. GET / tells what there is.",
            404,
        )?);
    };
    let isolate = isolate(env)?;
    let Isolate { redis, users, .. } = isolate;
    // Set by Cloudflare itself. X-Forwarded-For is whatever the caller wrote into it.
    let ip = request
        .headers()
        .get("CF-Connecting-IP")?
        .unwrap_or_else(|| "unknown".into());
    let decision = limit::check(redis, route.name(), &ip).await?;
    if !decision.allowed() {
        return Ok(limit::refusal(&decision)?);
    }
    let response = match route {
        Route::Index => index(),
        Route::User(id) => profile::show(users, context, id).await,
        Route::Login => session::login(isolate.sessions()?, request, ip).await,
        Route::Me => session::show(isolate.sessions()?, &request).await,
        Route::Sessions => session::list(isolate.sessions()?, &request).await,
        Route::Logout => session::logout(isolate.sessions()?, &request).await,
        Route::LogoutEverywhere => session::logout_everywhere(isolate.sessions()?, &request).await,
        Route::Notify => notify::add(&isolate.queue, isolate.sessions()?, request).await,
    }?;
    Ok(limit::tell(response, &decision)?)
}

/// What this isolate keeps from one request to the next.
///
/// The client has no connections (those are the runtime's), and neither it nor the cache keeps a request of one visitor
/// for another, so a global is safe here. And it is better than one for each request: the token by which the database
/// lets us read our own writes lives in the client, so the session that a login has just written is there for the next
/// request, even when a replica answers it.
struct Isolate {
    redis: Redis,
    users: Cache,
    sessions: Option<session::Keeper>,
    queue: Queue,
}

impl Isolate {
    fn sessions(&self) -> Result<&session::Keeper, Failure> {
        self.sessions.as_ref().ok_or(Failure::Setting(
            "SESSION_KEY is missing: make one by `openssl rand -hex 32`, and keep it as a secret, the same in all deployments",
        ))
    }
}

fn isolate(env: &Env) -> Result<&'static Isolate, restis::Error> {
    static ISOLATE: OnceLock<Isolate> = OnceLock::new();
    if let Some(isolate) = ISOLATE.get() {
        return Ok(isolate);
    }
    // Reads variables and secrets alike. An isolate never sees them change: new ones start new isolates.
    let redis =
        restis::Builder::from_vars(|name| env.var(name).ok().map(|value| value.to_string()))
            .timeout(PATIENCE)
            .build()?;
    let users = profile::cache(&redis);
    let sessions = session::keeper(&redis, env);
    let queue = Queue::new(&redis, "notifications");
    Ok(ISOLATE.get_or_init(|| Isolate {
        redis,
        users,
        sessions,
        queue,
    }))
}

#[derive(Clone, Copy)]
enum Route {
    Index,
    User(u64),
    Login,
    Me,
    Sessions,
    Logout,
    LogoutEverywhere,
    Notify,
}

impl Route {
    fn of(method: &Method, path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/');
        let route = match (method, parts.next()?) {
            (Method::Get, "") => Self::Index,
            (Method::Get, "users") => Self::User(parts.next()?.parse().ok()?),
            (Method::Post, "login") => Self::Login,
            (Method::Get, "me") => Self::Me,
            (Method::Get, "sessions") => Self::Sessions,
            (Method::Post, "logout") => Self::Logout,
            (Method::Post, "logout-everywhere") => Self::LogoutEverywhere,
            (Method::Post, "notifications") => Self::Notify,
            _ => return None,
        };
        parts.next().is_none().then_some(route)
    }

    /// What is counted together: every profile is one endpoint.
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::User(_) => "users",
            Self::Login => "login",
            Self::Me => "me",
            Self::Sessions => "sessions",
            Self::Logout => "logout",
            Self::LogoutEverywhere => "logout-everywhere",
            Self::Notify => "notifications",
        }
    }
}

fn index() -> Answer {
    Ok(Response::from_json(&json!({
        "routes": {
            "GET /users/:id": "a profile, fresh from the cache for 300 s",
            "POST /login": "{\"userId\": \"…\"} begins a session of 7 days",
            "GET /me": "whose session it is",
            "GET /sessions": "where you are logged in",
            "POST /logout": "ends this session",
            "POST /logout-everywhere": "ends all of yours",
            "POST /notifications": "{\"to\": \"…\", \"text\": \"…\"} is sent by somebody else, soon",
        },
        "limit": "100 requests a minute for each IP address and endpoint",
        // Of this isolate; the test reads it.
        "databaseCalls": database::calls(),
    }))?)
}

impl Failure {
    /// The details go to the log; restis' errors hold no token, key or value. A visitor gets the
    /// name under which to find them.
    fn into_response(self, ray: &str) -> worker::Result<Response> {
        const NOT_CONFIGURED: (u16, &str) = (
            500,
            "This Worker is not configured: its log says what is missing.",
        );
        let (status, text) = match self {
            Self::Setting(what) => {
                console_error!("{ray}: {what}");
                NOT_CONFIGURED
            }
            Self::Redis(error) => {
                console_error!("{ray}: {error}");
                // A missing variable is no outage: it does not pass by waiting.
                match error.is_config() {
                    true => NOT_CONFIGURED,
                    false => (503, "The database does not answer. Please try again."),
                }
            }
            Self::Platform(error) => {
                console_error!("{ray}: {error}");
                (500, "Something went wrong.")
            }
        };
        let answer = Response::from_json(&json!({ "error": text, "requestId": ray }))?;
        Ok(answer.with_status(status))
    }
}

impl From<restis::Error> for Failure {
    fn from(error: restis::Error) -> Self {
        Self::Redis(error)
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}
