//! The safety class of each command, looked up by its name when a request has failed.
//!
//! By name, so that `redis.get(k)`, `redis.command("GET")` and a call from JavaScript have the
//! same class, and a request that succeeds pays nothing for it. A command that is not listed
//! writes, and is not repeated.

use std::{borrow::Cow, time::Duration};

use crate::{
    find::find,
    retry::Safety,
    wire::json::{Kind, Value},
};

/// Commands that write nothing. One of a family stands behind a bar, as in Redis's own COMMAND.
///
/// One text for each class: a table of texts has a pointer for each, which is most of it on wasm32.
const READ: &str = "\
    ACL|CAT ACL|GENPASS ACL|GENTOKEN ACL|GETUSER ACL|LIST ACL|RESTTOKEN ACL|USERS ACL|WHOAMI \
    ARCOUNT ARGET ARGETRANGE ARGREP ARINFO ARLASTITEMS ARLEN ARMGET ARNEXT AROP ARSCAN BITCOUNT \
    BITFIELD_RO BITPOS COMMAND COMMAND|COUNT COMMAND|DOCS COMMAND|GETKEYS COMMAND|INFO COMMAND|LIST \
    CONFIG|GET DBSIZE DIGEST DUMP ECHO EVALSHA_RO EVAL_RO EXISTS EXPIRETIME FCALL_RO FUNCTION|LIST \
    FUNCTION|STATS GEODIST GEOHASH GEOPOS GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT \
    GETRANGE HEXISTS HEXPIRETIME HGET HGETALL HKEYS HLEN HMGET HPEXPIRETIME HPTTL HRANDFIELD HSCAN \
    HSTRLEN HTTL HVALS INFO JSON.ARRINDEX JSON.ARRLEN JSON.DEBUG|MEMORY JSON.GET JSON.MGET \
    JSON.OBJKEYS JSON.OBJLEN JSON.RESP JSON.STRLEN JSON.TYPE KEYS LINDEX LLEN LPOS LRANGE \
    MEMORY|USAGE MGET OBJECT|ENCODING OBJECT|FREQ OBJECT|IDLETIME OBJECT|REFCOUNT PEXPIRETIME \
    PFCOUNT PING PTTL PUBSUB|CHANNELS PUBSUB|NUMPAT PUBSUB|NUMSUB RANDOMKEY SCAN SCARD \
    SCRIPT|EXISTS SDIFF SDIFFCARD SEARCH.AGGREGATE SEARCH.COUNT SEARCH.DESCRIBE SEARCH.LISTALIASES \
    SEARCH.LISTINDEXES SEARCH.QUERY SEARCH.WAITINDEXING SINTER SINTERCARD SISMEMBER SLOWLOG|GET \
    SLOWLOG|HELP SLOWLOG|LEN SMEMBERS SMISMEMBER SRANDMEMBER SSCAN STRLEN SUBSTR SUNION SUNIONCARD TIME TTL \
    TYPE VECTOR.COUNT VECTOR.GET VECTOR.INFO VECTOR.QUERY WAIT WAITAOF XINFO|CONSUMERS XINFO|GROUPS \
    XINFO|STREAM XLEN XPENDING XRANGE XREAD XREVRANGE ZCARD ZCOUNT ZDIFF ZINTER ZINTERCARD \
    ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX \
    ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION";

/// Commands that leave the same data and give the same reply when they run a second time.
///
/// Not here: DEL, SADD, HSET and their like. A second run leaves the same data, but says `0` where
/// the first said `1`, and a caller who branches on that would be told a lie.
const IDEMPOTENT: &str = "\
    ARSEEK BITOP CLIENT|SETINFO CONFIG|SET EXPIRE FUNCTION|FLUSH FUNCTION|LOAD GEOSEARCHSTORE GETEX \
    HEXPIRE HGETEX HMSET HPEXPIRE HSETEX JSON.MSET JSON.SET LSET MSET PEXPIRE PFMERGE PSETEX \
    SCRIPT|FLUSH SCRIPT|LOAD SDIFFSTORE SET SETEX SETRANGE SINTERSTORE SUNIONSTORE TOUCH ZDIFFSTORE \
    ZINTERSTORE ZRANGESTORE ZUNIONSTORE";

