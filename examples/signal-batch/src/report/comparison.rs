//! A comparison of two batches as a section of a page, a page of its own, and lines for a terminal.

use consumer_support::page::{self, Fact, Figure, Link, facts_list, file_list, section, warning_list};

use super::html_table::{html, note};
use super::page::STYLE;
use super::text_table::{Side, TextTable, wrapped};
use super::{fact, warning};
use crate::regression::{Comparisons, MetricComparison, Verdict};
use crate::shown_number::{count, number, p_text, signed};

/// What to do when a limit is exceeded and the test is not sure.
const UNCERTAIN: &str =
    "beyond the limit, but it may be chance: measure more, or where values are wild try --test mann-whitney";

/// The page of a comparison.
///
/// ```
/// use signal_batch::regression::{RegressionSettings, compare_tables};
/// use signal_batch::report::ComparisonPage;
/// use signal_batch::{NumberColumn, Table};
///
/// let table = Table::new(vec![], vec![NumberColumn { name: "rms".into(), values: vec![1.0, 2.0, 3.0] }])?;
/// let comparisons = compare_tables(&table, &table, &RegressionSettings::default())?;
/// let page = ComparisonPage { title: "Night 7", comparisons: &comparisons, facts: vec![], figures: vec![], files: vec![] };
/// assert!(page.to_html().contains("No metric moved"));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ComparisonPage<'a> {
    /// Above everything.
    pub title: &'a str,
    /// What was compared.
    pub comparisons: &'a Comparisons,
    /// What else is to be known, behind the settings.
    pub facts: Vec<Fact>,
    /// Pictures of the values.
    pub figures: Vec<Figure>,
    /// Files beside the page.
    pub files: Vec<Link>,
}

impl ComparisonPage<'_> {
    /// The page as HTML. The same input always gives the same bytes.
    #[must_use]
    pub fn to_html(&self) -> String {
        let comparisons = self.comparisons;
        let regressions: Vec<page::Warning> =
            comparisons.regressions().map(|one| warning(&one.metric, movement(one))).collect();
        let facts: Vec<Fact> = settings_facts(comparisons).into_iter().chain(self.facts.iter().cloned()).collect();
        let figures: String = self.figures.iter().enumerate().map(|(idx, figure)| figure.to_html(idx)).collect();
        let sections = [
            page::header(self.title, &verdict_line(comparisons), ""),
            section("Moved", &warning_list(&regressions, "No metric moved by more than its limit.")),
            section("Summary", &facts_list(&facts)),
            section(
                "Not tested, not certain or left out",
                &warning_list(&left_out(comparisons), "Every metric was tested."),
            ),
            section("All metrics", &comparison_section(comparisons)),
            figures,
            section("Files", &file_list(&self.files)),
        ];
        page::start(self.title, STYLE) + &sections.concat() + page::END
    }
}

/// The comparison for a terminal of so many columns.
///
/// ```
/// use signal_batch::regression::{RegressionSettings, compare_tables};
/// use signal_batch::report::comparison_terminal;
/// use signal_batch::{NumberColumn, Table};
///
/// let table = Table::new(vec![], vec![NumberColumn { name: "rms".into(), values: vec![1.0, 2.0, 3.0] }])?;
/// let compared = compare_tables(&table, &table, &RegressionSettings::default())?;
/// assert!(comparison_terminal(&compared, 80).lines().all(|line| line.chars().count() <= 80));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[must_use]
pub fn comparison_terminal(comparisons: &Comparisons, width: usize) -> String {
    let mut lines = vec![settings_line(comparisons)];
    lines.extend(only_pair(comparisons).map(|(a, b)| format!("a: {a}, b: {b}")));
    lines.push(String::new());
    lines.extend(table(comparisons).lines(width));
    let left_out = left_out(comparisons);
    if !left_out.is_empty() {
        lines.extend([String::new(), "not tested, not certain or left out".to_owned()]);
        lines.extend(left_out.iter().map(|one| format!("  {}: {}", one.subject, one.reason)));
    }
    lines.extend([String::new(), verdict_line(comparisons)]);
    lines.extend(comparisons.regressions().map(|one| format!("  {}: {}", one.metric, movement(one))));
    lines.iter().flat_map(|line| wrapped(line, width)).collect::<Vec<_>>().join("\n")
}

