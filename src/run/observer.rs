//! The observer of a run: shows progress and emits `tracing` events. The gatherer reports events to it; it decides
//! nothing.
//!
//! | event | progress | `tracing` |
//! |---|---|---|
//! | items finished | counters, by how they ended | none |
//! | an item will be retried | a counter | `INFO`, one per item |
//! | an item has failed | a counter | `WARN`, one per item |
//! | a worker was lost, or recycled | a counter | `WARN`, or `INFO` |
//!
//! The event of a failure names the kind of failure, and not the text of the caller's error, whose type need not have
//! one.
//!
//! Cost: without progress and without a subscriber that wants the level, a few branches per report. Keys of failed and
//! retried items are computed only where a subscriber wants the event, and those of all items only for a display.

use tracing::{Level, enabled, info, warn};

use crate::backend::contract::{PositionFailure, RetryRequest, WorkerEvent};
use crate::config_error::ConfigError;
use crate::failure::Cause;
use crate::outcome::Past;
use crate::progress::{ItemStatus, Progress, RenderThread, RunStatus, Snapshot};
use crate::run::positions::PositionMap;
use crate::sync::Arc;

/// Shows one run to its progress target and to `tracing`.
///
/// The default one has no progress, emits events like any other, and is what a model runs with.
#[derive(Debug, Default)]
pub(crate) struct Observer<'a> {
    progress: Option<Progress<'a>>,
    /// The state that the render thread shows; `None` without a render thread.
    status: Option<Arc<RunStatus>>,
    render_thread: Option<RenderThread>,
}

impl<'a> Observer<'a> {
    /// Starts to show a run of `total` items, where the number is known. `past` are those that are finished already.
    /// `keys` is called only where the progress target shows the keys of items.
    ///
    /// Called before anything of the run starts. With a display, all keys of a slice are computed here, once, since the
    /// thread that draws must not call the caller's function.
    ///
    /// # Errors
    /// The environment names a progress target that does not exist, or that this build lacks.
    pub(crate) fn start(
        progress: Option<Progress<'a>>,
        total: Option<usize>,
        past: &Past,
        keys: impl FnOnce() -> Option<Vec<String>>,
    ) -> Result<Self, ConfigError> {
        let Some(target) = &progress else { return Ok(Self::default()) };
        let status = Arc::new(RunStatus::new(total.map(|total| total as u64)));
        status.count(ItemStatus::Resumed, past.resumed.len() as u64);
        status.count(ItemStatus::Skipped, past.done_before.len() as u64);
        let render_thread = target.start(&status).map_err(|unknown| ConfigError::new(unknown.to_string()))?;
        if let Some(keys) = render_thread.as_ref().and_then(|_| keys()) {
            status.name_items(Arc::new(keys));
        }
        Ok(Self { status: render_thread.is_some().then_some(status), render_thread, progress })
    }

    /// Where workers note which items are in hand, if progress shows it.
    ///
    /// `None` for a callback target and without progress: then workers note nothing and pay nothing.
    pub(crate) fn status(&self) -> Option<Arc<RunStatus>> {
        self.status.clone()
    }

    /// Counts items with this end.
    pub(crate) fn count(&self, item_status: ItemStatus, n_items: usize) {
        if let Some(status) = &self.status
            && n_items > 0
        {
            status.count(item_status, n_items as u64);
        }
    }

    /// Sets the number of items, once all of a stream have been read.
    ///
    /// Called once per run, as it adds to a total that was unknown.
    pub(crate) fn set_total(&self, total: usize) {
        if let Some(status) = &self.status {
            status.grow_total(total as u64);
        }
    }

    /// Shows that no further item starts.
    ///
    /// May be called after every report; only the first call changes what is shown.
    pub(crate) fn stop(&self) {
        if let Some(status) = &self.status {
            status.stop();
        }
    }

    /// Whether the progress target takes snapshots.
    pub(crate) fn wants_snapshots(&self) -> bool {
        self.progress.is_some()
    }

    /// Shows a snapshot to a callback.
    ///
    /// Runs the caller's closure, so the gatherer calls it where a panic is caught.
    pub(crate) fn show(&mut self, snapshot: &Snapshot) {
        if let Some(progress) = &mut self.progress {
            progress.show(snapshot);
        }
    }

    /// Shows the end of the run, and waits for the render thread to end.
    ///
    /// The wait is two seconds at most. A second call does nothing.
    pub(crate) fn end(&mut self) {
        if let Some(render_thread) = self.render_thread.take() {
            render_thread.end();
        }
    }

    /// Reports failed items that will be retried.
    ///
    /// The event's `attempt` is the one that failed, so the request's number less one.
    pub(crate) fn retries(
        &self,
        requests: &[(RetryRequest, &'static str)],
        worker: Option<u32>,
        position_map: &dyn PositionMap,
    ) {
        if let Some(status) = &self.status
            && !requests.is_empty()
        {
            status.retry(requests.len() as u64);
        }
        if !enabled!(Level::INFO) {
            return;
        }
        for (request, kind) in requests {
            let (index, key) = (position_map.index_of(request.position), position_map.key_of(request.position));
            let (attempt, after) = (request.attempt - 1, request.after);
            info!(index, key, attempt, worker, kind, ?after, "an item failed and will be retried");
        }
    }

    /// Reports items that have failed and are not retried.
    pub(crate) fn failures<E>(
        &self,
        failures: &[PositionFailure<E>],
        worker: Option<u32>,
        position_map: &dyn PositionMap,
    ) {
        if failures.is_empty() || !enabled!(Level::WARN) {
            return;
        }
        for failure in failures {
            let (index, key) = (position_map.index_of(failure.position), position_map.key_of(failure.position));
            let (attempt, kind) = (failure.attempts, failure.cause.kind().as_str());
            let reason = if matches!(failure.cause, Cause::Error(_)) {
                None
            } else {
                Some(failure.cause.describe_without_error())
            };
            warn!(index, key, attempt, worker, kind, reason, "an item failed");
        }
    }

    /// Reports lost and recycled workers.
    ///
    /// The position of a lost worker is that of the item it had in hand; a worker that died between items has none.
    pub(crate) fn worker_events(&self, events: Vec<WorkerEvent>, position_map: &dyn PositionMap) {
        for event in events {
            match event {
                WorkerEvent::Lost { worker, position, attempt, exit } => {
                    if let Some(status) = &self.status {
                        status.lose_worker();
                    }
                    let index = position.map(|position| position_map.index_of(position));
                    let key = position.and_then(|position| position_map.key_of(position));
                    warn!(worker, index, key, attempt, %exit, "a worker was lost");
                }
                WorkerEvent::Recycled { worker } => {
                    if let Some(status) = &self.status {
                        status.recycle_worker();
                    }
                    info!(worker, "a worker was recycled");
                }
            }
        }
    }
}
