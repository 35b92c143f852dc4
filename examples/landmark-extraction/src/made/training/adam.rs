//! Steps of gradient descent by Adam.

use super::net::Params;

const MEAN_DECAY: f32 = 0.9;
const SQUARE_DECAY: f32 = 0.99;

/// Running means of the derivatives and of their squares.
#[derive(Debug)]
pub(super) struct Adam {
    means: Vec<Params>,
    squares: Vec<Params>,
    step: i32,
}

impl Adam {
    /// For weights of the shape of `zeros`.
    pub(super) fn new(zeros: Vec<Params>) -> Self {
        Self { means: zeros.clone(), squares: zeros, step: 0 }
    }

    /// Moves each weight by about `rate` against its derivative.
    pub(super) fn step(&mut self, params: &mut [Params], slopes: &[Params], rate: f32) {
        self.step += 1;
        let mean_share = 1.0 - MEAN_DECAY.powi(self.step);
        let square_share = 1.0 - SQUARE_DECAY.powi(self.step);
        let update = |value: &mut f32, slope: f32, mean: &mut f32, square: &mut f32| {
            *mean += (slope - *mean) * (1.0 - MEAN_DECAY);
            *square += (slope * slope - *square) * (1.0 - SQUARE_DECAY);
            *value -= rate * (*mean / mean_share) / ((*square / square_share).sqrt() + 1e-8);
        };
        for (layer, params) in params.iter_mut().enumerate() {
            let (means, squares) = (&mut self.means[layer], &mut self.squares[layer]);
            for (index, value) in params.weights.iter_mut().enumerate() {
                update(value, slopes[layer].weights[index], &mut means.weights[index], &mut squares.weights[index]);
            }
            for (index, value) in params.bias.iter_mut().enumerate() {
                update(value, slopes[layer].bias[index], &mut means.bias[index], &mut squares.bias[index]);
            }
        }
    }
}