/// The other members of families, which write: their second word is no key.
const WRITE: &str = "\
    ACL|DELUSER ACL|LOG ACL|SETUSER FUNCTION|DELETE FUNCTION|KILL SCRIPT|KILL SLOWLOG|RESET \
    XGROUP|CREATE XGROUP|CREATECONSUMER XGROUP|DELCONSUMER XGROUP|DESTROY XGROUP|SETID";

/// Idempotent only where the destination is none of the sources. SUNIONSTORE, SINTERSTORE and PFMERGE
/// are so in any case.
const STORES: &str =
    "BITOP GEOSEARCHSTORE SDIFFSTORE ZDIFFSTORE ZINTERSTORE ZRANGESTORE ZUNIONSTORE";

/// Idempotent, and neither the data nor the reply depends on what was there before.
const BLIND: &str = "HMSET MSET PSETEX SET SETEX";

/// Words after the first key and value by which a repetition gives another reply, or another result.
const CONDITIONS: &str = "FNX FXX GET GT IFDEQ IFDNE IFEQ IFNE LT NX XX";

/// Whether the name is one of the list's, which are separated by blanks.
pub(crate) fn lists(list: &str, name: &str) -> bool {
    list.as_bytes()
        .split(|byte| *byte == b' ')
        .any(|word| word == name.as_bytes())
}

/// Whether one of the words behind the first `skip` is in the list.
fn among<'a>(words: &mut impl Iterator<Item = Cow<'a, str>>, skip: usize, list: &str) -> bool {
    words
        .skip(skip)
        .any(|word| lists(list, &word.to_ascii_uppercase()))
}

fn class_of(name: &str) -> Option<Safety> {
    if lists(READ, name) {
        Some(Safety::Read)
    } else {
        lists(IDEMPOTENT, name).then_some(Safety::IdempotentWrite)
    }
}

/// A member of a family, as the lists have it.
fn member(family: &str, word: &str) -> String {
    [family, "|", word].concat().to_ascii_uppercase()
}

/// Whether the second word of a command is a part of its name, and not somebody's key. Both are in capitals.
pub(crate) fn is_member(family: &str, word: &str) -> bool {
    let member = member(family, word);
    class_of(&member).is_some() || lists(WRITE, &member)
}

/// Whether a TTL of so many units may be over before a repetition within `limit` runs, which would then bring back what had
/// expired. A TTL that has passed deletes the key or field, and the second run finds none.
fn is_short(ttl: &str, unit: Duration, limit: Duration) -> bool {
    // What the server reads as another number than this does, it refuses.
    let units = ttl.parse().ok().and_then(|ttl| unit.checked_mul(ttl));
    let is_negative = ttl.starts_with('-');
    is_negative || units.is_some_and(|ttl| ttl <= limit)
}

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Whether a word of `list` is among the options, or a relative TTL that is short.
fn has_option<'a>(
    words: &mut impl Iterator<Item = Cow<'a, str>>,
    skip: usize,
    list: &str,
    limit: Duration,
) -> bool {
    let mut unit = None;
    words.skip(skip).any(|word| {
        if let Some(unit) = unit.take()
            && is_short(&word, unit, limit)
        {
            return true;
        }
        let word = word.to_ascii_uppercase();
        unit = match &*word {
            "EX" => Some(SECOND),
            "PX" => Some(MILLISECOND),
            _ => None,
        };
        lists(list, &word)
    })
}

