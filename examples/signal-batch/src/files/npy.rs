//! NPY, the array files of numpy: versions 1 to 3, integers and floats in either byte order, one channel of one or two dimensions.
//!
//! Format: "numpy.lib.format", NumPy Enhancement Proposal 1. The shorter dimension of two counts the channels, and the first one where both
//! are alike.

use super::npy_header::{Header, Number, NumberKind};
use super::{Content, ReadSettings, Refusal, chosen_channel, room_for};

/// The channel that is chosen. Integers beyond 2^53 are rounded.
pub(super) fn read(bytes: &[u8], settings: &ReadSettings) -> Result<Content, Refusal> {
    let (header, data) = Header::split(bytes)?;
    let layout = Layout::of(&header, settings)?;
    let n_values =
        layout.n_values.ok_or_else(|| "claims more values than a machine can hold; export it again".to_owned())?;
    let n_bytes = n_values.checked_mul(header.number.n_bytes);
    if n_bytes != Some(data.len()) {
        let there = data.len();
        let claimed = n_bytes.map_or_else(|| "more than can be".to_owned(), |n_bytes| n_bytes.to_string());
        return Err(format!("has {there} bytes of values where its header claims {claimed}; export it again"));
    }
    let mut samples = room_for(layout.n_samples)?;
    let values = data.chunks_exact(header.number.n_bytes).skip(layout.first).step_by(layout.step);
    samples.extend(values.take(layout.n_samples).map(|value| decoded(value, header.number)));
    Ok(Content { samples, rate_hz: None, unit: None })
}

/// Where the samples of a channel lie among the values.
struct Layout {
    /// None where there are more than can be counted.
    n_values: Option<usize>,
    first: usize,
    step: usize,
    n_samples: usize,
}

impl Layout {
    fn of(header: &Header, settings: &ReadSettings) -> Result<Self, Refusal> {
        let (n_channels, n_samples, channels_first) = match header.shape[..] {
            [n_samples] => (1, n_samples, true),
            [rows, columns] => (rows.min(columns), rows.max(columns), rows <= columns),
            ref shape => return Err(format!("has {} dimensions; save an array of one or two", shape.len())),
        };
        if n_channels == 0 || n_samples == 0 {
            return Err("has no samples; export it again".to_owned());
        }
        let channel = chosen_channel(n_channels, settings)?;
        // Rows follow each other in memory, but columns do in Fortran's order.
        let is_in_a_run = channels_first != header.fortran_order || header.shape.len() == 1;
        let n_values = n_channels.checked_mul(n_samples);
        let (first, step) = if is_in_a_run { (channel.saturating_mul(n_samples), 1) } else { (channel, n_channels) };
        Ok(Self { n_values, first, step, n_samples })
    }
}

fn decoded(value: &[u8], number: Number) -> f64 {
    // The bytes of a value from the least to the most significant one, filled up to eight.
    let mut bytes = [0; 8];
    bytes[..value.len()].copy_from_slice(value);
    if number.is_big_endian {
        bytes[..value.len()].reverse();
    }
    let unused_bits = 64 - 8 * value.len() as u32;
    match number.kind {
        NumberKind::Float if value.len() == 4 => {
            f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        }
        NumberKind::Float => f64::from_le_bytes(bytes),
        NumberKind::Unsigned => u64::from_le_bytes(bytes) as f64,
        // Shifted up and back, so that the sign fills the bits above.
        NumberKind::Signed => ((i64::from_le_bytes(bytes) << unused_bits) >> unused_bits) as f64,
    }
}