/// The table of all comparisons with effect sizes and intervals. What has moved stands first; else the order of metrics is kept.
pub(super) fn comparison_section(comparisons: &Comparisons) -> String {
    let has_pairs = has_pairs(comparisons);
    let names: &[&str] = if has_pairs { &["metric", "a", "b", "verdict"] } else { &["metric", "verdict"] };
    let numbers = [
        "adjusted p",
        "mean of a",
        "mean of b",
        "change",
        "95 % interval",
        "change, %",
        "Hedges' g",
        "Cliff's delta",
        "p",
        "n of a",
        "n of b",
    ];
    let mut ordered: Vec<&MetricComparison> = comparisons.metrics.iter().collect();
    ordered.sort_by_key(|one| !one.is_regression());
    let n_rows = ordered.len();
    let rows = ordered.into_iter().map(|one| row(one, has_pairs));
    let about = "Changes are b less a. The interval is that of the difference of the means, after Welch. Hedges' g is the change in \
                 pooled deviations; Cliff's delta is the chance that a value of b is larger, less the chance that it is smaller.";
    let table =
        html("Comparison", &[names, &numbers].concat(), names.len(), (rows, n_rows), "There is nothing to compare.");
    table + &note(&format!("{}.", settings_line(comparisons))) + &note(about)
}

fn row(one: &MetricComparison, has_pairs: bool) -> Vec<String> {
    let compared = &one.comparison;
    let optional = |value: Option<f64>| value.map_or_else(|| number(f64::NAN), |value| signed(value, 3));
    let p_or_dash = |p: Option<f64>| p.map_or_else(|| number(f64::NAN), p_text);
    let unit = if one.unit.is_empty() { String::new() } else { format!(", {}", one.unit) };
    let pair = if has_pairs { vec![one.a.clone(), one.b.clone()] } else { Vec::new() };
    let numbers = [
        p_or_dash(one.p_adjusted),
        number(compared.mean_a),
        number(compared.mean_b),
        signed(compared.mean_diff, 4),
        interval(one).unwrap_or_else(|| number(f64::NAN)),
        optional(one.change_percent),
        optional(compared.hedges_g),
        optional(compared.cliffs_delta),
        p_or_dash(one.p),
        compared.n_a.to_string(),
        compared.n_b.to_string(),
    ];
    let metric = format!("{}{unit}", one.metric);
    [metric].into_iter().chain(pair).chain([one.verdict.to_string()]).chain(numbers).collect()
}

/// Whether there are pairs of groups, not just `a` and `b`.
fn has_pairs(comparisons: &Comparisons) -> bool {
    comparisons.metrics.iter().any(|one| one.a != "a" || one.b != "b")
}

/// The names of the two sides where all comparisons have the same, and these are not just `a` and `b`.
fn only_pair(comparisons: &Comparisons) -> Option<(&str, &str)> {
    let first = comparisons.metrics.first()?;
    let is_of_it = |one: &MetricComparison| (&one.a, &one.b) == (&first.a, &first.b);
    let is_only = has_pairs(comparisons) && comparisons.metrics.iter().all(is_of_it);
    is_only.then_some((first.a.as_str(), first.b.as_str()))
}

/// How a metric moved, in words: means, change, interval, p.
fn movement(one: &MetricComparison) -> String {
    let compared = &one.comparison;
    let unit = if one.unit.is_empty() { String::new() } else { format!(" {}", one.unit) };
    let percent = one.change_percent.map_or_else(String::new, |percent| format!(" ({} %)", signed(percent, 3)));
    let interval = interval(one).map_or_else(String::new, |interval| format!(", 95 % CI {interval}"));
    let p = one.p_adjusted.map_or_else(String::new, |p| format!(", p {}", p_text(p)));
    let limit = one.limit.max_change.map_or_else(String::new, |limit| format!(", limit {limit}"));
    let pair = if (one.a.as_str(), one.b.as_str()) == ("a", "b") {
        String::new()
    } else {
        format!("{} to {}: ", one.a, one.b)
    };
    format!(
        "{pair}{} to {}{unit}, {}{percent}{interval}{p}{limit}",
        number(compared.mean_a),
        number(compared.mean_b),
        signed(compared.mean_diff, 4)
    )
}

