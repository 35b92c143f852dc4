//! What a drawn sample shows: a person before a background, who moves from frame to frame.

use super::arithmetic::{Random, mix, sin_cos, turn};
use super::canvas::{Canvas, Color, Point, shaded};
use super::face::FacePose;
use super::hand::{HandPose, Side};
use crate::picture::Picture;

/// Pixels in a row of a frame.
pub(crate) const WIDTH: usize = 192;
/// Rows of a frame.
pub(crate) const HEIGHT: usize = 144;

/// A value that swings about its middle.
#[derive(Clone, Copy, Debug)]
struct Wave {
    middle: f32,
    swing: f32,
    rate: f32,
    phase: f32,
}

impl Wave {
    /// A wave between two values of `low..high`, with a random pace.
    fn within(random: &mut Random, low: f32, high: f32) -> Self {
        let (a, b) = (random.between(low, high), random.between(low, high));
        let phase = random.between(0.0, std::f32::consts::TAU);
        Self { middle: (a + b) / 2.0, swing: (a - b) / 2.0, rate: random.between(0.08, 0.35), phase }
    }

    fn at(&self, frame: usize) -> f32 {
        self.middle + self.swing * sin_cos(self.rate * frame as f32 + self.phase).0
    }
}

/// In which frames a part is there.
#[derive(Clone, Copy, Debug)]
struct Presence(Wave);

impl Presence {
    /// There always or never, with these probabilities; else it comes and goes.
    fn new(random: &mut Random, always: f32, never: f32) -> Self {
        let mut wave = Wave::within(random, -1.0, 1.0);
        let choice = random.unit();
        wave.middle = if choice < always { 2.0 } else { mix(0.6, -2.0, f32::from(choice < always + never)) };
        wave.swing = 1.0;
        Self(wave)
    }

    fn at(&self, frame: usize) -> bool {
        self.0.at(frame) > 0.0
    }
}

#[derive(Clone, Debug)]
struct FaceMotion {
    presence: Presence,
    center: [Wave; 2],
    half_width: Wave,
    roll: Wave,
    yaw: Wave,
    expression: [Wave; 3],
}

impl FaceMotion {
    fn new(random: &mut Random) -> Self {
        Self {
            presence: Presence::new(random, 0.75, 0.08),
            center: [Wave::within(random, 66.0, 126.0), Wave::within(random, 40.0, 62.0)],
            half_width: Wave::within(random, 16.0, 27.0),
            roll: Wave::within(random, -0.45, 0.45),
            yaw: Wave::within(random, -0.5, 0.5),
            expression: [0; 3].map(|_| Wave::within(random, -0.3, 1.2)),
        }
    }

    fn at(&self, frame: usize) -> FacePose {
        let [mouth, eyes, brows] = self.expression.map(|wave| wave.at(frame).clamp(0.0, 1.0));
        let center = (self.center[0].at(frame), self.center[1].at(frame));
        let (half_width, roll, yaw) = (self.half_width.at(frame), self.roll.at(frame), self.yaw.at(frame));
        FacePose { center, half_width, roll, yaw, mouth, eyes: 0.15 + 0.85 * eyes, brows }
    }
}

#[derive(Clone, Debug)]
struct HandMotion {
    side: Side,
    presence: Presence,
    palm: [Wave; 2],
    size: Wave,
    roll: Wave,
    spread: Wave,
    curl: [Wave; 5],
    together: bool,
}

impl HandMotion {
    /// The person's right hand is on the left of the picture.
    fn new(random: &mut Random, side: Side) -> Self {
        let (low, high) = if side == Side::Right { (26.0, 80.0) } else { (112.0, 166.0) };
        Self {
            side,
            presence: Presence::new(random, 0.5, 0.2),
            palm: [Wave::within(random, low, high), Wave::within(random, 66.0, 118.0)],
            size: Wave::within(random, 15.0, 25.0),
            roll: Wave::within(random, -0.7, 0.7),
            spread: Wave::within(random, 0.0, 1.0),
            curl: [0; 5].map(|_| Wave::within(random, -0.4, 1.2)),
            together: random.chance(0.3),
        }
    }

    fn at(&self, frame: usize) -> HandPose {
        let (size, roll) = (self.size.at(frame), self.roll.at(frame));
        let down = turn((0.0, 0.5 * size), sin_cos(roll));
        let wrist = (self.palm[0].at(frame) + down.0, self.palm[1].at(frame) + down.1);
        let curl = self.curl.map(|wave| if self.together { self.curl[1].at(frame) } else { wave.at(frame) });
        let curl = curl.map(|value| value.clamp(0.0, 1.0));
        HandPose { side: self.side, wrist, size, roll, spread: self.spread.at(frame), curl }
    }
}

/// A thing in the background.
#[derive(Clone, Debug)]
struct Thing {
    shape: usize,
    points: [Point; 3],
    radius: f32,
    color: Color,
}

impl Thing {
    fn new(random: &mut Random) -> Self {
        let middle = (random.between(0.0, WIDTH as f32), random.between(0.0, HEIGHT as f32));
        let reach = random.between(5.0, 60.0);
        let points =
            [0; 3].map(|_| (middle.0 + random.between(-reach, reach), middle.1 + random.between(-reach, reach)));
        let color = if random.chance(0.3) { skin(random) } else { any_color(random) };
        Self { shape: random.below(3), points, radius: random.between(1.0, 14.0), color }
    }

