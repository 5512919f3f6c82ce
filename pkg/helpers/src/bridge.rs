//! What all helpers need of JavaScript: options, values, callbacks and errors.

use std::{error::Error as StdError, fmt, pin::Pin, time::Duration};

use fragile::Fragile;
use js_sys::{Array, Function, Object, Promise, Reflect};
use restis::{Error, lock::Lost};
use serde_json::value::RawValue;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};

/// A value as the text of its JSON.
pub(crate) type Json = Box<RawValue>;

/// The JSON that JavaScript wrote.
pub(crate) fn json(text: String) -> Result<Json, JsValue> {
    RawValue::from_string(text)
        .map_err(|_| js_sys::TypeError::new("a value has no JSON form").into())
}

/// An object of options, which JavaScript has checked.
pub(crate) struct Options<'a>(pub(crate) &'a JsValue);

impl Options<'_> {
    pub(crate) fn get(&self, name: &str) -> Option<JsValue> {
        let value = Reflect::get(self.0, &name.into()).ok()?;
        (!value.is_undefined() && !value.is_null()).then_some(value)
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    pub(crate) fn integer(&self, name: &str) -> Option<u64> {
        self.number(name).map(|number| number as u64)
    }

    /// Of a number of milliseconds.
    pub(crate) fn time(&self, name: &str) -> Option<Duration> {
        self.number(name).map(duration)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.as_string()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.get(name).map(texts).unwrap_or_default()
    }
}

/// Milliseconds as JavaScript counts them. A fraction is a whole one, so that none becomes zero; `Infinity` is the longest, which the
/// crate clamps.
pub(crate) fn duration(millis: f64) -> Duration {
    Duration::from_millis(millis.ceil() as u64)
}

/// The texts of an array.
pub(crate) fn texts(array: impl Into<JsValue>) -> Vec<String> {
    let array: Array = array.into().unchecked_into();
    array.iter().filter_map(|text| text.as_string()).collect()
}

/// A plain object.
pub(crate) fn object<const N: usize>(members: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        // A plain object takes any member.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// A value, or null.
pub(crate) fn or_null<T: Into<JsValue>>(value: Option<T>) -> JsValue {
    value.map_or(JsValue::NULL, Into::into)
}

/// What comes of a call that gives nothing.
pub(crate) fn done(result: Result<(), Error>) -> Result<JsValue, JsValue> {
    result.map(|()| JsValue::UNDEFINED).map_err(error)
}

/// Why a lease was lost, if it is known.
pub(crate) fn reason(lost: &Lost) -> JsValue {
    or_null(lost.source().map(ToString::to_string))
}

/// Calls these methods of a builder for the options that are there, which are read as the kind before them.
macro_rules! told {
    ($builder:ident, $options:expr, $($kind:ident { $($name:literal => $method:ident),* $(,)? })*) => {
        $($(if let Some(value) = $options.$kind($name) {
            $builder = $builder.$method(value);
        })*)*
    };
}
pub(crate) use told;

/// Milliseconds, as JavaScript counts them.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_millis() as f64
}

/// A promise of what a future comes to. All are of one kind for the compiler, which writes what drives them once.
pub(crate) fn promise<T: Into<JsValue>>(
    future: impl Future<Output = Result<T, JsValue>> + 'static,
) -> Promise {
    let boxed: Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>> =
        Box::pin(async move { future.await.map(Into::into) });
    future_to_promise(boxed)
}

/// What a callback comes to, a promise or not.
pub(crate) async fn call(callback: &Function, argument: &JsValue) -> Result<JsValue, Thrown> {
    let made = callback
        .call1(&JsValue::UNDEFINED, argument)
        .map_err(Thrown::new)?;
    JsFuture::from(Promise::resolve(&made))
        .await
        .map_err(Thrown::new)
}

/// As [`call`], of a callback that gives JSON text.
pub(crate) async fn call_json(callback: &Function, argument: &JsValue) -> Result<Json, Thrown> {
    let text = call(callback, argument)
        .await?
        .as_string()
        .unwrap_or_default();
    json(text).map_err(Thrown::new)
}

/// What a callback threw, on its way through Rust.
pub(crate) struct Thrown(Fragile<JsValue>);

impl Thrown {
    pub(crate) fn new(value: JsValue) -> Self {
        Self(Fragile::new(value))
    }

    pub(crate) fn into_js(self) -> JsValue {
        self.0.into_inner()
    }
}

impl fmt::Debug for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thrown")
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the callback threw")
    }
}

impl StdError for Thrown {}

/// An error of a helper: of a callback what that threw, else what JavaScript makes one of its classes of.
pub(crate) fn error(error: Error) -> JsValue {
    match error
        .source()
        .and_then(|source| source.downcast_ref::<Thrown>())
    {
        Some(thrown) => thrown.0.get().clone(),
        None => restis_wasm_client::to_js(&error),
    }
}
