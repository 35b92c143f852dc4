//! What `compare` writes: comparison.json, comparison.csv and index.html.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use consumer_support::OutFolder;
use consumer_support::page::{Fact, Figure, Link};
use manyhands::report::{csv_text, write_atomically};
use serde_json::{Value, json};
use signal_batch::number_text;
use signal_batch::pictures::{GroupBox, GroupPanel, MOST_GROUPS, groups};
use signal_batch::regression::{Comparisons, MetricComparison};
use signal_batch::report::ComparisonPage;
use signal_batch::stats::OutlierMethod;

use super::super::Refusal;
use super::inputs::Batch;

/// The page.
pub(super) const PAGE: &str = "index.html";
/// More metrics than this are not drawn; the tables have all of them.
const MOST_DRAWN: usize = 40;
const JSON: &str = "comparison.json";
const CSV: &str = "comparison.csv";

/// The columns of comparison.csv.
const COLUMNS: [&str; 21] = [
    "metric",
    "unit",
    "a",
    "b",
    "verdict",
    "n_a",
    "n_b",
    "mean_a",
    "mean_b",
    "mean_diff",
    "change_percent",
    "ci95_low",
    "ci95_high",
    "cohen_d",
    "hedges_g",
    "cliffs_delta",
    "p_welch",
    "p_mann_whitney",
    "p_ks",
    "p",
    "p_adjusted",
];

/// Writes all three, each whole or not at all.
pub(super) fn write(
    out: &Path,
    batches: &[Batch],
    group: Option<&str>,
    comparisons: &Comparisons,
) -> Result<(), Refusal> {
    let mut folder = OutFolder::new(out, batches.iter().map(|batch| batch.path.as_path()));
    let claimed = |name| folder.claim(name).map_err(|error| error.to_string());
    let [json_path, csv_path, page_path] = {
        let mut claimed = claimed;
        [claimed(JSON)?, claimed(CSV)?, claimed(PAGE)?]
    };
    folder.create().map_err(|error| error.to_string())?;
    let json = format!("{:#}\n", json(batches, comparisons));
    write_file(&json_path, json.as_bytes())?;
    write_file(&csv_path, &csv(comparisons).map_err(|error| error.to_string())?)?;
    write_file(&page_path, page(batches, group, comparisons).as_bytes())
}

/// comparison.json: all numbers; NaN is null.
pub(super) fn json(batches: &[Batch], comparisons: &Comparisons) -> Value {
    let batch = |batch: &Batch| {
        json!({
            "side": batch.side, "path": batch.path.display().to_string(), "rows": batch.table.n_rows(),
            "versions": batch.versions, "saved_at": batch.saved_at,
        })
    };
    let regressions: Vec<&str> = comparisons.regressions().map(|one| one.metric.as_str()).collect();
    json!({
        "signal_batch": env!("CARGO_PKG_VERSION"),
        "batches": batches.iter().map(batch).collect::<Vec<_>>(),
        "regressions": regressions,
        "comparisons": comparisons,
    })
}

fn page(batches: &[Batch], group: Option<&str>, comparisons: &Comparisons) -> String {
    let fact = |batch: &Batch| {
        let saved = batch.saved_at.as_ref().map_or(String::new(), |at| format!(", saved {at}"));
        let by = if batch.versions.is_empty() { String::new() } else { format!(", by {}", batch.versions.join(", ")) };
        let value = format!("{}, {} rows{by}{saved}", batch.path.display(), batch.table.n_rows());
        Fact { name: batch.side.to_owned(), value }
    };
    let link = |path: &str, about: &str| Link { path: path.to_owned(), about: about.to_owned() };
    let page = ComparisonPage {
        title: "Comparison of batches",
        comparisons,
        facts: batches.iter().map(fact).collect(),
        figures: vec![figure(batches, group, comparisons)],
        files: vec![link(CSV, "all comparisons as a table"), link(JSON, "all numbers of this page, and the settings")],
    };
    page.to_html()
}

/// The values of each batch, or of each group, as boxes; what has moved comes first.
fn figure(batches: &[Batch], group: Option<&str>, comparisons: &Comparisons) -> Figure {
    let mut shown: Vec<&MetricComparison> = comparisons.metrics.iter().filter(|one| one.p.is_some()).collect();
    shown.sort_by_key(|one| !one.is_regression());
    let mut seen = HashSet::new();
    shown.retain(|one| seen.insert(one.metric.as_str()));
    let panels: Vec<GroupPanel<'_>> = shown.iter().take(MOST_DRAWN).map(|one| panel(one, batches, group)).collect();
    let mut figure = groups("Values", &panels);
    if shown.len() > MOST_DRAWN {
        figure.caption += &format!(" {} more metrics are not drawn.", shown.len() - MOST_DRAWN);
    }
    figure
}

fn panel<'a>(one: &'a MetricComparison, batches: &'a [Batch], group: Option<&str>) -> GroupPanel<'a> {
    let mut groups: Vec<GroupBox<'a>> = Vec::new();
    for batch in batches {
        let values = batch.table.number(&one.metric).unwrap_or_default();
        let Some(labels) = group.and_then(|group| batch.table.text(group)) else {
            groups.push(GroupBox { name: batch.side, values: values.to_vec(), outliers: Vec::new() });
            continue;
        };
        for (label, value) in labels.iter().zip(values).filter(|(label, _)| !label.is_empty()) {
            match groups.iter_mut().find(|one| one.name == label) {
                Some(one) => one.values.push(*value),
                None => groups.push(GroupBox { name: label, values: vec![*value], outliers: Vec::new() }),
            }
        }
    }
    for one in &mut groups {
        one.outliers = OutlierMethod::Iqr.outliers(&one.values, 3.0).into_iter().map(|at| one.values[at]).collect();
    }
    let n_hidden = groups.len().saturating_sub(MOST_GROUPS);
    groups.truncate(MOST_GROUPS);
    GroupPanel { name: &one.metric, unit: &one.unit, groups, n_hidden }
}

fn csv(comparisons: &Comparisons) -> io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS)?;
    for one in &comparisons.metrics {
        csv.write_record(row(one))?;
    }
    csv.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn row(one: &MetricComparison) -> Vec<String> {
    let compared = &one.comparison;
    let texts = [&one.metric, &one.unit, &one.a, &one.b].map(|text| csv_text(text).into_owned());
    let counts = [compared.n_a, compared.n_b].map(|n| n.to_string());
    let interval = compared.welch.as_ref().map(|welch| welch.ci95);
    let numbers = [
        Some(compared.mean_a),
        Some(compared.mean_b),
        Some(compared.mean_diff),
        one.change_percent,
        interval.map(|interval| interval.0),
        interval.map(|interval| interval.1),
        compared.cohen_d,
        compared.hedges_g,
        compared.cliffs_delta,
        compared.welch.as_ref().map(|welch| welch.p),
        compared.mann_whitney.as_ref().map(|ranks| ranks.p),
        compared.ks.as_ref().map(|ks| ks.p_limit),
        one.p,
        one.p_adjusted,
    ];
    let numbers = numbers.map(|number| number_text(number.unwrap_or(f64::NAN)).into_owned());
    texts.into_iter().chain([one.verdict.to_string()]).chain(counts).chain(numbers).collect()
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    write_atomically(path, |file| file.write_all(bytes))
        .map_err(|error| format!("{}: {error}; choose another folder for --out", path.display()))
}
