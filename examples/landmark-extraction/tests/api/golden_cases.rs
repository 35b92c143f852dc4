//! Pictures of the golden data give the detections, regions and landmarks of the reference.

use std::path::Path;

use landmark_extraction::cases::{RunReport, run_file};
use landmark_extraction::models::ModelSource;
use serde_json::Value;

use crate::golden::{golden, manifest, models};
use crate::tolerance::{LandmarkTolerance, list, number, numbers, read_f32};

/// Runs a file of cases into a folder, and gives the cases of the results.
fn run(path: &Path, out: &Path, models: &Path) -> (RunReport, Vec<Value>) {
    let report = run_file(path, out, &ModelSource::Folder(models.to_owned())).unwrap();
    let results = manifest(out, "results.json");
    (report, list(&results["cases"]).clone())
}

#[test]
fn every_picture_gives_what_the_reference_gives() {
    let (Some(folder), Some(models)) = (golden(), models()) else { return };
    let out = tempfile::tempdir().unwrap();
    let (report, answers) = run(&folder.join("cases.json"), out.path(), &models);
    assert_eq!(report.failed, []);
    let cases = manifest(&folder, "cases.json");
    let cases = list(&cases["cases"]);
    assert_eq!((answers.len(), report.succeeded), (cases.len(), cases.len()));
    for (case, answer) in cases.iter().zip(&answers) {
        for field in ["id", "picture", "width", "height", "rgb_sha256"] {
            assert_eq!(answer[field], case[field], "{field} of {}", case["id"]);
        }
        let size = (number(&case["width"]), number(&case["height"]));
        assert_eq!(list(&answer["tasks"]).len(), list(&case["tasks"]).len());
        for (expected, given) in list(&case["tasks"]).iter().zip(list(&answer["tasks"])) {
            let name = format!("{} {} {}", case["id"], expected["task"], expected["max"]);
            compare_regions(&name, expected, given, size);
            compare_landmarks(&name, expected, given, size, (&folder, out.path()));
        }
    }
}

/// Counts are exact; scores, places and angles are within their tolerances.
fn compare_regions(name: &str, expected: &Value, given: &Value, (width, height): (f32, f32)) {
    for field in ["task", "max", "found", "shape"] {
        assert_eq!(given.get(field), expected.get(field), "{field} of {name}");
    }
    let pairs = |field: &str| {
        let (expected, given) = (list(&expected[field]), list(&given[field]));
        assert_eq!(given.len(), expected.len(), "{field} of {name}");
        expected.iter().zip(given)
    };
    let close = |what: &str, expected: f32, given: f32, tolerance: f32| {
        assert!((given - expected).abs() <= tolerance, "{what} of {name}: {given} where {expected} was expected");
    };
    for (expected, given) in pairs("detections") {
        close("score", number(&expected["score"]), number(&given["score"]), 0.001);
        let scales = [width, height, width, height];
        for ((expected, given), scale) in numbers(&expected["box"]).iter().zip(numbers(&given["box"])).zip(scales) {
            close("box", expected * scale, given * scale, 0.05);
        }
        assert_eq!(list(&given["keypoints"]).len(), list(&expected["keypoints"]).len(), "key points of {name}");
        for (expected, given) in list(&expected["keypoints"]).iter().zip(list(&given["keypoints"])) {
            for ((expected, given), scale) in numbers(expected).iter().zip(numbers(given)).zip(scales) {
                close("key point", expected * scale, given * scale, 0.05);
            }
        }
    }
    for (expected, given) in pairs("rois") {
        let tolerances = [(width, 0.05), (height, 0.05), (width, 0.05), (height, 0.05), (1.0, 0.001)];
        for ((expected, given), (scale, tolerance)) in numbers(expected).iter().zip(numbers(given)).zip(tolerances) {
            close("region", expected * scale, given * scale, tolerance);
        }
    }
    for (expected, given) in pairs("presence") {
        close("presence", number(expected), number(given), 0.005);
    }
    for (expected, given) in pairs("roi_side_px") {
        close("side", number(expected), number(given), 0.05);
    }
    if expected.get("handedness").is_some() {
        for (expected, given) in pairs("handedness") {
            assert_eq!((&given["label"], &given["slot"]), (&expected["label"], &expected["slot"]), "hand of {name}");
            close("handedness", number(&expected["score"]), number(&given["score"]), 0.002);
        }
    }
}

fn compare_landmarks(name: &str, expected: &Value, given: &Value, size: (f32, f32), folders: (&Path, &Path)) {
    let (Some(golden), Some(file)) = (expected["landmarks"].as_str(), given["landmarks"].as_str()) else {
        return assert_eq!(given.get("landmarks"), expected.get("landmarks"), "landmarks of {name}");
    };
    assert_eq!(Path::new(golden).file_name().unwrap(), file);
    let (expected_points, given_points) = (read_f32(&folders.0.join(golden)), read_f32(&folders.1.join(file)));
    assert_eq!(given_points.len(), expected_points.len(), "{name}");
    let task = expected["task"].as_str().unwrap();
    let sides = numbers(&expected["roi_side_px"]).into_iter().zip(numbers(&expected["presence"]));
    let sides: Vec<f32> = sides.filter(|&(_, presence)| presence > 0.5).map(|(side, _)| side).collect();
    let each = expected_points.len() / sides.len();
    for ((expected_points, given_points), side) in
        expected_points.chunks(each).zip(given_points.chunks(each)).zip(sides)
    {
        let near_ties = numbers(&expected["near_tie_landmarks"]).iter().map(|&idx| idx as usize).collect();
        let tolerance = LandmarkTolerance::of(task, side, size, near_ties);
        tolerance.assert_close(name, expected_points, given_points);
    }
}

