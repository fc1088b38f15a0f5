//! A token, and behind it a line with keys.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy::fuzzing::token(data));
