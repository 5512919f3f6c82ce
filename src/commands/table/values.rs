//! The rows of keys, strings and sorted sets that are not in the first table: how a key is kept,
//! comparing before setting, legacy reads.

use super::{Read, Recorder, Row, Write, Written};

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.expiretime("k") => Read r#"["EXPIRETIME","k"]"#;
        redis.pexpiretime("k") => Read r#"["PEXPIRETIME","k"]"#;
        redis.unlink(()) => Write r#"["UNLINK"]"#;
        redis.scan().withtype() => Read r#"["SCAN","0","WITHTYPE"]"#;
        redis.scan().matching("user:*").count(500).withtype() => Read r#"["SCAN","0","MATCH","user:*","COUNT","500","WITHTYPE"]"#;
        redis.object_encoding("k") => Read r#"["OBJECT","ENCODING","k"]"#;
        redis.object_freq("k") => Read r#"["OBJECT","FREQ","k"]"#;
        redis.object_idletime("k") => Read r#"["OBJECT","IDLETIME","k"]"#;
        redis.object_refcount("k") => Read r#"["OBJECT","REFCOUNT","k"]"#;
        redis.memory_usage("k") => Read r#"["MEMORY","USAGE","k"]"#;
        redis.memory_usage("k").samples(0) => Read r#"["MEMORY","USAGE","k","SAMPLES","0"]"#;
        redis.dump("k") => Read r#"["DUMP","k"]"#;
        redis.restore("k", 0, "dump") => Write r#"["RESTORE","k","0","dump"]"#;
        redis.restore("k", 0, "dump").replace().absttl() => Write r#"["RESTORE","k","0","dump","REPLACE","ABSTTL"]"#;
        redis.restore("k", 5, "dump").idletime(60) => Write r#"["RESTORE","k","5","dump","IDLETIME","60"]"#;
        redis.restore("k", 5, "dump").freq(255) => Write r#"["RESTORE","k","5","dump","FREQ","255"]"#;

        redis.substr::<String>("k", 0, 4) => Read r#"["SUBSTR","k","0","4"]"#;
        redis.set("k", "v").ifeq("old") => Write r#"["SET","k","v","IFEQ","old"]"#;
        redis.set("k", "v").ifne("old").get::<String>().ex(60) => Write r#"["SET","k","v","IFNE","old","GET","EX","60"]"#;
        redis.set("k", "v").ifdeq("b5b5") => Write r#"["SET","k","v","IFDEQ","b5b5"]"#;
        redis.set("k", "v").ifdne("b5b5").px(5) => Write r#"["SET","k","v","IFDNE","b5b5","PX","5"]"#;
        redis.set("k", "v").get::<String>().ifeq(1) => Write r#"["SET","k","v","GET","IFEQ","1"]"#;
        redis.set("k", "v").get::<String>().ifne(1) => Write r#"["SET","k","v","GET","IFNE","1"]"#;
        redis.set("k", "v").get::<String>().ifdeq("b5b5") => Write r#"["SET","k","v","GET","IFDEQ","b5b5"]"#;
        redis.set("k", "v").get::<String>().ifdne("b5b5") => Write r#"["SET","k","v","GET","IFDNE","b5b5"]"#;
        redis.delex("k") => Write r#"["DELEX","k"]"#;
        redis.delex("k").ifeq("v") => Write r#"["DELEX","k","IFEQ","v"]"#;
        redis.delex("k").ifne("v") => Write r#"["DELEX","k","IFNE","v"]"#;
        redis.delex("k").ifdeq("b5b5") => Write r#"["DELEX","k","IFDEQ","b5b5"]"#;
        redis.delex("k").ifdne("b5b5") => Write r#"["DELEX","k","IFDNE","b5b5"]"#;
        redis.digest("k") => Read r#"["DIGEST","k"]"#;

        redis.zrangebyscore::<String>("k", "(1", 5) => Read r#"["ZRANGEBYSCORE","k","(1","5"]"#;
        redis.zrangebyscore::<String>("k", "-inf", "+inf").limit(1, -1).withscores()
            => Read r#"["ZRANGEBYSCORE","k","-inf","+inf","LIMIT","1","-1","WITHSCORES"]"#;
        redis.zrevrangebyscore::<String>("k", 5, 1).withscores().limit(0, 5)
            => Read r#"["ZREVRANGEBYSCORE","k","5","1","WITHSCORES","LIMIT","0","5"]"#;
        redis.zrangebylex::<String>("k", "[b", "+") => Read r#"["ZRANGEBYLEX","k","[b","+"]"#;
        redis.zrevrangebylex::<String>("k", "+", "(b").limit(0, 5) => Read r#"["ZREVRANGEBYLEX","k","+","(b","LIMIT","0","5"]"#;
        redis.zrevrange::<String>("k", 0, -1) => Read r#"["ZREVRANGE","k","0","-1"]"#;
        redis.zrevrange::<String>("k", 0, 9).withscores() => Read r#"["ZREVRANGE","k","0","9","WITHSCORES"]"#;
        redis.zrange::<String>("k", 0, -1).limit(1, 2) => Read r#"["ZRANGE","k","0","-1","LIMIT","1","2"]"#;
    }
}
