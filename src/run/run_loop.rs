//! The loop of a run whose results are delivered: one turn per report of the backend.
//!
//! It asks the gatherer (counts and decides), the delivery (writes down and calls back) and the input reader, one after
//! the other; these know nothing of each other. `mod.rs` sets it up, and [`RunLoop::drive`] passes [`RunLoop::turn`] to
//! the backend.
//!
//! The order within a turn is not free:
//!
//! 1. The gatherer counts and picks retries first, so that the fence is known before a result is delivered.
//! 2. The delivery comes before the input: a failure needs its item for the key, and reading drops finished items. Each
//!    delivered result also makes room in the window for one more item.
//! 3. The verdict comes last, because a break of the callback, a new item and a new fence all change it.
//!
//! Items are read by another thread, and this one takes what has come. Without such a thread (serial mode), the iterator is
//! called once all that came before is done, but for items that wait to be tried again: after the delivery of the report that
//! says so, or for an empty one.
//!
//! A turn without done positions (a lost worker, or a backend that has run dry) skips the second step and may read more
//! input.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::backend::contract::{BackendError, BackendStats, ChunkReport, Output, RunContext, Verdict};
use crate::backend::mode::Mode;
use crate::backend::task::Task;
use crate::error::Error;
use crate::panics::OneByOne;
use crate::progress::ItemStatus;
use crate::run::callbacks::Callbacks;
use crate::run::delivery::{Delivery, ItemResult};
use crate::run::drop_panics::DropPanics;
use crate::run::end::RunEnd;
use crate::run::feed::{InputProgress, InputReader};
use crate::run::gatherer::Gatherer;
use crate::run::persistence::Persistence;
use crate::sync::ProcessMark;

/// The parts of a run whose results are delivered. [`turn`](RunLoop::turn) asks each of them once per report.
///
/// It is plain composition: the parts do not refer to each other, and what one has to learn of another is an argument
/// of a call here.
pub(crate) struct RunLoop<'r, 'k, 'a, T, R, E> {
    pub(crate) gatherer: Gatherer<'r, E>,
    pub(crate) delivery: Delivery<'r, R, E>,
    /// Reads the input, where that is a stream.
    pub(crate) reader: Option<InputReader<'r, 'k, T>>,
    pub(crate) persistence: &'r Persistence<'r, 'a, T, R, E>,
}

