//! Why a worker died, and whose fault that was. Pure: from what the page, the kernel and the worker's last lines tell.

use crate::backend::process::child::ExitReport;
use crate::backend::process::processes::Limits;
use crate::backend::process::wire::status_page::InHand;
use crate::outcome::WorkerExit;

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// Whose fault a death was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nothing was in hand.
    Nobody,
    /// This item was in hand when the signal came that was meant for another one, which had ended by then.
    Innocent(InHand),
    /// This item took longer than it may.
    OutOfTime(InHand),
    /// This item wanted more memory than there may be.
    OutOfMemory(InHand),
    /// This item was in hand.
    Killer(InHand),
}

/// Whose fault it was, when `item_in_hand_of` was in hand and `overdue` was told to end.
pub(crate) fn blame(
    item_in_hand_of: Option<InHand>,
    overdue: Option<InHand>,
    report_of_exit: &ExitReport,
    limits: &Limits,
) -> Blame {
    let Some(item) = item_in_hand_of else { return Blame::Nobody };
    let was_told_to_end = matches!(report_of_exit.ending, WorkerExit::Signal(SIGTERM | SIGKILL));
    let is_out_of_memory = report_of_exit.ending == WorkerExit::Signal(SIGABRT) && report_of_exit.ran_out_of_memory;
    match overdue {
        Some(overdue) if overdue == item => Blame::OutOfTime(item),
        // Where nothing is begun twice, it counts that it was begun.
        Some(_) if was_told_to_end && !limits.at_most_once => Blame::Innocent(item),
        _ if limits.memory.is_some() && is_out_of_memory => Blame::OutOfMemory(item),
        _ => Blame::Killer(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: InHand = InHand { position: 7, since: 100 };
    const EARLIER: InHand = InHand { position: 6, since: 50 };

    fn of(
        item_in_hand_of: Option<InHand>,
        overdue: Option<InHand>,
        signal: i32,
        ran_out_of_memory: bool,
        limits: Limits,
    ) -> Blame {
        let ending = WorkerExit::Signal(signal);
        blame(
            item_in_hand_of,
            overdue,
            &ExitReport { ending, last_lines: String::new(), ran_out_of_memory, came_to_init: true },
            &limits,
        )
    }

    #[test]
    fn the_item_in_hand_is_to_blame_unless_the_signal_was_for_another() {
        let free = Limits::default();
        assert_eq!(of(None, Some(EARLIER), SIGTERM, false, free), Blame::Nobody);
        assert_eq!(of(Some(ITEM), None, SIGKILL, false, free), Blame::Killer(ITEM));
        assert_eq!(of(Some(ITEM), Some(ITEM), SIGTERM, false, free), Blame::OutOfTime(ITEM));
        assert_eq!(of(Some(ITEM), Some(EARLIER), SIGTERM, false, free), Blame::Innocent(ITEM));
        assert_eq!(of(Some(ITEM), Some(EARLIER), 11, false, free), Blame::Killer(ITEM));
    }

    #[test]
    fn what_was_begun_counts_where_nothing_is_begun_twice() {
        let once = Limits { at_most_once: true, ..Limits::default() };
        assert_eq!(of(Some(ITEM), Some(EARLIER), SIGTERM, false, once), Blame::Killer(ITEM));
    }

    #[test]
    fn memory_is_the_cause_only_under_a_limit_and_when_the_worker_said_so() {
        let limited = Limits { memory: Some(1), ..Limits::default() };
        assert_eq!(of(Some(ITEM), None, SIGABRT, true, limited), Blame::OutOfMemory(ITEM));
        assert_eq!(of(Some(ITEM), None, SIGABRT, false, limited), Blame::Killer(ITEM));
        assert_eq!(of(Some(ITEM), None, SIGABRT, true, Limits::default()), Blame::Killer(ITEM));
    }
}
