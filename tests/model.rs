//! Random sequences of commands, on a real server through the client and on a small model of Redis beside it: each reply and each
//! error is the same, whether commands go alone, share a request by auto-pipelining, or are answered in RESP2.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use futures_util::future::join_all;
use proptest::{prelude::*, sample::select};
use restis::{Error, Redis, ResponseFormat};
use restis_testing::{block_on, start};

/// A command with its arguments; keys are few, so that commands meet.
#[derive(Clone, Debug)]
enum Op {
    Set(u8, String),
    SetNx(u8, String),
    Get(u8),
    GetDel(u8),
    Append(u8, String),
    StrLen(u8),
    GetRange(u8, i64, i64),
    IncrBy(u8, i64),
    MGet(u8, u8),
    Del(u8, u8),
    Exists(u8, u8),
    Rename(u8, u8),
    RenameNx(u8, u8),
    HSet(u8, u8, String),
    HGet(u8, u8),
    HDel(u8, u8),
    HGetAll(u8),
    HIncrBy(u8, u8, i64),
    RPush(u8, String),
    LPush(u8, String),
    LPop(u8),
    RPop(u8),
    LRange(u8, i64, i64),
    LLen(u8),
    SAdd(u8, String),
    SRem(u8, String),
    SMembers(u8),
    SIsMember(u8, String),
}

/// A reply, whatever its type in Rust; of an error its first word.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    Nothing,
    Number(i64),
    Text(String),
    Texts(Vec<Option<String>>),
    Pairs(BTreeMap<String, String>),
    Done,
    Failed(String),
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
enum Held {
    Text(String),
    Hash(BTreeMap<String, String>),
    List(VecDeque<String>),
    Set(BTreeSet<String>),
}

const WRONG_TYPE: &str = "WRONGTYPE";

#[derive(Default)]
struct Model(HashMap<u8, Held>);

/// The part of a type that a key holds, if it is of this type; made where there is none.
macro_rules! part {
    ($model:expr, $key:expr, $kind:ident) => {
        match $model.0.get_mut($key) {
            None => None,
            Some(Held::$kind(held)) => Some(held),
            Some(_) => return Said::Failed(WRONG_TYPE.into()),
        }
    };
    ($model:expr, $key:expr, $kind:ident, or $new:expr) => {
        match $model.0.entry(*$key).or_insert_with(|| Held::$kind($new)) {
            Held::$kind(held) => held,
            _ => return Said::Failed(WRONG_TYPE.into()),
        }
    };
}

