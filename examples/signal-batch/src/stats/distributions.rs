//! Tail probabilities of the normal, Student and Kolmogorov distributions, to 1e-12 relatively, far into the tails.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// From here on the series for the ratio of gamma functions is exact.
const ASYMPTOTIC_FROM: f64 = 40.0;
/// A continued fraction that has not settled by then has done so as far as it will: it takes some multiple of √a steps.
const MAX_STEPS: usize = 1_000_000;

/// The probability that a normal variable is further from its mean than `z` deviations, on either side.
///
/// The complementary error function of `libm`, at `|z| / √2`.
pub(super) fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The probability that a Student variable with `df` degrees of freedom is further from 0 than `t`, on either side: the regularised incomplete
/// beta function at `df / (df + t²)` with `a = df / 2` and `b = 1 / 2` (NIST Digital Library of Mathematical Functions, 8.17).
pub(super) fn student_two_sided(t: f64, df: f64) -> f64 {
    let square = t * t;
    if square.is_nan() || df.is_nan() || square == 0.0 {
        return if square == 0.0 { 1.0 } else { f64::NAN };
    }
    let (ratio, a, b) = (square / df, df / 2.0, 0.5);
    if ratio.is_infinite() {
        // (df / t²)^a / (a B(a, b)): all further terms are far below the last digit.
        return (-a * (2.0 * t.abs().ln() - df.ln())).exp() * beta_factor(a) / a;
    }
    // x^a (1 - x)^b / B(a, b) with x = 1 / (1 + ratio).
    let (x, mirrored) = (1.0 / (1.0 + ratio), ratio / (1.0 + ratio));
    let front = (-a * ratio.ln_1p()).exp() * mirrored.sqrt() * beta_factor(a);
    // The fraction settles fast below the mean of the beta distribution, and from its mirror image above it.
    if ratio * (a + 1.0) > b + 1.0 {
        front / (a * beta_fraction(a, b, x))
    } else {
        1.0 - front / (b * beta_fraction(b, a, mirrored))
    }
}

/// The value that a Student variable with `df` degrees of freedom exceeds, on either side, with probability `p`, by Newton's method.
///
/// From below the root, where the probability is convex, every step stays below it: so it ends when a step no longer rises.
pub(super) fn student_two_sided_quantile(p: f64, df: f64) -> f64 {
    let mut t = 0.0;
    for _ in 0..200 {
        let next = t + (student_two_sided(t, df) - p) / (2.0 * student_density(t, df));
        let has_settled = (next - t).abs() <= 2.0 * f64::EPSILON * next;
        t = next;
        if has_settled {
            break;
        }
    }
    t
}

/// The density of Student's distribution.
fn student_density(t: f64, df: f64) -> f64 {
    beta_factor(df / 2.0) / df.sqrt() * (-(df + 1.0) / 2.0 * (t * t / df).ln_1p()).exp()
}

/// `1 / B(a, 1/2)`, which is `Γ(a + 1/2) / (Γ(a) √π)`.
///
/// The ratio of gamma functions by its series in 1/a (NIST Digital Library of Mathematical Functions, 5.11.13), after `Γ(a + 1) = a Γ(a)` has led there.
fn beta_factor(a: f64) -> f64 {
    let (mut factor, mut a) = (1.0, a);
    while a < ASYMPTOTIC_FROM {
        factor *= a / (a + 0.5);
        a += 1.0;
    }
    let r = 1.0 / a;
    let series = 1.0
        + r * (-1.0 / 8.0
            + r * (1.0 / 128.0
                + r * (5.0 / 1024.0 + r * (-21.0 / 32768.0 + r * (-399.0 / 262_144.0 + r * 869.0 / 4_194_304.0)))));
    factor * a.sqrt() * series / PI.sqrt()
}

