//! Compares all metrics of two tables, or of the groups of one, as one family of tests.

use serde::Serialize;

use super::decision::Pair;
use super::{MetricComparison, NOT_METRICS, RegressionSettings, Verdict, chosen_metrics, require_known};
use crate::{BatchError, BatchResult, Metric, Table};

/// More groups than this are compared each with all others together, not pair by pair.
const MOST_PAIRED_GROUPS: usize = 4;

/// More groups than this are not compared: each would be a test on all rows.
pub const MOST_COMPARED_GROUPS: usize = 100;

/// All comparisons of a family, and what could not be compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparisons {
    /// The settings they were made with.
    pub settings: RegressionSettings,
    /// One for each metric, or for each metric and pair of groups.
    pub metrics: Vec<MetricComparison>,
    /// Metrics that only `a` has.
    pub only_in_a: Vec<String>,
    /// Metrics that only `b` has.
    pub only_in_b: Vec<String>,
    /// What else differs, a sentence each.
    pub notes: Vec<String>,
}

/// Compares the metrics that both tables have, `b` relative to `a`. NaN is left out of each sample.
///
/// Cost: that of [`stats::compare`](crate::stats::compare) for each metric.
///
/// ```
/// use signal_batch::regression::{RegressionSettings, compare_tables};
/// use signal_batch::{NumberColumn, Table};
///
/// let table = |shift: f64| {
///     let values = (0..20).map(|idx| shift + f64::from(idx % 5)).collect();
///     Table::new(vec![], vec![NumberColumn { name: "peak".into(), values }])
/// };
/// let compared = compare_tables(&table(0.0)?, &table(9.0)?, &RegressionSettings::default())?;
/// assert_eq!(compared.regressions().next().unwrap().metric, "peak");
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
///
/// # Errors
/// [`BatchError::Unknown`] when the settings name a metric that neither table has, [`BatchError::Setting`] for a level that is none.
pub fn compare_tables(a: &Table, b: &Table, settings: &RegressionSettings) -> BatchResult<Comparisons> {
    settings.require_level()?;
    let both = [a, b];
    settings.limits.keys().try_for_each(|name| require_known(&both, name))?;
    let names = chosen_metrics(&both, settings.metrics.as_deref())?;
    let (units_a, units_b) = (units(a), units(b));
    let obstacle = unlike_units(&units_a, &units_b);
    let mut pairs = Vec::new();
    let (mut only_in_a, mut only_in_b) = (Vec::new(), Vec::new());
    for name in &names {
        match (a.number(name), b.number(name)) {
            (Some(in_a), Some(in_b)) => pairs.push(Pair {
                obstacle: obstacle.clone().filter(|_| depends_on_unit(name)),
                ..pair(name, &units_b, ("a", in_a.to_vec()), ("b", in_b.to_vec()), settings)
            }),
            (Some(_), None) => only_in_a.push(name.clone()),
            _ => only_in_b.push(name.clone()),
        }
    }
    let metrics = judged(&pairs, settings);
    let failed = [("a", a), ("b", b)].into_iter().filter_map(|(side, table)| failed(side, table));
    let notes = failed.chain(unlike_rates(a, b)).collect();
    Ok(Comparisons { settings: settings.clone(), metrics, only_in_a, only_in_b, notes })
}

