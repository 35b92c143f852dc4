//! The plan to measure traces of one length: transform and buffers, made once.

use super::edges;
use super::moments::{Moments, Spread};
use super::quick_peak::QuickPeak;
use super::spectrum::Spectrum;
use super::{Measurements, Metric, MetricSet, Unit};
use crate::{BatchError, BatchResult};

/// Measures traces of one length. A worker makes one and keeps it; from the second trace on, measuring allocates nothing.
///
/// Memory: about 64 bytes per sample. Cost: 0.2 ms for all metrics of 20 000 samples, most of it for one transform of exactly this length
/// (a prime length costs several times as much as one that is a product of 2, 3 and 5).
///
/// ```
/// use signal_batch::Metric;
/// use signal_batch::measure::MeasurePlan;
///
/// let mut plan = MeasurePlan::new(4)?;
/// let measured = plan.measure(&[1.0, -1.0, 1.0, -1.0], 100.0)?;
/// assert_eq!((measured[Metric::Rms], measured[Metric::DominantFrequency]), (1.0, 50.0));
/// let refused = plan.measure(&[1.0], 100.0).unwrap_err();
/// assert!(refused.to_string().contains("1 samples where the plan is for 4"));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug)]
pub struct MeasurePlan {
    spectrum: Spectrum,
    /// None until it is asked for; `Some(None)` for lengths that have none.
    quick: Option<Option<QuickPeak>>,
}

/// Squares of samples within these stay in the range of `f64`, and sums of 2^60 of their transforms' squares too.
const SAFE_PEAKS: std::ops::RangeInclusive<f64> = 1e-140..=1e140;

const OF_SPREAD: [Metric; 2] = [Metric::Std, Metric::TotalPower];
const OF_BINS: [Metric; 4] = [Metric::FundamentalFrequency, Metric::Snr, Metric::Thd, Metric::Sinad];
const OF_TONE: [Metric; 3] = [Metric::Snr, Metric::Thd, Metric::Sinad];
const OF_EDGES: [Metric; 4] = [Metric::RiseTime, Metric::FallTime, Metric::DutyCycle, Metric::PeriodJitter];

impl MeasurePlan {
    /// A plan for traces of so many samples.
    ///
    /// # Errors
    /// [`BatchError::Capture`] for 0 samples.
    pub fn new(n_samples: usize) -> BatchResult<Self> {
        if n_samples == 0 {
            return Err(BatchError::Capture("it has no samples; export it again".to_owned()));
        }
        Ok(Self { spectrum: Spectrum::new(n_samples), quick: None })
    }

