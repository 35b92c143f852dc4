//! The program itself: golden jobs without their expected results, jobs of our own, CSV signals, and invalid input.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use sleep_analysis::eeg::{EegSettings, eeg_features};
use tempfile::TempDir;

use crate::golden::{Table, assert_close, assert_same, golden, json, read_columns, read_table};
use crate::ways::every_way_to_ask;

/// The numbers of a golden file that the program has to reproduce.
const EXPECTED_KEYS: [&str; 18] = [
    "rows",
    "columns",
    "epochs",
    "effective_window_ns",
    "target_rate_hz",
    "period_ns",
    "tolerance_ns",
    "grid_first_ns",
    "grid_last_ns",
    "grid_count",
    "error",
    "error_class",
    "failed",
    "aligned",
    "exact",
    "epoch_start_ns",
    "detected_rate_hz",
    "samples_per_epoch",
];

/// What else need not be there.
const REMARKS: [&str; 9] = [
    "note",
    "median_dt_ns",
    "versions",
    "welch",
    "original_pandas2",
    "original_pandas3",
    "original_pandas2_equals_exact",
    "original_pandas3_equals_exact",
    "start_override_ns",
];

/// Features that the golden files give to the last bit.
const EXACT: [&str; 6] = ["_min", "_max", "_median", "activity_count", "hr_range", "zero_crossings"];

/// The golden jobs in which something fails or is left out.
const INCOMPLETE: [&str; 6] =
    ["align_edge", "align_subset", "correlation_edge", "epoch_grid", "stats_hr_irregular", "eeg100_edge"];

#[test]
fn golden_jobs_without_their_answers_are_met() {
    for_every_golden_job(|folder, job| {
        strip(job, &|expected| {
            let _ = expected.take();
        });
        remove(job, &["window_ns", "step_ns"]); // the texts are left
        check_job(folder, job);
    });
}

#[test]
fn golden_jobs_with_lies_for_answers_are_met() {
    for_every_golden_job(|folder, job| {
        strip(job, &|expected| *expected = json!("a lie"));
        remove(job, &["window_length", "step_size"]); // the numbers are left
        check_job(folder, job);
    });
}

#[test]
fn golden_jobs_that_name_no_files_are_met_under_names_of_our_own() {
    for_every_golden_job(|folder, job| {
        strip(job, &|expected| {
            let _ = expected.take();
        });
        remove(job, &["expected"]);
        check_job(folder, job);
    });
}

#[test]
fn golden_tables_are_the_same_bytes_for_every_mode_and_any_number_of_workers() {
    let (Some(sleep), Some(eeg)) = (golden("sleep"), golden("sleep_eeg")) else { return };
    for folder in [sleep.join("stats_hr_irregular"), sleep.join("align_multi"), eeg.join("eeg100")] {
        let job = folder.join("case.json");
        let n_tables = assert_same_tables(&["run", text(&job), "--quiet"]);
        assert!(n_tables > 1);
    }
}

#[test]
fn tables_of_csv_signals_are_the_same_bytes_for_every_mode_and_any_number_of_workers() {
    let place = Place::new();
    let files = ["a", "b", "c", "d"].map(|name| {
        let rows = (0..1000).map(|row| format!("{},{}\n", row * 1_000_000_000_i64, row * 7919 % 101));
        place.write(name, &format!("timestamp_ns,hr\n{}", rows.collect::<String>()));
        format!("{name}={}", text(&place.folder.path().join(name)))
    });
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let features = ["--operation", "statistics,hrv", "--window", "30s", "--quiet"];
    assert_eq!(assert_same_tables(&[&["features"], &files[..], &features].concat()), 1);
    for method in ["nearest", "pad", "backfill", "asof"] {
        assert_eq!(assert_same_tables(&[&["align"], &files[..], &["--method", method, "--quiet"]].concat()), 1);
    }
}

/// Runs the command in every way; gives how many tables each run wrote.
#[track_caller]
fn assert_same_tables(command: &[&str]) -> usize {
    let tables = |way: &[String]| {
        let out = TempDir::new().unwrap();
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        let ended = run(&[command, &["--out", text(out.path())], &way].concat());
        assert!(ended.code() < 2, "{ended:?}");
        let mut files: Vec<PathBuf> = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
        files.sort();
        files.iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>()
    };
    let alone = tables(&["--mode".into(), "serial".into()]);
    for way in every_way_to_ask() {
        assert!(tables(&way) == alone, "{command:?} differs for {way:?}");
    }
    alone.len()
}

