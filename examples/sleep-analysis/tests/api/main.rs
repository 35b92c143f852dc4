//! Behaviour of sleep-analysis, one module per theme.
//!
//! `cfg(test)` is always true here; it lets these modules unwrap and print under the lints.

#[cfg(test)]
mod align;
#[cfg(test)]
mod cli_device;
#[cfg(test)]
mod cli_main;
#[cfg(test)]
mod cli_run;
#[cfg(test)]
mod csv_io;
#[cfg(test)]
mod device;
#[cfg(test)]
mod edf;
#[cfg(test)]
mod edf_hostile;
#[cfg(test)]
mod edf_writer;
#[cfg(test)]
mod eeg;
#[cfg(test)]
mod epoch;
#[cfg(test)]
mod features;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod parallel;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod study;
#[cfg(test)]
#[cfg(unix)]
mod study_resume;
#[cfg(test)]
mod synthetic_night;
#[cfg(test)]
mod ways;

manyhands::init_in_tests!();
