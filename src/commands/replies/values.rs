//! What keys and comparing before setting make of replies.

use super::{fails, is, redis};
use crate::commands::keys::Expiry;

#[test]
fn keys_and_conditions() {
    let redis = redis();
    is(redis.expiretime("k"), "-2", Expiry::NoKey);
    is(redis.expiretime("k"), "-1", Expiry::NoExpiry);
    is(
        redis.pexpiretime("k"),
        "1700000000000",
        Expiry::At(1_700_000_000_000),
    );
    fails(redis.expiretime("k"), "-3");
    assert_eq!((Expiry::At(5).at(), Expiry::NoKey.at()), (Some(5), None));
    is(redis.dump("k"), "null", None);
    is(redis.object_encoding("k"), "\"raw\"", Some("raw".into()));
    is(redis.memory_usage("k"), "null", None);

    is(redis.set("k", "v").ifeq("old"), "null", false);
    is(redis.set("k", "v").ifdne("b5b5"), "\"OK\"", true);
    is(
        redis.set("k", "v").get::<String>().ifeq("old"),
        "\"other\"",
        Some("other".to_owned()),
    );
    is(redis.delex("k").ifeq("v"), "0", false);
    is(redis.digest("k"), "null", None);
}