/// Compares the groups of a table: each pair of up to four groups, or each of more with all others together (`a` is then the others).
/// Rows without a group are left out, and counted in the notes. All comparisons are one family.
///
/// # Errors
/// [`BatchError::Unknown`] when the table lacks the column of groups or a metric that the settings name, and [`BatchError::Setting`] for a
/// level that is none or more than [`MOST_COMPARED_GROUPS`] groups.
pub fn compare_groups(table: &Table, group: &str, settings: &RegressionSettings) -> BatchResult<Comparisons> {
    settings.require_level()?;
    let labels = group_labels(table, group)?;
    settings.limits.keys().try_for_each(|name| require_known(&[table], name))?;
    let names = chosen_metrics(&[table], settings.metrics.as_deref())?;
    let groups = distinct(&labels);
    require_few(groups.len(), group)?;
    let of = |name: &str, belongs: &dyn Fn(&str) -> bool| -> Vec<f64> {
        let values = table.number(name).unwrap_or_default().iter();
        values.zip(&labels).filter(|(_, label)| belongs(label)).map(|(value, _)| *value).collect()
    };
    let units = units(table);
    let sides = sides(&groups);
    let obstacles: Vec<Option<String>> = sides.iter().map(|sides| unlike_units_of(table, &labels, sides)).collect();
    let mut pairs = Vec::new();
    for name in &names {
        for (sides, obstacle) in sides.iter().zip(&obstacles) {
            let a = (sides.a.unwrap_or("all others"), of(name, &|label| sides.has_in_a(label)));
            let b = (sides.b, of(name, &|label| sides.has_in_b(label)));
            let obstacle = obstacle.clone().filter(|_| depends_on_unit(name));
            pairs.push(Pair { obstacle, ..pair(name, &units, a, b, settings) });
        }
    }
    let metrics = judged(&pairs, settings);
    let notes = without_group(&labels, group).into_iter().chain(failed("the table", table)).collect();
    Ok(Comparisons { settings: settings.clone(), metrics, only_in_a: Vec::new(), only_in_b: Vec::new(), notes })
}

/// The groups that are compared with each other.
struct Sides<'a> {
    /// None stands for all groups but `b`.
    a: Option<&'a str>,
    b: &'a str,
}

impl Sides<'_> {
    fn has_in_a(&self, label: &str) -> bool {
        self.a.map_or(!label.is_empty() && label != self.b, |a| label == a)
    }

    fn has_in_b(&self, label: &str) -> bool {
        label == self.b
    }
}

/// Each pair of few groups; each of many with all others.
fn sides<'a>(groups: &[&'a str]) -> Vec<Sides<'a>> {
    if groups.len() > MOST_PAIRED_GROUPS {
        return groups.iter().map(|b| Sides { a: None, b }).collect();
    }
    let with_later = |(at, &a): (usize, &&'a str)| groups[at + 1..].iter().map(move |b| Sides { a: Some(a), b });
    groups.iter().enumerate().flat_map(with_later).collect()
}

impl Comparisons {
    /// Those that count as regressions.
    pub fn regressions(&self) -> impl Iterator<Item = &MetricComparison> {
        self.metrics.iter().filter(|one| one.is_regression())
    }

    /// Those that could not be tested although there are values on one side at least.
    pub fn untested(&self) -> impl Iterator<Item = &MetricComparison> {
        let has_values = |one: &&MetricComparison| one.comparison.n_a + one.comparison.n_b > 0;
        self.metrics.iter().filter(|one| one.verdict == Verdict::NotTested).filter(has_values)
    }
}

/// The labels of all rows.
pub(crate) fn group_labels<'a>(table: &'a Table, group: &str) -> BatchResult<Vec<&'a str>> {
    let known = || table.texts().iter().map(|column| column.name.as_str());
    let labels = table.text(group).ok_or_else(|| BatchError::unknown("column of groups", group, known()))?;
    Ok(labels.iter().map(String::as_str).collect())
}

/// Refuses a column that is no column of groups, such as one of names.
fn require_few(n_groups: usize, group: &str) -> BatchResult<()> {
    if n_groups <= MOST_COMPARED_GROUPS {
        return Ok(());
    }
    let reason =
        format!("it makes {n_groups} groups; choose a column with at most {MOST_COMPARED_GROUPS} different texts");
    Err(BatchError::Setting { setting: "group".to_owned(), value: group.to_owned(), reason })
}

/// The labels in the order in which they appear; an empty one is none.
pub(crate) fn distinct<'a>(labels: &[&'a str]) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    labels.iter().copied().filter(|label| !label.is_empty() && seen.insert(*label)).collect()
}

/// Says how many rows have no group.
pub(crate) fn without_group(labels: &[&str], group: &str) -> Option<String> {
    match labels.iter().filter(|label| label.is_empty()).count() {
        0 => None,
        n => Some(format!("{n} of {} rows have no {group} and are compared with none", labels.len())),
    }
}

/// The unit of the samples in a table: the only one that its column `unit` names; none where it names none or several.
pub(crate) fn sample_unit(table: &Table) -> Option<&str> {
    match units(table)[..] {
        [unit] => Some(unit),
        _ => None,
    }
}

