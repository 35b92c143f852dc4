//! The samples of a run, from a folder, a list or a number of synthetic ones; and the reading of one.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use consumer_support::input::{Budget, RecordLimit, kind_if_not_regular, open_regular};
use serde::{Deserialize, Serialize};
use transit_search::{Catalogue, LightCurve, RawCurve, TransitError, synthetic_curve};

use super::Refusal;

/// One light curve to analyse, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) source: Source,
}

/// Where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Source {
    /// A folder with `lightcurve.csv` or `lightcurve.fits`, and `input.json`.
    Folder(PathBuf),
    /// A file, with its row of the list.
    Listed(PathBuf, Catalogue),
    /// The synthetic light curve of this number.
    Made(u64),
}

/// A row of a list.
#[derive(Debug, Deserialize)]
struct ListRow {
    sample: String,
    path: PathBuf,
    label: Option<i64>,
    target_id: String,
    toi: Option<String>,
    period_days: Option<f64>,
    duration_hours: Option<f64>,
    depth_ppm: Option<f64>,
    epoch_days: Option<f64>,
}

impl Sample {
    /// Reads the light curve and its row of the catalogue.
    pub(super) fn read(&self) -> Result<(LightCurve, Catalogue), TransitError> {
        let curve = |path: &Path| LightCurve::of(&RawCurve::read(path)?);
        match &self.source {
            Source::Folder(folder) => Ok((curve(&curve_in(folder))?, Catalogue::read(&folder.join("input.json"))?)),
            Source::Listed(path, catalogue) => Ok((curve(path)?, catalogue.clone())),
            Source::Made(number) => {
                let made = synthetic_curve(*number);
                Ok((made.curve, made.catalogue))
            }
        }
    }

    /// Changes when the result of an earlier run is no longer valid.
    pub(super) fn fingerprint(&self) -> String {
        let of = |path: &Path| manyhands::journal::file_fingerprint(path).unwrap_or_else(|_| "missing".to_owned());
        match &self.source {
            Source::Folder(folder) => {
                format!("{} {}", of(&curve_in(folder)), of(&folder.join("input.json")))
            }
            Source::Listed(path, catalogue) => format!("{} {catalogue:?}", of(path)),
            Source::Made(number) => format!("made {number}"),
        }
    }
}

/// The file in a sample's folder that holds its light curve.
fn curve_in(folder: &Path) -> PathBuf {
    let (csv, fits) = (folder.join("lightcurve.csv"), folder.join("lightcurve.fits"));
    if fits.exists() && !csv.exists() { fits } else { csv }
}

/// This many synthetic ones.
pub(super) fn made(count: u64) -> Vec<Sample> {
    (0..count).map(|number| Sample { name: format!("made-{number:05}"), source: Source::Made(number) }).collect()
}

/// The samples in a folder, by name, or in a list, in its order.
///
/// What a folder holds besides folders is no sample, and named in the second list, with what it is.
pub(super) fn found_at(input: &Path) -> Result<(Vec<Sample>, Vec<String>), Refusal> {
    let (samples, set_aside) = if input.is_dir() { in_folder(input)? } else { (in_list(input)?, Vec::new()) };
    let mut names = HashSet::new();
    match samples.iter().find(|sample| !names.insert(&sample.name)) {
        Some(twice) => Err(format!("{} has two samples that are called {:?}", input.display(), twice.name)),
        None if samples.is_empty() => Err(format!("{} has no samples", input.display())),
        None => Ok((samples, set_aside)),
    }
}

fn in_folder(input: &Path) -> Result<(Vec<Sample>, Vec<String>), Refusal> {
    let unreadable = |why: std::io::Error| format!("{} cannot be read: {why}", input.display());
    let (mut samples, mut set_aside) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(input).map_err(unreadable)? {
        let folder = entry.map_err(unreadable)?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match kind_if_not_regular(&folder) {
            _ if name.starts_with('.') => {}
            _ if folder.is_dir() => samples.push(Sample { name, source: Source::Folder(folder) }),
            kind => set_aside.push(format!("{name} is set aside: it is {} and no folder", kind.unwrap_or("a file"))),
        }
    }
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    set_aside.sort_unstable();
    Ok((samples, set_aside))
}

fn in_list(input: &Path) -> Result<Vec<Sample>, Refusal> {
    let unreadable = |why: csv::Error| format!("{} cannot be read as a list: {why}", input.display());
    let beside = input.parent().unwrap_or(Path::new(""));
    let (file, _) = open_regular(input).map_err(|why| format!("{} {why}", input.display()))?;
    let mut reader = csv::Reader::from_reader(RecordLimit::new(file, Budget::STANDARD.record_bytes));
    let head = reader.headers().map_err(unreadable)?.clone();
    let mut record = csv::StringRecord::new();
    let rows = std::iter::from_fn(|| {
        reader.get_mut().next_record();
        let row = reader
            .read_record(&mut record)
            .and_then(|is_row| is_row.then(|| record.deserialize(Some(&head))).transpose());
        row.transpose()
    });
    let rows = rows.map(|row| {
        let ListRow { sample, path, label, target_id, toi, period_days, duration_hours, depth_ppm, epoch_days } =
            row.map_err(unreadable)?;
        let catalogue = Catalogue { label, target_id, toi, period_days, duration_hours, depth_ppm, epoch_days };
        Ok(Sample { name: sample, source: Source::Listed(beside.join(path), catalogue) })
    });
    rows.collect()
}
