//! Fourier transforms of many items of one length on a device: kernels, made once, and the buffers of a batch.
//!
//! A length is a product of small primes, each a pass, or is convolved with a chirp (Bluestein). Numbers are of single precision: an error
//! is about 1e-6 of the root mean square of the transform. Real items go through [`real`].

mod plan;
pub(crate) mod real;

use std::sync::Arc;

use crate::driver::{Buffer, Kernel, Step};
use crate::{Device, GpuError};

const PASSES: &str = include_str!("passes.wgsl");

/// The threads of a workgroup, as the kernels of this crate have them.
pub(crate) const LANES: u32 = 64;

/// The most workgroups that every driver takes in one dimension. Kernels go around for the rest.
pub(crate) const MOST_GROUPS: u32 = 65_535;

/// Everything about one length that does not depend on how many items there are: compiled passes and their tables.
#[derive(Debug)]
pub(crate) struct Transform {
    passes: Vec<Pass>,
    /// Complex values that one item takes in each of the two buffers.
    stride: u32,
}

/// One kernel of a transform.
#[derive(Debug)]
struct Pass {
    kernel: Kernel,
    shape: Buffer,
    table: Arc<Buffer>,
    /// Threads that one item keeps busy.
    threads: u32,
}

/// The two buffers of a batch between which the passes go to and fro, and the passes bound to them.
#[derive(Debug)]
pub(crate) struct Work {
    buffers: [Buffer; 2],
    steps: Vec<(Step, u32)>,
}

impl Transform {
    /// For items of `len` complex values, at least one. Tables take the memory of about two items.
    pub(crate) fn new(device: &Device, len: u32) -> Result<Self, GpuError> {
        let radices = plan::radices(len);
        let stride = if radices.is_some() { len } else { plan::padded_len(len) };
        device.buffer(complex_bytes(stride)).map(|_it_fits| ())?; // a huge length is refused before its tables are computed
        let passes = match radices {
            Some(radices) => direct(device, len, &radices)?,
            None => convolved(device, len, stride)?,
        };
        Ok(Self { passes, stride })
    }

    /// The bytes that one item takes in both buffers.
    pub(crate) fn bytes_per_item(&self) -> u64 {
        2 * complex_bytes(self.stride)
    }

    /// Buffers for so many items, each with the passes.
    pub(crate) fn work(&self, device: &Device, n_items: u32) -> Result<Work, GpuError> {
        let n_bytes = complex_bytes(self.stride).saturating_mul(u64::from(n_items));
        let buffers = [device.buffer(n_bytes)?, device.buffer(n_bytes)?];
        let step = |(idx, pass): (usize, &Pass)| {
            let (source, result) = (&buffers[idx % 2], &buffers[(idx + 1) % 2]);
            let bound = [(0, &pass.shape), (1, source), (2, result), (3, pass.table.as_ref())];
            Ok((device.step(&pass.kernel, &bound)?, groups(pass.threads)))
        };
        let steps = self.passes.iter().enumerate().map(step).collect::<Result<_, GpuError>>()?;
        Ok(Work { buffers, steps })
    }
}

impl Work {
    /// Where the items are put, one after the other.
    pub(crate) fn input(&self) -> &Buffer {
        &self.buffers[0]
    }

    /// Where their transforms are, one after the other.
    pub(crate) fn output(&self) -> &Buffer {
        &self.buffers[self.steps.len() % 2]
    }

    /// What transforms the first `n_items` items, in order.
    pub(crate) fn steps(&self, n_items: u32) -> impl Iterator<Item = (&Step, [u32; 3])> {
        self.steps.iter().map(move |(step, groups)| (step, [*groups, n_items, 1]))
    }
}

/// The workgroups for so many threads.
pub(crate) fn groups(threads: u32) -> u32 {
    threads.div_ceil(LANES).clamp(1, MOST_GROUPS)
}

fn complex_bytes(len: u32) -> u64 {
    8 * u64::from(len)
}

fn direct(device: &Device, len: u32, radices: &[u32]) -> Result<Vec<Pass>, GpuError> {
    let roots = Arc::new(device.buffer_with(&plan::roots(len, len))?);
    let mut span = 1;
    let mut passes = Vec::new();
    for radix in radices {
        let (entry_point, threads) = match radix {
            2 => ("radix2", len / 2),
            3 => ("radix3", len / 3),
            4 => ("radix4", len / 4),
            5 => ("radix5", len / 5),
            _ => ("radix_of_a_prime", len),
        };
        passes.push(pass(device, entry_point, [len, span, *radix, 0], &roots, threads)?);
        span *= radix;
    }
    Ok(passes)
}

fn convolved(device: &Device, len: u32, padded: u32) -> Result<Vec<Pass>, GpuError> {
    let chirp = Arc::new(device.buffer_with(&plan::chirp(len))?);
    let spectrum = Arc::new(device.buffer_with(&plan::chirp_spectrum(len))?);
    let radices = plan::radices(padded).expect("a power of two has radices");
    let shape = [len, 1, 1, padded];
    let mut passes = vec![pass(device, "chirped", shape, &chirp, padded)?];
    passes.extend(direct(device, padded, &radices)?);
    passes.push(pass(device, "multiplied", shape, &spectrum, padded)?);
    passes.extend(direct(device, padded, &radices)?);
    passes.push(pass(device, "unchirped", shape, &chirp, len)?);
    Ok(passes)
}

fn pass(
    device: &Device,
    entry_point: &str,
    shape: [u32; 4],
    table: &Arc<Buffer>,
    threads: u32,
) -> Result<Pass, GpuError> {
    let kernel = device.kernel(PASSES, entry_point)?;
    Ok(Pass { kernel, shape: device.buffer_with(&shape)?, table: Arc::clone(table), threads })
}