#[test]
fn statistics_by_hand_with_overlap_a_hole_and_a_window_of_their_own() {
    let place = Place::new();
    place.write("v.csv", "timestamp_ns,v\n0,1\n10000000000,2\n20000000000,\n30000000000,6\n100000000000,-4\n");
    place.write_job(&json!({
        "operation": "feature_statistics",
        "signals": [{"name": "s", "file": "v.csv"}],
        "window_length": "30s", "step_size": "20s", "grid_end_override": "1970-01-01T00:01:40.000000001Z",
        "runs": [
            {"name": "own", "parameters": {"aggregations": "all"}},
            {"name": "short", "parameters": {"aggregations": ["max"], "window_length": "10s"}, "expected": "kurz.csv"}
        ]
    }));
    assert_eq!(place.run().code(), 0);
    let own = place.table("own.csv");
    let starts: Vec<i64> = (0..6).map(|epoch| epoch * 20_000_000_000).collect();
    assert_eq!(own.keys, starts);
    let expect = |name: &str, values: &[f64]| {
        for (row, (&actual, &expected)) in own.column(name).iter().zip(values).enumerate() {
            assert_close(actual, expected, 0.0, &format!("{name} row {row}"));
        }
    };
    const NONE: f64 = f64::NAN;
    // 0-30 s holds 1, 2 and 6; 20-50 s the 6 alone; 80-110 s and 100-130 s the -4.
    expect("s|v_mean", &[3.0, 6.0, NONE, NONE, -4.0, -4.0]);
    expect("s|v_var", &[7.0, NONE, NONE, NONE, NONE, NONE]);
    expect("s|v_std", &[7.0_f64.sqrt(), NONE, NONE, NONE, NONE, NONE]);
    expect("s|v_median", &[2.0, 6.0, NONE, NONE, -4.0, -4.0]);
    let short = place.table("kurz.csv");
    assert_eq!((short.columns[0].name.as_str(), short.columns.len()), ("s|v_max", 1));
    assert_same(short.columns[0].values[0], 2.0, "0-10 s");
    assert_same(short.columns[0].values[1], 6.0, "20-30 s");
    assert_eq!(place.result()["runs"][1]["effective_window_ns"], 10_000_000_000_i64);
}

#[test]
fn heart_rate_variability_by_hand() {
    let place = Place::new();
    place.write(
        "rr.csv",
        "timestamp_ns,rr_interval\n0,800\n1000000000,860\n2000000000,\n3000000000,800\n4000000000,900\n",
    );
    place.write_job(&json!({
        "operation": "compute_hrv_features", "signals": [{"name": "rr", "file": "rr.csv"}],
        "window_ns": 30_000_000_000_i64, "step_ns": 30_000_000_000_i64,
        "runs": [{"name": "rr", "parameters": {"use_rr_intervals": true, "hrv_metrics": ["rmssd", "pnn50", "rr_mean"]}}]
    }));
    assert_eq!(run(&["run", text(&place.job()), "--out", text(place.folder.path())]).code(), 0);
    let table = read_table(&place.folder.path().join("rr_2.csv")); // rr.csv is the input, and stays what it is
    assert_eq!(table.keys, [0]);
    assert_close(table.column("rr|rmssd")[0], (17_200.0_f64 / 3.0).sqrt(), 0.0, "differences 60, -60 and 100");
    assert_same(table.column("rr|pnn50")[0], 100.0, "all above 50 ms");
    assert_same(table.column("rr|rr_mean")[0], 840.0, "mean");
}

