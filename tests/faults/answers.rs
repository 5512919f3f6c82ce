//! Answers to several commands that are not what was asked for: an error, and never another command's value.
//!
//! The protocol numbers neither commands nor entries. What can be told: that there are too few or too many entries, that
//! one is neither a result nor an error, and that a value is not of the type its command has. Entries in another order
//! whose values fit by type look like the right answer, and nobody can tell.

use std::{
    collections::VecDeque,
    future::IntoFuture,
    sync::{Arc, Mutex},
};

use futures_util::join;
use restis::{
    Error, Redis,
    transport::{Request, Response},
};

/// A client that gets these answers, one after the other, in JSON, and fails where it asks for more.
pub fn redis(answers: impl IntoIterator<Item = (u16, Vec<u8>)>) -> Redis {
    let answers: VecDeque<_> = answers.into_iter().collect();
    let answers = Arc::new(Mutex::new(answers));
    Redis::builder()
        .url("https://mock.example")
        .token("token")
        .auto_pipelining(true)
        .transport(move |_: Request| {
            let (status, body) = answers.lock().unwrap().pop_front().unwrap();
            async move { Ok(Response::new(status, body).header("content-type", "application/json")) }
        })
        .build()
        .unwrap()
}

/// What SET, GET and INCR came to in one request, or the error of the request.
type Three = Result<
    (
        Result<(), Error>,
        Result<Option<String>, Error>,
        Result<i64, Error>,
    ),
    Error,
>;

/// The same answer to the three ways of sending them.
async fn three(body: &str) -> [Three; 3] {
    let redis = redis(vec![(200, body.into()); 3]);
    let batch = || {
        (
            redis.set("k", "v"),
            redis.get::<String>("k"),
            redis.incr("n"),
        )
    };
    let (set, get, incr) = batch();
    let together = join!(set.into_future(), get.into_future(), incr.into_future());
    let pipeline = redis.pipeline(batch()).await;
    let transaction = redis.transaction(batch()).keep_errors().await;
    [Ok(together), pipeline, transaction]
}

/// The errors of all three ways, each as those of SET, GET and INCR, or as one of the whole.
async fn refused(body: &str) -> Vec<Error> {
    let mut errors = Vec::new();
    for (way, three) in three(body).await.into_iter().enumerate() {
        match three {
            Ok((set, get, incr)) => {
                let members = [
                    set.map(|()| String::new()).unwrap_err(),
                    get.map(Option::unwrap_or_default).unwrap_err(),
                    incr.map(|n| n.to_string()).unwrap_err(),
                ];
                let names = members.each_ref().map(|error| error.command());
                assert_eq!(names, [Some("SET"), Some("GET"), Some("INCR")], "{body}");
                errors.extend(members);
            }
            Err(error) => {
                let names = [None, Some("pipeline"), Some("transaction")];
                assert_eq!(error.command(), names[way], "{body}");
                errors.push(error);
            }
        }
    }
    errors
}

#[tokio::test]
async fn what_does_not_add_up_is_nobodys() {
    for body in [
        "[]",
        r#"[{"result":"OK"}]"#,
        r#"[{"result":"OK"},{"result":"v"}]"#,
        r#"[{"result":"OK"},{"result":"v"},{"result":1},{"result":2}]"#,
        r#"[{"result":"OK"},{"result":"v"},{"result":1},null]"#,
        r#"[{"error":"ERR no"},{"error":"ERR no"}]"#,
        r#"[[{"result":"OK"},{"result":"v"},{"result":1}]]"#,
    ] {
        for error in refused(body).await {
            assert!(
                error.is_decode() && error.to_string().contains("order"),
                "{body}: {error}"
            );
            assert_eq!(
                error.is_ambiguous(),
                error.command() != Some("GET"),
                "{body}: {error}"
            );
            assert!(!error.is_retryable(), "{body}: {error}");
        }
    }
}

