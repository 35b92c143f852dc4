//! What devices compute, beside double precision on the cores. Without a device each test says `SKIPPED:` and passes, unless
//! `MANYHANDS_REQUIRE_GPU` is set.

#![cfg(feature = "wgpu")]

mod reference;
mod shared;
mod traces;
mod welch;
