//! All that looks on while a run goes on: the progress target, and whoever listens to events. Tells, and decides nothing.

use tracing::{Level, enabled, info, warn};

use crate::backend::{PositionFailure, RetryRequest, WorkerEvent};
use crate::error::Error;
use crate::outcome::{Cause, Past};
use crate::progress::{Ending, Progress, RenderThread, RunStatus, Snapshot};
use crate::run::delivery::PositionMap;
use crate::sync::Arc;

/// Whoever looks on at one run.
#[derive(Debug, Default)]
pub(crate) struct Observer<'a> {
    progress: Option<Progress<'a>>,
    /// What a painter looks at; there where one paints.
    watch: Option<Arc<RunStatus>>,
    render_thread: Option<RenderThread>,
}

impl<'a> Observer<'a> {
    /// Begins to look on at a run of so many items, as far as that is known, some of which are finished. `names` is asked where
    /// somebody will read them.
    pub(crate) fn start(
        progress: Option<Progress<'a>>,
        total: Option<usize>,
        past: &Past,
        names: impl FnOnce() -> Option<Vec<String>>,
    ) -> Result<Self, Error> {
        let Some(target) = &progress else { return Ok(Self::default()) };
        let watch = Arc::new(RunStatus::new(total.map(|total| total as u64)));
        watch.count(Ending::Resumed, past.resumed.len() as u64);
        watch.count(Ending::Skipped, past.done_before.len() as u64);
        let render_thread = target.start(&watch).map_err(|unknown| Error::config(unknown.to_string()))?;
        if let Some(names) = render_thread.as_ref().and_then(|_| names()) {
            watch.name_items(Arc::new(names));
        }
        Ok(Self { watch: render_thread.is_some().then_some(watch), render_thread, progress })
    }

    /// What workers tell of what they have in hand, where somebody looks.
    pub(crate) fn watch(&self) -> Option<Arc<RunStatus>> {
        self.watch.clone()
    }

    /// Counts what was finished before the run, or by it.
    pub(crate) fn count(&self, ending: Ending, n_items: usize) {
        if let Some(watch) = &self.watch
            && n_items > 0
        {
            watch.count(ending, n_items as u64);
        }
    }

    /// All items have come.
    pub(crate) fn know_total(&self, total: usize) {
        if let Some(watch) = &self.watch {
            watch.grow_total(total as u64);
        }
    }

    /// Nothing new is started any more.
    pub(crate) fn stop(&self) {
        if let Some(watch) = &self.watch {
            watch.stop();
        }
    }

    /// Whether somebody wants snapshots.
    pub(crate) fn wants_snapshots(&self) -> bool {
        self.progress.is_some()
    }

    /// Shows a snapshot to a callback.
    pub(crate) fn show(&mut self, snapshot: &Snapshot) {
        if let Some(progress) = &mut self.progress {
            progress.show(snapshot);
        }
    }

    /// Nothing of the run is alive any more.
    pub(crate) fn end(&mut self) {
        if let Some(render_thread) = self.render_thread.take() {
            render_thread.end();
        }
    }

    /// Items that will be begun again.
    pub(crate) fn retries(
        &self,
        again: &[(RetryRequest, &'static str)],
        worker: Option<u32>,
        position_map: &dyn PositionMap,
    ) {
        if let Some(watch) = &self.watch
            && !again.is_empty()
        {
            watch.retry(again.len() as u64);
        }
        if !enabled!(Level::INFO) {
            return;
        }
        for (again, kind) in again {
            let (index, key) = (position_map.index_of(again.position), position_map.key_of(again.position));
            let (attempt, after) = (again.attempt - 1, again.after);
            info!(index, key, attempt, worker, kind, ?after, "an item failed and will be tried again");
        }
    }

    /// Items that have failed for good.
    pub(crate) fn failures<E>(
        &self,
        misses: &[PositionFailure<E>],
        worker: Option<u32>,
        position_map: &dyn PositionMap,
    ) {
        if misses.is_empty() || !enabled!(Level::WARN) {
            return;
        }
        for miss in misses {
            let (index, key) = (position_map.index_of(miss.position), position_map.key_of(miss.position));
            let (attempt, kind) = (miss.attempts, miss.cause.kind().as_str());
            let story = if matches!(miss.cause, Cause::Error(_)) { None } else { Some(miss.cause.story()) };
            warn!(index, key, attempt, worker, kind, story, "an item failed");
        }
    }

    /// What happened to workers.
    pub(crate) fn notes(&self, notes: Vec<WorkerEvent>, position_map: &dyn PositionMap) {
        for note in notes {
            match note {
                WorkerEvent::Lost { worker, position, attempt, ending } => {
                    if let Some(watch) = &self.watch {
                        watch.lose_worker();
                    }
                    let index = position.map(|position| position_map.index_of(position));
                    let key = position.and_then(|position| position_map.key_of(position));
                    warn!(worker, index, key, attempt, %ending, "a worker was lost");
                }
                WorkerEvent::Recycled { worker } => {
                    if let Some(watch) = &self.watch {
                        watch.recycle_worker();
                    }
                    info!(worker, "a worker was recycled");
                }
            }
        }
    }
}
