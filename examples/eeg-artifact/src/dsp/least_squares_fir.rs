//! least_squares_fir
