//! What the commands for arrays, search and vector indexes make of replies.

use std::collections::HashMap;

use serde_json::json;

use super::{asks_for_bytes, fails, is, redis, reply, texts};
use crate::{
    Bytes, Json, Value,
    commands::{
        arrays::Predicate,
        search::{
            answers::{AliasSet, Count, Hit, IndexField, Indexed},
            schema::{On, Schema},
        },
        vector::{Metric, Vector},
    },
};

#[test]
fn arrays() {
    let redis = redis();
    is(redis.arset("a", 0, "x"), "2", 2);
    is(redis.armset("a", (0, "x")), "2", 2);
    is(redis.ardel("a", [1, 2]), "1", 1);
    is(redis.ardelrange("a", (0, 5)), "3", 3);
    is(redis.arcount("a"), "1", 1);
    is(redis.arget("a", 0), "\"1\"", Some(1));
    is(redis.arget("a", 0), "null", None::<String>);
    is(
        redis.armget("a", [0, 1]),
        r#"["x",null]"#,
        vec![Some("x".to_owned()), None],
    );
    is(
        redis.argetrange("a", 0, 2),
        r#"["1",null,"3"]"#,
        vec![Some(1), None, Some(3)],
    );
    is(
        redis.arlastitems("a", 2).rev(),
        r#"["x"]"#,
        vec![Some("x".to_owned())],
    );
    is(
        redis.arscan("a", 0, 9),
        r#"[[0,"x"]]"#,
        vec![(0, "x".to_owned())],
    );
    is(redis.arscan("a", 0, 9), "[]", Vec::<(u64, String)>::new());

    // Indexes beyond what a signed number holds come as text.
    let last = u64::MAX - 1;
    is(redis.arinsert("a", "x"), "1", 1);
    is(redis.arinsert("a", "x"), "\"18446744073709551614\"", last);
    is(redis.arring("a", 5, "x"), "0", 0);
    is(redis.arlen("a"), "\"18446744073709551615\"", u64::MAX);
    is(redis.arlen("a"), "9007199254740993", 9_007_199_254_740_993);
    is(redis.arnext("a"), "3", Some(3));
    is(redis.arnext("a"), "null", None);
    is(redis.arseek("a", 3), "1", true);
    is(redis.arseek("a", 3), "0", false);
    let exact = Predicate::Exact("x");
    is(
        redis.argrep("a", "-", "+", exact),
        r#"[1,"18446744073709551614"]"#,
        vec![1, last],
    );
    is(
        redis.argrep("a", "-", "+", exact).withvalues(),
        r#"[[1,"x"]]"#,
        vec![(1, "x".to_owned())],
    );

    is(redis.arop("a", 0, 5).sum(), "\"6\"", Some(6));
    is(
        redis.arop("a", 0, 5).sum(),
        "\"9007199254740993\"",
        Some("9007199254740993".to_owned()),
    );
    is(redis.arop("a", 0, 5).min(), "null", None::<f64>);
    is(redis.arop("a", 0, 5).max(), "\"0.5\"", Some(0.5));
    is(redis.arop("a", 0, 5).and(), "4", Some(4));
    is(redis.arop("a", 0, 5).or(), "-1", Some(-1));
    is(redis.arop("a", 0, 5).xor(), "null", None);
    is(redis.arop("a", 0, 5).used(), "3", 3);
    is(redis.arop("a", 0, 5).matching("x"), "1", 1);

    let info = r#"["len",3,"count",2,"slice-size",4,"next-insert-index",3]"#;
    let info = reply(redis.arinfo("a"), info).unwrap();
    assert_eq!(
        (
            info.len,
            info.count,
            info.slice_size,
            info.next_insert_index
        ),
        (3, 2, Some(4), Some(3))
    );
    assert_eq!(info.dense_slices, None);
    let full = r#"["len","18446744073709551615","count",2,"slices",1,"directory-size",8,"super-dir-entries",0,
        "next-insert-index",null,"of-a-later-server",["x"],"dense-slices",1,"sparse-slices",2,
        "avg-dense-size","1.5","avg-dense-fill","0.25","avg-sparse-size","2"]"#;
    let full = reply(redis.arinfo("a").full(), full).unwrap();
    assert_eq!((full.len, full.next_insert_index), (u64::MAX, None));
    assert_eq!(
        (full.slices, full.directory_size, full.super_dir_entries),
        (Some(1), Some(8), Some(0))
    );
    assert_eq!((full.dense_slices, full.sparse_slices), (Some(1), Some(2)));
    assert_eq!(
        (
            full.avg_dense_size,
            full.avg_dense_fill,
            full.avg_sparse_size
        ),
        (Some(1.5), Some(0.25), Some(2.0))
    );
    fails(redis.arinfo("a"), r#"["len",3]"#);
    fails(redis.arinfo("a"), r#"["len",3,"count"]"#);

    assert!(asks_for_bytes(redis.arscan::<Bytes>("a", 0, 1)));
    assert!(asks_for_bytes(
        redis.argrep("a", "-", "+", exact).withvalues::<Bytes>()
    ));
    assert!(!asks_for_bytes(redis.argrep("a", "-", "+", exact)));
}

#[test]
fn hits() {
    type Figures = HashMap<String, HashMap<String, f64>>;

    let redis = redis();
    let all = json!({});
    let hits = |json| {
        reply(
            redis.search_query::<HashMap<String, String>>("i", &all),
            json,
        )
    };
    let found = hits(r#"[["p:1","1.2",[["t","x"],["o.k","y"]]]]"#)
        .unwrap()
        .unwrap();
    let [hit] = found.as_slice() else {
        unreachable!("one was sent: {found:?}")
    };
    assert_eq!((&*hit.key, hit.score), ("p:1", 1.2));
    assert_eq!((&*hit.data["t"], &*hit.data["o.k"]), ("x", "y"));
    assert_eq!(hits("null").unwrap(), None);
    assert_eq!(hits("[]").unwrap(), Some(Vec::new()));
    assert!(
        hits(r#"[["p:1",1.25,[]]]"#).unwrap().unwrap()[0]
            .data
            .is_empty()
    );
    assert!(hits(r#"[["p:1","1"]]"#).unwrap_err().is_decode());
    assert!(hits(r#"[["p:1","high",[]]]"#).unwrap_err().is_decode());
    // The document is text, not names and values.
    assert!(
        hits(r#"[["p:1","1",[["$","{}"]]]]"#)
            .unwrap_err()
            .is_decode()
    );

    let documents = r#"[["p:1",0.75,[["$","{\"n\":1}"]]]]"#;
    let found: Vec<Hit<Json<HashMap<String, u8>>>> =
        reply(redis.search_query("i", &all), documents)
            .unwrap()
            .unwrap();
    assert_eq!((found[0].score, found[0].data["n"]), (0.75, 1));
    is(
        redis.search_query::<()>("i", &all).nocontent(),
        r#"[["p:1","1.2"],["p:2",1]]"#,
        Some(vec![("p:1".to_owned(), 1.2), ("p:2".to_owned(), 1.0)]),
    );
    is(
        redis.search_query::<()>("i", &all).nocontent(),
        "null",
        None,
    );
    assert!(asks_for_bytes(
        redis.search_query::<HashMap<String, Bytes>>("i", &all)
    ));
    assert!(!asks_for_bytes(redis.search_query::<Json<()>>("i", &all)));

    is(redis.search_count("i", &all), "3", Count::Documents(3));
    is(redis.search_count("i", &all), "\"0\"", Count::Documents(0));
    is(redis.search_count("i", &all), "-1", Count::NoIndex);
    fails(redis.search_count("i", &all), "-2");
    assert_eq!(
        (Count::Documents(3).documents(), Count::NoIndex.documents()),
        (Some(3), None)
    );

    let figures = |json| reply(redis.search_aggregate::<Figures>("i", &all, &all), json);
    let average = figures(r#"["a",["value","1.5"]]"#).unwrap().unwrap();
    assert_eq!(average["a"]["value"], 1.5);
    assert_eq!(figures("null").unwrap(), None);
    let buckets = r#"["by",["buckets",[["key","books","docCount",42]]]]"#;
    let buckets = reply(redis.search_aggregate::<Value>("i", &all, &all), buckets);
    assert!(matches!(buckets.unwrap(), Some(Value::Array(_))));
}

#[test]
fn indexes() {
    let redis = redis();
    is(
        redis.search_create("i", On::Json("p:"), Schema::new()),
        "1",
        (),
    );
    is(
        redis
            .search_create("i", On::Json("p:"), Schema::new())
            .existsok(),
        "0",
        false,
    );
    let index = r#"["name","i","type","JSON","prefixes",["p:"],"schema",[["t","TEXT","NOSTEM"]]]"#;
    let index = reply(redis.search_describe("i"), index).unwrap().unwrap();
    assert_eq!(
        (&*index.name, &index.on, &index.prefixes),
        ("i", &Indexed::Json, &texts(&["p:"]))
    );
    assert_eq!(
        (index.language, index.size, index.pending_updates),
        (None, None, None)
    );
    let [field] = index.schema.as_slice() else {
        unreachable!("one was sent: {:?}", index.schema)
    };
    assert_eq!((&*field.name, &*field.kind), ("t", "TEXT"));
    assert!(field.nostem && !field.fast && !field.notokenize && field.from.is_none());
    let index = r#"["name","i","type","STREAM","prefixes",["s"],"language","english","indexSize",1234,"pendingUpdates",2,
        "new",{},"schema",[["a","TEXT","FROM","b.c","NOTOKENIZE"],["n","F64","FAST","LATER"]]]"#;
    let index = reply(redis.search_describe("i"), index).unwrap().unwrap();
    assert_eq!(
        (index.language.as_deref(), index.size, index.pending_updates),
        (Some("english"), Some(1234), Some(2))
    );
    assert_eq!(index.schema[0].from.as_deref(), Some("b.c"));
    assert!(index.schema[0].notokenize && index.schema[1].fast);
    assert_eq!(reply(redis.search_describe("i"), "null").unwrap(), None);
    fails(redis.search_describe("i"), r#"["name","i"]"#);
    let truncated = reply(
        redis.command("X").query::<IndexField>(),
        r#"["a","TEXT","FROM"]"#,
    );
    assert!(truncated.unwrap_err().is_decode());

    let list = r#"[["name","a","type","HASH"],["name","b","type","STRING"],["name","c","type","GRAPH","new",1]]"#;
    let list = reply(redis.search_listindexes(), list).unwrap();
    let kinds: Vec<_> = list.iter().map(|entry| (&*entry.name, &entry.on)).collect();
    let later = Indexed::Other("GRAPH".to_owned());
    assert_eq!(
        kinds,
        [
            ("a", &Indexed::Hash),
            ("b", &Indexed::String),
            ("c", &later)
        ]
    );
    fails(redis.search_listindexes(), r#"[["name","a"]]"#);

    is(redis.search_waitindexing("i"), "1", true);
    is(redis.search_reindex("i"), "0", false);
    is(redis.search_drop("i"), "1", true);
    is(redis.search_aliasadd("z", "i"), "1", AliasSet::Added);
    is(redis.search_aliasadd("z", "i"), "2", AliasSet::Updated);
    fails(redis.search_aliasadd("z", "i"), "3");
    is(redis.search_aliasdel("z"), "1", true);
    is(
        redis.search_listaliases(),
        r#"[["z","i"]]"#,
        HashMap::from([("z".to_owned(), "i".to_owned())]),
    );
    is(redis.search_listaliases(), "[]", HashMap::new());
}

#[test]
fn vectors() {
    let redis = redis();
    is(redis.vector_create("v", 2, Metric::Cosine), "1", ());
    is(
        redis.vector_create("v", 2, Metric::Cosine).existsok(),
        "1",
        true,
    );
    is(redis.vector_add("v", 1, Vector::Base64("")), "1", true);
    is(redis.vector_add("v", 1, &[1.0]), "0", false);
    is(
        redis.vector_get("v", 1),
        r#"["0.1","2"]"#,
        Some(vec![0.1, 2.0]),
    );
    is(redis.vector_get("v", 1), "null", None);
    fails(redis.vector_get("v", 1), r#"["near"]"#);
    is(
        redis.vector_query("v", 3, &[1.0]),
        r#"[["1","0.9"]]"#,
        vec![("1".to_owned(), 0.9)],
    );
    is(
        redis.vector_query("v", 3, &[1.0]),
        "[]",
        Vec::<(u64, f64)>::new(),
    );
    is(redis.vector_del("v", 1), "1", true);
    is(redis.vector_count("v"), "1", 1);
    is(redis.vector_drop("v"), "1", true);
    for (word, metric) in [
        ("cosine", Metric::Cosine),
        ("EUCLIDEAN", Metric::Euclidean),
        ("DOT", Metric::Dot),
    ] {
        let info = format!(r#"["dimension",2,"metric","{word}","new",1]"#);
        let info = reply(redis.vector_info("v"), &info).unwrap().unwrap();
        assert_eq!((info.dimension, info.metric), (2, metric));
    }
    assert_eq!(reply(redis.vector_info("v"), "null").unwrap(), None);
    fails(redis.vector_info("v"), r#"["dimension",2]"#);
    fails(
        redis.vector_info("v"),
        r#"["dimension",2,"metric","MANHATTAN"]"#,
    );
    assert!(asks_for_bytes(redis.vector_query::<Bytes>("v", 3, &[1.0])));
}
