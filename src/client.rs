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
    error::Error,
    outcome::{self, Failure, Ran},
    reply::Reply,
    retry::{Retry, Safety},
    safety,
    transport::{EVENTS, Request, Response, SYNC_TOKEN, Transport, TransportError},
    wire::{json, request::MAX_REQUEST},
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
    sync_token: Option<Mutex<SyncToken>>,
}

/// The last answer's token, and how many answers have set it.
#[derive(Clone, Default)]
struct SyncToken {
    token: Option<Arc<str>>,
    answers: u64,
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

    pub(crate) fn is_batch(&self) -> bool {
        matches!(self.endpoint, Endpoint::Pipeline | Endpoint::MultiExec)
    }

    fn safety(&self) -> Safety {
        match self.options.safety {
            Some(safety) => safety,
            None if self.is_batch() => safety::of_batch(&self.body, &self.marks),
            None => safety::of_command(&self.body),
        }
    }

    /// Whether the words of an error may be those of a script, which has run up to them.
    fn is_script(&self) -> bool {
        let name = self.name().unwrap_or_default();
        matches!(&*name, "EVAL" | "EVALSHA" | "FCALL")
    }

    pub(crate) fn name(&self) -> Option<Cow<'static, str>> {
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

    /// The client's own settings of a call.
    pub(crate) fn options(&self) -> Options {
        Options {
            timeout: Some(self.inner.timeout),
            attempt_timeout: Some(self.inner.attempt_timeout),
            retry: Some(self.inner.retry),
            safety: None,
        }
    }

    /// How long a call may take that sets nothing else.
    pub(crate) fn timeout(&self) -> Duration {
        self.inner.timeout
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Asks once for the stream of events at `path`, whose response's body goes on.
    pub(crate) fn open(&self, path: &str) -> BoxFuture<'_, Result<Response, TransportError>> {
        self.inner.transport.send(Request {
            url: format!("{}{path}", self.inner.base).into(),
            authorization: Arc::clone(&self.inner.authorization),
            content_type: "application/json",
            base64: false,
            sync_token: None,
            events: Some(&EVENTS),
            body: Bytes::from_static(b"[]"),
        })
    }

    /// Sends one call, as often as its retry allows, and reads the envelope of the answer.
    pub(crate) fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(self.inner.send(call))
    }
}

impl Inner {
    async fn send(&self, mut call: Call) -> Result<Answer, Error> {
        if call.body.len() > MAX_REQUEST {
            return Err(Error::too_large(call.body.len(), MAX_REQUEST).with_command(call.name()));
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
        let mut left = timeout;
        let mut maybe_ran = false;
        let mut attempts = 0;
        loop {
            let failure = match self.attempt(&call, &url, left.min(attempt_timeout)).await {
                Ok((body, value)) => {
                    return Ok(Answer {
                        body,
                        value,
                        base64: call.base64,
                        name: call.name.take(),
                        sent: call.body,
                    });
                }
                Err(failure) => failure.of_script(|| call.is_script()),
            };
            let safety = call.safety();
            maybe_ran |= failure.ran == Ran::Maybe;
            let ambiguous = maybe_ran && safety != Safety::Read;
            let safe = !ambiguous || safety != Safety::Write;
            let may = failure.transient && (safe || retry.repeats_ambiguous());
            let wait = retry
                .wait(attempts)
                .map(|wait| failure.retry_after.unwrap_or_default().max(wait));
            attempts += 1;
            // What must not run twice is not begun without the time to hear that it ran.
            let enough = match safety {
                Safety::Write => attempt_timeout.min(Duration::from_millis(250)),
                _ => Duration::ZERO,
            };
            left = timeout.saturating_sub(begun.elapsed());
            match wait.and_then(|wait| Some((wait, left.checked_sub(wait)?))) {
                Some((wait, rest)) if may && rest > enough => {
                    if !wait.is_zero() {
                        clock::sleep(wait).await;
                    }
                    // A timer may be late; then there is no time for another attempt after all.
                    left = timeout.saturating_sub(begun.elapsed());
                    if left > enough {
                        continue;
                    }
                }
                _ => {}
            }
            let error = failure.error.with_command(call.name());
            return Err(error.with_outcome(attempts, ambiguous, failure.transient && safe));
        }
    }

    /// One request, within `limit`.
    async fn attempt(
        &self,
        call: &Call,
        url: &Arc<str>,
        limit: Duration,
    ) -> Result<(Bytes, Range<usize>), Failure> {
        let known = self.sync_token.as_ref().map(|known| lock(known).clone());
        let request = Request {
            url: Arc::clone(url),
            authorization: Arc::clone(&self.authorization),
            content_type: match call.endpoint {
                Endpoint::Path(_) => "application/octet-stream",
                _ => "application/json",
            },
            base64: call.base64,
            sync_token: known.as_ref().and_then(|known| known.token.clone()),
            events: None,
            body: call.body.clone(),
        };
        let begun = Instant::now();
        let mut response = match clock::within(limit, self.transport.send(request)).await {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(Failure::of_transport(error)),
            None => return Err(Failure::late(limit, "the answer had not begun")),
        };
        if let (Some(before), Some(token)) = (known, response.get(SYNC_TOKEN)) {
            self.remember(token, &before, call);
        }
        let body = match response.take_body().whole() {
            Ok(body) => Ok(body),
            Err(coming) => {
                let left = limit.saturating_sub(begun.elapsed());
                match clock::within(left, coming).await {
                    Some(body) => body.map_err(Failure::of_transport),
                    None => Err(Failure::late(limit, "the answer stopped in its middle")),
                }
            }
        };
        let body = body.map_err(|failure| failure.in_body(response.status))?;
        let value = outcome::judge(call, &response, &body)?;
        Ok((body, value))
    }

    /// Keeps the token of an answer for the next request.
    ///
    /// An answer that was on its way while another came is older: the token of a write must stay,
    /// that of a read may be dropped.
    fn remember(&self, token: &str, before: &SyncToken, call: &Call) {
        let Some(known) = &self.sync_token else {
            return;
        };
        let mut known = lock(known);
        let overtaken = known.answers != before.answers;
        if overtaken && call.safety() == Safety::Read {
            return;
        }
        known.answers += 1;
        if known.token.as_deref() != Some(token) {
            known.token = Some(token.into());
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
        let (url, token) = config::lookup(var);
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
        if base.starts_with("https:") && self.transport.is_none() {
            config::tls()?;
        }
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
