//! `eeg-artifact run`: the golden cases as job descriptions, in every mode, and what is wrong with a job.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Map, Value, json};

use crate::golden::{CASES, Case, assert_close, golden, read_f64};

/// Modes and numbers of workers; the first is what the others are compared with.
const WAYS: [(&str, usize); 7] =
    [("serial", 1), ("threads", 1), ("threads", 2), ("threads", 3), ("threads", 7), ("threads", 16), ("processes", 2)];

/// The outputs of the cases, their steps as the manifest has them, and how closely they must agree.
const STEPS: [(&str, &[&str], f64); 16] = [
    ("highpass", &["highpass"], 1e-12),
    ("lowpass", &["lowpass"], 1e-12),
    ("bandpass", &["bandpass"], 1e-12),
    ("notch", &["notch"], 1e-12),
    ("aas_plain", &["aas"], 1e-12),
    ("aas_realign", &["aas"], 1e-12),
    ("aas_alpha", &["aas"], 1e-12),
    ("aas_interp", &["aas"], 1e-12),
    ("aas_relwin", &["aas"], 1e-12),
    ("chain_hp_aas_lp", &["highpass", "aas", "lowpass"], 1e-12),
    ("pca_int", &["pca"], 1e-9),
    ("pca_frac", &["pca"], 1e-9),
    ("anc_after_aas_plain", &["aas", "anc"], 1e-9),
    ("anc_c_after_aas_plain", &["aas", "anc"], 1e-9),
    ("upsample_ch0", &["upsample"], 1e-11),
    ("downsample_ch0", &["downsample"], 1e-11),
];

pub(crate) fn eeg_artifact(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eeg-artifact")).args(arguments).output().unwrap()
}

fn run(job: &Path, out: &Path, mode: &str, workers: usize) -> Output {
    let (job, out, workers) = (job.to_str().unwrap(), out.to_str().unwrap(), workers.to_string());
    eeg_artifact(&["run", job, "--out", out, "--mode", mode, "--workers", &workers])
}

fn require_code(output: &Output, code: i32) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout: {out}\nstderr: {err}");
}

/// The job of a golden case: all of its outputs as runs.
fn job_of(case: &Case) -> Value {
    let manifest = &case.manifest;
    let of = |key: &str| manifest[key].clone();
    let used = manifest.get("used_for_processing").unwrap_or(manifest);
    let mut runs: Vec<Value> = STEPS.iter().map(|(key, steps, _)| run_of(case, key, steps)).collect();
    for key in ["aligner_native", "aligner_upsampled"] {
        runs.push(json!({ "name": key, "steps": [{ "aligner": case.output(key)["params"] }] }));
    }
    json!({
        "recording": {
            "file": case.folder.join("input.f32"), "sfreq": of("sfreq"), "n_channels": of("n_channels"),
            "n_times": of("n_times"), "channel_names": of("channel_names"),
        },
        "triggers": {
            "samples": of("triggers"), "artifact_length": used.get("artifact_length"),
            "volume_gaps": used.get("volume_gaps"), "offset_s": of("artifact_to_trigger_offset_s"),
            "upsampling_factor": of("upsampling_factor_metadata"),
        },
        "runs": runs,
    })
}

fn run_of(case: &Case, key: &str, steps: &[&str]) -> Value {
    let entry = case.output(key);
    let params = if let Some(params) = entry.get("params") { params } else { &Value::Null };
    let mut params = params.clone();
    let settings = |step: &str| match (steps.len(), step) {
        (1, "upsample" | "downsample") => {
            json!({ "factor": params["factor"], "channels": [params["channel"]] })
        }
        (1, _) => params.clone(),
        (3, "aas") => params["aas"].clone(),
        (3, _) => json!({ "freq": params[step] }),
        (_, "aas") => case.output("aas_plain")["params"].clone(),
        (_, step) => {
            let taps = case.output("anc_after_aas_plain")["hp_weights"]["file"].as_str().unwrap();
            let mut settings: Map<String, Value> = params.as_object().unwrap().clone();
            let is_c = params["variant"].as_str().unwrap().starts_with("C-");
            settings.insert("variant".to_owned(), json!(if is_c { "c" } else { "python" }));
            settings.insert("highpass_taps".to_owned(), json!(case.folder.join(taps)));
            if settings.get("filter_order").is_none() {
                let before = case.output("anc_after_aas_plain")["params"].clone();
                settings = before.as_object().unwrap().clone();
                settings.insert("variant".to_owned(), json!("c"));
            }
            assert_eq!(step, "anc");
            Value::Object(settings)
        }
    };
    let steps: Vec<Value> = steps.iter().map(|step| json!({ *step: settings(step) })).collect();
    params.take();
    json!({ "name": key, "steps": steps, "output": format!("out_{key}.f64") })
}

