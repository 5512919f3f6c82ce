//! The commands that Upstash serves, and where each is here: COMMANDS.md is written from these lists, from vectors.json
//! and from the sources of the crate, and the tests see to it that none of them knows a command the others do not.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    differences::{self, Difference, Kind},
    pairs,
    vector::{vectors, words},
};

/// The commands by group, with the module of `src/commands` in which, or below which, they are.
const SERVED: &[(&str, &str, &str)] = &[
    (
        "Strings",
        "strings",
        "APPEND, DECR, DECRBY, DELEX, DIGEST, GET, GETDEL, GETEX, GETRANGE, GETSET, INCR, INCRBY, INCRBYFLOAT, \
         MGET, MSET, MSETEX, MSETNX, PSETEX, SET, SETEX, SETNX, SETRANGE, STRLEN, SUBSTR",
    ),
    (
        "Keys",
        "keys",
        "COPY, DEL, DUMP, EXISTS, EXPIRE, EXPIREAT, EXPIRETIME, KEYS, MEMORY USAGE, OBJECT ENCODING, \
         OBJECT FREQ, OBJECT IDLETIME, OBJECT REFCOUNT, PERSIST, PEXPIRE, PEXPIREAT, PEXPIRETIME, PTTL, \
         RANDOMKEY, RENAME, RENAMENX, RESTORE, SCAN, TOUCH, TTL, TYPE, UNLINK",
    ),
    (
        "Hashes",
        "hashes",
        "HDEL, HEXISTS, HEXPIRE, HEXPIREAT, HEXPIRETIME, HGET, HGETALL, HGETDEL, HGETEX, HINCRBY, HINCRBYFLOAT, \
         HKEYS, HLEN, HMGET, HMSET, HPERSIST, HPEXPIRE, HPEXPIREAT, HPEXPIRETIME, HPTTL, HRANDFIELD, HSCAN, \
         HSET, HSETEX, HSETNX, HSTRLEN, HTTL, HVALS",
    ),
    (
        "Lists",
        "lists",
        "LINDEX, LINSERT, LLEN, LMOVE, LMPOP, LPOP, LPOS, LPUSH, LPUSHX, LRANGE, LREM, LSET, LTRIM, RPOP, \
         RPOPLPUSH, RPUSH, RPUSHX",
    ),
    (
        "Sets",
        "sets",
        "SADD, SCARD, SDIFF, SDIFFCARD, SDIFFSTORE, SINTER, SINTERCARD, SINTERSTORE, SISMEMBER, SMEMBERS, \
         SMISMEMBER, SMOVE, SPOP, SRANDMEMBER, SREM, SSCAN, SUNION, SUNIONCARD, SUNIONSTORE",
    ),
    (
        "Sorted sets",
        "sorted_sets",
        "ZADD, ZCARD, ZCOUNT, ZDIFF, ZDIFFSTORE, ZINCRBY, ZINTER, ZINTERCARD, ZINTERSTORE, ZLEXCOUNT, ZMPOP, \
         ZMSCORE, ZPOPMAX, ZPOPMIN, ZRANDMEMBER, ZRANGE, ZRANGEBYLEX, ZRANGEBYSCORE, ZRANGESTORE, ZRANK, ZREM, \
         ZREMRANGEBYLEX, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREVRANGE, ZREVRANGEBYLEX, ZREVRANGEBYSCORE, \
         ZREVRANK, ZSCAN, ZSCORE, ZUNION, ZUNIONSTORE",
    ),
    (
        "Streams",
        "streams",
        "XACK, XACKDEL, XADD, XAUTOCLAIM, XCLAIM, XDEL, XDELEX, XGROUP CREATE, XGROUP CREATECONSUMER, \
         XGROUP DELCONSUMER, XGROUP DESTROY, XGROUP SETID, XINFO CONSUMERS, XINFO GROUPS, XINFO STREAM, XLEN, \
         XPENDING, XRANGE, XREAD, XREADGROUP, XREVRANGE, XSETID, XTRIM",
    ),
    (
        "Bitmaps",
        "bitmaps",
        "BITCOUNT, BITFIELD, BITFIELD_RO, BITOP, BITPOS, GETBIT, SETBIT",
    ),
    ("HyperLogLog", "hyperloglog", "PFADD, PFCOUNT, PFMERGE"),
    (
        "Geo",
        "geo",
        "GEOADD, GEODIST, GEOHASH, GEOPOS, GEORADIUS, GEORADIUSBYMEMBER, GEORADIUSBYMEMBER_RO, GEORADIUS_RO, \
         GEOSEARCH, GEOSEARCHSTORE",
    ),
    (
        "JSON",
        "json",
        "JSON.ARRAPPEND, JSON.ARRINDEX, JSON.ARRINSERT, JSON.ARRLEN, JSON.ARRPOP, JSON.ARRTRIM, JSON.CLEAR, \
         JSON.DEBUG MEMORY, JSON.DEL, JSON.FORGET, JSON.GET, JSON.MERGE, JSON.MGET, JSON.MSET, JSON.NUMINCRBY, \
         JSON.NUMMULTBY, JSON.OBJKEYS, JSON.OBJLEN, JSON.RESP, JSON.SET, JSON.STRAPPEND, JSON.STRLEN, \
         JSON.TOGGLE, JSON.TYPE",
    ),
    (
        "Scripting",
        "scripting",
        "EVAL, EVALSHA, EVALSHA_RO, EVAL_RO, SCRIPT EXISTS, SCRIPT FLUSH, SCRIPT KILL, SCRIPT LOAD",
    ),
    (
        "Functions",
        "functions",
        "FCALL, FCALL_RO, FUNCTION DELETE, FUNCTION FLUSH, FUNCTION KILL, FUNCTION LIST, FUNCTION LOAD, \
         FUNCTION STATS",
    ),
    (
        "Publish and subscribe",
        "pubsub",
        "PUBLISH, PUBSUB CHANNELS, PUBSUB NUMPAT, PUBSUB NUMSUB",
    ),
    (
        "Server",
        "server",
        "COMMAND COUNT, COMMAND DOCS, COMMAND INFO, CONFIG GET, CONFIG SET, DBSIZE, FLUSHALL, FLUSHDB, INFO, \
         SLOWLOG GET, SLOWLOG LEN, SLOWLOG RESET, TIME, WAIT, WAITAOF",
    ),
    ("Connection", "connection", "CLIENT SETINFO, ECHO, PING"),
    (
        "Access control",
        "acl",
        "ACL CAT, ACL DELUSER, ACL GENPASS, ACL GENTOKEN, ACL GETUSER, ACL LIST, ACL LOG, ACL RESTTOKEN, \
         ACL SETUSER, ACL USERS, ACL WHOAMI",
    ),
    (
        "Search",
        "search",
        "SEARCH.AGGREGATE, SEARCH.ALIASADD, SEARCH.ALIASDEL, SEARCH.COUNT, SEARCH.CREATE, SEARCH.DESCRIBE, \
         SEARCH.DROP, SEARCH.LISTALIASES, SEARCH.LISTINDEXES, SEARCH.QUERY, SEARCH.REINDEX, SEARCH.WAITINDEXING",
    ),
    (
        "Vector",
        "vector",
        "VECTOR.ADD, VECTOR.COUNT, VECTOR.CREATE, VECTOR.DEL, VECTOR.DROP, VECTOR.GET, VECTOR.INFO, \
         VECTOR.QUERY",
    ),
    (
        "Arrays",
        "arrays",
        "ARCOUNT, ARDEL, ARDELRANGE, ARGET, ARGETRANGE, ARGREP, ARINFO, ARINSERT, ARLASTITEMS, ARLEN, ARMGET, \
         ARMSET, ARNEXT, AROP, ARRING, ARSCAN, ARSEEK, ARSET",
    ),
];

