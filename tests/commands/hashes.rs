//! Hashes, on a real server.

use std::collections::{BTreeMap, HashMap, HashSet};

use restis::Bytes;
use restis_testing::run;

use crate::{all, refused, set};

#[test]
fn every_command() {
    run(async |redis| {
        assert_eq!(redis.hset("h", ("name", "ada")).field("age", 36).await?, 2);
        assert_eq!(
            redis
                .hset("h", BTreeMap::from([("name", "grace"), ("city", "york")]))
                .await?,
            1
        );
        assert!(!redis.hsetnx("h", "name", "ada").await?);
        assert!(redis.hsetnx("h", "zip", "007").await?);
        assert_eq!(
            redis.hget::<String>("h", "zip").await?.as_deref(),
            Some("007")
        );
        assert_eq!(redis.hget::<u32>("h", "age").await?, Some(36));
        assert_eq!(redis.hget::<String>("h", "none").await?, None);
        assert_eq!(redis.hget::<String>("none", "name").await?, None);
        let several = redis.hmget::<String>("h", ["name", "none", "age"]).await?;
        assert_eq!(several, [Some("grace".into()), None, Some("36".into())]);
        assert_eq!(redis.hmget::<String>("none", "name").await?, [None]);

        let expected = [
            ("name", "grace"),
            ("age", "36"),
            ("city", "york"),
            ("zip", "007"),
        ];
        let expected: HashMap<String, String> = expected.map(|(f, v)| (f.into(), v.into())).into();
        assert_eq!(redis.hgetall::<String>("h").await?, expected);
        assert!(redis.hgetall::<String>("none").await?.is_empty());
        assert_eq!(
            redis
                .hkeys::<String>("h")
                .await?
                .into_iter()
                .collect::<HashSet<_>>(),
            set(&["name", "age", "city", "zip"])
        );
        assert_eq!(
            redis
                .hvals::<String>("h")
                .await?
                .into_iter()
                .collect::<HashSet<_>>(),
            set(&["grace", "36", "york", "007"])
        );
        assert!(redis.hkeys::<String>("none").await?.is_empty());
        assert_eq!(redis.hlen("h").await?, 4);
        assert_eq!(redis.hlen("none").await?, 0);
        assert_eq!(redis.hstrlen("h", "name").await?, 5);
        assert_eq!(redis.hstrlen("h", "none").await?, 0);
        assert!(redis.hexists("h", "name").await?);
        assert!(!redis.hexists("h", "none").await?);

        assert_eq!(redis.hincrby("h", "age", -6).await?, 30);
        assert_eq!(
            redis.hincrby("h", "new", 9_007_199_254_740_993).await?,
            9_007_199_254_740_993
        );
        refused(redis.hincrby("h", "name", 1).await, "ERR", "HINCRBY");
        assert_eq!(redis.hincrbyfloat("h", "age", 0.5).await?, 30.5);
        assert_eq!(redis.hdel("h", ["new", "age", "none"]).await?, 2);

        assert!(
            redis
                .hexists("h", redis.hrandfield::<String>("h").await?.unwrap())
                .await?
        );
        assert_eq!(redis.hrandfield::<String>("none").await?, None);
        assert_eq!(redis.hrandfield::<String>("h").count(10).await?.len(), 3);
        assert_eq!(redis.hrandfield::<String>("h").count(-10).await?.len(), 10);
        assert!(
            redis
                .hrandfield::<String>("none")
                .count(10)
                .await?
                .is_empty()
        );
        let drawn = redis
            .hrandfield::<String>("h")
            .count(10)
            .withvalues::<String>()
            .await?;
        let expected = [("name", "grace"), ("city", "york"), ("zip", "007")];
        assert_eq!(
            HashMap::from_iter(drawn),
            expected.map(|(f, v)| (f.to_owned(), v.to_owned())).into()
        );

        // Field names are data as well: they need not be UTF-8, nor small in number.
        redis.hset("bytes", ("f", &b"\xff\xfe"[..])).await?;
        assert_eq!(
            redis.hget::<Bytes>("bytes", "f").await?.as_deref(),
            Some(&b"\xff\xfe"[..])
        );
        assert_eq!(
            redis.hgetall::<Bytes>("bytes").await?["f"],
            &b"\xff\xfe"[..]
        );
        let pairs: Vec<_> = (0..1_000).map(|i| (format!("f{i}"), i)).collect();
        assert_eq!(redis.hset("large", &pairs).await?, 1_000);
        let found: HashMap<_, _> = all(redis.hscan("large").count(100).stream::<(String, i32)>())
            .await?
            .into_iter()
            .collect();
        assert_eq!(found, pairs.into_iter().collect());
        let found = all(redis
            .hscan("large")
            .matching("f99?")
            .count(1_000)
            .stream::<(String, i32)>())
        .await?;
        assert_eq!(found.into_iter().collect::<HashSet<_>>().len(), 10);
        assert!(
            all(redis.hscan("none").stream::<(String, i32)>())
                .await?
                .is_empty()
        );

        redis.set("s", "text").await?;
        refused(redis.hset("s", ("f", 1)).await, "WRONGTYPE", "HSET");
        refused(redis.hgetall::<String>("s").await, "WRONGTYPE", "HGETALL");
        refused(
            all(redis.hscan("s").stream::<(String, String)>()).await,
            "WRONGTYPE",
            "HSCAN",
        );
        refused(redis.hset("h", &[] as &[(&str, &str)]).await, "ERR", "HSET");
        assert!(redis.hgetall::<u32>("h").await.unwrap_err().is_decode());
        Ok(())
    });
}
