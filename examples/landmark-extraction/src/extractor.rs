//! All landmarks of one picture.

use std::sync::Arc;

use crate::landmarker::{Landmarks, Point};
use crate::models::Models;
use crate::network::NetworkError;
use crate::picture::Picture;
use crate::pipeline::Pipeline;

/// How many faces, hands and people are looked for in a picture. 0 skips the part and its networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExtractOptions {
    /// Most faces; 1 by default.
    pub max_faces: usize,
    /// Most hands; 2 by default.
    pub max_hands: usize,
    /// Most people; 1 by default.
    pub max_people: usize,
}

impl Default for ExtractOptions {
    fn default() -> Self {
        Self { max_faces: 1, max_hands: 2, max_people: 1 }
    }
}

/// Models and how much to look for. Clones are cheap and share the weights; any number of threads may use one at once.
#[derive(Clone, Debug)]
pub struct Extractor {
    models: Arc<Models>,
    options: ExtractOptions,
}

/// The landmarks of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Faces, 468 points each.
    pub faces: Vec<Landmarks>,
    /// Hands, 21 points each.
    pub hands: Vec<Hand>,
    /// People, 33 points each.
    pub people: Vec<Pose>,
}

/// What a landmark network calls a hand: the side that it has in a mirrored picture, such as a selfie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Handedness {
    /// A left hand in a mirrored picture, so a person's right hand in one that is not.
    Left,
    /// A right hand in a mirrored picture, so a person's left hand in one that is not.
    Right,
}

/// A hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Hand {
    /// Its landmarks.
    pub landmarks: Landmarks,
    /// Which hand the network says it is.
    pub label: Handedness,
    /// The label's probability, from 0.5 to 1.
    pub score: f32,
}

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub struct Pose {
    /// The person's landmarks.
    pub landmarks: Landmarks,
}

impl Extractor {
    /// An extractor with these models. A part that they lack is never found.
    #[must_use]
    pub fn new(models: Models, options: ExtractOptions) -> Self {
        Self { models: Arc::new(models), options }
    }

    /// The models.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// How much it looks for.
    #[must_use]
    pub fn options(&self) -> ExtractOptions {
        self.options
    }

    /// All landmarks of a picture. The same picture gives the same bits, whatever other threads do.
    ///
    /// Costs one run of each detector, and one run of a landmark network for each region.
    ///
    /// # Errors
    /// A network fails, or its outputs do not fit its constants.
    pub fn frame(&self, picture: &Picture) -> Result<Frame, NetworkError> {
        let search = |pipeline: Option<&Pipeline>, max| match pipeline {
            Some(pipeline) => pipeline.search(picture, max).map(|search| search.into_found()),
            None => Ok(Vec::new()),
        };
        let faces = search(self.models.face(), self.options.max_faces)?;
        let hands = search(self.models.hand(), self.options.max_hands)?;
        let people = search(self.models.pose(), self.options.max_people)?;
        Ok(Frame {
            faces,
            hands: hands.into_iter().map(Hand::new).collect(),
            people: people.into_iter().map(|landmarks| Pose { landmarks }).collect(),
        })
    }
}

impl Hand {
    /// A hand whose label is the likelier one. A network that does not say gives "Right" with score 1.
    pub(crate) fn new(landmarks: Landmarks) -> Self {
        let left = landmarks.left.unwrap_or(0.0);
        let right = 1.0 - left;
        let (label, score) = if left > right { (Handedness::Left, left) } else { (Handedness::Right, right) };
        Self { landmarks, label, score }
    }
}

impl Pose {
    /// Each point with the probability that it is seen.
    pub fn points(&self) -> impl Iterator<Item = (Point, f32)> {
        self.landmarks.points.iter().copied().zip(self.landmarks.visibility.iter().copied())
    }
}

impl std::fmt::Display for Handedness {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Left => "Left",
            Self::Right => "Right",
        })
    }
}
