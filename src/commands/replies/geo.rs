//! What geo, bitmaps and HyperLogLog make of replies.

use super::{fails, is, redis, texts};
use crate::{
    Bytes, Command, FromReply,
    commands::{
        bitmaps::{BitOp, FirstBit},
        geo::{Area, Found, Member, Position, Unit},
    },
};

#[test]
fn places() {
    let redis = redis();
    let palermo = Position::new(13.361_389_338_970_184, 38.115_556_395_496_3);
    is(
        redis.geodist("k", "a", "b"),
        "\"166274.1516\"",
        Some(166_274.151_6),
    );
    is(redis.geodist("k", "a", "b"), "null", None);
    is(
        redis.geohash("k", ["a", "b"]),
        "[\"sqc8b49rny0\",null]",
        vec![Some("sqc8b49rny0".to_owned()), None],
    );
    let json = "[null,[\"13.36138933897018433\",\"38.11555639549629859\"]]";
    is(
        redis.geopos("k", ["a", "b"]),
        json,
        vec![None, Some(palermo)],
    );
    fails(redis.geopos("k", "a"), "[[\"1\"]]");
    fails(redis.geopos("k", "a"), "[[\"1\",\"north\"]]");
}

#[test]
fn found_with_what_was_asked_for() {
    let redis = redis();
    let area = Area::Radius(5.0, Unit::Kilometers);
    let search = || redis.geosearch::<String>("k", Member("a"), area);
    is(search(), "[\"a\",\"1\"]", texts(&["a", "1"]));
    is(search(), "[]", texts(&[]));
    let all = Found {
        member: "a".to_owned(),
        distance: 1.5,
        hash: 3_479_099_956_230_698,
        position: Position::new(1.1, 2.2),
    };
    let json = "[[\"a\",\"1.5\",3479099956230698,[\"1.1\",\"2.2\"]]]";
    is(
        search().withcoord().withdist().withhash(),
        json,
        vec![all.clone()],
    );
    is(search().withhash().withcoord().withdist(), json, vec![all]);
    let at = Found {
        member: 7,
        distance: (),
        hash: (),
        position: Position::new(1.1, 2.2),
    };
    is(
        redis.geosearch::<u32>("k", Member("a"), area).withcoord(),
        "[[\"7\",[\"1.1\",\"2.2\"]]]",
        vec![at],
    );
    fails(search().withdist(), "[[\"a\"]]");
    fails(search().withdist(), "[[\"a\",\"1.5\",3]]");
    fails(search().withdist(), "[\"a\"]");

    fn asks<T: FromReply, O>(_: Command<'_, T, O>) -> bool {
        T::BYTES
    }
    assert!(asks(
        redis.geosearch::<Bytes>("k", Member("a"), area).withdist()
    ));
    assert!(!asks(search().withdist()));
}

#[test]
fn bits() {
    let redis = redis();
    is(redis.bitpos("k", true), "-1", FirstBit::Nowhere);
    is(redis.bitpos("k", true), "2", FirstBit::At(2));
    fails(redis.bitpos("k", true), "-2");
    assert_eq!(
        (FirstBit::At(2).at(), FirstBit::Nowhere.at()),
        (Some(2), None)
    );
    is(redis.setbit("k", 7, true), "0", false);
    is(redis.bitcount("k").range(0, -1), "3", 3);
    is(redis.bitop(BitOp::Diff, "d", ["x", "y"]), "1", 1);
    is(
        redis.bitfield("k"),
        "[0,null,-9223372036854775808]",
        vec![Some(0), None, Some(i64::MIN)],
    );
    fails(redis.bitfield_ro("k"), "[null]");
    is(redis.pfadd("k", "a"), "1", true);
    is(redis.pfcount(["a", "b"]), "2", 2);
    is(redis.pfmerge("d", "a"), "\"OK\"", ());
}