fn wide(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn narrow(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}

fn number(count: usize) -> Said {
    Said::Number(wide(count))
}

fn maybe(text: Option<String>) -> Said {
    text.map_or(Said::Nothing, Said::Text)
}

/// A range as Redis counts it: from the end where it is negative.
fn range(len: usize, start: i64, stop: i64) -> std::ops::Range<usize> {
    let len = wide(len);
    let place = |at: i64| if at < 0 { (len + at).max(0) } else { at };
    // A stop before the beginning is before it, not at it.
    let stop = if stop < 0 { len + stop } else { stop };
    let (start, stop) = (place(start), stop.min(len - 1));
    match start > stop {
        true => 0..0,
        false => narrow(start)..narrow(stop + 1),
    }
}

/// The same of GETRANGE, where an end before the beginning is the beginning, unless both ends are counted from the end.
fn text_range(len: usize, start: i64, stop: i64) -> std::ops::Range<usize> {
    let size = wide(len);
    if start < 0 && stop < 0 && start > stop {
        return 0..0;
    }
    range(
        len,
        start,
        if stop < 0 { (size + stop).max(0) } else { stop },
    )
}

/// An integer as Redis takes it: as it would write it.
fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl Model {
    fn run(&mut self, op: &Op) -> Said {
        let said = self.apply(op);
        // What is empty is not there.
        self.0.retain(|_, held| match held {
            Held::Text(_) => true,
            Held::Hash(hash) => !hash.is_empty(),
            Held::List(list) => !list.is_empty(),
            Held::Set(set) => !set.is_empty(),
        });
        said
    }

    fn apply(&mut self, op: &Op) -> Said {
        match op {
            Op::Set(key, value) => {
                self.0.insert(*key, Held::Text(value.clone()));
                Said::Done
            }
            Op::SetNx(key, value) => {
                let is_free = !self.0.contains_key(key);
                if is_free {
                    self.0.insert(*key, Held::Text(value.clone()));
                }
                Said::Number(is_free.into())
            }
            Op::Get(key) => maybe(part!(self, key, Text).cloned()),
            Op::GetDel(key) => {
                let found = part!(self, key, Text).cloned();
                self.0.remove(key);
                maybe(found)
            }
            Op::Append(key, value) => {
                let text = part!(self, key, Text, or String::new());
                text.push_str(value);
                number(text.len())
            }
            Op::StrLen(key) => number(part!(self, key, Text).map_or(0, |text| text.len())),
            Op::GetRange(key, start, stop) => {
                let text = part!(self, key, Text).cloned().unwrap_or_default();
                let part = text.get(text_range(text.len(), *start, *stop));
                Said::Text(part.unwrap_or_default().to_owned())
            }
            Op::IncrBy(key, by) => {
                let text = part!(self, key, Text, or "0".into());
                counted(text, *by)
            }
            Op::MGet(a, b) => Said::Texts(
                [a, b]
                    .map(|key| match self.0.get(key) {
                        Some(Held::Text(text)) => Some(text.clone()),
                        _ => None,
                    })
                    .into(),
            ),
            Op::Del(a, b) => number(
                [a, b]
                    .iter()
                    .filter(|key| self.0.remove(key).is_some())
                    .count(),
            ),
            Op::Exists(a, b) => {
                number([a, b].iter().filter(|key| self.0.contains_key(key)).count())
            }
            Op::Rename(from, to) => match self.0.remove(from) {
                None => Said::Failed("ERR".into()),
                Some(held) => {
                    self.0.insert(*to, held);
                    Said::Done
                }
            },
            Op::RenameNx(from, to) => {
                if !self.0.contains_key(from) {
                    return Said::Failed("ERR".into());
                }
                if self.0.contains_key(to) {
                    return Said::Number(0);
                }
                if let Some(held) = self.0.remove(from) {
                    self.0.insert(*to, held);
                }
                Said::Number(1)
            }
            Op::HSet(key, field, value) => {
                let hash = part!(self, key, Hash, or BTreeMap::new());
                Said::Number(
                    hash.insert(field.to_string(), value.clone())
                        .is_none()
                        .into(),
                )
            }
            Op::HGet(key, field) => {
                maybe(part!(self, key, Hash).and_then(|hash| hash.get(&field.to_string()).cloned()))
            }
            Op::HDel(key, field) => {
                let hash = part!(self, key, Hash);
                let gone = hash.and_then(|hash| hash.remove(&field.to_string()));
                Said::Number(gone.is_some().into())
            }
            Op::HGetAll(key) => Said::Pairs(part!(self, key, Hash).cloned().unwrap_or_default()),
            Op::HIncrBy(key, field, by) => {
                let hash = part!(self, key, Hash, or BTreeMap::new());
                counted(
                    hash.entry(field.to_string()).or_insert_with(|| "0".into()),
                    *by,
                )
            }
            Op::RPush(key, value) => {
                let list = part!(self, key, List, or VecDeque::new());
                list.push_back(value.clone());
                number(list.len())
            }
            Op::LPush(key, value) => {
                let list = part!(self, key, List, or VecDeque::new());
                list.push_front(value.clone());
                number(list.len())
            }
            Op::LPop(key) => maybe(part!(self, key, List).and_then(VecDeque::pop_front)),
            Op::RPop(key) => maybe(part!(self, key, List).and_then(VecDeque::pop_back)),
            Op::LRange(key, start, stop) => {
                let list = part!(self, key, List).cloned().unwrap_or_default();
                let range = range(list.len(), *start, *stop);
                Said::Texts(list.range(range).cloned().map(Some).collect())
            }
            Op::LLen(key) => number(part!(self, key, List).map_or(0, |list| list.len())),
            Op::SAdd(key, member) => {
                let set = part!(self, key, Set, or BTreeSet::new());
                Said::Number(set.insert(member.clone()).into())
            }
            Op::SRem(key, member) => {
                let gone = part!(self, key, Set).is_some_and(|set| set.remove(member));
                Said::Number(gone.into())
            }
            Op::SMembers(key) => {
                let set = part!(self, key, Set).cloned().unwrap_or_default();
                Said::Texts(set.into_iter().map(Some).collect())
            }
            Op::SIsMember(key, member) => Said::Number(
                part!(self, key, Set)
                    .is_some_and(|set| set.contains(member))
                    .into(),
            ),
        }
    }
}

/// Adds to a text that is an integer.
fn counted(text: &mut String, by: i64) -> Said {
    match integer(text).map(|number| number.checked_add(by)) {
        Some(Some(sum)) => {
            *text = sum.to_string();
            Said::Number(sum)
        }
        _ => Said::Failed("ERR".into()),
    }
}

fn key(name: &u8) -> String {
    format!("key:{name}")
}

fn field_of(name: &u8) -> String {
    name.to_string()
}

async fn sent(redis: &Redis, op: &Op) -> Said {
    said(redis, op).await.unwrap_or_else(|error| {
        let code = error.code().map(str::to_owned);
        Said::Failed(code.unwrap_or_else(|| error.to_string()))
    })
}

async fn said(redis: &Redis, op: &Op) -> Result<Said, Error> {
    let int = |count: u64| Said::Number(i64::try_from(count).unwrap_or(i64::MAX));
    let texts = |texts: Vec<String>| Said::Texts(texts.into_iter().map(Some).collect());
    Ok(match op {
        Op::Set(name, value) => redis.set(key(name), value).await.map(|()| Said::Done)?,
        Op::SetNx(name, value) => Said::Number(redis.setnx(key(name), value).await?.into()),
        Op::Get(name) => maybe(redis.get(key(name)).await?),
        Op::GetDel(name) => maybe(redis.getdel(key(name)).await?),
        Op::Append(name, value) => int(redis.append(key(name), value).await?),
        Op::StrLen(name) => int(redis.strlen(key(name)).await?),
        Op::GetRange(name, start, stop) => {
            Said::Text(redis.getrange(key(name), *start, *stop).await?)
        }
        Op::IncrBy(name, by) => Said::Number(redis.incrby(key(name), *by).await?),
        Op::MGet(a, b) => Said::Texts(redis.mget([key(a), key(b)]).await?),
        Op::Del(a, b) => int(redis.del([key(a), key(b)]).await?),
        Op::Exists(a, b) => int(redis.exists([key(a), key(b)]).await?),
        Op::Rename(from, to) => redis
            .rename(key(from), key(to))
            .await
            .map(|()| Said::Done)?,
        Op::RenameNx(from, to) => Said::Number(redis.renamenx(key(from), key(to)).await?.into()),
        Op::HSet(name, field, value) => {
            int(redis.hset(key(name), [(field_of(field), value)]).await?)
        }
        Op::HGet(name, field) => maybe(redis.hget(key(name), field_of(field)).await?),
        Op::HDel(name, field) => int(redis.hdel(key(name), field_of(field)).await?),
        Op::HGetAll(name) => Said::Pairs(redis.hgetall(key(name)).await?.into_iter().collect()),
        Op::HIncrBy(name, field, by) => {
            Said::Number(redis.hincrby(key(name), field_of(field), *by).await?)
        }
        Op::RPush(name, value) => int(redis.rpush(key(name), value).await?),
        Op::LPush(name, value) => int(redis.lpush(key(name), value).await?),
        Op::LPop(name) => maybe(redis.lpop(key(name)).await?),
        Op::RPop(name) => maybe(redis.rpop(key(name)).await?),
        Op::LRange(name, start, stop) => texts(redis.lrange(key(name), *start, *stop).await?),
        Op::LLen(name) => int(redis.llen(key(name)).await?),
        Op::SAdd(name, member) => int(redis.sadd(key(name), member).await?),
        Op::SRem(name, member) => int(redis.srem(key(name), member).await?),
        Op::SMembers(name) => {
            let mut members: Vec<String> = redis.smembers(key(name)).await?;
            members.sort();
            texts(members)
        }
        Op::SIsMember(name, member) => {
            Said::Number(redis.sismember(key(name), member).await?.into())
        }
    })
}

/// Text that is hard to keep: numbers that are nearly numbers, quotes, newlines, what has several bytes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(
            &[
                "",
                "0",
                "7",
                "-3",
                "007",
                "1.10",
                " 1",
                "1e3",
                "null",
                "OK",
                "\"",
                "\\",
                "a\r\nb",
                "ü",
                "😀",
                "\u{0}",
                "9223372036854775807"
            ][..]
        )
        .prop_map(str::to_owned),
        "[ -~]{0,12}",
        any::<String>(),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let (name, field) = (|| 0_u8..4, || 0_u8..3);
    let place = || -4_i64..5;
    let by = || prop_oneof![-5_i64..6, Just(i64::MAX), Just(i64::MIN)];
    prop_oneof![
        (name(), text()).prop_map(|(k, v)| Op::Set(k, v)),
        (name(), text()).prop_map(|(k, v)| Op::SetNx(k, v)),
        name().prop_map(Op::Get),
        name().prop_map(Op::GetDel),
        (name(), text()).prop_map(|(k, v)| Op::Append(k, v)),
        name().prop_map(Op::StrLen),
        (name(), by()).prop_map(|(k, by)| Op::IncrBy(k, by)),
        (name(), name()).prop_map(|(a, b)| Op::MGet(a, b)),
        (name(), name()).prop_map(|(a, b)| Op::Del(a, b)),
        (name(), name()).prop_map(|(a, b)| Op::Exists(a, b)),
        (name(), name()).prop_map(|(a, b)| Op::Rename(a, b)),
        (name(), name()).prop_map(|(a, b)| Op::RenameNx(a, b)),
        (name(), field(), text()).prop_map(|(k, f, v)| Op::HSet(k, f, v)),
        (name(), field()).prop_map(|(k, f)| Op::HGet(k, f)),
        (name(), field()).prop_map(|(k, f)| Op::HDel(k, f)),
        name().prop_map(Op::HGetAll),
        (name(), field(), by()).prop_map(|(k, f, by)| Op::HIncrBy(k, f, by)),
        (name(), text()).prop_map(|(k, v)| Op::RPush(k, v)),
        (name(), text()).prop_map(|(k, v)| Op::LPush(k, v)),
        name().prop_map(Op::LPop),
        name().prop_map(Op::RPop),
        (name(), place(), place()).prop_map(|(k, a, b)| Op::LRange(k, a, b)),
        name().prop_map(Op::LLen),
        (name(), text()).prop_map(|(k, v)| Op::SAdd(k, v)),
        (name(), text()).prop_map(|(k, v)| Op::SRem(k, v)),
        name().prop_map(Op::SMembers),
        (name(), text()).prop_map(|(k, v)| Op::SIsMember(k, v)),
        (name(), place(), place()).prop_map(|(k, a, b)| Op::GetRange(k, a, b)),
    ]
}

