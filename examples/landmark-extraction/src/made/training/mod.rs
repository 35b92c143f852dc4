//! How the weights of the made models are found: networks that learn from frames drawn on the fly.

mod adam;
mod examples;
mod loss;
pub(crate) mod net;
mod product;

use adam::Adam;
use examples::{Drawn, TASKS, Task, example};
use loss::slopes;
use net::{Net, Trace};

use super::arithmetic::Random;
use super::face::{FaceBasis, face_basis};
use super::plan::{PLANS, Plan};
use super::weights::to_bytes;

/// How long to train, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingOptions {
    /// Steps of the face detector, the palm detector, the face's and the hand's landmarks.
    pub steps: [usize; 4],
    /// Examples per step.
    pub batch: usize,
    /// Seed of the frames and of the first weights.
    pub seed: u64,
}

impl Default for TrainingOptions {
    /// Those of the committed weights: about ten minutes on one core.
    fn default() -> Self {
        Self { steps: [1500, 2000, 2500, 5000], batch: 32, seed: 1 }
    }
}

/// Trains the four networks on frames drawn on the fly and gives the bytes of the file of weights. Tells `report` how it goes, a line at
/// a time.
///
/// The same options give the same weights on one machine; another one's `exp` may differ in the last bit.
pub fn train(options: TrainingOptions, report: &mut dyn FnMut(&str)) -> Vec<u8> {
    let networks: Vec<_> = (0..TASKS.len()).map(|task| train_network(task, options, report).params).collect();
    to_bytes(&networks)
}

/// Frames in stock. Each step replaces a few, so that a frame serves several examples.
const STOCK: usize = 600;

/// Trains the network of this position.
pub(crate) fn train_network(position: usize, options: TrainingOptions, report: &mut dyn FnMut(&str)) -> Net {
    let (task, plan, steps) = (TASKS[position], &PLANS[position], options.steps[position]);
    let basis = face_basis();
    let random = &mut Random::of(&[options.seed, position as u64]);
    let mut net = Net::random(plan, random);
    let mut adam = Adam::new(net.zeros());
    let mut stock: Vec<Drawn> = (0..STOCK).map(|_| Drawn::new(options.seed, random)).collect();
    let mut seen = Seen::default();
    for step in 0..steps {
        for _ in 0..options.batch.div_ceil(12) {
            let old = random.below(STOCK);
            stock[old] = Drawn::new(options.seed, random);
        }
        let mut by_weight = net.zeros();
        for _ in 0..options.batch {
            seen.learn(&net, plan, task, &stock[random.below(STOCK)], &basis, random, &mut by_weight);
        }
        adam.step(&mut net.params, &by_weight, rate(step, steps));
        if (step + 1) % (steps / 10).max(1) == 0 {
            report(&format!("{}, step {}: {}", plan.name, step + 1, seen.text()));
            seen = Seen::default();
        }
    }
    net
}

/// The size of a step: it grows for a short while, then falls to nothing.
fn rate(step: usize, steps: usize) -> f32 {
    let share = step as f32 / steps.max(1) as f32;
    let start = ((step + 1) as f32 / 100.0).min(1.0);
    0.002 * start * (1.0 - share) * (1.0 - share * share)
}

/// Losses since the last report.
#[derive(Debug, Default)]
struct Seen {
    examples: usize,
    score: f64,
    distance: f64,
    numbers: usize,
    trace: Trace,
}

impl Seen {
    #[expect(clippy::too_many_arguments, reason = "one step of the loop above, all of whose state it needs")]
    fn learn(
        &mut self,
        net: &Net,
        plan: &Plan,
        task: Task,
        drawn: &Drawn,
        basis: &FaceBasis,
        random: &mut Random,
        by_weight: &mut [net::Params],
    ) {
        let example = example(task, drawn, basis, random);
        net.forward(&example.input, &mut self.trace);
        let outputs: Vec<&[f32]> = (0..plan.heads.len()).map(|head| net.output(&self.trace, head)).collect();
        let slopes = slopes(&outputs, &example.target);
        net.backward(&self.trace, &slopes.by_head, by_weight);
        self.examples += 1;
        self.score += f64::from(slopes.score);
        self.distance += f64::from(slopes.distance.0);
        self.numbers += slopes.distance.1;
    }

    fn text(&self) -> String {
        let score = self.score / self.examples.max(1) as f64;
        format!("loss of the scores {score:.4}, mean distance {:.4}", self.distance / self.numbers.max(1) as f64)
    }
}
