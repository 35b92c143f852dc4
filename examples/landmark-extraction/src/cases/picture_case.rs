//! A picture and what is looked for in it.

use serde::{Deserialize, Serialize};

use super::{CaseRunner, sha256};
use crate::detector::Detection;
use crate::extractor::{Hand, Handedness};
use crate::landmarker::Landmarks;
use crate::models::Models;
use crate::picture::Picture;
use crate::pipeline::{Pipeline, Search};

/// A picture with tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureCase {
    /// Its name.
    pub id: String,
    /// The picture's file.
    pub picture: String,
    /// What is looked for.
    pub tasks: Vec<TaskCase>,
}

/// What is looked for in a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCase {
    /// `face`, `hand` or `pose`.
    pub task: String,
    /// How many at most.
    pub max: usize,
}

/// What was found in a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureAnswer {
    /// The case's name.
    pub id: String,
    /// The picture's file.
    pub picture: String,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The hash of the decoded bytes, R G B, row by row.
    pub rgb_sha256: String,
    /// The tasks in the case's order.
    pub tasks: Vec<TaskAnswer>,
}

/// What a task found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskAnswer {
    /// `face`, `hand` or `pose`.
    pub task: String,
    /// How many were looked for at most.
    pub max: usize,
    /// The best detections, in shares of the picture.
    pub detections: Vec<DetectionAnswer>,
    /// Centre x and y, width and height in shares of the picture, and rotation of each region.
    pub rois: Vec<[f32; 5]>,
    /// The presence of each region.
    pub presence: Vec<f32>,
    /// Regions that hold what was looked for.
    pub found: usize,
    /// The side of each hand that was found.
    pub handedness: Option<Vec<HandAnswer>>,
    /// The file of the landmarks, when any was found.
    pub landmarks: Option<String>,
    /// That file's shape: found, points, numbers of a point.
    pub shape: Option<[usize; 3]>,
    /// The width of each region, in pixels.
    pub roi_side_px: Vec<f32>,
}

/// A detection, in shares of the picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectionAnswer {
    /// From 0 to 1.
    pub score: f32,
    /// Left and upper side, width, height.
    #[serde(rename = "box")]
    pub bounds: [f32; 4],
    /// x and y of each.
    pub keypoints: Vec<[f32; 2]>,
}

/// Which hand it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandAnswer {
    /// What the network says, which is the side in a mirrored picture.
    pub label: Handedness,
    /// The probability of that.
    pub score: f32,
    /// The person's hand in a picture that is not mirrored: `left_hand` or `right_hand`.
    pub slot: String,
}

/// The most that a case asks for of a part.
pub(super) fn most(cases: &[PictureCase], part: &str) -> usize {
    let tasks = cases.iter().flat_map(|case| &case.tasks);
    tasks.filter(|task| task.task == part).map(|task| task.max).max().unwrap_or(0)
}

impl PictureCase {
    pub(super) fn run(&self, runner: &CaseRunner) -> Result<PictureAnswer, String> {
        let picture =
            Picture::read(runner.folder.join(&self.picture)).map_err(|error| format!("{}: {error}", self.picture))?;
        let tasks = self.tasks.iter().map(|task| task.run(&self.id, &picture, runner)).collect::<Result<_, _>>()?;
        Ok(PictureAnswer {
            id: self.id.clone(),
            picture: self.picture.clone(),
            width: picture.width(),
            height: picture.height(),
            rgb_sha256: sha256(picture.rgb()),
            tasks,
        })
    }
}

impl TaskCase {
    fn run(&self, id: &str, picture: &Picture, runner: &CaseRunner) -> Result<TaskAnswer, String> {
        let pipeline = self.pipeline(&runner.models)?;
        let search = pipeline.search(picture, self.max).map_err(|error| error.to_string())?;
        let mut answer = self.answer(&search, picture);
        let found = search.into_found();
        if let Some(first) = found.first() {
            let numbers_per_point = if first.visibility.is_empty() { 3 } else { 4 };
            answer.shape = Some([found.len(), first.points.len(), numbers_per_point]);
            let name = self.file_name(id);
            runner.write_numbers(&name, &found.iter().flat_map(numbers).collect::<Vec<f32>>())?;
            answer.landmarks = Some(name);
        }
        if self.task == "hand" {
            answer.handedness =
                Some(found.into_iter().map(|landmarks| HandAnswer::of(&Hand::new(landmarks))).collect());
        }
        Ok(answer)
    }

    fn pipeline<'a>(&self, models: &'a Models) -> Result<&'a Pipeline, String> {
        let pipeline = match self.task.as_str() {
            "face" => models.face(),
            "hand" => models.hand(),
            "pose" => models.pose(),
            other => return Err(format!("task {other:?} is none of face, hand and pose; give one of these")),
        };
        // A task of which at most 0 are wanted has no models either.
        pipeline.ok_or_else(|| {
            format!(
                "the models have no {}, or none was asked for; give --models DIR, and a max of 1 or more",
                self.task
            )
        })
    }

    /// All but what is read from the landmarks.
    fn answer(&self, search: &Search, picture: &Picture) -> TaskAnswer {
        let side = |landmarks: &Landmarks| landmarks.region.square(picture).size.0;
        TaskAnswer {
            task: self.task.clone(),
            max: self.max,
            detections: search.detections.iter().map(DetectionAnswer::of).collect(),
            rois: search.regions.iter().map(region_numbers).collect(),
            presence: search.regions.iter().map(|landmarks| landmarks.presence).collect(),
            found: search.found.len(),
            handedness: None,
            landmarks: None,
            shape: None,
            roi_side_px: search.regions.iter().map(side).collect(),
        }
    }

    /// One person is the rule for poses, so its file has no number.
    fn file_name(&self, id: &str) -> String {
        match (self.task.as_str(), self.max) {
            ("pose", 1) => format!("{id}.pose.f32"),
            (task, max) => format!("{id}.{task}{max}.f32"),
        }
    }
}

fn region_numbers(landmarks: &Landmarks) -> [f32; 5] {
    let region = landmarks.region;
    [region.center.0, region.center.1, region.size.0, region.size.1, region.rotation]
}

/// x, y and z of each point, and the visibility where there is one.
fn numbers(landmarks: &Landmarks) -> impl Iterator<Item = f32> {
    landmarks
        .points
        .iter()
        .enumerate()
        .flat_map(|(idx, point)| [point.x, point.y, point.z].into_iter().chain(landmarks.visibility.get(idx).copied()))
}

impl DetectionAnswer {
    fn of(found: &Detection) -> Self {
        let bounds = found.bounds;
        Self {
            score: found.score,
            bounds: [bounds.x_min, bounds.y_min, bounds.width, bounds.height],
            keypoints: found.key_points.iter().map(|&(x, y)| [x, y]).collect(),
        }
    }
}

impl HandAnswer {
    fn of(hand: &Hand) -> Self {
        let slot = match hand.label {
            Handedness::Left => "right_hand",
            Handedness::Right => "left_hand",
        };
        Self { label: hand.label, score: hand.score, slot: slot.to_owned() }
    }
}
