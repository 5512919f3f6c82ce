//! The client: [`Redis`], its [`Builder`], and the one function through which every request goes.

use std::{
    borrow::Cow,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;

use crate::{
    clock::{self, Instant},
    command::{Any, Command, Options},
    config,
    error::{self, Error, Kind},
    reply::Reply,
    retry::{Retry, Safety},
    safety,
    transport::{BodyInner, Request, SYNC_TOKEN, Stage, Transport, TransportError},
    wire::{
        answer::{self, Envelope},
        json,
        request::MAX_REQUEST,
    },
};

/// A client of one database. Cheap to clone; all clones share connections.
///
/// Making one does no I/O, so it can be a global of a Worker or be made before a Lambda's first
/// call. Make one and keep it: natively it holds the open connections.
///
/// ```
/// # restis_testing::run(async |redis| {
/// redis.set("greeting", "hello").ex(60).await?;
/// let greeting: Option<String> = redis.get("greeting").await?;
/// assert_eq!(greeting.as_deref(), Some("hello"));
/// # Ok(()) });
/// ```
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    /// Without a slash at its end.
    base: Arc<str>,
    pipeline: Arc<str>,
    multi_exec: Arc<str>,
    authorization: Arc<str>,
    transport: Box<dyn Transport>,
    timeout: Duration,
    attempt_timeout: Duration,
    retry: Retry,
    sync_token: Option<Mutex<Option<Arc<str>>>>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Command,
    /// The path and query that hold all of the command but its bytes.
    Path(String),
    Pipeline,
    MultiExec,
}

/// One call: what goes out, and what the caller wants of it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) body: Bytes,
    pub(crate) base64: bool,
    pub(crate) options: Options,
    /// The commands of a batch whose class the caller has set.
    pub(crate) marks: Vec<(usize, Safety)>,
    /// The name for errors, where the body does not tell it.
    pub(crate) name: Option<Cow<'static, str>>,
}

impl Call {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let (body, options, marks, name) = (Bytes::new(), Options::default(), Vec::new(), None);
        Self {
            endpoint,
            body,
            base64: false,
            options,
            marks,
            name,
        }
    }

    fn is_batch(&self) -> bool {
        matches!(self.endpoint, Endpoint::Pipeline | Endpoint::MultiExec)
    }

    fn safety(&self) -> Safety {
        match self.options.safety {
            Some(safety) => safety,
            None if self.is_batch() => safety::of_batch(&self.body, &self.marks),
            None => safety::of_command(&self.body),
        }
    }

    fn name(&self) -> Option<Cow<'static, str>> {
        match self.endpoint {
            Endpoint::Pipeline => Some("pipeline".into()),
            Endpoint::MultiExec => Some("transaction".into()),
            Endpoint::Command | Endpoint::Path(_) => self
                .name
                .clone()
                .or_else(|| safety::name_of_command(&self.body)),
        }
    }
}

/// A whole answer whose envelope has been read.
pub(crate) struct Answer {
    body: Bytes,
    /// Where in the body the result is, or the array of a batch.
    value: Range<usize>,
    base64: bool,
    sent: Bytes,
    name: Option<Cow<'static, str>>,
}

impl Answer {
    pub(crate) fn value(&self) -> json::Value<'_> {
        json::Value::found(self.body.get(self.value.clone()).unwrap_or_default())
    }

    pub(crate) fn reply(&self) -> Reply<'_> {
        Reply::new(self.value(), self.base64)
    }

    pub(crate) fn is_base64(&self) -> bool {
        self.base64
    }

    /// The request's body, by which a command of it is named when its reply cannot be read.
    pub(crate) fn sent(&self) -> &[u8] {
        &self.sent
    }

    /// The name of a single command, for errors.
    pub(crate) fn name(&self) -> Option<Cow<'static, str>> {
        self.name
            .clone()
            .or_else(|| safety::name_of_command(&self.sent))
    }

    /// The whole body, as it came.
    pub(crate) fn into_body(self) -> Bytes {
        self.body
    }
}

/// An attempt that failed, and what that says about the command.
struct Failure {
    error: Error,
    executed: Executed,
    /// Another attempt may fare better.
    transient: bool,
    /// The server asked to wait this long.
    retry_after: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Executed {
    No,
    Maybe,
    Yes,
}

impl Failure {
    fn new(error: Error, executed: Executed, transient: bool) -> Self {
        Self {
            error,
            executed,
            transient,
            retry_after: None,
        }
    }
}

impl Redis {
    /// A client of the database at `url`, with its REST token.
    ///
    /// Fails with [`is_config`](Error::is_config) on a URL that is not `https://` (or `http://` to
    /// this machine), and on whitespace or quotes in either.
    ///
    /// ```
    /// let redis = restis::Redis::new("https://eu1-fine-owl-1.upstash.io", "token")?;
    /// # Ok::<_, restis::Error>(())
    /// ```
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Result<Self, Error> {
        Self::builder().url(url).token(token).build()
    }

