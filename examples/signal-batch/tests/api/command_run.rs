//! `signal-batch run`: the golden cases as files of cases, in every mode, and what is wrong with a case.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::golden::cases;
use crate::program::{require_code, signal_batch};

/// Modes and numbers of workers; the first is what the others are compared with.
const WAYS: [(&str, &str); 4] = [("serial", "1"), ("threads", "3"), ("io", "2"), ("processes", "2")];

/// The golden files, what they call their kind, what a case asks with, and what it is answered with.
const KINDS: [(&str, &str, &[&str], &[&str]); 7] = [
    (
        "describe_outliers",
        "descriptive statistics and outlier rules",
        &["input"],
        &["stats", "exact", "iqr_outlier_indices", "z_outlier_indices", "mad", "modified_z_outlier_indices_3.5"],
    ),
    ("aggregate_tables", "per-metric aggregation of a table, pooled and by group", &["rows"], &["pooled", "by_group"]),
    ("compare_batches", "comparison of two samples of one metric", &["a", "b"], &["expect"]),
    ("multiple_tests", "Holm and Benjamini-Hochberg adjusted p values", &["p"], &["holm", "benjamini_hochberg"]),
    ("quality", "quality metrics", &["amplitude", "snr_db"], &["z_outliers", "expect"]),
    (
        "batch_metrics",
        "batch metrics summary",
        &["start_epoch", "wall_seconds", "records"],
        &["expect_raw", "expect_rounded"],
    ),
    ("workload", "the two demo workloads, measured", &[], &["first4", "last2", "expect"]),
];

/// Runs cases, and returns what `result.json` holds.
fn answers(folder: &Path, file: &Value, code: i32, more: &[&str]) -> (Value, Output) {
    let (cases, out) = (folder.join("cases.json"), folder.join("out"));
    fs::write(&cases, file.to_string()).unwrap();
    let output = signal_batch(&[&["run", cases.to_str().unwrap(), "--out", out.to_str().unwrap()], more].concat());
    require_code(&output, code);
    (serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap(), output)
}

#[test]
fn the_golden_cases_agree_and_are_the_same_bytes_in_every_mode() {
    for (stem, text, inputs, outputs) in KINDS {
        let Some(stored) = cases(stem) else { return };
        let question = |case: &Value| {
            let mut question = json!({ "id": case["id"] });
            for name in inputs {
                question[name] = case[name].clone();
            }
            question
        };
        let questions: Vec<Value> = stored.iter().map(question).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut serial = None;
        for (mode, workers) in WAYS {
            // Both names of a kind, in turn.
            let kind = if mode == "serial" { text } else { stem };
            let file = json!({ "kind": kind, "cases": questions });
            let (found, _) = answers(folder.path(), &file, 0, &["--mode", mode, "--workers", workers]);
            let bytes = fs::read(folder.path().join("out/result.json")).unwrap();
            assert!(
                *serial.get_or_insert_with(|| bytes.clone()) == bytes,
                "{stem}: {mode} wrote other bytes than serial"
            );
            assert_eq!(found["cases"].as_array().unwrap().len(), stored.len());
            for (found, expected) in found["cases"].as_array().unwrap().iter().zip(&stored) {
                assert_eq!(found["id"], expected["id"]);
                for name in outputs.iter().filter(|name| expected.get(**name).is_some()) {
                    let path = format!("{stem} {} {name}", expected["id"]);
                    require_agreement(&found[name], &expected[name], &path, stem);
                }
            }
        }
    }
}

/// Fails unless all that is expected is found, within the tolerance of its name.
fn require_agreement(found: &Value, expected: &Value, path: &str, stem: &str) {
    match expected {
        Value::Object(fields) => {
            for (name, expected) in fields.iter().filter(|(name, _)| *name != "p_scipy_asymp") {
                require_agreement(&found[name], expected, &format!("{path}.{name}"), stem);
            }
        }
        Value::Array(list) => {
            let found = found.as_array().unwrap_or_else(|| panic!("{path}: {found} is no list"));
            assert_eq!(found.len(), list.len(), "{path}");
            for (idx, (found, expected)) in found.iter().zip(list).enumerate() {
                require_agreement(found, expected, &format!("{path}[{idx}]"), stem);
            }
        }
        Value::Number(number) => {
            let expected = number.as_f64().unwrap();
            let found = found.as_f64().unwrap_or_else(|| panic!("{path}: {found} instead of {expected}"));
            let (relative, absolute) = tolerance(stem, path, expected);
            let off = (found - expected).abs();
            assert!(off <= relative * expected.abs() + absolute, "{path}: {found} instead of {expected}");
        }
        _ => assert_eq!(found, expected, "{path}"),
    }
}

fn tolerance(stem: &str, path: &str, expected: f64) -> (f64, f64) {
    match stem {
        "compare_batches" | "multiple_tests" if path.contains("p_limit") && expected < 1e-10 => (1e-7, 0.0),
        "compare_batches" | "multiple_tests" => (1e-9, 1e-300),
        "workload" if path.contains("first4") || path.contains("last2") || path.ends_with(".mean") => (0.0, 1e-12),
        "workload" => (1e-10, 0.0),
        _ => (1e-12, 1e-300),
    }
}

