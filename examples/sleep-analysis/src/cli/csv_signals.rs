//! `sleep-analysis features` and `sleep-analysis align`: signals in CSV files, given as `name=file.csv`.
//!
//! Promises: an unknown name (signal, feature, method, column) is an error before any work; after that, a signal
//! or epoch that fails affects no other and is named in `summary.json`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use consumer_support::{ExitStatus, Output};
use serde::Serialize;
use sleep_analysis::features::{CorrelationMethod, FeatureRequest, Features};
use sleep_analysis::parallel::Engine;
use sleep_analysis::{
    AlignRequest, AlignedSignal, AlignmentGrid, Column, EpochGrid, EpochGridSettings, FeatureTable, Signal, SleepError,
    SleepResult, choose_signals, combine, parse_duration_ns, parse_time_ns, target_rate_hz, write_aligned_table,
    write_feature_table, write_whole_file,
};

use super::analysis::CliContext;
use super::args::{AlignArgs, FeaturesArgs};
use super::cost::Cost;
use super::feature_choice::{FeatureKind, Names, Parameters};
use super::findings::Findings;
use super::signal_files::{SignalFile, SignalSet, note_foreign_rate, require_fitting_table};
use super::text_table::TextTable;
use consumer_support::OutFolder;

const FEATURES: &str = "features.csv";
const ALIGNED: &str = "aligned.csv";
const SUMMARY: &str = "summary.json";

/// `features.csv`: one table of all features requested.
///
/// # Errors
/// [`SleepError`] when nothing could be done: an invalid name or value, no readable signal, no place to write.
pub(crate) fn features(args: &FeaturesArgs, context: &CliContext<'_>) -> SleepResult<ExitStatus> {
    let CliContext { engine, output, .. } = *context;
    let started = Instant::now();
    let files = signal_files(&args.signals)?;
    let settings = epoch_settings(args)?;
    let kinds = kinds(args);
    let parameters = parameters(args, &kinds, files.len())?;
    let place = out_folder(&args.out, &files, FEATURES)?;

    let mut findings = Findings::default();
    let set = SignalSet::read(files, &mut findings)?;
    findings.report(output, "");
    let grid = EpochGrid::over_signals(&set.signals, settings)?;
    let signals = set.sorted(&mut findings);
    findings.report(output, "");
    let requests = requests(&kinds, &parameters, &signals, grid, &mut findings)?;

    let mut shown = TextTable::new(["operation", "signals", "epochs", "columns", "failed epochs"]);
    let mut whole = FeatureTable { epoch_starts_ns: grid.starts_ns().collect(), columns: Vec::new() };
    for (kind, request) in &requests {
        let features = engine.features(request)?;
        findings.failed_epochs(&features.failures);
        shown.row(cells(*kind, request, &features));
        append(&mut whole, *kind, &features.table);
    }
    findings.report(output, "");
    write_feature_table(&place, &whole)?;
    let summary = FeatureSummary {
        operation: "features",
        operations: kinds.iter().map(|kind| kind.name()).collect(),
        signals: signals.len(),
        epochs: grid.n_epochs(),
        columns: whole.columns.len(),
        window_ns: grid.window_ns(),
        step_ns: grid.step_ns(),
        file: FEATURES,
        findings,
        cost: Cost::since(started, context),
    };
    finish(&args.out, FEATURES, &summary, &shown, output)?;
    Ok(summary.findings.exit_status())
}

