//! Sessions beside express-session over connect-redis, and beside tower-sessions over the store that restis has for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Request, header},
    routing::get,
};
use restis::{Redis, Sessions, commands::keys::KeyType, session::TowerStore};
use restis_processes::{Error, Player, Result, Server, rivals};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tower::ServiceExt as _;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::{heading, installed, table::Table};

/// As tests/js/sessions.mjs has it.
const IDLE: Duration = Duration::from_secs(2);

/// What the browsers keep, by their names.
#[derive(Default)]
struct Browsers(Mutex<HashMap<String, String>>);

impl Browsers {
    fn all(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, browser: &str, secret: &str) {
        self.all().insert(browser.to_owned(), secret.to_owned());
    }

    /// Empty where it keeps nothing.
    fn of(&self, browser: &str) -> String {
        self.all().get(browser).cloned().unwrap_or_default()
    }
}

/// What they all play: a site that browsers visit.
trait Site {
    /// Logs in, as a browser that had no session.
    async fn login(&self, browser: &str, user: &str) -> Result<()>;
    /// Who it is, if anybody.
    async fn read(&self, browser: &str) -> Result<Option<String>>;
    async fn add(&self, browser: &str) -> Result<()>;
    /// Two requests at a time, each of which adds an item when both have read the session.
    async fn race(&self, browser: &str) -> Result<()>;
    async fn items(&self, browser: &str) -> Result<usize>;
    async fn logout(&self, browser: &str) -> Result<()>;
    /// What the browser keeps, by which it is that user.
    async fn secret(&self, browser: &str) -> Result<String>;
}

struct Ours {
    sessions: Sessions<Vec<String>>,
    browsers: Browsers,
}

