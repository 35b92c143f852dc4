//! What `validate` writes: the verdicts as a table, all of it as JSON, and a page.

use std::path::Path;

use consumer_support::OutFolder;
use consumer_support::command_line::shell_quoted;
use manyhands::report::write_atomically;
use serde_json::{Value, json};
use signal_batch::limits::{Judgement, Limits, Verdict};
use signal_batch::{BatchResult, NumberColumn, Table, TextColumn};

use super::page;
use super::rows::sentences;
use super::units::Units;
use crate::cli::Refusal;

/// Writes the three files; gives the path of the page, as a word of a shell.
///
/// # Errors
/// A message when one cannot be written.
pub(super) fn write(out: &Path, units: &Units, limits: &Limits, judgement: &Judgement) -> Result<String, Refusal> {
    OutFolder::new(out, []).create().map_err(|error| error.to_string())?;
    let verdicts = verdicts(units, limits, judgement).map_err(|error| error.to_string())?;
    verdicts.write_csv(out.join("verdicts.csv")).map_err(|error| error.to_string())?;
    let write = |name: &str, text: String| {
        write_atomically(out.join(name), |file| file.write_all(text.as_bytes())).map_err(|error| error.to_string())
    };
    write("validation.json", format!("{:#}\n", summary(units, limits, judgement)))?;
    write("index.html", page::page(units, judgement))?;
    Ok(shell_quoted(&out.join("index.html")))
}

/// All of it: counts, yields, and every verdict.
pub(super) fn summary(units: &Units, limits: &Limits, judgement: &Judgement) -> Value {
    let limit =
        |one: &signal_batch::limits::MetricLimits| json!({ "metric": one.metric, "min": one.min, "max": one.max });
    json!({
        "operation": "validate",
        "source": units.source,
        "units": judgement.units.len(),
        "passed": judgement.n_passed(),
        "failed": judgement.units.len() - judgement.n_passed(),
        "yield_percent": judgement.yield_percent(),
        "score": judgement.score(),
        "limits": limits.metrics().iter().map(limit).collect::<Vec<Value>>(),
        "metrics": judgement.metrics,
        "batches": judgement.batches,
        "verdicts": judgement.units.iter().map(verdict).collect::<Vec<Value>>(),
        "signal_batch": env!("CARGO_PKG_VERSION"),
    })
}

fn verdict(verdict: &Verdict) -> Value {
    json!({
        "unit": verdict.unit,
        "batch": verdict.batch,
        "row": verdict.row,
        "passed": verdict.passed,
        "score": verdict.score,
        "reasons": verdict.reasons,
        "sentences": verdict.reasons.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// A row for each unit: name, batch, verdict, score, the judged values, and why it fails.
fn verdicts(units: &Units, limits: &Limits, judgement: &Judgement) -> BatchResult<Table> {
    let text = |name: &str, value: &dyn Fn(&Verdict) -> String| TextColumn {
        name: name.to_owned(),
        values: judgement.units.iter().map(value).collect(),
    };
    let texts = vec![
        text("file", &|unit| unit.unit.clone()),
        text("batch", &|unit| unit.batch.clone()),
        text("verdict", &|unit| if unit.passed { "pass" } else { "fail" }.to_owned()),
        text("reasons", &|unit| sentences(&unit.reasons)),
    ];
    let scores = judgement.units.iter().map(|unit| unit.score).collect();
    let mut numbers = vec![NumberColumn { name: "score".to_owned(), values: scores }];
    let judged = limits.metrics().iter().filter(|one| one.min.is_some() || one.max.is_some());
    let judged = judged.filter(|one| one.metric != "score");
    numbers.extend(judged.filter_map(|one| {
        Some(NumberColumn { name: one.metric.clone(), values: units.table.number(&one.metric)?.to_vec() })
    }));
    let values: Vec<String> = numbers.iter().map(|column| column.name.clone()).collect();
    let first = ["file", "batch", "verdict"].map(str::to_owned);
    let order: Vec<String> = first.into_iter().chain(values).chain(["reasons".to_owned()]).collect();
    Table::new(texts, numbers)?.in_order(&order)
}
