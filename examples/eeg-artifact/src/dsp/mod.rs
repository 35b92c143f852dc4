//! Signal processing on slices of numbers: nothing here knows channels, triggers or steps.

mod convolve;
mod correlation;
mod eigen;
mod filtfilt;
mod fir;
mod least_squares_fir;
mod resample;
pub(crate) mod svd;
