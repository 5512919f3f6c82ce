//! Sessions on wasm32, in Node and in Chromium, against a real server: the platform's secure randomness, and a session's
//! whole life.
//!
//! `cargo xtask test wasm` builds it with the address of a restis-local and runs it in both.

#![cfg(all(feature = "sessions", target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

use restis::{
    Redis, Sessions,
    session::{Cookie, Refresh},
};
use wasm_bindgen_test::wasm_bindgen_test;

fn sessions() -> Sessions<u32> {
    let (Some(url), Some(token)) = (
        option_env!("RESTIS_TEST_URL"),
        option_env!("RESTIS_TEST_TOKEN"),
    ) else {
        panic!("built without RESTIS_TEST_URL and RESTIS_TEST_TOKEN: run `cargo xtask test wasm`");
    };
    let redis = Redis::new(url, token).unwrap();
    Sessions::new(&redis, [7; 32]).namespace("wasm")
}

#[wasm_bindgen_test]
async fn a_session_from_login_to_logout() {
    let sessions = sessions();
    sessions.revoke_all("ada").await.unwrap();
    let issued = sessions
        .create("ada", &1)
        .user_agent("Firefox")
        .await
        .unwrap();
    let again = sessions.create("ada", &1).await.unwrap();
    assert_ne!(issued.token().as_str(), again.token().as_str());
    let cookie = Cookie::new("id");
    let line = cookie.set(issued.token());
    assert!(line.contains("HttpOnly"), "{line}");
    let header = format!("__Host-id={}", issued.token().as_str());
    let token = cookie.read(&header).unwrap();
    let session = sessions.validate(token).await.unwrap().unwrap();
    assert_eq!((session.user(), session.data()), (Some("ada"), &1));
    let csrf = sessions.csrf_token(token).unwrap().unwrap();
    assert!(sessions.is_csrf_token(token, &csrf).unwrap());
    let rotated = sessions.rotate(token).await.unwrap().unwrap();
    assert!(sessions.validate(token).await.unwrap().is_none());
    assert_eq!(sessions.count("ada").await.unwrap(), 2);
    sessions.revoke_all("ada").await.unwrap();
    let token = rotated.token().as_str();
    assert!(sessions.validate(token).await.unwrap().is_none());
}

#[wasm_bindgen_test]
async fn a_refresh_token_gives_one_successor() {
    let sessions = sessions();
    let issued = sessions.create_refresh("eve", &2).await.unwrap();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let refreshed = sessions.refresh(issued.token().as_str()).await.unwrap();
        let Refresh::Rotated(next) = refreshed else {
            panic!("not rotated");
        };
        tokens.push(next.token().as_str().to_owned());
    }
    assert_eq!(tokens.first(), tokens.last());
    sessions.revoke_all("eve").await.unwrap();
}
