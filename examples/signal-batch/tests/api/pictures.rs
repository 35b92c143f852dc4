//! Pictures: whole and within their frame whatever the values, at both widths.

use consumer_support::page::Figure;
use consumer_support::picture::{Drawing, Mark};
use manyhands_test_support::property;
use proptest::prelude::*;
use signal_batch::pictures::{
    ControlPanel, DistributionPanel, GroupBox, GroupPanel, control_charts, distributions, groups, histogram,
};
use signal_batch::report::ControlChart;

const HOSTILE: &str = "a <b>&\"'\u{1} \u{7720}\u{308b} very long name of a metric from a file of unknown origin";

/// The points of the marks.
fn points(drawing: &Drawing) -> Vec<(f64, f64)> {
    let of = |mark: &Mark| match mark {
        Mark::Box { corner: (x, y), width, height, .. } => vec![(*x, *y), (x + width, y + height)],
        Mark::Lines { runs, .. } => runs.concat(),
        Mark::Areas { outlines, .. } => outlines.concat(),
        Mark::Dots { centres, .. } => centres.clone(),
        Mark::Text { at, .. } => vec![*at],
        _ => Vec::new(),
    };
    drawing.marks.iter().flat_map(of).collect()
}

fn assert_whole(figure: &Figure) {
    for drawing in [&figure.wide, &figure.narrow] {
        roxmltree::Document::parse(&drawing.to_svg()).unwrap();
        for (x, y) in points(drawing) {
            let is_inside = (-0.1..=drawing.width + 0.1).contains(&x) && (-0.1..=drawing.height + 0.1).contains(&y);
            assert!(is_inside, "({x}, {y}) is outside of {} x {}", drawing.width, drawing.height);
        }
    }
}

fn control(values: &[f64]) -> Figure {
    let names: Vec<String> = (0..values.len()).map(|idx| format!("{HOSTILE}{idx}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let chart = ControlChart::of(values.iter().copied());
    let panels: Vec<ControlPanel<'_>> = chart
        .into_iter()
        .map(|chart| ControlPanel {
            name: HOSTILE,
            unit: "V",
            values: values.to_vec(),
            names: &names,
            mean: chart.mean,
            limits: (chart.lower, chart.upper),
            outside: chart.outside,
        })
        .collect();
    control_charts(
        "Control",
        "by row",
        &panels,
        &[(0, "first".into()), (values.len().saturating_sub(1), "last".into())],
    )
}

fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0_f64,
        1 => prop::num::f64::ANY,
        1 => Just(f64::NAN),
        1 => Just(0.0),
        1 => Just(1e149),
    ]
}

proptest! {
    #![proptest_config(property::config(80))]

    #[test]
    fn any_values_make_whole_pictures(values in prop::collection::vec(wild(), 0..60), n_outliers in 0..4_usize) {
        let outliers: Vec<f64> = values.iter().copied().take(n_outliers).collect();
        let panel = DistributionPanel { name: HOSTILE, unit: "V", values: &values, outliers: outliers.clone() };
        assert_whole(&distributions("Distributions", &[panel.clone(), panel]));
        let group = |name| GroupBox { name, values: values.clone(), outliers: outliers.clone() };
        let groups_of = vec![group(HOSTILE), group("b"), GroupBox { name: "", values: Vec::new(), outliers: Vec::new() }];
        assert_whole(&groups("Groups", &[GroupPanel { name: HOSTILE, unit: "", groups: groups_of, n_hidden: 0 }]));
        assert_whole(&control(&values));
        if let Some(bins) = histogram(&values) {
            let n_drawable = values.iter().filter(|value| value.abs() < 1e150).count();
            prop_assert_eq!(bins.counts.iter().sum::<usize>(), n_drawable);
        }
    }
}

#[test]
fn pictures_without_panels_or_values_say_so_and_are_whole() {
    assert_whole(&distributions("None", &[]));
    assert_whole(&control(&[]));
    let empty =
        distributions("Empty", &[DistributionPanel { name: "rms", unit: "V", values: &[f64::NAN], outliers: vec![] }]);
    assert_whole(&empty);
    assert!(empty.wide.to_svg().contains("no value to draw"));
}

#[test]
fn values_without_a_place_are_counted() {
    let values = [1.0, 2.0, f64::INFINITY, f64::NAN];
    let figure =
        distributions("One", &[DistributionPanel { name: "rms", unit: "V", values: &values, outliers: vec![] }]);
    assert!(figure.wide.to_svg().contains("V, n = 2, 1 not drawn"), "{}", figure.wide.to_svg());
}

#[test]
fn more_groups_than_can_be_drawn_are_counted() {
    let group = |name| GroupBox { name, values: vec![1.0, 2.0], outliers: Vec::new() };
    let panel = GroupPanel { name: "rms", unit: "V", groups: vec![group("g"); 3], n_hidden: 8 };
    assert!(groups("Many", &[panel]).wide.to_svg().contains("8 more not drawn"));
}

#[test]
fn points_outside_are_named() {
    let mut values = vec![1.0; 30];
    values.iter_mut().step_by(2).for_each(|value| *value = 1.01);
    values[12] = 5.0;
    let figure = control(&values);
    assert!(figure.wide.to_svg().contains("1 outside") && figure.wide.to_svg().contains("12</text>"));
}

#[test]
fn many_values_make_pictures_of_bounded_size() {
    let values: Vec<f64> = (0..100_000).map(|idx| f64::from(idx % 1009)).collect();
    let panel = DistributionPanel { name: "rms", unit: "V", values: &values, outliers: values.clone() };
    let size = distributions("Many", &[panel]).wide.to_svg().len();
    assert!(size < 20_000, "{size}");
    let names = vec!["u"; values.len()];
    let outside = (0..values.len()).collect();
    let panel =
        ControlPanel { name: "rms", unit: "V", values, names: &names, mean: 500.0, limits: (400.0, 600.0), outside };
    let size = control_charts("Many", "by row", &[panel], &[]).wide.to_svg().len();
    assert!(size < 200_000, "{size}");
}
