//! What the library and the command promise, one module per behaviour.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

manyhands::init_in_tests!();

#[cfg(test)]
mod command_aggregate;
#[cfg(test)]
mod command_compare;
#[cfg(test)]
mod command_demo;
#[cfg(test)]
mod command_measure;
#[cfg(test)]
mod command_measure_device;
#[cfg(test)]
mod command_run;
#[cfg(test)]
mod command_tour;
#[cfg(test)]
mod command_validate;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod files;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_stats;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod program;
#[cfg(test)]
mod regression;
#[cfg(test)]
mod report;
#[cfg(test)]
mod stats;
#[cfg(test)]
mod table;
#[cfg(test)]
mod workload;
