//! The captures of a run: files, what folders hold, or made ones.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use consumer_support::flag_values::at_least_one;
use serde::{Deserialize, Serialize};
use signal_batch::files::{CaptureFile, FileKind, ReadSettings, capture_paths};
use signal_batch::{BatchError, Capture, workload};

use crate::cli::Refusal;

/// Captures, and how they are read.
#[derive(Debug, Args)]
pub(in crate::cli) struct CaptureArgs {
    /// Captures, and folders of captures (.csv, .tsv, .txt, .npy, .wav), which are walked to the bottom.
    pub(in crate::cli) inputs: Vec<PathBuf>,
    /// Make this many captures instead: traces of two tones with noise, 20 000 samples at 1 MHz.
    #[arg(long, value_name = "N", conflicts_with = "inputs", value_parser = clap::value_parser!(u64).range(1..=MOST_MADE))]
    pub(in crate::cli) made: Option<u64>,
    /// Samples per second of all files, also of one that states another rate, which a note then says. Needed for NPY, and for CSV without times.
    #[arg(long, value_name = "HZ", conflicts_with = "made", allow_negative_numbers = true)]
    pub(in crate::cli) rate: Option<f64>,
    /// The column of the samples, where a CSV file has several: its name, or its number from 1.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["channel", "made"])]
    pub(in crate::cli) column: Option<String>,
    /// The channel, from 1, where a file has several.
    #[arg(long, value_name = "N", conflicts_with = "made", value_parser = at_least_one)]
    pub(in crate::cli) channel: Option<usize>,
    /// The unit of the samples of all files, such as mV [default: what a file states; else FS, full scale, for WAV and V for others]
    #[arg(long, value_name = "UNIT")]
    pub(in crate::cli) unit: Option<String>,
    /// The batch of all captures; without it, the folder that holds a file.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) batch: Option<String>,
}

/// More made captures than this are a slip of the hand.
const MOST_MADE: u64 = 10_000_000;

/// A capture to measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct CaptureItem {
    /// By which it is known in the table and in the journal.
    pub(in crate::cli) name: String,
    /// The batch that it belongs to, where that is known before it is read.
    pub(in crate::cli) batch: String,
    source: Source,
    /// About the memory that it needs while it is measured.
    pub(in crate::cli) bytes: u64,
}

/// Where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Source {
    File(PathBuf),
    /// The made capture of this number.
    Made(u64),
    /// A file whose path is not UTF-8, and cannot be sent to another process; it fails in every mode.
    Nameless,
}

/// The captures in order of their names, and what folders hold besides, a sentence for each.
pub(in crate::cli) struct Captures {
    pub(in crate::cli) items: Vec<CaptureItem>,
    pub(in crate::cli) set_aside: Vec<String>,
    /// Whether a file that was named is set aside, and not only what a folder holds besides captures.
    pub(in crate::cli) lacks_named: bool,
}

impl CaptureArgs {
    /// What the flags say of reading.
    pub(in crate::cli) fn read_settings(&self) -> ReadSettings {
        let Self { rate, column, channel, unit, .. } = self;
        ReadSettings { rate_hz: *rate, column: column.clone(), channel: *channel, unit: unit.clone() }
    }

    /// The captures that the arguments name. What lies in the folder of the results is none.
    ///
    /// # Errors
    /// A message when a folder cannot be read, there are no captures, or two have one name.
    pub(in crate::cli) fn captures(&self, out: Option<&Path>) -> Result<Captures, Refusal> {
        if let Some(count) = self.made {
            let items = (0..count).map(|number| self.made_item(number)).collect();
            return Ok(Captures { items, set_aside: Vec::new(), lacks_named: false });
        }
        if let Some(rate) = self.rate.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
            return Err(format!("--rate {rate} is no rate; give samples per second, above zero"));
        }
        if self.inputs.is_empty() {
            return Err("there are no captures; name files or folders, or give --made N".to_owned());
        }
        let (files, mut set_aside) = capture_paths(&self.inputs).map_err(|error| error.to_string())?;
        let out = out.and_then(|out| fs::canonicalize(out).ok());
        let is_result = |file: &CaptureFile| {
            let place = fs::canonicalize(&file.path);
            out.as_ref().is_some_and(|out| place.is_ok_and(|place| place.starts_with(out)))
        };
        let (results, files): (Vec<CaptureFile>, Vec<CaptureFile>) = files.into_iter().partition(is_result);
        let sentence = |file: CaptureFile| format!("{} is set aside: it lies in the folder of the results", file.name);
        set_aside.extend(results.into_iter().map(sentence));
        if files.is_empty() {
            let why = set_aside.first().map(|first| format!("; {first}")).unwrap_or_default();
            return Err(format!("there are no captures: files that end in .csv, .tsv, .txt, .npy or .wav{why}"));
        }
        let is_taken = |input: &PathBuf| input.is_dir() || files.iter().any(|file| file.path == *input);
        let lacks_named = !self.inputs.iter().all(is_taken);
        Ok(Captures { items: files.into_iter().map(|file| self.file_item(file)).collect(), set_aside, lacks_named })
    }

    fn made_item(&self, number: u64) -> CaptureItem {
        CaptureItem {
            name: format!("trace_{number:03}"),
            batch: self.batch.clone().unwrap_or_else(|| workload::BATCH.to_owned()),
            source: Source::Made(number),
            bytes: bytes_at_work(workload::TRACE_SAMPLES as u64, 0),
        }
    }

    fn file_item(&self, file: CaptureFile) -> CaptureItem {
        let CaptureFile { path, name, batch } = file;
        // One that cannot be looked at fails by name when it is its turn.
        let n_bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let is_text = FileKind::of(&path) == Some(FileKind::Csv);
        CaptureItem {
            name,
            batch: self.batch.clone().unwrap_or(batch),
            source: if path.to_str().is_some() { Source::File(path) } else { Source::Nameless },
            bytes: bytes_at_work(if is_text { n_bytes / 2 } else { n_bytes }, n_bytes),
        }
    }
}

/// About the memory for so many samples: the samples, the plan for their length (48 bytes each), and the file.
fn bytes_at_work(most_samples: u64, file_bytes: u64) -> u64 {
    most_samples.saturating_mul(8 + 48).saturating_add(file_bytes)
}

impl CaptureItem {
    /// Reads or makes the capture.
    ///
    /// # Errors
    /// A message: the file cannot be read, or holds no capture. It does not have the path.
    pub(in crate::cli) fn capture(&self, settings: &ReadSettings) -> Result<Capture, String> {
        let mut capture = match &self.source {
            Source::Made(number) => workload::trace(*number),
            Source::File(path) => signal_batch::files::read_capture(path, settings).map_err(reason)?,
            Source::Nameless => return Err("its path is not UTF-8; rename it".to_owned()),
        };
        if let (Source::Made(_), Some(unit)) = (&self.source, &settings.unit) {
            capture.unit.clone_from(unit);
        }
        Ok(capture)
    }

    /// Changes when the result of an earlier run is no longer valid.
    pub(super) fn fingerprint(&self) -> String {
        match &self.source {
            Source::File(path) => manyhands::journal::file_fingerprint(path).unwrap_or_else(|_| "missing".to_owned()),
            Source::Made(number) => format!("made {number}"),
            Source::Nameless => String::new(),
        }
    }
}

/// Why a file cannot be read, without its path: its row has its name.
fn reason(error: BatchError) -> String {
    match error {
        BatchError::File { reason, .. } => reason,
        other => other.to_string(),
    }
}
