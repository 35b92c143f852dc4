//! Where faces, palms and people are: a network's boxes, decoded, merged and brought back to the picture.
//!
//! All numbers that differ between detectors are in a [`DetectorSpec`]; the arithmetic is binary32, in a fixed order.

mod anchors;
mod back_projection;
mod decode;
mod merge;

pub use anchors::Grid;
pub use back_projection::BackProjection;

use crate::BoundingBox;
use crate::network::{Network, NetworkError};
use crate::picture::{Border, Picture, Range, Square, sample, to_input};
use crate::spec_error::SpecError;
use anchors::anchors;
use decode::{Boxes, decode};
use merge::merge;

/// A box around what was looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// How sure the network is, from 0 to 1.
    pub score: f32,
    /// The box, in shares of the picture's width and height. It may reach outside.
    pub bounds: BoundingBox,
    /// Points such as eyes or knuckles, each (x, y) in shares of the picture's width and height.
    pub key_points: Vec<(f32, f32)>,
}

/// The constants of a detector.
///
/// The network's first output has `4 + 2 * key_points` numbers for each box: centre x and y from the anchor, width, height, and x and y
/// of each key point from the anchor, all in pixels of the input. Its second output has one score for each box, before the sigmoid.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSpec {
    /// Pixels of the input's side.
    pub size: usize,
    /// What black and white are in the input.
    pub range: Range,
    /// Where the boxes are anchored: grid by grid, row by row.
    pub grids: Vec<Grid>,
    /// Key points of a box.
    pub key_points: usize,
    /// A box counts from this score on.
    pub min_score: f32,
    /// Boxes that overlap the best one by more than this share (intersection over union) are merged with it.
    pub merge_overlap: f32,
    /// How boxes come from the padded square back to the picture.
    pub back_projection: BackProjection,
}

/// A network that finds boxes, ready to run. Clones share its weights.
#[derive(Clone, Debug)]
pub struct Detector {
    network: Network,
    spec: DetectorSpec,
    anchors: Vec<(f32, f32)>,
}

impl Detector {
    /// A detector of this network, whose outputs are boxes and scores, in this order.
    ///
    /// # Errors
    /// The network takes squares of another size, or a grid does not cover the input.
    pub fn new(network: Network, spec: DetectorSpec) -> Result<Self, SpecError> {
        if network.input_size() != spec.size {
            return Err(SpecError::InputSize { network: network.input_size(), spec: spec.size });
        }
        let anchors = anchors(&spec.grids, spec.size)?;
        Ok(Self { network, spec, anchors })
    }

    /// The constants.
    #[must_use]
    pub fn spec(&self) -> &DetectorSpec {
        &self.spec
    }

    /// The `max` best detections in a picture, by falling score. Runs the network once, or not at all when `max` is 0.
    ///
    /// # Errors
    /// The network fails, or gives another number of boxes than the constants say.
    pub fn detect(&self, picture: &Picture, max: usize) -> Result<Vec<Detection>, NetworkError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let bytes = sample(picture, whole_picture(picture), self.spec.size, Border::Zero);
        let outputs = self.network.run(&to_input(&bytes, self.spec.range))?;
        self.spec.read(&outputs, &self.anchors, picture, max)
    }
}

impl DetectorSpec {
    /// The best detections of a network's outputs, in shares of the picture.
    fn read(
        &self,
        outputs: &[Vec<f32>],
        anchors: &[(f32, f32)],
        picture: &Picture,
        max: usize,
    ) -> Result<Vec<Detection>, NetworkError> {
        let boxes = Boxes::new(outputs, anchors.len(), self.key_points)?;
        let candidates = decode(&boxes, anchors, self.size, self.min_score);
        let merged = merge(candidates, self.merge_overlap, max);
        Ok(merged.iter().map(|found| self.back_projection.apply(found, picture)).collect())
    }
}

/// The picture, padded to a square on its longer side.
fn whole_picture(picture: &Picture) -> Square {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let side = width.max(height);
    Square { center: (width / 2.0, height / 2.0), size: (side, side), rotation: 0.0 }
}

#[cfg(test)]
mod tests {
    use manyhands_test_support::rng::Rng;

    use super::*;
    use crate::landmarker::Point;
    use crate::region::{Region, RegionBase, RegionSpec, without_overlaps};

    /// Any number that a network might give, good ones more often.
    fn any_number(rng: &mut Rng) -> f32 {
        let odd =
            [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0, 1e-45, 1e20];
        if rng.one_in(4) { odd[rng.index(odd.len())] } else { (rng.fraction() * 40.0 - 10.0) as f32 }
    }

    #[test]
    fn whatever_a_network_gives_there_are_at_most_so_many_detections_and_each_has_a_region_that_can_be_sampled() {
        let mut rng = Rng::for_test("any outputs");
        let mut n_found = 0;
        for round in 0..200 {
            let (grids, back_projection) = match round % 2 {
                0 => (vec![Grid { stride: 4, anchors: 2 }], BackProjection::Matrix),
                _ => (vec![Grid { stride: 4, anchors: 1 }, Grid { stride: 16, anchors: 6 }], BackProjection::Margins),
            };
            let range = Range { low: 0.0, high: 1.0 };
            let spec = DetectorSpec {
                size: 16,
                range,
                grids,
                key_points: 2,
                min_score: 0.5,
                merge_overlap: 0.3,
                back_projection,
            };
            let anchors = anchors(&spec.grids, spec.size).unwrap();
            let mut numbers = |count: usize| -> Vec<f32> { (0..count).map(|_| any_number(&mut rng)).collect() };
            let outputs = [numbers(8 * anchors.len()), numbers(anchors.len())];
            let (width, height) = [(1, 1), (30, 2), (5, 9)][round % 3];
            let picture = Picture::new(width, height, vec![9; width * height * 3]).unwrap();
            let found = spec.read(&outputs, &anchors, &picture, 3).unwrap();
            assert!(found.len() <= 3 && found.is_sorted_by(|one, next| one.score >= next.score));
            assert!(found.iter().all(|found| found.score >= 0.5));
            for base in [RegionBase::Bounds, RegionBase::Circle] {
                let spec = RegionSpec { from: 0, to: 1, target: 1.0, base, shift: -0.5, scale: 2.0, max_overlap: None };
                let regions = found.iter().map(|found| Region::of(found, &spec, &picture)).collect();
                for region in without_overlaps(regions, 0.5) {
                    let bytes = sample(&picture, region.square(&picture), 8, Border::Replicate);
                    assert_eq!(bytes, [9; 8 * 8 * 3], "{region:?}");
                    let _ = region.to_picture(Point { x: f32::NAN, y: 0.5, z: f32::INFINITY });
                    n_found += 1;
                }
            }
        }
        assert!(n_found > 200, "{n_found} regions");
    }
}
