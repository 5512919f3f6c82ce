//! What each type makes of each reply, in both forms.

use std::fmt::Debug;

use super::*;

fn read<T: FromReply>(json: &str) -> Result<T, Error> {
    Reply::new(json::Value::parse(json.as_bytes()).unwrap(), false).read()
}

fn read64<T: FromReply>(json: &str) -> Result<T, Error> {
    Reply::new(json::Value::parse(json.as_bytes()).unwrap(), true).read()
}

#[track_caller]
fn is<T: FromReply + PartialEq + Debug>(json: &str, expected: T) {
    assert_eq!(read::<T>(json).unwrap(), expected);
}

#[track_caller]
fn fails<T: FromReply + Debug>(json: &str) -> String {
    let error = read::<T>(json).unwrap_err();
    assert!(error.is_decode());
    error.to_string()
}

#[test]
fn scalars() {
    is("1", 1i64);
    is("\"1\"", 1i64);
    is("9223372036854775807", i64::MAX);
    is("9007199254740993", 9_007_199_254_740_993u64);
    is("\"9007199254740993\"", "9007199254740993".to_string());
    is("9007199254740993", "9007199254740993".to_string());
    is("1e400", "1e400".to_string());
    is("-0", "-0".to_string());
    is("\"007\"", "007".to_string());
    is("\"007\"", 7i64);
    is("\"1.5\"", 1.5f64);
    is("\"inf\"", f64::INFINITY);
    is("\"-inf\"", f64::NEG_INFINITY);
    assert!(read::<f64>("\"nan\"").unwrap().is_nan());
    assert!(read::<f64>("-0").unwrap().is_sign_negative());
    is("\"\\u0000\"", "\0".to_string());
    is("\"\"", String::new());
    is("1", true);
    is("\"OK\"", true);
    is("0", false);
    is("null", false);
    is("null", ());
    is("null", None::<String>);
    is("\"x\"", Some("x".to_string()));
    is("\"caf\\u00e9\"", Bytes::from("café"));
    fails::<i64>("1.0");
    fails::<i64>("9223372036854775808");
    fails::<f64>("1e400");
    fails::<bool>("2");
    fails::<i64>("[1]");
    assert!(fails::<String>("null").contains("Option"));
    assert!(fails::<String>("\"\\ud800\"").contains("Bytes"));
    is("\"\\ud800\"", Bytes::from(&b"\xed\xa0\x80"[..]));
    fails::<String>("{}");
    fails::<Value>("{\"a\":1}");
}

#[test]
fn containers() {
    is("[]", Vec::<String>::new());
    is("[\"a\",null]", vec![Some("a".to_string()), None]);
    is(
        "[\"a\",\"1\",\"b\",\"2\"]",
        vec![("a".to_string(), 1.0), ("b".to_string(), 2.0)],
    );
    is(
        "[[\"a\",\"1\"],[\"b\",\"2\"]]",
        vec![("a".to_string(), 1.0), ("b".to_string(), 2.0)],
    );
    is("[1,2]", [1, 2]);
    fails::<[i64; 3]>("[1,2]");
    is("[\"a\",\"1\"]", HashMap::from([("a".to_string(), 1)]));
    is("[[\"a\",\"1\"]]", BTreeMap::from([("a".to_string(), 1)]));
    is(
        "[\"b\",\"a\",\"b\"]",
        BTreeSet::from(["a".to_string(), "b".to_string()]),
    );
    is(
        "[\"k\",[\"a\",\"b\"]]",
        ("k".to_string(), vec!["a".to_string(), "b".to_string()]),
    );
    is(
        "[1,[\"x\",null]]",
        Value::Array(vec![
            Value::Number("1".into()),
            Value::Array(vec![Value::Bytes("x".into()), Value::Nil]),
        ]),
    );
    fails::<Vec<(String, i64)>>("[\"a\"]");
    fails::<(String, i64)>("[\"a\",1,2]");
    fails::<Vec<String>>("null");
}

#[test]
fn base64_at_every_depth() {
    let value: Vec<Value> = read64("[\"Zm9v\",\"OK\",[\"/w==\",7,null]]").unwrap();
    let bytes = |bytes: &'static [u8]| Value::Bytes(Bytes::from_static(bytes));
    let inner = Value::Array(vec![bytes(b"\xff"), Value::Number("7".into()), Value::Nil]);
    assert_eq!(value, [bytes(b"foo"), bytes(b"OK"), inner]);
    assert_eq!(read64::<i64>("\"NDI=\"").unwrap(), 42);
    assert!(
        read64::<String>("\"/w==\"")
            .unwrap_err()
            .to_string()
            .contains("Bytes")
    );
    assert!(read64::<String>("\"not base64\"").unwrap_err().is_decode());
}

