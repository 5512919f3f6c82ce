//! Locks and flags of what threads share: those of std, and in the tests of `cfg(shuttle)` those of shuttle, which
//! tries the orders in which threads can get at them.

use std::sync::PoisonError;

#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicBool};

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic::AtomicBool};

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::thread;
#[cfg(not(any(target_arch = "wasm32", all(test, shuttle))))]
pub(crate) use std::thread;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is done under a lock of ours panics, so no value is left half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the tests of interleavings have in common.
#[cfg(all(test, shuttle))]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(crate) mod orders {
    use std::sync::Arc;

    /// How many orders each test tries, twice.
    const ORDERS: usize = 1_000;

    /// Runs a test in many orders: random ones, and such as change threads seldom.
    pub(crate) fn all(test: impl Fn() + Send + Sync + 'static) {
        let test = Arc::new(test);
        let again = Arc::clone(&test);
        shuttle::check_random(move || test(), ORDERS);
        shuttle::check_pct(move || again(), ORDERS, 3);
    }

    /// Runs this on so many threads, each with its number, and waits for them.
    pub(crate) fn on_threads(count: u64, work: impl Fn(u64) + Send + Sync + 'static) {
        let work = Arc::new(work);
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let work = Arc::clone(&work);
                shuttle::thread::spawn(move || work(number))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