    /// How many samples its traces have.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.spectrum.n_samples()
    }

    /// All measurements of a trace.
    ///
    /// # Errors
    /// [`BatchError::Capture`] when the trace has another length than the plan, a sample is infinite or no number, or the rate is not a
    /// number above zero.
    pub fn measure(&mut self, samples: &[f64], rate_hz: f64) -> BatchResult<Measurements> {
        self.measure_only(samples, rate_hz, MetricSet::all())
    }

    /// The wanted measurements; the others are NaN and cost nothing.
    ///
    /// # Errors
    /// As [`MeasurePlan::measure`].
    pub fn measure_only(&mut self, samples: &[f64], rate_hz: f64, wanted: MetricSet) -> BatchResult<Measurements> {
        self.require(samples, rate_hz)?;
        let moments = Moments::of(samples);
        let is_safe = moments.mean_square.is_finite() && SAFE_PEAKS.contains(&moments.peak());
        if is_safe || moments.mean_square == 0.0 && moments.peak() == 0.0 {
            return Ok(self.measured(samples, moments, rate_hz, wanted));
        }
        require_numbers(samples)?;
        Ok(self.measured_scaled(samples, moments.peak(), rate_hz, wanted))
    }

    fn require(&self, samples: &[f64], rate_hz: f64) -> BatchResult<()> {
        let (found, planned) = (samples.len(), self.n_samples());
        if found != planned {
            let reason = format!("it has {found} samples where the plan is for {planned}; make a plan for {found}");
            return Err(BatchError::Capture(reason));
        }
        if !(rate_hz.is_finite() && rate_hz > 0.0) {
            let reason = format!("{rate_hz} samples per second are no rate; give a number above zero");
            return Err(BatchError::Capture(reason));
        }
        Ok(())
    }

    fn measured(&mut self, samples: &[f64], moments: Moments, rate_hz: f64, wanted: MetricSet) -> Measurements {
        let mut measured = Measurements::undefined();
        let rms = moments.mean_square.sqrt();
        measured[Metric::Rms] = rms;
        measured[Metric::Peak] = moments.peak();
        measured[Metric::Mean] = moments.mean;
        measured[Metric::CrestFactor] = moments.peak() / rms;
        if let Some(spread) = self.of_residuals(&mut measured, samples, &moments, rate_hz, wanted) {
            measured[Metric::Std] = spread.variance.sqrt();
            measured[Metric::TotalPower] = spread.total_power(moments.mean, samples.len());
        }
        if wanted.contains_any(&OF_EDGES) {
            edges::measure(samples, moments.min, moments.max, rate_hz, &mut measured);
        }
        only(measured, wanted)
    }

    /// The sums over the residuals, and what is wanted of their spectrum; none where nothing of this is wanted.
    fn of_residuals(
        &mut self,
        measured: &mut Measurements,
        samples: &[f64],
        moments: &Moments,
        rate_hz: f64,
        wanted: MetricSet,
    ) -> Option<Spread> {
        let (needs_bin, needs_bins) = (wanted.contains(Metric::DominantFrequency), wanted.contains_any(&OF_BINS));
        if needs_bin
            && !needs_bins
            && let Some(quick) = self.quick()
        {
            let (spread, bin) = quick.find(samples, moments);
            if let Some(bin) = bin {
                measured[Metric::DominantFrequency] = self.frequency(bin, rate_hz);
                return Some(spread);
            }
        }
        let needs_spectrum = needs_bin || needs_bins;
        if !needs_spectrum && !wanted.contains_any(&OF_SPREAD) {
            return None;
        }
        let spread = Spread::of(samples, moments.mean, self.spectrum.input());
        if needs_spectrum {
            self.of_spectrum(measured, moments, rate_hz, wanted);
        }
        Some(spread)
    }

    /// What finds the dominant bin alone, where there is one for this length. It is made when it is first needed.
    fn quick(&mut self) -> Option<&mut QuickPeak> {
        let n_samples = self.n_samples();
        self.quick.get_or_insert_with(|| QuickPeak::new(n_samples)).as_mut()
    }

    fn frequency(&self, bin: usize, rate_hz: f64) -> f64 {
        bin as f64 * rate_hz / self.n_samples() as f64
    }

    /// Those of the residuals that lie in the spectrum's input.
    fn of_spectrum(&mut self, measured: &mut Measurements, moments: &Moments, rate_hz: f64, wanted: MetricSet) {
        let n_samples = self.n_samples() as f64;
        let sum = moments.mean * n_samples;
        let dominant = self.spectrum.transform(sum * sum);
        measured[Metric::DominantFrequency] = self.frequency(dominant, rate_hz);
        if !wanted.contains_any(&OF_BINS) {
            return;
        }
        if moments.min == moments.max {
            return; // Of a constant only rounding is left above 0 Hz.
        }
        let Some(fundamental) = self.spectrum.fundamental() else { return };
        measured[Metric::FundamentalFrequency] = fundamental * rate_hz / n_samples;
        if let Some(tone) = wanted.contains_any(&OF_TONE).then(|| self.spectrum.tone(fundamental)).flatten() {
            measured[Metric::Snr] = tone.snr_db();
            measured[Metric::Thd] = tone.thd_percent();
            measured[Metric::Sinad] = tone.sinad_db();
        }
    }

    /// Samples whose squares leave the range of `f64`, measured with a peak near 1. The one case that allocates.
    fn measured_scaled(&mut self, samples: &[f64], peak: f64, rate_hz: f64, wanted: MetricSet) -> Measurements {
        // A power of two changes no digit but those that a subnormal number lacks anyway. Two steps: one factor may be out of range.
        let half = (-peak.log2() / 2.0).round().exp2();
        let scaled: Vec<f64> = samples.iter().map(|sample| sample * half * half).collect();
        let mut measured = self.measured(&scaled, Moments::of(&scaled), rate_hz, wanted);
        for metric in Metric::ALL {
            let n_factors = match metric.unit() {
                Unit::Samples => 2,
                Unit::SamplesSquared => 4,
                _ => 0,
            };
            (0..n_factors).for_each(|_| measured[metric] /= half);
        }
        measured
    }
}

