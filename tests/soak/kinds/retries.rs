//! Items that fail at first, by an error, a panic or the end of their worker, and are tried again.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use manyhands::job::FailureKind;
use manyhands::{AnyMode, Job, OnFailure, Retry};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::items::{Act, Item, perform};
use crate::judge::{self, Injected, Verdict};

/// An item whose first attempt fails: a file says whether there was one.
#[derive(Debug, Serialize, Deserialize)]
struct Unlucky {
    item: Item,
    /// What the first attempt does, and the file that it makes before.
    at_first: Option<(Act, PathBuf)>,
}

fn try_item(unlucky: &Unlucky) -> Result<u64, String> {
    match &unlucky.at_first {
        Some((act, file)) if !file.exists() => {
            fs::write(file, "").unwrap();
            perform(&Item { act: *act, ..unlucky.item })
        }
        _ => perform(&unlucky.item),
    }
}

pub(crate) fn retry(call: &mut Call) -> Verdict {
    let items = call.items();
    let mode = call.any_mode();
    let acts: &[Act] = match mode {
        AnyMode::Processes(_) if call.rng.one_in(20) => &[Act::Error, Act::Panic, Act::KillItself],
        _ => &[Act::Error, Act::Panic],
    };
    let (mut n_retries, mut n_deaths) = (0, 0);
    let mut unlucky = |item: &Item| {
        let fails = call.rng.one_in(6);
        let act = acts[call.rng.index(acts.len())];
        n_retries += usize::from(fails && act != Act::KillItself);
        n_deaths += usize::from(fails && act == Act::KillItself);
        Unlucky { item: *item, at_first: fails.then(|| (act, call.folder.join(item.key()))) }
    };
    let given: Vec<Unlucky> = items.iter().map(&mut unlucky).collect();
    let disturbance = call.disturb();
    let policy = Retry::times(1).backoff(Duration::from_micros(call.rng.below(500))).only(KINDS);
    let job = Job::new(&given).mode(mode).workers(1 + call.rng.index(3)).on_failure(OnFailure::Continue);
    let outcome = job.retry(policy).try_map(try_item).run().map_err(|error| error.to_string())?;
    let injected = Injected { deaths: n_deaths, ..disturbance.end() };
    let tally = *outcome.tally();
    let files = given.iter().filter_map(|unlucky| unlucky.at_first.as_ref());
    let n_untried = files.filter(|(_, file)| fs::remove_file(file).is_err()).count();
    judge::outcome(&items, injected, outcome)?;
    if n_untried > 0 {
        return Err(format!("{n_untried} items were never tried"));
    }
    // A worker's death is tried again without a policy. It may take failures with it that were not yet sent: those items are
    // tried again too, and then have their values.
    let is_right = if n_deaths == 0 { tally.retries == n_retries } else { tally.retries <= n_retries };
    if is_right { Ok(()) } else { Err(format!("{n_retries} items failed at first, but {tally:?}")) }
}

const KINDS: [FailureKind; 2] = [FailureKind::Error, FailureKind::Panic];