/// The class of the command that `words` are, in a call that may take as long as `limit`.
fn of_words<'a>(mut words: impl Iterator<Item = Cow<'a, str>>, limit: Duration) -> Safety {
    let Some(name) = words.next().map(|word| word.to_ascii_uppercase()) else {
        return Safety::Write;
    };
    let mut class = class_of(&name);
    if class.is_none()
        && let Some(second) = words.next()
    {
        class = class_of(&member(&name, &second));
        if name == "FUNCTION" && second.eq_ignore_ascii_case("LOAD") {
            // Without REPLACE the second run finds the library that the first has loaded.
            let replaces = |word: Cow<'_, str>| word.eq_ignore_ascii_case("REPLACE");
            class = class.filter(|_| words.next().is_some_and(replaces));
        }
    }
    if class != Some(Safety::IdempotentWrite) {
        return class.unwrap_or(Safety::Write);
    }
    let twice_is_not_once = match &*name {
        // Behind the key and the value stand options, before that data.
        "SET" => has_option(&mut words, 2, CONDITIONS, limit),
        "HSETEX" => has_option(&mut words, 1, CONDITIONS, limit),
        "SETEX" | "PSETEX" | "EXPIRE" | "PEXPIRE" | "HEXPIRE" | "HPEXPIRE" => {
            let ttl = words.nth(1).unwrap_or_default();
            let unit = match &*name {
                "PSETEX" | "PEXPIRE" | "HPEXPIRE" => MILLISECOND,
                _ => SECOND,
            };
            // Behind the TTL of the first two stands a value, whatever it looks like.
            let has_options = !matches!(&*name, "SETEX" | "PSETEX");
            is_short(&ttl, unit, limit) || has_options && among(&mut words, 0, CONDITIONS)
        }
        "GETEX" | "HGETEX" => has_option(&mut words, 1, "EXAT PXAT", limit),
        // The first run may change what such a path leads to.
        "JSON.SET" => {
            let moves = words
                .nth(1)
                .is_some_and(|path| path.contains('?') || find(path.as_bytes(), "..").is_some());
            moves || among(&mut words, 1, CONDITIONS)
        }
        // One value may change what the path of another leads to.
        "JSON.MSET" => words
            .skip(1)
            .step_by(3)
            .any(|path| !matches!(&*path, "$" | ".")),
        // A destination that is a source too gives the second run other data to begin with.
        name if lists(STORES, name) => {
            // Before the destination BITOP has its operation.
            let before = usize::from(name == "BITOP");
            let destination = words.nth(before).unwrap_or_default();
            words.any(|word| word == destination)
        }
        _ => false,
    };
    if twice_is_not_once {
        Safety::Write
    } else {
        Safety::IdempotentWrite
    }
}

fn words(command: Value<'_>) -> impl Iterator<Item = Cow<'_, str>> {
    command.elements().into_iter().flatten().map(|word| {
        let bytes = if word.kind() == Kind::String {
            word.string()
        } else {
            Some(Cow::Borrowed(word.raw()))
        };
        match bytes.unwrap_or_default() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    })
}

/// The class of one command, a JSON array, in a call that may take as long as `limit`.
pub(crate) fn of_command(json: &[u8], limit: Duration) -> Safety {
    Value::parse(json).map_or(Safety::Write, |command| of_words(words(command), limit))
}

/// Whether a command writes nothing.
pub(crate) fn is_read(json: &[u8]) -> bool {
    of_command(json, Duration::ZERO) == Safety::Read
}

/// The class of a batch, a JSON array of commands: that of its least safe member, where a write is
/// not safe behind a command whose reply or effect depends on the data.
///
/// `marks` are the commands, by index and in order, whose class the caller has set.
pub(crate) fn of_batch(json: &[u8], marks: &[(usize, Safety)], limit: Duration) -> Safety {
    let commands = Value::parse(json)
        .and_then(Value::elements)
        .into_iter()
        .flatten();
    let (mut least, mut has_looked) = (None, false);
    for (index, command) in commands.enumerate() {
        let mut class = marked(index, marks).unwrap_or_else(|| of_words(words(command), limit));
        if class == Safety::IdempotentWrite && has_looked {
            // Run again, what looked before it would see what it has written.
            class = Safety::Write;
        }
        let name = words(command).next().unwrap_or_default();
        has_looked |= !lists(BLIND, &name.to_ascii_uppercase());
        least = Some(least.map_or(class, |least: Safety| least.min(class)));
    }
    least.unwrap_or(Safety::Write)
}

/// The class of a command of a batch, as it is alone, whatever its TTLs; `index` is where it is in it.
pub(crate) fn of_member(
    command: Option<Value<'_>>,
    index: usize,
    marks: &[(usize, Safety)],
) -> Safety {
    marked(index, marks)
        .or_else(|| command.map(|command| of_words(words(command), Duration::ZERO)))
        .unwrap_or(Safety::Write)
}

/// The class that a caller set for a command of a batch. Marks are in the order of the commands.
fn marked(index: usize, marks: &[(usize, Safety)]) -> Option<Safety> {
    let at = marks.binary_search_by_key(&index, |(index, _)| *index);
    marks.get(at.ok()?).map(|(_, safety)| *safety)
}

/// The name of one command, for errors.
pub(crate) fn name_of_command(json: &[u8]) -> Option<Cow<'static, str>> {
    name(Value::parse(json)?)
}