#[test]
fn networks_alone_give_the_outputs_that_the_reference_gives() {
    let (Some(folder), Some(models)) = (golden(), models()) else { return };
    let tensors = manifest(&folder, "tensors.json");
    // One input of each kind, and each of the networks once: all of them stand in the tests of the networks.
    let chosen: Vec<Value> = list(&tensors["cases"])
        .iter()
        .enumerate()
        .filter(|(idx, _)| [0, 4, 8, 11, 14, 16].contains(idx))
        .map(|(_, case)| {
            let mut case = case.clone();
            if let Some(file) = case["input"]["file"].as_str() {
                case["input"]["file"] = folder.join(file).to_str().unwrap().into();
            }
            case
        })
        .collect();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("tensors.json");
    std::fs::write(&path, serde_json::json!({ "kind": "tensor_cases", "cases": chosen }).to_string()).unwrap();
    let (report, answers) = run(&path, out.path(), &models);
    assert_eq!(report.failed, []);
    for (case, answer) in chosen.iter().zip(&answers) {
        assert_eq!(answer["id"], case["id"]);
        assert_eq!(answer["input"]["u8_sha256"], case["input"]["u8_sha256"], "{}", case["id"]);
        assert_eq!(numbers(&answer["input"]["first8"]), numbers(&case["input"]["first8"]), "{}", case["id"]);
        assert_eq!(list(&answer["outputs"]).len(), list(&case["outputs"]).len());
        for (expected, given) in list(&case["outputs"]).iter().zip(list(&answer["outputs"])) {
            let name = format!("output {} of {}", expected["index"], case["id"]);
            // The body mask, which is not in a file, is less exact than the rest.
            let share = if expected["file"].is_null() { 3e-3 } else { 2e-4 };
            let tolerance = share * number(&expected["max"]).abs().max(number(&expected["min"]).abs());
            let file = read_f32(&out.path().join(given["file"].as_str().unwrap()));
            let close = |expected: &[f32], given: &[f32]| {
                assert_eq!(given.len(), expected.len(), "{name}");
                let far = expected.iter().zip(given).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
                assert!(far <= tolerance, "{name}: {far} apart");
            };
            match expected["file"].as_str() {
                Some(golden) => close(&read_f32(&folder.join(golden)), &file),
                None => {
                    close(&numbers(&expected["values"]), &numbers(&given["values"]));
                    let every = usize::try_from(expected["every"].as_u64().unwrap()).unwrap();
                    assert_eq!(numbers(&given["values"]), file.into_iter().step_by(every).collect::<Vec<f32>>());
                }
            }
            assert_eq!(given["argmax"], expected["argmax"], "{name}");
            for field in ["min", "max"] {
                assert!((number(&given[field]) - number(&expected[field])).abs() <= tolerance, "{field} of {name}");
            }
            for field in ["sum", "sum_abs"] {
                let (given, expected) = (given[field].as_f64().unwrap(), expected[field].as_f64().unwrap());
                assert!(
                    (given - expected).abs() <= 1e-4 * (expected.abs() + 1.0),
                    "{field} of {name}: {given} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_case_that_fails_is_named_and_the_others_go_on() {
    let (Some(folder), Some(models)) = (golden(), models()) else { return };
    let out = tempfile::tempdir().unwrap();
    let picture = folder.join("pictures/tiny.png");
    let face = serde_json::json!([{ "task": "face", "max": 1 }]);
    let cases = serde_json::json!({ "kind": "landmark_cases", "cases": [
        { "id": "absent", "picture": "absent.png", "tasks": face },
        { "id": "unknown", "picture": picture, "tasks": [{ "task": "foot", "max": 1 }] },
        { "id": "none", "picture": picture, "tasks": [{ "task": "pose", "max": 0 }] },
        { "id": "good", "picture": picture, "tasks": face },
    ]});
    let path = out.path().join("cases.json");
    std::fs::write(&path, cases.to_string()).unwrap();
    let (report, answers) = run(&path, out.path(), &models);
    assert_eq!(report.succeeded, 1);
    let failed: Vec<&str> = report.failed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(failed, ["absent", "unknown", "none"]);
    for ((_, reason), part) in report.failed.iter().zip(["absent.png", "foot", "pose"]) {
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(answers[0]["error"], report.failed[0].1.as_str());
    assert_eq!(answers[3]["tasks"][0]["found"], 0);
}

#[test]
fn a_file_that_is_no_list_of_cases_is_refused_by_name() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("cases.json");
    let case = |id: &str| serde_json::json!({ "id": id, "picture": "a.png", "tasks": [] });
    let list = |ids: &[&str]| {
        let cases: Vec<Value> = ids.iter().map(|id| case(id)).collect();
        serde_json::json!({ "kind": "landmark_cases", "cases": cases }).to_string()
    };
    let bad = [
        (String::new(), "kind"),
        ("{\"kind\": \"poems\", \"cases\": []}".to_owned(), "landmark_cases or tensor_cases"),
        (list(&["a", "../b"]), "../b"),
        (list(&["a", "a"]), "twice"),
        (list(&[""]), "\"\""),
        ("{\"kind\": \"tensor_cases\", \"cases\": []}".to_owned(), "--models DIR"),
    ];
    for (text, part) in bad {
        std::fs::write(&path, &text).unwrap();
        let error = run_file(&path, out.path(), &ModelSource::Made).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    std::fs::write(&path, list(&["a"])).unwrap();
    let error = run_file(&path, &path, &ModelSource::Made).unwrap_err().to_string();
    assert!(error.contains("--out"), "{error}");
    let error = run_file(&out.path().join("absent"), out.path(), &ModelSource::Made).unwrap_err().to_string();
    assert!(error.contains("absent"), "{error}");
}
