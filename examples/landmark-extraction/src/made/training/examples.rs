//! What a network learns from: squares of drawn frames, and what it should say of them.

use crate::made::arithmetic::Random;
use crate::made::canvas::Point;
use crate::made::face::{FaceBasis, mean_product};
use crate::made::geometry::{Found, face_region, hand_region, into_square};
use crate::made::hand::Side;
use crate::made::plan::{DETECTOR_SIZE, LANDMARKER_SIZE, RANGE};
use crate::made::scene::{HEIGHT, Parts, Scene, WIDTH};
use crate::picture::{Border, Picture, Square, sample, to_input};

/// One of the four networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    DetectFace,
    DetectPalm,
    FaceLandmarks,
    HandLandmarks,
}

/// All four, in the order of the plans.
pub(crate) const TASKS: [Task; 4] = [Task::DetectFace, Task::DetectPalm, Task::FaceLandmarks, Task::HandLandmarks];

/// A frame and what is in it.
#[derive(Debug)]
pub(crate) struct Drawn {
    picture: Picture,
    parts: Parts,
}

impl Drawn {
    /// A random frame of a random sample.
    pub(crate) fn new(seed: u64, random: &mut Random) -> Self {
        let scene = Scene::new(seed, random.next());
        let frame = random.below(100);
        Self { picture: scene.paint(frame), parts: scene.parts(frame) }
    }
}

/// What the network should say.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Everything to be found, in shares of the square.
    Boxes(Vec<Found>),
    /// There is nothing.
    Nothing,
    /// A part's numbers, and whether it is a right hand.
    Part(Vec<f32>, bool),
}

/// A square, as numbers from -1 to 1, and what the network should say of it.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) input: Vec<f32>,
    pub(crate) target: Target,
}

/// A random example from this frame; `reach` is how far the landmarks' squares are off, 1 for a good detector.
pub(crate) fn example(task: Task, drawn: &Drawn, basis: &FaceBasis, reach: f32, random: &mut Random) -> Example {
    match task {
        Task::DetectFace => boxes(drawn, drawn.parts.face.iter().map(Found::face).collect(), random),
        Task::DetectPalm => boxes(drawn, drawn.parts.hands.iter().map(Found::palm).collect(), random),
        Task::FaceLandmarks => face(drawn, basis, reach, random),
        Task::HandLandmarks => hand(drawn, reach, random),
    }
}

/// The bytes of a square as a network wants them.
fn input(picture: &Picture, square: Square, size: usize, border: Border) -> Vec<f32> {
    to_input(&sample(picture, square, size, border), RANGE)
}

fn boxes(drawn: &Drawn, found: Vec<Found>, random: &mut Random) -> Example {
    let side = WIDTH.max(HEIGHT) as f32 * random.between(0.8, 1.2);
    let center = (WIDTH as f32 / 2.0 + random.between(-16.0, 16.0), HEIGHT as f32 / 2.0 + random.between(-12.0, 12.0));
    let square = Square { center, size: (side, side), rotation: random.between(-0.25, 0.25) };
    let moved = |found: Found| Found {
        center: into_square(found.center, &square),
        side: found.side / side,
        key_points: found.key_points.map(|point| into_square(point, &square)),
    };
    let target = Target::Boxes(found.into_iter().map(moved).collect());
    Example { input: input(&drawn.picture, square, DETECTOR_SIZE, Border::Zero), target }
}

fn face(drawn: &Drawn, basis: &FaceBasis, reach: f32, random: &mut Random) -> Example {
    let face = drawn.parts.face.as_ref().filter(|_| random.chance(0.8));
    let Some(face) = face else {
        let used: Vec<Point> = drawn.parts.face.iter().map(|face| face.center).collect();
        return elsewhere(drawn, &used, random);
    };
    let square = shaken(face_region(face), reach, random);
    let points = in_square(&face.points(), &square);
    let mut weights = Vec::new();
    for (axis, patterns) in [(0, &basis.plane), (1, &basis.plane), (2, &basis.depth)] {
        let values: Vec<f32> = points.iter().map(|point| point[axis]).collect();
        weights.extend(patterns.iter().map(|pattern| mean_product(&values, pattern)));
    }
    let target = Target::Part(weights, false);
    Example { input: input(&drawn.picture, square, LANDMARKER_SIZE, Border::Replicate), target }
}

fn hand(drawn: &Drawn, reach: f32, random: &mut Random) -> Example {
    let hands = &drawn.parts.hands;
    let hand = hands.get(random.below(hands.len())).filter(|_| random.chance(0.85));
    let Some(hand) = hand else {
        let used: Vec<Point> = hands.iter().map(|hand| Found::palm(hand).center).collect();
        return elsewhere(drawn, &used, random);
    };
    let square = shaken(hand_region(hand), reach, random);
    let numbers = in_square(&hand.points(), &square).into_iter().flatten().collect();
    let target = Target::Part(numbers, hand.side == Side::Right);
    Example { input: input(&drawn.picture, square, LANDMARKER_SIZE, Border::Replicate), target }
}

/// A region as a detector that is not exact would give it.
fn shaken(square: Square, reach: f32, random: &mut Random) -> Square {
    let stretch = random.between(0.88, 1.14);
    let side = square.size.0 * (1.0 + (stretch - 1.0) * reach);
    let mut shift = || square.size.0 * 0.5 * reach * (random.between(-0.09, 0.09) + random.between(-0.09, 0.09));
    let center = (square.center.0 + shift(), square.center.1 + shift());
    let rotation = square.rotation + reach * (random.between(-0.13, 0.13) + random.between(-0.13, 0.13));
    Square { center, size: (side, side), rotation }
}

/// A square that shows nothing, or at most a bit of the parts at these places.
fn elsewhere(drawn: &Drawn, used: &[Point], random: &mut Random) -> Example {
    let square = loop {
        let center = (random.between(0.0, WIDTH as f32), random.between(0.0, HEIGHT as f32));
        let side = random.between(36.0, 90.0);
        let far = |place: &Point| {
            let (x, y) = (place.0 - center.0, place.1 - center.1);
            x * x + y * y > 0.36 * side * side
        };
        if used.iter().all(far) {
            break Square { center, size: (side, side), rotation: random.between(-0.7, 0.7) };
        }
    };
    let input = input(&drawn.picture, square, LANDMARKER_SIZE, Border::Replicate);
    Example { input, target: Target::Nothing }
}

/// Points in pixels as shares of the square; z in its widths.
fn in_square(points: &[[f32; 3]], square: &Square) -> Vec<[f32; 3]> {
    let moved = |point: &[f32; 3]| {
        let (x, y) = into_square((point[0], point[1]), square);
        [x, y, point[2] / square.size.0]
    };
    points.iter().map(moved).collect()
}
