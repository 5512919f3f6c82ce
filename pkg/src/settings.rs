//! What JavaScript says about a client, read from its own objects.

use std::time::Duration;

use js_sys::Reflect;
use restis::{Redis, Retry, transport::Fetch};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// The settings of a client, already checked for their types.
    #[derive(Debug)]
    pub type Settings;

    #[wasm_bindgen(method, getter)]
    fn url(this: &Settings) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn token(this: &Settings) -> Option<String>;
    /// An object with the environment's variables, in place of URL and token.
    #[wasm_bindgen(method, getter)]
    fn env(this: &Settings) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn timeout(this: &Settings) -> Option<f64>;
    #[wasm_bindgen(method, getter = attemptTimeout)]
    fn attempt_timeout(this: &Settings) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn retry(this: &Settings) -> Option<RetrySettings>;
    #[wasm_bindgen(method, getter = allowPlainHttp)]
    fn allow_plain_http(this: &Settings) -> bool;
    #[wasm_bindgen(method, getter = readYourWrites)]
    fn read_your_writes(this: &Settings) -> bool;
    #[wasm_bindgen(method, getter = enableAutoPipelining)]
    fn enable_auto_pipelining(this: &Settings) -> bool;
    /// An object with a method `fetch`.
    #[wasm_bindgen(method, getter)]
    fn fetch(this: &Settings) -> JsValue;

    /// How a failed request is repeated.
    #[derive(Debug)]
    pub type RetrySettings;

    #[wasm_bindgen(method, getter)]
    fn retries(this: &RetrySettings) -> u32;
    #[wasm_bindgen(method, getter = baseDelay)]
    fn base_delay(this: &RetrySettings) -> f64;
    #[wasm_bindgen(method, getter = maxDelay)]
    fn max_delay(this: &RetrySettings) -> f64;
    #[wasm_bindgen(method, getter = evenIfAmbiguous)]
    fn even_if_ambiguous(this: &RetrySettings) -> bool;
}

impl Settings {
    pub(crate) fn builder(&self) -> restis::Builder {
        let env = self.env();
        let mut builder = if env.is_object() {
            restis::Builder::from_vars(|name| Reflect::get(&env, &name.into()).ok()?.as_string())
        } else {
            Redis::builder()
        };
        if let Some(url) = self.url() {
            builder = builder.url(url);
        }
        if let Some(token) = self.token() {
            builder = builder.token(token);
        }
        if let Some(timeout) = self.timeout() {
            builder = builder.timeout(duration(timeout));
        }
        if let Some(timeout) = self.attempt_timeout() {
            builder = builder.attempt_timeout(duration(timeout));
        }
        if let Some(settings) = self.retry() {
            builder = builder.retry(retry(&settings));
        }
        if self.allow_plain_http() {
            builder = builder.allow_plain_http();
        }
        let fetch = self.fetch();
        if fetch.is_object() {
            builder = builder.transport(Fetch::on(fetch));
        }
        builder
            .read_your_writes(self.read_your_writes())
            .auto_pipelining(self.enable_auto_pipelining())
    }
}

/// A repetition as JavaScript describes it.
fn retry(settings: &RetrySettings) -> Retry {
    let retry = Retry::times(settings.retries()).backoff(
        duration(settings.base_delay()),
        duration(settings.max_delay()),
    );
    if settings.even_if_ambiguous() {
        retry.even_if_ambiguous()
    } else {
        retry
    }
}

/// Milliseconds as JavaScript counts them; `Infinity` is no bound.
fn duration(millis: f64) -> Duration {
    // `as` ends at the bounds of u64, so no number of JavaScript is too large.
    Duration::from_millis(millis as u64)
}
