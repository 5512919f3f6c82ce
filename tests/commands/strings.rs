//! Strings, on a real server.

use restis::{Bytes, commands::keys::Ttl};
use restis_testing::run;

use crate::refused;

#[test]
fn every_command() {
    run(async |redis| {
        redis.set("k", "v").await?;
        assert_eq!(redis.get::<String>("k").await?.as_deref(), Some("v"));
        assert_eq!(redis.get::<String>("none").await?, None);

        // What SET's options do to the time to live.
        redis.set("k", 1).ex(60).await?;
        assert!(matches!(redis.ttl("k").await?, Ttl::Left(59..=60)));
        redis.set("k", 2).keepttl().await?;
        assert!(matches!(redis.ttl("k").await?, Ttl::Left(59..=60)));
        redis.set("k", 3).await?;
        assert_eq!(redis.ttl("k").await?, Ttl::NoExpiry);
        redis.set("k", 4).px(90_000).await?;
        assert!(matches!(redis.pttl("k").await?, Ttl::Left(80_000..=90_000)));
        redis.set("k", 5).exat(4_102_444_800).await?;
        assert!(matches!(redis.ttl("k").await?, Ttl::Left(1_000_000_000..)));
        redis.set("k", 6).pxat(4_102_444_800_000).await?;
        assert!(matches!(
            redis.pttl("k").await?,
            Ttl::Left(1_000_000_000_000..)
        ));

        // Conditions, and the value from before.
        assert!(redis.set("c", "a").nx().await?);
        assert!(!redis.set("c", "b").nx().await?);
        assert!(redis.set("c", "b").xx().await?);
        assert!(!redis.set("missing", "b").xx().await?);
        assert_eq!(
            redis.set("c", "d").get::<String>().await?.as_deref(),
            Some("b")
        );
        assert_eq!(redis.set("new", "d").get::<String>().await?, None);
        assert_eq!(
            redis.set("c", "e").nx().get::<String>().await?.as_deref(),
            Some("d")
        );
        assert_eq!(redis.get::<String>("c").await?.as_deref(), Some("d"));
        assert_eq!(redis.set("newer", "e").get::<String>().nx().await?, None);
        assert_eq!(redis.get::<String>("newer").await?.as_deref(), Some("e"));
        assert_eq!(redis.set("missing", "e").get::<String>().xx().await?, None);
        assert_eq!(redis.exists("missing").await?, 0);

        redis.set("k", "v").await?;
        assert_eq!(
            redis.getex::<String>("k").ex(60).await?.as_deref(),
            Some("v")
        );
        assert!(matches!(redis.ttl("k").await?, Ttl::Left(59..=60)));
        redis.getex::<String>("k").px(5_000).await?;
        assert!(matches!(redis.pttl("k").await?, Ttl::Left(1..=5_000)));
        redis.getex::<String>("k").exat(4_102_444_800).await?;
        redis.getex::<String>("k").pxat(4_102_444_800_000).await?;
        assert!(matches!(redis.ttl("k").await?, Ttl::Left(1_000_000_000..)));
        assert_eq!(
            redis.getex::<String>("k").persist().await?.as_deref(),
            Some("v")
        );
        assert_eq!(redis.ttl("k").await?, Ttl::NoExpiry);
        assert_eq!(redis.getex::<String>("none").ex(60).await?, None);

        assert_eq!(
            redis.getset::<String>("k", "w").await?.as_deref(),
            Some("v")
        );
        assert_eq!(redis.getdel::<String>("k").await?.as_deref(), Some("w"));
        assert_eq!(redis.getdel::<String>("k").await?, None);

        assert_eq!(redis.append("t", "hello").await?, 5);
        assert_eq!(redis.append("t", " world").await?, 11);
        assert_eq!(redis.getrange::<String>("t", -5, -1).await?, "world");
        assert_eq!(redis.getrange::<String>("none", 0, -1).await?, "");
        assert_eq!(redis.setrange("t", 6, "redis").await?, 11);
        assert_eq!(redis.setrange("zeros", 2, "x").await?, 3);
        assert_eq!(
            redis.get::<Bytes>("zeros").await?.as_deref(),
            Some(&b"\0\0x"[..])
        );
        assert_eq!(redis.strlen("t").await?, 11);
        assert_eq!(redis.strlen("none").await?, 0);

        assert_eq!(redis.incr("n").await?, 1);
        assert_eq!(redis.incrby("n", i64::MAX - 1).await?, i64::MAX);
        refused(redis.incr("n").await, "ERR", "INCR");
        assert_eq!(redis.decr("m").await?, -1);
        assert_eq!(redis.decrby("m", 10).await?, -11);
        assert_eq!(redis.incrbyfloat("f", 0.25).await?, 0.25);
        assert_eq!(redis.incrbyfloat("f", -1.5).await?, -1.25);
        refused(redis.incr("t").await, "ERR", "INCR");

        redis.mset([("a", 1), ("b", 2)]).pair("c", "three").await?;
        assert_eq!(
            redis.mget::<String>(["a", "none", "c"]).await?,
            [Some("1".into()), None, Some("three".into())]
        );
        assert!(!redis.msetnx([("c", 1), ("z", 2)]).await?);
        assert!(redis.msetnx(("y", 1)).pair("z", "2").await?);
        redis.setex("k", 60, "v").await?;
        assert!(matches!(redis.ttl("k").await?, Ttl::Left(59..=60)));
        redis.psetex("k", 5_000, "v").await?;
        assert!(matches!(redis.pttl("k").await?, Ttl::Left(1..=5_000)));
        assert!(!redis.setnx("k", "w").await?);
        assert!(redis.setnx("k2", "w").await?);

        redis.rpush("list", "x").await?;
        refused(redis.get::<String>("list").await, "WRONGTYPE", "GET");
        refused(redis.append("list", "x").await, "WRONGTYPE", "APPEND");
        assert_eq!(
            redis.mget::<String>(["list", "a"]).await?,
            [None, Some("1".into())]
        );
        Ok(())
    });
}
