//! Rows of text below a header, for a terminal: numbers to the right, nothing wider than the terminal, no line broken.

use manyhands::report::printable_text;

const GAP: &str = "  ";

/// To which side the cells of a column go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// A table in the making.
#[derive(Debug)]
pub(crate) struct TextTable {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table with this header.
    pub(crate) fn new(header: &[(&str, Side)]) -> Self {
        let names = header.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self { sides: header.iter().map(|(_, side)| *side).collect(), rows: vec![names] }
    }

    /// A row with as many cells as the header.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| printable_text(&cell).into_owned()).collect();
        debug_assert_eq!(cells.len(), self.sides.len(), "a row is as long as the header");
        self.rows.push(cells);
    }

    /// The lines, none wider than `width`. Columns of names give way first, the widest of them before others.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let widths = self.widths(width);
        let cell = |(idx, text): (usize, &String)| {
            let (text, width) = (shortened(text, widths[idx]), widths[idx]);
            if self.sides[idx] == Side::Right { format!("{text:>width$}") } else { format!("{text:<width$}") }
        };
        let line = |row: &Vec<String>| row.iter().enumerate().map(cell).collect::<Vec<_>>().join(GAP);
        self.rows.iter().map(|row| shortened(line(row).trim_end(), width)).collect()
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let n_columns = self.sides.len();
        let natural = |idx: usize| self.rows.iter().map(|row| row[idx].chars().count()).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..n_columns).map(natural).collect();
        let room = width.saturating_sub(GAP.len() * n_columns.saturating_sub(1));
        let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
        for side in [Side::Left, Side::Right] {
            let least = if side == Side::Left { 8 } else { 4 };
            while excess > 0 {
                let columns = (0..n_columns).filter(|idx| self.sides[*idx] == side && widths[*idx] > least);
                let Some(widest) = columns.max_by_key(|idx| widths[*idx]) else { break };
                widths[widest] -= 1;
                excess -= 1;
            }
        }
        widths
    }
}

/// The text, or its beginning with a mark that something is missing.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['\u{2026}']).collect()
}

/// A line in as many lines as it needs, broken between words; the later ones are indented two further. A word that is too long is shortened.
/// What a terminal would obey is written as an escape.
pub(crate) fn wrapped(line: &str, width: usize) -> Vec<String> {
    let line = printable_text(line);
    if line.chars().count() <= width {
        return vec![line.into_owned()];
    }
    let indent = line.chars().take_while(|letter| *letter == ' ').count();
    let mut lines = vec![" ".repeat(indent)];
    for word in line.split_whitespace() {
        let last = lines.last().map_or(0, |last| last.chars().count());
        let is_first = lines.last().is_none_or(|last| last.trim().is_empty());
        if !is_first && last + 1 + word.chars().count() > width {
            lines.push(" ".repeat(indent + 2));
        } else if !is_first {
            push(&mut lines, " ");
        }
        let room = width.saturating_sub(lines.last().map_or(0, |last| last.chars().count()));
        push(&mut lines, &shortened(word, room));
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_and_numbers_stay_whole_at_the_right() {
        let mut table = TextTable::new(&[("name", Side::Left), ("mean", Side::Right)]);
        table.row(["a".repeat(90), "12.5".to_owned()]);
        table.row(["b\u{1b}[2J".to_owned(), "1234.25".to_owned()]);
        let lines = table.lines(40);
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:?}");
        assert!(lines[1].contains('\u{2026}') && lines[1].ends_with("   12.5"), "{lines:?}");
        assert!(lines[2].contains("\\u{1b}") && lines[2].ends_with("1234.25"), "{lines:?}");
    }

    #[test]
    fn prose_is_broken_between_words_and_its_indent_is_kept() {
        let lines = wrapped("  unit_7: sample 12 is no number; cut it out", 20);
        assert_eq!(lines, ["  unit_7: sample 12", "    is no number;", "    cut it out"]);
        assert_eq!(wrapped(&"x".repeat(30), 10), [format!("{}\u{2026}", "x".repeat(9))]);
        assert_eq!(wrapped("", 10), [""]);
    }

    #[test]
    fn a_table_too_wide_for_its_terminal_loses_digits_only_where_no_name_can_give_way() {
        let mut table = TextTable::new(&[("n", Side::Left), ("x", Side::Right), ("y", Side::Right)]);
        table.row(["1".repeat(9), "2".repeat(30), "3".repeat(30)]);
        assert!(table.lines(20).iter().all(|line| line.chars().count() <= 20));
    }
}
