//! The settings of a client: [`Builder`].

use std::{fmt, sync::Arc, time::Duration};

use super::{Inner, Redis};
use crate::{
    auto_pipeline::AutoPipeline,
    config,
    error::Error,
    observe::{Hook, Telemetry},
    retry::Retry,
    sync::Mutex,
    transport::Transport,
};

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
    max_response_bytes: usize,
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
            max_response_bytes: 64 * 1024 * 1024,
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

    /// Sets how many bytes the answer to one request may have. Default: 64 MB (67,108,864).
    ///
    /// The client stops reading at the limit, so that a server that never stops sending cannot fill the memory. A call
    /// whose answer is larger fails with [`is_decode`](Error::is_decode), is not repeated, and may have run. Bytes that
    /// arrive compressed count as they are after decompression. One event of a subscription has a limit of its own,
    /// 64 MB.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// How failed requests are repeated. Default: [`Retry::default`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The form of the answers to commands that go out alone; [`Command::response_format`](crate::Command::response_format) sets it for one call.
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
    /// are better off [`alone`](crate::Command::alone). In JavaScript it is on, as programs there are written for it.
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
    pub fn build(mut self) -> Result<Redis, Error> {
        match self.transport.take() {
            Some(transport) => self.over(transport),
            None => {
                let redis = self.over(default_transport())?;
                if redis.inner().is_https() {
                    config::tls()?;
                }
                Ok(redis)
            }
        }
    }

    /// The client over this transport, whatever the builder says of one.
    pub(crate) fn over(self, transport: Box<dyn Transport>) -> Result<Redis, Error> {
        let base = config::url(&self.url, self.plain_http)?;
        let token = config::token(&self.token)?;
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
            max_response_bytes: self.max_response_bytes,
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
            .field("max_response_bytes", &self.max_response_bytes)
            .field("retry", &self.retry)
            .field("resp2", &self.resp2)
            .field("read_your_writes", &self.read_your_writes)
            .field("auto_pipelining", &self.auto_pipelining)
            .finish_non_exhaustive()
    }
}
