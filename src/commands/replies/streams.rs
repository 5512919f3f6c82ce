//! The replies of the streams.

use std::{collections::HashMap, time::Duration};

use super::{fails, is, redis, reply};
use crate::{
    Bytes, Command, FromReply, Json,
    commands::streams::{
        Entry, StreamEntries, StreamId, Trim,
        groups::{ClaimedEntry, Deletion},
        pending::{AutoClaimed, PendingEntry, PendingSummary},
    },
};

type Pairs = Vec<(String, String)>;

fn id(milliseconds: u64) -> StreamId {
    StreamId::new(milliseconds, 0)
}

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs
        .iter()
        .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
        .collect()
}

fn entry<F>(milliseconds: u64, fields: F) -> Entry<F> {
    Entry {
        id: id(milliseconds),
        fields,
    }
}

#[test]
fn ids() {
    let redis = redis();
    is(redis.xadd("k", "*", ("f", 1)), "\"1-0\"", id(1));
    is(
        redis.xadd("k", "*", ("f", 1)),
        "\"18446744073709551615-18446744073709551615\"",
        StreamId::MAX,
    );
    is(redis.xadd("k", "*", ("f", 1)).nomkstream(), "null", None);
    is(
        redis.xadd("k", "*", ("f", 1)).nomkstream(),
        "\"1-0\"",
        Some(id(1)),
    );
    fails(redis.xadd("k", "*", ("f", 1)), "null");
    fails(redis.xadd("k", "*", ("f", 1)), "\"OK\"");
    is(redis.xlen("k"), "1", 1);
    is(redis.xtrim("k", Trim::maxlen(1)), "1", 1);
}

