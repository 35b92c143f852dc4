//! Work on a graphics processor, for the consumers: spectra of many traces, spectra of epochs, and box searches of light curves.
//!
//! A caller finds a [`Device`] or learns why there is none ([`GpuError`]), uploads once, runs, and gets back results only. Numbers are
//! of single precision on a device, so what ran is part of every result ([`Ran`]). Nothing here knows a consumer's files or commands.
//!
//! The crate is light without its feature `wgpu`: [`Device::find`] then says that the program was built without devices, and everything
//! else compiles as it is. No consumer needs a `cfg` of its own.

mod batch;
mod boxes;
mod choice;
mod chosen;
mod device;
mod driver;
mod error;
mod estimate;
mod fft;
mod scaled;
mod settings;
#[cfg(all(test, feature = "wgpu"))]
mod test_device;
mod traces;
mod welch;

pub use boxes::{BOX_TOLERANCE, BoxBatch, BoxFound, BoxObjective, BoxShape, FoundBox};
pub use choice::{DeviceChoice, Ran, UnknownDevice};
pub use chosen::{Chosen, choose};
pub use device::Device;
pub use error::GpuError;
pub use estimate::{PAYS_BELOW, Timed, WORTH_A_DEVICE, Work};
pub use settings::{Backend, DeviceSettings};
pub use traces::{TraceBatch, TraceSummary};
pub use welch::{WelchBatch, WelchShape};

/// Whether the program was built with devices, with the feature `wgpu`: no search for one can succeed otherwise.
pub const IS_BUILT: bool = cfg!(feature = "wgpu");

/// How far a power or a density from a device may lie from that of double precision, as a share of the spectrum's largest value.
pub const SPECTRUM_TOLERANCE: f64 = 1e-4;