/// `aligned.csv`: one table of all signals on the points of one grid.
///
/// # Errors
/// [`SleepError`] when nothing could be done: an invalid name or rate, no readable signal, no place to write.
pub(crate) fn align(args: &AlignArgs, context: &CliContext<'_>) -> SleepResult<ExitStatus> {
    let CliContext { engine, output, .. } = *context;
    let started = Instant::now();
    let files = signal_files(&args.signals)?;
    require_known("signal", args.only.iter().flatten(), files.iter().map(|file| file.name.as_str()))?;
    let requested_rate = args.rate.map(|rate_hz| target_rate_hz(&[], Some(rate_hz))).transpose()?;
    let place = out_folder(&args.out, &files, ALIGNED)?;

    let mut findings = Findings::default();
    let set = SignalSet::read(files, &mut findings)?;
    findings.report(output, "");
    let (names, timings) = set.timings();
    let rate_hz = target_rate_hz(&timings, requested_rate)?;
    let grid = AlignmentGrid::covering(&timings, rate_hz)?;
    if requested_rate.is_some() {
        note_foreign_rate(&names, &timings, rate_hz, &mut findings);
    }
    let mut shown = TextTable::new(["signal", "samples", "aligned rows", "remarks"]);
    let aligned = align_chosen(args, &set, grid, engine, &mut shown, &mut findings)?;
    findings.report(output, "");
    let n_aligned = aligned.len();
    if n_aligned > 0 {
        write_aligned_table(&place, &combine(&grid, aligned)?)?;
    }
    let summary = AlignSummary {
        operation: "align",
        method: args.method.to_string(),
        signals: set.signals.len(),
        aligned: n_aligned,
        target_rate_hz: rate_hz,
        period_ns: grid.period_ns(),
        grid_first_ns: grid.reference_ns(),
        grid_last_ns: grid.last_ns(),
        grid_count: grid.count(),
        file: (n_aligned > 0).then_some(ALIGNED),
        findings,
        cost: Cost::since(started, context),
    };
    finish(&args.out, ALIGNED, &summary, &shown, output)?;
    if n_aligned == 0 {
        output.error(&format!("no signal could be aligned, so there is no {ALIGNED}"));
        return Ok(ExitStatus::CouldNotRun);
    }
    Ok(summary.findings.exit_status())
}

/// `summary.json` of a feature table.
#[derive(Debug, Serialize)]
struct FeatureSummary {
    operation: &'static str,
    operations: Vec<&'static str>,
    signals: usize,
    epochs: usize,
    columns: usize,
    window_ns: i64,
    step_ns: i64,
    file: &'static str,
    #[serde(flatten)]
    findings: Findings,
    #[serde(flatten)]
    cost: Cost,
}

/// `summary.json` of an aligned table.
#[derive(Debug, Serialize)]
struct AlignSummary {
    operation: &'static str,
    method: String,
    signals: usize,
    aligned: usize,
    target_rate_hz: f64,
    period_ns: i64,
    grid_first_ns: i64,
    grid_last_ns: i64,
    grid_count: usize,
    file: Option<&'static str>,
    #[serde(flatten)]
    findings: Findings,
    #[serde(flatten)]
    cost: Cost,
}

fn signal_files(signals: &[String]) -> SleepResult<Vec<SignalFile>> {
    let file = |text: &String| match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(SignalFile { name: name.to_owned(), path: path.into() })
        }
        _ => Err(SleepError::Config(format!("signal {text:?} is not understood; give it as name=file.csv"))),
    };
    let files = signals.iter().map(file).collect::<SleepResult<Vec<_>>>()?;
    SignalSet::require_distinct_names(&files)?;
    Ok(files)
}

fn out_folder(folder: &Path, files: &[SignalFile], name: &str) -> SleepResult<std::path::PathBuf> {
    let mut out = OutFolder::new(folder, files.iter().map(|file| file.path.as_path()));
    out.claim(SUMMARY)?;
    let place = out.claim(name)?;
    out.create()?;
    Ok(place)
}

fn finish(folder: &Path, file: &str, summary: &impl Serialize, shown: &TextTable, output: &Output) -> SleepResult<()> {
    let json = serde_json::to_value(summary).expect("plain data with text for keys is always JSON");
    write_whole_file(&folder.join(SUMMARY), |out| writeln!(out, "{json:#}"))?;
    output.result(shown);
    output.result(&format!("{file} and {SUMMARY} are in {}", folder.display()));
    output.json(&json.to_string());
    Ok(())
}

fn epoch_settings(args: &FeaturesArgs) -> SleepResult<EpochGridSettings> {
    let window_ns = parse_duration_ns(&args.window)?;
    Ok(EpochGridSettings {
        window_ns,
        step_ns: args.step.as_deref().map_or(Ok(window_ns), parse_duration_ns)?,
        start_ns: args.start.as_deref().map(parse_time_ns).transpose()?,
        end_ns: args.end.as_deref().map(parse_time_ns).transpose()?,
    })
}

