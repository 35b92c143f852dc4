//! The tables of a split: extraction_metrics.csv, extraction_summary.json, failed_samples.json and checkpoint.json; each is replaced
//! as a whole or not at all. They cover all samples, also those that earlier runs have finished.

use std::path::Path;

use landmark_extraction::sample::{RunTotals, SampleFigures, SampleStatus};
use manyhands::AnyMode;
use manyhands::report::{csv_text, write_atomically};
use serde_json::{Value, json};

use super::settings::{ExtractSettings, version};
use super::split_run::{Measured, SplitOutcome, folder_of};
use crate::cli::text;

/// A row for each sample.
pub(in crate::cli) const METRICS: &str = "extraction_metrics.csv";
/// The totals.
pub(in crate::cli) const SUMMARY: &str = "extraction_summary.json";
/// The failed samples, and why.
pub(in crate::cli) const FAILED: &str = "failed_samples.json";
/// How far the run is.
pub(in crate::cli) const CHECKPOINT: &str = "checkpoint.json";

/// A sample that takes less says more about the start of workers than about their speed.
const LEAST_SECONDS: f64 = 0.5;

/// A split, and how it is extracted.
#[derive(Clone, Copy)]
pub(super) struct SplitView<'a> {
    pub(super) outcome: &'a SplitOutcome,
    pub(super) settings: &'a ExtractSettings,
    pub(super) mode: AnyMode,
    pub(super) workers: usize,
}

/// Writes the checkpoint: what is done so far.
///
/// # Errors
/// A message that names the file.
pub(super) fn write_checkpoint(view: &SplitView<'_>) -> Result<(), String> {
    let outcome = view.outcome;
    let done = outcome.done().map(|extracted| extracted.figures.sample_id.as_str());
    let failed = outcome.failed.iter().map(|failure| failure.figures.sample_id.as_str());
    let checkpoint = json!({
        "split": outcome.split,
        "samples": outcome.n_samples,
        "samples_done": outcome.resumed.len() + outcome.made.len(),
        "samples_failed": outcome.failed.len(),
        "already_extracted": outcome.resumed.len(),
        "workers": view.workers,
        "mode": view.mode.to_string(),
        "elapsed_seconds": outcome.measured.wall.as_secs_f64(),
        "time_stamp": jiff::Timestamp::now().to_string(),
        "metrics_so_far": totals(outcome),
        "done": done.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    });
    write_json(&folder_of(outcome, view.settings).join(CHECKPOINT), &checkpoint)
}

/// Writes all tables.
///
/// # Errors
/// A message that names the files which could not be written; the others are.
pub(super) fn write_split(view: &SplitView<'_>) -> Result<(), String> {
    let (outcome, folder) = (view.outcome, folder_of(view.outcome, view.settings));
    let failed: Vec<Value> = outcome
        .failed
        .iter()
        .map(|failure| {
            json!({
                "sample_id": failure.figures.sample_id,
                "error": failure.figures.error,
                "frames": failure.warnings,
            })
        })
        .collect();
    let written = [
        write_metrics(&folder.join(METRICS), &outcome.figures()),
        write_json(&folder.join(FAILED), &Value::Array(failed)),
        write_checkpoint(view),
        write_json(&folder.join(SUMMARY), &summary(view)),
    ];
    let refused: Vec<String> = written.into_iter().filter_map(Result::err).collect();
    if refused.is_empty() { Ok(()) } else { Err(refused.join("; ")) }
}

/// What this run did in a split.
fn totals(outcome: &SplitOutcome) -> RunTotals {
    totals_of_this_run(std::slice::from_ref(outcome), outcome.measured.wall.as_secs_f64())
}

/// The totals of what this run did in the splits, which took so many seconds together.
pub(super) fn totals_of_this_run(outcomes: &[SplitOutcome], wall: f64) -> RunTotals {
    let made = || outcomes.iter().flat_map(|outcome| &outcome.made);
    let failed = outcomes.iter().flat_map(|outcome| &outcome.failed).map(|failure| &failure.figures);
    let mut totals = RunTotals::of(made().map(|extracted| &extracted.figures).chain(failed), wall);
    let of_earlier_runs = made().map(|extracted| extracted.seconds_resumed).sum::<f64>();
    // This run's wall time holds none of what an interrupted run spent on these samples.
    totals.concurrency_factor = ratio((totals.total_processing_time - of_earlier_runs).max(0.0), wall).unwrap_or(0.0);
    totals
}

/// The summary of a split. What stands outside `all_runs` is of this run alone.
pub(super) fn summary(view: &SplitView<'_>) -> Value {
    let outcome = view.outcome;
    let (figures, measured) = (outcome.figures(), &outcome.measured);
    let mut summary = json!({
        "split": outcome.split,
        "models": view.settings.science.models,
        "stride": view.settings.science.stride,
        "mirrored": view.settings.science.mirrored,
        "version": version(),
        "time_stamp": jiff::Timestamp::now().to_string(),
        "total_samples": outcome.n_samples,
        "already_extracted": outcome.resumed.len(),
        "unfinished": outcome.n_unfinished(),
        "is_whole": outcome.n_unfinished() == 0 && outcome.failed.is_empty(),
        "all_runs": all_runs(&figures),
    });
    for part in [json!(totals(outcome)), of_the_machine(view, measured)] {
        if let (Some(summary), Value::Object(part)) = (summary.as_object_mut(), part) {
            summary.extend(part);
        }
    }
    summary
}

