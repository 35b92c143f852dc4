//! What the library and the command promise, one module per behaviour.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

manyhands::init_in_tests!();

#[cfg(test)]
mod command;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_cases;
#[cfg(test)]
mod golden_models;
#[cfg(test)]
mod golden_pictures;
#[cfg(test)]
mod golden_samples;
#[cfg(test)]
mod golden_tensors;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod loader;
#[cfg(test)]
mod made_models;
#[cfg(test)]
mod own_cases;
#[cfg(test)]
mod page;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod pipelines;
#[cfg(test)]
mod png_bytes;
#[cfg(test)]
mod program;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod same_bytes;
#[cfg(test)]
mod sampling;
#[cfg(test)]
mod tolerance;
#[cfg(test)]
mod unpack;
