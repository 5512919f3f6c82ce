//! The rows of streams and their groups.

use std::time::Duration;

use restis::{
    Json,
    commands::streams::{Entry, StreamId, Trim, groups::Deletion},
};
use serde_json::json;

use super::text;
use crate::{
    differences::{EMPTY, ENTRIES, EXACT, NAMED, NO_BLOCK, PAIRS},
    row::{Row, is, rows},
};

type Fields = Vec<(String, String)>;

const FIRST: StreamId = StreamId::new(1, 0);

/// One entry, `1-0`, with one field.
fn one(field: &'static str, value: &'static str) -> impl Fn(&Vec<Entry<Fields>>) -> bool {
    move |entries| {
        let [entry] = &entries[..] else { return false };
        entry.id == FIRST && entry.fields == [(text(field), text(value))]
    }
}

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    rows! { redis:
        155 redis.xack("k", "g", ["1-0", "2-0"]) => is(2);
        156 redis.xackdel("k", "g", "1-0").delref() => is(vec![Deletion::Deleted]);
        157 redis.xadd("k", "*", ("a", 1)).nomkstream().trim(Trim::maxlen(100).approx().limit(10)).field("b", Json(json!({"c": 1})))
            => is(Some(FIRST));
        158 redis.xautoclaim::<Fields>("k", "g", "c", 10, "0-0").count(2).justid()
            => |claimed| claimed.next.is_none() && claimed.entries == [FIRST] && claimed.deleted.is_empty();
        159 redis.xclaim::<Fields>("k", "g", "c", 10, "1-0").retrycount(2).force().justid().lastid("1-0") => is(vec![FIRST]);
        160 redis.xdel("k", ["1-0", "2-0"]) => is(2);
        161 redis.xdelex("k", "1-0").keepref() => is(vec![Deletion::Deleted]);
        162 redis.xgroup_create("k", "g", "$").mkstream().entriesread(5) => is(());
        163 redis.xgroup_createconsumer("k", "g", "c") => is(true);
        164 redis.xgroup_delconsumer("k", "g", "c") => is(0);
        165 redis.xgroup_destroy("k", "g") => is(true);
        166 redis.xgroup_setid("k", "g", "0").entriesread(1) => is(());
        167 redis.xinfo_groups("k") => |groups| {
                let [group] = &groups[..] else { return false };
                (&*group.name, group.consumers, group.pending, group.last_delivered_id, group.entries_read, group.lag)
                    == ("g", 0, 0, FIRST, Some(1), None)
            },
            whole(r#"[["name","g","consumers",0,"pending",0,"last-delivered-id","1-0","entries-read",1,"lag",null]]"#),
            differs(NAMED);
        168 redis.xinfo_consumers("k", "g") => |consumers| {
                let [consumer] = &consumers[..] else { return false };
                (&*consumer.name, consumer.pending, consumer.idle, consumer.inactive) == ("c", 0, Duration::from_millis(5), None)
            },
            whole(r#"[["name","c","pending",0,"idle",5,"inactive",-1]]"#), differs(NAMED);
        169 redis.xlen("k") => is(1);
        170 redis.xpending("k", "g").range("-", "+", 10).idle(5).consumer("c") => |pending| {
                let [entry] = &pending[..] else { return false };
                (entry.id, &*entry.consumer, entry.idle, entry.deliveries) == (FIRST, "c", Duration::from_millis(5), 1)
            };
        171 redis.xrange::<Fields>("k", "-", "+").count(2) => one("a", "1"), differs(ENTRIES);
        172 redis.xread::<Fields>([("a", "0"), ("b", "0")]).count(1) => |read| read[0].key == "a" && one("f", "1")(&read[0].entries),
            wire(r#"["XREAD","COUNT","1","STREAMS","a","b","0","0"]"#, NO_BLOCK), differs(PAIRS);
        173 redis.xread::<Fields>(("a", "0")) => Vec::is_empty, differs(EMPTY);
        174 redis.xreadgroup::<Fields>("g", "c", ("k", ">")).count(1).noack() => Vec::is_empty,
            wire(r#"["XREADGROUP","GROUP","g","c","COUNT","1","NOACK","STREAMS","k",">"]"#, NO_BLOCK), differs(EMPTY);
        175 redis.xrevrange::<Fields>("k", "+", "-") => one("a", "x"), differs(ENTRIES);
        176 redis.xtrim("k", Trim::maxlen(10).approx()) => is(1);
        177 redis.xtrim("k", Trim::minid(FIRST).limit(5)) => is(1),
            wire(r#"["XTRIM","k","MINID","1-0","LIMIT","5"]"#, EXACT);
    }
}
