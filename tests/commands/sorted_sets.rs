//! Sorted sets, on a real server.

use std::collections::{BTreeMap, HashMap};

use restis::{
    Error, Redis,
    commands::sorted_sets::{ScoreEnd, combine::Aggregate},
};
use restis_testing::run;

use crate::{all, refused, scored};

async fn ranked(redis: &Redis, key: &str) -> Result<Vec<(String, f64)>, Error> {
    redis.zrange(key, 0, -1).withscores().await
}

#[test]
fn members() {
    run(async |redis| {
        assert_eq!(
            redis
                .zadd("z", [(1, "a"), (2, "b")])
                .member(3.5, "c")
                .await?,
            3
        );
        assert_eq!(redis.zadd("z", [(9, "a"), (4, "d")]).nx().await?, 1);
        assert_eq!(redis.zadd("z", [(10, "a"), (5, "e")]).xx().await?, 0);
        assert_eq!(redis.zadd("z", [(11, "a"), (0, "b")]).gt().ch().await?, 1);
        assert_eq!(redis.zadd("z", [(12, "a"), (1, "b")]).lt().ch().await?, 1);
        assert_eq!(
            ranked(&redis, "z").await?,
            scored(&[("b", 1.0), ("c", 3.5), ("d", 4.0), ("a", 11.0)])
        );
        assert_eq!(redis.zadd("z", (0.5, "b")).incr().await?, Some(1.5));
        assert_eq!(redis.zadd("z", (0.5, "b")).incr().nx().await?, None);
        assert_eq!(redis.zadd("z", (0.5, "new")).incr().xx().await?, None);
        refused(redis.zadd("z", (1, "a")).nx().gt().await, "ERR", "ZADD");
        refused(redis.zadd("z", ("NaN", "a")).await, "ERR", "ZADD");

        assert_eq!(redis.zscore("z", "c").await?, Some(3.5));
        assert_eq!(redis.zscore("z", "none").await?, None);
        assert_eq!(redis.zscore("none", "c").await?, None);
        assert_eq!(redis.zmscore("z", ["c", "none"]).await?, [Some(3.5), None]);
        assert_eq!(redis.zmscore("none", ["c", "none"]).await?, [None, None]);
        assert_eq!(redis.zincrby("z", -0.25, "c").await?, 3.25);
        assert_eq!(
            redis.zincrby("z", f64::INFINITY, "top").await?,
            f64::INFINITY
        );
        assert_eq!(redis.zadd("z", (f64::NEG_INFINITY, "bottom")).await?, 1);
        assert_eq!(redis.zscore("z", "bottom").await?, Some(f64::NEG_INFINITY));
        // Scores arrive as they were, to the last digit.
        for score in [
            0.1 + 0.2,
            1e300,
            5e-324,
            f64::MAX,
            9_007_199_254_740_991.0,
            -1e-7,
        ] {
            redis.zadd("digits", (score, "m")).await?;
            assert_eq!(redis.zscore("digits", "m").await?, Some(score));
        }

        assert_eq!(redis.zcard("z").await?, 6);
        assert_eq!(redis.zcard("none").await?, 0);
        assert_eq!(redis.zrank("z", "bottom").await?, Some(0));
        assert_eq!(redis.zrevrank("z", "top").await?, Some(0));
        assert_eq!(redis.zrevrank("z", "none").await?, None);
        assert_eq!(redis.zcount("z", "-inf", "+inf").await?, 6);
        assert_eq!(redis.zcount("z", "(1.5", 4).await?, 2);
        refused(redis.zcount("z", "one", 4).await, "ERR", "ZCOUNT");

        assert_eq!(redis.zrandmember::<String>("none").await?, None);
        assert!(redis.zrandmember::<String>("z").await?.is_some());
        assert_eq!(redis.zrandmember::<String>("z").count(9).await?.len(), 6);
        assert_eq!(redis.zrandmember::<String>("z").count(-9).await?.len(), 9);
        let drawn = redis
            .zrandmember::<String>("digits")
            .count(3)
            .withscores()
            .await?;
        assert_eq!(drawn, scored(&[("m", -1e-7)]));

        assert_eq!(redis.zrem("z", ["top", "bottom", "none"]).await?, 2);
        assert_eq!(redis.zpopmin::<String>("z").await?, scored(&[("b", 1.5)]));
        assert_eq!(redis.zpopmax::<String>("z").await?, scored(&[("a", 11.0)]));
        assert_eq!(
            redis.zpopmin::<String>("z").count(9).await?,
            scored(&[("c", 3.25), ("d", 4.0)])
        );
        assert!(redis.zpopmin::<String>("z").await?.is_empty());
        assert!(redis.zpopmax::<String>("z").count(9).await?.is_empty());

        redis.zadd("z", [(1, "a"), (2, "b"), (3, "c")]).await?;
        assert_eq!(
            redis.zmpop::<String>(["none", "z"], ScoreEnd::Max).await?,
            Some(("z".into(), scored(&[("c", 3.0)])))
        );
        let popped = redis
            .zmpop::<String>(["none", "z"], ScoreEnd::Min)
            .count(9)
            .await?;
        assert_eq!(
            popped,
            Some(("z".into(), scored(&[("a", 1.0), ("b", 2.0)])))
        );
        assert_eq!(
            redis.zmpop::<String>(["none", "z"], ScoreEnd::Min).await?,
            None
        );

        let large: Vec<_> = (0..1_000).map(|i| (i, format!("m{i}"))).collect();
        redis.zadd("large", &large).await?;
        let found: HashMap<_, _> = all(redis.zscan("large").count(100).stream::<(String, i32)>())
            .await?
            .into_iter()
            .collect();
        assert_eq!(
            found,
            large
                .into_iter()
                .map(|(score, member)| (member, score))
                .collect()
        );
        let found = all(redis
            .zscan("large")
            .matching("m99?")
            .stream::<(String, f64)>())
        .await?;
        assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>()["m997"], 997.0);

        redis.set("s", "text").await?;
        refused(redis.zadd("s", (1, "m")).await, "WRONGTYPE", "ZADD");
        refused(
            redis.zrange::<String>("s", 0, -1).await,
            "WRONGTYPE",
            "ZRANGE",
        );
        Ok(())
    });
}

