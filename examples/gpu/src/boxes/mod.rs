//! Box searches of a light curve: at each of many periods, the box that fits best.
//!
//! The search is that of box least squares (Kovács, Zucker and Mazeh 2002) as a caller with double precision does it: a light curve is
//! folded into bins, the first bins are written again behind the last whole one, and boxes slide over running sums. A device
//! works with whole numbers: times are 64-bit fixed point, and what is added up is a multiple of a step (`quantised.rs`). So a point
//! falls into the bin into which it falls with double precision, but for points within rounding of an edge; and such a period is
//! [`BoxFound::is_doubtful`]. The result is the same on every device and in every run, but for which of two equally good boxes is named.
//!
//! A caller computes the best periods, and the doubtful ones, again with double precision, and compares the two.

mod batch;
mod quantised;

pub use batch::BoxBatch;

/// How far the sums of a box may be from those with double precision: the objective of a period is that of double precision within
/// this share of the best objective of all periods, unless the period is doubtful.
pub const BOX_TOLERANCE: f64 = 1e-3;

/// A light curve that is ready to be folded, and the boxes to look for.
#[derive(Debug, Clone, Copy)]
pub struct BoxShape<'c> {
    /// Since the first point, days; none below zero.
    pub time: &'c [f64],
    /// Of each point: flux times weight, and weight.
    pub points: &'c [[f64; 2]],
    /// The width of a bin, days.
    pub bin: f64,
    /// The widths of boxes, in bins.
    pub durations: &'c [usize],
    /// How many of the first bins are written again behind the last one.
    pub oversample: usize,
    /// What a box is judged by.
    pub objective: BoxObjective,
}

/// What a box is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoxObjective {
    /// Half of the weight inside times the square of the depth.
    Likelihood,
    /// The depth over its error.
    Snr,
}

/// What a device found at one period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxFound {
    /// The best box; `None` where no box has points inside and outside and is a dip.
    pub best: Option<FoundBox>,
    /// Whether double precision may see the light curve otherwise at this period: a point is within rounding of the edge of a bin, or a
    /// box holds all points.
    pub is_doubtful: bool,
}

/// A box and the sums in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoundBox {
    /// Its first bin.
    pub first: usize,
    /// How many bins it has.
    pub bins: usize,
    /// The sum of flux times weight inside.
    pub sum: f64,
    /// The sum of weights inside.
    pub weight: f64,
}
