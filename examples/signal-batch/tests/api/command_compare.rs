//! `signal-batch compare`: what moved is named, and exit codes tell it.

use std::fs;
use std::path::Path;

use manyhands_test_support::rng::Rng;
use serde_json::Value;
use signal_batch::{Table, TextColumn};
use tempfile::TempDir;

use crate::program::{require_code, signal_batch};
use crate::regression::batch;
use crate::report::assert_well_formed;

/// A folder with `a.csv`, `same.csv` and `b.csv`: twenty metrics, of which three moved in `b`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(7);
    for (name, moved) in [("a", &[][..]), ("same", &[][..]), ("b", &[(3, 2.0), (11, -2.0), (17, 2.5)][..])] {
        batch(&mut rng, 20, 60, moved).write_csv(folder.path().join(format!("{name}.csv"))).unwrap();
    }
    folder
}

fn compare(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let place = |argument: &&str| {
        let is_file = [".csv", ".json", ".toml"].iter().any(|ending| argument.ends_with(ending));
        if is_file || *argument == "out" { folder.join(argument).display().to_string() } else { (*argument).to_owned() }
    };
    let arguments: Vec<String> = std::iter::once("compare".to_owned()).chain(arguments.iter().map(place)).collect();
    signal_batch(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

const MOVED: [&str; 3] = ["metric_03", "metric_11", "metric_17"];

#[test]
fn a_regression_run_names_exactly_what_moved_and_ends_with_1() {
    let folder = folder();
    let (text, _) = require_code(&compare(folder.path(), &["--baseline", "a.csv", "b.csv"]), 1);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80 || line.contains(folder.path().to_str().unwrap())),
        "{text}"
    );
    let tail = text.split("moved by more than the limit").nth(1).unwrap();
    let named: Vec<&str> = tail.lines().filter_map(|line| line.trim_start().strip_prefix("metric_")).collect();
    assert_eq!(named.len(), 3, "{text}");
    assert!(MOVED.iter().all(|name| tail.contains(&format!("{name}: "))) && tail.contains("95 % CI"), "{text}");
    let (json, _) = require_code(&compare(folder.path(), &["--baseline", "a.csv", "b.csv", "--json"]), 1);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["regressions"], serde_json::json!(MOVED));
    let (text, _) = require_code(&compare(folder.path(), &["--baseline", "a.csv", "same.csv"]), 0);
    assert!(text.contains("no metric moved by more than its limit, of 20 tested"), "{text}");
    require_code(&compare(folder.path(), &["a.csv", "b.csv"]), 0);
}

#[test]
fn a_saved_baseline_judges_as_its_table_does() {
    let folder = folder();
    let (text, _) = require_code(&compare(folder.path(), &["--save-baseline", "base.json", "a.csv"]), 0);
    assert!(text.contains("1200 values of 20 columns"), "{text}");
    let of = |baseline| {
        let (json, _) = require_code(&compare(folder.path(), &["--baseline", baseline, "b.csv", "--json"]), 1);
        serde_json::from_str::<Value>(&json).unwrap()
    };
    let (saved, table) = (of("base.json"), of("a.csv"));
    assert_eq!(saved["comparisons"], table["comparisons"]);
    assert!(saved["batches"][0]["saved_at"].is_string());
}

#[test]
fn limits_of_flags_and_files_bear_what_they_say() {
    let folder = folder();
    let limits =
        "[metrics.metric_03]\nmax_change = \"50%\"\n[metrics.metric_11]\nmax_change = 0.1\nworse = \"higher\"\n";
    fs::write(folder.path().join("limits.toml"), limits).unwrap();
    let all = ["--baseline", "a.csv", "b.csv", "--limits", "limits.toml", "--json"];
    let (json, _) = require_code(&compare(folder.path(), &all), 1);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["regressions"], serde_json::json!(["metric_17"]));
    require_code(&compare(folder.path(), &[&all[..], &["--limit", "metric_17=9"]].concat()), 0);
    let (_, refused) = require_code(&compare(folder.path(), &["a.csv", "b.csv", "--limit", "metric_3=1%"]), 2);
    assert!(refused.contains("did you mean \"metric_"), "{refused}");
    let (_, refused) = require_code(&compare(folder.path(), &["a.csv", "b.csv", "--limit", "metric_03=low"]), 2);
    assert!(refused.contains("low") && refused.contains("2%"), "{refused}");
}

