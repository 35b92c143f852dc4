//! Demonstration 2: from measurements to a verdict on the batch.
//!
//! What it teaches:
//!
//! 1. Measurements of a run are a table, with a row for each capture, also for one that failed: nothing is aggregated away.
//! 2. A description of each column: count, mean, deviation, quartiles. What is missing is left out, and counted.
//! 3. Three rules for outliers, and what each cannot see: z cannot exceed the root of n - 1, so it is blind in small batches.
//! 4. Groups: a rule over two lines together misses units that lie between them. The same rule in each line finds them.
//! 5. A quality score of the batch, and a report as a page, as JSON and as a table for the terminal.

use manyhands::report::write_atomically;
use manyhands::{Job, OnFailure};
use serde_json::json;
use signal_batch::measure::{MeasurePlans, MetricSet};
use signal_batch::report::{Report, ReportData};
use signal_batch::stats::{self, ColumnSummary, OutlierMethod};
use signal_batch::{Measurements, Metric, Table};

use super::units::{N_UNITS, Unit, results};
use super::{Findings, Refusal, Stage, require_going_on, text};

/// The usual threshold: 1.5 interquartile ranges beyond the quartiles, or 3 deviations from the mean.
const THRESHOLD: f64 = 3.0;

pub(super) fn show(stage: &Stage<'_>) -> Result<Findings, Refusal> {
    let mut findings = Findings::default();
    let table = measure(stage, &mut findings)?;
    require_going_on(stage.stop())?;
    describe(stage, &table, &mut findings);
    outliers_by_rule(stage, &table, &mut findings)?;
    groups(stage, &table, &mut findings)?;
    quality(stage, &table, &mut findings)?;
    report(stage, table, &mut findings)?;
    Ok(findings)
}

/// Measures all units; one fails, and has its row all the same.
fn measure(stage: &Stage<'_>, findings: &mut Findings) -> Result<Table, Refusal> {
    let numbers: Vec<u64> = (0..N_UNITS).collect();
    let outcome = Job::new(&numbers)
        .mode(stage.mode())
        .workers(stage.n_workers(stage.mode()))
        .on_failure(OnFailure::Continue)
        .cancel_token(stage.stop())
        .worker_state(MeasurePlans::default)
        .try_run(measured)
        .map_err(text)?;
    let units = numbers.iter().map(|number| Unit::new(*number));
    let rows = outcome
        .into_results()
        .into_iter()
        .map(|result| result.map_err(|failure| failure.error().map_or_else(|| failure.to_string(), String::clone)));
    let rows: Vec<(Unit, Result<Measurements, String>)> = units.zip(rows).collect();
    let failed: Vec<String> = rows.iter().filter(|row| row.1.is_err()).map(|row| row.0.name()).collect();
    stage.say(format_args!("  {N_UNITS} units of two lines measured; failed: {}", failed.join(", ")));
    let table = results(&rows).map_err(text)?;
    findings.note("a row for each capture", "rows", table.n_rows());
    findings.note("a row for each capture", "failed", json!(failed));
    Ok(table)
}

fn measured(plans: &mut MeasurePlans, number: &u64) -> Result<Measurements, String> {
    let capture = Unit::new(*number).capture().map_err(text)?;
    plans.measure(&capture, MetricSet::all()).map_err(text)
}

/// The numbers that describe a column.
fn describe(stage: &Stage<'_>, table: &Table, findings: &mut Findings) {
    for metric in [Metric::Rms, Metric::Snr, Metric::Thd] {
        let described = stats::describe(column(table, metric));
        stage.say(format_args!(
            "  {:<12} {:>3} values, mean {:>7.3} {unit}, deviation {:.3} {unit}, median {:.3} {unit}",
            metric.name(),
            described.count,
            described.mean,
            described.std,
            described.median,
            unit = metric.unit().sign("V")
        ));
        let facts = json!({ "count": described.count, "mean": described.mean, "std": described.std, "median": described.median });
        findings.note("description", metric.name(), facts);
    }
}

fn column(table: &Table, metric: Metric) -> &[f64] {
    table.number(metric.name()).unwrap_or_default()
}

