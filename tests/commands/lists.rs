//! Lists, on a real server.

use restis::{
    Bytes, Error, Redis,
    commands::lists::{Inserted, ListEnd, Place},
};
use restis_testing::run;

use crate::{refused, texts};

async fn list(redis: &Redis, key: &str) -> Result<Vec<String>, Error> {
    redis.lrange(key, 0, -1).await
}

#[test]
fn every_command() {
    run(async |redis| {
        assert_eq!(redis.lpushx("l", "x").await?, 0);
        assert_eq!(redis.rpushx("l", "x").await?, 0);
        assert_eq!(redis.lpush("l", ["b", "a"]).await?, 2);
        assert_eq!(redis.rpush("l", ["c", "d"]).await?, 4);
        assert_eq!(redis.lpushx("l", "0").await?, 5);
        assert_eq!(redis.rpushx("l", "e").await?, 6);
        assert_eq!(list(&redis, "l").await?, ["0", "a", "b", "c", "d", "e"]);
        assert_eq!(
            redis.lrange::<String>("l", 1, -2).await?,
            ["a", "b", "c", "d"]
        );
        assert!(redis.lrange::<String>("l", 10, 20).await?.is_empty());
        assert!(redis.lrange::<String>("none", 0, -1).await?.is_empty());
        assert_eq!(redis.llen("l").await?, 6);
        assert_eq!(redis.llen("none").await?, 0);
        assert_eq!(redis.lindex::<u32>("l", 0).await?, Some(0));
        assert_eq!(redis.lindex::<String>("l", -1).await?.as_deref(), Some("e"));
        assert_eq!(redis.lindex::<String>("l", 6).await?, None);
        assert_eq!(redis.lindex::<String>("none", 0).await?, None);

        assert_eq!(redis.lpop::<String>("l").await?.as_deref(), Some("0"));
        assert_eq!(redis.rpop::<String>("l").await?.as_deref(), Some("e"));
        assert_eq!(
            redis.lpop::<String>("l").count(2).await?,
            Some(texts(&["a", "b"]))
        );
        assert_eq!(
            redis.rpop::<String>("l").count(9).await?,
            Some(texts(&["d", "c"]))
        );
        assert_eq!(redis.exists("l").await?, 0);
        assert_eq!(redis.lpop::<String>("l").await?, None);
        assert_eq!(redis.lpop::<String>("l").count(2).await?, None);
        assert_eq!(redis.rpop::<String>("l").count(2).await?, None);
        redis.rpush("l", "x").await?;
        assert_eq!(redis.lpop::<String>("l").count(0).await?, Some(Vec::new()));

        redis.del("l").await?;
        redis.rpush("l", ["a", "c"]).await?;
        assert_eq!(
            redis.linsert("l", Place::Before, "c", "b").await?,
            Inserted::Length(3)
        );
        assert_eq!(
            redis.linsert("l", Place::After, "c", "d").await?,
            Inserted::Length(4)
        );
        assert_eq!(
            redis.linsert("l", Place::After, "x", "y").await?,
            Inserted::NoPivot
        );
        assert_eq!(
            redis.linsert("none", Place::After, "x", "y").await?,
            Inserted::NoKey
        );
        redis.lset("l", 0, "A").await?;
        redis.lset("l", -1, "D").await?;
        assert_eq!(list(&redis, "l").await?, ["A", "b", "c", "D"]);
        refused(redis.lset("l", 4, "x").await, "ERR", "LSET");
        refused(redis.lset("none", 0, "x").await, "ERR", "LSET");
        redis.ltrim("l", 1, -2).await?;
        assert_eq!(list(&redis, "l").await?, ["b", "c"]);
        redis.ltrim("l", 5, 6).await?;
        assert_eq!(redis.exists("l").await?, 0);

        let letters = ["x", "y", "x", "y", "x"];
        redis.rpush("r", letters).await?;
        assert_eq!(redis.lpos("r", "x").await?, Some(0));
        assert_eq!(redis.lpos("r", "none").await?, None);
        assert_eq!(redis.lpos("none", "x").await?, None);
        assert_eq!(redis.lpos("r", "x").rank(2).await?, Some(2));
        assert_eq!(redis.lpos("r", "x").rank(-1).await?, Some(4));
        assert_eq!(redis.lpos("r", "y").maxlen(1).await?, None);
        assert_eq!(redis.lpos("r", "x").count(0).await?, [0, 2, 4]);
        assert_eq!(redis.lpos("r", "x").count(2).rank(-1).await?, [4, 2]);
        assert!(redis.lpos("r", "none").count(0).await?.is_empty());
        assert_eq!(redis.lrem("r", 1, "x").await?, 1);
        assert_eq!(redis.lrem("r", -1, "x").await?, 1);
        assert_eq!(list(&redis, "r").await?, ["y", "x", "y"]);
        assert_eq!(redis.lrem("r", 0, "y").await?, 2);
        assert_eq!(redis.lrem("r", 0, "y").await?, 0);

        redis.rpush("from", ["a", "b", "c"]).await?;
        assert_eq!(
            redis
                .lmove::<String>("from", "to", ListEnd::Left, ListEnd::Right)
                .await?
                .as_deref(),
            Some("a")
        );
        assert_eq!(
            redis
                .lmove::<String>("from", "to", ListEnd::Right, ListEnd::Left)
                .await?
                .as_deref(),
            Some("c")
        );
        assert_eq!(
            redis.rpoplpush::<String>("from", "to").await?.as_deref(),
            Some("b")
        );
        assert_eq!(list(&redis, "to").await?, ["b", "c", "a"]);
        assert_eq!(
            redis
                .lmove::<String>("from", "to", ListEnd::Left, ListEnd::Left)
                .await?,
            None
        );
        assert_eq!(redis.rpoplpush::<String>("from", "to").await?, None);

        assert_eq!(
            redis
                .lmpop::<String>(["from", "to"], ListEnd::Right)
                .await?,
            Some(("to".into(), texts(&["a"])))
        );
        assert_eq!(
            redis
                .lmpop::<String>(["from", "to"], ListEnd::Left)
                .count(9)
                .await?,
            Some(("to".into(), texts(&["b", "c"])))
        );
        assert_eq!(
            redis.lmpop::<String>(["from", "to"], ListEnd::Left).await?,
            None
        );
        assert_eq!(
            redis.lmpop::<String>("to", ListEnd::Left).count(2).await?,
            None
        );

        redis.rpush("bytes", &b"\xff"[..]).await?;
        assert_eq!(
            redis.lpop::<Bytes>("bytes").count(1).await?,
            Some(vec![Bytes::from_static(b"\xff")])
        );
        redis.set("s", "text").await?;
        refused(redis.lpush("s", "x").await, "WRONGTYPE", "LPUSH");
        refused(redis.lpop::<String>("s").await, "WRONGTYPE", "LPOP");
        refused(
            redis.lmpop::<String>("s", ListEnd::Left).await,
            "WRONGTYPE",
            "LMPOP",
        );
        Ok(())
    });
}
