//! Loops over numbers for the networks' layers, compiled for the processor's widest registers.
//!
//! Promises: the bits of a result depend on the input alone. Leaves to others: which layers there are, and in which order they run.

mod depthwise;
mod gather;
mod pointwise;
mod product;
mod registers;
mod step;

pub(super) use depthwise::Depthwise;
pub(super) use product::{Finish, Weights};
#[cfg(test)]
pub(super) use registers::Medium;
pub(super) use registers::Processor;
pub(super) use step::{Front, Step, Work};
