//! A folder of frames becomes one array of rows.

mod figures;

pub use figures::{SampleFigures, SampleStatus};