/// The operations requested, each once.
fn kinds(args: &FeaturesArgs) -> Vec<FeatureKind> {
    let mut kinds = Vec::new();
    for &kind in &args.operation {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// What the arguments ask of the operations; every name in them is known to one of these.
fn parameters(args: &FeaturesArgs, kinds: &[FeatureKind], n_signals: usize) -> SleepResult<Parameters> {
    let requested = |kind| kinds.contains(&kind);
    let [statistics, hrv, movement, correlation] =
        [FeatureKind::Statistics, FeatureKind::Hrv, FeatureKind::Movement, FeatureKind::Correlation].map(requested);
    require_use("--aggregations", args.aggregations.is_some(), "statistics", statistics)?;
    require_use("--metrics", args.metrics.is_some(), "hrv or movement", hrv || movement)?;
    require_use("--rr", args.rr, "hrv", hrv)?;
    require_use("--method", args.method.is_some(), "correlation", correlation)?;
    require_use("--columns", args.columns.is_some(), "correlation", correlation)?;
    if correlation {
        require_pair(args, n_signals)?;
    }
    let mut parameters = Parameters {
        aggregations: args.aggregations.clone().map(Names::Many),
        use_rr_intervals: Some(args.rr),
        method: args.method.clone(),
        signal1_column: args.columns.as_ref().map(|columns| columns[0].clone()),
        signal2_column: args.columns.as_ref().map(|columns| columns[1].clone()),
        ..Parameters::default()
    };
    share_metrics(args, kinds, &mut parameters)?;
    if let Some(aggregations) = &parameters.aggregations {
        require_known_names("aggregation", aggregations, &FeatureKind::Statistics.names(&parameters))?;
    }
    Ok(parameters)
}

fn require_use(option: &str, is_given: bool, operation: &str, is_asked: bool) -> SleepResult<()> {
    if !is_given || is_asked {
        return Ok(());
    }
    Err(SleepError::Config(format!("{option} is for {operation}; add that to --operation, or leave {option} out")))
}

fn require_pair(args: &FeaturesArgs, n_signals: usize) -> SleepResult<()> {
    if n_signals != 2 {
        return Err(SleepError::Config(format!("a correlation of {n_signals} signals; give exactly two")));
    }
    if let Some(columns) = args.columns.as_ref().filter(|columns| columns.len() != 2) {
        return Err(SleepError::Config(format!("--columns {}; give two, one of each signal", columns.join(","))));
    }
    args.method.as_deref().map_or(Ok(CorrelationMethod::Pearson), str::parse).map(drop)
}

/// Gives each of the operations its own among the metrics.
fn share_metrics(args: &FeaturesArgs, kinds: &[FeatureKind], parameters: &mut Parameters) -> SleepResult<()> {
    let Some(metrics) = args.metrics.clone().map(Names::Many) else { return Ok(()) };
    let with_metrics = || kinds.iter().copied().filter(|kind| matches!(kind, FeatureKind::Hrv | FeatureKind::Movement));
    let known: Vec<&str> = with_metrics().flat_map(|kind| kind.names(parameters)).collect();
    require_known_names("metric", &metrics, &known)?;
    for kind in with_metrics() {
        let own = metrics.among(&kind.names(parameters));
        if own.is_empty() {
            let name = kind.name();
            return Err(SleepError::Config(format!("--metrics names none of {name}; add one, or leave {name} out")));
        }
        match kind {
            FeatureKind::Hrv => parameters.hrv_metrics = Some(own),
            _ => parameters.movement_metrics = Some(own),
        }
    }
    Ok(())
}

fn require_known_names(what: &str, names: &Names, known: &[&str]) -> SleepResult<()> {
    if names.is_all() { Ok(()) } else { require_known(what, names.as_slice(), known.iter().copied()) }
}

fn require_known<'a>(
    what: &str,
    names: impl IntoIterator<Item = &'a String>,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> SleepResult<()> {
    let is_unknown = |name: &&String| !known.clone().into_iter().any(|known| known == name.as_str());
    match names.into_iter().find(is_unknown) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = known.into_iter().collect();
            Err(SleepError::Config(format!("there is no {what} {name:?}; use {}", known.join(", "))))
        }
    }
}

