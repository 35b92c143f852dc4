//! The serial backend: one chunk after the other, in the calling thread. The meaning of all the others.

use std::time::Duration;

use crate::backend::amounts;
use crate::backend::plan::Pace;
use crate::backend::retry_queue::Waiting;
use crate::backend::task::Task;
use crate::backend::{BackendError, BackendStats, ChunkReport, Claim, Output, ReportSink, RunContext, worker_loop};
use crate::config;
use crate::sync::{AtomicUsize, Instant, Ordering, nap};

/// While items wait to be tried again, a stop is noticed within this time.
const NAP: Duration = Duration::from_millis(20);

/// Runs all positions in order.
pub(crate) fn run<T, K: Task<T>>(
    context: &RunContext<'_, T, K>,
    mut output: Output<'_, K::Output>,
    gather: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError> {
    let plan = context.plan;
    if plan.n_items == 0 {
        return Ok(BackendStats::default());
    }
    let mut state = worker_loop::make_state(context.task)?;
    let fence = AtomicUsize::new(plan.n_items);
    let (mut position, mut limit, mut pace) = (0, plan.stocked, None);
    let mut waiting = Waiting::default();
    let mut claim = Claim { first: 0, len: 0, attempt: 1, output: Output::InReports };
    loop {
        // Relaxed, here and below: this thread alone reads it.
        let end = limit.min(fence.load(Ordering::Relaxed));
        if claim.len == 0 {
            if let Some(again) = waiting.take_due(Instant::now()) {
                claim = Claim { first: again.position, len: 1, attempt: again.attempt, output: Output::InReports };
            } else if position < end {
                let len = plan.chunk_len(position, pace).min(plan.window).min(end - position);
                claim = Claim { first: position, len, attempt: 1, output: output.split_off(len) };
                position += len;
            }
        }
        let chunk = if claim.len > 0 {
            let _same_config = config::override_with(context.config.clone());
            let _outer = amounts::set_aside();
            let chunk = worker_loop::run(context, &mut claim, &mut state, &fence);
            pace = if claim.attempt == 1 { Some(Pace::of(&chunk)) } else { pace };
            ChunkReport { worker: Some(0), ..chunk }
        } else if position < fence.load(Ordering::Relaxed) || !waiting.is_empty() {
            nap(waiting.time_to_next(Instant::now()).unwrap_or_default().min(NAP));
            ChunkReport::nothing()
        } else {
            break;
        };
        let verdict = gather(chunk);
        fence.store(verdict.fence, Ordering::Relaxed);
        limit = verdict.limit;
        waiting.add(verdict.again, Instant::now());
        waiting.drop_from(verdict.fence);
    }
    worker_loop::drop_state(state)?;
    Ok(BackendStats { workers: 1, ..BackendStats::default() })
}
