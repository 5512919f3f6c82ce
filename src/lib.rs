//! A Redis client that needs no TCP: it speaks Upstash's REST API, natively and on wasm32.
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use restis::Json;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct User { name: String }
//!
//! // let redis = restis::Redis::from_env()?; by UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN
//! redis.set("user:42", Json(&User { name: "ada".into() })).ex(300).await?;
//! let user: Option<Json<User>> = redis.get("user:42").await?;
//! let won = redis.set("lock", "me").nx().px(5_000).await?; // the option makes the reply a bool
//!
//! let (views, top) = redis.pipeline((
//!     redis.incr("views"),
//!     redis.zrange::<String>("top", 0, 9).rev(),
//! )).await?; // one request; each command keeps its own type and its own error
//! let views: i64 = views?;
//! # assert!(won && user.is_some() && views == 1 && top?.is_empty());
//! # Ok(()) });
//! ```
//!
//! # Overview
//!
//! - [`Redis`] is the client: cheap to clone, made without I/O, from [`from_env`](Redis::from_env),
//!   [`new`](Redis::new) or its [`Builder`]. Make one and keep it.
//! - Every command is a method that gives a [`Command`]. Await it, or put it into
//!   [`pipeline`](Redis::pipeline) or [`transaction`](Redis::transaction). [`commands`] has them by
//!   group, [`Redis::command`] has the rest.
//! - [`ToArg`] is what can be sent, [`FromReply`] what can be asked for. [`Json`] is your own types,
//!   [`Bytes`] is bytes that need not be text; [`ResponseFormat`] is how they travel back. Nil is `Option`.
//! - [`Error`] says what went wrong and what to do, by predicates; [`Error::is_ambiguous`] is the one
//!   to know: the command writes, and may have run.
//! - [`Retry`] repeats failed requests with exponential backoff and full jitter, and never what may
//!   have run, unless running it twice is the same as once ([`Safety`]).
//! - With [`auto_pipelining`](Builder::auto_pipelining) commands that are awaited together leave in one request, in order.
//! - [`Script`] runs Lua by its hash. [`Scan`] reads keys as a stream, [`Redis::xrange_pages`] a long stream.
//! - [`Cache`] keeps what takes long to load: one load for a crowd in all processes, tags, stale answers, write-through.
//! - [`Sessions`] keeps who is logged in: hashed secrets, timeouts, devices, and an end to all of them at once.
//! - [`Lock`] has one holder at a time, among all processes, for as long as its lease is renewed; [`Semaphore`] has some.
//!   [`Throttle`] lets one call through in a while, [`Debounce`] the last of many.
//! - [`RateLimiter`] lets so many calls through in a time, and says when the next one is.
//! - [`Idempotency`] runs work once for each key, and gives its answer again to who asks again.
//! - [`subscribe`](Redis::subscribe), [`psubscribe`](Redis::psubscribe) and [`monitor`](Redis::monitor)
//!   are streams that reconnect and say so.
//! - [`transport`] is where the bytes go: reqwest natively, `fetch` on wasm32, or your own.
//!
//! # Cookbook
//!
//! Atomic transfer, all or nothing:
//!
//! ```
//! # restis_testing::run(async |redis| {
//! let (from, to) = redis.transaction((redis.decrby("from", 5), redis.incrby("to", 5))).await?;
//! # assert_eq!((from, to), (-5, 5));
//! # Ok(()) });
//! ```
//!
//! Bytes in and out, whatever they are:
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use restis::Bytes;
//!
//! redis.set("image", &[0xff, 0xd8, 0xff][..]).ex(60).await?;
//! let image: Option<Bytes> = redis.get("image").await?;
//! assert_eq!(image.as_deref(), Some(&[0xff, 0xd8, 0xff][..]));
//! # Ok(()) });
//! ```
//!
//! What to do when it is not known whether a write ran:
//!
//! ```
//! # restis_testing::run(async |redis| {
//! match redis.incr("orders").await {
//!     Ok(number) => println!("order {number}"),
//!     Err(error) if error.is_ambiguous() => println!("read the counter, then decide: {error}"),
//!     Err(error) if error.is_retryable() => println!("try again later: {error}"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(()) });
//! ```
//!
//! All keys of a pattern, without blocking the server:
//!
//! ```
//! # restis_testing::run(async |redis| {
//! let mut keys = redis.scan().matching("user:*").count(500).stream::<String>();
//! while let Some(key) = keys.next().await {
//!     redis.unlink(key?).await?;
//! }
//! # Ok(()) });
//! ```
//!
//! Messages as they are published; `Gap` says that some may have been missed:
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use restis::Event;
//!
//! let mut news = redis.subscribe::<String>("news").await?;
//! # redis.publish("news", "hello").await?;
//! while let Some(event) = news.next().await {
//!     match event? {
//!         Event::Message(message) => {
//!             println!("{}", message.payload);
//!             break;
//!         }
//!         Event::Gap(gap) => println!("look at the data again: {gap:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) });
//! ```
//!
//! A value that takes long to load, loaded once whoever asks; [`cache`] has the patterns by name:
//!
//! ```
//! # restis_testing::run(async |redis| {
//! use restis::Cache;
//!
//! # async fn load_user(_: u64) -> Result<String, std::io::Error> { Ok("ada".into()) }
//! let users = Cache::new(&redis).namespace("user");
//! let user: String = users.get_or_set(42, || load_user(42)).await?;
//! users.delete(42).await?; // after a change
//! # assert_eq!(user, "ada");
//! # Ok(()) });
//! ```
//!
//! # Limits
//!
//! - What needs a connection is not there: blocking commands, WATCH, SELECT.
//! - A request has at most 10 MB, a larger one is refused before it is sent.
//! - Bytes that are not UTF-8 travel in the body of a request of their own: one such argument a
//!   command, last or followed by one name and value, and not in a batch. What cannot be carried is
//!   refused before it is sent ([`Error::is_argument`]).
//! - Natively a tokio runtime with its timer has to run; nothing is spawned on it.
//!
//! # Crate features
//!
//! - `cache` (default): [`Cache`].
//! - `compress`: large values of the cache are stored compressed, where that pays.
//! - `idempotency` (default): [`Idempotency`].
//! - `lock` (default): [`Lock`], [`Semaphore`], [`Throttle`] and [`Debounce`].
//! - `queue` (default): [`Queue`].
//! - `ratelimit` (default): [`RateLimiter`].
//! - `resp2` (default): answers in RESP2 by choice ([`ResponseFormat`]). Without it such an answer, which nobody
//!   asked for then, counts as cut off.
//! - `sessions` (default): [`Sessions`].
//! - `tower`: `ratelimit::layer`, rate limits in front of a tower service.
//! - `tower-sessions`: a store for tower-sessions 0.15, natively.
//! - `observe` (default): [`Builder::on_request`], a hook that hears of every request, and [`Builder::telemetry`].
//! - `tracing`: a span for every request; see [below](#tracing).
//! - `rustls` (default): TLS by rustls and aws-lc-rs with the system's certificates.
//! - `rustls-no-provider`: TLS by rustls with the crypto provider the application installs.
//! - `native-tls`: TLS by the operating system's library.
//! - `http2`: HTTP/2 where the server offers it.
//!
//! The others are about the native transport; on wasm32 the platform's `fetch` does HTTP and TLS.
//!
//! # Tracing
//!
//! With the feature `tracing` every request, which is one attempt of a call, has a span of the level `INFO` and the
//! target `restis`, from its beginning to the last byte of its answer, or until it is given up. Its fields are those of
//! OpenTelemetry's convention for Redis:
//!
//! | field | value |
//! |---|---|
//! | `db.system.name` | `redis` |
//! | `db.operation.name` | `GET`; for several commands `PIPELINE` or `MULTI`, with the command behind it if all are the same |
//! | `db.operation.batch.size` | how many commands, in a pipeline or transaction of several |
//! | `db.response.status_code` | the first word of Redis's error |
//! | `error.type` | that word, the HTTP status of an answer that is not Redis's, or `timeout`, `connect`, `tls`, `interrupted`, `too-large`, `decode`, `config` |
//! | `server.address`, `server.port` | of the URL |
//! | `http.request.resend_count` | which repetition it is, if it is one |
//! | `http.response.status_code` | that of an answer that is an error |
//! | `otel.kind`, `otel.name`, `otel.status_code` | `client`; the operation; `ERROR` if it failed |
//!
//! Subscriptions have none. No key, value, path or token is in a span. Its parent is the span in which the call was
//! polled first; that of commands that share a request is the span of one of them. An error of one command in a
//! pipeline is that command's and not the request's.

