//! Each network alone: fixed inputs, and the answers of the reference.

use std::fs;
use std::path::Path;

use landmark_extraction::network::{Kernels, Network};
use manyhands_test_support::rng::Rng;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::golden::{golden, manifest, models};

/// The largest difference to the reference, by network and output.
const TOLERANCES: [(&str, &[f32]); 6] = [
    ("face_detection_short_range.tflite", &[0.001, 0.002]),
    ("face_landmark.tflite", &[0.001, 0.0001]),
    ("palm_detection_full.tflite", &[0.001, 0.0005]),
    ("hand_landmark_full.tflite", &[0.002, 1e-5, 0.0001, 1e-5]),
    ("pose_detection.tflite", &[0.005, 0.002]),
    ("pose_landmark_full.tflite", &[0.03, 1e-5, 5.0, 0.003, 0.001]),
];

fn number(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn size(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// The bytes of an input, as its case says.
fn bytes(golden: &Path, input: &Value) -> Vec<u8> {
    let side = size(&input["size"]);
    let bytes = match text(&input["generator"]) {
        "blocks" => blocks(side, input["seed"].as_u64().unwrap()),
        "wave" => wave(side),
        "png" => rgb(&golden.join(text(&input["file"]))),
        other => panic!("an input of the kind {other}"),
    };
    assert_eq!(bytes.len(), side * side * 3);
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, text(&input["u8_sha256"]));
    bytes
}

/// Squares of 16 by 16 points of one colour, drawn by SplitMix64.
fn blocks(side: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 56) as u8
    };
    let in_row = side / 16;
    let colours: Vec<[u8; 3]> = (0..in_row * in_row).map(|_| [next(), next(), next()]).collect();
    let points = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
    points.flat_map(|(y, x)| colours[y / 16 * in_row + x / 16]).collect()
}

fn wave(side: usize) -> Vec<u8> {
    let points = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
    points
        .flat_map(|(y, x)| [0, 1, 2].map(|c| (((c + 1) * x * x + 3 * x * y + (5 - c) * y * y) / side % 256) as u8))
        .collect()
}

fn rgb(path: &Path) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    bytes
}

/// The numbers of an input, with the first ones compared.
fn numbers(golden: &Path, input: &Value) -> Vec<f32> {
    let (low, high) = (number(&input["lo"]), number(&input["hi"]));
    let step = ((f64::from(high) - f64::from(low)) / 255.0) as f32;
    let numbers: Vec<f32> = bytes(golden, input).into_iter().map(|byte| f32::from(byte) * step + low).collect();
    for (k, first) in input["first8"].as_array().unwrap().iter().enumerate() {
        assert_eq!(numbers[k], number(first), "number {k} of the input");
    }
    numbers
}

fn expected(golden: &Path, output: &Value) -> (Vec<f32>, usize) {
    match output.get("file") {
        Some(file) => {
            let bytes = fs::read(golden.join(text(file))).unwrap();
            (bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(), 1)
        }
        None => (output["values"].as_array().unwrap().iter().map(number).collect(), size(&output["every"])),
    }
}

fn compare(kernels: Kernels) {
    let (Some(golden), Some(models)) = (golden(), models()) else { return };
    let cases = manifest(&golden, "tensors.json");
    let mut n_compared = 0;
    for (model, tolerances) in TOLERANCES {
        let outputs: Vec<usize> = (0..tolerances.len()).collect();
        let network = Network::from_tflite_with(&fs::read(models.join(model)).unwrap(), &outputs, kernels).unwrap();
        for case in cases["cases"].as_array().unwrap().iter().filter(|case| text(&case["model"]) == model) {
            let results = network.run(&numbers(&golden, &case["input"])).unwrap();
            for output in case["outputs"].as_array().unwrap() {
                let index = size(&output["index"]);
                let (expected, every) = expected(&golden, output);
                let n_numbers: usize = output["shape"].as_array().unwrap().iter().map(size).product();
                assert_eq!(results[index].len(), n_numbers);
                assert_eq!(expected.len(), n_numbers.div_ceil(every));
                let differences =
                    results[index].iter().step_by(every).zip(&expected).map(|(got, expected)| (got - expected).abs());
                let largest = differences
                    .fold(0.0, |largest: f32, difference| if difference <= largest { largest } else { difference });
                assert!(
                    largest <= tolerances[index],
                    "{} output {index}: {largest} off, {} allowed",
                    case["id"],
                    tolerances[index]
                );
                n_compared += 1;
            }
        }
    }
    assert_eq!(n_compared, 51);
}

/// Bytes changed at random: an error or a network, never a panic, not even when it runs.
#[test]
fn a_damaged_file_is_refused_or_runs() {
    let Some(models) = models() else { return };
    let whole = fs::read(models.join("face_detection_short_range.tflite")).unwrap();
    let mut rng = Rng::for_test("a_damaged_file_is_refused_or_runs");
    let (mut n_refused, mut n_run) = (0, 0);
    for round in 0..300 {
        let mut bytes = whole.clone();
        // The graph is described at both ends of a file; between them are the weights.
        for _ in 0..1 + rng.index(4) {
            let from_end = rng.index(12_000);
            let position = if rng.one_in(2) { from_end } else { bytes.len() - 1 - from_end };
            bytes[position] = rng.below(256) as u8;
        }
        if round % 10 == 0 {
            bytes.truncate(rng.index(bytes.len()));
        }
        match Network::from_tflite(&bytes, &[0, 1]) {
            Err(_) => n_refused += 1,
            Ok(network) => {
                let side = network.input_size();
                n_run += usize::from(network.run(&vec![0.5; side * side * 3]).is_ok());
            }
        }
    }
    assert!(n_refused > 30 && n_run > 30, "{n_refused} refused, {n_run} run");
}

#[test]
fn each_network_answers_as_the_reference() {
    compare(Kernels::best());
}

#[test]
fn each_network_answers_as_the_reference_with_the_kernels_of_tract() {
    compare(Kernels::Tract);
}
