//! The table of all commands: what each method and each option writes, to the byte, and the safety
//! class of it. Two tests watch over the table itself: no method without a row, no command whose
//! class nobody has thought about.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod twice;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    lists::{ListEnd, Place},
    sorted_sets::{ScoreEnd, combine::Aggregate},
    streams::pages::Pages,
};
use crate::{
    Bytes, Command, Json, Redis, Safety,
    Safety::{IdempotentWrite as Idempotent, Read, Write},
    Scan, safety,
    transport::{Request, Response},
};

/// How long a call may take by default.
const LIMIT: Duration = Duration::from_secs(30);

/// A row of the table.
struct Row {
    expression: &'static str,
    class: Safety,
    expected: &'static str,
    written: String,
}

impl Row {
    /// `SET`, `SCRIPT LOAD`.
    fn name(&self) -> String {
        let words: Vec<String> = serde_json::from_str(&self.written).unwrap();
        let family = matches!(
            &*words[0],
            "ACL"
                | "CLIENT"
                | "COMMAND"
                | "CONFIG"
                | "FUNCTION"
                | "JSON.DEBUG"
                | "MEMORY"
                | "OBJECT"
                | "PUBSUB"
                | "SCRIPT"
                | "SLOWLOG"
                | "XGROUP"
                | "XINFO"
        );
        words[..if family { 2 } else { 1 }].join(" ")
    }

    /// The method that makes the command.
    fn method(&self) -> &'static str {
        let call = self.expression.strip_prefix("redis.").unwrap();
        call.split(['(', ':']).next().unwrap()
    }

    /// Whether the expression calls a method of this name.
    fn calls(&self, method: &str) -> bool {
        let calls = self.expression.split('.').skip(1);
        calls
            .filter_map(|call| call.strip_prefix(method))
            .any(|rest| rest.starts_with(['(', ':']))
    }
}

/// A client that sends nothing and keeps the last body that it should have sent.
struct Recorder {
    redis: Redis,
    body: Arc<Mutex<Bytes>>,
}

