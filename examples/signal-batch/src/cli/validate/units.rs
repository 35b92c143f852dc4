//! The units to judge, as a table: one that is read, or the measurements of captures.

use std::path::{Path, PathBuf};

use consumer_support::{CliContext, Interrupted, notice};
use signal_batch::limits::Limits;
use signal_batch::measure::MetricSet;
use signal_batch::{Metric, Table};

use super::ValidateArgs;
use crate::cli::Refusal;
use crate::cli::measure::{Distribution, MeasureSettings, measure_once, name_some, overruled_rates};
use crate::cli::results::{results_table, table_at};

/// What is judged.
pub(super) struct Units {
    pub(super) table: Table,
    /// Where they come from, for people.
    pub(super) source: String,
    /// Whether a file that was named is no capture.
    pub(super) lacks_some: bool,
}

/// The units that the arguments name, or the signal that ended their measurement.
///
/// # Errors
/// A message when they cannot be read.
pub(super) fn of(
    args: &ValidateArgs,
    limits: &Limits,
    context: &CliContext<'_>,
) -> Result<Result<Units, Interrupted>, Refusal> {
    if let Some(path) = table_path(&args.captures.inputs, limits) {
        let table = Table::read_csv(&path).map_err(|error| error.to_string())?;
        return Ok(Ok(Units { table, source: path.display().to_string(), lacks_some: false }));
    }
    measured(args, limits, context)
}

/// The table among the inputs: the only one, when it is results in a folder, or a file whose columns are metrics or have limits.
fn table_path(inputs: &[PathBuf], limits: &Limits) -> Option<PathBuf> {
    let [input] = inputs else { return None };
    let path = table_at(input);
    let names = Table::csv_column_names(&path).ok()?;
    let is_known =
        |name: &String| Metric::of_name(name).is_some() || limits.metrics().iter().any(|limits| limits.metric == *name);
    (is_csv(&path) && names.iter().any(is_known)).then_some(path)
}

fn is_csv(path: &Path) -> bool {
    !path.extension().is_some_and(|ending| ["npy", "wav"].iter().any(|other| ending.eq_ignore_ascii_case(other)))
}

fn measured(
    args: &ValidateArgs,
    limits: &Limits,
    context: &CliContext<'_>,
) -> Result<Result<Units, Interrupted>, Refusal> {
    let in_file = |error: signal_batch::BatchError| format!("{}: {error}", args.limits.display());
    limits.require_known(Metric::ALL.map(Metric::name)).map_err(in_file)?;
    let judging = limits.metrics().iter().filter(|one| one.min.is_some() || one.max.is_some());
    let metrics: MetricSet = judging.filter_map(|one| Metric::of_name(&one.metric)).collect();
    let settings = MeasureSettings { read: args.captures.read_settings(), metrics, on_device: false };
    let captures = args.captures.captures(args.out.as_deref())?;
    name_some(&captures.set_aside, "are set aside", context.output);
    let interruption = context.listen(format!("the captures at work, {} at most", context.n_workers()))?;
    let distribution = Distribution { mode: context.mode, memory: None, stop: interruption.token() };
    let worked = measure_once(&captures.items, &settings, &distribution, context)?;
    worked.warnings.iter().for_each(|warning| context.output.warning(warning));
    if let Some(interrupted) = interruption.interrupted().filter(|_| worked.tally.cancelled > 0) {
        notice(&format!("ended by {}: nothing was judged", interrupted.signal));
        return Ok(Err(interrupted));
    }
    overruled_rates(&captures.items, &worked.results).iter().for_each(|sentence| context.output.warning(sentence));
    let table = results_table(&captures.items, &worked.results).map_err(|error| error.to_string())?;
    Ok(Ok(Units { table, source: format!("{} captures", captures.items.len()), lacks_some: captures.lacks_named }))
}
