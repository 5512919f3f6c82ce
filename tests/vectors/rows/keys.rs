//! The rows of keys, strings, bitmaps, HyperLogLog, geo, the connection, the server and scripts.

use restis::{
    Json,
    commands::{
        bitmaps::{BitOp, FirstBit, Int::U, Offset::Element, Overflow},
        connection::LibInfo,
        geo::{Area, Member, Position, Unit::Kilometers, Unit::Meters},
        keys::{KeyType, Ttl},
        server::Time,
    },
};
use serde_json::{Value, json};

use super::{text, texts};
use crate::{
    differences::{COPIED, DONE, MEMBERS, METERS, PLACES, SCANS},
    row::{Row, is, rows, scans},
};

#[rustfmt::skip]
pub(super) fn keys() -> Vec<Row> {
    let mut rows = rows! { redis:
        8 redis.copy("a", "b") => is(true), differs(COPIED);
        9 redis.copy("a", "b").replace() => is(false), differs(COPIED);
        13 redis.del(["a", "b"]) => is(2);
        20 redis.exists(["a", "b"]) => is(2);
        21 redis.expire("k", 10) => is(true);
        22 redis.expire("k", 10).gt() => is(true);
        23 redis.expireat("k", 1_700_000_000).nx() => is(true);
        80 redis.keys::<String>("*") => is(texts(&["a", "1"]));
        99 redis.persist("k") => is(true);
        100 redis.pexpire("k", 10) => is(true);
        101 redis.pexpireat("k", 1).xx() => is(true);
        108 redis.pttl("k") => is(Ttl::NoExpiry);
        110 redis.randomkey::<String>() => is(Some(text("12")));
        111 redis.rename("a", "b") => is(());
        112 redis.renamenx("a", "b") => is(true);
        151 redis.touch("a") => is(1);
        152 redis.ttl("k") => is(Ttl::NoExpiry);
        153 redis.key_type("k") => is(KeyType::String);
        154 redis.unlink("a") => is(1);
    };
    rows.extend(scans! { redis:
        117 redis.scan() => String: is(texts(&["a"])), differs(SCANS);
        118 redis.scan().matching("a*").count(5).of_type("hash") => String: is(texts(&[])), differs(SCANS);
        119 redis.scan().withtype() => (String, KeyType): is(vec![(text("a"), KeyType::String)]), differs(SCANS);
    });
    rows
}

#[rustfmt::skip]
pub(super) fn server_and_scripts() -> Vec<Row> {
    rows! { redis:
        7 redis.client_setinfo(LibInfo::Name, "x") => is(());
        10 redis.dbsize() => is(5);
        14 redis.echo::<String>("hi") => is(text("hi"));
        15 redis.eval::<i64>("return 1", "k").arg("a").arg(Json(json!({"o": 1}))).arg(2) => is(1);
        16 redis.eval_ro::<i64>("return 1", ()) => is(1);
        17 redis.evalsha::<i64>("sha", "k").arg("a") => is(1);
        18 redis.evalsha_ro::<i64>("sha", ()).arg("a") => is(1);
        19 redis.command("OBJECT").arg("ENCODING").arg("k").arg(1).arg(true).query::<String>() => is(text("raw"));
        24 redis.flushall() => is(());
        25 redis.flushall().async_() => is(());
        26 redis.flushdb() => is(());
        27 redis.flushdb().async_() => is(());
        105 redis.ping() => is(text("PONG"));
        106 redis.ping().message::<String>("hi") => is(text("hi"));
        109 redis.publish("c", Json(json!({"a": 1}))) => is(1);
        121 redis.script_exists(["a", "b"]) => is(vec![true, false]);
        122 redis.script_flush() => is(());
        123 redis.script_flush().async_() => is(());
        124 redis.script_load("return 1") => is(text("e0e1f9fabfc9d4800c877a703b823ac0578ff8db"));
        150 redis.time() => is(Time { seconds: 1, microseconds: 2 });
        230 redis.function_load("#!lua name=l\n").replace() => is(text("l"));
        231 redis.function_list().libraryname("l*").withcode() => Vec::is_empty;
        232 redis.function_delete("l") => is(());
        233 redis.function_flush() => is(());
        234 redis.function_stats() => |stats| {
            stats.running.is_none() && (stats.engines["LUA"].libraries, stats.engines["LUA"].functions) == (1, 2)
        };
        235 redis.fcall::<String>("f", "k").arg("a") => is(text("1"));
        236 redis.fcall_ro::<String>("f", ()) => is(text("1"));
    }
}