#[tokio::test]
async fn what_is_no_array_is_nobodys() {
    for body in [
        "{}",
        "7",
        "null",
        "\"OK\"",
        r#"{"message":"hello"}"#,
        r#"{"result":[{"result":"OK"},{"result":"v"},{"result":1}]}"#,
        r#"{"result":["OK","v",1]}"#,
    ] {
        for error in refused(body).await {
            assert!(error.is_decode(), "{body}: {error}");
            assert_eq!(
                error.is_ambiguous(),
                error.command() != Some("GET"),
                "{body}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn entries_that_are_none_are_errors_of_their_commands() {
    for entry in [
        "{}",
        "7",
        "null",
        "true",
        "[]",
        "\"OK\"",
        r#"{"message":"x"}"#,
        r#"{"error":7}"#,
        r#"{"Result":"OK"}"#,
        r#"[{"result":"OK"}]"#,
    ] {
        for error in refused(&format!("[{entry},{entry},{entry}]")).await {
            assert!(error.is_decode(), "{entry}: {error}");
            // Each is judged as its command, also in a batch.
            assert_eq!(
                error.is_ambiguous(),
                error.command() != Some("GET"),
                "{entry}: {error}"
            );
        }
        // The others have what is theirs.
        for three in three(&format!(r#"[{{"result":"OK"}},{entry},{{"result":1}}]"#)).await {
            let (set, get, incr) = three.unwrap();
            set.unwrap();
            assert_eq!(incr.unwrap(), 1);
            let error = get.unwrap_err();
            assert!(
                error.is_decode() && error.command() == Some("GET"),
                "{entry}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn one_error_for_all_is_the_error_of_each() {
    for error in refused(r#"{"error":"ERR max daily request limit exceeded"}"#).await {
        assert_eq!(error.code(), Some("ERR"));
        assert!(!error.is_ambiguous() && !error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn a_value_of_another_type_betrays_the_order() {
    // As if INCR had run first: its number is no text of GET's kind, and GET's text no number.
    for three in three(r#"[{"result":"OK"},{"result":[1]},{"result":"v"}]"#).await {
        let (set, get, incr) = three.unwrap();
        set.unwrap();
        for error in [get.unwrap_err(), incr.unwrap_err()] {
            assert!(error.is_decode() && !error.is_ambiguous(), "{error}");
        }
    }
    // Without `keep_errors` nothing of a transaction is a value then.
    let body = r#"[{"result":"OK"},{"result":"v"}]"#;
    let redis = redis([(200, body.into())]);
    let error = redis
        .transaction((redis.set("k", 1), redis.incr("n")))
        .await
        .unwrap_err();
    assert!(
        error.is_decode() && error.command() == Some("INCR"),
        "{error}"
    );
}

#[tokio::test]
async fn an_order_that_the_types_do_not_betray_cannot_be_told() {
    let body = r#"[{"result":"of b"},{"result":"of a"}]"#;
    let redis = redis([(200, body.into())]);
    let (a, b) = join!(
        redis.get::<String>("a").into_future(),
        redis.get::<String>("b").into_future(),
    );
    assert_eq!(
        (a.unwrap().as_deref(), b.unwrap().as_deref()),
        (Some("of b"), Some("of a"))
    );
}

#[tokio::test]
async fn the_class_that_a_caller_has_set_is_that_of_the_error() {
    use restis::Safety::{Read, Write};
    let bodies = ["[]", "[7,7]"].map(|body| (200, body.into()));
    let redis = redis(bodies.into_iter().cycle().take(8));
    for (class, is_ambiguous) in [(Read, false), (Write, true)] {
        for _ in 0..2 {
            let batch = || {
                (
                    redis.command("ANY").safety(class),
                    redis.command("ANY").safety(class),
                )
            };
            let (first, second) = batch();
            let (first, second) = join!(first.into_future(), second.into_future());
            for error in [first.unwrap_err(), second.unwrap_err()] {
                assert_eq!(error.is_ambiguous(), is_ambiguous, "{error}");
            }
        }
    }
    for (class, is_ambiguous) in [(Read, false), (Write, true)] {
        let batch = || {
            (
                redis.command("ANY").safety(class),
                redis.command("ANY").safety(class),
            )
        };
        let error = redis.pipeline(batch()).await.unwrap_err();
        assert_eq!(error.is_ambiguous(), is_ambiguous, "{error}");
        let (first, _) = redis.pipeline(batch()).await.unwrap();
        assert_eq!(first.unwrap_err().is_ambiguous(), is_ambiguous);
    }
}

#[tokio::test]
async fn a_page_of_another_shape_ends_the_scan() {
    for page in [
        "[]",
        "7",
        "null",
        r#""0""#,
        r#"["0"]"#,
        r#"["0",7]"#,
        r#"["0",["a"],"more"]"#,
        r#"[["0"],["a"]]"#,
        r#"{"a":"b"}"#,
    ] {
        let first = r#"{"result":["7",["a"]]}"#.to_owned();
        let second = format!(r#"{{"result":{page}}}"#);
        let redis = redis([(200, first.into()), (200, second.into())]);
        let mut keys = redis.scan().stream::<String>();
        assert_eq!(keys.next().await.unwrap().unwrap(), "a");
        let error = keys.next().await.unwrap().unwrap_err();
        assert!(
            error.is_decode() && error.command() == Some("SCAN"),
            "{page}: {error}"
        );
        assert!(keys.next().await.is_none());
    }
}
