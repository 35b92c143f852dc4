//! The golden sample set by way of the command: same figures, warnings and arrays as the reference, in every mode the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use landmark_extraction::row::{FACE, LEFT_HAND, POSE, RIGHT_HAND, ROW};
use landmark_extraction::sample::{Extracted, RunTotals, SampleFigures, SampleStatus, read_array};
use manyhands::journal::JournalReader;
use serde_json::{Value, json};

use crate::golden::{golden, manifest, models};
use crate::program::{assert_same_arrays, json, program, require_code, table};
use crate::tolerance::{LandmarkTolerance, list, number, numbers};

/// What the reference counts of a sample.
const FIGURES: [&str; 10] = [
    "num_frames",
    "frames_ok",
    "frames_torn",
    "frames_missing",
    "frames_with_pose",
    "frames_with_left_hand",
    "frames_with_right_hand",
    "frames_with_hand",
    "frames_with_face",
    "hands_dropped",
];

fn extract(golden: &Path, models: &Path, out: &Path, more: &[&str]) -> std::process::Output {
    let (data, out) = (golden.join("samples"), out.to_str().unwrap().to_owned());
    let words = ["extract", data.to_str().unwrap(), "--out", &out, "--models", models.to_str().unwrap()];
    program(&[&words[..], more].concat())
}

