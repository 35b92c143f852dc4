//! Which caches have a closure of `with` running on this thread: a use of such a cache could wait for itself, and is
//! refused.
//!
//! `lookup.rs` asks before it takes a shard's lock.
//!
//! The case that goes wrong without it: `cache.with(&a, |_| cache.insert(b, 1))`. The closure runs under the read lock
//! of a's shard. If b is in the same shard, the insert waits for all readers of it, of which its own thread is one.
//! With eight shards this happens for one pair of keys in eight, so it would be found late; a refusal is found in the
//! first test.

use std::cell::{Cell, RefCell};

crate::sync::thread_local! {
    /// The addresses of those caches, outermost first.
    static INSIDE_WITH: RefCell<Vec<usize>> = RefCell::default();
}

// Constant initial values where possible: a thread-local without one is checked at each access, and each look-up asks.
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
crate::sync::thread_local! {
    /// The length of the list.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}
#[cfg(any(manyhands_loom, manyhands_shuttle))]
crate::sync::thread_local! {
    static DEPTH: Cell<usize> = Cell::new(0);
}

/// Keeps a cache on the list of this thread while a closure of `with` runs.
#[derive(Debug)]
pub(crate) struct ReentrancyGuard;

impl ReentrancyGuard {
    pub(crate) fn enter<T>(cache: *const T) -> Self {
        // A thread that is ending has destroyed its list; there the check is left out.
        let is_noted = INSIDE_WITH.try_with(|caches| caches.borrow_mut().push(cache.addr())).is_ok();
        DEPTH.with(|depth| depth.set(depth.get() + usize::from(is_noted)));
        Self
    }
}

impl Drop for ReentrancyGuard {
    fn drop(&mut self) {
        let was_noted = INSIDE_WITH.try_with(|caches| caches.borrow_mut().pop().is_some()).unwrap_or(false);
        DEPTH.with(|depth| depth.set(depth.get() - usize::from(was_noted)));
    }
}

/// True while a closure of this cache's `with` runs on this thread.
///
/// Costs one thread-local read where no closure of `with` runs on this thread. The address is that of the cache's
/// shards, which does not change when the cache is moved.
#[inline]
pub(crate) fn is_inside_with<T>(cache: *const T) -> bool {
    DEPTH.with(Cell::get) > 0 && is_listed(cache.addr())
}

#[cold]
fn is_listed(cache: usize) -> bool {
    INSIDE_WITH.try_with(|caches| caches.borrow().contains(&cache)).unwrap_or(false)
}
