//! What a thread computes for whom, and whether waiting for a computation would be for ever.
//!
//! A *computation* is one run of a caller's function for a missing key of a cache. It has a parent: the computation in whose
//! function it was started, on this thread or, when a call of this crate was made there, on one of its workers. A computation
//! goes on only when all that runs inside it goes on; so a wait holds up the computation that it happens in and all of its
//! ancestors, and is noted with each of them. Before waiting for a computation, one walks from it along these notes: whoever
//! meets one of its own ancestors there would wait for ever. Walk and note are one step under one lock, so of two that close
//! a circle together the second one sees it.
//!
//! What it cannot see by itself: work that another library's pool carries to another thread, and that computation's wait for
//! it. For that there is [`ComputeContext`].

use std::cell::RefCell;
use std::collections::HashSet;

use std::sync::Arc;

use crate::sync::{Mutex, global};

/// One run of a caller's function.
#[derive(Debug)]
pub(crate) struct Computation {
    parent: Option<Arc<Computation>>,
    /// The computations that this one, or one inside of it, waits for. Guarded by [`GRAPH`], not by its own lock alone.
    awaited: Mutex<Vec<Arc<Computation>>>,
}

global! {
    /// Held while someone looks whether to wait, and while it notes that it does. Guards every `awaited`.
    static GRAPH: Mutex<()> = Mutex::new(());
}

crate::sync::thread_local! {
    /// The innermost computation that this thread works for.
    static CURRENT: RefCell<Option<Arc<Computation>>> = RefCell::default();
}

/// The computation that this thread works for: what a call hands on to its workers.
pub(crate) fn current() -> Option<Arc<Computation>> {
    CURRENT.with(|current| current.borrow().clone())
}

/// Makes this thread work for a computation until the guard ends.
pub(crate) fn work_for(computation: Option<Arc<Computation>>) -> WorkingFor {
    WorkingFor { before: CURRENT.with(|current| current.replace(computation)) }
}

/// Ends [`work_for`].
#[derive(Debug)]
pub(crate) struct WorkingFor {
    before: Option<Arc<Computation>>,
}

impl Drop for WorkingFor {
    fn drop(&mut self) {
        let before = self.before.take();
        CURRENT.with(|current| *current.borrow_mut() = before);
    }
}

/// What this thread computes for which cache: to be carried along when another library takes a part of the work to another
/// thread.
///
/// A computation of a [`ThreadSafeCache`](crate::ThreadSafeCache) may ask for its own key, or around a circle of keys, and gets an
/// answer instead of a wait for ever. The calls of this crate tell their workers whom they work for, and on one thread it is
/// known anyway, also when rayon steals work there. But a part that rayon or a thread of your own runs on *another* thread is a
/// stranger there: should it ask for a key that waits for that very part, both wait for ever. With rayon that can happen
/// without any circle of yours, since a thread that waits for parts of one computation takes up whatever lies around, such as
/// an item that asks for another key. So where a computation makes a call of rayon, take the context along into its parts.
///
/// ```
/// use manyhands::{ComputeContext, ThreadSafeCache};
/// use rayon::prelude::*;
///
/// let cache = ThreadSafeCache::new();
/// let sum: u64 = cache.get_or_compute(0, || {
///     let context = ComputeContext::current();
///     // Each part asks for the key that it is a part of.
///     (1..100_u64).into_par_iter().map(|part| context.run(|| part + cache.get_or_compute(0, || 1))).sum()
/// });
/// assert_eq!(sum, 4950 + 99);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a context says something only where it is carried to"]
pub struct ComputeContext {
    computation: Option<Arc<Computation>>,
}

impl ComputeContext {
    /// What this thread computes now. Outside of any computation that is nothing, and carrying it along changes nothing.
    pub fn current() -> Self {
        Self { computation: current() }
    }

    /// Runs something, on whatever thread, as a part of what the context was taken from. That must not end before.
    pub fn run<A>(&self, part: impl FnOnce() -> A) -> A {
        let _working = work_for(self.computation.clone());
        part()
    }
}

impl Computation {
    /// A computation started by this thread, inside of whatever it works for.
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self { parent: current(), awaited: Mutex::new(Vec::new()) })
    }

    /// This computation and all that it runs inside of.
    fn lineage(self: &Arc<Self>) -> Vec<Arc<Self>> {
        std::iter::successors(Some(Arc::clone(self)), |computation| computation.parent.clone()).collect()
    }
}

/// True when `wanted` cannot end before one of `waiting` goes on. Called with the graph's lock held.
fn depends_on(wanted: &Arc<Computation>, waiting: &[Arc<Computation>]) -> bool {
    let is_waiting = |computation: &Arc<Computation>| waiting.iter().any(|one| Arc::ptr_eq(one, computation));
    let mut seen = HashSet::new();
    let mut to_visit = vec![Arc::clone(wanted)];
    while let Some(computation) = to_visit.pop() {
        if is_waiting(&computation) {
            return true;
        }
        if seen.insert(Arc::as_ptr(&computation)) {
            to_visit.extend(computation.awaited.lock().iter().cloned());
        }
    }
    false
}

/// A wait for a computation, noted with all that it holds up, as long as it lasts.
#[derive(Debug)]
pub(crate) struct Wait<'w> {
    wanted: &'w Arc<Computation>,
    held_up: Vec<Arc<Computation>>,
}

impl<'w> Wait<'w> {
    /// Notes that this thread waits; `None` when the wait would be for ever.
    pub(crate) fn begin(wanted: &'w Arc<Computation>) -> Option<Self> {
        // A thread that computes for nobody holds nobody up.
        let Some(mine) = current() else { return Some(Self { wanted, held_up: Vec::new() }) };
        let held_up = mine.lineage();
        let _graph = GRAPH.lock();
        if depends_on(wanted, &held_up) {
            return None;
        }
        for computation in &held_up {
            computation.awaited.lock().push(Arc::clone(wanted));
        }
        Some(Self { wanted, held_up })
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.held_up.is_empty() {
            return;
        }
        let _graph = GRAPH.lock();
        for computation in &self.held_up {
            let mut awaited = computation.awaited.lock();
            if let Some(note) = awaited.iter().position(|one| Arc::ptr_eq(one, self.wanted)) {
                awaited.swap_remove(note);
            }
        }
    }
}
