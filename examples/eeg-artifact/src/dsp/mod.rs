//! Signal processing on slices of numbers: nothing here knows channels, triggers or steps.

mod convolve;
mod correlation;
mod filtfilt;
mod fir;
mod least_squares_fir;
mod resample;
mod svd;

pub use convolve::ZeroPhaseFir;
pub(crate) use fir::FirDesign;
pub use fir::{design_fir, design_notch};
pub use resample::resample;
pub(crate) use resample::{resample_codes, resampled_len};
