//! The test cases of tower-sessions itself on our store, and what they do not ask: ids at rest, deletion that stays, and
//! sessions that end.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::dbg_macro,
    reason = "a test, not an API"
)]

include!(concat!(env!("OUT_DIR"), "/cases.rs"));

use std::sync::{Arc, Mutex};

use axum::Router;
use restis::{Redis, session::TowerStore};
use restis_testing::start;
use time::OffsetDateTime;
use tower_sessions::{
    SessionManagerLayer, SessionStore,
    session::{Id, Record},
};

/// Keeps the servers of the cases for as long as the tests run; they end with the process.
static SERVERS: Mutex<Vec<Arc<dyn Send + Sync>>> = Mutex::new(Vec::new());

async fn app(max_age: Option<Duration>, domain: Option<String>) -> Router {
    let (local, redis) = start().await.unwrap();
    SERVERS.lock().unwrap().push(Arc::new(local));
    let layer = SessionManagerLayer::new(TowerStore::new(&redis));
    common::build_app(layer, max_age, domain)
}

route_tests!(app);

fn record(seconds: i64) -> Record {
    Record {
        id: Id::default(),
        data: [("n".to_owned(), 1.into())].into(),
        expiry_date: OffsetDateTime::now_utc() + Duration::seconds(seconds),
    }
}

async fn keys(redis: &Redis) -> Vec<String> {
    redis.keys("*").await.unwrap()
}

#[tokio::test]
async fn a_record_is_what_was_stored() {
    let (_local, redis) = start().await.unwrap();
    let store = TowerStore::new(&redis);
    let mut mine = record(60);
    store.create(&mut mine).await.unwrap();
    assert_eq!(store.load(&mine.id).await.unwrap(), Some(mine.clone()));
    mine.data.insert("m".to_owned(), 2.into());
    store.save(&mine).await.unwrap();
    assert_eq!(store.load(&mine.id).await.unwrap(), Some(mine.clone()));
    // Another one with the same id gets an id of its own.
    let mut yours = Record {
        id: mine.id,
        ..record(60)
    };
    store.create(&mut yours).await.unwrap();
    assert_ne!(yours.id, mine.id);
    assert_eq!(store.load(&mine.id).await.unwrap(), Some(mine.clone()));
    let keys = keys(&redis).await;
    assert_eq!(keys.len(), 2);
    for key in keys {
        let stored: Option<String> = redis.get(&key).await.unwrap();
        let all = format!("{key} {}", stored.unwrap());
        for id in [mine.id, yours.id] {
            assert!(!all.contains(&id.to_string()) && !all.contains(&id.0.to_string()));
        }
    }
}

#[tokio::test]
async fn what_was_deleted_does_not_come_back() {
    let (_local, redis) = start().await.unwrap();
    let store = TowerStore::new(&redis);
    let mut record = record(60);
    store.create(&mut record).await.unwrap();
    store.delete(&record.id).await.unwrap();
    store.save(&record).await.unwrap();
    assert_eq!(store.load(&record.id).await.unwrap(), None);
    store.delete(&record.id).await.unwrap();
}

#[tokio::test]
async fn a_session_ends() {
    let (_local, redis) = start().await.unwrap();
    let store = TowerStore::new(&redis);
    let mut over = record(-1);
    store.create(&mut over).await.unwrap();
    assert_eq!(store.load(&over.id).await.unwrap(), None);
    let mut soon = record(1);
    store.create(&mut soon).await.unwrap();
    assert!(store.load(&soon.id).await.unwrap().is_some());
    while store.load(&soon.id).await.unwrap().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(keys(&redis).await.is_empty());
    assert!(OffsetDateTime::now_utc() >= soon.expiry_date - Duration::milliseconds(50));
}

/// 20 requests at a time that each count in the same session, of which only one is at it: none is lost, and none is
/// counted twice. What tower-sessions shows of a store by its concurrent counter, with requests that are not sent.
#[tokio::test]
async fn a_thousand_requests_count_to_a_thousand() {
    let (_local, redis) = start().await.unwrap();
    let layer = SessionManagerLayer::new(TowerStore::new(&redis)).with_secure(false);
    let turn = Arc::new(tokio::sync::Mutex::new(()));
    let count = async move |session: tower_sessions::Session| {
        let _turn = turn.lock().await;
        let count: u64 = session.get("count").await.unwrap().unwrap_or_default();
        session.insert("count", count + 1).await.unwrap();
        // While it is still this request's turn: the layer would save it later.
        session.save().await.unwrap();
        (count + 1).to_string()
    };
    let app = Router::new()
        .route("/", axum::routing::get(count))
        .layer(layer);
    let first = request(&app, None).await;
    assert_eq!(first.1, 1);
    let cookie = first.0.unwrap();
    let mut sum = 0;
    for _ in 0..50 {
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (app, cookie) = (app.clone(), cookie.clone());
            requests.spawn(async move { request(&app, Some(&cookie)).await.1 });
        }
        while let Some(count) = requests.join_next().await {
            sum += count.unwrap();
        }
    }
    // 2 to 1,001.
    assert_eq!(sum, (2..=1001).sum::<u64>());
}

/// One request: the cookie that it sets, and the number that it answers.
async fn request(app: &Router, cookie: Option<&str>) -> (Option<String>, u64) {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    let mut builder = http::Request::builder().uri("/");
    if let Some(cookie) = cookie {
        builder = builder.header("cookie", cookie);
    }
    let built = builder.body(axum::body::Body::empty()).unwrap();
    let response = app.clone().oneshot(built).await.unwrap();
    let set = response.headers().get("set-cookie").map(|line| {
        let line = line.to_str().unwrap();
        line.split(';').next().unwrap().to_owned()
    });
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (set, String::from_utf8_lossy(&body).parse().unwrap())
}
