//! The tables of `validate` as texts, for the terminal and for the page.

use signal_batch::limits::{BatchYield, Judgement, MetricYield, Reason};
use signal_batch::short_number_text;

/// The names of the columns of [`metric_rows`].
pub(super) const METRIC_HEAD: [&str; 6] = ["metric", "limits", "passed", "below", "above", "missing"];

/// The names of the columns of [`batch_rows`].
pub(super) const BATCH_HEAD: [&str; 5] = ["batch", "units", "passed", "yield %", "score"];

/// How many units keep to the limits of each metric.
pub(super) fn metric_rows(judgement: &Judgement) -> Vec<Vec<String>> {
    let row = |metric: &MetricYield| {
        let counts = [metric.passed, metric.below, metric.above, metric.missing].map(|count| count.to_string());
        [vec![metric.metric.clone(), range(metric)], counts.to_vec()].concat()
    };
    judgement.metrics.iter().map(row).collect()
}

/// The limits of a metric: `0.4 to 0.5`, `20 or more`, `3 or less`.
fn range(metric: &MetricYield) -> String {
    match (metric.min.map(short_number_text), metric.max.map(short_number_text)) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => String::new(),
    }
}

/// How many units of each batch pass.
pub(super) fn batch_rows(judgement: &Judgement) -> Vec<Vec<String>> {
    let row = |batch: &BatchYield| {
        vec![
            if batch.batch.is_empty() { "(none)".to_owned() } else { batch.batch.clone() },
            batch.units.to_string(),
            batch.passed.to_string(),
            format!("{:.2}", 100.0 * batch.passed as f64 / batch.units as f64),
            format!("{:.2}", batch.score),
        ]
    };
    judgement.batches.iter().map(row).collect()
}

/// The reasons as one text.
pub(super) fn sentences(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
