//! Which networks there are: those of files, and those that the program carries.

pub mod files;
mod mediapipe;
mod unpack;

use std::path::PathBuf;

pub use files::ModelFileError;
pub use unpack::{UnpackError, unpack};

use crate::extractor::ExtractOptions;
use crate::network::NetworkError;
use crate::pipeline::Pipeline;
use crate::spec_error::SpecError;

/// Where models come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ModelSource {
    /// The folder that holds the files of the MediaPipe models.
    Folder(PathBuf),
    /// The program itself: models that know drawn frames only.
    Made,
}

/// The models of a face, a hand and a pose, each optional. Clones share the weights.
#[derive(Clone, Debug, Default)]
pub struct Models {
    face: Option<Pipeline>,
    hand: Option<Pipeline>,
    pose: Option<Pipeline>,
}

/// Why models cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file is missing, cannot be read, or is another one than it should be.
    #[error(transparent)]
    File(#[from] ModelFileError),
    /// A network cannot be built.
    #[error("network {name} cannot be used: {cause}")]
    Network {
        /// The file, or the network's name.
        name: String,
        /// Why not.
        cause: NetworkError,
    },
    /// A network does not fit its constants.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

/// Points of a face in a row.
pub(crate) const FACE_POINTS: usize = 468;
/// Points of a hand in a row.
pub(crate) const HAND_POINTS: usize = 21;
/// Points of a pose in a row.
pub(crate) const POSE_POINTS: usize = 33;

impl Models {
    /// Models of these parts.
    ///
    /// # Errors
    /// A landmark network gives another number of points than a row has room for (468, 21 and 33), or one of hands no handedness.
    pub fn new(face: Option<Pipeline>, hand: Option<Pipeline>, pose: Option<Pipeline>) -> Result<Self, SpecError> {
        let parts = [("face", &face, FACE_POINTS), ("hand", &hand, HAND_POINTS), ("pose", &pose, POSE_POINTS)];
        for (part, pipeline, needed) in parts {
            let given = pipeline.as_ref().map_or(needed, |pipeline| pipeline.landmarker().spec().points);
            if given != needed {
                return Err(SpecError::Points { part, given, needed });
            }
        }
        let tells_hands_apart = |pipeline: &Pipeline| pipeline.landmarker().spec().handedness.is_some();
        if hand.as_ref().is_some_and(|pipeline| !tells_hands_apart(pipeline)) {
            return Err(SpecError::NoHandedness);
        }
        Ok(Self { face, hand, pose })
    }

    /// All models of a source.
    ///
    /// # Errors
    /// A file that is missing or another one than it should be, or a network that cannot be built from it.
    pub fn load(source: &ModelSource) -> Result<Self, ModelError> {
        Self::load_for(source, ExtractOptions::default())
    }

    /// The models of a source that these options use: those of a part whose most is 0 are left out, and their files are not read.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_for(source: &ModelSource, options: ExtractOptions) -> Result<Self, ModelError> {
        match source {
            ModelSource::Folder(folder) => mediapipe::load(folder, options),
            ModelSource::Made => Ok(crate::made::models()),
        }
    }

    /// The models of faces.
    #[must_use]
    pub fn face(&self) -> Option<&Pipeline> {
        self.face.as_ref()
    }

    /// The models of hands.
    #[must_use]
    pub fn hand(&self) -> Option<&Pipeline> {
        self.hand.as_ref()
    }

    /// The models of a whole person.
    #[must_use]
    pub fn pose(&self) -> Option<&Pipeline> {
        self.pose.as_ref()
    }
}
