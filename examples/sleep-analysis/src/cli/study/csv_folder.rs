//! A subject whose signals are CSV files in one folder: the names of the columns show what each is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sleep_analysis::parallel::Engine;
use sleep_analysis::{EpochGrid, EpochGridSettings, Signal, SignalTiming, SleepError, SleepResult, require_sorted};

use crate::cli::analysis::{Channel, GridRate, Input, Night, Remarks};
use crate::cli::channels::Role;

/// Reads every CSV file of the folder, in parallel. A file that cannot be used is left out by name.
///
/// # Errors
/// [`SleepError`] when no signal is left.
pub(super) fn read_folder(folder: &Path, epochs: EpochGridSettings, engine: &Engine) -> SleepResult<Night> {
    let refuse = |reason: String| SleepError::File { path: folder.to_owned(), reason };
    let files = csv_files(folder).map_err(|error| refuse(format!("cannot be read as a folder: {error}")))?;
    if files.is_empty() {
        return Err(refuse("holds no CSV file; put one in it for each signal, such as hr.csv".to_owned()));
    }
    let mut remarks = Remarks::default();
    let (mut signals, mut channels) = (Vec::new(), Vec::new());
    for (read, (name, path)) in engine.read_signals(&files)?.into_iter().zip(&files) {
        match read.and_then(|signal| require_sorted(&signal).map(|()| signal)) {
            Ok(signal) if signals.iter().any(|known: &Signal| known.name() == signal.name()) => {
                remarks.left_out(name, "another file has this name but for its ending; rename one");
            }
            Ok(signal) => {
                channels.push(channel(&signal));
                signals.push(signal);
            }
            Err(error) => remarks.left_out(name, in_folder(&error, path)),
        }
    }
    let signals = remarks.without_empty(signals, &mut channels);
    if signals.is_empty() {
        let reasons: Vec<String> =
            remarks.left_out.iter().map(|one| format!("{}: {}", one.subject, one.reason)).collect();
        return Err(refuse(format!("has no signal that can be used: {}", reasons.join("; "))));
    }
    let (start_ns, end_ns) = span(&signals);
    Ok(Night {
        title: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        input: Input {
            kind: "CSV",
            seed: None,
            file: Some(folder.display().to_string()),
            start_ns,
            duration_s: (i128::from(end_ns) - i128::from(start_ns)) as f64 / 1e9,
        },
        epochs: EpochGrid::over_signals(&signals, epochs)?,
        signals: signals.into(),
        channels,
        stages: None,
        grid_rate: GridRate::Automatic,
        remarks,
    })
}

/// The files in the order of their names, each with its signal's name; what is no regular file fails by name when it is read.
pub(super) fn csv_files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if is_csv && !name.starts_with('.') && !path.is_dir() {
            files.push((name, path));
        }
    }
    files.sort();
    Ok(files)
}

/// The error without the file's name, which is printed in front of it already.
fn in_folder(error: &SleepError, path: &Path) -> String {
    match error {
        SleepError::Signal { reason, .. } => reason.clone(),
        other => other.without_path(path),
    }
}

fn channel(signal: &Signal) -> Channel {
    let role = Role::of_columns(signal);
    let rate_hz = SignalTiming::from_timestamps(signal.timestamps_ns()).and_then(|timing| timing.rate_hz);
    Channel { role, unit: role.usual_unit().to_owned(), converted_from: None, rate_hz }
}

/// From the first sample of all signals to the last.
fn span(signals: &[Signal]) -> (i64, i64) {
    let times = || signals.iter().map(Signal::timestamps_ns);
    let first = times().filter_map(|times| times.first()).min();
    let last = times().filter_map(|times| times.last()).max();
    (first.copied().unwrap_or_default(), last.copied().unwrap_or_default())
}