fn interval(one: &MetricComparison) -> Option<String> {
    let welch = one.comparison.welch.as_ref()?;
    Some(format!("{} to {}", signed(welch.ci95.0, 4), signed(welch.ci95.1, 4)))
}

fn verdict_line(comparisons: &Comparisons) -> String {
    let tested = comparisons.metrics.iter().filter(|one| one.p.is_some()).count();
    match comparisons.regressions().count() {
        0 => format!("no metric moved by more than its limit, of {tested} tested"),
        n => format!("{n} of {} moved by more than the limit", count(tested, "tested metric")),
    }
}

fn settings_line(comparisons: &Comparisons) -> String {
    let settings = &comparisons.settings;
    format!("{} test, p values {}, significant below {}", settings.test, settings.correction, settings.alpha)
}

fn settings_facts(comparisons: &Comparisons) -> Vec<Fact> {
    let settings = &comparisons.settings;
    let n = |verdict: Verdict| comparisons.metrics.iter().filter(|one| one.verdict == verdict).count().to_string();
    vec![
        fact("Test", settings.test.to_string()),
        fact("p values", settings.correction.to_string()),
        fact("Significant below", settings.alpha.to_string()),
        fact("Moved", n(Verdict::Moved)),
        fact("Improved", n(Verdict::Improved)),
        fact("Within limit", n(Verdict::WithinLimit)),
        fact("Unchanged", n(Verdict::Unchanged)),
        fact("Not tested", n(Verdict::NotTested)),
    ]
}

/// Metrics that were not tested, may have moved or are on one side only, and notes.
fn left_out(comparisons: &Comparisons) -> Vec<page::Warning> {
    let untested = comparisons.metrics.iter().filter(|one| one.verdict == Verdict::NotTested);
    let mut all: Vec<page::Warning> = untested.map(|one| warning(&one.metric, one.reason.as_str())).collect();
    let uncertain = comparisons.metrics.iter().filter(|one| one.is_uncertain());
    all.extend(uncertain.map(|one| warning(&one.metric, format!("{}; {UNCERTAIN}", movement(one)))));
    all.extend(comparisons.only_in_a.iter().map(|name| warning(name, "only a has it")));
    all.extend(comparisons.only_in_b.iter().map(|name| warning(name, "only b has it")));
    all.extend(comparisons.notes.iter().map(|text| warning("note", text.as_str())));
    all
}

/// Wide enough for its names in a usual terminal: pairs of groups stand in the place of the means, which the page has.
fn table(comparisons: &Comparisons) -> TextTable {
    let many_pairs = has_pairs(comparisons) && only_pair(comparisons).is_none();
    let sides: &[(&str, Side)] = if many_pairs {
        &[("a", Side::Left), ("b", Side::Left)]
    } else {
        &[("mean of a", Side::Right), ("mean of b", Side::Right)]
    };
    let change = [("change, %", Side::Right), ("adjusted p", Side::Right), ("verdict", Side::Left)];
    let mut table = TextTable::new(&[&[("metric", Side::Left)][..], sides, &change[..]].concat());
    for one in &comparisons.metrics {
        let means = || [one.comparison.mean_a, one.comparison.mean_b].map(number);
        let sides = if many_pairs { [one.a.clone(), one.b.clone()] } else { means() };
        let percent = one.change_percent.map_or_else(|| number(f64::NAN), |percent| signed(percent, 3));
        let p = one.p_adjusted.map_or_else(|| number(f64::NAN), p_text);
        table.row([one.metric.clone()].into_iter().chain(sides).chain([percent, p, one.verdict.to_string()]));
    }
    table
}
