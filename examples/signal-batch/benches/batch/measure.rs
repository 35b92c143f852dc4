//! Fifty captures of 20 000 samples: the six numbers of the workload, and all fifteen.

use signal_batch::measure::{MeasurePlan, MetricSet};
use signal_batch::{Metric, workload};

use crate::options::Options;
use crate::peer::Section;

/// What both sides are compared by: the columns that the workload defines.
const WORKLOAD: [Metric; 6] =
    [Metric::Rms, Metric::Peak, Metric::Mean, Metric::Std, Metric::DominantFrequency, Metric::TotalPower];

/// Both sets of metrics.
pub(crate) fn compare(options: &Options) {
    let traces: Vec<Vec<f64>> = (0..50).map(|i| workload::trace(i).samples().to_vec()).collect();
    let six: MetricSet = WORKLOAD.map(Metric::name).join(",").parse().expect("these are metrics");
    measure(options, &traces, six, "measure", "50 captures of 20 000 samples, six metrics");
    measure(options, &traces, MetricSet::all(), "measure_all", "50 captures of 20 000 samples, fifteen metrics");
}

fn measure(options: &Options, traces: &[Vec<f64>], metrics: MetricSet, name: &str, title: &str) {
    let input = traces.concat();
    let mut plan = MeasurePlan::new(traces[0].len()).expect("there are samples");
    let mut ours = || {
        let measured = traces.iter().map(|trace| plan.measure_only(trace, 1e6, metrics).expect("it can be measured"));
        measured.flat_map(|measured| WORKLOAD.map(|metric| measured[metric])).collect()
    };
    Section { name, title, input: &input, ours: &mut ours, tolerance: 1e-9 }.run(options);
}
