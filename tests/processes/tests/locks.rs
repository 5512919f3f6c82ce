//! Locks, permits, limits and debounced calls over several processes: never two holders, and the next one where a holder was
//! killed; never a permit or a call too many; of a hundred calls the last one.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

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
    assert_eq!(visits.len(), 2 * 200);
    let mut last = 0;
    for visit in visits.chunks(2) {
        let fence: u64 = visit[0].strip_prefix("in ").unwrap().parse().unwrap();
        assert_eq!(visit[1], format!("out {fence}"));
        assert!(fence > last, "{fence} behind {last}");
        last = fence;
    }
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
    let fence = first.ask(&take).await.unwrap().as_u64().unwrap();
    let taken = Instant::now();
    let waiting = next.begin(&take).await.unwrap();
    first.kill().await.unwrap();
    assert!(waiting.answer().await.unwrap().as_u64().unwrap() > fence);
    let waited = taken.elapsed();
    // About a lease, however slow the machine is.
    assert!(waited < Duration::from_millis(LEASE * 10), "{waited:?}");
}

/// 50 callers in each of four processes, and 5 permits: the server has seen 5 inside, and not more.
#[tokio::test]
async fn of_200_callers_five_are_inside() {
    let server = Server::start().await.unwrap();
    let holders: Vec<Player> = (0..PROCESSES).map(|_| holder()).collect();
    let mut crowds = Vec::new();
    for holder in &holders {
        let request = request(&server, "pass", 30_000);
        crowds.push(holder.begin(&request).await.unwrap());
    }
    for crowd in crowds {
        assert_eq!(crowd.answer().await.unwrap(), json!(50));
    }
    let redis = Redis::new(server.url(), server.token()).unwrap();
    let inside: Vec<u64> = redis.lrange("crowds", 0, -1).await.unwrap();
    assert_eq!((inside.len(), inside.iter().max()), (200, Some(&5)));
    // Nothing is left of any of them.
    assert_eq!(redis.exists("gate").await.unwrap(), 0);
}

#[tokio::test]
async fn permits_of_one_that_was_killed_are_free_after_their_lease() {
    let server = Server::start().await.unwrap();
    let (first, next) = (holder(), holder());
    next.ask(&request(&server, "none", LEASE)).await.unwrap();
    let keep = request(&server, "keep", LEASE);
    assert_eq!(first.ask(&keep).await.unwrap(), json!(5));
    let kept = Instant::now();
    assert_eq!(next.ask(&keep).await.unwrap(), json!(0));
    let pass = request(&server, "pass", 30_000);
    let waiting = next.begin(&pass).await.unwrap();
    first.kill().await.unwrap();
    assert_eq!(waiting.answer().await.unwrap(), json!(50));
    assert!(kept.elapsed() >= Duration::from_millis(LEASE));
    let redis = Redis::new(server.url(), server.token()).unwrap();
    let inside: Vec<u64> = redis.lrange("crowds", 0, -1).await.unwrap();
    assert_eq!((inside.len(), inside.iter().max()), (50, Some(&5)));
}

/// 125 callers in each of four processes, and a limit of 50: exactly that many are let in, whatever the algorithm.
#[tokio::test]
async fn of_500_callers_50_are_let_in() {
    let server = Server::start().await.unwrap();
    let holders: Vec<Player> = (0..PROCESSES).map(|_| holder()).collect();
    for algorithm in ["fixed", "sliding", "bucket", "strict", "gcra"] {
        let mut call = request(&server, "call", LEASE);
        call["limit"] = json!(algorithm);
        call["crowd"] = json!(125);
        let mut crowds = Vec::new();
        for holder in &holders {
            crowds.push(holder.begin(&call).await.unwrap());
        }
        let mut let_in = 0;
        for crowd in crowds {
            let_in += crowd.answer().await.unwrap().as_u64().unwrap();
        }
        assert_eq!(let_in, 50, "{algorithm}");
    }
}

/// A hundred calls in two processes within a second or so, each less than the wait behind the one before: one goes through.
#[tokio::test]
async fn of_100_calls_in_two_processes_the_last_goes_through() {
    let server = Server::start().await.unwrap();
    let holders = [holder(), holder()];
    let mut quiet = request(&server, "quiet", 4_000);
    quiet["hold"] = json!(20);
    let mut calls = Vec::new();
    for holder in &holders {
        calls.push(holder.begin(&quiet).await.unwrap());
    }
    let mut last = 0;
    for call in calls {
        last += call.answer().await.unwrap().as_u64().unwrap();
    }
    assert_eq!(last, 1);
    let redis = Redis::new(server.url(), server.token()).unwrap();
    assert_eq!(redis.get::<u64>("quiet").await.unwrap(), Some(100));
    let left = redis.pttl("quiet").await.unwrap().left().unwrap();
    assert!(left <= 8_000, "{left}");
}
