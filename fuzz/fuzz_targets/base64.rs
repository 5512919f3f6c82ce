//! Tries to break the claim `restis::fuzzing::base64`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restis::fuzzing::base64(bytes));
