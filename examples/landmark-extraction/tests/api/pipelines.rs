//! Pipelines of networks that are written down, so that what they find is known without any model file.

use landmark_extraction::SpecError;
use landmark_extraction::detector::{BackProjection, Detector, DetectorSpec, Grid};
use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::landmarker::{Landmarker, LandmarkerSpec, Point, ScoreKind};
use landmark_extraction::models::Models;
use landmark_extraction::network::{Layer, Network, NetworkError};
use landmark_extraction::picture::{Picture, Range};
use landmark_extraction::pipeline::Pipeline;
use landmark_extraction::region::{RegionBase, RegionSpec};

/// Pixels of all inputs.
const SIZE: usize = 16;
const RANGE: Range = Range { low: 0.0, high: 1.0 };

fn detector_spec() -> DetectorSpec {
    DetectorSpec {
        size: SIZE,
        range: RANGE,
        grids: vec![Grid { stride: 8, anchors: 1 }],
        key_points: 2,
        min_score: 0.5,
        merge_overlap: 0.3,
        back_projection: BackProjection::Margins,
    }
}

fn region_spec() -> RegionSpec {
    let (from, to, target) = (0, 1, 0.0);
    RegionSpec { from, to, target, base: RegionBase::Bounds, shift: 0.0, scale: 1.0, max_overlap: Some(0.5) }
}

fn landmarker_spec(points: usize) -> LandmarkerSpec {
    LandmarkerSpec {
        size: SIZE,
        range: RANGE,
        points,
        output_points: points,
        point_stride: 3,
        depth_scale: 1.0,
        visibility: false,
        presence: ScoreKind::Probability,
        min_presence: 0.5,
        handedness: None,
        heat_maps: None,
    }
}

/// Layers whose outputs are these numbers, whatever the `inputs` numbers before them are.
fn constant(inputs: usize, numbers: Vec<f32>) -> Layer {
    Layer::Dense { weights: vec![0.0; inputs * numbers.len()], bias: numbers, relu: false }
}

/// A detector that always finds a box of a quarter of the picture's side around each of the four middles of its quarters, turned upright,
/// with these raw scores.
fn detector(scores: [f32; 4]) -> Network {
    let boxes = [0.0, 0.0, 4.0, 4.0, 0.0, 0.0, 4.0, 0.0].repeat(4);
    let layers = [Layer::Mean, constant(3, boxes), constant(32, scores.to_vec())];
    Network::from_layers(SIZE, &layers, &[1, 2]).unwrap()
}

/// A landmark network whose points are all in the region's middle, and whose presence is the region's mean red.
fn landmarker(points: usize) -> Network {
    let middle = vec![SIZE as f32 / 2.0; points * 3];
    let red = Layer::Dense { weights: vec![1.0, 0.0, 0.0], bias: vec![0.0], relu: false };
    let layers = [Layer::Mean, constant(3, middle), Layer::Again(0), red];
    Network::from_layers(SIZE, &layers, &[1, 3]).unwrap()
}

fn pipeline(scores: [f32; 4], points: usize) -> Pipeline {
    let detector = Detector::new(detector(scores), detector_spec()).unwrap();
    let landmarker = Landmarker::new(landmarker(points), landmarker_spec(points)).unwrap();
    Pipeline::new(detector, region_spec(), landmarker).unwrap()
}

/// Black on the left, white on the right.
fn half_white() -> Picture {
    let pixels = (0..64 * 64).flat_map(|pixel| [if pixel % 64 < 32 { 0 } else { 255 }; 3]);
    Picture::new(64, 64, pixels.collect()).unwrap()
}

