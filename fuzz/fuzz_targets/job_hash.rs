//! Tries to break the claim `restis::fuzzing::job_hash`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| restis::fuzzing::job_hash(bytes));
