//! The public surface as a downstream crate sees it: that it compiles, natively and for wasm32,
//! and that what has to be Send is.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test, not an API"
)]

use std::{collections::HashMap, error::Error as StdError, time::Duration};

use restis::{
    Batch, Builder, Bytes, Command, Error, Event, FromReply, GapReason, Json, Message, Pipeline,
    Redis, Reply, RequestKind, RequestReport, ResponseFormat, Retry, Safety, Scan, ScanStream,
    Script, Subscription, ToArg, ToArgs, ToPairs, Transaction, Value,
    commands::streams::pages::{EntryStream, Pages},
    transport::{Request, Response, Transport, TransportError},
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct User {
    name: String,
}

fn send<T: Send>(value: T) -> T {
    value
}

fn is_send_and_sync<T: Send + Sync>() {}

fn client() -> Redis {
    Redis::new("https://example.upstash.io", "token").unwrap()
}

/// Every future is Send, on wasm32 too: this compiles, and is not run.
#[allow(dead_code, reason = "compiling is the test")]
async fn futures_are_send(redis: &Redis) -> Result<(), Error> {
    let _: Option<Json<User>> = send(redis.get("k").into_future()).await?;
    let (_, _) = send(
        redis
            .pipeline((redis.incr("k"), redis.get::<Bytes>("k")))
            .into_future(),
    )
    .await?;
    let (_, _) = send(
        redis
            .transaction((redis.incr("k"), redis.get::<Bytes>("k")))
            .into_future(),
    )
    .await?;
    let _: i64 = send(Script::new("return 1").run(redis, ()).into_future()).await?;
    let mut keys = send(redis.scan().stream::<String>());
    send(keys.next()).await;
    let mut entries = send(
        redis
            .xrange_pages("k", "-", "+")
            .stream::<Vec<(String, Bytes)>>(),
    );
    send(entries.next()).await;
    let mut news: Subscription<Message<Json<User>>> =
        send(redis.subscribe(["a", "b"]).into_future()).await?;
    if let Some(Event::Message(message)) = send(news.next()).await.transpose()? {
        let _: (String, Option<String>, Json<User>) =
            (message.channel, message.pattern, message.payload);
    }
    let mut commands = send(redis.monitor().idle(Duration::from_secs(60)).into_future()).await?;
    if let Some(Event::Gap(gap)) = send(commands.next()).await.transpose()? {
        let _: (Vec<String>, Duration, GapReason) = (gap.names, gap.silence, gap.reason);
    }
    fn lives_on<T: 'static>(_: T) {}
    lives_on((
        news,
        commands,
        redis.psubscribe::<Bytes>("p.*").into_future(),
    ));
    send(async { redis.set("k", 1).await }).await
}

/// Those of the helpers too.
#[cfg(all(feature = "lock", feature = "queue", feature = "ratelimit"))]
#[allow(dead_code, reason = "compiling is the test")]
async fn helpers_are_send(redis: &Redis) -> Result<(), Error> {
    use restis::{Lock, Queue, RateLimiter, queue::JobError};
    let minute = Duration::from_secs(60);
    let limiter = RateLimiter::gcra(10, minute).fail_open(minute).lease(5);
    let limiter = limiter.build(redis);
    send(limiter.check("a")).await?;
    send(limiter.until_ready("a", minute)).await?;
    send(RateLimiter::check_all([limiter.call("a")])).await?;
    let lock = Lock::new(redis, "a");
    if let Some(held) = send(lock.acquire()).await? {
        send(held.run(async {})).await.ok();
        send(held.release()).await?;
    }
    let queue = Queue::new(redis, "a");
    send(
        queue
            .add("a", &1)
            .children([queue.add("b", &2)])
            .into_future(),
    )
    .await?;
    send(queue.add_bulk([queue.add("a", &1)])).await?;
    let consumer = queue.consumer();
    let work = |job: restis::queue::Job| async move {
        let n: i64 = job.data()?;
        Ok::<_, JobError>(n)
    };
    send(consumer.run_until(minute, work)).await?;
    let batch = send(consumer.pull(1)).await?;
    let _ = send(batch.settle_and_pull(1)).await?;
    send(queue.wait_finished::<i64>("a", minute)).await?;
    Ok(())
}

/// The shapes of architecture's example: a wrong type would not compile.
#[allow(dead_code, reason = "compiling is the test")]
async fn options_change_the_type(redis: &Redis, user: &User) -> Result<(), Error> {
    let () = redis.set("k", Json(user)).ex(300).await?;
    let _: bool = redis.set("k", "v").nx().px(5_000).await?;
    let _: bool = redis.set("k", "v").px(5_000).xx().await?;
    let _: Option<String> = redis.set("k", "v").get().await?;
    let _: Option<String> = redis.set("k", "v").nx().get().exat(4_102_444_800).await?;
    let _: Option<String> = redis.set("k", "v").get().xx().keepttl().await?;
    let _: Option<String> = redis
        .command("OBJECT")
        .arg("ENCODING")
        .arg("k")
        .query()
        .await?;
    let _: Value = redis
        .command("X")
        .args(["a", "b"])
        .arg(1)
        .query::<Value>()
        .safety(Safety::Read)
        .await?;
    let _: Option<Bytes> = redis.get("k").resp2().await?;
    let _: (i64, Vec<Result<String, Error>>) = redis
        .eval("return {1, {}}", "k")
        .arg(1)
        .response_format(ResponseFormat::Json)
        .await?;
    let (views, nested, many, array) = redis
        .pipeline((
            redis.incr("views"),
            (redis.get::<i64>("a"), redis.get::<String>("b")),
            vec![redis.incr("c")],
            [redis.decr("d"), redis.decr("e")],
        ))
        .timeout(Duration::from_secs(1))
        .retry(Retry::never())
        .await?;
    let _: i64 = views?;
    let (_, _): (Result<Option<i64>, Error>, Result<Option<String>, Error>) = nested;
    let _: Vec<Result<i64, Error>> = many;
    let [_, _]: [Result<i64, Error>; 2] = array;
    let (_, _): (i64, [i64; 2]) = redis
        .transaction((redis.decrby("from", 5), [redis.incr("a"), redis.incr("b")]))
        .await?;
    let (_, _): (Result<i64, Error>, Result<(), Error>) = redis
        .transaction((redis.incr("a"), redis.set("b", 1)))
        .keep_errors()
        .await?;
    Ok(())
}

#[test]
fn types_are_send_and_sync() {
    is_send_and_sync::<Redis>();
    is_send_and_sync::<Error>();
    is_send_and_sync::<Script>();
    is_send_and_sync::<Retry>();
    is_send_and_sync::<Command<'_, ()>>();
    is_send_and_sync::<Scan<'_>>();
    fn stream_is_send<T: Send>(_: &ScanStream<'_, T>) {}
    stream_is_send(&client().scan().stream::<String>());
    is_send_and_sync::<Pages<'_>>();
    fn entries_are_send<F: Send>(_: &EntryStream<'_, F>) {}
    entries_are_send(&client().xrange_pages("k", "-", "+").stream::<()>());
}

#[test]
fn a_hook_is_a_function_or_a_closure() {
    fn hook(report: &RequestReport<'_>) {
        let _: (u64, u64, usize, usize, u32, Duration) = (
            report.commands(),
            report.billed_at_most(),
            report.sent(),
            report.received(),
            report.attempt(),
            report.latency(),
        );
        let _: Option<&Error> = report.error();
        let _: bool = report.kind() == RequestKind::Pipeline && report.operation() == "PIPELINE";
    }

    let settings = || {
        Redis::builder()
            .url("https://example.upstash.io")
            .token("t")
            .telemetry(true)
    };
    let _: Redis = settings().on_request(hook).build().unwrap();
    let _: Redis = settings()
        .on_request(|report| println!("{report:?}"))
        .build()
        .unwrap();
}

#[test]
fn an_error_is_a_standard_error_and_cheap() {
    fn standard<T: StdError + Send + Sync + Clone + 'static>(_: &T) {}
    let error = Builder::default().build().unwrap_err();
    standard(&error);
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn traits_are_for_users_too() {
    struct Id(u64);

    impl ToArg for Id {
        fn write_arg(&self, arg: restis::ArgWriter<'_>) -> restis::Written {
            arg.display(self.0)
        }
    }

    impl FromReply for Id {
        fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
            u64::from_reply(reply).map(Self)
        }
    }

    fn keys(_: impl ToArgs) {}
    fn pairs(_: impl ToPairs) {}
    fn batch<B: Batch>(_: B) {}
    keys(Id(1));
    keys([Id(1), Id(2)]);
    let owned = vec!["a".to_string()];
    keys(&owned);
    keys(&owned[..]);
    pairs(("a", Id(1)));
    pairs([("a", 1.5)]);
    let map = HashMap::from([("a".to_string(), vec![0u8])]);
    pairs(&map);
    pairs(map);
    let redis = client();
    batch((redis.get::<Id>("a"), redis.set("b", Id(1))));
    let _: Pipeline<'_, _> = redis.pipeline(redis.incr("a"));
    let _: Transaction<'_, _> = redis.transaction(vec![redis.incr("a")]);

    struct Null;

    impl Transport for Null {
        fn send(
            &self,
            _: Request,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + '_>>
        {
            Box::pin(async { Err(TransportError::connect("there is no network")) })
        }
    }

    let _ = Redis::builder()
        .url("https://example.upstash.io")
        .token("t")
        .transport(Null)
        .build()
        .unwrap();
}

#[test]
fn nothing_shows_a_secret() {
    let redis = Redis::new("https://example.upstash.io", "secret-token").unwrap();
    let command = redis.set("secret-key", "secret-value");
    let shown = format!(
        "{redis:?} {command:?} {:?} {:?} {:?} {:?}",
        redis.scan().matching("secret"),
        redis.xrange_pages("secret", "secret", "secret"),
        redis.subscribe::<String>("secret"),
        Script::new("secret")
    );
    assert!(!shown.contains("secret"), "{shown}");
}
