//! A folder of frames becomes one array of rows.
//!
//! - `frames`, `order`: which files are frames, in which order, and which numbers are missing.
//! - `extract`: frame by frame to rows, and the rows to a file. `partial` keeps the rows of a sample that is not finished.
//! - `array_file`: the NumPy file, written whole or not at all, and read back.
//! - `figures`, `totals`: what is counted of a sample, and of a run.

mod array_file;
mod error;
mod extract;
mod figures;
mod frames;
pub mod memory;
mod order;
mod partial;
mod totals;

pub use array_file::{NotWhole, WholeArray, read_array, read_back, write_array};
pub use error::SampleError;
pub use extract::{Extracted, FrameWarning, SampleFailure, SampleTask, WarningKind, array_path, extract_sample};
pub use figures::{SampleFigures, SampleStatus};
pub use frames::{FrameSet, FrameSlot};
pub use order::natural_order;
pub use partial::unfinished_rows;
pub use totals::RunTotals;