impl Recorder {
    fn new() -> Self {
        let body = Arc::new(Mutex::new(Bytes::new()));
        let kept = Arc::clone(&body);
        let transport = move |request: Request| {
            *kept.lock().unwrap() = request.into_body();
            async { Ok(Response::new(200, r#"{"result":["0",[]]}"#)) }
        };
        let redis = Redis::builder()
            .url("https://mock.example")
            .token("token")
            .transport(transport)
            .build()
            .unwrap();
        Self { redis, body }
    }

    fn last(&self) -> String {
        String::from_utf8(self.body.lock().unwrap().to_vec()).unwrap()
    }
}

/// What can stand in the table.
trait Written {
    fn written(self, recorder: &Recorder) -> String;
}

impl<T, O> Written for Command<'_, T, O> {
    fn written(self, _: &Recorder) -> String {
        self.args.into_json()
    }
}

impl Written for Scan<'_> {
    fn written(self, recorder: &Recorder) -> String {
        assert!(block_on(self.stream::<String>().next()).is_none());
        recorder.last()
    }
}

impl Written for Pages<'_> {
    fn written(self, recorder: &Recorder) -> String {
        // The recorder's answer is none to a range.
        let answer = block_on(self.stream::<()>().next()).unwrap();
        assert!(answer.unwrap_err().is_decode());
        recorder.last()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

macro_rules! rows {
    ($recorder:ident: $($command:expr => $class:ident $expected:literal;)*) => {
        vec![$(Row {
            expression: stringify!($command),
            class: $class,
            expected: $expected,
            written: $command.written($recorder),
        }),*]
    };
}

mod bitmaps;
mod extensions;
mod fields;
mod functions;
mod geo;
mod json;
mod server;
mod streams;
mod values;

fn table() -> Vec<Row> {
    let recorder = &Recorder::new();
    let groups = [
        keys_and_strings,
        collections,
        sorted_sets,
        scripts_and_server,
        bitmaps::rows,
        fields::rows,
        geo::rows,
        server::rows,
        json::rows,
        functions::rows,
        extensions::arrays,
        extensions::search,
        extensions::vector,
        streams::rows,
        values::rows,
    ];
    groups.into_iter().flat_map(|rows| rows(recorder)).collect()
}

#[rustfmt::skip]
fn keys_and_strings(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.ping() => Read r#"["PING"]"#;
        redis.echo::<String>("a \"b\"\n") => Read r#"["ECHO","a \"b\"\n"]"#;
        redis.command("OBJECT").arg("ENCODING").args(["k"]) => Read r#"["OBJECT","ENCODING","k"]"#;
        redis.command("unheard.of").arg(true).query::<bool>() => Write r#"["unheard.of","true"]"#;

        redis.del("k") => Write r#"["DEL","k"]"#;
        redis.del(["a", "b"]) => Write r#"["DEL","a","b"]"#;
        redis.unlink(["a", "b"]) => Write r#"["UNLINK","a","b"]"#;
        redis.exists(["a", "b"]) => Read r#"["EXISTS","a","b"]"#;
        redis.touch(["a", "b"]) => Idempotent r#"["TOUCH","a","b"]"#;
        redis.expire("k", 60) => Idempotent r#"["EXPIRE","k","60"]"#;
        redis.expire("k", 0) => Write r#"["EXPIRE","k","0"]"#;
        redis.expire("k", 60).nx() => Write r#"["EXPIRE","k","60","NX"]"#;
        redis.expire("k", 60).xx() => Write r#"["EXPIRE","k","60","XX"]"#;
        redis.expire("k", 60).gt() => Write r#"["EXPIRE","k","60","GT"]"#;
        redis.expire("k", 60).lt() => Write r#"["EXPIRE","k","60","LT"]"#;
        redis.pexpire("k", 60_000) => Idempotent r#"["PEXPIRE","k","60000"]"#;
        redis.pexpire("k", 1_500).xx() => Write r#"["PEXPIRE","k","1500","XX"]"#;
        redis.expireat("k", 4_102_444_800) => Write r#"["EXPIREAT","k","4102444800"]"#;
        redis.expireat("k", 4_102_444_800).gt() => Write r#"["EXPIREAT","k","4102444800","GT"]"#;
        redis.pexpireat("k", 4_102_444_800_000) => Write r#"["PEXPIREAT","k","4102444800000"]"#;
        redis.pexpireat("k", 4_102_444_800_000).lt() => Write r#"["PEXPIREAT","k","4102444800000","LT"]"#;
        redis.ttl("k") => Read r#"["TTL","k"]"#;
        redis.pttl("k") => Read r#"["PTTL","k"]"#;
        redis.persist("k") => Write r#"["PERSIST","k"]"#;
        redis.key_type("k") => Read r#"["TYPE","k"]"#;
        redis.rename("a", "b") => Write r#"["RENAME","a","b"]"#;
        redis.renamenx("a", "b") => Write r#"["RENAMENX","a","b"]"#;
        redis.copy("a", "b") => Write r#"["COPY","a","b"]"#;
        redis.copy("a", "b").replace() => Write r#"["COPY","a","b","REPLACE"]"#;
        redis.randomkey::<String>() => Read r#"["RANDOMKEY"]"#;
        redis.keys::<String>("user:*") => Read r#"["KEYS","user:*"]"#;
        redis.scan() => Read r#"["SCAN","0"]"#;
        redis.scan().matching("user:*").count(500).of_type("hash")
            => Read r#"["SCAN","0","MATCH","user:*","COUNT","500","TYPE","hash"]"#;

        redis.get::<String>("k") => Read r#"["GET","k"]"#;
        redis.get::<Bytes>("") => Read r#"["GET",""]"#;
        redis.set("k", "v") => Idempotent r#"["SET","k","v"]"#;
        redis.set("NX", "GET") => Idempotent r#"["SET","NX","GET"]"#;
        redis.set("k", Json([1, 2])) => Idempotent r#"["SET","k","[1,2]"]"#;
        redis.set("k", 1.5).ex(60) => Idempotent r#"["SET","k","1.5","EX","60"]"#;
        redis.set("k", u64::MAX).px(60_000) => Idempotent r#"["SET","k","18446744073709551615","PX","60000"]"#;
        redis.set("k", -1).exat(4_102_444_800) => Idempotent r#"["SET","k","-1","EXAT","4102444800"]"#;
        redis.set("k", "é").pxat(4_102_444_800_000) => Idempotent r#"["SET","k","é","PXAT","4102444800000"]"#;
        redis.set("k", "v").keepttl() => Idempotent r#"["SET","k","v","KEEPTTL"]"#;
        redis.set("k", "v").nx() => Write r#"["SET","k","v","NX"]"#;
        redis.set("k", "v").xx() => Write r#"["SET","k","v","XX"]"#;
        redis.set("k", "v").get::<String>() => Write r#"["SET","k","v","GET"]"#;
        redis.set("k", "v").nx().px(5) => Write r#"["SET","k","v","NX","PX","5"]"#;
        redis.set("k", "v").ex(5).nx().get::<String>() => Write r#"["SET","k","v","EX","5","NX","GET"]"#;
        redis.set("k", "v").get::<String>().nx() => Write r#"["SET","k","v","GET","NX"]"#;
        redis.set("k", "v").get::<String>().xx() => Write r#"["SET","k","v","GET","XX"]"#;
        redis.getex::<String>("k") => Idempotent r#"["GETEX","k"]"#;
        redis.getex::<String>("k").ex(60) => Idempotent r#"["GETEX","k","EX","60"]"#;
        redis.getex::<String>("k").px(60_000) => Idempotent r#"["GETEX","k","PX","60000"]"#;
        redis.getex::<String>("k").exat(4_102_444_800) => Write r#"["GETEX","k","EXAT","4102444800"]"#;
        redis.getex::<String>("k").pxat(4_102_444_800_000) => Write r#"["GETEX","k","PXAT","4102444800000"]"#;
        redis.getex::<String>("k").persist() => Idempotent r#"["GETEX","k","PERSIST"]"#;
        redis.getdel::<String>("k") => Write r#"["GETDEL","k"]"#;
        redis.getset::<String>("k", "v") => Write r#"["GETSET","k","v"]"#;
        redis.getrange::<String>("k", 0, -1) => Read r#"["GETRANGE","k","0","-1"]"#;
        redis.setrange("k", 6, "v") => Idempotent r#"["SETRANGE","k","6","v"]"#;
        redis.append("k", "v") => Write r#"["APPEND","k","v"]"#;
        redis.strlen("k") => Read r#"["STRLEN","k"]"#;
        redis.incr("k") => Write r#"["INCR","k"]"#;
        redis.incrby("k", -5) => Write r#"["INCRBY","k","-5"]"#;
        redis.incrbyfloat("k", 0.1) => Write r#"["INCRBYFLOAT","k","0.1"]"#;
        redis.decr("k") => Write r#"["DECR","k"]"#;
        redis.decrby("k", i64::MIN) => Write r#"["DECRBY","k","-9223372036854775808"]"#;
        redis.mget::<String>(["a", "b"]) => Read r#"["MGET","a","b"]"#;
        redis.mset([("a", 1), ("b", 2)]) => Idempotent r#"["MSET","a","1","b","2"]"#;
        redis.mset(("a", 1)).pair("b", "two") => Idempotent r#"["MSET","a","1","b","two"]"#;
        redis.msetex(("a", 1)).ex(60) => Write r#"["MSETEX","1","a","1","EX","60"]"#;
        redis.msetex([("a", 1), ("b", 2)]).nx().px(5) => Write r#"["MSETEX","2","a","1","b","2","NX","PX","5"]"#;
        redis.msetex(("a", 1)).xx().keepttl() => Write r#"["MSETEX","1","a","1","XX","KEEPTTL"]"#;
        redis.msetnx(BTreeMap::from([("a", 1), ("b", 2)])) => Write r#"["MSETNX","a","1","b","2"]"#;
        redis.setex("k", 60, "v") => Idempotent r#"["SETEX","k","60","v"]"#;
        redis.psetex("k", 60_000, "v") => Idempotent r#"["PSETEX","k","60000","v"]"#;
        redis.setnx("k", "v") => Write r#"["SETNX","k","v"]"#;
    }
}

#[rustfmt::skip]
fn collections(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.hset("k", ("f", "v")) => Write r#"["HSET","k","f","v"]"#;
        redis.hset("k", [("f", 1), ("g", 2)]).field("h", "three") => Write r#"["HSET","k","f","1","g","2","h","three"]"#;
        redis.hsetnx("k", "f", "v") => Write r#"["HSETNX","k","f","v"]"#;
        redis.hget::<String>("k", "f") => Read r#"["HGET","k","f"]"#;
        redis.hmget::<String>("k", ["f", "g"]) => Read r#"["HMGET","k","f","g"]"#;
        redis.hgetall::<String>("k") => Read r#"["HGETALL","k"]"#;
        redis.hdel("k", ["f", "g"]) => Write r#"["HDEL","k","f","g"]"#;
        redis.hexists("k", "f") => Read r#"["HEXISTS","k","f"]"#;
        redis.hincrby("k", "f", -2) => Write r#"["HINCRBY","k","f","-2"]"#;
        redis.hincrbyfloat("k", "f", 0.5) => Write r#"["HINCRBYFLOAT","k","f","0.5"]"#;
        redis.hkeys::<String>("k") => Read r#"["HKEYS","k"]"#;
        redis.hvals::<String>("k") => Read r#"["HVALS","k"]"#;
        redis.hlen("k") => Read r#"["HLEN","k"]"#;
        redis.hstrlen("k", "f") => Read r#"["HSTRLEN","k","f"]"#;
        redis.hrandfield::<String>("k") => Read r#"["HRANDFIELD","k"]"#;
        redis.hrandfield::<String>("k").count(-2) => Read r#"["HRANDFIELD","k","-2"]"#;
        redis.hrandfield::<String>("k").count(2).withvalues::<String>() => Read r#"["HRANDFIELD","k","2","WITHVALUES"]"#;
        redis.hscan("k") => Read r#"["HSCAN","k","0"]"#;
        redis.hscan("k").matching("a*").count(5) => Read r#"["HSCAN","k","0","MATCH","a*","COUNT","5"]"#;

        redis.lpush("k", "v") => Write r#"["LPUSH","k","v"]"#;
        redis.lpush("k", [1, 2]) => Write r#"["LPUSH","k","1","2"]"#;
        redis.rpush("k", ["v", "w"]) => Write r#"["RPUSH","k","v","w"]"#;
        redis.lpushx("k", ["v", "w"]) => Write r#"["LPUSHX","k","v","w"]"#;
        redis.rpushx("k", ["v", "w"]) => Write r#"["RPUSHX","k","v","w"]"#;
        redis.lpop::<String>("k") => Write r#"["LPOP","k"]"#;
        redis.lpop::<String>("k").count(2) => Write r#"["LPOP","k","2"]"#;
        redis.rpop::<String>("k") => Write r#"["RPOP","k"]"#;
        redis.rpop::<String>("k").count(2) => Write r#"["RPOP","k","2"]"#;
        redis.llen("k") => Read r#"["LLEN","k"]"#;
        redis.lrange::<String>("k", 0, -1) => Read r#"["LRANGE","k","0","-1"]"#;
        redis.lindex::<String>("k", -1) => Read r#"["LINDEX","k","-1"]"#;
        redis.linsert("k", Place::Before, "p", "v") => Write r#"["LINSERT","k","BEFORE","p","v"]"#;
        redis.linsert("k", Place::After, "p", "v") => Write r#"["LINSERT","k","AFTER","p","v"]"#;
        redis.lset("k", -1, "v") => Idempotent r#"["LSET","k","-1","v"]"#;
        redis.lrem("k", -2, "v") => Write r#"["LREM","k","-2","v"]"#;
        redis.ltrim("k", 1, -1) => Write r#"["LTRIM","k","1","-1"]"#;
        redis.lpos("k", "v") => Read r#"["LPOS","k","v"]"#;
        redis.lpos("k", "v").rank(-1).maxlen(100) => Read r#"["LPOS","k","v","RANK","-1","MAXLEN","100"]"#;
        redis.lpos("k", "v").count(0).rank(2) => Read r#"["LPOS","k","v","COUNT","0","RANK","2"]"#;
        redis.lmove::<String>("a", "b", ListEnd::Left, ListEnd::Right) => Write r#"["LMOVE","a","b","LEFT","RIGHT"]"#;
        redis.lmpop::<String>("k", ListEnd::Right) => Write r#"["LMPOP","1","k","RIGHT"]"#;
        redis.lmpop::<String>(["a", "b"], ListEnd::Left).count(2) => Write r#"["LMPOP","2","a","b","LEFT","COUNT","2"]"#;
        redis.rpoplpush::<String>("a", "b") => Write r#"["RPOPLPUSH","a","b"]"#;

        redis.sadd("k", ["m", "n"]) => Write r#"["SADD","k","m","n"]"#;
        redis.srem("k", BTreeSet::from(["m", "n"])) => Write r#"["SREM","k","m","n"]"#;
        redis.smembers::<String>("k") => Read r#"["SMEMBERS","k"]"#;
        redis.sismember("k", "m") => Read r#"["SISMEMBER","k","m"]"#;
        redis.smismember("k", ["m", "n"]) => Read r#"["SMISMEMBER","k","m","n"]"#;
        redis.scard("k") => Read r#"["SCARD","k"]"#;
        redis.spop::<String>("k") => Write r#"["SPOP","k"]"#;
        redis.spop::<String>("k").count(2) => Write r#"["SPOP","k","2"]"#;
        redis.srandmember::<String>("k") => Read r#"["SRANDMEMBER","k"]"#;
        redis.srandmember::<String>("k").count(-2) => Read r#"["SRANDMEMBER","k","-2"]"#;
        redis.smove("a", "b", "m") => Write r#"["SMOVE","a","b","m"]"#;
        redis.sunion::<String>(["a", "b"]) => Read r#"["SUNION","a","b"]"#;
        redis.sunionstore("d", ["a", "b"]) => Idempotent r#"["SUNIONSTORE","d","a","b"]"#;
        redis.sinter::<String>(["a", "b"]) => Read r#"["SINTER","a","b"]"#;
        redis.sinterstore("d", ["a", "b"]) => Idempotent r#"["SINTERSTORE","d","a","b"]"#;
        redis.sdiffcard(["a", "b"]).limit(5) => Read r#"["SDIFFCARD","2","a","b","LIMIT","5"]"#;
        redis.sunioncard(["a", "b"]).approx().limit(5) => Read r#"["SUNIONCARD","2","a","b","APPROX","LIMIT","5"]"#;
        redis.sintercard(["a", "b"]) => Read r#"["SINTERCARD","2","a","b"]"#;
        redis.sintercard(["a", "b"]).limit(5) => Read r#"["SINTERCARD","2","a","b","LIMIT","5"]"#;
        redis.sdiff::<String>(["a", "b"]) => Read r#"["SDIFF","a","b"]"#;
        redis.sdiffstore("a", ["b", "a"]) => Write r#"["SDIFFSTORE","a","b","a"]"#;
        redis.sdiffstore("d", ["a", "b"]) => Idempotent r#"["SDIFFSTORE","d","a","b"]"#;
        redis.sscan("k").matching("a*") => Read r#"["SSCAN","k","0","MATCH","a*"]"#;
    }
}

