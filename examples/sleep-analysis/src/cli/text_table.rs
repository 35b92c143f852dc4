//! Small tables for the terminal: aligned columns, no line wider than 80 characters.

use std::fmt;

use manyhands::report::printable_text;

/// No line is longer than this, so that it is whole on any terminal.
const WIDTH: usize = 80;
const GAP: &str = "  ";

/// Rows of text under a header. Numbers are right-aligned; text is cut where the line would be too long.
#[derive(Debug)]
pub(crate) struct TextTable {
    rows: Vec<Vec<String>>,
}

impl TextTable {
    pub(crate) fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { rows: vec![header.map(str::to_owned).to_vec()] }
    }

    /// A row with as many cells as the header. A cell stays on its line, whatever the name in it.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.rows[0].len(), "a row is as long as the header");
        self.rows.push(cells.map(|cell| printable_text(&cell).into_owned()).into());
    }

    /// As wide as the widest cell; where that is too wide in all, the widest columns are narrowed.
    fn widths(&self) -> Vec<usize> {
        let n_columns = self.rows[0].len();
        let natural = |idx: usize| self.rows.iter().map(|row| row[idx].chars().count()).max().unwrap_or(0).min(WIDTH);
        let mut widths: Vec<usize> = (0..n_columns).map(natural).collect();
        let room = WIDTH.saturating_sub(GAP.len() * (n_columns - 1));
        while widths.iter().sum::<usize>() > room {
            *widths.iter_mut().max().expect("a sum above zero has a part") -= 1;
        }
        widths
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let is_number =
            |idx: usize| self.rows[1..].iter().all(|row| row[idx].parse::<f64>().is_ok() || row[idx] == "-");
        for (nth, row) in self.rows.iter().enumerate() {
            let cell = |(idx, text): (usize, &String)| {
                let (text, width) = (cut(text, widths[idx]), widths[idx]);
                if is_number(idx) { format!("{text:>width$}") } else { format!("{text:<width$}") }
            };
            let line = row.iter().enumerate().map(cell).collect::<Vec<_>>().join(GAP);
            let end = if nth == 0 { "" } else { "\n" };
            write!(f, "{end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The text, or as much of it as fits, with a mark that something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['~']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_below_each_other_and_numbers_to_the_right() {
        let mut table = TextTable::new(["run", "rows", "note"]);
        table.row(["all".into(), "7".into(), String::new()]);
        table.row(["subset".into(), "1200".into(), "1 left out".into()]);
        assert_eq!(table.to_string(), "run     rows  note\nall        7\nsubset  1200  1 left out");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let mut table = TextTable::new(["run", "file", "rows", "note"]);
        table.row(["a".repeat(70), "b".repeat(70), "1".repeat(30), "c".repeat(200)]);
        table.row(["ä".repeat(10), "b".into(), "1".into(), "c".into()]);
        table.row(["a\nb".into(), "\u{1b}[2J".into(), "1".into(), "c".into()]);
        assert_eq!(table.to_string().lines().count(), 4);
        for line in table.to_string().lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert!(table.to_string().contains('~'));
    }
}
