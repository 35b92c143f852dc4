//! Says whether what came of a call is right: each value, each failure with its item and cause, and nothing missing.

use manyhands::job::{LostWorker, WorkerExit};
use manyhands::{Cause, ItemFailure, Outcome};

use crate::items::{Act, EXIT_CODE, Item, ON_PURPOSE};

/// What is wrong, or nothing.
pub(crate) type Verdict = Result<(), String>;

/// The result of an item.
pub(crate) type ItemResult = Result<u64, ItemFailure<String>>;

/// What the call suffered beside what its items do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Injected {
    /// So many workers were killed from outside.
    pub(crate) kills: usize,
    /// So many workers are ended by attempts that are tried again.
    pub(crate) deaths: usize,
    /// A killed worker costs its item, which is not tried again.
    pub(crate) is_at_most_once: bool,
    /// The call was ended early, so items may be without a result.
    pub(crate) is_cut: bool,
    /// The item with this number panics when it is dropped, and may fail of it.
    pub(crate) fragile: Option<u64>,
}

/// Judges an outcome that must have no warnings, but of a drop that panicked on purpose.
pub(crate) fn outcome(items: &[Item], injected: Injected, outcome: Outcome<u64, String>) -> Verdict {
    let of_drop = injected.fragile.map(|number| format!("{ON_PURPOSE}{number}"));
    let is_injected = |warning: &String| of_drop.as_ref().is_some_and(|message| warning.ends_with(message));
    let warnings = outcome.warnings().iter().map(ToString::to_string);
    if let Some(warning) = warnings.into_iter().find(|warning| !is_injected(warning)) {
        return Err(format!("warning: {warning}"));
    }
    outcome_with_warnings(items, injected, outcome)
}

pub(crate) fn outcome_with_warnings(items: &[Item], injected: Injected, outcome: Outcome<u64, String>) -> Verdict {
    let tally = *outcome.tally();
    let all = outcome.into_results();
    let counted = tally.succeeded + tally.failed + tally.cancelled;
    if (all.len() != items.len() && !injected.is_cut) || counted != tally.items || tally.items != all.len() {
        return Err(format!("{} items, {} results, and the tally says: {tally}", items.len(), all.len()));
    }
    let n_values = all.iter().filter(|result| result.is_ok()).count();
    if n_values != tally.succeeded {
        return Err(format!("{n_values} values, and the tally says: {tally}"));
    }
    let is_deadly = |item: &Item| !matches!(item.act, Act::Answer | Act::Sleep(_) | Act::Error | Act::Panic);
    if tally.lost_workers > injected.kills + injected.deaths && !items.iter().any(is_deadly) {
        return Err(format!("{} workers were killed, and the tally says: {tally}", injected.kills));
    }
    results(items, injected, all.into_iter().enumerate())
}

/// Judges results that come with their index, in any order.
pub(crate) fn results(
    items: &[Item],
    injected: Injected,
    found: impl IntoIterator<Item = (usize, ItemResult)>,
) -> Verdict {
    let mut has_result = vec![false; items.len()];
    let mut n_killed = 0;
    for (index, result) in found {
        let Some(item) = items.get(index) else { return Err(format!("a result of item {index}, of {}", items.len())) };
        if std::mem::replace(&mut has_result[index], true) {
            return Err(format!("two results of item {index}"));
        }
        match result {
            Ok(value) => right_value(item, value).map_err(|problem| format!("item {index}: {problem}"))?,
            Err(failure) if failure.index != index => {
                return Err(format!("the failure of item {index} names item {}: {failure}", failure.index));
            }
            Err(failure) if explains(item, injected, &failure) => {}
            Err(failure) if injected.is_at_most_once && is_killed(&failure) => n_killed += 1,
            Err(failure) => return Err(format!("not injected: {failure}; the item was to {:?}", item.act)),
        }
    }
    if n_killed > injected.kills {
        return Err(format!("{n_killed} items failed of {} killed workers", injected.kills));
    }
    match has_result.iter().position(|&has| !has) {
        Some(index) if !injected.is_cut => Err(format!("item {index} of {} has no result", items.len())),
        _ => Ok(()),
    }
}

fn right_value(item: &Item, value: u64) -> Verdict {
    let has_value = matches!(item.act, Act::Answer | Act::Sleep(_));
    match (has_value, item.value()) {
        (true, right) if right == value => Ok(()),
        (true, right) => Err(format!("the value {value:#x} in place of {right:#x}")),
        (false, _) => Err(format!("a value, though it was to {:?}", item.act)),
    }
}

/// Whether this failure is one that the item or the call was to have.
fn explains(item: &Item, injected: Injected, failure: &ItemFailure<String>) -> bool {
    let lost = |exit| matches!(&failure.cause, Cause::Lost(lost) if has_exit(lost, exit));
    let is_injected = match item.act {
        Act::Answer | Act::Sleep(_) => false,
        Act::Error => failure.error() == Some(&format!("error of item {}", item.number)),
        Act::Panic => is_panic_of(item.number, failure),
        Act::KillItself => lost(WorkerExit::Signal(9)),
        Act::Abort => lost(WorkerExit::Signal(6)),
        Act::Exit => lost(WorkerExit::Exit(EXIT_CODE)),
        Act::Hang => failure.is_time_limit(),
        Act::EatMemory => failure.is_memory_limit(),
    };
    let is_of_its_drop = injected.fragile == Some(item.number) && is_panic_of(item.number, failure);
    is_injected || is_of_its_drop || (injected.is_cut && failure.is_cancelled())
}

fn has_exit(lost: &LostWorker, exit: WorkerExit) -> bool {
    lost.exit == exit
}

fn is_killed(failure: &ItemFailure<String>) -> bool {
    matches!(&failure.cause, Cause::Lost(lost) if has_exit(lost, WorkerExit::Signal(9)))
}

fn is_panic_of(number: u64, failure: &ItemFailure<String>) -> bool {
    // Where a drop panics, words may stand before the message.
    matches!(&failure.cause, Cause::Panic(message) if message.ends_with(&format!("{ON_PURPOSE}{number}")))
}
