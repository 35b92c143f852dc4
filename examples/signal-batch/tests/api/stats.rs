//! Description, outliers, aggregation and adjustment: laws that hold for any numbers, and the cases at the edges.

use manyhands_test_support::property;
use manyhands_test_support::rng::Rng;
use proptest::prelude::*;
use signal_batch::stats::{
    FileRecord, FileStatus, OutlierMethod, aggregate, aggregate_by, batch_metrics, benjamini_hochberg, check_threshold,
    describe, holm, iqr_outliers, mad, modified_z_outliers, quality, z_outliers,
};
use signal_batch::{BatchError, NumberColumn, Table, TextColumn};

/// Whole numbers of this unit, few enough that sums of squares are exact in 128 bits: (unit, numbers).
fn whole_numbers() -> impl Strategy<Value = (i32, Vec<i64>)> {
    let numbers = prop_oneof![
        prop::collection::vec(-4..4_i64, 1..60),
        prop::collection::vec(-1_000_000..1_000_000_i64, 1..60),
        (-1_000_000_000_000_i64..1_000_000_000_000, prop::collection::vec(-3..3_i64, 1..60))
            .prop_map(|(offset, small)| small.into_iter().map(|number| offset + number).collect()),
    ];
    (prop_oneof![Just(0), Just(-1074), Just(900), -300..300_i32], numbers)
}

fn values_of(unit: i32, numbers: &[i64]) -> Vec<f64> {
    let power = |exponent: i32| 2f64.powi(exponent);
    // In two steps: 2^-1074 is not a power that the first alone gives exactly everywhere.
    numbers.iter().map(|&number| number as f64 * power(unit / 2) * power(unit - unit / 2)).collect()
}

/// `n Σx² - (Σx)²` and `n x - Σx`, exactly.
fn exact(numbers: &[i64]) -> (i128, impl Fn(i64) -> i128) {
    let n = numbers.len() as i128;
    let sum: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
    let squares: i128 = numbers.iter().map(|&number| i128::from(number) * i128::from(number)).sum();
    (n * squares - sum * sum, move |number: i64| n * i128::from(number) - sum)
}

fn is_close(found: f64, expected: f64, tolerance: f64) -> bool {
    found == expected
        || (found.is_nan() && expected.is_nan())
        || (found - expected).abs() <= tolerance * expected.abs() + 1e-320
}

