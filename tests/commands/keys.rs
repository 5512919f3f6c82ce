//! Keys of any type, on a real server.

use std::collections::HashSet;

use restis::commands::keys::{KeyType, Ttl};
use restis_testing::run;

use crate::{all, refused};

#[test]
fn every_command() {
    run(async |redis| {
        redis.mset([("a", 1), ("b", 2), ("c", 3)]).await?;
        assert_eq!(redis.exists(["a", "b", "a", "none"]).await?, 3);
        assert_eq!(redis.touch(["a", "none"]).await?, 1);
        assert_eq!(redis.del(["a", "none"]).await?, 1);
        assert_eq!(redis.unlink(vec!["b", "none"]).await?, 1);

        assert_eq!(redis.ttl("none").await?, Ttl::NoKey);
        assert_eq!(redis.pttl("c").await?, Ttl::NoExpiry);
        assert!(!redis.expire("none", 60).await?);
        assert!(!redis.expire("c", 60).xx().await?);
        assert!(redis.expire("c", 60).nx().await?);
        assert!(!redis.expire("c", 60).nx().await?);
        assert!(!redis.expire("c", 30).gt().await?);
        assert!(redis.expire("c", 30).lt().await?);
        assert!(redis.pexpire("c", 90_000).xx().await?);
        assert!(matches!(redis.pttl("c").await?, Ttl::Left(80_000..=90_000)));
        assert!(redis.expireat("c", 4_102_444_800).gt().await?);
        assert!(redis.pexpireat("c", 4_102_444_799_000).lt().await?);
        assert!(matches!(redis.ttl("c").await?, Ttl::Left(1_000_000_000..)));
        assert!(redis.persist("c").await?);
        assert!(!redis.persist("c").await?);
        assert!(redis.expire("c", -1).await?);
        assert_eq!(redis.exists("c").await?, 0);

        redis.set("s", "").await?;
        redis.rpush("l", 1).await?;
        redis.sadd("set", 1).await?;
        redis.zadd("z", (1, "m")).await?;
        redis.hset("h", ("f", 1)).await?;
        redis.command("XADD").args(["x", "*", "f", "v"]).await?;
        for (key, expected) in [
            ("none", KeyType::None),
            ("s", KeyType::String),
            ("l", KeyType::List),
            ("set", KeyType::Set),
            ("z", KeyType::ZSet),
            ("h", KeyType::Hash),
            ("x", KeyType::Stream),
        ] {
            assert_eq!(redis.key_type(key).await?, expected);
        }

        redis.rename("s", "renamed").await?;
        refused(redis.rename("s", "other").await, "ERR", "RENAME");
        assert!(!redis.renamenx("renamed", "l").await?);
        assert!(redis.renamenx("renamed", "s").await?);
        assert!(redis.copy("l", "copy").await?);
        assert!(!redis.copy("h", "copy").await?);
        assert!(redis.copy("h", "copy").replace().await?);
        assert_eq!(redis.key_type("copy").await?, KeyType::Hash);
        assert!(!redis.copy("none", "copy").replace().await?);

        assert!(redis.randomkey::<String>().await?.is_some());
        let mut found = redis.keys::<String>("[sz]*").await?;
        found.sort();
        assert_eq!(found, ["s", "set", "z"]);

        // Several pages, each key at least once, and only what was asked for.
        let pairs: Vec<_> = (0..300).map(|i| (format!("user:{i}"), i)).collect();
        redis.mset(&pairs).await?;
        let found: HashSet<_> = all(redis.scan().matching("user:*").count(50).stream::<String>())
            .await?
            .into_iter()
            .collect();
        assert_eq!(found, pairs.into_iter().map(|(key, _)| key).collect());
        assert_eq!(
            all(redis.scan().count(1_000).of_type("zset").stream::<String>()).await?,
            ["z"]
        );
        Ok(())
    });
}
