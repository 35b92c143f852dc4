//! Signal processing on slices of numbers: nothing here knows channels, triggers or steps.

mod convolve;
mod correlation;
mod filtfilt;
mod fir;
mod least_mean_squares;
mod least_squares_fir;
mod resample;
mod svd;

pub use convolve::ZeroPhaseFir;
pub(crate) use filtfilt::{forward_backward, too_few_for};
pub(crate) use fir::FirDesign;
pub use fir::{design_fir, design_notch};
pub(crate) use least_mean_squares::predict_by_least_mean_squares;
pub(crate) use least_squares_fir::design_least_squares_highpass;
pub use resample::resample;
pub(crate) use resample::{resample_codes, resampled_len};
