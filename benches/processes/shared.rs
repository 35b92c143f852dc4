//! The slices of one large array, summed in workers that see it, in turns with threads of this process.

use std::time::{Duration, Instant};

use manyhands::SharedSlice;

use crate::line::Line;
use crate::options::Options;
use crate::ours::{job, percentiles, start_workers};
use crate::{raw, tasks};

/// The array is made in shared memory. The first call shows it to the workers, the others find it there.
pub(crate) fn shared(options: &Options) -> Line {
    const WARM_CALLS: usize = 5;
    start_workers(options);
    let numbers = vec![1.0; options.shared_f64];
    let slices = options.slices(tasks::PARTS);
    let begun = Instant::now();
    let slice =
        SharedSlice::filled_by(options.shared_f64, |values: &mut [f64]| values.fill(1.0)).expect("a shared slice");
    let line = Line::new().with("fill_s", begun.elapsed().as_secs_f64());

    let threads_first = raw::sum_in_threads(&numbers, &slices, options.workers);
    let first = sum_in_workers(&slice, &slices, options);
    let (mut threads_warm, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..WARM_CALLS {
        threads_warm.push(raw::sum_in_threads(&numbers, &slices, options.workers));
        warm.push(sum_in_workers(&slice, &slices, options));
    }
    let line = line.with("first_call_s", first.as_secs_f64()).with("warm_call_s", percentiles(warm)[0] / 1e6);
    let line = line.with("threads_first_s", threads_first.as_secs_f64());
    line.with("threads_warm_s", percentiles(threads_warm)[0] / 1e6)
}

fn sum_in_workers(slice: &SharedSlice<f64>, slices: &[(usize, usize)], options: &Options) -> Duration {
    let sum_of = |all: &SharedSlice<f64>, &(first, len): &(usize, usize)| tasks::sum(&all[first..first + len]);
    let begun = Instant::now();
    let sums = job(slices, options).shared(slice).run(sum_of).expect("a call").into_result().expect("no slice fails");
    let took = begun.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let expected: Vec<f64> = slices.iter().map(|&(_, len)| len as f64).collect();
    assert_eq!(sums, expected);
    took
}