/// Times, speed and memory of this run.
fn of_the_machine(view: &SplitView<'_>, measured: &Measured) -> Value {
    let outcome = view.outcome;
    let n_frames = outcome.frames_of_this_run();
    let wall = measured.wall.as_secs_f64();
    let serial = measured.serial.map(|serial| {
        json!({
            "what": "one sample of usual length, extracted while the other workers waited",
            "frames": serial.frames,
            "seconds": serial.seconds,
            "frames_per_second": ratio(serial.frames as f64, serial.seconds),
        })
    });
    json!({
        "mode": view.mode.to_string(),
        "workers": view.workers,
        "lost_workers": measured.tally.map(|tally| tally.lost_workers),
        "wall_seconds": wall,
        "busy_seconds": measured.tally.map(|tally| tally.busy.as_secs_f64()),
        "cpu_seconds": measured.cpu_seconds,
        "frames_per_second": ratio(n_frames as f64, wall),
        "speed_up": speed_up(measured, n_frames),
        "serial_sample": serial,
        "worker_memory_mb": mebibytes(measured.worker_bytes),
        "memory_mb": measured.memory_bytes.map(mebibytes),
        "rows_resumed": outcome.made.iter().map(|extracted| extracted.rows_resumed).sum::<usize>(),
    })
}

/// Frames per second of all workers after the serial sample, over those of the serial sample: what parallel work gained. None where
/// no sample was measured alone, or one that is over too soon to tell, or one that was unlike the others: so many workers cannot gain more
/// than their number.
pub(super) fn speed_up(measured: &Measured, n_frames: usize) -> Option<f64> {
    let serial = measured.serial.filter(|serial| serial.seconds >= LEAST_SECONDS)?;
    let rest = (measured.wall.checked_sub(serial.ended)?).as_secs_f64();
    let parallel = ratio(n_frames.checked_sub(serial.frames)? as f64, rest)?;
    let gain = ratio(parallel, ratio(serial.frames as f64, serial.seconds)?)?;
    (gain <= serial.others as f64).then_some(gain)
}

/// What all runs came to, whichever of them made a sample.
pub(super) fn all_runs(figures: &[SampleFigures]) -> Value {
    let totals = RunTotals::of(figures, 0.0);
    let sum = |of: fn(&SampleFigures) -> usize| figures.iter().map(of).sum::<usize>();
    json!({
        "succeeded": figures.iter().filter(|sample| sample.status == SampleStatus::Success).count(),
        "failed": figures.iter().filter(|sample| sample.status == SampleStatus::Failed).count(),
        "total_frames": sum(|sample| sample.num_frames),
        "frames_ok": sum(|sample| sample.frames_ok),
        "frames_torn": sum(|sample| sample.frames_torn),
        "frames_missing": sum(|sample| sample.frames_missing),
        "frames_with_pose": sum(|sample| sample.frames_with_pose),
        "frames_with_left_hand": sum(|sample| sample.frames_with_left_hand),
        "frames_with_right_hand": sum(|sample| sample.frames_with_right_hand),
        "frames_with_hand": sum(|sample| sample.frames_with_hand),
        "frames_with_face": sum(|sample| sample.frames_with_face),
        "hands_dropped": sum(|sample| sample.hands_dropped),
        "total_processing_time": totals.total_processing_time,
        "average_fps": totals.average_fps,
        "mean_fps_per_item": totals.mean_fps_per_item,
        "median_fps_per_item": totals.median_fps_per_item,
        "mean_memory_mb": totals.mean_memory_mb,
    })
}

fn write_metrics(path: &Path, figures: &[SampleFigures]) -> Result<(), String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    for sample in figures {
        let shown = SampleFigures {
            sample_id: csv_text(&sample.sample_id).into_owned(),
            error: csv_text(&sample.error).into_owned(),
            ..sample.clone()
        };
        table.serialize(shown).map_err(text)?;
    }
    if figures.is_empty() {
        table.serialize(SampleFigures::default()).map_err(text)?;
    }
    let mut bytes = table.into_inner().map_err(text)?;
    if figures.is_empty() {
        // The header alone, in the order of all other tables.
        bytes.truncate(bytes.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1));
    }
    write_atomically(path, |file| file.write_all(&bytes)).map_err(text)
}

/// Writes a file of JSON.
///
/// # Errors
/// A message that names the file.
pub(in crate::cli) fn write_json(path: &Path, value: &Value) -> Result<(), String> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(text)?;
    bytes.push(b'\n');
    write_atomically(path, |file| file.write_all(&bytes)).map_err(text)
}

fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::split_run::SerialSample;
    use super::*;

    #[test]
    fn the_speed_up_compares_with_the_serial_sample_alone() {
        let serial = SerialSample { frames: 10, seconds: 2.0, ended: Duration::from_secs(3), others: 2 };
        let measured = Measured { wall: Duration::from_secs(8), serial: Some(serial), ..Measured::default() };
        // 50 more frames in 5 s, against 5 a second.
        assert_eq!(speed_up(&measured, 60), Some(2.0));
        assert_eq!(speed_up(&measured, 5), None);
        assert_eq!(speed_up(&measured, 61), None, "two workers cannot be more than twice as fast");
        assert_eq!(speed_up(&Measured::default(), 60), None);
        let short = SerialSample { seconds: 0.1, ..serial };
        assert_eq!(speed_up(&Measured { serial: Some(short), ..measured }, 60), None);
    }
}
