//! What a reader is told besides the file, and the kinds of files.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{BatchError, BatchResult};

/// What is read of a file, and what the file does not say itself.
///
/// ```
/// use signal_batch::files::ReadSettings;
///
/// let settings = ReadSettings { rate_hz: Some(1e6), ..ReadSettings::default() };
/// assert!(settings.column.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadSettings {
    /// Samples per second, whatever the file says. Needed for NPY, and for CSV without a column of times.
    pub rate_hz: Option<f64>,
    /// The column of a CSV file with several: its name in the header, or its number counted from 1.
    pub column: Option<String>,
    /// The channel of a file with several, counted from 1. Of a CSV file, among its columns without that of times.
    pub channel: Option<usize>,
    /// The unit of the samples, whatever the file says.
    pub unit: Option<String>,
}

impl ReadSettings {
    /// Refuses what no file can have.
    pub(super) fn require_valid(&self) -> BatchResult<()> {
        let refused = |setting: &str, value: String, reason: &str| BatchError::Setting {
            setting: setting.to_owned(),
            value,
            reason: reason.to_owned(),
        };
        match (self.rate_hz, self.channel, &self.column) {
            (Some(rate_hz), ..) if !(rate_hz.is_finite() && rate_hz > 0.0) => {
                Err(refused("rate", rate_hz.to_string(), "samples per second are a number above zero"))
            }
            (_, Some(0), _) => Err(refused("channel", "0".to_owned(), "channels are counted from 1")),
            (_, Some(channel), Some(_)) => {
                Err(refused("channel", channel.to_string(), "a column is chosen too; leave one of them out"))
            }
            _ => Ok(()),
        }
    }
}

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Lines of text: samples, or times and samples.
    Csv,
    /// An array of numpy.
    Npy,
    /// Sound, or what an instrument writes as such.
    Wav,
}

impl FileKind {
    /// The kind that the ending of a name says, in capitals or not; none for another ending.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use signal_batch::files::FileKind;
    ///
    /// assert_eq!(FileKind::of(Path::new("a/unit.WAV")), Some(FileKind::Wav));
    /// assert_eq!(FileKind::of(Path::new("notes.md")), None);
    /// ```
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "npy" => Some(Self::Npy),
            "wav" => Some(Self::Wav),
            _ => None,
        }
    }

    /// Why a file of no kind is not read.
    pub(super) fn unknown(path: &Path) -> String {
        const KNOWN: &str = "captures end in .csv, .tsv, .txt, .npy or .wav";
        match path.extension() {
            Some(ending) => format!("ends in .{}; {KNOWN}", ending.to_string_lossy()),
            None => format!("has no ending; {KNOWN}"),
        }
    }
}
