//! How the weights of the made models are found: networks that learn from frames drawn on the fly.

mod adam;
mod examples;
mod loss;
pub(crate) mod net;
mod product;

use adam::Adam;
use examples::{Drawn, TASKS, Task, example};
use loss::slopes;
use net::{Net, Params, Trace};

use super::arithmetic::Random;
use super::face::{FaceBasis, face_basis};
use super::plan::PLANS;
use super::weights::to_bytes;

/// How long to train, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingOptions {
    /// Steps of the face detector, the palm detector, the face's and the hand's landmarks.
    pub steps: [usize; 4],
    /// Steps after these, with other frames, in which the landmarks' squares are as far off as the detectors leave them.
    pub refinement: [usize; 4],
    /// Examples per step.
    pub batch: usize,
    /// Seed of the frames and of the first weights.
    pub seed: u64,
}

impl Default for TrainingOptions {
    /// Those of the committed weights: some minutes of processor time, in four threads.
    fn default() -> Self {
        Self { steps: [1000, 1500, 2000, 3500], refinement: [0, 0, 0, 1300], batch: 32, seed: 1 }
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

/// Frames in stock. Each step replaces one, so that a frame serves many examples, each time as another square.
const STOCK: usize = 600;
/// Shares of a batch, each on a thread of its own. The weights depend on how many there are, not on the machine's cores.
const SHARES: usize = 4;

/// Trains the network of this position.
pub(crate) fn train_network(position: usize, options: TrainingOptions, report: &mut dyn FnMut(&str)) -> Net {
    let mut random = Random::of(&[options.seed, position as u64]);
    let mut net = Net::random(&PLANS[position], &mut random);
    let first = Phase { steps: options.steps[position], rate: 0.002, reach: 1.0, random };
    first.run(position, &mut net, options, report);
    refine(position, &mut net, options, report);
    net
}

/// The second part of the training of the network of this position.
fn refine(position: usize, net: &mut Net, options: TrainingOptions, report: &mut dyn FnMut(&str)) {
    let random = Random::of(&[options.seed, position as u64, 2]);
    let second = Phase { steps: options.refinement[position], rate: 0.001, reach: 2.2, random };
    second.run(position, net, options, report);
}

/// A part of the training.
struct Phase {
    steps: usize,
    /// The largest size of a step.
    rate: f32,
    /// How far the landmarks' squares are off, as a multiple of what is usual.
    reach: f32,
    random: Random,
}

impl Phase {
    fn run(mut self, position: usize, net: &mut Net, options: TrainingOptions, report: &mut dyn FnMut(&str)) {
        let random = &mut self.random;
        let mut adam = Adam::new(net.zeros());
        let mut stock: Vec<Drawn> = (0..STOCK).map(|_| Drawn::new(options.seed, random)).collect();
        let basis = face_basis();
        let mut seen = Seen::default();
        for step in 0..self.steps {
            let old = random.below(STOCK);
            stock[old] = Drawn::new(options.seed, random);
            let (turned, task) = (net.turned(), TASKS[position]);
            let batch = Batch { net: &*net, turned, task, stock: &stock, basis: &basis, reach: self.reach };
            let (by_weight, of_step) = batch.learn(random.next(), options.batch);
            seen.add(&of_step);
            adam.step(&mut net.params, &by_weight, rate(self.rate, step, self.steps));
            if (step + 1) % (self.steps / 10).max(1) == 0 {
                report(&format!("{}, step {}: {}", PLANS[position].name, step + 1, seen.text()));
                seen = Seen::default();
            }
        }
    }
}

/// What the examples of one step share.
struct Batch<'a> {
    net: &'a Net,
    turned: Vec<Vec<f32>>,
    task: Task,
    stock: &'a [Drawn],
    basis: &'a FaceBasis,
    reach: f32,
}

impl Batch<'_> {
    /// The sums of the derivatives over `n_examples` examples.
    fn learn(&self, seed: u64, n_examples: usize) -> (Vec<Params>, Seen) {
        let shares = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..SHARES)
                .map(|share| scope.spawn(move || self.learn_share(seed, (share..n_examples).step_by(SHARES))))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("arithmetic does not panic")).collect::<Vec<_>>()
        });
        let (mut by_weight, mut seen) = (self.net.zeros(), Seen::default());
        for (share, of_share) in &shares {
            by_weight.iter_mut().zip(share).for_each(|(sum, params)| sum.add(params));
            seen.add(of_share);
        }
        (by_weight, seen)
    }

    fn learn_share(&self, seed: u64, examples: impl Iterator<Item = usize>) -> (Vec<Params>, Seen) {
        let (mut by_weight, mut seen, mut trace) = (self.net.zeros(), Seen::default(), Trace::default());
        for index in examples {
            let random = &mut Random::of(&[seed, index as u64]);
            let example =
                example(self.task, &self.stock[random.below(self.stock.len())], self.basis, self.reach, random);
            self.net.forward(&example.input, &mut trace);
            let slopes = slopes(&self.net.outputs(&trace), &example.target);
            self.net.backward(&self.turned, &trace, &slopes.by_head, &mut by_weight);
            seen.add(&Seen {
                examples: 1,
                score: f64::from(slopes.score),
                distance: f64::from(slopes.distance.0),
                numbers: slopes.distance.1,
            });
        }
        (by_weight, seen)
    }
}

/// The size of a step: it grows to the largest for a short while, then falls to nothing.
fn rate(largest: f32, step: usize, steps: usize) -> f32 {
    let share = step as f32 / steps.max(1) as f32;
    let start = ((step + 1) as f32 / 100.0).min(1.0);
    largest * start * (1.0 - share) * (1.0 - share * share)
}

/// Losses since the last report.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    examples: usize,
    score: f64,
    distance: f64,
    numbers: usize,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.examples += other.examples;
        self.score += other.score;
        self.distance += other.distance;
        self.numbers += other.numbers;
    }

    fn text(&self) -> String {
        let score = self.score / self.examples.max(1) as f64;
        format!("loss of the scores {score:.4}, mean distance {:.4}", self.distance / self.numbers.max(1) as f64)
    }
}
