//! The settings of a client about who watches it.

use super::{Hook, RequestReport, Telemetry};
use crate::client::Builder;

impl Builder {
    /// Calls `hook` at the end of every request: with its commands, bytes, latency and outcome. Default: none.
    ///
    /// A request is one attempt, so a call that was repeated reports several, and commands that share a request
    /// report one. A request that was given up is reported too; what was refused before it was sent is not, nor are subscriptions.
    ///
    /// A budget of billed commands:
    ///
    /// ```
    /// # restis_testing::block_on(async {
    /// # let (local, _) = restis_testing::start().await?;
    /// # let (url, token) = (local.url(), local.token());
    /// use std::sync::{Arc, atomic::{AtomicU64, Ordering::Relaxed}};
    /// use restis::Redis;
    ///
    /// let spent = Arc::new(AtomicU64::new(0));
    /// let counted = Arc::clone(&spent);
    /// let redis = Redis::builder()
    ///     .url(url)
    ///     .token(token)
    ///     .on_request(move |report| {
    ///         counted.fetch_add(report.billed_at_most(), Relaxed);
    ///     })
    ///     .build()?;
    ///
    /// redis.set("k", 1).await?;
    /// if spent.load(Relaxed) < 500_000 {
    ///     redis.pipeline((redis.incr("k"), redis.get::<i64>("k"))).await?;
    /// }
    /// assert_eq!(spent.load(Relaxed), 3);
    /// # Ok(()) }).unwrap();
    /// ```
    ///
    /// It runs within the call, before the answer is handed on, so let it be quick. A panic in it is caught, and
    /// changes nothing for the call (on wasm32 it aborts, as any panic does). A second hook takes the place of the first.
    pub fn on_request(mut self, hook: impl Fn(&RequestReport<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Hook::new(hook));
        self
    }

    /// Whether requests tell the service which client they come from. Default: no.
    ///
    /// With it each has the headers `Upstash-Telemetry-Sdk` (this crate and its version),
    /// `Upstash-Telemetry-Platform` (`vercel` or `aws` by their environment variables, else `unknown`) and
    /// `Upstash-Telemetry-Runtime` (`rust@` with architecture and system).
    ///
    /// ```
    /// use restis::{Redis, transport::{Request, Response, TransportError}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), restis::Error> {
    /// let redis = Redis::builder()
    ///     .url("https://mock.example")
    ///     .token("any")
    ///     .telemetry(true)
    ///     .transport(|request: Request| async move {
    ///         let sdk = request.headers().find(|(name, _)| *name == "upstash-telemetry-sdk");
    ///         assert!(sdk.is_some_and(|(_, value)| value.starts_with("restis@v")));
    ///         Ok::<_, TransportError>(Response::new(200, r#"{"result":"PONG"}"#))
    ///     })
    ///     .build()?;
    /// redis.ping().await?;
    /// # Ok(()) }
    /// ```
    pub fn telemetry(mut self, on: bool) -> Self {
        self.telemetry = on.then(Telemetry::new);
        self
    }
}
