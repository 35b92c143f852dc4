//! Work on a graphics processor, for the consumers: spectra of many traces, spectra of epochs, and box searches of light curves.
//!
//! A caller finds a [`Device`] or learns why there is none ([`GpuError`]), uploads once, runs, and gets back results only. Numbers are
//! of single precision on a device, so what ran is part of every result ([`Ran`]). Nothing here knows a consumer's files or commands.
//!
//! The crate is light without its feature `wgpu`: [`Device::find`] then says that the program was built without devices, and everything
//! else compiles as it is. No consumer needs a `cfg` of its own.

mod boxes;
mod choice;
mod device;
mod driver;
mod error;
mod settings;
#[cfg(all(test, feature = "wgpu"))]
mod test_device;

pub use boxes::{BOX_TOLERANCE, BoxBatch, BoxFound, BoxObjective, BoxShape, FoundBox};
pub use choice::{DeviceChoice, Ran, UnknownDevice};
pub use device::Device;
pub use error::GpuError;
pub use settings::{Backend, DeviceSettings};
