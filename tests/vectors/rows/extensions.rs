//! What no server here has: arrays, search and vector indexes.

use std::collections::HashMap;

use restis::commands::{
    arrays::Predicate,
    search::{
        Order,
        answers::{AliasSet, Count, Indexed},
        schema::{Field, On, Schema},
    },
    vector::{Metric, Profile, Vector},
};
use serde_json::json;

use super::{text, texts};
use crate::{
    differences::{COUNTED, FLAT, HANDLES, NEAREST, OPTIONS},
    row::{Row, is, rows},
};

#[rustfmt::skip]
pub(super) fn arrays() -> Vec<Row> {
    rows! { redis:
        237 redis.arcount("a") => is(1);
        238 redis.ardel("a", [1, 2]) => is(1);
        239 redis.ardelrange("a", [(0, 5), (7, 9)]) => is(3);
        240 redis.arget::<i64>("a", 0) => is(Some(1));
        241 redis.argetrange::<String>("a", 0, 2) => is(vec![Some(text("1")), None, Some(text("x"))]);
        242 redis.argrep("a", "-", "+", Predicate::Exact("x")).and().predicate(Predicate::Re("^y")).nocase().withvalues::<String>().limit(5)
            => is(vec![(1, text("x"))]);
        243 redis.arinfo("a").full() => |info| {
            (info.len, info.count, info.slice_size, info.next_insert_index) == (3, 2, Some(4), Some(3))
        };
        244 redis.arinsert("a", ["x", "y"]) => is(1);
        245 redis.arlastitems::<String>("a", 2).rev() => is(vec![Some(text("x"))]);
        246 redis.arlen("a") => is(3);
        247 redis.armget::<String>("a", [0, 1]) => is(vec![Some(text("x")), None]);
        248 redis.armset("a", [(0, "a"), (10, "b")]) => is(2);
        249 redis.arnext("a") => is(Some(3));
        250 redis.arop("a", 0, 5).sum::<i64>() => is(Some(6));
        251 redis.arop("a", 0, 5).matching("x") => is(1);
        252 redis.arring("a", 5, "x") => is(0);
        253 redis.arscan::<String>("a", 0, 9).limit(2) => is(vec![(0, text("x"))]);
        254 redis.arseek("a", 3) => is(true);
        255 redis.arset("a", 0, ["x", "y"]) => is(2);
    }
}

fn schema() -> Schema {
    Schema::new()
        .field("t", Field::text())
        .field("n", Field::u64().fast())
        .field("o.k", Field::keyword())
}

#[rustfmt::skip]
pub(super) fn search() -> Vec<Row> {
    rows! { redis:
        257 redis.search_create("i", On::Json("p:"), schema()).skipinitialscan().existsok().language("english") => is(true),
            wire(
                r#"["SEARCH.CREATE","i","ON","JSON","PREFIX","1","p:","SKIPINITIALSCAN","EXISTSOK","LANGUAGE","english","SCHEMA","t","TEXT","n","U64","FAST","o.k","KEYWORD"]"#,
                OPTIONS
            ),
            differs(HANDLES);
        258 redis.search_create("i", On::Stream("s"), Schema::new().field("t", Field::text())) => is(()), differs(HANDLES);
        259 redis.search_query::<HashMap<String, String>>("i", json!({"t": {"$eq": "x"}}))
            .limit(5).offset(1).orderby("n", Order::Asc).highlight_tags("t", "<b>", "</b>").select("t")
            => |hits| {
                let Some([hit]) = hits.as_deref() else { return false };
                (&*hit.key, hit.score, &*hit.data["t"], &*hit.data["o.k"]) == ("p:1", 1.2, "x", "y")
            },
            differs(FLAT);
        260 redis.search_count("i", json!({"t": "x"})) => is(Count::Documents(3)), differs(COUNTED);
        261 redis.search_aggregate::<HashMap<String, HashMap<String, f64>>>("i", json!({}), json!({"a": {"$avg": {"field": "n"}}}))
            => is(Some(HashMap::from([(text("a"), HashMap::from([(text("value"), 1.5)]))])));
        262 redis.search_describe("i") => |index| {
            let Some(index) = index else { return false };
            let [field] = &index.schema[..] else { return false };
            (&*index.name, &index.on, &*index.prefixes) == ("i", &Indexed::Json, &texts(&["p:"]))
                && (&*field.name, &*field.kind, field.nostem, field.fast) == ("t", "TEXT", true, false)
        };
        263 redis.search_waitindexing("i") => is(true);
        264 redis.search_drop("i") => is(true);
        265 redis.search_aliasadd("z", "i") => is(AliasSet::Added);
        266 redis.search_listaliases() => is(HashMap::from([(text("z"), text("i"))]));
        267 redis.search_aliasadd("z", "i") => is(AliasSet::Updated);
        268 redis.search_aliasdel("z") => is(true);
    }
}

#[rustfmt::skip]
pub(super) fn vector() -> Vec<Row> {
    rows! { redis:
        269 redis.vector_create("v", 2, Metric::Cosine).existsok() => is(true), differs(HANDLES);
        270 redis.vector_add("v", 1, Vector::Values(&[0.1, 2.0])) => is(true);
        271 redis.vector_add("v", 1, &[1.0, 2.0]) => is(true);
        272 redis.vector_add("v", 1, Vector::Base64("AACAPw==")) => is(true);
        273 redis.vector_get("v", 1) => is(Some(vec![0.1, 2.0]));
        274 redis.vector_query::<String>("v", 3, Vector::Values(&[1.0, 2.0])).profile(Profile::Fast)
            => is(vec![(text("1"), 0.9)]), differs(NEAREST);
        275 redis.vector_del("v", 1) => is(true);
        276 redis.vector_count("v") => is(1);
        277 redis.vector_info("v") => |info| info.is_some_and(|info| (info.dimension, info.metric) == (2, Metric::Cosine));
        278 redis.vector_drop("v") => is(true);
    }
}