/// Whether a range cuts no character of a text.
fn is_cut_well(model: &Model, op: &Op) -> bool {
    match op {
        Op::GetRange(name, ..) => {
            !matches!(model.0.get(name), Some(Held::Text(text)) if !text.is_ascii())
        }
        _ => true,
    }
}

/// Each takes a fifth of a second, so `--long` tries fewer than of other properties.
fn cases() -> u32 {
    match std::env::var("PROPTEST_CASES") {
        Ok(_) => 1000,
        Err(_) => 24,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replies_are_those_of_a_model(ops in proptest::collection::vec(op(), 1..120), parts in proptest::collection::vec(1_usize..9, 120)) {
        let compared = block_on(async {
            let (local, alone) = start().await?;
            let builder = || Redis::builder().url(local.url()).token(local.token());
            let together = builder().auto_pipelining(true).build()?;
            let resp2 = builder().response_format(ResponseFormat::Resp2).build()?;
            for client in [&alone, &together, &resp2] {
                client.flushdb().await?;
                let mut model = Model::default();
                let mut left = &ops[..];
                for part in &parts {
                    // Alone one after the other; together those of a part in one request, in their order.
                    let count = if std::ptr::eq(client, &together) { *part } else { 1 };
                    let (now, later) = left.split_at(count.min(left.len()));
                    left = later;
                    let mut sending = Vec::new();
                    let mut expected = Vec::new();
                    for op in now {
                        if is_cut_well(&model, op) {
                            expected.push(model.run(op));
                            sending.push(op);
                        }
                    }
                    let got = join_all(sending.iter().map(|op| sent(client, op))).await;
                    for ((op, got), expected) in sending.iter().zip(got).zip(expected) {
                        if got != expected {
                            return Ok(Err(format!("{op:?}: {got:?} in place of {expected:?}")));
                        }
                    }
                }
            }
            Ok(Ok(()))
        });
        let compared = compared.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(compared.is_ok(), "{}", compared.unwrap_err());
    }
}