#[test]
fn the_golden_cases_agree_and_are_the_same_bytes_in_every_mode() {
    for name in CASES {
        let Some(case) = Case::open(name) else { return };
        let folder = tempfile::tempdir().unwrap();
        let job = folder.path().join("job.json");
        fs::write(&job, job_of(&case).to_string()).unwrap();
        for (mode, workers) in WAYS {
            let out = folder.path().join(format!("{mode}{workers}"));
            require_code(&run(&job, &out, mode, workers), 0);
        }
        let serial = folder.path().join("serial1");
        compare(&case, &serial);
        for (mode, workers) in &WAYS[1..] {
            same_files(&serial, &folder.path().join(format!("{mode}{workers}")));
        }
    }
}

fn compare(case: &Case, out: &Path) {
    for (key, _, tolerance) in STEPS {
        let expected = case.rows(key);
        let found = read_f64(&out.join(format!("out_{key}.f64")));
        let found: Vec<Vec<f64>> = found.chunks_exact(expected[0].len()).map(<[f64]>::to_vec).collect();
        assert_close(&found, &expected, tolerance, &format!("{} {key}", case.folder.display()));
    }
    let result: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    for run in result["runs"].as_array().unwrap() {
        let key = run["name"].as_str().unwrap();
        let entry = case.output(key);
        for field in ["triggers_after", "triggers"] {
            if let Some(expected) = entry.get(field) {
                assert_eq!(&run["triggers"], expected, "{} {key}", case.folder.display());
            }
        }
        if let Some(length) = entry.get("artifact_length") {
            assert_eq!(&run["artifact_length"], length, "{} {key}", case.folder.display());
        }
    }
}

/// Fails unless two folders hold the same files with the same bytes.
pub(crate) fn same_files(one: &Path, other: &Path) {
    let names = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(one), names(other));
    for name in names(one) {
        let is_same = fs::read(one.join(&name)).unwrap() == fs::read(other.join(&name)).unwrap();
        assert!(is_same, "{} differs in {}", name.display(), other.display());
    }
}

#[test]
fn a_chain_over_mixed_channels_touches_what_it_should() {
    let Some(case) = Case::open("mixed10") else { return };
    let manifest = &case.manifest;
    let of = |key: &str| manifest[key].clone();
    let freq = |idx: usize, step: &str| json!({ step: { "freq": manifest["chain"][idx][step] } });
    let job = json!({
        "recording": {
            "file": case.folder.join("input.f32"), "sfreq": of("sfreq"), "n_channels": of("n_channels"), "bads": of("bads"),
            "n_times": of("n_times"), "channel_names": of("channel_names"), "channel_types": of("channel_types"),
        },
        "triggers": { "regex": "^1$" },
        "runs": [{
            "name": "chain", "output": "out_chain.f64",
            "steps": [freq(0, "highpass"), { "aas": manifest["chain"][1]["aas"] }, freq(2, "lowpass")],
        }],
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.json");
    fs::write(&path, job.to_string()).unwrap();
    let expected: Vec<Vec<f64>> =
        read_f64(&case.folder.join("out_chain.f64")).chunks_exact(4000).map(<[f64]>::to_vec).collect();
    for (mode, workers) in WAYS {
        let out = folder.path().join(format!("{mode}{workers}"));
        require_code(&run(&path, &out, mode, workers), 0);
        let found = read_f64(&out.join("out_chain.f64"));
        let found: Vec<Vec<f64>> = found.chunks_exact(4000).map(<[f64]>::to_vec).collect();
        assert_close(&found, &expected, 1e-12, mode);
        same_files(&folder.path().join("serial1"), &out);
    }
    let result: Value = serde_json::from_slice(&fs::read(folder.path().join("serial1/result.json")).unwrap()).unwrap();
    assert_eq!(result["runs"][0]["triggers"], manifest["triggers"]);
    assert_eq!(result["runs"][0]["artifact_length"], manifest["artifact_length"]);
}

#[test]
fn filters_are_designed_and_triggers_are_found_by_job_descriptions() {
    let Some(golden) = golden() else { return };
    let manifest: Value = serde_json::from_slice(&fs::read(golden.join("fir/manifest.json")).unwrap()).unwrap();
    let items = manifest["items"].as_array().unwrap();
    let keys = ["sfreq", "l_freq", "h_freq", "notch", "notch_width"];
    let filters = items.iter().map(|item| {
        let given = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone())));
        Value::Object(given.collect())
    });
    let cases: Value = serde_json::from_slice(&fs::read(golden.join("trigger_cases.json")).unwrap()).unwrap();
    let without_expected = |case: &Value| {
        let mut case = case.clone();
        case.as_object_mut().unwrap().remove("expected");
        case
    };
    let given: Vec<Value> = cases.as_array().unwrap().iter().map(without_expected).collect();
    let job = json!({ "fir": filters.collect::<Vec<Value>>(), "trigger_cases": given });
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("job.json"), folder.path().join("out"));
    fs::write(&path, job.to_string()).unwrap();
    require_code(&run(&path, &out, "serial", 1), 0);
    for (idx, item) in items.iter().enumerate() {
        let expected = read_f64(&golden.join("fir").join(item["taps"]["file"].as_str().unwrap()));
        let found = read_f64(&out.join(format!("taps_{idx:02}.f64")));
        assert_close(&[found], &[expected], 1e-12, &format!("filter {idx}"));
    }
    let result: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    for (idx, case) in cases.as_array().unwrap().iter().enumerate() {
        let (found, expected) = (&result["trigger_cases"][idx], &case["expected"]);
        if expected.get("error").is_some() {
            assert!(found["error"].is_string(), "case {idx}: {found}");
        } else {
            assert_eq!(found, expected, "case {idx}");
        }
    }
}

