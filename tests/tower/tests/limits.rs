//! Rate limits in front of a service of axum: whom they let through, and that what they say can be read by others.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

use std::{net::SocketAddr, time::Duration};

use axum::{Extension, Router, body::Body, extract::ConnectInfo, routing::get};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use restis::{
    RateLimiter, Redis,
    ratelimit::{
        Decisions,
        layer::{RateLimitLayer, address_in, field, forwarded_for},
        visitor,
    },
};
use restis_local::Fault;
use restis_testing::start;
use serde_json::Value;
use sfv::{BareItem, Item, List, ListEntry, Parser};
use tower::ServiceExt;

const MINUTE: Duration = Duration::from_secs(60);

fn router(layer: RateLimitLayer) -> Router {
    let left = async |Extension(decisions): Extension<Decisions>| {
        let left: Vec<u64> = decisions.each().iter().map(|one| one.remaining()).collect();
        format!("{left:?}")
    };
    Router::new().route("/", get(left)).layer(layer)
}

fn from(address: &str) -> Request<Body> {
    let request = Request::builder().uri("/").header("x-real-ip", address);
    request.body(Body::empty()).unwrap()
}

async fn call(router: &Router, request: Request<Body>) -> (Response<()>, String) {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (Response::from_parts(parts, ()), body)
}

fn text<'a>(response: &'a Response<()>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// A field as any reader of RFC 9651 sees it: the names, and the parameters of each.
fn read(field: &str) -> Vec<(String, Vec<(String, i64)>)> {
    let list: List = Parser::new(field).parse().unwrap();
    let item = |entry: ListEntry| {
        let ListEntry::Item(Item { bare_item, params }) = entry else {
            panic!("no inner lists")
        };
        let BareItem::String(name) = bare_item else {
            panic!("a name is a string")
        };
        let params = params.into_iter().map(|(key, value)| {
            let BareItem::Integer(number) = value else {
                panic!("a number")
            };
            (key.to_string(), number.into())
        });
        (name.as_str().to_owned(), params.collect())
    };
    list.into_iter().map(item).collect()
}

fn entry(name: &str, params: &[(&str, i64)]) -> (String, Vec<(String, i64)>) {
    let params = params
        .iter()
        .map(|(key, value)| ((*key).to_owned(), *value));
    (name.to_owned(), params.collect())
}

/// Whose windows begin 10 s ago, in any case.
fn clock() -> u64 {
    1_800_000_010_000
}

fn two(redis: &Redis) -> RateLimitLayer {
    let by_ip = RateLimiter::fixed_window(2, MINUTE)
        .prefix("ip")
        .policy("per \"ip\"");
    let in_all = RateLimiter::sliding_window(3, MINUTE)
        .prefix("all")
        .policy("all");
    RateLimitLayer::new(by_ip.clock(clock).build(redis), address_in("x-real-ip"))
        .and(in_all.clock(clock).build(redis), |_| Some("all".to_owned()))
}

#[tokio::test]
async fn two_limits_in_one_request() {
    let (local, redis) = start().await.unwrap();
    let router = router(two(&redis));
    let (first, body) = call(&router, from("192.0.2.1")).await;
    assert_eq!((first.status(), &*body), (StatusCode::OK, "[1, 2]"));
    let policies = [
        entry("per \"ip\"", &[("q", 2), ("w", 60)]),
        entry("all", &[("q", 3), ("w", 60)]),
    ];
    assert_eq!(read(text(&first, "ratelimit-policy")), policies);
    let left = [
        entry("per \"ip\"", &[("r", 1), ("t", 50)]),
        entry("all", &[("r", 2), ("t", 50)]),
    ];
    assert_eq!(read(text(&first, "ratelimit")), left);
    assert_eq!(text(&first, "retry-after"), "");
    call(&router, from("192.0.2.1")).await;
    local.reset_stats().await.unwrap();
    let (refused, body) = call(&router, from("192.0.2.1")).await;
    assert_eq!(local.stats().await.unwrap().requests, 1);
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(text(&refused, "content-type"), "application/problem+json");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["status"], 429);
    assert_eq!(body["violated-policies"], serde_json::json!(["per \"ip\""]));
    let wait: i64 = text(&refused, "retry-after").parse().unwrap();
    // It is not earlier than what the limit says.
    let left = read(text(&refused, "ratelimit"));
    assert_eq!(left[0], entry("per \"ip\"", &[("r", 0), ("t", 50)]));
    assert_eq!(wait, 50);
    // The refusal holds, and nobody else was counted for it.
    call(&router, from("192.0.2.1")).await;
    assert_eq!(local.stats().await.unwrap().requests, 1);
    let (other, body) = call(&router, from("192.0.2.2")).await;
    assert_eq!((other.status(), &*body), (StatusCode::OK, "[1, 0]"));
}

