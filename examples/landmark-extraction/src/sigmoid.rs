//! The logistic function.

/// From a raw score, any number, to a probability from 0 to 1. NaN stays NaN.
pub(crate) fn sigmoid(raw: f32) -> f32 {
    1.0 / (1.0 + (-raw).exp())
}