/// What Upstash has on its lists of commands, and the crate has no method of, with the reason.
const NOT_METHODS: &[(&str, &str)] = &[
    (
        "AUTH, CLIENT GETNAME, CLIENT ID, CLIENT INFO, CLIENT LIST, CLIENT SETNAME, HELLO, QUIT, RESET",
        "about a connection, and not over REST",
    ),
    (
        "SELECT",
        "about a connection; over REST there is one database",
    ),
    (
        "BLMOVE, BLMPOP, BLPOP, BRPOP, BRPOPLPUSH, BZMPOP, BZPOPMAX, BZPOPMIN",
        "blocks its connection, and is not over REST; so are BLOCK of XREAD and XREADGROUP",
    ),
    (
        "MULTI, EXEC, DISCARD",
        "one request does it: `Redis::transaction`",
    ),
    (
        "WATCH, UNWATCH",
        "needs a connection; `Redis::eval`, `Command::ifeq` and their like compare and set in one step",
    ),
    (
        "SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE, PUNSUBSCRIBE, MONITOR",
        "a stream of events: `Redis::subscribe`, `psubscribe` and `monitor`; dropping it unsubscribes",
    ),
];

/// What Upstash serves and @upstash/redis 1.39.0 has no method for.
const LACKED: &str = "ACL CAT, ACL DELUSER, ACL GENPASS, ACL GENTOKEN, ACL GETUSER, ACL LIST, ACL LOG, ACL RESTTOKEN, \
     ACL SETUSER, ACL USERS, ACL WHOAMI, BITFIELD_RO, BLMOVE, BLMPOP, BLPOP, BRPOP, BRPOPLPUSH, BZMPOP, BZPOPMAX, \
     BZPOPMIN, COMMAND COUNT, COMMAND DOCS, COMMAND INFO, CONFIG GET, CONFIG SET, DELEX, DIGEST, DUMP, RESTORE, \
     EXPIRETIME, PEXPIRETIME, FUNCTION KILL, GEORADIUS, GEORADIUS_RO, GEORADIUSBYMEMBER, GEORADIUSBYMEMBER_RO, INFO, \
     JSON.DEBUG MEMORY, MEMORY USAGE, PUBSUB CHANNELS, PUBSUB NUMPAT, PUBSUB NUMSUB, RPOPLPUSH, SCRIPT KILL, SELECT, \
     WAIT, WAITAOF, XINFO STREAM, ZDIFF, ZINTER, ZINTERCARD, ZMPOP, ZRANDMEMBER, ZRANGEBYLEX, ZRANGEBYSCORE, \
     ZRANGESTORE, ZREVRANGE, ZREVRANGEBYLEX, ZREVRANGEBYSCORE, SEARCH.LISTINDEXES, SEARCH.REINDEX";

