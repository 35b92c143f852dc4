//! Batches of signal captures: measurements of each trace, statistics over all, comparison of batches, limits and regressions.
//!
//! The science uses neither threads nor processes: its functions take one capture, one column or one table. Samples are in the unit of
//! their capture, volts where nothing else is said; times are in seconds, frequencies in hertz. What is not defined, such as the rise
//! time of a constant, is NaN in a number and empty in a table.
//!
//! - [`Capture`]: a trace with its rate, read by [`files`] or made by [`workload`].
//! - [`measure`]: the measurements of one trace.
//! - [`Table`]: measurements of many captures, or any other table of numbers.
//! - [`limits`]: what a metric may be, and which units keep to it.
//! - [`pictures`]: distributions, groups and control charts.
//! - [`regression`]: whether a batch has moved against a baseline.
//! - [`report`]: a page, a terminal table and a summary of a table of measurements.
//! - [`stats`]: description, outliers, aggregation, quality, comparison of two batches, correction for many tests.

mod capture;
mod error;
pub mod files;
pub mod limits;
pub mod measure;
pub mod pictures;
pub mod regression;
pub mod report;
mod shown_number;
pub mod stats;
mod table;
mod wide_registers;
pub mod workload;

pub use capture::Capture;
pub use error::{BatchError, BatchResult};
pub use measure::{Measurements, Metric, Unit};
pub use table::{NumberColumn, Table, TextColumn, number_text, short_number_text};
