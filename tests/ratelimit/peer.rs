//! The real @upstash/ratelimit and ours on the same keys, in turns.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use restis::{RateLimiter, Redis};
use restis_local::Local;
use restis_testing::start;
use serde_json::{Value, json};

use super::SECOND;

struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(local: &Local) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
        let hint = "`cargo xtask test native` gets Node and @upstash/ratelimit, and runs this test";
        let package = folder.join("node_modules/@upstash/ratelimit/package.json");
        assert!(
            package.is_file(),
            "@upstash/ratelimit is not in tests/js: {hint}"
        );
        let node = env::var_os("RESTIS_NODE22").map_or_else(|| "node".into(), PathBuf::from);
        let mut child = Command::new(&node)
            .arg("ratelimit-peer.mjs")
            .current_dir(&folder)
            .env("UPSTASH_REDIS_REST_URL", local.url())
            .env("UPSTASH_REDIS_REST_TOKEN", local.token())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start ({error}): {hint}", node.display()));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    /// One call there: whether it is let in, and how many more are.
    fn check(&mut self, algorithm: &str, id: &str, cost: u64) -> (bool, u64) {
        let call = json!({
            "algorithm": algorithm, "limit": LIMIT, "window": "60 s",
            "prefix": "shared", "id": id, "cost": cost,
        });
        writeln!(self.input, "{call}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        let remaining = answer["remaining"].as_u64().unwrap();
        (answer["success"].as_bool().unwrap(), remaining)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LIMIT: u64 = 10;

fn ours(algorithm: &str, redis: &Redis) -> RateLimiter {
    let window = SECOND * 60;
    let builder = match algorithm {
        "fixed" => RateLimiter::fixed_window(LIMIT, window),
        "sliding" => RateLimiter::sliding_window(LIMIT, window),
        _ => RateLimiter::token_bucket(LIMIT, window, LIMIT),
    };
    builder.prefix("shared").build(redis)
}

/// Far enough from the end of a minute that all calls are in one.
async fn early_in_the_minute() {
    let left = || {
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        60 - since.as_secs() % 60
    };
    while left() < 15 {
        tokio::time::sleep(SECOND).await;
    }
}

#[tokio::test]
async fn both_count_together() {
    let (local, redis) = start().await.unwrap();
    let mut peer = Peer::start(&local);
    early_in_the_minute().await;
    for algorithm in ["fixed", "sliding", "bucket"] {
        let ours = ours(algorithm, &redis);
        for first in [0, 1] {
            let id = format!("{algorithm}:{first}");
            let mut let_in = 0;
            for turn in first..first + 16_u64 {
                let (allowed, remaining) = match turn % 2 {
                    0 => {
                        let decision = ours.check(&id).await.unwrap();
                        (decision.allowed(), decision.remaining())
                    }
                    _ => peer.check(algorithm, &id, 1),
                };
                let_in += u64::from(allowed);
                assert_eq!(allowed, turn - first < LIMIT, "{algorithm}, turn {turn}");
                if allowed {
                    assert_eq!(remaining, LIMIT - let_in, "{algorithm}, turn {turn}");
                }
            }
            assert_eq!(let_in, LIMIT, "{algorithm}");
        }
        // The keys of both end at the same time, whoever made them.
        ours.check("ours").await.unwrap();
        peer.check(algorithm, "theirs", 1);
        let mut ends = Vec::new();
        for id in ["ours", "theirs"] {
            let keys: Vec<String> = redis.keys(format!("shared:{id}*")).await.unwrap();
            assert_eq!(keys.len(), 1, "{keys:?}");
            let left = redis.pttl(&keys[0]).await.unwrap().left().unwrap();
            ends.push(i64::try_from(left).unwrap());
        }
        let apart = (ends[0] - ends[1]).abs();
        // What the one call took that lay between them.
        assert!(apart < 1_000, "{algorithm}: {ends:?}");
        redis.flushall().await.unwrap();
    }
}