/// One request per operation, over the signals that have the columns it reads. All are checked before the first is begun.
fn requests(
    kinds: &[FeatureKind],
    parameters: &Parameters,
    signals: &Arc<[Signal]>,
    grid: EpochGrid,
    findings: &mut Findings,
) -> SleepResult<Vec<(FeatureKind, FeatureRequest)>> {
    let mut requests = Vec::new();
    let mut is_used = vec![false; signals.len()];
    for &kind in kinds {
        let needed = kind.needed_columns(parameters);
        let fits: Vec<bool> = signals.iter().map(|signal| has_columns(signal, &needed)).collect();
        is_used.iter_mut().zip(&fits).for_each(|(is_used, fits)| *is_used |= fits);
        let taking_part = those_that_fit(signals, &fits);
        if taking_part.is_empty() {
            let (name, needed) = (kind.name(), needed.join(", "));
            let way_out =
                if needed.is_empty() { "give one that can be read".into() } else { format!("it reads {needed}") };
            return Err(SleepError::Config(format!("no usable signal for {name}; {way_out}")));
        }
        let operation = kind.choose(parameters, &taking_part)?.operation;
        let request = FeatureRequest::new(taking_part, grid, operation)?;
        if let Some((signal, column)) = request.missing_columns().first() {
            return Err(SleepError::Config(format!(
                "signal {signal:?} has no column {column:?}; name one that it has"
            )));
        }
        requests.push((kind, request));
    }
    for (signal, _) in signals.iter().zip(is_used).filter(|(_, is_used)| !is_used) {
        findings.left_out(signal.name(), "it has none of the columns that the operations read");
    }
    Ok(requests)
}

fn has_columns(signal: &Signal, needed: &[&str]) -> bool {
    needed.iter().all(|column| signal.column(column).is_some())
}

fn those_that_fit(signals: &Arc<[Signal]>, fits: &[bool]) -> Arc<[Signal]> {
    if fits.iter().all(|fits| *fits) {
        return Arc::clone(signals);
    }
    signals.iter().zip(fits).filter(|(_, fits)| **fits).map(|(signal, _)| signal.clone()).collect()
}

/// Adds columns; one whose name is taken gets the operation's name in front of the feature's.
fn append(whole: &mut FeatureTable, kind: FeatureKind, table: &FeatureTable) {
    let taken: HashSet<String> = whole.columns.iter().map(|column| column.name.clone()).collect();
    for column in &table.columns {
        let is_taken = taken.contains(&column.name);
        let name = match column.name.rsplit_once('|') {
            Some((signal, feature)) if is_taken => format!("{signal}|{}_{feature}", kind.name()),
            _ => column.name.clone(),
        };
        whole.columns.push(Column { name, values: column.values.clone() });
    }
}

fn cells(kind: FeatureKind, request: &FeatureRequest, features: &Features) -> [String; 5] {
    let mut failed: Vec<usize> = features.failures.iter().map(|failure| failure.epoch).collect();
    failed.sort_unstable();
    failed.dedup();
    let numbers = [request.signals().len(), request.grid().n_epochs(), features.table.columns.len(), failed.len()];
    let [signals, epochs, columns, failed] = numbers.map(|number| number.to_string());
    [kind.name().to_owned(), signals, epochs, columns, failed]
}

/// Aligns the signals requested; those that cannot be are reported.
fn align_chosen(
    args: &AlignArgs,
    set: &SignalSet,
    grid: AlignmentGrid,
    engine: &Engine,
    shown: &mut TextTable,
    findings: &mut Findings,
) -> SleepResult<Vec<AlignedSignal>> {
    let choice = choose_signals(&set.signals, args.only.as_deref());
    for (name, reason) in &choice.left_out {
        findings.left_out(name, reason);
    }
    require_fitting_table(&grid, choice.idxs.iter().map(|&idx| &set.signals[idx]))?;
    let request = AlignRequest { signals: Arc::clone(&set.signals), grid, method: args.method };
    let mut aligned = Vec::new();
    for (&idx, result) in choice.idxs.iter().zip(engine.align(&request, &choice.idxs)?) {
        let signal = &set.signals[idx];
        let (rows, remark) = match &result {
            Ok(aligned) => (aligned.len().to_string(), ""),
            Err(_) => ("-".to_owned(), "failed"),
        };
        shown.row([signal.name().to_owned(), signal.len().to_string(), rows, remark.to_owned()]);
        match result {
            Ok(signal) => aligned.push(signal),
            Err(error) => findings.failed(signal.name(), set.file_of(signal.name()), &error),
        }
    }
    Ok(aligned)
}