#[test]
fn alignment_by_hand_with_one_signal_that_fails() {
    let place = Place::new();
    place.write("a.csv", "timestamp_ns,v\n0,1\n1400000000,2\n1500000000,4\n3000000000,9\n");
    place.write("b.csv", "timestamp_ns,v\n2000000000,5\n1000000000,6\n");
    let signals = json!([{"name": "a", "file": "a.csv"}, {"name": "b", "file": "b.csv"}]);
    place.write_job(&json!({
        "operation": "apply_grid_alignment", "signals": signals, "user_rate_hz": 1,
        "runs": [{"method": "nearest"}, {"method": "bfill", "expected": {"a": "back.csv"}}, {"method": "asof"}]
    }));
    assert_eq!(place.run().code(), 1);
    let rows = |file: &str| {
        let table = place.table(file);
        table.keys.iter().map(|time| time / 1_000_000_000).zip(table.columns[0].values.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(rows("nearest_a.csv"), [(0, 1.0), (1, 2.0), (2, 4.0), (3, 9.0)]);
    assert_eq!(rows("nearest_b.csv"), [(1, 6.0), (2, 5.0)]);
    assert_eq!(rows("back.csv"), [(0, 1.0), (1, 2.0), (2, 9.0), (3, 9.0)]);
    // At 2 s both 1.5 s and none after it lie within half a period; at 1 s, 1.4 s does.
    assert_eq!(rows("asof_a.csv"), [(0, 1.0), (1, 2.0), (2, 4.0), (3, 9.0)]);
    let result = place.result();
    let failed = |run: usize| result["runs"][run]["failed"].clone();
    assert_eq!((failed(0), failed(1), failed(2)), (json!([]), json!(["b"]), json!(["b"])));
    assert!(result["runs"][1]["failures"][0]["reason"].as_str().unwrap().contains("row 2 (1000000000 ns)"));
    assert!(!place.out.join("bfill_b.csv").exists());
    assert_eq!((&result["grid_count"], &result["runs"][1]["aligned"]), (&json!(4), &json!(1)));
}

#[test]
fn cut_epochs_need_no_rate_when_their_length_is_known() {
    let place = Place::new();
    let wave = |i: usize| (i as f64 * 0.4).sin() * 30.0 + (i % 17) as f64;
    let mut text = "epoch,sample,uv\n".to_owned();
    for i in 0..2 * 1280 {
        text += &format!("{},{},{}\n", i / 1280, i % 1280, wave(i));
    }
    place.write("input_eeg.csv", &text);
    place.write_job(&json!({"operation": "eeg_epoch_features", "epoch_s": 10.0}));
    assert_eq!(place.run().code(), 0);
    let table = place.table("expected_features.csv");
    assert_eq!(table.keys, [0, 1]);
    let second: Vec<f64> = (1280..2560).map(wave).collect();
    for (name, value) in eeg_features(&EegSettings::new(128.0), &second).unwrap() {
        assert_close(table.column(&name)[1], value, 0.0, &name);
    }
    let spectra = read_columns(&place.out.join("expected_psd.csv"));
    let names: Vec<&str> = spectra.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["freq_hz", "epoch_0", "epoch_1"]);
    assert_eq!((spectra[0].values.len(), spectra[0].values[1]), (257, 0.25));
}

#[test]
fn grids_of_our_own_are_answered_case_by_case() {
    let place = Place::new();
    let least = i64::MIN;
    place.write_job(&json!({"operation": "generate_epoch_grid", "cases": [
        {"name": "text wins where no number is given", "signal_spans_ns": [[0, 100], []], "window_ns": least,
         "window_length": "60ns", "step_ns": null, "step_size": "40ns"},
        {"name": "no step", "signal_spans_ns": [[0, 100]], "window_length": "30s"},
        {"name": "nonsense", "signal_spans_ns": [[0, 100]], "window_length": "soon", "step_size": "1s"},
        {"name": "nothing", "signal_spans_ns": [null, []], "window_ns": 1, "step_ns": 1}
    ]}));
    assert_eq!(place.run().code(), 1);
    let cases = place.result()["cases"].clone();
    assert_eq!((&cases[0]["epoch_start_ns"], &cases[0]["count"]), (&json!([0, 40, 80]), &json!(3)));
    let classes: Vec<&Value> = cases.as_array().unwrap().iter().map(|case| &case["error_class"]).collect();
    assert_eq!(classes, [&Value::Null, &json!("config"), &json!("config"), &json!("config")]);

    place.write_job(&json!({"operation": "generate_alignment_grid", "cases": [
        {"name": "regular", "signals": [{"first_ns": 5, "last_ns": 2_000_000_005, "count": 5}, {"count": 0}]},
        {"name": "too fast", "user_rate_hz": 1e10, "signals": [{"timestamps_ns": [1]}]},
        {"name": "timeless", "signals": [{"first_ns": 0}]}
    ]}));
    assert_eq!(place.run().code(), 1);
    let cases = place.result()["cases"].clone();
    assert_eq!((&cases[0]["target_rate_hz"], &cases[0]["exact"]["count"]), (&json!(2.0), &json!(5)));
    assert_eq!(cases[0]["last_ns"], 2_000_000_000_i64);
    assert_eq!((&cases[1]["error_class"], &cases[2]["error_class"]), (&json!("config"), &json!("config")));
}

#[test]
fn a_run_that_cannot_be_done_costs_no_other_run_anything() {
    let place = Place::with_two_signals();
    let mut job = two_signal_job("compute_correlation_features");
    job["runs"] = json!([
        {"name": "cosine", "parameters": {"method": "cosine"}},
        {"name": "window", "parameters": {"window_length": "-1s"}},
        {"name": "blocked"},
        {"name": "good", "parameters": {"method": "spearman"}}
    ]);
    place.write_job(&job);
    fs::create_dir_all(place.out.join("blocked.csv")).unwrap();
    let ended = place.run();
    assert_eq!(ended.code(), 1);
    assert!(ended.reports("run \"cosine\": unknown correlation method \"cosine\"; use pearson"), "{ended:?}");
    assert!(ended.reports("-1000000000 ns") && ended.reports("blocked.csv: cannot be written"), "{ended:?}");
    assert_same(place.table("good.csv").columns[0].values[0], 1.0, "both rise");
    let errors: Vec<bool> =
        place.result()["runs"].as_array().unwrap().iter().map(|run| run["error"].is_string()).collect();
    assert_eq!(errors, [true, true, true, false]);
}

#[test]
fn signals_that_cannot_be_used_are_named_and_cost_no_other_anything() {
    let place = Place::with_two_signals();
    place.write("b.csv", "timestamp_ns,v\n10,1\n5,2\n");
    let mut job = two_signal_job("feature_statistics");
    job["signals"].as_array_mut().unwrap().push(json!({"name": "gone", "file": "gone.csv"}));
    job["signals"].as_array_mut().unwrap().push(json!({"name": "void", "file": "void.csv"}));
    place.write("void.csv", "timestamp_ns,v\n0,\n1,\n");
    place.write_job(&job);
    let ended = place.run();
    assert_eq!(ended.code(), 1);
    assert!(ended.reports("b.csv): row 2 (5 ns) lies before the row ahead of it; sort the rows by time"), "{ended:?}");
    assert!(ended.reports("gone.csv: cannot be opened"), "{ended:?}");
    assert!(ended.reports("signal \"void\"") && ended.reports("no number in any of its 2 rows"), "{ended:?}");
    assert_eq!(ended.stderr().matches("gone.csv").count(), 1, "once is enough: {ended:?}");
    let names: Vec<String> = place.table("run_1.csv").columns.into_iter().map(|column| column.name).collect();
    assert_eq!(names, ["a|v_mean", "a|v_std", "void|v_mean", "void|v_std"]);
    assert_eq!(place.result()["failed"], json!(["gone", "b"]));
}

#[test]
fn a_name_that_leaves_the_folder_is_refused_before_anything_is_written() {
    let place = Place::with_two_signals();
    let escaped = place.folder.path().join("escaped.csv");
    for name in ["../escaped.csv", text(&escaped), "sub/escaped.csv", "..", "result.json", "job.json"] {
        let mut job = two_signal_job("feature_statistics");
        job["runs"] = json!([{"name": "good"}, {"name": "bad", "expected": name}]);
        place.write_job(&job);
        // With the job's own folder as --out, job.json is an input.
        let out = if name == "job.json" { place.folder.path() } else { &place.out };
        let ended = run(&["run", text(&place.job()), "--out", text(out)]);
        assert_eq!(ended.code(), 2, "{name}");
        assert!(
            ended.reports(&format!("{:?}", Path::new(name).file_name().map_or(name, |_| name)).replace('"', "")),
            "{ended:?}"
        );
        assert!(
            !escaped.exists() && !place.out.join("good.csv").exists() && !place.folder.path().join("good.csv").exists()
        );
    }
    let mut job = two_signal_job("apply_grid_alignment");
    job["runs"] = json!([{"method": "nearest", "expected": {"a": "../escaped.csv"}}]);
    place.write_job(&job);
    assert_eq!(place.run().code(), 2);
    job["runs"] = json!([{"method": "nearest", "expected": {"a": "same.csv", "b": "same.csv"}}]);
    place.write_job(&job);
    let ended = place.run();
    assert!(ended.code() == 2 && ended.reports("\"same.csv\""), "{ended:?}");
    assert!(!escaped.exists());
}

#[test]
fn a_job_that_cannot_be_parsed_is_reported_with_its_place() {
    let cases = [
        ("", "line 1, column 0: EOF"),
        ("{\n  \"operation\": \"feature_statistics\",\n  \"signals\": [{\"name\"", "line 3, column 21: EOF"),
        ("[1, 2]", "line 1, column"),
        ("{\"signals\": []}", "missing field `operation`"),
        ("{\"operation\": \"make_coffee\"}", "unknown operation \"make_coffee\"; use one of generate_epoch_grid"),
        ("{\"operation\": \"feature_statistics\",\n \"signals\": [{\"name\": \"a\"}]}", "line 2, column"),
        ("{\"operation\": \"feature_statistics\",\n \"signals\": [], \"window_ns\": \"x\"}", "line 2, column"),
    ];
    let place = Place::with_two_signals();
    for (content, message) in cases {
        place.write("job.json", content);
        let ended = place.run();
        assert_eq!(ended.code(), 2, "{content}");
        assert!(ended.reports("job.json: ") && ended.reports(message), "{content}: {ended:?}");
    }
    fs::remove_file(place.job()).unwrap();
    let ended = place.run();
    assert!(ended.code() == 2 && ended.reports("job.json: cannot be opened"), "{ended:?}");
}

#[test]
fn a_job_without_a_usable_input_could_not_run() {
    let cases: [(&str, &str, &str); 6] = [
        ("", "a.csv", "is empty"),
        ("time,v\n0,1\n", "a.csv", "timestamp_ns"),
        ("timestamp_ns,v\n0,1\n1,x\n", "a.csv", "line 3"),
        ("timestamp_ns,v\n0,1,2\n", "a.csv", "line 2"),
        ("timestamp_ns,v\n", "", "no signal has a sample"),
        ("timestamp_ns,v\n7,1\n", "", "start must lie before the end"),
    ];
    for (content, file, message) in cases {
        let place = Place::new();
        place.write("a.csv", content);
        let mut job = two_signal_job("feature_statistics");
        job["signals"] = json!([{"name": "a", "file": "a.csv"}]);
        place.write_job(&job);
        let ended = place.run();
        assert_eq!(ended.code(), 2, "{content}");
        assert!(ended.reports(file) && ended.reports(message), "{content}: {ended:?}");
    }
    for (change, message) in [
        (json!({"window_length": "0s"}), "a window of 0 ns"),
        (json!({"step_size": "-5s"}), "a step of -5000000000 ns"),
        (json!({"step_size": null}), "there is no step"),
        (json!({"grid_start_override": "yesterday"}), "\"yesterday\""),
        (json!({"signals": [{"name": "a", "file": "a.csv"}, {"name": "a", "file": "b.csv"}]}), "\"a\" appears twice"),
    ] {
        let place = Place::with_two_signals();
        let mut job = two_signal_job("feature_statistics");
        job.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        place.write_job(&job);
        let ended = place.run();
        assert!(ended.code() == 2 && ended.reports(message), "{change}: {ended:?}");
    }
}

#[test]
fn a_signal_that_failed_is_reported_even_when_the_rest_is_not_enough() {
    let place = Place::with_two_signals();
    place.write("a.csv", "timestamp_ns,v\n0,1\n");
    place.write("b.csv", "timestamp_ns,v\n");
    let job = |signals: Value| {
        let mut job = two_signal_job("feature_statistics");
        job["signals"] = signals;
        place.write_job(&job);
        place.run()
    };
    let ended = job(json!([{"name": "a", "file": "a.csv"}, {"name": "gone", "file": "gone.csv"}]));
    assert!(ended.code() == 2 && ended.reports("gone.csv: cannot") && ended.reports("must lie before"), "{ended:?}");
    let ended = place.command(&["features", "a=a.csv", "gone=gone.csv", "--out", "out"]);
    assert!(ended.code() == 2 && ended.reports("gone.csv: cannot") && ended.reports("must lie before"), "{ended:?}");
    let ended = place.command(&["align", "b=b.csv", "gone=gone.csv", "--out", "out"]);
    assert!(
        ended.code() == 2 && ended.reports("gone.csv: cannot") && ended.reports("no signal with samples"),
        "{ended:?}"
    );
}

#[test]
fn a_place_that_cannot_be_written_is_reported() {
    let place = Place::with_two_signals();
    place.write_job(&two_signal_job("feature_statistics"));
    place.write("out", "a file in the way");
    let ended = place.run();
    assert!(ended.code() == 2 && ended.reports("out: cannot be made or used as a folder"), "{ended:?}");
    let ended = place.command(&["align", "a=a.csv", "--out", "out"]);
    assert!(ended.code() == 2 && ended.reports("out: cannot be made or used as a folder"), "{ended:?}");
}

#[test]
fn features_of_csv_signals_are_one_table_with_a_summary() {
    let place = Place::with_two_signals();
    place.write("acc.csv", "timestamp_ns,x,y,z\n0,1,2,2\n1000000000,2,4,4\n2000000000,,1,1\n");
    place.write("hr.csv", "timestamp_ns,hr\n0,60\n1000000000,62\n2000000000,70\n");
    let ended = place.command(&[
        "features",
        "hr=hr.csv",
        "acc=acc.csv",
        "--out",
        "out",
        "--operation",
        "statistics,hrv",
        "--operation",
        "movement",
        "--aggregations",
        "mean,std",
        "--metrics",
        "hr_mean,hr_range,magnitude_max",
        "--window",
        "2s",
        "--json",
    ]);
    assert_eq!(ended.code(), 0, "{ended:?}");
    let table = place.table("features.csv");
    assert_eq!(table.keys, [0]);
    let value = |name: &str| table.column(name)[0];
    assert_same(value("hr|hr_mean"), 64.0, "mean");
    assert_same(value("hr|hrv_hr_mean"), 64.0, "the same name of another operation");
    assert_same(value("hr|hr_range"), 10.0, "range");
    assert_same(value("acc|magnitude_max"), 6.0, "magnitude");
    assert_same(value("acc|y_mean"), 7.0 / 3.0, "y");
    let summary = json(&place.out.join("summary.json"));
    assert_eq!(serde_json::from_str::<Value>(&ended.stdout()).unwrap(), summary);
    assert_eq!((&summary["epochs"], &summary["columns"], &summary["signals"]), (&json!(1), &json!(11), &json!(2)));
    let cache = json!({"entries": 3, "hits": 0, "misses": 3, "hit_rate": 0.0});
    assert_eq!((&summary["cache"], &summary["mode"]), (&cache, &json!("threads")));
}

#[test]
fn a_signal_that_no_operation_reads_is_left_out_by_name() {
    let place = Place::with_two_signals();
    place.write("hr.csv", "timestamp_ns,hr\n0,60\n1000000000,62\n2000000000,70\n");
    let ended = place.command(&["features", "hr=hr.csv", "a=a.csv", "--out", "out", "--operation", "hrv"]);
    assert!(ended.code() == 1 && ended.reports("\"a\" is left out"), "{ended:?}");
    assert_eq!(place.table("features.csv").columns.len(), 4);
    let ended = place.command(&["features", "a=a.csv", "--out", "out", "--operation", "hrv", "--rr"]);
    assert!(ended.code() == 2 && ended.reports("rr_interval"), "{ended:?}");
}

#[test]
fn correlations_of_csv_signals_choose_the_only_column_or_the_one_named() {
    let place = Place::with_two_signals();
    place.write("b.csv", "timestamp_ns,v,w\n0,3,1\n1000000000,2,2\n2000000000,1,3\n3000000000,0,5\n");
    let correlate = |more: &[&str]| {
        let fixed =
            ["features", "a=a.csv", "b=b.csv", "--out", "out", "--operation", "correlation", "--method", "kendall"];
        place.command(&[&fixed, more].concat())
    };
    assert_eq!(correlate(&["--columns", "v,v"]).code(), 0);
    assert_same(place.table("features.csv").column("a_vs_b|kendall_corr")[0], -1.0, "falls");
    assert_eq!(correlate(&["--columns", "v,w"]).code(), 0);
    assert_same(place.table("features.csv").column("a_vs_b|kendall_corr")[0], 1.0, "rises");
    for (more, message) in [
        (&[][..], "signal \"b\" has 2 columns"),
        (&["--columns", "v,nope"], "signal \"b\" has no column \"nope\""),
        (&["--columns", "v"], "give two"),
    ] {
        let ended = correlate(more);
        assert!(ended.code() == 2 && ended.reports(message), "{more:?}: {ended:?}");
    }
}

#[test]
fn alignment_of_csv_signals_is_one_table_with_a_summary() {
    let place = Place::with_two_signals();
    place.write("late.csv", "timestamp_ns,v\n1000000000,7\n3000000000,8\n");
    place.write("back.csv", "timestamp_ns,v\n1000000000,7\n0,8\n");
    let signals = ["align", "a=a.csv", "late=late.csv", "back=back.csv", "--out", "out"];
    let ended = place.command(&[&signals[..], &["--method", "asof", "--rate", "2"]].concat());
    assert_eq!(ended.code(), 1);
    assert!(ended.reports("no signal has a rate of 2 Hz; there are a 1 Hz, late 0.5 Hz, back irregular"), "{ended:?}");
    assert!(ended.reports("signal \"back\" (back.csv): row 2 (0 ns) lies before"), "{ended:?}");
    let table = place.table("aligned.csv");
    assert_eq!((table.keys.len(), table.keys[1]), (7, 500_000_000));
    // Half a period and a nanosecond reach from 1 s to 0.75 s only.
    let present = |name: &str| table.column(name).iter().map(|value| !value.is_nan()).collect::<Vec<_>>();
    assert_eq!(present("late|v"), [false, false, true, false, false, false, true]);
    assert_eq!(table.columns.len(), 2);
    let summary = json(&place.out.join("summary.json"));
    assert_eq!((&summary["failed"], &summary["aligned"]), (&json!(["back"]), &json!(2)));

    let only =
        place.command(&[&signals[..], &["--only", "late", "--method", "pad", "--rate", "1", "--quiet"]].concat());
    assert_eq!((only.code(), only.stdout().as_str(), only.stderr().as_str()), (0, "", ""));
    let table = place.table("aligned.csv");
    assert_eq!((table.columns.len(), table.keys.len()), (1, 4), "the grid spans all signals");
    assert_same(table.column("late|v")[2], 7.0, "padded");

    let none = place.command(&["align", "back=back.csv", "--out", "none", "--method", "pad"]);
    assert!(none.code() == 2 && none.reports("no signal could be aligned"), "{none:?}");
    assert!(!place.folder.path().join("none/aligned.csv").exists());
}

#[test]
fn names_and_values_that_mean_nothing_are_errors_before_any_work() {
    let place = Place::with_two_signals();
    let cases: [(&[&str], &str); 20] = [
        (&["features", "a.csv"], "\"a.csv\" is not understood; give it as name=file.csv"),
        (&["features", "=a.csv"], "name=file.csv"),
        (&["features", "a=a.csv", "a=b.csv"], "\"a\" appears twice"),
        (&["features", "a=a.csv", "--aggregations", "mean,mode"], "\"mode\"; use mean, std"),
        (&["features", "a=a.csv", "--operation", "hrv", "--metrics", "sdnn"], "\"sdnn\"; use hr_mean"),
        (&["features", "a=a.csv", "--operation", "hrv,movement", "--metrics", "hr_cv"], "none of movement"),
        (&["features", "a=a.csv", "--operation", "dance"], "dance"),
        (&["features", "a=a.csv", "b=b.csv", "--operation", "correlation", "--method", "cosine"], "\"cosine\""),
        (&["features", "a=a.csv", "--operation", "correlation"], "exactly two"),
        (&["features", "a=a.csv", "--method", "pearson"], "--method is for correlation"),
        (&["features", "a=a.csv", "--metrics", "x_std"], "--metrics is for hrv or movement"),
        (&["features", "a=a.csv", "--window", "0s"], "a window of 0 ns"),
        (&["features", "a=a.csv", "--step", "-5s"], "a step of -5000000000 ns"),
        (&["features", "a=a.csv", "--window", "soon"], "\"soon\""),
        (&["features", "a=a.csv", "--start", "1971-01-01T00:00:00Z"], "must lie before the end"),
        (&["features", "a=a.csv", "--workers", "0"], "workers"),
        (&["align", "a=a.csv", "--method", "linear"], "\"linear\"; use one of nearest"),
        (&["align", "a=a.csv", "--only", "b"], "no signal \"b\"; use a"),
        (&["align", "a=a.csv", "--rate", "0"], "0 Hz"),
        (&["align", "a=nope.csv"], "nope.csv: cannot be opened"),
    ];
    for (args, message) in cases {
        let ended = place.command(&[args, &["--out", "out"]].concat());
        assert_eq!(ended.code(), 2, "{args:?}: {ended:?}");
        assert!(ended.reports(message), "{args:?}: {ended:?}");
        for table in ["features.csv", "aligned.csv"] {
            assert!(!place.out.join(table).exists(), "{args:?}");
        }
    }
}

#[test]
fn one_stray_timestamp_does_not_fill_the_memory() {
    let place = Place::with_two_signals();
    place.write("stray.csv", "timestamp_ns,v\n0,1\n1710108900000000000,2\n1710108901000000000,3\n");
    let ended = place.command(&["align", "s=stray.csv", "--out", "out", "--rate", "1", "--method", "pad"]);
    assert!(ended.code() == 2 && ended.reports("stray timestamps"), "{ended:?}");
    place.write_job(&json!({
        "operation": "apply_grid_alignment", "user_rate_hz": 1, "signals": [{"name": "s", "file": "stray.csv"}],
        "runs": [{"method": "pad"}, {"method": "nearest"}]
    }));
    let ended = place.run();
    assert!(ended.code() == 1 && ended.reports("stray timestamps"), "{ended:?}");
    assert_eq!(place.table("nearest_s.csv").keys.len(), 3);
}

#[test]
fn what_is_said_fits_a_terminal_and_goes_where_it_belongs() {
    let place = Place::with_two_signals();
    let mut job = two_signal_job("feature_statistics");
    job["runs"] = json!([{"name": "a".repeat(90), "parameters": {"aggregations": ["mean", "bogus", "x".repeat(90)]}}]);
    place.write_job(&job);
    let ended = place.run();
    assert_eq!(ended.code(), 1);
    assert!(ended.reports("\"bogus\" is left out: no such aggregation; use mean"), "{ended:?}");
    let table: Vec<String> = ended.stdout().lines().map(str::to_owned).collect();
    assert!(table[0].starts_with("run ") && table[1].starts_with("aaa"), "{ended:?}");
    assert!(table[..2].iter().all(|line| line.chars().count() <= 80), "{ended:?}");
    for command in ["run", "features", "align"] {
        let help = run(&[command, "--help"]);
        assert!(help.code() == 0 && help.stdout().contains("Example"), "{command}");
    }
}

/// A folder of inputs, and one for the output.
struct Place {
    folder: TempDir,
    out: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { out: folder.path().join("out"), folder }
    }

    /// Signals a and b, of four rows each, both rising.
    fn with_two_signals() -> Self {
        let place = Self::new();
        place.write("a.csv", "timestamp_ns,v\n0,1\n1000000000,2\n2000000000,4\n3000000000,5\n");
        place.write("b.csv", "timestamp_ns,v\n0,10\n1000000000,20\n2000000000,21\n3000000000,70\n");
        place
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn write_job(&self, job: &Value) {
        self.write("job.json", &job.to_string());
    }

    fn job(&self) -> PathBuf {
        self.folder.path().join("job.json")
    }

    fn run(&self) -> Ended {
        run(&["run", text(&self.job()), "--out", text(&self.out)])
    }

    /// Runs in the folder.
    fn command(&self, args: &[&str]) -> Ended {
        Ended(program().current_dir(self.folder.path()).args(args).output().unwrap())
    }

    fn table(&self, name: &str) -> Table {
        read_table(&self.out.join(name))
    }

    fn result(&self) -> Value {
        json(&self.out.join("result.json"))
    }
}

/// How the program ended, and what it said.
#[derive(Debug)]
struct Ended(Output);

impl Ended {
    fn code(&self) -> i32 {
        self.0.status.code().expect("no signal ended it")
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    fn reports(&self, what: &str) -> bool {
        self.stderr().contains(what)
    }
}

fn run(args: &[&str]) -> Ended {
    Ended(program().args(args).output().unwrap())
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sleep-analysis"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn two_signal_job(operation: &str) -> Value {
    json!({
        "operation": operation, "window_length": "30s", "step_size": "30s",
        "signals": [{"name": "a", "file": "a.csv"}, {"name": "b", "file": "b.csv"}]
    })
}

/// Calls with every golden folder whose description is a job, and a copy of that job.
fn for_every_golden_job(check: impl Fn(&Path, &mut Value)) {
    let mut n_jobs = 0;
    for group in ["sleep", "sleep_eeg"] {
        let Some(group) = golden(group) else { return };
        for folder in fs::read_dir(group).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            let mut job = json(&description(&folder));
            if job["operation"].is_string() {
                check(&folder, &mut job);
                n_jobs += 1;
            }
        }
    }
    assert_eq!(n_jobs, 26);
}

fn description(folder: &Path) -> PathBuf {
    let one = folder.join("case.json");
    if one.is_file() { one } else { folder.join("cases.json") }
}

/// Takes the results out of a description: those that a key names, and the counts and bounds that listed times make needless.
fn strip(part: &mut Value, change: &dyn Fn(&mut Value)) {
    match part {
        Value::Array(parts) => parts.iter_mut().for_each(|part| strip(part, change)),
        Value::Object(fields) => {
            fields.retain(|key, _| !REMARKS.contains(&key.as_str()));
            let is_regular = fields.get("timestamps_ns").is_some_and(Value::is_null);
            for (key, value) in &mut *fields {
                let is_needless = ["count", "first_ns", "last_ns"].contains(&key.as_str()) && !is_regular;
                match key.as_str() {
                    _ if is_needless => {
                        value.take();
                    }
                    key if EXPECTED_KEYS.contains(&key) => change(value),
                    _ => strip(value, change),
                }
            }
            fields.retain(|_, value| !value.is_null());
        }
        _ => {}
    }
}

/// Removes fields from the description and from the runs and cases in it, but not from parameters.
fn remove(part: &mut Value, keys: &[&str]) {
    match part {
        Value::Array(parts) => parts.iter_mut().for_each(|part| remove(part, keys)),
        Value::Object(fields) => {
            fields.retain(|key, _| !keys.contains(&key.as_str()));
            fields.iter_mut().filter(|(key, _)| *key != "parameters").for_each(|(_, value)| remove(value, keys));
        }
        _ => {}
    }
}

/// Runs a job on a copy of the inputs, and compares all that it writes with the golden results.
fn check_job(folder: &Path, job: &Value) {
    let place = Place::new();
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.starts_with("input_") {
            fs::copy(&file, place.folder.path().join(name)).unwrap();
        }
    }
    place.write_job(job);
    let ended = place.run();
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert_eq!(ended.code(), i32::from(INCOMPLETE.contains(&name)), "{name}: {ended:?}");
    let expected = json(&description(folder));
    let result = place.result();
    match expected["operation"].as_str().unwrap() {
        "generate_epoch_grid" | "generate_alignment_grid" => check_cases(&expected, &result),
        "eeg_epoch_features" => check_eeg(folder, &place),
        _ if expected["user_rate_hz"].is_null() && expected["grid_count"].is_null() => {
            check_features(folder, &expected, &result, &place);
        }
        _ => check_alignments(folder, &expected, &result, &place),
    }
}

