//! Pipelines that remove the artifacts of a scanner from EEG, on manyhands.
//!
//! A [`Recording`] passes through the steps of a [`Pipeline`]. A step is a [`Processor`]: most process each channel by itself, others
//! need all channels or change only what is known about the recording. An [`Executor`] says where the channels are processed: one
//! after the other, in threads, or in worker processes. No step can see which, so the result has the same bytes.
//!
//! The science uses neither threads nor processes: `steps` and `dsp` take one channel and what all channels share. `parallel.rs`
//! alone uses manyhands.
//!
//! Numbers follow FACETpy 2.0.2 in its serial mode, and are tested against it.

pub mod dsp;
mod error;
pub mod files;
pub mod parallel;
pub mod pictures;
pub mod pipeline;
mod processor;
pub mod quality;
pub mod recording;
pub mod steps;
pub mod synthetic;

pub use error::{EegError, EegResult};
pub use parallel::JobExecutor;
pub use pipeline::{ChannelWork, Executor, Pipeline, SerialExecutor, Stage, StageFailure, StepOr};
pub use processor::{ChannelContext, Needs, Phase, Processor};
pub use recording::{
    Annotation, Channel, ChannelData, ChannelKind, Finding, Info, Recording, RowFolder, RowStore, RowStoreBuilder,
    Triggers,
};
pub use steps::Step;
