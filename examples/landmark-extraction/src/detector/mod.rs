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
        let boxes = Boxes::new(&outputs, self.anchors.len(), self.spec.key_points)?;
        let candidates = decode(&boxes, &self.anchors, self.spec.size, self.spec.min_score);
        let merged = merge(candidates, self.spec.merge_overlap, max);
        Ok(merged.iter().map(|found| self.spec.back_projection.apply(found, picture)).collect())
    }
}

/// The picture, padded to a square on its longer side.
fn whole_picture(picture: &Picture) -> Square {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let side = width.max(height);
    Square { center: (width / 2.0, height / 2.0), size: (side, side), rotation: 0.0 }
}
