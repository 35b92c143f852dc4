//! Statistics are those of the golden files, at the tolerances of their specification.

use jiff::Timestamp;
use serde_json::Value;
use signal_batch::stats::{
    self, ColumnSummary, Comparison, Description, FileRecord, OutlierMethod, aggregate, aggregate_by, batch_metrics,
    benjamini_hochberg, compare, describe, holm, iqr_outliers, mad, modified_z_outliers, z_outliers,
};
use signal_batch::{NumberColumn, Table, TextColumn};

use crate::golden::cases;

/// Of sums of one column.
const SUMS: f64 = 1e-12;
/// Of test statistics and probabilities.
const TESTS: f64 = 1e-9;

#[test]
fn golden_descriptions_are_met_in_every_digit_that_counts() {
    for case in cases("describe_outliers").unwrap_or_default() {
        let found = describe(&numbers(&case["input"]));
        assert_description(&found, &case["stats"], &case["id"]);
        for (name, value) in [("mean", found.mean), ("std", found.std), ("std_pop", found.std_pop)] {
            assert_number(value, &case["exact"][name], SUMS, &format!("{}: exact {name}", case["id"]));
        }
    }
}

#[test]
fn golden_outliers_are_found_at_every_threshold() {
    for case in cases("describe_outliers").unwrap_or_default() {
        let input = numbers(&case["input"]);
        for (key, rule) in
            [("iqr_outlier_indices", iqr_outliers as fn(&[f64], f64) -> Vec<usize>), ("z_outlier_indices", z_outliers)]
        {
            for (threshold, expected) in case[key].as_object().unwrap() {
                let found = rule(&input, threshold.parse().unwrap());
                assert_eq!(found, positions(expected), "{}: {key} at {threshold}", case["id"]);
            }
        }
        if let Some(expected) = case.get("mad") {
            assert_number(mad(&input), expected, SUMS, &format!("{}: mad", case["id"]));
            let found = modified_z_outliers(&input, 3.5);
            assert_eq!(found, positions(&case["modified_z_outlier_indices_3.5"]), "{}: modified z", case["id"]);
        }
    }
}

#[test]
fn golden_tables_are_aggregated_as_a_whole_and_by_group() {
    for case in cases("aggregate_tables").unwrap_or_default() {
        let (table, files) = table_of(&case["rows"]);
        let pooled = aggregate(&table, OutlierMethod::Iqr, 3.0).unwrap();
        assert_summaries(&pooled, &case["pooled"], &files, &case["id"]);
        let groups = aggregate_by(&table, "batch", OutlierMethod::Iqr, 3.0).unwrap();
        assert_eq!(groups.len(), case["by_group"].as_object().unwrap().len());
        for (group, summaries) in &groups {
            assert_summaries(summaries, &case["by_group"][group], &files, &case["id"]);
        }
    }
}

#[test]
fn golden_comparisons_are_met() {
    for case in cases("compare_batches").unwrap_or_default() {
        let found = compare(&numbers(&case["a"]), &numbers(&case["b"]));
        assert_comparison(&found, &case["expect"], &case["id"]);
    }
}

#[test]
fn golden_probabilities_are_adjusted() {
    for case in cases("multiple_tests").unwrap_or_default() {
        let p = numbers(&case["p"]);
        for (key, found) in [("holm", holm(&p)), ("benjamini_hochberg", benjamini_hochberg(&p))] {
            let expected = case[key].as_array().unwrap();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert_number(*found, expected, SUMS, &format!("{}: {key}", case["id"]));
            }
        }
    }
}

#[test]
fn golden_batches_are_judged() {
    for case in cases("quality").unwrap_or_default() {
        let amplitude = numbers(&case["amplitude"]);
        assert_eq!(z_outliers(&amplitude, 3.0), positions(&case["z_outliers"]), "{}", case["id"]);
        let found = serde_json::to_value(stats::quality(&amplitude, &numbers(&case["snr_db"]))).unwrap();
        assert_same_shape(&found, &case["expect"], &case["id"].to_string());
    }
}

#[test]
fn golden_runs_are_summed_up_unrounded_and_rounded() {
    for case in cases("batch_metrics").unwrap_or_default() {
        let records: Vec<FileRecord> = serde_json::from_value(case["records"].clone()).unwrap();
        let metrics = batch_metrics(&records, case["wall_seconds"].as_f64().unwrap());
        let raw = serde_json::to_value(&metrics).unwrap();
        for (name, expected) in case["expect_raw"].as_object().unwrap() {
            assert_same_shape(&raw[name], expected, &format!("{}: {name}", case["id"]));
        }
        let start = Timestamp::from_second(case["start_epoch"].as_f64().unwrap() as i64).unwrap();
        let rounded = serde_json::to_value(metrics.rounded(start).unwrap()).unwrap();
        assert_same_shape(&rounded, &case["expect_rounded"], &case["id"].to_string());
    }
}

