//! Measurements of signals whose properties are known: tones, noise, harmonics, trapezoids, and what is not defined.

use std::f64::consts::TAU;

use manyhands_test_support::property::config;
use manyhands_test_support::rng::Rng;
use proptest::prelude::*;
use signal_batch::measure::{MeasurePlan, measure};
use signal_batch::{BatchError, Capture, Measurements, Metric};

use crate::golden::assert_close;

const RATE_HZ: f64 = 1e6;

fn measured(samples: Vec<f64>) -> Measurements {
    measure(&Capture::new("made", RATE_HZ, samples).unwrap()).unwrap()
}

fn traced(n_samples: usize, at: impl FnMut(f64) -> f64) -> Measurements {
    measured((0..n_samples).map(|j| j as f64 / RATE_HZ).map(at).collect())
}

/// The sum of twelve fractions less 6: mean 0, variance 1, near enough to normal.
fn noise(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.fraction()).sum::<f64>() - 6.0
}

#[test]
fn a_tone_in_noise_has_the_ratio_that_it_was_made_with() {
    let mut rng = Rng::for_test("a tone in noise");
    for (deviation, n_samples) in [(0.01, 20_000), (0.1, 20_000), (0.1, 19_997), (0.5, 20_000)] {
        let measured = traced(n_samples, |t| 0.3 + (TAU * 12_345.6 * t).sin() + deviation * noise(&mut rng));
        let expected = 10.0 * (0.5 / (deviation * deviation)).log10();
        // Of 10 000 bins the estimate of the noise has a deviation of 0.1 dB.
        assert_close(measured[Metric::Snr], expected, 0.0, 0.6, "SNR");
        assert_close(measured[Metric::Sinad], expected, 0.0, 0.6, "SINAD");
    }
}

#[test]
fn harmonics_are_those_that_it_was_made_with_also_where_they_fold_back() {
    for fundamental in [12_345.6, 61_803.4, 190_000.3] {
        let harmonics = [(2.0, 0.01), (3.0, 0.02), (5.0, 0.005), (10.0, 0.003)];
        let measured = traced(20_000, |t| {
            let tone = |order: f64| (order * (TAU * fundamental * t + 0.3)).cos();
            5.0 + tone(1.0) + harmonics.iter().map(|&(order, amplitude)| amplitude * tone(order)).sum::<f64>()
        });
        let power: f64 = harmonics.iter().map(|(_, amplitude)| amplitude * amplitude).sum();
        assert_close(measured[Metric::Thd], 100.0 * power.sqrt(), 1e-3, 0.0, "THD");
        assert_close(measured[Metric::Sinad], -10.0 * power.log10(), 0.0, 0.01, "SINAD");
        assert!(measured[Metric::Snr] > 100.0, "harmonics are no noise: {}", measured[Metric::Snr]);
    }
}

#[test]
fn noise_does_not_pass_for_harmonics() {
    let mut rng = Rng::for_test("noise is no harmonic");
    let mut of_harmonics = || {
        let measured = traced(20_000, |t| (TAU * 12_345.6 * t).sin() + 0.1 * noise(&mut rng));
        (measured[Metric::Thd] / 100.0).powi(2)
    };
    let mean = (0..10).map(|_| of_harmonics()).sum::<f64>() / 10.0;
    // Nine lobes of 11 bins of 10 000 hold 2e-4 of a fundamental's power. What is left is by how much that varies, 1e-5.
    assert!(mean < 8e-5, "{mean:e}");
}

#[test]
fn a_pure_tone_between_bins_is_limited_by_the_window_alone() {
    for n_samples in [4096, 20_000, 9973] {
        let measured = traced(n_samples, |t| (TAU * 31_234.5 * t).sin());
        assert!(measured[Metric::Snr] > 105.0, "{}", measured[Metric::Snr]);
        assert!(measured[Metric::Thd] < 1e-4, "{}", measured[Metric::Thd]);
        let bin_hz = RATE_HZ / n_samples as f64;
        assert_close(measured[Metric::FundamentalFrequency], 31_234.5, 0.0, 0.001 * bin_hz, "fundamental");
        assert_close(measured[Metric::DominantFrequency], 31_234.5, 0.0, 0.5 * bin_hz, "dominant");
    }
}

#[test]
fn a_tone_too_slow_or_too_fast_to_tell_apart_has_no_ratios() {
    for frequency in [10.0 * 50.0, RATE_HZ / 2.0 - 3.0 * 50.0] {
        let measured = traced(20_000, |t| (TAU * frequency * t).sin());
        assert!([Metric::Snr, Metric::Thd, Metric::Sinad].iter().all(|&metric| measured[metric].is_nan()));
        assert_close(measured[Metric::FundamentalFrequency], frequency, 0.0, 0.5, "fundamental");
    }
}

/// A trapezoid between `low` and `high`; times in seconds.
struct Trapezoid {
    period: f64,
    rise: f64,
    high: f64,
    fall: f64,
}

impl Trapezoid {
    fn at(&self, t: f64) -> f64 {
        let t = t.rem_euclid(self.period);
        let top = self.rise + self.high;
        match t {
            t if t < self.rise => t / self.rise,
            t if t < top => 1.0,
            t if t < top + self.fall => 1.0 - (t - top) / self.fall,
            _ => 0.0,
        }
    }
}

