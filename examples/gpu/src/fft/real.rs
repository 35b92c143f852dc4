//! Transforms of real items. An even number of samples is read as half as many complex values, which halves the work, and taken apart again
//! where a power is asked for; an odd number has imaginary parts of zero.
//!
//! Source: W. H. Press et al., "Numerical Recipes", section 12.3, "FFT of Single Real Function".

use super::{Transform, Work, plan};
use crate::driver::Buffer;
use crate::{Device, GpuError};

/// WGSL that gives `power(item, bin)`, and `add` and `total` of long sums; it takes bindings 0 to 2: [`RealTransform::shape`], a buffer of
/// the [`Work`], and [`RealTransform::turns`].
pub(crate) const REAL: &str = concat!(include_str!("real.wgsl"), include_str!("../sums.wgsl"));

/// The transform of real items of one length.
#[derive(Debug)]
pub(crate) struct RealTransform {
    transform: Transform,
    len: u32,
    is_packed: bool,
    shape: Buffer,
    turns: Buffer,
}

impl RealTransform {
    /// For items of `len` samples, at least one.
    pub(crate) fn new(device: &Device, len: u32) -> Result<Self, GpuError> {
        let is_packed = len.is_multiple_of(2);
        let complex_len = if is_packed { len / 2 } else { len };
        let transform = Transform::new(device, complex_len)?;
        let n_turns = if is_packed { complex_len + 1 } else { 1 };
        Ok(Self {
            transform,
            len,
            is_packed,
            shape: device.buffer_with(&[len, complex_len, u32::from(is_packed)])?,
            turns: device.buffer_with(&plan::roots(len, n_turns))?,
        })
    }

    /// The length and how it is laid out, as the kernels read it.
    pub(crate) fn shape(&self) -> &Buffer {
        &self.shape
    }

    /// The roots of unity that take packed transforms apart.
    pub(crate) fn turns(&self) -> &Buffer {
        &self.turns
    }

    /// The bins, from zero up to half the sampling rate.
    pub(crate) fn n_bins(&self) -> u32 {
        self.len / 2 + 1
    }

    /// The bytes that one item takes on the device.
    pub(crate) fn bytes_per_item(&self) -> u64 {
        self.transform.bytes_per_item()
    }

    /// As [`Transform::work`].
    pub(crate) fn work(&self, device: &Device, n_items: u32) -> Result<Work, GpuError> {
        self.transform.work(device, n_items)
    }

    /// Adds the samples of one item to what will be uploaded.
    pub(crate) fn lay_out(&self, samples: impl Iterator<Item = f32>, floats: &mut Vec<f32>) {
        if self.is_packed {
            floats.extend(samples);
        } else {
            floats.extend(samples.flat_map(|sample| [sample, 0.0]));
        }
    }
}