#[test]
fn fields_as_what_is_asked_for() {
    let redis = redis();
    let json = r#"[["1-0",["a","1","b","x","a","2"]]]"#;
    is(
        redis.xrange("k", "-", "+"),
        json,
        vec![entry(1, pairs(&[("a", "1"), ("b", "x"), ("a", "2")]))],
    );
    let nested = r#"[["1-0",[["a","1"],["b","x"]]]]"#;
    for json in [r#"[["1-0",["a","1","b","x"]]]"#, nested] {
        let map = HashMap::from([
            ("a".to_owned(), "1".to_owned()),
            ("b".to_owned(), "x".to_owned()),
        ]);
        is(redis.xrevrange("k", "+", "-"), json, vec![entry(1, map)]);
    }
    is(
        redis.xrange("k", "-", "+"),
        r#"[["1-0",["a","1"]],["2-0",["a","9007199254740993"]]]"#,
        vec![
            entry(1, ("a".to_owned(), 1_u64)),
            entry(2, ("a".to_owned(), 9_007_199_254_740_993)),
        ],
    );
    is(
        redis.xrange("k", "-", "+"),
        r#"[["1-0",["a","[1,2]"]]]"#,
        vec![entry(1, ("a".to_owned(), Json(vec![1, 2])))],
    );
    fails(redis.xrange::<(String, u64)>("k", "-", "+"), json);
    fails(redis.xrange::<Pairs>("k", "-", "+"), r#"[["1-0",["a"]]]"#);
    fails(
        redis.xrange::<Pairs>("k", "-", "+"),
        r#"[["one",["a","1"]]]"#,
    );
    fails(redis.xrange::<Pairs>("k", "-", "+"), r#"[["1-0"]]"#);
    fails(redis.xrange::<Pairs>("k", "-", "+"), r#"[["1-0",null]]"#);
    is(redis.xrange::<Pairs>("k", "-", "+"), "[]", vec![]);
    is(
        redis.xrange::<Pairs>("k", "-", "+").count(0),
        "null",
        vec![],
    );
}

#[test]
fn several_streams_flat_and_in_pairs_or_nil() {
    let redis = redis();
    let read = || redis.xread::<(String, i64)>([("a", "0"), ("b", "0")]);
    let of = |key: &str, entries| StreamEntries {
        key: key.to_owned(),
        entries,
    };
    is(read(), "null", vec![]);
    is(
        read(),
        r#"[["a",[["1-0",["f","1"]]]]]"#,
        vec![of("a", vec![entry(1, ("f".to_owned(), 1))])],
    );
    let both = vec![
        of("a", vec![entry(1, ("f".to_owned(), 1))]),
        of("b", vec![entry(2, ("f".to_owned(), 2))]),
    ];
    for json in [
        r#"[["a",[["1-0",["f","1"]]]],["b",[["2-0",["f","2"]]]]]"#,
        r#"["a",[["1-0",["f","1"]]],"b",[["2-0",["f","2"]]]]"#,
    ] {
        is(read(), json, both.clone());
    }
    fails(read(), r#"["a"]"#);
}

#[test]
fn what_a_consumer_gets() {
    let redis = redis();
    let read = || redis.xreadgroup::<Pairs>("g", "c", ("k", ">"));
    let of = |entries| {
        vec![StreamEntries {
            key: "k".to_owned(),
            entries,
        }]
    };
    is(read(), "null", vec![]);
    is(read(), r#"[["k",[]]]"#, of(vec![]));
    is(
        read(),
        r#"[["k",[["1-0",null],["2-0",["f","1"]]]]]"#,
        of(vec![entry(1, None), entry(2, Some(pairs(&[("f", "1")])))]),
    );

    let claim = || {
        redis
            .xreadgroup::<Pairs>("g", "c", ("k", ">"))
            .claim(60_000)
    };
    let claimed = |milliseconds, fields, idle, deliveries| ClaimedEntry {
        id: id(milliseconds),
        fields,
        idle: Duration::from_millis(idle),
        deliveries,
    };
    is(
        claim(),
        "null",
        Vec::<StreamEntries<ClaimedEntry<Pairs>>>::new(),
    );
    let one = Some(pairs(&[("f", "1")]));
    is(
        claim(),
        r#"[["k",[["1-0",["f","1"],"287341","22"],["2-0",null,60000,1],["3-0",["f","1"],0,0],["4-0",["f","1"]]]]]"#,
        vec![StreamEntries {
            key: "k".to_owned(),
            entries: vec![
                claimed(1, one.clone(), 287_341, 22),
                claimed(2, None, 60_000, 1),
                claimed(3, one.clone(), 0, 0),
                claimed(4, one, 0, 0),
            ],
        }],
    );

    is(redis.xack("k", "g", ["1-0", "2-0"]), "2", 2);
    is(
        redis.xackdel("k", "g", "1-0").delref(),
        "[1]",
        vec![Deletion::Deleted],
    );
    is(
        redis.xdelex("k", ["1-0", "2-0", "3-0"]).acked(),
        "[1,-1,2]",
        vec![Deletion::Deleted, Deletion::NotFound, Deletion::Referenced],
    );
    fails(redis.xdelex("k", "1-0"), "[0]");
    is(redis.xgroup_create("k", "g", "$"), "\"OK\"", ());
    is(redis.xgroup_createconsumer("k", "g", "c"), "1", true);
    is(redis.xgroup_delconsumer("k", "g", "c"), "0", 0);
    is(redis.xgroup_destroy("k", "g"), "1", true);
    is(redis.xgroup_setid("k", "g", "0"), "\"OK\"", ());
}

#[test]
fn what_is_pending() {
    let redis = redis();
    let none = PendingSummary {
        count: 0,
        lowest: None,
        highest: None,
        consumers: vec![],
    };
    is(redis.xpending("k", "g"), "[0,null,null,null]", none.clone());
    is(redis.xpending("k", "g"), "[0,null,null,[]]", none);
    is(
        redis.xpending("k", "g"),
        r#"[3,"1-0","2-0",[["c","2"],["d","1"]]]"#,
        PendingSummary {
            count: 3,
            lowest: Some(id(1)),
            highest: Some(id(2)),
            consumers: vec![("c".to_owned(), 2), ("d".to_owned(), 1)],
        },
    );
    is(
        redis
            .xpending("k", "g")
            .range("-", "+", 10)
            .idle(5)
            .consumer("c"),
        r#"[["1-0","c",5,1]]"#,
        vec![PendingEntry {
            id: id(1),
            consumer: "c".to_owned(),
            idle: Duration::from_millis(5),
            deliveries: 1,
        }],
    );

    let claim = || redis.xclaim::<Pairs>("k", "g", "c", 10, "1-0");
    is(claim().justid(), r#"["1-0"]"#, vec![id(1)]);
    is(claim(), "[]", vec![]);
    let one = entry(2, Some(pairs(&[("f", "1")])));
    // A deleted entry: left out, or nil in its place, or with nil as its fields.
    is(claim(), r#"[null,["2-0",["f","1"]]]"#, vec![one.clone()]);
    is(
        claim(),
        r#"[["1-0",null],["2-0",["f","1"]]]"#,
        vec![entry(1, None), one.clone()],
    );

    let auto = || redis.xautoclaim::<Pairs>("k", "g", "c", 10, "0-0");
    is(
        auto().count(2).justid(),
        r#"["0-0",["1-0"],[]]"#,
        AutoClaimed {
            next: None,
            entries: vec![id(1)],
            deleted: vec![],
        },
    );
    for (json, deleted) in [
        (r#"["3-0",[["2-0",["f","1"]]],["1-0"]]"#, vec![id(1)]),
        // Redis 6.2.
        (r#"["3-0",[null,["2-0",["f","1"]]]]"#, vec![]),
    ] {
        let expected = AutoClaimed {
            next: Some(id(3)),
            entries: vec![one.clone()],
            deleted,
        };
        is(auto(), json, expected);
    }
    fails(auto(), "[]");
    fails(auto(), "null");
}

#[test]
fn what_the_server_tells() {
    let redis = redis();
    let flat = r#"["length",1,"news","of a later server","last-generated-id","1-0","groups",2,"first-entry",null]"#;
    let nested = r#"[["length",1],["last-generated-id","1-0"],["groups",2]]"#;
    for json in [flat, nested] {
        let info = reply(redis.xinfo_stream::<Pairs>("k"), json).unwrap();
        assert_eq!((info.length, info.groups), (1, 2));
        assert_eq!(info.last_generated_id, id(1));
        assert_eq!((info.first_entry, info.entries_added), (None, None));
    }
    let json = r#"["length",1,"radix-tree-keys",1,"radix-tree-nodes",2,"last-generated-id","4-0","max-deleted-entry-id",
        "1-0","entries-added",3,"recorded-first-entry-id","2-0","groups",0,"first-entry",["2-0",["f","1"]],
        "last-entry",["2-0",["f","1"]]]"#;
    let info = reply(redis.xinfo_stream::<Pairs>("k"), json).unwrap();
    assert_eq!(info.max_deleted_entry_id, Some(id(1)));
    assert_eq!(info.recorded_first_entry_id, Some(id(2)));
    assert_eq!(info.entries_added, Some(3));
    assert_eq!(
        (info.radix_tree_keys, info.radix_tree_nodes),
        (Some(1), Some(2))
    );
    assert_eq!(info.first_entry, Some(entry(2, pairs(&[("f", "1")]))));
    assert_eq!(info.last_entry, info.first_entry);

    let json = r#"[["name","g","consumers",2,"pending",3,"last-delivered-id","2-0","entries-read",null,"lag",-1]]"#;
    let groups = reply(redis.xinfo_groups("k"), json).unwrap();
    let [group] = &groups[..] else { panic!() };
    assert_eq!((&*group.name, group.consumers, group.pending), ("g", 2, 3));
    assert_eq!(group.last_delivered_id, id(2));
    assert_eq!((group.entries_read, group.lag), (None, Some(-1)));

    let json = r#"[["name","c","pending",1,"idle",5,"inactive",-1],["name","d","pending",0,"idle",9000],
        ["name","e","pending",0,"idle",1,"inactive",1500]]"#;
    let consumers = reply(redis.xinfo_consumers("k", "g"), json).unwrap();
    let told: Vec<_> = consumers
        .iter()
        .map(|c| (&*c.name, c.pending, c.idle.as_millis(), c.inactive))
        .collect();
    assert_eq!(
        told,
        [
            ("c", 1, 5, None),
            ("d", 0, 9_000, None),
            ("e", 0, 1, Some(Duration::from_millis(1_500))),
        ]
    );
    for json in ["[[]]", r#"[["name"]]"#, r#"[["name","c","pending",1]]"#] {
        fails(redis.xinfo_consumers("k", "g"), json);
    }
    // A name that all servers tell is missed by its name.
    let error = reply(redis.xinfo_groups("k"), r#"[["name","g","consumers",0]]"#).unwrap_err();
    assert!(error.to_string().contains("`pending`"), "{error}");
}

#[test]
fn all_that_the_server_tells() {
    let json = r#"["length",2,"last-generated-id","3-0","entries",[["2-0",["f","1"]]],"groups",[["name","g",
        "last-delivered-id","2-0","entries-read",2,"lag",1,"pel-count",1,"pending",[["2-0","c",1795533026317,4]],
        "consumers",[["name","c","seen-time",1795533026317,"active-time",1795533026316,"pel-count",1,"pending",
        [["2-0",1795533026317,4]]],["name","d","seen-time",5,"active-time",-1,"pel-count",0,"pending",[]]]]]]"#;
    let info = reply(redis().xinfo_stream::<Pairs>("k").full(), json).unwrap();
    assert_eq!((info.length, info.last_generated_id), (2, id(3)));
    assert_eq!(info.entries, [entry(2, pairs(&[("f", "1")]))]);
    let [group] = &info.groups[..] else { panic!() };
    assert_eq!((&*group.name, group.pending_count), ("g", 1));
    assert_eq!((group.entries_read, group.lag), (Some(2), Some(1)));
    assert_eq!(group.last_delivered_id, id(2));
    let [pending] = &group.pending[..] else {
        panic!()
    };
    assert_eq!((pending.id, &*pending.consumer), (id(2), "c"));
    assert_eq!(
        (pending.delivered_at, pending.deliveries),
        (1_795_533_026_317, 4)
    );
    let [c, d] = &group.consumers[..] else {
        panic!()
    };
    assert_eq!((&*c.name, c.pending_count), ("c", 1));
    assert_eq!(
        (c.seen_time, c.active_time),
        (1_795_533_026_317, Some(1_795_533_026_316))
    );
    let [pending] = &c.pending[..] else { panic!() };
    assert_eq!(
        (pending.id, pending.delivered_at, pending.deliveries),
        (id(2), 1_795_533_026_317, 4)
    );
    assert_eq!((d.seen_time, d.active_time, d.pending.len()), (5, None, 0));
}

#[test]
fn bytes_are_asked_for() {
    fn asks<T: FromReply, O>(_: Command<'_, T, O>) -> bool {
        T::BYTES
    }
    type Fields = Vec<(String, Bytes)>;
    let redis = redis();
    assert!(asks(redis.xrange::<Fields>("k", "-", "+")));
    assert!(asks(redis.xread::<Fields>(("k", "0"))));
    assert!(asks(redis.xreadgroup::<Fields>("g", "c", ("k", "0"))));
    assert!(asks(
        redis.xreadgroup::<Fields>("g", "c", ("k", "0")).claim(5)
    ));
    assert!(asks(redis.xclaim::<Fields>("k", "g", "c", 5, "1-0")));
    assert!(asks(redis.xautoclaim::<Fields>("k", "g", "c", 5, "0")));
    assert!(asks(redis.xinfo_stream::<Fields>("k")));
    assert!(asks(redis.xinfo_stream::<Fields>("k").full()));
    assert!(!asks(redis.xrange::<Pairs>("k", "-", "+")));
    assert!(!asks(
        redis.xclaim::<Fields>("k", "g", "c", 5, "1-0").justid()
    ));
}
