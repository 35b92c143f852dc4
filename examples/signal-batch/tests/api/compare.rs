//! The comparison of two samples: symmetry, known answers, and the cases at the edges.

use manyhands_test_support::property;
use proptest::prelude::*;
use signal_batch::stats::{Comparison, compare};

fn sample() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(-10.0..10.0_f64, 0..40),
        prop::collection::vec((-3..4_i32).prop_map(f64::from), 0..40),
        prop::collection::vec(prop_oneof![Just(f64::NAN), 1e9..1.000_001e9_f64], 0..40),
    ]
}

fn close(found: Option<f64>, expected: Option<f64>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-12 * expected.abs() || found == expected,
        (None, None) => true,
        _ => false,
    }
}

fn p_values(compared: &Comparison) -> [Option<f64>; 3] {
    [
        compared.welch.map(|welch| welch.p),
        compared.mann_whitney.map(|test| test.p),
        compared.ks.map(|test| test.p_limit),
    ]
}

proptest! {
    #![proptest_config(property::config(300))]

    #[test]
    fn exchanging_the_samples_changes_signs_and_no_probability(a in sample(), b in sample()) {
        let (one, other) = (compare(&a, &b), compare(&b, &a));
        prop_assert!(p_values(&one).into_iter().zip(p_values(&other)).all(|(one, other)| close(one, other)));
        for (one, other) in [
            (one.welch.map(|welch| welch.t), other.welch.map(|welch| welch.t)),
            (one.cohen_d, other.cohen_d),
            (one.hedges_g, other.hedges_g),
            (one.cliffs_delta, other.cliffs_delta),
            (one.welch.map(|welch| welch.ci95.0), other.welch.map(|welch| welch.ci95.1)),
        ] {
            prop_assert!(close(one, other.map(|value| -value)), "{:?} and {:?}", one, other);
        }
        if let (Some(one_u), Some(other_u)) = (one.mann_whitney, other.mann_whitney) {
            prop_assert_eq!(one_u.u_b + other_u.u_b, (one.n_a * one.n_b) as f64, "every pair counts once");
        }
    }

    #[test]
    fn probabilities_are_from_0_to_1_and_the_interval_has_the_difference(a in sample(), b in sample()) {
        let compared = compare(&a, &b);
        prop_assert!(p_values(&compared).into_iter().flatten().all(|p| (0.0..=1.0).contains(&p)), "{:?}", compared);
        if let Some(welch) = compared.welch {
            prop_assert!(welch.ci95.0 <= compared.mean_diff && compared.mean_diff <= welch.ci95.1);
            let rules_out_zero = welch.ci95.0 > 0.0 || welch.ci95.1 < 0.0;
            prop_assert!(rules_out_zero == (welch.p < 0.05) || (welch.p - 0.05).abs() < 1e-9, "{welch:?}");
        }
    }

    #[test]
    fn scale_and_order_change_no_test(a in sample(), b in sample(), exponent in -900..900_i32) {
        let changed = |values: &[f64]| -> Vec<f64> { values.iter().rev().map(|value| value * 2f64.powi(exponent)).collect() };
        let (one, other) = (compare(&a, &b), compare(&changed(&a), &changed(&b)));
        prop_assert!(p_values(&one).into_iter().zip(p_values(&other)).all(|(one, other)| close(one, other)), "{:?} {:?}", one, other);
        prop_assert!(close(one.cohen_d, other.cohen_d) && close(one.mean_ratio, other.mean_ratio));
    }

    #[test]
    fn nothing_panics_whatever_the_numbers(a in prop::collection::vec(any::<f64>(), 0..12), b in prop::collection::vec(any::<f64>(), 0..12)) {
        let compared = compare(&a, &b);
        prop_assert_eq!(compared.ks.is_some(), compared.n_a > 0 && compared.n_b > 0);
    }
}

#[test]
fn samples_that_cannot_be_compared_say_so() {
    let none = compare(&[], &[1.0, 2.0]);
    assert!(none.mean_a.is_nan() && none.welch.is_none() && none.mann_whitney.is_none() && none.ks.is_none());
    assert!(none.mean_ratio.is_none() && none.cliffs_delta.is_none());
    let constants = compare(&[1.0; 3], &[2.0; 3]);
    assert!(constants.welch.is_none() && constants.cohen_d.is_none(), "no side varies");
    assert_eq!((constants.cliffs_delta, constants.mean_ratio), (Some(1.0), Some(2.0)));
    assert_eq!(compare(&[5.0; 4], &[5.0; 3]).mann_whitney.unwrap().p, 1.0, "all are tied");
    assert_eq!(compare(&[1.0, -1.0], &[1.0, 2.0]).mean_ratio, None, "the mean of a is zero");
    let infinite = compare(&[1.0, f64::INFINITY], &[1.0, 2.0]);
    assert!(infinite.welch.is_none() && infinite.mann_whitney.is_some());
}

#[test]
fn far_tails_keep_their_digits() {
    // The hypergeometric form of Student's integral with 50 digits, and scipy 1.17.1: mannwhitneyu(b, a, method="asymptotic").
    let (t, p, ranks_p) = (48.928_672_193_239_79, 1.951_380_725_109_895_6e-242, 2.445_433_067_647_667_4e-132);
    let a: Vec<f64> = (0..400).map(f64::from).collect();
    let b: Vec<f64> = (0..400).map(|idx| f64::from(idx) + 400.0).collect();
    let compared = compare(&a, &b);
    let welch = compared.welch.unwrap();
    assert!(close(Some(welch.t), Some(t)) && (welch.p / p - 1.0).abs() < 1e-12, "{welch:?}");
    let ranks = compared.mann_whitney.unwrap();
    assert!((ranks.p / ranks_p - 1.0).abs() < 1e-9, "{ranks:?}");
    // The first term of its series alone: 2 exp(-2 n / 2), with d = 1.
    let gap = compared.ks.unwrap();
    assert!(gap.d == 1.0 && (gap.p_limit / (2.0 * (-400.0_f64).exp()) - 1.0).abs() < 1e-12);
}
