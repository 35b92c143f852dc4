//! `index.html` of a report.

use consumer_support::escape;
use consumer_support::page::{self, Warning, facts_list, file_list, section, warning_list};

use jiff::Timestamp;

use super::comparison::comparison_section;
use super::content::{Content, GroupContent, MetricContent, NamedValue, SCORE_FORMULA};
use super::html_table::{html, note};
use super::terminal::{outlier_captures, quality_text};
use super::{ReportData, fact, warning};
use crate::pictures::{
    ControlPanel, DistributionPanel, GroupBox, GroupPanel, MOST_GROUPS, control_charts, distributions, groups,
};
use crate::shown_number::{count, number, percent, with_unit};

/// More metrics than this are not drawn; the tables have all of them.
const MOST_DRAWN: usize = 40;
/// More failures and notes than this are counted, not listed.
const MOST_REMARKS: usize = 200;
/// How many labels of time a control chart has.
const TIME_TICKS: usize = 5;

/// What the tables of a report add to the style that all pages share.
pub(super) const STYLE: &str = "td.name, th.name { text-align: left; }\n.scroll { max-height: 34em; overflow-y: auto; }\n\
                                .scroll thead th { position: sticky; top: 0; background: var(--paper); }\n";

/// The page. The same content always gives the same bytes.
pub(super) fn page(data: &ReportData, content: &Content) -> String {
    let mut figures = 0;
    let mut figure = |figure: consumer_support::page::Figure| {
        figures += 1;
        figure.to_html(figures)
    };
    let mut sections = vec![
        page::header(&content.title, &content.subtitle, ""),
        section("Summary", &facts_list(&facts(data, content))),
        section("Failed or left out", &remarks(content)),
        section("Metrics", &metric_table(content)),
        section("Outliers by name", &outliers(content)),
    ];
    if content.measured_metrics().next().is_some() {
        sections.push(figure(distribution_figure(data, content)));
    }
    if content.groups.len() > 1 {
        sections.push(figure(group_figure(data, content)));
    }
    if let Some(comparisons) = &content.comparisons {
        let group = content.group.as_deref().unwrap_or("group");
        sections.push(section(&format!("Each {group} against the others"), &comparison_section(comparisons)));
    }
    if content.metrics.iter().any(|metric| metric.control_chart.is_some()) {
        sections.push(figure(control_figure(data, content)));
        sections.push(section("Outside of the control limits", &outside(content)));
    }
    sections.push(section("Files", &file_list(&data.files)));
    page::start(&content.title, STYLE) + &sections.concat() + page::END
}

fn facts(data: &ReportData, content: &Content) -> Vec<page::Fact> {
    let captures = &content.captures;
    let score = content.quality_score.map_or_else(|| "no captures".to_owned(), |score| format!("{score:.1} of 100"));
    let mut facts = vec![
        fact("Captures", captures.total.to_string()),
        fact("Measured", captures.measured.to_string()),
        fact("Failed", captures.failed.to_string()),
        fact("Measurements", content.measurements.to_string()),
        fact("Captures with outliers", captures.with_outliers.to_string()),
        fact("Quality score", score),
        fact("Outliers by", format!("{} at {}", content.method, content.threshold)),
    ];
    if let Some(group) = &content.group {
        facts.push(fact(&format!("Groups by {group}"), content.groups.len().to_string()));
    }
    let times = content.times.as_ref();
    let ends = [
        ("First capture, UTC", times.and_then(|times| times.iter().min())),
        ("Last capture, UTC", times.and_then(|times| times.iter().max())),
    ];
    facts.extend(ends.into_iter().filter_map(|(name, at)| Some(fact(name, time_text(*at?)))));
    let versions = if content.versions.is_empty() { "not recorded".to_owned() } else { content.versions.join(", ") };
    facts.extend([fact("Measured by version", versions), fact("Page by", content.program.as_str())]);
    facts.extend(data.facts.iter().cloned());
    facts
}

fn remarks(content: &Content) -> String {
    let all: Vec<Warning> = content.failures.iter().chain(&content.notes).map(|remark| remark.warning()).collect();
    let mut shown: Vec<Warning> = all.iter().take(MOST_REMARKS).cloned().collect();
    if all.len() > MOST_REMARKS {
        shown.push(warning("and more", format!("{} in all; the files name them", all.len())));
    }
    warning_list(&shown, "Nothing failed and nothing was left out.")
}

