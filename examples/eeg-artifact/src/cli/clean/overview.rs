//! The page over all recordings of a run.

use std::io;

use eeg_artifact::pictures::{Cleaned as CleanedRow, Fact, FileOutcome, FileRow, Link, OverviewPage, Warning};
use manyhands::report::write_atomically;

use super::inputs::RecordingFile;
use super::one::Cleaned;
use super::settings::CleanSettings;

/// Writes `index.html`.
///
/// # Errors
/// A message when it cannot be written.
pub(super) fn write(
    files: &[RecordingFile],
    results: &[Result<Cleaned, String>],
    set_aside: &[String],
    settings: &CleanSettings,
) -> Result<(), String> {
    let all = files.iter().zip(results);
    let failures: Vec<Warning> = all
        .clone()
        .filter_map(|(file, result)| {
            Some(Warning { subject: file.name.clone(), reason: result.as_ref().err()?.clone() })
        })
        .collect();
    let fact = |name: &str, value: usize| Fact { name: name.to_owned(), value: value.to_string() };
    let page = OverviewPage {
        title: "Cleaned recordings",
        subtitle: "Numbers before and after are means over up to three channels of each recording, both through the filters. At harmonics: \
                   the power at the multiples of the frequency of the triggers over that of the neighbouring frequencies, 0 dB \
                   where nothing stands out.",
        facts: vec![
            fact("Recordings", files.len()),
            fact("Cleaned", files.len() - failures.len()),
            fact("Failed", failures.len()),
            fact("Set aside", set_aside.len()),
        ],
        failures,
        files: vec![Link {
            path: "run/summary.json".to_owned(),
            about: "times, workers and memory of the run".to_owned(),
        }],
    };
    let rows = all.map(|(file, result)| Ok(row(file, result)));
    let written = write_atomically(settings.work.out.join("index.html"), |out| {
        let mut out = io::BufWriter::new(out);
        page.write(&mut out, rows)?;
        io::Write::flush(&mut out)
    });
    written.map_err(|why| why.to_string())
}

fn row(file: &RecordingFile, result: &Result<Cleaned, String>) -> FileRow {
    let outcome = match result {
        Err(reason) => FileOutcome::Failed { reason: reason.clone() },
        Ok(cleaned) => FileOutcome::Cleaned(CleanedRow {
            page: format!("{}/index.html", file.name),
            n_channels: cleaned.channels,
            minutes: cleaned.minutes,
            n_triggers: cleaned.triggers,
            rms_before_uv: cleaned.rms_before_uv,
            rms_after_uv: cleaned.rms_after_uv,
            harmonics_before_db: cleaned.harmonics_before_db,
            harmonics_after_db: cleaned.harmonics_after_db,
            n_warnings: cleaned.warnings.len(),
        }),
    };
    FileRow { file: file.name.clone(), outcome }
}
