//! Doors to the private readers, for the fuzz targets of `fuzz/` alone: compiled only where the fuzzer sets `cfg(fuzzing)`.
//!
//! Promise: each takes any bytes, gives nothing back, and panics where a reader breaks what it promises.

/// Bytes as all that the other end of a worker's connection sends.
#[cfg(all(target_os = "linux", feature = "processes"))]
pub use crate::backend::process::wire::fuzzed::read_frames;
/// Bytes as the rows of a journal whose checksums are right.
#[cfg(feature = "journal")]
pub use crate::persist::journal::read_rows;