#[rustfmt::skip]
pub(super) fn strings() -> Vec<Row> {
    rows! { redis:
        0 redis.append("k", "v") => is(6);
        1 redis.bitcount("k") => is(3);
        2 redis.bitcount("k").range(0, -1) => is(3);
        3 redis.bitop(BitOp::And, "d", ["a", "b"]) => is(1);
        4 redis.bitop(BitOp::Not, "d", "a") => is(1);
        5 redis.bitop(BitOp::Diff, "d", ["x", "y"]) => is(1);
        6 redis.bitpos("k", true).range(0, 5) => is(FirstBit::At(2));
        11 redis.decr("k") => is(1);
        12 redis.decrby("k", 2) => is(1);
        38 redis.get::<Json<Value>>("k") => is(Some(Json(json!({"a": 1}))));
        39 redis.getbit("k", 7) => is(true);
        40 redis.getdel::<String>("k") => is(Some(text("v")));
        41 redis.getex::<String>("k").ex(10) => is(Some(text("v")));
        42 redis.getex::<String>("k").persist() => is(Some(text("v")));
        43 redis.getrange::<u64>("k", 0, 2) => is(123);
        44 redis.getset::<String>("k", "v") => is(Some(text("old")));
        77 redis.incr("k") => is(1);
        78 redis.incrby("k", 5) => is(6);
        79 redis.incrbyfloat("k", 1.5) => is(7.5);
        95 redis.mget::<i64>(["a", "b"]) => is(vec![Some(1), None]);
        96 redis.mget::<i64>(["a", "b"]) => is(vec![Some(1), None]);
        97 redis.mset(("a", 1)).pair("b", Json(json!({"c": 1}))) => is(());
        98 redis.msetnx(("a", 1)) => is(true);
        102 redis.pfadd("k", ["a", "b"]) => is(true);
        103 redis.pfcount(["a", "b"]) => is(2);
        104 redis.pfmerge("d", "a") => is(());
        107 redis.psetex("k", 5, "v") => is(());
        127 redis.set("k", "v") => is(());
        128 redis.set("k", "v").nx().get::<String>().ex(5) => is(Some(text("old")));
        129 redis.set("k", "v").xx().pxat(5) => is(false), differs(DONE);
        130 redis.set("k", "v").keepttl() => is(());
        131 redis.setbit("k", 7, true) => is(false);
        132 redis.setex("k", 5, "v") => is(());
        133 redis.setnx("k", "v") => is(true);
        134 redis.setrange("k", 5, "v") => is(6);
        147 redis.strlen("k") => is(1);
        256 redis.bitfield("k").set(U(4), 0, 16).get(U(4), Element(1)).incrby(U(4), Element(1), 1).overflow(Overflow::Sat)
            => is(vec![Some(0), Some(1)]);
    }
}

#[rustfmt::skip]
pub(super) fn geo() -> Vec<Row> {
    let palermo = Position::new(13.361389338970184, 38.1155563954963);
    rows! { redis:
        28 redis.geoadd("k", (Position::new(13.361389, 38.115556), "P")) => is(1);
        29 redis.geoadd("k", (Position::new(1.0, 2.0), Json(json!({"a": 1})))).xx().ch() => is(1);
        30 redis.geodist("k", "a", "b") => is(Some(166_274.151_6)),
            wire(r#"["GEODIST","k","a","b"]"#, METERS);
        31 redis.geodist("k", "a", "b").unit(Kilometers) => is(None);
        32 redis.geohash("k", ["a", "b"]) => is(vec![Some(text("sqc8b49rny0")), None]);
        33 redis.geohash("k", ["a", "b"]) => is(vec![Some(text("x"))]);
        34 redis.geopos("k", ["a", "b"]) => is(vec![Some(palermo), None]), differs(PLACES);
        35 redis.geosearch::<String>("k", Member("a"), Area::Radius(5.0, Kilometers)).asc()
            => is(texts(&["a", "1"])), differs(MEMBERS);
        36 redis.geosearch::<String>("k", Position::new(1.0, 2.0), Area::Box(3.0, 4.0, Meters))
            .desc().count_any(2).withcoord().withdist().withhash()
            => |found| {
                let [one] = &found[..] else { return false };
                (&*one.member, one.distance, one.hash, one.position)
                    == ("a", 1.5, 3_479_099_956_230_698, Position::new(1.1, 2.2))
            };
        37 redis.geosearchstore("d", "k", Member("a"), Area::Radius(5.0, Kilometers)).asc().count(1).storedist() => is(1);
    }
}
