//! When landmarks count as those of the reference, and how its numbers are read.

use std::path::Path;

use serde_json::Value;

/// The most that landmarks of one region may differ, in pixels.
pub(crate) struct LandmarkTolerance {
    size: (f32, f32),
    numbers_per_point: usize,
    largest: f32,
    mean: f32,
    depth: f32,
    near_tie: f32,
    near_ties: Vec<usize>,
}

impl LandmarkTolerance {
    /// For a region whose side has so many pixels, in a picture of this size. Points that hang on a cell's border may differ by more.
    pub(crate) fn of(part: &str, side: f32, size: (f32, f32), near_ties: Vec<usize>) -> Self {
        let (numbers_per_point, largest, mean, depth, near_tie) = match part {
            "face" => (3, 0.0004, 0.0002, 0.0004, 0.0),
            "hand" => (3, 0.01, 0.0015, 0.002, 0.0),
            "pose" => (4, 0.005, 0.0005, 0.006, 0.02),
            other => panic!("{other} is no part"),
        };
        Self {
            size,
            numbers_per_point,
            largest: largest * side,
            mean: mean * side,
            depth: depth * side,
            near_tie: near_tie * side,
            near_ties,
        }
    }

    pub(crate) fn assert_close(&self, name: &str, expected: &[f32], given: &[f32]) {
        let (width, height) = self.size;
        let points = || expected.chunks(self.numbers_per_point).zip(given.chunks(self.numbers_per_point));
        let mut distances = Vec::new();
        for (idx, (expected, given)) in points().enumerate() {
            let across = (expected[0] - given[0]).abs() * width;
            let down = (expected[1] - given[1]).abs() * height;
            let is_near_tie = self.near_ties.contains(&idx);
            let allowed = if is_near_tie { self.near_tie } else { self.largest };
            let distance = across.max(down);
            assert!(distance <= allowed, "point {idx} of {name}: {distance} px apart where {allowed} are allowed");
            let depth = (expected[2] - given[2]).abs() * width;
            assert!(
                depth <= self.depth,
                "z of point {idx} of {name}: {depth} px apart where {} are allowed",
                self.depth
            );
            if let ([_, _, _, expected], [_, _, _, given]) = (expected, given) {
                assert!((expected - given).abs() <= 0.03, "visibility {idx} of {name}: {given} and not {expected}");
            }
            if !is_near_tie {
                distances.push(distance);
            }
        }
        let mean = distances.iter().sum::<f32>() / distances.len() as f32;
        assert!(mean <= self.mean, "{name}: {mean} px apart on average where {} are allowed", self.mean);
    }
}

/// The members of a list.
pub(crate) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

pub(crate) fn number(value: &Value) -> f32 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number")) as f32
}

/// The numbers of a list; none where there is no list.
pub(crate) fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().map(|list| list.iter().map(number).collect()).unwrap_or_default()
}

/// Little-endian binary32 numbers.
pub(crate) fn read_f32(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}
