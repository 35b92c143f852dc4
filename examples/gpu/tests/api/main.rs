//! What devices compute, beside double precision on the cores. Without a device each test says `SKIPPED:` and passes, unless
//! `MANYHANDS_REQUIRE_GPU` is set.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

#[cfg(all(test, feature = "wgpu"))]
mod choice;
#[cfg(all(test, feature = "wgpu"))]
mod faults;
#[cfg(all(test, feature = "wgpu"))]
mod reference;
#[cfg(all(test, feature = "wgpu"))]
mod shared;
#[cfg(all(test, feature = "wgpu"))]
mod traces;
#[cfg(all(test, feature = "wgpu"))]
mod welch;
