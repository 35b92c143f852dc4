//! What the library and the command promise, one module per behaviour.
//!
//! `cfg(test)` is always true here; it lets helpers of tests unwrap and print under the lints too.

manyhands::init_in_tests!();

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod command;
#[cfg(test)]
mod device_commands;
#[cfg(test)]
mod device_searches;
#[cfg(test)]
mod fits;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod searches;