    fn paint(&self, canvas: &mut Canvas) {
        match self.shape {
            0 => canvas.polygon(&self.points, 0.0, self.color),
            1 => canvas.line(self.points[0], self.points[1], (self.radius, self.radius), self.color),
            _ => canvas.circle(self.points[0], 1.5 * self.radius, self.color),
        }
    }
}

/// All that does not change from frame to frame, and how the rest moves.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    corners: [Color; 3],
    things: Vec<Thing>,
    skin: Color,
    hair: Color,
    shirt: Color,
    noise: f32,
    face: FaceMotion,
    hands: [HandMotion; 2],
    seed: u64,
}

/// What is to be seen in one frame.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// The face, if it is there.
    pub(crate) face: Option<FacePose>,
    /// The hands that are there.
    pub(crate) hands: Vec<HandPose>,
}

impl Scene {
    /// The scene of one sample.
    pub(crate) fn new(seed: u64, sample: u64) -> Self {
        let random = &mut Random::of(&[seed, sample]);
        let base = any_color(random);
        let corners = [0; 3].map(|_| mixed(base, any_color(random), 0.4));
        let things = (0..random.below(9)).map(|_| Thing::new(random)).collect();
        Self {
            corners,
            things,
            skin: skin(random),
            hair: shaded([90.0, 65.0, 45.0], random.between(0.2, 1.6)),
            shirt: any_color(random),
            noise: random.between(0.0, 10.0),
            face: FaceMotion::new(random),
            hands: [HandMotion::new(random, Side::Left), HandMotion::new(random, Side::Right)],
            seed: random.next(),
        }
    }

    /// What is to be seen in this frame, counted from 0.
    pub(crate) fn parts(&self, frame: usize) -> Parts {
        let face = self.face.presence.at(frame).then(|| self.face.at(frame));
        let hands = self.hands.iter().filter(|hand| hand.presence.at(frame)).map(|hand| hand.at(frame)).collect();
        Parts { face, hands }
    }

    /// The picture of this frame.
    pub(crate) fn paint(&self, frame: usize) -> Picture {
        let parts = self.parts(frame);
        let mut canvas = Canvas::new(WIDTH, HEIGHT, |place| self.backdrop(place));
        self.things.iter().for_each(|thing| thing.paint(&mut canvas));
        if let Some(face) = &parts.face {
            self.paint_body(&mut canvas, face);
            face.paint(&mut canvas, self.skin, self.hair);
        }
        for hand in &parts.hands {
            self.paint_sleeve(&mut canvas, hand);
            hand.paint(&mut canvas, self.skin);
        }
        canvas.into_picture(self.noise, &mut Random::of(&[self.seed, frame as u64])).expect("a frame has pixels")
    }

    /// A smooth change of colour over the picture.
    fn backdrop(&self, (x, y): Point) -> Color {
        let [a, b, c] = self.corners;
        mixed(mixed(a, b, x / WIDTH as f32), c, y / HEIGHT as f32)
    }

    /// Neck and shoulders.
    fn paint_body(&self, canvas: &mut Canvas, face: &FacePose) {
        let size = face.half_width;
        let (x, y) = face.center;
        canvas.line((x, y + size), (x, y + 1.9 * size), (0.5 * size, 0.5 * size), shaded(self.skin, 0.8));
        let shoulders = [(x - 1.6 * size, y + 2.4 * size), (x + 1.6 * size, y + 2.4 * size)];
        canvas.line(shoulders[0], shoulders[1], (0.7 * size, 0.7 * size), self.shirt);
        let bottom = HEIGHT as f32 + 9.0;
        let chest = [(x - 2.0 * size, y + 2.4 * size), (x + 2.0 * size, y + 2.4 * size), (x + 1.9 * size, bottom)];
        canvas.polygon(&[chest[0], chest[1], chest[2], (x - 1.9 * size, bottom)], 0.0, self.shirt);
    }

    /// The end of a sleeve, below the wrist.
    fn paint_sleeve(&self, canvas: &mut Canvas, hand: &HandPose) {
        let (x, y) = hand.wrist;
        let down = turn((0.0, hand.size), sin_cos(hand.roll));
        let at = |share: f32| (x + share * down.0, y + share * down.1);
        let radius = 0.3 * hand.size;
        canvas.line(at(0.1), at(0.9), (radius, radius), shaded(self.skin, 0.85));
        canvas.line(at(0.75), at(2.5), (1.25 * radius, 1.7 * radius), shaded(self.shirt, 0.8));
    }
}

fn mixed(a: Color, b: Color, share: f32) -> Color {
    [mix(a[0], b[0], share), mix(a[1], b[1], share), mix(a[2], b[2], share)]
}

fn any_color(random: &mut Random) -> Color {
    [0; 3].map(|_| random.between(20.0, 235.0))
}

fn skin(random: &mut Random) -> Color {
    let light = random.unit();
    let tone = mixed([120.0, 78.0, 55.0], [238.0, 196.0, 168.0], light);
    tone.map(|value| value + random.between(-8.0, 8.0))
}
