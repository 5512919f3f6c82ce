//! What fields that expire make of replies.

use super::{fails, is, redis};
use crate::commands::hashes::expiry::{FieldExpire, FieldExpiry, FieldPersist, FieldTtl};

#[test]
fn numbers_that_mean_something_else() {
    let redis = redis();
    is(
        redis.hexpire("k", 10, ["a", "b", "c", "d"]).nx(),
        "[1,0,2,-2]",
        vec![
            FieldExpire::Set,
            FieldExpire::NotMet,
            FieldExpire::Deleted,
            FieldExpire::NoField,
        ],
    );
    fails(redis.hexpire("k", 10, "a"), "[3]");
    fails(redis.hexpire("k", 10, "a"), "null");
    is(
        redis.hpersist("k", ["a", "b", "c"]),
        "[1,-1,-2]",
        vec![
            FieldPersist::Persisted,
            FieldPersist::NoExpiry,
            FieldPersist::NoField,
        ],
    );
    fails(redis.hpersist("k", "a"), "[0]");
    is(
        redis.httl("k", ["a", "b", "c"]),
        "[-1,-2,\"0\"]",
        vec![FieldTtl::NoExpiry, FieldTtl::NoField, FieldTtl::Left(0)],
    );
    fails(redis.hpttl("k", "a"), "[-3]");
    is(
        redis.hexpiretime("k", ["a", "b", "c"]),
        "[1700000000,-1,-2]",
        vec![
            FieldExpiry::At(1_700_000_000),
            FieldExpiry::NoExpiry,
            FieldExpiry::NoField,
        ],
    );
    assert_eq!(
        (FieldTtl::Left(5).left(), FieldTtl::NoField.left()),
        (Some(5), None)
    );
    assert_eq!(
        (FieldExpiry::At(5).at(), FieldExpiry::NoExpiry.at()),
        (Some(5), None)
    );
}

#[test]
fn values_in_the_order_of_their_fields() {
    let redis = redis();
    is(
        redis.hgetdel("k", ["a", "b"]),
        "[\"1\",null]",
        vec![Some(1_u32), None],
    );
    is(redis.hgetex("k", "a").px(5), "[\"1\"]", vec![Some(1_u32)]);
    is(redis.hsetex("k", ("a", 1)).fxx().keepttl(), "1", true);
    is(redis.hsetex("k", ("a", 1)).fnx(), "0", false);
    is(redis.hmset("k", ("a", 1)), "\"OK\"", ());
}
