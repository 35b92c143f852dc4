//! The models of the golden data, loaded once for all tests.

use std::path::PathBuf;
use std::sync::OnceLock;

use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::models::{ModelSource, Models};
use landmark_extraction::picture::Picture;

use crate::golden::{golden, models};

/// The golden data with an extractor.
pub(crate) struct GoldenModels {
    pub(crate) extractor: Extractor,
    pub(crate) folder: PathBuf,
}

impl GoldenModels {
    /// None, with a loud line, where the golden data or the models are absent.
    pub(crate) fn new(options: ExtractOptions) -> Option<Self> {
        static MODELS: OnceLock<Models> = OnceLock::new();
        let (folder, models) = (golden()?, models()?);
        let models = MODELS.get_or_init(|| Models::load(&ModelSource::Folder(models)).unwrap());
        Some(Self { extractor: Extractor::new(models.clone(), options), folder })
    }

    /// A picture of the golden cases.
    pub(crate) fn picture(&self, name: &str) -> Picture {
        Picture::read(self.folder.join(format!("pictures/{name}.png"))).unwrap()
    }
}
