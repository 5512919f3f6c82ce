//! Tries to break the claim `restis::fuzzing::json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restis::fuzzing::json(bytes));
