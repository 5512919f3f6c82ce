//! What commands make of replies, as the type of each command says: nil, flat and nested pairs,
//! numbers that mean something else. No server: those replies are shown that one server sends and
//! another does not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod extensions;
mod functions;
mod json;
mod streams;

mod fields;
mod geo;
mod server;
mod values;

use std::{collections::HashMap, fmt::Debug};

use super::{
    keys::{KeyType, Ttl},
    lists::{Inserted, ListEnd, Place},
    sorted_sets::ScoreEnd,
};
use crate::{Bytes, Command, Error, FromReply, Redis, Reply, wire};

fn redis() -> Redis {
    Redis::new("https://mock.example", "token").unwrap()
}

/// The reply of this command, were it this JSON.
fn reply<T: FromReply, O>(_: Command<'_, T, O>, json: &str) -> Result<T, Error> {
    T::from_reply(Reply::new(
        wire::json::Value::parse(json.as_bytes()).unwrap(),
        false,
    ))
}

#[track_caller]
fn is<T: FromReply + PartialEq + Debug, O>(command: Command<'_, T, O>, json: &str, expected: T) {
    assert_eq!(reply(command, json).unwrap(), expected);
}

#[track_caller]
fn fails<T: FromReply + Debug, O>(command: Command<'_, T, O>, json: &str) {
    assert!(reply(command, json).unwrap_err().is_decode());
}

fn asks_for_bytes<T: FromReply, O>(_: Command<'_, T, O>) -> bool {
    T::BYTES
}

