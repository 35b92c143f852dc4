//! Searches on a graphics processor: the best fit is that of the cores, and what a device cannot do, the cores do.
//!
//! Without a device nothing of this runs, and each test says so; with MANYHANDS_REQUIRE_GPU set it fails then.

use std::io::Write as _;

use gpu::{BOX_TOLERANCE, Device, DeviceSettings, GpuError, Ran};
use manyhands_test_support::rng::Rng;
use transit_search::{
    BoxSearch, BoxSearcher, DeviceSearch, Extraction, LightCurve, Objective, RawCurve, Weights, best_fit,
    synthetic_curve,
};

/// A device, or none and a line that says so.
pub(crate) fn device_with(settings: &DeviceSettings) -> Option<Device> {
    match Device::find_with(settings) {
        Ok(device) => Some(device),
        Err(error) => {
            let is_required = std::env::var_os("MANYHANDS_REQUIRE_GPU").is_some();
            assert!(!is_required, "a device is required: {error}");
            // Not `eprintln`, which a test that passes keeps to itself.
            writeln!(std::io::stderr(), "SKIPPED: nothing was searched on a graphics processor: {error}").unwrap();
            None
        }
    }
}

pub(crate) fn device() -> Option<Device> {
    device_with(&DeviceSettings::default())
}

/// A light curve with a dip, of the shape that its number says, and a search for it.
fn case(number: u64) -> (LightCurve, BoxSearch) {
    let mut rng = Rng::for_test(&format!("light curve {number}"));
    let mut uniform = move |from: f64, to: f64| from + (to - from) * rng.fraction();
    let (span, count) = match number % 5 {
        0 => (1400.0, 3000),
        1 => (27.0, 1296),
        2 => (90.0, 60), // few points
        3 => (300.0, 1500),
        _ => (13.0, 4000),
    };
    let has_gaps = number % 3 == 1;
    let (period, duration) = (uniform(1.0, 6.0), uniform(0.05, 0.3));
    let (depth, start) = (uniform(2e-4, 1e-2), if number.is_multiple_of(2) { 0.0 } else { uniform(-3000.0, 2.4e6) });
    let mut raw = RawCurve::default();
    for at in 0..count {
        let time = span * f64::from(at) / f64::from(count)
            + if number % 4 == 2 { uniform(0.0, 0.4) * span / f64::from(count) } else { 0.0 };
        if has_gaps && (time / span * 7.0) as u32 % 2 == 1 {
            continue;
        }
        let noise = uniform(-1.0, 1.0) + uniform(-1.0, 1.0) + uniform(-1.0, 1.0);
        let error = if number.is_multiple_of(3) { 5e-4 } else { 5e-4 * uniform(0.6, 2.0) };
        let is_inside = time.rem_euclid(period) < duration;
        raw.time.push(start + time);
        raw.flux.push(1.0 - if is_inside { depth } else { 0.0 } + error * noise);
        raw.error.push(error);
    }
    let n_periods = if number.is_multiple_of(7) { 1500 } else { 400 };
    let search = BoxSearch {
        periods: (0..n_periods).map(|at| 1.0 / (1.0 - 0.85 * (f64::from(at) + 0.37) / f64::from(n_periods))).collect(),
        durations: match number % 4 {
            0 => vec![0.05, 0.1, 0.2],
            1 => vec![0.3],
            2 => vec![0.07, 0.9], // nearly as long as the fold
            _ => vec![0.33, 0.05, 0.15],
        },
        oversample: [10, 3, 1, 7][(number / 5 % 4) as usize],
        objective: if number.is_multiple_of(2) { Objective::Likelihood } else { Objective::Snr },
        weights: if number % 3 == 2 { Weights::Unit } else { Weights::Errors },
    };
    (LightCurve::of(&raw).unwrap(), search)
}

