//! The texts of progress: facts about a run, one line of a log, the warning about a slow chunk. Pure: no clock, no
//! terminal.
//!
//! `lines.rs` writes these lines, and `bar_line.rs` picks the facts that fit beside a bar.

use std::fmt::Write as _;
use std::time::Duration;

use crate::progress::estimate::{Eta, short};
use crate::progress::run_status::{ChunkInHand, RunPhase, View};
use crate::safe_text::printable_text;

/// One line for a log, with all known facts.
pub(super) fn line(name: &str, view: &View, is_last: bool) -> String {
    let texts: Vec<String> = facts(view, is_last, |eta| eta.to_string()).into_iter().map(|(_, text)| text).collect();
    format!("{}: {}", printable_text(name), texts.join(SEPARATOR))
}

/// The warning about a chunk that takes suspiciously long.
pub(super) fn stalled(name: &str, view: &View, chunk: &ChunkInHand) -> String {
    let mut text = format!("{}: item {}", printable_text(name), chunk.first);
    let others = chunk.n_items.saturating_sub(1);
    // Writing to a string cannot fail.
    let _ = view.name(chunk.first).map(|name| write!(text, " ({name:?})"));
    let _ = (others > 0).then(|| write!(text, ", or another of the {} in its chunk,", chunk.n_items));
    let _ = write!(text, " has been in hand for {}", short(view.time_in_hand(chunk)));
    let _ = view.mean_item_time.map(|mean| write!(text, "; the mean is {}", each(mean)));
    text
}

pub(super) const SEPARATOR: &str = ", ";

/// One fact about a run, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    Count,
    Failed,
    Percent,
    Time,
    Rate,
    Success,
    #[cfg(feature = "bar")]
    Bar,
    #[cfg(feature = "bar")]
    Name,
    Lost,
    Retried,
    Resumed,
}