pub(crate) fn name(command: Value<'_>) -> Option<Cow<'static, str>> {
    let mut words = words(command);
    crate::wire::request::name_of(words.next(), words.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn marks_of_a_large_batch_are_found_in_linear_time() {
        let time = |count: usize| {
            let json = format!("[{}]", vec![r#"["GET","k"]"#; count].join(","));
            let marks: Vec<_> = (0..count).map(|index| (index, Safety::Read)).collect();
            let begun = std::time::Instant::now();
            assert_eq!(of_batch(json.as_bytes(), &marks, LIMIT), Safety::Read);
            begun.elapsed()
        };
        // Eight times as many take 64 times as long where each mark is searched from the start; a busy machine has three tries.
        let is_linear = || time(80_000) < time(10_000) * 30;
        assert!((0..3).any(|_| is_linear()));
    }

    #[test]
    fn lists_are_sorted() {
        for list in [READ, IDEMPOTENT, WRITE] {
            let names: Vec<_> = list.split(' ').collect();
            assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        }
    }

    #[test]
    fn classes() {
        use Safety::{IdempotentWrite, Read, Write};
        for (command, safety) in [
            (r#"["GET","k"]"#, Read),
            (r#"["get","k"]"#, Read),
            (r#"["EVAL_RO","return 1",0]"#, Read),
            (r#"["SCRIPT","load","return 1"]"#, IdempotentWrite),
            (r#"["SLOWLOG","RESET"]"#, Write),
            (r#"["COMMAND"]"#, Read),
            (r#"["CONFIG","RESETSTAT"]"#, Write),
            (r#"["HSETEX","k","FXX","FIELDS",1,"f","v"]"#, Write),
            (r#"["HEXPIRE","k",0,"FIELDS",1,"f"]"#, Write),
            (r#"["HGETEX","k","PXAT",1,"FIELDS",1,"f"]"#, Write),
            (r##"["function","load","#!lua name=replace"]"##, Write),
            (
                r##"["function","load","replace","#!lua name=l"]"##,
                IdempotentWrite,
            ),
            (r#"["FUNCTION","DELETE","l"]"#, Write),
            (r#"["SET","k","v"]"#, IdempotentWrite),
            (r#"["SET","NX","XX","EX","60"]"#, IdempotentWrite),
            (r#"["SET","k","v","EX","60","nx"]"#, Write),
            (r#"["SET","k","v","GET"]"#, Write),
            (r#"["EXPIRE","k",60]"#, IdempotentWrite),
            (r#"["EXPIRE","k",60,"NX"]"#, Write),
            (r#"["EXPIRE","k",0]"#, Write),
            (r#"["PEXPIRE","k","-5"]"#, Write),
            (r#"["EXPIRE","k",30]"#, Write),
            (r#"["EXPIRE","k",31]"#, IdempotentWrite),
            (r#"["PEXPIRE","k","30000"]"#, Write),
            (r#"["PEXPIRE","k","30001"]"#, IdempotentWrite),
            (r#"["HEXPIRE","k",1,"FIELDS",1,"f"]"#, Write),
            (r#"["HPEXPIRE","k",1000,"FIELDS",1,"f"]"#, Write),
            (r#"["SETEX","k",1,"v"]"#, Write),
            (r#"["SETEX","k",31,"1"]"#, IdempotentWrite),
            (r#"["PSETEX","k",31,"v"]"#, Write),
            (r#"["PSETEX","k",30001,"v"]"#, IdempotentWrite),
            (r#"["SET","otp","v","PX","1000"]"#, Write),
            (r#"["SET","otp","v","px","30001"]"#, IdempotentWrite),
            (r#"["SET","k","v","EX","1"]"#, Write),
            (r#"["SET","PX","1"]"#, IdempotentWrite),
            (r#"["SET","k","v","KEEPTTL"]"#, IdempotentWrite),
            (r#"["SET","k","v","EXAT",1]"#, IdempotentWrite),
            (r#"["GETEX","k","EX",1]"#, Write),
            (r#"["GETEX","k","PERSIST"]"#, IdempotentWrite),
            (r#"["HGETEX","k","EX",1,"FIELDS",1,"f"]"#, Write),
            (r#"["HGETEX","k","EX",60,"FIELDS",1,"f"]"#, IdempotentWrite),
            (r#"["HSETEX","k","PX",1,"FIELDS",1,"f","v"]"#, Write),
            (
                r#"["HSETEX","k","EX",60,"FIELDS",1,"f","v"]"#,
                IdempotentWrite,
            ),
            (r#"["GETEX","k","EX",60]"#, IdempotentWrite),
            (r#"["GETEX","EXAT"]"#, IdempotentWrite),
            (r#"["GETEX","k","exat",60]"#, Write),
            (r#"["ZUNIONSTORE","sum",2,"today","week"]"#, IdempotentWrite),
            (r#"["ZUNIONSTORE","sum",2,"sum","today"]"#, Write),
            (r#"["BITOP","AND","d","a","b"]"#, IdempotentWrite),
            (r#"["BITOP","XOR","d","a","d"]"#, Write),
            (r#"["MSET","NX","NX","GET","GET"]"#, IdempotentWrite),
            (r#"["JSON.SET","k","$","1"]"#, IdempotentWrite),
            (r#"["JSON.SET","NX","$.XX","NX"]"#, IdempotentWrite),
            (r#"["JSON.SET","k","$","1","nx"]"#, Write),
            (r#"["JSON.SET","k","$..a","{\"a\":1}"]"#, Write),
            (r#"["JSON.SET","k","$.a[?(@==1)]","2"]"#, Write),
            (r#"["JSON.MSET","a","$","1","b",".","2"]"#, IdempotentWrite),
            (r#"["JSON.MSET","a","$","1","a","$.b","2"]"#, Write),
            (r#"["JSON.DEBUG","memory","k"]"#, Read),
            (r#"["JSON.MERGE","k","$","1"]"#, Write),
            (r#"["INCR","k"]"#, Write),
            (r#"["DEL","k"]"#, Write),
            (r#"["EVAL","return 1",0]"#, Write),
            (r#"["UNHEARD.OF"]"#, Write),
            ("[]", Write),
            ("nonsense", Write),
        ] {
            assert_eq!(of_command(command.as_bytes(), LIMIT), safety, "{command}");
        }
        let batch = br#"[["SET","a","1"],["GET","a"]]"#;
        assert_eq!(of_batch(batch, &[], LIMIT), IdempotentWrite);
        assert_eq!(of_batch(batch, &[(1, Write)], LIMIT), Write);
        assert_eq!(
            of_batch(br#"[["GET","a"],["SET","a","1"]]"#, &[], LIMIT),
            Write
        );
        assert_eq!(
            of_batch(
                br#"[["SET","a","1"],["GET","b"],["SET","b","1"]]"#,
                &[],
                LIMIT
            ),
            Write
        );
        assert_eq!(of_batch(br#"[["GET","a"],["GET","b"]]"#, &[], LIMIT), Read);
        assert_eq!(
            of_batch(
                br#"[["SET","a","1"],["mset","b","1"],["EXPIRE","a",60]]"#,
                &[],
                LIMIT
            ),
            IdempotentWrite
        );
        assert_eq!(
            of_batch(br#"[["EXPIRE","a",60],["SET","a","1"]]"#, &[], LIMIT),
            Write
        );
        assert_eq!(
            of_batch(
                br#"[["SUNIONSTORE","d","a","b"],["SUNIONSTORE","a","d","c"]]"#,
                &[],
                LIMIT
            ),
            Write
        );
        assert_eq!(
            of_batch(br#"[["GET","a"],["INCR","a"]]"#, &[(1, Read)], LIMIT),
            Read
        );
        assert_eq!(of_batch(b"[]", &[], LIMIT), Write);
    }
}
