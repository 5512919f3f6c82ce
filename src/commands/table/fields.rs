//! The rows of fields that expire, and of what came to hashes with them.

use super::{Idempotent, Read, Recorder, Row, Write, Written};

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.hmset("k", [("f", 1), ("g", 2)]).field("h", "three") => Idempotent r#"["HMSET","k","f","1","g","2","h","three"]"#;
        redis.hgetdel::<String>("k", ["f", "g"]) => Write r#"["HGETDEL","k","FIELDS","2","f","g"]"#;
        redis.hscan("k").novalues() => Read r#"["HSCAN","k","0","NOVALUES"]"#;

        redis.hexpire("k", 60, "f") => Idempotent r#"["HEXPIRE","k","60","FIELDS","1","f"]"#;
        redis.hexpire("k", 0, "f") => Write r#"["HEXPIRE","k","0","FIELDS","1","f"]"#;
        redis.hexpire("k", 60, ["f", "g"]).nx() => Write r#"["HEXPIRE","k","60","NX","FIELDS","2","f","g"]"#;
        redis.hexpire("k", 60, "f").xx() => Write r#"["HEXPIRE","k","60","XX","FIELDS","1","f"]"#;
        redis.hpexpire("k", 60_000, ["f", "none"]) => Idempotent r#"["HPEXPIRE","k","60000","FIELDS","2","f","none"]"#;
        redis.hpexpire("k", 1_000, "f").gt() => Write r#"["HPEXPIRE","k","1000","GT","FIELDS","1","f"]"#;
        redis.hexpireat("k", 4_102_444_800, "f") => Write r#"["HEXPIREAT","k","4102444800","FIELDS","1","f"]"#;
        redis.hpexpireat("k", 4_102_444_800_000, "f").lt() => Write r#"["HPEXPIREAT","k","4102444800000","LT","FIELDS","1","f"]"#;
        redis.httl("k", ["f", "g"]) => Read r#"["HTTL","k","FIELDS","2","f","g"]"#;
        redis.hpttl("k", "f") => Read r#"["HPTTL","k","FIELDS","1","f"]"#;
        redis.hexpiretime("k", "f") => Read r#"["HEXPIRETIME","k","FIELDS","1","f"]"#;
        redis.hpexpiretime("k", "f") => Read r#"["HPEXPIRETIME","k","FIELDS","1","f"]"#;
        redis.hpersist("k", ["f", "g"]) => Write r#"["HPERSIST","k","FIELDS","2","f","g"]"#;

        redis.hgetex::<String>("k", "f") => Idempotent r#"["HGETEX","k","FIELDS","1","f"]"#;
        redis.hgetex::<String>("k", ["f", "g"]).ex(60) => Idempotent r#"["HGETEX","k","EX","60","FIELDS","2","f","g"]"#;
        redis.hgetex::<String>("k", "f").px(60_000) => Idempotent r#"["HGETEX","k","PX","60000","FIELDS","1","f"]"#;
        redis.hgetex::<String>("k", "f").exat(4_102_444_800) => Write r#"["HGETEX","k","EXAT","4102444800","FIELDS","1","f"]"#;
        redis.hgetex::<String>("k", "f").pxat(4_102_444_800_000) => Write r#"["HGETEX","k","PXAT","4102444800000","FIELDS","1","f"]"#;
        redis.hgetex::<String>("k", "f").persist() => Idempotent r#"["HGETEX","k","PERSIST","FIELDS","1","f"]"#;
        redis.hsetex("k", ("f", 1)) => Idempotent r#"["HSETEX","k","FIELDS","1","f","1"]"#;
        redis.hsetex("k", [("f", 1), ("h", 2)]).ex(60) => Idempotent r#"["HSETEX","k","EX","60","FIELDS","2","f","1","h","2"]"#;
        redis.hsetex("k", ("f", 1)).fnx().pxat(4_102_444_800_000) => Write r#"["HSETEX","k","FNX","PXAT","4102444800000","FIELDS","1","f","1"]"#;
        redis.hsetex("k", ("f", 1)).fxx().keepttl() => Write r#"["HSETEX","k","FXX","KEEPTTL","FIELDS","1","f","1"]"#;
    }
}
