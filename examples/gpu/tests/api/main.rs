//! What devices compute, beside double precision on the cores. Without a device each test says `SKIPPED:` and passes, unless
//! `MANYHANDS_REQUIRE_GPU` is set.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

#[cfg(test)]
#[cfg(feature = "wgpu")]
mod choice;
#[cfg(test)]
#[cfg(feature = "wgpu")]
mod faults;
#[cfg(test)]
#[cfg(feature = "wgpu")]
mod reference;
#[cfg(test)]
#[cfg(feature = "wgpu")]
mod shared;
#[cfg(test)]
#[cfg(feature = "wgpu")]
mod traces;
#[cfg(test)]
#[cfg(feature = "wgpu")]
mod welch;
