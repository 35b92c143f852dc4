//! Any bytes from the other end of a worker's connection: frames, and the values, failures and calls in them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| manyhands::fuzzed_parts::read_frames(bytes));
