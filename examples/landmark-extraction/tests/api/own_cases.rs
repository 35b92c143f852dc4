//! Pictures that the golden data does not have: turned, mirrored and joined copies of its pictures, and odd sizes.

use std::path::Path;

use landmark_extraction::extractor::{ExtractOptions, Frame, Hand, Handedness};
use landmark_extraction::landmarker::Landmarks;
use landmark_extraction::models::{ModelError, ModelSource, Models};
use landmark_extraction::picture::Picture;
use landmark_extraction::row::row;

use crate::golden::models;
use crate::golden_models::GoldenModels;

fn frame(setup: &GoldenModels, picture: &Picture) -> Frame {
    setup.extractor.frame(picture).unwrap()
}

fn only_hands(max_hands: usize) -> ExtractOptions {
    ExtractOptions { max_faces: 0, max_hands, max_people: 0 }
}

/// A picture whose pixel (x, y) is that of another one.
fn picture_of(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Picture {
    let positions = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Picture::new(width, height, positions.flat_map(|(x, y)| pixel(x, y)).collect()).unwrap()
}

fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
    picture.rgb()[(y * picture.width() + x) * 3..][..3].try_into().unwrap()
}

fn mirrored(picture: &Picture) -> Picture {
    picture_of(picture.width(), picture.height(), |x, y| pixel(picture, picture.width() - 1 - x, y))
}

/// Turned by a quarter with the clock.
fn turned(picture: &Picture) -> Picture {
    picture_of(picture.height(), picture.width(), |x, y| pixel(picture, y, picture.height() - 1 - x))
}

fn side_by_side(one: &Picture, other: &Picture) -> Picture {
    picture_of(one.width() + other.width(), one.height().min(other.height()), |x, y| {
        if x < one.width() { pixel(one, x, y) } else { pixel(other, x - one.width(), y) }
    })
}

/// The points in pixels.
fn pixels(landmarks: &Landmarks, picture: &Picture) -> Vec<(f32, f32)> {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    landmarks.points.iter().map(|point| (point.x * width, point.y * height)).collect()
}

/// The mean distance of points, in sides of the region.
fn mean_distance(one: &[(f32, f32)], other: &[(f32, f32)], side: f32) -> f32 {
    assert_eq!(one.len(), other.len());
    let distances = one.iter().zip(other).map(|(one, other)| (one.0 - other.0).hypot(one.1 - other.1));
    distances.sum::<f32>() / one.len() as f32 / side
}

fn side(landmarks: &Landmarks, picture: &Picture) -> f32 {
    landmarks.region.size.0 * picture.width() as f32
}

fn only(hands: &[Hand]) -> &Hand {
    assert_eq!(hands.len(), 1);
    &hands[0]
}

#[test]
fn a_mirrored_hand_is_the_other_one_at_the_mirrored_place() {
    let Some(setup) = GoldenModels::new(only_hands(2)) else { return };
    let picture = setup.picture("thumb");
    let mirror = mirrored(&picture);
    let (there, here) = (frame(&setup, &picture), frame(&setup, &mirror));
    let (there, here) = (only(&there.hands), only(&here.hands));
    assert_ne!(there.label, here.label);
    let width = picture.width() as f32;
    let back: Vec<_> = pixels(&here.landmarks, &mirror).iter().map(|&(x, y)| (width - 1.0 - x, y)).collect();
    let distance = mean_distance(&pixels(&there.landmarks, &picture), &back, side(&there.landmarks, &picture));
    assert!(distance < 0.03, "{distance}");
}

#[test]
fn a_turned_hand_has_its_points_at_the_turned_places() {
    let Some(setup) = GoldenModels::new(only_hands(2)) else { return };
    let picture = setup.picture("thumb");
    let upright = frame(&setup, &picture);
    let upright = only(&upright.hands);
    let mut expected = pixels(&upright.landmarks, &picture);
    let mut current = picture.clone();
    for turn in 1..4 {
        let height = current.height() as f32;
        expected = expected.iter().map(|&(x, y)| (height - 1.0 - y, x)).collect();
        current = turned(&current);
        let frame = frame(&setup, &current);
        let hand = only(&frame.hands);
        assert_eq!(hand.label, upright.label, "turn {turn}");
        let distance = mean_distance(&expected, &pixels(&hand.landmarks, &current), side(&hand.landmarks, &current));
        assert!(distance < 0.03, "turn {turn}: {distance}");
    }
}