const PAGE: &str = "COMMANDS.md";

fn names(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(", ")
}

fn served() -> impl Iterator<Item = (&'static str, &'static str)> {
    SERVED
        .iter()
        .flat_map(|(_, module, list)| names(list).map(move |name| (name, *module)))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A method of the crate that makes a command.
struct Method {
    name: String,
    /// Below src/commands, without its ending: `hashes/expiry`.
    file: String,
}

/// The methods of the crate by the command whose page their docs name.
fn methods() -> BTreeMap<String, Vec<Method>> {
    let mut methods = BTreeMap::<String, Vec<Method>>::new();
    let folder = root().join("src/commands");
    for path in sources(&folder) {
        let text = fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(&folder).unwrap().with_extension("");
        for documented in text.split("/// Source: [").skip(1) {
            let command = documented.split(']').next().unwrap();
            let signature = documented.split("pub fn ").nth(1).unwrap();
            let name = signature.split(['<', '(']).next().unwrap();
            methods.entry(command.to_owned()).or_default().push(Method {
                name: name.to_owned(),
                file: file.to_str().unwrap().to_owned(),
            });
        }
    }
    methods
}

/// The files with methods: all but those of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if stem == "table" || stem == "replies" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The methods of @upstash/redis by the command they send.
fn theirs() -> BTreeMap<String, BTreeSet<String>> {
    let two_words: BTreeSet<_> = served()
        .filter_map(|(name, _)| name.split_once(' '))
        .collect();
    let mut methods = BTreeMap::<String, BTreeSet<String>>::new();
    for vector in vectors() {
        let words = words(&vector.wire).into_iter().take(2);
        let words: Vec<_> = words.map(|word| word.to_uppercase()).collect();
        let command = match &words[..] {
            [family, name] if two_words.contains(&(&**family, &**name)) => words.join(" "),
            [name, ..] => name.clone(),
            [] => panic!("vector {} sends nothing", vector.id),
        };
        // What stands behind a space says which form of the call it is.
        let method = vector.method.split(' ').next().unwrap();
        if method == "exec" {
            // Sends any command by its words, and is the name of none.
            continue;
        }
        methods
            .entry(command)
            .or_default()
            .insert(method.to_owned());
    }
    methods
}

/// COMMANDS.md as it should be.
fn page() -> String {
    let (ours, theirs) = (methods(), theirs());
    let mut page = String::from(
        "# Commands\n\n\
         What Upstash serves, and where it is in this crate: each method is one of `Redis`, in a module of \
         `src/commands`. The last\ncolumn is what @upstash/redis 1.39.0 calls it, a dash where it has no method. A \
         command that is in no table goes through\n`Redis::command`.\n\n\
         This page is written by a test from lists, from `tests/vectors/vectors.json` and from the sources; after a \
         change:\n`RESTIS_UPDATE=1 cargo test -p restis --test vectors served`.\n",
    );
    for (title, _, list) in SERVED {
        write!(
            page,
            "\n## {title}\n\n| command | restis | module | @upstash/redis |\n|---|---|---|---|\n"
        )
        .unwrap();
        for command in names(list) {
            for method in &ours[command] {
                let theirs = theirs.get(command).map_or_else(
                    || "–".to_owned(),
                    |methods| {
                        let quoted = methods.iter().map(|method| format!("`{method}`"));
                        quoted.collect::<Vec<_>>().join(", ")
                    },
                );
                let (name, module) = (&method.name, method.file.replace('/', "::"));
                writeln!(page, "| {command} | `{name}` | `{module}` | {theirs} |").unwrap();
            }
        }
    }
    page += "\n## Not methods\n\n| command | why |\n|---|---|\n";
    for (list, why) in NOT_METHODS {
        writeln!(page, "| {list} | {why} |").unwrap();
    }
    page += "\n## Where the two clients differ\n\nA test runs every call of @upstash/redis 1.39.0 that \
             `tests/vectors/vectors.json` has through both clients. They agree but for this, and \
             for `bitfield`,\nwhose chain is a TypeError there while automatic pipelining is on, as it is by default.\n\n\
             | calls | restis | @upstash/redis | |\n|---|---|---|---|\n";
    for difference in differences::ALL {
        let Difference { ours, theirs, kind } = difference;
        let kind = match kind {
            Kind::Bug => "a bug there",
            Kind::Shape => "another shape",
            Kind::Words => "other words",
        };
        let calls = calls(difference);
        writeln!(page, "| {calls} | {ours} | {theirs} | {kind} |").unwrap();
    }
    page
}

/// The calls in which the clients differ so.
fn calls(difference: &Difference) -> String {
    let differ = pairs().into_iter().filter(|(row, _)| {
        let words = row.wire.map(|(_, difference)| difference);
        [row.differs, words].contains(&Some(*difference))
    });
    let methods: BTreeSet<_> = differ
        .map(|(_, vector)| format!("`{}`", vector.method.split(' ').next().unwrap_or_default()))
        .collect();
    methods.into_iter().collect::<Vec<_>>().join(", ")
}

#[test]
fn every_command_of_the_list_is_in_its_module() {
    let methods = methods();
    for (command, module) in served() {
        let found = methods.get(command);
        let found = found.unwrap_or_else(|| panic!("{command} has no method"));
        for Method { name, file } in found {
            let is_there = file == module || file.starts_with(&format!("{module}/"));
            assert!(
                is_there,
                "{command} is listed in {module}, and `{name}` is in {file}"
            );
            // The docs could name another command than the method sends.
            let sends = |file: &str| {
                let source = fs::read_to_string(root().join("src").join(file)).unwrap();
                let mut words = command.split(' ');
                words.all(|word| source.contains(&format!("\"{word}\"")))
            };
            let file = format!("commands/{file}.rs");
            assert!(
                sends(&file) || sends("scan.rs"),
                "`{name}` in {file} does not send {command}"
            );
        }
    }
}

#[test]
fn every_method_that_gives_a_command_says_which() {
    let methods = methods();
    for path in sources(&root().join("src/commands")) {
        let text = fs::read_to_string(&path).unwrap();
        for signature in text.split("pub fn ").skip(1) {
            let head = signature.split(" {").next().unwrap();
            let gives = ["-> Command<", "-> Scan<", "-> Pages<"];
            if head.contains("&self") && gives.iter().any(|reply| head.contains(reply)) {
                let name = head.split(['<', '(']).next().unwrap();
                assert!(
                    methods.values().flatten().any(|method| method.name == name),
                    "the docs of `{name}` in {} have no line `Source: [COMMAND](page)`",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_method_is_of_a_command_of_the_list() {
    let listed: BTreeSet<_> = served().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(listed.len(), served().count(), "a command is listed twice");
    assert_eq!(methods().into_keys().collect::<BTreeSet<_>>(), listed);
    for (list, _) in NOT_METHODS {
        for name in names(list) {
            assert!(!listed.contains(name), "{name} is listed twice");
        }
    }
}

#[test]
fn every_command_of_the_vectors_and_of_upstash_alone_is_listed() {
    let mut listed: BTreeSet<_> = served().map(|(name, _)| name).collect();
    listed.extend(NOT_METHODS.iter().flat_map(|(list, _)| names(list)));
    let theirs = theirs();
    for command in theirs.keys() {
        assert!(
            listed.contains(&**command),
            "{command} is in the vectors and not listed"
        );
    }
    for command in names(LACKED) {
        assert!(listed.contains(command), "{command} is not listed");
        assert!(
            !theirs.contains_key(command),
            "@upstash/redis has {command}"
        );
    }
}

#[test]
fn the_page_is_up_to_date() {
    let (path, page) = (root().join(PAGE), page());
    if env::var_os("RESTIS_UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "{PAGE} is out of date: RESTIS_UPDATE=1 cargo test -p restis --test vectors served"
    );
}
