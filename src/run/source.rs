//! The iterator of a stream, and the items that it has given and the run has not taken yet.
//!
//! Promise: nothing but the items themselves waits for an iterator that blocks. A thread of its own, the reading thread,
//! calls the iterator, and hands each item over at once. The calling thread takes all that are there, waits for more only for
//! a moment, and looks at the reports of workers, at time limits and at a cancellation in between.
//!
//! | work | who reads the iterator | at the end of the run, while the iterator blocks |
//! |---|---|---|
//! | `run`, `for_each` and the like | a kept thread, which borrows the iterator | results are delivered and written down; then the call waits for the iterator |
//! | `ordered`, `as_completed`, `spawn` | a thread that owns the iterator | the run ends; the thread is left, and ends when the iterator returns |
//! | `run`, `for_each` and the like in mode `Serial` | the calling thread | the run waits in the iterator |
//! | the system starts no thread | the calling thread | the run waits in the iterator |
//!
//! The reading thread is no worker: it counts against no number of workers and no budget. It reads as far as the calling
//! thread allows, which is a window ahead of the delivered results.
//!
//! Cost: one lock per item in the reading thread, and one per turn in the calling thread. The reading thread is woken when a
//! quarter of the window is free or nothing else is left to run, and wakes the calling thread only where that one waits.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::backend::contract::{DropPanic, Dropped};
use crate::backend::thread_pool::ThreadLimit;
use crate::backend::threads::READING;
use crate::config::{self, ParallelConfig};
use crate::panics::{drop_caught, drop_each_logged, into_message};
use crate::run::drop_panics::DropPanics;
use crate::run::thread_context::ThreadContext;
use crate::sync::{Condvar, JoinHandle, Mutex, MutexGuard, ProcessMark, StackSize, end_forked_child, spawn_owned};

/// An iterator that one thread reads for another.
pub(crate) struct Source<'a, T> {
    state: Mutex<State<'a, T>>,
    /// The reading thread waits here for permission to read on.
    room: Condvar,
    /// The calling thread waits here for an item or the end.
    arrived: Condvar,
    process: ProcessMark,
}

/// What is guarded by [`Source::state`]. No code of the caller runs under the lock.
struct State<'a, T> {
    /// `None` while `next` runs, and once the iterator was dropped.
    iterator: Option<Box<dyn Iterator<Item = T> + Send + 'a>>,
    /// Whether `next` runs, or what it gave too late is being dropped.
    is_in_iterator: bool,
    /// The items that the calling thread has not taken.
    items: VecDeque<T>,
    /// The number of items that were read.
    n_read: usize,
    /// So many items may be read.
    limit: usize,
    /// Whether a reading thread reads the iterator.
    is_served: bool,
    /// Whether the reading thread waits for permission.
    waits_for_room: bool,
    /// Whether the calling thread waits for an item.
    is_awaited: bool,
    has_ended: bool,
    /// The panic of the iterator, which ends it.
    panic: Option<Box<dyn Any + Send>>,
    /// Whether the run wants no more.
    is_closed: bool,
    /// Destructors that panicked in the reading thread after the run had closed the source.
    late_panics: DropPanics,
}

/// What the calling thread asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// So many items may have been read, counted from the first one.
    pub(crate) limit: usize,
    /// How far the run reads ahead.
    pub(crate) window: usize,
    /// How long to wait for the first item, at most.
    pub(crate) wait: Duration,
}

/// A source as the run sees it, which does not know whether items are `Send`.
pub(crate) trait ItemSource<T> {
    /// Allows the reading thread to read up to a limit, and moves the items that are there to `items`, which is empty.
    /// Without a reading thread it reads one item. Gives whether the iterator has ended and all items were taken.
    ///
    /// # Panics
    /// With the panic of the iterator, once the items before it were taken, and in a forked child.
    fn take(&self, demand: Demand, items: &mut VecDeque<T>) -> bool;

    /// Whether a reading thread reads the iterator, so that [`take`](Self::take) never waits for it.
    fn is_served(&self) -> bool;

    /// Whether the iterator is being called, or what came of a call is being dropped.
    fn is_in_iterator(&self) -> bool;

    /// Says whether a reading thread reads the iterator.
    fn set_served(&self, is_served: bool);

    /// Ends the reading: gives the number of items that were read, and those that were not taken. An item that comes
    /// afterwards is dropped by the reading thread. The second call gives nothing.
    fn close(&self) -> (usize, VecDeque<T>);

