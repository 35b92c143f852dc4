//! The measurements of one trace.

mod metric;

pub use metric::{Measurements, Metric, Unit};
