//! Tries to break the claim `restis::fuzzing::sse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restis::fuzzing::sse(bytes));
