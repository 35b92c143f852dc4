//! All numbers of a report, computed once from its data.

use std::collections::{BTreeSet, HashMap};

use consumer_support::page::Warning;
use jiff::Timestamp;
use serde::Serialize;

use super::{ControlChart, ReportData};
use crate::regression::{
    Comparisons, MOST_COMPARED_GROUPS, RegressionSettings, chosen_metrics, compare_groups, depends_on_unit, distinct,
    group_labels, sample_unit, unit_of, units,
};
use crate::stats::{self, Description, OutlierMethod, Quality};
use crate::{BatchResult, Metric, Table};

/// How the score is computed, in words.
pub(super) const SCORE_FORMULA: &str =
    "100 x captures that were measured and are an outlier in no metric / all captures";

/// The numbers of a report; [`Report::summary`](super::Report::summary) is this as JSON.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Content {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) program: String,
    pub(super) captures: Captures,
    /// How many numbers there are in all metrics together.
    pub(super) measurements: usize,
    pub(super) quality_score: Option<f64>,
    pub(super) quality_score_formula: &'static str,
    /// Peaks and signal to noise ratios judged together, where both were measured.
    pub(super) signal_quality: Option<Quality>,
    pub(super) method: OutlierMethod,
    pub(super) threshold: f64,
    pub(super) group: Option<String>,
    pub(super) metrics: Vec<MetricContent>,
    pub(super) groups: Vec<GroupContent>,
    pub(super) comparisons: Option<Comparisons>,
    pub(super) failures: Vec<Remark>,
    pub(super) notes: Vec<Remark>,
    /// The versions of the program that measured.
    pub(super) versions: Vec<String>,
    pub(super) first_captured_at: Option<String>,
    pub(super) last_captured_at: Option<String>,
    /// The rows in the order of control charts.
    #[serde(skip)]
    pub(super) order: Vec<usize>,
    /// The time of each row, where all rows have one.
    #[serde(skip)]
    pub(super) times: Option<Vec<Timestamp>>,
    /// The name of each row.
    #[serde(skip)]
    pub(super) names: Vec<String>,
}

/// How many captures there are.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Captures {
    pub(super) total: usize,
    pub(super) measured: usize,
    pub(super) failed: usize,
    /// Measured ones that are an outlier in some metric.
    pub(super) with_outliers: usize,
}

/// One metric over all rows.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MetricContent {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) description: Description,
    pub(super) outlier_percent: Option<f64>,
    pub(super) outliers: Vec<NamedValue>,
    pub(super) control_chart: Option<ControlChart>,
    /// The points outside the limits of the control chart, in the order of time.
    pub(super) outside: Vec<NamedValue>,
}

/// A value and the row that it stands in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct NamedValue {
    pub(super) row: usize,
    pub(super) name: String,
    pub(super) group: String,
    pub(super) value: f64,
}

/// One group.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GroupContent {
    pub(super) name: String,
    pub(super) n_rows: usize,
    pub(super) metrics: Vec<GroupMetric>,
    /// Its rows.
    #[serde(skip)]
    pub(super) rows: Vec<usize>,
}

/// One metric within a group.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GroupMetric {
    pub(super) name: String,
    pub(super) description: Description,
}

/// A remark on something.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Remark {
    pub(super) subject: String,
    pub(super) reason: String,
}

impl Content {
    pub(super) fn of(data: &ReportData) -> BatchResult<Self> {
        stats::check_threshold(data.threshold)?;
        let table = &data.table;
        let metrics = chosen_metrics(&[table], data.metrics.as_deref())?;
        let labels: Vec<String> = match &data.group {
            Some(group) => group_labels(table, group)?.into_iter().map(str::to_owned).collect(),
            None => vec![String::new(); table.n_rows()],
        };
        let names = row_names(table);
        let times = times(table);
        let order = order(table.n_rows(), times.as_deref());
        let rows = Rows { names: &names, labels: &labels, order: &order };
        let of_groups = rows_of_groups(&labels);
        let metrics: Vec<MetricContent> = metrics.iter().map(|name| rows.metric(data, &of_groups, name)).collect();
        let groups = if data.group.is_some() { groups(data, &labels, of_groups, &metrics) } else { Vec::new() };
        let failures = failures(table, &names);
        let captures = captures(table.n_rows(), &failures, &metrics);
        let extremes = times.as_ref().and_then(|times| Some((times.iter().min()?, times.iter().max()?)));
        let good = captures.measured.saturating_sub(captures.with_outliers);
        Ok(Self {
            title: data.title.clone(),
            subtitle: data.subtitle.clone(),
            program: format!("signal-batch {}", env!("CARGO_PKG_VERSION")),
            measurements: metrics.iter().map(|metric| metric.description.count).sum(),
            quality_score: (captures.total > 0).then(|| 100.0 * good as f64 / captures.total as f64),
            quality_score_formula: SCORE_FORMULA,
            signal_quality: signal_quality(table),
            method: data.method,
            threshold: data.threshold,
            group: data.group.clone(),
            comparisons: comparisons(data, groups.len(), &metrics)?,
            notes: notes(data, groups.len(), &metrics),
            metrics,
            captures,
            failures: failures.into_iter().map(|(_, remark)| remark).collect(),
            groups,
            versions: texts(table, "version"),
            first_captured_at: extremes.map(|(first, _)| first.to_string()),
            last_captured_at: extremes.map(|(_, last)| last.to_string()),
            order,
            times,
            names,
        })
    }

