//! What is said of a run, in words that fit. Pure: no clock, no terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use crate::progress::estimate::{Eta, short};
use crate::progress::run_status::{InHand, Phase, View};

/// One line for a log, with everything that is known.
pub(super) fn line(name: &str, view: &View, is_last: bool) -> String {
    let said: Vec<String> = facts(view, is_last, |eta| eta.to_string()).into_iter().map(|(_, text)| text).collect();
    format!("{}: {}", printable(name), said.join(SEPARATOR))
}

/// What to say of a chunk that is in hand for too long.
pub(super) fn stalled(name: &str, view: &View, chunk: &InHand) -> String {
    let mut said = format!("{}: item {}", printable(name), chunk.first);
    let others = chunk.n_items.saturating_sub(1);
    // Writing to a string cannot fail.
    let _ = view.name(chunk.first).map(|name| write!(said, " ({name:?})"));
    let _ = (others > 0).then(|| write!(said, ", or another of the {} in its chunk,", chunk.n_items));
    let _ = write!(said, " has been in hand for {}", short(view.time_in_hand(chunk)));
    let _ = view.mean_item_time.map(|mean| write!(said, "; the mean is {}", each(mean)));
    said
}

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

/// What fits into so many columns: what matters most first, then whatever else there is room for. `width` measures a
/// text.
pub(super) fn bar_line(name: &str, view: &View, is_last: bool, columns: usize, width: fn(&str) -> usize) -> BarLine {
    let mut facts =
        facts(view, is_last, |eta| if eta.is_wide() { format!("~{}", short(eta.likely)) } else { eta.to_string() });
    facts.push((Fact::Name, shortened(&printable(name), columns / 4, width)));
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

const SEPARATOR: &str = ", ";
/// With its brackets; a bar that is narrower shows nothing.
const NARROWEST_BAR: usize = 12;

/// What can be said, in the order of how much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Count,
    Failed,
    Percent,
    Time,
    Rate,
    Success,
    Bar,
    Name,
    Lost,
    Retried,
    Resumed,
}

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

