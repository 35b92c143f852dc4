//! What a thread computes for whom, and whether waiting for a computation would be for ever.
//!
//! A *computation* is one run of a caller's function for a missing key of a cache. It runs inside of others: those in whose
//! functions it was started, on this thread, or on the one that a call of this crate or a [`ComputeContext`] came from. A
//! computation goes on only when all that runs inside of it goes on; so a wait holds up the computations that it happens in
//! and all that these run inside of, and is noted with each. Before waiting for a computation, one walks from it along these
//! notes: whoever meets one that the own wait would hold up would wait for ever. Walk and note are one step under one lock, so
//! of two that close a circle together the second one sees it.
//!
//! What it cannot see by itself: work that another library's pool carries to another thread, and that computation's wait for
//! it. For that there is [`ComputeContext`].

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::sync::{Mutex, global};

/// One run of a caller's function.
#[derive(Debug)]
pub(crate) struct Computation {
    /// What it runs inside of.
    outer: Vec<Arc<Computation>>,
}

global! {
    /// What each computation, or one inside of it, waits for; by addresses of computations that are alive as long as they stand
    /// here. Held while someone looks whether to wait and notes that it does.
    static WAITS: Mutex<HashMap<usize, Vec<Arc<Computation>>>> = Mutex::new(HashMap::new());
}

crate::sync::thread_local! {
    /// The innermost computations that this thread works for: mostly none or one, and more where work was carried here.
    static CURRENT: RefCell<Vec<Arc<Computation>>> = RefCell::default();
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
    computations: Vec<Arc<Computation>>,
}

impl ComputeContext {
    /// What this thread computes now. Outside of any computation that is nothing, and carrying it along changes nothing.
    pub fn current() -> Self {
        Self { computations: current() }
    }

    /// Runs something, on whatever thread, as a part of what the context was taken from, which must not end before; and also
    /// as a part of what that thread computes already.
    pub fn run<A>(&self, part: impl FnOnce() -> A) -> A {
        let _working = work_for_also(&self.computations);
        part()
    }
}

/// The computations that this thread works for: what a call hands on to its workers.
pub(crate) fn current() -> Vec<Arc<Computation>> {
    // A thread that is ending works for nobody any more.
    CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
}

/// Makes this thread work for these computations besides those that it works for already, until the guard ends.
pub(crate) fn work_for_also(computations: &[Arc<Computation>]) -> WorkingFor {
    let mut all = current();
    for computation in computations {
        if !has(&all, computation) {
            all.push(Arc::clone(computation));
        }
    }
    work_for(all)
}

fn work_for(computations: Vec<Arc<Computation>>) -> WorkingFor {
    WorkingFor { before: CURRENT.try_with(|current| current.replace(computations)).unwrap_or_default() }
}

/// Ends [`work_for_also`] and [`Computation::enter`].
#[derive(Debug)]
pub(crate) struct WorkingFor {
    before: Vec<Arc<Computation>>,
}

impl Drop for WorkingFor {
    fn drop(&mut self) {
        let before = std::mem::take(&mut self.before);
        // The one that ends is dropped when the place is free again. A thread that is ending has no place.
        drop(CURRENT.try_with(|current| current.replace(before)));
    }
}

impl Computation {
    /// A computation started by this thread, inside of whatever it works for.
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self { outer: current() })
    }

    /// Makes this thread work for it until the guard ends. What the thread worked for is what it runs inside of.
    pub(crate) fn enter(self: &Arc<Self>) -> WorkingFor {
        work_for(vec![Arc::clone(self)])
    }

    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

fn has(computations: &[Arc<Computation>], wanted: &Arc<Computation>) -> bool {
    computations.iter().any(|one| Arc::ptr_eq(one, wanted))
}

/// These computations and all that they run inside of.
fn lineage(mut computations: Vec<Arc<Computation>>) -> Vec<Arc<Computation>> {
    let mut next = 0;
    while let Some(computation) = computations.get(next) {
        let outer = Arc::clone(computation);
        for one in &outer.outer {
            if !has(&computations, one) {
                computations.push(Arc::clone(one));
            }
        }
        next += 1;
    }
    computations
}

/// True when `wanted` cannot end before one of `held_up` goes on.
fn depends_on(
    waits: &HashMap<usize, Vec<Arc<Computation>>>,
    wanted: &Arc<Computation>,
    held_up: &[Arc<Computation>],
) -> bool {
    let mut seen = HashSet::new();
    let mut to_visit = vec![Arc::clone(wanted)];
    while let Some(computation) = to_visit.pop() {
        if has(held_up, &computation) {
            return true;
        }
        if seen.insert(computation.address())
            && let Some(awaited) = waits.get(&computation.address())
        {
            to_visit.extend(awaited.iter().cloned());
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
        let held_up = lineage(current());
        // A thread that computes for nobody holds nobody up.
        if held_up.is_empty() {
            return Some(Self { wanted, held_up });
        }
        let mut waits = WAITS.lock();
        if depends_on(&waits, wanted, &held_up) {
            return None;
        }
        for computation in &held_up {
            waits.entry(computation.address()).or_default().push(Arc::clone(wanted));
        }
        drop(waits);
        Some(Self { wanted, held_up })
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.held_up.is_empty() {
            return;
        }
        let mut waits = WAITS.lock();
        for computation in &self.held_up {
            let Some(awaited) = waits.get_mut(&computation.address()) else { continue };
            if let Some(note) = awaited.iter().position(|one| Arc::ptr_eq(one, self.wanted)) {
                awaited.swap_remove(note);
            }
            if awaited.is_empty() {
                waits.remove(&computation.address());
            }
        }
    }
}
