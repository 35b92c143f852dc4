//! Box searches: a light curve of one sector, one of many sectors, and few periods of a long one.

use gpu::{BOX_TOLERANCE, BoxFound, BoxObjective, BoxShape, Device};

use crate::cores::{n_cores, on_threads};
use crate::options::Options;
use crate::rounds;

/// Bins of a box, and how many are wrapped around the fold.
const WIDTH: usize = 10;

pub(crate) fn compare(device: &Device, options: &Options) {
    let search = device.box_search().expect("the kernel compiles");
    for (n_points, span, n_periods) in [(1296, 27.0, 5000), (20_000, 27.0, 2000), (60_000, 1400.0, 500)] {
        let time: Vec<f64> = (0..n_points).map(|at| span * f64::from(at) / f64::from(n_points)).collect();
        let points: Vec<[f64; 2]> = time.iter().map(|time| [flux(*time), 1.0]).collect();
        let periods: Vec<f64> = (0..n_periods).map(|at| 1.0 + 0.003_17 * f64::from(at)).collect();
        let shape = BoxShape {
            time: &time,
            points: &points,
            bin: 0.011,
            durations: &[WIDTH, 2 * WIDTH],
            oversample: WIDTH,
            objective: BoxObjective::Likelihood,
        };
        let on_device = || search.run(&shape, &periods).expect("the light curve fits");
        let on_cores = |threads| on_threads(&periods, threads, |part| objectives(&shape, part));
        require_agreement(&shape, &on_device(), &on_cores(1));
        rounds::compare(
            &format!("{n_periods} periods of {n_points} points"),
            options.rounds,
            vec![
                ("device", Box::new(|| drop(on_device()))),
                ("one core", Box::new(|| drop(on_cores(1)))),
                ("all cores", Box::new(|| drop(on_cores(n_cores())))),
            ],
        );
    }
}

/// A dip of a hundredth for a tenth of a day, in noise.
fn flux(time: f64) -> f64 {
    let dip = if time.rem_euclid(3.21) < 0.1 { -0.01 } else { 0.0 };
    dip + 1e-3 * (12.9898 * time * 1e4).sin()
}

fn require_agreement(shape: &BoxShape<'_>, found: &[BoxFound], expected: &[f64]) {
    let allowed = BOX_TOLERANCE * expected.iter().copied().fold(0.0, f64::max);
    for (found, expected) in found.iter().zip(expected).filter(|(found, _)| !found.is_doubtful) {
        let objective = found.best.and_then(|best| objective(total(shape.points), [best.sum, best.weight]));
        assert!((objective.unwrap_or(0.0) - expected).abs() <= allowed, "{found:?} where the cores have {expected}");
    }
}

/// The best objective at each period, with double precision; folded bins and running sums are made once.
fn objectives(shape: &BoxShape<'_>, periods: &[f64]) -> Vec<f64> {
    let (all, mut bins) = (total(shape.points), Vec::new());
    periods.iter().map(|period| best(shape, all, *period, &mut bins)).collect()
}

fn best(shape: &BoxShape<'_>, all: [f64; 2], period: f64, sums: &mut Vec<[f64; 2]>) -> f64 {
    let whole = (period / shape.bin).ceil() as usize;
    sums.clear();
    sums.resize(whole + shape.oversample + 1, [0.0; 2]);
    for (time, point) in shape.time.iter().zip(shape.points) {
        let bin = &mut sums[1 + ((time - period * (time / period).floor()) / shape.bin) as usize];
        *bin = [bin[0] + point[0], bin[1] + point[1]];
    }
    sums.copy_within(1..=shape.oversample, whole);
    for at in 1..sums.len() {
        sums[at] = [sums[at - 1][0] + sums[at][0], sums[at - 1][1] + sums[at][1]];
    }
    let boxes = shape.durations.iter().flat_map(|&width| sums.iter().zip(&sums[width..]));
    let inside = boxes.map(|(before, last)| [last[0] - before[0], last[1] - before[1]]);
    inside.filter_map(|inside| objective(all, inside)).fold(0.0, f64::max)
}

fn objective(all: [f64; 2], inside: [f64; 2]) -> Option<f64> {
    let outside = [all[0] - inside[0], all[1] - inside[1]];
    if inside[1] < f64::EPSILON || outside[1] < f64::EPSILON {
        return None;
    }
    let depth = outside[0] / outside[1] - inside[0] / inside[1];
    (depth >= 0.0).then_some(0.5 * inside[1] * depth * depth)
}

fn total(points: &[[f64; 2]]) -> [f64; 2] {
    points.iter().fold([0.0; 2], |sum, point| [sum[0] + point[0], sum[1] + point[1]])
}
