//! Rate limits in front of a tower service, as axum, tonic and hyper have them.
//!
//! ```
//! use std::time::Duration;
//! use restis::{RateLimiter, Redis, ratelimit::layer::{self, RateLimitLayer}};
//!
//! let redis = Redis::new("https://example.upstash.io", "token")?;
//! let minute = Duration::from_secs(60);
//! let by_ip = RateLimiter::sliding_window(100, minute).prefix("ip").policy("ip").build(&redis);
//! let in_all = RateLimiter::gcra(10_000, minute).prefix("all").policy("all").build(&redis);
//! let layer = RateLimitLayer::new(by_ip, layer::address_in("cf-connecting-ip"))
//!     .and(in_all, |_| Some("all".to_owned()));
//! // Router::new().route("/", get(home)).layer(layer)
//! # let _ = layer;
//! # Ok::<(), restis::Error>(())
//! ```
//!
//! A request that is refused is answered with `application/problem+json`, and does not reach the service. Every answer has the
//! fields `RateLimit` and `RateLimit-Policy`, and a refusal `Retry-After`. The service finds the
//! [`Decisions`] in the request's extensions.
//!
//! Where Redis does not answer and nothing was [chosen](super::RateLimiterBuilder::fail_open) for that, the answer is 503, with
//! the error in its extensions, as an [`Error`].
//!
//! Cost: that of [`RateLimiter::check_all`], one round trip at most; of one limit, that of its check.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header, request::Parts};
use tower_layer::Layer;
use tower_service::Service;

use super::{Decisions, RateLimiter, visitor};
use crate::Error;

/// Whose request it is. Those of whom that is not known share one limit.
type Key = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Whom a request without a key is counted for.
const NOBODY: &str = "-";

/// Lets a request reach a service if all of its limits do. See the [module](self).
#[derive(Clone)]
pub struct RateLimitLayer {
    limits: Arc<[(RateLimiter, Key)]>,
}

/// A service behind limits, made by [`RateLimitLayer`].
#[derive(Clone)]
pub struct RateLimited<S> {
    inner: S,
    limits: Arc<[(RateLimiter, Key)]>,
}

impl RateLimitLayer {
    /// A limit, and whose request it is: `None` where that cannot be seen; all such requests count as one visitor's, so that
    /// nobody comes in by leaving it out.
    pub fn new(
        limiter: RateLimiter,
        key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let limits: [(RateLimiter, Key); 1] = [(limiter, Arc::new(key))];
        Self {
            limits: Arc::new(limits),
        }
    }

    /// One more limit, which is checked in the same request: a call that one refuses is counted by none. It needs a prefix of
    /// its own.
    pub fn and(
        self,
        limiter: RateLimiter,
        key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let mut limits = self.limits.to_vec();
        limits.push((limiter, Arc::new(key)));
        Self {
            limits: limits.into(),
        }
    }
}

/// Requests by the IP address in a field that the proxy in front sets, and that nobody else can: `cf-connecting-ip`,
/// `x-real-ip`, `fly-client-ip`. IPv6 by [network](visitor).
pub fn address_in(field: &'static str) -> impl Fn(&Parts) -> Option<String> + Clone {
    move |parts| {
        let value = parts.headers.get(field)?.to_str().ok()?;
        Some(visitor(value.trim().parse().ok()?))
    }
}

/// Requests by the IP address in `X-Forwarded-For` that the last of so many proxies of one's own has seen: the first address
/// from the right that is not theirs. With one proxy that is the last of the list; what stands left of it says the visitor, and
/// he may say anything.
///
/// ```
/// use restis::ratelimit::layer::forwarded_for;
///
/// # fn main() -> Result<(), http::Error> {
/// let request = http::Request::builder().header("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.1");
/// let (parts, ()) = request.body(())?.into_parts();
/// assert_eq!(forwarded_for(2)(&parts).as_deref(), Some("192.0.2.1"));
/// # Ok(()) }
/// ```
pub fn forwarded_for(proxies: usize) -> impl Fn(&Parts) -> Option<String> + Clone {
    move |parts| {
        let fields = parts.headers.get_all("x-forwarded-for").iter();
        let fields: Option<Vec<&str>> = fields.map(|field| field.to_str().ok()).collect();
        let fields = fields?;
        let mut addresses = fields.iter().rev().flat_map(|field| field.rsplit(','));
        let address = addresses.nth(proxies.max(1) - 1)?;
        Some(visitor(address.trim().parse().ok()?))
    }
}

/// Requests by a field: the key of an API.
pub fn field(field: &'static str) -> impl Fn(&Parts) -> Option<String> + Clone {
    move |parts| Some(parts.headers.get(field)?.to_str().ok()?.to_owned())
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimited<S>;

    fn layer(&self, inner: S) -> RateLimited<S> {
        RateLimited {
            inner,
            limits: Arc::clone(&self.limits),
        }
    }
}

impl<S, In, Out> Service<Request<In>> for RateLimited<S>
where
    S: Service<Request<In>, Response = Response<Out>> + Clone + Send + 'static,
    S::Future: Send,
    In: Send + 'static,
    Out: From<String>,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Out>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        // The one that is ready goes along.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let limits = Arc::clone(&self.limits);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let decisions = match check(&limits, &parts).await {
                Ok(decisions) => decisions,
                Err(error) => return Ok(unavailable(error)),
            };
            if !decisions.allowed() {
                return Ok(refusal(&decisions));
            }
            parts.extensions.insert(decisions.clone());
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            tell(response.headers_mut(), &decisions);
            Ok(response)
        })
    }
}

async fn check(limits: &[(RateLimiter, Key)], parts: &Parts) -> Result<Decisions, Error> {
    let id = |key: &Key| key(parts).unwrap_or_else(|| NOBODY.to_owned());
    match limits {
        [(limiter, key)] => Ok(Decisions(vec![limiter.check(id(key)).await?])),
        limits => {
            let calls: Vec<_> = (limits.iter())
                .map(|(limiter, key)| limiter.call(id(key)))
                .collect();
            RateLimiter::check_all(calls).await
        }
    }
}

/// What is left, in the fields of the IETF's draft.
fn tell(headers: &mut http::HeaderMap, decisions: &Decisions) {
    let fields = [
        (LIMIT, decisions.rate_limit_field()),
        (POLICY, decisions.rate_limit_policy_field()),
        (header::RETRY_AFTER, decisions.retry_after_field()),
    ];
    for (name, value) in fields {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            // A layer inside may have said something too.
            headers.append(name, value);
        }
    }
}

fn refusal<B: From<String>>(decisions: &Decisions) -> Response<B> {
    let mut response = Response::new(B::from(decisions.problem()));
    let status = StatusCode::from_u16(decisions.status());
    *response.status_mut() = status.unwrap_or(StatusCode::TOO_MANY_REQUESTS);
    response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
    tell(response.headers_mut(), decisions);
    response
}

fn unavailable<B: From<String>>(error: Error) -> Response<B> {
    const BODY: &str = r#"{"type":"https://iana.org/assignments/http-problem-types#temporary-reduced-capacity","title":"The service is not available","status":503}"#;
    let mut response = Response::new(B::from(BODY.to_owned()));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM);
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response.extensions_mut().insert(error);
    response
}

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = self.limits.iter().map(|(limiter, _)| limiter);
        f.debug_list().entries(limits).finish()
    }
}

impl<S> fmt::Debug for RateLimited<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = self.limits.iter().map(|(limiter, _)| limiter);
        f.debug_list().entries(limits).finish()
    }
}