#[tokio::test]
async fn whose_request_it_is() {
    let (_local, redis) = start().await.unwrap();
    let limit = |prefix: &str| {
        let limiter = RateLimiter::gcra(1, MINUTE).prefix(prefix);
        limiter.build(&redis)
    };
    let with = |name: &str, value: &str| {
        let request = Request::builder().uri("/").header(name, value);
        request.body(Body::empty()).unwrap()
    };
    let both = |first: &str, second: &str| {
        let request = Request::builder().uri("/").header("x-forwarded-for", first);
        let request = request.header("x-forwarded-for", second);
        request.body(Body::empty()).unwrap()
    };
    let status = async |router: &Router, request| call(router, request).await.0.status().as_u16();
    let by_address = router(RateLimitLayer::new(limit("a"), address_in("x-real-ip")));
    for (address, expected) in [
        ("192.0.2.1", 200),
        (" 192.0.2.1 ", 429),
        ("::ffff:192.0.2.1", 429),
        ("2001:db8::1", 200),
        ("2001:db8::ffff:2", 429),
        ("2001:db8:0:1::1", 200),
        // Who says nothing that is an address shares a limit with all of those.
        ("unknown", 200),
        ("6.6.6.6, 192.0.2.9", 429),
    ] {
        assert_eq!(
            status(&by_address, from(address)).await,
            expected,
            "{address}"
        );
    }
    let forwarded = router(RateLimitLayer::new(limit("b"), forwarded_for(2)));
    for (first, second, expected) in [
        ("6.6.6.6", "192.0.2.1, 10.0.0.1", 200),
        ("7.7.7.7, 192.0.2.1", "10.0.0.1", 429),
        ("192.0.2.1", "192.0.2.2,10.0.0.1", 200),
    ] {
        assert_eq!(
            status(&forwarded, both(first, second)).await,
            expected,
            "{first}"
        );
    }
    // Too few proxies for what was said.
    assert_eq!(
        status(&forwarded, with("x-forwarded-for", "192.0.2.7")).await,
        200
    );
    assert_eq!(
        status(&forwarded, with("x-real-ip", "192.0.2.8")).await,
        429
    );
    let by_key = router(RateLimitLayer::new(limit("c"), field("x-api-key")));
    for (key, expected) in [("one", 200), ("two", 200), ("one", 429)] {
        assert_eq!(status(&by_key, with("x-api-key", key)).await, expected);
    }
    // What axum knows of the connection.
    let by_peer = router(RateLimitLayer::new(limit("d"), |parts| {
        let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(visitor(peer.ip()))
    }));
    for (port, expected) in [(1000, 200), (1001, 429)] {
        let mut request = Request::new(Body::empty());
        let peer = SocketAddr::from(([192, 0, 2, 1], port));
        request.extensions_mut().insert(ConnectInfo(peer));
        assert_eq!(status(&by_peer, request).await, expected);
    }
}

#[tokio::test]
async fn without_an_answer_of_redis() {
    let (local, redis) = start().await.unwrap();
    let limit = || RateLimiter::fixed_window(2, MINUTE);
    let by = |limiter: RateLimiter| router_of(limiter);
    let plain = by(limit().build(&redis));
    let open = by(limit().fail_open(Duration::from_millis(100)).build(&redis));
    let closed = by(limit()
        .fail_closed(Duration::from_millis(100))
        .build(&redis));
    local.inject(Fault::status(500).times(1000));
    for (router, status, retry_after) in [(&plain, 503, "1"), (&open, 200, ""), (&closed, 503, "1")]
    {
        let (response, body) = call(router, from("192.0.2.1")).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(text(&response, "retry-after"), retry_after);
        assert_eq!(text(&response, "ratelimit"), "");
        if status == 503 {
            let body: Value = serde_json::from_str(&body).unwrap();
            let kind = body["type"].as_str().unwrap();
            assert!(kind.ends_with("#temporary-reduced-capacity"), "{kind}");
        }
        let has_error = response.extensions().get::<restis::Error>().is_some();
        assert_eq!(has_error, std::ptr::eq(router, &plain));
    }
}

fn router_of(limiter: RateLimiter) -> Router {
    router(RateLimitLayer::new(limiter, address_in("x-real-ip")))
}
