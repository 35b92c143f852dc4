//! The figures of one sample: how many frames it has, what was found in them, and what that cost.

use serde::{Deserialize, Serialize};

/// Whether a sample has its array.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SampleStatus {
    /// Its array is written whole.
    #[default]
    Success,
    /// It has none, and `error` says why.
    Failed,
}

/// What is known of one sample after its turn. The names are those of `extraction_metrics.csv`.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct SampleFigures {
    /// The name of its folder.
    pub sample_id: String,
    /// The folder above it: `train`, `dev` or `test`.
    pub split: String,
    /// Whether it has its array.
    pub status: SampleStatus,
    /// Rows of the array: frames that are there, and the missing ones between them.
    pub num_frames: usize,
    /// Frames that were read.
    pub frames_ok: usize,
    /// Files that cannot be read whole; each has a row of NaN.
    pub frames_torn: usize,
    /// Numbers between the first and the last that have no file; each has a row of NaN.
    pub frames_missing: usize,
    /// Frames with a body.
    pub frames_with_pose: usize,
    /// Frames with the person's left hand.
    pub frames_with_left_hand: usize,
    /// Frames with the person's right hand.
    pub frames_with_right_hand: usize,
    /// Frames with at least one hand.
    pub frames_with_hand: usize,
    /// Frames with a face.
    pub frames_with_face: usize,
    /// Hands left out because another one has their place.
    pub hands_dropped: usize,
    /// Seconds from the first read to the finished file.
    pub processing_time: f64,
    /// `num_frames / processing_time`; 0 where that is 0.
    pub fps: f64,
    /// Memory that the process gained meanwhile, in 2^20 bytes; it may be negative.
    pub memory_used_mb: f64,
    /// Which worker it was, counted from 0.
    pub worker_id: usize,
    /// Why it failed; empty for one that did not.
    pub error: String,
}
