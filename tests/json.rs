//! JSON on a server that has it, behind restis-local: data, nil and errors of each command.
//!
//! `RESTIS_JSON_SERVER` says where that server is. All tests share it, each with keys of its own.
//! What fakeredis, which the tests use, does in another way than Redis is not looked at: a document
//! without a path, formatted text, a JSONPath to one array, a path below no document, JSON.MGET of a
//! missing key, and JSON.RESP and JSON.DEBUG, which it does not have.

#![cfg(not(target_arch = "wasm32"))]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test, not an API"
)]

use std::{collections::HashMap, fmt::Debug};

use restis::{
    Error, Json, Redis,
    commands::json::{JsonType, matches::Matches},
};
use restis_local::Local;
use restis_testing::{Outcome, block_on};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Runs a test with a client of the server that has JSON.
fn run(test: impl AsyncFnOnce(Redis) -> Outcome) {
    let Ok(server) = std::env::var("RESTIS_JSON_SERVER") else {
        panic!(
            "RESTIS_JSON_SERVER is not set. `cargo xtask test native` starts a server with JSON and sets it; \
             or set it to a Redis that has JSON: redis://127.0.0.1:6379"
        );
    };
    let outcome = block_on(async {
        let local = Local::builder().redis(server).start().await?;
        test(Redis::new(local.url(), local.token())?).await
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Asserts that the server refused a command.
#[track_caller]
fn refused<T: Debug>(result: Result<T, Error>, command: &str) {
    let error = result.unwrap_err();
    assert!(error.is_server(), "{error}");
    assert_eq!(error.command(), Some(command), "{error}");
}

fn all<T>(values: impl IntoIterator<Item = T>) -> Matches<T> {
    Matches(values.into_iter().map(Some).collect())
}

/// What a JSONPath leads to.
async fn at<T: serde::de::DeserializeOwned>(
    redis: &Redis,
    key: &str,
    path: &str,
) -> Result<Vec<T>, Error> {
    let found = redis.json_get(key).path(path).await?;
    Ok(found.map(|Json(found)| found).unwrap_or_default())
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
struct User {
    name: String,
    id: u64,
    tags: Vec<String>,
}

#[test]
fn values_come_back_as_they_went() {
    run(async |redis| {
        let user = User {
            name: "a \"quoted\" é\n\u{1F600}".into(),
            id: 9_007_199_254_740_993,
            tags: vec!["true".into(), "null".into(), "{}".into(), String::new()],
        };
        redis.json_set("values:user", "$", &user).await?;
        let matches = at::<User>(&redis, "values:user", "$").await?;
        assert_eq!((matches.len(), matches.first()), (1, Some(&user)));
        let legacy = redis.json_get::<User>("values:user").path(".").await?;
        assert_eq!(legacy, Some(Json(user.clone())));
        let tags = redis.json_get::<Vec<String>>("values:user").path(".tags");
        assert_eq!(tags.await?.unwrap().0, user.tags);
        assert_eq!(at::<u64>(&redis, "values:user", "$.id").await?, [user.id]);
        let none = at::<u64>(&redis, "values:user", "$.none").await?;
        assert!(none.is_empty());

        // Text that looks like JSON is text.
        for text in ["1", "true", "null", "[1]", "{\"a\":1}", "\"", "", "str"] {
            redis.json_set("values:text", "$", text).await?;
            assert_eq!(at::<String>(&redis, "values:text", "$").await?, [text]);
            redis.json_set("values:user", "$.name", text).await?;
            assert_eq!(at::<String>(&redis, "values:user", "$.name").await?, [text]);
        }
        let each: HashMap<String, Vec<serde_json::Value>> = redis
            .json_get("values:user")
            .path("$.name")
            .path("$.id")
            .await?
            .unwrap()
            .0;
        assert_eq!(each["$.name"], [json!("str")]);
        assert_eq!(each["$.id"], [json!(9_007_199_254_740_993_u64)]);
        let text = redis.json_get::<()>("values:user").path("$.tags[0]").text();
        assert_eq!(text.await?.as_deref(), Some("[\"true\"]"));

        assert_eq!(redis.json_get::<User>("values:none").path("$").await?, None);
        let wrong = redis
            .json_get::<Vec<u8>>("values:user")
            .path("$.name")
            .await;
        assert!(wrong.unwrap_err().is_decode());
        Ok(())
    });
}

#[test]
fn only_if_it_is_there_or_not() {
    run(async |redis| {
        // From a run before, where the server has been there for longer.
        redis.del("if:k").await?;
        assert!(!redis.json_set("if:k", "$", 1).xx().await?);
        assert!(redis.json_set("if:k", "$", json!({"a": 1})).nx().await?);
        assert!(!redis.json_set("if:k", "$", 2).nx().await?);
        assert!(redis.json_set("if:k", "$.a", 3).xx().await?);
        assert!(!redis.json_set("if:k", "$.b", 4).xx().await?);
        assert!(redis.json_set("if:k", "$.b", 5).nx().await?);
        let k = redis.json_get::<HashMap<String, i64>>("if:k").path(".");
        let expected = HashMap::from([("a".to_owned(), 3), ("b".to_owned(), 5)]);
        assert_eq!(k.await?, Some(Json(expected)));
        Ok(())
    });
}

#[test]
fn several_documents() {
    run(async |redis| {
        redis
            .json_mset("many:a", "$", json!({"n": 1}))
            .triple("many:b", "$", json!({"n": 2}))
            .triple("many:d", "$", "x")
            .await?;
        redis.json_set("many:b", "$.m", "x").await?;
        let keys = ["many:b", "many:a"];
        let both = redis.json_mget::<i64>(keys, ".n").await?;
        assert_eq!(both, [Some(Json(2)), Some(Json(1))]);
        redis
            .json_merge("many:b", "$", json!({"n": null, "o": {"p": true}}))
            .await?;
        let merged = json!({"m": "x", "o": {"p": true}});
        assert_eq!(
            at::<serde_json::Value>(&redis, "many:b", "$").await?,
            [merged]
        );
        let (set, got) = redis
            .transaction((
                redis.json_set("many:c", "$", [1, 2]),
                redis.json_get::<[i64; 2]>("many:c").path("."),
            ))
            .await?;
        assert_eq!((set, got), ((), Some(Json([1, 2]))));
        Ok(())
    });
}

#[test]
fn what_is_there_is_told() {
    run(async |redis| {
        let document = json!({
            "s": "é", "i": 1, "f": 1.5, "b": true, "n": null, "a": [1, "x", {"s": "yz"}], "o": {"k": 1, "l": 2},
        });
        redis.json_set("told:k", "$", &document).await?;
        for (path, kind) in [
            ("$", JsonType::Object),
            ("$.s", JsonType::String),
            ("$.i", JsonType::Integer),
            ("$.f", JsonType::Number),
            ("$.b", JsonType::Boolean),
            ("$.n", JsonType::Null),
            ("$.a", JsonType::Array),
        ] {
            assert_eq!(
                redis.json_type("told:k", path).await?,
                all([kind]),
                "{path}"
            );
        }
        assert_eq!(
            redis.json_type("told:k", ".i").await?,
            all([JsonType::Integer])
        );
        assert_eq!(redis.json_type("told:k", "$.none").await?, all([]));

        assert_eq!(redis.json_strlen("told:k", "$.a[2].s").await?, all([2]));
        assert_eq!(redis.json_strlen("told:k", ".a[2].s").await?, all([2]));
        assert_eq!(
            redis.json_strlen("told:k", "$.i").await?,
            Matches(vec![None])
        );
        assert_eq!(redis.json_objlen("told:k", "$.o").await?, all([2]));
        assert_eq!(redis.json_objlen("told:k", ".o").await?, all([2]));
        assert_eq!(
            redis.json_objlen("told:k", "$.a").await?,
            Matches(vec![None])
        );
        let keys = all([vec!["k".to_owned(), "l".to_owned()]]);
        assert_eq!(redis.json_objkeys("told:k", "$.o").await?, keys);
        assert_eq!(redis.json_objkeys("told:k", ".o").await?, keys);
        assert_eq!(
            redis.json_objkeys("told:k", "$.s").await?,
            Matches(vec![None])
        );
        assert_eq!(redis.json_arrlen("told:k", "$.a").await?, all([3]));
        assert_eq!(redis.json_arrlen("told:k", ".a").await?, all([3]));
        let lengths = redis.json_arrlen("told:k", "$.*").await?;
        assert_eq!((lengths.len(), lengths.iter().flatten().count()), (7, 1));

        assert_eq!(redis.json_type("told:none", ".").await?, all([]));
        refused(redis.json_strlen("told:none", "$").await, "JSON.STRLEN");
        Ok(())
    });
}

#[test]
fn numbers_text_and_truth_change() {
    run(async |redis| {
        let document = json!({"n": 1, "f": 0.5, "s": "a", "b": true, "o": {"n": 10, "x": "y"}});
        redis.json_set("change:k", "$", &document).await?;
        let numbers = redis.json_numincrby::<i64>("change:k", "$.n", 2).await?;
        assert_eq!(numbers.0, [Some(3)]);
        let number = redis.json_numincrby::<i64>("change:k", ".o.n", -4).await?;
        assert_eq!(number.one(), Some(6));
        let number = redis.json_nummultby::<f64>("change:k", "$.f", 3).await?;
        assert_eq!(number.one(), Some(1.5));
        let each = redis
            .json_numincrby::<String>("change:k", "$.o.*", 1)
            .await?;
        assert_eq!(each.0, [Some("7".to_owned()), None]);
        let none = redis.json_numincrby::<i64>("change:none", "$.n", 1).await;
        refused(none, "JSON.NUMINCRBY");

        assert_eq!(
            redis.json_strappend("change:k", "$.s", "\"b").await?,
            all([3])
        );
        assert_eq!(at::<String>(&redis, "change:k", "$.s").await?, ["a\"b"]);
        let each = redis.json_strappend("change:k", "$.o.*", "").await?;
        assert_eq!(each, Matches(vec![None, Some(1)]));

        assert_eq!(redis.json_toggle("change:k", "$.b").await?, all([false]));
        assert_eq!(redis.json_toggle("change:k", ".b").await?, all([true]));
        let each = redis.json_toggle("change:k", "$.*").await?;
        assert_eq!(
            (each.len(), each.into_iter().flatten().last()),
            (5, Some(false))
        );
        Ok(())
    });
}

async fn array(redis: &Redis) -> Result<serde_json::Value, Error> {
    let found = redis.json_get("array:k").path(".a").await?;
    Ok(found.map(|Json(found)| found).unwrap_or_default())
}

#[test]
fn arrays_grow_and_shrink() {
    run(async |redis| {
        redis
            .json_set("array:k", "$", json!({"a": [], "s": "x"}))
            .await?;
        let appended = redis.json_arrappend("array:k", "$.a", "x").value(1);
        assert_eq!(appended.await?, all([2]));
        let several = redis
            .json_arrappend("array:k", "$.a", [7, 8])
            .values(["y", "x"]);
        assert_eq!(several.await?, all([5]));
        let now = json!(["x", 1, [7, 8], "y", "x"]);
        assert_eq!(array(&redis).await?, now);
        let other = redis.json_arrappend("array:k", "$.*", 0).await?;
        assert_eq!(other, Matches(vec![Some(6), None]));

        assert_eq!(redis.json_arrindex("array:k", "$.a", "x").await?, all([0]));
        assert_eq!(
            redis
                .json_arrindex("array:k", "$.a", "x")
                .range(1, 0)
                .await?,
            all([4])
        );
        assert_eq!(
            redis
                .json_arrindex("array:k", "$.a", "x")
                .range(1, 4)
                .await?,
            all([-1])
        );
        assert_eq!(
            redis.json_arrindex("array:k", "$.s", "x").await?,
            Matches(vec![None])
        );
        let inserted = redis
            .json_arrinsert("array:k", "$.a", 1, "first")
            .value("second");
        assert_eq!(inserted.await?, all([8]));

        let popped = redis.json_arrpop::<i64>("array:k", "$.a").await?;
        assert_eq!(popped, all([Json(0)]));
        let popped = redis
            .json_arrpop::<String>("array:k", "$.a")
            .index(0)
            .await?;
        assert_eq!(popped.one(), Some(Json("x".to_owned())));
        let popped = redis
            .json_arrpop::<[i64; 2]>("array:k", ".a")
            .index(3)
            .await?;
        assert_eq!(popped.one(), Some(Json([7, 8])));
        assert_eq!(redis.json_arrtrim("array:k", "$.a", 1, 2).await?, all([2]));
        let now = json!(["second", 1]);
        assert_eq!(array(&redis).await?, now);
        redis.json_set("array:k", "$.a", json!([])).await?;
        let empty = redis.json_arrpop::<i64>("array:k", "$.a").await?;
        assert_eq!(empty, Matches(vec![None]));
        refused(
            redis.json_arrappend("array:none", "$", 1).await,
            "JSON.ARRAPPEND",
        );
        Ok(())
    });
}

#[test]
fn values_are_cleared_and_deleted() {
    run(async |redis| {
        let document = json!({"a": [1], "o": {"k": 1}, "n": 5, "s": "x"});
        redis.json_set("gone:k", "$", &document).await?;
        assert_eq!(redis.json_clear("gone:k", "$.*").await?, 3);
        let cleared = json!({"a": [], "o": {}, "n": 0, "s": "x"});
        assert_eq!(
            at::<serde_json::Value>(&redis, "gone:k", "$").await?,
            [cleared]
        );
        assert_eq!(redis.json_del("gone:k", "$.a").await?, 1);
        assert_eq!(redis.json_forget("gone:k", "$.a").await?, 0);
        assert_eq!(redis.json_forget("gone:k", "$.o").await?, 1);
        let left = json!({"n": 0, "s": "x"});
        assert_eq!(
            at::<serde_json::Value>(&redis, "gone:k", "$").await?,
            [left]
        );
        assert_eq!(redis.json_del("gone:k", "$").await?, 1);
        assert_eq!(redis.json_del("gone:k", "$").await?, 0);
        assert_eq!(redis.exists("gone:k").await?, 0);
        refused(redis.json_clear("gone:k", "$").await, "JSON.CLEAR");
        Ok(())
    });
}
