//! The rows of hashes, and of fields that expire.

use std::collections::HashMap;

use restis::{
    Json,
    commands::hashes::expiry::{FieldExpire, FieldExpiry, FieldPersist, FieldTtl},
};
use serde_json::json;

use super::{text, texts};
use crate::{
    differences::{BY_ORDER, EMPTY, PAIRS, SCANS},
    row::{Row, is, rows, scans},
};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let both = || HashMap::from([(text("a"), text("1")), (text("b"), text("x"))]);
    let pairs = || vec![(text("a"), text("1")), (text("b"), text("x"))];
    let mut rows = rows! { redis:
        45 redis.hdel("k", ["a", "b"]) => is(2);
        46 redis.hexists("k", "f") => is(true);
        47 redis.hexpire("k", 10, "f") => is(vec![FieldExpire::Set]);
        48 redis.hexpire("k", 10, ["a", "b"]).nx() => is(vec![FieldExpire::Set, FieldExpire::NotMet]);
        49 redis.hexpireat("k", 1_700_000_000, "f") => is(vec![FieldExpire::Set]);
        50 redis.hexpiretime("k", "a") => is(vec![FieldExpiry::At(1_700_000_000)]);
        51 redis.httl("k", "a") => is(vec![FieldTtl::NoExpiry]);
        52 redis.hpexpire("k", 1_000, "a").gt() => is(vec![FieldExpire::Set]);
        53 redis.hpexpireat("k", 1_700_000_000_000, "a") => is(vec![FieldExpire::Set]);
        54 redis.hpexpiretime("k", "a") => is(vec![FieldExpiry::NoField]);
        55 redis.hpttl("k", "a") => is(vec![FieldTtl::NoField]);
        56 redis.hpersist("k", ["a", "b"]) => is(vec![FieldPersist::Persisted, FieldPersist::NoExpiry]);
        57 redis.hget::<i64>("k", "f") => is(Some(1));
        58 redis.hgetall::<String>("k") => is(both());
        59 redis.hgetall::<String>("k") => is(HashMap::new()), differs(EMPTY);
        60 redis.hgetdel::<i64>("k", ["a", "b"]) => is(vec![Some(1), None]), differs(BY_ORDER);
        61 redis.hgetex::<i64>("k", "a").px(5) => is(vec![Some(1)]), differs(BY_ORDER);
        62 redis.hincrby("k", "f", 2) => is(3);
        63 redis.hincrbyfloat("k", "f", 0.5) => is(3.5);
        64 redis.hkeys::<String>("k") => is(texts(&["a", "1"]));
        65 redis.hlen("k") => is(2);
        66 redis.hmget::<i64>("k", ["a", "b"]) => is(vec![Some(1), None]), differs(BY_ORDER);
        67 redis.hmset("k", ("a", 1)).field("b", Json(json!({"c": 2}))) => is(());
        68 redis.hrandfield::<String>("k") => is(Some(text("f")));
        69 redis.hrandfield::<String>("k").count(2) => is(texts(&["a", "b"]));
        70 redis.hrandfield::<String>("k").count(2).withvalues::<String>() => is(pairs()), differs(PAIRS);
        72 redis.hset("k", ("a", 1)).field("b", "x").field("c", Json(())).field("d", true).field("e", Json([1])) => is(5);
        73 redis.hsetex("k", ("a", 1)).fxx().keepttl() => is(true);
        74 redis.hsetnx("k", "f", "v") => is(true);
        75 redis.hstrlen("k", "f") => is(3);
        76 redis.hvals::<String>("k") => is(texts(&["1", "x"]));
    };
    rows.extend(scans! { redis:
        71 redis.hscan("k").matching("a*").count(10) => (String, i64): is(vec![(text("a"), 1)]), differs(SCANS);
    });
    rows
}
