//! Signal processing on slices of numbers: nothing here knows channels, triggers or steps.

mod convolve;
mod correlation;
mod eigen;
mod filtfilt;
mod fir;
mod fractional_delay;
mod least_mean_squares;
mod least_squares_fir;
mod resample;
mod sums;
pub(crate) mod svd;

pub use convolve::ZeroPhaseFir;
pub use correlation::best_lag;
pub use fir::{design_fir, design_notch};
pub use resample::resample;

pub(crate) use correlation::best_offset;
pub(crate) use filtfilt::{forward_backward, too_few_for};
pub(crate) use fir::FirDesign;
pub(crate) use fractional_delay::{HALF_WIDTH, shift_into, slope_into};
pub(crate) use least_mean_squares::predict_by_least_mean_squares;
pub(crate) use least_squares_fir::design_least_squares_highpass;
pub(crate) use resample::{resample_codes, resampled_len};
pub(crate) use sums::{centred_dot, centred_energy, mean};
