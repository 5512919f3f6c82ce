//! Fields that expire, on a real server.

use std::collections::HashSet;

use restis::{
    Bytes,
    commands::hashes::expiry::{
        FieldExpire::{Deleted, NoField, NotMet, Set},
        FieldExpiry, FieldPersist, FieldTtl,
    },
};
use restis_testing::run;

use crate::{all, refused, set};

const LATER: u64 = 4_102_444_800;

#[test]
fn times_to_live() {
    run(async |redis| {
        redis.hset("h", [("a", 1), ("b", 2), ("c", 3)]).await?;
        assert_eq!(redis.hexpire("h", 60, ["a", "none"]).await?, [Set, NoField]);
        assert_eq!(redis.hexpire("none", 60, "a").await?, [NoField]);
        assert_eq!(
            redis.hexpire("h", 60, ["a", "b"]).nx().await?,
            [NotMet, Set]
        );
        assert_eq!(
            redis.hexpire("h", 60, ["a", "c"]).xx().await?,
            [Set, NotMet]
        );
        assert_eq!(redis.hexpire("h", 30, "a").gt().await?, [NotMet]);
        assert_eq!(redis.hpexpire("h", 30_000, "a").lt().await?, [Set]);
        let left = redis.httl("h", ["a", "c", "none"]).await?;
        assert!(matches!(left[0], FieldTtl::Left(29..=30)), "{left:?}");
        assert_eq!(left[1..], [FieldTtl::NoExpiry, FieldTtl::NoField]);
        let left = redis.hpttl("h", "a").await?[0].left();
        assert!(left.is_some_and(|left| (20_000..=30_000).contains(&left)));
        assert_eq!(
            redis.httl("none", ["a", "b"]).await?,
            [FieldTtl::NoField; 2]
        );

        assert_eq!(redis.hexpireat("h", LATER, "a").await?, [Set]);
        assert_eq!(
            redis.hexpiretime("h", ["a", "c", "none"]).await?,
            [
                FieldExpiry::At(LATER),
                FieldExpiry::NoExpiry,
                FieldExpiry::NoField
            ]
        );
        assert_eq!(redis.hpexpireat("h", LATER * 1_000 + 7, "a").await?, [Set]);
        assert_eq!(
            redis.hpexpiretime("h", "a").await?,
            [FieldExpiry::At(LATER * 1_000 + 7)]
        );
        assert_eq!(
            redis.hpersist("h", ["a", "c", "none"]).await?,
            [
                FieldPersist::Persisted,
                FieldPersist::NoExpiry,
                FieldPersist::NoField
            ]
        );
        assert_eq!(redis.hexpireat("h", 1, "a").await?, [Deleted]);
        assert_eq!(redis.hexpire("h", 0, ["b", "c"]).await?, [Deleted, Deleted]);
        assert_eq!(redis.exists("h").await?, 0);

        redis.set("s", "text").await?;
        refused(redis.httl("s", "a").await, "WRONGTYPE", "HTTL");
        refused(redis.hexpire("s", 60, "a").await, "WRONGTYPE", "HEXPIRE");
        refused(redis.hpersist("h", ()).await, "ERR", "HPERSIST");
        Ok(())
    });
}

#[test]
fn values_with_times_to_live() {
    run(async |redis| {
        redis
            .hmset("h", [("a", 1), ("b", 2)])
            .field("c", "x")
            .await?;
        let values = redis
            .hgetex::<String>("h", ["a", "none", "c"])
            .ex(60)
            .await?;
        assert_eq!(values, [Some("1".into()), None, Some("x".into())]);
        assert!(matches!(
            redis.httl("h", "a").await?[..],
            [FieldTtl::Left(59..=60)]
        ));
        redis.hgetex::<u32>("h", "a").px(30_000).await?;
        assert!(matches!(
            redis.httl("h", "a").await?[..],
            [FieldTtl::Left(29..=30)]
        ));
        redis.hgetex::<u32>("h", "a").exat(LATER).await?;
        assert_eq!(redis.hexpiretime("h", "a").await?, [FieldExpiry::At(LATER)]);
        redis
            .hgetex::<u32>("h", "a")
            .pxat(LATER * 1_000 + 7)
            .await?;
        assert_eq!(
            redis.hpexpiretime("h", "a").await?,
            [FieldExpiry::At(LATER * 1_000 + 7)]
        );
        assert_eq!(
            redis.hgetex::<u32>("h", ["a", "b"]).await?,
            [Some(1), Some(2)]
        );
        assert!(redis.httl("h", "a").await?[0].left().is_some());
        redis.hgetex::<u32>("h", "a").persist().await?;
        assert_eq!(redis.httl("h", "a").await?, [FieldTtl::NoExpiry]);
        assert_eq!(redis.hgetex::<u32>("none", "a").await?, [None]);

        assert!(redis.hsetex("h", [("a", 5), ("d", 6)]).ex(60).await?);
        assert!(!redis.hsetex("h", [("a", 7), ("e", 7)]).fnx().await?);
        assert!(!redis.hsetex("h", [("a", 7), ("e", 7)]).fxx().await?);
        assert!(redis.hsetex("h", [("a", 7)]).fxx().keepttl().await?);
        assert_eq!(redis.hget::<u32>("h", "a").await?, Some(7));
        assert!(matches!(
            redis.httl("h", ["a", "d"]).await?[..],
            [FieldTtl::Left(59..=60), FieldTtl::Left(59..=60)]
        ));
        assert!(redis.hsetex("h", ("a", 8)).await?);
        assert_eq!(redis.httl("h", "a").await?, [FieldTtl::NoExpiry]);
        assert!(redis.hsetex("h", ("f", 1)).fnx().exat(LATER).await?);
        assert_eq!(redis.hexpiretime("h", "f").await?, [FieldExpiry::At(LATER)]);

        // Bytes go out alone, last of the command, and so may be a value here.
        let bytes = &b"\xff\xfe"[..];
        assert!(redis.hsetex("bytes", ("f", bytes)).px(60_000).await?);
        assert_eq!(
            redis.hgetex::<Bytes>("bytes", "f").await?,
            [Some(Bytes::from_static(bytes))]
        );
        assert_eq!(
            redis.hgetdel::<Bytes>("bytes", ["none", "f"]).await?,
            [None, Some(Bytes::from_static(bytes))]
        );
        assert_eq!(redis.exists("bytes").await?, 0);
        assert_eq!(redis.hgetdel::<u32>("none", ["a", "b"]).await?, [None; 2]);

        let names: HashSet<_> = all(redis.hscan("h").novalues().stream::<String>())
            .await?
            .into_iter()
            .collect();
        assert_eq!(names, set(&["a", "b", "c", "d", "f"]));
        Ok(())
    });
}
