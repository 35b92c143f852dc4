//! Files become the pictures of the golden data, and squares the bytes of the reference, to the last one.

use landmark_extraction::picture::{Border, Picture, PictureError, Range, Square, sample, to_input};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::golden::{golden, manifest};

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn numbers(list: &Value) -> Vec<f32> {
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

#[test]
fn pictures_have_the_golden_pixels() {
    let Some(folder) = golden() else { return };
    let cases = manifest(&folder, "cases.json");
    for case in cases["cases"].as_array().unwrap() {
        let picture = Picture::read(folder.join(case["picture"].as_str().unwrap())).unwrap();
        let size = (case["width"].as_u64().unwrap(), case["height"].as_u64().unwrap());
        assert_eq!((picture.width() as u64, picture.height() as u64), size, "{}", case["id"]);
        assert_eq!(hash(picture.rgb()), case["rgb_sha256"], "{}", case["id"]);
    }
}

#[test]
fn frames_have_the_golden_pixels_and_the_torn_ones_are_told() {
    let Some(folder) = golden() else { return };
    let mut n_torn = 0;
    for sample in manifest(&folder, "samples.json")["samples"].as_array().unwrap() {
        let frames = sample["frames"].as_array().into_iter().flatten();
        for frame in frames.filter(|frame| frame["status"] != "missing") {
            let path = folder.join(sample["frames_dir"].as_str().unwrap()).join(frame["file"].as_str().unwrap());
            let picture = Picture::read(&path);
            if frame["status"] == "torn" {
                assert!(matches!(picture, Err(PictureError::Torn { .. })), "{}: {picture:?}", path.display());
                n_torn += 1;
            } else {
                assert_eq!(hash(picture.unwrap().rgb()), frame["rgb_sha256"], "{}", path.display());
            }
        }
    }
    assert!(n_torn > 0, "no golden frame is torn");
}

#[test]
fn squares_are_sampled_to_the_golden_bytes() {
    let Some(folder) = golden() else { return };
    let tensors = manifest(&folder, "tensors.json");
    let inputs = tensors["cases"].as_array().unwrap().iter().map(|case| &case["input"]);
    let crops: Vec<_> = inputs.filter(|input| input["generator"] == "png").collect();
    assert_eq!(crops.len(), 6);
    for input in crops {
        let name = input["picture"].as_str().unwrap();
        let picture = Picture::read(folder.join(format!("pictures/{name}.png"))).unwrap();
        let [x, y, w, h, rotation] = numbers(&input["roi_px"]).try_into().unwrap();
        let square = Square { center: (x, y), size: (w, h), rotation };
        let border = if input["border"] == "zero" { Border::Zero } else { Border::Replicate };
        let size = usize::try_from(input["size"].as_u64().unwrap()).unwrap();
        let sampled = sample(&picture, square, size, border);
        let expected = Picture::read(folder.join(input["file"].as_str().unwrap())).unwrap();
        assert!(sampled == expected.rgb(), "{name} in {size} x {size} differs");
        assert_eq!(hash(&sampled), input["u8_sha256"], "{name}");
        let [low, high] = ["lo", "hi"].map(|end| input[end].as_f64().unwrap() as f32);
        let first = to_input(&sampled[..8], Range { low, high });
        // Nine digits tell every number of binary32 from its neighbours.
        assert_eq!(first, numbers(&input["first8"]), "{name}");
    }
}