#[test]
fn a_detection_that_holds_nothing_is_not_replaced_by_the_next_one() {
    // The best one is on the black side, the next two on the white one and on the black one.
    let pipeline = pipeline([4.0, 3.0, 2.0, -1.0], 2);
    let found = |max: usize| {
        let search = pipeline.search(&half_white(), max).unwrap();
        let presence: Vec<f32> = search.regions.iter().map(|landmarks| landmarks.presence).collect();
        (search.detections.len(), presence, search.found.clone(), search.into_found())
    };
    assert_eq!(found(0), (0, vec![], vec![], vec![]));
    assert_eq!(found(1), (1, vec![0.0], vec![], vec![]));
    let (detections, presence, found, landmarks) = found(9);
    assert_eq!((detections, presence, found), (3, vec![0.0, 1.0, 0.0], vec![1]));
    assert_eq!((landmarks.len(), landmarks[0].points.len()), (1, 2));
    for Point { x, y, z } in &landmarks[0].points {
        assert!((x - 0.75).abs() < 1e-6 && (y - 0.25).abs() < 1e-6 && (z - 0.125).abs() < 1e-6, "{x} {y} {z}");
    }
}

#[test]
fn networks_that_give_no_numbers_find_nothing() {
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let boxes = [constant(768, vec![odd; 32]), constant(32, vec![5.0; 4])];
        let scores = [constant(768, vec![0.0; 32]), constant(32, vec![odd; 4])];
        for layers in [boxes, scores] {
            let detector = Network::from_layers(SIZE, &layers, &[0, 1]).unwrap();
            let landmarks = [constant(768, vec![odd; 468 * 3]), constant(468 * 3, vec![f32::NAN])];
            let landmarks = Network::from_layers(SIZE, &landmarks, &[0, 1]).unwrap();
            let detector = Detector::new(detector, detector_spec()).unwrap();
            let landmarker = Landmarker::new(landmarks, landmarker_spec(468)).unwrap();
            let faces = Pipeline::new(detector, region_spec(), landmarker).unwrap();
            let models = Models::new(Some(faces), None, None).unwrap();
            let extractor = Extractor::new(models, ExtractOptions { max_faces: 5, ..ExtractOptions::default() });
            let frame = extractor.frame(&half_white()).unwrap();
            assert!(frame.faces.is_empty() && frame.hands.is_empty() && frame.people.is_empty());
        }
    }
}

#[test]
fn outputs_that_do_not_fit_the_constants_are_an_error() {
    let network =
        Network::from_layers(SIZE, &[constant(768, vec![0.0; 32]), constant(32, vec![0.0; 3])], &[0, 1]).unwrap();
    let detector = Detector::new(network, detector_spec()).unwrap();
    let error = detector.detect(&half_white(), 1).unwrap_err();
    assert_eq!(error, NetworkError::WrongOutput { output: 1, got: 3, expected: 4 });
    assert_eq!(detector.detect(&half_white(), 0), Ok(vec![]));
}

#[test]
fn constants_that_do_not_fit_a_network_or_each_other_are_refused() {
    let scores = [1.0; 4];
    let refused = Detector::new(detector(scores), DetectorSpec { size: 8, ..detector_spec() }).unwrap_err();
    assert_eq!(refused, SpecError::InputSize { network: 16, spec: 8 });
    let refused = Landmarker::new(landmarker(2), LandmarkerSpec { size: 8, ..landmarker_spec(2) }).unwrap_err();
    assert_eq!(refused, SpecError::InputSize { network: 16, spec: 8 });
    let refused =
        Landmarker::new(landmarker(2), LandmarkerSpec { visibility: true, ..landmarker_spec(2) }).unwrap_err();
    assert_eq!(refused, SpecError::PointStride { stride: 3, needed: 4 });
    let parts = pipeline(scores, 2);
    let regions = RegionSpec { to: 2, ..region_spec() };
    let refused = Pipeline::new(parts.detector().clone(), regions, parts.landmarker().clone()).unwrap_err();
    assert_eq!(refused, SpecError::KeyPoint { asked: 2, key_points: 2 });
    let refused = Models::new(Some(pipeline(scores, 2)), None, None).unwrap_err();
    assert_eq!(refused, SpecError::Points { part: "face", given: 2, needed: 468 });
    let refused = Models::new(None, None, Some(pipeline(scores, 34))).unwrap_err();
    assert_eq!(refused, SpecError::Points { part: "pose", given: 34, needed: 33 });
    assert_eq!(Models::new(None, Some(pipeline(scores, 21)), None).unwrap_err(), SpecError::NoHandedness);
    assert!(Models::new(Some(pipeline(scores, 468)), None, Some(pipeline(scores, 33))).is_ok());
}