fn scored(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs
        .iter()
        .map(|(member, score)| ((*member).to_owned(), *score))
        .collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn numbers_that_mean_something_else() {
    let redis = redis();
    is(redis.ttl("k"), "-2", Ttl::NoKey);
    is(redis.ttl("k"), "-1", Ttl::NoExpiry);
    is(redis.pttl("k"), "0", Ttl::Left(0));
    is(redis.pttl("k"), "\"59990\"", Ttl::Left(59_990));
    fails(redis.ttl("k"), "-3");
    is(
        redis.linsert("k", Place::After, "p", "v"),
        "0",
        Inserted::NoKey,
    );
    is(
        redis.linsert("k", Place::After, "p", "v"),
        "-1",
        Inserted::NoPivot,
    );
    is(
        redis.linsert("k", Place::After, "p", "v"),
        "3",
        Inserted::Length(3),
    );
    fails(redis.linsert("k", Place::After, "p", "v"), "-2");
    assert_eq!(
        (Ttl::Left(5).left(), Ttl::NoKey.left(), Ttl::NoExpiry.left()),
        (Some(5), None, None)
    );
    assert_eq!(
        (
            Inserted::Length(5).length(),
            Inserted::NoKey.length(),
            Inserted::NoPivot.length()
        ),
        (Some(5), None, None)
    );
    is(redis.key_type("k"), "\"zset\"", KeyType::ZSet);
    is(redis.key_type("k"), "\"none\"", KeyType::None);
    is(
        redis.key_type("k"),
        "\"bloom\"",
        KeyType::Other("bloom".into()),
    );
    is(
        redis.smismember("k", ["a", "b"]),
        "[1,0]",
        vec![true, false],
    );
    is(redis.copy("a", "b"), "0", false);
}

#[test]
fn counts_are_not_negative_and_not_nil() {
    let redis = redis();
    is(redis.llen("k"), "18446744073709551615", u64::MAX);
    fails(redis.llen("k"), "-1");
    fails(redis.zadd("k", (1, "m")), "null");
    fails(redis.hlen("k"), "1.0");
}

#[test]
fn one_or_several_popped() {
    let redis = redis();
    is(redis.lpop("k"), "null", None::<String>);
    is(redis.lpop("k"), "\"a\"", Some("a".to_owned()));
    is(redis.lpop("k").count(2), "null", None::<Vec<String>>);
    is(redis.lpop("k").count(2), "[\"a\"]", Some(texts(&["a"])));
    is(redis.spop("k"), "null", None::<String>);
    is(redis.spop("k").count(2), "[]", Vec::<String>::new());
    is(redis.lpos("k", "v"), "null", None);
    is(redis.lpos("k", "v").count(0), "[0,2]", vec![0, 2]);
    is(
        redis.lmpop(["a", "b"], ListEnd::Left),
        "null",
        None::<(String, Vec<String>)>,
    );
    is(
        redis.lmpop(["a", "b"], ListEnd::Left),
        "[\"b\",[\"x\",\"y\"]]",
        Some(("b".to_owned(), texts(&["x", "y"]))),
    );
    fails(redis.lmpop::<String>(["a", "b"], ListEnd::Left), "[\"b\"]");
    is(
        redis.lmpop(["a", "b"], ListEnd::Left),
        "[\"b\",[\"1\"]]",
        Some(("b".to_owned(), vec![1_i64])),
    );
}

#[test]
fn scores_flat_and_nested() {
    let redis = redis();
    for json in [
        "[\"a\",\"1\",\"b\",\"-inf\"]",
        "[[\"a\",\"1\"],[\"b\",\"-inf\"]]",
        "[[\"a\",1],[\"b\",\"-inf\"]]",
    ] {
        let expected = scored(&[("a", 1.0), ("b", f64::NEG_INFINITY)]);
        is(
            redis.zrange::<String>("k", 0, -1).withscores(),
            json,
            expected.clone(),
        );
        is(
            redis.zunion::<String>(["k", "l"]).withscores(),
            json,
            expected.clone(),
        );
        is(
            redis.zdiff::<String>(["k", "l"]).withscores(),
            json,
            expected.clone(),
        );
        is(
            redis.zrandmember::<String>("k").count(2).withscores(),
            json,
            expected.clone(),
        );
        is(redis.zpopmin::<String>("k").count(2), json, expected);
    }
    is(redis.zpopmin::<String>("k"), "[]", Vec::new());
    is(
        redis.zpopmax::<String>("k"),
        "[\"a\",\"0.1\"]",
        scored(&[("a", 0.1)]),
    );
    fails(redis.zrange::<String>("k", 0, -1).withscores(), "[\"a\"]");
    fails(
        redis.zrange::<String>("k", 0, -1).withscores(),
        "[\"a\",\"high\"]",
    );
    is(
        redis.zmpop(["a", "b"], ScoreEnd::Min),
        "null",
        None::<(String, Vec<(String, f64)>)>,
    );
    let popped = Some(("b".to_owned(), scored(&[("x", 1.0), ("y", 2.0)])));
    is(
        redis.zmpop::<String>(["a", "b"], ScoreEnd::Min),
        "[\"b\",[[\"x\",\"1\"],[\"y\",\"2\"]]]",
        popped,
    );
    is(redis.zrank("k", "m"), "null", None);
    is(redis.zrank("k", "m").withscore(), "null", None);
    is(
        redis.zrank("k", "m").withscore(),
        "[3,\"1.5\"]",
        Some((3, 1.5)),
    );
    is(redis.zadd("k", (1, "m")).incr(), "\"2.5\"", Some(2.5));
    is(redis.zadd("k", (1, "m")).incr().nx(), "null", None);
    is(
        redis.zmscore("k", ["m", "n"]),
        "[\"1e300\",null]",
        vec![Some(1e300), None],
    );
    is(
        redis.zincrby("k", 0.1, "m"),
        "\"0.30000000000000004\"",
        0.300_000_000_000_000_04,
    );
}

#[test]
fn fields_flat_and_nested() {
    let redis = redis();
    for json in ["[\"a\",\"1\",\"b\",\"2\"]", "[[\"a\",\"1\"],[\"b\",\"2\"]]"] {
        is(
            redis.hgetall("k"),
            json,
            HashMap::from([("a".to_owned(), 1_u32), ("b".to_owned(), 2)]),
        );
        let drawn = vec![("a".to_owned(), 1_u32), ("b".to_owned(), 2)];
        is(
            redis.hrandfield::<String>("k").count(2).withvalues::<u32>(),
            json,
            drawn,
        );
    }
    is(redis.hgetall("k"), "[]", HashMap::<String, Bytes>::new());
    is(
        redis.hmget("k", ["a", "b"]),
        "[\"1\",null]",
        vec![Some(1_u32), None],
    );
    fails(redis.hgetall::<u32>("k"), "[\"a\"]");
    fails(redis.hgetall::<u32>("k"), "[\"a\",null]");
}

#[test]
fn bytes_are_asked_for_where_text_would_lose_them() {
    let redis = redis();
    assert!(asks_for_bytes(
        redis.zrange::<Bytes>("k", 0, -1).withscores()
    ));
    assert!(asks_for_bytes(redis.lmpop::<Bytes>("k", ListEnd::Left)));
    assert!(asks_for_bytes(redis.lpop::<Bytes>("k").count(2)));
    assert!(asks_for_bytes(redis.hgetall::<Bytes>("k")));
    assert!(asks_for_bytes(
        redis
            .hrandfield::<String>("k")
            .count(2)
            .withvalues::<Bytes>()
    ));
    assert!(asks_for_bytes(redis.slowlog_get()));
    assert!(!asks_for_bytes(redis.hgetall::<String>("k")));
    assert!(!asks_for_bytes(redis.info()));
}
