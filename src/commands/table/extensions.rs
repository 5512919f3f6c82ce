//! The rows of what Upstash has and Valkey has not: arrays, search and vector indexes.

use serde_json::json;

use super::{Idempotent, Read, Recorder, Row, Write, Written};
use crate::commands::{
    arrays::Predicate,
    search::{
        Order,
        schema::{Field, On, Schema},
    },
    vector::{Metric, Profile, Vector},
};

#[rustfmt::skip]
pub(super) fn arrays(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.arset("a", 0, ["x", "y"]) => Write r#"["ARSET","a","0","x","y"]"#;
        redis.arset("a", u64::MAX - 1, 1) => Write r#"["ARSET","a","18446744073709551614","1"]"#;
        redis.armset("a", [(0, "a"), (10, "b")]) => Write r#"["ARMSET","a","0","a","10","b"]"#;
        redis.arget::<()>("a", 0) => Read r#"["ARGET","a","0"]"#;
        redis.armget::<()>("a", [0, 1]) => Read r#"["ARMGET","a","0","1"]"#;
        redis.argetrange::<()>("a", 0, 2) => Read r#"["ARGETRANGE","a","0","2"]"#;
        redis.arscan::<()>("a", 0, 9) => Read r#"["ARSCAN","a","0","9"]"#;
        redis.arscan::<()>("a", 0, 9).limit(2) => Read r#"["ARSCAN","a","0","9","LIMIT","2"]"#;
        redis.argrep("a", "-", "+", Predicate::Exact("x")) => Read r#"["ARGREP","a","-","+","EXACT","x"]"#;
        redis.argrep("a", 0, u64::MAX, Predicate::Match("x")).or().limit(1)
            => Read r#"["ARGREP","a","0","18446744073709551615","MATCH","x","OR","LIMIT","1"]"#;
        redis.argrep("a", "-", "+", Predicate::Exact("x")).and().predicate(Predicate::Re("^y")).nocase().withvalues::<()>().limit(5)
            => Read r#"["ARGREP","a","-","+","EXACT","x","RE","^y","AND","NOCASE","WITHVALUES","LIMIT","5"]"#;
        redis.argrep("a", "-", "+", Predicate::Glob("x*")) => Read r#"["ARGREP","a","-","+","GLOB","x*"]"#;
        redis.ardel("a", [1, 2]) => Write r#"["ARDEL","a","1","2"]"#;
        redis.ardelrange("a", [(0, 5), (7, 9)]) => Write r#"["ARDELRANGE","a","0","5","7","9"]"#;
        redis.arcount("a") => Read r#"["ARCOUNT","a"]"#;
        redis.arlen("a") => Read r#"["ARLEN","a"]"#;
        redis.arinsert("a", ["x", "y"]) => Write r#"["ARINSERT","a","x","y"]"#;
        redis.arring("a", 5, "x") => Write r#"["ARRING","a","5","x"]"#;
        redis.arlastitems::<()>("a", 2) => Read r#"["ARLASTITEMS","a","2"]"#;
        redis.arlastitems::<()>("a", 2).rev() => Read r#"["ARLASTITEMS","a","2","REV"]"#;
        redis.arnext("a") => Read r#"["ARNEXT","a"]"#;
        redis.arseek("a", 3) => Idempotent r#"["ARSEEK","a","3"]"#;
        redis.arop("a", 0, 5).sum::<i64>() => Read r#"["AROP","a","0","5","SUM"]"#;
        redis.arop("a", 0, 5).min::<f64>() => Read r#"["AROP","a","0","5","MIN"]"#;
        redis.arop("a", 0, 5).max::<f64>() => Read r#"["AROP","a","0","5","MAX"]"#;
        redis.arop("a", 0, 5).and() => Read r#"["AROP","a","0","5","AND"]"#;
        redis.arop("a", 0, 5).or() => Read r#"["AROP","a","0","5","OR"]"#;
        redis.arop("a", 0, 5).xor() => Read r#"["AROP","a","0","5","XOR"]"#;
        redis.arop("a", 0, 5).used() => Read r#"["AROP","a","0","5","USED"]"#;
        redis.arop("a", 0, 5).matching("x") => Read r#"["AROP","a","0","5","MATCH","x"]"#;
        redis.arinfo("a") => Read r#"["ARINFO","a"]"#;
        redis.arinfo("a").full() => Read r#"["ARINFO","a","FULL"]"#;
    }
}

