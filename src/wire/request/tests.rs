//! Requests as they are written, and what a failure finds in them again.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::Json;

fn json(build: impl FnOnce(&mut Args)) -> String {
    let mut args = Args::new("X");
    build(&mut args);
    assert!(args.take_error().is_none());
    args.into_json()
}

#[test]
fn one_argument() {
    type Build = Box<dyn FnOnce(&mut Args)>;
    let table: Vec<(Build, &str)> = vec![
        (Box::new(|a| a.arg("text")), r#""text""#),
        (Box::new(|a| a.arg("")), r#""""#),
        (Box::new(|a| a.arg("q\"b\\n\nz\0")), r#""q\"b\\n\nz\u0000""#),
        (Box::new(|a| a.arg('é')), r#""é""#),
        (
            Box::new(|a| a.arg(9_007_199_254_740_993i64)),
            r#""9007199254740993""#,
        ),
        (Box::new(|a| a.arg(i64::MIN)), r#""-9223372036854775808""#),
        (
            Box::new(|a| a.arg(u128::MAX)),
            r#""340282366920938463463374607431768211455""#,
        ),
        (Box::new(|a| a.arg(true)), r#""true""#),
        (Box::new(|a| a.arg(1.0)), r#""1""#),
        (Box::new(|a| a.arg(-0.0)), r#""-0""#),
        (Box::new(|a| a.arg(0.1)), r#""0.1""#),
        (Box::new(|a| a.arg(1e300)), r#""1e300""#),
        (Box::new(|a| a.arg(5e-324)), r#""5e-324""#),
        (Box::new(|a| a.arg(f64::INFINITY)), r#""inf""#),
        (Box::new(|a| a.arg(f64::NEG_INFINITY)), r#""-inf""#),
        (Box::new(|a| a.arg(b"bytes")), r#""bytes""#),
        (Box::new(|a| a.arg(vec![b'v'])), r#""v""#),
        (Box::new(|a| a.arg(Json("s"))), r#""\"s\"""#),
        (
            Box::new(|a| a.arg(Json(BTreeMap::from([("k", vec![1])])))),
            r#""{\"k\":[1]}""#,
        ),
    ];
    for (build, expected) in table {
        assert_eq!(json(build), format!("[\"X\",{expected}]"));
    }
}

#[test]
fn several_arguments_and_pairs() {
    let words = ["a".to_string(), "b".to_string()];
    for built in [
        json(|a| assert_eq!(a.args(&["a", "b"]), 2)),
        json(|a| assert_eq!(a.args(&words), 2)),
        json(|a| assert_eq!(a.args(&words[..]), 2)),
        json(|a| assert_eq!(a.args(&words.to_vec()), 2)),
        json(|a| a.pairs(&("a", "b"))),
        json(|a| a.pairs(&[("a", "b")])),
        json(|a| a.pairs(&vec![("a", "b")])),
        json(|a| a.pairs(&HashMap::from([("a", "b")]))),
        json(|a| a.pairs(&BTreeMap::from([("a", "b")]))),
    ] {
        assert_eq!(built, r#"["X","a","b"]"#);
    }
    assert_eq!(json(|a| assert_eq!(a.args(b"ab"), 1)), r#"["X","ab"]"#);
}

#[test]
fn options_go_before_the_values() {
    let mut args = Args::new("ZADD");
    args.arg("key");
    args.set_front();
    args.arg(1);
    args.arg(&b"\xff"[..]);
    args.option_at_front(|a| a.arg("NX"));
    args.option_at_front(|a| a.arg("CH"));
    let form = args.into_path_form().unwrap();
    assert_eq!(
        form,
        PathForm {
            path: "/ZADD/key/NX/CH/1".into(),
            body: b"\xff".into()
        }
    );
}

#[test]
fn bytes_before_the_front_stay_where_they_are() {
    let path = |build: fn(&mut Args)| {
        let mut args = Args::new("X");
        build(&mut args);
        args.into_path_form()
    };
    // The key is bytes: what follows it is more than one pair, so it is refused and never moved.
    let key = path(|a| {
        a.arg(b"\xff");
        a.set_front();
        a.pairs(&(1, "m"));
        a.option_at_front(|a| a.arg("NX"));
    });
    assert!(key.is_err());
    let scan = path(|a| {
        a.arg(b"\xff");
        a.set_front();
        a.option_at_front(|a| a.arg("0"));
    });
    assert!(scan.is_err());
    let counted = path(|a| {
        a.arg(b"\xff");
        a.counted(&["k"]);
    });
    assert_eq!(counted.unwrap().path, "/X?1=k");
    let in_counted = path(|a| {
        a.arg("script");
        a.counted(&[b"\xff"]);
    });
    assert_eq!(in_counted.unwrap().path, "/X/script/1");
    let in_counted_pairs = path(|a| {
        a.arg("k");
        a.set_front();
        a.arg("FIELDS");
        a.counted_pairs(&[("f", &b"v"[..]), ("g", &b"\xff"[..])]);
        a.option_at_front(|a| a.arg("FNX"));
    });
    assert_eq!(in_counted_pairs.unwrap().path, "/X/k/FNX/FIELDS/2/f/v/g");
    let behind = path(|a| {
        a.arg("k");
        a.set_front();
        a.arg(b"\xff");
        a.option_at_front(|a| a.arg("NX"));
    });
    assert_eq!(behind.unwrap().path, "/X/k/NX");
}

#[test]
fn text_that_is_too_long_for_a_url_is_refused() {
    let mut args = Args::new("RPUSH");
    args.arg("x".repeat(MAX_PATH));
    args.arg(b"\xff");
    assert!(args.into_path_form().unwrap_err().is_argument());
}

#[test]
fn bytes_that_are_not_utf8() {
    let set = |build: fn(&mut Args)| {
        let mut args = Args::new("SET");
        build(&mut args);
        args
    };
    let bytes = &b"\xff\xfe"[..];
    let form = set(|a| {
        a.arg("a/b?c d%é");
        a.arg(&b"\xff\xfe"[..]);
        a.arg("EX");
        a.arg(60);
    })
    .into_path_form()
    .unwrap();
    assert_eq!(
        form,
        PathForm {
            path: "/SET/a%2Fb%3Fc%20d%25%C3%A9?EX=60".into(),
            body: bytes.into()
        }
    );
    let refused: [fn(&mut Args); 5] = [
        |a| {
            a.arg("");
            a.arg(b"\xff");
        },
        |a| {
            a.arg("..");
            a.arg(b"\xff");
        },
        |a| {
            a.arg("k");
            a.arg(b"\xff");
            a.arg("NX");
        },
        |a| {
            a.arg("k");
            a.arg(b"\xff");
            a.args(&["a", "b", "c", "d"]);
        },
        |a| {
            a.arg("k");
            a.arg(b"\xff");
            a.args(&["_token", "x"]);
        },
    ];
    for build in refused {
        let error = set(build).into_path_form().unwrap_err();
        assert!(error.is_argument(), "{error}");
        assert_eq!(error.command(), Some("SET"));
    }
    let mut two = set(|a| {
        a.arg(b"\xff");
        a.arg(b"\xfe");
    });
    assert!(two.take_error().is_some_and(|error| error.is_argument()));
    let mut body = String::new();
    assert!(set(|a| a.arg(b"\xff")).append_to(&mut body).is_err());
}

#[test]
fn a_value_that_is_not_json_is_an_error_without_the_value() {
    let mut args = Args::new("SET");
    args.arg(Json(HashMap::from([(vec!["secret"], 1)])));
    let error = args.take_error().unwrap();
    assert!(error.is_argument());
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn names() {
    assert_eq!(Args::new("get").name().as_deref(), Some("GET"));
    let mut args = Args::new("SCRIPT");
    args.arg("LOAD");
    args.arg("return 1");
    assert_eq!(args.name().as_deref(), Some("SCRIPT LOAD"));
    let mut args = Args::new("GET");
    args.arg("secret");
    assert_eq!(format!("{args:?}"), "Args(\"GET\")");
    let mut args = Args::new("OBJECT");
    args.arg("secret");
    assert_eq!(args.name().as_deref(), Some("OBJECT"));
    let mut args = Args::new("JSON.DEBUG");
    args.arg("memory");
    assert_eq!(args.name().as_deref(), Some("JSON.DEBUG MEMORY"));
    assert_eq!(Args::new("not a command, a value").name(), None);
}

proptest! {
    #[test]
    fn floats_read_back(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        let text = json(|a| a.arg(float));
        let text = text.trim_start_matches("[\"X\",\"").trim_end_matches("\"]");
        let back: f64 = text.parse().unwrap();
        prop_assert!(back.to_bits() == bits || float.is_nan(), "{}", text);
    }

    #[test]
    fn any_text_is_one_argument(words in proptest::collection::vec(any::<String>(), 0..5)) {
        let text = json(|a| assert_eq!(a.args(&words), words.len()));
        let read: Vec<String> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read[1..], &words[..]);
    }

    #[test]
    fn path_form_keeps_every_argument(
        words in proptest::collection::vec("[^.]{1,12}", 0..4),
        pair in proptest::option::of((any::<String>(), any::<String>())),
    ) {
        let mut args = Args::new("SET");
        args.args(&words);
        args.arg(b"\xff");
        if let Some((name, value)) = &pair {
            args.arg(name);
            args.arg(value);
        }
        let form = args.into_path_form().unwrap();
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let (path, query) = form.path.split_once('?').map_or((&*form.path, None), |(p, q)| (p, Some(q)));
        let read: Vec<_> = path.split('/').skip(2).map(decode).collect();
        prop_assert_eq!(read, words);
        let query = query.and_then(|query| query.split_once('=')).map(|(name, value)| (decode(name), decode(value)));
        prop_assert_eq!(query, pair);
    }
}