    /// A client by environment variables: `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`,
    /// else `KV_REST_API_URL` and `KV_REST_API_TOKEN`.
    ///
    /// On wasm32 there is no environment: hand over the Worker's with [`from_vars`](Self::from_vars).
    ///
    /// ```no_run
    /// let redis = restis::Redis::from_env()?;
    /// # Ok::<_, restis::Error>(())
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        Builder::from_env().build()
    }

    /// A client by the same variables as [`from_env`](Self::from_env), looked up with `var`:
    /// `Redis::from_vars(|name| env.var(name).ok().map(|value| value.to_string()))` in a Worker.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        Builder::from_vars(var).build()
    }

    /// A client with settings of your own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Any command by name, for what has no method here.
    ///
    /// ```
    /// # restis_testing::run(async |redis| {
    /// redis.set("k", 1).await?;
    /// let encoding: Option<String> = redis.command("OBJECT").arg("ENCODING").arg("k").query().await?;
    /// assert_eq!(encoding.as_deref(), Some("int"));
    /// # Ok(()) });
    /// ```
    ///
    /// A name that is not known to this crate counts as a write that must not run twice;
    /// [`safety`](Command::safety) says otherwise.
    pub fn command(&self, name: &str) -> Command<'_, (), Any> {
        Command::new(self, name)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Sends one call, as often as its retry allows, and reads the envelope of the answer.
    pub(crate) fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(self.inner.send(call))
    }
}

impl Inner {
    async fn send(&self, mut call: Call) -> Result<Answer, Error> {
        if call.body.len() > MAX_REQUEST {
            let error = Error::new(
                Kind::TooLarge,
                format!(
                    "the request has {} bytes and the server takes {MAX_REQUEST} (10 MB); nothing was sent: split it, \
                     or compress the value",
                    call.body.len()
                ),
            );
            return Err(error.with_command(call.name()));
        }
        let url: Arc<str> = match &call.endpoint {
            Endpoint::Command => Arc::clone(&self.base),
            Endpoint::Pipeline => Arc::clone(&self.pipeline),
            Endpoint::MultiExec => Arc::clone(&self.multi_exec),
            Endpoint::Path(path) => format!("{}{path}", self.base).into(),
        };
        let timeout = call.options.timeout.unwrap_or(self.timeout);
        let attempt_timeout = call.options.attempt_timeout.unwrap_or(self.attempt_timeout);
        let retry = call.options.retry.unwrap_or(self.retry);
        let begun = Instant::now();
        let mut maybe_executed = false;
        let mut attempts = 0;
        loop {
            let left = timeout.saturating_sub(if attempts == 0 {
                Duration::ZERO
            } else {
                begun.elapsed()
            });
            let failure = match self.attempt(&call, &url, left.min(attempt_timeout)).await {
                Ok((body, value)) => {
                    let name = call.name.take();
                    return Ok(Answer {
                        body,
                        value,
                        base64: call.base64,
                        sent: call.body,
                        name,
                    });
                }
                Err(failure) => failure,
            };
            let safety = call.safety();
            maybe_executed |= failure.executed == Executed::Maybe;
            let ambiguous =
                maybe_executed && safety != Safety::Read && failure.executed != Executed::Yes;
            let safe = match failure.executed {
                Executed::No => !ambiguous || safety != Safety::Write,
                Executed::Maybe => safety != Safety::Write,
                Executed::Yes => false,
            };
            let may = safe || (failure.executed != Executed::Yes && retry.repeats_ambiguous());
            let wait = retry
                .wait(attempts)
                .map(|wait| failure.retry_after.map_or(wait, |asked| asked.max(wait)));
            attempts += 1;
            match wait {
                Some(wait) if failure.transient && may && begun.elapsed() + wait < timeout => {
                    if !wait.is_zero() {
                        clock::sleep(wait).await;
                    }
                }
                _ => {
                    let retryable = failure.transient && safe;
                    let error = failure.error.with_command(call.name());
                    return Err(error.with_outcome(attempts, ambiguous, retryable));
                }
            }
        }
    }

