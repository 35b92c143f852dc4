//! From a picture to the landmarks of one kind of thing: detect, cut out, find the points.

use crate::detector::{Detection, Detector};
use crate::landmarker::{Landmarker, Landmarks};
use crate::network::NetworkError;
use crate::picture::Picture;
use crate::region::{Region, RegionSpec, without_overlaps};
use crate::spec_error::SpecError;

/// A detector, the regions that are made of its detections, and a landmark network. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Pipeline {
    detector: Detector,
    regions: RegionSpec,
    landmarker: Landmarker,
}

/// What a pipeline found in a picture, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The best detections, by falling score.
    pub detections: Vec<Detection>,
    /// What the landmark network says of each region that was left after the removal of overlapping ones.
    pub regions: Vec<Landmarks>,
    /// Which of the regions hold what was looked for, as indices.
    pub found: Vec<usize>,
}

impl Pipeline {
    /// A pipeline of these parts.
    ///
    /// # Errors
    /// The regions ask for a key point that the detector does not give.
    pub fn new(detector: Detector, regions: RegionSpec, landmarker: Landmarker) -> Result<Self, SpecError> {
        let key_points = detector.spec().key_points;
        let asked = regions.from.max(regions.to);
        if asked >= key_points {
            return Err(SpecError::KeyPoint { asked, key_points });
        }
        Ok(Self { detector, regions, landmarker })
    }

    /// The detector.
    #[must_use]
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// The landmark network.
    #[must_use]
    pub fn landmarker(&self) -> &Landmarker {
        &self.landmarker
    }

    /// Looks for at most `max` of them. A region that turns out to hold none is not replaced by the next best detection.
    ///
    /// Runs the detector once, and the landmark network once for each region; neither when `max` is 0.
    ///
    /// # Errors
    /// A network fails, or its outputs do not fit the constants.
    pub fn search(&self, picture: &Picture, max: usize) -> Result<Search, NetworkError> {
        let detections = self.detector.detect(picture, max)?;
        let regions = self.regions_of(&detections, picture);
        let landmarks = |region| self.landmarker.landmarks(picture, region);
        let regions = regions.into_iter().map(landmarks).collect::<Result<Vec<_>, _>>()?;
        let found = (0..regions.len()).filter(|&idx| self.landmarker.is_found(&regions[idx])).collect();
        Ok(Search { detections, regions, found })
    }

    fn regions_of(&self, detections: &[Detection], picture: &Picture) -> Vec<Region> {
        let regions = detections.iter().map(|found| Region::of(found, &self.regions, picture)).collect();
        match self.regions.max_overlap {
            Some(max_overlap) => without_overlaps(regions, max_overlap),
            None => regions,
        }
    }
}

impl Search {
    /// The landmarks of what was found, in the order of the regions.
    #[must_use]
    pub fn into_found(self) -> Vec<Landmarks> {
        let mut regions: Vec<Option<Landmarks>> = self.regions.into_iter().map(Some).collect();
        self.found.iter().filter_map(|&idx| regions.get_mut(idx)?.take()).collect()
    }
}
