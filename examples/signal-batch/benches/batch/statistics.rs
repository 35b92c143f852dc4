//! A million rows of four metrics: description, outliers by quartiles and by z.

use manyhands_test_support::rng::Rng;
use signal_batch::stats::describe;

use crate::options::Options;
use crate::peer::Section;

const N_ROWS: usize = 1_000_000;

/// Four columns of a million numbers, sums of uniform ones.
pub(crate) fn compare(options: &Options) {
    let mut rng = Rng::for_test("statistics of a bench");
    let input: Vec<f64> = (0..4 * N_ROWS).map(|_| bell(&mut rng)).collect();
    let mut ours = || input.chunks_exact(N_ROWS).flat_map(summary).collect();
    let title = "1 000 000 rows of 4 metrics, description and outliers";
    Section { name: "statistics", title, input: &input, ours: &mut ours, tolerance: 1e-9 }.run(options);
}

/// In the order of pandas' `describe`, then how many outliers either rule finds.
fn summary(column: &[f64]) -> [f64; 10] {
    let found = describe(column);
    let n_fenced = found.iqr_outliers(column, 3.0).len();
    let n_wild = found.z_outliers(column, 3.0).len();
    [
        found.count as f64,
        found.mean,
        found.std,
        found.min,
        found.q25,
        found.median,
        found.q75,
        found.max,
        n_fenced as f64,
        n_wild as f64,
    ]
}

/// A number near 5 with deviation 1, about normally distributed.
pub(crate) fn bell(rng: &mut Rng) -> f64 {
    5.0 + (0..12).map(|_| rng.fraction()).sum::<f64>() - 6.0
}
