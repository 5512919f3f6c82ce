//! The spans of requests, as a subscriber sees them.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    future::IntoFuture,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::poll;
use restis::Retry;
use tracing::{
    Event, Instrument, Level, Metadata, Span, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, set_default},
};

use super::play::{ONE, Play, Step};

type Fields = BTreeMap<&'static str, String>;

/// Keeps what it is told of every span.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    spans: Vec<Seen>,
    stack: Vec<u64>,
    /// Spans in the order in which they opened (positive) and closed (negative).
    order: Vec<i64>,
}

#[derive(Clone)]
struct Seen {
    metadata: &'static Metadata<'static>,
    fields: Fields,
    parent: Option<u64>,
    handles: usize,
    entered: usize,
}

struct Keep<'a>(&'a mut Fields);

impl Visit for Keep<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Collector {
    /// Listens to this thread until the guard is dropped.
    fn listen() -> (Self, DefaultGuard) {
        let collector = Self::default();
        let guard = set_default(collector.clone());
        (collector, guard)
    }

    fn span<T>(&self, id: &Id, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap().spans[id.into_u64() as usize - 1])
    }

    /// The fields of the requests up to now.
    fn fields(&self) -> Vec<Fields> {
        let collected = self.0.lock().unwrap();
        collected
            .spans
            .iter()
            .map(|span| span.fields.clone())
            .collect()
    }

    fn order(&self) -> Vec<i64> {
        self.0.lock().unwrap().order.clone()
    }

    fn entered(&self, index: usize) -> usize {
        self.0.lock().unwrap().spans[index].entered
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::new();
        attributes.record(&mut Keep(&mut fields));
        let mut collected = self.0.lock().unwrap();
        let parent = collected.stack.last().copied();
        collected.spans.push(Seen {
            metadata: attributes.metadata(),
            fields,
            parent,
            handles: 1,
            entered: 0,
        });
        let id = collected.spans.len() as u64;
        collected.order.push(id as i64);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.span(id, |span| values.record(&mut Keep(&mut span.fields)));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        panic!("restis makes no events: {event:?}");
    }

    fn enter(&self, id: &Id) {
        self.span(id, |span| span.entered += 1);
        self.0.lock().unwrap().stack.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        assert_eq!(self.0.lock().unwrap().stack.pop(), Some(id.into_u64()));
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.span(id, |span| span.handles += 1);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let closed = self.span(&id, |span| {
            span.handles -= 1;
            span.handles == 0
        });
        if closed {
            self.0.lock().unwrap().order.push(-(id.into_u64() as i64));
        }
        closed
    }
}

