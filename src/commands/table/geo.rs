//! The rows of geo.

use super::{Idempotent, Read, Recorder, Row, Write, Written};
use crate::commands::geo::{
    Area, Member, Position,
    Unit::{Feet, Kilometers, Meters, Miles},
};

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    let at = Position::new(1.5, -2.0);
    let near = Area::Radius(5.0, Kilometers);
    rows! { recorder:
        redis.geoadd("k", (at, "m")) => Write r#"["GEOADD","k","1.5","-2","m"]"#;
        redis.geoadd("k", [(at, "m"), (at, "n")]).nx() => Write r#"["GEOADD","k","NX","1.5","-2","m","1.5","-2","n"]"#;
        redis.geoadd("k", vec![(at, "m")]).xx().ch().member(at, 7)
            => Write r#"["GEOADD","k","XX","CH","1.5","-2","m","1.5","-2","7"]"#;
        redis.geodist("k", "a", "b") => Read r#"["GEODIST","k","a","b"]"#;
        redis.geodist("k", "a", "b").unit(Meters) => Read r#"["GEODIST","k","a","b","M"]"#;
        redis.geohash("k", ["a", "b"]) => Read r#"["GEOHASH","k","a","b"]"#;
        redis.geopos("k", ["a", "b"]) => Read r#"["GEOPOS","k","a","b"]"#;
        redis.geosearch::<String>("k", Member("a"), near) => Read r#"["GEOSEARCH","k","FROMMEMBER","a","BYRADIUS","5","KM"]"#;
        redis.geosearch::<String>("k", at, Area::Box(3.0, 4.5, Meters)).desc().count_any(2).withcoord().withdist().withhash()
            => Read r#"["GEOSEARCH","k","FROMLONLAT","1.5","-2","BYBOX","3","4.5","M","DESC","COUNT","2","ANY","WITHCOORD","WITHDIST","WITHHASH"]"#;
        redis.geosearch::<String>("k", at, near).withdist().withhash().withcoord().asc().count(2)
            => Read r#"["GEOSEARCH","k","FROMLONLAT","1.5","-2","BYRADIUS","5","KM","WITHDIST","WITHHASH","WITHCOORD","ASC","COUNT","2"]"#;
        redis.geosearch::<String>("k", at, near).withhash() => Read r#"["GEOSEARCH","k","FROMLONLAT","1.5","-2","BYRADIUS","5","KM","WITHHASH"]"#;
        redis.geosearchstore("d", "k", Member("a"), near).asc().count(1).storedist()
            => Idempotent r#"["GEOSEARCHSTORE","d","k","FROMMEMBER","a","BYRADIUS","5","KM","ASC","COUNT","1","STOREDIST"]"#;
        redis.geosearchstore("k", "k", at, near) => Write r#"["GEOSEARCHSTORE","k","k","FROMLONLAT","1.5","-2","BYRADIUS","5","KM"]"#;

        redis.georadius::<String>("k", at, 5.0, Miles).asc() => Write r#"["GEORADIUS","k","1.5","-2","5","MI","ASC"]"#;
        redis.georadius::<String>("k", at, 5.0, Miles).withdist() => Write r#"["GEORADIUS","k","1.5","-2","5","MI","WITHDIST"]"#;
        redis.georadius::<String>("k", at, 5.0, Miles).withhash() => Write r#"["GEORADIUS","k","1.5","-2","5","MI","WITHHASH"]"#;
        redis.georadius::<String>("k", at, 5.0, Miles).withcoord() => Write r#"["GEORADIUS","k","1.5","-2","5","MI","WITHCOORD"]"#;
        redis.georadius::<String>("k", at, 5.0, Miles).store("d") => Write r#"["GEORADIUS","k","1.5","-2","5","MI","STORE","d"]"#;
        redis.georadius::<String>("k", at, 5.0, Miles).count(3).storedist("d")
            => Write r#"["GEORADIUS","k","1.5","-2","5","MI","COUNT","3","STOREDIST","d"]"#;
        redis.georadius_ro::<String>("k", at, 5.0, Feet).withdist() => Read r#"["GEORADIUS_RO","k","1.5","-2","5","FT","WITHDIST"]"#;
        redis.georadiusbymember::<String>("k", "a", 5.0, Feet).store("d") => Write r#"["GEORADIUSBYMEMBER","k","a","5","FT","STORE","d"]"#;
        redis.georadiusbymember_ro::<String>("k", "a", 5.0, Feet).desc() => Read r#"["GEORADIUSBYMEMBER_RO","k","a","5","FT","DESC"]"#;
    }
}