#[test]
fn a_metric_that_was_in_the_baseline_and_cannot_be_tested_makes_the_run_incomplete() {
    let folder = folder();
    let whole = Table::read_csv(folder.path().join("same.csv")).unwrap();
    let mut numbers = whole.numbers().to_vec();
    numbers[5].values.iter_mut().skip(1).for_each(|value| *value = f64::NAN);
    numbers.remove(9);
    Table::new(Vec::new(), numbers).unwrap().write_csv(folder.path().join("lost.csv")).unwrap();
    let (text, warned) = require_code(&compare(folder.path(), &["--baseline", "a.csv", "lost.csv"]), 1);
    assert!(warned.contains("not tested although wanted: metric_05, metric_09"), "{warned}");
    assert!(text.contains("metric_05: 60 and 1 values") && text.contains("metric_09: only a has it"), "{text}");
    let some = ["--baseline", "a.csv", "lost.csv", "--metrics", "metric_00,metric_01"];
    require_code(&compare(folder.path(), &some), 0);
    require_code(&compare(folder.path(), &["a.csv", "lost.csv"]), 0);
    require_code(&compare(folder.path(), &["a.csv", "lost.csv", "--metrics", "metric_05"]), 1);
    require_code(&compare(folder.path(), &["a.csv", "lost.csv", "--limit", "metric_09=1"]), 1);
}

