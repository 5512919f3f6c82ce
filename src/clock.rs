//! What needs a clock: how long something took, to stop waiting, and what time it is.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

#[cfg(not(target_arch = "wasm32"))]
use futures_core::future::BoxFuture;

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use std::time::Duration;

    /// tokio's, so that a test that pauses time pauses all of it.
    pub(crate) use tokio::time::Instant;

    /// This clock moves while code runs.
    #[cfg(feature = "lock")]
    pub(crate) async fn catch_up(_: Instant) {}

    #[cfg(not(all(test, shuttle)))]
    pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }

    /// Where every order of threads is tried, no time passes.
    #[cfg(all(test, shuttle))]
    pub(crate) fn sleep(_: Duration) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    #[cfg(any(
        feature = "cache",
        feature = "lock",
        feature = "queue",
        feature = "ratelimit",
        feature = "sessions"
    ))]
    pub(crate) fn unix_millis() -> u64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use std::{
        cell::Cell,
        pin::Pin,
        rc::Rc,
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use fragile::Fragile;
    use futures_core::future::BoxFuture;
    use wasm_bindgen::{
        JsValue,
        prelude::{Closure, wasm_bindgen},
    };

    #[wasm_bindgen]
    extern "C" {
        // Looked up at each call, so that a test may put its own in their place.
        #[wasm_bindgen(catch, js_name = setTimeout)]
        fn set_timeout(callback: &Closure<dyn FnMut()>, millis: f64) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(catch, js_name = clearTimeout)]
        fn clear_timeout(timer: &JsValue) -> Result<(), JsValue>;
        #[wasm_bindgen(catch, js_namespace = performance, js_name = now)]
        fn performance_now() -> Result<f64, JsValue>;
    }

    /// A point in time, by the clock that nobody sets: `performance.now`, which browsers, Node, Deno, Bun and Workers have.
    ///
    /// The clock of Workers stands still while code runs, and is set when an event arrives: an answer, or a timer. That is
    /// enough for waits. [`catch_up`] is for what has to count computation as well.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Instant(f64);

    impl Instant {
        pub(crate) fn now() -> Self {
            Self(performance_now().unwrap_or_else(|_| js_sys::Date::now()))
        }

        pub(crate) fn elapsed(self) -> Duration {
            // In microseconds. A negative number becomes 0.
            Duration::from_micros(((Self::now().0 - self.0) * 1000.0) as u64)
        }
    }

    /// Lets a clock that has not moved since then catch up, by a timer that fires at once.
    #[cfg(feature = "lock")]
    pub(crate) async fn catch_up(since: Instant) {
        if Instant::now().0 == since.0 {
            sleep(Duration::ZERO).await;
        }
    }

    #[cfg(any(
        feature = "cache",
        feature = "lock",
        feature = "queue",
        feature = "ratelimit",
        feature = "sessions"
    ))]
    pub(crate) fn unix_millis() -> u64 {
        js_sys::Date::now() as u64
    }

    /// The platform's own timer.
    ///
    /// Not by a promise: `JsFuture` holds itself until its promise settles, which one whose timer was cleared never does.
    pub(crate) fn sleep(duration: Duration) -> BoxFuture<'static, ()> {
        let fired = Rc::new(Fired::default());
        let callback = Closure::new({
            let fired = Rc::clone(&fired);
            move || {
                fired.is.set(true);
                if let Some(waker) = fired.waker.take() {
                    waker.wake();
                }
            }
        });
        let mut timer = JsValue::UNDEFINED;
        let millis = super::whole_millis(duration);
        // setTimeout takes a signed 32-bit number of milliseconds and fires at once above that, which is 24 days.
        if millis <= i32::MAX as u64 {
            // Where there is no timer nothing fires, and nobody is cut short.
            timer = set_timeout(&callback, millis as f64).unwrap_or_default();
        }
        Box::pin(Fragile::new(Sleep {
            fired,
            timer,
            _callback: callback,
        }))
    }

    struct Sleep {
        fired: Rc<Fired>,
        timer: JsValue,
        _callback: Closure<dyn FnMut()>,
    }

    #[derive(Default)]
    struct Fired {
        is: Cell<bool>,
        waker: Cell<Option<Waker>>,
    }

    impl Future for Sleep {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if self.fired.is.get() {
                return Poll::Ready(());
            }
            self.fired.waker.set(Some(cx.waker().clone()));
            Poll::Pending
        }
    }

    /// The timer is cleared when nobody waits for it any more, so that it keeps no program alive.
    impl Drop for Sleep {
        fn drop(&mut self) {
            let _ = clear_timeout(&self.timer);
        }
    }
}