/// The continued fraction of the incomplete beta function, by the method of Lentz as J. Thompson and A. R. Barnett amended it (J. Comput. Phys. 64,
/// 1986); the fraction is 8.17.22 of the NIST Digital Library of Mathematical Functions.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let at_least_tiny = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut value, mut upper, mut lower) = (1.0, 1.0, 0.0);
    for step in 0..MAX_STEPS {
        let m = (step / 2) as f64;
        let numerator = match step % 2 {
            0 => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
            _ => (m + 1.0) * (b - m - 1.0) * x / ((a + 2.0 * m + 1.0) * (a + 2.0 * m + 2.0)),
        };
        lower = 1.0 / at_least_tiny(1.0 + numerator * lower);
        upper = at_least_tiny(1.0 + numerator / upper);
        let change = upper * lower;
        value *= change;
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

/// The probability that √n times the largest gap of two distribution functions exceeds x, for many values: `2 Σ (-1)^(k-1) exp(-2 k² x²)`, and for
/// small x, where that settles slowly, `1 - √(2π)/x Σ exp(-(2k - 1)² π² / (8 x²))`.
///
/// Source: A. N. Kolmogorov (1933); both forms in W. Feller, Ann. Math. Statist. 19 (1948).
pub(super) fn kolmogorov(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        let term = |k: i32| (-f64::from((2 * k - 1).pow(2)) * PI * PI / (8.0 * x * x)).exp();
        return 1.0 - (2.0 * PI).sqrt() / x * (1..5).map(term).sum::<f64>();
    }
    let term = |k: i32| f64::from(1 - 2 * ((k - 1) % 2)) * (-2.0 * f64::from(k * k) * x * x).exp();
    2.0 * (1..6).map(term).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found:e}, not {expected:e}");
    }

    #[test]
    fn student_with_one_and_two_degrees_is_elementary() {
        for t in [1e-9, 0.01, 0.5, 1.0, 1.7, 3.0, 40.0, 1e8, 1e30, 1e160] {
            assert_near(student_two_sided(t, 1.0), (1.0 / t).atan() * 2.0 / PI);
            let root = (2.0 + t * t).sqrt();
            let expected = if t < 1e80 { 2.0 / (root * (root + t)) } else { 1.0 / t / t };
            assert_near(student_two_sided(t, 2.0), expected);
        }
        assert_near(student_two_sided_quantile(0.05, 1.0), (0.475 * PI).tan());
        // t = (1 - p) √(2 / (p (2 - p)))
        assert_near(student_two_sided_quantile(0.05, 2.0), 0.95 * (2.0 / (0.05 * 1.95_f64)).sqrt());
    }

    #[test]
    fn student_with_any_degrees_is_the_integral_to_many_digits() {
        // The hypergeometric form of the integral, with 60 digits.
        for (t, df, expected) in [
            (1.0, 5.0, 0.363_217_467_649_122_6),
            (3.0, 7.96, 0.017_169_847_360_034_89),
            (0.308_017_790_669_502_8, 7.959_987_553_169_697_5, 0.765_974_628_382_816_7),
            (10.0, 1e5, 1.563_301_530_020_728e-23),
            (30.0, 199.5, 7.153_259_741_533_61e-76),
            (37.0, 1e5, 1.197_462_824_342_466e-297),
            (1e-3, 50.0, 0.999_206_094_775_501_7),
            (1.7, 2000.25, 0.089_286_389_784_452_53),
            (1.8, 2000.25, 0.072_011_263_190_462_79),
            (36.0, 1e7, 8.724_520_769_142_929e-284),
            (5.0, 1.5, 0.065_375_767_621_156_24),
        ] {
            assert_near(student_two_sided(t, df), expected);
        }
    }

    #[test]
    fn the_normal_tail_reaches_as_far_as_numbers_do() {
        for (z, expected) in [
            (1.0, 0.317_310_507_862_914_1),
            (3.0, 2.699_796_063_260_189e-3),
            (8.0, 1.244_192_114_854_356_8e-15),
            (20.0, 5.507_248_237_212_467e-89),
        ] {
            assert_near(normal_two_sided(z), expected);
            assert_near(normal_two_sided(-z), expected);
        }
    }

    #[test]
    fn both_series_of_kolmogorov_meet() {
        let both = [1.0 - 1e-15, 1.0].map(kolmogorov);
        assert_near(both[0], both[1]);
        assert_eq!((kolmogorov(0.0), kolmogorov(0.03)), (1.0, 1.0));
        assert_near(kolmogorov(10.0), 2.0 * (-200.0_f64).exp());
    }
}
