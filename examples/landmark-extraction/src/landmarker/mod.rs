//! The landmarks in a region: a network's points, brought back to the picture.
//!
//! All numbers that differ between landmark networks are in a [`LandmarkerSpec`]; the arithmetic is binary32, in a fixed order.

mod heat_maps;

pub use heat_maps::HeatMaps;

use crate::network::{Network, NetworkError};
use crate::network_outputs::check_lengths;
use crate::picture::{Border, Picture, Range, sample, to_input};
use crate::region::Region;
use crate::sigmoid::sigmoid;
use crate::spec_error::SpecError;

/// A landmark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right. In a picture: a share of its width.
    pub x: f32,
    /// Down. In a picture: a share of its height.
    pub y: f32,
    /// Away from the camera. In a picture: a share of its width, as x is.
    pub z: f32,
}

/// How an output gives a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// Before the sigmoid.
    Logit,
    /// As it is.
    Probability,
}

/// The constants of a landmark network.
///
/// Its first output has `point_stride` numbers for each point, of which x, y and z come first, in pixels of the input. Its second one is
/// the presence. Then come the probability that a hand bears the label "Left", and the heat maps, each only where it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct LandmarkerSpec {
    /// Pixels of the input's side.
    pub size: usize,
    /// What black and white are in the input.
    pub range: Range,
    /// Points that are used.
    pub points: usize,
    /// Points of the first output, used or not.
    pub output_points: usize,
    /// Numbers of the first output from point to point.
    pub point_stride: usize,
    /// The z of the output is divided by this.
    pub depth_scale: f32,
    /// Whether the fourth number of a point is its visibility, before the sigmoid.
    pub visibility: bool,
    /// How the second output gives the presence.
    pub presence: ScoreKind,
    /// What was looked for is there when the presence is above this.
    pub min_presence: f32,
    /// How the third output gives the probability of the label "Left", if it does.
    pub handedness: Option<ScoreKind>,
    /// Maps that x and y are refined by, if the last output has any.
    pub heat_maps: Option<HeatMaps>,
}

/// What a landmark network says of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmarks {
    /// The region that the network was shown.
    pub region: Region,
    /// The probability that what was looked for is in the region.
    pub presence: f32,
    /// The points, in shares of the picture: see [`Point`].
    pub points: Vec<Point>,
    /// The probability of each point that it is seen; empty where the network does not say.
    pub visibility: Vec<f32>,
    /// The probability of the label "Left", where the network says.
    pub left: Option<f32>,
}

/// A network that finds landmarks, ready to run. Clones share its weights.
#[derive(Clone, Debug)]
pub struct Landmarker {
    network: Network,
    spec: LandmarkerSpec,
}

impl Landmarker {
    /// A landmark network with its constants.
    ///
    /// # Errors
    /// The network takes squares of another size, or a point has fewer numbers than are read.
    pub fn new(network: Network, spec: LandmarkerSpec) -> Result<Self, SpecError> {
        if network.input_size() != spec.size {
            return Err(SpecError::InputSize { network: network.input_size(), spec: spec.size });
        }
        let needed = if spec.visibility { 4 } else { 3 };
        if spec.point_stride < needed {
            return Err(SpecError::PointStride { stride: spec.point_stride, needed });
        }
        Ok(Self { network, spec })
    }

    /// The constants.
    #[must_use]
    pub fn spec(&self) -> &LandmarkerSpec {
        &self.spec
    }

    /// Whether what was looked for is there, as the presence says.
    #[must_use]
    pub fn is_found(&self, landmarks: &Landmarks) -> bool {
        landmarks.presence > self.spec.min_presence
    }

    /// The landmarks in a region of a picture. Runs the network once.
    ///
    /// # Errors
    /// The network fails, or gives another number of numbers than the constants say.
    pub fn landmarks(&self, picture: &Picture, region: Region) -> Result<Landmarks, NetworkError> {
        let bytes = sample(picture, region.square(picture), self.spec.size, Border::Replicate);
        let outputs = self.network.run(&to_input(&bytes, self.spec.range))?;
        self.spec.decode(&outputs, region)
    }
}