#[rustfmt::skip]
fn sorted_sets(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.zadd("k", (1.5, "m")) => Write r#"["ZADD","k","1.5","m"]"#;
        redis.zadd("k", [(1, "m"), (2, "n")]).member("inf", "o") => Write r#"["ZADD","k","1","m","2","n","inf","o"]"#;
        redis.zadd("k", (f64::NEG_INFINITY, "m")).nx() => Write r#"["ZADD","k","NX","-inf","m"]"#;
        redis.zadd("k", (1e300, "m")).xx() => Write r#"["ZADD","k","XX","1e300","m"]"#;
        redis.zadd("k", (1, "m")).gt().ch() => Write r#"["ZADD","k","GT","CH","1","m"]"#;
        redis.zadd("k", (1, "m")).ch().xx().lt().member(2, "n") => Write r#"["ZADD","k","CH","XX","LT","1","m","2","n"]"#;
        redis.zadd("k", (1, "m")).incr().nx() => Write r#"["ZADD","k","INCR","NX","1","m"]"#;
        redis.zrem("k", ["m", "n"]) => Write r#"["ZREM","k","m","n"]"#;
        redis.zscore("k", "m") => Read r#"["ZSCORE","k","m"]"#;
        redis.zmscore("k", ["m", "n"]) => Read r#"["ZMSCORE","k","m","n"]"#;
        redis.zincrby("k", -2.5, "m") => Write r#"["ZINCRBY","k","-2.5","m"]"#;
        redis.zcard("k") => Read r#"["ZCARD","k"]"#;
        redis.zcount("k", "(1", 5.5) => Read r#"["ZCOUNT","k","(1","5.5"]"#;
        redis.zlexcount("k", "-", "[b") => Read r#"["ZLEXCOUNT","k","-","[b"]"#;
        redis.zrange::<String>("k", 0, -1) => Read r#"["ZRANGE","k","0","-1"]"#;
        redis.zrange::<String>("k", 0, -1).rev().withscores() => Read r#"["ZRANGE","k","0","-1","REV","WITHSCORES"]"#;
        redis.zrange::<String>("k", "(1", "+inf").withscores().byscore().limit(10, -1)
            => Read r#"["ZRANGE","k","(1","+inf","WITHSCORES","BYSCORE","LIMIT","10","-1"]"#;
        redis.zrange::<String>("k", "[b", "-").bylex().rev().limit(0, 5)
            => Read r#"["ZRANGE","k","[b","-","BYLEX","REV","LIMIT","0","5"]"#;
        redis.zrangestore("a", "a", 1, -1) => Write r#"["ZRANGESTORE","a","a","1","-1"]"#;
        redis.zrangestore("d", "k", 0, -1) => Idempotent r#"["ZRANGESTORE","d","k","0","-1"]"#;
        redis.zrangestore("d", "k", "-", "+").bylex().limit(0, 5)
            => Idempotent r#"["ZRANGESTORE","d","k","-","+","BYLEX","LIMIT","0","5"]"#;
        redis.zrangestore("d", "k", 5, 1).byscore().rev() => Idempotent r#"["ZRANGESTORE","d","k","5","1","BYSCORE","REV"]"#;
        redis.zrank("k", "m") => Read r#"["ZRANK","k","m"]"#;
        redis.zrank("k", "m").withscore() => Read r#"["ZRANK","k","m","WITHSCORE"]"#;
        redis.zrevrank("k", "m") => Read r#"["ZREVRANK","k","m"]"#;
        redis.zrevrank("k", "m").withscore() => Read r#"["ZREVRANK","k","m","WITHSCORE"]"#;
        redis.zpopmin::<String>("k") => Write r#"["ZPOPMIN","k"]"#;
        redis.zpopmin::<String>("k").count(2) => Write r#"["ZPOPMIN","k","2"]"#;
        redis.zpopmax::<String>("k").count(2) => Write r#"["ZPOPMAX","k","2"]"#;
        redis.zmpop::<String>("k", ScoreEnd::Max) => Write r#"["ZMPOP","1","k","MAX"]"#;
        redis.zmpop::<String>(["a", "b"], ScoreEnd::Min).count(2) => Write r#"["ZMPOP","2","a","b","MIN","COUNT","2"]"#;
        redis.zrandmember::<String>("k") => Read r#"["ZRANDMEMBER","k"]"#;
        redis.zrandmember::<String>("k").count(-2) => Read r#"["ZRANDMEMBER","k","-2"]"#;
        redis.zrandmember::<String>("k").count(2).withscores() => Read r#"["ZRANDMEMBER","k","2","WITHSCORES"]"#;
        redis.zremrangebyrank("k", 0, -2) => Write r#"["ZREMRANGEBYRANK","k","0","-2"]"#;
        redis.zremrangebyscore("k", "-inf", "(5") => Write r#"["ZREMRANGEBYSCORE","k","-inf","(5"]"#;
        redis.zremrangebylex("k", "[a", "(b") => Write r#"["ZREMRANGEBYLEX","k","[a","(b"]"#;
        redis.zscan("k").count(5) => Read r#"["ZSCAN","k","0","COUNT","5"]"#;

        redis.zunion::<String>(["a", "b"]) => Read r#"["ZUNION","2","a","b"]"#;
        redis.zunion::<String>(["a", "b"]).weights([1.0, 0.5]).aggregate(Aggregate::Max).withscores()
            => Read r#"["ZUNION","2","a","b","WEIGHTS","1","0.5","AGGREGATE","MAX","WITHSCORES"]"#;
        redis.zunionstore("a", ["a", "b"]) => Write r#"["ZUNIONSTORE","a","2","a","b"]"#;
        redis.zunionstore("d", ["a", "b"]) => Idempotent r#"["ZUNIONSTORE","d","2","a","b"]"#;
        redis.zunionstore("d", ["a", "b"]).weights([1, 2]).aggregate(Aggregate::Min)
            => Idempotent r#"["ZUNIONSTORE","d","2","a","b","WEIGHTS","1","2","AGGREGATE","MIN"]"#;
        redis.zinter::<String>("k").withscores().aggregate(Aggregate::Sum)
            => Read r#"["ZINTER","1","k","WITHSCORES","AGGREGATE","SUM"]"#;
        redis.zinterstore("a", ["a", "b"]) => Write r#"["ZINTERSTORE","a","2","a","b"]"#;
        redis.zinterstore("d", ["a", "b"]).weights([1, 2]) => Idempotent r#"["ZINTERSTORE","d","2","a","b","WEIGHTS","1","2"]"#;
        redis.zintercard(["a", "b"]) => Read r#"["ZINTERCARD","2","a","b"]"#;
        redis.zintercard(["a", "b"]).limit(5) => Read r#"["ZINTERCARD","2","a","b","LIMIT","5"]"#;
        redis.zdiff::<String>(["a", "b"]) => Read r#"["ZDIFF","2","a","b"]"#;
        redis.zdiff::<String>(["a", "b"]).withscores() => Read r#"["ZDIFF","2","a","b","WITHSCORES"]"#;
        redis.zdiffstore("a", ["b", "a"]) => Write r#"["ZDIFFSTORE","a","2","b","a"]"#;
        redis.zdiffstore("d", ["a", "b"]) => Idempotent r#"["ZDIFFSTORE","d","2","a","b"]"#;
    }
}

