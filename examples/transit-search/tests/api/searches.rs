//! Searches of light curves that are in no folder: made ones, and any.

use manyhands::{Job, OnFailure, Processes};
use proptest::prelude::*;
use transit_search::{
    BoxSearch, Extraction, LightCurve, Objective, Profile, RawCurve, Weights, best_fit, linear_periods, synthetic_curve,
};

/// The timing workload: 10 000 periods, even in frequency or in period.
fn workload(periods: Vec<f64>) -> BoxSearch {
    BoxSearch {
        periods,
        durations: vec![0.05, 0.10, 0.15, 0.20, 0.25],
        oversample: 10,
        objective: Objective::Likelihood,
        weights: Weights::Errors,
    }
}

#[test]
fn the_best_periods_of_synthetic_curves_are_those_that_are_known() {
    // Index, period and power that the reference found for the first light curves, on both grids. One digit group of the second power is
    // written 962130634 where these were written down first; a plain loop in another language gives the one below.
    let by_frequency: Vec<f64> =
        (0..10_000).map(|at| 1.0 / (2.0 - f64::from(at) * ((2.0 - 1.0 / 13.5) / 9999.0))).collect();
    let by_period: Vec<f64> = (0..10_000).map(|at| 0.5 + f64::from(at) * (13.0 / 9999.0)).collect();
    let known = [
        (0, 8715, 3.11150681142383, 192.6982457910595),
        (1, 9061, 3.9255096402710317, 177.15738982630134),
        (2, 9832, 9.412628129140229, 201.80479295415566),
    ];
    let on_periods = [
        (0, 2010, 3.1132613261326134, 193.20367512499988),
        (1, 2636, 3.9271427142714272, 178.55655151558508),
        (2, 6849, 9.404590459045904, 219.30392742325563),
    ];
    for (grid, known) in [(by_frequency, known), (by_period, on_periods)] {
        for (number, index, period, power) in known {
            let fits = workload(grid.clone()).run(&synthetic_curve(number).curve).unwrap();
            let (at, fit) = best_fit(&fits).unwrap();
            assert_eq!((at, fit.period, fit.power), (index, period, power), "curve {number}");
        }
    }
}

/// A light curve of any kind.
fn curves() -> impl Strategy<Value = LightCurve> {
    let points = prop::collection::vec((0.001..0.3_f64, 0.98..1.02_f64, 1e-4..1e-2_f64), 60..400);
    (points, -50.0..3000.0_f64).prop_map(|(points, start)| {
        let mut raw = RawCurve::default();
        let mut time = start;
        for (step, flux, error) in points {
            time += step;
            raw.time.push(time);
            raw.flux.push(flux);
            raw.error.push(error);
        }
        LightCurve::of(&raw).unwrap()
    })
}

