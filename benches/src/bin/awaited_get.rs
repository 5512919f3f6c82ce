//! One awaited GET after the other, by restis or by a bare reqwest loop that sends the same bytes.
//!
//! `cargo xtask bench` counts the instructions of both in one run and compares them. By hand:
//! `cargo run --release -p restis-benches --bin awaited_get restis 1000` with the two UPSTASH variables exported.

#![allow(missing_docs, reason = "a program, not an API")]

use std::{error::Error, hint::black_box};

use restis::Redis;
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    result: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words
        .iter()
        .map(|word| &**word)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["prepare"] => Ok(Redis::from_env()?.set("bench", "x".repeat(100)).await?),
        ["restis", times] => restis(times.parse()?).await,
        ["bare", times] => bare(times.parse()?).await,
        _ => {
            println!("usage: awaited_get restis|bare TIMES; `cargo xtask bench` runs both");
            Ok(())
        }
    }
}

async fn restis(times: u64) -> Result<(), Box<dyn Error>> {
    let redis = Redis::from_env()?;
    for _ in 0..times {
        let value: Option<String> = redis.get("bench").await?;
        black_box(value);
    }
    Ok(())
}

async fn bare(times: u64) -> Result<(), Box<dyn Error>> {
    let url = std::env::var("UPSTASH_REDIS_REST_URL")?;
    let authorization = format!("Bearer {}", std::env::var("UPSTASH_REDIS_REST_TOKEN")?);
    let client = reqwest::Client::new();
    let mut sync_token: Option<reqwest::header::HeaderValue> = None;
    for _ in 0..times {
        let mut request = client
            .post(&url)
            .header("authorization", &authorization)
            .header("content-type", "application/json")
            .body(r#"["GET","bench"]"#);
        if let Some(token) = &sync_token {
            request = request.header("upstash-sync-token", token);
        }
        let response = request.send().await?;
        sync_token = response.headers().get("upstash-sync-token").cloned();
        let answer: Answer = serde_json::from_slice(&response.bytes().await?)?;
        black_box(answer.result);
    }
    Ok(())
}
