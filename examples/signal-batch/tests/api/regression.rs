//! Comparison of batches: what moved is named, what did not is not, and nothing is passed over in silence.

use manyhands_test_support::property;
use manyhands_test_support::rng::Rng;
use proptest::prelude::*;
use signal_batch::limits::{MaxChange, Worse};
use signal_batch::regression::{
    Baseline, ChangeLimit, Comparisons, Correction, RegressionSettings, Test, Verdict, compare_groups, compare_tables,
};
use signal_batch::{NumberColumn, Table, TextColumn};

const NAN: f64 = f64::NAN;

/// About a standard normal number: the sum of twelve uniform ones, less six.
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.fraction()).sum::<f64>() - 6.0
}

/// So many metrics of so many rows around 10, each with deviation 1; those in `moved` are shifted.
pub(crate) fn batch(rng: &mut Rng, n_metrics: usize, n_rows: usize, moved: &[(usize, f64)]) -> Table {
    let column = |metric: usize| {
        let shift: f64 = moved.iter().filter(|(one, _)| *one == metric).map(|(_, shift)| shift).sum();
        let values = (0..n_rows).map(|_| 10.0 + shift + normal(rng)).collect();
        NumberColumn { name: format!("metric_{metric:02}"), values }
    };
    let numbers = (0..n_metrics).map(column).collect();
    Table::new(Vec::new(), numbers).unwrap()
}

fn one(values: &[f64]) -> Table {
    Table::new(Vec::new(), vec![NumberColumn { name: "rms".into(), values: values.to_vec() }]).unwrap()
}

fn settings(test: Test) -> RegressionSettings {
    RegressionSettings { test, ..RegressionSettings::default() }
}

fn compared(a: &[f64], b: &[f64], test: Test) -> Comparisons {
    compare_tables(&one(a), &one(b), &settings(test)).unwrap()
}

fn verdict(a: &[f64], b: &[f64], limit: ChangeLimit) -> Verdict {
    let limits = [("rms".to_owned(), limit)].into();
    let settings = RegressionSettings { limits, ..RegressionSettings::default() };
    compare_tables(&one(a), &one(b), &settings).unwrap().metrics[0].verdict
}

fn moved(comparisons: &Comparisons) -> Vec<&str> {
    comparisons.regressions().map(|one| one.metric.as_str()).collect()
}

/// Twenty values around a mean.
fn around(mean: f64) -> Vec<f64> {
    (0..20).map(|idx| mean + 0.1 * f64::from(idx % 5 - 2)).collect()
}

#[test]
fn of_twenty_metrics_exactly_the_three_that_moved_are_named_by_every_test() {
    let mut rng = Rng::new(7);
    let a = batch(&mut rng, 20, 60, &[]);
    let b = batch(&mut rng, 20, 60, &[(3, 2.0), (11, -2.0), (17, 2.5)]);
    for test in [Test::Welch, Test::MannWhitney, Test::Ks] {
        let comparisons = compare_tables(&a, &b, &settings(test)).unwrap();
        assert_eq!(moved(&comparisons), ["metric_03", "metric_11", "metric_17"], "{test}");
        let down = &comparisons.metrics[11];
        assert!(down.comparison.mean_diff < -1.0 && down.change_percent.unwrap() < -10.0, "{down:?}");
    }
}

#[test]
fn false_alarms_among_all_metrics_are_as_rare_as_the_level_says_and_would_not_be_without_a_correction() {
    const REPETITIONS: usize = 200;
    let mut rng = Rng::for_test("false alarms");
    let mut alarms = [0, 0];
    for _ in 0..REPETITIONS {
        let (a, b) = (batch(&mut rng, 20, 25, &[]), batch(&mut rng, 20, 25, &[]));
        for (at, correction) in [Correction::Holm, Correction::None].into_iter().enumerate() {
            let settings = RegressionSettings { correction, alpha: 0.05, ..RegressionSettings::default() };
            alarms[at] += usize::from(compare_tables(&a, &b, &settings).unwrap().regressions().next().is_some());
        }
    }
    // At most 10 are expected with a deviation of 3, so 28 is six deviations away; without a correction 128 are expected.
    assert!(alarms[0] <= 28, "{} of {REPETITIONS}", alarms[0]);
    assert!(alarms[1] >= 90, "{} of {REPETITIONS}: the test would notice nothing", alarms[1]);
}

