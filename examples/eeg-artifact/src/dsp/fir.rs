//! fir
