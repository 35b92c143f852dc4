//! How much memory a recording needs, before it is read.

use eeg_artifact::{Info, Pipeline};

/// What the program takes beside rows: about as much as was measured with recordings of no size.
const PROGRAM_BYTES: u64 = 16 << 20;

/// The samples at their most, and a row for each worker that processes one and for each copy that is kept beside them.
///
/// A pipeline that cannot run on this recording needs nothing: it is refused by name when it is its turn.
pub(super) fn bytes_in_memory(pipeline: &Pipeline, info: &Info, n_workers: usize, n_copies: usize) -> u64 {
    let samples = pipeline.sample_bytes(info).unwrap_or_default();
    samples.saturating_add(bytes_beside(pipeline, info, n_workers + n_copies))
}

/// So many rows, and the program.
pub(super) fn bytes_beside(pipeline: &Pipeline, info: &Info, n_rows: usize) -> u64 {
    let row = pipeline.sample_bytes(info).unwrap_or_default() / info.channels.len().max(1) as u64;
    row.saturating_mul(n_rows as u64).saturating_add(PROGRAM_BYTES)
}

/// MiB, rounded up.
pub(super) fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