proptest! {
    #![proptest_config(property::config(60))]

    #[test]
    fn a_correction_never_names_more_than_none_does(
        columns in prop::collection::vec((prop::collection::vec(-3.0..3.0_f64, 2..12), prop::collection::vec(-3.0..3.0_f64, 2..12)), 1..8),
        alpha in 0.001..0.5_f64,
    ) {
        let table = |pick: &dyn Fn(&(Vec<f64>, Vec<f64>)) -> Vec<f64>| {
            let padded = |values: Vec<f64>| values.into_iter().chain(std::iter::repeat(NAN)).take(12).collect();
            let column = |(at, both)| NumberColumn { name: format!("m{at}"), values: padded(pick(both)) };
            Table::new(Vec::new(), columns.iter().enumerate().map(column).collect()).unwrap()
        };
        let (a, b) = (table(&|both| both.0.clone()), table(&|both| both.1.clone()));
        for test in [Test::Welch, Test::MannWhitney, Test::Ks] {
            let of = |correction| {
                let settings = RegressionSettings { test, correction, alpha, ..RegressionSettings::default() };
                compare_tables(&a, &b, &settings).unwrap()
            };
            let (none, bh, holm) = (of(Correction::None), of(Correction::Bh), of(Correction::Holm));
            prop_assert!(moved(&bh).iter().all(|name| moved(&none).contains(name)));
            prop_assert!(moved(&holm).iter().all(|name| moved(&bh).contains(name)));
        }
    }

    #[test]
    fn a_and_b_in_each_others_place_turn_the_change_around_and_keep_the_verdict(
        a in prop::collection::vec(-3.0..3.0_f64, 3..30),
        b in prop::collection::vec(-1.0..5.0_f64, 3..30),
    ) {
        for test in [Test::Welch, Test::MannWhitney, Test::Ks] {
            let (there, back) = (compared(&a, &b, test), compared(&b, &a, test));
            let (there, back) = (&there.metrics[0], &back.metrics[0]);
            prop_assert_eq!(there.comparison.mean_diff, -back.comparison.mean_diff);
            prop_assert!(there.p == back.p || (there.p.unwrap() / back.p.unwrap() - 1.0).abs() < 1e-9);
            prop_assert_eq!(there.verdict, back.verdict);
        }
    }
}

#[test]
fn constants_that_differ_have_moved_for_certain_and_like_ones_have_not() {
    let differing = compared(&[5.0; 4], &[5.0 + 1e-12; 4], Test::Welch);
    assert_eq!((differing.metrics[0].p, differing.metrics[0].verdict), (Some(0.0), Verdict::Moved));
    let alike = compared(&[5.0; 4], &[5.0; 3], Test::Welch);
    assert_eq!((alike.metrics[0].p, alike.metrics[0].verdict), (Some(1.0), Verdict::Unchanged));
}

#[test]
fn a_limit_bears_a_change_as_large_as_itself_and_an_improvement_of_any_size() {
    let (a, b) = (around(100.0), around(102.0));
    let of = |max_change, worse| ChangeLimit { max_change, worse };
    assert_eq!(verdict(&a, &b, ChangeLimit::default()), Verdict::Moved);
    assert_eq!(verdict(&a, &b, of(Some(MaxChange::Percent(2.5)), Worse::Either)), Verdict::WithinLimit);
    assert_eq!(verdict(&a, &b, of(Some(MaxChange::Percent(1.5)), Worse::Either)), Verdict::Moved);
    assert_eq!(verdict(&a, &b, of(Some(MaxChange::Absolute(1.5)), Worse::Lower)), Verdict::Improved);
    assert_eq!(verdict(&a, &b, of(Some(MaxChange::Absolute(2.5)), Worse::Higher)), Verdict::WithinLimit);
    assert_eq!(verdict(&b, &a, of(Some(MaxChange::Absolute(1.5)), Worse::Lower)), Verdict::Moved);
    assert_eq!(verdict(&a, &a, of(Some(MaxChange::Absolute(0.0)), Worse::Either)), Verdict::Unchanged);
    assert_eq!(verdict(&[4.0; 5], &[6.0; 5], of(Some(MaxChange::Absolute(2.0)), Worse::Either)), Verdict::WithinLimit);
    assert_eq!(verdict(&[0.0; 5], &[1e-9; 5], of(Some(MaxChange::Percent(50.0)), Worse::Either)), Verdict::Moved);
}

