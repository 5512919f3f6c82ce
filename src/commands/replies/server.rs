//! What access control, settings and publishing make of replies.

use std::{collections::HashMap, time::Duration};

use super::{fails, is, redis, reply, texts};
use crate::{
    Bytes, Value,
    commands::acl::{AclLogEntry, AclUser},
};

#[test]
fn users() {
    let redis = redis();
    is(redis.acl_getuser("ada"), "null", None);
    let json = r#"["flags",["on"],"passwords",["5e88"],"commands","-@all +get","keys","~user:* %R~other",
        "channels","","of a later version",{},"selectors",[["commands","+set","keys","~x","channels","&y"]]]"#;
    let user = reply(redis.acl_getuser("ada"), json).unwrap().unwrap();
    assert_eq!(user.flags, ["on"]);
    assert_eq!(user.passwords, ["5e88"]);
    assert_eq!(user.commands, "-@all +get");
    assert_eq!(user.keys, ["~user:*", "%R~other"]);
    assert_eq!(user.channels, texts(&[]));
    assert_eq!(user.selectors[0].commands, "+set");
    assert_eq!(user.selectors[0].keys, ["~x"]);
    assert_eq!(user.selectors[0].channels, ["&y"]);
    let shown = format!("{user:?}");
    assert!(shown.contains("+get") && !shown.contains("5e88"), "{shown}");

    // Redis 6 has lists where later ones have one text.
    let old = r#"["flags",["off"],"passwords",[],"commands","-@all","keys",["a","b"]]"#;
    let user = reply(redis.acl_getuser("ada"), old).unwrap().unwrap();
    assert_eq!(user.keys, ["a", "b"]);
    is(redis.acl_getuser("ada"), "[]", Some(AclUser::default()));
    fails(redis.acl_getuser("ada"), r#"["flags"]"#);
    fails(redis.acl_getuser("ada"), r#"["flags","on"]"#);
}

#[test]
fn log_of_access() {
    let redis = redis();
    let json = r#"[["count",1,"reason","auth","context","toplevel","object","AUTH","username","ada",
        "age-seconds","1.5","client-info","id=8","entry-id",7,"timestamp-created",1700000000000,
        "timestamp-last-updated",1700000000001],["count",2]]"#;
    let first = AclLogEntry {
        count: Some(1),
        reason: Some("auth".into()),
        context: Some("toplevel".into()),
        object: Some("AUTH".into()),
        username: Some("ada".into()),
        age: Some(Duration::from_millis(1_500)),
        client_info: Some("id=8".into()),
        entry_id: Some(7),
        timestamp_created: Some(1_700_000_000_000),
        timestamp_last_updated: Some(1_700_000_000_001),
    };
    let second = AclLogEntry {
        count: Some(2),
        ..AclLogEntry::default()
    };
    is(redis.acl_log(), json, vec![first, second]);
    is(redis.acl_log(), "[]", Vec::new());
}

#[test]
fn settings_and_channels() {
    let redis = redis();
    is(
        redis.config_get("*"),
        r#"["save","","maxmemory","0"]"#,
        HashMap::from([
            ("save".to_owned(), String::new()),
            ("maxmemory".to_owned(), "0".to_owned()),
        ]),
    );
    is(
        redis.command_info(["get", "none"]),
        r#"[["get",2],null]"#,
        vec![
            Value::Array(vec![
                Value::Bytes(Bytes::from("get")),
                Value::Number("2".into()),
            ]),
            Value::Nil,
        ],
    );
    is(
        redis.command_docs("get"),
        r#"["get",["since","1.0.0"]]"#,
        HashMap::from([(
            "get".to_owned(),
            Value::Array(vec![
                Value::Bytes(Bytes::from("since")),
                Value::Bytes(Bytes::from("1.0.0")),
            ]),
        )]),
    );
    is(redis.waitaof(true, 1, 5), "[1,0]", (1, 0));
    is(
        redis.pubsub_numsub(["a", "b"]),
        r#"["a",2,"b",0]"#,
        vec![("a".to_owned(), 2), ("b".to_owned(), 0)],
    );
    is(redis.publish("c", "m"), "1", 1);
    is(
        redis.ping().message::<String>("hi"),
        "\"hi\"",
        "hi".to_owned(),
    );
}