#[test]
fn a_run_in_which_nothing_could_be_tested_does_not_end_as_if_nothing_had_moved() {
    let folder = folder();
    for (name, text) in [
        ("names.csv", "file,batch\na,1\nb,1\n"),
        ("missing.csv", "file,batch,v\na,1,\nb,1,\n"),
        ("v.csv", "file,batch,v\na,1,1\nb,1,2\nc,1,3\n"),
        ("header.csv", "file,batch,v\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for (arguments, code) in [
        (&["--baseline", "names.csv", "v.csv"][..], 2),
        (&["--baseline", "missing.csv", "v.csv"], 2),
        (&["--baseline", "header.csv", "v.csv"], 2),
        (&["--baseline", "v.csv", "header.csv"], 1),
        (&["names.csv", "names.csv"], 2),
        (&["v.csv", "--group", "batch"], 2),
    ] {
        let (_, refused) = require_code(&compare(folder.path(), arguments), code);
        assert!(refused.contains("no metric could be tested"), "{arguments:?}: {refused}");
    }
    require_code(&compare(folder.path(), &["--baseline", "v.csv", "v.csv"]), 0);
}

#[test]
fn the_groups_of_one_table_are_compared_and_all_is_written() {
    let folder = folder();
    let [a, b] = ["a.csv", "b.csv"].map(|name| Table::read_csv(folder.path().join(name)).unwrap());
    let numbers = a.numbers().iter().zip(b.numbers()).map(|(a, b)| {
        let values = [a.values.as_slice(), b.values.as_slice()].concat();
        signal_batch::NumberColumn { name: a.name.clone(), values }
    });
    // Labels that are numbers, and one that a spreadsheet would compute.
    let labels = (0..120).map(|row| if row < 60 { "1".to_owned() } else { "=2".to_owned() }).collect();
    let texts = vec![TextColumn { name: "lot".into(), values: labels }];
    Table::new(texts, numbers.collect()).unwrap().write_csv(folder.path().join("both.csv")).unwrap();
    let (text, _) = require_code(&compare(folder.path(), &["both.csv", "--group", "lot", "--out", "out"]), 0);
    assert!(MOVED.iter().all(|name| text.contains(&format!("{name}: 1 to =2"))), "{text}");
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let json: Value = serde_json::from_str(&read("comparison.json")).unwrap();
    assert_eq!(json["regressions"], serde_json::json!(MOVED));
    let csv = read("comparison.csv");
    assert_eq!((csv.lines().count(), csv.contains(",=2,"), csv.contains(",'=2,")), (21, false, true), "{csv}");
    let page = read("index.html");
    assert!(MOVED.iter().all(|name| page.contains(&format!("<strong>{name}</strong>"))));
    assert_well_formed(&page);
}

#[test]
fn the_tests_and_corrections_are_those_of_the_flags() {
    let folder = folder();
    for test in ["welch", "mann-whitney", "ks"] {
        for correction in ["holm", "bh", "none"] {
            let flags =
                ["--baseline", "a.csv", "b.csv", "--alpha", "0.0001", "--test", test, "--correction", correction];
            let (text, _) = require_code(&compare(folder.path(), &flags), 1);
            assert!(MOVED.iter().all(|name| text.contains(&format!("{name}: "))), "{text}");
        }
    }
    let (_, refused) = require_code(&compare(folder.path(), &["a.csv", "b.csv", "--test", "welhc"]), 2);
    assert!(refused.contains("welch"), "{refused}");
    let (_, refused) = require_code(&compare(folder.path(), &["a.csv", "b.csv", "--alpha", "5"]), 2);
    assert!(refused.contains("between 0 and 1"), "{refused}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_way_out() {
    let folder = folder();
    fs::write(folder.path().join("torn.json"), "{\"format\": \"signal-batch").unwrap();
    for (arguments, named) in [
        (&["a.csv"][..], "--group COLUMN"),
        (&["--baseline", "a.csv", "b.csv", "same.csv"], "take one table"),
        (&["a.csv", "absent.csv"], "absent.csv"),
        (&["--baseline", "torn.json", "b.csv"], "torn.json"),
        (&["a.csv", "--group", "lot"], "lot"),
        (&["a.csv", "b.csv", "--metrics", "metric_99"], "metric_99"),
        (&["a.csv", "b.csv", "--limits", "absent.toml"], "absent.toml"),
        (&["--save-baseline", "nowhere/base.json", "a.csv"], "--save-baseline"),
        (&[], "TABLE"),
    ] {
        let (out, refused) = require_code(&compare(folder.path(), arguments), 2);
        assert!(refused.contains(named) && out.is_empty(), "{arguments:?}: {refused}");
    }
}

#[test]
fn a_folder_stands_for_its_results_and_an_input_is_not_written_over() {
    let folder = folder();
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::copy(folder.path().join("a.csv"), folder.path().join("out/results.csv")).unwrap();
    require_code(&compare(folder.path(), &["out", "same.csv"]), 0);
    fs::rename(folder.path().join("a.csv"), folder.path().join("out/comparison.csv")).unwrap();
    let (_, refused) = require_code(&compare(folder.path(), &["out/comparison.csv", "b.csv", "--out", "out"]), 2);
    assert!(refused.contains("is an input too"), "{refused}");
}

#[test]
fn the_two_groups_of_a_table_are_named_once_and_no_word_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lots.csv");
    crate::report::two_batches().write_csv(&path).unwrap();
    let compare = |more: &[&str]| {
        let arguments = [&["compare", path.to_str().unwrap(), "--group", "batch", "--metrics"], more].concat();
        require_code(&signal_batch(&arguments), 0).0
    };
    let text = compare(&["dominant_frequency,thd_percent,snr_db"]);
    assert!(text.contains("\na: monday, b: tuesday\n") && !text.contains('\u{2026}'), "{text}");
    assert!(text.contains("1 of 50 captures of the table failed"), "{text}");
}

#[test]
fn a_change_beyond_its_limit_that_may_be_chance_is_named_and_does_not_fail_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, values: &[f64]| {
        let column = signal_batch::NumberColumn { name: "rms".into(), values: values.to_vec() };
        Table::new(Vec::new(), vec![column]).unwrap().write_csv(folder.path().join(name)).unwrap();
    };
    write("a.csv", &[1.0, 1.01, 0.99, 1.0, 1.02, 0.98]);
    write("b.csv", &[1.1, 1.11, 1.09, 1.1, 1.12, 3.0]);
    let with = |more: &[&str]| {
        let output = compare(folder.path(), &[&["--baseline", "a.csv", "b.csv"], more].concat());
        require_code(&output, 0).0.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = with(&["--limit", "rms=5%"]);
    assert!(text.contains("beyond the limit, but it may be chance"), "{text}");
    assert!(!with(&["--limit", "rms=90%"]).contains("may be chance") && !with(&[]).contains("may be chance"));
}
