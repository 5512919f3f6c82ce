//! The client: [`Redis`], and the one function through which every request goes.

mod builder;
mod exchange;

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_core::future::BoxFuture;

pub use self::builder::Builder;
pub(crate) use self::exchange::{Answer, Call, Endpoint};
use crate::{
    auto_pipeline::AutoPipeline,
    clock::{self, Instant},
    command::{Any, Command, Options},
    error::Error,
    observe::{Hook, Telemetry, Watch},
    outcome::{self, Failure, Ran},
    retry::{Retry, Safety},
    sync::{Mutex, lock},
    transport::{EVENTS, Request, Response, SYNC_TOKEN, Transport, TransportError},
    wire::{
        answer::{Form, Place},
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

pub(crate) struct Inner {
    /// Without a slash at its end.
    base: Arc<str>,
    pipeline: Arc<str>,
    multi_exec: Arc<str>,
    authorization: Arc<str>,
    transport: Box<dyn Transport>,
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) retry: Retry,
    pub(crate) resp2: bool,
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
    #[cfg(feature = "lock")]
    pub(crate) fn retry(&self) -> crate::Retry {
        self.inner.retry
    }

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
            max_response_bytes: self.inner.max_response_bytes,
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
            let safety = call.safety(timeout);
            maybe_ran |= failure.ran == Ran::Maybe;
            let ambiguous = maybe_ran && safety != Safety::Read;
            let safe = !ambiguous || safety != Safety::Write;
            let may =
                failure.transient && (safe || retry.repeats_ambiguous()) && !call.is_given_up();
            let wait = retry
                .wait(attempts)
                .map(|wait| failure.retry_after.unwrap_or_default().max(wait));
            // A transport that cannot be used has sent nothing.
            attempts += u32::from(!failure.error.is_config());
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
                    if left > enough && !call.is_given_up() {
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
            max_response_bytes: self.max_response_bytes,
            body: call.body.clone(),
        };
        // One for both waits: a timer is work, most of all in JavaScript.
        let mut timer = pin!(None);
        let start = || clock::sleep(limit);
        let sent = clock::until(timer.as_mut(), start, self.transport.send(request));
        let mut response = match sent.await {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(Failure::of_transport(error)),
            None => return Err(Failure::late(limit, "the answer had not begun")),
        };
        if let (Some(before), Some(token)) = (known, response.get(SYNC_TOKEN)) {
            self.remember(token, &before, call);
        }
        let body = match response.take_body().whole(self.max_response_bytes) {
            Ok(body) => Ok(body),
            Err(coming) => match clock::until(timer, start, coming).await {
                Some(body) => body,
                None => {
                    let late = Failure::late(limit, "the answer stopped in its middle");
                    return Err(late.in_body(response.status));
                }
            },
        };
        let body = body
            .and_then(|body| match body.len() > self.max_response_bytes {
                true => Err(TransportError::too_large()),
                false => Ok(body),
            })
            .or_else(|error| outcome::without_body(error, &response))?;
        // A byte order mark is not part of JSON, and readers of text leave it out.
        let body = match body.starts_with(b"\xef\xbb\xbf") {
            true => body.slice(3..),
            false => body,
        };
        let place = outcome::judge(call, &response, &body)?;
        Ok((body, place))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.base.starts_with("https:")
    }

    pub(crate) fn sync_token(&self) -> Option<String> {
        let known = lock(self.sync_token.as_ref()?);
        known.token.as_deref().map(str::to_owned)
    }

    /// Takes over what another client has got.
    pub(crate) fn set_sync_token(&self, token: &str) {
        if let Some(known) = &self.sync_token {
            let mut known = lock(known);
            known.answers += 1;
            known.token = Some(token.into());
        }
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
        if overtaken && call.safety(Duration::ZERO) == Safety::Read {
            return;
        }
        known.answers += 1;
        if known.token.as_deref() != Some(token) {
            known.token = Some(token.into());
        }
    }
}

impl fmt::Debug for Redis {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("url", &self.inner.base)
            .finish_non_exhaustive()
    }
}