impl Ours {
    fn new(redis: &Redis) -> Self {
        Self {
            sessions: Sessions::new(redis, [7; 32]).idle(IDLE),
            browsers: Browsers::default(),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(error.to_string())
}

impl Site for Ours {
    async fn login(&self, browser: &str, user: &str) -> Result<()> {
        let issued = self.sessions.create(user, &Vec::new()).await;
        self.browsers
            .keep(browser, issued.map_err(failed)?.token().as_str());
        Ok(())
    }

    async fn read(&self, browser: &str) -> Result<Option<String>> {
        let token = self.browsers.of(browser);
        let session = self.sessions.validate(&token).await.map_err(failed)?;
        Ok(session.and_then(|session| session.user().map(str::to_owned)))
    }

    async fn add(&self, browser: &str) -> Result<()> {
        let token = self.browsers.of(browser);
        let push = |items: &mut Vec<String>| items.push("item".to_owned());
        self.sessions
            .update(&token, push)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn race(&self, browser: &str) -> Result<()> {
        let (one, other) = tokio::join!(self.add(browser), self.add(browser));
        one.and(other)
    }

    async fn items(&self, browser: &str) -> Result<usize> {
        let token = self.browsers.of(browser);
        let session = self.sessions.validate(&token).await.map_err(failed)?;
        Ok(session.map_or(0, |session| session.data().len()))
    }

    async fn logout(&self, browser: &str) -> Result<()> {
        let token = self.browsers.of(browser);
        self.sessions.revoke(&token).await.map(drop).map_err(failed)
    }

    async fn secret(&self, browser: &str) -> Result<String> {
        let token = self.browsers.of(browser);
        Ok(token.rsplit('.').next().unwrap_or_default().to_owned())
    }
}

/// A site of pages, whose sessions are behind cookies.
trait Pages {
    /// What a page answers; empty where that is nothing.
    async fn visit(&self, browser: &str, path: &str) -> Result<String>;
    /// See [`Site::secret`].
    async fn id(&self, browser: &str) -> Result<String>;
}

impl<T: Pages> Site for T {
    async fn login(&self, browser: &str, user: &str) -> Result<()> {
        let path = format!("login/{user}");
        self.visit(browser, &path).await.map(drop)
    }

    async fn read(&self, browser: &str) -> Result<Option<String>> {
        let user = self.visit(browser, "read").await?;
        Ok(Some(user).filter(|user| !user.is_empty()))
    }

    async fn add(&self, browser: &str) -> Result<()> {
        self.visit(browser, "add/item").await.map(drop)
    }

    async fn race(&self, browser: &str) -> Result<()> {
        let race = || self.visit(browser, "race/item");
        let (one, other) = tokio::join!(race(), race());
        one.and(other).map(drop)
    }

    async fn items(&self, browser: &str) -> Result<usize> {
        self.visit(browser, "items").await?.parse().map_err(failed)
    }

    async fn logout(&self, browser: &str) -> Result<()> {
        self.visit(browser, "logout").await.map(drop)
    }

    async fn secret(&self, browser: &str) -> Result<String> {
        self.id(browser).await
    }
}

impl Pages for Player {
    async fn visit(&self, browser: &str, path: &str) -> Result<String> {
        let words = json!({"do": "visit", "browser": browser, "path": path});
        Ok(match self.ask(&words).await? {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    async fn id(&self, browser: &str) -> Result<String> {
        let id = self.ask(&json!({"do": "id", "browser": browser})).await?;
        Ok(id.as_str().unwrap_or_default().to_owned())
    }
}

/// An application of axum with tower-sessions.
struct Tower {
    router: Router,
    browsers: Browsers,
}

async fn items(session: &Session) -> Vec<String> {
    session
        .get("items")
        .await
        .ok()
        .flatten()
        .unwrap_or_default()
}

async fn push(session: &Session, mut items: Vec<String>) {
    items.push("item".to_owned());
    // A store that fails makes the layer answer with a 500, which the visit tells.
    let _ = session.insert("items", items).await;
}

impl Tower {
    fn new(redis: &Redis, always_save: bool) -> Self {
        let idle = time::Duration::seconds_f64(IDLE.as_secs_f64());
        let layer = SessionManagerLayer::new(TowerStore::new(redis))
            .with_secure(false)
            .with_always_save(always_save)
            .with_expiry(Expiry::OnInactivity(idle));
        let gate = Arc::new(Barrier::new(2));
        let login = async |session: Session, Path(user): Path<String>| {
            let _ = session.cycle_id().await;
            let _ = session.insert("user", user).await;
        };
        let read = async |session: Session| {
            session
                .get::<String>("user")
                .await
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let count = async |session: Session| items(&session).await.len().to_string();
        let add = async |session: Session| {
            let items = items(&session).await;
            push(&session, items).await;
        };
        let race = move |session: Session| {
            let gate = Arc::clone(&gate);
            async move {
                let items = items(&session).await;
                gate.wait().await;
                push(&session, items).await;
            }
        };
        let logout = async |session: Session| {
            let _ = session.flush().await;
        };
        Self {
            router: Router::new()
                .route("/login/{user}", get(login))
                .route("/read", get(read))
                .route("/items", get(count))
                .route("/add/item", get(add))
                .route("/race/item", get(race))
                .route("/logout", get(logout))
                .layer(layer),
            browsers: Browsers::default(),
        }
    }
}

impl Pages for Tower {
    async fn visit(&self, browser: &str, path: &str) -> Result<String> {
        let request = Request::get(format!("/{path}"))
            .header(header::COOKIE, self.browsers.of(browser))
            .body(Body::empty())
            .map_err(failed)?;
        let response = self.router.clone().oneshot(request).await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(Error::new(format!("{path}: {}", response.status())));
        }
        let set = response.headers().get(header::SET_COOKIE);
        if let Some(set) = set.and_then(|set| set.to_str().ok()) {
            let pair = set.split(';').next().unwrap_or_default();
            self.browsers.keep(browser, pair);
        }
        let body = to_bytes(response.into_body(), 10_000)
            .await
            .map_err(failed)?;
        String::from_utf8(body.to_vec()).map_err(failed)
    }

    async fn id(&self, browser: &str) -> Result<String> {
        let cookie = self.browsers.of(browser);
        Ok(cookie
            .split_once('=')
            .map_or_else(String::new, |(_, id)| id.to_owned()))
    }
}

/// Whose row cells are, in the table's order.
struct Column {
    prices: String,
    race: String,
    at_rest: String,
    idle: String,
}

/// Commands at the server of what `act` does.
async fn price(server: &Server, act: impl Future<Output = Result<()>>) -> Result<u64> {
    server.reset().await?;
    act.await?;
    Ok(server.stats().await?.billed)
}

async fn column(server: &Server, site: &impl Site) -> Result<Column> {
    // The first time scripts are sent, and connections made.
    site.login("first", "ada").await?;
    site.add("first").await?;
    let login = price(server, site.login("a", "ada")).await?;
    let read = price(server, async { site.read("a").await.map(drop) }).await?;
    let add = price(server, site.add("a")).await?;
    let logout = price(server, site.logout("a")).await?;

    site.login("b", "ada").await?;
    site.race("b").await?;
    let race = site.items("b").await?;

    let mut found = 0;
    for n in 0..20 {
        site.login(&format!("c{n}"), "ada").await?;
    }
    let everything = dump(&server.client()?).await?;
    for n in 0..20 {
        let secret = site.secret(&format!("c{n}")).await?;
        found += u32::from(!secret.is_empty() && everything.contains(&secret));
    }

    site.login("d", "ada").await?;
    let begun = Instant::now();
    let mut there = true;
    while begun.elapsed() < IDLE * 2 && there {
        tokio::time::sleep(IDLE / 8).await;
        there = site.read("d").await?.is_some();
    }
    Ok(Column {
        prices: format!("{login}, {read}, {add}, {logout}"),
        race: format!("{race} of 2"),
        at_rest: format!("{found} of 20"),
        idle: if there { "stays" } else { "is logged out" }.to_owned(),
    })
}

/// Every key and what it has, as a reader of the database sees it.
async fn dump(redis: &Redis) -> Result<String> {
    let mut text = String::new();
    for key in redis.keys::<String>("*").await.map_err(failed)? {
        let held: Vec<String> = match redis.key_type(&key).await.map_err(failed)? {
            KeyType::Hash => {
                let fields = redis.hgetall::<String>(&key).await.map_err(failed)?;
                fields
                    .into_iter()
                    .flat_map(|(field, value)| [field, value])
                    .collect()
            }
            KeyType::String => {
                let value = redis.get::<String>(&key).await.map_err(failed)?;
                value.into_iter().collect()
            }
            _ => Vec::new(),
        };
        text += &key;
        text.extend(held);
    }
    Ok(text)
}

pub(crate) async fn compare() -> Result<String> {
    let server = Server::start().await?;
    let ours = column(&server, &Ours::new(&server.client()?)).await?;
    let server = Server::start().await?;
    let express = column(&server, &rivals::express(&server)?).await?;
    let server = Server::start().await?;
    let tower = column(&server, &Tower::new(&server.client()?, false)).await?;
    let server = Server::start().await?;
    let always = column(&server, &Tower::new(&server.client()?, true)).await?;
    let express_name = format!(
        "express-session {} over connect-redis {}",
        installed("express-session")?,
        installed("connect-redis")?
    );
    let mut table = Table::new(&[
        "",
        "restis",
        &express_name,
        "tower-sessions 0.15 over restis",
        "the same with `always_save`",
    ]);
    let mut row = |title: &str, cell: fn(&Column) -> &str| {
        table.row(&[
            title,
            cell(&ours),
            cell(&express),
            cell(&tower),
            cell(&always),
        ]);
    };
    row(
        "commands of a login, a request that reads, one that adds to its data, a logout",
        |c| &c.prices,
    );
    row(
        "two requests at a time, each of which adds an item: those that are there",
        |c| &c.race,
    );
    row(
        "of 20 issued secrets, those that stand in the database",
        |c| &c.at_rest,
    );
    row("who only reads, for twice the idle time", |c| &c.idle);
    Ok(format!(
        "`cargo xtask compare sessions`, {}. Each column is a run with a server of its own; restis and tower-sessions ask it over \
         REST by restis-local, connect-redis over TCP by node-redis {} (tests/js/sessions.mjs). Commands are counted at the server.\
         \n\n{}",
        heading().await?,
        installed("redis")?,
        table.text()
    ))
}
