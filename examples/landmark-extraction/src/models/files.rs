//! The model files that the program can use: which they are, and how they are read.
//!
//! Promises: a file is given only if its bytes are those that the program was tested with. Leaves to others: what is in them.

use std::io;
use std::path::{Path, PathBuf};

use consumer_support::input::{InputError, read_whole};
use sha2::{Digest, Sha256};

/// How the six files are had, in one line for a shell; `WHEEL` is the file that `pip` names.
pub const HOW_TO_GET: &str = "pip download mediapipe==0.10.21 --no-deps --only-binary=:all: --python-version 3.11 \
                              --platform manylinux_2_28_x86_64 && landmark-extraction models unpack WHEEL";
/// Where the files are looked for, and unpacked to, unless another folder is given.
pub const DEFAULT_FOLDER: &str = "models";
/// A model file of more bytes is not read at all. The largest has a tenth of them.
const MOST_BYTES: u64 = 64 << 20;

/// A model file of the Python package `mediapipe` 0.10.21, a TensorFlow Lite file under the Apache-2.0 licence.
///
/// ```
/// use landmark_extraction::models::files::{FACE_LANDMARKER, ModelFileError};
///
/// let error = FACE_LANDMARKER.read("no such folder".as_ref()).unwrap_err();
/// assert!(matches!(error, ModelFileError::Missing { .. }));
/// assert!(error.to_string().contains("landmark-extraction models unpack"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// The file's name, such as `face_landmark.tflite`.
    pub name: &'static str,
    /// Its folder in the package, below `mediapipe/modules`.
    pub module: &'static str,
    /// Its length.
    pub n_bytes: u64,
    /// The SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub sha256: &'static str,
}

/// Where faces are.
pub const FACE_DETECTOR: ModelFile = ModelFile {
    name: "face_detection_short_range.tflite",
    module: "face_detection",
    n_bytes: 229_714,
    sha256: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
};
/// The 468 points of a face.
pub const FACE_LANDMARKER: ModelFile = ModelFile {
    name: "face_landmark.tflite",
    module: "face_landmark",
    n_bytes: 1_242_398,
    sha256: "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
};
/// Where palms of hands are.
pub const PALM_DETECTOR: ModelFile = ModelFile {
    name: "palm_detection_full.tflite",
    module: "palm_detection",
    n_bytes: 2_339_846,
    sha256: "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
};
/// The 21 points of a hand.
pub const HAND_LANDMARKER: ModelFile = ModelFile {
    name: "hand_landmark_full.tflite",
    module: "hand_landmark",
    n_bytes: 5_478_917,
    sha256: "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
};
/// Where people are.
pub const POSE_DETECTOR: ModelFile = ModelFile {
    name: "pose_detection.tflite",
    module: "pose_detection",
    n_bytes: 2_959_046,
    sha256: "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
};
/// The 33 points of a body.
pub const POSE_LANDMARKER: ModelFile = ModelFile {
    name: "pose_landmark_full.tflite",
    module: "pose_landmark",
    n_bytes: 6_440_512,
    sha256: "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
};
/// All six.
pub const MODEL_FILES: [ModelFile; 6] =
    [FACE_DETECTOR, FACE_LANDMARKER, PALM_DETECTOR, HAND_LANDMARKER, POSE_DETECTOR, POSE_LANDMARKER];

/// The bytes of the model file with this name, from a folder. Hashing them takes a few milliseconds.
///
/// # Errors
/// [`ModelFileError`].
pub fn read(folder: &Path, name: &str) -> Result<Vec<u8>, ModelFileError> {
    match MODEL_FILES.iter().find(|file| file.name == name) {
        Some(file) => file.read(folder),
        None => Err(ModelFileError::Unknown { name: name.to_owned() }),
    }
}

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// There is no model file of that name.
    #[error("{name:?} is no model file; the names are those of `MODEL_FILES`")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The file is not there.
    #[error("model file {} is not there; get the models with: {HOW_TO_GET}", .path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("model file {} {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: InputError,
    },
    /// The file is another one than the program was tested with.
    #[error(
        "model file {} has the SHA-256 {found} where {expected} is needed; unpack it again, or get the models with: {HOW_TO_GET}",
        .path.display()
    )]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// The hash of what is there.
        found: String,
        /// The hash of the right file.
        expected: &'static str,
    },
}

impl ModelFile {
    /// The file's bytes, from this folder. Hashing them takes a few milliseconds.
    ///
    /// # Errors
    /// [`ModelFileError`].
    pub fn read(&self, folder: &Path) -> Result<Vec<u8>, ModelFileError> {
        let path = folder.join(self.name);
        let bytes = match read_whole(&path, MOST_BYTES) {
            Ok(bytes) => bytes,
            Err(InputError::Opening(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ModelFileError::Missing { path });
            }
            Err(reason) => return Err(ModelFileError::Unreadable { path, reason }),
        };
        match sha256(&bytes) {
            found if found == self.sha256 => Ok(bytes),
            found => Err(ModelFileError::WrongHash { path, found, expected: self.sha256 }),
        }
    }

    /// Its path in the package.
    pub(super) fn member(&self) -> String {
        format!("mediapipe/modules/{}/{}", self.module, self.name)
    }
}

/// In lower-case hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
