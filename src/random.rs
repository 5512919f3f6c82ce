//! Randomness of the platform: a number for the jitter of waits, and names that nobody else has chosen.

/// Uniform in `[0, 1)`. Not for secrets.
pub(crate) fn unit() -> f64 {
    #[cfg(not(target_arch = "wasm32"))]
    return fastrand::f64();
    #[cfg(target_arch = "wasm32")]
    return js_sys::Math::random();
}

/// 16 characters of 6 random bits each: no two are the same, and they can be guessed: not for secrets.
#[cfg(any(
    feature = "cache",
    feature = "lock",
    feature = "queue",
    feature = "sessions"
))]
pub(crate) fn name() -> String {
    const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";
    let digit = || {
        let index = (unit() * 64.0) as usize;
        char::from(DIGITS.get(index).copied().unwrap_or(b'0'))
    };
    (0..16).map(|_| digit()).collect()
}
