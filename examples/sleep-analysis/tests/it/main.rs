//! The tests of sleep-analysis as its user sees it, one module per behaviour.

mod align;
mod csv_io;
