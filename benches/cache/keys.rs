//! Numbers by chance, the same at each run: SplitMix64, and ranks of a Zipf distribution.

/// A source of numbers.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, by multiplication; its bias is nothing here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from 0 up to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Ranks from 0 on, each drawn in proportion to `1 / (rank + 1)^exponent`.
#[derive(Debug)]
pub(crate) struct Zipf {
    /// The sum of the weights of each rank and all before it.
    sums: Vec<f64>,
}

impl Zipf {
    pub(crate) fn new(n_ranks: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=n_ranks).map(|place| {
            sum += (place as f64).powf(-exponent);
            sum
        });
        Self { sums: sums.collect() }
    }

    pub(crate) fn draw(&self, random: &mut SplitMix64) -> u64 {
        let all = self.sums.last().expect("at least one rank");
        let point = random.share() * all;
        self.sums.partition_point(|&sum| sum <= point).min(self.sums.len() - 1) as u64
    }
}