#[rustfmt::skip]
fn scripts_and_server(recorder: &Recorder) -> Vec<Row> {
    let redis = &recorder.redis;
    rows! { recorder:
        redis.eval::<i64>("return 1", ()) => Write r#"["EVAL","return 1","0"]"#;
        redis.eval::<i64>("return 1", ["a", "b"]).arg(1).args(["x", "y"]) => Write r#"["EVAL","return 1","2","a","b","1","x","y"]"#;
        redis.eval_ro::<i64>("return 1", "k") => Read r#"["EVAL_RO","return 1","1","k"]"#;
        redis.evalsha::<i64>("e0e1f9", "k").arg("x") => Write r#"["EVALSHA","e0e1f9","1","k","x"]"#;
        redis.evalsha_ro::<i64>("e0e1f9", ()) => Read r#"["EVALSHA_RO","e0e1f9","0"]"#;
        redis.script_load("return 1") => Idempotent r#"["SCRIPT","LOAD","return 1"]"#;
        redis.script_exists(["a", "b"]) => Read r#"["SCRIPT","EXISTS","a","b"]"#;
        redis.script_flush() => Idempotent r#"["SCRIPT","FLUSH"]"#;
        redis.script_flush().async_() => Idempotent r#"["SCRIPT","FLUSH","ASYNC"]"#;
        redis.script_flush().sync() => Idempotent r#"["SCRIPT","FLUSH","SYNC"]"#;

        redis.info() => Read r#"["INFO"]"#;
        redis.info().section("memory").section("stats") => Read r#"["INFO","memory","stats"]"#;
        redis.dbsize() => Read r#"["DBSIZE"]"#;
        redis.slowlog_get() => Read r#"["SLOWLOG","GET"]"#;
        redis.slowlog_get().count(-1) => Read r#"["SLOWLOG","GET","-1"]"#;
        redis.slowlog_len() => Read r#"["SLOWLOG","LEN"]"#;
        redis.slowlog_reset() => Write r#"["SLOWLOG","RESET"]"#;
        redis.time() => Read r#"["TIME"]"#;
        redis.flushdb() => Write r#"["FLUSHDB"]"#;
        redis.flushdb().sync() => Write r#"["FLUSHDB","SYNC"]"#;
        redis.flushall() => Write r#"["FLUSHALL"]"#;
        redis.flushall().async_() => Write r#"["FLUSHALL","ASYNC"]"#;
    }
}

