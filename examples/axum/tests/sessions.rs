//! Login, who is let in, and logout.

#![allow(clippy::unwrap_used, reason = "what fails here has to fail its test")]

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header::SET_COOKIE},
};
use restis::Redis;
use restis_example_axum::{App, Database};
use restis_local::{Fault, Local};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn start() -> (Local, Router) {
    let local = Local::builder().start().await.unwrap();
    let redis = Redis::new(local.url(), local.token()).unwrap();
    let app = App::new(&redis, Arc::new(Database::new()), [7; 32]);
    (local, app.router())
}

async fn call(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn json(response: Response<Body>) -> Value {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn set_cookie(response: &Response<Body>) -> String {
    let line = response.headers().get(SET_COOKIE).unwrap();
    line.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn login_and_logout() {
    let (_local, router) = start().await;
    let kind = ("content-type", "application/json");
    let headers = [kind, ("user-agent", "Firefox")];
    let login = call(&router, "POST", "/login", &headers, r#"{"userId":"ada"}"#).await;
    assert_eq!(login.status(), StatusCode::NO_CONTENT);
    let line = set_cookie(&login);
    let (cookie, flags) = line.split_once("; ").unwrap();
    assert!(cookie.starts_with("__Host-id="));
    assert_eq!(flags, "Secure; HttpOnly; SameSite=Strict; Path=/");

    let headers = [("cookie", cookie), ("user-agent", "Firefox")];
    let me = call(&router, "GET", "/me", &headers, "").await;
    assert_eq!(me.headers().get("cache-control").unwrap(), "no-store");
    let me = json(me).await;
    assert_eq!(me.get("userId"), Some(&json!("ada")));
    assert_eq!(me.get("oddBrowser"), Some(&json!(false)));
    let csrf = me.get("csrf").unwrap().as_str().unwrap();
    let elsewhere = [("cookie", cookie), ("user-agent", "curl")];
    let odd = json(call(&router, "GET", "/me", &elsewhere, "").await).await;
    assert_eq!(odd.get("oddBrowser"), Some(&json!(true)));

    let forged = call(&router, "POST", "/logout", &headers, "").await;
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    let headers = [("cookie", cookie), ("x-csrf-token", csrf)];
    let logout = call(&router, "POST", "/logout", &headers, "").await;
    assert_eq!(logout.status(), StatusCode::NO_CONTENT);
    assert!(set_cookie(&logout).ends_with("; Max-Age=0"));
    // A copy of the cookie is worth nothing.
    let me = call(&router, "GET", "/me", &headers, "").await;
    assert_eq!(me.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_a_browser_had_before_it_logged_in_is_over() {
    let (_local, router) = start().await;
    let kind = ("content-type", "application/json");
    let body = r#"{"userId":"ada"}"#;
    let first = set_cookie(&call(&router, "POST", "/login", &[kind], body).await);
    let (first, _) = first.split_once("; ").unwrap();
    let again = [kind, ("cookie", first)];
    let second = set_cookie(&call(&router, "POST", "/login", &again, body).await);
    let (second, _) = second.split_once("; ").unwrap();
    let me = async |cookie| {
        let me = call(&router, "GET", "/me", &[("cookie", cookie)], "").await;
        me.status()
    };
    assert_eq!(me(first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(me(second).await, StatusCode::OK);
}

#[tokio::test]
async fn nobody_is_let_in_without_a_session() {
    let (local, router) = start().await;
    let unknown = format!("__Host-id={0}.{0}.{1}", "A".repeat(22), "A".repeat(43));
    for cookie in ["", "a=b", "__Host-id=x", &unknown] {
        let me = call(&router, "GET", "/me", &[("cookie", cookie)], "").await;
        assert_eq!(me.status(), StatusCode::UNAUTHORIZED, "{cookie}");
    }
    // That Redis is away is no logout.
    local.inject(Fault::status(500).times(u64::MAX));
    let me = call(&router, "GET", "/me", &[("cookie", &unknown)], "").await;
    assert_eq!(me.status(), StatusCode::SERVICE_UNAVAILABLE);
}
