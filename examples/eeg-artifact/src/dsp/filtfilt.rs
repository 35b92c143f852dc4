//! filtfilt
