//! The driver's side: the same types and calls with and without the feature `wgpu`, so that nothing above has a `cfg`.

#[cfg(not(feature = "wgpu"))]
mod absent;
#[cfg(feature = "wgpu")]
mod adapters;
#[cfg(feature = "wgpu")]
mod checked;
#[cfg(feature = "wgpu")]
mod memory;
#[cfg(feature = "wgpu")]
mod present;

#[cfg(not(feature = "wgpu"))]
pub(crate) use absent::{Buffer, Driver, Kernel, Step};
#[cfg(feature = "wgpu")]
pub(crate) use present::{Buffer, Driver, Kernel, Step};
