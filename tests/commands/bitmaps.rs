//! Bitmaps and HyperLogLog, on a real server.

use restis::{
    Bytes,
    commands::bitmaps::{
        BitOp, FirstBit,
        Int::{I, U},
        Offset, Overflow,
    },
};
use restis_testing::run;

use crate::refused;

#[test]
fn bits() {
    run(async |redis| {
        assert!(!redis.getbit("k", 7).await?);
        assert!(!redis.setbit("k", 7, true).await?);
        assert!(redis.getbit("k", 7).await?);
        assert!(redis.setbit("k", 7, false).await?);
        assert!(!redis.getbit("k", 7).await?);
        refused(redis.setbit("k", 1 << 32, true).await, "ERR", "SETBIT");

        redis.set("k", "foobar").await?;
        assert_eq!(redis.bitcount("k").await?, 26);
        assert_eq!(redis.bitcount("k").range(0, 0).await?, 4);
        assert_eq!(redis.bitcount("k").range(-1, -1).byte().await?, 4);
        assert_eq!(redis.bitcount("k").range(5, 30).bit().await?, 17);
        assert_eq!(redis.bitcount("none").await?, 0);

        redis.set("k", &b"\xff\xf0\x00"[..]).await?;
        assert_eq!(redis.bitpos("k", false).await?, FirstBit::At(12));
        assert_eq!(redis.bitpos("k", true).start(1).await?, FirstBit::At(8));
        assert_eq!(redis.bitpos("k", true).start(2).await?, FirstBit::Nowhere);
        assert_eq!(
            redis.bitpos("k", false).range(0, 0).await?,
            FirstBit::Nowhere
        );
        assert_eq!(
            redis.bitpos("k", false).range(0, 1).byte().await?,
            FirstBit::At(12)
        );
        assert_eq!(
            redis.bitpos("k", true).range(9, 15).bit().await?,
            FirstBit::At(9)
        );
        redis.set("ones", &b"\xff"[..]).await?;
        assert_eq!(redis.bitpos("ones", false).await?, FirstBit::At(8));
        assert_eq!(redis.bitpos("none", true).await?, FirstBit::Nowhere);
        assert_eq!(redis.bitpos("none", false).await?, FirstBit::At(0));

        redis.set("a", "\u{3}").await?;
        redis.set("b", "\u{6}\u{1}").await?;
        for (operation, expected) in [
            (BitOp::And, &b"\x02\x00"[..]),
            (BitOp::Or, b"\x07\x01"),
            (BitOp::Xor, b"\x05\x01"),
        ] {
            assert_eq!(redis.bitop(operation, "d", ["a", "b"]).await?, 2);
            assert_eq!(redis.get::<Bytes>("d").await?.as_deref(), Some(expected));
        }
        assert_eq!(redis.bitop(BitOp::Not, "d", "a").await?, 1);
        assert_eq!(
            redis.get::<Bytes>("d").await?.as_deref(),
            Some(&b"\xfc"[..])
        );
        assert_eq!(redis.bitop(BitOp::And, "d", "none").await?, 0);
        assert_eq!(redis.exists("d").await?, 0);
        refused(
            redis.bitop(BitOp::Not, "d", ["a", "b"]).await,
            "ERR",
            "BITOP",
        );

        redis.rpush("list", 1).await?;
        refused(redis.getbit("list", 0).await, "WRONGTYPE", "GETBIT");
        refused(redis.bitcount("list").await, "WRONGTYPE", "BITCOUNT");
        Ok(())
    });
}

#[test]
fn numbers_in_a_value() {
    run(async |redis| {
        let numbers = redis
            .bitfield("f")
            .set(U(8), 0, 255)
            .set(I(8), Offset::Element(1), -2)
            .get(U(8), Offset::Bit(8))
            .incrby(U(8), 0, 2)
            .overflow(Overflow::Sat)
            .incrby(I(8), Offset::Element(1), -1_000)
            .overflow(Overflow::Fail)
            .incrby(U(8), 0, 1_000)
            .set(U(4), 0, 16)
            .overflow(Overflow::Wrap)
            .incrby(U(8), 0, 256)
            .await?;
        let expected = [
            Some(0),
            Some(0),
            Some(254),
            Some(1),
            Some(-128),
            None,
            None,
            Some(1),
        ];
        assert_eq!(numbers, expected);
        assert_eq!(
            redis
                .bitfield_ro("f")
                .get(U(8), 0)
                .get(I(8), Offset::Element(1))
                .get(I(64), 1_000)
                .await?,
            [1, -128, 0]
        );
        let edges = redis
            .bitfield("wide")
            .set(I(64), 0, i64::MIN)
            .get(I(64), 0)
            .await?;
        assert_eq!(edges, [Some(0), Some(i64::MIN)]);
        assert!(redis.bitfield("f").await?.is_empty());
        refused(redis.bitfield("f").get(U(64), 0).await, "ERR", "BITFIELD");
        Ok(())
    });
}

#[test]
fn estimates() {
    run(async |redis| {
        assert!(redis.pfadd("m", ["a", "b", "c"]).await?);
        assert!(!redis.pfadd("m", "a").await?);
        assert!(redis.pfadd("empty", ()).await?);
        assert!(!redis.pfadd("empty", ()).await?);
        redis.pfadd("t", ["c", "d"]).await?;
        assert_eq!(redis.pfcount("m").await?, 3);
        assert_eq!(redis.pfcount(["m", "t", "none"]).await?, 4);
        assert_eq!(redis.pfcount("none").await?, 0);
        redis.pfmerge("w", ["m", "t"]).await?;
        assert_eq!(redis.pfcount("w").await?, 4);
        redis.pfmerge("w", "none").await?;
        assert_eq!(redis.pfcount("w").await?, 4);
        redis.rpush("list", 1).await?;
        refused(redis.pfcount("list").await, "WRONGTYPE", "PFCOUNT");
        redis.set("text", "v").await?;
        refused(redis.pfadd("text", "a").await, "WRONGTYPE", "PFADD");
        Ok(())
    });
}
