//! The serial backend: one chunk after the other, in the calling thread. The meaning of all the others.

use crate::config;
use crate::plan::Pace;
use crate::pool::{Brief, Claim, Finished, Gather, Output, Refusal, chunk};
use crate::sync::{AtomicUsize, Ordering};
use crate::task::Task;

/// Runs all positions in order.
pub(crate) fn run<T, K: Task<T>>(
    brief: &Brief<'_, T, K>,
    mut output: Output<'_, K::Output>,
    gather: &mut Gather<'_, K::Output, K::Error>,
) -> Result<Finished, Refusal> {
    let plan = brief.plan;
    if plan.n_items == 0 {
        return Ok(Finished::default());
    }
    let mut state = chunk::prepare(brief.task)?;
    let fence = AtomicUsize::new(plan.n_items);
    let (mut position, mut pace) = (0, None);
    while position < fence.load(Ordering::Relaxed) {
        let len = plan.chunk_len(position, pace).min(plan.window);
        let claim = Claim { first: position, len, output: output.split_off(len) };
        let chunk = {
            let _same_config = config::override_with(brief.config.clone());
            chunk::run(brief, claim, &mut state, &fence)
        };
        pace = Some(Pace::of(&chunk));
        position += len;
        // Relaxed: this thread alone reads it.
        fence.store(gather(chunk).fence, Ordering::Relaxed);
    }
    chunk::dismiss(state)?;
    Ok(Finished { workers: 1, ..Finished::default() })
}
