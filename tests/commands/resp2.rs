//! Answers in RESP2 from a real server: the same as in JSON for every type, and bytes as they are.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::{Arc, Mutex},
};

use restis::{
    Bytes, Error, FromReply, Json, Redis, Reply, ResponseFormat, Script, Value,
    transport::{Native, Request, Response, Transport},
};
use restis_local::Local;
use restis_testing::{block_on, run};

use crate::refused;

/// As `T` is read, with base64 in JSON.
#[derive(Debug, PartialEq)]
struct InBase64<T>(T);

impl<T: FromReply> FromReply for InBase64<T> {
    const BYTES: bool = true;

    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        T::from_reply(reply).map(Self)
    }
}

/// As `T` is read, without base64 in JSON.
#[derive(Debug, PartialEq)]
struct InText<T>(T);

impl<T: FromReply> FromReply for InText<T> {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        T::from_reply(reply).map(Self)
    }
}

/// Asserts that a command gives this in JSON, in JSON with base64, and in RESP2.
async fn same<T: FromReply + PartialEq + Debug>(
    redis: &Redis,
    command: &[&str],
    expected: T,
) -> Result<(), Error> {
    let (name, args) = command.split_first().unwrap();
    let command = || redis.command(name).args(args);
    assert_eq!(command().query::<InText<T>>().await?.0, expected, "{name}");
    assert_eq!(
        command().query::<InBase64<T>>().await?.0,
        expected,
        "{name}"
    );
    let resp2 = command().query::<InBase64<T>>().resp2().await?;
    assert_eq!(resp2.0, expected, "{name}");
    let resp2 = command().query::<InText<T>>().resp2().await?;
    assert_eq!(resp2.0, expected, "{name}");
    Ok(())
}

#[test]
fn every_type_is_the_same_in_each_form() {
    run(async |redis| {
        let text = |text: &str| text.to_owned();
        redis.set("text", "caf\u{e9} \"\\\r\n\0").await?;
        redis
            .mset([("n", "-42"), ("float", "1.5"), ("empty", "")])
            .await?;
        redis.set("json", Json([1, 2])).await?;
        redis.hset("hash", [("a", "1"), ("b", "2")]).await?;
        redis.rpush("list", ["x", "", "z"]).await?;
        redis
            .zadd("zset", [(1.5, "a"), (f64::INFINITY, "b")])
            .await?;

        let redis = &redis;
        same(redis, &["GET", "text"], Some(text("caf\u{e9} \"\\\r\n\0"))).await?;
        same(redis, &["GET", "text"], Bytes::from("caf\u{e9} \"\\\r\n\0")).await?;
        same(redis, &["GET", "no"], None::<String>).await?;
        same(redis, &["GET", "no"], Value::Nil).await?;
        same(redis, &["GET", "empty"], Some(Bytes::new())).await?;
        same(redis, &["GET", "n"], -42i64).await?;
        same(redis, &["GET", "float"], 1.5f64).await?;
        same(redis, &["GET", "json"], Json([1, 2])).await?;
        same(redis, &["SET", "new", "v"], true).await?;
        same(redis, &["SET", "new", "v"], ()).await?;
        same(redis, &["SET", "new", "v", "NX"], false).await?;
        same(redis, &["SET", "new", "v"], Value::Bytes("OK".into())).await?;
        same(redis, &["PING"], text("PONG")).await?;
        same(redis, &["TYPE", "hash"], text("hash")).await?;
        same(redis, &["EXISTS", "n", "no"], 1u16).await?;
        same(redis, &["STRLEN", "empty"], Value::Number("0".into())).await?;
        same(redis, &["TTL", "n"], text("-1")).await?;
        same(redis, &["MGET", "n", "no"], vec![Some(text("-42")), None]).await?;
        same(redis, &["MGET", "n", "no"], (-42i64, None::<Bytes>)).await?;
        let list = ["x", "", "z"].map(Bytes::from);
        same(redis, &["LRANGE", "list", "0", "-1"], list).await?;
        same(redis, &["LRANGE", "no", "0", "-1"], Vec::<String>::new()).await?;
        same(redis, &["LRANGE", "no", "0", "-1"], Value::Array(vec![])).await?;
        let hash = [(text("a"), 1), (text("b"), 2)];
        same(redis, &["HGETALL", "hash"], HashMap::from(hash.clone())).await?;
        same(redis, &["HGETALL", "hash"], BTreeMap::from(hash)).await?;
        same(redis, &["HGETALL", "no"], HashMap::<String, Bytes>::new()).await?;
        let scored = vec![(text("a"), 1.5), (text("b"), f64::INFINITY)];
        same(redis, &["ZRANGE", "zset", "0", "-1", "WITHSCORES"], scored).await?;
        same(
            redis,
            &["SCAN", "0", "MATCH", "lis*"],
            (text("0"), [text("list")]),
        )
        .await?;
        let nested = "return {1, {'a', {false, 2.9}}, redis.status_reply('OK')}";
        let inner = Value::Array(vec![Value::Nil, Value::Number("2".into())]);
        let inner = Value::Array(vec![Value::Bytes("a".into()), inner]);
        let value = [Value::Number("1".into()), inner, Value::Bytes("OK".into())];
        same(redis, &["EVAL", nested, "0"], Value::Array(value.into())).await?;
        Ok(())
    });
}

