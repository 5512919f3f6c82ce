//! The first five minutes: values, options that change the type, a batch, a scan, an error.
//!
//! `cargo xtask demo` runs it without an account. With one: export UPSTASH_REDIS_REST_URL and
//! UPSTASH_REDIS_REST_TOKEN, then `cargo run --example quickstart`.

use restis::{Error, Json, Redis};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct User {
    name: String,
    city: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let redis = Redis::from_env()?;

    // A value of your own type, kept for five minutes.
    let ada = User {
        name: "Ada".into(),
        city: "London".into(),
    };
    redis.set("quickstart:user:42", Json(&ada)).ex(300).await?;
    let user: Option<Json<User>> = redis.get("quickstart:user:42").await?;
    println!("GET         {:?}", user.map(|Json(user)| user));

    // An option that changes the reply changes its type: NX makes it a bool.
    let first: bool = redis.set("quickstart:once", "me").nx().px(5_000).await?;
    let second: bool = redis.set("quickstart:once", "you").nx().px(5_000).await?;
    println!("SET NX      first {first}, second {second}");

    // Several commands, one request; each keeps its own type and its own error.
    let (views, scores, wrong) = redis
        .pipeline((
            redis.incr("quickstart:views"),
            redis.zadd("quickstart:top", [(3.5, "ada"), (2.0, "grace")]),
            redis.incr("quickstart:once"),
        ))
        .await?;
    println!(
        "pipeline    views {}, new scores {}, and one error: {}",
        views?,
        scores?,
        text_of(wrong)
    );

    // All or nothing: no command of anyone else runs in between.
    let (from, to) = redis
        .transaction((
            redis.decrby("quickstart:from", 5),
            redis.incrby("quickstart:to", 5),
        ))
        .await?;
    println!("transaction from {from}, to {to}");

    // Keys as a stream, page by page; then everything is tidied up.
    let mut keys = redis
        .scan()
        .matching("quickstart:*")
        .count(100)
        .stream::<String>();
    let mut found = Vec::new();
    while let Some(key) = keys.next().await {
        found.push(key?);
    }
    println!(
        "SCAN        {} keys, {} removed",
        found.len(),
        redis.unlink(&found).await?
    );
    Ok(())
}

fn text_of(result: Result<i64, Error>) -> String {
    match result {
        Ok(value) => format!("none, but {value}"),
        Err(error) => error.to_string(),
    }
}
