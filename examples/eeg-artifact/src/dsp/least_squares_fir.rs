//! A high-pass filter by least squares: of all filters of its length, the one with the smallest squared error over stop and pass band.
//!
//! Promises: the taps of `scipy.signal.firls` for the same bands, to about 1e-14, in a time that grows only slightly faster than their
//! number. Choosing bands and length is left to the step.
//!
//! The best taps h solve R h = p: R holds the integrals of cos(pi f (i - j)) over both bands, p those of cos(pi f (i - middle)) over the
//! pass band. R is a Toeplitz matrix close to the identity, since the bands cover all but the narrow transition. So conjugate gradients
//! reach it in a few steps, and each is a convolution.

use super::convolve::Convolver;
use super::fir::sinc;

/// Where conjugate gradients end: the norm of what is left, over that of p.
const ENOUGH: f64 = 1e-16;

/// Steps after which they end in any case; for a transition of less than 0.2 of the cutoff, about 10 are taken.
const MOST_STEPS: usize = 100;

/// An odd number of symmetric taps, at least 1. `stop` ends the stop band and `pass` begins the pass band, both as shares of half the rate,
/// with 0 < stop < pass < 1; both bands have the same weight. `n_taps` times pass - stop must not be much above 1: beyond, the gain in
/// between is so free that many filters are equally good.
pub(crate) fn design_least_squares_highpass(n_taps: usize, stop: f64, pass: f64) -> Vec<f64> {
    let middle = (n_taps / 2) as f64;
    let in_pass_band = |lag: f64| f64::from(u8::from(lag == 0.0)) - pass * sinc(pass * lag);
    let in_both = |lag: f64| in_pass_band(lag) + stop * sinc(stop * lag);
    let n_side = n_taps - 1;
    let kernel: Vec<f64> = (0..2 * n_side + 1).map(|idx| in_both(idx as f64 - n_side as f64)).collect();
    let wanted: Vec<f64> = (0..n_taps).map(|tap| in_pass_band(tap as f64 - middle)).collect();
    let mut convolver = Convolver::new(&kernel, n_taps);
    let zeros = vec![0.0; n_side];
    let taps = conjugate_gradients(|values| convolver.run(values, &zeros, &zeros), wanted);
    (0..n_taps).map(|tap| f64::midpoint(taps[tap], taps[n_taps - 1 - tap])).collect()
}

/// Solves R h = wanted, where `multiply` replaces a vector by R times it.
fn conjugate_gradients(mut multiply: impl FnMut(&mut [f64]), wanted: Vec<f64>) -> Vec<f64> {
    let mut found = vec![0.0; wanted.len()];
    let mut rest = wanted;
    let mut direction = rest.clone();
    let mut product = vec![0.0; rest.len()];
    let mut rest_squared = dot(&rest, &rest);
    let enough = rest_squared * ENOUGH * ENOUGH;
    for _ in 0..MOST_STEPS {
        if rest_squared <= enough {
            break;
        }
        product.copy_from_slice(&direction);
        multiply(&mut product);
        let step = rest_squared / dot(&direction, &product);
        add_scaled(&mut found, step, &direction);
        add_scaled(&mut rest, -step, &product);
        let before = std::mem::replace(&mut rest_squared, dot(&rest, &rest));
        let share = rest_squared / before;
        direction.iter_mut().zip(&rest).for_each(|(direction, rest)| *direction = rest + share * *direction);
    }
    found
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(to: &mut [f64], factor: f64, values: &[f64]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to += factor * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected as scipy 1.17.1 gives them: `firls(n, [0, stop, pass, 1], [0, 0, 1, 1], fs=2)`.
    #[test]
    fn the_taps_are_those_of_scipy() {
        for (n_taps, stop, pass, picked) in PICKED {
            let taps = design_least_squares_highpass(n_taps, stop, pass);
            assert_eq!(taps.len(), n_taps);
            for (tap, expected) in picked {
                assert!((taps[tap] - expected).abs() < 1e-14, "{n_taps} taps, {tap}: {} {expected}", taps[tap]);
            }
        }
    }

    type Picked = (usize, f64, f64, [(usize, f64); 3]);

    const PICKED: [Picked; 6] = [
        (1, 0.1, 0.2, [(0, 0.888_888_888_888_889), (0, 0.888_888_888_888_889), (0, 0.888_888_888_888_889)]),
        (3, 0.3, 0.5, [(0, -0.297_534_461_000_938_55), (1, 0.579_780_877_165_871_2), (1, 0.579_780_877_165_871_2)]),
        (
            353,
            0.0068,
            0.008,
            [(0, 0.001_407_731_493_436_795_5), (117, -0.005_262_172_650_993_779), (176, 0.992_587_848_876_492_5)],
        ),
        (15, 0.17, 0.2, [(0, 0.035_228_235_454_164_376), (5, -0.145_880_900_348_413_06), (7, 0.814_052_019_465_832_9)]),
        (
            1001,
            0.0024,
            0.0028,
            [(0, 0.000_494_786_418_777_320_9), (333, -0.001_857_120_066_012_418_5), (500, 0.997_396_492_324_477)],
        ),
        (
            2823,
            0.00085,
            0.001,
            [(0, 0.000_176_616_966_473_381_97), (941, -0.000_659_818_297_762_293_8), (1411, 0.999_073_500_854_824_5)],
        ),
    ];
}
