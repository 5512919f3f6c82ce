//! One rule by which results of both clients become JSON, and agree.
//!
//! Ours become JSON so ([`Shown`]): nil is null; `true` and `false` are the server's 1 and 0; `()` is its OK; an enum is
//! the number or word of the server it stands for; an ID or a type is its text; tuples, lists and pairs are
//! arrays; maps are objects; a struct is what @upstash/redis makes of the reply where it makes an object, else
//! the array of its fields.
//!
//! Two results then [`agree`] if they are equal, where a number and its digits are one: `1`, `1.0` and `"1"` are the same.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use restis::{
    Json,
    commands::{
        arrays::ArrayInfo,
        bitmaps::FirstBit,
        functions::{FunctionStats, Library},
        geo::{Found, Position},
        hashes::expiry::{FieldExpire, FieldExpiry, FieldPersist, FieldTtl},
        json::{JsonType, matches::Matches, matches::Numbers},
        keys::{KeyType, Ttl},
        lists::Inserted,
        search::answers::{AliasSet, Count, Hit, Index, Indexed},
        server::Time,
        streams::{
            Entry, StreamEntries, StreamId,
            groups::Deletion,
            info::{ConsumerInfo, GroupInfo},
            pending::{AutoClaimed, PendingEntry},
        },
        vector::{Metric, VectorInfo},
    },
};
use serde_json::{Map, Value, json};

/// Whether two results are the same, by the rule above.
pub(crate) fn agree(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(a, b)| agree(a, b))
        }
        (Value::Object(theirs), Value::Object(ours)) => {
            theirs.len() == ours.len()
                && theirs
                    .iter()
                    .all(|(name, value)| ours.get(name).is_some_and(|ours| agree(value, ours)))
        }
        _ => match (number(theirs), number(ours)) {
            // Two texts are two numbers too, and are not the same if their digits differ.
            (Some(theirs), Some(ours)) if theirs.is_text && ours.is_text => {
                theirs.digits == ours.digits
            }
            (Some(theirs), Some(ours)) => theirs.value == ours.value,
            _ => theirs == ours,
        },
    }
}

struct Number {
    digits: String,
    value: f64,
    is_text: bool,
}

fn number(value: &Value) -> Option<Number> {
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let value_of = digits.parse().ok()?;
    Some(Number {
        digits,
        value: value_of,
        is_text: value.is_string(),
    })
}

/// What can become JSON.
pub(crate) trait Shown: Debug {
    fn shown(&self) -> Value;
}

macro_rules! shown {
    ($([$($generics:tt)*] $ty:ty, $it:ident => $shown:expr;)*) => {$(
        impl<$($generics)*> Shown for $ty {
            fn shown(&self) -> Value {
                let $it = self;
                $shown
            }
        }
    )*};
}

/// An object of what is there.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let there = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        there
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn map<'a, V: Shown + 'a>(fields: impl Iterator<Item = (&'a String, &'a V)>) -> Value {
    let fields = fields.map(|(name, value)| (name.clone(), value.shown()));
    Value::Object(fields.collect::<Map<_, _>>())
}