proptest! {
    #![proptest_config(property::config(400))]

    #[test]
    fn mean_and_deviation_are_the_exact_ones((unit, numbers) in whole_numbers()) {
        let found = describe(&values_of(unit, &numbers));
        let n = numbers.len() as f64;
        let scale = |value: f64| value * 2f64.powi(unit / 2) * 2f64.powi(unit - unit / 2);
        let sum: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
        prop_assert!(is_close(found.mean, scale(sum as f64 / n), 1e-15), "{} of {sum}", found.mean);
        let (spread, _) = exact(&numbers);
        let std_pop = scale((spread as f64).sqrt() / n);
        prop_assert!(is_close(found.std_pop, std_pop, 1e-15), "{:e} and {std_pop:e}", found.std_pop);
        let std = if numbers.len() == 1 { f64::NAN } else { scale((spread as f64 / (n * (n - 1.0))).sqrt()) };
        prop_assert!(is_close(found.std, std, 1e-15), "{:e} and {std:e}", found.std);
    }

    #[test]
    fn a_description_finds_the_outliers_that_the_rules_find((unit, numbers) in whole_numbers(), quarters in 0..16_u32, gap in 0..8_usize) {
        let mut values = values_of(unit, &numbers);
        values.insert(gap.min(numbers.len()), f64::NAN);
        let described = describe(&values);
        for threshold in [f64::from(quarters) / 4.0, f64::INFINITY, f64::NAN, -1.0] {
            prop_assert_eq!(described.iqr_outliers(&values, threshold), iqr_outliers(&values, threshold));
            prop_assert_eq!(described.z_outliers(&values, threshold), z_outliers(&values, threshold));
        }
    }

    #[test]
    fn z_outliers_are_those_of_whole_numbers((unit, numbers) in whole_numbers(), quarters in 0..16_u32) {
        let (spread, difference) = exact(&numbers);
        // |n x - S| > t √(n Q - S²), squared, with t in quarters.
        let is_outlier = |number: i64| 16 * difference(number).pow(2) > i128::from(quarters.pow(2)) * spread;
        let expected: Vec<usize> = (0..numbers.len()).filter(|&idx| is_outlier(numbers[idx])).collect();
        prop_assert_eq!(z_outliers(&values_of(unit, &numbers), f64::from(quarters) / 4.0), expected);
    }

    #[test]
    fn values_on_the_fence_are_no_outliers_whatever_their_digits(a in -1e3..1e3_f64, b in -1e3..1e3_f64, n in 1..20_usize) {
        // Half and half, all lie one deviation from the mean; one among ten lies three.
        prop_assert!(z_outliers(&[a, b].repeat(n), 1.0).is_empty());
        let mut ten = [a; 10];
        ten[n % 10] = b;
        prop_assert!(z_outliers(&ten, 3.0).is_empty());
        prop_assert_eq!(z_outliers(&ten, 3.0 - 4.0 * f64::EPSILON), vec![n % 10]);
    }

    #[test]
    fn the_order_of_values_does_not_matter(values in prop::collection::vec(-1e3..1e3_f64, 0..50), turn in 0..50_usize) {
        let mut turned = values.clone();
        turned.rotate_left(turn % values.len().max(1));
        let (one, other) = (describe(&values), describe(&turned));
        prop_assert_eq!((one.mean.to_bits(), one.median.to_bits(), one.q25.to_bits()), (other.mean.to_bits(), other.median.to_bits(), other.q25.to_bits()));
        prop_assert!(is_close(one.std, other.std, 1e-15));
        for method in OutlierMethod::ALL {
            prop_assert_eq!(method.outliers(&values, 2.0).len(), method.outliers(&turned, 2.0).len());
        }
    }

    #[test]
    fn nothing_panics_whatever_the_numbers(
        values in prop::collection::vec(any::<f64>(), 0..40),
        threshold in any::<f64>(),
    ) {
        let described = describe(&values);
        let n_missing = values.iter().filter(|value| value.is_nan()).count();
        prop_assert_eq!(described.count, values.len() - n_missing);
        for method in OutlierMethod::ALL {
            let found = method.outliers(&values, threshold);
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(found.iter().all(|&idx| !values[idx].is_nan()));
        }
        if values.iter().all(|value| value.is_finite()) && !values.is_empty() {
            prop_assert!(described.min <= described.mean && described.mean <= described.max);
            prop_assert!(described.min <= described.q25 && described.q25 <= described.median);
            prop_assert!(described.median <= described.q75 && described.q75 <= described.max);
            prop_assert!(described.mean.is_finite() && described.std_pop >= 0.0);
        }
        prop_assert!(quality(&values, &values).valid_files <= values.len());
    }

    #[test]
    fn a_power_of_two_changes_no_outlier(values in prop::collection::vec(-1e3..1e3_f64, 0..50), exponent in -900..900_i32) {
        let scaled: Vec<f64> = values.iter().map(|value| value * 2f64.powi(exponent)).collect();
        for method in OutlierMethod::ALL {
            prop_assert_eq!(method.outliers(&values, 2.5), method.outliers(&scaled, 2.5));
        }
        let (found, expected) = (describe(&scaled).std_pop, describe(&values).std_pop * 2f64.powi(exponent));
        prop_assert!(is_close(found, expected, 0.0), "{found:e} and {expected:e}");
    }

    #[test]
    fn adjusted_probabilities_keep_the_order_and_grow(p in prop::collection::vec(0.0..=1.0_f64, 0..30)) {
        let (holm, bh) = (holm(&p), benjamini_hochberg(&p));
        for (a, b) in (0..p.len()).flat_map(|a| (0..p.len()).map(move |b| (a, b))) {
            prop_assert!(p[a] > p[b] || (holm[a] <= holm[b] && bh[a] <= bh[b]));
        }
        for idx in 0..p.len() {
            prop_assert!(p[idx] <= bh[idx] * (1.0 + 1e-15) && bh[idx] <= holm[idx] * (1.0 + 1e-15) && holm[idx] <= 1.0);
            prop_assert!(holm[idx] <= (p[idx] * p.len() as f64).min(1.0), "never more than all tests together allow");
        }
    }
}

#[test]
fn a_long_column_has_the_quartiles_and_outliers_of_its_sorted_values() {
    let mut rng = Rng::for_test("a_long_column_has_the_quartiles_and_outliers_of_its_sorted_values");
    let mut values: Vec<f64> = (0..100_001).map(|_| rng.fraction()).collect();
    (values[17], values[99_000]) = (5.0, -4.0);
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let found = describe(&values);
    assert_eq!((found.q25, found.median, found.q75), (sorted[25_000], sorted[50_000], sorted[75_000]));
    for method in OutlierMethod::ALL {
        assert_eq!(method.outliers(&values, 3.5), [17, 99_000], "{method}");
    }
}

