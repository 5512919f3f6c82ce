//! Locks, semaphores, throttles and debounces.

use std::rc::Rc;

use js_sys::{Array, Promise};
use restis::{
    Debounce, Lock, Semaphore, Throttle,
    lock::{Attempt, Held, Permit},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{
    Client,
    bridge::{Options, done, duration, error, millis, object, promise, reason, texts, told},
};

#[wasm_bindgen(js_name = Lock)]
#[derive(Debug)]
pub struct JsLock(Rc<Lock>);

#[wasm_bindgen(js_class = Lock)]
impl JsLock {
    /// Of one or several names.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, names: Array, options: &JsValue) -> Self {
        let (names, options) = (texts(names), Options(options));
        let mut lock = match <[String; 1]>::try_from(names) {
            Ok([name]) => Lock::new(client.redis(), name),
            Err(names) => Lock::all(client.redis(), names),
        };
        told!(lock, options, time { "lease" => lease, "wait" => wait });
        if options.flag("fenced") == Some(true) {
            lock = lock.fenced();
        }
        Self(Rc::new(lock))
    }

    /// The lock, or after how many milliseconds to try again; `undefined` where nobody knows.
    #[wasm_bindgen(js_name = tryAcquire)]
    pub fn try_acquire(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            Ok(match this.try_acquire().await.map_err(error)? {
                Attempt::Held(held) => JsHeld::of(Leased::Lock(held)),
                Attempt::Busy { retry_after, .. } => {
                    retry_after.map_or(JsValue::UNDEFINED, |time| millis(time).into())
                }
                _ => JsValue::UNDEFINED,
            })
        })
    }

    /// The lock, or nothing at the end of the wait.
    pub fn acquire(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let held = this.acquire().await.map_err(error)?;
            Ok(held.map_or(JsValue::UNDEFINED, |held| JsHeld::of(Leased::Lock(held))))
        })
    }

    /// Whether anybody has it.
    #[wasm_bindgen(js_name = isHeld)]
    pub fn is_held(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { this.is_held().await.map_err(error) })
    }
}

/// What is held for a lease.
#[derive(Debug)]
enum Leased {
    Lock(Held),
    Permit(Permit),
}

/// Calls a method that both have.
macro_rules! either {
    ($leased:expr, $held:ident => $call:expr) => {
        match $leased {
            Leased::Lock($held) => $call,
            Leased::Permit($held) => $call,
        }
    };
}

/// A lock or a permit. Its requests are made one after the other, also beside work.
#[wasm_bindgen(js_name = Held)]
#[derive(Debug)]
pub struct JsHeld(Rc<Leased>);

impl JsHeld {
    fn of(leased: Leased) -> JsValue {
        Self(Rc::new(leased)).into()
    }
}

#[wasm_bindgen(js_class = Held)]
impl JsHeld {
    /// The fencing token of a lock.
    pub fn fence(&self) -> Option<f64> {
        match &*self.0 {
            Leased::Lock(held) => held.fence().map(|fence| fence as f64),
            Leased::Permit(_) => None,
        }
    }

    /// Milliseconds; 0 once it is released.
    #[wasm_bindgen(js_name = validFor)]
    pub fn valid_for(&self) -> f64 {
        millis(either!(&*self.0, held => held.valid_for()))
    }

    /// For another lease: whether it is still held.
    pub fn extend(&self, lease: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let lease = duration(lease);
            either!(&*this, held => held.extend(lease).await).map_err(error)
        })
    }

    /// Whether it was still held.
    pub fn release(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { either!(&*this, held => held.release().await).map_err(error) })
    }

    /// Holds it while the work goes on: `{ value }`, or `{ lost }` with the reason.
    pub fn run(&self, work: Promise) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let work = JsFuture::from(work);
            match either!(&*this, held => held.run(work).await) {
                Ok(done) => done.map(|value| object([("value", value)])),
                Err(lost) => Ok(object([("lost", reason(&lost))])),
            }
        })
    }
}

#[wasm_bindgen(js_name = Semaphore)]
#[derive(Debug)]
pub struct JsSemaphore(Rc<Semaphore>);

#[wasm_bindgen(js_class = Semaphore)]
impl JsSemaphore {
    /// So many permits.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, name: String, permits: u32, options: &JsValue) -> Self {
        let options = Options(options);
        let mut semaphore = Semaphore::new(client.redis(), name, permits);
        told!(semaphore, options, time { "lease" => lease, "wait" => wait });
        Self(Rc::new(semaphore))
    }

    /// One for this id alone.
    #[wasm_bindgen(js_name = forEach)]
    pub fn for_each(&self, id: &str) -> Self {
        Self(Rc::new(self.0.for_each(id)))
    }

    /// A permit, or nothing.
    #[wasm_bindgen(js_name = tryAcquire)]
    pub fn try_acquire(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let permit = this.try_acquire().await.map_err(error)?;
            Ok(permit.map_or(JsValue::UNDEFINED, |permit| {
                JsHeld::of(Leased::Permit(permit))
            }))
        })
    }

    /// A permit, or nothing at the end of the wait.
    pub fn acquire(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let permit = this.acquire().await.map_err(error)?;
            Ok(permit.map_or(JsValue::UNDEFINED, |permit| {
                JsHeld::of(Leased::Permit(permit))
            }))
        })
    }
}

#[wasm_bindgen(js_name = Throttle)]
#[derive(Debug)]
pub struct JsThrottle(Rc<Throttle>);

#[wasm_bindgen(js_class = Throttle)]
impl JsThrottle {
    /// Once in so many milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, name: String, options: &JsValue) -> Self {
        let mut throttle = Throttle::new(client.redis(), name);
        told!(throttle, Options(options), time { "every" => every });
        Self(Rc::new(throttle))
    }

    /// Whether it is time.
    pub fn allow(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { this.allow().await.map_err(error) })
    }

    /// The next is the first.
    pub fn reset(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { done(this.reset().await) })
    }
}

#[wasm_bindgen(js_name = Debounce)]
#[derive(Debug)]
pub struct JsDebounce(Rc<Debounce>);

#[wasm_bindgen(js_class = Debounce)]
impl JsDebounce {
    /// So many milliseconds of silence.
    #[wasm_bindgen(constructor)]
    pub fn new(client: &Client, name: String, options: &JsValue) -> Self {
        let mut debounce = Debounce::new(client.redis(), name);
        told!(debounce, Options(options), time { "wait" => wait });
        Self(Rc::new(debounce))
    }

    /// Whether nobody came behind.
    #[wasm_bindgen(js_name = isLast)]
    pub fn is_last(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { this.is_last().await.map_err(error) })
    }
}