#[test]
fn every_command_writes_this() {
    for row in table() {
        assert_eq!(row.written, row.expected, "{}", row.expression);
    }
}

#[test]
fn every_command_has_this_class() {
    for row in table() {
        assert_eq!(
            safety::of_command(row.written.as_bytes(), LIMIT),
            row.class,
            "{}",
            row.expression
        );
    }
}

/// Commands that write, and whose second run changes the data or the reply again. A command that is
/// in no list has this class too: this list is there so that none gets it unnoticed.
const WRITES: &[&str] = &[
    "ACL DELUSER",
    "ACL LOG",
    "ACL SETUSER",
    "APPEND",
    "ARDEL",
    "ARDELRANGE",
    "ARINSERT",
    "ARMSET",
    "ARRING",
    "ARSET",
    "BITFIELD",
    "COPY",
    "DECR",
    "DECRBY",
    "DEL",
    "DELEX",
    "EVAL",
    "EVALSHA",
    "EXPIREAT",
    "FCALL",
    "FLUSHALL",
    "FLUSHDB",
    "FUNCTION DELETE",
    "FUNCTION KILL",
    "FUNCTION LOAD",
    "GEOADD",
    "GEORADIUS",
    "GEORADIUSBYMEMBER",
    "GETDEL",
    "GETSET",
    "HDEL",
    "HEXPIREAT",
    "HGETDEL",
    "HINCRBY",
    "HINCRBYFLOAT",
    "HPERSIST",
    "HPEXPIREAT",
    "HSET",
    "HSETNX",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "JSON.ARRAPPEND",
    "JSON.ARRINSERT",
    "JSON.ARRPOP",
    "JSON.ARRTRIM",
    "JSON.CLEAR",
    "JSON.DEL",
    "JSON.FORGET",
    "JSON.MERGE",
    "JSON.NUMINCRBY",
    "JSON.NUMMULTBY",
    "JSON.STRAPPEND",
    "JSON.TOGGLE",
    "LINSERT",
    "LMOVE",
    "LMPOP",
    "LPOP",
    "LPUSH",
    "LPUSHX",
    "LREM",
    "LTRIM",
    "MSETEX",
    "MSETNX",
    "PERSIST",
    "PEXPIREAT",
    "PFADD",
    "PUBLISH",
    "RENAME",
    "RENAMENX",
    "RESTORE",
    "RPOP",
    "RPOPLPUSH",
    "RPUSH",
    "RPUSHX",
    "SADD",
    "SCRIPT KILL",
    "SEARCH.ALIASADD",
    "SEARCH.ALIASDEL",
    "SEARCH.CREATE",
    "SEARCH.DROP",
    "SEARCH.REINDEX",
    "SETBIT",
    "SETNX",
    "SLOWLOG RESET",
    "SMOVE",
    "SPOP",
    "SREM",
    "UNLINK",
    "VECTOR.ADD",
    "VECTOR.CREATE",
    "VECTOR.DEL",
    "VECTOR.DROP",
    "XACK",
    "XACKDEL",
    "XADD",
    "XAUTOCLAIM",
    "XCLAIM",
    "XDEL",
    "XDELEX",
    "XGROUP CREATE",
    "XGROUP CREATECONSUMER",
    "XGROUP DELCONSUMER",
    "XGROUP DESTROY",
    "XGROUP SETID",
    "XREADGROUP",
    "XSETID",
    "XTRIM",
    "ZADD",
    "ZINCRBY",
    "ZMPOP",
    "ZPOPMAX",
    "ZPOPMIN",
    "ZREM",
    "ZREMRANGEBYLEX",
    "ZREMRANGEBYRANK",
    "ZREMRANGEBYSCORE",
    "unheard.of",
];