#[test]
fn a_device_finds_the_best_fit_of_the_cores_to_the_last_bit_in_200_light_curves() {
    let Some(device) = device() else { return };
    let searching = DeviceSearch::new(&device).unwrap();
    let (mut n_again, mut n_periods) = (0, 0);
    for number in 0..200 {
        let (curve, search) = case(number);
        let expected = search.run(&curve).unwrap();
        let found = searching.run(&search.prepare(&curve).unwrap(), &search.periods).unwrap();
        let best = best_fit(&expected);
        assert_eq!(best_fit(&found.fits), best, "curve {number}");
        let scale = best.map_or(0.0, |(_, best)| best.power);
        for (fit, expected) in found.fits.iter().zip(&expected) {
            let deviation = (fit.power.max(0.0) - expected.power.max(0.0)).abs();
            assert!(deviation <= BOX_TOLERANCE * scale, "curve {number}: {fit:?} {expected:?}");
        }
        n_again += found.is_fitted_again.iter().filter(|again| **again).count();
        n_periods += found.fits.len();
    }
    assert!(n_again < n_periods / 4, "{n_again} of {n_periods} were fitted again: the device was of no use");
}

#[test]
fn features_are_the_same_on_a_device() {
    let Some(device) = device() else { return };
    let mut searcher = BoxSearcher::anywhere(Ok(device.clone()));
    for number in 0..10 {
        let made = synthetic_curve(number);
        let extraction = Extraction::default();
        let (features, by) = extraction.features_by(&mut searcher, &made.curve, &made.catalogue).unwrap();
        assert_eq!(by.ran, Ran::Gpu { name: device.name().to_owned() });
        let bits = |values: [f64; 27]| values.map(f64::to_bits);
        assert_eq!(bits(features.values), bits(extraction.features(&made.curve, &made.catalogue).unwrap().values));
    }
}

#[test]
fn a_device_that_is_lost_on_the_way_costs_no_light_curve() {
    let Some(device) = device() else { return };
    let mut searcher = BoxSearcher::anywhere(Ok(device.clone()));
    let mut faults = Vec::new();
    for number in 0..4 {
        if number == 2 {
            device.lose();
        }
        let (curve, search) = case(number);
        let searched = searcher.run(&search, &curve).unwrap();
        assert_eq!(best_fit(&searched.fits), best_fit(&search.run(&curve).unwrap()));
        assert_eq!(searched.by.ran == Ran::Cpu, number >= 2);
        faults.push(searched.by.fault);
    }
    assert_eq!((&faults[0], &faults[1], &faults[2]), (&None, &None, &faults[3]));
    assert!(matches!(faults[2], Some(GpuError::Lost { .. })), "{faults:?}");
}

#[test]
fn a_light_curve_that_does_not_fit_is_searched_by_the_cores_and_the_next_one_by_the_device() {
    let small = DeviceSettings { memory_limit: Some(40_000), ..DeviceSettings::default() };
    let Some(device) = device_with(&small) else { return };
    let mut searcher = BoxSearcher::anywhere(Ok(device));
    let ((large, search), (fitting, fitting_search)) = (case(0), case(2));
    let searched = searcher.run(&search, &large).unwrap();
    assert_eq!(searched.fits, search.run(&large).unwrap());
    assert!(matches!(searched.by.fault, Some(GpuError::TooLarge { .. })), "{:?}", searched.by);
    let searched = searcher.run(&fitting_search, &fitting).unwrap();
    assert_eq!(searched.by.fault, None);
    assert_eq!(best_fit(&searched.fits), best_fit(&fitting_search.run(&fitting).unwrap()));
}

#[test]
fn weights_that_differ_too_much_for_whole_numbers_are_searched_by_the_cores() {
    let Some(device) = device() else { return };
    let (curve, search) = case(1);
    let mut raw = RawCurve { time: curve.time().to_vec(), flux: curve.flux().to_vec(), error: curve.error().to_vec() };
    raw.error[7] = 100.0;
    let curve = LightCurve::of(&raw).unwrap();
    let searched = BoxSearcher::anywhere(Ok(device)).run(&search, &curve).unwrap();
    assert_eq!(searched.fits, search.run(&curve).unwrap());
    assert!(matches!(searched.by.fault, Some(GpuError::Input(_))), "{:?}", searched.by);
}

#[test]
fn without_a_device_the_cores_search_and_each_search_says_why() {
    let mut searcher = BoxSearcher::anywhere(Err(GpuError::NotBuilt));
    let (curve, search) = case(1);
    let searched = searcher.run(&search, &curve).unwrap();
    assert_eq!(searched.fits, search.run(&curve).unwrap());
    assert_eq!((searched.by.ran, searched.by.fault), (Ran::Cpu, Some(GpuError::NotBuilt)));
}