shown! {
    [] (), _it => json!("OK");
    [] bool, it => json!(u8::from(*it));
    [] u64, it => json!(it);
    [] i64, it => json!(it);
    [] f64, it => json!(it);
    // By its shortest digits, which are those that were sent.
    [] f32, it => json!(it.to_string().parse::<f64>().unwrap());
    [] String, it => json!(it);
    [] Value, it => it.clone();
    [T: Shown] Option<T>, it => it.as_ref().map_or(Value::Null, Shown::shown);
    [T: Shown] Vec<T>, it => it.iter().map(Shown::shown).collect();
    [A: Shown, B: Shown] (A, B), it => json!([it.0.shown(), it.1.shown()]);
    [A: Shown, B: Shown, C: Shown] (A, B, C), it => json!([it.0.shown(), it.1.shown(), it.2.shown()]);
    [V: Shown] HashMap<String, V>, it => map(it.iter());
    [V: Shown] BTreeMap<String, V>, it => map(it.iter());
    [T: Shown] Json<T>, it => it.0.shown();

    [] Ttl, it => match it {
        Ttl::NoKey => json!(-2),
        Ttl::NoExpiry => json!(-1),
        Ttl::Left(left) => json!(left),
    };
    [] KeyType, it => match it {
        KeyType::Other(name) => json!(name),
        known => json!(format!("{known:?}").to_lowercase()),
    };
    [] FieldExpire, it => match it {
        FieldExpire::NoField => json!(-2),
        FieldExpire::NotMet => json!(0),
        FieldExpire::Set => json!(1),
        FieldExpire::Deleted => json!(2),
    };
    [] FieldPersist, it => match it {
        FieldPersist::NoField => json!(-2),
        FieldPersist::NoExpiry => json!(-1),
        FieldPersist::Persisted => json!(1),
    };
    [] FieldTtl, it => match it {
        FieldTtl::NoField => json!(-2),
        FieldTtl::NoExpiry => json!(-1),
        FieldTtl::Left(left) => json!(left),
    };
    [] FieldExpiry, it => match it {
        FieldExpiry::NoField => json!(-2),
        FieldExpiry::NoExpiry => json!(-1),
        FieldExpiry::At(time) => json!(time),
    };
    [] FirstBit, it => it.at().map_or(json!(-1), |index| json!(index));
    [] Inserted, it => match it {
        Inserted::NoKey => json!(0),
        Inserted::NoPivot => json!(-1),
        Inserted::Length(length) => json!(length),
    };
    [] Time, it => json!([it.seconds, it.microseconds]);

    [] Position, it => json!({ "lng": it.longitude, "lat": it.latitude });
    [T: Shown] Found<T, f64, u64, Position>, it => json!({
        "member": it.member.shown(),
        "dist": it.distance,
        "hash": it.hash,
        "coord": { "long": it.position.longitude, "lat": it.position.latitude },
    });

    [] StreamId, it => json!(it.to_string());
    [F: Shown] Entry<F>, it => json!([it.id.shown(), it.fields.shown()]);
    [E: Shown] StreamEntries<E>, it => json!([it.key, it.entries.shown()]);
    [E: Shown] AutoClaimed<E>, it => {
        json!([it.next.unwrap_or(StreamId::MIN).shown(), it.entries.shown(), it.deleted.shown()])
    };
    [] PendingEntry, it => {
        json!([it.id.shown(), it.consumer, u64::try_from(it.idle.as_millis()).unwrap(), it.deliveries])
    };
    [] GroupInfo, it => json!([
        it.name, it.consumers, it.pending, it.last_delivered_id.shown(), it.entries_read, it.lag
    ]);
    [] ConsumerInfo, it => json!([it.name, it.pending, u64::try_from(it.idle.as_millis()).unwrap()]);
    [] Deletion, it => match it {
        Deletion::NotFound => json!(-1),
        Deletion::Deleted => json!(1),
        Deletion::Referenced => json!(2),
    };

    [T: Shown] Matches<T>, it => it.0.shown();
    [T: Shown] Numbers<T>, it => it.0.shown();
    [] JsonType, it => match it {
        JsonType::Other(name) => json!(name),
        known => json!(format!("{known:?}").to_lowercase()),
    };

    [] Library, it => {
        let function = |function: &restis::commands::functions::Function| object([
            ("name", json!(function.name)),
            ("description", json!(function.description)),
            ("flags", json!(function.flags)),
        ]);
        object([
            ("libraryName", json!(it.name)),
            ("engine", json!(it.engine)),
            ("functions", it.functions.iter().map(function).collect()),
            ("libraryCode", json!(it.code)),
        ])
    };
    [] FunctionStats, it => {
        assert!(it.running.is_none(), "nothing runs in these tests");
        let engines = it.engines.iter().map(|(name, engine)| {
            let counts = json!({
                "librariesCount": engine.libraries,
                "functionsCount": engine.functions,
            });
            (name.clone(), counts)
        });
        json!({ "engines": engines.collect::<Map<_, _>>() })
    };

    [] ArrayInfo, it => object([
        ("len", json!(it.len)),
        ("count", json!(it.count)),
        ("sliceSize", json!(it.slice_size)),
        ("nextInsertIndex", json!(it.next_insert_index)),
    ]);
    [T: Shown] Hit<T>, it => json!({ "key": it.key, "score": it.score, "data": it.data.shown() });
    [] Count, it => it.documents().map_or(json!(-1), |count| json!(count));
    [] AliasSet, it => match it {
        AliasSet::Added => json!(1),
        AliasSet::Updated => json!(2),
    };
    [] Index, it => {
        let schema = it.schema.iter().map(|field| {
            let flag = |set: bool| if set { json!(true) } else { Value::Null };
            let shown = object([
                ("type", json!(field.kind)),
                ("fast", flag(field.fast)),
                ("noTokenize", flag(field.notokenize)),
                ("noStem", flag(field.nostem)),
                ("from", json!(field.from)),
            ]);
            (field.name.clone(), shown)
        });
        object([
            ("name", json!(it.name)),
            ("dataType", match &it.on {
                Indexed::Other(name) => json!(name),
                known => json!(format!("{known:?}").to_lowercase()),
            }),
            ("prefixes", json!(it.prefixes)),
            ("language", json!(it.language)),
            ("schema", Value::Object(schema.collect())),
        ])
    };
    [] VectorInfo, it => {
        let metric = match it.metric {
            Metric::Cosine => "COSINE",
            Metric::Euclidean => "EUCLIDEAN",
            Metric::Dot => "DOT",
            other => panic!("a new metric: {other:?}"),
        };
        json!({ "dimension": it.dimension, "metric": metric })
    };
}

#[test]
fn a_number_is_its_digits_and_nothing_else_is_a_number() {
    assert!(agree(&json!([1, "2", 1.5]), &json!(["1", 2, "1.5"])));
    assert!(agree(&json!(1.0), &json!("1")));
    assert!(agree(&json!({ "a": null }), &json!({ "a": null })));
    for (theirs, ours) in [
        (json!(1), json!(2)),
        (json!("1.0"), json!("1")),
        (json!(1), json!(true)),
        (json!(null), json!("")),
        (json!(["a", 1]), json!([["a", 1]])),
        (json!({ "a": 1 }), json!("{\"a\":1}")),
        (json!({ "a": 1 }), json!({ "a": 1, "b": 1 })),
        (json!([1]), json!([1, 1])),
    ] {
        assert!(
            !agree(&theirs, &ours) && !agree(&ours, &theirs),
            "{theirs} {ours}"
        );
    }
}