#[test]
fn no_command_is_a_write_unnoticed() {
    let names: BTreeSet<_> = table().iter().map(Row::name).collect();
    let class = |name: &str| {
        let words: Vec<_> = name.split(' ').collect();
        safety::of_command(serde_json::to_string(&words).unwrap().as_bytes(), LIMIT)
    };
    let writes: Vec<_> = names
        .iter()
        .map(|name| &**name)
        .filter(|name| class(name) == Write)
        .collect();
    assert_eq!(writes, WRITES);
}

/// Where the methods are.
const SOURCES: &[(&str, &str)] = &[
    ("acl", include_str!("acl.rs")),
    ("bitmaps", include_str!("bitmaps.rs")),
    ("connection", include_str!("connection.rs")),
    ("geo", include_str!("geo.rs")),
    ("geo/legacy", include_str!("geo/legacy.rs")),
    ("hashes", include_str!("hashes.rs")),
    ("hashes/expiry", include_str!("hashes/expiry.rs")),
    ("hyperloglog", include_str!("hyperloglog.rs")),
    ("arrays", include_str!("arrays.rs")),
    ("connection", include_str!("connection.rs")),
    ("functions", include_str!("functions.rs")),
    ("hashes", include_str!("hashes.rs")),
    ("json", include_str!("json.rs")),
    ("json/arrays", include_str!("json/arrays.rs")),
    ("keys", include_str!("keys.rs")),
    ("keys/internals", include_str!("keys/internals.rs")),
    ("lists", include_str!("lists.rs")),
    ("pubsub", include_str!("pubsub.rs")),
    ("scripting", include_str!("scripting.rs")),
    ("search", include_str!("search.rs")),
    ("server", include_str!("server.rs")),
    ("server/settings", include_str!("server/settings.rs")),
    ("sets", include_str!("sets.rs")),
    ("sorted_sets", include_str!("sorted_sets.rs")),
    (
        "sorted_sets/combine",
        include_str!("sorted_sets/combine.rs"),
    ),
    ("sorted_sets/legacy", include_str!("sorted_sets/legacy.rs")),
    ("streams", include_str!("streams.rs")),
    ("streams/groups", include_str!("streams/groups.rs")),
    ("streams/info", include_str!("streams/info.rs")),
    ("streams/pages", include_str!("streams/pages.rs")),
    ("streams/pending", include_str!("streams/pending.rs")),
    ("strings", include_str!("strings.rs")),
    ("strings/compare", include_str!("strings/compare.rs")),
    ("vector", include_str!("vector.rs")),
];

