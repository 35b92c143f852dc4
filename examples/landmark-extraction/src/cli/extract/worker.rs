//! A worker and its models: loaded once in each process, and shared by its threads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::models::{ModelSource, Models};
use landmark_extraction::picture::Picture;
use landmark_extraction::row::row;
use landmark_extraction::sample::memory::{peak_resident_bytes, resident_bytes};
use landmark_extraction::sample::{Extracted, SampleFailure, SampleTask, extract_sample};
use serde::{Deserialize, Serialize};

use super::samples::SampleItem;
use super::settings::{ExtractSettings, Science};
use crate::cli::{Refusal, text};

/// A worker: a thread, or a process.
pub(in crate::cli) struct Worker {
    settings: ExtractSettings,
    settings_key: u128,
    extractor: Extractor,
    /// Tells it from all others.
    mark: usize,
}

/// A frame, to measure what a worker takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ProbeItem {
    /// None where no frame can be read: then the models alone are measured.
    pub(super) frame: Option<PathBuf>,
}

/// The memory of a process that has the models loaded and has handled a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProbeResult {
    /// With the models, in bytes.
    pub(super) loaded: u64,
    /// At its most.
    pub(super) peak: u64,
}

impl Worker {
    /// A worker. The first one of a process loads the models; further ones, and those of later calls, share them.
    ///
    /// # Errors
    /// A message when the models cannot be loaded.
    pub(in crate::cli) fn new(settings: &ExtractSettings) -> Result<Self, String> {
        Ok(Self {
            settings: settings.clone(),
            settings_key: settings.science.key(),
            extractor: extractor(&settings.models)?,
            mark: next_mark(),
        })
    }

    /// Extracts a sample.
    ///
    /// # Errors
    /// Why it has no array.
    pub(in crate::cli) fn extract(&mut self, item: &SampleItem) -> Result<Extracted, Box<SampleFailure>> {
        let out = self.settings.split_folder(&item.split);
        let Science { stride, mirrored, .. } = self.settings.science;
        let task = SampleTask {
            sample_id: &item.id,
            split: &item.split,
            folder: &item.folder,
            out: &out,
            stride,
            settings_key: self.settings_key,
        };
        let row_of = |picture: &Picture| self.extractor.frame(picture).map(|frame| row(&frame, mirrored));
        match extract_sample(&task, row_of) {
            Ok(mut extracted) => {
                extracted.figures.worker_id = self.mark;
                Ok(extracted)
            }
            Err(mut failure) => {
                failure.figures.worker_id = self.mark;
                Err(failure)
            }
        }
    }

    /// Handles a frame, and gives the memory of this process.
    ///
    /// # Errors
    /// None: a frame that cannot be read or handled is left out.
    pub(super) fn probe(&mut self, item: &ProbeItem) -> Result<ProbeResult, String> {
        let loaded = resident_bytes();
        if let Some(picture) = item.frame.as_ref().and_then(|path| Picture::read(path).ok()) {
            let _ = self.extractor.frame(&picture);
        }
        Ok(ProbeResult { loaded, peak: peak_resident_bytes().max(resident_bytes()) })
    }
}

/// The models of this process. They stay loaded for later calls.
fn extractor(source: &ModelSource) -> Result<Extractor, Refusal> {
    static LOADED: Mutex<Option<(ModelSource, Extractor)>> = Mutex::new(None);
    // Other workers of this process wait here for the models, which they need. A panic has left no half of them.
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, extractor)) = loaded.as_ref().filter(|(of, _)| of == source) {
        return Ok(extractor.clone());
    }
    let options = ExtractOptions { max_faces: 1, max_hands: 2, max_people: 1 };
    let extractor = Extractor::new(Models::load(source).map_err(text)?, options);
    *loaded = Some((source.clone(), extractor.clone()));
    Ok(extractor)
}

/// Of the process and of the worker in it.
fn next_mark() -> usize {
    // Relaxed: only that no two are alike.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let in_process = NEXT.fetch_add(1, Ordering::Relaxed);
    ((std::process::id() as usize) << 24) | (in_process & 0xff_ffff)
}
