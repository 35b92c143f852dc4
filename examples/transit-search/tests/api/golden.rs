//! The golden cases: numbers that the reference implementations gave, in `shared/golden/transit` beside the project.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use transit_search::{
    AutoPeriod, BoxFit, BoxSearch, Catalogue, Extraction, FEATURE_NAMES, LightCurve, Objective, Profile, RawCurve,
    SEARCH_DURATIONS, Weights, best_fit, box_statistics,
};

/// The folder of the golden cases; without it a loud line, and no test of this module says anything.
pub(crate) fn golden() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/transit"));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: there are no golden cases at {}", folder.display());
    None
}

struct Case {
    name: String,
    raw: RawCurve,
    curve: LightCurve,
    catalogue: Catalogue,
    expected: Value,
    folder: PathBuf,
}

fn cases() -> Vec<Case> {
    let Some(folder) = golden() else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    assert_eq!(folders.len(), 10, "s1 to s10");
    folders.into_iter().map(|folder| Case::read(&folder)).collect()
}

impl Case {
    fn read(folder: &Path) -> Self {
        let raw = RawCurve::read(&folder.join("lightcurve.csv")).unwrap();
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            curve: LightCurve::of(&raw).unwrap(),
            raw,
            catalogue: Catalogue::read(&folder.join("input.json")).unwrap(),
            expected: serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap(),
            folder: folder.to_owned(),
        }
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::String(text) if text == "inf" => f64::INFINITY,
        Value::String(text) if text == "-inf" => f64::NEG_INFINITY,
        value => value.as_f64().unwrap_or_else(|| panic!("{value} is no number")),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

#[track_caller]
fn assert_same(found: f64, expected: f64, what: &str) {
    assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(), "{what}: {found} {expected}");
}

#[track_caller]
fn assert_near(found: f64, expected: f64, relative: f64, absolute: f64, what: &str) {
    let is_near = (found - expected).abs() <= relative * expected.abs() + absolute;
    assert!(is_near || found == expected || found.is_nan() && expected.is_nan(), "{what}: {found} and not {expected}");
}

const COLUMNS: [&str; 8] =
    ["period", "power", "depth", "depth_err", "duration", "transit_time", "depth_snr", "log_likelihood"];

fn columns(fit: &BoxFit) -> [f64; 8] {
    [fit.period, fit.power, fit.depth, fit.depth_err, fit.duration, fit.transit_time, fit.depth_snr, fit.log_likelihood]
}

#[test]
fn cleaning_keeps_the_rows_that_it_should() {
    for case in cases() {
        assert_eq!(case.raw.time.len(), case.expected["rows_read"], "{}", case.name);
        assert_eq!(case.curve.len(), case.expected["rows_kept"], "{}", case.name);
        assert_same(case.curve.span(), number(&case.expected["baseline_days"]), &case.name);
    }
}

#[test]
fn grids_are_those_of_the_reference_bit_by_bit() {
    for case in cases() {
        for (name, grid) in case.expected["autoperiod"].as_object().unwrap() {
            let kwargs = &grid["kwargs"];
            let auto = AutoPeriod {
                shortest: kwargs["minimum_period"].as_f64(),
                longest: kwargs["maximum_period"].as_f64(),
                frequency_factor: kwargs["frequency_factor"].as_f64().unwrap_or(1.0),
            };
            let periods = auto.periods(case.curve.span(), &SEARCH_DURATIONS).unwrap();
            assert_eq!(periods.len(), grid["n"], "{} {name}", case.name);
            let compared = [("first", 0), ("second", 1), ("middle", periods.len() / 2), ("last", periods.len() - 1)];
            for (place, at) in compared {
                assert_same(periods[at], number(&grid[place]), &format!("{} {name} {place}", case.name));
            }
        }
    }
}

/// The run of this description.
fn search(case: &Case, run: &Value) -> BoxSearch {
    let grid = &run["period_grid"];
    let periods = match grid["start"].as_f64() {
        Some(start) => {
            let count = grid["n"].as_u64().unwrap() as usize;
            transit_search::linear_periods(start, number(&grid["stop"]), count).unwrap()
        }
        None => {
            let step = (1.6 - 2.2 / case.curve.span()) / 399.0;
            (0..400).map(|at| 1.0 / (1.6 - f64::from(at) * step)).collect()
        }
    };
    BoxSearch {
        periods,
        durations: numbers(&run["durations"]),
        oversample: run["oversample"].as_u64().unwrap() as usize,
        objective: if run["objective"] == "snr" { Objective::Snr } else { Objective::Likelihood },
        weights: if run["weights"] == "1" { Weights::Unit } else { Weights::Errors },
    }
}

