//! The report on the terminal: what a night was like and where to look, in lines of at most 80 characters.

use std::path::Path;

use super::Night;
use super::highlights::{Highlight, Highlights};
use super::remarks::EpochsWithoutResult;
use super::summary::{StageSummary, Summary};
use super::text::{clock, count, duration, item, list, number};

/// No more lines than this about what is missing; the page and the summary name everything.
const MOST_NAMED: usize = 8;

/// As many columns of features as fit.
const MOST_COLUMNS: usize = 6;

pub(crate) fn report(night: &Night, summary: &Summary, highlights: &Highlights, folder: &Path) -> String {
    let mut parts = vec![heading(summary)];
    parts.extend(summary.stages.as_deref().map(|stages| stage_table(stages, highlights)));
    parts.push(facts(night, summary, folder));
    parts.join("\n\n")
}

fn heading(summary: &Summary) -> String {
    let Summary { title, input, counts, .. } = summary;
    let length = duration(input.duration_s);
    format!(
        "{title}\n{}, {length}, {}, {} of {}",
        clock(input.start_ns),
        count(counts.signals, "signal"),
        count(counts.epochs, "epoch"),
        duration(summary.epoch_s)
    )
}

/// A row per stage: how much of it there was, and the means of the features that matter.
fn stage_table(stages: &[StageSummary], highlights: &Highlights) -> String {
    let columns: Vec<StageColumn> =
        highlights.all().take(MOST_COLUMNS).map(|one| StageColumn::of(one, stages)).collect();
    let cells = |text: &dyn Fn(&StageColumn) -> String| -> String {
        columns.iter().map(|column| format!("{:>1$}", text(column), column.width())).collect()
    };
    let head = format!("{:<6}{:>8}{:>7}{}", "stage", "min", "share", cells(&|column| column.short.to_owned()));
    let units = format!("{:21}{}", "", cells(&|column| column.unit.clone()));
    let mut lines = vec![head, units.trim_end().to_owned()];
    for stage in stages {
        let (minutes, share) = (format!("{:.1}", stage.minutes), format!("{:.0} %", stage.percent));
        lines.push(format!("{:<6}{minutes:>8}{share:>7}{}", stage.stage, cells(&|column| column.mean_in(stage))));
    }
    lines.join("\n")
}

/// A feature as a column of the table of stages.
struct StageColumn {
    short: &'static str,
    unit: String,
    decimals: usize,
}

impl StageColumn {
    /// With as many decimals as the largest mean needs for three digits, one at least.
    fn of(highlight: &Highlight, stages: &[StageSummary]) -> Self {
        let means = stages.iter().filter_map(|stage| stage.means.get(highlight.short).copied().flatten());
        let largest = means.fold(0.0, |largest: f64, mean| largest.max(mean.abs()));
        let decimals = if largest >= 10.0 {
            1
        } else if largest >= 1.0 {
            2
        } else {
            3
        };
        Self { short: highlight.short, unit: highlight.short_unit.clone(), decimals }
    }

    fn width(&self) -> usize {
        self.short.len().max(self.unit.chars().count()).max(6) + 2
    }

    fn mean_in(&self, stage: &StageSummary) -> String {
        let mean = stage.means.get(self.short).copied().flatten();
        mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.0$}", self.decimals))
    }
}

fn facts(night: &Night, summary: &Summary, folder: &Path) -> String {
    let counts = &summary.counts;
    let mut lines = vec![
        item("features", &format!("{} for {}", counts.features, count(counts.epochs, "epoch"))),
        item(
            "aligned",
            &format!(
                "{} x {} at {} Hz ({}), {}",
                count(counts.aligned_rows, "row"),
                count(counts.aligned_columns, "column"),
                number(summary.alignment.rate_hz),
                summary.alignment.method,
                summary.alignment.why_this_rate
            ),
        ),
    ];
    lines.extend(named("no data", gaps(night)));
    lines.extend(named("failed", failures(night)));
    lines
        .extend(named("left out", night.remarks.left_out.iter().map(|one| format!("{}: {}", one.subject, one.reason))));
    if night.remarks.failed_epochs.is_empty() && night.remarks.left_out.is_empty() {
        lines.push(item("failed", "nothing failed and nothing was left out"));
    }
    lines.push(item("cache", &cache(summary)));
    lines.push(item("seconds", &seconds(summary)));
    lines.push(item("device", &device(summary)));
    lines.push(item("files", &format!("{}: {}", folder.display(), summary.files.join(" "))));
    lines.join("\n")
}

/// One line for all signals that lack the same epochs.
fn gaps(night: &Night) -> impl Iterator<Item = String> {
    let mut together: Vec<(&EpochsWithoutResult, Vec<String>)> = Vec::new();
    for gap in &night.remarks.gaps {
        let is_same = |one: &&mut (&EpochsWithoutResult, Vec<String>)| {
            one.0.operation == gap.operation && one.0.epochs == gap.epochs
        };
        match together.iter_mut().find(is_same) {
            Some((_, names)) => names.push(gap.signal.clone()),
            None => together.push((gap, vec![gap.signal.clone()])),
        }
    }
    together.into_iter().map(|(gap, names)| format!("{} ({}): {}", list(&names), gap.operation, gap.epoch_list()))
}

fn failures(night: &Night) -> impl Iterator<Item = String> {
    night
        .remarks
        .failed_epochs
        .iter()
        .map(|failed| format!("{} ({}): {}, {}", failed.signal, failed.operation, failed.epoch_list(), failed.reason))
}

/// The first of them, under one name.
fn named(name: &str, all: impl Iterator<Item = String>) -> Vec<String> {
    let all: Vec<String> = all.collect();
    let name_of = |nth: usize| if nth == 0 { name } else { "" };
    let mut lines: Vec<String> =
        all.iter().take(MOST_NAMED).enumerate().map(|(nth, text)| item(name_of(nth), text)).collect();
    if all.len() > MOST_NAMED {
        lines.push(item("", &format!("and {} more: see index.html", all.len() - MOST_NAMED)));
    }
    lines
}

fn cache(summary: &Summary) -> String {
    let cache = &summary.cache;
    format!(
        "{} kept, {} hits, {} misses, hit rate {:.0} %",
        count(cache.entries, "set"),
        cache.hits,
        cache.misses,
        cache.hit_rate
    )
}

/// What computed the spectra, and what a measurement said.
fn device(summary: &Summary) -> String {
    let measured = summary.device_measured.iter().map(|sentence| format!("; {sentence}"));
    format!("spectra on {}{}", summary.device, measured.collect::<String>())
}

fn seconds(summary: &Summary) -> String {
    let steps: Vec<String> = summary.seconds.0.iter().map(|(step, seconds)| format!("{step} {seconds:.2}")).collect();
    format!("{}; mode {}, {}", steps.join(", "), summary.mode, count(summary.workers, "worker"))
}
