//! A job's feature runs: one table each, over one epoch grid.

use std::path::PathBuf;
use std::sync::Arc;

use consumer_support::{ExitStatus, Output};
use serde::Serialize;
use serde_json::json;
use sleep_analysis::features::{FeatureRequest, Features};
use sleep_analysis::parallel::Engine;
use sleep_analysis::{EpochGrid, Signal, SleepResult, parse_duration_ns, write_feature_table};

use super::job::{FeatureJob, FeatureRunEntry, JobFile};
use super::{OperationResult, add, file_name};
use crate::cli::feature_choice::{FeatureKind, Parameters};
use crate::cli::findings::Findings;
use crate::cli::signal_files::SignalSet;
use crate::cli::text_table::TextTable;
use consumer_support::OutFolder;

/// What a run did.
#[derive(Debug, Default, Serialize)]
struct RunReport {
    name: String,
    file: Option<String>,
    rows: usize,
    columns: Vec<String>,
    effective_window_ns: Option<i64>,
    error: Option<String>,
    #[serde(flatten)]
    findings: Findings,
}

/// Runs all of them. A run that cannot be done affects no other run.
pub(super) fn run(
    job: &JobFile,
    kind: FeatureKind,
    out: impl FnOnce(&[PathBuf]) -> SleepResult<OutFolder>,
    engine: &Engine,
    output: &Output,
) -> SleepResult<OperationResult> {
    let description: FeatureJob = job.parse()?;
    let files = job.signal_files(&description.signals);
    let settings = description.epochs()?;
    let runs = description.runs.unwrap_or_else(|| vec![FeatureRunEntry::default()]);
    let mut out = out(&files.iter().map(|file| file.path.clone()).collect::<Vec<_>>())?;
    let places =
        runs.iter().enumerate().map(|(idx, run)| claim(&mut out, idx, run)).collect::<SleepResult<Vec<_>>>()?;
    out.create()?;

    let mut findings = Findings::default();
    let set = SignalSet::read(files, &mut findings)?;
    findings.report(output, "");
    let grid = EpochGrid::over_signals(&set.signals, settings)?;
    let signals = set.sorted(&mut findings);
    findings.report(output, "");

    let mut table = TextTable::new(["run", "file", "rows", "columns", "remarks"]);
    let mut exit_status = findings.exit_status();
    let mut reports = Vec::new();
    for (idx, (run, place)) in runs.iter().zip(places).enumerate() {
        let mut report = RunReport { name: name_of(idx, run), ..RunReport::default() };
        let parameters = run.parameters.clone().unwrap_or_default();
        let done = one_run(kind, &parameters, (&signals, grid), &place, engine, &mut report);
        report.error = done.err().map(|error| error.to_string());
        print_report(&mut report, output);
        exit_status = exit_status.max(report.exit_status());
        table.row(report.cells());
        reports.push(report);
    }
    let mut result = json!({
        "epochs": grid.n_epochs(),
        "window_ns": grid.window_ns(),
        "step_ns": grid.step_ns(),
        "signals": signals.iter().map(Signal::name).collect::<Vec<_>>(),
        "runs": reports,
    });
    add(&mut result, &findings);
    Ok(OperationResult { result, table, exit_status })
}

fn one_run(
    kind: FeatureKind,
    parameters: &Parameters,
    (signals, grid): (&Arc<[Signal]>, EpochGrid),
    place: &std::path::Path,
    engine: &Engine,
    report: &mut RunReport,
) -> SleepResult<()> {
    let choice = kind.choose(parameters, signals)?;
    let mut request = FeatureRequest::new(Arc::clone(signals), grid, choice.operation)?;
    if let Some(window) = &parameters.window_length {
        request = request.with_window_ns(parse_duration_ns(window)?)?;
    }
    report.effective_window_ns = Some(request.window_ns());
    for name in &choice.unknown {
        report.findings.left_out(name, &choice.known);
    }
    let features: Arc<Features> = engine.features(&request)?;
    report.findings.failed_epochs(&features.failures);
    write_feature_table(place, &features.table)?;
    report.file = Some(file_name(place));
    report.rows = features.table.epoch_starts_ns.len();
    report.columns = features.table.columns.iter().map(|column| column.name.clone()).collect();
    Ok(())
}

fn claim(out: &mut OutFolder, idx: usize, run: &FeatureRunEntry) -> SleepResult<PathBuf> {
    match &run.expected {
        Some(name) => Ok(out.claim(name)?),
        None => Ok(out.claim_free(&name_of(idx, run))?),
    }
}

fn name_of(idx: usize, run: &FeatureRunEntry) -> String {
    run.name.clone().unwrap_or_else(|| format!("run_{}", idx + 1))
}

fn print_report(report: &mut RunReport, output: &Output) {
    let scope = format!("run {:?}: ", report.name);
    report.findings.report(output, &scope);
    if let Some(error) = &report.error {
        output.error(&format!("{scope}{error}"));
    }
}

impl RunReport {
    fn exit_status(&self) -> ExitStatus {
        if self.error.is_some() { ExitStatus::Incomplete } else { self.findings.exit_status() }
    }

    fn cells(&self) -> [String; 5] {
        let remarks = self.error.clone().unwrap_or_else(|| self.findings.in_short());
        let file = self.file.clone().unwrap_or_else(|| "-".into());
        [self.name.clone(), file, self.rows.to_string(), self.columns.len().to_string(), remarks]
    }
}