#[test]
fn a_value_on_the_fence_is_no_outlier_and_its_neighbour_is() {
    // Four values at ±1 and t = 1: on the fence exactly. A hair more on one side changes the mean and all four.
    assert!(z_outliers(&[1.0, -1.0, 1.0, -1.0], 1.0).is_empty());
    assert_eq!(z_outliers(&[1.0 + f64::EPSILON, -1.0, 1.0, -1.0], 1.0), [0]);
}

#[test]
fn values_of_all_sizes_are_sorted_out() {
    let mut values = vec![1e-300; 30];
    values.extend([-1e-300, 1e200]);
    assert_eq!(z_outliers(&values, 3.0), [31]);
    assert_eq!(iqr_outliers(&values, 3.0), [30, 31]);
    let huge = [-f64::MAX, -1e307, 0.0, 1e306, 1e307, 2e307, f64::MAX];
    assert_eq!(modified_z_outliers(&huge, 3.5), [0, 6]);
    assert_eq!(iqr_outliers(&huge, 3.0), [0, 6]);
    assert!(describe(&huge).std.is_finite());
    let tiny: Vec<f64> = [1.0, 2.0, 3.0, 2.0, 1.0, 90.0].iter().map(|value| value * 5e-324).collect();
    for (method, threshold) in [(OutlierMethod::Iqr, 3.0), (OutlierMethod::Z, 2.0), (OutlierMethod::ModifiedZ, 3.5)] {
        assert_eq!(method.outliers(&tiny, threshold), [5], "{method}");
    }
}

#[test]
fn infinite_values_stand_out_from_the_quartiles() {
    let values = [1.0, 2.0, 3.0, 4.0, f64::INFINITY, f64::NEG_INFINITY, 2.5];
    assert_eq!(iqr_outliers(&values, 3.0), [4, 5]);
    assert_eq!(modified_z_outliers(&values, 3.5), [4, 5]);
    assert!(z_outliers(&values, 3.0).is_empty(), "there is no deviation");
    assert!(iqr_outliers(&[f64::INFINITY; 9], 3.0).is_empty() && mad(&[f64::INFINITY; 9]) == 0.0);
}

#[test]
fn few_values_constants_and_none_have_no_outliers() {
    for values in [&[][..], &[f64::NAN; 3], &[1.0], &[1.0, 1e9], &[7.0; 50]] {
        for method in OutlierMethod::ALL {
            assert!(method.outliers(values, 3.0).is_empty(), "{method} of {values:?}");
        }
    }
    assert!(iqr_outliers(&[1.0, 2.0, 1e9], 0.0).is_empty(), "three values have no outliers");
    assert!(mad(&[f64::NAN]).is_nan());
}

#[test]
fn a_threshold_that_no_rule_can_use_is_refused_or_finds_nothing() {
    let values = [1.0, 2.0, 3.0, 4.0, 1000.0];
    let table = Table::new(vec![], vec![NumberColumn { name: "rms".into(), values: values.to_vec() }]).unwrap();
    for threshold in [-1.0, f64::NAN, f64::NEG_INFINITY] {
        for method in OutlierMethod::ALL {
            assert!(method.outliers(&values, threshold).is_empty());
            let refused = aggregate(&table, method, threshold).unwrap_err();
            assert!(matches!(refused, BatchError::Setting { .. }), "{refused}");
        }
    }
    assert!(check_threshold(0.0).is_ok());
    assert_eq!(iqr_outliers(&values, 0.0), [0, 4]);
    assert!(OutlierMethod::ALL.iter().all(|method| method.outliers(&values, f64::INFINITY).is_empty()));
}

#[test]
fn a_method_has_a_name_and_an_unknown_one_is_refused_with_all_names() {
    for method in OutlierMethod::ALL {
        assert_eq!(method.to_string().parse::<OutlierMethod>().unwrap(), method);
        assert_eq!(serde_json::to_value(method).unwrap(), method.name());
    }
    let refused = "zscore".parse::<OutlierMethod>().unwrap_err().to_string();
    assert_eq!(refused, "there is no outlier method \"zscore\"; use iqr, z or modified-z");
}

