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
    auto_pipeline::AutoPipeline,
    clock::{self, Instant},
    command::{Any, Command, Options},
    config,
    error::Error,
    observe::{Hook, Telemetry, Watch},
    outcome::{self, Failure, READS_RESP2, Ran},
    reply::Reply,
    retry::{Retry, Safety},
    safety,
    transport::{EVENTS, Request, Response, SYNC_TOKEN, Transport, TransportError},
    wire::{
        answer::{self, Entry, Form, Place},
        json,
        request::MAX_REQUEST,
        resp2,
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

pub(crate) struct Inner {
    /// Without a slash at its end.
    base: Arc<str>,
    pipeline: Arc<str>,
    multi_exec: Arc<str>,
    authorization: Arc<str>,
    transport: Box<dyn Transport>,
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) retry: Retry,
    resp2: bool,
    sync_token: Option<Mutex<SyncToken>>,
    pub(crate) auto_pipeline: Option<AutoPipeline>,
    hook: Option<Hook>,
    telemetry: Option<Telemetry>,
    #[cfg(feature = "tracing")]
    server: crate::observe::trace::Server,
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
    /// Bytes are asked for: in base64, if not in RESP2.
    pub(crate) base64: bool,
    pub(crate) resp2: bool,
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
            resp2: false,
            options,
            marks,
            name,
        }
    }

    pub(crate) fn is_batch(&self) -> bool {
        matches!(self.endpoint, Endpoint::Pipeline | Endpoint::MultiExec)
    }

    pub(crate) fn safety(&self) -> Safety {
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
    place: Place,
    form: Form,
    sent: Bytes,
    /// The commands of a batch whose class the caller has set.
    marks: Vec<(usize, Safety)>,
    name: Option<Cow<'static, str>>,
}

impl Answer {
    /// Where in the body the entries of a batch are; `None` for a single command.
    pub(crate) fn entries(&self) -> Option<&[Range<usize>]> {
        match &self.place {
            Place::Alone(_) => None,
            Place::Each(places) => Some(places),
        }
    }

    /// The answer of one command of a batch: its entry, and the command as it was sent.
    pub(crate) fn entry(&self, entry: Range<usize>, sent: Bytes) -> Result<Self, Error> {
        let body = self.body.slice(entry);
        let found = if READS_RESP2 && self.form == Form::Resp2 {
            Some(match resp2::Values::found(&body).next() {
                Some(resp2::Value::Error(words)) => Entry::Error(String::from_utf8_lossy(words)),
                _ => Entry::Result(0..body.len()),
            })
        } else {
            answer::entry(json::Value::found(&body)).map(|entry| match entry {
                Entry::Result(value) => Entry::Result(answer::range(&body, value)),
                Entry::Error(words) => Entry::Error(words),
            })
        };
        let name = || safety::name_of_command(&sent);
        let value = match found {
            Some(Entry::Result(value)) => value,
            Some(Entry::Error(words)) => return Err(Error::server(&words, None, name())),
            None => return Err(Error::not_an_entry().with_command(name())),
        };
        Ok(Self {
            body,
            place: Place::Alone(value),
            form: self.form,
            sent,
            marks: Vec::new(),
            name: None,
        })
    }