fn check_cases(expected: &Value, result: &Value) {
    let (cases, found) = (expected["cases"].as_array().unwrap(), result["cases"].as_array().unwrap());
    assert_eq!(cases.len(), found.len());
    for (case, found) in cases.iter().zip(found) {
        assert_eq!(case["name"], found["name"]);
        assert_eq!(case["error_class"], found["error_class"], "{case}");
        assert_eq!(case["error"].is_null(), found["error"].is_null(), "{case}");
        for key in ["count", "epoch_start_ns", "exact", "period_ns"] {
            assert!(case[key].is_null() || case[key] == found[key], "{} {key}", case["name"]);
        }
        assert_eq!(case["target_rate_hz"].as_f64(), found["target_rate_hz"].as_f64(), "{}", case["name"]);
        if let Some(exact) = case["exact"].as_object() {
            assert!(exact.iter().all(|(key, value)| found[key] == *value), "{}", case["name"]);
        }
    }
}

fn check_features(folder: &Path, expected: &Value, result: &Value, place: &Place) {
    assert_eq!(expected["epochs"], result["epochs"]);
    for (run, found) in expected["runs"].as_array().unwrap().iter().zip(result["runs"].as_array().unwrap()) {
        for key in ["name", "rows", "effective_window_ns"] {
            assert_eq!(run[key], found[key], "{} {key}", folder.display());
        }
        let file = found["file"].as_str().unwrap();
        let has_own_name = file == format!("{}.csv", run["name"].as_str().unwrap());
        assert!(has_own_name || run["expected"] == file, "{file}");
        let expected = read_table(&folder.join(run["expected"].as_str().unwrap()));
        assert_table(&place.table(file), &expected, |name| EXACT.iter().any(|end| name.ends_with(end)), file);
    }
}

