//! The rows of bitmaps and HyperLogLog.

use super::{Idempotent, Read, Recorder, Row, Write, Written};
use crate::commands::bitmaps::{
    BitOp,
    Int::{I, U},
    Offset, Overflow,
};

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.getbit("k", 7) => Read r#"["GETBIT","k","7"]"#;
        redis.setbit("k", 7, true) => Write r#"["SETBIT","k","7","1"]"#;
        redis.setbit("k", 4_294_967_295, false) => Write r#"["SETBIT","k","4294967295","0"]"#;
        redis.bitcount("k") => Read r#"["BITCOUNT","k"]"#;
        redis.bitcount("k").range(0, -1) => Read r#"["BITCOUNT","k","0","-1"]"#;
        redis.bitcount("k").range(0, -1).byte() => Read r#"["BITCOUNT","k","0","-1","BYTE"]"#;
        redis.bitcount("k").range(5, 30).bit() => Read r#"["BITCOUNT","k","5","30","BIT"]"#;
        redis.bitpos("k", true) => Read r#"["BITPOS","k","1"]"#;
        redis.bitpos("k", false).start(-2) => Read r#"["BITPOS","k","0","-2"]"#;
        redis.bitpos("k", true).range(0, 5) => Read r#"["BITPOS","k","1","0","5"]"#;
        redis.bitpos("k", true).range(0, -1).bit() => Read r#"["BITPOS","k","1","0","-1","BIT"]"#;
        redis.bitop(BitOp::And, "d", ["a", "b"]) => Idempotent r#"["BITOP","AND","d","a","b"]"#;
        redis.bitop(BitOp::Or, "d", ["a", "b"]) => Idempotent r#"["BITOP","OR","d","a","b"]"#;
        redis.bitop(BitOp::Xor, "a", ["a", "b"]) => Write r#"["BITOP","XOR","a","a","b"]"#;
        redis.bitop(BitOp::Not, "d", "a") => Idempotent r#"["BITOP","NOT","d","a"]"#;
        redis.bitop(BitOp::Diff, "d", ["a", "b"]) => Idempotent r#"["BITOP","DIFF","d","a","b"]"#;
        redis.bitop(BitOp::Diff1, "d", ["a", "b"]) => Idempotent r#"["BITOP","DIFF1","d","a","b"]"#;
        redis.bitop(BitOp::AndOr, "d", ["a", "b"]) => Idempotent r#"["BITOP","ANDOR","d","a","b"]"#;
        redis.bitop(BitOp::One, "d", ["a", "b"]) => Idempotent r#"["BITOP","ONE","d","a","b"]"#;
        redis.bitfield("k") => Write r#"["BITFIELD","k"]"#;
        redis.bitfield("k").set(U(4), 0, 15).get(I(8), Offset::Element(1)).overflow(Overflow::Sat).incrby(U(4), Offset::Bit(3), -1)
            => Write r##"["BITFIELD","k","SET","u4","0","15","GET","i8","#1","OVERFLOW","SAT","INCRBY","u4","3","-1"]"##;
        redis.bitfield("k").overflow(Overflow::Wrap).overflow(Overflow::Fail).incrby(I(64), 0, i64::MIN)
            => Write r#"["BITFIELD","k","OVERFLOW","WRAP","OVERFLOW","FAIL","INCRBY","i64","0","-9223372036854775808"]"#;
        redis.bitfield_ro("k").get(U(63), 100).get(I(1), Offset::Element(0))
            => Read r##"["BITFIELD_RO","k","GET","u63","100","GET","i1","#0"]"##;

        redis.pfadd("k", ["a", "b"]) => Write r#"["PFADD","k","a","b"]"#;
        redis.pfadd("k", ()) => Write r#"["PFADD","k"]"#;
        redis.pfcount(["a", "b"]) => Read r#"["PFCOUNT","a","b"]"#;
        redis.pfmerge("d", ["a", "b"]) => Idempotent r#"["PFMERGE","d","a","b"]"#;
    }
}