#[test]
fn groups_find_what_the_whole_table_hides() {
    let labels = (0..20).map(|row| if row % 2 == 0 { "low" } else { "high" }.to_owned()).collect();
    let mut values: Vec<f64> = (0..20).map(|row| f64::from(row % 2) * 10.0 + f64::from(row) * 0.01).collect();
    values[6] = 9.0;
    let texts = vec![TextColumn { name: "batch".into(), values: labels }];
    let table = Table::new(texts, vec![NumberColumn { name: "rms".into(), values }]).unwrap();
    assert!(aggregate(&table, OutlierMethod::Iqr, 3.0).unwrap()[0].outliers.is_empty());
    let groups = aggregate_by(&table, "batch", OutlierMethod::Iqr, 3.0).unwrap();
    let [low, high] = [&groups[0], &groups[1]];
    assert_eq!((low.0.as_str(), high.0.as_str()), ("low", "high"));
    let rows: Vec<usize> = low.1[0].outliers.iter().map(|outlier| outlier.row).collect();
    assert!(rows == [6] && high.1[0].outliers.is_empty(), "rows are those of the whole table");
    let refused = aggregate_by(&table, "Batch", OutlierMethod::Iqr, 3.0).unwrap_err().to_string();
    assert_eq!(refused, "there is no column of texts \"Batch\"; columns of texts are batch");
}

#[test]
fn tests_that_were_not_made_stay_so_and_are_not_counted() {
    let adjusted = holm(&[0.02, f64::NAN, 0.5]);
    assert!(adjusted[0] == 0.04 && adjusted[1].is_nan() && adjusted[2] == 0.5);
    let adjusted = benjamini_hochberg(&[0.02, f64::NAN, 0.5]);
    assert!(adjusted[0] == 0.04 && adjusted[1].is_nan() && adjusted[2] == 0.5);
    assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
}

#[test]
fn a_batch_without_values_has_no_quality_but_zero_rate() {
    let none = quality(&[], &[]);
    assert!(
        none.total_files == 0
            && none.quality_rate == 0.0
            && none.mean_snr.is_nan()
            && none.consistency_percent.is_nan()
    );
    let strict = quality(&[1.0, -1.0], &[30.0, 20.0]);
    assert_eq!((strict.high_quality_count, strict.low_quality_count, strict.consistency_percent), (0, 0, 0.0));
}

#[test]
fn a_run_without_time_has_no_throughput_and_errors_without_kind_are_counted_alone() {
    let record = |status, error_type: Option<&str>| FileRecord {
        file: "a.csv".into(),
        status,
        duration: 0.5,
        samples: u64::MAX,
        measurements: 1,
        error_type: error_type.map(str::to_owned),
    };
    let records = [
        record(FileStatus::Error, None),
        record(FileStatus::Error, Some("io")),
        record(FileStatus::Success, Some("io")),
    ];
    let metrics = batch_metrics(&records, 0.0);
    assert_eq!((metrics.files_per_second, metrics.error_count, metrics.errors_by_type["io"]), (0.0, 2, 1));
    assert!(batch_metrics(&records, 1e300).rounded(jiff::Timestamp::UNIX_EPOCH).is_err());
    let two = [records[2].clone(), records[2].clone()];
    assert!(batch_metrics(&two, 1.0).samples_per_second > 1e19, "counts that overflow stay large");
}

#[test]
fn a_description_of_a_long_column_finds_its_outliers() {
    let mut rng = Rng::for_test("a_description_of_a_long_column_finds_its_outliers");
    for offset in [0.0, -3e5, 1e12] {
        let values: Vec<f64> = (0..70_001).map(|_| offset + (0..6).map(|_| rng.fraction()).sum::<f64>()).collect();
        let described = describe(&values);
        for threshold in [1.0, 2.5, 3.0] {
            let by_z = z_outliers(&values, threshold);
            assert!(!by_z.is_empty() && by_z.len() < values.len() / 2);
            assert_eq!(described.z_outliers(&values, threshold), by_z, "{offset} {threshold}");
            assert_eq!(described.iqr_outliers(&values, threshold), iqr_outliers(&values, threshold));
        }
    }
    let constant = describe(&[7.0; 9]);
    assert!(constant.z_outliers(&[7.0; 9], 0.0).is_empty() && describe(&[]).z_outliers(&[], 3.0).is_empty());
    let infinite = [1.0, 2.0, f64::INFINITY, 3.0];
    assert_eq!(describe(&infinite).z_outliers(&infinite, 1.0), z_outliers(&infinite, 1.0));
}