#[test]
fn the_job_of_the_help_text_can_be_run() {
    let help = eeg_artifact(&["run", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let lines =
        help.lines().skip_while(|line| !line.contains("beside it:")).skip(1).take_while(|line| !line.is_empty());
    let mut job: Value = serde_json::from_str(&lines.collect::<String>()).unwrap();
    let after = |text: &str| help.split_once(text).map(|(_, rest)| format!("{text}{rest}")).unwrap();
    let list = |text: &str| {
        let of = after(text);
        let value = of.split_once(": ").unwrap().1;
        serde_json::Deserializer::from_str(value).into_iter::<Value>().next().unwrap().unwrap()
    };
    job["fir"] = list("\"fir\": ");
    job["trigger_cases"] = list("\"trigger_cases\": ");
    let folder = tempfile::tempdir().unwrap();
    let samples = (0..600_000_u32).flat_map(|idx| ((idx % 7919) as f32 * 1e-8).to_le_bytes());
    fs::write(folder.path().join("raw.f32"), samples.collect::<Vec<u8>>()).unwrap();
    let (path, out) = (folder.path().join("job.json"), folder.path().join("out"));
    fs::write(&path, job.to_string()).unwrap();
    require_code(&run(&path, &out, "threads", 2), 0);
    let result: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["runs"][0]["artifact_length"], 7500);
    assert_eq!(result["trigger_cases"][0]["triggers"], json!([100]));
    assert_eq!(result["trigger_cases"][1]["triggers"], json!([250, 1250]));
    assert_eq!(fs::read(out.join("averaged.f64")).unwrap().len(), 600_000 * 8);
    assert!(out.join("taps_01.f64").is_file());
}

#[test]
fn a_run_that_fails_is_named_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let job = json!({
        "recording": { "file": "in.f32", "sfreq": 100.0, "n_channels": 1, "n_times": 500 },
        "runs": [
            { "name": "unknown", "steps": [{ "lowpas": { "freq": 10.0 } }] },
            { "name": "above", "steps": [{ "lowpass": { "freq": 60.0 } }] },
            { "name": "no triggers", "steps": [{ "aas": {} }] },
            { "name": "good", "steps": [{ "lowpass": { "freq": 10.0 } }], "output": "good.f64" },
        ],
    });
    let values: Vec<u8> = (0..500_u16).flat_map(|n| f32::from(n % 7).to_le_bytes()).collect();
    fs::write(folder.path().join("in.f32"), values).unwrap();
    let (path, out) = (folder.path().join("job.json"), folder.path().join("out"));
    fs::write(&path, job.to_string()).unwrap();
    let output = run(&path, &out, "threads", 2);
    require_code(&output, 1);
    let result: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    let errors: Vec<Option<&str>> = (0..4).map(|idx| result["runs"][idx]["error"].as_str()).collect();
    assert!(errors[0].unwrap().contains("lowpass"), "{errors:?}");
    assert!(errors[1].unwrap().contains("60") && errors[2].unwrap().contains("triggers"), "{errors:?}");
    assert_eq!((errors[3], read_f64(&out.join("good.f64")).len()), (None, 500));
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(["unknown", "above", "no triggers"].iter().all(|name| shown.contains(name)), "{shown}");
}

