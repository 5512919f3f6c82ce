//! The service's routes before a restis-local, and its program with them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here has to fail its test"
)]

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use restis::Redis;
use restis_example_axum::{App, Database};
use restis_local::{Fault, Local};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
    task::JoinSet,
    time::timeout,
};
use tower::ServiceExt;

/// No step of any test takes this long.
const LONG: Duration = Duration::from_secs(30);

/// Within the time in which a value is served and refreshed behind the answer, whatever its jitter.
const STALE: u64 = 400;
/// Beyond that, and within the time in which it stands in for a database that is down.
const VERY_STALE: u64 = 2_000;

/// The service, with its parts in reach.
#[derive(Clone)]
struct Service {
    local: Arc<Local>,
    database: Arc<Database>,
    router: Router,
    /// How many seconds the caches' clock is ahead of ours.
    ahead: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    kind: String,
    cache: String,
    body: Value,
}

impl Service {
    async fn start() -> Self {
        let local = Local::builder().token("token-7d21").start().await.unwrap();
        let redis = Redis::new(local.url(), local.token()).unwrap();
        let database = Arc::new(Database::new());
        let ahead = Arc::new(AtomicU64::new(0));
        let mut app = App::new(&redis, Arc::clone(&database), [7; 32]);
        for cache in [&mut app.users, &mut app.families] {
            let ahead = Arc::clone(&ahead);
            *cache = cache.clone().clock(move || {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                now.as_millis() as u64 + ahead.load(Relaxed) * 1000
            });
        }
        Self {
            local: Arc::new(local),
            database,
            router: app.router(),
            ahead,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let header = |name| {
            let value = head.headers.get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let (kind, cache) = (header("Content-Type"), header("Cache-Status"));
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status,
            kind,
            cache,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    async fn put(&self, path: &str, name: &str, family: u64) -> Answer {
        let body = json!({ "name": name, "family": family });
        self.call("PUT", path, body).await
    }

    /// Asks until the answer comes from the cache and is fresh: values are stored behind the answer.
    async fn hit(&self, path: &str) -> Answer {
        let asked = async {
            loop {
                let answer = self.get(path).await;
                if answer.cache.contains("; hit") && !answer.cache.contains("ttl=-") {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, asked).await.expect("it is stored")
    }

    fn go_on(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Relaxed);
    }
}

fn names(list: &Answer) -> Vec<&str> {
    let users = list.body.as_array().unwrap().iter();
    users.map(|user| user["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_user_is_loaded_once_and_then_comes_from_the_cache() {
    let service = Service::start().await;
    let ada = json!({"id": 42, "name": "Ada", "family": 7});
    let miss = service.get("/users/42").await;
    assert_eq!(miss.status, StatusCode::OK);
    assert_eq!(miss.body, ada);
    assert_eq!(miss.cache, "users; fwd=uri-miss; stored");

    let hit = service.hit("/users/42").await;
    assert_eq!(hit.body, ada);
    assert!(hit.cache.starts_with("users; hit; ttl="), "{hit:?}");
    assert_eq!(service.database.calls(), 1);

    service.local.reset_stats().await.unwrap();
    service.get("/users/42").await;
    let cost = service.local.stats().await.unwrap();
    // The two limits, and the cache.
    assert_eq!((cost.requests, cost.billed), (2, 6 + 1));
}

#[tokio::test]
async fn a_hundred_callers_of_a_cold_user_are_one_call_of_the_database() {
    let service = Service::start().await;
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let service = service.clone();
        callers.spawn(async move { service.get("/users/42").await });
    }
    let answers = timeout(LONG, callers.join_all()).await.unwrap();
    assert_eq!(answers.len(), 100);
    for answer in answers {
        assert_eq!(answer.body["name"], "Ada", "{answer:?}");
    }
    assert_eq!(service.database.calls(), 1);
}

#[tokio::test]
async fn a_change_is_seen_at_once_in_the_user_and_in_the_lists() {
    let service = Service::start().await;
    service.hit("/users/42").await;
    assert_eq!(
        names(&service.hit("/families/7/members").await),
        ["Ada", "Byron"]
    );
    assert!(names(&service.hit("/families/8/members").await).is_empty());

    let saved = service.put("/users/42", "Augusta", 7).await;
    assert_eq!(saved.status, StatusCode::OK);
    let calls = service.database.calls();
    let user = service.get("/users/42").await;
    assert!(user.cache.starts_with("users; hit"), "{user:?}");
    assert_eq!(user.body["name"], "Augusta");
    assert_eq!(service.database.calls(), calls);
    let list = service.get("/families/7/members").await;
    assert_eq!(list.cache, "families; fwd=uri-miss; stored");
    assert_eq!(names(&list), ["Augusta", "Byron"]);

    // The list that is left, and the one that did not know of this user.
    service.hit("/families/7/members").await;
    service.put("/users/42", "Augusta", 8).await;
    assert_eq!(names(&service.get("/families/7/members").await), ["Byron"]);
    assert_eq!(
        names(&service.get("/families/8/members").await),
        ["Augusta"]
    );

    let removed = service.call("DELETE", "/users/43", Value::Null).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(service.get("/users/43").await.status, StatusCode::NOT_FOUND);
    assert!(names(&service.get("/families/7/members").await).is_empty());
}

#[tokio::test]
async fn that_there_is_no_user_is_cached_until_there_is_one() {
    let service = Service::start().await;
    let missing = service.get("/users/44").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.kind, "application/problem+json");
    assert_eq!(missing.body["status"], 404);

    let cached = service.hit("/users/44").await;
    assert_eq!(cached.status, StatusCode::NOT_FOUND);
    assert_eq!(service.database.calls(), 1);

    service.put("/users/44", "Grace", 7).await;
    assert_eq!(service.get("/users/44").await.body["name"], "Grace");
}

#[tokio::test]
async fn a_stale_user_is_answered_at_once_and_refreshed_behind() {
    let service = Service::start().await;
    service.hit("/users/42").await;
    service.go_on(STALE);
    let stale = service.get("/users/42").await;
    assert!(stale.cache.starts_with("users; hit; ttl=-"), "{stale:?}");
    assert_eq!(stale.body["name"], "Ada");
    service.hit("/users/42").await;
    assert_eq!(service.database.calls(), 2);
}

#[tokio::test]
async fn while_the_database_is_down_what_was_cached_is_served() {
    let service = Service::start().await;
    service.hit("/users/42").await;
    service.go_on(VERY_STALE);
    service.database.set_down(true);
    let stale = service.get("/users/42").await;
    assert_eq!(stale.status, StatusCode::OK);
    assert_eq!(stale.body["name"], "Ada");
    assert!(stale.cache.ends_with("; detail=error"), "{stale:?}");
    let stats = service.get("/stats").await.body;
    assert_eq!(stats["users"]["stale_if_error"], 1);
    assert_eq!(stats["users"]["load_errors"], 1);
    assert_eq!(stats["databaseCalls"], 2);

    // What was not cached cannot be answered, and nothing is changed.
    for failed in [
        service.get("/users/43").await,
        service.put("/users/42", "Augusta", 7).await,
        service.call("DELETE", "/users/42", Value::Null).await,
    ] {
        assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(failed.kind, "application/problem+json");
        let body = failed.body.to_string();
        assert!(
            !body.contains("down") && !body.contains("token-7d21"),
            "{body}"
        );
    }
    service.database.set_down(false);
    assert_eq!(service.get("/users/42").await.body["name"], "Ada");
}

#[tokio::test]
async fn without_redis_the_database_answers() {
    let service = Service::start().await;
    service.local.inject(Fault::status(500).times(1_000));
    let answer = service.get("/users/42").await;
    assert_eq!(answer.body["name"], "Ada");
    assert_eq!(answer.cache, "users; fwd=bypass");

    // A change that the cache could not be told of is not made.
    let refused = service.put("/users/42", "Augusta", 7).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    service.local.clear_faults();
    assert_eq!(service.get("/users/42").await.body["name"], "Ada");
}

#[tokio::test]
async fn everything_is_cleared() {
    let service = Service::start().await;
    for path in ["/users/42", "/families/7/members"] {
        service.hit(path).await;
    }
    let cleared = service.call("POST", "/cache/clear", Value::Null).await;
    assert_eq!(cleared.status, StatusCode::NO_CONTENT);
    for path in ["/users/42", "/families/7/members"] {
        let answer = service.get(path).await;
        assert!(answer.cache.contains("fwd=uri-miss"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_change_goes_on_to_its_end_when_the_caller_hangs_up() {
    let service = Service::start().await;
    service.hit("/families/7/members").await;
    let put = service.put("/users/42", "Augusta", 7);
    assert!(timeout(Duration::from_millis(20), put).await.is_err());
    let seen = async {
        while names(&service.get("/families/7/members").await) != ["Augusta", "Byron"] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, seen).await.expect("the list is made anew");
}

#[tokio::test]
async fn the_program_reads_its_environment() {
    let program = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_restis-example-axum"));
        program
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        program
    };
    let failed = timeout(LONG, program().output()).await.unwrap().unwrap();
    assert!(!failed.status.success());
    let words = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(words.contains("UPSTASH_REDIS_REST_URL"), "{words}");

    let local = Local::builder().start().await.unwrap();
    let mut process = program()
        .env("UPSTASH_REDIS_REST_URL", local.url())
        .env("UPSTASH_REDIS_REST_TOKEN", local.token())
        .env("PORT", "0")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = timeout(LONG, lines.next_line()).await.unwrap().unwrap();
    let line = line.expect("it says where it listens");
    let address = line.strip_prefix("http://").expect("an address");
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket
        .write_all(b"GET /users/42 HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    timeout(LONG, socket.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(
        answer.contains("cache-status: users; fwd=uri-miss; stored"),
        "{answer}"
    );
    assert!(
        answer.ends_with(r#"{"id":42,"name":"Ada","family":7}"#),
        "{answer}"
    );
}