mod args;
mod auto_pipeline;
mod batch;
#[cfg(feature = "cache")]
pub mod cache;
mod client;
mod clock;
mod command;
pub mod commands;
mod config;
mod error;
mod find;
#[cfg(feature = "resp2")]
mod format;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "idempotency")]
pub mod idempotency;
#[cfg(feature = "lock")]
pub mod lock;
#[cfg(any(feature = "cache", feature = "ratelimit"))]
mod name;
mod observe;
mod outcome;
#[cfg(feature = "queue")]
pub mod queue;
mod random;
#[cfg(feature = "ratelimit")]
pub mod ratelimit;
mod reply;
mod retry;
mod safety;
mod scan;
mod script;
#[cfg(feature = "sessions")]
pub mod session;
mod subscribe;
mod sync;
pub mod transport;
#[doc(hidden)]
pub mod unversioned;
mod walk;
mod wire;

pub use args::{ArgWriter, ToArg, ToArgs, ToPairs, Written};
pub use batch::{Batch, BatchFuture, KeepErrors, Pipeline, Transaction};
pub use bytes::Bytes;
#[cfg(feature = "cache")]
pub use cache::Cache;
pub use client::{Builder, Redis};
pub use command::{Any, Command, CommandFuture};
pub use error::Error;
#[cfg(feature = "resp2")]
pub use format::ResponseFormat;
#[cfg(feature = "idempotency")]
pub use idempotency::Idempotency;
#[cfg(feature = "lock")]
pub use lock::{Debounce, Lock, Semaphore, Throttle};
#[cfg(feature = "observe")]
pub use observe::{RequestKind, RequestReport};
#[cfg(feature = "queue")]
pub use queue::Queue;
#[cfg(feature = "ratelimit")]
pub use ratelimit::RateLimiter;
pub use reply::{FromReply, Items, Json, Reply, ReplyKind, Value};
pub use retry::{Retry, Safety};
pub use scan::{Scan, ScanStream};
pub use script::{Invocation, Script};
#[cfg(feature = "sessions")]
pub use session::Sessions;
pub use subscribe::{
    Event, Gap, GapReason, Message, MonitoredCommand, Pushed, Subscribe, Subscription,
};

/// The Rust in the README, run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The Rust in the cookbook, run.
#[cfg(doctest)]
#[doc = include_str!("../docs/cookbook.md")]
struct Cookbook;

/// The Rust in the pages for those who come from another client, compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/migrating.md")]
struct Migrating;
