//! What the library and the command promise, one module per behaviour.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

manyhands::init_in_tests!();

#[cfg(test)]
#[cfg(test)]
mod command_compare;
mod command_measure;
#[cfg(test)]
mod command_demo;
mod command_measure;
mod command_run;
mod command_tour;
mod command_validate;
mod compare;
#[cfg(test)]
mod files;
#[cfg(test)]
mod golden;
#[cfg(test)]
#[cfg(test)]
mod golden_stats;
mod limits;
mod measure;
#[cfg(test)]
mod pictures;
mod program;
mod regression;
mod report;
mod stats;
mod table;
#[cfg(test)]
mod workload;