#[test]
fn errors_inside_a_reply() {
    run(async |redis| {
        redis.set("text", "abc").await?;
        let script =
            "return {1, redis.pcall('INCR', KEYS[1]), {redis.error_reply('MY words'), 'v'}}";
        for format in [ResponseFormat::Json, ResponseFormat::Resp2] {
            let eval = || redis.command("EVAL").args([script, "1", "text"]);
            type Nested = (i64, Result<i64, Error>, Vec<Result<Bytes, Error>>);
            let (one, error, inner) = eval().query::<Nested>().response_format(format).await?;
            let error = error.unwrap_err();
            assert_eq!(
                (one, error.is_server(), error.code()),
                (1, true, Some("ERR"))
            );
            assert!(error.to_string().contains("not an integer"), "{error}");
            assert_eq!(inner[0].as_ref().unwrap_err().code(), Some("MY"));
            assert_eq!(inner[1].as_deref().unwrap(), b"v");

            let value = eval().query::<Value>().response_format(format).await?;
            let Value::Array(values) = value else {
                panic!("{value:?}")
            };
            let words = "ERR value is not an integer or out of range".to_owned();
            assert_eq!(values[1], Value::Error(words));

            let plain = eval().query::<(i64, i64, Value)>().response_format(format);
            refused(plain.await, "ERR", "EVAL");
            // An error of the script itself is the call's, whatever was asked for.
            let raise = redis.eval::<Result<i64, Error>>("return redis.error_reply('MY end')", ());
            refused(raise.response_format(format).await, "MY", "EVAL");
            let run = Script::new(script);
            let run = run.run::<(i64, Result<i64, Error>, Value)>(&redis, "text");
            assert!(run.response_format(format).await?.1.is_err());
        }
        let (nested, failed) = redis
            .pipeline((
                redis.eval::<(i64, Result<i64, Error>, Value)>(script, "text"),
                redis.incr("text"),
            ))
            .await?;
        assert!(nested?.1.is_err());
        refused(failed, "ERR", "INCR");
        Ok(())
    });
}

/// Passes on what the server answers, and keeps the type of each answer.
#[derive(Clone, Default)]
struct Kinds {
    inner: Arc<Native>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Transport for Kinds {
    fn send(
        &self,
        request: Request,
    ) -> std::pin::Pin<
        Box<dyn Future<Output = Result<Response, restis::transport::TransportError>> + Send + '_>,
    > {
        Box::pin(async move {
            let response = self.inner.send(request).await?;
            let kind = response.get("content-type").unwrap_or_default().to_owned();
            self.seen.lock().unwrap().push(kind);
            Ok(response)
        })
    }
}

#[test]
fn bytes_come_as_they_are() {
    let outcome = block_on(async {
        let local = Local::builder().start().await?;
        let kinds = Kinds::default();
        let redis = Redis::builder()
            .url(local.url())
            .token(local.token())
            .transport(kinds.clone())
            .response_format(ResponseFormat::Resp2)
            .build()?;
        let all: Vec<u8> = (0..=255).collect();
        let million = Bytes::from(all.repeat(4096));
        // Written in the path form, whose answer is RESP2 as well.
        redis.set("big", &million[..]).await?;
        assert_eq!(redis.get::<Bytes>("big").await?.as_ref(), Some(&million));
        let old = redis.command("GETSET").arg("big").arg(&b"\xff\r\n"[..]);
        assert_eq!(old.query::<Option<Bytes>>().await?, Some(million));
        assert_eq!(redis.append("big", "$5\r\n").await?, 7);
        for value in [&b"\xfe"[..], b"", b"\r\n", b"$-1\r\n"] {
            redis.rpush("list", value).await?;
        }
        let list: Vec<Bytes> = redis.lrange("list", 0, -1).await?;
        assert_eq!(list, [&b"\xfe"[..], b"", b"\r\n", b"$-1\r\n"]);
        // JSON would have U+FFFD there.
        let text = redis.lrange::<String>("list", 0, 0).await;
        assert!(text.unwrap_err().to_string().contains("Bytes"));
        refused(redis.incr("list").await, "WRONGTYPE", "INCR");
        let seen = std::mem::take(&mut *kinds.seen.lock().unwrap());
        assert_eq!(seen, vec!["application/octet-stream"; 11]);

        // A batch is answered in JSON, with base64 where bytes are asked for.
        let batch = || (redis.get::<Bytes>("big"), redis.incr("n").resp2());
        let (big, n) = redis.pipeline(batch()).await?;
        assert_eq!((big?.as_deref(), n?), (Some(&b"\xff\r\n$5\r\n"[..]), 1));
        let (big, n) = redis.transaction(batch()).await?;
        assert_eq!((big.as_deref(), n), (Some(&b"\xff\r\n$5\r\n"[..]), 2));
        let json = redis
            .get::<Bytes>("big")
            .response_format(ResponseFormat::Json);
        assert_eq!(json.await?, big);
        let seen = std::mem::take(&mut *kinds.seen.lock().unwrap());
        assert_eq!(seen, vec!["application/json"; 3]);
        Ok(())
    });
    outcome.unwrap();
}
