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