/// The unit of a metric, for samples in this unit.
pub(crate) fn unit_of(metric: &str, samples: Option<&str>) -> String {
    match Metric::of_name(metric) {
        Some(known) if samples.is_some() || !depends_on_unit(metric) => known.unit().sign(samples.unwrap_or_default()),
        _ => String::new(),
    }
}

fn judged(pairs: &[Pair<'_>], settings: &RegressionSettings) -> Vec<MetricComparison> {
    let mut metrics: Vec<MetricComparison> =
        pairs.iter().map(|pair| pair.compare(settings.test, settings.alpha)).collect();
    let p: Vec<f64> = metrics.iter().filter_map(|one| one.p).collect();
    let adjusted = settings.correction.adjusted(&p);
    let tested = metrics.iter_mut().filter(|one| one.p.is_some());
    tested.zip(adjusted).for_each(|(one, p_adjusted)| one.decide(p_adjusted, settings.alpha));
    metrics
}

fn pair<'a>(
    metric: &'a str,
    units: &[&str],
    (a, a_values): (&'a str, Vec<f64>),
    (b, b_values): (&'a str, Vec<f64>),
    settings: &RegressionSettings,
) -> Pair<'a> {
    let samples = if let [unit] = units { Some(*unit) } else { None };
    let limit = settings.limits.get(metric).copied().unwrap_or_default();
    Pair { metric, unit: unit_of(metric, samples), a, b, a_values, b_values, limit, obstacle: None }
}

/// The different units of the samples.
pub(crate) fn units(table: &Table) -> Vec<&str> {
    let column: Vec<&str> = table.text("unit").unwrap_or_default().iter().map(String::as_str).collect();
    distinct(&column)
}

/// Whether the numbers of a metric are in the unit of the samples, or its square.
pub(crate) fn depends_on_unit(metric: &str) -> bool {
    Metric::of_name(metric).is_some_and(|metric| metric.unit().sign("V") != metric.unit().sign("A"))
}

/// Why metrics in the unit of the samples cannot be compared.
fn unlike_units(a: &[&str], b: &[&str]) -> Option<String> {
    let is_known = !a.is_empty() && !b.is_empty();
    let differ = a.iter().any(|unit| !b.contains(unit)) || b.iter().any(|unit| !a.contains(unit));
    (is_known && differ).then(|| format!("measured in {} and in {}", a.join(", "), b.join(", ")))
}

/// As [`unlike_units`], of the rows on both sides.
fn unlike_units_of(table: &Table, labels: &[&str], sides: &Sides<'_>) -> Option<String> {
    let units = table.text("unit")?;
    let of = |belongs: &dyn Fn(&str) -> bool| {
        let rows = units.iter().zip(labels).filter(|(_, label)| belongs(label));
        distinct(&rows.map(|(unit, _)| unit.as_str()).collect::<Vec<_>>())
    };
    unlike_units(&of(&|label| sides.has_in_a(label)), &of(&|label| sides.has_in_b(label)))
}

/// Says how many captures of a table have no measurements.
fn failed(side: &str, table: &Table) -> Option<String> {
    match table.text("error")?.iter().filter(|error| !error.is_empty()).count() {
        0 => None,
        n => Some(format!("{n} of {} captures of {side} failed and are compared with none", table.n_rows())),
    }
}

/// Names the settings of captures that differ: other rates make other spectra.
fn unlike_rates(a: &Table, b: &Table) -> Vec<String> {
    let range = |table: &Table, name: &str| -> Option<(f64, f64)> {
        let values = table.number(name)?.iter().filter(|value| !value.is_nan());
        values.fold(None, |range: Option<(f64, f64)>, &value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })
    };
    let text = |(low, high): (f64, f64)| if low == high { low.to_string() } else { format!("{low} to {high}") };
    let differing = NOT_METRICS.iter().filter_map(|name| {
        let (a, b) = (range(a, name)?, range(b, name)?);
        (a != b).then(|| format!("{name} is {} in a and {} in b; metrics may differ for that alone", text(a), text(b)))
    });
    differing.collect()
}
