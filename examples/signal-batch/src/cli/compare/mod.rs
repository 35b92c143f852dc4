//! `compare`: two batches, the groups of one, or a batch against a baseline.

mod files;
mod inputs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use consumer_support::{CliContext, ExitStatus, Output};
use jiff::Timestamp;
use manyhands::report::write_atomically;
use signal_batch::limits::{Limits, MaxChange};
use signal_batch::regression::{
    Baseline, ChangeLimit, Comparisons, Correction, RegressionSettings, Test, compare_groups, compare_tables,
};
use signal_batch::report::comparison_terminal;

use super::Refusal;
use inputs::{Batch, read_table};

/// Lines on a terminal are no longer than this.
const WIDTH: usize = 80;

/// What is compared, and how.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompareArgs {
    /// Two tables, or folders that hold a results.csv; with --baseline, --group or --save-baseline one.
    #[arg(required = true, num_args = 1..=2, value_name = "TABLE")]
    tables: Vec<PathBuf>,
    /// Compare the table with this earlier one: an earlier results.csv, or a file that --save-baseline wrote. Exit code 1 when a metric
    /// has moved.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["group", "save_baseline"])]
    baseline: Option<PathBuf>,
    /// Compare the groups of one table: the rows that share a text in this column, such as batch.
    #[arg(long, value_name = "COLUMN", conflicts_with = "save_baseline")]
    group: Option<String>,
    /// Only save all values of the table, with versions and the time, as a baseline for later.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["test", "correction", "alpha", "limit", "limits", "metrics", "out"])]
    save_baseline: Option<PathBuf>,
    /// What is tested: welch (means; the variances may differ), mann-whitney (ranks; wild values do little) or ks (whole distributions,
    /// the spread too).
    #[arg(long, default_value = "welch", value_name = "TEST")]
    test: Test,
    /// How the p values of all metrics are corrected together: holm (any false alarm is as rare as --alpha), bh (of all alarms, at most
    /// this share is false) or none.
    #[arg(long, default_value = "holm", value_name = "METHOD")]
    correction: Correction,
    /// A change is significant when its corrected p value is below this level.
    #[arg(long, default_value_t = 0.01, value_name = "P", allow_negative_numbers = true)]
    alpha: f64,
    /// The largest change of the mean that is allowed, such as rms=2% or snr_db=0.5. Without it, every significant change counts. May be
    /// repeated.
    #[arg(long, value_name = "METRIC=CHANGE", value_parser = limit)]
    limit: Vec<(String, MaxChange)>,
    /// Limits from a file; see the example below. Where both name a metric, --limit counts.
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// Only these metrics, separated by commas; without it, all but n_samples and rate_hz.
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    metrics: Option<Vec<String>>,
    /// Where comparison.json, comparison.csv and index.html go; without it, nothing is written.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  signal-batch compare monday tuesday --out compared
  signal-batch compare results.csv --group batch
  signal-batch compare --save-baseline baseline.json good/results.csv
  signal-batch compare --baseline baseline.json tonight --limit rms=2% --limit snr_db=0.5

A metric has moved when its corrected p value is below --alpha, the change of its
mean is larger than its limit, and the change is in the worse direction where one
is stated. limits.toml, as for validate:
  [metrics.snr_db]
  max_change = 0.5       # in the unit of the metric, or a share such as \"2%\"
  worse = \"lower\"        # higher, lower, or either (the default)

Exit code 0: compared; with --baseline: nothing has moved. 1: with --baseline a
metric has moved; or one that was named, or is in the baseline, could not be
tested. 2: could not run, or no metric at all could be tested.";

/// Compares, prints, and writes what --out asks for.
///
/// # Errors
/// A message when a table cannot be read, a name is unknown, or the results cannot be written.
pub(super) fn compare(args: &CompareArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    require_inputs(args)?;
    if let Some(file) = &args.save_baseline {
        return save_baseline(&args.tables[0], file, context.output);
    }
    let settings = settings(args)?;
    let (batches, comparisons) = compared(args, &settings)?;
    let status = exit_status(args, &comparisons);
    if let Some(out) = &args.out {
        files::write(out, &batches, args.group.as_deref(), &comparisons)?;
    }
    context.output.result(&batches.iter().map(Batch::to_string).collect::<Vec<_>>().join("\n"));
    context.output.result(&comparison_terminal(&comparisons, WIDTH));
    if let Some(out) = &args.out {
        context.output.result(&format!("written to {}", out.join(files::PAGE).display()));
    }
    name_untested(args, &comparisons, context.output);
    context.output.json(&files::json(&batches, &comparisons).to_string());
    Ok(status)
}

