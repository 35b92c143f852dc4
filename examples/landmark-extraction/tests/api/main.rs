//! What the library and the command promise, one module per behaviour.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

mod golden_tensors;

manyhands::init_in_tests!();

#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_pictures;
#[cfg(test)]
mod made_models;
