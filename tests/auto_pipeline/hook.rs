//! What a hook hears of requests that commands share, and that it cannot harm them.

use std::{
    future::IntoFuture,
    sync::{Arc, Mutex},
};

use futures_util::{future::join3, poll};
use restis::{Redis, RequestReport};

use crate::echo::{Echo, Instead};

/// Commands, whether it failed, whether it was given up.
type Heard = Arc<Mutex<Vec<(u64, bool, bool)>>>;

fn listen(echo: &Echo, panics: bool) -> (Redis, Heard) {
    let heard = Heard::default();
    let keep = Arc::clone(&heard);
    let hook = move |report: &RequestReport<'_>| {
        let short = (
            report.commands(),
            report.error().is_some(),
            report.is_given_up(),
        );
        // A lock that is held by a panic is poisoned.
        let mut keep = keep.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        keep.push(short);
        assert!(!panics, "the hook has a bug");
    };
    let redis = echo.client(|builder| builder.max_in_flight(1).on_request(hook));
    (redis, heard)
}

fn heard(heard: &Heard) -> Vec<(u64, bool, bool)> {
    let heard = heard
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    heard.clone()
}

/// Requests that are answered, fail, are given up and panic, one at a time: each is one report, and the next one leaves.
async fn play(panics: bool) {
    let echo = Echo::gated();
    let (redis, reports) = listen(&echo, panics);
    let get = |key: &'static str| redis.get::<String>(key).into_future();

    echo.let_go(1);
    let (a, b, c) = join3(get("a"), get("b"), get("c")).await;
    assert_eq!([a, b, c].map(|got| got.unwrap().unwrap()), ["a", "b", "c"]);

    echo.then([Instead::Body(400, r#"{"error":"ERR no"}"#.into())]);
    echo.let_go(1);
    get("a").await.unwrap_err();

    let mut both = Box::pin(async { (get("a").await, get("b").await) });
    for _ in 0..3 {
        assert!(poll!(&mut both).is_pending());
    }
    drop(both);

    echo.then([Instead::Panic]);
    echo.let_go(1);
    let doomed = redis.clone();
    let task = tokio::spawn(async move { doomed.get::<String>("a").await.map(drop) });
    assert!(task.await.unwrap_err().is_panic());

    echo.let_go(1);
    assert_eq!(get("d").await.unwrap().as_deref(), Some("d"));
    assert_eq!(
        heard(&reports),
        [
            (3, false, false),
            (1, true, false),
            (1, false, true),
            (1, false, true),
            (1, false, false),
        ]
    );
}

#[tokio::test]
async fn a_shared_request_is_one_report() {
    play(false).await;
}

#[tokio::test]
async fn a_hook_that_panics_harms_no_command_and_wedges_nothing() {
    play(true).await;
}
