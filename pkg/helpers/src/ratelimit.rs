//! Rate limits.

use std::rc::Rc;

use js_sys::Promise;
use restis::{
    Error, RateLimiter,
    ratelimit::{Decision, RateLimiterBuilder, Reason},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    Client,
    bridge::{Options, done, duration, error, millis, object, or_null, promise, told},
};

#[wasm_bindgen(js_name = RateLimiter)]
#[derive(Debug)]
pub struct JsRateLimiter(Rc<RateLimiter>);

#[wasm_bindgen(js_class = RateLimiter)]
impl JsRateLimiter {
    /// By the name of its algorithm: a limit and a window, or for a token bucket a rate, an interval and the most tokens.
    #[wasm_bindgen(constructor)]
    pub fn new(
        client: &Client,
        algorithm: &str,
        limit: f64,
        window: f64,
        most: f64,
        options: &JsValue,
    ) -> Self {
        let (limit, window) = (limit as u64, duration(window));
        let builder = match algorithm {
            "fixedWindow" => RateLimiter::fixed_window(limit, window),
            "tokenBucket" => RateLimiter::token_bucket(limit, window, most as u64),
            "gcra" => RateLimiter::gcra(limit, window),
            "strictWindow" => RateLimiter::strict_window(limit, window),
            _ => RateLimiter::sliding_window(limit, window),
        };
        Self(Rc::new(
            with_options(builder, &Options(options)).build(client.redis()),
        ))
    }

    /// Counts a call of this cost.
    pub fn check(&self, id: String, cost: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { decided(this.check_cost(id, cost as u64).await) })
    }

    /// Waits until it may.
    #[wasm_bindgen(js_name = untilReady)]
    pub fn until_ready(&self, id: String, wait: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { decided(this.until_ready(id, duration(wait)).await) })
    }

    /// Counts nothing.
    pub fn peek(&self, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { decided(this.peek(id).await) })
    }

    /// Gives a cost back.
    pub fn refund(&self, id: String, cost: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.refund(id, cost as u64).await) })
    }

    /// Takes a cost, whatever is left.
    pub fn penalty(&self, id: String, cost: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { decided(this.penalty(id, cost as u64).await) })
    }

    /// Refuses it for a time.
    pub fn block(&self, id: String, millis: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.block(id, duration(millis)).await) })
    }

    /// Lets it again.
    pub fn unblock(&self, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.unblock(id).await) })
    }

    /// Another limit for all.
    #[wasm_bindgen(js_name = setDynamicLimit)]
    pub fn set_dynamic_limit(&self, limit: Option<f64>) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let limit = limit.map(|limit| limit as u64);
            done(this.set_dynamic_limit(limit).await)
        })
    }

    /// That limit.
    #[wasm_bindgen(js_name = dynamicLimit)]
    pub fn dynamic_limit(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let limit = this.dynamic_limit().await.map_err(error)?;
            Ok(or_null(limit.map(|limit| limit as f64)))
        })
    }

    /// Forgets what was counted.
    pub fn reset(&self, id: String) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.reset(id).await) })
    }
}

fn with_options(mut builder: RateLimiterBuilder, options: &Options<'_>) -> RateLimiterBuilder {
    told!(builder, options,
        text { "prefix" => prefix }
        flag { "localDeny" => local_deny }
        integer { "lease" => lease }
        time { "failOpen" => fail_open, "failClosed" => fail_closed, "failLocal" => fail_local }
    );
    if let Some(policy) = options.text("policy") {
        builder = builder.policy(&policy);
    }
    if options.flag("dynamic") == Some(true) {
        builder = builder.dynamic();
    }
    if options.flag("blockable") == Some(true) {
        builder = builder.blockable();
    }
    if options.flag("denyList") == Some(true) {
        builder = builder.deny_list();
    }
    let (allow, deny) = (options.texts("allow"), options.texts("deny"));
    if !allow.is_empty() {
        builder = builder.allow(allow);
    }
    if !deny.is_empty() {
        builder = builder.deny(deny);
    }
    builder
}

fn decided(decision: Result<Decision, Error>) -> Result<JsValue, JsValue> {
    decision.map(|decision| plain(&decision)).map_err(error)
}

fn plain(decision: &Decision) -> JsValue {
    let reason = match decision.reason() {
        Reason::Counted => "counted",
        Reason::Known => "known",
        Reason::Leased => "leased",
        Reason::Blocked => "blocked",
        Reason::Allowed => "allowed",
        Reason::Denied => "denied",
        Reason::CountedHere => "countedHere",
        _ => "unavailable",
    };
    object([
        ("policy", decision.policy().into()),
        ("allowed", decision.allowed().into()),
        ("reason", reason.into()),
        ("limit", (decision.limit() as f64).into()),
        ("remaining", (decision.remaining() as f64).into()),
        ("reset", (decision.reset() as f64).into()),
        (
            "retryAt",
            or_null(decision.retry_at().map(|millis| millis as f64)),
        ),
        ("retryAfter", or_null(decision.retry_after().map(millis))),
        ("status", decision.status().into()),
        ("retryAfterField", decision.retry_after_field().into()),
        ("rateLimitField", decision.rate_limit_field().into()),
        (
            "rateLimitPolicyField",
            decision.rate_limit_policy_field().into(),
        ),
        ("problem", decision.problem().into()),
    ])
}