#[test]
fn what_cannot_be_tested_is_named_with_its_reason() {
    let reason = |a: &[f64], b: &[f64], test| {
        let comparisons = compared(a, b, test);
        assert_eq!(comparisons.metrics[0].verdict, Verdict::NotTested);
        assert_eq!(comparisons.untested().count(), usize::from(!a.is_empty()));
        comparisons.metrics[0].reason.clone()
    };
    let many = around(1.0);
    assert!(reason(&[1.0, NAN], &many[..2], Test::Welch).contains("1 and 2 values; 2 and 2 are needed"));
    assert!(reason(&[], &[], Test::Ks).contains("0 and 0 values"));
    assert!(reason(&many[..2], &[f64::INFINITY, 1.0], Test::Welch).contains("infinite"));
    let few = reason(&[1.0, 2.0, 3.0], &[7.0, 8.0, 9.0], Test::MannWhitney);
    assert!(few.contains("3 and 3 values cannot give a p below") && few.contains("Welch"), "{few}");
}

#[test]
fn metrics_of_one_side_rates_and_units_that_differ_are_said() {
    let table = |unit: &str, rate: f64, name: &str| {
        let column = |name: &str, values| NumberColumn { name: name.into(), values };
        let numbers = vec![column("rate_hz", vec![rate; 20]), column("rms", around(1.0)), column(name, around(1.0))];
        Table::new(vec![TextColumn { name: "unit".into(), values: vec![unit.into(); 20] }], numbers).unwrap()
    };
    let (a, b) = (table("V", 1e6, "snr_db"), table("mV", 2e6, "thd_percent"));
    let comparisons = compare_tables(&a, &b, &settings(Test::Welch)).unwrap();
    assert_eq!((&comparisons.only_in_a, &comparisons.only_in_b), (&vec!["snr_db".into()], &vec!["thd_percent".into()]));
    assert_eq!(comparisons.metrics.len(), 1, "the rate is no metric");
    assert_eq!(comparisons.metrics[0].reason, "measured in V and in mV");
    assert!(comparisons.notes[0].contains("rate_hz is 1000000 in a and 2000000 in b"), "{:?}", comparisons.notes);
    let asked = RegressionSettings { metrics: Some(vec!["rate_hz".into()]), ..RegressionSettings::default() };
    assert_eq!(compare_tables(&a, &b, &asked).unwrap().metrics[0].verdict, Verdict::Moved);
}

#[test]
fn failed_captures_are_counted() {
    let whole = one(&around(1.0));
    let errors = (0..20).map(|row| if row < 3 { "no rate".into() } else { String::new() }).collect();
    let failing = TextColumn { name: "error".into(), values: errors };
    let failing = Table::new(vec![failing], whole.numbers().to_vec()).unwrap();
    let notes = compare_tables(&whole, &failing, &settings(Test::Welch)).unwrap().notes;
    assert_eq!(notes, ["3 of 20 captures of b failed and are compared with none"]);
}

#[test]
fn unknown_names_and_levels_that_are_none_are_refused() {
    let table = one(&around(1.0));
    let refused = |settings| compare_tables(&table, &table, &settings).unwrap_err().to_string();
    let named = RegressionSettings { metrics: Some(vec!["rsm".into()]), ..RegressionSettings::default() };
    assert!(refused(named).contains("did you mean \"rms\"?"));
    let limits = [("peak".to_owned(), ChangeLimit::default())].into();
    assert!(refused(RegressionSettings { limits, ..RegressionSettings::default() }).contains("peak"));
    for alpha in [0.0, 1.0, NAN, -0.1] {
        assert!(refused(RegressionSettings { alpha, ..RegressionSettings::default() }).contains("alpha"));
    }
    assert!(compare_groups(&table, "batch", &RegressionSettings::default()).is_err());
}

fn grouped(labels: &[&str], shifted: &str) -> Table {
    let rows = labels.iter().flat_map(|label| (0..20).map(move |idx| (*label, idx)));
    let (texts, values): (Vec<String>, Vec<f64>) = rows
        .map(|(label, idx)| (label.to_owned(), f64::from(idx % 5) + if label == shifted { 9.0 } else { 0.0 }))
        .unzip();
    let texts = vec![TextColumn { name: "batch".into(), values: texts }];
    Table::new(texts, vec![NumberColumn { name: "rms".into(), values }]).unwrap()
}

