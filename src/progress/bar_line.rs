//! One line for a progress bar: which facts fit into the columns of a terminal. Pure: no terminal, no clock.
//!
//! `text.rs` gives the facts and their texts; `bar.rs` draws the line.

use std::collections::BTreeSet;

use crate::progress::estimate::short;
use crate::progress::run_status::View;
use crate::progress::text::{Fact, SEPARATOR, facts};
use crate::safe_text::printable_text;

/// The line of a bar.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BarLine {
    /// Before the bar.
    pub(super) left: String,
    /// Whether there is room for a bar, and a total that it can be drawn for.
    pub(super) has_bar: bool,
    /// After the bar.
    pub(super) right: String,
}

/// Fills so many columns: the most important facts come first, then every other fact that still fits. `width` gives the
/// number of columns that a text takes.
pub(super) fn bar_line(name: &str, view: &View, is_last: bool, columns: usize, width: fn(&str) -> usize) -> BarLine {
    let mut facts =
        facts(view, is_last, |eta| if eta.is_wide() { format!("~{}", short(eta.likely)) } else { eta.to_string() });
    facts.push((Fact::Name, shortened(&printable_text(name), columns / 4, width)));
    if view.counts.total.is_some() {
        facts.push((Fact::Bar, " ".repeat(NARROWEST_BAR)));
    }
    let kept = fitting(&facts, columns, width);
    let texts = |place| {
        let there = facts.iter().filter(|(fact, _)| kept.contains(fact) && fact.place() == place);
        there.map(|(_, text)| text.as_str()).collect::<Vec<_>>()
    };
    let mut left = texts(Place::Left);
    left.reverse(); // the name, which came last, stands first
    BarLine { left: left.join(" "), has_bar: kept.contains(&Fact::Bar), right: texts(Place::Right).join(SEPARATOR) }
}

/// With its brackets. A narrower bar shows nothing.
const NARROWEST_BAR: usize = 12;

/// On which side of the bar a fact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Left,
    Bar,
    Right,
}

impl Fact {
    fn place(self) -> Place {
        match self {
            Self::Name | Self::Percent => Place::Left,
            Self::Bar => Place::Bar,
            _ => Place::Right,
        }
    }
}

/// The facts that fit into so many columns.
fn fitting(facts: &[(Fact, String)], columns: usize, width: fn(&str) -> usize) -> BTreeSet<Fact> {
    let mut by_rank: Vec<&(Fact, String)> = facts.iter().filter(|(_, text)| !text.is_empty()).collect();
    by_rank.sort_by_key(|(fact, _)| *fact);
    let (mut kept, mut room) = (BTreeSet::new(), columns);
    for (fact, text) in by_rank {
        let separator = match fact.place() {
            Place::Right if !kept.iter().any(|fact: &Fact| fact.place() == Place::Right) => 0,
            Place::Right => SEPARATOR.len(),
            Place::Left | Place::Bar => 1,
        };
        if let Some(left) = room.checked_sub(width(text) + separator) {
            room = left;
            kept.insert(*fact);
        }
    }
    kept
}

/// Cuts the text to so many columns and marks the cut. Gives an empty text when too little would be left to recognise
/// it.
fn shortened(text: &str, columns: usize, width: fn(&str) -> usize) -> String {
    const CUT: &str = "..";
    const TOO_SHORT: usize = 8;
    if width(text) <= columns {
        return text.to_string();
    }
    let mut cut = text.to_string();
    while !cut.is_empty() && width(&cut) + CUT.len() > columns {
        cut.pop();
    }
    if width(&cut) < TOO_SHORT { String::new() } else { cut + CUT }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::progress::run_status::RunStatus;
    use crate::progress::tracker::ItemStatus;

    fn width(text: &str) -> usize {
        text.chars().count()
    }

    /// 450 of 1000, 7 of them failed, after 45 seconds.
    fn halfway() -> View {
        let status = RunStatus::new(Some(1000));
        let _in_hand = status.begin_at(Duration::ZERO, 0, 2);
        status.count(ItemStatus::Succeeded, 443);
        status.count(ItemStatus::Failed, 7);
        status.view_at(Duration::from_secs(45))
    }

    fn at(columns: usize, view: &View) -> String {
        let BarLine { left, has_bar, right } = bar_line("features", view, false, columns, width);
        let bar = if has_bar { "[..]" } else { "" };
        [left.as_str(), bar, &right].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_estimate_with_a_wide_range_is_marked_as_approximate() {
        let status = RunStatus::new(Some(100));
        let _in_hand = status.begin_at(Duration::ZERO, 0, 1);
        status.count(ItemStatus::Succeeded, 1);
        assert!(at(80, &status.view_at(Duration::from_secs(2))).ends_with("~3m 18s left"));
    }

    #[test]
    fn a_run_of_unknown_length_has_no_bar() {
        let status = RunStatus::new(None);
        let _in_hand = status.begin_at(Duration::ZERO, 0, 1);
        status.count(ItemStatus::Succeeded, 5000);
        assert_eq!(at(80, &status.view_at(Duration::from_secs(4))), "features 5000 done, 100% ok, 1250/s");
    }

    #[test]
    fn no_name_moves_a_cursor() {
        let left = bar_line("a\r\tb", &halfway(), false, 200, width).left;
        assert!(!left.chars().any(char::is_control), "{left:?}");
    }

    #[test]
    fn a_narrower_terminal_loses_what_matters_least() {
        let view = halfway();
        let shown: Vec<String> = [100, 80, 60, 50, 40, 30, 20, 12, 8, 4, 2].map(|columns| at(columns, &view)).into();
        assert_eq!(
            shown,
            [
                "features 45% [..] 450/1000, 7 failed, 98.4% ok, 10.0/s, 55s left",
                "features 45% [..] 450/1000, 7 failed, 98.4% ok, 10.0/s, 55s left",
                "features 45% 450/1000, 7 failed, 98.4% ok, 10.0/s, 55s left",
                "45% 450/1000, 7 failed, 98.4% ok, 10.0/s, 55s left",
                "45% 450/1000, 7 failed, 10.0/s, 55s left",
                "45% 450/1000, 7 failed, 10.0/s",
                "450/1000, 7 failed",
                "45% 450/1000",
                "450/1000",
                "45%",
                "",
            ]
        );
        for columns in 0..120 {
            assert!(at(columns, &view).len() <= columns, "{columns}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_says_so() {
        assert_eq!(bar_line(&"n".repeat(50), &halfway(), false, 100, width).left, format!("{}.. 45%", "n".repeat(23)));
    }
}
