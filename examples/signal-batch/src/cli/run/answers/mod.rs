//! The answers: a file for each group of kinds. Names and shapes are those of the case files; nothing is rounded that they do not round.

mod batch_metrics;
mod comparison;
mod description;
mod tables;
mod workload;

use serde_json::Value;

use super::case::Case;
use super::cases::Question;
use super::kind::Kind;

/// The answers to one case, as JSON text.
///
/// # Errors
/// A message that names what is wrong with the case.
pub(super) fn answer(question: &Question) -> Result<String, String> {
    if let Some(refusal) = &question.refusal {
        return Err(refusal.clone());
    }
    let case = Case::parse(&question.case)?;
    let answers: Value = match question.kind {
        Kind::DescribeOutliers => description::describe_outliers(&case),
        Kind::AggregateTables => tables::aggregate_tables(&case),
        Kind::CompareBatches => comparison::compare_batches(&case),
        Kind::MultipleTests => comparison::multiple_tests(&case),
        Kind::Quality => description::quality(&case),
        Kind::BatchMetrics => batch_metrics::batch_metrics(&case),
        Kind::Workload => workload::workload(&case),
    }?;
    Ok(answers.to_string())
}
