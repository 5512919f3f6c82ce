//! The rows of lists and sets.

use restis::{
    Json,
    commands::lists::{Inserted, ListEnd, Place},
};
use serde_json::json;

use super::{text, texts};
use crate::{
    differences::{GUESSED, SCANS},
    row::{Row, is, rows, scans},
};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let mut rows = rows! { redis:
        81 redis.lindex::<i64>("k", 0) => is(Some(1));
        82 redis.linsert("k", Place::Before, "p", Json(json!({"a": 1}))) => is(Inserted::Length(3));
        83 redis.llen("k") => is(3);
        84 redis.lmove::<String>("a", "b", ListEnd::Left, ListEnd::Right) => is(Some(text("x")));
        85 redis.lmpop::<String>(["a", "b"], ListEnd::Left).count(2) => is(Some((text("a"), texts(&["1", "x"]))));
        86 redis.lpop::<String>("k") => is(Some(text("1")));
        87 redis.lpop::<String>("k").count(2) => is(Some(texts(&["1", "x"])));
        88 redis.lpos("k", "e").rank(1).count(2).maxlen(5) => is(vec![1]);
        89 redis.lpush("k", ["a", r#"{"b":1}"#]) => is(2);
        90 redis.lpushx("k", "a") => is(1);
        91 redis.lrange::<String>("k", 0, -1) => is(texts(&["1", "x", r#"{"a":1}"#])), differs(GUESSED);
        92 redis.lrem("k", 1, "v") => is(1);
        93 redis.lset("k", 0, "v") => is(());
        94 redis.ltrim("k", 0, 1) => is(());
        113 redis.rpop::<i64>("k").count(2) => is(Some(vec![1]));
        114 redis.rpush("k", "a") => is(1);
        115 redis.rpushx("k", "a") => is(1);

        116 redis.sadd("k", ["a", "b"]) => is(2);
        120 redis.scard("k") => is(1);
        125 redis.sdiff::<i64>(["a", "b"]) => is(vec![1]);
        126 redis.sdiffstore("d", "a") => is(1);
        135 redis.sinter::<String>(["a", "b"]) => is(texts(&["1"]));
        136 redis.sintercard(["a", "b"]).limit(1) => is(1);
        137 redis.sinterstore("d", "a") => is(1);
        138 redis.sismember("k", Json(json!({"a": 1}))) => is(true);
        139 redis.smembers::<String>("k") => is(texts(&["1", "x"]));
        140 redis.smismember("k", ["a", "b"]) => is(vec![true, false]);
        141 redis.smove("a", "b", "m") => is(true);
        142 redis.spop::<i64>("k") => is(Some(1));
        143 redis.spop::<i64>("k").count(2) => is(vec![1]);
        144 redis.srandmember::<i64>("k").count(2) => is(vec![1]);
        145 redis.srem("k", "a") => is(1);
        148 redis.sunion::<i64>("a") => is(vec![1]);
        149 redis.sunionstore("d", "a") => is(1);
    };
    rows.extend(scans! { redis:
        146 redis.sscan("k").matching("x") => String: is(texts(&["1"])), differs(SCANS);
    });
    rows
}