fn compared(args: &CompareArgs, settings: &RegressionSettings) -> Result<(Vec<Batch>, Comparisons), Refusal> {
    if let Some(group) = &args.group {
        let batch = Batch::read("table", &args.tables[0], &[group])?;
        let comparisons = compare_groups(&batch.table, group, settings).map_err(text)?;
        return Ok((vec![batch], comparisons));
    }
    let (a, b) = match &args.baseline {
        Some(baseline) => (Batch::read_baseline(baseline)?, &args.tables[0]),
        None => (Batch::read("a", &args.tables[0], &[])?, &args.tables[1]),
    };
    let b = Batch::read("b", b, &[])?;
    let comparisons = compare_tables(&a.table, &b.table, settings).map_err(text)?;
    Ok((vec![a, b], comparisons))
}

/// Refuses one table too many or too few.
fn require_inputs(args: &CompareArgs) -> Result<(), Refusal> {
    let needs_one = args.baseline.is_some() || args.group.is_some() || args.save_baseline.is_some();
    match (args.tables.len(), needs_one) {
        (1, false) => {
            Err("one table is compared with none; give a second one, --baseline FILE, or --group COLUMN".into())
        }
        (2, true) => Err("--baseline, --group and --save-baseline take one table; leave the other one out".into()),
        _ => Ok(()),
    }
}

fn settings(args: &CompareArgs) -> Result<RegressionSettings, Refusal> {
    let mut limits: BTreeMap<String, ChangeLimit> = BTreeMap::new();
    if let Some(file) = &args.limits {
        limits.extend(ChangeLimit::of_file(&Limits::read(file).map_err(text)?));
    }
    for (metric, most) in &args.limit {
        limits.entry(metric.clone()).or_default().max_change = Some(*most);
    }
    let CompareArgs { test, correction, alpha, metrics, .. } = args;
    Ok(RegressionSettings { test: *test, correction: *correction, alpha: *alpha, metrics: metrics.clone(), limits })
}

fn save_baseline(table: &Path, file: &Path, output: &Output) -> Result<ExitStatus, Refusal> {
    let (path, table) = read_table(table, &[])?;
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a time without its fraction is a time");
    let baseline = Baseline::of(&table, &path.display().to_string(), Some(now))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let json = baseline.to_json();
    write_atomically(file, |to| to.write_all(json.as_bytes()))
        .map_err(|error| format!("{}: {error}; choose another place for --save-baseline", file.display()))?;
    let counts = baseline.counts();
    let n_values: usize = counts.values().sum();
    output.result(&format!("{n_values} values of {} columns saved to {}", counts.len(), file.display()));
    output.json(&serde_json::json!({ "baseline": file, "values": counts }).to_string());
    Ok(ExitStatus::Done)
}

/// Whether a metric that the user, or the baseline, asks for could not be tested.
fn missing<'a>(args: &'a CompareArgs, comparisons: &'a Comparisons) -> Vec<&'a str> {
    let is_named = |name: &str| {
        let listed = args.metrics.as_ref().is_some_and(|names| names.iter().any(|one| one == name));
        listed || comparisons.settings.limits.contains_key(name)
    };
    let is_wanted = |name: &str| is_named(name) || args.baseline.is_some() && args.metrics.is_none();
    let untested = comparisons
        .untested()
        .filter(|one| is_wanted(&one.metric) && (one.comparison.n_a > 0 || is_named(&one.metric)));
    let absent_from_b = comparisons.only_in_a.iter().map(String::as_str).filter(|name| is_wanted(name));
    let absent_from_a = comparisons.only_in_b.iter().map(String::as_str).filter(|name| is_named(name));
    untested.map(|one| one.metric.as_str()).chain(absent_from_b).chain(absent_from_a).collect()
}

fn exit_status(args: &CompareArgs, comparisons: &Comparisons) -> ExitStatus {
    let has_moved = args.baseline.is_some() && comparisons.regressions().next().is_some();
    if has_moved || !missing(args, comparisons).is_empty() {
        ExitStatus::Incomplete
    } else if has_tested_none(comparisons) {
        ExitStatus::CouldNotRun
    } else {
        ExitStatus::Done
    }
}

/// Whether there was nothing to compare: that is no sign that nothing has moved.
fn has_tested_none(comparisons: &Comparisons) -> bool {
    comparisons.metrics.iter().all(|one| one.p.is_none())
}

fn name_untested(args: &CompareArgs, comparisons: &Comparisons, output: &Output) {
    let missing = missing(args, comparisons);
    if !missing.is_empty() {
        output.warning(&format!("not tested although wanted: {}", missing.join(", ")));
    }
    if has_tested_none(comparisons) {
        output.error(
            &"no metric could be tested, so nothing is known of changes; check the tables, or the column of groups",
        );
    }
}

/// `rms=2%`.
fn limit(argument: &str) -> Result<(String, MaxChange), String> {
    let (metric, most) = argument.split_once('=').ok_or("give METRIC=CHANGE, such as rms=2% or snr_db=0.5")?;
    Ok((metric.trim().to_owned(), most.parse()?))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
