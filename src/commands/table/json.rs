//! The rows of JSON.

use serde_json::json;

use super::{Idempotent, Read, Recorder, Row, Write, Written};

#[rustfmt::skip]
pub(super) fn rows(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.json_set("k", "$", json!({"a": 1})) => Idempotent r#"["JSON.SET","k","$","{\"a\":1}"]"#;
        redis.json_set("k", "$.a", "str") => Idempotent r#"["JSON.SET","k","$.a","\"str\""]"#;
        redis.json_set("k", "$", "{\"a\":1}") => Idempotent r#"["JSON.SET","k","$","\"{\\\"a\\\":1}\""]"#;
        redis.json_set("k", "$.id", u64::MAX) => Idempotent r#"["JSON.SET","k","$.id","18446744073709551615"]"#;
        redis.json_set("k", "$", ()) => Idempotent r#"["JSON.SET","k","$","null"]"#;
        redis.json_set("k", "$..a", 1) => Write r#"["JSON.SET","k","$..a","1"]"#;
        redis.json_set("k", "$.a", "str").xx() => Write r#"["JSON.SET","k","$.a","\"str\"","XX"]"#;
        redis.json_set("k", "$", [1]).nx() => Write r#"["JSON.SET","k","$","[1]","NX"]"#;
        redis.json_get::<()>("k") => Read r#"["JSON.GET","k"]"#;
        redis.json_get::<()>("k").path("$.a").path("$.b") => Read r#"["JSON.GET","k","$.a","$.b"]"#;
        redis.json_get::<()>("k").text() => Read r#"["JSON.GET","k"]"#;
        redis.json_get::<()>("k").path("$").indent("\t").newline("\n").space(" ")
            => Read r#"["JSON.GET","k","INDENT","\t","NEWLINE","\n","SPACE"," ","$"]"#;
        redis.json_mget::<()>(["a", "b"], "$") => Read r#"["JSON.MGET","a","b","$"]"#;
        redis.json_mset("a", "$", json!({"x": 1})) => Idempotent r#"["JSON.MSET","a","$","{\"x\":1}"]"#;
        redis.json_mset("a", "$", json!({"x": 1})).triple("b", "$", [1])
            => Idempotent r#"["JSON.MSET","a","$","{\"x\":1}","b","$","[1]"]"#;
        redis.json_mset("a", "$", [1]).triple("b", "$.x", "$") => Write r#"["JSON.MSET","a","$","[1]","b","$.x","\"$\""]"#;
        redis.json_merge("k", "$", json!({"a": null})) => Write r#"["JSON.MERGE","k","$","{\"a\":null}"]"#;
        redis.json_del("k", "$.a") => Write r#"["JSON.DEL","k","$.a"]"#;
        redis.json_forget("k", "$") => Write r#"["JSON.FORGET","k","$"]"#;
        redis.json_clear("k", "$") => Write r#"["JSON.CLEAR","k","$"]"#;
        redis.json_type("k", "$") => Read r#"["JSON.TYPE","k","$"]"#;
        redis.json_numincrby::<i64>("k", "$.a", 2) => Write r#"["JSON.NUMINCRBY","k","$.a","2"]"#;
        redis.json_nummultby::<f64>("k", "$.a", 0.5) => Write r#"["JSON.NUMMULTBY","k","$.a","0.5"]"#;
        redis.json_strappend("k", "$.a", "x") => Write r#"["JSON.STRAPPEND","k","$.a","\"x\""]"#;
        redis.json_strlen("k", "$") => Read r#"["JSON.STRLEN","k","$"]"#;
        redis.json_toggle("k", "$.a") => Write r#"["JSON.TOGGLE","k","$.a"]"#;
        redis.json_objkeys("k", "$") => Read r#"["JSON.OBJKEYS","k","$"]"#;
        redis.json_objlen("k", "$") => Read r#"["JSON.OBJLEN","k","$"]"#;
        redis.json_resp::<()>("k", ".") => Read r#"["JSON.RESP","k","."]"#;
        redis.json_debug_memory("k", "$") => Read r#"["JSON.DEBUG","MEMORY","k","$"]"#;

        redis.json_arrappend("k", "$.a", 1) => Write r#"["JSON.ARRAPPEND","k","$.a","1"]"#;
        redis.json_arrappend("k", "$.a", 1).value("x").value(json!({"b": 1}))
            => Write r#"["JSON.ARRAPPEND","k","$.a","1","\"x\"","{\"b\":1}"]"#;
        redis.json_arrappend("k", "$.a", [1, 2]).values(["x", "y"])
            => Write r#"["JSON.ARRAPPEND","k","$.a","[1,2]","\"x\"","\"y\""]"#;
        redis.json_arrindex("k", "$.a", "x") => Read r#"["JSON.ARRINDEX","k","$.a","\"x\""]"#;
        redis.json_arrindex("k", "$.a", "x").range(0, 5) => Read r#"["JSON.ARRINDEX","k","$.a","\"x\"","0","5"]"#;
        redis.json_arrinsert("k", "$.a", 0, "x") => Write r#"["JSON.ARRINSERT","k","$.a","0","\"x\""]"#;
        redis.json_arrinsert("k", "$.a", -1, "x").value(2) => Write r#"["JSON.ARRINSERT","k","$.a","-1","\"x\"","2"]"#;
        redis.json_arrlen("k", "$") => Read r#"["JSON.ARRLEN","k","$"]"#;
        redis.json_arrpop::<()>("k", "$.a") => Write r#"["JSON.ARRPOP","k","$.a"]"#;
        redis.json_arrpop::<()>("k", "$.a").index(-1) => Write r#"["JSON.ARRPOP","k","$.a","-1"]"#;
        redis.json_arrtrim("k", "$.a", 0, 1) => Write r#"["JSON.ARRTRIM","k","$.a","0","1"]"#;
    }
}
