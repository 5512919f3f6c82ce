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
