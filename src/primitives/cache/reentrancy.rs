//! Which caches this thread looks into in place, so that using a cache from inside of such a look is refused, and never waits
//! for itself.

use std::cell::{Cell, RefCell};

crate::sync::thread_local! {
    /// The caches' addresses, outermost first.
    static LOOKED_INTO: RefCell<Vec<usize>> = RefCell::default();
}

// A constant beginning, where that may be: each look-up asks.
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
crate::sync::thread_local! {
    /// How many caches those are.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}
#[cfg(any(manyhands_loom, manyhands_shuttle))]
crate::sync::thread_local! {
    static DEPTH: Cell<usize> = Cell::new(0);
}

/// A look into a cache, as long as it lasts.
#[derive(Debug)]
pub(crate) struct ReentrancyGuard;

impl ReentrancyGuard {
    pub(crate) fn into<T>(cache: *const T) -> Self {
        // A thread that is ending has no list any more; it is trusted.
        let is_noted = LOOKED_INTO.try_with(|caches| caches.borrow_mut().push(cache.addr())).is_ok();
        DEPTH.with(|depth| depth.set(depth.get() + usize::from(is_noted)));
        Self
    }
}

impl Drop for ReentrancyGuard {
    fn drop(&mut self) {
        let was_noted = LOOKED_INTO.try_with(|caches| caches.borrow_mut().pop().is_some()).unwrap_or(false);
        DEPTH.with(|depth| depth.set(depth.get() - usize::from(was_noted)));
    }
}

/// True while this thread looks into this cache.
#[inline]
pub(crate) fn is_looking_into<T>(cache: *const T) -> bool {
    DEPTH.with(Cell::get) > 0 && is_looked_into(cache.addr())
}

#[cold]
fn is_looked_into(cache: usize) -> bool {
    LOOKED_INTO.try_with(|caches| caches.borrow().contains(&cache)).unwrap_or(false)
}