    /// [`close`](Self::close) at any end of a run, after which the reading thread ends. Does nothing in a forked child, which
    /// has no such thread.
    fn close_here(&self) {
        if self.process().is_current() {
            drop_each_logged(self.close().1);
        }
    }

    /// The process of the source.
    fn process(&self) -> ProcessMark;

    /// Drops the iterator, unless it is being called: then the reading thread drops it.
    fn drop_iterator(&self) -> Result<(), String>;

    /// Destructors that panicked in the reading thread after the source was closed.
    fn take_late_panics(&self) -> DropPanics;

    /// What the reading thread does, until the iterator ends or the source is closed.
    fn read(&self);

    /// Calls `body` with a reading thread beside it, unless there is one already. Waits for the iterator at the end.
    fn read_beside(&self, config: &ParallelConfig, body: &mut dyn FnMut());
}

impl<'a, T> Source<'a, T> {
    pub(crate) fn new(iterator: impl Iterator<Item = T> + Send + 'a) -> Self {
        let state = State {
            iterator: Some(Box::new(iterator)),
            is_in_iterator: false,
            items: VecDeque::new(),
            n_read: 0,
            limit: 0,
            is_served: false,
            waits_for_room: false,
            is_awaited: false,
            has_ended: false,
            panic: None,
            is_closed: false,
            late_panics: DropPanics::default(),
        };
        let (room, arrived) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::new(state), room, arrived, process: ProcessMark::current() }
    }

    /// Calls the iterator once, without the lock. Gives the lock again, and whether the source is still open.
    fn read_one<'s>(&'s self, mut state: MutexGuard<'s, State<'a, T>>) -> (MutexGuard<'s, State<'a, T>>, bool) {
        let Some(mut iterator) = state.iterator.take() else { return (state, false) };
        state.is_in_iterator = true;
        drop(state);
        let next = catch_unwind(AssertUnwindSafe(|| iterator.next()));
        self.assert_not_forked();
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            return (self.drop_late(iterator, next.unwrap_or_else(no_item_after_a_panic)), false);
        }
        (state.iterator, state.is_in_iterator) = (Some(iterator), false);
        match next {
            Ok(Some(item)) => {
                state.items.push_back(item);
                state.n_read += 1;
            }
            Ok(None) => state.has_ended = true,
            Err(payload) => (state.has_ended, state.panic) = (true, Some(payload)),
        }
        (state, true)
    }

    /// Ends a child that was forked by the iterator, or by a closure of the caller between two items: a thread of the parent
    /// may hold the lock there. Two loads and no system call, as it is asked for every item.
    fn assert_not_forked(&self) {
        if self.process.is_seen_forked() {
            self.process.assert_current();
        }
    }

    /// Drops what came after the run had ended.
    fn drop_late(
        &self,
        iterator: Box<dyn Iterator<Item = T> + Send + 'a>,
        item: Option<T>,
    ) -> MutexGuard<'_, State<'a, T>> {
        let (item, iterator) = (drop_caught(item), drop_caught(iterator));
        let mut state = self.state.lock();
        state.is_in_iterator = false;
        let dropped = [(Dropped::Item(state.n_read), item), (Dropped::Input, iterator)];
        for (dropped, result) in dropped {
            if let Err(message) = result {
                state.late_panics.note(DropPanic { dropped, message });
            }
        }
        state
    }
}

/// A panic of the iterator after the end of the run has nothing left to end, and the panic hook has shown it. Its payload is
/// dropped without a second panic.
fn no_item_after_a_panic<T>(payload: Box<dyn Any + Send>) -> Option<T> {
    into_message(payload);
    None
}

/// A thread that owns the iterator which it reads. Dropping it, once the source is closed, waits for the thread, unless that
/// one is in the iterator.
pub(crate) struct OwnReader<T: 'static> {
    source: Arc<dyn ItemSource<T> + Send + Sync>,
    thread: Option<JoinHandle<()>>,
}

