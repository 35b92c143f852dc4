//! What every reader and writer of values keeps to, whatever the format, and the errors for what goes beyond. Plain data.

use crate::encoding::problem::Problem;

/// A value may have this many elements that take no bytes, in a list or map of them or in many.
pub(super) const MOST_EMPTY: usize = 1 << 20;
/// A value is within this many others at most: structs, tuples, lists, maps, options with a value, and variants.
///
/// Both formats and both directions have the same bound, so a value that can be written can be read.
pub(super) const LEVELS: u16 = 256;

#[cold]
pub(super) fn claims_too_many(claimed: usize, most: usize) -> Problem {
    Problem::new(format!("it claims {claimed} elements, and its bytes hold {most} at most"))
}

#[cold]
pub(super) fn too_deep() -> Problem {
    Problem::new(format!("it is nested deeper than {LEVELS} levels; give long chains as a list"))
}