#[test]
fn errors_do_not_quote_the_reply() {
    for error in [
        read::<i64>("\"secret\"").unwrap_err(),
        read::<Json<i64>>("\"\\\"secret\\\"\"").unwrap_err(),
        read::<Json<i64>>("\"secret\"").unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn what_asks_for_bytes() {
    const {
        assert!(
            Bytes::BYTES && Option::<Bytes>::BYTES && Vec::<(String, Bytes)>::BYTES && Value::BYTES
        );
        assert!(!String::BYTES && !Vec::<Json<i64>>::BYTES);
    }
}

/// The reply of this RESP2 text.
fn resp2(text: &str) -> Reply<'_> {
    let mut values = resp2::Values::parse(text.as_bytes()).unwrap();
    let value = values.next().unwrap();
    assert_eq!(values.next(), None);
    Reply::resp2(value)
}

/// Asserts that both forms of one reply are read alike.
#[track_caller]
fn both<T: FromReply + PartialEq + Debug>(json: &str, text: &str, expected: T) {
    assert_eq!(resp2(text).read::<T>().unwrap(), expected);
    is(json, expected);
}

#[track_caller]
fn both_fail<T: FromReply + Debug>(json: &str, text: &str) {
    let error = resp2(text).read::<T>().unwrap_err();
    assert!(error.is_decode());
    assert_eq!(error.to_string(), fails::<T>(json));
}

#[test]
fn both_forms_give_the_same() {
    both("1", ":1\r\n", 1i64);
    both("-7", ":-7\r\n", -7i64);
    both("\"1\"", "$1\r\n1\r\n", 1i64);
    both(
        "9007199254740993",
        ":9007199254740993\r\n",
        9_007_199_254_740_993u64,
    );
    both("7", ":7\r\n", "7".to_string());
    both("\"-inf\"", "$4\r\n-inf\r\n", f64::NEG_INFINITY);
    both("\"\"", "$0\r\n\r\n", String::new());
    both("\"OK\"", "+OK\r\n", "OK".to_string());
    both("\"OK\"", "+OK\r\n", true);
    both("\"OK\"", "+OK\r\n", Bytes::from("OK"));
    both("0", ":0\r\n", false);
    both("null", "$-1\r\n", false);
    both("null", "*-1\r\n", ());
    both("\"x\"", "+x\r\n", ());
    both("null", "$-1\r\n", None::<String>);
    both("null", "*-1\r\n", None::<Vec<String>>);
    both(
        "\"\\u0000\\r\\n\"",
        "$3\r\n\0\r\n\r\n",
        "\0\r\n".to_string(),
    );
    both("\"[1]\"", "$3\r\n[1]\r\n", Json([1]));
    both("[]", "*0\r\n", Vec::<String>::new());
    both(
        "[\"a\",null]",
        "*2\r\n$1\r\na\r\n$-1\r\n",
        vec![Some("a".to_string()), None],
    );
    both(
        "[\"a\",\"1\"]",
        "*2\r\n$1\r\na\r\n$1\r\n1\r\n",
        HashMap::from([("a".to_string(), 1)]),
    );
    both(
        "[[\"a\",\"1\"],[\"b\",\"2\"]]",
        "*2\r\n*2\r\n+a\r\n+1\r\n*2\r\n+b\r\n:2\r\n",
        vec![("a".to_string(), 1.0), ("b".to_string(), 2.0)],
    );
    both(
        "[1,[\"x\",null]]",
        "*2\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n",
        Value::Array(vec![
            Value::Number("1".into()),
            Value::Array(vec![Value::Bytes("x".into()), Value::Nil]),
        ]),
    );
    both_fail::<String>("null", "$-1\r\n");
    both_fail::<i64>("[1]", "*1\r\n:1\r\n");
    both_fail::<i64>("\"x\"", "$1\r\nx\r\n");
    both_fail::<Vec<i64>>("\"x\"", "$1\r\nx\r\n");
    both_fail::<Vec<i64>>("1", ":1\r\n");
    both_fail::<[i64; 2]>("[1]", "*1\r\n:1\r\n");
    both_fail::<(i64, i64)>("[1]", "*1\r\n:1\r\n");
}

#[test]
fn resp2_has_bytes_as_they_are() {
    let bytes: Bytes = Reply::resp2(resp2::Value::Bulk(b"\xff\0")).read().unwrap();
    assert_eq!(bytes, &b"\xff\0"[..]);
    let text = Reply::resp2(resp2::Value::Bulk(b"\xff")).read::<String>();
    assert!(text.unwrap_err().to_string().contains("Bytes"));
    // What looks like base64 is not.
    assert_eq!(resp2("$4\r\nZm9v\r\n").read::<String>().unwrap(), "Zm9v");
}

#[test]
fn text_in_which_bytes_may_be_lost_is_not_read() {
    let read =
        |json: &'static str| Reply::json(json::Value::found(json.as_bytes()), Strings::Lossy);
    let error = read("\"a\u{fffd}\"").read::<Bytes>().unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("Upstash-Response-Format"),
        "{error}"
    );
    assert!(read("[\"a\"]").read::<Vec<Bytes>>().is_err());
    assert!(read("[\"a\"]").read::<Value>().is_err());
    // What holds no bytes has lost none.
    assert_eq!(read("null").read::<Option<Bytes>>().unwrap(), None);
    assert_eq!(
        read("[1]").read::<Vec<Value>>().unwrap(),
        [Value::Number("1".into())]
    );
    let error = read("[{\"error\":\"WRONGTYPE no\"}]")
        .read::<Vec<Bytes>>()
        .unwrap_err();
    assert_eq!(error.code(), Some("WRONGTYPE"));
}

