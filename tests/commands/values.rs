//! How keys are kept and travel, comparing before setting, legacy reads: on a real server.

use restis::{
    Bytes,
    commands::keys::{Expiry, Ttl},
};
use restis_testing::run;

use crate::{refused, scored, texts};

#[test]
fn internals_of_keys() {
    run(async |redis| {
        redis.set("n", 42).await?;
        redis.rpush("l", ["a", "b"]).await?;
        assert_eq!(redis.object_encoding("n").await?.as_deref(), Some("int"));
        assert_eq!(
            redis.object_encoding("l").await?.as_deref(),
            Some("listpack")
        );
        assert_eq!(redis.object_encoding("none").await?, None);
        assert!(redis.object_refcount("l").await?.is_some_and(|n| n >= 1));
        assert_eq!(redis.object_refcount("none").await?, None);
        assert!(redis.object_idletime("l").await?.is_some_and(|s| s < 600));
        assert_eq!(redis.object_idletime("none").await?, None);
        refused(redis.object_freq("l").await, "ERR", "OBJECT FREQ");
        assert!(
            redis
                .memory_usage("l")
                .await?
                .is_some_and(|bytes| bytes > 2)
        );
        assert!(
            redis
                .memory_usage("l")
                .samples(1)
                .await?
                .is_some_and(|bytes| bytes > 2)
        );
        assert_eq!(redis.memory_usage("none").await?, None);

        assert_eq!(redis.expiretime("none").await?, Expiry::NoKey);
        assert_eq!(redis.pexpiretime("n").await?, Expiry::NoExpiry);
        redis.pexpireat("n", 4_102_444_800_007).await?;
        assert_eq!(redis.expiretime("n").await?, Expiry::At(4_102_444_800));
        assert_eq!(redis.pexpiretime("n").await?, Expiry::At(4_102_444_800_007));
        assert_eq!(redis.unlink(()).await?, 0);
        Ok(())
    });
}

#[test]
fn dump_and_restore() {
    run(async |redis| {
        assert_eq!(redis.dump("none").await?, None);
        redis.hset("h", ("f", &b"\x00\xff\xfe"[..])).await?;
        let dump = redis.dump("h").await?.unwrap();
        assert!(
            std::str::from_utf8(&dump).is_err(),
            "text travels another way"
        );

        redis.restore("copy", 0, &dump).await?;
        assert_eq!(
            redis.hget::<Bytes>("copy", "f").await?.as_deref(),
            Some(&b"\x00\xff\xfe"[..])
        );
        assert_eq!(redis.ttl("copy").await?, Ttl::NoExpiry);
        refused(redis.restore("copy", 0, &dump).await, "BUSYKEY", "RESTORE");
        redis.restore("brief", 60_000, &dump).await?;
        assert!(matches!(
            redis.pttl("brief").await?,
            Ttl::Left(50_000..=60_000)
        ));
        redis.restore("idle", 0, &dump).idletime(100).await?;
        assert!(
            redis
                .object_idletime("idle")
                .await?
                .is_some_and(|s| s >= 100)
        );

        // What follows the bytes is one name and one value: these two are, one of them is not.
        redis.set("other", "v").await?;
        redis.restore("other", 0, &dump).replace().absttl().await?;
        assert_eq!(redis.ttl("other").await?, Ttl::NoExpiry);
        assert_eq!(redis.hlen("other").await?, 1);
        redis
            .restore("other", 4_102_444_800_000, &dump)
            .absttl()
            .replace()
            .await?;
        assert_eq!(
            redis.pexpiretime("other").await?,
            Expiry::At(4_102_444_800_000)
        );
        let error = redis
            .restore("other", 0, &dump)
            .replace()
            .await
            .unwrap_err();
        assert!(error.is_argument(), "{error}");
        assert_eq!(error.command(), Some("RESTORE"));

        let mut broken = dump.to_vec();
        broken[1] ^= 1;
        refused(redis.restore("broken", 0, &broken).await, "ERR", "RESTORE");
        redis
            .config_set(("maxmemory-policy", "allkeys-lfu"))
            .await?;
        redis.restore("often", 0, &dump).freq(200).await?;
        assert!(redis.object_freq("often").await?.is_some_and(|n| n > 100));
        Ok(())
    });
}

#[test]
fn comparing_first() {
    run(async |redis| {
        redis.set("k", "a").await?;
        assert!(!redis.set("k", "b").ifeq("x").await?);
        assert!(redis.set("k", "b").ifeq("a").px(60_000).await?);
        assert!(matches!(redis.pttl("k").await?, Ttl::Left(_)));
        assert!(!redis.set("none", "b").ifeq("a").await?);
        assert_eq!(
            redis
                .set("k", "c")
                .ifeq("x")
                .get::<String>()
                .await?
                .as_deref(),
            Some("b")
        );
        assert_eq!(redis.get::<String>("k").await?.as_deref(), Some("b"));
        assert_eq!(
            redis
                .set("k", "c")
                .get::<String>()
                .ifeq("b")
                .await?
                .as_deref(),
            Some("b")
        );
        assert_eq!(redis.get::<String>("k").await?.as_deref(), Some("c"));

        assert!(!redis.delex("k").ifeq("x").await?);
        assert!(redis.delex("k").ifeq("c").await?);
        assert!(!redis.delex("k").ifeq("c").await?);
        redis.set("k", "d").await?;
        assert!(redis.delex("k").await?);
        assert!(!redis.delex("k").await?);

        redis.set("k", "hello").await?;
        assert_eq!(redis.substr::<String>("k", -3, -1).await?, "llo");
        assert_eq!(redis.substr::<String>("none", 0, -1).await?, "");
        Ok(())
    });
}

#[test]
fn legacy_ranges() {
    run(async |redis| {
        redis
            .zadd("z", [(1, "a"), (2, "b"), (3, "c"), (4, "d")])
            .await?;
        assert_eq!(
            redis.zrangebyscore::<String>("z", "(1", 3).await?,
            texts(&["b", "c"])
        );
        assert_eq!(
            redis
                .zrangebyscore::<String>("z", "-inf", "+inf")
                .limit(1, 2)
                .withscores()
                .await?,
            scored(&[("b", 2.0), ("c", 3.0)])
        );
        assert_eq!(
            redis
                .zrevrangebyscore::<String>("z", 3, "-inf")
                .withscores()
                .limit(0, 2)
                .await?,
            scored(&[("c", 3.0), ("b", 2.0)])
        );
        assert_eq!(
            redis.zrevrange::<String>("z", 0, 1).await?,
            texts(&["d", "c"])
        );
        assert_eq!(
            redis.zrevrange::<String>("z", -1, -1).withscores().await?,
            scored(&[("a", 1.0)])
        );
        redis.zadd("lex", [(0, "a"), (0, "b"), (0, "c")]).await?;
        assert_eq!(
            redis
                .zrangebylex::<String>("lex", "(a", "+")
                .limit(1, -1)
                .await?,
            texts(&["c"])
        );
        assert_eq!(
            redis.zrevrangebylex::<String>("lex", "[b", "-").await?,
            texts(&["b", "a"])
        );
        assert!(redis.zrevrange::<String>("none", 0, -1).await?.is_empty());
        refused(
            redis.zrangebyscore::<String>("z", "low", 3).await,
            "ERR",
            "ZRANGEBYSCORE",
        );
        // Upstash takes this, as restis-local does in its place.
        assert_eq!(
            redis.zrange::<String>("z", 0, -1).limit(0, 1).await?,
            texts(&["a"])
        );
        Ok(())
    });
}