#[rustfmt::skip]
pub(super) fn search(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    let schema = Schema::new().field("t", Field::text());
    let nested = Schema::new().field("t", Field::text()).field("n", Field::u64().fast()).field("o.k", Field::keyword());
    let every = Schema::new()
        .field("a", Field::text().notokenize().nostem())
        .field("b", Field::i64().from("c"))
        .field("d", Field::f64())
        .field("e", Field::bool().from("f.g").fast())
        .field("h", Field::date())
        .field("i", Field::facet());
    rows! { recorder:
        redis.search_create("i", On::Json("p:"), nested).skipinitialscan().existsok().language("english")
            => Write r#"["SEARCH.CREATE","i","ON","JSON","PREFIX","1","p:","SKIPINITIALSCAN","EXISTSOK","LANGUAGE","english","SCHEMA","t","TEXT","n","U64","FAST","o.k","KEYWORD"]"#;
        redis.search_create("i", On::Stream("s"), schema.clone()) => Write r#"["SEARCH.CREATE","i","ON","STREAM","s","SCHEMA","t","TEXT"]"#;
        redis.search_create("i", On::Hash(["p:", "q:"]), every)
            => Write r#"["SEARCH.CREATE","i","ON","HASH","PREFIX","2","p:","q:","SCHEMA","a","TEXT","NOTOKENIZE","NOSTEM","b","I64","FROM","c","d","F64","e","BOOL","FAST","FROM","f.g","h","DATE","i","FACET"]"#;
        redis.search_create("i", On::String("p:"), schema) => Write r#"["SEARCH.CREATE","i","ON","STRING","PREFIX","1","p:","SCHEMA","t","TEXT"]"#;
        redis.search_query::<()>("i", json!({"t": {"$eq": "x"}})).limit(5).offset(1).orderby("n", Order::Asc).highlight_tags("t", "<b>", "</b>").select("t")
            => Read r#"["SEARCH.QUERY","i","{\"t\":{\"$eq\":\"x\"}}","LIMIT","5","OFFSET","1","ORDERBY","n","ASC","HIGHLIGHT","FIELDS","1","t","TAGS","<b>","</b>","SELECT","1","t"]"#;
        redis.search_query::<()>("i", json!({})).orderby("n", Order::Desc).highlight(["t", "u"])
            => Read r#"["SEARCH.QUERY","i","{}","ORDERBY","n","DESC","HIGHLIGHT","FIELDS","2","t","u"]"#;
        redis.search_query::<()>("i", json!({})).nocontent() => Read r#"["SEARCH.QUERY","i","{}","NOCONTENT"]"#;
        redis.search_count("i", json!({"t": "x"})) => Read r#"["SEARCH.COUNT","i","{\"t\":\"x\"}"]"#;
        redis.search_aggregate::<()>("i", json!({}), json!({"a": {"$avg": {"field": "n"}}}))
            => Read r#"["SEARCH.AGGREGATE","i","{}","{\"a\":{\"$avg\":{\"field\":\"n\"}}}"]"#;
        redis.search_describe("i") => Read r#"["SEARCH.DESCRIBE","i"]"#;
        redis.search_waitindexing("i") => Read r#"["SEARCH.WAITINDEXING","i"]"#;
        redis.search_reindex("i") => Write r#"["SEARCH.REINDEX","i"]"#;
        redis.search_drop("i") => Write r#"["SEARCH.DROP","i"]"#;
        redis.search_aliasadd("z", "i") => Write r#"["SEARCH.ALIASADD","z","i"]"#;
        redis.search_aliasdel("z") => Write r#"["SEARCH.ALIASDEL","z"]"#;
        redis.search_listaliases() => Read r#"["SEARCH.LISTALIASES"]"#;
        redis.search_listindexes() => Read r#"["SEARCH.LISTINDEXES"]"#;
        redis.search_listindexes().matching("p*").limit(10).offset(20)
            => Read r#"["SEARCH.LISTINDEXES","MATCH","p*","LIMIT","10","OFFSET","20"]"#;
    }
}

#[rustfmt::skip]
pub(super) fn vector(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.vector_create("v", 2, Metric::Cosine).existsok() => Write r#"["VECTOR.CREATE","v","DIM","2","METRIC","COSINE","EXISTSOK"]"#;
        redis.vector_create("v", 3, Metric::Euclidean) => Write r#"["VECTOR.CREATE","v","DIM","3","METRIC","EUCLIDEAN"]"#;
        redis.vector_create("v", 3, Metric::Dot) => Write r#"["VECTOR.CREATE","v","DIM","3","METRIC","DOT"]"#;
        redis.vector_add("v", 1, &[1.0, 2.0]) => Write r#"["VECTOR.ADD","v","1","BASE64-FP32","AACAPwAAAEA="]"#;
        redis.vector_add("v", 1, &vec![1.0]) => Write r#"["VECTOR.ADD","v","1","BASE64-FP32","AACAPw=="]"#;
        redis.vector_add("v", 1, Vector::Base64("AACAPw==")) => Write r#"["VECTOR.ADD","v","1","BASE64-FP32","AACAPw=="]"#;
        redis.vector_add("v", 1, Vector::Values(&[0.1, 2.0])) => Write r#"["VECTOR.ADD","v","1","VALUES","2","0.1","2"]"#;
        redis.vector_get("v", 1) => Read r#"["VECTOR.GET","v","1"]"#;
        redis.vector_query::<()>("v", 3, Vector::Values(&[1.0, 2.0])).profile(Profile::Fast)
            => Read r#"["VECTOR.QUERY","v","TOPK","3","PROFILE","FAST","VALUES","2","1","2"]"#;
        redis.vector_query::<()>("v", 3, &[1.0_f32][..]).profile(Profile::Precise)
            => Read r#"["VECTOR.QUERY","v","TOPK","3","PROFILE","PRECISE","BASE64-FP32","AACAPw=="]"#;
        redis.vector_query::<()>("v", 3, &[1.0]).profile(Profile::Balanced)
            => Read r#"["VECTOR.QUERY","v","TOPK","3","PROFILE","BALANCED","BASE64-FP32","AACAPw=="]"#;
        redis.vector_del("v", 1) => Write r#"["VECTOR.DEL","v","1"]"#;
        redis.vector_count("v") => Read r#"["VECTOR.COUNT","v"]"#;
        redis.vector_info("v") => Read r#"["VECTOR.INFO","v"]"#;
        redis.vector_drop("v") => Write r#"["VECTOR.DROP","v"]"#;
    }
}
