//! The command line of sleep-analysis.

fn main() {}
