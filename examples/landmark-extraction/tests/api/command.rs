//! The commands beside `extract` and `verify`: none at all, and `models unpack`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use landmark_extraction::models::files::{HOW_TO_GET, MODEL_FILES};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::golden;
use crate::program::{arrays, command, json, program, require_code};

#[test]
fn without_a_command_drawn_frames_are_extracted_and_the_error_is_in_every_summary() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| command(words).current_dir(folder.path()).output().unwrap();
    let first = run(&["--samples", "5", "--frames", "4"]);
    require_code(&first, 0);
    let said = String::from_utf8(first.stdout).unwrap();
    for named in
        ["small ones that the program carries", "train: 3 of 3", "px off on average", "landmarks-out/index.html"]
    {
        assert!(said.contains(named), "{named}: {said}");
    }
    let out = folder.path().join("landmarks-out");
    let before = arrays(&out);
    assert_eq!(before.len(), 5);
    let summary = json(&out.join("extraction_summary.json"));
    let error = json(&out.join("made_error.json"));
    assert_eq!(summary["made_error"], error);
    let face = &error["face"];
    assert!(face["n_compared"].as_u64().unwrap() > 5 && face["mean_pixels"].as_f64().unwrap() < 4.0, "{error}");
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("Error against the truth") && page.contains("not for real footage"));

    // Again: nothing is left to do, and figures are those of all runs.
    let again = run(&["--samples", "5", "--frames", "4", "--json"]);
    require_code(&again, 0);
    let said: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&said["newly_extracted"], &said["already_extracted"]), (&0.into(), &5.into()), "{said}");
    assert_eq!((&said["made_error"], &said["all_runs"]["total_frames"]), (&error, &20.into()), "{said}");
    for name in ["average_fps", "median_fps_per_item", "total_processing_time"] {
        assert!(said["all_runs"][name].as_f64().unwrap() > 0.0, "{name}: {said}");
    }
    assert!(arrays(&out) == before);

    // Of another size: drawn and extracted anew.
    let smaller = run(&["--samples", "4", "--frames", "2", "--mode", "threads"]);
    require_code(&smaller, 0);
    assert_eq!(json(&out.join("extraction_summary.json"))["newly_extracted"], 4);

    // A folder of frames that this program has not drawn is left as it is.
    fs::create_dir_all(folder.path().join("own/data/train/a")).unwrap();
    let shown = require_code(&run(&["--out", "own"]), 2);
    assert!(shown.contains("was not drawn by this program; choose another --out"), "{shown}");
    assert!(folder.path().join("own/data/train/a").is_dir());
}

#[test]
fn models_unpack_takes_the_models_out_of_a_wheel_and_refuses_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let (wheel, to) = (folder.path().join("m.whl"), folder.path().join("models"));
    let unpack = |more: &[&str]| {
        let words = ["models", "unpack", wheel.to_str().unwrap(), "--to", to.to_str().unwrap()];
        program(&[&words[..], more].concat())
    };
    write_wheel(&wheel, &[("mediapipe/__init__.py".to_owned(), b"import os".to_vec())]);
    let shown = require_code(&unpack(&[]), 2);
    assert!(shown.contains("m.whl") && shown.contains("pip download mediapipe==0.10.21"), "{shown}");
    assert!(!to.exists() && HOW_TO_GET.lines().count() == 1);

    let Some(models) = golden::models() else { return };
    let member = |file: &landmark_extraction::models::files::ModelFile| {
        (format!("mediapipe/modules/{}/{}", file.module, file.name), fs::read(models.join(file.name)).unwrap())
    };
    write_wheel(&wheel, &MODEL_FILES.iter().map(member).collect::<Vec<_>>());
    let output = unpack(&["--json"]);
    require_code(&output, 0);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["files"].as_array().unwrap().len(), 6, "{said}");
    for file in MODEL_FILES {
        assert!(fs::read(to.join(file.name)).unwrap() == fs::read(models.join(file.name)).unwrap(), "{}", file.name);
    }
}

fn write_wheel(path: &Path, members: &[(String, Vec<u8>)]) {
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in members {
        archive.start_file(name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}