#[test]
fn two_of_a_kind_side_by_side_are_both_found_and_a_row_keeps_one() {
    let Some(setup) = GoldenModels::new(only_hands(4)) else { return };
    let picture = setup.picture("thumb");
    let alone = frame(&setup, &picture);
    let alone = only(&alone.hands);
    let pair = side_by_side(&picture, &picture);
    let frame = frame(&setup, &pair);
    assert_eq!(frame.hands.len(), 2);
    let mut starts = Vec::new();
    for hand in &frame.hands {
        assert_eq!(hand.label, alone.label);
        let start = if hand.landmarks.region.center.0 < 0.5 { 0.0 } else { picture.width() as f32 };
        let expected: Vec<_> = pixels(&alone.landmarks, &picture).iter().map(|&(x, y)| (x + start, y)).collect();
        let distance = mean_distance(&expected, &pixels(&hand.landmarks, &pair), side(&hand.landmarks, &pair));
        assert!(distance < 0.03, "{distance}");
        starts.push(start as usize);
    }
    starts.sort_unstable();
    assert_eq!(starts, [0, picture.width()]);
    let (_, figures) = row(&frame, false);
    assert_eq!(figures.hands_dropped, 1);
    assert_eq!(
        (figures.has_left_hand, figures.has_right_hand),
        (alone.label == Handedness::Right, alone.label == Handedness::Left)
    );
}

#[test]
fn several_faces_and_people_are_found_where_more_than_one_is_asked_for() {
    let options = ExtractOptions { max_faces: 3, max_hands: 0, max_people: 3 };
    let Some(setup) = GoldenModels::new(options) else { return };
    let picture = setup.picture("hopper");
    let pair = side_by_side(&picture, &picture);
    let frame = frame(&setup, &pair);
    assert_eq!((frame.faces.len(), frame.people.len()), (2, 2));
    let sides = |landmarks: Vec<&Landmarks>| {
        let mut sides: Vec<bool> = landmarks.iter().map(|landmarks| landmarks.points[0].x < 0.5).collect();
        sides.sort_unstable();
        sides
    };
    assert_eq!(sides(frame.faces.iter().collect()), [false, true]);
    assert_eq!(sides(frame.people.iter().map(|person| &person.landmarks).collect()), [false, true]);
    // The row takes the best one of each.
    let (numbers, figures) = row(&frame, false);
    assert!(figures.has_face && figures.has_pose);
    assert_eq!(numbers[0], frame.people[0].landmarks.points[0].x);
    assert_eq!(numbers[258], frame.faces[0].points[0].x);
}

#[test]
fn pictures_of_odd_sizes_give_an_answer() {
    let Some(setup) = GoldenModels::new(ExtractOptions::default()) else { return };
    let source = setup.picture("thumb");
    for (width, height) in [(1, 1), (2000, 10), (3, 700)] {
        let picture = picture_of(width, height, |x, y| pixel(&source, x % source.width(), y % source.height()));
        let (numbers, _) = row(&frame(&setup, &picture), false);
        assert_eq!(numbers.len(), 1662, "{width} x {height}");
    }
}

#[test]
fn only_the_networks_that_are_used_are_read() {
    let Some(models) = models() else { return };
    let folder = tempfile::tempdir().unwrap();
    for file in ["face_detection_short_range.tflite", "face_landmark.tflite"] {
        std::fs::copy(models.join(file), folder.path().join(file)).unwrap();
    }
    let load = |options| Models::load_for(&ModelSource::Folder(folder.path().to_owned()), options);
    let faces = load(ExtractOptions { max_faces: 1, max_hands: 0, max_people: 0 }).unwrap();
    assert!(faces.face().is_some() && faces.hand().is_none() && faces.pose().is_none());
    let error = load(ExtractOptions::default()).unwrap_err();
    assert!(matches!(error, ModelError::File(_)) && error.to_string().contains("palm_detection_full"), "{error}");
    assert!(load(ExtractOptions { max_faces: 0, max_hands: 0, max_people: 0 }).is_ok());
    // Not a model at all, and not there at all.
    let nowhere = ModelSource::Folder(Path::new("/nowhere").to_owned());
    assert!(matches!(Models::load(&nowhere), Err(ModelError::File(_))));
}