fn assert_is_best(fits: &[BoxFit], best: &Value, what: &str) {
    let (at, fit) = best_fit(fits).unwrap();
    assert_eq!(at, best["index"], "{what}");
    for (name, found) in COLUMNS.into_iter().zip(columns(&fit)) {
        assert_same(found, number(&best[name]), &format!("{what} {name}"));
    }
}

#[test]
fn searches_give_the_numbers_of_the_reference_bit_by_bit() {
    for case in cases() {
        for run in case.expected["bls_runs"].as_array().unwrap() {
            let what = format!("{} {}", case.name, run["name"]);
            let fits = search(&case, run).run(&case.curve).unwrap();
            assert_is_best(&fits, &run["best"], &what);
            let sum: f64 = fits.iter().map(|fit| fit.power).sum();
            assert_near(sum, number(&run["sum_power"]), 1e-12, 0.0, &what);
            let Some(step) = run["sampled"]["step"].as_u64() else { continue };
            for (column, name) in COLUMNS.into_iter().enumerate() {
                let sampled = numbers(&run["sampled"][name]);
                assert_eq!(sampled.len(), fits.len().div_ceil(step as usize));
                for (fit, expected) in fits.iter().step_by(step as usize).zip(sampled) {
                    assert_same(columns(fit)[column], expected, &format!("{what} {name} at {}", fit.period));
                }
            }
        }
    }
}

#[test]
fn every_row_of_a_full_search_is_that_of_the_reference_bit_by_bit() {
    for case in cases() {
        let run = &case.expected["bls_runs"][0];
        let fits = search(&case, run).run(&case.curve).unwrap();
        let mut table = csv::Reader::from_path(case.folder.join("bls_full.csv")).unwrap();
        assert_eq!(table.headers().unwrap().iter().collect::<Vec<_>>(), COLUMNS);
        let rows: Vec<csv::StringRecord> = table.records().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), fits.len());
        for (row, fit) in rows.iter().zip(&fits) {
            for (found, expected) in columns(fit).into_iter().zip(row) {
                let expected = expected.parse().unwrap();
                // Where no box fits, the reference leaves all but the power undefined.
                if fit.power > f64::NEG_INFINITY {
                    assert_same(found, expected, &format!("{} at {}", case.name, fit.period));
                }
            }
        }
    }
}

#[test]
fn statistics_of_boxes_are_those_of_the_reference() {
    for case in cases() {
        let runs = case.expected["bls_runs"].as_array().unwrap().iter();
        let runs = runs.map(|run| (run, run["weights"] == "1"));
        let seeds = [(&case.expected["seed_search_unit"], true), (&case.expected["seed_search_err"], false)];
        for (run, is_unit) in runs.chain(seeds) {
            let Some(expected) = run["compute_stats"].as_object() else { continue };
            let best = &run["best"];
            let weights = if is_unit { Weights::Unit } else { Weights::Errors };
            let [period, duration, time] = ["period", "duration", "transit_time"].map(|name| number(&best[name]));
            let found = box_statistics(&case.curve, weights, period, duration, time);
            let what = format!("{} {}", case.name, run["name"]);
            let depths = [
                ("depth", found.depth),
                ("depth_odd", found.depth_odd),
                ("depth_even", found.depth_even),
                ("depth_half", found.depth_half),
                ("depth_phased", found.depth_phased),
            ];
            for (name, depth) in depths {
                let what = format!("{what} {name}");
                assert_near(depth.depth, number(&expected[name][0]), 1e-9, 1e-15, &what);
                assert_near(depth.error, number(&expected[name][1]), 1e-9, 0.0, &what);
            }
            let likelihoods = [
                ("harmonic_amplitude", found.harmonic_amplitude),
                ("harmonic_delta_log_likelihood", found.harmonic_delta_log_likelihood),
            ];
            for (name, value) in likelihoods {
                assert_near(value, number(&expected[name]), 1e-9, 1e-15, &format!("{what} {name}"));
            }
            assert_eq!(
                found.per_transit_count,
                numbers(&expected["per_transit_count"]).iter().map(|count| *count as usize).collect::<Vec<_>>(),
                "{what}"
            );
            let lists = [
                ("transit_times", &found.transit_times),
                ("per_transit_log_likelihood", &found.per_transit_log_likelihood),
            ];
            for (name, values) in lists {
                let expected = numbers(&expected[name]);
                assert_eq!(values.len(), expected.len(), "{what} {name}");
                for (value, expected) in values.iter().zip(expected) {
                    assert_near(*value, expected, 1e-9, 1e-15, &format!("{what} {name}"));
                }
            }
        }
    }
}