impl<T: 'static> OwnReader<T> {
    /// Starts the thread. Where the system starts none, the calling thread reads.
    pub(crate) fn start(source: &Arc<dyn ItemSource<T> + Send + Sync>) -> Self {
        source.set_served(true);
        let (context, theirs) = (ThreadContext::here(), Arc::clone(source));
        let stack_size = StackSize::Bytes(config::current().thread_stack_size());
        let process = ProcessMark::current();
        let body = move || {
            let _ = catch_unwind(AssertUnwindSafe(|| context.scope(|| theirs.read())));
            if !process.is_current() {
                end_forked_child(); // the iterator forked it: its run is in the parent
            }
        };
        let thread = spawn_owned("manyhands input".to_owned(), stack_size, body).ok();
        if thread.is_none() {
            source.set_served(false);
        }
        Self { source: Arc::clone(source), thread }
    }
}

impl<T: 'static> Drop for OwnReader<T> {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if !self.source.process().is_current() {
            std::mem::forget(thread);
        } else if !self.source.is_in_iterator() {
            let _ = thread.join(); // it has caught the panics of the iterator
        }
    }
}

impl<T> Drop for Source<'_, T> {
    /// What a run did not take as warnings: it ended by an error or a panic, or before the iterator returned.
    fn drop(&mut self) {
        if self.process.is_current() {
            std::mem::take(&mut self.state.lock().late_panics).log();
        }
    }
}

impl<T: Send> ItemSource<T> for Source<'_, T> {
    fn take(&self, demand: Demand, items: &mut VecDeque<T>) -> bool {
        self.assert_not_forked();
        let mut state = self.state.lock();
        state.limit = state.limit.max(demand.limit);
        if !state.is_served && !state.has_ended {
            (state, _) = self.read_one(state);
        }
        let room = state.limit - state.n_read;
        let is_worth_it = !demand.wait.is_zero() || room >= demand.window / 4;
        if state.waits_for_room && room > 0 && is_worth_it {
            state.waits_for_room = false;
            self.room.notify_one();
        }
        if state.items.is_empty() && !state.has_ended && !demand.wait.is_zero() {
            state.is_awaited = true;
            self.arrived.wait_for(&mut state, demand.wait);
            state.is_awaited = false;
        }
        std::mem::swap(&mut state.items, items);
        let is_over = state.has_ended && items.is_empty();
        if is_over && let Some(payload) = state.panic.take() {
            drop(state);
            resume_unwind(payload);
        }
        is_over
    }

    fn is_served(&self) -> bool {
        self.state.lock().is_served
    }

    fn is_in_iterator(&self) -> bool {
        self.state.lock().is_in_iterator
    }

    fn set_served(&self, is_served: bool) {
        self.state.lock().is_served = is_served;
    }

    fn close(&self) -> (usize, VecDeque<T>) {
        let mut state = self.state.lock();
        state.is_closed = true;
        self.room.notify_one();
        (state.n_read, std::mem::take(&mut state.items))
    }

    fn process(&self) -> ProcessMark {
        self.process
    }

    fn drop_iterator(&self) -> Result<(), String> {
        let iterator = self.state.lock().iterator.take();
        drop_caught(iterator)
    }

    fn take_late_panics(&self) -> DropPanics {
        std::mem::take(&mut self.state.lock().late_panics)
    }

    fn read(&self) {
        let mut state = self.state.lock();
        while state.is_served && !state.is_closed && !state.has_ended {
            if state.n_read >= state.limit {
                self.process.assert_current(); // where a look for every item would be a system call
                state.waits_for_room = true;
                self.room.wait(&mut state);
                continue;
            }
            let is_open;
            (state, is_open) = self.read_one(state);
            if !is_open {
                return;
            }
            if std::mem::take(&mut state.is_awaited) {
                self.arrived.notify_one();
            }
        }
    }

    fn read_beside(&self, config: &ParallelConfig, body: &mut dyn FnMut()) {
        if self.is_served() {
            return body();
        }
        let context = ThreadContext::here();
        READING.with(config, |pool| {
            pool.scope(&|| context.clone().scope(|| self.read()), |scope| {
                let _close = CloseAtEnd(self);
                self.set_served(true);
                // A slot that waits for a thread would be served late or never: then this thread reads.
                let has_thread = scope.request_helpers(1, ThreadLimit::TopLevel(usize::MAX)) > 0;
                self.set_served(has_thread);
                body();
            });
        });
    }
}

/// Closes a source when its run ends, also by a panic, so that the reading thread ends.
struct CloseAtEnd<'s, T>(&'s dyn ItemSource<T>);

impl<T> Drop for CloseAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.close_here();
    }
}
