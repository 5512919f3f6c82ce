//! Randomness of the platform: a number for the jitter of waits.

/// Uniform in `[0, 1)`. Not for secrets.
pub(crate) fn unit() -> f64 {
    #[cfg(not(target_arch = "wasm32"))]
    return fastrand::f64();
    #[cfg(target_arch = "wasm32")]
    return js_sys::Math::random();
}
