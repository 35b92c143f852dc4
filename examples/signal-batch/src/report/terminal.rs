//! The report on a terminal: a table of metrics, where to look, and the score.

use super::content::{Content, MetricContent, SCORE_FORMULA};
use super::text_table::{Side, TextTable, wrapped};
use crate::regression::{Comparisons, Verdict};
use crate::shown_number::{count, number, p_text, percent, signed, significant};
use crate::stats::Quality;

/// No more lines than this of one kind; the page and the summary name everything.
const MOST_NAMED: usize = 8;

/// The lines, none wider than `width`.
pub(super) fn report(content: &Content, width: usize) -> String {
    let mut lines = heading(content);
    lines.push(String::new());
    lines.extend(metrics(content).lines(width));
    let empty = content.empty_metrics();
    if !empty.is_empty() {
        lines.push(format!("not defined for these captures: {}", empty.join(", ")));
    }
    lines.extend(outliers(content));
    if let Some(comparisons) = &content.comparisons {
        lines.extend(moved(comparisons, width));
    }
    lines.extend(out_of_control(content));
    lines.extend(remarks(content));
    lines.push(String::new());
    lines.extend(score(content));
    lines.iter().flat_map(|line| wrapped(line, width)).collect::<Vec<_>>().join("\n")
}

fn heading(content: &Content) -> Vec<String> {
    let captures = &content.captures;
    let failed = if captures.failed > 0 { format!(", {} failed", captures.failed) } else { String::new() };
    let counts =
        format!("{} from {}{failed}", count(content.measurements, "measurement"), count(captures.measured, "capture"));
    let span = content.first_captured_at.as_ref().zip(content.last_captured_at.as_ref());
    let mut lines = vec![content.title.clone(), counts];
    lines.extend(span.map(|(first, last)| format!("captured from {first} to {last}")));
    lines
}

fn metrics(content: &Content) -> TextTable {
    let names = ["metric", "unit"].map(|name| (name, Side::Left));
    let numbers = ["mean", "deviation", "median", "outliers", "share"].map(|name| (name, Side::Right));
    let mut table = TextTable::new(&[&names[..], &numbers[..]].concat());
    for MetricContent { name, unit, description, outliers, .. } in content.measured_metrics() {
        let (n, of) = (outliers.len(), description);
        let numbers = [number(of.mean), significant(of.std, 4), significant(of.median, 4), n.to_string()];
        table.row([name.clone(), unit.clone()].into_iter().chain(numbers).chain([percent(n, of.count)]));
    }
    table
}

/// The captures that are outliers in most metrics.
fn outliers(content: &Content) -> Vec<String> {
    let rule = format!("outliers by {} at {}", content.method, content.threshold);
    let within = content.group.as_ref().map_or(String::new(), |group| format!(", within each {group}"));
    let found = outlier_captures(content);
    if found.is_empty() {
        return vec![String::new(), format!("no {rule}{within}")];
    }
    let line = |(name, metrics): &(&str, Vec<&str>)| format!("  {name}: {}", metrics.join(", "));
    let mut lines = vec![String::new(), format!("{rule}{within}: {}", count(found.len(), "capture"))];
    lines.extend(found.iter().take(MOST_NAMED).map(line));
    lines.extend(more(found.len()));
    lines
}

/// The captures with outliers and the metrics in which they are, those in most metrics first.
pub(super) fn outlier_captures(content: &Content) -> Vec<(&str, Vec<&str>)> {
    let mut rows: std::collections::BTreeMap<usize, (&str, Vec<&str>)> = std::collections::BTreeMap::new();
    for metric in &content.metrics {
        for outlier in &metric.outliers {
            rows.entry(outlier.row).or_insert((&outlier.name, Vec::new())).1.push(&metric.name);
        }
    }
    let mut found: Vec<(&str, Vec<&str>)> = rows.into_values().collect();
    found.sort_by_key(|(_, metrics)| std::cmp::Reverse(metrics.len()));
    found
}

