//! A job's alignment runs: every signal brought to one grid, one table per run and signal.

use std::collections::BTreeMap;
use std::path::PathBuf;

use consumer_support::{ExitStatus, Output};
use serde::Serialize;
use serde_json::{Value, json};
use sleep_analysis::parallel::Engine;
use sleep_analysis::{
    AlignMethod, AlignRequest, AlignmentGrid, Signal, SleepResult, choose_signals, target_rate_hz, write_aligned_signal,
};

use super::job::{AlignmentJob, AlignmentRunEntry, JobFile};
use super::{OperationResult, add, file_name};
use crate::cli::findings::Findings;
use crate::cli::signal_files::{SignalFile, SignalSet, note_foreign_rate, require_fitting_table};
use crate::cli::text_table::TextTable;
use consumer_support::OutFolder;

/// What a run did.
#[derive(Debug, Default, Serialize)]
struct RunReport {
    method: String,
    /// How many signals were aligned and written.
    aligned: usize,
    files: BTreeMap<String, String>,
    rows: BTreeMap<String, usize>,
    error: Option<String>,
    #[serde(flatten)]
    findings: Findings,
}

/// Where the tables of a run go, signal by signal.
type Places = BTreeMap<String, PathBuf>;

/// Runs all of them. A run or signal that cannot be done affects no other.
pub(super) fn run(
    job: &JobFile,
    own_method: Option<AlignMethod>,
    out: impl FnOnce(&[PathBuf]) -> SleepResult<OutFolder>,
    engine: &Engine,
    output: &Output,
) -> SleepResult<OperationResult> {
    let mut description: AlignmentJob = job.parse()?;
    let files = job.signal_files(&description.signals);
    let runs = runs_of(&mut description, own_method);
    let mut out = out(&files.iter().map(|file| file.path.clone()).collect::<Vec<_>>())?;
    let places = runs.iter().map(|run| claim(&mut out, run, &files)).collect::<SleepResult<Vec<Places>>>()?;
    out.create()?;

    let mut findings = Findings::default();
    let set = SignalSet::read(files, &mut findings)?;
    findings.report(output, "");
    let (names, timings) = set.timings();
    let rate_hz = target_rate_hz(&timings, description.user_rate_hz)?;
    let grid = AlignmentGrid::covering(&timings, rate_hz)?;
    if description.user_rate_hz.is_some() {
        note_foreign_rate(&names, &timings, rate_hz, &mut findings);
    }
    findings.report(output, "");

    let mut table = TextTable::new(["method", "aligned", "rows", "remarks"]);
    let mut exit_status = findings.exit_status();
    let mut reports = Vec::new();
    for (run, places) in runs.iter().zip(places) {
        let mut report = RunReport { method: method_of(run).to_owned(), ..RunReport::default() };
        let done = one_run(run, &set, grid, &places, engine, &mut report);
        report.error = done.err().map(|error| error.to_string()).or_else(|| report.failed_signals(&set));
        print_report(&mut report, output);
        exit_status = exit_status.max(report.exit_status());
        table.row(report.cells());
        reports.push(report);
    }
    Ok(OperationResult { result: result(rate_hz, &grid, &findings, &reports), table, exit_status })
}

fn result(rate_hz: f64, grid: &AlignmentGrid, findings: &Findings, reports: &[RunReport]) -> Value {
    let mut result = json!({
        "target_rate_hz": rate_hz,
        "period_ns": grid.period_ns(),
        "tolerance_ns": grid.asof_tolerance_ns(),
        "grid_first_ns": grid.reference_ns(),
        "grid_last_ns": grid.last_ns(),
        "grid_count": grid.count(),
        "runs": reports,
    });
    add(&mut result, findings);
    result
}

/// The runs that the job lists; without a list the job is a single run.
fn runs_of(description: &mut AlignmentJob, own_method: Option<AlignMethod>) -> Vec<AlignmentRunEntry> {
    let own_name = own_method.map(|method| method.to_string());
    let mut runs = description.runs.take().unwrap_or_else(|| {
        vec![AlignmentRunEntry { expected: description.expected.take(), ..AlignmentRunEntry::default() }]
    });
    for run in &mut runs {
        run.method = own_name.clone().or(run.method.take());
    }
    runs
}

fn method_of(run: &AlignmentRunEntry) -> &str {
    run.method.as_deref().unwrap_or("nearest")
}

/// A place for every signal that the run may align: the name that the job gives, or `<method>_<signal>.csv`.
fn claim(out: &mut OutFolder, run: &AlignmentRunEntry, files: &[SignalFile]) -> SleepResult<Places> {
    let takes_part = |file: &&SignalFile| match &run.signals_to_align {
        Some(names) => names.contains(&file.name),
        None => true,
    };
    let mut places = Places::new();
    for file in files.iter().filter(takes_part) {
        let place = match run.expected.as_ref().and_then(|expected| expected.get(&file.name)) {
            Some(name) => out.claim(name)?,
            None => out.claim_free(&format!("{}_{}", method_of(run), file.name))?,
        };
        places.insert(file.name.clone(), place);
    }
    Ok(places)
}

fn one_run(
    run: &AlignmentRunEntry,
    set: &SignalSet,
    grid: AlignmentGrid,
    places: &Places,
    engine: &Engine,
    report: &mut RunReport,
) -> SleepResult<()> {
    let method = method_of(run).parse()?;
    let choice = choose_signals(&set.signals, run.signals_to_align.as_deref());
    for (name, reason) in &choice.left_out {
        report.findings.left_out(name, reason);
    }
    if method != AlignMethod::Nearest {
        require_fitting_table(&grid, choice.idxs.iter().map(|&idx| &set.signals[idx]))?;
    }
    let request = AlignRequest { signals: set.signals.clone(), grid, method };
    for (&idx, aligned) in choice.idxs.iter().zip(engine.align(&request, &choice.idxs)?) {
        let name = Signal::name(&set.signals[idx]);
        let place = &places[name];
        match aligned.and_then(|signal| write_aligned_signal(place, &signal).map(|()| signal.len())) {
            Ok(rows) => report.aligned(name, file_name(place), rows),
            Err(error) => report.findings.failed(name, set.file_of(name), &error),
        }
    }
    Ok(())
}

fn print_report(report: &mut RunReport, output: &Output) {
    let scope = format!("method {:?}: ", report.method);
    report.findings.report(output, &scope);
    if let Some(error) = &report.error {
        output.error(&format!("{scope}{error}"));
    }
}

impl RunReport {
    fn aligned(&mut self, name: &str, file: String, rows: usize) {
        self.aligned += 1;
        self.files.insert(name.to_owned(), file);
        self.rows.insert(name.to_owned(), rows);
    }

    /// The one error that names all signals that failed.
    fn failed_signals(&self, set: &SignalSet) -> Option<String> {
        let failed = self.findings.failed_names();
        let description = || format!("{} of {} signals failed: {}", failed.len(), set.signals.len(), failed.join(", "));
        (!failed.is_empty()).then(description)
    }

    fn exit_status(&self) -> ExitStatus {
        if self.error.is_some() { ExitStatus::Incomplete } else { self.findings.exit_status() }
    }

    fn cells(&self) -> [String; 4] {
        let in_short = self.findings.in_short();
        let remarks = if in_short.is_empty() { self.error.clone().unwrap_or_default() } else { in_short };
        [self.method.clone(), self.aligned.to_string(), self.rows.values().sum::<usize>().to_string(), remarks]
    }
}