/// The fields of a request of the scripted client, and `more`.
fn fields(operation: &str, more: &[(&'static str, &str)]) -> Fields {
    let always = [
        ("otel.kind", "client"),
        ("otel.name", operation),
        ("db.system.name", "redis"),
        ("db.operation.name", operation),
        ("server.address", "mock.example"),
        ("server.port", "443"),
    ];
    let all = always.iter().chain(more);
    all.map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn one_command_is_one_span() {
    let (collector, _guard) = Collector::listen();
    let (redis, _) = Play::redis([ONE]);
    redis.get::<i64>("k").await.unwrap();
    assert_eq!(collector.fields(), [fields("GET", &[])]);
    assert_eq!(collector.order(), [1, -1]);
    let metadata = collector.0.lock().unwrap().spans[0].metadata;
    assert_eq!(
        (metadata.target(), metadata.name(), *metadata.level()),
        ("restis", "redis", Level::INFO)
    );
}

#[tokio::test]
async fn batches_are_named_by_what_is_in_them() {
    const TWO: Step = Step::Answer(200, r#"[{"result":"1"},{"result":"2"}]"#);
    let (collector, _guard) = Collector::listen();
    let (redis, script) = Play::redis([TWO, TWO, TWO, TWO]);
    let get = || redis.get::<String>("k");
    let _ = redis.pipeline((get(), redis.incr("k"))).await.unwrap();
    let _ = redis.pipeline((get(), get())).await.unwrap();
    redis.transaction((get(), redis.incr("k"))).await.unwrap();
    redis.transaction((get(), get())).await.unwrap();
    script.then([Step::Answer(200, r#"[{"result":"1"}]"#)]);
    let _ = redis.pipeline(vec![get()]).await.unwrap();
    script.then([ONE]);
    redis.script_flush().await.unwrap();
    let two = [("db.operation.batch.size", "2")];
    assert_eq!(
        collector.fields(),
        [
            fields("PIPELINE", &two),
            fields("PIPELINE GET", &two),
            fields("MULTI", &two),
            fields("MULTI GET", &two),
            fields("GET", &[]),
            fields("SCRIPT FLUSH", &[]),
        ]
    );
}

#[tokio::test]
async fn auto_pipelined_commands_share_a_span() {
    let (collector, _guard) = Collector::listen();
    let script = Play::default();
    script.then([Step::Answer(
        200,
        r#"[{"result":"1"},{"error":"WRONGTYPE no"}]"#,
    )]);
    let redis = script.client(|builder| builder.auto_pipelining(true));
    let get = |key: &str| redis.get::<String>(key).into_future();
    let (first, second) = futures_util::future::join(get("a"), get("b")).await;
    first.unwrap();
    second.unwrap_err();
    // An error inside the answer is that of its command.
    let size = [("db.operation.batch.size", "2")];
    assert_eq!(collector.fields(), [fields("PIPELINE GET", &size)]);
}

#[tokio::test]
async fn every_attempt_has_a_span_of_its_own() {
    let (collector, _guard) = Collector::listen();
    let (redis, _) = Play::redis([Step::Answer(429, "<html>"), Step::Connect, ONE]);
    redis.incr("k").await.unwrap();
    assert_eq!(
        collector.fields(),
        [
            fields(
                "INCR",
                &[
                    ("otel.status_code", "ERROR"),
                    ("error.type", "429"),
                    ("http.response.status_code", "429"),
                ]
            ),
            fields(
                "INCR",
                &[
                    ("otel.status_code", "ERROR"),
                    ("error.type", "connect"),
                    ("http.request.resend_count", "1"),
                ]
            ),
            fields("INCR", &[("http.request.resend_count", "2")]),
        ]
    );
    assert_eq!(collector.order(), [1, -1, 2, -2, 3, -3]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_has_its_type_and_redis_its_word() {
    for (step, expected) in [
        (
            Step::Answer(400, r#"{"error":"WRONGTYPE Operation against a key"}"#),
            &[
                ("error.type", "WRONGTYPE"),
                ("db.response.status_code", "WRONGTYPE"),
                ("http.response.status_code", "400"),
            ][..],
        ),
        (Step::Tls, &[("error.type", "tls")]),
        (Step::Setup, &[("error.type", "config")]),
        (Step::Interrupted, &[("error.type", "interrupted")]),
        (Step::Never, &[("error.type", "timeout")]),
        (
            Step::NeverBody,
            &[
                ("error.type", "timeout"),
                ("http.response.status_code", "200"),
            ],
        ),
        (
            Step::Answer(200, "{}"),
            &[
                ("error.type", "decode"),
                ("http.response.status_code", "200"),
            ],
        ),
        (
            Step::Answer(413, ""),
            &[
                ("error.type", "too-large"),
                ("http.response.status_code", "413"),
            ],
        ),
    ] {
        let (collector, _guard) = Collector::listen();
        let (redis, _) = Play::redis([step]);
        redis.incr("k").retry(Retry::never()).await.unwrap_err();
        let mut expected = fields("INCR", expected);
        expected.insert("otel.status_code", "ERROR".into());
        assert_eq!(collector.fields(), [expected]);
        assert_eq!(collector.order(), [1, -1]);
    }
}

#[tokio::test]
async fn a_span_is_open_until_its_request_ends_or_is_given_up() {
    for step in [Step::Never, Step::NeverBody] {
        let (collector, _guard) = Collector::listen();
        let (redis, _) = Play::redis([step]);
        let mut call = redis.incr("k").into_future();
        assert!(collector.order().is_empty());
        assert!(poll!(&mut call).is_pending());
        assert_eq!(collector.order(), [1]);
        // It is entered only while it is polled.
        assert!(collector.0.lock().unwrap().stack.is_empty());
        let entered = collector.entered(0);
        assert!(poll!(&mut call).is_pending());
        assert_eq!(collector.entered(0), entered + 1);
        drop(call);
        assert_eq!(collector.order(), [1, -1]);
        assert_eq!(collector.fields(), [fields("INCR", &[])]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_before_a_repetition_is_in_no_span() {
    let (collector, _guard) = Collector::listen();
    let script = Play::default();
    script.then([Step::Connect]);
    let wait = Duration::from_secs(1);
    let redis = script.client(|builder| builder.retry(Retry::times(1).backoff(wait, wait)));
    let mut call = redis.incr("k").into_future();
    assert!(poll!(&mut call).is_pending());
    assert_eq!(collector.order(), [1, -1]);
    drop(call);
    assert_eq!(collector.order(), [1, -1]);
}

#[tokio::test]
async fn the_parent_is_the_span_around_the_call() {
    let (collector, _guard) = Collector::listen();
    let (redis, _) = Play::redis([Step::Connect, ONE]);
    let around = tracing::info_span!("around");
    redis
        .incr("k")
        .into_future()
        .instrument(around)
        .await
        .unwrap();
    let parents = collector.0.lock().unwrap();
    let parents: Vec<_> = parents.spans.iter().map(|span| span.parent).collect();
    assert_eq!(parents, [None, Some(1), Some(1)]);
}

#[tokio::test]
async fn no_span_holds_a_secret() {
    let (collector, _guard) = Collector::listen();
    let script = Play::default();
    let redis = script.client(|builder| {
        builder
            .url("https://mock.example/secret")
            .token("secret")
            .retry(Retry::times(1).backoff(Duration::ZERO, Duration::ZERO))
    });
    let ok = || Step::Answer(200, r#"{"result":"secret"}"#);
    let both = || Step::Answer(200, r#"[{"result":"secret"},{"error":"ERR bad 'secret'"}]"#);
    script.then([
        ok(),
        Step::Answer(503, "secret"),
        Step::Answer(400, r#"{"error":"ERR no such 'secret'"}"#),
        both(),
        both(),
        ok(),
        ok(),
        Step::Interrupted,
    ]);
    redis.get::<String>("secret").await.unwrap();
    redis.set("secret", "secret").await.unwrap_err();
    let commands = || (redis.set("secret", "secret"), redis.get::<String>("secret"));
    let _ = redis.pipeline(commands()).await.unwrap();
    redis.transaction(commands()).await.unwrap_err();
    redis.set("secret", &b"secret\xff"[..]).await.unwrap();
    let any = redis.command("secret!").arg("secret");
    any.query::<String>().await.unwrap();
    redis.incr("secret").await.unwrap_err();
    let collected = collector.0.lock().unwrap();
    assert_eq!(collected.spans.len(), 8);
    for span in &collected.spans {
        let shown = format!("{:?} {:?}", span.metadata, span.fields);
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn nothing_is_made_where_nobody_listens() {
    let (redis, _) = Play::redis([ONE]);
    redis.incr("k").await.unwrap();
    assert!(Span::current().is_none());
}