    /// One request, within `limit`.
    async fn attempt(
        &self,
        call: &Call,
        url: &Arc<str>,
        limit: Duration,
    ) -> Result<(Bytes, Range<usize>), Failure> {
        let request = Request {
            url: Arc::clone(url),
            authorization: Arc::clone(&self.authorization),
            content_type: match call.endpoint {
                Endpoint::Path(_) => "application/octet-stream",
                _ => "application/json",
            },
            base64: call.base64,
            sync_token: self
                .sync_token
                .as_ref()
                .and_then(|token| lock(token).clone()),
            body: call.body.clone(),
        };
        let begun = Instant::now();
        let late = |waited: &'static str| {
            let message = format!("no whole answer within {}: {waited}", error::show(limit));
            Failure::new(Error::new(Kind::Timeout, message), Executed::Maybe, true)
        };
        let response = match clock::within(limit, self.transport.send(request)).await {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(of_transport(error)),
            None => return Err(late("the answer had not begun")),
        };
        if let (Some(known), Some(token)) = (&self.sync_token, response.get(SYNC_TOKEN)) {
            let mut known = lock(known);
            if known.as_deref() != Some(token) {
                *known = Some(token.into());
            }
        }
        let retry_after = response
            .get("retry-after")
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        let html = response
            .get("content-type")
            .is_some_and(|kind| kind.contains("html"));
        let status = response.status;
        let body = match response.body.0 {
            BodyInner::Whole(body) => Ok(body),
            BodyInner::Coming(body) => {
                match clock::within(limit.saturating_sub(begun.elapsed()), body).await {
                    Some(body) => body.map_err(of_transport),
                    None => Err(late("the answer stopped in its middle")),
                }
            }
        };
        match body {
            Ok(body) => match judge(call.is_batch(), status, html, &body) {
                Ok(value) => Ok((body, value)),
                Err(failure) => Err(Failure {
                    retry_after,
                    ..failure
                }),
            },
            Err(failure) => Err(Failure {
                error: failure.error.with_status(status).in_body(),
                ..failure
            }),
        }
    }
}

/// What a transport's failure says about the command.
fn of_transport(error: TransportError) -> Failure {
    let (kind, executed, transient, message) = match error.stage {
        Stage::Setup => (
            Kind::Config,
            Executed::No,
            false,
            "the HTTP client cannot be used",
        ),
        Stage::Connect => (
            Kind::Connect,
            Executed::No,
            true,
            "no connection to the server; check the URL, and that it is reachable",
        ),
        Stage::Tls => (
            Kind::Tls,
            Executed::No,
            false,
            "the TLS handshake failed; check that the URL's port speaks TLS and that its certificate is trusted here",
        ),
        Stage::Interrupted => (
            Kind::Interrupted,
            Executed::Maybe,
            true,
            "the connection broke before the whole answer was here",
        ),
    };
    // The reason is the innermost cause, and worth the words: "Connection refused" needs no debugger.
    let reason = innermost(&*error.source).to_string();
    Failure::new(
        Error::new(kind, format!("{message} ({reason})")).with_source(Some(error.source)),
        executed,
        transient,
    )
}

fn innermost<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .unwrap_or(error)
}

