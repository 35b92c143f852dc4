//! The networks of the made models, with the constants that belong to them.

use std::f32::consts::FRAC_PI_2;

use super::face::{FACE_POINTS, face_basis};
use super::geometry::{FACE_REGION, HAND_REGION};
use super::hand::HAND_POINTS;
use super::plan::{
    CELL, DETECTOR_SIZE, FACE_DETECTOR, FACE_LANDMARKER, FACE_WEIGHTS, HAND_LANDMARKER, LANDMARKER_SIZE, PALM_DETECTOR,
    Plan, RANGE, Shape,
};
use super::training::net::Params;
use super::weights::{WeightsError, from_bytes};
use crate::detector::{BackProjection, Detector, DetectorSpec, Grid};
use crate::landmarker::{Landmarker, LandmarkerSpec, ScoreKind};
use crate::models::{ModelError, Models};
use crate::network::{Layer, Network, NetworkError};
use crate::pipeline::Pipeline;
use crate::region::{RegionBase, RegionSpec};

/// The committed weights.
pub(crate) const WEIGHTS: &[u8] = include_bytes!("../../data/made_models.bin");

/// Changes when the weights do, and with them the numbers of all frames: sixteen hexadecimal digits.
#[must_use]
pub fn weights_fingerprint() -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(WEIGHTS))
}

/// The models that the program carries: faces and hands as [`frame`](super::frame) draws them, nothing else.
///
/// They run through the same steps as models from files. There is none for a pose. Builds four small networks at each call.
///
/// # Panics
/// Never: the weights are part of the program, and a test reads them.
///
/// ```
/// use landmark_extraction::extractor::{ExtractOptions, Extractor};
/// use landmark_extraction::made;
///
/// let extractor = Extractor::new(made::models(), ExtractOptions::default());
/// let drawn = made::frame(7, 0, 0);
/// let found = extractor.frame(&drawn.picture)?;
/// assert!(found.people.is_empty());
/// # Ok::<(), landmark_extraction::network::NetworkError>(())
/// ```
#[must_use]
pub fn models() -> Models {
    models_of(WEIGHTS).expect("the weights are part of the program")
}

/// Why models cannot be made of weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MadeModelError {
    /// The bytes are no weights of these networks.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The networks cannot be built.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// The models of a file of weights, as [`train`](super::train) gives it.
///
/// # Errors
/// Bytes that are no such file, or one that is damaged or of another version.
pub fn models_of(bytes: &[u8]) -> Result<Models, MadeModelError> {
    let weights = from_bytes(bytes)?;
    let face = pipeline(
        (detector_network(&FACE_DETECTOR, &weights[0])?, regions(0.0, 0.0, FACE_REGION)),
        (face_network(&weights[2])?, landmarks(FACE_POINTS, None)),
    )?;
    let hand = pipeline(
        (detector_network(&PALM_DETECTOR, &weights[1])?, regions(FRAC_PI_2, -0.5, HAND_REGION)),
        (hand_network(&weights[3])?, landmarks(HAND_POINTS, Some(ScoreKind::Logit))),
    )?;
    Ok(Models::new(Some(face), Some(hand), None).map_err(ModelError::from)?)
}

fn pipeline(
    (detector, regions): (Network, RegionSpec),
    (landmarker, landmarks): (Network, LandmarkerSpec),
) -> Result<Pipeline, ModelError> {
    let detector = Detector::new(detector, detector_spec())?;
    Ok(Pipeline::new(detector, regions, Landmarker::new(landmarker, landmarks)?)?)
}

fn detector_spec() -> DetectorSpec {
    DetectorSpec {
        size: DETECTOR_SIZE,
        range: RANGE,
        grids: vec![Grid { stride: CELL, anchors: 1 }],
        key_points: 2,
        min_score: 0.5,
        merge_overlap: 0.3,
        back_projection: BackProjection::Margins,
    }
}

fn regions(target: f32, shift: f32, scale: f32) -> RegionSpec {
    RegionSpec { from: 0, to: 1, target, base: RegionBase::Bounds, shift, scale, max_overlap: Some(0.5) }
}

fn landmarks(points: usize, handedness: Option<ScoreKind>) -> LandmarkerSpec {
    LandmarkerSpec {
        size: LANDMARKER_SIZE,
        range: RANGE,
        points,
        output_points: points,
        point_stride: 3,
        depth_scale: 1.0,
        visibility: false,
        presence: ScoreKind::Logit,
        min_presence: 0.5,
        handedness,
        heat_maps: None,
    }
}

/// A detector's boxes leave the network in pixels; they were trained in cells.
fn detector_network(plan: &Plan, params: &[Params]) -> Result<Network, ModelError> {
    build(plan, layers(plan, params, CELL as f32))
}

/// A hand's points leave the network in pixels; they were trained in shares of the square.
fn hand_network(params: &[Params]) -> Result<Network, ModelError> {
    build(&HAND_LANDMARKER, layers(&HAND_LANDMARKER, params, LANDMARKER_SIZE as f32))
}

