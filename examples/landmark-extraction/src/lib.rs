//! Landmarks of faces, hands and bodies, from pictures and from folders of frames.
//!
//! The science knows no threads: `cli` wires it to manyhands.
//!
//! - [`picture`]: a frame's pixels, read from PNG or JPEG, and a square sampled from them.
//! - [`network`]: a neural network that maps such a square to numbers.
//! - [`models`]: which networks there are: those of files, checked by hash, and those that the program carries.
//! - [`detector`]: where faces, palms and people are.
//! - [`region`]: the square around one, turned upright.
//! - [`landmarker`]: the points in it, back in the picture.
//! - [`extractor`]: all of that for one picture.
//! - [`row`]: the 1662 numbers of a frame.
//! - [`sample`]: a folder of frames becomes one array of rows.
//! - [`made`]: drawn frames whose landmarks are known.

pub mod detector;
pub mod extractor;
pub mod landmarker;
pub mod made;
pub mod models;
pub mod network;
pub mod picture;
pub mod region;
pub mod row;
pub mod sample;
