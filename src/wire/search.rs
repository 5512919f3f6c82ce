//! Where a byte is: vectorised natively, and on wasm32 byte by byte, which is 300 bytes of gzip less there and as quick for the texts
//! that replies mostly are.

/// Where the first `byte` is.
pub(crate) fn byte(byte: u8, text: &[u8]) -> Option<usize> {
    #[cfg(not(target_arch = "wasm32"))]
    return memchr::memchr(byte, text);
    #[cfg(target_arch = "wasm32")]
    text.iter().position(|&found| found == byte)
}

/// Where the first of two bytes is.
pub(crate) fn either(one: u8, other: u8, text: &[u8]) -> Option<usize> {
    #[cfg(not(target_arch = "wasm32"))]
    return memchr::memchr2(one, other, text);
    #[cfg(target_arch = "wasm32")]
    text.iter()
        .position(|&found| found == one || found == other)
}

/// So many bytes behind a find are better looked at one by one: escapes come in crowds, and natively a search costs more
/// than these.
pub(crate) const NEAR: usize = if cfg!(target_arch = "wasm32") { 0 } else { 8 };
