//! Values of every kind, which arrive as they were or are refused.

use std::collections::HashMap;

use restis::{Bytes, Json};

use crate::{Outcome, start};

/// Texts that somebody might take for something else.
pub const TEXTS: &[&str] = &[
    "9007199254740993",
    "-9223372036854775809",
    "-0",
    "1e400",
    "007",
    "0x10",
    "null",
    "true",
    "",
    " ",
    "\0",
    "\u{1}\u{7f}",
    "\u{feff}bom",
    "\"quoted\"",
    "{\"a\":1}",
    r#""\ud800""#,
    r"\ud83d\ude00",
    "😀",
    "OK",
    "T0s=",
];

#[tokio::test]
async fn more_than_ten_megabytes_stay_here() -> Outcome {
    let (local, redis) = start().await;
    let large = "x".repeat(10 * 1024 * 1024);
    for error in [
        redis.set("k", &large).await.unwrap_err(),
        redis
            .pipeline((redis.set("k", &large), redis.get::<String>("k")))
            .await
            .unwrap_err(),
    ] {
        assert!(
            error.is_too_large() && error.to_string().contains("10485760"),
            "{error}"
        );
    }
    assert_eq!(local.stats().await?.requests, 0);
    Ok(())
}

#[tokio::test]
async fn values_arrive_as_they_were() -> Outcome {
    let (_local, redis) = start().await;
    let megabyte = "é\"\\\0".repeat(200_000);
    for text in TEXTS.iter().copied().chain([&*megabyte]) {
        redis.set("k", text).await?;
        assert_eq!(redis.get::<String>("k").await?.as_deref(), Some(text));
        assert_eq!(
            redis.get::<Bytes>("k").await?.as_deref(),
            Some(text.as_bytes())
        );
        redis.rpush("list", text).await?;
        assert_eq!(redis.rpop::<String>("list").await?.as_deref(), Some(text));
        redis.hset("hash", (text, text)).await?;
        let all: HashMap<String, String> = redis.hgetall("hash").await?;
        assert_eq!(all.get(text).map(String::as_str), Some(text));
    }
    for number in [i64::MIN, -1, 0, 9_007_199_254_740_993, i64::MAX] {
        redis.set("k", number).await?;
        assert_eq!(redis.incrby("k", 0).await?, number);
        assert_eq!(redis.get::<i64>("k").await?, Some(number));
    }
    for number in [0.1, -0.0, 1e300, 5e-324, f64::INFINITY, f64::NEG_INFINITY] {
        redis.zadd("z", (number, "m")).await?;
        assert_eq!(redis.zscore("z", "m").await?, Some(number));
    }
    for key in ["", " ", "\0", "a/b?c#d%2F", "..", "é"] {
        redis.set(key, "v").await?;
        assert_eq!(redis.getdel::<String>(key).await?.as_deref(), Some("v"));
    }
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_not_text_arrive_as_they_were() -> Outcome {
    let (_local, redis) = start().await;
    let all = Bytes::from((0..=255).cycle().take(100_000).collect::<Vec<u8>>());
    redis.set("k", &all).ex(60).await?;
    assert_eq!(redis.get::<Bytes>("k").await?.as_ref(), Some(&all));
    assert!(redis.ttl("k").await?.left().is_some());
    redis.set("path/with ?#%&é", &all).await?;
    assert_eq!(
        redis.get::<Bytes>("path/with ?#%&é").await?.as_ref(),
        Some(&all)
    );
    redis.rpush("list", &b"\xff\0"[..]).await?;
    redis.rpush("list", "text").await?;
    let list: Vec<Bytes> = redis.lrange("list", 0, -1).await?;
    assert_eq!(
        list,
        [Bytes::from_static(b"\xff\0"), Bytes::from_static(b"text")]
    );
    // A key of bytes fits where it is the last argument.
    redis.rename("k", &b"\xfe"[..]).await?;
    assert_eq!(redis.get::<Bytes>(&b"\xfe"[..]).await?.as_ref(), Some(&all));
    // And what does not fit is refused before anything is sent.
    for error in [
        redis.set("k", &b"\xff"[..]).nx().await.unwrap_err(),
        redis.set(&b"\xff"[..], &b"\xff"[..]).await.unwrap_err(),
        redis
            .rpush("list", [&b"\xff"[..], &b"\xfe"[..]])
            .await
            .unwrap_err(),
        redis.set("..", &b"\xff"[..]).await.unwrap_err(),
        redis
            .pipeline(redis.set("k", &b"\xff"[..]))
            .await
            .unwrap_err(),
    ] {
        assert!(error.is_argument(), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn json_values_round_trip_and_foreign_ones_are_errors() -> Outcome {
    let (_local, redis) = start().await;
    redis
        .set("k", Json(vec![("a", Some(1u64 << 60)), ("b", None)]))
        .await?;
    type Pairs = Vec<(String, Option<u64>)>;
    let value: Option<Json<Pairs>> = redis.get("k").await?;
    assert_eq!(
        value.unwrap().0,
        [("a".into(), Some(1 << 60)), ("b".into(), None)]
    );
    redis.set("k", "secret, not JSON").await?;
    let error = redis.get::<Json<Vec<u64>>>("k").await.unwrap_err();
    assert!(
        error.is_decode()
            && error.command() == Some("GET")
            && !error.to_string().contains("secret"),
        "{error}"
    );
    Ok(())
}