/// All that is known, in the order in which it is said.
fn facts(view: &View, is_last: bool, show_eta: impl Fn(Eta) -> String) -> Vec<(Fact, String)> {
    let (counts, warnings) = (&view.counts, &view.warnings);
    let done = counts.done();
    let some = |fact, n: u64, what: &str| (n > 0).then(|| (fact, format!("{n} {what}")));
    let lost = if warnings.lost_workers == 1 { "worker lost" } else { "workers lost" };
    let count = counts.total.map_or_else(|| format!("{done} done"), |total| format!("{done}/{total}"));
    [
        // Cut off, here and below, so that 100 is said of nothing less.
        counts.percent().map(|percent| (Fact::Percent, format!("{}%", percent.floor()))),
        Some((Fact::Count, count)),
        some(Fact::Failed, counts.failed, "failed"),
        counts.success_rate().map(|rate| (Fact::Success, format!("{}% ok", (rate * 10.0).floor() / 10.0))),
        rate(counts.items_per_second()).map(|rate| (Fact::Rate, rate)),
        some(Fact::Retried, warnings.retried, "retried"),
        some(Fact::Lost, warnings.lost_workers, lost),
        some(Fact::Resumed, counts.resumed, "resumed"),
        time(view, is_last, show_eta).map(|time| (Fact::Time, time)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How long it takes or took; or what there is to wait for.
fn time(view: &View, is_last: bool, show_eta: impl Fn(Eta) -> String) -> Option<String> {
    let is_whole = view.counts.total.is_none_or(|total| total == view.counts.done());
    match view.phase {
        _ if is_last && is_whole => Some(format!("in {}", short(view.age))),
        _ if is_last => Some(format!("ended after {}", short(view.age))),
        Phase::Starting => Some("starting workers".to_string()),
        Phase::Stopping => {
            let n_items: usize = view.in_hand.iter().map(|chunk| chunk.n_items).sum();
            Some(format!("stopping, {n_items} in hand"))
        }
        Phase::Running => view.counts.eta().map(|eta| format!("{} left", show_eta(eta))),
    }
}

/// How fast items come; none before the first.
fn rate(per_second: f64) -> Option<String> {
    match per_second {
        100.0.. => Some(format!("{per_second:.0}/s")),
        10.0.. => Some(format!("{per_second:.1}/s")),
        0.1.. => Some(format!("{per_second:.2}/s")),
        _ if per_second > 0.0 => {
            let seconds = Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(Duration::MAX);
            Some(format!("one in {}", short(seconds)))
        }
        _ => None,
    }
}

/// A mean time, which may be far below a second.
fn each(time: Duration) -> String {
    if time < Duration::from_secs(10) { format!("{time:.1?}") } else { short(time) }
}

/// The facts that go into so many columns.
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

/// As much of the text as goes into so many columns, with a mark where it was cut; nothing, when that would be too
/// little to know it by.
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

/// A name comes from the program, and may have been read from anywhere: nothing in it may move a cursor or break a
/// line.
fn printable(name: &str) -> String {
    name.chars().map(|symbol| if symbol.is_control() { ' ' } else { symbol }).collect()
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use crate::progress::run_status::RunStatus;
    use crate::progress::tracker::Ending;
    use crate::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    fn width(text: &str) -> usize {
        text.chars().count()
    }

    /// 450 of 1000, 7 of them failed, after 45 seconds.
    fn halfway() -> View {
        let watch = RunStatus::new(Some(1000));
        let _in_hand = watch.begin_at(Duration::ZERO, 0, 2);
        watch.count(Ending::Succeeded, 443);
        watch.count(Ending::Failed, 7);
        watch.view_at(45 * SECOND)
    }

    fn at(columns: usize, view: &View) -> String {
        let BarLine { left, has_bar, right } = bar_line("features", view, false, columns, width);
        let bar = if has_bar { "[..]" } else { "" };
        [left.as_str(), bar, &right].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_line_says_all_that_is_known() {
        assert_eq!(
            line("features", &halfway(), false),
            "features: 45%, 450/1000, 7 failed, 98.4% ok, 10.0/s, 55s left"
        );
        let watch = RunStatus::new(Some(30));
        let _in_hand = watch.begin_at(Duration::ZERO, 0, 1);
        watch.count(Ending::Resumed, 10);
        watch.count(Ending::Succeeded, 1);
        watch.retry(3);
        watch.lose_worker();
        assert_eq!(
            line("features", &watch.view_at(60 * SECOND), false),
            "features: 36%, 11/30, 100% ok, one in 1m 0s, 3 retried, 1 worker lost, 10 resumed, 4m 12s to 1h 25m left"
        );
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
    fn an_estimate_that_may_be_far_off_says_so_in_a_bar_too() {
        let watch = RunStatus::new(Some(100));
        let _in_hand = watch.begin_at(Duration::ZERO, 0, 1);
        watch.count(Ending::Succeeded, 1);
        let view = watch.view_at(2 * SECOND);
        assert!(line("a", &view, false).ends_with("44s to 14m 32s left"));
        assert!(at(80, &view).ends_with("~3m 18s left"));
    }

    #[test]
    fn each_phase_says_what_there_is_to_wait_for() {
        let watch = RunStatus::new(Some(8));
        watch.count(Ending::Resumed, 2);
        assert_eq!(line("a", &watch.view_at(SECOND), false), "a: 25%, 2/8, 2 resumed, starting workers");
        let _in_hand = [watch.begin_at(SECOND, 0, 2), watch.begin_at(SECOND, 2, 1)];
        assert_eq!(line("a", &watch.view_at(2 * SECOND), false), "a: 25%, 2/8, 2 resumed", "nothing is known yet");
        watch.stop();
        assert_eq!(line("a", &watch.view_at(2 * SECOND), false), "a: 25%, 2/8, 2 resumed, stopping, 3 in hand");
        assert_eq!(line("a", &watch.view_at(3 * SECOND), true), "a: 25%, 2/8, 2 resumed, ended after 3s");
        watch.count(Ending::Succeeded, 6);
        assert_eq!(line("a", &watch.view_at(3 * SECOND), true), "a: 100%, 8/8, 100% ok, 3.00/s, 2 resumed, in 3s");
    }

    #[test]
    fn a_run_of_unknown_length_has_no_percent_no_bar_and_no_estimate() {
        let watch = RunStatus::new(None);
        let _in_hand = watch.begin_at(Duration::ZERO, 0, 1);
        watch.count(Ending::Succeeded, 5000);
        let view = watch.view_at(4 * SECOND);
        assert_eq!(line("a", &view, false), "a: 5000 done, 100% ok, 1250/s");
        assert_eq!(at(80, &view), "features 5000 done, 100% ok, 1250/s");
        assert_eq!(line("a", &view, true), "a: 5000 done, 100% ok, 1250/s, in 4s");
    }

    #[test]
    fn a_stalled_item_is_told_by_index_and_name() {
        let watch = RunStatus::new(Some(9));
        let done = watch.begin_at(Duration::ZERO, 0, 2);
        watch.end_at(SECOND, done);
        let _in_hand = [watch.begin_at(SECOND, 0, 1), watch.begin_at(SECOND, 2, 3)];
        watch.name_items(Arc::new(vec!["night\n1".to_string()]));
        let view = watch.view_at(76 * SECOND);
        let [named, unnamed] = [0, 1].map(|place| stalled("features", &view, &view.in_hand[place]));
        assert_eq!(named, r#"features: item 0 ("night\n1") has been in hand for 1m 15s; the mean is 500.0ms"#);
        assert_eq!(
            unnamed,
            "features: item 2, or another of the 3 in its chunk, has been in hand for 1m 15s; the mean is 500.0ms"
        );
    }

    #[test]
    fn hundred_percent_is_said_of_nothing_less() {
        let watch = RunStatus::new(Some(100_000));
        let _in_hand = watch.begin_at(Duration::ZERO, 0, 1);
        watch.count(Ending::Succeeded, 99_998);
        watch.count(Ending::Failed, 1);
        let said = line("a", &watch.view_at(SECOND), false);
        assert!(said.starts_with("a: 99%, 99999/100000, 1 failed, 99.9% ok, 99999/s"), "{said}");
    }

    #[test]
    fn no_name_moves_a_cursor_or_breaks_a_line() {
        let view = halfway();
        for said in [line("a\n\u{1b}[2Jb", &view, false), bar_line("a\r\tb", &view, false, 200, width).left] {
            assert!(!said.chars().any(char::is_control), "{said:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_says_so() {
        assert_eq!(bar_line(&"n".repeat(50), &halfway(), false, 100, width).left, format!("{}.. 45%", "n".repeat(23)));
    }
}