/// A face's points are the mixture of the mesh's patterns whose weights the first output gives: one more layer.
fn face_network(params: &[Params]) -> Result<Network, ModelError> {
    let (mut layers, outputs) = layers(&FACE_LANDMARKER, params, LANDMARKER_SIZE as f32);
    layers.push(Layer::Again(outputs[0]));
    layers.push(mixture());
    let points = layers.len() - 1;
    build(&FACE_LANDMARKER, (layers, vec![points, outputs[1]]))
}

fn build(plan: &Plan, (layers, outputs): (Vec<Layer>, Vec<usize>)) -> Result<Network, ModelError> {
    let failed = |cause: NetworkError| ModelError::Network { name: plan.name.to_owned(), cause };
    Network::from_layers(plan.input_size, &layers, &outputs).map_err(failed)
}

/// The layers of a network and the positions of its outputs, the first of which is made `scale` times as large.
pub(crate) fn layers(plan: &Plan, params: &[Params], scale: f32) -> (Vec<Layer>, Vec<usize>) {
    let mut layers = Vec::new();
    let mut outputs = Vec::new();
    let last = plan.stages.len() - 1;
    for (index, (shape, params)) in plan.shapes().iter().zip(params).enumerate() {
        if index > last + 1 {
            layers.push(Layer::Again(last));
        }
        let scale = if index == last + 1 { scale } else { 1.0 };
        layers.push(layer(shape, params, scale));
        if index > last {
            outputs.push(layers.len() - 1);
        }
    }
    (layers, outputs)
}

fn layer(shape: &Shape, params: &Params, scale: f32) -> Layer {
    let channels = shape.channels_out;
    let by_output = (0..channels).flat_map(|channel| params.weights.iter().skip(channel).step_by(channels));
    let weights = by_output.map(|weight| weight * scale).collect();
    let bias = params.bias.iter().map(|bias| bias * scale).collect();
    if shape.is_conv {
        let kernel = (shape.kernel, shape.kernel);
        Layer::Conv { kernel, stride: shape.stride, depthwise: false, weights, bias, relu: shape.relu }
    } else {
        Layer::Dense { weights, bias, relu: shape.relu }
    }
}

/// From the weights of the patterns to the face's points, x, y and z of each.
fn mixture() -> Layer {
    let basis = face_basis();
    let (n_plane, n_points) = (basis.plane.len(), basis.plane[0].len());
    let mut weights = vec![0.0; n_points * 3 * FACE_WEIGHTS];
    for (row, weights) in weights.chunks_exact_mut(FACE_WEIGHTS).enumerate() {
        let (point, axis) = (row / 3, row % 3);
        let patterns = if axis == 2 { &basis.depth } else { &basis.plane };
        for (weight, pattern) in weights[axis * n_plane..].iter_mut().zip(patterns) {
            *weight = pattern[point];
        }
    }
    Layer::Dense { weights, bias: vec![0.0; n_points * 3], relu: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::arithmetic::Random;
    use crate::made::face::{FacePose, mean_product};
    use crate::made::plan::PLANS;
    use crate::made::training::net::{Net, Trace};

    #[test]
    fn the_networks_agree_with_the_forward_pass_of_the_training() {
        let all = from_bytes(WEIGHTS).unwrap();
        let random = &mut Random::of(&[9]);
        for (plan, params) in PLANS.iter().zip(all) {
            let (layers, outputs) = layers(plan, &params, 1.0);
            let network = Network::from_layers(plan.input_size, &layers, &outputs).unwrap();
            let input: Vec<f32> =
                (0..plan.input_size * plan.input_size * 3).map(|_| random.between(-1.0, 1.0)).collect();
            let net = Net::of(plan, params);
            let mut trace = Trace::default();
            net.forward(&input, &mut trace);
            for (head, given) in network.run(&input).unwrap().iter().enumerate() {
                let expected = net.outputs(&trace)[head];
                assert_eq!(given.len(), expected.len());
                let largest = given.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(largest < 1e-4, "{}, output {head}: {largest}", plan.name);
                assert!(expected.iter().any(|value| value.abs() > 1e-2), "an output of zeros proves nothing");
            }
        }
    }

    #[test]
    fn the_mixture_gives_a_faces_points_back_from_their_weights() {
        let face =
            FacePose { center: (0.5, 0.45), half_width: 0.3, roll: 0.2, yaw: 0.3, mouth: 0.8, eyes: 0.4, brows: 0.7 };
        let points = face.points();
        let basis = face_basis();
        let mut given = Vec::new();
        for (axis, patterns) in [(0, &basis.plane), (1, &basis.plane), (2, &basis.depth)] {
            let values: Vec<f32> = points.iter().map(|point| point[axis]).collect();
            given.extend(patterns.iter().map(|pattern| mean_product(&values, pattern)));
        }
        let Layer::Dense { weights, .. } = mixture() else { panic!("not dense") };
        let all = points.iter().flatten().zip(weights.chunks_exact(FACE_WEIGHTS));
        for (expected, weights) in all {
            let mixed: f32 = weights.iter().zip(&given).map(|(a, b)| a * b).sum();
            assert!((mixed - expected).abs() < 1e-4, "{mixed} {expected}");
        }
    }
}