fn moved(comparisons: &Comparisons, width: usize) -> Vec<String> {
    let (alpha, test) = (comparisons.settings.alpha, comparisons.settings.test);
    let differing: Vec<_> = comparisons.metrics.iter().filter(|one| one.verdict == Verdict::Moved).collect();
    let tested = comparisons.metrics.iter().filter(|one| one.p.is_some()).count();
    let head = format!(
        "{} of {} differ ({test}, {}, p < {alpha})",
        differing.len(),
        count(tested, "comparison"),
        comparisons.settings.correction
    );
    let names = ["metric", "a", "b"].map(|name| (name, Side::Left));
    let numbers = ["change of mean", "%", "adjusted p"].map(|name| (name, Side::Right));
    let mut table = TextTable::new(&[&names[..], &numbers[..]].concat());
    for one in differing.iter().take(MOST_NAMED) {
        let change = signed(one.comparison.mean_diff, 4);
        let percent = one.change_percent.map_or_else(|| number(f64::NAN), |change| signed(change, 3));
        let p = one.p_adjusted.map_or_else(String::new, p_text);
        table.row([one.metric.clone(), one.a.clone(), one.b.clone(), change, percent, p]);
    }
    let mut lines = vec![String::new(), head];
    if !differing.is_empty() {
        lines.extend(table.lines(width.saturating_sub(2)).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(more(differing.len()));
    lines
}

fn out_of_control(content: &Content) -> Vec<String> {
    let outside: Vec<_> = content.metrics.iter().filter(|metric| !metric.outside.is_empty()).collect();
    if outside.is_empty() {
        return Vec::new();
    }
    let line = |metric: &&MetricContent| {
        let (n, of) = (metric.outside.len(), metric.description.count);
        if metric.drifts() {
            return format!("  {}: {n} of {of}; it drifts or steps, as between batches", metric.name);
        }
        let names: Vec<&str> = metric.outside.iter().take(MOST_NAMED).map(|point| point.name.as_str()).collect();
        let rest = if n > MOST_NAMED { format!(" and {} more", n - MOST_NAMED) } else { String::new() };
        format!("  {}: {n} of {of}: {}{rest}", metric.name, names.join(", "))
    };
    let mut lines = vec![String::new(), "outside of the limits of their control charts".to_owned()];
    lines.extend(outside.iter().take(MOST_NAMED).map(line));
    lines.extend(more(outside.len()));
    lines
}

fn remarks(content: &Content) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, remarks) in [("failed", &content.failures), ("notes", &content.notes)] {
        if !remarks.is_empty() {
            lines.extend([String::new(), what.to_owned()]);
        }
        lines.extend(remarks.iter().take(MOST_NAMED).map(|one| format!("  {}: {}", one.subject, one.reason)));
        lines.extend(more(remarks.len()));
    }
    lines
}

fn score(content: &Content) -> Vec<String> {
    let quality = content.signal_quality.as_ref().map(|quality| format!("signal quality: {}", quality_text(quality)));
    let score = match content.quality_score {
        Some(score) => vec![format!("quality score {score:.1} of 100"), format!("  = {SCORE_FORMULA}")],
        None => vec!["no quality score: there are no captures".to_owned()],
    };
    quality.into_iter().chain(score).collect()
}

/// How good the signals are, in words.
pub(super) fn quality_text(quality: &Quality) -> String {
    let peaks = format!("peaks {} % consistent", significant(quality.consistency_percent, 3));
    let wild = count(quality.total_files - quality.valid_files, "peak");
    let snr = if quality.mean_snr.is_nan() {
        "no SNR is defined".to_owned()
    } else {
        let (mean, high, low) = (quality.mean_snr, quality.high_quality_count, quality.low_quality_count);
        format!("mean SNR {} dB, {high} above 30 dB, {low} below 20 dB", significant(mean, 3))
    };
    format!("{snr}; {peaks}, {wild} beyond 3 deviations")
}

fn more(n: usize) -> Option<String> {
    (n > MOST_NAMED).then(|| format!("  and {} more", n - MOST_NAMED))
}