    /// The metrics that have a value.
    pub(super) fn measured_metrics(&self) -> impl Iterator<Item = &MetricContent> {
        self.metrics.iter().filter(|metric| metric.description.count > 0)
    }

    /// The names of the metrics that have none.
    pub(super) fn empty_metrics(&self) -> Vec<&str> {
        self.metrics.iter().filter(|metric| metric.description.count == 0).map(|metric| metric.name.as_str()).collect()
    }
}

impl MetricContent {
    /// Whether more values are outside of the control limits than within: the level is not one, and the names of captures say nothing.
    pub(super) fn drifts(&self) -> bool {
        2 * self.outside.len() > self.description.count
    }
}

impl Remark {
    fn of(warning: &Warning) -> Self {
        Self { subject: warning.subject.clone(), reason: warning.reason.clone() }
    }

    /// As the page takes it.
    pub(super) fn warning(&self) -> Warning {
        Warning { subject: self.subject.clone(), reason: self.reason.clone() }
    }
}

/// What is known of the rows.
struct Rows<'a> {
    names: &'a [String],
    labels: &'a [String],
    order: &'a [usize],
}

impl Rows<'_> {
    fn metric(&self, data: &ReportData, rows_of_groups: &[Vec<usize>], name: &str) -> MetricContent {
        let values = data.table.number(name).unwrap_or_default();
        let description = stats::describe(values);
        let outliers = outlier_rows(data, rows_of_groups, values).into_iter().map(|row| self.named(row, values[row]));
        let outliers: Vec<NamedValue> = outliers.collect();
        let share = 100.0 * outliers.len() as f64 / description.count as f64;
        let control_chart = ControlChart::of(self.order.iter().map(|row| values[*row]));
        let outside = control_chart.iter().flat_map(|chart| &chart.outside).map(|place| self.order[*place]);
        MetricContent {
            name: name.to_owned(),
            unit: unit_of(name, sample_unit(&data.table)),
            outlier_percent: (description.count > 0).then_some(share),
            description,
            outliers,
            outside: outside.map(|row| self.named(row, values[row])).collect(),
            control_chart,
        }
    }

    fn named(&self, row: usize, value: f64) -> NamedValue {
        NamedValue { row, name: self.names[row].clone(), group: self.labels[row].clone(), value }
    }
}

/// The outliers of a metric, each judged within its group, in the order of rows.
fn outlier_rows(data: &ReportData, rows_of_groups: &[Vec<usize>], values: &[f64]) -> Vec<usize> {
    let mut found = Vec::new();
    for rows in rows_of_groups {
        let of_group: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
        found.extend(data.method.outliers(&of_group, data.threshold).into_iter().map(|at| rows[at]));
    }
    found.sort_unstable();
    found
}

/// The rows of each label in the order in which labels appear, an empty one included.
fn rows_of_groups(labels: &[String]) -> Vec<Vec<usize>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        let place = *places.entry(label).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(row);
    }
    groups
}

/// Each group that has a name.
fn groups(
    data: &ReportData,
    labels: &[String],
    of_groups: Vec<Vec<usize>>,
    metrics: &[MetricContent],
) -> Vec<GroupContent> {
    let of_group = |rows: Vec<usize>| {
        let describe = |metric: &MetricContent| {
            let values = data.table.number(&metric.name).unwrap_or_default();
            let values: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
            GroupMetric { name: metric.name.clone(), description: stats::describe(&values) }
        };
        let metrics = metrics.iter().map(describe).collect();
        GroupContent { name: labels[rows[0]].clone(), n_rows: rows.len(), metrics, rows }
    };
    of_groups.into_iter().map(of_group).filter(|group| !group.name.is_empty()).collect()
}

