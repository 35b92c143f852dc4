//! Models that the program carries, and the drawn frames that they know.
//!
//! The networks are our own, small, and trained on drawn frames alone: on a photograph they find nothing that means anything. With them
//! the whole way from a folder of frames to an array of landmarks runs without a download, and its error is known, since what was drawn is.
//!
//! - [`frame`], [`truth`], [`write_set`]: frames, their landmarks, and sample folders of them.
//! - [`models`]: the networks, with committed weights.
//! - [`error`], [`evaluate`]: how far extracted landmarks are from the truth.
//! - [`train`]: how the weights were found; the example `train_made_models` calls it.

pub(crate) mod arithmetic;
pub(crate) mod canvas;
mod evaluation;
pub(crate) mod face;
pub(crate) mod geometry;
pub(crate) mod hand;
mod measure;
mod models;
pub(crate) mod plan;
pub(crate) mod scene;
mod set;
pub(crate) mod training;
pub(crate) mod weights;

pub use evaluation::evaluate;
pub use measure::{MadeError, PartError, RowsDiffer, error};
pub use models::{MadeModelError, models, models_of, weights_fingerprint};
pub use set::{MadeFrame, MadeSample, SEED, frame, truth, write_set};
pub use training::{TrainingOptions, train};
pub use weights::WeightsError;
