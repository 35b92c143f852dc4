//! Which computations a thread works for, and whether a wait for a computation would never end.
//!
//! A *computation* is one run of a caller's function for a missing key of a cache. It runs inside of others: those in
//! whose functions it was started, on the same thread, or on the thread that a call of this crate or a
//! [`ComputeContext`] came from. A computation ends only after everything that runs inside of it. So a wait holds up
//! the computations that it happens in and all that these run inside of, and is recorded with each of them: this is a
//! wait-for graph. Before a thread waits for a computation, it walks the graph from there. If it meets a computation
//! that its own wait would hold up, the wait would close a cycle and never end. Walk and record are one step under one
//! lock, so of two threads that would close a cycle together the second one sees it.
//!
//! The graph does not see work that another library's pool moves to another thread, unless it runs in a
//! [`ComputeContext`].
//!
//! `cache/flight.rs` begins the waits; `backend/` makes each worker work for the computations of its call.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::sync::{Mutex, global};

/// One run of a caller's function.
#[derive(Debug)]
pub(crate) struct Computation {
    /// The innermost computations that it runs inside of. Fixed at the start, so the chain of outer computations has no
    /// cycle.
    outer: Vec<Arc<Computation>>,
}

global! {
    /// The wait-for graph: for each computation, by its address, the computations that it or one inside of it waits
    /// for. A [`Wait`] keeps the computations of its entries alive, so no address is reused. Locked during walk and
    /// record.
    static WAITS: Mutex<HashMap<usize, Vec<Arc<Computation>>>> = Mutex::new(HashMap::new());
}

crate::sync::thread_local! {
    /// The innermost computations that this thread works for: mostly none or one, and more where work was carried here.
    static CURRENT: RefCell<Vec<Arc<Computation>>> = RefCell::default();
}

/// The cache computations that a thread works for. Take it along when another library moves a part of a computation to
/// another thread.
///
/// A computation of a [`ThreadSafeCache`](crate::ThreadSafeCache) may ask for its own key, or around a circle of keys,
/// and gets an answer instead of a deadlock. Workers of this crate's calls know the computations that they work for,
/// and so does a single thread, even when rayon steals work there. A part that rayon or a thread of your own runs on
/// *another* thread does not: if it asks for a key whose computation waits for that part, both wait for ever. With
/// rayon this can happen without a circle of keys in your program: a thread that waits for the parts of one computation
/// meanwhile runs other work from the pool, such as an item that asks for another key. So where a computation calls
/// rayon, run its parts in the context.
///
/// # Cost
/// [`current`](Self::current) and [`run`](Self::run) each clone a list of `Arc`s: mostly of one inside of a
/// computation, and of none outside.
///
/// ```
/// use manyhands::cache::ComputeContext;
/// use manyhands::ThreadSafeCache;
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
#[must_use = "a context has an effect only where work runs in it"]
pub struct ComputeContext {
    computations: Vec<Arc<Computation>>,
}

impl ComputeContext {
    /// The computations that this thread works for now. Outside of any computation there are none, and the context has
    /// no effect.
    ///
    /// ```
    /// use manyhands::cache::ComputeContext;
    /// use manyhands::ThreadSafeCache;
    ///
    /// let cache = ThreadSafeCache::new();
    /// let length = cache.get_or_compute("night 1", || {
    ///     let context = ComputeContext::current();
    ///     std::thread::scope(|scope| {
    ///         // The part asks for the key that it is a part of, and computes it in place.
    ///         let part = scope.spawn(|| context.run(|| cache.get_or_compute("night 1", || 3)));
    ///         part.join().unwrap() + 4
    ///     })
    /// });
    /// assert_eq!(length, 7);
    /// ```
    pub fn current() -> Self {
        Self { computations: current() }
    }

    /// Runs a closure on this thread as a part of the computations that the context was taken from, and returns its
    /// result.
    ///
    /// The thread keeps working for its own computations, too. The computations of the context must wait for the
    /// closure: if they end before it, a wait in it may be taken for a cycle that is none.
    ///
    /// ```
    /// let context = manyhands::cache::ComputeContext::current();
    /// assert_eq!(std::thread::spawn(move || context.run(|| 6 * 7)).join().unwrap(), 42);
    /// ```
    pub fn run<A>(&self, part: impl FnOnce() -> A) -> A {
        let _working = work_for_also(&self.computations);
        part()
    }
}

/// The computations that this thread works for. A call passes them on to its workers.
pub(crate) fn current() -> Vec<Arc<Computation>> {
    // A thread that is ending has destroyed its list, and works for no computation.
    CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
}

/// Makes this thread work for these computations, too, until the guard is dropped.
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

/// Ends [`work_for_also`] and [`Computation::enter`] when it is dropped.
#[derive(Debug)]
pub(crate) struct WorkingFor {
    /// What the thread worked for before, to be restored.
    before: Vec<Arc<Computation>>,
}

impl Drop for WorkingFor {
    fn drop(&mut self) {
        let before = std::mem::take(&mut self.before);
        // The list that is replaced is dropped after the borrow of the cell has ended. A thread that is ending has no cell.
        drop(CURRENT.try_with(|current| current.replace(before)));
    }
}

impl Computation {
    /// A computation that this thread starts, inside of all that it works for.
    ///
    /// Called by the caller that leads a flight, before its function runs. Cost: one allocation, and a clone of the
    /// list.
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self { outer: current() })
    }

    /// Makes this thread work for it until the guard is dropped. What the thread worked for is in `outer`.
    ///
    /// The list then holds this computation alone: what is around it is found through `outer`, so the list stays short
    /// however deep computations are nested.
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
///
/// With a computation that runs inside of two others, of which one runs inside of a third, these are four. Each is
/// listed once. Cost: a search of the list per edge, which is quadratic; lineages are a few entries long.
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

/// True when `wanted` waits, directly or through others, for one of `held_up`.
///
/// Follows the edges of waits, each computation once. Cost: proportional to the waits that are reachable, under the
/// lock of the graph.
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

/// A wait for a computation. Its edges are in the wait-for graph as long as it lives.
#[derive(Debug)]
pub(crate) struct Wait<'w> {
    wanted: &'w Arc<Computation>,
    /// The computations that the wait holds up: each has one edge to `wanted`.
    held_up: Vec<Arc<Computation>>,
}

impl<'w> Wait<'w> {
    /// Records that this thread waits; `None` when the wait would never end.
    ///
    /// Worked case: thread 1 computes key a and asks for b; thread 2 computes b and asks for a. The wait of thread 1
    /// comes first and records the edge a -> b. Thread 2 then starts at a, follows the edge to b, and meets the
    /// computation that its own wait would hold up: `None`. It computes a in place, or returns an error, and thread 1
    /// gets b.
    ///
    /// Cost: none of this for a hit. A wait of a thread that works for no computation records nothing and takes no lock
    /// of the graph.
    pub(crate) fn begin(wanted: &'w Arc<Computation>) -> Option<Self> {
        let held_up = lineage(current());
        // A thread that works for no computation holds none up.
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
            if let Some(edge) = awaited.iter().position(|one| Arc::ptr_eq(one, self.wanted)) {
                awaited.swap_remove(edge);
            }
            if awaited.is_empty() {
                waits.remove(&computation.address());
            }
        }
    }
}