fn check_alignments(folder: &Path, expected: &Value, result: &Value, place: &Place) {
    for key in ["period_ns", "grid_first_ns", "grid_last_ns", "grid_count"] {
        assert_eq!(expected[key], result[key], "{} {key}", folder.display());
    }
    assert_eq!(expected["target_rate_hz"].as_f64(), result["target_rate_hz"].as_f64());
    let own = json!([{"method": "asof", "expected": expected["expected"], "failed": []}]);
    let runs = expected["runs"].as_array().or(own.as_array()).unwrap();
    for (run, found) in runs.iter().zip(result["runs"].as_array().unwrap()) {
        let method = run["method"].as_str().unwrap();
        assert_eq!(found["method"], method);
        if method == "linear" {
            // The original took an unknown method for nearest; here it is an error of its run.
            assert!(found["error"].as_str().unwrap().contains("\"linear\"") && found["aligned"] == 0);
            assert!(!place.out.join("expected_linear_dup.csv").exists());
            continue;
        }
        assert_eq!((&found["failed"], found["error"].is_null()), (&run["failed"], run["error"].is_null()), "{method}");
        let expected = run["expected"].as_object().unwrap();
        assert_eq!(
            (found["aligned"].as_u64(), found["files"].as_object().unwrap().len()),
            (Some(expected.len() as u64), expected.len())
        );
        for (signal, file) in expected {
            let written = found["files"][signal].as_str().unwrap();
            assert!(written == format!("{method}_{signal}.csv") || file == written, "{written}");
            let expected = read_table(&folder.join(file.as_str().unwrap()));
            // Means alone are rounded; all else are samples.
            assert_table(&place.table(written), &expected, |_| method != "nearest", written);
        }
    }
}

