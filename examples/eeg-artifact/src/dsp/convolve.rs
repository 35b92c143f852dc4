//! convolve
