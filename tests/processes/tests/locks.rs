//! Locks over four processes: never two holders, and the next one where a holder was killed.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test, not an API")]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use restis::Redis;
use restis_processes::{Player, Server};
use serde_json::{Value, json};

const PROCESSES: usize = 4;
const LEASE: u64 = 1000;

fn holder() -> Player {
    Player::start(Command::new(env!("CARGO_BIN_EXE_holder"))).unwrap()
}

fn request(server: &Server, what: &str, lease: u64) -> Value {
    json!({
        "do": what,
        "url": server.url(),
        "token": server.token(),
        "lease": lease,
        "crowd": 50,
        "hold": 1,
    })
}

/// 50 contenders in each of four processes: what they wrote down on the server is one visit after the other, and the
/// number of each is higher than that before it.
#[tokio::test]
async fn of_200_contenders_one_is_inside() {
    let server = Server::start().await.unwrap();
    let holders: Vec<Player> = (0..PROCESSES).map(|_| holder()).collect();
    let mut crowds = Vec::new();
    for holder in &holders {
        let request = request(&server, "crowd", 30_000);
        crowds.push(holder.begin(&request).await.unwrap());
    }
    for crowd in crowds {
        crowd.answer().await.unwrap();
    }
    let redis = Redis::new(server.url(), server.token()).unwrap();
    let visits: Vec<String> = redis.lrange("visits", 0, -1).await.unwrap();
    let expected: Vec<String> = (1..=200)
        .flat_map(|fence| [format!("in {fence}"), format!("out {fence}")])
        .collect();
    assert_eq!(visits, expected);
}

#[tokio::test]
async fn behind_a_holder_that_was_killed_comes_the_next() {
    let server = Server::start().await.unwrap();
    let (first, next) = (holder(), holder());
    let take = request(&server, "take", LEASE);
    // Each process has started and knows the script before it is timed.
    for holder in [&first, &next] {
        let warm = request(&server, "none", LEASE);
        holder.ask(&warm).await.unwrap();
    }
    assert_eq!(first.ask(&take).await.unwrap(), json!(1));
    let taken = Instant::now();
    let waiting = next.begin(&take).await.unwrap();
    first.kill().await.unwrap();
    assert_eq!(waiting.answer().await.unwrap(), json!(2));
    let waited = taken.elapsed();
    let most = Duration::from_millis(LEASE + 250);
    assert!(waited < most, "{waited:?}");
}