/// The names of the methods that give a command, an option of one, or a scan.
fn methods(source: &str) -> Vec<&str> {
    let signatures = source
        .split("pub fn ")
        .skip(1)
        .filter_map(|rest| rest.split_once(" {").map(|(head, _)| head));
    let of_command = |head: &&str| {
        ["-> Self", "-> Command<", "-> Scan<", "-> Pages<"]
            .iter()
            .any(|reply| head.contains(reply))
    };
    signatures
        .filter(of_command)
        .map(|head| head.split(['<', '(']).next().unwrap())
        .collect()
}

#[test]
fn every_method_has_its_row() {
    let rows = table();
    for (file, source) in SOURCES {
        let methods = methods(source);
        assert!(!methods.is_empty(), "no method was found in {file}");
        // The rows that begin with a command of this file.
        let of_file: Vec<_> = rows
            .iter()
            .filter(|row| methods.contains(&row.method()))
            .collect();
        for method in &methods {
            // Options of one name on several commands are as many rows.
            let declared = methods.iter().filter(|other| *other == method).count();
            let shown = of_file.iter().filter(|row| row.calls(method)).count();
            assert!(
                shown >= declared,
                "{file}: `{method}` is declared {declared} times and has {shown} rows"
            );
        }
    }
    for module in include_str!("mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
    {
        let module = module.trim_end_matches(';');
        assert!(
            SOURCES.iter().any(|(file, _)| *file == module),
            "the methods of `{module}` are not looked at"
        );
    }
}
