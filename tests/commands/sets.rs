//! Sets, on a real server.

use std::collections::HashSet;

use restis::{Error, Redis};
use restis_testing::run;

use crate::{all, refused, set};

async fn members(redis: &Redis, key: &str) -> Result<HashSet<String>, Error> {
    Ok(redis.smembers(key).await?.into_iter().collect())
}

#[test]
fn every_command() {
    run(async |redis| {
        assert_eq!(redis.sadd("a", ["1", "2", "3"]).await?, 3);
        assert_eq!(redis.sadd("a", HashSet::from(["3", "4"])).await?, 1);
        assert_eq!(redis.srem("a", ["4", "none"]).await?, 1);
        assert_eq!(redis.srem("none", "x").await?, 0);
        assert_eq!(members(&redis, "a").await?, set(&["1", "2", "3"]));
        assert!(members(&redis, "none").await?.is_empty());
        assert!(redis.sismember("a", 1).await?);
        assert!(!redis.sismember("none", 1).await?);
        assert_eq!(redis.smismember("a", [1, 9, 3]).await?, [true, false, true]);
        assert_eq!(redis.smismember("none", [1, 9]).await?, [false, false]);
        assert_eq!(redis.scard("a").await?, 3);
        assert_eq!(redis.scard("none").await?, 0);

        redis.sadd("b", ["2", "3", "4"]).await?;
        let of = |members: Vec<String>| members.into_iter().collect::<HashSet<_>>();
        assert_eq!(
            of(redis.sunion(["a", "b"]).await?),
            set(&["1", "2", "3", "4"])
        );
        assert_eq!(of(redis.sinter(["a", "b"]).await?), set(&["2", "3"]));
        assert_eq!(of(redis.sdiff(["a", "b"]).await?), set(&["1"]));
        assert!(redis.sinter::<String>(["a", "none"]).await?.is_empty());
        assert_eq!(redis.sunionstore("d", ["a", "b"]).await?, 4);
        assert_eq!(redis.sinterstore("d", ["a", "b"]).await?, 2);
        assert_eq!(members(&redis, "d").await?, set(&["2", "3"]));
        assert_eq!(redis.sdiffstore("d", ["a", "b"]).await?, 1);
        assert_eq!(redis.sinterstore("d", ["a", "none"]).await?, 0);
        assert_eq!(redis.exists("d").await?, 0);
        assert_eq!(redis.sintercard(["a", "b"]).await?, 2);
        assert_eq!(redis.sintercard(["a", "b"]).limit(1).await?, 1);
        assert_eq!(redis.sintercard(["a", "none"]).limit(0).await?, 0);

        assert!(redis.smove("a", "b", "1").await?);
        assert!(!redis.smove("a", "b", "1").await?);
        assert_eq!(members(&redis, "b").await?, set(&["1", "2", "3", "4"]));

        assert!(redis.srandmember::<u32>("b").await?.is_some());
        assert_eq!(redis.srandmember::<u32>("none").await?, None);
        assert_eq!(of(redis.srandmember("b").count(9).await?).len(), 4);
        assert_eq!(redis.srandmember::<u32>("b").count(-9).await?.len(), 9);
        assert!(redis.srandmember::<u32>("none").count(9).await?.is_empty());
        assert_eq!(redis.scard("b").await?, 4);
        assert!(redis.spop::<u32>("b").await?.is_some());
        assert_eq!(redis.spop::<u32>("b").count(9).await?.len(), 3);
        assert_eq!(redis.spop::<u32>("b").await?, None);
        assert!(redis.spop::<u32>("b").count(9).await?.is_empty());

        let large: HashSet<_> = (0..1_000).map(|i| format!("m{i}")).collect();
        redis.sadd("large", &large).await?;
        let found = all(redis.sscan("large").count(100).stream::<String>()).await?;
        assert_eq!(found.into_iter().collect::<HashSet<_>>(), large);
        let found = all(redis
            .sscan("large")
            .matching("m99?")
            .count(500)
            .stream::<String>())
        .await?;
        assert_eq!(found.into_iter().collect::<HashSet<_>>().len(), 10);

        redis.set("s", "text").await?;
        refused(redis.sadd("s", "x").await, "WRONGTYPE", "SADD");
        refused(
            redis.sinter::<String>(["a", "s"]).await,
            "WRONGTYPE",
            "SINTER",
        );
        refused(
            redis.sintercard(["a", "s"]).await,
            "WRONGTYPE",
            "SINTERCARD",
        );
        Ok(())
    });
}