/// The known facts, in the order of a line.
pub(super) fn facts(view: &View, is_last: bool, show_eta: impl Fn(Eta) -> String) -> Vec<(Fact, String)> {
    let (counts, recovered) = (&view.counts, &view.recovered);
    let done = counts.done();
    let some = |fact, n: u64, what: &str| (n > 0).then(|| (fact, format!("{n} {what}")));
    let lost = if recovered.lost_workers == 1 { "worker lost" } else { "workers lost" };
    let count = counts.total.map_or_else(|| format!("{done} done"), |total| format!("{done}/{total}"));
    [
        // Rounded down, here and below, so that 100% always means all.
        counts.percent().map(|percent| (Fact::Percent, format!("{}%", percent.floor()))),
        Some((Fact::Count, count)),
        some(Fact::Failed, counts.failed, "failed"),
        counts.success_rate().map(|rate| (Fact::Success, format!("{}% ok", (rate * 10.0).floor() / 10.0))),
        rate(counts.items_per_second()).map(|rate| (Fact::Rate, rate)),
        some(Fact::Retried, recovered.retried, "retried"),
        some(Fact::Lost, recovered.lost_workers, lost),
        some(Fact::Resumed, counts.resumed, "resumed"),
        time(view, is_last, show_eta).map(|time| (Fact::Time, time)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The time left or taken, or the phase that the run waits in.
fn time(view: &View, is_last: bool, show_eta: impl Fn(Eta) -> String) -> Option<String> {
    let is_whole = view.counts.total.is_none_or(|total| total == view.counts.done());
    match view.phase {
        _ if is_last && is_whole => Some(format!("in {}", short(view.age))),
        _ if is_last => Some(format!("ended after {}", short(view.age))),
        RunPhase::Starting => Some("starting workers".to_string()),
        RunPhase::Stopping => {
            let n_items: usize = view.in_hand.iter().map(|chunk| chunk.n_items).sum();
            Some(format!("stopping, {n_items} in hand"))
        }
        RunPhase::Running => view.counts.eta().map(|eta| format!("{} left", show_eta(eta))),
    }
}

/// Items per second; none before the first.
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

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use crate::progress::run_status::RunStatus;
    use crate::progress::tracker::ItemStatus;
    use crate::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    /// 450 of 1000, 7 of them failed, after 45 seconds.
    fn halfway() -> View {
        let status = RunStatus::new(Some(1000));
        let _in_hand = status.begin_at(Duration::ZERO, 0, 2);
        status.count(ItemStatus::Succeeded, 443);
        status.count(ItemStatus::Failed, 7);
        status.view_at(45 * SECOND)
    }

    #[test]
    fn a_line_has_all_known_facts() {
        assert_eq!(
            line("features", &halfway(), false),
            "features: 45%, 450/1000, 7 failed, 98.4% ok, 10.0/s, 55s left"
        );
        let status = RunStatus::new(Some(30));
        let _in_hand = status.begin_at(Duration::ZERO, 0, 1);
        status.count(ItemStatus::Resumed, 10);
        status.count(ItemStatus::Succeeded, 1);
        status.retry(3);
        status.lose_worker();
        assert_eq!(
            line("features", &status.view_at(60 * SECOND), false),
            "features: 36%, 11/30, 100% ok, one in 1m 0s, 3 retried, 1 worker lost, 10 resumed, 4m 12s to 1h 25m left"
        );
    }

    #[test]
    fn an_uncertain_estimate_is_a_range() {
        let status = RunStatus::new(Some(100));
        let _in_hand = status.begin_at(Duration::ZERO, 0, 1);
        status.count(ItemStatus::Succeeded, 1);
        let view = status.view_at(2 * SECOND);
        assert!(line("a", &view, false).ends_with("44s to 14m 32s left"));
    }

    #[test]
    fn each_phase_is_named() {
        let status = RunStatus::new(Some(8));
        status.count(ItemStatus::Resumed, 2);
        assert_eq!(line("a", &status.view_at(SECOND), false), "a: 25%, 2/8, 2 resumed, starting workers");
        let _in_hand = [status.begin_at(SECOND, 0, 2), status.begin_at(SECOND, 2, 1)];
        assert_eq!(line("a", &status.view_at(2 * SECOND), false), "a: 25%, 2/8, 2 resumed", "nothing is known yet");
        status.stop();
        assert_eq!(line("a", &status.view_at(2 * SECOND), false), "a: 25%, 2/8, 2 resumed, stopping, 3 in hand");
        assert_eq!(line("a", &status.view_at(3 * SECOND), true), "a: 25%, 2/8, 2 resumed, ended after 3s");
        status.count(ItemStatus::Succeeded, 6);
        assert_eq!(line("a", &status.view_at(3 * SECOND), true), "a: 100%, 8/8, 100% ok, 3.00/s, 2 resumed, in 3s");
    }

    #[test]
    fn a_run_of_unknown_length_has_no_percent_and_no_estimate() {
        let status = RunStatus::new(None);
        let _in_hand = status.begin_at(Duration::ZERO, 0, 1);
        status.count(ItemStatus::Succeeded, 5000);
        let view = status.view_at(4 * SECOND);
        assert_eq!(line("a", &view, false), "a: 5000 done, 100% ok, 1250/s");
        assert_eq!(line("a", &view, true), "a: 5000 done, 100% ok, 1250/s, in 4s");
    }

    #[test]
    fn a_stalled_item_is_named_by_index_and_key() {
        let status = RunStatus::new(Some(9));
        let done = status.begin_at(Duration::ZERO, 0, 2);
        status.end_at(SECOND, done);
        let _in_hand = [status.begin_at(SECOND, 0, 1), status.begin_at(SECOND, 2, 3)];
        status.name_items(Arc::new(vec!["night\n1".to_string()]));
        let view = status.view_at(76 * SECOND);
        let [named, unnamed] = [0, 1].map(|place| stalled("features", &view, &view.in_hand[place]));
        assert_eq!(named, r#"features: item 0 ("night\n1") has been in hand for 1m 15s; the mean is 500.0ms"#);
        assert_eq!(
            unnamed,
            "features: item 2, or another of the 3 in its chunk, has been in hand for 1m 15s; the mean is 500.0ms"
        );
    }

    #[test]
    fn percentages_are_rounded_down() {
        let status = RunStatus::new(Some(100_000));
        let _in_hand = status.begin_at(Duration::ZERO, 0, 1);
        status.count(ItemStatus::Succeeded, 99_998);
        status.count(ItemStatus::Failed, 1);
        let text = line("a", &status.view_at(SECOND), false);
        assert!(text.starts_with("a: 99%, 99999/100000, 1 failed, 99.9% ok, 99999/s"), "{text}");
    }

    #[test]
    fn no_name_moves_a_cursor_or_breaks_a_line() {
        let view = halfway();
        let text = line("a\n\u{1b}[2Jb\u{202e}", &view, false);
        assert!(text.starts_with(r"a\n\u{1b}[2Jb\u{202e}: 45%"), "{text:?}");
    }
}
