//! Models of sizes that loom cannot reach, run through many random interleavings: what `tests/loom` proves for two or three
//! threads, looked at with five to nine. Orderings are not checked here: all threads see one order.
#![cfg(manyhands_shuttle)]

mod cache;
mod dispatcher;
mod lock;
mod tracker;

use manyhands::sync::{Arc, JoinHandle, spawn};

/// Starts a thread for each number below `n`, all with the same shared value.
fn crowd<T, A>(n: usize, shared: &Arc<T>, act: fn(&T, usize) -> A) -> Vec<JoinHandle<A>>
where
    T: Send + Sync + 'static,
    A: Send + 'static,
{
    let start = |number| {
        let shared = Arc::clone(shared);
        spawn(move || act(&shared, number))
    };
    (0..n).map(start).collect()
}

/// Waits for all, and gives their answers in order.
fn all<A>(crowd: Vec<JoinHandle<A>>) -> Vec<A> {
    crowd.into_iter().map(|one| one.join().expect("a panic fails the model before")).collect()
}
