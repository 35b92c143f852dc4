//! What the commands of the tour found, in a few lines, read from the files that they wrote.

use std::path::Path;

use signal_batch::limits::Limits;
use signal_batch::regression::{RegressionSettings, compare_groups};
use signal_batch::stats::{self, OutlierMethod};
use signal_batch::{Metric, Table};

use crate::cli::Refusal;

/// The outliers that the tour names are those of `aggregate` at its usual threshold.
const THRESHOLD: f64 = 3.0;

/// How many captures were measured, and which failed.
pub(super) fn measured(out: &Path) -> Result<Vec<String>, Refusal> {
    let table = results(out)?;
    let errors = table.text("error").unwrap_or_default().iter().enumerate().filter(|(_, error)| !error.is_empty());
    let failed: Vec<String> = errors.map(|(row, error)| format!("{}: {error}", table.row_name(row))).collect();
    let n_measured = table.n_rows() - failed.len();
    Ok(std::iter::once(format!("{n_measured} measured, {} failed", failed.len())).chain(failed).collect())
}

/// Means and deviations of each line, and its most outlying captures.
pub(super) fn aggregated(out: &Path) -> Result<Vec<String>, Refusal> {
    let table = results(out)?;
    let mut lines = Vec::new();
    let mut odd: Vec<(usize, Vec<&str>)> = Vec::new();
    let groups = stats::aggregate_by(&table, "batch", OutlierMethod::Iqr, THRESHOLD).map_err(text)?;
    for (line, summaries) in &groups {
        let of = |metric: Metric| summaries.iter().find(|summary| summary.name == metric.name());
        let shown = [Metric::Rms, Metric::Snr].into_iter().filter_map(|metric| {
            let described = &of(metric)?.description;
            let unit = metric.unit().sign("V");
            Some(format!("{} {:.3} {unit} (deviation {:.3})", metric.name(), described.mean, described.std))
        });
        lines.push(format!("{line}: {}", shown.collect::<Vec<_>>().join(", ")));
        for summary in summaries.iter().filter(|summary| Metric::of_name(&summary.name).is_some()) {
            for outlier in &summary.outliers {
                match odd.iter_mut().find(|(row, _)| *row == outlier.row) {
                    Some((_, metrics)) => metrics.push(&summary.name),
                    None => odd.push((outlier.row, vec![&summary.name])),
                }
            }
        }
    }
    odd.retain(|(_, metrics)| metrics.len() > 2);
    odd.sort_by_key(|(row, metrics)| (std::cmp::Reverse(metrics.len()), *row));
    lines.extend(odd.iter().map(|(row, metrics)| oddity(&table.row_name(*row), metrics)));
    Ok(lines)
}

/// A capture, and the first metrics in which it is an outlier.
fn oddity(name: &str, metrics: &[&str]) -> String {
    let first: Vec<&str> = metrics.iter().take(3).copied().collect();
    let more = match metrics.len() - first.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("odd: {name} in {}{more}", first.join(", "))
}

/// The metrics in which the lines differ.
pub(super) fn compared(out: &Path) -> Result<Vec<String>, Refusal> {
    let comparisons = compare_groups(&results(out)?, "batch", &RegressionSettings::default()).map_err(text)?;
    let moved = comparisons.regressions().map(|moved| {
        let percent = moved.change_percent.map_or_else(|| "from 0".to_owned(), |percent| format!("{percent:+.0} %"));
        let p = moved.p_adjusted.unwrap_or(f64::NAN);
        format!("{}: {percent} from {} to {}, adjusted p {p:.1e}", moved.metric, moved.a, moved.b)
    });
    let moved: Vec<String> = moved.collect();
    let count = format!("{} of {} metrics differ", moved.len(), comparisons.metrics.len());
    Ok(std::iter::once(count).chain(moved).collect())
}

/// How many units passed, and why the others did not.
pub(super) fn validated(out: &Path) -> Result<Vec<String>, Refusal> {
    let judged =
        Limits::read(&out.join("limits.toml")).and_then(|limits| limits.judge(&results_of(out)?)).map_err(text)?;
    let count =
        format!("{} of {} units passed, score {:.1} of 100", judged.n_passed(), judged.units.len(), judged.score());
    let failed = judged.failed_worst_first();
    // A unit that was not measured has been named, with the reason.
    let failed = failed.iter().map(|verdict| match verdict.reasons.first() {
        Some(signal_batch::limits::Reason::NotMeasured { .. }) | None => format!("{}: not measured", verdict.unit),
        Some(reason) => format!("{}: {reason}", verdict.unit),
    });
    Ok(std::iter::once(count).chain(failed).collect())
}

fn results(out: &Path) -> Result<Table, Refusal> {
    results_of(out).map_err(text)
}

fn results_of(out: &Path) -> signal_batch::BatchResult<Table> {
    Table::read_csv(out.join("measured/results.csv"))
}

fn text(error: impl ToString) -> Refusal {
    error.to_string()
}
