//! What `validate` prints: yields for all, for each metric and for each batch, and the units that fail, the worst first.

use signal_batch::limits::{Judgement, Verdict};

use super::rows::{BATCH_HEAD, METRIC_HEAD, batch_rows, metric_rows, sentences};
use super::units::Units;
use crate::cli::measure::MOST_NAMED;

/// As wide as a usual terminal.
const WIDTH: usize = 80;

/// The lines, none of them wider than 80 columns but for names that are.
pub(super) fn lines(judgement: &Judgement, units: &Units) -> String {
    let (n_units, n_passed) = (judgement.units.len(), judgement.n_passed());
    let mut text = format!(
        "{}: {n_units} units, {n_passed} passed, {} failed\nyield {:.2} %, score {:.2} of 100\n\n",
        units.source,
        n_units - n_passed,
        judgement.yield_percent(),
        judgement.score()
    );
    text += &table(&METRIC_HEAD, &metric_rows(judgement));
    let batches = batch_rows(judgement);
    if batches.len() > 1 {
        text += &("\n".to_owned() + &table(&BATCH_HEAD, &batches[..batches.len().min(MOST_NAMED)]));
    }
    if let Some(more @ 1..) = batches.len().checked_sub(MOST_NAMED) {
        text += &format!("{more} more batches\n");
    }
    text + &failed(judgement)
}

/// The units that fail, the worst first.
fn failed(judgement: &Judgement) -> String {
    let failed = judgement.failed_worst_first();
    let line =
        |unit: &&Verdict| wrapped(&format!("{} (score {:.2}): {}", unit.unit, unit.score, sentences(&unit.reasons)));
    let mut text: String = failed.iter().take(MOST_NAMED).map(line).collect();
    if let Some(more @ 1..) = failed.len().checked_sub(MOST_NAMED) {
        text += &format!("{more} more failed\n");
    }
    if failed.is_empty() { text } else { format!("\nfailed, the worst first:\n{text}") }
}

/// The text in lines that break between words, the later ones indented.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        let n_letters = word.chars().count();
        if width > 0 && width + 1 + n_letters > WIDTH {
            lines += "\n   ";
            width = 3;
        }
        let space = if lines.is_empty() { "" } else { " " };
        lines += &format!("{space}{word}");
        width += space.len() + n_letters;
    }
    lines + "\n"
}

/// The widest first column that a table of 80 columns has room for.
const WIDEST_NAME: usize = 28;

/// A table of texts: the first two columns to the left, the others to the right.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let shown: Vec<Vec<String>> =
        std::iter::once(&head).chain(rows).map(|row| row.iter().map(|cell| shortened(cell)).collect()).collect();
    let width = |column: usize| shown.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| match (column, widths[column]) {
            (0 | 1, width) => format!("{cell:<width$}"),
            (_, width) => format!("{cell:>width$}"),
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    shown.iter().map(line).collect()
}

/// The text with its middle left out where it is too long for a table.
fn shortened(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= WIDEST_NAME {
        return text.to_owned();
    }
    let (start, end) = (WIDEST_NAME / 2, letters.len() - (WIDEST_NAME - WIDEST_NAME / 2 - 1));
    letters[..start].iter().chain(&['\u{2026}']).chain(&letters[end..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_both_ends_and_the_table_its_columns() {
        let long = format!("start{}end", "x".repeat(100));
        let text = table(&["metric", "limits", "passed"], &[vec![long, "1 or more".to_owned(), "3".to_owned()]]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("startx") && lines[1].contains("end  1 or more"), "{text}");
        assert_eq!(lines[0].chars().count(), lines[1].chars().count());
    }

    #[test]
    fn long_reasons_break_between_words() {
        let text = wrapped(&format!("unit: {}", ["a reason of five words"; 9].join("; ")));
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.split_whitespace().count(), 1 + 45);
        assert!(text.lines().skip(1).all(|line| line.starts_with("    ") && !line.ends_with(' ')), "{text}");
    }
}
