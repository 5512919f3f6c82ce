//! Deleting by pattern, in a database that is large.

use std::cell::Cell;

use restis::Redis;
use restis_processes::{
    Server, Source,
    cache::{Cache, Kind, Settings},
};

use crate::value;

/// Keys `<before><number><after>`, as many as are asked for.
const FILL: &str = r"
    for number = ARGV[1], ARGV[2] do
        redis.call('SET', ARGV[3] .. number .. ARGV[4], '')
    end
";

async fn fill(redis: &Redis, keys: usize, before: &str, after: &str) {
    const STEP: usize = 20_000;
    for first in (0..keys).step_by(STEP) {
        let last = (first + STEP).min(keys) - 1;
        let eval = redis.command("EVAL").arg(FILL).arg(0);
        let eval = eval.arg(first).arg(last).arg(before).arg(after);
        eval.query::<()>().await.unwrap();
    }
}

/// The key of an entry, in which `name` stands for its own.
async fn key_of(cache: &Cache, redis: &Redis, name: &str) -> (String, String) {
    assert_eq!(value(cache, name, &[]).await, "old");
    let keys: Vec<String> = redis.keys(format!("*{name}")).await.unwrap();
    let [key] = &keys[..] else { panic!("{keys:?}") };
    let (before, after) = key.split_once(name).unwrap();
    (before.to_owned(), after.to_owned())
}

async fn open(server: &Server, source: &Source, namespace: &str) -> Cache {
    let settings = Settings {
        namespace: Some(namespace.to_owned()),
        ..Settings::default()
    };
    let kind = Kind::rust(env!("CARGO_BIN_EXE_player"), "cache");
    kind.start(server, source, &settings).await.unwrap()
}

#[tokio::test]
async fn a_million_keys_are_swept_in_little_memory() {
    const KEYS: usize = 1_000_000;
    const OTHERS: usize = 2_000;
    let (server, source) = (
        Server::start().await.unwrap(),
        Source::start("old").await.unwrap(),
    );
    let redis = server.client().unwrap();
    let cache = open(&server, &source, "a*b").await;
    let (before, after) = key_of(&cache, &redis, "user:x").await;
    fill(&redis, KEYS - 1, &format!("{before}user:"), &after).await;
    // What a star would take for the namespace, and what the pattern does not mean.
    fill(
        &redis,
        OTHERS,
        &format!("{}user:", before.replace('*', "zz")),
        &after,
    )
    .await;
    fill(&redis, OTHERS, &format!("{before}group:"), &after).await;
    // The process has made everything that is made once.
    assert_eq!(cache.sweep("nothing:*").await.unwrap().removed, 0);
    let size = redis.dbsize().await.unwrap();
    server.reset().await.unwrap();

    let done = Cell::new(false);
    let sweep = async {
        let swept = cache.sweep("user:*").await;
        done.set(true);
        swept
    };
    let write = async {
        let mut count = 0;
        while !done.get() {
            let keys: Vec<_> = (0..10)
                .map(|key| (format!("written:{count}:{key}"), 1))
                .collect();
            count += keys.len() as u64;
            redis.mset(keys).await.unwrap();
        }
        count
    };
    let (swept, written) = tokio::join!(sweep, write);
    assert!(written > 0);
    let swept = swept.unwrap();
    assert_eq!(swept.removed, KEYS as u64);
    assert!(swept.memory < 2 * 1024 * 1024, "{} bytes", swept.memory);
    let stats = server.stats().await.unwrap();
    let scans = stats.by_command["SCAN"];
    // Written keys make the database larger while it is walked over.
    assert!(
        scans <= 1_006 + written / 500,
        "{scans} pages, {written} keys written"
    );
    assert_eq!(
        redis.dbsize().await.unwrap() as u64,
        size as u64 - KEYS as u64 + written
    );
}

#[tokio::test]
async fn a_pattern_is_within_its_namespace() {
    let (server, source) = (
        Server::start().await.unwrap(),
        Source::start("old").await.unwrap(),
    );
    let redis = server.client().unwrap();
    for (namespace, neighbours) in [
        ("a*b", ["axb", "ab", "a**b"]),
        ("a?b", ["axb", "a*b", "a??b"]),
        ("a[xy]b", ["axb", "ayb", "a[xyb"]),
        (r"a\*b", ["a*b", "axb", r"a\\*b"]),
    ] {
        let cache = open(&server, &source, namespace).await;
        let mut others = Vec::new();
        for neighbour in neighbours {
            let other = open(&server, &source, neighbour).await;
            assert_eq!(value(&other, "user:1", &[]).await, "old");
            others.push(other);
        }
        for key in ["user:1", "user:2", "group:1"] {
            assert_eq!(value(&cache, key, &["news"]).await, "old");
        }
        assert_eq!(
            cache.sweep("user:*").await.unwrap().removed,
            2,
            "{namespace}"
        );
        assert_eq!(cache.get("user:1", &["news"]).await.unwrap(), None);
        assert_eq!(
            cache.get("group:1", &["news"]).await.unwrap().as_deref(),
            Some("old")
        );
        for (other, neighbour) in others.iter().zip(neighbours) {
            let found = other.get("user:1", &[]).await.unwrap();
            assert_eq!(found.as_deref(), Some("old"), "{namespace} and {neighbour}");
        }
        redis.flushall().await.unwrap();
    }
}