impl<T, R, E> RunLoop<'_, '_, '_, T, R, E> {
    /// Delivers the results of earlier runs.
    ///
    /// Called once, before the backend starts, with the finished items of a slice in input order; for a stream the list
    /// is empty. A callback may break here, and then the backend is not started.
    pub(crate) fn resume(&mut self, resumed: OneByOne<(usize, ItemResult<R, E>)>) {
        self.gatherer.add_past(resumed.len());
        for (index, result) in resumed {
            self.deliver(|delivery| delivery.resume(index, result));
        }
    }

    /// Lets the backend run the plan, with one [`turn`](Self::turn) per report. Where the callback wants nothing beyond the
    /// results of earlier runs, the backend is not started.
    ///
    /// Closures and destructors of the caller are caught one by one. A panic that comes out of the backend all the same
    /// is kept like one of a closure, and raised once journal and report are closed; of two panics the first wins.
    pub(crate) fn drive<M, K>(&mut self, mode: &M, context: &RunContext<'_, T, K>) -> Result<BackendStats, BackendError>
    where
        K: Task<T, Output = R, Error = E>,
        M: Mode<T, K>,
    {
        if self.gatherer.has_stopped() {
            return Ok(BackendStats::default());
        }
        let process = ProcessMark::current();
        let drive = || mode.drive(context, Output::InReports, &mut |report| self.turn(report));
        catch_unwind(AssertUnwindSafe(drive)).unwrap_or_else(|payload| {
            if !process.is_current() {
                resume_unwind(payload); // in a forked child, which must not finish its parent's run
            }
            self.gatherer.run_delivery(|| resume_unwind(payload));
            Ok(BackendStats::default())
        })
    }

    /// One turn: takes a report from the backend, delivers its results, reads the input, and decides how the run
    /// continues.
    ///
    /// The backend calls it in the calling thread, once per report.
    pub(crate) fn turn(&mut self, mut report: ChunkReport<R, E>) -> Verdict {
        let (retries, may_wait) = (self.gatherer.accept(&mut report), report.may_wait);
        let is_empty = report.done == 0;
        if !is_empty {
            let fence = self.gatherer.fence();
            self.deliver(|delivery| delivery.deliver(report, &retries, fence));
            self.gatherer.show_progress();
        }
        let is_free = is_empty || may_wait && retries.is_empty();
        if self.gatherer.wants_more() && (is_free || self.reader.as_ref().is_some_and(InputReader::is_prompt)) {
            self.read_input(may_wait);
        }
        self.gatherer.verdict(self.delivery.oldest_position(), retries)
    }

    /// Runs a step of the delivery. After a panic of one of the caller's closures, results are still written down.
    ///
    /// That is why it goes through `run_delivery` and not `run_callback`: the sink must see results that come after the
    /// panic, or a journal would lose items that were finished.
    fn deliver(&mut self, step: impl FnOnce(&mut Delivery<'_, R, E>)) {
        let Self { gatherer, delivery, .. } = self;
        if gatherer.has_panicked() {
            delivery.stop_callbacks();
        }
        gatherer.run_delivery(|| step(delivery));
        if delivery.has_stopped_callbacks() {
            gatherer.stop();
        }
    }

    /// Reads the next items of a stream, and counts those that were finished before the run.
    ///
    /// The counts of the delivery before and after say how many items were resumed, also where a panic cut the turn
    /// short. The position map and the buffer are up to date when it returns, so the verdict may name the new limit.
    fn read_input(&mut self, may_wait: bool) {
        let Self { gatherer, delivery, reader: Some(reader), persistence } = self else { return };
        let (completed, before) = (gatherer.take_completed(), delivery.resumed());
        gatherer.note_drop_panics(reader.drop_finished(completed));
        let progress = gatherer.run_callback(|| fill(reader, persistence, delivery, may_wait));
        let after = delivery.resumed();
        gatherer.count_past(after.resumed - before.resumed, ItemStatus::Resumed);
        gatherer.count_past(after.done_before - before.done_before, ItemStatus::Skipped);
        gatherer.note_input(progress);
        if delivery.has_stopped_callbacks() {
            gatherer.stop();
        }
    }

    /// Ends the run: delivers the rest and counts. `n_items` is the length of a slice.
    ///
    /// Consumes the loop, so that nothing is delivered after the counts are taken.
    pub(crate) fn finish(
        mut self,
        stats: Result<BackendStats, BackendError>,
        n_items: usize,
    ) -> (RunEnd, Result<(), Error<E>>, Callbacks) {
        let fence = self.gatherer.fence();
        self.deliver(|delivery| delivery.deliver_rest(fence));
        let (n_inputs, panics) = self.reader.as_mut().map_or((n_items, DropPanics::default()), InputReader::close);
        self.gatherer.append_drop_panics(panics);
        let delivered = self.delivery.delivered();
        self.gatherer.append_drop_panics(self.delivery.into_drop_panics());
        self.gatherer.finish_delivered(stats, &delivered, n_inputs)
    }
}

/// Reads the next items of a stream. Each is looked up, and either gets a position or its earlier result is delivered.
///
/// Ends when the window is full, the turn is over, the callback breaks, or the input ends. A look-up with an error ends
/// the input: the items before it are run, the faulty item and those after it are not.
fn fill<T, R, E>(
    reader: &mut InputReader<'_, '_, T>,
    persistence: &Persistence<'_, '_, T, R, E>,
    delivery: &mut Delivery<'_, R, E>,
    may_wait: bool,
) -> InputProgress {
    let mut turn = reader.start_turn(may_wait);
    while !delivery.has_stopped_callbacks()
        && let Some((index, item)) = reader.next(&mut turn, delivery.delivered().passed)
    {
        match persistence.look_up(index, &item) {
            Ok(None) => reader.place(&mut turn, index, item.into_inner()),
            Ok(Some(result)) => {
                reader.skip();
                delivery.drop_item(index, item.into_inner());
                delivery.resume(index, result);
            }
            Err(fault) => {
                persistence.note_fault(fault);
                delivery.drop_item(index, item.into_inner());
                reader.stop();
                break;
            }
        }
    }
    let is_open = !delivery.has_stopped_callbacks() && reader.is_within_window(delivery.delivered().passed);
    reader.end_turn(turn, is_open)
}
