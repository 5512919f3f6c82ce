//! Locks, semaphores, throttles and debounces.

use std::{cell::RefCell, error::Error as _, rc::Rc, time::Duration};

use js_sys::{Array, Promise};
use restis::{
    Debounce, Lock, Semaphore, Throttle,
    lock::{Attempt, Held, Lost, Permit},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use crate::{
    Client,
    bridge::{Options, error, millis, object, promise, texts},
};

fn said(lost: &Lost) -> JsValue {
    let reason = lost.source().map(ToString::to_string);
    reason.map_or(JsValue::NULL, JsValue::from)
}

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
        if let Some(lease) = options.time("lease") {
            lock = lock.lease(lease);
        }
        if let Some(wait) = options.time("wait") {
            lock = lock.wait(wait);
        }
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
                Attempt::Held(held) => JsHeld::of(held).into(),
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
            Ok(held.map_or(JsValue::UNDEFINED, |held| JsHeld::of(held).into()))
        })
    }

    /// Whether anybody has it.
    #[wasm_bindgen(js_name = isHeld)]
    pub fn is_held(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { this.is_held().await.map_err(error) })
    }
}

#[wasm_bindgen(js_name = Held)]
#[derive(Debug)]
pub struct JsHeld(Rc<RefCell<Option<Held>>>);

impl JsHeld {
    fn of(leased: Held) -> Self {
        Self(Rc::new(RefCell::new(Some(leased))))
    }
}

#[wasm_bindgen(js_class = Held)]
impl JsHeld {
    /// The fencing token.
    pub fn fence(&self) -> Option<f64> {
        let leased = self.0.borrow();
        leased.as_ref()?.fence().map(|fence| fence as f64)
    }

    /// Milliseconds; 0 once it is released.
    #[wasm_bindgen(js_name = validFor)]
    pub fn valid_for(&self) -> f64 {
        let leased = self.0.borrow();
        leased
            .as_ref()
            .map_or(0.0, |leased| millis(leased.valid_for()))
    }

    /// For another lease: whether it was still ours.
    pub fn extend(&self, lease: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let Some(mut leased) = this.take() else {
                return Ok(false);
            };
            let extended = leased.extend(Duration::from_millis(lease as u64)).await;
            *this.borrow_mut() = Some(leased);
            extended.map_err(error)
        })
    }

    /// Whether it was still ours.
    pub fn release(&self) -> Promise {
        let leased = self.0.take();
        promise(async move {
            match leased {
                Some(leased) => leased.release().await.map_err(error),
                None => Ok(false),
            }
        })
    }

    /// Holds it while the work goes on: `{ value }`, or `{ lost }` with the reason.
    pub fn run(&self, work: Promise) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let Some(mut leased) = this.take() else {
                return Ok(object([("lost", JsValue::NULL)]));
            };
            let done = leased.run(JsFuture::from(work)).await;
            *this.borrow_mut() = Some(leased);
            match done {
                Ok(done) => done.map(|value| object([("value", value)])),
                Err(lost) => Ok(object([("lost", said(&lost))])),
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
        if let Some(lease) = options.time("lease") {
            semaphore = semaphore.lease(lease);
        }
        if let Some(wait) = options.time("wait") {
            semaphore = semaphore.wait(wait);
        }
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
            Ok(permit.map_or(JsValue::UNDEFINED, |permit| JsPermit::of(permit).into()))
        })
    }

    /// A permit, or nothing at the end of the wait.
    pub fn acquire(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let permit = this.acquire().await.map_err(error)?;
            Ok(permit.map_or(JsValue::UNDEFINED, |permit| JsPermit::of(permit).into()))
        })
    }
}

#[wasm_bindgen(js_name = Permit)]
#[derive(Debug)]
pub struct JsPermit(Rc<RefCell<Option<Permit>>>);

impl JsPermit {
    fn of(leased: Permit) -> Self {
        Self(Rc::new(RefCell::new(Some(leased))))
    }
}

#[wasm_bindgen(js_class = Permit)]
impl JsPermit {
    /// Milliseconds; 0 once it is released.
    #[wasm_bindgen(js_name = validFor)]
    pub fn valid_for(&self) -> f64 {
        let leased = self.0.borrow();
        leased
            .as_ref()
            .map_or(0.0, |leased| millis(leased.valid_for()))
    }

    /// For another lease: whether it was still ours.
    pub fn extend(&self, lease: f64) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let Some(mut leased) = this.take() else {
                return Ok(false);
            };
            let extended = leased.extend(Duration::from_millis(lease as u64)).await;
            *this.borrow_mut() = Some(leased);
            extended.map_err(error)
        })
    }

    /// Whether it was still ours.
    pub fn release(&self) -> Promise {
        let leased = self.0.take();
        promise(async move {
            match leased {
                Some(leased) => leased.release().await.map_err(error),
                None => Ok(false),
            }
        })
    }

    /// Holds it while the work goes on: `{ value }`, or `{ lost }` with the reason.
    pub fn run(&self, work: Promise) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move {
            let Some(mut leased) = this.take() else {
                return Ok(object([("lost", JsValue::NULL)]));
            };
            let done = leased.run(JsFuture::from(work)).await;
            *this.borrow_mut() = Some(leased);
            match done {
                Ok(done) => done.map(|value| object([("value", value)])),
                Err(lost) => Ok(object([("lost", said(&lost))])),
            }
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
        if let Some(every) = Options(options).time("every") {
            throttle = throttle.every(every);
        }
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
        promise(async move {
            this.reset()
                .await
                .map(|()| JsValue::UNDEFINED)
                .map_err(error)
        })
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
        if let Some(wait) = Options(options).time("wait") {
            debounce = debounce.wait(wait);
        }
        Self(Rc::new(debounce))
    }

    /// Whether nobody came behind.
    #[wasm_bindgen(js_name = isLast)]
    pub fn is_last(&self) -> Promise {
        let this = Rc::clone(&self.0);
        promise(async move { this.is_last().await.map_err(error) })
    }
}