#[test]
fn the_sample_set_gives_the_arrays_of_the_reference_in_every_mode() {
    let (Some(golden), Some(models)) = (golden(), models()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let shown = require_code(&extract(&golden, &models, &out("processes"), &["--workers", "2"]), 1);
    assert!(shown.contains("test/ruined failed: no readable frame"), "{shown}");
    assert!(shown.contains("test/empty failed: no frames"), "{shown}");
    assert!(shown.contains("train/broken, row 3: frame 3 is missing"), "{shown}");
    let samples = manifest(&golden, "samples.json");
    for sample in list(&samples["samples"]) {
        compare_sample(&golden, &out("processes"), sample);
    }
    compare_totals(&out("processes"), &samples["totals"]);
    for (mode, workers) in [("serial", "1"), ("threads", "2")] {
        let part = ["--split", "dev", "--mode", mode, "--workers", workers];
        require_code(&extract(&golden, &models, &out(mode), &part), 0);
    }
    assert_same_arrays(&out("threads"), &out("serial"));
    std::fs::remove_dir_all(out("processes").join("train")).unwrap();
    std::fs::remove_dir_all(out("processes").join("test")).unwrap();
    assert_same_arrays(&out("threads"), &out("processes"));
}

fn compare_sample(golden: &Path, out: &Path, sample: &Value) {
    let (split, id) = (sample["split"].as_str().unwrap(), sample["id"].as_str().unwrap());
    let rows = table(&out.join(split).join("extraction_metrics.csv"));
    let figures = rows.iter().find(|row| row["sample_id"] == id).unwrap();
    for name in FIGURES {
        assert_eq!(figures[name], sample[name].to_string(), "{name} of {id}");
    }
    assert_eq!(figures["status"], sample["status"].as_str().unwrap(), "{id}");
    assert_eq!(figures["error"], sample["error"].as_str().unwrap_or_default(), "{id}");
    let path = out.join(split).join(format!("{id}.npy"));
    if sample["status"] == "failed" {
        assert!(!path.exists(), "{id}");
        return;
    }
    let warnings = recorded_warnings(&out.join(split), id);
    assert_eq!(Value::Array(warnings), sample["warnings"], "{id}");
    let expected_path = golden.join(sample["expected"].as_str().unwrap());
    let (found, expected) = (read_array(&path).unwrap(), read_array(&expected_path).unwrap());
    let header = |path: &Path| std::fs::read(path).unwrap()[..128].to_vec();
    assert_eq!(header(&path), header(&expected_path), "{id}");
    for ((frame, found), expected) in list(&sample["frames"]).iter().zip(found.chunks(ROW)).zip(expected.chunks(ROW)) {
        compare_row(&format!("{id}, row {}", frame["row"]), frame, found, expected);
    }
}

/// Kind, row, file and number of each, as the reference has them.
fn recorded_warnings(folder: &Path, id: &str) -> Vec<Value> {
    let entries = JournalReader::open(folder.join("run/journal.sqlite")).unwrap().entries().unwrap();
    let entry = entries.iter().find(|entry| entry.key == id).unwrap();
    let extracted: Extracted = entry.value().unwrap().unwrap();
    let shown = extracted.warnings.iter().map(
        |warning| json!({ "kind": warning.kind, "row": warning.row, "file": warning.file, "number": warning.number }),
    );
    shown.collect()
}

fn compare_row(name: &str, frame: &Value, found: &[f32], expected: &[f32]) {
    let parts = [
        ("pose", "pose", POSE),
        ("left_hand", "hand", LEFT_HAND),
        ("right_hand", "hand", RIGHT_HAND),
        ("face", "face", FACE),
    ];
    for (part, kind, place) in parts {
        let (found, expected) = (&found[place.clone()], &expected[place]);
        if frame[part] != true {
            assert!(found.iter().chain(expected).all(|number| number.is_nan()), "{part} of {name}");
            continue;
        }
        assert!(!found.iter().any(|number| number.is_nan()), "{part} of {name}");
        let side = number(&frame["roi_side_px"][part]);
        let near_ties = if kind == "pose" { numbers(&frame["near_tie_landmarks"]) } else { Vec::new() };
        let near_ties = near_ties.into_iter().map(|idx| idx as usize).collect();
        let size = (number(&frame["width"]), number(&frame["height"]));
        LandmarkTolerance::of(kind, side, size, near_ties).assert_close(&format!("{part} of {name}"), expected, found);
    }
}

fn compare_totals(out: &Path, totals: &Value) {
    for split in ["train", "dev", "test"] {
        let summary = json(&out.join(split).join("extraction_summary.json"));
        for name in ["newly_extracted", "failed", "total_frames"] {
            assert_eq!(summary[name], totals[split][name], "{name} of {split}");
        }
        assert_eq!(summary["total_samples"], totals[split]["samples"], "{split}");
    }
    let summary = json(&out.join("extraction_summary.json"));
    for name in ["newly_extracted", "failed", "total_frames"] {
        assert_eq!(summary[name], totals["all"][name], "{name}");
    }
}

#[test]
fn the_totals_of_a_run_are_those_of_the_reference() {
    let Some(landmarks) = golden() else { return };
    let cases = manifest(&landmarks.join("../batch"), "extraction_summary.json");
    for case in list(&cases["cases"]) {
        let figures: Vec<SampleFigures> = list(&case["records"]).iter().map(figures_of).collect();
        let totals = json!(RunTotals::of(&figures, case["wall"].as_f64().unwrap()));
        for (name, expected) in case["expect"].as_object().unwrap() {
            let (found, expected) = (totals[name].as_f64().unwrap(), expected.as_f64().unwrap());
            let is_close = (found - expected).abs() <= 1e-12 * expected.abs();
            assert!(is_close, "{name} of {}: {found} and not {expected}", case["id"]);
        }
    }
}

fn figures_of(record: &Value) -> SampleFigures {
    let fields: BTreeMap<String, Value> = serde_json::from_value(record.clone()).unwrap();
    let float = |name: &str| fields[name].as_f64().unwrap();
    let is_failed = fields["status"] == "failed";
    SampleFigures {
        status: if is_failed { SampleStatus::Failed } else { SampleStatus::Success },
        num_frames: usize::try_from(fields["num_frames"].as_u64().unwrap()).unwrap(),
        processing_time: float("processing_time"),
        fps: float("fps"),
        memory_used_mb: float("memory_used_mb"),
        ..SampleFigures::default()
    }
}
