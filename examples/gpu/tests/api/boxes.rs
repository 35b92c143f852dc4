//! Box searches beside a plain search with double precision.

use gpu::{BOX_TOLERANCE, BoxFound, BoxObjective, BoxShape, Device, DeviceSettings, FoundBox, GpuError};
use manyhands_test_support::rng::Rng;

use crate::shared::{device, device_with};

/// A light curve with a dip, since its first point.
struct Curve {
    time: Vec<f64>,
    points: Vec<[f64; 2]>,
}

impl Curve {
    fn made(name: &str, count: usize, span: f64) -> Self {
        let mut rng = Rng::for_test(name);
        let mut time: Vec<f64> = (0..count).map(|_| span * rng.fraction()).collect();
        time.sort_unstable_by(f64::total_cmp);
        time[0] = 0.0;
        let points = time.iter().map(|time| {
            let weight = 1.0 + 3.0 * rng.fraction();
            let dip = if time.rem_euclid(3.21) < 0.2 { -3.0 } else { 0.0 };
            [(dip + rng.fraction() - 0.5) * weight, weight]
        });
        Self { points: points.collect(), time }
    }

    fn shape<'c>(&'c self, durations: &'c [usize], oversample: usize, objective: BoxObjective) -> BoxShape<'c> {
        BoxShape { time: &self.time, points: &self.points, bin: 0.021, durations, oversample, objective }
    }
}

fn periods(count: u32) -> Vec<f64> {
    (0..count).map(|at| 1.0 + 0.017_3 * f64::from(at)).collect()
}

/// The objective of a box with these sums.
fn objective(shape: &BoxShape<'_>, sum: f64, weight: f64) -> Option<f64> {
    let all = shape.points.iter().fold([0.0; 2], |all, point| [all[0] + point[0], all[1] + point[1]]);
    let outside = all[1] - weight;
    if weight < f64::EPSILON || outside < 1e-9 {
        return None;
    }
    let depth = (all[0] - sum) / outside - sum / weight;
    (depth >= 0.0).then(|| match shape.objective {
        BoxObjective::Likelihood => 0.5 * weight * depth * depth,
        BoxObjective::Snr => depth / (1.0 / weight + 1.0 / outside).sqrt(),
    })
}

/// The best objective at a period; nothing is left out, and each box is added up by itself.
fn plain(shape: &BoxShape<'_>, period: f64) -> f64 {
    let whole = (period / shape.bin).ceil() as usize;
    let mut bins = vec![[0.0; 2]; whole + shape.oversample];
    for (time, point) in shape.time.iter().zip(shape.points) {
        let bin = &mut bins[((time - period * (time / period).floor()) / shape.bin) as usize];
        *bin = [bin[0] + point[0], bin[1] + point[1]];
    }
    for at in 0..shape.oversample {
        bins[whole + at - 1] = bins[at];
    }
    let mut best = 0.0_f64;
    for &width in shape.durations {
        for inside in bins.windows(width) {
            let sums = inside.iter().fold([0.0; 2], |sums, bin| [sums[0] + bin[0], sums[1] + bin[1]]);
            best = objective(shape, sums[0], sums[1]).map_or(best, |found| best.max(found));
        }
    }
    best
}

fn found_objective(shape: &BoxShape<'_>, found: &BoxFound) -> f64 {
    found.best.and_then(|FoundBox { sum, weight, .. }| objective(shape, sum, weight)).unwrap_or(0.0)
}

#[test]
fn a_device_finds_the_boxes_of_a_plain_search() {
    let Some(device) = device() else { return };
    let search = device.box_search().unwrap();
    let cases: [(&str, usize, f64, &[usize], usize, BoxObjective); 5] = [
        ("usual", 900, 27.0, &[10, 14], 10, BoxObjective::Likelihood),
        ("few points", 12, 27.0, &[5, 2], 2, BoxObjective::Snr),
        ("one wrapped bin", 400, 90.0, &[1, 9], 1, BoxObjective::Likelihood),
        ("boxes nearly as long as the fold", 300, 27.0, &[10, 46], 10, BoxObjective::Snr),
        ("many cycles", 2000, 1400.0, &[10], 10, BoxObjective::Likelihood),
    ];
    for (name, count, span, durations, oversample, objective) in cases {
        let curve = Curve::made(name, count, span);
        let shape = curve.shape(durations, oversample, objective);
        let periods = periods(200);
        let found = search.run(&shape, &periods).unwrap();
        let expected: Vec<f64> = periods.iter().map(|&period| plain(&shape, period)).collect();
        let tolerance = BOX_TOLERANCE * expected.iter().copied().fold(0.0, f64::max);
        let mut n_doubtful = 0;
        for ((found, expected), period) in found.iter().zip(expected).zip(&periods) {
            n_doubtful += usize::from(found.is_doubtful);
            let of_device = found_objective(&shape, found);
            assert!(
                found.is_doubtful || (of_device - expected).abs() <= tolerance,
                "{name} at {period}: {of_device} instead of {expected}"
            );
        }
        assert!(n_doubtful < 100, "{name}: {n_doubtful} of 200 periods are doubtful");
        assert_eq!(search.run(&shape, &periods).unwrap(), found, "{name}: another run found something else");
    }
}