#[test]
fn thresholds_of_a_case_name_its_answers_and_infinities_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    let input = json!([1.0, 1.1, null, 0.9, 1.0, 7.5]);
    let file = json!({
        "kind": "describe_outliers",
        "cases": [
            { "id": "own", "input": input, "iqr_thresholds": [3, 0.5], "z_thresholds": [1.5] },
            { "id": "infinite", "input": ["inf", 1.0, "-inf", 2.0] },
            { "id": "none", "input": [null] },
        ],
    });
    let (found, _) = answers(folder.path(), &file, 0, &[]);
    let own = &found["cases"][0];
    assert_eq!(own["iqr_outlier_indices"]["3.0"], json!([5]));
    assert!(own["iqr_outlier_indices"]["0.5"].is_array() && own["iqr_outlier_indices"].as_object().unwrap().len() == 2);
    assert_eq!(own["z_outlier_indices"], json!({ "1.5": [5] }));
    let infinite = &found["cases"][1]["stats"];
    assert_eq!((&infinite["max"], &infinite["min"], &infinite["mean"]), (&json!("inf"), &json!("-inf"), &Value::Null));
    assert_eq!(found["cases"][2]["stats"]["mean"], Value::Null);
    assert_eq!(found["cases"][2]["iqr_outlier_indices"].as_object().unwrap().len(), 5);
}

#[test]
fn a_case_that_is_broken_fails_by_name_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let good = json!({ "id": "good", "p": [0.01, 0.04] });
    let file = json!({
        "kind": "multiple_tests",
        "cases": [
            { "id": "absent" }, { "id": "text", "p": [0.5, "half"] }, good, { "id": "beyond", "p": [1.5] },
            { "p": [0.5] }, 7, good, { "id": "object", "p": {} },
        ],
    });
    for (mode, workers) in WAYS {
        let (found, output) = answers(folder.path(), &file, 1, &["--mode", mode, "--workers", workers]);
        let shown = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> =
            found["cases"].as_array().unwrap().iter().map(|case| case["error"].as_str().unwrap_or_default()).collect();
        assert_eq!(found["cases"][2]["holm"], json!([0.02, 0.04]), "{found}");
        let named = [
            (0, "no p"),
            (1, "p[1]"),
            (3, "p[0] is 1.5"),
            (4, "no id"),
            (5, "no object"),
            (6, "earlier case"),
            (7, "list"),
        ];
        for (idx, named) in named {
            assert!(errors[idx].contains(named), "case {idx}: {errors:?}");
        }
        for name in ["\"absent\"", "\"text\"", "\"beyond\"", "number 5", "number 6", "\"good\"", "\"object\""] {
            assert!(shown.contains(&format!("case {name}")), "{name}: {shown}");
        }
    }
}

#[test]
fn what_is_not_defined_for_two_samples_is_null_and_what_needs_more_values_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = json!({
        "kind": "compare_batches",
        "cases": [{ "id": "constant", "a": [0, 0, 0], "b": [1, 1] }, { "id": "short", "a": [1], "b": [2, null, 3] }],
    });
    let (found, _) = answers(folder.path(), &file, 0, &[]);
    let (constant, short) = (&found["cases"][0]["expect"], &found["cases"][1]["expect"]);
    assert_eq!((constant.get("welch"), constant.get("mean_ratio_b_over_a")), (Some(&Value::Null), Some(&Value::Null)));
    assert_eq!((&constant["cliffs_delta"], &short["n_b"], short.get("welch")), (&json!(1.0), &json!(2), None));
}

#[test]
fn a_column_with_gaps_and_groups_that_are_numbers_are_aggregated() {
    let folder = tempfile::tempdir().unwrap();
    let rows = json!([
        { "file": "a", "lot": 7, "rms": 1.0 }, { "file": "b", "lot": 8, "rms": null },
        { "file": "c", "lot": 7, "peak": 2.0 }, { "file": "d", "lot": 7, "rms": 3.0 },
    ]);
    let broken = json!([{ "file": "a", "lot": 7, "rms": "high" }]);
    let file = json!({
        "kind": "aggregate_tables",
        "cases": [{ "id": "lots", "rows": rows, "group": "lot" }, { "id": "text", "rows": broken, "group": "lot" }],
    });
    let (found, _) = answers(folder.path(), &file, 1, &[]);
    let lots = &found["cases"][0];
    assert_eq!((&lots["pooled"]["rms"]["count"], &lots["pooled"]["peak"]["mean"]), (&json!(2), &json!(2.0)));
    assert_eq!(
        (&lots["by_group"]["7"]["rms"]["mean"], &lots["by_group"]["8"]["rms"]["count"]),
        (&json!(2.0), &json!(0))
    );
    assert!(found["cases"][1]["error"].as_str().unwrap().starts_with("rows[0]: rms is \"high\""), "{found}");
}