#[test]
fn the_search_of_the_features_is_that_of_the_reference_bit_by_bit() {
    for case in cases() {
        for (profile, name) in [(Profile::Seed, "seed_search_unit"), (Profile::Calibrated, "seed_search_err")] {
            let expected = &case.expected[name];
            if expected["best"].is_null() {
                assert!(case.curve.len() <= 50, "{} {name}", case.name);
                continue;
            }
            let search = Extraction { profile, ..Extraction::default() }.search(&case.curve, &case.catalogue).unwrap();
            assert_eq!(search.periods.len(), expected["n_periods"], "{} {name}", case.name);
            assert_is_best(&search.run(&case.curve).unwrap(), &expected["best"], &format!("{} {name}", case.name));
        }
    }
}

#[test]
fn transit_least_squares_are_those_of_the_reference() {
    for case in cases() {
        let expected = &case.expected["tls"];
        let Some(n_periods) = expected["n_periods"].as_u64() else {
            assert!(case.curve.len() <= 50, "{}", case.name);
            continue;
        };
        let window = transit_search::search_window(case.catalogue.period());
        let found = transit_search::transit_least_squares(&case.curve, window).unwrap();
        assert_eq!(found.periods.len() as u64, n_periods, "{}", case.name);
        let step = expected["sample_step"].as_u64().unwrap() as usize;
        let sampled = numbers(&expected["sampled_period"]).into_iter().zip(numbers(&expected["sampled_chi2"]));
        for ((period, chi2), (expected_period, expected_chi2)) in
            found.periods.iter().zip(&found.chi2).step_by(step).zip(sampled)
        {
            assert_near(*period, expected_period, 1e-12, 0.0, &case.name);
            assert_near(*chi2, expected_chi2, 1e-9, 0.0, &format!("{} chi2 at {period}", case.name));
        }
        let best = found.best;
        let values = [
            ("period", best.period, 1e-12),
            ("chi2_min", best.chi2, 1e-9),
            ("SDE_raw", best.sde_raw, 1e-6),
            ("SDE", best.sde, 1e-6),
            ("depth_fraction", best.depth, 1e-9),
            ("T0", best.t0, 1e-9),
            ("duration_days", best.duration, 1e-9),
            ("snr", best.snr, 1e-6),
            ("odd_even_mismatch", best.odd_even_mismatch, 1e-6),
        ];
        for (name, value, relative) in values {
            assert_near(value, number(&expected[name]), relative, 0.0, &format!("{} {name}", case.name));
        }
    }
}

#[test]
fn features_are_those_of_the_reference() {
    for case in cases() {
        for (profile, name) in [(Profile::Seed, "features_seed"), (Profile::Calibrated, "features_calibrated")] {
            let extraction = Extraction { profile, with_least_squares: true, ..Extraction::default() };
            let features = extraction.features(&case.curve, &case.catalogue).unwrap();
            for feature in FEATURE_NAMES {
                let (found, expected) = (features.get(feature).unwrap(), number(&case.expected[name][feature]));
                let what = format!("{} {name} {feature}", case.name);
                let is_moment = feature == "flux_skewness" || feature == "flux_kurtosis";
                let (relative, absolute) = match is_moment {
                    true => (0.0, 1e-9),
                    false if ["tls_sde", "tls_snr", "tls_odd_even"].contains(&feature) => (1e-6, 0.0),
                    false => (1e-9, 1e-15),
                };
                assert_near(found, expected, relative, absolute, &what);
            }
        }
    }
}
