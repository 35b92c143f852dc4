//! Bad input: each kind has an error of its own, which says what is wrong.

use std::fs;

use transit_search::{
    AutoPeriod, BoxSearch, Catalogue, Extraction, LightCurve, Objective, RawCurve, TransitError, Weights,
    linear_periods, synthetic_curve,
};

fn raw(time: &[f64], flux: &[f64], error: &[f64]) -> RawCurve {
    RawCurve { time: time.to_vec(), flux: flux.to_vec(), error: error.to_vec() }
}

#[test]
fn rows_that_cannot_be_used_are_dropped_and_too_few_are_named() {
    let nan = f64::NAN;
    let curve = raw(&[0.0, 1.0, nan, 3.0, 4.0], &[1.0, nan, 1.0, 1.0, 1.0], &[0.1, 0.1, 0.1, 0.0, -0.1]);
    let error = LightCurve::of(&curve).unwrap_err();
    let expected = TransitError::TooFewPoints { read: 5, kept: 1, needed: 3, without_numbers: 2, without_error: 2 };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "only 1 of 5 rows can be used, and 3 are needed: 2 have no finite time, flux or error, 2 have an error of zero or below"
    );
    assert!(LightCurve::of(&RawCurve::default()).unwrap_err().to_string().starts_with("only 0 of 0 rows"));
}

#[test]
fn time_that_goes_back_is_named_with_its_row() {
    let curve = raw(&[0.0, 1.0, f64::NAN, 0.5, 2.0], &[1.0; 5], &[0.1; 5]);
    let error = LightCurve::of(&curve).unwrap_err();
    assert_eq!(error, TransitError::NotAscending { row: 2, before: 1.0, time: 0.5 });
}

#[test]
fn a_constant_flux_is_named() {
    let time: Vec<f64> = (0..100).map(f64::from).collect();
    let curve = LightCurve::of(&raw(&time, &[0.97; 100], &[0.1; 100])).unwrap();
    let error = Extraction::default().features(&curve, &synthetic_curve(0).catalogue).unwrap_err();
    assert_eq!(error.to_string(), "the flux is 0.97 in all 100 points: there is nothing to search");
}

#[test]
fn a_search_that_cannot_be_done_is_refused() {
    let good = BoxSearch {
        periods: vec![1.0, 2.0],
        durations: vec![0.1],
        oversample: 10,
        objective: Objective::Likelihood,
        weights: Weights::Errors,
    };
    let curve = synthetic_curve(1).curve;
    assert_eq!(good.run(&curve).unwrap().len(), 2);
    let refused = |search: BoxSearch| search.run(&curve).unwrap_err();
    assert_eq!(refused(BoxSearch { periods: vec![], ..good.clone() }), TransitError::NoPeriods);
    assert_eq!(refused(BoxSearch { durations: vec![], ..good.clone() }), TransitError::NoDurations);
    assert_eq!(refused(BoxSearch { oversample: 0, ..good.clone() }), TransitError::NoOversampling(0));
    let beyond = refused(BoxSearch { durations: vec![0.1, 1.0], ..good.clone() });
    assert_eq!(beyond, TransitError::DurationBeyondPeriod { period: 1.0, duration: 1.0 });
    for value in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let period = refused(BoxSearch { periods: vec![2.0, value], ..good.clone() });
        assert!(matches!(period, TransitError::NotPositive { what: "period", .. }), "{value}: {period}");
        let duration = refused(BoxSearch { durations: vec![0.2, value], ..good.clone() });
        assert!(matches!(duration, TransitError::NotPositive { what: "duration", .. }), "{value}: {duration}");
    }
}

#[test]
fn grids_that_make_no_sense_are_refused() {
    assert_eq!(linear_periods(1.0, 2.0, 0).unwrap_err(), TransitError::NoPeriods);
    assert!(linear_periods(0.0, 2.0, 5).is_err() && linear_periods(1.0, f64::NAN, 5).is_err());
    let auto = AutoPeriod::default();
    assert_eq!(auto.periods(27.0, &[]).unwrap_err(), TransitError::NoDurations);
    assert!(auto.periods(0.0, &[0.1]).is_err(), "a light curve of one moment");
    let fine = AutoPeriod { shortest: Some(0.01), ..auto }.periods(1e6, &[0.001]).unwrap_err();
    assert!(matches!(fine, TransitError::GridTooFine { .. }), "{fine}");
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lightcurve.csv");
    let missing = RawCurve::read(&path).unwrap_err();
    assert!(matches!(missing, TransitError::Unreadable { .. }), "{missing}");
    for (text, what) in [
        ("time_days,flux\n1,2\n", "it has no column flux_err"),
        ("time_days,flux,flux_err\n1,2,0.1\n1.5,2\n", "line: 3"),
        ("time_days,flux,flux_err\n1,2,0.1\n1.5,bright,0.1\n", "\"bright\" on line 3 is no number"),
        ("", "it has no column time_days"),
    ] {
        fs::write(&path, text).unwrap();
        let error = RawCurve::read(&path).unwrap_err();
        assert!(matches!(error, TransitError::Malformed { .. }) && error.to_string().contains(what), "{error}");
    }
    fs::write(&path, "note,flux_err,time_days,flux\n-,0.1,1,nan\n-,,2,1\n").unwrap();
    let curve = RawCurve::read(&path).unwrap();
    assert_eq!((&curve.time[..], curve.flux[1], curve.error[0]), (&[1.0, 2.0][..], 1.0, 0.1));
    assert!(curve.flux[0].is_nan() && curve.error[1].is_nan());
    let row = folder.path().join("input.json");
    fs::write(&row, "{\"target_id\": \"TIC1\", \"period_").unwrap();
    assert!(matches!(Catalogue::read(&row).unwrap_err(), TransitError::Malformed { .. }));
}