/// Compares the groups, where there are two or more, and not too many.
fn comparisons(data: &ReportData, n_groups: usize, metrics: &[MetricContent]) -> BatchResult<Option<Comparisons>> {
    let Some(group) = data.group.as_deref().filter(|_| (2..=MOST_COMPARED_GROUPS).contains(&n_groups)) else {
        return Ok(None);
    };
    let names = metrics.iter().filter(|metric| metric.description.count > 0).map(|metric| metric.name.clone());
    let settings = RegressionSettings { metrics: Some(names.collect()), ..RegressionSettings::default() };
    compare_groups(&data.table, group, &settings).map(Some)
}

/// The notes of the data, and that units are mixed, or that there are too many groups to compare.
fn notes(data: &ReportData, n_groups: usize, metrics: &[MetricContent]) -> Vec<Remark> {
    let mut notes: Vec<Remark> = data.notes.iter().map(Remark::of).collect();
    notes.extend(mixed_units(&data.table, metrics));
    if let Some(group) = data.group.as_ref().filter(|_| n_groups > MOST_COMPARED_GROUPS) {
        let reason = format!("{n_groups} groups by {group} are too many to compare with each other");
        notes.push(Remark { subject: "not compared".to_owned(), reason });
    }
    notes
}

/// That metrics in the unit of the samples are numbers of several units.
fn mixed_units(table: &Table, metrics: &[MetricContent]) -> Option<Remark> {
    let units = units(table);
    let is_mixed = units.len() > 1 && metrics.iter().any(|metric| depends_on_unit(&metric.name));
    is_mixed.then(|| Remark {
        subject: "units".to_owned(),
        reason: format!(
            "the samples are in {}; amplitudes and powers stand side by side as they are, not converted",
            units.join(" and in ")
        ),
    })
}

/// Of the captures that have a peak.
fn signal_quality(table: &Table) -> Option<Quality> {
    let (peak, snr) = (table.number(Metric::Peak.name())?, table.number(Metric::Snr.name())?);
    let (peak, snr): (Vec<f64>, Vec<f64>) = peak.iter().zip(snr).filter(|(peak, _)| !peak.is_nan()).unzip();
    (!peak.is_empty()).then(|| stats::quality(&peak, &snr))
}

fn row_names(table: &Table) -> Vec<String> {
    match table.texts().first() {
        Some(column) => column.values.clone(),
        None => (1..=table.n_rows()).map(|row| format!("row {row}")).collect(),
    }
}

/// The time of each row; none where one has none.
fn times(table: &Table) -> Option<Vec<Timestamp>> {
    let texts = table.text("captured_at")?;
    texts.iter().map(|text| text.parse().ok()).collect::<Option<Vec<Timestamp>>>().filter(|times| !times.is_empty())
}

/// The rows in the order of time, and in their own order where times are alike or unknown.
fn order(n_rows: usize, times: Option<&[Timestamp]>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_rows).collect();
    if let Some(times) = times {
        order.sort_by_key(|row| times[*row]);
    }
    order
}

fn failures(table: &Table, names: &[String]) -> Vec<(usize, Remark)> {
    let errors = table.text("error").unwrap_or_default().iter().enumerate().filter(|(_, error)| !error.is_empty());
    errors.map(|(row, error)| (row, Remark { subject: names[row].clone(), reason: error.clone() })).collect()
}

fn captures(total: usize, failures: &[(usize, Remark)], metrics: &[MetricContent]) -> Captures {
    let failed: BTreeSet<usize> = failures.iter().map(|(row, _)| *row).collect();
    let rows = metrics.iter().flat_map(|metric| &metric.outliers).map(|outlier| outlier.row);
    let with_outliers: BTreeSet<usize> = rows.filter(|row| !failed.contains(row)).collect();
    Captures { total, measured: total - failed.len(), failed: failed.len(), with_outliers: with_outliers.len() }
}

/// The different texts of a column.
fn texts(table: &Table, name: &str) -> Vec<String> {
    let column: Vec<&str> = table.text(name).unwrap_or_default().iter().map(String::as_str).collect();
    distinct(&column).into_iter().map(str::to_owned).collect()
}
