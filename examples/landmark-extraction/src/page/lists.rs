//! The lists of a page: facts, failures, warnings. What is too long or too many is cut, and says so.

use consumer_support::page::{Fact, Warning, warning_list};

use super::SplitView;
use crate::sample::SampleStatus;

/// More lines than this are counted, not shown.
const MOST_LINES: usize = 200;
/// The letters of a text that are shown.
const MOST_LETTERS: usize = 400;

/// The text with no more than so many letters, so that a page keeps its size whatever a name holds.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}

pub(super) fn shown_facts(facts: &[Fact]) -> Vec<Fact> {
    facts.iter().map(|fact| Fact { name: clip(&fact.name), value: clip(&fact.value) }).collect()
}

pub(super) fn warnings_html(warnings: &[Warning]) -> String {
    list(warnings.len(), warnings.iter().cloned(), "There are none.", "extraction_metrics.csv counts them all")
}

/// The samples of all splits that have no array, with their reason.
pub(super) fn failures_html(splits: &[SplitView<'_>]) -> String {
    let figures = splits.iter().flat_map(|split| split.figures.iter().map(|figures| (split.name, figures)));
    let failed = figures.filter(|(_, figures)| figures.status == SampleStatus::Failed);
    let lines = failed.clone().map(|(split, figures)| Warning {
        subject: format!("{split}/{}", figures.sample_id),
        reason: figures.error.clone(),
    });
    list(failed.count(), lines, "No sample failed.", "failed_samples.json has them all")
}

fn list(n_lines: usize, lines: impl Iterator<Item = Warning>, none: &str, where_all: &str) -> String {
    let short = |line: Warning| Warning { subject: clip(&line.subject), reason: clip(&line.reason) };
    let n_more = n_lines.saturating_sub(MOST_LINES);
    let more = (n_more > 0).then(|| Warning {
        subject: format!("{n_more} more"),
        reason: format!("only the first {MOST_LINES} are shown; {where_all}"),
    });
    warning_list(&lines.take(MOST_LINES).map(short).chain(more).collect::<Vec<_>>(), none)
}