/// What a whole response is: where its result stands, or what its failure says about the command.
fn judge(batch: bool, status: u16, html: bool, body: &[u8]) -> Result<Range<usize>, Failure> {
    let envelope = answer::envelope(body);
    match (envelope, status) {
        (Envelope::Result(value), 200..=299) if !batch => Ok(value),
        (Envelope::Entries(value), 200..=299) if batch => Ok(value),
        (Envelope::Error(words), _) => {
            let error = Error::server(&words, Some(status));
            let refused = error.is_retryable() || matches!(status, 429 | 503);
            Err(match status {
                _ if refused => Failure::new(error, Executed::No, true),
                // Redis does not speak with these, so something behind it has failed.
                500.. => Failure::new(error, Executed::Maybe, true),
                _ => Failure::new(error, Executed::Yes, false),
            })
        }
        (envelope, 200..=299) => Err(if html || body.trim_ascii_start().starts_with(b"<") {
            let message = "a page came in place of Redis's answer: does the URL lead through a proxy or login?";
            Failure::new(
                Error::new(Kind::Http, message).with_status(status),
                Executed::Maybe,
                true,
            )
        } else if envelope == Envelope::NotJson {
            let message = "the answer is not JSON, or was cut off";
            Failure::new(
                Error::decode(message).with_status(status),
                Executed::Maybe,
                true,
            )
        } else {
            let message = "the answer is JSON, but not an answer of the REST API: check the URL";
            Failure::new(
                Error::decode(message).with_status(status),
                Executed::Maybe,
                false,
            )
        }),
        (_, status) => {
            let (message, executed, transient) = match status {
                429 => ("too many requests", Executed::No, true),
                503 => ("the service is not available now", Executed::No, true),
                408 => (
                    "the server gave up waiting for the request",
                    Executed::No,
                    true,
                ),
                413 => (
                    "the request is larger than the server takes",
                    Executed::No,
                    false,
                ),
                500.. => (
                    "something on the way failed before Redis's answer",
                    Executed::Maybe,
                    true,
                ),
                _ => (
                    "something on the way refused the request",
                    Executed::No,
                    false,
                ),
            };
            let kind = if status == 413 {
                Kind::TooLarge
            } else {
                Kind::Http
            };
            Err(Failure::new(
                Error::new(kind, message).with_status(status),
                executed,
                transient,
            ))
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The guarded value is replaced whole, so a panic elsewhere cannot leave it half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Redis {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("url", &self.inner.base)
            .finish_non_exhaustive()
    }
}

/// The settings of a client. See [`Redis::builder`].
///
/// ```
/// use std::time::Duration;
/// use restis::{Redis, Retry};
///
/// let redis = Redis::builder()
///     .url("https://eu1-fine-owl-1.upstash.io")
///     .token("token")
///     .timeout(Duration::from_secs(5))
///     .retry(Retry::times(5))
///     .build()?;
/// # Ok::<_, restis::Error>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    url: config::Setting,
    token: config::Setting,
    plain_http: bool,
    transport: Option<Box<dyn Transport>>,
    timeout: Duration,
    attempt_timeout: Duration,
    retry: Retry,
    read_your_writes: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            url: config::Setting::missing("url", "Builder::url"),
            token: config::Setting::missing("token", "Builder::token"),
            plain_http: false,
            transport: None,
            timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
            retry: Retry::default(),
            read_your_writes: true,
        }
    }
}

impl Builder {
    /// Settings by environment variables; see [`Redis::from_env`].
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// Settings by variables that `var` looks up; see [`Redis::from_vars`].
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let url = config::Setting::lookup(&var, "UPSTASH_REDIS_REST_URL", "KV_REST_API_URL");
        let token = config::Setting::lookup(&var, "UPSTASH_REDIS_REST_TOKEN", "KV_REST_API_TOKEN");
        Self {
            url,
            token,
            ..Self::default()
        }
    }

    /// The REST URL of the database: `https://…`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = config::Setting::given("url", url);
        self
    }

    /// The REST token of the database.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = config::Setting::given("token", token);
        self
    }

    /// Lets the token travel unencrypted, over `http://` to another machine: for a private network only.
    ///
    /// To this machine (`localhost`, `127.0.0.0/8`, `[::1]`) plain HTTP needs no permission.
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Carries requests by something other than reqwest or `fetch`. See [`transport`](crate::transport).
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Box::new(transport));
        self
    }

    /// At most this long for a call, its repetitions and waits included. Default: 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// At most this long for one request, to the last byte of its answer. Default: 10 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How failed requests are repeated. Default: [`Retry::default`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Whether reads see this client's own earlier writes on a replicated database. Default: yes.
    ///
    /// Costs nothing: the last answer's `upstash-sync-token` goes out with the next request.
    pub fn read_your_writes(mut self, on: bool) -> Self {
        self.read_your_writes = on;
        self
    }

    /// The client, or what is wrong with the settings. Does no I/O.
    pub fn build(self) -> Result<Redis, Error> {
        let base = config::url(&self.url, self.plain_http)?;
        let token = config::token(&self.token)?;
        let transport = self.transport.unwrap_or_else(default_transport);
        let inner = Inner {
            pipeline: format!("{base}/pipeline").into(),
            multi_exec: format!("{base}/multi-exec").into(),
            base: base.into(),
            authorization: format!("Bearer {token}").into(),
            transport,
            timeout: self.timeout,
            attempt_timeout: self.attempt_timeout,
            retry: self.retry,
            sync_token: self.read_your_writes.then(Mutex::default),
        };
        Ok(Redis {
            inner: Arc::new(inner),
        })
    }
}

fn default_transport() -> Box<dyn Transport> {
    #[cfg(not(target_arch = "wasm32"))]
    return Box::new(crate::transport::Native::default());
    #[cfg(target_arch = "wasm32")]
    return Box::new(crate::transport::Fetch::default());
}

impl fmt::Debug for Builder {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("timeout", &self.timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("retry", &self.retry)
            .field("read_your_writes", &self.read_your_writes)
            .finish_non_exhaustive()
    }
}
