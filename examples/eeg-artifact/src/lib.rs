//! Pipelines that remove the artifacts of a scanner from EEG, on manyhands.
//!
//! A [`Recording`] passes through the steps of a [`Pipeline`]. A step is a [`Processor`]: most process each channel by itself, others
//! need all channels or change only what is known about the recording. An [`Executor`] says where the channels are processed: one
//! after the other, in threads, or in worker processes. No step can see which, so the result has the same bytes.
//!
//! ```
//! use eeg_artifact::files::{FileKind, OpenRecording, ReadSettings, write_recording};
//! use eeg_artifact::steps::{Aas, Highpass, Lowpass};
//! use eeg_artifact::synthetic::{SceneSettings, made_recording};
//! use eeg_artifact::{JobExecutor, Pipeline, Step};
//! use manyhands::AnyMode;
//! use serde_json::json;
//!
//! # let folder = std::env::temp_dir().join(format!("eeg-artifact-lesson-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! // A recording, here a made one that is written first: volts, one row per channel.
//! let scan = folder.join("scan");
//! let settings = SceneSettings { n_eeg: 2, duration_s: 20.0, ..SceneSettings::default() };
//! write_recording(&scan, FileKind::Edf, &made_recording(settings)?.recording, None)?;
//! let file = OpenRecording::open(&FileKind::Edf.path(&scan), &ReadSettings::default())?;
//! let mut recording = file.read(None)?;
//!
//! // Steps by name, as in a pipeline file, or by type.
//! let pipeline = Pipeline::new([
//!     Step::from_json("triggers", &json!({ "regex": "^1$" }))?,
//!     Step::Highpass(Highpass { freq: 1.0 }),
//!     Step::Aas(Aas { subsample: true, ..Aas::default() }),
//!     Step::Lowpass(Lowpass { freq: 70.0 }),
//! ]);
//! pipeline.run(&mut recording, &JobExecutor::new(AnyMode::Threads))?;
//!
//! // The samples, what the steps found out, and the triggers after the run.
//! assert_eq!(recording.samples(0)?.len(), 20_000);
//! assert!(recording.rows().findings(0)?.iter().any(|finding| finding.step == "aas"));
//! assert!(recording.info().triggers.is_some());
//! write_recording(&folder.join("cleaned"), FileKind::BrainVision, &recording, Some(file.file()))?;
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), eeg_artifact::EegError>(())
//! ```
//!
//! With worker processes, `AnyMode::Processes(Processes::new())`, the first line of `main` must be `manyhands::init()`: a worker is a
//! copy of the program. The folder `examples` has a step of your own among those of the crate, one step alone, and an executor of your
//! own; [`quality`] measures what is left of an artifact, and [`pictures`] draws it.
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
