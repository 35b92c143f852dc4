//! A job of EEG epochs: a table of features, and one of the spectra behind them.

use std::path::{Path, PathBuf};

use consumer_support::Output;
use serde_json::json;
use sleep_analysis::eeg::{Band, EegSettings, Spectra};
use sleep_analysis::features::{FeatureRequest, Features, Operation, cut_epochs};
use sleep_analysis::parallel::Engine;
use sleep_analysis::{CsvColumn, CsvValues, EegEpochs, SleepError, SleepResult, read_eeg_epochs, write_csv};

use super::job::{EegFiles, EegJob, JobFile};
use super::{OperationResult, add, file_name};
use crate::cli::findings::Findings;
use crate::cli::text_table::TextTable;
use consumer_support::OutFolder;

/// The names that such folders use.
const INPUT: &str = "input_eeg.csv";
const FEATURES: &str = "expected_features.csv";
const SPECTRA: &str = "expected_psd.csv";

pub(super) fn run(
    job: &JobFile,
    out: impl FnOnce(&[PathBuf]) -> SleepResult<OutFolder>,
    engine: &Engine,
    output: &Output,
) -> SleepResult<OperationResult> {
    let description: EegJob = job.parse()?;
    let input = job.beside(description.file.as_deref().unwrap_or(INPUT));
    let mut out = out(std::slice::from_ref(&input))?;
    let names = description.expected.as_ref().unwrap_or(&EegFiles { features: None, psd: None });
    let features_place = out.claim(names.features.as_deref().unwrap_or(FEATURES))?;
    let spectra_place = out.claim(names.psd.as_deref().unwrap_or(SPECTRA))?;
    out.create()?;

    let mut findings = Findings::default();
    let eeg = read_eeg_epochs(&input)?;
    let settings = settings(&description, &eeg)?;
    note_other_segments(&description, &settings, &eeg, &mut findings);
    let epochs: Vec<Vec<f64>> = eeg.epochs().map(<[f64]>::to_vec).collect();
    let request = cut_epochs("eeg", "uv", settings, eeg.samples_per_epoch(), &epochs)?;
    let features = engine.features(&request)?;
    findings.failed_epochs(&features.failures);
    findings.report(output, "");
    write_features(&features_place, &request, &features)?;
    write_spectra(&spectra_place, &features)?;

    let mut table = TextTable::new(["file", "rows", "remarks"]);
    let n_bins = features.spectra[0].frequencies_hz.len();
    table.row([file_name(&features_place), epochs.len().to_string(), findings.in_short()]);
    table.row([file_name(&spectra_place), n_bins.to_string(), String::new()]);
    let mut result = json!({
        "epochs": epochs.len(),
        "samples_per_epoch": eeg.samples_per_epoch(),
        "files": { "features": file_name(&features_place), "psd": file_name(&spectra_place) },
        "rows": { "features": epochs.len(), "psd": n_bins },
    });
    add(&mut result, &findings);
    Ok(OperationResult { result, table, exit_status: findings.exit_status() })
}

fn settings(description: &EegJob, eeg: &EegEpochs) -> SleepResult<EegSettings> {
    let rate_hz = match (description.fs_hz, description.epoch_s) {
        (Some(rate_hz), _) => rate_hz,
        (None, Some(epoch_s)) => eeg.samples_per_epoch() as f64 / epoch_s,
        (None, None) => return Err(SleepError::Config("there is no sampling rate; give fs_hz, such as 100".into())),
    };
    let mut settings = EegSettings { spectra: Spectra::Kept, ..EegSettings::new(rate_hz) };
    if let Some(bands) = &description.bands {
        settings.bands = bands.iter().map(|(low_hz, high_hz, name)| Band::new(name, *low_hz, *high_hz)).collect();
    }
    Ok(settings)
}

/// Segments are four seconds long, or an epoch if that is shorter; a job that asks for others gets a warning.
fn note_other_segments(description: &EegJob, settings: &EegSettings, eeg: &EegEpochs, findings: &mut Findings) {
    let whole = (4.0 * settings.sampling_rate_hz).round() as usize;
    let made = whole.min(eeg.samples_per_epoch());
    let requested = description.welch.as_ref().and_then(|welch| welch.nperseg);
    if let Some(requested) = requested.filter(|&requested| requested != whole && requested != made) {
        findings
            .left_out(&format!("nperseg {requested}"), &format!("spectra are made of segments of {made} samples, 4 s"));
    }
}

/// A row per epoch, the features under their own names.
fn write_features(place: &Path, request: &FeatureRequest, features: &Features) -> SleepResult<()> {
    let Operation::Eeg(settings) = request.operation() else {
        unreachable!("cut epochs are a request for EEG features")
    };
    let names = settings.feature_names();
    let epochs: Vec<i64> = (0..features.table.epoch_starts_ns.len() as i64).collect();
    let mut columns = vec![CsvColumn { name: "epoch", values: CsvValues::Whole(&epochs) }];
    let values = features.table.columns.iter().map(|column| CsvValues::Float(&column.values));
    columns.extend(names.iter().zip(values).map(|(name, values)| CsvColumn { name, values }));
    write_csv(place, &columns)
}

/// A row per frequency, a column per epoch.
fn write_spectra(place: &Path, features: &Features) -> SleepResult<()> {
    let spectrum = &features.spectra[0];
    let names: Vec<String> = (0..features.table.epoch_starts_ns.len()).map(|epoch| format!("epoch_{epoch}")).collect();
    let mut columns = vec![CsvColumn { name: "freq_hz", values: CsvValues::Float(&spectrum.frequencies_hz) }];
    columns.extend(names.iter().enumerate().map(|(epoch, name)| {
        let values = CsvValues::Float(spectrum.density(epoch));
        CsvColumn { name, values }
    }));
    write_csv(place, &columns)
}
