//! The safety classes of the table against a real server: what reads changes nothing, and what is
//! idempotent leaves the same data and gives the same reply when it runs again.

use std::collections::BTreeMap;

use restis_local::Local;

use super::{Idempotent, LIMIT, Read, Row, Write, safety, table};
use crate::{
    Bytes, Error, Redis, Value,
    commands::{geo::Position, keys::KeyType},
};

/// Beginnings of rows that no server here can run, and why.
const NOT_HERE: &[(&str, &str)] = &[
    (r#"["ACL","GENTOKEN""#, "Upstash alone"),
    (r#"["ACL","RESTTOKEN""#, "Upstash alone"),
    (r#"["CLIENT","SETINFO""#, "not over REST, in restis-local"),
    (r#"["DIGEST""#, "Redis 8.4, not Valkey 9"),
    (r#"["SDIFFCARD""#, "Upstash, not Valkey 9"),
    (r#"["SUNIONCARD""#, "Upstash, not Valkey 9"),
    (r#"["SCAN","0","WITHTYPE""#, "Upstash alone"),
    (
        r#"["SCAN","0","MATCH","user:*","COUNT","500","WITHTYPE""#,
        "Upstash alone",
    ),
    (r#"["ZRANGE","k","0","-1","LIMIT""#, "Upstash alone"),
];

type Data = BTreeMap<Bytes, Bytes>;

/// All keys and functions, in the form in which the server would move them to another.
async fn data(redis: &Redis) -> Result<Data, Error> {
    let mut data = Data::new();
    for key in redis.keys::<Bytes>("*").await? {
        let value = match redis.key_type(&key).await? {
            // The form of a hash has the times when its fields expire, to the millisecond.
            KeyType::Hash => {
                let fields: BTreeMap<String, String> =
                    redis.hgetall(&key).await?.into_iter().collect();
                Bytes::from(format!("{fields:?}"))
            }
            _ => redis.command("DUMP").arg(&key).query::<Bytes>().await?,
        };
        data.insert(key, value);
    }
    let functions = redis.command("FUNCTION").arg("DUMP").query().await?;
    data.insert(Bytes::from_static(b"functions"), functions);
    Ok(data)
}

/// Fills the keys of the table with what this command works on.
async fn seed(redis: &Redis, row: &Row) -> Result<(), Error> {
    redis.flushall().sync().await?;
    redis.function_flush().sync().await?;
    for key in ["k", "a", "b"] {
        match row.expected.as_bytes() {
            [b'[', b'"', b'Z', ..] => {
                redis.zadd(key, [(0, "a"), (0, "b"), (7, key)]).await?;
            }
            [b'[', b'"', b'G', b'E', b'O', ..] => {
                let at = Position::new(1.5, -2.0);
                redis.geoadd(key, [(at, "a"), (at, "b"), (at, key)]).await?;
            }
            [b'[', b'"', b'P', b'F', ..] => {
                redis.pfadd(key, ["a", key]).await?;
                // It keeps the estimate it has made in the key.
                redis.pfcount(key).await?;
            }
            [
                b'[',
                b'"',
                b'S',
                b'U' | b'I' | b'D' | b'M' | b'C' | b'R',
                ..,
            ] if !row.expected.contains("SUBSTR") => {
                redis.sadd(key, ["a", key]).await?;
            }
            [b'[', b'"', b'H', ..] => {
                redis.hset(key, [("f", "1"), ("g", "2")]).await?;
            }
            [b'[', b'"', b'X', ..] => {
                redis.xadd(key, "1-0", ("f", "1")).await?;
                redis.xadd(key, "2-0", ("f", "2")).await?;
                redis.xgroup_create(key, "g", "0").await?;
                redis
                    .xreadgroup::<()>("g", "c", (key, ">"))
                    .count(1)
                    .await?;
            }
            [b'[', b'"', b'L', ..] => {
                redis.rpush(key, ["a", "v"]).await?;
            }
            _ => redis.set(key, "a value").await?,
        }
    }
    Ok(())
}

/// Commands that no server here has: Upstash's own, JSON, which is a module, and the arrays of Redis 8.8.
const ABSENT: &[&str] = &[
    "ARCOUNT",
    "ARGET",
    "ARGETRANGE",
    "ARGREP",
    "ARINFO",
    "ARLASTITEMS",
    "ARLEN",
    "ARMGET",
    "ARNEXT",
    "AROP",
    "ARSCAN",
    "ARSEEK",
    "JSON.ARRINDEX",
    "JSON.ARRLEN",
    "JSON.DEBUG MEMORY",
    "JSON.GET",
    "JSON.MGET",
    "JSON.MSET",
    "JSON.OBJKEYS",
    "JSON.OBJLEN",
    "JSON.RESP",
    "JSON.SET",
    "JSON.STRLEN",
    "JSON.TYPE",
    "SEARCH.AGGREGATE",
    "SEARCH.COUNT",
    "SEARCH.DESCRIBE",
    "SEARCH.LISTALIASES",
    "SEARCH.LISTINDEXES",
    "SEARCH.QUERY",
    "SEARCH.WAITINDEXING",
    "VECTOR.COUNT",
    "VECTOR.GET",
    "VECTOR.INFO",
    "VECTOR.QUERY",
];

async fn run(redis: &Redis, row: &Row) -> Result<Value, Error> {
    let words: Vec<String> = serde_json::from_str(row.expected).unwrap();
    let (name, args) = words.split_first().unwrap();
    redis.command(name).args(args).query().await
}

/// Lets the time of a whole call pass for every TTL, without waiting: what has so long to live, or less, expires.
async fn stall(redis: &Redis) -> Result<(), Error> {
    // Before the keys, as the fields of a key that has expired cannot be read.
    const SCRIPT: &str = "
        for _, key in ipairs(redis.call('KEYS', '*')) do
            if redis.call('TYPE', key).ok == 'hash' then
                for _, field in ipairs(redis.call('HKEYS', key)) do
                    local at = redis.call('HPEXPIRETIME', key, 'FIELDS', 1, field)[1]
                    if at > 0 then
                        redis.call('HPEXPIREAT', key, string.format('%.0f', at - ARGV[1]), 'FIELDS', 1, field)
                    end
                end
            end
            local at = redis.call('PEXPIRETIME', key)
            if at > 0 then
                redis.call('PEXPIREAT', key, string.format('%.0f', at - ARGV[1]))
            end
        end
        return redis.status_reply('OK')";
    let limit = LIMIT.as_millis().to_string();
    let script = redis.command("EVAL").arg(SCRIPT).arg(0).arg(limit);
    script.query::<()>().await
}

/// Runs a row as its class allows, and says what broke the promise of the class. The second run comes as late as it can.
async fn broken(redis: &Redis, row: &Row) -> Result<Option<&'static str>, Error> {
    seed(redis, row).await?;
    let before = data(redis).await?;
    let first = run(redis, row).await;
    let once = data(redis).await?;
    if row.class == Read {
        // An error is an answer too, but not one of a server that has never heard of the command.
        let unheard = |error: &Error| {
            let text = error.to_string();
            text.contains("unknown") || text.contains("syntax") || text.contains("not available")
        };
        if first.as_ref().is_err_and(unheard) {
            return Ok(Some("was not understood"));
        }
        return Ok((once != before).then_some("changed data"));
    }
    stall(redis).await?;
    let later = data(redis).await?;
    let (first, second) = (first?, run(redis, row).await?);
    let twice = data(redis).await?;
    Ok(match () {
        () if second != first => Some("gave another reply"),
        () if twice != later => Some("changed data again"),
        () => None,
    })
}

#[test]
fn a_second_run_is_as_safe_as_the_class_says() {
    let mut rows = table();
    rows.retain(|row| row.class == Read || row.class == Idempotent);
    for (beginning, why) in NOT_HERE {
        let before = rows.len();
        rows.retain(|row| !row.expected.starts_with(beginning));
        assert!(
            rows.len() < before,
            "no row begins with {beginning} ({why})"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let local = Local::builder().start().await.unwrap();
        let redis = Redis::new(local.url(), local.token()).unwrap();
        for row in &rows {
            if ABSENT.contains(&&*row.name()) {
                let error = run(&redis, row).await.unwrap_err().to_string();
                assert!(error.contains("unknown command"), "{error}");
                continue;
            }
            let broken = broken(&redis, row).await;
            assert!(matches!(broken, Ok(None)), "{}: {broken:?}", row.expression);
        }
    });
}

/// A TTL that is over when the second run comes: it brings back what had expired, or finds nothing.
#[tokio::test]
async fn second_run_within_a_call_is_later_than_a_short_ttl() {
    let local = Local::builder().start().await.unwrap();
    let redis = Redis::new(local.url(), local.token()).unwrap();
    for (short, long) in [
        (
            r#"["SET","k","v","EX","30"]"#,
            r#"["SET","k","v","EX","60"]"#,
        ),
        (
            r#"["SET","k","v","PX","1000"]"#,
            r#"["SET","k","v","PX","60000"]"#,
        ),
        (r#"["SETEX","k","30","v"]"#, r#"["SETEX","k","60","v"]"#),
        (
            r#"["PSETEX","k","30000","v"]"#,
            r#"["PSETEX","k","60000","v"]"#,
        ),
        (r#"["EXPIRE","k","1"]"#, r#"["EXPIRE","k","60"]"#),
        (r#"["PEXPIRE","k","1000"]"#, r#"["PEXPIRE","k","60000"]"#),
        (r#"["GETEX","k","EX","1"]"#, r#"["GETEX","k","EX","60"]"#),
        (
            r#"["GETEX","k","PX","30000"]"#,
            r#"["GETEX","k","PX","60000"]"#,
        ),
        (
            r#"["HEXPIRE","k","1","FIELDS","1","f"]"#,
            r#"["HEXPIRE","k","60","FIELDS","1","f"]"#,
        ),
        (
            r#"["HPEXPIRE","k","1000","FIELDS","1","f"]"#,
            r#"["HPEXPIRE","k","60000","FIELDS","1","f"]"#,
        ),
        (
            r#"["HGETEX","k","EX","1","FIELDS","1","f"]"#,
            r#"["HGETEX","k","EX","60","FIELDS","1","f"]"#,
        ),
        (
            r#"["HSETEX","k","PX","1000","FIELDS","1","f","v"]"#,
            r#"["HSETEX","k","PX","60000","FIELDS","1","f","v"]"#,
        ),
    ] {
        for (expected, class) in [(short, Write), (long, Idempotent)] {
            assert_eq!(
                safety::of_command(expected.as_bytes(), LIMIT),
                class,
                "{expected}"
            );
            let row = Row {
                expression: "",
                class,
                expected,
                written: expected.to_owned(),
            };
            let broken = broken(&redis, &row).await.unwrap();
            assert_eq!(broken.is_some(), class == Write, "{expected}: {broken:?}");
        }
    }
}
