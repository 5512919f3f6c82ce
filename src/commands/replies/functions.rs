//! What the commands for functions make of replies.

use std::time::Duration;

use super::{asks_for_bytes, fails, is, redis, reply, texts};
use crate::Bytes;

#[test]
fn libraries() {
    let redis = redis();
    is(
        redis.function_load("#!lua name=l\n"),
        "\"l\"",
        "l".to_owned(),
    );
    is(redis.function_list(), "[]", Vec::new());
    is(redis.function_delete("l"), "\"OK\"", ());
    is(redis.function_flush(), "\"OK\"", ());
    is(redis.function_kill(), "\"OK\"", ());
    is(redis.fcall("f", "k").arg("a"), "\"1\"", 1);
    is(redis.fcall_ro("f", ()), "\"1\"", 1);
    let list = r#"[["library_name","l","engine","LUA","functions",
        [["name","f","description",null,"flags",[]],["name","g","description","reads","flags",["no-writes"],"new",1]],
        "library_code","return 1"],
        [["library_name","m"],["engine","LUA"],["functions",[]]]]"#;
    let list = reply(redis.function_list(), list).unwrap();
    let [with_code, nested] = list.as_slice() else {
        unreachable!("two were sent: {list:?}")
    };
    assert_eq!(
        (
            &*with_code.name,
            &*with_code.engine,
            with_code.code.as_deref()
        ),
        ("l", "LUA", Some("return 1"))
    );
    let [first, second] = with_code.functions.as_slice() else {
        unreachable!("two were sent: {with_code:?}")
    };
    assert_eq!(
        (&*first.name, &first.description, &first.flags),
        ("f", &None, &Vec::new())
    );
    assert_eq!(
        (second.description.as_deref(), &second.flags),
        (Some("reads"), &texts(&["no-writes"]))
    );
    assert_eq!(
        (&*nested.name, &nested.code, nested.functions.len()),
        ("m", &None, 0)
    );
    fails(redis.function_list(), r#"[["library_name","l"]]"#);
}

#[test]
fn stats() {
    let redis = redis();
    let idle =
        r#"["running_script",null,"engines",["LUA",["libraries_count",1,"functions_count",2]]]"#;
    let idle = reply(redis.function_stats(), idle).unwrap();
    assert_eq!((idle.running, idle.engines.len()), (None, 1));
    assert_eq!(
        (idle.engines["LUA"].libraries, idle.engines["LUA"].functions),
        (1, 2)
    );
    let busy = r#"["running_script",["name","f","command",["fcall","f","0"],"duration_ms",1500],"engines",[]]"#;
    let running = reply(redis.function_stats(), busy)
        .unwrap()
        .running
        .unwrap();
    assert_eq!(
        (&*running.name, running.duration),
        ("f", Duration::from_millis(1500))
    );
    assert_eq!(
        running.command,
        [Bytes::from("fcall"), Bytes::from("f"), Bytes::from("0")]
    );
    fails(
        redis.function_stats(),
        r#"["running_script",["command",[]],"engines",[]]"#,
    );
    assert!(asks_for_bytes(redis.function_stats()));
    assert!(!asks_for_bytes(redis.function_list()));
}
