//! The six networks of MediaPipe, with the constants that belong to them.

use std::f32::consts::FRAC_PI_2;
use std::path::Path;

use super::files::{self, ModelFile};
use super::{FACE_POINTS, HAND_POINTS, ModelError, Models, POSE_POINTS};
use crate::detector::{BackProjection, Detector, DetectorSpec, Grid};
use crate::extractor::ExtractOptions;
use crate::landmarker::{HeatMaps, Landmarker, LandmarkerSpec, ScoreKind};
use crate::network::Network;
use crate::picture::Range;
use crate::pipeline::Pipeline;
use crate::region::{RegionBase, RegionSpec};

const FROM_0: Range = Range { low: 0.0, high: 1.0 };
const FROM_MINUS_1: Range = Range { low: -1.0, high: 1.0 };

/// The parts that the options use, from a folder's files, one after the other.
pub(super) fn load(folder: &Path, options: ExtractOptions) -> Result<Models, ModelError> {
    let face = (options.max_faces > 0).then(|| face(folder)).transpose()?;
    let hand = (options.max_hands > 0).then(|| hand(folder)).transpose()?;
    let pose = (options.max_people > 0).then(|| pose(folder)).transpose()?;
    Ok(Models::new(face, hand, pose)?)
}

/// The network of a file, with these of its outputs. The file's bytes are freed before the next one is read.
fn network(folder: &Path, file: ModelFile, outputs: &[usize]) -> Result<Network, ModelError> {
    let bytes = file.read(folder)?;
    Network::from_tflite(&bytes, outputs).map_err(|cause| ModelError::Network { name: file.name.to_owned(), cause })
}

fn face(folder: &Path) -> Result<Pipeline, ModelError> {
    let detector = DetectorSpec {
        size: 128,
        range: FROM_MINUS_1,
        grids: vec![Grid { stride: 8, anchors: 2 }, Grid { stride: 16, anchors: 6 }],
        key_points: 6,
        min_score: 0.5,
        merge_overlap: 0.3,
        back_projection: BackProjection::Matrix,
    };
    let regions = RegionSpec {
        from: 0,
        to: 1,
        target: 0.0,
        base: RegionBase::Bounds,
        shift: 0.0,
        scale: 1.5,
        max_overlap: Some(0.5),
    };
    let landmarks = LandmarkerSpec {
        size: 192,
        range: FROM_0,
        points: FACE_POINTS,
        output_points: FACE_POINTS,
        point_stride: 3,
        depth_scale: 1.0,
        visibility: false,
        presence: ScoreKind::Logit,
        min_presence: 0.5,
        handedness: None,
        heat_maps: None,
    };
    let detector = Detector::new(network(folder, files::FACE_DETECTOR, &[0, 1])?, detector)?;
    let landmarker = Landmarker::new(network(folder, files::FACE_LANDMARKER, &[0, 1])?, landmarks)?;
    Ok(Pipeline::new(detector, regions, landmarker)?)
}

fn hand(folder: &Path) -> Result<Pipeline, ModelError> {
    let detector = DetectorSpec {
        size: 192,
        range: FROM_0,
        grids: vec![Grid { stride: 8, anchors: 2 }, Grid { stride: 16, anchors: 6 }],
        key_points: 7,
        min_score: 0.5,
        merge_overlap: 0.3,
        back_projection: BackProjection::Margins,
    };
    let regions = RegionSpec {
        from: 0,
        to: 2,
        target: FRAC_PI_2,
        base: RegionBase::Bounds,
        shift: -0.5,
        scale: 2.6,
        max_overlap: Some(0.5),
    };
    let landmarks = LandmarkerSpec {
        size: 224,
        range: FROM_0,
        points: HAND_POINTS,
        output_points: HAND_POINTS,
        point_stride: 3,
        depth_scale: 0.4,
        visibility: false,
        presence: ScoreKind::Probability,
        min_presence: 0.5,
        handedness: Some(ScoreKind::Probability),
        heat_maps: None,
    };
    let detector = Detector::new(network(folder, files::PALM_DETECTOR, &[0, 1])?, detector)?;
    let landmarker = Landmarker::new(network(folder, files::HAND_LANDMARKER, &[0, 1, 2])?, landmarks)?;
    Ok(Pipeline::new(detector, regions, landmarker)?)
}

fn pose(folder: &Path) -> Result<Pipeline, ModelError> {
    let detector = DetectorSpec {
        size: 224,
        range: FROM_MINUS_1,
        grids: vec![Grid { stride: 8, anchors: 2 }, Grid { stride: 16, anchors: 2 }, Grid { stride: 32, anchors: 6 }],
        key_points: 4,
        min_score: 0.5,
        merge_overlap: 0.3,
        back_projection: BackProjection::Margins,
    };
    let regions = RegionSpec {
        from: 0,
        to: 1,
        target: FRAC_PI_2,
        base: RegionBase::Circle,
        shift: 0.0,
        scale: 1.25,
        max_overlap: None,
    };
    let landmarks = LandmarkerSpec {
        size: 256,
        range: FROM_0,
        points: POSE_POINTS,
        output_points: 39,
        point_stride: 5,
        depth_scale: 1.0,
        visibility: true,
        presence: ScoreKind::Probability,
        min_presence: 0.5,
        handedness: None,
        // The package's graph file says 7 cells across; the package behaves as 9.
        heat_maps: Some(HeatMaps { size: 64, maps: 39, reach: 4, min_probability: 0.5 }),
    };
    let detector = Detector::new(network(folder, files::POSE_DETECTOR, &[0, 1])?, detector)?;
    // Output 2 is a mask of the body that is not used; leaving it out saves its branch of the network.
    let landmarker = Landmarker::new(network(folder, files::POSE_LANDMARKER, &[0, 1, 3])?, landmarks)?;
    Ok(Pipeline::new(detector, regions, landmarker)?)
}