#[cfg(feature = "lock")]
pub(crate) use platform::catch_up;
#[cfg(any(
    feature = "cache",
    feature = "lock",
    feature = "queue",
    feature = "ratelimit",
    feature = "sessions"
))]
pub(crate) use platform::unix_millis;
pub(crate) use platform::{Instant, sleep};

/// Lets others that are ready go first.
#[cfg(feature = "cache")]
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The longest duration that a helper uses: 1,000 years. A point in time that far ahead, and twice or a hundred times as far, is
/// still a whole number below 2^53 milliseconds, which scripts and JavaScript need, and a TTL that Redis takes.
#[cfg(any(
    feature = "cache",
    feature = "lock",
    feature = "queue",
    feature = "ratelimit",
    feature = "sessions",
    target_arch = "wasm32"
))]
const LONGEST: Duration = Duration::from_secs(1000 * 366 * 24 * 60 * 60);

/// In whole milliseconds, at most [`LONGEST`]: the one place where a duration becomes a number for a server or a timer.
///
/// Not by `as_millis`, whose 128 bits are code of their own on wasm32.
#[cfg(any(
    feature = "cache",
    feature = "lock",
    feature = "queue",
    feature = "ratelimit",
    feature = "sessions",
    target_arch = "wasm32"
))]
pub(crate) fn whole_millis(duration: Duration) -> u64 {
    let duration = duration.min(LONGEST);
    duration.as_secs() * 1000 + u64::from(duration.subsec_millis())
}

/// In whole seconds, at most [`LONGEST`].
#[cfg(any(feature = "queue", feature = "sessions"))]
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.min(LONGEST).as_secs()
}

/// A timer to keep. On wasm32 the one of [`sleep`] is boxed already, so that all share one kind.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn timer(duration: Duration) -> BoxFuture<'static, ()> {
    Box::pin(sleep(duration))
}

#[cfg(target_arch = "wasm32")]
pub(crate) use sleep as timer;

/// What `future` gives, or `None` if it takes longer than `limit`; then it is dropped.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let timer = pin!(None);
    until(timer, || sleep(limit), future).await
}

/// What `future` gives, or `None` if a timer fires first, which several futures may have in common.
///
/// The timer is only made once one of them has to wait.
pub(crate) async fn until<F: Future, T: Future<Output = ()>>(
    mut timer: Pin<&mut Option<T>>,
    start: impl Fn() -> T,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            timer.set(Some(start()));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}

#[cfg(all(
    test,
    any(
        feature = "cache",
        feature = "lock",
        feature = "queue",
        feature = "ratelimit",
        feature = "sessions"
    )
))]
mod tests {
    use super::*;

    #[test]
    fn durations_are_clamped_to_what_servers_and_scripts_take() {
        assert_eq!(whole_millis(Duration::from_micros(1_999)), 1);
        assert_eq!(whole_millis(Duration::from_millis(86_400_001)), 86_400_001);
        for long in [Duration::MAX, Duration::from_millis(u64::MAX)] {
            let millis = whole_millis(long);
            assert_eq!(Duration::from_millis(millis), LONGEST);
            assert!(unix_millis() + 100 * millis < 1 << 53);
        }
    }
}
