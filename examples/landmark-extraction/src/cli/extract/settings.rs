//! What all samples of a run share: models, stride, what they are written to. Plain data, so that worker processes get a copy.

use std::path::{Path, PathBuf};

use landmark_extraction::models::ModelSource;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::cli::args::ExtractArgs;
use crate::cli::models::how_to_get_models;
use crate::cli::{Refusal, require_utf8};

/// Raise it whenever the same frames get other numbers, so that no run mixes the two.
const RESULTS_VERSION: u32 = 1;

/// Where models are looked for, when no flag says it.
const USUAL_FOLDER: &str = "models";

/// The name of the model that the program carries.
pub(in crate::cli) const MADE: &str = "made";

/// What all samples of a run share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct ExtractSettings {
    /// What the numbers depend on.
    pub(in crate::cli) science: Science,
    /// Where the models are.
    pub(in crate::cli) models: ModelSource,
    /// The folder of the run.
    pub(in crate::cli) out: PathBuf,
}

/// What the numbers depend on: a run is resumed with the same, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Science {
    /// Which models, by name: files are checked by hash, so the name says all; the small ones have a fingerprint in it.
    pub(in crate::cli) models: String,
    pub(in crate::cli) stride: usize,
    pub(in crate::cli) mirrored: bool,
}

impl ExtractSettings {
    /// What the flags say.
    ///
    /// # Errors
    /// A message when no models are given and none are in the usual place.
    pub(in crate::cli) fn of(args: &ExtractArgs) -> Result<Self, Refusal> {
        let models = model_source(args.models.as_deref())?;
        let science = Science { models: model_name(&models), stride: args.stride, mirrored: args.mirrored };
        Ok(Self { science, models, out: args.out.clone() })
    }

    /// Refuses paths that cannot be sent to worker processes.
    ///
    /// # Errors
    /// A message that names the path.
    pub(in crate::cli) fn require_utf8(&self) -> Result<(), Refusal> {
        require_utf8("--out", &self.out)?;
        match &self.models {
            ModelSource::Folder(folder) => require_utf8("--models", folder),
            ModelSource::Made => Ok(()),
        }
    }

    /// The folder of a split's arrays.
    pub(in crate::cli) fn split_folder(&self, split: &str) -> PathBuf {
        self.out.join(split)
    }
}

impl Science {
    /// A number that changes when the settings or the version do.
    pub(in crate::cli) fn key(&self) -> u128 {
        let Self { models, stride, mirrored } = self;
        xxh3_128(format!("{}, {models:?}, {stride}, {mirrored}", version()).as_bytes())
    }

    /// Which models ran, as a sentence.
    pub(in crate::cli) fn sentence(&self) -> String {
        if self.models.starts_with(MADE) {
            "models: the small ones that the program carries, which know drawn frames only; real footage needs --models DIR".to_owned()
        } else {
            format!("models: {}", self.models)
        }
    }
}

/// The version of the results, for the journal.
pub(in crate::cli) fn version() -> String {
    format!("{}, results {RESULTS_VERSION}", env!("CARGO_PKG_VERSION"))
}

fn model_name(source: &ModelSource) -> String {
    match source {
        ModelSource::Made => format!("{MADE} {}", landmark_extraction::made::weights_fingerprint()),
        ModelSource::Folder(_) => "mediapipe 0.10.21".to_owned(),
    }
}

fn model_source(flag: Option<&Path>) -> Result<ModelSource, Refusal> {
    let usual = Path::new(USUAL_FOLDER);
    match flag {
        Some(flag) if flag == Path::new(MADE) => Ok(ModelSource::Made),
        Some(flag) if !flag.is_dir() => {
            Err(no_models(&format!("{}, which --models names, is no folder", flag.display())))
        }
        // Absolute, as a worker process may begin elsewhere.
        Some(flag) => Ok(ModelSource::Folder(std::path::absolute(flag).unwrap_or_else(|_| flag.to_owned()))),
        None if usual.is_dir() => model_source(Some(usual)),
        None => Err(no_models(&format!("there is no folder {USUAL_FOLDER} here, and --models names none"))),
    }
}

fn no_models(why: &str) -> Refusal {
    format!(
        "no models: {why}\n{}\nor use --models {MADE}, the small ones that the program carries, which know drawn frames only",
        how_to_get_models()
    )
}
