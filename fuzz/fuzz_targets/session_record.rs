//! Tries to break the claim `restis::fuzzing::session_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restis::fuzzing::session_record(bytes));
