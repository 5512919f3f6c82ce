//! Tries to break the claim `restis::fuzzing::cache_entry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restis::fuzzing::cache_entry(bytes));
