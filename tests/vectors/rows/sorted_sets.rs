//! The rows of sorted sets.

use restis::{Json, commands::sorted_sets::combine::Aggregate};
use serde_json::json;

use super::{text, texts};
use crate::{
    differences::{PAIRS, SCANS},
    row::{Row, is, rows, scans},
};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let scored = |score: f64| vec![(text("a"), score)];
    let mut rows = rows! { redis:
        178 redis.zadd("k", (1, "a")).member(2, Json(json!({"b": 1}))) => is(2);
        179 redis.zadd("k", (1.5, "a")).xx().ch().incr().gt() => is(Some(2.5));
        180 redis.zcard("k") => is(1);
        181 redis.zcount("k", "(1", "+inf") => is(1);
        182 redis.zdiffstore("d", ["a", "b"]) => is(1);
        183 redis.zincrby("k", 2.0, "m") => is(3.0);
        184 redis.zinterstore("d", ["a", "b"]).weights([1, 2]).aggregate(Aggregate::Max) => is(1);
        185 redis.zinterstore("d", "a").weights(2) => is(1);
        186 redis.zlexcount("k", "-", "+") => is(1);
        187 redis.zmscore("k", ["a", "b"]) => is(vec![Some(1.0), None]);
        188 redis.zpopmax::<String>("k") => is(scored(1.0)), differs(PAIRS);
        189 redis.zpopmin::<String>("k").count(2) => is(scored(1.0)), differs(PAIRS);
        190 redis.zrange::<String>("k", 0, -1) => is(texts(&["a", "1"]));
        191 redis.zrange::<String>("k", "[a", "+").bylex().limit(0, 2) => is(texts(&["a"]));
        192 redis.zrange::<String>("k", 0, -1).rev().withscores() => is(scored(1.5)), differs(PAIRS);
        193 redis.zrank("k", "m") => is(Some(0));
        194 redis.zrem("k", "a") => is(1);
        195 redis.zremrangebylex("k", "-", "+") => is(1);
        196 redis.zremrangebyrank("k", 0, 1) => is(1);
        197 redis.zremrangebyscore("k", "-inf", "(5") => is(1);
        198 redis.zrevrank("k", "m") => is(None);
        200 redis.zscore("k", "m") => is(Some(1.5));
        201 redis.zunion::<String>(["a", "b"]).weights([1, 2]).aggregate(Aggregate::Sum).withscores()
            => is(scored(1.0)), differs(PAIRS);
        202 redis.zunionstore("d", ["a", "b"]) => is(1);
    };
    rows.extend(scans! { redis:
        199 redis.zscan("k") => (String, f64): is(scored(1.0)), differs(SCANS);
    });
    rows
}