#[test]
fn few_groups_are_compared_pair_by_pair_and_many_each_with_all_others() {
    let few = compare_groups(&grouped(&["a", "b", "c"], "b"), "batch", &RegressionSettings::default()).unwrap();
    let pairs: Vec<(&str, &str)> = few.regressions().map(|one| (one.a.as_str(), one.b.as_str())).collect();
    assert_eq!((few.metrics.len(), pairs), (3, vec![("a", "b"), ("b", "c")]));
    let labels = ["a", "b", "c", "d", "e", "f", ""];
    let many = compare_groups(&grouped(&labels, "e"), "batch", &RegressionSettings::default()).unwrap();
    let largest = many.metrics.iter().max_by(|a, b| a.comparison.mean_diff.total_cmp(&b.comparison.mean_diff)).unwrap();
    assert_eq!((many.metrics.len(), largest.b.as_str(), largest.verdict), (6, "e", Verdict::Moved));
    assert_eq!(largest.comparison.n_a, 100, "rows without a group are in none");
    assert!(many.notes[0].contains("20 of 140 rows have no batch"), "{:?}", many.notes);
}

#[test]
fn a_baseline_keeps_every_bit_and_compares_as_its_table_does() {
    let values = vec![0.1 + 0.2, NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -0.0, f64::MAX];
    let texts = vec![
        TextColumn { name: "file".into(), values: (0..7).map(|idx| format!("=unit_{idx}\n")).collect() },
        TextColumn { name: "unit".into(), values: vec!["mV".into(); 7] },
        TextColumn { name: "version".into(), values: vec!["1.2".into(); 7] },
    ];
    let table = Table::new(texts, vec![NumberColumn { name: "rms".into(), values: values.clone() }]).unwrap();
    let saved = Baseline::of(&table, "night", None).unwrap();
    let read = Baseline::from_json(&saved.to_json()).unwrap();
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let back = read.table().unwrap();
    assert_eq!(bits(&back.number("rms").unwrap()[2..]), bits(&values[2..]));
    assert!(back.number("rms").unwrap()[1].is_nan());
    assert_eq!((&read.versions, &read.units, read.rows.len()), (&vec!["1.2".into()], &vec!["mV".into()], 7));
    assert_eq!(back.text("unit").unwrap(), table.text("unit").unwrap());
}

#[test]
fn what_is_no_baseline_is_refused_with_the_way_out() {
    let good = Baseline::of(&one(&[1.0, 2.0]), "x", None).unwrap().to_json();
    let broken = [
        String::new(),
        "{}".into(),
        "[1, 2]".into(),
        good[..good.len() / 2].to_owned(),
        good.replace("baseline 1", "baseline 9"),
        good.replace("1.0", "\"one\""),
        good.replace("\"rows\"", "\"lines\""),
    ];
    for text in broken {
        let refused = Baseline::from_json(&text).unwrap_err().to_string();
        assert!(refused.contains("--save-baseline"), "{text}: {refused}");
    }
    assert!(Baseline::of(&one(&[NAN]), "x", None).unwrap_err().to_string().contains("no metric has a value"));
}

#[test]
fn groups_in_unlike_units_are_not_compared_as_if_they_were_alike() {
    let text = |name: &str, first: &str, second: &str| TextColumn {
        name: name.into(),
        values: (0..40).map(|row| if row < 20 { first.to_owned() } else { second.to_owned() }).collect(),
    };
    let number = |name: &str| NumberColumn { name: name.into(), values: [around(1.0), around(2.0)].concat() };
    let of = |second: &str| {
        let texts = vec![text("batch", "a", "b"), text("unit", "V", second)];
        let table = Table::new(texts, vec![number("rms"), number("snr_db")]).unwrap();
        compare_groups(&table, "batch", &RegressionSettings::default()).unwrap()
    };
    let unlike = of("mV");
    assert_eq!(unlike.metrics[0].verdict, Verdict::NotTested);
    assert!(unlike.metrics[0].reason.contains("measured in V and in mV"), "{}", unlike.metrics[0].reason);
    assert_eq!(unlike.metrics[1].verdict, Verdict::Moved);
    assert_eq!(moved(&of("V")), ["rms", "snr_db"]);
}
