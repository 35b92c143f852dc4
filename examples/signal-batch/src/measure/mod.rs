//! The measurements of one trace: amplitudes, spectrum, purity of a tone, and edges.
//!
//! Promises: the same samples give the same bits in every plan and thread; a plan allocates when it is made and when it first measures,
//! and then nothing (but for samples beyond 1e140 or all below 1e-140, which are scaled first); what is not wanted costs nothing. What is not defined for a
//! trace is NaN: [`Metric`] says what each is, and these say when it is not.
//!
//! | metrics | formula, source | NaN |
//! |---|---|---|
//! | `rms`, `peak`, `mean`, `std` | √mean(x²), max \|x\|, Σx/n, √mean((x − mean)²) | never |
//! | `crest_factor` | peak / rms | all samples are 0 |
//! | `dominant_frequency`, `total_power` | over \|X_k\|², k = 0 ..= n/2, of the transform without a window | never |
//! | `fundamental_frequency` | the strongest bin above 0 Hz, interpolated: T. Grandke, IEEE Trans. Instrum. Meas. 32 (1983) | all samples are equal; fewer than 4 samples |
//! | `snr_db`, `thd_percent`, `sinad_db` | IEEE Std 1241-2010, through a window of low side lobes (`tone.rs`) | all samples are equal; fewer than 11 periods of the fundamental, or one within 5 bins of half the rate |
//! | `rise_time`, `fall_time`, `duty_cycle_percent`, `period_jitter` | IEEE Std 181-2011, levels by histogram (`edges.rs`) | no such edge; for the duty cycle no whole period, for jitter fewer than two |
//!
//! Levels and periods are found without a model of the signal: noise has edges too. Look at the SNR before a rise time is trusted.

mod edges;
mod levels;
mod metric;
mod moments;
mod plan;
mod plans;
mod quick_peak;
mod set;
mod spectrum;
mod tone;

pub use metric::{Measurements, Metric, Unit};
pub use plan::MeasurePlan;
pub use plans::MeasurePlans;
pub use set::MetricSet;

use crate::{BatchResult, Capture};

/// All measurements of one capture. Makes a plan for it: to measure many, keep a [`MeasurePlan`] or [`MeasurePlans`].
///
/// # Errors
/// As [`MeasurePlan::new`].
///
/// ```
/// use signal_batch::measure::measure;
/// use signal_batch::{Metric, workload};
///
/// let measured = measure(&workload::signal(2))?;
/// assert_eq!(measured[Metric::DominantFrequency], 3000.0);
/// assert!((measured[Metric::Rms] - 0.5_f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
pub fn measure(capture: &Capture) -> BatchResult<Measurements> {
    MeasurePlan::new(capture.samples().len())?.measure(capture.samples(), capture.rate_hz())
}
