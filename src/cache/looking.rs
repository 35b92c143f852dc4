//! Which shards this thread looks into in place, so that using a cache from inside of such a look ends in an answer or in a
//! panic, and never in a wait for oneself.

use std::cell::{Cell, RefCell};

crate::sync::thread_local! {
    /// The addresses of the shards, outermost first.
    static LOOKED_INTO: RefCell<Vec<usize>> = RefCell::default();
    /// How many those are: mostly none, and that is to be known in no time.
    static DEPTH: Cell<usize> = Cell::default();
}

/// A look into a shard, as long as it lasts.
#[derive(Debug)]
pub(super) struct Looking;

impl Looking {
    pub(super) fn into<T>(shard: &T) -> Self {
        LOOKED_INTO.with(|shards| shards.borrow_mut().push(address(shard)));
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Self
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKED_INTO.with(|shards| shards.borrow_mut().pop());
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

/// True while this thread looks into one of these shards.
#[inline]
pub(super) fn is_looking_into<T>(shards: &[T]) -> bool {
    DEPTH.with(Cell::get) > 0 && is_one_of(shards)
}

#[cold]
fn is_one_of<T>(shards: &[T]) -> bool {
    LOOKED_INTO.with(|looked_into| {
        let looked_into = looked_into.borrow();
        shards.iter().any(|shard| looked_into.contains(&address(shard)))
    })
}

fn address<T>(shard: &T) -> usize {
    std::ptr::from_ref(shard).addr()
}
