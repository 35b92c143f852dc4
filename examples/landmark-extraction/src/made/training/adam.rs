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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_down_to_the_minimum_however_steep_the_slopes_are() {
        let goal = [3.0_f32, -2.0, 0.5];
        let steep = [1e-3_f32, 1.0, 1e3];
        let mut params = vec![Params { weights: vec![0.0; 2], bias: vec![0.0] }];
        let mut adam = Adam::new(params.clone());
        for step in 0..600 {
            let slope = |index: usize, value: f32| steep[index] * (value - goal[index]);
            let weights = params[0].weights.iter().enumerate().map(|(index, &value)| slope(index, value)).collect();
            let slopes = vec![Params { weights, bias: vec![slope(2, params[0].bias[0])] }];
            adam.step(&mut params, &slopes, 0.05 * (1.0 - step as f32 / 600.0));
        }
        for (value, goal) in params[0].weights.iter().chain(&params[0].bias).zip(goal) {
            assert!((value - goal).abs() < 0.02, "{params:?}");
        }
    }
}
