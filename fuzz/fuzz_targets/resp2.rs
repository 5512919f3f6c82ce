//! Tries to break the claim `restis::fuzzing::resp2`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restis::fuzzing::resp2(bytes));