fn require_numbers(samples: &[f64]) -> BatchResult<()> {
    let Some(at) = samples.iter().position(|sample| !sample.is_finite()) else { return Ok(()) };
    let reason = format!("sample {} is {}; cut it out or export the capture again", at + 1, samples[at]);
    Err(BatchError::Capture(reason))
}

/// What is not wanted is NaN, also where it came about on the way.
fn only(mut measured: Measurements, wanted: MetricSet) -> Measurements {
    let unwanted = Metric::ALL.into_iter().filter(|&metric| !wanted.contains(metric));
    unwanted.for_each(|metric| measured[metric] = f64::NAN);
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_samples_are_measured_as_those_near_one_are() {
        let usual: Vec<f64> = (0..200).map(|j| (0.7 * f64::from(j)).sin() + 0.1).collect();
        let mut plan = MeasurePlan::new(200).unwrap();
        let expected = plan.measure(&usual, 1.0).unwrap();
        for exponent in [-700, 700, 1000] {
            let factor = f64::from(exponent).exp2();
            let extreme: Vec<f64> = usual.iter().map(|sample| sample * factor).collect();
            let measured = plan.measure(&extreme, 1.0).unwrap();
            assert_eq!(measured[Metric::Rms], expected[Metric::Rms] * factor);
            assert_eq!(measured[Metric::Std], expected[Metric::Std] * factor);
            assert_eq!(measured[Metric::Snr], expected[Metric::Snr]);
            assert_eq!(measured[Metric::RiseTime], expected[Metric::RiseTime]);
        }
        assert!(plan.measure(&[5e-324; 200], 1.0).unwrap()[Metric::Rms] > 0.0);
    }

    #[test]
    fn a_sample_that_is_no_number_is_refused_with_its_place() {
        let mut plan = MeasurePlan::new(3).unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = plan.measure(&[0.0, bad, 1.0], 1.0).unwrap_err().to_string();
            assert!(refused.contains("sample 2 is"), "{refused}");
        }
    }

    #[test]
    fn what_is_not_wanted_is_not_defined_and_the_rest_has_the_same_bits() {
        let samples: Vec<f64> = (0..500).map(|j| (0.3 * f64::from(j)).sin()).collect();
        let mut plan = MeasurePlan::new(500).unwrap();
        let all = plan.measure(&samples, 10.0).unwrap();
        for metric in Metric::ALL {
            let one = plan.measure_only(&samples, 10.0, MetricSet::from_iter([metric])).unwrap();
            for other in Metric::ALL {
                let expected = if other == metric { all[metric] } else { f64::NAN };
                assert_eq!(
                    one[other].to_bits(),
                    expected.to_bits(),
                    "{} when {} is wanted",
                    other.name(),
                    metric.name()
                );
            }
        }
    }

    #[test]
    fn measuring_allocates_nothing() {
        for n_samples in [1, 2, 3, 997, 20_000] {
            let samples: Vec<f64> = (0..n_samples).map(|j| (0.05 * j as f64).sin()).collect();
            let mut plan = MeasurePlan::new(n_samples).unwrap();
            let allocated = allocation_counter::measure(|| {
                plan.measure(&samples, 1e6).unwrap();
            });
            assert_eq!(allocated.count_total, 0, "{n_samples} samples");
        }
    }
}