fn metric_table(content: &Content) -> String {
    let heads = [
        "metric",
        "unit",
        "count",
        "mean",
        "deviation",
        "min",
        "lower quartile",
        "median",
        "upper quartile",
        "max",
        "outliers",
        "share",
    ];
    let row = |metric: &MetricContent| {
        let of = &metric.description;
        let numbers = [of.mean, of.std, of.min, of.q25, of.median, of.q75, of.max].map(number);
        let n = metric.outliers.len();
        let head = [metric.name.clone(), metric.unit.clone(), of.count.to_string()];
        head.into_iter().chain(numbers).chain([n.to_string(), percent(n, of.count)]).collect()
    };
    let rows = (content.measured_metrics().map(row), content.measured_metrics().count());
    let table = html("Metrics", &heads, 2, rows, "No metric has a value.");
    let empty = content.empty_metrics();
    let empty = if empty.is_empty() {
        String::new()
    } else {
        note(&format!("Not defined for any of these captures: {}.", empty.join(", ")))
    };
    let about = format!(
        "The deviation is that of a sample (n \u{2212} 1). Mean and deviation have the unit of the metric. Quality score = {SCORE_FORMULA}."
    );
    let quality = content.signal_quality.as_ref().map(|quality| format!("Signal quality: {}.", quality_text(quality)));
    table + &empty + &quality.map_or_else(String::new, |quality| note(&quality)) + &note(&about)
}

fn outliers(content: &Content) -> String {
    let within = content.group.as_ref().map_or(String::new(), |group| format!(" within each {group}"));
    let rule = format!("by {} at {}{within}", content.method, content.threshold);
    let n_values: usize = content.metrics.iter().map(|metric| metric.outliers.len()).sum();
    if n_values == 0 {
        return format!("<p>No value is an outlier {}.</p>\n", escape(&rule));
    }
    let captures = outlier_captures(content);
    let n_captures = captures.len();
    let by_capture =
        captures.iter().map(|(name, metrics)| vec![(*name).to_owned(), metrics.join(", "), metrics.len().to_string()]);
    let values = content.metrics.iter().flat_map(|metric| metric.outliers.iter().map(move |outlier| (metric, outlier)));
    let values = values.map(|(metric, outlier)| outlier_row(content, metric, outlier));
    let names: Vec<&str> = ["capture"].into_iter().chain(content.group.as_deref()).chain(["metric"]).collect();
    let heads = [&names[..], &["value", "median", "side"]].concat();
    [
        note(&format!("{} {rule}.", count(n_values, "outlier"))),
        html("Captures with outliers", &["capture", "outlier in", "metrics"], 2, (by_capture, n_captures), ""),
        "<h3>Each value</h3>\n".to_owned(),
        html("Outlying values", &heads, names.len(), (values, n_values), ""),
    ]
    .concat()
}

fn outlier_row(content: &Content, metric: &MetricContent, outlier: &NamedValue) -> Vec<String> {
    let median = median_of(content, metric, &outlier.group);
    let side = if outlier.value > median { "above" } else { "below" };
    let group = content.group.is_some().then(|| outlier.group.clone());
    let numbers = [outlier.value, median].map(|value| with_unit(value, &metric.unit));
    let names = [outlier.name.clone()].into_iter().chain(group).chain([metric.name.clone()]);
    names.chain(numbers).chain([side.to_owned()]).collect()
}

/// The median of the values that an outlier is judged among.
fn median_of(content: &Content, metric: &MetricContent, group: &str) -> f64 {
    let of_group = content.groups.iter().find(|one| one.name == group);
    let found = of_group.and_then(|one| one.metrics.iter().find(|one| one.name == metric.name));
    found.map_or(metric.description.median, |one| one.description.median)
}

fn distribution_figure(data: &ReportData, content: &Content) -> page::Figure {
    let panels = content.measured_metrics().take(MOST_DRAWN).map(|metric| DistributionPanel {
        name: &metric.name,
        unit: &metric.unit,
        values: data.table.number(&metric.name).unwrap_or_default(),
        outliers: metric.outliers.iter().map(|outlier| outlier.value).collect(),
    });
    noted(distributions("Distributions", &panels.collect::<Vec<_>>()), content)
}

