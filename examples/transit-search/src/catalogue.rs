//! A target in a catalogue: the row that comes with each light curve.

use std::path::Path;

use consumer_support::input::{Budget, read_whole};
use serde::{Deserialize, Serialize};

use crate::error::TransitError;

/// A catalogue's row. A missing field is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// 1 for a planet, 0 for none, according to the catalogue.
    pub label: Option<i64>,
    /// The star.
    pub target_id: String,
    /// Which of its objects of interest.
    #[serde(default)]
    pub toi: Option<String>,
    /// Days.
    pub period_days: Option<f64>,
    /// Hours.
    pub duration_hours: Option<f64>,
    /// Parts per million.
    pub depth_ppm: Option<f64>,
    /// A mid-transit time, on the clock of the light curve.
    pub epoch_days: Option<f64>,
}

impl Catalogue {
    /// Reads a row from a JSON object; other fields in it are ignored.
    ///
    /// # Errors
    /// The file cannot be read, is no regular file or too long, or lacks a field.
    pub fn read(path: &Path) -> Result<Self, TransitError> {
        let text = read_whole(path, Budget::STANDARD.description_bytes);
        let text = text.map_err(|error| TransitError::input(path, error))?;
        serde_json::from_slice(&text)
            .map_err(|why| TransitError::Malformed { path: path.to_owned(), why: why.to_string() })
    }

    /// Days; NaN when the catalogue has none.
    pub fn period(&self) -> f64 {
        self.period_days.unwrap_or(f64::NAN)
    }

    /// A fraction; NaN when the catalogue has none.
    pub fn depth(&self) -> f64 {
        self.depth_ppm.unwrap_or(f64::NAN) / 1e6
    }

    /// Days; NaN when the catalogue has none.
    pub fn duration(&self) -> f64 {
        self.duration_hours.unwrap_or(f64::NAN) / 24.0
    }
}
