//! What the library and the command promise, one module per behaviour.
//!
//! `cfg(test)` is always true here; where it stands, it tells the lints that helpers of tests may unwrap and print too.

manyhands::init_in_tests!();

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod command;
#[cfg(test)]
mod fits;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod searches;
