//! The two things that need a clock: how long something took, and to stop waiting.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use std::time::Duration;

    /// tokio's, so that a test that pauses time pauses all of it.
    pub(crate) use tokio::time::Instant;

    pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use std::time::Duration;

    /// A point in time. Workers stand still between two waits for I/O, which is all we measure.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Instant(f64);

    impl Instant {
        pub(crate) fn now() -> Self {
            Self(js_sys::Date::now())
        }

        pub(crate) fn elapsed(self) -> Duration {
            Duration::from_secs_f64(((js_sys::Date::now() - self.0) / 1000.0).max(0.0))
        }
    }

    pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        // setTimeout takes a signed 32-bit number of milliseconds and fires at once above that.
        let millis = u32::try_from(duration.as_millis())
            .unwrap_or(u32::MAX)
            .min(i32::MAX as u32);
        send_wrapper::SendWrapper::new(gloo_timers::future::TimeoutFuture::new(millis))
    }
}

pub(crate) use platform::{Instant, sleep};

/// What `future` gives, or `None` if it takes longer than `limit`; then it is dropped.
///
/// The timer is only made once the future has to wait.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            timer.set(Some(sleep(limit)));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}
