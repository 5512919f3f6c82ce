//! How often somebody may come, and try to log in.

#![allow(clippy::unwrap_used, reason = "what fails here has to fail its test")]

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use restis::Redis;
use restis_example_axum::{App, Database};
use restis_local::{Fault, Local};
use tower::ServiceExt;

async fn start() -> (Local, Router) {
    let local = Local::builder().start().await.unwrap();
    let redis = Redis::new(local.url(), local.token()).unwrap();
    let app = App::new(&redis, Arc::new(Database::new()), [7; 32]);
    (local, app.router())
}

/// As the proxy passes it on, which adds the address that it has seen.
async fn call(router: &Router, method: &str, path: &str, seen: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("x-forwarded-for", format!("6.6.6.6, {seen}"));
    let request = request.header("content-type", "application/json");
    let body = Body::from(r#"{"userId":"ada"}"#);
    let request = request.body(body).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn the_eleventh_login_has_to_wait() {
    let (_local, router) = start().await;
    for _ in 0..10 {
        let login = call(&router, "POST", "/login", "192.0.2.1").await;
        assert_eq!(login.status(), 204);
    }
    let refused = call(&router, "POST", "/login", "192.0.2.1").await;
    assert_eq!(refused.status(), 429);
    let text = |name: &str| refused.headers().get(name).unwrap().to_str().unwrap();
    let wait: u64 = text("retry-after").parse().unwrap();
    // A strict window has to let the tenth that is counted last pass too.
    assert!((1..=66).contains(&wait), "{wait}");
    assert_eq!(text("content-type"), "application/problem+json");
    // What both layers say is one list.
    let fields = refused.headers().get_all("ratelimit-policy").iter();
    let fields: Vec<&str> = fields.map(|field| field.to_str().unwrap()).collect();
    let visits = r#""visitor";q=300;w=60, "all";q=10000;w=60"#;
    assert_eq!(fields, [r#""login";q=10;w=60"#, visits]);
    // Others may, and he may look.
    let other = call(&router, "POST", "/login", "192.0.2.2").await;
    assert_eq!(other.status(), 204);
    let look = call(&router, "GET", "/users/42", "192.0.2.1").await;
    assert_eq!(look.status(), 200);
}

#[tokio::test]
async fn without_redis_users_are_shown_and_nobody_logs_in() {
    let (local, router) = start().await;
    local.inject(Fault::status(500).times(10_000));
    let look = call(&router, "GET", "/users/42", "192.0.2.1").await;
    assert_eq!(look.status(), 200);
    let login = call(&router, "POST", "/login", "192.0.2.1").await;
    assert_eq!(login.status(), 503);
    assert_eq!(login.headers().get("retry-after").unwrap(), "1");
}