/// The search, one box after the other, with nothing left out: what the quicker one must find.
fn plain_power(search: &BoxSearch, curve: &LightCurve, period: f64) -> f64 {
    let mut sorted = curve.flux().to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let level = if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 };
    let bin = search.durations.iter().copied().fold(f64::INFINITY, f64::min) / search.oversample as f64;
    let whole = (period / bin).ceil() as usize;
    let n_bins = whole + search.oversample;
    let (mut sums, mut weights) = (vec![0.0; n_bins + 1], vec![0.0; n_bins + 1]);
    let (mut sum, mut total) = (0.0, 0.0);
    for ((&time, &flux), &error) in curve.time().iter().zip(curve.flux()).zip(curve.error()) {
        let weight = if search.weights == Weights::Unit { 1.0 } else { 1.0 / (error * error) };
        let since = time - curve.time()[0];
        let phase = since - period * (since / period).floor();
        let place = (phase / bin) as usize + 1;
        sums[place] += (flux - level) * weight;
        weights[place] += weight;
        sum += (flux - level) * weight;
        total += weight;
    }
    for column in [&mut sums, &mut weights] {
        (1..=search.oversample).for_each(|at| column[whole + at - 1] = column[at]);
        (1..=n_bins).for_each(|at| column[at] += column[at - 1]);
    }
    let mut best = f64::NEG_INFINITY;
    for duration in &search.durations {
        let bins = (duration / bin).round() as usize;
        for first in 0..=n_bins - bins {
            let (inside, weight) = (sums[first + bins] - sums[first], weights[first + bins] - weights[first]);
            let (outside, rest) = (sum - inside, total - weight);
            if weight < f64::EPSILON || rest < f64::EPSILON || outside / rest < inside / weight {
                continue;
            }
            let depth = outside / rest - inside / weight;
            let power = match search.objective {
                Objective::Likelihood => 0.5 * weight * depth * depth,
                Objective::Snr => depth / (1.0 / weight + 1.0 / rest).sqrt(),
            };
            best = if power > best { power } else { best };
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_quick_search_finds_what_a_plain_one_finds_bit_by_bit(
        curve in curves(),
        durations in prop::collection::vec(0.02..0.4_f64, 1..5),
        oversample in 1_usize..14,
        is_snr: bool,
        is_unit: bool,
    ) {
        let objective = if is_snr { Objective::Snr } else { Objective::Likelihood };
        let weights = if is_unit { Weights::Unit } else { Weights::Errors };
        let periods = linear_periods(0.5, 9.0, 40).unwrap();
        let search = BoxSearch { periods, durations, oversample, objective, weights };
        for fit in search.run(&curve).unwrap() {
            let plain = plain_power(&search, &curve, fit.period);
            prop_assert_eq!(fit.power.to_bits(), plain.to_bits());
        }
    }

    #[test]
    fn a_brighter_star_and_another_clock_have_the_same_transits(curve in curves(), factor in 0.5..4.0_f64, later in 0_i32..3000) {
        // The clock is moved by whole days of a curve that begins with one, and fluxes and errors are multiplied.
        let moved = |factor: f64, later: f64| {
            let begin = curve.time()[0];
            let raw = RawCurve {
                time: curve.time().iter().map(|time| time - begin + later).collect(),
                flux: curve.flux().iter().map(|flux| flux * factor).collect(),
                error: curve.error().iter().map(|error| error * factor).collect(),
            };
            LightCurve::of(&raw).unwrap()
        };
        let search = workload(linear_periods(0.6, 6.0, 30).unwrap());
        let (before, after) = (moved(1.0, 0.0), moved(factor, 0.0));
        for (one, other) in search.run(&before).unwrap().iter().zip(search.run(&after).unwrap()) {
            prop_assert!((one.power - other.power).abs() <= 1e-6 * one.power.abs(), "{one:?} {other:?}");
        }
        let later = moved(1.0, f64::from(later));
        let (one, other) = (search.run(&before).unwrap(), search.run(&later).unwrap());
        let (one, other) = (best_fit(&one).unwrap().1, best_fit(&other).unwrap().1);
        prop_assert!((one.power - other.power).abs() <= 0.2 * one.power.abs(), "{one:?} {other:?}");
    }
}

#[test]
fn what_was_put_into_synthetic_curves_is_found_in_them() {
    let mut n_found = 0;
    for number in 0..60 {
        let made = synthetic_curve(number);
        let features = Extraction::default().features(&made.curve, &made.catalogue).unwrap();
        let get = |name| features.get(name).unwrap();
        assert!(get("bls_snr") > 0.0 && get("phase_coverage") > 0.3 && get("red_noise") > 0.0);
        n_found += usize::from((get("bls_period") - made.truth.period).abs() < 0.01 * made.truth.period);
    }
    assert!(n_found >= 50, "{n_found} of 60 periods are found");
}

#[test]
fn the_profiles_differ_where_the_notebook_has_its_defects() {
    let made = synthetic_curve(5);
    let of = |profile| Extraction { profile, ..Extraction::default() }.features(&made.curve, &made.catalogue).unwrap();
    let (seed, calibrated) = (of(Profile::Seed), of(Profile::Calibrated));
    assert_eq!((seed.get("tls_snr"), seed.get("bls_snr")), (Some(10.0), seed.get("bls_power")));
    assert!(calibrated.get("tls_snr").unwrap().is_nan());
    assert!(calibrated.get("bls_snr").unwrap() > 5.0);
}

/// The features of a synthetic light curve; number 7 takes its process with it.
fn features_or_abort(number: &u64) -> Vec<u64> {
    let made = synthetic_curve(*number);
    let features = Extraction::default().features(&made.curve, &made.catalogue).unwrap();
    if *number == 7 {
        std::process::abort();
    }
    features.values.iter().map(|value| value.to_bits()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_sample_that_aborts_its_worker_costs_exactly_itself() {
    let numbers: Vec<u64> = (0..40).collect();
    let job = Job::new(&numbers).mode(Processes::new()).workers(2).on_failure(OnFailure::Continue);
    let outcome = job.run(features_or_abort).unwrap();
    let failed: Vec<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
    assert_eq!(failed, [7], "{:?}", outcome.failures());
    for number in numbers.iter().filter(|number| **number != 7) {
        assert_eq!(outcome.get(*number as usize), Some(&features_or_abort(number)));
    }
}