#[test]
fn a_job_that_cannot_be_done_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let recording = json!({ "file": "in.f32", "sfreq": 100.0, "n_channels": 2, "n_times": 10 });
    fs::write(folder.path().join("in.f32"), [0; 79]).unwrap();
    let of_triggers = |triggers: &Value| json!({ "recording": recording, "runs": [], "triggers": triggers });
    for (job, named) in [
        (json!({}), "asks for nothing"),
        (json!({ "recordng": {} }), "recordng"),
        (json!({ "recording": recording, "runs": [] }), "79 bytes"),
        (json!({ "recording": recording }), "runs"),
        (
            json!({ "recording": recording, "runs": [{ "name": "a", "steps": [], "output": "../a" }] }),
            "plain file name",
        ),
        (
            json!({ "recording": { "file": "absent", "sfreq": 1.0, "n_channels": 1, "n_times": 1 }, "runs": [] }),
            "absent",
        ),
        (of_triggers(&json!({ "samples": [1, 5], "regex": "1" })), "samples and a regex"),
        (of_triggers(&json!({ "artifact_length": 4 })), "artifact_length and no triggers"),
        (json!({ "triggers": { "samples": [1, 5] }, "fir": [] }), "triggers belong to a recording"),
        (
            json!({ "recording": recording, "runs": [
                { "name": "a", "steps": [], "output": "a.f64" }, { "name": "a", "steps": [], "output": "b.f64" },
            ] }),
            "two runs are called \"a\"",
        ),
    ] {
        let (path, out) = (folder.path().join("job.json"), folder.path().join("out"));
        fs::write(&path, job.to_string()).unwrap();
        let output = run(&path, &out, "serial", 1);
        require_code(&output, 2);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert!(shown.contains(named), "{job}: {shown}");
    }
}

#[test]
fn a_filter_and_a_trigger_case_that_contradict_themselves_are_named_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let stim = json!({ "source": "stim", "sfreq": 100.0, "n_times": 50, "regex": "1", "value_changes_at": [[10, 1]] });
    let with = |key: &str, value: Value| {
        let mut case = stim.clone();
        case[key] = value;
        case
    };
    let job = json!({
        "fir": [{ "sfreq": 100.0, "l_freq": 1.0, "notch_width": 2.0 }, { "sfreq": 100.0, "l_freq": 1.0 }],
        "trigger_cases": [
            with("source", json!("annotations")), with("onsets_s", json!([0.1])), with("regex", json!("(")), stim,
            { "source": "annotations", "sfreq": 100.0, "n_times": 50, "regex": "1", "onsets_s": [], "descriptions": [] },
        ],
    });
    let (path, out) = (folder.path().join("job.json"), folder.path().join("out"));
    fs::write(&path, job.to_string()).unwrap();
    let output = run(&path, &out, "serial", 1);
    require_code(&output, 1);
    let shown = String::from_utf8_lossy(&output.stderr);
    for named in ["notch_width", "trigger case 0", "trigger case 1", "trigger case 2"] {
        assert!(shown.contains(named), "{named}: {shown}");
    }
    assert!(!shown.contains("trigger case 4"), "that nothing matches is an answer: {shown}");
    let result: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["trigger_cases"][3]["triggers"], json!([10]));
    assert!(result["trigger_cases"][4]["error"].is_string() && out.join("taps_01.f64").is_file(), "{result}");
}

#[test]
fn what_a_run_leaves_out_is_said_and_what_it_needs_too() {
    let folder = tempfile::tempdir().unwrap();
    let job = json!({
        "recording": { "file": "in.f32", "sfreq": 100.0, "n_channels": 1, "n_times": 500 },
        "triggers": { "samples": [10, 100, 400] },
        "runs": [{ "name": "short", "steps": [{ "crop": { "tmin": 0.5, "tmax": 2.0 } }], "output": "short.f64" }],
    });
    fs::write(folder.path().join("in.f32"), [0; 2000]).unwrap();
    let (path, out) = (folder.path().join("job.json"), folder.path().join("out"));
    fs::write(&path, job.to_string()).unwrap();
    let output = run(&path, &out, "threads", 2);
    require_code(&output, 0);
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(warned.contains("\"short\"") && warned.contains("dropped 2 of 3 triggers"), "{warned}");
    assert!(said.contains("1 channels of 500 samples need about 17 MiB"), "{said}");
}

#[test]
fn a_regex_that_cannot_be_looked_for_costs_only_the_runs_that_need_triggers() {
    let folder = tempfile::tempdir().unwrap();
    let job = json!({
        "recording": { "file": "in.f32", "sfreq": 100.0, "n_channels": 1, "n_times": 500 },
        "triggers": { "regex": "^1$" },
        "runs": [
            { "name": "filter", "steps": [{ "lowpass": { "freq": 10.0 } }] },
            { "name": "subtract", "steps": [{ "aas": {} }] },
        ],
    });
    fs::write(folder.path().join("in.f32"), [0; 2000]).unwrap();
    let (path, out) = (folder.path().join("job.json"), folder.path().join("out"));
    fs::write(&path, job.to_string()).unwrap();
    let output = run(&path, &out, "serial", 1);
    require_code(&output, 1);
    let result: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    assert!(result["runs"][0].get("error").is_none() && out.join("out_filter.f64").is_file(), "{result}");
    assert!(result["runs"][1]["error"].as_str().unwrap().contains("annotation"), "{result}");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("no triggers") && shown.contains("subtract"), "{shown}");
}
