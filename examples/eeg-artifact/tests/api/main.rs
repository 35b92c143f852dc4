//! What the library and the command promise, one module per behaviour.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

manyhands::init_in_tests!();

#[cfg(test)]
mod aas;
#[cfg(test)]
mod aas_definition;
#[cfg(test)]
mod aas_subsample;
#[cfg(test)]
mod aligner;
#[cfg(test)]
mod anc;
#[cfg(test)]
mod command_clean;
#[cfg(test)]
mod command_demo;
#[cfg(test)]
mod command_run;
#[cfg(test)]
mod crop;
#[cfg(test)]
mod files;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod obs;
#[cfg(test)]
mod pca;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod pipeline;
#[cfg(test)]
mod quality;
#[cfg(test)]
mod resampling;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod same_bytes;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod triggers;