#[test]
fn errors_inside_a_reply() {
    let forms = [
        Reply::new(
            json::Value::found(br#"[1,{"error":"WRONGTYPE no"},["b"]]"#),
            false,
        ),
        // Words are words under base64, too.
        Reply::new(
            json::Value::found(br#"[1,{"error":"WRONGTYPE no"},["Yg=="]]"#),
            true,
        ),
        resp2("*3\r\n:1\r\n-WRONGTYPE no\r\n*1\r\n$1\r\nb\r\n"),
    ];
    for reply in forms {
        let kinds: Vec<_> = reply.items().unwrap().map(Reply::kind).collect();
        assert_eq!(
            kinds,
            [ReplyKind::Number, ReplyKind::Error, ReplyKind::Array]
        );

        let value = Value::Array(vec![
            Value::Number("1".into()),
            Value::Error("WRONGTYPE no".into()),
            Value::Array(vec![Value::Bytes("b".into())]),
        ]);
        assert_eq!(reply.read::<Value>().unwrap(), value);

        let (one, error, b): (i64, Result<i64, Error>, Result<Vec<String>, Error>) =
            reply.read().unwrap();
        let error = error.unwrap_err();
        assert_eq!((one, b.unwrap()), (1, vec!["b".to_string()]));
        assert!(error.is_server() && !error.is_ambiguous(), "{error}");
        assert_eq!(
            (error.code(), error.command(), error.status()),
            (Some("WRONGTYPE"), None, None)
        );

        // Whatever else is asked for, the error is the server's.
        for error in [
            reply.read::<(i64, i64, Vec<String>)>().unwrap_err(),
            reply.read::<(i64, Option<i64>, Vec<String>)>().unwrap_err(),
            reply.read::<(i64, (), Vec<String>)>().unwrap_err(),
            reply.read::<(i64, bool, Vec<String>)>().unwrap_err(),
            reply.read::<(i64, f64, Vec<String>)>().unwrap_err(),
            reply.read::<(i64, Bytes, Vec<String>)>().unwrap_err(),
            reply.read::<(i64, Json<i64>, Vec<String>)>().unwrap_err(),
            reply.read::<(i64, Vec<i64>, Vec<String>)>().unwrap_err(),
            reply
                .read::<(i64, HashMap<String, i64>, Vec<String>)>()
                .unwrap_err(),
        ] {
            assert_eq!(error.code(), Some("WRONGTYPE"), "{error}");
        }
        // A reply that is no T is not an error of the server, so it is not the value.
        let none = reply.read::<(i64, Result<i64, Error>, Result<i64, Error>)>();
        assert!(none.unwrap_err().is_decode());
    }
    assert!(read::<Vec<Result<i64, Error>>>(r#"[{"error":1}]"#).is_err());
    let told = read::<Vec<Result<i64, Error>>>(r#"[{"error":"TRYAGAIN later"}]"#).unwrap();
    // The script around it did run, so running it again is not free.
    assert!(!told[0].as_ref().unwrap_err().is_retryable());
    let quoting =
        r#"[{"error":"ERR unknown command 'secret', with args beginning with: 'secret'"}]"#;
    for error in [
        read::<Vec<Result<i64, Error>>>(quoting)
            .unwrap()
            .remove(0)
            .unwrap_err(),
        read::<Vec<i64>>(quoting).unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn a_reply_stays_small() {
    assert!(size_of::<Reply<'_>>() <= 4 * size_of::<usize>());
}
