//! What the JSON commands make of replies: matches of both kinds of paths, JSON text inside of them.

use std::collections::HashMap;

use super::{asks_for_bytes, fails, is, redis, reply, texts};
use crate::{
    Json,
    commands::json::{
        JsonType,
        matches::{Matches, Numbers},
    },
};

fn all<T>(values: impl IntoIterator<Item = T>) -> Matches<T> {
    Matches(values.into_iter().map(Some).collect())
}

#[test]
fn documents() {
    fn a<T>(value: T) -> HashMap<String, T> {
        HashMap::from([("a".to_owned(), value)])
    }

    let redis = redis();
    is(redis.json_set("k", "$", 1), "\"OK\"", ());
    is(redis.json_set("k", "$", 1).xx(), "null", false);
    is(redis.json_set("k", "$", 1).nx(), "\"OK\"", true);
    is(redis.json_merge("k", "$", 1), "\"OK\"", ());
    is(redis.json_mset("k", "$", 1), "\"OK\"", ());
    is(redis.json_del("k", "$.a"), "1", 1);
    is(redis.json_forget("k", "$"), "1", 1);
    is(redis.json_clear("k", "$"), "1", 1);

    is(redis.json_get("k"), r#""{\"a\":1}""#, Some(Json(a(1_u8))));
    is(redis.json_get("k"), "null", None::<Json<i64>>);
    is(redis.json_get("k"), "\"null\"", Some(Json(None::<i64>)));
    is(
        redis.json_get("k").path("$"),
        "\"[1]\"",
        Some(Json(vec![1])),
    );
    is(
        redis.json_get("k").path("$.x"),
        "\"[]\"",
        Some(Json(Vec::<i64>::new())),
    );
    is(
        redis.json_get("k").path(".a"),
        r#""\"x\"""#,
        Some(Json("x".to_owned())),
    );
    let both = HashMap::from([("$.a".to_owned(), [1]), ("$.b".to_owned(), [2])]);
    is(
        redis.json_get("k").path("$.a").path("$.b"),
        r#""{\"$.a\":[1],\"$.b\":[2]}""#,
        Some(Json(both)),
    );
    is(
        redis.json_get("k"),
        r#""{\"a\":9007199254740993}""#,
        Some(Json(a(9_007_199_254_740_993_u64))),
    );
    is(
        redis.json_get::<()>("k").text(),
        r#""{\"a\":1e999}""#,
        Some("{\"a\":1e999}".to_owned()),
    );
    is(
        redis.json_get::<()>("k").indent("\t").path("$"),
        r#""[\n\t1\n]""#,
        Some("[\n\t1\n]".to_owned()),
    );
    fails(redis.json_get::<Vec<String>>("k").path("$"), "\"[1]\"");
    fails(redis.json_get::<String>("k"), "\"not quoted\"");

    is(
        redis.json_mget(["a", "b"], "$"),
        r#"["[1]",null]"#,
        vec![Some(Json([1])), None],
    );
    is(
        redis.json_resp("k", "."),
        r#"["{","a",1]"#,
        texts(&["{", "a", "1"]),
    );
}

#[test]
fn matches_of_both_kinds_of_paths() {
    let redis = redis();
    is(redis.json_arrlen("k", "$"), "[2]", all([2]));
    is(
        redis.json_arrlen("k", "$..a"),
        "[2,null]",
        Matches(vec![Some(2), None]),
    );
    is(redis.json_arrlen("k", ".a"), "2", all([2]));
    is(redis.json_arrlen("k", "$.no"), "[]", all([]));
    is(redis.json_arrlen("k", ".a"), "null", all([]));
    fails(redis.json_arrlen("k", "$"), "[-1]");
    is(redis.json_objlen("k", "$"), "[1]", all([1]));
    is(redis.json_strlen("k", "$"), "[1]", all([1]));
    is(redis.json_strappend("k", "$.a", "x"), "[2]", all([2]));
    is(redis.json_arrappend("k", "$.a", 1), "[3]", all([3]));
    is(redis.json_arrinsert("k", "$.a", 0, "x"), "[2]", all([2]));
    is(redis.json_arrtrim("k", "$.a", 0, 1), "[2]", all([2]));
    is(
        redis.json_arrindex("k", "$.a", "x").range(0, 5),
        "[1,-1]",
        all([1, -1]),
    );
    is(redis.json_debug_memory("k", "$"), "[213]", all([213]));
    is(redis.json_debug_memory("k", "."), "213", all([213]));

    is(
        redis.json_toggle("k", "$.a"),
        "[1,0,null]",
        Matches(vec![Some(true), Some(false), None]),
    );
    is(redis.json_toggle("k", ".a"), "\"false\"", all([false]));
    is(
        redis.json_type("k", "$"),
        "[\"object\"]",
        all([JsonType::Object]),
    );
    is(
        redis.json_type("k", "."),
        "\"integer\"",
        all([JsonType::Integer]),
    );
    let every = r#"["null","boolean","integer","number","string","array","object","date"]"#;
    is(
        redis.json_type("k", "$.*"),
        every,
        all([
            JsonType::Null,
            JsonType::Boolean,
            JsonType::Integer,
            JsonType::Number,
            JsonType::String,
            JsonType::Array,
            JsonType::Object,
            JsonType::Other("date".to_owned()),
        ]),
    );

    is(
        redis.json_objkeys("k", "$"),
        r#"[["a"]]"#,
        all([texts(&["a"])]),
    );
    is(
        redis.json_objkeys("k", "$.*"),
        r#"[["a"],null]"#,
        Matches(vec![Some(texts(&["a"])), None]),
    );
    is(
        redis.json_objkeys("k", "."),
        r#"["a","b"]"#,
        all([texts(&["a", "b"])]),
    );
    fails(redis.json_objkeys("k", "."), "\"a\"");

    is(
        redis.json_arrpop("k", "$.a").index(-1),
        r#"["\"x\""]"#,
        all([Json("x".to_owned())]),
    );
    is(
        redis.json_arrpop("k", "$.*"),
        r#"["[1,2]",null]"#,
        Matches(vec![Some(Json(vec![1, 2])), None]),
    );
    is(
        redis.json_arrpop("k", ".a"),
        "\"[1,2]\"",
        all([Json(vec![1, 2])]),
    );
    assert!(asks_for_bytes(redis.json_resp::<crate::Bytes>("k", "$")));
    assert!(!asks_for_bytes(redis.json_arrpop::<String>("k", "$")));
}

#[test]
fn numbers_in_json_text() {
    let redis = redis();
    is(
        redis.json_numincrby("k", "$.a", 2),
        "\"[3]\"",
        Numbers(vec![Some(3)]),
    );
    is(
        redis.json_nummultby("k", "$.a", 2),
        "\"[6]\"",
        Numbers(vec![Some(6)]),
    );
    is(
        redis.json_numincrby("k", "$..a", 2),
        "\"[3, null, 0.5]\"",
        Numbers(vec![Some(3.0), None, Some(0.5)]),
    );
    is(
        redis.json_numincrby("k", ".a", 2),
        "\"3\"",
        Numbers(vec![Some(3)]),
    );
    is(
        redis.json_numincrby("k", ".a", 2),
        "3",
        Numbers(vec![Some(3)]),
    );
    is(
        redis.json_numincrby("k", "$.a", 2),
        "[\"3\",null]",
        Numbers(vec![Some(3), None]),
    );
    is(
        redis.json_numincrby("k", "$.no", 2),
        "\"[]\"",
        Numbers::<i64>(Vec::new()),
    );
    is(
        redis.json_numincrby("k", ".no", 2),
        "\"null\"",
        Numbers(vec![None::<i64>]),
    );
    is(
        redis.json_numincrby("k", ".no", 2),
        "null",
        Numbers::<i64>(Vec::new()),
    );
    let digits = Numbers(vec![Some("9007199254740993.5".to_owned())]);
    is(
        redis.json_numincrby("k", "$.a", 2),
        "\"[9007199254740993.5]\"",
        digits,
    );
    fails(redis.json_numincrby::<i64>("k", "$.a", 2), "\"[1.5]\"");
    fails(redis.json_numincrby::<i64>("k", "$.a", 2), "\"[1\"");
}

#[test]
fn one_of_the_matches() {
    let redis = redis();
    let lengths = reply(redis.json_strlen("k", "$..a"), "[3,null]").unwrap();
    assert_eq!((lengths.len(), lengths.first()), (2, Some(&Some(3))));
    assert_eq!((&lengths).into_iter().flatten().sum::<u64>(), 3);
    assert_eq!(lengths.clone().into_iter().last(), Some(None));
    assert_eq!(lengths.one(), Some(3));
    assert_eq!(Matches(vec![None, Some(1)]).one(), None);
    assert_eq!(Numbers::<f64>(Vec::new()).one(), None);
}
