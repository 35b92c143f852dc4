//! The layers of the four networks of the made models.

use crate::picture::Range;

/// A layer with a ReLU behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A convolution of 3 x 3 with SAME padding.
    Conv {
        /// Step from pixel to pixel.
        stride: usize,
        /// Numbers per pixel that come out.
        channels: usize,
    },
    /// Every number of the layer before to every one of this.
    Dense {
        /// Numbers that come out.
        units: usize,
    },
}

/// A network: layers one behind the other, and outputs that all read the last of them.
///
/// An output is linear: a convolution of 1 x 1 on pixels, else a dense layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// What it is called in messages.
    pub(crate) name: &'static str,
    /// The side of the square that it takes.
    pub(crate) input_size: usize,
    /// The layers.
    pub(crate) stages: &'static [Stage],
    /// How many numbers (per pixel) each output has.
    pub(crate) heads: &'static [usize],
}

/// Numbers per box of a detector: the box, and two key points.
pub(crate) const BOX_NUMBERS: usize = 8;
/// Pixels between the centres of a detector's cells.
pub(crate) const CELL: usize = 8;
/// The side of the square that a detector takes.
pub(crate) const DETECTOR_SIZE: usize = 96;
/// The side of the square that a landmark network takes.
pub(crate) const LANDMARKER_SIZE: usize = 64;
/// What black and white are in the inputs.
pub(crate) const RANGE: Range = Range { low: -1.0, high: 1.0 };
/// How many patterns of the face the landmark network weighs: seven for x, seven for y, two for z.
pub(crate) const FACE_WEIGHTS: usize = 16;

const fn conv(stride: usize, channels: usize) -> Stage {
    Stage::Conv { stride, channels }
}

const DETECTOR_STAGES: [Stage; 5] = [conv(2, 8), conv(2, 16), conv(2, 24), conv(1, 24), conv(1, 24)];

/// Finds faces: boxes, and a score for each.
pub(crate) const FACE_DETECTOR: Plan =
    Plan { name: "face detector", input_size: DETECTOR_SIZE, stages: &DETECTOR_STAGES, heads: &[BOX_NUMBERS, 1] };

/// Finds palms: boxes, and a score for each.
pub(crate) const PALM_DETECTOR: Plan = Plan { name: "palm detector", ..FACE_DETECTOR };

/// Weights of the face's patterns, and a score for whether there is a face.
pub(crate) const FACE_LANDMARKER: Plan = Plan {
    name: "face landmarks",
    input_size: LANDMARKER_SIZE,
    stages: &[conv(2, 8), conv(2, 16), conv(2, 32), conv(2, 32), Stage::Dense { units: 48 }],
    heads: &[FACE_WEIGHTS, 1],
};

/// The 21 joints, a score for whether there is a hand, and one for whether it is a right hand.
pub(crate) const HAND_LANDMARKER: Plan = Plan {
    name: "hand landmarks",
    input_size: LANDMARKER_SIZE,
    stages: &[conv(2, 16), conv(2, 24), conv(2, 32), conv(1, 32), conv(2, 32), Stage::Dense { units: 64 }],
    heads: &[63, 1, 1],
};

/// All four, in the order of the weights' file.
pub(crate) const PLANS: [Plan; 4] = [FACE_DETECTOR, PALM_DETECTOR, FACE_LANDMARKER, HAND_LANDMARKER];

/// The shape of one layer, with the size of what goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The side of the square that goes in; 1 before a dense layer, whose channels are then all numbers that go in.
    pub(crate) side: usize,
    /// Numbers per pixel that go in.
    pub(crate) channels_in: usize,
    /// 3 or 1.
    pub(crate) kernel: usize,
    /// Step from pixel to pixel.
    pub(crate) stride: usize,
    /// Numbers per pixel that come out.
    pub(crate) channels_out: usize,
    /// Whether it is a layer of `stages`; else it is an output.
    pub(crate) relu: bool,
    /// Whether it is a convolution.
    pub(crate) is_conv: bool,
}

impl Shape {
    /// The side of the square that comes out.
    pub(crate) fn side_out(&self) -> usize {
        self.side.div_ceil(self.stride)
    }

    /// Numbers that go into one number that comes out.
    pub(crate) fn fan_in(&self) -> usize {
        self.kernel * self.kernel * self.channels_in
    }

    /// Weights, without biases.
    pub(crate) fn n_weights(&self) -> usize {
        self.fan_in() * self.channels_out
    }
}

impl Plan {
    /// The shapes of the layers, then those of the outputs.
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        let (mut side, mut channels) = (self.input_size, 3);
        let mut shapes = Vec::with_capacity(self.stages.len() + self.heads.len());
        for stage in self.stages {
            let shape = match *stage {
                Stage::Conv { stride, channels: channels_out } => {
                    Shape { side, channels_in: channels, kernel: 3, stride, channels_out, relu: true, is_conv: true }
                }
                Stage::Dense { units } => {
                    let channels_in = side * side * channels;
                    Shape {
                        side: 1,
                        channels_in,
                        kernel: 1,
                        stride: 1,
                        channels_out: units,
                        relu: true,
                        is_conv: false,
                    }
                }
            };
            (side, channels) = (shape.side_out(), shape.channels_out);
            shapes.push(shape);
        }
        let is_conv = shapes.last().is_none_or(|shape| shape.is_conv);
        shapes.extend(self.heads.iter().map(|&channels_out| Shape {
            side,
            channels_in: channels,
            kernel: 1,
            stride: 1,
            channels_out,
            relu: false,
            is_conv,
        }));
        shapes
    }
}