#[test]
fn what_a_case_may_leave_out_may_be_null() {
    let folder = tempfile::tempdir().unwrap();
    let input = json!([1.0, 1.1, 0.9, 1.0, 7.5]);
    let described = json!({ "kind": "describe_outliers", "cases": [
        { "id": "absent", "input": input },
        { "id": "null", "input": input, "iqr_thresholds": null, "z_thresholds": null },
    ] });
    let (result, _) = answers(folder.path(), &described, 0, &[]);
    assert_eq!(result["cases"][0]["iqr_outlier_indices"], result["cases"][1]["iqr_outlier_indices"]);
    assert_eq!(result["cases"][1]["z_outlier_indices"]["2.0"], json!([]));

    let rows = json!([{ "file": "a", "batch": "x", "rms": 1.0 }]);
    let table = json!({ "id": "null", "rows": rows, "threshold": null, "group": null });
    let (result, _) = answers(folder.path(), &json!({ "kind": "aggregate_tables", "cases": [table] }), 0, &[]);
    assert_eq!(result["cases"][0]["by_group"]["x"]["rms"]["count"], 1);
}

#[test]
fn a_record_without_a_duration_and_counts_with_a_decimal_point_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let records = json!([
        { "file": "a", "status": "success", "duration": 0.5, "samples": 100.0, "measurements": 3.0 },
        { "file": "b", "status": "skipped", "duration": null, "samples": 0, "measurements": 0, "error_type": null },
    ]);
    let case = json!({ "id": "one", "records": records, "wall_seconds": 2, "start_epoch": null });
    let (result, _) = answers(folder.path(), &json!({ "kind": "batch_metrics", "cases": [case] }), 0, &[]);
    let (raw, rounded) = (&result["cases"][0]["expect_raw"], &result["cases"][0]["expect_rounded"]);
    assert_eq!((raw["average"].as_f64(), raw["samples_per_second"].as_f64()), (Some(0.5), Some(50.0)));
    assert_eq!((rounded["skip_count"].as_u64(), rounded.get("start_time")), (Some(1), None));
}

#[test]
fn workload_cases_may_have_nothing_but_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let file = json!({
        "kind": "workload",
        "cases": [{ "id": "trace_003" }, { "id": "trace_x", "i": 3 }, { "id": "noise" }, { "id": "beep_1" }, { "id": "signal_" }],
    });
    let (found, _) = answers(folder.path(), &file, 1, &[]);
    let of = |idx: usize, name: &str| found["cases"][idx][name].clone();
    assert_eq!((of(0, "first4"), of(0, "expect")), (of(1, "first4"), of(1, "expect")));
    assert_eq!(of(0, "expect")["num_samples"], 20_000);
    assert!((2..5).all(|idx| of(idx, "error").as_str().unwrap().contains("trace_NNN")), "{found}");
}

#[test]
fn a_file_that_holds_no_cases_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("cases.json"), folder.path().join("out"));
    let run = |text: &str| {
        fs::write(&path, text).unwrap();
        let output = signal_batch(&["run", path.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        require_code(&output, 2);
        assert!(!out.join("result.json").exists());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let unknown = run(r#"{"kind": "describe", "cases": [{"id": "a"}]}"#);
    assert!(KINDS.iter().all(|(stem, ..)| unknown.contains(stem)), "{unknown}");
    assert!(run(r#"{"kind": "quality", "cases": []}"#).contains("nothing"));
    assert!(run(r#"{"kind": "quality"}"#).contains("missing field `cases`"));
    assert!(run(r#"{"cases": [{"id": "a"}]}"#).contains("missing field `kind`"));
    assert!(run(r#"{"kind": "quality", "cases": [], "case": 1}"#).contains("unknown field `case`"));
    assert!(run("{").contains("line 1"));
    fs::remove_file(&path).unwrap();
    let absent = signal_batch(&["run", path.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    require_code(&absent, 2);
    assert!(String::from_utf8_lossy(&absent.stderr).contains("cases.json"));
}

#[test]
fn the_example_of_the_help_text_can_be_run() {
    let help = signal_batch(&["run", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let lines = help.lines().skip_while(|line| *line != "cases.json:").skip(1).take_while(|line| !line.is_empty());
    let file: Value = serde_json::from_str(&lines.collect::<String>()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (found, _) = answers(folder.path(), &file, 0, &[]);
    assert_eq!(found["cases"][0]["iqr_outlier_indices"], json!({ "3.0": [4] }), "{found}");
}

#[test]
fn a_byte_order_mark_in_front_of_the_cases_is_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (cases, out) = (folder.path().join("cases.json"), folder.path().join("out"));
    let text = "\u{feff}{\"kind\": \"multiple_tests\", \"cases\": [{\"id\": \"a\", \"p\": [0.5]}]}";
    fs::write(&cases, text).unwrap();
    require_code(&signal_batch(&["run", cases.to_str().unwrap(), "--out", out.to_str().unwrap()]), 0);
}