    /// The reply to a single command.
    pub(crate) fn reply(&self) -> Reply<'_> {
        let place = match &self.place {
            Place::Alone(place) => place.clone(),
            Place::Each(_) => 0..0,
        };
        Reply::found(self.text(place), self.form)
    }

    pub(crate) fn text(&self, place: Range<usize>) -> &[u8] {
        self.body.get(place).unwrap_or_default()
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The request's body, by which a command of it is named when its reply cannot be read.
    pub(crate) fn sent(&self) -> &[u8] {
        &self.sent
    }

    /// The commands of a batch whose class the caller has set.
    pub(crate) fn marks(&self) -> &[(usize, Safety)] {
        &self.marks
    }

    /// The name of the command or of the kind of batch, for errors.
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
            resp2: Some(self.inner.resp2),
            safety: None,
            alone: false,
        }
    }

    /// The form of answers to a call that sets nothing else.
    pub(crate) fn asks_resp2(&self) -> bool {
        self.inner.resp2
    }

    /// How long a call may take that sets nothing else.
    pub(crate) fn timeout(&self) -> Duration {
        self.inner.timeout
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn is_auto_pipelining(&self) -> bool {
        self.inner.auto_pipeline.is_some()
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
            format: None,
            sync_token: None,
            telemetry: self.inner.telemetry.clone(),
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
    /// A request with auto-pipelined commands has ended.
    pub(crate) fn landed(self: &Arc<Self>) {
        if let Some(auto) = &self.auto_pipeline {
            auto.land(self);
        }
    }

    pub(crate) async fn send(&self, mut call: Call) -> Result<Answer, Error> {
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
            let watch = Watch::begin(self.hook.as_ref(), &call, attempts);
            let attempt = self.attempt(&call, &url, left.min(attempt_timeout));
            #[cfg(feature = "tracing")]
            let attempt = crate::observe::trace::traced(&self.server, &call, attempts, attempt);
            let failure = match attempt.await {
                Ok((body, (place, form))) => {
                    watch.answered(body.len());
                    return Ok(Answer {
                        body,
                        place,
                        form,
                        name: match call.is_batch() {
                            true => call.name(),
                            false => call.name.take(),
                        },
                        sent: call.body,
                        marks: call.marks,
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
            let error = || {
                let error = failure.error.clone().with_command(call.name());
                error.with_outcome(attempts, maybe_ran, failure.transient, safety)
            };
            // What must not run twice is not begun without the time to hear that it ran.
            let enough = match safety {
                Safety::Write => attempt_timeout.min(Duration::from_millis(250)),
                _ => Duration::ZERO,
            };
            left = timeout.saturating_sub(begun.elapsed());
            match wait.and_then(|wait| Some((wait, left.checked_sub(wait)?))) {
                Some((wait, rest)) if may && rest > enough => {
                    watch.failed(failure.received, true, error);
                    if !wait.is_zero() {
                        clock::sleep(wait).await;
                    }
                    // A timer may be late; then there is no time for another attempt after all.
                    left = timeout.saturating_sub(begun.elapsed());
                    if left > enough {
                        continue;
                    }
                }
                _ => watch.failed(failure.received, false, error),
            }
            let error = failure.error.with_command(call.name());
            return Err(error.with_outcome(attempts, maybe_ran, failure.transient, safety));
        }
    }

    /// One request, within `limit`.
    async fn attempt(
        &self,
        call: &Call,
        url: &Arc<str>,
        limit: Duration,
    ) -> Result<(Bytes, (Place, Form)), Failure> {
        let known = self.sync_token.as_ref().map(|known| lock(known).clone());
        let request = Request {
            url: Arc::clone(url),
            authorization: Arc::clone(&self.authorization),
            content_type: match call.endpoint {
                Endpoint::Path(_) => "application/octet-stream",
                _ => "application/json",
            },
            format: outcome::format(call),
            sync_token: known.as_ref().and_then(|known| known.token.clone()),
            telemetry: self.telemetry.clone(),
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
        let place = outcome::judge(call, &response, &body)?;
        Ok((body, place))
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

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
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
    resp2: bool,
    read_your_writes: bool,
    auto_pipelining: bool,
    max_in_flight: Option<usize>,
    pub(crate) hook: Option<Hook>,
    pub(crate) telemetry: Option<Telemetry>,
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
            resp2: false,
            read_your_writes: true,
            auto_pipelining: false,
            max_in_flight: None,
            hook: None,
            telemetry: None,
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

    /// The form of the answers to commands that go out alone; [`Command::response_format`] sets it for one call.
    /// Default: JSON.
    #[cfg(feature = "resp2")]
    pub fn response_format(mut self, format: crate::ResponseFormat) -> Self {
        self.resp2 = format == crate::ResponseFormat::Resp2;
        self
    }

    /// Whether reads see this client's own earlier writes on a replicated database. Default: yes.
    ///
    /// Costs nothing: the last answer's `upstash-sync-token` goes out with the next request.
    pub fn read_your_writes(mut self, on: bool) -> Self {
        self.read_your_writes = on;
        self
    }

    /// Whether commands that are polled in the same turn leave in one request. Default: no.
    ///
    /// ```
    /// # restis_testing::run_with(|builder| builder.auto_pipelining(true), async |redis| {
    /// use futures_util::future::{join, join_all};
    ///
    /// let (set, get) = join(
    ///     redis.set("k", "v").into_future(),
    ///     redis.get::<String>("k").into_future(),
    /// ).await; // one request, in which the GET sees the SET
    /// set?;
    /// assert_eq!(get?.as_deref(), Some("v"));
    /// join_all((0..100).map(|n| redis.incrby("sum", n).into_future())).await; // one request, too
    /// # Ok(()) });
    /// ```
    ///
    /// They run in the order in which they were polled first, and each keeps its own type, error, timeout
    /// and cancellation; one that fails touches no other. Nothing waits for company: the request leaves
    /// when the first of them is polled again, which each asks for at once, so a command that is
    /// awaited on its own leaves as it would without this. A request takes 1,000 commands and 10 MB;
    /// of what is more, reads go at the same time, and where something writes, the second request leaves
    /// after the first, so that the order holds.
    ///
    /// A request whose answer is lost is repeated only if all of its commands are safe to repeat. That,
    /// and an answer that comes when the slowest command is done, is why it is off unless asked for:
    /// a service that handles many callers has one of them wait for another. Commands that read much
    /// are better off [`alone`](Command::alone). In JavaScript it is on, as programs there are written for it.
    ///
    /// Cost: a command is billed as it is alone.
    pub fn auto_pipelining(mut self, on: bool) -> Self {
        self.auto_pipelining = on;
        self
    }

    /// At most this many requests of auto-pipelined commands at a time; what comes meanwhile gathers
    /// into the next one. Turns [`auto_pipelining`](Self::auto_pipelining) on. Default: no limit.
    ///
    /// For many tasks that share a client: the busier the server, the larger the batches. The time in
    /// which a command waits for its turn is part of its timeout. With more than one, a turn may also end when
    /// a request that waited may leave; what is polled behind that does not wait for it.
    ///
    /// Not on wasm32, where a Worker's requests would wait for each other's answers, which the platform forbids.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.auto_pipelining = true;
        self.max_in_flight = Some(requests);
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
            #[cfg(feature = "tracing")]
            server: crate::observe::trace::Server::new(&base),
            pipeline: format!("{base}/pipeline").into(),
            multi_exec: format!("{base}/multi-exec").into(),
            base: base.into(),
            authorization: format!("Bearer {token}").into(),
            transport,
            timeout: self.timeout,
            attempt_timeout: self.attempt_timeout,
            retry: self.retry,
            resp2: self.resp2,
            sync_token: self.read_your_writes.then(Mutex::default),
            auto_pipeline: self
                .auto_pipelining
                .then(|| AutoPipeline::new(self.max_in_flight)),
            hook: self.hook,
            telemetry: self.telemetry,
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
            .field("resp2", &self.resp2)
            .field("read_your_writes", &self.read_your_writes)
            .field("auto_pipelining", &self.auto_pipelining)
            .finish_non_exhaustive()
    }
}