#[test]
fn edges_of_a_trapezoid_are_those_that_it_was_made_with() {
    let shape = Trapezoid { period: 1e-3, rise: 5e-5, high: 3e-4, fall: 1e-4 };
    let measured = traced(20_000, |t| -2.0 + 5.0 * shape.at(t + 2e-5));
    assert_close(measured[Metric::RiseTime], 0.8 * shape.rise, 1e-9, 0.0, "rise time");
    assert_close(measured[Metric::FallTime], 0.8 * shape.fall, 1e-9, 0.0, "fall time");
    let above = shape.rise / 2.0 + shape.high + shape.fall / 2.0;
    assert_close(measured[Metric::DutyCycle], 100.0 * above / shape.period, 1e-9, 0.0, "duty cycle");
    assert_close(measured[Metric::PeriodJitter], 0.0, 0.0, 1e-14, "jitter");
}

#[test]
fn noise_within_the_references_makes_no_edge_more() {
    let shape = Trapezoid { period: 1e-3, rise: 5e-5, high: 4e-4, fall: 5e-5 };
    let mut rng = Rng::for_test("noise on edges");
    let measured = traced(20_000, |t| shape.at(t) + 0.01 * noise(&mut rng));
    assert_close(measured[Metric::RiseTime], 0.8 * shape.rise, 0.1, 0.0, "rise time");
    assert_close(measured[Metric::DutyCycle], 45.0, 0.01, 0.0, "duty cycle");
    // 1 % of noise on a slope of 50 µs moves an instant by about 0.5 µs, so a period by 0.7 µs; one edge more would make it 100 µs.
    assert!((1e-7..2e-6).contains(&measured[Metric::PeriodJitter]), "{}", measured[Metric::PeriodJitter]);
}

#[test]
fn jitter_is_the_deviation_of_the_periods() {
    // Rising edges at these instants in µs, each with a fall half a period later.
    let rising = [100.0, 199.0, 301.5, 398.25, 500.0];
    let measured = traced(600, |t| {
        let level = |edge: f64| ((t * 1e6 - edge) / 10.0 + 0.5).clamp(0.0, 1.0);
        rising.iter().map(|&edge| level(edge) - level(edge + 40.0)).sum()
    });
    let periods: Vec<f64> = rising.windows(2).map(|pair| (pair[1] - pair[0]) * 1e-6).collect();
    let mean = periods.iter().sum::<f64>() / 4.0;
    let variance = periods.iter().map(|period| (period - mean).powi(2)).sum::<f64>() / 3.0;
    assert_close(measured[Metric::PeriodJitter], variance.sqrt(), 1e-9, 0.0, "jitter");
    assert_close(measured[Metric::DutyCycle], 100.0 * 40e-6 / mean, 1e-9, 0.0, "duty cycle");
}

#[test]
fn a_sine_rises_in_three_tenths_of_its_period() {
    let measured = traced(20_000, |t| (TAU * 1000.0 * t).sin());
    // asin(0.8) / π of a period, for levels at the very peaks; those of a histogram are a little lower.
    assert_close(measured[Metric::RiseTime], 0.295_17e-3, 0.01, 0.0, "rise time");
    assert_close(measured[Metric::FallTime], measured[Metric::RiseTime], 1e-9, 0.0, "fall time");
    assert_close(measured[Metric::DutyCycle], 50.0, 1e-6, 0.0, "duty cycle");
}

#[test]
fn what_is_not_defined_is_no_number() {
    let is_defined = |samples: Vec<f64>| -> Vec<&'static str> {
        let measured = measured(samples);
        Metric::ALL.into_iter().filter(|&metric| !measured[metric].is_nan()).map(Metric::name).collect()
    };
    let of_all = ["rms", "peak", "mean", "std", "crest_factor", "dominant_frequency", "total_power"];
    for constant in [vec![3.0], vec![0.1; 1000], vec![-1e300; 7]] {
        assert_eq!(is_defined(constant), of_all);
    }
    let without_crest = of_all.into_iter().filter(|&name| name != "crest_factor");
    assert_eq!(is_defined(vec![0.0; 100]), without_crest.collect::<Vec<_>>());
    assert_eq!(is_defined(vec![0.0, 1.0]), [&of_all[..], &["rise_time"]].concat());
}

#[test]
fn a_rate_of_zero_and_no_samples_are_refused() {
    let mut plan = MeasurePlan::new(2).unwrap();
    for rate_hz in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = plan.measure(&[0.0, 1.0], rate_hz).unwrap_err();
        assert!(matches!(&refused, BatchError::Capture(reason) if reason.contains("samples per second")), "{refused}");
    }
    assert!(matches!(MeasurePlan::new(0), Err(BatchError::Capture(_))));
}

proptest! {
    #![proptest_config(config(256))]

    /// Any finite samples, of any length, have measurements that hold together.
    #[test]
    fn measurements_of_any_samples_hold_together(
        samples in prop::collection::vec(prop_oneof![any::<f64>(), -1.0..1.0_f64, Just(0.0)], 1..200)
    ) {
        let samples: Vec<f64> = samples.into_iter().map(|sample| if sample.is_finite() { sample } else { 0.0 }).collect();
        let measured = measured(samples);
        let [rms, peak, std] = [Metric::Rms, Metric::Peak, Metric::Std].map(|metric| measured[metric]);
        prop_assert!(rms <= peak * (1.0 + 1e-12) && std <= rms * (1.0 + 1e-9) && measured[Metric::Mean].abs() <= peak * (1.0 + 1e-12));
        prop_assert!(measured[Metric::DominantFrequency] <= RATE_HZ / 2.0);
        for positive in [Metric::RiseTime, Metric::FallTime, Metric::PeriodJitter, Metric::Thd] {
            prop_assert!(measured[positive].is_nan() || measured[positive] >= 0.0, "{}", positive.name());
        }
        let duty = measured[Metric::DutyCycle];
        prop_assert!(duty.is_nan() || (0.0..=100.0).contains(&duty), "{}", duty);
    }
}