fn check_eeg(folder: &Path, place: &Place) {
    let expected = read_table(&folder.join("expected_features.csv"));
    let total = expected.column("abs_total").to_vec();
    let table = place.table("expected_features.csv");
    assert_eq!((&table.keys, table.columns.len()), (&expected.keys, expected.columns.len()));
    for column in &expected.columns {
        let name = column.name.as_str();
        for (row, (&actual, &expected)) in table.column(name).iter().zip(&column.values).enumerate() {
            let what = format!("{} epoch {row} {name}", folder.display());
            match name {
                "zero_crossings" => assert_same(actual, expected, &what),
                _ if name.starts_with("abs_") => assert_close(actual, expected, total[row], &what),
                _ if name.starts_with("hjorth_") => assert_close(actual, expected, 0.0, &what),
                _ => assert_close(actual, expected, 1.0, &what),
            }
        }
    }
    let expected = read_columns(&folder.join("expected_psd.csv"));
    let spectra = read_columns(&place.out.join("expected_psd.csv"));
    assert_eq!(spectra.len(), expected.len());
    for (actual, expected) in spectra.iter().zip(&expected) {
        assert_eq!((&actual.name, actual.values.len()), (&expected.name, expected.values.len()));
        let scale = expected.values.iter().copied().fold(0.0, f64::max);
        for (&actual, &value) in actual.values.iter().zip(&expected.values) {
            assert_close(actual, value, scale, &format!("{} {}", folder.display(), expected.name));
        }
    }
}

/// The same rows, and the same columns in whatever order.
fn assert_table(actual: &Table, expected: &Table, is_exact: impl Fn(&str) -> bool, what: &str) {
    assert_eq!((&actual.keys, actual.columns.len()), (&expected.keys, expected.columns.len()), "{what}");
    for column in &expected.columns {
        for (row, (&actual, &expected)) in actual.column(&column.name).iter().zip(&column.values).enumerate() {
            let what = format!("{what} row {row} of {}", column.name);
            let is_exact = is_exact(&column.name) && !column.name.contains("magnitude");
            if is_exact { assert_same(actual, expected, &what) } else { assert_close(actual, expected, 0.0, &what) }
        }
    }
}
