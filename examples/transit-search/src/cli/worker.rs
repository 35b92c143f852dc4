//! What a worker does with a sample: reads it, and extracts its features.
//!
//! A worker finds its device once. What it cannot do there, it does on its core, and the row says why.

use manyhands::report::report_amount;
use serde::{Deserialize, Serialize};
use transit_search::{BoxSearcher, Catalogue, Extraction, FEATURE_NAMES};

use super::device;
use super::samples::Sample;

/// What all workers share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) extraction: Extraction,
    /// What results say of the device that searches; `None` for the cores.
    pub(super) device: Option<String>,
}

/// A worker: it finds its device once.
#[derive(Debug)]
pub(super) struct Extractor {
    extraction: Extraction,
    searcher: BoxSearcher,
}

impl Extractor {
    pub(super) fn new(work: &Work) -> Self {
        Self { extraction: work.extraction, searcher: device::searcher(work.device.is_some()) }
    }
}

/// The features of a sample, and what the catalogue has of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) label: Option<i64>,
    pub(super) target_id: String,
    pub(super) toi: Option<String>,
    pub(super) values: Vec<f64>,
    /// What searched for boxes.
    pub(super) ran: String,
    /// Why that was not the device of the run.
    pub(super) fault: Option<String>,
}

impl Row {
    /// The feature of this name.
    pub(super) fn get(&self, name: &str) -> f64 {
        FEATURE_NAMES.iter().position(|known| *known == name).map_or(f64::NAN, |at| self.values[at])
    }
}

/// Extracts the features of one sample.
pub(super) fn row(worker: &mut Extractor, sample: &Sample) -> Result<Row, String> {
    let (curve, catalogue) = sample.read().map_err(|error| error.to_string())?;
    report_amount("points", curve.len() as f64);
    let features = worker.extraction.features_by(&mut worker.searcher, &curve, &catalogue);
    let (features, by) = features.map_err(|error| error.to_string())?;
    let Catalogue { label, target_id, toi, .. } = catalogue;
    let fault = by.fault.map(|fault| fault.to_string());
    Ok(Row { label, target_id, toi, values: features.values.to_vec(), ran: by.ran.to_string(), fault })
}