#[test]
fn little_memory_takes_more_batches_and_finds_the_same() {
    let Some(plenty) = device() else { return };
    let curve = Curve::made("batches", 500, 27.0);
    let shape = curve.shape(&[10], 10, BoxObjective::Likelihood);
    let expected = plenty.box_search().unwrap().run(&shape, &periods(300)).unwrap();
    let settings = DeviceSettings { memory_limit: Some(60_000), ..DeviceSettings::default() };
    let little = Device::find_with(&settings).unwrap();
    assert_eq!(little.box_search().unwrap().run(&shape, &periods(300)), Ok(expected));
}

#[test]
fn a_light_curve_that_does_not_fit_is_refused_and_a_smaller_one_is_not() {
    let settings = DeviceSettings { memory_limit: Some(30_000), ..DeviceSettings::default() };
    let Some(device) = device_with(&settings) else { return };
    let search = device.box_search().unwrap();
    let (large, small) = (Curve::made("large", 5000, 27.0), Curve::made("small", 50, 27.0));
    let refused = search.run(&large.shape(&[10], 10, BoxObjective::Snr), &periods(9));
    assert!(matches!(refused, Err(GpuError::TooLarge { .. })), "{refused:?}");
    assert_eq!(search.run(&small.shape(&[10], 10, BoxObjective::Snr), &periods(9)).unwrap().len(), 9);
}

#[test]
fn a_lost_device_is_an_error() {
    let Some(device) = device() else { return };
    let search = device.box_search().unwrap();
    let curve = Curve::made("lost", 100, 27.0);
    let shape = curve.shape(&[10], 10, BoxObjective::Likelihood);
    assert!(search.run(&shape, &periods(3)).is_ok());
    device.lose();
    assert!(matches!(search.run(&shape, &periods(3)), Err(GpuError::Lost { .. })));
    assert!(matches!(device.box_search(), Err(GpuError::Lost { .. })));
}

#[test]
fn periods_whose_points_lie_on_edges_of_bins_are_doubtful_and_others_are_not() {
    let Some(device) = device() else { return };
    let time: Vec<f64> = (0..1000).map(|at| f64::from(at) * 0.02).collect();
    let points: Vec<[f64; 2]> = (0..1000).map(|at| [f64::from(at % 7) - 3.0, 1.0]).collect();
    let shape = BoxShape {
        time: &time,
        points: &points,
        bin: 0.01,
        durations: &[10],
        oversample: 10,
        objective: BoxObjective::Likelihood,
    };
    let found = device.box_search().unwrap().run(&shape, &[1.5, 2.0, 1.503_1, 30.0]).unwrap();
    let doubts: Vec<bool> = found.iter().map(|found| found.is_doubtful).collect();
    // The last one is longer than the light curve, which is not folded at all.
    assert_eq!(doubts, [true, true, false, false]);
}

#[test]
fn the_first_of_equally_good_boxes_is_found_and_a_box_of_all_points_is_doubtful() {
    let Some(device) = device() else { return };
    let curve = Curve { time: vec![0.0, 0.5, 1.1], points: vec![[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]] };
    // Boxes as short as a bin around the one point that is high: all others are dips of equal depth.
    let found = device.box_search().unwrap().run(&curve.shape(&[1], 1, BoxObjective::Snr), &[1.7]).unwrap();
    let best = found[0].best.unwrap();
    assert_eq!((best.first, best.sum, best.weight), (0, 0.0, 1.0), "the first of equally good boxes");
    let flat = Curve { time: vec![0.0, 0.5], points: vec![[1.0, 1.0], [1.0, 1.0]] };
    let found = device.box_search().unwrap().run(&flat.shape(&[40], 1, BoxObjective::Snr), &[1.7]).unwrap();
    assert!(found[0].is_doubtful, "a box that holds all points is judged by the rounding of double precision");
}
