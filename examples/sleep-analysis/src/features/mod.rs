//! Features of epochs: what is requested, the result for a range of epochs, and the results put together.
//!
//! [`epoch_features`] captures nothing and looks at no epoch but those of its range, so a caller may cut the grid into
//! batches as it likes: the result is the same to the last bit. An epoch that has no result is NaN and is reported, and
//! takes no other with it. Who runs the batches, and where, is left to the caller.

mod block;
mod correlation;
mod cut;
mod densities;
mod hrv;
mod movement;
mod operation;
mod request;
mod selection;
mod statistics;
pub(crate) mod sums;

pub use block::{EpochFailure, FailureReason, FeatureBlock, Features, Spectrum, collect_blocks};
pub use correlation::{CorrelationMethod, kendall, pearson, spearman};
pub use densities::{Densities, SpectrumEpochs};
pub use hrv::{HrVariability, HrvMetric, HrvSource, RrVariability, hrv_from_heart_rate, hrv_from_rr};
pub use movement::{Movement, MovementMetric, movement};
pub use operation::{FeatureScratch, epoch_features, epoch_features_with};
pub use request::{FeatureRequest, Operation, cut_epochs};
pub use selection::Selection;
pub use statistics::{Aggregation, Statistics, statistics};
