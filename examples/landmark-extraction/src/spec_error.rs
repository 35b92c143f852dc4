//! Constants that do not fit a network, or each other.

/// Why a network cannot be used with the constants that were given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The network takes squares of another size.
    #[error(
        "a network takes squares of {network} pixels, and its constants say {spec}; give the constants of this network"
    )]
    InputSize {
        /// What the network takes.
        network: usize,
        /// What the constants say.
        spec: usize,
    },
    /// The cells of a grid do not cover the input.
    #[error("a grid with a cell each {stride} pixels does not cover {size} pixels; use a stride that divides the size")]
    Stride {
        /// Pixels from cell to cell.
        stride: usize,
        /// Pixels of the input.
        size: usize,
    },
    /// A region asks for a key point that the detector does not give.
    #[error("a region is turned by key point {asked}, and the detector gives {key_points}; count them from 0")]
    KeyPoint {
        /// The one that was asked for, from 0.
        asked: usize,
        /// How many there are.
        key_points: usize,
    },
    /// Each point has too few numbers in the output for what is to be read from it.
    #[error(
        "a landmark has {stride} numbers in the output, and {needed} are read; give the numbers from point to point"
    )]
    PointStride {
        /// Numbers from point to point.
        stride: usize,
        /// Numbers that are read of each.
        needed: usize,
    },
    /// A landmark network has another number of points than a row has room for.
    #[error(
        "a landmark network of the {part} gives {given} points, and a row has {needed}; use a network with {needed}"
    )]
    Points {
        /// `face`, `hand` or `pose`.
        part: &'static str,
        /// Points that it gives.
        given: usize,
        /// Points of a row.
        needed: usize,
    },
    /// A landmark network of hands does not tell the left one from the right one.
    #[error("a landmark network of hands gives no handedness; use one that does")]
    NoHandedness,
}
