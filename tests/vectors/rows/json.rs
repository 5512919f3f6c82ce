//! The rows of JSON.

use restis::{
    Json,
    commands::json::{JsonType, matches::Matches, matches::Numbers},
};
use serde_json::{Value, json};

use super::{text, texts};
use crate::{
    differences::{DONE, FORMATTED, PATH, QUOTED},
    row::{Row, is, rows},
};

/// A value for the one match of a path.
fn one<T: PartialEq>(value: T) -> impl Fn(&Matches<T>) -> bool {
    is(Matches(vec![Some(value)]))
}

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let document = || json!({"a": 1});
    rows! { redis:
        203 redis.json_arrappend("k", "$.a", 1).value("x").value(json!({"b": 1})) => one(3),
            wire(r#"["JSON.ARRAPPEND","k","$.a","1","\"x\"","{\"b\":1}"]"#, QUOTED);
        204 redis.json_arrindex("k", "$.a", "x").range(0, 5) => one(1),
            wire(r#"["JSON.ARRINDEX","k","$.a","\"x\"","0","5"]"#, QUOTED);
        205 redis.json_arrinsert("k", "$.a", 0, "x") => one(2),
            wire(r#"["JSON.ARRINSERT","k","$.a","0","\"x\""]"#, QUOTED);
        206 redis.json_arrlen("k", "$") => one(2);
        207 redis.json_arrpop::<Value>("k", "$.a").index(-1) => one(Json(json!("x")));
        208 redis.json_arrtrim("k", "$.a", 0, 1) => one(2);
        209 redis.json_clear("k", "$") => is(1);
        210 redis.json_del("k", "$.a") => is(1);
        211 redis.json_forget("k", "$") => is(1), wire(r#"["JSON.FORGET","k","$"]"#, PATH);
        212 redis.json_get::<Value>("k") => is(Some(Json(document())));
        213 redis.json_get::<Value>("k").path("$.a").path("$.b") => is(Some(Json(json!({"$.a": [1], "$.b": [2]}))));
        214 redis.json_get::<Value>("k").path("$").indent("\t").newline("\n").space(" ") => is(Some(text("[1]"))), differs(FORMATTED);
        215 redis.json_merge("k", "$", json!({"a": null})) => is(());
        216 redis.json_mget::<Value>(["a", "b"], "$") => is(vec![Some(Json(json!([1]))), None]);
        217 redis.json_mset("a", "$", json!({"x": 1})).triple("b", "$", [1]) => is(());
        218 redis.json_numincrby::<i64>("k", "$.a", 2) => is(Numbers(vec![Some(3)]));
        219 redis.json_nummultby::<i64>("k", "$.a", 2) => is(Numbers(vec![Some(6)]));
        220 redis.json_objkeys("k", "$") => one(texts(&["a"]));
        221 redis.json_objlen("k", "$") => one(1), wire(r#"["JSON.OBJLEN","k","$"]"#, PATH);
        222 redis.json_resp::<(String, String, i64)>("k", "$") => is((text("{"), text("a"), 1)), wire(r#"["JSON.RESP","k","$"]"#, PATH);
        223 redis.json_set("k", "$", document()) => is(());
        224 redis.json_set("k", "$.a", "str").xx() => is(false),
            wire(r#"["JSON.SET","k","$.a","\"str\"","XX"]"#, QUOTED), differs(DONE);
        225 redis.json_set("k", "$.a", "str") => is(());
        226 redis.json_strappend("k", "$.a", "x") => one(2);
        227 redis.json_strlen("k", "$") => one(1), wire(r#"["JSON.STRLEN","k","$"]"#, PATH);
        228 redis.json_toggle("k", "$.a") => one(true);
        229 redis.json_type("k", "$") => one(JsonType::Object), wire(r#"["JSON.TYPE","k","$"]"#, PATH);
    }
}
