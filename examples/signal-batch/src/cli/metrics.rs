//! `metrics`: every measurement with its unit and what it is.

use consumer_support::{CliContext, ExitStatus};
use serde_json::json;
use signal_batch::Metric;

/// Lists all metrics, in the order of the columns.
pub(super) fn metrics(context: &CliContext<'_>) -> ExitStatus {
    for metric in Metric::ALL {
        context.output.result(&format!("{:<22} {:<4} {}", metric.name(), metric.unit().sign("V"), metric.meaning()));
    }
    let entry =
        |metric: Metric| json!({ "name": metric.name(), "unit": metric.unit().sign("V"), "meaning": metric.meaning() });
    context.output.json(&json!(Metric::ALL.map(entry)).to_string());
    ExitStatus::Done
}