/// The same column by three rules, and a small batch in which one of them is blind.
fn outliers_by_rule(stage: &Stage<'_>, table: &Table, findings: &mut Findings) -> Result<(), Refusal> {
    let snr = column(table, Metric::Snr);
    let rules = [
        ("iqr", stats::iqr_outliers(snr, THRESHOLD)),
        ("z", stats::z_outliers(snr, THRESHOLD)),
        ("modified z", stats::modified_z_outliers(snr, 3.5)),
    ];
    for (rule, rows) in rules {
        let names = names(table, &rows)?;
        stage.say(format_args!("  snr_db, {rule} rule: {}", listed(&names)));
        findings.note("outliers by three rules", rule, json!(names));
    }
    // No value of ten can be more than (10 - 1) / sqrt(10 - 1) = 3 deviations from the mean.
    let small = [1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01, 0.99, 50.0];
    let (z, iqr) = (stats::z_outliers(&small, THRESHOLD).len(), stats::iqr_outliers(&small, THRESHOLD).len());
    stage.say(format_args!("  nine values near 1 and a 50: the z rule finds {z}, the iqr rule {iqr}"));
    findings.note("z is blind in small batches", "found by z", z);
    findings.note("z is blind in small batches", "found by iqr", iqr);
    Ok(())
}

fn names(table: &Table, rows: &[usize]) -> Result<Vec<String>, Refusal> {
    let files = table.text("file").ok_or("the table has no names")?;
    Ok(rows.iter().filter_map(|row| files.get(*row)).cloned().collect())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The rule over both lines, and in each of them.
fn groups(stage: &Stage<'_>, table: &Table, findings: &mut Findings) -> Result<(), Refusal> {
    let rms = |summaries: &[ColumnSummary]| -> Vec<usize> {
        let of_rms = summaries.iter().filter(|summary| summary.name == Metric::Rms.name());
        of_rms.flat_map(|summary| summary.outliers.iter().map(|outlier| outlier.row)).collect()
    };
    let pooled = names(table, &rms(&stats::aggregate(table, OutlierMethod::Iqr, THRESHOLD).map_err(text)?))?;
    stage.say(format_args!("  rms, both lines together: {}", listed(&pooled)));
    findings.note("groups", "found in both together", json!(pooled));
    for (line, summaries) in stats::aggregate_by(table, "batch", OutlierMethod::Iqr, THRESHOLD).map_err(text)? {
        let found = names(table, &rms(&summaries))?;
        stage.say(format_args!("  rms, {line} for itself: {}", listed(&found)));
        findings.note("groups", &format!("found in {line}"), json!(found));
    }
    Ok(())
}

/// How good the batch is as a whole.
fn quality(stage: &Stage<'_>, table: &Table, findings: &mut Findings) -> Result<(), Refusal> {
    let quality = stats::quality(column(table, Metric::Peak), column(table, Metric::Snr));
    stage.say(format_args!(
        "  quality: {:.1}% of {} valid, mean SNR {:.1} dB, {} above 30 dB, {} below 20 dB",
        quality.quality_rate,
        quality.total_files,
        quality.mean_snr,
        quality.high_quality_count,
        quality.low_quality_count
    ));
    findings.note("quality", "score", serde_json::to_value(quality).map_err(text)?);
    Ok(())
}

/// The page, the numbers of it, and the table of all measurements.
fn report(stage: &Stage<'_>, table: Table, findings: &mut Findings) -> Result<(), Refusal> {
    table.write_csv(stage.file("results.csv")).map_err(text)?;
    let data = ReportData { group: Some("batch".to_owned()), ..ReportData::new("Two production lines", table) };
    let report = Report::new(data).map_err(text)?;
    let files = [("index.html", report.page()), ("summary.json", format!("{:#}\n", report.summary()))];
    for (name, content) in &files {
        write_atomically(stage.file(name), |file| file.write_all(content.as_bytes())).map_err(text)?;
    }
    stage.say(format_args!("  report: {}", stage.file("index.html").display()));
    let names = ["results.csv", "index.html", "summary.json"];
    let are_there = names.iter().all(|name| stage.file(name).is_file());
    findings.note("report", "files", json!(names));
    findings.note("report", "are written", are_there);
    Ok(())
}