fn group_figure(data: &ReportData, content: &Content) -> page::Figure {
    let drawn = &content.groups[..content.groups.len().min(MOST_GROUPS)];
    let panels = content.measured_metrics().take(MOST_DRAWN).map(|metric| GroupPanel {
        name: &metric.name,
        unit: &metric.unit,
        groups: drawn.iter().map(|group| group_box(data, metric, group)).collect(),
        n_hidden: content.groups.len() - drawn.len(),
    });
    let group = content.group.as_deref().unwrap_or("group");
    noted(groups(&format!("By {group}"), &panels.collect::<Vec<_>>()), content)
}

fn group_box<'a>(data: &ReportData, metric: &MetricContent, group: &'a GroupContent) -> GroupBox<'a> {
    let values = data.table.number(&metric.name).unwrap_or_default();
    let outliers = metric.outliers.iter().filter(|outlier| outlier.group == group.name).map(|outlier| outlier.value);
    let values = group.rows.iter().map(|row| values[*row]).collect();
    GroupBox { name: &group.name, values, outliers: outliers.collect() }
}

fn control_figure(data: &ReportData, content: &Content) -> page::Figure {
    let names: Vec<&str> = content.order.iter().map(|row| content.names[*row].as_str()).collect();
    let mut panels = Vec::new();
    for metric in content.measured_metrics().take(MOST_DRAWN) {
        let Some(chart) = &metric.control_chart else { continue };
        let values = data.table.number(&metric.name).unwrap_or_default();
        panels.push(ControlPanel {
            name: &metric.name,
            unit: &metric.unit,
            values: content.order.iter().map(|row| values[*row]).collect(),
            names: &names,
            mean: chart.mean,
            limits: (chart.lower, chart.upper),
            outside: chart.outside.clone(),
        });
    }
    let order = if content.times.is_some() { "in the order of capture" } else { "in the order of rows" };
    noted(control_charts("Control charts", order, &panels, &ticks(content)), content)
}

/// Times, or numbers of rows, at a few positions.
fn ticks(content: &Content) -> Vec<(usize, String)> {
    let last = content.order.len().saturating_sub(1);
    let mut places: Vec<usize> = (0..TIME_TICKS).map(|idx| last * idx / (TIME_TICKS - 1)).collect();
    places.dedup();
    let label = |place: usize| match &content.times {
        Some(times) => time_text(times[content.order[place]]),
        None => (place + 1).to_string(),
    };
    places.into_iter().filter(|_| !content.order.is_empty()).map(|place| (place, label(place))).collect()
}

/// To the second, in UTC.
fn time_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Says how many metrics are not drawn.
fn noted(mut figure: page::Figure, content: &Content) -> page::Figure {
    let hidden = content.measured_metrics().count().saturating_sub(MOST_DRAWN);
    if hidden > 0 {
        figure.caption += &format!(" {} not drawn.", count(hidden, "more metric"));
    }
    figure
}

fn outside(content: &Content) -> String {
    let (drifting, steady): (Vec<&MetricContent>, Vec<_>) = content.metrics.iter().partition(|metric| metric.drifts());
    let n_points = steady.iter().map(|metric| metric.outside.len()).sum();
    let points = steady.into_iter().flat_map(|metric| metric.outside.iter().map(move |point| (metric, point)));
    let row = |(metric, point): (&MetricContent, &NamedValue)| {
        let time = content.times.as_ref().map_or_else(String::new, |times| time_text(times[point.row]));
        let limits = metric.control_chart.as_ref().map_or([f64::NAN; 2], |chart| [chart.lower, chart.upper]);
        let numbers = [point.value, limits[0], limits[1]].map(|value| with_unit(value, &metric.unit));
        [point.name.clone(), metric.name.clone(), time].into_iter().chain(numbers).collect()
    };
    let heads = ["capture", "metric", "captured at, UTC", "value", "lower limit", "upper limit"];
    let names: Vec<&str> = drifting.iter().map(|metric| metric.name.as_str()).collect();
    let (none, drift) = if names.is_empty() {
        ("Every value is within the limits of its control chart.", String::new())
    } else {
        let about =
            "No steady level, but a drift or a step, as between batches; most values are outside, and not listed here";
        (
            "Every other value is within the limits of its control chart.",
            note(&format!("{about}: {}.", names.join(", "))),
        )
    };
    drift + &html("Outside of the control limits", &heads, 3, (points.map(row), n_points), none)
}
