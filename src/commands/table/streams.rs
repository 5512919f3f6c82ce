//! The rows of the streams.

use super::{Read, Recorder, Row, Write, Written};
use crate::commands::streams::{StreamId, Trim};

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.xadd("k", "*", ("f", "v")) => Write r#"["XADD","k","*","f","v"]"#;
        redis.xadd("k", StreamId::new(5, 1), [("f", 1), ("g", 2)]).field("f", "three")
            => Write r#"["XADD","k","5-1","f","1","g","2","f","three"]"#;
        redis.xadd("k", "5-*", ("f", "v")).nomkstream() => Write r#"["XADD","k","NOMKSTREAM","5-*","f","v"]"#;
        redis.xadd("k", "*", ("f", "v")).nomkstream().trim(Trim::maxlen(100).approx().limit(10)).field("g", "w")
            => Write r#"["XADD","k","NOMKSTREAM","MAXLEN","~","100","LIMIT","10","*","f","v","g","w"]"#;
        redis.xadd("k", "*", ("f", "v")).keepref() => Write r#"["XADD","k","KEEPREF","*","f","v"]"#;
        redis.xadd("k", "*", ("f", "v")).acked().trim(Trim::minid(StreamId::new(5, 0)))
            => Write r#"["XADD","k","ACKED","MINID","5-0","*","f","v"]"#;
        redis.xlen("k") => Read r#"["XLEN","k"]"#;
        redis.xrange::<()>("k", "-", "+") => Read r#"["XRANGE","k","-","+"]"#;
        redis.xrange::<()>("k", StreamId::MIN, 5).count(2) => Read r#"["XRANGE","k","0-0","5","COUNT","2"]"#;
        redis.xrevrange::<()>("k", "+", "(1-0").count(2) => Read r#"["XREVRANGE","k","+","(1-0","COUNT","2"]"#;
        redis.xread::<()>(("k", "0")) => Read r#"["XREAD","STREAMS","k","0"]"#;
        redis.xread::<()>([("k", StreamId::MIN), ("a", StreamId::new(1, 0))]).count(5)
            => Read r#"["XREAD","COUNT","5","STREAMS","k","a","0-0","1-0"]"#;
        redis.xdel("k", StreamId::new(1, 0)) => Write r#"["XDEL","k","1-0"]"#;
        redis.xdel("k", ["1-0", "2-0"]) => Write r#"["XDEL","k","1-0","2-0"]"#;
        redis.xtrim("k", Trim::maxlen(10)) => Write r#"["XTRIM","k","MAXLEN","10"]"#;
        redis.xtrim("k", Trim::maxlen(10).approx()) => Write r#"["XTRIM","k","MAXLEN","~","10"]"#;
        redis.xtrim("k", Trim::minid(StreamId::new(1, 0)).limit(5).approx()).delref()
            => Write r#"["XTRIM","k","MINID","~","1-0","LIMIT","5","DELREF"]"#;
        redis.xsetid("k", "9-0") => Write r#"["XSETID","k","9-0"]"#;
        redis.xsetid("k", StreamId::new(9, 0)).entriesadded(7).maxdeletedid("4-0")
            => Write r#"["XSETID","k","9-0","ENTRIESADDED","7","MAXDELETEDID","4-0"]"#;

        redis.xrange_pages("k", "-", "+") => Read r#"["XRANGE","k","-","+","COUNT","100"]"#;
        redis.xrange_pages("k", "(1-0", 5).count(0) => Read r#"["XRANGE","k","(1-0","5","COUNT","1"]"#;
        redis.xrevrange_pages("k", "+", "-").count(1).count(7) => Read r#"["XREVRANGE","k","+","-","COUNT","7"]"#;

        redis.xgroup_create("k", "g", "$") => Write r#"["XGROUP","CREATE","k","g","$"]"#;
        redis.xgroup_create("k", "g", StreamId::MIN).mkstream().entriesread(-1)
            => Write r#"["XGROUP","CREATE","k","g","0-0","MKSTREAM","ENTRIESREAD","-1"]"#;
        redis.xgroup_createconsumer("k", "g", "c") => Write r#"["XGROUP","CREATECONSUMER","k","g","c"]"#;
        redis.xgroup_delconsumer("k", "g", "c") => Write r#"["XGROUP","DELCONSUMER","k","g","c"]"#;
        redis.xgroup_destroy("k", "g") => Write r#"["XGROUP","DESTROY","k","g"]"#;
        redis.xgroup_setid("k", "g", "0") => Write r#"["XGROUP","SETID","k","g","0"]"#;
        redis.xgroup_setid("k", "g", "0").entriesread(1) => Write r#"["XGROUP","SETID","k","g","0","ENTRIESREAD","1"]"#;
        redis.xreadgroup::<()>("g", "c", ("k", ">")) => Write r#"["XREADGROUP","GROUP","g","c","STREAMS","k",">"]"#;
        redis.xreadgroup::<()>("g", "c", [("k", ">"), ("a", "0")]).count(1).noack()
            => Write r#"["XREADGROUP","GROUP","g","c","COUNT","1","NOACK","STREAMS","k","a",">","0"]"#;
        redis.xreadgroup::<()>("g", "c", ("k", ">")).claim(60_000).count(1)
            => Write r#"["XREADGROUP","GROUP","g","c","CLAIM","60000","COUNT","1","STREAMS","k",">"]"#;
        redis.xack("k", "g", ["1-0", "2-0"]) => Write r#"["XACK","k","g","1-0","2-0"]"#;
        redis.xackdel("k", "g", "1-0") => Write r#"["XACKDEL","k","g","IDS","1","1-0"]"#;
        redis.xackdel("k", "g", [StreamId::new(1, 0), StreamId::new(2, 0)]).delref()
            => Write r#"["XACKDEL","k","g","DELREF","IDS","2","1-0","2-0"]"#;
        redis.xdelex("k", ["1-0", "2-0"]).acked() => Write r#"["XDELEX","k","ACKED","IDS","2","1-0","2-0"]"#;
        redis.xdelex("k", "1-0").keepref() => Write r#"["XDELEX","k","KEEPREF","IDS","1","1-0"]"#;

        redis.xpending("k", "g") => Read r#"["XPENDING","k","g"]"#;
        redis.xpending("k", "g").range("-", "+", 10) => Read r#"["XPENDING","k","g","-","+","10"]"#;
        redis.xpending("k", "g").range("(1-0", StreamId::MAX, 10).consumer("c").idle(5)
            => Read r#"["XPENDING","k","g","IDLE","5","(1-0","18446744073709551615-18446744073709551615","10","c"]"#;
        redis.xclaim::<()>("k", "g", "c", 10, ["1-0", "2-0"]) => Write r#"["XCLAIM","k","g","c","10","1-0","2-0"]"#;
        redis.xclaim::<()>("k", "g", "c", 10, "1-0").retrycount(2).force().justid().lastid("1-0")
            => Write r#"["XCLAIM","k","g","c","10","1-0","RETRYCOUNT","2","FORCE","JUSTID","LASTID","1-0"]"#;
        redis.xclaim::<()>("k", "g", "c", 0, "1-0").idle(500) => Write r#"["XCLAIM","k","g","c","0","1-0","IDLE","500"]"#;
        redis.xclaim::<()>("k", "g", "c", 0, "1-0").time(1_526_919_030_474)
            => Write r#"["XCLAIM","k","g","c","0","1-0","TIME","1526919030474"]"#;
        redis.xautoclaim::<()>("k", "g", "c", 10, "0-0") => Write r#"["XAUTOCLAIM","k","g","c","10","0-0"]"#;
        redis.xautoclaim::<()>("k", "g", "c", 10, StreamId::MIN).count(2).justid()
            => Write r#"["XAUTOCLAIM","k","g","c","10","0-0","COUNT","2","JUSTID"]"#;

        redis.xinfo_stream::<()>("k") => Read r#"["XINFO","STREAM","k"]"#;
        redis.xinfo_stream::<()>("k").full() => Read r#"["XINFO","STREAM","k","FULL"]"#;
        redis.xinfo_stream::<()>("k").full().count(0) => Read r#"["XINFO","STREAM","k","FULL","COUNT","0"]"#;
        redis.xinfo_groups("k") => Read r#"["XINFO","GROUPS","k"]"#;
        redis.xinfo_consumers("k", "g") => Read r#"["XINFO","CONSUMERS","k","g"]"#;
    }
}
