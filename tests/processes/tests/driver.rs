//! The driver itself: a source that counts, and players that are asked several things at once and end when they should.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test, not an API"
)]

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use restis_processes::{
    Player, Server, Source,
    cache::{Kind, Settings},
    in_time, source, until,
};
use serde_json::json;

const PLAYER: &str = env!("CARGO_BIN_EXE_player");

#[tokio::test]
async fn a_load_gets_what_was_there_when_it_began() {
    let source = Source::start("old").await.unwrap();
    let address = source.address().to_string();
    source.delay(Duration::from_millis(50));
    let load = tokio::spawn({
        let address = address.clone();
        async move { source::load(&address, "k").await }
    });
    source.begun(1).await.unwrap();
    source.set("new");
    source.delay(Duration::ZERO);
    assert_eq!(source::load(&address, "k").await.unwrap(), "new");
    assert_eq!(load.await.unwrap().unwrap(), "old");
    let counts = source.counts();
    assert_eq!((counts.begun, counts.ended, counts.at_once), (2, 2, 2));

    source::write(&address, "k", "two words").await.unwrap();
    assert_eq!(source::load(&address, "k").await.unwrap(), "two words");
    assert_eq!(source::load(&address, "other").await.unwrap(), "new");
    source.fail(true);
    let error = source::load(&address, "k").await.unwrap_err();
    assert_eq!(error.to_string(), "the source fails");
}

#[tokio::test]
async fn a_loader_that_goes_away_is_no_load_that_ended() {
    let source = Source::start("v").await.unwrap();
    source.delay(Duration::from_secs(60));
    let address = source.address().to_string();
    let load = tokio::spawn(async move { source::load(&address, "k").await });
    source.begun(1).await.unwrap();
    load.abort();
    source
        .counted("it to go", |counts| counts.gone == 1)
        .await
        .unwrap();
    assert_eq!(source.counts().ended, 0);
}

#[tokio::test]
async fn requests_of_a_player_are_under_way_together() {
    let (server, source) = (
        Server::start().await.unwrap(),
        Source::start("v1").await.unwrap(),
    );
    let cache = Kind::rust(PLAYER, "naive");
    let cache = cache
        .start(&server, &source, &Settings::default())
        .await
        .unwrap();
    source.delay(Duration::from_secs(1));
    let slow = cache.crowd("slow", &[], 3).await.unwrap();
    source.begun(3).await.unwrap();
    source.delay(Duration::ZERO);
    let quick = cache.get_or_set("quick", &[]).await.unwrap();
    assert_eq!((quick.value().unwrap(), quick.loads), ("v1", 1));
    assert_eq!(source.counts().ended, 1);
    let slow = slow.all().await.unwrap();
    assert_eq!(
        (slow.values["v1"], slow.loads, slow.statuses["miss"]),
        (3, 4, 3)
    );
    assert!(slow.p50 >= 1000 && slow.max >= slow.p99, "{slow:?}");
    assert_eq!(source.counts().at_once, 4);
}

#[tokio::test]
async fn what_fails_is_told_with_what_the_player_wrote() {
    let player = |words: &[&str]| {
        let mut command = Command::new(PLAYER);
        command.args(words);
        Player::start(command).unwrap()
    };
    let error = player(&["chess"])
        .ask(&json!({ "do": "open" }))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("it ended during open"),
        "{error}"
    );
    assert!(
        error.to_string().contains("player: say what to play"),
        "{error}"
    );
    let error = player(&["naive"])
        .ask(&json!({ "do": "get", "key": "k" }))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "a player failed: get: nothing is open");
    let error = player(&["naive"])
        .ask(&json!({ "do": "dance" }))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("unknown variant `dance`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_player_that_is_killed_answers_nothing_more() {
    let (server, source) = (
        Server::start().await.unwrap(),
        Source::start("v1").await.unwrap(),
    );
    source.delay(Duration::from_secs(60));
    let cache = Kind::rust(PLAYER, "naive");
    let cache = cache
        .start(&server, &source, &Settings::default())
        .await
        .unwrap();
    let waiting = cache.crowd("k", &[], 1).await.unwrap();
    source.begun(1).await.unwrap();
    cache.kill().await.unwrap();
    let error = waiting.all().await.unwrap_err();
    assert!(
        error.to_string().contains("it ended during get_or_set"),
        "{error}"
    );
    source
        .counted("it to go", |counts| counts.gone == 1)
        .await
        .unwrap();
    assert!(cache.get("k", &[]).await.is_err());
}

#[tokio::test]
async fn a_player_ends_with_its_driver() {
    let mut ended = Command::new(PLAYER)
        .arg("naive")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    until("it to end", async || {
        Ok(ended.try_wait().unwrap().is_some())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_server_counts_what_comes_by_either_way() {
    let server = Server::start().await.unwrap();
    let redis = server.client().unwrap();
    redis.set("k", "v").await.unwrap();
    server.reset().await.unwrap();
    let mut stream = in_time("to connect", tokio::net::TcpStream::connect(server.redis()))
        .await
        .unwrap()
        .unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET k\r\n")
        .await
        .unwrap();
    let mut answer = [0; 7];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer)
        .await
        .unwrap();
    assert_eq!(&answer, b"$1\r\nv\r\n");
    let value: Option<String> = redis.get("k").await.unwrap();
    assert_eq!(value.as_deref(), Some("v"));
    let stats = server.stats().await.unwrap();
    assert_eq!(
        (stats.requests, stats.billed, stats.by_command["GET"]),
        (1, 2, 2)
    );
    let before = server.reads().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET k\r\n")
        .await
        .unwrap();
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer)
        .await
        .unwrap();
    assert_eq!(
        server.reads().await.unwrap() - before,
        2,
        "one of them is the reading of the number"
    );
}
