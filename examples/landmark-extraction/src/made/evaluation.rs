//! Draws frames, looks for their landmarks, and compares.

use super::measure::{MadeError, error};
use super::set::frame;
use crate::extractor::Extractor;
use crate::network::NetworkError;
use crate::row::row;

/// The error of an extractor on the first `samples` samples of a seed, `frames` frames of each, every seventh frame.
///
/// Costs a frame's drawing and extraction each, some milliseconds.
///
/// # Errors
/// A network fails.
///
/// # Panics
/// Never: there is a row for each frame.
pub fn evaluate(extractor: &Extractor, seed: u64, samples: usize, frames: usize) -> Result<MadeError, NetworkError> {
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for sample in 0..samples {
        for index in 0..frames {
            let drawn = frame(seed, sample, 7 * index);
            rows.extend(row(&extractor.frame(&drawn.picture)?, false).0);
            truth.extend(drawn.truth);
        }
    }
    Ok(error(&rows, &truth).expect("a row for each frame"))
}
