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
//! - [`pipeline`]: these steps in a row, for one kind of thing.
//! - [`extractor`]: all of that for one picture.
//! - [`row`]: the 1662 numbers of a frame.
//! - [`sample`]: a folder of frames becomes one array of rows.
//! - [`cases`]: files that list pictures and networks to run, and what comes out.
//! - [`page`]: a run as one HTML file, with drawn landmarks.
//! - [`made`]: drawn frames whose landmarks are known.

mod bounding_box;
pub mod cases;
pub mod detector;
pub mod extractor;
pub mod landmarker;
pub mod made;
pub mod models;
pub mod network;
mod network_outputs;
pub mod page;
pub mod picture;
pub mod pipeline;
pub mod region;
pub mod row;
pub mod sample;
mod sigmoid;
mod spec_error;

pub use bounding_box::BoundingBox;
pub use spec_error::SpecError;
