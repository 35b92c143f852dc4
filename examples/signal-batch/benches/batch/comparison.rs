//! Two batches of a hundred thousand values each: three tests, effect sizes, an interval.

use manyhands_test_support::rng::Rng;
use signal_batch::stats;

use crate::options::Options;
use crate::peer::Section;
use crate::statistics::bell;

const N_VALUES: usize = 100_000;

/// The second batch is a little higher, so that no p value is zero.
pub(crate) fn compare(options: &Options) {
    let mut rng = Rng::for_test("comparison of a bench");
    let input: Vec<f64> = (0..2 * N_VALUES).map(|at| bell(&mut rng) + if at < N_VALUES { 0.0 } else { 0.02 }).collect();
    let (a, b) = input.split_at(N_VALUES);
    let mut ours = || numbers(&stats::compare(a, b));
    let title = "two batches of 100 000 values, three tests and effect sizes";
    Section { name: "comparison", title, input: &input, ours: &mut ours, tolerance: 1e-7 }.run(options);
}

fn numbers(found: &stats::Comparison) -> Vec<f64> {
    let welch = found.welch.as_ref().expect("the batches vary");
    let ranks = found.mann_whitney.as_ref().expect("there are values");
    let gap = found.ks.as_ref().expect("there are values");
    vec![
        welch.t,
        welch.p,
        welch.ci95.0,
        welch.ci95.1,
        ranks.u_b,
        ranks.p,
        gap.d,
        found.cohen_d.expect("the batches vary"),
        found.cliffs_delta.expect("there are values"),
    ]
}
