//! Grids of a job's cases: pure arithmetic, so a case costs nothing and fails alone.

use consumer_support::ExitStatus;
use consumer_support::input::{Budget, require};
use serde_json::{Value, json};
use sleep_analysis::{AlignmentGrid, EpochGrid, SignalTiming, SleepError, SleepResult, target_rate_hz};

use super::OperationResult;
use super::job::{AlignmentGridCase, Cases, EpochGridCase, JobFile, TimesEntry};
use crate::cli::text_table::TextTable;

/// The epoch grid of every case.
pub(super) fn epoch_grids(job: &JobFile) -> SleepResult<OperationResult> {
    let Cases { cases } = job.parse::<Cases<EpochGridCase>>()?;
    let mut n_listed = 0;
    Ok(all_grids(cases.iter().map(|case| (case.name.as_deref(), epoch_grid(case, &mut n_listed)))))
}

/// The alignment grid of every case.
pub(super) fn alignment_grids(job: &JobFile) -> SleepResult<OperationResult> {
    let Cases { cases } = job.parse::<Cases<AlignmentGridCase>>()?;
    Ok(all_grids(cases.iter().map(|case| (case.name.as_deref(), alignment_grid(case)))))
}

/// `n_listed` counts the epochs of all cases, whose starts are all in the result.
fn epoch_grid(case: &EpochGridCase, n_listed: &mut usize) -> SleepResult<Value> {
    let spans = case.signal_spans_ns.iter().flatten();
    let spans = spans.filter_map(|times| Some((*times.iter().min()?, *times.iter().max()?)));
    let grid = EpochGrid::over_spans(spans, case.epochs()?)?;
    *n_listed = n_listed.saturating_add(grid.n_epochs());
    let (way_out, limit) = ("use a longer step, or fewer cases", Budget::STANDARD.epochs_of_any_input * 4);
    require(*n_listed as u64, limit, || "epochs listed for the cases of one job", way_out)
        .map_err(|over| SleepError::Config(over.to_string()))?;
    Ok(json!({
        "window_ns": grid.window_ns(),
        "step_ns": grid.step_ns(),
        "count": grid.n_epochs(),
        "epoch_start_ns": grid.starts_ns().collect::<Vec<i64>>(),
    }))
}

/// The numbers are beside the name and once more in a block `exact`, so that a reader of either finds them.
fn alignment_grid(case: &AlignmentGridCase) -> SleepResult<Value> {
    let timings = case.signals.iter().map(timing).collect::<SleepResult<Vec<_>>>()?;
    let with_samples: Vec<SignalTiming> = timings.iter().copied().flatten().collect();
    let rate_hz = target_rate_hz(&with_samples, case.user_rate_hz)?;
    let grid = AlignmentGrid::covering(&with_samples, rate_hz)?;
    let (reference_ns, last_ns, count) = (grid.reference_ns(), grid.last_ns(), grid.count());
    let rate_of = |timing: &Option<SignalTiming>| json!({ "detected_rate_hz": timing.and_then(|known| known.rate_hz) });
    Ok(json!({
        "target_rate_hz": rate_hz,
        "period_ns": grid.period_ns(),
        "reference_ns": reference_ns,
        "last_ns": last_ns,
        "count": count,
        "exact": { "reference_ns": reference_ns, "last_ns": last_ns, "count": count },
        "signals": timings.iter().map(rate_of).collect::<Vec<_>>(),
    }))
}

/// The timing of a signal, none when it has no samples.
fn timing(times: &TimesEntry) -> SleepResult<Option<SignalTiming>> {
    match (&times.timestamps_ns, times.first_ns, times.last_ns, times.count) {
        (Some(listed), ..) => Ok(SignalTiming::from_timestamps(listed)),
        (None, _, _, Some(0)) => Ok(None),
        (None, Some(first), Some(last), Some(count)) => SignalTiming::regular(first, last, count).map(Some),
        _ => Err(SleepError::Config(
            "a signal has neither timestamps_ns nor first_ns, last_ns and count; give one or the other".into(),
        )),
    }
}

fn all_grids<'a>(cases: impl Iterator<Item = (Option<&'a str>, SleepResult<Value>)>) -> OperationResult {
    let mut table = TextTable::new(["case", "count", "error"]);
    let mut exit_status = ExitStatus::Done;
    let mut entries = Vec::new();
    for (idx, (name, grid)) in cases.enumerate() {
        let name = name.map_or_else(|| format!("case_{idx}"), str::to_owned);
        let (mut entry, error) = match grid {
            Ok(grid) => (grid, None),
            Err(error) => (json!({ "count": null }), Some(error)),
        };
        let message = error.as_ref().map(ToString::to_string);
        table.row([
            name.clone(),
            entry["count"].as_u64().map_or("-".into(), |count| count.to_string()),
            message.clone().unwrap_or_default(),
        ]);
        if error.is_some() {
            exit_status = ExitStatus::Incomplete;
        }
        entry["name"] = name.into();
        entry["error"] = message.into();
        entry["error_class"] = error.as_ref().map(error_class).into();
        entries.push(entry);
    }
    OperationResult { result: json!({ "cases": entries }), table, exit_status }
}

/// The kind of mistake behind an error.
fn error_class(error: &SleepError) -> &'static str {
    match error {
        SleepError::Range(_) => "range",
        SleepError::Signal { .. } => "signal",
        SleepError::File { .. } | SleepError::FileOverBudget { .. } => "file",
        _ => "config",
    }
}