/// The same objects, texts and numbers.
fn assert_same_shape(found: &Value, expected: &Value, what: &str) {
    match expected {
        Value::Object(entries) => {
            let names = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
            let (mut found_names, mut expected_names) = (names(found), names(expected));
            found_names.sort_unstable();
            expected_names.sort_unstable();
            assert_eq!(found_names, expected_names, "{what}");
            for (name, expected) in entries {
                assert_same_shape(&found[name], expected, &format!("{what}: {name}"));
            }
        }
        Value::String(text) => assert_eq!(found.as_str(), Some(text.as_str()), "{what}"),
        _ => assert_number(number(found), expected, SUMS, what),
    }
}

fn assert_summaries(found: &[ColumnSummary], expected: &Value, files: &[String], id: &Value) {
    assert_eq!(found.len(), expected.as_object().unwrap().len(), "{id}");
    for summary in found {
        let expected = &expected[&summary.name];
        assert_description(&summary.description, expected, id);
        let rows: Vec<usize> = summary.outliers.iter().map(|outlier| outlier.row).collect();
        let values: Vec<f64> = summary.outliers.iter().map(|outlier| outlier.value).collect();
        let names: Vec<&str> = rows.iter().map(|&row| files[row].as_str()).collect();
        assert_eq!(rows, positions(&expected["outlier_indices"]), "{id}: {}", summary.name);
        assert_eq!(values, numbers(&expected["outliers"]), "{id}: {}", summary.name);
        assert_eq!(serde_json::to_value(names).unwrap(), expected["outlier_files"], "{id}: {}", summary.name);
    }
}

fn assert_description(found: &Description, expected: &Value, id: &Value) {
    assert_eq!(found.count as u64, expected["count"].as_u64().unwrap(), "{id}");
    for (name, value) in [
        ("mean", found.mean),
        ("std", found.std),
        ("min", found.min),
        ("max", found.max),
        ("median", found.median),
        ("q25", found.q25),
        ("q75", found.q75),
    ] {
        assert_number(value, &expected[name], SUMS, &format!("{id}: {name}"));
    }
}

fn assert_comparison(found: &Comparison, expected: &Value, id: &Value) {
    let json = serde_json::to_value(found).unwrap();
    assert_eq!((&json["n_a"], &json["n_b"]), (&expected["n_a"], &expected["n_b"]), "{id}");
    let paths: [(&str, &str); 16] = [
        ("/mean_a", "/mean_a"),
        ("/mean_b", "/mean_b"),
        ("/mean_ratio", "/mean_ratio_b_over_a"),
        ("/mean_diff", "/mean_diff_b_minus_a"),
        ("/welch/t", "/welch/t"),
        ("/welch/df", "/welch/df"),
        ("/welch/p", "/welch/p"),
        ("/welch/ci95/0", "/welch/ci95_low"),
        ("/welch/ci95/1", "/welch/ci95_high"),
        ("/cohen_d", "/cohen_d"),
        ("/hedges_g", "/hedges_g"),
        ("/mann_whitney/u_b", "/mann_whitney/u_b"),
        ("/mann_whitney/p", "/mann_whitney/p"),
        ("/cliffs_delta", "/cliffs_delta"),
        ("/ks/d", "/ks/d"),
        ("/ks/p_limit", "/ks/p_limit"),
    ];
    for (ours, theirs) in paths {
        let (found, expected) =
            (json.pointer(ours).unwrap_or(&Value::Null), expected.pointer(theirs).unwrap_or(&Value::Null));
        assert_number(number(found), expected, TESTS, &format!("{id}: {ours}"));
    }
}

#[track_caller]
fn assert_number(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = number(expected);
    let agrees = found == expected
        || (found.is_nan() && expected.is_nan())
        || (found - expected).abs() <= tolerance * expected.abs() + 1e-300;
    assert!(agrees, "{what}: {found:e} where {expected:e} is expected");
}

/// `null` is NaN, and infinities are texts.
fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::String(text) => text.parse().unwrap(),
        _ => value.as_f64().unwrap(),
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(number).collect()
}

fn positions(list: &Value) -> Vec<usize> {
    list.as_array().unwrap().iter().map(|value| usize::try_from(value.as_u64().unwrap()).unwrap()).collect()
}

/// The table of these rows, and their files.
fn table_of(rows: &Value) -> (Table, Vec<String>) {
    let rows = rows.as_array().unwrap();
    let texts = |name: &str| -> Vec<String> { rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect() };
    let names = rows[0].as_object().unwrap().keys().filter(|name| !["file", "batch"].contains(&name.as_str()));
    let columns = names.map(|name| {
        let values = rows.iter().map(|row| number(&row[name])).collect();
        NumberColumn { name: name.clone(), values }
    });
    let files = texts("file");
    let texts = ["file", "batch"].map(|name| TextColumn { name: name.to_owned(), values: texts(name) });
    (Table::new(texts.to_vec(), columns.collect()).unwrap(), files)
}
