//! Frames of the golden sample set give the rows of the reference.

use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::picture::Picture;
use landmark_extraction::row::{FACE, LEFT_HAND, POSE, RIGHT_HAND, ROW, row};
use serde_json::Value;

use crate::golden::manifest;
use crate::golden_models::GoldenModels;
use crate::tolerance::{LandmarkTolerance, list, number, numbers, read_f32};

#[test]
fn every_frame_gives_the_row_of_the_reference() {
    let Some(GoldenModels { extractor, folder }) = GoldenModels::new(ExtractOptions::default()) else { return };
    let samples = manifest(&folder, "samples.json");
    let mut compared = 0;
    for sample in list(&samples["samples"]).iter().filter(|sample| sample["status"] == "success") {
        // The header is padded, so that the numbers end the file.
        let numbers = read_f32(&folder.join(sample["expected"].as_str().unwrap()));
        let frames = list(&sample["frames"]);
        let rows = &numbers[numbers.len() - frames.len() * ROW..];
        for (frame, expected) in frames.iter().zip(rows.chunks(ROW)) {
            if frame["status"] != "ok" {
                assert!(expected.iter().all(|number| number.is_nan()));
                continue;
            }
            let path = folder.join(sample["frames_dir"].as_str().unwrap()).join(frame["file"].as_str().unwrap());
            compare(&path.display().to_string(), frame, expected, &extractor, &Picture::read(&path).unwrap());
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared} frames");
}

fn compare(name: &str, frame: &Value, expected: &[f32], extractor: &Extractor, picture: &Picture) {
    let (given, figures) = row(&extractor.frame(picture).unwrap(), false);
    assert_eq!(given.len(), ROW);
    let parts = [
        ("pose", "pose", POSE, figures.has_pose),
        ("left_hand", "hand", LEFT_HAND, figures.has_left_hand),
        ("right_hand", "hand", RIGHT_HAND, figures.has_right_hand),
        ("face", "face", FACE, figures.has_face),
    ];
    assert_eq!(frame["hands_dropped"], figures.hands_dropped, "{name}");
    for (part, kind, place, is_there) in parts {
        assert_eq!(frame[part], is_there, "{part} of {name}");
        let (expected, given) = (&expected[place.clone()], &given[place]);
        if !is_there {
            assert!(expected.iter().chain(given).all(|number| number.is_nan()), "{part} of {name}");
            continue;
        }
        let side = number(&frame["roi_side_px"][part]);
        let near_ties = if kind == "pose" { numbers(&frame["near_tie_landmarks"]) } else { Vec::new() };
        let near_ties = near_ties.into_iter().map(|idx| idx as usize).collect();
        let size = (picture.width() as f32, picture.height() as f32);
        LandmarkTolerance::of(kind, side, size, near_ties).assert_close(&format!("{part} of {name}"), expected, given);
    }
}