/// WITHSCORE came with Redis 7.2, and the tests run on 7.0 too, where the server has to refuse it.
#[test]
fn ranks_with_scores() {
    run(async |redis| {
        redis.zadd("z", [(1.5, "a"), (f64::INFINITY, "b")]).await?;
        let version = redis.info().section("server").await?.server.redis_version;
        if version.is_some_and(|version| version.starts_with("7.0.")) {
            let old = redis.zrank("z", "a").withscore().await;
            refused(old, "ERR", "ZRANK");
            return Ok(());
        }
        let rank = redis.zrank("z", "a").withscore().await?;
        assert_eq!(rank, Some((0, 1.5)));
        let rank = redis.zrevrank("z", "b").withscore().await?;
        assert_eq!(rank, Some((0, f64::INFINITY)));
        assert_eq!(redis.zrank("z", "none").withscore().await?, None);
        Ok(())
    });
}

#[test]
fn ranges() {
    run(async |redis| {
        redis
            .zadd("z", [(1, "a"), (2, "b"), (3, "c"), (4, "d")])
            .await?;
        assert_eq!(redis.zrange::<String>("z", 1, -2).await?, ["b", "c"]);
        assert_eq!(redis.zrange::<String>("z", 0, 1).rev().await?, ["d", "c"]);
        assert!(redis.zrange::<String>("none", 0, -1).await?.is_empty());
        assert!(
            redis
                .zrange::<String>("none", 0, -1)
                .withscores()
                .await?
                .is_empty()
        );
        assert_eq!(
            redis.zrange::<String>("z", "(1", 3).byscore().await?,
            ["b", "c"]
        );
        assert_eq!(
            redis
                .zrange::<String>("z", "+inf", 2)
                .byscore()
                .rev()
                .await?,
            ["d", "c", "b"]
        );
        let page = redis
            .zrange::<String>("z", "-inf", "+inf")
            .byscore()
            .limit(1, 2)
            .withscores()
            .await?;
        assert_eq!(page, scored(&[("b", 2.0), ("c", 3.0)]));
        assert_eq!(
            redis
                .zrange::<String>("z", 0, "+inf")
                .withscores()
                .byscore()
                .limit(3, -1)
                .await?,
            scored(&[("d", 4.0)])
        );

        redis
            .zadd("names", [(0, "ada"), (0, "bob"), (0, "cy")])
            .await?;
        assert_eq!(
            redis.zrange::<String>("names", "[b", "+").bylex().await?,
            ["bob", "cy"]
        );
        assert_eq!(
            redis
                .zrange::<String>("names", "(cy", "-")
                .bylex()
                .rev()
                .limit(0, 1)
                .await?,
            ["bob"]
        );
        assert_eq!(redis.zlexcount("names", "-", "(bob").await?, 1);
        assert_eq!(redis.zlexcount("names", "-", "[bob").await?, 2);

        assert_eq!(redis.zrangestore("d", "z", 0, 1).rev().await?, 2);
        assert_eq!(
            ranked(&redis, "d").await?,
            scored(&[("c", 3.0), ("d", 4.0)])
        );
        assert_eq!(
            redis
                .zrangestore("d", "z", "(1", "+inf")
                .byscore()
                .limit(0, 1)
                .await?,
            1
        );
        assert_eq!(ranked(&redis, "d").await?, scored(&[("b", 2.0)]));
        assert_eq!(redis.zrangestore("d", "names", "[c", "+").bylex().await?, 1);
        assert_eq!(redis.zrangestore("d", "none", 0, -1).await?, 0);
        assert_eq!(redis.exists("d").await?, 0);

        assert_eq!(redis.zremrangebyrank("z", 0, 0).await?, 1);
        assert_eq!(redis.zremrangebyscore("z", "(2", 3).await?, 1);
        assert_eq!(
            ranked(&redis, "z").await?,
            scored(&[("b", 2.0), ("d", 4.0)])
        );
        assert_eq!(redis.zremrangebylex("names", "-", "[bob").await?, 2);
        assert_eq!(redis.zremrangebylex("none", "-", "+").await?, 0);
        refused(
            redis.zrange::<String>("z", "b", "d").bylex().await,
            "ERR",
            "ZRANGE",
        );
        Ok(())
    });
}

