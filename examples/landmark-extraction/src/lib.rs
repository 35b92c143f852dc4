//! Landmarks of faces, hands and bodies, from pictures and from folders of frames.
//!
//! One picture in, its landmarks out:
//!
//! ```
//! use landmark_extraction::extractor::{ExtractOptions, Extractor};
//! use landmark_extraction::models::{ModelSource, Models};
//! use landmark_extraction::row::{LEFT_HAND, ROW, row};
//!
//! // A drawn frame. A file of your own: `let picture = landmark_extraction::picture::Picture::read("frame.png")?;`
//! let picture = landmark_extraction::made::frame(landmark_extraction::made::SEED, 2, 2).picture;
//! // The small models, which know drawn frames only. For footage: `ModelSource::Folder("models".into())`.
//! let extractor = Extractor::new(Models::load(&ModelSource::Made)?, ExtractOptions::default());
//! let frame = extractor.frame(&picture)?;
//! assert_eq!((frame.faces.len(), frame.hands.len()), (1, 2));
//! let wrist = frame.hands[0].landmarks.points[0]; // x in shares of the picture's width, y of its height
//! assert!((0.0..1.0).contains(&wrist.x) && (0.0..1.0).contains(&wrist.y));
//!
//! let (numbers, figures) = row(&frame, false); // the same as a row of an array
//! assert!(numbers.len() == ROW && figures.has_left_hand && !numbers[LEFT_HAND.start].is_nan());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Loading the files of MediaPipe takes as long as several frames; keep the [`Extractor`](extractor::Extractor). Clones share its weights,
//! and threads may call one at the same time. `hand.label` is that of a mirrored picture; [`row()`](row::row()) puts each hand where the person has
//! it.
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