impl LandmarkerSpec {
    /// The lengths of the outputs, in their order.
    fn output_lengths(&self) -> Vec<usize> {
        let mut lengths = vec![self.output_points * self.point_stride, 1];
        lengths.extend(self.handedness.map(|_| 1));
        lengths.extend(self.heat_maps.map(|heat_maps| heat_maps.numbers()));
        lengths
    }

    /// What the outputs say, with points in the picture.
    fn decode(&self, outputs: &[Vec<f32>], region: Region) -> Result<Landmarks, NetworkError> {
        check_lengths(outputs, &self.output_lengths())?;
        let of_points = || outputs[0].chunks_exact(self.point_stride).take(self.points);
        let mut points: Vec<Point> = of_points().map(|numbers| self.point(numbers)).collect();
        if let Some(heat_maps) = &self.heat_maps {
            let after_handedness = 2 + usize::from(self.handedness.is_some());
            heat_maps.refine(&mut points, &outputs[after_handedness]);
        }
        let visibility =
            if self.visibility { of_points().map(|numbers| sigmoid(numbers[3])).collect() } else { vec![] };
        Ok(Landmarks {
            region,
            presence: self.presence.probability(outputs[1][0]),
            points: points.iter().map(|&point| region.to_picture(point)).collect(),
            visibility,
            left: self.handedness.map(|kind| kind.probability(outputs[2][0])),
        })
    }

    /// A point in shares of the region.
    fn point(&self, numbers: &[f32]) -> Point {
        let size = self.size as f32;
        Point { x: numbers[0] / size, y: numbers[1] / size, z: numbers[2] / size / self.depth_scale }
    }
}

impl ScoreKind {
    fn probability(self, number: f32) -> f32 {
        match self {
            Self::Logit => sigmoid(number),
            Self::Probability => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> LandmarkerSpec {
        LandmarkerSpec {
            size: 8,
            range: Range { low: 0.0, high: 1.0 },
            points: 2,
            output_points: 3,
            point_stride: 4,
            depth_scale: 0.5,
            visibility: true,
            presence: ScoreKind::Logit,
            min_presence: 0.5,
            handedness: Some(ScoreKind::Probability),
            heat_maps: Some(HeatMaps { size: 2, maps: 3, reach: 0, min_probability: 0.5 }),
        }
    }

    const REGION: Region = Region { center: (10.0, 20.0), size: (1.0, 2.0), rotation: 0.0 };

    #[test]
    fn outputs_become_points_of_the_picture() {
        let numbers = vec![2.0, 4.0, 1.0, 0.0, 6.0, 4.0, -2.0, 100.0, 9.0, 9.0, 9.0, 9.0];
        // The second map is warm in cell (1, 1) alone, where the second point is.
        let mut maps = vec![-9.0; 12];
        maps[9 + 1] = 9.0;
        let found = spec().decode(&[numbers, vec![0.0], vec![0.75], maps], REGION).unwrap();
        let points = [Point { x: 9.75, y: 20.0, z: 0.25 }, Point { x: 10.0, y: 20.0, z: -0.5 }];
        let visibility = vec![0.5, 1.0];
        assert_eq!(
            found,
            Landmarks { region: REGION, presence: 0.5, points: points.to_vec(), visibility, left: Some(0.75) }
        );
    }

    #[test]
    fn outputs_that_are_missing_or_of_another_length_are_refused() {
        let good = [vec![0.0; 12], vec![0.0], vec![0.0], vec![0.0; 12]];
        assert!(spec().decode(&good, REGION).is_ok());
        for output in 0..4 {
            assert!(spec().decode(&good[..output], REGION).is_err(), "{output} outputs");
            for length in [0, good[output].len() + 1] {
                let mut outputs = good.clone();
                outputs[output] = vec![0.0; length];
                assert!(spec().decode(&outputs, REGION).is_err(), "output {output} of length {length}");
            }
        }
    }
}
