//! Why a worker died, and which item caused it. Pure: decides from the status page, the exit status and the last lines.
//!
//! Promises: an item is blamed only if it was in hand.
//!
//! What follows from the blame, in `receive.rs`:
//!
//! | blame | the item in hand |
//! |---|---|
//! | `NoItem` | there is none; the death counts towards those in a row |
//! | `EarlierItem` | goes back to the queue, and its attempt does not count |
//! | `OutOfTime` | fails with `Cause::TimeLimit`, without another attempt |
//! | `OutOfMemory` | fails with `Cause::MemoryLimit`, without another attempt |
//! | `Crash` | is tried once more, and at the second death fails with `Cause::Lost` |

use crate::backend::process::child::ExitReport;
use crate::backend::process::limits::Limits;
use crate::backend::process::wire::status_page::InHand;
use crate::failure::WorkerExit;

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// What caused a worker's death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// No item was in hand.
    NoItem,
    /// This item was in hand, but the signal was sent because of an earlier one, which had ended by then.
    EarlierItem(InHand),
    /// This item took longer than it may.
    OutOfTime(InHand),
    /// This item wanted more memory than the limit.
    OutOfMemory(InHand),
    /// This item was in hand, and nothing else explains the death.
    Crash(InHand),
}

/// What caused the death, where `in_hand` was in hand and `overdue` was asked to end.
///
/// For example, item 6 was asked to end at its limit and ended just then, and SIGTERM came when item 7 was in hand.
/// Then `overdue` is item 6, `in_hand` is item 7, the exit is a signal, and item 7 is not blamed. An item is compared
/// with its start time, so a second attempt at a position is not taken for the first.
///
/// Out of memory takes three facts: a limit was set, the process aborted (SIGABRT), and it printed std's message about
/// a failed allocation. A kill by the kernel's out-of-memory killer is SIGKILL, so it is a crash.
pub(super) fn blame(in_hand: Option<InHand>, overdue: Option<InHand>, death: &ExitReport, limits: &Limits) -> Blame {
    let Some(item) = in_hand else { return Blame::NoItem };
    let was_signalled = matches!(death.worker.exit, WorkerExit::Signal(SIGTERM | SIGKILL));
    let is_out_of_memory = death.worker.exit == WorkerExit::Signal(SIGABRT) && death.ran_out_of_memory;
    match overdue {
        Some(overdue) if overdue == item => Blame::OutOfTime(item),
        // Where no item may begin twice, one that began has failed, whatever the reason.
        Some(_) if was_signalled && !limits.at_most_once => Blame::EarlierItem(item),
        _ if limits.memory.is_some() && is_out_of_memory => Blame::OutOfMemory(item),
        _ => Blame::Crash(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::LostWorker;

    const ITEM: InHand = InHand { position: 7, since: 100 };
    const EARLIER: InHand = InHand { position: 6, since: 50 };

    fn of(
        in_hand: Option<InHand>,
        overdue: Option<InHand>,
        signal: i32,
        ran_out_of_memory: bool,
        limits: Limits,
    ) -> Blame {
        let exit = WorkerExit::Signal(signal);
        let worker = LostWorker { exit, last_lines: String::new(), reason: None };
        blame(in_hand, overdue, &ExitReport { worker, ran_out_of_memory, came_to_init: true }, &limits)
    }

    #[test]
    fn the_item_in_hand_is_blamed_unless_the_signal_was_for_another() {
        let free = Limits::default();
        assert_eq!(of(None, Some(EARLIER), SIGTERM, false, free), Blame::NoItem);
        assert_eq!(of(Some(ITEM), None, SIGKILL, false, free), Blame::Crash(ITEM));
        assert_eq!(of(Some(ITEM), Some(ITEM), SIGTERM, false, free), Blame::OutOfTime(ITEM));
        assert_eq!(of(Some(ITEM), Some(EARLIER), SIGTERM, false, free), Blame::EarlierItem(ITEM));
        assert_eq!(of(Some(ITEM), Some(EARLIER), 11, false, free), Blame::Crash(ITEM));
    }

    #[test]
    fn an_item_that_began_fails_where_none_may_begin_twice() {
        let once = Limits { at_most_once: true, ..Limits::default() };
        assert_eq!(of(Some(ITEM), Some(EARLIER), SIGTERM, false, once), Blame::Crash(ITEM));
    }

    #[test]
    fn memory_is_the_cause_only_under_a_limit_and_after_a_failed_allocation() {
        let limited = Limits { memory: Some(1), ..Limits::default() };
        assert_eq!(of(Some(ITEM), None, SIGABRT, true, limited), Blame::OutOfMemory(ITEM));
        assert_eq!(of(Some(ITEM), None, SIGABRT, false, limited), Blame::Crash(ITEM));
        assert_eq!(of(Some(ITEM), None, SIGABRT, true, Limits::default()), Blame::Crash(ITEM));
    }
}