#[test]
fn out_of_several() {
    run(async |redis| {
        redis.zadd("a", [(1, "x"), (2, "y")]).await?;
        redis.zadd("b", [(10, "y"), (20, "z")]).await?;
        let both = ["a", "b"];
        assert_eq!(redis.zunion::<String>(both).await?, ["x", "y", "z"]);
        assert_eq!(
            redis.zunion::<String>(both).withscores().await?,
            scored(&[("x", 1.0), ("y", 12.0), ("z", 20.0)])
        );
        let weighted = redis
            .zunion::<String>(both)
            .weights([100.0, 0.5])
            .aggregate(Aggregate::Max)
            .withscores()
            .await?;
        assert_eq!(weighted, scored(&[("z", 10.0), ("x", 100.0), ("y", 200.0)]));
        assert_eq!(redis.zinter::<String>(both).await?, ["y"]);
        assert_eq!(
            redis
                .zinter::<String>(both)
                .withscores()
                .aggregate(Aggregate::Min)
                .await?,
            scored(&[("y", 2.0)])
        );
        assert_eq!(
            redis
                .zinter::<String>(both)
                .withscores()
                .aggregate(Aggregate::Sum)
                .await?,
            scored(&[("y", 12.0)])
        );
        assert_eq!(redis.zdiff::<String>(both).await?, ["x"]);
        assert_eq!(
            redis.zdiff::<String>(both).withscores().await?,
            scored(&[("x", 1.0)])
        );
        assert!(redis.zinter::<String>(["a", "none"]).await?.is_empty());
        assert_eq!(redis.zintercard(both).await?, 1);
        assert_eq!(redis.zintercard(["a", "a"]).limit(1).await?, 1);

        assert_eq!(redis.zunionstore("d", both).weights([1, 2]).await?, 3);
        assert_eq!(
            ranked(&redis, "d").await?,
            scored(&[("x", 1.0), ("y", 22.0), ("z", 40.0)])
        );
        assert_eq!(
            redis
                .zinterstore("d", both)
                .aggregate(Aggregate::Max)
                .await?,
            1
        );
        assert_eq!(ranked(&redis, "d").await?, scored(&[("y", 10.0)]));
        assert_eq!(redis.zdiffstore("d", ["b", "a"]).await?, 1);
        assert_eq!(ranked(&redis, "d").await?, scored(&[("z", 20.0)]));
        assert_eq!(redis.zinterstore("d", ["a", "none"]).await?, 0);
        assert_eq!(redis.exists("d").await?, 0);

        redis.sadd("plain", ["x", "w"]).await?;
        assert_eq!(
            redis.zunion::<String>(["a", "plain"]).withscores().await?,
            scored(&[("w", 1.0), ("x", 2.0), ("y", 2.0)])
        );
        refused(
            redis.zunion::<String>(both).weights([1]).await,
            "ERR",
            "ZUNION",
        );
        redis.set("s", "text").await?;
        refused(
            redis.zunionstore("d", ["a", "s"]).await,
            "WRONGTYPE",
            "ZUNIONSTORE",
        );
        Ok(())
    });
}
